/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmtu.c: how large a packet the path takes, and the segment that follows.
 *
 *	told     RFC 1191, 8201: an ICMP error says it, checked as RFC 5927 7.2
 *	probed   RFC 4821: a larger segment of text is tried; tcp_mtu_probing
 *	set      the peer's MSS, TCP_MAXSEG, net.lull.tcp_mss_clamp
 *
 * Only this file writes tcb->opt.mss. A probe is one packet with text that is
 * due anyway; when it alone is lost, that is no congestion. Sizes are of whole
 * IP packets unless they are called mss or text.
 *
 * Entry points: lull_pmtu_begin, _sync, _too_big, _refresh, _probe, _sent,
 * _acked, _lost, _timeout.
 */
#include "tcp/tcp.h"

enum {
	MTU6_MIN = 1280,
	DUPS = 3,	  /* segments behind a probe that tell of its loss */
	MSS_AT_ONCE = 11, /* cwnd that a probe needs, as Linux */
};

static bool is_v6(const struct lull_tcb *tcb)
{
	return !lull_addr_is4(&tcb->tuple.local);
}

/* Bytes of headers in front of the text. */
static uint32_t hdr_bytes(const struct lull_tcb *tcb)
{
	return LULL_MSS_HDR(is_v6(tcb)) +
	       (tcb->flags & LULL_TCB_TS ? LULL_TS_BYTES : 0);
}

/* The packets that we send now. */
static uint32_t size_now(const struct lull_tcb *tcb)
{
	return tcb->opt.mss + hdr_bytes(tcb);
}

/* An MSS counts no options. */
static uint32_t size_of_mss(const struct lull_tcb *tcb, uint32_t mss)
{
	return mss + LULL_MSS_HDR(is_v6(tcb));
}

/* The largest packet that link, peer and program allow. */
static uint32_t ceiling(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	const struct lull_pmtu *p = &lull_tcb_cold(t, tcb)->pmtu;
	uint32_t mss = lull_mss_for(t, is_v6(tcb));

	if (p->peer_mss)
		mss = lull_min(mss, p->peer_mss);
	if (p->user_mss)
		mss = lull_min(mss, p->user_mss);
	return size_of_mss(tcb, mss);
}

void lull_pmtu_sync(struct lull_tcp *t, struct lull_tcb *tcb)
{
	const struct lull_pmtu *p = &lull_tcb_cold(t, tcb)->pmtu;
	uint32_t size = ceiling(t, tcb), mss;

	if (p->mtu)
		size = lull_min(size, p->mtu);
	if (p->high)
		size = lull_min(size, p->low);
	mss = size - LULL_MSS_HDR(is_v6(tcb));
	mss = lull_max(mss, (uint32_t)t->g->knobs.min_snd_mss);
	mss = lull_min(mss, t->g->mtu - LULL_MSS_HDR(is_v6(tcb)));
	if (tcb->flags & LULL_TCB_TS)
		mss -= LULL_TS_BYTES;
	if (mss != tcb->opt.mss)
		tcb->flags &= ~(uint64_t)LULL_TCB_MSS_PROVED;
	tcb->opt.mss = (uint16_t)mss;
}

/* From `low`, which works or must do, up to what could (RFC 4821 7.2). */
static void search(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t low)
{
	struct lull_pmtu *p = &lull_tcb_cold(t, tcb)->pmtu;

	p->high = (uint16_t)ceiling(t, tcb);
	p->low = (uint16_t)lull_min(low, p->high);
	p->probe = 0;
	p->since_ms = (uint32_t)t->g->now_ms;
	lull_pmtu_sync(t, tcb);
}

void lull_pmtu_begin(struct lull_tcp *t, struct lull_tcb *tcb,
		     uint32_t peer_mss)
{
	const struct lull_knobs *k = &t->g->knobs;

	lull_tcb_cold(t, tcb)->pmtu.peer_mss = (uint16_t)peer_mss;
	if (k->mtu_probing == 2)
		search(t, tcb, size_of_mss(tcb, (uint32_t)k->base_mss));
	else
		lull_pmtu_sync(t, tcb);
}

/* ---- told ---- */

/* The path takes no more than `mtu`. Was it news? */
static bool shrink(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t mtu)
{
	struct lull_pmtu *p = &lull_tcb_cold(t, tcb)->pmtu;
	uint32_t mss = tcb->opt.mss;

	p->mtu = (uint16_t)mtu;
	p->since_ms = (uint32_t)t->g->now_ms;
	p->claim = p->probe = 0;
	if (p->high) {
		p->high = (uint16_t)lull_min(p->high, mtu);
		p->low = (uint16_t)lull_min(p->low, mtu);
	}
	lull_pmtu_sync(t, tcb);
	return tcb->opt.mss < mss;
}

/* A router did not take our probe, and says what it would. */
static void probe_refused(struct lull_tcp *t, struct lull_tcb *tcb,
			  uint32_t mtu)
{
	struct lull_pmtu *p = &lull_tcb_cold(t, tcb)->pmtu;
	uint32_t i = tcb->snd.ranges;

	p->high = (uint16_t)mtu;
	while (i && !lull_seq_eq(lull_range_at(t, i)->seq, p->probe_seq))
		i = lull_range_at(t, i)->next;
	p->probe = 0;
	lull_count(t->g, LULL_COUNT_MTUP_FAIL);
	/* The duplicate ACKs that follow tell of what is known already. */
	tcb->dup_acks = (uint8_t)lull_max(tcb->dup_acks, DUPS);
	if (i)
		lull_range_lost(t, tcb, i);
	lull_tcp_want(t, tcb);
}

static uint32_t least_mtu(const struct lull_tcp *t, bool v6)
{
	return v6 ? MTU6_MIN : (uint32_t)t->g->knobs.min_pmtu;
}

void lull_pmtu_too_big(struct lull_tcp *t, struct lull_tcb *tcb,
		       struct lull_seq seq, uint32_t mtu)
{
	struct lull_pmtu *p = &lull_tcb_cold(t, tcb)->pmtu;
	bool of_probe = p->probe && lull_seq_eq(seq, p->probe_seq);

	if (of_probe && mtu >= size_now(tcb) && mtu < p->probe) {
		probe_refused(t, tcb, mtu);
		return;
	}
	if (mtu < least_mtu(t, is_v6(tcb)) || mtu >= size_now(tcb)) {
		lull_drop_at(t->g, LULL_DROP_ICMP_MTU, &tcb->tuple,
			     tcb->snd.una.v, 0);
		return;
	}
	/*
	 * RFC 5927 7.2: packets of this size have arrived. Either the path is
	 * another one now, and nothing moves on until a timeout; or it's a lie.
	 */
	if (tcb->flags & LULL_TCB_MSS_PROVED && !tcb->rtt.backoff) {
		p->claim = (uint16_t)mtu;
		p->claim_seq = seq;
		tcb->flags |= LULL_TCB_PMTU_ACKS;
		lull_count(t->g, LULL_COUNT_MTU_CLAIMS);
		return;
	}
	if (shrink(t, tcb, mtu))
		lull_loss_too_big(t, tcb);
}

/* ---- grown again ---- */

void lull_pmtu_refresh(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_pmtu *p = &lull_tcb_cold(t, tcb)->pmtu;
	const struct lull_knobs *k = &t->g->knobs;
	uint32_t age_ms = (uint32_t)t->g->now_ms - p->since_ms;
	uint32_t most_s =
		(uint32_t)(is_v6(tcb) ? k->mtu_expires6_s : k->mtu_expires_s);

	if (p->mtu && age_ms >= most_s * 1000) { /* RFC 1191 6.3, 8201 5.3 */
		p->mtu = 0;
		lull_pmtu_sync(t, tcb);
	}
	/* RFC 4821 7.4: the search is over; look again after some time. */
	if (p->high && !p->probe && p->high - p->low < k->probe_threshold &&
	    age_ms >= (uint32_t)k->probe_interval_s * 1000)
		search(t, tcb, p->low);
}

/* ---- probed ---- */

uint32_t lull_pmtu_probe(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	const struct lull_pmtu *p = &lull_tcb_cold(t, tcb)->pmtu;
	uint32_t out = lull_seq_sub(tcb->snd.nxt, tcb->snd.una);
	uint32_t size = (p->low + p->high + 1U) / 2, text, need;

	if (!p->high || p->probe ||
	    p->high - p->low < t->g->knobs.probe_threshold)
		return 0;
	/* Its loss must be its own, and be seen at once. */
	if (tcb->flags & LULL_TCB_UNEASY || tcb->snd.lost || tcb->rtt.backoff ||
	    tcb->dup_acks || size <= size_now(tcb))
		return 0;
	text = size - hdr_bytes(tcb);
	need = text + (DUPS + 1U) * tcb->opt.mss;
	if (lull_seq_sub(tcb->snd.end, tcb->snd.nxt) < need ||
	    tcb->snd.wnd < out + need || tcb->cc.cwnd < need ||
	    tcb->cc.cwnd < MSS_AT_ONCE * tcb->opt.mss)
		return 0;
	if (tcb->snd.pipe + text > tcb->cc.cwnd)
		return tcb->snd.pipe ? LULL_PMTU_WAIT : 0;
	return text;
}

void lull_pmtu_sent(struct lull_tcp *t, struct lull_tcb *tcb,
		    struct lull_seq seq, uint32_t text)
{
	struct lull_pmtu *p = &lull_tcb_cold(t, tcb)->pmtu;

	p->probe_seq = seq;
	p->probe = 0;
	if (text <= tcb->opt.mss) /* none, or in too many pieces */
		return;
	p->probe = (uint16_t)(text + hdr_bytes(tcb));
	tcb->flags |= LULL_TCB_PMTU_ACKS;
}

/* Did the path take it? Its size is known either way. */
static void probe_over(struct lull_tcp *t, struct lull_tcb *tcb, bool took)
{
	struct lull_pmtu *p = &lull_tcb_cold(t, tcb)->pmtu;

	if (took)
		p->low = p->probe;
	else
		p->high = (uint16_t)lull_max(p->probe - 1U, p->low);
	p->probe = 0;
	lull_count(t->g, took ? LULL_COUNT_MTUP_SUCCESS : LULL_COUNT_MTUP_FAIL);
	lull_pmtu_sync(t, tcb);
}

void lull_pmtu_acked(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_pmtu *p = &lull_tcb_cold(t, tcb)->pmtu;
	struct lull_seq end =
		lull_seq_add(p->probe_seq, p->probe - hdr_bytes(tcb));

	if (p->probe && lull_seq_ge(tcb->snd.una, end))
		probe_over(t, tcb, true);
	/* What it spoke of has arrived: it was not true. */
	if (p->claim && lull_seq_gt(tcb->snd.una, p->claim_seq))
		p->claim = 0;
	if (!p->probe && !p->claim)
		tcb->flags &= ~(uint64_t)LULL_TCB_PMTU_ACKS;
}

bool lull_pmtu_lost(struct lull_tcp *t, struct lull_tcb *tcb)
{
	const struct lull_pmtu *p = &lull_tcb_cold(t, tcb)->pmtu;

	if (!(tcb->flags & LULL_TCB_PMTU_ACKS) || !p->probe ||
	    !lull_seq_eq(tcb->snd.una, p->probe_seq) || !tcb->snd.ranges)
		return false;
	probe_over(t, tcb, false);
	lull_range_lost(t, tcb, tcb->snd.ranges);
	lull_tcp_want(t, tcb);
	return true;
}

/* ---- black holes ---- */

/* RFC 4821 7.7, as Linux: begin at tcp_base_mss, then halve. */
static void smaller(struct lull_tcp *t, struct lull_tcb *tcb)
{
	const struct lull_knobs *k = &t->g->knobs;
	struct lull_pmtu *p = &lull_tcb_cold(t, tcb)->pmtu;
	uint32_t mss = (uint32_t)k->base_mss;

	if (p->high) {
		uint32_t half = (p->low - LULL_MSS_HDR(is_v6(tcb))) / 2;

		mss = lull_min(mss, half);
		mss = lull_max(mss, (uint32_t)k->mtu_probe_floor);
		mss = lull_max(mss, (uint32_t)k->min_snd_mss);
	}
	search(t, tcb, lull_min(size_of_mss(tcb, mss), size_now(tcb)));
}

bool lull_pmtu_timeout(struct lull_tcp *t, struct lull_tcb *tcb)
{
	struct lull_pmtu *p = &lull_tcb_cold(t, tcb)->pmtu;
	bool true_claim = p->claim && lull_seq_le(tcb->snd.una, p->claim_seq);

	/* A probe that nothing is known of was none, unless it is to blame. */
	if (p->probe && lull_seq_eq(tcb->snd.una, p->probe_seq))
		probe_over(t, tcb, false);
	p->probe = 0;
	if (true_claim)
		return shrink(t, tcb, p->claim);
	if (t->g->knobs.mtu_probing && lull_timer_past_r1(t, tcb))
		smaller(t, tcb);
	return false;
}
