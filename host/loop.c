/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop.c: the run loop around one shard and one link.
 *
 *	wait     sleep, or under load only look now and then; watched fds
 *	begin    the clock, the timer, lull_loop_wake(), the drain
 *	receive  frames from the link into the shard
 *	run      the shard; its events to the program; the answers
 *	send     frames from the shard to the link
 *
 * A turn allocates nothing and reads the clock once, once more before it
 * sleeps. Never sleeps while somebody has work, and never spins on a link that
 * is full or a shard that is out of buffers: it tries again after NAP_NS.
 *
 * lull_loop_wake(), _drain() and _stop() only store an atomic and write to an
 * eventfd: a signal handler may call them.
 *
 * Entry points: lull_loop_create, _destroy, _run, _stop, _wake, _drain, _watch,
 * _unwatch, _timer.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <lull/diag.h>
#include <lull/host.h>

enum {
	RX = 64,     /* empty frames in stock */
	RX_LOW = 16, /* below this they are filled up */
	RX_WIDE = 8, /* of the next ones have room for 64 KB: few, so that what
			comes finds memory that is in the cache */
	TX = 64,
	EVENTS = 64,
	EVENT_BATCHES = 64, /* a turn; more is left for the next one */
	POLLED = 16,
	POLL_EVERY = 8, /* turns without sleep between two looks at epoll */
	ABORT = 4096,	/* connections reset at once */
	NAPS = 100,	/* that the last frames wait for a full link */
	NAP_NS = 1000000,
	DAY_MS = 86400000,
};

#define NEVER UINT64_MAX

/* What epoll hands back; other values are those of watch_key(). */
#define KEY_LINK UINT64_MAX
#define KEY_WAKE (UINT64_MAX - 1)

struct watch {
	int fd;	      /* -1: free */
	uint32_t gen; /* of this place: news of an earlier one is stale */
	void (*ready)(void *arg, int fd);
	void *arg;
};

struct lull_loop {
	struct lull_loop_config c;
	int epoll, wake, link_fd;
	/* The doors for other threads and signal handlers. */
	atomic_bool woken, stopped;
	atomic_bool drain_asked;
	atomic_uint drain_ms;

	uint64_t now_ns;
	uint64_t deadline_ns; /* the shard's */
	uint64_t timer_ns, drain_ns;
	void (*fire)(void *arg);
	void *fire_arg;
	bool draining, drained;

	bool hot;	 /* there is work: don't sleep */
	bool rx_more;	 /* the link filled the last batch */
	bool rx_starved; /* the shard had no buffers */
	bool rx_broken;	 /* epoll says so */
	bool tx_full;	 /* the link took less than we had */
	int unpolled;	 /* turns */

	/* [at, filled) wait for the shard, [filled, end) are empty */
	int rx_at, rx_filled, rx_end;
	struct lull_frame rx[RX];
	bool rx_gso; /* the link brings large ones */

	struct watch *watch;
	uint32_t watches;
};

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- receive ---- */

static void fill_up(struct lull_loop *l)
{
	int left = l->rx_end - l->rx_filled;

	if (left >= RX_LOW)
		return;
	memmove(l->rx, l->rx + l->rx_filled, (size_t)left * sizeof l->rx[0]);
	l->rx_at = l->rx_filled = 0;
	l->rx_end = left;
	l->rx_end += lull_rx_get(l->c.shard, l->rx + left, RX - left);
}

/* Returns how many empty ones may be filled. */
static int stock_up(struct lull_loop *l)
{
	int left, wide = RX;

	fill_up(l);
	left = l->rx_end - l->rx_filled;
	if (l->rx_gso)
		wide = lull_rx_widen(l->c.shard, l->rx + l->rx_filled,
				     left < RX_WIDE ? left : RX_WIDE);
	l->rx_starved = left == 0 || wide == 0;
	return l->rx_starved ? 0 : left;
}

/* Did the link stop for want of an empty frame, or of a wide one? */
static bool no_room(const struct lull_loop *l)
{
	return l->rx_filled == l->rx_end ||
	       (l->rx_gso && !l->rx[l->rx_filled].more);
}

static int receive(struct lull_loop *l)
{
	int n;

	if (l->rx_at == l->rx_filled) {
		int room = stock_up(l);

		n = l->c.link->ops->rx(l->c.link, l->rx + l->rx_filled, room);
		if (n == 0 && l->rx_broken && !l->rx_starved)
			n = -EIO;
		if (n < 0)
			return n;
		l->rx_filled += n;
		l->rx_more = n > 0 && no_room(l);
	}
	n = lull_rx_put(l->c.shard, l->rx + l->rx_at, l->rx_filled - l->rx_at);
	if (n < 0)
		return n;
	l->rx_at += n;
	return 0;
}

static void give_back(struct lull_loop *l)
{
	for (int i = l->rx_at; i < l->rx_end; i++)
		l->rx[i].len = 0;
	(void)lull_rx_put(l->c.shard, l->rx + l->rx_at, l->rx_end - l->rx_at);
	l->rx_at = l->rx_filled = l->rx_end = 0;
}

/* ---- run ---- */

static bool deliver(struct lull_loop *l)
{
	struct lull_event events[EVENTS];
	int i, n;

	for (i = 0; i < EVENT_BATCHES; i++) {
		n = lull_events_get(l->c.shard, events, EVENTS);
		if (n <= 0)
			break;
		l->c.on_events(l->c.arg, events, n);
		if (n < EVENTS)
			return true;
	}
	return i > 0;
}

static bool run(struct lull_loop *l)
{
	struct lull_work work = lull_shard_run(l->c.shard, l->now_ns);

	/* What the program answers goes out in the same turn. */
	if (work.events && deliver(l))
		work = lull_shard_run(l->c.shard, l->now_ns);
	l->deadline_ns = work.more ? l->now_ns : work.deadline_ns;
	return work.more || work.events;
}

/* ---- send ---- */

static int send_all(struct lull_loop *l)
{
	struct lull_frame frames[TX];
	int n, k;

	l->tx_full = false;
	while (!l->tx_full) {
		n = lull_tx_peek(l->c.shard, frames, TX);
		if (n <= 0)
			break;
		k = l->c.link->ops->tx(l->c.link, frames, n);
		if (k < 0)
			return k;
		lull_tx_done(l->c.shard, k);
		l->tx_full = k < n;
	}
	return 0;
}

/* ---- wait ---- */

static uint64_t watch_key(const struct lull_loop *l, const struct watch *w)
{
	return (uint64_t)w->gen << 32 | (uint64_t)(w - l->watch);
}

/* The one that epoll means, if it is still the same. */
static struct watch *find_watch(struct lull_loop *l, uint64_t key)
{
	uint32_t i = (uint32_t)key;
	struct watch *w = i < l->watches ? &l->watch[i] : NULL;

	return w && w->fd >= 0 && watch_key(l, w) == key ? w : NULL;
}

static void on_ready(struct lull_loop *l, const struct epoll_event *event)
{
	uint64_t key = event->data.u64, count;
	const struct watch *w;

	if (key == KEY_LINK) {
		l->rx_broken = event->events & (EPOLLERR | EPOLLHUP);
		return;
	}
	if (key == KEY_WAKE) { /* the atomics say what for */
		(void)!read(l->wake, &count, sizeof count);
		return;
	}
	w = find_watch(l, key);
	if (w)
		w->ready(w->arg, w->fd);
}

/* How long may we sleep? */
static uint64_t patience_ns(const struct lull_loop *l)
{
	uint64_t until = earlier(l->deadline_ns, l->timer_ns), now;

	if (l->hot)
		return 0;
	if (l->tx_full)
		return NAP_NS;
	if (l->draining)
		until = earlier(until, l->drain_ns);
	now = lull_clock_ns();
	if (l->rx_starved || l->link_fd < 0)
		until = earlier(until, now + NAP_NS);
	if (until == NEVER)
		return NEVER;
	return until > now ? until - now : 0;
}

static int poll_ms(int epoll, struct epoll_event *events, uint64_t ns)
{
	uint64_t ms = ns / 1000000 + (ns % 1000000 != 0);

	if (ns == NEVER)
		return epoll_wait(epoll, events, POLLED, -1);
	return epoll_wait(epoll, events, POLLED, (int)earlier(ms, DAY_MS));
}

/* epoll_pwait2(2): Linux 5.11; before it, whole milliseconds. */
static int poll_ns(int epoll, struct epoll_event *events, uint64_t ns)
{
#ifdef SYS_epoll_pwait2
	const struct {
		int64_t s, ns;
	} time = {(int64_t)(ns / 1000000000), (int64_t)(ns % 1000000000)};
	long n = syscall(SYS_epoll_pwait2, epoll, events, POLLED,
			 ns == NEVER ? NULL : &time, NULL, 0);

	if (n >= 0 || errno != ENOSYS)
		return (int)n;
#endif
	return poll_ms(epoll, events, ns);
}

static int wait(struct lull_loop *l)
{
	struct epoll_event events[POLLED];
	uint64_t ns;
	int n;

	if (l->hot && ++l->unpolled < POLL_EVERY)
		return 0;
	l->unpolled = 0;
	ns = patience_ns(l);
	if (l->rx_starved && ns) { /* the link is readable all the time */
		nanosleep(&(struct timespec){.tv_nsec = (long)ns}, NULL);
		ns = 0;
	}
	n = poll_ns(l->epoll, events, ns);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++)
		on_ready(l, &events[i]);
	return 0;
}

/* ---- a turn ---- */

static void begin(struct lull_loop *l)
{
	l->now_ns = lull_clock_ns();
	if (l->now_ns >= l->timer_ns) {
		l->timer_ns = NEVER;
		l->fire(l->fire_arg);
	}
	if (atomic_load(&l->woken)) {
		atomic_store(&l->woken, false);
		if (l->c.on_wake)
			l->c.on_wake(l->c.arg);
	}
	if (atomic_load(&l->drain_asked)) {
		atomic_store(&l->drain_asked, false);
		l->draining = true;
		l->drain_ns = l->now_ns +
			      atomic_load(&l->drain_ms) * UINT64_C(1000000);
	}
	if (l->draining && l->c.on_drain)
		l->drained = l->c.on_drain(l->c.arg);
}

static int turn(struct lull_loop *l)
{
	bool more;
	int e = receive(l);

	if (e < 0)
		return e;
	more = run(l);
	e = send_all(l);
	if (l->rx_at < l->rx_filled)
		more = true;
	l->hot = l->rx_more || (more && !l->tx_full);
	return e;
}

/* ---- the drain ---- */

static bool has_drained(const struct lull_loop *l)
{
	return l->drained || l->now_ns >= l->drain_ns ||
	       lull_diag_conns(l->c.shard) == 0;
}

static int flush(struct lull_loop *l)
{
	int naps = 0, e = 0;
	bool more = true;

	while (e == 0 && (more || l->tx_full) && naps < NAPS) {
		more = run(l);
		e = send_all(l);
		if (l->tx_full) {
			nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
			naps++;
		}
	}
	return e;
}

/* Reset what is left, and only that: a program may go on connecting. */
static int end_drain(struct lull_loop *l)
{
	uint32_t left = lull_diag_conns(l->c.shard);
	int e = flush(l);

	while (left > 0 && e == 0) {
		uint32_t n = lull_shard_abort(l->c.shard,
					      left < ABORT ? left : ABORT);

		left = n ? left - n : 0;
		e = flush(l);
	}
	return e;
}

/* ---- entry points ---- */

int lull_loop_run(struct lull_loop *loop)
{
	int e = 0;

	loop->hot = true;
	while (e == 0 && !atomic_load(&loop->stopped)) {
		e = wait(loop);
		begin(loop);
		if (e == 0)
			e = turn(loop);
		if (e == 0 && loop->draining && has_drained(loop)) {
			e = end_drain(loop);
			break;
		}
	}
	atomic_store(&loop->stopped, false);
	loop->draining = loop->drained = false;
	return e;
}

static void ring(struct lull_loop *l)
{
	const uint64_t one = 1;
	int e = errno; /* a signal handler must not change it */

	if (write(l->wake, &one, sizeof one) < 0)
		errno = e; /* -EAGAIN: it is full, and so readable */
}

void lull_loop_stop(struct lull_loop *loop)
{
	atomic_store(&loop->stopped, true);
	ring(loop);
}

void lull_loop_wake(struct lull_loop *loop)
{
	if (!atomic_exchange(&loop->woken, true))
		ring(loop);
}

void lull_loop_drain(struct lull_loop *loop, uint32_t ms)
{
	atomic_store(&loop->drain_ms, ms);
	atomic_store(&loop->drain_asked, true);
	ring(loop);
}

void lull_loop_timer(struct lull_loop *loop, uint32_t ms,
		     void (*fire)(void *arg), void *arg)
{
	loop->timer_ns = ms ? lull_clock_ns() + (uint64_t)ms * 1000000 : NEVER;
	loop->fire = fire;
	loop->fire_arg = arg;
}

/* ---- watched descriptors ---- */

static int add_fd(const struct lull_loop *l, int fd, uint64_t key)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = key};

	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* A free place, perhaps a new one; NULL: no memory. */
static struct watch *free_watch(struct lull_loop *l)
{
	struct watch *w;

	for (uint32_t i = 0; i < l->watches; i++)
		if (l->watch[i].fd < 0)
			return &l->watch[i];
	w = realloc(l->watch, (l->watches + 1) * sizeof *w);
	if (!w)
		return NULL;
	l->watch = w;
	w += l->watches++;
	*w = (struct watch){.fd = -1};
	return w;
}

int lull_loop_watch(struct lull_loop *loop, int fd,
		    void (*ready)(void *arg, int fd), void *arg)
{
	struct watch *w = free_watch(loop);
	int e;

	if (!w)
		return -ENOMEM;
	w->gen++;
	e = add_fd(loop, fd, watch_key(loop, w));
	if (e < 0)
		return e;
	w->fd = fd;
	w->ready = ready;
	w->arg = arg;
	return 0;
}

void lull_loop_unwatch(struct lull_loop *loop, int fd)
{
	for (uint32_t i = 0; i < loop->watches; i++) {
		if (loop->watch[i].fd != fd || fd < 0)
			continue;
		epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
		loop->watch[i].fd = -1;
	}
}

/* ---- creation ---- */

static int open_fds(struct lull_loop *l)
{
	int e;

	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		return -errno;
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wake < 0)
		return -errno;
	l->link_fd = l->c.link->ops->fd(l->c.link);
	e = add_fd(l, l->wake, KEY_WAKE);
	if (e == 0 && l->link_fd >= 0)
		e = add_fd(l, l->link_fd, KEY_LINK);
	return e;
}

int lull_loop_create(struct lull_loop **loop,
		     const struct lull_loop_config *config)
{
	struct lull_loop *l;
	int e;

	if (config->size != sizeof *config || !config->shard || !config->link ||
	    !config->on_events)
		return -EINVAL;
	l = calloc(1, sizeof *l);
	if (!l)
		return -ENOMEM;
	l->c = *config;
	l->epoll = l->wake = -1;
	l->timer_ns = NEVER;
	e = open_fds(l);
	if (e < 0) {
		lull_loop_destroy(l);
		return e;
	}
	if (config->link->ops->cap) {
		uint32_t cap = config->link->ops->cap(config->link);

		l->rx_gso = cap & LULL_LINK_RX_GSO;
		lull_link_use(config->shard, cap);
	}
	*loop = l;
	return 0;
}

void lull_loop_destroy(struct lull_loop *loop)
{
	if (!loop)
		return;
	give_back(loop);
	if (loop->epoll >= 0)
		close(loop->epoll);
	if (loop->wake >= 0)
		close(loop->wake);
	free(loop->watch);
	free(loop);
}
