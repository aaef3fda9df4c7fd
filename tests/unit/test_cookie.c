/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_cookie.c: SYN cookies (RFC 4987 3.6): a handshake of which nothing is
 * kept, what it preserves, when it holds, and who gets none. Y2 is what Linux
 * was seen to do.
 */
#include "rig.h"

#define ALWAYS "net.ipv4.tcp_syncookies=2"

/* A SYN from another port; the answer is a SYN-ACK. */
static struct rig_seg knock(struct rig *r, uint16_t port)
{
	rig_peer(r, port);
	rig_syn(r, LULL_SYN);
	return rig_expect(r, LULL_SYN | LULL_ACK);
}

/* Our SYN-ACK was a cookie: the last ACK makes the connection. */
static void enter(struct rig *r)
{
	assert_int_equal(rig_state(r), LULL_TCP_CLOSED);
	rig_say(r, LULL_ACK, NULL, 0);
	assert_int_equal(rig_state(r), LULL_TCP_ESTABLISHED);
	assert_int_equal(lull_sock_accept(r->s, r->listener, 2, &r->sock), 0);
}

static void expect_rst(struct rig *r, struct lull_seq seq)
{
	assert_int_equal(rig_expect(r, LULL_RST).seg.seq.v, seq.v);
	rig_expect_none(r);
	assert_int_equal(rig_state(r), LULL_TCP_CLOSED);
}

/* To the beginning of a minute of the cookie's clock. */
static void to_a_minute(struct rig *r)
{
	rig_align(r);
	rig_pass_ms(r, 60000 - r->now_ns / 1000000 % 60000);
}

static void drop_all(struct rig *r)
{
	struct lull_sock sock;

	lull_sock_abort(r->s, r->sock);
	while (lull_sock_accept(r->s, r->listener, 7, &sock) == 0)
		lull_sock_abort(r->s, sock);
	rig_pass_ms(r, 70000);
	rig_discard(r);
	rig_close(r);
}

/* Y2: of eight SYNs three are queued, five get a cookie; nothing is kept. */
static void full_syn_queue_sends_cookies(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.backlog = 2});
	for (uint16_t k = 0; k < 8; k++)
		knock(&r, (uint16_t)(5000 + k));
	assert_int_equal(rig_count(&r, LULL_COUNT_SYNCOOKIES_SENT), 5);
	assert_int_equal(rig_count(&r, LULL_COUNT_REQ_Q_FULL_DO_COOKIES), 5);
	assert_int_equal(rig_count(&r, LULL_COUNT_REQ_Q_FULL_DROP), 0);
	assert_int_equal(rig_count(&r, LULL_COUNT_LISTEN_DROPS), 0);
	assert_int_equal(r.s->tcp.halves.used, 3);
	assert_int_equal(r.s->tcp.flows.used, 3);
	assert_int_equal(r.s->tcp.wheel.used, 3);
	enter(&r);
	assert_int_equal(rig_count(&r, LULL_COUNT_SYNCOOKIES_RECV), 1);
	assert_int_equal(rig_count(&r, LULL_COUNT_PASSIVE_OPENS), 1);
	rig_feed(&r, 100);
	rig_write(&r, 100);
	assert_int_equal(rig_expect(&r, LULL_ACK).seg.text_len, 100);
	drop_all(&r);
}

static void few_halves(struct lull_limits *l)
{
	l->half_open = 1;
}

static void empty_pool_sends_cookies(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){
			     .limits = few_halves,
			     .sysctl = {"net.ipv4.tcp_max_syn_backlog=9"}});
	knock(&r, 5000);
	knock(&r, 5001);
	assert_int_equal(rig_count(&r, LULL_COUNT_SYNCOOKIES_SENT), 1);
	enter(&r);
	drop_all(&r);
}

/* With tcp_syncookies 2 the queue is never used; the SYN again is the same. */
static void always(void **unused)
{
	struct lull_seq iss;
	struct rig r;

	rig_open(&r, &(struct rig_config){.sysctl = {ALWAYS}});
	to_a_minute(&r);
	iss = knock(&r, 5000).seg.seq;
	assert_int_not_equal(iss.v, RIG_ISS);
	rig_pass_ms(&r, 3000);
	rig_expect_none(&r); /* it is not sent again */
	assert_int_equal(knock(&r, 5000).seg.seq.v, iss.v);
	rig_expect_none(&r);
	enter(&r);
	drop_all(&r);
}

/* Window scale and MSS, with timestamps; TSval never goes back. */
static void options_come_back(void **unused)
{
	static const struct {
		struct rig_config c;
		uint32_t scale, mss;
	} t[] = {
		{{.ts = true, .wscale = true, .shift = 9}, 9, 1460},
		{{.ts = true, .wscale = true, .shift = 14, .mss = 1459},
		 14,
		 1440},
		{{.ts = true, .wscale = true, .shift = 1, .mss = 1300},
		 1,
		 1300},
		{{.ts = true, .mss = 1299}, 0, 536},
		{{.ts = true, .v6 = true, .wscale = true, .mss = 1419},
		 7,
		 1220},
		{{.ts = true, .v6 = true, .wscale = true, .mss = 1420},
		 7,
		 1420},
		{{.ts = true, .wscale = true, .mtu = 1300}, 7, 536},
		/* no timestamps: nothing but the MSS */
		{{.wscale = true}, 0, 1460},
		{{.mss = 536}, 0, 536},
		{{.no_mss = true}, 0, 536},
		{{.v6 = true, .no_mss = true}, 0, 1220},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t) * 2; i++) {
		struct rig_config c = t[i / 2].c;
		struct rig_seg out;
		uint32_t first;
		struct rig r;

		c.sysctl[0] = ALWAYS;
		c.sysctl[1] = i & 1 ? "net.ipv4.tcp_timestamps=2" : NULL;
		rig_open(&r, &c);
		rig_align(&r);
		rig_pass_ms(&r, i * 37);
		out = knock(&r, 5000);
		assert_int_equal(out.seg.has_ts, c.ts);
		assert_int_equal(out.seg.wscale != LULL_NO_WSCALE,
				 c.ts && c.wscale);
		first = out.seg.tsval;
		r.tsval += 1;
		enter(&r);
		assert_int_equal(rig_tcb(&r)->opt.snd_wscale, t[i / 2].scale);
		assert_int_equal(rig_tcb(&r)->snd.wnd,
				 (uint32_t)RIG_WND << t[i / 2].scale);
		assert_int_equal(rig_tcb(&r)->opt.mss,
				 t[i / 2].mss - (c.ts ? LULL_TS_BYTES : 0));
		rig_write(&r, 1);
		out = rig_expect(&r, LULL_ACK);
		assert_int_equal(out.seg.has_ts, c.ts);
		if (c.ts) {
			assert_in_range(out.seg.tsval - first, 0, 63);
			assert_int_equal(out.seg.tsecr, r.tsval);
		}
		drop_all(&r);
	}
}

/* A smaller MSS than the least that a cookie tells: no cookie. */
static void tiny_mss_gets_none(void **unused)
{
	for (int linux_too = 0; linux_too < 2; linux_too++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){
				     .profile = linux_too ? LULL_PROFILE_LINUX
							  : LULL_PROFILE_LULL,
				     .mss = 535,
				     .sysctl = {ALWAYS}});
		rig_peer(&r, 5000);
		rig_syn(&r, LULL_SYN);
		assert_int_equal(rig_discard(&r), linux_too);
		assert_int_equal(rig_count(&r, LULL_COUNT_REQ_Q_FULL_DROP),
				 !linux_too);
		rig_close(&r);
	}
}

/* It holds in the minute in which it was made, and the next one. */
static void two_minutes(void **unused)
{
	static const struct {
		uint32_t sent_ms, back_ms;
		bool holds;
	} t[] = {
		{0, 1, true},	       {0, 119999, true},
		{0, 120000, false},    {59999, 60000, true},
		{59999, 60001, false}, {59999, 119000, false},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){.sysctl = {ALWAYS}});
		to_a_minute(&r);
		rig_pass_ms(&r, t[i].sent_ms);
		knock(&r, 5000);
		rig_pass_ms(&r, t[i].back_ms);
		if (t[i].holds) {
			enter(&r);
		} else {
			rig_say(&r, LULL_ACK, NULL, 0);
			expect_rst(&r, r.ack);
			assert_int_equal(rig_drops(&r, LULL_DROP_COOKIE), 1);
		}
		drop_all(&r);
	}
}

/* Whoever did not see the SYN-ACK can't say what it was. */
static void forged(void **unused)
{
	struct lull_seq seq, ack;
	uint64_t seed = 1;
	uint32_t n = 0;
	struct rig r;

	rig_open(&r, &(struct rig_config){.sysctl = {ALWAYS}});
	knock(&r, 5000);
	seq = r.seq;
	ack = r.ack;
	for (uint32_t bit = 2; bit < 32; bit++, n++) {
		struct lull_seq other = lull_seq(((ack.v - 1) ^ 1U << bit) + 1);

		rig_put(&r, LULL_ACK, seq, other, NULL, 0);
		expect_rst(&r, other);
	}
	for (int32_t d = -1; d <= 1; d += 2, n++) {
		rig_put(&r, LULL_ACK, lull_seq(seq.v + (uint32_t)d), ack, NULL,
			0);
		expect_rst(&r, ack);
	}
	for (uint32_t i = 0; i < 20000; i++, n++) {
		struct lull_seq guess = lull_seq(rig_random(&seed, UINT32_MAX));

		rig_put(&r, LULL_ACK, seq, guess, NULL, 0);
		expect_rst(&r, guess);
	}
	rig_peer(&r, 5001); /* another's cookie */
	rig_put(&r, LULL_ACK, seq, ack, NULL, 0);
	expect_rst(&r, ack);
	n++;
	assert_int_equal(rig_drops(&r, LULL_DROP_COOKIE), n);
	assert_int_equal(rig_count(&r, LULL_COUNT_SYNCOOKIES_FAILED), n);
	assert_int_equal(rig_count(&r, LULL_COUNT_SYNCOOKIES_RECV), 0);
	rig_peer(&r, 5000);
	r.seq = seq;
	r.ack = ack;
	enter(&r);
	drop_all(&r);
}

/* An echo whose low bits we never wrote. */
static void forged_options(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){
			     .ts = true, .wscale = true, .sysctl = {ALWAYS}});
	knock(&r, 5000);
	r.tsecr += 32; /* ECN, that the knob forbids */
	rig_knob(&r, "net.ipv4.tcp_ecn", "0");
	rig_put(&r, LULL_ACK, r.seq, r.ack, NULL, 0);
	expect_rst(&r, r.ack);
	rig_knob(&r, "net.ipv4.tcp_ecn", "2");
	r.tsecr -= 16; /* SACK, that the knob forbids */
	rig_knob(&r, "net.ipv4.tcp_sack", "0");
	rig_put(&r, LULL_ACK, r.seq, r.ack, NULL, 0);
	expect_rst(&r, r.ack);
	rig_knob(&r, "net.ipv4.tcp_sack", "1");
	r.tsecr -= 16;
	rig_knob(&r, "net.ipv4.tcp_window_scaling", "0");
	rig_put(&r, LULL_ACK, r.seq, r.ack, NULL, 0);
	expect_rst(&r, r.ack);
	rig_knob(&r, "net.ipv4.tcp_window_scaling", "1");
	rig_knob(&r, "net.ipv4.tcp_timestamps", "0");
	rig_put(&r, LULL_ACK, r.seq, r.ack, NULL, 0);
	expect_rst(&r, r.ack);
	assert_int_equal(rig_drops(&r, LULL_DROP_COOKIE), 4);
	rig_knob(&r, "net.ipv4.tcp_timestamps", "1");
	enter(&r);
	drop_all(&r);
}

/* Nobody is listened to who could not have got one. */
static void none_was_sent(void **unused)
{
	struct lull_seq ack;
	struct rig r;

	rig_open(&r, &(struct rig_config){.sysctl = {ALWAYS}});
	rig_put(&r, LULL_ACK, r.seq, lull_seq(77), NULL, 0);
	expect_rst(&r, lull_seq(77));
	assert_int_equal(rig_drops(&r, LULL_DROP_LISTEN_ACK), 1);
	knock(&r, 5000);
	ack = r.ack;
	rig_pass_ms(&r, 121001);
	rig_put(&r, LULL_ACK, r.seq, ack, NULL, 0);
	expect_rst(&r, ack);
	assert_int_equal(rig_drops(&r, LULL_DROP_LISTEN_ACK), 2);
	/* Switched off meanwhile. */
	knock(&r, 5001);
	rig_knob(&r, "net.ipv4.tcp_syncookies", "0");
	rig_put(&r, LULL_ACK, r.seq, r.ack, NULL, 0);
	expect_rst(&r, r.ack);
	assert_int_equal(rig_drops(&r, LULL_DROP_LISTEN_ACK), 3);
	assert_int_equal(rig_drops(&r, LULL_DROP_COOKIE), 0);
	/* A RST brings nothing, and a SYN-ACK is no last ACK. */
	rig_knob(&r, "net.ipv4.tcp_syncookies", "2");
	rig_put(&r, LULL_RST | LULL_ACK, r.seq, r.ack, NULL, 0);
	rig_put(&r, LULL_SYN | LULL_ACK, r.seq, r.ack, NULL, 0);
	expect_rst(&r, r.ack);
	drop_all(&r);
}

/* Full is full: a SYN gets no cookie then. */
static void accept_queue_is_full(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.backlog = 1, .sysctl = {ALWAYS}});
	for (uint16_t k = 0; k < 2; k++) {
		knock(&r, (uint16_t)(5000 + k));
		rig_say(&r, LULL_ACK, NULL, 0);
	}
	rig_peer(&r, 6000);
	rig_syn(&r, LULL_SYN);
	rig_expect_none(&r);
	assert_int_equal(rig_count(&r, LULL_COUNT_LISTEN_OVERFLOWS), 1);
	assert_int_equal(rig_count(&r, LULL_COUNT_SYNCOOKIES_SENT), 2);
	drop_all(&r);
}

/* The last ACK finds it full: dropped, or RST with tcp_abort_on_overflow. */
static void last_ack_overflow(void **unused)
{
	for (int i = 0; i < 4; i++) {
		bool abort = i & 1, is_linux = i & 2;
		struct lull_seq seq, ack;
		struct lull_sock sock;
		struct rig r;

		rig_open(&r, &(struct rig_config){
				     .backlog = 1,
				     .profile = is_linux ? LULL_PROFILE_LINUX
							 : LULL_PROFILE_LULL,
				     .sysctl = {ALWAYS}});
		rig_knob(&r, "net.ipv4.tcp_abort_on_overflow",
			 abort ? "1" : "0");
		knock(&r, 6000);
		seq = r.seq;
		ack = r.ack;
		for (uint16_t k = 0; k < 2; k++) {
			knock(&r, (uint16_t)(5000 + k));
			rig_say(&r, LULL_ACK, NULL, 0);
		}
		rig_peer(&r, 6000);
		r.seq = seq;
		r.ack = ack;
		rig_put(&r, LULL_ACK, seq, ack, NULL, 0);
		if (abort && !is_linux)
			expect_rst(&r, ack);
		rig_expect_none(&r);
		assert_int_equal(rig_drops(&r, LULL_DROP_LISTEN_ACCEPT_FULL),
				 1);
		assert_int_equal(rig_count(&r, LULL_COUNT_LISTEN_DROPS), 1);
		assert_int_equal(lull_sock_accept(r.s, r.listener, 3, &sock),
				 0);
		rig_put(&r, LULL_ACK, seq, ack, NULL, 0);
		assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
		lull_sock_abort(r.s, sock);
		rig_run(&r);
		rig_discard(&r);
		drop_all(&r);
	}
}

static void one_conn(struct lull_limits *l)
{
	l->conns = 1;
}

static void two_socks(struct lull_limits *l)
{
	l->socks = 2;
}

/* No connection or no handle left: nothing of it stays. */
static void last_ack_without_memory(void **unused)
{
	void (*const limits[])(struct lull_limits *) = {one_conn, two_socks};

	for (uint32_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct lull_sock first;
		struct rig r;

		rig_open(&r, &(struct rig_config){.limits = limits[i],
						  .sysctl = {ALWAYS}});
		knock(&r, 5000);
		enter(&r);
		first = r.sock;
		knock(&r, 5001);
		rig_say(&r, LULL_ACK, NULL, 0);
		rig_expect_none(&r);
		assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
		assert_int_equal(rig_drops(&r, LULL_DROP_LISTEN_NO_CONN), 1);
		assert_int_equal(r.s->tcp.flows.used, 1);
		assert_int_equal(r.s->tcp.tcbs.used, 1);
		lull_sock_abort(r.s, first);
		rig_close(&r);
	}
}

/* Its ISN can't be raised above the old one: a real one, or none. */
static void none_for_a_time_wait(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.backlog = 1});
	rig_reach(&r, LULL_TCP_TIME_WAIT, false);
	rig_peer(&r, 5000);
	knock(&r, 5000);
	knock(&r, 5001);
	rig_peer(&r, RIG_PEER_PORT);
	r.seq = lull_seq(RIG_PEER_ISS + 1000);
	rig_syn(&r, LULL_SYN);
	rig_expect_none(&r);
	assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
	assert_int_equal(rig_count(&r, LULL_COUNT_SYNCOOKIES_SENT), 0);
	assert_int_equal(rig_drops(&r, LULL_DROP_LISTEN_SYN_FULL), 1);
	rig_pass_ms(&r, 1000); /* both half-open ones ask again */
	rig_discard(&r);
	rig_pass_ms(&r, 63000 - 1000 - 1);
	rig_discard(&r);
	drop_all(&r);

	rig_open(&r, &(struct rig_config){.sysctl = {ALWAYS}});
	rig_knob(&r, "net.ipv4.tcp_syncookies", "0");
	rig_reach(&r, LULL_TCP_TIME_WAIT, false);
	rig_knob(&r, "net.ipv4.tcp_syncookies", "2");
	r.seq = lull_seq(RIG_PEER_ISS + 1000);
	rig_syn(&r, LULL_SYN);
	assert_true(lull_seq_gt(rig_expect(&r, LULL_SYN | LULL_ACK).seg.seq,
				lull_seq(RIG_ISS + 2)));
	assert_int_equal(rig_state(&r), LULL_TCP_SYN_RECEIVED);
	assert_int_equal(rig_count(&r, LULL_COUNT_SYNCOOKIES_SENT), 0);
	drop_all(&r);
}

/* The program wants to see each SYN. */
static void none_for_a_deferred_one(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.listen_flags = LULL_LISTEN_DEFER,
					  .backlog = 1,
					  .sysctl = {ALWAYS}});
	for (uint16_t k = 0; k < 3; k++) {
		rig_peer(&r, (uint16_t)(5000 + k));
		rig_syn(&r, LULL_SYN);
		rig_expect_none(&r);
	}
	assert_int_equal(rig_count(&r, LULL_COUNT_SYNCOOKIES_SENT), 0);
	assert_int_equal(rig_count(&r, LULL_COUNT_REQ_Q_FULL_DROP), 1);
	for (uint32_t i = 0; i < r.logged; i++)
		lull_sock_abort(r.s, r.log[i].sock);
	drop_all(&r);
}

/* The last ACK was lost: the text that follows brings the cookie as well. */
static void text_brings_it_too(void **unused)
{
	char text[8];
	struct rig r;

	rig_open(&r, &(struct rig_config){.sysctl = {ALWAYS}});
	knock(&r, 5000);
	rig_say(&r, LULL_FIN | LULL_ACK, "text", 4);
	rig_expect(&r, LULL_ACK);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSE_WAIT);
	assert_int_equal(lull_sock_accept(r.s, r.listener, 2, &r.sock), 0);
	assert_int_equal(rig_read(&r, text, sizeof text), 4);
	assert_memory_equal(text, "text", 4);
	drop_all(&r);
}

/* The SYN goes again, and there is room now: the cookie holds all the same. */
static void a_cookie_and_a_half(void **unused)
{
	struct lull_seq ack;
	struct rig r;

	rig_open(&r, &(struct rig_config){.backlog = 1});
	knock(&r, 5000);
	knock(&r, 5001);
	knock(&r, 5002);
	ack = r.ack;
	rig_peer(&r, 5000);
	r.seq = lull_seq_add(r.seq, 1);
	rig_say(&r, LULL_RST, NULL, 0);
	knock(&r, 5002);
	assert_int_equal(rig_state(&r), LULL_TCP_SYN_RECEIVED);
	assert_int_not_equal(r.ack.v, ack.v);
	rig_put(&r, LULL_ACK, r.seq, lull_seq(5), NULL, 0); /* neither */
	rig_expect(&r, LULL_RST);
	assert_int_equal(rig_drops(&r, LULL_DROP_HALF_ACK), 1);
	r.ack = ack;
	rig_say(&r, LULL_ACK, NULL, 0);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	assert_int_equal(r.s->tcp.halves.used, 1);
	assert_int_equal(rig_count(&r, LULL_COUNT_SYNCOOKIES_RECV), 1);
	assert_int_equal(lull_sock_accept(r.s, r.listener, 2, &r.sock), 0);
	rig_write(&r, 10);
	assert_int_equal(rig_expect(&r, LULL_ACK).seg.seq.v, ack.v);
	drop_all(&r);
}

/* The last ACK, late or doubled, after all is over: no second connection. */
static void a_cookie_is_taken_once(void **unused)
{
	struct lull_seq ack[40];
	struct rig r;

	rig_open(&r, &(struct rig_config){.backlog = 50, .sysctl = {ALWAYS}});
	to_a_minute(&r);
	rig_pass_ms(&r, 59990);
	for (uint16_t k = 0; k < ARRAY_LEN(ack); k++) {
		knock(&r, (uint16_t)(5000 + k));
		ack[k] = r.ack;
		rig_pass_ms(&r, 1);
		enter(&r);
		rig_say(&r, LULL_RST, NULL, 0); /* no TIME_WAIT */
		assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
		lull_sock_close(r.s, r.sock);
	}
	rig_pass_ms(&r, 30000);
	for (uint16_t k = 0; k < ARRAY_LEN(ack); k++) {
		rig_peer(&r, (uint16_t)(5000 + k));
		rig_put(&r, LULL_ACK, lull_seq_add(r.seq, 1), ack[k], NULL, 0);
		expect_rst(&r, ack[k]);
	}
	assert_int_equal(rig_drops(&r, LULL_DROP_COOKIE_USED), ARRAY_LEN(ack));
	/* Another SYN of the same pair makes another connection. */
	rig_peer(&r, 5000);
	r.seq = lull_seq(77);
	rig_syn(&r, LULL_SYN);
	rig_expect(&r, LULL_SYN | LULL_ACK);
	enter(&r);
	drop_all(&r);
}

/* The round trip is not known: the first timeout is RFC 6298's second. */
static void no_rtt_sample(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.ts = true, .sysctl = {ALWAYS}});
	knock(&r, 5000);
	rig_pass_ms(&r, 10);
	enter(&r);
	rig_align(&r);
	rig_write(&r, 1);
	rig_expect(&r, LULL_ACK);
	rig_expect_after(&r, 1000, LULL_ACK);
	drop_all(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_syn_queue_sends_cookies),
		cmocka_unit_test(empty_pool_sends_cookies),
		cmocka_unit_test(always),
		cmocka_unit_test(options_come_back),
		cmocka_unit_test(tiny_mss_gets_none),
		cmocka_unit_test(two_minutes),
		cmocka_unit_test(forged),
		cmocka_unit_test(forged_options),
		cmocka_unit_test(none_was_sent),
		cmocka_unit_test(accept_queue_is_full),
		cmocka_unit_test(last_ack_overflow),
		cmocka_unit_test(last_ack_without_memory),
		cmocka_unit_test(none_for_a_time_wait),
		cmocka_unit_test(none_for_a_deferred_one),
		cmocka_unit_test(text_brings_it_too),
		cmocka_unit_test(a_cookie_and_a_half),
		cmocka_unit_test(a_cookie_is_taken_once),
		cmocka_unit_test(no_rtt_sample),
	};

	return RUN("cookie", tests);
}
