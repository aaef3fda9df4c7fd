/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss_count.h: sockets counted by something, and how that is printed: as a
 * table, as JSON, for Prometheus, once or again and again.
 */
#ifndef LULL_TOOL_SS_COUNT_H
#define LULL_TOOL_SS_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ss;

enum {
	SS_KEY = 96,
	SS_COUNT_STATES = 16, /* 15: any above */
};

struct ss_group {
	char key[SS_KEY];
	uint64_t total;
	uint64_t state[SS_COUNT_STATES];
};

/* Groups by key: memory for the groups, none for sockets. */
struct ss_count {
	struct ss_group *group;
	uint32_t *slot; /* of a hash table: 1 + the group */
	size_t len, room, slots;
	bool torn;
	char origin[256]; /* where the numbers come from; may be empty */
};

struct ss_count_view {
	const char *title, *word; /* of the keys */
	const char *member;	  /* of the JSON object */
	bool plain;		  /* keys are states: there are no others */
	int (*collect)(struct ss *ss, struct ss_count *to);
};

int ss_count_add(struct ss_count *c, const char *key, uint8_t state,
		 uint64_t n);
/* 0, -ENOMEM, or what `collect` returned. */
int ss_count_print(struct ss *ss, const struct ss_count_view *view);
double ss_now_s(void);
void ss_wait_s(double seconds);

#endif
