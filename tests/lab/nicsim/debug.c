// SPDX-License-Identifier: GPL-2.0
/*
 * What people and tests see and say: the files of a NIC in /sys/kernel/debug/nicsim/NAME.
 *
 *	info	what it is and what it has counted, "name value" a line
 *	rules	a rule a line: number, where it is, what it has counted, what it matches on, its
 *actions command	written: one command
 *
 * Commands, most of them faults:
 *
 *	table N		rules that fit (those that are in stay)
 *	slow MICROSECONDS	each rule takes so long to go in
 *	fail N		the next N rules fail with ENOMEM
 *	lag MILLISECONDS	counters are reported with such an age
 *	mute 0|1	counters are not reported at all
 *	pin 0|1		a rule keeps the next hop of its tunnel that it went in with
 *	forget N|all	the rule is gone, without a word
 *	alter N		the rule's outputs go to the next port instead
 *	reset		links go down, all rules are gone, after a while links come up
 *	refuse NAME,…	match keys and actions (see info) are no longer taken; allow NAME,… takes
 *them again
 */
#include <linux/debugfs.h>
#include <linux/rtnetlink.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "nicsim.h"

/* Sets or clears the bits of a list of names; -ENOENT for a name that is none. */
int nicsim_refuse(unsigned long *keys, unsigned long *actions, char *names, bool refuse)
{
	char *name;
	int id;

	while ((name = strsep(&names, ","))) {
		if ((id = nicsim_key_by_name(name)) >= 0)
			assign_bit(id, keys, refuse);
		else if ((id = nicsim_action_by_name(name)) >= 0)
			assign_bit(id, actions, refuse);
		else
			return id;
	}
	return 0;
}

/* --- commands: under the NIC's lock --- */

static int number(const char *word, unsigned int *n)
{
	return word ? kstrtouint(word, 0, n) : -EINVAL;
}

static int do_table(struct nicsim_nic *nic, char *word)
{
	return number(word, &nic->table_size);
}

static int do_slow(struct nicsim_nic *nic, char *word)
{
	return number(word, &nic->slow_us);
}

static int do_fail(struct nicsim_nic *nic, char *word)
{
	return number(word, &nic->fail_next);
}

static int do_lag(struct nicsim_nic *nic, char *word)
{
	return number(word, &nic->lag_ms);
}

static int do_mute(struct nicsim_nic *nic, char *word)
{
	return word ? kstrtobool(word, &nic->mute) : -EINVAL;
}

static int do_pin(struct nicsim_nic *nic, char *word)
{
	return word ? kstrtobool(word, &nic->pin) : -EINVAL;
}

static void forget_all(struct nicsim_nic *nic)
{
	struct nicsim_rule *rule;
	unsigned long id;

	xa_for_each(&nic->rules, id, rule)
		nicsim_rule_forget(rule);
	nicsim_ct_forget_all(nic);
}

static int do_forget(struct nicsim_nic *nic, char *word)
{
	struct nicsim_rule *rule;
	unsigned int id;

	if (word && !strcmp(word, "all")) {
		forget_all(nic);
		return 0;
	}
	if (number(word, &id))
		return -EINVAL;
	rule = xa_load(&nic->rules, id);
	if (!rule)
		return -ENOENT;
	nicsim_rule_forget(rule);
	return 0;
}

static int do_alter(struct nicsim_nic *nic, char *word)
{
	struct nicsim_rule *rule;
	unsigned int id;

	if (number(word, &id))
		return -EINVAL;
	rule = xa_load(&nic->rules, id);
	if (!rule)
		return -ENOENT;
	rule->altered = true;
	return 0;
}

static int do_refuse(struct nicsim_nic *nic, char *word)
{
	return word ? nicsim_refuse(&nic->refused_keys, nic->refused_actions, word, true) : -EINVAL;
}

static int do_allow(struct nicsim_nic *nic, char *word)
{
	return word ? nicsim_refuse(&nic->refused_keys, nic->refused_actions, word, false)
		    : -EINVAL;
}

static void links(struct nicsim_nic *nic, void (*set)(struct net_device *dev))
{
	unsigned int i;

	for (i = 0; i < nic->n_ports; i++) {
		set(nic->ports[i].host);
		set(nic->ports[i].far);
	}
}

static void links_up(struct work_struct *work)
{
	links(container_of(work, struct nicsim_nic, links_up.work), netif_carrier_on);
}

/* The kernel tells of links once a second: what is up again sooner was never down for anybody. */
static int do_reset(struct nicsim_nic *nic, char *word)
{
	links(nic, netif_carrier_off);
	forget_all(nic);
	schedule_delayed_work(&nic->links_up, msecs_to_jiffies(3000));
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct nicsim_nic *nic, char *word);
} commands[] = {
	{ "table", do_table },   { "slow", do_slow },   { "fail", do_fail },
	{ "lag", do_lag },       { "mute", do_mute },   { "pin", do_pin },
	{ "forget", do_forget }, { "alter", do_alter }, { "reset", do_reset },
	{ "refuse", do_refuse }, { "allow", do_allow },
};

static int run_command(struct nicsim_nic *nic, char *line)
{
	char *rest = strim(line), *name = strsep(&rest, " ");
	unsigned int i;
	int err = -EINVAL;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, name))
			continue;
		mutex_lock(&nic->lock);
		err = commands[i].run(nic, rest ? strim(rest) : NULL);
		mutex_unlock(&nic->lock);
	}
	return err;
}

static ssize_t command_write(struct file *file, const char __user *from, size_t n, loff_t *at)
{
	char line[256];
	int err;

	if (n >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, from, n))
		return -EFAULT;
	line[n] = '\0';
	err = run_command(file->private_data, line);
	return err ? err : n;
}

static const struct file_operations command_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = command_write,
};

/* --- files to read --- */

static void show_names(struct seq_file *s, const char *what, const unsigned long *bits,
		       unsigned int n, const char *(*name)(unsigned int))
{
	char sep = ' ';
	unsigned int i;

	seq_puts(s, what);
	for_each_set_bit(i, bits, n) {
		seq_printf(s, "%c%s", sep, name(i));
		sep = ',';
	}
	seq_putc(s, '\n');
}

static int info_show(struct seq_file *s, void *unused)
{
	struct nicsim_nic *nic = s->private;
	unsigned int i;

	mutex_lock(&nic->lock);
	seq_printf(s, "table %u\nrules %u\nrefused %llu\nfull %llu\n", nic->table_size,
		   nic->n_rules, nic->n_refused, nic->n_full);
	seq_printf(s, "connections %u\n", nicsim_ct_count(nic));
	seq_printf(s, "lag %u\nslow %u\nmute %d\nfail %u\n", nic->lag_ms, nic->slow_us, nic->mute,
		   nic->fail_next);
	show_names(s, "refused_keys", &nic->refused_keys, FLOW_DISSECTOR_KEY_MAX, nicsim_key_name);
	show_names(s, "refused_actions", nic->refused_actions, NUM_FLOW_ACTIONS,
		   nicsim_action_name);
	seq_printf(s, "oversize %lld\ntoo_many_hops %lld\nlost %lld\n",
		   atomic64_read(&nic->oversize), atomic64_read(&nic->too_many_hops),
		   atomic64_read(&nic->lost));
	mutex_unlock(&nic->lock);
	for (i = 0; i < nic->n_ports; i++)
		seq_printf(s, "port %u %s hits %lld misses %lld\n", i, nic->ports[i].phys_name,
			   atomic64_read(&nic->ports[i].hits),
			   atomic64_read(&nic->ports[i].misses));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(info);

static void show_actions(struct seq_file *s, const struct nicsim_rule *rule)
{
	unsigned int i;

	for (i = 0; i < rule->n_acts; i++) {
		const struct nicsim_act *act = &rule->acts[i];

		seq_printf(s, "%c%s", i ? ',' : ' ', nicsim_action_name(act->id));
		if (act->id == FLOW_ACTION_GOTO)
			seq_printf(s, ":%u", act->chain);
		else if ((act->id == FLOW_ACTION_REDIRECT || act->id == FLOW_ACTION_MIRRED) &&
			 act->out.port)
			seq_printf(s, ":%u", act->out.port->index);
	}
}

static const char *block_name(const struct nicsim_block *block)
{
	return block->port ? block->port->phys_name : nicsim_tunnel_name(block->tunnel);
}

static int rules_show(struct seq_file *s, void *unused)
{
	struct nicsim_nic *nic = s->private;
	struct nicsim_rule *rule;
	unsigned long id, keys;

	mutex_lock(&nic->lock);
	xa_for_each(&nic->rules, id, rule) {
		seq_printf(s, "%u %s chain %u prio %u packets %lld bytes %lld drops %lld", rule->id,
			   block_name(rule->owner.block), rule->chain, rule->prio,
			   atomic64_read(&rule->packets), atomic64_read(&rule->bytes),
			   atomic64_read(&rule->drops));
		keys = rule->used_keys;
		show_actions(s, rule);
		if (!rule->present)
			seq_puts(s, " forgotten");
		if (rule->altered)
			seq_puts(s, " altered");
		show_names(s, " keys", &keys, FLOW_DISSECTOR_KEY_MAX, nicsim_key_name);
	}
	mutex_unlock(&nic->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(rules);

static int connections_show(struct seq_file *s, void *unused)
{
	nicsim_ct_show(s->private, s);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(connections);

void nicsim_debug_add(struct nicsim_nic *nic, struct dentry *root)
{
	INIT_DELAYED_WORK(&nic->links_up, links_up);
	nic->dir = debugfs_create_dir(nic->name, root);
	debugfs_create_file("info", 0444, nic->dir, nic, &info_fops);
	debugfs_create_file("rules", 0444, nic->dir, nic, &rules_fops);
	debugfs_create_file("connections", 0444, nic->dir, nic, &connections_fops);
	debugfs_create_file("command", 0200, nic->dir, nic, &command_fops);
}

void nicsim_debug_remove(struct nicsim_nic *nic)
{
	debugfs_remove_recursive(nic->dir);
	cancel_delayed_work_sync(&nic->links_up);
}
