/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sendq.c: what the program queued.
 *
 * Text is copied once, into buffers that packets then show pieces of. A
 * buffer is filled up before another is taken; its class grows with what is
 * queued, so that memory charged stays near to bytes kept. A record (MSG_EOR)
 * ends with a buffer.
 *
 * Entry points: lull_sendq_put, _end_record, _record, _room, _tell, _show,
 * _acked, _free.
 */
#include "tcp/tcp.h"

enum {
	PACKET_MAX = 65535,
	BIG_BUFFERS = 4, /* of 64 KB: from where on they are not too coarse */
};

static uint32_t unsent_of(const struct lull_tcb *tcb)
{
	return lull_seq_lt(tcb->snd.nxt, tcb->snd.end)
		       ? lull_seq_sub(tcb->snd.end, tcb->snd.nxt)
		       : 0;
}

/*
 * Linux asks for room only where a large packet begins: as many whole segments
 * as half of the peer's largest window holds, or 64 KB. What fills one up is
 * always taken. With so much unsent: bytes until the next one begins.
 */
static uint32_t until_next(const struct lull_tcp *t, const struct lull_tcb *tcb,
			   uint32_t unsent)
{
	uint32_t mss = tcb->opt.mss, most;

	if (t->g->profile != LULL_PROFILE_LINUX)
		return 0;
	most = lull_min(tcb->snd.wnd_max / 2, PACKET_MAX);
	most = lull_max(most - most % mss, mss);
	return unsent % most ? most - unsent % most : 0;
}

/* What tcp_notsent_lowat leaves. */
static uint32_t lowat_room(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	uint32_t room = lull_unsent_room(t, tcb), unsent = unsent_of(tcb);

	if (room >= PACKET_MAX) /* also: there is no such bound */
		return room;
	return room + until_next(t, tcb, unsent + room);
}

/* Of the last buffer, unless a record ends with it. */
static uint32_t tail_room(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	const struct lull_buf *b;

	if (!tcb->snd.tail)
		return 0;
	b = lull_buf_at(&t->g->bufs, tcb->snd.tail);
	return b->flags & LULL_BUF_EOR ? 0 : lull_buf_room(b);
}

/* Without regard to tcp_notsent_lowat. */
static uint32_t buffer_room(const struct lull_tcp *t,
			    const struct lull_tcb *tcb)
{
	uint32_t most = lull_sndbuf_most(t, tcb);

	if (tcb->snd.charge >= most && t->g->profile == LULL_PROFILE_LINUX)
		return 0;
	return tail_room(t, tcb) +
	       (most > tcb->snd.charge ? most - tcb->snd.charge : 0);
}

uint32_t lull_sendq_room(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	uint32_t room = lull_min(buffer_room(t, tcb), lowat_room(t, tcb));

	return room ? room : until_next(t, tcb, unsent_of(tcb));
}

/* Once a third is free, and half of tcp_notsent_lowat: as Linux. */
void lull_sendq_tell(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_user *u = lull_user_at(t, tcb->user);
	uint32_t room, unsent;

	if (!tcb->user || !(u->flags & LULL_USER_WANT_WRITE))
		return;
	room = buffer_room(t, tcb);
	unsent = unsent_of(tcb);
	if (!room || room < tcb->snd.charge / 2 ||
	    lull_unsent_room(t, tcb) < lull_max(unsent, 1))
		return;
	u->flags &= (uint8_t)~LULL_USER_WANT_WRITE;
	lull_user_news(t, tcb->user, LULL_EVENT_WRITE);
}

/* A buffer for `len` more bytes, as large as is sensible; 0: none. */
static uint32_t new_buffer(struct lull_tcp *t, struct lull_tcb *tcb, size_t len,
			   uint32_t charge_most)
{
	const uint32_t big = lull_buf_bytes(LULL_BUF_64K);
	struct lull_bufs *b = &t->g->bufs;
	enum lull_buf_class cls = LULL_BUF_256;
	uint32_t i;

	/* Many small sends share a larger one; one small reply has its own, as
	 * has each small record. */
	if (len > lull_buf_bytes(LULL_BUF_256) ||
	    (tcb->snd.tail && !(tcb->flags & LULL_TCB_RECORDS)))
		cls = LULL_BUF_2K;
	if (len >= 16384 && charge_most >= BIG_BUFFERS * big &&
	    charge_most - tcb->snd.charge >= big)
		cls = LULL_BUF_64K;
	/* When those are gone, smaller ones will do. */
	do
		i = lull_buf_get_kept(b, lull_buf_bytes(cls));
	while (!i && cls-- != LULL_BUF_256);
	if (!i)
		return 0;
	lull_buf_at(b, i)->seq = tcb->snd.end;
	tcb->snd.charge += lull_buf_bytes(lull_buf_at(b, i)->cls);
	lull_mem_add(t, lull_buf_bytes(lull_buf_at(b, i)->cls));
	if (tcb->snd.tail)
		lull_buf_at(b, tcb->snd.tail)->next = i;
	else
		tcb->snd.head = i;
	tcb->snd.tail = i;
	if (!tcb->snd.at)
		tcb->snd.at = i;
	lull_mem_glance(t);
	return i;
}

/* Copy as much as there is room for; 0: none. */
static size_t put_bytes(struct lull_tcp *t, struct lull_tcb *tcb,
			const uint8_t *p, size_t len)
{
	struct lull_bufs *b = &t->g->bufs;
	uint32_t most = lull_sndbuf_most(t, tcb), i = tcb->snd.tail;
	uint32_t room = tail_room(t, tcb);

	if (tcb->snd.charge >= most && t->g->profile == LULL_PROFILE_LINUX) {
		len = lull_min((uint32_t)len,
			       until_next(t, tcb, unsent_of(tcb)));
		most = tcb->snd.charge + 1; /* for what is begun */
	}
	if (!len)
		return 0;
	if (!room) {
		if (tcb->snd.charge >= most)
			return 0;
		i = new_buffer(t, tcb, len, most);
		if (!i)
			return 0;
		room = lull_buf_room(lull_buf_at(b, i));
	}

	struct lull_buf *buf = lull_buf_at(b, i);
	uint32_t n = room < len ? room : (uint32_t)len;

	memcpy(buf->data + buf->off + buf->len, p, n);
	buf->len += n;
	tcb->snd.end = lull_seq_add(tcb->snd.end, n);
	return n;
}

long lull_sendq_put(struct lull_tcp *t, struct lull_tcb *tcb,
		    const struct lull_span *spans, int n)
{
	size_t room, total = 0;

	lull_mem_glance(t);
	room = lowat_room(t, tcb);
	for (int i = 0; i < n && room > 0; i++) {
		const uint8_t *p = spans[i].ptr;
		size_t left = spans[i].len < room ? spans[i].len : room;

		room -= left;
		while (left > 0) {
			size_t k = put_bytes(t, tcb, p, left);

			if (!k)
				goto full;
			p += k;
			left -= k;
			total += k;
		}
	}
	return (long)total;
full:
	if (lull_seq_eq(tcb->snd.una, tcb->snd.end)) /* no ACK will tell it */
		lull_mem_wait(t);
	return (long)total;
}

/* The buffer that holds `seq`; from the cursor when it lies ahead of it. */
static uint32_t buffer_of(const struct lull_tcp *t, const struct lull_tcb *tcb,
			  struct lull_seq seq)
{
	const struct lull_bufs *b = &t->g->bufs;
	uint32_t i = tcb->snd.at;

	if (!i || lull_seq_lt(seq, lull_buf_at(b, i)->seq))
		i = tcb->snd.head;
	while (i && lull_seq_sub(seq, lull_buf_at(b, i)->seq) >=
			    lull_buf_at(b, i)->len)
		i = lull_buf_at(b, i)->next;
	return i;
}

void lull_sendq_end_record(struct lull_tcp *t, struct lull_tcb *tcb)
{
	LULL_ASSERT(tcb->snd.tail);
	lull_buf_at(&t->g->bufs, tcb->snd.tail)->flags |= LULL_BUF_EOR;
	tcb->flags |= LULL_TCB_RECORDS;
}

uint32_t lull_sendq_record(const struct lull_tcp *t, const struct lull_tcb *tcb,
			   struct lull_seq seq, uint32_t most)
{
	uint32_t n = 0;

	for (uint32_t i = buffer_of(t, tcb, seq); i && n < most;) {
		const struct lull_buf *b = lull_buf_at(&t->g->bufs, i);

		n = lull_seq_sub(lull_seq_add(b->seq, b->len), seq);
		if (b->flags & LULL_BUF_EOR)
			break;
		i = b->next;
	}
	return lull_min(n, most);
}

uint32_t lull_sendq_show(struct lull_tcp *t, struct lull_tcb *tcb,
			 struct lull_seq seq, uint32_t len, struct lull_tx *tx)
{
	struct lull_bufs *b = &t->g->bufs;
	uint32_t i = buffer_of(t, tcb, seq), shown = 0;

	while (shown < len && tx->spans < LULL_TX_SPANS) {
		const struct lull_buf *buf = lull_buf_at(b, i);
		uint32_t skip =
			lull_seq_sub(lull_seq_add(seq, shown), buf->seq);

		LULL_ASSERT(i && skip < buf->len);

		uint32_t n = lull_min(buf->len - skip, len - shown);

		lull_tx_add(tx, b,
			    (struct lull_tx_span){i, buf->off + skip, n});
		shown += n;
		if (lull_seq_ge(seq, lull_buf_at(b, tcb->snd.at)->seq))
			tcb->snd.at = i;
		if (shown < len)
			i = buf->next;
	}
	return shown;
}

void lull_sendq_acked(struct lull_tcp *t, struct lull_tcb *tcb,
		      struct lull_seq upto)
{
	struct lull_bufs *b = &t->g->bufs;

	while (tcb->snd.head) {
		uint32_t i = tcb->snd.head;
		struct lull_buf *buf = lull_buf_at(b, i);
		uint32_t n = lull_seq_gt(upto, buf->seq)
				     ? lull_seq_sub(upto, buf->seq)
				     : 0;

		if (n < buf->len) { /* a part of it, or nothing */
			buf->off += n;
			buf->len -= n;
			buf->seq = lull_seq_add(buf->seq, n);
			return;
		}
		tcb->snd.head = buf->next;
		if (tcb->snd.at == i)
			tcb->snd.at = buf->next;
		if (tcb->snd.tail == i)
			tcb->snd.tail = 0;
		tcb->snd.charge -= lull_buf_bytes(buf->cls);
		t->mem.bytes -= lull_buf_bytes(buf->cls);
		lull_buf_put(b, i);
	}
}

void lull_sendq_free(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_bufs *b = &t->g->bufs;

	while (tcb->snd.head) {
		uint32_t next = lull_buf_at(b, tcb->snd.head)->next;

		lull_buf_put(b, tcb->snd.head);
		tcb->snd.head = next;
	}
	t->mem.bytes -= tcb->snd.charge;
	tcb->snd.tail = tcb->snd.at = tcb->snd.charge = 0;
	lull_ranges_free(t, tcb);
}
