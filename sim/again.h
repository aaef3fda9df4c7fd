/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * again.h: seeds that have failed: what of them is needed for that, and do
 * those of long ago still hold?
 */
#ifndef LULL_AGAIN_H
#define LULL_AGAIN_H

#include "sim.h"

/*
 * Leave out one kind of trouble after the other, then connections, while the
 * seed fails in the same way; print what is left and the command for it.
 */
void again_shrink(const struct sim_options *options,
		  const struct sim_result *failed);
/*
 * Run every line of a file: `SEED` or `SCENARIO:SEED`, options `--without=LIST`
 * and `--conns=N`, and whatever text. One that names what is not there has
 * failed. Returns the exit code.
 */
int again_regressions(const char *path);

#endif
