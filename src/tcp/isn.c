/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * isn.c: initial sequence numbers (3.4.1, RFC 6528) and timestamp offsets
 * (RFC 7323 5.4), both from one keyed hash of the pair of endpoints.
 *
 * The same pair always gets the same offsets, so its timestamps are monotone
 * over incarnations, which RFC 6191 lives on; no two pairs can be compared.
 *
 * Entry points: lull_secret_of, lull_isn_above.
 */
#include "tcp/tcp.h"

struct lull_secret lull_secret_of(const struct lull_tcp *t,
				  const struct lull_tuple *tuple)
{
	const struct lull_ground *g = t->g;
	uint64_t h = lull_hash_tuple(g->keys.isn, tuple);

	return (struct lull_secret){
		/* MUST-8: a clock that ticks every 4 microseconds. */
		.isn = (uint32_t)h + (uint32_t)(g->now_ns / 4000),
		.ts_offset = g->knobs.timestamps == 1 ? (uint32_t)(h >> 32) : 0,
	};
}

uint32_t lull_isn_above(const struct lull_tcp *t, struct lull_secret secret,
			struct lull_seq used)
{
	if (t->g->profile == LULL_PROFILE_LINUX)
		return used.v + 65537; /* tcp_minisocks.c */
	if (lull_seq_gt(lull_seq(secret.isn), used))
		return secret.isn;
	/* A step that a stranger can't know, 2^16 at least, 2^17 at most. */
	return used.v + 65536 + (secret.ts_offset & 0xffff);
}
