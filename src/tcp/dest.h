/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dest.h: towards whom we open connections, from which port, and in whose
 * place. A part of tcp.h, which includes it.
 */
#ifndef LULL_TCP_DEST_H
#define LULL_TCP_DEST_H

#include "base/base.h"
#include "wire/wire.h"

struct lull_tcp;
struct lull_tcp_memory;

/* ---- destinations ---- */

/* Bits by port, 0..65535. */
struct lull_portmap {
	uint64_t used[1024]; /* by a connection or a record, as far as known */
	uint64_t closing[1024]; /* of these, records */
};

struct lull_dest {
	uint32_t free;
	uint32_t map; /* of its ports, or 0 */
	uint64_t hash;
	struct lull_addr local, remote;
	uint16_t rport;
	bool no_reuse; /* until no_reuse_ms */
	uint32_t no_reuse_ms;
	uint32_t live, closing; /* connections that we opened, and records */
	uint32_t next;		/* how far the choice of ports has come */
	uint32_t rto_ms;	/* the longest of those that became records */
	uint32_t second;	/* of the last of these: */
	uint32_t opened[2];	/* in that second, and in the one before */
	uint32_t gone[2];	/* likewise: ended without a record */
};

/* ---- dest.c: connections that we opened, by destination ---- */

void lull_dest_init(struct lull_tcp *t, const struct lull_limits *limits,
		    const struct lull_tcp_memory *m);
uint64_t lull_dest_hash(const struct lull_tcp *t,
			const struct lull_tuple *tuple);
/* The destination of the pair, or 0: nothing of it is counted. */
uint32_t lull_dest_find(const struct lull_tcp *t,
			const struct lull_tuple *tuple, uint64_t hash);
/* The same, or a new one; 0: limits.destinations. */
uint32_t lull_dest_get(struct lull_tcp *t, const struct lull_tuple *tuple,
		       uint64_t hash);
/* One more connection; it becomes a record; connection or record is over. */
void lull_dest_live(struct lull_tcp *t, uint32_t i, uint16_t port);
void lull_dest_closing(struct lull_tcp *t, uint32_t i, uint16_t port,
		       uint32_t rto_ms);
/* A record that was no connection here. false: limits.destinations. */
bool lull_dest_record(struct lull_tcp *t, const struct lull_tuple *tuple);
/* A connection in the place of a record. */
void lull_dest_reuse(struct lull_tcp *t, uint32_t i, uint16_t port);
/* Take no TIME_WAIT's pair towards it for 2MSL: its peer refused one. */
void lull_dest_no_reuse(struct lull_tcp *t, uint32_t i);
/*
 * A connection that we opened has ended, and no record keeps its pair: the
 * next one there begins by the ISN's clock, below what this one has used if it
 * was faster than that. A reuse goes above the last connection alone, so until
 * the clock has caught up, or 2MSL is over, no pair of that destination is
 * reused. Kept by hash, since the destination itself may be forgotten.
 */
void lull_dest_left(struct lull_tcp *t, uint32_t dest,
		    const struct lull_tuple *tuple, struct lull_seq used,
		    bool lapped);
/* For how long that is; 0: it is over. */
uint32_t lull_dest_ahead_ms(const struct lull_tcp *t,
			    const struct lull_dest *d);
bool lull_dest_may_reuse(const struct lull_tcp *t, const struct lull_dest *d);
void lull_dest_over(struct lull_tcp *t, uint32_t i, uint16_t port,
		    bool closing);
/* The map, if so many of `ports` are in use that it has one; or NULL. */
struct lull_portmap *lull_dest_map(struct lull_tcp *t, struct lull_dest *d,
				   uint32_t ports);
/* A port that is in use and was not known to the map. */
void lull_dest_learn(struct lull_tcp *t, struct lull_dest *d, uint16_t port,
		     bool closing);
/* Connections opened towards it in a second; and how many more than came to
 * their end there without a record. */
uint32_t lull_dest_rate(const struct lull_tcp *t, const struct lull_dest *d);
uint32_t lull_dest_growth(const struct lull_tcp *t, const struct lull_dest *d);

/* One more connection or record on a port of ours, or one less. */
void lull_port_count(struct lull_tcp *t, uint16_t port, bool reuseaddr,
		     int32_t by);

/* ---- ports.c ---- */

/* Where a new connection goes. */
struct lull_place {
	struct lull_tuple tuple;
	uint32_t hash; /* of the flow */
	uint64_t dest_hash;
	uint32_t record; /* whose pair it takes, or 0 */
	bool reuseaddr;	 /* SO_REUSEADDR */
	bool shadowed;	 /* the record stays behind as its shadow */
};

/* Choose tuple.lport, unless it is given, and all that follows from it (RFC
 * 6056). -EADDRNOTAVAIL: `why`. */
int lull_port_choose(struct lull_tcp *t, struct lull_place *place,
		     struct lull_why *why);
/* ---- why.c ---- */

#define LULL_NEVER_MS UINT32_MAX

/* When a new connection may have the pair of a record; 0: now. See
 * docs/timewait.md. */
struct lull_reuse_in {
	uint32_t safe_ms;  /* net.lull.tcp_tw_reuse_safe: with a shadow */
	uint32_t plain_ms; /* net.ipv4.tcp_tw_reuse: the record goes */
};
/* `d` may be NULL. */
struct lull_reuse_in lull_reuse_in(const struct lull_tcp *t,
				   const struct lull_dest *d, uint32_t name);
/* How our ports stand towards the destination; all but the reason. */
void lull_port_why(const struct lull_tcp *t, const struct lull_tuple *tuple,
		   struct lull_why *why);

/* ---- shadow.c: the record whose pair a new connection has ---- */

/* It leaves the table to `by`, and stays. */
void lull_shadow_cast(struct lull_tcp *t, uint32_t name, uint32_t hash,
		      uint32_t by);
/* The new connection is established: the record goes. */
void lull_shadow_drop(struct lull_tcp *t, uint32_t *shadow);
/* It came to nothing: the pair is the record's again, in place. */
void lull_shadow_return(struct lull_tcp *t, uint32_t *shadow, uint32_t hash,
			uint32_t from);
/* A record ends while it is somebody's shadow. */
void lull_shadow_forget(struct lull_tcp *t, uint32_t name,
			const struct lull_tuple *tuple);
/* Does the segment belong to the old incarnation? Then that is refused, and
 * perhaps answered as TIME_WAIT would. `shadow` may be 0. */
bool lull_shadow_takes(struct lull_tcp *t, uint32_t shadow,
		       const struct lull_seg *seg, bool *answered);

#endif
