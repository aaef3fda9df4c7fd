/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tune.c: how large the buffers of one connection may be.
 *
 * To receive (dynamic right-sizing, as Linux): what the program reads in one
 * round trip is what the path carries, so the window is to be twice that, and
 * some; growing as fast as a sender in slow start does. The buffer is twice
 * the window (data.c says why), grows from tcp_rmem's second to its third, and
 * never shrinks. The round trip is the receiver's: a timestamp's echo, or,
 * where there are none, the time in which a whole window arrives.
 *
 * To send: twice what the path carries, the congestion window, or the largest
 * window of the peer if that is less; from tcp_wmem's second to its third.
 *
 * LULL_OPT_RCVBUF and LULL_OPT_SNDBUF end both. When memory is short, mem.c has
 * the last word.
 *
 * Entry points: lull_tune_arrived, _read; lull_rcvbuf_room, lull_sndbuf_most,
 * lull_unsent_room.
 */
#include "tcp/tcp.h"

enum {
	READ_AT_FIRST = 10, /* segments; RFC 6928 */
	SEGMENTS_MORE = 16,
	ECHO_MS_MAX = 600 * 1000, /* an older echo is somebody's invention */
};

/* ---- the receiver's round trip ---- */

static uint32_t read_upto(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	return tcb->rcv.nxt.v - lull_user_at(t, tcb->user)->text.bytes;
}

static void begin(const struct lull_tcp *t, struct lull_tcb *tcb,
		  struct lull_tune *u)
{
	u->read = lull_seq_add(lull_tcb_cold(t, tcb)->irs, 1);
	u->read_us = t->g->now_us;
	u->most = READ_AT_FIRST * tcb->opt.mss;
}

/* By the echo: of a whole segment, since a short one may have waited. */
static void by_echo(const struct lull_tcp *t, const struct lull_tcb *tcb,
		    struct lull_tune *u, const struct lull_seg *seg)
{
	uint32_t ms = lull_ts_now(t, tcb->opt.ts_offset) - seg->tsecr, us;

	if (!seg->has_ts || !seg->tsecr || seg->tsecr == u->mark)
		return;
	u->mark = seg->tsecr;
	if (2 * seg->text_len < tcb->opt.mss || ms > ECHO_MS_MAX)
		return;
	us = lull_max(ms, 1) * 1000;
	if (!u->rtt_us)
		u->rtt_us = us;
	else
		u->rtt_us = u->rtt_us - u->rtt_us / 8 + us / 8;
}

/* A peer with less to say takes longer for a window: the shortest counts. */
static void by_window(const struct lull_tcp *t, const struct lull_tcb *tcb,
		      struct lull_tune *u)
{
	uint32_t us = lull_max(t->g->now_us - u->mark_us, 1);

	if (u->mark_us && lull_seq_lt(tcb->rcv.nxt, lull_seq(u->mark)))
		return;
	if (u->mark_us && (!u->rtt_us || us < u->rtt_us))
		u->rtt_us = us;
	u->mark = tcb->rcv.edge.v;
	u->mark_us = lull_max(t->g->now_us, 1);
}

void lull_tune_arrived(struct lull_tcp *t, struct lull_tcb *tcb,
		       const struct lull_seg *seg)
{
	struct lull_tune *u = &lull_tcb_cold(t, tcb)->tune;

	if (!u->most)
		begin(t, tcb, u);
	if (tcb->flags & LULL_TCB_TS)
		by_echo(t, tcb, u, seg);
	else
		by_window(t, tcb, u);
}

/* ---- to receive ---- */

static void grow(const struct lull_tcp *t, struct lull_tcb *tcb,
		 const struct lull_tune *u, uint32_t bytes)
{
	uint64_t most = (uint64_t)t->g->knobs.rmem[2];
	uint64_t wnd =
		2 * (uint64_t)bytes + (uint64_t)SEGMENTS_MORE * tcb->opt.mss;

	/* In slow start the next round trip brings twice as much again. */
	wnd += 2 * (wnd * (bytes - u->most) / u->most);
	wnd = wnd < most / 2 ? 2 * wnd : most;
	tcb->rcv.buf = lull_max(tcb->rcv.buf, (uint32_t)wnd);
}

void lull_tune_read(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_tune *u = &lull_tcb_cold(t, tcb)->tune;
	struct lull_seq upto = lull_seq(read_upto(t, tcb));
	uint32_t bytes = lull_seq_sub(upto, u->read);

	if (!u->rtt_us || t->g->now_us - u->read_us < u->rtt_us)
		return;
	u->read = upto;
	u->read_us = t->g->now_us;
	if (bytes <= u->most || t->mem.level)
		return;
	if (t->g->knobs.moderate_rcvbuf && !(tcb->flags & LULL_TCB_RCVBUF))
		grow(t, tcb, u, bytes);
	u->most = bytes;
}

uint32_t lull_rcvbuf_room(const struct lull_tcp *t, const struct lull_tcb *tcb,
			  uint32_t used)
{
	uint32_t clamp = lull_tcb_cold(t, tcb)->window_clamp;
	/* Half of what may still be charged: see data.c. */
	uint32_t room = tcb->rcv.buf > used ? (tcb->rcv.buf - used) / 2 : 0;

	if (clamp)
		room = lull_min(room, clamp);
	return lull_mem_window(t, tcb, used, room);
}

/* ---- to send ---- */

uint32_t lull_sndbuf_most(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	const int64_t *wmem = t->g->knobs.wmem;
	uint32_t fixed = lull_tcb_cold(t, tcb)->sndbuf;
	uint32_t path = 2 * lull_min(tcb->cc.cwnd, tcb->snd.wnd_max);
	uint32_t most =
		lull_min((uint32_t)wmem[2], lull_max((uint32_t)wmem[1], path));

	return lull_mem_send(t, tcb, fixed ? fixed : most);
}

uint32_t lull_unsent_room(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	uint32_t own = lull_tcb_cold(t, tcb)->notsent_lowat;
	uint32_t most = own ? own : (uint32_t)t->g->knobs.notsent_lowat;
	uint32_t unsent = lull_seq_lt(tcb->snd.nxt, tcb->snd.end)
				  ? lull_seq_sub(tcb->snd.end, tcb->snd.nxt)
				  : 0;

	/* Less than a segment would make silly ones. */
	most = lull_max(most, tcb->opt.mss);
	return most > unsent ? most - unsent : 0;
}
