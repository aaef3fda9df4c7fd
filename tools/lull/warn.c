/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * warn.c: see warn.h.
 */
#include <string.h>

#include "tool.h"
#include "warn.h"

static const struct {
	const char *group, *name, *text;
} warnings[WARNINGS] = {
	{"Lull", "TWEvicted",
	 "tcp_max_tw_buckets: the oldest TIME_WAIT ended before its time, "
	 "to make room for a new one"},
	{"TcpExt", "TCPTimeWaitOverflow",
	 "tcp_max_tw_buckets: TIME_WAIT was not kept"},
	{"TcpExt", "SyncookiesSent",
	 "the SYN queue is full (is it a flood?): SYN cookie sent"},
};

/* Counters are named once, and then asked by their place. */
void warn_init(struct warn *w, const struct lull_shard *shard)
{
	struct lull_counter c;

	memset(w, 0, sizeof *w);
	for (uint32_t i = 0; lull_diag_counter(shard, i, &c); i++)
		for (int k = 0; k < WARNINGS; k++)
			if (!strcmp(c.group, warnings[k].group) &&
			    !strcmp(c.name, warnings[k].name)) {
				w->counter[k] = i;
				w->told[k] = c.value;
			}
}

void warn_tick(struct warn *w, const struct lull_shard *shard)
{
	struct lull_counter c;

	for (int k = 0; k < WARNINGS; k++) {
		if (!lull_diag_counter(shard, w->counter[k], &c) ||
		    c.value == w->told[k])
			continue;
		tool_error(TOOL_OK, "%s, %llu times in the last second",
			   warnings[k].text,
			   (unsigned long long)(c.value - w->told[k]));
		w->told[k] = c.value;
	}
}
