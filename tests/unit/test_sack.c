/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sack.c: SACK (RFC 2018) and DSACK (RFC 2883): what a receiver tells, in
 * the RFCs' own examples, and what a sender believes of it.
 */
#include "receiver.h"

enum {
	MSS = WAY_MSS,
	LEN = 500
};

static const struct rig_config both = {
	.sack = true, .wscale = true, .rtt_ms = 1};
static const struct rig_config stamped = {
	.sack = true, .wscale = true, .ts = true, .rtt_ms = 1};

static void connect(struct rig *r, const struct rig_config *config)
{
	rig_open(r, config);
	rig_reach(r, LULL_TCP_ESTABLISHED, true);
	rig_ack(r);
	rig_align(r);
}

/* ---- negotiation ---- */

static void both_must_permit(void **unused)
{
	for (int i = 0; i < 4; i++) {
		bool peer = i & 1, active = i & 2;
		struct rig_config c = {.sack = peer, .ts = i % 3};
		struct rig r;

		rig_open(&r, &c);
		if (active) {
			rig_reach(&r, LULL_TCP_SYN_SENT, true);
			rig_syn(&r, LULL_SYN | LULL_ACK);
			rig_discard(&r);
		} else {
			rig_syn(&r, LULL_SYN);
			assert_int_equal(
				rig_expect(&r, LULL_SYN | LULL_ACK).seg.sack_ok,
				peer);
			rig_say(&r, LULL_ACK, NULL, 0);
			assert_int_equal(lull_sock_accept(r.s, r.listener, 2,
							  &r.sock),
					 0);
		}
		assert_int_equal(!!(rig_tcb(&r)->flags & LULL_TCB_SACK), peer);
		rig_close(&r);
	}
}

/* As Linux has it: in a bit of TSval; without timestamps not at all. */
static void a_cookie_brings_it_back(void **unused)
{
	for (int i = 0; i < 4; i++) {
		struct rig_config c = {.sack = i & 1,
				       .ts = i & 2,
				       .sysctl = {"net.ipv4.tcp_syncookies=2"}};
		struct rig r;

		rig_open(&r, &c);
		rig_syn(&r, LULL_SYN);
		assert_int_equal(
			rig_expect(&r, LULL_SYN | LULL_ACK).seg.sack_ok,
			i == 3);
		rig_say(&r, LULL_ACK, NULL, 0);
		assert_int_equal(!!(rig_tcb(&r)->flags & LULL_TCB_SACK),
				 i == 3);
		assert_int_equal(lull_sock_accept(r.s, r.listener, 2, &r.sock),
				 0);
		rig_close(&r);
	}
}

/* ---- the receiver ---- */

/* Segment `n` of LEN bytes of the peer's. */
static void put(struct rig *r, uint32_t n, uint32_t len)
{
	uint8_t text[RIG_TEXT_MAX];

	for (uint32_t i = 0; i < len; i++)
		text[i] = rig_byte(n * LEN + i);
	rig_put(r, LULL_ACK, lull_seq_add(r->seq, n * LEN), r->ack, text, len);
}

/* An ACK of segments before `ack`, with these blocks. */
static void expect(struct rig *r, uint32_t ack, const uint32_t (*block)[2],
		   uint32_t n)
{
	struct rig_seg out = rig_expect(r, LULL_ACK);

	assert_int_equal(out.seg.ack.v, lull_seq_add(r->seq, ack * LEN).v);
	assert_int_equal(out.seg.sacks, n);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(out.seg.sack[i].start.v - r->seq.v,
				 block[i][0] * LEN);
		assert_int_equal(out.seg.sack[i].end.v - r->seq.v,
				 block[i][1] * LEN);
	}
}

#define EXPECT(r, ack, ...)                                      \
	do {                                                     \
		static const uint32_t b_[][2] = {__VA_ARGS__};   \
		expect((r), (ack), b_, (uint32_t)ARRAY_LEN(b_)); \
	} while (0)

/* RFC 2018 5, case 2: the first of eight is lost. */
static void first_segment_lost(void **unused)
{
	struct rig r;

	connect(&r, &both);
	for (uint32_t i = 1; i < 8; i++) {
		const uint32_t block[1][2] = {{1, i + 1}};

		put(&r, i, LEN);
		expect(&r, 0, block, 1);
	}
	put(&r, 0, LEN);
	expect(&r, 8, NULL, 0);
	rig_expect_none(&r);
	rig_close(&r);
}

/* RFC 2018 5, case 3: 2, 4, 6 and 8 are lost; then 4 and 2 come. */
static void every_second_lost(void **unused)
{
	struct rig r;

	connect(&r, &both);
	put(&r, 0, LEN);
	rig_discard(&r);
	put(&r, 2, LEN);
	EXPECT(&r, 1, {2, 3});
	put(&r, 4, LEN);
	EXPECT(&r, 1, {4, 5}, {2, 3});
	put(&r, 6, LEN);
	EXPECT(&r, 1, {6, 7}, {4, 5}, {2, 3});
	put(&r, 3, LEN);
	EXPECT(&r, 1, {2, 5}, {6, 7});
	put(&r, 1, LEN);
	EXPECT(&r, 5, {6, 7});
	put(&r, 5, LEN);
	expect(&r, 7, NULL, 0);
	rig_close(&r);
}

/* RFC 2018 3: four fit, three beside a timestamp; the latest ones. */
static void as_many_as_fit(void **unused)
{
	struct rig r;

	connect(&r, &both);
	for (uint32_t i = 1; i < 10; i += 2)
		put(&r, i, LEN);
	for (int i = 0; i < 4; i++)
		rig_expect(&r, LULL_ACK);
	EXPECT(&r, 0, {9, 10}, {7, 8}, {5, 6}, {3, 4});
	rig_close(&r);
	connect(&r, &stamped);
	for (uint32_t i = 1; i < 10; i += 2)
		put(&r, i, LEN);
	for (int i = 0; i < 4; i++)
		rig_expect(&r, LULL_ACK);
	EXPECT(&r, 0, {9, 10}, {7, 8}, {5, 6});
	rig_close(&r);
}

/* RFC 2018 4 (a): the block is whole, though its island was long forgotten. */
static void a_forgotten_island_is_told_whole(void **unused)
{
	struct rig r;

	connect(&r, &both);
	put(&r, 1, LEN);
	put(&r, 2, LEN);
	for (uint32_t i = 5; i < 15; i += 2)
		put(&r, i, LEN);
	rig_discard(&r);
	put(&r, 3, LEN);
	EXPECT(&r, 0, {1, 4}, {13, 14}, {11, 12}, {9, 10});
	rig_close(&r);

	/* All that were remembered are gone: what is left is told. */
	connect(&r, &both);
	put(&r, 20, LEN);
	for (uint32_t i = 1; i < 9; i += 2)
		put(&r, i, LEN);
	rig_discard(&r);
	for (uint32_t i = 0; i < 8; i += 2)
		put(&r, i, LEN);
	for (int i = 0; i < 3; i++)
		rig_expect(&r, LULL_ACK);
	EXPECT(&r, 8, {20, 21});
	rig_close(&r);
}

/* RFC 2883 4.1.1: an old one; told once. */
static void dsack_of_an_old_segment(void **unused)
{
	struct rig r;

	connect(&r, &both);
	put(&r, 0, LEN);
	put(&r, 1, LEN);
	rig_discard(&r);
	put(&r, 0, LEN);
	EXPECT(&r, 2, {0, 1});
	put(&r, 2, LEN);
	put(&r, 3, LEN);
	expect(&r, 4, NULL, 0);
	assert_int_equal(rig_count(&r, LULL_COUNT_DSACK_OLD_SENT), 1);
	assert_int_equal(rig_count(&r, LULL_COUNT_DSACK_OFO_SENT), 0);
	rig_close(&r);
}

/* RFC 2883 4.1.2, 4.1.3: with a gap, its own block follows. */
static void dsack_behind_a_gap(void **unused)
{
	struct rig r;

	connect(&r, &both);
	put(&r, 2, LEN);
	put(&r, 3, LEN);
	put(&r, 6, LEN);
	rig_discard(&r);
	put(&r, 2, LEN);
	EXPECT(&r, 0, {2, 3}, {2, 4}, {6, 7});
	put(&r, 4, LEN);
	EXPECT(&r, 0, {2, 5}, {6, 7});
	assert_int_equal(rig_count(&r, LULL_COUNT_DSACK_OFO_SENT), 1);
	rig_close(&r);
}

/* RFC 2883 4.2: only the part that came twice. */
static void dsack_of_a_part(void **unused)
{
	struct rig r;

	connect(&r, &both);
	put(&r, 0, LEN);
	rig_discard(&r);
	put(&r, 0, 2 * LEN); /* 4.2.1 */
	EXPECT(&r, 2, {0, 1});
	put(&r, 4, LEN);
	rig_discard(&r);
	put(&r, 3, 2 * LEN); /* 4.2.3 */
	EXPECT(&r, 2, {4, 5}, {3, 5});
	rig_close(&r);
}

/* Text that goes meanwhile leaves room for the blocks, and takes them. */
static void text_takes_blocks_along(void **unused)
{
	const struct rig_config *configs[] = {&both, &stamped};

	for (int i = 0; i < 2; i++) {
		uint32_t mss, bytes = 4 + 8 * 2;
		struct rig_seg out;
		struct rig r;

		connect(&r, configs[i]);
		mss = rig_tcb(&r)->opt.mss;
		put(&r, 1, LEN);
		put(&r, 3, LEN);
		rig_discard(&r);
		rig_write(&r, 2 * (mss - bytes));
		for (int n = 0; n < 2; n++) {
			out = rig_expect(&r, LULL_ACK);
			assert_int_equal(out.seg.text_len, mss - bytes);
			assert_int_equal(out.seg.sacks, 2);
			assert_int_equal(out.seg.hdr_len + out.seg.text_len,
					 1480);
		}
		rig_discard(&r);
		rig_close(&r);
	}
}

/* A FIN behind a gap takes a number of its block. */
static void fin_is_in_its_block(void **unused)
{
	struct rig_seg out;
	struct rig r;

	connect(&r, &both);
	rig_put(&r, LULL_ACK | LULL_FIN, lull_seq_add(r.seq, LEN), r.ack, NULL,
		LEN);
	out = rig_expect(&r, LULL_ACK);
	assert_int_equal(out.seg.sacks, 1);
	assert_int_equal(out.seg.sack[0].end.v - r.seq.v, 2 * LEN + 1);
	put(&r, 0, LEN);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSE_WAIT);
	out = rig_expect(&r, LULL_ACK);
	assert_int_equal(out.seg.sacks, 0);
	rig_close(&r);
}

/* Not agreed on: never sent, never believed. */
static void none_without_permission(void **unused)
{
	static const uint32_t block[1][2] = {{3 * MSS, 5 * MSS}};
	struct rig_config c = {.wscale = true, .rtt_ms = 1};
	struct rig r;

	connect(&r, &c);
	put(&r, 1, LEN);
	expect(&r, 0, NULL, 0);
	put(&r, 1, LEN);
	expect(&r, 0, NULL, 0);
	rig_write(&r, 10 * MSS);
	rig_discard(&r);
	for (int i = 0; i < 2; i++)
		way_sack(&r, 0, block, 1);
	assert_int_equal(way_rack(&r)->sacked, 0);
	rig_expect_none(&r);
	rig_close(&r);
}

/* ---- the sender ---- */

static uint32_t out_bytes(const struct rig *r)
{
	return lull_seq_sub(rig_tcb(r)->snd.nxt, rig_tcb(r)->snd.una);
}

/* What is in flight, what has arrived and what is lost is all that is out;
 * each range stands in the list that it belongs to. */
static void check_ranges(const struct rig *r)
{
	const struct lull_tcp *t = &r->s->tcp;
	const struct lull_tcb *tcb = rig_tcb(r);
	const struct lull_rack *k = way_rack(r);
	uint32_t pipe = 0, sacked = 0, lost = 0, again = 0, before = 0;
	uint32_t flying = 0, gone = 0, listed = 0;
	struct lull_seq at = tcb->snd.una;

	for (uint32_t i = tcb->snd.ranges; i; i = lull_range_at(t, i)->next) {
		const struct lull_range *x = lull_range_at(t, i);
		uint32_t len = lull_seq_sub(x->end, x->seq);

		assert_int_equal(x->seq.v, at.v);
		at = x->end;
		if (x->flags & LULL_RANGE_SACKED) {
			assert_false(before & LULL_RANGE_SACKED);
			sacked += len;
		} else if (x->flags & LULL_RANGE_LOST) {
			lost += len;
			gone++;
		} else {
			pipe += len;
			flying++;
			again += x->flags & LULL_RANGE_RETRANS ? len : 0;
		}
		before = x->flags;
	}
	assert_int_equal(at.v, tcb->snd.nxt.v);
	assert_int_equal(pipe, tcb->snd.pipe);
	assert_int_equal(sacked, k->sacked);
	assert_int_equal(again, k->retrans);
	assert_int_equal(pipe + sacked + lost, out_bytes(r));
	for (uint32_t i = k->flying; i; i = lull_range_at(t, i)->links.next)
		listed++;
	assert_int_equal(listed, flying);
	listed = 0;
	for (uint32_t i = tcb->snd.lost; i; i = lull_range_at(t, i)->links.next)
		listed++;
	assert_int_equal(listed, gone);
}

static struct way *send_out(uint32_t segs)
{
	struct way *w = way_open(false, 20, segs);

	rig_write(&w->r, segs * MSS);
	assert_int_equal(rig_discard(&w->r), segs);
	rig_pass_ms(&w->r, 20);
	return w;
}

/* RFC 2018 8: what is not in flight is not believed. */
static void blocks_out_of_the_flight(void **unused)
{
	static const uint32_t t[][2] = {
		{20 * MSS, 21 * MSS},	  /* not sent yet */
		{19 * MSS, 20 * MSS + 1}, /* a byte too much */
		{9 * MSS, 8 * MSS},	  /* reversed */
		{9 * MSS, 9 * MSS},	  /* empty */
		{5 * MSS, 6 * MSS},	  /* what is acknowledged now */
		{9 * MSS, 0x80000000U},	  /* half of all numbers */
		{0x80000000U, 9 * MSS},	  {0xffffffffU, 9 * MSS},
	};
	struct way *w = send_out(20);

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		/* Behind a good one, so that it is no DSACK. */
		const uint32_t block[2][2] = {{7 * MSS, 8 * MSS},
					      {t[i][0], t[i][1]}};

		way_sack(&w->r, 5 * MSS, block, 2);
		assert_int_equal(way_rack(&w->r)->sacked, MSS);
		assert_int_equal(rig_count(&w->r, LULL_COUNT_SACK_DISCARD),
				 i + 1);
		check_ranges(&w->r);
	}
	rig_discard(&w->r);
	way_close(w);
}

/* A large frame is cut at its segments' borders, and nowhere else. */
static void no_cuts_within_a_segment(void **unused)
{
	struct rig_config c = {.sack = true,
			       .wscale = true,
			       .rtt_ms = 20,
			       .link_cap = LULL_LINK_TX_CSUM | LULL_LINK_TX_GSO,
			       .limits = way_limits};
	uint32_t block[1][2] = {{3 * MSS + 1, 5 * MSS - 1}}, used;
	struct rig_seg out;
	struct rig r;

	connect(&r, &c);
	rig_set(&r, LULL_OPT_SNDBUF, 1 << 20);
	rig_tcb(&r)->cc.cwnd = 20 * MSS;
	rig_write(&r, 20 * MSS); /* enough for a large buffer */
	out = rig_expect(&r, LULL_ACK);
	assert_int_equal(out.seg.text_len, 20 * MSS);
	assert_int_equal(out.gso_size, MSS);
	used = r.s->tcp.ranges.used;
	way_sack(&r, 0, (const uint32_t(*)[2])block, 1);
	assert_int_equal(way_rack(&r)->sacked, 0);
	assert_int_equal(r.s->tcp.ranges.used, used);
	block[0][1] = 6 * MSS + 7;
	way_sack(&r, 0, (const uint32_t(*)[2])block, 1);
	assert_int_equal(way_rack(&r)->sacked, 2 * MSS); /* 4 and 5 */
	assert_int_equal(r.s->tcp.ranges.used, used + 2);
	check_ranges(&r);
	/* Thousands of pieces: never more ranges than segments. */
	for (uint32_t i = 1; i < 20 * MSS - 3; i += 3) {
		block[0][0] = i;
		block[0][1] = i + 2;
		way_sack(&r, 0, (const uint32_t(*)[2])block, 1);
	}
	assert_in_range(r.s->tcp.ranges.used, used, used + 19);
	check_ranges(&r);
	rig_discard(&r);
	rig_close(&r);
}

/* Blocks that overlap, nest, repeat, in any order: truth is kept. */
static void hostile_blocks(void **unused)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct way *w = send_out(60);
		uint32_t una = 0;

		for (int n = 0; n < 400; n++) {
			uint32_t block[4][2];
			uint32_t k = rig_random(&seed, 5);

			for (uint32_t i = 0; i < k; i++) {
				block[i][0] = rig_random(&seed, 70 * MSS);
				block[i][1] = block[i][0] +
					      rig_random(&seed, 9 * MSS);
			}
			if (rig_random(&seed, 20) == 0)
				una = lull_min(una + rig_random(&seed, 2 * MSS),
					       60 * MSS);
			way_sack(&w->r, una, (const uint32_t(*)[2])block, k);
			if (rig_state(&w->r) != LULL_TCP_ESTABLISHED)
				fail_msg("seed %llu", (unsigned long long)seed);
			check_ranges(&w->r);
			rig_discard(&w->r);
			if (rig_random(&seed, 50) == 0)
				rig_pass_ms(&w->r, rig_random(&seed, 400));
			check_ranges(&w->r);
			rig_discard(&w->r);
		}
		way_close(w);
	}
}

/* Ranges looked at for one ACK are bounded; the next one goes on from there. */
static void work_for_one_ack_is_bounded(void **unused)
{
	struct way *w = way_open(false, 20, 1000);
	struct rig *r = &w->r;
	static const uint32_t block[1][2] = {{999, 1000}};

	rig_set(r, LULL_OPT_NODELAY, 1);
	for (int i = 0; i < 1000; i++) {
		rig_write(r, 1);
		assert_int_equal(rig_discard(r), 1);
	}
	assert_int_equal(r->s->tcp.ranges.used, 1000);
	way_sack(r, 0, block, 1);
	assert_int_equal(way_rack(r)->sacked, 0);
	way_sack(r, 0, block, 1);
	assert_int_equal(way_rack(r)->sacked, 1);
	check_ranges(r);
	rig_discard(r);
	way_close(w);
}

/* What has arrived and touches is one range: islands take no memory. */
static void islands_are_one_range(void **unused)
{
	struct way *w = send_out(100);

	for (uint32_t i = 99; i > 10; i--) {
		const uint32_t block[1][2] = {{i * MSS, (i + 1) * MSS}};

		way_sack(&w->r, 0, block, 1);
		check_ranges(&w->r);
	}
	assert_int_equal(way_rack(&w->r)->sacked, 89 * MSS);
	/* A gap and an island: what lies between went in large frames. */
	assert_int_equal(w->r.s->tcp.ranges.used, 2);
	rig_discard(&w->r);
	way_close(w);
}

/* RFC 3465: a window grows by bytes, however many ACKs there are. */
static void ack_division(void **unused)
{
	struct way *w = send_out(20);
	uint32_t cwnd = rig_tcb(&w->r)->cc.cwnd;

	for (uint32_t i = 1; i <= MSS; i++)
		way_sack(&w->r, i, NULL, 0);
	assert_true(rig_tcb(&w->r)->cc.cwnd <= cwnd + MSS);
	rig_discard(&w->r);
	way_close(w);
}

/* 3.10.7.4: what was never sent can't be acknowledged. */
static void acks_for_what_was_never_sent(void **unused)
{
	static const uint32_t block[1][2] = {{25 * MSS, 26 * MSS}};
	struct way *w = send_out(20);
	uint32_t cwnd = rig_tcb(&w->r)->cc.cwnd;

	for (uint32_t i = 0; i < 100; i++) {
		way_sack(&w->r, 20 * MSS + 1 + i * MSS, NULL, 0);
		way_sack(&w->r, 20 * MSS + 1 + i * MSS, block, 1);
	}
	assert_int_equal(rig_tcb(&w->r)->cc.cwnd, cwnd);
	assert_int_equal(out_bytes(&w->r), 20 * MSS);
	assert_int_equal(way_rack(&w->r)->sacked, 0);
	check_ranges(&w->r);
	rig_discard(&w->r);
	way_close(w);
}

/* A peer that reports what has not arrived yet has a window as before. */
static void optimistic_sacks(void **unused)
{
	static const uint32_t block[1][2] = {{MSS, 20 * MSS}};
	struct way *w = send_out(20);
	struct rig *r = &w->r;

	rig_write(r, 200 * MSS);
	for (int i = 0; i < 50; i++) {
		way_sack(r, 0, block, 1);
		rig_discard(r);
		assert_true(rig_tcb(r)->snd.pipe <= 20 * MSS);
		assert_true(rig_tcb(r)->cc.cwnd <= 20 * MSS);
	}
	way_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_must_permit),
		cmocka_unit_test(a_cookie_brings_it_back),
		cmocka_unit_test(first_segment_lost),
		cmocka_unit_test(every_second_lost),
		cmocka_unit_test(as_many_as_fit),
		cmocka_unit_test(a_forgotten_island_is_told_whole),
		cmocka_unit_test(dsack_of_an_old_segment),
		cmocka_unit_test(dsack_behind_a_gap),
		cmocka_unit_test(dsack_of_a_part),
		cmocka_unit_test(text_takes_blocks_along),
		cmocka_unit_test(fin_is_in_its_block),
		cmocka_unit_test(none_without_permission),
		cmocka_unit_test(blocks_out_of_the_flight),
		cmocka_unit_test(no_cuts_within_a_segment),
		cmocka_unit_test(hostile_blocks),
		cmocka_unit_test(work_for_one_ack_is_bounded),
		cmocka_unit_test(islands_are_one_range),
		cmocka_unit_test(ack_division),
		cmocka_unit_test(acks_for_what_was_never_sent),
		cmocka_unit_test(optimistic_sacks),
	};

	return RUN("sack", tests);
}
