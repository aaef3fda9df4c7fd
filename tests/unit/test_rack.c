/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_rack.c: RACK-TLP (RFC 8985), rule by rule: what is lost by the time at
 * which it was sent, how reordering is learnt, and the tail loss probe.
 */
#include "receiver.h"

enum {
	MSS = WAY_MSS,
	RTT_MS = 40
};

/* `segs` segments are out since one round trip. */
static struct way *send_out(uint32_t segs)
{
	struct way *w = way_open(false, RTT_MS, segs);

	rig_write(&w->r, segs * MSS);
	assert_int_equal(rig_discard(&w->r), segs);
	rig_pass_ms(&w->r, RTT_MS);
	return w;
}

static void sack(struct way *w, uint32_t ack, uint32_t from, uint32_t to)
{
	const uint32_t block[1][2] = {{from * MSS, to * MSS}};

	way_sack(&w->r, ack * MSS, block, from < to);
}

static void expect_at(struct rig *r, uint32_t seg)
{
	struct rig_seg out = rig_expect(r, LULL_ACK);

	if (out.seg.seq.v != way_seq(seg * MSS).v)
		fail_msg("byte %d of the stream came, not %u",
			 (int32_t)(out.seg.seq.v - way_seq(0).v), seg * MSS);
}

/* ---- 6.2: detection ---- */

/* Step 4: three segments that came after it: lost, at once. */
static void three_sacks_are_a_loss(void **unused)
{
	struct way *w = send_out(10);

	sack(w, 0, 1, 2);
	sack(w, 0, 1, 3);
	rig_expect_none(&w->r);
	sack(w, 0, 1, 4);
	expect_at(&w->r, 0);
	rig_expect_none(&w->r);
	assert_int_equal(rig_count(&w->r, LULL_COUNT_SACK_RECOVERY), 1);
	way_close(w);
}

/* Step 5: fewer: after a quarter of the least RTT, by the timer. */
static void one_sack_and_a_quarter_of_an_rtt(void **unused)
{
	struct way *w = send_out(10);

	sack(w, 0, 1, 2);
	rig_pass_ms(&w->r, RTT_MS / 4 - 1);
	rig_expect_none(&w->r);
	rig_pass_ms(&w->r, 2); /* the wheel's milliseconds */
	expect_at(&w->r, 0);
	rig_expect_none(&w->r);
	assert_int_equal(rig_count(&w->r, LULL_COUNT_TIMEOUTS), 0);
	way_close(w);
}

/* ... unless it comes until then: then nothing is sent again. */
static void late_by_less_than_that(void **unused)
{
	struct way *w = send_out(10);

	sack(w, 0, 1, 2);
	rig_pass_ms(&w->r, RTT_MS / 4 - 2);
	sack(w, 2, 0, 0);
	rig_pass_ms(&w->r, RTT_MS);
	assert_int_equal(rig_count(&w->r, LULL_COUNT_SACK_RECOVERY), 0);
	/* The path was seen to reorder. */
	assert_true(way_rack(&w->r)->flags & LULL_RACK_REORDERS);
	assert_int_equal(rig_count(&w->r, LULL_COUNT_SACK_REORDER), 1);
	rig_discard(&w->r);
	way_close(w);
}

/* ... and at once, while a loss is being repaired (6.2 step 4). */
static void no_patience_in_a_repair(void **unused)
{
	struct way *w = send_out(10);
	struct rig *r = &w->r;

	sack(w, 0, 1, 4);
	expect_at(r, 0);
	rig_expect_none(r);
	sack(w, 4, 0, 0);
	assert_true(rig_tcb(r)->flags & LULL_TCB_RECOVERY);
	sack(w, 4, 5, 6);
	expect_at(r, 4);
	rig_discard(r);
	way_close(w);
}

/* The oldest goes again: a whole timeout from there, as Linux has it. */
static void retransmission_restarts_the_rto(void **unused)
{
	struct way *w = send_out(10);
	struct rig *r = &w->r;

	sack(w, 0, 1, 2);
	rig_pass_ms(r, 100); /* it went after 10 of them */
	expect_at(r, 0);
	rig_pass_ms(r, 240 - RTT_MS - 100 + 8);
	assert_int_equal(rig_count(r, LULL_COUNT_TIMEOUTS), 0);
	rig_pass_ms(r, 60);
	assert_int_equal(rig_count(r, LULL_COUNT_TIMEOUTS), 1);
	rig_discard(r);
	way_close(w);
}

/* What was sent after the newest that arrived is no loss. */
static void nothing_newer_is_lost(void **unused)
{
	struct way *w = send_out(10);
	struct rig *r = &w->r;

	rig_tcb(r)->cc.cwnd = 20 * MSS;
	rig_write(r, 5 * MSS);
	assert_int_equal(rig_discard(r), 5);
	sack(w, 0, 5, 10);
	/* Half a window is out with two of the five. */
	expect_at(r, 0);
	expect_at(r, 1);
	rig_expect_none(r);
	assert_int_equal(way_rack(r)->sacked, 5 * MSS);
	assert_int_equal(rig_tcb(r)->snd.pipe, (5 + 2) * MSS);
	way_close(w);
}

/* ---- reordering ---- */

/* Now and then one comes after the data[0] that were sent behind it. */
static uint32_t overtaken(struct way *w, uint32_t n, uint32_t from,
			  uint32_t len)
{
	return n % (2 * w->data[0]) == 3 ? w->data[0] * WAY_STEP_US : 0;
}

/* The program writes a segment each quarter of a millisecond. */
static void stream(struct way *w, uint32_t segs)
{
	uint32_t mss = rig_tcb(&w->r)->opt.mss;

	for (uint32_t i = 0; i < segs; i++) {
		struct rig_seg out;

		rig_write(&w->r, mss);
		while (rig_get(&w->r, &out))
			way_take(w, &out);
		w->r.now_ns += WAY_STEP_US * 1000;
		w->r.tsval += i % 4 == 0;
		rig_run(&w->r);
		way_deliver(w);
	}
}

/*
 * Issue 5: reordering by 3, 10 and 50 segments: once the path is known nothing
 * is sent again for nothing, and the window is whole.
 */
static void reordering_is_learnt(void **unused)
{
	static const uint32_t degree[] = {3, 10, 50};

	for (uint32_t i = 0; i < 2 * ARRAY_LEN(degree); i++) {
		struct way *w = way_open(i & 1, RTT_MS, 300);
		uint64_t again;

		w->data[0] = degree[i / 2];
		w->fate = overtaken;
		stream(w, 1000);
		way_pass_ms(w, 4 * RTT_MS);
		again = rig_count(&w->r, LULL_COUNT_RETRANS_SEGS);
		rig_tcb(&w->r)->cc.cwnd = 300 * MSS;
		stream(w, 400);
		way_pass_ms(w, 4 * RTT_MS);
		assert_int_equal(w->nxt, w->r.written);
		assert_int_equal(rig_count(&w->r, LULL_COUNT_RETRANS_SEGS),
				 again);
		assert_int_equal(rig_count(&w->r, LULL_COUNT_TIMEOUTS), 0);
		assert_true(rig_tcb(&w->r)->cc.cwnd >= 300 * MSS);
		assert_true(way_rack(&w->r)->reordering >= degree[i / 2]);
		way_close(w);
	}
}

/* Step 4: DSACKs say that a quarter was too little; one more a round trip. */
static void dsack_widens_the_window(void **unused)
{
	struct way *w = way_open(false, RTT_MS, 300);
	uint64_t again;

	w->fate = overtaken;
	w->data[0] = 100; /* 25 ms: more than 10, less than 40 */
	stream(w, 2000);
	assert_true(way_rack(&w->r)->reo_mult >= 3);
	assert_int_equal(way_rack(&w->r)->reo_persist, 16);
	again = rig_count(&w->r, LULL_COUNT_RETRANS_SEGS);
	assert_true(again > 0);
	stream(w, 4 * 47);
	way_pass_ms(w, 4 * RTT_MS);
	assert_int_equal(rig_count(&w->r, LULL_COUNT_RETRANS_SEGS), again);
	assert_int_equal(w->nxt, w->r.written);
	way_close(w);
}

/* ... and after sixteen recoveries without one it is a quarter again. */
static void the_wider_window_wears_off(void **unused)
{
	struct way *w = way_open(false, RTT_MS, 20);
	struct lull_rack *k =
		&lull_tcb_cold(&w->r.s->tcp, rig_tcb(&w->r))->rack;
	uint32_t at = 0;

	k->reo_mult = 5;
	k->reo_persist = 16;
	for (int n = 0; n < 16; n++) {
		assert_int_equal(k->reo_mult, 5);
		rig_tcb(&w->r)->cc.cwnd = 20 * MSS;
		rig_write(&w->r, 10 * MSS);
		rig_discard(&w->r);
		rig_pass_ms(&w->r, RTT_MS);
		sack(w, at, at + 1, at + 10);
		rig_discard(&w->r);
		rig_pass_ms(&w->r, RTT_MS);
		at += 10;
		sack(w, at, 0, 0);
	}
	assert_int_equal(rig_count(&w->r, LULL_COUNT_SACK_RECOVERY), 16);
	assert_int_equal(k->reo_mult, 1);
	way_close(w);
}

/* ---- 7: tail loss probes ---- */

static uint32_t drop_range(struct way *w, uint32_t n, uint32_t from,
			   uint32_t len)
{
	return n >= w->data[0] && n < w->data[1] ? WAY_DROP : 0;
}

/* Issue 5: the last segment is lost: a probe, no RTO. */
static void last_segment_lost(void **unused)
{
	struct way *w = way_open(false, RTT_MS, 20);

	w->fate = drop_range;
	w->data[0] = 9;
	w->data[1] = 10;
	rig_write(&w->r, 10 * MSS);
	/* One alone: two round trips and a delayed ACK after the last ACK;
	 * that is the RTO's time (7.2). */
	way_pass_ms(w, RTT_MS + 2 * RTT_MS + 200 + RTT_MS);
	assert_int_equal(w->nxt, w->r.written);
	assert_int_equal(rig_count(&w->r, LULL_COUNT_LOSS_PROBES), 1);
	assert_int_equal(rig_count(&w->r, LULL_COUNT_RETRANS_SEGS), 1);
	assert_int_equal(rig_count(&w->r, LULL_COUNT_TIMEOUTS), 0);
	way_close(w);
}

/* Three of ten: the probe draws a SACK, and RACK finds the rest; of it one goes
 * at once, and its ACK lets the other go. */
static void tail_of_three_lost(void **unused)
{
	struct way *w = way_open(false, RTT_MS, 20);

	w->fate = drop_range;
	w->data[0] = 7;
	w->data[1] = 10;
	rig_write(&w->r, 10 * MSS);
	way_pass_ms(w,
		    RTT_MS + 2 * RTT_MS + 5 + RTT_MS + RTT_MS / 4 + 2 * RTT_MS);
	assert_int_equal(w->nxt, w->r.written);
	assert_int_equal(rig_count(&w->r, LULL_COUNT_LOSS_PROBES), 1);
	assert_int_equal(rig_count(&w->r, LULL_COUNT_RETRANS_SEGS), 3);
	assert_int_equal(rig_count(&w->r, LULL_COUNT_TIMEOUTS), 0);
	way_close(w);
}

/* 7.2: two round trips and a little. 7.3: new text rather than old. */
static void probe_is_new_text(void **unused)
{
	struct way *w = way_open(false, RTT_MS, 5);
	struct rig *r = &w->r;

	rig_write(r, 10 * MSS);
	assert_int_equal(rig_discard(r), 5);
	rig_pass_ms(r, 2 * RTT_MS + 1);
	rig_expect_none(r);
	rig_pass_ms(r, 2);
	expect_at(r, 5);
	rig_expect_none(r);
	assert_int_equal(rig_count(r, LULL_COUNT_LOSS_PROBES), 1);
	assert_int_equal(rig_count(r, LULL_COUNT_RETRANS_SEGS), 0);
	/* 7.3: one only; then the RTO, all of it from here. */
	rig_pass_ms(r, RTT_MS + 200 - 2);
	rig_expect_none(r);
	assert_int_equal(rig_count(r, LULL_COUNT_TIMEOUTS), 0);
	rig_pass_ms(r, 3);
	expect_at(r, 0);
	assert_int_equal(rig_count(r, LULL_COUNT_TIMEOUTS), 1);
	way_close(w);
}

/* 7.3: there is no new text, so the last segment goes again. */
static void probe_is_the_last_segment(void **unused)
{
	struct way *w = way_open(false, RTT_MS, 5);
	struct rig *r = &w->r;

	rig_write(r, 5 * MSS);
	assert_int_equal(rig_discard(r), 5);
	rig_pass_ms(r, 2 * RTT_MS + 3);
	expect_at(r, 4);
	rig_expect_none(r);
	assert_int_equal(rig_tcb(r)->snd.pipe, 5 * MSS);
	way_close(w);
}

/* ... also when no range is left for it; and then comes the timeout. */
static void probe_without_a_range(void **unused)
{
	struct way *w = way_open(false, RTT_MS, 5);
	struct rig *r = &w->r;

	rig_write(r, 5 * MSS);
	assert_int_equal(rig_discard(r), 5);
	r->s->tcp.ranges.limit = r->s->tcp.ranges.used;
	rig_pass_ms(r, 2 * RTT_MS + 3);
	expect_at(r, 4);
	rig_expect_none(r);
	assert_int_equal(rig_count(r, LULL_COUNT_LOSS_PROBES), 1);
	rig_pass_ms(r, RTT_MS + 200 + 2);
	expect_at(r, 0);
	assert_int_equal(rig_count(r, LULL_COUNT_TIMEOUTS), 1);
	rig_discard(r);
	/* What the peer has to say about it is understood. */
	r->ack = way_seq(5 * MSS);
	rig_ack(r);
	rig_expect_none(r);
	assert_int_equal(r->s->tcp.ranges.used, 0);
	way_close(w);
}

/* However many are lost, and however often: the oldest goes first. */
static void the_oldest_goes_first(void **unused)
{
	enum {
		SEGS = 100
	};
	struct way *w = way_open(false, RTT_MS, SEGS);
	struct rig *r = &w->r;

	rig_set(r, LULL_OPT_SNDBUF, 1 << 20);
	for (int i = 0; i < SEGS; i++)
		rig_write(r, MSS);
	assert_int_equal(rig_discard(r), SEGS);
	rig_pass_ms(r, 2 * RTT_MS + 3); /* the probe */
	rig_discard(r);
	rig_pass_ms(r, 1000);
	rig_discard(r);
	sack(w, 1, 0, 0);
	expect_at(r, 1);
	expect_at(r, 2);
	rig_expect_none(r);
	rig_pass_ms(r, 3000); /* these two once more */
	expect_at(r, 1);
	rig_discard(r);
	sack(w, 2, 0, 0);
	expect_at(r, 2);
	way_close(w);
}

/* What a probe of old text says: 7.4.2. */
static void probe_and_its_answer(void **unused)
{
	static const struct {
		uint32_t ack;
		bool dup, dsack; /* another ACK follows; and says so */
		bool more;	 /* new text went before that ACK */
		bool loss;
	} t[] = {
		{5, false, false, true, true},	/* one ACK: it was lost */
		{5, true, false, false, false}, /* two: both arrived */
		{5, true, true, false, false},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		static const uint32_t dup[1][2] = {{4 * MSS, 5 * MSS}};
		struct way *w = way_open(false, RTT_MS, 12);
		struct rig *r = &w->r;
		uint32_t cwnd;

		rig_write(r, 5 * MSS);
		rig_discard(r);
		rig_pass_ms(r, 2 * RTT_MS + 3);
		expect_at(r, 4);
		rig_pass_ms(r, RTT_MS);
		way_sack(r, 5 * MSS, NULL, 0);
		assert_true(way_rack(r)->flags & LULL_RACK_TLP_OUT);
		cwnd = rig_tcb(r)->cc.cwnd;
		if (t[i].dup) {
			rig_write(r, MSS);
			rig_discard(r);
			way_sack(r, 5 * MSS, dup, t[i].dsack);
			assert_false(way_rack(r)->flags & LULL_RACK_TLP_OUT);
			way_sack(r, 6 * MSS, NULL, 0);
		} else {
			rig_write(r, MSS);
			rig_discard(r);
			rig_pass_ms(r, RTT_MS);
			way_sack(r, 6 * MSS, NULL, 0);
		}
		assert_int_equal(rig_count(r, LULL_COUNT_LOSS_PROBE_RECOVERY),
				 t[i].loss);
		assert_int_equal(rig_tcb(r)->cc.cwnd < cwnd, t[i].loss);
		assert_false(way_rack(r)->flags & LULL_RACK_TLP_OUT);
		way_close(w);
	}
}

/* A FIN is the last segment as well, in every state that waits for its ACK. */
static void probe_for_a_fin(void **unused)
{
	static const enum lull_tcp_state states[] = {
		LULL_TCP_FIN_WAIT_1, LULL_TCP_LAST_ACK, LULL_TCP_CLOSING};
	struct rig_config c = {.sack = true, .wscale = true, .rtt_ms = RTT_MS};

	for (uint32_t i = 0; i < ARRAY_LEN(states); i++) {
		struct rig r;

		rig_open(&r, &c);
		rig_reach(&r, states[i], true);
		rig_discard(&r);
		rig_pass_ms(&r, 2 * RTT_MS + 202);
		rig_expect(&r, LULL_FIN | LULL_ACK);
		assert_int_equal(rig_count(&r, LULL_COUNT_LOSS_PROBES), 1);
		assert_int_equal(rig_count(&r, LULL_COUNT_TIMEOUTS), 0);
		rig_close(&r);
	}
}

/* Without SACK there is no probe (7.1), nor RACK. */
static void not_without_sack(void **unused)
{
	struct rig_config c = {.wscale = true, .rtt_ms = RTT_MS};
	struct rig r;

	rig_open(&r, &c);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	rig_ack(&r);
	rig_write(&r, 5 * MSS);
	rig_discard(&r);
	rig_pass_ms(&r, 2000);
	assert_int_equal(rig_count(&r, LULL_COUNT_LOSS_PROBES), 0);
	assert_true(rig_count(&r, LULL_COUNT_TIMEOUTS) > 1);
	rig_discard(&r);
	rig_close(&r);
}

/* A long pause: what was sent before it is no measure for what goes after. */
static void a_pause_of_an_hour(void **unused)
{
	for (uint32_t min = 20; min < 200; min += 25) {
		struct way *w = send_out(10);
		struct rig *r = &w->r;

		sack(w, 10, 0, 0);
		rig_pass_ms(r, (uint64_t)min * 60 * 1000);
		rig_tcb(r)->cc.cwnd = 10 * MSS;
		rig_write(r, 10 * MSS);
		assert_int_equal(rig_discard(r), 10);
		rig_pass_ms(r, RTT_MS);
		sack(w, 10, 11, 12);
		rig_expect_none(r);
		sack(w, 10, 11, 14);
		expect_at(r, 10);
		rig_expect_none(r);
		way_close(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_sacks_are_a_loss),
		cmocka_unit_test(one_sack_and_a_quarter_of_an_rtt),
		cmocka_unit_test(late_by_less_than_that),
		cmocka_unit_test(no_patience_in_a_repair),
		cmocka_unit_test(retransmission_restarts_the_rto),
		cmocka_unit_test(nothing_newer_is_lost),
		cmocka_unit_test(reordering_is_learnt),
		cmocka_unit_test(dsack_widens_the_window),
		cmocka_unit_test(the_wider_window_wears_off),
		cmocka_unit_test(last_segment_lost),
		cmocka_unit_test(tail_of_three_lost),
		cmocka_unit_test(probe_is_new_text),
		cmocka_unit_test(probe_is_the_last_segment),
		cmocka_unit_test(probe_without_a_range),
		cmocka_unit_test(the_oldest_goes_first),
		cmocka_unit_test(probe_and_its_answer),
		cmocka_unit_test(probe_for_a_fin),
		cmocka_unit_test(not_without_sack),
		cmocka_unit_test(a_pause_of_an_hour),
	};

	return RUN("rack", tests);
}
