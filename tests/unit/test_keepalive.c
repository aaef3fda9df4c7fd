/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_keepalive.c: 3.8.4 (MUST-24 to MUST-29, SHLD-12), with Linux's times
 * and options. K is what Linux was seen to do.
 */
#include "rig.h"

enum {
	IDLE_S = 7200,
	INTVL_S = 75,
	PROBES = 9,
};

static const struct rig_config plain = {.rtt_ms = 1};

static void reach(struct rig *r, enum lull_tcp_state state)
{
	rig_open(r, &plain);
	rig_reach(r, state, true);
	rig_align(r);
	rig_news(r);
}

static void keepalive(struct rig *r)
{
	reach(r, LULL_TCP_ESTABLISHED);
	rig_ack(r); /* the time counts from here */
	rig_set(r, LULL_OPT_KEEPALIVE, 1);
}

/* K1: SEQ one below SND.NXT, and no text (SHLD-12). */
static void expect_probe_after(struct rig *r, uint32_t ms)
{
	struct lull_seq acked = r->ack;
	struct rig_seg out = rig_expect_after(r, ms, LULL_ACK);

	assert_int_equal(out.seg.seq.v, acked.v - 1);
	assert_int_equal(out.seg.ack.v, r->seq.v);
	assert_int_equal(out.seg.text_len, 0);
	r->ack = acked;
}

/* MUST-25: only where it was asked for. */
static void off_by_default(void **unused)
{
	struct rig r;

	reach(&r, LULL_TCP_ESTABLISHED);
	rig_pass_ms(&r, (uint64_t)100 * 24 * 3600 * 1000);
	rig_expect_none(&r);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	rig_close(&r);
}

/* MUST-28, MUST-29: 2 h, and nine times 75 s: 2 h 11 min 15 s. */
static void nobody_there(void **unused)
{
	struct rig_seg out;
	char byte;
	struct rig r;

	keepalive(&r);
	expect_probe_after(&r, IDLE_S * 1000);
	for (int i = 1; i < PROBES; i++)
		expect_probe_after(&r, INTVL_S * 1000);
	assert_int_equal(rig_count(&r, LULL_COUNT_KEEPALIVE), PROBES);
	assert_int_equal(rig_count(&r, LULL_COUNT_WIN_PROBE), 0);
	rig_pass_ms(&r, INTVL_S * 1000 - 1);
	assert_int_equal(rig_news(&r), 0);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	rig_pass_ms(&r, 1);
	out = rig_expect(&r, LULL_RST | LULL_ACK);
	assert_int_equal(out.seg.seq.v, RIG_ISS + 1);
	assert_int_equal(rig_news(&r), LULL_EVENT_ERROR);
	assert_int_equal(r.error, -ETIMEDOUT);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	assert_int_equal(rig_count(&r, LULL_COUNT_ABORT_ON_TIMEOUT), 1);
	assert_int_equal(rig_read(&r, &byte, 1), -ETIMEDOUT);
	rig_close(&r);
}

/* K3, MUST-27: 1/1/3 by options, or by knobs; and options go first. */
static void times_can_be_set(void **unused)
{
	for (int by_knob = 0; by_knob < 3; by_knob++) {
		struct rig r;

		keepalive(&r);
		if (by_knob > 0) {
			const char *few = by_knob == 1 ? "1" : "9";

			rig_knob(&r, "net.ipv4.tcp_keepalive_time", few);
			rig_knob(&r, "net.ipv4.tcp_keepalive_intvl", few);
			rig_knob(&r, "net.ipv4.tcp_keepalive_probes",
				 by_knob == 1 ? "3" : "9");
			rig_set(&r, LULL_OPT_KEEPALIVE, 1); /* read anew */
		}
		if (by_knob != 1) {
			rig_set(&r, LULL_OPT_KEEPCNT, 3);
			rig_set(&r, LULL_OPT_KEEPINTVL, 1);
			rig_set(&r, LULL_OPT_KEEPIDLE, 1);
		}
		for (int i = 0; i < 3; i++)
			expect_probe_after(&r, 1000);
		rig_expect_after(&r, 1000, LULL_RST | LULL_ACK);
		assert_int_equal(r.error, -ETIMEDOUT);
		rig_close(&r);
	}
}

/* The peer answers: two more hours, and the count is over (MUST-29). */
static void somebody_there(void **unused)
{
	struct rig r;

	keepalive(&r);
	for (int round = 0; round < 3; round++) {
		expect_probe_after(&r, IDLE_S * 1000);
		for (int i = 1; i < PROBES; i++)
			expect_probe_after(&r, INTVL_S * 1000);
		rig_pass_ms(&r, INTVL_S * 1000 - 1);
		rig_ack(&r);
		rig_expect_none(&r);
		rig_pass_ms(&r, 1); /* the timer finds out */
		rig_pass_ms(&r, IDLE_S * 1000 - 2);
		rig_expect_none(&r);
		rig_pass_ms(&r, 1);
		assert_int_equal(rig_discard(&r), 1);
		rig_ack(&r);
	}
	assert_int_equal(rig_news(&r), 0);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	rig_close(&r);
}

/* K2: it knows nothing of us any more. */
static void somebody_else_there(void **unused)
{
	struct rig r;

	keepalive(&r);
	expect_probe_after(&r, IDLE_S * 1000);
	rig_say(&r, LULL_RST, NULL, 0);
	assert_int_equal(r.error, -ECONNRESET);
	rig_close(&r);
}

/* MUST-26: only when nothing was received for so long. */
static void traffic_puts_it_off(void **unused)
{
	uint8_t text[64];
	struct rig r;

	keepalive(&r);
	for (int i = 0; i < 5; i++) {
		rig_pass_ms(&r, IDLE_S * 1000 - 200);
		rig_feed(&r, 10);
		assert_int_equal(rig_read(&r, text, 64), 10);
		rig_pass_ms(&r, 100);
		rig_expect(&r, LULL_ACK); /* the delayed one */
		rig_expect_none(&r);
	}
	expect_probe_after(&r, IDLE_S * 1000 - 100);
	rig_close(&r);
}

/* ... and nothing is out: that has its own timer. */
static void data_in_flight_puts_it_off(void **unused)
{
	struct rig r;

	keepalive(&r);
	rig_set(&r, LULL_OPT_KEEPIDLE, 1);
	rig_knob(&r, "net.ipv4.tcp_retries2", "15");
	rig_write(&r, 10);
	rig_pass_ms(&r, 60000);
	assert_true(rig_count(&r, LULL_COUNT_TIMEOUTS) > 3);
	assert_int_equal(rig_count(&r, LULL_COUNT_KEEPALIVE), 0);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	rig_discard(&r);
	r.ack = lull_seq(RIG_ISS + 11);
	rig_ack(&r);
	rig_pass_ms(&r, 1000);
	assert_int_equal(rig_count(&r, LULL_COUNT_KEEPALIVE), 1);
	rig_discard(&r);
	rig_close(&r);
}

/* The same for text that waits for a window. */
static void shut_window_puts_it_off(void **unused)
{
	struct rig_seg out;
	struct rig r;

	keepalive(&r);
	rig_set(&r, LULL_OPT_KEEPIDLE, 1);
	r.wnd = 0;
	rig_ack(&r);
	rig_write(&r, 10);
	for (int i = 0; i < 600; i++) {
		rig_pass_ms(&r, 1000);
		while (rig_get(&r, &out))
			rig_ack(&r);
	}
	assert_int_equal(rig_count(&r, LULL_COUNT_KEEPALIVE), 0);
	assert_true(rig_count(&r, LULL_COUNT_WIN_PROBE) > 3);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	rig_close(&r);
}

/* K4: half-closed either way it is as useful, and hurts nobody that answers. */
static void half_closed(void **unused)
{
	static const enum lull_tcp_state states[] = {LULL_TCP_CLOSE_WAIT,
						     LULL_TCP_FIN_WAIT_2};

	for (uint32_t i = 0; i < ARRAY_LEN(states); i++) {
		struct rig r;

		reach(&r, states[i]);
		rig_ack(&r);
		rig_set(&r, LULL_OPT_KEEPALIVE, 1);
		rig_set(&r, LULL_OPT_KEEPIDLE, 100);
		for (int k = 0; k < 20; k++) {
			rig_pass_ms(&r, 100000);
			assert_int_equal(rig_discard(&r), 1);
			rig_ack(&r);
		}
		assert_int_equal(rig_state(&r), states[i]);
		rig_pass_ms(&r, 100000 + PROBES * INTVL_S * 1000);
		assert_int_equal(r.error, -ETIMEDOUT);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* MUST-24: switched on and off, also before the connection stands. */
static void switched(void **unused)
{
	struct rig r;

	keepalive(&r);
	rig_set(&r, LULL_OPT_KEEPIDLE, 10);
	expect_probe_after(&r, 10000);
	rig_set(&r, LULL_OPT_KEEPALIVE, 0);
	rig_pass_ms(&r, 10000000);
	rig_expect_none(&r);
	rig_ack(&r);
	rig_set(&r, LULL_OPT_KEEPALIVE, 1);
	expect_probe_after(&r, 10000);
	rig_close(&r);

	reach(&r, LULL_TCP_SYN_SENT);
	rig_set(&r, LULL_OPT_KEEPIDLE, 3);
	rig_set(&r, LULL_OPT_KEEPALIVE, 1);
	rig_pass_ms(&r, 3500);
	assert_int_equal(rig_count(&r, LULL_COUNT_KEEPALIVE), 0);
	rig_discard(&r);
	rig_syn(&r, LULL_SYN | LULL_ACK);
	rig_expect(&r, LULL_ACK);
	rig_align(&r);
	rig_pass_ms(&r, 2999);
	rig_expect_none(&r);
	rig_pass_ms(&r, 2);
	assert_int_equal(rig_count(&r, LULL_COUNT_KEEPALIVE), 1);
	rig_discard(&r);
	rig_close(&r);
}

/* What ss shows: timer:(keepalive,...). */
static void row_shows_it(void **unused)
{
	uint64_t cursor = (uint64_t)2 << 32; /* connections */
	struct lull_row row;
	struct rig r;

	keepalive(&r);
	assert_int_equal(lull_diag_rows(r.s, &cursor, &row, 1), 1);
	assert_int_equal(row.timer, LULL_ROW_TIMER_KEEPALIVE);
	assert_int_equal(row.timer_ms, IDLE_S * 1000);
	expect_probe_after(&r, IDLE_S * 1000);
	cursor = (uint64_t)2 << 32;
	assert_int_equal(lull_diag_rows(r.s, &cursor, &row, 1), 1);
	assert_int_equal(row.retries, 1);
	assert_int_equal(row.timer_ms, INTVL_S * 1000);
	rig_close(&r);
}

/* The SYN-ACK was heard: a handshake that took long is no silence (as Linux,
 * whose timer begins with the connection). */
static void begins_with_the_connection(void **unused)
{
	struct rig r;

	reach(&r, LULL_TCP_SYN_SENT);
	rig_set(&r, LULL_OPT_KEEPALIVE, 1);
	rig_set(&r, LULL_OPT_KEEPIDLE, 20);
	rig_pass_ms(&r, 30000);
	rig_discard(&r);
	rig_syn(&r, LULL_SYN | LULL_ACK);
	rig_expect(&r, LULL_ACK);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	assert_int_equal(rig_count(&r, LULL_COUNT_KEEPALIVE), 0);
	expect_probe_after(&r, 20000);
	rig_drop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(off_by_default),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(times_can_be_set),
		cmocka_unit_test(somebody_there),
		cmocka_unit_test(somebody_else_there),
		cmocka_unit_test(traffic_puts_it_off),
		cmocka_unit_test(data_in_flight_puts_it_off),
		cmocka_unit_test(shut_window_puts_it_off),
		cmocka_unit_test(half_closed),
		cmocka_unit_test(begins_with_the_connection),
		cmocka_unit_test(switched),
		cmocka_unit_test(row_shows_it),
	};

	return RUN("keepalive", tests);
}
