/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * input.c: SEGMENT ARRIVES in a state other than CLOSED, LISTEN, SYN-SENT and
 * TIME-WAIT: 3.10.7.4, step by step, with RFC 7323 (PAWS) before the first
 * and RFC 5961 (challenge ACKs) within the second, fourth and fifth.
 *
 * A step that ends the processing returns false. Nothing is sent from here;
 * a connection with something to say is marked for output.
 *
 * Entry point: lull_segment_arrives.
 */
#include "tcp/tcp.h"

#define PAWS_VALID_MS (24U * 24 * 3600 * 1000) /* RFC 7323 5.5 */

static void say_ack(struct lull_tcp *t, struct lull_tcb *tcb)
{
	tcb->flags |= LULL_TCB_ACK_NOW;
	lull_tcp_want(t, tcb);
}

static void skip(struct lull_tcp *t, enum lull_counter_id skipped)
{
	lull_count(t->g, skipped);
	lull_drop(t->g, LULL_DROP_ACK_LIMIT);
}

/* An ACK in answer to what doesn't fit, as often as tcp_invalid_ratelimit. */
static void answer(struct lull_tcp *t, struct lull_tcb *tcb, bool always,
		   enum lull_counter_id skipped)
{
	if (always || lull_may_answer(t, &lull_tcb_cold(t, tcb)->answered_ms))
		say_ack(t, tcb);
	else
		skip(t, skipped);
}

/*
 * RFC 5961 7: all connections together. How many there are in a second is
 * drawn, as in Linux, from half the limit to one and a half, so that nobody
 * learns from them what others got (CVE-2016-5696).
 */
static bool within_limit(struct lull_tcp *t)
{
	uint64_t now_s = t->g->now_ns / 1000000000 + 1; /* 0: never */
	uint32_t limit = (uint32_t)t->g->knobs.challenge_ack_limit;

	if (limit == INT32_MAX)
		return true;
	if (t->challenge_s != (uint32_t)now_s) {
		t->challenge_s = (uint32_t)now_s;
		t->challenges_left = (limit + 1) / 2;
		if (limit)
			t->challenges_left +=
				(uint32_t)(lull_hash_bytes(t->g->keys.port,
							   &now_s,
							   sizeof now_s) %
					   limit);
	}
	if (!t->challenges_left)
		return false;
	t->challenges_left--;
	return true;
}

/* RFC 5961: never more than the rate allows, whatever it carries. */
static void challenge(struct lull_tcp *t, struct lull_tcb *tcb)
{
	lull_count(t->g, LULL_COUNT_CHALLENGE_ACK);
	if (lull_may_answer(t, &lull_tcb_cold(t, tcb)->answered_ms) &&
	    within_limit(t))
		say_ack(t, tcb);
	else
		skip(t, LULL_COUNT_ACK_SKIPPED_CHALLENGE);
}

static void refuse_syn(struct lull_tcp *t, struct lull_tcb *tcb,
		       const struct lull_seg *seg)
{
	lull_refuse(t, seg, LULL_DROP_SYN_CHALLENGE);
	lull_count(t->g, LULL_COUNT_SYN_CHALLENGE);
	challenge(t, tcb);
}

/* It was answered before: its sender should know that it came twice. */
static void old_text(struct lull_tcp *t, struct lull_tcb *tcb,
		     const struct lull_seg *seg)
{
	struct lull_sack dup = {seg->seq,
				lull_seq_add(seg->seq, seg->text_len)};

	if (seg->text_len && lull_seq_le(dup.end, tcb->rcv.nxt))
		lull_sack_twice(t, tcb, dup);
}

/*
 * Refuse what is not in the window, or old. RST: silently. SYN: as the fourth
 * step would (RFC 5961 4.2: whatever its SEQ). What brings text or FIN is
 * always answered: its sender waits, and no loop of ACKs is made of it.
 */
static void refuse(struct lull_tcp *t, struct lull_tcb *tcb,
		   const struct lull_seg *seg, enum lull_drop why)
{
	enum lull_counter_id skipped = why == LULL_DROP_PAWS
					       ? LULL_COUNT_ACK_SKIPPED_PAWS
					       : LULL_COUNT_ACK_SKIPPED_SEQ;

	if (seg->flags & LULL_RST) {
		lull_refuse(t, seg, LULL_DROP_RST_SEQ);
	} else if (seg->flags & LULL_SYN) {
		refuse_syn(t, tcb, seg);
	} else {
		lull_refuse(t, seg, why);
		old_text(t, tcb, seg);
		answer(t, tcb, lull_seg_len(seg) > 0, skipped);
	}
}

/* RFC 7323 5.3 R1. */
static bool check_paws(struct lull_tcp *t, struct lull_tcb *tcb,
		       const struct lull_seg *seg)
{
	uint32_t age_ms = (uint32_t)t->g->now_ms - tcb->opt.ts_recent_ms;

	if (!(tcb->flags & LULL_TCB_TS) || seg->flags & LULL_RST)
		return true;
	if (!seg->has_ts) { /* RFC 7323 3.2; Linux lets it pass */
		if (t->g->profile == LULL_PROFILE_LINUX)
			return true;
		lull_refuse(t, seg, LULL_DROP_NO_TIMESTAMP);
		return false;
	}
	if ((int32_t)(seg->tsval - tcb->opt.ts_recent) >= 0 ||
	    age_ms > PAWS_VALID_MS)
		return true;
	refuse(t, tcb, seg, LULL_DROP_PAWS);
	return false;
}

/* 3.4, table 6: is any of it in the window? */
static bool is_acceptable(const struct lull_tcb *tcb,
			  const struct lull_seg *seg)
{
	uint32_t wnd = lull_seq_sub(tcb->rcv.edge, tcb->rcv.nxt);
	uint32_t len = lull_seg_len(seg);
	struct lull_seq last = lull_seq_add(seg->seq, len - 1);

	/* With no window the next byte's segment may still bring ACK or RST
	 * (MUST-66); take_text keeps nothing of it. */
	if (lull_seq_eq(seg->seq, tcb->rcv.nxt))
		return true;
	if (lull_seq_sub(seg->seq, tcb->rcv.nxt) < wnd)
		return true;
	return len > 0 && lull_seq_sub(last, tcb->rcv.nxt) < wnd;
}

/* First. */
static bool check_seq(struct lull_tcp *t, struct lull_tcb *tcb,
		      const struct lull_seg *seg)
{
	if (!check_paws(t, tcb, seg))
		return false;
	if (!is_acceptable(tcb, seg)) {
		refuse(t, tcb, seg, LULL_DROP_SEQ);
		return false;
	}
	return true;
}

/* What the program is told when the peer resets. */
static int reset_error(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	if (tcb->state == LULL_TCP_SYN_RECEIVED)
		return ECONNREFUSED;
	if (tcb->state == LULL_TCP_CLOSE_WAIT &&
	    t->g->profile == LULL_PROFILE_LINUX)
		return EPIPE; /* tcp_reset() */
	return ECONNRESET;
}

/* Second; RFC 5961 3.2. */
static bool check_rst(struct lull_tcp *t, struct lull_tcb *tcb,
		      const struct lull_seg *seg)
{
	if (!(seg->flags & LULL_RST))
		return true;
	if (lull_seq_eq(seg->seq, tcb->rcv.nxt)) {
		lull_tcp_end(t, tcb, reset_error(t, tcb));
	} else {
		lull_refuse(t, seg, LULL_DROP_RST_CHALLENGE);
		challenge(t, tcb);
	}
	return false;
}

/* Fourth; RFC 5961 4.2. */
static bool check_syn(struct lull_tcp *t, struct lull_tcb *tcb,
		      const struct lull_seg *seg)
{
	if (!(seg->flags & LULL_SYN))
		return true;
	refuse_syn(t, tcb, seg);
	return false;
}

/*
 * RFC 7323 4.3 (2), 5.3 R3: but after the fifth step, as Linux, and never from
 * an old ACK. The stamp of a segment that is refused would make PAWS refuse
 * the peer from then on.
 */
static void take_timestamp(struct lull_tcp *t, struct lull_tcb *tcb,
			   const struct lull_seg *seg)
{
	if (tcb->flags & LULL_TCB_TS && seg->has_ts &&
	    lull_seq_le(seg->seq, tcb->rcv.acked) &&
	    !lull_seq_lt(seg->ack, tcb->snd.una) &&
	    (int32_t)(seg->tsval - tcb->opt.ts_recent) >= 0) {
		tcb->opt.ts_recent = seg->tsval;
		tcb->opt.ts_recent_ms = (uint32_t)t->g->now_ms;
	}
}

/* Fifth. false: the segment, or the connection, is done with. */
static bool check_ack(struct lull_tcp *t, struct lull_tcb *tcb,
		      const struct lull_seg *seg)
{
	struct lull_seq oldest =
		lull_seq(tcb->snd.una.v - tcb->snd.wnd_max); /* RFC 5961 5.2 */

	if (!(seg->flags & LULL_ACK)) {
		lull_refuse(t, seg, LULL_DROP_NO_ACK);
		return false;
	}
	if (tcb->state == LULL_TCP_SYN_RECEIVED) {
		if (!lull_seq_gt(seg->ack, tcb->snd.una) ||
		    lull_seq_gt(seg->ack, tcb->snd.nxt)) {
			lull_refuse(t, seg, LULL_DROP_HALF_ACK);
			lull_reply_rst(t, seg);
			return false;
		}
		lull_tcb_established(t, tcb);
	}
	if (lull_seq_gt(seg->ack, tcb->snd.nxt)) {
		lull_refuse(t, seg, LULL_DROP_ACK_UNSENT);
		answer(t, tcb, false, LULL_COUNT_ACK_SKIPPED_CHALLENGE);
		return false;
	}
	if (lull_seq_lt(seg->ack, oldest)) {
		lull_refuse(t, seg, LULL_DROP_ACK_OLD);
		challenge(t, tcb);
		return false;
	}
	take_timestamp(t, tcb, seg);
	if (tcb->snd.ecn & LULL_ECN_ON)
		lull_ecn_arrives(t, tcb, seg);
	return lull_ack_take(t, tcb, seg);
}

/*
 * 3.5, figure 8: both sides opened, and the peer's SYN-ACK crosses ours. Its
 * SYN has come before, so the first step would refuse it; its ACK is good.
 * false: it is none. Our ACK goes back as for any SYN-ACK (so does Linux).
 */
static bool take_crossing(struct lull_tcp *t, struct lull_tcb *tcb,
			  const struct lull_seg *seg)
{
	uint8_t all = LULL_SYN | LULL_ACK | LULL_RST | LULL_FIN;

	if (tcb->state != LULL_TCP_SYN_RECEIVED || seg->text_len ||
	    (seg->flags & all) != (LULL_SYN | LULL_ACK) ||
	    !lull_seq_eq(lull_seq_add(seg->seq, 1), tcb->rcv.nxt) ||
	    !lull_seq_eq(seg->ack, tcb->snd.nxt))
		return false;
	if (check_paws(t, tcb, seg)) {
		lull_tcb_established(t, tcb);
		take_timestamp(t, tcb, seg);
		tcb->heard_ms = (uint32_t)t->g->now_ms;
		say_ack(t, tcb);
	}
	return true;
}

void lull_segment_arrives(struct lull_tcp *t, struct lull_tcb *tcb,
			  struct lull_seg *seg)
{
	uint32_t before = tcb->rcv.nxt.v;

	if (seg->text_len)
		lull_quick_heard(t, tcb);
	lull_tally_in(t, tcb, seg);
	if (take_crossing(t, tcb, seg))
		return;
	/* First: sequence number. */
	if (!check_seq(t, tcb, seg))
		return;
	/* Second: RST. */
	if (!check_rst(t, tcb, seg))
		return;
	/* Third: security and compartment are not implemented (A.1). */
	/* Fourth: SYN. */
	if (!check_syn(t, tcb, seg))
		return;
	/* Fifth: ACK. */
	if (!check_ack(t, tcb, seg))
		return;
	tcb->heard_ms = (uint32_t)t->g->now_ms;
	lull_tcb_cold(t, tcb)->keep_probes = 0;
	/* Sixth: URG, also with a zero window (MUST-66). */
	if (seg->flags & LULL_URG)
		lull_urgent_take(t, tcb, seg);
	/* Seventh: text. */
	if (!lull_text_take(t, tcb, seg))
		return;
	/* Eighth: FIN. */
	if (!lull_fin_take(t, tcb, seg))
		return;
	if (tcb->rcv.nxt.v < before)
		lull_tcb_cold(t, tcb)->tally.nxt_wraps++;
	lull_orphan_settle(t, tcb);
}
