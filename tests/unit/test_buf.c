/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_buf.c: packet buffers of three sizes, and the ring of packets to send.
 * Each test ends with all pools where they began.
 */
#include "tools.h"

static enum lull_buf_class class_of(const struct pool *p, uint32_t i)
{
	return (enum lull_buf_class)lull_buf_at(&p->bufs, i)->cls;
}

/* ---- buffers ---- */

static void test_classes(void **state)
{
	static const struct {
		uint32_t bytes;
		int cls; /* -1: none is so large */
	} row[] = {
		{0, LULL_BUF_256},    {1, LULL_BUF_256},
		{256, LULL_BUF_256},  {257, LULL_BUF_2K},
		{1500, LULL_BUF_2K},  {2048, LULL_BUF_2K},
		{2049, LULL_BUF_64K}, {65536, LULL_BUF_64K},
		{65537, -1},	      {UINT32_MAX, -1},
	};
	struct pool p;

	pool_new(&p, 4, 4, 4);
	assert_int_equal(lull_buf_bytes(LULL_BUF_256), 256);
	assert_int_equal(lull_buf_bytes(LULL_BUF_2K), 2048);
	assert_int_equal(lull_buf_bytes(LULL_BUF_64K), 65536);
	for (uint32_t r = 0; r < ARRAY_LEN(row); r++) {
		uint32_t i = lull_buf_get(&p.bufs, row[r].bytes);
		struct lull_buf *b = lull_buf_at(&p.bufs, i);

		assert_int_equal(i == 0, row[r].cls < 0);
		if (!i)
			continue;
		assert_int_equal(b->cls, row[r].cls);
		assert_int_equal(b->refs, 1);
		assert_true(b->off == 0 && b->len == 0 && b->next == 0);
		assert_int_equal(lull_buf_room(b), lull_buf_bytes(b->cls));
		lull_buf_put(&p.bufs, i);
	}
	pool_free(&p);
}

/* When a class is empty the next larger one steps in, never a smaller one. */
static void test_larger_class(void **state)
{
	static const enum lull_buf_class want[] = {
		LULL_BUF_256, LULL_BUF_256, LULL_BUF_2K,
		LULL_BUF_2K,  LULL_BUF_2K,  LULL_BUF_64K,
	};
	uint32_t got[ARRAY_LEN(want)];
	struct pool p;

	pool_new(&p, 2, 3, 1);
	for (uint32_t k = 0; k < ARRAY_LEN(want); k++) {
		got[k] = lull_buf_get(&p.bufs, 100);
		assert_int_not_equal(got[k], 0);
		assert_int_equal(class_of(&p, got[k]), want[k]);
	}
	assert_int_equal(lull_buf_get(&p.bufs, 100), 0);
	assert_int_equal(p.bufs.slab[LULL_BUF_256].empty, 5);
	assert_int_equal(p.bufs.slab[LULL_BUF_2K].empty, 2);
	assert_int_equal(p.bufs.slab[LULL_BUF_64K].empty, 1);
	lull_buf_put(&p.bufs, got[0]);
	assert_int_equal(lull_buf_get(&p.bufs, 257), 0);
	got[0] = lull_buf_get(&p.bufs, 256);
	assert_int_equal(class_of(&p, got[0]), LULL_BUF_256);
	for (uint32_t k = 0; k < ARRAY_LEN(want); k++)
		lull_buf_put(&p.bufs, got[k]);
	pool_free(&p);
}

/* Each has its own bytes, all of them, inside the memory of its class. */
static void test_bytes_apart(void **state)
{
	uint32_t got[12];
	struct pool p;

	pool_new(&p, 5, 4, 3);
	for (uint32_t k = 0; k < 12; k++) {
		got[k] = lull_buf_get(&p.bufs, 1);
		memset(lull_buf_at(&p.bufs, got[k])->data, (int)k,
		       lull_buf_bytes(class_of(&p, got[k])));
	}
	for (uint32_t k = 0; k < 12; k++) {
		const struct lull_buf *b = lull_buf_at(&p.bufs, got[k]);
		size_t off = (size_t)(b->data - p.data[b->cls]);

		assert_int_equal(off % lull_buf_bytes(b->cls), 0);
		for (uint32_t i = 0; i < lull_buf_bytes(b->cls); i++)
			if (b->data[i] != k)
				fail_msg("buffer %u, byte %u", k, i);
	}
	for (uint32_t k = 12; k-- > 0;)
		lull_buf_put(&p.bufs, got[k]);
	pool_free(&p);
}

static void test_references(void **state)
{
	struct pool p;
	uint32_t i, again;

	pool_new(&p, 1, 0, 0);
	i = lull_buf_get(&p.bufs, 10);
	lull_buf_at(&p.bufs, i)->off = 3;
	lull_buf_at(&p.bufs, i)->len = 50;
	assert_int_equal(lull_buf_room(lull_buf_at(&p.bufs, i)), 203);
	lull_buf_hold(&p.bufs, i);
	lull_buf_hold(&p.bufs, i);
	lull_buf_put(&p.bufs, i);
	lull_buf_put(&p.bufs, i);
	assert_int_equal(lull_buf_get(&p.bufs, 10), 0);
	assert_int_equal(lull_buf_at(&p.bufs, i)->len, 50);
	lull_buf_put(&p.bufs, i);
	/* A new life: nothing of the old one. */
	again = lull_buf_get(&p.bufs, 10);
	assert_int_equal(again, i);
	assert_int_equal(lull_buf_at(&p.bufs, i)->refs, 1);
	assert_int_equal(lull_buf_at(&p.bufs, i)->len, 0);
	assert_int_equal(lull_buf_at(&p.bufs, i)->off, 0);
	lull_buf_put(&p.bufs, i);
	pool_free(&p);
}

static void test_reference_limits(void **state)
{
	struct pool p;
	uint32_t i;

	pool_new(&p, 2, 0, 0);
	i = lull_buf_get(&p.bufs, 10);
	lull_buf_at(&p.bufs, i)->refs = UINT16_MAX;
	assert_panics(lull_buf_hold(&p.bufs, i));
	lull_buf_at(&p.bufs, i)->refs = 0;
	assert_panics(lull_buf_put(&p.bufs, i));
	assert_panics(lull_buf_hold(&p.bufs, i));
	lull_buf_at(&p.bufs, i)->refs = 1;
	lull_buf_put(&p.bufs, i);
	pool_free(&p);
}

/* The last eighth of a class is for the link alone. */
static void test_reserve(void **state)
{
	static const struct {
		uint32_t limit, kept;
	} row[] = {{8, 7}, {9, 8}, {16, 14}, {64, 56}, {100, 88}, {1000, 875}};

	for (uint32_t r = 0; r < ARRAY_LEN(row); r++) {
		uint32_t got[1000];
		struct pool p;

		pool_new(&p, 1, row[r].limit, 1);
		for (uint32_t n = 1; n <= row[r].limit; n++) {
			got[n - 1] = lull_buf_get(&p.bufs, 2048);
			/* The one just taken may stay, if it is not of these.
			 */
			assert_int_equal(lull_buf_may_keep(&p.bufs,
							   LULL_BUF_2K),
					 n <= row[r].kept);
			assert_true(lull_buf_may_keep(&p.bufs, LULL_BUF_256));
			assert_true(lull_buf_may_keep(&p.bufs, LULL_BUF_64K));
		}
		for (uint32_t n = row[r].limit; n-- > 0;) {
			lull_buf_put(&p.bufs, got[n]);
			assert_int_equal(lull_buf_may_keep(&p.bufs,
							   LULL_BUF_2K),
					 n <= row[r].kept);
		}
		pool_free(&p);
	}
}

/* Many at random; each class counts right, and all comes back. */
static void test_random(void **state)
{
	enum {
		MOST = 60
	};
	uint32_t held[MOST], n = 0;
	struct rng rng = rng_new(1);
	struct pool p;

	pool_new(&p, 20, 15, 10);
	for (uint32_t step = 0; step < 50000; step++) {
		uint32_t bytes = rng_below(&rng, 3) ? rng_below(&rng, 300)
						    : rng_below(&rng, 65537);
		uint32_t k, sum = 0;

		if (rng_below(&rng, 2) && n < MOST) {
			uint32_t i = lull_buf_get(&p.bufs, bytes);

			if (!i)
				continue;
			assert_true(lull_buf_bytes(class_of(&p, i)) >= bytes);
			held[n++] = i;
		} else if (n && n < MOST && rng_below(&rng, 4) == 0) {
			held[n] = held[rng_below(&rng, n)];
			lull_buf_hold(&p.bufs, held[n++]);
		} else if (n) {
			k = rng_below(&rng, n);
			lull_buf_put(&p.bufs, held[k]);
			held[k] = held[--n];
		}
		for (uint32_t i = 1; i < p.bufs.first[LULL_BUF_CLASSES]; i++)
			sum += lull_buf_at(&p.bufs, i)->data
				       ? lull_buf_at(&p.bufs, i)->refs
				       : 0;
		assert_int_equal(sum, n);
	}
	while (n)
		lull_buf_put(&p.bufs, held[--n]);
	pool_free(&p);
}

/* ---- the ring ---- */

static void ring_new(struct lull_txq *q, uint32_t len, uint32_t at)
{
	*q = (struct lull_txq){
		.ring = calloc(len, sizeof(struct lull_tx)),
		.mask = len - 1,
		.head = at,
		.tail = at,
	};
	assert_non_null(q->ring);
}

/* Round and round, over the end of 32 bits; first in, first out. */
static void test_ring(void **state)
{
	struct lull_txq q;
	struct lull_bufs none = {0};
	uint32_t in = 0, out = 0;

	ring_new(&q, 8, UINT32_MAX - 20);
	for (uint32_t round = 0; round < 40; round++) {
		uint32_t n = 1 + round % 8;

		assert_int_equal(lull_txq_room(&q), 8);
		for (uint32_t i = 0; i < n; i++) {
			struct lull_tx *tx = lull_txq_new(&q);

			assert_non_null(tx);
			/* Not queued before it is pushed. */
			assert_int_equal(lull_txq_len(&q), i);
			assert_ptr_equal(lull_txq_new(&q), tx);
			tx->csum_offset = (uint16_t)in++;
			lull_txq_push(&q);
		}
		assert_int_equal(lull_txq_len(&q), n);
		assert_int_equal(lull_txq_room(&q), 8 - n);
		while (lull_txq_len(&q)) {
			assert_int_equal(q.ring[q.head & q.mask].csum_offset,
					 out++);
			lull_txq_pop(&q, &none);
		}
	}
	assert_int_equal(q.peak, 8);
	assert_int_equal(q.full, 0);
	assert_true(q.head < 1000); /* it has wrapped */
	free(q.ring);
}

static void test_ring_full(void **state)
{
	struct lull_txq q;
	struct lull_bufs none = {0};

	ring_new(&q, 4, UINT32_MAX - 1);
	assert_panics(lull_txq_pop(&q, &none));
	for (uint32_t i = 0; i < 4; i++) {
		assert_non_null(lull_txq_new(&q));
		lull_txq_push(&q);
	}
	assert_null(lull_txq_new(&q));
	assert_null(lull_txq_new(&q));
	assert_int_equal(q.full, 2);
	assert_panics(lull_txq_push(&q));
	lull_txq_pop(&q, &none);
	assert_non_null(lull_txq_new(&q));
	assert_int_equal(q.full, 2);
	free(q.ring);
}

/* A blank packet has nothing of the one that was there before. */
static void test_blank(void **state)
{
	struct lull_txq q;
	struct lull_tx *tx;

	ring_new(&q, 1, 0);
	memset(q.ring, 0xa5, sizeof *q.ring);
	q.ring->has_ip = true;
	tx = lull_txq_new(&q);
	assert_non_null(tx);
	assert_int_equal(tx->payload_len, 0);
	assert_int_equal(tx->hdr_off, LULL_TX_HDR);
	assert_int_equal(tx->gso_size, 0);
	assert_int_equal(tx->flags, 0);
	assert_int_equal(tx->spans, 0);
	assert_false(tx->has_ip);
	free(q.ring);
}

/* Each piece holds its buffer until the packet has left. */
static void test_pieces(void **state)
{
	struct lull_txq q;
	struct lull_tx *tx;
	struct pool p;
	uint32_t a, b;

	pool_new(&p, 2, 0, 0);
	ring_new(&q, 2, 0);
	a = lull_buf_get(&p.bufs, 100);
	b = lull_buf_get(&p.bufs, 100);
	tx = lull_txq_new(&q);
	lull_tx_add(tx, &p.bufs, (struct lull_tx_span){a, 0, 10});
	lull_tx_add(tx, &p.bufs, (struct lull_tx_span){b, 5, 7});
	lull_tx_add(tx, &p.bufs, (struct lull_tx_span){a, 50, 50});
	assert_int_equal(tx->spans, 3);
	assert_int_equal(tx->payload_len, 67);
	assert_int_equal(lull_buf_at(&p.bufs, a)->refs, 3);
	assert_int_equal(lull_buf_at(&p.bufs, b)->refs, 2);
	assert_true(tx->span[1].buf == b && tx->span[1].off == 5 &&
		    tx->span[1].len == 7);
	lull_txq_push(&q);
	lull_buf_put(&p.bufs, a);
	lull_buf_put(&p.bufs, b);
	assert_int_equal(p.bufs.slab[LULL_BUF_256].used, 2);
	lull_txq_pop(&q, &p.bufs);
	assert_int_equal(p.bufs.slab[LULL_BUF_256].used, 0);
	free(q.ring);
	pool_free(&p);
}

static void test_too_many_pieces(void **state)
{
	struct lull_tx *tx = tx_new();
	struct pool p;
	uint32_t i;

	pool_new(&p, 1, 0, 0);
	i = lull_buf_get(&p.bufs, 100);
	assert_panics(lull_tx_add(tx, &p.bufs, (struct lull_tx_span){i, 0, 0}));
	for (uint32_t n = 0; n < LULL_TX_SPANS; n++)
		lull_tx_add(tx, &p.bufs, (struct lull_tx_span){i, n, 1});
	assert_panics(lull_tx_add(tx, &p.bufs, (struct lull_tx_span){i, 0, 1}));
	assert_int_equal(lull_buf_at(&p.bufs, i)->refs, LULL_TX_SPANS + 1);
	/* With the headers they are what a frame can hold. */
	assert_int_equal(LULL_TX_SPANS + 1, LULL_FRAME_SPANS);
	lull_buf_put(&p.bufs, i);
	tx_free(tx, &p);
	pool_free(&p);
}

static void test_front(void **state)
{
	struct lull_tx *tx = tx_new();
	struct pool p;

	pool_new(&p, 0, 0, 0);
	assert_ptr_equal(lull_tx_front(tx, 60), tx->hdr + LULL_TX_HDR - 60);
	assert_ptr_equal(lull_tx_front(tx, 40), tx->hdr + LULL_TX_HDR - 100);
	assert_ptr_equal(lull_tx_front(tx, 14), tx->hdr + LULL_TX_HDR - 114);
	assert_int_equal(tx->hdr_off, LULL_TX_HDR - 114);
	assert_panics(lull_tx_front(tx, LULL_TX_HDR - 114 + 1));
	assert_ptr_equal(lull_tx_front(tx, LULL_TX_HDR - 114), tx->hdr);
	assert_panics(lull_tx_front(tx, 1));
	tx_free(tx, &p);
	pool_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_larger_class),
		cmocka_unit_test(test_bytes_apart),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_reference_limits),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_ring_full),
		cmocka_unit_test(test_blank),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_too_many_pieces),
		cmocka_unit_test(test_front),
	};

	return RUN("buf", tests);
}
