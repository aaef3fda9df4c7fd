/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * merge.c: segments of a flow that came one after the other become one, before
 * anybody looks for their connection; what Linux calls GRO.
 *
 * Only text in order, with nothing between, whose headers differ in nothing but
 * SEQ and PSH: not SYN, FIN, RST, URG or CWR, another mark of ECN, ACK, window
 * or timestamp. So whoever gets the whole could not tell it from one large
 * segment. PSH ends it. Within one batch: nothing waits for what may come.
 *
 * Entry point: lull_tcp_merge.
 */
#include "tcp/tcp.h"

static bool is_plain(const struct lull_seg *seg, uint8_t but)
{
	return (seg->flags & ~(but | LULL_ECE)) == LULL_ACK &&
	       seg->text_len > 0;
}

static bool same_options(const struct lull_seg *a, const struct lull_seg *b)
{
	if (a->has_ts != b->has_ts || a->hdr_len != b->hdr_len || a->sacks ||
	    b->sacks)
		return false;
	return !a->has_ts || (a->tsval == b->tsval && a->tsecr == b->tsecr);
}

static bool may_follow(const struct lull_seg *to, const struct lull_seg *seg)
{
	return is_plain(to, 0) && is_plain(seg, LULL_PSH) &&
	       lull_seq_eq(lull_seq_add(to->seq, to->text_len), seg->seq) &&
	       lull_seq_eq(to->ack, seg->ack) && to->wnd == seg->wnd &&
	       to->tos == seg->tos &&
	       (to->flags & LULL_ECE) == (seg->flags & LULL_ECE) &&
	       same_options(to, seg) && lull_tuple_eq(&to->tuple, &seg->tuple);
}

bool lull_tcp_merge(struct lull_tcp *t, struct lull_seg *to,
		    const struct lull_seg *seg)
{
	struct lull_bufs *b = &t->g->bufs;

	if (!may_follow(to, seg))
		return false;
	lull_buf_at(b, to->tail)->next = seg->buf;
	to->tail = seg->tail;
	to->text_len += seg->text_len;
	to->flags |= seg->flags & LULL_PSH;
	to->segs += seg->segs;
	lull_count(t->g, LULL_COUNT_MERGED);
	return true;
}
