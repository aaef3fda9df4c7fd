/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_crowd.c: what many connections cost, and ten thousand clients that don't
 * behave, beside one that does: memory stays within tcp_mem, and the honest
 * client's requests, in virtual time, fall by less than a tenth.
 *
 *	server   10.9.3.2, answers each request of 100 bytes with 16,000
 *	crowd    10.9.3.1, of a shard of its own
 *	honest   10.9.3.3, of another one; asks, reads, asks again; every tenth
 *		 time by a new connection
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lull/diag.h>
#include <lull/host.h>

#include "../unit/test.h"

enum {
	CROWD = 10000,
	BUSY = 1000,
	REQUEST = 100,
	ANSWER = 16000, /* four times tcp_wmem's least */
	PORT = 80,
	EVENTS = 256,
	A_CONNECTION = 10, /* requests of the honest one */
	DELAY_MS = 5,	   /* one way */
};

#define MS     1000000ULL
#define SECOND (1000 * MS)

/* What the clients of the crowd do. */
enum habit {
	NEVER_SEND,
	NEVER_READ, /* 40 requests at once, and no answer is read */
	BYTE_A_MINUTE,
	STREAM, /* asks and reads, as fast as it may */
};

struct node {
	struct lull_shard *shard;
	struct lull_memory memory;
	struct lull_addr addr;
};

struct conn {
	struct lull_sock sock;
	uint32_t owed; /* by the server: bytes of answers */
	uint32_t part; /* of a request that has come; of an answer */
	bool open;
};

struct world {
	struct lull_memnet *net;
	struct node server, crowd, honest;
	struct lull_sock listener, ask;
	struct conn *served; /* by handle */
	uint32_t served_len;
	uint64_t now_ns;
	enum habit habit;
	uint32_t joined; /* of the crowd */
	bool asking, silent;
	uint32_t answers, got; /* of the honest one; bytes of the next */
};

static uint8_t zeros[65536];

/* ---- the three ---- */

static void make(struct world *w, struct node *n, uint8_t last, uint32_t conns)
{
	struct lull_prefix p = {
		.addr = {{[10] = 0xff, [11] = 0xff, 10, 9, 3, last}},
		.bits = 128};
	struct lull_config c;

	lull_config_init(&c, conns, 4096);
	memset(c.key, last, sizeof c.key);
	assert_int_equal(lull_memory_map(&c.limits, &n->memory), 0);
	assert_int_equal(
		lull_shard_init(&n->shard, &c, n->memory, w->now_ns, NULL), 0);
	assert_int_equal(lull_addr_add(n->shard, p, false), 0);
	assert_true(lull_memnet_attach(w->net, n->shard, &p, 1) >= 0);
	n->addr = p.addr;
}

static void set(struct node *n, const char *name, const char *value)
{
	assert_int_equal(lull_sysctl_set(n->shard, name, value, NULL), 0);
}

static void begin(struct world *w, enum habit habit)
{
	struct lull_memnet_config net = {
		.size = sizeof net,
		.seed = 1,
		.faults = {.delay_ns = DELAY_MS * MS},
	};
	struct lull_listen l = {
		.size = sizeof l,
		.port_lo = PORT,
		.backlog = 4096,
	};

	*w = (struct world){.now_ns = SECOND, .habit = habit};
	assert_int_equal(lull_memnet_create(&w->net, &net), 0);
	make(w, &w->server, 2, CROWD + 100);
	make(w, &w->crowd, 1, CROWD + 100);
	make(w, &w->honest, 3, 16);
	l.local = (struct lull_prefix){w->server.addr, 128};
	assert_int_equal(lull_sock_listen(w->server.shard, &l, &w->listener),
			 0);
	w->served_len = 2 * (CROWD + 100) + 256;
	w->served = calloc(w->served_len, sizeof *w->served);
	assert_non_null(w->served);
}

static void end(struct world *w)
{
	lull_memnet_destroy(w->net);
	lull_memory_unmap(&w->server.memory);
	lull_memory_unmap(&w->crowd.memory);
	lull_memory_unmap(&w->honest.memory);
	free(w->served);
}

static struct lull_sock join(const struct world *w, struct node *n)
{
	struct lull_connect c = {
		.size = sizeof c,
		.remote = {w->server.addr, PORT},
	};
	struct lull_sock sock;

	assert_int_equal(lull_sock_connect(n->shard, &c, &sock, NULL), 0);
	return sock;
}

/* ---- the server's program ---- */

static void pay(struct world *w, struct conn *c)
{
	while (c->owed > 0) {
		struct lull_span span = {
			zeros, c->owed < sizeof zeros ? c->owed : sizeof zeros};
		long n = lull_sock_send(w->server.shard, c->sock, &span, 1, 0);

		if (n <= 0)
			return;
		c->owed -= (uint32_t)n;
	}
}

static void serve(struct world *w, struct conn *c)
{
	uint8_t text[8192];
	long n;

	while ((n = lull_sock_recv(w->server.shard, c->sock, text,
				   sizeof text)) > 0) {
		c->part += (uint32_t)n;
		c->owed += c->part / REQUEST * ANSWER;
		c->part %= REQUEST;
	}
	pay(w, c);
	if (n == 0 && !c->owed) {
		lull_sock_close(w->server.shard, c->sock);
		c->open = false;
	}
}

static void accept_all(struct world *w)
{
	struct lull_sock sock;
	int32_t on = 1;

	while (lull_sock_accept(w->server.shard, w->listener, 1, &sock) == 0) {
		assert_int_equal(lull_sock_set(w->server.shard, sock,
					       LULL_OPT_NODELAY, &on,
					       sizeof on),
				 0);
		assert_true(sock.index < w->served_len);
		w->served[sock.index] =
			(struct conn){.sock = sock, .open = true};
		serve(w, &w->served[sock.index]);
	}
}

static void server_event(struct world *w, const struct lull_event *e)
{
	struct conn *c = &w->served[e->sock.index];

	if (e->bits & LULL_EVENT_ACCEPT) {
		accept_all(w);
	} else if (e->bits & LULL_EVENT_ERROR) {
		lull_sock_close(w->server.shard, e->sock);
		c->open = false;
	} else if (c->open) {
		serve(w, c);
	}
}

/* ---- the clients ---- */

static void say(struct node *n, struct lull_sock sock, uint32_t bytes)
{
	struct lull_span span = {zeros, bytes};

	(void)!lull_sock_send(n->shard, sock, &span, 1, 0);
}

static void crowd_event(struct world *w, const struct lull_event *e)
{
	uint8_t text[ANSWER];
	uint32_t got = 0;
	long n;

	if (e->bits & LULL_EVENT_ERROR)
		lull_sock_close(w->crowd.shard, e->sock);
	else if (e->bits & LULL_EVENT_WRITE && w->habit == NEVER_READ)
		say(&w->crowd, e->sock, 40 * REQUEST);
	else if (e->bits & LULL_EVENT_WRITE && w->habit == STREAM)
		say(&w->crowd, e->sock, 10 * REQUEST);
	if (w->habit != STREAM)
		return;
	while ((n = lull_sock_recv(w->crowd.shard, e->sock, text,
				   sizeof text)) > 0)
		got += (uint32_t)n;
	if (got > 0) /* as many as were answered, about */
		say(&w->crowd, e->sock, (got + ANSWER - 1) / ANSWER * REQUEST);
}

static void honest_event(struct world *w, const struct lull_event *e)
{
	uint8_t text[ANSWER];
	long n;

	assert_false(e->bits & LULL_EVENT_ERROR);
	if (e->bits & LULL_EVENT_WRITE)
		say(&w->honest, e->sock, REQUEST);
	while ((n = lull_sock_recv(w->honest.shard, e->sock, text,
				   sizeof text)) > 0)
		w->got += (uint32_t)n;
	if (w->got < ANSWER)
		return;
	w->got -= ANSWER;
	if (++w->answers % A_CONNECTION || !w->asking) {
		if (w->asking)
			say(&w->honest, e->sock, REQUEST);
		return;
	}
	lull_sock_close(w->honest.shard, e->sock);
	w->ask = join(w, &w->honest);
}

/* ---- time ---- */

static bool run_node(struct world *w, struct node *n, uint64_t *next,
		     void (*on)(struct world *w, const struct lull_event *e))
{
	struct lull_event e[EVENTS];
	struct lull_work work;
	bool busy = false;
	int k;

	do
		work = lull_shard_run(n->shard, w->now_ns);
	while (work.more && !work.tx);
	while ((k = lull_events_get(n->shard, e, EVENTS)) > 0) {
		busy = true;
		for (int i = 0; i < k; i++)
			on(w, &e[i]);
	}
	if (work.deadline_ns < *next)
		*next = work.deadline_ns;
	return busy || work.tx || work.more;
}

static void pass(struct world *w, uint64_t ns)
{
	uint64_t until = w->now_ns + ns;

	for (;;) {
		uint64_t next = until, frames;
		bool busy = lull_memnet_step(w->net, w->now_ns) > 0;

		busy |= run_node(w, &w->server, &next, server_event);
		busy |= run_node(w, &w->crowd, &next, crowd_event);
		busy |= run_node(w, &w->honest, &next, honest_event);
		if (busy)
			continue;
		frames = lull_memnet_deadline(w->net);
		next = frames < next ? frames : next;
		if (w->now_ns >= until)
			return;
		w->now_ns = next > w->now_ns ? next : w->now_ns + 1;
	}
}

/* All of the crowd, 200 in 10 ms. */
static void gather(struct world *w, uint32_t n)
{
	while (w->joined < n) {
		for (int i = 0; i < 200 && w->joined < n; i++, w->joined++)
			(void)join(w, &w->crowd);
		pass(w, 10 * MS);
	}
	pass(w, 200 * MS);
}

/* How many answers the honest one gets in so long. */
static uint32_t requests(struct world *w, uint64_t ns)
{
	uint32_t before = w->answers;

	w->asking = true;
	w->got = 0;
	w->ask = join(w, &w->honest);
	pass(w, ns);
	w->asking = false;
	pass(w, 100 * MS);
	lull_sock_close(w->honest.shard, w->ask);
	return w->answers - before;
}

/* ---- what it costs ---- */

static struct lull_pool pool(const struct node *n, const char *name)
{
	struct lull_pool p;

	for (uint32_t i = 0; lull_diag_pool(n->shard, i, &p); i++)
		if (strcmp(p.name, name) == 0)
			return p;
	fail_msg("no pool %s", name);
	return p;
}

static uint64_t counter(const struct node *n, const char *name)
{
	struct lull_counter c;

	for (uint32_t i = 0; lull_diag_counter(n->shard, i, &c); i++)
		if (strcmp(c.name, name) == 0)
			return c.value;
	fail_msg("no counter %s", name);
	return 0;
}

/* Bytes of all pools in use, and of the buffers at their fullest. */
static uint64_t in_use(const struct node *n)
{
	struct lull_pool p;
	uint64_t bytes = 0;

	for (uint32_t i = 0; lull_diag_pool(n->shard, i, &p); i++)
		if (strcmp(p.name, "tcp memory") != 0)
			bytes += (uint64_t)p.used * p.object_bytes;
	return bytes;
}

/*
 * Above the limit is a reserve of an eighth for those that get on, and for
 * each of them what everybody gets: a page, and what the last buffer is over.
 */
static void check_memory(const struct node *n, uint32_t getting_on)
{
	struct lull_pool p = pool(n, "tcp memory");

	if (p.peak > p.limit + p.limit / 8 + getting_on * 3 / 2)
		fail_msg("%u pages of %u", p.peak, p.limit);
	p = pool(n, "buffers 2k");
	assert_true(p.used <= p.limit - p.limit / 8);
}

/* docs/limits.md: at most 48 KB of buffers each. */
static void thousand_busy(void **state)
{
	struct lull_pool p;
	struct world w;

	begin(&w, STREAM);
	gather(&w, BUSY);
	pass(&w, 300 * MS);
	p = pool(&w.server, "tcp memory");
	printf("# 1,000 busy connections: %.1f MB of buffers at most\n",
	       (double)p.peak * 4096 / 1e6);
	assert_in_range(p.peak, BUSY, BUSY * 12);
	check_memory(&w.server, BUSY);
	end(&w);
}

/* ---- beside the crowd ---- */

static void beside(struct world *w)
{
	uint32_t alone = requests(w, 10 * SECOND), among;

	gather(w, CROWD);
	assert_int_equal(pool(&w->server, "connections").used, CROWD);
	among = requests(w, 10 * SECOND);
	printf("# %u requests alone, %u beside %u; %u of %u pages\n", alone,
	       among, CROWD, pool(&w->server, "tcp memory").used,
	       pool(&w->server, "tcp memory").limit);
	assert_true(alone > 500);
	assert_true(10 * among >= 9 * alone);
	check_memory(&w->server, 1);
}

/* docs/limits.md: at most 820 bytes each, and nothing of the buffers. */
static void ten_thousand_that_never_send(void **state)
{
	struct world w;
	uint64_t bytes;

	begin(&w, NEVER_SEND);
	beside(&w);
	assert_int_equal(pool(&w.server, "tcp memory").used, 0);
	bytes = in_use(&w.server);
	printf("# 10,000 idle connections: %.1f MB\n", (double)bytes / 1e6);
	assert_in_range(bytes, CROWD * 700, CROWD * 820);
	end(&w);
}

/*
 * Their windows are shut, and the server owes each of them 640 KB: memory is
 * at its limit. Who holds more than tcp_wmem's least is reset in time; it goes
 * on for the others, and for the honest one.
 */
static void ten_thousand_that_never_read(void **state)
{
	uint32_t before;
	struct world w;

	begin(&w, NEVER_READ);
	set(&w.crowd, "net.ipv4.tcp_rmem", "4096 4096 4096");
	beside(&w);
	assert_true(counter(&w.server, "TCPMemoryPressures") > 0);
	before = requests(&w, 5 * SECOND);
	pass(&w, 120 * SECOND);
	printf("# after two minutes: %u connections, %u pages, %llu reset\n",
	       pool(&w.server, "connections").used,
	       pool(&w.server, "tcp memory").used,
	       (unsigned long long)counter(&w.server, "TCPAbortOnMemory"));
	assert_true(counter(&w.server, "TCPAbortOnMemory") > 0);
	assert_true(10 * requests(&w, 5 * SECOND) >= 9 * before);
	check_memory(&w.server, 1);
	end(&w);
}

/* Nothing that the crowd sends arrives any more, once it has asked. */
static int silence(void *arg, uint64_t now_ns, int from, int to,
		   uint8_t *packet, uint32_t len)
{
	const struct world *w = arg;

	return w->silent && from == 1 ? -1 : to;
}

/*
 * Windows are open, and whoever vanishes takes its part of the memory along,
 * until it has been silent for seven timeouts.
 */
static void ten_thousand_that_vanish(void **state)
{
	uint32_t alone, after;
	struct world w;

	begin(&w, NEVER_READ);
	set(&w.crowd, "net.ipv4.tcp_rmem", "4096 131072 6291456");
	lull_memnet_box(w.net, silence, &w);
	alone = requests(&w, 5 * SECOND);
	while (w.joined < CROWD) {
		w.silent = false;
		for (int i = 0; i < 200; i++, w.joined++)
			(void)join(&w, &w.crowd);
		/* SYN, SYN-ACK, and the requests. */
		pass(&w, 3 * DELAY_MS * MS + MS);
		w.silent = true;
		pass(&w, 10 * MS);
	}
	printf("# vanished: %u alone, %u at once, ", alone,
	       requests(&w, 5 * SECOND));
	pass(&w, 150 * SECOND);
	after = requests(&w, 5 * SECOND);
	printf("%u after 150 s: %u pages, %u connections\n", after,
	       pool(&w.server, "tcp memory").used,
	       pool(&w.server, "connections").used);
	assert_true(10 * after >= 9 * alone);
	end(&w);
}

static void ten_thousand_that_send_a_byte_a_minute(void **state)
{
	struct lull_row rows[64];
	uint64_t cursor;
	struct world w;
	int n;

	begin(&w, BYTE_A_MINUTE);
	gather(&w, CROWD);
	for (int minute = 0; minute < 3; minute++) {
		cursor = 0;
		while ((n = lull_diag_rows(w.crowd.shard, &cursor, rows, 64)))
			for (int i = 0; i < n; i++)
				say(&w.crowd, rows[i].sock, 1);
		pass(&w, 60 * SECOND);
	}
	beside(&w);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thousand_busy),
		cmocka_unit_test(ten_thousand_that_never_send),
		cmocka_unit_test(ten_thousand_that_never_read),
		cmocka_unit_test(ten_thousand_that_vanish),
		cmocka_unit_test(ten_thousand_that_send_a_byte_a_minute),
	};

	return RUN("crowd", tests);
}
