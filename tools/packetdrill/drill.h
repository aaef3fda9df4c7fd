/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill.h: one stack in packetdrill's place for the kernel.
 *
 *	world.c    the shard, its frames, the virtual clock, calls that block
 *	calls.c    the system calls of sockets
 *	text.c     those that read and write
 *	options.c  getsockopt, setsockopt, TCP_INFO
 *	poll.c     poll and epoll
 *	knobs.c    /proc/sys/net, read again before each step
 *
 * Time stands still but for usleep(), netdev_receive() and a microsecond at
 * each gettimeofday(): a script of minutes runs in no time, without noise.
 * packetdrill makes a call that blocks on a second thread, so that all is
 * under one lock.
 */
#ifndef LULL_PACKETDRILL_DRILL_H
#define LULL_PACKETDRILL_DRILL_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <lull/diag.h>
#include <lull/host.h>
#include <lull/link.h>
#include <lull/lull.h>

#include "interface.h"

enum {
	DRILL_SOCKS = 256, /* of one script, at a time */
	DRILL_OPTIONS = 32,
	DRILL_KNOBS = 160,
	DRILL_PACKETS = 4096, /* that left and were not yet asked for */
	DRILL_PACKET_MAX = 65535,
};

enum sock_kind {
	SOCK_FREE,
	SOCK_NEW, /* socket(), perhaps bind() */
	SOCK_LISTENER,
	SOCK_CONN, /* connect() or accept() */
	SOCK_EPOLL,
};

/* An option that is applied when there is a connection. */
struct sock_option {
	int level, name;
	socklen_t len;
	uint8_t value[32];
};

struct sock {
	enum sock_kind kind;
	int fd; /* an eventfd: packetdrill closes what a script leaves open */
	int domain;
	bool nonblock, reuseaddr, reuseport, v6only;
	bool bound, connected, eof, dead; /* dead: its error was told */
	bool inq;			  /* TCP_INQ */
	int error;			  /* positive, not yet told */
	struct lull_endpoint local;
	struct lull_sock sock;
	struct sock_option option[DRILL_OPTIONS];
	int options;
	uint32_t news; /* counts events: for EPOLLET */
	/* Of an epoll: what it watches. */
	struct watch {
		int fd; /* 0: free */
		struct epoll_event event;
		uint32_t told; /* news that it has been told of */
		bool off;      /* EPOLLONESHOT */
	} * watch;
	int watches;
};

struct packet {
	uint8_t *data;
	size_t len;
	uint64_t at_us;
};

/* A call that blocks: at most one at a time. */
struct waiter {
	bool (*ready)(void *arg);
	void *arg;
	uint64_t until_us; /* UINT64_MAX: for ever */
	pthread_t thread;
	bool done;
};

struct drill {
	pthread_mutex_t lock;
	pthread_cond_t moved; /* the waiter is ready, or the hold is over */
	struct lull_memory memory;
	struct lull_shard *shard;
	uint64_t now_us;
	uint64_t deadline_us;
	uint32_t moves; /* of the clock */
	struct waiter *waiter;
	bool hold; /* until the woken thread has read the clock */
	pthread_t held_for;
	struct sock sock[DRILL_SOCKS];
	struct packet out[DRILL_PACKETS]; /* a ring */
	uint32_t out_head, out_tail;
	struct lull_addr own[64];
	int owns;
	struct {
		char name[48], text[128];
	} knob[DRILL_KNOBS];
	int knobs;
};

extern struct drill drill_world;

/* ---- world.c ---- */

int drill_begin(struct drill *d, const char *flags);
void drill_end(struct drill *d);
/* Let the shard work at the present time; tell sockets and who waits. */
void drill_step(struct drill *d);
void drill_own(struct drill *d, const struct lull_addr *addr);
/* Until ready(), or `us` have passed: 0, or -EAGAIN. Gives up the lock. */
int drill_wait(struct drill *d, bool (*ready)(void *arg), void *arg,
	       uint64_t us);
int drill_netdev_send(void *u, const void *packet, size_t len);
int drill_netdev_receive(void *u, void *packet, size_t *len, long long *at_us);
int drill_usleep(void *u, useconds_t us);
int drill_gettimeofday(void *u, struct timeval *tv, struct timezone *tz);

static inline struct drill *drill_lock(void *u)
{
	struct drill *d = u;

	pthread_mutex_lock(&d->lock);
	return d;
}

/* Give up the lock with a result: -1 and errno for a negative one. */
static inline long drill_done(struct drill *d, long result)
{
	pthread_mutex_unlock(&d->lock);
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

/* ---- calls.c ---- */

#define FOR_EVER UINT64_MAX

/* A socket and who asks: for the predicates of drill_wait(). */
struct asked {
	struct drill *d;
	struct sock *s;
};

bool drill_info(const struct drill *d, const struct sock *s,
		struct lull_sock_info *info);
/* Its error, told and gone: a negative errno. */
int drill_take_error(struct sock *s);

void drill_calls(struct packetdrill_interface *ifc);
/* NULL: not one of ours. */
struct sock *drill_sock(struct drill *d, int fd);
struct sock *drill_new_sock(struct drill *d, enum sock_kind kind);
/* What poll() says of it now. */
uint32_t drill_revents(struct drill *d, struct sock *s);
void drill_event(struct drill *d, const struct lull_event *event);

/* ---- text.c ---- */

void drill_text_calls(struct packetdrill_interface *ifc);
/* As poll() means it. */
bool drill_is_writable(struct drill *d, const struct sock *s,
		       const struct lull_sock_info *info);

/* ---- options.c ---- */

int drill_getsockopt(void *u, int fd, int level, int name, void *value,
		     socklen_t *len);
int drill_setsockopt(void *u, int fd, int level, int name, const void *value,
		     socklen_t len);
/* Apply what was set before there was a connection. */
int drill_options_apply(struct drill *d, struct sock *s);

/* ---- poll.c ---- */

int drill_poll(void *u, struct pollfd *fds, nfds_t n, int timeout_ms);
int drill_epoll_create(void *u, int size);
int drill_epoll_ctl(void *u, int epfd, int op, int fd,
		    struct epoll_event *event);
int drill_epoll_wait(void *u, int epfd, struct epoll_event *events, int n,
		     int timeout_ms);

/* ---- knobs.c ---- */

void drill_knobs(struct drill *d);

#endif
