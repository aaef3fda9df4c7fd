/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab.c: objects of one size in the caller's memory, and queues of them.
 *
 * Never touches an object before it is asked for: memory that was not used
 * stays untouched, and a limit of millions costs nothing until they come.
 *
 * Entry points: lull_slab_init, _get, _claim, _put; lull_list_init, _push,
 * _pop, _del.
 */
#include "base/base.h"

void lull_slab_init(struct lull_slab *s, void *base, uint32_t size,
		    uint32_t limit, const char (*name)[16])
{
	LULL_ASSERT(size >= sizeof(uint32_t));
	*s = (struct lull_slab){
		.base = base,
		.size = size,
		.limit = limit,
		.fresh = 1,
		.name = name,
	};
}

uint32_t lull_slab_get(struct lull_slab *s)
{
	uint32_t i = s->free;

	if (LULL_CHECKS && s->fail_in && --s->fail_in == 0)
		goto empty;
	if (i)
		memcpy(&s->free, lull_slab_at(s, i), sizeof s->free);
	else if (s->fresh <= s->limit)
		i = s->fresh++;
	else
		goto empty;
	s->used++;
	s->peak = lull_max(s->peak, s->used);
	return i;
empty:
	s->empty++;
	return 0;
}

void lull_slab_claim(struct lull_slab *s, uint32_t i)
{
	LULL_ASSERT(i >= s->fresh && i <= s->limit);
	for (; s->fresh < i; s->fresh++) {
		memcpy(lull_slab_at(s, s->fresh), &s->free, sizeof s->free);
		s->free = s->fresh;
	}
	s->fresh++;
	s->used++;
	s->peak = lull_max(s->peak, s->used);
}

void lull_slab_put(struct lull_slab *s, uint32_t i)
{
	LULL_ASSERT(i > 0 && i < s->fresh && s->used > 0);
	memcpy(lull_slab_at(s, i), &s->free, sizeof s->free);
	s->free = i;
	s->used--;
}

void lull_list_init(struct lull_list *l, void *base, uint32_t stride)
{
	*l = (struct lull_list){.base = base, .stride = stride};
}

void lull_list_push(struct lull_list *l, uint32_t i)
{
	struct lull_links *at = lull_list_at(l, i);

	LULL_ASSERT(i > 0);
	*at = (struct lull_links){.prev = l->tail};
	if (l->tail)
		lull_list_at(l, l->tail)->next = i;
	else
		l->head = i;
	l->tail = i;
	l->len++;
}

void lull_list_del(struct lull_list *l, uint32_t i)
{
	struct lull_links *at = lull_list_at(l, i);

	LULL_ASSERT(l->len > 0);
	LULL_CHECK(at->prev ? lull_list_at(l, at->prev)->next == i
			    : l->head == i);
	if (at->prev)
		lull_list_at(l, at->prev)->next = at->next;
	else
		l->head = at->next;
	if (at->next)
		lull_list_at(l, at->next)->prev = at->prev;
	else
		l->tail = at->prev;
	l->len--;
}

uint32_t lull_list_pop(struct lull_list *l)
{
	uint32_t i = l->head;

	if (i)
		lull_list_del(l, i);
	return i;
}
