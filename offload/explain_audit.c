/* SPDX-License-Identifier: Apache-2.0 */
/* explain_audit(): what audits found, as JSON. */
#include "core/base/clock.h"
#include "offload/explain_priv.h"

static struct json_object *finding(const struct engine_finding *x)
{
	struct json_object *o = json_object_new_object();
	char text[UFID_TEXT_LEN + 1];

	explain_str(o, "finding", engine_finding_name[x->kind]);
	explain_str(o, "ufid", offload_ufid_print(x->ufid, text));
	explain_int(o, "handle", x->handle);
	explain_str(o, "evidence", x->evidence);
	return o;
}

static void add(const struct engine_audit *a, void *all)
{
	struct json_object *o = json_object_new_object(), *n = json_object_new_object();
	struct json_object *list = json_object_new_array();

	explain_str(o, "device", a->device);
	explain_str(o, "result", !a->answered ? "hangs" : !a->can_tell ? "cannot_tell" : "audited");
	json_object_object_add(o, "repair", json_object_new_boolean(a->repair));
	explain_int(o, "rules", a->rules);
	explain_int(o, "took_ms", a->took_ns / NSEC_PER_MSEC);
	for (unsigned i = 0; i < ENGINE_N_FINDINGS; i++)
		explain_int(n, engine_finding_name[i], a->n[i]);
	json_object_object_add(o, "found", n);
	for (size_t i = 0; i < a->n_list; i++)
		json_object_array_add(list, finding(&a->list[i]));
	json_object_object_add(o, "findings", list);
	json_object_array_add(all, o);
}

struct json_object *explain_audit(struct engine *e, const char *device, bool repair,
				  struct error *err)
{
	struct json_object *all = json_object_new_array();

	if (!engine_audit(e, device, repair, add, all, err))
		return all;
	json_object_put(all);
	return NULL;
}
