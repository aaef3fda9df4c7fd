/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * one.c: from one address to one port of one destination, the side that opens
 * closes first, at a steady rate and in virtual time: does it ever run out of
 * ports? Two stacks in memory, as `lull bench` has them. One line of JSON.
 *
 * usage: one [SECONDS [RATE [NAME=VALUE...]]]     600 20000
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lull/diag.h>
#include <lull/host.h>

enum {
	MS = 1000000, /* ns */
	BATCH = 64,
	LISTENER = 1,
	CONN = 2,
	CONNS = 4096,
	CLOSING = 200000,
};

struct end {
	struct lull_shard *shard;
	struct lull_memory memory;
	struct lull_prefix prefix;
};

struct one {
	struct end client, server;
	struct lull_memnet *net;
	struct lull_sock listener;
	uint64_t now_ns;
	uint64_t opened, refused, done, errors, resets;
	uint32_t why_live, why_closing; /* of the first refusal */
};

static void fail(const char *what, int e)
{
	fprintf(stderr, "one: %s: %s\n", what, strerror(-e));
	exit(3);
}

static void must(const char *what, int e)
{
	if (e < 0)
		fail(what, e);
}

static void make(struct one *o, struct end *e, uint8_t host)
{
	struct lull_config config;

	lull_config_init(&config, CONNS, CLOSING);
	config.limits.traces = 0;
	memset(config.key, host, sizeof config.key); /* the same each time */
	must("memory", lull_memory_map(&config.limits, &e->memory));
	must("shard",
	     lull_shard_init(&e->shard, &config, e->memory, o->now_ns, NULL));
	e->prefix = (struct lull_prefix){
		.addr = {.b = {[10] = 0xff, [11] = 0xff, 10, 0, 0, host}},
		.bits = 128,
	};
	must("address", lull_addr_add(e->shard, e->prefix, false));
	must("network", lull_memnet_attach(o->net, e->shard, &e->prefix, 1));
}

static void open_one(struct one *o)
{
	struct lull_connect c = {
		.size = sizeof c,
		.remote = {o->server.prefix.addr, 80},
		.cookie = CONN,
	};
	struct lull_why why = {.size = sizeof why};
	struct lull_sock sock;

	if (lull_sock_connect(o->client.shard, &c, &sock, &why) == 0) {
		o->opened++;
		return;
	}
	if (o->refused++ == 0) {
		o->why_live = why.ports_live;
		o->why_closing = why.ports_closing;
	}
}

static void say(struct lull_shard *s, struct lull_sock sock)
{
	struct lull_span hello = {(void *)(uintptr_t) "hello", 5};

	if (lull_sock_send(s, sock, &hello, 1, 0) != 5)
		fail("send", -1);
}

/* It asks, reads the answer, and closes first. */
static void client_event(struct one *o, const struct lull_event *e)
{
	char buf[64];

	if (e->bits & LULL_EVENT_ERROR) {
		o->errors++;
		lull_sock_close(o->client.shard, e->sock);
	} else if (e->bits & LULL_EVENT_READ) {
		if (lull_sock_recv(o->client.shard, e->sock, buf, sizeof buf) ==
		    5)
			o->done++;
		lull_sock_close(o->client.shard, e->sock);
	} else if (e->bits & LULL_EVENT_WRITE) {
		say(o->client.shard, e->sock);
	}
}

static void server_event(struct one *o, const struct lull_event *e)
{
	struct lull_shard *s = o->server.shard;
	struct lull_sock sock;
	char buf[64];
	long n;

	if (e->cookie == LISTENER) {
		while (lull_sock_accept(s, o->listener, CONN, &sock) == 0)
			;
		return;
	}
	if (e->bits & LULL_EVENT_ERROR) {
		o->resets++;
		lull_sock_close(s, e->sock);
		return;
	}
	while ((n = lull_sock_recv(s, e->sock, buf, sizeof buf)) > 0)
		say(s, e->sock);
	if (n == 0)
		lull_sock_close(s, e->sock);
}

static bool turn(struct one *o, struct lull_shard *s,
		 void (*event)(struct one *, const struct lull_event *))
{
	struct lull_event e[BATCH];
	struct lull_work w = lull_shard_run(s, o->now_ns);
	bool busy = w.more || w.tx || w.events;
	int n;

	while ((n = lull_events_get(s, e, BATCH)) > 0)
		for (int i = 0; i < n; i++)
			event(o, &e[i]);
	w = lull_shard_run(s, o->now_ns);
	busy |= w.tx || w.more;
	(void)lull_memnet_step(o->net, o->now_ns);
	return busy;
}

static uint64_t count_of(const struct lull_shard *s, const char *name)
{
	struct lull_counter c;

	for (uint32_t i = 0; lull_diag_counter(s, i, &c); i++)
		if (strcmp(c.name, name) == 0)
			return c.value;
	return 0;
}

static void print(const struct one *o, uint64_t seconds, double wall_s)
{
	const struct lull_shard *c = o->client.shard;

	printf("{\"virtual_s\":%lu,\"wall_s\":%.1f,\"opened\":%lu,\"done\":%lu,"
	       "\"no_port\":%lu,\"errors\":%lu,\"resets_at_server\":%lu,"
	       "\"TWReusedSafe\":%lu,\"TWRecycled\":%lu,\"TWReuseRefused\":%lu,"
	       "\"OutRsts\":%lu,\"RetransSegs\":%lu,\"first_no\":{\"live\":%u,"
	       "\"closing\":%u}}\n",
	       seconds, wall_s, o->opened, o->done, o->refused, o->errors,
	       o->resets, count_of(c, "TWReusedSafe"),
	       count_of(c, "TWRecycled"), count_of(c, "TWReuseRefused"),
	       count_of(c, "OutRsts") + count_of(o->server.shard, "OutRsts"),
	       count_of(c, "RetransSegs"), o->why_live, o->why_closing);
}

static void set(struct one *o, char *knob)
{
	char *value = strchr(knob, '=');

	if (!value)
		fail(knob, -22);
	*value = 0;
	must(knob, lull_sysctl_set(o->client.shard, knob, value + 1, NULL));
}

int main(int argc, char **argv)
{
	uint64_t seconds = argc > 1 ? strtoul(argv[1], NULL, 10) : 600;
	uint64_t rate = argc > 2 ? strtoul(argv[2], NULL, 10) : 20000;
	struct lull_memnet_config net = {.size = sizeof net};
	struct lull_listen listen = {
		.size = sizeof listen,
		.port_lo = 80,
		.backlog = 4096,
		.cookie = LISTENER,
	};
	static struct one o;
	uint64_t begin = lull_clock_ns();

	if (seconds < 1 || seconds > 3600 || rate < 1 || rate > 1000000) {
		fprintf(stderr, "one: SECONDS 1..3600, RATE 1..1000000\n");
		return 64;
	}
	o.now_ns = 1000 * (uint64_t)MS;
	must("network", lull_memnet_create(&o.net, &net));
	make(&o, &o.client, 1);
	make(&o, &o.server, 2);
	for (int i = 3; i < argc; i++)
		set(&o, argv[i]);
	must("listen", lull_sock_listen(o.server.shard, &listen, &o.listener));
	for (uint64_t ms = 0; ms < seconds * 1000; ms++) {
		uint64_t due = rate * (ms + 1) / 1000;
		bool busy = true;

		while (o.opened + o.refused < due)
			open_one(&o);
		while (busy) {
			busy = turn(&o, o.client.shard, client_event);
			busy |= turn(&o, o.server.shard, server_event);
		}
		o.now_ns += MS;
	}
	print(&o, seconds, (double)(lull_clock_ns() - begin) / 1e9);
	lull_memnet_destroy(o.net);
	lull_memory_unmap(&o.client.memory);
	lull_memory_unmap(&o.server.memory);
	return 0;
}
