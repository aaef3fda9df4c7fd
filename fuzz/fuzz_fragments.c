/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_fragments.c: fragments and time into a live shard.
 *
 * The input is a list of steps of six bytes: a fragment of one of a few echo
 * requests, right or wrong, or time that passes. Whatever comes back as a
 * reply must be one of those requests, byte for byte. At the end, after the
 * longest time, every pool must be empty.
 */
#include "fuzz.h"

enum {
	STEP = 6,
	STEPS_MAX = 600,
	IDS = 4,
	ICMP = 1,
	TCP = 6,
	FRAGMENT = 44,
	ICMPV6 = 58,
	DESTINATION = 60,
	ROOM = 66000,
};

struct world {
	struct lull_shard *shard;
	uint64_t now_ns;
};

static struct lull_addr address(bool v6, uint8_t net, uint8_t last)
{
	struct lull_addr a = {.b = {0xfd, [7] = net, [15] = last}};

	if (!v6)
		a = (struct lull_addr){
			.b = {[10] = 0xff, [11] = 0xff, 10, 0, net, last}};
	return a;
}

/* ---- the requests ---- */

static uint8_t byte_of(uint32_t id, uint32_t at)
{
	return (uint8_t)(at * 13 + (at >> 8) + id * 41);
}

static uint32_t length_of(uint32_t id)
{
	return 8 + (id + 1) * 300;
}

/* Request `id`, with a good checksum, and zeros behind it. */
static void request(bool v6, uint32_t id, const struct lull_addr *from,
		    uint8_t *out)
{
	struct lull_addr us = address(v6, 0, 2);
	uint32_t len = length_of(id), s = 0;

	memset(out, 0, ROOM);
	out[0] = v6 ? 128 : 8;
	out[7] = (uint8_t)id;
	for (uint32_t i = 8; i < len; i++)
		out[i] = byte_of(id, i);
	if (v6)
		s = fuzz_sum(fuzz_sum(ICMPV6 + len, from->b, 16), us.b, 16);
	fuzz_put16(out + 2, fuzz_fold(fuzz_sum(s, out, len)));
}

static void check_reply(const uint8_t *icmp, uint32_t len)
{
	uint32_t id = icmp[7];

	MUST(id < IDS);
	if (len < length_of(id)) /* cut short where its checksum is the same */
		return;
	for (uint32_t i = 8; i < len; i++)
		MUST(icmp[i] == (i < length_of(id) ? byte_of(id, i) : 0));
}

/* ---- the shard ---- */

static void create(struct world *w)
{
	static struct fuzz_memory memory;
	struct lull_config c;

	lull_config_init(&c, 8, 8);
	c.limits.bufs_256 = 64;
	c.limits.bufs_2k = 32;
	c.limits.bufs_64k = 2;
	c.limits.rx_frames = c.limits.tx_frames = 32;
	c.limits.traces = 16;
	c.limits.datagrams = 12;
	w->now_ns = 1000000000;
	w->shard = fuzz_shard(&memory, &c, w->now_ns);
	for (int v6 = 0; v6 < 2; v6++)
		MUST(lull_addr_add(w->shard,
				   (struct lull_prefix){address(v6, 0, 2),
							v6 ? 64 : 120},
				   false) == 0);
}

static void drain(struct world *w)
{
	static uint8_t p[ROOM];
	struct lull_frame f;

	while (lull_tx_peek(w->shard, &f, 1) == 1) {
		uint32_t len = 0;

		for (int i = 0; i < f.spans; i++) {
			memcpy(p + len, f.span[i].ptr, f.span[i].len);
			len += (uint32_t)f.span[i].len;
		}
		MUST(len == f.len && len <= 1500);
		if (p[0] == 0x45 && p[9] == ICMP && p[20] == 0)
			check_reply(p + 20, len - 20);
		if (p[0] >> 4 == 6 && p[6] == ICMPV6 && p[40] == 129)
			check_reply(p + 40, len - 40);
		lull_tx_done(w->shard, 1);
	}
}

static void run(struct world *w)
{
	struct lull_work work;
	int turns = 0;

	do {
		work = lull_shard_run(w->shard, w->now_ns);
		drain(w);
		MUST(++turns < 10000);
	} while (work.more);
}

static void put_packet(struct world *w, const uint8_t *p, uint32_t len)
{
	struct lull_frame f;

	if (lull_rx_get(w->shard, &f, 1) != 1)
		return;
	if (len > f.span[0].len)
		len = (uint32_t)f.span[0].len;
	memcpy(f.span[0].ptr, p, len);
	f.len = len;
	MUST(lull_rx_put(w->shard, &f, 1) == 1);
	run(w);
}

/* ---- steps ---- */

static uint32_t header(uint8_t *p, bool v6, const struct lull_addr *from,
		       uint32_t len)
{
	struct lull_addr us = address(v6, 0, 2);

	memset(p, 0, 40);
	if (v6) {
		p[0] = 0x60;
		fuzz_put16(p + 4, len);
		p[7] = 64;
		memcpy(p + 8, from->b, 16);
		memcpy(p + 24, us.b, 16);
		return 40;
	}
	p[0] = 0x45;
	fuzz_put16(p + 2, 20 + len);
	p[8] = 64;
	memcpy(p + 12, from->b + 12, 4);
	memcpy(p + 16, us.b + 12, 4);
	return 20;
}

static void fragment(struct world *w, const uint8_t s[STEP])
{
	static uint8_t all[ROOM], p[ROOM];
	bool v6 = s[1] & 1, more = s[4] & 1, options = v6 && s[4] & 16;
	struct lull_addr from = address(v6, s[1] >> 1 & 3, 1);
	uint32_t id = s[1] >> 3 & 3, off = s[2] * 8U, len = s[3] * 2U, at;
	uint8_t proto = s[1] & 0x80 ? TCP : v6 ? ICMPV6 : ICMP;
	uint32_t extra = v6 ? 8U + 8U * options : 0;

	request(v6, id, &from, all);
	/* Often just what a sender would cut. */
	if (s[4] & 32) {
		off = s[2] % 8 * 152U;
		len = off >= length_of(id)	   ? 0
		      : length_of(id) - off <= 152 ? length_of(id) - off
						   : 152;
		more = off + len < length_of(id);
	}
	if (s[4] & 64)
		off += 65536 - 2048;
	at = header(p, v6, &from, extra + len);
	if (v6) {
		p[1] = (uint8_t)((s[4] >> 1 & 3) << 4);
		p[6] = options ? DESTINATION : FRAGMENT;
		memset(p + at, 0, extra);
		if (options)
			p[at] = FRAGMENT;
		at += 8U * options;
		p[at] = proto;
		fuzz_put16(p + at + 2, (off & 0xfff8) | more);
		p[at + 7] = (uint8_t)id;
		at += 8;
	} else {
		p[1] = s[4] >> 1 & 3;
		p[5] = (uint8_t)id;
		fuzz_put16(p + 6, (more ? 0x2000U : 0) | (off >> 3 & 0x1fff));
		p[9] = proto;
		fuzz_put16(p + 10, fuzz_fold(fuzz_sum(0, p, 20)));
	}
	memcpy(p + at, all + (off & 0xffff) % 60000, len);
	/* One way only: two of them never make up for each other in the sum. */
	if (s[4] & 8 && len && p[at + s[5] % len] < 255)
		p[at + s[5] % len]++;
	put_packet(w, p, at + len);
}

static void step(struct world *w, const uint8_t s[STEP])
{
	static const uint64_t unit_ns[] = {1000000, 1000000000, 10000000000,
					   60000000000};

	if (s[0] % 16) {
		fragment(w, s);
		return;
	}
	w->now_ns += (1 + s[2] % 8U) * unit_ns[s[1] & 3];
	run(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = {0};
	struct lull_pool pool;
	int steps = 0;

	create(&w);
	for (; size >= STEP && steps < STEPS_MAX; size -= STEP, data += STEP) {
		step(&w, data);
		steps++;
	}
	w.now_ns += 120000000000;
	run(&w);
	for (uint32_t i = 0; lull_diag_pool(w.shard, i, &pool); i++)
		MUST(pool.used == 0);
	return 0;
}
