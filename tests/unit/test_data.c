/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_data.c: the receiver: text in any order, the window, and what becomes
 * of it when memory is short: 3.8.6, 3.10.7.4, RFC 813.
 */
#include "stream.h"

#include <stdlib.h>

static const struct rig_config plain = {0};
static const struct rig_config scaled = {.ts = true, .wscale = true};

static uint32_t readable(const struct rig *r)
{
	struct lull_sock_info info = {.size = sizeof info};

	assert_int_equal(lull_sock_info(r->s, r->sock, &info), 0);
	return info.rcv_queued;
}

/* ---- order ---- */

static void in_order(void **unused)
{
	struct offer o = {0};
	struct rig r;

	rig_open(&r, &plain);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	for (int i = 0; i < 20; i++)
		rig_feed(&r, 1000);
	assert_int_equal(rig_news(&r), LULL_EVENT_READ);
	assert_int_equal(read_all(&r, 0), 20000);
	rig_pass_ms(&r, 50);
	take_acks(&r, &o);
	assert_int_equal(o.acked, 20000);
	rig_close(&r);
}

/* Two pieces, every way that they can lie: what is there first stays. */
static void two_pieces(void **unused)
{
	static const struct {
		uint32_t at, len;
	} second[] = {
		{0, 100},   {0, 200},	{0, 201},   {0, 250},  {0, 299},
		{0, 300},   {0, 301},	{0, 600},   {199, 2},  {199, 102},
		{200, 50},  {200, 100}, {200, 150}, {210, 20}, {250, 50},
		{250, 100}, {299, 2},	{300, 50},  {350, 50}, {299, 1},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(second); i++) {
		struct offer o = {0};
		struct rig r;

		rig_open(&r, &scaled);
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		put_text(&r, 200, 100, 0);
		take_acks(&r, &o);
		assert_int_equal(o.acked, 0); /* RFC 5681 4.2: at once */
		assert_int_equal(o.acks, 1);
		put_text(&r, second[i].at, second[i].len, 0);
		put_text(&r, 0, 600, 0);
		rig_pass_ms(&r, 45);
		take_acks(&r, &o);
		assert_int_equal(o.acked, 600);
		assert_int_equal(read_all(&r, 0), 600);
		assert_int_equal(rig_tcb(&r)->rcv.later, 0);
		assert_int_equal(rig_tcb(&r)->rcv.later_charge, 0);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* One that covers others: all that is new of it counts. */
static void a_piece_that_covers_others(void **unused)
{
	struct offer o = {0};
	struct rig r;

	rig_open(&r, &plain);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	put_text(&r, 200, 50, 0);
	put_text(&r, 300, 50, 0);
	put_text(&r, 100, 400, 0);
	put_text(&r, 0, 100, 0);
	take_acks(&r, &o);
	assert_int_equal(o.acked, 500);
	assert_int_equal(read_all(&r, 0), 500);
	rig_close(&r);
}

/* What is kept for later: in order, without overlaps, and counted. */
static void check_later(const struct rig *r)
{
	const struct lull_tcb *tcb = rig_tcb(r);
	uint32_t charge = 0, len = 0, last = 0;
	struct lull_seq end = tcb->rcv.nxt;

	for (uint32_t i = tcb->rcv.later; i; len++) {
		const struct lull_buf *b = lull_buf_at(&r->s->g.bufs, i);

		assert_true(b->len > 0);
		assert_true(len ? lull_seq_ge(b->seq, end)
				: lull_seq_gt(b->seq, end));
		end = lull_seq_add(b->seq, b->len);
		charge += lull_buf_bytes(b->cls);
		last = i;
		i = b->next;
	}
	assert_int_equal(lull_tcb_cold(&r->s->tcp, tcb)->later_tail, last);
	assert_int_equal(tcb->rcv.later_charge, charge);
	assert_int_equal(tcb->rcv.later_len, len);
}

/* 20,000 bytes in pieces of any length, from anywhere, again and again. */
static void shuffle(const struct rig_config *config, uint64_t seed)
{
	struct offer o = {0};
	uint32_t got = 0;
	struct rig r;

	rig_open(&r, config);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	for (int i = 0; i < 200 && o.acked < 20000; i++) {
		uint32_t back = rig_random(&seed, 1000);
		uint32_t at = o.acked > back ? o.acked - back : 0;
		uint32_t len = 1 + rig_random(&seed, 1460);

		at += rig_random(&seed, i % 4 ? 3000 : 20000);
		if (at >= 20000)
			continue;
		len = at + len > 20000 ? 20000 - at : len;
		put_text(&r, at, len, 0);
		check_later(&r);
		take_acks(&r, &o);
		if (rig_random(&seed, 8) == 0)
			got += read_all(&r, got);
	}
	for (int i = 0; o.acked < 20000; i++) {
		assert_true(i < 100);
		put_text(&r, o.acked, lull_min(1000, 20000 - o.acked), 0);
		rig_pass_ms(&r, 40);
		take_acks(&r, &o);
	}
	got += read_all(&r, got);
	assert_int_equal(got, 20000);
	rig_discard(&r);
	rig_close(&r);
}

static uint64_t seed_in_use; /* 0: all went well */

static void any_order(void **unused)
{
	const char *env = getenv("LULL_SEED");
	uint64_t first = env ? strtoull(env, NULL, 0) : 1;

	for (uint64_t seed = first; seed < first + 60; seed++) {
		struct rig_config c = {.v6 = seed % 2, .wscale = seed % 3 == 0};

		seed_in_use = seed;
		shuffle(&c, seed);
	}
	seed_in_use = 0;
}

static int tell_seed(void **unused)
{
	if (seed_in_use)
		print_message("# LULL_SEED=%llu\n",
			      (unsigned long long)seed_in_use);
	return 0;
}

/* ---- FIN ---- */

/* Eighth: it counts when all before it has come. */
static void fin_behind_a_gap(void **unused)
{
	for (int with_text = 0; with_text < 2; with_text++) {
		struct offer o = {0};
		struct rig r;
		char byte;

		rig_open(&r, &scaled);
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		put_text(&r, 0, 100, 0);
		if (with_text) {
			put_text(&r, 200, 100, LULL_FIN);
		} else {
			put_text(&r, 300, 0, LULL_FIN);
			put_text(&r, 200, 100, 0);
		}
		take_acks(&r, &o);
		assert_int_equal(o.acked, 100);
		assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
		assert_int_equal(rig_news(&r), LULL_EVENT_READ);
		assert_int_equal(read_all(&r, 0), 100);
		assert_int_equal(rig_read(&r, &byte, 1), -EAGAIN);
		put_text(&r, 100, 100, 0);
		take_acks(&r, &o);
		assert_int_equal(o.acked, 301);
		assert_int_equal(rig_state(&r), LULL_TCP_CLOSE_WAIT);
		assert_int_equal(rig_news(&r),
				 LULL_EVENT_READ | LULL_EVENT_EOF);
		assert_int_equal(read_all(&r, 100), 200);
		assert_int_equal(rig_read(&r, &byte, 1), 0);
		rig_close(&r);
	}
}

/* ---- the window ---- */

static void many_buffers(struct lull_limits *l)
{
	l->bufs_256 = 1024;
}

/* Does what is queued cost more than it may? A last piece is on top. */
static void check_charge(const struct rig *r)
{
	const struct lull_tcb *tcb = rig_tcb(r);
	const struct lull_user *u = lull_user_at(&r->s->tcp, tcb->user);
	const struct lull_bufs *b = &r->s->g.bufs;
	uint32_t used = 0;

	for (uint32_t c = 0; c < LULL_BUF_CLASSES; c++)
		used += b->slab[c].used * lull_buf_bytes(c);
	assert_int_equal(used, u->text.charge + tcb->rcv.later_charge);
	if (used > tcb->rcv.buf + 2048)
		fail_msg("%u bytes of buffers for %u bytes of text, of %u that "
			 "may be used",
			 used, u->text.bytes, tcb->rcv.buf);
}

/* A peer that fills whatever is offered, in segments of `len`. */
static void fill_window(struct rig *r, struct offer *o, uint32_t len)
{
	while (o->acked < o->edge) {
		uint32_t before = o->acked;

		while (r->fed < o->edge) {
			uint32_t n = lull_min(len, o->edge - r->fed);

			put_text(r, r->fed, n, 0);
			r->fed += n;
			take_acks(r, o);
			if (o->bounded && r->fed % 64 == 0)
				check_charge(r);
		}
		rig_pass_ms(r, 40);
		take_acks(r, o);
		if (o->acked == before)
			fail_msg("%u was acknowledged and no more", o->acked);
	}
}

/* Segments of this size fill the window, and memory stays in bounds. */
static void fill_with(uint32_t len, bool wscale)
{
	struct rig_config c = {
		.wscale = wscale,
		.limits = many_buffers,
		.sysctl = {"net.ipv4.tcp_rmem=4096 32768 6291456"},
	};
	struct offer o = {.edge = 16384, .bounded = true};
	uint32_t got;
	struct rig r;

	rig_open(&r, &c);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	assert_int_equal(rig_tcb(&r)->rcv.edge.v - BASE, 16384);
	fill_window(&r, &o, len);
	check_charge(&r);
	assert_true(o.acked >= 16384);
	got = read_all(&r, 0);
	assert_int_equal(got, o.acked);
	take_acks(&r, &o);
	assert_true(o.edge - o.acked >= 16384 - 2 * 1460);
	/* And once more. */
	fill_window(&r, &o, len);
	check_charge(&r);
	assert_int_equal(read_all(&r, got), o.acked - got);
	rig_discard(&r);
	rig_close(&r);
}

static const uint32_t fill_lens[] = {1,	  2,	100,  256, 257,
				     536, 1024, 1025, 1460};

static void window_fills(void **unused)
{
	for (uint32_t i = 0; i < ARRAY_LEN(fill_lens); i++)
		fill_with(fill_lens[i], false);
}

/* The same where the window is told in steps of 128 bytes. */
static void scaled_window_fills(void **unused)
{
	for (uint32_t i = 0; i < ARRAY_LEN(fill_lens); i++)
		fill_with(fill_lens[i], true);
}

/* One byte a segment, and every second one lost at first. */
static void holes_everywhere(void **unused)
{
	struct offer o = {.edge = 16384};
	struct rig r;

	rig_open(&r,
		 &(struct rig_config){.sysctl = {"net.ipv4.tcp_rmem=4096 32768 "
						 "6291456"}});
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	for (uint32_t at = 1; at < 4000; at += 2) {
		put_text(&r, at, 1, 0);
		take_acks(&r, &o);
	}
	check_charge(&r);
	assert_int_equal(o.acked, 0);
	for (uint32_t at = 0; at < 4000; at++) {
		put_text(&r, at, 1, 0);
		take_acks(&r, &o);
	}
	rig_pass_ms(&r, 40);
	take_acks(&r, &o);
	assert_int_equal(o.acked, 4000);
	check_charge(&r);
	assert_int_equal(read_all(&r, 0), 4000);
	rig_discard(&r);
	rig_close(&r);
}

/* 3.10.7.4, seventh: only what lies in the window; MUST-66 for the rest. */
static void beyond_the_window(void **unused)
{
	struct offer o = {.edge = 16384};
	struct rig r;

	rig_open(&r,
		 &(struct rig_config){.sysctl = {"net.ipv4.tcp_rmem=4096 32768 "
						 "6291456"}});
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	/* One byte of it fits; its FIN doesn't. */
	put_text(&r, 16383, 100, LULL_FIN);
	put_text(&r, 16384, 100, 0);
	take_acks(&r, &o);
	assert_int_equal(o.edge, 16384);
	fill_window(&r, &o, 1024);
	while (o.edge > o.acked)
		fill_window(&r, &o, 1024);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	/* The window is shut: a probe is answered, its byte not kept. */
	o.acks = 0;
	put_text(&r, o.acked, 1, 0);
	take_acks(&r, &o);
	assert_int_equal(o.acks, 1);
	assert_int_equal(o.edge, o.acked);
	assert_int_equal(rig_tcb(&r)->rcv.nxt.v, BASE + o.acked);
	/* An ACK and a RST still count. */
	r.seq = lull_seq(BASE + o.acked);
	rig_write(&r, 10);
	rig_expect(&r, LULL_ACK);
	rig_ack(&r);
	assert_int_equal(rig_tcb(&r)->snd.una.v, r.ack.v);
	rig_say(&r, LULL_RST, NULL, 0);
	assert_int_equal(r.error, -ECONNRESET);
	rig_close(&r);
}

/*
 * MUST-39, 3.8.6.2.2: a shut window opens by a segment or half the buffer, not
 * by what a slow reader frees. And when all is read, the peer is told.
 */
static void no_silly_window(void **unused)
{
	static const uint32_t steps[] = {1, 100, 700};

	for (uint32_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct offer o = {.edge = 16384};
		uint8_t text[1000];
		uint32_t shut, updates = 0, got = 0;
		struct rig r;

		rig_open(&r, &(struct rig_config){
				     .sysctl = {"net.ipv4.tcp_rmem=4096 32768 "
						"6291456"}});
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		while (o.edge > o.acked)
			fill_window(&r, &o, 1460);
		shut = o.edge;
		while (got < shut) {
			uint32_t before = o.edge;
			long n = rig_read(&r, text, steps[i]);

			assert_true(n > 0);
			rig_same(text, (uint32_t)n, got);
			got += (uint32_t)n;
			take_acks(&r, &o);
			if (o.edge == before)
				continue;
			updates++;
			assert_true(o.edge - before >= 1460);
		}
		assert_true(updates >= 2);
		assert_true(o.edge - shut >= 16384 / 2);
		rig_close(&r);
	}
}

/* Linux's TCPToZeroWindowAdv and TCPFromZeroWindowAdv: each time, once. */
static void zero_windows_are_counted(void **unused)
{
	struct offer o = {.edge = 16384};
	struct rig r;

	rig_open(&r,
		 &(struct rig_config){.sysctl = {"net.ipv4.tcp_rmem=4096 32768 "
						 "6291456"}});
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	for (uint32_t i = 1; i <= 3; i++) {
		while (o.edge > o.acked)
			fill_window(&r, &o, 1460);
		assert_int_equal(rig_count(&r, LULL_COUNT_TO_ZERO_WINDOW), i);
		read_all(&r, o.acked - readable(&r));
		take_acks(&r, &o);
		assert_int_equal(rig_count(&r, LULL_COUNT_FROM_ZERO_WINDOW), i);
	}
	rig_close(&r);
}

/* SO_RCVBUF: the window follows it, and still never back. */
static void rcvbuf_is_honoured(void **unused)
{
	struct offer o = {.edge = 65535};
	struct rig r;

	rig_open(&r, &plain);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	rig_set(&r, LULL_OPT_RCVBUF, 8192);
	while (o.edge > o.acked)
		fill_window(&r, &o, 1460);
	assert_int_equal(o.edge, 65535);
	assert_int_equal(read_all(&r, 0), 65535);
	take_acks(&r, &o);
	assert_in_range(o.edge - o.acked, 4096 - 1460, 4096);
	rig_close(&r);
}

/* ---- reading ---- */

/* peek and consume show what recv gives, however it came in. */
static void peek_is_recv(void **unused)
{
	uint64_t seed = 7;

	for (int round = 0; round < 20; round++) {
		uint32_t got = 0;
		struct rig r;

		rig_open(&r, &plain);
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		while (r.fed < 20000 || got < r.fed) {
			struct lull_span span[4];
			uint32_t most = 1 + rig_random(&seed, 4), seen = 0;
			uint8_t text[3000];
			int n;

			if (r.fed < 20000)
				rig_feed(&r, 1 + rig_random(&seed, 1460));
			n = lull_sock_peek(r.s, r.sock, span, (int)most);
			for (int i = 0; i < n; i++) {
				rig_same(span[i].ptr, (uint32_t)span[i].len,
					 got + seen);
				seen += (uint32_t)span[i].len;
			}
			if (got == r.fed) {
				assert_int_equal(n, -EAGAIN);
				continue;
			}
			assert_in_range(n, 1, most);
			assert_int_equal(lull_sock_consume(r.s, r.sock,
							   r.fed - got + 1),
					 -EINVAL);
			seen = rig_random(&seed, seen + 1);
			assert_int_equal(lull_sock_consume(r.s, r.sock, seen),
					 0);
			got += seen;
			n = (int)rig_read(&r, text, rig_random(&seed, 3000));
			if (n > 0) {
				rig_same(text, (uint32_t)n, got);
				got += (uint32_t)n;
			}
			rig_discard(&r);
		}
		rig_close(&r);
	}
}

/* shutdown(RD): taken off the peer's hands, and not kept. */
static void after_shutdown_for_reading(void **unused)
{
	struct offer o = {0};
	struct rig r;
	char byte;

	rig_open(&r, &plain);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	put_text(&r, 0, 10, 0);
	assert_int_equal(lull_sock_shutdown(r.s, r.sock, LULL_SHUT_RD), 0);
	assert_int_equal(read_all(&r, 0), 10);
	assert_int_equal(rig_read(&r, &byte, 1), 0);
	put_text(&r, 10, 1000, 0);
	rig_pass_ms(&r, 50);
	take_acks(&r, &o);
	assert_int_equal(o.acked, 1010);
	assert_int_equal(rig_read(&r, &byte, 1), 0);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	rig_close(&r);
}

/* ... nor what had come before its turn. */
static void text_behind_a_gap_after_it(void **unused)
{
	struct offer o = {0};
	struct rig r;
	char byte;

	rig_open(&r, &plain);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	put_text(&r, 100, 100, 0);
	assert_int_equal(lull_sock_shutdown(r.s, r.sock, LULL_SHUT_RD), 0);
	put_text(&r, 300, 100, 0);
	put_text(&r, 0, 100, 0);
	put_text(&r, 200, 100, 0);
	rig_pass_ms(&r, 50);
	take_acks(&r, &o);
	assert_int_equal(o.acked, 400);
	assert_int_equal(rig_read(&r, &byte, 1), 0);
	assert_int_equal(rig_tcb(&r)->rcv.later_charge, 0);
	rig_close(&r);
}

/* ---- no memory ---- */

static void few_buffers(struct lull_limits *l)
{
	l->bufs_256 = 8;
	l->bufs_2k = 16;
	l->bufs_64k = 1;
}

/* The peer goes on from what is acknowledged; text is never lost or false. */
static void starve(uint32_t len)
{
	struct offer o = {.edge = 65535};
	uint32_t got = 0, stuck = 0;
	struct rig r;

	rig_open(&r, &(struct rig_config){.limits = few_buffers});
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	while (stuck < 20) { /* until nothing more goes in */
		uint32_t before = o.acked;

		for (uint32_t i = 0; i < 4; i++)
			put_text(&r, o.acked + i * len, len, 0);
		rig_pass_ms(&r, 50);
		take_acks(&r, &o);
		stuck = o.acked == before ? stuck + 1 : 0;
	}
	assert_true(rig_drops(&r, LULL_DROP_TEXT_NO_MEMORY) > 0);
	assert_true(o.acked < 65535);
	for (int round = 0; round < 200 && o.acked < 60000; round++) {
		got += read_all(&r, got);
		take_acks(&r, &o);
		for (uint32_t i = 0; i < 4; i++)
			put_text(&r, o.acked + i * len, len, 0);
		rig_pass_ms(&r, 50);
		take_acks(&r, &o);
	}
	assert_true(o.acked >= 60000);
	got += read_all(&r, got);
	assert_int_equal(got, o.acked);
	rig_discard(&r);
	rig_close(&r);
}

static void pool_of_buffers_is_empty(void **unused)
{
	starve(1460);
	starve(1030);
	starve(600);
}

/* Text kept for later gives way to text that is due. */
static void later_gives_way(void **unused)
{
	struct offer o = {0};
	struct rig r;

	rig_open(&r, &(struct rig_config){.limits = few_buffers});
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	for (uint32_t i = 1; i < 25; i++)
		put_text(&r, i * 1460, 1460, 0);
	take_acks(&r, &o);
	assert_int_equal(o.acked, 0);
	assert_true(rig_drops(&r, LULL_DROP_OFO_PRUNED) > 0);
	put_text(&r, 0, 1460, 0);
	rig_pass_ms(&r, 50);
	take_acks(&r, &o);
	assert_true(o.acked >= 1460);
	assert_int_equal(read_all(&r, 0), o.acked);
	rig_discard(&r);
	rig_close(&r);
}

static void large_windows(struct lull_limits *l)
{
	l->bufs_256 = 4096;
}

/* A window of thousands of segments behind one that was lost: all are kept, and
 * none is walked past but for those that don't come last. */
static void thousands_ahead_of_a_gap(void **unused)
{
	const uint32_t pieces = 3000, len = 100;
	struct offer o = {0};
	struct rig r;

	rig_open(&r,
		 &(struct rig_config){.wscale = true, .limits = large_windows});
	rig_knob(&r, "net.ipv4.tcp_rmem", "4096 2097152 6291456");
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	for (uint32_t i = 1; i <= pieces; i++) {
		put_text(&r, i * len, len, 0);
		take_acks(&r, &o);
	}
	check_later(&r);
	assert_int_equal(rig_tcb(&r)->rcv.later_len, pieces);
	/* One in between would be a long way: it comes again. */
	put_text(&r, (pieces + 9) * len, len, 0);
	put_text(&r, (pieces + 4) * len, len, 0);
	assert_int_equal(rig_drops(&r, LULL_DROP_OFO_PRUNED), 1);
	check_later(&r);
	put_text(&r, 0, len, 0);
	rig_pass_ms(&r, 50);
	take_acks(&r, &o);
	assert_int_equal(o.acked, (pieces + 1) * len);
	assert_int_equal(rig_tcb(&r)->rcv.later_len, 1);
	check_later(&r);
	assert_int_equal(read_all(&r, 0), o.acked);
	rig_discard(&r);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thousands_ahead_of_a_gap),
		cmocka_unit_test(in_order),
		cmocka_unit_test(two_pieces),
		cmocka_unit_test(a_piece_that_covers_others),
		cmocka_unit_test_teardown(any_order, tell_seed),
		cmocka_unit_test(fin_behind_a_gap),
		cmocka_unit_test(window_fills),
		cmocka_unit_test(scaled_window_fills),
		cmocka_unit_test(holes_everywhere),
		cmocka_unit_test(beyond_the_window),
		cmocka_unit_test(no_silly_window),
		cmocka_unit_test(zero_windows_are_counted),
		cmocka_unit_test(rcvbuf_is_honoured),
		cmocka_unit_test(peek_is_recv),
		cmocka_unit_test(after_shutdown_for_reading),
		cmocka_unit_test(text_behind_a_gap_after_it),
		cmocka_unit_test(pool_of_buffers_is_empty),
		cmocka_unit_test(later_gives_way),
	};

	return RUN("data", tests);
}
