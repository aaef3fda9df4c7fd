/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_listen.c: listeners, the SYN queue, the accept queue, and SYN_RECEIVED
 * of a passive open: 3.10.7.2, 3.10.7.4, RFC 5961, 7323; overflow as Linux.
 */
#include "rig.h"

enum {
	REFUSED = -1, /* RST came */
	SILENCE = -2,
};

static struct lull_addr addr4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct lull_addr){.b = {[10] = 0xff, [11] = 0xff, a, b, c, d}};
}

/* The peer and the shard speak the other version of IP as well. */
static void change_family(struct rig *r, bool v6)
{
	struct rig_config other = r->config;
	struct rig donor;

	other.v6 = v6;
	other.no_listener = true;
	rig_open(&donor, &other);
	r->config.v6 = v6;
	r->tuple.local = donor.tuple.local;
	r->tuple.remote = donor.tuple.remote;
	rig_drop(&donor);
	(void)!lull_addr_add(r->s, (struct lull_prefix){r->tuple.local, 120},
			     false);
}

static struct lull_listen listen_on(struct lull_addr addr, uint8_t bits,
				    uint16_t lo, uint16_t hi)
{
	return (struct lull_listen){
		.size = sizeof(struct lull_listen),
		.local = {addr, bits},
		.port_lo = lo,
		.port_hi = hi,
		.backlog = 8,
	};
}

/* Connect to an address: which of `n` listeners has it then? */
static int who(struct rig *r, const struct lull_sock *listeners, int n)
{
	struct rig_seg out;
	struct lull_sock sock;

	rig_peer(r, (uint16_t)(r->tuple.rport + 1));
	rig_syn(r, LULL_SYN);
	if (!rig_get(r, &out))
		return SILENCE;
	if (out.seg.flags & LULL_RST)
		return REFUSED;
	assert_true(lull_addr_eq(&out.seg.tuple.remote, &r->tuple.local));
	r->ack = lull_seq_add(out.seg.seq, 1);
	rig_say(r, LULL_ACK, NULL, 0);
	for (int i = 0; i < n; i++) {
		if (lull_sock_accept(r->s, listeners[i], 9, &sock) < 0)
			continue;
		lull_sock_abort(r->s, sock);
		rig_run(r);
		rig_discard(r);
		return i;
	}
	fail_msg("no listener has it");
	return SILENCE;
}

/* ---- which listener? ---- */

static void more_listeners(struct lull_limits *l)
{
	l->listeners = 16;
}

static void narrowest_listener_wins(void **unused)
{
	const struct lull_addr own = addr4(10, 9, 3, 2);
	const struct lull_listen l[] = {
		listen_on((struct lull_addr){{0}}, 0, 1000, 0),
		listen_on(addr4(0, 0, 0, 0), 96, 1000, 0),
		listen_on(addr4(10, 9, 0, 0), 112, 1000, 0),
		listen_on(addr4(10, 9, 3, 0), 120, 1000, 0),
		listen_on(own, 128, 1000, 0),
		listen_on(own, 128, 990, 1100),
		listen_on(own, 128, 999, 1001),
		listen_on(addr4(10, 9, 3, 0), 120, 900, 2000),
		listen_on(addr4(0, 0, 0, 0), 96, 1, 65535),
	};
	static const struct {
		uint16_t port;
		int who;
	} t[] = {
		{1000, 4}, {1001, 6}, {1002, 5}, {999, 6},   {990, 5},
		{989, 7},  {1100, 5}, {1101, 7}, {2000, 7},  {2001, 8},
		{900, 7},  {899, 8},  {1, 8},	 {65535, 8},
	};
	static const int gone[] = {4, 6, 5, 3, 7, 2, 1, 8, 0};
	struct lull_sock s[ARRAY_LEN(l)];

	/* In both orders, so that it isn't the order that decides. */
	for (int down = 0; down < 2; down++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){.no_listener = true,
						  .limits = more_listeners});
		for (uint32_t i = 0; i < ARRAY_LEN(l); i++) {
			uint32_t k = down ? (uint32_t)ARRAY_LEN(l) - 1 - i : i;

			assert_int_equal(lull_sock_listen(r.s, &l[k], &s[k]),
					 0);
		}
		for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
			r.tuple.lport = t[i].port;
			assert_int_equal(who(&r, s, ARRAY_LEN(l)), t[i].who);
		}
		/* When the best goes, the next best takes over. */
		r.tuple.lport = 1000;
		for (uint32_t i = 0; i < ARRAY_LEN(gone); i++) {
			lull_sock_close(r.s, s[gone[i]]);
			assert_int_equal(who(&r, s, ARRAY_LEN(l)),
					 i + 1 < ARRAY_LEN(gone) ? gone[i + 1]
								 : REFUSED);
		}
		rig_close(&r);
	}
}

/* `::` takes both families, with V6ONLY one. */
static void dual_stack(void **unused)
{
	static const struct {
		uint32_t flags;
		uint8_t bits;
		int who4, who6;
	} t[] = {
		{0, 0, 0, 0},
		{LULL_LISTEN_V6ONLY, 0, REFUSED, 0},
		{0, 96, 0, REFUSED},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct lull_listen l =
			listen_on((struct lull_addr){{0}}, t[i].bits, 80, 0);
		struct lull_sock s;
		struct rig r;

		rig_open(&r, &(struct rig_config){.no_listener = true});
		if (t[i].bits)
			l.local.addr = addr4(0, 0, 0, 0);
		l.flags = t[i].flags;
		assert_int_equal(lull_sock_listen(r.s, &l, &s), 0);
		assert_int_equal(who(&r, &s, 1), t[i].who4);
		change_family(&r, true);
		assert_int_equal(who(&r, &s, 1), t[i].who6);
		lull_sock_close(r.s, s);
		rig_close(&r);
	}
}

/* A stand-in for a prefix takes strangers' addresses; nobody else does. */
static void transparent_prefix(void **unused)
{
	struct lull_listen l = listen_on(addr4(192, 0, 2, 0), 120, 80, 90);
	struct lull_sock s;
	struct rig r;

	rig_open(&r, &(struct rig_config){.any = true});
	r.tuple.local = addr4(192, 0, 2, 77);
	assert_int_equal(who(&r, &r.listener, 1), SILENCE);
	assert_int_equal(lull_sock_listen(r.s, &l, &s), 0);
	assert_int_equal(who(&r, &s, 1), SILENCE);
	assert_int_equal(rig_drops(&r, LULL_DROP_IP_NOT_OURS), 2);
	lull_sock_close(r.s, s);
	l.flags = LULL_LISTEN_TRANSPARENT;
	assert_int_equal(lull_sock_listen(r.s, &l, &s), 0);
	assert_int_equal(who(&r, &s, 1), 0);
	r.tuple.lport = 90;
	assert_int_equal(who(&r, &s, 1), 0);
	/* Beside the range, beside the prefix: no RST in another's name. */
	r.tuple.lport = 91;
	assert_int_equal(who(&r, &s, 1), SILENCE);
	r.tuple.lport = 80;
	r.tuple.local = addr4(192, 0, 3, 1);
	assert_int_equal(who(&r, &s, 1), SILENCE);
	assert_int_equal(rig_drops(&r, LULL_DROP_CLOSED_STRANGER), 2);
	/* At our own address the usual holds. */
	r.tuple.local = addr4(10, 9, 3, 2);
	assert_int_equal(who(&r, &r.listener, 1), 0);
	r.tuple.lport = 81;
	assert_int_equal(who(&r, &r.listener, 1), REFUSED);
	lull_sock_close(r.s, s);
	r.tuple.local = addr4(192, 0, 2, 77);
	r.tuple.lport = 80;
	assert_int_equal(who(&r, &r.listener, 1), SILENCE);
	rig_close(&r);
}

static void listen_is_checked(void **unused)
{
	const struct lull_addr own = addr4(10, 9, 3, 2);
	const struct lull_addr other = addr4(10, 9, 3, 7);
	const struct {
		struct lull_listen l;
		int result;
	} t[] = {
		{listen_on(own, 128, 80, 0), -EADDRINUSE},
		{listen_on(own, 128, 80, 80), -EADDRINUSE},
		{listen_on(own, 128, 80, 81), 0},
		{listen_on(own, 128, 80, 81), -EADDRINUSE},
		{listen_on(own, 128, 80, 82), 0},
		{listen_on(own, 128, 0, 0), -EINVAL},
		{listen_on(own, 128, 81, 80), -EINVAL},
		{listen_on(own, 129, 81, 0), -EINVAL},
		{listen_on(other, 128, 81, 0), -EADDRNOTAVAIL},
		{listen_on(addr4(10, 9, 3, 9), 120, 80, 0), 0},
		{listen_on(addr4(10, 9, 3, 1), 120, 80, 0), -EADDRINUSE},
		{listen_on(addr4(10, 9, 4, 1), 120, 80, 0), 0},
		{listen_on((struct lull_addr){{0}}, 0, 80, 0), 0},
		{listen_on((struct lull_addr){{0}}, 0, 80, 0), -EADDRINUSE},
	};
	struct lull_listen l;
	struct lull_sock s[16];
	int n = 0;
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		int e = lull_sock_listen(r.s, &t[i].l, &s[n]);

		if (e != t[i].result)
			fail_msg("listen %u said %d, not %d", i, e,
				 t[i].result);
		n += e == 0;
	}
	l = listen_on(own, 128, 99, 0);
	l.flags = 32;
	assert_int_equal(lull_sock_listen(r.s, &l, &s[n]), -EINVAL);
	l.flags = 0;
	l.size--;
	assert_int_equal(lull_sock_listen(r.s, &l, &s[n]), -EINVAL);
	l.size++;
	l.local.addr = other; /* MUST-43, unless one stands in */
	l.flags = LULL_LISTEN_TRANSPARENT;
	assert_int_equal(lull_sock_listen(r.s, &l, &s[n++]), 0);
	while (n < 7) {
		l.port_lo++;
		assert_int_equal(lull_sock_listen(r.s, &l, &s[n++]), 0);
	}
	l.port_lo++; /* limits.listeners is 8, with that of the rig */
	assert_int_equal(lull_sock_listen(r.s, &l, &s[n]), -ENFILE);
	while (n > 0)
		lull_sock_close(r.s, s[--n]);
	assert_int_equal(r.s->ip.strangers, 0);
	rig_close(&r);
}

/* ---- the handshake ---- */

/* 3.10.7.2, RFC 7323 2.2, 3.2: what we offer is what the SYN had, too. */
static void syn_ack_offers(void **unused)
{
	for (uint32_t i = 0; i < 64; i++) {
		bool ts = i & 1, scale = i & 2, v6 = i & 4;
		bool own_ts = i & 8, own_scale = i & 16, small = i & 32;
		struct rig_config c = {
			.ts = ts,
			.wscale = scale,
			.v6 = v6,
			.mtu = small ? 1280 : 9000,
			.sysctl = {own_ts ? "net.ipv4.tcp_timestamps=1"
					  : "net.ipv4.tcp_timestamps=0",
				   own_scale ? "net.ipv4.tcp_window_scaling=1"
					     : "net.ipv4.tcp_window_scaling=0"},
		};
		struct rig_seg out;
		struct rig r;

		rig_open(&r, &c);
		rig_syn(&r, LULL_SYN);
		out = rig_expect(&r, LULL_SYN | LULL_ACK);
		assert_int_equal(out.seg.ack.v, RIG_PEER_ISS + 1);
		assert_int_equal(out.seg.mss, c.mtu - (v6 ? 60 : 40));
		assert_int_equal(out.seg.has_ts, ts && own_ts);
		if (out.seg.has_ts)
			assert_int_equal(out.seg.tsecr, r.tsval);
		/* Enough for the largest tcp_rmem, 6 MB: 65535 << 7. */
		assert_int_equal(out.seg.wscale,
				 scale && own_scale ? 7 : LULL_NO_WSCALE);
		assert_int_equal(out.seg.wnd, 65535);
		rig_say(&r, LULL_ACK, NULL, 0);
		assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
		rig_close(&r);
	}
}

/* RFC 6298 2.1, 5.5; tcp_synack_retries is 5. */
static void syn_ack_again(void **unused)
{
	static const uint32_t after_s[] = {1, 2, 4, 8, 16};
	struct rig_seg first, again;
	struct rig r;

	rig_open(&r, &(struct rig_config){.ts = true, .wscale = true});
	rig_align(&r);
	rig_syn(&r, LULL_SYN);
	first = rig_expect(&r, LULL_SYN | LULL_ACK);
	for (uint32_t i = 0; i < ARRAY_LEN(after_s); i++) {
		again = rig_expect_after(&r, after_s[i] * 1000,
					 LULL_SYN | LULL_ACK);
		assert_int_equal(again.seg.seq.v, first.seg.seq.v);
		assert_int_equal(again.seg.ack.v, first.seg.ack.v);
		assert_int_equal(again.seg.wscale, first.seg.wscale);
		assert_int_equal(rig_count(&r, LULL_COUNT_SYN_RETRANS), i + 1);
	}
	rig_pass_ms(&r, 32000 - 1);
	assert_int_equal(rig_state(&r), LULL_TCP_SYN_RECEIVED);
	rig_pass_ms(&r, 1);
	rig_expect_none(&r);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	assert_int_equal(rig_count(&r, LULL_COUNT_ATTEMPT_FAILS), 1);
	rig_close(&r);
}

/* The first SYN-ACK was lost: the peer's SYN comes again, and gets another. */
static void same_syn_again(void **unused)
{
	struct rig_seg first, again;
	struct rig r;

	rig_open(&r, &(struct rig_config){.ts = true});
	rig_syn(&r, LULL_SYN);
	first = rig_expect(&r, LULL_SYN | LULL_ACK);
	r.seq = lull_seq(RIG_PEER_ISS);
	r.tsval += 500;
	rig_syn(&r, LULL_SYN);
	again = rig_expect(&r, LULL_SYN | LULL_ACK);
	assert_int_equal(again.seg.seq.v, first.seg.seq.v);
	/* tcp_invalid_ratelimit: not each one of a thousand. */
	r.seq = lull_seq(RIG_PEER_ISS);
	rig_syn(&r, LULL_SYN);
	rig_expect_none(&r);
	assert_int_equal(rig_count(&r, LULL_COUNT_ACK_SKIPPED_SYN_RECV), 1);
	rig_say(&r, LULL_ACK, NULL, 0);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	rig_close(&r);
}

/* Karn: the ACK may be one of either SYN-ACK. */
static void syn_ack_gives_rtt(void **unused)
{
	for (int again = 0; again < 2; again++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){0});
		rig_syn(&r, LULL_SYN);
		rig_expect(&r, LULL_SYN | LULL_ACK);
		rig_pass_ms(&r, again ? 1050 : 50);
		if (again)
			rig_expect(&r, LULL_SYN | LULL_ACK);
		rig_say(&r, LULL_ACK, NULL, 0);
		if (again)
			assert_int_equal(rig_tcb(&r)->rtt.srtt_us, 0);
		else
			assert_in_range(rig_tcb(&r)->rtt.srtt_us, 50000, 50001);
		rig_close(&r);
	}
}

/* Nor when it was the peer's SYN that drew another one. */
static void no_rtt_after_the_same_syn(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	rig_syn(&r, LULL_SYN);
	rig_expect(&r, LULL_SYN | LULL_ACK);
	rig_pass_ms(&r, 500);
	r.seq = lull_seq(RIG_PEER_ISS);
	rig_syn(&r, LULL_SYN);
	rig_expect(&r, LULL_SYN | LULL_ACK);
	rig_pass_ms(&r, 20);
	rig_say(&r, LULL_ACK, NULL, 0);
	assert_int_equal(rig_tcb(&r)->rtt.srtt_us, 0);
	rig_close(&r);
}

/* No answer either: RST to port 0 would be one. */
static void port_0_names_nobody(void **unused)
{
	for (int dst = 0; dst < 2; dst++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){0});
		if (dst)
			r.tuple.lport = 0;
		else
			r.tuple.rport = 0;
		rig_syn(&r, LULL_SYN);
		rig_expect_none(&r);
		assert_int_equal(rig_drops(&r, LULL_DROP_TCP_PORT_0), 1);
		rig_close(&r);
	}
}

/* ---- SYN_RECEIVED (3.10.7.4; RFC 5961, 7323) ---- */

/* What comes, what it is answered with, and where that leads. */
static const struct half_case {
	const char *what;
	uint8_t flags;
	int32_t seq, ack; /* from RCV.NXT, from SND.NXT */
	int32_t ts;	  /* from TS.Recent */
	uint32_t len;
	uint8_t answer; /* 0: none */
	enum lull_tcp_state state;
	enum lull_drop why;
} half_cases[] = {
#define HALF(what, flags, seq, ack, ts, len, answer, state, why)             \
	{what,		 flags, seq, ack, ts, len, answer, LULL_TCP_##state, \
	 LULL_DROP_##why},
#define A LULL_ACK
#define F LULL_FIN
#define S LULL_SYN
#define R LULL_RST
	HALF("ACK", A, 0, 0, 0, 0, 0, ESTABLISHED, NONE) HALF(
		"ACK, newer", A, 0, 0, 9, 0, 0, ESTABLISHED,
		NONE) HALF("ACK with text", A, 0, 0, 0, 9, A, ESTABLISHED,
			   NONE) HALF("ACK with FIN", A | F, 0, 0, 0, 0, A,
				      CLOSE_WAIT,
				      NONE) HALF("old timestamp", A, 0, 0, -1,
						 0, A, SYN_RECEIVED,
						 HALF_PAWS) HALF("old text", A,
								 0, 0, -1, 5, A,
								 SYN_RECEIVED,
								 HALF_PAWS)
		HALF("old RST", R, 0, 0, -9, 0, 0, CLOSED, HALF_RST) HALF(
			"RST", R, 0, 0, 0, 0, 0, CLOSED,
			HALF_RST) HALF("RST with ACK", R | A, 0, 0, 0, 0, 0,
				       CLOSED, HALF_RST)
			HALF("RST, wrong ACK", R | A, 0, 9, 0, 0, 0, CLOSED, HALF_RST) HALF(
				"RST ahead",
				R, 1, 0, 0,
				0, A, SYN_RECEIVED,
				RST_CHALLENGE) HALF("RST at the end", R,
						    65534, 0, 0,
						    0, A, SYN_RECEIVED,
						    RST_CHALLENGE)
				HALF("RST beyond", R, 65535, 0, 0, 0, 0, SYN_RECEIVED, HALF_SEQ) HALF(
					"RST before", R, -1,
					0, 0, 0, 0,
					SYN_RECEIVED,
					HALF_SEQ) HALF("SYN in the window", S,
						       5, 0,
						       0, 0,
						       A, SYN_RECEIVED,
						       SYN_CHALLENGE)
					HALF("SYN before", S, -2, 0, 0, 0, A,
					     SYN_RECEIVED,
					     HALF_SEQ) HALF("SYN again",
							    S, -1, 0, 0, 0,
							    S | A, SYN_RECEIVED,
							    HALF_SYN_AGAIN)
						HALF("ACK of ISS", A, 0, -1, 0,
						     0, R, SYN_RECEIVED,
						     HALF_ACK) HALF("ACK of more",
								    A, 0, 1,
								    0, 0, R,
								    SYN_RECEIVED,
								    HALF_ACK)
							HALF("ACK of text", A,
							     0, 1, 0, 9, R,
							     SYN_RECEIVED,
							     HALF_ACK) HALF("no ACK",
									    0,
									    0,
									    0,
									    0,
									    9,
									    0,
									    SYN_RECEIVED,
									    HALF_NO_ACK)
								HALF("FIN, no ACK",
								     F, 0, 0, 0,
								     0, 0,
								     SYN_RECEIVED,
								     HALF_NO_ACK)
									HALF("ACK beyond",
									     A,
									     65535,
									     0,
									     0,
									     0,
									     A,
									     SYN_RECEIVED,
									     HALF_SEQ)
										HALF("ACK before",
										     A,
										     -1,
										     0,
										     0,
										     0,
										     A,
										     SYN_RECEIVED,
										     HALF_SEQ)
#undef A
#undef F
#undef S
#undef R
};

static void syn_received(void **unused)
{
	for (uint32_t i = 0; i < 2 * ARRAY_LEN(half_cases); i++) {
		const struct half_case *c = &half_cases[i / 2];
		struct lull_seq ack;
		struct rig_seg out;
		struct rig r;

		rig_open(&r, &(struct rig_config){.ts = true, .v6 = i % 2});
		rig_reach(&r, LULL_TCP_SYN_RECEIVED, false);
		r.tsval += (uint32_t)c->ts;
		ack = lull_seq_add(r.ack, (uint32_t)c->ack);
		rig_put(&r, c->flags, lull_seq_add(r.seq, (uint32_t)c->seq),
			ack, NULL, c->len);
		rig_pass_ms(&r, 45);
		if (rig_get(&r, &out) != !!c->answer ||
		    (c->answer && out.seg.flags != c->answer))
			fail_msg("%s: answered by %02x", c->what,
				 out.seg.flags);
		if (c->answer == LULL_RST) /* <SEQ=SEG.ACK><CTL=RST> */
			assert_int_equal(out.seg.seq.v, ack.v);
		rig_expect_none(&r);
		if (rig_state(&r) != c->state)
			fail_msg("%s: state %u", c->what, rig_state(&r));
		if (c->why && rig_drops(&r, c->why) != 1)
			fail_msg("%s: not dropped for %s", c->what,
				 lull_drop_name(c->why));
		rig_close(&r);
	}
}

/* RFC 9293 3.10.7.4, fourth, to the letter, and a RST as from Linux 6.18. */
static void other_syn_ends_it_in_profile_linux(void **unused)
{
	const struct rig_config config = {.profile = LULL_PROFILE_LINUX};
	struct rig_seg out;
	struct rig r;

	rig_open(&r, &config);
	rig_reach(&r, LULL_TCP_SYN_RECEIVED, false);
	rig_put(&r, LULL_SYN, lull_seq_add(r.seq, 5), r.ack, NULL, 0);
	out = rig_expect(&r, LULL_RST | LULL_ACK);
	assert_int_equal(out.seg.seq.v, 0);
	assert_int_equal(out.seg.ack.v, lull_seq_add(r.seq, 6).v);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	assert_int_equal(rig_drops(&r, LULL_DROP_HALF_SYN), 1);
	rig_close(&r);
}

/* A client that begins anew in the window of what it has forgotten. */
static void challenged_client_begins_anew(void **unused)
{
	struct rig_seg out;
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	rig_reach(&r, LULL_TCP_SYN_RECEIVED, false);
	rig_put(&r, LULL_SYN, lull_seq_add(r.seq, 5), r.ack, NULL, 0);
	out = rig_expect(&r, LULL_ACK);
	assert_int_equal(out.seg.ack.v, r.seq.v);
	/* It knows nothing of that: <SEQ=SEG.ACK><CTL=RST>. */
	rig_put(&r, LULL_RST, out.seg.ack, lull_seq(0), NULL, 0);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	r.seq = lull_seq_add(r.seq, 5);
	rig_shake(&r);
	rig_close(&r);
}

/* MUST-11: after a RST the listener listens on. */
static void reset_half_returns_to_listen(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.backlog = 0});
	rig_reach(&r, LULL_TCP_SYN_RECEIVED, false);
	rig_say(&r, LULL_RST, NULL, 0);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	assert_int_equal(rig_count(&r, LULL_COUNT_EMBRYONIC_RSTS), 1);
	assert_int_equal(rig_count(&r, LULL_COUNT_ATTEMPT_FAILS), 1);
	r.seq = lull_seq(RIG_PEER_ISS);
	rig_shake(&r);
	rig_close(&r);
}

/* SHLD-26 and MUST-56, for a handshake. */
static void icmp_ends_a_handshake(void **unused)
{
	static const struct {
		struct rig_icmp icmp;
		int32_t seq;
		enum lull_tcp_state state;
	} t[] = {
		{{3, 0, 0}, 0, LULL_TCP_SYN_RECEIVED},
		{{3, 1, 0}, 0, LULL_TCP_SYN_RECEIVED},
		{{3, 5, 0}, 0, LULL_TCP_SYN_RECEIVED},
		{{11, 0, 0}, 0, LULL_TCP_SYN_RECEIVED},
		{{12, 0, 0}, 0, LULL_TCP_SYN_RECEIVED},
		{{3, 2, 0}, 0, LULL_TCP_CLOSED},
		{{3, 3, 0}, 0, LULL_TCP_CLOSED},
		{{3, 3, 0}, 1, LULL_TCP_SYN_RECEIVED},
		{{3, 3, 0}, -1, LULL_TCP_SYN_RECEIVED},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){0});
		rig_reach(&r, LULL_TCP_SYN_RECEIVED, false);
		rig_icmp(&r, t[i].icmp, lull_seq(RIG_ISS + (uint32_t)t[i].seq));
		assert_int_equal(rig_state(&r), t[i].state);
		rig_expect_none(&r);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(narrowest_listener_wins),
		cmocka_unit_test(dual_stack),
		cmocka_unit_test(transparent_prefix),
		cmocka_unit_test(listen_is_checked),
		cmocka_unit_test(syn_ack_offers),
		cmocka_unit_test(syn_ack_again),
		cmocka_unit_test(same_syn_again),
		cmocka_unit_test(syn_ack_gives_rtt),
		cmocka_unit_test(no_rtt_after_the_same_syn),
		cmocka_unit_test(port_0_names_nobody),
		cmocka_unit_test(syn_received),
		cmocka_unit_test(other_syn_ends_it_in_profile_linux),
		cmocka_unit_test(challenged_client_begins_anew),
		cmocka_unit_test(reset_half_returns_to_listen),
		cmocka_unit_test(icmp_ends_a_handshake),
	};

	return RUN("listen", tests);
}
