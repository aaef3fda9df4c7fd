/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * records.h: closing records by number, for `lull bench timewait`: a shard
 * that holds them, a peer that closes on the wire, and late segments.
 *
 * Number i always has the same pair of endpoints, one of 65,536 peers and a
 * port, both drawn; so none is kept anywhere. About one in sixteen was opened
 * by the shard that holds it: then the port is ours.
 */
#ifndef LULL_RECORDS_H
#define LULL_RECORDS_H

#include <lull/diag.h>
#include <lull/host.h>

enum {
	RECORDS_PEERS = 65536,
	RECORDS_LENGTH_S = 60, /* 2MSL */
	RECORDS_HEADERS = 52,  /* bytes: IPv4, TCP, timestamps */
	RECORDS_SERVICE = 443, /* of the peers: the port that we connected to */
};

/* What one end knows when it has closed. */
struct records_end {
	uint32_t seq, ack; /* of the peer's FIN */
	uint32_t tsval;
};

struct records_side {
	struct lull_memory memory;
	struct lull_shard *shard;
	struct lull_prefix prefix;
};

struct records {
	struct records_side server, peer;
	struct lull_memnet *net;
	struct lull_sock listener;
	struct records_end *end; /* of those that were closed on the wire */
	uint32_t wire;		 /* numbers below this are those */
	uint32_t ended;		 /* of them, so far */
	uint32_t seed;
	uint64_t now_ns; /* virtual */
	uint64_t random;
};

/* For so many, `wire` of them by closes. Negative errno; close it in any case.
 */
int records_open(struct records *r, uint32_t limit, uint32_t wire);
void records_close(struct records *r);

/* Close numbers 0..wire on the wire, the server first. */
int records_close_on_wire(struct records *r);
/* Number i, as lull_timewait_put() takes it. */
void records_timewait(const struct records *r, uint32_t i,
		      struct lull_timewait *tw);
struct lull_pair records_pair(const struct records *r, uint32_t i);

enum records_segment {
	RECORDS_FIN, /* the peer's FIN again: it is answered */
	RECORDS_ACK, /* an old ACK: it is not */
};
/* Write such a segment of number i into an empty frame. */
void records_write(const struct records *r, uint32_t i,
		   enum records_segment what, struct lull_frame *frame);
/* Is it the ACK that the late FIN of number i deserves? */
bool records_is_last_ack(const struct records *r, uint32_t i,
			 const struct lull_frame *frame);

/* Which of the peers has the address. */
uint32_t records_peer(const struct lull_addr *addr);

/* A number below n. */
uint32_t records_draw(struct records *r, uint32_t n);

#endif
