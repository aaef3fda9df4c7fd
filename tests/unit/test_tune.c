/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tune.c: buffers that tune themselves: what is read in a round trip makes
 * the window, what the path carries the send buffer; what a program sets ends
 * it. tcp_notsent_lowat and the clamp of the window.
 */
#include "stream.h"

enum {
	MSS = 1448, /* with timestamps */
	RTT_MS = 100,
	FIRST = 131072, /* tcp_rmem[1] */
	LAST = 6291456, /* tcp_rmem[2] */
	ALL = 1 << 30,
};

static void many(struct lull_limits *l)
{
	l->bufs_2k = 8192;
}

static const struct rig_config with_ts = {
	.ts = true, .wscale = true, .limits = many, .rtt_ms = RTT_MS};
static const struct rig_config without_ts = {
	.wscale = true, .limits = many, .rtt_ms = RTT_MS};

struct path {
	uint32_t edge, got;
	uint32_t echo; /* the last TSval that came */
};

/* What came: the right edge may never move back. */
static void take(struct rig *r, struct path *p)
{
	uint32_t shift = r->config.wscale ? 7 : 0;
	struct rig_seg out;

	while (rig_get(r, &out)) {
		uint32_t edge =
			out.seg.ack.v - BASE + ((uint32_t)out.seg.wnd << shift);

		if (edge + (1U << shift) - 1 < p->edge)
			fail_msg("the edge went from %u to %u", p->edge, edge);
		p->edge = lull_max(p->edge, edge);
		p->echo = out.seg.tsval;
	}
}

static void open_path(struct rig *r, struct path *p,
		      const struct rig_config *config)
{
	rig_open(r, config);
	rig_reach(r, LULL_TCP_ESTABLISHED, true);
	*p = (struct path){.edge = 65535, .echo = r->tsecr};
}

/* The program reads `bytes` of what is there. */
static void reads(struct rig *r, struct path *p, uint32_t bytes)
{
	static uint8_t text[65536];
	long n;

	while (bytes > 0 &&
	       (n = rig_read(r, text, lull_min(bytes, 65536))) > 0) {
		rig_same(text, (uint32_t)n, p->got);
		p->got += (uint32_t)n;
		bytes -= (uint32_t)n;
	}
	take(r, p);
}

/*
 * One round trip: the peer sends all that the window of its beginning takes,
 * `most` bytes of it, the program reads up to `read`.
 */
static void round_trip(struct rig *r, struct path *p, uint32_t most,
		       uint32_t read)
{
	uint32_t end = p->edge - r->fed > most ? r->fed + most : p->edge;

	r->tsecr = p->echo;
	for (uint32_t i = 1; r->fed < end; i++) {
		uint32_t n = lull_min(MSS, end - r->fed);
		uint32_t before = p->got;

		put_text(r, r->fed, n, 0);
		r->fed += n;
		take(r, p);
		if (i % 64 == 0 || r->fed == end) {
			reads(r, p, read);
			read -= p->got - before;
		}
	}
	rig_pass_ms(r, RTT_MS);
	take(r, p);
}

static uint32_t window(const struct rig *r)
{
	const struct lull_tcb *tcb = rig_tcb(r);

	return lull_seq_sub(tcb->rcv.edge, tcb->rcv.nxt);
}

/* ---- to receive ---- */

/* All is read: the window grows in a few trips to half of the third. */
static void window_grows_by_what_is_read(void **unused)
{
	const struct rig_config *config[] = {&with_ts, &without_ts};

	for (int i = 0; i < 2; i++) {
		uint32_t before = 65535, trips = 0;
		struct lull_tcp_info info;
		struct path p;
		struct rig r;

		open_path(&r, &p, config[i]);
		while (window(&r) < LAST / 2 - 2 * MSS && trips++ < 12)
			round_trip(&r, &p, ALL, ALL);
		assert_in_range(trips, 2, 6);
		assert_int_equal(rig_tcb(&r)->rcv.buf, LAST);
		assert_int_equal(lull_sock_get(r.s, r.sock, LULL_OPT_INFO,
					       &info, sizeof info),
				 0);
		/* Without timestamps: the time in which a window comes. */
		if (config[i]->ts)
			assert_in_range(info.rcv_rtt, RTT_MS * 1000,
					RTT_MS * 1000 + 1000);
		/* A window a trip, the last one or the one before. */
		assert_in_range(info.rcv_space, before / 2, LAST / 2);
		before = window(&r);
		round_trip(&r, &p, ALL, ALL);
		assert_in_range(window(&r), before - MSS, LAST / 2);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* A tenth of a window is sent in each trip: more would never be used. */
static void window_stays_where_the_sender_is_slow(void **unused)
{
	struct path p;
	struct rig r;

	open_path(&r, &p, &with_ts);
	for (int k = 0; k < 30; k++)
		round_trip(&r, &p, 6000, ALL);
	assert_int_equal(rig_tcb(&r)->rcv.buf, FIRST);
	rig_close(&r);
}

/* A program that reads little gets no more; one that reads none nothing. */
static void window_stays_where_the_program_is_slow(void **unused)
{
	static const uint32_t read[] = {0, 5000};

	for (uint32_t i = 0; i < ARRAY_LEN(read); i++) {
		struct path p;
		struct rig r;

		open_path(&r, &p, &with_ts);
		for (int k = 0; k < 40; k++)
			round_trip(&r, &p, ALL, read[i]);
		assert_int_equal(rig_tcb(&r)->rcv.buf, FIRST);
		if (!read[i])
			assert_int_equal(window(&r), 0);
		rig_discard(&r);
		rig_close(&r);
	}
}

static void rcvbuf_ends_the_tuning(void **unused)
{
	struct path p;
	struct rig r;

	open_path(&r, &p, &with_ts);
	rig_set(&r, LULL_OPT_RCVBUF, FIRST);
	for (int k = 0; k < 10; k++)
		round_trip(&r, &p, ALL, ALL);
	assert_int_equal(rig_tcb(&r)->rcv.buf, FIRST);
	assert_in_range(window(&r), FIRST / 2 - 4 * MSS, FIRST / 2);
	rig_discard(&r);
	rig_close(&r);
}

/* Under pressure nothing grows; afterwards it does. */
static void pressure_stops_the_tuning(void **unused)
{
	struct path p;
	struct rig r;

	open_path(&r, &p, &with_ts);
	rig_knob(&r, "net.ipv4.tcp_mem", "0 0 4096");
	for (int k = 0; k < 10; k++)
		round_trip(&r, &p, ALL, ALL);
	assert_int_equal(rig_tcb(&r)->rcv.buf, FIRST);
	rig_knob(&r, "net.ipv4.tcp_mem", "4096 4096 4096");
	for (int k = 0; k < 10; k++)
		round_trip(&r, &p, ALL, ALL);
	assert_true(rig_tcb(&r)->rcv.buf > 8 * FIRST);
	rig_discard(&r);
	rig_close(&r);
}

/* An old echo, or none, makes no round trip, and no buffer. */
static void hostile_echoes(void **unused)
{
	static const uint32_t echo[] = {0, 1, 0x80000000, 0xffffffff};

	for (uint32_t i = 0; i < ARRAY_LEN(echo); i++) {
		struct path p;
		struct rig r;

		open_path(&r, &p, &with_ts);
		for (int k = 0; k < 10; k++) {
			p.echo = echo[i];
			round_trip(&r, &p, ALL, ALL);
		}
		assert_true(rig_tcb(&r)->rcv.buf <= LAST);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* One that is half an hour old doesn't make the round trip longer. */
static void old_echoes_do_not_count(void **unused)
{
	struct path p;
	struct rig r;

	open_path(&r, &p, &with_ts);
	for (int k = 0; k < 6; k++) {
		uint32_t echo = p.echo;

		round_trip(&r, &p, 14000, ALL);
		p.echo = echo - 1800 * 1000;
		round_trip(&r, &p, 14000, ALL);
	}
	for (int k = 0; k < 4; k++)
		round_trip(&r, &p, ALL, ALL);
	assert_true(rig_tcb(&r)->rcv.buf > 4 * FIRST);
	rig_discard(&r);
	rig_close(&r);
}

/* No more is offered, whatever the buffer is; what was offered is taken. */
static void window_clamp(void **unused)
{
	struct path p;
	struct rig r;

	open_path(&r, &p, &with_ts);
	rig_set(&r, LULL_OPT_WINDOW_CLAMP, 10000);
	round_trip(&r, &p, ALL, ALL);
	assert_int_equal(p.got, 65535);
	for (int k = 0; k < 5; k++) {
		assert_in_range(window(&r), 10000 - 2 * MSS, 10000);
		round_trip(&r, &p, ALL, ALL);
	}
	rig_set(&r, LULL_OPT_WINDOW_CLAMP, 0);
	round_trip(&r, &p, ALL, ALL);
	assert_true(window(&r) > 50000);
	rig_discard(&r);
	rig_close(&r);
}

/*
 * Less than two segments in all, by a clamp or since memory is short: a window
 * that was shut opens again when the program has read.
 */
static void narrow_windows_open_again(void **unused)
{
	for (int k = 0; k < 2; k++) {
		struct rig_config c = {.mtu = 9000, .mss = 8960};
		struct path p;
		struct rig r;

		open_path(&r, &p, &c);
		if (k)
			rig_set(&r, LULL_OPT_WINDOW_CLAMP, 1152);
		for (uint32_t i = 0; r.fed < 65535; i++) {
			uint32_t n = lull_min(4000, 65535 - r.fed);

			put_text(&r, r.fed, n, 0);
			r.fed += n;
			if (!k && i == 8)
				rig_knob(&r, "net.ipv4.tcp_mem", "1 2 4");
			reads(&r, &p, k || i < 8 ? ALL : 3000);
		}
		rig_knob(&r, "net.ipv4.tcp_mem", "0 0 1000");
		rig_pass_ms(&r, 50);
		take(&r, &p);
		reads(&r, &p, ALL);
		assert_true(p.got > 35000);
		assert_true(window(&r) >= 1024);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* ---- to send ---- */

/* The peer takes all: the buffer is twice the window of congestion. */
static void send_buffer_grows_with_cwnd(void **unused)
{
	uint32_t cwnd = 0, taken;
	struct rig_seg out;
	struct rig r;

	rig_open(&r, &with_ts);
	r.wnd = 30000; /* times 128 */
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	rig_ack(&r);
	for (int k = 0; k < 6; k++) {
		while (rig_queue(&r, 65536) > 0)
			;
		taken = lull_seq_sub(rig_tcb(&r)->snd.end,
				     rig_tcb(&r)->snd.una);
		cwnd = rig_tcb(&r)->cc.cwnd;
		assert_in_range(taken, cwnd / 2 * 3, 2 * cwnd + 2048);
		rig_run(&r);
		for (uint32_t i = 0; i < 200 && rig_get(&r, &out); i++) {
			r.ack = lull_seq_add(out.seg.seq, out.seg.text_len);
			rig_ack(&r);
		}
		rig_pass_ms(&r, 1);
	}
	assert_true(cwnd > 100000);
	rig_discard(&r);
	rig_close(&r);
}

/* So many bytes are queued beyond those that were sent, and no more. */
static void notsent_lowat(void **unused)
{
	struct lull_sock_info info = {.size = sizeof info};
	const struct lull_tcb *tcb;
	struct rig_seg out;
	struct rig r;

	rig_open(&r, &with_ts);
	r.wnd = 10; /* times 128, once it is scaled */
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	rig_set(&r, LULL_OPT_SNDBUF, 200000);
	rig_set(&r, LULL_OPT_NODELAY, 1);
	rig_set(&r, LULL_OPT_NOTSENT_LOWAT, 8000);
	tcb = rig_tcb(&r);
	rig_ack(&r);
	assert_int_equal(rig_queue(&r, 50000), 8000);
	assert_int_equal(rig_queue(&r, 1), -EAGAIN);
	rig_news(&r);
	rig_run(&r); /* 1,280 bytes leave: the rest is more than a half */
	assert_int_equal(rig_news(&r), 0);
	assert_int_equal(lull_sock_info(r.s, r.sock, &info), 0);
	assert_int_equal(info.snd_room,
			 8000 - lull_seq_sub(tcb->snd.end, tcb->snd.nxt));
	/* The window opens: all leave, without an ACK of any of them. */
	r.wnd = 2000;
	rig_ack(&r);
	assert_int_equal(rig_news(&r), LULL_EVENT_WRITE);
	assert_int_equal(rig_queue(&r, 50000), 8000);
	rig_run(&r);
	while (rig_get(&r, &out))
		;
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(window_grows_by_what_is_read),
		cmocka_unit_test(window_stays_where_the_sender_is_slow),
		cmocka_unit_test(window_stays_where_the_program_is_slow),
		cmocka_unit_test(rcvbuf_ends_the_tuning),
		cmocka_unit_test(pressure_stops_the_tuning),
		cmocka_unit_test(hostile_echoes),
		cmocka_unit_test(old_echoes_do_not_count),
		cmocka_unit_test(window_clamp),
		cmocka_unit_test(narrow_windows_open_again),
		cmocka_unit_test(send_buffer_grows_with_cwnd),
		cmocka_unit_test(notsent_lowat),
	};

	return RUN("tune", tests);
}
