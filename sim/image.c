/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image.c: would another process that opens the closing records now find what
 * is there? (docs/state.md)
 *
 * Entry point: sim_check_image.
 */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

enum {
	ROWS_MAX = 1024,
};

struct rows {
	struct lull_row at[ROWS_MAX];
	int len;
};

static bool is_record(const struct lull_row *r)
{
	return r->state == LULL_TCP_TIME_WAIT ||
	       (r->state == LULL_TCP_FIN_WAIT_2 && !r->is_full);
}

static void read_rows(struct world *w, const struct lull_shard *s,
		      struct rows *rows)
{
	uint64_t cursor = 0;
	int n;

	rows->len = 0;
	while ((n = lull_diag_rows(s, &cursor, rows->at + rows->len,
				   ROWS_MAX - rows->len)) != 0) {
		if (n > 0)
			rows->len += n;
		if (rows->len == ROWS_MAX) {
			sim_fail(w, "more than %d rows", ROWS_MAX);
			return;
		}
	}
}

static bool same_end(const struct lull_endpoint *a,
		     const struct lull_endpoint *b)
{
	return a->port == b->port &&
	       memcmp(&a->addr, &b->addr, sizeof a->addr) == 0;
}

static const struct lull_row *find(const struct rows *rows,
				   const struct lull_row *r)
{
	for (int i = 0; i < rows->len; i++)
		if (same_end(&rows->at[i].local, &r->local) &&
		    same_end(&rows->at[i].remote, &r->remote))
			return &rows->at[i];
	return NULL;
}

static bool same(const struct lull_row *a, const struct lull_row *b)
{
	return a->state == b->state && a->timer_ms == b->timer_ms;
}

/* In the place of a shadow stands the connection that has its pair. */
static bool is_opening(const struct lull_row *r)
{
	return r->state == LULL_TCP_SYN_SENT ||
	       r->state == LULL_TCP_SYN_RECEIVED;
}

static void compare(struct world *w, int host, const struct rows *now,
		    const struct rows *then)
{
	for (int i = 0; i < now->len; i++) {
		const struct lull_row *r = &now->at[i];
		const struct lull_row *found = find(then, r);

		if (is_record(r) && r->timer_ms && !(found && same(r, found)))
			sim_fail(w,
				 "host %d: port %u to %u: %s, and %s in "
				 "its image",
				 host, r->local.port, r->remote.port,
				 lull_state_name((enum lull_tcp_state)r->state),
				 found ? "another one" : "nothing");
	}
	for (int i = 0; i < then->len; i++) {
		const struct lull_row *r = &then->at[i];
		const struct lull_row *found = find(now, r);

		if (!is_record(r) ||
		    !(found && (is_record(found) || is_opening(found))))
			sim_fail(w,
				 "host %d: port %u to %u in its image is "
				 "not there",
				 host, r->local.port, r->remote.port);
	}
}

void sim_check_image(struct world *w, int host)
{
	struct lull_restore restore = {.size = sizeof restore};
	const struct host *h = &w->host[host];
	struct rows *rows = calloc(2, sizeof *rows);
	struct lull_memory memory;
	struct lull_shard *s;

	if (!rows || lull_memory_map(&h->config.limits, &memory) < 0)
		abort();
	memcpy(memory.closing, h->memory.closing, memory.closing_len);
	if (lull_shard_init(&s, &h->config, memory, w->now_ns, &restore) < 0) {
		sim_fail(w, "host %d: %u of its records make no sense", host,
			 restore.refused);
	} else {
		read_rows(w, h->shard, &rows[0]);
		read_rows(w, s, &rows[1]);
		compare(w, host, &rows[0], &rows[1]);
	}
	lull_memory_unmap(&memory);
	free(rows);
}
