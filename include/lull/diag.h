/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diag.h: seeing inside. All of it reads, none of it changes a shard.
 *
 * Long lists are read a piece at a time with a cursor that begins at 0, so
 * that no reader holds the packets up. Between two pieces the shard may run:
 * an object that lives through the whole reading is told once, one that is
 * born or dies during it once or not at all.
 */
#ifndef LULL_DIAG_H
#define LULL_DIAG_H

#include <lull/lull.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- states ---- */

/* The eleven states of 3.3.2, with Linux's numbers. */
enum lull_tcp_state {
	LULL_TCP_ESTABLISHED = 1,
	LULL_TCP_SYN_SENT = 2,
	LULL_TCP_SYN_RECEIVED = 3,
	LULL_TCP_FIN_WAIT_1 = 4,
	LULL_TCP_FIN_WAIT_2 = 5,
	LULL_TCP_TIME_WAIT = 6,
	LULL_TCP_CLOSED = 7,
	LULL_TCP_CLOSE_WAIT = 8,
	LULL_TCP_LAST_ACK = 9,
	LULL_TCP_LISTEN = 10,
	LULL_TCP_CLOSING = 11,
};

#define LULL_TCP_STATES 12 /* one past the last; 0 is none */

/* As ss prints it: "ESTAB", "TIME-WAIT", "UNCONN" (CLOSED), ...; "?" for none.
 */
LULL_API const char *lull_state_name(enum lull_tcp_state state);

/* How many are in each state now: `count` has LULL_TCP_STATES places. O(1). */
LULL_API void lull_diag_states(const struct lull_shard *shard, uint64_t *count);

/* Half-open and full connections: all but listeners and closing records. O(1).
 */
LULL_API uint32_t lull_diag_conns(const struct lull_shard *shard);

/* ---- rows ---- */

/* What a row's timer waits for; Linux's numbers (inet_diag). */
enum lull_row_timer {
	LULL_ROW_TIMER_NONE = 0,
	LULL_ROW_TIMER_ON = 1,	      /* retransmission */
	LULL_ROW_TIMER_KEEPALIVE = 2, /* keepalive, or an orphan's FIN_WAIT_2 */
	LULL_ROW_TIMER_TIMEWAIT = 3,
	LULL_ROW_TIMER_PERSIST = 4, /* zero-window probe */
};

/* Which directions are over, for the program; Linux's sk_shutdown. */
enum lull_row_shut {
	LULL_ROW_SHUT_RD = 1, /* by the program, or by the peer's FIN */
	LULL_ROW_SHUT_WR = 2,
};

/* One listener, half-open, full or closing connection. */
struct lull_row {
	uint8_t state; /* of enum lull_tcp_state */
	uint8_t timer; /* of enum lull_row_timer */
	uint8_t retries;
	bool held;	   /* a program holds it */
	bool v6only;	   /* a listener with LULL_LISTEN_V6ONLY */
	bool is_full;	   /* a full connection */
	uint8_t shut;	   /* of enum lull_row_shut */
	uint32_t timer_ms; /* until it fires */
	struct lull_endpoint local, remote;
	uint8_t local_bits;	/* of a listener: its prefix; else 128 */
	uint16_t local_port_hi; /* of a listener: the end of its range */
	uint32_t rqueue; /* bytes to read; of a listener: connections waiting */
	uint32_t
		wqueue; /* bytes not acknowledged; of a listener: the backlog */
	uint64_t id;	/* unique while it lives */
	struct lull_sock sock; /* the program's handle, index 0 if none */
	/* Of full connections, else 0. */
	uint32_t rtt_us, rttvar_us, rto_us;
	uint32_t cwnd_bytes, ssthresh_bytes;
	uint32_t mss_bytes, snd_wnd_bytes, rcv_wnd_bytes;
};

/* Fill at most `n` rows; 0: the end. Bounded also when it skips many. -EAGAIN:
 * call again. */
LULL_API int lull_diag_rows(const struct lull_shard *shard, uint64_t *cursor,
			    struct lull_row *rows, int n);

/* Both ends of a connection. */
struct lull_pair {
	struct lull_endpoint local, remote;
};

/*
 * The rows of `n` pairs; of one that is not there, state 0. Returns how many
 * are there. Many at once cost less each: their cache misses overlap.
 */
LULL_API int lull_diag_find(const struct lull_shard *shard,
			    const struct lull_pair *pairs,
			    struct lull_row *rows, int n);

/* ---- one row in full ---- */

/* What `ss -i -m -e` prints of a listener or a full connection. */
struct lull_detail {
	uint32_t size; /* sizeof(struct lull_detail) */
	uint8_t tos;
	char cc[19];		   /* congestion control: "reno", ... */
	struct lull_tcp_info info; /* of a listener as Linux fills it */
	/* Bytes of buffers: in use, and allowed. */
	uint32_t rcv_alloc, rcv_buf, snd_queued, snd_buf;
};

/* By the `id` of a row. -ENOENT: it has gone, or is neither. Bounded. */
LULL_API LULL_MUST_CHECK int lull_diag_detail(const struct lull_shard *shard,
					      uint64_t id,
					      struct lull_detail *detail);

/* ---- destinations ---- */

/* Towards whom we opened connections that live, or whose records do. */
struct lull_dest_row {
	struct lull_addr local; /* ours */
	struct lull_endpoint remote;
	uint32_t live, closing; /* connections, records */
	uint32_t opens_per_s;	/* in the last second */
	bool no_reuse; /* its peer refused a connection on a TIME_WAIT's pair */
};

/* Fill at most `n` rows, as lull_diag_rows() does. */
LULL_API int lull_diag_dests(const struct lull_shard *shard, uint64_t *cursor,
			     struct lull_dest_row *rows, int n);

/*
 * How our ports stand towards the destination of `connect`, without
 * connecting: `why` as lull_sock_connect() fills it, reason LULL_WHY_NONE.
 * -EINVAL, -ENETUNREACH: there is no such destination. Bounded.
 */
LULL_API LULL_MUST_CHECK int lull_diag_why(const struct lull_shard *shard,
					   const struct lull_connect *connect,
					   struct lull_why *why);

/* ---- counters ---- */

struct lull_counter {
	char group[12]; /* "Ip", "Tcp", "TcpExt" as in /proc/net; "Lull", "Drop"
			   are ours */
	char name[28];
	char help[88]; /* one line */
	uint64_t value;
};

/* The i-th counter from 0; false: there is none. */
LULL_API bool lull_diag_counter(const struct lull_shard *shard, uint32_t i,
				struct lull_counter *counter);

/* ---- pools ---- */

struct lull_pool {
	char name[16];
	uint32_t object_bytes;
	uint32_t used, peak,
		limit;	/* objects: now, at most since creation, allowed */
	uint64_t empty; /* how often somebody asked in vain */
};

/* The i-th pool from 0; false: there is none. */
LULL_API bool lull_diag_pool(const struct lull_shard *shard, uint32_t i,
			     struct lull_pool *pool);

/* ---- knobs ---- */

struct lull_knob_info {
	char name[48];
	char unit[16];
	char words[48]; /* names of the values 0, 1, ... or NAME=VALUE, apart by
			   blanks, or "" */
	char help[112]; /* one line */
	int32_t values; /* how many numbers; 0: a list of ports, as text only:
			   lull_sysctl_get() */
	bool fixed;	/* set at creation only */
	int64_t min, max, defaults[3], value[3];
};

/* The i-th knob from 0; false: there is none. Without a shard: the defaults. */
LULL_API bool lull_diag_knob(const struct lull_shard *shard, uint32_t i,
			     struct lull_knob_info *knob);

/* A knob of Linux's that lull_sysctl_set() knows by name, without effect. */
struct lull_idle_info {
	char name[48];
	char why[112]; /* one line */
	bool refused;  /* to accept it would promise too much */
};

/* The i-th of them from 0; false: there is none. */
LULL_API bool lull_diag_idle(uint32_t i, struct lull_idle_info *idle);

/* ---- stores ---- */

/*
 * For tests: called after each store into lull_memory.closing, where the
 * process may die; NULL: no more. -ENOTSUP: only a build that checks itself
 * (LULL_CHECKS) tells.
 */
typedef void lull_on_store(void *arg, const void *at, size_t bytes);
LULL_API LULL_MUST_CHECK int lull_diag_stores(struct lull_shard *shard,
					      lull_on_store *on_store,
					      void *arg);

/* ---- the trace ring ---- */

enum lull_trace_kind {
	LULL_TRACE_STATE = 1, /* from one state to another */
	LULL_TRACE_DROP = 2,  /* a packet was refused: `what` is its name */
};

/* Why something came to CLOSED: `what` of such a change of state. */
enum lull_trace_end {
	LULL_END_UNKNOWN = 0,	 /* a listener, or an older lull */
	LULL_END_FIN = 1,	 /* both FINs are acknowledged */
	LULL_END_TIME = 2,	 /* TIME_WAIT or FIN_WAIT_2 is over */
	LULL_END_RST_IN = 3,	 /* the peer's RST */
	LULL_END_RST_OUT = 4,	 /* ours */
	LULL_END_TIMEOUT = 5,	 /* the peer was silent */
	LULL_END_ICMP = 6,	 /* a router's or the peer's ICMP error */
	LULL_END_PROGRAM = 7,	 /* the program let go; nobody had to be told */
	LULL_END_EVICTED = 8,	 /* a record: another one needed its room */
	LULL_END_REUSED = 9,	 /* a record: a new connection has the pair */
	LULL_END_NO_RECORD = 10, /* no room for the record of a TIME_WAIT or
				    FIN_WAIT_2 */
	LULL_END_SYN = 11,	 /* half-open: another SYN in the window */
	LULL_END_RETRIED = 12,	 /* opened again from another port */
};

#define LULL_ENDS 13 /* one past the last */

struct lull_trace_record {
	uint64_t now_ns;
	uint8_t kind;	  /* of enum lull_trace_kind */
	uint8_t from, to; /* of enum lull_tcp_state */
	uint8_t what;	  /* of a drop: see lull_drop_name(); to CLOSED: of enum
			     lull_trace_end */
	struct lull_endpoint local, remote;
	uint32_t seq, ack; /* SND.NXT and RCV.NXT; of a drop, the segment's */
};

/*
 * Read on from `cursor`, which counts records since creation. If the ring has
 * run over it, it jumps to the oldest record. Returns how many were filled.
 */
LULL_API int lull_diag_trace(const struct lull_shard *shard, uint64_t *cursor,
			     struct lull_trace_record *records, int n);

/* The name of a drop, as its counter has it in group "Drop"; "?" if none. */
LULL_API const char *lull_drop_name(uint32_t what);

#ifdef __cplusplus
}
#endif

#endif
