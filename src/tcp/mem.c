/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem.c: what the text of all connections may cost together (tcp_mem).
 *
 * Counted are the buffers that queues hold. Below the first of tcp_mem, and up
 * to the second, nobody is limited. Above the second there is pressure until
 * they are below the first again: buffers don't grow, windows close, and one
 * connection has tcp_wmem's least, or its equal part of all. Above the third
 * only who gets on is served: a peer that takes at once what is queued, up to
 * tcp_wmem's least, or a part of the reserve, which is an eighth of the third;
 * a program that reads, up to tcp_rmem's. So a peer that does not read holds
 * what it has, and nothing more, and the reserve stays for the others. Where
 * buffers of 2,048 bytes run short, it is the same, whatever tcp_mem says.
 *
 * Taken back is text ahead of gaps, the most of one connection first; by reset,
 * orphans, as in Linux, and in profile lull whoever was silent, or had its
 * window shut, through seven timeouts.
 *
 * Entry points: lull_mem_look, _turn, _send, _window, _keeps, _wait, _gives_up,
 * _sheds.
 */
#include "tcp/tcp.h"

enum {
	PAGE_BITS = 12,
	LOOKED_AT = 64, /* connections a turn */
	STUCK = 7,	/* timeouts, doubling: the next is at 51 s */
	WINDOW_SEGMENTS = 4,
	RESERVE_PARTS = 32,
};

/* ---- the level ---- */

static enum lull_mem_level level_of(const struct lull_tcp *t)
{
	const int64_t *mem = t->g->knobs.mem;
	const struct lull_bufs *b = &t->g->bufs;
	int64_t pages = (int64_t)(t->mem.bytes >> PAGE_BITS);

	if (pages > mem[2] || lull_buf_is_short(b, LULL_BUF_2K, 14))
		return LULL_MEM_FULL;
	if (pages > mem[1] || lull_buf_is_short(b, LULL_BUF_2K, 12))
		return LULL_MEM_PRESSURE;
	if (t->mem.level == LULL_MEM_EASY)
		return LULL_MEM_EASY;
	if (pages >= mem[0] && pages > 0)
		return LULL_MEM_PRESSURE;
	return lull_buf_is_short(b, LULL_BUF_2K, 8) ? LULL_MEM_PRESSURE
						    : LULL_MEM_EASY;
}

/* While it is easy: how much more text makes pressure. */
static uint64_t next_look(const struct lull_tcp *t)
{
	uint64_t most = (uint64_t)t->g->knobs.mem[1] + 1;
	uint64_t left = lull_buf_left(&t->g->bufs, LULL_BUF_2K);
	uint64_t all = left + t->g->bufs.slab[LULL_BUF_2K].used;

	/* A quarter of the class is not left then: see level_of(). */
	left = left > all / 4 ? left - all / 4 : 0;
	left = t->mem.bytes + left * lull_buf_bytes(LULL_BUF_2K);
	most <<= PAGE_BITS;
	return left < most ? left : most;
}

void lull_mem_look(struct lull_tcp *t)
{
	struct lull_ground *g = t->g;
	enum lull_mem_level now = level_of(t);

	if (!t->mem.level && now) {
		lull_count(g, LULL_COUNT_MEMORY_PRESSURES);
		t->mem.since_ms = g->now_ms;
	} else if (t->mem.level && !now) {
		g->count[LULL_COUNT_MEMORY_PRESSURES_CHRONO] +=
			g->now_ms - t->mem.since_ms;
	}
	t->mem.level = (uint8_t)now;
	t->mem.look_at = now ? 0 : next_look(t);
}

/* An equal part of all there may be. */
static uint32_t fair_part(const struct lull_tcp *t)
{
	uint64_t most = (uint64_t)t->g->knobs.mem[2] << PAGE_BITS;

	most /= lull_max(t->tcbs.used, 1);
	return most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}

static uint32_t least_send(const struct lull_tcp *t)
{
	return (uint32_t)t->g->knobs.wmem[0];
}

static uint32_t least_rcv(const struct lull_tcp *t)
{
	return (uint32_t)t->g->knobs.rmem[0];
}

/* ---- to send ---- */

/*
 * A part of what is left above the limit, for who gives it back at once. It
 * gets less with each that doesn't, so that some of it is always left.
 */
static uint32_t of_reserve(const struct lull_tcp *t)
{
	uint64_t most = (uint64_t)t->g->knobs.mem[2] << PAGE_BITS;
	uint64_t left = (uint64_t)lull_buf_left(&t->g->bufs, LULL_BUF_2K) *
			lull_buf_bytes(LULL_BUF_2K);

	most += most / 8;
	most = most > t->mem.bytes ? most - t->mem.bytes : 0;
	left = (left < most ? left : most) / RESERVE_PARTS;
	return left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
}

/* Does the network take more text at once? */
static bool goes_at_once(const struct lull_tcb *tcb)
{
	uint32_t queued = lull_seq_sub(tcb->snd.end, tcb->snd.una);
	uint32_t cwnd = lull_max(tcb->cc.cwnd, tcb->opt.mss);

	return !tcb->rtt.backoff && queued < lull_min(tcb->snd.wnd, cwnd);
}

uint32_t lull_mem_send(const struct lull_tcp *t, const struct lull_tcb *tcb,
		       uint32_t most)
{
	uint32_t part = least_send(t);

	if (t->mem.level == LULL_MEM_EASY)
		return most;
	if (goes_at_once(tcb))
		part = lull_max(part, of_reserve(t));
	else if (t->mem.level == LULL_MEM_FULL)
		return 0;
	if (t->mem.level == LULL_MEM_PRESSURE)
		part = lull_max(part, fair_part(t));
	return lull_min(most, part);
}

void lull_mem_wait(struct lull_tcp *t)
{
	t->mem.waiting = t->tcbs.fresh;
}

/* ---- received ---- */

uint32_t lull_mem_window(const struct lull_tcp *t, const struct lull_tcb *tcb,
			 uint32_t used, uint32_t room)
{
	uint32_t least = least_rcv(t), part = least;

	if (t->mem.level == LULL_MEM_EASY)
		return room;
	if (t->mem.level == LULL_MEM_PRESSURE)
		part = lull_max(least, fair_part(t));
	if (used >= part)
		return 0;
	return lull_min(lull_min(room, part - used),
			(uint32_t)WINDOW_SEGMENTS * tcb->opt.mss);
}

bool lull_mem_keeps(const struct lull_tcp *t, uint32_t used)
{
	return t->mem.level != LULL_MEM_FULL || used < least_rcv(t);
}

/* ---- what is taken back ---- */

bool lull_mem_sheds(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	/* Where the reserve ends, too, there is no least for who is stuck. */
	bool none = lull_buf_is_short(&t->g->bufs, LULL_BUF_2K, 15);

	return t->mem.level == LULL_MEM_FULL &&
	       tcb->snd.charge > (none ? 0 : least_send(t));
}

bool lull_mem_gives_up(struct lull_tcp *t, struct lull_tcb *tcb)
{
	bool stuck =
		t->g->profile == LULL_PROFILE_LULL && tcb->rtt.backoff >= STUCK;

	if (!stuck && !(tcb->flags & LULL_TCB_ORPHAN))
		return false;
	lull_mem_look(t);
	if (!lull_mem_sheds(t, tcb))
		return false;
	lull_count(t->g, LULL_COUNT_ABORT_ON_MEMORY);
	lull_tcp_reset(t, tcb, ENOBUFS);
	return true;
}

static struct lull_tcb *next_one(struct lull_tcp *t)
{
	if (++t->mem.hand >= t->tcbs.fresh)
		t->mem.hand = 1;
	return lull_tcb_at(t, t->mem.hand);
}

/* Of some, whoever has most text ahead of a gap loses it. */
static void prune_greediest(struct lull_tcp *t, uint32_t n)
{
	uint32_t most = t->mem.level == LULL_MEM_FULL ? 0 : fair_part(t);
	struct lull_tcb *worst = NULL;

	for (; n > 0; n--) {
		struct lull_tcb *tcb = next_one(t);

		if (tcb->state && tcb->rcv.later_charge > most) {
			most = tcb->rcv.later_charge;
			worst = tcb;
		}
	}
	if (!worst)
		return;
	lull_count(t->g, LULL_COUNT_PRUNE_CALLED);
	lull_drop(t->g, LULL_DROP_OFO_PRUNED);
	lull_later_free(t, worst);
	lull_mem_look(t);
}

static void wake(struct lull_tcp *t, uint32_t n)
{
	for (; n > 0 && t->mem.waiting > 0; n--, t->mem.waiting--) {
		struct lull_tcb *tcb = next_one(t);

		if (tcb->state && !(tcb->flags & LULL_TCB_DEAD))
			lull_sendq_tell(t, tcb);
	}
}

bool lull_mem_turn(struct lull_tcp *t)
{
	uint32_t n = lull_min(t->tcbs.fresh - 1, LOOKED_AT);

	lull_mem_look(t);
	if (!t->mem.level && !t->mem.waiting)
		return false;
	if (t->mem.level && t->mem.later > 0)
		prune_greediest(t, n);
	if (t->mem.level == LULL_MEM_FULL)
		return false;
	wake(t, n);
	return t->mem.waiting > 0;
}
