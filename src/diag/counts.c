/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * counts.c: counters, pools, knobs and the trace ring, as text and numbers.
 *
 * Entry points: lull_diag_counter, lull_diag_pool, lull_diag_knob, _idle,
 * lull_diag_trace, lull_drop_name, lull_diag_stores.
 */
#include "shard.h"

/* ---- counters ---- */

static const struct {
	char group[12], name[28], help[88];
} counter_text[LULL_COUNTERS] = {
#define COUNTER(id, group, name, help) {group, name, help},
#include "base/counters.def"
#undef COUNTER
};

static const struct {
	char name[28], help[88];
} drop_text[LULL_DROPS] = {
	{"?", "?"},
#define DROP(id, name, counter, help) {name, help},
#include "base/drops.def"
#undef DROP
};

const char *lull_drop_name(uint32_t what)
{
	return drop_text[what < LULL_DROPS ? what : 0].name;
}

bool lull_diag_counter(const struct lull_shard *s, uint32_t i,
		       struct lull_counter *c)
{
	memset(c, 0, sizeof *c);
	if (i < LULL_COUNTERS) {
		memcpy(c->group, counter_text[i].group, sizeof c->group);
		memcpy(c->name, counter_text[i].name, sizeof c->name);
		memcpy(c->help, counter_text[i].help, sizeof c->help);
		c->value = s->g.count[i];
		return true;
	}
	i = i - LULL_COUNTERS + 1; /* drop 0 is none */
	if (i >= LULL_DROPS)
		return false;
	memcpy(c->group, "Drop", sizeof "Drop");
	memcpy(c->name, drop_text[i].name, sizeof c->name);
	memcpy(c->help, drop_text[i].help, sizeof c->help);
	c->value = s->g.drops[i];
	return true;
}

/* ---- pools ---- */

static void from_slab(struct lull_pool *p, const struct lull_slab *slab,
		      uint32_t object_bytes)
{
	memcpy(p->name, *slab->name, sizeof p->name);
	p->object_bytes = object_bytes;
	p->used = slab->used;
	p->peak = slab->peak;
	p->limit = slab->limit;
	p->empty = slab->empty;
}

static void from_table(struct lull_pool *p, const struct lull_table *t)
{
	/* What a flow takes on average, of buckets and overflow buckets. */
	uint64_t bytes = ((uint64_t)t->buckets + t->overflow.peak) *
			 sizeof(struct lull_bucket);

	memcpy(p->name, "flow table", sizeof "flow table");
	p->object_bytes =
		t->used ? (uint32_t)((bytes + t->used - 1) / t->used) : 0;
	p->used = t->used;
	p->peak = t->peak;
	p->limit = t->limit * LULL_TABLE_LOAD;
}

static void from_ring(struct lull_pool *p, const char name[16], uint32_t bytes,
		      uint32_t used, uint32_t peak)
{
	memcpy(p->name, name, sizeof p->name);
	p->object_bytes = bytes;
	p->used = used;
	p->peak = peak;
}

/* What Linux's sockstat calls mem: pages, and tcp_mem's third for the limit. */
static void from_mem(struct lull_pool *p, const struct lull_tcp *t)
{
	memcpy(p->name, "tcp memory", sizeof "tcp memory");
	p->object_bytes = 4096;
	p->used = (uint32_t)((t->mem.bytes + 4095) / 4096);
	p->peak = (uint32_t)((t->mem.peak + 4095) / 4096);
	p->limit = (uint32_t)t->g->knobs.mem[2];
}

bool lull_diag_pool(const struct lull_shard *s, uint32_t i, struct lull_pool *p)
{
	static const char ring[2][16] = {"frames in", "frames out"};
	const struct lull_tcp *t = &s->tcp;
	const struct {
		const struct lull_slab *slab;
		size_t bytes;
	} slabs[] = {
		{&t->tcbs,
		 sizeof(struct lull_tcb) + sizeof(struct lull_tcb_cold)},
		{&t->halves, sizeof(struct lull_half)},
		{&t->closing[0].links,
		 sizeof(struct lull_closing4) + sizeof(struct lull_links)},
		{&t->closing[1].links,
		 sizeof(struct lull_closing6) + sizeof(struct lull_links)},
		{&t->listeners, sizeof(struct lull_listener)},
		{&t->users, sizeof(struct lull_user)},
		{&t->ranges, sizeof(struct lull_range)},
		{&s->g.bufs.slab[LULL_BUF_256], 256 + sizeof(struct lull_buf)},
		{&s->g.bufs.slab[LULL_BUF_2K], 2048 + sizeof(struct lull_buf)},
		{&s->g.bufs.slab[LULL_BUF_64K],
		 65536 + sizeof(struct lull_buf)},
		{&t->dests, sizeof(struct lull_dest)},
		{&t->portmaps, sizeof(struct lull_portmap)},
		{&t->flows.overflow, sizeof(struct lull_bucket)},
		{&s->ip.reass.slab, sizeof(struct lull_datagram)},
		{&s->ip.neigh.slab, sizeof(struct lull_neigh)},
		{&s->ip.neigh.waiting, sizeof(struct lull_waiting)},
	};
	uint32_t n = ARRAY_LEN(slabs) - (s->g.link_hdr ? 0 : 2);

	memset(p, 0, sizeof *p);
	if (i < n) {
		from_slab(p, slabs[i].slab, (uint32_t)slabs[i].bytes);
		return true;
	}
	switch (i - n) {
	case 0:
		from_table(p, &t->flows);
		return true;
	case 1:
		from_ring(p, ring[0], sizeof(uint32_t), lull_rxq_len(&s->rxq),
			  s->rxq.peak);
		p->limit = s->rxq.mask + 1;
		return true;
	case 2:
		from_ring(p, ring[1], sizeof(struct lull_tx),
			  lull_txq_len(&s->g.txq), s->g.txq.peak);
		p->limit = s->g.txq.mask + 1;
		p->empty = s->g.txq.full;
		return true;
	case 3:
		from_mem(p, &s->tcp);
		return true;
	default:
		return false;
	}
}

/* ---- knobs ---- */

bool lull_diag_knob(const struct lull_shard *s, uint32_t i,
		    struct lull_knob_info *info)
{
	const struct lull_knob *row = &lull_knob_table[i];
	const char *at;

	if (i >= lull_knob_count)
		return false;
	memset(info, 0, sizeof *info);
	memcpy(info->name, row->name, sizeof info->name);
	memcpy(info->unit, row->unit, sizeof info->unit);
	memcpy(info->words, row->words + (row->words[0] == '!'),
	       sizeof info->words - 1);
	memcpy(info->help, row->help, sizeof info->help);
	info->values = row->values;
	info->fixed = row->fixed;
	info->min = row->min;
	info->max = row->max;
	memcpy(info->defaults, row->defaults, sizeof info->defaults);
	if (s)
		lull_knob_defaults(row, &s->limits, s->g.profile,
				   info->defaults);
	at = s ? (const char *)&s->g.knobs + row->offset : NULL;
	memcpy(info->value, at ? at : (const char *)row->defaults,
	       row->values * sizeof(int64_t));
	return true;
}

bool lull_diag_idle(uint32_t i, struct lull_idle_info *info)
{
	const struct lull_idle *row = &lull_idle_table[i];

	if (i >= lull_idle_count)
		return false;
	memcpy(info->name, row->name, sizeof info->name);
	memcpy(info->why, row->why, sizeof info->why);
	info->refused = row->refused;
	return true;
}

/* ---- the trace ring ---- */

int lull_diag_trace(const struct lull_shard *s, uint64_t *cursor,
		    struct lull_trace_record *records, int n)
{
	const struct lull_trace *t = &s->g.trace;
	uint64_t kept = t->mask + 1ULL;
	int i = 0;

	if (!t->ring)
		return 0;
	if (t->next > kept && *cursor < t->next - kept)
		*cursor = t->next - kept;
	while (i < n && *cursor < t->next)
		records[i++] = t->ring[(*cursor)++ & t->mask];
	return i;
}

int lull_diag_stores(struct lull_shard *s, lull_on_store *on_store, void *arg)
{
	if (!LULL_CHECKS)
		return -ENOTSUP;
	s->tcp.stored = on_store;
	s->tcp.stored_arg = arg;
	return 0;
}
