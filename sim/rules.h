/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules.h: what each host does, held against what it sent and what reached it.
 *
 * A watch stands at each end of each pair of endpoints. It is fed by the
 * network (what leaves a host, what reaches it, whole) and by the host's
 * record of states and refusals, and knows from these alone:
 *
 *	rules.c       ACKs, timestamps echoed, what goes twice, silence
 *	rules_end.c   how TIME_WAIT begins, lasts, gives way and comes back;
 *	              what ends a connection
 *	rules_tell.c  what a stack tells of itself (TCP_INFO) fits the path
 *
 * Where the order of things within one moment is not known a rule says
 * nothing, so that it never cries wolf. A middlebox does no harm: each end is
 * judged by what it got.
 */
#ifndef LULL_RULES_H
#define LULL_RULES_H

#include "packet.h"
#include "sim.h"

enum {
	RULES_WATCHES = 4096, /* a power of two */
	RULES_RSTS = 8,
	RULES_STAMPS = 32,
	RULES_RECORDS = 64,
};

/* The TIME_WAIT of a pair, also while a new connection has it. */
struct rules_rest {
	bool there;
	bool given_up; /* a new connection has the pair */
	bool has_ts;
	uint32_t snd_nxt, rcv_nxt;
	uint32_t tsval, tsecr; /* as we sent them last */
	uint32_t newest;       /* TS.Recent, at most */
	uint64_t begun_ns;     /* also by a FIN that came again */
	uint64_t touched_ns;   /* anything came */
	uint64_t left_ns;      /* the new connection was established: what the
				  old one said in that moment still goes out */
	uint64_t evicted;      /* the host's counter, when it gave way */
};

struct watch {
	bool used;
	int host;
	struct lull_endpoint local, remote;
	uint8_t state; /* of enum lull_tcp_state; 0: none yet */
	uint64_t since_ns;
	uint64_t spoke_ns, heard_ns;
	/* what it sent; numbers of this incarnation */
	bool has_isn, has_edge, has_ts, sent_fin;
	bool fresh;		      /* its SYN was not seen yet */
	uint8_t scale_offered, scale; /* of its window */
	uint32_t isn, next;	      /* one above all that was sent */
	uint32_t edge, acked;	      /* told last, at most */
	uint32_t tsval, tsecr;
	/* what came */
	bool has_heard, peer_scales, zero, probed;
	uint8_t peer_scale;
	uint32_t heard;	 /* one above all that came */
	uint32_t una;	 /* acknowledged last; 0: nothing yet */
	uint32_t wnd;	 /* told last, as on the wire */
	bool syn_ack_ts; /* of the SYN-ACK that answered us */
	uint32_t syn_ack, syn_ack_tsval;
	/* Rings: timestamps of what was old text alone; of all else. */
	uint32_t ts_old[RULES_STAMPS], ts_old_n, ts_in[RULES_STAMPS], ts_in_n;
	uint64_t zero_ns; /* with `zero`: all is acknowledged, no window */
	uint32_t rst[RULES_RSTS], rsts;
	/* text that came in order and waits for its ACK; with due_ns */
	uint32_t owed;
	uint64_t due_ns;
	bool refused; /* the other end refused something */
	uint32_t record[RULES_RECORDS], records; /* a ring of their ends */
	struct rules_rest rest;
};

struct rules_host {
	bool known, linux_profile, safe_reuse, rfc1337, mtu_probing;
	uint64_t rest_ns; /* 2MSL */
};

struct rules {
	struct world *w;
	struct rules_host host[SIM_HOSTS_SIZE];
	struct watch watch[RULES_WATCHES];
	uint32_t used[RULES_WATCHES], n; /* places of those in use */
	uint64_t look_ns, tell_ns, quiet_ns;
	bool clean; /* nothing is lost, doubled, reordered or damaged, ever */
	uint64_t rtt_ns; /* no round trip is shorter; 0: who knows */
};

/* ---- rules.c ---- */

/* NULL: no memory; then all others do nothing. */
struct rules *rules_new(struct world *w);
void rules_free(struct rules *r);
/* What is known of all paths; else nothing is. */
void rules_path(struct rules *r, bool clean, uint64_t rtt_ns);
/* A host had no room for a packet. */
void rules_lost(struct rules *r);
/* Taps for the network in memory; `arg` is the world. */
void rules_tap_sent(struct world *w, int host, const struct lull_frame *f);
void rules_tap_heard(void *arg, uint64_t now_ns, int host,
		     const struct lull_frame *f);
/* A whole packet, its checksums done. */
void rules_sent(struct rules *r, int host, uint8_t *packet, uint32_t len);
void rules_heard(struct rules *r, int host, uint8_t *packet, uint32_t len);
void rules_record(struct rules *r, int host, const struct lull_trace_record *k);
/* Now and then: is anything due? */
void rules_look(struct rules *r);
/* From now on the network is good. */
void rules_quiet(struct rules *r);
/* Its memory is gone. */
void rules_gone(struct rules *r, int host);
/* The program says that a record ends with what it wrote last. */
void rules_ends_record(struct rules *r, const struct side *s);
struct watch *rules_find(struct rules *r, int host,
			 const struct lull_endpoint *local,
			 const struct lull_endpoint *remote);
__attribute__((format(printf, 3, 4))) void rules_fail(struct rules *r,
						      const struct watch *k,
						      const char *format, ...);
int32_t rules_diff(uint32_t a, uint32_t b);
bool rules_is_synchronized(uint8_t state);

/* ---- rules_end.c ---- */

/* It sent a SYN of a new incarnation. */
void rules_rest_begins(struct rules *r, struct watch *k, const struct view *v);
void rules_rest_heard(struct rules *r, struct watch *k, const struct view *v);
/* Is it the old incarnation that spoke? */
bool rules_rest_spoke(struct rules *r, struct watch *k, const struct view *v);
void rules_state(struct rules *r, struct watch *k,
		 const struct lull_trace_record *s);
const struct rules_host *rules_host_of(struct rules *r, int host);

/* ---- rules_tell.c ---- */

void rules_tell(struct rules *r);

#endif
