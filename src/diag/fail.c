/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fail.c: tests only: the n-th get of a pool fails. The checked core has this
 * file, the released library does not.
 *
 * Two pools are left out, for who takes from them has looked before: sent
 * ranges (nothing is sent when none is left), and the overflow of a flow table,
 * which gives a bucket back before it takes one.
 *
 * Entry points: lull_pool_fail, lull_pool_name.
 */
#include "shard.h"

static struct lull_slab *slab_at(struct lull_shard *s, uint32_t i)
{
	struct lull_slab *const slabs[] = {
		&s->tcp.tcbs,
		&s->tcp.halves,
		&s->tcp.listeners,
		&s->tcp.users,
		&s->tcp.closing[0].links,
		&s->tcp.closing[1].links,
		&s->g.bufs.slab[LULL_BUF_256],
		&s->g.bufs.slab[LULL_BUF_2K],
		&s->g.bufs.slab[LULL_BUF_64K],
		&s->tcp.dests,
		&s->tcp.portmaps,
		&s->ip.reass.slab,
		&s->ip.neigh.slab,
		&s->ip.neigh.waiting,
	};
	uint32_t n = ARRAY_LEN(slabs) - (s->g.link_hdr ? 0 : 2);

	return i < n ? slabs[i] : NULL;
}

/* "buffers 2k" is also "buffers-2k". */
static bool is_named(const char name[16], const char *text)
{
	for (; *name && *text; name++, text++)
		if (*name != *text && !(*name == ' ' && *text == '-'))
			return false;
	return !*name && !*text;
}

const char *lull_pool_name(struct lull_shard *s, uint32_t i)
{
	const struct lull_slab *slab = slab_at(s, i);

	return slab ? *slab->name : NULL;
}

int lull_pool_fail(struct lull_shard *s, const char *pool, uint32_t n)
{
	struct lull_slab *slab;
	uint32_t left;

	for (uint32_t i = 0; (slab = slab_at(s, i)); i++) {
		if (!is_named(*slab->name, pool))
			continue;
		left = slab->fail_in;
		slab->fail_in = n;
		return left > INT32_MAX ? INT32_MAX : (int)left;
	}
	return -ENOENT;
}
