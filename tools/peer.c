/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/peer.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "core/io/ctl.h"
#include "core/io/daemon.h"
#include "tools/args.h"

/* The process of "PROGRAM.PID.ctl" when it runs, else 0. */
static pid_t socket_owner(const char *file, const char *program)
{
	size_t len = strlen(program);
	char *end;
	long pid;

	if (strncmp(file, program, len) != 0 || file[len] != '.')
		return 0;
	pid = strtol(file + len + 1, &end, 10);
	if (pid <= 0 || pid > INT32_MAX || strcmp(end, ".ctl") != 0)
		return 0;
	return !kill((pid_t)pid, 0) || errno == EPERM ? (pid_t)pid : 0;
}

/* A switch that was started without --pidfile: the one socket in the run directory whose process
 * runs.  Returns how many there are; *path is the caller's when it is 1. */
static unsigned scan_sockets(const char *program, char **path)
{
	DIR *dir = opendir(dir_run());
	struct dirent *e;
	unsigned n = 0;

	*path = NULL;
	while (dir && (e = readdir(dir))) {
		if (!socket_owner(e->d_name, program))
			continue;
		free(*path);
		*path = dir_file(dir_run(), e->d_name);
		n++;
	}
	if (dir)
		closedir(dir);
	if (n != 1) {
		free(*path);
		*path = NULL;
	}
	return n;
}

static int find_socket(const char *target, char **path, struct error *err)
{
	unsigned n;
	int rc;

	if (target[0] != '/' && strchr(target, '/')) {
		*path = realpath(target, NULL);
		return *path ? 0 : error_set(err, errno, target, "%s", strerrordesc_np(errno));
	}
	rc = ctl_find(target, path, err);
	if (!rc || target[0] == '/')
		return rc;
	n = scan_sockets(target, path);
	if (n == 1) {
		error_clear(err);
		return 0;
	}
	if (n > 1) {
		error_clear(err);
		return error_set(err, EEXIST, NULL,
				 "%u of them run (%.200s/%.40s.*.ctl); say which one by --target",
				 n, dir_run(), target);
	}
	return rc;
}

/* What a person does next. */
static void advise(const struct args *a, int code, struct str *why)
{
	if (code == EACCES || code == EPERM)
		str_puts(why, "\nThis needs the rights of the user that the switch runs as.");
	else if (code == ETIMEDOUT)
		str_printf(why,
			   "\nIt is busy or stuck: try again with --timeout=%g, or look at its "
			   "log.",
			   a->timeout_s * 4);
	else if (code != EEXIST)
		str_printf(
			why,
			"\nIs shuntd running?  Start it (shuntd --detach --pidfile), or name its "
			"socket by --target=FILE.\nSockets are looked for in %s; the environment "
			"variable OVS_RUNDIR says otherwise.",
			dir_run());
}

static int unreached(const struct args *a, const struct error *err, struct str *why)
{
	char text[400];

	str_printf(why, "cannot reach %s: %s", a->target, error_text(err, text, sizeof(text)));
	advise(a, err->code, why);
	return EXIT_UNREACHED;
}

int peer_call(const struct args *a, const char *method, int argc, const char *const argv[],
	      char **ret_text, struct str *why)
{
	const struct ctl_request req = { method, argc, argv,
					 (uint64_t)(a->timeout_s * (double)NSEC_PER_SEC) };
	struct error err = ERROR_INIT;
	char *path, *text, *refusal;
	int rc;

	if (find_socket(a->target, &path, &err))
		return unreached(a, &err, why);
	rc = ctl_call(path, &req, &text, &refusal, &err);
	if (!rc) {
		*ret_text = text;
	} else if (rc == -EREMOTEIO) {
		str_puts(why, refusal);
		str_chomp(why, "\n");
		free(refusal);
		rc = EXIT_SWITCH;
	} else {
		rc = unreached(a, &err, why);
	}
	free(path);
	return rc;
}
