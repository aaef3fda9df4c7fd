/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ground.c: numbers and times that wrap, counters and what drops do to
 * them, and the trace ring.
 */
#include "tools.h"

static struct lull_ground *ground_new(uint64_t now_ns)
{
	struct lull_ground *g = calloc(1, sizeof *g);

	assert_non_null(g);
	g->now_ns = now_ns;
	(void)lull_ground_time(g, now_ns);
	return g;
}

/* ---- sequence numbers ---- */

/* Every relation, at every place of the circle. */
static void test_seq(void **state)
{
	static const uint32_t from[] = {0,	    1,		0x7fffffff,
					0x80000000, 0x80000001, 0xfffffff0,
					0xffffffff};
	static const struct {
		uint32_t ahead;
		bool lt; /* a < a + ahead */
	} row[] = {{0, false},		{1, true},
		   {100, true},		{0x7fffffff, true},
		   {0x80000001, false}, {0xffffffff, false}};

	for (uint32_t f = 0; f < ARRAY_LEN(from); f++) {
		for (uint32_t r = 0; r < ARRAY_LEN(row); r++) {
			struct lull_seq a = lull_seq(from[f]);
			struct lull_seq b = lull_seq_add(a, row[r].ahead);
			bool eq = row[r].ahead == 0;

			assert_int_equal(lull_seq_eq(a, b), eq);
			assert_int_equal(lull_seq_lt(a, b), row[r].lt);
			assert_int_equal(lull_seq_le(a, b), row[r].lt || eq);
			assert_int_equal(lull_seq_gt(a, b), !row[r].lt && !eq);
			assert_int_equal(lull_seq_ge(a, b), !row[r].lt);
			assert_int_equal(lull_seq_sub(b, a), row[r].ahead);
			assert_int_equal(lull_seq_max(a, b).v,
					 row[r].lt ? b.v : a.v);
			assert_int_equal(lull_due(b.v, a.v), !row[r].lt);
		}
	}
}

/* ---- time ---- */

#define LEAP_NS (1ULL << 50) /* what one step may be */

static void assert_now(const struct lull_ground *g, uint64_t ns)
{
	assert_true(g->now_ns == ns);
	assert_true(g->now_ms == ns / 1000000);
	assert_int_equal(g->now_us, (uint32_t)(ns / 1000));
}

static void test_time(void **state)
{
	struct lull_ground *g = ground_new(5000000001);

	assert_now(g, 5000000001);
	assert_false(lull_ground_time(g, 5000000001));
	assert_false(lull_ground_time(g, 5000999999));
	assert_int_equal(g->now_ms, 5000);
	assert_false(lull_ground_time(g, 5001000000));
	assert_int_equal(g->now_ms, 5001);
	/* Back: the last value holds. */
	assert_false(lull_ground_time(g, 5000000000));
	assert_now(g, 5001000000);
	assert_false(lull_ground_time(g, 0));
	assert_now(g, 5001000000);
	/* Microseconds wrap after 71 minutes; nothing else does. */
	assert_false(lull_ground_time(g, 4294967295999));
	assert_int_equal(g->now_us, 0xffffffff);
	assert_false(lull_ground_time(g, 4294967296000));
	assert_int_equal(g->now_us, 0);
	assert_now(g, 4294967296000);
	free(g);
}

/* The longest step still is one; a longer leap is many, and ends exactly. */
static void test_leap(void **state)
{
	static const uint64_t from[] = {0, 1, 123456789012345, 1ULL << 62};
	static const uint64_t leap[] = {
		LEAP_NS - 1,	 LEAP_NS,	    LEAP_NS + 1,    2 * LEAP_NS,
		2 * LEAP_NS + 1, 7 * LEAP_NS + 999, 1000 * LEAP_NS,
	};

	for (uint32_t f = 0; f < ARRAY_LEN(from); f++) {
		for (uint32_t i = 0; i < ARRAY_LEN(leap); i++) {
			struct lull_ground *g = ground_new(from[f]);
			uint64_t to = from[f] + leap[i], steps = 1, before;

			while (lull_ground_time(g, to)) {
				assert_now(g, from[f] + steps * LEAP_NS);
				steps++;
			}
			assert_now(g, to);
			assert_true(steps == (leap[i] + LEAP_NS - 1) / LEAP_NS);
			before = g->now_ns;
			assert_false(lull_ground_time(g, to));
			assert_true(g->now_ns == before);
			free(g);
		}
	}
	/* Shorter than half the circle of 32-bit milliseconds. */
	assert_true(LEAP_NS / 1000000 < 1U << 31);
}

/* A timer for `ms` from now never comes before they have passed in full. */
static void test_in_ms(void **state)
{
	static const uint64_t at[] = {
		0,	 1,	    999999,	      1000000,
		1000001, 123456789, 4294967295999999, 4294967296000000};
	static const uint32_t ms[] = {0, 1, 40, 200, 60000};

	for (uint32_t a = 0; a < ARRAY_LEN(at); a++) {
		for (uint32_t m = 0; m < ARRAY_LEN(ms); m++) {
			struct lull_ground *g = ground_new(at[a]);
			uint64_t due = at[a] + 1000000ULL * ms[m];
			uint32_t when = lull_in_ms(g, ms[m]);

			/* The first whole millisecond at or after it. */
			due = (due + 999999) / 1000000;
			assert_int_equal(when, (uint32_t)due);
			free(g);
		}
	}
}

/* ---- counters and drops ---- */

enum {
	LULL_COUNT_NONE = LULL_COUNTERS
};

static const struct {
	enum lull_drop drop;
	enum lull_counter_id counter;
	const char *name, *help;
} drop_row[] = {
#define DROP(id, name, counter, help)                                      \
	{LULL_DROP_##id, (enum lull_counter_id)LULL_COUNT_##counter, name, \
	 help},
#include "base/drops.def"
#undef DROP
};

static const struct {
	const char *group, *name, *help;
} counter_row[] = {
#define COUNTER(id, group, name, help) {group, name, help},
#include "base/counters.def"
#undef COUNTER
};

/* Each drop moves its own number, and the one counter named beside it. */
static void test_drops(void **state)
{
	assert_int_equal(ARRAY_LEN(drop_row), LULL_DROPS - 1);
	for (uint32_t i = 0; i < ARRAY_LEN(drop_row); i++) {
		struct lull_ground *g = ground_new(0);
		struct lull_ground *want = ground_new(0);
		enum lull_drop drop = drop_row[i].drop;

		want->drops[drop] = 2;
		if (drop_row[i].counter < LULL_COUNTERS)
			want->count[drop_row[i].counter] = 2;
		assert_int_equal(lull_drop_counter(drop), drop_row[i].counter);
		lull_drop(g, drop);
		lull_drop(g, drop);
		assert_memory_equal(g, want, sizeof *g);
		free(want);
		free(g);
	}
	assert_int_equal(lull_drop_counter(LULL_DROP_NONE), LULL_COUNTERS);
}

/* A few by hand, by what Linux's counters mean. */
static void test_drops_by_hand(void **state)
{
	static const struct {
		enum lull_drop drop;
		enum lull_counter_id counter;
	} row[] = {
		{LULL_DROP_IP_CHECKSUM, LULL_COUNT_IP_IN_HDR_ERRORS},
		{LULL_DROP_IP_NOT_OURS, LULL_COUNT_IP_IN_ADDR_ERRORS},
		{LULL_DROP_IP_PROTOCOL, LULL_COUNT_IP_IN_UNKNOWN_PROTOS},
		{LULL_DROP_TCP_CHECKSUM, LULL_COUNT_IN_CSUM_ERRORS},
		{LULL_DROP_TCP_HEADER, LULL_COUNT_IN_ERRS},
		{LULL_DROP_PAWS, LULL_COUNT_PAWS_ESTAB},
		{LULL_DROP_TIME_WAIT_PAWS, LULL_COUNT_PAWS_TIMEWAIT},
		{LULL_DROP_LISTEN_ACCEPT_FULL, LULL_COUNT_LISTEN_OVERFLOWS},
		{LULL_DROP_ICMP_NOT_IN_FLIGHT, LULL_COUNT_OUT_OF_WINDOW_ICMPS},
		{LULL_DROP_SEQ, LULL_COUNTERS},
		{LULL_DROP_CLOSED, LULL_COUNTERS},
	};

	for (uint32_t r = 0; r < ARRAY_LEN(row); r++)
		assert_int_equal(lull_drop_counter(row[r].drop),
				 row[r].counter);
}

static void test_count(void **state)
{
	struct lull_ground *g = ground_new(0);

	lull_count(g, LULL_COUNT_TW);
	lull_count(g, LULL_COUNT_TW);
	lull_count(g, LULL_COUNT_DRAINED);
	assert_int_equal(g->count[LULL_COUNT_TW], 2);
	assert_int_equal(g->count[LULL_COUNT_DRAINED], 1);
	free(g);
}

/* A name and a help for each, short enough for diag.h, and none twice. */
static void test_names(void **state)
{
	struct lull_counter c;
	struct lull_trace_record r;

	for (uint32_t i = 0; i < ARRAY_LEN(drop_row); i++) {
		assert_true(strlen(drop_row[i].name) > 0);
		assert_true(strlen(drop_row[i].name) < sizeof c.name);
		assert_true(strlen(drop_row[i].help) > 0);
		if (strlen(drop_row[i].help) >= sizeof c.help)
			fail_msg("%s: its help is cut", drop_row[i].name);
		for (uint32_t k = 0; k < i; k++)
			assert_string_not_equal(drop_row[i].name,
						drop_row[k].name);
	}
	for (uint32_t i = 0; i < ARRAY_LEN(counter_row); i++) {
		assert_true(strlen(counter_row[i].group) > 0);
		assert_true(strlen(counter_row[i].group) < sizeof c.group);
		assert_true(strlen(counter_row[i].name) > 0);
		assert_true(strlen(counter_row[i].name) < sizeof c.name);
		assert_true(strlen(counter_row[i].help) > 0);
		if (strlen(counter_row[i].help) >= sizeof c.help)
			fail_msg("%s: its help is cut", counter_row[i].name);
		for (uint32_t k = 0; k < i; k++)
			assert_false(strcmp(counter_row[i].group,
					    counter_row[k].group) == 0 &&
				     strcmp(counter_row[i].name,
					    counter_row[k].name) == 0);
	}
	/* They stand in one byte each. */
	assert_true(LULL_DROPS <= 1U << 8 * sizeof r.what);
	assert_true(LULL_COUNTERS < 256);
}

/* ---- the trace ring ---- */

static const struct lull_tuple tuple = {
	.local = {.b = {[10] = 0xff, 0xff, 192, 0, 2, 1}},
	.remote = {.b = {[10] = 0xff, 0xff, 198, 51, 100, 2}},
	.lport = 80,
	.rport = 40000,
};

static void assert_flow(const struct lull_trace_record *r)
{
	assert_true(lull_addr_eq(&r->local.addr, &tuple.local));
	assert_true(lull_addr_eq(&r->remote.addr, &tuple.remote));
	assert_int_equal(r->local.port, 80);
	assert_int_equal(r->remote.port, 40000);
}

static void test_trace(void **state)
{
	struct lull_ground *g = ground_new(77);
	struct lull_trace_record ring[4], *r;

	memset(ring, 0xa5, sizeof ring);
	g->trace.ring = ring;
	g->trace.mask = 3;
	lull_trace_state(g, &tuple, LULL_TCP_FIN_WAIT_2, LULL_TCP_TIME_WAIT,
			 0xfffffff0, 17);
	assert_int_equal(g->trace.next, 1);
	r = &ring[0];
	assert_int_equal(r->kind, LULL_TRACE_STATE);
	assert_int_equal(r->from, LULL_TCP_FIN_WAIT_2);
	assert_int_equal(r->to, LULL_TCP_TIME_WAIT);
	assert_int_equal(r->what, 0);
	assert_int_equal(r->seq, 0xfffffff0);
	assert_int_equal(r->ack, 17);
	assert_int_equal(r->now_ns, 77);
	assert_flow(r);
	(void)lull_ground_time(g, 99);
	lull_drop_at(g, LULL_DROP_TIME_WAIT_PAWS, &tuple, 5, 6);
	assert_int_equal(g->trace.next, 2);
	r = &ring[1];
	assert_int_equal(r->kind, LULL_TRACE_DROP);
	assert_int_equal(r->from, 0);
	assert_int_equal(r->to, 0);
	assert_int_equal(r->what, LULL_DROP_TIME_WAIT_PAWS);
	assert_int_equal(r->seq, 5);
	assert_int_equal(r->ack, 6);
	assert_int_equal(r->now_ns, 99);
	assert_flow(r);
	assert_int_equal(g->drops[LULL_DROP_TIME_WAIT_PAWS], 1);
	assert_int_equal(g->count[LULL_COUNT_PAWS_TIMEWAIT], 1);
	/* One without a flow is counted, and not traced. */
	lull_drop(g, LULL_DROP_IP_SHORT);
	assert_int_equal(g->trace.next, 2);
	free(g);
}

/* It goes round, and what was oldest is written over. */
static void test_trace_wraps(void **state)
{
	struct lull_ground *g = ground_new(0);
	struct lull_trace_record ring[8 + 1];

	memset(&ring[8], 0xa5, sizeof ring[8]);
	g->trace.ring = ring;
	g->trace.mask = 7;
	for (uint32_t n = 0; n < 1000; n++) {
		lull_drop_at(g, LULL_DROP_SEQ, &tuple, n, n);
		assert_int_equal(g->trace.next, n + 1);
		for (uint32_t k = n < 7 ? 0 : n - 7; k <= n; k++)
			assert_int_equal(ring[k & 7].seq, k);
	}
	for (uint32_t i = 0; i < sizeof ring[8]; i++)
		assert_int_equal(((uint8_t *)&ring[8])[i], 0xa5);
	assert_int_equal(g->drops[LULL_DROP_SEQ], 1000);
	free(g);
}

static void test_no_trace(void **state)
{
	struct lull_ground *g = ground_new(0);

	lull_trace_state(g, &tuple, LULL_TCP_LISTEN, LULL_TCP_CLOSED, 1, 2);
	lull_drop_at(g, LULL_DROP_PAWS, &tuple, 1, 2);
	assert_int_equal(g->trace.next, 0);
	assert_int_equal(g->drops[LULL_DROP_PAWS], 1);
	assert_int_equal(g->count[LULL_COUNT_PAWS_ESTAB], 1);
	free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seq),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_leap),
		cmocka_unit_test(test_in_ms),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_drops_by_hand),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_trace_wraps),
		cmocka_unit_test(test_no_trace),
	};

	return RUN("ground", tests);
}
