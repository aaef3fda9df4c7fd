/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state.c: the one writer of states (3.3.2, figure 5).
 *
 * Every change is asserted to be a legal one, counted and traced here, of
 * connections of all three sizes and of listeners.
 *
 * Entry points: lull_tcp_enter, lull_tcp_moved, lull_tcp_restored,
 * lull_tcb_born.
 */
#include "tcp/tcp.h"

#define TO(state) (1U << LULL_TCP_##state)

/* Where each state may lead. CLOSED is also where everything comes from, what
 * is taken over (lull_timewait_put()) among it, and where a TIME_WAIT is while
 * it is a shadow (shadow.c). */
static const uint16_t legal[LULL_TCP_STATES] = {
	[LULL_TCP_CLOSED] = TO(LISTEN) | TO(SYN_SENT) | TO(SYN_RECEIVED) |
			    TO(TIME_WAIT) | TO(FIN_WAIT_2),
	[LULL_TCP_LISTEN] = TO(CLOSED),
	[LULL_TCP_SYN_SENT] = TO(ESTABLISHED) | TO(SYN_RECEIVED) | TO(CLOSED),
	[LULL_TCP_SYN_RECEIVED] = TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(CLOSED),
	[LULL_TCP_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
	[LULL_TCP_FIN_WAIT_1] =
		TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT) | TO(CLOSED),
	[LULL_TCP_FIN_WAIT_2] = TO(TIME_WAIT) | TO(CLOSED),
	[LULL_TCP_CLOSING] = TO(TIME_WAIT) | TO(CLOSED),
	[LULL_TCP_TIME_WAIT] = TO(CLOSED),
	[LULL_TCP_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
	[LULL_TCP_LAST_ACK] = TO(CLOSED),
};

static void count_end(struct lull_tcp *t, enum lull_tcp_state from)
{
	if (from == LULL_TCP_ESTABLISHED || from == LULL_TCP_CLOSE_WAIT)
		lull_count(t->g, LULL_COUNT_ESTAB_RESETS);
	if (from == LULL_TCP_SYN_SENT || from == LULL_TCP_SYN_RECEIVED)
		lull_count(t->g, LULL_COUNT_ATTEMPT_FAILS);
}

void lull_tcp_moved(struct lull_tcp *t, const struct lull_tuple *tuple,
		    enum lull_tcp_state from, enum lull_tcp_state to,
		    struct lull_seq snd_nxt, struct lull_seq rcv_nxt)
{
	LULL_ASSERT(legal[from] & 1U << to);
	LULL_ASSERT(from == LULL_TCP_CLOSED || t->states[from] > 0);
	if (from != LULL_TCP_CLOSED)
		t->states[from]--;
	if (to != LULL_TCP_CLOSED)
		t->states[to]++;
	else
		count_end(t, from);
	lull_trace_state(t->g, tuple, from, to, snd_nxt.v, rcv_nxt.v);
}

void lull_tcp_restored(struct lull_tcp *t, const struct lull_tuple *tuple,
		       enum lull_tcp_state state, struct lull_seq snd_nxt,
		       struct lull_seq rcv_nxt)
{
	t->states[state]++;
	lull_trace_state(t->g, tuple, LULL_TCP_CLOSED, state, snd_nxt.v,
			 rcv_nxt.v);
}

void lull_tcp_enter(struct lull_tcp *t, struct lull_tcb *tcb,
		    enum lull_tcp_state to)
{
	lull_tcp_moved(t, &tcb->tuple, (enum lull_tcp_state)tcb->state, to,
		       tcb->snd.nxt, tcb->rcv.nxt);
	tcb->state = (uint8_t)to;
}

void lull_tcb_born(struct lull_tcb *tcb, enum lull_tcp_state state)
{
	LULL_ASSERT(state == LULL_TCP_CLOSED || state == LULL_TCP_SYN_RECEIVED);
	tcb->state = (uint8_t)state;
}
