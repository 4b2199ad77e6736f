/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/memreport.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "core/base/xalloc.h"

struct memreporter {
	struct memreporter *next;
	void (*fn)(struct memreport *m, void *arg);
	void *arg;
};

struct count {
	const char *name; /* borrowed */
	uint64_t n;
};

struct memreport {
	struct count *v; /* owned, by name */
	size_t n, cap;
};

static struct memreporter *reporters;

struct memreporter *memreporter_new(void (*fn)(struct memreport *m, void *arg), void *arg)
{
	struct memreporter *r = xmalloc(sizeof(*r));

	*r = (struct memreporter){ reporters, fn, arg };
	reporters = r;
	return r;
}

void memreporter_free(struct memreporter *r)
{
	struct memreporter **p = &reporters;

	if (!r)
		return;
	while (*p != r)
		p = &(*p)->next;
	*p = r->next;
	free(r);
}

void memreport_add(struct memreport *m, const char *name, uint64_t count)
{
	size_t i = 0;

	while (i < m->n && strcmp(m->v[i].name, name) < 0)
		i++;
	if (i < m->n && !strcmp(m->v[i].name, name)) {
		m->v[i].n += count;
		return;
	}
	if (m->n == m->cap)
		m->v = xgrow(m->v, &m->cap, m->n + 1, sizeof(*m->v));
	memmove(&m->v[i + 1], &m->v[i], (m->n - i) * sizeof(*m->v));
	m->v[i] = (struct count){ name, count };
	m->n++;
}

void memreport_each(void (*fn)(const char *name, uint64_t count, void *arg), void *arg)
{
	struct memreport m = { NULL, 0, 0 };

	for (struct memreporter *r = reporters; r; r = r->next)
		r->fn(&m, r->arg);
	for (size_t i = 0; i < m.n; i++)
		fn(m.v[i].name, m.v[i].n, arg);
	free(m.v);
}

static void show_one(const char *name, uint64_t count, void *arg)
{
	struct str *out = arg;

	str_printf(out, "%s:%llu ", name, (unsigned long long)count);
}

void memreport_show(struct str *out)
{
	memreport_each(show_one, out);
	str_chomp(out, " ");
	str_putc(out, '\n');
}
