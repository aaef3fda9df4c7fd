/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cc.c: what all congestion control has in common, and which one a connection
 * has.
 *
 * Entry points: lull_cc_init, _acked, _reduce, _undo, _idle, _first_window.
 */
#include "tcp/tcp.h"

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
}

void lull_cc_acked(struct lull_tcp *t, struct lull_tcb *tcb,
		   const struct lull_cc_ack *ack)
{
	(void)t;
	/* RFC 7661: a window that was not used says nothing of the path. */
	if (2 * ack->flight < tcb->cc.cwnd)
		return;
	switch ((enum lull_cc_kind)tcb->cc_kind) {
	case LULL_CC_RENO:
		lull_reno_acked(tcb, ack);
		break;
	}
	tcb->cc.cwnd = lull_min(tcb->cc.cwnd, LULL_CWND_MAX);
}

static uint32_t ssthresh_of(const struct lull_tcb *tcb)
{
	uint32_t bytes = 0;

	switch ((enum lull_cc_kind)tcb->cc_kind) {
	case LULL_CC_RENO:
		bytes = lull_reno_ssthresh(tcb);
		break;
	}
	return lull_max(bytes, 2U * tcb->opt.mss); /* RFC 5681 (4) */
}

void lull_cc_reduce(struct lull_tcp *t, struct lull_tcb *tcb,
		    enum lull_cc_event event, bool again)
{
	struct lull_cc_before *before = &lull_tcb_cold(t, tcb)->before;

	/* RFC 5681 3.1: once for one loss, however often it times out. */
	if (!again) {
		before->cwnd = tcb->cc.cwnd;
		before->ssthresh = tcb->cc.ssthresh;
		tcb->cc.ssthresh = ssthresh_of(tcb);
	}
	if (event == LULL_CC_TIMEOUT)
		tcb->cc.cwnd = tcb->opt.mss;
}

void lull_cc_undo(struct lull_tcp *t, struct lull_tcb *tcb)
{
	const struct lull_cc_before *before = &lull_tcb_cold(t, tcb)->before;

	tcb->cc.cwnd = lull_max(tcb->cc.cwnd, before->cwnd);
	tcb->cc.ssthresh = lull_max(tcb->cc.ssthresh, before->ssthresh);
}

void lull_cc_idle(struct lull_tcp *t, struct lull_tcb *tcb)
{
	uint32_t idle_ms =
		(uint32_t)t->g->now_ms - lull_tcb_cold(t, tcb)->sent_ms;

	if (t->g->knobs.slow_start_after_idle &&
	    idle_ms > lull_rtt_timeout_ms(t, tcb))
		tcb->cc.cwnd =
			lull_min(tcb->cc.cwnd, lull_cc_first_window(tcb));
}
