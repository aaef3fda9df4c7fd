/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recount.c: tests only: all that is counted or linked, counted anew.
 *
 * A closing record stands in one FIFO, of its length, in the order of expiry;
 * in the flow table, unless a new connection has its pair, which then knows
 * it; and with its destination, if we opened it. Whatever ends one early must
 * leave all of that true. What is sent stands in the lists of range.c.
 *
 * Entry point: lull_tcp_recount.
 */
#include "tcp/tcp.h"

enum {
	RANGES_MAX = 64,
};

static bool is_in_table(const struct lull_tcp *t, uint32_t hash, uint32_t name)
{
	struct lull_probe p = lull_table_probe(&t->flows, hash);
	uint32_t found;

	while ((found = lull_probe_next(&t->flows, &p)))
		if (found == name)
			return true;
	return false;
}

static uint32_t shadow_of(const struct lull_tcp *t, uint32_t name)
{
	uint32_t i = lull_name_index(name);

	if (lull_name_kind(name) == LULL_KIND_TCB)
		return lull_tcb_at(t, i)->shadow;
	if (lull_name_kind(name) == LULL_KIND_HALF)
		return lull_half_at(t, i)->shadow;
	return 0;
}

/* One record. Is it counted at a destination? */
static bool check_record(const struct lull_tcp *t, uint32_t name)
{
	const struct lull_closing *c = lull_closing_at(t, name);
	struct lull_tuple tuple;
	uint32_t hash;

	lull_closing_tuple(t, name, &tuple);
	hash = (uint32_t)lull_hash_tuple(t->g->keys.flow, &tuple);
	LULL_ASSERT(c->head.commit == LULL_TCP_TIME_WAIT ||
		    c->head.commit == LULL_TCP_FIN_WAIT_2);
	/* A millisecond more: the present one has begun already. */
	LULL_ASSERT(lull_closing_left_ms(t, c) <=
		    t->length_ms[c->head.length] + 1);
	if (c->head.flags & LULL_CLOSING_SHADOW)
		LULL_ASSERT(shadow_of(t, lull_tcp_find(t, hash, &tuple)) ==
			    name);
	else
		LULL_ASSERT(is_in_table(t, hash, name));
	return c->head.flags & LULL_CLOSING_ACTIVE;
}

/* Records counted at destinations, after checking all. */
static uint32_t check_fifos(const struct lull_tcp *t, bool v6)
{
	enum lull_kind kind = v6 ? LULL_KIND_CLOSING6 : LULL_KIND_CLOSING4;
	const struct lull_closing_pool *p = &t->closing[v6];
	uint32_t all = 0, counted = 0;

	for (uint8_t k = 0; k < LULL_LENGTHS; k++) {
		const struct lull_list *f = &p->fifo[k];
		uint32_t i = f->head, n = 0, before = 0;

		for (; i; i = lull_list_at(f, i)->next, n++) {
			uint32_t name = lull_name(kind, i);
			const struct lull_closing *c = lull_closing_at(t, name);

			LULL_ASSERT(c->head.length == k);
			LULL_ASSERT(n == 0 ||
				    (int32_t)(c->life.expiry_ms - before) >= 0);
			before = c->life.expiry_ms;
			counted += check_record(t, name);
		}
		LULL_ASSERT(n == f->len);
		all += n;
	}
	LULL_ASSERT(all == p->links.used);
	return counted;
}

static uint32_t count_live(const struct lull_tcp *t)
{
	uint32_t n = 0;

	for (uint32_t i = 1; i < t->tcbs.fresh; i++) {
		const struct lull_tcb *tcb = lull_tcb_at(t, i);

		/* A free one has state 0; a dying one waits to send RST. */
		n += tcb->state && lull_tcb_cold(t, tcb)->dest;
	}
	return n;
}

static uint32_t count_orphans(const struct lull_tcp *t)
{
	uint32_t n = 0;

	/* A dying one counts until its RST is out, in state CLOSED. */
	for (uint32_t i = 1; i < t->tcbs.fresh; i++)
		n += lull_tcb_at(t, i)->state &&
		     lull_tcb_at(t, i)->flags & LULL_TCB_ORPHAN;
	return n;
}

/* What text costs: each queue's own count, together. */
/* What is sent and not acknowledged: each range in one list beside the first,
 * or in none once it has arrived. */
static void check_list(const struct lull_tcp *t, uint32_t head, uint32_t tail,
		       uint8_t flag, uint32_t count)
{
	uint32_t prev = 0, n = 0;

	for (uint32_t i = head; i; i = lull_range_at(t, i)->links.next) {
		const struct lull_range *r = lull_range_at(t, i);

		LULL_ASSERT(r->links.prev == prev);
		LULL_ASSERT((r->flags &
			     (LULL_RANGE_LOST | LULL_RANGE_SACKED)) == flag);
		LULL_ASSERT(++n <= count);
		prev = i;
	}
	LULL_ASSERT(prev == tail && n == count);
}

static uint32_t check_ranges(const struct lull_tcp *t,
			     const struct lull_tcb *tcb)
{
	const struct lull_rack *k = &lull_tcb_cold(t, tcb)->rack;
	uint32_t lost = 0, out = 0, sacked = 0, pipe = 0, again = 0, n = 0;
	struct lull_seq at = tcb->snd.una;
	uint32_t last = 0;

	for (uint32_t i = tcb->snd.ranges; i; i = lull_range_at(t, i)->next) {
		const struct lull_range *r = lull_range_at(t, i);
		uint32_t len = lull_seq_sub(r->end, r->seq);

		LULL_ASSERT(lull_seq_eq(r->seq, at));
		at = r->end;
		last = i;
		n++;
		if (r->flags & LULL_RANGE_SACKED) {
			sacked += len;
		} else if (r->flags & LULL_RANGE_LOST) {
			lost++;
		} else {
			out++;
			pipe += len;
			again += r->flags & LULL_RANGE_RETRANS ? len : 0;
		}
	}
	LULL_ASSERT(last == tcb->snd.ranges_end);
	LULL_ASSERT(pipe == tcb->snd.pipe && sacked == k->sacked &&
		    again == k->retrans);
	check_list(t, k->flying, k->flying_end, 0, out);
	check_list(t, tcb->snd.lost, k->lost_end, LULL_RANGE_LOST, lost);
	return n;
}

static void check_sent(const struct lull_tcp *t)
{
	uint32_t n = 0;

	/* A large window would be counted again with each segment of it. */
	if (t->ranges.used > RANGES_MAX)
		return;
	for (uint32_t i = 1; i < t->tcbs.fresh; i++)
		if (lull_tcb_at(t, i)->state)
			n += check_ranges(t, lull_tcb_at(t, i));
	LULL_ASSERT(n == t->ranges.used);
}

static void check_mem(const struct lull_tcp *t)
{
	uint64_t bytes = 0, later = 0;

	for (uint32_t i = 1; i < t->tcbs.fresh; i++) {
		const struct lull_tcb *tcb = lull_tcb_at(t, i);

		if (tcb->state) {
			bytes += tcb->snd.charge + tcb->rcv.later_charge;
			later += tcb->rcv.later_charge;
		}
	}
	for (uint32_t i = 1; i < t->users.fresh; i++)
		if (lull_user_at(t, i)->kind != LULL_USER_FREE)
			bytes += lull_user_at(t, i)->text.charge;
	LULL_ASSERT(bytes == t->mem.bytes);
	LULL_ASSERT(later == t->mem.later);
}

void lull_tcp_recount(const struct lull_tcp *t)
{
	uint32_t records = check_fifos(t, false) + check_fifos(t, true);
	uint32_t live = 0, closing = 0, dests = 0;

	for (uint32_t i = 1; i < t->dests.fresh; i++) {
		const struct lull_dest *d = lull_dest_at(t, i);

		live += d->live;
		closing += d->closing;
		dests += d->live + d->closing > 0;
	}
	LULL_ASSERT(dests == t->dests.used);
	LULL_ASSERT(live == count_live(t));
	LULL_ASSERT(closing == records);
	LULL_ASSERT(t->orphans == count_orphans(t));
	check_mem(t);
	check_sent(t);
}
