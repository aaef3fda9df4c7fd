/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * why.c: the explained no: how our ports stand towards a destination, when the
 * next is free, and when none will be.
 *
 * Counts are kept (dest.c); times come from the records that are next in
 * turn, which are about the oldest; so all of it is bounded.
 *
 * Entry points: lull_port_why, lull_reuse_in.
 */
#include "tcp/tcp.h"

enum {
	LOOKED_AT = 64, /* records, for the times, */
	TRIED = 1024,	/* among so many ports, without a map */
	MS = 1000000,	/* ns */
};

/* ---- when may the pair of a record be taken? ---- */

static bool is_loopback(const struct lull_tuple *tuple)
{
	static const struct lull_addr one = {.b = {[15] = 1}};

	if (lull_addr_is4(&tuple->local))
		return tuple->local.b[12] == 127 || tuple->remote.b[12] == 127;
	return lull_addr_eq(&tuple->local, &one) ||
	       lull_addr_eq(&tuple->remote, &one);
}

/*
 * Could numbers that the pair used within the last 2MSL come round to those of
 * a new connection? Each of its connections began at the clock of RFC 6528 or
 * above the one before, and sent less than 2^30 bytes. While SND.NXT is less
 * than 2^30 ahead of the clock, all of that lies within half of the space.
 */
static bool may_lap(const struct lull_tcp *t, const struct lull_closing *c,
		    const struct lull_tuple *tuple)
{
	uint32_t clock = lull_secret_of(t, tuple).isn;

	return c->head.flags & LULL_CLOSING_LAPPED ||
	       (int32_t)(c->snd_nxt.v - clock) >= 1 << 30;
}

static uint32_t plain_in(const struct lull_tcp *t,
			 const struct lull_tuple *tuple, uint32_t age_ms)
{
	uint32_t delay_ms = (uint32_t)t->g->knobs.tw_reuse_delay_ms;
	int64_t how = t->g->knobs.tw_reuse;

	if (how == 0 || (how == 2 && !is_loopback(tuple)))
		return LULL_NEVER_MS;
	/* More than the delay, as tcp_twsk_unique() has it. */
	return age_ms > delay_ms ? 0 : delay_ms + 1 - age_ms;
}

static uint32_t rto_of(const struct lull_tcp *t, const struct lull_dest *d)
{
	return lull_max(d->rto_ms, (uint32_t)(t->g->knobs.rto_min_us / 1000));
}

static bool is_safe_on(const struct lull_tcp *t, const struct lull_dest *d)
{
	return t->g->knobs.tw_reuse_safe && d && lull_dest_may_reuse(t, d);
}

struct lull_reuse_in lull_reuse_in(const struct lull_tcp *t,
				   const struct lull_dest *d, uint32_t name)
{
	const struct lull_closing *c = lull_closing_at(t, name);
	struct lull_reuse_in in = {LULL_NEVER_MS, LULL_NEVER_MS};
	uint32_t age_ms = lull_closing_age_ms(t, c);
	struct lull_tuple tuple;

	if (c->head.commit != LULL_TCP_TIME_WAIT ||
	    !(c->head.flags & LULL_CLOSING_TS) || !t->g->knobs.timestamps)
		return in;
	lull_closing_tuple(t, name, &tuple);
	in.plain_ms = plain_in(t, &tuple, age_ms);
	if (is_safe_on(t, d) && !may_lap(t, c, &tuple))
		in.safe_ms = lull_max(
			lull_dest_ahead_ms(t, d),
			age_ms >= rto_of(t, d) ? 0 : rto_of(t, d) - age_ms);
	return in;
}

/* ---- how things stand ---- */

static uint32_t count_reserved(const struct lull_tcp *t, uint32_t lo,
			       uint32_t hi)
{
	uint32_t n = 0;

	for (uint32_t w = lo >> 6; w <= hi >> 6; w++) {
		uint64_t word = lull_ports_reserved(t->g, w);

		if (w == lo >> 6)
			word &= ~UINT64_C(0) << (lo & 63);
		if (w == hi >> 6)
			word &= ~UINT64_C(0) >> (63 - (hi & 63));
		n += (uint32_t)__builtin_popcountll(word);
	}
	return n;
}

static void note_record(const struct lull_tcp *t, const struct lull_dest *d,
			uint32_t name, struct lull_why *why)
{
	struct lull_reuse_in in = lull_reuse_in(t, d, name);
	uint32_t reuse_ms = lull_min(in.safe_ms, in.plain_ms);
	uint64_t left_ns =
		(uint64_t)lull_closing_left_ms(t, lull_closing_at(t, name)) *
		MS;

	if (left_ns < why->free_in_ns)
		why->free_in_ns = left_ns;
	if (reuse_ms != LULL_NEVER_MS &&
	    (uint64_t)reuse_ms * MS < why->reuse_in_ns)
		why->reuse_in_ns = (uint64_t)reuse_ms * MS;
}

static bool has_bit(const uint64_t *words, uint16_t port)
{
	return words[port >> 6] >> (port & 63) & 1;
}

/* Ports that were taken before there was a map are not in it. */
static bool may_be_record(const struct lull_portmap *m, uint16_t port,
			  uint32_t *tried)
{
	if (m && has_bit(m->used, port))
		return has_bit(m->closing, port);
	return (*tried)++ < TRIED;
}

static void look_at_records(const struct lull_tcp *t, const struct lull_dest *d,
			    struct lull_tuple tuple, struct lull_why *why)
{
	const struct lull_portmap *m =
		d->map ? lull_portmap_at(t, d->map) : NULL;
	uint32_t lo = (uint32_t)t->g->knobs.ip_local_port_range[0];
	uint32_t most = m ? why->ports : lull_min(TRIED, why->ports);
	uint32_t seen = 0, tried = 0;
	/* They were taken in turn, so the oldest stands so many before the
	 * next; if all are taken, it is the next. */
	uint32_t start = ((uint32_t)d->hash + d->next) % why->ports +
			 why->ports - lull_min(d->live + d->closing, most);

	for (uint32_t n = 0; n < most && seen < lull_min(d->closing, LOOKED_AT);
	     n++) {
		uint32_t name;

		tuple.lport = (uint16_t)(lo + (start + n) % why->ports);
		if (!may_be_record(m, tuple.lport, &tried))
			continue;
		name = lull_tcp_find(
			t, (uint32_t)lull_hash_tuple(t->g->keys.flow, &tuple),
			&tuple);
		if (!lull_name_is_record(name))
			continue;
		note_record(t, d, name, why);
		seen++;
	}
}

/*
 * At this rate, less the connections that end without a record, each port is
 * wanted again after free / rate; do they come back before that?
 */
static uint64_t full_in(const struct lull_tcp *t, const struct lull_dest *d,
			const struct lull_why *why)
{
	uint64_t all = why->ports - lull_min(why->ports, why->ports_reserved);
	uint64_t used = (uint64_t)why->ports_live + why->ports_closing;
	uint32_t rate = lull_dest_growth(t, d);
	uint64_t rests_ms = (uint64_t)t->g->knobs.timewait_len_s * 1000;

	if (is_safe_on(t, d))
		rests_ms = rto_of(t, d);
	else if (t->g->knobs.tw_reuse == 1 && t->g->knobs.timestamps)
		rests_ms = (uint64_t)t->g->knobs.tw_reuse_delay_ms;
	if (!rate || why->ports_live + rate * rests_ms / 1000 <= all)
		return UINT64_MAX;
	return used >= all ? 0 : (all - used) * 1000 * MS / rate;
}

void lull_port_why(const struct lull_tcp *t, const struct lull_tuple *tuple,
		   struct lull_why *why)
{
	uint32_t lo = (uint32_t)t->g->knobs.ip_local_port_range[0];
	uint32_t hi = (uint32_t)t->g->knobs.ip_local_port_range[1];
	uint32_t i = lull_dest_find(t, tuple, lull_dest_hash(t, tuple));
	const struct lull_dest *d = lull_dest_at(t, i);

	why->ports = hi - lo + 1;
	why->ports_reserved = count_reserved(t, lo, hi);
	why->free_in_ns = why->reuse_in_ns = why->full_in_ns = UINT64_MAX;
	if (!i)
		return;
	why->ports_live = d->live;
	why->ports_closing = d->closing;
	why->opens_per_s = lull_dest_rate(t, d);
	look_at_records(t, d, *tuple, why);
	why->full_in_ns = full_in(t, d, why);
}
