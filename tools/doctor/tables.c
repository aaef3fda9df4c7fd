/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tables.c: see tables.h: open addressing, powers of two, never above three
 * quarters full.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables.h"

static uint64_t mix(uint64_t v)
{
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9;
	v = (v ^ v >> 27) * 0x94d049bb133111eb;
	return v ^ v >> 31;
}

static bool is_crowded(uint32_t len, uint32_t size)
{
	return len + 1 > size / 4 * 3;
}

/* ---- destinations ---- */

static uint64_t hash_dest(const uint8_t *src, const uint8_t *dst,
			  uint16_t dport)
{
	uint64_t w[4];

	memcpy(w, src, 16);
	memcpy(w + 2, dst, 16);
	return mix(mix(mix(w[0] ^ dport) ^ w[1]) ^ mix(mix(w[2]) + w[3]));
}

static struct dest *dest_slot(const struct dests *t, const uint8_t *src,
			      const uint8_t *dst, uint16_t dport)
{
	uint32_t i = (uint32_t)hash_dest(src, dst, dport);

	for (;; i++) {
		struct dest *d = &t->slot[i & (t->size - 1)];

		if (!d->dport ||
		    (d->dport == dport && !memcmp(d->dst, dst, sizeof d->dst) &&
		     !memcmp(d->src, src, sizeof d->src)))
			return d;
	}
}

static bool dests_grow(struct dests *t)
{
	struct dests more = {.size = t->size ? 2 * t->size : 256,
			     .len = t->len,
			     .missed = t->missed};

	if (more.size > ADDRS)
		return false;
	more.slot = calloc(more.size, sizeof *more.slot);
	if (!more.slot)
		return false;
	for (uint32_t i = 0; i < t->size; i++) {
		const struct dest *d = &t->slot[i];

		if (d->dport)
			*dest_slot(&more, d->src, d->dst, d->dport) = *d;
	}
	free(t->slot);
	*t = more;
	return true;
}

void dests_free(struct dests *t)
{
	free(t->slot);
	*t = (struct dests){0};
}

void dests_forget(struct dests *t, int sample)
{
	for (uint32_t i = 0; i < t->size; i++) {
		struct dest *d = &t->slot[i];

		d->used[sample] = 0;
		d->tw = d->syn_sent = d->syn_old = 0;
	}
	t->missed = 0;
}

bool dests_is_full(const struct dests *t)
{
	return t->size && is_crowded(t->len, t->size);
}

struct dest *dests_get(struct dests *t, const struct row *r)
{
	struct dest *d;

	if (!r->dport)
		return NULL;
	if (is_crowded(t->len, t->size) && !dests_grow(t) && !t->size)
		return NULL;
	d = dest_slot(t, r->src, r->dst, r->dport);
	if (!d->dport && is_crowded(t->len, t->size)) {
		t->missed++; /* those that are known are counted on */
		return NULL;
	}
	if (!d->dport) {
		memcpy(d->src, r->src, sizeof d->src);
		memcpy(d->dst, r->dst, sizeof d->dst);
		d->dport = r->dport;
		d->ports = d->full_in_ms = UNKNOWN;
		t->len++;
	}
	return d;
}

uint32_t dests_from(const struct dests *t, const uint8_t *src)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->size; i++)
		n += t->slot[i].dport && t->slot[i].used[1] &&
		     !memcmp(t->slot[i].src, src, sizeof t->slot[i].src);
	return n;
}

void dests_rank(struct facts *f, const struct dest *d)
{
	int at = f->dests;

	if (d->syn_sent && (d->syn_old > f->syn_dest.syn_old ||
			    (d->syn_old == f->syn_dest.syn_old &&
			     d->syn_sent > f->syn_dest.syn_sent)))
		f->syn_dest = *d;
	while (at > 0 && f->dest[at - 1].used[1] < d->used[1])
		at--;
	if (at == TOP_DESTS)
		return;
	if (at + 1 < TOP_DESTS)
		memmove(&f->dest[at + 1], &f->dest[at],
			(size_t)(TOP_DESTS - 1 - at) * sizeof *d);
	f->dest[at] = *d;
	f->dests += f->dests < TOP_DESTS;
}

void dests_top(const struct dests *t, struct facts *f)
{
	f->dests_all = 0;
	f->dests_missed = t->missed;
	for (uint32_t i = 0; i < t->size; i++) {
		if (!t->slot[i].dport || !t->slot[i].used[1])
			continue;
		f->dests_all++;
		dests_rank(f, &t->slot[i]);
	}
}

/* ---- cookies ---- */

static struct seen *seen_slot(const struct seens *t, uint64_t cookie)
{
	uint32_t i = (uint32_t)mix(cookie);

	while (t->slot[i & (t->size - 1)].cookie &&
	       t->slot[i & (t->size - 1)].cookie != cookie)
		i++;
	return &t->slot[i & (t->size - 1)];
}

void seens_free(struct seens *t)
{
	free(t->slot);
	*t = (struct seens){0};
}

void seens_forget(struct seens *t)
{
	if (t->slot)
		memset(t->slot, 0, t->size * sizeof *t->slot);
	t->len = 0;
}

static int seens_grow(struct seens *t)
{
	struct seens more = {.size = t->size ? 2 * t->size : 256,
			     .len = t->len};

	more.slot = calloc(more.size, sizeof *more.slot);
	if (!more.slot)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->size; i++)
		if (t->slot[i].cookie)
			*seen_slot(&more, t->slot[i].cookie) = t->slot[i];
	free(t->slot);
	*t = more;
	return 0;
}

int seens_add(struct seens *t, uint64_t cookie, uint32_t wqueue)
{
	struct seen *at;

	if (is_crowded(t->len, t->size)) {
		int e = t->size < SEENS ? seens_grow(t) : 0;

		if (e < 0)
			return e;
		if (is_crowded(t->len, t->size))
			return 0;
	}
	at = seen_slot(t, cookie);
	t->len += !at->cookie;
	*at = (struct seen){cookie, wqueue};
	return 0;
}

const struct seen *seens_find(const struct seens *t, uint64_t cookie)
{
	const struct seen *at;

	if (!t->size || !cookie)
		return NULL;
	at = seen_slot(t, cookie);
	return at->cookie ? at : NULL;
}

/* ---- processes ---- */

void groups_init(struct groups *t)
{
	for (int i = 0; i < GROUPS; i++)
		t->slot[i] = (struct group){.fd = -2};
	t->len = 0;
}

struct group *groups_get(struct groups *t, enum kind kind, pid_t pid)
{
	uint64_t h = mix((uint64_t)pid << 8 | (uint64_t)kind);

	for (uint32_t i = (uint32_t)h;; i++) {
		struct group *g = &t->slot[i & (GROUPS - 1)];

		if (g->fd != -2 && g->kind == kind && g->pid == pid)
			return g;
		if (g->fd != -2)
			continue;
		if (is_crowded((uint32_t)t->len, GROUPS))
			return NULL;
		t->len++;
		*g = (struct group){.kind = kind,
				    .pid = pid,
				    .fd = -1,
				    .fds = UNKNOWN,
				    .fds_max = UNKNOWN};
		return g;
	}
}

/* The three largest of each kind. */
void groups_top(const struct groups *t, struct facts *f,
		const struct procs *procs)
{
	for (int kind = 0; kind < KINDS; kind++) {
		const struct group *top[3] = {NULL};

		for (int i = 0; i < GROUPS; i++) {
			const struct group *g = &t->slot[i];
			int at = 3;

			if (g->fd == -2 || (int)g->kind != kind || !g->n)
				continue;
			while (at > 0 &&
			       (!top[at - 1] || top[at - 1]->n < g->n))
				at--;
			for (int k = 2; k > at; k--)
				top[k] = top[k - 1];
			if (at < 3)
				top[at] = g;
		}
		for (int k = 0; k < 3 && top[k]; k++) {
			struct group *g = &f->group[f->groups];

			if (f->groups == TOP_GROUPS)
				return;
			*g = *top[k];
			f->groups++;
			if (g->pid && procs)
				procs_name(procs, g->pid, g->name);
		}
	}
}
