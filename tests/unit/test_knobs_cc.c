/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_knobs_cc.c: each knob of congestion control, pacing and ECN does what it
 * says, as test_knobs_act.c has it for the others.
 */
#include "rig.h"

enum {
	MSS = 1460,
};

#define NAME(s) "net.ipv4." s

/* A connection over 100 ms whose first window has been acknowledged. */
static void with(struct rig *r, const char *name, const char *value)
{
	rig_open(r, &(struct rig_config){.wscale = true, .rtt_ms = 100});
	rig_knob(r, name, value);
	rig_reach(r, LULL_TCP_ESTABLISHED, true);
	rig_ack(r);
	rig_set(r, LULL_OPT_SNDBUF, 1 << 20);
	rig_write(r, 10 * MSS);
	assert_int_equal(rig_discard(r), 10);
	rig_pass_ms(r, 100);
	r->ack = lull_seq(RIG_ISS + 1 + 10 * MSS);
	rig_ack(r);
	rig_align(r);
	rig_tcb(r)->cc.cwnd = 20 * MSS;
}

/* How long twenty segments take to leave. */
static uint32_t time_of_twenty(struct rig *r)
{
	uint32_t segments, ms = 0;

	rig_write(r, 20 * MSS);
	for (segments = (uint32_t)rig_discard(r); segments < 20; ms++) {
		assert_true(ms < 1000);
		rig_pass_ms(r, 1);
		segments += (uint32_t)rig_discard(r);
	}
	assert_int_equal(segments, 20);
	return ms;
}

/* The same loss leaves 0.7 of the window, or half of what was out. */
static void tcp_congestion_control(void **unused)
{
	static const struct {
		const char *value;
		uint32_t left;
	} t[] = {{"cubic", 14}, {"reno", 10}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		with(&r, NAME("tcp_congestion_control"), t[i].value);
		(void)time_of_twenty(&r);
		rig_pass_ms(&r, 1000);
		assert_int_equal(rig_tcb(&r)->cc.ssthresh, t[i].left * MSS);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* At once, or over half of an RTT. */
static void tcp_pacing(void **unused)
{
	struct rig r;

	with(&r, "net.lull.tcp_pacing", "0");
	assert_int_equal(time_of_twenty(&r), 0);
	rig_close(&r);
	with(&r, "net.lull.tcp_pacing", "1");
	assert_in_range(time_of_twenty(&r), 40, 50);
	rig_close(&r);

	/* Linux has it only beneath fq. */
	rig_open(&r, &(struct rig_config){.profile = LULL_PROFILE_LINUX});
	assert_int_equal(r.s->g.knobs.pacing, 0);
	rig_close(&r);
}

static void tcp_pacing_ss_ratio(void **unused)
{
	struct rig r;

	with(&r, NAME("tcp_pacing_ss_ratio"), "400");
	assert_in_range(time_of_twenty(&r), 20, 25);
	rig_close(&r);
}

/* Over 100 ms a millisecond's worth is less than a segment. */
static void tcp_min_tso_segs(void **unused)
{
	static const char *const value[] = {"2", "4"};

	for (uint32_t i = 0; i < ARRAY_LEN(value); i++) {
		struct rig_seg out;
		struct rig r;

		rig_open(&r,
			 &(struct rig_config){.profile = LULL_PROFILE_LINUX,
					      .rtt_ms = 100,
					      .link_cap = LULL_LINK_TX_CSUM |
							  LULL_LINK_TX_GSO});
		rig_knob(&r, NAME("tcp_min_tso_segs"), value[i]);
		rig_shake(&r);
		rig_discard(&r);
		rig_queue(&r, 20 * MSS);
		rig_run(&r);
		assert_true(rig_get(&r, &out));
		assert_int_equal(out.seg.text_len, (i ? 4 : 2) * MSS);
		rig_drop(&r);
	}
}

/* In slow start it does nothing; with ssthresh reached, twice as fast. */
static void tcp_pacing_ca_ratio(void **unused)
{
	for (int known = 0; known < 2; known++) {
		struct rig r;

		with(&r, NAME("tcp_pacing_ca_ratio"), "400");
		if (known)
			rig_tcb(&r)->cc.ssthresh = 20 * MSS;
		assert_in_range(time_of_twenty(&r), known ? 20 : 40,
				known ? 25 : 50);
		rig_close(&r);
	}
}

/* What a SYN that asks is answered, and what our own asks. */
static void tcp_ecn(void **unused)
{
	static const struct {
		const char *value;
		uint8_t answers, asks;
	} t[] = {
		{"0", 0, 0},
		{"1", LULL_ECE, LULL_ECE | LULL_CWR},
		{"2", LULL_ECE, 0},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct lull_connect c = {.size = sizeof c, .cookie = 2};
		struct rig r;

		rig_open(&r, &(struct rig_config){.rtt_ms = 1});
		rig_knob(&r, NAME("tcp_ecn"), t[i].value);
		rig_syn(&r, LULL_SYN | LULL_ECE | LULL_CWR);
		rig_expect(&r, LULL_SYN | LULL_ACK | t[i].answers);
		c.remote.addr = r.tuple.remote;
		c.remote.port = 99;
		assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, NULL), 0);
		rig_run(&r);
		rig_expect(&r, LULL_SYN | t[i].asks);
		rig_close(&r);
	}
}

static void tcp_ecn_fallback(void **unused)
{
	for (int on = 0; on < 2; on++) {
		struct lull_connect c = {.size = sizeof c, .cookie = 2};
		struct rig r;

		rig_open(&r, &(struct rig_config){.rtt_ms = 1});
		rig_knob(&r, NAME("tcp_ecn"), "1");
		rig_knob(&r, NAME("tcp_ecn_fallback"), on ? "1" : "0");
		c.remote.addr = r.tuple.remote;
		c.remote.port = 99;
		assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, NULL), 0);
		rig_run(&r);
		rig_expect(&r, LULL_SYN | LULL_ECE | LULL_CWR);
		rig_pass_ms(&r, 1001);
		rig_expect(&r, LULL_SYN | (on ? 0 : LULL_ECE | LULL_CWR));
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_congestion_control),
		cmocka_unit_test(tcp_pacing),
		cmocka_unit_test(tcp_pacing_ss_ratio),
		cmocka_unit_test(tcp_min_tso_segs),
		cmocka_unit_test(tcp_pacing_ca_ratio),
		cmocka_unit_test(tcp_ecn),
		cmocka_unit_test(tcp_ecn_fallback),
	};

	return RUN("knobs_cc", tests);
}
