/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory.c: what connections cost in bytes, counted twice: by the objects
 * that the pools hold, and by the memory of the shard that became resident.
 *
 * Two shards are joined in memory; only the server's side is counted. The
 * clock is virtual and stands nearly still, so no closing record ends. What
 * is resident is compared at a tenth of the connections and at all of them:
 * what a shard takes once cancels, and what is left is each one's share.
 *
 * usage: memory IDLE CLOSING; prints one JSON object a line
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <lull/diag.h>
#include <lull/host.h>

enum {
	BATCH = 64,    /* connections that are opened at a time */
	PORTS = 60000, /* of each address, from 2000 */
	LISTENER = 1,
	CREATED_CLOSING = 10000000,
	TURNS_MAX = 1000, /* without news, until we give up */
	POOLS = 24,
	CHUNK_PAGES = 65536,
};

struct end {
	struct lull_memory memory;
	struct lull_shard *shard;
	struct lull_prefix prefix;
};

struct world {
	struct end client, server;
	struct lull_memnet *net;
	struct lull_sock listener;
	struct lull_sock *accepted, *connected; /* those that are held */
	uint32_t accepted_len, connected_len;
	uint32_t pair; /* the next pair of endpoints */
	uint32_t opened, ended, errors;
	bool close_first; /* the server closes at once */
	bool v6;
	uint64_t now_ns;
};

static void fail(const char *what, int e)
{
	fprintf(stderr, "memory: %s: %s\n", what, strerror(-e));
	exit(3);
}

/* ---- resident memory ---- */

/* Whole mappings of smaps won't do: the kernel joins neighbours. */
static uint64_t resident(uint8_t *from, size_t len)
{
	static unsigned char in[CHUNK_PAGES];
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = 0, bytes;

	for (size_t at = 0; at < len; at += bytes) {
		bytes = len - at < page * CHUNK_PAGES ? len - at
						      : page * CHUNK_PAGES;
		if (mincore(from + at, bytes, in) < 0)
			fail("mincore", -errno);
		for (size_t i = 0; i * page < bytes; i++)
			pages += in[i] & 1;
	}
	return pages * page;
}

static uint64_t resident_of(const struct lull_memory *m)
{
	return resident(m->mem, m->mem_len) +
	       resident(m->closing, m->closing_len);
}

static uint64_t process_resident(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%*u %lu", &pages) != 1)
		fail("/proc/self/statm", -EIO);
	fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* ---- two shards ---- */

static void make_shard(struct end *e, uint32_t conns, uint32_t closing,
		       uint64_t now_ns)
{
	struct lull_config config;
	int err;

	lull_config_init(&config, conns, closing);
	err = lull_key_make(&config);
	if (err == 0)
		err = lull_memory_map(&config.limits, &e->memory);
	if (err == 0)
		err = lull_shard_init(&e->shard, &config, e->memory, now_ns,
				      NULL);
	if (err < 0)
		fail("a shard", err);
}

static void join(struct world *w, struct end *e, uint8_t net)
{
	int err;

	if (w->v6)
		e->prefix = (struct lull_prefix){
			.addr = {.b = {0xfd, 0, 0, net, [15] = 1}},
			.bits = 64,
		};
	else
		e->prefix = (struct lull_prefix){
			.addr = {.b = {[10] = 0xff,
				       [11] = 0xff,
				       10,
				       net,
				       0,
				       1}},
			.bits = 112,
		};
	err = lull_addr_add(e->shard, e->prefix, true);
	if (err == 0)
		err = lull_memnet_attach(w->net, e->shard, &e->prefix, 1);
	if (err < 0)
		fail("an address", err);
}

static void open_world(struct world *w, uint32_t conns, uint32_t closing)
{
	struct lull_memnet_config net = {.size = sizeof net};
	struct lull_listen listen = {
		.size = sizeof listen,
		.port_lo = 80,
		.backlog = 4096,
		.cookie = LISTENER,
	};
	int err = lull_memnet_create(&w->net, &net);

	if (err < 0)
		fail("a network", err);
	w->now_ns = 1000000000;
	make_shard(&w->client, conns, 1024, w->now_ns);
	make_shard(&w->server, conns, closing, w->now_ns);
	join(w, &w->client, 1);
	join(w, &w->server, 2);
	err = lull_sock_listen(w->server.shard, &listen, &w->listener);
	if (err < 0)
		fail("a listener", err);
	w->accepted = calloc(conns, sizeof *w->accepted);
	w->connected = calloc(conns, sizeof *w->connected);
	if (!w->accepted || !w->connected)
		fail("handles", -ENOMEM);
}

static void close_world(struct world *w)
{
	lull_memnet_destroy(w->net);
	lull_memory_unmap(&w->client.memory);
	lull_memory_unmap(&w->server.memory);
	free(w->accepted);
	free(w->connected);
}

/* ---- connections ---- */

static void connect_one(struct world *w)
{
	uint32_t addr = 2 + w->pair / PORTS;
	struct lull_connect c = {
		.size = sizeof c,
		.remote = {w->server.prefix.addr, 80},
		.local = {w->client.prefix.addr,
			  (uint16_t)(2000 + w->pair % PORTS)},
	};
	struct lull_sock sock;
	int err;

	c.local.addr.b[14] = (uint8_t)(addr >> 8);
	c.local.addr.b[15] = (uint8_t)addr;
	w->pair++;
	err = lull_sock_connect(w->client.shard, &c, &sock, NULL);
	if (err < 0)
		fail("lull_sock_connect", err);
}

static void client_event(struct world *w, const struct lull_event *e)
{
	struct lull_shard *shard = w->client.shard;

	if (e->bits & LULL_EVENT_ERROR) {
		lull_sock_close(shard, e->sock);
		w->errors++;
	} else if (e->bits & LULL_EVENT_EOF) {
		lull_sock_close(shard, e->sock);
		w->ended++;
	} else if (e->bits & LULL_EVENT_WRITE && !w->close_first) {
		w->connected[w->connected_len++] = e->sock;
		w->opened++;
	}
}

static void server_event(struct world *w, const struct lull_event *e)
{
	struct lull_shard *shard = w->server.shard;
	struct lull_sock sock;

	if (e->cookie != LISTENER) {
		w->errors++;
		lull_sock_close(shard, e->sock);
		return;
	}
	while (lull_sock_accept(shard, w->listener, 2, &sock) == 0) {
		if (w->close_first)
			lull_sock_close(shard, sock);
		else
			w->accepted[w->accepted_len++] = sock;
	}
}

static void turn(struct world *w, struct lull_shard *shard,
		 void (*event)(struct world *, const struct lull_event *))
{
	struct lull_event e[BATCH];
	int n;

	(void)lull_shard_run(shard, w->now_ns);
	while ((n = lull_events_get(shard, e, BATCH)) > 0)
		for (int i = 0; i < n; i++)
			event(w, &e[i]);
	(void)lull_shard_run(shard, w->now_ns);
	(void)lull_memnet_step(w->net, w->now_ns);
}

/* Run until `*count` is `goal`. */
static void run_until(struct world *w, const uint32_t *count, uint32_t goal)
{
	uint32_t last = *count, idle = 0;

	while (*count < goal) {
		w->now_ns += 100;
		turn(w, w->client.shard, client_event);
		turn(w, w->server.shard, server_event);
		idle = *count == last ? idle + 1 : 0;
		last = *count;
		if (idle > TURNS_MAX || w->errors)
			fail("connections stand still", -ETIMEDOUT);
	}
}

/* Let delayed ACKs go: a second, far less than 2MSL. */
static void settle(struct world *w)
{
	for (int i = 0; i < 100; i++) {
		w->now_ns += 10000000;
		turn(w, w->client.shard, client_event);
		turn(w, w->server.shard, server_event);
	}
	if (w->errors)
		fail("errors while idle", -EIO);
}

/* Open until there are `n`; with close_first each is closed at once. */
static void open_to(struct world *w, uint32_t n)
{
	const uint32_t *count = w->close_first ? &w->ended : &w->opened;

	while (*count < n) {
		uint32_t more = n - *count < BATCH ? n - *count : BATCH;

		for (uint32_t i = 0; i < more; i++)
			connect_one(w);
		run_until(w, count, *count + more);
	}
	settle(w);
}

/* ---- what is printed ---- */

static uint64_t state_count(const struct world *w, enum lull_tcp_state state)
{
	uint64_t count[LULL_TCP_STATES];

	lull_diag_states(w->server.shard, count);
	return count[state];
}

/* Pools with one object or more for every second connection are its own. */
static uint32_t print_pools(const struct lull_shard *shard, uint32_t n)
{
	struct lull_pool p;
	uint64_t sum = 0;
	bool first = true;

	printf("\"pools\":{");
	for (uint32_t i = 0; lull_diag_pool(shard, i, &p) && i < POOLS; i++) {
		/* Its bytes are in those of the flow table already. */
		if (!strcmp(p.name, "flow overflow") || p.used < n / 2)
			continue;
		printf("%s\"%s\":%u", first ? "" : ",", p.name, p.object_bytes);
		sum += (uint64_t)p.object_bytes * p.used;
		first = false;
	}
	printf("},");
	return (uint32_t)((sum + n - 1) / n);
}

static void print_growth(const struct world *w, const char *what, uint32_t n,
			 const uint64_t bytes[2])
{
	uint32_t each;

	printf("{\"what\":\"%s\",\"n\":%u,", what, n);
	each = print_pools(w->server.shard, n);
	printf("\"pool_bytes\":%u,\"resident_bytes\":%.1f}\n", each,
	       (double)(bytes[1] - bytes[0]) / (n - n / 10));
}

/* ---- the measurements ---- */

static void measure_created(void)
{
	struct end e = {.shard = NULL};
	uint64_t before = process_resident(), after;

	make_shard(&e, 100000, CREATED_CLOSING, 1);
	after = process_resident();
	printf("{\"what\":\"created\",\"conns\":100000,\"closing\":%d,"
	       "\"mapped_bytes\":%zu,\"resident_bytes\":%" PRIu64
	       ",\"process_growth_bytes\":%" PRIu64
	       ",\"process_bytes\":%" PRIu64 "}\n",
	       CREATED_CLOSING, e.memory.mem_len + e.memory.closing_len,
	       resident_of(&e.memory), after - before, after);
	lull_memory_unmap(&e.memory);
}

static void measure_idle(bool v6, uint32_t n)
{
	struct world w = {.v6 = v6};
	uint64_t bytes[2];

	open_world(&w, n + BATCH, 1024);
	open_to(&w, n / 10);
	bytes[0] = resident_of(&w.server.memory);
	open_to(&w, n);
	bytes[1] = resident_of(&w.server.memory);
	if (state_count(&w, LULL_TCP_ESTABLISHED) != n)
		fail("not all are ESTABLISHED", -EIO);
	print_growth(&w, v6 ? "idle6" : "idle4", n, bytes);
	close_world(&w);
}

static void measure_closing(bool v6, uint32_t n)
{
	struct world w = {.v6 = v6, .close_first = true};
	uint64_t bytes[2];

	open_world(&w, 4096, n + BATCH);
	open_to(&w, n / 10);
	bytes[0] = resident_of(&w.server.memory);
	open_to(&w, n);
	bytes[1] = resident_of(&w.server.memory);
	if (state_count(&w, LULL_TCP_TIME_WAIT) != n)
		fail("not all are in TIME_WAIT", -EIO);
	print_growth(&w, v6 ? "closing6" : "closing4", n, bytes);
	close_world(&w);
}

static uint32_t number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end || n < 1000 || n > 10000000) {
		fprintf(stderr, "memory: %s: from 1000 to 10000000\n", text);
		exit(64);
	}
	return (uint32_t)n;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fputs("usage: memory IDLE CLOSING\n", stderr);
		return 64;
	}
	measure_created();
	measure_idle(false, number(argv[1]));
	measure_idle(true, number(argv[1]));
	measure_closing(false, number(argv[2]));
	measure_closing(true, number(argv[2]));
	return 0;
}
