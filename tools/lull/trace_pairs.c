/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace_pairs.c: what is known of connections whose changes are traced, and
 * which of them somebody wants to see (trace.h).
 *
 * A table of sets, each with WAYS places; in a full set the one that was
 * silent for longest is forgotten. Never grows.
 *
 * Entry points: trace_pairs_new, trace_note, trace_filter, trace_passes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lull/host.h>

#include "trace.h"

enum {
	WAYS = 8,
	SETS = TRACE_PAIRS / WAYS,
};

struct key {
	uint8_t local[16], remote[16];
	uint16_t lport, rport;
};

struct pair {
	struct key key;
	uint8_t first; /* of enum trace_first */
	bool live;
	uint64_t since_ns, last; /* index of its last record */
};

struct trace_pairs {
	struct pair set[SETS][WAYS];
};

struct trace_pairs *trace_pairs_new(void)
{
	return calloc(1, sizeof(struct trace_pairs));
}

/* FNV-1a. Who makes collisions on purpose makes us say "unknown". */
static uint32_t hash(const struct key *key)
{
	const uint8_t *p = (const uint8_t *)key;
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < sizeof *key; i++)
		h = (h ^ p[i]) * 0x100000001b3;
	return (uint32_t)(h >> 32 ^ h);
}

/* That of the key, or else the one to take for it. */
static struct pair *place(struct trace_pairs *t, const struct key *key)
{
	struct pair *set = t->set[hash(key) % SETS], *best = &set[0];

	for (int i = 0; i < WAYS; i++) {
		if (set[i].live && memcmp(&set[i].key, key, sizeof *key) == 0)
			return &set[i];
		if (best->live && (!set[i].live || set[i].last < best->last))
			best = &set[i];
	}
	return best;
}

/* What a state says of itself, of who sent the first FIN. */
static enum trace_first first_by_state(uint8_t state)
{
	switch (state) {
	case LULL_TCP_SYN_SENT:
	case LULL_TCP_SYN_RECEIVED:
	case LULL_TCP_ESTABLISHED:
		return TRACE_NOBODY;
	case LULL_TCP_FIN_WAIT_1:
	case LULL_TCP_FIN_WAIT_2:
		return TRACE_WE;
	case LULL_TCP_CLOSE_WAIT:
	case LULL_TCP_LAST_ACK:
		return TRACE_PEER;
	case LULL_TCP_CLOSING:
		return TRACE_BOTH;
	default:
		return TRACE_UNKNOWN;
	}
}

static enum trace_first first_by_end(uint8_t what)
{
	if (what == LULL_END_UNKNOWN)
		return TRACE_UNKNOWN;
	if (what == LULL_END_RST_IN || what == LULL_END_SYN)
		return TRACE_PEER;
	return what == LULL_END_RST_OUT ? TRACE_WE : TRACE_NOBODY;
}

/* FINs that crossed are known later than the first of them. */
static uint8_t first_of(uint8_t before, const struct lull_ctl_trace *r)
{
	uint8_t first = before;

	if (first == TRACE_UNKNOWN)
		first = (uint8_t)first_by_state(r->from);
	if (first == TRACE_NOBODY && r->to == LULL_TCP_CLOSED)
		return (uint8_t)first_by_end(r->what);
	if (first == TRACE_NOBODY || r->to == LULL_TCP_CLOSING)
		return (uint8_t)first_by_state(r->to);
	return first;
}

struct trace_seen trace_note(struct trace_pairs *t,
			     const struct lull_ctl_trace *r)
{
	struct key key = {.lport = r->lport, .rport = r->rport};
	bool opening = r->from == LULL_TCP_CLOSED;
	struct pair *p;

	memcpy(key.local, r->local, sizeof key.local);
	memcpy(key.remote, r->remote, sizeof key.remote);
	p = place(t, &key);
	if (opening || !p->live || memcmp(&p->key, &key, sizeof key) != 0)
		*p = (struct pair){.key = key,
				   .since_ns = opening ? r->now_ns : 0};
	p->first = opening ? (uint8_t)first_by_state(r->to)
			   : first_of(p->first, r);
	/* A record of another stack says nothing of what was before. */
	if (opening && r->to == LULL_TCP_TIME_WAIT)
		p->since_ns = 0;
	p->live = r->to != LULL_TCP_CLOSED;
	p->last = r->index;
	return (struct trace_seen){
		.first = p->first, .opening = opening, .since_ns = p->since_ns};
}

/* ---- filters ---- */

/* 1 to 65535; 0: it is no port. */
static uint16_t port_of(const char *text)
{
	size_t len = strlen(text);
	long n = strtol(text, NULL, 10);

	if (!len || len > 5 || strspn(text, "0123456789") != len || n > 65535)
		return 0;
	return (uint16_t)n;
}

/* Cuts the port off; false: it is none. */
static bool cut_port(char *text, uint16_t *port)
{
	char *colon = strrchr(text, ':'), *end = strrchr(text, ']');

	if (!colon || (end && colon < end) ||
	    (!end && colon != strchr(text, ':')))
		return true; /* there is none, or it is IPv6 */
	*port = port_of(colon + 1);
	*colon = 0;
	return *port;
}

int trace_filter(const char *text, struct trace_filter *filter)
{
	char copy[LULL_ADDR_TEXT + 16];
	size_t len = strlen(text);
	char *addr = copy;

	*filter = (struct trace_filter){0};
	if (!len || len >= sizeof copy)
		return -EINVAL;
	memcpy(copy, text, len + 1);
	if (!cut_port(copy, &filter->port))
		return -EINVAL;
	len = strlen(copy);
	if (!len || strcmp(copy, "*") == 0)
		return 0;
	if (copy[0] == '[' && copy[len - 1] == ']') {
		copy[len - 1] = 0;
		addr++;
	}
	return lull_prefix_parse(addr, &filter->prefix);
}

static bool is_in(const struct lull_prefix *p, const uint8_t *addr)
{
	int bytes = p->bits / 8, rest = p->bits % 8;

	if (memcmp(p->addr.b, addr, (size_t)bytes) != 0)
		return false;
	return !rest || !((p->addr.b[bytes] ^ addr[bytes]) >> (8 - rest));
}

bool trace_passes(const struct trace_filter *f, const struct lull_ctl_trace *r)
{
	bool local = !f->port || f->port == r->lport;
	bool remote = !f->port || f->port == r->rport;

	return (local && is_in(&f->prefix, r->local)) ||
	       (remote && is_in(&f->prefix, r->remote));
}
