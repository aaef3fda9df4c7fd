/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rack.c: RACK-TLP (RFC 8985): what is lost, by the time at which it was sent.
 *
 * Of what has arrived one segment was sent last. What was sent before it, by
 * more than the path may reorder, is lost. Ranges in flight stand in the order
 * of sending, so that the walk ends at the first that may still come. When
 * nothing arrives any more, a probe asks after the last segment.
 *
 * Where tcp_recovery says so losses are counted instead (RFC 6675 4, IsLost).
 *
 * Entry points: lull_rack_init, _min_rtt, _acked, _detect, _is_late,
 * _reorders, _recovered, _forget, _timer; lull_tlp_schedule, _sent, _acked.
 */
#include "tcp/tcp.h"

enum {
	BY_TIME = 1, /* bits of tcp_recovery */
	STATIC_WND = 2,
	NO_COUNT = 4,
	PERSIST = 16, /* recoveries that a wider window lasts: 6.2 step 4 */
	PTO_MIN_US = 2000, /* over two round trips, as Linux */
};

static struct lull_rack *rack_of(const struct lull_tcp *t,
				 const struct lull_tcb *tcb)
{
	return &lull_tcb_cold(t, tcb)->rack;
}

static bool repairs(const struct lull_tcb *tcb)
{
	return tcb->flags & (LULL_TCB_RECOVERY | LULL_TCB_LOSS);
}

void lull_rack_init(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_rack *k = rack_of(t, tcb);

	tcb->flags &= ~(uint64_t)LULL_TCB_UNEASY;
	k->reordering = (uint16_t)t->g->knobs.reordering;
	k->reo_mult = 1;
	k->fack = tcb->snd.una;
	k->flags = 0;
}

/* The least of the last tcp_min_rtt_wlen seconds, nearly: then it begins anew.
 */
void lull_rack_min_rtt(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t us)
{
	struct lull_rack *k = rack_of(t, tcb);
	uint32_t now_ms = (uint32_t)t->g->now_ms;

	if (!k->rtt_us) /* of the handshake */
		k->rtt_us = us;
	if (k->min_rtt_us && us > k->min_rtt_us &&
	    now_ms - k->min_rtt_ms <=
		    (uint32_t)t->g->knobs.min_rtt_wlen_s * 1000)
		return;
	k->min_rtt_us = us;
	k->min_rtt_ms = now_ms;
}

/* ---- steps 1 to 4 ---- */

static bool sent_after(uint32_t us, struct lull_seq end, uint32_t than_us,
		       struct lull_seq than_end)
{
	return (int32_t)(us - than_us) > 0 ||
	       (us == than_us && lull_seq_gt(end, than_end));
}

void lull_rack_reorders(struct lull_tcp *t, struct lull_tcb *tcb,
			struct lull_seq low, enum lull_counter_id count)
{
	struct lull_rack *k = rack_of(t, tcb);
	uint32_t most = (uint32_t)t->g->knobs.max_reordering, degree;

	if (!lull_seq_lt(low, k->fack))
		return;
	degree =
		(lull_seq_sub(k->fack, low) + tcb->opt.mss - 1U) / tcb->opt.mss;
	if (degree > k->reordering)
		k->reordering = (uint16_t)lull_min(degree, most);
	k->flags |= LULL_RACK_REORDERS;
	lull_count(t->g, count);
}

/* Step 4: what came twice was sent again too early. Once in a round trip. */
static void widen(struct lull_tcp *t, struct lull_tcb *tcb,
		  const struct lull_acked *a)
{
	struct lull_rack *k = rack_of(t, tcb);

	if (k->flags & LULL_RACK_ROUND && lull_seq_ge(tcb->snd.una, k->round))
		k->flags &= (uint16_t)~LULL_RACK_ROUND;
	if (!a->dsack || a->dsack_tlp || k->flags & LULL_RACK_ROUND ||
	    !(k->flags & LULL_RACK_REORDERS) ||
	    t->g->knobs.recovery & STATIC_WND)
		return;
	k->flags |= LULL_RACK_ROUND;
	k->round = tcb->snd.nxt;
	k->reo_persist = PERSIST;
	if (k->reo_mult < UINT8_MAX)
		k->reo_mult++;
}

void lull_rack_acked(struct lull_tcp *t, struct lull_tcb *tcb,
		     const struct lull_acked *a)
{
	struct lull_rack *k = rack_of(t, tcb);

	if (a->late)
		lull_rack_reorders(t, tcb, a->low, LULL_COUNT_SACK_REORDER);
	if (a->any) {
		if (!sent_after(k->xmit_us, k->end, a->newest_us,
				a->newest_end)) {
			k->xmit_us = a->newest_us;
			k->end = a->newest_end;
			k->rtt_us = lull_us_since(t, a->newest_us);
		}
		k->fack = lull_seq_max(k->fack, a->high);
	}
	if (a->dsack || k->flags & LULL_RACK_ROUND)
		widen(t, tcb, a);
}

void lull_rack_recovered(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_rack *k = rack_of(t, tcb);

	if (k->reo_persist > 0 && --k->reo_persist == 0)
		k->reo_mult = 1;
}

/*
 * What seemed to be the ACK of a retransmission was that of the first one: of
 * what is out nothing was sent before what has arrived, as far as we know.
 */
void lull_rack_forget(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_rack *k = rack_of(t, tcb);
	const struct lull_range *first = lull_range_at(t, k->flying);

	if (!k->flying)
		return;
	k->xmit_us = first->sent_us;
	k->end = first->seq;
}

/* ---- step 5: detect ---- */

static uint32_t reo_wnd_us(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	const struct lull_rack *k = rack_of(t, tcb);
	uint64_t us = (uint64_t)k->min_rtt_us / 4 * k->reo_mult;
	bool counts = !(t->g->knobs.recovery & NO_COUNT);

	if (!(k->flags & LULL_RACK_REORDERS)) {
		if (repairs(tcb))
			return 0;
		if (counts &&
		    k->sacked >= (uint32_t)k->reordering * tcb->opt.mss)
			return 0;
	}
	return us < tcb->rtt.srtt_us ? (uint32_t)us : tcb->rtt.srtt_us;
}

/* Microseconds until it is lost; 0 and less: it is. */
static int32_t left_us(const struct lull_tcp *t, const struct lull_tcb *tcb,
		       const struct lull_range *r)
{
	return (int32_t)(r->sent_us + rack_of(t, tcb)->rtt_us +
			 reo_wnd_us(t, tcb) - t->g->now_us);
}

bool lull_rack_is_late(const struct lull_tcp *t, const struct lull_tcb *tcb,
		       const struct lull_range *r)
{
	return left_us(t, tcb, r) <= 0;
}

static uint32_t lose(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t i)
{
	const struct lull_range *r = lull_range_at(t, i);

	if (r->flags & LULL_RANGE_RETRANS)
		lull_count(t->g, LULL_COUNT_LOST_RETRANSMIT);
	lull_range_lost(t, tcb, i);
	return lull_seq_sub(r->end, r->seq);
}

static void wait_for(struct lull_tcp *t, struct lull_tcb *tcb, int32_t us)
{
	rack_of(t, tcb)->flags |= LULL_RACK_REO_TIMER;
	lull_timer_set(t, tcb, LULL_TIMER_LOSS, ((uint32_t)us + 999) / 1000);
}

static uint32_t detect_by_time(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_rack *k = rack_of(t, tcb);
	uint32_t lost = 0, i = k->flying;

	while (i) {
		const struct lull_range *r = lull_range_at(t, i);
		uint32_t next = r->links.next;
		int32_t us = left_us(t, tcb, r);

		if (!sent_after(k->xmit_us, k->end, r->sent_us, r->end))
			break;
		if (us > 0) {
			wait_for(t, tcb, us);
			return lost;
		}
		lost += lose(t, tcb, i);
		i = next;
	}
	if (k->flags & LULL_RACK_REO_TIMER) {
		k->flags &= (uint16_t)~LULL_RACK_REO_TIMER;
		lull_timer_clear(tcb, LULL_TIMER_LOSS);
	}
	return lost;
}

/* RFC 6675 4: so much above it has arrived. Never what was sent again. */
static uint32_t detect_by_count(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_rack *k = rack_of(t, tcb);
	uint32_t least = (uint32_t)k->reordering * tcb->opt.mss;
	uint32_t above = k->sacked, lost = 0;

	for (uint32_t i = tcb->snd.ranges; i && above >= least;
	     i = lull_range_at(t, i)->next) {
		const struct lull_range *r = lull_range_at(t, i);

		if (r->flags & LULL_RANGE_SACKED)
			above -= lull_seq_sub(r->end, r->seq);
		else if (!(r->flags & (LULL_RANGE_LOST | LULL_RANGE_RETRANS)))
			lost += lose(t, tcb, i);
	}
	return lost;
}

uint32_t lull_rack_detect(struct lull_tcp *t, struct lull_tcb *tcb)
{
	if (t->g->knobs.recovery & BY_TIME)
		return detect_by_time(t, tcb);
	return detect_by_count(t, tcb);
}

/* ---- 7: tail loss probe ---- */

/* 7.2: once for each tail, and only while nothing else is known. */
void lull_tlp_schedule(struct lull_tcp *t, struct lull_tcb *tcb)
{
	uint32_t out = lull_seq_sub(tcb->snd.nxt, tcb->snd.una);
	uint32_t us = 2 * tcb->rtt.srtt_us, *at = tcb->tmr.at;

	if (t->g->knobs.early_retrans < 3 || !tcb->rtt.srtt_us ||
	    tcb->flags & (LULL_TCB_UNEASY | LULL_TCB_PERSIST) ||
	    tcb->snd.lost || rack_of(t, tcb)->flags & LULL_RACK_TLP)
		return;
	/* One alone: its ACK may be delayed. */
	us += out <= tcb->opt.mss ? (uint32_t)t->g->knobs.rto_min_us
				  : PTO_MIN_US;
	rack_of(t, tcb)->flags &= (uint16_t)~LULL_RACK_REO_TIMER;
	lull_timer_set(t, tcb, LULL_TIMER_LOSS, (us + 999) / 1000);
	/* In the place of the timeout, if that would come sooner. */
	if (lull_timer_is_set(tcb, LULL_TIMER_RTO) &&
	    (int32_t)(at[LULL_TIMER_LOSS] - at[LULL_TIMER_RTO]) > 0)
		at[LULL_TIMER_LOSS] = at[LULL_TIMER_RTO];
}

void lull_tlp_sent(struct lull_tcp *t, struct lull_tcb *tcb, bool again)
{
	struct lull_rack *k = rack_of(t, tcb);

	k->tlp_end = tcb->snd.nxt;
	k->flags &= (uint16_t)~LULL_RACK_TLP_AGAIN;
	k->flags |= again ? LULL_RACK_TLP_AGAIN : 0;
	k->flags &= (uint16_t)~LULL_RACK_TLP;
	k->flags |= LULL_RACK_TLP_OUT;
	tcb->flags |= LULL_TCB_DISORDER;
	lull_count(t->g, LULL_COUNT_LOSS_PROBES);
	lull_timer_set(t, tcb, LULL_TIMER_RTO, lull_rtt_timeout_ms(t, tcb));
}

bool lull_tlp_acked(struct lull_tcp *t, struct lull_tcb *tcb,
		    const struct lull_acked *a)
{
	struct lull_rack *k = rack_of(t, tcb);
	bool over = false, repaired = false;

	if (lull_seq_lt(tcb->snd.una, k->tlp_end))
		return false;
	if (!(k->flags & LULL_RACK_TLP_AGAIN) || a->dsack_tlp)
		over = true; /* it was new, or both have arrived */
	else if (lull_seq_gt(tcb->snd.una, k->tlp_end))
		over = repaired = true; /* an ACK for the probe, none else */
	else if (a->dup)
		over = true; /* two ACKs: both have arrived */
	if (over)
		k->flags &= (uint16_t)~LULL_RACK_TLP_OUT;
	if (repaired)
		lull_count(t->g, LULL_COUNT_LOSS_PROBE_RECOVERY);
	return repaired;
}

void lull_rack_timer(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_rack *k = rack_of(t, tcb);

	if (k->flags & LULL_RACK_REO_TIMER) {
		k->flags &= (uint16_t)~LULL_RACK_REO_TIMER;
		if (lull_rack_detect(t, tcb) > 0)
			lull_loss_detected(t, tcb);
	} else if (tcb->snd.ranges && !tcb->snd.lost &&
		   !(tcb->flags & LULL_TCB_UNEASY)) {
		k->flags |= LULL_RACK_TLP;
		/* In the place of a timeout, if that is due as well. */
		lull_timer_set(t, tcb, LULL_TIMER_RTO,
			       lull_rtt_timeout_ms(t, tcb));
	}
	lull_tcp_want(t, tcb);
}
