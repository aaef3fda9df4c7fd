/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer.c: a connection's five timers on one node of the wheel.
 *
 *	LOSS    what may be reordered is lost, or a tail loss probe (rack.c)
 *	RTO     oldest unacknowledged data (RFC 6298), or, with PERSIST,
 *	        the probe of a window that is closed (3.8.6.1)
 *	ACK     an ACK that was delayed (3.8.6.3)
 *	KEEP    keepalive (3.8.4)
 *	LINGER  SO_LINGER's time
 *	PACE    the next text may leave (pace.c)
 *
 * The node stands at the earliest of them or before: to put one off only
 * writes its time, and the wheel finds out when it gets there.
 *
 * Entry points: lull_timer_set, _clear, _is_set, _fire, _keepalive, _past_r1,
 * _user_left.
 */
#include "tcp/tcp.h"

bool lull_timer_is_set(const struct lull_tcb *tcb, enum lull_tcb_timer which)
{
	return tcb->tmr.set & 1U << which;
}

void lull_timer_clear(struct lull_tcb *tcb, enum lull_tcb_timer which)
{
	tcb->tmr.set &= (uint8_t) ~(1U << which);
}

void lull_timer_set(struct lull_tcp *t, struct lull_tcb *tcb,
		    enum lull_tcb_timer which, uint32_t ms)
{
	uint32_t when = lull_in_ms(t->g, ms);

	tcb->tmr.at[which] = when;
	tcb->tmr.set |= (uint8_t)(1U << which);
	if (!tcb->timer.slot || (int32_t)(when - tcb->timer.when_ms) < 0)
		lull_wheel_set(&t->wheel,
			       lull_name(LULL_KIND_TCB, lull_tcb_index(t, tcb)),
			       when);
}

/*
 * How long `retries` retransmissions take when the first timeout is the
 * shortest one: Linux's way to make tcp_retries2 a time (15: 924.6 s).
 */
static uint64_t patience_ms(const struct lull_tcp *t, uint32_t retries)
{
	uint64_t least = (uint64_t)t->g->knobs.rto_min_us;
	uint64_t most = (uint64_t)t->g->knobs.rto_max_ms * 1000, sum = 0;

	for (uint32_t i = 0; i <= retries; i++) {
		uint64_t us = i < 32 ? least << i : most;

		sum += us < most ? us : most;
	}
	return sum / 1000;
}

static uint32_t orphan_retries(const struct lull_tcp *t)
{
	uint32_t n = (uint32_t)t->g->knobs.orphan_retries;

	return n ? n : 8;
}

/* The peer took back its window over all that is out, and answers: what goes
 * again is a probe of that window, and R2 not for it (SHLD-17; as Linux's
 * tcp_rtx_probe0_timed_out()). */
static bool window_was_taken(const struct lull_tcp *t,
			     const struct lull_tcb *tcb)
{
	uint32_t silent_ms = (uint32_t)t->g->now_ms - tcb->heard_ms;

	return tcb->snd.wnd == 0 && !(tcb->flags & LULL_TCB_ORPHAN) &&
	       silent_ms <= 2 * (uint32_t)t->g->knobs.rto_max_ms;
}

/* R2 (3.8.3): has it been tried often, or long, enough? */
static bool gives_up(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	const struct lull_knobs *k = &t->g->knobs;
	const struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);
	uint32_t stuck_ms = (uint32_t)t->g->now_ms - cold->stuck_ms;

	if (cold->user_timeout_ms && tcb->rtt.backoff > 0 &&
	    stuck_ms >= cold->user_timeout_ms)
		return true; /* MUST-21; also of a SYN, as Linux */
	if (tcb->state == LULL_TCP_SYN_SENT)
		return tcb->rtt.backoff >= (cold->syn_retries
						    ? cold->syn_retries
						    : k->syn_retries) +
						   k->syn_linear_timeouts;
	if (tcb->state == LULL_TCP_SYN_RECEIVED)
		return tcb->rtt.backoff >= k->synack_retries;
	if (tcb->rtt.backoff == 0 || cold->user_timeout_ms ||
	    window_was_taken(t, tcb))
		return false;
	if (tcb->flags & LULL_TCB_ORPHAN)
		return stuck_ms >= patience_ms(t, orphan_retries(t));
	return stuck_ms >= patience_ms(t, (uint32_t)k->retries2);
}

/* Not late by the last backoff (tcp_clamp_rto_to_user_timeout()). */
uint32_t lull_timer_user_left(const struct lull_tcp *t,
			      const struct lull_tcb *tcb)
{
	const struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);
	uint32_t stuck_ms = (uint32_t)t->g->now_ms - cold->stuck_ms;

	if (!cold->user_timeout_ms || tcb->rtt.backoff == 0)
		return UINT32_MAX;
	return cold->user_timeout_ms > stuck_ms
		       ? cold->user_timeout_ms - stuck_ms
		       : 0;
}

bool lull_timer_past_r1(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	uint32_t stuck_ms =
		(uint32_t)t->g->now_ms - lull_tcb_cold(t, tcb)->stuck_ms;

	return tcb->state >= LULL_TCP_ESTABLISHED &&
	       tcb->state != LULL_TCP_SYN_SENT &&
	       tcb->state != LULL_TCP_SYN_RECEIVED && tcb->rtt.backoff > 0 &&
	       !(tcb->flags & LULL_TCB_PERSIST) &&
	       stuck_ms >= patience_ms(t, (uint32_t)t->g->knobs.retries1);
}

/* Silently, as Linux: whoever is there doesn't listen. */
static void time_out(struct lull_tcp *t, struct lull_tcb *tcb)
{
	uint16_t soft = lull_tcb_cold(t, tcb)->soft_error;

	lull_count(t->g, LULL_COUNT_ABORT_ON_TIMEOUT);
	lull_tcp_end(t, tcb, soft ? soft : ETIMEDOUT);
	lull_trace_why(t->g, LULL_END_TIMEOUT);
}

static bool window_probe(struct lull_tcp *t, struct lull_tcb *tcb)
{
	const struct lull_knobs *k = &t->g->knobs;
	uint32_t most = (uint32_t)k->retries2, backoff = tcb->rtt.backoff;
	bool orphan = tcb->flags & LULL_TCB_ORPHAN;
	bool over = false;

	if (orphan) {
		most = orphan_retries(t);
		/* RFC 6429: an orphan is not kept for ever by a zero window. */
		over = backoff >= most &&
		       lull_rtt_timeout_ms(t, tcb) >= k->rto_max_ms;
	}
	/* tcp(7): also of a peer that answers, and takes nothing. */
	over |= lull_timer_user_left(t, tcb) == 0;
	if (over || tcb->snd.probes >= most) {
		time_out(t, tcb);
		return false;
	}
	tcb->snd.probes++;
	if (backoff == 0)
		lull_tcb_cold(t, tcb)->stuck_ms = (uint32_t)t->g->now_ms;
	if (tcb->rtt.backoff < UINT8_MAX)
		tcb->rtt.backoff++; /* SHLD-30 */
	/* Less than a segment goes now, if the window takes any of it. */
	tcb->flags |= LULL_TCB_PROBE | LULL_TCB_PUSH;
	lull_tcp_want(t, tcb);
	return true;
}

static bool rto(struct lull_tcp *t, struct lull_tcb *tcb)
{
	if (lull_mem_gives_up(t, tcb))
		return false;
	if (tcb->flags & LULL_TCB_PERSIST)
		return window_probe(t, tcb);
	if (gives_up(t, tcb)) {
		time_out(t, tcb);
		return false;
	}
	lull_tally_timeout(t, tcb);
	lull_loss_timeout(t, tcb);
	lull_timer_set(t, tcb, LULL_TIMER_RTO,
		       lull_min(lull_rtt_timeout_ms(t, tcb),
				lull_timer_user_left(t, tcb)));
	lull_tcp_want(t, tcb);
	return true;
}

static void delayed_ack(struct lull_tcp *t, struct lull_tcb *tcb)
{
	if (!(tcb->flags & LULL_TCB_ACK_LATER))
		return;
	tcb->flags |= LULL_TCB_ACK_NOW;
	lull_count(t->g, LULL_COUNT_DELAYED_ACKS);
	lull_tcp_want(t, tcb);
}

static uint32_t keep_idle_ms(const struct lull_tcp *t,
			     const struct lull_tcb *tcb)
{
	uint32_t s = lull_tcb_cold(t, tcb)->keep_idle_s;

	return (s ? s : (uint32_t)t->g->knobs.keepalive_time_s) * 1000;
}

void lull_timer_keepalive(struct lull_tcp *t, struct lull_tcb *tcb)
{
	uint32_t idle_ms = (uint32_t)t->g->now_ms - tcb->heard_ms;
	uint32_t wait_ms = keep_idle_ms(t, tcb);

	lull_timer_set(t, tcb, LULL_TIMER_KEEP,
		       wait_ms > idle_ms ? wait_ms - idle_ms : 0);
}

/* Has the peer been asked for long enough? By TCP_USER_TIMEOUT, if there is
 * one, as Linux: else by the number of probes. */
static bool is_gone(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	const struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);
	uint32_t silent_ms = (uint32_t)t->g->now_ms - tcb->heard_ms;
	uint32_t most = cold->keep_probes_max;

	if (cold->user_timeout_ms)
		return cold->keep_probes > 0 &&
		       silent_ms >= cold->user_timeout_ms;
	return cold->keep_probes >=
	       (most ? most : (uint32_t)t->g->knobs.keepalive_probes);
}

/* 3.8.4: MUST-24 to MUST-29, SHLD-12. */
static bool keepalive(struct lull_tcp *t, struct lull_tcb *tcb)
{
	const struct lull_knobs *k = &t->g->knobs;
	struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);
	uint32_t intvl_s = cold->keep_intvl_s;

	if (!(tcb->flags & LULL_TCB_KEEPALIVE) ||
	    tcb->state < LULL_TCP_ESTABLISHED ||
	    tcb->state == LULL_TCP_SYN_SENT ||
	    tcb->state == LULL_TCP_SYN_RECEIVED)
		return true;
	/* Data in flight has its own timer (MUST-26). */
	if (!lull_seq_eq(tcb->snd.una, tcb->snd.nxt) ||
	    lull_seq_lt(tcb->snd.nxt, tcb->snd.end)) {
		lull_timer_set(t, tcb, LULL_TIMER_KEEP, keep_idle_ms(t, tcb));
		return true;
	}
	/* Something was heard meanwhile: that puts the probe off. */
	if (!cold->keep_probes &&
	    (uint32_t)t->g->now_ms - tcb->heard_ms < keep_idle_ms(t, tcb)) {
		lull_timer_keepalive(t, tcb);
		return true;
	}
	if (is_gone(t, tcb)) {
		lull_count(t->g, LULL_COUNT_ABORT_ON_TIMEOUT);
		lull_tcp_reset(t, tcb, ETIMEDOUT);
		return false;
	}
	if (cold->keep_probes < UINT8_MAX)
		cold->keep_probes++;
	lull_count(t->g, LULL_COUNT_KEEPALIVE);
	tcb->flags |= LULL_TCB_PROBE;
	lull_tcp_want(t, tcb);
	lull_timer_set(t, tcb, LULL_TIMER_KEEP,
		       (intvl_s ? intvl_s : (uint32_t)k->keepalive_intvl_s) *
			       1000);
	return true;
}

/* false: the connection is gone. */
static bool fire_one(struct lull_tcp *t, struct lull_tcb *tcb,
		     enum lull_tcb_timer which)
{
	lull_timer_clear(tcb, which);
	switch (which) {
	case LULL_TIMER_LOSS:
		lull_rack_timer(t, tcb);
		return true;
	case LULL_TIMER_RTO:
		return rto(t, tcb);
	case LULL_TIMER_ACK:
		delayed_ack(t, tcb);
		return true;
	case LULL_TIMER_KEEP:
		return keepalive(t, tcb);
	case LULL_TIMER_LINGER:
		lull_linger_over(t, tcb, ETIMEDOUT);
		return true;
	case LULL_TIMER_PACE:
		lull_tcp_want(t, tcb);
		return true;
	case LULL_TIMERS:
		break;
	}
	LULL_ASSERT(!"a timer of a connection");
	return true;
}

static void tcb_timer(struct lull_tcp *t, uint32_t i)
{
	struct lull_tcb *tcb = lull_tcb_at(t, i);
	uint32_t now = (uint32_t)t->g->now_ms, next = 0;
	bool any = false;

	for (uint32_t w = 0; w < LULL_TIMERS; w++)
		if (tcb->tmr.set & 1U << w && lull_due(tcb->tmr.at[w], now) &&
		    !fire_one(t, tcb, (enum lull_tcb_timer)w))
			return;
	for (uint32_t w = 0; w < LULL_TIMERS; w++) {
		if (!(tcb->tmr.set & 1U << w))
			continue;
		if (!any || (int32_t)(tcb->tmr.at[w] - next) < 0)
			next = tcb->tmr.at[w];
		any = true;
	}
	if (any)
		lull_wheel_set(&t->wheel, lull_name(LULL_KIND_TCB, i), next);
}

void lull_timer_fire(struct lull_tcp *t, uint32_t name)
{
	uint32_t i = lull_name_index(name);

	if (lull_name_kind(name) == LULL_KIND_HALF)
		lull_half_timer(t, i);
	else
		tcb_timer(t, i);
}
