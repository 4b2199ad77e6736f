/* SPDX-License-Identifier: Apache-2.0 */
/* The directories of core/io/daemon.h, on their own so that clients need no more of it. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/base/xalloc.h"
#include "core/io/daemon.h"

static struct {
	const char *run, *log, *sysconf, *db;
} dirs;

static const char *from_env(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return xstrdup(value && *value ? value : otherwise);
}

static void init(void)
{
	const char *sysconf = getenv("OVS_SYSCONFDIR");
	char *db = xasprintf("%s/openvswitch", sysconf && *sysconf ? sysconf : "/etc");

	dirs.run = from_env("OVS_RUNDIR", "/var/run/openvswitch");
	dirs.log = from_env("OVS_LOGDIR", "/var/log/openvswitch");
	dirs.sysconf = from_env("OVS_SYSCONFDIR", "/etc");
	dirs.db = from_env("OVS_DBDIR", db);
	free(db);
}

static void init_once(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, init);
}

const char *dir_run(void)
{
	init_once();
	return dirs.run;
}

const char *dir_log(void)
{
	init_once();
	return dirs.log;
}

const char *dir_sysconf(void)
{
	init_once();
	return dirs.sysconf;
}

const char *dir_db(void)
{
	init_once();
	return dirs.db;
}

void dir_make(const char *dir)
{
	char *path = xstrdup(dir);

	for (char *p = path + 1; *path; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = '\0';
		(void)mkdir(path, 0755);
		if (!c)
			break;
		*p = c;
	}
	free(path);
}

char *dir_file(const char *dir, const char *name)
{
	return name[0] == '/' ? xstrdup(name) : xasprintf("%s/%s", dir, name);
}
