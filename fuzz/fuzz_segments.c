/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_segments.c: segments, calls and time into a live shard.
 *
 * The input is a list of steps of six bytes. A segment's numbers are relative
 * to what the shard sent last on that connection, and its checksum is right,
 * so that steps get past the first checks into every state. At the end all is
 * let go, and after the longest time every pool must be empty.
 */
#include <stdlib.h>
#include <string.h>

#include <lull/diag.h>
#include <lull/host.h>

enum {
	PEERS = 3, /* remote ports */
	SOCKS = 8,
	STEP = 6,
	STEPS_MAX = 400,
	LARGE = 2600, /* bytes of text, in two buffers */
};

struct flow {
	uint32_t next; /* the peer's sequence number */
	uint32_t seq,
		ack; /* of the shard's last segment: its SND.NXT, RCV.NXT */
	uint32_t tsval, tsecr;
};

struct world {
	struct lull_memory memory;
	struct lull_shard *shard;
	uint64_t now_ns;
	struct flow flow[PEERS];
	struct lull_sock listener, sock[SOCKS];
	int socks;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct lull_addr us = {
	.b = {[10] = 0xff, [11] = 0xff, 10, 0, 0, 2}};
static const struct lull_addr peer = {
	.b = {[10] = 0xff, [11] = 0xff, 10, 0, 0, 1}};

/* ---- bytes ---- */

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static uint16_t fold(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* ---- the shard ---- */

static void create(struct world *w)
{
	struct lull_config c;
	struct lull_listen l = {
		.size = sizeof l,
		.port_lo = 80,
		.backlog = 4,
		.cookie = 1,
	};

	lull_config_init(&c, 8, 8);
	c.limits.half_open = 4;
	c.limits.socks = 16;
	c.limits.bufs_256 = 64;
	c.limits.bufs_2k = 64;
	c.limits.bufs_64k = 2;
	c.limits.ranges = 32;
	c.limits.rx_frames = c.limits.tx_frames = 32;
	c.limits.traces = 16;
	w->now_ns = 1000000000;
	if (lull_memory_map(&c.limits, &w->memory) < 0 ||
	    lull_shard_init(&w->shard, &c, w->memory, w->now_ns, NULL) < 0 ||
	    lull_addr_add(w->shard, (struct lull_prefix){us, 120}, false) < 0 ||
	    lull_sock_listen(w->shard, &l, &w->listener) < 0)
		abort();
}

/* What the shard sent: remember its numbers, and let it go. */
static void drain(struct world *w)
{
	struct lull_frame f;

	while (lull_tx_peek(w->shard, &f, 1) == 1) {
		const uint8_t *ip = f.span[0].ptr, *tcp = ip + 20;
		uint32_t port = (uint32_t)tcp[2] << 8 | tcp[3];

		if (f.span[0].len >= 40 && ip[0] == 0x45 && ip[9] == 6 &&
		    port >= 1000 && port < 1000 + PEERS) {
			struct flow *flow = &w->flow[port - 1000];

			flow->seq = get32(tcp + 4) + f.len -
				    (uint32_t)f.span[0].len +
				    ((tcp[13] & 3) != 0);
			if (tcp[13] & 16)
				flow->ack = get32(tcp + 8);
			if (f.span[0].len >= 52 && tcp[20] == 1)
				flow->tsecr = get32(tcp + 24);
		}
		lull_tx_done(w->shard, 1);
	}
}

static void run(struct world *w)
{
	struct lull_event e[8];
	struct lull_work work;
	int turns = 0;

	do {
		work = lull_shard_run(w->shard, w->now_ns);
		drain(w);
		while (lull_events_get(w->shard, e, 8) > 0)
			;
		if (++turns > 10000)
			abort(); /* it never comes to rest */
	} while (work.more);
}

/* In one buffer, or two. */
static void give(struct world *w, const uint8_t *p, uint32_t len)
{
	struct lull_frame f;
	size_t room;

	if (lull_rx_get(w->shard, &f, 1) != 1)
		return;
	room = f.span[0].len;
	if (len > room && lull_rx_widen(w->shard, &f, 1) != 1)
		len = (uint32_t)room;
	memcpy(f.span[0].ptr, p, len < room ? len : room);
	if (len > room)
		memcpy(f.span[1].ptr, p + room, len - room);
	f.len = len;
	if (lull_rx_put(w->shard, &f, 1) != 1)
		abort();
}

static void put_packet(struct world *w, const uint8_t *p, uint32_t len)
{
	give(w, p, len);
	run(w);
}

/* ---- steps ---- */

/* Numbers near to what is expected; the far ones now and then. */
static uint32_t offset_of(uint8_t b)
{
	static const uint32_t far[] = {65535, 0x7fffffff, 0x80000000,
				       0xffff0000};

	return b >= 252 ? far[b - 252] : (uint32_t)(int32_t)(int8_t)b;
}

static void segment(struct world *w, const uint8_t s[STEP])
{
	struct flow *flow = &w->flow[s[0] % PEERS];
	uint8_t p[20 + 60 + LARGE] = {0x45};
	uint8_t *tcp = p + 20;
	uint32_t text = s[4] & 0x3f, hdr = 20, len;
	/* Long ones come in a row, so that they may be joined. */
	int row = text > 40 ? 3 : 1;

	if (text == 0x3f)
		text = LARGE;

	put16(tcp, 1000 + s[0] % PEERS);
	put16(tcp + 2, 80);
	put32(tcp + 4, (flow->ack ? flow->ack : 77) + offset_of(s[2]));
	put32(tcp + 8, flow->seq + offset_of(s[3]));
	tcp[13] = s[1];
	put16(tcp + 14, s[4] & 0x40 ? 0 : s[5] * 257U);
	if (s[1] & 2) { /* SYN */
		put32(tcp + hdr, 2U << 24 | 4U << 16 | s[5] * 8U);
		hdr += 4;
	}
	if (s[4] & 0x80) {
		flow->tsval += s[5];
		put32(tcp + hdr, 0x0101080a);
		put32(tcp + hdr + 4, flow->tsval);
		put32(tcp + hdr + 8, flow->tsecr);
		hdr += 12;
	}
	tcp[12] = (uint8_t)(hdr / 4 << 4);
	memset(tcp + hdr, 'x', text);
	len = hdr + text;
	put16(p + 2, 20 + len);
	p[8] = 64;
	p[9] = 6;
	memcpy(p + 12, peer.b + 12, 4);
	memcpy(p + 16, us.b + 12, 4);
	put16(p + 10, fold(0, p, 20));
	for (int i = 0; i < row; i++) {
		put16(tcp + 16, 0);
		put16(tcp + 16,
		      fold((uint32_t)(uint16_t)~fold(0, p + 12, 8) + 6 + len,
			   tcp, len));
		give(w, p, 20 + len);
		put32(tcp + 4, get32(tcp + 4) + text);
	}
	run(w);
}

static void icmp(struct world *w, const uint8_t s[STEP])
{
	const struct flow *flow = &w->flow[s[0] % PEERS];
	uint8_t p[20 + 8 + 28] = {0x45};
	uint8_t *m = p + 20, *q = m + 8;

	m[0] = s[1] & 1 ? 3 : s[1];
	m[1] = s[2] & 15;
	put16(m + 6, s[3] * 8U);
	q[0] = 0x45;
	q[9] = 6;
	memcpy(q + 12, us.b + 12, 4);
	memcpy(q + 16, peer.b + 12, 4);
	put16(q + 20, 80);
	put16(q + 22, 1000 + s[0] % PEERS);
	put32(q + 24, flow->seq - 1 + offset_of(s[4]));
	put16(m + 2, fold(0, m, 36));
	put16(p + 2, sizeof p);
	p[8] = 64;
	p[9] = 1;
	memcpy(p + 12, peer.b + 12, 4);
	memcpy(p + 16, us.b + 12, 4);
	put16(p + 10, fold(0, p, 20));
	put_packet(w, p, sizeof p);
}

static void open_one(struct world *w, const uint8_t s[STEP])
{
	struct lull_connect c = {
		.size = sizeof c,
		.remote = {peer, (uint16_t)(1000 + s[2] % PEERS)},
		.local = {us, 80},
	};
	struct lull_sock sock;
	int e;

	if (w->socks == SOCKS)
		return;
	if (s[1] & 1)
		e = lull_sock_accept(w->shard, w->listener, 2, &sock);
	else
		e = lull_sock_connect(w->shard, &c, &sock, NULL);
	if (e == 0)
		w->sock[w->socks++] = sock;
}

static void set_option(struct world *w, struct lull_sock sock,
		       const uint8_t s[STEP])
{
	struct lull_linger linger = {s[2] & 1, s[3] & 3};
	int32_t v = s[3];

	(void)!lull_sock_set(w->shard, sock, LULL_OPT_LINGER, &linger,
			     sizeof linger);
	(void)!lull_sock_set(w->shard, sock, (enum lull_option)(s[2] % 20), &v,
			     sizeof v);
}

static void call(struct world *w, const uint8_t s[STEP])
{
	static uint8_t text[4096];
	struct lull_span span = {text, s[3] * 16U};
	struct lull_sock sock;
	int i = w->socks ? s[1] % w->socks : 0;
	long n;

	if (!w->socks)
		return;
	sock = w->sock[i];
	switch (s[0] >> 4) {
	case 0:
		(void)!lull_sock_send(w->shard, sock, &span, 1, 0);
		break;
	case 1:
		(void)!lull_sock_recv(w->shard, sock, text, s[3]);
		break;
	case 2:
		(void)!lull_sock_shutdown(w->shard, sock,
					  (enum lull_how)(s[2] % 3));
		break;
	case 3:
		set_option(w, sock, s);
		break;
	case 4:
		n = lull_sock_peek(w->shard, sock, &span, 1);
		if (n > 0)
			(void)!lull_sock_consume(w->shard, sock, s[3]);
		break;
	default:
		if (s[0] & 0x10)
			lull_sock_abort(w->shard, sock);
		else
			lull_sock_close(w->shard, sock);
		w->sock[i] = w->sock[--w->socks];
		break;
	}
	run(w);
}

static void pass(struct world *w, const uint8_t s[STEP])
{
	static const uint64_t unit_ns[] = {1000000, 40000000, 1000000000,
					   60000000000};

	w->now_ns += (1 + s[2] % 64U) * unit_ns[s[1] & 3];
	run(w);
}

static void step(struct world *w, const uint8_t s[STEP])
{
	switch (s[0] & 7) {
	case 0:
	case 1:
	case 2:
		segment(w, s);
		break;
	case 3:
		pass(w, s);
		break;
	case 4:
		open_one(w, s);
		break;
	case 5:
		icmp(w, s);
		break;
	default:
		call(w, s);
		break;
	}
}

/* ---- the end ---- */

static void destroy(struct world *w)
{
	struct lull_pool pool;

	while (w->socks)
		lull_sock_close(w->shard, w->sock[--w->socks]);
	lull_sock_close(w->shard, w->listener);
	run(w);
	for (int i = 0; i < 200; i++) { /* 5,000 s: longer than any timer */
		w->now_ns += 25000000000;
		run(w);
	}
	for (uint32_t i = 0; lull_diag_pool(w->shard, i, &pool); i++)
		if (pool.used)
			abort();
	lull_memory_unmap(&w->memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = {0};
	int steps = 0;

	create(&w);
	for (; size >= STEP && steps < STEPS_MAX; size -= STEP, data += STEP) {
		step(&w, data);
		steps++;
	}
	/* What is left is a packet as it stands. */
	if (size > 0)
		put_packet(&w, data, (uint32_t)size);
	destroy(&w);
	return 0;
}
