// SPDX-License-Identifier: GPL-2.0
/*
 * A frame's way through the NIC: rule after rule along the chains, until it is dealt with or no
 * rule matches.
 *
 * Nothing leaves and nothing is counted before its rule is through; an action that cannot be
 * carried out (NICSIM_MISS) undoes the rule that it is in.  What a miss after some rules means
 * depends on the kernel: with the TC skb extension the frame comes up as it is now, and software
 * goes on in the chain that it missed in; without it (Debian's kernel) the NIC takes a frame to its
 * end or leaves it alone from the start.
 */
#include "nicsim.h"

enum { GOES_ON_IN_SOFTWARE = IS_ENABLED(CONFIG_NET_TC_SKB_EXT) };

static struct nicsim_rule *next_rule(struct nicsim_run *run)
{
	if (run->stale && !nicsim_frame_parse(run->skb, &run->key))
		return NULL;
	run->stale = false;
	run->key.enc = run->enc;
	run->key.ct = run->ct;
	run->key.ct.conn = 0;
	return nicsim_rule_find(run->block, run->chain, &run->key);
}

/* Frames that may have to be given to the host as they were before this rule, or before the first
 * one, are kept. */
static bool keep_safe(struct nicsim_run *run, const struct nicsim_rule *rule)
{
	bool first = run->n_hits == 0, goes_on;

	goes_on = rule->acts[rule->n_acts - 1].id == FLOW_ACTION_GOTO;
	if (!GOES_ON_IN_SOFTWARE && !first)
		return true;
	kfree_skb(run->safe);
	run->safe = NULL;
	if (!rule->may_miss && (GOES_ON_IN_SOFTWARE || !goes_on))
		return true;
	run->safe = skb_copy(run->skb, GFP_ATOMIC); /* with its headroom, outer headers and all */
	return run->safe;
}

static enum nicsim_verdict run_rule(struct nicsim_run *run, struct nicsim_rule *rule)
{
	enum nicsim_verdict verdict = NICSIM_NEXT;
	unsigned int i;

	run->encap = NULL;
	for (i = 0; i < rule->n_acts && verdict == NICSIM_NEXT; i++)
		verdict = nicsim_act_run(run, rule, &rule->acts[i]);
	return verdict;
}

static void commit(struct nicsim_run *run)
{
	struct sk_buff *skb;
	unsigned int i;

	for (i = 0; i < run->n_hits; i++) {
		struct nicsim_rule *rule = run->hits[i].rule;

		atomic64_inc(&rule->packets);
		atomic64_add(run->hits[i].bytes, &rule->bytes);
		if (run->hits[i].drops)
			atomic64_inc(&rule->drops);
		WRITE_ONCE(rule->last_used, jiffies);
	}
	while ((skb = __skb_dequeue(&run->out)))
		nicsim_send_out(skb);
	kfree_skb(run->safe);
}

static void deliver_up(struct nicsim_run *run, struct sk_buff *skb, u32 chain)
{
	if (run->block->tunnel)
		nicsim_tunnel_deliver_up(run, skb, chain);
	else
		nicsim_deliver_up(run, skb, chain);
}

/* No rule, or one that could not be carried out: the frame goes to the host, who is told where to
 * go on. */
static void miss(struct nicsim_run *run)
{
	struct sk_buff *skb = run->skb;
	u32 chain = run->chain;

	if (run->safe) {
		kfree_skb(skb);
		skb = run->safe;
		run->safe = NULL;
	}
	if (!GOES_ON_IN_SOFTWARE && run->n_hits) {
		__skb_queue_purge(&run->out);
		run->n_hits = 0;
		chain = 0;
	}
	commit(run);
	if (!skb)
		atomic64_inc(&run->nic->lost);
	else
		deliver_up(run, skb, chain);
}

/* Outputs of a rule that is undone; they are the last ones. */
static void undo(struct nicsim_run *run, unsigned int outputs)
{
	while (skb_queue_len(&run->out) > outputs)
		kfree_skb(__skb_dequeue_tail(&run->out));
	run->n_hits--;
}

static bool step(struct nicsim_run *run, struct nicsim_rule *rule)
{
	unsigned int outputs = skb_queue_len(&run->out);
	struct nicsim_enc enc = run->enc;
	struct nicsim_ct ct = run->ct;
	u32 chain = run->chain;

	if (!keep_safe(run, rule)) {
		miss(run);
		return false;
	}
	run->hits[run->n_hits].rule = rule;
	run->hits[run->n_hits].bytes = run->skb->len;
	run->hits[run->n_hits].drops = 0;
	run->n_hits++;
	switch (run_rule(run, rule)) {
	case NICSIM_GOTO:
		if (GOES_ON_IN_SOFTWARE) {
			kfree_skb(run->safe);
			run->safe = NULL;
		}
		return true;
	case NICSIM_UP:
		commit(run);
		deliver_up(run, run->skb, 0);
		return false;
	case NICSIM_MISS:
		run->chain = chain;
		run->enc = enc;
		run->ct = ct;
		undo(run, outputs);
		miss(run);
		return false;
	default: commit(run); return false;
	}
}

/* The port's rules come first, then, for what comes out of a tunnel, those of the tunnel's device.
 */
static struct nicsim_rule *first_rule(struct nicsim_run *run)
{
	struct nicsim_rule *rule = next_rule(run);

	if (rule || !nicsim_tunnel_enter(run))
		return rule;
	rule = next_rule(run);
	if (!rule)
		nicsim_tunnel_leave(run);
	return rule;
}

/* A frame enters by a port's far side; under RCU.  It is consumed. */
void nicsim_receive(struct nicsim_port *port, struct sk_buff *skb)
{
	struct nicsim_run run = {
		.nic = port->nic, .in = port, .block = &port->block, .skb = skb, .stale = true
	};
	struct nicsim_rule *rule;

	__skb_queue_head_init(&run.out);
	rule = first_rule(&run);
	atomic64_inc(rule ? &port->hits : &port->misses);
	while (rule && run.n_hits < NICSIM_MAX_HOPS) {
		if (!step(&run, rule))
			return;
		rule = next_rule(&run);
	}
	if (rule)
		atomic64_inc(&port->nic->too_many_hops);
	miss(&run);
}
