/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_rfc9293.c: requirements of RFC 9293 that no other test looks at. Which
 * test shows which of them is told by tests/rfc/rfc9293.txt.
 */
#include "rig.h"

enum {
	MSS = 1460,
};

static const struct rig_config plain = {.rtt_ms = 1};

static struct lull_connect connect_to(const struct rig *r)
{
	return (struct lull_connect){
		.size = sizeof(struct lull_connect),
		.remote = {r->tuple.remote, r->tuple.rport},
		.cookie = 2,
	};
}

static void established(struct rig *r, const struct rig_config *config)
{
	rig_open(r, config);
	rig_reach(r, LULL_TCP_ESTABLISHED, true);
	rig_ack(r);
	rig_align(r);
	rig_news(r);
}

static int32_t soft_error(const struct rig *r)
{
	struct lull_sock_info info = {.size = sizeof info};

	assert_int_equal(lull_sock_info(r->s, r->sock, &info), 0);
	return info.soft_error;
}

/* ---- 3.2, 3.7.1: the MSS option ---- */

/* The bytes of an option in the next frame, of IPv4; 0: it has no such. */
static uint32_t option_len(struct rig *r, uint8_t kind)
{
	const struct rig_raw *raw = rig_get_raw(r);
	const uint8_t *p, *end;

	assert_non_null(raw);
	p = raw->bytes + 20;
	end = p + (p[12] >> 4) * 4;
	for (p += 20; p < end && *p; p += *p == 1 ? 1 : p[1])
		if (*p == kind)
			return p[1];
	return 0;
}

/* MUST-65; no parser of ours between, which would not look at it. */
static void no_mss_but_in_a_syn(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.ts = true, .sack = true});
	rig_syn(&r, LULL_SYN);
	assert_int_equal(option_len(&r, 2), 4);
	r.ack = lull_seq(RIG_ISS + 1);
	rig_ack(&r);
	assert_int_equal(lull_sock_accept(r.s, r.listener, 2, &r.sock), 0);
	rig_write(&r, 100); /* text */
	assert_int_equal(option_len(&r, 2), 0);
	r.ack = lull_seq(RIG_ISS + 101);
	rig_feed(&r, 10);
	rig_feed(&r, 10); /* an ACK alone */
	assert_int_equal(option_len(&r, 2), 0);
	assert_int_equal(lull_sock_shutdown(r.s, r.sock, LULL_SHUT_WR), 0);
	rig_run(&r); /* FIN */
	assert_int_equal(option_len(&r, 2), 0);
	lull_sock_abort(r.s, r.sock);
	rig_run(&r); /* RST */
	assert_int_equal(option_len(&r, 2), 0);
	rig_expect_none(&r);
	rig_close(&r);
}

/* MAY-3: also where it says what is assumed without it. */
static void an_mss_of_536_is_told(void **unused)
{
	const struct rig_config c = {.sysctl = {"net.lull.tcp_mss_clamp=536"}};
	struct rig r;

	rig_open(&r, &c);
	rig_syn(&r, LULL_SYN);
	assert_int_equal(rig_expect(&r, LULL_SYN | LULL_ACK).seg.mss, 536);
	rig_close(&r);
	rig_open(&r, &c);
	rig_reach(&r, LULL_TCP_SYN_SENT, true);
	rig_pass_ms(&r, 1001);
	assert_int_equal(rig_expect(&r, LULL_SYN).seg.mss, 536);
	rig_close(&r);
}

/* ---- 3.4.1: initial sequence numbers ---- */

/* MUST-9: another secret, another number, for the same pair at the same time.
 */
static void isn_needs_the_secret(void **unused)
{
	uint32_t offset[4];

	for (uint32_t i = 0; i < ARRAY_LEN(offset); i++) {
		struct rig r;

		rig_open(&r, &plain);
		r.s->g.keys.isn[0] ^= (uint8_t)i;
		offset[i] = lull_secret_of(&r.s->tcp, &r.tuple).isn -
			    (uint32_t)(r.s->g.now_ns / 4000);
		for (uint32_t k = 0; k < i; k++)
			assert_int_not_equal(offset[i], offset[k]);
		rig_close(&r);
	}
}

/* ---- 3.5: open ---- */

/* MUST-11: of an active open, the program learns that it was refused. */
static void reset_after_both_opened(void **unused)
{
	struct rig r;

	rig_open(&r, &plain);
	rig_reach(&r, LULL_TCP_SYN_SENT, true);
	rig_syn(&r, LULL_SYN);
	rig_expect(&r, LULL_SYN | LULL_ACK);
	assert_int_equal(rig_state(&r), LULL_TCP_SYN_RECEIVED);
	assert_int_equal(rig_news(&r), 0);
	rig_say(&r, LULL_RST, NULL, 0);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	assert_int_equal(rig_news(&r), LULL_EVENT_ERROR);
	assert_int_equal(r.error, -ECONNREFUSED);
	rig_close(&r);
}

/* ---- 3.8.3: R1 and R2 ---- */

/* MUST-23: three minutes of SYNs for a program that asks for them. */
static void three_minutes_of_syns(void **unused)
{
	struct rig r;

	rig_open(&r, &plain);
	rig_reach(&r, LULL_TCP_SYN_SENT, true);
	rig_set(&r, LULL_OPT_SYNCNT, 7);
	rig_pass_ms(&r, 180000);
	assert_int_equal(rig_state(&r), LULL_TCP_SYN_SENT);
	rig_pass_ms(&r, 90000);
	assert_int_equal(r.error, -ETIMEDOUT);
	rig_discard(&r);
	rig_close(&r);
}

/* SHLD-9, SHLD-10: nothing is said before the third retransmission. */
static void r1_is_three_retransmissions(void **unused)
{
	int again = 0;
	struct rig r;

	established(&r, &plain);
	rig_write(&r, 10);
	rig_expect(&r, LULL_ACK);
	while (!soft_error(&r)) {
		assert_true(again < 15);
		rig_pass_ms(&r, 10);
		again += rig_discard(&r);
	}
	assert_int_equal(soft_error(&r), -ETIMEDOUT);
	assert_true(again >= 3);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	rig_close(&r);
}

/* SHLD-11 */
static void r2_is_more_than_100_s(void **unused)
{
	struct rig r;

	established(&r, &plain);
	rig_write(&r, 10);
	rig_pass_ms(&r, 100000);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	assert_int_equal(rig_news(&r), 0);
	rig_pass_ms(&r, 900000);
	assert_int_equal(r.error, -ETIMEDOUT);
	rig_discard(&r);
	rig_close(&r);
}

/* ---- 3.8.6: windows ---- */

/* The peer answers everything and takes nothing; how much came again. */
static uint32_t answer_for(struct rig *r, uint32_t seconds)
{
	struct lull_seq una = r->ack;
	uint32_t again = 0;

	for (uint32_t ms = 0; ms < seconds * 1000; ms += 500) {
		struct rig_seg out;

		rig_pass_ms(r, 500);
		while (rig_get(r, &out)) {
			again += out.seg.text_len > 0 &&
				 lull_seq_eq(out.seg.seq, una);
			rig_put(r, LULL_ACK, r->seq, una, NULL, 0);
		}
	}
	return again;
}

/* SHLD-17, MAY-7: what is out is beyond the window now; it is sent again, and
 * as long as the peer answers, that is no reason to give up. */
static void what_is_beyond_the_window_times_out_never(void **unused)
{
	struct rig r;

	established(&r, &plain);
	rig_write(&r, 3 * MSS);
	assert_int_equal(rig_discard(&r), 3);
	r.wnd = 0;
	r.ack = lull_seq(RIG_ISS + 1);
	rig_ack(&r);
	assert_in_range(answer_for(&r, 7200), 60, 100);
	assert_int_equal(rig_news(&r), 0);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	/* It opens again; and without a word more R2 holds. */
	r.wnd = RIG_WND;
	rig_ack(&r);
	rig_discard(&r);
	r.wnd = 0;
	rig_ack(&r);
	rig_pass_ms(&r, 1500000);
	assert_int_equal(r.error, -ETIMEDOUT);
	rig_discard(&r);
	rig_close(&r);
}

/* ---- 3.9.1.1: OPEN ---- */

/* Open from this port of ours, up to SYN_RECEIVED if the peer opens, too. */
static struct lull_sock open_from(struct rig *r, uint16_t port, bool both)
{
	struct lull_connect c;
	struct lull_sock sock;

	rig_peer(r, (uint16_t)(RIG_PEER_PORT + both));
	r->tuple.lport = port;
	c = connect_to(r);
	c.local.port = port;
	assert_int_equal(lull_sock_connect(r->s, &c, &sock, NULL), 0);
	rig_run(r);
	rig_expect(r, LULL_SYN);
	if (both) {
		rig_syn(r, LULL_SYN);
		rig_expect(r, LULL_SYN | LULL_ACK);
	}
	return sock;
}

/* MUST-41, MUST-42: a port that opens connections may be listened on, and none
 * of them is any the worse for it. */
static void listening_disturbs_nobody(void **unused)
{
	struct lull_sock half, full;
	struct rig sent, both;
	struct rig r;

	rig_open(&r, &(struct rig_config){.no_listener = true});
	full = open_from(&r, RIG_PORT, true);
	both = r;
	half = open_from(&r, RIG_PORT, false);
	sent = r;
	assert_int_equal(
		lull_sock_listen(r.s,
				 &(struct lull_listen){
					 .size = sizeof(struct lull_listen),
					 .local = {r.tuple.local, 128},
					 .port_lo = RIG_PORT,
					 .backlog = 8},
				 &r.listener),
		0);
	rig_syn(&sent, LULL_SYN | LULL_ACK);
	rig_expect(&sent, LULL_ACK);
	assert_int_equal(rig_state(&sent), LULL_TCP_ESTABLISHED);
	rig_ack(&both);
	assert_int_equal(rig_state(&both), LULL_TCP_ESTABLISHED);
	rig_peer(&r, 4005);
	rig_shake(&r); /* and it listens */
	lull_sock_abort(r.s, half);
	lull_sock_abort(r.s, full);
	rig_run(&r);
	rig_discard(&r);
	rig_close(&r);
}

/* The source of the next packet, of IPv4: its last byte. */
static uint8_t source_of(struct rig *r, uint8_t flags)
{
	const struct rig_raw *raw = rig_get_raw(r);

	assert_non_null(raw);
	assert_int_equal(raw->bytes[33] & ~LULL_PSH, flags);
	return raw->bytes[15];
}

/* MUST-44, MUST-45: of several addresses the one that was chosen, always. */
static void the_address_stays(void **unused)
{
	struct lull_connect c;
	struct rig r;

	rig_open(&r, &(struct rig_config){.no_listener = true});
	for (uint8_t i = 3; i < 6; i++) {
		struct lull_addr a = r.tuple.local;

		a.b[15] = i;
		assert_int_equal(
			lull_addr_add(r.s, (struct lull_prefix){a, 120}, false),
			0);
	}
	c = connect_to(&r);
	c.local.port = RIG_PORT;
	assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, NULL), 0);
	rig_run(&r);
	assert_int_equal(source_of(&r, LULL_SYN), 2);
	rig_pass_ms(&r, 1001);
	assert_int_equal(source_of(&r, LULL_SYN), 2);
	r.ack = lull_seq(RIG_ISS + 1);
	rig_syn(&r, LULL_SYN | LULL_ACK);
	assert_int_equal(source_of(&r, LULL_ACK), 2);
	rig_write(&r, 10);
	assert_int_equal(source_of(&r, LULL_ACK), 2);
	lull_sock_close(r.s, r.sock);
	rig_run(&r);
	assert_int_equal(source_of(&r, LULL_FIN | LULL_ACK), 2);
	r.ack = lull_seq(RIG_ISS + 12);
	rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
	assert_int_equal(source_of(&r, LULL_ACK), 2);
	rig_put(&r, LULL_FIN | LULL_ACK, lull_seq(r.seq.v - 1), r.ack, NULL, 0);
	assert_int_equal(source_of(&r, LULL_ACK), 2);
	rig_close(&r);
}

/* ---- 3.10.7.4: SEGMENT ARRIVES ---- */

/* MUST-58, MUST-59: eight segments wait, in no order that could join them; all
 * are processed, and then one ACK is for all of them. */
static void one_ack_for_all_that_came(void **unused)
{
	static const uint32_t order[] = {3, 1, 7, 5, 0, 2, 6, 4};
	struct lull_seq first;
	struct rig r;

	established(&r, &plain);
	first = r.seq;
	for (uint32_t i = 0; i < ARRAY_LEN(order); i++) {
		struct lull_frame f;
		uint8_t packet[2048];

		assert_int_equal(lull_rx_get(r.s, &f, 1), 1);
		f.len = rig_build(&r, LULL_ACK,
				  lull_seq_add(first, 500 * order[i]), r.ack,
				  NULL, 500, packet);
		memcpy(f.span[0].ptr, packet, f.len);
		assert_int_equal(lull_rx_put(r.s, &f, 1), 1);
	}
	rig_run(&r);
	assert_int_equal(rig_expect(&r, LULL_ACK).seg.ack.v, first.v + 4000);
	rig_expect_none(&r);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_mss_but_in_a_syn),
		cmocka_unit_test(an_mss_of_536_is_told),
		cmocka_unit_test(isn_needs_the_secret),
		cmocka_unit_test(reset_after_both_opened),
		cmocka_unit_test(three_minutes_of_syns),
		cmocka_unit_test(r1_is_three_retransmissions),
		cmocka_unit_test(r2_is_more_than_100_s),
		cmocka_unit_test(what_is_beyond_the_window_times_out_never),
		cmocka_unit_test(listening_disturbs_nobody),
		cmocka_unit_test(the_address_stays),
		cmocka_unit_test(one_ack_for_all_that_came),
	};

	return RUN("rfc9293", tests);
}
