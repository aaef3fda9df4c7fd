/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link.c: the drivers' door: frames in, frames out.
 *
 * A packet larger than the link can cut is cut here, as late as can be: what
 * stands for 44 segments is built, kept and acknowledged once.
 *
 * Entry points: lull_link_use, lull_rx_get, _widen, lull_rx_put, lull_tx_peek,
 * lull_tx_done.
 */
#include "shard.h"

/* Field by field: the spans that are not used would be most of the work. */
static void offer(struct lull_frame *f, uint32_t id, const struct lull_buf *b)
{
	f->id = id;
	f->more = 0;
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

void lull_link_use(struct lull_shard *s, uint32_t link_cap)
{
	s->g.link_cap = link_cap;
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

int lull_rx_widen(struct lull_shard *s, struct lull_frame *frames, int n)
{
	struct lull_bufs *b = &s->g.bufs;
	int i;

	for (i = 0; i < n; i++) {
		struct lull_frame *f = &frames[i];

		if (f->more || f->span[0].len == lull_buf_bytes(LULL_BUF_64K))
			continue;
		f->more = lull_buf_get_large(b);
		if (!f->more)
			break;
		f->spans = 2;
		f->span[1].ptr = lull_buf_at(b, f->more)->data;
		f->span[1].len = lull_buf_bytes(LULL_BUF_64K);
	}
	return i;
}

static bool is_free(const struct lull_bufs *b, uint32_t id)
{
	return id > 0 && id < b->first[LULL_BUF_CLASSES] &&
	       lull_buf_at(b, id)->refs == 1;
}

/* A frame that the driver may hold, with a length that its buffers have. */
static bool is_ours(const struct lull_bufs *b, const struct lull_frame *f)
{
	uint32_t room;

	if (!is_free(b, f->id))
		return false;
	room = lull_buf_bytes(lull_buf_at(b, f->id)->cls);
	if (f->more) {
		if (!is_free(b, f->more) || f->more == f->id)
			return false;
		room += lull_buf_bytes(lull_buf_at(b, f->more)->cls);
	}
	return f->len <= room;
}

/* What of a frame is in its second buffer; one that it does not fill goes. */
static void fill(struct lull_bufs *b, struct lull_buf *buf,
		 const struct lull_frame *f)
{
	uint32_t room = lull_buf_bytes(buf->cls);

	buf->off = 0;
	buf->len = lull_min(f->len, room);
	buf->next = 0;
	if (f->more && f->len > room) {
		buf->next = f->more;
		lull_buf_at(b, f->more)->next = 0;
		lull_buf_at(b, f->more)->off = 0;
		lull_buf_at(b, f->more)->len = f->len - room;
	} else if (f->more) {
		lull_buf_put(b, f->more);
	}
	buf->flags = (uint8_t)f->flags;
	buf->gso_size = f->gso_size;
}

int lull_rx_put(struct lull_shard *s, const struct lull_frame *frames, int n)
{
	struct lull_rxq *q = &s->rxq;
	struct lull_bufs *b = &s->g.bufs;
	int i;

	for (i = 0; i < n; i++) {
		const struct lull_frame *f = &frames[i];

		if (!is_ours(b, f))
			return i ? i : -EINVAL;
		if (f->len == 0) {
			lull_buf_put(b, f->id);
			if (f->more)
				lull_buf_put(b, f->more);
			continue;
		}
		if (lull_rxq_len(q) > q->mask)
			break;
		fill(b, lull_buf_at(b, f->id), f);
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
	f->more = 0;
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

/* ---- large packets, for a link that can't cut them ---- */

static bool must_cut(const struct lull_shard *s, const struct lull_tx *tx)
{
	uint32_t can = LULL_LINK_TX_GSO | LULL_LINK_TX_CSUM;

	return tx->gso_size && (s->g.link_cap & can) != can;
}

/* Where the cutting of a packet stands. */
struct knife {
	struct lull_cut cut;
	uint32_t span, skip; /* the piece that cut.off lies in, and how deep */
};

/* To the byte at `off`. */
static struct knife put_knife(const struct lull_tx *tx, uint32_t off)
{
	struct knife k = {.cut = {.off = off}, .skip = off};

	while (k.skip >= tx->span[k.span].len)
		k.skip -= tx->span[k.span++].len;
	return k;
}

/* Show the next `k->cut.len` bytes; `sum`: add them up, too. */
static void show_cut(const struct lull_shard *s, const struct lull_tx *tx,
		     struct knife *k, struct lull_frame *f, bool sum)
{
	uint32_t left = k->cut.len;

	k->cut.sum = 0;
	while (left > 0) {
		const struct lull_tx_span *from = &tx->span[k->span];
		uint32_t n = lull_min(left, from->len - k->skip);
		uint8_t *p = lull_buf_at(&s->g.bufs, from->buf)->data +
			     from->off + k->skip;

		f->span[f->spans].ptr = p;
		f->span[f->spans++].len = n;
		if (sum)
			k->cut.sum =
				lull_sum(k->cut.sum, p, n, k->cut.len - left);
		left -= n;
		k->skip += n;
		if (k->skip == from->len) {
			k->skip = 0;
			k->span++;
		}
	}
}

static void cut_one(struct lull_shard *s, const struct lull_tx *tx,
		    struct knife *k, struct lull_frame *f, uint32_t nth)
{
	uint32_t hdr_len = LULL_TX_HDR - tx->hdr_off;
	/* Shown before, and not taken: it is as it was. */
	bool made = nth < s->cuts.made;

	k->cut.len = lull_min(tx->gso_size, tx->payload_len - k->cut.off);
	k->cut.hdr = s->cuts.hdr[(s->cuts.at + nth) % LULL_CUTS];
	k->cut.link_hdr = s->g.link_hdr;
	k->cut.partial = s->g.link_cap & LULL_LINK_TX_CSUM;
	f->id = 0;
	f->more = 0;
	f->len = hdr_len + k->cut.len;
	f->flags = k->cut.partial ? LULL_FRAME_CSUM_PARTIAL : 0;
	f->gso_size = 0;
	f->csum_start = (uint16_t)((lull_addr_is4(&tx->remote) ? 20 : 40) +
				   s->g.link_hdr);
	f->csum_offset = tx->csum_offset;
	f->hdr_len = (uint16_t)hdr_len;
	f->spans = 1;
	f->span[0].ptr = k->cut.hdr;
	f->span[0].len = hdr_len;
	show_cut(s, tx, k, f, !made && !k->cut.partial);
	if (!made) {
		lull_cut(tx, &k->cut);
		s->cuts.made++;
	}
	k->cut.off += k->cut.len;
}

int lull_tx_peek(struct lull_shard *s, struct lull_frame *frames, int n)
{
	const struct lull_txq *q = &s->g.txq;
	uint32_t at = q->head, nth = 0;
	int i = 0;

	for (; i < n && at != s->ip_done; at++) {
		const struct lull_tx *tx = &q->ring[at & q->mask];
		struct knife k;

		if (!must_cut(s, tx)) {
			show(s, tx, &frames[i++]);
			continue;
		}
		k = put_knife(tx, at == q->head ? s->cuts.done : 0);
		while (i < n && nth < LULL_CUTS && k.cut.off < tx->payload_len)
			cut_one(s, tx, &k, &frames[i++], nth++);
		if (k.cut.off < tx->payload_len)
			break;
	}
	return i;
}

/* One segment of the oldest packet has left. Was it the last? */
static bool cut_done(struct lull_shard *s, const struct lull_tx *tx)
{
	s->cuts.at++;
	if (s->cuts.made > 0)
		s->cuts.made--;
	s->cuts.done += tx->gso_size;
	if (s->cuts.done < tx->payload_len)
		return false;
	s->cuts.done = 0;
	return true;
}

void lull_tx_done(struct lull_shard *s, int n)
{
	struct lull_txq *q = &s->g.txq;

	while (n-- > 0 && q->head != s->ip_done) {
		const struct lull_tx *tx = &q->ring[q->head & q->mask];

		if (!must_cut(s, tx) || cut_done(s, tx))
			lull_txq_pop(q, &s->g.bufs);
	}
}
