/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net.h: the network of a random world, packet by packet.
 *
 * Whatever a host sends is looked at, meets what the world has of trouble, and
 * waits in a heap for its time. The hosts hang on it by their number, which is
 * the last byte of both their addresses, less one.
 */
#ifndef LULL_NET_H
#define LULL_NET_H

#include "packet.h"
#include "sim.h"

/* 0: no memory. */
struct net *net_create(struct world *w);
void net_destroy(struct net *n);
/* Frames that hosts have lent; of one that has crashed: forgotten. */
void net_give_back(struct world *w);
void net_forget(struct world *w, int host);
/* Bits of enum lull_link_cap that its links have. */
uint32_t net_link_cap(const struct world *w);
/* Take what hosts send, deliver what is due. Returns packets moved. */
int net_step(struct world *w);
uint64_t net_deadline(const struct world *w);
/* The faults are over; what is under way still comes. */
void net_quiet(struct world *w);
/* Nothing gets lost, doubled, damaged or late, ever. */
bool net_is_clean(const struct world *w);
/* No round trip is shorter, until net_quiet(). */
uint64_t net_rtt_ns(const struct world *w);
/* One packet of a host, as if its stack had sent it: `len` bytes, whole. */
void net_put(struct world *w, int from, uint8_t *packet, uint32_t len);

#endif
