/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * urgent.c: the urgent mechanism (3.8.5, RFC 6093).
 *
 * The pointer names the octet behind the urgent data (MUST-62); it says how
 * far to read, and is no second channel. The program is told when it moves on
 * (MUST-32, UN-1) and how much is left (MUST-33); reading stops once before the
 * last urgent octet, which stays in the stream as RFC 6093 wants it. With
 * LULL_OPT_OOBINLINE 0, the default of profile linux, it is taken out of the
 * stream as BSD and Linux do.
 *
 * The mark stands in the user, counted from the next byte to be read: it
 * outlives the connection as the text does.
 *
 * Entry points: lull_urgent_take, _hole, _readable, _skip, _get for what comes
 * in; lull_urgent_mark, _mode, _tell for what goes out.
 */
#include "tcp/tcp.h"

/* ---- in ---- */

/* Behind the last urgent octet. */
static struct lull_seq pointer_of(const struct lull_tcp *t,
				  const struct lull_seg *seg)
{
	uint32_t up = seg->up;

	if (t->g->knobs.stdurg) /* RFC 1122: it names the octet itself */
		up++;
	else if (!up && t->g->profile == LULL_PROFILE_LINUX)
		up = 1; /* tcp_check_urg() */
	return lull_seq_add(seg->seq, up);
}

/* 3.10.7.4, sixth: RCV.UP only moves on. */
void lull_urgent_take(struct lull_tcp *t, struct lull_tcb *tcb,
		      const struct lull_seg *seg)
{
	struct lull_user *u = lull_user_at(t, tcb->user);
	struct lull_seq up = pointer_of(t, seg);
	uint32_t left;

	if (tcb->state != LULL_TCP_ESTABLISHED &&
	    tcb->state != LULL_TCP_FIN_WAIT_1 &&
	    tcb->state != LULL_TCP_FIN_WAIT_2)
		return;
	if (!tcb->user || u->flags & LULL_USER_SHUT_RD ||
	    !lull_seq_gt(up, tcb->rcv.nxt))
		return;
	left = u->text.bytes + lull_seq_sub(up, tcb->rcv.nxt);
	if (left <= u->urgent)
		return;
	u->urgent = left;
	u->urgent_flags &= (uint16_t)~LULL_URGENT_READ;
	lull_count(t->g, LULL_COUNT_URGENT);
	lull_user_news(t, tcb->user, LULL_EVENT_URGENT);
}

/* Is the next octet one that reading leaves out? 1, or 0. */
uint32_t lull_urgent_hole(const struct lull_user *u)
{
	return u->urgent == 1 && u->urgent_flags & LULL_URGENT_APART &&
	       u->text.bytes > 0;
}

uint32_t lull_urgent_readable(const struct lull_user *u)
{
	uint32_t before = u->urgent > 1 ? u->urgent - 1 : UINT32_MAX;

	return lull_min(u->text.bytes, before);
}

void lull_urgent_skip(struct lull_tcp *t, uint32_t user)
{
	if (lull_urgent_hole(lull_user_at(t, user)))
		lull_text_consume(t, user, 1);
}

static uint8_t byte_at(const struct lull_tcp *t, const struct lull_user *u,
		       uint32_t skip)
{
	const struct lull_buf *b = lull_buf_at(&t->g->bufs, u->text.head);

	while (skip >= b->len) {
		skip -= b->len;
		b = lull_buf_at(&t->g->bufs, b->next);
	}
	return b->data[b->off + skip];
}

int lull_urgent_get(struct lull_tcp *t, uint32_t user, uint8_t *byte, bool peek)
{
	struct lull_user *u = lull_user_at(t, user);

	if (!u->urgent || !(u->urgent_flags & LULL_URGENT_APART) ||
	    u->urgent_flags & LULL_URGENT_READ)
		return -EINVAL;
	if (u->urgent > u->text.bytes)
		return -EAGAIN;
	*byte = byte_at(t, u, u->urgent - 1);
	if (peek)
		return 1;
	u->urgent_flags |= LULL_URGENT_READ;
	lull_urgent_skip(t, user);
	return 1;
}

/* ---- out ---- */

/* All that is queued is urgent. */
void lull_urgent_mark(struct lull_tcp *t, struct lull_tcb *tcb)
{
	lull_tcb_cold(t, tcb)->snd_up = tcb->snd.end;
	tcb->flags |= LULL_TCB_URGENT;
}

bool lull_urgent_mode(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	return tcb->flags & LULL_TCB_URGENT &&
	       lull_seq_gt(lull_tcb_cold(t, tcb)->snd_up, tcb->snd.una);
}

/* As Linux: what 16 bits don't reach is told as far as they go, but not in a
 * segment that is sent again, where others tell more. */
void lull_urgent_tell(const struct lull_tcp *t, struct lull_tcb *tcb,
		      struct lull_seg *out)
{
	struct lull_seq up = lull_tcb_cold(t, tcb)->snd_up;
	uint32_t ahead = lull_seq_sub(up, out->seq);

	if (!lull_urgent_mode(t, tcb)) {
		tcb->flags &= ~(uint64_t)LULL_TCB_URGENT;
		return;
	}
	if (out->flags & LULL_RST || !lull_seq_gt(up, out->seq))
		return;
	if (ahead > UINT16_MAX) {
		if (!lull_seq_gt(lull_seq_add(out->seq, UINT16_MAX),
				 tcb->snd.nxt))
			return;
		ahead = UINT16_MAX;
	}
	out->flags |= LULL_URG;
	out->up = (uint16_t)ahead;
}
