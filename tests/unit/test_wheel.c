/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_wheel.c: timers against an array of their times, in 64 bits.
 *
 * A timer must fire with the first call at or after its millisecond, never
 * before, and once; the deadline must never be later than the first of them.
 */
#include "tools.h"

enum {
	EACH = 400, /* objects of each kind */
	TIMERS = 2 * EACH,
	DAY_MS = 86400 * 1000,
	PLENTY = 100 * TIMERS, /* a budget that is never used up */
};

/* Two kinds of objects, with the timer in different places. */
struct one {
	uint32_t before[3];
	struct lull_timer timer;
};

struct two {
	struct lull_timer timer;
	uint32_t after[9];
};

struct world {
	struct lull_wheel w;
	struct one one[EACH + 1];
	struct two two[EACH + 1];
	uint64_t when[TIMERS]; /* of those that are set */
	bool set[TIMERS];
	uint32_t used, peak;
	uint64_t now;
	struct rng rng;
};

static uint32_t name_of(uint32_t k)
{
	return lull_name(k & 1 ? LULL_KIND_HALF : LULL_KIND_TCB, k / 2 + 1);
}

static uint32_t number_of(uint32_t name)
{
	uint32_t half = lull_name_kind(name) == LULL_KIND_HALF;

	assert_true(half || lull_name_kind(name) == LULL_KIND_TCB);
	assert_in_range(lull_name_index(name), 1, EACH);
	return 2 * (lull_name_index(name) - 1) + half;
}

static struct world *world_new(uint64_t now, uint64_t salt)
{
	struct world *o = calloc(1, sizeof *o);

	assert_non_null(o);
	o->now = now;
	o->rng = rng_new(salt);
	lull_wheel_init(&o->w, now);
	lull_wheel_view(&o->w, LULL_KIND_TCB, &o->one[0].timer,
			sizeof o->one[0]);
	lull_wheel_view(&o->w, LULL_KIND_HALF, &o->two[0].timer,
			sizeof o->two[0]);
	return o;
}

static void set(struct world *o, uint32_t k, uint64_t when)
{
	lull_wheel_set(&o->w, name_of(k), (uint32_t)when);
	o->used += !o->set[k];
	o->peak = lull_max(o->peak, o->used);
	o->set[k] = true;
	o->when[k] = when;
}

static void clear(struct world *o, uint32_t k)
{
	lull_wheel_clear(&o->w, name_of(k));
	o->used -= o->set[k];
	o->set[k] = false;
}

/* One that fired must be set, and due. */
static uint32_t fired(struct world *o, uint32_t name)
{
	uint32_t k = number_of(name);

	assert_true(o->set[k]);
	assert_true(o->when[k] <= o->now);
	o->set[k] = false;
	o->used--;
	return k;
}

/* None that is due is left, and the deadline lies before the next. */
static void check(const struct world *o)
{
	uint64_t first = UINT64_MAX, deadline = lull_wheel_deadline(&o->w);

	for (uint32_t k = 0; k < TIMERS; k++)
		if (o->set[k] && o->when[k] < first)
			first = o->when[k];
	assert_true(first > o->now);
	assert_true(deadline <= first);
	assert_true(deadline > o->now);
	assert_int_equal(deadline == UINT64_MAX, o->used == 0);
	assert_int_equal(o->w.used, o->used);
	assert_int_equal(o->w.peak, o->peak);
}

/* Times ahead, short ones as often as long ones. */
static uint64_t some_ms(struct world *o, uint64_t most)
{
	uint64_t v = rng_next(&o->rng) >> 1;

	return (v >> rng_below(&o->rng, 40)) % (most + 1);
}

static uint64_t some_step(struct world *o)
{
	switch (rng_below(&o->rng, 8)) {
	case 0:
		return 0;
	case 1:
	case 2:
		return 1;
	case 3:
		return rng_below(&o->rng, 200);
	case 4:
		return rng_below(&o->rng, 10000);
	case 5: /* to the next beginning of a slot */
		return -o->now & ((1ULL << rng_below(&o->rng, 31)) - 1);
	case 6:
		return rng_below(&o->rng, 5 * 3600 * 1000);
	default:
		return rng_below(&o->rng, 8) ? 5 : rng_below(&o->rng, DAY_MS);
	}
}

/* Set, set again, clear; some times have passed before they are set. */
static void fiddle(struct world *o)
{
	uint32_t k = rng_below(&o->rng, TIMERS);
	uint64_t behind = rng_below(&o->rng, 2000);

	switch (rng_below(&o->rng, 8)) {
	case 0:
	case 1:
		clear(o, k);
		break;
	case 2:
		set(o, k, o->now < behind ? 0 : o->now - behind);
		break;
	case 3:
		set(o, k, o->now);
		break;
	default:
		set(o, k, o->now + some_ms(o, 12ULL * DAY_MS));
	}
}

static const uint64_t starts[] = {
	0,
	1,
	63,
	4095,
	(1ULL << 31) - 10,
	(1ULL << 32) - 10,
	(1ULL << 32) - DAY_MS,
	1ULL << 32,
	(1ULL << 36) - 10,
	(1ULL << 36) - 30ULL * DAY_MS,
	1ULL << 36,
	3 * (1ULL << 36) - 12345,
	(1ULL << 42) - 1,
	1ULL << 60,
};

static void test_random(void **state)
{
	for (uint32_t s = 0; s < ARRAY_LEN(starts); s++) {
		struct world *o = world_new(starts[s], s + 1);

		for (uint32_t n = 0; n < 2500; n++) {
			uint32_t name;
			int budget = PLENTY;

			o->now += some_step(o);
			for (uint32_t i = rng_below(&o->rng, 24); i > 0; i--)
				fiddle(o);
			while ((name = lull_wheel_due(&o->w, o->now,
						      &budget))) {
				uint32_t k = fired(o, name);

				if (rng_below(&o->rng, 4) == 0)
					set(o, k,
					    o->now + 1 + some_ms(o, DAY_MS));
			}
			check(o);
		}
		assert_true(o->peak > TIMERS / 8);
		free(o);
	}
}

/*
 * Whoever comes at each deadline sees each timer in its very millisecond, and
 * is not called more often than timers move down.
 */
static void test_deadlines(void **state)
{
	for (uint32_t s = 0; s < ARRAY_LEN(starts); s++) {
		struct world *o = world_new(starts[s], 100 + s);
		uint32_t left = TIMERS, calls = 0, name;

		for (uint32_t k = 0; k < TIMERS; k++)
			set(o, k, o->now + 1 + some_ms(o, 24ULL * DAY_MS));
		while (left) {
			int budget = PLENTY;

			o->now = lull_wheel_deadline(&o->w);
			calls++;
			while ((name = lull_wheel_due(&o->w, o->now,
						      &budget))) {
				uint32_t k = fired(o, name);

				assert_true(o->when[k] == o->now);
				left--;
			}
			check(o);
		}
		assert_in_range(calls, 1, LULL_WHEEL_LEVELS * TIMERS);
		free(o);
	}
}

/* One timer, watched at every edge: one below, on it, long after it. */
static void test_edges(void **state)
{
	static const uint64_t ahead[] = {
		0,
		1,
		2,
		63,
		64,
		65,
		127,
		4095,
		4096,
		4097,
		1 << 18,
		1 << 24,
		(1 << 24) + 1,
		1 << 30,
		(1 << 30) - 1,
		(1U << 31) - 2,
		(1U << 31) - 1,
	};

	for (uint32_t s = 0; s < ARRAY_LEN(starts); s++) {
		for (uint32_t a = 0; a < ARRAY_LEN(ahead); a++) {
			struct world *o = world_new(starts[s], 200);
			int budget = PLENTY;

			set(o, 0, o->now + ahead[a]);
			assert_true(lull_wheel_deadline(&o->w) <=
				    o->now + ahead[a]);
			if (ahead[a]) {
				o->now += ahead[a] - 1;
				assert_int_equal(lull_wheel_due(&o->w, o->now,
								&budget),
						 0);
				check(o);
				o->now++;
			}
			fired(o, lull_wheel_due(&o->w, o->now, &budget));
			assert_int_equal(lull_wheel_due(&o->w, o->now, &budget),
					 0);
			check(o);
			free(o);
		}
	}
}

/* A suspended laptop: hours, days and a year in one step. */
static void test_jumps(void **state)
{
	static const uint64_t jump[] = {
		3600 * 1000,	   5ULL * 3600 * 1000, DAY_MS,
		3ULL * DAY_MS,	   13ULL * DAY_MS,     25ULL * DAY_MS,
		100ULL * DAY_MS,   400ULL * DAY_MS,    800ULL * DAY_MS,
		30000ULL * DAY_MS,
	};

	for (uint32_t s = 0; s < ARRAY_LEN(starts); s++) {
		for (uint32_t j = 0; j < ARRAY_LEN(jump); j++) {
			struct world *o = world_new(starts[s], 300 + j);
			uint32_t name;
			int budget = PLENTY;

			for (uint32_t k = 0; k < TIMERS; k++)
				set(o, k,
				    o->now + 1 + some_ms(o, 24ULL * DAY_MS));
			o->now += jump[j];
			while ((name = lull_wheel_due(&o->w, o->now, &budget)))
				fired(o, name);
			check(o);
			assert_true(jump[j] <= 24ULL * DAY_MS || o->used == 0);
			/* And afterwards it goes on as before. */
			for (uint32_t k = 0; k < TIMERS; k++)
				set(o, k, o->now + 1 + some_ms(o, 5000));
			o->now += 2500;
			while ((name = lull_wheel_due(&o->w, o->now, &budget)))
				fired(o, name);
			check(o);
			free(o);
		}
	}
}

/* ---- set and clear ---- */

static void test_set_clear(void **state)
{
	struct world *o = world_new(1000, 400);
	int budget = PLENTY;

	assert_true(lull_wheel_deadline(&o->w) == UINT64_MAX);
	clear(o, 3); /* not set: nothing */
	assert_int_equal(o->w.used, 0);
	for (uint32_t k = 0; k < 4; k++)
		set(o, k, 1500); /* one slot, four timers */
	clear(o, 1);		 /* in the middle, at both ends */
	clear(o, 3);
	clear(o, 0);
	clear(o, 0);
	assert_int_equal(o->w.used, 1);
	clear(o, 2);
	assert_int_equal(o->w.used, 0);
	assert_true(lull_wheel_deadline(&o->w) == UINT64_MAX);
	set(o, 0, 1500);
	set(o, 0, 9000); /* later */
	set(o, 1, 9000);
	set(o, 1, 1200); /* earlier */
	set(o, 2, 1300);
	set(o, 2, 1300); /* the same */
	assert_int_equal(o->w.used, 3);
	assert_int_equal(o->w.peak, 4);
	o->now = 1600;
	assert_int_equal(fired(o, lull_wheel_due(&o->w, o->now, &budget)), 1);
	assert_int_equal(fired(o, lull_wheel_due(&o->w, o->now, &budget)), 2);
	assert_int_equal(lull_wheel_due(&o->w, o->now, &budget), 0);
	check(o);
	clear(o, 2); /* it has fired */
	check(o);
	o->now = 9000;
	assert_int_equal(fired(o, lull_wheel_due(&o->w, o->now, &budget)), 0);
	check(o);
	free(o);
}

/* Time that goes back changes nothing. */
static void test_back(void **state)
{
	struct world *o = world_new(100000, 401);
	int budget = PLENTY;

	o->now = 200000;
	assert_int_equal(lull_wheel_due(&o->w, o->now, &budget), 0);
	set(o, 0, 200100);
	assert_int_equal(lull_wheel_due(&o->w, 150000, &budget), 0);
	assert_int_equal(lull_wheel_due(&o->w, 0, &budget), 0);
	check(o);
	o->now = 200100;
	fired(o, lull_wheel_due(&o->w, o->now, &budget));
	free(o);
}

/* ---- budget ---- */

enum {
	MANY = 100000,
	SHARE = 1000,
};

struct crowd {
	struct lull_wheel w;
	struct lull_timer *timer;
	bool *fired;
};

/* A share of the work; returns how many fired, and what it cost. */
static uint32_t one_share(struct crowd *c, uint64_t now, int *cost)
{
	int budget = SHARE;
	uint32_t name, n = 0;

	while ((name = lull_wheel_due(&c->w, now, &budget))) {
		uint32_t i = lull_name_index(name);

		assert_in_range(i, 1, MANY);
		assert_false(c->fired[i]);
		c->fired[i] = true;
		n++;
	}
	assert_in_range(budget, 0, SHARE);
	*cost = SHARE - budget;
	return n;
}

/* Many of one moment are worked off in pieces; none is lost or comes twice. */
static void test_budget(void **state)
{
	static const uint64_t ahead[] = {0, 1, 100, 60000, DAY_MS};

	for (uint32_t a = 0; a < ARRAY_LEN(ahead); a++) {
		uint64_t now = (1ULL << 32) - 77, total = 0;
		struct crowd c = {.timer = calloc(MANY + 1, sizeof *c.timer),
				  .fired = calloc(MANY + 1, sizeof *c.fired)};
		uint32_t n = 0;
		int cost;

		assert_true(c.timer && c.fired);
		lull_wheel_init(&c.w, now);
		lull_wheel_view(&c.w, LULL_KIND_TCB, c.timer, sizeof *c.timer);
		for (uint32_t i = 1; i <= MANY; i++)
			lull_wheel_set(&c.w, lull_name(LULL_KIND_TCB, i),
				       (uint32_t)(now + ahead[a]));
		now += ahead[a];
		while (n < MANY) {
			n += one_share(&c, now, &cost);
			total += (uint64_t)cost;
			/* It stops only when it is done, or has done its share.
			 */
			assert_true(n == MANY || cost == SHARE);
			if (n < MANY)
				assert_true(lull_wheel_deadline(&c.w) <= now);
		}
		assert_true(total <= (uint64_t)LULL_WHEEL_LEVELS * MANY);
		assert_int_equal(one_share(&c, now + 10ULL * DAY_MS, &cost), 0);
		assert_int_equal(cost, 0);
		assert_int_equal(c.w.used, 0);
		assert_int_equal(c.w.peak, MANY);
		free(c.timer);
		free(c.fired);
	}
}

/* A timer that moves down costs as much as one that fires. */
static void test_moves_cost(void **state)
{
	struct world *o = world_new(0, 602);
	int budget = 10, all = PLENTY;

	for (uint32_t k = 0; k < 100; k++)
		set(o, k, 4096 + 4095);
	o->now = 4096;
	assert_int_equal(lull_wheel_due(&o->w, o->now, &budget), 0);
	assert_int_equal(budget, 0);
	assert_true(lull_wheel_deadline(&o->w) <= o->now);
	assert_int_equal(lull_wheel_due(&o->w, o->now, &all), 0);
	assert_int_equal(PLENTY - all, 90);
	check(o);
	free(o);
}

/* Between two shares others are set and cleared, and all is as ever. */
static void test_small_budgets(void **state)
{
	for (uint32_t s = 0; s < ARRAY_LEN(starts); s++) {
		struct world *o = world_new(starts[s], 500 + s);

		for (uint32_t n = 0; n < 1000; n++) {
			int total = 0, cost;

			o->now += some_step(o);
			do {
				int budget = 1 + (int)rng_below(&o->rng, 5);
				uint32_t name;

				cost = budget;
				fiddle(o);
				while ((name = lull_wheel_due(&o->w, o->now,
							      &budget)))
					fired(o, name);
				assert_true(budget >= 0);
				cost -= budget;
				total += cost;
				if (budget > 0)
					break;
				assert_true(total < 100 * TIMERS);
			} while (true);
			check(o);
		}
		free(o);
	}
}

static void test_no_budget(void **state)
{
	struct world *o = world_new(1000, 600);
	int budget = 0;

	set(o, 0, 1000);
	set(o, 1, 5000);
	assert_int_equal(lull_wheel_due(&o->w, 1000, &budget), 0);
	assert_int_equal(budget, 0);
	budget = 1;
	fired(o, lull_wheel_due(&o->w, 1000, &budget));
	assert_int_equal(budget, 0);
	assert_int_equal(lull_wheel_due(&o->w, 1000, &budget), 0);
	budget = 1;
	assert_int_equal(lull_wheel_due(&o->w, 1000, &budget), 0);
	check(o);
	free(o);
}

static void test_misuse(void **state)
{
	struct world *o = world_new(1000, 700);

	/* Kinds without timers. */
	assert_panics(lull_wheel_set(&o->w, 1, 2000));
	assert_panics(
		lull_wheel_set(&o->w, lull_name(LULL_KIND_CLOSING4, 1), 2000));
	free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_jumps),
		cmocka_unit_test(test_set_clear),
		cmocka_unit_test(test_back),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_moves_cost),
		cmocka_unit_test(test_small_budgets),
		cmocka_unit_test(test_no_budget),
		cmocka_unit_test(test_misuse),
	};

	return RUN("wheel", tests);
}
