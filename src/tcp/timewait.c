/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timewait.c: the rules of TIME_WAIT, and of a FIN_WAIT_2 without a program.
 *
 * 3.6.1, 3.10.7.4, RFC 1122 4.2.2.13, RFC 6191 (new SYN), RFC 7323 5 (PAWS),
 * RFC 1337 (RST). A FIN sent again has SEQ below RCV.NXT, so the first step
 * would already refuse it: its ACK and the restart of 2MSL are done here.
 *
 * Text and FIN are always answered; bare segments and SYNs as often as
 * tcp_invalid_ratelimit allows. Profile linux does as tcp_minisocks.c.
 *
 * Entry points: lull_timewait_arrives, lull_timewait_refuse,
 * lull_timewait_begin, lull_fin_wait_2_begin.
 */
#include "tcp/tcp.h"

/* 2MSL of a new TIME_WAIT: the program's own, or the knob's. */
static uint32_t timewait_ms(const struct lull_tcp *t, uint32_t own_s)
{
	return (own_s ? own_s : (uint32_t)t->g->knobs.timewait_len_s) * 1000;
}

/* Its time begins anew: as long as it was, whatever the knob says now. Of one
 * that an earlier process left only the rest of its time is known, and one that
 * was taken over (sock/timewait.c) has its length written down. */
static void restart(struct lull_tcp *t, uint32_t name)
{
	const struct lull_closing *c = lull_closing_at(t, name);
	uint32_t len_ms = t->length_ms[c->head.length];

	if (t->grown >> c->head.length & 1)
		len_ms = lull_max(len_ms, timewait_ms(t, c->timewait_len_s));
	lull_closing_restart(t, name,
			     lull_max(len_ms, c->timewait_len_s * 1000U));
}

static bool is_linux(const struct lull_tcp *t)
{
	return t->g->profile == LULL_PROFILE_LINUX;
}

/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> */
static void send_ack(struct lull_tcp *t, uint32_t name)
{
	const struct lull_closing *c = lull_closing_at(t, name);
	struct lull_seg out = {
		.seq = c->snd_nxt,
		.ack = c->head.rcv_nxt,
		.flags = LULL_ACK,
		.wnd = c->wnd,
		.wscale = LULL_NO_WSCALE,
	};

	lull_closing_tuple(t, name, &out.tuple);
	if (c->head.flags & LULL_CLOSING_TS) {
		uint32_t offset = lull_secret_of(t, &out.tuple).ts_offset;

		out.has_ts = true;
		out.tsval = lull_ts_now(t, offset);
		out.tsecr = c->life.ts_recent;
	}
	(void)lull_reply(t, &out, c->head.tos & LULL_CLOSING_TOS);
}

/* As lull_may_answer(), in the record's 16 bits. */
static bool may_answer(const struct lull_tcp *t, struct lull_closing *c)
{
	uint16_t now = (uint16_t)t->g->now_ms;
	uint16_t limit = (uint16_t)t->g->knobs.invalid_ratelimit_ms;

	if (c->answered_ms && (uint16_t)(now - c->answered_ms) < limit)
		return false;
	lull_closing_answered(t, c, now ? now : 1);
	return true;
}

/* Refuse by name, and answer: text and FIN always, the rest now and then. */
bool lull_timewait_refuse(struct lull_tcp *t, uint32_t name,
			  const struct lull_seg *seg, enum lull_drop why)
{
	struct lull_closing *c = lull_closing_at(t, name);
	bool always = lull_seg_len(seg) > 0 && !(seg->flags & LULL_SYN);

	lull_refuse(t, seg, why);
	if (always || may_answer(t, c)) {
		send_ack(t, name);
		return true;
	}
	lull_count(t->g, c->head.commit == LULL_TCP_TIME_WAIT
				 ? LULL_COUNT_ACK_SKIPPED_TIME_WAIT
				 : LULL_COUNT_ACK_SKIPPED_FIN_WAIT_2);
	lull_drop(t->g, LULL_DROP_ACK_LIMIT);
	return false;
}

static void refuse(struct lull_tcp *t, uint32_t name,
		   const struct lull_seg *seg, enum lull_drop why)
{
	(void)lull_timewait_refuse(t, name, seg, why);
}

/* RFC 7323 5.3 R1: is the timestamp older than the last one? */
static bool is_paws_old(const struct lull_closing *c,
			const struct lull_seg *seg)
{
	return c->head.flags & LULL_CLOSING_TS && seg->has_ts &&
	       !(seg->flags & LULL_RST) &&
	       (int32_t)(seg->tsval - c->life.ts_recent) < 0;
}

/* RFC 7323 5.3 R3 */
static void note_timestamp(const struct lull_tcp *t, struct lull_closing *c,
			   const struct lull_seg *seg)
{
	if (c->head.flags & LULL_CLOSING_TS && seg->has_ts &&
	    lull_seq_le(seg->seq, c->head.rcv_nxt) &&
	    (int32_t)(seg->tsval - c->life.ts_recent) > 0)
		lull_closing_saw(t, c, seg->tsval);
}

/* ---- TIME_WAIT ---- */

/* RFC 6191 3: may this SYN have the pair? lastSEQ is the old FIN's. */
static bool syn_is_new(const struct lull_tcp *t, const struct lull_closing *c,
		       const struct lull_seg *seg)
{
	bool new_ts = seg->has_ts && t->g->knobs.timestamps;
	bool old_ts = c->head.flags & LULL_CLOSING_TS;
	int32_t newer = (int32_t)(seg->tsval - c->life.ts_recent);
	bool above = lull_seq_ge(seg->seq, c->head.rcv_nxt);

	if (is_linux(t)) { /* one number less, and timestamps from both */
		above = lull_seq_gt(seg->seq, c->head.rcv_nxt);
		if (!old_ts || !seg->has_ts)
			return above;
		return newer >= 0 && (above || newer > 0);
	}
	/* Without timestamps the numbers alone protect, and RFC 6191 does not
	 * think of those that were used before the last connection. */
	if (!new_ts)
		return above && !(c->head.tos & LULL_CLOSING_BACK);
	if (!old_ts)
		return true;
	return newer > 0 || (newer == 0 && above);
}

static void syn_arrives(struct lull_tcp *t, uint32_t name,
			const struct lull_seg *seg)
{
	const struct lull_closing *c = lull_closing_at(t, name);
	struct lull_reopen reopen = {
		.name = name,
		.used = c->snd_nxt,
		.back = c->head.tos & LULL_CLOSING_BACK ||
			lull_seq_lt(seg->seq, c->head.rcv_nxt),
	};
	struct lull_spot spot = {
		.addr = seg->tuple.local,
		.port = seg->tuple.lport,
		.ours = seg->ours,
		.hash = seg->hash,
	};
	uint32_t listener = 0;
	bool old;

	if (syn_is_new(t, c, seg))
		listener = lull_listener_find(t, &spot);
	if (listener) {
		/* The very segment goes to the listener; if that can't take
		 * it, nothing has changed. */
		(void)lull_listen_arrives(t, listener, seg, &reopen);
		return;
	}
	old = is_paws_old(c, seg);
	if (old && is_linux(t)) /* tcp_minisocks.c: begin the time anew */
		restart(t, name);
	refuse(t, name, seg,
	       old ? LULL_DROP_TIME_WAIT_PAWS : LULL_DROP_TIME_WAIT_SYN);
}

static void rst_arrives(struct lull_tcp *t, uint32_t name,
			const struct lull_seg *seg)
{
	const struct lull_closing *c = lull_closing_at(t, name);
	bool exact = lull_seq_eq(seg->seq, c->head.rcv_nxt);

	if (exact && !t->g->knobs.rfc1337) {
		lull_closing_del(t, name, false);
		lull_trace_why(t->g, LULL_END_RST_IN);
		return;
	}
	lull_refuse(t, seg, LULL_DROP_TIME_WAIT_RST);
	if (exact && is_linux(t))
		restart(t, name);
}

/* The peer's FIN again: it did not get our last ACK. */
static bool is_fin_again(const struct lull_closing *c,
			 const struct lull_seg *seg)
{
	return seg->flags & LULL_FIN &&
	       lull_seq_eq(lull_seq_add(seg->seq, lull_seg_len(seg)),
			   c->head.rcv_nxt);
}

static void others_arrive(struct lull_tcp *t, uint32_t name,
			  const struct lull_seg *seg)
{
	struct lull_closing *c = lull_closing_at(t, name);
	bool old = is_paws_old(c, seg);
	bool bare = lull_seg_len(seg) == 0 && !old &&
		    lull_seq_eq(seg->seq, c->head.rcv_nxt);
	bool again = is_fin_again(c, seg) && !old;

	/* R2 before R3: what lies below the window says nothing. */
	if (bare || again)
		note_timestamp(t, c, seg);
	/* Linux restarts for much more; RFC 9293 for a FIN again only. */
	if (again || (is_linux(t) && (bare || old || seg->flags & LULL_ACK)))
		restart(t, name);
	if (again) {
		lull_count(t->g, LULL_COUNT_TW_FIN_AGAIN);
		refuse(t, name, seg, LULL_DROP_TIME_WAIT_FIN);
	} else if (bare) {
		lull_refuse(t, seg, LULL_DROP_TIME_WAIT_ACK);
	} else {
		refuse(t, name, seg,
		       old ? LULL_DROP_TIME_WAIT_PAWS
			   : LULL_DROP_TIME_WAIT_SEQ);
	}
}

/* ---- FIN_WAIT_2 ---- */

/* 3.4, table 6; the window as it was last told, which is at most what it was.
 */
static bool is_acceptable(const struct lull_closing *c,
			  const struct lull_seg *seg)
{
	uint32_t wnd = (uint32_t)c->wnd
		       << (c->head.flags >> LULL_CLOSING_WSCALE_SHIFT);
	uint32_t len = lull_seg_len(seg);
	struct lull_seq last = lull_seq_add(seg->seq, len - 1);

	return lull_seq_eq(seg->seq, c->head.rcv_nxt) ||
	       lull_seq_sub(seg->seq, c->head.rcv_nxt) < wnd ||
	       (len > 0 && lull_seq_sub(last, c->head.rcv_nxt) < wnd);
}

/* First to fifth. 0: it may bring something; else why not. */
static enum lull_drop fin_wait_2_check(const struct lull_closing *c,
				       const struct lull_seg *seg)
{
	bool fits = is_acceptable(c, seg) && !is_paws_old(c, seg);

	if (seg->flags & LULL_RST)
		return fits ? LULL_DROP_RST_CHALLENGE : LULL_DROP_RST_SEQ;
	if (seg->flags & LULL_SYN)
		return LULL_DROP_SYN_CHALLENGE;
	if (!fits)
		return LULL_DROP_FIN_WAIT_2_SEQ;
	if (!(seg->flags & LULL_ACK))
		return LULL_DROP_NO_ACK;
	if (lull_seq_gt(seg->ack, c->snd_nxt))
		return LULL_DROP_ACK_UNSENT;
	return LULL_DROP_NONE;
}

static void fin_wait_2_refuse(struct lull_tcp *t, uint32_t name,
			      const struct lull_seg *seg, enum lull_drop why)
{
	const struct lull_closing *c = lull_closing_at(t, name);
	bool exact = lull_seq_eq(seg->seq, c->head.rcv_nxt);

	if (why == LULL_DROP_RST_CHALLENGE && exact) {
		lull_closing_del(t, name, false);
		lull_trace_why(t->g, LULL_END_RST_IN);
	} else if (why == LULL_DROP_RST_SEQ || why == LULL_DROP_NO_ACK) {
		lull_refuse(t, seg, why);
	} else {
		if (why == LULL_DROP_SYN_CHALLENGE)
			lull_count(t->g, LULL_COUNT_SYN_CHALLENGE);
		refuse(t, name, seg, why);
	}
}

static void fin_wait_2_arrives(struct lull_tcp *t, uint32_t name,
			       const struct lull_seg *seg)
{
	struct lull_closing *c = lull_closing_at(t, name);
	struct lull_seq end = lull_seq_add(seg->seq, seg->text_len);
	enum lull_drop why = fin_wait_2_check(c, seg);
	/* All of ours is acknowledged: RFC 5961 5.2, without the window that a
	 * record does not know. Text with an older ACK is old itself; the RST
	 * would end a peer that has done nothing wrong. */
	bool current = lull_seq_eq(seg->ack, c->snd_nxt);

	if (why) {
		fin_wait_2_refuse(t, name, seg, why);
	} else if (lull_seq_gt(end, c->head.rcv_nxt) && seg->text_len > 0 &&
		   current) {
		/* Text that nobody will read (RFC 2525 2.17). */
		lull_refuse(t, seg, LULL_DROP_FIN_WAIT_2_TEXT);
		lull_reply_rst(t, seg);
		lull_closing_del(t, name, false);
		lull_trace_why(t->g, LULL_END_RST_OUT);
	} else if (seg->flags & LULL_FIN && lull_seq_eq(end, c->head.rcv_nxt)) {
		note_timestamp(t, c, seg);
		lull_closing_fin(t, name, timewait_ms(t, c->timewait_len_s));
		send_ack(t, name);
	} else if (lull_seg_len(seg) > 0) { /* old text, or FIN behind a gap */
		refuse(t, name, seg, LULL_DROP_FIN_WAIT_2_SEQ);
	} else if (current) { /* a bare ACK */
		note_timestamp(t, c, seg);
	}
}

void lull_timewait_arrives(struct lull_tcp *t, uint32_t name,
			   struct lull_seg *seg)
{
	if (lull_closing_at(t, name)->head.commit == LULL_TCP_FIN_WAIT_2)
		fin_wait_2_arrives(t, name, seg);
	else if (seg->flags & LULL_RST)
		rst_arrives(t, name, seg);
	else if ((seg->flags & (LULL_SYN | LULL_ACK)) == LULL_SYN)
		syn_arrives(t, name, seg);
	else
		others_arrive(t, name, seg);
}

/* ---- their beginning ---- */

void lull_timewait_begin(struct lull_tcp *t, struct lull_tcb *tcb, bool ack)
{
	uint32_t own_s = lull_tcb_cold(t, tcb)->timewait_len_s, name;

	if (ack || tcb->flags & LULL_TCB_ACK_NOW) {
		/* The record sends it: also when none is to be had. */
		struct lull_seg out = lull_tcb_segment(t, tcb);

		out.flags = LULL_ACK;
		(void)lull_reply(t, &out, lull_tcb_cold(t, tcb)->tos);
	}
	name = lull_closing_put(t, tcb, LULL_TCP_TIME_WAIT,
				timewait_ms(t, own_s));
	if (!name) {
		lull_tcp_end(t, tcb, 0);
		lull_trace_why(t->g, LULL_END_NO_RECORD);
	}
}

void lull_fin_wait_2_begin(struct lull_tcp *t, struct lull_tcb *tcb)
{
	int32_t own_s = lull_tcb_cold(t, tcb)->linger2_s;
	uint32_t len_s =
		own_s ? (uint32_t)own_s : (uint32_t)t->g->knobs.fin_timeout_s;

	/* An ACK that is due goes first; then lull_tcp_output() settles it. */
	if (tcb->flags & (LULL_TCB_ACK_NOW | LULL_TCB_ACK_LATER)) {
		tcb->flags |= LULL_TCB_ACK_NOW;
		lull_tcp_want(t, tcb);
		return;
	}
	if (!lull_closing_put(t, tcb, LULL_TCP_FIN_WAIT_2, len_s * 1000)) {
		lull_tcp_end(t, tcb, 0);
		lull_trace_why(t->g, LULL_END_NO_RECORD);
	}
}
