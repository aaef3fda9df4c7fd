/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire.c: the rules of the wire, see wire.h.
 *
 * Entry points: wire_end_of, wire_out, wire_in, wire_check.
 */
#include <stdlib.h>

#include "wire.h"

#define SECOND 1000000000ULL
#define MS     1000000ULL

enum {
	ENDS_MAX = 2048,
	SLOTS = 8192,
	SHIFT_MAX = 14,
	FIRST_WAIT = 3, /* before it come a probe and the first timeout */
};

struct wire {
	struct wire_end end[ENDS_MAX];
	uint16_t slot[SLOTS]; /* 0: none; else an end's number and one */
	int used;
	int reset[64]; /* ends that were reset at this moment */
	int resets;
};

struct wire *wire_create(void)
{
	return calloc(1, sizeof(struct wire));
}

void wire_destroy(struct wire *x)
{
	free(x);
}

static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static bool after(uint32_t a, uint32_t b)
{
	return before(b, a);
}

/* ---- ends ---- */

static uint64_t key_of(uint32_t port, uint32_t remote, uint8_t last,
		       uint32_t addr_len, int host)
{
	return 1ULL << 63 | port | remote << 16 | (uint64_t)last << 32 |
	       (uint64_t)addr_len << 40 | (uint64_t)host << 48;
}

struct wire_end *wire_end_of(struct world *w, int host, const struct view *v,
			     bool out)
{
	struct wire *x = w->wire;
	uint64_t key = key_of(v->port[!out], v->port[out],
			      v->addr[out][v->addr_len - 1], v->addr_len, host);
	uint32_t i = (uint32_t)(key * 0x9e3779b97f4a7c15U >> 51) & (SLOTS - 1);

	for (; x->slot[i]; i = (i + 1) & (SLOTS - 1))
		if (x->end[x->slot[i] - 1].key == key)
			return &x->end[x->slot[i] - 1];
	if (x->used == ENDS_MAX) {
		sim_fail(w, "more than %d pairs", ENDS_MAX);
		return NULL;
	}
	x->end[x->used] =
		(struct wire_end){.key = key, .host = host, .side = -1};
	x->slot[i] = (uint16_t)++x->used;
	return &x->end[x->used - 1];
}

static void begin(struct wire_end *e, uint32_t iss)
{
	struct wire_end old = *e;
	bool left = old.begun && old.fin_out;

	*e = (struct wire_end){
		.key = old.key,
		.host = old.host,
		.side = -1,
		.begun = true,
		.iss = iss,
		.cookie = iss,
		.snd_una = iss + 1,
		.snd_max = iss + 1,
		/* What never sent FIN left no record behind it. */
		.has_old = old.has_old || left,
		.old_snd = left ? old.snd_max : old.old_snd,
		.old_ack = left ? old.ack_out : old.old_ack,
		.syn = old.syn,
		.ts_offset = old.ts_offset,
		.tsval_max = old.tsval_max,
		.has_tsval = old.has_tsval,
		.fresh = true,
	};
}

/* A record may be there still, and answer. */
void wire_forget(struct world *w, int host)
{
	for (int i = 0; i < w->wire->used; i++) {
		struct wire_end *e = &w->wire->end[i];

		if (e->host != host)
			continue;
		if (e->begun && e->fin_out) {
			e->has_old = true;
			e->old_snd = e->snd_max;
			e->old_ack = e->ack_out;
		}
		e->has_old &= w->host[host].has_state;
		e->begun = e->syn.there = false;
	}
}

static bool read_scale(const struct view *v, uint8_t *shift)
{
	const uint8_t *o = packet_option(v, PACKET_OPT_WSCALE);

	*shift = o && o[1] == 3 ? o[2] : 0;
	if (*shift > SHIFT_MAX)
		*shift = SHIFT_MAX;
	return o && o[1] == 3;
}

static uint32_t shift_of(const struct wire_end *e, bool out)
{
	if (!e->scale_in || !e->scale_out)
		return 0;
	return out ? e->shift_out : e->shift_in;
}

static void offered(struct wire_end *e, uint32_t edge)
{
	if (!e->has_edge_in || after(edge, e->edge_in))
		e->edge_in = edge;
	e->has_edge_in = true;
}

/* ---- what has arrived ---- */

/* Both SYNs are known: what comes is counted from here. */
static void sync(struct wire_end *e, uint32_t irs)
{
	e->synced = true;
	e->irs = irs;
	e->rcv_next = e->ack_out = irs + 1;
	e->ranges = 0;
	if (!e->syn.there || e->syn.seq != irs) {
		e->lost_count = true;
		return;
	}
	e->scale_in = e->syn.scale;
	e->shift_in = e->syn.shift;
	offered(e, e->iss + 1 + e->syn.wnd);
}

static void drop_range(struct wire_end *e, int i)
{
	memmove(&e->range[i], &e->range[i + 1],
		(size_t)(--e->ranges - i) * sizeof e->range[0]);
}

/* [from, to) is there, too. */
static void arrived(struct wire_end *e, uint32_t from, uint32_t to)
{
	int i = 0;

	if (from == to)
		return;
	while (i < e->ranges && before(e->range[i].to, from))
		i++;
	while (i < e->ranges && !after(e->range[i].from, to)) {
		if (before(e->range[i].from, from))
			from = e->range[i].from;
		if (after(e->range[i].to, to))
			to = e->range[i].to;
		drop_range(e, i);
	}
	if (!after(from, e->rcv_next)) {
		if (after(to, e->rcv_next))
			e->rcv_next = to;
		return;
	}
	if (e->ranges == WIRE_RANGES) {
		e->lost_count = true;
		return;
	}
	memmove(&e->range[i + 1], &e->range[i],
		(size_t)(e->ranges++ - i) * sizeof e->range[0]);
	e->range[i].from = from;
	e->range[i].to = to;
}

static bool has_arrived(const struct wire_end *e, uint32_t from, uint32_t to)
{
	if (!after(to, e->rcv_next))
		return true;
	for (int i = 0; i < e->ranges; i++)
		if (!before(from, e->range[i].from) &&
		    !after(to, e->range[i].to))
			return true;
	return false;
}

static void syn_in(struct wire_end *e, const struct view *v)
{
	bool answer = v->flags & ACK;

	if (answer && (!e->begun || v->ack != e->iss + 1))
		return; /* an old one: what it says is not taken */
	if (answer && e->synced) {
		e->lost_count |= v->seq != e->irs;
		return;
	}
	e->syn.there = true;
	e->syn.seq = v->seq;
	e->syn.wnd = v->wnd;
	e->syn.scale = read_scale(v, &e->syn.shift);
	if (answer)
		sync(e, v->seq);
}

static bool is_near(uint32_t a, uint32_t b)
{
	return a - b + (1U << 30) < 1U << 31;
}

/* A SYN that came twice was answered with two cookies; it is the first one
 * that is taken. */
static void take_cookie(struct wire_end *e)
{
	e->iss = e->cookie;
	e->snd_una = e->snd_max = e->iss + 1;
	e->has_edge_in = false;
	offered(e, e->iss + 1 + e->syn.wnd);
}

void wire_in(struct wire_end *e, const struct view *v)
{
	e->tries = 0;
	if (v->flags & RST) {
		e->rst_in |= e->begun && v->seq == e->ack_out;
		return;
	}
	if (v->flags & SYN) {
		syn_in(e, v);
		return;
	}
	if (!e->begun || !e->synced)
		return;
	if (v->flags & ACK && v->ack == e->cookie + 1 &&
	    e->snd_max == e->iss + 1 && e->cookie != e->iss)
		take_cookie(e);
	if (v->flags & ACK && !after(v->ack, e->snd_max) &&
	    after(v->ack, e->iss)) {
		offered(e, v->ack + (v->wnd << shift_of(e, false)));
		if (after(v->ack, e->snd_una))
			e->snd_una = v->ack;
	}
	e->fin_in |= v->flags & FIN;
	if (is_near(v->seq, e->rcv_next))
		arrived(e, v->seq, v->seq + v->text_len + !!(v->flags & FIN));
}

void wire_in_other(struct world *w, int host)
{
	for (int i = 0; i < w->wire->used; i++)
		if (w->wire->end[i].host == host)
			w->wire->end[i].tries = 0;
}

/* ---- what goes out ---- */

static void wrong(struct world *w, const struct wire_end *e,
		  const struct view *v, const char *what)
{
	sim_fail(w,
		 "host %d, port %u to %u: %s: SEQ %u, %u bytes, ACK %u, flags "
		 "%x, window %u",
		 e->host, v->port[0], v->port[1], what, v->seq - e->iss,
		 v->text_len, v->ack - e->irs, v->flags, v->wnd);
}

static bool is_side(const struct side *s, int host, const struct view *v)
{
	return s->host == host && s->local.port == v->port[0] &&
	       s->remote.port == v->port[1] &&
	       s->remote.addr.b[15] == v->addr[1][v->addr_len - 1] &&
	       (s->remote.addr.b[0] == 0xfd) == (v->addr_len == 16);
}

uint32_t wire_irs(const struct world *w, const struct side *s)
{
	bool v6 = s->remote.addr.b[0] == 0xfd;
	uint64_t key = key_of(s->local.port, s->remote.port,
			      s->remote.addr.b[15], v6 ? 16 : 4, s->host);

	for (int i = 0; i < w->wire->used; i++)
		if (w->wire->end[i].key == key)
			return w->wire->end[i].irs;
	return 0;
}

/* The program behind it: the newest one that has the pair. */
static const struct side *side_of(struct world *w, struct wire_end *e,
				  const struct view *v)
{
	for (int i = w->sides - 1; e->side < 0 && i >= 0; i--)
		if (is_side(&w->side[i], e->host, v))
			e->side = i;
	return e->side < 0 ? NULL : &w->side[e->side];
}

/* The bytes are the program's, at their place. */
static void check_bytes(struct world *w, struct wire_end *e,
			const struct view *v)
{
	const struct side *s = side_of(w, e, v);
	uint64_t at = v->seq - (e->iss + 1);
	uint8_t want[4096];

	if (!s)
		return;
	if (at + v->text_len > s->written) {
		wrong(w, e, v, "more than its program has written");
		return;
	}
	for (uint32_t i = 0; i < v->text_len; i += sizeof want) {
		uint32_t left = v->text_len - i;
		size_t n = left < sizeof want ? left : sizeof want;

		sim_fill(s->id, at + i, want, n);
		if (memcmp(want, v->tcp + v->tcp_len + i, n) != 0) {
			wrong(w, e, v, "other bytes than its program wrote");
			return;
		}
	}
	if (v->flags & FIN && at + v->text_len != s->written)
		wrong(w, e, v, "FIN before the last byte");
}

static void check_text(struct world *w, struct wire_end *e,
		       const struct view *v)
{
	uint32_t end = v->seq + v->text_len;

	if (before(v->seq, e->iss + 1)) {
		wrong(w, e, v, "text before its beginning");
		return;
	}
	if (e->fin_out &&
	    (after(end, e->fin_seq) || (v->flags & FIN && end != e->fin_seq)))
		wrong(w, e, v, "text or FIN behind the FIN");
	if (!e->fin_out && v->flags & FIN && before(end, e->snd_max))
		wrong(w, e, v, "FIN before what was sent");
	if (e->has_edge_in && !e->lost_count && after(end, e->edge_in))
		wrong(w, e, v, "text beyond the window");
	if (v->flags & FIN) {
		e->fin_out = true;
		e->fin_seq = end;
	}
	check_bytes(w, e, v);
	end += !!(v->flags & FIN);
	if (after(end, e->snd_max))
		e->snd_max = end;
}

static void check_sack(struct world *w, struct wire_end *e,
		       const struct view *v)
{
	const uint8_t *o = packet_option(v, PACKET_OPT_SACK);

	for (uint32_t i = 2; o && i + 8 <= o[1]; i += 8) {
		uint32_t from = packet_get32(o + i);
		uint32_t to = packet_get32(o + i + 4);

		if (!before(from, to) || !has_arrived(e, from, to)) {
			wrong(w, e, v, "SACK of what has not come");
			return;
		}
	}
}

static void check_ack(struct world *w, struct wire_end *e, const struct view *v)
{
	uint32_t shift = v->flags & SYN ? 0 : shift_of(e, true);
	uint32_t edge = v->ack + (v->wnd << shift);

	if (after(v->ack, e->rcv_next))
		wrong(w, e, v, "ACK of what has not come");
	if (before(v->ack, e->ack_out))
		wrong(w, e, v, "an ACK that goes back");
	/* Less than its unit a window can not say (RFC 7323 2.4). */
	if (e->has_edge_out && before(edge + (1U << shift) - 1, e->edge_out))
		wrong(w, e, v, "the window's right edge moves left");
	e->ack_out = v->ack;
	if (!e->has_edge_out || after(edge, e->edge_out))
		e->edge_out = edge;
	e->has_edge_out = true;
	check_sack(w, e, v);
}

/* Again, and nothing has come since: RFC 6298 5.5. */
static void check_time(struct world *w, struct wire_end *e,
		       const struct view *v)
{
	uint64_t gap_ns = w->now_ns - e->last_ns;
	bool slept = w->host[e->host].awake_ns > e->last_ns;

	if (after(v->seq, e->snd_una))
		return; /* the timer is the oldest one's */
	if (!e->tries || e->silent_seq != v->seq || slept) {
		if (e->tries && !slept)
			return; /* the tail, or more */
		e->tries = 1;
	} else if (gap_ns) {
		if (++e->tries > FIRST_WAIT &&
		    (gap_ns < 190 * MS || gap_ns > 121 * SECOND))
			wrong(w, e, v, "a timeout out of its bounds");
		if (e->tries > FIRST_WAIT && e->gap_ns < 110 * SECOND &&
		    !(v->flags & SYN) &&
		    (gap_ns * 10 < e->gap_ns * 17 ||
		     gap_ns * 10 > e->gap_ns * 23) &&
		    gap_ns < 110 * SECOND)
			wrong(w, e, v, "a timeout that does not double");
		e->gap_ns = gap_ns;
	}
	e->silent_seq = v->seq;
	e->last_ns = w->now_ns;
}

/* Of a shadow: its last ACK again, while the pair has a new connection. */
static bool is_old_ack(const struct wire_end *e, const struct view *v)
{
	return e->has_old && !v->text_len && v->seq == e->old_snd &&
	       !before(v->ack, e->old_ack);
}

static bool has_ended(const struct wire_end *e)
{
	return e->rst_in ||
	       (e->fin_in && e->fin_out && after(e->snd_una, e->fin_seq));
}

/* Is it of this connection, and has that not ended in order? What answers
 * others in SYN-SENT has their numbers (3.10.7.3). */
static void note_rst(struct world *w, struct wire_end *e, const struct view *v)
{
	bool ended = has_ended(e);
	struct wire *x = w->wire;
	bool ours =
		e->begun && after(v->seq, e->iss) && !after(v->seq, e->snd_max);

	(void)side_of(w, e, v);
	if (ours) /* another one may even begin at the same number */
		e->begun = false;
	if (!ended && ours &&
	    x->resets < (int)(sizeof x->reset / sizeof x->reset[0]))
		x->reset[x->resets++] = (int)(e - x->end);
}

/* The cookie for a SYN that comes twice has the same number, even after the
 * end. */
static bool is_another(const struct wire_end *e, const struct view *v)
{
	return !e->begun || e->iss != v->seq ||
	       (has_ended(e) && v->flags & ACK);
}

static void syn_out(struct wire_end *e, const struct view *v)
{
	bool same = e->begun && e->synced && v->flags & ACK &&
		    v->ack == e->irs + 1 && e->snd_max == e->iss + 1;
	uint32_t was = e->iss;

	if (is_another(e, v)) {
		begin(e, v->seq);
		if (same)
			e->cookie = was;
	}
	e->scale_out = read_scale(v, &e->shift_out);
	if (v->flags & ACK && !(e->synced && e->irs + 1 == v->ack))
		sync(e, v->ack - 1);
}

void wire_out(struct world *w, struct wire_end *e, const struct view *v)
{
	if (v->flags & RST) {
		note_rst(w, e, v);
		return;
	}
	if (v->flags & SYN) {
		bool another = is_another(e, v);

		syn_out(e, v);
		if (another)
			e->begun_ns = w->now_ns;
	}
	if (!e->begun || is_old_ack(e, v))
		return;
	if (v->text_len || v->flags & FIN)
		check_text(w, e, v);
	else if (after(v->seq, e->snd_max))
		wrong(w, e, v, "SEQ above all that was sent");
	if (v->flags & ACK && e->synced && !e->lost_count)
		check_ack(w, e, v);
	else if (v->flags & ACK)
		e->ack_out = v->ack;
	if (v->text_len || v->flags & (SYN | FIN))
		check_time(w, e, v);
}

/* A RST tells the peer that the connection is no more; its own program has to
 * know by now. */
void wire_check(struct world *w)
{
	struct wire *x = w->wire;

	for (int i = 0; i < x->resets; i++) {
		const struct wire_end *e = &x->end[x->reset[i]];
		const struct side *s = e->side < 0 ? NULL : &w->side[e->side];

		/* It may have been given another port meanwhile, or be the
		 * program of an older one that still holds its handle. */
		if (s && s->open && s->connected &&
		    (s->client || s->born_ns >= e->begun_ns) &&
		    s->local.port == (e->key & 0xffff))
			sim_fail(w,
				 "host %d sends RST, and the program of side "
				 "%d has its connection still",
				 e->host, e->side);
	}
	x->resets = 0;
}
