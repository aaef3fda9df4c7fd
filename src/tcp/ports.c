/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ports.c: a local port for a connection that we open, and whose pair it may
 * take (RFC 6056 3.3.4: chosen for the destination, not for the machine).
 *
 * Ports are taken in turn from a keyed start, so that each rests as long as
 * possible. With few in use some trials find a free one; with many the map of
 * the destination does, exactly. When none is free, a TIME_WAIT may give up
 * its pair: the one that rested longest is asked first.
 *
 * Never gives out a port that somebody listens on, or a reserved one.
 *
 * Entry point: lull_port_choose.
 */
#include "tcp/tcp.h"

enum {
	IN_TURN = 16,	/* trials one after the other, */
	AT_RANDOM = 64, /* then here and there */
	ALL = 4096,	/* without a map, at most */
	RECORDS = 64,	/* that are asked for their pair */
};

struct search {
	struct lull_tcp *t;
	struct lull_place *place;
	struct lull_dest *d; /* or NULL */
	uint32_t lo, ports;
	uint64_t hash; /* of the destination */
};

/* ---- one port ---- */

/* Is what was found counted at its destination, so that the map may know it? */
static bool is_counted(const struct lull_tcp *t, uint32_t name)
{
	uint32_t i = lull_name_index(name);

	if (lull_name_is_record(name))
		return lull_closing_at(t, name)->head.flags &
		       LULL_CLOSING_ACTIVE;
	return lull_name_kind(name) == LULL_KIND_TCB &&
	       lull_tcb_cold(t, lull_tcb_at(t, i))->dest;
}

/* Look the port up. 0: nobody has it. */
static uint32_t look_up(const struct search *s, uint16_t port)
{
	struct lull_place *p = s->place;
	uint32_t name;

	p->tuple.lport = port;
	p->hash = (uint32_t)lull_hash_tuple(s->t->g->keys.flow, &p->tuple);
	name = lull_tcp_find(s->t, p->hash, &p->tuple);
	if (name && s->d && is_counted(s->t, name))
		lull_dest_learn(s->t, s->d, port, lull_name_is_record(name));
	return name;
}

static bool is_free(const struct search *s, uint16_t port)
{
	const struct lull_addr *local = &s->place->tuple.local;

	return !lull_port_is_reserved(s->t->g, port) && !look_up(s, port) &&
	       !lull_listener_has_port(s->t, local, port);
}

/* ---- without a map ---- */

static uint32_t *cursor(const struct search *s)
{
	return s->d ? &s->d->next
		    : &s->t->port_next[s->hash >> 32 & (LULL_PORT_SLOTS - 1)];
}

/* The port whose turn it is. */
static uint16_t in_turn(const struct search *s)
{
	return (uint16_t)(s->lo + ((uint32_t)s->hash + *cursor(s)) % s->ports);
}

static bool walk(const struct search *s, uint32_t most)
{
	uint32_t n = lull_min(most, s->ports);

	for (uint32_t i = 0; i < n; i++) {
		uint16_t port = in_turn(s);

		++*cursor(s);
		if (is_free(s, port))
			return true;
	}
	return false;
}

static bool try_at_random(const struct search *s)
{
	uint64_t x = s->hash + *cursor(s);

	for (uint32_t i = 0; i < AT_RANDOM; i++) {
		/* Knuth's 64-bit generator: only to spread, nothing hidden. */
		x = x * 6364136223846793005U + 1442695040888963407U;
		if (is_free(s, (uint16_t)(s->lo + (x >> 33) % s->ports)))
			return true;
	}
	return false;
}

/* ---- with a map ---- */

/* The first port of [from, to] whose bit is `set`, or to + 1. */
static uint32_t next_port(const struct search *s, const uint64_t *words,
			  bool set, uint32_t from, uint32_t to)
{
	uint64_t mask = ~UINT64_C(0) << (from & 63);

	for (uint32_t w = from >> 6; w <= to >> 6; w++) {
		uint64_t word = (set ? words[w] : ~words[w]) & mask &
				~lull_ports_reserved(s->t->g, w);

		if (word)
			return lull_min(w << 6 |
						(uint32_t)__builtin_ctzll(word),
					to + 1);
		mask = ~UINT64_C(0);
	}
	return to + 1;
}

static void move_cursor(const struct search *s, uint16_t port)
{
	*cursor(s) = port - s->lo + 1 - (uint32_t)s->hash % s->ports;
}

static bool find_free(const struct search *s, const struct lull_portmap *m,
		      uint32_t from, uint32_t to)
{
	while ((from = next_port(s, m->used, false, from, to)) <= to) {
		if (is_free(s, (uint16_t)from)) {
			move_cursor(s, (uint16_t)from);
			return true;
		}
		from++;
	}
	return false;
}

static bool search_map(const struct search *s, const struct lull_portmap *m)
{
	uint32_t start = in_turn(s), end = s->lo + s->ports - 1;

	return find_free(s, m, start, end) ||
	       (start > s->lo && find_free(s, m, s->lo, start - 1));
}

static bool search_free(const struct search *s)
{
	struct lull_portmap *m =
		s->d ? lull_dest_map(s->t, s->d, s->ports) : NULL;

	if (m)
		return search_map(s, m);
	return walk(s, IN_TURN) || try_at_random(s) || walk(s, ALL);
}

/* ---- a TIME_WAIT's ---- */

/* Take the pair of this record, if that may be. */
static bool take_pair(const struct search *s, uint32_t name)
{
	struct lull_reuse_in in = lull_reuse_in(s->t, s->d, name);

	if ((in.safe_ms && in.plain_ms) ||
	    lull_listener_has_port(s->t, &s->place->tuple.local,
				   s->place->tuple.lport))
		return false;
	s->place->record = name;
	s->place->shadowed = !in.safe_ms;
	return true;
}

static bool find_record(const struct search *s, const struct lull_portmap *m,
			uint32_t from, uint32_t to, uint32_t *asked)
{
	while (*asked < RECORDS &&
	       (from = next_port(s, m->closing, true, from, to)) <= to) {
		uint32_t name = look_up(s, (uint16_t)from);

		++*asked;
		if (lull_name_is_record(name) && take_pair(s, name)) {
			move_cursor(s, (uint16_t)from);
			return true;
		}
		from++;
	}
	return false;
}

static bool search_records(const struct search *s)
{
	const struct lull_knobs *k = &s->t->g->knobs;
	struct lull_portmap *m;
	uint32_t start, end = s->lo + s->ports - 1, asked = 0;

	if ((!k->tw_reuse && !k->tw_reuse_safe) || !s->d || !s->d->closing)
		return false;
	m = lull_dest_map(s->t, s->d, s->ports);
	if (!m)
		return false;
	start = in_turn(s);
	return find_record(s, m, start, end, &asked) ||
	       (start > s->lo && find_record(s, m, s->lo, start - 1, &asked));
}

/* ---- all of it ---- */

/* R2: Linux gives a bound port the pair at once, if both had SO_REUSEADDR. */
static bool is_bound_again(const struct search *s, uint32_t name)
{
	const struct lull_closing_head *h = &lull_closing_at(s->t, name)->head;

	return s->t->g->profile == LULL_PROFILE_LINUX && s->place->reuseaddr &&
	       h->commit == LULL_TCP_TIME_WAIT &&
	       h->tos & LULL_CLOSING_REUSEADDR && h->flags & LULL_CLOSING_TS;
}

/* A port that the program named. */
static int take_given(const struct search *s, struct lull_why *why)
{
	uint32_t name = look_up(s, s->place->tuple.lport);

	if (!name)
		return 0;
	if (lull_name_is_record(name) && take_pair(s, name))
		return 0;
	if (lull_name_is_record(name) && is_bound_again(s, name)) {
		s->place->record = name;
		return 0;
	}
	why->reason = LULL_WHY_PAIR_IN_USE;
	return -EADDRNOTAVAIL;
}

int lull_port_choose(struct lull_tcp *t, struct lull_place *place,
		     struct lull_why *why)
{
	const int64_t *range = t->g->knobs.ip_local_port_range;
	struct search s = {
		.t = t,
		.place = place,
		.lo = (uint32_t)range[0],
		.ports = (uint32_t)(range[1] - range[0] + 1),
		.hash = lull_dest_hash(t, &place->tuple),
	};
	uint32_t i = lull_dest_find(t, &place->tuple, s.hash);

	s.d = i ? lull_dest_at(t, i) : NULL;
	if (place->tuple.lport) {
		int e = take_given(&s, why);

		if (e < 0)
			return e;
	} else if (!search_free(&s) && !search_records(&s)) {
		place->tuple.lport = 0;
		why->reason = i ? LULL_WHY_PORTS_IN_USE : LULL_WHY_LIMIT_DESTS;
		lull_port_why(t, &place->tuple, why);
		return -EADDRNOTAVAIL;
	}
	place->dest_hash = s.hash;
	return 0;
}
