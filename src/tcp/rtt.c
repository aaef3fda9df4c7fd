/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtt.c: round-trip time and retransmission timeout (RFC 6298, MUST-18).
 *
 * Entry points: lull_rtt_init, lull_rtt_sample, lull_rtt_timeout_ms.
 */
#include "tcp/tcp.h"

#define RTO_FIRST_US 1000000 /* RFC 6298 2.1 */

void lull_rtt_init(struct lull_tcp *t, struct lull_tcb *tcb)
{
	(void)t;
	tcb->rtt.rto_us = RTO_FIRST_US;
}

void lull_rtt_sample(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t us)
{
	const struct lull_knobs *k = &t->g->knobs;
	uint32_t most_us = (uint32_t)k->rto_max_ms * 1000;
	uint32_t off, spread;

	us = lull_min(us, most_us);
	if (!tcb->rtt.srtt_us) { /* 2.2 */
		tcb->rtt.srtt_us = lull_max(us, 1);
		tcb->rtt.rttvar_us = us / 2;
	} else { /* 2.3 */
		off = us > tcb->rtt.srtt_us ? us - tcb->rtt.srtt_us
					    : tcb->rtt.srtt_us - us;
		tcb->rtt.rttvar_us = tcb->rtt.rttvar_us / 4 * 3 + off / 4;
		tcb->rtt.srtt_us =
			lull_max(tcb->rtt.srtt_us / 8 * 7 + us / 8, 1);
	}
	/*
	 * The floor is under the spread, not under the sum, as in Linux: a
	 * steady path of 190 ms doesn't time out at 200.
	 */
	spread = lull_max(4 * tcb->rtt.rttvar_us, (uint32_t)k->rto_min_us);
	tcb->rtt.rto_us = lull_min(tcb->rtt.srtt_us + spread, most_us);
}

/* How many times the timeout has doubled: the first SYNs don't. */
static uint32_t doublings(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	uint32_t n = tcb->rtt.backoff;
	uint32_t flat = (uint32_t)t->g->knobs.syn_linear_timeouts;

	if (tcb->state == LULL_TCP_SYN_SENT)
		n = n > flat ? n - flat : 0;
	return lull_min(n, 31);
}

uint32_t lull_rtt_timeout_ms(const struct lull_tcp *t,
			     const struct lull_tcb *tcb)
{
	uint64_t us = (uint64_t)tcb->rtt.rto_us << doublings(t, tcb);
	uint64_t most_us = (uint64_t)t->g->knobs.rto_max_ms * 1000;

	us = us < most_us ? us : most_us;
	return (uint32_t)((us + 999) / 1000);
}
