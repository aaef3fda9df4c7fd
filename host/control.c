/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control.c: the control socket: who may come, and whose turn it is. What is
 * said is answer.c's.
 *
 * One epoll instance holds the listener and the clients; the run loop watches
 * that one. A turn serves each client that is ready at most once, with one
 * packet, and ends early after TURN_NS: epoll gives the others first next time.
 * A client is either read from or written to: who does not take an answer is
 * not asked for more. The one packet is shared; a client that can't take it
 * gets it made again.
 *
 * Never blocks but at creation, and never allocates after it.
 *
 * Entry points: lull_control_create, _destroy.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <lull/host.h>

#include "answer.h"

enum {
	TURN_NS = 200000,
	BACKLOG = 8,
	LOCK_TRIES = 100, /* of a millisecond */
	SEND_BYTES = 2 * LULL_CTL_PACKET,
};

struct client {
	int fd;		 /* -1: free */
	uint32_t events; /* that epoll waits for */
	uint32_t turn;	 /* the last one that it had */
	struct lull_ctl_asked asked;
};

struct lull_control {
	struct lull_loop *loop;
	struct lull_shard *shard;
	int epoll, listener;
	uint32_t turn;
	struct sockaddr_un at;
	dev_t dev; /* of the socket's file, with its inode; 0: not made */
	ino_t ino;
	struct client client[LULL_CTL_CLIENTS];
	struct lull_ctl_packet packet;
};

/* ---- clients ---- */

static void drop(struct client *cl)
{
	close(cl->fd); /* and out of epoll */
	cl->fd = -1;
}

static void want(const struct lull_control *c, struct client *cl,
		 uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = cl};

	if (events == cl->events)
		return;
	cl->events = events;
	if (epoll_ctl(c->epoll, EPOLL_CTL_MOD, cl->fd, &event) < 0)
		drop(cl);
}

/* false: it is gone. */
static bool read_request(struct client *cl)
{
	struct lull_ctl_asked *a = &cl->asked;
	ssize_t n = recv(cl->fd, a->bytes, sizeof a->bytes,
			 MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	a->job.at = 0;
	a->len = (uint32_t)n;
	return n > 0;
}

/* false: it is gone. */
static bool write_answer(struct lull_control *c, struct client *cl)
{
	struct lull_ctl_asked *a = &cl->asked;
	const struct lull_ctl_job job = a->job;
	ssize_t n;

	lull_ctl_answer(c->shard, a, &c->packet);
	if (!c->packet.len)
		return true;
	n = send(cl->fd, c->packet.bytes, c->packet.len,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		a->job = job; /* as if nothing had happened */
	return n >= 0 || errno == EAGAIN || errno == EINTR;
}

static void serve(struct lull_control *c, struct client *cl)
{
	if (!lull_ctl_is_asked(&cl->asked) && !read_request(cl))
		drop(cl);
	else if (!write_answer(c, cl))
		drop(cl);
	else
		want(c, cl, lull_ctl_is_asked(&cl->asked) ? EPOLLOUT : EPOLLIN);
}

/* ---- newcomers ---- */

/* Is it the same user, or root? */
static bool is_welcome(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	return peer.uid == geteuid() || peer.uid == 0;
}

static void refuse(int fd)
{
	const struct {
		struct nlmsghdr head;
		struct nlmsgerr body;
	} busy = {
		.head.nlmsg_len = sizeof busy,
		.head.nlmsg_type = NLMSG_ERROR,
		.head.nlmsg_flags = NLM_F_CAPPED,
		.body.error = -EBUSY,
	};

	(void)!send(fd, &busy, sizeof busy, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static void admit(struct lull_control *c, int fd)
{
	const int bytes = SEND_BYTES;
	struct client *cl = c->client;
	struct epoll_event event = {.events = EPOLLIN};

	if (!is_welcome(fd)) {
		close(fd);
		return;
	}
	while (cl < c->client + LULL_CTL_CLIENTS && cl->fd >= 0)
		cl++;
	event.data.ptr = cl;
	if (cl == c->client + LULL_CTL_CLIENTS ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) < 0 ||
	    epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		refuse(fd);
		return;
	}
	*cl = (struct client){.fd = fd, .events = EPOLLIN, .turn = c->turn - 1};
}

/*
 * All who wait: the listener is edge-triggered, so that a process without free
 * descriptors does not spin.
 */
static void welcome(struct lull_control *c)
{
	for (int i = 0; i <= BACKLOG; i++) {
		int fd = accept4(c->listener, NULL, NULL,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			admit(c, fd);
		else if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

static void take_turn(void *arg, int fd)
{
	struct lull_control *c = arg;
	uint64_t until = lull_clock_ns() + TURN_NS;
	struct epoll_event event;

	c->turn++;
	while (epoll_wait(fd, &event, 1, 0) == 1) {
		struct client *cl = event.data.ptr;

		if (!cl) {
			welcome(c);
		} else if (cl->turn == c->turn) {
			return; /* the round is complete */
		} else {
			cl->turn = c->turn;
			serve(c, cl);
		}
		if (lull_clock_ns() >= until)
			return;
	}
}

/* ---- the place ---- */

static int set_place(struct lull_control *c, const char *path)
{
	size_t len = strlen(path);

	if (!len)
		return -EINVAL;
	if (len >= sizeof c->at.sun_path)
		return -ENAMETOOLONG;
	c->at.sun_family = AF_UNIX;
	memcpy(c->at.sun_path, path, len);
	return 0;
}

/*
 * Make the directory if it is missing, and lock it: between the look at a stale
 * socket and its removal nobody else may put a live one there. Returns the
 * lock, or -1: none was to be had, which is no reason to give up.
 */
static int lock_directory(const struct lull_control *c)
{
	const struct timespec nap = {.tv_nsec = 1000000};
	char path[sizeof c->at.sun_path];
	char *slash;
	int fd;

	memcpy(path, c->at.sun_path, sizeof path);
	slash = strrchr(path, '/');
	if (slash > path)
		*slash = 0;
	else
		memcpy(path, slash ? "/" : ".", 2);
	(void)mkdir(path, 0755); /* bind(2) tells if that was in vain */
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; fd >= 0 && i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			break;
		nanosleep(&nap, NULL);
	}
	return fd;
}

/* Does a socket lie there to which nobody listens any more? 0, or what does. */
static int is_stale(const struct lull_control *c)
{
	struct stat st;
	int fd, e = 0;

	if (lstat(c->at.sun_path, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const void *)&c->at, sizeof c->at) == 0 ||
	    errno != ECONNREFUSED)
		e = -EADDRINUSE;
	close(fd);
	return e;
}

static int take_place(struct lull_control *c)
{
	struct stat st;
	int e;

	/* The mode that its file will have: there is no moment without it. */
	if (fchmod(c->listener, 0600) < 0)
		return -errno;
	e = bind(c->listener, (const void *)&c->at, sizeof c->at);
	if (e < 0 && errno == EADDRINUSE) {
		e = is_stale(c);
		if (e < 0)
			return e;
		if (unlink(c->at.sun_path) < 0)
			return -errno;
		e = bind(c->listener, (const void *)&c->at, sizeof c->at);
	}
	if (e < 0)
		return -errno;
	if (lstat(c->at.sun_path, &st) < 0)
		return -errno;
	c->dev = st.st_dev;
	c->ino = st.st_ino;
	return listen(c->listener, BACKLOG) < 0 ? -errno : 0;
}

static int open_listener(struct lull_control *c)
{
	int lock, e;

	c->listener = socket(AF_UNIX,
			     SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->listener < 0)
		return -errno;
	lock = lock_directory(c);
	e = take_place(c);
	if (lock >= 0)
		close(lock);
	return e;
}

static void leave_place(const struct lull_control *c)
{
	struct stat st;

	/* Perhaps somebody else's by now. */
	if (c->ino && lstat(c->at.sun_path, &st) == 0 && st.st_dev == c->dev &&
	    st.st_ino == c->ino)
		unlink(c->at.sun_path);
}

/* ---- entry points ---- */

static int open_all(struct lull_control *c, const char *path)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	int e = set_place(c, path);

	if (e < 0)
		return e;
	e = open_listener(c);
	if (e < 0)
		return e;
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll < 0 ||
	    epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->listener, &event) < 0)
		return -errno;
	return lull_loop_watch(c->loop, c->epoll, take_turn, c);
}

int lull_control_create(struct lull_control **control, struct lull_loop *loop,
			struct lull_shard *shard, const char *path)
{
	struct lull_control *c = calloc(1, sizeof *c);
	int e;

	if (!c)
		return -ENOMEM;
	c->loop = loop;
	c->shard = shard;
	c->epoll = c->listener = -1;
	for (int i = 0; i < LULL_CTL_CLIENTS; i++)
		c->client[i].fd = -1;
	e = open_all(c, path);
	if (e < 0) {
		lull_control_destroy(c);
		return e;
	}
	*control = c;
	return 0;
}

void lull_control_destroy(struct lull_control *control)
{
	if (!control)
		return;
	leave_place(control);
	if (control->epoll >= 0) {
		lull_loop_unwatch(control->loop, control->epoll);
		close(control->epoll);
	}
	if (control->listener >= 0)
		close(control->listener);
	for (int i = 0; i < LULL_CTL_CLIENTS; i++)
		if (control->client[i].fd >= 0)
			close(control->client[i].fd);
	free(control);
}
