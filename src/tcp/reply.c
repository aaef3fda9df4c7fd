/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reply.c: answers that need no connection, and refusals.
 *
 * Never answers a RST (3.5.2), never sends more than it got.
 *
 * Entry points: lull_reply, lull_reply_rst, lull_may_answer, lull_refuse.
 */
#include "tcp/tcp.h"

bool lull_reply(struct lull_tcp *t, const struct lull_seg *out, uint8_t tos)
{
	struct lull_ground *g = t->g;
	struct lull_tx *tx = lull_txq_new(&g->txq);

	if (!tx) {
		lull_drop(g, LULL_DROP_TX_FULL);
		return false;
	}
	tx->tos = tos;
	tx->ttl = (uint8_t)g->knobs.ip_default_ttl;
	lull_tcp_emit(tx, out, &g->bufs, g->link_cap & LULL_LINK_TX_CSUM);
	lull_txq_push(&g->txq);
	lull_count(g, LULL_COUNT_OUT_SEGS);
	if (out->flags & LULL_RST)
		lull_count(g, LULL_COUNT_OUT_RSTS);
	return true;
}

void lull_reply_rst(struct lull_tcp *t, const struct lull_seg *seg)
{
	struct lull_seg out = {
		.tuple = seg->tuple,
		.wscale = LULL_NO_WSCALE,
		.flags = LULL_RST,
	};

	if (seg->flags & LULL_RST)
		return;
	if (seg->flags & LULL_ACK) {
		out.seq = seg->ack;
	} else {
		out.ack = lull_seq_add(seg->seq, lull_seg_len(seg));
		out.flags |= LULL_ACK;
	}
	/* RFC 7323 5.2; Linux does not. */
	if (seg->has_ts && t->g->profile == LULL_PROFILE_LULL) {
		out.has_ts = true;
		out.tsecr = seg->tsval;
	}
	(void)lull_reply(t, &out, 0);
}

bool lull_may_answer(const struct lull_tcp *t, uint32_t *last_ms)
{
	uint32_t now = (uint32_t)t->g->now_ms;
	uint32_t limit = (uint32_t)t->g->knobs.invalid_ratelimit_ms;

	if (*last_ms && now - *last_ms < limit)
		return false;
	*last_ms = now ? now : 1; /* 0: never */
	return true;
}

void lull_refuse(struct lull_tcp *t, const struct lull_seg *seg,
		 enum lull_drop why)
{
	lull_drop_at(t->g, why, &seg->tuple, seg->seq.v, seg->ack.v);
}
