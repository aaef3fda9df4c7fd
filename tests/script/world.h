/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world.h: one shard in virtual time, the link of memory to a peer that a
 * script plays, and a log of all that happens.
 *
 * Time stands still but in world_wait(). Segments of ours wait in a queue,
 * with the time at which they came, until the script takes them.
 *
 * Of every port of the peer's there is a flow: what relative numbers count
 * from, and what the peer would send next.
 */
#ifndef SCRIPT_WORLD_H
#define SCRIPT_WORLD_H

#include <lull/diag.h>
#include <lull/host.h>

#include "wire.h"

enum {
	WORLD_FLOWS = 16,
	WORLD_SOCKS = 32,
	WORLD_QUEUE = 256,
	WORLD_LOG = 120, /* lines that are kept */
	WORLD_LINE = 240,
	WORLD_WHY = 512,
};

struct flow {
	uint16_t peer_port, our_port;
	bool begun, ours_known;
	uint32_t peer_iss, our_iss; /* relative numbers count from these */
	uint32_t nxt, rcv;	    /* the peer's SND.NXT and RCV.NXT */
	bool peer_ts, our_ts;	    /* their SYNs had timestamps */
	uint32_t peer_val;	    /* the peer's clock ... */
	uint64_t peer_val_ns;	    /* ... at this time */
	uint32_t our_base, our_val; /* our first and last stamp */
};

struct arrived {
	struct segment seg;
	struct flow *flow;
	uint64_t at_ns;
};

/* A handle, and the events that came for it. */
struct handle {
	struct lull_sock sock;
	uint32_t events;
	int error;
};

struct world {
	bool v6;
	enum lull_profile profile;
	struct lull_shard *s;
	struct lull_memory memory;
	uint64_t now_ns, start_ns, deadline_ns;
	struct flow flows[WORLD_FLOWS], *flow; /* the one that is meant */
	int flow_count;
	struct arrived queue[WORLD_QUEUE];
	uint32_t head, tail; /* taken, come */
	struct handle handles[WORLD_SOCKS];
	int handle_count, listener, current; /* indices, -1: none */
	uint64_t traced;
	uint64_t lines; /* logged so far */
	char log[WORLD_LOG][WORLD_LINE];
	char broken[WORLD_WHY]; /* what no script can expect */
};

/* 0 or -errno. */
int world_begin(struct world *w, bool v6, enum lull_profile profile);
/* Reset what is left, and look that nothing stays behind. What is wrong goes
 * to w->broken. */
void world_end(struct world *w);
void world_free(struct world *w);

__attribute__((format(printf, 2, 3))) void world_log(struct world *w,
						     const char *format, ...);
double world_ms(const struct world *w, uint64_t at_ns);

/* The flow of this port of the peer's; NULL: there are too many. */
struct flow *world_flow(struct world *w, uint16_t peer_port);
/* "{SA, seq=0, ...}", with the numbers of the flow. */
void world_text(const struct flow *f, const struct segment *s, bool ours,
		char *out, size_t size);
/* What the peer's stamp is now. */
uint32_t world_peer_val(const struct world *w, const struct flow *f);
/* From now on numbers count from these two. */
void world_renumber(struct flow *f, uint32_t our_iss, uint32_t peer_iss);

/* Let the shard do what there is to do now. */
void world_turn(struct world *w);
/* The peer sends; all arrive together. */
void world_put(struct world *w, struct flow *const *flows,
	       const struct segment *segs, int n);
/* Let time pass until `end_ns`, or, with `stop`, until something has come. */
void world_wait(struct world *w, uint64_t end_ns, bool stop);
/* The next one that has come; NULL: none. It stays until world_take(). */
struct arrived *world_next(struct world *w);
void world_take(struct world *w);

/* A new handle's index; -1: too many. */
int world_hold(struct world *w, struct lull_sock sock);

#endif
