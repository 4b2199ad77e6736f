/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/term.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tools/out.h"

#define ENTER "\033[?1049h\033[?25l\033[?7l" /* alternate screen, no cursor, no wrapping */
#define LEAVE "\033[?7h\033[?25h\033[?1049l"

static struct termios saved, raw;
static volatile sig_atomic_t taken, redraw;

/* Only what a signal handler may call: write() and tcsetattr(). */
static void send_text(const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, text, len);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
}

static void enter(void)
{
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	send_text(ENTER, sizeof(ENTER) - 1);
	taken = 1;
}

void term_give_back(void)
{
	if (!taken)
		return;
	taken = 0;
	send_text(LEAVE, sizeof(LEAVE) - 1);
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
}

static void on_end(int signo)
{
	term_give_back();
	if (signo == SIGINT)
		_exit(EXIT_SUCCESS);
	(void)signal(signo, SIG_DFL); /* and die of it, once this handler has returned */
	(void)raise(signo);
}

static void on_stop(int signo)
{
	int saved_errno = errno;

	(void)signo;
	term_give_back();
	(void)raise(SIGSTOP);
	enter();
	redraw = 1;
	errno = saved_errno;
}

static void on_resize(int signo)
{
	(void)signo;
	redraw = 1;
}

static void watch(int signo, void (*fn)(int))
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = fn;
	(void)sigfillset(&sa.sa_mask);
	(void)sigaction(signo, &sa, NULL);
}

int term_take(struct error *err)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	if (tcgetattr(STDIN_FILENO, &saved))
		return error_set(err, errno, NULL, "standard input is not a terminal");
	raw = saved;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		watch(ending[i], on_end);
	watch(SIGTSTP, on_stop);
	watch(SIGWINCH, on_resize);
	enter();
	return 0;
}

void term_draw(const char *text)
{
	struct str s = STR_INIT;
	unsigned columns, rows;

	out_size(STDOUT_FILENO, &columns, &rows);
	str_puts(&s, "\033[H");
	for (unsigned row = 0; row < rows; row++) {
		size_t len = strcspn(text, "\n");

		if (row)
			str_puts(&s, "\r\n");
		str_puts(&s, "\033[K"); /* first: behind a full line it would take its end */
		str_put(&s, text, len);
		text += len + (text[len] == '\n');
	}
	send_text(str_cstr(&s), s.len);
	str_done(&s);
}

enum term_event term_wait(unsigned ms, int *key)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	int n = redraw ? 0 : poll(&p, 1, (int)MIN(ms, 3600u * 1000));
	char c = 0;

	if (redraw || (n < 0 && errno == EINTR)) {
		redraw = 0;
		return TERM_REDRAW;
	}
	if (n <= 0)
		return TERM_TIMEOUT;
	if (read(STDIN_FILENO, &c, 1) < 0 && errno == EINTR)
		return TERM_REDRAW;
	*key = (unsigned char)c;
	return TERM_KEY;
}
