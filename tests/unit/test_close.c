/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_close.c: how connections end: 3.6, 3.10.4, 3.10.5, figures 12 and 13,
 * RFC 2525 2.17; and what the program learns (MUST-12). E and A are what Linux
 * was seen to do.
 */
#include "rig.h"

enum {
	MSS = 1460,
	RTO_MS = RIG_RTO_MS,
	TIMEWAIT_MS = 60000,
};

static const struct rig_config plain = {.rtt_ms = 1};
static const struct rig_config linux_like = {.profile = LULL_PROFILE_LINUX};

static void reach(struct rig *r, const struct rig_config *config,
		  enum lull_tcp_state state, bool held)
{
	rig_open(r, config);
	rig_reach(r, state, held);
	rig_news(r);
	rig_align(r);
}

/* The program closes; what comes first. */
static void close_now(struct rig *r)
{
	lull_sock_close(r->s, r->sock);
	rig_run(r);
}

static void expect_state(const struct rig *r, enum lull_tcp_state state)
{
	if (rig_state(r) != state)
		fail_msg("it is %s, not %s", lull_state_name(rig_state(r)),
			 lull_state_name(state));
}

static void linger(struct rig *r, int32_t seconds)
{
	struct lull_linger l = {1, seconds};

	assert_int_equal(
		lull_sock_set(r->s, r->sock, LULL_OPT_LINGER, &l, sizeof l), 0);
}

static uint64_t states_of(const struct rig *r, enum lull_tcp_state state)
{
	uint64_t count[LULL_TCP_STATES];

	lull_diag_states(r->s, count);
	return count[state];
}

/* ---- four segments ---- */

/* Figure 12, TCP Peer A: we close first, and keep TIME_WAIT (MUST-13). */
static void we_close_first(void **unused)
{
	struct rig_seg fin, ack;
	struct rig r;

	reach(&r, &plain, LULL_TCP_ESTABLISHED, true);
	lull_sock_close(r.s, r.sock);
	expect_state(&r, LULL_TCP_FIN_WAIT_1); /* at once, unsent */
	rig_expect_none(&r);
	rig_run(&r);
	fin = rig_expect(&r, LULL_FIN | LULL_ACK);
	assert_int_equal(fin.seg.seq.v, RIG_ISS + 1);
	assert_int_equal(fin.seg.ack.v, RIG_PEER_ISS + 1);
	rig_ack(&r);
	expect_state(&r, LULL_TCP_FIN_WAIT_2);
	assert_int_equal(r.s->tcp.tcbs.used, 0); /* a record is enough */
	rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
	ack = rig_expect(&r, LULL_ACK);
	assert_int_equal(ack.seg.seq.v, RIG_ISS + 2);
	assert_int_equal(ack.seg.ack.v, RIG_PEER_ISS + 2);
	expect_state(&r, LULL_TCP_TIME_WAIT);
	rig_pass_ms(&r, TIMEWAIT_MS - 1);
	expect_state(&r, LULL_TCP_TIME_WAIT);
	rig_pass_ms(&r, 1);
	expect_state(&r, LULL_TCP_CLOSED);
	rig_expect_none(&r);
	rig_close(&r);
}

/* Figure 12, TCP Peer B: the peer is first, and nothing remains with us. */
static void peer_closes_first(void **unused)
{
	struct rig_seg fin;
	char byte;
	struct rig r;

	reach(&r, &plain, LULL_TCP_ESTABLISHED, true);
	rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
	assert_int_equal(rig_expect(&r, LULL_ACK).seg.ack.v, RIG_PEER_ISS + 2);
	expect_state(&r, LULL_TCP_CLOSE_WAIT);
	assert_int_equal(rig_news(&r), LULL_EVENT_READ | LULL_EVENT_EOF);
	assert_int_equal(rig_read(&r, &byte, 1), 0);
	rig_pass_ms(&r, 24 * 3600 * 1000); /* as long as the program likes */
	rig_expect_none(&r);
	expect_state(&r, LULL_TCP_CLOSE_WAIT);
	lull_sock_close(r.s, r.sock);
	expect_state(&r, LULL_TCP_LAST_ACK);
	rig_run(&r);
	fin = rig_expect(&r, LULL_FIN | LULL_ACK);
	assert_int_equal(fin.seg.seq.v, RIG_ISS + 1);
	assert_int_equal(fin.seg.ack.v, RIG_PEER_ISS + 2);
	rig_ack(&r);
	expect_state(&r, LULL_TCP_CLOSED);
	rig_expect_none(&r);
	assert_int_equal(rig_count(&r, LULL_COUNT_TW), 0);
	rig_close(&r);
}

/* Figure 13, E13: both FINs cross; CLOSING, and TIME_WAIT on both ends. */
static void simultaneous_close(void **unused)
{
	struct lull_row row;
	uint64_t cursor = (uint64_t)2 << 32; /* connections */
	struct rig r;

	reach(&r, &plain, LULL_TCP_ESTABLISHED, true);
	close_now(&r);
	rig_expect(&r, LULL_FIN | LULL_ACK);
	rig_put(&r, LULL_FIN | LULL_ACK, r.seq, lull_seq(RIG_ISS + 1), NULL, 0);
	r.seq = lull_seq_add(r.seq, 1);
	assert_int_equal(rig_expect(&r, LULL_ACK).seg.ack.v, r.seq.v);
	expect_state(&r, LULL_TCP_CLOSING);
	assert_int_equal(lull_diag_rows(r.s, &cursor, &row, 1), 1);
	assert_int_equal(row.wqueue, 1);
	assert_int_equal(row.timer, LULL_ROW_TIMER_ON);
	/* Ours goes again; so does the peer's. */
	rig_expect_after(&r, RTO_MS, LULL_FIN | LULL_ACK);
	rig_put(&r, LULL_FIN | LULL_ACK, lull_seq(r.seq.v - 1),
		lull_seq(RIG_ISS + 1), NULL, 0);
	rig_expect(&r, LULL_ACK);
	expect_state(&r, LULL_TCP_CLOSING);
	rig_put(&r, LULL_ACK, r.seq, lull_seq(RIG_ISS + 2), NULL, 0);
	expect_state(&r, LULL_TCP_TIME_WAIT);
	rig_expect_none(&r);
	rig_close(&r);
}

/* E12: FIN and the ACK of ours in one: FIN_WAIT_1 to TIME_WAIT. */
static void fin_and_ack_in_one(void **unused)
{
	for (int held = 0; held < 2; held++) {
		struct rig r;

		reach(&r, &plain, LULL_TCP_FIN_WAIT_1, held);
		rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
		assert_int_equal(rig_expect(&r, LULL_ACK).seg.ack.v, r.seq.v);
		expect_state(&r, LULL_TCP_TIME_WAIT);
		assert_int_equal(rig_news(&r),
				 held ? LULL_EVENT_READ | LULL_EVENT_EOF : 0);
		rig_close(&r);
	}
}

/* C1: all that is queued is delivered, then FIN; lost parts again. */
static void close_delivers_first(void **unused)
{
	struct rig_seg out;
	uint32_t at = 0;
	struct rig r;

	reach(&r, &plain, LULL_TCP_ESTABLISHED, true);
	rig_set(&r, LULL_OPT_SNDBUF, 100000);
	assert_int_equal(rig_queue(&r, 50000), 50000);
	close_now(&r);
	expect_state(&r, LULL_TCP_FIN_WAIT_1);
	for (int turn = 0; rig_state(&r) == LULL_TCP_FIN_WAIT_1; turn++) {
		assert_true(turn < 1000);
		while (rig_get(&r, &out)) {
			if (turn % 5 == 3) /* lost */
				continue;
			if (out.seg.seq.v != RIG_ISS + 1 + at)
				continue;
			rig_same(out.text, out.seg.text_len, at);
			at += out.seg.text_len;
			r.ack = lull_seq_add(out.seg.seq,
					     lull_seg_len(&out.seg));
		}
		rig_ack(&r);
		rig_pass_ms(&r, 100);
	}
	assert_int_equal(at, 50000);
	assert_int_equal(r.ack.v, RIG_ISS + 1 + 50000 + 1);
	expect_state(&r, LULL_TCP_FIN_WAIT_2);
	rig_discard(&r);
	rig_close(&r);
}

/* A2, C17: a FIN or its ACK was lost. */
static void fin_goes_again(void **unused)
{
	static const enum lull_tcp_state states[] = {
		LULL_TCP_FIN_WAIT_1, LULL_TCP_CLOSING, LULL_TCP_LAST_ACK};

	for (uint32_t i = 0; i < 2 * ARRAY_LEN(states); i++) {
		enum lull_tcp_state state = states[i / 2];
		uint32_t wait_ms = RTO_MS;
		struct rig_seg out;
		struct rig r;

		reach(&r, &plain, state, i % 2);
		for (int k = 0; k < 4; k++) {
			out = rig_expect_after(&r, wait_ms,
					       LULL_FIN | LULL_ACK);
			assert_int_equal(out.seg.seq.v, RIG_ISS + 1);
			wait_ms *= 2;
		}
		r.ack = lull_seq(RIG_ISS + 2);
		rig_ack(&r);
		expect_state(&r,
			     state == LULL_TCP_FIN_WAIT_1 ? LULL_TCP_FIN_WAIT_2
			     : state == LULL_TCP_CLOSING  ? LULL_TCP_TIME_WAIT
							  : LULL_TCP_CLOSED);
		rig_expect_none(&r);
		rig_close(&r);
	}
}

/* ---- half-close ---- */

/* Ours is closed: the peer may go on for as long as it likes (L5). */
static void half_close_of_ours(void **unused)
{
	struct lull_span span = {(void *)"x", 1};
	char text[64];
	struct rig r;

	reach(&r, &plain, LULL_TCP_FIN_WAIT_2, true);
	assert_int_equal(lull_sock_send(r.s, r.sock, &span, 1, 0), -EPIPE);
	for (int day = 0; day < 3; day++) {
		rig_pass_ms(&r, 24 * 3600 * 1000);
		expect_state(&r, LULL_TCP_FIN_WAIT_2);
		rig_expect_none(&r);
		rig_feed(&r, 10);
		rig_feed(&r, 10);
		assert_int_equal(rig_expect(&r, LULL_ACK).seg.ack.v, r.seq.v);
		assert_int_equal(rig_read(&r, text, 64), 20);
	}
	assert_int_equal(rig_read(&r, text, 1), -EAGAIN);
	rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
	rig_expect(&r, LULL_ACK);
	expect_state(&r, LULL_TCP_TIME_WAIT);
	assert_int_equal(rig_read(&r, text, 1), 0);
	rig_close(&r);
}

/* The peer's is closed: we may go on. */
static void half_close_of_the_peer(void **unused)
{
	struct rig_seg out;
	struct rig r;

	reach(&r, &plain, LULL_TCP_CLOSE_WAIT, true);
	for (uint32_t i = 0; i < 3; i++) {
		rig_pass_ms(&r, 24 * 3600 * 1000);
		rig_write(&r, 100);
		out = rig_expect(&r, LULL_ACK);
		rig_same(out.text, 100, i * 100);
		assert_int_equal(out.seg.ack.v, RIG_PEER_ISS + 2);
		rig_ack(&r);
	}
	assert_int_equal(rig_queue(&r, 50), 50);
	close_now(&r);
	assert_int_equal(rig_expect(&r, LULL_FIN | LULL_ACK).seg.text_len, 50);
	rig_ack(&r);
	expect_state(&r, LULL_TCP_CLOSED);
	rig_close(&r);
}

/* shutdown() twice, and close() after it: one FIN. */
static void one_fin_only(void **unused)
{
	struct rig r;

	reach(&r, &plain, LULL_TCP_FIN_WAIT_1, true);
	assert_int_equal(lull_sock_shutdown(r.s, r.sock, LULL_SHUT_WR), 0);
	assert_int_equal(lull_sock_shutdown(r.s, r.sock, LULL_SHUT_RDWR), 0);
	close_now(&r);
	rig_expect_none(&r);
	rig_ack(&r);
	expect_state(&r, LULL_TCP_FIN_WAIT_2);
	rig_expect_none(&r);
	rig_close(&r);
}

/* shutdown() in CLOSE_WAIT; the handle stays until the program is done. */
static void shutdown_in_close_wait(void **unused)
{
	struct lull_sock_info info = {.size = sizeof info};
	char byte;
	struct rig r;

	reach(&r, &plain, LULL_TCP_LAST_ACK, true);
	rig_ack(&r);
	expect_state(&r, LULL_TCP_CLOSED);
	assert_int_equal(rig_read(&r, &byte, 1), 0);
	assert_int_equal(rig_queue(&r, 1), -EPIPE);
	assert_int_equal(lull_sock_shutdown(r.s, r.sock, LULL_SHUT_WR),
			 -ENOTCONN);
	assert_int_equal(lull_sock_info(r.s, r.sock, &info), 0);
	assert_int_equal(info.state, LULL_TCP_CLOSED);
	lull_sock_close(r.s, r.sock);
	assert_int_equal(lull_sock_info(r.s, r.sock, &info), -EBADF);
	rig_close(&r);
}

/* What came in time can be read after TIME_WAIT has begun, and its end. */
static void handle_outlives_the_connection(void **unused)
{
	struct lull_sock_info info = {.size = sizeof info};
	uint8_t text[4000];
	struct rig r;

	reach(&r, &plain, LULL_TCP_FIN_WAIT_2, true);
	rig_feed(&r, 1000);
	rig_feed(&r, 1000);
	rig_discard(&r);
	rig_say(&r, LULL_FIN | LULL_ACK, "!", 1);
	rig_expect(&r, LULL_ACK);
	expect_state(&r, LULL_TCP_TIME_WAIT);
	assert_int_equal(r.s->tcp.tcbs.used, 0);
	rig_pass_ms(&r, TIMEWAIT_MS + 1000);
	expect_state(&r, LULL_TCP_CLOSED);
	assert_int_equal(rig_news(&r), LULL_EVENT_READ | LULL_EVENT_EOF);
	assert_int_equal(lull_sock_info(r.s, r.sock, &info), 0);
	assert_int_equal(info.rcv_queued, 2001);
	assert_int_equal(rig_read(&r, text, 1500), 1500);
	rig_same(text, 1500, 0);
	assert_int_equal(rig_read(&r, text, 1500), 501);
	rig_same(text, 500, 1500);
	assert_int_equal(text[500], '!');
	assert_int_equal(rig_read(&r, text, 1500), 0);
	rig_close(&r);
}

/* Closing it with unread text in TIME_WAIT says nothing more to the peer. */
static void unread_in_time_wait(void **unused)
{
	struct rig r;

	reach(&r, &plain, LULL_TCP_FIN_WAIT_2, true);
	rig_say(&r, LULL_FIN | LULL_ACK, "abc", 3);
	rig_expect(&r, LULL_ACK);
	close_now(&r);
	rig_expect_none(&r);
	expect_state(&r, LULL_TCP_TIME_WAIT);
	rig_close(&r);
}

/* ---- resets of ours ---- */

/* SHLD-3, RFC 2525 2.17, E9: what was not read is lost, and the peer knows. */
static void close_with_unread_text(void **unused)
{
	static const enum lull_tcp_state states[] = {
		LULL_TCP_ESTABLISHED, LULL_TCP_FIN_WAIT_1, LULL_TCP_FIN_WAIT_2};

	for (uint32_t i = 0; i < 2 * ARRAY_LEN(states); i++) {
		bool fin = i % 2; /* the peer has closed, too */
		struct lull_seq nxt;
		struct rig_seg out;
		struct rig r;

		reach(&r, &plain, states[i / 2], true);
		if (fin && i / 2) /* TIME_WAIT and CLOSING are others' tests */
			goto done;
		rig_feed(&r, 10);
		if (fin)
			rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
		rig_pass_ms(&r, 50);
		rig_discard(&r);
		nxt = rig_tcb(&r)->snd.nxt;
		assert_int_equal(rig_queue(&r, i / 2 ? 0 : 100),
				 i / 2 ? -EPIPE : 100);
		close_now(&r);
		out = rig_expect(&r, LULL_RST | LULL_ACK);
		assert_int_equal(out.seg.seq.v, nxt.v);
		assert_int_equal(out.seg.ack.v, r.seq.v);
		rig_expect_none(&r);
		expect_state(&r, LULL_TCP_CLOSED);
		assert_int_equal(rig_count(&r, LULL_COUNT_ABORT_ON_CLOSE), 1);
		assert_int_equal(rig_count(&r, LULL_COUNT_OUT_RSTS), 1);
		assert_int_equal(rig_count(&r, LULL_COUNT_ESTAB_RESETS),
				 i / 2 == 0);
	done:
		rig_close(&r);
	}
}

/* DESIGN 3, E8: SO_LINGER 0: RST always, whatever is queued. */
static void linger_zero(void **unused)
{
	static const enum lull_tcp_state states[] = {LULL_TCP_ESTABLISHED,
						     LULL_TCP_CLOSE_WAIT,
						     LULL_TCP_FIN_WAIT_1,
						     LULL_TCP_FIN_WAIT_2};

	for (uint32_t i = 0; i < 2 * ARRAY_LEN(states); i++) {
		bool queued = i % 2 && i / 2 < 2;
		struct rig_seg out;
		struct rig r;

		reach(&r, &plain, states[i / 2], true);
		linger(&r, 0);
		if (queued) {
			rig_write(&r, 100);
			rig_expect(&r, LULL_ACK);
			assert_int_equal(rig_queue(&r, 5000), 5000);
		}
		close_now(&r);
		out = rig_expect(&r, LULL_RST | LULL_ACK);
		assert_int_equal(out.seg.seq.v, r.ack.v);
		rig_expect_none(&r);
		expect_state(&r, LULL_TCP_CLOSED);
		assert_int_equal(rig_count(&r, LULL_COUNT_ABORT_ON_DATA), 1);
		assert_int_equal(rig_count(&r, LULL_COUNT_ABORT_ON_CLOSE), 0);
		assert_int_equal(rig_count(&r, LULL_COUNT_ESTAB_RESETS),
				 i / 2 < 2);
		assert_int_equal(rig_count(&r, LULL_COUNT_OUT_RSTS), 1);
		rig_close(&r);
	}
}

/* The program aborts in this state; was RST sent? */
static bool abort_sends(enum lull_tcp_state state, struct rig_seg *out)
{
	bool sent;
	struct rig r;

	reach(&r, &plain, state, true);
	if (state == LULL_TCP_ESTABLISHED)
		assert_int_equal(rig_queue(&r, 100), 100);
	lull_sock_abort(r.s, r.sock);
	rig_run(&r);
	sent = rig_get(&r, out);
	rig_expect_none(&r);
	assert_int_equal(rig_news(&r), 0);
	assert_int_equal(states_of(&r, state), state == LULL_TCP_TIME_WAIT);
	rig_close(&r);
	return sent;
}

/* 3.10.5: <SEQ=SND.NXT><CTL=RST> where the peer may wait for us. */
static void abort_by_state(void **unused)
{
	static const struct {
		enum lull_tcp_state state;
		bool rst;
		uint32_t nxt;
	} t[] = {
		{LULL_TCP_SYN_SENT, false, 0},
		{LULL_TCP_ESTABLISHED, true, RIG_ISS + 1},
		{LULL_TCP_FIN_WAIT_1, true, RIG_ISS + 2},
		{LULL_TCP_FIN_WAIT_2, true, RIG_ISS + 2},
		{LULL_TCP_CLOSE_WAIT, true, RIG_ISS + 1},
		{LULL_TCP_TIME_WAIT, false, 0},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig_seg out;

		if (abort_sends(t[i].state, &out) != t[i].rst)
			fail_msg("%s: %sRST", lull_state_name(t[i].state),
				 t[i].rst ? "no " : "");
		if (!t[i].rst)
			continue;
		assert_int_equal(out.seg.flags, LULL_RST | LULL_ACK);
		assert_int_equal(out.seg.seq.v, t[i].nxt);
	}
}

/* 3.10.5: both have said all: "respond with ok, delete the TCB". */
static void abort_after_both_fins(void **unused)
{
	struct rig_seg out;

	assert_false(abort_sends(LULL_TCP_CLOSING, &out));
	assert_false(abort_sends(LULL_TCP_LAST_ACK, &out));
}

/* What comes after an abort finds nobody: RST again. */
static void after_an_abort(void **unused)
{
	struct rig r;

	reach(&r, &plain, LULL_TCP_ESTABLISHED, true);
	lull_sock_close(r.s, r.listener);
	lull_sock_abort(r.s, r.sock);
	rig_run(&r);
	rig_expect(&r, LULL_RST | LULL_ACK);
	rig_feed(&r, 10);
	assert_int_equal(rig_expect(&r, LULL_RST).seg.seq.v, r.ack.v);
	rig_close(&r);
}

/* ---- resets of the peer's ---- */

/* 3.10.7.4, second; A1; Linux's EPIPE in CLOSE_WAIT. */
static void rst_by_state(void **unused)
{
	static const struct {
		enum lull_tcp_state state;
		int error, linux_error;
	} t[] = {
		{LULL_TCP_ESTABLISHED, -ECONNRESET, -ECONNRESET},
		{LULL_TCP_CLOSE_WAIT, -ECONNRESET, -EPIPE},
		{LULL_TCP_FIN_WAIT_1, -ECONNRESET, -ECONNRESET},
		{LULL_TCP_FIN_WAIT_2, -ECONNRESET, -ECONNRESET},
		{LULL_TCP_CLOSING, -ECONNRESET, -ECONNRESET},
		{LULL_TCP_LAST_ACK, -ECONNRESET, -ECONNRESET},
		{LULL_TCP_TIME_WAIT, 0, 0},
	};

	for (uint32_t i = 0; i < 4 * ARRAY_LEN(t); i++) {
		bool linux_too = i / 2 % 2;
		bool held = i % 2 || t[i / 4].state == LULL_TCP_ESTABLISHED ||
			    t[i / 4].state == LULL_TCP_CLOSE_WAIT;
		int want = linux_too ? t[i / 4].linux_error : t[i / 4].error;
		struct rig_config c = linux_too ? linux_like : plain;
		int32_t error = 1;
		char byte;
		struct rig r;

		c.sysctl[0] = "net.ipv4.tcp_rfc1337=0"; /* as RFC 9293 */
		reach(&r, &c, t[i / 4].state, held);
		rig_say(&r, LULL_RST, NULL, 0);
		rig_expect_none(&r);
		expect_state(&r, LULL_TCP_CLOSED);
		assert_int_equal(r.error, held ? want : 0);
		assert_int_equal(rig_news(&r),
				 held && want ? LULL_EVENT_ERROR : 0);
		if (held) {
			assert_int_equal(lull_sock_get(r.s, r.sock,
						       LULL_OPT_ERROR, &error,
						       sizeof error),
					 0);
			assert_int_equal(error, r.error);
			/* Told once; then it is just the end. */
			assert_int_equal(rig_read(&r, &byte, 1), 0);
		}
		rig_close(&r);
	}
}

/* What had come before the RST can still be read; then the error. */
static void text_before_the_rst(void **unused)
{
	uint8_t text[200];
	struct rig r;

	reach(&r, &plain, LULL_TCP_ESTABLISHED, true);
	rig_feed(&r, 100);
	rig_say(&r, LULL_RST, NULL, 0);
	assert_int_equal(rig_read(&r, text, 60), 60);
	assert_int_equal(rig_read(&r, text + 60, 60), 40);
	rig_same(text, 100, 0);
	assert_int_equal(rig_read(&r, text, 60), -ECONNRESET);
	assert_int_equal(rig_read(&r, text, 60), 0);
	assert_int_equal(rig_queue(&r, 1), -EPIPE);
	rig_discard(&r);
	rig_close(&r);
}

/* ---- what comes after our close ---- */

/* E11: text in FIN_WAIT_1: RST, TCPAbortOnData. */
static void text_after_close_in_fin_wait_1(void **unused)
{
	for (int acks = 0; acks < 2; acks++) {
		struct rig r;

		reach(&r, &plain, LULL_TCP_FIN_WAIT_1, false);
		r.ack = lull_seq(RIG_ISS + 1 + (uint32_t)acks);
		rig_feed(&r, 10);
		assert_int_equal(rig_expect(&r, LULL_RST).seg.seq.v,
				 RIG_ISS + 1 + (uint32_t)acks);
		rig_expect_none(&r);
		expect_state(&r, LULL_TCP_CLOSED);
		assert_int_equal(rig_count(&r, LULL_COUNT_ABORT_ON_DATA), 1);
		rig_close(&r);
	}
}

/* It was sent before our FIN came there, or by somebody else: the sender's
 * program has done nothing wrong, and shall not hear of a RST. */
static void old_ack_with_text_after_close(void **unused)
{
	for (int ts = 0; ts < 2; ts++) {
		uint32_t before;
		struct rig r;

		reach(&r, &(struct rig_config){.ts = ts}, LULL_TCP_FIN_WAIT_2,
		      false);
		before = r.tsval;
		rig_put(&r, LULL_ACK, r.seq, lull_seq(r.ack.v - 1), "abc", 3);
		rig_expect(&r, LULL_ACK);
		expect_state(&r, LULL_TCP_FIN_WAIT_2);
		/* A bare one with a later stamp leaves none behind. */
		r.tsval += 1000000;
		rig_put(&r, LULL_ACK, r.seq, lull_seq(r.ack.v - 1), NULL, 0);
		rig_expect_none(&r);
		r.tsval = before;
		rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
		rig_expect(&r, LULL_ACK);
		expect_state(&r, LULL_TCP_TIME_WAIT);
		rig_close(&r);
	}
}

/* Text `ahead` of RCV.NXT for a FIN_WAIT_2 without a program. */
static void late_text(const struct rig_config *c, uint32_t ahead, uint8_t fin)
{
	struct rig r;

	reach(&r, c, LULL_TCP_FIN_WAIT_2, false);
	rig_put(&r, LULL_ACK | fin, lull_seq_add(r.seq, ahead), r.ack, NULL,
		10);
	if (rig_state(&r) != LULL_TCP_CLOSED)
		fail_msg("text %u ahead was no reason to reset", ahead);
	assert_int_equal(rig_expect(&r, LULL_RST).seg.seq.v, RIG_ISS + 2);
	rig_expect_none(&r);
	assert_int_equal(rig_count(&r, LULL_COUNT_OUT_RSTS), 1);
	assert_int_equal(rig_count(&r, LULL_COUNT_ABORT_ON_DATA), 0);
	rig_close(&r);
}

/* E10: RST, OutRsts only. */
static void text_after_close_in_fin_wait_2(void **unused)
{
	static const struct rig_config scaled = {.wscale = true};

	late_text(&plain, 0, 0);
	late_text(&plain, 0, LULL_FIN);
	late_text(&plain, 1, 0);
	late_text(&plain, 5000, 0);
	late_text(&plain, 40000, LULL_FIN);
	late_text(&scaled, 0, 0);
	late_text(&scaled, 100, LULL_FIN);
}

/* Anywhere in the window that was offered, which was scaled. */
static void text_ahead_after_close(void **unused)
{
	static const struct rig_config scaled = {.wscale = true};

	late_text(&scaled, 5000, 0);
	late_text(&scaled, 40000, LULL_FIN);
}

/* The same text again is no new one: an ACK, and the wait goes on. */
static void old_text_after_close(void **unused)
{
	static const enum lull_tcp_state states[] = {LULL_TCP_FIN_WAIT_1,
						     LULL_TCP_FIN_WAIT_2};

	for (uint32_t i = 0; i < ARRAY_LEN(states); i++) {
		struct rig r;

		reach(&r, &plain, states[i], false);
		rig_put(&r, LULL_ACK, lull_seq(r.seq.v - 10), r.ack, NULL, 10);
		assert_int_equal(rig_expect(&r, LULL_ACK).seg.ack.v, r.seq.v);
		if (states[i] == LULL_TCP_FIN_WAIT_2)
			expect_state(&r, LULL_TCP_FIN_WAIT_2);
		rig_close(&r);
	}
}

/* E15: a new SYN meets LAST_ACK: challenge, RST, and a new beginning. */
static void syn_to_last_ack(void **unused)
{
	struct lull_seq nxt;
	struct rig_seg out;
	struct rig r;

	reach(&r, &plain, LULL_TCP_LAST_ACK, false);
	nxt = r.seq;
	r.seq = lull_seq(0x40000000);
	rig_syn(&r, LULL_SYN);
	out = rig_expect(&r, LULL_ACK);
	assert_int_equal(out.seg.seq.v, RIG_ISS + 2);
	assert_int_equal(out.seg.ack.v, nxt.v);
	assert_int_equal(rig_count(&r, LULL_COUNT_CHALLENGE_ACK), 1);
	assert_int_equal(rig_count(&r, LULL_COUNT_SYN_CHALLENGE), 1);
	rig_put(&r, LULL_RST, out.seg.ack, lull_seq(0), NULL, 0);
	expect_state(&r, LULL_TCP_CLOSED);
	r.seq = lull_seq(0x40000000);
	rig_syn(&r, LULL_SYN);
	rig_expect(&r, LULL_SYN | LULL_ACK);
	rig_say(&r, LULL_RST, NULL, 0);
	rig_close(&r);
}

/* ---- handles ---- */

/* Closed is closed, also when its place has a new owner. */
static void stale_handles(void **unused)
{
	struct lull_sock old;
	struct rig r;

	reach(&r, &plain, LULL_TCP_ESTABLISHED, true);
	old = r.sock;
	lull_sock_abort(r.s, old);
	rig_run(&r);
	rig_discard(&r);
	rig_peer(&r, 4001);
	rig_shake(&r);
	assert_int_equal(r.sock.index, old.index);
	assert_int_not_equal(r.sock.gen, old.gen);
	lull_sock_close(r.s, old);
	lull_sock_abort(r.s, old);
	lull_sock_close(r.s, (struct lull_sock){0, 0});
	lull_sock_close(r.s, (struct lull_sock){r.sock.index, 0});
	lull_sock_close(r.s, (struct lull_sock){1000000, 1});
	rig_run(&r);
	rig_expect_none(&r);
	expect_state(&r, LULL_TCP_ESTABLISHED);
	assert_int_equal(states_of(&r, LULL_TCP_ESTABLISHED), 1);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(we_close_first),
		cmocka_unit_test(peer_closes_first),
		cmocka_unit_test(simultaneous_close),
		cmocka_unit_test(fin_and_ack_in_one),
		cmocka_unit_test(close_delivers_first),
		cmocka_unit_test(fin_goes_again),
		cmocka_unit_test(half_close_of_ours),
		cmocka_unit_test(half_close_of_the_peer),
		cmocka_unit_test(one_fin_only),
		cmocka_unit_test(shutdown_in_close_wait),
		cmocka_unit_test(handle_outlives_the_connection),
		cmocka_unit_test(unread_in_time_wait),
		cmocka_unit_test(close_with_unread_text),
		cmocka_unit_test(linger_zero),
		cmocka_unit_test(abort_by_state),
		cmocka_unit_test(abort_after_both_fins),
		cmocka_unit_test(after_an_abort),
		cmocka_unit_test(rst_by_state),
		cmocka_unit_test(text_before_the_rst),
		cmocka_unit_test(text_after_close_in_fin_wait_1),
		cmocka_unit_test(text_after_close_in_fin_wait_2),
		cmocka_unit_test(old_ack_with_text_after_close),
		cmocka_unit_test(text_ahead_after_close),
		cmocka_unit_test(old_text_after_close),
		cmocka_unit_test(syn_to_last_ack),
		cmocka_unit_test(stale_handles),
	};

	return RUN("close", tests);
}
