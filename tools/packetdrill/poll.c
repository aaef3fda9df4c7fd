/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll.c: poll(2) and epoll(7) over our own sockets.
 *
 * Entry points: drill_poll, drill_epoll_create, _ctl, _wait.
 */
#include <stdlib.h>
#include <string.h>

#include "drill.h"

enum {
	WATCHES = 64
};

static uint64_t patience_us(int timeout_ms)
{
	return timeout_ms < 0 ? UINT64_MAX : (uint64_t)timeout_ms * 1000;
}

/* ---- poll ---- */

struct polled {
	struct drill *d;
	struct pollfd *fds;
	nfds_t n;
};

static int look_at_all(const struct polled *p)
{
	int ready = 0;

	for (nfds_t i = 0; i < p->n; i++) {
		struct pollfd *f = &p->fds[i];
		struct sock *s = drill_sock(p->d, f->fd);
		uint32_t bits = s ? drill_revents(p->d, s) : POLLNVAL;

		f->revents = (short)(bits & ((uint32_t)f->events | POLLERR |
					     POLLHUP | POLLNVAL));
		ready += f->revents != 0;
	}
	return ready;
}

static bool any_polled(void *arg)
{
	return look_at_all(arg) > 0;
}

int drill_poll(void *u, struct pollfd *fds, nfds_t n, int timeout_ms)
{
	struct drill *d = drill_lock(u);
	struct polled p = {d, fds, n};

	(void)drill_wait(d, any_polled, &p, patience_us(timeout_ms));
	return (int)drill_done(d, look_at_all(&p));
}

/* ---- epoll ---- */

int drill_epoll_create(void *u, int size)
{
	struct drill *d = drill_lock(u);
	struct sock *s;

	if (size <= 0)
		return (int)drill_done(d, -EINVAL);
	s = drill_new_sock(d, SOCK_EPOLL);
	if (!s)
		return (int)drill_done(d, -errno);
	s->watch = calloc(WATCHES, sizeof *s->watch);
	s->watches = s->watch ? WATCHES : 0;
	return (int)drill_done(d, s->fd);
}

static struct watch *find_watch(const struct sock *e, int fd)
{
	for (int i = 0; i < e->watches; i++)
		if (e->watch[i].fd == fd)
			return &e->watch[i];
	return NULL;
}

static int control(struct drill *d, struct sock *e, int op, int fd,
		   const struct epoll_event *event)
{
	struct watch *w;

	if (!e || !drill_sock(d, fd))
		return -EBADF;
	if (e->kind != SOCK_EPOLL || e->fd == fd)
		return -EINVAL;
	w = find_watch(e, fd);
	switch (op) {
	case EPOLL_CTL_ADD:
		if (w)
			return -EEXIST;
		w = find_watch(e, 0);
		if (!w)
			return -ENOSPC;
		break;
	case EPOLL_CTL_MOD:
		if (!w)
			return -ENOENT;
		break;
	case EPOLL_CTL_DEL:
		if (!w)
			return -ENOENT;
		*w = (struct watch){0};
		return 0;
	default:
		return -EINVAL;
	}
	*w = (struct watch){.fd = fd, .event = *event};
	w->told = drill_sock(d, fd)->news - 1;
	return 0;
}

int drill_epoll_ctl(void *u, int epfd, int op, int fd,
		    struct epoll_event *event)
{
	struct drill *d = drill_lock(u);

	return (int)drill_done(d,
			       control(d, drill_sock(d, epfd), op, fd, event));
}

/* What it has to tell; with EPOLLET only after news. */
static uint32_t news_of(struct drill *d, struct watch *w)
{
	struct sock *s = w->fd && !w->off ? drill_sock(d, w->fd) : NULL;
	uint32_t bits;

	if (!s)
		return 0;
	bits = drill_revents(d, s) & (w->event.events | EPOLLERR | EPOLLHUP);
	if (w->event.events & EPOLLET && w->told == s->news)
		return 0;
	return bits;
}

struct awaited {
	struct drill *d;
	struct sock *e;
};

static bool any_awaited(void *arg)
{
	const struct awaited *a = arg;

	for (int i = 0; i < a->e->watches; i++)
		if (news_of(a->d, &a->e->watch[i]))
			return true;
	return false;
}

int drill_epoll_wait(void *u, int epfd, struct epoll_event *events, int n,
		     int timeout_ms)
{
	struct drill *d = drill_lock(u);
	struct awaited a = {d, drill_sock(d, epfd)};
	int found = 0;

	if (!a.e || a.e->kind != SOCK_EPOLL)
		return (int)drill_done(d, a.e ? -EINVAL : -EBADF);
	if (n <= 0)
		return (int)drill_done(d, -EINVAL);
	(void)drill_wait(d, any_awaited, &a, patience_us(timeout_ms));
	for (int i = 0; i < a.e->watches && found < n; i++) {
		struct watch *w = &a.e->watch[i];
		uint32_t bits = news_of(d, w);

		if (!bits)
			continue;
		events[found].events = bits;
		events[found++].data = w->event.data;
		w->told = drill_sock(d, w->fd)->news;
		w->off = w->event.events & EPOLLONESHOT;
	}
	return (int)drill_done(d, found);
}
