/* SPDX-License-Identifier: Apache-2.0 */
/* Small vocabulary shared by every layer: wire-order integers, number spaces, compile-time helpers.
 *
 * be16/be32/be64 hold network byte order.  A plain uintN_t is host order.  Nothing converts
 * implicitly: ntohs/htons, ntohl/htonl, and ntoh64/hton64 from here. */
#pragma once

#include <arpa/inet.h>
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint16_t be16;
typedef uint32_t be32;
typedef uint64_t be64;

static inline uint64_t ntoh64(be64 x)
{
	return be64toh(x);
}

static inline be64 hton64(uint64_t x)
{
	return htobe64(x);
}

/* Number spaces that must not mix. */
struct dp_port { /* a datapath's port number; DP_PORT_NONE is "no port" */
	uint32_t v;
};
struct ofp_port { /* an OpenFlow port number, 32 bits as in OpenFlow 1.1+ (OFPP_* of 1.3) */
	uint32_t v;
};
#define DP_PORT_NONE UINT32_MAX

struct eth_addr {
	uint8_t b[6];
} __attribute__((aligned(2)));

/* 128-bit value in network byte order (IPv6 addresses, ct_label). */
struct be128 {
	union {
		uint8_t b[16];
		be32 w[4];
		be64 d[2];
	};
};

/* A megaflow's identity on every tier: random bits chosen when it is made, kept for its whole life.
 */
struct ufid {
	uint64_t u[2];
};

#define ARRAY_SIZE(A) (sizeof(A) / sizeof((A)[0]))
#define MIN(A, B) ((A) < (B) ? (A) : (B))
#define MAX(A, B) ((A) > (B) ? (A) : (B))
#define ROUND_UP(X, Y) (((X) + ((Y)-1)) / (Y) * (Y))
#define DIV_ROUND_UP(X, Y) (((X) + ((Y)-1)) / (Y))
#define likely(X) __builtin_expect(!!(X), 1)
#define unlikely(X) __builtin_expect(!!(X), 0)
#define container_of(PTR, TYPE, MEMBER) ((TYPE *)(void *)((char *)(PTR)-offsetof(TYPE, MEMBER)))

#define PRINTF_LIKE(FMT, ARG) __attribute__((format(printf, FMT, ARG)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define UNUSED __attribute__((unused))
#define CACHELINE 64
#define CACHE_ALIGNED __attribute__((aligned(CACHELINE)))
