/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_path.c: the path that other tests believe in, sim/path.c, and the
 * connections over it, sim/flows.c.
 */
#include <string.h>

#include "path.h"

enum {
	HDRS = 40,
	SYN = 2,
	ACK = 16,
	ECT = 2,
};

#define MS 1000000ULL

/* ---- packets ---- */

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* 10.0.0.1:2000 to 10.0.0.2:80, ISN 0: byte `at` of the stream. */
static uint32_t build(uint8_t *p, uint8_t flags, uint32_t at, uint32_t len)
{
	memset(p, 0, HDRS + len);
	p[0] = 0x45;
	put32(p, 0x45U << 24 | ECT << 16 | (HDRS + len));
	p[8] = 64;
	p[9] = 6;
	put32(p + 12, 0x0a000001);
	put32(p + 16, 0x0a000002);
	put32(p + 20, 2000U << 16 | 80);
	put32(p + 24, flags & SYN ? 0 : at + 1);
	p[32] = 5 << 4;
	p[33] = flags;
	path_sum(p, HDRS + len);
	return HDRS + len;
}

static void put(struct path *path, uint64_t now_ns, uint32_t at, uint32_t len)
{
	uint8_t p[2000];

	path_put(path, PATH_FORTH, now_ns, p, build(p, ACK, at, len));
}

/* The place in the stream of what arrives next, and when. -1: nothing. */
static int64_t take(struct path *path, uint64_t *at_ns)
{
	const uint8_t *p;
	uint32_t len;
	int64_t at;

	for (;;) {
		*at_ns = path_deadline(path);
		if (*at_ns == UINT64_MAX)
			return -1;
		p = path_peek(path, PATH_FORTH, *at_ns, &len);
		if (!p)
			continue;
		at = (int64_t)((uint32_t)p[24] << 24 | p[25] << 16 |
			       p[26] << 8 | p[27]) -
		     1;
		path_pop(path, PATH_FORTH);
		return at;
	}
}

static struct path *make(const struct path_config *config)
{
	struct path *path = path_create(config, 0);
	uint64_t at_ns;
	uint8_t p[HDRS];

	assert_non_null(path);
	/* The stream's first number must be known. */
	path_put(path, PATH_FORTH, 0, p, build(p, SYN, 0, 0));
	assert_int_equal(take(path, &at_ns), -1);
	return path;
}

#define LEG .leg[PATH_FORTH]

/* ---- the model ---- */

static void a_packet_takes_its_time_on_the_link_and_its_delay(void **state)
{
	struct path_config c = {LEG = {.delay_us = 5000, .rate = 1000000}};
	struct path *path = path_create(&c, 0);
	uint64_t at_ns;

	put(path, 10 * MS, 0, 960);
	put(path, 10 * MS, 960, 960);
	take(path, &at_ns);
	assert_int_equal(at_ns, 16 * MS); /* 1,000 bytes: a millisecond */
	take(path, &at_ns);
	assert_int_equal(at_ns, 17 * MS);
	assert_int_equal(path_deadline(path), UINT64_MAX);
	path_destroy(path);
}

static void without_a_rate_there_is_but_the_delay(void **state)
{
	struct path_config c = {LEG = {.delay_us = 5000}};
	struct path *path = path_create(&c, 0);
	uint64_t at_ns;

	put(path, MS, 0, 1000);
	put(path, MS, 1000, 1000);
	for (int i = 0; i < 2; i++) {
		take(path, &at_ns);
		assert_int_equal(at_ns, 6 * MS);
	}
	path_destroy(path);
}

static void a_full_queue_drops_what_comes(void **state)
{
	struct path_config c = {LEG = {.rate = 1000000, .queue = 3000}};
	struct path *path = make(&c);
	uint64_t at_ns;

	for (uint32_t i = 0; i < 6; i++)
		put(path, MS, i * 960, 960); /* one goes, three wait */
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(take(path, &at_ns), i * 960);
	assert_int_equal(take(path, &at_ns), -1);
	assert_int_equal(path_stats(path, PATH_FORTH).fate[PATH_OVERFLOWED], 2);
	assert_int_equal(path_stats(path, PATH_FORTH).queue_most, 3000);
	path_destroy(path);
}

static void a_queue_above_its_threshold_marks_what_is_ect(void **state)
{
	struct path_config c = {LEG = {.rate = 1000000, .ce = 2000}};
	struct path *path = make(&c);
	uint8_t p[2000];
	const uint8_t *q;
	uint32_t len;

	for (uint32_t i = 0; i < 5; i++) {
		build(p, ACK, i * 960, 960);
		if (i == 4)
			p[1] = 0; /* not ECT: no mark */
		path_sum(p, 1000);
		path_put(path, PATH_FORTH, MS, p, 1000);
	}
	for (uint32_t i = 0; i < 5; i++) {
		uint8_t sums[1000];

		q = path_peek(path, PATH_FORTH, (i + 2) * MS, &len);
		assert_non_null(q);
		assert_int_equal(q[1], i == 4 ? 0 : i < 3 ? ECT : 3);
		memcpy(sums, q, 1000);
		path_sum(sums, 1000); /* they were right */
		assert_memory_equal(sums, q, 1000);
		path_pop(path, PATH_FORTH);
	}
	assert_int_equal(path_stats(path, PATH_FORTH).marked, 1);
	path_destroy(path);
}

static void chosen_segments_are_lost_so_many_times(void **state)
{
	struct path_config c = {LEG.drop = {{2, 2, 1}, {5, 1, 2}}};
	struct path *path = make(&c);
	uint64_t at_ns;

	for (uint32_t i = 0; i < 6; i++)
		put(path, MS, i * 100, 100);
	put(path, 2 * MS, 100, 100); /* segment 2 again: it comes */
	put(path, 2 * MS, 400, 100); /* 5 is lost once more, */
	put(path, 2 * MS, 400, 100); /* and comes at last */
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(take(path, &at_ns), i == 0   ? 0
						     : i == 1 ? 300
							      : 500);
	assert_int_equal(take(path, &at_ns), 100);
	assert_int_equal(take(path, &at_ns), 400);
	assert_int_equal(take(path, &at_ns), -1);
	path_destroy(path);
}

static void the_tail_is_what_ends_where_the_stream_does(void **state)
{
	struct path_config c = {LEG.drop = {{PATH_TAIL, 1, 1}}};
	struct path *path = make(&c);
	uint64_t at_ns;

	path_tail(path, 250);
	for (uint32_t i = 0; i < 3; i++)
		put(path, MS, i * 100, i < 2 ? 100 : 50);
	assert_int_equal(take(path, &at_ns), 0);
	assert_int_equal(take(path, &at_ns), 100);
	assert_int_equal(take(path, &at_ns), -1);
	path_destroy(path);
}

static void a_held_segment_is_overtaken_by_so_many(void **state)
{
	struct path_config c = {LEG = {.delay_us = 10000,
				       .reorder_every = 5,
				       .reorder_by = 3,
				       .reorder_hold_us = 50000}};
	struct path *path = make(&c);
	const uint32_t order[] = {0, 1, 2, 3, 5, 6, 7, 4, 8};
	uint64_t at_ns;

	for (uint32_t i = 0; i < 9; i++)
		put(path, (i + 1) * MS, i * 100, 100);
	for (uint32_t i = 0; i < 9; i++)
		assert_int_equal(take(path, &at_ns), order[i] * 100);
	path_destroy(path);
	/* Nobody overtakes it: it goes when its time is over. */
	path = make(&c);
	for (uint32_t i = 0; i < 5; i++)
		put(path, MS, i * 100, 100);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(take(path, &at_ns), i * 100);
	assert_int_equal(at_ns, 61 * MS);
	path_destroy(path);
}

static int inversions(bool in_order)
{
	struct path_config c = {LEG = {.delay_us = 1000,
				       .jitter_us = 10000,
				       .jitter_in_order = in_order}};
	struct path *path = make(&c);
	uint64_t at_ns, last_ns = 0;
	int64_t last = -1;
	int n = 0;

	for (uint32_t i = 0; i < 200; i++)
		put(path, i * MS, i * 100, 100);
	for (uint32_t i = 0; i < 200; i++) {
		int64_t at = take(path, &at_ns);

		assert_in_range(at_ns, at / 100 * (int64_t)MS + (int64_t)MS,
				at / 100 * (int64_t)MS + 11 * (int64_t)MS);
		assert_true(at_ns >= last_ns);
		n += at < last;
		last = at;
		last_ns = at_ns;
	}
	path_destroy(path);
	return n;
}

static void jitter_reorders_unless_it_keeps_order(void **state)
{
	assert_in_range(inversions(false), 40, 160);
	assert_int_equal(inversions(true), 0);
}

static void about_as_many_are_lost_and_doubled_as_asked(void **state)
{
	struct path_config c = {LEG = {.loss_ppm = 100000, .dup_ppm = 50000}};
	struct path *path = make(&c);
	uint64_t at_ns, came = 0;
	struct path_stats s;

	for (uint32_t i = 0; i < 10000; i++)
		put(path, MS, i * 100, 100);
	while (take(path, &at_ns) >= 0)
		came++;
	s = path_stats(path, PATH_FORTH);
	assert_in_range(s.fate[PATH_LOST], 900, 1100);
	assert_in_range(s.doubled, 380, 520);
	assert_int_equal(came, 10000 - s.fate[PATH_LOST] + s.doubled);
	path_destroy(path);
}

static void a_black_hole_takes_what_is_too_large(void **state)
{
	struct path_config c = {LEG.mtu = 1000};
	struct path *path = make(&c);
	uint64_t at_ns;

	put(path, MS, 0, 961);
	put(path, MS, 961, 960);
	assert_int_equal(take(path, &at_ns), 961);
	assert_int_equal(take(path, &at_ns), -1);
	assert_int_equal(path_stats(path, PATH_FORTH).fate[PATH_TOO_BIG], 1);
	path_destroy(path);
}

static void the_rate_changes_at_its_time(void **state)
{
	struct path_config c = {LEG = {.rate = 1000000,
				       .change_at_us = 3000,
				       .change_rate = 100000}};
	struct path *path = path_create(&c, 0);
	const uint64_t when[] = {2, 3, 13, 23};
	uint64_t at_ns;

	for (uint32_t i = 0; i < 4; i++)
		put(path, MS, i * 960, 960);
	for (uint32_t i = 0; i < 4; i++) {
		take(path, &at_ns);
		assert_int_equal(at_ns, when[i] * MS);
	}
	path_destroy(path);
}

static void a_stall_holds_all_up_and_keeps_their_order(void **state)
{
	struct path_config c = {LEG = {.delay_us = 1000,
				       .stall_at_us = 10000,
				       .stall_us = 300000}};
	struct path *path = make(&c);
	const uint64_t when[] = {10, 311, 311, 312};
	const uint64_t sent[] = {9, 50, 200, 311};
	uint64_t at_ns;

	for (uint32_t i = 0; i < 4; i++)
		put(path, sent[i] * MS, i * 100, 100);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(take(path, &at_ns), i * 100);
		assert_int_equal(at_ns, when[i] * MS);
	}
	path_destroy(path);
}

static void what_goes_again_is_needless_unless_it_was_lost(void **state)
{
	struct path_config c = {LEG.drop = {{2, 1, 1}}};
	struct path *path = make(&c);
	struct path_flow_stats s;

	for (uint32_t i = 0; i < 4; i++)
		put(path, MS, i * 100, 100);
	put(path, 2 * MS, 100, 100); /* needed */
	s = path_flow_stats(path, PATH_FORTH, 0);
	assert_int_equal(s.again, 1);
	assert_int_equal(s.needless, 0);
	put(path, 3 * MS, 100, 100); /* that came */
	put(path, 3 * MS, 300, 200); /* half of it is new */
	s = path_flow_stats(path, PATH_FORTH, 0);
	assert_int_equal(s.segments, 4);
	assert_int_equal(s.again, 3);
	assert_int_equal(s.needless, 2);
	assert_int_equal(s.lost, 1);
	path_destroy(path);
}

static void what_is_lost_may_come_in_pieces(void **state)
{
	struct path_config c = {LEG.drop = {{1, 2, 1}}};
	struct path *path = make(&c);
	const struct {
		uint32_t at, len;
		uint64_t needless;
	} again[] = {{50, 100, 0},
		     {0, 50, 0},
		     {50, 50, 1},
		     {120, 80, 1},
		     {0, 200, 2}};

	put(path, MS, 0, 100);
	put(path, MS, 100, 100);
	for (size_t i = 0; i < sizeof again / sizeof *again; i++) {
		put(path, 2 * MS, again[i].at, again[i].len);
		assert_int_equal(path_flow_stats(path, PATH_FORTH, 0).needless,
				 again[i].needless);
	}
	path_destroy(path);
}

/* ---- connections over it ---- */

static void all_bytes_arrive_whatever_the_path_does(void **state)
{
	struct flows_plan plan = flows_plan(10, 12500000);
	struct flows *f;

	for (int i = 0; i < 4; i++) {
		struct path_leg *leg = &plan.path.leg[PATH_FORTH];

		plan.v6 = i & 1;
		plan.path.seed = (uint64_t)i;
		plan.flow[0].bytes = 300000;
		leg->loss_ppm = i > 1 ? 20000 : 0;
		leg->dup_ppm = i > 1 ? 20000 : 0;
		leg->jitter_us = i > 1 ? 3000 : 0;
		plan.path.leg[PATH_BACK].loss_ppm = leg->loss_ppm;
		f = path_play(&plan);
		assert_true(flows_result(f, 0).done);
		assert_int_equal(flows_result(f, 0).bytes, 300000);
		assert_int_equal(flows_result(f, 0).error, 0);
		path_end(f);
	}
}

/* What was recorded, as one number. */
static uint64_t hash_of(uint64_t seed)
{
	struct flows_plan plan = flows_plan(10, 1250000);
	uint64_t hash = 1469598103934665603U;
	const struct path_event *e;
	struct flows *f;
	size_t n;

	plan.path.seed = seed;
	plan.path.record = true;
	plan.path.leg[PATH_FORTH].loss_ppm = 20000;
	plan.path.leg[PATH_FORTH].jitter_us = 2000;
	plan.flow[0].bytes = 200000;
	f = path_play(&plan);
	e = path_events(flows_path(f), &n);
	assert_true(n > 200);
	for (size_t i = 0; i < n; i++) {
		uint64_t v = e[i].at_ns ^ (uint64_t)e[i].seq << 32 ^
			     (uint64_t)e[i].ack << 8 ^ e[i].fate;

		hash = (hash ^ v) * 1099511628211U;
	}
	path_end(f);
	return hash;
}

static void the_same_seed_gives_the_same_segments(void **state)
{
	assert_int_equal(hash_of(7), hash_of(7));
	assert_int_not_equal(hash_of(7), hash_of(8));
}

static void a_link_that_loses_nothing_is_filled(void **state)
{
	struct flows_plan plan = flows_plan(10, 1250000);
	struct flows *f;

	plan.until_us = 5000000;
	plan.path.leg[PATH_FORTH].queue = 0;
	plan.buf_bytes = 200000;
	f = path_begin(&plan);
	flows_run(f, 2000000);
	flows_mark(f);
	flows_run(f, 0);
	/* 1,448 of 1,500 bytes are the program's. */
	assert_in_range((uint64_t)flows_result(f, 0).rate, 1200000, 1207000);
	assert_int_equal(flows_result(f, 0).path.again, 0);
	assert_int_equal(flows_result(f, 0).took_us, 3000000);
	path_end(f);
}

static void a_question_is_answered_after_one_round_trip(void **state)
{
	struct flows_plan plan = flows_plan(10, 0);
	struct flows_result r;
	struct flows *f;

	plan.flow[0] = (struct flows_flow){
		.ask = 100, .answer = 300, .times = 20, .think_us = 50000};
	f = path_play(&plan);
	r = flows_result(f, 0);
	assert_true(r.done);
	assert_int_equal(r.answered, 20);
	assert_int_equal(r.answer_median_us, 20000);
	assert_int_equal(r.answer_most_us, 20000);
	assert_int_equal(r.bytes, 2000);
	path_end(f);
}

static void flows_share_a_link_and_begin_when_they_should(void **state)
{
	struct flows_plan plan = flows_plan(5, 1250000);
	double sum = 0;
	struct flows *f;

	plan.n = 3;
	plan.until_us = 10000000;
	plan.flow[2].start_us = 5000000;
	f = path_begin(&plan);
	flows_run(f, 4999999);
	assert_true(flows_result(f, 0).connected);
	assert_false(flows_result(f, 2).connected);
	flows_run(f, 0);
	for (int i = 0; i < 3; i++) {
		assert_true(flows_result(f, i).bytes > 500000);
		sum += (double)flows_result(f, i).bytes;
	}
	assert_true(sum > 10 * 1100000 && sum < 10 * 1250000);
	assert_true(flows_fairness(f) > .3 && flows_fairness(f) <= 1);
	path_end(f);
}

static void what_is_not_there_is_said(void **state)
{
	struct flows_plan plan = flows_plan(5, 0);
	struct flows *f;

	plan.knobs[0] = "net.ipv4.tcp_nonsense=1";
	assert_int_equal(flows_open(&f, &plan), -2 /* ENOENT */);
	plan.knobs[0] = NULL;
	plan.path.leg[PATH_FORTH].loss_ppm = 1000000;
	plan.until_us = 1000000;
	f = path_play(&plan);
	assert_false(flows_result(f, 0).connected);
	assert_int_equal(flows_count(f, FLOWS_A, "NoSuchCounter"), 0);
	path_end(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_packet_takes_its_time_on_the_link_and_its_delay),
		cmocka_unit_test(without_a_rate_there_is_but_the_delay),
		cmocka_unit_test(a_full_queue_drops_what_comes),
		cmocka_unit_test(a_queue_above_its_threshold_marks_what_is_ect),
		cmocka_unit_test(chosen_segments_are_lost_so_many_times),
		cmocka_unit_test(the_tail_is_what_ends_where_the_stream_does),
		cmocka_unit_test(a_held_segment_is_overtaken_by_so_many),
		cmocka_unit_test(jitter_reorders_unless_it_keeps_order),
		cmocka_unit_test(about_as_many_are_lost_and_doubled_as_asked),
		cmocka_unit_test(a_black_hole_takes_what_is_too_large),
		cmocka_unit_test(the_rate_changes_at_its_time),
		cmocka_unit_test(a_stall_holds_all_up_and_keeps_their_order),
		cmocka_unit_test(
			what_goes_again_is_needless_unless_it_was_lost),
		cmocka_unit_test(what_is_lost_may_come_in_pieces),
		cmocka_unit_test(all_bytes_arrive_whatever_the_path_does),
		cmocka_unit_test(the_same_seed_gives_the_same_segments),
		cmocka_unit_test(a_link_that_loses_nothing_is_filled),
		cmocka_unit_test(a_question_is_answered_after_one_round_trip),
		cmocka_unit_test(flows_share_a_link_and_begin_when_they_should),
		cmocka_unit_test(what_is_not_there_is_said),
	};

	return RUN("path", tests);
}
