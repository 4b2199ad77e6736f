/* SPDX-License-Identifier: Apache-2.0 */
/* The log: `2026-01-31T12:00:00.000Z|00001|module|LEVEL|text` (other threads: `module(thread)`), to
 * stderr, a file and syslog, with a level per module and destination.
 *
 * A module is declared by LOG_MODULE at the top of a .c file at an edge of the program.  Leaf
 * libraries return errors and do not log; packet workers only count.  The macros test one atomic
 * level before they evaluate their arguments.  Any thread; a line is written whole. */
#pragma once

#include "core/base/types.h"

enum log_level { LL_OFF, LL_EMER, LL_ERR, LL_WARN, LL_INFO, LL_DBG, LL_N_LEVELS };
enum log_dest { LD_CONSOLE, LD_SYSLOG, LD_FILE, LD_N_DESTS };

struct log_module {
	const char *name;
	struct log_module *next;            /* registry, set before main() */
	_Atomic uint8_t levels[LD_N_DESTS]; /* enum log_level */
	_Atomic uint8_t max_level;          /* the most verbose of levels[] */
};

void log_module_register(struct log_module *m);

#define LOG_MODULE(NAME)                                                                           \
	static struct log_module this_log_module = { .name = (NAME) };                             \
	static void __attribute__((constructor)) this_log_module_register(void)                    \
	{                                                                                          \
		log_module_register(&this_log_module);                                             \
	}                                                                                          \
	struct log_module_semicolon

/* Token bucket of one call site: burst of 10, then one each 5 s; what was left out is said with the
 * next line. */
struct log_ratelimit {
	_Atomic uint64_t next_ns; /* virtual scheduling time */
	_Atomic uint32_t dropped;
};

bool log_ratelimit_ok(struct log_ratelimit *rl, uint32_t *dropped);
void log_write(const struct log_module *m, enum log_level level, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

#define LOG_AT(LEVEL, ...)                                                                         \
	do {                                                                                       \
		if (unlikely((LEVEL) <= (int)this_log_module.max_level))                           \
			log_write(&this_log_module, (LEVEL), __VA_ARGS__);                         \
	} while (0)
#define log_err(...) LOG_AT(LL_ERR, __VA_ARGS__)
#define log_warn(...) LOG_AT(LL_WARN, __VA_ARGS__)
#define log_info(...) LOG_AT(LL_INFO, __VA_ARGS__)
#define log_dbg(...) LOG_AT(LL_DBG, __VA_ARGS__)

/* Rate-limited: for whatever a peer can cause. */
#define LOG_AT_RL(LEVEL, ...)                                                                      \
	do {                                                                                       \
		static struct log_ratelimit rl_;                                                   \
		uint32_t dropped_;                                                                 \
		if ((LEVEL) <= (int)this_log_module.max_level &&                                   \
		    log_ratelimit_ok(&rl_, &dropped_)) {                                           \
			if (dropped_)                                                              \
				log_write(&this_log_module, (LEVEL),                               \
					  "dropped %u similar messages", dropped_);                \
			log_write(&this_log_module, (LEVEL), __VA_ARGS__);                         \
		}                                                                                  \
	} while (0)
#define log_err_rl(...) LOG_AT_RL(LL_ERR, __VA_ARGS__)
#define log_warn_rl(...) LOG_AT_RL(LL_WARN, __VA_ARGS__)
#define log_info_rl(...) LOG_AT_RL(LL_INFO, __VA_ARGS__)

/* Opens (or reopens) the log file; 0 or -errno. */
int log_set_file(const char *path) MUST_CHECK;
int log_reopen(void) MUST_CHECK;
/* "module", "module:dest:level", "ANY:file:dbg", in the grammar of vlog/set (ovs-appctl(8)).  0 or
 * -EINVAL with what is wrong in `why` (size bytes). */
int log_set_spec(const char *spec, char *why, size_t size) MUST_CHECK;
void log_set_all(enum log_dest dest, enum log_level level);
/* Stops writing to the file (vlog/close); log_reopen() opens it again. */
void log_close_file(void);
/* The file that is (or was last) written to; "" when none.  Borrowed until the next log_set_file().
 */
const char *log_file_path(void);
/* Program name for syslog and thread names for the third column; borrowed for ever / per thread. */
void log_set_program(const char *name);
void log_set_thread(const char *name);
struct str;
void log_list(struct str *out);          /* the table that vlog/list prints */
void log_list_patterns(struct str *out); /* the table that vlog/list-pattern prints */
