/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_reuse.c: a connection that we open on the pair of a TIME_WAIT:
 * net.lull.tcp_tw_reuse_safe and net.ipv4.tcp_tw_reuse. docs/timewait.md.
 */
#include "rig.h"

#define SAFE "net.lull.tcp_tw_reuse_safe=1"
#define OFF  "net.lull.tcp_tw_reuse_safe=0"

enum {
	LEN_MS = 60000
};

/* ---- active: we take it ---- */

static int connect_from(struct rig *r, uint16_t port, struct lull_why *why)
{
	struct lull_connect c = {
		.size = sizeof c,
		.remote = {r->tuple.remote, r->tuple.rport},
		.local.port = port,
		.cookie = 2,
	};
	int e;

	*why = (struct lull_why){.size = sizeof *why};
	e = lull_sock_connect(r->s, &c, &r->sock, why);
	rig_run(r);
	return e;
}

static int connect_again(struct rig *r, struct lull_why *why)
{
	return connect_from(r, 0, why);
}

static void add_knob(struct rig_config *c, const char *knob)
{
	int i = 0;

	while (c->sysctl[i])
		i++;
	c->sysctl[i] = knob;
}

/* Two ports of ours, both in TIME_WAIT towards the peer's port 4000. */
static void close_just_now(struct rig *r, const struct rig_config *config)
{
	struct rig_config c = *config;
	struct lull_why why;

	add_knob(&c, "net.ipv4.ip_local_port_range=80 81");
	rig_open(r, &c);
	lull_sock_close(r->s, r->listener);
	for (uint16_t port = 80; port < 82; port++) {
		rig_peer(r, RIG_PEER_PORT);
		r->tuple.lport = port;
		assert_int_equal(connect_from(r, port, &why), 0);
		rig_expect(r, LULL_SYN);
		rig_syn(r, LULL_SYN | LULL_ACK);
		rig_expect(r, LULL_ACK);
		lull_sock_close(r->s, r->sock);
		rig_run(r);
		rig_expect(r, LULL_FIN | LULL_ACK);
		rig_say(r, LULL_FIN | LULL_ACK, NULL, 0);
		rig_expect(r, LULL_ACK);
		assert_int_equal(rig_state(r), LULL_TCP_TIME_WAIT);
	}
}

static void close_both(struct rig *r, const struct rig_config *config)
{
	close_just_now(r, config);
	rig_align(r);
}

/* The SYN of the new connection; the pair is from now on that of the rig. */
static struct rig_seg expect_syn(struct rig *r)
{
	struct rig_seg out = rig_expect(r, LULL_SYN);

	r->tuple.lport = out.seg.tuple.rport;
	assert_in_range(r->tuple.lport, 80, 81);
	return out;
}

/* Both in TIME_WAIT for so long, and a SYN in the shadow of one. */
static struct rig_seg reuse(struct rig *r, const struct rig_config *config)
{
	struct rig_config c = *config;
	struct lull_why why;

	add_knob(&c, SAFE);
	close_both(r, &c);
	rig_pass_ms(r, 300);
	r->tsval += 300;
	assert_int_equal(connect_again(r, &why), 0);
	assert_int_equal(rig_count(r, LULL_COUNT_TW_REUSED_SAFE), 1);
	return expect_syn(r);
}

/* The peer's answer to our SYN, as a new connection. */
static void answer_syn(struct rig *r, const struct rig_seg *syn, uint32_t seq)
{
	rig_put(r, LULL_SYN | LULL_ACK, lull_seq_add(r->seq, seq),
		lull_seq_add(syn->seg.seq, 1), NULL, 0);
}

/* RFC 9293 3.6.1 and RFC 7323: above, in both numbers; the record ends. */
static void reuse_is_above(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct lull_seq used;
		struct rig_seg syn;
		uint32_t ts;
		struct rig r;

		syn = reuse(&r, &(struct rig_config){.ts = true, .v6 = v6});
		used = lull_closing_at(&r.s->tcp, rig_tcb(&r)->shadow)->snd_nxt;
		ts = r.tsecr;
		assert_true(lull_seq_gt(syn.seg.seq, used));
		assert_true((int32_t)(syn.seg.tsval - ts) >= 0);
		answer_syn(&r, &syn, 70000);
		rig_expect(&r, LULL_ACK);
		assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
		assert_int_equal(r.s->tcp.closing[v6].links.used, 1);
		lull_sock_abort(r.s, r.sock);
		rig_run(&r);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* One RTO old, of those that closed towards it. */
static void reuse_waits_an_rto(void **unused)
{
	struct lull_why why;
	struct rig r;

	close_both(&r, &(struct rig_config){.ts = true, .sysctl = {SAFE}});
	assert_int_equal(connect_again(&r, &why), -EADDRNOTAVAIL);
	assert_int_equal(why.reason, LULL_WHY_PORTS_IN_USE);
	assert_int_equal(why.ports_closing, 2);
	assert_in_range(why.reuse_in_ns, 190000000, 1000000000);
	rig_pass_ms(&r, why.reuse_in_ns / 1000000 - 1);
	assert_int_equal(connect_again(&r, &why), -EADDRNOTAVAIL);
	rig_pass_ms(&r, 2);
	assert_int_equal(connect_again(&r, &why), 0);
	expect_syn(&r);
	lull_sock_close(r.s, r.sock);
	rig_close(&r);
}

/*
 * A connection that left no record had sent 250,000 bytes faster than the ISN's
 * clock: a second, until what begins by that clock is above them.
 */
static void reuse_waits_for_the_clock(void **unused)
{
	for (int lapped = 0; lapped < 2; lapped++) {
		uint16_t other;
		struct lull_why why;
		struct rig_seg syn;
		struct rig r;

		syn = reuse(&r, &(struct rig_config){.ts = true});
		other = (uint16_t)(80 + 81 - r.tuple.lport);
		answer_syn(&r, &syn, 1000);
		rig_expect(&r, LULL_ACK);
		rig_tcb(&r)->snd.nxt.v =
			lull_secret_of(&r.s->tcp, &r.tuple).isn + 250000;
		rig_tcb(&r)->quarters = lapped ? 4 : 0;
		rig_put(&r, LULL_RST, lull_seq_add(r.seq, 1001), r.ack, NULL,
			0);
		assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
		/* Lapped: nobody knows where they are, so 2MSL. */
		rig_pass_ms(&r, lapped ? LEN_MS / 2 : 990);
		assert_int_equal(connect_from(&r, other, &why), -EADDRNOTAVAIL);
		rig_pass_ms(&r, 20);
		if (!lapped)
			assert_int_equal(connect_from(&r, other, &why), 0);
		rig_drop(&r);
	}
}

/* Within the millisecond in which it began more than all of its time is left.
 */
static void reuse_waits_from_the_first_moment(void **unused)
{
	static const char *const how[] = {SAFE, "net.ipv4.tcp_tw_reuse=1"};
	struct lull_why why;
	struct rig r;

	for (uint32_t i = 0; i < ARRAY_LEN(how); i++) {
		close_just_now(&r, &(struct rig_config){.ts = true,
							.sysctl = {how[i]}});
		assert_int_not_equal(r.now_ns % 1000000, 0);
		assert_int_equal(connect_again(&r, &why), -EADDRNOTAVAIL);
		assert_in_range(why.reuse_in_ns, 190000000, 1001000000);
		rig_close(&r);
	}
}

/* Nobody said anything about it. */
static void on_in_profile_lull(void **unused)
{
	for (int linux_too = 0; linux_too < 2; linux_too++) {
		struct lull_why why;
		struct rig r;

		close_both(&r, &(struct rig_config){
				       .ts = true,
				       .profile = linux_too ? LULL_PROFILE_LINUX
							    : LULL_PROFILE_LULL,
			       });
		rig_pass_ms(&r, 2000);
		assert_int_equal(connect_again(&r, &why),
				 linux_too ? -EADDRNOTAVAIL : 0);
		rig_drop(&r);
	}
}

/* Without the knob, without timestamps, a FIN_WAIT_2, numbers that come round.
 */
static void not_every_record(void **unused)
{
	for (int i = 0; i < 6; i++) {
		struct lull_why why;
		struct rig r;

		close_both(&r,
			   &(struct rig_config){.ts = i != 1,
						.sysctl = {i ? SAFE : OFF}});
		rig_pass_ms(&r, 2000);
		for (uint16_t port = 80; i >= 2 && port < 82; port++) {
			struct lull_closing *c;

			r.tuple.lport = port;
			c = rig_record(&r);
			if (i == 2)
				c->head.commit = LULL_TCP_FIN_WAIT_2;
			else if (i == 3)
				c->head.flags |= LULL_CLOSING_LAPPED;
			else if (i == 4) /* 2^30 ahead of the ISN's clock */
				c->snd_nxt.v =
					lull_secret_of(&r.s->tcp, &r.tuple)
						.isn +
					(1U << 30);
			else
				c->snd_nxt.v--; /* just less: see below */
		}
		assert_int_equal(connect_again(&r, &why),
				 i == 5 ? 0 : -EADDRNOTAVAIL);
		if (i == 5) {
			expect_syn(&r);
			lull_sock_close(r.s, r.sock);
		} else {
			assert_int_equal(why.reuse_in_ns, UINT64_MAX);
		}
		rig_drop(&r);
	}
}

/* A peer in LAST_ACK challenges our SYN: it gets its ACK, then the SYN again.
 */
static void last_ack_is_helped(void **unused)
{
	for (int fin = 0; fin < 2; fin++) {
		struct rig_seg syn, ack, again;
		struct lull_seq old;
		struct rig r;

		syn = reuse(&r, &(struct rig_config){.ts = true});
		old = lull_closing_at(&r.s->tcp, rig_tcb(&r)->shadow)->snd_nxt;
		if (fin)
			rig_put(&r, LULL_FIN | LULL_ACK,
				lull_seq_add(r.seq, UINT32_MAX), old, NULL, 0);
		else
			rig_put(&r, LULL_ACK, r.seq, old, NULL, 0);
		ack = rig_expect(&r, LULL_ACK);
		assert_int_equal(ack.seg.seq.v, old.v);
		assert_int_equal(ack.seg.ack.v, r.seq.v);
		again = rig_expect(&r, LULL_SYN);
		assert_int_equal(again.seg.seq.v, syn.seg.seq.v);
		answer_syn(&r, &syn, 70000);
		rig_expect(&r, LULL_ACK);
		assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
		assert_int_equal(rig_count(&r, LULL_COUNT_OUT_RSTS), 0);
		lull_sock_abort(r.s, r.sock);
		rig_run(&r);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* What wanders of the old connection changes nothing, and draws no RST. */
static void old_segments_wander(void **unused)
{
	static const uint8_t flags[] = {
		LULL_RST | LULL_ACK, LULL_RST, LULL_SYN | LULL_ACK, LULL_ACK,
		LULL_ACK | LULL_PSH, LULL_SYN,
	};
	struct rig_seg syn, out;
	struct lull_seq old;
	struct rig r;

	syn = reuse(&r, &(struct rig_config){.ts = true});
	old = lull_closing_at(&r.s->tcp, rig_tcb(&r)->shadow)->snd_nxt;
	r.tsval -= 100000;
	for (uint32_t i = 0; i < ARRAY_LEN(flags); i++) {
		rig_put(&r, flags[i], lull_seq_add(r.seq, (uint32_t)-100), old,
			NULL, flags[i] & LULL_PSH ? 50 : 0);
		while (rig_get(&r, &out))
			assert_false(out.seg.flags & LULL_RST);
		assert_int_equal(rig_state(&r), LULL_TCP_SYN_SENT);
	}
	r.tsval += 100000;
	answer_syn(&r, &syn, 70000);
	rig_expect(&r, LULL_ACK);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	lull_sock_abort(r.s, r.sock);
	rig_run(&r);
	rig_discard(&r);
	rig_close(&r);
}

/* 3.5, figure 9: an old SYN of ours came to the peer, which is half-open now.
 * With a RST it is free for the new SYN, which goes at once. */
static void old_syn_at_the_peer(void **unused)
{
	struct rig_seg syn, rst;
	struct lull_seq old;
	struct rig r;

	syn = reuse(&r, &(struct rig_config){.ts = true});
	old = lull_closing_at(&r.s->tcp, rig_tcb(&r)->shadow)->snd_nxt;
	rig_put(&r, LULL_SYN | LULL_ACK, lull_seq_add(r.seq, 5000),
		lull_seq(old.v - 1), NULL, 0);
	rst = rig_expect(&r, LULL_RST);
	assert_int_equal(rst.seg.seq.v, old.v - 1);
	assert_false(rst.seg.has_ts);
	assert_int_equal(rig_expect(&r, LULL_SYN).seg.seq.v, syn.seg.seq.v);
	answer_syn(&r, &syn, 70000);
	rig_expect(&r, LULL_ACK);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	lull_sock_abort(r.s, r.sock);
	rig_run(&r);
	rig_discard(&r);
	rig_close(&r);
}

/* A SYN-ACK that can't be told from the old connection's. */
static void syn_ack_must_go_on(void **unused)
{
	static const struct {
		int32_t ts;
		uint32_t seq;
		bool has_ts, taken;
	} t[] = {
		{1, 70000, true, true},
		{0, 0, true, true},
		{0, (uint32_t)-1, true, false},
		{-1, 70000, true, false},
		{1, 70000, false, false},
		{1, (uint32_t)-70000, true, true},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig_seg syn;
		struct lull_why why;
		uint16_t first;
		struct rig r;

		syn = reuse(&r, &(struct rig_config){.ts = true});
		first = r.tuple.lport;
		r.tsval = lull_closing_at(&r.s->tcp, rig_tcb(&r)->shadow)
				  ->life.ts_recent +
			  (uint32_t)t[i].ts;
		r.config.ts = t[i].has_ts;
		answer_syn(&r, &syn, t[i].seq);
		if (t[i].taken) {
			rig_expect(&r, LULL_ACK);
			assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
			lull_sock_abort(r.s, r.sock);
			rig_run(&r);
			rig_discard(&r);
			rig_close(&r);
			continue;
		}
		/* RST to the peer; the pair is TIME_WAIT's again; there is no
		 * free port, and no reuse for 2MSL: the program learns that. */
		assert_int_equal(rig_expect(&r, LULL_RST).seg.seq.v,
				 syn.seg.seq.v + 1);
		rig_expect_none(&r);
		assert_int_equal(r.tuple.lport, first);
		assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
		assert_in_range(rig_left_ms(&r), LEN_MS - 300 - 1,
				LEN_MS - 298);
		assert_int_equal(r.events & LULL_EVENT_ERROR, LULL_EVENT_ERROR);
		assert_int_equal(r.error, -EADDRNOTAVAIL);
		rig_pass_ms(&r, 5000);
		assert_int_equal(connect_again(&r, &why), -EADDRNOTAVAIL);
		assert_int_equal(why.reuse_in_ns, UINT64_MAX);
		lull_sock_close(r.s, r.sock);
		rig_close(&r);
	}
}

/* What a program may set before its connection stands. */
static const struct {
	enum lull_option option;
	int32_t value;
} options_set[] = {
	{LULL_OPT_NODELAY, 1},
	{LULL_OPT_KEEPALIVE, 1},
	{LULL_OPT_KEEPIDLE, 11},
	{LULL_OPT_KEEPINTVL, 12},
	{LULL_OPT_KEEPCNT, 3},
	{LULL_OPT_LINGER2, 13},
	{LULL_OPT_CORK, 1},
	{LULL_OPT_USER_TIMEOUT, 14000},
	{LULL_OPT_SNDBUF, 20000},
	{LULL_OPT_RCVBUF, 30000},
	{LULL_OPT_TOS, 16},
	{LULL_OPT_TTL, 17},
	{LULL_OPT_SYNCNT, 4},
	{LULL_OPT_TIMEWAIT_LEN, 18},
	{LULL_OPT_QUICKACK, 1},
	{LULL_OPT_NOTSENT_LOWAT, 5000},
	{LULL_OPT_MAXSEG, 1000},
	{LULL_OPT_WINDOW_CLAMP, 9000},
	{LULL_OPT_MAX_PACING_RATE, 1000000},
};

static int32_t option_of(const struct rig *r, enum lull_option option)
{
	int32_t value = -1;

	assert_int_equal(
		lull_sock_get(r->s, r->sock, option, &value, sizeof value), 0);
	return value;
}

/* Where another port is free, the program's connection goes on from there. */
static void another_port_is_tried(void **unused)
{
	int32_t was[ARRAY_LEN(options_set)];
	struct lull_sock_info info = {.size = sizeof info};
	struct rig_seg syn, second;
	uint16_t first;
	struct rig r;

	syn = reuse(&r, &(struct rig_config){.ts = true});
	first = r.tuple.lport;
	for (size_t i = 0; i < ARRAY_LEN(was); i++) {
		int32_t before = option_of(&r, options_set[i].option);

		assert_int_equal(lull_sock_set(r.s, r.sock,
					       options_set[i].option,
					       &options_set[i].value,
					       sizeof options_set[i].value),
				 0);
		was[i] = option_of(&r, options_set[i].option);
		assert_int_not_equal(was[i], before);
	}
	rig_knob(&r, "net.ipv4.ip_local_port_range", "80 82");
	/* Nor does it go on with what the old one has out. */
	rig_pass_ms(&r, 1000);
	syn = rig_expect(&r, LULL_SYN);
	r.config.ts = false;
	answer_syn(&r, &syn, 70000);
	rig_expect(&r, LULL_RST);
	r.tuple.lport = 82;
	second = rig_expect(&r, LULL_SYN);
	assert_int_equal(second.seg.tuple.rport, 82);
	answer_syn(&r, &second, 70000);
	rig_expect(&r, LULL_ACK);
	assert_int_equal(lull_sock_info(r.s, r.sock, &info), 0);
	assert_int_equal(info.local.port, 82);
	assert_int_equal(rig_events_of(&r, r.sock) & LULL_EVENT_WRITE,
			 LULL_EVENT_WRITE);
	for (size_t i = 0; i < ARRAY_LEN(was); i++) {
		int32_t is = option_of(&r, options_set[i].option);

		/* Room for the timestamps that this peer didn't agree to. */
		if (options_set[i].option == LULL_OPT_MAXSEG)
			is -= 12;
		assert_int_equal(is, was[i]);
	}
	r.tuple.lport = first;
	assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
	lull_sock_abort(r.s, r.sock);
	rig_run(&r);
	rig_discard(&r);
	rig_close(&r);
}

/* Refused, timed out, closed by the program: TIME_WAIT as if nothing had been.
 */
static void new_connection_comes_to_nothing(void **unused)
{
	for (int i = 0; i < 3; i++) {
		uint32_t gone_ms = 300;
		struct rig_seg syn;
		struct rig r;

		syn = reuse(
			&r,
			&(struct rig_config){
				.ts = true,
				.sysctl = {
					"net.ipv4.tcp_syn_retries=1",
					"net.ipv4.tcp_syn_linear_timeouts=0"}});
		if (i == 0) {
			rig_put(&r, LULL_RST | LULL_ACK, lull_seq(0),
				lull_seq_add(syn.seg.seq, 1), NULL, 0);
			assert_int_equal(r.error, -ECONNREFUSED);
		} else if (i == 1) {
			rig_pass_ms(&r, 3500);
			gone_ms += 3500;
			assert_int_equal(rig_discard(&r), 1);
			assert_int_equal(r.error, -ETIMEDOUT);
		}
		lull_sock_close(r.s, r.sock);
		rig_run(&r);
		rig_expect_none(&r);
		assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
		assert_in_range(rig_left_ms(&r), LEN_MS - gone_ms - 2,
				LEN_MS - gone_ms + 1);
		assert_int_equal(rig_count(&r, LULL_COUNT_TW_RETURNED), 1);
		rig_close(&r);
	}
}

/* ---- as Linux has it ---- */

/* P0: after tcp_tw_reuse_delay; 1 only, 2 is for loopback; TWRecycled. */
static void linux_reuse(void **unused)
{
	static const char *const how[] = {"net.ipv4.tcp_tw_reuse=0",
					  "net.ipv4.tcp_tw_reuse=1",
					  "net.ipv4.tcp_tw_reuse=2"};

	for (uint32_t i = 0; i < 12; i++) {
		bool ts = i & 1, linux_too = i >= 6;
		struct lull_sock both[2];
		struct lull_seq used;
		struct lull_why why;
		struct rig_seg syn;
		struct rig r;

		close_both(&r, &(struct rig_config){
				       .ts = ts,
				       .profile = linux_too ? LULL_PROFILE_LINUX
							    : LULL_PROFILE_LULL,
				       .sysctl = {how[i % 6 / 2], OFF}});
		used = rig_record(&r)->snd_nxt;
		rig_pass_ms(&r, 1000);
		assert_int_equal(connect_again(&r, &why), -EADDRNOTAVAIL);
		rig_pass_ms(&r, 1);
		if (!ts || i % 6 / 2 != 1) {
			assert_int_equal(connect_again(&r, &why),
					 -EADDRNOTAVAIL);
			assert_int_equal(why.reuse_in_ns, UINT64_MAX);
			rig_close(&r);
			continue;
		}
		for (int k = 0; k < 2; k++) {
			assert_int_equal(connect_again(&r, &why), 0);
			syn = rig_expect(&r, LULL_SYN);
			if (syn.seg.tuple.rport == 81 && linux_too)
				assert_int_equal(syn.seg.seq.v, used.v + 65537);
			assert_int_equal(rig_count(&r, LULL_COUNT_TW_RECYCLED),
					 k + 1);
			assert_int_equal(r.s->tcp.closing[0].links.used, 1 - k);
			both[k] = r.sock;
		}
		lull_sock_close(r.s, both[0]);
		lull_sock_close(r.s, both[1]);
		rig_close(&r);
	}
}

static struct lull_listen listen_on(const struct rig *r, uint32_t flags)
{
	return (struct lull_listen){
		.size = sizeof(struct lull_listen),
		.flags = flags,
		.local = {r->tuple.local, 128},
		.port_lo = RIG_PORT,
		.backlog = 8,
	};
}

/* R1: a server starts again, with its TIME_WAITs there: both need the flag.
 * Profile lull always lets it. */
static void server_starts_again(void **unused)
{
	for (uint32_t i = 0; i < 16; i++) {
		uint32_t old = i & 1 ? LULL_LISTEN_REUSEADDR : 0;
		uint32_t new = i & 2 ? LULL_LISTEN_REUSEADDR : 0;
		bool linux_too = i & 4, live = i & 8;
		struct lull_sock again;
		struct lull_listen l;
		struct rig r;

		rig_open(&r, &(struct rig_config){
				     .listen_flags = old,
				     .profile = linux_too ? LULL_PROFILE_LINUX
							  : LULL_PROFILE_LULL});
		rig_reach(&r, live ? LULL_TCP_ESTABLISHED : LULL_TCP_TIME_WAIT,
			  false);
		lull_sock_close(r.s, r.listener);
		l = listen_on(&r, new);
		assert_int_equal(lull_sock_listen(r.s, &l, &again),
				 !linux_too || (old && new) ? 0 : -EADDRINUSE);
		if (live)
			lull_sock_abort(r.s, r.sock);
		rig_pass_ms(&r, 60001);
		rig_discard(&r);
		if (linux_too && !(old && new)) /* nothing is there any more */
			assert_int_equal(lull_sock_listen(r.s, &l, &again), 0);
		rig_drop(&r);
	}
}

/* What is at another address is in nobody's way, as in Linux; a listener on
 * any address meets all of it. */
static void another_address_starts(void **unused)
{
	for (uint32_t i = 0; i < 4; i++) {
		bool live = i & 1, v6 = i & 2;
		struct lull_listen l;
		struct lull_sock sock;
		struct lull_addr a;
		struct rig r;

		rig_open(&r, &(struct rig_config){
				     .v6 = v6, .profile = LULL_PROFILE_LINUX});
		rig_reach(&r, live ? LULL_TCP_ESTABLISHED : LULL_TCP_TIME_WAIT,
			  false);
		lull_sock_close(r.s, r.listener);
		a = r.tuple.local;
		a.b[15] += 7;
		assert_int_equal(
			lull_addr_add(r.s, (struct lull_prefix){a, 128}, false),
			0);
		l = listen_on(&r, 0);
		assert_int_equal(lull_sock_listen(r.s, &l, &sock), -EADDRINUSE);
		l.local.bits = 0;
		assert_int_equal(lull_sock_listen(r.s, &l, &sock), -EADDRINUSE);
		l.local = (struct lull_prefix){a, 128};
		assert_int_equal(lull_sock_listen(r.s, &l, &sock), 0);
		lull_sock_close(r.s, sock);
		l.local.bits = 0;
		l.flags = LULL_LISTEN_V6ONLY;
		assert_int_equal(lull_sock_listen(r.s, &l, &sock),
				 v6 ? -EADDRINUSE : 0);
		if (live)
			lull_sock_abort(r.s, r.sock);
		rig_run(&r);
		rig_discard(&r);
		rig_drop(&r);
	}
}

/* R2: a fixed port, SO_REUSEADDR on both, timestamps: at once, in Linux. */
static void bound_port_again(void **unused)
{
	for (uint32_t i = 0; i < 16; i++) {
		bool linux_too = i & 1, ts = i & 2, old = i & 4, new = i & 8;
		bool taken = linux_too && ts && old && new;
		struct lull_connect c = {
			.size = sizeof c,
			.flags = old ? LULL_CONNECT_REUSEADDR : 0,
			.cookie = 2,
		};
		struct rig r;

		rig_open(&r, &(struct rig_config){
				     .ts = ts,
				     .no_listener = true,
				     .sysctl = {"net.ipv4.tcp_tw_reuse=0"},
				     .profile = linux_too ? LULL_PROFILE_LINUX
							  : LULL_PROFILE_LULL});
		c.remote =
			(struct lull_endpoint){r.tuple.remote, r.tuple.rport};
		c.local.port = RIG_PORT;
		assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, NULL), 0);
		rig_run(&r);
		rig_expect(&r, LULL_SYN);
		rig_syn(&r, LULL_SYN | LULL_ACK);
		rig_expect(&r, LULL_ACK);
		lull_sock_close(r.s, r.sock);
		rig_run(&r);
		rig_expect(&r, LULL_FIN | LULL_ACK);
		rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
		rig_expect(&r, LULL_ACK);
		c.flags = new ? LULL_CONNECT_REUSEADDR : 0;
		assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, NULL),
				 taken ? 0 : -EADDRNOTAVAIL);
		assert_int_equal(rig_count(&r, LULL_COUNT_TW_RECYCLED), taken);
		if (taken)
			lull_sock_close(r.s, r.sock);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* SO_REUSEPORT: all have it; each flow has its listener, and both have some. */
static void listeners_share_a_port(void **unused)
{
	uint32_t waiting[3] = {0};
	struct lull_sock more[2], sock;
	struct lull_listen l;
	struct rig r;

	rig_open(&r,
		 &(struct rig_config){.backlog = 100,
				      .listen_flags = LULL_LISTEN_REUSEPORT});
	l = listen_on(&r, 0);
	assert_int_equal(lull_sock_listen(r.s, &l, &more[0]), -EADDRINUSE);
	l.flags = LULL_LISTEN_REUSEPORT;
	l.backlog = 100;
	for (int i = 0; i < 2; i++)
		assert_int_equal(lull_sock_listen(r.s, &l, &more[i]), 0);
	for (uint16_t i = 0; i < 60; i++) {
		rig_peer(&r, (uint16_t)(5000 + i));
		rig_syn(&r, LULL_SYN);
		rig_expect(&r, LULL_SYN | LULL_ACK);
		rig_say(&r, LULL_ACK, NULL, 0);
	}
	while (lull_sock_accept(r.s, r.listener, 2, &sock) == 0)
		waiting[0]++;
	for (int i = 0; i < 2; i++)
		while (lull_sock_accept(r.s, more[i], 2, &sock) == 0)
			waiting[1 + i]++;
	assert_int_equal(waiting[0] + waiting[1] + waiting[2], 60);
	for (int i = 0; i < 3; i++)
		assert_in_range(waiting[i], 8, 35);
	rig_drop(&r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reuse_is_above),
		cmocka_unit_test(reuse_waits_an_rto),
		cmocka_unit_test(reuse_waits_for_the_clock),
		cmocka_unit_test(reuse_waits_from_the_first_moment),
		cmocka_unit_test(on_in_profile_lull),
		cmocka_unit_test(not_every_record),
		cmocka_unit_test(last_ack_is_helped),
		cmocka_unit_test(old_segments_wander),
		cmocka_unit_test(old_syn_at_the_peer),
		cmocka_unit_test(syn_ack_must_go_on),
		cmocka_unit_test(another_port_is_tried),
		cmocka_unit_test(new_connection_comes_to_nothing),
		cmocka_unit_test(linux_reuse),
		cmocka_unit_test(server_starts_again),
		cmocka_unit_test(another_address_starts),
		cmocka_unit_test(bound_port_again),
		cmocka_unit_test(listeners_share_a_port),
	};

	return RUN("reuse", tests);
}
