/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link.c: the drivers' door: frames in, frames out.
 *
 * Entry points: lull_rx_get, lull_rx_put, lull_tx_peek, lull_tx_done.
 */
#include "shard.h"

/* Field by field: the spans that are not used would be most of the work. */
static void offer(struct lull_frame *f, uint32_t id, const struct lull_buf *b)
{
	f->id = id;
	f->len = 0;
	f->flags = 0;
	f->gso_size = 0;
	f->csum_start = 0;
	f->csum_offset = 0;
	f->hdr_len = 0;
	f->spans = 1;
	f->span[0].ptr = b->data;
	f->span[0].len = lull_buf_bytes(b->cls);
}

int lull_rx_get(struct lull_shard *s, struct lull_frame *frames, int n)
{
	struct lull_bufs *b = &s->g.bufs;
	int i;

	for (i = 0; i < n; i++) {
		uint32_t id = lull_buf_get(b, s->g.mtu + s->g.link_hdr);

		if (!id)
			break;
		offer(&frames[i], id, lull_buf_at(b, id));
	}
	return i;
}

/* A frame that the driver may hold, with a length that its buffer has. */
static bool is_ours(const struct lull_bufs *b, const struct lull_frame *f)
{
	return f->id > 0 && f->id < b->first[LULL_BUF_CLASSES] &&
	       lull_buf_at(b, f->id)->refs == 1 &&
	       f->len <= lull_buf_bytes(lull_buf_at(b, f->id)->cls);
}

int lull_rx_put(struct lull_shard *s, const struct lull_frame *frames, int n)
{
	struct lull_rxq *q = &s->rxq;
	struct lull_bufs *b = &s->g.bufs;
	int i;

	for (i = 0; i < n; i++) {
		const struct lull_frame *f = &frames[i];
		struct lull_buf *buf;

		if (!is_ours(b, f))
			return i ? i : -EINVAL;
		buf = lull_buf_at(b, f->id);
		if (f->len == 0) {
			lull_buf_put(b, f->id);
			continue;
		}
		if (lull_rxq_len(q) > q->mask)
			break;
		buf->off = 0;
		buf->len = f->len;
		buf->flags = (uint8_t)f->flags;
		buf->gso_size = f->gso_size;
		q->ring[q->tail++ & q->mask] = f->id;
		q->peak = lull_max(q->peak, lull_rxq_len(q));
	}
	return i;
}

static void show(struct lull_shard *s, const struct lull_tx *tx,
		 struct lull_frame *f)
{
	uint32_t hdr_len = LULL_TX_HDR - tx->hdr_off;
	uint32_t ip_len = lull_addr_is4(&tx->remote) ? 20 : 40;

	f->id = 0;
	f->len = hdr_len + tx->payload_len;
	f->flags = tx->flags;
	f->gso_size = tx->gso_size;
	f->csum_start = (uint16_t)(ip_len + s->g.link_hdr);
	f->csum_offset = tx->csum_offset;
	f->hdr_len = (uint16_t)hdr_len;
	f->spans = (uint16_t)(1 + tx->spans);
	f->span[0].ptr = (uint8_t *)tx->hdr + tx->hdr_off;
	f->span[0].len = hdr_len;
	for (uint32_t i = 0; i < tx->spans; i++) {
		const struct lull_tx_span *span = &tx->span[i];

		f->span[1 + i].ptr =
			lull_buf_at(&s->g.bufs, span->buf)->data + span->off;
		f->span[1 + i].len = span->len;
	}
}

int lull_tx_peek(struct lull_shard *s, struct lull_frame *frames, int n)
{
	const struct lull_txq *q = &s->g.txq;
	int i;

	for (i = 0; i < n && q->head + (uint32_t)i != s->ip_done; i++)
		show(s, &q->ring[(q->head + (uint32_t)i) & q->mask],
		     &frames[i]);
	return i;
}

void lull_tx_done(struct lull_shard *s, int n)
{
	struct lull_txq *q = &s->g.txq;

	while (n-- > 0 && q->head != s->ip_done)
		lull_txq_pop(q, &s->g.bufs);
}
