/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ports.c: a local port for a connection that we open: RFC 6056 3.3.4, the
 * double hash. It is chosen for the destination, not for the machine.
 *
 * Walks from a keyed start, which moves on with each choice, until a pair is
 * free; never gives out a port that somebody listens on.
 *
 * Entry point: lull_port_choose.
 */
#include "tcp/tcp.h"

static bool is_listening(const struct lull_tcp *t,
			 const struct lull_tuple *tuple)
{
	struct lull_spot spot = {
		.addr = tuple->local,
		.port = tuple->lport,
		.ours = true,
	};

	return lull_listener_find(t, &spot) != 0;
}

/* Note who has the pair, for the caller who wants to know why. */
static void note_taken(const struct lull_tcp *t, uint32_t name,
		       struct lull_why *why)
{
	enum lull_kind kind = lull_name_kind(name);
	uint64_t left_ns;

	if (kind != LULL_KIND_CLOSING4 && kind != LULL_KIND_CLOSING6) {
		why->ports_live++;
		return;
	}
	why->ports_closing++;
	left_ns = (uint64_t)lull_closing_left_ms(t, lull_closing_at(t, name)) *
		  1000000;
	if (left_ns < why->free_in_ns)
		why->free_in_ns = left_ns;
}

int lull_port_choose(struct lull_tcp *t, struct lull_tuple *tuple,
		     uint32_t *hash, struct lull_why *why)
{
	struct lull_ground *g = t->g;
	uint32_t lo = (uint32_t)g->knobs.ip_local_port_range[0];
	uint32_t ports = (uint32_t)g->knobs.ip_local_port_range[1] - lo + 1;
	uint64_t h;
	uint32_t *next, offset;

	tuple->lport = 0;
	h = lull_hash_tuple(g->keys.port, tuple);
	next = &t->port_next[h >> 32 & (LULL_PORT_SLOTS - 1)];
	offset = (uint32_t)h + *next;
	why->ports = ports;
	why->free_in_ns = UINT64_MAX;
	for (uint32_t i = 0; i < ports; i++) {
		uint32_t name;

		tuple->lport = (uint16_t)(lo + (offset + i) % ports);
		*hash = (uint32_t)lull_hash_tuple(g->keys.flow, tuple);
		name = lull_tcp_find(t, *hash, tuple);
		if (name)
			note_taken(t, name, why);
		else if (!is_listening(t, tuple)) {
			*next += i + 1;
			return 0;
		}
	}
	why->reason = LULL_WHY_PORTS_IN_USE;
	return -EADDRNOTAVAIL;
}
