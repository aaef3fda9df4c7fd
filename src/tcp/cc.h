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
 * What it remembers stands in a `lull_cc_more`, in the cold part of a
 * connection: so much that Reno, which remembers nothing, costs no more.
 *
 * When text may leave is another question than how much: pace.c.
 */
#ifndef LULL_TCP_CC_H
#define LULL_TCP_CC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

struct lull_tcp;
struct lull_tcb;

/* The words of net.ipv4.tcp_congestion_control, in their order. */
enum lull_cc_kind {
	LULL_CC_CUBIC,
	LULL_CC_RENO,
	LULL_CC_KINDS,
};

enum lull_cc_event {
	LULL_CC_LOSS,	 /* a segment was lost; loss.c repairs it */
	LULL_CC_TIMEOUT, /* all that is out may be lost (RFC 5681 3.1) */
	LULL_CC_ECN,	 /* the peer echoes a mark (RFC 3168 6.1.2) */
};

/* What an ACK tells that came outside of a repair. */
struct lull_cc_ack {
	uint32_t bytes;	 /* newly delivered */
	uint32_t flight; /* bytes that were out before it */
	uint32_t rtt_us; /* 0: it gives no sample */
};

#define LULL_CWND_MAX (1U << 30)

/* ---- what is remembered ---- */

/* The curve since the last reduction (RFC 9438 4.1.2). */
struct lull_curve {
	uint32_t w_max, prior; /* bytes: W_max, cwnd_prior */
	uint32_t est;	       /* bytes: W_est */
	uint32_t k_ms, epoch_ms;
	bool begun;  /* congestion avoidance has, at epoch_ms */
	bool paused; /* since at_ms the window was not used, nor time counted */
};

/* cc_cubic.c */
struct lull_cubic {
	struct lull_curve curve;
	uint32_t at_ms;	    /* the last ACK that moved the window */
	uint32_t est_acked; /* bytes that do not yet make a segment of est */
	uint32_t rest;	    /* of a byte of cwnd, in 1/cwnd */
};

/* cc_hystart.c: while ssthresh is not known */
struct lull_hystart {
	struct lull_seq end;		    /* of the round */
	uint32_t last_us, least_us;	    /* RTT of both rounds; 0: none */
	uint32_t base_us;		    /* in CSS, else 0 */
	uint8_t samples, css_rounds, begun; /* of this round; left of CSS */
};

struct lull_cc_more {
	struct { /* what a reduction took: it may have to be given back */
		uint32_t cwnd, ssthresh;
		struct lull_curve curve;
	} before;
	union {
		struct lull_cubic cubic;
		struct lull_hystart hystart; /* with ssthresh LULL_CWND_MAX */
	};
	/* Until this is acked LULL_CC_FULL holds, and out_most. */
	struct lull_seq full_end;
	struct lull_seq ecn_end; /* the same, with LULL_ECN_REDUCED */
	uint64_t pace_ns;	 /* when the next byte of text is due */
	uint32_t rate_max;	 /* bytes a second, with LULL_CC_RATE_MAX */
	uint32_t out_most;	 /* bytes out at once; profile linux */
};

/* ---- cc.c ---- */

/* RFC 6928: ten segments. */
uint32_t lull_cc_first_window(const struct lull_tcb *tcb);

void lull_cc_init(struct lull_tcp *t, struct lull_tcb *tcb);
void lull_cc_acked(struct lull_tcp *t, struct lull_tcb *tcb,
		   const struct lull_cc_ack *ack);
/* Sets ssthresh for it, and after a timeout or a mark cwnd. Remembers what
 * both were, unless `again`: the same loss, not yet repaired. */
void lull_cc_reduce(struct lull_tcp *t, struct lull_tcb *tcb,
		    enum lull_cc_event event, bool again);
/* A mark says that the last reduction was right: it is not undone (RFC 4015
 * 3.1 (9)). */
void lull_cc_confirm(struct lull_tcp *t, struct lull_tcb *tcb);
/* The last reduction was for nothing. */
void lull_cc_undo(struct lull_tcp *t, struct lull_tcb *tcb);
/* Nothing is out, and now something goes (RFC 5681 4.1). */
void lull_cc_idle(struct lull_tcp *t, struct lull_tcb *tcb);
/* `len` bytes of new text have just been sent. */
void lull_cc_sent(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t len);
/* Another algorithm: it begins with the window that there is. */
void lull_cc_choose(struct lull_tcp *t, struct lull_tcb *tcb,
		    enum lull_cc_kind kind);
const char *lull_cc_name(enum lull_cc_kind kind);
/* By a name that need not end with NUL. LULL_CC_KINDS: there is none. */
enum lull_cc_kind lull_cc_find(const char *name, size_t len);
/* RFC 3465: at most so many bytes of one ACK count in slow start. */
uint32_t lull_cc_counted(const struct lull_tcp *t, const struct lull_tcb *tcb,
			 uint32_t bytes);

/* ---- the algorithms ---- */

/* cc_reno.c: RFC 5681 */
void lull_reno_acked(struct lull_tcb *tcb, const struct lull_cc_ack *ack);
uint32_t lull_reno_ssthresh(const struct lull_tcb *tcb);

/* cc_cubic.c: RFC 9438 */
void lull_cubic_acked(struct lull_tcp *t, struct lull_tcb *tcb,
		      const struct lull_cc_ack *ack);
/* A reduction: the new ssthresh. */
uint32_t lull_cubic_ssthresh(struct lull_tcp *t, struct lull_tcb *tcb);
void lull_cubic_timeout(struct lull_tcp *t, struct lull_tcb *tcb);

/* cc_hystart.c: RFC 9406. An ACK in the first slow start. */
void lull_hystart_acked(struct lull_tcp *t, struct lull_tcb *tcb,
			const struct lull_cc_ack *ack);

/* ---- pace.c: when new text may leave ---- */

/* Bytes a second, or UINT64_MAX: as fast as it goes. */
uint64_t lull_pace_rate(const struct lull_tcp *t, const struct lull_tcb *tcb);
/* `most` bytes, or as few as make no burst. */
uint32_t lull_pace_piece(const struct lull_tcp *t, const struct lull_tcb *tcb,
			 uint32_t most);
/* Not yet: the timer will tell. */
bool lull_pace_holds(struct lull_tcp *t, struct lull_tcb *tcb);
void lull_pace_sent(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t len);
/* No new text for so long, whatever the pace. */
void lull_pace_wait(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t ms);

#endif
