/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_slab.c: objects in a row, and queues of them, against arrays.
 */
#include "tools.h"

static const char name[16] = "objects";

/* ---- slab ---- */

static void test_get_all(void **state)
{
	static uint32_t mem[11][3];
	struct lull_slab s;

	lull_slab_init(&s, mem, sizeof mem[0], 10, &name);
	for (uint32_t i = 1; i <= 10; i++) {
		assert_int_equal(lull_slab_get(&s), i);
		assert_ptr_equal(lull_slab_at(&s, i), mem[i]);
		assert_int_equal(s.used, i);
	}
	assert_int_equal(s.empty, 0);
	assert_int_equal(lull_slab_get(&s), 0);
	assert_int_equal(lull_slab_get(&s), 0);
	assert_int_equal(s.empty, 2);
	assert_int_equal(s.used, 10);
	lull_slab_put(&s, 7);
	assert_int_equal(s.used, 9);
	assert_int_equal(lull_slab_get(&s), 7);
	assert_int_equal(lull_slab_get(&s), 0);
	assert_int_equal(s.peak, 10);
	assert_string_equal(*s.name, "objects");
}

static void test_random(void **state)
{
	enum {
		LIMIT = 1000
	};
	uint32_t *mem = malloc(lull_slab_bytes(12, LIMIT));
	bool taken[LIMIT + 1] = {false};
	uint32_t list[LIMIT], used = 0, peak = 0;
	struct rng rng = rng_new(1);
	struct lull_slab s;

	assert_non_null(mem);
	lull_slab_init(&s, mem, 12, LIMIT, &name);
	for (uint32_t n = 0; n < 200000; n++) {
		/* Waves, so that it is full now and empty then. */
		if (rng_below(&rng, 8) < (n / 8192 % 2 ? 3U : 5U)) {
			uint32_t i = lull_slab_get(&s);

			assert_int_equal(!i, used == LIMIT);
			if (!i)
				continue;
			assert_in_range(i, 1, LIMIT);
			assert_false(taken[i]);
			taken[i] = true;
			memset(lull_slab_at(&s, i), 0xa5, 12);
			list[used++] = i;
			peak = lull_max(peak, used);
		} else if (used) {
			uint32_t k = rng_below(&rng, used), i = list[k];

			lull_slab_put(&s, i);
			taken[i] = false;
			list[k] = list[--used];
		}
		assert_int_equal(s.used, used);
		assert_int_equal(s.peak, peak);
	}
	assert_int_equal(peak, LIMIT);
	free(mem);
}

/* What nobody asked for stays as it was, the null object too. */
static void test_untouched(void **state)
{
	uint8_t mem[9 * 16], same[sizeof mem];
	struct lull_slab s;

	memset(mem, 0xa5, sizeof mem);
	memset(same, 0xa5, sizeof same);
	lull_slab_init(&s, mem, 16, 8, &name);
	for (uint32_t i = 1; i <= 5; i++)
		(void)lull_slab_get(&s);
	assert_memory_equal(mem, same, sizeof mem);
	lull_slab_put(&s, 2);
	assert_memory_equal(mem, same, 2 * 16);
	assert_memory_equal(mem + 2 * 16 + 4, same, sizeof mem - 2 * 16 - 4);
}

/* Objects that outlived their slab: the others are free, each once. */
static void test_claim(void **state)
{
	bool had[9] = {[2] = true, [5] = true, [8] = true};
	uint32_t mem[9];
	struct lull_slab s;

	lull_slab_init(&s, mem, sizeof mem[0], 8, &name);
	lull_slab_claim(&s, 2);
	lull_slab_claim(&s, 5);
	assert_panics(lull_slab_claim(&s, 5));
	assert_panics(lull_slab_claim(&s, 3));
	assert_panics(lull_slab_claim(&s, 9));
	lull_slab_claim(&s, 8);
	assert_int_equal(s.used, 3);
	assert_int_equal(s.peak, 3);
	for (uint32_t n = 0; n < 5; n++) {
		uint32_t i = lull_slab_get(&s);

		assert_in_range(i, 1, 8);
		assert_false(had[i]);
		had[i] = true;
	}
	assert_int_equal(lull_slab_get(&s), 0);
}

static void test_fail_in(void **state)
{
	uint32_t mem[9];
	struct lull_slab s;

	lull_slab_init(&s, mem, sizeof mem[0], 8, &name);
	s.fail_in = 3;
	assert_int_equal(lull_slab_get(&s), 1);
	assert_int_equal(lull_slab_get(&s), 2);
	assert_int_equal(lull_slab_get(&s), 0);
	assert_int_equal(s.empty, 1);
	assert_int_equal(s.used, 2);
	assert_int_equal(lull_slab_get(&s), 3);
	assert_int_equal(s.fail_in, 0);
	lull_slab_put(&s, 1);
	s.fail_in = 1;
	assert_int_equal(lull_slab_get(&s), 0);
	assert_int_equal(lull_slab_get(&s), 1);
}

static void test_misuse(void **state)
{
	uint32_t mem[9];
	struct lull_slab s;

	assert_panics(lull_slab_init(&s, mem, 3, 8, &name));
	lull_slab_init(&s, mem, sizeof mem[0], 8, &name);
	assert_panics(lull_slab_put(&s, 1));
	assert_int_equal(lull_slab_get(&s), 1);
	assert_int_equal(lull_slab_get(&s), 2);
	assert_panics(lull_slab_put(&s, 0));
	assert_panics(lull_slab_put(&s, 3));
	lull_slab_put(&s, 1);
	lull_slab_put(&s, 2);
	assert_panics(lull_slab_put(&s, 2));
}

static void test_bytes(void **state)
{
	struct lull_slab s;

	assert_int_equal(lull_slab_bytes(64, 0), 64);
	assert_int_equal(lull_slab_bytes(12, 10), 132);
	/* More than 32 bits of bytes. */
	assert_true(lull_slab_bytes(512, 1U << 26) == (512ULL << 26) + 512);
	lull_slab_init(&s, (void *)4096, 512, 1U << 26, &name);
	assert_true((uintptr_t)lull_slab_at(&s, 1U << 26) ==
		    4096 + (512ULL << 26));
	/* A limit of none. */
	lull_slab_init(&s, NULL, 512, 0, &name);
	assert_int_equal(lull_slab_get(&s), 0);
}

/* ---- list ---- */

enum {
	OBJECTS = 64,
};

static struct object {
	uint32_t number;
	struct lull_links a, b;
} object[OBJECTS + 1];

/* A list's order, by walking it both ways. */
static void assert_order(const struct lull_list *l, const uint32_t *want,
			 uint32_t n)
{
	uint32_t i = l->head, before = 0, k;

	assert_int_equal(l->len, n);
	for (k = 0; k < n; k++) {
		assert_int_equal(i, want[k]);
		assert_int_equal(lull_list_at(l, i)->prev, before);
		before = i;
		i = lull_list_at(l, i)->next;
	}
	assert_int_equal(i, 0);
	assert_int_equal(l->tail, before);
}

static void test_list_random(void **state)
{
	struct lull_list list[2];
	uint32_t order[2][OBJECTS], len[2] = {0, 0};
	struct rng rng = rng_new(2);

	lull_list_init(&list[0], &object[0].a, sizeof object[0]);
	lull_list_init(&list[1], &object[0].b, sizeof object[0]);
	for (uint32_t n = 0; n < 100000; n++) {
		uint32_t l = rng_below(&rng, 2), what = rng_below(&rng, 5);
		uint32_t i = rng_below(&rng, OBJECTS) + 1, at = 0;

		while (at < len[l] && order[l][at] != i)
			at++;
		if (what == 0) {
			i = lull_list_pop(&list[l]);
			assert_int_equal(i, len[l] ? order[l][0] : 0);
			at = 0;
		} else if (at == len[l]) {
			lull_list_push(&list[l], i);
			order[l][len[l]++] = i;
			continue;
		} else {
			lull_list_del(&list[l], i);
		}
		if (!i)
			continue;
		len[l]--;
		memmove(&order[l][at], &order[l][at + 1],
			(len[l] - at) * sizeof order[l][0]);
		assert_order(&list[0], order[0], len[0]);
		assert_order(&list[1], order[1], len[1]);
	}
}

static void test_list_edges(void **state)
{
	struct lull_list l;

	lull_list_init(&l, &object[0].a, sizeof object[0]);
	assert_int_equal(lull_list_pop(&l), 0);
	lull_list_push(&l, 1);
	assert_order(&l, (const uint32_t[]){1}, 1);
	lull_list_del(&l, 1);
	assert_order(&l, NULL, 0);
	for (uint32_t i = 1; i <= 4; i++)
		lull_list_push(&l, i);
	lull_list_del(&l, 4); /* the tail */
	lull_list_del(&l, 1); /* the head */
	assert_order(&l, (const uint32_t[]){2, 3}, 2);
	lull_list_push(&l, 1);
	lull_list_del(&l, 3); /* the middle */
	assert_order(&l, (const uint32_t[]){2, 1}, 2);
	assert_int_equal(lull_list_pop(&l), 2);
	assert_int_equal(lull_list_pop(&l), 1);
	assert_int_equal(lull_list_pop(&l), 0);
}

static void test_list_misuse(void **state)
{
	struct lull_list l;

	lull_list_init(&l, &object[0].a, sizeof object[0]);
	assert_panics(lull_list_push(&l, 0));
	assert_panics(lull_list_del(&l, 1));
	assert_panics(lull_list_del(&l, 0));
	lull_list_push(&l, 1);
	lull_list_push(&l, 2);
	object[3].a = (struct lull_links){0, 0};
	assert_panics(lull_list_del(&l, 3)); /* it is not in there */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get_all),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_untouched),
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_fail_in),
		cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_list_random),
		cmocka_unit_test(test_list_edges),
		cmocka_unit_test(test_list_misuse),
	};

	return RUN("slab", tests);
}
