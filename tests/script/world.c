/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world.c: see world.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

#define MS 1000000ULL

enum {
	TURNS_MAX = 10000,    /* of a shard that says "more" */
	STEPS_MAX = 10000000, /* of time, in one wait */
	PEER_ISS = 0xffffffe0,
	PEER_CLOCK = 1000, /* its first stamp, unless the script says */
	AFTER_ALL_S = 4000,
};

static void complain(struct world *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The first one counts. */
static void complain(struct world *w, const char *format, ...)
{
	va_list args;

	if (w->broken[0])
		return;
	va_start(args, format);
	vsnprintf(w->broken, sizeof(w->broken), format, args);
	va_end(args);
}

double world_ms(const struct world *w, uint64_t at_ns)
{
	return (double)(at_ns - w->start_ns) / (double)MS;
}

void world_log(struct world *w, const char *format, ...)
{
	char *line = w->log[w->lines % WORLD_LOG];
	int n = snprintf(line, WORLD_LINE, "%12.3f ", world_ms(w, w->now_ns));
	va_list args;

	va_start(args, format);
	vsnprintf(line + n, WORLD_LINE - (size_t)n, format, args);
	va_end(args);
	w->lines++;
}

/* ---- flows ---- */

struct flow *world_flow(struct world *w, uint16_t peer_port)
{
	struct flow *f;

	for (int i = 0; i < w->flow_count; i++)
		if (w->flows[i].peer_port == peer_port)
			return &w->flows[i];
	if (w->flow_count == WORLD_FLOWS)
		return NULL;
	f = &w->flows[w->flow_count++];
	*f = (struct flow){.peer_port = peer_port,
			   .our_port = 80,
			   .peer_iss = PEER_ISS,
			   .nxt = PEER_ISS,
			   .peer_val = PEER_CLOCK,
			   .peer_val_ns = w->now_ns};
	return f;
}

uint32_t world_peer_val(const struct world *w, const struct flow *f)
{
	return f->peer_val + (uint32_t)((w->now_ns - f->peer_val_ns) / MS);
}

void world_renumber(struct flow *f, uint32_t our_iss, uint32_t peer_iss)
{
	f->our_iss = our_iss;
	f->rcv = our_iss + 1;
	f->peer_iss = peer_iss;
	f->nxt = peer_iss + 1;
}

/* The peer sent it. */
static void note_sent(struct world *w, struct flow *f, const struct segment *s)
{
	uint32_t end = s->seq + wire_len(s);

	if (!(s->flags & TCP_RST) &&
	    (!f->begun || (int32_t)(end - f->nxt) > 0)) {
		f->nxt = end;
		f->begun = true;
	}
	if (s->flags & TCP_SYN) {
		f->peer_ts = s->has_ts;
		if (s->has_ts) {
			f->peer_val = s->tsval;
			f->peer_val_ns = w->now_ns;
		}
	}
}

/* It came from us. */
static void note_came(struct flow *f, const struct segment *s)
{
	uint32_t end = s->seq + wire_len(s);

	f->our_port = s->from;
	if (s->has_ts && !(s->flags & TCP_RST)) {
		if (!f->our_ts)
			f->our_base = s->tsval;
		f->our_ts = true;
		f->our_val = s->tsval;
	}
	if (s->flags & TCP_RST)
		return;
	if (s->flags & TCP_SYN && !f->ours_known) {
		f->ours_known = true;
		f->our_iss = s->seq;
		f->rcv = end;
	} else if ((int32_t)(s->seq - f->rcv) <= 0 &&
		   (int32_t)(end - f->rcv) > 0) {
		f->rcv = end;
	}
}

/* snprintf() behind what is there. */
__attribute__((format(printf, 3, 4))) static void add(char *out, size_t size,
						      const char *format, ...)
{
	size_t n = strlen(out);
	va_list args;

	va_start(args, format);
	vsnprintf(out + n, size - n, format, args);
	va_end(args);
}

static void add_options(const struct flow *f, const struct segment *s,
			bool ours, char *out, size_t size)
{
	uint32_t base = ours ? f->peer_iss : f->our_iss;

	if (s->has_mss)
		add(out, size, ", mss=%u", s->mss);
	if (s->has_wscale)
		add(out, size, ", wscale=%u", s->wscale);
	if (s->has_sackok)
		add(out, size, ", sackok=true");
	if (s->has_ts && ours)
		add(out, size, ", ts={%d, %u}",
		    (int32_t)(s->tsval - f->our_base), s->tsecr);
	else if (s->has_ts)
		add(out, size, ", ts={%u, %d}", s->tsval,
		    (int32_t)(s->tsecr -
			      (s->flags & TCP_ACK ? f->our_base : 0)));
	for (uint32_t i = 0; i < s->sacks; i++)
		add(out, size, "%s{%d, %d}%s", i ? ", " : ", sack={",
		    (int32_t)(s->sack[i][0] - base),
		    (int32_t)(s->sack[i][1] - base),
		    i + 1 == s->sacks ? "}" : "");
}

void world_text(const struct flow *f, const struct segment *s, bool ours,
		char *out, size_t size)
{
	uint32_t base = ours ? f->our_iss : f->peer_iss;
	uint32_t other = ours ? f->peer_iss : f->our_iss;
	char flags[9];

	wire_flags_text(s->flags, flags);
	snprintf(out, size, "{%s, seq=%d", flags, (int32_t)(s->seq - base));
	if (s->flags & TCP_ACK)
		add(out, size, ", ack=%d", (int32_t)(s->ack - other));
	if (s->len)
		add(out, size, ", len=%u", s->len);
	add(out, size, ", win=%u", s->win);
	if (s->flags & TCP_URG)
		add(out, size, ", urg=%u", s->urg);
	add_options(f, s, ours, out, size);
	if (f->peer_port != 4000)
		add(out, size, ", port=%u", f->peer_port);
	add(out, size, "}");
}

/* ---- what comes out ---- */

static void take_packet(struct world *w, const uint8_t *p, size_t len)
{
	struct arrived *a = &w->queue[w->tail % WORLD_QUEUE];
	char text[WORLD_LINE];
	const char *bad;

	if (w->tail - w->head == WORLD_QUEUE) {
		complain(w, "more than %d segments that nobody expected",
			 WORLD_QUEUE);
		return;
	}
	bad = wire_parse(p, len, w->v6, &a->seg);
	if (bad) {
		complain(w, "a packet came out: %s", bad);
		return;
	}
	a->at_ns = w->now_ns;
	a->flow = world_flow(w, a->seg.to);
	if (!a->flow) {
		complain(w, "more than %d ports of the peer's", WORLD_FLOWS);
		return;
	}
	note_came(a->flow, &a->seg);
	world_text(a->flow, &a->seg, true, text, sizeof(text));
	world_log(w, " > %s", text);
	w->tail++;
}

static void take_frames(struct world *w)
{
	uint8_t packet[WIRE_PACKET_MAX];
	struct lull_frame frame;
	size_t len;

	while (lull_tx_peek(w->s, &frame, 1) == 1) {
		len = 0;
		for (int i = 0; i < frame.spans; i++) {
			if (len + frame.span[i].len > sizeof(packet)) {
				complain(w, "a packet larger than the MTU");
				return;
			}
			memcpy(packet + len, frame.span[i].ptr,
			       frame.span[i].len);
			len += frame.span[i].len;
		}
		lull_tx_done(w->s, 1);
		take_packet(w, packet, len);
	}
}

static void take_events(struct world *w)
{
	struct lull_event e;

	while (lull_events_get(w->s, &e, 1) == 1)
		for (int i = 0; i < w->handle_count; i++)
			if (w->handles[i].sock.index == e.sock.index &&
			    w->handles[i].sock.gen == e.sock.gen) {
				w->handles[i].events |= e.bits;
				if (e.error)
					w->handles[i].error = e.error;
			}
}

static void take_traces(struct world *w)
{
	struct lull_trace_record r;

	while (lull_diag_trace(w->s, &w->traced, &r, 1) == 1) {
		if (r.kind == LULL_TRACE_DROP)
			world_log(w, "   refused: %s", lull_drop_name(r.what));
		else if (r.from == LULL_TCP_CLOSED)
			world_log(w, "   %s, port %u",
				  lull_state_name((enum lull_tcp_state)r.to),
				  r.remote.port);
		else
			world_log(w, "   %s -> %s",
				  lull_state_name((enum lull_tcp_state)r.from),
				  r.to == LULL_TCP_CLOSED
					  ? "gone"
					  : lull_state_name(
						    (enum lull_tcp_state)r.to));
	}
}

/* ---- running ---- */

void world_turn(struct world *w)
{
	struct lull_work work;
	int n = 0;

	do {
		work = lull_shard_run(w->s, w->now_ns);
		take_traces(w);
		take_frames(w);
		take_events(w);
	} while (work.more && ++n < TURNS_MAX && !w->broken[0]);
	w->deadline_ns = work.deadline_ns;
	if (work.more)
		complain(w, "the shard never comes to rest");
}

void world_wait(struct world *w, uint64_t end_ns, bool stop)
{
	uint64_t next;

	world_turn(w);
	for (int n = 0; w->now_ns < end_ns && !w->broken[0]; n++) {
		if (stop && world_next(w))
			return;
		if (n == STEPS_MAX) {
			complain(w, "more than %d timers in one wait",
				 STEPS_MAX);
			return;
		}
		next = w->deadline_ns > w->now_ns ? w->deadline_ns
						  : w->now_ns + 1000;
		w->now_ns = next < end_ns ? next : end_ns;
		world_turn(w);
	}
}

void world_put(struct world *w, struct flow *const *flows,
	       const struct segment *segs, int n)
{
	struct lull_frame frame;
	char text[WORLD_LINE];
	size_t len;

	world_turn(w);
	for (int i = 0; i < n; i++) {
		world_text(flows[i], &segs[i], false, text, sizeof(text));
		world_log(w, "<  %s", text);
		note_sent(w, flows[i], &segs[i]);
		if (lull_rx_get(w->s, &frame, 1) != 1) {
			complain(w, "the shard has no empty frame");
			return;
		}
		len = wire_build(&segs[i], w->v6, frame.span[0].ptr);
		frame.len = (uint32_t)len;
		if (lull_rx_put(w->s, &frame, 1) != 1) {
			complain(w, "the shard takes no frame");
			return;
		}
	}
	world_turn(w);
}

struct arrived *world_next(struct world *w)
{
	return w->head == w->tail ? NULL : &w->queue[w->head % WORLD_QUEUE];
}

void world_take(struct world *w)
{
	w->head++;
}

int world_hold(struct world *w, struct lull_sock sock)
{
	if (w->handle_count == WORLD_SOCKS)
		return -1;
	w->handles[w->handle_count] = (struct handle){.sock = sock};
	return w->handle_count++;
}

/* ---- the beginning and the end ---- */

static void configure(struct lull_config *c, enum lull_profile profile)
{
	struct lull_limits *l = &c->limits;

	lull_config_init(c, 32, 32);
	l->conns = l->half_open = l->closing = l->closing6 = 32;
	l->listeners = 8;
	l->destinations = 32;
	l->socks = 64;
	l->bufs_256 = 256;
	l->bufs_2k = 512;
	l->bufs_64k = 8;
	l->ranges = 256;
	l->rx_frames = 64;
	l->tx_frames = 256;
	l->traces = 256;
	c->profile = profile;
	c->mtu = 1500;
	memset(c->key, 0x5a, sizeof(c->key));
}

int world_begin(struct world *w, bool v6, enum lull_profile profile)
{
	struct lull_config c;
	struct lull_prefix us = {wire_addr(v6, 2), v6 ? 64 : 120};
	int error;

	memset(w, 0, sizeof(*w));
	w->v6 = v6;
	w->profile = profile;
	w->now_ns = w->start_ns = 1000 * MS;
	w->listener = w->current = -1;
	configure(&c, profile);
	error = lull_memory_map(&c.limits, &w->memory);
	if (!error)
		error = lull_shard_init(&w->s, &c, w->memory, w->now_ns, NULL);
	if (!error)
		error = lull_addr_add(w->s, us, false);
	w->flow = world_flow(w, 4000);
	return error;
}

void world_end(struct world *w)
{
	struct lull_pool pool;
	char text[WORLD_LINE];
	struct arrived *a;

	world_turn(w);
	a = world_next(w);
	if (a) {
		world_text(a->flow, &a->seg, true, text, sizeof(text));
		complain(w, "at its end a segment that nobody expected: %s",
			 text);
	}
	if (w->broken[0])
		return;
	world_log(w, "   --- the script is over; all is reset ---");
	for (int i = 0; i < w->handle_count; i++) {
		lull_sock_abort(w->s, w->handles[i].sock);
		lull_sock_close(w->s, w->handles[i].sock); /* a listener */
	}
	while (lull_shard_abort(w->s, 1000) > 0)
		world_turn(w);
	w->head = w->tail;
	world_wait(w, w->now_ns + AFTER_ALL_S * 1000 * MS, false);
	for (uint32_t i = 0; lull_diag_pool(w->s, i, &pool); i++)
		if (pool.used)
			complain(w, "afterwards pool \"%s\" still holds %u",
				 pool.name, pool.used);
}

void world_free(struct world *w)
{
	if (w->memory.mem)
		lull_memory_unmap(&w->memory);
}
