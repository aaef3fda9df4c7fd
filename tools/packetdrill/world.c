/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world.c: the shard, its frames, the virtual clock, and calls that block.
 *
 * Entry points: packetdrill_interface_init, drill_begin, _end, _step, _own,
 * _wait, and the slots netdev_send, netdev_receive, usleep, gettimeofday.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "drill.h"

enum {
	FRAMES = 64,
	MTU = 1500,
	STEPS_MAX = 100000, /* without a packet: a stack that never rests */
	PATIENCE_MS = 100, /* until a call that blocks moves the clock itself */
	SLICE_MS = 10,
	HOLD_MS = 200,
	GRACE_US = 300, /* for a woken thread to take packetdrill's lock */
};

#define NEVER	 UINT64_MAX
#define START_US 1000000000ULL

struct drill drill_world = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.moved = PTHREAD_COND_INITIALIZER,
};

/* ---- frames ---- */

static void keep_packet(struct drill *d, const struct lull_frame *f)
{
	struct packet *p = &d->out[d->out_tail % DRILL_PACKETS];
	size_t at = 0;

	if (d->out_tail - d->out_head == DRILL_PACKETS)
		return;
	p->data = malloc(f->len);
	if (!p->data)
		return;
	for (int i = 0; i < f->spans; i++) {
		memcpy(p->data + at, f->span[i].ptr, f->span[i].len);
		at += f->span[i].len;
	}
	p->len = at;
	p->at_us = d->now_us;
	d->out_tail++;
}

static void take_frames(struct drill *d)
{
	struct lull_frame frames[FRAMES];
	int n;

	while ((n = lull_tx_peek(d->shard, frames, FRAMES)) > 0) {
		for (int i = 0; i < n; i++)
			keep_packet(d, &frames[i]);
		lull_tx_done(d->shard, n);
	}
}

/* ---- the clock ---- */

static void wake(struct drill *d)
{
	struct waiter *w = d->waiter;

	if (!w || w->done)
		return;
	if (!w->ready(w->arg) && d->now_us < w->until_us)
		return;
	w->done = true;
	d->hold = true;
	d->held_for = w->thread;
	pthread_cond_broadcast(&d->moved);
}

void drill_step(struct drill *d)
{
	struct lull_event events[FRAMES];
	struct lull_work work;
	int n;

	do {
		work = lull_shard_run(d->shard, d->now_us * 1000);
		while ((n = lull_events_get(d->shard, events, FRAMES)) > 0)
			for (int i = 0; i < n; i++)
				drill_event(d, &events[i]);
		take_frames(d);
	} while (work.more || work.events);
	d->deadline_us = work.deadline_ns == NEVER
				 ? NEVER
				 : (work.deadline_ns + 999) / 1000;
	wake(d);
}

static void after_ms(struct timespec *t, long ms)
{
	clock_gettime(CLOCK_REALTIME, t);
	t->tv_nsec += ms * 1000000;
	t->tv_sec += t->tv_nsec / 1000000000;
	t->tv_nsec %= 1000000000;
}

/* A thread was woken: the clock stands until it has read it. */
static void respect_hold(struct drill *d)
{
	struct timespec until;
	bool held = d->hold;

	if (!held || pthread_equal(pthread_self(), d->held_for))
		return;
	after_ms(&until, HOLD_MS);
	while (d->hold)
		if (pthread_cond_timedwait(&d->moved, &d->lock, &until))
			break;
	d->hold = false;
	pthread_mutex_unlock(&d->lock);
	usleep(GRACE_US);
	pthread_mutex_lock(&d->lock);
}

static void move_to(struct drill *d, uint64_t us)
{
	while (d->now_us < us) {
		uint64_t next = us;

		/* One that should have fired by now gets a microsecond. */
		if (d->deadline_us < us)
			next = d->deadline_us > d->now_us ? d->deadline_us
							  : d->now_us + 1;
		d->now_us = next;
		d->moves++;
		drill_step(d);
		respect_hold(d);
	}
}

int drill_gettimeofday(void *u, struct timeval *tv, struct timezone *tz)
{
	struct drill *d = drill_lock(u);

	(void)tz;
	if (d->hold && pthread_equal(pthread_self(), d->held_for)) {
		d->hold = false;
		pthread_cond_broadcast(&d->moved);
	} else if (!d->hold) {
		move_to(d, d->now_us + 1);
	}
	tv->tv_sec = (time_t)(d->now_us / 1000000);
	tv->tv_usec = (suseconds_t)(d->now_us % 1000000);
	return (int)drill_done(d, 0);
}

int drill_usleep(void *u, useconds_t us)
{
	struct drill *d = drill_lock(u);

	drill_knobs(d);
	respect_hold(d);
	move_to(d, d->now_us + us);
	return (int)drill_done(d, 0);
}

/* ---- calls that block ---- */

/* Nobody moves the clock: we do, to the next timer or to our own end. */
static bool move_alone(struct drill *d, const struct waiter *w)
{
	uint64_t to =
		d->deadline_us < w->until_us ? d->deadline_us : w->until_us;

	if (to == NEVER)
		return false;
	if (to <= d->now_us)
		to = d->now_us + 1;
	move_to(d, to);
	return true;
}

int drill_wait(struct drill *d, bool (*ready)(void *arg), void *arg,
	       uint64_t us)
{
	struct waiter w = {
		.ready = ready,
		.arg = arg,
		.until_us = us == NEVER ? NEVER : d->now_us + us,
		.thread = pthread_self(),
	};
	uint32_t seen = d->moves;
	int idle = 0;

	/* Woken for a part, it waits again: nobody will read the clock. */
	if (d->hold && pthread_equal(pthread_self(), d->held_for)) {
		d->hold = false;
		pthread_cond_broadcast(&d->moved);
	}
	if (ready(arg))
		return 0;
	if (us == 0)
		return -EAGAIN;
	d->waiter = &w;
	while (!w.done) {
		struct timespec until;

		after_ms(&until, SLICE_MS);
		pthread_cond_timedwait(&d->moved, &d->lock, &until);
		idle = d->moves == seen ? idle + 1 : 0;
		seen = d->moves;
		if (!w.done && idle >= PATIENCE_MS / SLICE_MS) {
			if (!move_alone(d, &w))
				idle = 0;
			seen = d->moves;
		}
	}
	d->waiter = NULL;
	return ready(arg) ? 0 : -EAGAIN;
}

/* ---- the device ---- */

void drill_own(struct drill *d, const struct lull_addr *addr)
{
	struct lull_prefix p = {.addr = *addr, .bits = 128};

	for (int i = 0; i < d->owns; i++)
		if (memcmp(&d->own[i], addr, sizeof *addr) == 0)
			return;
	if (d->owns < 64 && lull_addr_add(d->shard, p, false) == 0)
		d->own[d->owns++] = *addr;
}

/* Whoever is spoken to, it is us. */
static void own_target(struct drill *d, const uint8_t *packet, size_t len)
{
	struct lull_addr a = {.b = {[10] = 0xff, [11] = 0xff}};

	if (len >= 20 && packet[0] >> 4 == 4)
		memcpy(a.b + 12, packet + 16, 4);
	else if (len >= 40 && packet[0] >> 4 == 6)
		memcpy(a.b, packet + 24, 16);
	else
		return;
	drill_own(d, &a);
}

/* Copy as far as the spans go. */
static bool fill(struct lull_frame *f, const uint8_t *packet, size_t len)
{
	size_t at = 0;

	for (int i = 0; i < f->spans && at < len; i++) {
		size_t n =
			f->span[i].len < len - at ? f->span[i].len : len - at;

		memcpy(f->span[i].ptr, packet + at, n);
		at += n;
	}
	f->len = at == len ? (uint32_t)len : 0;
	return at == len;
}

int drill_netdev_send(void *u, const void *packet, size_t len)
{
	struct drill *d = drill_lock(u);
	struct lull_frame f;
	int e = -ENOBUFS;

	drill_knobs(d);
	respect_hold(d);
	own_target(d, packet, len);
	if (lull_rx_get(d->shard, &f, 1) == 1) {
		if (len > f.span[0].len)
			(void)!lull_rx_widen(d->shard, &f, 1);
		e = fill(&f, packet, len) ? 0 : -EMSGSIZE;
		if (lull_rx_put(d->shard, &f, 1) != 1)
			e = -ENOBUFS;
	}
	drill_step(d);
	if (e < 0)
		fprintf(stderr, "lull: a packet of %zu bytes: %s\n", len,
			strerror(-e));
	return (int)drill_done(d, e);
}

int drill_netdev_receive(void *u, void *packet, size_t *len, long long *at_us)
{
	struct drill *d = drill_lock(u);
	struct packet *p;

	drill_knobs(d);
	respect_hold(d);
	drill_step(d);
	for (int i = 0; i < STEPS_MAX && d->out_head == d->out_tail &&
			d->deadline_us != NEVER;
	     i++)
		move_to(d, d->deadline_us > d->now_us ? d->deadline_us
						      : d->now_us + 1);
	*at_us = (long long)d->now_us;
	if (d->out_head == d->out_tail) {
		*len = 0; /* none will come: the script fails, and says so */
		return (int)drill_done(d, 0);
	}
	p = &d->out[d->out_head++ % DRILL_PACKETS];
	*len = p->len < *len ? p->len : *len;
	memcpy(packet, p->data, *len);
	*at_us = (long long)p->at_us;
	free(p->data);
	return (int)drill_done(d, 0);
}

/* ---- beginning and end ---- */

static int make_shard(struct drill *d, uint32_t mtu)
{
	struct lull_config c;
	int e;

	lull_config_init(&c, 64, 256);
	/* packetdrill has locked all memory, also what is not yet used. */
	c.limits.bufs_256 = 256;
	c.limits.bufs_2k = 4096;
	c.limits.bufs_64k = 160;
	c.limits.ranges = 8192;
	c.limits.tx_frames = 4096;
	c.limits.traces = 0;
	c.profile = LULL_PROFILE_LINUX;
	c.mtu = mtu;
	c.link_cap = LULL_LINK_RX_GSO;	  /* packets may be larger */
	memcpy(c.key, "packetdrill", 11); /* the same run, each time */
	e = lull_memory_map(&c.limits, &d->memory);
	if (e < 0)
		return e;
	return lull_shard_init(&d->shard, &c, d->memory, d->now_us * 1000,
			       NULL);
}

int drill_begin(struct drill *d, const char *flags)
{
	static const struct lull_addr source4 = {
		.b = {[10] = 0xff, [11] = 0xff, 192, 168, 0, 1}};
	static const struct lull_addr source6 = {
		.b = {0xfd, 0x3d, 0x0a, 0x0b, 0x17, 0xd6, [15] = 1}};
	struct lull_addr addr;
	const char *mtu = flags ? strstr(flags, "mtu=") : NULL;
	char list[512], *next, *word;
	int e;

	d->now_us = START_US;
	d->deadline_us = NEVER;
	e = make_shard(d, mtu ? (uint32_t)atoi(mtu + 4) : MTU);
	if (e < 0)
		return e;
	/* --so_flags=[mtu=BYTES,]ADDR[,ADDR...]: the sources, in the place of
	 * these. */
	snprintf(list, sizeof list, "%s", flags ? flags : "");
	for (word = strtok_r(list, ", ", &next); word;
	     word = strtok_r(NULL, ", ", &next)) {
		if (strncmp(word, "mtu=", 4) == 0)
			continue;
		e = lull_addr_parse(word, &addr);
		if (e < 0)
			return e;
		drill_own(d, &addr);
	}
	if (d->owns == 0) {
		drill_own(d, &source4);
		drill_own(d, &source6);
	}
	return 0;
}

void drill_end(struct drill *d)
{
	for (; d->out_head != d->out_tail; d->out_head++)
		free(d->out[d->out_head % DRILL_PACKETS].data);
	for (int i = 0; i < DRILL_SOCKS; i++)
		free(d->sock[i].watch);
	lull_memory_unmap(&d->memory);
	memset(d->sock, 0, sizeof d->sock);
	d->shard = NULL;
	d->out_head = d->out_tail = 0;
	d->owns = d->knobs = 0;
	d->waiter = NULL;
	d->hold = false;
}

static void finish(void *u)
{
	struct drill *d = drill_lock(u);

	drill_end(d);
	pthread_mutex_unlock(&d->lock);
}

__attribute__((visibility("default"))) void packetdrill_interface_init(
	const char *flags, struct packetdrill_interface *ifc);

void packetdrill_interface_init(const char *flags,
				struct packetdrill_interface *ifc)
{
	struct drill *d = &drill_world;
	int e = drill_begin(d, flags);

	if (e < 0) {
		fprintf(stderr, "lull: --so_flags=%s: %s\n", flags,
			strerror(-e));
		exit(3);
	}
	*ifc = (struct packetdrill_interface){
		.userdata = d,
		.free = finish,
		.netdev_send = drill_netdev_send,
		.netdev_receive = drill_netdev_receive,
		.usleep = drill_usleep,
		.gettimeofday = drill_gettimeofday,
	};
	drill_calls(ifc);
}
