/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cc_cubic.c: CUBIC (RFC 9438), in bytes and integers.
 *
 * The window follows W(t) = C (t - K)^3 + W_max, in segments and seconds, with
 * C 0.4; a congestion event leaves 0.7 of it. What Reno would have is the least
 * (4.3). Slow start without a known ssthresh is cc_hystart.c's.
 *
 * A reduction is by cwnd, not by what is out, as in Linux: 4.6 allows it to
 * whoever lets no window grow that is not used, and cc.c doesn't.
 *
 * Entry points: lull_cubic_acked, _ssthresh, _timeout.
 */
#include "tcp/tcp.h"

enum {
	FAR_MS = 1 << 19, /* from W_max: every window is reached there */
};

/* The cube root, rounded down. */
static uint32_t root3(uint64_t x)
{
	uint64_t y = 0;

	for (int shift = 63; shift >= 0; shift -= 3) {
		uint64_t step;

		y *= 2;
		step = 3 * y * (y + 1) + 1;
		if (x >> shift >= step) {
			x -= step << shift;
			y++;
		}
	}
	return (uint32_t)y;
}

/* W_cubic(t), in bytes. */
static uint32_t window_at(const struct lull_curve *c, uint32_t mss,
			  uint32_t t_ms)
{
	uint64_t off_ms = t_ms > c->k_ms ? t_ms - c->k_ms : c->k_ms - t_ms;
	uint64_t off;

	off_ms = off_ms < FAR_MS ? off_ms : FAR_MS;
	/* 0.4 (ms / 1000)^3, in the order in which nothing overflows. */
	off = 4 * off_ms * off_ms * off_ms / 1000000 * mss / 10000;
	if (off > LULL_CWND_MAX)
		off = LULL_CWND_MAX;
	if (t_ms > c->k_ms)
		return c->w_max + (uint32_t)off;
	return c->w_max > off ? c->w_max - (uint32_t)off : 0;
}

/* 4.2: congestion avoidance begins, after a reduction or the first time. */
static void begin(struct lull_cubic *c, const struct lull_tcb *tcb,
		  uint32_t now_ms)
{
	struct lull_curve *v = &c->curve;
	uint32_t cwnd = tcb->cc.cwnd;

	if (cwnd < v->w_max) {
		v->k_ms = root3((uint64_t)(v->w_max - cwnd) * 2500000000 /
				tcb->opt.mss);
	} else { /* 4.8, 4.10, or the loss was a mistake */
		v->k_ms = 0;
		v->w_max = cwnd;
	}
	if (!v->prior) /* 4.10: HyStart++ found it without a loss */
		v->prior = cwnd;
	v->est = cwnd;
	v->epoch_ms = c->at_ms = now_ms;
	v->begun = true;
	v->paused = false;
	c->est_acked = c->rest = 0;
}

/* 4.3: W_est, by 3 (1 - 0.7) / (1 + 0.7) = 9/17 of a segment for each window
 * that is acknowledged, or by one once it is where the last loss was. */
static void grow_est(struct lull_cubic *c, const struct lull_tcb *tcb,
		     uint32_t bytes)
{
	bool slow = c->curve.est < c->curve.prior;

	c->est_acked += slow ? (uint32_t)((uint64_t)bytes * 9 / 17) : bytes;
	if (c->est_acked < tcb->cc.cwnd)
		return;
	c->est_acked -= tcb->cc.cwnd;
	c->curve.est = lull_min(c->curve.est + tcb->opt.mss, LULL_CWND_MAX);
}

/* 4.2, 4.4, 4.5: towards where the curve is after another RTT. */
static void grow(struct lull_cubic *c, struct lull_tcb *tcb, uint32_t bytes,
		 uint32_t t_ms)
{
	uint32_t cwnd = tcb->cc.cwnd, mss = tcb->opt.mss;
	uint32_t target =
		window_at(&c->curve, mss, t_ms + tcb->rtt.srtt_us / 1000);
	uint64_t part;

	target = lull_min(target, cwnd + cwnd / 2);
	if (target > cwnd) {
		part = (uint64_t)(target - cwnd) * bytes + c->rest;
		tcb->cc.cwnd += (uint32_t)(part / cwnd);
		c->rest = (uint32_t)(part % cwnd);
	}
	grow_est(c, tcb, bytes);
	if (c->curve.est > tcb->cc.cwnd &&
	    c->curve.est > window_at(&c->curve, mss, t_ms))
		tcb->cc.cwnd = c->curve.est;
}

void lull_cubic_acked(struct lull_tcp *t, struct lull_tcb *tcb,
		      const struct lull_cc_ack *ack)
{
	struct lull_cubic *c = &lull_tcb_cold(t, tcb)->more.cubic;
	uint32_t now_ms = (uint32_t)t->g->now_ms;

	if (tcb->cc.cwnd < tcb->cc.ssthresh) {
		uint32_t more = lull_cc_counted(t, tcb, ack->bytes);

		tcb->cc.cwnd = lull_min(tcb->cc.cwnd + more, tcb->cc.ssthresh);
		return;
	}
	if (!c->curve.begun)
		begin(c, tcb, now_ms);
	if (c->curve.paused) { /* 5.8: that time doesn't count */
		c->curve.epoch_ms += now_ms - c->at_ms;
		c->curve.paused = false;
	}
	c->at_ms = now_ms;
	grow(c, tcb, ack->bytes, now_ms - c->curve.epoch_ms);
}

uint32_t lull_cubic_ssthresh(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_curve *v = &lull_tcb_cold(t, tcb)->more.cubic.curve;
	uint64_t cwnd = tcb->cc.cwnd;

	/* 4.7: others came; let go of more, so that they get their part. */
	v->w_max = (uint32_t)(cwnd < v->w_max ? cwnd * 17 / 20 : cwnd);
	v->prior = (uint32_t)cwnd;
	v->begun = false;
	return (uint32_t)(cwnd * 7 / 10);
}

/* 4.8: K is 0, and W_max where congestion avoidance will begin. */
void lull_cubic_timeout(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_curve *v = &lull_tcb_cold(t, tcb)->more.cubic.curve;

	v->w_max = 0;
	v->begun = false;
}
