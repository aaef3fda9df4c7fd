/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * data.c: the receiver: text in order, text kept for later, the window.
 *
 * A segment's buffer is kept as it is when its text fills half of it or more;
 * less is copied into a smaller one, or behind the last text that waits. So
 * what is charged is at most twice what is held, and a window of half the
 * room that is left never has to be taken back (SHLD-14).
 *
 * Text ahead of a gap is kept in order of SEQ, without overlaps.
 *
 * Entry points: lull_text_take, lull_text_consume, lull_text_free,
 * lull_text_number, lull_later_free, lull_rcv_window.
 */
#include "tcp/tcp.h"

enum {
	COALESCE_MAX = 1024, /* bytes worth copying behind the last ones */
	LATER_MAX = 16384,   /* pieces kept ahead of gaps, */
	LATER_WALK = 1024,   /* of which so many are looked at for one */
};

static struct lull_buf *buf_at(const struct lull_tcp *t, uint32_t i)
{
	return lull_buf_at(&t->g->bufs, i);
}

/* ---- buffers for text ---- */

/* Copy text into buffers of its size. 0: no memory. */
static uint32_t copy_text(struct lull_tcp *t, const struct lull_buf *from)
{
	struct lull_bufs *b = &t->g->bufs;
	uint32_t first = 0, *link = &first, done = 0;

	while (done < from->len) {
		uint32_t n =
			lull_min(from->len - done, lull_buf_bytes(LULL_BUF_2K));
		uint32_t i = lull_buf_get_kept(b, n);
		if (!i) {
			lull_buf_put_all(&t->g->bufs, first);
			return 0;
		}
		memcpy(buf_at(t, i)->data, from->data + from->off + done, n);
		buf_at(t, i)->len = n;
		buf_at(t, i)->seq = lull_seq_add(from->seq, done);
		*link = i;
		link = &buf_at(t, i)->next;
		done += n;
	}
	return first;
}

/* Make the first buffer of the segment's text ours: it, or a chain of copies,
 * or 0: no memory. */
static uint32_t keep_first(struct lull_tcp *t, struct lull_seg *seg)
{
	uint32_t i = seg->buf, kept = i;
	struct lull_buf *b = buf_at(t, i);
	bool half = 2 * b->len >= lull_buf_bytes(b->cls);

	if (!half || !lull_buf_may_keep(&t->g->bufs, b->cls)) {
		/* A large one may find room in small ones. */
		kept = half && b->cls != LULL_BUF_64K ? 0 : copy_text(t, b);
		if (!kept)
			return 0;
	}
	seg->buf = b->next;
	b->next = 0;
	if (kept != i)
		lull_buf_put(&t->g->bufs, i);
	return kept;
}

void lull_text_number(struct lull_tcp *t, const struct lull_seg *seg)
{
	struct lull_seq seq = seg->seq;

	for (uint32_t i = seg->buf; i; i = buf_at(t, i)->next) {
		buf_at(t, i)->seq = seq;
		seq = lull_seq_add(seq, buf_at(t, i)->len);
	}
}

/* Copy a few bytes behind the last text that waits. */
static bool coalesce(struct lull_tcp *t, struct lull_user *u,
		     const struct lull_buf *from)
{
	struct lull_buf *tail = buf_at(t, u->text.tail);

	if (!u->text.tail || from->len > COALESCE_MAX || tail->refs > 1 ||
	    from->len > lull_buf_room(tail))
		return false;
	memcpy(tail->data + tail->off + tail->len, from->data + from->off,
	       from->len);
	tail->len += from->len;
	u->text.bytes += from->len;
	lull_count(t->g, LULL_COUNT_BACKLOG_COALESCE);
	return true;
}

/* Queue a chain for the program. */
static void append(struct lull_tcp *t, struct lull_user *u, uint32_t i)
{
	while (i) {
		struct lull_buf *b = buf_at(t, i);
		uint32_t next = b->next;

		b->next = 0;
		if (coalesce(t, u, b)) {
			lull_buf_put(&t->g->bufs, i);
			i = next;
			continue;
		}
		if (u->text.tail)
			buf_at(t, u->text.tail)->next = i;
		else
			u->text.head = i;
		u->text.tail = i;
		u->text.bytes += b->len;
		u->text.charge += lull_buf_bytes(b->cls);
		lull_mem_add(t, lull_buf_bytes(b->cls));
		i = next;
	}
}

uint32_t lull_text_charge(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	uint32_t used = tcb->rcv.later_charge;

	if (tcb->user)
		used += lull_user_at(t, tcb->user)->text.charge;
	return used;
}

void lull_text_free(struct lull_tcp *t, struct lull_user *u)
{
	lull_buf_put_all(&t->g->bufs, u->text.head);
	t->mem.bytes -= u->text.charge;
	memset(&u->text, 0, sizeof u->text);
}

/* ---- text ahead of a gap ---- */

/* It is no longer among those. */
static void later_out(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t i)
{
	uint32_t bytes = lull_buf_bytes(buf_at(t, i)->cls);

	tcb->rcv.later_charge -= bytes;
	tcb->rcv.later_len--;
	t->mem.bytes -= bytes;
	t->mem.later -= bytes;
}

static uint32_t later_drop(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t i)
{
	uint32_t next = buf_at(t, i)->next;

	later_out(t, tcb, i);
	lull_buf_put(&t->g->bufs, i);
	return next;
}

void lull_later_free(struct lull_tcp *t, struct lull_tcb *tcb)
{
	while (tcb->rcv.later)
		tcb->rcv.later = later_drop(t, tcb, tcb->rcv.later);
	lull_tcb_cold(t, tcb)->later_tail = 0;
	lull_sack_moved(t, tcb);
}

static struct lull_seq buf_end(const struct lull_buf *b)
{
	return lull_seq_add(b->seq, b->len);
}

/* Both have this much in common: it came twice (RFC 2883). */
static void twice(struct lull_tcp *t, struct lull_tcb *tcb,
		  const struct lull_buf *a, const struct lull_buf *b)
{
	struct lull_sack dup = {lull_seq_max(a->seq, b->seq), buf_end(a)};

	if (lull_seq_lt(buf_end(b), dup.end))
		dup.end = buf_end(b);
	lull_sack_twice(t, tcb, dup);
}

static void cut_front(struct lull_buf *b, struct lull_seq from)
{
	uint32_t n = lull_seq_sub(from, b->seq);

	b->off += n;
	b->len -= n;
	b->seq = from;
}

/* Put one buffer where it belongs; what is there already stays. */
static void later_put(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t i)
{
	uint32_t *tail = &lull_tcb_cold(t, tcb)->later_tail;
	struct lull_buf *b = buf_at(t, i);
	uint32_t *link = &tcb->rcv.later;
	bool overlaps = false;

	if (*tail && lull_seq_ge(b->seq, buf_end(buf_at(t, *tail))))
		link = &buf_at(t, *tail)->next; /* behind all, as most are */
	while (*link && lull_seq_le(buf_at(t, *link)->seq, b->seq)) {
		struct lull_buf *before = buf_at(t, *link);

		if (lull_seq_ge(buf_end(before), buf_end(b))) {
			lull_count(t->g, LULL_COUNT_OFO_MERGE);
			twice(t, tcb, before, b);
			lull_buf_put(&t->g->bufs, i);
			return;
		}
		if (lull_seq_gt(buf_end(before), b->seq)) {
			twice(t, tcb, before, b);
			cut_front(b, buf_end(before));
			overlaps = true;
		}
		link = &before->next;
	}
	while (*link && lull_seq_le(buf_end(buf_at(t, *link)), buf_end(b))) {
		twice(t, tcb, buf_at(t, *link), b);
		*link = later_drop(t, tcb, *link);
		overlaps = true;
	}
	if (*link && lull_seq_lt(buf_at(t, *link)->seq, buf_end(b))) {
		twice(t, tcb, buf_at(t, *link), b);
		b->len = lull_seq_sub(buf_at(t, *link)->seq, b->seq);
		overlaps = true;
	}
	b->next = *link;
	*link = i;
	if (!b->next)
		*tail = i;
	tcb->rcv.later_charge += lull_buf_bytes(b->cls);
	tcb->rcv.later_len++;
	t->mem.later += lull_buf_bytes(b->cls);
	lull_mem_add(t, lull_buf_bytes(b->cls));
	if (overlaps)
		lull_count(t->g, LULL_COUNT_OFO_MERGE);
}

/* A long walk is for none: then only what comes behind all others is kept. */
static bool may_stand(const struct lull_tcp *t, const struct lull_tcb *tcb,
		      struct lull_seq seq)
{
	uint32_t tail = lull_tcb_cold(t, tcb)->later_tail;

	return tcb->rcv.later_len < LATER_WALK ||
	       (tcb->rcv.later_len < LATER_MAX &&
		lull_seq_ge(seq, buf_end(buf_at(t, tail))));
}

/* SHLD-31 */
static void take_later(struct lull_tcp *t, struct lull_tcb *tcb,
		       struct lull_seg *seg)
{
	uint32_t used = lull_text_charge(t, tcb);
	uint32_t room = tcb->rcv.buf - lull_min(tcb->rcv.buf, used);
	struct lull_sack got = {seg->seq,
				lull_seq_add(seg->seq, seg->text_len)};
	uint32_t i = 0, next;

	if (may_stand(t, tcb, seg->seq) && seg->text_len <= room &&
	    t->mem.level != LULL_MEM_FULL)
		i = keep_first(t, seg);
	if (!i) {
		lull_refuse(t, seg, LULL_DROP_OFO_PRUNED);
		return;
	}
	lull_count(t->g, LULL_COUNT_OFO_QUEUE);
	lull_tcb_cold(t, tcb)->tally.later_in++;
	do {
		for (; i; i = next) {
			next = buf_at(t, i)->next;
			later_put(t, tcb, i);
		}
		i = seg->buf ? keep_first(t, seg) : 0;
	} while (i);
	if (seg->buf) /* no memory for the rest */
		got.end = buf_at(t, seg->buf)->seq;
	lull_sack_note(t, tcb, got);
}

/* Linux lets a program read on that has said it won't. */
static bool discards(const struct lull_tcp *t, const struct lull_user *u)
{
	return u->flags & LULL_USER_SHUT_RD &&
	       t->g->profile != LULL_PROFILE_LINUX;
}

/* The gap is closed: what was kept behind it is in order now. */
static void pull_later(struct lull_tcp *t, struct lull_tcb *tcb,
		       struct lull_user *u)
{
	while (tcb->rcv.later) {
		uint32_t i = tcb->rcv.later;
		struct lull_buf *b = buf_at(t, i);

		if (lull_seq_gt(b->seq, tcb->rcv.nxt))
			return;
		if (lull_seq_le(buf_end(b), tcb->rcv.nxt)) {
			tcb->rcv.later = later_drop(t, tcb, i);
			continue;
		}
		cut_front(b, tcb->rcv.nxt);
		tcb->rcv.nxt = buf_end(b);
		if (discards(t, u)) {
			tcb->rcv.later = later_drop(t, tcb, i);
			continue;
		}
		tcb->rcv.later = b->next;
		later_out(t, tcb, i);
		b->next = 0;
		append(t, u, i);
	}
	lull_tcb_cold(t, tcb)->later_tail = 0;
}

/* ---- a segment's text ---- */

static bool receives(const struct lull_tcb *tcb)
{
	return tcb->state == LULL_TCP_ESTABLISHED ||
	       tcb->state == LULL_TCP_FIN_WAIT_1 ||
	       tcb->state == LULL_TCP_FIN_WAIT_2;
}

/* Cut off what is there already, and what is beyond the window. */
static enum lull_drop trim(struct lull_tcp *t, struct lull_tcb *tcb,
			   struct lull_seg *seg)
{
	struct lull_bufs *b = &t->g->bufs;
	struct lull_seq end = lull_seq_add(seg->seq, seg->text_len);
	uint32_t room, old;

	if (lull_seq_le(end, tcb->rcv.nxt)) {
		lull_sack_twice(t, tcb, (struct lull_sack){seg->seq, end});
		return LULL_DROP_TEXT_OLD;
	}
	if (lull_seq_lt(seg->seq, tcb->rcv.nxt)) {
		lull_sack_twice(t, tcb,
				(struct lull_sack){seg->seq, tcb->rcv.nxt});
		old = lull_seq_sub(tcb->rcv.nxt, seg->seq);
		seg->buf = lull_buf_cut_front(b, seg->buf, old);
		seg->seq = tcb->rcv.nxt;
		seg->text_len -= old;
	}
	if (lull_seq_ge(seg->seq, tcb->rcv.edge))
		return LULL_DROP_TEXT_BEYOND;
	room = lull_seq_sub(tcb->rcv.edge, seg->seq);
	if (seg->text_len > room) {
		lull_buf_cut_back(b, seg->buf, room);
		seg->text_len = room;
		seg->flags &= (uint8_t)~LULL_FIN; /* it comes again */
	}
	return LULL_DROP_NONE;
}

/* SHLD-18, SHLD-19; at once when there is, or was, a gap (RFC 5681 4.2). */
static void note_ack(struct lull_tcp *t, struct lull_tcb *tcb, bool gap,
		     uint32_t segs)
{
	tcb->rcv.unacked =
		(uint8_t)lull_min(tcb->rcv.unacked + segs, UINT8_MAX);
	lull_tcp_want(t, tcb);
	if (gap || tcb->rcv.unacked >= 2 || tcb->flags & LULL_TCB_QUICKACK ||
	    lull_quick_is(tcb)) {
		tcb->flags |= LULL_TCB_ACK_NOW;
	} else if (!(tcb->flags & LULL_TCB_ACK_LATER)) {
		tcb->flags |= LULL_TCB_ACK_LATER;
		lull_timer_set(t, tcb, LULL_TIMER_ACK, LULL_DELAYED_ACK_MS);
	}
}

/* As much of the text as there is memory for. Returns the bytes. */
static uint32_t queue_text(struct lull_tcp *t, struct lull_tcb *tcb,
			   struct lull_user *u, struct lull_seg *seg)
{
	uint32_t done = 0;

	while (seg->buf) {
		uint32_t i = seg->buf, n = buf_at(t, i)->len;

		if (coalesce(t, u, buf_at(t, i))) {
			seg->buf = buf_at(t, i)->next;
			lull_buf_put(&t->g->bufs, i);
		} else {
			i = 0;
			if (lull_mem_keeps(t, lull_text_charge(t, tcb)))
				i = keep_first(t, seg);
			if (!i)
				break;
			append(t, u, i);
		}
		done += n;
	}
	return done;
}

/* Text in order: what can wait gives way to it. */
static uint32_t queue_due(struct lull_tcp *t, struct lull_tcb *tcb,
			  struct lull_user *u, struct lull_seg *seg)
{
	uint32_t done = queue_text(t, tcb, u, seg);

	if (!seg->buf)
		return done;
	lull_count(t->g, LULL_COUNT_PRUNE_CALLED);
	if (tcb->rcv.later) {
		lull_later_free(t, tcb);
		lull_drop(t->g, LULL_DROP_OFO_PRUNED);
		lull_mem_look(t);
		done += queue_text(t, tcb, u, seg);
	}
	if (seg->buf)
		lull_count(t->g, LULL_COUNT_RCV_PRUNED);
	return done;
}

static void take_in_order(struct lull_tcp *t, struct lull_tcb *tcb,
			  struct lull_seg *seg)
{
	struct lull_user *u = lull_user_at(t, tcb->user);
	bool gap = tcb->rcv.later != 0;
	uint32_t done = seg->text_len;

	if (discards(t, u)) {
		lull_refuse(t, seg, LULL_DROP_TEXT_SHUT);
	} else {
		done = queue_due(t, tcb, u, seg);
		if (seg->buf) { /* it comes again */
			lull_refuse(t, seg, LULL_DROP_TEXT_NO_MEMORY);
			seg->flags &= (uint8_t)~LULL_FIN;
		}
		if (!done)
			return;
	}
	tcb->rcv.nxt = lull_seq_add(tcb->rcv.nxt, done);
	if (gap) {
		pull_later(t, tcb, u);
		lull_sack_moved(t, tcb);
	}
	lull_tune_arrived(t, tcb, seg);
	lull_user_news(t, tcb->user, LULL_EVENT_READ);
	note_ack(t, tcb, gap, seg->segs);
}

/* Nobody will read it, and the peer must know (SHLD-3, RFC 2525 2.17). */
static bool is_unwanted(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	if (tcb->flags & LULL_TCB_ORPHAN)
		return true;
	return tcb->state != LULL_TCP_ESTABLISHED &&
	       lull_user_at(t, tcb->user)->flags & LULL_USER_SHUT_RD;
}

bool lull_text_take(struct lull_tcp *t, struct lull_tcb *tcb,
		    struct lull_seg *seg)
{
	enum lull_drop why;

	if (seg->text_len == 0)
		return true;
	lull_mem_glance(t);
	if (!receives(tcb)) {
		lull_refuse(t, seg, LULL_DROP_TEXT_AFTER_FIN);
		return true;
	}
	why = trim(t, tcb, seg);
	if (why) {
		lull_refuse(t, seg, why);
		lull_quick_again(t, tcb);
		tcb->flags |= LULL_TCB_ACK_NOW;
		lull_tcp_want(t, tcb);
		return true;
	}
	if (is_unwanted(t, tcb)) {
		lull_refuse(t, seg, LULL_DROP_TEXT_AFTER_CLOSE);
		lull_count(t->g, LULL_COUNT_ABORT_ON_DATA);
		lull_reply_rst(t, seg);
		lull_tcp_end(t, tcb, ECONNRESET);
		lull_trace_why(t->g, LULL_END_RST_OUT);
		return false;
	}
	if (lull_seq_eq(seg->seq, tcb->rcv.nxt)) {
		take_in_order(t, tcb, seg);
	} else {
		take_later(t, tcb, seg);
		lull_quick_again(t, tcb);
		tcb->flags |= LULL_TCB_ACK_NOW;
		lull_tcp_want(t, tcb);
	}
	return true;
}

/* ---- the window ---- */

static uint32_t room_for(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	return lull_rcvbuf_room(t, tcb, lull_text_charge(t, tcb));
}

/* MUST-39, 3.8.6.2.2: is it enough to be worth telling? */
static bool worth_telling(const struct lull_tcp *t, const struct lull_tcb *tcb,
			  uint32_t room)
{
	uint32_t now = lull_seq_sub(tcb->rcv.edge, tcb->rcv.nxt);
	uint32_t half;

	if (room <= now || room - now >= 2U * tcb->opt.mss)
		return room > now;
	/* A clamp, or tcp_mem, may leave less than two segments in all. */
	half = lull_rcvbuf_room(t, tcb, 0) / 2;
	return room - now >= half;
}

static uint32_t most_told(const struct lull_tcb *tcb)
{
	return (uint32_t)UINT16_MAX << tcb->opt.rcv_wscale;
}

/* Is it worth an ACK of its own? Linux wants the window to double. */
static bool reading_tells(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	uint32_t now = lull_seq_sub(tcb->rcv.edge, tcb->rcv.nxt);
	uint32_t room = lull_min(room_for(t, tcb), most_told(tcb));

	if (t->g->profile == LULL_PROFILE_LINUX && room < 2 * now)
		return false;
	return worth_telling(t, tcb, room);
}

uint32_t lull_rcv_window(struct lull_tcp *t, struct lull_tcb *tcb)
{
	uint32_t old = lull_seq_sub(tcb->rcv.edge, tcb->rcv.nxt);
	uint32_t unit = 1U << tcb->opt.rcv_wscale;
	uint32_t room = lull_min(room_for(t, tcb), most_told(tcb));
	uint32_t wnd = old, up;

	/* Small steps at a narrow window only; the edge never moves back. */
	if (room > old &&
	    (old >= 2U * tcb->opt.mss || worth_telling(t, tcb, room)))
		wnd = room;
	/* Rounded up, so that the peer sees at least what it saw before; but
	 * not beyond our memory, or many small segments would push the edge on
	 * and on (RFC 7323 2.4). What was told once is taken all the same. */
	up = (wnd + unit - 1) & ~(unit - 1);
	wnd &= ~(unit - 1);
	if (wnd < old && up <= room)
		wnd = up;
	if ((wnd == 0) != !!(tcb->flags & LULL_TCB_ZERO_TOLD)) {
		tcb->flags ^= LULL_TCB_ZERO_TOLD;
		lull_count(t->g, wnd ? LULL_COUNT_FROM_ZERO_WINDOW
				     : LULL_COUNT_TO_ZERO_WINDOW);
	}
	tcb->rcv.edge =
		lull_seq_max(tcb->rcv.edge, lull_seq_add(tcb->rcv.nxt, wnd));
	return wnd;
}

void lull_text_consume(struct lull_tcp *t, uint32_t user, uint32_t bytes)
{
	struct lull_user *u = lull_user_at(t, user);
	struct lull_tcb *tcb = lull_tcb_at(t, lull_name_index(u->name));

	LULL_ASSERT(bytes <= u->text.bytes);
	u->text.bytes -= bytes;
	if (u->urgent)
		u->urgent -= lull_min(bytes, u->urgent);
	while (bytes > 0) {
		uint32_t i = u->text.head;
		struct lull_buf *b = buf_at(t, i);
		uint32_t n = lull_min(bytes, b->len);

		b->off += n;
		b->len -= n;
		bytes -= n;
		if (b->len > 0)
			break;
		u->text.head = b->next;
		if (!u->text.head)
			u->text.tail = 0;
		u->text.charge -= lull_buf_bytes(b->cls);
		t->mem.bytes -= lull_buf_bytes(b->cls);
		lull_buf_put(&t->g->bufs, i);
	}
	if (lull_name_kind(u->name) != LULL_KIND_TCB || !receives(tcb))
		return;
	lull_tune_read(t, tcb);
	if (reading_tells(t, tcb)) {
		tcb->flags |= LULL_TCB_ACK_NOW;
		lull_tcp_want(t, tcb);
	}
}
