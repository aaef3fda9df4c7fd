/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wheel.c: the timer wheel. See base.h for how it is built.
 *
 * A timer never fires early; it fires with the first lull_wheel_due() at or
 * after its millisecond. Setting, clearing and firing are O(1); a timer moves
 * down at most five times in its life, each move taken from the budget.
 *
 * Entry points: lull_wheel_set, _clear, _due, _deadline.
 */
#include "base/base.h"

#define LEVEL_BITS 6
#define SLOT_MASK  (LULL_WHEEL_SLOTS - 1)

_Static_assert(1 << LEVEL_BITS == LULL_WHEEL_SLOTS, "six bits a level");

static struct lull_timer *timer_of(const struct lull_wheel *w, uint32_t name)
{
	enum lull_kind kind = lull_name_kind(name);

	LULL_ASSERT(kind < LULL_WHEEL_KINDS && w->view[kind].base);
	return (struct lull_timer *)(void *)(w->view[kind].base +
					     (size_t)w->view[kind].stride *
						     lull_name_index(name));
}

void lull_wheel_init(struct lull_wheel *w, uint64_t now_ms)
{
	*w = (struct lull_wheel){.now_ms = now_ms};
}

void lull_wheel_view(struct lull_wheel *w, enum lull_kind kind, void *base,
		     uint32_t stride)
{
	w->view[kind].base = base;
	w->view[kind].stride = stride;
}

static void link_into(struct lull_wheel *w, uint32_t name, uint32_t slot)
{
	struct lull_timer *t = timer_of(w, name);

	t->slot = (uint16_t)(slot + 1);
	t->prev = 0;
	t->next = w->slot[slot];
	if (t->next)
		timer_of(w, t->next)->prev = name;
	w->slot[slot] = name;
	w->full[slot >> LEVEL_BITS] |= 1ULL << (slot & SLOT_MASK);
}

static void unlink_from(struct lull_wheel *w, uint32_t name)
{
	struct lull_timer *t = timer_of(w, name);
	uint32_t slot = t->slot - 1U;

	if (t->prev)
		timer_of(w, t->prev)->next = t->next;
	else
		w->slot[slot] = t->next;
	if (t->next)
		timer_of(w, t->next)->prev = t->prev;
	if (!w->slot[slot])
		w->full[slot >> LEVEL_BITS] &= ~(1ULL << (slot & SLOT_MASK));
	t->slot = 0;
}

/* Where a timer belongs, seen from now. */
static uint32_t slot_for(const struct lull_wheel *w, uint32_t when_ms)
{
	int32_t left = (int32_t)(when_ms - (uint32_t)w->now_ms);
	uint64_t when = left > 0 ? w->now_ms + (uint32_t)left : w->now_ms;
	uint64_t differ = when ^ w->now_ms;
	uint32_t level = 0;

	if (differ)
		level = (63 - (uint32_t)__builtin_clzll(differ)) / LEVEL_BITS;
	/* 2^31 ms differ below bit 36, but for a carry that runs further. */
	if (level >= LULL_WHEEL_LEVELS)
		level = LULL_WHEEL_LEVELS - 1;
	return level << LEVEL_BITS |
	       (uint32_t)(when >> (level * LEVEL_BITS) & SLOT_MASK);
}

void lull_wheel_set(struct lull_wheel *w, uint32_t name, uint32_t when_ms)
{
	struct lull_timer *t = timer_of(w, name);

	if (t->slot)
		unlink_from(w, name);
	else
		w->peak = lull_max(w->peak, ++w->used);
	t->when_ms = when_ms;
	link_into(w, name, slot_for(w, when_ms));
}

void lull_wheel_clear(struct lull_wheel *w, uint32_t name)
{
	if (!timer_of(w, name)->slot)
		return;
	unlink_from(w, name);
	w->used--;
}

/* The first slot in use at a level, from where now stands; its time, or never.
 */
static uint64_t level_next(const struct lull_wheel *w, uint32_t level,
			   uint32_t *slot)
{
	uint32_t shift = level * LEVEL_BITS;
	uint32_t from = (uint32_t)(w->now_ms >> shift) & SLOT_MASK;
	uint64_t bits = w->full[level];
	uint64_t start = w->now_ms >> shift << shift;

	if (!bits)
		return UINT64_MAX;
	/* Turn the bits so that `from` is bit 0. */
	bits = bits >> from | (from ? bits << (LULL_WHEEL_SLOTS - from) : 0);
	uint32_t ahead = (uint32_t)__builtin_ctzll(bits);

	*slot = level << LEVEL_BITS | ((from + ahead) & SLOT_MASK);
	return start + ((uint64_t)ahead << shift);
}

/* The next slot of all, and its time. Lower levels win, their times are exact.
 */
static uint64_t next_slot(const struct lull_wheel *w, uint32_t *slot)
{
	uint64_t best = UINT64_MAX;

	for (uint32_t level = 0; level < LULL_WHEEL_LEVELS; level++) {
		uint32_t s = 0;
		uint64_t at = level_next(w, level, &s);

		if (at < best) {
			best = at;
			*slot = s;
		}
	}
	return best;
}

uint32_t lull_wheel_due(struct lull_wheel *w, uint64_t now_ms, int *budget)
{
	for (; *budget > 0; --*budget) {
		uint32_t slot = 0;
		uint64_t at = next_slot(w, &slot);

		if (at > now_ms) {
			w->now_ms = now_ms > w->now_ms ? now_ms : w->now_ms;
			return 0;
		}
		w->now_ms = at > w->now_ms ? at : w->now_ms;

		uint32_t name = w->slot[slot];

		unlink_from(w, name);
		if (lull_due(timer_of(w, name)->when_ms, (uint32_t)w->now_ms)) {
			w->used--;
			--*budget;
			return name;
		}
		link_into(w, name, slot_for(w, timer_of(w, name)->when_ms));
	}
	return 0;
}

uint64_t lull_wheel_deadline(const struct lull_wheel *w)
{
	uint32_t slot;

	return next_slot(w, &slot);
}
