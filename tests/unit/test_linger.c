/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_linger.c: connections that no program owns: SO_LINGER with a time,
 * TCP_LINGER2, tcp_fin_timeout, tcp_max_orphans, tcp_orphan_retries. E, F, L
 * and P are what Linux was seen to do.
 */
#include "rig.h"

enum {
	RTO_MS = RIG_RTO_MS,
};

static const struct rig_config plain = {.rtt_ms = 1};

static void reach(struct rig *r, const struct rig_config *config,
		  enum lull_tcp_state state, bool held)
{
	rig_open(r, config);
	rig_reach(r, state, held);
	rig_news(r);
	rig_align(r);
}

static void expect_state(const struct rig *r, enum lull_tcp_state state)
{
	if (rig_state(r) != state)
		fail_msg("it is %s, not %s", lull_state_name(rig_state(r)),
			 lull_state_name(state));
}

/* ---- SO_LINGER with a time ---- */

static void linger_close(struct rig *r, enum lull_tcp_state state, int32_t s)
{
	struct lull_linger l = {1, s}, got;

	reach(r, &plain, state, true);
	assert_int_equal(
		lull_sock_set(r->s, r->sock, LULL_OPT_LINGER, &l, sizeof l), 0);
	assert_int_equal(lull_sock_get(r->s, r->sock, LULL_OPT_LINGER, &got,
				       sizeof l),
			 0);
	assert_int_equal(got.on, 1);
	assert_int_equal(got.seconds, s);
	lull_sock_close(r->s, r->sock);
	rig_run(r);
}

/* Nobody can use it any more, but it is not given to anybody else. */
static void expect_lingering(struct rig *r)
{
	struct lull_sock_info info = {.size = sizeof info};
	char byte;

	assert_int_equal(rig_news(r), 0);
	assert_int_equal(lull_sock_info(r->s, r->sock, &info), -EBADF);
	assert_int_equal(lull_sock_recv(r->s, r->sock, &byte, 1), -EBADF);
	lull_sock_close(r->s, r->sock);
	rig_run(r);
	assert_int_equal(rig_news(r), 0);
}

/* FIN is acknowledged in time: told at once; TIME_WAIT is as ever (L1). */
static void linger_in_time(void **unused)
{
	static const struct {
		enum lull_tcp_state from, to;
	} t[] = {{LULL_TCP_ESTABLISHED, LULL_TCP_FIN_WAIT_2},
		 {LULL_TCP_CLOSE_WAIT, LULL_TCP_CLOSED}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		linger_close(&r, t[i].from, 1);
		rig_expect(&r, LULL_FIN | LULL_ACK);
		expect_lingering(&r);
		rig_pass_ms(&r, 100);
		rig_ack(&r);
		assert_int_equal(rig_news(&r), LULL_EVENT_CLOSED);
		assert_int_equal(r.error, 0);
		assert_int_equal(r.log[r.logged - 1].cookie, 2);
		expect_state(&r, t[i].to);
		if (t[i].to == LULL_TCP_FIN_WAIT_2) {
			rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
			rig_expect(&r, LULL_ACK);
			rig_pass_ms(&r, 58000);
			expect_state(&r, LULL_TCP_TIME_WAIT);
		}
		assert_int_equal(rig_news(&r), 0); /* once */
		rig_close(&r);
	}
}

/* Queued text has to be acknowledged, too, not the FIN alone. */
static void linger_waits_for_text(void **unused)
{
	struct rig_seg out;
	struct rig r;

	linger_close(&r, LULL_TCP_ESTABLISHED, 1);
	rig_discard(&r);
	rig_close(&r);

	reach(&r, &plain, LULL_TCP_ESTABLISHED, true);
	{
		struct lull_linger l = {1, 5};

		assert_int_equal(lull_sock_set(r.s, r.sock, LULL_OPT_LINGER, &l,
					       sizeof l),
				 0);
	}
	assert_int_equal(rig_queue(&r, 3000), 3000);
	lull_sock_close(r.s, r.sock);
	rig_run(&r);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rig_news(&r), 0);
		assert_true(rig_get(&r, &out));
		r.ack = lull_seq_add(out.seg.seq, lull_seg_len(&out.seg));
		rig_ack(&r);
	}
	assert_true(out.seg.flags & LULL_FIN);
	assert_int_equal(rig_news(&r), LULL_EVENT_CLOSED);
	rig_close(&r);
}

/* The time is over: told so; the connection goes on by itself (L2). */
static void linger_times_out(void **unused)
{
	struct rig r;

	linger_close(&r, LULL_TCP_ESTABLISHED, 3);
	rig_expect(&r, LULL_FIN | LULL_ACK);
	rig_pass_ms(&r, 2999);
	assert_int_equal(rig_news(&r), 0);
	rig_pass_ms(&r, 1);
	assert_int_equal(rig_news(&r), LULL_EVENT_CLOSED);
	assert_int_equal(r.error, -ETIMEDOUT);
	expect_state(&r, LULL_TCP_FIN_WAIT_1);
	rig_discard(&r);
	rig_ack(&r);
	expect_state(&r, LULL_TCP_FIN_WAIT_2);
	assert_int_equal(rig_news(&r), 0);
	rig_close(&r);
}

static void linger_is_reset(void **unused)
{
	struct rig r;

	linger_close(&r, LULL_TCP_ESTABLISHED, 3);
	rig_expect(&r, LULL_FIN | LULL_ACK);
	rig_say(&r, LULL_RST, NULL, 0);
	assert_int_equal(rig_news(&r), LULL_EVENT_CLOSED);
	assert_int_equal(r.error, -ECONNRESET);
	expect_state(&r, LULL_TCP_CLOSED);
	rig_close(&r);
}

/* All is acknowledged already: nothing to wait for. */
static void nothing_to_linger_for(void **unused)
{
	struct lull_sock_info info = {.size = sizeof info};
	struct rig r;

	linger_close(&r, LULL_TCP_FIN_WAIT_2, 3);
	assert_int_equal(lull_sock_info(r.s, r.sock, &info), -EBADF);
	assert_int_equal(r.s->tcp.users.used, 1); /* the listener's */
	expect_state(&r, LULL_TCP_FIN_WAIT_2);
	rig_pass_ms(&r, 5000);
	assert_int_equal(rig_news(&r), 0);
	rig_close(&r);
}

/* News of before the close are not told after it. */
static void linger_hushes(void **unused)
{
	struct lull_linger l = {1, 3};
	struct lull_event event;
	struct lull_frame f;
	uint8_t packet[128];
	struct rig r;

	reach(&r, &plain, LULL_TCP_ESTABLISHED, true);
	assert_int_equal(
		lull_sock_set(r.s, r.sock, LULL_OPT_LINGER, &l, sizeof l), 0);
	assert_int_equal(lull_rx_get(r.s, &f, 1), 1);
	f.len = rig_build(&r, LULL_FIN | LULL_ACK, r.seq, r.ack, NULL, 0,
			  packet);
	memcpy(f.span[0].ptr, packet, f.len);
	assert_int_equal(lull_rx_put(r.s, &f, 1), 1);
	(void)lull_shard_run(r.s, r.now_ns); /* READ and EOF wait now */
	r.seq = lull_seq_add(r.seq, 1);
	lull_sock_close(r.s, r.sock);
	assert_int_equal(lull_events_get(r.s, &event, 1), 0);
	rig_run(&r);
	rig_expect(&r, LULL_FIN | LULL_ACK);
	rig_ack(&r);
	assert_int_equal(rig_news(&r), LULL_EVENT_CLOSED);
	rig_close(&r);
}

/* ---- FIN_WAIT_2 without a program ---- */

/* tcp_fin_timeout, N3; P10: up to four seconds count as TWKilled. */
static void fin_timeout(void **unused)
{
	static const struct {
		const char *sysctl;
		uint32_t ms;
		bool killed;
	} t[] = {
		{"net.ipv4.tcp_fin_timeout=60", 60000, false},
		{"net.ipv4.tcp_fin_timeout=5", 5000, false},
		{"net.ipv4.tcp_fin_timeout=4", 4000, true},
		{"net.ipv4.tcp_fin_timeout=1", 1000, true},
		{"net.ipv4.tcp_fin_timeout=120", 120000, false},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){.sysctl = {t[i].sysctl}});
		rig_reach(&r, LULL_TCP_FIN_WAIT_1, false);
		rig_align(&r);
		rig_ack(&r);
		expect_state(&r, LULL_TCP_FIN_WAIT_2);
		assert_int_equal(rig_left_ms(&r), t[i].ms);
		rig_pass_ms(&r, t[i].ms - 1);
		expect_state(&r, LULL_TCP_FIN_WAIT_2);
		rig_pass_ms(&r, 1);
		expect_state(&r, LULL_TCP_CLOSED);
		rig_expect_none(&r);
		assert_int_equal(rig_count(&r, LULL_COUNT_TW_KILLED),
				 t[i].killed);
		assert_int_equal(rig_count(&r, LULL_COUNT_TW), !t[i].killed);
		rig_close(&r);
	}
}

/* It does nothing to TIME_WAIT (E1), nor to a FIN_WAIT_2 that is held (L5). */
static void fin_timeout_is_not_more(void **unused)
{
	static const struct rig_config five = {
		.sysctl = {"net.ipv4.tcp_fin_timeout=5"}};
	struct rig r;

	reach(&r, &five, LULL_TCP_TIME_WAIT, false);
	rig_pass_ms(&r, 59000);
	expect_state(&r, LULL_TCP_TIME_WAIT);
	rig_close(&r);
	reach(&r, &five, LULL_TCP_FIN_WAIT_2, true);
	rig_pass_ms(&r, 3600 * 1000);
	expect_state(&r, LULL_TCP_FIN_WAIT_2);
	/* From the close on it counts. */
	lull_sock_close(r.s, r.sock);
	rig_pass_ms(&r, 4999);
	expect_state(&r, LULL_TCP_FIN_WAIT_2);
	rig_pass_ms(&r, 2);
	expect_state(&r, LULL_TCP_CLOSED);
	rig_close(&r);
}

/* An ACK that is due goes first; then a record is enough. */
static void delayed_ack_and_close(void **unused)
{
	char text[16];
	struct rig r;

	reach(&r, &plain, LULL_TCP_FIN_WAIT_2, true);
	rig_feed(&r, 10);
	assert_int_equal(rig_read(&r, text, 16), 10);
	rig_expect_none(&r);
	lull_sock_close(r.s, r.sock);
	rig_run(&r);
	assert_int_equal(rig_expect(&r, LULL_ACK).seg.ack.v, r.seq.v);
	rig_expect_none(&r);
	assert_int_equal(rig_left_ms(&r), 60000);
	assert_int_equal(r.s->tcp.tcbs.used, 0);
	rig_close(&r);
}

/* L4: TCP_LINGER2 2; a FIN in time begins a whole TIME_WAIT. */
static void linger2_seconds(void **unused)
{
	for (int fin = 0; fin < 2; fin++) {
		struct rig r;

		reach(&r, &plain, LULL_TCP_ESTABLISHED, true);
		rig_set(&r, LULL_OPT_LINGER2, 2);
		lull_sock_close(r.s, r.sock);
		rig_run(&r);
		rig_expect(&r, LULL_FIN | LULL_ACK);
		rig_ack(&r);
		assert_int_equal(rig_left_ms(&r), 2000);
		rig_pass_ms(&r, 1999);
		expect_state(&r, LULL_TCP_FIN_WAIT_2);
		if (!fin) {
			rig_pass_ms(&r, 1);
			expect_state(&r, LULL_TCP_CLOSED);
		} else {
			rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
			rig_expect(&r, LULL_ACK);
			expect_state(&r, LULL_TCP_TIME_WAIT);
			assert_int_equal(rig_left_ms(&r), 60000);
		}
		rig_close(&r);
	}
}

/* L3: TCP_LINGER2 -1: no FIN_WAIT_2 at all, whenever the program closes. */
static void linger2_none(void **unused)
{
	static const enum lull_tcp_state states[] = {
		LULL_TCP_ESTABLISHED, LULL_TCP_FIN_WAIT_1, LULL_TCP_FIN_WAIT_2};

	for (uint32_t i = 0; i < ARRAY_LEN(states); i++) {
		struct rig r;

		reach(&r, &plain, states[i], true);
		rig_set(&r, LULL_OPT_LINGER2, -1);
		lull_sock_close(r.s, r.sock);
		rig_run(&r);
		if (i == 0)
			rig_expect(&r, LULL_FIN | LULL_ACK);
		if (i < 2) {
			expect_state(&r, LULL_TCP_FIN_WAIT_1);
			rig_ack(&r);
		}
		assert_int_equal(rig_expect(&r, LULL_RST | LULL_ACK).seg.seq.v,
				 RIG_ISS + 2);
		expect_state(&r, LULL_TCP_CLOSED);
		assert_int_equal(rig_count(&r, LULL_COUNT_ABORT_ON_LINGER), 1);
		rig_close(&r);
	}
}

/* ... but FIN and ACK in one leave no time for that. */
static void linger2_none_and_fin(void **unused)
{
	struct rig r;

	reach(&r, &plain, LULL_TCP_FIN_WAIT_1, true);
	rig_set(&r, LULL_OPT_LINGER2, -1);
	lull_sock_close(r.s, r.sock);
	rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
	rig_expect(&r, LULL_ACK);
	expect_state(&r, LULL_TCP_TIME_WAIT);
	assert_int_equal(rig_count(&r, LULL_COUNT_ABORT_ON_LINGER), 0);
	rig_close(&r);
}

/* ---- orphans ---- */

/* tcp_max_orphans: one more than that is reset, TCPAbortOnMemory. */
static void max_orphans(void **unused)
{
	static const struct {
		const char *sysctl;
		uint32_t n;
	} t[] = {{"net.ipv4.tcp_max_orphans=0", 0},
		 {"net.ipv4.tcp_max_orphans=1", 1},
		 {"net.ipv4.tcp_max_orphans=3", 3}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){.sysctl = {t[i].sysctl}});
		for (uint16_t k = 0; k <= t[i].n; k++) {
			rig_peer(&r, (uint16_t)(5000 + k));
			rig_shake(&r);
			lull_sock_close(r.s, r.sock);
			rig_run(&r);
			if (k < t[i].n) {
				rig_expect(&r, LULL_FIN | LULL_ACK);
				assert_int_equal(r.s->tcp.orphans, k + 1);
			}
		}
		rig_expect(&r, LULL_RST | LULL_ACK);
		expect_state(&r, LULL_TCP_CLOSED);
		assert_int_equal(rig_count(&r, LULL_COUNT_ABORT_ON_MEMORY), 1);
		assert_int_equal(r.s->tcp.orphans, t[i].n);
		rig_close(&r);
	}
}

/* A record is no orphan: as many as there are may be in FIN_WAIT_2. */
static void records_are_no_orphans(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){
			     .sysctl = {"net.ipv4.tcp_max_orphans=1"}});
	for (uint16_t k = 0; k < 5; k++) {
		rig_peer(&r, (uint16_t)(5000 + k));
		rig_shake(&r);
		lull_sock_close(r.s, r.sock);
		rig_run(&r);
		rig_expect(&r, LULL_FIN | LULL_ACK);
		rig_ack(&r);
		expect_state(&r, LULL_TCP_FIN_WAIT_2);
		assert_int_equal(r.s->tcp.orphans, 0);
	}
	assert_int_equal(rig_count(&r, LULL_COUNT_ABORT_ON_MEMORY), 0);
	rig_close(&r);
}

/* E14, F1: silently destroyed once so many timeouts are over. */
static void orphan_retries(void **unused)
{
	static const enum lull_tcp_state states[] = {
		LULL_TCP_FIN_WAIT_1, LULL_TCP_CLOSING, LULL_TCP_LAST_ACK};
	static const struct {
		const char *sysctl;
		uint32_t fins, end_ms;
	} t[] = {
		/* 3: 3.0 s are over at 201 + 402 + 804 + 1608 ms. */
		{"net.ipv4.tcp_orphan_retries=3", 3, 3015},
		{"net.ipv4.tcp_orphan_retries=1", 1, 603},
		{"net.ipv4.tcp_orphan_retries=0", 8, 102711}, /* 0 is 8 */
	};

	for (uint32_t i = 0; i < 3 * ARRAY_LEN(t); i++) {
		struct rig_config c = {.rtt_ms = 1,
				       .sysctl = {t[i / 3].sysctl}};
		uint32_t wait_ms = RTO_MS;
		struct rig r;

		reach(&r, &c, states[i % 3], false);
		for (uint32_t k = 0; k < t[i / 3].fins; k++) {
			rig_expect_after(&r, wait_ms, LULL_FIN | LULL_ACK);
			wait_ms *= 2;
		}
		rig_pass_ms(&r, wait_ms - 1);
		expect_state(&r, states[i % 3]);
		rig_pass_ms(&r, 1);
		rig_expect_none(&r);
		expect_state(&r, LULL_TCP_CLOSED);
		assert_int_equal(rig_count(&r, LULL_COUNT_ABORT_ON_TIMEOUT), 1);
		assert_int_equal((wait_ms / RTO_MS * 2 - 1) * RTO_MS,
				 t[i / 3].end_ms);
		rig_close(&r);
	}
}

/* A program that still holds it has more patience: tcp_retries2. */
static void held_ones_have_retries2(void **unused)
{
	struct rig_config c = {.rtt_ms = 1,
			       .sysctl = {"net.ipv4.tcp_orphan_retries=1"}};
	struct rig r;

	reach(&r, &c, LULL_TCP_LAST_ACK, true);
	rig_pass_ms(&r, 900 * 1000);
	expect_state(&r, LULL_TCP_LAST_ACK);
	assert_int_equal(rig_news(&r), 0);
	rig_discard(&r);
	rig_pass_ms(&r, 30 * 1000);
	assert_int_equal(rig_news(&r), LULL_EVENT_ERROR);
	assert_int_equal(r.error, -ETIMEDOUT);
	rig_discard(&r);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(linger_in_time),
		cmocka_unit_test(linger_waits_for_text),
		cmocka_unit_test(linger_times_out),
		cmocka_unit_test(linger_is_reset),
		cmocka_unit_test(nothing_to_linger_for),
		cmocka_unit_test(linger_hushes),
		cmocka_unit_test(fin_timeout),
		cmocka_unit_test(fin_timeout_is_not_more),
		cmocka_unit_test(delayed_ack_and_close),
		cmocka_unit_test(linger2_seconds),
		cmocka_unit_test(linger2_none),
		cmocka_unit_test(linger2_none_and_fin),
		cmocka_unit_test(max_orphans),
		cmocka_unit_test(records_are_no_orphans),
		cmocka_unit_test(orphan_retries),
		cmocka_unit_test(held_ones_have_retries2),
	};

	return RUN("linger", tests);
}
