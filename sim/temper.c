/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * temper.c: peers of other temper, see temper.h.
 *
 *	no-ts, no-sack, no-wscale   knobs
 *	ts-random     another timestamp offset for each connection, as pf has it
 *	no-paws       old timestamps don't look old
 *	tw-recycle    SYNs whose timestamp goes back, by the address alone, are
 *	              dropped, as Linux before 4.12 did with
 *net.ipv4.tcp_tw_recycle
 *
 * When the faults are over new connections meet none of the last three.
 *
 * Entry points: temper_draw, temper_out, temper_in.
 */
#include "temper.h"

#define SECOND 1000000000ULL

enum {
	RECYCLE_S = 60,
};

void temper_draw(struct world *w, int host)
{
	struct temper *t = &w->host[host].temper;

	if (sim_has(w, KIND_NO_TS) && sim_chance_of(w, KIND_NO_TS, 50))
		sim_note_knob(w, host, "net.ipv4.tcp_timestamps", "0");
	if (sim_has(w, KIND_NO_SACK) && sim_chance_of(w, KIND_NO_SACK, 50))
		sim_note_knob(w, host, "net.ipv4.tcp_sack", "0");
	if (sim_has(w, KIND_NO_WSCALE) && sim_chance_of(w, KIND_NO_WSCALE, 50))
		sim_note_knob(w, host, "net.ipv4.tcp_window_scaling", "0");
	t->random_ts = sim_has(w, KIND_TS_RANDOM) &&
		       sim_chance_of(w, KIND_TS_RANDOM, 50);
	t->no_paws =
		sim_has(w, KIND_NO_PAWS) && sim_chance_of(w, KIND_NO_PAWS, 50);
	t->recycles = sim_has(w, KIND_TW_RECYCLE) &&
		      sim_chance_of(w, KIND_TW_RECYCLE, 50);
}

void temper_out(struct world *w, struct wire_end *e, struct view *v)
{
	if (!w->host[e->host].temper.random_ts)
		return;
	if (e->fresh)
		e->ts_offset =
			w->quiet ? 0
				 : (uint32_t)sim_below_of(w, KIND_TS_RANDOM,
							  1ULL << 32);
	e->fresh = false;
	if (!v->ts || v->flags & RST || !e->ts_offset)
		return;
	packet_put32(v->ts, packet_get32(v->ts) + e->ts_offset);
	packet_fix_sums(v);
}

/* RFC 7323 5.3 undone. */
static void renew(struct wire_end *e, struct view *v)
{
	uint32_t tsval = packet_get32(v->ts);

	if ((v->flags & (SYN | ACK)) == SYN || !e->has_tsval ||
	    (int32_t)(tsval - e->tsval_max) > 0) {
		e->tsval_max = tsval;
		e->has_tsval = true;
		return;
	}
	packet_put32(v->ts, e->tsval_max);
	packet_fix_sums(v);
}

static bool goes_back(struct world *w, struct wire_end *e, const struct view *v)
{
	uint32_t from = v->addr[0][v->addr_len - 1] % SIM_SEEN;
	struct temper_seen *seen =
		&w->host[e->host].temper.seen[v->addr_len == 16][from];
	uint32_t tsval = packet_get32(v->ts);

	if (seen->ns && (int32_t)(tsval - seen->tsval) < 0 &&
	    (v->flags & (SYN | ACK)) == SYN &&
	    w->now_ns - seen->ns < RECYCLE_S * SECOND)
		return true;
	if (!seen->ns || (int32_t)(tsval - seen->tsval) > 0)
		seen->tsval = tsval;
	seen->ns = w->now_ns;
	return false;
}

bool temper_in(struct world *w, struct wire_end *e, struct view *v)
{
	const struct temper *t = &w->host[e->host].temper;

	if (!v->ts || v->flags & RST)
		return true;
	if (t->recycles && !w->quiet && goes_back(w, e, v))
		return false;
	if (t->random_ts && e->ts_offset && v->flags & ACK) {
		packet_put32(v->ts + 4, packet_get32(v->ts + 4) - e->ts_offset);
		packet_fix_sums(v);
	}
	/* Without the lift a connection that had it would go back in time. */
	e->lifted |= t->no_paws && !w->quiet;
	if (e->lifted)
		renew(e, v);
	return true;
}
