/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_hostile_acks.c: a receiver that lies in its ACKs gains nothing and
 * costs little: S. Savage and others, "TCP Congestion Control with a
 * Misbehaving Receiver" (1999); RFC 5681 2 and 3, RFC 3465, RFC 2018 8, RFC
 * 5961 5.
 */
#include "../../sim/path.h"
#include "rig.h"

enum {
	MSS = 1460,
	OPTIONS_MAX = 40,
	WND_BYTES = RIG_WND << 7,
};

/* ---- segments with SACK blocks ---- */

struct block {
	uint32_t from, to; /* bytes of the stream */
};

/* Insert `n` bytes of options behind the segment's own. */
static void put_with(struct rig *r, uint8_t flags, struct lull_seq ack,
		     const uint8_t *opt, uint32_t n)
{
	uint8_t p[256];
	struct lull_seq seq = r->seq;
	uint32_t len = rig_build(r, flags, seq, ack, NULL, 0, p);

	assert_true(n % 4 == 0 && len + n <= 20 + 20 + OPTIONS_MAX);
	memcpy(p + len, opt, n);
	p[32] = (uint8_t)(p[32] + (n / 4 << 4));
	p[2] = 0;
	p[3] = (uint8_t)(len + n);
	path_sum(p, len + n);
	rig_packet(r, p, len + n);
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* An ACK of `acked` bytes of the stream, with at most four blocks. */
static void sack(struct rig *r, uint32_t acked, const struct block *b, int n)
{
	uint8_t opt[OPTIONS_MAX] = {1, 1, 5, (uint8_t)(2 + 8 * n)};

	for (int i = 0; i < n; i++) {
		put32(opt + 4 + 8 * i, RIG_ISS + 1 + b[i].from);
		put32(opt + 8 + 8 * i, RIG_ISS + 1 + b[i].to);
	}
	put_with(r, LULL_ACK, lull_seq(RIG_ISS + 1 + acked), opt,
		 4 + 8 * (uint32_t)n);
}

static void ack(struct rig *r, uint32_t acked)
{
	rig_put(r, LULL_ACK, r->seq, lull_seq(RIG_ISS + 1 + acked), NULL, 0);
}

static void more_ranges(struct lull_limits *l)
{
	l->ranges = 4096;
	l->bufs_2k = 4096;
}

/* Connected to a peer that may send SACK, `bytes` of ours queued. */
static void begin(struct rig *r, uint32_t bytes)
{
	static const struct rig_config config = {
		.wscale = true, .rtt_ms = 10, .limits = more_ranges};
	static const uint8_t permitted[] = {1, 1, 4, 2};

	rig_open(r, &config);
	put_with(r, LULL_SYN, lull_seq(0), permitted, sizeof permitted);
	r->seq = lull_seq_add(r->seq, 1);
	rig_expect(r, LULL_SYN | LULL_ACK);
	rig_pass_ms(r, config.rtt_ms);
	rig_say(r, LULL_ACK, NULL, 0);
	assert_int_equal(lull_sock_accept(r->s, r->listener, 2, &r->sock), 0);
	rig_align(r);
	rig_set(r, LULL_OPT_SNDBUF, 4 << 20);
	rig_write(r, bytes);
}

/* How far the stream has been sent; all that came out is thrown away. */
static uint32_t sent_to(struct rig *r)
{
	uint32_t far = 0;
	struct rig_seg out;

	while (rig_get(r, &out)) {
		uint32_t end = out.seg.seq.v + out.seg.text_len - RIG_ISS - 1;

		far = lull_max(far, end);
	}
	return far;
}

static uint32_t cwnd(struct rig *r)
{
	return rig_tcb(r)->cc.cwnd;
}

/* An honest receiver from now on: all arrives, in few turns. */
static void finish(struct rig *r, uint32_t bytes)
{
	for (int i = 0; i < 2000 && rig_tcb(r)->snd.una.v !=
					    lull_seq(RIG_ISS + 1 + bytes).v;
	     i++) {
		uint32_t nxt = rig_tcb(r)->snd.nxt.v - RIG_ISS - 1;

		rig_discard(r);
		rig_pass_ms(r, 10);
		ack(r, nxt);
	}
	assert_int_equal(rig_tcb(r)->snd.una.v, RIG_ISS + 1 + bytes);
	rig_discard(r);
}

static uint32_t ranges_used(const struct rig *r)
{
	return r->s->tcp.ranges.used;
}

/* ---- ACKs ---- */

/* RFC 3465: the window grows by what was acknowledged, not by how often. */
static void ack_division_gains_nothing(void **state)
{
	uint32_t honest, divided;
	struct rig r;

	begin(&r, 400000);
	assert_int_equal(sent_to(&r), 10 * MSS);
	for (uint32_t i = 1; i <= 10; i++)
		ack(&r, i * MSS);
	honest = cwnd(&r);
	finish(&r, 400000);
	rig_close(&r);

	begin(&r, 400000);
	sent_to(&r);
	for (uint32_t at = 10; at <= 10 * MSS; at += 10) {
		ack(&r, at);
		rig_discard(&r);
	}
	divided = cwnd(&r);
	assert_true(divided <= honest);
	finish(&r, 400000);
	rig_close(&r);
}

/* And in congestion avoidance. */
static void ack_division_gains_nothing_in_avoidance(void **state)
{
	struct rig r;

	begin(&r, 1 << 20);
	sent_to(&r);
	rig_pass_ms(&r, 2000); /* timeouts: ssthresh is small */
	finish(&r, 1 << 20);
	rig_write(&r, 1 << 20);
	sent_to(&r);
	for (int round = 0; round < 5; round++) {
		uint32_t una = rig_tcb(&r)->snd.una.v;
		uint32_t out = rig_tcb(&r)->snd.nxt.v - una;
		uint32_t before = cwnd(&r);
		bool slow = before < rig_tcb(&r)->cc.ssthresh;

		rig_pass_ms(&r, 10);
		for (uint32_t at = 20; at < out + 20; at += 20) {
			rig_put(&r, LULL_ACK, r.seq,
				lull_seq(una + lull_min(at, out)), NULL, 0);
			rig_discard(&r);
		}
		assert_true(cwnd(&r) <= before + (slow ? out : 2 * MSS));
	}
	finish(&r, 2 << 20);
	rig_close(&r);
}

/* RFC 9293 3.10.7.4: such an ACK is answered and thrown away. */
static void acks_for_what_was_never_sent_gain_nothing(void **state)
{
	uint32_t before;
	struct rig r;

	begin(&r, 400000);
	sent_to(&r);
	before = cwnd(&r);
	for (uint32_t i = 1; i <= 100; i++)
		ack(&r, 10 * MSS + i * MSS);
	assert_int_equal(cwnd(&r), before);
	assert_int_equal(rig_tcb(&r)->snd.una.v, RIG_ISS + 1);
	for (uint32_t i = 0; i < 100; i++) { /* and very old ones */
		rig_put(&r, LULL_ACK, r.seq, lull_seq(RIG_ISS + 1 - 100000 * i),
			NULL, 0);
	}
	assert_true(cwnd(&r) <= before);
	finish(&r, 400000);
	rig_close(&r);
}

/*
 * Optimistic: it acknowledges what has not come yet. That can't be seen, so
 * what counts is that each byte acknowledged once opens the window once: never
 * more than the first window and what was sent.
 */
static void optimistic_acks_gain_no_more_than_honest_ones(void **state)
{
	struct rig r;

	begin(&r, 1 << 20);
	for (int i = 0; i < 40; i++) {
		uint32_t to = rig_tcb(&r)->snd.nxt.v - RIG_ISS - 1;

		rig_discard(&r);
		ack(&r, to); /* at once: there is no round trip */
		assert_true(cwnd(&r) <= 10 * MSS + to);
	}
	finish(&r, 1 << 20);
	rig_close(&r);
}

/*
 * RFC 5681 4.3: each duplicate says that one segment has left; more of them
 * than are out are lies.
 */
static void spoofed_duplicates_open_no_window(void **state)
{
	uint32_t far;
	struct rig r;

	begin(&r, 1 << 20);
	assert_int_equal(sent_to(&r), 10 * MSS);
	far = 10 * MSS;
	for (int i = 0; i < 500; i++) {
		ack(&r, 0);
		far = lull_max(far, sent_to(&r));
	}
	/* With SACK a duplicate without a block says nothing at all. */
	assert_true(far <= 20 * MSS);
	assert_true(cwnd(&r) <= 20 * MSS);
	finish(&r, 1 << 20);
	rig_close(&r);
}

/* ---- SACK blocks ---- */

/* RFC 2018 and 5961: outside of what is out, they are nothing. */
static void blocks_outside_of_the_window_do_nothing(void **state)
{
	static const struct block bad[][4] = {
		{{20 * MSS, 30 * MSS}, {1 << 20, 2 << 20}},
		{{0x80000000U, 0x80001000U}, {0x7fffffffU, 0xffffff00U}},
		{{5 * MSS, 5 * MSS}, {7 * MSS, 6 * MSS}},
		{{5 * MSS, 11 * MSS}, {9 * MSS, 1 << 30}},
		{{0U - 3 * MSS, 0U - MSS}, {0U - 1, 12 * MSS}},
	};
	uint32_t before;
	struct rig r;

	begin(&r, 400000);
	assert_int_equal(sent_to(&r), 10 * MSS);
	before = cwnd(&r);
	for (int i = 0; i < 40; i++) {
		sack(&r, 0, bad[i % 5], 2);
		assert_int_equal(cwnd(&r), before);
		assert_int_equal(rig_tcb(&r)->snd.una.v, RIG_ISS + 1);
		assert_int_equal(sent_to(&r), 0);
	}
	finish(&r, 400000);
	rig_close(&r);
}

/* A window of `segments` out: honest until then. Returns SND.UNA. */
static uint32_t open_window(struct rig *r, uint32_t segments)
{
	uint32_t una = 0;

	for (int i = 0; i < 12 && cwnd(r) < segments * MSS; i++) {
		uint32_t nxt = rig_tcb(r)->snd.nxt.v - RIG_ISS - 1;

		rig_pass_ms(r, 10);
		while (una < nxt) {
			una = lull_min(una + MSS, nxt);
			rig_discard(r);
			ack(r, una);
		}
	}
	assert_true(cwnd(r) >= segments * MSS);
	rig_discard(r);
	return una;
}

/*
 * Thousands of blocks of one byte, each in another place: the scoreboard stays
 * within what was sent.
 */
static void thousands_of_blocks_cost_no_more_than_segments(void **state)
{
	uint32_t una, used, out;
	struct rig r;

	begin(&r, 1 << 20);
	una = open_window(&r, 200);
	out = rig_tcb(&r)->snd.nxt.v - RIG_ISS - 1 - una;
	used = ranges_used(&r);
	assert_true(used >= out / 65536);
	for (uint32_t i = 0; i < 3000; i++) {
		struct block b[4];

		for (uint32_t k = 0; k < 4; k++) {
			uint32_t at = (i * 4 + k) * 2 * 7919 % (out - 1);

			b[k] = (struct block){una + at, una + at + 1};
		}
		sack(&r, una, b, 4);
		rig_discard(&r);
		assert_true(ranges_used(&r) <= 2 * (out / MSS) + 64);
	}
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	finish(&r, 1 << 20);
	rig_close(&r);
}

/* Blocks that overlap, repeat, contain each other, and come back smaller. */
static void overlapping_blocks_count_once(void **state)
{
	uint32_t una, before, most;
	struct rig r;

	begin(&r, 1 << 20);
	una = open_window(&r, 40);
	before = rig_tcb(&r)->snd.nxt.v - RIG_ISS - 1 - una;
	most = before + 4 * MSS;
	for (uint32_t i = 0; i < 200; i++) {
		const struct block b[3] = {
			{una + 10 * MSS, una + 14 * MSS},
			{una + 11 * MSS, una + 13 * MSS},
			{una + 10 * MSS + i, una + 14 * MSS - i},
		};

		sack(&r, una, b, 3);
		/* Four segments have left; so many may go, and no more. */
		assert_true(rig_tcb(&r)->snd.nxt.v - RIG_ISS - 1 - una <= most);
		rig_discard(&r);
	}
	finish(&r, 1 << 20);
	rig_close(&r);
}

/*
 * RFC 2018 8: the receiver takes back what it said. After the timeout all of
 * it goes again, and the stream arrives.
 */
static void what_was_sacked_and_dropped_goes_again(void **state)
{
	static const struct block all = {MSS, 10 * MSS};
	bool seen[10] = {false};
	struct rig_seg out;
	struct rig r;

	begin(&r, 10 * MSS);
	assert_int_equal(sent_to(&r), 10 * MSS);
	for (int i = 0; i < 4; i++)
		sack(&r, 0, &all, 1);
	sent_to(&r);
	/* It has the first one only, and says nothing more of the others. */
	ack(&r, MSS);
	for (int i = 0; i < 200; i++) {
		rig_pass_ms(&r, 100);
		while (rig_get(&r, &out)) {
			uint32_t at = out.seg.seq.v - RIG_ISS - 1;

			for (uint32_t k = at / MSS;
			     k < 10 && k * MSS < at + out.seg.text_len; k++)
				seen[k] = true;
		}
		for (uint32_t k = 1; k < 10 && seen[k]; k++)
			ack(&r, (k + 1) * MSS);
	}
	for (uint32_t k = 1; k < 10; k++)
		assert_true(seen[k]);
	assert_int_equal(rig_tcb(&r)->snd.una.v, RIG_ISS + 1 + 10 * MSS);
	rig_close(&r);
}

/*
 * DSACKs for what never went twice: they must neither undo a reduction nor
 * open the reordering window for ever.
 */
static void false_dsacks_undo_nothing(void **state)
{
	uint32_t una, ssthresh;
	struct rig r;

	begin(&r, 1 << 20);
	una = open_window(&r, 40);
	for (uint32_t i = 2; i < 12; i++) { /* the first one is lost */
		const struct block b = {una + MSS, una + i * MSS};

		sack(&r, una, &b, 1);
	}
	rig_pass_ms(&r, 20);
	rig_discard(&r);
	ssthresh = rig_tcb(&r)->cc.ssthresh;
	assert_true(ssthresh <= 40 * MSS);
	for (uint32_t i = 0; i < 50; i++) {
		const struct block b[2] = {
			{una - (i + 1) * MSS, una - i * MSS},
			{una + MSS, una + 12 * MSS},
		};

		sack(&r, una, b, 2);
		assert_true(rig_tcb(&r)->cc.ssthresh <= ssthresh);
		rig_discard(&r);
	}
	finish(&r, 1 << 20);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ack_division_gains_nothing),
		cmocka_unit_test(ack_division_gains_nothing_in_avoidance),
		cmocka_unit_test(acks_for_what_was_never_sent_gain_nothing),
		cmocka_unit_test(optimistic_acks_gain_no_more_than_honest_ones),
		cmocka_unit_test(spoofed_duplicates_open_no_window),
		cmocka_unit_test(blocks_outside_of_the_window_do_nothing),
		cmocka_unit_test(
			thousands_of_blocks_cost_no_more_than_segments),
		cmocka_unit_test(overlapping_blocks_count_once),
		cmocka_unit_test(what_was_sacked_and_dropped_goes_again),
		cmocka_unit_test(false_dsacks_undo_nothing),
	};

	return RUN("hostile_acks", tests);
}
