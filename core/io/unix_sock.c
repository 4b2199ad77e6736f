/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/unix_sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/xalloc.h"

#define BACKLOG 64

/* Fills *sun; *dir_fd is a directory to close when the address has been used, or -1. */
static int make_address(const char *path, struct sockaddr_un *sun, int *dir_fd, struct error *err)
{
	const char *base = strrchr(path, '/');
	char *dir;
	int n;

	*sun = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*dir_fd = -1;
	if (strlen(path) < sizeof(sun->sun_path)) {
		memcpy(sun->sun_path, path, strlen(path));
		return 0;
	}
	dir = base ? xstrndup(path, (size_t)(base - path) + 1) : xstrdup(".");
	*dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (*dir_fd < 0)
		return error_set(err, errno, NULL, "%.250s: %s", path, strerrordesc_np(errno));
	n = snprintf(sun->sun_path, sizeof(sun->sun_path), "/proc/self/fd/%d/%s", *dir_fd,
		     base ? base + 1 : path);
	if (n >= (int)sizeof(sun->sun_path)) {
		close(*dir_fd);
		return error_set(err, ENAMETOOLONG, NULL, "%.200s: the file's name is too long",
				 path);
	}
	return 0;
}

static int open_socket(bool nonblock, struct error *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (nonblock ? SOCK_NONBLOCK : 0), 0);

	if (fd < 0)
		return error_set(err, errno, NULL, "cannot open a socket (%s)",
				 strerrordesc_np(errno));
	return fd;
}

typedef int address_fn(int fd, const struct sockaddr *sa, socklen_t len);

/* Opens a socket and calls connect() or bind() with path's address. */
static int open_at(const char *path, bool nonblock, address_fn *fn, struct error *err)
{
	struct sockaddr_un sun;
	int dir_fd, fd, rc;

	fd = open_socket(nonblock, err);
	if (fd < 0)
		return fd;
	rc = make_address(path, &sun, &dir_fd, err);
	if (!rc && fn(fd, (struct sockaddr *)&sun, sizeof(sun)))
		rc = error_set(err, errno, NULL, "%.250s: %s", path, strerrordesc_np(errno));
	if (dir_fd >= 0)
		close(dir_fd);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

int unix_sock_connect(const char *path, bool nonblock, struct error *err)
{
	return open_at(path, nonblock, connect, err);
}

/* A socket's file that nobody listens at may go. */
static int remove_stale(const char *path, struct error *err)
{
	struct stat st;
	int fd;

	if (lstat(path, &st))
		return 0; /* bind() says what else is wrong */
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, EADDRINUSE, NULL, "%.250s: exists and is not a socket", path);
	fd = unix_sock_connect(path, true, NULL);
	if (fd >= 0 || fd == -EAGAIN) {
		if (fd >= 0)
			close(fd);
		return error_set(err, EADDRINUSE, NULL, "%.250s: another process listens here",
				 path);
	}
	if (fd != -ECONNREFUSED && fd != -ENOENT)
		return error_set(err, -fd, NULL, "%.250s: %s", path, strerrordesc_np(-fd));
	if (unlink(path) && errno != ENOENT)
		return error_set(err, errno, NULL, "%.200s: cannot remove the stale socket (%s)",
				 path, strerrordesc_np(errno));
	return 0;
}

static int bind_private(int fd, const struct sockaddr *sa, socklen_t len)
{
	/* Nobody may connect between bind() and chmod(); fchmod() before bind() sets the mode that
	 * the file is made with (unix(7)), and umask() would be the whole process's. */
	if (fchmod(fd, 0700))
		return -1;
	return bind(fd, sa, len);
}

int unix_sock_listen(const char *path, unsigned int mode, struct error *err)
{
	int rc = remove_stale(path, err), fd;

	if (rc)
		return rc;
	fd = open_at(path, true, bind_private, err);
	if (fd < 0)
		return fd;
	if ((mode != 0700 && chmod(path, mode)) || listen(fd, BACKLOG)) {
		rc = error_set(err, errno, NULL, "%.250s: %s", path, strerrordesc_np(errno));
		close(fd);
		(void)unlink(path);
		return rc;
	}
	return fd;
}
