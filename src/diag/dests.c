/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dests.c: the destinations that connections were opened towards, as rows.
 *
 * Entry point: lull_diag_dests.
 */
#include "shard.h"

enum {
	LOOK = 1024
}; /* at so many objects in one call */

static void fill(const struct lull_shard *s, const struct lull_dest *d,
		 struct lull_dest_row *row)
{
	*row = (struct lull_dest_row){
		.local = d->local,
		.remote = {d->remote, d->rport},
		.live = d->live,
		.closing = d->closing,
		.opens_per_s = lull_dest_rate(&s->tcp, d),
		.no_reuse = !lull_dest_may_reuse(&s->tcp, d),
	};
}

int lull_diag_dests(const struct lull_shard *s, uint64_t *cursor,
		    struct lull_dest_row *rows, int n)
{
	const struct lull_slab *slab = &s->tcp.dests;
	uint64_t i = *cursor ? *cursor : 1; /* 0 is the null object */
	int filled = 0;

	for (int look = 0; look < LOOK && filled < n && i < slab->fresh;
	     look++, i++) {
		const struct lull_dest *d = lull_dest_at(&s->tcp, (uint32_t)i);

		if (d->live + d->closing > 0)
			fill(s, d, &rows[filled++]);
	}
	*cursor = i;
	return filled || i >= slab->fresh || n <= 0 ? filled : -EAGAIN;
}
