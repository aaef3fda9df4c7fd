/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path.h: the path between two ends, packet by packet.
 *
 * Each way has, in this order: a black hole for large packets, a queue with a
 * limit and a marking threshold, a link of some rate that may stand still,
 *loss, reordering, delay with jitter. It knows no stack and asks no clock:
 *packets and times go in, packets come out at their times. So the same path
 *lies between two lulls in virtual time and between two kernels in real time.
 *
 *	path_create()
 *	path_put()	a packet leaves its sender
 *	path_peek()	the next one that has arrived; path_pop() takes it
 *	path_deadline()	when the next one will, at the earliest
 *
 * All that is random is drawn from one seed when a packet is put. Times are in
 * nanoseconds; those of a configuration in microseconds since path_create().
 *
 * The path also reads TCP's headers: which data goes again, and whether that
 * was needed, is seen from the wire, never from a stack's opinion.
 */
#ifndef LULL_PATH_H
#define LULL_PATH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum path_way {
	PATH_FORTH, /* from a to b: data, mostly */
	PATH_BACK,
	PATH_WAYS,
};

enum {
	PATH_DROPS = 16,
	PATH_FLOWS = 64,
	PATH_SACKS = 4,
	PATH_PACKET_MAX = 65535,
};

/*
 * Chosen losses: new data segments of this way from the `first` on, counted
 * from 1 over all flows, `count` of them, each `times` times if it goes again;
 * 0 is 1. PATH_TAIL: the segment that ends at path_tail().
 */
#define PATH_TAIL UINT32_MAX

struct path_drop {
	uint32_t first, count, times;
};

struct path_leg {
	uint64_t delay_us; /* from the link's end to the receiver */
	uint64_t rate;	   /* bytes a second; 0: no limit */
	uint64_t queue;	   /* bytes that may wait for it; 0: no limit */
	uint64_t ce;	   /* more bytes waiting: mark what is ECT; 0: never */
	uint32_t mtu;	   /* larger packets vanish; 0: none does */
	uint32_t loss_ppm; /* per million, of all packets */
	uint32_t dup_ppm;
	uint64_t jitter_us; /* 0 to this much more delay, drawn evenly */
	bool jitter_in_order;
	/* Each n-th data segment waits until so many packets went by, or for
	 * `reorder_hold_us`; 0: a second. */
	uint32_t reorder_every, reorder_by;
	uint64_t reorder_hold_us;
	struct path_drop drop[PATH_DROPS];
	uint64_t change_at_us, change_rate; /* another rate from then on */
	uint64_t stall_at_us, stall_us;	    /* the link stands still */
};

struct path_config {
	uint64_t seed;
	struct path_leg leg[PATH_WAYS];
	bool record; /* keep every segment: path_events() */
};

/* What becomes of a packet. */
enum path_fate {
	PATH_ARRIVES,
	PATH_LOST,	 /* at random */
	PATH_DROPPED,	 /* as chosen */
	PATH_OVERFLOWED, /* the queue was full */
	PATH_TOO_BIG,
	PATH_FATES,
};

/* A segment as it was sent, or as it arrived. */
struct path_event {
	uint64_t at_ns;	   /* since path_create() */
	uint8_t way;	   /* of enum path_way */
	bool arrived;	   /* else sent */
	uint8_t flags;	   /* of the TCP header */
	uint8_t ecn;	   /* of the IP header: 0 to 3 */
	uint8_t flow;	   /* from 0, by the order of their SYNs */
	uint8_t fate;	   /* of enum path_fate */
	bool again;	   /* it has bytes that went before */
	bool needless;	   /* ... of which none was lost */
	uint8_t sacks;	   /* blocks, the first may be a DSACK */
	uint32_t seq, len; /* of the first byte: 0 is the stream's first */
	uint32_t ack;	   /* likewise, of the other way's stream */
	uint32_t wnd;	   /* bytes */
	uint32_t sack[PATH_SACKS][2];
};

struct path_flow_stats {
	uint64_t segments, bytes;    /* of data, first time */
	uint64_t again, again_bytes; /* data that went again, in segments */
	uint64_t needless;	     /* of these: no earlier copy was lost */
	uint64_t lost;		     /* data segments that did not arrive */
	uint64_t marked;	     /* CE */
};

struct path_stats {
	uint64_t packets, bytes; /* put */
	uint64_t fate[PATH_FATES];
	uint64_t doubled, held, marked;
	uint64_t queue_most;	    /* bytes */
	uint64_t queue_median_us;   /* how long packets waited, and */
	uint64_t queue_p95_us;	    /* were sent */
	struct path_flow_stats all; /* of all flows */
};

struct path;

/* NULL: no memory. */
struct path *path_create(const struct path_config *config, uint64_t now_ns);
void path_destroy(struct path *path);
/* Where the stream of flow 0 ends, for PATH_TAIL. */
void path_tail(struct path *path, uint64_t bytes);

/* An IP packet in one piece, one segment. `now_ns` never goes back. */
void path_put(struct path *path, enum path_way way, uint64_t now_ns,
	      const void *packet, uint32_t len);
/* The next packet that has arrived by now, or NULL. */
const void *path_peek(struct path *path, enum path_way way, uint64_t now_ns,
		      uint32_t *len);
void path_pop(struct path *path, enum path_way way);
/* UINT64_MAX: nothing is under way. */
uint64_t path_deadline(const struct path *path);

struct path_stats path_stats(const struct path *path, enum path_way way);
/* How many flows have been seen. */
int path_flows(const struct path *path);
/* The one with this port at a; -1: none. */
int path_flow_of(const struct path *path, uint16_t port);
struct path_flow_stats path_flow_stats(const struct path *path,
				       enum path_way way, int flow);
/* All that was recorded, in order of time. */
const struct path_event *path_events(const struct path *path, size_t *n);
/* As lines with a head: man lull-bench(1) names the columns. */
void path_write_csv(const struct path *path, FILE *out);

/* ---- path_seg.c: TCP as it is seen from outside ---- */

struct path_stretch {
	uint32_t from, to;
};

/* One way of a flow. */
struct path_stream {
	bool known;    /* its SYN went by */
	uint8_t shift; /* of its windows */
	uint32_t isn;
	uint32_t end;	   /* as far as it was sent */
	uint32_t segments; /* new ones */
	/* Sent, lost, and not sent again since. */
	struct path_stretch *missing;
	size_t missing_len, missing_size;
	struct path_flow_stats stats;
};

struct path_flow {
	uint8_t addr[2][16];
	uint16_t port[2]; /* at a, at b */
	struct path_stream way[PATH_WAYS];
};

/* Which flow is it, and what is in it? NULL: not TCP, or one too many. */
struct path_flow *path_see(struct path_flow *flows, int *n, enum path_way way,
			   const uint8_t *packet, uint32_t len,
			   struct path_event *seen);
/* Has it bytes that went before? */
void path_is_again(const struct path_stream *s, struct path_event *seen);
/* It was sent, with its fate: count it. */
void path_account(struct path_stream *s, struct path_event *seen);
/* Mark an ECT packet CE. false: it isn't ECT. */
bool path_mark(uint8_t *packet, uint32_t len);
/* Compute IPv4's and TCP's checksums anew. */
void path_sum(uint8_t *packet, uint32_t len);

#endif
