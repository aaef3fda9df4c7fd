/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buf.c: packet buffers of three sizes, and the ring of packets to send.
 *
 * A buffer is put back when its last reference goes: a queue holds one, each
 * packet on its way out that shows a piece of it holds another. The last
 * eighth of each class is never kept in a queue, so that a program that does
 * not read can't stop the ACKs of everybody else.
 *
 * Entry points: lull_buf_get, _get_kept, _put, _put_all, _cut_front, _cut_back,
 * _may_keep, _left, _is_short; lull_txq_new, _push, _pop; lull_tx_add, _cut,
 * _front, _drop.
 */
#include "base/base.h"

static const uint32_t class_bytes[LULL_BUF_CLASSES] = {256, 2048, 65536};
static const char class_name[LULL_BUF_CLASSES][16] = {
	"buffers 256", "buffers 2k", "buffers 64k"};

uint32_t lull_buf_bytes(enum lull_buf_class cls)
{
	return class_bytes[cls];
}

void lull_bufs_init(struct lull_bufs *b, struct lull_buf *at,
		    uint8_t *const data[LULL_BUF_CLASSES],
		    const uint32_t limit[LULL_BUF_CLASSES])
{
	uint32_t first = 0;

	b->at = at;
	for (uint32_t c = 0; c < LULL_BUF_CLASSES; c++) {
		b->data[c] = data[c];
		b->first[c] = first;
		lull_slab_init(&b->slab[c], at + first, sizeof *at, limit[c],
			       &class_name[c]);
		first += limit[c] + 1;
	}
	b->first[LULL_BUF_CLASSES] = first;
}

static uint32_t class_get(struct lull_bufs *b, uint32_t c)
{
	uint32_t k = lull_slab_get(&b->slab[c]);

	if (!k)
		return 0;
	b->at[b->first[c] + k] = (struct lull_buf){
		.refs = 1,
		.cls = (uint8_t)c,
		.data = b->data[c] + (size_t)(k - 1) * class_bytes[c],
	};
	return b->first[c] + k;
}

uint32_t lull_buf_get(struct lull_bufs *b, uint32_t bytes)
{
	for (uint32_t c = 0; c < LULL_BUF_CLASSES; c++) {
		uint32_t i = bytes <= class_bytes[c] ? class_get(b, c) : 0;

		if (i)
			return i;
	}
	return 0;
}

void lull_buf_put(struct lull_bufs *b, uint32_t i)
{
	struct lull_buf *buf = lull_buf_at(b, i);

	LULL_ASSERT(buf->refs > 0);
	if (--buf->refs == 0)
		lull_slab_put(&b->slab[buf->cls], i - b->first[buf->cls]);
}

void lull_buf_put_all(struct lull_bufs *b, uint32_t i)
{
	while (i) {
		uint32_t next = lull_buf_at(b, i)->next;

		lull_buf_put(b, i);
		i = next;
	}
}

uint32_t lull_buf_cut_front(struct lull_bufs *b, uint32_t i, uint32_t bytes)
{
	while (bytes > 0) {
		struct lull_buf *buf = lull_buf_at(b, i);
		uint32_t n = lull_min(bytes, buf->len);

		LULL_ASSERT(i);
		buf->off += n;
		buf->len -= n;
		buf->seq = lull_seq_add(buf->seq, n);
		bytes -= n;
		if (buf->len == 0) {
			uint32_t next = buf->next;

			lull_buf_put(b, i);
			i = next;
		}
	}
	return i;
}

void lull_buf_cut_back(struct lull_bufs *b, uint32_t i, uint32_t bytes)
{
	struct lull_buf *buf = lull_buf_at(b, i);

	LULL_ASSERT(bytes > 0);
	while (bytes > buf->len) {
		bytes -= buf->len;
		LULL_ASSERT(buf->next);
		buf = lull_buf_at(b, buf->next);
	}
	buf->len = bytes;
	lull_buf_put_all(b, buf->next);
	buf->next = 0;
}

uint32_t lull_buf_get_large(struct lull_bufs *b)
{
	return class_get(b, LULL_BUF_64K);
}

/* What a queue leaves for the link: an eighth, one at least. */
static uint32_t most_kept(const struct lull_slab *s)
{
	return s->limit - lull_max(s->limit / 8, 1);
}

bool lull_buf_may_keep(const struct lull_bufs *b, enum lull_buf_class cls)
{
	return b->slab[cls].used <= most_kept(&b->slab[cls]);
}

uint32_t lull_buf_left(const struct lull_bufs *b, enum lull_buf_class cls)
{
	uint32_t most = most_kept(&b->slab[cls]), used = b->slab[cls].used;

	return most > used ? most - used : 0;
}

bool lull_buf_is_short(const struct lull_bufs *b, enum lull_buf_class cls,
		       uint32_t sixteenths)
{
	uint64_t most = most_kept(&b->slab[cls]);

	return most > 0 && 16ULL * b->slab[cls].used > most * sixteenths;
}

uint32_t lull_buf_get_kept(struct lull_bufs *b, uint32_t bytes)
{
	for (uint32_t c = 0; c < LULL_BUF_CLASSES; c++) {
		const struct lull_slab *s = &b->slab[c];
		uint32_t i = 0;

		if (bytes <= class_bytes[c] && s->used < most_kept(s))
			i = class_get(b, c);
		if (i)
			return i;
	}
	return 0;
}

struct lull_tx *lull_txq_new(struct lull_txq *q)
{
	struct lull_tx *tx = &q->ring[q->tail & q->mask];

	if (!lull_txq_room(q)) {
		q->full++;
		return NULL;
	}
	tx->payload_len = 0;
	tx->hdr_off = LULL_TX_HDR;
	tx->gso_size = 0;
	tx->flags = 0;
	tx->spans = 0;
	tx->has_ip = tx->has_ether = tx->confirm = false;
	return tx;
}

void lull_txq_push(struct lull_txq *q)
{
	LULL_ASSERT(lull_txq_room(q) > 0);
	q->tail++;
	q->peak = lull_max(q->peak, lull_txq_len(q));
}

void lull_txq_pop(struct lull_txq *q, struct lull_bufs *b)
{
	LULL_ASSERT(lull_txq_len(q) > 0);
	lull_tx_drop(&q->ring[q->head & q->mask], b);
	q->head++;
}

void lull_tx_drop(struct lull_tx *tx, struct lull_bufs *b)
{
	for (uint32_t i = 0; i < tx->spans; i++)
		lull_buf_put(b, tx->span[i].buf);
}

void lull_tx_add(struct lull_tx *tx, struct lull_bufs *b,
		 struct lull_tx_span span)
{
	LULL_ASSERT(tx->spans < LULL_TX_SPANS && span.len > 0);
	lull_buf_hold(b, span.buf);
	tx->span[tx->spans++] = span;
	tx->payload_len += span.len;
}

void lull_tx_cut(struct lull_tx *tx, struct lull_bufs *b, uint32_t len)
{
	while (tx->payload_len > len) {
		struct lull_tx_span *last = &tx->span[tx->spans - 1];
		uint32_t n = lull_min(tx->payload_len - len, last->len);

		last->len -= n;
		tx->payload_len -= n;
		if (last->len == 0) {
			lull_buf_put(b, last->buf);
			tx->spans--;
		}
	}
}

uint8_t *lull_tx_front(struct lull_tx *tx, uint32_t n)
{
	LULL_ASSERT(n <= tx->hdr_off);
	tx->hdr_off = (uint16_t)(tx->hdr_off - n);
	return tx->hdr + tx->hdr_off;
}
