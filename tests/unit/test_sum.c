/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sum.c: the internet checksum against RFC 1071's own words: 16 bits at
 * a time, at every length, alignment and split.
 */
#include "tools.h"

enum {
	LENGTHS = 200,
	ALIGNMENTS = 16,
};

/* Zeros, ones, what carries much, and noise. */
static void fill(struct rng *rng, uint32_t pattern, uint8_t *p, size_t len)
{
	switch (pattern) {
	case 0:
		memset(p, 0, len);
		break;
	case 1:
		memset(p, 0xff, len);
		break;
	case 2:
		for (size_t i = 0; i < len; i++)
			p[i] = i & 1 ? 0x01 : 0xff;
		break;
	case 3:
		memset(p, 0, len);
		if (len)
			p[len - 1] = 0x80;
		break;
	default:
		rng_fill(rng, p, len);
	}
}

/* RFC 1071 section 3: the worked example, in its three groupings. */
static void test_rfc1071(void **state)
{
	static const uint8_t p[] = {0x00, 0x01, 0xf2, 0x03,
				    0xf4, 0xf5, 0xf6, 0xf7};

	assert_int_equal(lull_sum_fold(lull_sum(0, p, 8, 0)), 0xddf2);
	/* Byte by byte, and swapped: the same sum with its halves changed. */
	assert_int_equal(lull_sum_fold(lull_sum(0, p, 8, 1)), 0xf2dd);
	/* In the order of the words that the example's last column has. */
	assert_int_equal(
		lull_sum_fold(lull_sum(lull_sum(0, p + 4, 4, 0), p, 4, 0)),
		0xddf2);
	assert_int_equal(lull_sum_fold(0x2ddf0), 0xddf2);
}

static void test_fold(void **state)
{
	static const struct {
		uint32_t sum;
		uint16_t want;
	} row[] = {
		{0, 0},
		{1, 1},
		{0xffff, 0xffff},
		{0x10000, 1},
		{0x1ffff, 1},
		{0x1fffe, 0xffff},
		{0xffff0000, 0xffff},
		{0xffffffff, 0xffff},
		{0xfffeffff, 0xfffe},
		{0xffff0001, 1},
		{0x8000ffff, 0x8000},
		{0x12345678, 0x68ac},
	};

	for (uint32_t r = 0; r < ARRAY_LEN(row); r++)
		assert_int_equal(lull_sum_fold(row[r].sum), row[r].want);
}

static void test_lengths(void **state)
{
	struct rng rng = rng_new(1);

	for (uint32_t pattern = 0; pattern < 7; pattern++) {
		for (size_t len = 0; len <= LENGTHS; len++) {
			uint8_t bytes[LENGTHS];

			fill(&rng, pattern, bytes, len);
			for (size_t a = 0; a < ALIGNMENTS; a++) {
				uint8_t *p = exact_new(NULL, 0) - EXACT_FRONT;

				p = realloc(p, EXACT_FRONT + a + len);
				assert_non_null(p);
				memcpy(p + EXACT_FRONT + a, bytes, len);
				assert_int_equal(lull_sum_fold(lull_sum(
							 0, p + EXACT_FRONT + a,
							 len, 0)),
						 naive_sum(0, bytes, len));
				free(p);
			}
		}
	}
}

/* The sum goes on where it stood, whatever came before. */
static void test_start(void **state)
{
	struct rng rng = rng_new(2);
	uint8_t bytes[65];

	for (uint32_t n = 0; n < 20000; n++) {
		uint32_t start =
			(uint32_t)rng_next(&rng) >> rng_below(&rng, 32);
		size_t len = rng_below(&rng, sizeof bytes + 1);

		start = start > 0xfff00000 ? 0xfff00000 : start;
		rng_fill(&rng, bytes, len);
		assert_int_equal(lull_sum_fold(lull_sum(start, bytes, len, 0)),
				 naive_sum(lull_sum_fold(start), bytes, len));
	}
}

/* Two pieces, and three, at every place, odd ones too. */
static void test_splits(void **state)
{
	struct rng rng = rng_new(3);

	for (size_t len = 0; len <= 96; len++) {
		uint8_t bytes[96];
		uint16_t want;

		rng_fill(&rng, bytes, len);
		want = naive_sum(0, bytes, len);
		for (size_t i = 0; i <= len; i++) {
			uint32_t one = lull_sum(0, bytes, i, 0);
			uint32_t two = lull_sum(one, bytes + i, len - i,
						(uint32_t)i & 1);

			assert_int_equal(lull_sum_fold(two), want);
			/* All bits but the lowest of `odd` are without effect.
			 */
			assert_int_equal(lull_sum(one, bytes + i, len - i,
						  (uint32_t)i),
					 two);
			for (size_t k = i; k <= len; k += 1 + len / 16) {
				two = lull_sum(one, bytes + i, k - i,
					       (uint32_t)i);
				two = lull_sum(two, bytes + k, len - k,
					       (uint32_t)k);
				assert_int_equal(lull_sum_fold(two), want);
			}
		}
	}
}

/* As many carries as there can be, over the longest packet. */
static void test_long(void **state)
{
	static uint8_t bytes[65536];
	struct rng rng = rng_new(4);

	for (uint32_t pattern = 0; pattern < 6; pattern++) {
		fill(&rng, pattern, bytes, sizeof bytes);
		for (uint32_t cut = 0; cut < 40; cut++)
			assert_int_equal(
				lull_sum_fold(lull_sum(0, bytes + cut,
						       65535 - cut, 0)),
				naive_sum(0, bytes + cut, 65535 - cut));
	}
}

/* Eight bytes at a time: every carry between 64, 32 and 16 bits. */
static void test_carries(void **state)
{
	static const uint16_t edge[] = {0,	1,	2,	0x000f, 0x0010,
					0x7fff, 0xfff0, 0xfff1, 0xfffe, 0xffff};
	const uint32_t n = ARRAY_LEN(edge);

	for (uint32_t i = 0; i < n * n * n * n * 2; i++) {
		uint32_t rest = i / 2;
		uint8_t p[8];

		for (uint32_t k = 0; k < 8; k += 2, rest /= n) {
			uint16_t word = edge[rest % n];

			/* In the order of either machine. */
			p[k + (i & 1)] = (uint8_t)word;
			p[k + !(i & 1)] = (uint8_t)(word >> 8);
		}
		assert_int_equal(lull_sum_fold(lull_sum(0, p, 8, 0)),
				 naive_sum(0, p, 8));
	}
}

/* ---- of a packet in pieces ---- */

static void test_tx(void **state)
{
	struct rng rng = rng_new(5);
	struct pool p;

	pool_new(&p, 8, 8, 1);
	for (uint32_t n = 0; n < 3000; n++) {
		struct lull_tx *tx = tx_new();
		uint32_t spans = rng_below(&rng, LULL_TX_SPANS + 1), len = 0;
		uint8_t all[LULL_TX_SPANS * 300];

		for (uint32_t i = 0; i < spans; i++) {
			uint32_t part = 1 + rng_below(&rng, i ? 300 : 7);

			rng_fill(&rng, all + len, part);
			tx_bytes(tx, &p, all + len, part);
			len += part;
		}
		/* Show less of one of them: its offset counts. */
		if (spans == 1 && len > 3) {
			tx->span[0].off = 3;
			tx->span[0].len = len -= 3;
			memmove(all, all + 3, len);
		}
		assert_int_equal(lull_sum_fold(lull_sum_tx(tx, &p.bufs)),
				 naive_sum(0, all, len));
		tx_free(tx, &p);
	}
	pool_free(&p);
}

/* ---- the pseudo-header ---- */

static void test_pseudo(void **state)
{
	static const uint32_t lens[] = {0, 20, 40, 1460, 65535, 65536, 0x12345};
	struct rng rng = rng_new(6);

	for (uint32_t n = 0; n < 2000; n++) {
		struct lull_addr a, b;
		uint32_t len = lens[rng_below(&rng, ARRAY_LEN(lens))];
		uint8_t proto = (uint8_t)rng_next(&rng);

		if (n & 1) {
			rng_fill(&rng, &a, sizeof a);
			rng_fill(&rng, &b, sizeof b);
			a.b[0] |= 1; /* never a mapped one */
		} else {
			a = addr4(0, 0, 0, 0);
			b = a;
			rng_fill(&rng, a.b + 12, 4);
			rng_fill(&rng, b.b + 12, 4);
		}
		assert_int_equal(
			lull_sum_fold(lull_sum_pseudo(&a, &b, proto, len)),
			naive_pseudo(&a, &b, proto, len));
	}
}

/* By hand: 192.0.2.1 to 198.51.100.2, TCP, 20 bytes; 2001:db8::1 to ::2. */
static void test_pseudo_by_hand(void **state)
{
	struct lull_addr a = addr4(192, 0, 2, 1), b = addr4(198, 51, 100, 2);
	struct lull_addr c = addr6(1), d = addr6(2);

	/* c000 + 0201 + c633 + 6402 + 0006 + 0014 = 1ec50 */
	assert_int_equal(lull_sum_fold(lull_sum_pseudo(&a, &b, 6, 20)), 0xec51);
	/* 2 * (2001 + 0db8) + 1 + 2 + 003a + 0010 = 5bbf */
	assert_int_equal(lull_sum_fold(lull_sum_pseudo(&c, &d, 58, 16)),
			 0x5bbf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc1071),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_splits),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_carries),
		cmocka_unit_test(test_tx),
		cmocka_unit_test(test_pseudo),
		cmocka_unit_test(test_pseudo_by_hand),
	};

	return RUN("sum", tests);
}
