/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_loop.c: the run loop (host/loop.c), on a link that is a pair of sockets.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <lull/diag.h>
#include <lull/host.h>

#include "../unit/test.h"
#include "pair.h"

/* ---- data ---- */

static void carries(uint32_t ring, int refuse)
{
	struct pair p;

	init_pair(&p, ring, client_events);
	p.server.wire.refuse = refuse;
	run_pair(&p);
	assert_int_equal(p.client.received, BYTES);
	assert_int_equal(p.client.ended, 1);
	assert_int_equal(p.server.ended, 1);
	assert_int_equal(p.server.sent, BYTES);
	assert_false(p.server.wire.late);
	fini_pair(&p);
}

static void a_stream_comes_back_whole(void **state)
{
	carries(1024, 0);
}

static void a_shard_with_short_queues_loses_nothing(void **state)
{
	carries(4, 0);
}

static void a_link_that_is_full_at_times_loses_nothing(void **state)
{
	carries(1024, 20);
}

static void a_destroyed_loop_has_given_back_all_frames(void **state)
{
	struct side s;
	int other = init_alone(&s);
	uint8_t junk[40] = {0};

	assert_int_equal(send(other, junk, sizeof junk, 0), sizeof junk);
	lull_loop_stop(s.loop);
	assert_int_equal(lull_loop_run(s.loop), 0);
	lull_loop_wake(s.loop); /* stops it after a turn */
	assert_int_equal(lull_loop_run(s.loop), 0);
	assert_true(buffers(&s) > 0);
	assert_int_equal(counter(&s, "InReceives"), 1);
	fini_side(&s);
	close(other);
}

/* ---- wake, stop ---- */

static void fire(void *arg)
{
	struct side *s = arg;

	s->fires++;
	lull_loop_stop(s->loop);
}

static void *waker(void *arg)
{
	lull_loop_wake(arg);
	return NULL;
}

static void another_thread_wakes_a_sleeping_loop(void **state)
{
	struct side s;
	int other = init_alone(&s);
	pthread_t thread;

	for (int i = 0; i < 100; i++) {
		assert_int_equal(pthread_create(&thread, NULL, waker, s.loop),
				 0);
		assert_int_equal(lull_loop_run(s.loop), 0);
		pthread_join(thread, NULL);
		assert_int_equal(s.wakes, i + 1);
	}
	fini_side(&s);
	close(other);
}

static void wakes_before_a_turn_are_one(void **state)
{
	struct side s;
	int other = init_alone(&s);

	for (int i = 0; i < 10; i++)
		lull_loop_wake(s.loop);
	assert_int_equal(lull_loop_run(s.loop), 0);
	assert_int_equal(s.wakes, 1);
	lull_loop_timer(s.loop, 1, fire, &s);
	assert_int_equal(lull_loop_run(s.loop), 0);
	assert_int_equal(s.fires, 1);
	assert_int_equal(s.wakes, 1);
	fini_side(&s);
	close(other);
}

static struct lull_loop *signalled;
static int errno_kept;

static void on_signal(int number)
{
	int before = errno;

	errno = 77;
	lull_loop_wake(signalled);
	errno_kept = errno;
	errno = before;
}

static void *killer(void *arg)
{
	kill(getpid(), SIGUSR1);
	return NULL;
}

static void a_signal_handler_may_wake(void **state)
{
	struct sigaction action = {.sa_handler = on_signal}, old;
	struct side s;
	int other = init_alone(&s);
	pthread_t thread;

	signalled = s.loop;
	assert_int_equal(sigaction(SIGUSR1, &action, &old), 0);
	assert_int_equal(pthread_create(&thread, NULL, killer, NULL), 0);
	assert_int_equal(lull_loop_run(s.loop), 0);
	pthread_join(thread, NULL);
	assert_int_equal(s.wakes, 1);
	assert_int_equal(errno_kept, 77);
	sigaction(SIGUSR1, &old, NULL);
	fini_side(&s);
	close(other);
}

/* ---- the timer ---- */

static void fire_again(void *arg)
{
	struct side *s = arg;

	s->fires++;
	lull_loop_timer(s->loop, 1, fire, s);
}

static void a_timer_fires_once_and_not_early(void **state)
{
	struct side s;
	int other = init_alone(&s);
	uint64_t from = lull_clock_ns();

	lull_loop_timer(s.loop, 20, fire_again, &s);
	assert_int_equal(lull_loop_run(s.loop), 0);
	assert_true(lull_clock_ns() - from >= 21000000);
	assert_int_equal(s.fires, 2);
	lull_loop_wake(s.loop);
	assert_int_equal(lull_loop_run(s.loop), 0);
	assert_int_equal(s.fires, 2);

	lull_loop_timer(s.loop, 1, fire, &s);
	lull_loop_timer(s.loop, 0, NULL, NULL);
	lull_loop_wake(s.loop);
	assert_int_equal(lull_loop_run(s.loop), 0);
	assert_int_equal(s.fires, 2);
	fini_side(&s);
	close(other);
}

/* ---- watched descriptors ---- */

struct watched {
	struct side *side;
	struct watched *drop; /* unwatched by the first that is called */
	int fd[2], calls;
};

static void on_ready(void *arg, int fd)
{
	struct watched *w = arg;
	char c;

	w->calls++;
	if (read(fd, &c, 1) != 1)
		w->side->wrong = true;
	if (w->drop)
		lull_loop_unwatch(w->side->loop, w->drop->fd[0]);
	lull_loop_stop(w->side->loop);
}

static void init_watched(struct watched *w, struct side *s)
{
	*w = (struct watched){.side = s};
	assert_int_equal(pipe(w->fd), 0);
	assert_int_equal(lull_loop_watch(s->loop, w->fd[0], on_ready, w), 0);
}

static void fini_watched(struct watched *w)
{
	lull_loop_unwatch(w->side->loop, w->fd[0]);
	close(w->fd[0]);
	close(w->fd[1]);
}

static void a_watched_descriptor_is_told_when_readable(void **state)
{
	struct side s;
	int other = init_alone(&s);
	struct watched w;

	init_watched(&w, &s);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(write(w.fd[1], "x", 1), 1);
		assert_int_equal(lull_loop_run(s.loop), 0);
		assert_int_equal(w.calls, i);
	}
	assert_int_equal(lull_loop_watch(s.loop, w.fd[0], on_ready, &w),
			 -EEXIST);
	assert_int_equal(lull_loop_watch(s.loop, -1, on_ready, &w), -EBADF);
	lull_loop_unwatch(s.loop, w.fd[0]);
	lull_loop_unwatch(s.loop, w.fd[0]);
	lull_loop_unwatch(s.loop, -1);
	assert_int_equal(write(w.fd[1], "x", 1), 1);
	lull_loop_wake(s.loop);
	assert_int_equal(lull_loop_run(s.loop), 0);
	assert_int_equal(w.calls, 3);
	assert_false(s.wrong);
	fini_watched(&w);
	fini_side(&s);
	close(other);
}

static void what_is_unwatched_is_not_called_in_the_same_turn(void **state)
{
	struct side s;
	int other = init_alone(&s);
	struct watched a, b;

	init_watched(&a, &s);
	init_watched(&b, &s);
	a.drop = &b;
	b.drop = &a;
	assert_int_equal(write(a.fd[1], "x", 1), 1);
	assert_int_equal(write(b.fd[1], "x", 1), 1);
	assert_int_equal(lull_loop_run(s.loop), 0);
	assert_int_equal(a.calls + b.calls, 1);
	assert_false(s.wrong);
	fini_watched(&a);
	fini_watched(&b);
	fini_side(&s);
	close(other);
}

/* ---- a link under load ---- */

static void a_flood_leaves_room_for_the_rest(void **state)
{
	struct side s;
	int other = init_alone(&s);
	struct watched w;
	pthread_t thread;

	s.wire.noise = true;
	init_watched(&w, &s);
	assert_int_equal(write(w.fd[1], "x", 1), 1);
	assert_int_equal(lull_loop_run(s.loop), 0);
	assert_int_equal(w.calls, 1);
	/* Some turns go without a look at epoll, but not many. */
	assert_in_range(s.wire.rx_calls, 1, 20);

	assert_int_equal(pthread_create(&thread, NULL, waker, s.loop), 0);
	assert_int_equal(lull_loop_run(s.loop), 0);
	pthread_join(thread, NULL);
	assert_int_equal(s.wakes, 1);
	fini_watched(&w);
	fini_side(&s);
	close(other);
}

static void a_full_link_is_asked_once_a_millisecond(void **state)
{
	struct pair p;
	uint64_t from = lull_clock_ns();

	init_pair(&p, 1024, client_events);
	p.server.wire.refuse = 50;
	run_pair(&p);
	/* A loop that spins would be through in no time. */
	assert_true(lull_clock_ns() - from >= 40000000);
	assert_int_equal(p.client.received, BYTES);
	fini_pair(&p);
}

/* ---- a shard that is out of buffers ---- */

struct hoard {
	struct side *side;
	struct lull_frame *frames;
	int len;
};

static void give_back(void *arg)
{
	struct hoard *h = arg;

	for (int i = 0; i < h->len; i++)
		h->frames[i].len = 0;
	assert_int_equal(lull_rx_put(h->side->shard, h->frames, h->len),
			 h->len);
	lull_loop_timer(h->side->loop, 1, fire, h->side);
}

static void without_buffers_a_loop_naps(void **state)
{
	enum {
		MANY = 100000
	};
	struct side s;
	struct hoard h = {&s, calloc(MANY, sizeof *h.frames), 0};
	int other = init_alone(&s);
	uint8_t junk[40] = {0};

	assert_non_null(h.frames);
	h.len = lull_rx_get(s.shard, h.frames, MANY);
	assert_in_range(h.len, 1, MANY - 1);
	assert_int_equal(send(other, junk, sizeof junk, 0), sizeof junk);
	lull_loop_timer(s.loop, 50, give_back, &h);
	assert_int_equal(lull_loop_run(s.loop), 0);
	assert_int_equal(counter(&s, "InReceives"), 1);
	assert_in_range(s.wire.rx_calls, 2, 80);
	free(h.frames);
	fini_side(&s);
	close(other);
}

/* ---- a dead link ---- */

static void a_dead_link_ends_the_run(void **state)
{
	struct side s;
	int other = init_alone(&s);

	s.wire.rx_error = -EBADFD;
	assert_int_equal(lull_loop_run(s.loop), -EBADFD);
	fini_side(&s);
	close(other);
}

static void a_link_that_hangs_up_ends_the_run(void **state)
{
	struct side s;
	int other = init_alone(&s);

	close(other);
	assert_int_equal(lull_loop_run(s.loop), -EIO);
	fini_side(&s);
}

/* ---- the drain ---- */

static void start_drain(struct side *s)
{
	lull_loop_drain(s->loop, s->drain_ms);
}

static void with_no_connection_a_drain_ends_at_once(void **state)
{
	struct side s;
	int other = init_alone(&s);

	lull_loop_drain(s.loop, LONG_MS);
	assert_int_equal(lull_loop_run(s.loop), 0);
	assert_int_equal(s.drains, 1);
	/* It is over: the next run is an ordinary one. */
	lull_loop_wake(s.loop);
	assert_int_equal(lull_loop_run(s.loop), 0);
	assert_int_equal(s.drains, 1);
	fini_side(&s);
	close(other);
}

/* An idle client; returns how long the server took. */
static uint64_t drain(struct pair *p, uint32_t ms, bool closes, bool drained)
{
	uint64_t from = lull_clock_ns();

	init_pair(p, 1024, idle_events);
	p->server.on_accept = start_drain;
	p->server.drain_ms = ms;
	p->server.closes_at_drain = closes;
	p->server.says_drained = drained;
	run_pair(p);
	return lull_clock_ns() - from;
}

static void what_is_left_when_the_time_is_over_is_reset(void **state)
{
	struct pair p;

	assert_true(drain(&p, 30, false, false) >= 30000000);
	assert_int_equal(counter(&p.server, "AbortedAtDrain"), 1);
	assert_int_equal(p.client.ended, -ECONNRESET);
	assert_true(p.server.drains > 0);
	assert_int_equal(lull_diag_conns(p.server.shard), 0);
	fini_pair(&p);
}

static void a_drain_of_no_time_resets_at_once(void **state)
{
	struct pair p;

	drain(&p, 0, false, false);
	assert_int_equal(counter(&p.server, "AbortedAtDrain"), 1);
	assert_int_equal(p.client.ended, -ECONNRESET);
	assert_int_equal(p.server.drains, 1);
	fini_pair(&p);
}

static void the_program_may_end_a_drain(void **state)
{
	struct pair p;

	drain(&p, LONG_MS, false, true);
	assert_int_equal(counter(&p.server, "AbortedAtDrain"), 1);
	assert_int_equal(p.client.ended, -ECONNRESET);
	fini_pair(&p);
}

static void what_closes_in_time_is_not_reset(void **state)
{
	struct pair p;

	drain(&p, LONG_MS, true, false);
	assert_int_equal(counter(&p.server, "AbortedAtDrain"), 0);
	assert_int_equal(p.client.ended, 1);
	fini_pair(&p);
}

/* ---- errors ---- */

static void a_loop_without_what_it_needs_is_refused(void **state)
{
	struct lull_loop_config config = {0};
	struct lull_loop *loop;
	struct side s;
	int other = init_alone(&s);

	config = (struct lull_loop_config){
		.size = sizeof config, .shard = s.shard, .link = &s.wire.link};
	assert_int_equal(lull_loop_create(&loop, &config), -EINVAL);
	config.on_events = server_events;
	config.size--;
	assert_int_equal(lull_loop_create(&loop, &config), -EINVAL);
	config.size++;
	config.link = NULL;
	assert_int_equal(lull_loop_create(&loop, &config), -EINVAL);
	lull_loop_destroy(NULL);
	fini_side(&s);
	close(other);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_comes_back_whole),
		cmocka_unit_test(a_shard_with_short_queues_loses_nothing),
		cmocka_unit_test(a_link_that_is_full_at_times_loses_nothing),
		cmocka_unit_test(a_destroyed_loop_has_given_back_all_frames),
		cmocka_unit_test(another_thread_wakes_a_sleeping_loop),
		cmocka_unit_test(wakes_before_a_turn_are_one),
		cmocka_unit_test(a_signal_handler_may_wake),
		cmocka_unit_test(a_timer_fires_once_and_not_early),
		cmocka_unit_test(a_watched_descriptor_is_told_when_readable),
		cmocka_unit_test(
			what_is_unwatched_is_not_called_in_the_same_turn),
		cmocka_unit_test(a_flood_leaves_room_for_the_rest),
		cmocka_unit_test(a_full_link_is_asked_once_a_millisecond),
		cmocka_unit_test(without_buffers_a_loop_naps),
		cmocka_unit_test(a_dead_link_ends_the_run),
		cmocka_unit_test(a_link_that_hangs_up_ends_the_run),
		cmocka_unit_test(with_no_connection_a_drain_ends_at_once),
		cmocka_unit_test(what_is_left_when_the_time_is_over_is_reset),
		cmocka_unit_test(a_drain_of_no_time_resets_at_once),
		cmocka_unit_test(the_program_may_end_a_drain),
		cmocka_unit_test(what_closes_in_time_is_not_reset),
		cmocka_unit_test(a_loop_without_what_it_needs_is_refused),
	};

	return RUN("host/loop", tests);
}
