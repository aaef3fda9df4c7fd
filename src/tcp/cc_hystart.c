/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cc_hystart.c: HyStart++ (RFC 9406): the first slow start ends where the RTT
 * begins to rise, before a queue overflows. What may have been jitter is tried
 * out: Conservative Slow Start grows by a quarter for five rounds, and goes
 * back if the RTT falls again.
 *
 * Linux has its ancestor, with trains of ACKs as well, which pacing and offload
 * both break; its counters of delay are moved here, in both profiles.
 *
 * Entry point: lull_hystart_acked.
 */
#include "tcp/tcp.h"

enum { /* RFC 9406 4.3 */
	MIN_RTT_THRESH_US = 4000,
	MAX_RTT_THRESH_US = 16000,
	MIN_RTT_DIVISOR = 8,
	N_RTT_SAMPLE = 8,
	CSS_GROWTH_DIVISOR = 4,
	CSS_ROUNDS = 5,
};

/* Five rounds, and the RTT stayed: this is the window. */
static void leave(struct lull_tcp *t, struct lull_tcb *tcb,
		  struct lull_cc_more *more)
{
	tcb->cc.ssthresh = tcb->cc.cwnd;
	memset(&more->cubic, 0, sizeof more->cubic);
	lull_count(t->g, LULL_COUNT_HYSTART_DELAY_DETECT);
	t->g->count[LULL_COUNT_HYSTART_DELAY_CWND] +=
		tcb->cc.cwnd / tcb->opt.mss;
}

static void next_round(struct lull_tcp *t, struct lull_tcb *tcb,
		       struct lull_cc_more *more)
{
	struct lull_hystart *h = &more->hystart;

	if (h->begun && h->base_us && --h->css_rounds == 0) {
		leave(t, tcb, more);
		return;
	}
	h->begun = true;
	h->end = tcb->snd.nxt;
	h->last_us = h->least_us;
	h->least_us = 0;
	h->samples = 0;
}

static void take_sample(struct lull_hystart *h, uint32_t rtt_us)
{
	uint32_t rise;

	if (!rtt_us)
		return;
	if (!h->least_us || rtt_us < h->least_us)
		h->least_us = rtt_us;
	if (h->samples < N_RTT_SAMPLE)
		h->samples++;
	if (h->samples < N_RTT_SAMPLE)
		return;
	if (h->base_us) {
		if (h->least_us < h->base_us)
			h->base_us = 0; /* it was nothing: slow start again */
		return;
	}
	rise = lull_max(h->last_us / MIN_RTT_DIVISOR, MIN_RTT_THRESH_US);
	rise = lull_min(rise, MAX_RTT_THRESH_US);
	if (h->last_us && h->least_us >= h->last_us + rise) {
		h->base_us = h->least_us;
		h->css_rounds = CSS_ROUNDS;
	}
}

void lull_hystart_acked(struct lull_tcp *t, struct lull_tcb *tcb,
			const struct lull_cc_ack *ack)
{
	struct lull_cc_more *more = &lull_tcb_cold(t, tcb)->more;
	uint32_t bytes = lull_cc_counted(t, tcb, ack->bytes);

	take_sample(&more->hystart, ack->rtt_us);
	if (more->hystart.base_us)
		bytes /= CSS_GROWTH_DIVISOR;
	tcb->cc.cwnd += bytes;
	if (!more->hystart.begun ||
	    lull_seq_ge(tcb->snd.una, more->hystart.end))
		next_round(t, tcb, more);
}
