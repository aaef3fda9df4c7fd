/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sack.c: selective acknowledgements (RFC 2018), and duplicate ones (RFC 2883).
 *
 * The receiver remembers the four islands that it reported last; the first of
 * them has the segment that came last. What came twice is told once, before
 * them. The sender marks ranges by what it is told: whole segments only, so
 * that no peer cuts a range finer than it was sent; nothing out of what is in
 * flight; and no more than VISITS_MAX ranges are looked at for one ACK.
 *
 * Entry points: lull_sack_note, _twice, _moved, _tell, _mss; lull_sack_take.
 */
#include "tcp/tcp.h"

enum {
	VISITS_MAX = 512, /* ranges looked at for one ACK */
	RUN_MAX = 1024,	  /* buffers looked at to find an island's ends */
};

/* ---- the receiver ---- */

static struct lull_sacks *sacks_of(const struct lull_tcp *t,
				   const struct lull_tcb *tcb)
{
	return &lull_tcb_cold(t, tcb)->sacks;
}

static bool touches(struct lull_sack a, struct lull_sack b)
{
	return lull_seq_le(a.start, b.end) && lull_seq_le(b.start, a.end);
}

static void widen(struct lull_sack *a, struct lull_sack b)
{
	if (lull_seq_lt(b.start, a->start))
		a->start = b.start;
	a->end = lull_seq_max(a->end, b.end);
}

/* The island that has `got`: of the four one may have been forgotten. */
static struct lull_sack island(const struct lull_tcp *t,
			       const struct lull_tcb *tcb, struct lull_sack got)
{
	struct lull_sack run = {tcb->rcv.nxt, tcb->rcv.nxt};
	uint32_t i = tcb->rcv.later;

	for (int n = 0; i && n < RUN_MAX; n++) {
		const struct lull_buf *b = lull_buf_at(&t->g->bufs, i);
		struct lull_sack one = {b->seq, lull_seq_add(b->seq, b->len)};

		if (lull_seq_gt(one.start, run.end)) {
			if (touches(run, got))
				break;
			run = one;
		}
		run.end = one.end;
		i = b->next;
	}
	if (touches(run, got))
		widen(&got, run);
	return got;
}

static void tell_later(struct lull_tcb *tcb, const struct lull_sacks *s)
{
	tcb->flags &= ~(uint64_t)LULL_TCB_SACKS;
	if (s->n > 0 || s->has_dup)
		tcb->flags |= LULL_TCB_SACKS;
}

/* RFC 2018 4: the island of the latest first, then as they were reported. */
void lull_sack_note(struct lull_tcp *t, struct lull_tcb *tcb,
		    struct lull_sack got)
{
	struct lull_sacks *s = sacks_of(t, tcb);
	uint8_t kept = 0;

	if (!(tcb->flags & LULL_TCB_SACK))
		return;
	/* Most go on where the last one ended. */
	if (s->n == LULL_SACKS_MAX && !touches(s->block[0], got))
		got = island(t, tcb, got);
	for (uint8_t i = 0; i < s->n; i++) {
		if (touches(s->block[i], got))
			widen(&got, s->block[i]);
		else
			s->block[kept++] = s->block[i];
	}
	kept = kept < LULL_SACKS_MAX ? kept : LULL_SACKS_MAX - 1;
	memmove(s->block + 1, s->block, kept * sizeof s->block[0]);
	s->block[0] = got;
	s->n = (uint8_t)(kept + 1);
	tcb->flags |= LULL_TCB_SACKS;
}

void lull_sack_twice(struct lull_tcp *t, struct lull_tcb *tcb,
		     struct lull_sack dup)
{
	struct lull_sacks *s = sacks_of(t, tcb);

	if (!(tcb->flags & LULL_TCB_SACK) || !t->g->knobs.dsack ||
	    !lull_seq_lt(dup.start, dup.end))
		return;
	lull_count(t->g, lull_seq_lt(dup.start, tcb->rcv.nxt)
				 ? LULL_COUNT_DSACK_OLD_SENT
				 : LULL_COUNT_DSACK_OFO_SENT);
	s->dup = dup;
	s->has_dup = true;
	tcb->flags |= LULL_TCB_SACKS;
}

void lull_sack_moved(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_sacks *s = sacks_of(t, tcb);
	uint8_t kept = 0;

	if (!(tcb->flags & LULL_TCB_SACKS))
		return;
	for (uint8_t i = 0; i < s->n && tcb->rcv.later; i++)
		if (lull_seq_gt(s->block[i].start, tcb->rcv.nxt))
			s->block[kept++] = s->block[i];
	s->n = kept;
	if (!kept && tcb->rcv.later) { /* one that was forgotten */
		const struct lull_buf *b =
			lull_buf_at(&t->g->bufs, tcb->rcv.later);

		s->block[0] =
			island(t, tcb, (struct lull_sack){b->seq, b->seq});
		s->n = 1;
	}
	tell_later(tcb, s);
}

/* How many blocks an ACK would have now. */
static uint32_t blocks(const struct lull_tcb *tcb, const struct lull_sacks *s)
{
	uint32_t most = tcb->flags & LULL_TCB_TS ? 3 : LULL_SACKS_MAX;

	return lull_min(s->n + (uint32_t)s->has_dup, most);
}

uint32_t lull_sack_mss(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	if (!(tcb->flags & LULL_TCB_SACKS))
		return tcb->opt.mss;
	return tcb->opt.mss - lull_sack_bytes(blocks(tcb, sacks_of(t, tcb)));
}

void lull_sack_tell(struct lull_tcp *t, struct lull_tcb *tcb,
		    struct lull_seg *out, uint32_t bytes)
{
	struct lull_sacks *s = sacks_of(t, tcb);
	uint32_t n = blocks(tcb, s), k = 0;

	while (n > 0 && lull_sack_bytes(n) > bytes)
		n--;
	if (n == 0)
		return;
	if (s->has_dup) /* RFC 2883 4: first, and once */
		out->sack[k++] = s->dup;
	s->has_dup = false;
	for (uint32_t i = 0; k < n; i++)
		out->sack[k++] = s->block[i];
	out->sacks = (uint8_t)n;
	tell_later(tcb, s);
}

/* ---- the sender: DSACK ---- */

static struct lull_rack *rack_of(const struct lull_tcp *t,
				 const struct lull_tcb *tcb)
{
	return &lull_tcb_cold(t, tcb)->rack;
}

/* RFC 2883 4: the first block lies below the ACK, or within the second. */
static bool is_dsack(struct lull_tcp *t, const struct lull_seg *seg)
{
	if (lull_seq_lt(seg->sack[0].start, seg->ack)) {
		lull_count(t->g, LULL_COUNT_DSACK_RECV);
		return true;
	}
	if (seg->sacks > 1 &&
	    lull_seq_ge(seg->sack[0].start, seg->sack[1].start) &&
	    lull_seq_le(seg->sack[0].end, seg->sack[1].end)) {
		lull_count(t->g, LULL_COUNT_DSACK_OFO_RECV);
		return true;
	}
	return false;
}

/* Of what the last repair sent again? Only that may undo it. */
static bool is_of_repair(struct lull_tcp *t, const struct lull_tcb *tcb,
			 struct lull_sack dup)
{
	const struct lull_rack *k = rack_of(t, tcb);

	if (!(k->flags & LULL_RACK_UNDO)) {
		lull_count(t->g, LULL_COUNT_DSACK_IGNORED_NO_UNDO);
		return false;
	}
	if (lull_seq_gt(dup.end, k->undo))
		return true;
	lull_count(t->g, LULL_COUNT_DSACK_IGNORED_OLD);
	return false;
}

/* Something of ours came twice. No more can have than we sent twice. */
static void take_dsack(struct lull_tcp *t, struct lull_tcb *tcb,
		       struct lull_sack dup, struct lull_acked *a)
{
	struct lull_rack *k = rack_of(t, tcb);
	uint32_t bytes = lull_seq_sub(dup.end, dup.start);
	uint32_t mss = tcb->opt.mss, segs = (bytes + mss - 1) / mss;

	if (bytes == 0 || bytes > lull_max(tcb->snd.wnd_max, mss) ||
	    lull_seq_gt(dup.end, tcb->snd.nxt)) {
		lull_count(t->g, LULL_COUNT_SACK_DISCARD);
		return;
	}
	k->dsack_dups += segs;
	if (k->dsack_dups > k->total_retrans) {
		k->dsack_dups = k->total_retrans;
		lull_count(t->g, LULL_COUNT_DSACK_IGNORED_DUBIOUS);
		return;
	}
	a->dsack = true;
	a->dsack_tlp = k->flags & LULL_RACK_TLP_OUT &&
		       lull_seq_eq(dup.end, k->tlp_end);
	if (is_of_repair(t, tcb, dup) && k->undo_retrans > 0)
		k->undo_retrans -=
			(int32_t)lull_min(segs, (uint32_t)k->undo_retrans);
}

/* ---- the sender: SACK ---- */

/* In flight: RFC 2018 allows nothing else. */
static bool is_valid(const struct lull_tcb *tcb, struct lull_sack b)
{
	return lull_seq_lt(b.start, b.end) &&
	       lull_seq_le(b.end, tcb->snd.nxt) &&
	       lull_seq_gt(b.start, tcb->snd.una);
}

/*
 * The part of range `i` within `b`, in whole segments, as a range of its own;
 * 0: there is none. *prev is then the range before it.
 */
static uint32_t cut_out(struct lull_tcp *t, struct lull_tcb *tcb,
			struct lull_sack b, uint32_t i, uint32_t *prev)
{
	const struct lull_range *r = lull_range_at(t, i);
	uint32_t len = lull_seq_sub(r->end, r->seq), from = 0, to = len;

	if (lull_seq_lt(r->seq, b.start))
		from = (lull_seq_sub(b.start, r->seq) + r->mss - 1) / r->mss *
		       r->mss;
	if (lull_seq_gt(r->end, b.end))
		to = lull_seq_sub(b.end, r->seq) / r->mss * r->mss;
	if (from >= to)
		return 0;
	if (to < len && !lull_range_split(t, tcb, i, to))
		return 0;
	if (from == 0)
		return i;
	if (!lull_range_split(t, tcb, i, from))
		return 0;
	*prev = i;
	return lull_range_at(t, i)->next;
}

/* One range that overlaps `b`. Where to go on from. */
static uint32_t mark(struct lull_tcp *t, struct lull_tcb *tcb,
		     struct lull_sack b, uint32_t i, uint32_t prev,
		     struct lull_acked *a)
{
	uint32_t part = cut_out(t, tcb, b, i, &prev);
	const struct lull_range *r = lull_range_at(t, part);

	if (!part)
		return i;
	a->sacked = true;
	a->delivered += lull_seq_sub(r->end, r->seq);
	lull_range_arrived(t, tcb, r, false, a);
	if (!(r->flags & LULL_RANGE_RETRANS)) {
		uint32_t us = lull_us_since(t, r->sent_us);

		a->sack_us = a->sack_us ? lull_min(a->sack_us, us) : us;
	}
	return lull_range_sacked(t, tcb, prev, part);
}

/* Mark all of `b`, from range `i` on. Where that ended. */
static uint32_t mark_block(struct lull_tcp *t, struct lull_tcb *tcb,
			   struct lull_sack b, uint32_t i, uint32_t *visits,
			   struct lull_acked *a)
{
	uint32_t prev = 0;

	while (i && *visits > 0) {
		const struct lull_range *r = lull_range_at(t, i);

		if (lull_seq_ge(r->seq, b.end))
			break;
		--*visits;
		if (lull_seq_gt(r->end, b.start) &&
		    !(r->flags & LULL_RANGE_SACKED))
			i = mark(t, tcb, b, i, prev, a);
		prev = i;
		i = lull_range_at(t, i)->next;
	}
	return prev;
}

/* The first block is nearly always at, or behind, where the last one was. */
static uint32_t start_of(const struct lull_tcp *t, const struct lull_tcb *tcb,
			 struct lull_sack b)
{
	uint32_t at = rack_of(t, tcb)->at;

	if (at && lull_seq_le(lull_range_at(t, at)->seq, b.start))
		return at;
	return tcb->snd.ranges;
}

void lull_sack_take(struct lull_tcp *t, struct lull_tcb *tcb,
		    const struct lull_seg *seg, struct lull_acked *a)
{
	uint32_t visits = VISITS_MAX, i = 0, at;
	bool first = true;

	if (is_dsack(t, seg)) {
		take_dsack(t, tcb, seg->sack[0], a);
		i = 1;
	}
	for (; i < seg->sacks; i++) {
		struct lull_sack b = seg->sack[i];

		if (!is_valid(tcb, b)) {
			/* An ACK that was overtaken is none's fault. */
			if (lull_seq_eq(seg->ack, tcb->snd.una) ||
			    lull_seq_gt(b.end, tcb->snd.una))
				lull_count(t->g, LULL_COUNT_SACK_DISCARD);
			continue;
		}
		at = mark_block(t, tcb, b, start_of(t, tcb, b), &visits, a);
		if (first && at)
			rack_of(t, tcb)->at = at;
		first = false;
	}
}
