/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * quick.c: in profile linux the first ACKs of a connection don't wait, nor
 * those after a pause or a gap, so that the peer's window opens fast: up to 16,
 * no more than half a window of segments. It ends at once where the program
 * answers what it got ("pingpong"): then the answer carries the ACK.
 *
 * Profile lull has none of it: an ACK waits as RFC 9293 3.8.6.3 says.
 *
 * Entry points: lull_quick_begin, _heard, _again, _is, _acked, _answered.
 */
#include "tcp/tcp.h"

enum {
	ACKS_MAX = 16,
	ACKS_LEAST = 2,
	ACKS = 31, /* the bits that count them */
	PINGPONG = 32,
	HEARD = 64,   /* text has come */
	IN_USE = 128, /* profile linux */
};

static void fill(const struct lull_tcp *t, struct lull_tcb *tcb)
{
	uint32_t mss = lull_tcb_cold(t, tcb)->tally.rcv_mss;
	uint32_t wnd = lull_seq_lt(tcb->rcv.nxt, tcb->rcv.edge)
			       ? lull_seq_sub(tcb->rcv.edge, tcb->rcv.nxt)
			       : 0;
	uint32_t n = wnd / (2 * lull_max(mss, 536));

	n = lull_min(lull_max(n, ACKS_LEAST), ACKS_MAX);
	if (n > (tcb->rcv.quick & ACKS))
		tcb->rcv.quick = (uint8_t)((tcb->rcv.quick & ~ACKS) | n);
}

void lull_quick_begin(const struct lull_tcp *t, struct lull_tcb *tcb)
{
	if (t->g->profile == LULL_PROFILE_LINUX)
		tcb->rcv.quick = IN_USE;
}

void lull_quick_heard(const struct lull_tcp *t, struct lull_tcb *tcb)
{
	uint32_t pause_ms = (uint32_t)t->g->now_ms -
			    lull_tcb_cold(t, tcb)->tally.heard_text_ms;

	if (!tcb->rcv.quick)
		return;
	/* After so long the peer's window begins anew. */
	if (!(tcb->rcv.quick & HEARD) || pause_ms > tcb->rtt.rto_us / 1000)
		fill(t, tcb);
	tcb->rcv.quick |= HEARD;
}

void lull_quick_again(const struct lull_tcp *t, struct lull_tcb *tcb)
{
	if (!tcb->rcv.quick)
		return;
	fill(t, tcb);
	tcb->rcv.quick &= (uint8_t)~PINGPONG;
}

bool lull_quick_is(const struct lull_tcb *tcb)
{
	return tcb->rcv.quick & ACKS && !(tcb->rcv.quick & PINGPONG);
}

void lull_quick_acked(struct lull_tcb *tcb)
{
	if (tcb->rcv.quick & ACKS)
		tcb->rcv.quick--;
}

void lull_quick_answered(const struct lull_tcp *t, struct lull_tcb *tcb)
{
	if (tcb->rcv.quick & HEARD &&
	    (uint32_t)t->g->now_ms -
			    lull_tcb_cold(t, tcb)->tally.heard_text_ms <
		    LULL_DELAYED_ACK_MS)
		tcb->rcv.quick |= PINGPONG;
}
