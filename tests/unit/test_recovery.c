/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_recovery.c: how losses are repaired with SACK, over a path in virtual
 * time: RFC 6675, 6937 and 8985; and what is undone: RFC 3522, 3708, 4015,
 * 5682.
 */
#include "receiver.h"

enum {
	MSS = WAY_MSS,
	RTT_MS = 40
};

/* Drop those whose place in the sequence of sending is told in data[]. */
static uint32_t drop_told(struct way *w, uint32_t n, uint32_t from,
			  uint32_t len)
{
	for (uint32_t i = 0; i < 8 && w->data[i]; i++)
		if (w->data[i] == n)
			return WAY_DROP;
	return 0;
}

static void told(struct way *w, const uint32_t *places, uint32_t n)
{
	memcpy(w->data, places, n * sizeof *places);
	w->fate = drop_told;
}

/* All of `segs` segments arrive within `ms`. */
static void transfer(struct way *w, uint32_t segs, uint32_t ms)
{
	rig_write(&w->r, segs * rig_tcb(&w->r)->opt.mss);
	way_pass_ms(w, ms);
	assert_int_equal(w->nxt, w->r.written);
	assert_true(
		lull_seq_eq(rig_tcb(&w->r)->snd.una, rig_tcb(&w->r)->snd.nxt));
}

/* Issue 5: no RTO, retransmissions at most drops + 1; within two RTTs. */
static void five_scattered_drops(void **unused)
{
	static const uint32_t places[] = {7, 23, 24, 60, 81};

	for (int ts = 0; ts < 2; ts++) {
		struct way *w = way_open(ts, RTT_MS, 100);

		told(w, places, 5);
		transfer(w, 100, 3 * RTT_MS);
		assert_int_equal(rig_count(&w->r, LULL_COUNT_TIMEOUTS), 0);
		assert_in_range(rig_count(&w->r, LULL_COUNT_RETRANS_SEGS), 5,
				6);
		assert_int_equal(rig_count(&w->r, LULL_COUNT_SACK_RECOVERY), 1);
		assert_int_equal(rig_count(&w->r, LULL_COUNT_FAST_RETRANS), 5);
		way_close(w);
	}
}

/* The window is half of what it was once the repair is over. */
static void recovery_halves_the_window(void **unused)
{
	static const uint32_t places[] = {7};
	struct way *w = way_open(false, RTT_MS, 100);

	told(w, places, 1);
	transfer(w, 100, 3 * RTT_MS);
	/* 7 of the 100 had arrived. */
	assert_int_equal(rig_tcb(&w->r)->cc.ssthresh, 93 * MSS / 2);
	assert_in_range(rig_tcb(&w->r)->cc.cwnd, 46 * MSS, 48 * MSS);
	assert_false(rig_tcb(&w->r)->flags & LULL_TCB_UNEASY);
	way_close(w);
}

static uint32_t drop_burst(struct way *w, uint32_t n, uint32_t from,
			   uint32_t len)
{
	return n >= w->data[0] && n < w->data[1] ? WAY_DROP : 0;
}

/*
 * RFC 6937 3.1: while more is out than ssthresh, what goes is ssthresh /
 * RecoverFS of what is delivered; at the end no burst.
 */
static void burst_of_30_at_prr_rate(void **unused)
{
	struct way *w = way_open(false, RTT_MS, 100);
	uint32_t before, most = 0;

	w->data[0] = 10;
	w->data[1] = 40;
	w->fate = drop_burst;
	rig_write(&w->r, 400 * MSS);
	for (int i = 0; i < 12 * RTT_MS; i++) {
		before = w->sent;
		way_pass_ms(w, 1);
		if (rig_tcb(&w->r)->flags & LULL_TCB_RECOVERY)
			most = lull_max(most, w->sent - before);
	}
	assert_int_equal(w->nxt, w->r.written);
	assert_int_equal(rig_count(&w->r, LULL_COUNT_TIMEOUTS), 0);
	assert_in_range(rig_count(&w->r, LULL_COUNT_RETRANS_SEGS), 30, 31);
	assert_int_equal(rig_count(&w->r, LULL_COUNT_SACK_RECOVERY), 1);
	way_close(w);
}

/* In recovery each ACK lets at most as much go as it delivered, and MSS. */
static void prr_is_clocked_by_acks(void **unused)
{
	uint32_t block[1][2], delivered = 0, sent = 0;
	struct way *w = way_open(false, RTT_MS, 40);
	struct rig *r = &w->r;
	struct rig_seg out;

	rig_write(r, 100 * MSS);
	assert_int_equal(rig_discard(r), 40);
	rig_pass_ms(r, RTT_MS);
	/* 0 to 9 are lost; 10 and on arrive. */
	block[0][0] = 10 * MSS;
	for (uint32_t i = 11; i <= 40; i++) {
		uint32_t now = 0;

		block[0][1] = i * MSS;
		way_sack(r, 0, (const uint32_t(*)[2])block, 1);
		while (rig_get(r, &out))
			now += out.seg.text_len;
		assert_true(now <= 2 * MSS);
		delivered += MSS;
		sent += now;
		if (rig_tcb(r)->snd.pipe > rig_tcb(r)->cc.ssthresh + MSS)
			assert_true(sent <= delivered / 2 + 2 * MSS);
	}
	/* Half a window is out: what was lost went first, then new text. */
	assert_in_range(rig_tcb(r)->snd.pipe, 19 * MSS, 21 * MSS);
	assert_int_equal(rig_count(r, LULL_COUNT_FAST_RETRANS), 10);
	assert_true(rig_tcb(r)->flags & LULL_TCB_RECOVERY);
	way_close(w);
}

/* Segment 7, and its first retransmission. */
static uint32_t drop_twice(struct way *w, uint32_t n, uint32_t from,
			   uint32_t len)
{
	if (from != 7 * MSS || w->data[0] >= 2)
		return 0;
	w->data[0]++;
	return WAY_DROP;
}

/* RFC 8985 6.2: a retransmission that is lost is found like any other. */
static void lost_retransmission_without_rto(void **unused)
{
	struct way *w = way_open(false, RTT_MS, 100);

	w->fate = drop_twice;
	transfer(w, 300, 8 * RTT_MS);
	assert_int_equal(rig_count(&w->r, LULL_COUNT_TIMEOUTS), 0);
	assert_int_equal(rig_count(&w->r, LULL_COUNT_LOST_RETRANSMIT), 1);
	assert_int_equal(rig_count(&w->r, LULL_COUNT_RETRANS_SEGS), 2);
	way_close(w);
}

static uint32_t lossy(struct way *w, uint32_t n, uint32_t from, uint32_t len)
{
	uint64_t seed = w->data[0] | (uint64_t)w->data[1] << 32;
	uint32_t x = rig_random(&seed, 100);

	w->data[0] = (uint32_t)seed;
	w->data[1] = (uint32_t)(seed >> 32);
	return x < w->data[2] ? WAY_DROP : x % 7 == 0 ? x * 100 : 0;
}

/* Whatever is lost or late, the stream arrives and nothing is left over. */
static void stream_survives_loss_and_reordering(void **unused)
{
	for (uint32_t seed = 1; seed <= 12; seed++) {
		struct way *w = way_open(seed % 2, 20, 20);

		w->fate = lossy;
		w->data[0] = seed;
		w->data[2] = seed % 3 * 10 + 2;
		transfer(w, 200, 20000);
		way_close(w);
	}
}

/* ---- undoing ---- */

/* The path holds all back until data[0], in milliseconds. */
static uint32_t held(struct way *w, uint32_t n, uint32_t from, uint32_t len)
{
	uint32_t now_ms = (uint32_t)(w->r.now_ns / 1000000);

	return w->data[0] > now_ms ? (w->data[0] - now_ms) * 1000 : 0;
}

/* RFC 5682 3: a delay of 350 ms in the middle of a transfer. */
static void spurious_rto_is_undone(void **unused)
{
	for (int ts = 0; ts < 2; ts++) {
		struct way *w = way_open(ts, RTT_MS, 20);
		uint32_t mss = rig_tcb(&w->r)->opt.mss;

		transfer(w, 20, 2 * RTT_MS);
		rig_tcb(&w->r)->cc.cwnd = 20 * mss;
		w->fate = held;
		w->data[0] = (uint32_t)(w->r.now_ns / 1000000) + 350;
		rig_write(&w->r, 40 * mss);
		way_pass_ms(w, 340); /* a probe, then a timeout */
		assert_int_equal(rig_count(&w->r, LULL_COUNT_TIMEOUTS), 1);
		assert_true(rig_tcb(&w->r)->flags & LULL_TCB_LOSS);
		assert_int_equal(rig_tcb(&w->r)->cc.ssthresh, 10 * mss);
		way_pass_ms(w, 300);
		assert_int_equal(rig_count(&w->r, LULL_COUNT_LOSS_UNDO), 1);
		assert_false(rig_tcb(&w->r)->flags & LULL_TCB_UNEASY);
		assert_true(rig_tcb(&w->r)->cc.cwnd >= 20 * mss);
		assert_int_equal(rig_tcb(&w->r)->cc.ssthresh, LULL_CWND_MAX);
		assert_int_equal(rig_tcb(&w->r)->rtt.backoff, 0);
		assert_int_equal(w->nxt, w->r.written);
		/* The one that went before anybody knew. */
		assert_int_equal(rig_count(&w->r, LULL_COUNT_RETRANS_SEGS), 1);
		way_close(w);
	}
}

/* RFC 5682 3 (2) b, (3) b: only the oldest was late; new text finds it out. */
static void frto_sends_new_text(void **unused)
{
	struct way *w = way_open(false, RTT_MS, 20);
	struct rig *r = &w->r;
	struct rig_seg out;

	rig_knob(r, "net.ipv4.tcp_early_retrans", "0");
	rig_write(r, 40 * MSS);
	assert_int_equal(rig_discard(r), 20);
	rig_pass_ms(r, 245);
	out = rig_expect(r, LULL_ACK); /* the oldest, again */
	assert_int_equal(out.seg.seq.v, way_seq(0).v);
	rig_expect_none(r);
	way_sack(r, MSS, NULL, 0);
	/* Two new ones instead of what is thought lost. */
	assert_int_equal(rig_expect(r, LULL_ACK).seg.seq.v,
			 way_seq(20 * MSS).v);
	assert_int_equal(rig_expect(r, LULL_ACK).seg.seq.v,
			 way_seq(21 * MSS).v);
	rig_expect_none(r);
	/* What was sent once is acknowledged: nothing was lost. */
	way_sack(r, 2 * MSS, NULL, 0);
	assert_int_equal(rig_count(r, LULL_COUNT_SPURIOUS_RTOS), 1);
	assert_int_equal(rig_tcb(r)->snd.lost, 0);
	assert_true(rig_tcb(r)->cc.cwnd >= 20 * MSS);
	way_close(w);
}

/* RFC 5682 3 (3) a: a SACK for the new text says that the loss was real. */
static void frto_finds_a_true_loss(void **unused)
{
	static const uint32_t block[1][2] = {{20 * MSS, 21 * MSS}};
	struct way *w = way_open(false, RTT_MS, 20);
	struct rig *r = &w->r;

	rig_knob(r, "net.ipv4.tcp_early_retrans", "0");
	rig_write(r, 40 * MSS);
	assert_int_equal(rig_discard(r), 20);
	rig_pass_ms(r, 245);
	assert_int_equal(rig_discard(r), 1);
	way_sack(r, MSS, NULL, 0);
	assert_int_equal(rig_discard(r), 2);
	way_sack(r, MSS, block, 1);
	assert_int_equal(rig_expect(r, LULL_ACK).seg.seq.v, way_seq(MSS).v);
	rig_discard(r);
	assert_int_equal(rig_count(r, LULL_COUNT_SPURIOUS_RTOS), 0);
	assert_true(rig_tcb(r)->flags & LULL_TCB_LOSS);
	assert_false(way_rack(r)->flags & LULL_RACK_FRTO);
	way_close(w);
}

/* A timeout after which nothing new can be sent: all is sent again. */
static void timeout_without_new_text(void **unused)
{
	struct way *w = way_open(false, RTT_MS, 20);
	struct rig *r = &w->r;

	rig_knob(r, "net.ipv4.tcp_early_retrans", "0");
	rig_write(r, 20 * MSS);
	assert_int_equal(rig_discard(r), 20);
	rig_pass_ms(r, 245);
	assert_int_equal(rig_discard(r), 1);
	way_sack(r, MSS, NULL, 0);
	assert_int_equal(rig_expect(r, LULL_ACK).seg.seq.v, way_seq(MSS).v);
	assert_int_equal(rig_expect(r, LULL_ACK).seg.seq.v, way_seq(2 * MSS).v);
	rig_expect_none(r);
	assert_int_equal(rig_count(r, LULL_COUNT_SLOW_START_RETRANS), 2);
	way_close(w);
}

/* Segment 5 comes after all others. */
static uint32_t late_one(struct way *w, uint32_t n, uint32_t from, uint32_t len)
{
	return n == 5 ? w->data[0] : 0;
}

/* RFC 3522: the echo is from before the retransmission: it was only late. */
static void eifel_undoes_a_recovery(void **unused)
{
	struct way *w = way_open(true, RTT_MS, 20);
	uint32_t mss = rig_tcb(&w->r)->opt.mss;

	w->fate = late_one;
	w->data[0] = 30000;
	w->no_dsack = true;
	transfer(w, 20, 4 * RTT_MS);
	assert_int_equal(rig_count(&w->r, LULL_COUNT_SACK_RECOVERY), 1);
	assert_int_equal(rig_count(&w->r, LULL_COUNT_FULL_UNDO), 1);
	assert_true(rig_tcb(&w->r)->cc.cwnd >= 20 * mss);
	assert_int_equal(rig_tcb(&w->r)->cc.ssthresh, LULL_CWND_MAX);
	way_close(w);
}

/* RFC 3708: DSACK for all that was sent again; there are no timestamps. */
static void dsack_undoes_a_recovery(void **unused)
{
	static const uint32_t sacks[1][2] = {{6 * MSS, 12 * MSS}};
	static const uint32_t dup[2][2] = {{5 * MSS, 6 * MSS},
					   {5 * MSS, 12 * MSS}};
	struct way *w = way_open(false, RTT_MS, 20);
	struct rig *r = &w->r;

	rig_write(r, 20 * MSS);
	assert_int_equal(rig_discard(r), 20);
	rig_pass_ms(r, RTT_MS);
	way_sack(r, 5 * MSS, sacks, 1);
	assert_int_equal(rig_expect(r, LULL_ACK).seg.seq.v, way_seq(5 * MSS).v);
	rig_expect_none(r);
	assert_true(rig_tcb(r)->flags & LULL_TCB_RECOVERY);
	/* It was late; then comes what was sent again, too. */
	way_sack(r, 12 * MSS, NULL, 0);
	assert_true(rig_tcb(r)->flags & LULL_TCB_RECOVERY);
	assert_int_equal(rig_tcb(r)->cc.ssthresh, 15 * MSS / 2);
	way_sack(r, 12 * MSS, dup, 1);
	assert_int_equal(rig_count(r, LULL_COUNT_DSACK_RECV), 1);
	assert_int_equal(rig_count(r, LULL_COUNT_DSACK_UNDO), 1);
	assert_false(rig_tcb(r)->flags & LULL_TCB_RECOVERY);
	assert_true(rig_tcb(r)->cc.cwnd >= 20 * MSS);
	assert_int_equal(rig_tcb(r)->cc.ssthresh, LULL_CWND_MAX);
	way_close(w);
}

/* A peer that reports more twice than was sent twice changes nothing. */
static void dsack_of_what_went_once(void **unused)
{
	static const uint32_t dup[1][2] = {{0, MSS}};
	static const uint32_t sacks[1][2] = {{6 * MSS, 12 * MSS}};
	struct way *w = way_open(false, RTT_MS, 20);
	struct rig *r = &w->r;

	rig_write(r, 20 * MSS);
	rig_discard(r);
	rig_pass_ms(r, RTT_MS);
	way_sack(r, 5 * MSS, NULL, 0);
	for (int i = 0; i < 10; i++)
		way_sack(r, 5 * MSS, dup, 1);
	assert_int_equal(rig_count(r, LULL_COUNT_DSACK_IGNORED_DUBIOUS), 10);
	assert_int_equal(way_rack(r)->dsack_dups, 0);
	assert_int_equal(way_rack(r)->reo_mult, 1);
	/* In a recovery: below what it is about. */
	way_sack(r, 5 * MSS, sacks, 1);
	rig_discard(r);
	way_sack(r, 5 * MSS, dup, 1);
	assert_int_equal(rig_count(r, LULL_COUNT_DSACK_IGNORED_OLD), 1);
	for (int i = 0; i < 10; i++)
		way_sack(r, 5 * MSS, dup, 1);
	assert_int_equal(rig_count(r, LULL_COUNT_DSACK_IGNORED_DUBIOUS), 20);
	assert_int_equal(rig_count(r, LULL_COUNT_DSACK_UNDO), 0);
	rig_discard(r);
	way_close(w);
}

/* ---- after a timeout ---- */

/* RFC 8985 6.3: what was sent a moment ago is not taken for lost. */
static void timeout_spares_what_is_young(void **unused)
{
	static const uint32_t block[1][2] = {{10 * MSS, 11 * MSS}};
	struct way *w = way_open(false, RTT_MS, 10);
	struct rig *r = &w->r;

	rig_knob(r, "net.ipv4.tcp_early_retrans", "0");
	rig_write(r, 10 * MSS);
	assert_int_equal(rig_discard(r), 10);
	rig_pass_ms(r, 230);
	rig_tcb(r)->cc.cwnd = 30 * MSS;
	rig_write(r, 10 * MSS);
	assert_int_equal(rig_discard(r), 10);
	rig_pass_ms(r, 20);
	assert_int_equal(rig_count(r, LULL_COUNT_TIMEOUTS), 1);
	assert_int_equal(rig_tcb(r)->snd.pipe, 11 * MSS);
	(void)block;
	way_close(w);
}

/* RFC 2018 8: the peer threw away what it had reported: all goes again. */
static void reneging(void **unused)
{
	static const uint32_t block[1][2] = {{2 * MSS, 10 * MSS}};
	struct way *w = way_open(false, RTT_MS, 10);
	struct rig *r = &w->r;

	rig_write(r, 10 * MSS);
	assert_int_equal(rig_discard(r), 10);
	rig_pass_ms(r, RTT_MS);
	way_sack(r, 0, block, 1);
	assert_int_equal(way_rack(r)->sacked, 8 * MSS);
	assert_int_equal(rig_discard(r), 2);
	/* Both holes are filled, and yet the ACK stops there. */
	way_sack(r, 2 * MSS, NULL, 0);
	rig_pass_ms(r, RTT_MS); /* sooner than a timeout */
	assert_int_equal(rig_count(r, LULL_COUNT_SACK_RENEGING), 1);
	assert_int_equal(way_rack(r)->sacked, 0);
	for (uint32_t i = 2; i < 10; i++) {
		struct rig_seg out = rig_expect(r, LULL_ACK);

		assert_int_equal(out.seg.seq.v, way_seq(i * MSS).v);
		rig_same(out.text, out.seg.text_len, i * MSS);
		assert_int_equal(out.seg.text_len, MSS);
		way_sack(r, (i + 1) * MSS, NULL, 0);
	}
	way_close(w);
}

/* What was thrown away was sent when it was, and not with what went last: when
 * the peer has it all the same, its SACK tells no shorter round trip. */
static void reneged_text_keeps_its_time(void **unused)
{
	static const uint32_t block[1][2] = {{2 * MSS, 10 * MSS}},
			      late[1][2] = {{4 * MSS, 10 * MSS}};
	struct way *w = way_open(false, RTT_MS, 10);
	struct rig *r = &w->r;

	rig_write(r, 14 * MSS);
	assert_int_equal(rig_discard(r), 10);
	rig_pass_ms(r, RTT_MS);
	way_sack(r, 0, block, 1);
	way_sack(r, 2 * MSS, NULL, 0);
	(void)rig_discard(r);
	assert_true(lull_seq_gt(rig_tcb(r)->snd.nxt, way_seq(10 * MSS)));
	rig_pass_ms(r, RTT_MS * 3 / 4);
	assert_int_equal(rig_count(r, LULL_COUNT_SACK_RENEGING), 1);
	(void)rig_discard(r);
	way_sack(r, 2 * MSS, late, 1);
	assert_true(way_rack(r)->min_rtt_us >= RTT_MS * 1000);
	way_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(five_scattered_drops),
		cmocka_unit_test(recovery_halves_the_window),
		cmocka_unit_test(burst_of_30_at_prr_rate),
		cmocka_unit_test(prr_is_clocked_by_acks),
		cmocka_unit_test(lost_retransmission_without_rto),
		cmocka_unit_test(stream_survives_loss_and_reordering),
		cmocka_unit_test(spurious_rto_is_undone),
		cmocka_unit_test(frto_sends_new_text),
		cmocka_unit_test(frto_finds_a_true_loss),
		cmocka_unit_test(timeout_without_new_text),
		cmocka_unit_test(eifel_undoes_a_recovery),
		cmocka_unit_test(dsack_undoes_a_recovery),
		cmocka_unit_test(dsack_of_what_went_once),
		cmocka_unit_test(timeout_spares_what_is_young),
		cmocka_unit_test(reneging),
		cmocka_unit_test(reneged_text_keeps_its_time),
	};

	return RUN("recovery", tests);
}
