/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_held.c: what holds text or an ACK back, and for how long: Nagle in
 * Minshall's form, TCP_CORK, MSG_MORE, TCP_QUICKACK, TCP_SYNCNT, MSG_PEEK,
 * TCP_DEFER_ACCEPT.
 */
#include "rig.h"

enum {
	MSS = 1460,
	HELD_MS = 200,
};

static const struct rig_config plain = {.rtt_ms = 1};
static const struct rig_config linux_one = {.rtt_ms = 1,
					    .profile = LULL_PROFILE_LINUX};
static const struct rig_config gso = {
	.rtt_ms = 1, .link_cap = LULL_LINK_TX_CSUM | LULL_LINK_TX_GSO};

static void established(struct rig *r, const struct rig_config *config)
{
	rig_open(r, config);
	rig_reach(r, LULL_TCP_ESTABLISHED, true);
	rig_align(r);
}

static void expect_text(struct rig *r, uint32_t len)
{
	assert_int_equal(rig_expect(r, LULL_ACK).seg.text_len, len);
}

static long send_flags(struct rig *r, uint32_t len, int flags)
{
	static uint8_t text[4096];
	struct lull_span span = {text, len};
	long n = lull_sock_send(r->s, r->sock, &span, 1, flags);

	rig_run(r);
	return n;
}

/* ---- Minshall: one *short* segment may be out ---- */

/* tcp_nagle_check(): whole ones that are out don't make the last one wait. */
static void minshall_lets_a_tail_go(void **unused)
{
	struct rig r;

	established(&r, &plain);
	rig_write(&r, 2 * MSS + 10);
	expect_text(&r, MSS);
	expect_text(&r, MSS);
	expect_text(&r, 10);
	rig_write(&r, 20); /* but the short one does */
	rig_expect_none(&r);
	r.ack = lull_seq(RIG_ISS + 1 + 2 * MSS); /* it is still out */
	rig_ack(&r);
	rig_expect_none(&r);
	r.ack = lull_seq(RIG_ISS + 1 + 2 * MSS + 10);
	rig_ack(&r);
	expect_text(&r, 20);
	rig_close(&r);
}

/* The tail of a large frame waits by the same rule. */
static void minshall_with_offload(void **unused)
{
	struct rig r;

	established(&r, &gso);
	rig_write(&r, 10);
	expect_text(&r, 10);
	rig_write(&r, 2 * MSS + 30);
	expect_text(&r, 2 * MSS);
	rig_expect_none(&r);
	rig_ack(&r);
	expect_text(&r, 30);
	rig_ack(&r);
	rig_write(&r, 2 * MSS + 30);
	expect_text(&r, 2 * MSS + 30);
	rig_close(&r);
}

/* SND.SML starts where the connection does, wherever that is. */
static void minshall_at_the_start(void **unused)
{
	struct rig r;

	established(&r, &plain);
	rig_write(&r, MSS + 5);
	expect_text(&r, MSS);
	expect_text(&r, 5);
	rig_close(&r);
}

/* ---- TCP_CORK ---- */

static void cork_holds_200_ms(void **unused)
{
	struct rig r;

	established(&r, &plain);
	rig_set(&r, LULL_OPT_CORK, 1);
	rig_write(&r, MSS + 100);
	expect_text(&r, MSS); /* whole ones go */
	rig_expect_none(&r);
	rig_ack(&r);
	rig_align(&r);
	rig_expect_none(&r);
	rig_write(&r, 100);
	/* All is acknowledged: 200 ms from there. */
	rig_pass_ms(&r, HELD_MS - 2);
	rig_expect_none(&r);
	rig_pass_ms(&r, 2);
	expect_text(&r, 200);
	assert_int_equal(rig_count(&r, LULL_COUNT_WIN_PROBE), 0);
	rig_ack(&r);
	rig_write(&r, 7); /* still corked */
	rig_expect_none(&r);
	rig_set(&r, LULL_OPT_CORK, 0);
	rig_run(&r);
	expect_text(&r, 7);
	rig_close(&r);
}

/* A long RTT doesn't make it longer; in Linux it does (tcp_probe0_base()). */
static void cork_is_not_the_persist_timer(void **unused)
{
	for (int i = 0; i < 2; i++) {
		struct rig_config c = i ? linux_one : plain;
		uint32_t rto_ms;
		struct rig r;

		c.rtt_ms = 300;
		established(&r, &c);
		rto_ms = rig_tcb(&r)->rtt.rto_us / 1000;
		assert_true(rto_ms > 600);
		rig_set(&r, LULL_OPT_CORK, 1);
		rig_write(&r, 100);
		rig_expect_after(&r, i ? rto_ms : HELD_MS, LULL_ACK);
		rig_close(&r);
	}
}

static void cork_and_nodelay(void **unused)
{
	struct rig r;

	established(&r, &plain);
	rig_set(&r, LULL_OPT_NODELAY, 1);
	rig_set(&r, LULL_OPT_CORK, 1); /* the cork is stronger */
	rig_write(&r, 70);
	rig_expect_none(&r);
	rig_set(&r, LULL_OPT_NODELAY, 1); /* but to set it is a push */
	rig_run(&r);
	expect_text(&r, 70);
	rig_write(&r, 100);
	rig_expect_none(&r);
	rig_set(&r, LULL_OPT_CORK, 0);
	rig_write(&r, 1);
	expect_text(&r, 101);
	rig_write(&r, 1);
	expect_text(&r, 1);
	rig_close(&r);
}

static void close_pulls_the_cork(void **unused)
{
	struct rig_seg out;
	struct rig r;

	established(&r, &plain);
	rig_set(&r, LULL_OPT_CORK, 1);
	rig_write(&r, 100);
	rig_expect_none(&r);
	lull_sock_close(r.s, r.sock);
	rig_run(&r);
	out = rig_expect(&r, LULL_FIN | LULL_ACK);
	assert_int_equal(out.seg.text_len, 100);
	rig_close(&r);
}

static void cork_with_offload(void **unused)
{
	struct rig r;

	established(&r, &gso);
	rig_set(&r, LULL_OPT_CORK, 1);
	rig_write(&r, 3 * MSS + 1);
	expect_text(&r, 3 * MSS);
	rig_expect_none(&r);
	rig_set(&r, LULL_OPT_CORK, 0);
	rig_run(&r);
	expect_text(&r, 1);
	rig_close(&r);
}

/* ---- MSG_MORE ---- */

static void more_waits_for_the_rest(void **unused)
{
	struct rig r;

	established(&r, &plain);
	assert_int_equal(send_flags(&r, 100, LULL_MSG_MORE), 100);
	rig_expect_none(&r);
	assert_int_equal(send_flags(&r, 50, LULL_MSG_MORE), 50);
	rig_expect_none(&r);
	assert_int_equal(send_flags(&r, 25, 0), 25);
	expect_text(&r, 175);
	rig_ack(&r);
	assert_int_equal(send_flags(&r, 100, LULL_MSG_MORE), 100);
	assert_int_equal(send_flags(&r, 0, 0), 0); /* that was all */
	expect_text(&r, 100);
	rig_ack(&r);
	rig_align(&r);
	assert_int_equal(send_flags(&r, 10, LULL_MSG_MORE), 10);
	rig_expect_after(&r, HELD_MS, LULL_ACK);
	assert_int_equal(send_flags(&r, 1, 2), -EINVAL); /* MSG_PEEK is
							    of recv */
	rig_close(&r);
}

/* In Linux the next ACK lets it go: the flag is of one push. */
static void more_and_an_ack(void **unused)
{
	for (int i = 0; i < 2; i++) {
		struct rig r;

		established(&r, i ? &linux_one : &plain);
		rig_write(&r, MSS);
		expect_text(&r, MSS);
		assert_int_equal(send_flags(&r, 100, LULL_MSG_MORE), 100);
		rig_expect_none(&r);
		rig_ack(&r);
		if (i)
			expect_text(&r, 100);
		rig_expect_none(&r);
		rig_close(&r);
	}
}

/* ---- ACKs ---- */

static void quickack(void **unused)
{
	int32_t v;
	struct rig r;

	established(&r, &plain);
	rig_feed(&r, 10);
	rig_expect_none(&r); /* delayed */
	rig_set(&r, LULL_OPT_QUICKACK, 1);
	rig_run(&r);
	rig_expect(&r, LULL_ACK);
	for (int i = 0; i < 3; i++) {
		rig_feed(&r, 10);
		/* The program has news: within the turn its answer may come. */
		rig_run(&r);
		rig_expect(&r, LULL_ACK);
	}
	assert_int_equal(
		lull_sock_get(r.s, r.sock, LULL_OPT_QUICKACK, &v, sizeof v), 0);
	assert_int_equal(v, 1);
	rig_set(&r, LULL_OPT_QUICKACK, 0);
	rig_feed(&r, 10);
	rig_run(&r);
	rig_expect_none(&r);
	rig_close(&r);
}

/* ---- SYNs ---- */

static void syncnt(void **unused)
{
	uint32_t syns = 0;
	int32_t v;
	struct rig r;
	struct rig_seg out;

	rig_open(&r, &plain);
	rig_reach(&r, LULL_TCP_SYN_SENT, true);
	assert_int_equal(
		lull_sock_get(r.s, r.sock, LULL_OPT_SYNCNT, &v, sizeof v), 0);
	assert_int_equal(v, 6);
	rig_knob(&r, "net.ipv4.tcp_syn_linear_timeouts", "0");
	rig_set(&r, LULL_OPT_SYNCNT, 2);
	rig_pass_ms(&r, 6999); /* 1 + 2 + 4 s */
	while (rig_get(&r, &out))
		syns++;
	assert_int_equal(rig_state(&r), LULL_TCP_SYN_SENT);
	rig_pass_ms(&r, 2);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	assert_int_equal(r.error, -ETIMEDOUT);
	assert_int_equal(rig_count(&r, LULL_COUNT_SYN_RETRANS), 2);
	assert_true(syns >= 2);
	rig_close(&r);
}

/* ---- MSG_PEEK ---- */

static void peek_leaves_it(void **unused)
{
	char text[8];
	struct rig r;

	established(&r, &plain);
	assert_int_equal(lull_sock_recv_flags(r.s, r.sock, text, 8,
					      LULL_MSG_PEEK),
			 -EAGAIN);
	rig_say(&r, LULL_ACK, "abc", 3);
	for (int i = 0; i < 2; i++) {
		memset(text, 0, sizeof text);
		assert_int_equal(lull_sock_recv_flags(r.s, r.sock, text, 8,
						      LULL_MSG_PEEK),
				 3);
		assert_string_equal(text, "abc");
	}
	assert_int_equal(
		lull_sock_recv_flags(r.s, r.sock, text, 2, LULL_MSG_PEEK), 2);
	assert_int_equal(lull_sock_recv_flags(r.s, r.sock, text, 2, 0), 2);
	assert_int_equal(
		lull_sock_recv_flags(r.s, r.sock, text, 8, LULL_MSG_PEEK), 1);
	assert_int_equal(text[0], 'c');
	assert_int_equal(lull_sock_recv_flags(r.s, r.sock, text, 8, 4),
			 -EINVAL);
	assert_int_equal(lull_sock_recv(r.s, r.sock, text, 8), 1);
	rig_discard(&r);
	rig_close(&r);
}

/* ---- TCP_DEFER_ACCEPT ---- */

static void deferring(struct rig *r, int32_t seconds)
{
	rig_open(r, &plain);
	assert_int_equal(lull_sock_set(r->s, r->listener, LULL_OPT_DEFER_ACCEPT,
				       &seconds, sizeof seconds),
			 0);
	rig_align(r);
	rig_syn(r, LULL_SYN);
	rig_expect(r, LULL_SYN | LULL_ACK);
	rig_ack(r);
	assert_int_equal(rig_state(r), LULL_TCP_SYN_RECEIVED);
	assert_int_equal(rig_count(r, LULL_COUNT_DEFER_ACCEPT_DROP), 1);
	rig_expect_none(r);
}

static bool is_accepted(struct rig *r)
{
	return lull_sock_accept(r->s, r->listener, 0, &r->sock) == 0;
}

static void defer_accept_until_text(void **unused)
{
	struct rig r;

	deferring(&r, 7); /* 1 + 2 + 4 s: no SYN-ACK for the first two */
	rig_pass_ms(&r, 6500);
	rig_expect_none(&r);
	assert_false(is_accepted(&r));
	rig_say(&r, LULL_ACK, "abc", 3);
	assert_true(is_accepted(&r));
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	/* It was not lost, and its time says nothing of the path. */
	assert_int_equal(rig_tcb(&r)->cc.cwnd, 10 * MSS);
	assert_int_equal(rig_tcb(&r)->rtt.srtt_us, 0);
	lull_sock_abort(r.s, r.sock);
	rig_run(&r);
	rig_discard(&r);
	rig_close(&r);
}

/* At the end of it a SYN-ACK asks once more: the ACK to that will do. */
static void defer_accept_ends(void **unused)
{
	struct rig r;

	deferring(&r, 3); /* 1 + 2 s */
	rig_pass_ms(&r, 2999);
	rig_expect_none(&r);
	rig_pass_ms(&r, 2);
	rig_expect(&r, LULL_SYN | LULL_ACK);
	rig_ack(&r);
	assert_true(is_accepted(&r));
	lull_sock_abort(r.s, r.sock);
	rig_run(&r);
	rig_discard(&r);
	rig_close(&r);
}

/* Kept as timeouts, as in Linux; a connection has none of it. */
static void defer_accept_is_rounded(void **unused)
{
	static const struct {
		int32_t set, get;
	} t[] = {{0, 0}, {1, 1}, {2, 3}, {3, 3}, {4, 7}, {30, 31}, {127, 127}};
	struct rig r;
	int32_t v;

	rig_open(&r, &plain);
	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		assert_int_equal(lull_sock_set(r.s, r.listener,
					       LULL_OPT_DEFER_ACCEPT, &t[i].set,
					       4),
				 0);
		assert_int_equal(lull_sock_get(r.s, r.listener,
					       LULL_OPT_DEFER_ACCEPT, &v, 4),
				 0);
		assert_int_equal(v, t[i].get);
	}
	v = -1;
	assert_int_equal(lull_sock_set(r.s, r.listener, LULL_OPT_DEFER_ACCEPT,
				       &v, 4),
			 -EINVAL);
	v = 0; /* off: the ACK makes it */
	assert_int_equal(lull_sock_set(r.s, r.listener, LULL_OPT_DEFER_ACCEPT,
				       &v, 4),
			 0);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	assert_int_equal(lull_sock_set(r.s, r.sock, LULL_OPT_DEFER_ACCEPT, &v,
				       4),
			 -ENOPROTOOPT);
	rig_close(&r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(minshall_lets_a_tail_go),
		cmocka_unit_test(minshall_with_offload),
		cmocka_unit_test(minshall_at_the_start),
		cmocka_unit_test(cork_holds_200_ms),
		cmocka_unit_test(cork_is_not_the_persist_timer),
		cmocka_unit_test(cork_and_nodelay),
		cmocka_unit_test(close_pulls_the_cork),
		cmocka_unit_test(cork_with_offload),
		cmocka_unit_test(more_waits_for_the_rest),
		cmocka_unit_test(more_and_an_ack),
		cmocka_unit_test(quickack),
		cmocka_unit_test(syncnt),
		cmocka_unit_test(peek_leaves_it),
		cmocka_unit_test(defer_accept_until_text),
		cmocka_unit_test(defer_accept_ends),
		cmocka_unit_test(defer_accept_is_rounded),
	};

	return RUN("held", tests);
}
