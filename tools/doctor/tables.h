/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tables.h: the tables behind gather.h: destinations, cookies, processes.
 * Zeroed is empty.
 */
#ifndef LULL_DOCTOR_TABLES_H
#define LULL_DOCTOR_TABLES_H

#include "../lull/procs.h"
#include "facts.h"

enum {
	SEENS = 1 << 20,  /* cookies, at most; more are not followed */
	GROUPS = 1 << 11, /* places for processes by kind */
};

struct dests {
	struct dest *slot; /* dport 0 and used 0: free */
	uint32_t size, len;
	int64_t missed; /* rows of destinations beyond ADDRS */
};

struct seen {
	uint64_t cookie; /* 0: free */
	uint32_t wqueue;
};

struct seens {
	struct seen *slot;
	uint32_t size, len;
};

struct groups {
	struct group slot[GROUPS]; /* n 0 and fd -2: free */
	int len;
};

void dests_free(struct dests *t);
void dests_forget(struct dests *t, int sample);
/* Found or made; NULL: no memory, or it is full. */
struct dest *dests_get(struct dests *t, const struct row *r);
bool dests_is_full(const struct dests *t);
uint32_t dests_from(const struct dests *t, const uint8_t *src);
/* The fullest into the facts. */
void dests_top(const struct dests *t, struct facts *f);
/* One more among the fullest of the facts. */
void dests_rank(struct facts *f, const struct dest *d);

void seens_free(struct seens *t);
void seens_forget(struct seens *t);
/* Negative errno. */
int seens_add(struct seens *t, uint64_t cookie, uint32_t wqueue);
const struct seen *seens_find(const struct seens *t, uint64_t cookie);

void groups_init(struct groups *t);
struct group *groups_get(struct groups *t, enum kind kind, pid_t pid);
void groups_top(const struct groups *t, struct facts *f,
		const struct procs *procs);

#endif
