/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * info.c: TCP_INFO, as Linux's tcp_get_info() fills it, and what else ss(8)
 * prints of a connection or a listener.
 *
 * Bounded, however much is out: ranges beyond the first RANGES are counted by
 * their bytes.
 *
 * Entry points: lull_info_of, lull_diag_detail.
 */
#include "shard.h"

enum {
	RANGES = 256,		    /* looked at, at most */
	SSTHRESH_NONE = 0x7fffffff, /* Linux: nothing was lost yet */
	FIRST_CWND = 10,
	RCV_MSS_FIRST = 536, /* TCP_MSS_DEFAULT */
	RCV_MSS_LEAST = 88,  /* TCP_MIN_MSS */
};

enum ca_state {
	CA_OPEN,
	CA_DISORDER,
	CA_CWR,
	CA_RECOVERY,
	CA_LOSS
};

enum {
	OPT_TIMESTAMPS = 1,
	OPT_SACK = 2,
	OPT_WSCALE = 4
};

/* Segments of what is out. */
struct out {
	uint32_t segs, lost, sacked, retrans;
	uint32_t text; /* of these with text, and not sacked */
};

static uint32_t segs_of(uint32_t bytes, uint32_t mss)
{
	return bytes ? (bytes + mss - 1) / mss : 0;
}

static struct out count_out(const struct lull_tcp *t,
			    const struct lull_tcb *tcb)
{
	struct lull_seq at = tcb->snd.una;
	uint32_t mss = tcb->opt.mss, n = 0, i;
	struct out out = {0};

	for (i = tcb->snd.ranges; i && n < RANGES; n++) {
		const struct lull_range *r = lull_range_at(t, i);
		uint32_t segs = segs_of(lull_seq_sub(r->end, r->seq) -
						!!(r->flags & LULL_RANGE_FIN) -
						!!(r->flags & LULL_RANGE_SYN),
					mss);

		out.text += r->flags & LULL_RANGE_SACKED ? 0 : segs;
		segs = lull_max(segs, 1); /* SYN or FIN alone */
		out.segs += segs;
		if (r->flags & LULL_RANGE_SACKED)
			out.sacked += segs;
		else if (r->flags & LULL_RANGE_LOST)
			out.lost += segs;
		else if (r->flags & LULL_RANGE_RETRANS)
			out.retrans += segs;
		at = r->end;
		i = r->next;
	}
	if (i) {
		uint32_t rest = segs_of(lull_seq_sub(tcb->snd.nxt, at), mss);

		out.segs += rest;
		out.text += rest;
	}
	return out;
}

static enum ca_state ca_state_of(const struct lull_tcb *tcb,
				 const struct lull_rack *k)
{
	if (tcb->flags & LULL_TCB_RECOVERY)
		return CA_RECOVERY;
	if (tcb->flags & LULL_TCB_LOSS ||
	    (tcb->rtt.backoff > 0 && !(tcb->flags & LULL_TCB_PERSIST)))
		return CA_LOSS;
	if (tcb->snd.ecn & LULL_ECN_CWR_WND)
		return CA_CWR;
	return tcb->dup_acks || k->sacked || k->retrans ? CA_DISORDER : CA_OPEN;
}

static void set_state(const struct lull_tcp *t, const struct lull_tcb *tcb,
		      struct lull_tcp_info *i)
{
	const struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);
	bool persist = tcb->flags & LULL_TCB_PERSIST;

	i->state = tcb->state;
	i->ca_state = (uint8_t)ca_state_of(tcb, &cold->rack);
	i->retransmits = persist ? 0 : tcb->rtt.backoff;
	i->probes = persist ? tcb->snd.probes : cold->keep_probes;
	i->backoff = tcb->rtt.backoff;
	i->options |= tcb->flags & LULL_TCB_TS ? OPT_TIMESTAMPS : 0;
	if (tcb->flags & LULL_TCB_WSCALE) {
		i->options |= OPT_WSCALE;
		i->snd_wscale = tcb->opt.snd_wscale & 15;
		i->rcv_wscale = tcb->opt.rcv_wscale & 15;
	}
	i->rto = lull_rtt_timeout_ms(t, tcb) * 1000;
	i->ato = LULL_DELAYED_ACK_MS * 1000;
	i->rtt = tcb->rtt.srtt_us;
	i->rttvar = tcb->rtt.rttvar_us;
	i->min_rtt = cold->rack.min_rtt_us ? cold->rack.min_rtt_us : UINT32_MAX;
	i->reordering = cold->rack.reordering;
}

static void set_sizes(const struct lull_tcp *t, const struct lull_tcb *tcb,
		      struct lull_tcp_info *i)
{
	const struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);
	const struct lull_tally *y = &cold->tally;
	uint32_t mss = tcb->opt.mss;
	uint32_t first =
		lull_min(lull_min(RCV_MSS_FIRST, mss),
			 lull_seq_sub(tcb->rcv.edge, tcb->rcv.nxt) / 2);

	i->snd_mss = mss;
	/* Without the timestamps, as in Linux. */
	i->advmss = lull_mss_offer(t, !lull_addr_is4(&tcb->tuple.local),
				   cold->pmtu.user_mss) -
		    (tcb->flags & LULL_TCB_TS ? LULL_TS_BYTES : 0U);
	i->rcv_mss = lull_max(lull_max(first, RCV_MSS_LEAST), y->rcv_mss);
	i->pmtu = cold->pmtu.mtu ? cold->pmtu.mtu : t->g->mtu;
	i->snd_cwnd = tcb->cc.cwnd / mss;
	i->snd_ssthresh = tcb->cc.ssthresh >= LULL_CWND_MAX
				  ? SSTHRESH_NONE
				  : tcb->cc.ssthresh / mss;
	i->snd_wnd = tcb->snd.wnd;
	i->rcv_wnd = lull_seq_sub(tcb->rcv.edge, tcb->rcv.nxt);
	/* Half of the buffers are for text: see tcp/data.c. */
	i->rcv_ssthresh = tcb->rcv.buf / 2;
	/* What was read in a round trip, once there was one. */
	i->rcv_rtt = cold->tune.rtt_us;
	i->rcv_space = cold->tune.most
			       ? cold->tune.most
			       : lull_min(tcb->rcv.buf / 2, 10 * i->advmss);
}

static uint64_t rate_max(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	return tcb->snd.cc & LULL_CC_RATE_MAX
		       ? lull_tcb_cold(t, tcb)->more.rate_max
		       : UINT64_MAX;
}

/* tcp_update_pacing_rate(): what the path would be paced at, if it is. */
static uint64_t pacing_rate(const struct lull_tcp *t,
			    const struct lull_tcb *tcb)
{
	const struct lull_knobs *k = &t->g->knobs;
	uint64_t cwnd = tcb->cc.cwnd, rtt_us = tcb->rtt.srtt_us, rate;
	bool slow = tcb->cc.cwnd < tcb->cc.ssthresh / 2;
	int64_t percent = slow ? k->pacing_ss_ratio : k->pacing_ca_ratio;

	rate = rtt_us ? cwnd * 10000 * (uint64_t)percent / rtt_us : UINT64_MAX;
	return rate < rate_max(t, tcb) ? rate : rate_max(t, tcb);
}

static void set_times(const struct lull_tcp *t, const struct lull_tcb *tcb,
		      struct lull_tcp_info *i)
{
	const struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);
	const struct lull_tally *y = &cold->tally;
	uint32_t now_ms = (uint32_t)t->g->now_ms;
	uint64_t waited[LULL_WAITS - 1];

	i->last_data_sent = now_ms - cold->sent_ms;
	i->last_data_recv = now_ms - y->heard_text_ms;
	i->last_ack_recv = now_ms - tcb->heard_ms;
	for (int k = 0; k < LULL_WAITS - 1; k++)
		waited[k] = y->waited_ms[k];
	if (y->wait != LULL_WAIT_NONE)
		waited[y->wait - 1] += now_ms - y->wait_since_ms;
	i->rwnd_limited = waited[LULL_WAIT_WINDOW - 1] * 1000;
	i->sndbuf_limited = waited[LULL_WAIT_SNDBUF - 1] * 1000;
	i->busy_time = waited[LULL_WAIT_NETWORK - 1] * 1000 + i->rwnd_limited +
		       i->sndbuf_limited;
	i->total_rto = y->rtos;
	i->total_rto_recoveries = y->rto_repairs;
	i->total_rto_time = y->rto_ms;
	i->pacing_rate = pacing_rate(t, tcb);
	i->max_pacing_rate = rate_max(t, tcb);
	i->delivery_rate = lull_tally_rate(y);
	i->delivery_rate_app_limited = y->rate_limited;
}

/* How far from `base` to `at`, which passed 2^32 so many times. */
static uint64_t far(struct lull_seq base, struct lull_seq at, uint16_t wraps)
{
	return ((uint64_t)wraps << 32) + at.v - base.v;
}

/* As Linux counts: SYN in bytes_acked of who opened, FIN in what it closes. */
static void set_bytes(const struct lull_tcp *t, const struct lull_tcb *tcb,
		      struct lull_tcp_info *i)
{
	const struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);
	const struct lull_tally *y = &cold->tally;
	struct lull_seq first = lull_seq_add(cold->iss, 1);
	uint64_t acked, sent;

	i->bytes_retrans = y->retrans_bytes;
	i->bytes_sent = y->retrans_bytes;
	if (tcb->state == LULL_TCP_SYN_SENT ||
	    tcb->state == LULL_TCP_SYN_RECEIVED)
		return;
	acked = far(first, tcb->snd.una, y->una_wraps);
	sent = acked + lull_seq_sub(tcb->snd.nxt, tcb->snd.una);
	if (lull_seq_gt(tcb->snd.nxt, tcb->snd.end))
		sent--; /* FIN is no byte */
	else
		i->notsent_bytes = lull_seq_sub(tcb->snd.end, tcb->snd.nxt);
	i->bytes_sent += sent;
	i->bytes_acked = acked + !!(tcb->flags & LULL_TCB_ACTIVE);
	i->bytes_received =
		far(lull_seq_add(cold->irs, 1), tcb->rcv.nxt, y->nxt_wraps);
}

static void set_segs(const struct lull_tcp *t, const struct lull_tcb *tcb,
		     struct lull_tcp_info *i)
{
	const struct lull_tally *y = &lull_tcb_cold(t, tcb)->tally;
	struct out out = count_out(t, tcb);

	i->segs_out = y->data_out + y->bare_out;
	i->segs_in = y->data_in + y->bare_in;
	i->data_segs_out = y->data_out;
	i->data_segs_in = y->data_in;
	i->total_retrans = y->retrans_segs + y->syn_again;
	i->rcv_ooopack = y->later_in;
	i->unacked = out.segs;
	/* What is being repaired was lost, until it has arrived. */
	i->lost = out.lost + (tcb->flags & (LULL_TCB_RECOVERY | LULL_TCB_LOSS)
				      ? out.retrans
				      : 0);
	i->sacked = out.sacked;
	i->retrans = out.retrans;
	i->delivered_ce = y->marked;
	/* Its SYN, and all text that went and is no longer out. */
	if (tcb->state != LULL_TCP_SYN_SENT &&
	    tcb->state != LULL_TCP_SYN_RECEIVED) {
		uint32_t once = y->data_out > y->retrans_segs
					? y->data_out - y->retrans_segs
					: 0;

		i->delivered = 1 + (once > out.text ? once - out.text : 0);
	}
}

void lull_info_of(const struct lull_shard *s, const struct lull_tcb *tcb,
		  struct lull_tcp_info *info)
{
	*info = (struct lull_tcp_info){0};
	set_state(&s->tcp, tcb, info);
	set_sizes(&s->tcp, tcb, info);
	set_times(&s->tcp, tcb, info);
	set_bytes(&s->tcp, tcb, info);
	set_segs(&s->tcp, tcb, info);
}

/* ---- for ss(8) ---- */

static void set_name(struct lull_detail *d, const char *name)
{
	for (size_t i = 0; name[i] && i < sizeof d->cc - 1; i++)
		d->cc[i] = name[i];
}

static void tell_tcb(const struct lull_shard *s, const struct lull_tcb *tcb,
		     struct lull_detail *d)
{
	const struct lull_tcb_cold *cold = lull_tcb_cold(&s->tcp, tcb);
	const struct lull_user *u = lull_user_at(&s->tcp, tcb->user);

	lull_info_of(s, tcb, &d->info);
	set_name(d, lull_cc_name((enum lull_cc_kind)tcb->cc_kind));
	d->rcv_buf = tcb->rcv.buf;
	d->rcv_alloc = tcb->rcv.later_charge;
	d->snd_buf = cold->sndbuf ? cold->sndbuf : (uint32_t)s->g.knobs.wmem[1];
	d->snd_queued = tcb->snd.charge;
	d->tos = cold->tos;
	if (tcb->user)
		d->rcv_alloc += u->text.charge;
}

/* As tcp_get_info() of a listener: its queue, and what a child begins with. */
static void tell_listener(const struct lull_shard *s,
			  const struct lull_listener *l, struct lull_detail *d)
{
	int64_t kind =
		l->cc_kind ? l->cc_kind - 1 : s->g.knobs.congestion_control;

	d->info.state = LULL_TCP_LISTEN;
	d->info.reordering = 3;
	d->info.snd_cwnd = FIRST_CWND;
	d->info.unacked = l->accept.len;
	d->info.sacked = l->backlog;
	d->info.pacing_rate = d->info.max_pacing_rate = UINT64_MAX;
	set_name(d, lull_cc_name((enum lull_cc_kind)kind));
	d->rcv_buf = lull_rcvbuf_first(&s->tcp);
	d->snd_buf = (uint32_t)s->g.knobs.wmem[1];
}

int lull_diag_detail(const struct lull_shard *s, uint64_t id,
		     struct lull_detail *detail)
{
	uint32_t name = (uint32_t)id, i = lull_name_index(name);
	enum lull_kind kind = lull_name_kind(name);
	const struct lull_tcb *tcb = lull_tcb_at(&s->tcp, i);
	const struct lull_listener *l = lull_listener_at(&s->tcp, i);

	if (detail->size != sizeof *detail)
		return -EINVAL;
	*detail = (struct lull_detail){.size = sizeof *detail};
	if (kind == LULL_KIND_TCB && i && i < s->tcp.tcbs.fresh && tcb->state &&
	    !(tcb->flags & LULL_TCB_DEAD))
		tell_tcb(s, tcb, detail);
	else if (kind == LULL_KIND_LISTENER && i &&
		 i < s->tcp.listeners.fresh && l->live)
		tell_listener(s, l, detail);
	else
		return -ENOENT;
	return 0;
}
