/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nicsim: a NIC with a flow table, for tests.
 *
 * What is real in it: the driver's side of TC offload.  The kernel hands it flower rules as it
 * hands them to any driver, it takes or refuses them with a reason, it fills up, it reports
 * statistics when asked.  What is pretended: the silicon, which here is the same module working on
 * socket buffers before the host's stack sees them.
 *
 * A NIC has uplinks and representors, all ports of one switch.  Each port has two network devices:
 * the host's (what TC rules are put on: NAME for the first uplink, NAMErN for the representor of
 * function N) and the one at the far side of it (NAMEw is the wire of the uplink, NAMEvN the
 * function itself, which a test moves to the namespace of a guest).  A frame sent at the far side
 * enters the NIC and is looked up in the port's rules: what matches is carried out and the host
 * does not see it, what does not comes up at the host's device.  A frame that the host sends on its
 * device leaves at the far side.
 *
 * A NIC forgets nothing unless told to, counts each frame once, and is wrong only on command
 * (debug.c).
 *
 * Threads: TC's callbacks run without RTNL and are ordered by the NIC's lock; packets run under
 * RCU, on any processor, and take no lock but those of policers.  Netlink, debugfs and the end of a
 * network namespace make and remove NICs under one lock of the module.
 */
#pragma once

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/if_vlan.h>
#include <linux/in6.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/rhashtable.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/flow_offload.h>
#include <net/ip_tunnels.h>

enum {
	NICSIM_MAX_PORTS = 256,
	NICSIM_MAX_TAGS = 2,   /* VLAN tags that are looked at */
	NICSIM_MAX_LABELS = 3, /* MPLS label stack entries */
	NICSIM_MAX_ACTIONS = 32,
	NICSIM_MAX_HOPS = 16, /* rules that one frame may go through */
	NICSIM_HEADROOM =
		96, /* for what a frame may be put into: Ethernet, IPv6, UDP, VXLAN, tags */
};

/*
 * The tunnel that a frame came out of: part of its key, and all that is left of the outer headers.
 * Zero for a frame that came as it is.
 */
struct nicsim_enc {
	struct in6_addr src, dst; /* IPv4 in the first word */
	__be32 id;
	u32 gbp;
	__be16 sport, dport;
	u8 tos, ttl;
	u8 family; /* AF_INET, AF_INET6 */
	u8 zero;
};

/* What is known of a frame's connection. */
struct nicsim_ct {
	unsigned long
		conn; /* the kernel's pointer with its state, as in sk_buff; no part of the key */
	u32 mark;
	u32 labels[4];
	u16 state; /* TCA_FLOWER_KEY_CT_FLAGS_… */
	u16 zone;
};

/*
 * All that a rule can match on, of one frame.  Fields that a frame does not have are zero.  It is
 * masked and hashed as a whole: whoever makes one zeroes all of it first, holes too.
 */
struct nicsim_key {
	struct in6_addr src, dst; /* IPv4 and the addresses of ARP in the first word */
	struct nicsim_enc enc;
	u32 mpls[NICSIM_MAX_LABELS];
	struct nicsim_ct ct;
	__be16 proto;   /* the outermost EtherType, which TC calls the protocol of a rule */
	__be16 n_proto; /* the one behind the VLAN tags */
	__be16 tpid[NICSIM_MAX_TAGS];
	u16 tci[NICSIM_MAX_TAGS];
	__be16 behind[NICSIM_MAX_TAGS]; /* the EtherType after a tag */
	__be16 sport, dport;
	__be16 tcp_flags;
	u16 arp_op;
	u8 dmac[ETH_ALEN], smac[ETH_ALEN];
	u8 arp_sha[ETH_ALEN], arp_tha[ETH_ALEN];
	u8 tags;
	u8 ip_proto, tos, ttl;
	u8 frag; /* FLOW_DIS_IS_FRAGMENT | FLOW_DIS_FIRST_FRAG */
	u8 icmp_type, icmp_code;
} __aligned(8);

struct nf_flowtable;
struct seq_file;
struct nicsim_nic;
struct nicsim_port;
struct nicsim_tunnel;

/* Where rules are put: a port, or a tunnel device of the host.  Its tables are by chain. */
struct nicsim_block {
	struct nicsim_nic *nic;
	struct nicsim_port *port;     /* NULL: of a tunnel */
	struct nicsim_tunnel *tunnel; /* NULL: of a port */
	struct xarray chains;         /* of struct nicsim_table, RCU */
	unsigned int n_rules;         /* that TC has put here, forgotten ones too */
};

struct nicsim_table {
	struct list_head masks; /* by priority, RCU */
	struct rcu_head rcu;
};

struct nicsim_mask {
	struct list_head node;
	u32 prio;
	u32 id;
	u32 refs;
	struct nicsim_key bits;
	struct rcu_head rcu;
};

/* What the rules of a NIC are found by. */
struct nicsim_lookup {
	struct nicsim_key key; /* masked */
	u64 mask_id;
};

/* One action, compiled; run by the function of its row in action.c. */
struct nicsim_act {
	enum flow_action_id id;
	union {
		struct {
			struct nicsim_port
				*port; /* NULL: by lag_ifindex, or by the route of a tunnel */
			int lag_ifindex;
			bool tunnel, gbp;
			__be16 tunnel_port;
		} out;
		struct nicsim_encap *encap;
		struct {
			__be16 proto;
			u16 vid;
			u8 prio;
		} vlan;
		struct {
			__be16 proto;
			u32 lse, keep; /* bits to write; bits to leave as they are */
		} mpls;
		struct {
			u8 htype;
			u8 offset;
			__be32 keep, value;
			bool add;
		} mangle;
		struct {
			struct nicsim_ct_zone *zone; /* NULL: clear */
			int flags;                   /* TCA_CT_ACT_… */
		} ct;
		struct nicsim_police *police;
		u32 chain;
	};
};

struct nicsim_rule {
	struct rhash_head by_key;
	struct rhash_head by_cookie;
	struct nicsim_lookup lookup;
	struct {
		unsigned long cookie;
		struct nicsim_block *block;
	} owner;
	u32 id;
	u32 chain, prio;
	struct nicsim_mask *mask;
	u32 used_keys;
	bool present;  /* in the table; not so once it is forgotten */
	bool altered;  /* its outputs go to another port */
	bool may_miss; /* an action may send the frame up although the rule matched */
	atomic64_t packets, bytes, drops;
	unsigned long last_used;
	/* Under the NIC's lock: what statistics say (a reading of some age) and what was told
	 * already. */
	struct nicsim_reading {
		u64 packets, bytes, drops;
	} seen, told;
	unsigned long seen_at;
	struct rcu_head rcu;
	unsigned int n_acts;
	struct nicsim_act acts[];
};

struct nicsim_port {
	struct nicsim_nic *nic;
	unsigned int index;
	bool uplink;
	char phys_name[16];
	struct net_device *host, *far;
	struct nicsim_block block;
	atomic64_t hits, misses;
};

struct nicsim_nic {
	struct list_head node;
	char name[IFNAMSIZ];
	struct net *net;
	struct netdev_phys_item_id switch_id;
	struct dentry *dir;
	struct delayed_work links_up; /* after a reset */
	unsigned int n_ports, n_uplinks;

	struct mutex lock;
	struct rhashtable cookies;
	struct rhashtable keys; /* read under RCU */
	struct xarray rules;    /* by number */
	struct list_head polices;
	u32 next_rule, next_mask;
	unsigned int n_rules;
	unsigned long refused_keys;
	DECLARE_BITMAP(refused_actions, NUM_FLOW_ACTIONS);
	bool no_chains;
	unsigned int table_size;
	unsigned int lag_ms;    /* age that a reading of counters may have */
	unsigned int slow_us;   /* time that a rule takes to go in */
	unsigned int fail_next; /* so many insertions fail with ENOMEM */
	bool mute;              /* statistics tell nothing new */
	bool pin;               /* next hops are those of when the rule went in */
	u64 n_refused, n_full;
	struct list_head block_cbs;
	struct list_head tunnels; /* RCU */

	struct list_head ct_zones; /* under lock */
	u64 next_zone;
	struct rhashtable ct_tuples; /* read under RCU */

	struct mutex ct_lock;
	struct rhashtable ct_cookies;

	atomic64_t oversize, too_many_hops, lost;

	struct nicsim_port ports[];
};

/* A frame on its way through the NIC. */
struct nicsim_run {
	struct nicsim_nic *nic;
	struct nicsim_port *in;
	struct nicsim_block *block;
	struct sk_buff *skb; /* as the actions have made it */
	struct sk_buff
		*safe; /* as it is given to the host when it comes to a miss; NULL: as it is now */
	struct nicsim_key key;
	bool stale;            /* the frame was changed since the key was made */
	struct nicsim_enc enc; /* until it is decapsulated by an action */
	unsigned int outer;    /* length of the outer headers, which are still there before data */
	struct nicsim_ct ct;
	const struct nicsim_encap *encap; /* what the outputs to tunnels after it are put in */
	u32 chain;
	unsigned int n_hits;
	struct {
		struct nicsim_rule *rule;
		unsigned int bytes, drops;
	} hits[NICSIM_MAX_HOPS];
	struct sk_buff_head out; /* what leaves when the whole is settled; skb->dev says where */
};

enum nicsim_verdict {
	NICSIM_NEXT, /* the next action */
	NICSIM_DONE, /* the frame is dealt with */
	NICSIM_GOTO, /* run->chain is next */
	NICSIM_UP,   /* to the host, as it is now */
	NICSIM_MISS, /* to the host, as if the rule had not matched */
};

/* main.c */
extern const char nicsim_driver[];

/* nic.c: made and removed under the module's lock. */
struct nicsim_options {
	char name[IFNAMSIZ];
	unsigned int ports, uplinks, table_size;
	unsigned long refused_keys;
	DECLARE_BITMAP(refused_actions, NUM_FLOW_ACTIONS);
	bool no_chains;
};
struct nicsim_nic *nicsim_nic_new(struct net *net, const struct nicsim_options *options);
void nicsim_nic_free(struct nicsim_nic *nic);

/* netdev.c */
struct net_device *nicsim_netdev_new(struct nicsim_port *port, const char *name, bool far);
struct nicsim_port *nicsim_port_of(const struct nicsim_nic *nic, const struct net_device *dev);
void nicsim_anonymous(struct sk_buff *skb);
bool nicsim_go_on_in(struct nicsim_nic *nic, struct sk_buff *skb, u32 chain);
void nicsim_deliver(struct net_device *dev, struct sk_buff *skb);
void nicsim_deliver_up(struct nicsim_run *run, struct sk_buff *skb, u32 chain);
void nicsim_send_out(struct sk_buff *skb);

/* frame.c */
bool nicsim_frame_parse(struct sk_buff *skb, struct nicsim_key *key);
int nicsim_frame_l3(const struct sk_buff *skb);
int nicsim_frame_l4(const struct sk_buff *skb, int l3, u8 *protocol);

/* rule.c: the flow block's callback and what commands need. */
int nicsim_block_cb(enum tc_setup_type type, void *type_data, void *block);
void nicsim_block_init(struct nicsim_block *block, struct nicsim_nic *nic);
void nicsim_block_done(struct nicsim_block *block);
int nicsim_rules_init(struct nicsim_nic *nic);
void nicsim_rules_done(struct nicsim_nic *nic);
struct nicsim_rule *nicsim_rule_find(struct nicsim_block *block, u32 chain,
				     const struct nicsim_key *key);
void nicsim_rule_forget(struct nicsim_rule *rule);

/* match.c */
struct nicsim_rule_match {
	struct nicsim_key key, mask;
	u32 used_keys;
};
int nicsim_match(struct nicsim_nic *nic, struct flow_cls_offload *offload,
		 struct nicsim_rule_match *match);
int nicsim_key_by_name(const char *name);
const char *nicsim_key_name(unsigned int id);

/* action.c */
int nicsim_compile(struct nicsim_block *block, struct flow_cls_offload *offload,
		   struct nicsim_rule *rule);
void nicsim_release(struct nicsim_rule *rule);
enum nicsim_verdict nicsim_act_run(struct nicsim_run *run, const struct nicsim_rule *rule,
				   const struct nicsim_act *act);
int nicsim_action_by_name(const char *name);
const char *nicsim_action_name(unsigned int id);

/* edit.c */
int nicsim_vlan_push(struct sk_buff *skb, __be16 proto, u16 tci);
int nicsim_vlan_pop(struct sk_buff *skb);
int nicsim_vlan_set(struct sk_buff *skb, __be16 proto, u16 vid);
int nicsim_mpls_push(struct sk_buff *skb, __be16 proto, u32 lse);
int nicsim_mpls_pop(struct sk_buff *skb, __be16 proto);
int nicsim_mpls_set(struct sk_buff *skb, u32 lse, u32 keep);

/* mangle.c */
int nicsim_mangle_compile(const struct flow_action_entry *entry, struct nicsim_act *act,
			  struct netlink_ext_ack *extack);
int nicsim_mangle(struct sk_buff *skb, const struct nicsim_act *act);

/* tunnel.c: rules on tunnel devices, and frames that come out of tunnels. */
int nicsim_tunnels_init(struct nicsim_nic *nic);
void nicsim_tunnels_done(struct nicsim_nic *nic);
bool nicsim_tunnel_enter(struct nicsim_run *run);
void nicsim_tunnel_leave(struct nicsim_run *run);
void nicsim_tunnel_deliver_up(struct nicsim_run *run, struct sk_buff *skb, u32 chain);
const char *nicsim_tunnel_name(const struct nicsim_tunnel *tunnel);

/* encap.c: frames that are put into tunnels. */
struct nicsim_encap *nicsim_encap_new(struct nicsim_nic *nic, const struct ip_tunnel_info *info,
				      struct netlink_ext_ack *extack);
void nicsim_encap_free(struct nicsim_encap *encap);
struct nicsim_port *nicsim_encapsulate(struct nicsim_run *run, struct sk_buff *skb,
				       const struct nicsim_act *out);

/* ct.c: connections. */
int nicsim_ct_init(struct nicsim_nic *nic);
void nicsim_ct_done(struct nicsim_nic *nic);
struct nicsim_ct_zone *nicsim_ct_zone_get(struct nicsim_nic *nic, struct nf_flowtable *table,
					  u16 number);
void nicsim_ct_zone_put(struct nicsim_ct_zone *zone);
void nicsim_ct_forget_all(struct nicsim_nic *nic);
unsigned int nicsim_ct_count(const struct nicsim_nic *nic);
void nicsim_ct_show(struct nicsim_nic *nic, struct seq_file *s);
enum nicsim_verdict nicsim_ct_run(struct nicsim_run *run, const struct nicsim_act *act);
void nicsim_ct_restore(const struct nicsim_run *run, struct sk_buff *skb);

/* exec.c */
void nicsim_receive(struct nicsim_port *port, struct sk_buff *skb);

/* police.c */
struct nicsim_police *nicsim_police_get(struct nicsim_nic *nic,
					const struct flow_action_entry *entry,
					struct netlink_ext_ack *extack);
void nicsim_police_put(struct nicsim_nic *nic, struct nicsim_police *police);
bool nicsim_police_conforms(struct nicsim_police *police, unsigned int bytes);
int nicsim_police_offload(struct nicsim_nic *nic, struct flow_offload_action *offload);

/* debug.c */
void nicsim_debug_add(struct nicsim_nic *nic, struct dentry *root);
void nicsim_debug_remove(struct nicsim_nic *nic);
int nicsim_refuse(unsigned long *keys, unsigned long *actions, char *names, bool refuse);
