/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * closing.h: closing records: TIME_WAIT, and a FIN_WAIT_2 that no program
 * owns. A part of tcp.h, which includes it.
 */
#ifndef LULL_TCP_CLOSING_H
#define LULL_TCP_CLOSING_H

#include "base/base.h"
#include "wire/wire.h"

#include <lull/diag.h>

struct lull_tcb;
struct lull_tcp;
struct lull_tcp_memory;

/* ---- closing records ---- */

/*
 * Self-contained and without links, so that they can live in a mapped file.
 * A record is filled first and committed last; what changes later, `life`, is
 * one aligned store. Their links stand in an array beside them. Timestamp
 * offsets are recomputed from the key.
 */
struct lull_closing_life {
	uint32_t expiry_ms;
	uint32_t ts_recent;
} __attribute__((aligned(8)));

enum lull_closing_flags {
	LULL_CLOSING_TS = 1,	 /* timestamps were agreed on */
	LULL_CLOSING_ACTIVE = 2, /* we opened it: it holds a port of ours */
	LULL_CLOSING_SHADOW =
		4, /* a new connection has its pair in the table */
	LULL_CLOSING_LAPPED =
		8, /* it sent 2^30 bytes: its numbers came round */
	LULL_CLOSING_WSCALE_SHIFT = 4, /* four bits: how `wnd` was scaled */
};

/* In `tos`, whose two low bits are ECN's and never a program's. BACK: the
 * peer's numbers went back when this connection took the pair by its
 * timestamps, so older ones of the pair, with higher numbers, may still wander.
 */
#define LULL_CLOSING_REUSEADDR 1
#define LULL_CLOSING_BACK      2
#define LULL_CLOSING_TOS       0xfc /* the program's */

/* What changes together when a record takes the peer's FIN: one store. */
struct lull_closing_head {
	struct lull_seq rcv_nxt;
	uint8_t length; /* class of its length */
	uint8_t tos;
	uint8_t flags;	/* of enum lull_closing_flags */
	uint8_t commit; /* enum lull_tcp_state, written last; 0: free */
} __attribute__((aligned(8)));

struct lull_closing {
	uint16_t lport, rport;
	struct lull_seq snd_nxt;
	struct lull_closing_life life;
	struct lull_closing_head head;
	uint16_t wnd;		 /* as on the wire */
	uint16_t answered_ms;	 /* last answer that is rate-limited; wraps */
	uint16_t timewait_len_s; /* of the TIME_WAIT to come; 0: the knob */
	uint16_t check;		 /* over what does not change */
};

struct lull_closing4 {
	uint8_t local[4], remote[4];
	struct lull_closing c;
};

struct lull_closing6 {
	struct lull_addr local, remote;
	struct lull_closing c;
};

/* Of all records; where record 0 of IPv4 would be, which is none. */
struct lull_closing_region {
	uint64_t wrote_ms; /* the last record, on the clock of their expiry */
	uint8_t unused[32];
};

_Static_assert(sizeof(struct lull_closing_region) ==
		       sizeof(struct lull_closing4),
	       "in the place of a record");
_Static_assert(sizeof(struct lull_closing4) == 40, "DESIGN: at most 40");
_Static_assert(sizeof(struct lull_closing6) == 64, "DESIGN: at most 64");
_Static_assert(sizeof(struct lull_links) == 8, "DESIGN: links of 8 bytes");

#define LULL_LENGTHS 16 /* lengths of closing records in use at one time */

/* One family's records. */
struct lull_closing_pool {
	struct lull_slab links;	 /* `lull_links`, free or in a FIFO */
	uint8_t *records;	 /* where record 0 would be */
	uint32_t stride, before; /* bytes of a record, and of its addresses */
	struct lull_list fifo[LULL_LENGTHS];
};

/* ---- closing.c: where records are kept ---- */

struct lull_closing *lull_closing_at(const struct lull_tcp *t, uint32_t name);
void lull_closing_tuple(const struct lull_tcp *t, uint32_t name,
			struct lull_tuple *tuple);
/* Is it of this pair? */
bool lull_closing_is(const struct lull_tcp *t, uint32_t name,
		     const struct lull_tuple *tuple);
/* Ask memory for it, and for its place in the FIFO. */
void lull_closing_prefetch(const struct lull_tcp *t, uint32_t name, bool links);
/* Once that is there: for its neighbours in the FIFO, which it will leave. */
void lull_closing_prefetch_beside(const struct lull_tcp *t, uint32_t name);
void lull_closing_init(struct lull_tcp *t, const struct lull_limits *limits,
		       const struct lull_tcp_memory *m);
/* What a record says of its connection. */
struct lull_closing_new {
	struct lull_tuple tuple;
	struct lull_seq snd_nxt, rcv_nxt;
	uint32_t ts_recent;
	uint16_t wnd;		 /* as on the wire */
	uint16_t timewait_len_s; /* the program's; 0: the knob */
	uint8_t tos;
	uint8_t flags; /* of enum lull_closing_flags, and the window's scale */
};

/* A record for the pair, in the place of `replaced` in the table, which is 0
 * for none. 0: none was to be had. */
uint32_t lull_closing_make(struct lull_tcp *t,
			   const struct lull_closing_new *from, uint32_t hash,
			   uint32_t replaced, enum lull_tcp_state state,
			   uint32_t len_ms);
/* Turn the connection into a record, in place. 0: none was to be had. */
uint32_t lull_closing_put(struct lull_tcp *t, struct lull_tcb *tcb,
			  enum lull_tcp_state state, uint32_t len_ms);
void lull_closing_flag(const struct lull_tcp *t, struct lull_closing *c,
		       enum lull_closing_flags flag, bool on);
/* A newer timestamp of the peer's. */
void lull_closing_saw(const struct lull_tcp *t, struct lull_closing *c,
		      uint32_t tsval);
/* An answer was sent that is rate-limited. */
void lull_closing_answered(const struct lull_tcp *t, struct lull_closing *c,
			   uint16_t now_ms);
/* Commit what the head says, with all that was stored before. */
void lull_closing_head(const struct lull_tcp *t, struct lull_closing *c,
		       struct lull_closing_head head);
/* Over what does not change; `hash` is that of its flow, so keyed. */
uint16_t lull_closing_check(const struct lull_closing *c,
			    struct lull_closing_head head, uint32_t hash);
/* Its time begins anew. */
void lull_closing_restart(struct lull_tcp *t, uint32_t name, uint32_t len_ms);
/* FIN_WAIT_2 has the peer's FIN: TIME_WAIT, from now on. */
void lull_closing_fin(struct lull_tcp *t, uint32_t name, uint32_t len_ms);
/* Gone; with `replaced` the table holds another name for the pair already. */
void lull_closing_del(struct lull_tcp *t, uint32_t name, bool replaced);
/* End what is due; bounded by *budget. */
void lull_closing_expire(struct lull_tcp *t, int *budget);
uint64_t lull_closing_deadline_ms(const struct lull_tcp *t);
uint32_t lull_closing_left_ms(const struct lull_tcp *t,
			      const struct lull_closing *c);
/* Since its time began, at least. */
uint32_t lull_closing_age_ms(const struct lull_tcp *t,
			     const struct lull_closing *c);

/* restore.c: those of an earlier process. false: some make no sense; nothing
 * was written, and the shard is of no use. */
bool lull_closing_restore(struct lull_tcp *t, struct lull_restore *restore);

/* ---- timewait.c: their rules ---- */

void lull_timewait_arrives(struct lull_tcp *t, uint32_t name,
			   struct lull_seg *seg);
/* Refuse a segment by name; true: it was answered. */
bool lull_timewait_refuse(struct lull_tcp *t, uint32_t name,
			  const struct lull_seg *seg, enum lull_drop why);
/* Both FINs are acknowledged: TIME_WAIT (3.6.1). `ack`: theirs is, by this. */
void lull_timewait_begin(struct lull_tcp *t, struct lull_tcb *tcb, bool ack);
/* Nobody owns this FIN_WAIT_2. */
void lull_fin_wait_2_begin(struct lull_tcp *t, struct lull_tcb *tcb);

/* ---- recount.c ---- */

/* Assert that all counts, lists and names of records agree; tests only. */
void lull_tcp_recount(const struct lull_tcp *t);

#endif
