/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * middle.c: boxes in a random world: one NAT for some of the hosts, with ports
 * that it keeps or draws, a time-out of its own, and few ports or many; and
 * what rewrites ISNs, or strips options of SYNs, on every connection's way.
 *
 * Each client's pair has its entry; a SYN with another number begins it anew,
 * and what the box knew of the last connection is forgotten.
 *
 * Entry points: middle_create, middle_pass, middle_inner, middle_hides.
 */
#include <stdlib.h>

#include "middle.h"

#define SECOND 1000000000ULL

enum {
	PORT = 80,
	OUTER = 100, /* 10.0.0.100, fd00::64 */
	OUTER_PORT = 20000,
	PASSES_MAX = 1024,
	SEEN_MAX = 4096,
	QUIET_IDLE_S = 600,
	SLOTS = 4096,
	TRIES = 64,
};

/* Of a client's host and port, and a server. */
struct passage {
	uint32_t key;
	uint16_t outer; /* its port outside; 0: none */
	bool fin[2], begun, strip_ts, strip_sack, strip_wscale;
	uint32_t isn;	 /* of its SYN, as the client sent it */
	uint32_t seq[2]; /* added, by the client's, the server's side */
	uint64_t last_ns, free_ns; /* free_ns: others may have its port */
};

struct middle {
	bool hidden[SIM_HOSTS_MAX];
	bool random_ports;
	uint32_t ports; /* that are drawn from */
	uint64_t idle_ns, linger_ns;
	uint16_t slot[SLOTS]; /* 0: none; else a passage's number and one */
	struct passage at[PASSES_MAX];
	int used;
	/* Each SYN of the NAT's, as it was outside: for servers. */
	struct {
		uint64_t ns;
		uint32_t key, isn;
		uint16_t outer;
	} seen[SEEN_MAX];
	uint32_t seens;
};

struct middle *middle_create(struct world *w)
{
	struct middle *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	m->idle_ns = UINT64_MAX;
	m->ports = 30000;
	/* Host 0 never: somebody must be there to connect to. */
	for (int i = 1; i < SIM_HOSTS_MAX && sim_has(w, KIND_NAT); i++)
		m->hidden[i] = sim_chance_of(w, KIND_NAT, 60);
	m->linger_ns = sim_scale_of(w, KIND_NAT, SECOND / 10, 120 * SECOND);
	if (sim_has(w, KIND_NAT_RANDOM)) {
		m->random_ports = true;
		if (sim_chance_of(w, KIND_NAT_RANDOM, 50))
			m->ports = (uint32_t)sim_scale_of(w, KIND_NAT_RANDOM, 8,
							  1000);
	}
	if (sim_has(w, KIND_NAT_SHORT))
		m->idle_ns = sim_scale_of(w, KIND_NAT_SHORT, 5 * SECOND,
					  60 * SECOND);
	return m;
}

bool middle_hides(const struct world *w, int host)
{
	return w->middle->hidden[host];
}

/* ---- passages ---- */

/* Port, client, server, family. */
static uint32_t key_of(uint32_t port, int client, int server, bool v6)
{
	return port | (uint32_t)client << 16 | (uint32_t)server << 20 |
	       (uint32_t)v6 << 24;
}

static int client_of(uint32_t key)
{
	return (int)(key >> 16 & 15);
}

/* Port aside: of the same server and family? Then they share outer ports. */
static bool same_outside(uint32_t a, uint32_t b)
{
	return a >> 20 == b >> 20;
}

static struct passage *find(struct world *w, uint32_t key)
{
	struct middle *m = w->middle;
	uint32_t i = key * 0x9e3779b1U >> 20 & (SLOTS - 1);

	for (; m->slot[i]; i = (i + 1) & (SLOTS - 1))
		if (m->at[m->slot[i] - 1].key == key)
			return &m->at[m->slot[i] - 1];
	if (m->used == PASSES_MAX) {
		sim_fail(w, "more than %d pairs", PASSES_MAX);
		return NULL;
	}
	m->at[m->used] = (struct passage){.key = key};
	m->slot[i] = (uint16_t)++m->used;
	return &m->at[m->used - 1];
}

/* Has it given up its port, or is it nobody's by now? */
static bool is_over(const struct world *w, const struct passage *p)
{
	/* What has crashed says no FIN: some day its port is free again. */
	uint64_t idle_ns =
		w->quiet ? QUIET_IDLE_S * SECOND : w->middle->idle_ns;

	return (p->free_ns && p->free_ns <= w->now_ns) ||
	       (idle_ns != UINT64_MAX && p->last_ns + idle_ns <= w->now_ns);
}

static const struct passage *outside(const struct world *w, uint32_t key,
				     uint32_t outer)
{
	for (int i = 0; i < w->middle->used; i++) {
		const struct passage *p = &w->middle->at[i];

		if (p->outer == outer && same_outside(p->key, key))
			return p;
	}
	return NULL;
}

/* ---- NAT ---- */

/* false: there is none free. */
static bool take_port(struct world *w, struct passage *p)
{
	struct middle *m = w->middle;
	uint32_t port = p->key & 0xffff;

	p->outer = 0;
	for (int i = 0; i < TRIES; i++) {
		const struct passage *other;

		if (m->random_ports || i > 0)
			port = OUTER_PORT +
			       (uint32_t)sim_below_of(w, KIND_NAT, m->ports);
		other = outside(w, p->key, port);
		if (other && !is_over(w, other))
			continue;
		if (other)
			m->at[other - m->at].outer = 0;
		p->outer = (uint16_t)port;
		p->free_ns = 0;
		p->fin[0] = p->fin[1] = false;
		sim_trace(w, "NAT: port %u of host %d is %u outside",
			  p->key & 0xffff, client_of(p->key), port);
		return true;
	}
	return false;
}

static void note_end(struct world *w, struct passage *p, uint8_t flags,
		     int side)
{
	p->fin[side] |= flags & FIN;
	if (!p->free_ns && (flags & RST || (p->fin[0] && p->fin[1])))
		p->free_ns = w->now_ns + w->middle->linger_ns;
}

static void note_syn(struct world *w, const struct passage *p, uint32_t isn)
{
	struct middle *m = w->middle;
	uint32_t i = m->seens++ % SEEN_MAX;

	m->seen[i].ns = w->now_ns;
	m->seen[i].key = p->key;
	m->seen[i].isn = isn;
	m->seen[i].outer = w->middle->hidden[client_of(p->key)]
				   ? p->outer
				   : (uint16_t)p->key;
}

uint64_t middle_inner(const struct world *w, int server, uint32_t isn,
		      struct lull_endpoint *e)
{
	struct lull_endpoint inner = *e;
	uint64_t sent_ns = 0;
	bool v6 = e->addr.b[0] == 0xfd;
	const struct middle *m = w->middle;
	uint32_t n = m->seens < SEEN_MAX ? m->seens : SEEN_MAX;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t key = m->seen[i].key;
		int last =
			m->hidden[client_of(key)] ? OUTER : client_of(key) + 1;

		if (m->seen[i].outer != e->port || m->seen[i].isn != isn ||
		    e->addr.b[15] != last ||
		    !same_outside(key, key_of(0, 0, server, v6)))
			continue;
		if (m->seen[i].ns < sent_ns)
			continue;
		sent_ns = m->seen[i].ns;
		inner.addr = w->host[client_of(key)].addr[v6].addr;
		inner.port = (uint16_t)key;
	}
	*e = inner;
	/* Not seen any more: the newest, then, unless a NAT hides it. */
	return sent_ns || e->addr.b[15] == OUTER ? sent_ns : UINT64_MAX;
}

/* ---- what is rewritten ---- */

/* The client's SYN: a new connection, if it isn't the same one again. */
static void begin(struct world *w, struct passage *p, uint32_t isn)
{
	if (p->begun && p->isn == isn)
		return;
	p->begun = true;
	p->isn = isn;
	p->fin[0] = p->fin[1] = false;
	p->seq[0] = p->seq[1] = 0;
	p->strip_ts = p->strip_sack = p->strip_wscale = false;
	if (w->middle->hidden[client_of(p->key)] &&
	    (p->free_ns || w->middle->random_ports))
		p->outer = 0; /* another one */
	if (w->quiet)
		return;
	if (sim_has(w, KIND_ISN) && sim_chance_of(w, KIND_ISN, 60))
		for (int i = 0; i < 2; i++)
			p->seq[i] =
				(uint32_t)sim_below_of(w, KIND_ISN, 1ULL << 32);
	if (sim_has(w, KIND_STRIP)) {
		p->strip_ts = sim_chance_of(w, KIND_STRIP, 40);
		p->strip_sack = sim_chance_of(w, KIND_STRIP, 40);
		p->strip_wscale = sim_chance_of(w, KIND_STRIP, 40);
	}
}

static void blank(struct view *v, uint8_t kind, bool do_it)
{
	uint8_t *option = do_it ? packet_option(v, kind) : NULL;

	if (option)
		memset(option, 1, option[1]);
}

static void rewrite(struct world *w, const struct passage *p, struct view *v,
		    int side)
{
	uint8_t *sack;

	packet_put32(v->tcp + 4, v->seq + p->seq[side]);
	if (v->flags & ACK)
		packet_put32(v->tcp + 8, v->ack - p->seq[!side]);
	sack = sim_has(w, KIND_ISN_SACK) ? NULL
					 : packet_option(v, PACKET_OPT_SACK);
	for (uint32_t i = 2; sack && i + 4 <= sack[1]; i += 4)
		packet_put32(sack + i, packet_get32(sack + i) - p->seq[!side]);
	if (!(v->flags & SYN))
		return;
	blank(v, PACKET_OPT_TS, p->strip_ts);
	blank(v, PACKET_OPT_SACK_OK, p->strip_sack);
	blank(v, PACKET_OPT_WSCALE, p->strip_wscale);
}

/* ---- the way through ---- */

static int to_server(struct world *w, int from, int to, struct view *v)
{
	struct passage *p =
		find(w, key_of(v->port[0], from, to, v->addr_len == 16));

	if (!p)
		return -1;
	if ((v->flags & (SYN | ACK)) == SYN)
		begin(w, p, v->seq);
	rewrite(w, p, v, 0);
	if (w->middle->hidden[from]) {
		if ((!p->outer || is_over(w, p)) && !take_port(w, p))
			return -1;
		v->addr[0][v->addr_len - 1] = OUTER;
		packet_put16(v->tcp, p->outer);
	}
	if (v->flags & SYN)
		note_syn(w, p, v->seq + p->seq[0]);
	p->last_ns = w->now_ns;
	note_end(w, p, v->flags, 0);
	return to;
}

static int to_client(struct world *w, int from, struct view *v)
{
	uint8_t *last = &v->addr[1][v->addr_len - 1];
	uint32_t key = key_of(v->port[1], *last - 1, from, v->addr_len == 16);
	struct passage *p;

	if (*last == OUTER) {
		const struct passage *o = outside(
			w, key_of(0, 0, from, v->addr_len == 16), v->port[1]);

		if (!o || is_over(w, o))
			return -1;
		key = o->key;
		*last = (uint8_t)(client_of(key) + 1);
		packet_put16(v->tcp + 2, key & 0xffff);
	}
	if (*last == 0 || *last > w->hosts)
		return -1;
	p = find(w, key);
	if (!p)
		return -1;
	rewrite(w, p, v, 1);
	p->last_ns = w->now_ns;
	note_end(w, p, v->flags, 1);
	return *last - 1;
}

int middle_pass(struct world *w, int from, uint8_t *packet, uint32_t len)
{
	/* The last byte of the address says whose it is. */
	int to = packet[packet[0] >> 4 == 6 ? 39 : 19] - 1;
	struct view v;

	if (!packet_look(&v, packet, len)) {
		if (to < 0 || to >= w->hosts || middle_hides(w, from) ||
		    middle_hides(w, to))
			return -1;
		return to; /* an answer to damage */
	}
	if (v.port[1] == PORT && to >= 0 && to < w->hosts)
		to = middle_hides(w, to) ? -1 : to_server(w, from, to, &v);
	else if (v.port[0] == PORT)
		to = to_client(w, from, &v);
	else
		return -1;
	if (to >= 0)
		packet_fix_sums(&v);
	return to;
}
