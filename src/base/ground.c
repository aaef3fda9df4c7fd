/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ground.c: time, counters and the trace ring.
 *
 * Entry points: lull_ground_time, lull_drop, lull_drop_at, lull_trace_state,
 * lull_trace_why.
 */
#include "base/base.h"

/* Timers hold 32 bits of milliseconds: a longer leap is taken in steps. */
#define LEAP_MAX_NS ((uint64_t)1 << 50) /* 13 days */

bool lull_ground_time(struct lull_ground *g, uint64_t now_ns)
{
	bool leap;

	if (now_ns < g->now_ns)
		now_ns = g->now_ns;
	/* Timers of this step fire first: their ends would wrap around. */
	leap = now_ns - g->now_ns > LEAP_MAX_NS;
	if (leap)
		now_ns = g->now_ns + (g->behind ? 0 : LEAP_MAX_NS);
	g->now_ns = now_ns;
	g->now_ms = now_ns / 1000000;
	g->now_us = (uint32_t)(now_ns / 1000);
	return leap;
}

enum lull_counter_id lull_drop_counter(enum lull_drop drop)
{
	enum {
		LULL_COUNT_NONE = LULL_COUNTERS
	};
	static const uint8_t counter[LULL_DROPS] = {
		[LULL_DROP_NONE] = LULL_COUNT_NONE,
#define DROP(id, name, counter, help) [LULL_DROP_##id] = LULL_COUNT_##counter,
#include "base/drops.def"
#undef DROP
	};

	return (enum lull_counter_id)counter[drop];
}

void lull_drop(struct lull_ground *g, enum lull_drop why)
{
	enum lull_counter_id counter = lull_drop_counter(why);

	g->drops[why]++;
	if (counter < LULL_COUNTERS)
		g->count[counter]++;
}

static struct lull_trace_record *record(struct lull_ground *g,
					const struct lull_tuple *tuple)
{
	struct lull_trace *t = &g->trace;
	struct lull_trace_record *r = &t->ring[t->next++ & t->mask];

	r->now_ns = g->now_ns;
	r->local.addr = tuple->local;
	r->local.port = tuple->lport;
	r->remote.addr = tuple->remote;
	r->remote.port = tuple->rport;
	return r;
}

void lull_drop_at(struct lull_ground *g, enum lull_drop why,
		  const struct lull_tuple *tuple, uint32_t seq, uint32_t ack)
{
	lull_drop(g, why);
	if (!g->trace.ring)
		return;

	struct lull_trace_record *r = record(g, tuple);

	r->kind = LULL_TRACE_DROP;
	r->from = r->to = 0;
	r->what = (uint8_t)why;
	r->seq = seq;
	r->ack = ack;
}

void lull_trace_state(struct lull_ground *g, const struct lull_tuple *tuple,
		      enum lull_tcp_state from, enum lull_tcp_state to,
		      uint32_t seq, uint32_t ack)
{
	if (!g->trace.ring)
		return;

	struct lull_trace_record *r = record(g, tuple);

	r->kind = LULL_TRACE_STATE;
	r->from = (uint8_t)from;
	r->to = (uint8_t)to;
	r->what = 0;
	r->seq = seq;
	r->ack = ack;
}

void lull_trace_why(struct lull_ground *g, enum lull_trace_end why)
{
	struct lull_trace *t = &g->trace;

	if (!t->ring)
		return;

	struct lull_trace_record *r = &t->ring[(t->next - 1) & t->mask];

	LULL_CHECK(r->kind == LULL_TRACE_STATE && r->to == LULL_TCP_CLOSED);
	r->what = (uint8_t)why;
}

/* A test that wants to know brings its own. */
__attribute__((weak)) void lull_cover(const char *name)
{
	(void)name;
}
