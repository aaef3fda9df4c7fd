/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * records.c: see records.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "records.h"

enum {
	BATCH = 64, /* connections that are opened at a time */
	PORT = 80,
	FIRST_PORT = 1024, /* of those that we opened */
	ACTIVE_PART = 16,
	LISTENER = 1,
	TURNS_MAX = 1000, /* without news, until we give up */
	WND = 501,	  /* as on the wire */
	FIN = 1,
	ACK = 16,
};

/* ---- numbers ---- */

/* splitmix64 (S. Vigna, public domain). */
static uint64_t mixed(uint64_t z)
{
	z += 0x9e3779b97f4a7c15U;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

uint32_t records_draw(struct records *r, uint32_t n)
{
	r->random = mixed(r->random);
	return (uint32_t)((r->random >> 32) * n >> 32);
}

/* One to one: every number has its own peer and port. */
static uint32_t to_flow(const struct records *r, uint32_t i)
{
	i = (i ^ r->seed) * 0x9e3779b1U;
	return (i ^ i >> 16) * 0x85ebca6bU;
}

static uint32_t from_flow(const struct records *r, uint32_t flow)
{
	flow *= 0xa5cb9243U; /* the inverse of 0x85ebca6b */
	flow ^= flow >> 16;
	return (flow * 0x0e8b2f51U) ^ r->seed; /* of 0x9e3779b1 */
}

/* Did the shard that holds it open it? */
static bool is_active(const struct records *r, uint32_t i)
{
	return i >= r->wire && i % ACTIVE_PART == 0 &&
	       (to_flow(r, i) & 0xffff) >= FIRST_PORT;
}

/* The peer is the upper half. There is no port 0: it is 1, on another of ours.
 */
struct lull_pair records_pair(const struct records *r, uint32_t i)
{
	uint32_t flow = to_flow(r, i);
	uint16_t port = (uint16_t)flow;
	struct lull_pair pair = {
		.local = {r->server.prefix.addr, port ? PORT : PORT + 1},
		.remote = {r->peer.prefix.addr, port ? port : 1},
	};

	pair.remote.addr.b[14] = (uint8_t)(flow >> 24);
	pair.remote.addr.b[15] = (uint8_t)(flow >> 16);
	if (is_active(r, i)) {
		pair.local.port = port;
		pair.remote.port = RECORDS_SERVICE;
	}
	return pair;
}

uint32_t records_peer(const struct lull_addr *addr)
{
	return (uint32_t)addr->b[14] << 8 | addr->b[15];
}

/* Seen in a frame; those of one that is made are drawn. */
static struct records_end end_of(const struct records *r, uint32_t i)
{
	uint64_t z = mixed(i);

	if (i < r->wire)
		return r->end[i];
	return (struct records_end){
		.seq = (uint32_t)z,
		.ack = (uint32_t)(z >> 32),
		.tsval = (uint32_t)mixed(z),
	};
}

void records_timewait(const struct records *r, uint32_t i,
		      struct lull_timewait *tw)
{
	struct lull_pair pair = records_pair(r, i);
	struct records_end end = end_of(r, i);

	*tw = (struct lull_timewait){
		.size = sizeof *tw,
		.flags = is_active(r, i)
				 ? LULL_TIMEWAIT_TS | LULL_TIMEWAIT_ACTIVE
				 : LULL_TIMEWAIT_TS,
		.local = pair.local,
		.remote = pair.remote,
		.snd_nxt = end.ack,
		.rcv_nxt = end.seq + 1,
		.ts_recent = end.tsval,
		.left_ms = RECORDS_LENGTH_S * 1000,
		.wnd = WND,
		.wscale = 7,
		.state = LULL_TCP_TIME_WAIT,
	};
}

/* ---- bytes ---- */

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

/* RFC 1071; the length is even. */
static uint32_t sum(uint32_t from, const uint8_t *p, uint32_t len)
{
	for (uint32_t k = 0; k < len; k += 2)
		from += get16(p + k);
	from = (from & 0xffff) + (from >> 16);
	return (from & 0xffff) + (from >> 16);
}

static const uint8_t *tcp_of(const struct lull_frame *frame)
{
	const uint8_t *ip = frame->span[0].ptr;

	if (frame->len < 40 || ip[0] != 0x45)
		return NULL;
	return ip + 20;
}

/* TSval, and TSecr: behind two NOPs, where every stack writes them. */
static bool get_ts(const uint8_t *tcp, uint32_t *tsval, uint32_t *tsecr)
{
	if (tcp[12] >> 4 < 8 || get32(tcp + 20) != 0x0101080a)
		return false;
	*tsval = get32(tcp + 24);
	*tsecr = get32(tcp + 28);
	return true;
}

void records_write(const struct records *r, uint32_t i,
		   enum records_segment what, struct lull_frame *frame)
{
	struct lull_pair pair = records_pair(r, i);
	struct records_end end = end_of(r, i);
	uint8_t *ip = frame->span[0].ptr, *tcp = ip + 20;

	memset(ip, 0, RECORDS_HEADERS);
	put16(ip, 0x4500);
	put16(ip + 2, RECORDS_HEADERS);
	put32(ip + 8, 0x40060000);
	memcpy(ip + 12, pair.remote.addr.b + 12, 4);
	memcpy(ip + 16, pair.local.addr.b + 12, 4);
	put16(ip + 10, 0xffff ^ sum(0, ip, 20));
	put16(tcp, pair.remote.port);
	put16(tcp + 2, pair.local.port);
	put32(tcp + 4, end.seq + (what == RECORDS_ACK));
	put32(tcp + 8, end.ack);
	put16(tcp + 12, what == RECORDS_FIN ? 0x8011 : 0x8010);
	put16(tcp + 14, WND);
	put32(tcp + 20, 0x0101080a);
	put32(tcp + 24, end.tsval);
	put16(tcp + 16, 0xffff ^ sum(sum(6 + 32, ip + 12, 8), tcp, 32));
	frame->len = RECORDS_HEADERS;
}

bool records_is_last_ack(const struct records *r, uint32_t i,
			 const struct lull_frame *frame)
{
	struct lull_pair pair = records_pair(r, i);
	struct records_end end = end_of(r, i);
	const uint8_t *ip = frame->span[0].ptr, *tcp = tcp_of(frame);
	uint32_t tsval, tsecr;

	return frame->len == RECORDS_HEADERS && tcp && tcp[13] == ACK &&
	       memcmp(ip + 12, pair.local.addr.b + 12, 4) == 0 &&
	       memcmp(ip + 16, pair.remote.addr.b + 12, 4) == 0 &&
	       get16(tcp) == pair.local.port &&
	       get16(tcp + 2) == pair.remote.port &&
	       get32(tcp + 4) == end.ack && get32(tcp + 8) == end.seq + 1 &&
	       get_ts(tcp, &tsval, &tsecr) && tsecr == end.tsval &&
	       sum(0, ip, 20) == 0xffff &&
	       sum(sum(6 + 32, ip + 12, 8), tcp, 32) == 0xffff;
}

/* ---- closes on the wire ---- */

/* What the peer's FIN says: nobody else can tell what a record must hold. */
static void note_fin(void *arg, uint64_t now_ns, int port,
		     const struct lull_frame *frame)
{
	struct records *r = arg;
	const uint8_t *tcp = tcp_of(frame);
	struct records_end end;
	uint32_t i, from, tsecr;

	(void)now_ns;
	if (port != 0 || !tcp || !(tcp[13] & FIN) ||
	    !get_ts(tcp, &end.tsval, &tsecr))
		return;
	from = get16(tcp);
	if (get16(tcp + 2) != PORT)
		from = 0;
	i = from_flow(r, get16(tcp - 6) << 16 | from);
	end.seq = get32(tcp + 4);
	end.ack = get32(tcp + 8);
	if (i < r->wire)
		r->end[i] = end;
}

static void peer_events(struct records *r)
{
	struct lull_event e[BATCH];
	int n;

	while ((n = lull_events_get(r->peer.shard, e, BATCH)) > 0) {
		for (int k = 0; k < n; k++) {
			if (!(e[k].bits & (LULL_EVENT_EOF | LULL_EVENT_ERROR)))
				continue;
			r->ended += !(e[k].bits & LULL_EVENT_ERROR);
			lull_sock_close(r->peer.shard, e[k].sock);
		}
	}
}

static void server_events(struct records *r)
{
	struct lull_event e[BATCH];
	struct lull_sock sock;
	int n;

	while ((n = lull_events_get(r->server.shard, e, BATCH)) > 0)
		while (lull_sock_accept(r->server.shard, r->listener, 0,
					&sock) == 0)
			lull_sock_close(r->server.shard, sock);
}

static void turn(struct records *r)
{
	r->now_ns += 100;
	(void)lull_shard_run(r->peer.shard, r->now_ns);
	peer_events(r);
	(void)lull_shard_run(r->peer.shard, r->now_ns);
	(void)lull_memnet_step(r->net, r->now_ns);
	(void)lull_shard_run(r->server.shard, r->now_ns);
	server_events(r);
	(void)lull_shard_run(r->server.shard, r->now_ns);
	(void)lull_memnet_step(r->net, r->now_ns);
}

static int connect_one(struct records *r, uint32_t i)
{
	struct lull_pair pair = records_pair(r, i);
	struct lull_connect c = {
		.size = sizeof c,
		.remote = pair.local,
		.local = pair.remote,
	};
	struct lull_sock sock;

	return lull_sock_connect(r->peer.shard, &c, &sock, NULL);
}

/* Until both ends of all have closed. */
static int settle(struct records *r, uint32_t goal)
{
	uint64_t count[LULL_TCP_STATES] = {0};

	for (int idle = 0; idle < TURNS_MAX; idle++) {
		uint32_t before = r->ended;

		turn(r);
		if (r->ended != before)
			idle = 0;
		if (r->ended < goal || lull_diag_conns(r->peer.shard))
			continue;
		lull_diag_states(r->server.shard, count);
		if (count[LULL_TCP_TIME_WAIT] == goal)
			return 0;
	}
	return -ETIMEDOUT;
}

int records_close_on_wire(struct records *r)
{
	int e = 0;

	for (uint32_t i = 0; i < r->wire && e == 0;) {
		for (uint32_t k = 0; k < BATCH && i < r->wire && e == 0; k++)
			e = connect_one(r, i++);
		if (e == 0)
			e = settle(r, i);
	}
	return e;
}

/* ---- both sides ---- */

static int open_side(struct records *r, struct records_side *side,
		     uint32_t closing, struct lull_prefix prefix)
{
	struct lull_config config;
	int e;

	lull_config_init(&config, 4096, closing);
	config.limits.closing6 = 16;
	config.limits.destinations = RECORDS_PEERS;
	side->prefix = prefix;
	e = lull_key_make(&config);
	if (e == 0)
		e = lull_memory_map(&config.limits, &side->memory);
	if (e == 0)
		e = lull_shard_init(&side->shard, &config, side->memory,
				    r->now_ns, NULL);
	if (e == 0)
		e = lull_addr_add(side->shard, prefix, true);
	if (e == 0)
		e = lull_memnet_attach(r->net, side->shard, &prefix, 1);
	return e < 0 ? e : 0;
}

int records_open(struct records *r, uint32_t limit, uint32_t wire)
{
	struct lull_memnet_config net = {.size = sizeof net};
	struct lull_listen listen = {
		.size = sizeof listen,
		.port_lo = PORT,
		.port_hi = PORT + 1,
		.backlog = BATCH,
		.cookie = LISTENER,
	};
	struct lull_prefix peers = {
		.addr = {.b = {[10] = 0xff, [11] = 0xff, 10, 64, 0, 0}},
		.bits = 112,
	};
	struct lull_prefix own = {
		.addr = {.b = {[10] = 0xff, [11] = 0xff, 10, 9, 3, 2}},
		.bits = 128,
	};
	int e;

	*r = (struct records){
		.now_ns = lull_clock_ns() / 1000000 * 1000000,
		.seed = 20260000,
		.wire = wire,
		.end = calloc(wire + 1, sizeof *r->end),
	};
	if (!r->end)
		return -ENOMEM;
	e = lull_memnet_create(&r->net, &net);
	if (e == 0)
		e = open_side(r, &r->peer, 1024, peers);
	if (e == 0)
		e = open_side(r, &r->server, limit, own);
	if (e == 0)
		e = lull_sock_listen(r->server.shard, &listen, &r->listener);
	if (e == 0)
		lull_memnet_tap(r->net, note_fin, r);
	return e;
}

void records_close(struct records *r)
{
	lull_memnet_destroy(r->net);
	lull_memory_unmap(&r->server.memory);
	lull_memory_unmap(&r->peer.memory);
	free(r->end);
}
