/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_frames.c: the send buffer, and how packets are made of what is in it:
 * of many pieces, large ones for links that cut them, with options of IP.
 */
#include "rig.h"

enum {
	MSS = 1460,
};

static const struct rig_config plain = {.rtt_ms = 1};

static void established(struct rig *r, const struct rig_config *config,
			uint16_t wnd)
{
	rig_open(r, config);
	r->wnd = wnd;
	rig_reach(r, LULL_TCP_ESTABLISHED, true);
	rig_ack(r); /* the window is scaled from here on */
	rig_align(r);
}

/*
 * All that comes, checked to be of the stream, which is known up to `*at`.
 * How many segments it was.
 */
static uint32_t take_text(struct rig *r, uint32_t *at)
{
	struct rig_seg out;
	uint32_t segs = 0;

	for (; rig_get(r, &out); segs++) {
		uint32_t from = out.seg.seq.v - (RIG_ISS + 1);

		assert_true(from <= *at);
		assert_true(out.seg.text_len <= sizeof out.text);
		rig_same(out.text, out.seg.text_len, from);
		*at = lull_max(*at, from + out.seg.text_len);
		if (out.seg.has_ts)
			r->tsecr = out.seg.tsval;
	}
	r->ack = lull_seq(RIG_ISS + 1 + *at);
	return segs;
}

/* ---- the send buffer ---- */

/* Full: less is taken, then none; WRITE tells when there is room again. */
static void send_buffer(void **unused)
{
	struct lull_sock_info info = {.size = sizeof info};
	uint32_t at = 0;
	long n;
	struct rig r;

	established(&r, &plain, RIG_WND);
	rig_set(&r, LULL_OPT_SNDBUF, 8192);
	n = rig_queue(&r, 100000);
	assert_in_range(n, 4096, 8192 + 2048);
	assert_int_equal(rig_queue(&r, 1), -EAGAIN);
	assert_int_equal(lull_sock_info(r.s, r.sock, &info), 0);
	assert_int_equal(info.snd_queued, n);
	assert_int_equal(info.snd_room, 0);
	rig_run(&r);
	rig_news(&r);
	while (take_text(&r, &at))
		rig_ack(&r);
	assert_int_equal(at, n);
	assert_int_equal(rig_news(&r), LULL_EVENT_WRITE);
	assert_int_equal(lull_sock_info(r.s, r.sock, &info), 0);
	assert_int_equal(info.snd_queued, 0);
	assert_true(info.snd_room >= 8192);
	assert_int_equal(rig_queue(&r, 4000), 4000);
	rig_run(&r);
	while (take_text(&r, &at))
		rig_ack(&r);
	assert_int_equal(rig_news(&r), 0); /* nobody waits for it */
	rig_close(&r);
}

/* Without SO_SNDBUF it is twice what the path carries, or the peer's window:
 * from tcp_wmem's second to its third. */
static void send_buffer_follows_the_path(void **unused)
{
	static const struct {
		const char *wmem;
		uint32_t wnd, cwnd, least, most;
	} t[] = {
		{"4096 16384 4194304", 60000, 2 * MSS, 16384, 18432},
		{"4096 16384 4194304", 60000, 20 * MSS, 40 * MSS, 42 * MSS},
		{"4096 16384 4194304", 15000, 20 * MSS, 30000, 32768},
		{"4096 16384 30000", 60000, 20 * MSS, 29000, 32768},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		uint32_t taken = 0;
		long n;
		struct rig r;

		established(&r, &plain, (uint16_t)t[i].wnd);
		rig_knob(&r, "net.ipv4.tcp_wmem", t[i].wmem);
		rig_tcb(&r)->cc.cwnd = t[i].cwnd;
		while ((n = rig_queue(&r, 1000)) > 0)
			taken += (uint32_t)n;
		assert_in_range(taken, t[i].least, t[i].most);
		rig_run(&r);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* Sends and ACKs of any size: the peer has the stream as it was written. */
static void stream(const struct rig_config *config, uint64_t seed)
{
	uint32_t at = 0, acked = 0;
	struct rig r;

	established(&r, config, RIG_WND);
	if (seed % 2)
		rig_set(&r, LULL_OPT_NODELAY, 1);
	while (at < 60000) {
		uint32_t len = 1 + rig_random(&seed, seed % 3 ? 400 : 5000);

		(void)!rig_queue(&r, len);
		if (rig_random(&seed, 2))
			rig_run(&r);
		take_text(&r, &at);
		if (rig_random(&seed, 2))
			acked += rig_random(&seed, at - acked + 1);
		if (rig_random(&seed, 16) == 0)
			rig_pass_ms(&r, 10);
		r.ack = lull_seq(RIG_ISS + 1 + acked);
		rig_ack(&r);
	}
	rig_discard(&r);
	rig_close(&r);
}

static void any_pieces(void **unused)
{
	for (uint64_t seed = 1; seed <= 40; seed++)
		stream(&(struct rig_config){.v6 = seed % 4 == 0,
					    .ts = seed % 5 == 0},
		       seed);
}

static void no_2k(struct lull_limits *l)
{
	l->bufs_256 = 512;
	l->bufs_2k = 16;
	l->bufs_64k = 1;
}

/* A segment shows pieces of many small buffers. */
static void many_small_buffers(void **unused)
{
	struct lull_slab *large;
	uint32_t at = 0;
	struct rig r;

	established(&r, &(struct rig_config){.limits = no_2k}, RIG_WND);
	large = &r.s->g.bufs.slab[LULL_BUF_2K];
	rig_knob(&r, "net.ipv4.tcp_wmem", "16384 16384 16384"); /* all short */
	large->limit = large->used + 1; /* one for frames that come in */
	rig_write(&r, 7000);
	assert_int_equal(r.s->g.bufs.slab[LULL_BUF_256].used, 28);
	assert_int_equal(take_text(&r, &at), 5); /* the last one is short */
	assert_int_equal(at, 7000);
	rig_ack(&r);
	rig_close(&r);
}

/* ---- what the link can do ---- */

static const struct rig_config gso = {
	.wscale = true, .link_cap = LULL_LINK_TX_GSO | LULL_LINK_TX_CSUM};

/* One frame for many segments: whole ones, whose bytes are the stream. */
static uint32_t expect_large(struct rig *r, uint32_t at)
{
	const struct rig_raw *raw = rig_get_raw(r);

	assert_non_null(raw);
	assert_int_equal(raw->frame.gso_size, MSS);
	assert_int_equal(raw->frame.hdr_len, 40);
	assert_true(raw->frame.flags & LULL_FRAME_CSUM_PARTIAL);
	assert_int_equal(raw->frame.csum_start, 20);
	assert_int_equal(raw->frame.csum_offset, 16);
	assert_int_equal((raw->len - 40) % MSS, 0);
	rig_same(raw->bytes + 40, raw->len - 40, at);
	return raw->len - 40;
}

static void large_frames(void **unused)
{
	struct rig_seg out;
	uint32_t at, una;
	struct rig r;

	established(&r, &gso, RIG_WND);
	rig_set(&r, LULL_OPT_SNDBUF, 1 << 20);
	rig_write(&r, MSS); /* something is out */
	out = rig_expect(&r, LULL_ACK);
	assert_int_equal(out.seg.text_len, MSS);
	rig_write(&r, 100 * MSS);
	at = MSS + expect_large(&r, MSS);
	assert_int_equal(at, 10 * MSS);
	assert_null(rig_get_raw(&r));
	for (una = MSS; una < 40 * MSS; una += 2 * MSS) {
		r.ack = lull_seq(RIG_ISS + 1 + una);
		rig_ack(&r);
		at += expect_large(&r, at);
		assert_null(rig_get_raw(&r));
		assert_true(at - una <= rig_tcb(&r)->cc.cwnd);
	}
	rig_close(&r);
}

/* RFC 5681 3.1: the congestion window bounds the first burst as well. */
static void large_frames_in_the_first_burst(void **unused)
{
	struct rig r;

	established(&r, &gso, RIG_WND);
	rig_set(&r, LULL_OPT_SNDBUF, 1 << 20);
	rig_write(&r, 100000);
	assert_int_equal(expect_large(&r, 0), 10 * MSS);
	assert_null(rig_get_raw(&r));
	rig_close(&r);
}

/* The largest frame holds, headers and all, in 65,535 bytes. */
static void largest_frame(void **unused)
{
	const struct rig_raw *raw;
	uint32_t at = 0;
	struct rig r;

	established(&r, &gso, RIG_WND);
	rig_set(&r, LULL_OPT_SNDBUF, 1 << 20);
	rig_tcb(&r)->cc.cwnd = 1 << 20;
	rig_knob(&r, "net.ipv4.tcp_slow_start_after_idle", "0");
	rig_write(&r, 100 * MSS);
	while ((raw = rig_get_raw(&r))) {
		assert_true(raw->len <= 65535);
		rig_same(raw->bytes + 40, raw->len - 40, at);
		if (at == 0)
			assert_int_equal(raw->len, 40 + 44 * MSS);
		at += raw->len - 40;
	}
	assert_int_equal(at, 100 * MSS);
	rig_close(&r);
}

/* SHLD-28: whole segments only, when the window would take a part of one. */
static void large_frames_in_a_small_window(void **unused)
{
	struct rig r;

	established(&r, &gso, 39); /* 4,992 bytes */
	rig_set(&r, LULL_OPT_SNDBUF, 65536);
	rig_write(&r, 20 * MSS);
	assert_int_equal(expect_large(&r, 0), 3 * MSS);
	assert_null(rig_get_raw(&r));
	rig_close(&r);
}

/* Lost, it goes again in single segments; FIN with the last of them. */
static void large_frame_again(void **unused)
{
	struct rig_seg out;
	struct rig r;

	established(&r, &gso, RIG_WND);
	assert_int_equal(rig_queue(&r, 4 * MSS + 100), 4 * MSS + 100);
	lull_sock_close(r.s, r.sock);
	rig_run(&r);
	out = rig_expect(&r, LULL_FIN | LULL_ACK);
	assert_int_equal(out.seg.text_len, 4 * MSS + 100);
	rig_pass_ms(&r, 210);
	for (uint32_t i = 0; i < 5; i++) {
		uint32_t at = i * MSS;

		assert_true(rig_get(&r, &out));
		assert_int_equal(out.seg.seq.v, RIG_ISS + 1 + at);
		assert_int_equal(out.seg.text_len, i < 4 ? MSS : 100);
		assert_int_equal(out.seg.flags & LULL_FIN, i == 4);
		rig_same(out.text, out.seg.text_len, at);
		if (i == 1) /* the window is two segments now */
			continue;
		r.ack = lull_seq(RIG_ISS + 1 + at + MSS);
		if (i < 4)
			rig_ack(&r);
	}
	rig_close(&r);
}

/* More pieces than a frame has room for: FIN goes with the rest. */
static void fin_after_many_pieces(void **unused)
{
	const struct rig_raw *raw;
	uint32_t at = 0;
	bool fin = false;
	struct rig r;

	established(&r, &gso, RIG_WND);
	rig_tcb(&r)->cc.cwnd = 1 << 20;
	rig_knob(&r, "net.ipv4.tcp_slow_start_after_idle", "0");
	for (int i = 0; i < 2; i++)
		assert_int_equal(rig_queue(&r, 10000), 10000);
	lull_sock_close(r.s, r.sock);
	rig_run(&r);
	while ((raw = rig_get_raw(&r))) {
		assert_false(fin);
		rig_same(raw->bytes + 40, raw->len - 40, at);
		at += raw->len - 40;
		fin = raw->bytes[33] & LULL_FIN;
	}
	assert_true(fin);
	assert_int_equal(at, 20000);
	rig_close(&r);
}

/* A frame of one segment or less is no GSO frame. */
static void small_frames_have_no_gso_size(void **unused)
{
	struct rig_seg out;
	struct rig r;

	established(&r, &(struct rig_config){.link_cap = LULL_LINK_TX_GSO},
		    RIG_WND);
	rig_write(&r, MSS);
	out = rig_expect(&r, LULL_ACK);
	assert_int_equal(out.gso_size, 0);
	assert_int_equal(out.seg.text_len, MSS);
	rig_close(&r);
}

/* MUST-48, MUST-49: and the ECN bits stay ours. */
static void tos_and_ttl(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig_seg out;
		struct rig r;

		established(&r, &(struct rig_config){.v6 = v6}, RIG_WND);
		rig_set(&r, LULL_OPT_TOS, 0xbb);
		rig_set(&r, LULL_OPT_TTL, 7);
		rig_write(&r, 1);
		out = rig_expect(&r, LULL_ACK);
		assert_int_equal(out.tos, 0xb8);
		assert_int_equal(out.ttl, 7);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(send_buffer),
		cmocka_unit_test(send_buffer_follows_the_path),
		cmocka_unit_test(any_pieces),
		cmocka_unit_test(many_small_buffers),
		cmocka_unit_test(large_frames),
		cmocka_unit_test(large_frames_in_the_first_burst),
		cmocka_unit_test(largest_frame),
		cmocka_unit_test(large_frames_in_a_small_window),
		cmocka_unit_test(large_frame_again),
		cmocka_unit_test(fin_after_many_pieces),
		cmocka_unit_test(small_frames_have_no_gso_size),
		cmocka_unit_test(tos_and_ttl),
	};

	return RUN("frames", tests);
}
