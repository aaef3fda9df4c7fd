/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dest.c: what our ports are used for, destination by destination.
 *
 * A destination is what RFC 6056 chooses a port for: our address, the peer's,
 * and the peer's port. While a connection that we opened towards it lives, or
 * a record of one, it has a `lull_dest` with their numbers. Once it has many
 * it gets a map of all ports too, so that a free one is found, and that there
 * is none is known, by looking at words. The map fills as ports are used and
 * found used; a port that it shows as free is looked up before it is taken.
 *
 * A scan of destinations fills the table of them, and no more: what comes
 * then is not counted, and has its ports chosen by trial.
 *
 * Entry points: lull_dest_init, _find, _get, _live, _closing, _record,
 * _reuse, _over, _map, _learn, _rate, _left, _ahead_ms, _no_reuse, _may_reuse;
 * lull_port_count.
 */
#include "tcp/tcp.h"

#define MAP_FROM 2048 /* ports in use, or a quarter of the range */

void lull_dest_init(struct lull_tcp *t, const struct lull_limits *limits,
		    const struct lull_tcp_memory *m)
{
	static const char name[2][16] = {"destinations", "port maps"};

	lull_slab_init(&t->dests, m->dests, sizeof(struct lull_dest),
		       limits->destinations, &name[0]);
	lull_slab_init(&t->portmaps, m->portmaps, sizeof(struct lull_portmap),
		       m->portmaps_len, &name[1]);
	t->port_use = m->port_use;
	lull_table_init(&t->by_dest, m->dest_buckets, m->dest_buckets_len,
			m->dest_overflow, m->dest_overflow_len);
}

uint64_t lull_dest_hash(const struct lull_tcp *t,
			const struct lull_tuple *tuple)
{
	struct lull_tuple to = *tuple;

	to.lport = 0;
	return lull_hash_tuple(t->g->keys.port, &to);
}

static uint32_t slot_of(uint64_t hash)
{
	return hash >> 32 & (LULL_PORT_SLOTS - 1);
}

static uint32_t *cursor_of(struct lull_tcp *t, uint64_t hash)
{
	return &t->port_next[slot_of(hash)];
}

uint32_t lull_dest_find(const struct lull_tcp *t,
			const struct lull_tuple *tuple, uint64_t hash)
{
	struct lull_probe p = lull_table_probe(&t->by_dest, (uint32_t)hash);
	uint32_t i;

	while ((i = lull_probe_next(&t->by_dest, &p))) {
		const struct lull_dest *d = lull_dest_at(t, i);

		if (d->rport == tuple->rport &&
		    lull_addr_eq(&d->remote, &tuple->remote) &&
		    lull_addr_eq(&d->local, &tuple->local))
			break;
	}
	return i;
}

uint32_t lull_dest_get(struct lull_tcp *t, const struct lull_tuple *tuple,
		       uint64_t hash)
{
	uint32_t i = lull_dest_find(t, tuple, hash);

	if (i)
		return i;
	i = lull_slab_get(&t->dests);
	if (!i || !lull_table_put(&t->by_dest, (uint32_t)hash, i)) {
		if (i)
			lull_slab_put(&t->dests, i);
		lull_count(t->g, LULL_COUNT_DEST_UNCOUNTED);
		return 0;
	}
	*lull_dest_at(t, i) = (struct lull_dest){
		.hash = hash,
		.local = tuple->local,
		.remote = tuple->remote,
		.rport = tuple->rport,
		.next = *cursor_of(t, hash),
	};
	return i;
}

/* ---- the map ---- */

static void put_bit(uint64_t *words, uint16_t port, bool on)
{
	uint64_t bit = UINT64_C(1) << (port & 63);

	if (on)
		words[port >> 6] |= bit;
	else
		words[port >> 6] &= ~bit;
}

static void mark(struct lull_tcp *t, const struct lull_dest *d, uint16_t port,
		 bool used, bool closing)
{
	struct lull_portmap *m = lull_portmap_at(t, d->map);

	if (!d->map)
		return;
	put_bit(m->used, port, used);
	put_bit(m->closing, port, closing);
}

void lull_dest_learn(struct lull_tcp *t, struct lull_dest *d, uint16_t port,
		     bool closing)
{
	mark(t, d, port, true, closing);
}

struct lull_portmap *lull_dest_map(struct lull_tcp *t, struct lull_dest *d,
				   uint32_t ports)
{
	if (!d->map && d->live + d->closing >= lull_min(MAP_FROM, ports / 4)) {
		d->map = lull_slab_get(&t->portmaps);
		if (d->map)
			memset(lull_portmap_at(t, d->map), 0,
			       sizeof(struct lull_portmap));
	}
	return d->map ? lull_portmap_at(t, d->map) : NULL;
}

/* ---- counts ---- */

/* Begin a new second, if it has begun. */
static void keep_second(const struct lull_tcp *t, struct lull_dest *d)
{
	uint32_t now_s = (uint32_t)(t->g->now_ms / 1000);
	bool next = now_s == d->second + 1;

	if (now_s == d->second)
		return;
	d->opened[1] = next ? d->opened[0] : 0;
	d->gone[1] = next ? d->gone[0] : 0;
	d->opened[0] = d->gone[0] = 0;
	d->second = now_s;
}

/* This second or the last, by the one with more opens; 2: there was none. */
static uint32_t busier(const struct lull_tcp *t, const struct lull_dest *d)
{
	uint32_t age_s = (uint32_t)(t->g->now_ms / 1000) - d->second;

	if (age_s == 0)
		return d->opened[1] > d->opened[0];
	return age_s == 1 ? 0 : 2;
}

uint32_t lull_dest_rate(const struct lull_tcp *t, const struct lull_dest *d)
{
	uint32_t i = busier(t, d);

	return i < 2 ? d->opened[i] : 0;
}

uint32_t lull_dest_growth(const struct lull_tcp *t, const struct lull_dest *d)
{
	uint32_t i = busier(t, d);
	int64_t both =
		(int64_t)d->opened[0] + d->opened[1] - d->gone[0] - d->gone[1];
	int64_t one;

	if (i == 2)
		return 0;
	/* Those that were only open, and ended in the other second, too. */
	one = (int64_t)d->opened[i] - d->gone[i];
	one = one < both ? one : both;
	return one > 0 ? (uint32_t)one : 0;
}

void lull_dest_live(struct lull_tcp *t, uint32_t i, uint16_t port)
{
	struct lull_dest *d = lull_dest_at(t, i);

	d->live++;
	keep_second(t, d);
	d->opened[0]++;
	mark(t, d, port, true, false);
}

void lull_dest_closing(struct lull_tcp *t, uint32_t i, uint16_t port,
		       uint32_t rto_ms)
{
	struct lull_dest *d = lull_dest_at(t, i);

	LULL_ASSERT(d->live > 0);
	d->live--;
	d->closing++;
	d->rto_ms = lull_max(d->rto_ms, rto_ms);
	mark(t, d, port, true, true);
}

bool lull_dest_record(struct lull_tcp *t, const struct lull_tuple *tuple)
{
	uint32_t i = lull_dest_get(t, tuple, lull_dest_hash(t, tuple));

	if (!i)
		return false;
	lull_dest_at(t, i)->closing++;
	mark(t, lull_dest_at(t, i), tuple->lport, true, true);
	return true;
}

void lull_dest_reuse(struct lull_tcp *t, uint32_t i, uint16_t port)
{
	struct lull_dest *d = lull_dest_at(t, i);

	LULL_ASSERT(d->closing > 0);
	d->closing--;
	lull_dest_live(t, i, port);
}

void lull_dest_over(struct lull_tcp *t, uint32_t i, uint16_t port, bool closing)
{
	struct lull_dest *d = lull_dest_at(t, i);
	uint32_t *count = closing ? &d->closing : &d->live;

	LULL_ASSERT(*count > 0);
	--*count;
	if (d->live + d->closing > 0) {
		mark(t, d, port, false, false);
		keep_second(t, d);
		d->gone[0] += !closing;
		return;
	}
	*cursor_of(t, d->hash) = d->next;
	if (d->map)
		lull_slab_put(&t->portmaps, d->map);
	lull_table_del(&t->by_dest, (uint32_t)d->hash, i);
	lull_slab_put(&t->dests, i);
}

/* ---- numbers that are ahead of the clock ---- */

void lull_dest_left(struct lull_tcp *t, uint32_t dest,
		    const struct lull_tuple *tuple, struct lull_seq used,
		    bool lapped)
{
	uint64_t *ahead = &t->ahead_ms[slot_of(lull_dest_at(t, dest)->hash)];
	uint64_t most_ms = (uint64_t)t->g->knobs.timewait_len_s * 1000;
	int32_t lead = (int32_t)(used.v - lull_secret_of(t, tuple).isn);
	uint64_t ms = lead > 0 ? (uint64_t)lead * 4 / 1000 + 1 : 0;

	if (lapped || ms > most_ms)
		ms = most_ms;
	if (ms && t->g->now_ms + ms > *ahead)
		*ahead = t->g->now_ms + ms;
}

uint32_t lull_dest_ahead_ms(const struct lull_tcp *t, const struct lull_dest *d)
{
	uint64_t ahead = t->ahead_ms[slot_of(d->hash)];

	return ahead > t->g->now_ms ? (uint32_t)(ahead - t->g->now_ms) : 0;
}

/* ---- SO_REUSEADDR ---- */

void lull_port_count(struct lull_tcp *t, uint16_t port, bool reuseaddr,
		     int32_t by)
{
	if (t->g->profile != LULL_PROFILE_LINUX)
		return;
	t->port_use[port].flows += (uint32_t)by;
	t->port_use[port].hard += reuseaddr ? 0 : (uint32_t)by;
}

/* ---- a peer that reuse does not suit ---- */

void lull_dest_no_reuse(struct lull_tcp *t, uint32_t i)
{
	struct lull_dest *d = lull_dest_at(t, i);

	d->no_reuse = true;
	d->no_reuse_ms =
		lull_in_ms(t->g, (uint32_t)t->g->knobs.timewait_len_s * 1000);
}

bool lull_dest_may_reuse(const struct lull_tcp *t, const struct lull_dest *d)
{
	return !d->no_reuse || lull_due(d->no_reuse_ms, (uint32_t)t->g->now_ms);
}
