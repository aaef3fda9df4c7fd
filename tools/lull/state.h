/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state.h: a shard whose closing records and key live in a file (--state).
 */
#ifndef LULL_TOOL_STATE_H
#define LULL_TOOL_STATE_H

#include "stack.h"

enum {
	STATE_STOPPED = -1, /* a signal came while we were silent */
};

/*
 * Open the file, map memory, make the shard, and say in one line what was
 * taken over. A TOOL_ code; what went wrong is printed. s->state and s->memory
 * stay for stack_close() also then.
 */
int state_make_shard(struct stack *s, const struct stack_options *o,
		     struct lull_config *config);
/* Say so and wait, if nothing may be sent yet. TOOL_OK or STATE_STOPPED. */
int state_keep_quiet(const struct stack *s, const struct stack_options *o);

#endif
