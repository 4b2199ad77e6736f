/* SPDX-License-Identifier: Apache-2.0 */
/* What a bridge has come to know and neither the database nor the datapath tells the next process:
 * the addresses that it learned (docs/decisions/0011-kept-over-restarts.md).
 *
 * They stand in a file of the run directory, written as a whole under another name and renamed: at
 * the end, and every KEEP_S while something changes.  Whoever is killed loses the addresses of the
 * last KEEP_S, which adopted megaflows teach anew.
 *
 *   kept 1 BOOT SECONDS                         of which boot, and when (UTC)
 *   mac BRIDGE PORT VLAN ADDRESS AGE
 *   end
 *
 * Names are written with %XX for what is not a letter or digit.  A file of another boot, or one
 * that cannot be read to its end, is nothing. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/base/xalloc.h"
#include "ofproto/bridge/bridge_priv.h"

LOG_MODULE("bridge.keep");

#define KEEP_S 5
#define AGES_S 60     /* then for the ages alone */
#define NAME_MAX_ 256 /* of a name as it is written */
#define LINE_MAX_ 2048

/* --- text --- */

static void put_name(struct str *s, const char *name)
{
	for (; *name; name++)
		if (isalnum((unsigned char)*name))
			str_putc(s, *name);
		else
			str_printf(s, "%%%02x", (unsigned char)*name);
}

static bool get_name(const char *text, char name[NAME_MAX_])
{
	size_t n = 0;

	for (; *text; text++) {
		unsigned c = (unsigned char)*text;

		if (c == '%') {
			if (sscanf(text + 1, "%2x", &c) != 1 || !c)
				return false;
			text += 2;
		}
		name[n++] = (char)c;
	}
	name[n] = '\0';
	return n;
}

static void boot_id(char id[64])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");

	if (!f || fscanf(f, "%63s", id) != 1)
		(void)snprintf(id, 64, "unknown");
	if (f)
		(void)fclose(f);
}

/* --- writing --- */

static const char *bundle_name(const struct bridge *br, uint32_t id)
{
	const struct bridge_bundle *b;

	cds_list_for_each_entry (b, &br->bundles, node)
		if (b->id == id)
			return b->name;
	return NULL;
}

/* As they are to be learned again: a table keeps its entries by the time of their last packet. */
static int oldest_first(const void *a, const void *b)
{
	const struct mac_entry *x = a, *y = b;

	return (x->age_s < y->age_s) - (x->age_s > y->age_s);
}

static void put_macs(const struct bridge *br, struct str *s)
{
	struct mac_entry *e;
	size_t n = mac_dump(br->macs, clock_mono_ns(), &e);

	if (n)
		qsort(e, n, sizeof(*e), oldest_first);
	for (size_t i = 0; i < n; i++) {
		const char *port = bundle_name(br, e[i].bundle);
		const uint8_t *m = e[i].mac.b;

		if (!port)
			continue;
		str_puts(s, "mac ");
		put_name(s, br->name);
		str_putc(s, ' ');
		put_name(s, port);
		str_printf(s, " %u %02x:%02x:%02x:%02x:%02x:%02x %" PRIu64 "\n", e[i].vlan, m[0],
			   m[1], m[2], m[3], m[4], m[5], e[i].age_s);
	}
	free(e);
}

static int write_whole(const char *path, const struct str *s)
{
	char *tmp = xasprintf("%s.new", path);
	FILE *f = fopen(tmp, "w");
	int rc = f ? 0 : -errno;

	if (f) {
		if (fwrite(str_cstr(s), 1, s->len, f) != s->len)
			rc = -EIO;
		if (fclose(f) && !rc)
			rc = -errno;
		if (!rc && rename(tmp, path))
			rc = -errno;
		if (rc)
			(void)unlink(tmp); /* it may not be there */
	}
	free(tmp);
	return rc;
}

static uint64_t seq_of(const struct backend *be)
{
	const struct bridge *br;
	uint64_t sum = 0;

	cds_list_for_each_entry (br, &be->bridges, node)
		sum += mac_seq(br->macs) + br->id;
	return sum;
}

void keep_save(struct backend *be)
{
	struct backend_keep *k = &be->keep;
	struct str s = STR_INIT;
	struct bridge *br;
	char boot[64];
	int rc;

	if (!k->path || !be->begun_ns)
		return;
	boot_id(boot);
	str_printf(&s, "kept 1 %s %" PRIu64 "\n", boot, (uint64_t)(clock_wall_ns() / NSEC_PER_SEC));
	cds_list_for_each_entry (br, &be->bridges, node) {
		put_macs(br, &s);
	}
	str_puts(&s, "end\n");
	rc = write_whole(k->path, &s);
	if (rc)
		log_warn_rl("%s: cannot be written: %s", k->path, strerror(-rc));
	k->saved_ns = clock_mono_ns();
	k->saved_seq = seq_of(be);
	str_done(&s);
}

/* --- reading --- */

static bool get_mac(struct backend *be, const char *line, uint64_t older_s)
{
	char bridge[NAME_MAX_], port[NAME_MAX_], bridge_text[NAME_MAX_], port_text[NAME_MAX_];
	unsigned vlan, m[6];
	struct kept_mac *k;
	uint64_t age;

	if (sscanf(line, "mac %255s %255s %u %2x:%2x:%2x:%2x:%2x:%2x %" SCNu64, bridge_text,
		   port_text, &vlan, &m[0], &m[1], &m[2], &m[3], &m[4], &m[5], &age) != 10 ||
	    vlan > 4095 || age > UINT32_MAX || !get_name(bridge_text, bridge) ||
	    !get_name(port_text, port))
		return false;
	k = xzalloc(sizeof(*k));
	k->bridge = xstrdup(bridge);
	k->port = xstrdup(port);
	k->vlan = (uint16_t)vlan;
	for (unsigned i = 0; i < 6; i++)
		k->mac.b[i] = (uint8_t)m[i];
	k->age_s = age + older_s;
	cds_list_add_tail(&k->node, &be->keep.macs);
	return true;
}

static void drop_macs(struct backend_keep *k)
{
	struct kept_mac *m, *next;

	cds_list_for_each_entry_safe (m, next, &k->macs, node) {
		free(m->bridge);
		free(m->port);
		free(m);
	}
	CDS_INIT_LIST_HEAD(&k->macs);
}

/* True when it was read to its end. */
static bool read_lines(struct backend *be, FILE *f)
{
	char line[LINE_MAX_], was_boot[64], boot[64];
	uint64_t at, now = clock_wall_ns() / NSEC_PER_SEC;

	boot_id(boot);
	if (!fgets(line, sizeof(line), f) ||
	    sscanf(line, "kept 1 %63s %" SCNu64, was_boot, &at) != 2 || strcmp(boot, was_boot))
		return false;
	while (fgets(line, sizeof(line), f)) {
		if (!strcmp(line, "end\n"))
			return true;
		if (!get_mac(be, line, now - MIN(now, at)))
			return false;
	}
	return false;
}

void backend_keep(struct backend *be, const char *path)
{
	FILE *f = fopen(path, "r");

	be->keep.path = xstrdup(path);
	if (f && !read_lines(be, f)) {
		log_info("%s: of another boot, or damaged: not used", path);
		drop_macs(&be->keep);
	}
	if (f)
		(void)fclose(f);
}

/* --- at its time --- */

static struct bridge *bridge_of(struct backend *be, const char *name)
{
	struct bridge *br;

	cds_list_for_each_entry (br, &be->bridges, node)
		if (!strcmp(br->name, name))
			return br;
	return NULL;
}

static bool teach(struct backend *be, const struct kept_mac *m, uint64_t now)
{
	struct bridge *br = bridge_of(be, m->bridge);
	const struct bridge_bundle *b;

	if (!br || m->age_s * NSEC_PER_SEC > now)
		return false;
	cds_list_for_each_entry (b, &br->bundles, node)
		if (!strcmp(b->name, m->port))
			return mac_learn(br->macs, m->vlan, m->mac, b->id, MAC_GARP_NO,
					 now - m->age_s * NSEC_PER_SEC);
	return false;
}

void keep_begin(struct backend *be)
{
	uint64_t now = clock_mono_ns();
	struct kept_mac *m;
	size_t n = 0;

	cds_list_for_each_entry (m, &be->keep.macs, node)
		n += teach(be, m, now);
	drop_macs(&be->keep);
	if (n)
		log_info("datapath %s: %zu addresses are known from before", be->dp->name, n);
}

void keep_tick(struct backend *be)
{
	struct backend_keep *k = &be->keep;
	uint64_t passed;

	if (!k->path || !be->begun_ns)
		return;
	passed = clock_mono_ns() - k->saved_ns;
	if (passed >= AGES_S * NSEC_PER_SEC ||
	    (passed >= KEEP_S * NSEC_PER_SEC && k->saved_seq != seq_of(be)))
		keep_save(be);
}

void keep_init(struct backend *be)
{
	CDS_INIT_LIST_HEAD(&be->keep.macs);
}

void keep_done(struct backend *be)
{
	drop_macs(&be->keep);
	if (be->keep.path && !be->leaving)
		(void)unlink(be->keep.path); /* it may never have been written */
	free(be->keep.path);
}
