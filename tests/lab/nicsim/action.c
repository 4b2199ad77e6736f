// SPDX-License-Identifier: GPL-2.0
/*
 * Actions: a row for each, with the function that compiles it when a rule is put in and the one
 * that carries it out.
 *
 * Refused are actions without a row's functions, those that the NIC's profile lacks, and lists that
 * do not say what becomes of the frame in the end.  (Software TC would let such a frame up; a NIC
 * would drop it; so no rule may depend on that.)
 */
#include <linux/mpls.h>
#include <net/flow_offload.h>
#include <net/mpls.h>
#include <net/pkt_cls.h>
#include <net/tc_act/tc_ct.h>
#include <net/tc_act/tc_mpls.h>
#include <net/vxlan.h>

#include "nicsim.h"

struct compiling {
	struct nicsim_block *block;
	struct nicsim_rule *rule;
	struct netlink_ext_ack *extack;
	bool last;  /* no action comes after */
	bool encap; /* outputs to tunnels know where to */
};
typedef int compile_fn(struct compiling *c, const struct flow_action_entry *entry,
		       struct nicsim_act *act);
typedef enum nicsim_verdict run_fn(struct nicsim_run *run, const struct nicsim_rule *rule,
				   const struct nicsim_act *act);

/* --- where the frame goes --- */

static enum nicsim_verdict run_drop(struct nicsim_run *run, const struct nicsim_rule *rule,
				    const struct nicsim_act *act)
{
	kfree_skb(run->skb);
	run->skb = NULL;
	return NICSIM_DONE;
}

static enum nicsim_verdict run_trap(struct nicsim_run *run, const struct nicsim_rule *rule,
				    const struct nicsim_act *act)
{
	return NICSIM_UP;
}

static int compile_goto(struct compiling *c, const struct flow_action_entry *entry,
			struct nicsim_act *act)
{
	if (c->block->nic->no_chains) {
		NL_SET_ERR_MSG_MOD(c->extack, "rules in chains other than 0 are not supported");
		return -EOPNOTSUPP;
	}
	act->chain = entry->chain_index;
	return 0;
}

static enum nicsim_verdict run_goto(struct nicsim_run *run, const struct nicsim_rule *rule,
				    const struct nicsim_act *act)
{
	run->chain = act->chain;
	return NICSIM_GOTO;
}

static int compile_tunnel_output(struct compiling *c, const struct net_device *dev,
				 struct nicsim_act *act)
{
	const struct vxlan_dev *vxlan = netdev_priv(dev);

	if (!c->encap) {
		NL_SET_ERR_MSG_MOD(c->extack, "an output to a tunnel without tunnel_key before it");
		return -EOPNOTSUPP;
	}
	act->out.tunnel = true;
	act->out.tunnel_port = vxlan->cfg.dst_port;
	act->out.gbp = vxlan->cfg.flags & VXLAN_F_GBP;
	c->rule->may_miss = true; /* while the next hop is not known */
	return 0;
}

/* A port of this NIC, a bond with one of its ports in it, or a VXLAN device, which means the port
 * that its route leads to. */
static int compile_output(struct compiling *c, const struct flow_action_entry *entry,
			  struct nicsim_act *act)
{
	struct nicsim_nic *nic = c->block->nic;

	act->out.port = nicsim_port_of(nic, entry->dev);
	if (act->out.port)
		return 0;
	if (entry->dev && netif_is_lag_master(entry->dev)) {
		act->out.lag_ifindex = entry->dev->ifindex;
		return 0;
	}
	if (entry->dev && netif_is_vxlan(entry->dev))
		return compile_tunnel_output(c, entry->dev, act);
	NL_SET_ERR_MSG_MOD(c->extack, "an output that is no port of this NIC");
	return -EOPNOTSUPP;
}

static int compile_encap(struct compiling *c, const struct flow_action_entry *entry,
			 struct nicsim_act *act)
{
	struct nicsim_encap *encap = nicsim_encap_new(c->block->nic, entry->tunnel, c->extack);

	if (IS_ERR(encap))
		return PTR_ERR(encap);
	act->encap = encap;
	c->encap = true;
	return 0;
}

static enum nicsim_verdict run_encap(struct nicsim_run *run, const struct nicsim_rule *rule,
				     const struct nicsim_act *act)
{
	run->encap = act->encap;
	return NICSIM_NEXT;
}

static int compile_decap(struct compiling *c, const struct flow_action_entry *entry,
			 struct nicsim_act *act)
{
	if (c->block->tunnel)
		return 0;
	NL_SET_ERR_MSG_MOD(c->extack, "decapsulation elsewhere than on a tunnel device");
	return -EOPNOTSUPP;
}

/* The outer headers are off since the tunnel's rules are looked at; what is forgotten here is what
 * they said. */
static enum nicsim_verdict run_decap(struct nicsim_run *run, const struct nicsim_rule *rule,
				     const struct nicsim_act *act)
{
	memset(&run->enc, 0, sizeof(run->enc));
	return NICSIM_NEXT;
}

/* The port that a bond would choose for this frame; NULL when that is none of ours. */
static struct nicsim_port *lag_port(struct nicsim_run *run, int ifindex)
{
	struct net_device *lag = dev_get_by_index_rcu(run->nic->net, ifindex), *member;

	if (!lag || !netif_is_lag_master(lag))
		return NULL;
	member = netdev_get_xmit_slave(lag, run->skb, false);
	return nicsim_port_of(run->nic, member);
}

/* The port that a frame leaves by; the frame may become another one.  NULL when there is none now.
 */
static struct nicsim_port *output_port(struct nicsim_run *run, const struct nicsim_rule *rule,
				       const struct nicsim_act *act, struct sk_buff *skb)
{
	struct nicsim_port *port = act->out.port;

	if (act->out.tunnel)
		port = nicsim_encapsulate(run, skb, act);
	else if (!port)
		port = lag_port(run, act->out.lag_ifindex);
	if (port && rule->altered)
		port = &run->nic->ports[(port->index + 1) % run->nic->n_ports];
	return port;
}

/* A frame is on its way out, or not: a tunnel without a next hop makes the rule miss, anything else
 * is a loss. */
static enum nicsim_verdict leave(struct nicsim_run *run, const struct nicsim_rule *rule,
				 const struct nicsim_act *act, struct sk_buff *skb)
{
	struct nicsim_port *port = skb ? output_port(run, rule, act, skb) : NULL;

	if (port) {
		skb->dev = port->far;
		__skb_queue_tail(&run->out, skb);
		return NICSIM_DONE;
	}
	kfree_skb(skb);
	if (act->out.tunnel)
		return NICSIM_MISS;
	atomic64_inc(&run->nic->lost);
	return NICSIM_DONE;
}

static enum nicsim_verdict run_redirect(struct nicsim_run *run, const struct nicsim_rule *rule,
					const struct nicsim_act *act)
{
	struct sk_buff *skb = run->skb;

	run->skb = NULL;
	return leave(run, rule, act, skb);
}

/* A mirror as the last action is an output like the others. */
static enum nicsim_verdict run_mirror(struct nicsim_run *run, const struct nicsim_rule *rule,
				      const struct nicsim_act *act)
{
	enum nicsim_verdict verdict;

	if (act == &rule->acts[rule->n_acts - 1])
		return run_redirect(run, rule, act);
	verdict = leave(run, rule, act, skb_copy_expand(run->skb, NICSIM_HEADROOM, 0, GFP_ATOMIC));
	return verdict == NICSIM_DONE ? NICSIM_NEXT : verdict;
}

/* --- what is done to it --- */

static enum nicsim_verdict edited(struct nicsim_run *run, int err)
{
	run->stale = true;
	if (!err)
		return NICSIM_NEXT;
	atomic64_inc(&run->nic->lost);
	kfree_skb(run->skb);
	run->skb = NULL;
	return NICSIM_DONE;
}

static int compile_vlan(struct compiling *c, const struct flow_action_entry *entry,
			struct nicsim_act *act)
{
	act->vlan.proto = entry->vlan.proto;
	act->vlan.vid = entry->vlan.vid;
	act->vlan.prio = entry->vlan.prio;
	if (entry->id == FLOW_ACTION_VLAN_MANGLE && entry->vlan.prio) {
		NL_SET_ERR_MSG_MOD(c->extack, "the priority of a VLAN tag cannot be changed");
		return -EOPNOTSUPP;
	}
	return 0;
}

static enum nicsim_verdict run_vlan_push(struct nicsim_run *run, const struct nicsim_rule *rule,
					 const struct nicsim_act *act)
{
	return edited(run, nicsim_vlan_push(run->skb, act->vlan.proto,
					    act->vlan.vid | act->vlan.prio << VLAN_PRIO_SHIFT));
}

static enum nicsim_verdict run_vlan_pop(struct nicsim_run *run, const struct nicsim_rule *rule,
					const struct nicsim_act *act)
{
	return edited(run, nicsim_vlan_pop(run->skb));
}

static enum nicsim_verdict run_vlan_set(struct nicsim_run *run, const struct nicsim_rule *rule,
					const struct nicsim_act *act)
{
	return edited(run, nicsim_vlan_set(run->skb, act->vlan.proto, act->vlan.vid));
}

/* The bits of a label that are given, and those that stay as they are.  TC says "not given" in a
 * way of its own for each. */
static void mpls_bits(struct nicsim_act *act, u32 label, u8 tc, u8 bos, u8 ttl)
{
	act->mpls.lse = 0;
	act->mpls.keep = ~0U;
	if (label != ACT_MPLS_LABEL_NOT_SET) {
		act->mpls.lse |= label << MPLS_LS_LABEL_SHIFT;
		act->mpls.keep &= ~MPLS_LS_LABEL_MASK;
	}
	if (tc != ACT_MPLS_TC_NOT_SET) {
		act->mpls.lse |= (u32)tc << MPLS_LS_TC_SHIFT;
		act->mpls.keep &= ~MPLS_LS_TC_MASK;
	}
	if (bos != ACT_MPLS_BOS_NOT_SET) {
		act->mpls.lse |= (u32)bos << MPLS_LS_S_SHIFT;
		act->mpls.keep &= ~MPLS_LS_S_MASK;
	}
	if (ttl) {
		act->mpls.lse |= ttl;
		act->mpls.keep &= ~MPLS_LS_TTL_MASK;
	}
}

static int compile_mpls_push(struct compiling *c, const struct flow_action_entry *entry,
			     struct nicsim_act *act)
{
	act->mpls.proto = entry->mpls_push.proto;
	mpls_bits(act, entry->mpls_push.label, entry->mpls_push.tc, entry->mpls_push.bos,
		  entry->mpls_push.ttl);
	return 0;
}

/* Where it is not given, the bottom of the stack is what is pushed onto something else than a
 * label. */
static enum nicsim_verdict run_mpls_push(struct nicsim_run *run, const struct nicsim_rule *rule,
					 const struct nicsim_act *act)
{
	u32 lse = act->mpls.lse;
	int l3 = nicsim_frame_l3(run->skb);

	if (act->mpls.keep & MPLS_LS_S_MASK && l3 > 0 &&
	    !eth_p_mpls(*(__be16 *)(run->skb->data + l3 - sizeof(__be16))))
		lse |= MPLS_LS_S_MASK;
	return edited(run, nicsim_mpls_push(run->skb, act->mpls.proto, lse));
}

static int compile_mpls_pop(struct compiling *c, const struct flow_action_entry *entry,
			    struct nicsim_act *act)
{
	act->mpls.proto = entry->mpls_pop.proto;
	return 0;
}

static enum nicsim_verdict run_mpls_pop(struct nicsim_run *run, const struct nicsim_rule *rule,
					const struct nicsim_act *act)
{
	return edited(run, nicsim_mpls_pop(run->skb, act->mpls.proto));
}

static int compile_mpls_set(struct compiling *c, const struct flow_action_entry *entry,
			    struct nicsim_act *act)
{
	mpls_bits(act, entry->mpls_mangle.label, entry->mpls_mangle.tc, entry->mpls_mangle.bos,
		  entry->mpls_mangle.ttl);
	return 0;
}

static enum nicsim_verdict run_mpls_set(struct nicsim_run *run, const struct nicsim_rule *rule,
					const struct nicsim_act *act)
{
	return edited(run, nicsim_mpls_set(run->skb, act->mpls.lse, act->mpls.keep));
}

static int compile_mangle(struct compiling *c, const struct flow_action_entry *entry,
			  struct nicsim_act *act)
{
	return nicsim_mangle_compile(entry, act, c->extack);
}

static enum nicsim_verdict run_mangle(struct nicsim_run *run, const struct nicsim_rule *rule,
				      const struct nicsim_act *act)
{
	return edited(run, nicsim_mangle(run->skb, act));
}

/* Checksums are put right with each change, as a NIC does; that TC asks for it as well is in order.
 */
static int compile_nothing(struct compiling *c, const struct flow_action_entry *entry,
			   struct nicsim_act *act)
{
	return 0;
}

static enum nicsim_verdict run_nothing(struct nicsim_run *run, const struct nicsim_rule *rule,
				       const struct nicsim_act *act)
{
	return NICSIM_NEXT;
}

static int compile_police(struct compiling *c, const struct flow_action_entry *entry,
			  struct nicsim_act *act)
{
	struct nicsim_police *police;

	if (entry->police.notexceed.act_id == FLOW_ACTION_ACCEPT && !c->last) {
		NL_SET_ERR_MSG_MOD(c->extack, "police must pipe to the actions after it");
		return -EOPNOTSUPP;
	}
	police = nicsim_police_get(c->block->nic, entry, c->extack);
	if (IS_ERR(police))
		return PTR_ERR(police);
	act->police = police;
	return 0;
}

static enum nicsim_verdict run_police(struct nicsim_run *run, const struct nicsim_rule *rule,
				      const struct nicsim_act *act)
{
	if (nicsim_police_conforms(act->police, run->skb->len))
		return NICSIM_NEXT;
	run->hits[run->n_hits - 1].drops++;
	kfree_skb(run->skb);
	run->skb = NULL;
	return NICSIM_DONE;
}

static int compile_ct(struct compiling *c, const struct flow_action_entry *entry,
		      struct nicsim_act *act)
{
	struct nicsim_ct_zone *zone;

	if (entry->ct.action & TCA_CT_ACT_COMMIT) {
		NL_SET_ERR_MSG_MOD(c->extack, "connections are committed in software");
		return -EOPNOTSUPP;
	}
	act->ct.flags = entry->ct.action;
	if (entry->ct.action & TCA_CT_ACT_CLEAR)
		return 0;
	zone = nicsim_ct_zone_get(c->block->nic, entry->ct.flow_table, entry->ct.zone);
	if (IS_ERR(zone))
		return PTR_ERR(zone);
	act->ct.zone = zone;
	c->rule->may_miss = true;
	return 0;
}

static enum nicsim_verdict run_ct(struct nicsim_run *run, const struct nicsim_rule *rule,
				  const struct nicsim_act *act)
{
	return nicsim_ct_run(run, act);
}

/* --- the table --- */

#define ROW(id, word, ...)                                                                         \
	[FLOW_ACTION_##id] = { word, KBUILD_MODNAME ": no action " word, __VA_ARGS__ }

static const struct row {
	const char *name;
	const char *refusal;
	compile_fn *compile;
	run_fn *run;
	bool ends; /* says what becomes of the frame */
} rows[] = {
	ROW(ACCEPT, "accept"),
	ROW(DROP, "drop", compile_nothing, run_drop, true),
	ROW(TRAP, "trap", compile_nothing, run_trap, true),
	ROW(GOTO, "goto", compile_goto, run_goto, true),
	ROW(REDIRECT, "redirect", compile_output, run_redirect, true),
	ROW(MIRRED, "mirror", compile_output, run_mirror, true),
	ROW(REDIRECT_INGRESS, "redirect_ingress"),
	ROW(MIRRED_INGRESS, "mirror_ingress"),
	ROW(VLAN_PUSH, "vlan_push", compile_vlan, run_vlan_push),
	ROW(VLAN_POP, "vlan_pop", compile_nothing, run_vlan_pop),
	ROW(VLAN_MANGLE, "vlan_mangle", compile_vlan, run_vlan_set),
	ROW(TUNNEL_ENCAP, "tunnel_encap", compile_encap, run_encap),
	ROW(TUNNEL_DECAP, "tunnel_decap", compile_decap, run_decap),
	ROW(MANGLE, "mangle", compile_mangle, run_mangle),
	ROW(ADD, "add", compile_mangle, run_mangle),
	ROW(CSUM, "csum", compile_nothing, run_nothing),
	ROW(MARK, "mark"),
	ROW(PTYPE, "ptype"),
	ROW(PRIORITY, "priority"),
	ROW(WAKE, "wake"),
	ROW(QUEUE, "queue"),
	ROW(SAMPLE, "sample"),
	ROW(POLICE, "police", compile_police, run_police),
	ROW(CT, "ct", compile_ct, run_ct),
	ROW(CT_METADATA, "ct_metadata"),
	ROW(MPLS_PUSH, "mpls_push", compile_mpls_push, run_mpls_push),
	ROW(MPLS_POP, "mpls_pop", compile_mpls_pop, run_mpls_pop),
	ROW(MPLS_MANGLE, "mpls_mangle", compile_mpls_set, run_mpls_set),
	ROW(GATE, "gate"),
	ROW(PPPOE_PUSH, "pppoe_push"),
	ROW(JUMP, "jump"),
	ROW(PIPE, "pipe"),
	ROW(VLAN_PUSH_ETH, "eth_push"),
	ROW(VLAN_POP_ETH, "eth_pop"),
	ROW(CONTINUE, "continue"),
};
static_assert(ARRAY_SIZE(rows) == NUM_FLOW_ACTIONS);

const char *nicsim_action_name(unsigned int id)
{
	return rows[id].name;
}

int nicsim_action_by_name(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!strcmp(rows[i].name, name))
			return i;
	}
	return -ENOENT;
}

static int compile_one(struct compiling *c, const struct flow_action_entry *entry)
{
	struct nicsim_act *act = &c->rule->acts[c->rule->n_acts];
	int err;

	if (entry->id >= ARRAY_SIZE(rows) || !rows[entry->id].compile ||
	    test_bit(entry->id, c->block->nic->refused_actions)) {
		if (c->extack)
			c->extack->_msg = entry->id < ARRAY_SIZE(rows) ? rows[entry->id].refusal
								       : KBUILD_MODNAME
						  ": an unknown action";
		return -EOPNOTSUPP;
	}
	act->id = entry->id;
	err = rows[entry->id].compile(c, entry, act);
	if (!err)
		c->rule->n_acts++;
	return err;
}

/* Fills the rule's actions; on failure nothing is left held. */
int nicsim_compile(struct nicsim_block *block, struct flow_cls_offload *offload,
		   struct nicsim_rule *rule)
{
	struct flow_action *action = &flow_cls_offload_flow_rule(offload)->action;
	struct compiling c = { .block = block, .rule = rule, .extack = offload->common.extack };
	const struct flow_action_entry *entry;
	int i, err;

	if (action->num_entries > NICSIM_MAX_ACTIONS) {
		NL_SET_ERR_MSG_MOD(c.extack, "too many actions in a rule");
		return -EOPNOTSUPP;
	}
	if (!flow_action_hw_stats_check(action, c.extack, FLOW_ACTION_HW_STATS_DELAYED_BIT))
		return -EOPNOTSUPP;
	flow_action_for_each(i, entry, action) {
		c.last = i == action->num_entries - 1;
		err = compile_one(&c, entry);
		if (err)
			goto release;
	}
	if (rule->n_acts && rows[rule->acts[rule->n_acts - 1].id].ends)
		return 0;
	NL_SET_ERR_MSG_MOD(c.extack, "the actions do not end with an output, drop, trap or goto");
	err = -EOPNOTSUPP;

release:
	nicsim_release(rule);
	return err;
}

/* Gives back what the actions hold; frames on their way may still read them until RCU's grace
 * period is over. */
void nicsim_release(struct nicsim_rule *rule)
{
	unsigned int i;

	for (i = 0; i < rule->n_acts; i++) {
		if (rule->acts[i].id == FLOW_ACTION_POLICE)
			nicsim_police_put(rule->owner.block->nic, rule->acts[i].police);
		else if (rule->acts[i].id == FLOW_ACTION_TUNNEL_ENCAP)
			nicsim_encap_free(rule->acts[i].encap);
		else if (rule->acts[i].id == FLOW_ACTION_CT && rule->acts[i].ct.zone)
			nicsim_ct_zone_put(rule->acts[i].ct.zone);
	}
}

enum nicsim_verdict nicsim_act_run(struct nicsim_run *run, const struct nicsim_rule *rule,
				   const struct nicsim_act *act)
{
	return rows[act->id].run(run, rule, act);
}
