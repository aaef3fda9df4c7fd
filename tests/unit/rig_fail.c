/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rig_fail.c: LULL_FAIL=POOL:N in the environment: of each shard of a test the
 * n-th get from this pool fails.
 *
 * Then a test may fail by an assertion of its own, and leave its shard behind;
 * at the end all is let go there, and no pool may keep anything. What was found
 * is printed; scripts/exhaust.py reads it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "rig.h"

enum {
	WATCHED = 4096
};

static struct {
	char pool[32];
	uint32_t n, reached;
	struct lull_shard *left[WATCHED]; /* behind, or in use */
	int watched;
	bool is_set;
} failing;

static void let_go(struct lull_shard *s)
{
	for (uint32_t i = 1; i < s->tcp.users.fresh; i++)
		lull_sock_abort(s, (struct lull_sock){
					   i, lull_user_at(&s->tcp, i)->gen});
	while (lull_shard_abort(s, 1000) > 0)
		;
}

/* Until no timer is set; not for ever. */
static void wreck(struct lull_shard *s)
{
	uint64_t now_ns = s->g.now_ns;
	struct lull_pool pool;
	struct lull_frame f;

	failing.reached += lull_pool_fail(s, failing.pool, 0) == 0;
	let_go(s);
	for (int i = 0; i < 100000; i++) {
		struct lull_work work = lull_shard_run(s, now_ns);

		while (lull_tx_peek(s, &f, 1) == 1)
			lull_tx_done(s, 1);
		if (!work.more && work.deadline_ns == UINT64_MAX)
			break;
		if (work.deadline_ns > now_ns)
			now_ns = work.deadline_ns;
	}
	for (uint32_t i = 0; lull_diag_pool(s, i, &pool); i++)
		if (pool.used)
			printf("# LEAK: pool %s keeps %u\n", pool.name,
			       pool.used);
}

static void wreck_all(void)
{
	for (int i = 0; i < failing.watched; i++)
		if (failing.left[i])
			wreck(failing.left[i]);
	printf("# FAILED: %u gets\n", failing.reached);
}

void rig_watch(struct lull_shard *s)
{
	const char *text = getenv("LULL_FAIL"), *colon;

	if (!text || failing.watched == WATCHED)
		return;
	if (!failing.is_set) {
		colon = strrchr(text, ':');
		assert_non_null(colon);
		snprintf(failing.pool, sizeof failing.pool, "%.*s",
			 (int)(colon - text), text);
		failing.n = (uint32_t)atoi(colon + 1);
		failing.is_set = true;
		atexit(wreck_all);
	}
	if (lull_pool_fail(s, failing.pool, failing.n) >= 0)
		failing.left[failing.watched++] = s;
}

void rig_unwatch(struct lull_shard *s)
{
	for (int i = failing.watched; i-- > 0;)
		if (failing.left[i] == s) {
			failing.reached +=
				lull_pool_fail(s, failing.pool, 0) == 0;
			failing.left[i] = NULL;
			return;
		}
}
