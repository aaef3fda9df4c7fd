/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * torn.c: a host whose records outlive it may die between any two stores into
 * them. Now and then another process opens what is there at such a moment: all
 * of it must make sense (docs/state.md).
 *
 * Entry point: sim_watch_stores.
 */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

enum {
	EACH = 13, /* of so many stores one is looked at */
};

static void on_store(void *arg, const void *at, size_t bytes)
{
	struct lull_restore restore = {.size = sizeof restore};
	struct host *h = arg;
	struct lull_memory memory;
	struct lull_shard *s;

	(void)at;
	(void)bytes;
	if (++h->stores % EACH)
		return;
	if (lull_memory_map(&h->config.limits, &memory) < 0)
		abort();
	memcpy(memory.closing, h->memory.closing, memory.closing_len);
	if (lull_shard_init(&s, &h->config, memory, h->world->now_ns,
			    &restore) < 0)
		sim_fail(h->world,
			 "host %d: between two stores %u of its records make "
			 "no sense",
			 (int)(h - h->world->host), restore.refused);
	lull_memory_unmap(&memory);
}

void sim_watch_stores(struct world *w, int host)
{
	struct host *h = &w->host[host];

	h->world = w;
	if (h->has_state && lull_diag_stores(h->shard, on_store, h) < 0)
		sim_fail(w, "this core tells nothing of its stores");
}
