/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_shadow.c: a SYN has taken the pair of a TIME_WAIT, and comes to nothing:
 * TIME_WAIT again (RFC 1122 4.2.2.13 (2)). docs/timewait.md.
 */
#include "rig.h"

enum {
	LEN_MS = 60000
};

/* Our TIME_WAIT, and a SYN that RFC 6191 accepts after ten seconds. */
static void reopen(struct rig *r, const struct rig_config *config)
{
	rig_open(r, config);
	rig_reach(r, LULL_TCP_TIME_WAIT, false);
	rig_align(r);
	rig_pass_ms(r, 10000);
	r->tsval += 10000;
	rig_put(r, LULL_SYN, lull_seq_add(r->seq, 5000), lull_seq(0), NULL, 0);
	rig_expect(r, LULL_SYN | LULL_ACK);
	assert_int_equal(rig_state(r), LULL_TCP_SYN_RECEIVED);
}

/* In TIME_WAIT again, for the rest of its time and no longer. */
static void expect_returned(struct rig *r, uint32_t left_ms)
{
	assert_int_equal(rig_state(r), LULL_TCP_TIME_WAIT);
	assert_in_range(rig_left_ms(r), left_ms, left_ms + 1);
	assert_int_equal(rig_count(r, LULL_COUNT_TW_RETURNED), 1);
	/* And it does what it did: a FIN again gets the old ACK. */
	rig_put(r, LULL_FIN | LULL_ACK, lull_seq_add(r->seq, UINT32_MAX),
		lull_seq(RIG_ISS + 2), NULL, 0);
	assert_int_equal(rig_expect(r, LULL_ACK).seg.seq.v, RIG_ISS + 2);
	assert_in_range(rig_left_ms(r), LEN_MS, LEN_MS + 1);
}

static void handshake_dies_by_rst(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig r;

		reopen(&r, &(struct rig_config){.ts = true, .v6 = v6});
		rig_put(&r, LULL_RST, lull_seq_add(r.seq, 5001), lull_seq(0),
			NULL, 0);
		rig_expect_none(&r);
		r.ack = lull_seq(RIG_ISS + 2);
		expect_returned(&r, 50000 - 1);
		rig_close(&r);
	}
}

static void handshake_dies_by_time(void **unused)
{
	struct rig r;

	reopen(&r, &(struct rig_config){
			   .ts = true,
			   .sysctl = {"net.ipv4.tcp_synack_retries=1"}});
	rig_pass_ms(&r, 3001);
	assert_int_equal(rig_discard(&r), 1);
	expect_returned(&r, 50000 - 3002);
	rig_close(&r);
}

static void listener_is_gone(void **unused)
{
	struct rig r;

	reopen(&r, &(struct rig_config){.ts = true});
	lull_sock_close(r.s, r.listener);
	rig_run(&r);
	rig_put(&r, LULL_ACK, lull_seq_add(r.seq, 5001), r.ack, NULL, 0);
	rig_expect(&r, LULL_RST);
	expect_returned(&r, 50000 - 1);
	rig_close(&r);
}

/* Nobody saw the SYN that ended it: it ends when it would have ended. */
static void shadow_has_its_time(void **unused)
{
	struct rig r;

	reopen(&r, &(struct rig_config){
			   .ts = true,
			   .sysctl = {"net.ipv4.tcp_synack_retries=5"}});
	rig_pass_ms(&r, 50001);
	assert_int_equal(rig_state(&r), LULL_TCP_SYN_RECEIVED);
	rig_pass_ms(&r, 20000);
	rig_discard(&r);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	assert_int_equal(rig_count(&r, LULL_COUNT_TW_RETURNED), 0);
	rig_close(&r);
}

/* The peer was in LAST_ACK all the time: its FIN gets the old ACK, no RST. */
static void half_open_has_a_shadow(void **unused)
{
	struct rig_seg out;
	struct rig r;

	reopen(&r, &(struct rig_config){.ts = true});
	rig_put(&r, LULL_FIN | LULL_ACK, lull_seq_add(r.seq, UINT32_MAX),
		lull_seq(RIG_ISS + 2), NULL, 0);
	out = rig_expect(&r, LULL_ACK);
	assert_int_equal(out.seg.seq.v, RIG_ISS + 2);
	assert_int_equal(out.seg.ack.v, r.seq.v);
	rig_put(&r, LULL_RST | LULL_ACK, r.seq, lull_seq(RIG_ISS + 2), NULL, 0);
	rig_expect_none(&r);
	assert_int_equal(rig_drops(&r, LULL_DROP_SHADOW), 1);
	assert_int_equal(rig_drops(&r, LULL_DROP_SHADOW_RST), 1);
	assert_int_equal(rig_state(&r), LULL_TCP_SYN_RECEIVED);
	rig_drop(&r);
}

/* Established: there is no way back, and no record left. */
static void established_has_no_shadow(void **unused)
{
	struct rig r;

	reopen(&r, &(struct rig_config){.ts = true});
	r.seq = lull_seq_add(r.seq, 5001);
	rig_ack(&r);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	assert_int_equal(r.s->tcp.closing[0].links.used, 0);
	assert_int_equal(lull_sock_accept(r.s, r.listener, 2, &r.sock), 0);
	rig_put(&r, LULL_RST, r.seq, lull_seq(0), NULL, 0);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	rig_close(&r);
}

/* tcp_minisocks.c: "RED-PEN": it never returns. */
static void linux_forgets(void **unused)
{
	struct rig r;

	reopen(&r,
	       &(struct rig_config){.ts = true, .profile = LULL_PROFILE_LINUX});
	assert_int_equal(r.s->tcp.closing[0].links.used, 0);
	rig_put(&r, LULL_RST, lull_seq_add(r.seq, 5001), lull_seq(0), NULL, 0);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handshake_dies_by_rst),
		cmocka_unit_test(handshake_dies_by_time),
		cmocka_unit_test(listener_is_gone),
		cmocka_unit_test(shadow_has_its_time),
		cmocka_unit_test(half_open_has_a_shadow),
		cmocka_unit_test(established_has_no_shadow),
		cmocka_unit_test(linux_forgets),
	};

	return RUN("shadow", tests);
}
