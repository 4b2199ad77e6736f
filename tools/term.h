/* SPDX-License-Identifier: Apache-2.0 */
/* A terminal taken over for a full-screen view, and given back whatever happens.
 *
 * While it is taken: the alternate screen, no cursor, no echo, keys at once.  A signal that ends
 * the process (SIGINT, SIGTERM, SIGHUP, SIGQUIT, and those of a crash) gives the terminal back
 * first; SIGINT then is a normal end.  Ctrl-Z gives it back, and takes it again when the process
 * goes on.  One at a time; main thread. */
#pragma once

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/base/types.h"

/* Takes stdin and stdout, which must be terminals; -errno and *err. */
int term_take(struct error *err) MUST_CHECK;
void term_give_back(void); /* harmless when it is not taken */
/* Draws a whole screen of `text`: lines beyond the terminal's rows are left out, and those that
 * are there already are not sent. */
void term_draw(const char *text);

enum term_event { TERM_TIMEOUT, TERM_KEY, TERM_REDRAW /* resized, or back from Ctrl-Z */ };
/* Waits at most `ms` for something; *key is set for TERM_KEY (0: stdin has ended). */
enum term_event term_wait(unsigned ms, int *key);
