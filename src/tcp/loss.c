/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loss.c: how a loss is repaired, and what is done when there was none.
 *
 *	RECOVERY  something is lost, by SACK (rack.c) or three duplicate ACKs
 *	          (RFC 5681 3.2, RFC 6582); until cc.recover is acknowledged
 *	LOSS      a timeout (RFC 6298 5): all that is old is taken for lost
 *
 * With SACK the window of a recovery is that of RFC 6937, as Linux has it: each
 * ACK lets go what it delivered, in proportion. Either state is undone when it
 * turns out that nothing was lost: by timestamps (RFC 3522, 4015), DSACKs for
 * all that was sent again (RFC 3708), or F-RTO (RFC 5682 3).
 *
 * Ranges are marked here or in rack.c; output.c sends them again.
 *
 * Entry points: lull_loss_dup_ack, _acked, _detected, _sent, _timeout,
 * _too_big, _limited.
 */
#include "tcp/tcp.h"

#define DUP_THRESHOLD 3 /* RFC 5681 3.2 */

static struct lull_rack *rack_of(const struct lull_tcp *t,
				 const struct lull_tcb *tcb)
{
	return &lull_tcb_cold(t, tcb)->rack;
}

static uint32_t flight(const struct lull_tcb *tcb)
{
	return lull_seq_sub(tcb->snd.nxt, tcb->snd.una);
}

static void calm_down(struct lull_tcb *tcb, const struct lull_rack *k)
{
	if (!k->sacked && !(k->flags & LULL_RACK_TLP_OUT))
		tcb->flags &= ~(uint64_t)LULL_TCB_DISORDER;
}

/* ---- undoing ---- */

/* What follows is one episode: it is undone as a whole. */
static void note_begin(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_rack *k = rack_of(t, tcb);
	uint32_t again = (k->retrans + tcb->opt.mss - 1U) / tcb->opt.mss;

	k->undo = tcb->snd.una;
	k->flags |= LULL_RACK_UNDO;
	k->flags &= (uint16_t)~LULL_RACK_STAMPED;
	/* -1: nothing was sent again, so nothing can come twice. */
	k->undo_retrans = again ? (int32_t)again : -1;
}

/* RFC 3522 3.2: the ACK's echo is from before we sent anything again. */
static bool was_first(const struct lull_tcp *t, const struct lull_tcb *tcb,
		      const struct lull_seg *seg)
{
	const struct lull_rack *k = rack_of(t, tcb);

	return k->flags & LULL_RACK_STAMPED && tcb->flags & LULL_TCB_TS &&
	       seg->has_ts && seg->tsecr &&
	       (int32_t)(seg->tsecr - k->again_ms) < 0;
}

static bool all_twice(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	const struct lull_rack *k = rack_of(t, tcb);

	return k->flags & LULL_RACK_UNDO && k->undo_retrans == 0;
}

static bool may_undo(const struct lull_tcp *t, const struct lull_tcb *tcb,
		     const struct lull_seg *seg)
{
	return rack_of(t, tcb)->flags & LULL_RACK_UNDO &&
	       (all_twice(t, tcb) || was_first(t, tcb, seg));
}

/* A DSACK may still come, and undo it: LULL_RACK_UNDO stays. */
static void leave(struct lull_tcp *t, struct lull_tcb *tcb)
{
	tcb->flags &= ~(uint64_t)(LULL_TCB_RECOVERY | LULL_TCB_LOSS);
	tcb->dup_acks = 0;
	rack_of(t, tcb)->flags &= (uint16_t) ~(
		LULL_RACK_STAMPED | LULL_RACK_FRTO | LULL_RACK_FRTO_NEW);
}

static void undo(struct lull_tcp *t, struct lull_tcb *tcb,
		 enum lull_counter_id count)
{
	lull_count(t->g, count);
	lull_ranges_found(t, tcb);
	lull_rack_forget(t, tcb);
	lull_cc_undo(t, tcb);
	tcb->rtt.backoff = 0;
	if (tcb->flags & (LULL_TCB_RECOVERY | LULL_TCB_LOSS))
		leave(t, tcb);
	rack_of(t, tcb)->flags &= (uint16_t)~LULL_RACK_UNDO;
}

/* All that was sent again came twice: nothing was lost, the path reorders. */
static void undo_by_dsack(struct lull_tcp *t, struct lull_tcb *tcb)
{
	rack_of(t, tcb)->flags |= LULL_RACK_REORDERS;
	undo(t, tcb, LULL_COUNT_DSACK_UNDO);
}

/* ---- recovery with SACK ---- */

/* RFC 6937 3, with the safe ACK of Linux and of its successor's draft. */
static void prr(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t delivered,
		bool safe)
{
	struct lull_rack *k = rack_of(t, tcb);
	uint32_t pipe = tcb->snd.pipe, mss = tcb->opt.mss;
	uint32_t ssthresh = tcb->cc.ssthresh;
	int64_t may;

	if (!delivered || !k->prior_cwnd)
		return;
	k->prr_delivered += delivered;
	if (pipe > ssthresh) {
		uint64_t part = (uint64_t)ssthresh * k->prr_delivered;

		may = (int64_t)((part + k->prior_cwnd - 1) / k->prior_cwnd) -
		      k->prr_out;
	} else {
		may = (int64_t)k->prr_delivered - k->prr_out;
		may = may > delivered ? may : delivered;
		may += safe ? mss : 0;
		may = may < ssthresh - pipe ? may : ssthresh - pipe;
	}
	/* The first one goes at once. */
	if (k->prr_out == 0 && may < (int64_t)mss)
		may = mss;
	tcb->cc.cwnd = pipe + (may > 0 ? (uint32_t)may : 0);
}

/* Unless what is lost was to find out how large a packet may be. */
static void enter_recovery(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_rack *k = rack_of(t, tcb);

	if (lull_pmtu_lost(t, tcb))
		return;
	lull_count(t->g, LULL_COUNT_SACK_RECOVERY);
	note_begin(t, tcb);
	k->prior_cwnd = tcb->cc.cwnd;
	k->prr_delivered = k->prr_out = 0;
	lull_cc_reduce(t, tcb, LULL_CC_LOSS, false);
	tcb->flags |= LULL_TCB_RECOVERY;
	k->flags &= (uint16_t) ~(LULL_RACK_TLP | LULL_RACK_TLP_OUT);
	tcb->cc.recover = tcb->snd.nxt;
}

void lull_loss_detected(struct lull_tcp *t, struct lull_tcb *tcb)
{
	if (tcb->flags & (LULL_TCB_RECOVERY | LULL_TCB_LOSS))
		return;
	enter_recovery(t, tcb);
	if (tcb->flags & LULL_TCB_RECOVERY)
		prr(t, tcb, tcb->opt.mss, false);
}

/* Is it over, or was it for nothing? */
static void in_recovery(struct lull_tcp *t, struct lull_tcb *tcb,
			const struct lull_seg *seg, const struct lull_acked *a)
{
	if (lull_seq_ge(tcb->snd.una, tcb->cc.recover)) {
		if (may_undo(t, tcb, seg)) {
			undo(t, tcb, LULL_COUNT_FULL_UNDO);
			return;
		}
		tcb->cc.cwnd = tcb->cc.ssthresh;
		leave(t, tcb);
		lull_rack_recovered(t, tcb);
	} else if (a->bytes && was_first(t, tcb, seg)) {
		/* The hole was filled by what we sent first: it was late. */
		lull_rack_reorders(t, tcb, a->una, LULL_COUNT_TS_REORDER);
		if (rack_of(t, tcb)->retrans == 0)
			undo(t, tcb, LULL_COUNT_PARTIAL_UNDO);
	} else if (all_twice(t, tcb)) {
		undo_by_dsack(t, tcb);
	}
}

/* ---- after a timeout ---- */

static bool has_new(const struct lull_tcb *tcb)
{
	return lull_seq_lt(tcb->snd.nxt, tcb->snd.end) &&
	       flight(tcb) < tcb->snd.wnd;
}

/* RFC 5682 3. true: it was no loss. */
static bool frto(struct lull_tcp *t, struct lull_tcb *tcb,
		 const struct lull_acked *a)
{
	struct lull_rack *k = rack_of(t, tcb);
	bool goes_on = false;

	if (!(k->flags & LULL_RACK_FRTO))
		return false;
	k->flags &= (uint16_t)~LULL_RACK_FRTO_NEW;
	if (a->original) { /* (3) b: what was sent once has arrived */
		lull_count(t->g, LULL_COUNT_SPURIOUS_RTOS);
		undo(t, tcb, LULL_COUNT_LOSS_UNDO);
		return true;
	}
	if (lull_seq_gt(tcb->snd.nxt, tcb->cc.recover)) {
		goes_on = !a->sacked && !a->dup; /* else (3) a */
	} else if (!a->bytes) {
		goes_on = true;
	} else if (lull_seq_lt(tcb->snd.una, tcb->cc.recover) &&
		   has_new(tcb)) { /* (2) b */
		tcb->cc.recover = tcb->snd.nxt;
		k->flags |= LULL_RACK_FRTO_NEW;
		goes_on = true;
	}
	if (!goes_on)
		k->flags &= (uint16_t)~LULL_RACK_FRTO;
	return false;
}

static void in_loss(struct lull_tcp *t, struct lull_tcb *tcb,
		    const struct lull_seg *seg, const struct lull_acked *a)
{
	if (may_undo(t, tcb, seg) && (a->bytes || a->dsack)) {
		undo(t, tcb, LULL_COUNT_LOSS_UNDO);
		return;
	}
	if (frto(t, tcb, a))
		return;
	if (lull_seq_ge(tcb->snd.una, tcb->cc.recover)) {
		leave(t, tcb);
		lull_rack_recovered(t, tcb);
	}
}

/* ---- each ACK, with SACK ---- */

static void grow(struct lull_tcp *t, struct lull_tcb *tcb,
		 const struct lull_acked *a)
{
	const struct lull_cc_ack ack = {a->delivered, flight(tcb) + a->bytes,
					a->rtt_us};

	lull_cc_acked(t, tcb, &ack);
}

/* RFC 2018 8: it was reported, and yet the ACK stops before it. */
static void watch_reneging(struct lull_tcp *t, struct lull_tcb *tcb)
{
	const struct lull_range *r = lull_range_at(t, tcb->snd.ranges);
	uint32_t ms = lull_max(tcb->rtt.srtt_us / 2000, 10);

	if (tcb->snd.ranges && r->flags & LULL_RANGE_SACKED)
		lull_timer_set(t, tcb, LULL_TIMER_RTO, ms);
}

static void acked_uneasy(struct lull_tcp *t, struct lull_tcb *tcb,
			 const struct lull_seg *seg, const struct lull_acked *a)
{
	struct lull_rack *k = rack_of(t, tcb);
	uint32_t newly_lost;

	if (k->flags & LULL_RACK_TLP_OUT && lull_tlp_acked(t, tcb, a)) {
		lull_cc_reduce(t, tcb, LULL_CC_LOSS, false);
		tcb->cc.cwnd = lull_min(tcb->cc.cwnd, tcb->cc.ssthresh);
		k->flags &= (uint16_t)~LULL_RACK_UNDO;
	}
	calm_down(tcb, k);
	if (tcb->flags & LULL_TCB_RECOVERY)
		in_recovery(t, tcb, seg, a);
	else if (tcb->flags & LULL_TCB_LOSS)
		in_loss(t, tcb, seg, a);
	else if (a->dsack && all_twice(t, tcb))
		undo_by_dsack(t, tcb);
	newly_lost = lull_rack_detect(t, tcb);
	if (newly_lost && !(tcb->flags & (LULL_TCB_RECOVERY | LULL_TCB_LOSS)))
		enter_recovery(t, tcb);
	if (tcb->flags & LULL_TCB_RECOVERY)
		prr(t, tcb, a->delivered, a->bytes && !newly_lost);
	else if (a->bytes || k->reordering > t->g->knobs.reordering)
		grow(t, tcb, a);
	watch_reneging(t, tcb);
}

/* ---- without SACK: RFC 6582 ---- */

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

uint32_t lull_loss_limited(const struct lull_tcb *tcb)
{
	if (tcb->flags & (LULL_TCB_SACK | LULL_TCB_RECOVERY) ||
	    !lull_seq_gt(tcb->snd.una, tcb->cc.recover))
		return 0;
	return lull_min(tcb->dup_acks, DUP_THRESHOLD - 1U) * tcb->opt.mss;
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
	note_begin(t, tcb);
	tcb->flags |= LULL_TCB_RECOVERY;
	tcb->cc.recover = tcb->snd.nxt;
	lull_cc_reduce(t, tcb, LULL_CC_LOSS, false);
	tcb->cc.cwnd = tcb->cc.ssthresh + DUP_THRESHOLD * tcb->opt.mss;
	mark_first(t, tcb);
	lull_count(t->g, LULL_COUNT_RENO_RECOVERY);
}

/* RFC 6582 3.2 (3): the ACK ends the recovery, or shows the next hole. */
static void reno_in_recovery(struct lull_tcp *t, struct lull_tcb *tcb,
			     const struct lull_seg *seg, uint32_t bytes)
{
	uint32_t mss = tcb->opt.mss;

	if (lull_seq_ge(tcb->snd.una, tcb->cc.recover)) {
		uint32_t out = lull_max(flight(tcb), mss) + mss;

		if (may_undo(t, tcb, seg)) {
			tcb->cc.cwnd = tcb->cc.ssthresh;
			undo(t, tcb, LULL_COUNT_FULL_UNDO);
			return;
		}
		tcb->cc.cwnd = lull_min(tcb->cc.ssthresh, out);
		leave(t, tcb);
		return;
	}
	tcb->cc.cwnd -= lull_min(bytes, tcb->cc.cwnd - mss);
	if (bytes >= mss)
		tcb->cc.cwnd += mss;
	mark_first(t, tcb);
}

static void reno_acked(struct lull_tcp *t, struct lull_tcb *tcb,
		       const struct lull_seg *seg, const struct lull_acked *a)
{
	if (!a->bytes)
		return;
	if (tcb->flags & LULL_TCB_RECOVERY) {
		reno_in_recovery(t, tcb, seg, a->bytes);
		return;
	}
	tcb->dup_acks = 0;
	if (tcb->flags & LULL_TCB_LOSS)
		in_loss(t, tcb, seg, a);
	/* It comes along: 2 GB behind it would seem to be ahead. */
	else if (lull_seq_gt(tcb->snd.una, tcb->cc.recover))
		tcb->cc.recover = lull_seq(tcb->snd.una.v - 1);
	grow(t, tcb, a);
}

/* ---- entry points ---- */

void lull_loss_acked(struct lull_tcp *t, struct lull_tcb *tcb,
		     const struct lull_seg *seg, const struct lull_acked *a)
{
	if (!(tcb->flags & LULL_TCB_SACK)) {
		reno_acked(t, tcb, seg, a);
		return;
	}
	lull_rack_acked(t, tcb, a);
	if (a->dsack || tcb->flags & LULL_TCB_UNEASY)
		acked_uneasy(t, tcb, seg, a);
	else if (a->bytes)
		grow(t, tcb, a);
}

void lull_loss_sent(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t bytes,
		    bool again)
{
	struct lull_rack *k = rack_of(t, tcb);

	k->prr_out += bytes;
	if (!again)
		return;
	k->total_retrans++;
	k->undo_retrans = k->undo_retrans < 0 ? 1 : k->undo_retrans + 1;
	if (!(k->flags & LULL_RACK_STAMPED)) {
		k->flags |= LULL_RACK_STAMPED;
		k->again_ms = lull_ts_now(t, tcb->opt.ts_offset);
	}
}

/* RFC 8985 6.3: not what may still come; and all, if the peer threw away what
 * it had (RFC 2018 8). */
static void mark_old(struct lull_tcp *t, struct lull_tcb *tcb)
{
	uint32_t first = tcb->snd.ranges;
	bool reneged = lull_range_at(t, first)->flags & LULL_RANGE_SACKED;
	bool all = reneged || !(tcb->flags & LULL_TCB_SACK);

	if (!first)
		return;
	if (reneged)
		lull_count(t->g, LULL_COUNT_SACK_RENEGING);
	for (uint32_t i = first; i; i = lull_range_at(t, i)->next) {
		if (reneged)
			lull_range_reneged(t, tcb, i);
		if (all || i == first ||
		    lull_rack_is_late(t, tcb, lull_range_at(t, i)))
			lull_range_lost(t, tcb, i);
	}
	calm_down(tcb, rack_of(t, tcb));
}

static void count_timeout(struct lull_tcp *t, const struct lull_tcb *tcb)
{
	bool sack = tcb->flags & LULL_TCB_SACK;

	lull_count(t->g, LULL_COUNT_TIMEOUTS);
	if (tcb->flags & LULL_TCB_RECOVERY)
		lull_count(t->g, sack ? LULL_COUNT_SACK_RECOVERY_FAIL
				      : LULL_COUNT_LOSS_FAILURES);
	else if (sack && tcb->flags & LULL_TCB_LOSS && tcb->rtt.backoff == 0)
		lull_count(t->g, LULL_COUNT_LOSS_FAILURES);
	else if (lull_tcb_cold(t, tcb)->rack.sacked && tcb->rtt.backoff == 0)
		lull_count(t->g, LULL_COUNT_SACK_FAILURES);
}

void lull_loss_timeout(struct lull_tcp *t, struct lull_tcb *tcb)
{
	const struct lull_range *first = lull_range_at(t, tcb->snd.ranges);
	struct lull_rack *k = rack_of(t, tcb);
	bool in_recovery_now = tcb->flags & LULL_TCB_RECOVERY;
	bool again = tcb->rtt.backoff > 0 || in_recovery_now;

	count_timeout(t, tcb);
	if (tcb->rtt.backoff == 0 && tcb->snd.ranges)
		lull_tcb_cold(t, tcb)->stuck_ms =
			(uint32_t)t->g->now_ms -
			lull_us_since(t, first->sent_us) / 1000;
	/* RFC 8201 5.4: too big is no congestion, but start slowly. */
	again |= lull_pmtu_timeout(t, tcb);
	if (!again)
		note_begin(t, tcb);
	lull_cc_reduce(t, tcb, LULL_CC_TIMEOUT, again);
	k->flags &= (uint16_t) ~(LULL_RACK_FRTO | LULL_RACK_FRTO_NEW);
	if (tcb->flags & LULL_TCB_SACK && t->g->knobs.frto && !in_recovery_now)
		k->flags |= LULL_RACK_FRTO;
	if (tcb->rtt.backoff < UINT8_MAX)
		tcb->rtt.backoff++; /* RFC 6298 5.5 */
	tcb->flags &= ~(uint64_t)LULL_TCB_RECOVERY;
	k->flags &= (uint16_t) ~(LULL_RACK_TLP | LULL_RACK_TLP_OUT);
	tcb->flags |= LULL_TCB_LOSS;
	tcb->dup_acks = 0;
	tcb->cc.recover = tcb->snd.nxt;
	lull_tcb_cold(t, tcb)->part = tcb->snd.nxt; /* of nothing */
	mark_old(t, tcb);
	tcb->cc.cwnd = lull_max(tcb->cc.cwnd, tcb->snd.pipe + tcb->opt.mss);
}

/* The path takes only smaller packets now: all that is out was too big. */
void lull_loss_too_big(struct lull_tcp *t, struct lull_tcb *tcb)
{
	for (uint32_t i = tcb->snd.ranges; i; i = lull_range_at(t, i)->next)
		lull_range_lost(t, tcb, i);
	lull_tcb_cold(t, tcb)->part = tcb->snd.nxt; /* of nothing */
	lull_tcp_want(t, tcb);
}
