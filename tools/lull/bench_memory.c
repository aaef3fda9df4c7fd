/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_memory.c: two stacks on one core, joined in memory. Payload is copied
 * as a device would; checksums are computed and verified; the clock is real.
 *
 * Each connection of `crr` has a pair of endpoints of its own, over 65,000
 * addresses, so that none comes twice within 2MSL.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench.h"

enum {
	BATCH = 64,
	PORTS = 60000, /* of each address, from 2000 */
	LISTENER = 1,
	STREAM_BYTES = 65536,
	CLOSING_A_SECOND = 500000,
	TIMEWAIT_S = 60,
};

struct end {
	struct lull_memory memory;
	struct lull_shard *shard;
	struct lull_prefix prefix;
};

struct slot {
	uint64_t began_ns;
	uint64_t got; /* bytes of the answer */
};

struct memory_bench {
	const struct bench_options *o;
	struct bench_result *r;
	struct end client, server;
	struct lull_memnet *net;
	struct lull_sock listener;
	uint32_t pair;	 /* the next pair of endpoints */
	uint64_t active; /* connections of the client */
	bool over;
	uint64_t now_ns;
	struct slot *slot; /* the cookie is its index */
	uint32_t *free_slot;
	uint64_t free_slots;
	char *response;
	size_t response_len;
	uint8_t buf[STREAM_BYTES];
};

static uint32_t closing_for(const struct bench_options *o)
{
	double s = o->seconds < TIMEWAIT_S ? o->seconds : TIMEWAIT_S;

	return (uint32_t)((s + 1) * CLOSING_A_SECOND);
}

static int make_end(struct memory_bench *b, struct end *e, uint8_t net)
{
	struct lull_config config;
	int err;

	lull_config_init(&config, (uint32_t)b->o->conc + 1024,
			 b->o->mode == BENCH_CRR ? closing_for(b->o) : 1024);
	config.limits.half_open = (uint32_t)b->o->conc + 1024;
	config.limits.closing6 = 16;
	config.limits.bufs_64k = 256;
	config.limits.traces = 0;
	e->prefix = (struct lull_prefix){
		.addr = {.b = {[10] = 0xff, [11] = 0xff, 10, net, 0, 1}},
		.bits = 112,
	};
	err = lull_key_make(&config);
	if (err == 0)
		err = lull_memory_map(&config.limits, &e->memory);
	if (err == 0)
		err = lull_shard_init(&e->shard, &config, e->memory,
				      lull_clock_ns(), NULL);
	if (err == 0)
		err = lull_addr_add(e->shard, e->prefix, true);
	if (err == 0)
		err = lull_memnet_attach(b->net, e->shard, &e->prefix, 1);
	return err < 0 ? err : 0;
}

static uint32_t link_cap(const struct bench_options *o)
{
	if (o->offload && !strcmp(o->offload, "on"))
		return LULL_LINK_TX_CSUM | LULL_LINK_TX_GSO | LULL_LINK_RX_GSO;
	return o->no_checksum ? LULL_LINK_TX_CSUM : 0;
}

static int create(struct memory_bench *b)
{
	struct lull_memnet_config net = {.size = sizeof net,
					 .link_cap = link_cap(b->o)};
	struct lull_listen listen = {
		.size = sizeof listen,
		.port_lo = 80,
		.backlog = 65535,
		.cookie = LISTENER,
	};
	int e = lull_memnet_create(&b->net, &net);

	if (e == 0)
		e = make_end(b, &b->client, 1);
	if (e == 0)
		e = make_end(b, &b->server, 2);
	if (e == 0)
		e = lull_sysctl_set(b->server.shard, "net.core.somaxconn",
				    "65535", NULL);
	if (e == 0)
		e = lull_sock_listen(b->server.shard, &listen, &b->listener);
	b->response_len = bench_response(b->o->size, &b->response);
	b->slot = calloc(b->o->conc, sizeof *b->slot);
	b->free_slot = calloc(b->o->conc, sizeof *b->free_slot);
	if (!b->response || !b->slot || !b->free_slot)
		return -ENOMEM;
	for (uint64_t i = 0; i < b->o->conc; i++)
		b->free_slot[b->free_slots++] = (uint32_t)i;
	return e;
}

static void destroy(struct memory_bench *b)
{
	lull_memnet_destroy(b->net);
	lull_memory_unmap(&b->client.memory);
	lull_memory_unmap(&b->server.memory);
	free(b->response);
	free(b->slot);
	free(b->free_slot);
}

/* ---- the client ---- */

static bool connect_one(struct memory_bench *b)
{
	uint32_t addr = 2 + b->pair / PORTS;
	uint32_t slot = b->free_slot[b->free_slots - 1];
	struct lull_connect c = {
		.size = sizeof c,
		.remote = {b->server.prefix.addr, 80},
		.local = {b->client.prefix.addr,
			  (uint16_t)(2000 + b->pair % PORTS)},
		.cookie = slot,
	};
	struct lull_sock sock;

	c.local.addr.b[14] = (uint8_t)(addr >> 8);
	c.local.addr.b[15] = (uint8_t)addr;
	b->pair++;
	if (lull_sock_connect(b->client.shard, &c, &sock, NULL) < 0) {
		b->r->errors++;
		return false;
	}
	b->free_slots--;
	b->slot[slot] = (struct slot){.began_ns = b->now_ns};
	b->active++;
	return true;
}

static void end_one(struct memory_bench *b, const struct lull_event *e, bool ok)
{
	lull_sock_close(b->client.shard, e->sock);
	b->free_slot[b->free_slots++] = (uint32_t)e->cookie;
	b->active--;
	if (ok) {
		b->r->done++;
		hist_add(b->r->hist,
			 (b->now_ns - b->slot[e->cookie].began_ns) / 1000);
	} else {
		b->r->errors++;
	}
}

static void ask(struct memory_bench *b, struct lull_sock sock)
{
	bool close = b->o->mode == BENCH_CRR;
	const char *text = close ? bench_request_close : bench_request;
	struct lull_span span = {(void *)(uintptr_t)text, strlen(text)};

	if (lull_sock_send(b->client.shard, sock, &span, 1, 0) !=
	    (long)span.len)
		b->r->errors++;
}

/* Take all that is there. Returns the last result: 0 at the end of file. */
static long take_all(struct memory_bench *b, struct lull_shard *shard,
		     struct lull_sock sock)
{
	long n;

	while ((n = lull_sock_recv(shard, sock, b->buf, sizeof b->buf)) > 0)
		b->r->bytes += (uint64_t)n;
	return n;
}

static void fill(struct memory_bench *b, struct lull_sock sock)
{
	struct lull_span span = {b->buf, b->o->size < sizeof b->buf
						 ? (size_t)b->o->size
						 : sizeof b->buf};

	while (lull_sock_send(b->client.shard, sock, &span, 1, 0) > 0)
		;
}

/* One answer is whole; ask again, or end. */
static void answered(struct memory_bench *b, const struct lull_event *e)
{
	struct slot *slot = &b->slot[e->cookie];

	b->r->done++;
	hist_add(b->r->hist, (b->now_ns - slot->began_ns) / 1000);
	*slot = (struct slot){.began_ns = b->now_ns};
	ask(b, e->sock);
}

static void client_event(struct memory_bench *b, const struct lull_event *e)
{
	uint64_t before = b->r->bytes;
	long n;

	if (e->bits & LULL_EVENT_ERROR) {
		end_one(b, e, false);
		return;
	}
	if (b->o->mode == BENCH_STREAM) {
		fill(b, e->sock);
		return;
	}
	if (e->bits & LULL_EVENT_WRITE)
		ask(b, e->sock);
	if (!(e->bits & LULL_EVENT_READ))
		return;
	n = take_all(b, b->client.shard, e->sock);
	b->slot[e->cookie].got += b->r->bytes - before;
	if (n == 0)
		end_one(b, e, b->slot[e->cookie].got == b->response_len);
	else if (b->o->mode == BENCH_RR &&
		 b->slot[e->cookie].got == b->response_len)
		answered(b, e);
}

/* ---- the server ---- */

static void server_event(struct memory_bench *b, const struct lull_event *e)
{
	struct lull_shard *shard = b->server.shard;
	struct lull_span span = {b->response, b->response_len};
	struct lull_sock sock;
	uint64_t before = b->r->bytes;

	if (e->cookie == LISTENER) {
		while (lull_sock_accept(shard, b->listener, 2, &sock) == 0)
			;
		return;
	}
	if (e->bits & LULL_EVENT_ERROR ||
	    take_all(b, shard, e->sock) != -EAGAIN) {
		lull_sock_close(shard, e->sock);
		return;
	}
	if (b->o->mode == BENCH_STREAM)
		return;
	b->r->bytes = before; /* requests don't count */
	if (lull_sock_send(shard, e->sock, &span, 1, 0) != (long)span.len)
		b->r->errors++;
	if (b->o->mode == BENCH_CRR)
		lull_sock_close(shard, e->sock);
}

/* ---- both ---- */

/* Run a shard, let its programs act, and run it again for what they did. */
static void turn(struct memory_bench *b, struct lull_shard *shard,
		 void (*event)(struct memory_bench *,
			       const struct lull_event *))
{
	struct lull_event e[BATCH];
	int n;

	(void)lull_shard_run(shard, b->now_ns);
	while ((n = lull_events_get(shard, e, BATCH)) > 0)
		for (int i = 0; i < n; i++)
			event(b, &e[i]);
	(void)lull_shard_run(shard, b->now_ns);
	(void)lull_memnet_step(b->net, b->now_ns);
}

static bool is_over(const struct memory_bench *b, uint64_t start_ns)
{
	return (double)(b->now_ns - start_ns) / 1e9 >= b->o->seconds ||
	       (b->o->count && b->r->done >= b->o->count);
}

static double process_cpu(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	       (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
}

static void measure(struct memory_bench *b)
{
	double machine, steal, cpu = process_cpu();
	uint64_t start_ns = lull_clock_ns();

	bench_cpu(&machine, &steal);
	b->now_ns = start_ns;
	do {
		b->now_ns = lull_clock_ns();
		while (!b->over && b->free_slots && connect_one(b))
			;
		turn(b, b->client.shard, client_event);
		turn(b, b->server.shard, server_event);
		b->over = is_over(b, start_ns);
	} while (!b->over);
	b->r->seconds = (double)(b->now_ns - start_ns) / 1e9;
	b->r->server_s = process_cpu() - cpu;
	bench_cpu(&b->r->machine_s, &b->r->steal_s);
	b->r->machine_s -= machine;
	b->r->steal_s -= steal;
}

int bench_memory(const struct bench_options *o, struct bench_result *r)
{
	struct memory_bench *b = calloc(1, sizeof *b);
	int e;

	if (!b)
		return tool_error(TOOL_COULD_NOT, "no memory");
	b->o = o;
	b->r = r;
	e = create(b);
	if (e == 0) {
		measure(b);
		bench_take(r, b->server.shard);
	}
	destroy(b);
	free(b);
	if (e < 0)
		return tool_error(TOOL_COULD_NOT, "two stacks in memory: %s",
				  strerror(-e));
	return TOOL_OK;
}
