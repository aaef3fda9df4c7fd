/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools.h: what the tests of base/ and wire/ share: numbers from a seed, bytes
 * with nothing behind them, a checksum by the book, a pool of buffers, and an
 * assertion that a test can expect.
 *
 * LULL_SEED in the environment is the seed of all; a failure is repeated with
 * the one that was printed.
 */
#ifndef LULL_TEST_TOOLS_H
#define LULL_TEST_TOOLS_H

#include <stdio.h>
#include <stdlib.h>

#include "test.h"
#include "base/base.h"

/* ---- panics ---- */

static jmp_buf panic_env;
static bool panic_expected;

/* In place of the one that aborts. */
__attribute__((noreturn)) void lull_panic(const char *file, int line,
					  const char *what)
{
	if (!panic_expected)
		_fail(file, line);
	panic_expected = false;
	longjmp(panic_env, 1);
}

/* The statement must fail an assertion of the core. */
#define assert_panics(statement)                           \
	do {                                               \
		panic_expected = true;                     \
		if (setjmp(panic_env) == 0) {              \
			statement;                         \
			panic_expected = false;            \
			fail_msg("no panic: " #statement); \
		}                                          \
	} while (0)

/* ---- numbers ---- */

struct rng {
	uint64_t state;
};

/* `salt` keeps the tests of one program apart. */
static inline struct rng rng_new(uint64_t salt)
{
	const char *env = getenv("LULL_SEED");
	uint64_t seed = env ? strtoull(env, NULL, 0) : 1;

	if (salt == 1)
		printf("# LULL_SEED=%llu\n", (unsigned long long)seed);
	return (struct rng){seed * 0x100000001b3 + salt};
}

/* splitmix64 */
static inline uint64_t rng_next(struct rng *r)
{
	uint64_t v = r->state += 0x9e3779b97f4a7c15;

	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9;
	v = (v ^ v >> 27) * 0x94d049bb133111eb;
	return v ^ v >> 31;
}

static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

static inline void rng_fill(struct rng *r, void *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)p)[i] = (uint8_t)rng_next(r);
}

/* ---- bytes ---- */

enum {
	EXACT_FRONT = 16,
};

/* A copy with the end of its allocation behind it: ASan sees one byte more. */
static inline uint8_t *exact_new(const void *p, size_t len)
{
	uint8_t *at = malloc(EXACT_FRONT + len);

	assert_non_null(at);
	if (len)
		memcpy(at + EXACT_FRONT, p, len);
	return at + EXACT_FRONT;
}

static inline void exact_free(uint8_t *p)
{
	free(p - EXACT_FRONT);
}

/* RFC 1071 as it is written: 16 bits at a time, carries folded in. */
static inline uint16_t naive_sum(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		sum += (uint32_t)p[i] << (i & 1 ? 0 : 8);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

/* The pseudo-header, byte by byte: RFC 9293 3.1 and RFC 8200 8.1. */
static inline uint16_t naive_pseudo(const struct lull_addr *a,
				    const struct lull_addr *b, uint8_t proto,
				    uint32_t len)
{
	uint32_t skip = lull_addr_is4(a) ? 12 : 0;
	uint8_t tail[8] = {len >> 24, len >> 16, len >> 8, len, 0, 0, 0, proto};
	uint32_t sum = naive_sum(0, a->b + skip, 16 - skip);

	sum = naive_sum(sum, b->b + skip, 16 - skip);
	return naive_sum(sum, tail, sizeof tail);
}

/* ---- buffers ---- */

struct pool {
	struct lull_bufs bufs;
	struct lull_buf *at;
	uint8_t *data[LULL_BUF_CLASSES];
};

static inline void pool_new(struct pool *p, uint32_t n256, uint32_t n2k,
			    uint32_t n64k)
{
	const uint32_t limit[LULL_BUF_CLASSES] = {n256, n2k, n64k};

	p->at = calloc((size_t)n256 + n2k + n64k + 3, sizeof *p->at);
	assert_non_null(p->at);
	for (uint32_t c = 0; c < LULL_BUF_CLASSES; c++) {
		p->data[c] = malloc((size_t)limit[c] * lull_buf_bytes(c) + 1);
		assert_non_null(p->data[c]);
	}
	lull_bufs_init(&p->bufs, p->at, p->data, limit);
}

/* Whatever was taken must be back. */
static inline void pool_free(struct pool *p)
{
	for (uint32_t c = 0; c < LULL_BUF_CLASSES; c++) {
		assert_int_equal(p->bufs.slab[c].used, 0);
		free(p->data[c]);
	}
	free(p->at);
}

/* A buffer with these bytes, its one reference the caller's. */
static inline uint32_t pool_bytes(struct pool *p, const void *bytes,
				  uint32_t len)
{
	uint32_t i = lull_buf_get(&p->bufs, len);

	assert_int_not_equal(i, 0);
	memcpy(lull_buf_at(&p->bufs, i)->data, bytes, len);
	lull_buf_at(&p->bufs, i)->len = len;
	return i;
}

/* ---- packets on their way out ---- */

/* A blank one, not in a ring. */
static inline struct lull_tx *tx_new(void)
{
	struct lull_tx *tx = calloc(1, sizeof *tx);

	assert_non_null(tx);
	tx->hdr_off = LULL_TX_HDR;
	return tx;
}

/* Append a buffer of its own. */
static inline void tx_bytes(struct lull_tx *tx, struct pool *p,
			    const void *bytes, uint32_t len)
{
	uint32_t i = pool_bytes(p, bytes, len);

	lull_tx_add(tx, &p->bufs, (struct lull_tx_span){i, 0, len});
	lull_buf_put(&p->bufs, i);
}

static inline void tx_free(struct lull_tx *tx, struct pool *p)
{
	for (uint32_t i = 0; i < tx->spans; i++)
		lull_buf_put(&p->bufs, tx->span[i].buf);
	free(tx);
}

/* All of it in one piece of memory: free it with exact_free(). */
static inline uint8_t *tx_flat(const struct lull_tx *tx, const struct pool *p,
			       uint32_t *len)
{
	uint32_t at = LULL_TX_HDR - tx->hdr_off;
	uint8_t *flat = exact_new(NULL, 0) - EXACT_FRONT;

	*len = at + tx->payload_len;
	flat = realloc(flat, EXACT_FRONT + *len);
	assert_non_null(flat);
	flat += EXACT_FRONT;
	memcpy(flat, tx->hdr + tx->hdr_off, at);
	for (uint32_t i = 0; i < tx->spans; i++) {
		const struct lull_tx_span *s = &tx->span[i];

		memcpy(flat + at, lull_buf_at(&p->bufs, s->buf)->data + s->off,
		       s->len);
		at += s->len;
	}
	assert_int_equal(at, *len);
	return flat;
}

/* ---- addresses ---- */

static inline struct lull_addr addr4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct lull_addr){.b = {[10] = 0xff, 0xff, a, b, c, d}};
}

/* 2001:db8::last */
static inline struct lull_addr addr6(uint8_t last)
{
	return (struct lull_addr){.b = {0x20, 0x01, 0x0d, 0xb8, [15] = last}};
}

#endif
