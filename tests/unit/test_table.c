/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_table.c: the flow table against two arrays, its memory, and its end.
 *
 * The model holds for each object its hash and its present name; a search for
 * that hash must find the name once, and nothing that the model has not.
 */
#include "tools.h"

struct model {
	struct lull_table t;
	void *buckets, *overflow;
	uint32_t n;	 /* objects */
	uint32_t used;	 /* of these, in the table */
	uint32_t *order; /* those in the table first */
	uint32_t *hash;	 /* of each object, from 1 */
	uint32_t *name;	 /* as it stands in the table, or 0 */
	struct rng rng;
};

static void *array(size_t n, size_t size)
{
	void *p = calloc(n, size);

	assert_non_null(p);
	return p;
}

/* Objects 1..n with no hash yet, and a table of the given size. */
static void model_new(struct model *m, uint32_t n, uint32_t buckets,
		      uint32_t overflow)
{
	const size_t line = sizeof(struct lull_bucket);

	m->n = n;
	m->used = 0;
	m->buckets = array(buckets, line);
	m->overflow = array((size_t)overflow + 1, line);
	m->order = array(n, sizeof(uint32_t));
	m->hash = array((size_t)n + 1, sizeof(uint32_t));
	m->name = array((size_t)n + 1, sizeof(uint32_t));
	for (uint32_t i = 0; i < n; i++)
		m->order[i] = i + 1;
	lull_table_init(&m->t, m->buckets, buckets, m->overflow, overflow);
}

/* The same with the numbers of lull_table_size(). */
static void model_sized(struct model *m, uint32_t n)
{
	uint32_t buckets, overflow;

	lull_table_size(n, &buckets, &overflow);
	model_new(m, n, buckets, overflow);
}

static void model_free(struct model *m)
{
	lull_table_check(&m->t);
	assert_int_equal(m->t.used, m->used);
	free(m->buckets);
	free(m->overflow);
	free(m->order);
	free(m->hash);
	free(m->name);
}

/* A search for an object's hash finds it once, or not at all. */
static void check_object(const struct model *m, uint32_t i)
{
	struct lull_probe p = lull_table_probe(&m->t, m->hash[i]);
	uint32_t name, times = 0;

	while ((name = lull_probe_next(&m->t, &p))) {
		uint32_t k = lull_name_index(name);

		assert_in_range(k, 1, m->n);
		assert_int_equal(m->name[k], name);
		assert_int_equal(m->hash[k], m->hash[i]);
		times += k == i;
	}
	assert_int_equal(times, m->name[i] != 0);
	assert_int_equal(lull_probe_next(&m->t, &p), 0);
}

static void check_all(const struct model *m)
{
	lull_table_check(&m->t);
	for (uint32_t i = 1; i <= m->n; i++)
		check_object(m, i);
}

/* Put the next object; false: the table had no room. */
static bool put(struct model *m)
{
	uint32_t i = m->order[m->used];
	uint32_t name = lull_name(LULL_KIND_TCB, i);

	if (!lull_table_put(&m->t, m->hash[i], name))
		return false;
	m->name[i] = name;
	m->used++;
	return true;
}

static void del(struct model *m, uint32_t k)
{
	uint32_t i = m->order[k];

	lull_table_del(&m->t, m->hash[i], m->name[i]);
	m->name[i] = 0;
	m->order[k] = m->order[--m->used];
	m->order[m->used] = i;
}

/* From connection to closing record and back: another kind, as it is used. */
static void swap(struct model *m, uint32_t k)
{
	uint32_t i = m->order[k], from = m->name[i];
	enum lull_kind kind = lull_name_kind(from) == LULL_KIND_TCB
				      ? LULL_KIND_CLOSING6
				      : LULL_KIND_TCB;

	m->name[i] = lull_name(kind, i);
	lull_table_swap(&m->t, m->hash[i], from, m->name[i]);
}

/* One random step; of sixteen, `puts` are puts. */
static void step(struct model *m, uint32_t puts)
{
	uint32_t what = rng_below(&m->rng, 16), k;
	uint32_t i;

	if (what < puts && m->used < m->n) {
		i = m->order[m->used];
		assert_true(put(m));
	} else if (m->used == 0) {
		return;
	} else {
		k = rng_below(&m->rng, m->used);
		i = m->order[k];
		if (what == 15)
			swap(m, k);
		else
			del(m, k);
	}
	check_object(m, i);
	assert_int_equal(m->t.used, m->used);
}

/* ---- against the model ---- */

static const struct shape {
	const char *what;
	uint32_t n;
	uint32_t mask, ones; /* of a random hash */
	uint32_t overflow;   /* buckets, or 0: as lull_table_size() says */
} shape[] = {
	{"random", 200000, 0xffffffff, 0, 0},
	{"few different", 20000, 0xfff, 0, 0},
	{"low 6 bits equal", 3000, 0xffffffc0, 0x15, 3000},
	{"low 6 bits zero", 3000, 0xffffffc0, 0, 3000},
	{"low 8 bits equal", 3000, 0xffffff00, 0xff, 3000},
	{"low 16 bits equal", 2000, 0xffff0000, 0xbeef, 2000},
	{"high 28 bits equal", 2000, 0xf, 0xabcdef0, 2000},
	{"bit 6 alone differs", 2000, 0x40, 0x3f, 2000},
	{"highest bit alone differs", 1000, 0x80000000, 0, 1000},
	{"all equal", 1000, 0, 0xffffffff, 1000},
	{"all zero", 1000, 0, 0, 1000},
};

/* Fill it up, nearly empty it, fill it half, empty it. */
static void waves(struct model *m, uint32_t check_every)
{
	const struct {
		uint32_t puts, until;
	} wave[] = {{12, m->n}, {5, m->n / 50}, {12, m->n / 2}, {3, 0}};
	uint32_t n = 0;

	for (uint32_t w = 0; w < ARRAY_LEN(wave); w++) {
		while (m->used != wave[w].until) {
			step(m, wave[w].puts);
			if (++n % check_every == 0)
				lull_table_check(&m->t);
		}
		check_all(m);
	}
	assert_int_equal(m->t.used, 0);
	assert_int_equal(m->t.overflow.used, 0);
	assert_int_equal(m->t.peak, m->n);
}

static void test_model(void **state)
{
	for (uint32_t s = 0; s < ARRAY_LEN(shape); s++) {
		const struct shape *h = &shape[s];
		uint32_t buckets, overflow;
		struct model m = {.rng = rng_new(s + 1)};

		lull_table_size(h->n, &buckets, &overflow);
		model_new(&m, h->n, buckets,
			  h->overflow ? h->overflow : overflow);
		for (uint32_t i = 1; i <= h->n; i++)
			m.hash[i] = ((uint32_t)rng_next(&m.rng) & h->mask) |
				    h->ones;
		waves(&m, h->n < 10000 ? 97 : 50000);
		/* It grew as far as it may, or as the names asked for. */
		assert_int_equal(m.t.buckets,
				 lull_max(64, (h->n + LULL_TABLE_LOAD - 1) /
						      LULL_TABLE_LOAD));
		model_free(&m);
	}
}

/* Every name is found after every single split, from the smallest table on. */
static void test_each_split(void **state)
{
	struct model m = {.rng = rng_new(20)};
	uint32_t splits = 0, before;

	model_new(&m, 2000, 2000 / LULL_TABLE_LOAD + 1, 1000);
	for (uint32_t i = 1; i <= m.n; i++)
		m.hash[i] = (uint32_t)rng_next(&m.rng) & 0xfffff3f1;
	while (m.used < m.n) {
		before = m.t.buckets;
		assert_true(put(&m));
		assert_true(m.t.buckets == before || m.t.buckets == before + 1);
		assert_true(m.t.round <= m.t.buckets &&
			    m.t.buckets < 2 * m.t.round);
		if (m.t.buckets != before) {
			splits++;
			check_all(&m);
		}
	}
	assert_int_equal(m.t.buckets, 64 + splits);
	assert_true(splits > 100);
	model_free(&m);
}

/* With more names than buckets are reserved for, it goes on in chains. */
static void test_past_the_limit(void **state)
{
	struct model m = {.rng = rng_new(21)};

	model_new(&m, 3000, 100, 3000);
	for (uint32_t i = 1; i <= m.n; i++)
		m.hash[i] = (uint32_t)rng_next(&m.rng);
	waves(&m, 97);
	assert_int_equal(m.t.buckets, 100);
	model_free(&m);
}

/* ---- the pool of overflow buckets ---- */

/* Without a bucket for it, a put does nothing at all. */
static void test_put_fails(void **state)
{
	enum {
		OVERFLOW = 4,
		FIT = LULL_BUCKET_SLOTS * (1 + OVERFLOW)
	};
	struct model m = {.rng = rng_new(22)};

	model_new(&m, FIT + 10, 64, OVERFLOW);
	for (uint32_t i = 1; i <= m.n; i++)
		m.hash[i] = i << 6;
	for (uint32_t i = 0; i < FIT; i++)
		assert_true(put(&m));
	for (uint32_t i = 0; i < 3; i++) {
		struct lull_table before = m.t;

		assert_false(put(&m));
		assert_int_equal(m.t.overflow.empty, i + 1);
		before.overflow.empty++;
		assert_memory_equal(&before, &m.t, sizeof before);
		check_all(&m);
	}
	/* In another bucket there is room; and here when one has gone. */
	m.hash[m.order[m.used]] = 63;
	assert_true(put(&m));
	del(&m, 0);
	assert_true(put(&m));
	assert_false(put(&m));
	check_all(&m);
	while (m.used)
		del(&m, rng_below(&m.rng, m.used));
	assert_int_equal(m.t.overflow.used, 0);
	model_free(&m);
}

/* A split never needs a bucket more than it gives back. */
static void test_split_without_spare(void **state)
{
	for (uint32_t upper = 0; upper <= 4 * LULL_BUCKET_SLOTS; upper++) {
		struct model m = {.rng = rng_new(23)};
		uint32_t chain = 4 * LULL_BUCKET_SLOTS;

		/* Three overflow buckets: all of them are in bucket 0. */
		model_new(&m, 64 * LULL_TABLE_LOAD + chain, 200, 3);
		for (uint32_t i = 1; i <= m.n; i++)
			m.hash[i] = i <= upper	 ? 64
				    : i <= chain ? 0
						 : 1 + i % 63;
		while (m.t.buckets == 64)
			assert_true(put(&m));
		check_all(&m);
		assert_int_equal(m.t.buckets, 65);
		model_free(&m);
	}
}

/* At the limit of names, and there for long, the reserve is never used up. */
static void test_pool_is_enough(void **state)
{
	static const uint32_t sizes[] = {
		1,	7,	64,	200,	256,   300,   400,
		512,	700,	1000,	1500,	2000,  2500,  3000,
		4000,	6000,	8000,	12000,	16384, 24000, 50000,
		100000, 140000, 200000, 262144,
	};
	uint32_t worst = 0, worst_n = 0;

	for (uint32_t s = 0; s < ARRAY_LEN(sizes); s++) {
		uint32_t n = sizes[s], churn = lull_min(n, 50000) + 1000;
		struct model m = {.rng = rng_new(100 + s)};
		uint32_t part;

		model_sized(&m, n);
		while (m.used < n) {
			m.hash[m.order[m.used]] = (uint32_t)rng_next(&m.rng);
			assert_true(put(&m));
		}
		for (uint32_t i = 0; i < churn; i++) {
			del(&m, rng_below(&m.rng, n));
			m.hash[m.order[m.used]] = (uint32_t)rng_next(&m.rng);
			assert_true(put(&m));
		}
		assert_int_equal(m.t.overflow.empty, 0);
		part = m.t.overflow.peak * 100 / m.t.overflow.limit;
		if (part > worst) {
			worst = part;
			worst_n = n;
		}
		model_free(&m);
	}
	printf("# overflow pool: at most %u %% in use (%u names)\n", worst,
	       worst_n);
	assert_true(worst < 90);
}

/* Nor is much more reserved than the names need. */
static void test_size(void **state)
{
	for (uint32_t n = 1; n < 1U << 28; n += n / 3 + 1) {
		uint32_t buckets, overflow;

		lull_table_size(n, &buckets, &overflow);
		assert_true(buckets >= 64);
		assert_true((uint64_t)buckets * LULL_TABLE_LOAD >= n);
		assert_true(buckets <= n / LULL_TABLE_LOAD + 64);
		assert_true(overflow <= buckets / 2 + 64);
	}
}

/* ---- memory ---- */

struct most {
	uint64_t bytes, names; /* of the worst size so far */
};

static void measure(const struct lull_table *t, struct most *most)
{
	uint64_t lines = (uint64_t)t->buckets + t->overflow.used;
	uint64_t bytes = lines * sizeof(struct lull_bucket);

	if (bytes * most->names > most->bytes * t->used)
		*most = (struct most){bytes, t->used};
}

/*
 * A place in the table costs at most 16 bytes, at every size. The worst is in
 * the middle of a doubling, when half of the buckets are split.
 */
static void test_bytes_a_name(void **state)
{
	enum {
		FROM = 10000,
		UNTIL = 1000000,
		PARTS = 12 /* prints so many a doubling */
	};
	struct most worst = {0, 1};
	struct model m = {.rng = rng_new(24)};
	struct rng rng = rng_new(25);

	model_sized(&m, UNTIL);
	for (uint32_t n = 1, at = FROM; n <= UNTIL; n++) {
		bool ok = lull_table_put(&m.t, (uint32_t)rng_next(&rng), n);

		assert_true(ok);
		if (n < FROM)
			continue;
		measure(&m.t, &worst);
		if (n < at)
			continue;
		if (getenv("LULL_VERBOSE"))
			printf("# %7u names: %.2f bytes each, %.3f overflow "
			       "buckets a bucket\n",
			       n, 64.0 * (m.t.buckets + m.t.overflow.used) / n,
			       1.0 * m.t.overflow.used / m.t.buckets);
		at += at / PARTS;
	}
	m.used = m.t.used;
	printf("# at most %.2f bytes a name (%llu names), load %d\n",
	       (double)worst.bytes / (double)worst.names,
	       (unsigned long long)worst.names, LULL_TABLE_LOAD);
	model_free(&m);
	assert_true(worst.bytes <= 16 * worst.names);
}

static void test_misuse(void **state)
{
	struct model m = {.rng = rng_new(26)};

	model_new(&m, 10, 64, 2);
	assert_panics((void)lull_table_put(&m.t, 5, 0));
	m.hash[1] = 5;
	assert_true(put(&m));
	assert_panics(lull_table_del(&m.t, 5, 77));
	assert_panics(lull_table_swap(&m.t, 5, 77, 78));
	assert_panics(lull_table_swap(&m.t, 5, m.name[1], 0));
	m.t.used++;
	assert_panics(lull_table_check(&m.t));
	m.t.used--;
	/* A name in a bucket where its hash does not belong. */
	m.t.bucket[5].hash[0]++;
	assert_panics(lull_table_check(&m.t));
	m.t.bucket[5].hash[0]--;
	model_free(&m);
	assert_panics(lull_table_init(&m.t, NULL, 63, NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_each_split),
		cmocka_unit_test(test_past_the_limit),
		cmocka_unit_test(test_put_fails),
		cmocka_unit_test(test_split_without_spare),
		cmocka_unit_test(test_pool_is_enough),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_bytes_a_name),
		cmocka_unit_test(test_misuse),
	};

	return RUN("table", tests);
}
