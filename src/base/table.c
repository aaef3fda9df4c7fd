/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.c: the flow table, by linear hashing (W. Litwin, 1980).
 *
 * Bucket h mod 2R, or h mod R when that one does not exist yet. Each insert
 * that makes the table too full adds one bucket and shares out one old one.
 * A search compares 32-bit hashes in one or two cache lines; the caller
 * compares the tuples of what it is given, and asks for the next.
 *
 * Never reads an object, never shrinks.
 *
 * Entry points: lull_table_put, _del, _swap, _probe and lull_probe_next.
 */
#include "base/base.h"

_Static_assert(sizeof(struct lull_bucket) == 64, "a bucket is a cache line");

#define FIRST_BUCKETS 64 /* a page */

void lull_table_size(uint32_t names, uint32_t *buckets, uint32_t *overflow)
{
	*buckets = lull_max(FIRST_BUCKETS, names / LULL_TABLE_LOAD + 1);
	/* At this load a fifth of the buckets run over: 15.3 bytes a name. */
	*overflow = *buckets / 2 + 64;
}

void lull_table_init(struct lull_table *t, void *buckets, uint32_t limit,
		     void *overflow, uint32_t overflow_limit)
{
	static const char name[16] = "flow overflow";

	LULL_ASSERT(limit >= FIRST_BUCKETS);
	*t = (struct lull_table){
		.bucket = buckets,
		.buckets = FIRST_BUCKETS,
		.round = FIRST_BUCKETS,
		.limit = limit,
	};
	lull_slab_init(&t->overflow, overflow, sizeof(struct lull_bucket),
		       overflow_limit, &name);
}

static struct lull_bucket *bucket_of(const struct lull_table *t, uint32_t hash)
{
	uint32_t i = hash & (2 * t->round - 1);

	return &t->bucket[i < t->buckets ? i : i - t->round];
}

static struct lull_bucket *next_of(const struct lull_table *t,
				   const struct lull_bucket *b)
{
	return b->next ? lull_slab_at(&t->overflow, b->next) : NULL;
}

void lull_table_prefetch(const struct lull_table *t, uint32_t hash)
{
	__builtin_prefetch(bucket_of(t, hash));
}

struct lull_probe lull_table_probe(const struct lull_table *t, uint32_t hash)
{
	return (struct lull_probe){.hash = hash, .at = bucket_of(t, hash)};
}

/* A bit for each slot that has this hash, without a branch: which one it is
 * can't be foretold. */
static uint32_t slots_with(const struct lull_bucket *b, uint32_t hash)
{
	uint32_t bits = 0;

	for (uint32_t i = 0; i < LULL_BUCKET_SLOTS; i++)
		bits |= (uint32_t)(b->hash[i] == hash) << i;
	return bits;
}

uint32_t lull_probe_next(const struct lull_table *t, struct lull_probe *p)
{
	for (; p->at; p->at = next_of(t, p->at), p->slot = 0) {
		uint32_t bits = slots_with(p->at, p->hash) >> p->slot;

		if (!bits)
			continue;
		/* A free slot, which keeps its last hash, is the chain's end:
		 * used ones come first. */
		p->slot += (uint32_t)__builtin_ctz(bits) + 1;
		return p->at->name[p->slot - 1];
	}
	return 0;
}

/* Put into the first free slot of a chain, adding a bucket if it is full. */
static bool chain_put(struct lull_table *t, struct lull_bucket *b,
		      uint32_t hash, uint32_t name)
{
	for (;;) {
		for (uint32_t i = 0; i < LULL_BUCKET_SLOTS; i++) {
			if (b->name[i])
				continue;
			b->name[i] = name;
			b->hash[i] = hash;
			return true;
		}
		if (!b->next) {
			uint32_t more = lull_slab_get(&t->overflow);

			if (!more)
				return false;
			memset(lull_slab_at(&t->overflow, more), 0, sizeof *b);
			b->next = more;
		}
		b = next_of(t, b);
	}
}

/*
 * Add bucket `buckets`, and move to it what belongs there. Each overflow
 * bucket is given back before its names are put again, so there is always one
 * when the two new chains need it.
 */
static void split(struct lull_table *t)
{
	struct lull_bucket *to = &t->bucket[t->buckets];
	struct lull_bucket *from = &t->bucket[t->buckets - t->round];
	struct lull_bucket old = *from;

	memset(from, 0, sizeof *from);
	for (;;) {
		for (uint32_t i = 0; i < LULL_BUCKET_SLOTS; i++) {
			bool moves = old.hash[i] & t->round;
			bool ok = !old.name[i] ||
				  chain_put(t, moves ? to : from, old.hash[i],
					    old.name[i]);

			LULL_ASSERT(ok);
		}
		if (!old.next)
			break;
		uint32_t empty = old.next;

		old = *next_of(t, &old);
		lull_slab_put(&t->overflow, empty);
	}
	if (++t->buckets == 2 * t->round)
		t->round = t->buckets;
	/* Both of the next one, which comes soon. */
	__builtin_prefetch(&t->bucket[t->buckets - t->round]);
	if (t->buckets < t->limit)
		__builtin_prefetch(&t->bucket[t->buckets], 1);
}

bool lull_table_put(struct lull_table *t, uint32_t hash, uint32_t name)
{
	LULL_ASSERT(name != 0);
	if (!chain_put(t, bucket_of(t, hash), hash, name))
		return false;
	t->used++;
	t->peak = lull_max(t->peak, t->used);
	if (t->used > t->buckets * LULL_TABLE_LOAD && t->buckets < t->limit)
		split(t);
	return true;
}

/* The bucket that holds `name`, and its slot there. */
static struct lull_bucket *chain_find(const struct lull_table *t, uint32_t hash,
				      uint32_t name, uint32_t *slot)
{
	struct lull_bucket *b = bucket_of(t, hash);

	for (; b; b = next_of(t, b))
		for (*slot = 0; *slot < LULL_BUCKET_SLOTS; ++*slot)
			if (b->name[*slot] == name)
				return b;
	lull_panic(__FILE__, __LINE__, "the name is in the table");
}

/* Fill the hole with the last name of the chain; drop a bucket left empty. */
void lull_table_del(struct lull_table *t, uint32_t hash, uint32_t name)
{
	uint32_t slot, i = LULL_BUCKET_SLOTS - 1;
	struct lull_bucket *hole = chain_find(t, hash, name, &slot);
	struct lull_bucket *last = bucket_of(t, hash), *before = NULL;

	for (; last->next; last = next_of(t, last))
		before = last;
	while (i > 0 && !last->name[i])
		i--;
	hole->hash[slot] = last->hash[i];
	hole->name[slot] = last->name[i];
	last->name[i] = 0;
	if (i == 0 && before) {
		lull_slab_put(&t->overflow, before->next);
		before->next = 0;
	}
	t->used--;
}

void lull_table_swap(struct lull_table *t, uint32_t hash, uint32_t from,
		     uint32_t to)
{
	uint32_t slot;
	struct lull_bucket *b = chain_find(t, hash, from, &slot);

	LULL_ASSERT(to != 0);
	b->name[slot] = to;
}

void lull_table_check(const struct lull_table *t)
{
	uint32_t names = 0, overflow = 0;

	for (uint32_t i = 0; i < t->buckets; i++) {
		const struct lull_bucket *b = &t->bucket[i];
		bool end = false;

		for (; b; b = next_of(t, b)) {
			overflow += b->next != 0;
			for (uint32_t k = 0; k < LULL_BUCKET_SLOTS; k++) {
				LULL_ASSERT(!end || !b->name[k]);
				end |= !b->name[k];
				names += b->name[k] != 0;
				LULL_ASSERT(!b->name[k] ||
					    bucket_of(t, b->hash[k]) ==
						    &t->bucket[i]);
			}
		}
	}
	LULL_ASSERT(names == t->used && overflow == t->overflow.used);
}
