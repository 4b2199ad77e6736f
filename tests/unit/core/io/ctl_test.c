/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket, by our own client and, where it is installed, by ovs-appctl; and the daemon
 * that stands around it. */
#include "core/io/ctl.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/memreport.h"
#include "core/base/str.h"
#include "core/base/thread.h"
#include "core/base/xalloc.h"
#include "core/io/daemon.h"
#include "core/io/loop.h"
#include "core/io/pidfile.h"

static char dir[64], path[128];
static struct loop *l;
static struct ctl *c;
static struct thread server;
static struct ctl_conn *waiting, *held;

static void echo(struct ctl_conn *conn, int argc, const char *const argv[], void *aux)
{
	struct str out = STR_INIT;

	for (int i = 0; i < argc; i++)
		str_printf(&out, "%s%s", i ? "|" : (const char *)aux, argv[i]);
	ctl_reply(conn, str_cstr(&out));
	str_done(&out);
}

static void refuse_all(struct ctl_conn *conn, int argc UNUSED, const char *const argv[] UNUSED,
		       void *aux UNUSED)
{
	ctl_reply_error(conn, "it failed");
}

static void answer_waiting(void *arg UNUSED)
{
	ctl_reply(waiting, "late");
}

static void later(struct ctl_conn *conn, int argc UNUSED, const char *const argv[] UNUSED,
		  void *aux UNUSED)
{
	waiting = conn;
	loop_defer(l, answer_waiting, NULL);
}

static void hold(struct ctl_conn *conn, int argc UNUSED, const char *const argv[] UNUSED,
		 void *aux UNUSED)
{
	held = conn;
}

static void leave(struct ctl_conn *conn, int argc UNUSED, const char *const argv[] UNUSED,
		  void *aux UNUSED)
{
	ctl_reply(conn, "bye");
	loop_exit(l);
}

static const struct ctl_command commands[] = {
	{ "fail", "", 0, 0, refuse_all },
	{ "later", "", 0, 0, later },
	{ "hold", "", 0, 0, hold },
	{ "exit", "", 0, 0, leave },
};

static void serve(struct thread *t UNUSED, void *arg UNUSED)
{
	if (loop_run(l))
		abort();
	ctl_free(c); /* as a daemon does at its end */
	if (held)
		ctl_reply(held, "nobody listens any more");
}

static void start(void)
{
	static char aux[] = ">";

	(void)snprintf(dir, sizeof(dir), "/tmp/ctl_test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)setenv("OVS_RUNDIR", dir, 1);
	(void)setenv("OVS_LOGDIR", dir, 1);
	log_set_all(LD_CONSOLE, LL_OFF);
	log_set_all(LD_SYSLOG, LL_OFF);
	daemon_set_program("ctl_test", "1.2.3");
	l = loop_new(NULL);
	c = ctl_new(l, NULL, NULL);
	ck_assert_ptr_nonnull(c);
	(void)snprintf(path, sizeof(path), "%s/ctl_test.%ld.ctl", dir, (long)getpid());
	ck_assert_str_eq(ctl_path(c), path);
	ctl_register(c, "echo", "[ARG]...", 0, 3, echo, aux);
	ctl_register(c, "echo", "ARG...", 1, 3, echo, aux);
	ctl_register_all(c, commands, ARRAY_SIZE(commands), NULL);
	ctl_register(c, "gone", "", 0, 0, refuse_all, NULL);
	ctl_unregister(c, "gone");
	ck_assert_int_eq(thread_start(&server, "server", serve, NULL), 0);
}

static void stop(void)
{
	char *command = xasprintf("rm -rf %s", dir);

	loop_exit(l);
	thread_stop(&server);
	loop_free(l);
	ck_assert_int_eq(system(command), 0);
	free(command);
}

static int call(const char *to, const char *command, uint64_t timeout_ns, char **result,
		char **error)
{
	const struct ctl_request req = { .command = command, .timeout_ns = timeout_ns };

	return ctl_call(to, &req, result, error, NULL);
}

/* Calls; compares the result, or the error when `expected` starts with '!'. */
static void expect(const char *expected, const char *command, int argc, const char *const argv[])
{
	struct error err = ERROR_INIT;
	char *result, *error;
	const struct ctl_request req = { command, argc, argv, 10 * NSEC_PER_SEC };
	int rc = ctl_call(path, &req, &result, &error, &err);

	if (expected[0] == '!') {
		ck_assert_int_eq(rc, -EREMOTEIO);
		ck_assert_str_eq(error, expected + 1);
	} else {
		ck_assert_msg(!rc, "%s: %s", err.cause, error ? error : "");
		ck_assert_str_eq(result, expected);
	}
	free(result);
	free(error);
}

START_TEST(calls_and_errors)
{
	static const char *const args[] = { "a", "b c", "\xc3\xa9", "d" };

	expect(">echo|a|b c|\xc3\xa9\n", "echo", 3, args);
	expect("!\"echo\" command takes at most 3 arguments\n", "echo", 4, args);
	expect("!\"echo\" command requires at least 1 arguments\n", "echo", 0, NULL);
	expect("!it failed\n", "fail", 0, NULL);
	expect("late\n", "later", 0, NULL);
	expect("ctl_test (Shunt) 1.2.3\n", "version", 0, NULL);
	expect("!\"gone\" is not a valid command (use \"list-commands\" to see a list of valid "
	       "commands)\n",
	       "gone", 0, NULL);
}
END_TEST

static void report(struct memreport *m, void *arg UNUSED)
{
	memreport_add(m, "rules", 3);
}

START_TEST(builtin_commands)
{
	static const char *const spec[] = { "ctl:file:dbg", "loop:off" }, *const bad[] = { "x" };
	static const char *const pattern[] = { "PATTERN:file:%m" };
	struct memreporter *m = memreporter_new(report, NULL);
	char *result, *error;

	expect("rules:3\n", "memory/show", 0, NULL);
	memreporter_free(m);
	expect("", "vlog/set", 2, spec);
	expect("!no destination, level, or module \"x\"\n", "vlog/set", 1, bad);
	expect("", "vlog/set", 1, pattern);
	expect("!Logging to file not configured\n", "vlog/reopen", 0, NULL);
	expect("", "vlog/close", 0, NULL);
	expect("!No such counter\n", "coverage/read-counter", 1, bad);
	ck_assert_int_eq(call(path, "vlog/list", 0, &result, &error), 0);
	ck_assert_ptr_nonnull(strstr(result, "\nctl                OFF        OFF        DBG\n"));
	ck_assert_ptr_nonnull(strstr(result, "\nloop               OFF        OFF        OFF\n"));
	free(result);
	ck_assert_int_eq(call(path, "vlog/list-pattern", 0, &result, &error), 0);
	ck_assert_ptr_nonnull(strstr(result, "\nFILE     none                              %m\n"));
	free(result);
}
END_TEST

START_TEST(clients_may_leave_early)
{
	char *result, *error;

	ck_assert_int_eq(call(path, "hold", 20 * NSEC_PER_MSEC, &result, &error), -ETIMEDOUT);
	expect("late\n", "later", 0, NULL);
	ck_assert_int_eq(call("/nonexistent", "x", 0, &result, &error), -ENOENT);
}
END_TEST

START_TEST(exit_is_answered)
{
	expect("bye\n", "exit", 0, NULL);
}
END_TEST

/* What a command prints, with its errors. */
static char *run(const char *command)
{
	struct str out = STR_INIT;
	FILE *f = popen(command, "r");
	char line[512];

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		str_puts(&out, line);
	(void)pclose(f);
	return str_steal(&out);
}

START_TEST(ovs_appctl_works)
{
	char command[256], *out;

	if (access("/usr/bin/ovs-appctl", X_OK))
		return;
	(void)snprintf(command, sizeof(command), "ovs-appctl -t %s list-commands 2>&1", path);
	out = run(command);
	ck_assert_msg(!strncmp(out,
			       "The available commands are:\n  coverage/read-counter   COUNTER\n",
			       62),
		      "%s", out);
	ck_assert_ptr_nonnull(strstr(out, "\n  echo                    ARG...\n"));
	free(out);
	(void)snprintf(command, sizeof(command), "ovs-appctl -t %s echo x 'y z' 2>&1", path);
	out = run(command);
	ck_assert_str_eq(out, ">echo|x|y z\n");
	free(out);
	(void)snprintf(command, sizeof(command), "ovs-appctl -t %s fail 2>&1", path);
	out = run(command);
	ck_assert_ptr_eq(strstr(out, "it failed\n"), out);
	free(out);
}
END_TEST

/* ---- Daemons ------------------------------------------------------------------------------ */

static void option(int opt, const char *arg)
{
	ck_assert_int_eq(daemon_option(opt, arg, NULL), 1);
}

/* A daemon of its own; returns its exit status as the parent of --detach ends. */
static int spawn(bool become_ready)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct error err = ERROR_INIT;

		daemon_set_program("spawned", "1");
		option(DAEMON_OPT_PIDFILE, NULL);
		option(DAEMON_OPT_DETACH, NULL);
		option(DAEMON_OPT_LOG_FILE, NULL);
		if (daemon_start(&err))
			_exit(7);
		if (!become_ready)
			_exit(9);
		daemon_ready();
		(void)poll(NULL, 0, 30000); /* until the test ends it */
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(daemons_detach_and_lock)
{
	struct error err = ERROR_INIT;
	char file[128], *found;
	int pid;

	(void)snprintf(file, sizeof(file), "%s/spawned.pid", dir);
	ck_assert_int_eq(pidfile_read(file), -ENOENT);
	ck_assert_int_eq(spawn(false), 9);
	ck_assert_int_eq(pidfile_read(file), -ESRCH);
	ck_assert_int_eq(ctl_find("spawned", &found, &err), -ESRCH);
	ck_assert_int_eq(spawn(true), 0);
	pid = pidfile_read(file);
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(spawn(true), 7); /* one runs */
	ck_assert_int_eq(ctl_find("spawned", &found, NULL), 0);
	(void)snprintf(file, sizeof(file), "%s/spawned.%d.ctl", dir, pid);
	ck_assert_str_eq(found, file);
	free(found);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	(void)snprintf(file, sizeof(file), "%s/spawned.log", dir);
	ck_assert_int_eq(access(file, R_OK), 0);
}
END_TEST

START_TEST(pidfile_goes_with_its_process)
{
	struct error err = ERROR_INIT;
	struct str usage = STR_INIT;
	char file[128];

	(void)snprintf(file, sizeof(file), "%s/mine.pid", dir);
	option(DAEMON_OPT_PIDFILE, "mine.pid");
	option(DAEMON_OPT_OVERWRITE_PIDFILE, NULL);
	ck_assert_int_eq(daemon_option('x', NULL, NULL), 0);
	ck_assert_int_eq(daemon_option(DAEMON_OPT_VERBOSE, "nosuch", &err), -EINVAL);
	ck_assert_int_eq(daemon_start(NULL), 0);
	daemon_ready();
	ck_assert_int_eq(access(file, R_OK), 0);
	daemon_done();
	ck_assert_int_eq(access(file, R_OK), -1);
	daemon_usage(&usage);
	ck_assert_ptr_nonnull(strstr(usage.s, "--detach"));
	str_done(&usage);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ctl");
	TCase *tc = tcase_create("ctl"), *daemons = tcase_create("daemon");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, calls_and_errors);
	tcase_add_test(tc, builtin_commands);
	tcase_add_test(tc, clients_may_leave_early);
	tcase_add_test(tc, exit_is_answered);
	tcase_add_test(tc, ovs_appctl_works);
	suite_add_tcase(s, tc);
	tcase_set_timeout(daemons, 30);
	tcase_add_checked_fixture(daemons, start, stop);
	tcase_add_test(daemons, daemons_detach_and_lock);
	tcase_add_test(daemons, pidfile_goes_with_its_process);
	suite_add_tcase(s, daemons);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
