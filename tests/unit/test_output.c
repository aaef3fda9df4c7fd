/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_output.c: the sender: what goes when: 3.7.4 (Nagle), 3.8.6 (windows,
 * probes), RFC 5681, 6928 (congestion window). How frames are built is
 * test_frames.c's.
 */
#include "rig.h"

enum {
	MSS = 1460,
	RTO_MS = RIG_RTO_MS,
	PERSIST = LULL_ROW_TIMER_PERSIST,
};

static const struct rig_config plain = {.rtt_ms = 1};
static const struct rig_config wide = {.wscale = true}; /* 2.5 MB */

static void established(struct rig *r, const struct rig_config *config,
			uint16_t wnd)
{
	rig_open(r, config);
	rig_knob(r, "net.ipv4.tcp_congestion_control", "reno");
	r->wnd = wnd;
	rig_reach(r, LULL_TCP_ESTABLISHED, true);
	rig_ack(r); /* the window is scaled from here on */
	rig_align(r);
}

/*
 * All that comes, checked to be of the stream, which is known up to `*at`.
 * How many segments it was.
 */
static uint32_t take_text(struct rig *r, uint32_t *at)
{
	struct rig_seg out;
	uint32_t segs = 0;

	for (; rig_get(r, &out); segs++) {
		uint32_t from = out.seg.seq.v - (RIG_ISS + 1);

		assert_true(from <= *at);
		assert_true(out.seg.text_len <= sizeof out.text);
		rig_same(out.text, out.seg.text_len, from);
		*at = lull_max(*at, from + out.seg.text_len);
		if (out.seg.has_ts)
			r->tsecr = out.seg.tsval;
	}
	r->ack = lull_seq(RIG_ISS + 1 + *at);
	return segs;
}

static uint32_t expect_text(struct rig *r, uint32_t len)
{
	struct rig_seg out = rig_expect(r, LULL_ACK);

	assert_int_equal(out.seg.text_len, len);
	return out.seg.flags & LULL_PSH;
}

static struct lull_row row_of(const struct rig *r)
{
	struct lull_row row;
	uint64_t cursor = 0;

	while (lull_diag_rows(r->s, &cursor, &row, 1) == 1)
		if (row.sock.index == r->sock.index &&
		    row.state != LULL_TCP_LISTEN)
			return row;
	fail_msg("there is no row");
	return row;
}

/* ---- Nagle (3.7.4, SHLD-7, MUST-17), PSH (MUST-61) ---- */

static void nagle(void **unused)
{
	struct rig r;

	established(&r, &plain, RIG_WND);
	rig_write(&r, 100); /* nothing is out */
	assert_true(expect_text(&r, 100));
	rig_write(&r, 100);
	rig_write(&r, 200);
	rig_expect_none(&r);
	rig_write(&r, MSS); /* a whole one may always go */
	assert_false(expect_text(&r, MSS));
	rig_expect_none(&r);
	rig_ack(&r);
	assert_true(expect_text(&r, 300));
	rig_expect_none(&r);
	rig_close(&r);
}

static void nodelay(void **unused)
{
	struct rig r;

	established(&r, &plain, RIG_WND);
	rig_write(&r, 10);
	expect_text(&r, 10);
	rig_write(&r, 20);
	rig_expect_none(&r);
	rig_set(&r, LULL_OPT_NODELAY, 1); /* what waits, goes */
	rig_run(&r);
	expect_text(&r, 20);
	rig_write(&r, 30);
	expect_text(&r, 30);
	rig_write(&r, 2 * MSS + 40);
	assert_false(expect_text(&r, MSS));
	assert_false(expect_text(&r, MSS));
	assert_true(expect_text(&r, 40));
	rig_set(&r, LULL_OPT_NODELAY, 0);
	rig_write(&r, 50);
	rig_expect_none(&r);
	rig_close(&r);
}

/* Nothing more will come: FIN takes along what waits. */
static void fin_ends_nagle(void **unused)
{
	struct rig_seg out;
	struct rig r;

	established(&r, &plain, RIG_WND);
	rig_write(&r, 10);
	expect_text(&r, 10);
	rig_write(&r, 20);
	assert_int_equal(lull_sock_shutdown(r.s, r.sock, LULL_SHUT_WR), 0);
	rig_run(&r);
	out = rig_expect(&r, LULL_FIN | LULL_ACK);
	assert_int_equal(out.seg.text_len, 20);
	assert_true(out.seg.flags & LULL_PSH);
	rig_expect_none(&r);
	rig_close(&r);
}

/* Text and FIN of one run are one segment. */
static void fin_with_data(void **unused)
{
	struct rig_seg out;
	struct rig r;

	established(&r, &plain, RIG_WND);
	assert_int_equal(rig_queue(&r, MSS), MSS);
	lull_sock_close(r.s, r.sock);
	rig_run(&r);
	out = rig_expect(&r, LULL_FIN | LULL_ACK);
	assert_int_equal(out.seg.text_len, MSS);
	rig_expect_none(&r);
	rig_close(&r);
}

/* MUST-16: what the options of each segment take is not text. */
static void mss_with_timestamps(void **unused)
{
	static const struct {
		struct rig_config config;
		uint32_t mss;
	} t[] = {
		{{.v6 = false}, 1460},
		{{.ts = true}, 1448},
		{{.v6 = true}, 1440},
		{{.v6 = true, .ts = true}, 1428},
		{{.mss = 536, .ts = true}, 524},
		{{.mtu = 1280, .ts = true}, 1228},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		const struct rig_raw *raw;
		struct rig r;

		established(&r, &t[i].config, RIG_WND);
		rig_write(&r, 5000);
		raw = rig_get_raw(&r);
		assert_non_null(raw);
		assert_int_equal(raw->len - (t[i].config.v6 ? 60 : 40) -
					 (t[i].config.ts ? 12 : 0),
				 t[i].mss);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* ---- the peer's window ---- */

/* 3.8.6.2.1 (MUST-38): no crumbs of a window, and at last one all the same. */
static void no_silly_segments(void **unused)
{
	struct rig r;

	established(&r, &plain, 3000);
	rig_write(&r, 8000);
	expect_text(&r, MSS);
	expect_text(&r, MSS);
	rig_expect_none(&r); /* 80 bytes would fit */
	r.wnd = 1000;	     /* all is acknowledged; less than a half of 3000 */
	rig_ack(&r);
	rig_expect_none(&r);
	rig_pass_ms(&r, RTO_MS); /* the override timeout: up to a second */
	expect_text(&r, 1000);
	rig_discard(&r);
	r.wnd = 1500; /* a half */
	rig_ack(&r);
	expect_text(&r, MSS);
	r.wnd = 2000;
	rig_ack(&r);
	expect_text(&r, MSS);
	rig_expect_none(&r);
	rig_close(&r);
}

/* As Linux: text or a probe, not both. */
static void no_probe_with_text(void **unused)
{
	struct rig r;

	established(&r, &plain, 3000);
	rig_write(&r, 8000);
	expect_text(&r, MSS);
	expect_text(&r, MSS);
	r.wnd = 1000;
	rig_ack(&r);
	rig_pass_ms(&r, RTO_MS);
	expect_text(&r, 1000);
	rig_expect_none(&r);
	assert_int_equal(rig_count(&r, LULL_COUNT_WIN_PROBE), 0);
	rig_close(&r);
}

/* A window that was never larger than half a segment: a half of that goes. */
static void small_windows(void **unused)
{
	struct rig r;

	established(&r, &plain, 600);
	rig_write(&r, 5000);
	expect_text(&r, 600);
	rig_expect_none(&r);
	r.wnd = 300;
	rig_ack(&r);
	expect_text(&r, 300);
	r.wnd = 299;
	rig_ack(&r);
	rig_expect_none(&r);
	r.wnd = 600;
	rig_ack(&r);
	expect_text(&r, 600);
	rig_close(&r);
}

/* 3.8.6.2.1 (3): with Nagle, only when nothing is out. */
static void nagle_with_small_windows(void **unused)
{
	struct rig r;

	established(&r, &plain, 1000);
	rig_write(&r, 200);
	expect_text(&r, 200);
	rig_write(&r, 600);
	rig_expect_none(&r);
	rig_ack(&r);
	expect_text(&r, 600);
	rig_close(&r);
}

/* MUST-34, SHLD-15: the right edge moved back over what is out already. */
static void shrunken_window(void **unused)
{
	uint32_t at = 2 * MSS;
	struct rig r;

	established(&r, &plain, 5 * MSS);
	rig_write(&r, 10 * MSS);
	assert_int_equal(rig_discard(&r), 5);
	r.ack = lull_seq(RIG_ISS + 1 + 2 * MSS);
	r.wnd = MSS; /* two are beyond it now */
	rig_ack(&r);
	rig_expect_none(&r);
	/* SHLD-16: the one within it is sent again. */
	rig_pass_ms(&r, 300);
	assert_true(take_text(&r, &at) >= 1);
	r.ack = lull_seq(RIG_ISS + 1 + 5 * MSS);
	r.wnd = 5 * MSS;
	rig_ack(&r);
	at = 5 * MSS;
	assert_true(take_text(&r, &at) >= 1);
	rig_close(&r);
}

/* 3.10.7.4: an old segment says nothing of the window. */
static void old_segments_move_no_window(void **unused)
{
	struct rig r;

	established(&r, &plain, 2000);
	rig_feed(&r, 100);
	rig_feed(&r, 100);
	rig_discard(&r);
	/* An old SEQ, with the newest ACK. */
	r.wnd = 7777;
	rig_put(&r, LULL_ACK, lull_seq(r.seq.v - 100), r.ack, NULL, 100);
	rig_put(&r, LULL_ACK, lull_seq(r.seq.v - 50), r.ack, NULL, 50);
	assert_int_equal(rig_tcb(&r)->snd.wnd, 2000);
	/* The newest SEQ, with an old ACK. */
	rig_discard(&r);
	rig_write(&r, 500);
	rig_expect(&r, LULL_ACK);
	r.wnd = 2000;
	rig_ack(&r);
	r.wnd = 6666;
	rig_put(&r, LULL_ACK, r.seq, lull_seq(r.ack.v - 500), NULL, 0);
	assert_int_equal(rig_tcb(&r)->snd.wnd, 2000);
	rig_ack(&r);
	assert_int_equal(rig_tcb(&r)->snd.wnd, 6666);
	rig_close(&r);
}

/* Nor one that was overtaken: SND.WL1. */
static void overtaken_segments_move_no_window(void **unused)
{
	struct rig r;

	established(&r, &plain, 2000);
	r.wnd = 3000;
	rig_put(&r, LULL_ACK, lull_seq_add(r.seq, 100), r.ack, NULL, 100);
	assert_int_equal(rig_tcb(&r)->snd.wnd, 3000);
	r.wnd = 9000;
	rig_put(&r, LULL_ACK, r.seq, r.ack, NULL, 100);
	assert_int_equal(rig_tcb(&r)->snd.wnd, 3000);
	r.seq = lull_seq_add(r.seq, 200);
	rig_ack(&r);
	assert_int_equal(rig_tcb(&r)->snd.wnd, 9000);
	rig_discard(&r);
	rig_close(&r);
}

/* ---- probes (3.8.6.1) ---- */

static void expect_probe(struct rig *r)
{
	struct lull_seq una = rig_tcb(r)->snd.una, ack = r->ack;
	struct rig_seg out = rig_expect(r, LULL_ACK);

	/* As Linux: below the window, so that it must be answered. */
	assert_int_equal(out.seg.seq.v, una.v - 1);
	assert_int_equal(out.seg.text_len, 0);
	r->ack = ack;
}

static void shut_window(struct rig *r, uint32_t len)
{
	established(r, &plain, RIG_WND);
	r->wnd = 0;
	rig_ack(r);
	rig_write(r, len);
	rig_expect_none(r);
}

/* SHLD-29, SHLD-30, MUST-37: doubled to tcp_rto_max, and for ever. */
static void zero_window_probes(void **unused)
{
	uint32_t wait_ms = RTO_MS, at = 0;
	struct rig r;

	shut_window(&r, 3000);
	assert_int_equal(row_of(&r).timer, PERSIST);
	assert_int_equal(row_of(&r).timer_ms, RTO_MS);
	for (int i = 0; i < 100; i++) {
		rig_pass_ms(&r, wait_ms - 1);
		rig_expect_none(&r);
		rig_pass_ms(&r, 1);
		expect_probe(&r);
		assert_int_equal(rig_count(&r, LULL_COUNT_WIN_PROBE), i + 1);
		rig_ack(&r);
		rig_expect_none(&r);
		wait_ms = lull_min(2 * wait_ms, 120000);
	}
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	assert_int_equal(rig_news(&r), 0);
	r.wnd = 5000;
	rig_ack(&r);
	assert_int_equal(take_text(&r, &at), 3);
	assert_int_equal(at, 3000);
	rig_close(&r);
}

/* The window opens and shuts again: the interval begins anew. */
static void probes_begin_anew(void **unused)
{
	struct rig r;

	shut_window(&r, 5000);
	for (uint32_t ms = RTO_MS; ms <= 16 * RTO_MS; ms *= 2) {
		rig_pass_ms(&r, ms);
		expect_probe(&r);
		rig_ack(&r);
	}
	r.wnd = MSS;
	rig_ack(&r);
	expect_text(&r, MSS);
	r.wnd = 0;
	rig_ack(&r);
	rig_pass_ms(&r, RTO_MS - 1);
	rig_expect_none(&r);
	rig_pass_ms(&r, 1);
	expect_probe(&r);
	rig_close(&r);
}

/* Open, but too little: the override timeout, however long it was shut. */
static void window_opens_a_crack(void **unused)
{
	struct rig r;

	shut_window(&r, 5000);
	for (uint32_t ms = RTO_MS; ms <= 16 * RTO_MS; ms *= 2) {
		rig_pass_ms(&r, ms);
		expect_probe(&r);
		rig_ack(&r);
	}
	r.wnd = 100;
	rig_ack(&r);
	rig_expect_none(&r);
	rig_pass_ms(&r, RTO_MS);
	expect_text(&r, 100);
	rig_discard(&r);
	rig_close(&r);
}

/* Nobody answers: tcp_retries2 probes, and ETIMEDOUT. */
static void probes_unanswered(void **unused)
{
	int probes = 0;
	struct rig r;

	shut_window(&r, 3000);
	for (int s = 0; s < 3600 && !r.error; s++) {
		rig_pass_ms(&r, 1000);
		probes += rig_discard(&r);
	}
	assert_int_equal(probes, 15);
	assert_int_equal(r.error, -ETIMEDOUT);
	assert_int_equal(rig_count(&r, LULL_COUNT_ABORT_ON_TIMEOUT), 1);
	rig_close(&r);
}

/* Closed by the program, a shut window does not keep it for ever. */
static void orphan_with_zero_window_ends(void **unused)
{
	struct rig_seg out;
	uint32_t s;
	struct rig r;

	shut_window(&r, 3000);
	lull_sock_close(r.s, r.sock);
	for (s = 0; rig_state(&r) != LULL_TCP_CLOSED && s < 3600; s++) {
		rig_pass_ms(&r, 1000);
		while (rig_get(&r, &out)) {
			assert_int_equal(out.seg.text_len, 0);
			if (rig_state(&r) != LULL_TCP_CLOSED)
				rig_ack(&r);
		}
	}
	/* Linux's 8 retries: 102 s at least; and RFC 6429: an end. */
	assert_in_range(s, 50, 900);
	assert_int_equal(rig_count(&r, LULL_COUNT_ABORT_ON_TIMEOUT), 1);
	rig_close(&r);
}

/* F2: FIN is not sent into a shut window. */
static void fin_waits_for_the_window(void **unused)
{
	struct rig_seg out;
	struct rig r;

	shut_window(&r, 100);
	assert_int_equal(lull_sock_shutdown(r.s, r.sock, LULL_SHUT_WR), 0);
	rig_run(&r);
	rig_expect_none(&r);
	assert_int_equal(rig_state(&r), LULL_TCP_FIN_WAIT_1);
	assert_int_equal(row_of(&r).timer, PERSIST);
	rig_pass_ms(&r, RTO_MS);
	expect_probe(&r);
	r.wnd = RIG_WND;
	rig_ack(&r);
	out = rig_expect(&r, LULL_FIN | LULL_ACK);
	assert_int_equal(out.seg.text_len, 100);
	rig_close(&r);
}

/* A bare FIN waits as well. */
static void bare_fin_waits_for_the_window(void **unused)
{
	struct rig r;

	established(&r, &plain, 0);
	lull_sock_close(r.s, r.sock);
	rig_run(&r);
	rig_expect_none(&r);
	rig_pass_ms(&r, RTO_MS);
	expect_probe(&r);
	r.wnd = 1;
	rig_ack(&r);
	rig_expect(&r, LULL_FIN | LULL_ACK);
	rig_close(&r);
}

/* ---- the congestion window ---- */

/* RFC 6928 2: min(10 * MSS, max(2 * MSS, 14600)). */
static void initial_window(void **unused)
{
	static const struct {
		struct rig_config config;
		uint32_t bytes;
	} t[] = {
		{{.wscale = true}, 14600},
		{{.wscale = true, .ts = true}, 14480},
		{{.wscale = true, .mss = 536}, 5360},
		{{.wscale = true, .mss = 2000, .mtu = 9000}, 14600},
		{{.wscale = true, .mss = 8000, .mtu = 9000}, 16000},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		uint32_t bytes = 0;
		const struct rig_raw *raw;
		uint32_t hdr = t[i].config.ts ? 52 : 40;
		struct rig r;

		established(&r, &t[i].config, RIG_WND);
		rig_set(&r, LULL_OPT_SNDBUF, 1 << 20);
		rig_write(&r, 40000);
		while ((raw = rig_get_raw(&r)))
			bytes += raw->len - hdr;
		assert_int_equal(rig_tcb(&r)->cc.cwnd, t[i].bytes);
		/* Whole segments only. */
		assert_in_range(bytes, t[i].bytes - rig_tcb(&r)->opt.mss + 1,
				t[i].bytes);
		rig_close(&r);
	}
}

/* RFC 5681 3.1: a segment more for each that is acknowledged. */
static void slow_start(void **unused)
{
	uint32_t at = 0;
	struct rig r;

	established(&r, &wide, RIG_WND);
	rig_set(&r, LULL_OPT_SNDBUF, 1 << 20);
	rig_write(&r, 200 * MSS);
	assert_int_equal(take_text(&r, &at), 10);
	for (uint32_t i = 1; i <= 30; i++) {
		r.ack = lull_seq(RIG_ISS + 1 + i * MSS);
		rig_ack(&r);
		assert_int_equal(take_text(&r, &at), 2);
		assert_int_equal(rig_tcb(&r)->cc.cwnd, (10 + i) * MSS);
	}
	rig_close(&r);
}

/* RFC 5681 3.1 (3): about a segment more for each window. */
static void congestion_avoidance(void **unused)
{
	uint32_t at = 0, before;
	struct rig r;

	established(&r, &wide, RIG_WND);
	rig_set(&r, LULL_OPT_SNDBUF, 1 << 20);
	rig_write(&r, 300 * MSS);
	rig_tcb(&r)->cc.ssthresh = 10 * MSS;
	take_text(&r, &at);
	for (uint32_t round = 0; round < 5; round++) {
		uint32_t end = at;

		before = rig_tcb(&r)->cc.cwnd;
		for (uint32_t una = rig_tcb(&r)->snd.una.v;
		     una != RIG_ISS + 1 + end;) {
			una = lull_seq_lt(lull_seq(una + MSS),
					  lull_seq(RIG_ISS + 1 + end))
				      ? una + MSS
				      : RIG_ISS + 1 + end;
			r.ack = lull_seq(una);
			rig_ack(&r);
			take_text(&r, &at);
		}
		assert_in_range(rig_tcb(&r)->cc.cwnd - before, MSS * 8 / 10,
				MSS * 11 / 10);
	}
	rig_close(&r);
}

/* RFC 7661: a window that is not used says nothing of the path. */
static void unused_window_does_not_grow(void **unused)
{
	struct rig r;

	established(&r, &wide, RIG_WND);
	for (int i = 0; i < 50; i++) {
		rig_write(&r, MSS);
		expect_text(&r, MSS);
		rig_ack(&r);
	}
	assert_int_equal(rig_tcb(&r)->cc.cwnd, 10 * MSS);
	rig_close(&r);
}

/* RFC 2861 2.1: half of it for each RTO, not below the first window; and from
 * RFC 5681 4.1 the pause that it takes. */
static void idle_restart(void **unused)
{
	static const struct {
		const char *knob;
		uint32_t pause_ms, halvings;
	} t[] = {
		{"1", 150, 0},	{"1", 250, 1},	{"1", 450, 2},
		{"1", 5000, 9}, {"0", 5000, 0},
	};

	for (uint32_t k = 0; k < ARRAY_LEN(t); k++) {
		uint32_t at = 0, cwnd;
		struct rig r;

		established(&r, &wide, RIG_WND);
		rig_set(&r, LULL_OPT_SNDBUF, 1 << 20);
		rig_knob(&r, "net.ipv4.tcp_slow_start_after_idle", t[k].knob);
		rig_write(&r, 80 * MSS);
		for (uint32_t i = 1; i <= 80; i++) {
			take_text(&r, &at);
			r.ack = lull_seq(RIG_ISS + 1 + i * MSS);
			rig_ack(&r);
		}
		cwnd = rig_tcb(&r)->cc.cwnd / MSS;
		assert_true(cwnd >= 44);
		rig_pass_ms(&r, t[k].pause_ms);
		rig_write(&r, 100 * MSS);
		assert_int_equal(take_text(&r, &at),
				 lull_max(cwnd >> t[k].halvings, 10));
		/* What it had is soon found again. */
		if (t[k].halvings > 0)
			assert_true(rig_tcb(&r)->cc.ssthresh >=
				    cwnd * 3 / 4 * MSS);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nagle),
		cmocka_unit_test(nodelay),
		cmocka_unit_test(fin_ends_nagle),
		cmocka_unit_test(fin_with_data),
		cmocka_unit_test(mss_with_timestamps),
		cmocka_unit_test(no_silly_segments),
		cmocka_unit_test(no_probe_with_text),
		cmocka_unit_test(small_windows),
		cmocka_unit_test(nagle_with_small_windows),
		cmocka_unit_test(shrunken_window),
		cmocka_unit_test(old_segments_move_no_window),
		cmocka_unit_test(overtaken_segments_move_no_window),
		cmocka_unit_test(zero_window_probes),
		cmocka_unit_test(probes_begin_anew),
		cmocka_unit_test(window_opens_a_crack),
		cmocka_unit_test(probes_unanswered),
		cmocka_unit_test(orphan_with_zero_window_ends),
		cmocka_unit_test(fin_waits_for_the_window),
		cmocka_unit_test(bare_fin_waits_for_the_window),
		cmocka_unit_test(initial_window),
		cmocka_unit_test(slow_start),
		cmocka_unit_test(congestion_avoidance),
		cmocka_unit_test(unused_window_does_not_grow),
		cmocka_unit_test(idle_restart),
	};

	return RUN("output", tests);
}
