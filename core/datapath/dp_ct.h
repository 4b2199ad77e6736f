/* SPDX-License-Identifier: Apache-2.0 */
/* Connection tracking of a datapath beside its ct action: an optional part of its operations
 * (dp.h), NULL where it has none.
 *
 * Connections are found by zone and tuple; limits are per zone; a timeout policy has a name of at
 * most 31 characters and one network and transport protocol, as the kernel's have
 * (nfnetlink_cttimeout.h): act_ct.timeout names it. */
#pragma once

#include "core/base/err.h"
#include "core/base/types.h"

struct dp;

struct dp_ct_tuple {
	uint16_t family; /* AF_INET (addresses in w[0]) or AF_INET6 */
	uint8_t proto;   /* 0 = any, in a filter */
	uint8_t icmp_type, icmp_code;
	struct be128 src, dst;
	be16 sport, dport; /* ICMP: sport is the identifier */
};

struct dp_ct_entry {
	struct dp_ct_tuple orig, reply;
	uint16_t zone;
	uint32_t mark, timeout_s, id;
	struct be128 label;
	uint32_t status; /* IPS_* of linux/netfilter/nf_conntrack_common.h */
	bool has_counts;
	uint64_t packets[2], bytes[2]; /* original direction, reply */
	uint8_t tcp_state[2];          /* TCP_CONNTRACK_* of nf_conntrack_tcp.h */
	uint8_t tcp_wscale[2];         /* window scale, as shift */
	uint8_t tcp_flags[2];          /* IP_CT_TCP_FLAG_* of nf_conntrack_tcp.h */
	char helper[16];
};

#define DP_CT_ANY_ZONE (-1)
struct dp_ct_filter {
	int zone;                /* DP_CT_ANY_ZONE = every */
	struct dp_ct_tuple orig; /* zero members match all; family 0 = any connection */
};

#define DP_CT_DEFAULT_ZONE (-1) /* the limit of zones that have none of their own */
struct dp_ct_limit {
	int zone;
	uint32_t limit; /* connections; 0 = without limit */
	uint32_t count; /* that there are now */
};

/* Seconds, by the names of CT_Timeout_Policy's timeouts (ovs-vswitchd.conf.db(5)). */
enum dp_ct_timeout_key {
	DP_CT_TCP_SYN_SENT,
	DP_CT_TCP_SYN_RECV,
	DP_CT_TCP_ESTABLISHED,
	DP_CT_TCP_FIN_WAIT,
	DP_CT_TCP_CLOSE_WAIT,
	DP_CT_TCP_LAST_ACK,
	DP_CT_TCP_TIME_WAIT,
	DP_CT_TCP_CLOSE,
	DP_CT_TCP_SYN_SENT2,
	DP_CT_TCP_RETRANSMIT,
	DP_CT_TCP_UNACK,
	DP_CT_UDP_FIRST,
	DP_CT_UDP_SINGLE,
	DP_CT_UDP_MULTIPLE,
	DP_CT_ICMP_FIRST,
	DP_CT_ICMP_REPLY,
	DP_CT_N_TIMEOUTS
};
extern const char *const dp_ct_timeout_name[DP_CT_N_TIMEOUTS]; /* "tcp_syn_sent" */

struct dp_ct_timeout {
	char name[32];
	uint16_t family;                    /* AF_INET, AF_INET6 */
	uint8_t proto;                      /* IPPROTO_TCP, _UDP, _ICMP, _ICMPV6 */
	uint32_t seconds[DP_CT_N_TIMEOUTS]; /* 0 = the datapath's own */
};

struct dp_ct_ops {
	/* Forgets the connections that the filter finds (NULL: all).  0, -ENOENT: one tuple was
	 * asked for and is not there. */
	int (*flush)(struct dp *dp, const struct dp_ct_filter *f);
	/* fn for each connection (borrowed) until it returns false.  -EINTR: the table changed,
	 * some may be missing. */
	int (*dump)(struct dp *dp, const struct dp_ct_filter *f,
		    bool (*fn)(const struct dp_ct_entry *e, void *arg), void *arg);
	int (*limit_set)(struct dp *dp, const struct dp_ct_limit *l, struct error *err);
	int (*limit_del)(struct dp *dp, int zone, struct error *err);
	/* Up to max limits, the default first; how many there are, -errno. */
	int (*limits)(struct dp *dp, struct dp_ct_limit *l, size_t max);
	/* What holds for the zone l->zone: its own limit or the default's, and the count. */
	int (*limit_get)(struct dp *dp, struct dp_ct_limit *l, struct error *err);
	/* Makes or changes a timeout policy / -ENOENT, -EBUSY: flows still use it. */
	int (*timeout_set)(struct dp *dp, const struct dp_ct_timeout *t, struct error *err);
	int (*timeout_del)(struct dp *dp, const char *name, struct error *err);
	/* fn for the name of each policy that there is (borrowed), whoever made it.  -EINTR: the
	 * table changed, some may be missing. */
	int (*timeouts)(struct dp *dp, void (*fn)(const char *name, void *arg), void *arg);
};
