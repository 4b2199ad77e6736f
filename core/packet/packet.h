/* SPDX-License-Identifier: Apache-2.0 */
/* A packet in flight: a frame without FCS, where its headers are, and the metadata that came with
 * it.
 *
 * The bytes live wherever the port received them (a ring slot, a buffer of our own): `data` is
 * valid until the batch that brought the packet is done, and has PACKET_HEADROOM writable bytes in
 * front unless `headroom` says less. Whoever keeps a packet longer copies it (packet_clone).  One
 * thread owns a packet at a time. */
#pragma once

#include "core/packet/flow_key.h"

#define PACKET_HEADROOM 128
#define PACKET_BATCH 32
#define PACKET_MAX_LEN 65535
#define PACKET_NO_OFS UINT16_MAX

struct packet {
	uint8_t *data;     /* first byte of the frame */
	uint32_t len;      /* bytes from data */
	uint16_t headroom; /* writable bytes before data */
	uint16_t tailroom; /* writable bytes behind data + len */
	uint16_t l3_ofs; /* from data; PACKET_NO_OFS = none.  Behind VLAN tags; at the MPLS stack's
			    first LSE for MPLS */
	uint16_t l4_ofs;
	uint8_t flags;       /* PACKET_F_* */
	uint8_t csum_ofs;    /* with CSUM_PARTIAL: the checksum field, from csum_start */
	uint16_t csum_start; /* with CSUM_PARTIAL: first byte that the sum covers, from data */
	uint16_t gso_size; /* payload bytes of a segment when the frame is a large segment; 0 = not
			      one */
	uint8_t gso_type;  /* VIRTIO_NET_HDR_GSO_* of linux/virtio_net.h when gso_size is not 0 */
	uint32_t hash;     /* hash of the key's 5-tuple; valid with PACKET_F_HASH */
	struct dp_port in_port;
	uint64_t rx_ns; /* 0 = unknown */
	/* The outer header: what it came with, from a tunnel's port until the datapath has it in
	 * the key; then what it is to be sent with, as SETs of tunnel fields write it.  Borrowed
	 * from who has the packet at the time; NULL: none. */
	struct flow_tnl *tnl;
	uint8_t *buffer; /* owned allocation when not NULL (clones, packet-outs) */
};
#define PACKET_F_HASH 0x01
#define PACKET_F_CSUM_PARTIAL                                                                      \
	0x02 /* L4 checksum is the pseudo-header's only: finish it before it leaves us */
#define PACKET_F_CSUM_OK 0x04 /* the port vouches for the L4 checksum */
#define PACKET_F_VLAN_STRIPPED 0x08

/* A packet with memory of its own: `len` bytes from `data`, PACKET_HEADROOM before, `tail` behind.
 */
struct packet *packet_new(const void *data, size_t len, size_t tail);
/* The same with what p has, *p->tnl included. */
struct packet *packet_clone(const struct packet *p);
void packet_free(struct packet *p);
/* n bytes more (push) or fewer (pull) at the front, csum_start moving along; push returns NULL when
 * the headroom is too small. */
uint8_t *packet_push(struct packet *p, unsigned n);
void packet_pull(struct packet *p, unsigned n);

struct packet_batch {
	unsigned n;
	struct packet *p[PACKET_BATCH];
};
