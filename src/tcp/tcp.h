/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp.h: TCP (RFC 9293).
 *
 * A connection has one of three sizes. A `lull_half` waits in SYN_RECEIVED
 * for the last ACK of a passive open. A `lull_tcb` is the whole thing. A
 * `lull_closing4` or `lull_closing6` record is what remains: TIME_WAIT, or a
 * FIN_WAIT_2 that no program owns. All stand in one flow table, and change
 * size in place, so that no packet ever finds neither.
 *
 * What the program holds is a `lull_user`: its handle, what it has not read,
 * the end that it has not been told. It outlives the connection; a connection
 * without one is an orphan.
 *
 * Input changes state and notes what should be sent; it sends nothing on a
 * connection itself. A connection with something to say stands in `out`, and
 * lull_tcp_output() decides what. Answers without a connection (RST, ACK of
 * a record, SYN-ACK) are put into the queue at once. Nothing here calls
 * upwards: a user with news stands in `ready`.
 */
#ifndef LULL_TCP_TCP_H
#define LULL_TCP_TCP_H

#include "base/base.h"
#include "tcp/cc.h"
#include "tcp/loss.h"
#include "wire/wire.h"

/* ---- the program's side ---- */

enum lull_user_kind {
	LULL_USER_FREE,
	LULL_USER_LISTENER,
	LULL_USER_SYN, /* a deferred SYN */
	LULL_USER_CONN,
};

#define LULL_LISTEN_FLAGS                                                   \
	(LULL_LISTEN_DEFER | LULL_LISTEN_V6ONLY | LULL_LISTEN_TRANSPARENT | \
	 LULL_LISTEN_REUSEADDR | LULL_LISTEN_REUSEPORT)

enum lull_user_flags {
	LULL_USER_READY = 1,   /* stands in `ready` */
	LULL_USER_WAITING = 2, /* not yet accepted: no events */
	LULL_USER_EOF = 4,     /* the peer's FIN, or its RST: nothing follows */
	LULL_USER_SHUT_RD = 8, /* the program wants no more */
	LULL_USER_SHUT_WR = 16,	   /* nor will it send more */
	LULL_USER_WANT_WRITE = 32, /* tell when there is room */
	LULL_USER_LINGERS = 64,	   /* closed, and waits for LULL_EVENT_CLOSED */
};

enum lull_urgent_flags {
	LULL_URGENT_APART = 1, /* LULL_OPT_OOBINLINE is 0 */
	LULL_URGENT_READ = 2,  /* the octet was fetched apart */
};

struct lull_user {
	uint32_t free; /* the slab's */
	uint32_t gen;
	uint64_t cookie;
	uint32_t name; /* of what it holds; 0: that has ended */
	uint8_t kind, flags;
	uint16_t news;	/* of enum lull_event_bits, not yet told */
	uint16_t error; /* errno, positive, not yet told */
	uint16_t urgent_flags;
	struct lull_links ready;
	struct lull_links accept; /* in a listener's queue */
	/* Received and not consumed, in order. */
	struct {
		uint32_t head, tail; /* buffers */
		uint32_t bytes;
		uint32_t charge; /* bytes of the buffers that hold them */
	} text;
	uint32_t urgent; /* bytes up to the last urgent one, with it; or 0 */
};

/* ---- listeners ---- */

struct lull_listener {
	uint32_t free;
	uint32_t next; /* in its hash chain */
	struct lull_prefix local;
	uint16_t port_lo, port_hi;
	uint16_t gen;
	uint8_t flags; /* of enum lull_listen_flags */
	bool live;
	uint32_t user;
	uint32_t backlog;
	uint32_t halves;	 /* half-open connections */
	uint32_t cookie_s;	 /* the last SYN cookie, and 1; 0: none yet */
	uint16_t timewait_len_s; /* of what it accepts; 0: the knob */
	uint16_t user_mss;	 /* the same: TCP_MAXSEG; 0: none */
	uint8_t defer;	 /* timeouts of a SYN-ACK: TCP_DEFER_ACCEPT; 0: off */
	uint8_t cc_kind; /* the same, and 1; 0: the knob */
	struct lull_list accept; /* users that wait */
};

/* ---- half-open ---- */

enum lull_half_flags {
	LULL_HALF_TS = 1,
	LULL_HALF_WSCALE = 2,
	LULL_HALF_SENT = 4,   /* its SYN-ACK went out, */
	LULL_HALF_AGAIN = 8,  /* and once more: no RTT sample (Karn) */
	LULL_HALF_BACK = 16,  /* as LULL_CLOSING_BACK */
	LULL_HALF_ACKED = 32, /* TCP_DEFER_ACCEPT: it waits for text */
	LULL_HALF_SACK = 64,
	LULL_HALF_ECN = 128,
};

/* Of a deferred SYN: what the program said, and has not been done yet. */
enum lull_half_answer {
	LULL_HALF_NO_ANSWER, /* none is due */
	LULL_HALF_AWAITED,
	LULL_HALF_ACCEPTED,
	LULL_HALF_REFUSED,
	LULL_HALF_DROPPED,
};

struct lull_half {
	uint32_t free;
	struct lull_tuple tuple;
	struct lull_timer timer;
	struct lull_seq irs, iss;
	uint32_t ts_recent, ts_offset;
	uint32_t sent_us;     /* the first SYN-ACK */
	uint32_t user;	      /* of a deferred one */
	uint32_t shadow;      /* the record whose pair it has, or 0 */
	uint32_t answered_ms; /* last answer to a segment that didn't fit */
	uint16_t listener, listener_gen;
	uint16_t mss; /* the peer's, already bounded */
	uint16_t wnd; /* of its SYN */
	uint8_t snd_wscale, flags, retries, tos;
	uint8_t answer;	    /* of enum lull_half_answer */
	uint8_t ts_back_ms; /* TSval of a SYN cookie: before now by so much */
	bool live;
};

#include "tcp/tcb.h"
#include "tcp/closing.h"
#include "tcp/dest.h"

/* What has one of our ports: SO_REUSEADDR asks. */
struct lull_port_use {
	uint32_t flows; /* connections and records */
	uint32_t hard;	/* of these, without SO_REUSEADDR */
};

/* ---- SYN cookies ---- */

#define LULL_COOKIE_SETS 4096

/* Of those that came back in the last two minutes: none does so twice. */
struct lull_cookies_used {
	uint64_t tag[4]; /* of the keyed hash; bits 1..0: the minute */
};

/* ---- the whole ---- */

/* tcp_mem: what text costs in all; mem.c. */
enum lull_mem_level {
	LULL_MEM_EASY,
	LULL_MEM_PRESSURE, /* buffers stop growing */
	LULL_MEM_FULL,	   /* the least alone, for those that get on */
};

struct lull_mem {
	uint64_t bytes; /* of buffers that queues hold */
	uint64_t later; /* of these, text ahead of gaps */
	uint64_t peak;
	uint64_t look_at;  /* `bytes` from which the level may be another */
	uint64_t since_ms; /* of pressure */
	uint32_t hand;	   /* the connection that was looked at last */
	uint32_t waiting;  /* so many are looked at when memory is back */
	uint8_t level;	   /* of enum lull_mem_level, when last looked at */
};

#define LULL_PORT_SLOTS 256 /* RFC 6056 3.3.4: counters of the double hash */

struct lull_tcp {
	struct lull_ground *g;
	struct lull_table flows;
	struct lull_wheel wheel;
	struct lull_slab tcbs, halves, listeners, users, ranges;
	struct lull_tcb_cold *cold;	     /* beside tcbs */
	struct lull_cookies_used *cookies;   /* LULL_COOKIE_SETS of them */
	struct lull_closing_pool closing[2]; /* IPv4, IPv6 */
	uint32_t length_ms[LULL_LENGTHS];    /* 0: not in use */
	uint16_t grown; /* a bit for each that was made longer */
	struct lull_closing_region *region;
	/* With LULL_CHECKS: after each store into the region, unless NULL. */
	void (*stored)(void *arg, const void *at, size_t bytes);
	void *stored_arg;
	uint32_t *listen_hash; /* chains of listeners, by port */
	uint32_t listen_mask;
	uint32_t listen_wide; /* a chain of those that are no single point */
	struct lull_mem mem;
	struct lull_list out;	/* connections with something to send */
	struct lull_list ready; /* users with news */
	uint32_t orphans;
	uint32_t challenge_s;	  /* the second that challenges_left is of */
	uint32_t challenges_left; /* tcp_challenge_ack_limit */
	bool held; /* an ACK waits for the program's answer: run again soon */
	struct lull_port_use *port_use; /* by our port; profile linux only */
	struct lull_slab dests, portmaps;
	struct lull_table by_dest;
	uint32_t port_next[LULL_PORT_SLOTS]; /* of destinations that rest */
	uint64_t ahead_ms[LULL_PORT_SLOTS];  /* see lull_dest_left() */
	uint64_t states[LULL_TCP_STATES];
};

static inline struct lull_tcb *lull_tcb_at(const struct lull_tcp *t, uint32_t i)
{
	return (struct lull_tcb *)(void *)t->tcbs.base + i;
}

static inline uint32_t lull_tcb_index(const struct lull_tcp *t,
				      const struct lull_tcb *tcb)
{
	return (uint32_t)(tcb - (struct lull_tcb *)(void *)t->tcbs.base);
}

static inline struct lull_tcb_cold *lull_tcb_cold(const struct lull_tcp *t,
						  const struct lull_tcb *tcb)
{
	return &t->cold[lull_tcb_index(t, tcb)];
}

static inline struct lull_user *lull_user_at(const struct lull_tcp *t,
					     uint32_t i)
{
	return (struct lull_user *)(void *)t->users.base + i;
}

static inline struct lull_half *lull_half_at(const struct lull_tcp *t,
					     uint32_t i)
{
	return (struct lull_half *)(void *)t->halves.base + i;
}

static inline struct lull_dest *lull_dest_at(const struct lull_tcp *t,
					     uint32_t i)
{
	return (struct lull_dest *)(void *)t->dests.base + i;
}

static inline struct lull_portmap *lull_portmap_at(const struct lull_tcp *t,
						   uint32_t i)
{
	return (struct lull_portmap *)(void *)t->portmaps.base + i;
}

static inline struct lull_listener *lull_listener_at(const struct lull_tcp *t,
						     uint32_t i)
{
	return (struct lull_listener *)(void *)t->listeners.base + i;
}

static inline struct lull_range *lull_range_at(const struct lull_tcp *t,
					       uint32_t i)
{
	return (struct lull_range *)(void *)t->ranges.base + i;
}

/* ---- state.c: the one writer of states ---- */

void lull_tcp_enter(struct lull_tcp *t, struct lull_tcb *tcb,
		    enum lull_tcp_state to);
/* The same for what is not a tcb: half-open ones, records, listeners. */
void lull_tcp_moved(struct lull_tcp *t, const struct lull_tuple *tuple,
		    enum lull_tcp_state from, enum lull_tcp_state to,
		    struct lull_seq snd_nxt, struct lull_seq rcv_nxt);
void lull_tcp_restored(struct lull_tcp *t, const struct lull_tuple *tuple,
		       enum lull_tcp_state state, struct lull_seq snd_nxt,
		       struct lull_seq rcv_nxt);
/* A tcb begins as CLOSED, or goes on from a half-open connection. */
void lull_tcb_born(struct lull_tcb *tcb, enum lull_tcp_state state);

/* ---- isn.c: numbers that a stranger can't guess ---- */

struct lull_secret {
	uint32_t isn;	    /* RFC 6528: clock and keyed hash */
	uint32_t ts_offset; /* RFC 7323 5.4 */
};

struct lull_secret lull_secret_of(const struct lull_tcp *t,
				  const struct lull_tuple *tuple);
/* An ISN above all that the pair has used before (3.6.1, MAY-2). */
uint32_t lull_isn_above(const struct lull_tcp *t, struct lull_secret secret,
			struct lull_seq used);

static inline uint32_t lull_ts_now(const struct lull_tcp *t, uint32_t offset)
{
	return (uint32_t)t->g->now_ms + offset;
}

/* ---- reply.c: answers without a connection ---- */

/* Send a segment without text. false: no room; counted. */
bool lull_reply(struct lull_tcp *t, const struct lull_seg *out, uint8_t tos);
/* The RST that a segment deserves (3.10.7.1); none for a RST. */
void lull_reply_rst(struct lull_tcp *t, const struct lull_seg *seg);
/* Is tcp_invalid_ratelimit over since *last_ms? Then note that we answer. */
bool lull_may_answer(const struct lull_tcp *t, uint32_t *last_ms);
/* Refuse a segment by name. */
void lull_refuse(struct lull_tcp *t, const struct lull_seg *seg,
		 enum lull_drop why);

/* ---- demux.c: whose is it? ---- */

struct lull_tcp_memory { /* where each thing lies; see shard.c */
	void *tcbs, *cold, *halves, *listeners, *users, *ranges;
	void *buckets, *overflow, *listen_hash;
	void *links[2], *records[2], *cookies;
	void *dests, *portmaps, *dest_buckets, *dest_overflow, *port_use;
	uint32_t buckets_len, overflow_len, listen_hash_len;
	uint32_t portmaps_len, dest_buckets_len, dest_overflow_len;
};

void lull_tcp_init(struct lull_tcp *t, struct lull_ground *g,
		   const struct lull_limits *limits,
		   const struct lull_tcp_memory *m);
/* First pass: validate; */
bool lull_tcp_prepare(struct lull_tcp *t, uint32_t buf,
		      const struct lull_ip_hdr *ip, bool ours,
		      struct lull_seg *seg);
/* join it to the one before it (merge.c): `seg` is done then; */
bool lull_tcp_merge(struct lull_tcp *t, struct lull_seg *to,
		    const struct lull_seg *seg);
/* hash, and ask memory for where it leads. `before`: or NULL. */
void lull_tcp_hash(const struct lull_tcp *t, struct lull_seg *seg,
		   const struct lull_seg *before);
/* Between the passes: ask for the object itself, and for what a FIN moves. The
 * name of a record that one would move, for lull_closing_prefetch_beside(). */
uint32_t lull_tcp_prefetch(const struct lull_tcp *t, uint32_t hash, bool fin);
/* Second pass. */
void lull_tcp_input(struct lull_tcp *t, struct lull_seg *seg);
/* The name of a flow, or 0. */
uint32_t lull_tcp_find(const struct lull_tcp *t, uint32_t hash,
		       const struct lull_tuple *tuple);

/* ---- listen.c ---- */

int lull_tcp_listen(struct lull_tcp *t, const struct lull_listen *listen,
		    uint32_t user);
void lull_listener_close(struct lull_tcp *t, uint32_t i);
struct lull_spot {
	struct lull_addr addr;
	uint16_t port;
	bool ours;     /* the address is our own, not a stranger's */
	uint32_t hash; /* of the flow: which one of LULL_LISTEN_REUSEPORT */
};
uint32_t lull_listener_find(const struct lull_tcp *t,
			    const struct lull_spot *spot);
bool lull_listener_is_full(const struct lull_listener *l);
/* Does anybody listen on this very port, at this address or any? */
bool lull_listener_has_port(const struct lull_tcp *t,
			    const struct lull_addr *local, uint16_t port);
/* What a SYN reopens, if TIME_WAIT gave up its pair for it. */
struct lull_reopen {
	uint32_t name;	      /* of the record */
	struct lull_seq used; /* its SND.NXT */
	bool back;	      /* the new one's: LULL_CLOSING_BACK */
};
/* 3.10.7.2. true: a SYN was taken. */
bool lull_listen_arrives(struct lull_tcp *t, uint32_t listener,
			 const struct lull_seg *seg,
			 const struct lull_reopen *reopen);

/* ---- half.c: SYN_RECEIVED of a passive open ---- */

#define LULL_SYN_ACK_MS 1000 /* RFC 6298 2.1: the first timeout */

void lull_half_arrives(struct lull_tcp *t, uint32_t i, struct lull_seg *seg);
void lull_half_send_syn_ack(struct lull_tcp *t, uint32_t i);
/* The segment alone. false: no room; counted. */
bool lull_half_say_syn_ack(struct lull_tcp *t, const struct lull_half *h);
/* A full connection from what a half-open one knows, in the place of
 * `replaced` in the table, which is 0 for none; or NULL. */
struct lull_tcb *lull_half_grow(struct lull_tcp *t, const struct lull_half *h,
				uint32_t replaced, uint32_t hash,
				struct lull_listener *l);
void lull_half_timer(struct lull_tcp *t, uint32_t i);
int lull_half_answer(struct lull_tcp *t, uint32_t user,
		     enum lull_answer answer);
/* The program lets a SYN of its own go: RST if the peer waits. */
void lull_half_abandon(struct lull_tcp *t, uint32_t user);
/* RST with the next output. false: it is about to go anyway. */
bool lull_half_abort(struct lull_tcp *t, uint32_t i, int error);
/* A full connection stands in its place: it is no more. */
void lull_half_leave(struct lull_tcp *t, uint32_t i);
/* It came to nothing. `error`: what the program learns that answered it. */
void lull_half_end(struct lull_tcp *t, uint32_t i, int error,
		   enum lull_trace_end why);

/* ---- cookie.c: SYN_RECEIVED that takes no memory ---- */

/* Answer the SYN that `h` was filled from. false: a cookie can't tell it. */
bool lull_cookie_send(struct lull_tcp *t, struct lull_listener *l,
		      struct lull_half *h);
/* An ACK for a listener: was it a cookie's, and has been dealt with? `half` is
 * a half-open connection of the pair that it does not belong to, or 0. */
bool lull_cookie_arrives(struct lull_tcp *t, uint32_t listener, uint32_t half,
			 struct lull_seg *seg);

/* ---- open.c: active open, and what a new tcb is ---- */

/* A blank one that stands in no table yet, or 0. */
uint32_t lull_tcb_new(struct lull_tcp *t, const struct lull_tuple *tuple,
		      enum lull_tcp_state state);
/* Give back all that it has. It has left the table; the user lives on. */
void lull_tcb_free(struct lull_tcp *t, struct lull_tcb *tcb);
int lull_tcp_connect(struct lull_tcp *t, const struct lull_place *place,
		     uint32_t user);
void lull_syn_sent_arrives(struct lull_tcp *t, struct lull_tcb *tcb,
			   struct lull_seg *seg);
void lull_tcb_established(struct lull_tcp *t, struct lull_tcb *tcb);
/* What both sides offered in their SYNs. */
void lull_tcb_agree(struct lull_tcp *t, struct lull_tcb *tcb,
		    const struct lull_seg *syn);
/* Bytes of IP and TCP headers without options, which no MSS counts. */
#define LULL_MSS_HDR(v6) ((v6) ? 60U : 40U)
/* The MSS that we offer: of the link, and net.lull.tcp_mss_clamp. */
uint16_t lull_mss_for(const struct lull_tcp *t, bool v6);
/* The same where the program has set TCP_MAXSEG, or 0. */
uint16_t lull_mss_offer(const struct lull_tcp *t, bool v6, uint16_t user_mss);
uint32_t lull_rcvbuf_first(const struct lull_tcp *t);
uint8_t lull_wscale_offer(const struct lull_tcp *t);

/* ---- input.c: a segment arrives (3.10.7.4) ---- */

void lull_segment_arrives(struct lull_tcp *t, struct lull_tcb *tcb,
			  struct lull_seg *seg);

/* ---- ack.c, sendq.c, rtt.c: the sender; cc.h, loss.h ---- */

/* The rest of the fifth step. false: the connection is gone. */
bool lull_ack_take(struct lull_tcp *t, struct lull_tcb *tcb,
		   const struct lull_seg *seg);

long lull_sendq_put(struct lull_tcp *t, struct lull_tcb *tcb,
		    const struct lull_span *spans, int n);
/* MSG_EOR: a record ends with what was put last. */
void lull_sendq_end_record(struct lull_tcp *t, struct lull_tcb *tcb);
/* Bytes from `seq` to the end of its record; `most` if there are more. */
uint32_t lull_sendq_record(const struct lull_tcp *t, const struct lull_tcb *tcb,
			   struct lull_seq seq, uint32_t most);
uint32_t lull_sendq_room(const struct lull_tcp *t, const struct lull_tcb *tcb);
/* Tell a program that waits to write, if it is worth its while. */
void lull_sendq_tell(struct lull_tcp *t, struct lull_tcb *tcb);
/* Add text [seq, seq+len) to a packet; fewer bytes if it has too many pieces.
 */
uint32_t lull_sendq_show(struct lull_tcp *t, struct lull_tcb *tcb,
			 struct lull_seq seq, uint32_t len, struct lull_tx *tx);
void lull_sendq_acked(struct lull_tcp *t, struct lull_tcb *tcb,
		      struct lull_seq upto);
void lull_sendq_free(struct lull_tcp *t, struct lull_tcb *tcb);

void lull_rtt_init(struct lull_tcp *t, struct lull_tcb *tcb);
void lull_rtt_sample(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t us);
uint32_t lull_rtt_timeout_ms(const struct lull_tcp *t,
			     const struct lull_tcb *tcb);

/* ---- quick.c: ACKs that don't wait, in profile linux ---- */

/* It is new. */
void lull_quick_begin(const struct lull_tcp *t, struct lull_tcb *tcb);
/* Text has come; before the tally knows. */
void lull_quick_heard(const struct lull_tcp *t, struct lull_tcb *tcb);
/* It came twice, or ahead of a gap. */
void lull_quick_again(const struct lull_tcp *t, struct lull_tcb *tcb);
/* Does the next ACK go at once? */
bool lull_quick_is(const struct lull_tcb *tcb);
/* An ACK of new text left. */
void lull_quick_acked(struct lull_tcb *tcb);
/* New text goes. */
void lull_quick_answered(const struct lull_tcp *t, struct lull_tcb *tcb);

/* ---- ecn.c: RFC 3168 ---- */

/* Does this SYN ask for it, and do we agree? */
bool lull_ecn_is_asked(const struct lull_tcp *t, const struct lull_seg *syn);
/* An acceptable segment, before its ACK is taken; with LULL_ECN_ON. */
void lull_ecn_arrives(struct lull_tcp *t, struct lull_tcb *tcb,
		      const struct lull_seg *seg);
/* One that goes; `fresh`: with new text. */
void lull_ecn_mark(struct lull_tcb *tcb, struct lull_tx *tx,
		   struct lull_seg *out, bool fresh);
/* The window was cut, for whatever reason. */
void lull_ecn_reduced(struct lull_tcp *t, struct lull_tcb *tcb,
		      enum lull_cc_event event);

/* ---- tune.c: how large the buffers of one connection may be ---- */

/* Text came in order: the receiver's RTT. */
void lull_tune_arrived(struct lull_tcp *t, struct lull_tcb *tcb,
		       const struct lull_seg *seg);
/* The program has read: its buffer may grow. */
void lull_tune_read(struct lull_tcp *t, struct lull_tcb *tcb);
/* Bytes of buffers that what is to be sent may have now. */
uint32_t lull_sndbuf_most(const struct lull_tcp *t, const struct lull_tcb *tcb);
/* tcp_notsent_lowat: bytes that may be queued beyond those not yet sent. */
uint32_t lull_unsent_room(const struct lull_tcp *t, const struct lull_tcb *tcb);
/* Bytes of window that may be offered, where `used` are charged. */
uint32_t lull_rcvbuf_room(const struct lull_tcp *t, const struct lull_tcb *tcb,
			  uint32_t used);

/* ---- mem.c: what all of them may have together ---- */

static inline void lull_mem_add(struct lull_tcp *t, uint32_t bytes)
{
	t->mem.bytes += bytes;
	if (t->mem.bytes > t->mem.peak)
		t->mem.peak = t->mem.bytes;
}

/* Write mem.level anew; count a change. Once a turn at least. */
void lull_mem_look(struct lull_tcp *t);

/* The same when it may be another since. */
static inline void lull_mem_glance(struct lull_tcp *t)
{
	if (t->mem.bytes >= t->mem.look_at)
		lull_mem_look(t);
}

/* A connection's part of a buffer to send, of which it would have `most`. */
uint32_t lull_mem_send(const struct lull_tcp *t, const struct lull_tcb *tcb,
		       uint32_t most);
/* The same of a window of `room` bytes, where `used` are charged. */
uint32_t lull_mem_window(const struct lull_tcp *t, const struct lull_tcb *tcb,
			 uint32_t used, uint32_t room);
/* May text be kept by a connection with `used` bytes of buffers? */
bool lull_mem_keeps(const struct lull_tcp *t, uint32_t used);
/* A program that can't send now is told when memory is back. */
void lull_mem_wait(struct lull_tcp *t);
/* Above tcp_mem's limit: does this one end for it? Then it is gone. */
bool lull_mem_gives_up(struct lull_tcp *t, struct lull_tcb *tcb);
/* Is an orphan's text too much to be kept? */
bool lull_mem_sheds(const struct lull_tcp *t, const struct lull_tcb *tcb);
/* Once a turn; bounded. true: it has more to do. */
bool lull_mem_turn(struct lull_tcp *t);

/* ---- data.c: the receiver ---- */

/* Let the buffers of a segment's text know their sequence numbers. */
void lull_text_number(struct lull_tcp *t, const struct lull_seg *seg);
/* Seventh step. false: the connection is gone. */
bool lull_text_take(struct lull_tcp *t, struct lull_tcb *tcb,
		    struct lull_seg *seg);
/* Text that the program has read. */
void lull_text_consume(struct lull_tcp *t, uint32_t user, uint32_t bytes);
void lull_text_free(struct lull_tcp *t, struct lull_user *u);
void lull_later_free(struct lull_tcp *t, struct lull_tcb *tcb);
/* Bytes of buffers that hold what came and is not read. */
uint32_t lull_text_charge(const struct lull_tcp *t, const struct lull_tcb *tcb);
/* The window to offer now, in bytes; moves the edge. */
uint32_t lull_rcv_window(struct lull_tcp *t, struct lull_tcb *tcb);

#define LULL_DELAYED_ACK_MS 40 /* MUST-40: below 500 */

/* ---- tally.c ---- */

void lull_tally_in(const struct lull_tcp *t, const struct lull_tcb *tcb,
		   const struct lull_seg *seg);
void lull_tally_out(struct lull_tally *y, const struct lull_tx *tx);
void lull_tally_again(const struct lull_tcp *t, const struct lull_tcb *tcb,
		      const struct lull_range *r);
void lull_tally_sent(const struct lull_tcp *t, const struct lull_tcb *tcb);
void lull_tally_acked(const struct lull_tcp *t, const struct lull_tcb *tcb,
		      struct lull_seq una);
uint64_t lull_tally_rate(const struct lull_tally *y); /* bytes a second */
void lull_tally_busy(const struct lull_tcp *t, const struct lull_tcb *tcb,
		     bool text, bool out);
void lull_tally_timeout(const struct lull_tcp *t, const struct lull_tcb *tcb);
void lull_tally_repaired(const struct lull_tcp *t, const struct lull_tcb *tcb);

/* ---- urgent.c ---- */

/* Sixth step, of a segment with URG. */
void lull_urgent_take(struct lull_tcp *t, struct lull_tcb *tcb,
		      const struct lull_seg *seg);
/* Octets, 1 or 0, that the next read leaves out. */
uint32_t lull_urgent_hole(const struct lull_user *u);
/* How far a read goes: up to the mark, or what there is. */
uint32_t lull_urgent_readable(const struct lull_user *u);
void lull_urgent_skip(struct lull_tcp *t, uint32_t user);
/* The octet that is kept apart: 1; -EAGAIN: it has not come; -EINVAL. */
int lull_urgent_get(struct lull_tcp *t, uint32_t user, uint8_t *byte,
		    bool peek);
void lull_urgent_mark(struct lull_tcp *t, struct lull_tcb *tcb);
/* Is there urgent text that is not acknowledged? */
bool lull_urgent_mode(const struct lull_tcp *t, const struct lull_tcb *tcb);
/* URG and the pointer, where a segment shall have them. */
void lull_urgent_tell(const struct lull_tcp *t, struct lull_tcb *tcb,
		      struct lull_seg *out);

/* ---- close.c ---- */

void lull_tcp_shutdown(struct lull_tcp *t, struct lull_tcb *tcb);
/* The program lets go. true: the user stays for LULL_EVENT_CLOSED. */
bool lull_tcp_close(struct lull_tcp *t, struct lull_tcb *tcb);
/* RST with the next output (3.10.5); the connection is gone. As below. */
void lull_tcp_reset(struct lull_tcp *t, struct lull_tcb *tcb, int error);
/* The program wants no more of it: RST, where the peer may wait for us. */
void lull_tcp_abort(struct lull_tcp *t, struct lull_tcb *tcb, int error);
/* The connection is gone, silently; the user learns `error`, 0: none. */
void lull_tcp_end(struct lull_tcp *t, struct lull_tcb *tcb, int error);
/* What must never be: count it, reset this one connection. */
void lull_tcp_broken(struct lull_tcp *t, struct lull_tcb *tcb);
/* Eighth step. false: there is no tcb any more. */
bool lull_fin_take(struct lull_tcp *t, struct lull_tcb *tcb,
		   const struct lull_seg *seg);
/* Our FIN is acknowledged. false: there is no tcb any more. */
bool lull_fin_acked(struct lull_tcp *t, struct lull_tcb *tcb);
/* An orphan that has come to FIN_WAIT_2 becomes a record. */
void lull_orphan_settle(struct lull_tcp *t, struct lull_tcb *tcb);
/* Whoever waits for LULL_EVENT_CLOSED gets it. */
void lull_linger_over(struct lull_tcp *t, struct lull_tcb *tcb, int error);

/* ---- timer.c ---- */

void lull_timer_set(struct lull_tcp *t, struct lull_tcb *tcb,
		    enum lull_tcb_timer which, uint32_t ms);
void lull_timer_clear(struct lull_tcb *tcb, enum lull_tcb_timer which);
bool lull_timer_is_set(const struct lull_tcb *tcb, enum lull_tcb_timer which);
void lull_timer_fire(struct lull_tcp *t, uint32_t name);
void lull_timer_keepalive(struct lull_tcp *t, struct lull_tcb *tcb);
/* Milliseconds until TCP_USER_TIMEOUT ends it; UINT32_MAX: nothing waits. */
uint32_t lull_timer_user_left(const struct lull_tcp *t,
			      const struct lull_tcb *tcb);
/* R1 (3.8.3): has it been tried so long that the program should know? */
bool lull_timer_past_r1(const struct lull_tcp *t, const struct lull_tcb *tcb);

/* ---- output.c ---- */

/* There may be something to send. */
void lull_tcp_want(struct lull_tcp *t, struct lull_tcb *tcb);
/* What every segment of a connection has; <SEQ=SND.NXT><CTL=ACK>. */
struct lull_seg lull_tcb_segment(struct lull_tcp *t, struct lull_tcb *tcb);
/* Build what is to be sent. false: the queue is full, call again later. */
bool lull_tcp_output(struct lull_tcp *t);

/* ---- pmtu.c: how large a segment may be ---- */

#define LULL_PMTU_WAIT UINT32_MAX

/* Both SYNs are known; peer_mss is what the peer takes, bounded below. */
void lull_pmtu_begin(struct lull_tcp *t, struct lull_tcb *tcb,
		     uint32_t peer_mss);
/* Make opt.mss what all that is known allows. */
void lull_pmtu_sync(struct lull_tcp *t, struct lull_tcb *tcb);
/* An ICMP error about a segment in flight. */
void lull_pmtu_too_big(struct lull_tcp *t, struct lull_tcb *tcb,
		       struct lull_seq seq, uint32_t mtu);
/* Before new text: what is known may be too old. */
void lull_pmtu_refresh(struct lull_tcp *t, struct lull_tcb *tcb);
/* Bytes of text that should go in one packet now, to see whether it arrives; 0:
 * none; LULL_PMTU_WAIT: nothing should go until there is room for it. */
uint32_t lull_pmtu_probe(const struct lull_tcp *t, const struct lull_tcb *tcb);
/* A probe goes, with so much text; 0: it didn't. */
void lull_pmtu_sent(struct lull_tcp *t, struct lull_tcb *tcb,
		    struct lull_seq seq, uint32_t text);
/* SND.UNA has moved, and LULL_TCB_PMTU_ACKS is set. */
void lull_pmtu_acked(struct lull_tcp *t, struct lull_tcb *tcb);
/* The oldest range is lost. true: it was a probe, is marked, and its loss says
 * nothing of congestion (RFC 4821 7.5). */
bool lull_pmtu_lost(struct lull_tcp *t, struct lull_tcb *tcb);
/* A retransmission timeout. true: packets were too big, so it's no congestion.
 */
bool lull_pmtu_timeout(struct lull_tcp *t, struct lull_tcb *tcb);

/* Does pmtu.c know anything that may be too old, or something to try? */
static inline bool lull_pmtu_is_live(const struct lull_tcb_cold *cold)
{
	return cold->pmtu.mtu | cold->pmtu.high;
}

/* ---- error.c: ICMP ---- */

void lull_tcp_icmp(struct lull_tcp *t, const struct lull_icmp_error *e);

/* ---- user.c: what the program sees ---- */

uint32_t lull_user_new(struct lull_tcp *t, enum lull_user_kind kind,
		       uint64_t cookie);
void lull_user_free(struct lull_tcp *t, uint32_t i);
void lull_user_news(struct lull_tcp *t, uint32_t i, uint32_t bits);
/* What it has not been told it need not know. */
void lull_user_hush(struct lull_tcp *t, uint32_t i);
/* Its connection ended. */
void lull_user_ended(struct lull_tcp *t, uint32_t i, int error);

#endif
