/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * records.c: what the core's own functions take for a closing record, without
 * the segment around them: `lull bench timewait` measures all of the way.
 *
 * insert	hash, find nothing, lull_closing_make(); 32 at a time, too
 * restart	hash, find, lull_closing_restart(); of records that are drawn,
 *		32 at a time in passes, as a run takes in segments
 * expire	lull_closing_expire(), all in the same moment
 * find		hash and find of what is drawn; the next one waits for the
 *		record that was found
 * find32	the same, 32 at a time in passes
 *
 * Includes src/, which nothing else outside of it does but its tests. Medians
 * of batches. usage: records FEW MANY; prints one JSON object
 */
#include <stdio.h>
#include <stdlib.h>

#include <lull/host.h>

#include "shard.h"

enum {
	BATCH = 32,
	LEN_MS = 60000,
	LOOKUPS = 1 << 20,
	BUDGET = 512, /* of a run: TIMERS_A_RUN in shard.c */
};

struct bench {
	struct lull_memory memory;
	struct lull_shard *shard;
	struct lull_tcp *t;
	uint64_t random;
	uint32_t n;
	float *ns; /* of one each, a value for each batch */
	uint32_t batches;
};

static void must(int e, const char *what)
{
	if (e >= 0)
		return;
	fprintf(stderr, "records: %s: %d\n", what, e);
	exit(3);
}

/* ---- medians ---- */

static void took(struct bench *b, uint64_t began_ns, uint32_t n)
{
	b->ns[b->batches++] = (float)((double)(lull_clock_ns() - began_ns) / n);
}

static int by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static void print(struct bench *b, const char *what)
{
	qsort(b->ns, b->batches, sizeof *b->ns, by_value);
	printf("\"%s_ns\":%.1f,", what, (double)b->ns[b->batches / 2]);
	b->batches = 0;
}

/* ---- records by number ---- */

static uint64_t mixed(uint64_t z)
{
	z += 0x9e3779b97f4a7c15U;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

static uint32_t draw(struct bench *b)
{
	b->random = mixed(b->random);
	return (uint32_t)((b->random >> 32) * b->n >> 32);
}

/* One to one; 65,536 peers. */
static struct lull_tuple tuple_of(uint32_t i)
{
	struct lull_tuple tuple = {
		.local = {.b = {[10] = 0xff, [11] = 0xff, 10, 9, 3, 2}},
		.remote = {.b = {[10] = 0xff, [11] = 0xff, 10, 64}},
		.lport = 80,
	};

	i *= 0x9e3779b1U;
	i = (i ^ i >> 16) * 0x85ebca6bU;
	tuple.remote.b[14] = (uint8_t)(i >> 24);
	tuple.remote.b[15] = (uint8_t)(i >> 16);
	tuple.rport = (uint16_t)i;
	return tuple;
}

static uint32_t hash_of(const struct bench *b, const struct lull_tuple *tuple)
{
	return (uint32_t)lull_hash_tuple(b->shard->g.keys.flow, tuple);
}

static void open_shard(struct bench *b, uint32_t n)
{
	struct lull_config config;

	*b = (struct bench){.n = n};
	b->ns = malloc(lull_max(n, LOOKUPS / BATCH) * sizeof *b->ns);
	lull_config_init(&config, 4096, n);
	config.limits.closing6 = 16;
	must(b->ns ? lull_key_make(&config) : -ENOMEM, "a key");
	must(lull_memory_map(&config.limits, &b->memory), "memory");
	must(lull_shard_init(&b->shard, &config, b->memory, 1000000000, NULL),
	     "a shard");
	b->t = &b->shard->tcp;
}

static void close_shard(struct bench *b)
{
	lull_memory_unmap(&b->memory);
	free(b->ns);
}

/* ---- what is measured ---- */

static int insert_one(struct bench *b, const struct lull_tuple *tuple,
		      uint32_t hash, uint32_t i)
{
	struct lull_closing_new from = {
		.tuple = *tuple,
		.snd_nxt = lull_seq(i),
		.rcv_nxt = lull_seq(i),
		.wnd = 501,
		.flags = LULL_CLOSING_TS,
	};

	if (lull_tcp_find(b->t, hash, &from.tuple) ||
	    !lull_closing_make(b->t, &from, hash, 0, LULL_TCP_TIME_WAIT,
			       LEN_MS))
		return -EEXIST;
	lull_tcp_moved(b->t, &from.tuple, LULL_TCP_CLOSED, LULL_TCP_TIME_WAIT,
		       from.snd_nxt, from.rcv_nxt);
	return 0;
}

/* In two passes, as lull_timewait_put() does; rx_batch() has asked for the
 * table's line before a segment ends a connection, too. */
static void insert(struct bench *b)
{
	for (uint32_t i = 0; i < b->n; i += BATCH) {
		uint64_t began_ns = lull_clock_ns();
		struct lull_tuple tuple[BATCH];
		uint32_t hash[BATCH], n = lull_min(BATCH, b->n - i);

		for (uint32_t k = 0; k < n; k++) {
			tuple[k] = tuple_of(i + k);
			hash[k] = hash_of(b, &tuple[k]);
			lull_table_prefetch(&b->t->flows, hash[k]);
		}
		for (uint32_t k = 0; k < n; k++)
			must(insert_one(b, &tuple[k], hash[k], i + k),
			     "a record");
		took(b, began_ns, n);
	}
}

/* As rx_batch() in shard.c has it. */
static void batch(struct bench *b, bool restart)
{
	struct lull_tuple tuple[BATCH];
	uint32_t hash[BATCH], again[BATCH], found = 0;
	uint64_t began_ns;

	for (int k = 0; k < BATCH; k++)
		tuple[k] = tuple_of(draw(b));
	began_ns = lull_clock_ns();
	for (int k = 0; k < BATCH; k++) {
		hash[k] = hash_of(b, &tuple[k]);
		lull_table_prefetch(&b->t->flows, hash[k]);
	}
	for (int k = 0; k < BATCH; k++)
		again[k] = lull_tcp_prefetch(b->t, hash[k], restart);
	for (int k = 0; k < BATCH && restart; k++)
		lull_closing_prefetch_beside(b->t, again[k]);
	for (int k = 0; k < BATCH; k++) {
		uint32_t name = lull_tcp_find(b->t, hash[k], &tuple[k]);

		found += name != 0;
		if (restart)
			lull_closing_restart(b->t, name, LEN_MS);
	}
	took(b, began_ns, BATCH);
	must(found == BATCH ? 0 : -ENOENT, "a record");
}

/* Drawn before the clock runs. What was found decides the next port: 80,
 * unless it was the wrong record. */
static void find_each(struct bench *b)
{
	for (uint32_t i = 0; i < LOOKUPS; i += BATCH) {
		struct lull_tuple tuple[BATCH];
		uint32_t drawn[BATCH], wrong = 0;
		uint64_t began_ns;

		for (int k = 0; k < BATCH; k++) {
			drawn[k] = draw(b);
			tuple[k] = tuple_of(drawn[k]);
		}
		began_ns = lull_clock_ns();
		for (int k = 0; k < BATCH; k++) {
			uint32_t name;

			tuple[k].lport ^= (uint16_t)wrong;
			name = lull_tcp_find(b->t, hash_of(b, &tuple[k]),
					     &tuple[k]);
			wrong = lull_closing_at(b->t, name)->snd_nxt.v ^
				drawn[k];
		}
		took(b, began_ns, BATCH);
		must(wrong ? -ENOENT : 0, "a record");
	}
}

static void expire(struct bench *b)
{
	int budget;

	lull_ground_time(&b->shard->g, 1000000000 + (LEN_MS + 1) * 1000000ULL);
	do {
		uint64_t began_ns = lull_clock_ns();

		budget = BUDGET;
		lull_closing_expire(b->t, &budget);
		if (budget < BUDGET)
			took(b, began_ns, (uint32_t)(BUDGET - budget));
	} while (budget < BUDGET);
	must(b->t->flows.used ? -EEXIST : 0, "records that have ended");
}

static uint32_t number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end || n < 1000 || n > 1 << 26) {
		fprintf(stderr, "records: %s: from 1000 to 67108864\n", text);
		exit(64);
	}
	return (uint32_t)n;
}

int main(int argc, char **argv)
{
	struct bench b;

	if (argc != 3) {
		fputs("usage: records FEW MANY\n", stderr);
		return 64;
	}
	printf("{\"few\":%u,\"many\":%u,", number(argv[1]), number(argv[2]));
	open_shard(&b, number(argv[1]));
	insert(&b);
	print(&b, "insert");
	for (uint32_t i = 0; i < b.n; i += BATCH)
		batch(&b, true);
	print(&b, "restart");
	expire(&b);
	print(&b, "expire");
	close_shard(&b);
	open_shard(&b, number(argv[2]));
	insert(&b);
	print(&b, "fill");
	find_each(&b);
	print(&b, "find");
	for (uint32_t i = 0; i < LOOKUPS; i += BATCH)
		batch(&b, false);
	print(&b, "find32");
	close_shard(&b);
	printf("\"right\":true}\n");
	return 0;
}
