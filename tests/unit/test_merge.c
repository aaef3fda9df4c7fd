/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_merge.c: segments that stand for several: joined in a batch
 * (src/tcp/merge.c), or one frame in two buffers (src/link.c, data.c).
 */
#include "rig.h"

enum {
	LEN = 500,
	LARGE = 30000,
	ROOM = 2048, /* of the first buffer */
};

static const struct rig_config config = {.ts = true, .wscale = true};

static void established(struct rig *r, const struct rig_config *c)
{
	rig_open(r, c);
	rig_knob(r, "net.ipv4.tcp_rmem", "4096 400000 400000");
	rig_reach(r, LULL_TCP_ESTABLISHED, true);
	rig_ack(r);
	rig_discard(r);
}

/* ---- a batch ---- */

struct batch {
	struct rig *r;
	struct lull_frame f[8];
	int len;
};

/* One more segment of the peer's pattern, LEN bytes at `at`. */
static uint8_t *add(struct batch *b, uint8_t flags, uint32_t at)
{
	struct lull_frame *f = &b->f[b->len++];
	struct rig *r = b->r;
	uint8_t text[LEN];

	for (uint32_t i = 0; i < LEN; i++)
		text[i] = rig_byte(at + i);
	assert_int_equal(lull_rx_get(r->s, f, 1), 1);
	f->len = rig_build(r, flags, lull_seq_add(r->seq, at), r->ack, text,
			   LEN, f->span[0].ptr);
	f->flags = LULL_FRAME_CSUM_OK;
	return f->span[0].ptr;
}

static void arrive(struct batch *b)
{
	assert_int_equal(lull_rx_put(b->r->s, b->f, b->len), b->len);
	rig_run(b->r);
}

static void expect_text(struct rig *r, uint32_t len)
{
	static uint8_t text[65536];

	assert_int_equal(lull_sock_recv(r->s, r->sock, text, sizeof text), len);
	rig_same(text, len, 0);
}

static void in_order_they_are_one(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig_config c = config;
		uint64_t before;
		struct rig r;
		struct batch b = {.r = &r};

		c.v6 = v6;
		established(&r, &c);
		before = rig_count(&r, LULL_COUNT_IN_SEGS);
		for (uint32_t i = 0; i < 5; i++)
			(void)add(&b, i == 4 ? LULL_ACK | LULL_PSH : LULL_ACK,
				  i * LEN);
		arrive(&b);
		assert_int_equal(rig_count(&r, LULL_COUNT_MERGED), 4);
		assert_int_equal(rig_count(&r, LULL_COUNT_IN_SEGS) - before, 5);
		expect_text(&r, 5 * LEN);
		r.seq = lull_seq_add(r.seq, 5 * LEN);
		rig_run(&r);
		assert_int_equal(rig_expect(&r, LULL_ACK).seg.ack.v, r.seq.v);
		rig_close(&r);
	}
}

/* Two in order, of which one differs: they stay two. */
static void what_differs_is_not_joined(void **unused)
{
	static const struct {
		uint8_t first, second; /* flags beside ACK */
		uint32_t gap;
		uint32_t at, bits; /* of the second's bytes, changed */
	} t[] = {
		{.first = LULL_PSH},
		{.first = LULL_URG},
		{.first = LULL_CWR},
		{.second = LULL_URG},
		{.second = LULL_CWR},
		{.second = LULL_ECE},
		{.second = LULL_FIN},
		{.second = LULL_RST},
		{.second = LULL_SYN},
		{.gap = 1},
		{.gap = -1U},
		{.at = 1, .bits = 1},	    /* ECN: ECT(1) */
		{.at = 1, .bits = 4},	    /* TOS */
		{.at = 20 + 11, .bits = 1}, /* ACK */
		{.at = 20 + 15, .bits = 1}, /* window */
		{.at = 20 + 27, .bits = 1}, /* TSval */
		{.at = 20 + 31, .bits = 1}, /* TSecr */
		{.at = 20 + 1, .bits = 1},  /* another flow */
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;
		struct batch b = {.r = &r};
		uint8_t *p;

		established(&r, &config);
		(void)add(&b, LULL_ACK | t[i].first, 0);
		p = add(&b, LULL_ACK | t[i].second, LEN + t[i].gap);
		p[t[i].at] ^= (uint8_t)t[i].bits;
		if (t[i].at == 1) { /* in the IP header's sum, too */
			uint32_t sum =
				(p[10] << 8 | p[11]) + 0xffff - t[i].bits;

			sum = (sum & 0xffff) + (sum >> 16);
			p[10] = (uint8_t)(sum >> 8);
			p[11] = (uint8_t)sum;
		}
		arrive(&b);
		if (rig_count(&r, LULL_COUNT_MERGED))
			fail_msg("row %u was joined", i);
		rig_drop(&r);
	}
}

static void no_text_is_not_joined(void **unused)
{
	struct rig r;
	struct batch b = {.r = &r};

	established(&r, &config);
	for (int i = 0; i < 3; i++) {
		struct lull_frame *f = &b.f[b.len++];

		assert_int_equal(lull_rx_get(r.s, f, 1), 1);
		f->len = rig_build(&r, LULL_ACK, r.seq, r.ack, NULL, 0,
				   f->span[0].ptr);
	}
	arrive(&b);
	assert_int_equal(rig_count(&r, LULL_COUNT_MERGED), 0);
	rig_close(&r);
}

/* ---- a large frame ---- */

/* `len` bytes of text at `at` of the pattern, in two buffers. */
static struct lull_frame large(struct rig *r, uint32_t at, uint32_t len)
{
	static uint8_t packet[65536], text[65536];
	struct lull_frame f;

	for (uint32_t i = 0; i < len; i++)
		text[i] = rig_byte(at + i);
	assert_int_equal(lull_rx_get(r->s, &f, 1), 1);
	assert_int_equal(lull_rx_widen(r->s, &f, 1), 1);
	assert_int_equal(f.spans, 2);
	f.len = rig_build(r, LULL_ACK, lull_seq_add(r->seq, at), r->ack, text,
			  len, packet);
	memcpy(f.span[0].ptr, packet, lull_min(f.len, ROOM));
	if (f.len > ROOM)
		memcpy(f.span[1].ptr, packet + ROOM, f.len - ROOM);
	f.gso_size = 1448;
	return f;
}

static void put(struct rig *r, const struct lull_frame *f)
{
	assert_int_equal(lull_rx_put(r->s, f, 1), 1);
	rig_run(r);
}

/* Its checksum holds over both; the program reads where the link wrote. */
static void a_large_frame_is_read_in_place(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig_config c = config;
		struct lull_span span[4];
		struct lull_frame f;
		uint64_t before;
		struct rig r;

		c.v6 = v6;
		established(&r, &c);
		before = rig_count(&r, LULL_COUNT_IN_SEGS);
		f = large(&r, 0, 60000);
		put(&r, &f);
		assert_int_equal(rig_count(&r, LULL_COUNT_IN_SEGS) - before,
				 60000 / 1448 + 1);
		assert_int_equal(lull_sock_peek(r.s, r.sock, span, 4), 2);
		assert_ptr_equal(span[1].ptr, f.span[1].ptr);
		assert_int_equal(span[0].len + span[1].len, 60000);
		expect_text(&r, 60000);
		/* Many segments: at once. */
		r.seq = lull_seq_add(r.seq, 60000);
		rig_run(&r);
		assert_int_equal(rig_expect(&r, LULL_ACK).seg.ack.v, r.seq.v);
		rig_close(&r);
	}
}

static void a_large_frame_with_a_wrong_sum(void **unused)
{
	struct lull_frame f;
	struct rig r;

	established(&r, &config);
	f = large(&r, 0, LARGE);
	((uint8_t *)f.span[1].ptr)[LARGE / 2] ^= 1;
	put(&r, &f);
	assert_int_equal(rig_drops(&r, LULL_DROP_TCP_CHECKSUM), 1);
	rig_close(&r);
}

/* What was there already goes, over the end of the first buffer, too. */
static void a_large_frame_overlaps(void **unused)
{
	static const uint32_t had[] = {1, 1000, 1995, 1996, 1997, 20000};

	for (uint32_t i = 0; i < ARRAY_LEN(had); i++) {
		struct lull_frame f;
		struct rig r;

		established(&r, &config);
		f = large(&r, 0, had[i]);
		put(&r, &f);
		f = large(&r, 0, LARGE);
		put(&r, &f);
		expect_text(&r, LARGE);
		r.seq = lull_seq_add(r.seq, LARGE);
		rig_run(&r);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* Beyond the window: cut there. */
static void a_large_frame_beyond_the_window(void **unused)
{
	for (uint32_t wnd = 1000; wnd < 30000; wnd += 3001) {
		struct lull_frame f;
		struct rig r;

		established(&r, &config);
		rig_tcb(&r)->rcv.edge = lull_seq_add(rig_tcb(&r)->rcv.nxt, wnd);
		f = large(&r, 0, LARGE);
		put(&r, &f);
		expect_text(&r, wnd);
		rig_drop(&r);
	}
}

/* Behind a gap it waits, and comes in order when that closes. */
static void a_large_frame_behind_a_gap(void **unused)
{
	struct lull_frame f;
	struct rig r;

	established(&r, &config);
	f = large(&r, 700, 60000);
	put(&r, &f);
	assert_int_equal(rig_tcb(&r)->rcv.later_len, 2);
	f = large(&r, 0, 700);
	put(&r, &f);
	expect_text(&r, 700 + 60000);
	r.seq = lull_seq_add(r.seq, 700 + 60000);
	rig_run(&r);
	rig_discard(&r);
	rig_close(&r);
}

static void few_large(struct lull_limits *l)
{
	l->bufs_64k = 2;
}

/* None of the large ones may be kept: the text goes into small ones. */
static void without_large_buffers(void **unused)
{
	struct rig_config c = config;
	struct lull_frame f, other;
	struct rig r;

	c.limits = few_large;
	established(&r, &c);
	other = large(&r, 0, 1);
	f = large(&r, 0, 60000);
	put(&r, &f);
	assert_int_equal(r.s->g.bufs.slab[LULL_BUF_64K].used, 1);
	expect_text(&r, 60000);
	r.seq = lull_seq_add(r.seq, 60000);
	other.len = 0;
	assert_int_equal(lull_rx_put(r.s, &other, 1), 1);
	rig_run(&r);
	rig_discard(&r);
	rig_close(&r);
}

/* Nothing else is so large; and headers end in the first buffer. */
static void other_large_packets_are_refused(void **unused)
{
	static uint8_t packet[8192], payload[4096] = {128};
	struct rig_config c = config;
	struct lull_frame f;
	struct rig r;

	c.v6 = true;
	established(&r, &c);
	for (int i = 0; i < 2; i++) {
		/* ICMPv6, or destination options of 2,048 bytes. */
		if (i) {
			payload[0] = LULL_PROTO_TCP;
			payload[1] = 255;
			payload[2] = 1; /* PadN, and so on: to the end */
			payload[3] = 0;
		}
		f = large(&r, 0, 3000);
		f.len = rig_ip(&r, i ? 60 : LULL_PROTO_ICMPV6, payload, 3000,
			       packet);
		memcpy(f.span[0].ptr, packet, ROOM);
		memcpy(f.span[1].ptr, packet + ROOM, f.len - ROOM);
		put(&r, &f);
		rig_expect_none(&r);
	}
	assert_int_equal(rig_drops(&r, LULL_DROP_IP_LARGE), 1);
	assert_int_equal(rig_drops(&r, LULL_DROP_IP_SHORT), 1);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_they_are_one),
		cmocka_unit_test(what_differs_is_not_joined),
		cmocka_unit_test(no_text_is_not_joined),
		cmocka_unit_test(a_large_frame_is_read_in_place),
		cmocka_unit_test(a_large_frame_with_a_wrong_sum),
		cmocka_unit_test(a_large_frame_overlaps),
		cmocka_unit_test(a_large_frame_beyond_the_window),
		cmocka_unit_test(a_large_frame_behind_a_gap),
		cmocka_unit_test(without_large_buffers),
		cmocka_unit_test(other_large_packets_are_refused),
	};

	return RUN("merge", tests);
}
