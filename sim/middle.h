/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * middle.h: the boxes of a random world, between a client's host and the
 * network. Servers listen on port 80, clients never have it: so each packet
 * says which end is the client's.
 */
#ifndef LULL_MIDDLE_H
#define LULL_MIDDLE_H

#include "packet.h"
#include "sim.h"

struct middle;

/* NULL: no memory. */
struct middle *middle_create(struct world *w);
/*
 * A packet of host `from` goes by and is rewritten; its length stays. Returns
 * the host that it goes to; -1: it is dropped.
 */
int middle_pass(struct world *w, int from, uint8_t *packet, uint32_t len);
/*
 * Whom a server knows by this endpoint and ISN, as that one knows itself.
 * Returns when it last sent that SYN; UINT64_MAX: no NAT has seen it.
 */
uint64_t middle_inner(const struct world *w, int server, uint32_t isn,
		      struct lull_endpoint *e);
/* It is behind a NAT: nobody can connect to it. */
bool middle_hides(const struct world *w, int host);

#endif
