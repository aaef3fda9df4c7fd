/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_pmtu.c: how large a segment may be: told by ICMP (RFC 1191, 5927 7.2,
 * 8201), found by probing (RFC 4821), set by TCP_MAXSEG.
 */
#include "hole.h"

#define PROBING "net.ipv4.tcp_mtu_probing"

static struct hole h;

static const struct rig_config plain = {.wscale = true, .rtt_ms = 1};

static struct lull_seq at(uint32_t bytes)
{
	return lull_seq(RIG_ISS + 1 + bytes);
}

static uint32_t mss(const struct rig *r)
{
	return rig_tcb(r)->opt.mss;
}

static const struct lull_pmtu *path(const struct rig *r)
{
	return &lull_tcb_cold(&r->s->tcp, rig_tcb(r))->pmtu;
}

static void tell(struct rig *r, uint32_t mtu, uint32_t bytes)
{
	rig_icmp(r,
		 r->config.v6 ? (struct rig_icmp){2, 0, mtu}
			      : (struct rig_icmp){3, 4, mtu},
		 at(bytes));
}

/* ---- told ---- */

/* Whole segments have arrived, and three more are out. */
static void prove(struct rig *r, bool v6)
{
	struct rig_config c = {.wscale = true, .rtt_ms = 1, .v6 = v6};

	hole_open(r, &h, 1500, &c);
	assert_true(hole_send(r, &h, 5 * mss(r), 1000));
	rig_discard(r);
	rig_write(r, 3 * mss(r));
	assert_int_equal(rig_discard(r), 3);
}

/* RFC 5927 7.2: what was sent arrives after all, so it was forged. */
static void forged_too_big_changes_nothing(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig r;
		uint32_t was;

		prove(&r, v6);
		was = mss(&r);
		for (uint32_t i = 0; i < 3; i++)
			tell(&r, 1280, (5 + i) * was);
		rig_expect_none(&r);
		assert_int_equal(mss(&r), was);
		assert_int_equal(rig_count(&r, LULL_COUNT_MTU_CLAIMS), 3);
		r.ack = at(8 * was);
		rig_ack(&r);
		assert_int_equal(path(&r)->claim, 0);
		/* A timeout later has nothing to do with it. */
		rig_write(&r, was);
		rig_discard(&r);
		rig_pass_ms(&r, 3000);
		rig_discard(&r);
		assert_int_equal(mss(&r), was);
		rig_close(&r);
	}
}

/* RFC 5927 7.2: nothing moves, so it is true; and no congestion (8201 5.4). */
static void claim_counts_when_nothing_moves(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig_seg out;
		uint32_t was, ssthresh;
		struct rig r;

		prove(&r, v6);
		was = mss(&r);
		ssthresh = rig_tcb(&r)->cc.ssthresh;
		tell(&r, 1280, 5 * was);
		rig_pass_ms(&r, 150);
		rig_expect_none(&r);
		rig_pass_ms(&r, 200);
		assert_int_equal(mss(&r), 1280 - (v6 ? 60 : 40));
		assert_int_equal(rig_tcb(&r)->cc.ssthresh, ssthresh);
		assert_true(rig_get(&r, &out));
		assert_int_equal(out.seg.seq.v, at(5 * was).v);
		assert_int_equal(out.seg.text_len, mss(&r));
		rig_discard(&r);
		h.mtu = 1280;
		assert_true(hole_send(&r, &h, 100000, 10000));
		assert_int_equal(h.swallowed, 0);
		rig_close(&r);
	}
}

/* It has timed out already: at once. */
static void claim_after_a_timeout_counts(void **unused)
{
	struct rig r;

	prove(&r, false);
	rig_pass_ms(&r, 300);
	rig_discard(&r);
	tell(&r, 1000, 5 * 1460);
	assert_int_equal(mss(&r), 960);
	rig_discard(&r);
	rig_close(&r);
}

/* No range is left for the rest: it goes piece by piece, as it is acknowledged,
 * or with each timeout, and nothing goes for any other ACK. */
static void smaller_without_a_range(void **unused)
{
	enum {
		STEP = 560,
		LOST = STEP,
		TIMEOUTS = 5 /* in 10 s */
	};

	for (int i = 0; i < 4; i++) {
		struct rig_config c = plain;
		struct lull_slab *ranges;
		struct rig_seg out;
		struct rig r;

		c.sack = i & 1;
		rig_open(&r, &c);
		rig_reach(&r, LULL_TCP_ESTABLISHED, false);
		rig_write(&r, 1400);
		rig_discard(&r);
		ranges = &r.s->tcp.ranges;
		ranges->limit = ranges->used;
		if (i & 2) /* told at once, or after a timeout */
			rig_pass_ms(&r, 300);
		rig_discard(&r);
		tell(&r, 600, 0);
		assert_int_equal(mss(&r), STEP);
		for (uint32_t sent = 0; sent < 1400; sent += STEP) {
			uint32_t len = lull_min(STEP, 1400 - sent);

			out = rig_expect(&r, LULL_ACK);
			assert_int_equal(out.seg.seq.v, at(sent).v);
			assert_int_equal(out.seg.text_len, len);
			rig_pass_ms(&r, 50); /* many round trips */
			r.ack = at(sent);
			rig_ack(&r);
			rig_expect_none(&r);
			if (sent == LOST) {
				rig_pass_ms(&r, 10000);
				assert_int_equal(rig_discard(&r), TIMEOUTS);
			}
			rig_pass_ms(&r, 1); /* the round trip */
			r.ack = at(sent + len);
			rig_ack(&r);
		}
		rig_expect_none(&r);
		rig_close(&r);
	}
}

/* And smaller still: the part of it that went was too big itself. */
static void smaller_again_without_a_range(void **unused)
{
	static const uint32_t mtu[] = {1000, 800, 600};
	struct lull_slab *ranges;
	struct rig r;

	rig_open(&r, &plain);
	rig_reach(&r, LULL_TCP_ESTABLISHED, false);
	rig_write(&r, 1400);
	rig_discard(&r);
	ranges = &r.s->tcp.ranges;
	ranges->limit = ranges->used;
	for (uint32_t i = 0; i < ARRAY_LEN(mtu); i++) {
		struct rig_seg out;

		tell(&r, mtu[i], 0);
		out = rig_expect(&r, LULL_ACK);
		assert_int_equal(out.seg.seq.v, at(0).v);
		assert_int_equal(out.seg.text_len, mtu[i] - 40);
		rig_expect_none(&r);
	}
	rig_drop(&r);
}

/* A claim about what is still out outlives the ACK of what came before. */
static void claim_waits_for_its_segment(void **unused)
{
	struct rig r;

	prove(&r, false);
	tell(&r, 1000, 7 * 1460);
	r.ack = at(6 * 1460);
	rig_ack(&r);
	assert_int_equal(path(&r)->claim, 1000);
	rig_pass_ms(&r, 500);
	assert_int_equal(mss(&r), 960);
	rig_discard(&r);
	rig_close(&r);
}

/* RFC 1191 6.3, 8201 5.3: ten minutes, and larger ones are tried again. */
static void grows_after_ten_minutes(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig_config c = {.wscale = true, .v6 = v6};
		uint32_t full, small;
		struct rig r;

		hole_open(&r, &h, 1300, &c);
		full = mss(&r);
		small = 1300 - (v6 ? 60 : 40);
		h.tells = true;
		assert_true(hole_send(&r, &h, 50000, 5000));
		assert_int_equal(mss(&r), small);
		rig_pass_ms(&r, 590000);
		assert_true(hole_send(&r, &h, 60000, 5000));
		assert_int_equal(mss(&r), small);
		rig_pass_ms(&r, 11000);
		h.mtu = 1500;
		h.swallowed = 0;
		assert_true(hole_send(&r, &h, 90000, 5000));
		assert_int_equal(h.swallowed, 0);
		assert_int_equal(mss(&r), full);
		assert_int_equal(h.largest, 1500);
		rig_close(&r);
	}
}

/* Where the path is as small as before, it is told again, and goes on. */
static void grows_in_vain(void **unused)
{
	struct rig r;

	hole_open(&r, &h, 1300, &plain);
	h.tells = true;
	assert_true(hole_send(&r, &h, 50000, 5000));
	rig_pass_ms(&r, 601000);
	assert_true(hole_send(&r, &h, 150000, 5000));
	assert_int_equal(mss(&r), 1260);
	assert_true(h.swallowed <= 20);
	rig_close(&r);
}

/* ---- black holes ---- */

static const struct {
	uint32_t mtu;
	bool v6, ts, gso;
} holes[] = {
	{1280, false, false, false}, {1280, true, false, false},
	{1280, true, true, true},    {576, false, false, false},
	{576, false, true, false},   {576, false, true, true},
	{1492, false, false, false}, {1400, true, false, true},
};

static struct rig_config config_of(uint32_t i)
{
	return (struct rig_config){
		.wscale = true,
		.v6 = holes[i].v6,
		.ts = holes[i].ts,
		.link_cap = holes[i].gso ? LULL_LINK_TX_GSO | LULL_LINK_TX_CSUM
					 : 0};
}

/* Without probing a transfer through a silent black hole never ends. */
static void black_hole_without_probing(void **unused)
{
	for (uint32_t i = 0; i < ARRAY_LEN(holes); i++) {
		struct rig_config c = config_of(i);
		struct rig r;

		hole_open(&r, &h, holes[i].mtu, &c);
		assert_false(hole_send(&r, &h, 200000, 100000));
		assert_int_equal(h.have, 0);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* RFC 4821 7.7: 1 finds out by timeouts; 2 has begun small enough, or finds
 * out. */
static void black_hole_is_survived(void **unused)
{
	for (uint32_t i = 0; i < 2 * ARRAY_LEN(holes); i++) {
		struct rig_config c = config_of(i / 2);
		uint32_t mtu = holes[i / 2].mtu;
		struct rig r;

		c.sysctl[0] = i & 1 ? PROBING "=2" : PROBING "=1";
		hole_open(&r, &h, mtu, &c);
		assert_true(hole_send(&r, &h, 1000000, 60000));
		/* And in the end what goes is nearly as large as can be. */
		assert_true(path(&r)->low <= mtu);
		if (mtu - path(&r)->low >= 8)
			fail_msg("path of %u: %u found", mtu, path(&r)->low);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* A path that becomes narrow in the middle of a transfer. */
static void path_becomes_a_black_hole(void **unused)
{
	for (int v = 1; v <= 2; v++) {
		struct rig_config c = plain;
		struct rig r;

		c.sysctl[0] = v == 1 ? PROBING "=1" : PROBING "=2";
		hole_open(&r, &h, 1500, &c);
		assert_true(hole_send(&r, &h, 300000, 10000));
		h.mtu = 600;
		assert_true(hole_send(&r, &h, 600000, 60000));
		assert_true(mss(&r) <= 560);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* A dead path is not a small one: nothing is lost by it for long. */
static void dead_path_comes_back(void **unused)
{
	struct rig_config c = plain;
	struct rig r;

	c.sysctl[0] = PROBING "=1";
	hole_open(&r, &h, 1500, &c);
	assert_true(hole_send(&r, &h, 100000, 10000));
	h.mtu = 0;
	assert_false(hole_send(&r, &h, 200000, 30000));
	h.mtu = 1500;
	assert_true(hole_send(&r, &h, 1000000, 60000));
	assert_true(1500 - path(&r)->low < 8);
	rig_close(&r);
}

/* ---- probes ---- */

static void probing(struct rig *r, uint32_t mtu, uint32_t cap)
{
	struct rig_config c = plain;

	c.sysctl[0] = PROBING "=2";
	c.link_cap = cap;
	hole_open(r, &h, mtu, &c);
	assert_int_equal(mss(r), 1024);
}

/* RFC 4821 7.2: by halves; a lost probe is no congestion, nor waited for. */
static void search_goes_by_halves(void **unused)
{
	for (uint32_t mtu = 1100; mtu <= 1500; mtu += 50) {
		uint64_t fails, goods;
		struct rig r;

		probing(&r, mtu, 0);
		assert_true(hole_send(&r, &h, 1000000, 10000));
		fails = rig_count(&r, LULL_COUNT_MTUP_FAIL);
		goods = rig_count(&r, LULL_COUNT_MTUP_SUCCESS);
		assert_true(path(&r)->low <= mtu && mtu - path(&r)->low < 8);
		assert_int_equal(mss(&r), path(&r)->low - 40);
		assert_true(fails + goods <= 6); /* 436 bytes, down to 8 */
		assert_int_equal(h.swallowed, fails);
		assert_int_equal(rig_count(&r, LULL_COUNT_TIMEOUTS), 0);
		assert_int_equal(rig_count(&r, LULL_COUNT_RENO_RECOVERY), 0);
		assert_int_equal(rig_tcb(&r)->cc.ssthresh, 1 << 30);
		rig_close(&r);
	}
}

/* What a probe carries is due anyway; link offload does not cut it. */
static void probe_is_one_packet(void **unused)
{
	for (int gso = 0; gso < 2; gso++) {
		uint32_t flags = LULL_LINK_TX_GSO | LULL_LINK_TX_CSUM;
		const struct rig_raw *raw;
		int probes = 0;
		struct rig r;

		probing(&r, 1500, gso ? flags : 0);
		/* The window must be larger than it is at first. */
		assert_true(hole_send(&r, &h, 12000, 1000));
		rig_write(&r, 20000);
		while ((raw = rig_get_raw(&r)))
			if (raw->len > 1064 && !raw->frame.gso_size) {
				assert_int_equal(raw->len, (1064 + 1500) / 2);
				probes++;
			}
		assert_int_equal(probes, 1);
		assert_int_equal(path(&r)->probe, 1282);
		rig_close(&r);
	}
}

/* FIN stands behind the last byte (3.6), never in a probe before it: what the
 * program wrote is all that is left, and would go in one packet. */
static void probe_has_no_fin(void **unused)
{
	const struct rig_raw *raw;
	uint32_t last = 0, probes = 0, fins = 0;
	struct rig r;

	probing(&r, 1500, 0);
	assert_true(hole_send(&r, &h, 12000, 1000));
	assert_int_equal(rig_queue(&r, 8000), 8000);
	assert_int_equal(lull_sock_shutdown(r.s, r.sock, LULL_SHUT_WR), 0);
	rig_run(&r);
	while ((raw = rig_get_raw(&r))) {
		last = raw->bytes[20 + 13] & LULL_FIN;
		fins += last;
		probes += raw->len > 1064;
	}
	assert_int_equal(probes, 1);
	assert_int_equal(fins, 1);
	assert_int_equal(last, LULL_FIN);
	rig_close(&r);
}

/* Too little to say, too small a window: then nothing is tried. */
static void probe_needs_text_behind_it(void **unused)
{
	struct rig r;

	probing(&r, 1500, 0);
	assert_true(hole_send(&r, &h, 20000, 1000));
	assert_true(rig_count(&r, LULL_COUNT_MTUP_SUCCESS) > 0);
	rig_drop(&r);

	probing(&r, 1500, 0);
	for (uint32_t i = 1; i < 30; i++) {
		assert_true(hole_send(&r, &h, i * 5000, 1000));
		rig_pass_ms(&r, 10);
	}
	assert_int_equal(rig_count(&r, LULL_COUNT_MTUP_SUCCESS), 0);
	assert_int_equal(h.largest, 1064);
	rig_close(&r);
}

/* A router that refuses a probe says what it takes: that is tried next. */
static void refused_probe_says_how_much(void **unused)
{
	for (uint32_t mtu = 1070; mtu < 1500; mtu += 142) {
		struct rig r;

		probing(&r, mtu, 0);
		h.tells = true;
		assert_true(hole_send(&r, &h, 1000000, 10000));
		assert_true(path(&r)->low <= mtu && mtu - path(&r)->low < 8);
		assert_int_equal(rig_count(&r, LULL_COUNT_TIMEOUTS), 0);
		assert_int_equal(rig_tcb(&r)->cc.ssthresh, 1 << 30);
		assert_true(h.swallowed <= 2);
		rig_close(&r);
	}
}

/* Others were lost as well: that is congestion, and tells nothing of sizes. */
static void lost_with_others_is_congestion(void **unused)
{
	struct rig r;

	probing(&r, 1500, 0);
	assert_true(hole_send(&r, &h, 12000, 1000));
	rig_write(&r, 20000);
	rig_discard(&r);
	rig_pass_ms(&r, 2000); /* all of it */
	assert_true(rig_count(&r, LULL_COUNT_TIMEOUTS) > 0);
	assert_true(rig_tcb(&r)->cc.ssthresh < 1 << 30);
	assert_int_equal(path(&r)->probe, 0);
	rig_discard(&r);
	rig_close(&r);
}

/* RFC 4821 7.4: the path may be wider after some time. */
static void search_begins_again(void **unused)
{
	struct rig r;

	probing(&r, 1200, 0);
	assert_true(hole_send(&r, &h, 400000, 10000));
	assert_true(1200 - path(&r)->low < 8);
	h.mtu = 1500;
	rig_pass_ms(&r, 590000);
	assert_true(hole_send(&r, &h, 420000, 10000));
	assert_true(h.largest <= 1200);
	rig_pass_ms(&r, 11000);
	assert_true(hole_send(&r, &h, 1300000, 10000));
	assert_true(1500 - h.largest < 8);
	rig_close(&r);
}

/* ---- both directions ---- */

/* A frame of `from` comes to `to`: their addresses change places. */
static void cross(struct rig *to, const struct rig_raw *raw)
{
	static uint8_t p[65536 + 128];

	memcpy(p, raw->bytes, raw->len);
	memcpy(p + 12, raw->bytes + 16, 4);
	memcpy(p + 16, raw->bytes + 12, 4);
	rig_packet(to, p, raw->len);
}

static bool pump(struct rig *from, struct rig *to, uint32_t mtu)
{
	const struct rig_raw *raw;
	bool any = false;

	while ((raw = rig_get_raw(from))) {
		any = true;
		if (raw->len <= mtu)
			cross(to, raw);
	}
	return any;
}

static void connect_both(struct rig *a, struct rig *b)
{
	struct lull_connect c = {
		.size = sizeof c,
		.remote = {a->tuple.remote, RIG_PORT},
		.local = {a->tuple.local, RIG_PEER_PORT},
		.cookie = 2,
	};

	a->tuple.lport = RIG_PEER_PORT;
	a->tuple.rport = RIG_PORT;
	assert_int_equal(lull_sock_connect(a->s, &c, &a->sock, NULL), 0);
	rig_run(a);
	for (int i = 0; i < 3; i++) {
		pump(a, b, 1500);
		pump(b, a, 1500);
	}
	assert_int_equal(lull_sock_accept(b->s, b->listener, 2, &b->sock), 0);
}

static void write_some(struct rig *r, uint32_t total)
{
	if (r->written < total)
		(void)rig_queue(r, total - r->written);
	rig_run(r);
}

static uint32_t read_some(struct rig *r, uint32_t have)
{
	static uint8_t text[65536];
	long n;

	while ((n = rig_read(r, text, sizeof text)) > 0) {
		rig_same(text, (uint32_t)n, have);
		have += (uint32_t)n;
	}
	return have;
}

/* Two stacks with much to say, and a path that swallows in silence. */
static void black_hole_in_both_directions(void **unused)
{
	enum {
		TOTAL = 200000
	};

	for (int on = 0; on < 2; on++) {
		struct rig_config c = {.wscale = true};
		uint32_t a_has = 0, b_has = 0;
		struct rig a, b;

		c.sysctl[0] = on ? PROBING "=1" : NULL;
		rig_open(&a, &c);
		rig_open(&b, &c);
		connect_both(&a, &b);
		for (int ms = 0; ms < 60000 && (a_has < TOTAL || b_has < TOTAL);
		     ms += 5) {
			write_some(&a, TOTAL);
			write_some(&b, TOTAL);
			(void)pump(&a, &b, 1280);
			(void)pump(&b, &a, 1280);
			a_has = read_some(&a, a_has);
			b_has = read_some(&b, b_has);
			rig_pass_ms(&a, 5);
			rig_pass_ms(&b, 5);
		}
		assert_int_equal(a_has, on ? TOTAL : 0);
		assert_int_equal(b_has, on ? TOTAL : 0);
		rig_drop(&a);
		rig_drop(&b);
	}
}

/* ---- TCP_MAXSEG ---- */

static int32_t maxseg(struct rig *r, struct lull_sock sock)
{
	int32_t v = -1;

	assert_int_equal(
		lull_sock_get(r->s, sock, LULL_OPT_MAXSEG, &v, sizeof v), 0);
	return v;
}

/* Before the SYN it bounds what is offered and what is sent. */
static void maxseg_of_a_connection(void **unused)
{
	for (int ts = 0; ts < 2; ts++) {
		struct rig_config c = {.ts = ts, .no_listener = true};
		struct lull_connect open = {.size = sizeof open, .cookie = 2};
		struct rig r;

		rig_open(&r, &c);
		open.remote =
			(struct lull_endpoint){r.tuple.remote, r.tuple.rport};
		open.local =
			(struct lull_endpoint){r.tuple.local, r.tuple.lport};
		assert_int_equal(lull_sock_connect(r.s, &open, &r.sock, NULL),
				 0);
		rig_set(&r, LULL_OPT_MAXSEG, 700);
		rig_run(&r);
		assert_int_equal(rig_expect(&r, LULL_SYN).seg.mss, 700);
		rig_syn(&r, LULL_SYN | LULL_ACK);
		rig_expect(&r, LULL_ACK);
		assert_int_equal(maxseg(&r, r.sock), 700 - 12 * ts);
		rig_write(&r, 2000);
		assert_int_equal(rig_expect(&r, LULL_ACK).seg.text_len,
				 700 - 12 * ts);
		/* Later it is too late, as in Linux. */
		rig_set(&r, LULL_OPT_MAXSEG, 500);
		assert_int_equal(maxseg(&r, r.sock), 700 - 12 * ts);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* Of a listener, what it accepts has it; with cookies too. */
static void maxseg_of_a_listener(void **unused)
{
	for (int cookie = 0; cookie < 2; cookie++) {
		struct rig_config c = {.ts = false};
		int32_t v = 600;
		struct rig r;

		c.sysctl[0] = cookie ? "net.ipv4.tcp_syncookies=2" : NULL;
		rig_open(&r, &c);
		assert_int_equal(maxseg(&r, r.listener), 536);
		assert_int_equal(lull_sock_set(r.s, r.listener, LULL_OPT_MAXSEG,
					       &v, sizeof v),
				 0);
		assert_int_equal(maxseg(&r, r.listener), 600);
		rig_syn(&r, LULL_SYN);
		assert_int_equal(rig_expect(&r, LULL_SYN | LULL_ACK).seg.mss,
				 600);
		rig_say(&r, LULL_ACK, NULL, 0);
		assert_int_equal(lull_sock_accept(r.s, r.listener, 2, &r.sock),
				 0);
		/* A cookie tells one of four sizes, the next smaller one. */
		assert_int_equal(maxseg(&r, r.sock), cookie ? 536 : 600);
		rig_close(&r);
	}
}

static void maxseg_has_linuxs_range(void **unused)
{
	static const struct {
		int32_t v;
		int e;
	} t[] = {{-1, -EINVAL}, {1, -EINVAL}, {87, -EINVAL}, {32768, -EINVAL},
		 {0, 0},	{88, 0},      {32767, 0}};
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	for (uint32_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(lull_sock_set(r.s, r.sock, LULL_OPT_MAXSEG,
					       &t[i].v, sizeof t[i].v),
				 t[i].e);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forged_too_big_changes_nothing),
		cmocka_unit_test(claim_counts_when_nothing_moves),
		cmocka_unit_test(claim_after_a_timeout_counts),
		cmocka_unit_test(claim_waits_for_its_segment),
		cmocka_unit_test(smaller_without_a_range),
		cmocka_unit_test(smaller_again_without_a_range),
		cmocka_unit_test(grows_after_ten_minutes),
		cmocka_unit_test(grows_in_vain),
		cmocka_unit_test(black_hole_without_probing),
		cmocka_unit_test(black_hole_is_survived),
		cmocka_unit_test(path_becomes_a_black_hole),
		cmocka_unit_test(dead_path_comes_back),
		cmocka_unit_test(search_goes_by_halves),
		cmocka_unit_test(probe_is_one_packet),
		cmocka_unit_test(probe_has_no_fin),
		cmocka_unit_test(probe_needs_text_behind_it),
		cmocka_unit_test(refused_probe_says_how_much),
		cmocka_unit_test(lost_with_others_is_congestion),
		cmocka_unit_test(search_begins_again),
		cmocka_unit_test(black_hole_in_both_directions),
		cmocka_unit_test(maxseg_of_a_connection),
		cmocka_unit_test(maxseg_of_a_listener),
		cmocka_unit_test(maxseg_has_linuxs_range),
	};

	return RUN("pmtu", tests);
}
