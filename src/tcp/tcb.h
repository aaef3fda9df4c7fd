/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcb.h: a connection in full: what each segment touches, and what few do.
 *
 * Each part has the name of the file that writes it.
 */
#ifndef LULL_TCP_TCB_H
#define LULL_TCP_TCB_H

#include "base/base.h"
#include "tcp/cc.h"
#include "tcp/loss.h"

enum lull_tcb_flags {
	LULL_TCB_OUT = 1 << 0,	   /* stands in `out` */
	LULL_TCB_DEAD = 1 << 1,	   /* left the table: send RST, then free */
	LULL_TCB_ORPHAN = 1 << 2,  /* no program owns it; counted */
	LULL_TCB_ACTIVE = 1 << 3,  /* we opened it (MUST-11) */
	LULL_TCB_TS = 1 << 4,	   /* timestamps agreed on, or offered */
	LULL_TCB_WSCALE = 1 << 5,  /* the same for window scaling */
	LULL_TCB_NODELAY = 1 << 6, /* no Nagle (MUST-17) */
	LULL_TCB_KEEPALIVE = 1 << 7,
	LULL_TCB_FIN = 1 << 8,	    /* FIN follows the last byte */
	LULL_TCB_PEER_FIN = 1 << 9, /* its FIN is at peer_fin, behind a gap */
	LULL_TCB_ACK_NOW = 1 << 10,
	LULL_TCB_ACK_LATER = 1 << 11, /* the delayed ACK's timer runs */
	LULL_TCB_ACK_HELD = 1 << 12,  /* held back once for an answer */
	LULL_TCB_PROBE = 1 << 13,     /* send one: zero window or keepalive */
	LULL_TCB_PERSIST = 1 << 14,   /* the RTO timer is the persist timer */
	LULL_TCB_PUSH = 1 << 15, /* its timer says: send less than a segment */
	LULL_TCB_RECOVERY = 1 << 16,  /* fast recovery; see loss.c */
	LULL_TCB_ZERO_TOLD = 1 << 17, /* the window last told is zero */
	LULL_TCB_REUSEADDR = 1 << 18, /* SO_REUSEADDR, of its listener or own */
	LULL_TCB_BOUND = 1 << 19,     /* counted at its port */
	LULL_TCB_BACK = 1 << 20,      /* as LULL_CLOSING_BACK */
	LULL_TCB_SACK = 1 << 21,      /* SACK agreed on, or offered */
	LULL_TCB_SACKS = 1 << 22,     /* there are blocks to tell; sack.c */
	LULL_TCB_LOSS = 1 << 23,      /* a timeout is being repaired */
	LULL_TCB_CORK = 1 << 24,      /* TCP_CORK: whole segments only */
	LULL_TCB_MORE = 1 << 25,      /* MSG_MORE: so until the next send */
	LULL_TCB_QUICKACK = 1 << 26,  /* TCP_QUICKACK: no delayed ACK */
	LULL_TCB_URGENT = 1 << 27,    /* urgent text may be out, or queued */
	LULL_TCB_RCVBUF = 1 << 28,    /* rcv.buf is the program's own */
	LULL_TCB_MSS_PROVED = 1 << 29, /* as much as an MSS has arrived */
	LULL_TCB_PMTU_ACKS = 1 << 30,  /* pmtu.c waits for an ACK */
	LULL_TCB_CONFIRM = 1LL << 31,  /* what we sent arrives: tell the link */
	/* The peer has text behind a gap, or a tail loss probe is out. */
	LULL_TCB_DISORDER = 1LL << 32,
	LULL_TCB_UNPUSHED = 1LL << 33, /* the last send had MSG_MORE */
	LULL_TCB_RECORDS = 1LL << 34,  /* the program says MSG_EOR */
};

/* An ACK is more than progress while any of them stands. */
#define LULL_TCB_UNEASY (LULL_TCB_RECOVERY | LULL_TCB_LOSS | LULL_TCB_DISORDER)

/* In snd.cc. */
enum lull_cc_flags {
	LULL_CC_WAITS = 1,    /* pace.c: no new text before pace_ns */
	LULL_CC_FULL = 2,     /* what is out filled the window */
	LULL_CC_RATE_MAX = 4, /* LULL_OPT_MAX_PACING_RATE */
};

/* In snd.ecn. */
enum lull_ecn_flags {
	LULL_ECN_ON = 16,     /* agreed on, or offered */
	LULL_ECN_ECE = 1,     /* CE came, and no CWR since */
	LULL_ECN_CWR = 2,     /* the next new text says so */
	LULL_ECN_REDUCED = 4, /* so ECE is no news before ecn_end */
	LULL_ECN_CWR_WND = 8, /* for ECE: nor does the window grow */
};

enum lull_tcb_timer {
	LULL_TIMER_LOSS, /* RACK's; before RTO: it may put that off */
	LULL_TIMER_RTO,	 /* retransmission, or persist */
	LULL_TIMER_ACK,	 /* delayed ACK */
	LULL_TIMER_KEEP,
	LULL_TIMER_LINGER,
	LULL_TIMER_PACE,
	LULL_TIMERS,
};

/* The hot part: four cache lines. Names are those of 3.3.1. */
struct lull_tcb {
	uint32_t free;
	uint32_t hash;
	struct lull_tuple tuple;
	uint8_t state; /* of enum lull_tcp_state; written by lull_tcp_enter() */
	uint8_t dup_acks;
	uint8_t quarters; /* of 2^30 bytes that were sent, at least; up to 4 */
	uint8_t cc_kind;  /* of enum lull_cc_kind */
	uint64_t flags;	  /* of enum lull_tcb_flags */
	uint32_t user;	  /* 0: the program has closed */
	uint32_t shadow;  /* the record whose pair it has, or 0 */
	struct lull_links out;

	struct { /* ack.c, output.c */
		struct lull_seq una, nxt;
		struct lull_seq end; /* after the last byte that was queued */
		struct lull_seq wl1, wl2;
		uint32_t wnd, wnd_max; /* bytes, scaled */
		uint32_t head, tail;   /* buffers that hold una..end */
		uint32_t at;	       /* the one that holds nxt */
		uint32_t charge;       /* bytes of those buffers */
		uint32_t pipe;	       /* bytes thought to be in the network */
		uint32_t ranges, ranges_end; /* oldest and newest */
		uint32_t lost;	/* the first range that is LOST, or 0 */
		uint8_t probes; /* of a zero window, not answered */
		uint8_t cc;	/* of enum lull_cc_flags; cc.c, pace.c */
		uint8_t ecn;	/* of enum lull_ecn_flags */
	} snd;

	struct { /* data.c */
		struct lull_seq nxt;
		struct lull_seq acked; /* Last.ACK.sent */
		struct lull_seq edge; /* right edge of the window, never back */
		uint32_t buf;	      /* bytes of buffers that may be used */
		uint32_t later;	      /* buffers kept out of order, by seq */
		uint32_t later_charge;
		uint16_t later_len;
		uint8_t unacked; /* segments since the last ACK */
		uint8_t quick;	 /* quick.c */
	} rcv;

	struct {	      /* open.c, input.c */
		uint16_t mss; /* bytes of text in a segment; pmtu.c */
		uint8_t snd_wscale, rcv_wscale;
		uint32_t ts_recent;
		uint32_t ts_recent_ms; /* when it was set */
		uint32_t ts_offset;
	} opt;

	struct {			     /* rtt.c */
		uint32_t srtt_us, rttvar_us; /* 0: no sample yet */
		uint32_t rto_us;
		uint8_t backoff; /* doublings; also probes and SYNs sent again
				  */
	} rtt;

	struct {			 /* cc.c, loss.c */
		uint32_t cwnd, ssthresh; /* bytes */
		struct lull_seq recover;
	} cc;

	struct {			  /* timer.c */
		uint32_t at[LULL_TIMERS]; /* ms */
		uint8_t set;		  /* a bit for each */
	} tmr;
	struct lull_timer timer; /* at the earliest of them, or before */
	uint32_t heard_ms;	 /* last segment that came in */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct lull_tcb) == 256, "DESIGN: four cache lines");

/* What is known of the path, in bytes of IP packets; pmtu.c. */
struct lull_pmtu {
	uint32_t since_ms;	     /* when it was learnt */
	struct lull_seq probe_seq;   /* of the probe's first byte */
	struct lull_seq claim_seq;   /* of what the claim is about */
	uint16_t mtu;		     /* of an ICMP error; 0: none came */
	uint16_t low, high;	     /* works; may work. high 0: no search */
	uint16_t probe;		     /* that is out; 0: none */
	uint16_t claim;		     /* of an ICMP error, to be believed when
					nothing moves; 0: none */
	uint16_t peer_mss, user_mss; /* of its SYN; TCP_MAXSEG; 0: none */
};

/* How fast the program reads: tune.c. */
struct lull_tune {
	uint32_t rtt_us;	/* the receiver's; 0: no sample yet */
	uint32_t mark, mark_us; /* TSecr, or SEQ, that is watched; since */
	struct lull_seq read;	/* the next byte to read, at `read_us` */
	uint32_t read_us;
	uint32_t most; /* bytes read in one RTT, at most so far */
};

/* What the sender waits for: Linux's chronographs. */
enum lull_wait {
	LULL_WAIT_NONE,
	LULL_WAIT_NETWORK, /* ACKs, or a larger congestion window */
	LULL_WAIT_WINDOW,  /* the peer's window */
	LULL_WAIT_SNDBUF,  /* the program, and it for room */
	LULL_WAITS,
};

/* What TCP_INFO tells and nothing else knows: tally.c. */
struct lull_tally {
	uint32_t data_out, bare_out; /* segments: with text, and without */
	uint32_t data_in, bare_in;
	uint32_t heard_text_ms; /* the last text that came in */
	uint32_t wait_since_ms, waited_ms[LULL_WAITS - 1];
	uint8_t wait : 4, rate_limited : 1; /* of enum lull_wait */
	uint8_t syn_again;
	uint16_t rcv_mss;		/* largest that came in */
	uint16_t una_wraps, nxt_wraps;	/* past 2^32: SND.UNA, RCV.NXT */
	struct lull_seq mark, mark_una; /* end of a flight; SND.UNA then */
	uint32_t mark_us;
	uint32_t rate;	       /* last delivery rate, in 64 bytes a second */
	uint32_t retrans_segs; /* sent again, without SYNs */
	uint32_t marked;       /* acknowledged with ECE: delivered_ce */
	uint32_t later_in;     /* segments kept ahead of a gap */
	uint64_t retrans_bytes;
	uint16_t rtos, rto_repairs; /* timeouts; how often it came to any */
	uint32_t rto_ms;	    /* how long it took to get over them */
};

_Static_assert(sizeof(struct lull_tally) == 88, "docs/limits.md");

/* The cold part: what most segments don't touch. */
struct lull_tcb_cold {
	struct lull_seq iss, irs;
	struct lull_seq sml;	  /* after the last short segment (Minshall) */
	struct lull_seq snd_up;	  /* SND.UP, with LULL_TCB_URGENT */
	struct lull_seq peer_fin; /* with LULL_TCB_PEER_FIN */
	struct lull_seq part;	  /* a part of what begins here went again */
	uint32_t later_tail;	  /* the last of rcv.later, or 0 */
	uint32_t sndbuf;	  /* bytes of buffers; 0: tcp_wmem */
	uint32_t notsent_lowat;	  /* bytes; 0: the knob */
	uint32_t window_clamp;	  /* bytes; 0: none */
	struct lull_tune tune;
	uint32_t linger_user; /* who waits for LULL_EVENT_CLOSED, or 0 */
	uint32_t user_timeout_ms;
	uint32_t stuck_ms;    /* when what is now sent again was first sent */
	uint32_t answered_ms; /* last answer to a segment that didn't fit */
	int32_t linger2_s;
	int32_t linger_s;		    /* below 0: off */
	uint16_t keep_idle_s, keep_intvl_s; /* 0: the knobs */
	uint16_t soft_error;		    /* errno of an ICMP error */
	uint16_t syn_wnd;	 /* the window that our SYN offered */
	uint16_t timewait_len_s; /* 0: the knob */
	uint8_t keep_probes_max; /* 0: the knob */
	uint8_t syn_retries;	 /* 0: the knob */
	uint8_t keep_probes;	 /* sent and not answered */
	uint8_t tos, ttl;
	uint32_t sent_ms; /* first SYN, then last text (RFC 5681 4.1) */
	uint32_t dest;	  /* where it is counted, if we opened it, or 0 */
	struct lull_cc_more more;
	struct lull_pmtu pmtu;
	struct lull_tally tally;
	struct lull_rack rack;
	struct lull_sacks sacks;
};

#endif
