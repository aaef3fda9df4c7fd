/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path.h: connections over a simulated path, for tests; see sim/flows.h.
 *
 *	struct flows_plan plan = flows_plan(50, 1250000);
 *	struct flows *f;
 *
 *	plan.flow[0].bytes = 1000000;
 *	plan.path.leg[PATH_FORTH].drop[0].first = 100;
 *	f = path_play(&plan);
 *	assert_int_equal(flows_count(f, FLOWS_A, "TCPTimeouts"), 0);
 *	assert_int_equal(flows_result(f, 0).path.again, 1);
 *	path_end(f);
 *
 * LULL_PATH_CSV in the environment names a file for what was recorded last.
 */
#ifndef LULL_TEST_PATH_H
#define LULL_TEST_PATH_H

#include <stdlib.h>

#include "test.h"
#include "../../sim/flows.h"

static inline struct flows *path_begin(const struct flows_plan *plan)
{
	struct flows_plan p = *plan;
	struct flows *f;

	p.path.record |= getenv("LULL_PATH_CSV") != NULL;
	assert_int_equal(flows_open(&f, &p), 0);
	return f;
}

/* To its end: all flows are done, or the plan's time is over. */
static inline struct flows *path_play(const struct flows_plan *plan)
{
	struct flows *f = path_begin(plan);

	flows_run(f, 0);
	return f;
}

/* No stream was altered, no state made no sense. */
static inline void path_end(struct flows *f)
{
	const char *csv = getenv("LULL_PATH_CSV");

	if (csv) {
		FILE *out = fopen(csv, "w");

		assert_non_null(out);
		path_write_csv(flows_path(f), out);
		fclose(out);
	}
	for (int i = 0; i < FLOWS_MAX; i++)
		assert_false(flows_result(f, i).broken);
	for (int i = 0; i < FLOWS_ENDS; i++)
		assert_int_equal(flows_count(f, i, "Broken"), 0);
	flows_close(f);
}

#endif
