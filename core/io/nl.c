/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/nl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "core/base/thread.h"
#include "core/base/xalloc.h"
#include "core/io/nl_dumps.h"

#define RCVBUF (4 << 20)
#define SNDBUF (1 << 20)
#define ANSWER_BYTES 8192u /* of the receive buffer that an answer with its echo may take */
#define PAGE_BYTES 3584u   /* what the kernel takes into a page; it maps pages for what is larger */
#define PARTS 64u          /* datagrams of one call */
#define DATAGRAMS 80u /* received by one call: the answers to a batch of TC's, or NL_TAKE_MAX */
#define DATAGRAM_BYTES (64u << 10)
#define DUMP_DATAGRAMS 4u /* of a dump: each is some 32 KB */
#define DUMP_TRIES 8u     /* when the kernel has no memory for a part of one */
#define WAIT_SECONDS 30   /* the kernel has answered when the send returns; nobody waits so long */

struct nl_chan {
	struct mnl_socket *sock; /* owned */
	int protocol;
	uint32_t portid;
	uint32_t seq;      /* last one used */
	unsigned max_reqs; /* in one send, so that the receive buffer holds the answers */
	uint8_t *room; /* owned: DATAGRAMS of DATAGRAM_BYTES, touched only as far as they fill */
	/* a dump */
	uint32_t dump_seq; /* 0 = none under way */
	bool interrupted, ended;
	enum nl_dumps what;
	bool poked;       /* since then, what there is of it is there when a receive returns */
	unsigned n, next; /* datagrams received, being read */
	size_t ofs;       /* of the next message in it */
	size_t len[DATAGRAMS];
	struct nl_chan_stats stats;
};

/* ---- batches ---- */

void nl_batch_init(struct nl_batch *b)
{
	memset(b, 0, sizeof(*b));
	buf_init(&b->buf);
	buf_init(&b->heard);
}

void nl_batch_done(struct nl_batch *b)
{
	buf_done(&b->buf);
	buf_done(&b->heard);
	free(b->reqs);
	memset(b, 0, sizeof(*b));
}

void nl_batch_clear(struct nl_batch *b)
{
	buf_clear(&b->buf);
	buf_clear(&b->heard);
	b->n = 0;
}

/* The last request ends where the buffer does. */
static void close_request(struct nl_batch *b)
{
	struct nl_req *r;
	struct nlmsghdr *h;

	if (!b->n)
		return;
	r = &b->reqs[b->n - 1];
	buf_pad(&b->buf, r->ofs, NLMSG_ALIGNTO);
	r->len = (uint32_t)(b->buf.len - r->ofs);
	h = (struct nlmsghdr *)(void *)(b->buf.data + r->ofs);
	h->nlmsg_len = r->len;
	if (r->len > NL_MSG_MAX && r->code == -EINPROGRESS)
		r->code = -E2BIG;
}

size_t nl_batch_add(struct nl_batch *b, uint16_t type, uint16_t flags)
{
	struct nlmsghdr h = { .nlmsg_len = NLMSG_HDRLEN,
			      .nlmsg_type = type,
			      .nlmsg_flags = flags | NLM_F_REQUEST | NLM_F_ACK };

	close_request(b);
	if (b->n == b->cap)
		b->reqs = xgrow(b->reqs, &b->cap, b->n + 1, sizeof(*b->reqs));
	b->reqs[b->n] = (struct nl_req){ .ofs = (uint32_t)b->buf.len, .code = -EINPROGRESS };
	buf_put(&b->buf, &h, sizeof(h));
	return b->n++;
}

void nl_batch_quiet(struct nl_batch *b, bool tells)
{
	b->reqs[b->n - 1].quiet = true;
	b->reqs[b->n - 1].tells = tells;
}

void nl_batch_undo(struct nl_batch *b)
{
	b->buf.len = b->reqs[--b->n].ofs;
}

void nl_batch_fail(struct nl_batch *b, size_t i, int code)
{
	b->reqs[i].code = code;
}

int nl_batch_code(const struct nl_batch *b, size_t i)
{
	return b->reqs[i].code;
}

const struct nlmsghdr *nl_batch_data(const struct nl_batch *b, size_t i)
{
	uint32_t ofs = b->reqs[i].data;

	return ofs ? (const struct nlmsghdr *)(const void *)(b->heard.data + ofs - 1) : NULL;
}

const char *nl_batch_words(const struct nl_batch *b, size_t i)
{
	uint32_t ofs = b->reqs[i].words;

	return ofs ? (const char *)b->heard.data + ofs - 1 : "";
}

int nl_batch_error(const struct nl_batch *b, size_t i, struct error *err, const char *what)
{
	int code = nl_batch_code(b, i);
	const char *words = nl_batch_words(b, i);

	if (!code)
		return 0;
	return error_set(err, -code, NULL, "%s: %s", what, *words ? words : strerrordesc_np(-code));
}

/* ---- channels ---- */

/* What the kernel grants: doubled wishes with the privilege, net.core limits without. */
static void size_buffers(struct nl_chan *c, int fd)
{
	int bytes = RCVBUF, granted = 0;
	socklen_t len = sizeof(granted);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)); /* a wish */
	bytes = SNDBUF;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)))
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)); /* a wish */
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &len) || granted < 0)
		granted = 0;
	c->max_reqs = MAX((unsigned)granted / ANSWER_BYTES, 1u);
}

int nl_chan_open(int protocol, struct nl_chan **ret, struct error *err)
{
	struct timeval wait = { .tv_sec = WAIT_SECONDS };
	struct mnl_socket *sock = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	struct nl_chan *c;
	int one = 1;

	if (!sock)
		return error_set(err, errno, NULL, "no netlink socket of protocol %d: %s", protocol,
				 strerrordesc_np(errno));
	if (mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID)) {
		int code = errno;

		(void)mnl_socket_close(sock);
		return error_set(err, code, NULL, "a netlink socket cannot be bound: %s",
				 strerrordesc_np(code));
	}
	c = xzalloc(sizeof(*c));
	c->sock = sock;
	c->protocol = protocol;
	c->portid = mnl_socket_get_portid(sock);
	c->room = xmalloc((size_t)DATAGRAMS * DATAGRAM_BYTES);
	size_buffers(c, mnl_socket_get_fd(sock));
	/* Older kernels have neither: errors then come without words, and with the request. */
	(void)mnl_socket_setsockopt(sock, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)mnl_socket_setsockopt(sock, NETLINK_CAP_ACK, &one, sizeof(one));
	(void)setsockopt(nl_chan_fd(c), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	*ret = c;
	return 0;
}

void nl_chan_close(struct nl_chan *c)
{
	if (!c)
		return;
	(void)mnl_socket_close(c->sock);
	free(c->room);
	free(c);
}

int nl_chan_fd(const struct nl_chan *c)
{
	return mnl_socket_get_fd(c->sock);
}

uint32_t nl_chan_portid(const struct nl_chan *c)
{
	return c->portid;
}

void nl_chan_get_stats(const struct nl_chan *c, struct nl_chan_stats *st)
{
	*st = c->stats;
}

/* Receives up to `max` datagrams into c->room; waits for the first unless flags say MSG_DONTWAIT.
 * Those that another process sent are given length 0. */
static int receive(struct nl_chan *c, unsigned max, int flags)
{
	struct sockaddr_nl from[DATAGRAMS];
	struct mmsghdr m[DATAGRAMS];
	struct iovec iov[DATAGRAMS];
	int n;

	memset(m, 0, sizeof(m));
	for (unsigned i = 0; i < DATAGRAMS; i++) {
		iov[i] = (struct iovec){ c->room + (size_t)i * DATAGRAM_BYTES, DATAGRAM_BYTES };
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
		m[i].msg_hdr.msg_name = &from[i];
		m[i].msg_hdr.msg_namelen = sizeof(from[i]);
	}
	do
		n = recvmmsg(nl_chan_fd(c), m, max, flags | MSG_WAITFORONE, NULL);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		c->stats.overruns += errno == ENOBUFS;
		return errno == EAGAIN && !(flags & MSG_DONTWAIT) ? -ETIMEDOUT : -errno;
	}
	for (int i = 0; i < n; i++) {
		bool ours = m[i].msg_hdr.msg_namelen == sizeof(from[i]) && !from[i].nl_pid;

		if (m[i].msg_hdr.msg_flags & MSG_TRUNC)
			return -EMSGSIZE;
		c->len[i] = ours ? m[i].msg_len : 0;
	}
	c->stats.datagrams += (uint64_t)n;
	return n;
}

/* The message at *ofs of datagram i, or NULL when there is no whole one. */
static const struct nlmsghdr *message(struct nl_chan *c, unsigned i, size_t *ofs)
{
	size_t left = c->len[i] > *ofs ? c->len[i] - *ofs : 0;
	const uint8_t *p = c->room + (size_t)i * DATAGRAM_BYTES + *ofs;
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)p;

	if (left < NLMSG_HDRLEN || h->nlmsg_len < NLMSG_HDRLEN || h->nlmsg_len > left)
		return NULL;
	*ofs += NLMSG_ALIGN(h->nlmsg_len);
	return h;
}

/* ---- answers ---- */

/* The error's attributes stand behind the request, or behind its header where that was cut. */
static const void *error_attrs(const struct nlmsghdr *h, const struct nlmsgerr *e, size_t *len)
{
	size_t skip = NLMSG_HDRLEN + sizeof(*e);

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(h->nlmsg_flags & NLM_F_CAPPED) && e->msg.nlmsg_len >= sizeof(e->msg))
		skip += NLMSG_ALIGN(e->msg.nlmsg_len - sizeof(e->msg));
	if (skip >= h->nlmsg_len)
		return NULL;
	*len = h->nlmsg_len - skip;
	return (const uint8_t *)h + skip;
}

static void take_words(struct nl_batch *b, struct nl_req *r, const struct nlmsghdr *h,
		       const struct nlmsgerr *e)
{
	static const struct nlattr_policy policy[] = {
		[NLMSGERR_ATTR_MSG] = { 1, UINT16_MAX },
		[NLMSGERR_ATTR_OFFS] = NLATTR_EXACT(4),
	};
	const struct nlattr *a[ARRAY_SIZE(policy)];
	size_t len = 0;
	const void *p = error_attrs(h, e, &len);

	if (!p || nlattr_parse(p, len, policy, ARRAY_SIZE(policy), a) < 0)
		return;
	if (a[NLMSGERR_ATTR_OFFS])
		r->bad_ofs = nlattr_u32(a[NLMSGERR_ATTR_OFFS]);
	if (a[NLMSGERR_ATTR_MSG]) {
		r->words = (uint32_t)b->heard.len + 1;
		buf_put(&b->heard, nlattr_data(a[NLMSGERR_ATTR_MSG]),
			nlattr_len(a[NLMSGERR_ATTR_MSG]));
		buf_put_u8(&b->heard, 0);
		buf_pad(&b->heard, 0, 8);
	}
}

/* Notes what h answers; true when it completes its request. */
static bool take_answer(struct nl_batch *b, struct nl_req *r, const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

	if (h->nlmsg_type == NLMSG_ERROR) {
		if (h->nlmsg_len < NLMSG_HDRLEN + sizeof(*e)) {
			r->code = -EBADMSG;
			return true;
		}
		r->code = e->error > 0 ? -EBADMSG : e->error;
		take_words(b, r, h, e);
		return true;
	}
	if (h->nlmsg_type >= NLMSG_MIN_TYPE && !r->data) {
		r->data = (uint32_t)b->heard.len + 1;
		buf_put(&b->heard, h, h->nlmsg_len);
		buf_pad(&b->heard, 0, 8);
	}
	return false;
}

/* What was sent in one go. */
struct sent {
	size_t i, end;
	uint32_t first_seq; /* request i of the batch has first_seq + i */
};

static bool acknowledged(const struct nl_batch *b, size_t i)
{
	return !b->reqs[i].quiet || b->reqs[i].ends_part;
}

/* The last one has been answered, so those before it have, too, if they were to be. */
static int conclude(struct nl_batch *b, const struct sent *s, bool lost)
{
	for (size_t i = s->i; i < s->end; i++) {
		struct nl_req *r = &b->reqs[i];

		if (r->code != -EINPROGRESS)
			continue;
		if (lost)
			return -ENOBUFS;
		r->code = r->tells && !r->data ? -ENOBUFS : 0;
	}
	return 0;
}

/* That an answer was lost is said once, ahead of those that were not, and all there will be are
 * there by then. */
static int collect(struct nl_chan *c, struct nl_batch *b, const struct sent *s)
{
	bool lost = false;
	size_t waiting = 0;

	for (size_t i = s->i; i < s->end; i++)
		waiting += acknowledged(b, i);
	while (waiting) {
		int n = receive(c, DATAGRAMS, lost ? MSG_DONTWAIT : 0);

		if (n == -ENOBUFS) {
			lost = true;
			continue;
		}
		if (n < 0)
			return lost && n == -EAGAIN ? -ENOBUFS : n;
		for (unsigned i = 0; i < (unsigned)n; i++) {
			const struct nlmsghdr *h;
			size_t ofs = 0;

			while ((h = message(c, i, &ofs))) {
				uint32_t at = h->nlmsg_seq - s->first_seq;

				if (at < b->n && b->reqs[at].code == -EINPROGRESS &&
				    h->nlmsg_pid == c->portid && take_answer(b, &b->reqs[at], h))
					waiting -= acknowledged(b, at);
			}
		}
	}
	return conclude(b, s, lost);
}

/* ---- sending ---- */

static struct nlmsghdr *header(struct nl_batch *b, size_t i)
{
	return (struct nlmsghdr *)(void *)(b->buf.data + b->reqs[i].ofs);
}

/* What goes in one call: adjacent requests, none of them failed already, as datagrams of which each
 * fits into a page, or is one request.  The last of each is acknowledged: the kernel may take some
 * datagrams and not the next. */
struct parts {
	unsigned n;
	struct iovec v[PARTS];
	size_t end[PARTS]; /* of the requests in each */
};

static void cut(const struct nl_chan *c, struct nl_batch *b, size_t i, struct parts *p)
{
	size_t first = i;

	p->n = 0;
	for (; i < b->n && i - first < c->max_reqs && b->reqs[i].code == -EINPROGRESS; i++) {
		struct nl_req *r = &b->reqs[i];

		if (!p->n || p->v[p->n - 1].iov_len + r->len > PAGE_BYTES) {
			if (p->n == PARTS)
				break;
			p->v[p->n++] = (struct iovec){ .iov_base = b->buf.data + r->ofs };
		} else {
			b->reqs[i - 1].ends_part = false;
		}
		p->v[p->n - 1].iov_len += r->len;
		p->end[p->n - 1] = i + 1;
		r->ends_part = true;
	}
}

static void ask_for_acks(struct nl_batch *b, size_t i, size_t end)
{
	for (; i < end; i++) {
		if (acknowledged(b, i))
			header(b, i)->nlmsg_flags |= NLM_F_ACK;
		else
			header(b, i)->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
	}
}

/* How many of the parts the kernel took, or an error when it took none. */
static int transmit(struct nl_chan *c, struct parts *p)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct mmsghdr m[PARTS];
	int n;

	for (unsigned i = 0; i < p->n; i++)
		m[i] = (struct mmsghdr){ .msg_hdr = { .msg_name = &kernel,
						      .msg_namelen = sizeof(kernel),
						      .msg_iov = &p->v[i],
						      .msg_iovlen = 1 } };
	do
		n = sendmmsg(mnl_socket_get_fd(c->sock), m, p->n, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	c->stats.sends++;
	return n;
}

/* Sends requests from i on and takes their answers; how far it came, or an error. */
static ssize_t exchange(struct nl_chan *c, struct nl_batch *b, size_t i, uint32_t first_seq)
{
	struct sent s = { .i = i, .first_seq = first_seq };
	struct parts p;
	int n, rc;

	cut(c, b, i, &p);
	if (!p.n)
		return (ssize_t)i + 1; /* has its result */
	ask_for_acks(b, i, p.end[p.n - 1]);
	n = transmit(c, &p);
	if (n < 1)
		return n ? n : -EIO; /* never: it takes one, or says why not */
	s.end = p.end[n - 1];
	c->stats.requests += s.end - i;
	rc = collect(c, b, &s);
	return rc ? rc : (ssize_t)s.end;
}

static void fail_rest(struct nl_batch *b, int code)
{
	for (size_t i = 0; i < b->n; i++) {
		if (b->reqs[i].code == -EINPROGRESS)
			b->reqs[i].code = code;
	}
}

int nl_chan_do(struct nl_chan *c, struct nl_batch *b)
{
	uint32_t first_seq = c->seq + 1;
	ssize_t at = 0;

	close_request(b);
	c->seq += (uint32_t)b->n;
	for (size_t i = 0; i < b->n; i++)
		header(b, i)->nlmsg_seq = first_seq + (uint32_t)i;
	while (at >= 0 && (size_t)at < b->n)
		at = exchange(c, b, (size_t)at, first_seq);
	if (at < 0)
		fail_rest(b, (int)at);
	return at < 0 ? (int)at : 0;
}

/* ---- dumps ---- */

int nl_dump_begin(struct nl_chan *c, struct nl_batch *b)
{
	struct parts p;
	int rc;

	close_request(b);
	if (b->n != 1)
		return -EINVAL;
	if (b->reqs[0].code != -EINPROGRESS)
		return b->reqs[0].code;
	header(b, 0)->nlmsg_seq = c->dump_seq = ++c->seq;
	header(b, 0)->nlmsg_flags |= NLM_F_DUMP;
	c->interrupted = c->ended = c->poked = false;
	c->what = nl_dumps_of(c->protocol, header(b, 0)->nlmsg_type);
	c->n = c->next = 0;
	c->ofs = 0;
	p = (struct parts){ .n = 1, .v[0] = { .iov_base = b->buf.data, .iov_len = b->buf.len } };
	rc = transmit(c, &p);
	if (rc < 0)
		c->dump_seq = 0; /* there is nothing to read */
	else
		c->stats.requests++;
	return MIN(rc, 0);
}

/* NLMSG_DONE and NLMSG_ERROR begin with a code. */
static int end_code(const struct nlmsghdr *h)
{
	int code = 0;

	if (h->nlmsg_len >= NLMSG_HDRLEN + sizeof(code))
		memcpy(&code, mnl_nlmsg_get_payload(h), sizeof(code));
	return code > 0 ? -EBADMSG : code;
}

/* The next message of this dump that was received; NULL when more must be. */
static const struct nlmsghdr *dumped(struct nl_chan *c)
{
	while (c->next < c->n) {
		const struct nlmsghdr *h = message(c, c->next, &c->ofs);

		if (!h) {
			c->next++;
			c->ofs = 0;
		} else if (h->nlmsg_seq == c->dump_seq && h->nlmsg_pid == c->portid) {
			return h;
		}
	}
	return NULL;
}

/* The kernel had no memory for a part of the dump.  It makes the next one whenever something has
 * been received, and this is something to receive. */
static int poke(struct nl_chan *c)
{
	struct nlmsghdr h = { .nlmsg_len = NLMSG_HDRLEN,
			      .nlmsg_type = NLMSG_NOOP,
			      .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
			      .nlmsg_seq = c->dump_seq - 1 };

	c->poked = true;
	return mnl_socket_sendto(c->sock, &h, sizeof(h)) < 0 ? -errno : 0;
}

/* The next message, received if need be. */
static int dump_message(struct nl_chan *c, const struct nlmsghdr **ret)
{
	unsigned tries = 0;

	while (!(*ret = dumped(c))) {
		int n = receive(c, DUMP_DATAGRAMS, c->poked ? MSG_DONTWAIT : 0);

		if (n == -ENOBUFS && tries++ < DUMP_TRIES && !poke(c))
			continue;
		if (n < 0)
			return c->poked && n == -EAGAIN ? -ENOBUFS : n;
		c->n = (unsigned)n;
		c->next = 0;
		c->ofs = 0;
	}
	return 0;
}

int nl_dump_next(struct nl_chan *c, const struct nlmsghdr **ret)
{
	const struct nlmsghdr *h;
	int rc;

	if (!c->dump_seq || c->ended)
		return 0;
	while (!(rc = dump_message(c, &h))) {
		if (h->nlmsg_flags & NLM_F_DUMP_INTR && !c->interrupted) {
			c->interrupted = true;
			nl_dumps_interrupted(c->what);
		}
		if (h->nlmsg_type != NLMSG_DONE && h->nlmsg_type != NLMSG_ERROR) {
			*ret = h;
			return 1;
		}
		rc = end_code(h);
		if (h->nlmsg_type == NLMSG_ERROR && rc == -ENOBUFS && !c->poked && !poke(c))
			continue; /* that was its first part */
		c->ended = true;
		return rc ? rc : c->interrupted ? -EINTR : 0;
	}
	return rc;
}

void nl_dump_end(struct nl_chan *c)
{
	const struct nlmsghdr *h;

	/* What is left is read, so that the kernel's side of the dump ends as well. */
	while (c->dump_seq && !c->ended && nl_dump_next(c, &h) > 0)
		;
	c->dump_seq = 0;
}

/* ---- notices ---- */

int nl_chan_join(struct nl_chan *c, uint32_t group)
{
	int g = (int)group;

	return mnl_socket_setsockopt(c->sock, NETLINK_ADD_MEMBERSHIP, &g, sizeof(g)) ? -errno : 0;
}

/* Looks at the first message of a datagram, and a notice is alone in one (bpf(2), classic). */
int nl_chan_ignore(struct nl_chan *c, const uint32_t *portids, unsigned n)
{
	struct sock_filter f[NL_IGNORE_MAX + 3];
	struct sock_fprog prog = { .filter = f };
	unsigned at = 0;

	n = MIN(n, NL_IGNORE_MAX);
	f[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					       offsetof(struct nlmsghdr, nlmsg_pid));
	for (unsigned i = 0; i < n; i++) /* loads are in network byte order; the last word drops */
		f[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(portids[i]),
						       (uint8_t)(n - i), 0);
	f[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	f[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	prog.len = (unsigned short)at;
	return setsockopt(nl_chan_fd(c), SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ? -errno
											    : 0;
}

int nl_chan_take(struct nl_chan *c, unsigned max, void (*fn)(const struct nlmsghdr *h, void *arg),
		 void *arg)
{
	int n = receive(c, MIN(max, DATAGRAMS), MSG_DONTWAIT), total = 0;

	for (int i = 0; i < n; i++) {
		const struct nlmsghdr *h;
		size_t ofs = 0;

		for (; (h = message(c, (unsigned)i, &ofs)); total++)
			fn(h, arg);
	}
	return n >= 0 ? total : n == -EAGAIN ? 0 : n;
}

int nl_chan_notices(struct nl_chan *c, void (*fn)(const struct nlmsghdr *h, void *arg), void *arg)
{
	int total = 0, n;

	while ((n = nl_chan_take(c, DATAGRAMS, fn, arg)) > 0)
		total += n;
	return n < 0 ? n : total;
}

void nl_chan_listen(struct nl_chan *c, struct thread *t,
		    void (*fn)(const struct nlmsghdr *h, void *arg), void (*lost)(void *arg),
		    void *arg)
{
	struct pollfd p[2] = { { .fd = nl_chan_fd(c), .events = POLLIN },
			       { .fd = t->wake_fd, .events = POLLIN } };

	while (!t->stop) {
		if (poll(p, ARRAY_SIZE(p), -1) < 0)
			continue;
		thread_woken(t);
		if (p[0].revents && nl_chan_notices(c, fn, arg) == -ENOBUFS)
			lost(arg);
	}
}
