/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shard.h: one stack: the layers, and the two queues towards the link.
 *
 * shard.c is the spine and the only thing that makes packets move. create.c
 * lays a shard out in the caller's memory. link.c, sock/ and diag/ are doors:
 * drivers, programs and observers come in by them, change or read state,
 * and send nothing.
 */
#ifndef LULL_SHARD_H
#define LULL_SHARD_H

#include "base/base.h"
#include "ip/ip.h"
#include "tcp/tcp.h"

struct lull_rxq {
	uint32_t *ring; /* buffers */
	uint32_t mask;
	uint32_t head, tail; /* they wrap */
	uint32_t peak;
};

#define LULL_CUTS 64 /* segments of large packets that are shown at a time */

/* Large packets, cut late for a link that can't: headers of the next ones. */
struct lull_cuts {
	uint32_t done; /* bytes of the oldest packet that have left */
	uint32_t at;   /* header of the next segment to leave; wraps */
	uint32_t made; /* headers from there on are made */
	uint8_t hdr[LULL_CUTS][LULL_TX_HDR + 4]; /* aligned as in lull_tx */
};

struct lull_shard {
	struct lull_ground g;
	struct lull_ip ip;
	struct lull_tcp tcp;
	struct lull_rxq rxq;
	struct lull_cuts cuts;
	struct lull_limits limits;
	uint32_t ip_done; /* packets before this one have their IP header */
	uint32_t abort_tcb, abort_half; /* lull_shard_abort() goes on here */
};

static inline uint32_t lull_rxq_len(const struct lull_rxq *q)
{
	return q->tail - q->head;
}

/* diag/fail.c, of the checked core alone: the n-th get of this pool from now on
 * fails; 0: none does. Returns what was left of the last n: 0, it has failed.
 * -ENOENT: no such pool, or none that may fail. */
int lull_pool_fail(struct lull_shard *s, const char *pool, uint32_t n);
/* The i-th of those that may, from 0; NULL: there is none. */
const char *lull_pool_name(struct lull_shard *s, uint32_t i);

/* diag/info.c: TCP_INFO. */
void lull_info_of(const struct lull_shard *s, const struct lull_tcb *tcb,
		  struct lull_tcp_info *info);

#endif
