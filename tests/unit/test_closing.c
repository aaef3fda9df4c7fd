/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_closing.c: how closing records are kept: their length and size, the
 * order in which they end, what happens when there are too many, and time
 * that leaps. P is what Linux was seen to do.
 */
#include "rig.h"

enum {
	LEN_MS = 60000,
	MANY = 1000,
};

static void many_records(struct lull_limits *l)
{
	l->closing = l->closing6 = 8192;
}

static uint64_t states_of(const struct rig *r, enum lull_tcp_state state)
{
	uint64_t count[LULL_TCP_STATES];

	lull_diag_states(r->s, count);
	return count[state];
}

/* Another connection, up to the peer's FIN that we have not answered. */
static void to_fin_wait_2(struct rig *r, uint16_t port)
{
	rig_peer(r, port);
	rig_shake(r);
	lull_sock_close(r->s, r->sock);
	rig_run(r);
	rig_expect(r, LULL_FIN | LULL_ACK);
	rig_ack(r);
	assert_int_equal(rig_state(r), LULL_TCP_FIN_WAIT_2);
}

/* The last ACK is sent whatever happens to the record. */
static void to_time_wait(struct rig *r, uint16_t port)
{
	rig_peer(r, port);
	rig_shake(r);
	lull_sock_close(r->s, r->sock);
	rig_run(r);
	rig_expect(r, LULL_FIN | LULL_ACK);
	rig_say(r, LULL_FIN | LULL_ACK, NULL, 0);
	assert_int_equal(rig_expect(r, LULL_ACK).seg.ack.v, r->seq.v);
}

static enum lull_tcp_state state_of_port(struct rig *r, uint16_t port)
{
	r->tuple.rport = port;
	return rig_state(r);
}

/* The same shard speaks the other version of IP as well. */
static void change_family(struct rig *r, bool v6)
{
	struct rig_config other = {.v6 = v6, .no_listener = true};
	struct lull_listen l = {
		.size = sizeof l, .port_lo = RIG_PORT, .backlog = 8};
	struct rig donor;

	rig_open(&donor, &other);
	r->config.v6 = v6;
	r->tuple.local = donor.tuple.local;
	r->tuple.remote = donor.tuple.remote;
	rig_drop(&donor);
	assert_int_equal(lull_addr_add(r->s,
				       (struct lull_prefix){r->tuple.local, 64},
				       false),
			 0);
	lull_sock_close(r->s, r->listener);
	assert_int_equal(lull_sock_listen(r->s, &l, &r->listener), 0);
}

/* ---- time ---- */

/* net.lull.tcp_timewait_len: for new ones; the others keep their time. */
static void length_is_for_new_ones(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	rig_align(&r);
	to_time_wait(&r, 5000);
	rig_knob(&r, "net.lull.tcp_timewait_len", "10");
	to_time_wait(&r, 5001);
	rig_knob(&r, "net.lull.tcp_timewait_len", "100");
	to_time_wait(&r, 5002);
	for (uint16_t i = 0; i < 3; i++) {
		static const uint32_t ms[] = {LEN_MS, 10000, 100000};

		assert_int_equal(state_of_port(&r, (uint16_t)(5000 + i)),
				 LULL_TCP_TIME_WAIT);
		assert_int_equal(rig_left_ms(&r), ms[i]);
	}
	rig_pass_ms(&r, 9999);
	assert_int_equal(states_of(&r, LULL_TCP_TIME_WAIT), 3);
	rig_pass_ms(&r, 1);
	assert_int_equal(states_of(&r, LULL_TCP_TIME_WAIT), 2);
	assert_int_equal(state_of_port(&r, 5001), LULL_TCP_CLOSED);
	rig_pass_ms(&r, 50000);
	assert_int_equal(state_of_port(&r, 5000), LULL_TCP_CLOSED);
	assert_int_equal(state_of_port(&r, 5002), LULL_TCP_TIME_WAIT);
	rig_pass_ms(&r, 40000);
	assert_int_equal(state_of_port(&r, 5002), LULL_TCP_CLOSED);
	rig_close(&r);
}

/* Linux and RFC 9293: 2MSL is not less for anybody; here 24 lengths. */
static void many_lengths(const bool up)
{
	enum {
		N = 24
	};
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	rig_align(&r);
	for (uint32_t i = 1; i <= N; i++) {
		uint32_t s = up ? i : N + 1 - i;
		char text[8] = {(char)('0' + s / 10), (char)('0' + s % 10)};

		rig_knob(&r, "net.lull.tcp_timewait_len", text);
		to_time_wait(&r, (uint16_t)(5000 + s));
	}
	for (uint32_t now_s = 1; now_s <= N; now_s++) {
		rig_pass_ms(&r, 999);
		for (uint32_t s = now_s; s <= N; s++)
			if (state_of_port(&r, (uint16_t)(5000 + s)) !=
			    LULL_TCP_TIME_WAIT)
				fail_msg("%u s were over after %u s", s, now_s);
		rig_pass_ms(&r, 1);
	}
	/* Rounded up, perhaps; but none is longer than the longest. */
	assert_int_equal(states_of(&r, LULL_TCP_TIME_WAIT), 0);
	/* And then every length can be had again. */
	for (uint32_t s = 31; s < 47; s++) {
		char text[8] = {(char)('0' + s / 10), (char)('0' + s % 10)};

		rig_knob(&r, "net.lull.tcp_timewait_len", text);
		to_time_wait(&r, (uint16_t)(6000 + s));
		assert_int_equal(rig_left_ms(&r), s * 1000);
	}
	rig_close(&r);
}

static void many_shrinking_lengths(void **unused)
{
	many_lengths(false);
}

static void many_growing_lengths(void **unused)
{
	many_lengths(true);
}

/* Each ends in its own millisecond, in the order in which they began. */
static void expiry_in_order(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		uint64_t began_ms[MANY];
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = v6,
						  .limits = many_records});
		rig_align(&r);
		for (uint32_t i = 0; i < MANY; i++) {
			to_time_wait(&r, (uint16_t)(5000 + i));
			began_ms[i] = r.now_ns / 1000000;
			rig_pass_ms(&r, i % 7);
		}
		for (uint32_t i = 0; i < MANY; i++) {
			uint64_t now_ms = r.now_ns / 1000000;
			uint64_t end_ms = began_ms[i] + LEN_MS;

			if (end_ms == now_ms)
				continue;
			rig_pass_ms(&r, end_ms - now_ms - 1);
			assert_int_equal(states_of(&r, LULL_TCP_TIME_WAIT),
					 MANY - i);
			rig_pass_ms(&r, 1);
			assert_true(states_of(&r, LULL_TCP_TIME_WAIT) <
				    MANY - i);
			assert_int_equal(state_of_port(&r,
						       (uint16_t)(5000 + i)),
					 LULL_TCP_CLOSED);
		}
		assert_int_equal(states_of(&r, LULL_TCP_TIME_WAIT), 0);
		rig_close(&r);
	}
}

/* DESIGN 3: so many end in one run, however many are due. */
static void expiry_is_bounded(void **unused)
{
	enum {
		N = 3000
	};
	uint64_t left = N;
	struct rig r;

	rig_open(&r, &(struct rig_config){.limits = many_records});
	for (uint16_t i = 0; i < N; i++)
		to_time_wait(&r, (uint16_t)(5000 + i));
	r.now_ns += (uint64_t)(LEN_MS + 1) * 1000000;
	for (int run = 0; left > 0; run++) {
		struct lull_work work = lull_shard_run(r.s, r.now_ns);
		uint64_t before = left;

		left = states_of(&r, LULL_TCP_TIME_WAIT);
		assert_in_range(before - left, 1, 512);
		assert_int_equal(work.more, left > 0);
	}
	rig_close(&r);
}

/* A millisecond that has begun doesn't count: 2MSL in full. */
static void not_a_microsecond_early(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	rig_align(&r);
	r.now_ns += 900000;
	rig_run(&r);
	to_time_wait(&r, 5000);
	r.now_ns += (uint64_t)LEN_MS * 1000000 - 1000;
	rig_run(&r);
	assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
	r.now_ns += 1000 + 1000000;
	rig_run(&r);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	rig_close(&r);
}

/* A FIN again puts one behind all others; they aren't held up by it. */
static void restart_changes_the_order(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	rig_align(&r);
	for (uint16_t i = 0; i < 10; i++)
		to_time_wait(&r, (uint16_t)(5000 + i));
	rig_pass_ms(&r, 30000);
	for (uint16_t i = 0; i < 10; i += 3) {
		r.tuple.rport = (uint16_t)(5000 + i);
		rig_put(&r, LULL_FIN | LULL_ACK, lull_seq(r.seq.v - 1), r.ack,
			NULL, 0);
		rig_expect(&r, LULL_ACK);
	}
	rig_pass_ms(&r, 30000);
	assert_int_equal(states_of(&r, LULL_TCP_TIME_WAIT), 4);
	for (uint16_t i = 0; i < 10; i++)
		assert_int_equal(state_of_port(&r, (uint16_t)(5000 + i)),
				 i % 3 ? LULL_TCP_CLOSED : LULL_TCP_TIME_WAIT);
	rig_pass_ms(&r, 29999);
	assert_int_equal(states_of(&r, LULL_TCP_TIME_WAIT), 4);
	rig_pass_ms(&r, 1);
	assert_int_equal(states_of(&r, LULL_TCP_TIME_WAIT), 0);
	rig_close(&r);
}

/* An orphaned FIN_WAIT_2 gets its FIN: the same record, a whole TIME_WAIT. */
static void fin_wait_2_becomes_time_wait(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct lull_closing *record;
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = v6, .ts = true});
		rig_align(&r);
		to_fin_wait_2(&r, 5000);
		record = rig_record(&r);
		assert_int_equal(rig_count(&r, LULL_COUNT_TW), 1);
		rig_pass_ms(&r, 59000);
		r.tsval += 100;
		rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
		assert_int_equal(rig_expect(&r, LULL_ACK).seg.tsecr, r.tsval);
		assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
		assert_ptr_equal(rig_record(&r), record);
		assert_int_equal(rig_left_ms(&r), LEN_MS);
		/* Counted at entry, once. */
		assert_int_equal(rig_count(&r, LULL_COUNT_TW), 1);
		assert_int_equal(states_of(&r, LULL_TCP_FIN_WAIT_2), 0);
		rig_pass_ms(&r, LEN_MS - 1);
		assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
		rig_pass_ms(&r, 1);
		assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
		rig_close(&r);
	}
}

/* ---- leaps of time ---- */

/* DESIGN 5: a suspended laptop ends nothing early and nothing twice. */
static void leaps(void **unused)
{
	static const uint64_t leaps_s[] = {
		59,	    61,		3600,	     86400,	  13 * 86400,
		14 * 86400, 25 * 86400, 100 * 86400, 1000 * 86400};

	for (uint32_t i = 0; i < ARRAY_LEN(leaps_s); i++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){0});
		rig_align(&r);
		for (uint16_t k = 0; k < 30; k++)
			to_time_wait(&r, (uint16_t)(5000 + k));
		r.now_ns += leaps_s[i] * 1000000000;
		rig_run(&r);
		assert_int_equal(states_of(&r, LULL_TCP_TIME_WAIT),
				 leaps_s[i] < 60 ? 30 : 0);
		rig_expect_none(&r);
		rig_close(&r);
	}
}

/* The same with more than one run can end; a long leap is taken in steps. */
static void leap_over_many(void **unused)
{
	static const uint32_t days[] = {1, 14, 30, 45, 100};
	enum {
		N = 1500 /* some hundreds more than one run ends */
	};

	for (uint32_t i = 0; i < ARRAY_LEN(days); i++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){.limits = many_records});
		for (uint16_t k = 0; k < N; k++)
			to_time_wait(&r, (uint16_t)(5000 + k));
		assert_int_equal(states_of(&r, LULL_TCP_TIME_WAIT), N);
		r.now_ns += (uint64_t)days[i] * 86400 * 1000000000;
		rig_run(&r);
		if (states_of(&r, LULL_TCP_TIME_WAIT))
			fail_msg("%u are left after %u days",
				 (uint32_t)states_of(&r, LULL_TCP_TIME_WAIT),
				 days[i]);
		rig_close(&r);
	}
}

/* Time that goes back is no time at all. */
static void time_never_goes_back(void **unused)
{
	uint64_t now_ns;
	struct lull_work work;
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	rig_align(&r);
	to_time_wait(&r, 5000);
	now_ns = r.now_ns;
	work = lull_shard_run(r.s, now_ns - 500000000);
	assert_int_equal(work.deadline_ns, now_ns + (uint64_t)LEN_MS * 1000000);
	assert_int_equal(rig_left_ms(&r), LEN_MS);
	(void)lull_shard_run(r.s, 0);
	assert_int_equal(r.s->g.now_ns, now_ns);
	rig_pass_ms(&r, LEN_MS - 1);
	assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
	rig_pass_ms(&r, 1);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	rig_close(&r);
}

/* Milliseconds are kept in 32 bits: here they wrap, after 49.7 days. */
static void milliseconds_wrap(void **unused)
{
	for (int held = 0; held < 2; held++) {
		uint64_t wrap_ms = (uint64_t)1 << 32;
		struct rig r;

		rig_open(&r, &(struct rig_config){0});
		rig_align(&r);
		rig_pass_ms(&r, wrap_ms - 20000 - r.now_ns / 1000000);
		to_time_wait(&r, 5000);
		assert_int_equal(rig_left_ms(&r), LEN_MS);
		rig_pass_ms(&r, LEN_MS - 1);
		assert_true(r.now_ns / 1000000 > wrap_ms);
		assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
		rig_pass_ms(&r, 1);
		assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
		rig_close(&r);
	}
}

/* The deadline that a loop sleeps until is the first one's end. */
static void deadline_is_the_first_end(void **unused)
{
	struct lull_work work;
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	rig_align(&r);
	work = lull_shard_run(r.s, r.now_ns);
	assert_int_equal(work.deadline_ns, UINT64_MAX);
	to_time_wait(&r, 5000);
	rig_pass_ms(&r, 5);
	rig_knob(&r, "net.lull.tcp_timewait_len", "2");
	to_time_wait(&r, 5001);
	work = lull_shard_run(r.s, r.now_ns);
	assert_int_equal(work.deadline_ns, r.now_ns + 2000000000);
	rig_pass_ms(&r, 2000);
	work = lull_shard_run(r.s, r.now_ns);
	assert_int_equal(work.deadline_ns,
			 r.now_ns + (uint64_t)(LEN_MS - 2005) * 1000000);
	rig_close(&r);
}

/* ---- too many ---- */

static void three_records(struct lull_limits *l)
{
	l->closing = l->closing6 = 3;
}

/* tcp_max_tw_buckets, or the pool: the oldest goes, the newest is kept. */
static void oldest_is_evicted(void **unused)
{
	static const struct rig_config t[] = {
		{.sysctl = {"net.ipv4.tcp_max_tw_buckets=3"}},
		{.limits = three_records},
		{.v6 = true, .sysctl = {"net.ipv4.tcp_max_tw_buckets=3"}},
		{.v6 = true, .limits = three_records},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		rig_open(&r, &t[i]);
		for (uint16_t k = 0; k < 9; k++) {
			rig_knob(&r, "net.lull.tcp_timewait_len",
				 k % 2 ? "60" : "50");
			to_time_wait(&r, (uint16_t)(5000 + k));
			rig_pass_ms(&r, 11000);
		}
		/*
		 * Ends: 0 50, 1 71, 2 72, 3 93, 4 94, 5 115, 6 116, 7 137,
		 * 8 138 s. The one that ends first goes first.
		 */
		assert_int_equal(states_of(&r, LULL_TCP_TIME_WAIT), 3);
		for (uint16_t k = 0; k < 9; k++)
			assert_int_equal(
				state_of_port(&r, (uint16_t)(5000 + k)),
				k < 6 ? LULL_TCP_CLOSED : LULL_TCP_TIME_WAIT);
		assert_int_equal(rig_count(&r, LULL_COUNT_TW_EVICTED), 6);
		assert_int_equal(rig_count(&r, LULL_COUNT_TIME_WAIT_OVERFLOW),
				 0);
		assert_int_equal(rig_count(&r, LULL_COUNT_TW), 9);
		rig_close(&r);
	}
}

/* Counted apart: what was lost was a FIN_WAIT_2 or a TIME_WAIT. */
static void evicted_by_class(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){
			     .sysctl = {"net.ipv4.tcp_max_tw_buckets=2"}});
	for (uint16_t k = 0; k < 6; k++) {
		rig_peer(&r, (uint16_t)(5000 + k));
		rig_shake(&r);
		lull_sock_close(r.s, r.sock);
		rig_run(&r);
		rig_expect(&r, LULL_FIN | LULL_ACK);
		rig_say(&r, LULL_ACK, NULL, 0);
		if (k % 3 == 0) {
			rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
			rig_expect(&r, LULL_ACK);
		}
		rig_pass_ms(&r, 1000);
	}
	assert_int_equal(rig_count(&r, LULL_COUNT_TW_EVICTED), 2);
	assert_int_equal(rig_count(&r, LULL_COUNT_FIN_WAIT_2_EVICTED), 2);
	rig_close(&r);
}

/* P4: Linux does not keep the newest; TCPTimeWaitOverflow. */
static void newest_is_not_kept(void **unused)
{
	static const struct rig_config t[] = {
		{.profile = LULL_PROFILE_LINUX,
		 .sysctl = {"net.ipv4.tcp_max_tw_buckets=3"}},
		{.profile = LULL_PROFILE_LINUX, .limits = three_records},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		rig_open(&r, &t[i]);
		for (uint16_t k = 0; k < 9; k++)
			to_time_wait(&r, (uint16_t)(5000 + k));
		assert_int_equal(states_of(&r, LULL_TCP_TIME_WAIT), 3);
		for (uint16_t k = 0; k < 9; k++)
			assert_int_equal(
				state_of_port(&r, (uint16_t)(5000 + k)),
				k < 3 ? LULL_TCP_TIME_WAIT : LULL_TCP_CLOSED);
		assert_int_equal(rig_count(&r, LULL_COUNT_TIME_WAIT_OVERFLOW),
				 6);
		assert_int_equal(rig_count(&r, LULL_COUNT_TW_EVICTED), 0);
		rig_close(&r);
	}
}

/* None at all: the last ACK is sent, and that was it. */
static void no_records_at_all(void **unused)
{
	for (int i = 0; i < 2; i++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){
				     .profile = i ? LULL_PROFILE_LINUX
						  : LULL_PROFILE_LULL,
				     .sysctl = {"net.ipv4.tcp_max_tw_buckets="
						"0"}});
		to_time_wait(&r, 5000);
		assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
		assert_int_equal(rig_count(&r, LULL_COUNT_TIME_WAIT_OVERFLOW),
				 1);
		assert_int_equal(rig_count(&r, LULL_COUNT_TW), 0);
		rig_close(&r);
	}
}

/* One cap for both versions of IP: still the new one is kept. */
static void eviction_across_families(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){
			     .sysctl = {"net.ipv4.tcp_max_tw_buckets=3"}});
	for (uint16_t k = 0; k < 3; k++)
		to_time_wait(&r, (uint16_t)(5000 + k));
	change_family(&r, true);
	to_time_wait(&r, 5000);
	assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
	assert_int_equal(states_of(&r, LULL_TCP_TIME_WAIT), 3);
	assert_int_equal(rig_count(&r, LULL_COUNT_TW_EVICTED), 1);
	rig_close(&r);
}

/* What was evicted is nobody: its FIN again gets RST (3.10.7.1). */
static void evicted_is_gone(void **unused)
{
	struct lull_seq seq, ack;
	struct rig r;

	rig_open(&r, &(struct rig_config){
			     .sysctl = {"net.ipv4.tcp_max_tw_buckets=1"}});
	to_time_wait(&r, 5000);
	seq = r.seq;
	ack = r.ack;
	to_time_wait(&r, 5001);
	r.tuple.rport = 5000;
	rig_put(&r, LULL_FIN | LULL_ACK, lull_seq(seq.v - 1), ack, NULL, 0);
	assert_int_equal(rig_expect(&r, LULL_RST).seg.seq.v, ack.v);
	rig_close(&r);
}

/* ---- sizes (DESIGN 3) ---- */

/* 40 and 64 bytes, 8 of links, and at most 16 of the flow table. */
static void record_sizes(void **unused)
{
	uint32_t bytes[2] = {0}, table = 0;
	struct lull_pool pool;
	struct rig r;

	rig_open(&r, &(struct rig_config){.limits = many_records});
	for (uint32_t i = 0; i < 4000; i++)
		to_time_wait(&r, (uint16_t)(5000 + i));
	for (uint32_t i = 0; lull_diag_pool(r.s, i, &pool); i++) {
		if (strcmp(pool.name, "closing IPv4") == 0) {
			bytes[0] = pool.object_bytes;
			assert_int_equal(pool.used, 4000);
			assert_int_equal(pool.peak, 4000);
			assert_int_equal(pool.limit, 8192);
		}
		if (strcmp(pool.name, "closing IPv6") == 0)
			bytes[1] = pool.object_bytes;
		if (strcmp(pool.name, "flow table") == 0) {
			table = pool.object_bytes;
			assert_int_equal(pool.used, 4000);
		}
	}
	assert_int_equal(bytes[0], 40 + 8);
	assert_int_equal(bytes[1], 64 + 8);
	assert_in_range(table, 1, 16);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(length_is_for_new_ones),
		cmocka_unit_test(many_shrinking_lengths),
		cmocka_unit_test(many_growing_lengths),
		cmocka_unit_test(expiry_in_order),
		cmocka_unit_test(expiry_is_bounded),
		cmocka_unit_test(not_a_microsecond_early),
		cmocka_unit_test(restart_changes_the_order),
		cmocka_unit_test(fin_wait_2_becomes_time_wait),
		cmocka_unit_test(leaps),
		cmocka_unit_test(leap_over_many),
		cmocka_unit_test(time_never_goes_back),
		cmocka_unit_test(milliseconds_wrap),
		cmocka_unit_test(deadline_is_the_first_end),
		cmocka_unit_test(oldest_is_evicted),
		cmocka_unit_test(evicted_by_class),
		cmocka_unit_test(newest_is_not_kept),
		cmocka_unit_test(no_records_at_all),
		cmocka_unit_test(eviction_across_families),
		cmocka_unit_test(evicted_is_gone),
		cmocka_unit_test(record_sizes),
	};

	return RUN("closing", tests);
}
