/* SPDX-License-Identifier: Apache-2.0 */
/* shuntd: the switch. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/rcu.h"
#include "core/base/str.h"
#include "core/base/xalloc.h"
#include "core/io/daemon.h"
#include "core/port/port.h"
#include "switchd/startup.h"
#include "switchd/switchd.h"

LOG_MODULE("shuntd");

#define METRICS_DEFAULT "127.0.0.1:9310"

enum { OPT_DB = 1, OPT_SCHEMA, OPT_METRICS, OPT_NO_METRICS, OPT_UNIXCTL, OPT_SOCKET };

static const struct option options[] = {
	{ "db", required_argument, NULL, OPT_DB },
	{ "schema", required_argument, NULL, OPT_SCHEMA },
	{ "db-socket", required_argument, NULL, OPT_SOCKET },
	{ "metrics", required_argument, NULL, OPT_METRICS },
	{ "no-metrics", no_argument, NULL, OPT_NO_METRICS },
	{ "unixctl", required_argument, NULL, OPT_UNIXCTL },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	DAEMON_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

static void usage(void)
{
	struct str s = STR_INIT;

	str_puts(&s, "shuntd: a virtual switch for servers whose NICs can switch\n"
		     "usage: shuntd [OPTIONS]\n\n"
		     "Database:\n"
		     "  --db=FILE               the configuration, made when missing\n"
		     "                          (default: conf.db in OVS_DBDIR)\n"
		     "  --db-socket=TARGET      where clients reach it\n"
		     "                          (default: punix:OVS_RUNDIR/db.sock)\n"
		     "  --schema=FILE           what a new database is made from\n\n"
		     "Seeing:\n"
		     "  --metrics=HOST:PORT     where /metrics is served (default: " METRICS_DEFAULT
		     ")\n"
		     "  --no-metrics            nowhere\n"
		     "  --unixctl=SOCKET        control socket\n"
		     "                          (default: shuntd.PID.ctl in OVS_RUNDIR)\n\n");
	daemon_usage(&s);
	str_puts(&s, "\nOther:\n  -h, --help              this\n  -V, --version           the "
		     "version\n");
	fputs(str_cstr(&s), stdout);
	str_done(&s);
}

/* 0: go on; else the exit status plus one. */
static int parse_options(int argc, char **argv, struct switchd_options *o)
{
	struct error err = ERROR_INIT;
	char text[400];
	int c, rc;

	while ((c = getopt_long(argc, argv, "hV" DAEMON_SHORT_OPTIONS, options, NULL)) != -1) {
		switch (c) {
		case OPT_DB: o->db_path = optarg; break;
		case OPT_SCHEMA: o->schema_path = optarg; break;
		case OPT_SOCKET: o->db_socket = optarg; break;
		case OPT_METRICS: o->metrics = optarg; break;
		case OPT_NO_METRICS: o->metrics = NULL; break;
		case OPT_UNIXCTL: o->ctl_path = optarg; break;
		case 'h': usage(); return 1;
		case 'V': printf("shuntd (Shunt) %s\n", PACKAGE_VERSION); return 1;
		case '?': return 3;
		default:
			rc = daemon_option(c, optarg, &err);
			if (rc <= 0) {
				fprintf(stderr, "shuntd: %s\n",
					error_text(&err, text, sizeof(text)));
				return 3;
			}
		}
	}
	if (optind < argc) {
		fprintf(stderr, "shuntd: unexpected argument \"%s\"; see shuntd --help\n",
			argv[optind]);
		return 3;
	}
	return 0;
}

static void on_signal(int signo, void *arg)
{
	struct loop *loop = arg;

	log_info("signal %d: stopping", signo);
	loop_exit(loop);
}

static void on_hup(int signo, void *arg)
{
	if (log_reopen())
		log_warn("cannot reopen the log file");
}

static int run(struct loop *loop, const struct switchd_options *opt, struct error *err)
{
	struct loop_signal *term = NULL, *intr = NULL, *hup = NULL;
	struct switchd *sw = switchd_new(loop, opt, err);
	int rc = 0;

	if (!sw)
		return err->code ? -err->code : -EIO;
	term = loop_signal_new(loop, SIGTERM, on_signal, loop, err);
	intr = loop_signal_new(loop, SIGINT, on_signal, loop, err);
	hup = loop_signal_new(loop, SIGHUP, on_hup, loop, err);
	daemon_ready();
	log_info("Shunt %s: started", PACKAGE_VERSION);
	rc = loop_run(loop);
	log_info("stopping");
	loop_signal_free(term);
	loop_signal_free(intr);
	loop_signal_free(hup);
	switchd_free(sw);
	return rc;
}

int main(int argc, char **argv)
{
	struct switchd_options opt = { .metrics = METRICS_DEFAULT };
	struct error err = ERROR_INIT;
	char text[400];
	char *db = NULL;
	struct loop *loop;
	int rc;

	heap_set_up();
	daemon_set_program("shuntd", PACKAGE_VERSION);
	rc = parse_options(argc, argv, &opt);
	if (rc)
		return rc - 1;
	signal(SIGPIPE, SIG_IGN);
	if (!opt.schema_path)
		opt.schema_path = startup_schema_path();
	if (!opt.db_path) {
		dir_make(dir_db());
		opt.db_path = db = dir_file(dir_db(), "conf.db");
	}
	rc = daemon_start(&err);
	if (rc)
		goto out;
	rcu_thread_start();
	startup_register();
	loop = loop_new(&err);
	if (!loop) {
		rc = -EIO;
		goto out;
	}
	rc = run(loop, &opt, &err);
	loop_free(loop);
	rcu_settle();
	rcu_thread_stop();
	daemon_done();
out:
	if (rc)
		fprintf(stderr, "shuntd: %s\n", error_text(&err, text, sizeof(text)));
	free(db);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
