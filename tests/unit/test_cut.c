/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_cut.c: large packets, cut for a link that can't (src/link.c,
 * src/wire/cut.c). rig_get() verifies every checksum, partial ones too.
 */
#include "rig.h"

enum {
	MSS = 1460,
	MANY = 100, /* frames that are asked for at a time */
};

static void established(struct rig *r, const struct rig_config *config)
{
	rig_open(r, config);
	r->wnd = RIG_WND;
	rig_reach(r, LULL_TCP_ESTABLISHED, true);
	rig_ack(r);
	rig_align(r);
	rig_set(r, LULL_OPT_SNDBUF, 1 << 20);
	rig_knob(r, "net.ipv4.tcp_slow_start_after_idle", "0");
	rig_tcb(r)->cc.cwnd = 1 << 20;
}

/* Every segment as it would be without large packets. */
static void expect_stream(struct rig *r, uint32_t len, uint8_t last_flags)
{
	uint32_t mss = rig_tcb(r)->opt.mss, at = 0;
	struct rig_seg out;

	while (at < len) {
		uint32_t n = lull_min(mss, len - at);
		bool last = at + n == len;

		assert_true(rig_get(r, &out));
		assert_int_equal(out.seg.seq.v, RIG_ISS + 1 + at);
		assert_int_equal(out.seg.text_len, n);
		assert_int_equal(out.gso_size, 0);
		assert_int_equal(out.seg.flags,
				 LULL_ACK | (last ? last_flags : 0));
		rig_same(out.text, n, at);
		at += n;
	}
	rig_expect_none(r);
}

/* FIN and PSH go with the last one; lengths, SEQ, sums are each one's own. */
static void cut_as_a_card_does(void **unused)
{
	static const struct rig_config config[] = {
		{.wscale = true},
		{.wscale = true, .v6 = true},
		{.wscale = true, .ts = true},
		{.wscale = true, .v6 = true, .ts = true, .mss = 535},
		{.wscale = true, .link_cap = LULL_LINK_TX_CSUM},
		{.wscale = true, .v6 = true, .link_cap = LULL_LINK_TX_CSUM},
		/* To cut it must be able to add up. */
		{.wscale = true, .link_cap = LULL_LINK_TX_GSO},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(config); i++) {
		uint32_t len = 100 * MSS + 77;
		uint64_t before;
		struct rig r;

		established(&r, &config[i]);
		before = rig_count(&r, LULL_COUNT_OUT_SEGS);
		assert_int_equal(rig_queue(&r, len), len);
		assert_int_equal(lull_sock_shutdown(r.s, r.sock, LULL_SHUT_WR),
				 0);
		rig_run(&r);
		/* Built as a few packets; one range each. */
		assert_true(lull_txq_len(&r.s->g.txq) <= 4);
		assert_int_equal(r.s->tcp.ranges.used,
				 lull_txq_len(&r.s->g.txq));
		assert_int_equal(rig_count(&r, LULL_COUNT_OUT_SEGS) - before,
				 (len + rig_tcb(&r)->opt.mss - 1) /
					 rig_tcb(&r)->opt.mss);
		expect_stream(&r, len, LULL_PSH | LULL_FIN);
		rig_drop(&r);
	}
}

static void flatten(const struct lull_frame *f, uint8_t *out)
{
	for (int i = 0; i < f->spans; i++) {
		memcpy(out, f->span[i].ptr, f->span[i].len);
		out += f->span[i].len;
	}
}

/* Stable until done: a link that took fewer sees the rest as it was. */
static void shown_again_it_is_the_same(void **unused)
{
	static uint8_t first[MANY][2048], again[2048];
	struct lull_frame f[MANY], g[MANY];
	uint32_t seen = 0;
	uint64_t seed = 1;
	struct rig r;
	int n, k, m;

	established(&r, &(struct rig_config){.wscale = true});
	rig_write(&r, 90 * MSS + 5);
	while ((n = lull_tx_peek(r.s, f, MANY)) > 0) {
		assert_true(n <= LULL_CUTS);
		for (int i = 0; i < n; i++)
			flatten(&f[i], first[i]);
		k = (int)rig_random(&seed, (uint32_t)n + 1);
		lull_tx_done(r.s, k);
		seen += (uint32_t)k;
		m = lull_tx_peek(r.s, g, MANY);
		assert_true(m >= n - k);
		for (int i = k; i < n; i++) {
			assert_int_equal(f[i].len, g[i - k].len);
			flatten(&g[i - k], again);
			assert_memory_equal(first[i], again, f[i].len);
		}
	}
	assert_int_equal(seen, 91); /* the 5 bytes are a segment, too */
	rig_drop(&r);
}

/* RFC 3168 6.1.2; and what a link is told that cuts by itself. */
static void cwr_stands_in_the_first(void **unused)
{
	struct lull_seg out = {
		.tuple = {.local = {.b = {[15] = 1}},
			  .remote = {.b = {[15] = 2}}},
		.flags = LULL_ACK | LULL_CWR | LULL_PSH | LULL_FIN,
		.wscale = LULL_NO_WSCALE,
	};

	for (uint32_t off = 0; off < 3000; off += 1000) {
		uint8_t flags = LULL_ACK, hdr[LULL_TX_HDR];
		struct lull_cut cut = {.off = off, .len = 1000, .hdr = hdr};
		struct lull_tx tx = {.hdr_off = LULL_TX_HDR,
				     .gso_size = 1000,
				     .payload_len = 3000};

		lull_tcp_emit(&tx, &out, NULL, true);
		assert_int_equal(tx.flags,
				 LULL_FRAME_CSUM_PARTIAL | LULL_FRAME_CWR);
		lull_ip_emit(&tx, 0);
		lull_cut(&tx, &cut);
		if (off == 0)
			flags |= LULL_CWR;
		if (off == 2000)
			flags |= LULL_PSH | LULL_FIN;
		assert_int_equal(hdr[40 + 13], flags);
	}
}

/* SHLD-7, as Minshall has it: the tail goes with whole segments, unless another
 * short one is out. */
static void a_tail_goes_in_the_large_packet(void **unused)
{
	struct rig_seg out;
	struct rig r;

	established(&r, &(struct rig_config){.wscale = true,
					     .link_cap = LULL_LINK_TX_CSUM |
							 LULL_LINK_TX_GSO});
	rig_write(&r, 2 * MSS + 10);
	out = rig_expect(&r, LULL_ACK);
	assert_int_equal(out.seg.text_len, 2 * MSS + 10);
	rig_write(&r, 2 * MSS + 10);
	out = rig_expect(&r, LULL_ACK);
	assert_int_equal(out.seg.text_len, 2 * MSS);
	rig_expect_none(&r);
	rig_ack(&r);
	out = rig_expect(&r, LULL_ACK);
	assert_int_equal(out.seg.text_len, 10);
	rig_set(&r, LULL_OPT_NODELAY, 1);
	rig_write(&r, 2 * MSS + 10);
	out = rig_expect(&r, LULL_ACK);
	assert_int_equal(out.seg.text_len, 2 * MSS + 10);
	rig_ack(&r);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_as_a_card_does),
		cmocka_unit_test(shown_again_it_is_the_same),
		cmocka_unit_test(cwr_stands_in_the_first),
		cmocka_unit_test(a_tail_goes_in_the_large_packet),
	};

	return RUN("cut", tests);
}
