/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ack.c: what an acceptable ACK does: 3.10.7.4, fifth.
 *
 * Frees what is acknowledged, samples the RTT (RFC 6298 with RFC 7323 4),
 * moves the window, and tells loss.c and close.c.
 *
 * Entry point: lull_ack_take.
 */
#include "tcp/tcp.h"

/* A sample from the echo, when no clean range gives one. 0: none. */
static uint32_t echo_us(const struct lull_acked *a)
{
	return a->has_echo ? lull_max(a->echo_ms * 1000, 1) : 0;
}

static void take_echo(const struct lull_tcp *t, const struct lull_tcb *tcb,
		      const struct lull_seg *seg, struct lull_acked *a)
{
	if (!(tcb->flags & LULL_TCB_TS) || !seg->has_ts || !seg->tsecr)
		return;
	a->echo_ms = lull_ts_now(t, tcb->opt.ts_offset) - seg->tsecr;
	/* An echo from the future, or of last week, is somebody's invention. */
	a->has_echo = a->echo_ms < 3600 * 1000;
}

static void take_new(struct lull_tcp *t, struct lull_tcb *tcb,
		     const struct lull_seg *seg, struct lull_acked *a)
{
	a->bytes = lull_seq_sub(seg->ack, tcb->snd.una);
	lull_ranges_acked(t, tcb, seg->ack, a);
	lull_sendq_acked(t, tcb, seg->ack);
	if ((seg->ack.v ^ tcb->snd.una.v) >> 28 && tcb->quarters < 4)
		tcb->quarters++;
	tcb->snd.una = seg->ack;
	if (a->bytes >= tcb->opt.mss)
		tcb->flags |= LULL_TCB_MSS_PROVED;
	if (tcb->flags & LULL_TCB_PMTU_ACKS)
		lull_pmtu_acked(t, tcb);
	lull_tally_acked(t, tcb, a->una);
	if (tcb->rtt.backoff > 0)
		lull_tally_repaired(t, tcb);
	tcb->rtt.backoff = 0;
	tcb->flags |= LULL_TCB_CONFIRM;
}

static void sample(struct lull_tcp *t, struct lull_tcb *tcb,
		   struct lull_acked *a)
{
	/* Karn (MUST-18). What was sent once, behind what was sent twice, has
	 * waited at the peer for that: its time is none of the path's. */
	if (a->again || !a->rtt_us)
		a->rtt_us = a->sack_us;
	if (a->rtt_us)
		lull_rack_min_rtt(t, tcb, a->rtt_us);
	else if (a->bytes)
		a->rtt_us = echo_us(a);
	if (a->rtt_us)
		lull_rtt_sample(t, tcb, a->rtt_us);
}

/* RFC 6298 5.2, 5.3; the probe's time begins anew as well. */
static void restart_timer(struct lull_tcp *t, struct lull_tcb *tcb)
{
	if (!(lull_tcb_cold(t, tcb)->rack.flags & LULL_RACK_REO_TIMER))
		lull_timer_clear(tcb, LULL_TIMER_LOSS);
	if (lull_seq_eq(tcb->snd.una, tcb->snd.nxt))
		lull_timer_clear(tcb, LULL_TIMER_RTO);
	else
		lull_timer_set(t, tcb, LULL_TIMER_RTO,
			       lull_rtt_timeout_ms(t, tcb));
}

/* Was it sent after the oldest? Then its SACK says nothing of that one. */
static bool oldest_waits(const struct lull_tcp *t, const struct lull_tcb *tcb,
			 const struct lull_acked *a)
{
	const struct lull_range *r = lull_range_at(t, tcb->snd.ranges);

	return a->sack_us <= lull_us_since(t, r->sent_us);
}

/* RFC 5681 2: would this be a duplicate of the last one? */
static bool is_dup(const struct lull_tcb *tcb, const struct lull_seg *seg)
{
	return lull_seq_eq(seg->ack, tcb->snd.una) &&
	       !lull_seq_eq(tcb->snd.una, tcb->snd.nxt) &&
	       lull_seg_len(seg) == 0 &&
	       (uint32_t)seg->wnd << tcb->opt.snd_wscale == tcb->snd.wnd;
}

/* Is it newer than what the window was taken from? What acknowledges more is,
 * also when it was overtaken: SND.WND counts from SND.UNA. */
static bool moves_window(const struct lull_tcb *tcb, const struct lull_seg *seg,
			 bool advances)
{
	if (advances)
		return true;
	if (lull_seq_lt(seg->ack, tcb->snd.una))
		return false;
	return lull_seq_lt(tcb->snd.wl1, seg->seq) ||
	       (lull_seq_eq(tcb->snd.wl1, seg->seq) &&
		lull_seq_le(tcb->snd.wl2, seg->ack));
}

static void move_window(struct lull_tcb *tcb, const struct lull_seg *seg)
{
	uint32_t wnd = (uint32_t)seg->wnd << tcb->opt.snd_wscale;

	/* An open window, or an answer to a probe: the wait begins anew. */
	if (tcb->flags & LULL_TCB_PERSIST) {
		if (wnd > tcb->snd.wnd) {
			tcb->flags &= ~(uint64_t)LULL_TCB_PERSIST;
			lull_timer_clear(tcb, LULL_TIMER_RTO);
			tcb->rtt.backoff = 0;
		}
		tcb->snd.probes = 0;
	}
	tcb->snd.wnd = wnd;
	tcb->snd.wnd_max = lull_max(tcb->snd.wnd_max, wnd);
	tcb->snd.wl1 = seg->seq;
	tcb->snd.wl2 = seg->ack;
}

static bool fin_is_acked(const struct lull_tcb *tcb)
{
	/* FIN takes the number behind the last byte. */
	return tcb->flags & LULL_TCB_FIN &&
	       lull_seq_gt(tcb->snd.una, tcb->snd.end);
}

bool lull_ack_take(struct lull_tcp *t, struct lull_tcb *tcb,
		   const struct lull_seg *seg)
{
	struct lull_acked a = {.una = tcb->snd.una};
	bool advances = lull_seq_gt(seg->ack, tcb->snd.una);
	bool had_fin = fin_is_acked(tcb);

	take_echo(t, tcb, seg, &a);
	if (advances)
		take_new(t, tcb, seg, &a);
	else
		a.dup = is_dup(tcb, seg);
	if (seg->sacks && tcb->flags & LULL_TCB_SACK)
		lull_sack_take(t, tcb, seg, &a);
	if (advances || a.sacked)
		sample(t, tcb, &a);
	if (advances || (a.sacked && !oldest_waits(t, tcb, &a)))
		restart_timer(t, tcb);
	if (advances || a.sacked || a.dsack || tcb->flags & LULL_TCB_UNEASY)
		lull_loss_acked(t, tcb, seg, &a);
	if (a.dup && !(tcb->flags & LULL_TCB_SACK))
		lull_loss_dup_ack(t, tcb);
	if (advances && !had_fin && fin_is_acked(tcb) &&
	    !lull_fin_acked(t, tcb))
		return false;
	if (moves_window(tcb, seg, advances))
		move_window(tcb, seg);
	lull_sendq_tell(t, tcb);
	lull_tcp_want(t, tcb);
	return true;
}
