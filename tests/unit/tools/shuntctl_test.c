/* SPDX-License-Identifier: Apache-2.0 */
/* The program itself against a switch that answers from samples: what it prints, its exit status,
 * its messages; and the live view on a terminal of its own. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "core/io/ctl.h"
#include "core/io/loop.h"
#include "tests/unit/tools/samples.h"

static char dir[] = "/tmp/shuntctl_test.XXXXXX";
static char sock[64], program[4096];
static pid_t server;

/* --- the switch --- */

static void answer_sample(struct ctl_conn *conn, int argc UNUSED, const char *const argv[],
			  void *aux UNUSED)
{
	const char *name = strchr(argv[0], '/') + 1;
	struct json_object *o = sample_load(name);

	if (!strcmp(name, "top")) { /* an answer of the moment */
		struct json_object *now = json_object_get(json_object_object_get(o, "now"));

		json_object_put(o);
		o = now;
		json_object_object_add(o, "at_ms",
				       json_object_new_uint64(clock_mono_ns() / NSEC_PER_MSEC));
	}
	ctl_reply(conn, json_object_to_json_string(o));
	json_object_put(o);
}

static void answer_caps(struct ctl_conn *conn, int argc UNUSED, const char *const argv[],
			void *aux UNUSED)
{
	if (!strcmp(argv[1], "broken"))
		ctl_reply(conn, "{\"name\":");
	else if (!strcmp(argv[1], "odd"))
		ctl_reply(conn, "{\"name\":7}");
	else if (!strcmp(argv[1], "mute"))
		return; /* never answered */
	else
		ctl_reply_error(conn, "no offload device \"\033[31mx\"");
}

static void echo(struct ctl_conn *conn, int argc, const char *const argv[], void *aux UNUSED)
{
	struct str s = STR_INIT;

	for (int i = 0; i < argc; i++)
		str_printf(&s, "<%s>", argv[i]);
	ctl_reply(conn, str_cstr(&s));
	str_done(&s);
}

static void echo_json(struct ctl_conn *conn, int argc, const char *const argv[], void *aux UNUSED)
{
	struct json_object *a = json_object_new_array();

	for (int i = 1; i < argc; i++)
		json_object_array_add(a, json_object_new_string(argv[i]));
	ctl_reply(conn, json_object_to_json_string(a));
	json_object_put(a);
}

static void serve(void)
{
	static const struct ctl_command commands[] = {
		{ "shunt/show", "", 0, 0, answer_sample },
		{ "offload/status", "", 0, 0, answer_sample },
		{ "offload/flows", "", 0, 1, answer_sample },
		{ "offload/why", "", 1, 1, echo },
		{ "offload/top", "", 2, 2, answer_sample },
		{ "offload/caps", "", 1, 1, answer_caps },
		{ "offload/device", "", 0, -1, echo },
		{ "offload/audit", "", 0, -1, echo_json },
		{ "ofproto/trace", "", 0, -1, echo },
		{ "shunt/metrics", "", 0, 0, echo },
	};
	struct error err = ERROR_INIT;
	struct loop *l = loop_new(&err);
	struct ctl *c = l ? ctl_new(l, sock, &err) : NULL;

	if (!c)
		_exit(1);
	ctl_register_all(c, commands, ARRAY_SIZE(commands), NULL);
	_exit(loop_run(l) ? 1 : 0);
}

static void start(void)
{
	struct stat st;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(sock, sizeof(sock), "%s/switch.ctl", dir);
	(void)setenv("OVS_RUNDIR", dir, 1);
	server = fork();
	if (!server)
		serve();
	for (int i = 0; i < 500 && stat(sock, &st); i++)
		(void)usleep(10000);
}

static void stop(void)
{
	(void)kill(server, SIGKILL);
	(void)waitpid(server, NULL, 0);
	(void)unlink(sock);
	(void)rmdir(dir);
}

/* --- the program --- */

struct run {
	int status;
	char out[65536], err[4096];
};

static void slurp(int fd, char *to, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while (n + 1 < size && (got = read(fd, to + n, size - 1 - n)) > 0)
		n += (size_t)got;
	to[n] = '\0';
	close(fd);
}

/* Runs it with `words` (at blanks) behind --target SOCKET, unless they name a target. */
static void run(struct run *r, const char *words)
{
	char text[256], *argv[16] = { program }, *save = NULL, target[80];
	int out[2], err[2], argc = 1, status;
	pid_t pid;

	(void)snprintf(text, sizeof(text), "%s", words);
	(void)snprintf(target, sizeof(target), "--target=%s", sock);
	if (!strstr(words, "-t "))
		argv[argc++] = target;
	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	ck_assert(!pipe(out) && !pipe(err));
	pid = fork();
	if (!pid) {
		(void)dup2(out[1], 1);
		(void)dup2(err[1], 2);
		close(out[0]);
		close(err[0]);
		execv(program, argv);
		_exit(127);
	}
	close(out[1]);
	close(err[1]);
	slurp(out[0], r->out, sizeof(r->out));
	slurp(err[0], r->err, sizeof(r->err));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "%s: signal %d", words, WTERMSIG(status));
	r->status = WEXITSTATUS(status);
}

static struct run r;

START_TEST(answers_are_laid_out)
{
	run(&r, "show");
	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_nonnull(strstr(r.out, "nosuch: could not open"));
	ck_assert_str_eq(r.err, "");
	run(&r, "offload flows state=refused");
	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_nonnull(strstr(r.out, "flows: "));
	run(&r, "offload top --once -i 0.1");
	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_nonnull(strstr(r.out, "SHARE NOW"));
	ck_assert_ptr_null(strchr(r.out, '\033'));
}
END_TEST

START_TEST(json_is_the_switchs_own)
{
	static const char *const cases[][2] = {
		{ "--json show", "show" },
		{ "offload status --json", "status" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json_object *want = sample_load(cases[i][1]), *got;

		run(&r, cases[i][0]);
		ck_assert_int_eq(r.status, 0);
		got = json_tokener_parse(r.out);
		ck_assert(json_object_equal(want, got));
		json_object_put(want);
		json_object_put(got);
	}
	run(&r, "offload top --json");
	ck_assert_ptr_nonnull(strstr(r.out, "\"at_ms\": "));
	run(&r, "--json metrics");
	ck_assert_str_eq(r.out, "{\n  \"lines\": [\n    \"<shunt/metrics>\"\n  ]\n}\n");
}
END_TEST

START_TEST(arguments_reach_the_switch)
{
	run(&r, "offload device sim0 fault --json slow 3");
	ck_assert_str_eq(r.out, "<offload/device><sim0><fault><--json><slow><3>\n");
	run(&r, "trace br0 in_port=1,tcp -generate");
	ck_assert_str_eq(r.out, "<ofproto/trace><br0><in_port=1,tcp><-generate>\n");
	run(&r, "offload audit sim0 --repair --json");
	ck_assert_str_eq(r.out, "[\n  \"--repair\",\n  \"sim0\"\n]\n");
	run(&r, "metrics");
	ck_assert_str_eq(r.out, "<shunt/metrics>\n");
}
END_TEST

START_TEST(errors_have_their_status)
{
	static const struct {
		const char *words;
		int status;
		const char *tells;
	} cases[] = {
		{ "offload caps x", 1, "no offload device \"?[31mx\"" },
		{ "offload caps broken", 1, "not JSON" },
		{ "offload caps odd", 1, "where int belongs" },
		{ "offload why x", 1, "not JSON" },
		{ "nosuch", 2, "See: shuntctl --help" },
		{ "offload caps", 2, "See: shuntctl offload caps --help" },
		{ "-t /nonexistent/x.ctl show", 3, "Is shuntd running?" },
		{ "-t nosuch show", 3, "nosuch.pid" },
		{ "offload caps mute --timeout 0.2", 3, "busy or stuck" },
		{ "-t nosuch version", 3, "cannot reach nosuch" },
		{ "-t nosuch offload top", 3, "cannot reach nosuch" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		run(&r, cases[i].words);
		ck_assert_msg(r.status == cases[i].status, "%s: %d: %s", cases[i].words, r.status,
			      r.err);
		ck_assert_msg(strstr(r.err, cases[i].tells) != NULL, "%s: %s", cases[i].words,
			      r.err);
		ck_assert_msg(!strncmp(r.err, "shuntctl: ", 10), "%s", r.err);
	}
	run(&r, "-t nosuch --version");
	ck_assert_int_eq(r.status, 0);
	run(&r, "-t nosuch help offload top");
	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_nonnull(strstr(r.out, "--interval"));
}
END_TEST

/* --- a terminal --- */

struct terminal {
	int master, slave;
	struct termios before; /* the program had it */
	pid_t pid;
	char screen[1 << 20]; /* everything that it was sent */
	size_t n;
};
static struct terminal term;

/* Reads until `text` has come behind byte `from`, at most 10 s. */
static void expect(const char *text, size_t from)
{
	uint64_t end = clock_mono_ns() + 10 * NSEC_PER_SEC;
	struct pollfd p = { .fd = term.master, .events = POLLIN };

	while (!strstr(term.screen + from, text)) {
		ssize_t got = 0;

		ck_assert_msg(clock_mono_ns() < end, "no \"%s\" in: %s", text, term.screen + from);
		if (poll(&p, 1, 100) > 0)
			got = read(term.master, term.screen + term.n,
				   sizeof(term.screen) - 1 - term.n);
		if (got > 0)
			term.n += (size_t)got;
		term.screen[term.n] = '\0';
	}
}

static void resize(unsigned short columns, unsigned short rows)
{
	struct winsize ws = { .ws_col = columns, .ws_row = rows };

	ck_assert_int_eq(ioctl(term.master, TIOCSWINSZ, &ws), 0);
}

static void start_live(void)
{
	char target[80];

	memset(&term, 0, sizeof(term));
	(void)snprintf(target, sizeof(target), "--target=%s", sock);
	term.master = posix_openpt(O_RDWR | O_NOCTTY);
	ck_assert(term.master >= 0 && !grantpt(term.master) && !unlockpt(term.master));
	resize(80, 24);
	term.slave = open(ptsname(term.master), O_RDWR | O_NOCTTY);
	ck_assert_int_eq(tcgetattr(term.slave, &term.before), 0);
	term.pid = fork();
	if (!term.pid) {
		(void)setsid();
		(void)ioctl(term.slave, TIOCSCTTY, 0);
		for (int fd = 0; fd < 3; fd++)
			(void)dup2(term.slave, fd);
		(void)setenv("TERM", "xterm", 1);
		execl(program, program, target, "offload", "top", "-i", "0.1", (char *)NULL);
		_exit(127);
	}
}

/* Waits for its end and checks that the terminal is as it was. */
static int end_live(void)
{
	struct termios after;
	int status;

	expect("\033[?1049l", 0);
	ck_assert_int_eq(waitpid(term.pid, &status, 0), term.pid);
	ck_assert_ptr_nonnull(strstr(term.screen, "\033[?25h"));
	ck_assert_int_eq(tcgetattr(term.slave, &after), 0);
	ck_assert_uint_eq(term.before.c_lflag, after.c_lflag);
	close(term.master);
	close(term.slave);
	return status;
}

START_TEST(live_view_gives_the_terminal_back)
{
	static const int signals[] = { 0, SIGINT, SIGTERM, SIGSEGV };
	int status;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		start_live();
		expect("SHARE NOW", 0);
		if (signals[i])
			ck_assert_int_eq(kill(term.pid, signals[i]), 0);
		else
			ck_assert_int_eq(write(term.master, "q", 1), 1);
		status = end_live();
		if (signals[i] == SIGTERM)
			ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
		else if (signals[i] == SIGSEGV) /* of which a sanitizer makes an exit status */
			ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status));
		else
			ck_assert(WIFEXITED(status) && !WEXITSTATUS(status));
	}
}
END_TEST

START_TEST(live_view_follows_the_size)
{
	size_t mark;

	start_live();
	expect("SHARE NOW", 0);
	ck_assert_ptr_null(strstr(term.screen, "UFID"));
	mark = term.n;
	resize(200, 40);
	expect("UFID", mark);
	mark = term.n;
	ck_assert_int_eq(write(term.master, " ", 1), 1);
	expect("STOPPED", mark);
	mark = term.n;
	ck_assert_int_eq(write(term.master, "h", 1), 1);
	expect("this help", mark);
	mark = term.n;
	ck_assert_int_eq(write(term.master, "xs", 2), 2);
	expect("by bits", mark);
	ck_assert_int_eq(write(term.master, "q", 1), 1);
	ck_assert_int_eq(end_live(), 0);
}
END_TEST

START_TEST(live_view_survives_the_switch)
{
	size_t mark;

	start_live();
	expect("SHARE NOW", 0);
	stop();
	mark = term.n;
	expect("asking again", mark);
	memcpy(strrchr(dir, '.'), ".XXXXXX", 8);
	ck_assert_int_eq(write(term.master, "q", 1), 1);
	ck_assert_int_eq(end_live(), 0);
	start(); /* for stop() */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools/shuntctl");
	TCase *tc = tcase_create("all");
	SRunner *sr;
	int failed;

	if (!realpath("tools/shuntctl", program)) {
		printf("tools/shuntctl has not been built here\n");
		return 77;
	}
	(void)setenv("LC_ALL", "C.UTF-8", 1);
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, answers_are_laid_out);
	tcase_add_test(tc, json_is_the_switchs_own);
	tcase_add_test(tc, arguments_reach_the_switch);
	tcase_add_test(tc, errors_have_their_status);
	tcase_add_test(tc, live_view_gives_the_terminal_back);
	tcase_add_test(tc, live_view_follows_the_size);
	tcase_add_test(tc, live_view_survives_the_switch);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
