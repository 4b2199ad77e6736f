// SPDX-License-Identifier: GPL-2.0
/*
 * The module: its control file in debugfs, the list of NICs, and the end of network namespaces.
 *
 *	echo 'add nic0 ports=4 table=1000' >/sys/kernel/debug/nicsim/control
 *	echo 'del nic0' >/sys/kernel/debug/nicsim/control
 *
 * A NIC's devices are in the network namespace of whoever adds it, and it goes when that namespace
 *ends.  Options of add: ports (representors, default 2), uplinks (default 1), table (rules that
 *fit, default 1024), refuse (names of keys and actions, see debug.c), chains (0: rules in chain 0
 *only).
 */
#include <linux/ctype.h>
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "nicsim.h"

const char nicsim_driver[] = KBUILD_MODNAME;

static DEFINE_MUTEX(nics_lock);
static LIST_HEAD(nics);
static struct dentry *root;

static struct nicsim_nic *find(const char *name)
{
	struct nicsim_nic *nic;

	list_for_each_entry(nic, &nics, node) {
		if (!strcmp(nic->name, name))
			return nic;
	}
	return NULL;
}

static int set_option(struct nicsim_options *o, char *word)
{
	char *value = strchr(word, '=');
	unsigned int n;

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	if (!strcmp(word, "refuse"))
		return nicsim_refuse(&o->refused_keys, o->refused_actions, value, true);
	if (kstrtouint(value, 0, &n))
		return -EINVAL;
	if (!strcmp(word, "ports"))
		o->ports = n;
	else if (!strcmp(word, "uplinks"))
		o->uplinks = n;
	else if (!strcmp(word, "table"))
		o->table_size = n;
	else if (!strcmp(word, "chains"))
		o->no_chains = !n;
	else
		return -EINVAL;
	return 0;
}

static int add(char *name, char *rest)
{
	struct nicsim_options o = { .ports = 2, .uplinks = 1, .table_size = 1024 };
	struct nicsim_nic *nic;
	char *word;
	int err;

	/* The longest suffix is "r255". */
	if (!*name || strlen(name) > IFNAMSIZ - 5)
		return -EINVAL;
	if (find(name))
		return -EEXIST;
	strscpy(o.name, name, sizeof(o.name));
	while ((word = strsep(&rest, " "))) {
		err = *word ? set_option(&o, word) : 0;
		if (err)
			return err;
	}
	nic = nicsim_nic_new(current->nsproxy->net_ns, &o);
	if (IS_ERR(nic))
		return PTR_ERR(nic);
	nicsim_debug_add(nic, root);
	list_add_tail(&nic->node, &nics);
	return 0;
}

static void remove(struct nicsim_nic *nic)
{
	list_del(&nic->node);
	nicsim_debug_remove(nic);
	nicsim_nic_free(nic);
}

static ssize_t control_write(struct file *file, const char __user *from, size_t n, loff_t *at)
{
	char line[256], *rest = line, *verb, *name;
	struct nicsim_nic *nic;
	int err = -EINVAL;

	if (n >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, from, n))
		return -EFAULT;
	line[n] = '\0';
	verb = strsep(&rest, " ");
	strim(line + n);
	rest = rest ? strim(rest) : line + n;
	name = strsep(&rest, " ");
	mutex_lock(&nics_lock);
	if (!strcmp(verb, "add")) {
		err = add(name, rest);
	} else if (!strcmp(verb, "del")) {
		nic = find(name);
		err = nic ? 0 : -ENOENT;
		if (nic)
			remove(nic);
	}
	mutex_unlock(&nics_lock);
	return err ? err : n;
}

static const struct file_operations control_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = control_write,
};

static void __net_exit net_exit(struct net *net)
{
	struct nicsim_nic *nic, *next;

	mutex_lock(&nics_lock);
	list_for_each_entry_safe(nic, next, &nics, node) {
		if (net_eq(nic->net, net))
			remove(nic);
	}
	mutex_unlock(&nics_lock);
}

static struct pernet_operations net_ops = { .exit = net_exit };

static int __init nicsim_init(void)
{
	int err;

	root = debugfs_create_dir(nicsim_driver, NULL);
	debugfs_create_file("control", 0200, root, NULL, &control_fops);
	err = register_pernet_device(&net_ops);
	if (err)
		debugfs_remove_recursive(root);
	return err;
}

static void __exit nicsim_exit(void)
{
	unregister_pernet_device(&net_ops); /* calls net_exit for every namespace */
	debugfs_remove_recursive(root);
	rcu_barrier();
}

module_init(nicsim_init);
module_exit(nicsim_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A NIC with a flow table, for tests");
