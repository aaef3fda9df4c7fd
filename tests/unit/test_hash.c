/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_hash.c: SipHash-2-4 by its authors' numbers, and that every byte of a
 * flow, a key and a secret counts.
 */
#include "tools.h"

static struct lull_tuple tuple4(void)
{
	return (struct lull_tuple){.local = addr4(192, 0, 2, 1),
				   .remote = addr4(198, 51, 100, 2),
				   .lport = 80,
				   .rport = 40000};
}

static struct lull_tuple tuple6(void)
{
	return (struct lull_tuple){.local = addr6(1),
				   .remote = addr6(2),
				   .lport = 80,
				   .rport = 40000};
}

/* The paper's Appendix A and the first vectors of its reference code. */
static void test_vectors(void **state)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} row[] = {
		{0, 0x726fdb47dd0e0e31},  {1, 0x74f839c593dc67fd},
		{2, 0x0d6c8009d9a94f5a},  {3, 0x85676696d7fb7e2d},
		{15, 0xa129ca6149be45e5},
	};
	uint8_t key[16], text[16];

	for (uint8_t i = 0; i < 16; i++)
		key[i] = text[i] = i;
	for (uint32_t r = 0; r < ARRAY_LEN(row); r++) {
		uint8_t *p = exact_new(text, row[r].len);

		assert_true(lull_hash_bytes(key, p, row[r].len) == row[r].hash);
		exact_free(p);
	}
}

/* A change of any bit of the tuple, in place, must change the hash. */
static void each_bit_counts(const struct lull_tuple *t, uint32_t skip)
{
	const uint8_t key[16] = {1, 2, 3};
	uint64_t hash = lull_hash_tuple(key, t);

	for (uint32_t bit = 0; bit < 8 * sizeof *t; bit++) {
		struct lull_tuple u = *t;
		uint32_t at = bit / 8;

		/* Of an IPv4 address, its own four bytes. */
		if (at < 32 && at % 16 < skip)
			continue;
		((uint8_t *)&u)[at] ^= (uint8_t)(1 << bit % 8);
		assert_true(lull_hash_tuple(key, &u) != hash);
	}
	for (uint32_t bit = 0; bit < 128; bit++) {
		uint8_t other[16];

		memcpy(other, key, 16);
		other[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(lull_hash_tuple(other, t) != hash);
	}
	assert_true(lull_hash_tuple(key, t) == hash);
}

static void test_tuple(void **state)
{
	struct lull_tuple four = tuple4(), six = tuple6(), turned;
	const uint8_t key[16] = {9};

	each_bit_counts(&four, 12);
	each_bit_counts(&six, 0);
	/* Seen from the other end it is another flow. */
	turned = (struct lull_tuple){four.remote, four.local, four.rport,
				     four.lport};
	assert_true(lull_hash_tuple(key, &four) !=
		    lull_hash_tuple(key, &turned));
	turned = four;
	turned.lport = four.rport;
	turned.rport = four.lport;
	assert_true(lull_hash_tuple(key, &four) !=
		    lull_hash_tuple(key, &turned));
}

/* Neighbours spread: the low bits choose the bucket. */
static void test_spread(void **state)
{
	const uint8_t key[16] = {42};
	uint32_t count[2][256] = {{0}};

	for (uint32_t i = 0; i < 65536; i++) {
		struct lull_tuple t = tuple4();

		t.rport = (uint16_t)i;
		count[0][lull_hash_tuple(key, &t) & 255]++;
		t = tuple6();
		t.rport = (uint16_t)i;
		count[1][lull_hash_tuple(key, &t) & 255]++;
	}
	/* 256 each, give or take six times the root of 256. */
	for (uint32_t i = 0; i < 256; i++) {
		assert_in_range(count[0][i], 160, 352);
		assert_in_range(count[1][i], 160, 352);
	}
}

static void test_keys(void **state)
{
	struct lull_keys keys, again, other;
	uint8_t secret[32];
	struct rng rng = rng_new(1);

	rng_fill(&rng, secret, sizeof secret);
	lull_keys_init(&keys, secret);
	lull_keys_init(&again, secret);
	assert_memory_equal(&keys, &again, sizeof keys);
	assert_memory_not_equal(keys.flow, keys.isn, 16);
	assert_memory_not_equal(keys.flow, keys.port, 16);
	assert_memory_not_equal(keys.isn, keys.port, 16);
	assert_memory_not_equal(keys.flow, keys.flow + 8, 8);
	/* Each bit of the secret counts, in both halves of each key. */
	for (uint32_t bit = 0; bit < 256; bit++) {
		secret[bit / 8] ^= (uint8_t)(1 << bit % 8);
		lull_keys_init(&other, secret);
		for (uint32_t half = 0; half < sizeof keys; half += 8)
			assert_memory_not_equal((uint8_t *)&keys + half,
						(uint8_t *)&other + half, 8);
		secret[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_tuple),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_keys),
	};

	return RUN("hash", tests);
}
