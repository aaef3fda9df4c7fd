/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ack.c: when text is acknowledged: 3.8.6.3, RFC 5681 4.2; and the ACK
 * that waits for the program's answer.
 */
#include "stream.h"

static const struct rig_config plain = {0};

/* ---- when it is acknowledged ---- */

/* SHLD-18, SHLD-19, MUST-40; Linux's shortest delay. */
static void delayed_ack(void **unused)
{
	struct rig r;

	rig_open(&r, &plain);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	rig_align(&r);
	rig_feed(&r, 1000);
	assert_int_equal(rig_expect_after(&r, 40, LULL_ACK).seg.ack.v, r.seq.v);
	assert_int_equal(rig_count(&r, LULL_COUNT_DELAYED_ACKS), 1);
	/* The second one at once, and then the delay begins anew. */
	rig_feed(&r, 1000);
	rig_pass_ms(&r, 20);
	rig_expect_none(&r);
	rig_feed(&r, 1000);
	assert_int_equal(rig_expect(&r, LULL_ACK).seg.ack.v, r.seq.v);
	rig_pass_ms(&r, 100);
	rig_expect_none(&r);
	rig_feed(&r, 1000);
	rig_expect_after(&r, 40, LULL_ACK);
	/* Our own text takes it along. */
	rig_feed(&r, 1000);
	rig_write(&r, 5);
	assert_int_equal(rig_expect(&r, LULL_ACK).seg.ack.v, r.seq.v);
	rig_pass_ms(&r, 100);
	rig_expect_none(&r);
	rig_close(&r);
}

/* RFC 5681 4.2: out of order, into a gap, old, or FIN: without delay. */
static void immediate_ack(void **unused)
{
	struct offer o = {0};
	struct rig r;

	rig_open(&r, &plain);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	put_text(&r, 300, 100, 0);
	take_acks(&r, &o);
	assert_int_equal(o.acks, 1);
	put_text(&r, 0, 100, 0); /* closes a part of the gap */
	take_acks(&r, &o);
	assert_int_equal(o.acks, 2);
	put_text(&r, 100, 200, 0);
	take_acks(&r, &o);
	assert_int_equal(o.acks, 3);
	assert_int_equal(o.acked, 400);
	put_text(&r, 0, 400, 0); /* all of it old */
	take_acks(&r, &o);
	assert_int_equal(o.acks, 4);
	put_text(&r, 400, 0, LULL_FIN);
	take_acks(&r, &o);
	assert_int_equal(o.acks, 5);
	assert_int_equal(o.acked, 401);
	assert_int_equal(read_all(&r, 0), 400);
	rig_close(&r);
}

/* Put two segments and run once: what would be sent waits for the program. */
static void run_with_two(struct rig *r)
{
	struct lull_frame f;
	uint8_t packet[2048];
	struct lull_work work;

	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(lull_rx_get(r->s, &f, 1), 1);
		f.len = rig_build(r, LULL_ACK, r->seq, r->ack, NULL, 1000,
				  packet);
		memcpy(f.span[0].ptr, packet, f.len);
		assert_int_equal(lull_rx_put(r->s, &f, 1), 1);
		r->seq = lull_seq_add(r->seq, 1000);
	}
	work = lull_shard_run(r->s, r->now_ns);
	assert_int_equal(work.tx, 0);
	assert_int_equal(work.events, 1);
	assert_true(work.more);
}

/* An ACK waits one turn for an answer that may carry it; not longer. */
static void ack_waits_for_the_answer(void **unused)
{
	for (int answers = 0; answers < 2; answers++) {
		struct lull_event event;
		struct rig_seg out;
		struct rig r;

		rig_open(&r, &plain);
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		run_with_two(&r);
		assert_int_equal(lull_events_get(r.s, &event, 1), 1);
		assert_int_equal(event.bits, LULL_EVENT_READ);
		if (answers)
			assert_int_equal(rig_queue(&r, 10), 10);
		rig_run(&r);
		out = rig_expect(&r, LULL_ACK);
		assert_int_equal(out.seg.ack.v, r.seq.v);
		assert_int_equal(out.seg.text_len, answers ? 10 : 0);
		rig_expect_none(&r);
		assert_int_equal(rig_count(&r, LULL_COUNT_ACK_WITH_ANSWER), 1);
		rig_close(&r);
	}
}

/* The program doesn't even fetch its event: the ACK goes all the same. */
static void ack_waits_one_turn_only(void **unused)
{
	struct lull_work work;
	struct rig r;

	rig_open(&r, &plain);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	run_with_two(&r);
	work = lull_shard_run(r.s, r.now_ns);
	assert_int_equal(work.tx, 1);
	assert_false(work.more);
	rig_expect(&r, LULL_ACK);
	rig_close(&r);
}

/* One large frame stands for many segments: acknowledged at once. */
static void large_frames(void **unused)
{
	struct lull_frame f;
	struct offer o = {0};
	uint8_t packet[128 + RIG_TEXT_MAX];
	struct rig r;

	rig_open(&r, &(struct rig_config){.mtu = 65535});
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	assert_int_equal(lull_rx_get(r.s, &f, 1), 1);
	for (uint32_t i = 0; i < RIG_TEXT_MAX; i++)
		packet[40 + i] = rig_byte(i);
	f.len = rig_build(&r, LULL_ACK, r.seq, r.ack, packet + 40, 4096,
			  packet);
	memcpy(f.span[0].ptr, packet, f.len);
	f.gso_size = 1448;
	f.flags = LULL_FRAME_CSUM_PARTIAL;
	((uint8_t *)f.span[0].ptr)[36] ^= 0x55; /* nobody looks at the sum */
	assert_int_equal(lull_rx_put(r.s, &f, 1), 1);
	rig_run(&r);
	take_acks(&r, &o);
	assert_int_equal(o.acked, 4096);
	assert_int_equal(read_all(&r, 0), 4096);
	rig_close(&r);
}

/*
 * MUST-34: an ACK that acknowledges more brings its window, also in a segment
 * that was overtaken (as Linux). By SEG.SEQ alone (3.10.7.4) the old window
 * would begin behind what is acknowledged now, further than was offered.
 */
static void window_comes_with_its_ack(void **unused)
{
	uint32_t sent = 0;
	struct rig_seg out;
	struct rig r;

	rig_open(&r, &plain);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	rig_write(&r, 2000);
	rig_discard(&r);
	r.wnd = 6000;
	rig_put(&r, LULL_ACK, lull_seq(r.seq.v + 100), lull_seq(RIG_ISS + 1),
		NULL, 10);
	r.wnd = 4000;
	rig_put(&r, LULL_ACK, r.seq, lull_seq(RIG_ISS + 1 + 2000), NULL, 100);
	rig_write(&r, 9000);
	while (rig_get(&r, &out))
		sent += out.seg.text_len;
	assert_in_range(sent, 1, 4000);
	rig_drop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delayed_ack),
		cmocka_unit_test(immediate_ack),
		cmocka_unit_test(ack_waits_for_the_answer),
		cmocka_unit_test(ack_waits_one_turn_only),
		cmocka_unit_test(large_frames),
		cmocka_unit_test(window_comes_with_its_ack),
	};

	return RUN("ack", tests);
}
