/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that every daemon has (ovs-appctl(8), "Common commands"). */
#include <string.h>

#include "core/base/counter.h"
#include "core/base/log.h"
#include "core/base/memreport.h"
#include "core/base/str.h"
#include "core/io/ctl_priv.h"
#include "core/io/daemon.h"

static void reply_and_free(struct ctl_conn *conn, struct str *text)
{
	ctl_reply(conn, str_cstr(text));
	str_done(text);
}

static void list_commands(struct ctl_conn *conn, int argc UNUSED, const char *const argv[] UNUSED,
			  void *aux)
{
	struct str out = STR_INIT;

	ctl_list_commands(aux, &out);
	reply_and_free(conn, &out);
}

static void version(struct ctl_conn *conn, int argc UNUSED, const char *const argv[] UNUSED,
		    void *aux UNUSED)
{
	struct str out = STR_INIT;

	str_printf(&out, "%s (Shunt) %s", daemon_program(), daemon_version());
	reply_and_free(conn, &out);
}

static void vlog_set(struct ctl_conn *conn, int argc, const char *const argv[], void *aux UNUSED)
{
	char why[192];

	for (int i = 1; i < argc; i++) {
		if (log_set_spec(argv[i], why, sizeof(why))) {
			ctl_reply_error(conn, why);
			return;
		}
	}
	ctl_reply(conn, NULL);
}

static void vlog_list(struct ctl_conn *conn, int argc UNUSED, const char *const argv[] UNUSED,
		      void *aux UNUSED)
{
	struct str out = STR_INIT;

	log_list(&out);
	reply_and_free(conn, &out);
}

static void vlog_list_pattern(struct ctl_conn *conn, int argc UNUSED,
			      const char *const argv[] UNUSED, void *aux UNUSED)
{
	struct str out = STR_INIT;

	log_list_patterns(&out);
	reply_and_free(conn, &out);
}

static void vlog_reopen(struct ctl_conn *conn, int argc UNUSED, const char *const argv[] UNUSED,
			void *aux UNUSED)
{
	int rc;

	if (!*log_file_path()) {
		ctl_reply_error(conn, "Logging to file not configured");
		return;
	}
	rc = log_reopen();
	if (rc)
		ctl_reply_error(conn, strerrordesc_np(-rc));
	else
		ctl_reply(conn, NULL);
}

static void vlog_close(struct ctl_conn *conn, int argc UNUSED, const char *const argv[] UNUSED,
		       void *aux UNUSED)
{
	log_close_file();
	ctl_reply(conn, NULL);
}

static void coverage_show(struct ctl_conn *conn, int argc UNUSED, const char *const argv[] UNUSED,
			  void *aux UNUSED)
{
	struct str out = STR_INIT;

	counter_show(&out);
	reply_and_free(conn, &out);
}

static void coverage_read(struct ctl_conn *conn, int argc UNUSED, const char *const argv[],
			  void *aux UNUSED)
{
	struct str out = STR_INIT;
	uint64_t total;

	if (!counter_find(argv[1], &total)) {
		ctl_reply_error(conn, "No such counter");
		return;
	}
	str_printf(&out, "%llu", (unsigned long long)total);
	reply_and_free(conn, &out);
}

static void memory_show(struct ctl_conn *conn, int argc UNUSED, const char *const argv[] UNUSED,
			void *aux UNUSED)
{
	struct str out = STR_INIT;

	memreport_show(&out);
	reply_and_free(conn, &out);
}

static const struct ctl_command builtins[] = {
	{ "coverage/read-counter", "COUNTER", 1, 1, coverage_read },
	{ "coverage/show", "", 0, 0, coverage_show },
	{ "list-commands", "", 0, 0, list_commands },
	{ "memory/show", "", 0, 0, memory_show },
	{ "version", "", 0, 0, version },
	{ "vlog/close", "", 0, 0, vlog_close },
	{ "vlog/list", "", 0, 0, vlog_list },
	{ "vlog/list-pattern", "", 0, 0, vlog_list_pattern },
	{ "vlog/reopen", "", 0, 0, vlog_reopen },
	{ "vlog/set", "{spec | PATTERN:destination:pattern}", 0, -1, vlog_set },
};

void ctl_register_builtins(struct ctl *c)
{
	ctl_register_all(c, builtins, ARRAY_SIZE(builtins), c);
}
