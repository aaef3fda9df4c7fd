/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * receiver.h: a receiver at the other end of a path, for one connection of
 * rig.h that sends. A test says what becomes of each segment and each ACK: a
 * delay, or a loss. The receiver answers each segment at once, with SACK (RFC
 * 2018) and DSACK (RFC 2883), written from the RFCs alone.
 *
 * Time goes in steps of a quarter of a millisecond.
 */
#ifndef LULL_RECEIVER_H
#define LULL_RECEIVER_H

#include "rig.h"

enum {
	WAY_BYTES = 4 << 20, /* of the stream */
	WAY_EVENTS = 8192,
	WAY_STEP_US = 250,
	WAY_MSS = 1460,
};

#define WAY_DROP UINT32_MAX

struct way_event {
	uint64_t at_ns; /* 0: free */
	uint32_t order; /* first in, first out */
	bool is_ack;
	uint32_t from, len; /* of text; of an ACK: what is acknowledged */
	uint32_t tsval;
	uint8_t opt[40];
	uint32_t opt_len;
};

struct way {
	struct rig r;
	uint32_t delay_us; /* each way */
	/* More microseconds, or WAY_DROP. NULL: none. `n`: how many before. */
	uint32_t (*fate)(struct way *w, uint32_t n, uint32_t from,
			 uint32_t len);
	uint32_t (*ack_fate)(struct way *w, uint32_t n);
	uint32_t data[8];	    /* the test's own */
	uint32_t sent, again, acks; /* segments; and of text that went before */
	uint32_t high;		    /* the end of what has ever been sent */
	uint32_t first_ms, last_ms; /* of what was sent again; 0: nothing */
	bool quiet;		    /* no ACKs */
	bool no_dsack;
	uint8_t got[WAY_BYTES];
	uint32_t nxt, ts_recent;
	uint32_t seen[4]; /* the islands by a byte of each; latest first */
	uint32_t islands;
	struct way_event event[WAY_EVENTS];
	uint32_t order;
	uint32_t top; /* above are free ones only */
};

static inline struct lull_seq way_seq(uint32_t at)
{
	return lull_seq(RIG_ISS + 1 + at);
}

static inline uint32_t way_put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
	return 4;
}

/* A SACK option of blocks in bytes of the stream; its length. */
static inline uint32_t way_blocks(uint8_t *opt, const uint32_t (*block)[2],
				  uint32_t n)
{
	uint32_t len = way_put32(opt, 0x01010500U | (2 + 8 * n));

	for (uint32_t i = 0; i < n; i++) {
		len += way_put32(opt + len, way_seq(block[i][0]).v);
		len += way_put32(opt + len, way_seq(block[i][1]).v);
	}
	return n ? len : 0;
}

/* An ACK from the peer of the rig, by hand. */
static inline void way_sack(struct rig *r, uint32_t ack,
			    const uint32_t (*block)[2], uint32_t n)
{
	r->ack = way_seq(ack);
	r->opt_len = way_blocks(r->opt, block, n);
	rig_ack(r);
	r->opt_len = 0;
}

static inline void way_later(struct way *w, struct way_event e, uint32_t us)
{
	e.at_ns = w->r.now_ns + (uint64_t)us * 1000;
	e.order = w->order++;
	for (uint32_t i = 0; i < WAY_EVENTS; i++)
		if (!w->event[i].at_ns) {
			w->event[i] = e;
			w->top = lull_max(w->top, i + 1);
			return;
		}
	fail_msg("the path is full");
}

/* ---- the receiver ---- */

/* Are 64 bytes from there on here? Byte by byte takes seconds of a test. */
static inline bool way_has64(const struct way *w, uint32_t at)
{
	static const uint8_t ones[64] = {[0 ... 63] = 1};

	return memcmp(&w->got[at], ones, sizeof ones) == 0;
}

static inline void way_island(const struct way *w, uint32_t at,
			      uint32_t block[2])
{
	block[0] = block[1] = at;
	while (block[0] >= 64 && way_has64(w, block[0] - 64))
		block[0] -= 64;
	while (block[0] > 0 && w->got[block[0] - 1])
		block[0]--;
	while (block[1] + 64 <= WAY_BYTES && way_has64(w, block[1]))
		block[1] += 64;
	while (block[1] < WAY_BYTES && w->got[block[1]])
		block[1]++;
}

/* The island of `at` comes first from now on. */
static inline void way_note(struct way *w, uint32_t at)
{
	uint32_t all[5] = {at}, n = 1, kept = 0;

	for (uint32_t i = 0; i < w->islands; i++)
		all[n++] = w->seen[i];
	for (uint32_t i = 0; i < n && kept < 4; i++) {
		uint32_t a[2], b[2];
		bool known = false;

		way_island(w, all[i], a);
		for (uint32_t k = 0; k < kept; k++) {
			way_island(w, w->seen[k], b);
			known |= a[0] == b[0];
		}
		if (!known && all[i] >= w->nxt)
			w->seen[kept++] = all[i];
	}
	w->islands = kept;
}

static inline void way_answer(struct way *w, const uint32_t dup[2])
{
	struct way_event e = {.is_ack = true, .from = w->nxt};
	uint32_t most = w->r.config.ts ? 3 : 4, n = 0, us = w->delay_us;
	uint32_t block[4][2];

	if (dup[0] < dup[1] && !w->no_dsack) {
		block[n][0] = dup[0];
		block[n++][1] = dup[1];
	}
	for (uint32_t i = 0; i < w->islands && n < most; i++)
		way_island(w, w->seen[i], block[n++]);
	if (w->r.config.sack)
		e.opt_len = way_blocks(e.opt, (const uint32_t(*)[2])block, n);
	e.tsval = w->ts_recent;
	if (w->ack_fate) {
		uint32_t more = w->ack_fate(w, w->acks);

		us = more == WAY_DROP ? WAY_DROP : us + more;
	}
	w->acks++;
	if (us != WAY_DROP && !w->quiet)
		way_later(w, e, us);
}

static inline void way_text(struct way *w, const struct way_event *e)
{
	uint32_t dup[2] = {0, 0};

	if (e->from <= w->nxt)
		w->ts_recent = e->tsval;
	for (uint32_t i = e->from; i < e->from + e->len; i++) {
		if (w->got[i] && dup[1] == 0)
			dup[0] = i;
		if (w->got[i])
			dup[1] = i + 1;
		w->got[i] = 1;
	}
	while (w->nxt < WAY_BYTES && w->got[w->nxt])
		w->nxt++;
	way_note(w, e->from);
	way_answer(w, dup);
}

/* ---- the path ---- */

static inline void way_take(struct way *w, const struct rig_seg *out)
{
	uint32_t step = out->gso_size ? out->gso_size : out->seg.text_len;
	uint32_t at = out->seg.seq.v - way_seq(0).v;
	uint32_t end = at + out->seg.text_len;

	assert_true(end <= WAY_BYTES);
	for (; at < end; at += step) {
		uint32_t len = lull_min(step, end - at), us = 0;

		if (at < w->high) {
			uint32_t now = (uint32_t)(w->r.now_ns / 1000000);

			w->first_ms = w->again ? w->first_ms : now;
			w->last_ms = now;
			w->again++;
		}
		w->high = lull_max(w->high, at + len);
		if (w->fate)
			us = w->fate(w, w->sent, at, len);
		w->sent++;
		if (us != WAY_DROP)
			way_later(w,
				  (struct way_event){.from = at,
						     .len = len,
						     .tsval = out->seg.tsval},
				  w->delay_us + us);
	}
}

static inline void way_deliver(struct way *w)
{
	for (;;) {
		struct way_event *first = NULL, e;

		for (uint32_t i = 0; i < w->top; i++) {
			struct way_event *x = &w->event[i];

			if (x->at_ns && x->at_ns <= w->r.now_ns &&
			    (!first || x->at_ns < first->at_ns ||
			     (x->at_ns == first->at_ns &&
			      x->order < first->order)))
				first = x;
		}
		if (!first)
			return;
		e = *first;
		first->at_ns = 0;
		if (!e.is_ack) {
			way_text(w, &e);
			continue;
		}
		w->r.ack = way_seq(e.from);
		w->r.tsecr = e.tsval;
		memcpy(w->r.opt, e.opt, e.opt_len);
		w->r.opt_len = e.opt_len;
		rig_ack(&w->r);
		w->r.opt_len = 0;
	}
}

static inline void way_pass_ms(struct way *w, uint32_t ms)
{
	struct rig_seg out;

	for (uint32_t n = ms * 1000 / WAY_STEP_US; n > 0; n--) {
		while (rig_get(&w->r, &out))
			way_take(w, &out);
		w->r.now_ns += WAY_STEP_US * 1000;
		w->r.tsval = w->r.tsval + (n % 4 == 0);
		rig_run(&w->r);
		way_deliver(w);
	}
}

static inline void way_limits(struct lull_limits *l)
{
	l->bufs_2k = 2048;
	l->bufs_64k = 64;
	l->ranges = 2048;
	l->tx_frames = 1024;
}

/* Connected over a path of `rtt_ms`, a window of `window` segments open. */
static inline struct way *way_open(bool ts, uint32_t rtt_ms, uint32_t window)
{
	static struct way way;
	struct rig_config c = {.wscale = true,
			       .sack = true,
			       .ts = ts,
			       .rtt_ms = rtt_ms,
			       .limits = way_limits};

	memset(&way, 0, sizeof way);
	rig_open(&way.r, &c);
	/* What is left of a window is Reno's half; and what may go goes at
	 * once, so that a test counts what a window and PRR let go. */
	rig_knob(&way.r, "net.ipv4.tcp_congestion_control", "reno");
	rig_knob(&way.r, "net.lull.tcp_pacing", "0");
	rig_reach(&way.r, LULL_TCP_ESTABLISHED, true);
	rig_ack(&way.r);
	rig_align(&way.r);
	rig_set(&way.r, LULL_OPT_SNDBUF, 4 << 20);
	rig_knob(&way.r, "net.ipv4.tcp_slow_start_after_idle", "0");
	way.delay_us = rtt_ms * 500;
	rig_tcb(&way.r)->cc.cwnd = window * rig_tcb(&way.r)->opt.mss;
	return &way;
}

static inline void way_close(struct way *w)
{
	const struct lull_tcb *tcb = rig_tcb(&w->r);
	const struct lull_rack *k = &lull_tcb_cold(&w->r.s->tcp, tcb)->rack;

	if (lull_seq_eq(tcb->snd.una, tcb->snd.nxt)) {
		assert_int_equal(tcb->snd.ranges, 0);
		assert_int_equal(tcb->snd.lost, 0);
		assert_int_equal(tcb->snd.pipe, 0);
		assert_int_equal(k->sacked, 0);
		assert_int_equal(k->retrans, 0);
		assert_int_equal(k->flying, 0);
	}
	rig_close(&w->r);
}

static inline const struct lull_rack *way_rack(const struct rig *r)
{
	return &lull_tcb_cold(&r->s->tcp, rig_tcb(r))->rack;
}

#endif
