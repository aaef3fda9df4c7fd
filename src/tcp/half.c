/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * half.c: a connection that a peer asked for, until it is established:
 * SYN_RECEIVED of a passive open, in as few bytes as that takes.
 *
 * The steps of 3.10.7.4 for SYN-RECEIVED, with RFC 5961's challenge ACKs. The
 * last ACK makes a full connection in the same place of the flow table, and
 * is then processed there with all that it carries.
 *
 * Entry points: lull_half_arrives, lull_half_timer, lull_half_answer,
 * lull_half_abandon, lull_half_abort, lull_half_send_syn_ack, lull_half_end;
 * for cookie.c lull_half_say_syn_ack, lull_half_grow, lull_half_leave.
 */
#include "tcp/tcp.h"

static uint32_t window_of(const struct lull_tcp *t)
{
	return lull_min(lull_rcvbuf_first(t) / 2, UINT16_MAX);
}

static struct lull_listener *listener_of(const struct lull_tcp *t,
					 const struct lull_half *h)
{
	struct lull_listener *l = lull_listener_at(t, h->listener);

	return l->live && l->gen == h->listener_gen ? l : NULL;
}

/* What every segment from a half-open connection has. */
static struct lull_seg segment(const struct lull_tcp *t,
			       const struct lull_half *h)
{
	struct lull_seg out = {
		.tuple = h->tuple,
		.ack = lull_seq_add(h->irs, 1),
		.flags = LULL_ACK,
		.wscale = LULL_NO_WSCALE,
		.wnd = (uint16_t)window_of(t),
	};

	if (h->flags & LULL_HALF_TS) {
		out.has_ts = true;
		out.tsval = lull_ts_now(t, h->ts_offset) - h->ts_back_ms;
		out.tsecr = h->ts_recent;
	}
	return out;
}

bool lull_half_say_syn_ack(struct lull_tcp *t, const struct lull_half *h)
{
	const struct lull_listener *l = listener_of(t, h);
	struct lull_seg out = segment(t, h);

	out.seq = h->iss;
	out.flags |= LULL_SYN;
	out.mss = lull_mss_offer(t, !lull_addr_is4(&h->tuple.local),
				 l ? l->user_mss : 0);
	out.sack_ok = h->flags & LULL_HALF_SACK;
	if (h->flags & LULL_HALF_WSCALE)
		out.wscale = lull_wscale_offer(t);
	if (h->flags & LULL_HALF_ECN)
		out.flags |= LULL_ECE; /* RFC 3168 6.1.1 */
	return lull_reply(t, &out, 0);
}

void lull_half_send_syn_ack(struct lull_tcp *t, uint32_t i)
{
	struct lull_half *h = lull_half_at(t, i);

	if (h->flags & LULL_HALF_SENT)
		h->flags |= LULL_HALF_AGAIN;
	h->flags |= LULL_HALF_SENT;
	h->sent_us = t->g->now_us;
	(void)lull_half_say_syn_ack(t, h);
}

/* An ACK for a segment that doesn't fit, now and then. */
static void answer_ack(struct lull_tcp *t, struct lull_half *h)
{
	struct lull_seg out = segment(t, h);

	if (!lull_may_answer(t, &h->answered_ms)) {
		lull_count(t->g, LULL_COUNT_ACK_SKIPPED_SYN_RECV);
		return;
	}
	out.seq = lull_seq_add(h->iss, 1);
	if (h->flags & LULL_HALF_WSCALE)
		out.wnd = (uint16_t)(window_of(t) >> lull_wscale_offer(t));
	(void)lull_reply(t, &out, 0);
}

/* Leave the wheel, the listener's count and the slab; not the flow table. */
static void release(struct lull_tcp *t, uint32_t i)
{
	struct lull_half *h = lull_half_at(t, i);
	struct lull_listener *l = listener_of(t, h);

	lull_wheel_clear(&t->wheel, lull_name(LULL_KIND_HALF, i));
	if (l)
		l->halves--;
	h->live = false;
	lull_slab_put(&t->halves, i);
}

void lull_half_leave(struct lull_tcp *t, uint32_t i)
{
	lull_shadow_drop(t, &lull_half_at(t, i)->shadow);
	release(t, i);
}

void lull_half_end(struct lull_tcp *t, uint32_t i, int error,
		   enum lull_trace_end why)
{
	struct lull_half *h = lull_half_at(t, i);
	uint32_t hash = (uint32_t)lull_hash_tuple(t->g->keys.flow, &h->tuple);
	uint32_t name = lull_name(LULL_KIND_HALF, i);

	if (h->shadow) /* RFC 1122 4.2.2.13 (2) */
		lull_shadow_return(t, &h->shadow, hash, name);
	else
		lull_table_del(&t->flows, hash, name);
	lull_tcp_moved(t, &h->tuple, LULL_TCP_SYN_RECEIVED, LULL_TCP_CLOSED,
		       h->iss, lull_seq_add(h->irs, 1));
	lull_trace_why(t->g, why);
	if (h->user)
		lull_user_ended(t, h->user, error);
	release(t, i);
}

/* 3.10.7.4, first: is it in the window? RFC 7323 5.3 before that. */
static enum lull_drop check_seq(const struct lull_tcp *t,
				const struct lull_half *h,
				const struct lull_seg *seg)
{
	struct lull_seq nxt = lull_seq_add(h->irs, 1);
	uint32_t ahead = lull_seq_sub(seg->seq, nxt);

	if (h->flags & LULL_HALF_TS && seg->has_ts &&
	    !(seg->flags & LULL_RST) &&
	    (int32_t)(seg->tsval - h->ts_recent) < 0)
		return LULL_DROP_HALF_PAWS;
	if (seg->flags & LULL_SYN && !(seg->flags & (LULL_ACK | LULL_RST)) &&
	    lull_seq_eq(seg->seq, h->irs))
		return LULL_DROP_HALF_SYN_AGAIN;
	/* Old bytes in front are cut off later, old ones alone are refused. */
	if (ahead < window_of(t))
		return LULL_DROP_NONE;
	if (lull_seq_sub(nxt, seg->seq) < lull_seg_len(seg))
		return LULL_DROP_NONE;
	return LULL_DROP_HALF_SEQ;
}

static void seq_refused(struct lull_tcp *t, uint32_t i,
			const struct lull_seg *seg, enum lull_drop why)
{
	struct lull_half *h = lull_half_at(t, i);

	lull_refuse(t, seg, why);
	if (h->answer || seg->flags & LULL_RST)
		return;
	if (why != LULL_DROP_HALF_SYN_AGAIN)
		answer_ack(t, h);
	else if (lull_may_answer(t, &h->answered_ms))
		lull_half_send_syn_ack(t, i);
	else
		lull_count(t->g, LULL_COUNT_ACK_SKIPPED_SYN_RECV);
}

/* The program's side of a new connection; 0: there is none to be had. */
static uint32_t user_for(struct lull_tcp *t, const struct lull_half *h,
			 struct lull_listener *l)
{
	uint32_t user = h->user;

	if (user) {
		lull_user_at(t, user)->kind = LULL_USER_CONN;
		return user;
	}
	user = lull_user_new(t, LULL_USER_CONN, 0);
	if (user) {
		lull_user_at(t, user)->flags = LULL_USER_WAITING;
		lull_list_push(&l->accept, user);
		lull_user_news(t, l->user, LULL_EVENT_ACCEPT);
	}
	return user;
}

static void fill_tcb(struct lull_tcp *t, struct lull_tcb *tcb,
		     const struct lull_half *h)
{
	struct lull_seg syn = {
		.tuple = h->tuple,
		.mss = h->mss,
		.wscale = h->flags & LULL_HALF_WSCALE ? h->snd_wscale
						      : LULL_NO_WSCALE,
		.has_ts = h->flags & LULL_HALF_TS,
		.sack_ok = h->flags & LULL_HALF_SACK,
		.tsval = h->ts_recent,
	};
	struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);

	cold->iss = cold->sml = h->iss;
	cold->irs = h->irs;
	/* Its SYN-ACK was sent: what the ACK will acknowledge. */
	tcb->snd.una = h->iss;
	tcb->snd.nxt = tcb->snd.end = lull_seq_add(h->iss, 1);
	tcb->snd.wl1 = h->irs;
	tcb->snd.wl2 = h->iss;
	tcb->rcv.nxt = tcb->rcv.acked = lull_seq_add(h->irs, 1);
	tcb->rcv.edge = lull_seq_add(tcb->rcv.nxt, window_of(t));
	tcb->opt.ts_offset = h->ts_offset;
	lull_tcb_agree(t, tcb, &syn);
	if (h->flags & LULL_HALF_BACK)
		tcb->flags |= LULL_TCB_BACK;
	if (h->flags & LULL_HALF_ECN)
		tcb->snd.ecn |= LULL_ECN_ON;
	if (!(h->flags & LULL_HALF_ACKED)) /* else it was not lost */
		tcb->rtt.backoff = h->retries;
	if (!(h->flags & LULL_HALF_AGAIN)) {
		lull_rtt_sample(t, tcb, t->g->now_us - h->sent_us);
		lull_rack_min_rtt(t, tcb, t->g->now_us - h->sent_us);
	}
}

struct lull_tcb *lull_half_grow(struct lull_tcp *t, const struct lull_half *h,
				uint32_t replaced, uint32_t hash,
				struct lull_listener *l)
{
	uint32_t n = lull_tcb_new(t, &h->tuple, LULL_TCP_SYN_RECEIVED);
	uint32_t name = lull_name(LULL_KIND_TCB, n);
	struct lull_tcb *tcb = lull_tcb_at(t, n);

	if (!n)
		return NULL;
	if (!replaced && !lull_table_put(&t->flows, hash, name))
		goto fail;
	tcb->user = user_for(t, h, l);
	if (!tcb->user) {
		if (!replaced)
			lull_table_del(&t->flows, hash, name);
		goto fail;
	}
	tcb->hash = hash;
	lull_user_at(t, tcb->user)->name = name;
	if (replaced)
		lull_table_swap(&t->flows, hash, replaced, name);
	else
		lull_tcp_moved(t, &h->tuple, LULL_TCP_CLOSED,
			       LULL_TCP_SYN_RECEIVED, h->iss,
			       lull_seq_add(h->irs, 1));
	fill_tcb(t, tcb, h);
	if (l && l->flags & LULL_LISTEN_REUSEADDR)
		tcb->flags |= LULL_TCB_REUSEADDR;
	lull_port_count(t, h->tuple.lport, tcb->flags & LULL_TCB_REUSEADDR, 1);
	tcb->flags |= LULL_TCB_BOUND;
	if (l) {
		lull_tcb_cold(t, tcb)->timewait_len_s = l->timewait_len_s;
		lull_tcb_cold(t, tcb)->pmtu.user_mss = l->user_mss;
	}
	if (l && l->cc_kind)
		tcb->cc_kind = l->cc_kind - 1;
	lull_count(t->g, LULL_COUNT_PASSIVE_OPENS);
	return tcb;
fail:
	lull_tcb_free(t, tcb);
	return NULL;
}

/* TCP_DEFER_ACCEPT: an ACK alone is not worth a connection yet. */
static bool is_deferred(const struct lull_half *h,
			const struct lull_listener *l,
			const struct lull_seg *seg)
{
	return !h->user && h->retries < l->defer && lull_seg_len(seg) == 0;
}

/* 3.10.7.4, fifth: our SYN is acknowledged. */
static void take_ack(struct lull_tcp *t, uint32_t i, struct lull_seg *seg)
{
	struct lull_half *h = lull_half_at(t, i);
	struct lull_listener *l = listener_of(t, h);
	struct lull_tcb *tcb;

	if (!lull_seq_eq(seg->ack, lull_seq_add(h->iss, 1))) {
		/* A SYN that was sent again found room, the first had not. */
		if (l && !h->user &&
		    lull_cookie_arrives(t, h->listener, i, seg))
			return;
		lull_refuse(t, seg, LULL_DROP_HALF_ACK);
		lull_reply_rst(t, seg);
		return;
	}
	if (!l && !h->user) { /* the listener was closed meanwhile */
		lull_refuse(t, seg, LULL_DROP_CLOSED);
		lull_half_end(t, i, ECONNABORTED, LULL_END_RST_OUT);
		lull_reply_rst(t, seg);
		return;
	}
	if (l && is_deferred(h, l, seg)) {
		lull_refuse(t, seg, LULL_DROP_DEFER_ACCEPT);
		/* What comes later says nothing of the RTT. */
		h->flags |= LULL_HALF_ACKED | LULL_HALF_AGAIN;
		return;
	}
	if (!h->user && lull_listener_is_full(l)) {
		lull_refuse(t, seg, LULL_DROP_LISTEN_ACCEPT_FULL);
		lull_count(t->g, LULL_COUNT_LISTEN_DROPS);
		if (t->g->knobs.abort_on_overflow) {
			lull_half_end(t, i, 0, LULL_END_RST_OUT);
			lull_reply_rst(t, seg);
		}
		return;
	}
	tcb = lull_half_grow(t, h, lull_name(LULL_KIND_HALF, i), seg->hash, l);
	if (!tcb) { /* it stays half-open; the peer tries again */
		lull_refuse(t, seg, LULL_DROP_LISTEN_NO_CONN);
		lull_count(t->g, LULL_COUNT_LISTEN_DROPS);
		return;
	}
	lull_half_leave(t, i);
	/* The rest as for any other connection: ACK, window, text, FIN. */
	lull_segment_arrives(t, tcb, seg);
}

/*
 * Fourth: another SYN in the window. An old one must not end what its sender
 * holds for established, so it is answered as RFC 5961 4.2 answers it later: a
 * sender that means it resets us, and its next SYN finds nobody. RFC 9293
 * returns to LISTEN; Linux does, and sends RST too.
 */
static void other_syn(struct lull_tcp *t, uint32_t i,
		      const struct lull_seg *seg)
{
	struct lull_half *h = lull_half_at(t, i);

	if (t->g->profile == LULL_PROFILE_LINUX) {
		lull_refuse(t, seg, LULL_DROP_HALF_SYN);
		lull_half_end(t, i, ECONNRESET, LULL_END_SYN);
		lull_reply_rst(t, seg);
		return;
	}
	lull_refuse(t, seg, LULL_DROP_SYN_CHALLENGE);
	if (!h->answer)
		answer_ack(t, h);
}

void lull_half_arrives(struct lull_tcp *t, uint32_t i, struct lull_seg *seg)
{
	struct lull_half *h = lull_half_at(t, i);
	enum lull_drop why;
	bool answered;

	if (lull_shadow_takes(t, h->shadow, seg, &answered))
		return;
	why = check_seq(t, h, seg);
	if (why) {
		seq_refused(t, i, seg, why);
		return;
	}
	if (seg->flags & LULL_RST) { /* second; RFC 5961 3.2 */
		bool exact = lull_seq_eq(seg->seq, lull_seq_add(h->irs, 1));

		lull_refuse(t, seg,
			    exact ? LULL_DROP_HALF_RST
				  : LULL_DROP_RST_CHALLENGE);
		if (exact)
			lull_half_end(t, i, ECONNRESET, LULL_END_RST_IN);
		else
			answer_ack(t, h);
		return;
	}
	/* Third, security: not implemented (RFC 9293 A.1). */
	if (seg->flags & LULL_SYN) {
		other_syn(t, i, seg);
		return;
	}
	if (!(seg->flags & LULL_ACK)) {
		lull_refuse(t, seg, LULL_DROP_HALF_NO_ACK);
		return;
	}
	if (h->answer) {
		lull_refuse(t, seg, LULL_DROP_DEFERRED);
		return;
	}
	take_ack(t, i, seg);
}

/* Do what the program decided about a deferred SYN. */
static void carry_out(struct lull_tcp *t, uint32_t i)
{
	struct lull_half *h = lull_half_at(t, i);
	struct lull_seg rst = {
		.tuple = h->tuple,
		.ack = lull_seq_add(h->irs, 1),
		.flags = LULL_RST | LULL_ACK,
		.wscale = LULL_NO_WSCALE,
	};
	enum lull_trace_end end = LULL_END_PROGRAM;

	if (h->flags & LULL_HALF_SENT) /* else nothing was: SEQ 0 */
		rst.seq = lull_seq_add(h->iss, 1);
	switch ((enum lull_half_answer)h->answer) {
	case LULL_HALF_ACCEPTED:
		h->answer = LULL_HALF_NO_ANSWER;
		lull_half_send_syn_ack(t, i);
		lull_wheel_set(&t->wheel, lull_name(LULL_KIND_HALF, i),
			       lull_in_ms(t->g, LULL_SYN_ACK_MS));
		return;
	case LULL_HALF_REFUSED:
		lull_count(t->g, LULL_COUNT_OUT_RSTS);
		(void)lull_reply(t, &rst, 0);
		end = LULL_END_RST_OUT;
		break;
	case LULL_HALF_DROPPED:
	case LULL_HALF_AWAITED: /* the program took too long */
	case LULL_HALF_NO_ANSWER:
		break;
	}
	lull_half_end(t, i, ETIMEDOUT, end);
}

/* As Linux's syn_ack_recalc(): one that waits for text outlives
 * tcp_synack_retries. */
static bool is_over(const struct lull_tcp *t, const struct lull_half *h,
		    const struct lull_listener *l)
{
	if (h->retries < t->g->knobs.synack_retries)
		return false;
	return !l || !(h->flags & LULL_HALF_ACKED) || h->retries >= l->defer;
}

/* Its SYN-ACK again; one that waits for text gets it at the end of that, so
 * that an ACK may still make it a connection. */
static void half_again(struct lull_tcp *t, uint32_t i,
		       const struct lull_listener *l)
{
	struct lull_half *h = lull_half_at(t, i);
	bool waits =
		l && h->flags & LULL_HALF_ACKED && h->retries + 1 < l->defer;

	h->retries++;
	if (waits)
		return;
	lull_count(t->g, LULL_COUNT_SYN_RETRANS);
	lull_count(t->g, LULL_COUNT_RETRANS_SEGS);
	lull_half_send_syn_ack(t, i);
}

void lull_half_timer(struct lull_tcp *t, uint32_t i)
{
	struct lull_half *h = lull_half_at(t, i);
	const struct lull_listener *l = listener_of(t, h);
	uint32_t most_ms = (uint32_t)t->g->knobs.rto_max_ms;

	if (h->answer != LULL_HALF_NO_ANSWER) {
		carry_out(t, i);
		return;
	}
	if ((!l && !h->user) || is_over(t, h, l)) {
		lull_half_end(t, i, ETIMEDOUT, LULL_END_TIMEOUT);
		return;
	}
	half_again(t, i, l);

	uint32_t wait_ms = LULL_SYN_ACK_MS << lull_min(h->retries, 16);

	lull_wheel_set(&t->wheel, lull_name(LULL_KIND_HALF, i),
		       lull_in_ms(t->g, lull_min(wait_ms, most_ms)));
}

/* Note what is to become of it; only a run sends, so its timer fires then. */
static void decide(struct lull_tcp *t, uint32_t user,
		   enum lull_half_answer what)
{
	struct lull_user *u = lull_user_at(t, user);
	uint32_t name = u->name;
	struct lull_half *h = lull_half_at(t, lull_name_index(name));

	h->answer = (uint8_t)what;
	if (what != LULL_HALF_ACCEPTED) {
		h->user = 0;
		u->name = 0;
	}
	lull_wheel_set(&t->wheel, name, (uint32_t)t->g->now_ms);
}

int lull_half_answer(struct lull_tcp *t, uint32_t user, enum lull_answer answer)
{
	static const uint8_t means[] = {
		[LULL_ANSWER_ACCEPT] = LULL_HALF_ACCEPTED,
		[LULL_ANSWER_RESET] = LULL_HALF_REFUSED,
		[LULL_ANSWER_DROP] = LULL_HALF_DROPPED,
	};
	const struct lull_user *u = lull_user_at(t, user);
	const struct lull_half *h = lull_half_at(t, lull_name_index(u->name));

	if (!u->name || h->answer != LULL_HALF_AWAITED ||
	    (uint32_t)answer >= sizeof means)
		return -EINVAL;
	decide(t, user, (enum lull_half_answer)means[answer]);
	if (answer != LULL_ANSWER_ACCEPT)
		lull_user_free(t, user);
	return 0;
}

bool lull_half_abort(struct lull_tcp *t, uint32_t i, int error)
{
	struct lull_half *h = lull_half_at(t, i);

	if (!h->live || h->answer == LULL_HALF_REFUSED ||
	    h->answer == LULL_HALF_DROPPED)
		return false;
	if (h->user)
		lull_user_ended(t, h->user, error);
	h->user = 0;
	h->answer = LULL_HALF_REFUSED;
	lull_wheel_set(&t->wheel, lull_name(LULL_KIND_HALF, i),
		       (uint32_t)t->g->now_ms);
	return true;
}

void lull_half_abandon(struct lull_tcp *t, uint32_t user)
{
	decide(t, user, LULL_HALF_REFUSED);
}
