/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_knobs_act.c: each knob of closing, opening and giving up does what it
 * says: one test named after each, that sees it on the wire or in time, never
 * by reading it back. test_knobs_wire.c has the others; tests/house/
 * test_knobs.py compares both with knobs.def.
 */
#include <stdlib.h>

#include "rig.h"

#define NAME(s) "net.ipv4." s

enum {
	HOUR_MS = 3600 * 1000,
};

static void with(struct rig *r, const char *name, const char *value)
{
	rig_open(r, &(struct rig_config){.rtt_ms = 1});
	rig_knob(r, name, value);
}

/* What an old ACK is answered with: ACK by a record, RST by nobody. */
static uint8_t probe(struct rig *r)
{
	struct rig_seg out;

	rig_put(r, LULL_ACK, lull_seq(r->seq.v - 2), r->ack, NULL, 0);
	return rig_get(r, &out) ? out.seg.flags : 0;
}

/* The pair is known for so long, and not a millisecond longer. */
static void expect_lasts(struct rig *r, uint32_t ms)
{
	rig_pass_ms(r, ms - 1);
	assert_int_equal(probe(r), LULL_ACK);
	rig_pass_ms(r, 1);
	assert_int_equal(probe(r), LULL_RST);
}

/* Segments that come until `ms` have passed. */
static int come_within(struct rig *r, uint32_t ms)
{
	rig_pass_ms(r, ms);
	return rig_discard(r);
}

static void take_all(struct rig *r)
{
	struct lull_sock sock;

	while (lull_sock_accept(r->s, r->listener, 7, &sock) == 0)
		lull_sock_abort(r->s, sock);
	rig_pass_ms(r, 70000);
	rig_discard(r);
	rig_close(r);
}

/* A SYN from another port of the peer's; the flags of what answers. */
static uint8_t knock(struct rig *r, uint16_t port)
{
	struct rig_seg out;

	rig_peer(r, port);
	rig_syn(r, LULL_SYN);
	if (!rig_get(r, &out))
		return 0;
	r->ack = lull_seq_add(out.seg.seq, 1);
	return out.seg.flags;
}

/* ---- the end ---- */

/* In seconds, or by the name of somebody else's habit. */
static void tcp_timewait_len(void **unused)
{
	static const struct {
		const char *value;
		uint32_t ms;
	} t[] = {{"1", 1000},	     {"60", 60000},  {"3600", 3600000},
		 {"rfc793", 240000}, {"bsd", 60000}, {"windows", 120000}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		with(&r, "net.lull.tcp_timewait_len", t[i].value);
		rig_reach(&r, LULL_TCP_TIME_WAIT, false);
		rig_align(&r);
		/* New ones only. */
		rig_knob(&r, "net.lull.tcp_timewait_len", "30");
		expect_lasts(&r, t[i].ms);
		rig_close(&r);
	}
}

/* FIN_WAIT_2 that nobody owns, and never TIME_WAIT. */
static void tcp_fin_timeout(void **unused)
{
	static const struct {
		const char *value;
		uint32_t ms;
	} t[] = {{"1", 1000}, {"30", 30000}, {"3600", 3600000}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		with(&r, NAME("tcp_fin_timeout"), t[i].value);
		rig_reach(&r, LULL_TCP_FIN_WAIT_2, false);
		rig_align(&r);
		expect_lasts(&r, t[i].ms);
		rig_close(&r);
		with(&r, NAME("tcp_fin_timeout"), t[i].value);
		rig_reach(&r, LULL_TCP_TIME_WAIT, false);
		rig_align(&r);
		expect_lasts(&r, 60000);
		rig_close(&r);
	}
}

/* A further record ends the oldest; as in Linux it is not kept itself. */
static void tcp_max_tw_buckets(void **unused)
{
	for (int is_linux = 0; is_linux < 2; is_linux++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){
				     .profile = is_linux ? LULL_PROFILE_LINUX
							 : LULL_PROFILE_LULL});
		rig_knob(&r, NAME("tcp_max_tw_buckets"), "2");
		for (uint16_t k = 0; k < 3; k++) {
			rig_peer(&r, (uint16_t)(5000 + k));
			rig_shake(&r);
			lull_sock_close(r.s, r.sock);
			rig_run(&r);
			rig_expect(&r, LULL_FIN | LULL_ACK);
			rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
			rig_expect(&r, LULL_ACK);
		}
		for (uint16_t k = 0; k < 3; k++) {
			bool gone = k == (is_linux ? 2 : 0);
			struct lull_seq fin = lull_seq(RIG_PEER_ISS + 1);

			rig_peer(&r, (uint16_t)(5000 + k));
			rig_put(&r, LULL_FIN | LULL_ACK, fin, lull_seq(9), NULL,
				0);
			rig_expect(&r, gone ? LULL_RST : LULL_ACK);
		}
		rig_close(&r);
	}
}

static void tcp_max_orphans(void **unused)
{
	struct rig r;

	with(&r, NAME("tcp_max_orphans"), "2");
	for (uint16_t k = 0; k < 4; k++) {
		rig_peer(&r, (uint16_t)(5000 + k));
		rig_shake(&r);
		lull_sock_close(r.s, r.sock);
		rig_run(&r);
		rig_expect(&r,
			   k < 2 ? LULL_FIN | LULL_ACK : LULL_RST | LULL_ACK);
	}
	rig_close(&r);
}

/* 201 + 402 + ... ms until the time of so many shortest timeouts is over. */
static void tcp_orphan_retries(void **unused)
{
	static const struct {
		const char *value;
		int fins;
	} t[] = {{"1", 1}, {"3", 3}, {"0", 8}, {"8", 8}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		with(&r, NAME("tcp_orphan_retries"), t[i].value);
		rig_reach(&r, LULL_TCP_FIN_WAIT_1, false);
		assert_int_equal(come_within(&r, HOUR_MS), t[i].fins);
		assert_int_equal(probe(&r), LULL_RST);
		rig_close(&r);
	}
}

/* RST with the exact number ends TIME_WAIT, or is ignored (RFC 1337). */
static void tcp_rfc1337(void **unused)
{
	for (int on = 0; on < 2; on++) {
		struct rig r;

		with(&r, NAME("tcp_rfc1337"), on ? "1" : "0");
		rig_reach(&r, LULL_TCP_TIME_WAIT, false);
		rig_put(&r, LULL_RST, r.seq, lull_seq(0), NULL, 0);
		rig_expect_none(&r);
		assert_int_equal(probe(&r), on ? LULL_ACK : LULL_RST);
		rig_close(&r);
	}
}

/* ---- keepalive ---- */

static void keep(struct rig *r)
{
	rig_reach(r, LULL_TCP_ESTABLISHED, true);
	rig_align(r);
	rig_ack(r);
	rig_set(r, LULL_OPT_KEEPALIVE, 1);
}

static void tcp_keepalive_time(void **unused)
{
	struct rig r;

	with(&r, NAME("tcp_keepalive_time"), "1200");
	keep(&r);
	rig_expect_after(&r, 1200 * 1000, LULL_ACK);
	rig_close(&r);
}

static void tcp_keepalive_intvl(void **unused)
{
	struct rig r;

	with(&r, NAME("tcp_keepalive_intvl"), "7");
	keep(&r);
	rig_expect_after(&r, 7200 * 1000, LULL_ACK);
	for (int i = 1; i < 9; i++)
		rig_expect_after(&r, 7000, LULL_ACK);
	rig_expect_after(&r, 7000, LULL_RST | LULL_ACK);
	rig_close(&r);
}

/* Nine by default: a dead peer is found after 2 h 11 min 15 s, exactly. */
static void tcp_keepalive_probes(void **unused)
{
	static const struct {
		const char *value;
		uint32_t ms;
	} t[] = {{"9", 7875000}, {"1", 7275000}, {"127", 16725000}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		uint64_t began;
		struct rig r;

		with(&r, NAME("tcp_keepalive_probes"), t[i].value);
		keep(&r);
		began = r.now_ns;
		rig_pass_ms(&r, t[i].ms - 1);
		assert_int_equal(rig_discard(&r), atoi(t[i].value));
		assert_int_equal(rig_news(&r) & LULL_EVENT_ERROR, 0);
		rig_pass_ms(&r, 1);
		assert_int_equal(r.now_ns - began, (uint64_t)t[i].ms * 1000000);
		rig_expect(&r, LULL_RST | LULL_ACK);
		assert_int_equal(r.error, -ETIMEDOUT);
		rig_close(&r);
	}
}

/* Time leaps by hours, as after a laptop's sleep: one probe, then the others
 * at their interval. */
static void keepalive_after_a_leap(void **unused)
{
	struct rig r;

	with(&r, NAME("tcp_keepalive_time"), "7200");
	keep(&r);
	r.now_ns += (uint64_t)30 * HOUR_MS * 1000000;
	rig_run(&r);
	rig_expect(&r, LULL_ACK);
	rig_expect_none(&r);
	r.now_ns += 74999000000;
	rig_run(&r);
	rig_expect_none(&r);
	r.now_ns += 1000000;
	rig_run(&r);
	rig_expect(&r, LULL_ACK);
	rig_close(&r);
}

/* ---- the beginning ---- */

/* Seven SYNs double their time, ten with the four that don't. */
static void tcp_syn_retries(void **unused)
{
	static const struct {
		const char *value;
		int syns;
		uint32_t end_ms;
	} t[] = {{"6", 11, 131000}, {"1", 6, 7000}, {"2", 7, 11000}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		with(&r, NAME("tcp_syn_retries"), t[i].value);
		rig_reach(&r, LULL_TCP_SYN_SENT, true);
		assert_int_equal(come_within(&r, t[i].end_ms - 1) + 1,
				 t[i].syns);
		assert_int_equal(r.error, 0);
		rig_pass_ms(&r, 2);
		assert_int_equal(r.error, -ETIMEDOUT);
		rig_close(&r);
	}
}

/* Every second for so many, then doubled. */
static void tcp_syn_linear_timeouts(void **unused)
{
	static const struct {
		const char *value;
		uint32_t wait_s[6];
	} t[] = {{"4", {1, 1, 1, 1, 1, 2}},
		 {"0", {1, 2, 4, 8, 16, 32}},
		 {"2", {1, 1, 1, 2, 4, 8}}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		with(&r, NAME("tcp_syn_linear_timeouts"), t[i].value);
		rig_reach(&r, LULL_TCP_SYN_SENT, true);
		rig_align(&r);
		for (uint32_t k = 0; k < 6; k++) {
			rig_pass_ms(&r, t[i].wait_s[k] * 1000 - 2);
			rig_expect_none(&r);
			rig_pass_ms(&r, 2);
			rig_expect(&r, LULL_SYN);
		}
		rig_close(&r);
	}
}

static void tcp_synack_retries(void **unused)
{
	static const struct {
		const char *value;
		int again;
		uint32_t end_ms;
	} t[] = {{"5", 5, 63000}, {"0", 0, 1000}, {"2", 2, 7000}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		with(&r, NAME("tcp_synack_retries"), t[i].value);
		rig_reach(&r, LULL_TCP_SYN_RECEIVED, true);
		rig_align(&r);
		assert_int_equal(come_within(&r, t[i].end_ms - 3), t[i].again);
		rig_pass_ms(&r, 4);
		rig_say(&r, LULL_ACK, NULL, 0); /* nobody knows of it */
		rig_expect(&r, LULL_RST);
		rig_close(&r);
	}
}

/* Full: silence, SYN cookies or always SYN cookies, whose ISN is none of ours
 * and which nothing sends again. */
static void tcp_syncookies(void **unused)
{
	static const struct {
		const char *value;
		uint8_t full;
		int again; /* SYN-ACKs of the three, one second later */
	} t[] = {{"0", 0, 2},
		 {"1", LULL_SYN | LULL_ACK, 2},
		 {"2", LULL_SYN | LULL_ACK, 0}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){.backlog = 1});
		rig_knob(&r, NAME("tcp_syncookies"), t[i].value);
		for (uint16_t k = 0; k < 2; k++)
			assert_int_equal(knock(&r, (uint16_t)(5000 + k)),
					 LULL_SYN | LULL_ACK);
		assert_int_equal(knock(&r, 5002), t[i].full);
		assert_int_equal(come_within(&r, 1500), t[i].again);
		if (t[i].full) {
			rig_say(&r, LULL_ACK, NULL, 0);
			assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
		}
		take_all(&r);
	}
}

static void tcp_max_syn_backlog(void **unused)
{
	struct rig r;

	with(&r, NAME("tcp_max_syn_backlog"), "3");
	rig_knob(&r, NAME("tcp_syncookies"), "0");
	for (uint16_t k = 0; k < 5; k++)
		assert_int_equal(knock(&r, (uint16_t)(5000 + k)),
				 k < 3 ? LULL_SYN | LULL_ACK : 0);
	take_all(&r);
}

/* A backlog of 100 would hold 101. */
static void somaxconn(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.backlog = 100,
					  .sysctl = {"net.core.somaxconn=2"}});
	for (uint16_t k = 0; k < 5; k++) {
		uint8_t flags = knock(&r, (uint16_t)(5000 + k));

		assert_int_equal(flags, k < 3 ? LULL_SYN | LULL_ACK : 0);
		if (flags)
			rig_say(&r, LULL_ACK, NULL, 0);
	}
	take_all(&r);
}

/* The last ACK finds the queue full: silence, or RST. */
static void tcp_abort_on_overflow(void **unused)
{
	for (int on = 0; on < 2; on++) {
		struct lull_seq seq, ack;
		struct rig r;

		rig_open(&r, &(struct rig_config){.backlog = 1});
		rig_knob(&r, NAME("tcp_abort_on_overflow"), on ? "1" : "0");
		for (uint16_t k = 0; k < 2; k++) {
			knock(&r, (uint16_t)(5000 + k));
			if (k == 0)
				rig_say(&r, LULL_ACK, NULL, 0);
		}
		seq = r.seq;
		ack = r.ack;
		knock(&r, 5002);
		rig_say(&r, LULL_ACK, NULL, 0);
		rig_peer(&r, 5001);
		rig_put(&r, LULL_ACK, seq, ack, NULL, 0);
		if (on)
			rig_expect(&r, LULL_RST);
		rig_expect_none(&r);
		take_all(&r);
	}
}

/* ---- giving up ---- */

/* The program learns of it, while the connection tries on. */
static void tcp_retries1(void **unused)
{
	static const struct {
		const char *value;
		uint32_t ms;
	} t[] = {{"3", 3000}, {"1", 600}, {"5", 12600}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct lull_sock_info info = {.size = sizeof info};
		struct rig r;

		with(&r, NAME("tcp_retries1"), t[i].value);
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		rig_align(&r);
		rig_write(&r, 1);
		rig_pass_ms(&r, t[i].ms - 1);
		assert_int_equal(lull_sock_info(r.s, r.sock, &info), 0);
		assert_int_equal(info.soft_error, 0);
		rig_pass_ms(&r, 1);
		assert_int_equal(lull_sock_info(r.s, r.sock, &info), 0);
		assert_int_equal(info.soft_error, -ETIMEDOUT);
		assert_int_equal(rig_news(&r) & LULL_EVENT_ERROR, 0);
		rig_discard(&r); /* the peer answers: over */
		r.ack = lull_seq(RIG_ISS + 2);
		rig_ack(&r);
		assert_int_equal(lull_sock_info(r.s, r.sock, &info), 0);
		assert_int_equal(info.soft_error, 0);
		rig_close(&r);
	}
}

/* 15: 924.6 s, and the next timeout behind it. */
static void tcp_retries2(void **unused)
{
	static const struct {
		const char *value;
		int again;
	} t[] = {{"15", 15}, {"3", 3}, {"0", 1}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		with(&r, NAME("tcp_retries2"), t[i].value);
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		rig_write(&r, 1);
		rig_expect(&r, LULL_ACK);
		assert_int_equal(come_within(&r, HOUR_MS), t[i].again);
		assert_int_equal(r.error, -ETIMEDOUT);
		rig_close(&r);
	}
}

/* ---- of one socket ---- */

/* LULL_OPT_TIMEWAIT_LEN, through FIN_WAIT_2 with and without a program. */
static void own_timewait_len(void **unused)
{
	for (int held = 0; held < 2; held++) {
		struct rig r;

		with(&r, "net.lull.tcp_timewait_len", "30");
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		rig_set(&r, LULL_OPT_TIMEWAIT_LEN, 7);
		if (held)
			assert_int_equal(lull_sock_shutdown(r.s, r.sock,
							    LULL_SHUT_WR),
					 0);
		else
			lull_sock_close(r.s, r.sock);
		rig_run(&r);
		rig_expect(&r, LULL_FIN | LULL_ACK);
		rig_ack(&r);
		rig_pass_ms(&r, 50);
		rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
		rig_expect(&r, LULL_ACK);
		rig_align(&r);
		/* The FIN again: as long once more. */
		rig_pass_ms(&r, 6000);
		rig_put(&r, LULL_FIN | LULL_ACK, lull_seq(r.seq.v - 1), r.ack,
			NULL, 0);
		rig_expect(&r, LULL_ACK);
		expect_lasts(&r, 7000);
		rig_close(&r);
	}
}

/* A listener's is inherited by what comes from then on. */
static void listener_timewait_len(void **unused)
{
	static const struct {
		int32_t set;
		uint32_t ms;
		const char *cookies;
	} t[] = {{5, 5000, "0"}, {3600, 3600000, "2"}, {0, 60000, "0"}};
	struct rig r;

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		int32_t v = t[i].set, nodelay = 1;

		with(&r, NAME("tcp_syncookies"), t[i].cookies);
		assert_int_equal(lull_sock_set(r.s, r.listener,
					       LULL_OPT_TIMEWAIT_LEN, &v,
					       sizeof v),
				 0);
		assert_int_equal(lull_sock_set(r.s, r.listener,
					       LULL_OPT_NODELAY, &nodelay,
					       sizeof nodelay),
				 -ENOTCONN);
		rig_shake(&r);
		v = 9; /* too late for this one */
		assert_int_equal(lull_sock_set(r.s, r.listener,
					       LULL_OPT_TIMEWAIT_LEN, &v,
					       sizeof v),
				 0);
		lull_sock_close(r.s, r.sock);
		rig_run(&r);
		rig_expect(&r, LULL_FIN | LULL_ACK);
		rig_align(&r);
		rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
		rig_expect(&r, LULL_ACK);
		expect_lasts(&r, t[i].ms);
		for (v = -1; v <= 3601; v += 3602)
			assert_int_equal(lull_sock_set(r.s, r.listener,
						       LULL_OPT_TIMEWAIT_LEN,
						       &v, sizeof v),
					 -EINVAL);
		assert_int_equal(lull_sock_get(r.s, r.listener,
					       LULL_OPT_TIMEWAIT_LEN, &v,
					       sizeof v),
				 0);
		assert_int_equal(v, 9);
		rig_close(&r);
	}
}

/* TCP_LINGER2 goes before tcp_fin_timeout. */
static void linger2(void **unused)
{
	struct rig r;

	with(&r, NAME("tcp_fin_timeout"), "30");
	rig_reach(&r, LULL_TCP_FIN_WAIT_2, true);
	rig_set(&r, LULL_OPT_LINGER2, 4);
	lull_sock_close(r.s, r.sock);
	rig_run(&r);
	rig_align(&r);
	expect_lasts(&r, 4000);
	rig_close(&r);
	with(&r, NAME("tcp_fin_timeout"), "30");
	rig_reach(&r, LULL_TCP_FIN_WAIT_2, true);
	rig_set(&r, LULL_OPT_LINGER2, -1);
	lull_sock_close(r.s, r.sock);
	rig_run(&r);
	rig_expect(&r, LULL_RST | LULL_ACK);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_timewait_len),
		cmocka_unit_test(tcp_fin_timeout),
		cmocka_unit_test(tcp_max_tw_buckets),
		cmocka_unit_test(tcp_max_orphans),
		cmocka_unit_test(tcp_orphan_retries),
		cmocka_unit_test(tcp_rfc1337),
		cmocka_unit_test(tcp_keepalive_time),
		cmocka_unit_test(tcp_keepalive_intvl),
		cmocka_unit_test(tcp_keepalive_probes),
		cmocka_unit_test(keepalive_after_a_leap),
		cmocka_unit_test(tcp_syn_retries),
		cmocka_unit_test(tcp_syn_linear_timeouts),
		cmocka_unit_test(tcp_synack_retries),
		cmocka_unit_test(tcp_syncookies),
		cmocka_unit_test(tcp_max_syn_backlog),
		cmocka_unit_test(somaxconn),
		cmocka_unit_test(tcp_abort_on_overflow),
		cmocka_unit_test(tcp_retries1),
		cmocka_unit_test(tcp_retries2),
		cmocka_unit_test(own_timewait_len),
		cmocka_unit_test(listener_timewait_len),
		cmocka_unit_test(linger2),
	};

	return RUN("knobs_act", tests);
}
