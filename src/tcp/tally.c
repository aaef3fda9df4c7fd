/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tally.c: what is counted of one connection, for TCP_INFO and `lull ss -i`.
 *
 * Only what nothing else tells: diag/info.c derives the rest (bytes from
 * sequence numbers, segments from ranges). Nothing here decides anything.
 *
 * Entry points: lull_tally_in, _out, _again, _acked, _sent, _busy, _timeout,
 * _repaired.
 */
#include "tcp/tcp.h"

enum {
	RATE_UNIT = 64
}; /* bytes in a second */

static struct lull_tally *tally_of(const struct lull_tcp *t,
				   const struct lull_tcb *tcb)
{
	return &lull_tcb_cold(t, tcb)->tally;
}

/* A segment for the connection, whatever becomes of it (as Linux). */
void lull_tally_in(const struct lull_tcp *t, const struct lull_tcb *tcb,
		   const struct lull_seg *seg)
{
	struct lull_tally *y = tally_of(t, tcb);
	uint32_t size = seg->text_len, segs = 1;

	if (!size) {
		y->bare_in++;
		return;
	}
	if (size > tcb->opt.mss && seg->buf) {
		uint32_t gso = lull_buf_at(&t->g->bufs, seg->buf)->gso_size;

		if (gso && gso < size) {
			segs = (size + gso - 1) / gso;
			size = gso;
		}
	}
	y->data_in += segs;
	y->heard_text_ms = (uint32_t)t->g->now_ms;
	if (size > y->rcv_mss && size <= UINT16_MAX)
		y->rcv_mss = (uint16_t)size;
}

void lull_tally_out(struct lull_tally *y, const struct lull_tx *tx)
{
	uint32_t len = tx->payload_len, gso = tx->gso_size;

	if (!len)
		y->bare_out++;
	else
		y->data_out += gso ? (len + gso - 1) / gso : 1;
}

void lull_tally_again(const struct lull_tcp *t, const struct lull_tcb *tcb,
		      const struct lull_range *r)
{
	struct lull_tally *y = tally_of(t, tcb);

	if (r->flags & LULL_RANGE_SYN) {
		y->syn_again += y->syn_again < UINT8_MAX;
		return;
	}
	y->retrans_segs++;
	y->retrans_bytes +=
		lull_seq_sub(r->end, r->seq) - !!(r->flags & LULL_RANGE_FIN);
}

/* ---- how fast it was delivered: one sample for each flight ---- */

/* A whole segment went: the end of it is a mark, unless another one is out.
 * What is less says how fast the program is, not the network. */
void lull_tally_sent(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	struct lull_tally *y = tally_of(t, tcb);

	if (lull_seq_gt(y->mark, tcb->snd.una))
		return;
	y->mark = tcb->snd.nxt;
	y->mark_una = tcb->snd.una;
	y->mark_us = t->g->now_us;
}

/* Has the ACK passed the mark? `una` is what it was before. */
void lull_tally_acked(const struct lull_tcp *t, const struct lull_tcb *tcb,
		      struct lull_seq una)
{
	struct lull_tally *y = tally_of(t, tcb);
	uint32_t us = t->g->now_us - y->mark_us;
	uint32_t bytes = lull_seq_sub(tcb->snd.una, y->mark_una);
	bool limited;
	uint64_t rate;

	y->una_wraps += tcb->snd.una.v < una.v;
	if (!lull_seq_gt(y->mark, una) || lull_seq_gt(y->mark, tcb->snd.una))
		return;
	/* tcp_rate_gen(): quicker than ever is no sample. */
	if (us == 0 || us < lull_tcb_cold(t, tcb)->rack.min_rtt_us)
		return;
	rate = (uint64_t)bytes * 1000000 / RATE_UNIT / us;
	rate = rate < UINT32_MAX ? rate : UINT32_MAX;
	/* The program had no more: it says how fast that was, at least. */
	limited = lull_seq_ge(tcb->snd.nxt, tcb->snd.end) &&
		  tcb->snd.pipe < tcb->cc.cwnd;
	if (limited && rate < y->rate)
		return;
	y->rate = (uint32_t)rate;
	y->rate_limited = limited;
}

uint64_t lull_tally_rate(const struct lull_tally *y)
{
	return (uint64_t)y->rate * RATE_UNIT;
}

/* ---- what it waits for ---- */

/* What unsent text waits for. */
static enum lull_wait wait_of(const struct lull_tcb *tcb)
{
	uint32_t out = lull_seq_sub(tcb->snd.nxt, tcb->snd.una);
	uint32_t left = tcb->snd.wnd > out ? tcb->snd.wnd - out : 0;
	uint32_t text = lull_seq_sub(tcb->snd.end, tcb->snd.nxt);

	return left < lull_min(tcb->opt.mss, text) ? LULL_WAIT_WINDOW
						   : LULL_WAIT_NETWORK;
}

/* Linux's chronographs: what the sender waited for, by turns. With `text`
 * some is unsent; with `out` some is not acknowledged. */
void lull_tally_busy(const struct lull_tcp *t, const struct lull_tcb *tcb,
		     bool text, bool out)
{
	struct lull_tally *y = tally_of(t, tcb);
	enum lull_wait now = LULL_WAIT_NONE;

	if (text)
		now = wait_of(tcb);
	else if (out)
		now = lull_user_at(t, tcb->user)->flags & LULL_USER_WANT_WRITE
			      ? LULL_WAIT_SNDBUF
			      : LULL_WAIT_NETWORK;
	if (y->wait == now)
		return;
	if (y->wait != LULL_WAIT_NONE)
		y->waited_ms[y->wait - 1] +=
			(uint32_t)t->g->now_ms - y->wait_since_ms;
	y->wait = (uint8_t)now & 15;
	y->wait_since_ms = (uint32_t)t->g->now_ms;
}

/* ---- retransmission timeouts ---- */

void lull_tally_timeout(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	struct lull_tally *y = tally_of(t, tcb);

	if (y->rtos < UINT16_MAX)
		y->rtos++;
	if (tcb->rtt.backoff == 0 && y->rto_repairs < UINT16_MAX)
		y->rto_repairs++;
}

/* An ACK came after timeouts. */
void lull_tally_repaired(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	tally_of(t, tcb)->rto_ms +=
		(uint32_t)t->g->now_ms - lull_tcb_cold(t, tcb)->stuck_ms;
}
