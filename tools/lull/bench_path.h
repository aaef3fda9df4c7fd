/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_path.h: what `lull bench path` measures: flows over a simulated path,
 * between two lulls in virtual time, or between two kernels in real time.
 */
#ifndef LULL_BENCH_PATH_H
#define LULL_BENCH_PATH_H

#include "../../sim/flows.h"
#include "tool.h"

struct bench_path {
	struct flows_plan plan;
	double rate_mbit, queue_bdp, queue_bytes;
	const char *cc, *trace;
	bool kernel, json;
};

struct bench_path_result {
	double seconds;
	uint64_t bytes[FLOWS_MAX];
	uint64_t timeouts, probes, undone;
	char cc[16];
	struct path_stats path; /* of the data's way */
};

/* TOOL_ codes. `out`: the segments as CSV, or NULL. */
int bench_path_lull(const struct bench_path *o, struct bench_path_result *r,
		    FILE *out);
int bench_path_kernel(const struct bench_path *o, struct bench_path_result *r,
		      FILE *out);

#endif
