/* SPDX-License-Identifier: Apache-2.0 */
/* Tracked connections in hardware and out of it: explain_connections(). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "core/datapath/dp_ct_text.h"
#include "offload/conns.h"
#include "offload/explain_priv.h"

struct busy {
	struct dp_ct_entry e;
	enum conn_why why;
	uint64_t packets;
};

/* The busiest outside hardware. */
struct busiest {
	struct busy *v; /* owned */
	size_t n, max;
};

static void offer(const struct dp_ct_entry *e, enum conn_why why, void *aux)
{
	struct busiest *b = aux;
	uint64_t packets = e->packets[0] + e->packets[1];
	size_t i;

	if (why == CONN_HARDWARE || !b->max ||
	    (b->n == b->max && packets <= b->v[b->n - 1].packets))
		return;
	if (b->n < b->max)
		b->n++;
	for (i = b->n - 1; i && b->v[i - 1].packets < packets; i--)
		b->v[i] = b->v[i - 1];
	b->v[i] = (struct busy){ *e, why, packets };
}

static struct json_object *busiest_json(const struct busiest *b)
{
	struct json_object *array = json_object_new_array();
	struct str s = STR_INIT;

	for (size_t i = 0; i < b->n; i++) {
		const struct dp_ct_entry *e = &b->v[i].e;
		struct json_object *o = json_object_new_object();

		dp_ct_text_entry(e, false, false, &s);
		explain_str(o, "connection", str_cstr(&s));
		str_clear(&s);
		explain_int(o, "zone", e->zone);
		explain_str(o, "reason", conn_why_table[b->v[i].why].name);
		explain_int(o, "packets", b->v[i].packets);
		explain_int(o, "bytes", e->bytes[0] + e->bytes[1]);
		json_object_array_add(array, o);
	}
	str_done(&s);
	return array;
}

static struct json_object *reasons_json(const struct conns *c)
{
	struct json_object *array = json_object_new_array();

	for (unsigned i = 0; i < CONN_N_WHYS; i++) {
		struct json_object *o;

		if (i == CONN_HARDWARE || !c->connections[i])
			continue;
		o = json_object_new_object();
		explain_str(o, "reason", conn_why_table[i].name);
		explain_str(o, "text", conn_why_table[i].text);
		explain_str(o, "advice", conn_why_table[i].advice);
		explain_int(o, "connections", c->connections[i]);
		explain_int(o, "packets", c->packets[i]);
		explain_int(o, "bytes", c->bytes[i]);
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *zones_json(const struct conns *c)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < c->n_zones; i++) {
		const struct conn_zone *z = &c->zones[i];
		struct json_object *o = json_object_new_object();

		explain_int(o, "zone", z->zone);
		json_object_object_add(o, "in_hardware", json_object_new_boolean(z->in_hardware));
		explain_int(o, "connections", z->connections);
		explain_int(o, "hardware", z->hardware);
		json_object_array_add(array, o);
	}
	return array;
}

struct json_object *explain_connections(struct engine *e, unsigned n, struct error *err)
{
	struct busiest b = { xcalloc(n ? n : 1, sizeof(struct busy)), 0, n };
	struct json_object *o = NULL;
	uint64_t all = 0;
	struct conns c;
	int rc = conns_look(e, &c, offer, &b);

	if (rc && rc != -EINTR) { /* that it changed meanwhile is all in a day's work */
		(void)error_set(err, -rc, NULL,
				rc == -EOPNOTSUPP ? "this datapath tracks no connections"
						  : "connections cannot be read: %s",
				strerrordesc_np(-rc));
		goto done;
	}
	for (unsigned i = 0; i < CONN_N_WHYS; i++)
		all += c.connections[i];
	o = json_object_new_object();
	explain_int(o, "connections", all);
	explain_int(o, "hardware", c.connections[CONN_HARDWARE]);
	explain_int(o, "others", c.others);
	json_object_object_add(o, "counted", json_object_new_boolean(c.counted));
	explain_int(o, "hardware_packets", c.packets[CONN_HARDWARE]);
	explain_int(o, "hardware_bytes", c.bytes[CONN_HARDWARE]);
	json_object_object_add(o, "zones", zones_json(&c));
	json_object_object_add(o, "reasons", reasons_json(&c));
	json_object_object_add(o, "outside", busiest_json(&b));

done:
	conns_done(&c);
	free(b.v);
	return o;
}
