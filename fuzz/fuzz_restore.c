/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_restore.c: a region of closing records that somebody has been at.
 *
 * The input changes bytes of a good region; checks are made right again if it
 * says so, so that what is behind them is reached too. Such a region is either
 * refused and left as it is, or good until the last record has ended.
 */
#include <stdlib.h>

#include <lull/host.h>

#include "shard.h"

enum {
	RECORDS = 8, /* of each family, of 16 */
	HEAD = 3,    /* what to do, and when */
	CHANGE = 3,  /* two bytes of an offset, one to XOR */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lull_config config;
static struct lull_memory made, memory;
static struct lull_shard *maker;
static uint8_t *image;

static void make(uint32_t i, bool v6)
{
	struct lull_closing_new from = {
		.tuple.local.b = {[10] = 0xff, [11] = 0xff, 10, 0, 0, 2},
		.tuple.remote.b = {[10] = 0xff, [11] = 0xff, 10, 0, 0, 1},
		.tuple.lport = 80,
		.tuple.rport = (uint16_t)(1000 + i),
		.snd_nxt.v = 77 * i,
		.flags = i & 1 ? LULL_CLOSING_TS : 0,
	};
	struct lull_tcp *t = &maker->tcp;
	uint32_t hash;

	if (v6) {
		memset(from.tuple.local.b, 0xfd, 12);
		memset(from.tuple.remote.b, 0xfd, 12);
	}
	hash = (uint32_t)lull_hash_tuple(t->g->keys.flow, &from.tuple);
	if (!lull_closing_make(t, &from, hash, 0,
			       i & 2 ? LULL_TCP_FIN_WAIT_2 : LULL_TCP_TIME_WAIT,
			       1000 * (1 + i)))
		abort();
}

static void prepare(void)
{
	lull_config_init(&config, 8, 16);
	config.limits.bufs_2k = config.limits.bufs_256 = 64;
	config.limits.bufs_64k = 2;
	config.limits.socks = config.limits.half_open = 8;
	config.limits.ranges = 8;
	config.limits.rx_frames = config.limits.tx_frames = 32;
	config.limits.traces = 16;
	config.limits.destinations = 4;
	config.key[0] = 1;
	if (lull_memory_map(&config.limits, &made) < 0 ||
	    lull_memory_map(&config.limits, &memory) < 0 ||
	    lull_shard_init(&maker, &config, made, 5000000000000, NULL) < 0)
		abort();
	for (uint32_t i = 0; i < 2 * RECORDS; i++)
		make(i / 2, i & 1);
	image = malloc(made.closing_len);
}

/* Under the hash of the pair that is there now. */
static void mend(bool v6)
{
	const struct lull_closing_pool *p = &maker->tcp.closing[v6];
	uint8_t *records = image + (p->records - (uint8_t *)made.closing);

	for (uint32_t i = 1; i <= p->links.limit; i++) {
		uint8_t *at = records + (size_t)i * p->stride;
		struct lull_closing *c = (void *)(at + p->before);
		struct lull_tuple tuple = {.lport = c->lport,
					   .rport = c->rport};
		uint32_t bytes = v6 ? 16 : 4;

		tuple.local.b[10] = tuple.local.b[11] = 0xff;
		tuple.remote.b[10] = tuple.remote.b[11] = 0xff;
		memcpy(tuple.local.b + 16 - bytes, at, bytes);
		memcpy(tuple.remote.b + 16 - bytes, at + bytes, bytes);
		c->check = lull_closing_check(
			c, c->head,
			(uint32_t)lull_hash_tuple(maker->g.keys.flow, &tuple));
	}
}

static void run_out(struct lull_shard *s, uint64_t now_ns)
{
	struct lull_pool pool;

	for (int i = 0; i < 400; i++)
		(void)lull_shard_run(s, now_ns += 20000000000);
	lull_table_check(&s->tcp.flows);
	for (uint32_t i = 0; lull_diag_pool(s, i, &pool); i++)
		if (pool.used)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lull_restore restore = {.size = sizeof restore};
	uint64_t now_ns = 5000000000000;
	struct lull_shard *s;
	size_t whole;

	if (!image)
		prepare();
	if (size < HEAD)
		return 0;
	memcpy(image, made.closing, made.closing_len);
	now_ns += (uint64_t)(data[1] | data[2] << 8) * 1000000;
	for (size_t i = HEAD; i + CHANGE <= size; i += CHANGE) {
		size_t at = data[i] | (size_t)data[i + 1] << 8;

		image[at % made.closing_len] ^= data[i + 2];
	}
	for (int v6 = 0; v6 < 2 && data[0] & 1; v6++)
		mend(v6);
	memcpy(memory.closing, image, made.closing_len);
	whole = (size_t)(maker->g.bufs.data[LULL_BUF_256] -
			 (uint8_t *)made.mem);
	memset(memory.mem, 0, whole);
	if (lull_shard_init(&s, &config, memory, now_ns, &restore) == 0)
		run_out(s, now_ns);
	else if (!restore.refused ||
		 memcmp(memory.closing, image, made.closing_len) != 0)
		abort();
	return 0;
}
