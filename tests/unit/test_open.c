/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_open.c: active open: 3.5, 3.10.1, 3.10.7.3, RFC 5461, 5927, 7323.
 */
#include "rig.h"

static const struct rig_config lull = {0};
static const struct rig_config linux_like = {.profile = LULL_PROFILE_LINUX};

static struct lull_connect connect_to(const struct rig *r)
{
	return (struct lull_connect){
		.size = sizeof(struct lull_connect),
		.remote = {r->tuple.remote, r->tuple.rport},
		.cookie = 2,
	};
}

/* ---- what is offered, and what is agreed ---- */

/* RFC 7323 2.2, 3.2, RFC 9293 3.7.1 (SHLD-5, MUST-67). */
static void syn_offers(void **unused)
{
	for (uint32_t i = 0; i < 16; i++) {
		bool v6 = i & 1, ts = i & 2, scale = i & 4, large = i & 8;
		struct rig_config c = {
			.v6 = v6,
			.mtu = large ? 9000 : 1280,
			.sysctl = {ts ? "net.ipv4.tcp_timestamps=1"
				      : "net.ipv4.tcp_timestamps=0",
				   scale ? "net.ipv4.tcp_window_scaling=1"
					 : "net.ipv4.tcp_window_scaling=0"},
		};
		struct lull_connect connect;
		struct rig_seg out;
		struct rig r;

		rig_open(&r, &c);
		connect = connect_to(&r);
		assert_int_equal(
			lull_sock_connect(r.s, &connect, &r.sock, NULL), 0);
		rig_expect_none(&r); /* calls send nothing */
		rig_run(&r);
		out = rig_expect(&r, LULL_SYN);
		assert_int_equal(out.seg.ack.v, 0);
		assert_int_equal(out.seg.text_len, 0);
		assert_int_equal(out.seg.mss, c.mtu - (v6 ? 60 : 40));
		assert_int_equal(out.seg.has_ts, ts);
		assert_true(!ts || out.seg.tsecr == 0);
		assert_int_equal(out.seg.wscale, scale ? 7 : LULL_NO_WSCALE);
		assert_int_equal(out.seg.wnd, 65535);
		assert_int_equal(rig_count(&r, LULL_COUNT_ACTIVE_OPENS), 1);
		rig_close(&r);
	}
}

/* MUST-15, MUST-16: the smaller of both, less what timestamps take. */
static uint32_t mss_of(const struct rig_config *c, bool ts)
{
	uint32_t hdr = c->v6 ? 60 : 40;
	uint32_t mss = c->no_mss ? c->v6 ? 1220 : 536 : c->mss;

	if (mss > 1500 - hdr)
		mss = 1500 - hdr;
	return mss - (ts ? 12 : 0);
}

static void agree(const struct rig_config *c, bool ts, bool scale, bool active)
{
	struct rig_seg out;
	struct rig r;

	rig_open(&r, c);
	if (active) {
		rig_reach(&r, LULL_TCP_SYN_SENT, true);
		rig_syn(&r, LULL_SYN | LULL_ACK);
		out = rig_expect(&r, LULL_ACK);
		assert_int_equal(rig_news(&r), LULL_EVENT_WRITE);
		assert_int_equal(out.seg.seq.v, RIG_ISS + 1);
		assert_int_equal(out.seg.ack.v, RIG_PEER_ISS + 1);
		assert_int_equal(out.seg.has_ts, ts);
		assert_true(!ts || out.seg.tsecr == r.tsval);
		/* A window is never scaled in a SYN, and always after it. */
		assert_in_range((uint32_t)out.seg.wnd << (scale ? 7 : 0),
				65535 - 127, 65536 + 127);
		assert_int_equal(rig_tcb(&r)->snd.wnd, RIG_WND);
	} else {
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	}
	rig_ack(&r);
	assert_int_equal(rig_tcb(&r)->snd.wnd, RIG_WND << (scale ? 3 : 0));
	rig_write(&r, 2 * 1460);
	out = rig_expect(&r, LULL_ACK);
	assert_int_equal(out.seg.text_len, mss_of(c, ts));
	assert_int_equal(out.seg.has_ts, ts);
	assert_int_equal(out.seg.mss, 0); /* MUST-65 */
	assert_int_equal(out.seg.wscale, LULL_NO_WSCALE);
	rig_discard(&r);
	rig_close(&r);
}

static void options_agreed(void **unused)
{
	static const uint16_t mss[] = {0, 100, 1460, 9000};

	for (uint32_t i = 0; i < 256; i++) {
		bool ts = i & 1, own_ts = i & 2, scale = i & 4;
		bool own_scale = i & 8;
		struct rig_config c = {
			.ts = ts,
			.wscale = scale,
			.shift = 3,
			.v6 = i & 16,
			.no_mss = (i >> 5 & 3) == 0,
			.mss = mss[i >> 5 & 3],
			.sysctl = {own_ts ? "net.ipv4.tcp_timestamps=1"
					  : "net.ipv4.tcp_timestamps=0",
				   own_scale ? "net.ipv4.tcp_window_scaling=1"
					     : "net.ipv4.tcp_window_scaling=0"},
		};

		agree(&c, ts && own_ts, scale && own_scale, i & 128);
	}
}

/* A tiny MSS would make a stream of headers: Linux's floor is 48. */
static void tiny_mss_is_raised(void **unused)
{
	for (int active = 0; active < 2; active++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){.mss = 9});
		rig_reach(&r, active ? LULL_TCP_SYN_SENT : LULL_TCP_ESTABLISHED,
			  true);
		if (active) {
			rig_syn(&r, LULL_SYN | LULL_ACK);
			rig_expect(&r, LULL_ACK);
		}
		rig_write(&r, 200);
		assert_int_equal(rig_expect(&r, LULL_ACK).seg.text_len, 48);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* RFC 7323 2.3: a shift above 14 is taken for 14. */
static void shift_has_a_limit(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.wscale = true, .shift = 15});
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	rig_ack(&r);
	assert_int_equal(rig_tcb(&r)->snd.wnd, RIG_WND << 14);
	rig_close(&r);
}

/* ---- nobody answers ---- */

/* Linux: four timeouts of a second, then doubled six times. */
static void syn_again_and_again(void **unused)
{
	static const struct {
		struct rig_config config;
		uint32_t at_s[12]; /* the last one: given up */
	} t[] = {
		{{.ts = true}, {1, 2, 3, 4, 5, 7, 11, 19, 35, 67, 131}},
		{{.sysctl = {"net.ipv4.tcp_syn_linear_timeouts=0"}},
		 {1, 3, 7, 15, 31, 63, 127}},
		{{.sysctl = {"net.ipv4.tcp_syn_linear_timeouts=0",
			     "net.ipv4.tcp_syn_retries=2"}},
		 {1, 3, 7}},
		{{.sysctl = {"net.ipv4.tcp_syn_linear_timeouts=1",
			     "net.ipv4.tcp_syn_retries=1"}},
		 {1, 2, 4}},
		{{.sysctl = {"net.ipv4.tcp_rto_max_ms=2000",
			     "net.ipv4.tcp_syn_retries=3",
			     "net.ipv4.tcp_syn_linear_timeouts=0"}},
		 {1, 3, 5, 7}},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		uint32_t now_s = 0, k;
		struct lull_span span = {(void *)"x", 1};
		struct rig r;

		rig_open(&r, &t[i].config);
		rig_reach(&r, LULL_TCP_SYN_SENT, true);
		rig_align(&r);
		for (k = 0; t[i].at_s[k + 1]; k++) {
			uint32_t wait_s = t[i].at_s[k] - now_s;
			struct rig_seg out =
				rig_expect_after(&r, wait_s * 1000, LULL_SYN);

			now_s += wait_s;
			assert_int_equal(out.seg.seq.v, RIG_ISS);
			assert_int_equal(out.seg.mss, 1460);
		}
		rig_pass_ms(&r, (t[i].at_s[k] - now_s) * 1000 - 1);
		assert_int_equal(rig_news(&r), 0);
		assert_int_equal(rig_state(&r), LULL_TCP_SYN_SENT);
		rig_pass_ms(&r, 1);
		rig_expect_none(&r);
		assert_int_equal(rig_news(&r), LULL_EVENT_ERROR);
		assert_int_equal(r.error, -ETIMEDOUT);
		assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
		assert_int_equal(rig_count(&r, LULL_COUNT_SYN_RETRANS), k);
		assert_int_equal(rig_count(&r, LULL_COUNT_ATTEMPT_FAILS), 1);
		assert_int_equal(rig_count(&r, LULL_COUNT_ABORT_ON_TIMEOUT), 1);
		assert_int_equal(lull_sock_send(r.s, r.sock, &span, 1, 0),
				 -ETIMEDOUT);
		assert_int_equal(lull_sock_send(r.s, r.sock, &span, 1, 0),
				 -EPIPE);
		rig_close(&r);
	}
}

/* One segment, and nothing more for three seconds. */
static void expect_slow_start(struct rig *r)
{
	rig_write(r, 4 * 1460);
	rig_expect(r, LULL_ACK);
	rig_expect_none(r);
	rig_pass_ms(r, 2990);
	rig_expect_none(r);
	rig_pass_ms(r, 20);
	rig_expect(r, LULL_ACK);
	rig_discard(r);
}

/* RFC 5681 3.1, 6928 2, 6298 5.7: of an active open. */
static void lost_syns_begin_slowly(void **unused)
{
	struct rig r;

	rig_open(&r, &lull);
	rig_reach(&r, LULL_TCP_SYN_SENT, true);
	rig_pass_ms(&r, 3500);
	assert_int_equal(rig_discard(&r), 3);
	rig_syn(&r, LULL_SYN | LULL_ACK);
	rig_expect(&r, LULL_ACK);
	expect_slow_start(&r);
	rig_close(&r);
}

/* The same of a passive one. */
static void lost_syn_acks_begin_slowly(void **unused)
{
	struct rig r;

	rig_open(&r, &lull);
	rig_reach(&r, LULL_TCP_SYN_RECEIVED, true);
	rig_pass_ms(&r, 3500);
	assert_int_equal(rig_discard(&r), 2);
	rig_ack(&r);
	assert_int_equal(lull_sock_accept(r.s, r.listener, 2, &r.sock), 0);
	expect_slow_start(&r);
	rig_close(&r);
}

/* ---- what else may come (3.10.7.3) ---- */

static void refused(void **unused)
{
	struct lull_span span = {(void *)"x", 1};
	struct rig r;

	rig_open(&r, &lull);
	rig_reach(&r, LULL_TCP_SYN_SENT, true);
	rig_put(&r, LULL_RST, lull_seq(0), lull_seq(0), NULL, 0);
	rig_put(&r, LULL_RST | LULL_ACK, lull_seq(0), lull_seq(RIG_ISS), NULL,
		0);
	rig_put(&r, LULL_RST | LULL_ACK, lull_seq(0), lull_seq(RIG_ISS + 2),
		NULL, 0);
	assert_int_equal(rig_state(&r), LULL_TCP_SYN_SENT);
	assert_int_equal(rig_news(&r), 0);
	rig_put(&r, LULL_RST | LULL_ACK, lull_seq(0), r.ack, NULL, 0);
	rig_expect_none(&r);
	assert_int_equal(rig_news(&r), LULL_EVENT_ERROR);
	assert_int_equal(r.error, -ECONNREFUSED);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	assert_int_equal(rig_count(&r, LULL_COUNT_ATTEMPT_FAILS), 1);
	assert_int_equal(lull_sock_send(r.s, r.sock, &span, 1, 0),
			 -ECONNREFUSED);
	rig_close(&r);
}

static void nothing_goes_before_the_handshake(void **unused)
{
	struct lull_span span = {(void *)"x", 1};
	struct lull_sock_info info = {.size = sizeof info};
	char byte;
	struct rig r;

	rig_open(&r, &lull);
	rig_reach(&r, LULL_TCP_SYN_SENT, true);
	assert_int_equal(lull_sock_send(r.s, r.sock, &span, 1, 0), -EAGAIN);
	assert_int_equal(lull_sock_recv(r.s, r.sock, &byte, 1), -EAGAIN);
	assert_int_equal(lull_sock_shutdown(r.s, r.sock, LULL_SHUT_WR),
			 -ENOTCONN);
	assert_int_equal(lull_sock_info(r.s, r.sock, &info), 0);
	assert_int_equal(info.state, LULL_TCP_SYN_SENT);
	rig_run(&r);
	rig_expect_none(&r);
	rig_close(&r);
}

/* MUST-10, figure 8: both SYNs cross. */
static void simultaneous_open(void **unused)
{
	for (int lost = 0; lost < 2; lost++) {
		struct rig_seg out;
		struct rig r;

		rig_open(&r, &(struct rig_config){.ts = true, .wscale = true});
		rig_reach(&r, LULL_TCP_SYN_SENT, true);
		rig_align(&r);
		rig_syn(&r, LULL_SYN);
		out = rig_expect(&r, LULL_SYN | LULL_ACK);
		assert_int_equal(out.seg.seq.v, RIG_ISS);
		assert_int_equal(out.seg.ack.v, RIG_PEER_ISS + 1);
		assert_true(out.seg.has_ts);
		assert_int_equal(out.seg.wscale, 7);
		assert_int_equal(rig_state(&r), LULL_TCP_SYN_RECEIVED);
		if (lost) /* it goes again */
			rig_expect_after(&r, 1000, LULL_SYN | LULL_ACK);
		/* The peer's SYN-ACK; both ends now acknowledge the other's. */
		rig_put(&r, LULL_SYN | LULL_ACK, lull_seq(RIG_PEER_ISS), r.ack,
			NULL, 0);
		out = rig_expect(&r, LULL_ACK);
		assert_int_equal(out.seg.seq.v, RIG_ISS + 1);
		assert_int_equal(out.seg.ack.v, RIG_PEER_ISS + 1);
		rig_ack(&r);
		assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
		assert_int_equal(rig_news(&r), LULL_EVENT_WRITE);
		rig_write(&r, 9);
		rig_same(rig_expect(&r, LULL_ACK).text, 9, 0);
		rig_close(&r);
	}
}

/* RFC 7323 3.2: only what we sent since the first SYN comes back. */
static void syn_ack_with_a_wrong_echo(void **unused)
{
	static const struct {
		int32_t echo; /* from the first SYN's; we are 1500 ms on */
		bool good;
	} t[] = {{0, true},	{1000, true},	  {1500, true},	   {-1, false},
		 {1501, false}, {-100000, false}, {1 << 30, false}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;
		uint32_t first;

		rig_open(&r, &(struct rig_config){.ts = true});
		rig_reach(&r, LULL_TCP_SYN_SENT, true);
		first = r.tsecr;
		rig_pass_ms(&r, 1500);
		rig_expect(&r, LULL_SYN);
		r.tsecr = first + (uint32_t)t[i].echo;
		rig_syn(&r, LULL_SYN | LULL_ACK);
		assert_int_equal(rig_count(&r, LULL_COUNT_PAWS_ACTIVE),
				 !t[i].good);
		assert_int_equal(rig_state(&r), t[i].good ? LULL_TCP_ESTABLISHED
							  : LULL_TCP_SYN_SENT);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* RFC 7323 3.2: without ACK it is no echo, whatever stands there. */
static void echo_of_a_crossing_syn(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.ts = true});
	rig_reach(&r, LULL_TCP_SYN_SENT, true);
	r.tsecr += 0x40000000;
	rig_syn(&r, LULL_SYN);
	assert_int_equal(rig_expect(&r, LULL_SYN | LULL_ACK).seg.tsecr,
			 r.tsval);
	assert_int_equal(rig_state(&r), LULL_TCP_SYN_RECEIVED);
	rig_close(&r);
}

/* Sixth to eighth, after a SYN-ACK: text and FIN that came with it. */
static void syn_ack_with_text_and_fin(void **unused)
{
	for (int fin = 0; fin < 2; fin++) {
		char text[16];
		struct rig_seg out;
		struct rig r;

		rig_open(&r, &(struct rig_config){.ts = true});
		rig_reach(&r, LULL_TCP_SYN_SENT, true);
		rig_put(&r, LULL_SYN | LULL_ACK, r.seq, r.ack, "hello", 5);
		r.seq = lull_seq_add(r.seq, 6);
		out = rig_expect(&r, LULL_ACK);
		assert_int_equal(out.seg.ack.v, RIG_PEER_ISS + 6);
		if (fin) {
			rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
			rig_expect(&r, LULL_ACK);
		}
		assert_int_equal(rig_state(&r), fin ? LULL_TCP_CLOSE_WAIT
						    : LULL_TCP_ESTABLISHED);
		assert_int_equal(rig_read(&r, text, 16), 5);
		assert_memory_equal(text, "hello", 5);
		rig_close(&r);
	}
}

/* Our ACK of the SYN-ACK was lost; RFC 5961 4.2 answers it again. */
static void syn_ack_again(void **unused)
{
	struct rig_seg out;
	struct rig r;

	rig_open(&r, &lull);
	rig_reach(&r, LULL_TCP_SYN_SENT, true);
	rig_syn(&r, LULL_SYN | LULL_ACK);
	rig_expect(&r, LULL_ACK);
	rig_put(&r, LULL_SYN | LULL_ACK, lull_seq(RIG_PEER_ISS), r.ack, NULL,
		0);
	out = rig_expect(&r, LULL_ACK);
	assert_int_equal(out.seg.seq.v, RIG_ISS + 1);
	assert_int_equal(out.seg.ack.v, RIG_PEER_ISS + 1);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	rig_close(&r);
}

/* 3.10.4: the TCB is gone, and a late SYN-ACK gets RST. */
static void closed_in_syn_sent(void **unused)
{
	for (int abort = 0; abort < 2; abort++) {
		struct lull_seq ack;
		struct rig r;

		rig_open(&r, &lull);
		rig_reach(&r, LULL_TCP_SYN_SENT, true);
		if (abort)
			lull_sock_abort(r.s, r.sock);
		else
			lull_sock_close(r.s, r.sock);
		rig_pass_ms(&r, 5000);
		rig_expect_none(&r);
		assert_int_equal(rig_news(&r), 0);
		assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
		assert_int_equal(rig_count(&r, LULL_COUNT_ATTEMPT_FAILS), 1);
		lull_sock_close(r.s, r.listener);
		ack = r.ack;
		rig_syn(&r, LULL_SYN | LULL_ACK);
		assert_int_equal(rig_expect(&r, LULL_RST).seg.seq.v, ack.v);
		rig_close(&r);
	}
}

/* ---- ICMP (3.9.2.2, RFC 5461, 5927) ---- */

static const struct icmp_case {
	struct rig_icmp icmp;
	bool v6;
	int error;
	bool hard; /* SHLD-26; the linux profile takes all of them for that */
} icmp_cases[] = {
	{{3, 0, 0}, false, ENETUNREACH, false},
	{{3, 1, 0}, false, EHOSTUNREACH, false},
	{{3, 2, 0}, false, ENOPROTOOPT, true},
	{{3, 3, 0}, false, ECONNREFUSED, true},
	{{3, 5, 0}, false, EOPNOTSUPP, false},
	{{11, 0, 0}, false, EHOSTUNREACH, false},
	{{11, 1, 0}, false, EHOSTUNREACH, false},
	{{12, 0, 0}, false, EPROTO, false},
	{{1, 0, 0}, true, ENETUNREACH, false},
	{{1, 3, 0}, true, EHOSTUNREACH, false},
	{{1, 1, 0}, true, EACCES, true},
	{{1, 4, 0}, true, ECONNREFUSED, true},
	{{3, 0, 0}, true, EHOSTUNREACH, false},
	{{4, 0, 0}, true, EPROTO, false},
};

static void icmp_in_syn_sent(void **unused)
{
	for (uint32_t i = 0; i < 2 * ARRAY_LEN(icmp_cases); i++) {
		const struct icmp_case *c = &icmp_cases[i / 2];
		struct rig_config config = i % 2 ? linux_like : lull;
		bool ends = c->hard || i % 2;
		struct lull_sock_info info = {.size = sizeof info};
		struct rig r;

		config.v6 = c->v6;
		rig_open(&r, &config);
		rig_reach(&r, LULL_TCP_SYN_SENT, true);
		/* Not about what is in flight (RFC 5927 4.1). */
		rig_icmp(&r, c->icmp, lull_seq(RIG_ISS - 1));
		rig_icmp(&r, c->icmp, lull_seq(RIG_ISS + 1));
		assert_int_equal(rig_count(&r, LULL_COUNT_OUT_OF_WINDOW_ICMPS),
				 2);
		assert_int_equal(rig_state(&r), LULL_TCP_SYN_SENT);
		rig_icmp(&r, c->icmp, lull_seq(RIG_ISS));
		assert_int_equal(rig_state(&r),
				 ends ? LULL_TCP_CLOSED : LULL_TCP_SYN_SENT);
		assert_int_equal(rig_news(&r), ends ? LULL_EVENT_ERROR : 0);
		if (!ends) { /* MUST-47, SHLD-25; told at the end */
			assert_int_equal(lull_sock_info(r.s, r.sock, &info), 0);
			assert_int_equal(info.soft_error, -c->error);
			rig_pass_ms(&r, 140000);
			assert_int_equal(rig_news(&r), LULL_EVENT_ERROR);
			rig_discard(&r);
		}
		assert_int_equal(r.error, -c->error);
		rig_expect_none(&r);
		rig_close(&r);
	}
}

/* A packet too big is no reason to give up. */
static void too_big_in_syn_sent(void **unused)
{
	struct rig r;

	rig_open(&r, &lull);
	rig_reach(&r, LULL_TCP_SYN_SENT, true);
	rig_icmp(&r, (struct rig_icmp){3, 4, 1000}, lull_seq(RIG_ISS));
	assert_int_equal(rig_state(&r), LULL_TCP_SYN_SENT);
	rig_discard(&r);
	rig_syn(&r, LULL_SYN | LULL_ACK);
	rig_expect(&r, LULL_ACK);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(syn_offers),
		cmocka_unit_test(options_agreed),
		cmocka_unit_test(tiny_mss_is_raised),
		cmocka_unit_test(shift_has_a_limit),
		cmocka_unit_test(syn_again_and_again),
		cmocka_unit_test(lost_syns_begin_slowly),
		cmocka_unit_test(lost_syn_acks_begin_slowly),
		cmocka_unit_test(refused),
		cmocka_unit_test(nothing_goes_before_the_handshake),
		cmocka_unit_test(simultaneous_open),
		cmocka_unit_test(syn_ack_with_a_wrong_echo),
		cmocka_unit_test(echo_of_a_crossing_syn),
		cmocka_unit_test(syn_ack_with_text_and_fin),
		cmocka_unit_test(syn_ack_again),
		cmocka_unit_test(closed_in_syn_sent),
		cmocka_unit_test(icmp_in_syn_sent),
		cmocka_unit_test(too_big_in_syn_sent),
	};

	return RUN("open", tests);
}
