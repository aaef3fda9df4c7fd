/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loss.c: what was lost, and when to believe it: fast retransmit and recovery
 * (RFC 5681 3.2, RFC 6582 NewReno), and the retransmission timeout (RFC 6298
 * 5).
 *
 * Marks ranges as lost; output.c sends them again. In fast recovery at most
 * one segment is marked at a time, and goes at once; after a timeout all are
 * marked, and go as the window opens. (SACK and RACK come with a later issue.)
 *
 * Entry points: lull_loss_dup_ack, _acked, _timeout, _too_big.
 */
#include "tcp/tcp.h"

#define DUP_THRESHOLD 3 /* RFC 5681 3.2 */

static uint32_t flight(const struct lull_tcb *tcb)
{
	return lull_seq_sub(tcb->snd.nxt, tcb->snd.una);
}

/* Mark the oldest segment, of what may have been a larger packet. */
static void mark_first(struct lull_tcp *t, struct lull_tcb *tcb)
{
	uint32_t i = tcb->snd.ranges;
	const struct lull_range *r = lull_range_at(t, i);

	if (!i)
		return;
	if (lull_seq_sub(r->end, r->seq) > tcb->opt.mss + 1U)
		(void)lull_range_split(t, tcb, i, tcb->opt.mss);
	lull_range_lost(t, tcb, i);
}

static void mark_all(struct lull_tcp *t, struct lull_tcb *tcb)
{
	for (uint32_t i = tcb->snd.ranges; i; i = lull_range_at(t, i)->next)
		lull_range_lost(t, tcb, i);
	tcb->snd.lost = tcb->snd.ranges;
}

void lull_loss_dup_ack(struct lull_tcp *t, struct lull_tcb *tcb)
{
	if (tcb->flags & LULL_TCB_RECOVERY) {
		tcb->cc.cwnd += tcb->opt.mss; /* one has left the network */
		return;
	}
	if (tcb->dup_acks < UINT8_MAX)
		tcb->dup_acks++;
	/* RFC 6582 3.2 (2): not for what a timeout sends again anyway. */
	if (tcb->dup_acks != DUP_THRESHOLD ||
	    !lull_seq_gt(tcb->snd.una, tcb->cc.recover))
		return;
	if (lull_pmtu_lost(t, tcb))
		return;
	tcb->flags |= LULL_TCB_RECOVERY;
	tcb->cc.recover = tcb->snd.nxt;
	lull_cc_reduce(t, tcb, LULL_CC_LOSS, false);
	tcb->cc.cwnd = tcb->cc.ssthresh + DUP_THRESHOLD * tcb->opt.mss;
	mark_first(t, tcb);
	lull_count(t->g, LULL_COUNT_RENO_RECOVERY);
}

/* RFC 6582 3.2 (3): the ACK ends the recovery, or shows the next hole. */
static void acked_in_recovery(struct lull_tcp *t, struct lull_tcb *tcb,
			      uint32_t bytes)
{
	uint32_t mss = tcb->opt.mss;

	if (lull_seq_ge(tcb->snd.una, tcb->cc.recover)) {
		uint32_t out = lull_max(flight(tcb), mss) + mss;

		tcb->cc.cwnd = lull_min(tcb->cc.ssthresh, out);
		tcb->flags &= ~(uint64_t)LULL_TCB_RECOVERY;
		tcb->dup_acks = 0;
		return;
	}
	tcb->cc.cwnd -= lull_min(bytes, tcb->cc.cwnd - mss);
	if (bytes >= mss)
		tcb->cc.cwnd += mss;
	mark_first(t, tcb);
}

void lull_loss_acked(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t bytes,
		     uint32_t rtt_us)
{
	const struct lull_cc_ack a = {bytes, flight(tcb) + bytes, rtt_us};

	if (tcb->flags & LULL_TCB_RECOVERY) {
		acked_in_recovery(t, tcb, bytes);
		return;
	}
	tcb->dup_acks = 0;
	lull_cc_acked(t, tcb, &a);
}

void lull_loss_timeout(struct lull_tcp *t, struct lull_tcb *tcb)
{
	const struct lull_range *first = lull_range_at(t, tcb->snd.ranges);
	bool again = tcb->rtt.backoff > 0;

	lull_count(t->g, LULL_COUNT_TIMEOUTS);
	if (tcb->flags & LULL_TCB_RECOVERY)
		lull_count(t->g, LULL_COUNT_LOSS_FAILURES);
	if (!again && tcb->snd.ranges)
		lull_tcb_cold(t, tcb)->stuck_ms =
			(uint32_t)t->g->now_ms -
			(t->g->now_us - first->sent_us) / 1000;
	/* RFC 8201 5.4: too big is no congestion, but start slowly. */
	again |= lull_pmtu_timeout(t, tcb);
	lull_cc_reduce(t, tcb, LULL_CC_TIMEOUT, again);
	if (tcb->rtt.backoff < UINT8_MAX)
		tcb->rtt.backoff++; /* RFC 6298 5.5 */
	tcb->flags &= ~(uint64_t)LULL_TCB_RECOVERY;
	tcb->dup_acks = 0;
	tcb->cc.recover = tcb->snd.nxt;
	mark_all(t, tcb);
}

/* The path takes only smaller packets now: all that is out was too big. */
void lull_loss_too_big(struct lull_tcp *t, struct lull_tcb *tcb)
{
	mark_all(t, tcb);
	lull_tcp_want(t, tcb);
}
