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

/* A terminal that knows it shows what comes in between at once (as all newer ones do); others do
 * not mind. */
#define FRAME_BEGIN "\033[?2026h"
#define FRAME_END "\033[?2026l"

static struct termios saved, raw;
static volatile sig_atomic_t taken, redraw;
static struct str drawn = STR_INIT; /* what the screen shows; "" when nobody knows */

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGSEGV,
			      SIGBUS, SIGFPE,  SIGILL, SIGABRT };
static struct sigaction before[ARRAY_SIZE(ending)]; /* what they did */

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
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		if (ending[i] == signo)
			(void)sigaction(signo, &before[i], NULL);
	(void)raise(signo); /* and die of it, once this handler has returned */
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

static void watch(int signo, void (*fn)(int), struct sigaction *was)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = fn;
	(void)sigfillset(&sa.sa_mask);
	(void)sigaction(signo, &sa, was);
}

int term_take(struct error *err)
{
	if (tcgetattr(STDIN_FILENO, &saved))
		return error_set(err, errno, NULL, "standard input is not a terminal");
	raw = saved;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		watch(ending[i], on_end, &before[i]);
	watch(SIGTSTP, on_stop, NULL);
	watch(SIGWINCH, on_resize, NULL);
	enter();
	return 0;
}

/* The line at *text, which moves on behind it. */
static const char *next_line(const char **text, size_t *len)
{
	const char *line = *text;

	*len = strcspn(line, "\n");
	*text += *len + (line[*len] == '\n');
	return line;
}

void term_draw(const char *text)
{
	const char *was = str_cstr(&drawn);
	bool all = !drawn.len;
	struct str s = STR_INIT;
	unsigned columns, rows;
	struct str shown = STR_INIT;

	out_size(STDOUT_FILENO, &columns, &rows);
	str_puts(&shown, text);
	str_puts(&s, FRAME_BEGIN);
	for (unsigned row = 0; row < rows; row++) {
		size_t len, was_len;
		const char *line = next_line(&text, &len), *old = next_line(&was, &was_len);

		if (!all && len == was_len && !memcmp(line, old, len))
			continue;
		/* cleared first: behind a full line that would take its end */
		str_printf(&s, "\033[%u;1H\033[K", row + 1);
		str_put(&s, line, len);
	}
	str_puts(&s, FRAME_END);
	send_text(str_cstr(&s), s.len);
	str_done(&s);
	str_done(&drawn);
	drawn = shown;
}

enum term_event term_wait(unsigned ms, int *key)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	int n = redraw ? 0 : poll(&p, 1, (int)MIN(ms, 3600u * 1000));
	char c = 0;

	if (redraw || (n < 0 && errno == EINTR)) {
		redraw = 0;
		str_clear(&drawn);
		return TERM_REDRAW;
	}
	if (n <= 0)
		return TERM_TIMEOUT;
	if (read(STDIN_FILENO, &c, 1) < 0 && errno == EINTR)
		return TERM_REDRAW;
	*key = (unsigned char)c;
	return TERM_KEY;
}
