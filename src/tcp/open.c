/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * open.c: a full connection's beginning: active open (3.10.1), SYN-SENT
 * (3.10.7.3), simultaneous open (3.5, figure 8), and its end as an object.
 *
 * Entry points: lull_tcb_new, lull_tcb_free, lull_tcb_agree,
 * lull_tcb_established, lull_tcp_connect, lull_syn_sent_arrives.
 */
#include "tcp/tcp.h"

enum {
	RTO_AFTER_SYN_LOSS_US = 3000000, /* RFC 6298 5.7 */
	OFFERS = LULL_TCB_TS | LULL_TCB_WSCALE | LULL_TCB_SACK,
};

uint16_t lull_mss_for(const struct lull_tcp *t, bool v6)
{
	const struct lull_knobs *k = &t->g->knobs;
	uint32_t mss = t->g->mtu - LULL_MSS_HDR(v6);

	if (k->mss_clamp)
		mss = lull_min(mss, (uint32_t)k->mss_clamp);
	return (uint16_t)mss;
}

uint16_t lull_mss_offer(const struct lull_tcp *t, bool v6, uint16_t user_mss)
{
	uint16_t mss = lull_mss_for(t, v6);

	return user_mss && user_mss < mss ? user_mss : mss;
}

uint32_t lull_rcvbuf_first(const struct lull_tcp *t)
{
	return (uint32_t)t->g->knobs.rmem[1];
}

/* RFC 7323 2.3: enough to offer all of the largest receive buffer. */
uint8_t lull_wscale_offer(const struct lull_tcp *t)
{
	uint32_t most = (uint32_t)t->g->knobs.rmem[2];
	uint8_t shift = 0;

	while (shift < 14 && most >> shift > UINT16_MAX)
		shift++;
	return shift;
}

uint32_t lull_tcb_new(struct lull_tcp *t, const struct lull_tuple *tuple,
		      enum lull_tcp_state state)
{
	uint32_t i = lull_slab_get(&t->tcbs);
	struct lull_tcb *tcb = lull_tcb_at(t, i);

	if (!i)
		return 0;
	memset(tcb, 0, sizeof *tcb);
	tcb->tuple = *tuple;
	tcb->rcv.buf = lull_rcvbuf_first(t);
	tcb->heard_ms = (uint32_t)t->g->now_ms;
	*lull_tcb_cold(t, tcb) = (struct lull_tcb_cold){
		.linger_s = -1,
		.sent_ms = (uint32_t)t->g->now_ms,
		.tally.heard_text_ms = (uint32_t)t->g->now_ms,
		.ttl = (uint8_t)t->g->knobs.ip_default_ttl,
	};
	tcb->cc_kind = (uint8_t)t->g->knobs.congestion_control;
	lull_quick_begin(t, tcb);
	lull_tcb_born(tcb, state);
	lull_rtt_init(t, tcb);
	return i;
}

void lull_tcb_free(struct lull_tcp *t, struct lull_tcb *tcb)
{
	const struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);
	uint32_t i = lull_tcb_index(t, tcb);

	lull_sendq_free(t, tcb);
	lull_later_free(t, tcb);
	lull_wheel_clear(&t->wheel, lull_name(LULL_KIND_TCB, i));
	if (tcb->flags & LULL_TCB_OUT)
		lull_list_del(&t->out, i);
	if (tcb->flags & LULL_TCB_ORPHAN)
		t->orphans--;
	if (tcb->flags & LULL_TCB_BOUND)
		lull_port_count(t, tcb->tuple.lport,
				tcb->flags & LULL_TCB_REUSEADDR, -1);
	if (cold->dest) {
		lull_dest_left(t, cold->dest, &tcb->tuple, tcb->snd.nxt,
			       tcb->quarters >= 4);
		lull_dest_over(t, cold->dest, tcb->tuple.lport, false);
	}
	tcb->state = 0;
	lull_slab_put(&t->tcbs, i);
}

/* RFC 7323 1.3, 2.2: an option holds when both SYNs had it. */
void lull_tcb_agree(struct lull_tcp *t, struct lull_tcb *tcb,
		    const struct lull_seg *syn)
{
	bool v6 = !lull_addr_is4(&tcb->tuple.local);
	uint32_t mss = syn->mss ? syn->mss : v6 ? 1220 : 536; /* MUST-15 */

	if (syn->has_ts) {
		tcb->flags |= LULL_TCB_TS;
		tcb->opt.ts_recent = syn->tsval;
		tcb->opt.ts_recent_ms = (uint32_t)t->g->now_ms;
	}
	if (syn->wscale != LULL_NO_WSCALE) {
		tcb->flags |= LULL_TCB_WSCALE;
		tcb->opt.snd_wscale = syn->wscale;
		tcb->opt.rcv_wscale = lull_wscale_offer(t);
	}
	if (syn->sack_ok)
		tcb->flags |= LULL_TCB_SACK;
	/* MUST-16: the smaller of both, less what options take. */
	lull_pmtu_begin(t, tcb, mss);
	lull_cc_init(t, tcb);
}

void lull_tcb_established(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_seq syn_end = lull_seq_add(tcb->snd.una, 1);
	struct lull_acked a = {.una = tcb->snd.una};

	lull_ranges_acked(t, tcb, syn_end, &a);
	tcb->snd.una = syn_end;
	tcb->heard_ms = (uint32_t)t->g->now_ms;
	lull_tcb_cold(t, tcb)->tally.mark = syn_end;
	lull_tcb_cold(t, tcb)->tally.heard_text_ms = (uint32_t)t->g->now_ms;
	lull_rack_init(t, tcb);
	lull_shadow_drop(t, &tcb->shadow);
	lull_timer_clear(tcb, LULL_TIMER_RTO);
	if (a.rtt_us && !a.again) {
		lull_rtt_sample(t, tcb, a.rtt_us);
		lull_rack_min_rtt(t, tcb, a.rtt_us);
	}
	if (tcb->rtt.backoff > 0) { /* our SYN was lost: RFC 5681 3.1 */
		tcb->rtt.backoff = 0;
		tcb->cc.cwnd = tcb->opt.mss;
		if (!tcb->rtt.srtt_us)
			tcb->rtt.rto_us = RTO_AFTER_SYN_LOSS_US;
	}
	lull_tcp_enter(t, tcb, LULL_TCP_ESTABLISHED);
	if (tcb->flags & LULL_TCB_FIN) /* closed before it was established */
		lull_tcp_enter(t, tcb, LULL_TCP_FIN_WAIT_1);
	if (tcb->flags & LULL_TCB_KEEPALIVE)
		lull_timer_keepalive(t, tcb);
	/* A passive one is told of by its listener, unless it was deferred. */
	if (tcb->user &&
	    !(lull_user_at(t, tcb->user)->flags & LULL_USER_WAITING))
		lull_user_news(t, tcb->user, LULL_EVENT_WRITE);
}

/* In the table, and counted; a record whose pair it takes leaves. */
static bool stand(struct lull_tcp *t, struct lull_tcb *tcb,
		  const struct lull_place *p)
{
	uint32_t name = lull_name(LULL_KIND_TCB, lull_tcb_index(t, tcb));
	struct lull_closing *c = lull_closing_at(t, p->record);
	uint32_t dest;

	if (!p->record && !lull_table_put(&t->flows, p->hash, name))
		return false;
	dest = lull_dest_get(t, &tcb->tuple, p->dest_hash);
	lull_tcb_cold(t, tcb)->dest = dest;
	tcb->flags |= p->reuseaddr ? LULL_TCB_REUSEADDR : 0;
	lull_port_count(t, tcb->tuple.lport, p->reuseaddr, 1);
	tcb->flags |= LULL_TCB_BOUND;
	if (p->record && c->head.flags & LULL_CLOSING_ACTIVE) {
		lull_dest_reuse(t, dest, tcb->tuple.lport);
		lull_closing_flag(t, c, LULL_CLOSING_ACTIVE, false);
	} else if (dest) {
		lull_dest_live(t, dest, tcb->tuple.lport);
	}
	if (!p->record)
		return true;
	lull_count(t->g, p->shadowed ? LULL_COUNT_TW_REUSED_SAFE
				     : LULL_COUNT_TW_RECYCLED);
	lull_shadow_cast(t, p->record, p->hash, name);
	tcb->shadow = p->record;
	if (!p->shadowed)
		lull_shadow_drop(t, &tcb->shadow);
	return true;
}

int lull_tcp_connect(struct lull_tcp *t, const struct lull_place *place,
		     uint32_t user)
{
	const struct lull_tuple *tuple = &place->tuple;
	uint32_t i = lull_tcb_new(t, tuple, LULL_TCP_CLOSED);
	struct lull_tcb *tcb = lull_tcb_at(t, i);
	struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);
	struct lull_secret secret = lull_secret_of(t, tuple);

	if (place->record)
		secret.isn = lull_isn_above(
			t, secret, lull_closing_at(t, place->record)->snd_nxt);
	if (!i)
		return -ENFILE;
	tcb->hash = place->hash;
	if (!stand(t, tcb, place)) {
		lull_tcb_free(t, tcb);
		return -ENFILE;
	}
	tcb->user = user;
	lull_user_at(t, user)->name = lull_name(LULL_KIND_TCB, i);
	cold->iss = cold->sml = lull_seq(secret.isn);
	tcb->opt.ts_offset = secret.ts_offset;
	tcb->snd.una = tcb->snd.nxt = cold->iss;
	tcb->snd.end = lull_seq_add(cold->iss, 1);
	tcb->flags |= LULL_TCB_ACTIVE;
	/* What we offer; lull_tcb_agree() decides. */
	tcb->flags |= t->g->knobs.timestamps ? LULL_TCB_TS : 0;
	tcb->flags |= t->g->knobs.window_scaling ? LULL_TCB_WSCALE : 0;
	tcb->flags |= t->g->knobs.sack ? LULL_TCB_SACK : 0;
	tcb->snd.ecn = t->g->knobs.ecn == 1 ? LULL_ECN_ON : 0;
	lull_pmtu_sync(t, tcb);
	lull_cc_init(t, tcb);
	lull_tcp_enter(t, tcb, LULL_TCP_SYN_SENT);
	lull_count(t->g, LULL_COUNT_ACTIVE_OPENS);
	lull_tcp_want(t, tcb);
	return 0;
}

/* ---- in the shadow of a TIME_WAIT ---- */

/*
 * Can the peer's new connection be told from the old one? Only if its
 * timestamps go on from there (RFC 7323 5.3, RFC 6191): then PAWS keeps all of
 * the old one's segments out.
 */
static bool goes_on(const struct lull_tcp *t, const struct lull_tcb *tcb,
		    const struct lull_seg *seg)
{
	const struct lull_closing *c = lull_closing_at(t, tcb->shadow);
	int32_t newer = (int32_t)(seg->tsval - c->life.ts_recent);

	if (!seg->has_ts)
		return false;
	return newer > 0 ||
	       (newer == 0 && lull_seq_ge(seg->seq, c->head.rcv_nxt));
}

/* What the program has set holds for another port as well; nothing else of the
 * old connection does. */
static void keep_options(struct lull_tcp *t, struct lull_tcb *tcb,
			 const struct lull_tcb *old,
			 const struct lull_tcb_cold *set)
{
	struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);

	tcb->flags |= old->flags &
		      (LULL_TCB_NODELAY | LULL_TCB_KEEPALIVE | LULL_TCB_CORK |
		       LULL_TCB_QUICKACK | LULL_TCB_RCVBUF);
	tcb->snd.cc |= old->snd.cc & LULL_CC_RATE_MAX;
	tcb->cc_kind = old->cc_kind;
	tcb->rcv.buf = old->rcv.buf;
	cold->sndbuf = set->sndbuf;
	cold->notsent_lowat = set->notsent_lowat;
	cold->window_clamp = set->window_clamp;
	cold->user_timeout_ms = set->user_timeout_ms;
	cold->linger2_s = set->linger2_s;
	cold->linger_s = set->linger_s;
	cold->keep_idle_s = set->keep_idle_s;
	cold->keep_intvl_s = set->keep_intvl_s;
	cold->keep_probes_max = set->keep_probes_max;
	cold->timewait_len_s = set->timewait_len_s;
	cold->syn_retries = set->syn_retries;
	cold->tos = set->tos;
	cold->ttl = set->ttl;
	cold->more.rate_max = set->more.rate_max;
	cold->pmtu.user_mss = set->pmtu.user_mss;
	lull_pmtu_sync(t, tcb);
}

/* The same connection of the program's, from another port. */
static void move(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_place place = {
		.tuple = tcb->tuple,
		.reuseaddr = tcb->flags & LULL_TCB_REUSEADDR,
	};
	struct lull_why why = {.size = sizeof why};
	struct lull_tcb old = *tcb;
	struct lull_tcb_cold cold = *lull_tcb_cold(t, tcb);
	uint32_t user = tcb->user;
	int e;

	tcb->user = 0; /* it learns nothing yet */
	if (cold.dest)
		lull_dest_no_reuse(t, cold.dest);
	lull_tcp_end(t, tcb, 0);
	lull_trace_why(t->g, LULL_END_RETRIED);
	place.tuple.lport = 0;
	e = lull_port_choose(t, &place, &why);
	if (e == 0)
		e = lull_tcp_connect(t, &place, user);
	if (e < 0) {
		lull_user_ended(t, user, EADDRNOTAVAIL);
		return;
	}
	tcb = lull_tcb_at(t, lull_name_index(lull_user_at(t, user)->name));
	keep_options(t, tcb, &old, &cold);
}

/*
 * Does the peer answer for another connection than the old one? A peer that
 * still has the old one is in LAST_ACK, CLOSING or TIME_WAIT, and acknowledges
 * all of it. With less it is half-open by an old duplicate of our SYN (3.5,
 * figure 9), or a box has changed the numbers. RST then, as without a shadow:
 * else it would hold the pair for a minute. Out of the window of a LAST_ACK it
 * harms none.
 */
static bool is_elsewhere(const struct lull_tcp *t, const struct lull_tcb *tcb,
			 const struct lull_seg *seg)
{
	struct lull_seq used = lull_closing_at(t, tcb->shadow)->snd_nxt;

	return (seg->flags & (LULL_ACK | LULL_RST | LULL_FIN)) == LULL_ACK &&
	       seg->text_len == 0 && lull_seq_lt(seg->ack, used);
}

static void syn_again(struct lull_tcp *t, struct lull_tcb *tcb)
{
	if (!tcb->snd.ranges)
		return;
	lull_range_lost(t, tcb, tcb->snd.ranges);
	lull_tcp_want(t, tcb);
}

/* Of the old incarnation, or a SYN-ACK that can't be told from it. true: done
 * with it. */
static bool shadowed_arrives(struct lull_tcp *t, struct lull_tcb *tcb,
			     struct lull_seg *seg)
{
	bool answered;

	if (is_elsewhere(t, tcb, seg)) {
		lull_refuse(t, seg, LULL_DROP_SYN_SENT_ACK);
		seg->has_ts = false;
		lull_reply_rst(t, seg);
		if (lull_may_answer(t, &lull_tcb_cold(t, tcb)->answered_ms))
			syn_again(t, tcb);
		return true;
	}
	if (lull_shadow_takes(t, tcb->shadow, seg, &answered)) {
		/* A peer in LAST_ACK has its ACK now: our SYN again, at once.
		 */
		if (answered)
			syn_again(t, tcb);
		return true;
	}
	if (!(seg->flags & LULL_SYN) || goes_on(t, tcb, seg))
		return false;
	if (seg->flags & LULL_ACK && !lull_seq_eq(seg->ack, tcb->snd.nxt))
		return false;
	lull_refuse(t, seg, LULL_DROP_SHADOW_SYN_ACK);
	if (!(seg->flags & LULL_ACK))
		return true; /* an old SYN, or a peer that opens as well */
	lull_count(t->g, LULL_COUNT_TW_REUSE_REFUSED);
	seg->has_ts = false;
	lull_reply_rst(t, seg);
	move(t, tcb);
	return true;
}

/* Is the echo one of a timestamp that we sent since the first SYN? */
static bool echo_holds(const struct lull_tcp *t, const struct lull_tcb *tcb,
		       const struct lull_seg *seg)
{
	uint32_t now = lull_ts_now(t, tcb->opt.ts_offset);
	uint32_t age = (uint32_t)t->g->now_ms - lull_tcb_cold(t, tcb)->sent_ms;

	if (!(tcb->flags & LULL_TCB_TS) || !seg->has_ts)
		return true;
	return now - seg->tsecr <= age;
}

/* First and second of 3.10.7.3. false: done with it. */
static bool check_ack_and_rst(struct lull_tcp *t, struct lull_tcb *tcb,
			      struct lull_seg *seg)
{
	bool ack = seg->flags & LULL_ACK;
	enum lull_drop why = LULL_DROP_NONE;

	if (ack && (lull_seq_le(seg->ack, tcb->snd.una) ||
		    lull_seq_gt(seg->ack, tcb->snd.nxt)))
		why = LULL_DROP_SYN_SENT_ACK;
	else if (ack && !echo_holds(t, tcb, seg))
		why = LULL_DROP_SYN_SENT_TS;
	if (why) {
		lull_refuse(t, seg, why);
		/* Without the timestamp of RFC 7323 5.2: Linux in TIME_WAIT
		 * takes a RST with TSval 0 for an old one, and stays. */
		seg->has_ts = false;
		lull_reply_rst(t, seg);
		return false;
	}
	if (!(seg->flags & LULL_RST))
		return true;
	if (ack)
		lull_tcp_end(t, tcb, ECONNREFUSED);
	else
		lull_refuse(t, seg, LULL_DROP_SYN_SENT_RST);
	return false;
}

/* RFC 3168 6.1.1: SYN-ACK with ECE alone; a SYN that crosses ours with both. */
static void agree_ecn(struct lull_tcb *tcb, const struct lull_seg *seg)
{
	uint8_t both = LULL_ECE | LULL_CWR;
	uint8_t want = seg->flags & LULL_ACK ? LULL_ECE : both;

	if ((seg->flags & both) != want)
		tcb->snd.ecn &= (uint8_t)~LULL_ECN_ON;
}

/* Fourth: the peer's SYN. */
static void take_syn(struct lull_tcp *t, struct lull_tcb *tcb,
		     struct lull_seg *seg)
{
	struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);
	struct lull_seg agreed = *seg;
	uint64_t offered = tcb->flags & OFFERS;

	if (!(offered & LULL_TCB_TS))
		agreed.has_ts = false;
	if (!(offered & LULL_TCB_WSCALE))
		agreed.wscale = LULL_NO_WSCALE;
	if (!(offered & LULL_TCB_SACK))
		agreed.sack_ok = false;
	tcb->flags &= ~(uint64_t)OFFERS;
	cold->irs = seg->seq;
	tcb->rcv.nxt = tcb->rcv.acked = lull_seq_add(seg->seq, 1);
	tcb->rcv.edge = lull_seq_add(tcb->rcv.nxt, cold->syn_wnd);
	tcb->snd.wnd = tcb->snd.wnd_max = seg->wnd; /* never scaled in a SYN */
	tcb->snd.wl1 = seg->seq;
	tcb->snd.wl2 = seg->flags & LULL_ACK ? seg->ack : tcb->snd.una;
	lull_tcb_agree(t, tcb, &agreed);
	agree_ecn(tcb, seg);
}

void lull_syn_sent_arrives(struct lull_tcp *t, struct lull_tcb *tcb,
			   struct lull_seg *seg)
{
	if (tcb->shadow && shadowed_arrives(t, tcb, seg))
		return;
	lull_tally_in(t, tcb, seg);
	if (!check_ack_and_rst(t, tcb, seg))
		return;
	if (!(seg->flags & LULL_SYN)) { /* fifth */
		lull_refuse(t, seg, LULL_DROP_SYN_SENT_NONE);
		return;
	}
	take_syn(t, tcb, seg);
	if (!(seg->flags & LULL_ACK)) {
		/* Both opened: our SYN goes again, as a SYN-ACK (MUST-10). */
		lull_tcp_enter(t, tcb, LULL_TCP_SYN_RECEIVED);
		if (tcb->snd.ranges)
			lull_range_lost(t, tcb, tcb->snd.ranges);
		lull_tcp_want(t, tcb);
		return;
	}
	lull_tcb_established(t, tcb);
	tcb->flags |= LULL_TCB_ACK_NOW;
	lull_tcp_want(t, tcb);
	if (seg->flags & LULL_URG) /* its pointer counts from the SYN */
		lull_urgent_take(t, tcb, seg);
	/* What came with the SYN: text and FIN begin behind it. */
	seg->seq = lull_seq_add(seg->seq, 1);
	seg->flags &= (uint8_t)~LULL_SYN;
	lull_text_number(t, seg);
	if (lull_text_take(t, tcb, seg))
		(void)lull_fin_take(t, tcb, seg);
}
