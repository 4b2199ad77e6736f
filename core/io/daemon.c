/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/str.h"
#include "core/base/xalloc.h"
#include "core/io/pidfile.h"

LOG_MODULE("daemon");

static struct {
	const char *program, *version;
	char *pidfile;  /* owned; NULL: none wanted */
	char *log_file; /* owned; NULL: none wanted */
	bool overwrite_pidfile, detach, no_chdir;
	int pidfile_fd; /* holds the lock; -1: none */
	int ready_fd;   /* the parent waits at the other end; -1: none */
} self = { .program = "shunt", .version = "", .pidfile_fd = -1, .ready_fd = -1 };

void daemon_set_program(const char *name, const char *version)
{
	self.program = name;
	self.version = version;
	log_set_program(name);
}

const char *daemon_program(void)
{
	return self.program;
}

const char *daemon_version(void)
{
	return self.version;
}

/* ---- Options ------------------------------------------------------------------------------ */

/* DIR/PROGRAM.SUFFIX, or what the operator named. */
static void set_path(char **path, const char *dir, const char *arg, const char *suffix)
{
	char *name = arg ? xstrdup(arg) : xasprintf("%s.%s", self.program, suffix);

	free(*path);
	*path = dir_file(dir, name);
	free(name);
}

static int set_verbose(const char *spec, struct error *err)
{
	char why[128];

	if (log_set_spec(spec ? spec : "ANY:ANY:dbg", why, sizeof(why)))
		return error_set(err, EINVAL, "--verbose", "%s", why);
	return 1;
}

int daemon_option(int opt, const char *arg, struct error *err)
{
	switch (opt) {
	case DAEMON_OPT_PIDFILE: set_path(&self.pidfile, dir_run(), arg, "pid"); return 1;
	case DAEMON_OPT_OVERWRITE_PIDFILE: self.overwrite_pidfile = true; return 1;
	case DAEMON_OPT_DETACH: self.detach = true; return 1;
	case DAEMON_OPT_NO_CHDIR: self.no_chdir = true; return 1;
	case DAEMON_OPT_NO_SELF_CONFINEMENT: return 1; /* paths are not confined to begin with */
	case DAEMON_OPT_LOG_FILE: set_path(&self.log_file, dir_log(), arg, "log"); return 1;
	case DAEMON_OPT_VERBOSE: return set_verbose(arg, err);
	default: return 0;
	}
}

void daemon_usage(struct str *out)
{
	str_printf(out,
		   "Daemon options:\n"
		   "  --detach                run in the background once everything works\n"
		   "  --no-chdir              do not change to / in the background\n"
		   "  --pidfile[=FILE]        write the process id to FILE (%s/%s.pid)\n"
		   "  --overwrite-pidfile     start even when a pidfile's process runs\n"
		   "  --no-self-confinement   accepted; sockets may be anywhere\n"
		   "Logging options:\n"
		   "  -v, --verbose=[SPEC]    set levels: [MODULE]:[console|syslog|file]:[LEVEL]\n"
		   "  -v, --verbose           log everything\n"
		   "  --log-file[=FILE]       log to FILE (%s/%s.log)\n",
		   dir_run(), self.program, dir_log(), self.program);
}

/* ---- Starting ----------------------------------------------------------------------------- */

/* In the parent: waits until the child is ready (a byte comes) or has ended, and ends likewise. */
static void __attribute__((noreturn)) wait_for_child(pid_t child, int fd)
{
	int status = 0;
	ssize_t n;
	char c;

	do
		n = read(fd, &c, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(EXIT_SUCCESS);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		(void)fprintf(stderr, "%s: ended by signal %d while starting\n", self.program,
			      WTERMSIG(status));
	_exit(WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

static int go_to_background(struct error *err)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return error_set(err, errno, "--detach", "cannot make a pipe (%s)",
				 strerrordesc_np(errno));
	(void)fflush(NULL);
	pid = fork();
	if (pid < 0) {
		int code = errno;

		close(fds[0]);
		close(fds[1]);
		return error_set(err, code, "--detach", "cannot fork (%s)", strerrordesc_np(code));
	}
	if (pid > 0) {
		close(fds[1]);
		wait_for_child(pid, fds[0]);
	}
	close(fds[0]);
	self.ready_fd = fds[1];
	(void)setsid(); /* a new child is never a group's leader, so it cannot fail */
	return 0;
}

int daemon_start(struct error *err)
{
	int rc;

	dir_make(dir_run());
	if (self.log_file) {
		dir_make(dir_log());
		rc = log_set_file(self.log_file);
		if (rc)
			return error_set(err, -rc, "--log-file", "%.200s: %s", self.log_file,
					 strerrordesc_np(-rc));
	}
	rc = self.detach ? go_to_background(err) : 0;
	if (rc || !self.pidfile)
		return rc;
	self.pidfile_fd = pidfile_take(self.pidfile, self.overwrite_pidfile, err);
	return MIN(self.pidfile_fd, 0);
}

static void close_standard_files(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		(void)dup2(null, fd);
	if (null > 2)
		close(null);
}

void daemon_ready(void)
{
	if (self.ready_fd < 0)
		return;
	(void)!write(self.ready_fd, "", 1); /* a parent that was killed needs no word */
	close(self.ready_fd);
	self.ready_fd = -1;
	log_set_all(LD_CONSOLE, LL_OFF);
	if (!self.no_chdir && chdir("/"))
		log_warn("cannot change to / (%s)", strerrordesc_np(errno));
	close_standard_files();
}

void daemon_done(void)
{
	if (self.pidfile_fd < 0)
		return;
	(void)unlink(self.pidfile);
	close(self.pidfile_fd);
	self.pidfile_fd = -1;
}
