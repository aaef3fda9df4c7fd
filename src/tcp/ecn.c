/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ecn.c: explicit congestion notification (RFC 3168, as RFC 8311 left it).
 *
 *	agreed on   in both SYNs: open.c, half.c, and a cookie's timestamp
 *	sent        ECT(0) on new text alone; nothing that is sent again, no
 *	            pure ACK, probe or RST has it (6.1.4 to 6.1.6)
 *	received    CE: each segment of ours has ECE until CWR comes (6.1.3)
 *	echoed      ECE: the window is cut once a window, and the next new text
 *	            has CWR (6.1.2); so it has after any other cut, unless that
 *	            is undone
 *
 * Entry points: lull_ecn_is_asked, lull_ecn_arrives, lull_ecn_mark,
 * lull_ecn_reduced.
 */
#include "tcp/tcp.h"

enum {
	ECT_0 = 2,
	CE = 3,
	IP_BITS = 3,
	BOTH = LULL_ECE | LULL_CWR,
};

/* 6.1.1; a SYN that has ECT itself passed something that sets it on all. */
bool lull_ecn_is_asked(const struct lull_tcp *t, const struct lull_seg *syn)
{
	return t->g->knobs.ecn && (syn->flags & BOTH) == BOTH &&
	       !(syn->tos & IP_BITS);
}

static void take_marks(struct lull_tcb *tcb, const struct lull_seg *seg)
{
	if (seg->flags & LULL_CWR) {
		/* Its window may be a single segment: it waits for us. */
		tcb->snd.ecn &= (uint8_t)~LULL_ECN_ECE;
		tcb->flags |= LULL_TCB_ACK_NOW;
	}
	if ((seg->tos & IP_BITS) == CE) {
		if (!(tcb->snd.ecn & LULL_ECN_ECE))
			tcb->flags |= LULL_TCB_ACK_NOW;
		tcb->snd.ecn |= LULL_ECN_ECE;
	}
}

static void take_echo(struct lull_tcp *t, struct lull_tcb *tcb,
		      const struct lull_seg *seg)
{
	uint32_t bytes = lull_seq_sub(seg->ack, tcb->snd.una);
	uint32_t mss = tcb->opt.mss, segs = (bytes + mss - 1) / mss;

	lull_count_n(t->g, LULL_COUNT_DELIVERED_CE, segs);
	lull_tcb_cold(t, tcb)->tally.marked += segs;
	if (lull_seq_eq(tcb->snd.una, tcb->snd.nxt))
		return;
	if (tcb->snd.ecn & LULL_ECN_REDUCED) {
		if (!(tcb->snd.ecn & LULL_ECN_CWR_WND))
			lull_cc_confirm(t, tcb); /* it was for a loss */
		return;
	}
	/* 6.1.2: below one segment only by waiting. */
	if (tcb->cc.cwnd <= mss)
		lull_pace_wait(t, tcb, lull_rtt_timeout_ms(t, tcb));
	lull_cc_reduce(t, tcb, LULL_CC_ECN, false);
}

void lull_ecn_arrives(struct lull_tcp *t, struct lull_tcb *tcb,
		      const struct lull_seg *seg)
{
	if (seg->text_len > 0)
		take_marks(tcb, seg);
	/* Above it: what carried CWR has come. */
	if (tcb->snd.ecn & LULL_ECN_REDUCED &&
	    lull_seq_gt(seg->ack, lull_tcb_cold(t, tcb)->more.ecn_end))
		tcb->snd.ecn &=
			(uint8_t) ~(LULL_ECN_REDUCED | LULL_ECN_CWR_WND);
	if (seg->flags & LULL_ECE && lull_seq_ge(seg->ack, tcb->snd.una))
		take_echo(t, tcb, seg);
}

void lull_ecn_mark(struct lull_tcb *tcb, struct lull_tx *tx,
		   struct lull_seg *out, bool fresh)
{
	if (tcb->snd.ecn & LULL_ECN_ECE && !(out->flags & LULL_SYN))
		out->flags |= LULL_ECE;
	if (!fresh || tcb->flags & LULL_TCB_PERSIST)
		return;
	tx->tos |= ECT_0;
	if (tcb->snd.ecn & LULL_ECN_CWR)
		out->flags |= LULL_CWR;
	tcb->snd.ecn &= (uint8_t)~LULL_ECN_CWR;
}

void lull_ecn_reduced(struct lull_tcp *t, struct lull_tcb *tcb,
		      enum lull_cc_event event)
{
	if (tcb->state == LULL_TCP_SYN_SENT)
		return; /* offered only, and a SYN was lost */
	lull_tcb_cold(t, tcb)->more.ecn_end = tcb->snd.nxt;
	tcb->snd.ecn |= LULL_ECN_CWR | LULL_ECN_REDUCED;
	if (event == LULL_CC_ECN)
		tcb->snd.ecn |= LULL_ECN_CWR_WND;
	else if (event == LULL_CC_TIMEOUT)
		tcb->snd.ecn &= (uint8_t)~LULL_ECN_CWR_WND;
}
