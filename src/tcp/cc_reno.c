/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cc_reno.c: congestion control of RFC 5681, in bytes (MUST-19).
 *
 * Only this file, and loss.c within a recovery, writes tcb->cc.
 *
 * Entry points: lull_cc_init, _acked, _loss, _timeout, _idle.
 */
#include "tcp/tcp.h"

#define CWND_MAX (1U << 30)

/* RFC 6928: ten segments. */
static uint32_t first_window(const struct lull_tcb *tcb)
{
	uint32_t mss = tcb->opt.mss;

	return lull_min(10 * mss, lull_max(2 * mss, 14600));
}

void lull_cc_init(struct lull_tcp *t, struct lull_tcb *tcb)
{
	tcb->cc.cwnd = first_window(tcb);
	tcb->cc.ssthresh = CWND_MAX;
	tcb->cc.recover = lull_tcb_cold(t, tcb)->iss;
}

void lull_cc_acked(struct lull_tcb *tcb, uint32_t bytes)
{
	uint64_t mss = tcb->opt.mss;

	bytes = lull_min(bytes, (uint32_t)(2 * mss)); /* RFC 3465: L = 2 */
	if (tcb->cc.cwnd < tcb->cc.ssthresh)
		tcb->cc.cwnd += bytes;
	else
		tcb->cc.cwnd +=
			lull_max((uint32_t)(mss * bytes / tcb->cc.cwnd), 1);
	tcb->cc.cwnd = lull_min(tcb->cc.cwnd, CWND_MAX);
}

void lull_cc_loss(struct lull_tcb *tcb, uint32_t flight)
{
	uint32_t mss = tcb->opt.mss;

	tcb->cc.ssthresh = lull_max(flight / 2, 2 * mss);
	tcb->cc.cwnd = tcb->cc.ssthresh + 3 * mss;
}

void lull_cc_timeout(struct lull_tcb *tcb, uint32_t flight, bool again)
{
	/* RFC 5681 3.1: halved once for one loss, however often it times out.
	 */
	if (!again)
		tcb->cc.ssthresh = lull_max(flight / 2, 2U * tcb->opt.mss);
	tcb->cc.cwnd = tcb->opt.mss;
}

void lull_cc_idle(struct lull_tcp *t, struct lull_tcb *tcb)
{
	uint32_t idle_ms =
		(uint32_t)t->g->now_ms - lull_tcb_cold(t, tcb)->sent_ms;

	/* RFC 5681 4.1 */
	if (t->g->knobs.slow_start_after_idle &&
	    idle_ms > lull_rtt_timeout_ms(t, tcb))
		tcb->cc.cwnd = lull_min(tcb->cc.cwnd, first_window(tcb));
}
