/* SPDX-License-Identifier: Apache-2.0 */
/* What every daemon of the project has: directories, pidfile, going to the background, log options.
 *
 * The environment variables, defaults and options are those of ovs-vswitchd(8), so that unit files,
 * scripts and `ovs-appctl -t NAME` work.  All calls on the main thread, before others start. */
#pragma once

#include "core/base/err.h"
#include "core/base/types.h"

struct str;

/* OVS_RUNDIR (/var/run/openvswitch), OVS_LOGDIR (/var/log/openvswitch), OVS_SYSCONFDIR
 * (/etc), OVS_DBDIR (OVS_SYSCONFDIR/openvswitch, else /etc/openvswitch).  Borrowed for ever. */
const char *dir_run(void);
const char *dir_log(void);
const char *dir_sysconf(void);
const char *dir_db(void);
/* Makes what is missing of it.  What cannot be made is told by whoever opens a file in it. */
void dir_make(const char *dir);
/* `name` when it is absolute, else DIR/name.  Owned by the caller. */
char *dir_file(const char *dir, const char *name);

/* Before anything else: the name for logs, pidfile and control socket ("shuntd"), borrowed for
 * ever. */
void daemon_set_program(const char *name, const char *version);
const char *daemon_program(void);
const char *daemon_version(void);

/* Options for getopt_long(): DAEMON_OPTIONS go into the program's own table, and an option that the
 * program does not know goes to daemon_option(). */
enum daemon_opt {
	DAEMON_OPT_PIDFILE = 0x7000,
	DAEMON_OPT_OVERWRITE_PIDFILE,
	DAEMON_OPT_DETACH,
	DAEMON_OPT_NO_CHDIR,
	DAEMON_OPT_LOG_FILE,
	DAEMON_OPT_NO_SELF_CONFINEMENT,
	DAEMON_OPT_VERBOSE = 'v'
};
#define DAEMON_OPTIONS                                                                             \
	{ "pidfile", optional_argument, NULL, DAEMON_OPT_PIDFILE },                                \
		{ "overwrite-pidfile", no_argument, NULL, DAEMON_OPT_OVERWRITE_PIDFILE },          \
		{ "detach", no_argument, NULL, DAEMON_OPT_DETACH },                                \
		{ "no-chdir", no_argument, NULL, DAEMON_OPT_NO_CHDIR },                            \
		{ "no-self-confinement", no_argument, NULL, DAEMON_OPT_NO_SELF_CONFINEMENT },      \
		{ "log-file", optional_argument, NULL, DAEMON_OPT_LOG_FILE },                      \
	{                                                                                          \
		"verbose", optional_argument, NULL, DAEMON_OPT_VERBOSE                             \
	}
#define DAEMON_SHORT_OPTIONS "v::"

/* 1: taken; 0: not one of ours; -EINVAL and *err: a bad value. */
int daemon_option(int opt, const char *arg, struct error *err) MUST_CHECK;
void daemon_usage(struct str *out); /* their help text */

/* Makes the run directory and the log file's, opens the log file, forks when --detach was given
 * (the parent waits), writes and locks the pidfile.  Before the first loop and thread are made:
 * neither survives a fork.  Returns in the process that goes on.  0, or -errno and *err: -EAGAIN
 * when a pidfile's process runs. */
int daemon_start(struct error *err) MUST_CHECK;
/* Everything is open and working: the parent of --detach ends with success; standard files go to
 * /dev/null, console logging stops, the directory becomes /. */
void daemon_ready(void);
/* Removes the pidfile. */
void daemon_done(void);
