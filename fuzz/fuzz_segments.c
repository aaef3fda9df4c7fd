/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_segments.c: a connection in a given state, then segments, calls and
 * time.
 *
 * The first byte of the input is the state into which a first connection is
 * brought, the second one what was agreed on in its handshake. Then follow
 * steps of six bytes. A segment's numbers are relative to what the shard sent
 * last on that connection, and its checksum is right, so that steps get past
 * the first checks. What is left is a packet as it stands. At the end all is
 * let go, and when no timer is left every pool must be empty.
 */
#include "fuzz.h"

enum {
	PEERS = 3, /* remote ports */
	SOCKS = 8,
	HEAD = 2,
	STEP = 6,
	STEPS_MAX = 400,
	LARGE = 2600, /* bytes of text, in two buffers */
	PORT = 80,
	PEER_PORT = 1000,
	TCP = 6,
	ICMP = 1,
	ICMPV6 = 58,
	HDR_MAX = 40 + 60,
};

/* Of the second byte. */
enum {
	WITH_V6 = 1,
	WITH_TS = 2,
	WITH_SACK = 4,
	WITH_WSCALE = 8,
	WITH_LINUX = 16,
	WITH_HELD = 32, /* the program has it, and shuts down */
	WITH_ECN = 64,
};

struct flow {
	uint32_t seq,
		ack; /* of the shard's last segment: its SND.NXT, RCV.NXT */
	uint32_t una;
	uint32_t tsval, tsecr;
};

struct world {
	struct lull_shard *shard;
	uint64_t now_ns;
	uint8_t with;
	struct flow flow[PEERS];
	struct lull_sock listener, sock[SOCKS];
	int socks;
};

/* A segment to be sent. */
struct out {
	int peer;
	uint8_t flags;
	uint32_t seq, ack;
	uint16_t wnd;
	uint8_t opt[40];
	uint32_t opt_len, text;
};

static bool has(const struct world *w, uint8_t with)
{
	return w->with & with;
}

static struct lull_addr addr(const struct world *w, uint8_t last)
{
	struct lull_addr a = {.b = {0xfd, [15] = last}};

	if (!has(w, WITH_V6))
		a = (struct lull_addr){
			.b = {[10] = 0xff, [11] = 0xff, 10, 0, 0, last}};
	return a;
}

/* ---- the shard ---- */

static void create(struct world *w)
{
	static struct fuzz_memory memory[2];
	bool is_linux = has(w, WITH_LINUX);
	struct lull_config c;
	struct lull_listen l = {
		.size = sizeof l,
		.flags = LULL_LISTEN_REUSEADDR,
		.port_lo = PORT,
		.backlog = 4,
		.cookie = 1,
	};

	lull_config_init(&c, 8, 8);
	fuzz_limits(&c.limits);
	c.profile = is_linux ? LULL_PROFILE_LINUX : LULL_PROFILE_LULL;
	w->now_ns = 1000000000;
	w->shard = fuzz_shard(&memory[is_linux], &c, w->now_ns);
	MUST(lull_addr_add(w->shard,
			   (struct lull_prefix){addr(w, 2),
						has(w, WITH_V6) ? 64 : 120},
			   false) == 0);
	MUST(lull_sock_listen(w->shard, &l, &w->listener) == 0);
}

/* What the shard sent: remember its numbers, and let it go. */
static void take(struct world *w, const struct lull_frame *f)
{
	const uint8_t *ip = f->span[0].ptr;
	bool v6 = ip[0] == 0x60;
	uint32_t at = v6 ? 40 : 20, hdr = (uint32_t)f->span[0].len;
	const uint8_t *tcp = ip + at;
	struct flow *flow;
	uint32_t port;

	if (hdr < at + 20 || ip[v6 ? 6 : 9] != TCP)
		return;
	port = (uint32_t)tcp[2] << 8 | tcp[3];
	if (port < PEER_PORT || port >= PEER_PORT + PEERS)
		return;
	flow = &w->flow[port - PEER_PORT];
	flow->seq = fuzz_get32(tcp + 4) + f->len - hdr + ((tcp[13] & 3) != 0);
	if (tcp[13] & LULL_ACK)
		flow->ack = fuzz_get32(tcp + 8);
	if (tcp[13] & LULL_SYN)
		flow->una = flow->seq;
	if (hdr >= at + 32 && tcp[20] == 1)
		flow->tsecr = fuzz_get32(tcp + 24);
}

static void drain(struct world *w)
{
	struct lull_frame f;

	while (lull_tx_peek(w->shard, &f, 1) == 1) {
		take(w, &f);
		lull_tx_done(w->shard, 1);
	}
}

static struct lull_work run(void *arg)
{
	struct world *w = arg;
	struct lull_event e[8];
	struct lull_work work;
	int turns = 0;

	do {
		work = lull_shard_run(w->shard, w->now_ns);
		drain(w);
		while (lull_events_get(w->shard, e, 8) > 0)
			;
		MUST(++turns < 10000); /* it never comes to rest */
	} while (work.more);
	return work;
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
	MUST(lull_rx_put(w->shard, &f, 1) == 1);
}

/* ---- packets ---- */

/* The IP header in front of `len` bytes; returns its length, and the sum of
 * the pseudo-header. */
static uint32_t put_ip(const struct world *w, uint8_t proto, uint32_t len,
		       uint8_t *p, uint32_t *pseudo)
{
	struct lull_addr from = addr(w, 1), to = addr(w, 2);

	memset(p, 0, 40);
	if (has(w, WITH_V6)) {
		p[0] = 0x60;
		fuzz_put16(p + 4, len);
		p[6] = proto;
		p[7] = 64;
		memcpy(p + 8, from.b, 16);
		memcpy(p + 24, to.b, 16);
		*pseudo = fuzz_sum(proto + len, p + 8, 32);
		return 40;
	}
	p[0] = 0x45;
	fuzz_put16(p + 2, 20 + len);
	p[8] = 64;
	p[9] = proto;
	memcpy(p + 12, from.b + 12, 4);
	memcpy(p + 16, to.b + 12, 4);
	fuzz_put16(p + 10, fuzz_fold(fuzz_sum(0, p, 20)));
	*pseudo = fuzz_sum(proto + len, p + 12, 8);
	return 20;
}

static void send_segment(struct world *w, const struct out *o)
{
	uint32_t hdr = 20 + o->opt_len, len = hdr + o->text, at, pseudo;
	static uint8_t p[HDR_MAX + LARGE];
	uint8_t *tcp;

	at = put_ip(w, TCP, len, p, &pseudo);
	tcp = p + at;
	memset(tcp, 0, 20);
	fuzz_put16(tcp, PEER_PORT + (uint32_t)o->peer);
	fuzz_put16(tcp + 2, PORT);
	fuzz_put32(tcp + 4, o->seq);
	fuzz_put32(tcp + 8, o->ack);
	tcp[12] = (uint8_t)(hdr / 4 << 4);
	tcp[13] = o->flags;
	fuzz_put16(tcp + 14, o->wnd);
	memcpy(tcp + 20, o->opt, o->opt_len);
	memset(tcp + hdr, 'x', o->text);
	fuzz_put16(tcp + 16, fuzz_fold(fuzz_sum(pseudo, tcp, len)));
	give(w, p, at + len);
}

static void put_ts(struct world *w, struct out *o, uint32_t more)
{
	struct flow *flow = &w->flow[o->peer];

	flow->tsval += more;
	fuzz_put32(o->opt + o->opt_len, 0x0101080a);
	fuzz_put32(o->opt + o->opt_len + 4, flow->tsval);
	fuzz_put32(o->opt + o->opt_len + 8, flow->tsecr);
	o->opt_len += 12;
}

static void put_option(struct out *o, uint32_t four)
{
	fuzz_put32(o->opt + o->opt_len, four);
	o->opt_len += 4;
}

/* ---- states ---- */

/* The next segment of the first peer, as a good one has it. */
static void say(struct world *w, uint8_t flags)
{
	struct flow *flow = &w->flow[0];
	struct out o = {
		.flags = flags,
		.seq = flow->ack ? flow->ack : 77,
		.ack = flags & LULL_ACK ? flow->seq : 0,
		.wnd = 20000,
	};

	if (flags & LULL_SYN) {
		put_option(&o, 2U << 24 | 4U << 16 | 1400);
		if (has(w, WITH_WSCALE))
			put_option(&o, 0x01030307);
		if (has(w, WITH_SACK))
			put_option(&o, 0x01010402);
		if (has(w, WITH_ECN))
			o.flags |= LULL_ECE | LULL_CWR;
	}
	if (has(w, WITH_TS))
		put_ts(w, &o, 1);
	send_segment(w, &o);
	run(w);
	if (flags & LULL_ACK)
		flow->una = o.ack;
}

static int connect_to(struct world *w, int peer, struct lull_sock *sock)
{
	const struct lull_connect c = {
		.size = sizeof c,
		.remote = {addr(w, 1), (uint16_t)(PEER_PORT + peer)},
		.local = {addr(w, 2), PORT},
	};

	return lull_sock_connect(w->shard, &c, sock, NULL);
}

static void close_first(struct world *w)
{
	if (has(w, WITH_HELD)) {
		MUST(lull_sock_shutdown(w->shard, w->sock[0], LULL_SHUT_WR) ==
		     0);
	} else {
		lull_sock_close(w->shard, w->sock[0]);
		w->socks = 0;
	}
	run(w);
}

/* From ESTABLISHED on. */
static void go_on_to(struct world *w, enum lull_tcp_state state)
{
	bool passive =
		state == LULL_TCP_CLOSE_WAIT || state == LULL_TCP_LAST_ACK;

	if (passive)
		say(w, LULL_FIN | LULL_ACK);
	if (state == LULL_TCP_CLOSE_WAIT)
		return;
	close_first(w);
	if (state == LULL_TCP_CLOSING) { /* both FINs cross */
		w->flow[0].seq--;
		say(w, LULL_FIN | LULL_ACK);
		return;
	}
	if (state == LULL_TCP_FIN_WAIT_1 || state == LULL_TCP_LAST_ACK)
		return;
	say(w, LULL_ACK);
	if (state == LULL_TCP_TIME_WAIT)
		say(w, LULL_FIN | LULL_ACK);
}

static void check_state(struct world *w, enum lull_tcp_state state)
{
	const struct lull_pair pair = {{addr(w, 2), PORT},
				       {addr(w, 1), PEER_PORT}};
	struct lull_row row;

	(void)lull_diag_find(w->shard, &pair, &row, 1);
	MUST(row.state == state);
}

/* By the shortest way. Else most steps would be spent on it. */
static void reach(struct world *w, enum lull_tcp_state state)
{
	if (state == 0 || state >= LULL_TCP_STATES ||
	    state == LULL_TCP_CLOSED || state == LULL_TCP_LISTEN)
		return;
	if (state == LULL_TCP_SYN_SENT) {
		MUST(connect_to(w, 0, &w->sock[w->socks++]) == 0);
		run(w);
	} else {
		say(w, LULL_SYN);
	}
	if (state != LULL_TCP_SYN_SENT && state != LULL_TCP_SYN_RECEIVED) {
		say(w, LULL_ACK);
		MUST(lull_sock_accept(w->shard, w->listener, 2,
				      &w->sock[w->socks++]) == 0);
		if (state != LULL_TCP_ESTABLISHED)
			go_on_to(w, state);
	}
	check_state(w, state);
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
	int peer = s[0] % PEERS;
	struct flow *flow = &w->flow[peer];
	uint32_t text = s[4] & 0x3f;
	/* Long ones come in a row, so that they may be joined. */
	int row = text > 40 ? 3 : 1;
	struct out o = {
		.peer = peer,
		.flags = s[1],
		.seq = (flow->ack ? flow->ack : 77) + offset_of(s[2]),
		.ack = flow->seq + offset_of(s[3]),
		.wnd = (uint16_t)(s[4] & 0x40 ? 0 : s[5] * 257U),
		.text = text == 0x3f ? LARGE : text,
	};

	if (s[1] & LULL_SYN)
		put_option(&o, 2U << 24 | 4U << 16 | s[5] * 8U);
	if (s[4] & 0x80)
		put_ts(w, &o, s[5]);
	for (int i = 0; i < row; i++) {
		send_segment(w, &o);
		o.seq += o.text;
	}
	run(w);
}

/* An ACK with up to three blocks behind what is acknowledged. */
static void sack(struct world *w, const uint8_t s[STEP])
{
	struct flow *flow = &w->flow[s[0] % PEERS];
	uint32_t ack = flow->una + (s[1] & 15) * 50U, n = s[1] >> 4 & 3;
	struct out o = {
		.peer = s[0] % PEERS,
		.flags = LULL_ACK,
		.seq = flow->ack,
		.ack = ack,
		.wnd = 20000,
	};

	if (s[1] & 0x40)
		put_ts(w, &o, 1);
	if (n) {
		put_option(&o, 0x01010500 | (2 + 8 * n));
		for (uint32_t i = 0; i < n; i++) {
			uint32_t at = ack + offset_of(s[2 + i]) * 50;

			put_option(&o, at);
			put_option(&o, at + (1 + (s[5] >> i & 7)) * 50U);
		}
	}
	send_segment(w, &o);
	run(w);
	if (s[1] & 0x80)
		flow->una = ack;
}

/* An error that quotes a segment of ours. */
static void icmp(struct world *w, const uint8_t s[STEP])
{
	const struct flow *flow = &w->flow[s[0] % PEERS];
	uint8_t p[40 + 8 + 40 + 8] = {0}, *m, *q;
	struct lull_addr us = addr(w, 2), peer = addr(w, 1);
	bool v6 = has(w, WITH_V6);
	uint32_t quoted = v6 ? 40 : 20, len = 8 + quoted + 8, at, pseudo;

	at = put_ip(w, v6 ? ICMPV6 : ICMP, len, p, &pseudo);
	m = p + at;
	q = m + 8;
	m[0] = s[1] & 1 ? (v6 ? 1 + (s[1] >> 1 & 3) : 3) : s[1];
	m[1] = s[2] & 15;
	fuzz_put16(m + 6, s[3] * 8U);
	q[0] = v6 ? 0x60 : 0x45;
	q[v6 ? 6 : 9] = TCP;
	if (v6) {
		memcpy(q + 8, us.b, 16);
		memcpy(q + 24, peer.b, 16);
	} else {
		memcpy(q + 12, us.b + 12, 4);
		memcpy(q + 16, peer.b + 12, 4);
	}
	q += quoted;
	fuzz_put16(q, PORT);
	fuzz_put16(q + 2, PEER_PORT + s[0] % PEERS);
	fuzz_put32(q + 4, flow->seq - 1 + offset_of(s[4]));
	fuzz_put16(m + 2, fuzz_fold(fuzz_sum(v6 ? pseudo : 0, m, len)));
	give(w, p, at + len);
	run(w);
}

static void open_one(struct world *w, const uint8_t s[STEP])
{
	struct lull_sock sock;
	int e;

	if (w->socks == SOCKS)
		return;
	if (s[1] & 1)
		e = lull_sock_accept(w->shard, w->listener, 2, &sock);
	else
		e = connect_to(w, s[2] % PEERS, &sock);
	if (e == 0)
		w->sock[w->socks++] = sock;
	run(w);
}

static void set_option(struct world *w, struct lull_sock sock,
		       const uint8_t s[STEP])
{
	struct lull_linger linger = {s[2] & 1, s[3] & 3};
	int32_t v = s[3];

	(void)!lull_sock_set(w->shard, sock, LULL_OPT_LINGER, &linger,
			     sizeof linger);
	(void)!lull_sock_set(w->shard, sock,
			     (enum lull_option)(s[2] % LULL_OPTIONS), &v,
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
		segment(w, s);
		break;
	case 2:
		sack(w, s);
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
	while (w->socks)
		lull_sock_close(w->shard, w->sock[--w->socks]);
	lull_sock_close(w->shard, w->listener);
	fuzz_run_out(w->shard, &w->now_ns, run, w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = {0};
	int steps = 0;

	if (size < HEAD)
		return 0;
	w.with = data[1];
	create(&w);
	reach(&w, (enum lull_tcp_state)(data[0] % LULL_TCP_STATES));
	data += HEAD;
	size -= HEAD;
	for (; size >= STEP && steps < STEPS_MAX; size -= STEP, data += STEP) {
		step(&w, data);
		steps++;
	}
	/* What is left is a packet as it stands. */
	if (size > 0) {
		give(&w, data, (uint32_t)size);
		run(&w);
	}
	destroy(&w);
	return 0;
}
