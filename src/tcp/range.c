/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * range.c: what was sent and is not yet acknowledged.
 *
 * A range is what one packet carried: from when it is, and whether it went
 * twice, is lost, or has arrived behind a gap. SYN and FIN are ranges' first
 * and last numbers. All stand in a list by SEQ. Those in flight stand in
 * another, by the time they were sent, so that RACK finds the oldest at once;
 * those that are lost stand in a third, by SEQ. Ranges that have arrived and
 * touch become one: a walk passes over each gap and each island once.
 *
 * Entry points: lull_range_add, _split, _lost, _sent_again, _sacked, _reneged,
 * _arrived; lull_ranges_acked, _found, _free.
 */
#include "tcp/tcp.h"

enum {
	LOST_STEPS = 64, /* passed over to keep the lost ones in order */
};

static struct lull_rack *rack_of(const struct lull_tcp *t,
				 const struct lull_tcb *tcb)
{
	return &lull_tcb_cold(t, tcb)->rack;
}

/* A microsecond before it was sent is now, too: see take_off(). */
uint32_t lull_us_since(const struct lull_tcp *t, uint32_t sent_us)
{
	int32_t us = (int32_t)(t->g->now_us - sent_us);

	return us > 0 ? (uint32_t)us : 1;
}

static uint32_t len_of(const struct lull_range *r)
{
	return lull_seq_sub(r->end, r->seq);
}

/* ---- the second list: in flight by time, or lost by SEQ ---- */

/* Its ends are two numbers, wherever they lie. */
struct ends {
	uint32_t *head, *tail;
};

static struct ends flying(const struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_rack *k = rack_of(t, tcb);

	return (struct ends){&k->flying, &k->flying_end};
}

static struct ends lost(const struct lull_tcp *t, struct lull_tcb *tcb)
{
	return (struct ends){&tcb->snd.lost, &rack_of(t, tcb)->lost_end};
}

/* Behind `prev`; 0: at the head. */
static void link_after(const struct lull_tcp *t, struct ends e, uint32_t prev,
		       uint32_t i)
{
	struct lull_links *at = &lull_range_at(t, i)->links;

	at->prev = prev;
	at->next = prev ? lull_range_at(t, prev)->links.next : *e.head;
	if (prev)
		lull_range_at(t, prev)->links.next = i;
	else
		*e.head = i;
	if (at->next)
		lull_range_at(t, at->next)->links.prev = i;
	else
		*e.tail = i;
}

static void unlink_one(const struct lull_tcp *t, struct ends e, uint32_t i)
{
	const struct lull_links *at = &lull_range_at(t, i)->links;

	if (at->prev)
		lull_range_at(t, at->prev)->links.next = at->next;
	else
		*e.head = at->next;
	if (at->next)
		lull_range_at(t, at->next)->links.prev = at->prev;
	else
		*e.tail = at->prev;
}

/* Where it stands: nowhere, once it has arrived. */
static struct ends ends_of(const struct lull_tcp *t, struct lull_tcb *tcb,
			   const struct lull_range *r)
{
	return r->flags & LULL_RANGE_LOST ? lost(t, tcb) : flying(t, tcb);
}

/* Out of the network, one way or the other. */
static void land(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t i)
{
	const struct lull_range *r = lull_range_at(t, i);

	unlink_one(t, flying(t, tcb), i);
	tcb->snd.pipe -= len_of(r);
	if (r->flags & LULL_RANGE_RETRANS)
		rack_of(t, tcb)->retrans -= len_of(r);
}

static void fly(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t prev,
		uint32_t i)
{
	const struct lull_range *r = lull_range_at(t, i);

	link_after(t, flying(t, tcb), prev, i);
	tcb->snd.pipe += len_of(r);
	if (r->flags & LULL_RANGE_RETRANS)
		rack_of(t, tcb)->retrans += len_of(r);
}

/*
 * The last one that was sent. RACK tells what was sent in one microsecond by
 * SEQ, and we take the time once for many: old text that follows new text is
 * dated a microsecond later, or it would seem to have gone before.
 */
static void take_off(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t i)
{
	uint32_t prev = rack_of(t, tcb)->flying_end;
	const struct lull_range *last = lull_range_at(t, prev);
	struct lull_range *r = lull_range_at(t, i);

	if (prev && (int32_t)(last->sent_us - r->sent_us) >= 0)
		r->sent_us = last->sent_us + lull_seq_gt(last->end, r->end);
	fly(t, tcb, prev, i);
}

/* ---- one range ---- */

bool lull_range_add(struct lull_tcp *t, struct lull_tcb *tcb,
		    struct lull_range range)
{
	uint32_t i = lull_slab_get(&t->ranges);

	if (!i)
		return false;
	LULL_ASSERT(lull_seq_lt(range.seq, range.end));
	range.next = 0;
	*lull_range_at(t, i) = range;
	if (tcb->snd.ranges_end) {
		lull_range_at(t, tcb->snd.ranges_end)->next = i;
	} else {
		struct lull_rack *k = rack_of(t, tcb);

		/* RACK's newest is from before a pause, perhaps a long one:
		 * nothing that is out was sent before it. */
		k->xmit_us = range.sent_us;
		k->end = range.seq;
		tcb->snd.ranges = i;
	}
	tcb->snd.ranges_end = i;
	take_off(t, tcb, i);
	return true;
}

bool lull_range_split(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t i,
		      uint32_t bytes)
{
	struct lull_range *r = lull_range_at(t, i), *rest;
	uint32_t k = lull_slab_get(&t->ranges);

	LULL_ASSERT(bytes > 0 && bytes < len_of(r));
	if (!k)
		return false;
	rest = lull_range_at(t, k);
	*rest = *r;
	rest->seq = lull_seq_add(r->seq, bytes);
	rest->flags &= (uint8_t)~LULL_RANGE_SYN;
	r->end = rest->seq;
	r->flags &= (uint8_t)~LULL_RANGE_FIN;
	r->next = k;
	if (tcb->snd.ranges_end == i)
		tcb->snd.ranges_end = k;
	if (!(r->flags & LULL_RANGE_SACKED))
		link_after(t, ends_of(t, tcb, r), i, k);
	return true;
}

void lull_range_lost(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t i)
{
	struct lull_range *r = lull_range_at(t, i);
	uint32_t prev = rack_of(t, tcb)->lost_end;

	if (r->flags & (LULL_RANGE_LOST | LULL_RANGE_SACKED))
		return;
	land(t, tcb, i);
	r->flags |= LULL_RANGE_LOST;
	/* Nearly always the last: they are found in the order of sending. What
	 * is lost once more goes back a little; its place is no matter of
	 * truth, so not every step is taken. */
	if (tcb->snd.lost &&
	    lull_seq_lt(r->seq, lull_range_at(t, tcb->snd.lost)->seq))
		prev = 0; /* but the oldest is the first, always */
	for (int n = 0; prev && n < LOST_STEPS; n++) {
		if (lull_seq_lt(lull_range_at(t, prev)->seq, r->seq))
			break;
		prev = lull_range_at(t, prev)->links.prev;
	}
	link_after(t, lost(t, tcb), prev, i);
}

void lull_range_sent_again(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t i)
{
	struct lull_range *r = lull_range_at(t, i);

	if (r->flags & LULL_RANGE_LOST)
		unlink_one(t, lost(t, tcb), i);
	else
		land(t, tcb, i);
	r->flags &= (uint8_t)~LULL_RANGE_LOST;
	r->flags |= LULL_RANGE_RETRANS;
	r->sent_us = t->g->now_us;
	take_off(t, tcb, i);
}

/* The next one becomes a part of `i`; it stands in no second list. */
static void join(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t i)
{
	struct lull_range *r = lull_range_at(t, i);
	uint32_t next = r->next;
	const struct lull_range *n = lull_range_at(t, next);

	r->end = n->end;
	r->flags |= n->flags & (LULL_RANGE_FIN | LULL_RANGE_RETRANS);
	r->next = n->next;
	if (tcb->snd.ranges_end == next)
		tcb->snd.ranges_end = i;
	if (rack_of(t, tcb)->at == next)
		rack_of(t, tcb)->at = i;
	lull_slab_put(&t->ranges, next);
}

bool lull_range_join(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t i)
{
	const struct lull_range *r = lull_range_at(t, i);
	uint32_t next = r->next;

	if (!next ||
	    !(r->flags & lull_range_at(t, next)->flags & LULL_RANGE_LOST))
		return false;
	unlink_one(t, lost(t, tcb), next);
	join(t, tcb, i);
	return true;
}

uint32_t lull_range_sacked(struct lull_tcp *t, struct lull_tcb *tcb,
			   uint32_t prev, uint32_t i)
{
	struct lull_range *r = lull_range_at(t, i);

	LULL_ASSERT(!(r->flags & LULL_RANGE_SACKED));
	if (r->flags & LULL_RANGE_LOST)
		unlink_one(t, lost(t, tcb), i);
	else
		land(t, tcb, i);
	r->flags &= (uint8_t)~LULL_RANGE_LOST;
	r->flags |= LULL_RANGE_SACKED;
	rack_of(t, tcb)->sacked += len_of(r);
	tcb->flags |= LULL_TCB_DISORDER;
	if (r->next && lull_range_at(t, r->next)->flags & LULL_RANGE_SACKED)
		join(t, tcb, i);
	if (prev && lull_range_at(t, prev)->flags & LULL_RANGE_SACKED) {
		join(t, tcb, prev);
		return prev;
	}
	return i;
}

void lull_range_reneged(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t i)
{
	struct lull_range *r = lull_range_at(t, i);

	if (!(r->flags & LULL_RANGE_SACKED))
		return;
	r->flags &= (uint8_t)~LULL_RANGE_SACKED;
	rack_of(t, tcb)->sacked -= len_of(r);
	/* Sent when it was, or its SACK would tell a round trip that none was;
	 * it is lost at once, so its place in time is no matter. */
	fly(t, tcb, rack_of(t, tcb)->flying_end, i);
}

/* Behind which one in flight it belongs: from `prev` on, if that is older. */
static uint32_t place_of(const struct lull_tcp *t, const struct lull_rack *k,
			 uint32_t prev, uint32_t i)
{
	uint32_t us = lull_range_at(t, i)->sent_us, next;

	if (prev && (int32_t)(lull_range_at(t, prev)->sent_us - us) > 0)
		prev = 0;
	next = prev ? lull_range_at(t, prev)->links.next : k->flying;
	for (; next; next = lull_range_at(t, next)->links.next) {
		if ((int32_t)(us - lull_range_at(t, next)->sent_us) < 0)
			break;
		prev = next;
	}
	return prev;
}

/* Back among those in flight, before what was sent later. They are lost in the
 * order in which they were sent, nearly all: each follows the one before. */
void lull_ranges_found(struct lull_tcp *t, struct lull_tcb *tcb)
{
	uint32_t prev = 0, i;

	while ((i = tcb->snd.lost)) {
		unlink_one(t, lost(t, tcb), i);
		lull_range_at(t, i)->flags &= (uint8_t)~LULL_RANGE_LOST;
		prev = place_of(t, rack_of(t, tcb), prev, i);
		fly(t, tcb, prev, i);
		prev = i;
	}
}

/* ---- what arrives ---- */

void lull_range_arrived(const struct lull_tcp *t, const struct lull_tcb *tcb,
			const struct lull_range *r, bool in_order,
			struct lull_acked *a)
{
	const struct lull_rack *k = rack_of(t, tcb);

	if (r->flags & LULL_RANGE_RETRANS) {
		/* RFC 8985 6.2 step 2: it was the first one that arrived. An
		 * ACK of what is behind a gap echoes what came before that
		 * (RFC 7323 4.3), and tells nothing of it. */
		if (lull_us_since(t, r->sent_us) < k->min_rtt_us ||
		    (in_order && a->has_echo &&
		     a->echo_ms > lull_us_since(t, r->sent_us) / 1000 + 1))
			return;
	} else {
		if (lull_seq_le(r->end, tcb->cc.recover))
			a->original = true;
		if (lull_seq_lt(r->seq, k->fack) &&
		    (!a->late || lull_seq_lt(r->seq, a->low))) {
			a->late = true;
			a->low = r->seq;
		}
	}
	if (!a->any || (int32_t)(r->sent_us - a->newest_us) > 0 ||
	    (r->sent_us == a->newest_us &&
	     lull_seq_gt(r->end, a->newest_end))) {
		a->newest_us = r->sent_us;
		a->newest_end = r->end;
	}
	if (!a->any || lull_seq_gt(r->end, a->high))
		a->high = r->end;
	a->any = true;
}

/* All of it, or [seq, upto). */
static void ack_one(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t i,
		    struct lull_range part, struct lull_acked *a)
{
	struct lull_rack *k = rack_of(t, tcb);
	bool whole = lull_seq_eq(part.end, lull_range_at(t, i)->end);
	uint32_t bytes = len_of(&part);

	if (part.flags & LULL_RANGE_SACKED) {
		k->sacked -= bytes;
		return;
	}
	a->delivered += bytes;
	lull_range_arrived(t, tcb, &part, true, a);
	a->again |= part.flags & LULL_RANGE_RETRANS;
	a->rtt_us = lull_us_since(t, part.sent_us);
	if (whole)
		unlink_one(t, ends_of(t, tcb, &part), i);
	if (part.flags & LULL_RANGE_LOST)
		return;
	tcb->snd.pipe -= bytes;
	if (part.flags & LULL_RANGE_RETRANS)
		k->retrans -= bytes;
}

/* The usual one: sent once, and the oldest in flight. */
static bool ack_plain(struct lull_tcp *t, struct lull_tcb *tcb,
		      struct lull_rack *k, uint32_t i, struct lull_acked *a)
{
	const struct lull_range *r = lull_range_at(t, i);
	uint32_t len = len_of(r);

	if (r->flags & (LULL_RANGE_RETRANS | LULL_RANGE_LOST |
			LULL_RANGE_SACKED) ||
	    k->flying != i || tcb->flags & LULL_TCB_UNEASY)
		return false;
	k->flying = r->links.next;
	if (k->flying)
		lull_range_at(t, k->flying)->links.prev = 0;
	else
		k->flying_end = 0;
	tcb->snd.pipe -= len;
	a->delivered += len;
	a->any = true;
	a->newest_us = r->sent_us;
	a->newest_end = a->high = r->end;
	a->rtt_us = lull_us_since(t, r->sent_us);
	return true;
}

void lull_ranges_acked(struct lull_tcp *t, struct lull_tcb *tcb,
		       struct lull_seq upto, struct lull_acked *a)
{
	struct lull_rack *k = rack_of(t, tcb);

	while (tcb->snd.ranges) {
		uint32_t i = tcb->snd.ranges;
		struct lull_range *r = lull_range_at(t, i);

		if (lull_seq_gt(r->end, upto)) {
			struct lull_range part = *r;

			part.end = upto;
			if (lull_seq_gt(upto, r->seq))
				ack_one(t, tcb, i, part, a);
			r->seq = lull_seq_max(upto, r->seq);
			break;
		}
		if (!ack_plain(t, tcb, k, i, a))
			ack_one(t, tcb, i, *r, a);
		tcb->snd.ranges = r->next;
		if (k->at == i)
			k->at = 0;
		lull_slab_put(&t->ranges, i);
	}
	if (!tcb->snd.ranges)
		tcb->snd.ranges_end = 0;
}

void lull_ranges_free(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_rack *k = rack_of(t, tcb);

	while (tcb->snd.ranges) {
		uint32_t next = lull_range_at(t, tcb->snd.ranges)->next;

		lull_slab_put(&t->ranges, tcb->snd.ranges);
		tcb->snd.ranges = next;
	}
	tcb->snd.ranges_end = tcb->snd.lost = tcb->snd.pipe = 0;
	k->flying = k->flying_end = k->lost_end = k->at = 0;
	k->sacked = k->retrans = 0;
}
