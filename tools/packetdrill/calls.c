/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls.c: the system calls of sockets, with Linux's results.
 *
 * Entry points: drill_calls, drill_sock, drill_new_sock, drill_revents,
 * drill_event.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "drill.h"

enum {
	IOV_MAX_TAKEN = 64,
	SPANS = 16,
	MAPPED_BITS = 96,
};

#define FOR_EVER UINT64_MAX

/* A socket and who asks: for the predicates of drill_wait(). */
struct asked {
	struct drill *d;
	struct sock *s;
};

/* ---- sockets by descriptor ---- */

struct sock *drill_sock(struct drill *d, int fd)
{
	for (int i = 0; i < DRILL_SOCKS; i++)
		if (d->sock[i].kind != SOCK_FREE && d->sock[i].fd == fd)
			return &d->sock[i];
	return NULL;
}

struct sock *drill_new_sock(struct drill *d, enum sock_kind kind)
{
	for (int i = 0; i < DRILL_SOCKS; i++) {
		struct sock *s = &d->sock[i];
		int fd;

		if (s->kind != SOCK_FREE)
			continue;
		fd = eventfd(0, EFD_CLOEXEC);
		if (fd < 0)
			return NULL;
		*s = (struct sock){.kind = kind, .fd = fd, .domain = AF_INET};
		return s;
	}
	errno = ENFILE;
	return NULL;
}

static uint64_t cookie_of(const struct drill *d, const struct sock *s)
{
	return (uint64_t)(s - d->sock) + 1;
}

static bool info_of(const struct drill *d, const struct sock *s,
		    struct lull_sock_info *info)
{
	*info = (struct lull_sock_info){.size = sizeof *info};
	return lull_sock_info(d->shard, s->sock, info) == 0;
}

void drill_event(struct drill *d, const struct lull_event *event)
{
	struct sock *s;

	if (!event->cookie || event->cookie > DRILL_SOCKS)
		return;
	s = &d->sock[event->cookie - 1];
	if (s->kind != SOCK_LISTENER && s->kind != SOCK_CONN)
		return;
	s->news++;
	if (event->bits & LULL_EVENT_WRITE)
		s->connected = true;
	if (event->bits & LULL_EVENT_EOF)
		s->eof = true;
	if (event->bits & LULL_EVENT_ERROR)
		s->error = -event->error;
}

uint32_t drill_revents(struct drill *d, struct sock *s)
{
	struct lull_sock_info info;
	uint32_t bits = 0;
	bool known = s->kind != SOCK_NEW && info_of(d, s, &info);

	if (s->kind == SOCK_LISTENER)
		return known && info.rcv_queued ? EPOLLIN | EPOLLRDNORM : 0;
	if (s->kind == SOCK_NEW)
		return EPOLLOUT | EPOLLHUP;
	if (s->error)
		bits |= EPOLLERR | EPOLLHUP | EPOLLIN | EPOLLOUT | EPOLLRDHUP;
	if (s->dead || !known || info.state == LULL_TCP_CLOSED)
		bits |= EPOLLHUP | EPOLLIN | EPOLLOUT | EPOLLRDHUP;
	if (s->eof)
		bits |= EPOLLIN | EPOLLRDHUP;
	if (known && info.rcv_queued)
		bits |= EPOLLIN;
	if (known && s->connected && info.snd_room)
		bits |= EPOLLOUT;
	return bits | (bits & EPOLLIN ? EPOLLRDNORM : 0) |
	       (bits & EPOLLOUT ? EPOLLWRNORM : 0);
}

/* ---- addresses ---- */

static int take_address(const struct sockaddr *addr, socklen_t len,
			struct lull_endpoint *e)
{
	const struct sockaddr_in *in = (const void *)addr;
	const struct sockaddr_in6 *in6 = (const void *)addr;

	memset(e, 0, sizeof *e);
	if (len < (socklen_t)sizeof *in)
		return -EINVAL;
	if (addr->sa_family == AF_INET) {
		e->addr.b[10] = e->addr.b[11] = 0xff;
		memcpy(e->addr.b + 12, &in->sin_addr, 4);
		e->port = ntohs(in->sin_port);
		return 0;
	}
	if (addr->sa_family != AF_INET6)
		return -EAFNOSUPPORT;
	if (len < (socklen_t)sizeof *in6)
		return -EINVAL;
	memcpy(e->addr.b, &in6->sin6_addr, 16);
	e->port = ntohs(in6->sin6_port);
	return 0;
}

static void give_address(const struct sock *s, const struct lull_endpoint *e,
			 struct sockaddr *addr, socklen_t *len)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	bool v6 = s->domain == AF_INET6;
	socklen_t full = v6 ? sizeof in6 : sizeof in;

	if (!addr || !len)
		return;
	in.sin_port = in6.sin6_port = htons(e->port);
	memcpy(&in.sin_addr, e->addr.b + 12, 4);
	memcpy(&in6.sin6_addr, e->addr.b, 16);
	memcpy(addr, v6 ? (const void *)&in6 : (const void *)&in,
	       *len < full ? *len : full);
	*len = full;
}

static bool is_any(const struct lull_addr *a)
{
	static const struct lull_addr any6, any4 = {.b = {[10] = 0xff, 0xff}};

	return memcmp(a, &any6, sizeof *a) == 0 ||
	       memcmp(a, &any4, sizeof *a) == 0;
}

/* ---- opening ---- */

static int call_socket(void *u, int domain, int type, int protocol)
{
	struct drill *d = drill_lock(u);
	struct sock *s;

	drill_knobs(d);
	if (domain != AF_INET && domain != AF_INET6)
		return (int)drill_done(d, -EAFNOSUPPORT);
	if ((type & 0xf) != SOCK_STREAM)
		return (int)drill_done(d, -ESOCKTNOSUPPORT);
	if (protocol && protocol != IPPROTO_TCP)
		return (int)drill_done(d, -EPROTONOSUPPORT);
	s = drill_new_sock(d, SOCK_NEW);
	if (!s)
		return (int)drill_done(d, -errno);
	s->domain = domain;
	s->nonblock = type & SOCK_NONBLOCK;
	return (int)drill_done(d, s->fd);
}

static int bind_it(struct drill *d, int fd, const struct sockaddr *addr,
		   socklen_t len)
{
	struct sock *s = drill_sock(d, fd);
	struct lull_endpoint at;
	int e = take_address(addr, len, &at);

	if (!s)
		return -EBADF;
	if (e < 0)
		return e;
	if (s->kind != SOCK_NEW || s->bound)
		return -EINVAL;
	s->local = at;
	s->bound = true;
	if (!is_any(&at.addr))
		drill_own(d, &at.addr);
	return 0;
}

static int call_bind(void *u, int fd, const struct sockaddr *addr,
		     socklen_t len)
{
	struct drill *d = drill_lock(u);

	return (int)drill_done(d, bind_it(d, fd, addr, len));
}

static int listen_on(struct drill *d, int fd, int backlog)
{
	struct sock *s = drill_sock(d, fd);
	struct lull_listen l = {.size = sizeof l};
	int e;

	if (!s)
		return -EBADF;
	if (s->kind == SOCK_LISTENER)
		return 0; /* only its backlog changes */
	if (s->kind != SOCK_NEW || !s->bound)
		return -EINVAL;
	l.local.addr = s->local.addr;
	l.local.bits = 128;
	if (is_any(&s->local.addr)) {
		l.local.bits = s->domain == AF_INET ? MAPPED_BITS : 0;
		if (s->domain == AF_INET)
			l.local.addr.b[10] = l.local.addr.b[11] = 0xff;
	}
	l.port_lo = s->local.port;
	l.backlog = backlog < 0 ? 65535 : (uint32_t)backlog;
	l.flags = (s->reuseaddr ? LULL_LISTEN_REUSEADDR : 0U) |
		  (s->reuseport ? LULL_LISTEN_REUSEPORT : 0U) |
		  (s->v6only ? LULL_LISTEN_V6ONLY : 0U);
	l.cookie = cookie_of(d, s);
	e = lull_sock_listen(d->shard, &l, &s->sock);
	if (e < 0)
		return e;
	s->kind = SOCK_LISTENER;
	return drill_options_apply(d, s);
}

static int call_listen(void *u, int fd, int backlog)
{
	struct drill *d = drill_lock(u);

	drill_knobs(d);
	return (int)drill_done(d, listen_on(d, fd, backlog));
}

static bool may_accept(void *arg)
{
	const struct asked *a = arg;
	struct lull_sock_info info;

	return a->s->kind != SOCK_LISTENER || !info_of(a->d, a->s, &info) ||
	       info.rcv_queued > 0;
}

static int accept_one(struct drill *d, struct sock *l, struct sockaddr *addr,
		      socklen_t *len)
{
	struct asked a = {d, l};
	struct lull_sock_info info;
	struct lull_sock sock;
	struct sock *s;
	int e;

	if (!l)
		return -EBADF;
	if (l->kind != SOCK_LISTENER)
		return -EINVAL;
	e = drill_wait(d, may_accept, &a, l->nonblock ? 0 : FOR_EVER);
	if (e < 0)
		return e;
	e = lull_sock_accept(d->shard, l->sock, 0, &sock);
	if (e < 0)
		return e;
	s = drill_new_sock(d, SOCK_CONN);
	if (!s)
		return -errno;
	s->sock = sock;
	s->domain = l->domain;
	s->connected = true;
	memcpy(s->option, l->option, sizeof s->option);
	s->options = l->options;
	uint64_t cookie = cookie_of(d, s);
	(void)!lull_sock_set(d->shard, sock, LULL_OPT_COOKIE, &cookie,
			     sizeof cookie);
	(void)drill_options_apply(d, s);
	if (info_of(d, s, &info)) {
		s->local = info.local;
		give_address(s, &info.remote, addr, len);
	}
	return s->fd;
}

static int call_accept(void *u, int fd, struct sockaddr *addr, socklen_t *len)
{
	struct drill *d = drill_lock(u);

	return (int)drill_done(d, accept_one(d, drill_sock(d, fd), addr, len));
}

static int take_error(struct sock *s)
{
	int e = s->error;

	s->error = 0;
	s->dead = true;
	return -e;
}

static bool is_settled(void *arg)
{
	const struct asked *a = arg;

	return a->s->connected || a->s->error;
}

static int begin_connect(struct drill *d, struct sock *s,
			 const struct lull_endpoint *to)
{
	struct lull_connect c = {.size = sizeof c};
	int e;

	c.remote = *to;
	if (s->bound)
		c.local = s->local;
	if (is_any(&c.local.addr))
		memset(&c.local.addr, 0, sizeof c.local.addr);
	c.flags = s->reuseaddr ? LULL_CONNECT_REUSEADDR : 0;
	c.cookie = cookie_of(d, s);
	e = lull_sock_connect(d->shard, &c, &s->sock, NULL);
	if (e < 0)
		return e;
	s->kind = SOCK_CONN;
	s->dead = false;
	e = drill_options_apply(d, s);
	drill_step(d);
	return e;
}

static int connect_to(struct drill *d, struct sock *s,
		      const struct sockaddr *addr, socklen_t len)
{
	struct asked a = {d, s};
	struct lull_endpoint to;
	int e = take_address(addr, len, &to);

	if (!s)
		return -EBADF;
	if (e < 0)
		return e;
	if (s->kind == SOCK_LISTENER || (s->kind == SOCK_CONN && s->connected))
		return -EISCONN;
	if (s->kind == SOCK_CONN && s->error)
		return take_error(s);
	if (s->kind == SOCK_CONN && !s->dead) {
		if (s->nonblock)
			return -EALREADY;
	} else {
		e = begin_connect(d, s, &to);
		if (e < 0)
			return e;
	}
	if (drill_wait(d, is_settled, &a, s->nonblock ? 0 : FOR_EVER) < 0)
		return -EINPROGRESS;
	return s->error ? take_error(s) : 0;
}

static int call_connect(void *u, int fd, const struct sockaddr *addr,
			socklen_t len)
{
	struct drill *d = drill_lock(u);

	drill_knobs(d);
	return (int)drill_done(d, connect_to(d, drill_sock(d, fd), addr, len));
}

/* ---- reading ---- */

static bool may_read(void *arg)
{
	const struct asked *a = arg;
	struct lull_sock_info info;

	return a->s->kind != SOCK_CONN || a->s->error || a->s->eof ||
	       a->s->dead || !info_of(a->d, a->s, &info) ||
	       info.rcv_queued > 0 || info.state == LULL_TCP_CLOSED;
}

/* What is queued, copied or only looked at. */
static long look(struct drill *d, struct sock *s, uint8_t *buf, size_t len)
{
	struct lull_span spans[SPANS];
	int n = lull_sock_peek(d->shard, s->sock, spans, SPANS);
	size_t at = 0;

	if (n <= 0)
		return n;
	for (int i = 0; i < n && at < len; i++) {
		size_t k = spans[i].len < len - at ? spans[i].len : len - at;

		if (buf)
			memcpy(buf + at, spans[i].ptr, k);
		at += k;
	}
	return (long)at;
}

static long take_some(struct drill *d, struct sock *s, uint8_t *buf, size_t len,
		      int flags)
{
	long n;

	if (flags & MSG_PEEK)
		return look(d, s, flags & MSG_TRUNC ? NULL : buf, len);
	if (!(flags & MSG_TRUNC))
		return lull_sock_recv(d->shard, s->sock, buf, len);
	n = look(d, s, NULL, len);
	if (n > 0 && lull_sock_consume(d->shard, s->sock, (size_t)n) < 0)
		return -EIO;
	return n;
}

static long receive(struct drill *d, struct sock *s, uint8_t *buf, size_t len,
		    int flags)
{
	bool blocks = s && !s->nonblock && !(flags & MSG_DONTWAIT);
	struct asked a = {d, s};
	size_t done = 0;

	if (!s)
		return -EBADF;
	if (flags & MSG_ERRQUEUE)
		return -EAGAIN;
	if (s->kind != SOCK_CONN)
		return -ENOTCONN;
	for (;;) {
		long n = s->dead ? 0
				 : take_some(d, s, buf + done, len - done,
					     flags);

		if (n > 0)
			done += (size_t)n;
		/* What the program reads may open the window. */
		if (n > 0)
			drill_step(d);
		if (n == 0 || done == len ||
		    (done > 0 && !(flags & MSG_WAITALL)))
			return (long)done;
		if (n < 0 && n != -EAGAIN) {
			if (done > 0)
				return (long)done;
			return s->error ? take_error(s) : 0;
		}
		if (n == -EAGAIN &&
		    drill_wait(d, may_read, &a, blocks ? FOR_EVER : 0) < 0)
			return done ? (long)done : -EAGAIN;
		if (n == -EAGAIN && !blocks)
			return -EAGAIN;
	}
}

static ssize_t call_recv(void *u, int fd, void *buf, size_t len, int flags)
{
	struct drill *d = drill_lock(u);

	return drill_done(d, receive(d, drill_sock(d, fd), buf, len, flags));
}

static ssize_t call_read(void *u, int fd, void *buf, size_t len)
{
	return call_recv(u, fd, buf, len, 0);
}

static ssize_t call_recvfrom(void *u, int fd, void *buf, size_t len, int flags,
			     struct sockaddr *addr, socklen_t *addr_len)
{
	(void)addr;
	if (addr_len)
		*addr_len = 0; /* of a stream nothing is said */
	return call_recv(u, fd, buf, len, flags);
}

static ssize_t receive_iov(void *u, int fd, const struct iovec *iov, size_t n,
			   int flags)
{
	size_t len = 0, at = 0;
	uint8_t *all;
	ssize_t got;

	for (size_t i = 0; i < n; i++)
		len += iov[i].iov_len;
	all = malloc(len ? len : 1);
	if (!all) {
		errno = ENOMEM;
		return -1;
	}
	got = call_recv(u, fd, all, len, flags);
	for (size_t i = 0; i < n && got > 0 && at < (size_t)got; i++) {
		size_t k = (size_t)got - at < iov[i].iov_len ? (size_t)got - at
							     : iov[i].iov_len;

		memcpy(iov[i].iov_base, all + at, k);
		at += k;
	}
	free(all);
	return got;
}

static ssize_t call_readv(void *u, int fd, const struct iovec *iov, int n)
{
	return receive_iov(u, fd, iov, (size_t)n, 0);
}

static ssize_t call_recvmsg(void *u, int fd, struct msghdr *msg, int flags)
{
	ssize_t n = receive_iov(u, fd, msg->msg_iov, msg->msg_iovlen, flags);

	msg->msg_controllen = 0;
	msg->msg_namelen = 0;
	msg->msg_flags = 0;
	return n;
}

/* ---- writing ---- */

static bool may_write(void *arg)
{
	const struct asked *a = arg;
	struct lull_sock_info info;

	return a->s->kind != SOCK_CONN || a->s->error || a->s->dead ||
	       !info_of(a->d, a->s, &info) ||
	       (a->s->connected && info.snd_room > 0);
}

static long transmit(struct drill *d, struct sock *s, const struct iovec *iov,
		     int n, int flags)
{
	bool blocks = s && !s->nonblock && !(flags & MSG_DONTWAIT);
	struct lull_span spans[IOV_MAX_TAKEN];
	struct asked a = {d, s};
	size_t len = 0, done = 0;

	if (!s)
		return -EBADF;
	if (s->kind != SOCK_CONN || s->dead)
		return -EPIPE;
	if (flags & MSG_FASTOPEN)
		return -EOPNOTSUPP;
	if (n > IOV_MAX_TAKEN)
		return -EMSGSIZE;
	for (int i = 0; i < n; i++) {
		spans[i] = (struct lull_span){iov[i].iov_base, iov[i].iov_len};
		len += iov[i].iov_len;
	}
	while (done < len) {
		long k;
		int from = 0;

		while (spans[from].len == 0)
			from++;
		k = lull_sock_send(d->shard, s->sock, spans + from, n - from,
				   0);
		if (k < 0 && k != -EAGAIN) {
			if (done > 0)
				return (long)done;
			return s->error ? take_error(s)
					: (s->dead ? -EPIPE : k);
		}
		if (k > 0) {
			done += (size_t)k;
			drill_step(d);
		}
		for (; k > 0; from++) {
			size_t cut = spans[from].len < (size_t)k
					     ? spans[from].len
					     : (size_t)k;

			spans[from].ptr = (uint8_t *)spans[from].ptr + cut;
			spans[from].len -= cut;
			k -= (long)cut;
			if (spans[from].len > 0)
				break;
		}
		if (done == len)
			break;
		if (drill_wait(d, may_write, &a, blocks ? FOR_EVER : 0) < 0 ||
		    (!blocks && k == -EAGAIN))
			return done ? (long)done : -EAGAIN;
	}
	return (long)done;
}

static ssize_t send_iov(void *u, int fd, const struct iovec *iov, int n,
			int flags)
{
	struct drill *d = drill_lock(u);

	return drill_done(d, transmit(d, drill_sock(d, fd), iov, n, flags));
}

static ssize_t call_send(void *u, int fd, const void *buf, size_t len,
			 int flags)
{
	const struct iovec iov = {(void *)(uintptr_t)buf, len};

	return send_iov(u, fd, &iov, 1, flags);
}

static ssize_t call_write(void *u, int fd, const void *buf, size_t len)
{
	return call_send(u, fd, buf, len, 0);
}

static ssize_t call_writev(void *u, int fd, const struct iovec *iov, int n)
{
	return send_iov(u, fd, iov, n, 0);
}

static ssize_t call_sendto(void *u, int fd, const void *buf, size_t len,
			   int flags, const struct sockaddr *addr,
			   socklen_t addr_len)
{
	(void)addr;
	(void)addr_len;
	return call_send(u, fd, buf, len, flags);
}

static ssize_t call_sendmsg(void *u, int fd, const struct msghdr *msg,
			    int flags)
{
	return send_iov(u, fd, msg->msg_iov, (int)msg->msg_iovlen, flags);
}

/* ---- the rest ---- */

static int close_it(struct drill *d, struct sock *s)
{
	if (!s)
		return -EBADF;
	if (s->kind == SOCK_LISTENER || s->kind == SOCK_CONN)
		lull_sock_close(d->shard, s->sock);
	close(s->fd);
	free(s->watch);
	*s = (struct sock){0};
	drill_step(d);
	return 0;
}

static int call_close(void *u, int fd)
{
	struct drill *d = drill_lock(u);

	return (int)drill_done(d, close_it(d, drill_sock(d, fd)));
}

static int call_shutdown(void *u, int fd, int how)
{
	static const enum lull_how hows[] = {LULL_SHUT_RD, LULL_SHUT_WR,
					     LULL_SHUT_RDWR};
	struct drill *d = drill_lock(u);
	struct sock *s = drill_sock(d, fd);
	int e = -ENOTCONN;

	if (!s)
		return (int)drill_done(d, -EBADF);
	if (how < SHUT_RD || how > SHUT_RDWR)
		return (int)drill_done(d, -EINVAL);
	if (s->kind == SOCK_CONN && !s->dead)
		e = lull_sock_shutdown(d->shard, s->sock, hows[how]);
	if (e == 0 && how != SHUT_WR)
		s->eof = true;
	drill_step(d);
	return (int)drill_done(d, e);
}

static int call_fcntl(void *u, int fd, int cmd, ...)
{
	struct drill *d = drill_lock(u);
	struct sock *s = drill_sock(d, fd);
	va_list args;
	int flags;

	va_start(args, cmd);
	flags = va_arg(args, int);
	va_end(args);
	if (!s)
		return (int)drill_done(d, -EBADF);
	switch (cmd) {
	case F_GETFL:
		return (int)drill_done(d,
				       O_RDWR | (s->nonblock ? O_NONBLOCK : 0));
	case F_SETFL:
		s->nonblock = flags & O_NONBLOCK;
		return (int)drill_done(d, 0);
	default:
		return (int)drill_done(d, -EINVAL);
	}
}

static int call_ioctl(void *u, int fd, unsigned long request, ...)
{
	struct drill *d = drill_lock(u);
	struct sock *s = drill_sock(d, fd);
	struct lull_sock_info info;
	va_list args;
	int *value;

	va_start(args, request);
	value = va_arg(args, int *);
	va_end(args);
	if (!s)
		return (int)drill_done(d, -EBADF);
	if (s->kind != SOCK_CONN || !info_of(d, s, &info))
		return (int)drill_done(d, -EINVAL);
	switch (request) {
	case SIOCINQ:
		*value = (int)info.rcv_queued;
		return (int)drill_done(d, 0);
	case SIOCOUTQ:
		*value = (int)info.snd_queued;
		return (int)drill_done(d, 0);
	default:
		return (int)drill_done(d, -ENOTTY);
	}
}

static int call_pipe(void *u, int fds[2])
{
	(void)u;
	return pipe(fds);
}

static ssize_t call_splice(void *u, int in, loff_t *in_at, int out,
			   loff_t *out_at, size_t len, unsigned flags)
{
	(void)u, (void)in, (void)in_at, (void)out, (void)out_at, (void)len,
		(void)flags;
	errno = ENOSYS;
	return -1;
}

void drill_calls(struct packetdrill_interface *ifc)
{
	ifc->socket = call_socket;
	ifc->bind = call_bind;
	ifc->listen = call_listen;
	ifc->accept = call_accept;
	ifc->connect = call_connect;
	ifc->read = call_read;
	ifc->readv = call_readv;
	ifc->recv = call_recv;
	ifc->recvfrom = call_recvfrom;
	ifc->recvmsg = call_recvmsg;
	ifc->write = call_write;
	ifc->writev = call_writev;
	ifc->send = call_send;
	ifc->sendto = call_sendto;
	ifc->sendmsg = call_sendmsg;
	ifc->fcntl = call_fcntl;
	ifc->ioctl = call_ioctl;
	ifc->close = call_close;
	ifc->shutdown = call_shutdown;
	ifc->getsockopt = drill_getsockopt;
	ifc->setsockopt = drill_setsockopt;
	ifc->poll = drill_poll;
	ifc->epoll_create = drill_epoll_create;
	ifc->epoll_ctl = drill_epoll_ctl;
	ifc->epoll_wait = drill_epoll_wait;
	ifc->pipe = call_pipe;
	ifc->splice = call_splice;
}
