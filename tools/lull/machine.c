/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.c: what the machine alone costs; see machine.h.
 *
 * Entry points: machine_load_ns, machine_pause_us.
 */
#include <stdlib.h>
#include <string.h>

#include <lull/host.h>

#include "machine.h"

enum {
	ROUNDS = 1001,
	LOADS = 256, /* of a round */
};

static volatile uint64_t sink; /* or nobody would need the loads */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double machine_load_ns(const void *mem, size_t len)
{
	static double ns[ROUNDS];
	const uint8_t *bytes = mem;
	uint64_t random = 1;

	for (int r = 0; r < ROUNDS; r++) {
		uint64_t began_ns = lull_clock_ns();

		for (int i = 0; i < LOADS; i++) {
			uint64_t found;

			/* Where the next one lies depends on what was found. */
			memcpy(&found, bytes + (random % (len - 8) & ~7UL), 8);
			random = (random ^ found) * 6364136223846793005U +
				 1442695040888963407U;
			random ^= random >> 32;
		}
		ns[r] = (double)(lull_clock_ns() - began_ns) / LOADS;
	}
	sink = random;
	qsort(ns, ROUNDS, sizeof ns[0], by_value);
	return ns[ROUNDS / 2];
}

double machine_pause_us(uint64_t for_ns)
{
	uint64_t began_ns = lull_clock_ns(), last = began_ns, longest = 0;

	while (last - began_ns < for_ns) {
		uint64_t now = lull_clock_ns();

		longest = now - last > longest ? now - last : longest;
		last = now;
	}
	return (double)longest / 1e3;
}
