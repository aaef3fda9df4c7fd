/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * output.c: what a connection has to say, and whether it may say it now.
 *
 *	retransmissions   what is marked lost, as the window allows
 *	a tail loss probe RFC 8985 7.3
 *	new text and FIN  3.8.6.2.1 (silly windows), 3.7.4 (Nagle)
 *	a probe           3.8.6.1, 3.8.4
 *	an ACK alone      3.8.6.3
 *
 * Each takes the ACK along, so that an ACK alone goes last. It waits once
 * within one turn when the program has news to act on: its answer may carry it.
 *
 * Entry points: lull_tcp_want, lull_tcp_output, lull_tcb_segment.
 */
#include "tcp/tcp.h"

enum {
	HELD_MS = 200,		      /* tcp(7): by TCP_CORK or MSG_MORE */
	FRAME_TEXT_MAX = 65535 - 120, /* in a frame of 64 KB, beside headers */
};

/* What came of one attempt to send. */
enum sent {
	SENT,
	NOTHING, /* that may be sent now */
	FULL,	 /* no room towards the link */
};

void lull_tcp_want(struct lull_tcp *t, struct lull_tcb *tcb)
{
	if (tcb->flags & LULL_TCB_OUT)
		return;
	tcb->flags |= LULL_TCB_OUT;
	lull_list_push(&t->out, lull_tcb_index(t, tcb));
}

struct lull_seg lull_tcb_segment(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_seg out = {
		.tuple = tcb->tuple,
		.seq = tcb->snd.nxt,
		.ack = tcb->rcv.nxt,
		.flags = LULL_ACK,
		.wscale = LULL_NO_WSCALE,
	};

	if (tcb->state != LULL_TCP_SYN_SENT) /* else see syn_options() */
		out.wnd = (uint16_t)(lull_rcv_window(t, tcb) >>
				     tcb->opt.rcv_wscale);
	if (tcb->flags & LULL_TCB_TS) {
		out.has_ts = true;
		out.tsval = lull_ts_now(t, tcb->opt.ts_offset);
		out.tsecr = tcb->opt.ts_recent;
	}
	return out;
}

/* The ACK that this segment carries is no longer due. */
static void acked(struct lull_tcb *tcb)
{
	if (tcb->rcv.unacked)
		lull_quick_acked(tcb);
	tcb->rcv.acked = tcb->rcv.nxt;
	tcb->rcv.unacked = 0;
	tcb->flags &= ~(uint64_t)(LULL_TCB_ACK_NOW | LULL_TCB_ACK_LATER |
				  LULL_TCB_ACK_HELD);
	lull_timer_clear(tcb, LULL_TIMER_ACK);
}

static void emit(struct lull_tcp *t, struct lull_tcb *tcb, struct lull_tx *tx,
		 struct lull_seg *out)
{
	struct lull_ground *g = t->g;
	struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);
	uint32_t len = tx->payload_len + !!(out->flags & LULL_SYN) +
		       !!(out->flags & LULL_FIN);

	if (tcb->flags & LULL_TCB_URGENT)
		lull_urgent_tell(t, tcb, out);
	tx->tos = cold->tos;
	tx->ttl = cold->ttl;
	tx->confirm = tcb->flags & LULL_TCB_CONFIRM;
	tcb->flags &= ~(uint64_t)LULL_TCB_CONFIRM;
	if (tcb->snd.ecn & LULL_ECN_ON)
		lull_ecn_mark(tcb, tx, out,
			      tx->payload_len > 0 &&
				      lull_seq_ge(out->seq, tcb->snd.nxt));
	lull_tally_out(&cold->tally, tx);
	/* A large one gets its checksums where it is cut. */
	lull_tcp_emit(tx, out, &g->bufs,
		      tx->gso_size || g->link_cap & LULL_LINK_TX_CSUM);
	lull_txq_push(&g->txq);
	if (!len || lull_seq_gt(lull_seq_add(out->seq, len), tcb->snd.nxt))
		lull_count_n(g, LULL_COUNT_OUT_SEGS, lull_tx_segs(tx));
	if (out->flags & LULL_ACK)
		acked(tcb);
}

/* SYN, or SYN-ACK when both sides opened; what we offer goes with it. */
static void syn_options(struct lull_tcp *t, struct lull_tcb *tcb,
			struct lull_seg *out)
{
	struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);
	uint32_t wnd = lull_min(tcb->rcv.buf / 2, UINT16_MAX);

	out->mss = lull_mss_offer(t, !lull_addr_is4(&tcb->tuple.local),
				  cold->pmtu.user_mss);
	out->wnd = cold->syn_wnd = (uint16_t)wnd; /* never scaled */
	if (tcb->flags & LULL_TCB_WSCALE)
		out->wscale = lull_wscale_offer(t);
	out->sack_ok = tcb->flags & LULL_TCB_SACK;
	/* RFC 3168 6.1.1.1: the path may not let it by. */
	if (tcb->rtt.backoff > 0 && t->g->knobs.ecn_fallback)
		tcb->snd.ecn &= (uint8_t)~LULL_ECN_ON;
	if (tcb->state == LULL_TCP_SYN_SENT) {
		out->flags = LULL_SYN;
		out->ack = lull_seq(0);
		out->tsecr = 0;
	} else {
		out->flags = LULL_SYN | LULL_ACK;
	}
	if (tcb->snd.ecn & LULL_ECN_ON)
		out->flags |= tcb->state == LULL_TCP_SYN_SENT
				      ? LULL_ECE | LULL_CWR
				      : LULL_ECE;
}

/* What a segment with so much text has left; a probe of the path: nothing. */
static uint32_t room_in(const struct lull_tcb *tcb, uint32_t text)
{
	return tcb->opt.mss > text ? tcb->opt.mss - text : 0;
}

/* Does a record end with the byte before `end`? */
static bool ends_record(const struct lull_tcp *t, const struct lull_tcb *tcb,
			struct lull_seq end)
{
	return tcb->flags & LULL_TCB_RECORDS &&
	       lull_sendq_record(t, tcb, lull_seq(end.v - 1), 2) == 1;
}

/*
 * MUST-61: what is queued, or a record, has left with this one. Linux says so
 * of every packet of several segments, for the sake of who joins them, and of a
 * probe; and not of text that MSG_MORE said more of.
 */
static bool is_pushed(const struct lull_tcp *t, const struct lull_tcb *tcb,
		      const struct lull_tx *tx, const struct lull_range *r)
{
	bool all = lull_seq_ge(r->end, tcb->snd.end) ||
		   ends_record(t, tcb, r->end);

	if (t->g->profile != LULL_PROFILE_LINUX)
		return all;
	return tx->gso_size || tcb->flags & LULL_TCB_PROBE ||
	       (all && !(tcb->flags & LULL_TCB_UNPUSHED));
}

/* One packet for [seq, end): flags say which ends are SYN and FIN. */
static enum sent send_range(struct lull_tcp *t, struct lull_tcb *tcb,
			    struct lull_range *r)
{
	struct lull_tx *tx = lull_txq_new(&t->g->txq);
	uint32_t syn = !!(r->flags & LULL_RANGE_SYN);
	uint32_t fin = !!(r->flags & LULL_RANGE_FIN);
	uint32_t len = lull_seq_sub(r->end, r->seq) - syn - fin;
	struct lull_seg out;
	uint32_t shown = 0;

	if (!tx)
		return FULL;
	if (len > 0)
		shown = lull_sendq_show(t, tcb, lull_seq_add(r->seq, syn), len,
					tx);
	if (shown < len) { /* too many pieces: the rest goes by itself */
		if (shown > tcb->opt.mss)
			shown -= shown % tcb->opt.mss;
		lull_tx_cut(tx, &t->g->bufs, shown);
		r->end = lull_seq_add(r->seq, syn + shown);
		r->flags &= (uint8_t)~LULL_RANGE_FIN;
		fin = 0;
	}
	out = lull_tcb_segment(t, tcb);
	out.seq = r->seq;
	if (syn)
		syn_options(t, tcb, &out);
	if (fin)
		out.flags |= LULL_FIN;
	if (shown > r->mss)
		tx->gso_size = r->mss;
	/* What is sent again may have no room for blocks; new text left some.
	 */
	if (tcb->flags & LULL_TCB_SACKS)
		lull_sack_tell(t, tcb, &out,
			       room_in(tcb, lull_min(shown, r->mss)));
	if (shown > 0 && is_pushed(t, tcb, tx, r))
		out.flags |= LULL_PSH;
	r->sent_us = t->g->now_us;
	emit(t, tcb, tx, &out);
	return SENT;
}

/* ---- again ---- */

/* What one packet may have of a range: ranges of two records may be one, since
 * both were acknowledged by SACK, or since there are too few. */
static uint32_t most_again(const struct lull_tcp *t, const struct lull_tcb *tcb,
			   const struct lull_range *r)
{
	return tcb->flags & LULL_TCB_RECORDS
		       ? lull_sendq_record(t, tcb, r->seq, tcb->opt.mss)
		       : tcb->opt.mss;
}

static void count_again(struct lull_tcp *t, const struct lull_tcb *tcb,
			const struct lull_range *r)
{
	lull_count(t->g, LULL_COUNT_RETRANS_SEGS);
	if (r->flags & LULL_RANGE_SYN)
		lull_count(t->g, LULL_COUNT_SYN_RETRANS);
	else if (tcb->flags & LULL_TCB_RECOVERY)
		lull_count(t->g, LULL_COUNT_FAST_RETRANS);
	else if (tcb->flags & LULL_TCB_LOSS && tcb->rtt.backoff == 0)
		lull_count(t->g, LULL_COUNT_SLOW_START_RETRANS);
}

/*
 * Segments have become smaller, and there is no range for the rest: a segment
 * from its beginning. All of it stays lost, and the next one goes when that was
 * acknowledged, or with the next timeout.
 */
static enum sent send_beginning(struct lull_tcp *t, struct lull_tcb *tcb,
				struct lull_range *r)
{
	struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);
	struct lull_range first = *r;

	/* Since it stays lost, whatever runs finds it again. */
	if (r->flags & LULL_RANGE_RETRANS && lull_seq_eq(r->seq, cold->part))
		return NOTHING;
	first.end = lull_seq_add(r->seq, most_again(t, tcb, r));
	first.flags &= (uint8_t)~LULL_RANGE_FIN;
	if (send_range(t, tcb, &first) == FULL)
		return FULL;
	r->flags |= LULL_RANGE_RETRANS;
	r->sent_us = t->g->now_us;
	cold->part = r->seq;
	lull_tally_again(t, tcb, &first);
	count_again(t, tcb, &first);
	return NOTHING;
}

/* A segment of range `i`, from its beginning. */
static enum sent send_again(struct lull_tcp *t, struct lull_tcb *tcb,
			    uint32_t i)
{
	struct lull_range *r = lull_range_at(t, i), whole;
	uint32_t most = most_again(t, tcb, r);
	uint32_t len = lull_seq_sub(r->end, r->seq) -
		       !!(r->flags & (LULL_RANGE_SYN | LULL_RANGE_FIN));

	/* Without a free range the next one's serves. */
	if (len > most && !lull_range_split(t, tcb, i, most) &&
	    !(lull_range_join(t, tcb, i) && lull_range_split(t, tcb, i, most)))
		return send_beginning(t, tcb, r);
	whole = *r;
	if (send_range(t, tcb, &whole) == FULL)
		return FULL;
	if (!lull_seq_eq(whole.end, r->end))
		(void)lull_range_split(t, tcb, i,
				       lull_seq_sub(whole.end, r->seq));
	lull_range_sent_again(t, tcb, i);
	lull_loss_sent(t, tcb, lull_seq_sub(r->end, r->seq), true);
	lull_tally_again(t, tcb, r);
	count_again(t, tcb, r);
	return SENT;
}

static enum sent retransmit(struct lull_tcp *t, struct lull_tcb *tcb)
{
	bool reno = !(tcb->flags & LULL_TCB_SACK);
	uint32_t i = tcb->snd.lost, len;
	const struct lull_range *r = lull_range_at(t, tcb->snd.ranges);
	enum sent what;

	if (!i)
		return NOTHING;
	/* They stand in nearly that order; but nothing goes on without the
	 * oldest. */
	if (r->flags & LULL_RANGE_LOST)
		i = tcb->snd.ranges;
	r = lull_range_at(t, i);
	len = lull_min(lull_seq_sub(r->end, r->seq), tcb->opt.mss);
	/* Without SACK the one that is marked goes at once (RFC 6582). */
	if (!(reno && tcb->flags & LULL_TCB_RECOVERY) && tcb->snd.pipe > 0 &&
	    tcb->snd.pipe + len > tcb->cc.cwnd + lull_loss_limited(tcb))
		return NOTHING;
	/* RFC 5682 3 (2) b: new text instead, while there is some. */
	if (lull_tcb_cold(t, tcb)->rack.flags & LULL_RACK_FRTO_NEW)
		return NOTHING;
	what = send_again(t, tcb, i);
	/* The oldest has all of a timeout from here (as Linux). */
	if (what == SENT && !reno && i == tcb->snd.ranges)
		lull_timer_set(t, tcb, LULL_TIMER_RTO,
			       lull_rtt_timeout_ms(t, tcb));
	return what;
}

static enum sent send_lost(struct lull_tcp *t, struct lull_tcb *tcb)
{
	enum sent what;

	do
		what = retransmit(t, tcb);
	while (what == SENT);
	return what;
}

/* ---- new ---- */

static bool fin_unsent(const struct lull_tcb *tcb)
{
	return tcb->flags & LULL_TCB_FIN &&
	       lull_seq_le(tcb->snd.nxt, tcb->snd.end);
}

/* Bytes that the peer's window still takes. */
static uint32_t window_left(const struct lull_tcb *tcb)
{
	uint32_t out = lull_seq_sub(tcb->snd.nxt, tcb->snd.una);

	return tcb->snd.wnd > out ? tcb->snd.wnd - out : 0; /* MUST-34 */
}

/*
 * Must the last short one wait for company? While TCP_CORK or MSG_MORE hold
 * it; and by Nagle's rule (SHLD-7) in Minshall's form, as Linux has it: while
 * another *short* one is out. A write of several segments is not cut in two.
 */
static bool last_waits(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	struct lull_seq sml;

	if (tcb->flags & (LULL_TCB_PUSH | LULL_TCB_FIN | LULL_TCB_URGENT) &&
	    (tcb->flags & (LULL_TCB_PUSH | LULL_TCB_FIN) ||
	     lull_urgent_mode(t, tcb)))
		return false;
	if (tcb->flags & (LULL_TCB_CORK | LULL_TCB_MORE))
		return true;
	if (tcb->flags & LULL_TCB_NODELAY || /* MUST-17 */
	    lull_seq_eq(tcb->snd.una, tcb->snd.nxt))
		return false;
	sml = lull_tcb_cold(t, tcb)->sml;
	return lull_seq_gt(sml, tcb->snd.una) && lull_seq_le(sml, tcb->snd.nxt);
}

/* Is less than a whole segment worth sending? `last`: nothing is behind what
 * is queued, which otherwise is a record, with no company to wait for. */
static bool short_may_go(const struct lull_tcp *t, const struct lull_tcb *tcb,
			 uint32_t len, uint32_t queued, bool last)
{
	bool idle = lull_seq_eq(tcb->snd.una, tcb->snd.nxt);

	if (len == queued)
		return !(last && last_waits(t, tcb));
	if (tcb->flags & LULL_TCB_PUSH)
		return true;
	if (!idle && !(tcb->flags & (LULL_TCB_NODELAY | LULL_TCB_FIN)))
		return false;
	/* 3.8.6.2.1 (MUST-38): half of the largest window ever. */
	return len > 0 && len >= tcb->snd.wnd_max / 2;
}

/* Of so many bytes that are unsent: those up to the end of a record, if that is
 * within a packet. */
static uint32_t record_left(const struct lull_tcp *t,
			    const struct lull_tcb *tcb, uint32_t unsent)
{
	uint32_t near =
		lull_min(unsent, lull_max(FRAME_TEXT_MAX, tcb->opt.mss));
	uint32_t n;

	if (!(tcb->flags & LULL_TCB_RECORDS))
		return unsent;
	n = lull_sendq_record(t, tcb, tcb->snd.nxt, near);
	return n < near ? n : unsent;
}

/* How many bytes of new text may go in one packet. */
static uint32_t text_allowed(const struct lull_tcp *t,
			     const struct lull_tcb *tcb)
{
	uint32_t queued = lull_seq_lt(tcb->snd.nxt, tcb->snd.end)
				  ? lull_seq_sub(tcb->snd.end, tcb->snd.nxt)
				  : 0;
	/* Whole segments, in one frame that the link cuts, or link.c does. */
	uint32_t mss = lull_sack_mss(t, tcb);
	uint32_t most = lull_max(FRAME_TEXT_MAX / mss * mss, mss);
	uint32_t cwnd = tcb->cc.cwnd + lull_loss_limited(tcb), len;
	uint32_t cwnd_left = cwnd > tcb->snd.pipe ? cwnd - tcb->snd.pipe : 0;
	uint32_t record = record_left(t, tcb, queued);
	bool last = record == queued;

	queued = record;
	/* One urgent pointer is not right for all; CWR is for one of them. */
	if (tcb->flags & LULL_TCB_URGENT || tcb->snd.ecn & LULL_ECN_CWR)
		most = mss;
	else
		most = lull_pace_piece(t, tcb, most);
	len = lull_min(lull_min(queued, window_left(tcb)), most);
	/* One segment may always go; and one that is to find out. */
	if (tcb->snd.pipe == 0 ||
	    lull_tcb_cold(t, tcb)->rack.flags & LULL_RACK_TLP)
		cwnd_left = lull_max(cwnd_left, mss);
	len = lull_min(len, cwnd_left);
	if (len == 0)
		return 0;
	/* SHLD-28: whole segments, and a short one only for a reason. */
	if (len > mss && (len < queued || (last && last_waits(t, tcb))))
		len -= len % mss;
	if (len < mss && !short_may_go(t, tcb, len, queued, last))
		return 0;
	return len;
}

/* RFC 4821: more than an MSS in one packet. */
static enum sent send_path_probe(struct lull_tcp *t, struct lull_tcb *tcb,
				 struct lull_range *r, uint32_t text)
{
	r->end = lull_seq_add(r->seq, text);
	r->mss = (uint16_t)text;
	lull_pmtu_sent(t, tcb, r->seq, text);
	if (send_range(t, tcb, r) == FULL) {
		lull_pmtu_sent(t, tcb, r->seq, 0);
		return FULL;
	}
	lull_pmtu_sent(t, tcb, r->seq, lull_seq_sub(r->end, r->seq));
	return SENT;
}

static enum sent send_new(struct lull_tcp *t, struct lull_tcb *tcb)
{
	bool live = lull_pmtu_is_live(lull_tcb_cold(t, tcb));
	struct lull_range r = {.seq = tcb->snd.nxt};
	uint32_t len, probe = 0;
	enum sent what;
	bool fin;

	if (live)
		lull_pmtu_refresh(t, tcb);
	if (lull_seq_eq(tcb->snd.una, tcb->snd.nxt) &&
	    lull_seq_lt(tcb->snd.nxt, tcb->snd.end))
		lull_cc_idle(t, tcb);
	r.mss = (uint16_t)lull_sack_mss(t, tcb);
	len = text_allowed(t, tcb);
	if (len > 0 && !(lull_tcb_cold(t, tcb)->rack.flags & LULL_RACK_TLP) &&
	    lull_pace_holds(t, tcb))
		return NOTHING;
	if (live && len > 0)
		probe = lull_pmtu_probe(t, tcb);
	if (probe == LULL_PMTU_WAIT)
		return NOTHING;
	if (record_left(t, tcb, probe) < probe)
		probe = 0;
	r.end = lull_seq_add(r.seq, len);
	/* Behind a probe there is always more. */
	fin = !probe && fin_unsent(tcb) && lull_seq_eq(r.end, tcb->snd.end);
	/* FIN needs a window, but no congestion window (as Linux). */
	if (len == 0 && !(fin && window_left(tcb) > 0))
		return NOTHING;
	if (fin) {
		r.end = lull_seq_add(r.end, 1);
		r.flags = LULL_RANGE_FIN;
	}
	if (t->ranges.used == t->ranges.limit) {
		t->ranges.empty++;
		return NOTHING;
	}
	what = probe ? send_path_probe(t, tcb, &r, probe)
		     : send_range(t, tcb, &r);
	if (what == FULL)
		return FULL;
	if (LULL_NEVER(!lull_range_add(t, tcb, r)))
		return NOTHING;
	/* It may have been too many pieces for one packet. */
	len = lull_seq_sub(r.end, r.seq) - !!(r.flags & LULL_RANGE_FIN);
	if (tcb->flags & LULL_TCB_RECOVERY)
		lull_loss_sent(t, tcb, len, false);
	else if (!(lull_tcb_cold(t, tcb)->rack.flags & LULL_RACK_REO_TIMER))
		lull_timer_clear(tcb, LULL_TIMER_LOSS); /* begins anew */
	tcb->snd.nxt = r.end;
	if (!probe && len % r.mss)
		lull_tcb_cold(t, tcb)->sml = r.end;
	if (len >= tcb->opt.mss)
		lull_tally_sent(t, tcb);
	tcb->flags &= ~(uint64_t)(LULL_TCB_PUSH | LULL_TCB_PROBE);
	lull_tcb_cold(t, tcb)->sent_ms = (uint32_t)t->g->now_ms;
	lull_quick_answered(t, tcb);
	lull_cc_sent(t, tcb, lull_seq_sub(r.end, r.seq));
	return SENT;
}

/* The first SYN of an active open. */
static enum sent send_syn(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_range r = {
		.seq = tcb->snd.una,
		.end = lull_seq_add(tcb->snd.una, 1),
		.mss = tcb->opt.mss,
		.flags = LULL_RANGE_SYN,
	};

	if (!lull_seq_eq(tcb->snd.nxt, tcb->snd.una))
		return NOTHING; /* sent; again only when it is lost */
	if (t->ranges.used == t->ranges.limit)
		return NOTHING;
	if (send_range(t, tcb, &r) == FULL)
		return FULL;
	if (LULL_NEVER(!lull_range_add(t, tcb, r)))
		return NOTHING;
	tcb->snd.nxt = r.end;
	lull_tcb_cold(t, tcb)->sent_ms = (uint32_t)t->g->now_ms;
	return SENT;
}

/* ---- ACK, probe, RST ---- */

static enum sent send_bare(struct lull_tcp *t, struct lull_tcb *tcb,
			   struct lull_seq seq)
{
	struct lull_tx *tx = lull_txq_new(&t->g->txq);
	struct lull_seg out;

	if (!tx)
		return FULL;
	out = lull_tcb_segment(t, tcb);
	out.seq = seq;
	if (tcb->flags & LULL_TCB_SACKS)
		lull_sack_tell(t, tcb, &out, tcb->opt.mss);
	emit(t, tcb, tx, &out);
	return SENT;
}

/*
 * SEQ below the window draws an ACK from whoever is there. Urgent mode is told
 * by one at its edge, which the peer looks into (MUST-66), as Linux does.
 */
static enum sent send_probe(struct lull_tcp *t, struct lull_tcb *tcb)
{
	if (!(tcb->flags & LULL_TCB_PROBE))
		return NOTHING;
	if (lull_urgent_mode(t, tcb) && send_bare(t, tcb, tcb->snd.una) == FULL)
		return FULL;
	if (send_bare(t, tcb, lull_seq(tcb->snd.una.v - 1)) == FULL)
		return FULL;
	tcb->flags &= ~(uint64_t)(LULL_TCB_PROBE | LULL_TCB_PUSH);
	if (tcb->flags & LULL_TCB_PERSIST)
		lull_count(t->g, LULL_COUNT_WIN_PROBE);
	return SENT;
}

static enum sent send_ack(struct lull_tcp *t, struct lull_tcb *tcb)
{
	const struct lull_user *u = lull_user_at(t, tcb->user);

	if (!(tcb->flags & LULL_TCB_ACK_NOW))
		return NOTHING;
	if (tcb->user && u->flags & LULL_USER_READY &&
	    !(tcb->flags & LULL_TCB_ACK_HELD)) {
		tcb->flags |= LULL_TCB_ACK_HELD;
		t->held = true;
		lull_count(t->g, LULL_COUNT_ACK_WITH_ANSWER);
		lull_tcp_want(t, tcb);
		return NOTHING;
	}
	return send_bare(t, tcb, tcb->snd.nxt);
}

/* 3.10.5: <SEQ=SND.NXT><CTL=RST>, with ACK as everybody sends it. */
static enum sent send_rst(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_tx *tx = lull_txq_new(&t->g->txq);
	struct lull_seg out;

	if (!tx)
		return FULL;
	out = lull_tcb_segment(t, tcb);
	out.flags |= LULL_RST;
	emit(t, tcb, tx, &out);
	lull_count(t->g, LULL_COUNT_OUT_RSTS);
	lull_tcb_free(t, tcb);
	return SENT;
}

/* ---- one connection, and all of them ---- */

/* The last `len` of range `i`, for which there is no range of its own: all of
 * it counts as sent again. */
static enum sent send_end(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t i,
			  uint32_t len)
{
	struct lull_range end = *lull_range_at(t, i);

	end.seq = lull_seq(end.end.v - len);
	if (send_range(t, tcb, &end) == FULL)
		return FULL;
	lull_range_sent_again(t, tcb, i);
	lull_loss_sent(t, tcb, len, true);
	lull_tally_again(t, tcb, &end);
	count_again(t, tcb, &end);
	return SENT;
}

/* RFC 8985 7.3: there was nothing new to send: the last segment again. */
static enum sent send_tlp(struct lull_tcp *t, struct lull_tcb *tcb)
{
	uint32_t i = tcb->snd.ranges_end, len, tail;
	const struct lull_range *r = lull_range_at(t, i);
	enum sent what;

	lull_tcb_cold(t, tcb)->rack.flags &= (uint16_t)~LULL_RACK_TLP;
	if (!i || r->flags & (LULL_RANGE_LOST | LULL_RANGE_SACKED))
		return NOTHING;
	len = lull_seq_sub(r->end, r->seq);
	tail = (len - 1) % lull_min(r->mss, tcb->opt.mss) + 1;
	if (len <= tcb->opt.mss + 1U)
		what = send_again(t, tcb, i);
	else if (lull_range_split(t, tcb, i, len - tail)) /* a large frame */
		what = send_again(t, tcb, tcb->snd.ranges_end);
	else
		what = send_end(t, tcb, i, tail);
	if (what == SENT)
		lull_tlp_sent(t, tcb, true);
	else if (what == FULL)
		lull_tcb_cold(t, tcb)->rack.flags |= LULL_RACK_TLP;
	return what;
}

/* RFC 5682 3 (2) b: there was no new text after all. */
static bool frto_ends(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	struct lull_rack *k = &lull_tcb_cold(t, tcb)->rack;

	if (!tcb->snd.lost || !(k->flags & LULL_RACK_FRTO_NEW) ||
	    lull_seq_gt(tcb->snd.nxt, tcb->cc.recover))
		return false;
	k->flags &= (uint16_t) ~(LULL_RACK_FRTO | LULL_RACK_FRTO_NEW);
	return true;
}

/* Until nothing more may go. */
static enum sent send_all(struct lull_tcp *t, struct lull_tcb *tcb)
{
	bool opening = tcb->state == LULL_TCP_SYN_SENT ||
		       tcb->state == LULL_TCP_SYN_RECEIVED;
	enum sent what;

	what = send_lost(t, tcb);
	while (what != FULL) {
		what = opening ? send_syn(t, tcb) : send_new(t, tcb);
		if (what != SENT)
			break;
		if (lull_tcb_cold(t, tcb)->rack.flags & LULL_RACK_TLP)
			lull_tlp_sent(t, tcb, false);
	}
	if (what != FULL && lull_tcb_cold(t, tcb)->rack.flags & LULL_RACK_TLP)
		what = send_tlp(t, tcb);
	if (what != FULL && frto_ends(t, tcb))
		what = send_lost(t, tcb);
	lull_sendq_tell(t, tcb); /* less is unsent than was */
	if (opening) /* no range for its SYN: that was tried again just now */
		tcb->flags &= ~(uint64_t)LULL_TCB_PROBE;
	else if (what != FULL)
		what = send_probe(t, tcb);
	if (what != FULL && tcb->state != LULL_TCP_SYN_SENT)
		what = send_ack(t, tcb);
	return what;
}

/*
 * No probe later than this. Text is held back by TCP_CORK and MSG_MORE for 200
 * ms, says tcp(7); Linux itself waits for its persist timer, as profile linux
 * does.
 */
static uint32_t most_ms(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	bool held = tcb->flags & (LULL_TCB_CORK | LULL_TCB_MORE);

	if (held && window_left(tcb) > 0 && t->g->profile != LULL_PROFILE_LINUX)
		return HELD_MS;
	return lull_timer_user_left(t, tcb);
}

/* RFC 6298 5.1; or, with nothing out and something in, the persist timer. */
static void arm(struct lull_tcp *t, struct lull_tcb *tcb)
{
	bool out = !lull_seq_eq(tcb->snd.una, tcb->snd.nxt);
	bool text = lull_seq_lt(tcb->snd.nxt, tcb->snd.end);
	bool in = text || fin_unsent(tcb);

	lull_tally_busy(t, tcb, text, out);
	if (out && tcb->flags & LULL_TCB_PERSIST) {
		/* The probe found room: from here on it's a retransmission. */
		tcb->flags &= ~(uint64_t)LULL_TCB_PERSIST;
		tcb->snd.probes = tcb->rtt.backoff = 0;
		lull_timer_clear(tcb, LULL_TIMER_RTO);
	}
	if (!out && !in) {
		tcb->flags &= ~(uint64_t)LULL_TCB_PERSIST;
		lull_timer_clear(tcb, LULL_TIMER_RTO);
		return;
	}
	if (!lull_timer_is_set(tcb, LULL_TIMER_RTO)) {
		if (!out && lull_timer_is_set(tcb, LULL_TIMER_PACE))
			return; /* what is in waits for its time, not for the
				   peer */
		if (!out)
			tcb->flags |= LULL_TCB_PERSIST;
		lull_timer_set(t, tcb, LULL_TIMER_RTO,
			       lull_min(lull_rtt_timeout_ms(t, tcb),
					out ? lull_timer_user_left(t, tcb)
					    : most_ms(t, tcb)));
	}
	if (out && tcb->flags & LULL_TCB_SACK &&
	    !lull_timer_is_set(tcb, LULL_TIMER_LOSS))
		lull_tlp_schedule(t, tcb);
}

static enum sent output_one(struct lull_tcp *t, struct lull_tcb *tcb)
{
	enum sent what;

	if (tcb->flags & LULL_TCB_DEAD)
		return send_rst(t, tcb);
	what = send_all(t, tcb);
	arm(t, tcb);
	/* In Linux MSG_MORE is said of one push: the next ACK is another. */
	if (tcb->flags & LULL_TCB_MORE && what != FULL &&
	    t->g->profile == LULL_PROFILE_LINUX)
		tcb->flags &= ~(uint64_t)LULL_TCB_MORE;
	if (what != FULL && !(tcb->flags & LULL_TCB_ACK_NOW))
		lull_orphan_settle(t, tcb);
	return what;
}

bool lull_tcp_output(struct lull_tcp *t)
{
	t->held = false;
	for (uint32_t n = t->out.len; n > 0; n--) {
		struct lull_tcb *tcb = lull_tcb_at(t, lull_list_pop(&t->out));

		tcb->flags &= ~(uint64_t)LULL_TCB_OUT;
		if (output_one(t, tcb) == FULL) {
			lull_tcp_want(t, tcb);
			return false;
		}
	}
	return true;
}
