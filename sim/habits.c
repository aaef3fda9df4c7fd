/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * habits.c: programs of a random world with habits of their own.
 *
 *	fill  it writes until the window is closed, and then ends; the other
 *	      side sleeps meanwhile
 *
 * Entry points: sim_habit_begin, sim_habit_accept, sim_habit_fill.
 */
#include "sim.h"

#define SECOND 1000000000ULL
#define MS     1000000ULL

enum {
	NAP_S = 30,
	FILL_S = 60,
	FILL_MOST = 1 << 20,
	LOOK_MS = 20,
};

/* A side that connects. */
void sim_habit_begin(struct world *w, struct side *s)
{
	if (w->sure || !sim_has(w, KIND_FILL) ||
	    !sim_chance_of(w, KIND_FILL, 10))
		return;
	s->fills = true;
	s->leaks = s->deaf = false;
	s->habit_ns = w->now_ns + FILL_S * SECOND;
	s->to_write = FILL_MOST;
	if (s->plan != PLAN_SHUT_READ)
		s->plan = PLAN_CLOSE;
}

/* A side that was accepted, and has its peer. */
void sim_habit_accept(struct world *w, struct side *s)
{
	if (s->peer->fills) {
		s->plan = PLAN_READ_CLOSE;
		s->to_write = 0;
		s->pause_ns = 0;
		s->leaks = s->deaf = false;
		s->read_ns = w->now_ns + NAP_S * SECOND;
	}
}

/* What the window takes; true: go on later. */
bool sim_habit_fill(struct world *w, struct side *s)
{
	struct lull_pair pair = {s->local, s->remote};
	uint8_t text[4096];
	struct lull_row row;
	uint32_t room;

	if (lull_diag_find(w->host[s->host].shard, &pair, &row, 1) != 1)
		row = (struct lull_row){0};
	room = row.snd_wnd_bytes > row.wqueue ? row.snd_wnd_bytes - row.wqueue
					      : 0;
	while (room && s->written < s->to_write) {
		struct lull_span span = {text, sizeof text};
		long sent;

		if (span.len > room)
			span.len = room;
		sim_fill(s->id, s->written, text, span.len);
		sent = lull_sock_send(w->host[s->host].shard, s->sock, &span, 1,
				      0);
		if (sent <= 0)
			break;
		s->written += (uint64_t)sent;
		room -= (uint32_t)sent;
	}
	if (s->written < s->to_write && w->now_ns < s->habit_ns &&
	    (row.snd_wnd_bytes || row.wqueue)) {
		s->write_ns = w->now_ns + LOOK_MS * MS;
		return true;
	}
	sim_trace(w, "side %d has filled the window: %lu bytes",
		  (int)(s - w->side), s->written);
	s->to_write = s->written;
	s->fills = false;
	return false;
}
