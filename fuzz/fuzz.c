/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz.c: see fuzz.h.
 */
#include "fuzz.h"

#include <stdio.h>

enum {
	TURNS_MAX = 20000, /* at one moment: more is a loop */
	FIRINGS = 200000,  /* of timers, until a shard is empty */
	START_S = 1000,
};

void fuzz_wrong(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	abort();
}

/* ---- bytes ---- */

void fuzz_put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void fuzz_put32(uint8_t *p, uint32_t v)
{
	fuzz_put16(p, v >> 16);
	fuzz_put16(p + 2, v);
}

uint32_t fuzz_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

uint32_t fuzz_sum(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

uint16_t fuzz_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

uint8_t fuzz_byte(uint32_t at)
{
	return (uint8_t)(at * 7 + (at >> 8) * 31);
}

/* ---- one shard ---- */

void fuzz_limits(struct lull_limits *l)
{
	l->conns = 8;
	l->half_open = 4;
	l->closing = l->closing6 = 8;
	l->listeners = 4;
	l->destinations = 4;
	l->socks = 16;
	l->bufs_256 = l->bufs_2k = 64;
	l->bufs_64k = 2;
	l->ranges = 32;
	l->rx_frames = l->tx_frames = 32;
	l->traces = 16;
	l->datagrams = 4;
	l->neighbours = 4;
	l->unresolved = 3;
}

static void clear(uint8_t *from, const uint8_t *to)
{
	memset(from, 0, (size_t)(to - from));
}

/*
 * All that was used, but for the bytes of packets: nobody may rely on those.
 * The maps of ports are large, and the few that were used come first; who has
 * which port is large as well, and of profile linux alone.
 */
static void clear_memory(struct fuzz_memory *m)
{
	const struct lull_slab maps = m->last->tcp.portmaps;
	uint8_t *ports = (uint8_t *)m->last->tcp.port_use;
	uint8_t *behind = ports + 65536 * sizeof(struct lull_port_use);
	uint8_t *end = m->last->g.bufs.data[LULL_BUF_256];
	bool is_linux = m->last->g.profile == LULL_PROFILE_LINUX;

	MUST(maps.base < ports && behind < end);
	clear(m->memory.mem, maps.base);
	clear(maps.base, maps.base + (size_t)maps.size * maps.fresh);
	clear(maps.base + lull_slab_bytes(maps.size, maps.limit),
	      is_linux ? behind : ports);
	clear(behind, end);
	memset(m->memory.closing, 0, m->memory.closing_len);
}

struct lull_shard *fuzz_shard(struct fuzz_memory *m,
			      const struct lull_config *config, uint64_t now_ns)
{
	if (m->last)
		clear_memory(m);
	else
		MUST(lull_memory_map(&config->limits, &m->memory) == 0);
	MUST(lull_shard_init(&m->last, config, m->memory, now_ns, NULL) == 0);
	return m->last;
}

void fuzz_check_empty(const struct lull_shard *s)
{
	struct lull_pool pool;

	lull_table_check(&s->tcp.flows);
	for (uint32_t i = 0; lull_diag_pool(s, i, &pool); i++) {
		if (pool.used)
			fprintf(stderr, "%u left in pool \"%s\"\n", pool.used,
				pool.name);
		MUST(!pool.used && pool.peak <= pool.limit);
	}
	MUST(s->tcp.wheel.used == 0 && s->tcp.orphans == 0);
	MUST(s->g.count[LULL_COUNT_BROKEN] == 0);
}

void fuzz_run_out(struct lull_shard *s, uint64_t *now_ns,
		  struct lull_work (*run)(void *arg), void *arg)
{
	int firings = 0;

	for (;;) {
		struct lull_work work = run(arg);

		if (work.deadline_ns == UINT64_MAX && !work.more)
			break;
		if (work.deadline_ns > *now_ns)
			*now_ns = work.deadline_ns;
		MUST(++firings < FIRINGS);
	}
	fuzz_check_empty(s);
}

/* ---- two shards ---- */

struct lull_addr duo_addr(int side, bool v6)
{
	struct lull_addr a = {.b = {0xfd, [15] = (uint8_t)(side + 1)}};

	if (!v6)
		a = (struct lull_addr){.b = {[10] = 0xff,
					     [11] = 0xff,
					     10,
					     0,
					     0,
					     (uint8_t)(side + 1)}};
	return a;
}

static void open_side(struct duo *d, int side, const struct lull_config *config)
{
	static struct fuzz_memory memory[2];
	struct lull_prefix own[2];

	d->shard[side] = fuzz_shard(&memory[side], config, d->now_ns);
	for (int v6 = 0; v6 < 2; v6++) {
		own[v6] = (struct lull_prefix){duo_addr(side, v6), 128};
		MUST(lull_addr_add(d->shard[side], own[v6], false) == 0);
	}
	MUST(lull_memnet_attach(d->net, d->shard[side], own, 2) == side);
}

void duo_open(struct duo *d, enum lull_profile profile, uint32_t link_cap,
	      void (*limits)(struct lull_limits *l))
{
	const struct lull_memnet_config net = {
		.size = sizeof net,
		.seed = 1,
		.link_cap = link_cap,
	};
	struct lull_config config;

	d->now_ns = START_S * 1000000000ULL;
	MUST(lull_memnet_create(&d->net, &net) == 0);
	lull_config_init(&config, 8, 8);
	fuzz_limits(&config.limits);
	if (limits)
		limits(&config.limits);
	config.profile = profile;
	for (int side = 0; side < 2; side++) {
		memset(config.key, 7 + side, sizeof config.key);
		open_side(d, side, &config);
	}
}

/* Did anything happen? */
static bool run_side(struct duo *d, int side)
{
	struct lull_shard *s = d->shard[side];
	struct lull_event e;
	bool any = false;

	for (int turn = 0;; turn++) {
		struct lull_work work = lull_shard_run(s, d->now_ns);

		MUST(turn < TURNS_MAX); /* it never comes to rest */
		d->deadline_ns[side] = work.deadline_ns;
		if (!work.events && (!work.more || work.tx))
			return any; /* a full queue waits for the link */
		any = true;
		while (lull_events_get(s, &e, 1) == 1)
			if (d->on_event)
				d->on_event(d->arg, side, &e);
	}
}

void duo_settle(struct duo *d)
{
	for (int turn = 0;; turn++) {
		bool any = run_side(d, 0);

		any |= run_side(d, 1);
		any |= lull_memnet_step(d->net, d->now_ns) > 0;
		if (!any)
			return;
		MUST(turn < TURNS_MAX);
	}
}

static uint64_t next_moment(const struct duo *d)
{
	uint64_t next = lull_memnet_deadline(d->net);

	for (int side = 0; side < 2; side++)
		if (d->deadline_ns[side] < next)
			next = d->deadline_ns[side];
	return next;
}

void duo_pass(struct duo *d, uint64_t ns)
{
	uint64_t end_ns = d->now_ns + ns, next;
	int firings = 0;

	for (;;) {
		duo_settle(d);
		next = next_moment(d);
		if (next > end_ns)
			break;
		MUST(next > d->now_ns || ++firings < FIRINGS);
		d->now_ns = next > d->now_ns ? next : d->now_ns;
	}
	d->now_ns = end_ns;
	duo_settle(d);
}

void duo_close(struct duo *d)
{
	int firings = 0;

	for (;;) {
		uint64_t next;

		duo_settle(d);
		next = next_moment(d);
		if (next == UINT64_MAX)
			break;
		d->now_ns = next > d->now_ns ? next : d->now_ns;
		MUST(++firings < FIRINGS);
	}
	lull_memnet_destroy(d->net);
	for (int side = 0; side < 2; side++)
		fuzz_check_empty(d->shard[side]);
}
