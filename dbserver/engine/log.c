/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/engine/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/str.h"
#include "core/base/xalloc.h"
#include "dbserver/data/jsonx.h"

#define MAGIC "OVSDB JSON "
#define SHA1_HEX 40
/* magic, twenty digits, a space, the checksum, a newline */
#define MAX_HEADER (sizeof(MAGIC) + 20 + 1 + SHA1_HEX + 1)

struct db_log {
	int fd, lock_fd;
	char *path;          /* owned */
	uint64_t end;        /* of the last record read or written */
	uint64_t before_end; /* of the one before */
	uint64_t size;       /* of the file */
	bool broken;         /* a failed append could not be taken back */
};

/* --- Files --------------------------------------------------------------------------------- */
static int io_error(struct error *err, const char *what, const char *path)
{
	int code = errno;

	return error_set(err, code, NULL, "cannot %s %s: %s", what, path, strerror(code));
}

static int read_at(int fd, uint64_t ofs, void *buf, size_t n, size_t *got)
{
	*got = 0;
	while (*got < n) {
		ssize_t r = pread(fd, (char *)buf + *got, n - *got, (off_t)(ofs + *got));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (!r)
			break;
		*got += (size_t)r;
	}
	return 0;
}

static int write_at(int fd, uint64_t ofs, const void *buf, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = pwrite(fd, (const char *)buf + done, n - done, (off_t)(ofs + done));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		done += (size_t)r;
	}
	return 0;
}

/* The part of a path up to and with its last slash; "" when it has none. */
static int dir_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (int)(slash - path + 1) : 0;
}

/* A rename is on the disk only when its directory is. */
static int sync_dir(const char *path, struct error *err)
{
	char *dir = xasprintf("%.*s.", dir_length(path), path);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (fd < 0 || fsync(fd) < 0)
		rc = io_error(err, "sync the directory", dir);
	if (fd >= 0)
		close(fd);
	free(dir);
	return rc;
}

/* An open-file lock keeps out other processes' record locks and other openings in this one. */
static int take_lock(const char *path, struct error *err)
{
	int dir = dir_length(path), fd;
	char *name = xasprintf("%.*s.%s.~lock~", dir, path, path + dir);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		io_error(err, "open the lock file", name);
	} else if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		error_set(err, EAGAIN, NULL, "%s is in use by another process (%s is locked)", path,
			  name);
		close(fd);
		fd = -1;
	}
	free(name);
	return fd;
}

/* --- Records ------------------------------------------------------------------------------- */
static void sha1_hex(const void *data, size_t n, char hex[SHA1_HEX + 1])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (EVP_Digest(data, n, md, &len, EVP_sha1(), NULL) != 1)
		len = 0;
	hex[0] = '\0';
	for (unsigned int i = 0; i < len && i < SHA1_HEX / 2; i++)
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
}

static void compose(struct str *out, struct json_object *record)
{
	const char *json = json_object_to_json_string_ext(
		record, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	struct str body = STR_INIT;
	char hex[SHA1_HEX + 1];

	str_puts(&body, json);
	str_putc(&body, '\n');
	sha1_hex(body.s, body.len, hex);
	str_printf(out, MAGIC "%zu %s\n", body.len, hex);
	str_put(out, body.s, body.len);
	str_done(&body);
}

struct header {
	uint64_t length;
	char sha1[SHA1_HEX + 1];
	size_t size; /* of the header itself */
};

static bool parse_header(const char *s, size_t n, struct header *h)
{
	const char *nl = memchr(s, '\n', n), *p = s + strlen(MAGIC);
	char *end;

	if (!nl || n < strlen(MAGIC) || memcmp(s, MAGIC, strlen(MAGIC)) || *p < '0' || *p > '9')
		return false;
	errno = 0;
	h->length = strtoull(p, &end, 10);
	if (errno || end >= nl || *end != ' ' || nl - end - 1 != SHA1_HEX)
		return false;
	memcpy(h->sha1, end + 1, SHA1_HEX);
	h->sha1[SHA1_HEX] = '\0';
	h->size = (size_t)(nl - s + 1);
	return true;
}

static int damaged(const struct db_log *log, struct error *err, const char *what)
{
	return error_set(err, EBADMSG, NULL, "the record at byte %llu %s",
			 (unsigned long long)log->end, what);
}

static int read_body(struct db_log *log, const struct header *h, char *body,
		     struct json_object **ret, struct error *err)
{
	struct error why = ERROR_INIT;
	char hex[SHA1_HEX + 1];
	size_t got;
	int rc = read_at(log->fd, log->end + h->size, body, h->length, &got);

	if (rc)
		return error_set(err, -rc, NULL, "cannot read %s: %s", log->path, strerror(-rc));
	if (got < h->length)
		return damaged(log, err, "is cut short");
	sha1_hex(body, got, hex);
	if (strcasecmp(hex, h->sha1))
		return damaged(log, err, "does not have its checksum");
	*ret = json_parse(body, got, &why);
	if (json_kind_of(*ret) == JK_OBJECT)
		return 0;
	json_object_put(*ret);
	return damaged(log, err, "is not a JSON object");
}

int db_log_read(struct db_log *log, struct json_object **ret, struct error *err)
{
	char line[MAX_HEADER + 1];
	struct header h;
	size_t got;
	char *body;
	int rc = read_at(log->fd, log->end, line, MAX_HEADER, &got);

	if (rc)
		return error_set(err, -rc, NULL, "cannot read %s: %s", log->path, strerror(-rc));
	if (!got)
		return 0;
	line[got] = '\0';
	if (!parse_header(line, got, &h))
		return damaged(log, err, "does not begin as one");
	if (h.length > LOG_MAX_RECORD || h.length > log->size - log->end)
		return damaged(log, err, "is cut short");
	body = xmalloc(h.length + 1);
	rc = read_body(log, &h, body, ret, err);
	free(body);
	if (rc)
		return rc;
	log->before_end = log->end;
	log->end += h.size + h.length;
	return 1;
}

void db_log_unread(struct db_log *log)
{
	log->end = log->before_end;
}

uint64_t db_log_left(const struct db_log *log)
{
	return log->size - log->end;
}

/* --- Opening ------------------------------------------------------------------------------- */
/* A file that is no database is not to be written to, whatever it is. */
static int check_magic(int fd, const char *path, struct error *err)
{
	char start[sizeof(MAGIC)] = "";
	size_t got;
	int rc = read_at(fd, 0, start, strlen(MAGIC), &got);

	if (rc)
		return error_set(err, -rc, NULL, "cannot read %s: %s", path, strerror(-rc));
	if (!strncmp(start, "OVSDB CLUSTER", got) && got > strlen("OVSDB "))
		return error_set(err, EINVAL, NULL,
				 "%s is a clustered database; convert it with ovsdb-tool "
				 "cluster-to-standalone",
				 path);
	if (memcmp(start, MAGIC, got))
		return error_set(err, EINVAL, NULL, "%s is not a database", path);
	return 0;
}

static struct db_log *log_new(int fd, int lock_fd, const char *path)
{
	struct db_log *log = xzalloc(sizeof(*log));
	struct stat st;

	log->fd = fd;
	log->lock_fd = lock_fd;
	log->path = xstrdup(path);
	log->size = !fstat(fd, &st) ? (uint64_t)st.st_size : 0;
	return log;
}

struct db_log *db_log_open(const char *path, struct error *err)
{
	char real[PATH_MAX];
	int fd, lock_fd;

	/* The lock and renames are for the file itself, not for a link to it. */
	if (!realpath(path, real)) {
		io_error(err, "open", path);
		return NULL;
	}
	lock_fd = take_lock(real, err);
	if (lock_fd < 0)
		return NULL;
	fd = open(real, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		io_error(err, "open", real);
		goto unlock;
	}
	if (!check_magic(fd, real, err))
		return log_new(fd, lock_fd, real);
	close(fd);
unlock:
	close(lock_fd);
	return NULL;
}

/* A new file at `path` with these records, on the disk; its descriptor, or a negative errno. */
static int write_file(const char *path, struct json_object *const *records, size_t n,
		      uint64_t *size, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640), rc = 0;

	if (fd < 0)
		return io_error(err, "create", path);
	*size = 0;
	for (size_t i = 0; !rc && i < n; i++) {
		struct str s = STR_INIT;

		compose(&s, records[i]);
		rc = write_at(fd, *size, s.s, s.len);
		*size += s.len;
		str_done(&s);
	}
	if (!rc && fsync(fd) < 0)
		rc = -errno;
	if (!rc)
		return fd;
	error_set(err, -rc, NULL, "cannot write %s: %s", path, strerror(-rc));
	close(fd);
	unlink(path);
	return rc;
}

struct db_log *db_log_create(const char *path, struct json_object *first, struct error *err)
{
	char *tmp = xasprintf("%s.new", path), real[PATH_MAX];
	struct db_log *log = NULL;
	int lock_fd, fd = -1;
	uint64_t size = 0;

	lock_fd = take_lock(path, err);
	if (lock_fd < 0)
		goto out;
	fd = write_file(tmp, &first, 1, &size, err);
	if (fd < 0)
		goto out;
	/* Under the lock nobody of our kind has made it meanwhile. */
	if (rename(tmp, path) < 0) {
		io_error(err, "create", path);
		goto out;
	}
	if (sync_dir(path, err))
		goto out;
	log = log_new(fd, lock_fd, realpath(path, real) ? real : path);
	log->end = size;
out:
	if (!log && fd >= 0) {
		unlink(tmp);
		close(fd);
	}
	if (!log && lock_fd >= 0)
		close(lock_fd);
	free(tmp);
	return log;
}

void db_log_close(struct db_log *log)
{
	if (!log)
		return;
	close(log->fd);
	close(log->lock_fd);
	free(log->path);
	free(log);
}

/* --- Keeping what is damaged --------------------------------------------------------------- */
static int copy_bytes(int from, int to)
{
	char chunk[65536];
	uint64_t ofs = 0;
	size_t got = 0;
	int rc;

	do {
		rc = read_at(from, ofs, chunk, sizeof(chunk), &got);
		if (!rc)
			rc = write_at(to, ofs, chunk, got);
		ofs += got;
	} while (!rc && got);
	return !rc && fsync(to) < 0 ? -errno : rc;
}

/* A file of a name that nobody has: PATH.damaged-TIME[.N]. */
static int create_copy(const char *path, char *name, size_t size)
{
	time_t now = (time_t)(clock_wall_ns() / NSEC_PER_SEC);
	char when[32];
	struct tm tm;
	int fd = -1;

	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	for (int i = 0; fd < 0 && i < 1000; i++) {
		int n = i ? snprintf(name, size, "%s.damaged-%s.%d", path, when, i)
			  : snprintf(name, size, "%s.damaged-%s", path, when);

		if (n < 0 || (size_t)n >= size)
			return -ENAMETOOLONG;
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
		if (fd < 0 && errno != EEXIST)
			return -errno;
	}
	return fd < 0 ? -EEXIST : fd;
}

int db_log_cut(struct db_log *log, char *name, size_t size, struct error *err)
{
	int fd = create_copy(log->path, name, size), rc;

	if (fd < 0)
		return error_set(err, -fd, NULL, "cannot keep a copy of the damaged %s: %s",
				 log->path, strerror(-fd));
	rc = copy_bytes(log->fd, fd);
	close(fd);
	if (rc) {
		unlink(name);
		return error_set(err, -rc, NULL, "cannot copy the damaged %s: %s", log->path,
				 strerror(-rc));
	}
	rc = sync_dir(log->path, err);
	if (rc)
		return rc;
	if (ftruncate(log->fd, (off_t)log->end) < 0 || fsync(log->fd) < 0)
		return io_error(err, "cut off the damaged end of", log->path);
	log->size = log->end;
	return 0;
}

/* --- Writing ------------------------------------------------------------------------------- */
int db_log_append(struct db_log *log, struct json_object *record, struct error *err)
{
	struct str s = STR_INIT;
	int rc = 0;

	if (log->broken)
		return error_set(err, EIO, NULL, "%s could not be written before", log->path);
	compose(&s, record);
	if (s.len > LOG_MAX_RECORD)
		rc = -EFBIG;
	if (!rc)
		rc = write_at(log->fd, log->end, s.s, s.len);
	if (!rc) {
		log->before_end = log->end;
		log->end += s.len;
		log->size = log->end;
	} else if (ftruncate(log->fd, (off_t)log->end) < 0) {
		log->broken = true;
	}
	str_done(&s);
	return rc ? error_set(err, -rc, NULL, "cannot write %s: %s", log->path, strerror(-rc)) : 0;
}

int db_log_sync(struct db_log *log, struct error *err)
{
	return fdatasync(log->fd) < 0 ? io_error(err, "sync", log->path) : 0;
}

int db_log_replace(struct db_log *log, struct json_object *const *records, size_t n,
		   struct error *err)
{
	char *tmp = xasprintf("%s.new", log->path);
	struct stat st;
	uint64_t size = 0;
	int fd, rc;

	fd = write_file(tmp, records, n, &size, err);
	if (fd < 0) {
		free(tmp);
		return fd;
	}
	/* The new file keeps the permissions that somebody gave to the old one. */
	if (!fstat(log->fd, &st))
		(void)!fchmod(fd, st.st_mode & 07777);
	if (rename(tmp, log->path) < 0) {
		rc = io_error(err, "replace", log->path);
		close(fd);
		unlink(tmp);
		free(tmp);
		return rc;
	}
	free(tmp);
	close(log->fd);
	log->fd = fd;
	log->end = log->size = size;
	log->before_end = 0;
	log->broken = false;
	return sync_dir(log->path, err);
}

uint64_t db_log_size(const struct db_log *log)
{
	return log->end;
}

const char *db_log_path(const struct db_log *log)
{
	return log->path;
}
