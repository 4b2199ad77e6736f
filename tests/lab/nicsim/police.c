// SPDX-License-Identifier: GPL-2.0
/*
 * Policers: token buckets in bytes or packets, one for each police action of TC, which several
 * rules may share.
 *
 * TC tells of a shared action by itself as well (without a device, so that each NIC hears of all);
 * what matters there is its statistics.  The objects are made by whoever comes first, and go with
 * the last rule or action that names them.
 */
#include <linux/ktime.h>
#include <net/flow_offload.h>

#include "nicsim.h"

struct nicsim_police {
	struct list_head node;
	u32 index; /* of the TC action */
	u32 refs;
	struct rcu_head rcu;
	atomic64_t packets, bytes, drops;
	struct nicsim_reading told;
	unsigned long last_used;

	spinlock_t lock;
	u64 rate, burst; /* units a second, units; a unit is a byte or a packet */
	bool by_packet;
	u64 tokens_ns; /* what has been saved up, as the time it takes */
	u64 at_ns;
};

static struct nicsim_police *find(struct nicsim_nic *nic, u32 index)
{
	struct nicsim_police *police;

	list_for_each_entry(police, &nic->polices, node) {
		if (police->index == index)
			return police;
	}
	return NULL;
}

static int check(const struct flow_action_entry *entry, struct netlink_ext_ack *extack)
{
	if (entry->police.exceed.act_id != FLOW_ACTION_DROP) {
		NL_SET_ERR_MSG_MOD(extack, "police can only drop what exceeds");
		return -EOPNOTSUPP;
	}
	if (entry->police.notexceed.act_id != FLOW_ACTION_PIPE &&
	    entry->police.notexceed.act_id != FLOW_ACTION_ACCEPT) {
		NL_SET_ERR_MSG_MOD(extack, "police can only pipe or accept what conforms");
		return -EOPNOTSUPP;
	}
	if (entry->police.peakrate_bytes_ps || entry->police.avrate || entry->police.overhead) {
		NL_SET_ERR_MSG_MOD(extack, "police with a peak rate, an average rate or overhead");
		return -EOPNOTSUPP;
	}
	if (!entry->police.rate_bytes_ps && !entry->police.rate_pkt_ps) {
		NL_SET_ERR_MSG_MOD(extack, "police without a rate");
		return -EOPNOTSUPP;
	}
	return 0;
}

static u64 cost_ns(const struct nicsim_police *police, u64 units)
{
	return mul_u64_u64_div_u64(units, NSEC_PER_SEC, police->rate);
}

static void configure(struct nicsim_police *police, const struct flow_action_entry *entry)
{
	spin_lock_bh(&police->lock);
	police->by_packet = entry->police.rate_pkt_ps;
	police->rate = police->by_packet ? entry->police.rate_pkt_ps : entry->police.rate_bytes_ps;
	police->burst = police->by_packet ? entry->police.burst_pkt : entry->police.burst;
	police->tokens_ns = cost_ns(police, police->burst);
	police->at_ns = ktime_get_ns();
	spin_unlock_bh(&police->lock);
}

static struct nicsim_police *police_new(struct nicsim_nic *nic,
					const struct flow_action_entry *entry)
{
	struct nicsim_police *police = kzalloc(sizeof(*police), GFP_KERNEL);

	if (!police)
		return ERR_PTR(-ENOMEM);
	police->index = entry->hw_index;
	police->refs = 1;
	police->last_used = jiffies;
	spin_lock_init(&police->lock);
	configure(police, entry);
	list_add_tail(&police->node, &nic->polices);
	return police;
}

/* Under the NIC's lock.  The same index again is the same policer, with the rate that it has now.
 */
struct nicsim_police *nicsim_police_get(struct nicsim_nic *nic,
					const struct flow_action_entry *entry,
					struct netlink_ext_ack *extack)
{
	struct nicsim_police *police = find(nic, entry->hw_index);
	int err = check(entry, extack);

	if (err)
		return ERR_PTR(err);
	if (!police)
		return police_new(nic, entry);
	police->refs++;
	return police;
}

void nicsim_police_put(struct nicsim_nic *nic, struct nicsim_police *police)
{
	if (--police->refs)
		return;
	list_del(&police->node);
	kfree_rcu(police, rcu);
}

/* Whether a frame may go on.  On any processor, under RCU. */
bool nicsim_police_conforms(struct nicsim_police *police, unsigned int bytes)
{
	u64 now = ktime_get_ns(), cost;
	bool yes;

	spin_lock_bh(&police->lock);
	cost = cost_ns(police, police->by_packet ? 1 : bytes);
	police->tokens_ns =
		min(police->tokens_ns + (now - police->at_ns), cost_ns(police, police->burst));
	police->at_ns = now;
	yes = police->tokens_ns >= cost;
	if (yes)
		police->tokens_ns -= cost;
	spin_unlock_bh(&police->lock);
	atomic64_inc(&police->packets);
	atomic64_add(bytes, &police->bytes);
	if (!yes)
		atomic64_inc(&police->drops);
	WRITE_ONCE(police->last_used, jiffies);
	return yes;
}

static int action_replace(struct nicsim_nic *nic, struct flow_offload_action *offload)
{
	const struct flow_action_entry *entry;
	struct nicsim_police *police;
	int i;

	flow_action_for_each(i, entry, &offload->action) {
		if (entry->id != FLOW_ACTION_POLICE ||
		    test_bit(FLOW_ACTION_POLICE, nic->refused_actions))
			return -EOPNOTSUPP;
		police = find(nic, entry->hw_index);
		if (police) {
			configure(police, entry);
			continue;
		}
		police = nicsim_police_get(nic, entry, offload->extack);
		if (IS_ERR(police))
			return PTR_ERR(police);
	}
	return 0;
}

static int action_stats(struct nicsim_police *police, struct flow_offload_action *offload)
{
	struct nicsim_reading now = {
		.packets = atomic64_read(&police->packets),
		.bytes = atomic64_read(&police->bytes),
		.drops = atomic64_read(&police->drops),
	};

	flow_stats_update(&offload->stats, now.bytes - police->told.bytes,
			  now.packets - police->told.packets, now.drops - police->told.drops,
			  READ_ONCE(police->last_used), FLOW_ACTION_HW_STATS_DELAYED);
	police->told = now;
	return 0;
}

/* TC's word about an action by itself. */
int nicsim_police_offload(struct nicsim_nic *nic, struct flow_offload_action *offload)
{
	struct nicsim_police *police;
	int err = 0;

	mutex_lock(&nic->lock);
	police = find(nic, offload->index);
	if (offload->command == FLOW_ACT_REPLACE)
		err = action_replace(nic, offload);
	else if (offload->id != FLOW_ACTION_POLICE || !police)
		err = -EOPNOTSUPP;
	else if (offload->command == FLOW_ACT_DESTROY)
		nicsim_police_put(nic, police);
	else
		err = action_stats(police, offload);
	mutex_unlock(&nic->lock);
	return err;
}
