/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_pacing.c: new text leaves at a rate (pace.c): how the segments stand on
 * the wire, in virtual time.
 */
#include "rig.h"

enum {
	MSS = 1460,
};

static const struct rig_config far = {.wscale = true, .rtt_ms = 100};
static const struct rig_config near = {.wscale = true, .rtt_ms = 1};

static void many(struct lull_limits *l)
{
	l->ranges = 2048;
	l->tx_frames = 1024;
	l->bufs_2k = 2048;
}

/* Connected, with this window in congestion avoidance, past the first one. */
static void paced(struct rig *r, struct rig_config config, uint32_t segments)
{
	uint32_t first = config.link_cap ? 9 : 10;

	config.limits = many;
	rig_open(r, &config);
	rig_reach(r, LULL_TCP_ESTABLISHED, true);
	rig_ack(r); /* the window is scaled from here on */
	rig_set(r, LULL_OPT_SNDBUF, 1 << 20);
	/* A large frame has no room for more than nine of them. */
	rig_write(r, first * MSS);
	assert_int_equal(rig_discard(r), config.link_cap ? 1 : 10);
	rig_pass_ms(r, config.rtt_ms);
	r->ack = lull_seq(RIG_ISS + 1 + first * MSS);
	rig_ack(r);
	rig_tcb(r)->rtt.srtt_us = config.rtt_ms * 1000;
	rig_tcb(r)->cc.cwnd = segments * MSS;
	rig_tcb(r)->cc.ssthresh = segments * MSS;
	rig_align(r);
	rig_pass_ms(r, 50); /* what it owed is paid */
	rig_expect_none(r);
}

/* Bytes of text that come now; `*most`: of the largest frame, if it is more. */
static uint32_t take(struct rig *r, uint32_t *most)
{
	const struct rig_raw *raw;
	uint32_t bytes = 0;

	while ((raw = rig_get_raw(r))) {
		bytes += raw->len - 40;
		*most = lull_max(*most, raw->len - 40);
	}
	return bytes;
}

/* ---- the rate ---- */

/* 120 % of 100 segments in 100 ms: 1.2 each millisecond, and never more than
 * that and a segment at once. */
static void text_is_spread(void **unused)
{
	uint32_t sent, most = 0;
	struct rig r;

	paced(&r, far, 100);
	assert_int_equal(rig_queue(&r, 150 * MSS), 150 * MSS);
	rig_run(&r);
	sent = take(&r, &most);
	assert_in_range(sent, 2 * MSS, 3 * MSS);
	for (uint32_t ms = 1; ms <= 80; ms++) {
		uint32_t now;

		rig_pass_ms(&r, 1);
		now = take(&r, &most);
		assert_true(now <= 3 * MSS);
		sent += now;
		assert_in_range(sent, ms * MSS * 12 / 10,
				ms * MSS * 12 / 10 + 3 * MSS);
	}
	/* By then the window is full. */
	rig_pass_ms(&r, 10);
	sent += take(&r, &most);
	assert_int_equal(sent, 100 * MSS);
	assert_int_equal(most, MSS);
	rig_close(&r);
}

/* A slow path: less than a segment each millisecond. Two at first, then one by
 * one. */
static void slow_text_is_spread(void **unused)
{
	uint32_t most = 0;
	struct rig r;

	paced(&r, far, 10); /* 0.12 each millisecond */
	assert_int_equal(rig_queue(&r, 10 * MSS), 10 * MSS);
	rig_run(&r);
	assert_int_equal(take(&r, &most), 2 * MSS);
	for (int i = 0; i < 7; i++) {
		uint32_t ms = 0;

		do
			rig_pass_ms(&r, 1);
		while (++ms < 20 && !rig_tcb(&r)->tmr.set);
		for (ms = 1; !take(&r, &most); ms++)
			rig_pass_ms(&r, 1);
		assert_in_range(ms, 7, 9);
		assert_int_equal(most, MSS);
	}
	rig_close(&r);
}

/* What waits for its time is no zero window, and FIN goes behind it. */
static void waiting_text_is_not_persist(void **unused)
{
	uint32_t most = 0, sent = 0;
	struct rig r;

	paced(&r, far, 10);
	rig_write(&r, 2 * MSS);
	take(&r, &most);
	rig_pass_ms(&r, 3);
	r.ack = lull_seq(RIG_ISS + 1 + 12 * MSS);
	rig_write(&r, 3 * MSS);
	assert_int_equal(lull_sock_shutdown(r.s, r.sock, LULL_SHUT_WR), 0);
	rig_ack(&r);
	assert_int_equal(take(&r, &most), 0);
	assert_true(lull_timer_is_set(rig_tcb(&r), LULL_TIMER_PACE));
	assert_false(rig_tcb(&r)->flags & LULL_TCB_PERSIST);
	for (int ms = 0; ms < 40; ms++) {
		rig_pass_ms(&r, 1);
		sent += take(&r, &most);
		assert_false(rig_tcb(&r)->flags & LULL_TCB_PERSIST);
	}
	assert_int_equal(sent, 3 * MSS);
	assert_true(lull_seq_gt(rig_tcb(&r)->snd.nxt, rig_tcb(&r)->snd.end));
	rig_close(&r);
}

/* Below two milliseconds there is nothing to spread over: no timer, no wait;
 * nor when a queue of our own makes the RTT longer. */
static void short_paths_are_not_paced(void **unused)
{
	static const uint32_t srtt_us[] = {50, 1000, 50000};

	for (uint32_t i = 0; i < ARRAY_LEN(srtt_us); i++) {
		uint32_t most = 0;
		struct lull_tcb *tcb;
		struct rig r;

		paced(&r, near, 300);
		tcb = rig_tcb(&r);
		tcb->rtt.srtt_us = srtt_us[i];
		rig_write(&r, 300 * MSS);
		assert_int_equal(take(&r, &most), 300 * MSS);
		assert_false(lull_timer_is_set(tcb, LULL_TIMER_PACE));
		assert_true(lull_pace_rate(&r.s->tcp, tcb) == UINT64_MAX);
		rig_close(&r);
	}
}

/* RFC 6928: ten segments at once; what follows is paced. */
static void first_window_is_not_paced(void **unused)
{
	uint32_t most = 0;
	struct rig r;

	rig_open(&r, &far);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	rig_ack(&r);
	rig_write(&r, 10 * MSS);
	assert_int_equal(take(&r, &most), 10 * MSS);
	rig_tcb(&r)->cc.cwnd = 40 * MSS;
	rig_write(&r, 20 * MSS);
	assert_in_range(take(&r, &most), MSS, 3 * MSS);
	rig_close(&r);
}

/* A pause earns no burst. */
static void a_pause_saves_nothing(void **unused)
{
	uint32_t most = 0;
	struct rig r;

	paced(&r, far, 100);
	rig_knob(&r, "net.ipv4.tcp_slow_start_after_idle", "0");
	rig_pass_ms(&r, 3600 * 1000 * 2);
	rig_write(&r, 100 * MSS);
	assert_in_range(take(&r, &most), 2 * MSS, 3 * MSS);
	rig_close(&r);
}

/* ---- large frames ---- */

/* A millisecond's worth in one frame, and at least two segments. */
static void large_frames_are_no_bursts(void **unused)
{
	static const struct {
		uint32_t cwnd, rtt_ms, frame; /* segments */
	} t[] = {{20, 100, 2}, {100, 100, 2}, {500, 100, 6}, {300, 1, 44}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig_config c = {
			.wscale = true,
			.rtt_ms = t[i].rtt_ms,
			.link_cap = LULL_LINK_TX_GSO | LULL_LINK_TX_CSUM,
		};
		uint32_t most = 0;
		struct rig r;

		paced(&r, c, t[i].cwnd);
		rig_write(&r, 1 * MSS); /* the end of the first window */
		rig_pass_ms(&r, 50);
		rig_discard(&r);
		rig_write(&r, 200 * MSS);
		rig_pass_ms(&r, 10);
		take(&r, &most);
		assert_int_equal(most, t[i].frame * MSS);
		rig_close(&r);
	}
}

/* ---- what the program says ---- */

static int set_rate(struct rig *r, uint32_t rate)
{
	return lull_sock_set(r->s, r->sock, LULL_OPT_MAX_PACING_RATE, &rate,
			     sizeof rate);
}

/* A megabyte a second, at any RTT, paced or not; and then no limit again. */
static void rate_of_the_program(void **unused)
{
	for (int on = 0; on < 2; on++) {
		uint32_t most = 0, rate = 0, sent;
		struct rig r;

		paced(&r, near, 300);
		rig_knob(&r, "net.lull.tcp_pacing", on ? "1" : "0");
		assert_int_equal(lull_sock_get(r.s, r.sock,
					       LULL_OPT_MAX_PACING_RATE, &rate,
					       sizeof rate),
				 0);
		assert_int_equal(rate, UINT32_MAX);
		assert_int_equal(set_rate(&r, 0), -EINVAL);
		assert_int_equal(set_rate(&r, 1000000), 0);
		assert_int_equal(lull_sock_get(r.s, r.sock,
					       LULL_OPT_MAX_PACING_RATE, &rate,
					       sizeof rate),
				 0);
		assert_int_equal(rate, 1000000);
		rig_write(&r, 300 * MSS);
		sent = take(&r, &most);
		for (int ms = 1; ms <= 100; ms++) {
			rig_pass_ms(&r, 1);
			sent += take(&r, &most);
		}
		assert_in_range(sent, 100000, 100000 + 3 * MSS);
		assert_int_equal(set_rate(&r, UINT32_MAX), 0);
		rig_run(&r);
		assert_int_equal(sent + take(&r, &most), 300 * MSS);
		rig_close(&r);
	}
}

/* A segment takes longer than the clock has run for. */
static void slow_rate_soon_after_boot(void **unused)
{
	struct rig_config c = near;
	struct rig r;

	c.mtu = 65535;
	c.mss = 65495;
	rig_open(&r, &c);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	rig_ack(&r);
	rig_set(&r, LULL_OPT_SNDBUF, 1 << 20);
	rig_set(&r, LULL_OPT_NODELAY, 1);
	assert_int_equal(set_rate(&r, 1), 0);
	rig_write(&r, 50000);
	assert_int_equal(rig_expect(&r, LULL_ACK).seg.text_len, 50000);
	assert_true(r.now_ns < 65495 * 1000000000ULL);
	/* Due in 50,000 s, and up to 65,495 s early: at once. */
	rig_write(&r, 100);
	assert_int_equal(rig_expect(&r, LULL_ACK).seg.text_len, 100);
	rig_close(&r);
}

/* It is a limit: a slower path stays as slow. */
static void rate_of_the_program_is_a_limit(void **unused)
{
	struct rig r;

	paced(&r, far, 100);
	assert_int_equal(set_rate(&r, 1000000000), 0);
	assert_int_equal(lull_pace_rate(&r.s->tcp, rig_tcb(&r)),
			 100 * MSS * 12);
	assert_int_equal(set_rate(&r, 1000), 0);
	assert_int_equal(lull_pace_rate(&r.s->tcp, rig_tcb(&r)), 1000);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_spread),
		cmocka_unit_test(slow_text_is_spread),
		cmocka_unit_test(waiting_text_is_not_persist),
		cmocka_unit_test(short_paths_are_not_paced),
		cmocka_unit_test(first_window_is_not_paced),
		cmocka_unit_test(a_pause_saves_nothing),
		cmocka_unit_test(large_frames_are_no_bursts),
		cmocka_unit_test(rate_of_the_program),
		cmocka_unit_test(slow_rate_soon_after_boot),
		cmocka_unit_test(rate_of_the_program_is_a_limit),
	};

	return RUN("pacing", tests);
}
