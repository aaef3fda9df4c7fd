/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * warn.h: what an operator should hear of, from the counters: one line a
 * second at most for each, since the core logs nothing.
 */
#ifndef LULL_WARN_H
#define LULL_WARN_H

#include <lull/diag.h>

enum {
	WARNINGS = 3
};

struct warn {
	uint32_t counter[WARNINGS]; /* where it stands in the list */
	uint64_t told[WARNINGS];
};

void warn_init(struct warn *w, const struct lull_shard *shard);
/* Call it once a second: what has happened since the last call. */
void warn_tick(struct warn *w, const struct lull_shard *shard);

#endif
