/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * served.c: see served.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/test.h"
#include "served.h"

static const char *const address[2][2] = {
	{"10.9.3.2", "fd00:9:3::2"},
	{"10.9.3.1", "fd00:9:3::1"},
};

/* ---- shards ---- */

static struct lull_prefix prefix(const char *text)
{
	struct lull_prefix p;

	assert_int_equal(lull_prefix_parse(text, &p), 0);
	return p;
}

static struct lull_shard *make_shard(struct lull_memory *memory, uint32_t conns,
				     const char *const *addr)
{
	struct lull_config config;
	struct lull_shard *shard;

	lull_config_init(&config, conns, conns);
	config.limits.traces = SERVED_TRACES;
	memset(config.key, 7, sizeof config.key);
	assert_int_equal(lull_memory_map(&config.limits, memory), 0);
	assert_int_equal(lull_shard_init(&shard, &config, *memory,
					 lull_clock_ns(), NULL),
			 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(lull_addr_add(shard, prefix(addr[i]), false),
				 0);
	return shard;
}

static void attach(struct served *w, struct lull_shard *shard,
		   const char *const *addr)
{
	const struct lull_prefix both[2] = {prefix(addr[0]), prefix(addr[1])};

	assert_true(lull_memnet_attach(w->net, shard, both, 2) >= 0);
}

/* News is thrown away: who wants to know asks the socket. */
static int run(struct lull_shard *shard)
{
	struct lull_event events[64];
	struct lull_work work;
	int n = 0;

	do
		work = lull_shard_run(shard, lull_clock_ns());
	while (work.more && ++n < 100);
	while (lull_events_get(shard, events, 64) > 0)
		;
	return (int)work.tx;
}

void served_step(struct served *w)
{
	run(w->peer);
	run(w->us);
	(void)lull_memnet_step(w->net, lull_clock_ns());
}

void served_settle(struct served *w)
{
	int moved;

	do {
		moved = run(w->peer) + run(w->us);
		moved += lull_memnet_step(w->net, lull_clock_ns());
	} while (moved);
}

void served_cut(struct served *w)
{
	const struct lull_faults faults = {.loss_ppm = 1000000};

	lull_memnet_faults(w->net, &faults);
}

/* ---- connections ---- */

struct lull_sock served_listen(struct served *w, const char *text, uint16_t lo,
			       uint16_t hi)
{
	const struct lull_listen listen = {
		.size = sizeof listen,
		.flags = LULL_LISTEN_TRANSPARENT,
		.local = prefix(text),
		.port_lo = lo,
		.port_hi = hi,
		.backlog = 100,
	};
	struct lull_sock sock;

	assert_int_equal(lull_sock_listen(w->us, &listen, &sock), 0);
	return sock;
}

static struct lull_sock begin(struct lull_shard *shard, const char *addr,
			      uint16_t port)
{
	struct lull_connect connect = {.size = sizeof connect,
				       .remote.port = port};
	struct lull_sock sock;

	assert_int_equal(lull_addr_parse(addr, &connect.remote.addr), 0);
	assert_int_equal(lull_sock_connect(shard, &connect, &sock, NULL), 0);
	return sock;
}

struct lull_sock served_begin(struct served *w, const char *addr, uint16_t port)
{
	return begin(w->us, addr, port);
}

struct served_pair served_connect(struct served *w, bool v6)
{
	struct served_pair pair = {
		.peer = begin(w->peer, address[0][v6], SERVED_PORT)};
	int e;

	while ((e = lull_sock_accept(w->us, w->listener, 0, &pair.us)) ==
	       -EAGAIN)
		served_step(w);
	assert_int_equal(e, 0);
	served_settle(w);
	return pair;
}

void served_every_state(struct served *w)
{
	struct served_pair p, last_ack, fin_wait_1, closing;

	(void)served_connect(w, true);
	(void)served_connect(w, false);
	p = served_connect(w, false); /* CLOSE-WAIT */
	lull_sock_close(w->peer, p.peer);
	served_settle(w);
	p = served_connect(w, false); /* FIN-WAIT-2 */
	assert_int_equal(lull_sock_shutdown(w->us, p.us, LULL_SHUT_WR), 0);
	served_settle(w);
	p = served_connect(w, false); /* TIME-WAIT */
	lull_sock_close(w->us, p.us);
	served_settle(w);
	lull_sock_close(w->peer, p.peer);
	served_settle(w);

	last_ack = served_connect(w, false);
	lull_sock_close(w->peer, last_ack.peer);
	served_settle(w);
	fin_wait_1 = served_connect(w, false);
	closing = served_connect(w, false);
	lull_sock_close(w->us, closing.us);
	lull_sock_close(w->peer, closing.peer);
	(void)begin(w->peer, address[0][0], SERVED_PORT); /* SYN-RECV */
	served_step(w); /* FINs cross, and the SYN comes */
	served_cut(w);
	lull_sock_close(w->us, last_ack.us);
	lull_sock_close(w->us, fin_wait_1.us);
	(void)served_begin(w, address[1][0], 9); /* SYN-SENT */
	served_settle(w);
}

/* ---- the thread ---- */

static int link_rx(struct lull_link *link, struct lull_frame *frames, int n)
{
	struct served *w = (struct served *)(void *)link;

	(void)frames, (void)n;
	atomic_fetch_add(&w->turns, frames != NULL);
	run(w->peer);
	(void)lull_memnet_step(w->net, lull_clock_ns());
	return 0;
}

/* The network fetches frames from the shards itself. */
static int link_tx(struct lull_link *link, const struct lull_frame *frames,
		   int n)
{
	(void)frames, (void)n;
	(void)link_rx(link, NULL, 0);
	return 0;
}

static int link_fd(struct lull_link *link)
{
	(void)link;
	return -1;
}

static void link_close(struct lull_link *link)
{
	(void)link;
}

static void on_events(void *arg, const struct lull_event *events, int n)
{
	(void)arg, (void)events, (void)n;
}

static void on_wake(void *arg)
{
	struct served *w = arg;

	if (w->call) {
		w->call(w, w->arg);
		w->call = NULL;
		sem_post(&w->called);
	}
}

static void *run_loop(void *arg)
{
	struct served *w = arg;

	if (lull_loop_run(w->loop) < 0)
		abort();
	return NULL;
}

void served_do(struct served *w, void (*call)(struct served *w, void *arg),
	       void *arg)
{
	w->call = call;
	w->arg = arg;
	lull_loop_wake(w->loop);
	while (sem_wait(&w->called) < 0)
		;
}

void served_start(struct served *w)
{
	static const struct lull_link_ops ops = {link_rx, link_tx, link_fd,
						 link_close, NULL};
	struct lull_loop_config config = {
		.size = sizeof config,
		.shard = w->us,
		.link = &w->link,
		.on_events = on_events,
		.on_wake = on_wake,
		.arg = w,
	};

	w->link.ops = &ops;
	assert_int_equal(lull_loop_create(&w->loop, &config), 0);
	assert_int_equal(
		lull_control_create(&w->control, w->loop, w->us, w->path), 0);
	assert_int_equal(pthread_create(&w->thread, NULL, run_loop, w), 0);
	w->started = true;
}

/* ---- all of it ---- */

struct served *served_open(uint32_t conns)
{
	const struct lull_memnet_config net = {.size = sizeof net};
	/* Not on the stack: the thread outlives a test that fails. */
	struct served *w = calloc(1, sizeof *w);

	assert_non_null(w);
	strcpy(w->dir, "/tmp/lull-test-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof w->path, "%s/ctl", w->dir);
	assert_int_equal(sem_init(&w->called, 0, 0), 0);
	assert_int_equal(lull_memnet_create(&w->net, &net), 0);
	w->us = make_shard(&w->memory[0], conns, address[0]);
	w->peer = make_shard(&w->memory[1], conns, address[1]);
	attach(w, w->us, address[0]);
	attach(w, w->peer, address[1]);
	w->listener = served_listen(w, "::/0", SERVED_PORT, 0);
	return w;
}

void served_close(struct served *w)
{
	if (w->started) {
		lull_loop_stop(w->loop);
		pthread_join(w->thread, NULL);
		lull_control_destroy(w->control);
		lull_loop_destroy(w->loop);
	}
	lull_memnet_destroy(w->net);
	lull_memory_unmap(&w->memory[0]);
	lull_memory_unmap(&w->memory[1]);
	sem_destroy(&w->called);
	assert_int_equal(rmdir(w->dir), 0); /* nothing is left in it */
	free(w);
}
