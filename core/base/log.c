/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/lock.h"
#include "core/base/log_pattern.h"
#include "core/base/str.h"
#include "core/base/xalloc.h"

LOG_MODULE("vlog");

struct dest {
	const char *name;
	const char *prefix; /* what the destination itself puts in front, for vlog/list-pattern */
	char pattern[128];
	uint8_t level; /* for modules that register later (plugins) */
};

#define SYSLOG_PREFIX "<%B> %D{%h %e %T} %E %A:"
#define LINE "%05N|%c%T|%p|%m"
#define STAMPED_LINE "%D{%Y-%m-%dT%H:%M:%S.###Z}|" LINE

static struct lock log_lock = LOCK_INIT;
static struct dest dests[LD_N_DESTS] GUARDED_BY_STATIC(log_lock) = {
	[LD_CONSOLE] = { "console", "none", STAMPED_LINE, LL_INFO },
	[LD_SYSLOG] = { "syslog", SYSLOG_PREFIX, "ovs|" LINE, LL_INFO },
	[LD_FILE] = { "file", "none", STAMPED_LINE, LL_INFO },
};
static struct log_module *modules GUARDED_BY_STATIC(log_lock);
static unsigned int sequence GUARDED_BY_STATIC(log_lock);
static char *file_path GUARDED_BY_STATIC(log_lock); /* owned */
static int file_fd GUARDED_BY_STATIC(log_lock) = -1;
static const char *program GUARDED_BY_STATIC(log_lock) = "shunt";
static uint64_t start_ns GUARDED_BY_STATIC(log_lock);

static __thread char thread_name[16];

static const char *const level_names[LL_N_LEVELS] = {
	[LL_OFF] = "OFF",   [LL_EMER] = "EMER", [LL_ERR] = "ERR",
	[LL_WARN] = "WARN", [LL_INFO] = "INFO", [LL_DBG] = "DBG",
};

static const int syslog_levels[LL_N_LEVELS] = {
	[LL_OFF] = LOG_DEBUG,    [LL_EMER] = LOG_ALERT,  [LL_ERR] = LOG_ERR,
	[LL_WARN] = LOG_WARNING, [LL_INFO] = LOG_NOTICE, [LL_DBG] = LOG_DEBUG,
};

static const struct facility {
	const char *name;
	int code;
} facilities[] = {
	{ "kern", LOG_KERN },     { "user", LOG_USER },     { "mail", LOG_MAIL },
	{ "daemon", LOG_DAEMON }, { "auth", LOG_AUTH },     { "syslog", LOG_SYSLOG },
	{ "lpr", LOG_LPR },       { "news", LOG_NEWS },     { "uucp", LOG_UUCP },
	{ "clock", LOG_CRON },    { "ftp", LOG_FTP },       { "local0", LOG_LOCAL0 },
	{ "local1", LOG_LOCAL1 }, { "local2", LOG_LOCAL2 }, { "local3", LOG_LOCAL3 },
	{ "local4", LOG_LOCAL4 }, { "local5", LOG_LOCAL5 }, { "local6", LOG_LOCAL6 },
	{ "local7", LOG_LOCAL7 },
};
static int facility GUARDED_BY_STATIC(log_lock) = LOG_DAEMON;

/* The file counts only while it is open, so that a closed one costs nothing. */
static void update_max(struct log_module *m) REQUIRES(log_lock)
{
	uint8_t max = LL_OFF;

	for (int d = 0; d < LD_N_DESTS; d++)
		if (d != LD_FILE || file_fd >= 0)
			max = MAX(max, m->levels[d]);
	m->max_level = max;
}

static void update_all_max(void) REQUIRES(log_lock)
{
	for (struct log_module *m = modules; m; m = m->next)
		update_max(m);
}

void log_module_register(struct log_module *m)
{
	struct log_module **p = &modules;

	lock_take(&log_lock);
	if (!start_ns)
		start_ns = clock_mono_ns();
	for (int d = 0; d < LD_N_DESTS; d++)
		m->levels[d] = dests[d].level;
	update_max(m);
	while (*p && strcmp((*p)->name, m->name) < 0)
		p = &(*p)->next;
	m->next = *p;
	*p = m;
	lock_give(&log_lock);
}

bool log_ratelimit_ok(struct log_ratelimit *rl, uint32_t *dropped)
{
	const uint64_t interval = 5 * NSEC_PER_SEC, burst = 9 * interval;
	uint64_t now = clock_mono_ns(), next = rl->next_ns, from;

	do {
		/* `next` is when the bucket is full again; it may lie `burst` ahead at most. */
		if (next > now + burst) {
			rl->dropped++;
			return false;
		}
		from = MAX(next, now);
	} while (!atomic_compare_exchange_weak(&rl->next_ns, &next, from + interval));
	*dropped = atomic_exchange(&rl->dropped, 0);
	return true;
}

static void write_all(int fd, const char *s, size_t n)
{
	while (n) {
		ssize_t done = write(fd, s, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return; /* there is nowhere left to report it */
		s += done;
		n -= (size_t)done;
	}
}

static void write_line(const struct log_module *m, enum log_level level,
		       const struct log_line *line) REQUIRES(log_lock)
{
	struct str out = STR_INIT;

	for (int d = 0; d < LD_N_DESTS; d++) {
		if ((int)level > m->levels[d] || (d == LD_FILE && file_fd < 0))
			continue;
		str_clear(&out);
		log_pattern_format(&out, dests[d].pattern, line);
		if (d == LD_SYSLOG) {
			syslog(facility | syslog_levels[level], "%s", str_cstr(&out));
			continue;
		}
		str_putc(&out, '\n');
		write_all(d == LD_FILE ? file_fd : STDERR_FILENO, out.s, out.len);
	}
	str_done(&out);
}

/* A message may carry a peer's bytes: control characters must not forge lines or drive a terminal.
 */
static void make_printable(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = *s == '\t' ? ' ' : '?';
}

/* Each line of a message gets a header and number of its own. */
static void write_lines(const struct log_module *m, enum log_level level, char *text)
	REQUIRES(log_lock)
{
	struct log_line line = {
		.program = program,
		.module = m->name,
		.thread = thread_name,
		.level = level_names[level],
		.wall_ns = clock_wall_ns(),
		.since_ns = clock_mono_ns() - start_ns,
	};
	char *save = NULL;

	for (char *s = strtok_r(text, "\n", &save); s; s = strtok_r(NULL, "\n", &save)) {
		make_printable(s);
		line.message = s;
		line.seq = ++sequence;
		write_line(m, level, &line);
	}
}

void log_write(const struct log_module *m, enum log_level level, const char *fmt, ...)
{
	struct str text = STR_INIT;
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(&text, fmt, ap);
	va_end(ap);
	lock_take(&log_lock);
	write_lines(m, level, text.s);
	lock_give(&log_lock);
	str_done(&text);
	errno = saved;
}

/* Opens `path` and puts it in the place of the open file, which stays when this fails. */
static int open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640), old;
	int rc = fd < 0 ? -errno : 0;

	if (rc) {
		log_warn("%s: cannot open the log file (%s)", path, strerrordesc_np(-rc));
		return rc;
	}
	lock_take(&log_lock);
	old = file_fd;
	file_fd = fd;
	update_all_max();
	lock_give(&log_lock);
	if (old >= 0)
		close(old);
	log_info("opened log file %s", path);
	return 0;
}

int log_set_file(const char *path)
{
	int rc = open_file(path);
	char *old;

	if (rc)
		return rc;
	lock_take(&log_lock);
	old = file_path;
	file_path = xstrdup(path);
	lock_give(&log_lock);
	free(old);
	return 0;
}

int log_reopen(void)
{
	char *path;
	int rc;

	lock_take(&log_lock);
	path = file_path ? xstrdup(file_path) : NULL;
	lock_give(&log_lock);
	if (!path)
		return 0;
	log_info("closing log file");
	rc = open_file(path);
	free(path);
	return rc;
}

void log_close_file(void)
{
	lock_take(&log_lock);
	if (file_fd >= 0)
		close(file_fd);
	file_fd = -1;
	update_all_max();
	lock_give(&log_lock);
}

const char *log_file_path(void)
{
	const char *path;

	lock_take(&log_lock);
	path = file_path ? file_path : "";
	lock_give(&log_lock);
	return path;
}

void log_set_program(const char *name)
{
	lock_take(&log_lock);
	program = name;
	openlog(name, LOG_NDELAY, facility);
	lock_give(&log_lock);
}

void log_set_thread(const char *name)
{
	(void)snprintf(thread_name, sizeof(thread_name), "%s", name);
}

/* ---- Levels ------------------------------------------------------------------------------- */

/* What a spec's words have named so far. */
struct spec {
	const char *module; /* NULL: all */
	int dest;           /* enum log_dest, or -1: all */
	int level;          /* enum log_level, or -1: none named */
	bool any;           /* "ANY" has been seen */
};

/* "tc" also names the modules below it: "tc.flower". */
static bool names_module(const char *word, const char *module)
{
	size_t n = strlen(word);

	return !strncasecmp(word, module, n) && (!module[n] || module[n] == '.');
}

static bool is_module(const char *word) REQUIRES(log_lock)
{
	for (const struct log_module *m = modules; m; m = m->next)
		if (names_module(word, m->name))
			return true;
	return false;
}

static int find_dest(const char *word) REQUIRES(log_lock)
{
	for (int d = 0; d < LD_N_DESTS; d++)
		if (!strcasecmp(word, dests[d].name))
			return d;
	return -1;
}

static int find_level(const char *word)
{
	for (int l = 0; l < LL_N_LEVELS; l++)
		if (!strcasecmp(word, level_names[l]))
			return l;
	return -1;
}

static int refuse(char *why, size_t size, const char *fmt, const char *word)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the callers' own literals */
	(void)snprintf(why, size, fmt, word);
#pragma GCC diagnostic pop
	return -EINVAL;
}

static int parse_word(const char *word, struct spec *s, char *why, size_t size) REQUIRES(log_lock)
{
	int level = find_level(word), dest = find_dest(word);

	if (!strcasecmp(word, "ANY")) {
		s->any = true;
		return 0;
	}
	if (dest >= 0) {
		if (s->dest >= 0)
			return refuse(why, size, "cannot specify multiple destinations (%s)", word);
		s->dest = dest;
		return 0;
	}
	if (level >= 0) {
		if (s->level >= 0)
			return refuse(why, size, "cannot specify multiple levels (%s)", word);
		s->level = level;
		return 0;
	}
	if (!is_module(word))
		return refuse(why, size, "no destination, level, or module \"%s\"", word);
	if (s->module)
		return refuse(why, size, "cannot specify multiple modules (%s)", word);
	s->module = word;
	return 0;
}

static void apply_spec(const struct spec *s) REQUIRES(log_lock)
{
	uint8_t level = (uint8_t)(s->level >= 0 ? s->level : LL_DBG);

	for (int d = 0; d < LD_N_DESTS; d++) {
		if (s->dest >= 0 && s->dest != d)
			continue;
		if (!s->module)
			dests[d].level = level;
		for (struct log_module *m = modules; m; m = m->next)
			if (!s->module || names_module(s->module, m->name))
				m->levels[d] = level;
	}
	update_all_max();
}

static int set_levels(char *words, char *why, size_t size) REQUIRES(log_lock)
{
	struct spec s = { .module = NULL, .dest = -1, .level = -1 };
	char *save = NULL;
	int rc;

	for (char *w = strtok_r(words, " ,:\t", &save); w; w = strtok_r(NULL, " ,:\t", &save)) {
		rc = parse_word(w, &s, why, size);
		if (rc)
			return rc;
	}
	apply_spec(&s);
	return 0;
}

/* "dest:pattern", dest may be ANY. */
static int set_pattern(const char *arg, char *why, size_t size) REQUIRES(log_lock)
{
	const char *colon = strchr(arg, ':');
	char name[16];
	int dest;

	if (!colon)
		return refuse(why, size, "missing pattern after \"PATTERN:%s\"", arg);
	(void)snprintf(name, sizeof(name), "%.*s", (int)(colon - arg), arg);
	dest = find_dest(name);
	if (dest < 0 && strcasecmp(name, "ANY") != 0)
		return refuse(why, size, "unknown destination \"%s\"", name);
	if (strlen(colon + 1) >= sizeof(dests[0].pattern))
		return refuse(why, size, "pattern for %s is too long (127 bytes at most)", name);
	for (int d = 0; d < LD_N_DESTS; d++)
		if (dest < 0 || d == dest)
			(void)snprintf(dests[d].pattern, sizeof(dests[d].pattern), "%s", colon + 1);
	return 0;
}

static int set_facility(const char *name, char *why, size_t size) REQUIRES(log_lock)
{
	for (size_t i = 0; i < ARRAY_SIZE(facilities); i++) {
		if (!strcasecmp(name, facilities[i].name)) {
			facility = facilities[i].code;
			return 0;
		}
	}
	return refuse(why, size, "invalid facility \"%s\"", name);
}

int log_set_spec(const char *spec, char *why, size_t size)
{
	char *words = xstrdup(spec);
	int rc;

	lock_take(&log_lock);
	if (!strncasecmp(words, "PATTERN:", 8))
		rc = set_pattern(words + 8, why, size);
	else if (!strncasecmp(words, "FACILITY:", 9))
		rc = set_facility(words + 9, why, size);
	else
		rc = set_levels(words, why, size);
	lock_give(&log_lock);
	free(words);
	return rc;
}

void log_set_all(enum log_dest dest, enum log_level level)
{
	const struct spec s = { .module = NULL, .dest = (int)dest, .level = (int)level };

	lock_take(&log_lock);
	apply_spec(&s);
	lock_give(&log_lock);
}

/* The table's form is what vlog/list prints everywhere: people's scripts cut its columns. */
void log_list(struct str *out)
{
	str_puts(out, "                 console    syslog    file\n"
		      "                 -------    ------    ------\n");
	lock_take(&log_lock);
	for (const struct log_module *m = modules; m; m = m->next) {
		/* One row for a name that several files share; they are always set together. */
		if (m->next && !strcmp(m->name, m->next->name))
			continue;
		str_printf(out, "%-16s  %4s       %4s       %4s\n", m->name,
			   level_names[m->levels[LD_CONSOLE]], level_names[m->levels[LD_SYSLOG]],
			   level_names[m->levels[LD_FILE]]);
	}
	lock_give(&log_lock);
}

void log_list_patterns(struct str *out)
{
	static const struct {
		enum log_dest dest;
		const char *title;
	} rows[] = { { LD_SYSLOG, "SYSLOG" }, { LD_CONSOLE, "CONSOLE" }, { LD_FILE, "FILE" } };

	str_puts(out, "         prefix                            format\n"
		      "         ------                            ------\n");
	lock_take(&log_lock);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		str_printf(out, "%-7s  %-32s  %s\n", rows[i].title, dests[rows[i].dest].prefix,
			   dests[rows[i].dest].pattern);
	lock_give(&log_lock);
}
