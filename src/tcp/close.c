/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * close.c: the ends of a connection (3.6, 3.10.4, 3.10.5).
 *
 *	shutdown  no more from us: FIN behind what is queued
 *	close     the program lets go; the connection is an orphan until it ends
 *	reset     RST, and gone
 *	end       gone
 *
 * close() changes the state at once and never fails. It becomes a reset
 * when text was received and not read (RFC 2525 2.17), with SO_LINGER 0, with
 * too many orphans, or with TCP_LINGER2 below zero: as in Linux, counter by
 * counter.
 *
 * Entry points: lull_tcp_shutdown, _close, _abort, _reset, _end, _broken;
 * lull_fin_take, lull_fin_acked, lull_linger_over, lull_orphan_settle.
 */
#include "tcp/tcp.h"

static uint32_t name_of(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	return lull_name(LULL_KIND_TCB, lull_tcb_index(t, tcb));
}

void lull_linger_over(struct lull_tcp *t, struct lull_tcb *tcb, int error)
{
	struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);

	if (!cold->linger_user)
		return;
	lull_user_ended(t, cold->linger_user, error);
	cold->linger_user = 0;
}

/* The pair is again that of the TIME_WAIT which it was taken from. */
static void give_back(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);

	if (cold->dest) {
		lull_dest_closing(t, cold->dest, tcb->tuple.lport, 0);
		lull_closing_flag(t, lull_closing_at(t, tcb->shadow),
				  LULL_CLOSING_ACTIVE, true);
		cold->dest = 0;
	}
	lull_shadow_return(t, &tcb->shadow, tcb->hash, name_of(t, tcb));
}

/* What the trace says; callers that know better say so behind us. */
static enum lull_trace_end why_of(enum lull_tcp_state from, int error,
				  bool reset)
{
	if (error == ETIMEDOUT)
		return LULL_END_TIMEOUT;
	if (reset)
		return LULL_END_RST_OUT;
	if (error)
		return LULL_END_RST_IN;
	return from == LULL_TCP_LAST_ACK ? LULL_END_FIN : LULL_END_PROGRAM;
}

/* Out of the table, state CLOSED, and whoever holds it is told. */
static void leave(struct lull_tcp *t, struct lull_tcb *tcb, int error,
		  bool reset)
{
	enum lull_trace_end why =
		why_of((enum lull_tcp_state)tcb->state, error, reset);

	if (tcb->shadow)
		give_back(t, tcb);
	else
		lull_table_del(&t->flows, tcb->hash, name_of(t, tcb));
	lull_tcp_enter(t, tcb, LULL_TCP_CLOSED);
	lull_trace_why(t->g, why);
	lull_linger_over(t, tcb, error);
	if (tcb->user)
		lull_user_ended(t, tcb->user, error);
	tcb->user = 0;
}

void lull_tcp_end(struct lull_tcp *t, struct lull_tcb *tcb, int error)
{
	leave(t, tcb, error, false);
	lull_tcb_free(t, tcb);
}

void lull_tcp_reset(struct lull_tcp *t, struct lull_tcb *tcb, int error)
{
	bool quiet = tcb->state == LULL_TCP_SYN_SENT;

	leave(t, tcb, error, !quiet);
	if (quiet) { /* 3.10.5: nobody knows of it yet */
		lull_tcb_free(t, tcb);
		return;
	}
	lull_sendq_free(t, tcb);
	lull_later_free(t, tcb);
	tcb->tmr.set = 0;
	lull_wheel_clear(&t->wheel, name_of(t, tcb));
	tcb->flags |= LULL_TCB_DEAD;
	lull_tcp_want(t, tcb);
}

/* 3.10.5: both have said all, nothing waits for us: no RST, as in Linux. */
void lull_tcp_abort(struct lull_tcp *t, struct lull_tcb *tcb, int error)
{
	bool last = tcb->state == LULL_TCP_CLOSING ||
		    tcb->state == LULL_TCP_LAST_ACK;

	if (last && lull_seq_gt(tcb->snd.nxt, tcb->snd.end)) {
		lull_tcp_end(t, tcb, error);
		lull_trace_why(t->g, LULL_END_PROGRAM);
	} else {
		lull_tcp_reset(t, tcb, error);
	}
}

void lull_tcp_broken(struct lull_tcp *t, struct lull_tcb *tcb)
{
	lull_drop_at(t->g, LULL_DROP_BROKEN, &tcb->tuple, tcb->snd.nxt.v,
		     tcb->rcv.nxt.v);
	lull_tcp_reset(t, tcb, ECONNABORTED);
}

void lull_tcp_shutdown(struct lull_tcp *t, struct lull_tcb *tcb)
{
	if (tcb->flags & LULL_TCB_FIN)
		return;
	tcb->flags |= LULL_TCB_FIN;
	lull_tcp_want(t, tcb);
	if (tcb->state == LULL_TCP_ESTABLISHED)
		lull_tcp_enter(t, tcb, LULL_TCP_FIN_WAIT_1);
	else if (tcb->state == LULL_TCP_CLOSE_WAIT)
		lull_tcp_enter(t, tcb, LULL_TCP_LAST_ACK);
	/* SYN-RECEIVED: lull_tcb_established() goes on from here. */
}

/* Must close() be a reset? Then count why. */
static bool must_reset(struct lull_tcp *t, const struct lull_tcb *tcb)
{
	const struct lull_user *u = lull_user_at(t, tcb->user);

	if (u->text.bytes > 0) {
		lull_count(t->g, LULL_COUNT_ABORT_ON_CLOSE);
		return true;
	}
	if (lull_tcb_cold(t, tcb)->linger_s == 0) {
		lull_count(t->g, LULL_COUNT_ABORT_ON_DATA);
		return true;
	}
	if (t->orphans >= t->g->knobs.max_orphans || lull_mem_sheds(t, tcb)) {
		lull_count(t->g, LULL_COUNT_ABORT_ON_MEMORY);
		return true;
	}
	return false;
}

/* An orphan in FIN_WAIT_2 needs a record only, or TCP_LINGER2 says RST. */
void lull_orphan_settle(struct lull_tcp *t, struct lull_tcb *tcb)
{
	int32_t linger2_s = lull_tcb_cold(t, tcb)->linger2_s;

	if (!(tcb->flags & LULL_TCB_ORPHAN) ||
	    tcb->state != LULL_TCP_FIN_WAIT_2)
		return;
	if (linger2_s < 0) {
		lull_count(t->g, LULL_COUNT_ABORT_ON_LINGER);
		lull_tcp_reset(t, tcb, 0);
		return;
	}
	lull_fin_wait_2_begin(t, tcb);
}

static bool all_acked(const struct lull_tcb *tcb)
{
	return lull_seq_gt(tcb->snd.una, tcb->snd.end);
}

bool lull_tcp_close(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);
	struct lull_user *u = lull_user_at(t, tcb->user);
	uint32_t user = tcb->user;
	bool lingers;

	if (tcb->state == LULL_TCP_SYN_SENT) {
		lull_tcp_end(t, tcb, 0);
		return false;
	}
	if (must_reset(t, tcb)) {
		lull_tcp_reset(t, tcb, 0);
		return false;
	}
	tcb->user = u->name = 0;
	tcb->flags |= LULL_TCB_ORPHAN;
	t->orphans++;
	lull_tcp_shutdown(t, tcb);
	lingers = cold->linger_s > 0 && !all_acked(tcb);
	if (lingers) {
		cold->linger_user = user;
		u->flags |= LULL_USER_LINGERS;
		lull_user_hush(t, user);
		lull_timer_set(t, tcb, LULL_TIMER_LINGER,
			       (uint32_t)cold->linger_s * 1000);
	}
	lull_orphan_settle(t, tcb);
	return lingers;
}

bool lull_fin_acked(struct lull_tcp *t, struct lull_tcb *tcb)
{
	lull_linger_over(t, tcb, 0);
	if (tcb->state == LULL_TCP_FIN_WAIT_1) {
		/* An orphan settles when all of the segment is processed. */
		lull_tcp_enter(t, tcb, LULL_TCP_FIN_WAIT_2);
		return true;
	}
	if (tcb->state == LULL_TCP_CLOSING) {
		lull_timewait_begin(t, tcb, false);
		return false;
	}
	if (tcb->state == LULL_TCP_LAST_ACK) {
		lull_tcp_end(t, tcb, 0);
		return false;
	}
	if (LULL_NEVER(true)) /* FIN belongs to one of those states */
		lull_tcp_broken(t, tcb);
	return false;
}

/* The peer's FIN is next in order. */
static bool take_fin(struct lull_tcp *t, struct lull_tcb *tcb)
{
	tcb->flags &= ~(uint64_t)LULL_TCB_PEER_FIN;
	tcb->flags |= LULL_TCB_ACK_NOW;
	tcb->rcv.nxt = lull_seq_add(tcb->rcv.nxt, 1);
	tcb->rcv.edge = lull_seq_max(tcb->rcv.edge, tcb->rcv.nxt);
	lull_tcp_want(t, tcb);
	if (tcb->user) {
		lull_user_at(t, tcb->user)->flags |= LULL_USER_EOF;
		lull_user_news(t, tcb->user, LULL_EVENT_READ | LULL_EVENT_EOF);
	}
	switch ((enum lull_tcp_state)tcb->state) {
	case LULL_TCP_ESTABLISHED:
		lull_tcp_enter(t, tcb, LULL_TCP_CLOSE_WAIT);
		return true;
	case LULL_TCP_FIN_WAIT_1: /* ours is not acknowledged: both closed */
		lull_tcp_enter(t, tcb, LULL_TCP_CLOSING);
		return true;
	case LULL_TCP_FIN_WAIT_2:
		lull_timewait_begin(t, tcb, true);
		return false;
	case LULL_TCP_CLOSED:
	case LULL_TCP_LISTEN:
	case LULL_TCP_SYN_SENT:
	case LULL_TCP_SYN_RECEIVED:
	case LULL_TCP_CLOSE_WAIT:
	case LULL_TCP_LAST_ACK:
	case LULL_TCP_CLOSING:
	case LULL_TCP_TIME_WAIT:
		break;
	}
	if (LULL_NEVER(true)) /* lull_fin_take() lets only those three by */
		lull_tcp_broken(t, tcb);
	return false;
}

bool lull_fin_take(struct lull_tcp *t, struct lull_tcb *tcb,
		   const struct lull_seg *seg)
{
	struct lull_seq at = lull_seq_add(seg->seq, seg->text_len);

	if (tcb->state != LULL_TCP_ESTABLISHED &&
	    tcb->state != LULL_TCP_FIN_WAIT_1 &&
	    tcb->state != LULL_TCP_FIN_WAIT_2)
		return true;
	/* Behind a gap it is noted, and comes due when the gap is closed. */
	if (seg->flags & LULL_FIN && lull_seq_ge(at, tcb->rcv.nxt)) {
		tcb->flags |= LULL_TCB_PEER_FIN;
		lull_tcb_cold(t, tcb)->peer_fin = at;
		if (!lull_seq_eq(at, tcb->rcv.nxt)) {
			lull_refuse(t, seg, LULL_DROP_FIN_BEYOND);
			lull_sack_note(t, tcb,
				       (struct lull_sack){at,
							  lull_seq_add(at, 1)});
			tcb->flags |= LULL_TCB_ACK_NOW;
			lull_tcp_want(t, tcb);
		}
	}
	if (!(tcb->flags & LULL_TCB_PEER_FIN) ||
	    !lull_seq_eq(lull_tcb_cold(t, tcb)->peer_fin, tcb->rcv.nxt))
		return true;
	return take_fin(t, tcb);
}
