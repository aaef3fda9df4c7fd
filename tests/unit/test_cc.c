/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_cc.c: congestion control: CUBIC (RFC 9438), HyStart++ (RFC 9406), which
 * one a connection has. NewReno is test_loss.c's and test_output.c's.
 *
 * Most of it feeds the algorithm ACKs, evenly spread over each RTT, as a path
 * without a queue would; what is expected comes from the RFC's formulas.
 */
#include "rig.h"

enum {
	MSS = 1460,
	SEC_US = 1000000,
};

/* A connection, and the clock of its ACKs. */
struct path {
	struct rig r;
	struct lull_tcp *t;
	struct lull_tcb *tcb;
	struct lull_cc_more *more;
	struct lull_tcb tcb_before;
	uint32_t rtt_us;
	uint64_t now_ns;
};

static void set_clock(struct path *p, uint64_t now_ns)
{
	p->now_ns = now_ns;
	(void)lull_ground_time(&p->r.s->g, now_ns);
}

static void path_open(struct path *p, const char *congestion, uint32_t rtt_ms)
{
	struct rig_config c = {.wscale = true, .rtt_ms = rtt_ms};

	memset(p, 0, sizeof *p);
	rig_open(&p->r, &c);
	rig_knob(&p->r, "net.ipv4.tcp_congestion_control", congestion);
	rig_reach(&p->r, LULL_TCP_ESTABLISHED, true);
	p->t = &p->r.s->tcp;
	p->tcb = rig_tcb(&p->r);
	p->more = &lull_tcb_cold(p->t, p->tcb)->more;
	p->tcb_before = *p->tcb;
	p->rtt_us = rtt_ms * 1000;
	set_clock(p, p->r.now_ns);
}

static void path_close(struct path *p)
{
	*p->tcb = p->tcb_before;
	p->r.now_ns = p->now_ns;
	rig_close(&p->r);
}

/* The window is full, and one more segment of it is acknowledged. */
static void one_ack(struct path *p, bool used)
{
	struct lull_tcb *tcb = p->tcb;
	struct lull_cc_ack a = {
		.bytes = MSS,
		.flight = used ? tcb->cc.cwnd : MSS,
		.rtt_us = p->rtt_us,
	};

	tcb->snd.una = lull_seq_add(tcb->snd.una, MSS);
	if (used) {
		tcb->snd.cc |= LULL_CC_FULL;
		p->more->full_end = tcb->snd.nxt;
	}
	lull_cc_acked(p->t, tcb, &a);
	tcb->snd.nxt = lull_seq_add(tcb->snd.una, tcb->cc.cwnd);
}

/* So much time of ACKs. */
static void acks_for(struct path *p, uint64_t us, bool used)
{
	uint64_t end = p->now_ns + us * 1000;

	for (;;) {
		uint64_t step =
			(uint64_t)p->rtt_us * 1000 * MSS / p->tcb->cc.cwnd;

		if (p->now_ns + step > end)
			break;
		set_clock(p, p->now_ns + step);
		one_ack(p, used);
	}
	set_clock(p, end);
}

static void one_round(struct path *p)
{
	acks_for(p, p->rtt_us, true);
}

/* A loss at this window, repaired. */
static void lose_at(struct path *p, uint32_t segments)
{
	p->tcb->cc.cwnd = segments * MSS;
	lull_cc_reduce(p->t, p->tcb, LULL_CC_LOSS, false);
	p->tcb->cc.cwnd = p->tcb->cc.ssthresh;
	p->tcb->snd.nxt = lull_seq_add(p->tcb->snd.una, p->tcb->cc.cwnd);
}

static double segments(const struct path *p)
{
	return (double)p->tcb->cc.cwnd / MSS;
}

static void expect_near(double is, double should, double off)
{
	if (is < should - off || is > should + off)
		fail_msg("%.2f segments, not %.2f", is, should);
}

/* (2): K, in seconds; Newton's way, not ours. */
static double k_of(double w_max, double cwnd)
{
	double x = (w_max - cwnd) / 0.4, k = x;

	for (int i = 0; i < 200; i++)
		k -= (k * k * k - x) / (3 * k * k);
	return k;
}

/* (1) */
static double w_of(double t, double k, double w_max)
{
	return 0.4 * (t - k) * (t - k) * (t - k) + w_max;
}

/* ---- CUBIC ---- */

/* 4.2, 4.4, 4.5: W(t) at K / 2, K and 2 K, within a segment. */
static void cubic_follows_its_curve(void **unused)
{
	static const struct {
		uint32_t segments, rtt_ms;
	} t[] = {{1000, 100}, {400, 200}, {5000, 50}, {20000, 100}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		double w = t[i].segments, k = k_of(w, 0.7 * w);
		double half_us = k / 2 * SEC_US;
		struct path p;

		path_open(&p, "cubic", t[i].rtt_ms);
		lose_at(&p, t[i].segments);
		expect_near(segments(&p), 0.7 * w, 0.1);
		one_ack(&p, true); /* the epoch begins */
		acks_for(&p, (uint64_t)half_us, true);
		expect_near(segments(&p), w_of(k / 2, k, w), 1);
		acks_for(&p, (uint64_t)half_us, true);
		expect_near(segments(&p), w, 1);
		acks_for(&p, (uint64_t)half_us, true);
		acks_for(&p, (uint64_t)half_us, true);
		expect_near(segments(&p), w_of(2 * k, k, w), 1);
		path_close(&p);
	}
}

/* 4.3: at least as fast as Reno: 9/17 of a segment each RTT up to where the
 * loss was, then one. */
static void cubic_is_no_slower_than_reno(void **unused)
{
	struct path p;

	path_open(&p, "cubic", 10);
	lose_at(&p, 100);
	for (uint32_t n = 1; n <= 100; n++) {
		double w = 70 + n * 9.0 / 17;

		one_round(&p);
		if (w > 100)
			w = 100 + (n - 30 * 17 / 9.0);
		expect_near(segments(&p), w, 2);
	}
	assert_true(segments(&p) > 140);
	path_close(&p);
}

/* 4.2: never faster than by half of it in an RTT, however late it is. */
static void cubic_growth_is_bounded(void **unused)
{
	struct path p;

	path_open(&p, "cubic", 100);
	lose_at(&p, 100);
	one_ack(&p, true);
	set_clock(&p, p.now_ns + 60000000000);
	for (int n = 0; n < 5; n++) {
		double before = segments(&p);

		one_round(&p);
		/* Each ACK by 0.5 / cwnd: e^0.5 */
		assert_true(segments(&p) <= before * 1.66);
		assert_true(segments(&p) >= before * 1.5);
	}
	path_close(&p);
}

/* 4.6: 0.7 of it is left; and never less than two segments. */
static void cubic_beta(void **unused)
{
	struct path p;

	path_open(&p, "cubic", 50);
	lose_at(&p, 1000);
	assert_int_equal(p.tcb->cc.ssthresh, 700 * MSS);
	lose_at(&p, 2);
	assert_int_equal(p.tcb->cc.ssthresh, 2 * MSS);
	path_close(&p);
}

/* 4.7: a loss below the last one: W_max is 0.85 of the window. */
static void cubic_fast_convergence(void **unused)
{
	double k = k_of(680, 560);
	struct path p;

	path_open(&p, "cubic", 100);
	lose_at(&p, 1000);
	lose_at(&p, 800);
	assert_int_equal(p.more->cubic.curve.w_max, 680 * MSS);
	assert_int_equal(p.more->cubic.curve.prior, 800 * MSS);
	one_ack(&p, true);
	acks_for(&p, (uint64_t)(k * SEC_US), true);
	expect_near(segments(&p), 680, 1);
	lose_at(&p, 900); /* above it: no more than that */
	assert_int_equal(p.more->cubic.curve.w_max, 900 * MSS);
	path_close(&p);
}

/* 4.8: slow start to ssthresh, and from there with K 0. */
static void cubic_after_a_timeout(void **unused)
{
	struct path p;

	path_open(&p, "cubic", 100);
	p.tcb->cc.cwnd = 1000 * MSS;
	lull_cc_reduce(p.t, p.tcb, LULL_CC_TIMEOUT, false);
	assert_int_equal(p.tcb->cc.cwnd, MSS);
	assert_int_equal(p.tcb->cc.ssthresh, 700 * MSS);
	lull_cc_reduce(p.t, p.tcb, LULL_CC_TIMEOUT, true);
	assert_int_equal(p.tcb->cc.ssthresh, 700 * MSS);
	for (int i = 0; i < 4; i++)
		one_round(&p);
	assert_in_range(p.tcb->cc.cwnd, 16 * MSS, 60 * MSS);
	while (p.tcb->cc.cwnd < p.tcb->cc.ssthresh)
		one_ack(&p, true);
	assert_int_equal(p.tcb->cc.cwnd, 700 * MSS);
	one_ack(&p, true);
	acks_for(&p, 5 * SEC_US, true);
	expect_near(segments(&p), w_of(5, 0, 700), 1);
	path_close(&p);
}

/* 4.2, 5.8: no growth while the program has little to say, and when it has
 * more again the curve goes on where it was. */
static void cubic_waits_while_unused(void **unused)
{
	double k = k_of(1000, 700);
	uint64_t half_us = (uint64_t)(k / 2 * SEC_US);
	struct path p;

	for (int idle = 0; idle < 2; idle++) {
		uint32_t cwnd;

		path_open(&p, "cubic", 100);
		rig_knob(&p.r, "net.ipv4.tcp_slow_start_after_idle", "0");
		lose_at(&p, 1000);
		one_ack(&p, true);
		acks_for(&p, half_us, true);
		cwnd = p.tcb->cc.cwnd;
		/* What was out when it was full still counts. */
		p.tcb->snd.cc &= (uint8_t)~LULL_CC_FULL;
		if (idle) {
			set_clock(&p, p.now_ns + 60000000000);
			lull_cc_idle(p.t, p.tcb);
		} else {
			acks_for(&p, 60 * SEC_US, false);
		}
		assert_int_equal(p.tcb->cc.cwnd, cwnd);
		acks_for(&p, half_us, true);
		expect_near(segments(&p), 1000, 1);
		path_close(&p);
	}
}

/* 4.9: all of it comes back; 4.9.2: unless the window has outgrown it. */
static void undo_restores_the_curve(void **unused)
{
	static const enum lull_cc_event event[] = {LULL_CC_LOSS,
						   LULL_CC_TIMEOUT};

	for (uint32_t i = 0; i < ARRAY_LEN(event); i++) {
		struct lull_cubic cubic;
		uint32_t cwnd, ssthresh;
		struct path p;

		path_open(&p, "cubic", 100);
		lose_at(&p, 1000);
		one_ack(&p, true);
		acks_for(&p, 4 * SEC_US, true);
		cubic = p.more->cubic;
		cwnd = p.tcb->cc.cwnd;
		ssthresh = p.tcb->cc.ssthresh;
		lull_cc_reduce(p.t, p.tcb, event[i], false);
		p.tcb->cc.cwnd = MSS;
		lull_cc_undo(p.t, p.tcb);
		assert_int_equal(p.tcb->cc.cwnd, cwnd);
		/* Equal, or above it: what it was before the mistake. */
		assert_true(p.tcb->cc.ssthresh >= ssthresh);
		assert_memory_equal(&p.more->cubic.curve, &cubic.curve,
				    sizeof cubic.curve);
		/* And goes on as if nothing had been. */
		acks_for(&p, 5085603, true);
		expect_near(segments(&p), 1000, 1);

		lull_cc_reduce(p.t, p.tcb, event[i], false);
		p.tcb->cc.cwnd = 2000 * MSS;
		cubic = p.more->cubic;
		lull_cc_undo(p.t, p.tcb);
		assert_int_equal(p.tcb->cc.cwnd, 2000 * MSS);
		assert_memory_equal(&p.more->cubic.curve, &cubic.curve,
				    sizeof cubic.curve);
		path_close(&p);
	}
}

/* A loss in the first slow start that was none: it goes on. */
static void undo_restores_slow_start(void **unused)
{
	struct path p;

	path_open(&p, "cubic", 50);
	for (int i = 0; i < 3; i++)
		one_round(&p);
	lull_cc_reduce(p.t, p.tcb, LULL_CC_LOSS, false);
	p.tcb->cc.cwnd = p.tcb->cc.ssthresh;
	lull_cc_undo(p.t, p.tcb);
	assert_int_equal(p.tcb->cc.ssthresh, LULL_CWND_MAX);
	double before = segments(&p);
	one_round(&p);
	assert_true(segments(&p) > 1.7 * before);
	path_close(&p);
}

/* ---- HyStart++ ---- */

/* A steady RTT, or one that rises by less than an eighth: no end of it. */
static void slow_start_while_the_rtt_is_steady(void **unused)
{
	struct path p;

	path_open(&p, "cubic", 50);
	for (int i = 0; i < 9; i++) {
		p.rtt_us = i < 5 ? 50000 : 56000; /* an eighth: 6250 */
		one_round(&p);
	}
	assert_true(segments(&p) > 2000);
	assert_int_equal(p.more->hystart.base_us, 0);
	assert_int_equal(p.tcb->cc.ssthresh, LULL_CWND_MAX);
	path_close(&p);
}

/* RFC 9406 4.2: an RTT that rises; a quarter as fast for five rounds; then the
 * window is found, and no segment was lost. */
static void slow_start_ends_when_the_rtt_rises(void **unused)
{
	double before;
	struct path p;

	path_open(&p, "cubic", 50);
	for (int i = 0; i < 4; i++)
		one_round(&p);
	p.rtt_us = 57000; /* an eighth is 6.25 ms */
	one_round(&p);
	assert_int_not_equal(p.more->hystart.base_us, 0);
	before = segments(&p);
	one_round(&p);
	assert_true(segments(&p) < before * 1.35);
	assert_true(segments(&p) > before * 1.15);
	assert_int_equal(p.tcb->cc.ssthresh, LULL_CWND_MAX);
	for (int i = 0; i < 5; i++)
		one_round(&p);
	assert_in_range(p.tcb->cc.ssthresh, 2 * MSS, p.tcb->cc.cwnd);
	assert_int_equal(rig_count(&p.r, LULL_COUNT_HYSTART_DELAY_DETECT), 1);
	assert_int_equal(rig_count(&p.r, LULL_COUNT_HYSTART_DELAY_CWND),
			 p.tcb->cc.ssthresh / MSS);
	/* RFC 9438 4.10: from here on the curve, with K 0. */
	assert_true(p.more->cubic.curve.begun);
	assert_int_equal(p.more->cubic.curve.k_ms, 0);
	assert_int_equal(p.more->cubic.curve.prior, p.tcb->cc.ssthresh);
	path_close(&p);
}

/* RFC 9406 4.2: it was jitter: slow start again. */
static void slow_start_goes_on_after_jitter(void **unused)
{
	double before;
	struct path p;

	path_open(&p, "cubic", 50);
	for (int i = 0; i < 4; i++)
		one_round(&p);
	p.rtt_us = 57000;
	one_round(&p);
	assert_int_not_equal(p.more->hystart.base_us, 0);
	p.rtt_us = 50000;
	one_round(&p);
	assert_int_equal(p.more->hystart.base_us, 0);
	before = segments(&p);
	one_round(&p);
	assert_true(segments(&p) > before * 1.9);
	assert_int_equal(p.tcb->cc.ssthresh, LULL_CWND_MAX);
	path_close(&p);
}

/* RFC 9406 4.3: only the first; after a loss ssthresh is known. */
static void hystart_is_for_the_first_slow_start(void **unused)
{
	struct path p;

	path_open(&p, "cubic", 50);
	p.tcb->cc.cwnd = 1000 * MSS;
	lull_cc_reduce(p.t, p.tcb, LULL_CC_TIMEOUT, false);
	for (int i = 0; i < 20 && p.tcb->cc.cwnd < 700 * MSS; i++) {
		p.rtt_us += 20000;
		one_round(&p);
	}
	assert_int_equal(p.tcb->cc.cwnd, 700 * MSS);
	assert_int_equal(rig_count(&p.r, LULL_COUNT_HYSTART_DELAY_DETECT), 0);
	path_close(&p);
}

/* RFC 3465, RFC 9406 4.2: so much of one large ACK counts: eight segments, and
 * all of it where text is paced. */
static void large_acks_count_in_part(void **unused)
{
	static const struct {
		const char *pacing;
		uint32_t rtt_ms, counted;
	} t[] = {{"1", 50, 40}, {"0", 50, 8}, {"1", 1, 8}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct lull_cc_ack a = {40 * MSS, 40 * MSS, 0};
		struct path p;

		path_open(&p, "cubic", t[i].rtt_ms);
		rig_knob(&p.r, "net.lull.tcp_pacing", t[i].pacing);
		p.tcb->cc.cwnd = 40 * MSS;
		lull_cc_acked(p.t, p.tcb, &a);
		assert_int_equal(p.tcb->cc.cwnd, (40 + t[i].counted) * MSS);
		path_close(&p);
	}
}

/* ---- which one ---- */

static void expect_name(const struct rig *r, struct lull_sock sock,
			const char *name)
{
	char is[LULL_CONGESTION_MAX];

	assert_int_equal(lull_sock_get(r->s, sock, LULL_OPT_CONGESTION, is,
				       sizeof is),
			 0);
	assert_string_equal(is, name);
}

/* The listener's, or the knob's at the time; a name that is not there, no room
 * for it. */
static void chosen_by_name(void **unused)
{
	char name[LULL_CONGESTION_MAX];
	struct rig r;

	rig_open(&r, &(struct rig_config){.rtt_ms = 1});
	expect_name(&r, r.listener, "cubic");
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	expect_name(&r, r.sock, "cubic");
	assert_int_equal(
		lull_sock_set(r.s, r.sock, LULL_OPT_CONGESTION, "reno", 4), 0);
	expect_name(&r, r.sock, "reno");
	assert_int_equal(rig_tcb(&r)->cc_kind, LULL_CC_RENO);
	assert_int_equal(lull_sock_set(r.s, r.sock, LULL_OPT_CONGESTION,
				       "cubic\0junk", 10),
			 0);
	expect_name(&r, r.sock, "cubic");
	assert_int_equal(lull_sock_set(r.s, r.sock, LULL_OPT_CONGESTION, "bbr",
				       3),
			 -ENOENT);
	assert_int_equal(lull_sock_set(r.s, r.sock, LULL_OPT_CONGESTION,
				       "cubic2", 6),
			 -ENOENT);
	assert_int_equal(lull_sock_set(r.s, r.sock, LULL_OPT_CONGESTION, "", 0),
			 -ENOENT);
	assert_int_equal(lull_sock_get(r.s, r.sock, LULL_OPT_CONGESTION, name,
				       LULL_CONGESTION_MAX - 1),
			 -EINVAL);
	rig_close(&r);

	rig_open(&r, &(struct rig_config){.rtt_ms = 1});
	assert_int_equal(lull_sock_set(r.s, r.listener, LULL_OPT_CONGESTION,
				       "reno", 5),
			 0);
	expect_name(&r, r.listener, "reno");
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	expect_name(&r, r.sock, "reno"); /* inherited */
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cubic_follows_its_curve),
		cmocka_unit_test(cubic_is_no_slower_than_reno),
		cmocka_unit_test(cubic_growth_is_bounded),
		cmocka_unit_test(cubic_beta),
		cmocka_unit_test(cubic_fast_convergence),
		cmocka_unit_test(cubic_after_a_timeout),
		cmocka_unit_test(cubic_waits_while_unused),
		cmocka_unit_test(undo_restores_the_curve),
		cmocka_unit_test(undo_restores_slow_start),
		cmocka_unit_test(slow_start_while_the_rtt_is_steady),
		cmocka_unit_test(slow_start_ends_when_the_rtt_rises),
		cmocka_unit_test(slow_start_goes_on_after_jitter),
		cmocka_unit_test(hystart_is_for_the_first_slow_start),
		cmocka_unit_test(large_acks_count_in_part),
		cmocka_unit_test(chosen_by_name),
	};

	return RUN("cc", tests);
}
