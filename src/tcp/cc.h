/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cc.h: congestion control: how much may be in the network.
 *
 * loss.c says what happened to a connection: text was delivered, a loss is
 * repaired, a timeout, it was all a mistake. An algorithm answers with two
 * numbers, tcb->cc.cwnd and tcb->cc.ssthresh, in bytes. While a loss is being
 * repaired loss.c alone moves cwnd, towards ssthresh.
 *
 * An algorithm is three functions and a case in each switch of cc.c: what it
 * starts with, what an ACK makes of its window, and what a loss leaves of it.
 */
#ifndef LULL_TCP_CC_H
#define LULL_TCP_CC_H

#include <stdbool.h>
#include <stdint.h>

struct lull_tcp;
struct lull_tcb;

enum lull_cc_kind {
	LULL_CC_RENO
};

enum lull_cc_event {
	LULL_CC_LOSS,	 /* a segment was lost; loss.c repairs it */
	LULL_CC_TIMEOUT, /* all that is out may be lost (RFC 5681 3.1) */
};

/* What an ACK tells that came outside of a repair. */
struct lull_cc_ack {
	uint32_t bytes;	 /* newly delivered */
	uint32_t flight; /* bytes that were out before it */
	uint32_t rtt_us; /* 0: it gives no sample */
};

#define LULL_CWND_MAX (1U << 30)

/* RFC 6928: ten segments. */
uint32_t lull_cc_first_window(const struct lull_tcb *tcb);

void lull_cc_init(struct lull_tcp *t, struct lull_tcb *tcb);
void lull_cc_acked(struct lull_tcp *t, struct lull_tcb *tcb,
		   const struct lull_cc_ack *ack);
/* Sets ssthresh for it, and after a timeout cwnd. Remembers what both were,
 * unless `again`: the same loss, not yet repaired. */
void lull_cc_reduce(struct lull_tcp *t, struct lull_tcb *tcb,
		    enum lull_cc_event event, bool again);
/* The last reduction was for nothing. */
void lull_cc_undo(struct lull_tcp *t, struct lull_tcb *tcb);
/* Nothing was sent for a while (RFC 5681 4.1). */
void lull_cc_idle(struct lull_tcp *t, struct lull_tcb *tcb);

/* ---- the algorithms ---- */

/* cc_reno.c: RFC 5681 */
void lull_reno_acked(struct lull_tcb *tcb, const struct lull_cc_ack *ack);
uint32_t lull_reno_ssthresh(const struct lull_tcb *tcb);

#endif
