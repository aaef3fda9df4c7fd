/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cc.c: what all congestion control has in common, and which one a connection
 * has.
 *
 * A window grows only while it is used, as in Linux: with an ACK of what was
 * out when it was full, or, in slow start, when half of it was out (RFC 7661
 * asks for no less). One that rests shrinks by half for each timeout that
 * passes, to the first window, and ssthresh remembers three quarters of it (RFC
 * 2861; RFC 5681 4.1 allows it, and would go to the first window at once).
 *
 * Entry points: lull_cc_init, _acked, _reduce, _confirm, _undo, _idle, _sent,
 * _choose, _name, _find, _counted, _first_window.
 */
#include "tcp/tcp.h"

#define COUNTED_MAX 8 /* segments: L of RFC 9406 4.2, without pacing */

static const char name_of[LULL_CC_KINDS][8] = {
	[LULL_CC_CUBIC] = "cubic",
	[LULL_CC_RENO] = "reno",
};

const char *lull_cc_name(enum lull_cc_kind kind)
{
	return name_of[kind];
}

enum lull_cc_kind lull_cc_find(const char *name, size_t len)
{
	uint32_t kind = 0;

	for (; kind < LULL_CC_KINDS; kind++) {
		size_t n = strlen(name_of[kind]);

		if (len >= n && memcmp(name, name_of[kind], n) == 0 &&
		    (len == n || !name[n]))
			break;
	}
	return (enum lull_cc_kind)kind;
}

static struct lull_cc_more *more_of(const struct lull_tcp *t,
				    const struct lull_tcb *tcb)
{
	return &lull_tcb_cold(t, tcb)->more;
}

/* Is ssthresh still unknown, so that HyStart++ looks for it? */
static bool searches(const struct lull_tcb *tcb)
{
	return tcb->cc_kind == LULL_CC_CUBIC &&
	       tcb->cc.ssthresh == LULL_CWND_MAX;
}

static void forget(struct lull_cc_more *more)
{
	memset(&more->cubic, 0, sizeof more->cubic);
	memset(&more->hystart, 0, sizeof more->hystart);
}

uint32_t lull_cc_first_window(const struct lull_tcb *tcb)
{
	uint32_t mss = tcb->opt.mss;

	return lull_min(10 * mss, lull_max(2 * mss, 14600));
}

void lull_cc_init(struct lull_tcp *t, struct lull_tcb *tcb)
{
	tcb->cc.cwnd = lull_cc_first_window(tcb);
	tcb->cc.ssthresh = LULL_CWND_MAX;
	tcb->cc.recover = lull_tcb_cold(t, tcb)->iss;
	forget(more_of(t, tcb)); /* of a SYN that was lost */
}

void lull_cc_choose(struct lull_tcp *t, struct lull_tcb *tcb,
		    enum lull_cc_kind kind)
{
	if (tcb->cc_kind == kind)
		return;
	tcb->cc_kind = (uint8_t)kind;
	forget(more_of(t, tcb));
}

uint32_t lull_cc_counted(const struct lull_tcp *t, const struct lull_tcb *tcb,
			 uint32_t bytes)
{
	/* What is paced makes no burst of it; Linux counts all of it. */
	if (t->g->profile == LULL_PROFILE_LINUX ||
	    lull_pace_rate(t, tcb) != UINT64_MAX)
		return bytes;
	return lull_min(bytes, (uint32_t)COUNTED_MAX * tcb->opt.mss);
}

/* Was the window full when this was sent, or, in slow start, half full? */
static bool was_used(const struct lull_tcp *t, struct lull_tcb *tcb,
		     const struct lull_cc_ack *ack)
{
	if (tcb->snd.cc & LULL_CC_FULL) {
		if (lull_seq_le(tcb->snd.una, more_of(t, tcb)->full_end))
			return true;
		tcb->snd.cc &= (uint8_t)~LULL_CC_FULL;
	}
	return tcb->cc.cwnd < tcb->cc.ssthresh &&
	       tcb->cc.cwnd <
		       2 * lull_max(ack->flight, more_of(t, tcb)->out_most);
}

static void pause_curve(struct lull_tcp *t, const struct lull_tcb *tcb)
{
	if (tcb->cc_kind == LULL_CC_CUBIC && !searches(tcb))
		more_of(t, tcb)->cubic.curve.paused = true;
}

void lull_cc_acked(struct lull_tcp *t, struct lull_tcb *tcb,
		   const struct lull_cc_ack *ack)
{
	if (!was_used(t, tcb, ack)) {
		pause_curve(t, tcb);
		return;
	}
	if (tcb->snd.ecn & LULL_ECN_CWR_WND) /* RFC 3168 6.1.2 */
		return;
	switch ((enum lull_cc_kind)tcb->cc_kind) {
	case LULL_CC_CUBIC:
		if (searches(tcb))
			lull_hystart_acked(t, tcb, ack);
		else
			lull_cubic_acked(t, tcb, ack);
		break;
	case LULL_CC_RENO:
		lull_reno_acked(tcb, ack);
		break;
	case LULL_CC_KINDS:
		break;
	}
	tcb->cc.cwnd = lull_min(tcb->cc.cwnd, LULL_CWND_MAX);
}

static uint32_t ssthresh_of(struct lull_tcp *t, struct lull_tcb *tcb)
{
	switch ((enum lull_cc_kind)tcb->cc_kind) {
	case LULL_CC_CUBIC:
		return lull_cubic_ssthresh(t, tcb);
	case LULL_CC_RENO:
		return lull_reno_ssthresh(tcb);
	case LULL_CC_KINDS:
		break;
	}
	return 0;
}

/* A new congestion event: how much is left. */
static void cut(struct lull_tcp *t, struct lull_tcb *tcb,
		enum lull_cc_event event)
{
	struct lull_cc_more *more = more_of(t, tcb);
	uint32_t mss = tcb->opt.mss, left;

	if (searches(tcb))
		forget(more);
	if (event != LULL_CC_ECN) {
		more->before.cwnd = tcb->cc.cwnd;
		more->before.ssthresh = tcb->cc.ssthresh;
		more->before.curve = more->cubic.curve;
		/* RFC 3168 6.1.2: once a window, by mark or loss. */
		if (event == LULL_CC_LOSS && tcb->snd.ecn & LULL_ECN_CWR_WND)
			return;
	}
	left = ssthresh_of(t, tcb);
	tcb->cc.ssthresh = lull_max(left, 2 * mss); /* RFC 5681 (4) */
	if (event == LULL_CC_ECN) { /* RFC 9438 4.6: down to one segment */
		tcb->cc.cwnd = lull_max(lull_min(left, tcb->cc.cwnd), mss);
		lull_cc_confirm(t, tcb);
	}
}

void lull_cc_confirm(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_cc_more *more = more_of(t, tcb);

	more->before.cwnd = more->before.ssthresh = 0;
}

void lull_cc_reduce(struct lull_tcp *t, struct lull_tcb *tcb,
		    enum lull_cc_event event, bool again)
{
	/* RFC 5681 3.1: once for one loss, however often it times out. */
	if (!again)
		cut(t, tcb, event);
	if (event == LULL_CC_TIMEOUT) {
		tcb->cc.cwnd = tcb->opt.mss;
		if (tcb->cc_kind == LULL_CC_CUBIC)
			lull_cubic_timeout(t, tcb);
	}
	if (tcb->snd.ecn & LULL_ECN_ON)
		lull_ecn_reduced(t, tcb, event);
}

void lull_cc_undo(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_cc_more *more = more_of(t, tcb);

	/* The peer is told nothing of it, and its next mark is news. */
	if (more->before.ssthresh > tcb->cc.ssthresh)
		tcb->snd.ecn &= (uint8_t) ~(LULL_ECN_CWR | LULL_ECN_REDUCED);
	/* RFC 9438 4.9.2: what has grown beyond it meanwhile stays. */
	if (tcb->cc.cwnd < more->before.cwnd)
		more->cubic.curve = more->before.curve;
	tcb->cc.cwnd = lull_max(tcb->cc.cwnd, more->before.cwnd);
	tcb->cc.ssthresh = lull_max(tcb->cc.ssthresh, more->before.ssthresh);
	if (searches(tcb))
		forget(more);
}

void lull_cc_idle(struct lull_tcp *t, struct lull_tcb *tcb)
{
	uint32_t idle_ms =
		(uint32_t)t->g->now_ms - lull_tcb_cold(t, tcb)->sent_ms;
	uint32_t rto_ms = lull_rtt_timeout_ms(t, tcb), least;

	pause_curve(t, tcb);
	if (!t->g->knobs.slow_start_after_idle || idle_ms <= rto_ms)
		return;
	tcb->cc.ssthresh = lull_max(tcb->cc.ssthresh, tcb->cc.cwnd / 4 * 3);
	least = lull_min(lull_cc_first_window(tcb), tcb->cc.cwnd);
	for (; idle_ms > rto_ms && tcb->cc.cwnd > least; idle_ms -= rto_ms)
		tcb->cc.cwnd /= 2;
	tcb->cc.cwnd = lull_max(tcb->cc.cwnd, least);
}

/*
 * tcp_cwnd_validate(): Linux lets slow start go on for all of a flight that
 * filled half of the window, not only for its first ACKs.
 */
static void note_most(const struct lull_tcp *t, struct lull_tcb *tcb, bool full)
{
	struct lull_cc_more *more = more_of(t, tcb);

	if (!full && tcb->snd.pipe <= more->out_most &&
	    lull_seq_lt(tcb->snd.una, more->full_end))
		return;
	more->out_most = tcb->snd.pipe;
	if (!(tcb->snd.cc & LULL_CC_FULL))
		more->full_end = tcb->snd.nxt;
}

void lull_cc_sent(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t len)
{
	bool full = tcb->snd.pipe + tcb->opt.mss > tcb->cc.cwnd;

	if (t->g->profile == LULL_PROFILE_LINUX)
		note_most(t, tcb, full);
	if (full) {
		tcb->snd.cc |= LULL_CC_FULL;
		more_of(t, tcb)->full_end = tcb->snd.nxt;
	}
	lull_pace_sent(t, tcb, len);
}
