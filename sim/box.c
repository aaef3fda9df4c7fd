/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * box.c: what stands between client and server: address translation, a
 * balancer, firewalls that rewrite or strip, and a path on which old segments
 * wander for up to 30 seconds (an MSL, of which TIME_WAIT is two).
 *
 * IPv4 without options, IPv6 without extension headers; packets are as large
 * as the link's MTU at most.
 * Old segments come again as they left the box: they wander behind it.
 *
 * Entry point: scene_box.
 */
#include <string.h>

#include "scene.h"

#define SECOND 1000000000ULL

enum {
	OUTER_PORT = 50000,
	OUTER_HOST = 100, /* 10.0.0.100, fd00::64 */
	WANDER_S = 30,
	OLD_AGAIN = 40,	   /* in each direction of an incarnation */
	TAIL = 3000,	   /* bytes whose ACK counts as a last one */
	NAT_FREE_MS = 500, /* after both FINs, or a RST */
};

/* ---- old segments ---- */

/* One end of the packet: 0 is where it comes from. */
static void endpoint_of(const struct view *v, int end,
			uint8_t key[SCENE_ENDPOINT])
{
	memset(key, 0, SCENE_ADDR);
	memcpy(key, v->addr[end], v->addr_len);
	memcpy(key + SCENE_ADDR, v->tcp + 2 * end, 2);
}

/* Of this direction. */
static void key_of(const struct view *v, uint8_t key[SCENE_KEY])
{
	endpoint_of(v, 0, key);
	endpoint_of(v, 1, key + SCENE_ENDPOINT);
}

static struct flow *flow_of(struct box *b, const uint8_t key[SCENE_KEY])
{
	for (int i = 0; i < b->flows; i++)
		if (memcmp(b->flow[i].key, key, SCENE_KEY) == 0)
			return &b->flow[i];
	if (b->flows == SCENE_FLOWS_MAX)
		return NULL;
	memcpy(b->flow[b->flows].key, key, SCENE_KEY);
	return &b->flow[b->flows++];
}

/* A new SYN: what has passed in that direction is old now. */
static void begin_flow(struct scene *s, const uint8_t key[SCENE_KEY])
{
	struct flow *f = flow_of(&s->box, key);

	if (!f)
		return;
	f->born_ns = s->w.now_ns;
	f->budget = OLD_AGAIN;
	f->has_ts = false;
}

static void record(struct scene *s, const struct view *v, int port)
{
	struct old *o;

	if (v->len > SCENE_MTU || /* bulk: it would push out all the others */
	    (!(v->flags & (SYN | FIN | RST)) && !v->text_len))
		return;
	o = &s->box.old[s->box.olds++ % SCENE_OLD_MAX];
	key_of(v, o->key);
	o->seen_ns = s->w.now_ns;
	o->port = port;
	o->len = v->len;
	memcpy(o->bytes, v->ip, v->len);
}

/* As if the old connection had been aborted there. */
static void make_rst(struct view *v)
{
	v->len -= v->text_len;
	packet_put32(v->tcp + 4, v->seq + v->text_len);
	v->tcp[13] = RST | ACK;
}

/* RFC 7323 5.3 undone: nothing looks old. */
static void renew_ts(struct scene *s, const struct flow *f,
		     const struct view *v)
{
	if (!v->ts || !f || !f->has_ts ||
	    (int32_t)(packet_get32(v->ts) - f->tsval_max) >= 0)
		return;
	packet_put32(v->ts, f->tsval_max);
	s->box.renewed++;
}

static void replay(struct scene *s, const struct old *o, const struct flow *f)
{
	uint8_t bytes[SCENE_MTU];
	bool to_server = o->port >= SCENE_CLIENTS;
	struct view v;

	memcpy(bytes, o->bytes, o->len);
	if (!packet_look(&v, bytes, o->len))
		return;
	if (sim_chance(&s->w, 10))
		make_rst(&v);
	if (s->kind->box & BOX_NO_PAWS && to_server)
		renew_ts(s, f, &v);
	packet_fix_sums(&v);
	s->box.replayed++;
	if (lull_memnet_inject(s->w.net, o->port,
			       s->w.now_ns + sim_below(&s->w, SECOND / 30),
			       bytes, v.len) < 0)
		sim_fail(&s->w, "no memory");
}

/* Bring up to three old ones of this direction along. */
static void bring_old(struct scene *s, const uint8_t key[SCENE_KEY])
{
	struct box *b = &s->box;
	struct flow *f = flow_of(b, key);
	uint32_t n = b->olds < SCENE_OLD_MAX ? b->olds : SCENE_OLD_MAX;
	uint32_t start = (uint32_t)sim_below(&s->w, n), found = 0;

	if (!f)
		return;
	for (uint32_t i = 0; i < n && found < 3 && f->budget; i++) {
		const struct old *o = &b->old[(start + i) % n];

		if (memcmp(o->key, key, SCENE_KEY) != 0 ||
		    o->seen_ns >= f->born_ns ||
		    o->seen_ns + WANDER_S * SECOND < s->w.now_ns)
			continue;
		replay(s, o, f);
		found++;
		f->budget--;
	}
}

/* ---- what is done to a connection ---- */

/* The client is the packet's source (0) or its destination. */
static struct rewrite *rewrite_of(struct box *b, const struct view *v, int end)
{
	struct rewrite *r = b->rewrite;
	uint8_t key[SCENE_ENDPOINT];

	endpoint_of(v, end, key);
	for (int i = 0; i < b->rewrites; i++, r++)
		if (memcmp(r->key, key, sizeof key) == 0)
			return r;
	if (b->rewrites == SCENE_FLOWS_MAX)
		return NULL;
	*r = (struct rewrite){0};
	memcpy(r->key, key, sizeof key);
	b->rewrites++;
	return r;
}

static struct rewrite *by_outer(struct box *b, uint32_t port)
{
	for (int i = 0; i < b->rewrites; i++)
		if (b->rewrite[i].outer == port)
			return &b->rewrite[i];
	return NULL;
}

/* An outer port that is free, or whose connection has ended. 0: none. */
static uint16_t outer_for(struct scene *s)
{
	uint32_t start = (uint32_t)sim_below(&s->w, SCENE_PORTS);

	for (uint32_t i = 0; i < SCENE_PORTS; i++) {
		uint16_t port =
			(uint16_t)(OUTER_PORT + (start + i) % SCENE_PORTS);
		struct rewrite *r = by_outer(&s->box, port);

		if (!r)
			return port;
		if (r->free_ns && r->free_ns <= s->w.now_ns) {
			r->outer = 0;
			return port;
		}
	}
	return 0;
}

/* The client's SYN: a new incarnation, if it isn't the same one again. */
static bool take_client_syn(struct scene *s, struct rewrite *r,
			    const struct view *v)
{
	uint32_t box = s->kind->box;

	if (r->used && r->isn == v->seq)
		return false;
	r->used = true;
	r->isn = v->seq;
	r->fin[0] = r->fin[1] = false;
	r->free_ns = 0;
	r->strip = box & BOX_STRIP_ALL ||
		   (box & BOX_STRIP_SOME && sim_chance(&s->w, 50));
	for (int i = 0; i < 2; i++) {
		if (box & BOX_ISN)
			r->seq[i] = (uint32_t)sim_draw(&s->w);
		if (box & BOX_TS)
			r->ts[i] = (uint32_t)sim_draw(&s->w);
	}
	if (box & BOX_BALANCE)
		r->server = SCENE_CLIENTS +
			    (int)sim_below(&s->w, (uint64_t)s->servers);
	if (box & BOX_SNAT && (!r->outer || sim_chance(&s->w, 50))) {
		uint16_t port = outer_for(s);

		r->outer = port ? port : r->outer;
	}
	return true;
}

/* Both directions: `side` 0 is the client's. */
static void rewrite_numbers(struct scene *s, const struct rewrite *r,
			    const struct view *v, int side)
{
	uint32_t box = s->kind->box;

	s->box.did |= box & BOX_ISN;
	packet_put32(v->tcp + 4, v->seq + r->seq[side]);
	if (v->flags & ACK)
		packet_put32(v->tcp + 8, v->ack - r->seq[!side]);
	if (!v->ts)
		return;
	if (r->strip && v->flags & SYN) {
		memset(v->ts - 2, 1, PACKET_TS_LEN);
		s->box.did |= box & (BOX_STRIP_ALL | BOX_STRIP_SOME);
		return;
	}
	s->box.did |= box & BOX_TS;
	packet_put32(v->ts, packet_get32(v->ts) + r->ts[side]);
	if (v->flags & ACK)
		packet_put32(v->ts + 4, packet_get32(v->ts + 4) - r->ts[!side]);
}

static void note_end(struct scene *s, struct rewrite *r, const struct view *v,
		     int side)
{
	r->fin[side] |= v->flags & FIN;
	if (side && v->flags & FIN)
		r->last_ack = v->seq + v->text_len + 1;
	if (!r->free_ns && (v->flags & RST || (r->fin[0] && r->fin[1])))
		r->free_ns = s->w.now_ns + NAT_FREE_MS * 1000000ULL;
}

/* Is it a last ACK, and lost? */
static bool loses(struct scene *s, const struct rewrite *r,
		  const struct view *v)
{
	if (!(s->kind->box & BOX_LAST_ACK) || !r->fin[1] ||
	    v->ack != r->last_ack || v->flags & (SYN | FIN | RST) ||
	    !sim_chance(&s->w, 70))
		return false;
	s->box.did |= BOX_LAST_ACK;
	return true;
}

/* ---- the way through ---- */

static int to_server(struct scene *s, struct view *v)
{
	struct rewrite *r = rewrite_of(&s->box, v, 0);
	uint8_t back[SCENE_KEY], key[SCENE_KEY];
	bool begins;

	if (!r)
		return -1;
	endpoint_of(v, 1, back);
	endpoint_of(v, 0, back + SCENE_ENDPOINT);
	begins = (v->flags & (SYN | ACK)) == SYN && take_client_syn(s, r, v);
	if (s->kind->box & BOX_SNAT) {
		if (!r->outer)
			return -1;
		v->addr[0][v->addr_len - 1] = OUTER_HOST;
		packet_put16(v->tcp, r->outer);
		s->box.did |= BOX_SNAT;
	}
	rewrite_numbers(s, r, v, 0);
	if (s->kind->box & BOX_SLOW_CLIENT && v->ts) {
		packet_put32(v->ts, packet_get32(v->ts) / 1000 * 1000);
		s->box.did |= BOX_SLOW_CLIENT;
	}
	note_end(s, r, v, 0);
	if (loses(s, r, v))
		return -1;
	key_of(v, key);
	if (begins) {
		begin_flow(s, key);
		begin_flow(s, back);
		bring_old(s, back);
	}
	if (!(s->kind->box & BOX_BALANCE) || !r->server)
		return s->server;
	if (r->server != s->server)
		s->box.did |= BOX_BALANCE;
	return r->server;
}

static int to_client(struct scene *s, struct view *v)
{
	struct rewrite *r;

	if (s->kind->box & BOX_SNAT) {
		r = by_outer(&s->box, packet_get16(v->tcp + 2));
		if (!r)
			return -1;
		memcpy(v->addr[1], r->key, v->addr_len);
		memcpy(v->tcp + 2, r->key + SCENE_ADDR, 2);
	} else {
		r = rewrite_of(&s->box, v, 1);
		if (!r)
			return -1;
	}
	rewrite_numbers(s, r, v, 1);
	note_end(s, r, v, 1);
	if (s->kind->box & BOX_SLOW_CLOCK && v->ts) {
		packet_put32(v->ts, packet_get32(v->ts) / 1000 * 1000);
		s->box.did |= BOX_SLOW_CLOCK;
	}
	return v->addr[1][v->addr_len - 1] - 1; /* 10.0.0.1 is host 0 */
}

int scene_box(void *arg, uint64_t now_ns, int from, int to, uint8_t *packet,
	      uint32_t len)
{
	struct scene *s = arg;
	struct flow *f;
	uint8_t key[SCENE_KEY];
	struct view v;

	(void)now_ns;
	(void)to;
	if (!packet_look(&v, packet, len))
		return -1;
	if (s->kind->bulk)
		scene_pair_sees(s, from < SCENE_CLIENTS, &v);
	if (from < SCENE_CLIENTS)
		to = to_server(s, &v);
	else if (from == s->server || s->kind->box & BOX_BALANCE)
		to = to_client(s, &v);
	else
		return -1; /* from a life that has ended */
	if (to < 0)
		return -1;
	packet_look(&v, packet, len); /* as it is now */
	key_of(&v, key);
	f = flow_of(&s->box, key);
	if (s->kind->box & BOX_NO_PAWS && from < SCENE_CLIENTS)
		renew_ts(s, f, &v);
	if (f && v.ts && !(v.flags & RST) && /* whose TSval is 0 */
	    (!f->has_ts || (int32_t)(packet_get32(v.ts) - f->tsval_max) > 0)) {
		f->tsval_max = packet_get32(v.ts);
		f->has_ts = true;
	}
	packet_fix_sums(&v);
	if (s->kind->box & BOX_RECORD) {
		record(s, &v, to);
		bring_old(s, key);
	}
	return to;
}
