/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hist.h: latencies, counted in steps of 10 microseconds up to 4 seconds.
 */
#ifndef LULL_HIST_H
#define LULL_HIST_H

#include <stdint.h>

enum {
	HIST_STEPS = 400000
};

struct hist {
	uint32_t step[HIST_STEPS];
	uint64_t count, max_us;
};

static inline void hist_add(struct hist *h, uint64_t us)
{
	h->step[us / 10 < HIST_STEPS ? us / 10 : HIST_STEPS - 1]++;
	h->count++;
	h->max_us = us > h->max_us ? us : h->max_us;
}

/* The value below which `part` (0..1) of them lie; 0 of none. */
static inline uint64_t hist_at(const struct hist *h, double part)
{
	uint64_t want = (uint64_t)(part * (double)h->count), seen = 0;

	for (uint32_t i = 0; i < HIST_STEPS; i++) {
		seen += h->step[i];
		if (seen > want)
			return i * 10ULL;
	}
	return h->max_us;
}

#endif
