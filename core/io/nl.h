/* SPDX-License-Identifier: Apache-2.0 */
/* Netlink where it is hot (netlink(7), libmnl): many requests in one send, each answer matched to
 *its request, dumps that notice when they were interrupted.
 *
 * The kernel carries out all messages of a send before the call returns, and acknowledges each by a
 * datagram of its own.  So a batch costs one send and a few receives (recvmmsg) for hundreds of
 * requests; what limits a send is how many answers the receive buffer holds, and nl_chan_do() cuts
 * a batch accordingly.  A request asks for an acknowledgement: an answer is complete when that has
 * come, whether or not data came first (NLM_F_ECHO, a GET).  One that is quiet does not, but for
 *the last one of a send: the kernel answers in order, so that what was not refused by then went
 *well.
 *
 *	struct nl_batch b;
 *
 *	nl_batch_init(&b);
 *	(void)nl_batch_add(&b, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ECHO);
 *	buf_put(&b.buf, &tcm, sizeof(tcm));
 *	nlattr_put_str(&b.buf, TCA_KIND, "flower");
 *	...                                            and so on for the next request
 *	rc = nl_chan_do(chan, &b);                     0: each request has its result
 *	for (i = 0; i < b.n; i++)
 *		if (nl_batch_code(&b, i)) ... nl_batch_words(&b, i) ...
 *	nl_batch_clear(&b);                            keeps the memory
 *
 * Threads: a channel and a batch are one thread's at a time.  Calls block, but only as long as the
 * kernel takes to carry the requests out. */
#pragma once

#include <linux/netlink.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/io/nlattr.h"

struct thread;

#define NL_MSG_MAX 65535u /* longest request; a nest's length has 16 bits, too */

/* ---- requests ---- */

struct nl_req {           /* one request of a batch */
	uint32_t ofs;     /* its nlmsghdr in buf */
	uint32_t len;     /* with padding; known when the next begins or the batch is sent */
	int code;         /* result: 0 or -errno; -EINPROGRESS before it is known */
	uint32_t data;    /* first data message in heard, + 1; 0 = none */
	uint32_t words;   /* the kernel's text in heard, + 1; 0 = none */
	uint32_t bad_ofs; /* what the kernel says is at fault: offset in the request; 0 = unsaid */
	bool quiet;       /* nl_batch_quiet() */
	bool tells;       /* it has data when it goes well */
	bool ends_part;   /* the last of its datagram: acknowledged always */
};

struct nl_batch {
	struct buf buf;      /* the requests; append attributes to the last one here */
	struct buf heard;    /* what was answered */
	struct nl_req *reqs; /* owned */
	size_t n, cap;
};

void nl_batch_init(struct nl_batch *b);
void nl_batch_done(struct nl_batch *b);
void nl_batch_clear(struct nl_batch *b);
/* Begins a request; its family header and attributes follow in b->buf.  NLM_F_REQUEST and NLM_F_ACK
 * are added.  Returns its index. */
size_t nl_batch_add(struct nl_batch *b, uint16_t type, uint16_t flags);
/* The last request is not acknowledged when it goes well, which spares an answer.  tells: then data
 * comes of it (NLM_F_ECHO, a GET), and -ENOBUFS is its result when none did: done or not, the
 * answer was lost.  What the kernel has to say beside success (nl_batch_words()) is not heard. */
void nl_batch_quiet(struct nl_batch *b, bool tells);
/* Takes the last request back. */
void nl_batch_undo(struct nl_batch *b);
/* Gives request i a result before it is sent: it is not sent at all. */
void nl_batch_fail(struct nl_batch *b, size_t i, int code);

/* Results.  What they point to is good until the batch is cleared or done. */
int nl_batch_code(const struct nl_batch *b, size_t i);
/* The data message that came for request i before its acknowledgement (the first of several), whole
 * within its nlmsg_len; NULL when there was none. */
const struct nlmsghdr *nl_batch_data(const struct nl_batch *b, size_t i);
/* The kernel's own words for an error or warning, "" when it said nothing. */
const char *nl_batch_words(const struct nl_batch *b, size_t i);
/* Fills *err with the code, the kernel's words (or the errno's text) and `what` in front of them;
 * returns the code. */
int nl_batch_error(const struct nl_batch *b, size_t i, struct error *err, const char *what);

/* ---- channels ---- */

struct nl_chan;

struct nl_chan_stats {
	uint64_t sends, requests, datagrams;
	uint64_t
		overruns; /* times the receive buffer was too small: answers or notices were lost */
};

/* Of the calling thread's network namespace, for good.  `protocol` is NETLINK_ROUTE, _GENERIC or
 * _NETFILTER.  -EPROTONOSUPPORT: the kernel lacks it; -EMFILE… */
int nl_chan_open(int protocol, struct nl_chan **ret, struct error *err) MUST_CHECK;
void nl_chan_close(struct nl_chan *c); /* NULL is fine */
int nl_chan_fd(const struct nl_chan *c);
uint32_t nl_chan_portid(const struct nl_chan *c);
void nl_chan_get_stats(const struct nl_chan *c, struct nl_chan_stats *st);

/* Sends all requests of the batch in order and waits for all answers.  0: each request has its own
 * result.  Otherwise the channel itself failed (-ENOBUFS: an answer was lost, -ETIMEDOUT, …), and
 * requests without an answer have that code: whether the kernel did them is not known. */
int nl_chan_do(struct nl_chan *c, struct nl_batch *b);

/* ---- dumps ---- */

/* Starts the dump that the only request of `b` asks for (NLM_F_DUMP is added).  The channel is the
 * dump's until nl_dump_end(). */
int nl_dump_begin(struct nl_chan *c, struct nl_batch *b) MUST_CHECK;
/* 1 and the next message, borrowed until the next call; 0 at the end; -EINTR: the table changed, so
 * that entries may be missing or come twice: start again; -errno: the kernel's. */
int nl_dump_next(struct nl_chan *c, const struct nlmsghdr **ret) MUST_CHECK;
/* Ends it, finished or not. */
void nl_dump_end(struct nl_chan *c);

/* ---- notices ---- */

/* Joins a multicast group (RTNLGRP_*, genl_group()).  Use a channel of its own for notices. */
int nl_chan_join(struct nl_chan *c, uint32_t group) MUST_CHECK;
/* The kernel keeps notices from the channel that bear one of these numbers (nl_chan_portid()),
 * those that the process has caused itself; of more than NL_IGNORE_MAX the rest still come.
 * Replaces what was said before. */
#define NL_IGNORE_MAX 32u
int nl_chan_ignore(struct nl_chan *c, const uint32_t *portids, unsigned n) MUST_CHECK;
/* What has come, without waiting: fn for each message (borrowed).  Number of messages, or -ENOBUFS:
 * some were lost (what fn was not told must be read anew), -errno. */
int nl_chan_notices(struct nl_chan *c, void (*fn)(const struct nlmsghdr *h, void *arg), void *arg);
/* A thread of its own for notices: hands each to fn until the thread is to stop, and calls lost()
 * when some were. */
void nl_chan_listen(struct nl_chan *c, struct thread *t,
		    void (*fn)(const struct nlmsghdr *h, void *arg), void (*lost)(void *arg),
		    void *arg);
/* The same as nl_chan_notices() for at most `max` datagrams (and at most NL_TAKE_MAX), by one
 * system call; 0: nothing now.
 */
#define NL_TAKE_MAX 32u
int nl_chan_take(struct nl_chan *c, unsigned max, void (*fn)(const struct nlmsghdr *h, void *arg),
		 void *arg);
