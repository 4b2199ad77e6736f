/* SPDX-License-Identifier: Apache-2.0 */
/* What audits have found: kept, told, and asked for. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "offload/engine_priv.h"

LOG_MODULE("offload.audit");

const char *const engine_finding_name[ENGINE_N_FINDINGS] = {
	[ENGINE_MISSING] = "missing", [ENGINE_ORPHANED] = "orphaned", [ENGINE_ALTERED] = "altered",
	[ENGINE_MUTE] = "mute",       [ENGINE_RAN_BACK] = "ran_back",
};

void finding_add(struct engine_audit *a, enum engine_finding_kind kind, struct ufid ufid,
		 uint64_t handle, const char *evidence, ...)
{
	struct engine_finding *x;
	va_list ap;

	a->n[kind]++;
	if (a->n_list == ENGINE_FINDINGS)
		return;
	if (!a->list)
		a->list = xcalloc(ENGINE_FINDINGS, sizeof(*a->list));
	x = &a->list[a->n_list++];
	x->kind = kind;
	x->ufid = ufid;
	x->handle = handle;
	va_start(ap, evidence);
	(void)vsnprintf(x->evidence, sizeof(x->evidence), evidence, ap);
	va_end(ap);
}

static void put_counts(const struct engine_audit *a, struct str *s)
{
	for (unsigned i = 0; i < ENGINE_N_FINDINGS; i++)
		str_printf(s, "%s%llu %s", i ? ", " : "", (unsigned long long)a->n[i],
			   engine_finding_name[i]);
}

void finding_log(const struct engine_audit *a)
{
	struct str s = STR_INIT;
	uint64_t any = 0;

	for (unsigned i = 0; i < ENGINE_N_FINDINGS; i++)
		any |= a->n[i];
	if (!any)
		return;
	put_counts(a, &s);
	log_warn_rl("%s: audit: %s", a->device, str_cstr(&s));
	str_done(&s);
}

void engine_audit_print(const struct engine_audit *a, void *aux)
{
	struct str *out = aux;
	char text[UFID_TEXT_LEN + 1];

	if (!a->answered || !a->can_tell) {
		str_printf(out, "%s: %s\n", a->device,
			   a->answered ? "cannot tell what it holds" : "does not answer");
		return;
	}
	str_printf(out, "%s: %llu rules, ", a->device, (unsigned long long)a->rules);
	put_counts(a, out);
	str_puts(out, a->repair ? "; repaired\n" : "\n");
	for (size_t i = 0; i < a->n_list; i++)
		str_printf(out, "  %s: %s: %s\n", offload_ufid_print(a->list[i].ufid, text),
			   engine_finding_name[a->list[i].kind], a->list[i].evidence);
}

/* --- asking for one --- */

/* Its thread makes it; one that hangs is not waited for. */
static void audit_one(struct engine *e, struct engine_dev *d, struct audit_job *job)
{
	struct gone_list gone = { NULL, 0, 0 };

	lock_take(&e->lock);
	while (d->audit && !d->hung)
		hang_wait(e, &gone);
	if (!d->hung) {
		d->audit = job;
		place_wake(d);
	}
	while (!job->done && !d->hung)
		hang_wait(e, &gone);
	if (d->audit == job)
		d->audit = NULL;
	if (!job->done)
		memcpy(job->result.device, d->od->name, sizeof(job->result.device));
	lock_give(&e->lock);
	gone_call(e, &gone);
}

static size_t device_names(struct engine *e, char (**ret)[64])
{
	char(*names)[64] = NULL;
	struct engine_dev *d;
	size_t n = 0;

	lock_take(&e->lock);
	cds_list_for_each_entry (d, &e->devs, node) {
		names = xrealloc(names, (n + 1) * sizeof(*names));
		memcpy(names[n++], d->od->name, sizeof(*names));
	}
	lock_give(&e->lock);
	*ret = names;
	return n;
}

int engine_audit(struct engine *e, const char *device, bool repair, engine_audit_fn *fn, void *aux,
		 struct error *err)
{
	char(*names)[64] = NULL;
	size_t n = device ? 1 : device_names(e, &names);

	for (size_t i = 0; i < n; i++) {
		struct engine_dev *d = device_use(e, device ? device : names[i]);
		struct audit_job job = { .repair = repair };

		if (!d && device)
			return error_set(err, ENODEV, NULL, "no offload device \"%.60s\"", device);
		if (!d)
			continue;
		audit_one(e, d, &job);
		device_release(e, d);
		fn(&job.result, aux);
		free(job.result.list);
	}
	free(names);
	return 0;
}
