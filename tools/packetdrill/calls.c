/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls.c: the system calls of sockets, with Linux's results; those that read
 * and write are in text.c.
 *
 * Entry points: drill_calls, drill_sock, drill_new_sock, drill_revents,
 * drill_event, drill_info, drill_take_error.
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
	MAPPED_BITS = 96,
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

bool drill_info(const struct drill *d, const struct sock *s,
		struct lull_sock_info *info)
{
	*info = (struct lull_sock_info){.size = sizeof *info};
	return lull_sock_info(d->shard, s->sock, info) == 0;
}

int drill_take_error(struct sock *s)
{
	int e = s->error;

	s->error = 0;
	s->dead = true;
	return -e;
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
	bool known = s->kind != SOCK_NEW && drill_info(d, s, &info);

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
	if (known && s->connected && drill_is_writable(d, s, &info))
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

	return a->s->kind != SOCK_LISTENER || !drill_info(a->d, a->s, &info) ||
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
	if (drill_info(d, s, &info)) {
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
		return drill_take_error(s);
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
	return s->error ? drill_take_error(s) : 0;
}

static int call_connect(void *u, int fd, const struct sockaddr *addr,
			socklen_t len)
{
	struct drill *d = drill_lock(u);

	drill_knobs(d);
	return (int)drill_done(d, connect_to(d, drill_sock(d, fd), addr, len));
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

static int not_sent(struct drill *d, const struct sock *s)
{
	struct lull_tcp_info info;

	if (lull_sock_get(d->shard, s->sock, LULL_OPT_INFO, &info,
			  sizeof info) < 0)
		return 0;
	return (int)info.notsent_bytes;
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
	if (s->kind != SOCK_CONN || !drill_info(d, s, &info))
		return (int)drill_done(d, -EINVAL);
	switch (request) {
	case SIOCINQ:
		*value = (int)info.rcv_queued;
		return (int)drill_done(d, 0);
	case SIOCOUTQ:
		*value = (int)info.snd_queued;
		return (int)drill_done(d, 0);
	case SIOCOUTQNSD:
		*value = not_sent(d, s);
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
	drill_text_calls(ifc);
	ifc->socket = call_socket;
	ifc->bind = call_bind;
	ifc->listen = call_listen;
	ifc->accept = call_accept;
	ifc->connect = call_connect;
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
