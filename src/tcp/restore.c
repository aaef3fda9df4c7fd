/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restore.c: closing records that an earlier process has left (docs/state.md).
 *
 * First every record is judged, and what still lives is put into the flow
 * table, and into a chain beside the records; of the region nothing is
 * written, so that one that makes no sense leaves it as it was. Then the
 * chains are sorted by what is left of each record's time, into one FIFO of
 * the longest, and what has ended is freed: one word each.
 *
 * A pair has one record. Only a shadow, whose pair had a new connection, may
 * stand beside another: then it gives way. Alone it is a TIME_WAIT again, for
 * the connection died with its process.
 *
 * Entry point: lull_closing_restore.
 */
#include "tcp/tcp.h"

enum {
	/* No length is longer, and class_of() rounds up by little. */
	LEFT_MAX_MS = (3600 + 10) * 1000,
	DIGITS = 256,
	BATCH = 16,
};

/* One family. Chains are linked by `next`; a key stands in `prev`. */
struct found {
	bool v6;
	struct lull_links *links;
	uint32_t kept, shadows, ended; /* chains */
	uint32_t longest_ms;
};

/* A record, before it is judged. */
struct seen {
	uint32_t i, name, hash;
	struct lull_tuple tuple;
};

static uint32_t name_of(bool v6, uint32_t i)
{
	return lull_name(v6 ? LULL_KIND_CLOSING6 : LULL_KIND_CLOSING4, i);
}

static void chain_push(const struct found *f, uint32_t *chain, uint32_t i,
		       uint32_t key)
{
	/* Of what ended the first word is the slab's. */
	if (key)
		f->links[i].prev = key;
	f->links[i].next = *chain;
	*chain = i;
}

/* ---- judging ---- */

/* How long after the last store into any record it ends: within 24 days. */
static int32_t after_ms(const struct lull_tcp *t, const struct lull_closing *c)
{
	return (int32_t)(c->life.expiry_ms - (uint32_t)t->region->wrote_ms);
}

static bool is_host(const struct lull_addr *a, bool v6)
{
	return lull_addr_is4(a) == !v6 && !lull_addr_is_group(a);
}

static bool makes_sense(const struct lull_tcp *t, const struct seen *seen)
{
	const struct lull_closing *c = lull_closing_at(t, seen->name);
	bool v6 = lull_name_kind(seen->name) == LULL_KIND_CLOSING6;

	return (c->head.commit == LULL_TCP_TIME_WAIT ||
		c->head.commit == LULL_TCP_FIN_WAIT_2) &&
	       c->head.length < LULL_LENGTHS &&
	       c->timewait_len_s <= LEFT_MAX_MS / 1000 && c->lport &&
	       c->rport && is_host(&seen->tuple.local, v6) &&
	       is_host(&seen->tuple.remote, v6) &&
	       !lull_addr_is_any(&seen->tuple.remote) &&
	       after_ms(t, c) <= LEFT_MAX_MS &&
	       c->check == lull_closing_check(c, c->head, seen->hash);
}

/* It is one of ours again: known by its pair, and counted. */
static bool adopt(struct lull_tcp *t, const struct seen *seen)
{
	const struct lull_closing *c = lull_closing_at(t, seen->name);
	const struct lull_tuple *tuple = &seen->tuple;

	if (!lull_table_put(&t->flows, seen->hash, seen->name))
		return false;
	if (c->head.flags & LULL_CLOSING_ACTIVE) /* or see is_counted() */
		(void)lull_dest_record(t, tuple);
	lull_port_count(t, tuple->lport, c->head.tos & LULL_CLOSING_REUSEADDR,
			1);
	lull_tcp_restored(t, tuple, (enum lull_tcp_state)c->head.commit,
			  c->snd_nxt, c->head.rcv_nxt);
	lull_count(t->g, LULL_COUNT_TW_RESTORED);
	return true;
}

/* What is there; its place in the table is on its way into the cache. */
static struct seen look(const struct lull_tcp *t, const struct found *f,
			uint32_t i)
{
	struct seen seen = {.i = i, .name = name_of(f->v6, i)};

	lull_closing_tuple(t, seen.name, &seen.tuple);
	seen.hash = (uint32_t)lull_hash_tuple(t->g->keys.flow, &seen.tuple);
	lull_table_prefetch(&t->flows, seen.hash);
	return seen;
}

/* false: it makes no sense. */
static bool take(struct lull_tcp *t, struct found *f, const struct seen *seen,
		 uint32_t *ended)
{
	const struct lull_closing *c = lull_closing_at(t, seen->name);
	int64_t left_ms =
		after_ms(t, c) - (int64_t)(t->g->now_ms - t->region->wrote_ms);

	if (!makes_sense(t, seen))
		return false;
	if (left_ms <= 0) {
		chain_push(f, &f->ended, seen->i, 0);
		++*ended;
		return true;
	}
	lull_slab_claim(&t->closing[f->v6].links, seen->i);
	f->longest_ms = lull_max(f->longest_ms, (uint32_t)left_ms);
	if (c->head.flags & LULL_CLOSING_SHADOW) {
		chain_push(f, &f->shadows, seen->i, (uint32_t)left_ms);
		return true;
	}
	chain_push(f, &f->kept, seen->i, (uint32_t)left_ms);
	return !lull_tcp_find(t, seen->hash, &seen->tuple) && adopt(t, seen);
}

/* Judge and adopt all records of one family, so many at a time that cache
 * misses overlap. */
static void walk(struct lull_tcp *t, struct found *f, struct lull_restore *r)
{
	static const struct lull_closing_head free_head;
	uint32_t limit = t->closing[f->v6].links.limit, n = 0;
	struct seen batch[BATCH];

	for (uint32_t i = 1; i <= limit; i++) {
		const struct lull_closing *c =
			lull_closing_at(t, name_of(f->v6, i));

		if (memcmp(&c->head, &free_head, sizeof free_head) != 0)
			batch[n++] = look(t, f, i);
		if (n < BATCH && i < limit)
			continue;
		for (uint32_t k = 0; k < n; k++)
			if (!take(t, f, &batch[k], &r->ended))
				r->refused++;
		n = 0;
	}
}

/* Those whose pair has a newer record end; the others are TIME_WAIT again. */
static void take_shadows(struct lull_tcp *t, struct found *f,
			 struct lull_restore *r)
{
	for (uint32_t i = f->shadows, next; i; i = next) {
		struct seen seen = look(t, f, i);
		uint32_t other = lull_tcp_find(t, seen.hash, &seen.tuple);

		next = f->links[i].next;
		if (!other) {
			if (adopt(t, &seen))
				chain_push(f, &f->kept, i, f->links[i].prev);
			else
				r->refused++;
			continue;
		}
		if (lull_closing_at(t, other)->head.flags & LULL_CLOSING_SHADOW)
			r->refused++;
		chain_push(f, &f->ended, i, 0);
		lull_slab_put(&t->closing[f->v6].links, i);
		r->ended++;
	}
}

/* ---- order ---- */

/* One digit of a radix sort; equal ones stay in order. */
static uint32_t sort_by(struct lull_links *links, uint32_t chain,
			uint32_t shift)
{
	uint32_t first[DIGITS] = {0}, last[DIGITS], head = 0, tail = 0;

	for (uint32_t i = chain; i; i = links[i].next) {
		uint32_t digit = links[i].prev >> shift & (DIGITS - 1);

		if (first[digit])
			links[last[digit]].next = i;
		else
			first[digit] = i;
		last[digit] = i;
	}
	for (uint32_t d = 0; d < DIGITS; d++) {
		if (!first[d])
			continue;
		if (tail)
			links[tail].next = first[d];
		else
			head = first[d];
		tail = last[d];
	}
	if (tail)
		links[tail].next = 0;
	return head;
}

static void sort(struct found *f)
{
	for (uint32_t shift = 0; shift < 32 && f->longest_ms >> shift;
	     shift += 8)
		f->kept = sort_by(f->links, f->kept, shift);
}

/* ---- writing ---- */

/* Is its port counted? More destinations than limits.destinations are not. */
static bool is_counted(const struct lull_tcp *t, uint32_t name)
{
	struct lull_tuple tuple;

	lull_closing_tuple(t, name, &tuple);
	return lull_dest_find(t, &tuple, lull_dest_hash(t, &tuple)) != 0;
}

static void settle(struct lull_tcp *t, struct found *f, struct lull_restore *r)
{
	for (uint32_t i = f->ended; i; i = f->links[i].next)
		lull_closing_head(t, lull_closing_at(t, name_of(f->v6, i)),
				  (struct lull_closing_head){0});
	for (uint32_t i = f->kept, next; i; i = next) {
		uint32_t name = name_of(f->v6, i);
		struct lull_closing *c = lull_closing_at(t, name);
		struct lull_closing_head head = c->head;

		next = f->links[i].next;
		if (head.commit == LULL_TCP_TIME_WAIT)
			r->time_wait++;
		else
			r->fin_wait_2++;
		head.length = 0;
		head.flags &= (uint8_t)~LULL_CLOSING_SHADOW;
		if (head.flags & LULL_CLOSING_ACTIVE && !is_counted(t, name))
			head.flags &= (uint8_t)~LULL_CLOSING_ACTIVE;
		if (memcmp(&head, &c->head, sizeof head) != 0)
			lull_closing_head(t, c, head);
		lull_list_push(&t->closing[f->v6].fifo[0], i);
	}
}

bool lull_closing_restore(struct lull_tcp *t, struct lull_restore *r)
{
	struct found found[2] = {0};

	*r = (struct lull_restore){.size = sizeof *r};
	if (t->region->wrote_ms > t->g->now_ms) { /* it is another clock */
		r->refused = 1;
		return false;
	}
	for (int v6 = 0; v6 < 2; v6++) {
		found[v6].v6 = v6;
		found[v6].links = (void *)t->closing[v6].links.base;
		walk(t, &found[v6], r);
		take_shadows(t, &found[v6], r);
	}
	if (r->refused)
		return false;
	/* Some of them are younger than the longest's time would tell. */
	t->grown |= 1;
	t->length_ms[0] = lull_max(found[0].longest_ms, found[1].longest_ms);
	for (int v6 = 0; v6 < 2; v6++) {
		sort(&found[v6]);
		settle(t, &found[v6], r);
	}
	return true;
}
