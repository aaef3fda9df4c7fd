/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shadow.c: the record of a TIME_WAIT whose pair a new connection has.
 *
 * RFC 1122 4.2.2.13 (2): whoever gives up TIME_WAIT for a SYN must be able to
 * return to it, when the SYN turns out to be an old duplicate. So the record
 * stays, out of the table, until the new connection is established; if that
 * comes to nothing the pair is the record's again, for the rest of its time,
 * which went on all the while.
 *
 * A new connection of ours has one as well (net.lull.tcp_tw_reuse_safe): it
 * knows the old incarnation's segments from those of the new one.
 *
 * Entry points: lull_shadow_cast, _drop, _return, _forget, _takes.
 */
#include "tcp/tcp.h"

void lull_shadow_cast(struct lull_tcp *t, uint32_t name, uint32_t hash,
		      uint32_t by)
{
	struct lull_closing *c = lull_closing_at(t, name);
	struct lull_tuple tuple;

	lull_closing_tuple(t, name, &tuple);
	lull_table_swap(&t->flows, hash, name, by);
	lull_closing_flag(t, c, LULL_CLOSING_SHADOW, true);
	lull_tcp_moved(t, &tuple, LULL_TCP_TIME_WAIT, LULL_TCP_CLOSED,
		       c->snd_nxt, c->head.rcv_nxt);
	lull_trace_why(t->g, LULL_END_REUSED);
}

void lull_shadow_drop(struct lull_tcp *t, uint32_t *shadow)
{
	uint32_t name = *shadow;

	*shadow = 0; /* first: its end must not look for us */
	if (name)
		lull_closing_del(t, name, true);
}

void lull_shadow_return(struct lull_tcp *t, uint32_t *shadow, uint32_t hash,
			uint32_t from)
{
	struct lull_closing *c = lull_closing_at(t, *shadow);
	struct lull_tuple tuple;

	lull_closing_tuple(t, *shadow, &tuple);
	lull_table_swap(&t->flows, hash, from, *shadow);
	lull_closing_flag(t, c, LULL_CLOSING_SHADOW, false);
	lull_tcp_moved(t, &tuple, LULL_TCP_CLOSED, LULL_TCP_TIME_WAIT,
		       c->snd_nxt, c->head.rcv_nxt);
	lull_count(t->g, LULL_COUNT_TW_RETURNED);
	*shadow = 0;
}

void lull_shadow_forget(struct lull_tcp *t, uint32_t name,
			const struct lull_tuple *tuple)
{
	uint32_t hash = (uint32_t)lull_hash_tuple(t->g->keys.flow, tuple);
	uint32_t by = lull_tcp_find(t, hash, tuple);
	uint32_t i = lull_name_index(by);

	if (lull_name_kind(by) == LULL_KIND_TCB &&
	    lull_tcb_at(t, i)->shadow == name)
		lull_tcb_at(t, i)->shadow = 0;
	else if (lull_name_kind(by) == LULL_KIND_HALF &&
		 lull_half_at(t, i)->shadow == name)
		lull_half_at(t, i)->shadow = 0;
}

/*
 * What the peer of the old incarnation may still send acknowledges nothing
 * above the old SND.NXT, and every new ISN is above that. A FIN, text or a
 * challenge ACK from LAST_ACK gets the old last ACK; never a RST, which would
 * tell the peer's program that its finished connection was reset.
 */
bool lull_shadow_takes(struct lull_tcp *t, uint32_t shadow,
		       const struct lull_seg *seg, bool *answered)
{
	const struct lull_closing *c;

	*answered = false;
	if (!shadow || !(seg->flags & LULL_ACK))
		return false;
	c = lull_closing_at(t, shadow);
	if (lull_seq_gt(seg->ack, c->snd_nxt))
		return false;
	if (seg->flags & LULL_RST)
		lull_refuse(t, seg, LULL_DROP_SHADOW_RST);
	else
		*answered =
			lull_timewait_refuse(t, shadow, seg, LULL_DROP_SHADOW);
	return true;
}
