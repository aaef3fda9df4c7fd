/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * instructions.c: one kind of work, so often as told, for callgrind to count:
 *
 *	segment     an in-order segment of 1,448 bytes comes in, 16 in a batch
 *	ack         a pure ACK comes in, 16 in a batch
 *	sent        a segment of 1,448 bytes goes out, of writes of 46 KB
 *	connection  opened, asked, answered, closed; both sides
 *
 * usage: instructions KIND N
 *
 * Two stacks, frames moved by hand, in virtual time, with the same key each
 * time: the same instructions each time. What counts goes through measured(),
 * which callgrind toggles at; all else goes through plain().
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lull/host.h>

enum {
	MS = 1000000, /* ns */
	SEGS = 32,    /* of a write */
	MSS = 1448,
	BATCH = 64,
};

struct end {
	struct lull_shard *shard;
	struct lull_memory memory;
	struct lull_prefix prefix;
	struct lull_sock sock;
};

static struct end a, b; /* a opens */
static struct lull_sock listener;
static uint64_t now_ns = MS;
static uint8_t text[SEGS * MSS];

static void must(const char *what, long e)
{
	if (e >= 0)
		return;
	fprintf(stderr, "instructions: %s: %s\n", what, strerror((int)-e));
	exit(3);
}

static void make(struct end *e, uint8_t host)
{
	struct lull_config config;

	lull_config_init(&config, 256, 65536);
	config.limits.traces = 0;
	memset(config.key, host, sizeof config.key);
	must("memory", lull_memory_map(&config.limits, &e->memory));
	must("shard",
	     lull_shard_init(&e->shard, &config, e->memory, now_ns, NULL));
	e->prefix = (struct lull_prefix){
		.addr = {.b = {[10] = 0xff, [11] = 0xff, 10, 0, 0, host}},
		.bits = 128,
	};
	must("address", lull_addr_add(e->shard, e->prefix, false));
	must("knob", lull_sysctl_set(e->shard, "net.ipv4.tcp_rmem",
				     "4096 1000000 1000000", NULL));
}

/* Frames into a shard, a run, and out again into `out`. */
struct turn {
	struct lull_shard *shard;
	const struct lull_frame *in;
	int ins;
	struct lull_frame out[BATCH];
	int outs;
};

static void do_turn(struct turn *t)
{
	struct lull_event events[BATCH];

	if (lull_rx_put(t->shard, t->in, t->ins) != t->ins)
		must("rx_put", -11);
	/* As a run loop does: events, and the answers. */
	if (lull_shard_run(t->shard, now_ns).events) {
		while (lull_events_get(t->shard, events, BATCH) == BATCH)
			;
		(void)lull_shard_run(t->shard, now_ns);
	}
	t->outs = lull_tx_peek(t->shard, t->out, BATCH);
}

/* Two functions that no compiler takes for one, nor makes part of another. */
void measured(struct turn *t);
void plain(struct turn *t);
static volatile uint32_t turns[2];

__attribute__((noinline)) void measured(struct turn *t)
{
	turns[0]++;
	do_turn(t);
}

__attribute__((noinline)) void plain(struct turn *t)
{
	turns[1]++;
	do_turn(t);
}

/* What `t` shows, copied into empty frames of `to`; `t`'s are done. */
static int carry(struct turn *t, const struct end *to, struct lull_frame *in)
{
	int n = lull_rx_get(to->shard, in, t->outs);

	if (n != t->outs)
		must("rx_get", -12);
	for (int i = 0; i < n; i++) {
		uint8_t *p = in[i].span[0].ptr;

		for (int k = 0; k < t->out[i].spans; k++) {
			memcpy(p, t->out[i].span[k].ptr, t->out[i].span[k].len);
			p += t->out[i].span[k].len;
		}
		in[i].len = t->out[i].len;
		in[i].flags = t->out[i].flags;
	}
	lull_tx_done(t->shard, n);
	return n;
}

/* A turn at `a`, then one at `b` with what came out, until nobody speaks. */
static void settle(void (*run)(struct turn *))
{
	struct lull_frame in[BATCH];
	struct turn at = {.shard = a.shard, .in = in}, bt = at;

	bt.shard = b.shard;
	do {
		run(&at);
		bt.ins = carry(&at, &b, in);
		run(&bt);
		at.ins = carry(&bt, &a, in);
	} while (bt.ins || at.ins);
}

static void open_one(uint32_t i)
{
	struct lull_connect c = {
		.size = sizeof c,
		.remote = {b.prefix.addr, 80},
		.local = {a.prefix.addr, (uint16_t)(2000 + i)},
	};

	must("connect", lull_sock_connect(a.shard, &c, &a.sock, NULL));
}

static void send(struct end *e, uint32_t len)
{
	struct lull_span span = {text, len};

	if (lull_sock_send(e->shard, e->sock, &span, 1, 0) != (long)len)
		must("send", -11);
}

static void take(struct end *e)
{
	struct lull_span spans[BATCH];
	size_t len = 0;
	int n = lull_sock_peek(e->shard, e->sock, spans, BATCH);

	must("peek", n);
	for (int i = 0; i < n; i++)
		len += spans[i].len;
	must("consume", lull_sock_consume(e->shard, e->sock, len));
}

static void connection(uint32_t i)
{
	now_ns += MS;
	open_one(i);
	settle(measured);
	must("accept", lull_sock_accept(b.shard, listener, 2, &b.sock));
	send(&a, 28);
	settle(measured);
	take(&b);
	send(&b, 100);
	lull_sock_close(b.shard, b.sock);
	settle(measured);
	take(&a);
	lull_sock_close(a.shard, a.sock);
	settle(measured);
}

/* One write of SEGS segments, and its ACKs: each two segments draw one. */
static void transfer(const char *kind)
{
	bool sent = !strcmp(kind, "sent"), segment = !strcmp(kind, "segment");
	struct lull_frame in[BATCH], acks[BATCH];
	struct turn at = {.shard = a.shard}, bt = {.shard = b.shard};
	int n, ins;

	now_ns += MS;
	send(&a, sizeof text);
	(sent ? measured : plain)(&at);
	ins = carry(&at, &b, in);
	if (ins != SEGS)
		must("segments", -71);
	if (segment) {
		for (int i = 0; i < SEGS; i += 16) {
			bt.in = in + i;
			bt.ins = 16;
			measured(&bt);
		}
		n = carry(&bt, &a, acks);
	} else {
		for (n = 0; n < SEGS / 2; n++) {
			bt.in = in + 2 * n;
			bt.ins = 2;
			plain(&bt);
			if (carry(&bt, &a, acks + n) != 1)
				must("ACKs", -71);
		}
	}
	take(&b);
	at.in = acks;
	at.ins = n;
	(strcmp(kind, "ack") ? plain : measured)(&at);
	if (at.outs)
		must("silence", -71);
	settle(plain);
}

int main(int argc, char **argv)
{
	struct lull_listen listen = {
		.size = sizeof listen, .port_lo = 80, .backlog = 64};
	uint32_t n = argc == 3 ? (uint32_t)atoi(argv[2]) : 0;

	if (!n || n > 60000)
		return 64;
	make(&a, 1);
	make(&b, 2);
	must("listen", lull_sock_listen(b.shard, &listen, &listener));
	if (!strcmp(argv[1], "connection")) {
		for (uint32_t i = 0; i < n; i++)
			connection(i);
		return 0;
	}
	open_one(0);
	settle(plain);
	must("accept", lull_sock_accept(b.shard, listener, 2, &b.sock));
	must("sndbuf", lull_sock_set(a.shard, a.sock, LULL_OPT_SNDBUF,
				     &(int32_t){1 << 20}, sizeof(int32_t)));
	/* The window opens first. */
	for (int i = 0; i < 8; i++) {
		now_ns += MS;
		send(&a, sizeof text);
		settle(plain);
		take(&b);
		settle(plain);
	}
	for (uint32_t i = 0; i < n; i++)
		transfer(argv[1]);
	return 0;
}
