/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cc_reno.c: congestion control of RFC 5681, in bytes (MUST-19), counted as
 * RFC 3465 says.
 *
 * Entry points: lull_reno_acked, lull_reno_ssthresh.
 */
#include "tcp/tcp.h"

void lull_reno_acked(struct lull_tcb *tcb, const struct lull_cc_ack *ack)
{
	uint64_t mss = tcb->opt.mss;
	uint32_t bytes = lull_min(ack->bytes, (uint32_t)(2 * mss)); /* L = 2 */

	if (tcb->cc.cwnd < tcb->cc.ssthresh)
		tcb->cc.cwnd += bytes;
	else
		tcb->cc.cwnd +=
			lull_max((uint32_t)(mss * bytes / tcb->cc.cwnd), 1);
}

uint32_t lull_reno_ssthresh(const struct lull_tcb *tcb)
{
	uint32_t out = lull_seq_sub(tcb->snd.nxt, tcb->snd.una);

	/* RFC 5681 3.2 (2): what limited transmit sent doesn't count. */
	return lull_min(out, tcb->cc.cwnd) / 2;
}
