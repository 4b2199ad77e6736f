/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/server/lock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/xalloc.h"

struct db_named_lock {
	struct hnode node;
	struct cds_list_head queue; /* struct db_lock_claim.in_lock */
	char name[];
};

void db_locks_init(struct db_locks *l)
{
	htable_init(&l->names);
}

void db_locks_done(struct db_locks *l)
{
	htable_done(&l->names);
}

void db_lock_owner_init(struct db_lock_owner *o, void (*notify)(struct db_lock_owner *owner,
								const char *what, const char *name))
{
	CDS_INIT_LIST_HEAD(&o->claims);
	o->n = 0;
	o->notify = notify;
}

static struct db_named_lock *find_lock(const struct db_locks *l, const char *name)
{
	struct db_named_lock *lock;

	HTABLE_FOR_EACH_WITH (lock, struct db_named_lock, node, hash_string(name, 0), &l->names)
		if (!strcmp(lock->name, name))
			return lock;
	return NULL;
}

static struct db_named_lock *get_lock(struct db_locks *l, const char *name)
{
	struct db_named_lock *lock = find_lock(l, name);
	size_t size = strlen(name) + 1;

	if (lock)
		return lock;
	lock = xzalloc(sizeof(*lock) + size);
	memcpy(lock->name, name, size);
	CDS_INIT_LIST_HEAD(&lock->queue);
	htable_insert(&l->names, &lock->node, hash_string(name, 0));
	return lock;
}

static struct db_lock_claim *holder(struct db_named_lock *lock)
{
	return cds_list_empty(&lock->queue)
		       ? NULL
		       : cds_list_first_entry(&lock->queue, struct db_lock_claim, in_lock);
}

static struct db_lock_claim *find_claim(const struct db_lock_owner *o, const char *name)
{
	struct db_lock_claim *c;

	cds_list_for_each_entry (c, &o->claims, in_owner)
		if (!strcmp(c->lock->name, name))
			return c;
	return NULL;
}

int db_lock_claim(struct db_locks *l, struct db_lock_owner *o, const char *name, bool steal,
		  struct error *err)
{
	struct db_lock_claim *c, *victim;

	if (find_claim(o, name))
		return error_set(
			err, EEXIST, NULL,
			"the lock \"%.64s\" is held or waited for already; unlock it first", name);
	c = xzalloc(sizeof(*c));
	c->lock = get_lock(l, name);
	assert(c->lock->queue.next); /* for the analyzer: a list is linked to itself at least */
	c->owner = o;
	cds_list_add_tail(&c->in_owner, &o->claims);
	o->n++;
	victim = holder(c->lock);
	if (!victim || steal)
		cds_list_add(&c->in_lock, &c->lock->queue);
	else
		cds_list_add_tail(&c->in_lock, &c->lock->queue);
	if (victim && steal)
		victim->owner->notify(victim->owner, "stolen", name);
	return holder(c->lock) == c;
}

static void drop(struct db_locks *l, struct db_lock_claim *c)
{
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): a claim leaves the list before it is freed */
	struct db_named_lock *lock = c->lock;
	bool held = holder(lock) == c;
	struct db_lock_claim *next;

	cds_list_del(&c->in_lock);
	cds_list_del(&c->in_owner);
	c->owner->n--;
	free(c);
	next = holder(lock);
	if (next && held) {
		next->owner->notify(next->owner, "locked", lock->name);
	} else if (!next) {
		htable_remove(&l->names, &lock->node);
		free(lock);
	}
}

void db_lock_owner_done(struct db_locks *l, struct db_lock_owner *o)
{
	while (!cds_list_empty(&o->claims))
		drop(l, cds_list_first_entry(&o->claims, struct db_lock_claim, in_owner));
}

int db_lock_release(struct db_locks *l, struct db_lock_owner *o, const char *name,
		    struct error *err)
{
	struct db_lock_claim *c = find_claim(o, name);

	if (!c)
		return error_set(err, ENOENT, NULL,
				 "the lock \"%.64s\" is neither held nor waited for", name);
	drop(l, c);
	return 0;
}

bool db_lock_is_held(const struct db_locks *l, const struct db_lock_owner *o, const char *name)
{
	struct db_named_lock *lock = find_lock(l, name);

	return lock && holder(lock) && holder(lock)->owner == o;
}
