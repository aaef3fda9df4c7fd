/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loss.h: what was sent, what became of it, and how a loss is repaired. A part
 * of tcp.h, which includes it.
 *
 *	range.c   what is out: in flight, lost, or arrived behind a gap
 *	sack.c    SACK and DSACK, told and believed (RFC 2018, 2883)
 *	rack.c    what is lost, and when to ask (RFC 8985)
 *	loss.c    the repair, and its undoing
 *
 * An ACK goes through ack.c, which drops what it acknowledges, takes its
 * blocks, and gathers what both have told in a `lull_acked`. loss.c acts on
 * that. While nothing is lost or late it looks at no range but those that the
 * ACK acknowledges.
 */
#ifndef LULL_TCP_LOSS_H
#define LULL_TCP_LOSS_H

#include "base/base.h"
#include "wire/wire.h"

struct lull_tcp;
struct lull_tcb;

/* What was sent together and is not yet acknowledged. */
enum lull_range_flags {
	LULL_RANGE_SYN = 1,
	LULL_RANGE_FIN = 2,
	LULL_RANGE_RETRANS = 4, /* sent more than once: no RTT sample (Karn) */
	LULL_RANGE_LOST = 8,	/* to be sent again */
	LULL_RANGE_SACKED = 16, /* the peer has it, behind a gap */
};

struct lull_range {
	uint32_t next;
	struct lull_seq seq, end; /* SYN and FIN take numbers too */
	uint32_t sent_us;
	/* In flight: among those, by sent_us. Lost: among those, by seq. */
	struct lull_links links;
	uint16_t mss; /* bytes of a segment of it, but for the last */
	uint8_t flags;
	uint8_t unused;
};

/* Text that we have ahead of a gap, and what of it the peer is told. */
struct lull_sacks {
	struct lull_sack block[LULL_SACKS_MAX]; /* reported last: first */
	struct lull_sack dup; /* what came twice, with `has_dup` */
	uint8_t n;
	bool has_dup;
};

enum lull_rack_flags {
	LULL_RACK_REORDERS = 1,	   /* the path does */
	LULL_RACK_ROUND = 2,	   /* DSACK counted; until `round` is acked */
	LULL_RACK_UNDO = 4,	   /* what is repaired began at `undo` */
	LULL_RACK_STAMPED = 8,	   /* something of it went again, at again_ms */
	LULL_RACK_FRTO = 16,	   /* was the timeout a mistake? RFC 5682 */
	LULL_RACK_FRTO_NEW = 32,   /* ... new text goes, to find out */
	LULL_RACK_TLP_AGAIN = 64,  /* the probe that is out was old text */
	LULL_RACK_REO_TIMER = 128, /* LULL_TIMER_LOSS is not the probe's */
	LULL_RACK_TLP = 256,	   /* a tail loss probe is due */
	LULL_RACK_TLP_OUT = 512,   /* one is out, to tlp_end */
};

/* The sender's side of loss: what is out, what is known of it, the repair. */
struct lull_rack {
	/* range.c */
	uint32_t flying, flying_end; /* ranges in flight, by time sent */
	uint32_t lost_end;	     /* last of snd.lost */
	uint32_t sacked;	     /* bytes that the peer has behind a gap */
	uint32_t retrans;	     /* bytes sent again, and in flight */
	/* rack.c: RFC 8985 5.3 */
	uint32_t xmit_us;     /* RACK.xmit_ts: when the newest was sent */
	struct lull_seq end;  /* RACK.end_seq: of what has arrived, */
	uint32_t rtt_us;      /* and how long that took */
	uint32_t min_rtt_us;  /* 0: none yet */
	uint32_t min_rtt_ms;  /* when it was seen */
	struct lull_seq fack; /* the highest that has arrived */
	struct lull_seq round;
	struct lull_seq tlp_end;
	uint8_t reo_mult, reo_persist; /* of min_rtt / 4; recoveries left */
	uint16_t flags;		       /* of enum lull_rack_flags */
	uint16_t reordering;	       /* segments */
	/* loss.c */
	uint32_t prr_delivered, prr_out, prior_cwnd; /* bytes; RFC 6937 */
	struct lull_seq undo;
	int32_t undo_retrans;	/* segments of it sent again, no DSACK yet */
	uint32_t again_ms;	/* lull_ts_now() of the first of them */
	uint32_t total_retrans; /* segments */
	uint32_t dsack_dups;	/* segments that arrived twice */
	uint32_t at;		/* sack.c: where the last block was, or 0 */
};

/* What an ACK has told, gathered on its way. */
struct lull_acked {
	uint32_t bytes;	     /* cumulatively acknowledged */
	uint32_t delivered;  /* for the first time: of these, and SACKed */
	uint32_t rtt_us;     /* of the newest of `bytes`, or 0 */
	uint32_t sack_us;    /* the same of what was SACKed */
	struct lull_seq una; /* SND.UNA before it */
	/* With `has_echo`: how long ago what it echoes was sent, at least. */
	uint32_t echo_ms;
	/* Of what has arrived, what was sent last; with `any`. */
	uint32_t newest_us;
	struct lull_seq newest_end;
	struct lull_seq high; /* the end of what is highest */
	struct lull_seq low;  /* with `late`: the lowest that was */
	bool has_echo;
	bool any;
	bool again;	/* some of `bytes` had been sent twice */
	bool original;	/* some before cc.recover had not */
	bool late;	/* some had not, and is below what came earlier */
	bool sacked;	/* a SACK block was news */
	bool dsack;	/* something arrived twice, */
	bool dsack_tlp; /* the tail loss probe */
	bool dup;	/* it is a duplicate of the last one (RFC 5681 2) */
};

bool lull_range_add(struct lull_tcp *t, struct lull_tcb *tcb,
		    struct lull_range range);
/* Cut a range in two; false: no memory, it stays whole. */
bool lull_range_split(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t i,
		      uint32_t bytes);
/* The first lost range and the next one become one, if that is lost too. */
bool lull_range_join(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t i);
/* Drop what `upto` acknowledges. */
void lull_ranges_acked(struct lull_tcp *t, struct lull_tcb *tcb,
		       struct lull_seq upto, struct lull_acked *a);
void lull_range_lost(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t i);
/* It went once more, now. */
void lull_range_sent_again(struct lull_tcp *t, struct lull_tcb *tcb,
			   uint32_t i);
/* The peer has it. `prev`: the range before it, or 0. The range that it is
 * part of from now on: neighbours become one. */
uint32_t lull_range_sacked(struct lull_tcp *t, struct lull_tcb *tcb,
			   uint32_t prev, uint32_t i);
/* The peer has it no more (RFC 2018 8). */
void lull_range_reneged(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t i);
/* Nothing is lost: all that was thought so is in flight. */
void lull_ranges_found(struct lull_tcp *t, struct lull_tcb *tcb);
void lull_ranges_free(struct lull_tcp *t, struct lull_tcb *tcb);
/* How long ago it was sent; at least 1. */
uint32_t lull_us_since(const struct lull_tcp *t, uint32_t sent_us);
/* A range, or a part of it, has arrived: behind a gap unless `in_order`. */
void lull_range_arrived(const struct lull_tcp *t, const struct lull_tcb *tcb,
			const struct lull_range *r, bool in_order,
			struct lull_acked *a);

/* The receiver: text [start, end) is kept for later; or has come twice. */
void lull_sack_note(struct lull_tcp *t, struct lull_tcb *tcb,
		    struct lull_sack got);
void lull_sack_twice(struct lull_tcp *t, struct lull_tcb *tcb,
		     struct lull_sack dup);
/* RCV.NXT has moved, or what was kept is given up. */
void lull_sack_moved(struct lull_tcp *t, struct lull_tcb *tcb);
/* Put blocks into a segment that goes, at most `bytes` of them. */
void lull_sack_tell(struct lull_tcp *t, struct lull_tcb *tcb,
		    struct lull_seg *out, uint32_t bytes);
/* Bytes of a segment that are left for text while there are blocks. */
uint32_t lull_sack_mss(const struct lull_tcp *t, const struct lull_tcb *tcb);
/* The sender: take the blocks of an ACK, after its SEG.ACK. */
void lull_sack_take(struct lull_tcp *t, struct lull_tcb *tcb,
		    const struct lull_seg *seg, struct lull_acked *a);

void lull_rack_init(struct lull_tcp *t, struct lull_tcb *tcb);
void lull_rack_min_rtt(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t us);
/* RFC 8985 6.2, steps 1 to 4. */
void lull_rack_acked(struct lull_tcp *t, struct lull_tcb *tcb,
		     const struct lull_acked *a);
/* Step 5: bytes that are lost by now; the timer for those that may be. */
uint32_t lull_rack_detect(struct lull_tcp *t, struct lull_tcb *tcb);
/* Is it so old that a timeout means it, too (6.3)? */
bool lull_rack_is_late(const struct lull_tcp *t, const struct lull_tcb *tcb,
		       const struct lull_range *r);
/* The path has delivered `low` after what is above it. */
void lull_rack_reorders(struct lull_tcp *t, struct lull_tcb *tcb,
			struct lull_seq low, enum lull_counter_id count);
/* It was for nothing. */
void lull_rack_forget(struct lull_tcp *t, struct lull_tcb *tcb);
/* A recovery is over. */
void lull_rack_recovered(struct lull_tcp *t, struct lull_tcb *tcb);
/* 7.2: the probe's timer, if there should be one. */
void lull_tlp_schedule(struct lull_tcp *t, struct lull_tcb *tcb);
/* 7.3: one went, of old text if `again`. */
void lull_tlp_sent(struct lull_tcp *t, struct lull_tcb *tcb, bool again);
/* 7.4: true: an ACK shows that it repaired a loss. */
bool lull_tlp_acked(struct lull_tcp *t, struct lull_tcb *tcb,
		    const struct lull_acked *a);
/* Both fire by one timer. */
void lull_rack_timer(struct lull_tcp *t, struct lull_tcb *tcb);

void lull_loss_dup_ack(struct lull_tcp *t, struct lull_tcb *tcb);
void lull_loss_acked(struct lull_tcp *t, struct lull_tcb *tcb,
		     const struct lull_seg *seg, const struct lull_acked *a);
/* Some is lost, and the path should know. */
void lull_loss_detected(struct lull_tcp *t, struct lull_tcb *tcb);
/* Bytes went while a loss is repaired; or a segment went again. */
void lull_loss_sent(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t bytes,
		    bool again);
void lull_loss_timeout(struct lull_tcp *t, struct lull_tcb *tcb);
void lull_loss_too_big(struct lull_tcp *t, struct lull_tcb *tcb);
/* RFC 3042: bytes over the window for what duplicate ACKs say has left. */
uint32_t lull_loss_limited(const struct lull_tcb *tcb);

#endif
