/* SPDX-License-Identifier: Apache-2.0 */
/* A database server and nothing else, for tests that drive it with real clients:
 *
 *	dbserver_main FILE SCHEMA REMOTE...
 *
 * Prints "ready" once it listens and runs until SIGTERM or SIGINT. */
#include <signal.h>
#include <stdio.h>

#include "core/base/log.h"
#include "core/io/loop.h"
#include "dbserver/dbserver.h"

LOG_MODULE("dbserver_main");

static void on_signal(int signo, void *arg)
{
	(void)signo;
	loop_exit(arg);
}

static int complain(const struct error *err)
{
	char text[512];

	fprintf(stderr, "dbserver_main: %s\n", error_text(err, text, sizeof(text)));
	return 1;
}

static int serve(struct loop *loop, char *argv[], struct error *err)
{
	struct dbserver_open_report report;
	struct dbserver *s = dbserver_new(loop, NULL);
	int rc = dbserver_open(s, argv[1], argv[2], &report, err);

	if (!rc && report.lost_bytes)
		log_warn("%s: lost %llu bytes (%s), copy in %s", argv[1],
			 (unsigned long long)report.lost_bytes, report.reason, report.saved_as);
	for (char **target = argv + 3; !rc && *target; target++)
		rc = dbserver_add_remote(s, *target, err);
	if (!rc) {
		puts("ready");
		fflush(stdout);
		rc = loop_run(loop);
	}
	dbserver_free(s);
	return rc;
}

int main(int argc, char *argv[])
{
	struct error err = ERROR_INIT;
	struct loop_signal *term, *intr;
	struct loop *loop;
	int rc;

	if (argc < 4) {
		fprintf(stderr, "usage: dbserver_main FILE SCHEMA REMOTE...\n");
		return 2;
	}
	log_set_all(LD_SYSLOG, LL_OFF);
	loop = loop_new(&err);
	if (!loop)
		return complain(&err);
	term = loop_signal_new(loop, SIGTERM, on_signal, loop, &err);
	intr = loop_signal_new(loop, SIGINT, on_signal, loop, &err);
	rc = serve(loop, argv, &err);
	loop_signal_free(term);
	loop_signal_free(intr);
	loop_free(loop);
	return rc ? complain(&err) : 0;
}
