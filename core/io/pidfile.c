/* SPDX-License-Identifier: Apache-2.0 */
/* The pidfile of core/io/daemon.h: the file's text is the process, a lock on it (fcntl(2)) says
 * that the process lives. */
#include "core/io/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 16 /* other processes may remove the file between our looks at it */

static int lock_whole(int fd, int command, struct flock *l)
{
	*l = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
	return fcntl(fd, command, l) ? -errno : 0;
}

static bool is_file_at(int fd, const char *path)
{
	struct stat a, b;

	return !fstat(fd, &a) && !stat(path, &b) && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static int write_pid(int fd, const char *path, struct error *err)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n)
		return error_set(err, EIO, NULL, "%.250s: cannot write the pidfile (%s)", path,
				 strerrordesc_np(errno));
	return 0;
}

static int refuse_running(int fd, const char *path, struct error *err)
{
	struct flock l;

	if (lock_whole(fd, F_GETLK, &l) || l.l_type == F_UNLCK)
		l.l_pid = 0;
	return error_set(err, EAGAIN, NULL, "%.250s: already running as process %ld", path,
			 (long)l.l_pid);
}

/* 1: the file was replaced under us, try again. */
static int try_take(const char *path, int *ret_fd, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644), rc;
	struct flock l;

	if (fd < 0)
		return error_set(err, errno, NULL, "%.250s: cannot create the pidfile (%s)", path,
				 strerrordesc_np(errno));
	rc = lock_whole(fd, F_SETLK, &l);
	if (rc == -EAGAIN || rc == -EACCES)
		rc = refuse_running(fd, path, err);
	else if (rc)
		rc = error_set(err, -rc, NULL, "%.250s: cannot lock the pidfile (%s)", path,
			       strerrordesc_np(-rc));
	else if (!is_file_at(fd, path))
		rc = 1;
	else
		rc = write_pid(fd, path, err);
	if (rc)
		close(fd);
	else
		*ret_fd = fd;
	return rc;
}

int pidfile_take(const char *path, bool overwrite, struct error *err)
{
	int fd = -1, rc = 1;

	if (overwrite)
		(void)unlink(path);
	for (int i = 0; i < TRIES && rc > 0; i++)
		rc = try_take(path, &fd, err);
	if (rc > 0)
		rc = error_set(err, EAGAIN, NULL, "%.250s: somebody keeps replacing the pidfile",
			       path);
	return rc ? rc : fd;
}

int pidfile_read(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), rc;
	struct flock l;

	if (fd < 0 && errno == EACCES)
		fd = open(path, O_RDONLY | O_CLOEXEC); /* F_GETLK asks only */
	if (fd < 0)
		return -errno;
	rc = lock_whole(fd, F_GETLK, &l);
	close(fd);
	if (rc)
		return rc;
	return l.l_type == F_UNLCK ? -ESRCH : l.l_pid;
}
