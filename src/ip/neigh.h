/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * neigh.h: who on the link has which address: ARP (RFC 826, 1122 2.3.2) and
 * Neighbor Discovery (RFC 4861) over one cache.
 *
 * Only links with Ethernet frames have neighbours; see lull_config.link_type.
 * The states are those of RFC 4861 7.3.2, for IPv4 as well (its unicast poll
 * is RFC 1122 2.3.2.1's). A packet for a neighbour that is not yet known
 * leaves the queue of packets and waits here, a few for each neighbour, until
 * an answer brings it back, or none does: then TCP is told as if a router had
 * said so.
 *
 *	INCOMPLETE  asked, three times by multicast; packets wait
 *	REACHABLE   confirmed not long ago: an answer, or TCP gets on
 *	STALE       was, or somebody told us without being asked
 *	DELAY       used while stale: TCP has five seconds to confirm it
 *	PROBE       asked, three times by unicast; packets go meanwhile
 *	FAILED      no answer: packets are refused for a second, then forgotten
 *
 * The cache is bounded, and never says no: the oldest neighbour that nobody
 * has confirmed goes for a new one, and only then the oldest of the others.
 * So a flood of senders pushes out other strangers.
 */
#ifndef LULL_IP_NEIGH_H
#define LULL_IP_NEIGH_H

#include "base/base.h"
#include "wire/wire.h"

/* RFC 4861 10, in milliseconds and packets. */
enum {
	LULL_ND_MULTICAST_SOLICIT = 3,
	LULL_ND_UNICAST_SOLICIT = 3,
	LULL_ND_RETRANS_MS = 1000,
	LULL_ND_REACHABLE_MS = 30000, /* times 0.5 to 1.5 */
	LULL_ND_DELAY_MS = 5000,
	/* Ours: */
	LULL_NEIGH_WAITING = 3,		/* packets for one neighbour */
	LULL_NEIGH_FORGET_MS = 1200000, /* STALE and of no use for so long */
	LULL_NEIGH_DRAW_MS = 7200000,	/* the spread is drawn anew (6.3.4) */
};

enum lull_neigh_state {
	LULL_NEIGH_INCOMPLETE,
	LULL_NEIGH_REACHABLE,
	LULL_NEIGH_STALE,
	LULL_NEIGH_DELAY,
	LULL_NEIGH_PROBE,
	LULL_NEIGH_FAILED,
};

struct lull_neigh {
	struct lull_timer timer;
	struct lull_links links; /* in `sure` or `unsure` */
	struct lull_links ask;	 /* in `asks` */
	struct lull_addr addr;
	uint32_t hash;
	uint32_t confirmed_ms;		   /* when, in REACHABLE; wraps */
	uint32_t wait[LULL_NEIGH_WAITING]; /* packets, the oldest first */
	uint8_t waits;
	uint8_t state; /* of enum lull_neigh_state */
	uint8_t asked; /* solicitations in this state */
	bool asking;   /* stands in `asks` */
	bool sure;     /* it was REACHABLE once */
	struct lull_mac mac;
};

/* A packet that waits, or whose end TCP is to be told. */
struct lull_waiting {
	struct lull_links links;
	bool no_route; /* nobody was asked: there is no way */
	struct lull_tx tx;
};

struct lull_neigh_memory {
	void *neighs, *waiting, *buckets, *overflow;
	uint32_t neighs_len, waiting_len, buckets_len, overflow_len;
};

struct lull_neighs {
	struct lull_slab slab;	  /* of struct lull_neigh */
	struct lull_slab waiting; /* of struct lull_waiting */
	struct lull_table table;  /* by address */
	struct lull_wheel wheel;
	struct lull_list unsure, sure; /* the one in use least lately first */
	struct lull_list asks;	       /* solicit them with the next output */
	struct lull_list dead;	       /* packets whose end TCP is to be told */
	struct lull_mac mac;	       /* ours */
	struct lull_addr gateway[2];   /* IPv4, IPv6; all zero: none */
	struct lull_addr last_remote;  /* the last one asked for ... */
	uint32_t last;		       /* ... and its neighbour, or 0 */
	uint64_t drawn;		       /* the period of LULL_NEIGH_DRAW_MS */
	uint32_t reachable_ms;	       /* drawn for it */
};

/* What somebody says of himself. */
struct lull_neigh_word {
	struct lull_mac mac;
	bool has_mac, solicited, override; /* RFC 4861 4.4 */
};

/* What is to be done with a packet. */
enum lull_neigh_way {
	LULL_NEIGH_GO,	 /* send it to `mac` */
	LULL_NEIGH_TAKEN /* it waits, or was refused and counted */
};

struct lull_ip;

void lull_neigh_init(struct lull_ip *ip, const struct lull_neigh_memory *m,
		     struct lull_mac mac);
static inline struct lull_neigh *lull_neigh_at(const struct lull_neighs *n,
					       uint32_t i)
{
	return (struct lull_neigh *)lull_slab_at(&n->slab, i);
}
uint32_t lull_neigh_find(const struct lull_ip *ip, const struct lull_addr *a);
/* The way of a packet without IP header yet, and the next hop's `mac`. */
enum lull_neigh_way lull_neigh_way(struct lull_ip *ip, struct lull_tx *tx,
				   struct lull_mac *mac);
/* Somebody asks us, and says where he is: RFC 826, RFC 4861 7.2.3. */
void lull_neigh_hear(struct lull_ip *ip, const struct lull_addr *a,
		     struct lull_mac mac);
/* Somebody answers, or says unasked where he is: RFC 4861 7.2.5. */
void lull_neigh_answer(struct lull_ip *ip, uint32_t i,
		       const struct lull_neigh_word *word);
/* Let what is due happen, and take it from the budget. */
void lull_neigh_expire(struct lull_ip *ip, int *budget);
/* For way.c. 0: no memory. */
uint32_t lull_neigh_make(struct lull_ip *ip, const struct lull_addr *a,
			 enum lull_neigh_state state);
void lull_neigh_enter(struct lull_ip *ip, uint32_t i,
		      enum lull_neigh_state state);
/* Take a packet out of the queue: it waits, or TCP will hear of its end. */
void lull_neigh_wait(struct lull_ip *ip, uint32_t i, struct lull_tx *tx);
void lull_neigh_refuse(struct lull_ip *ip, struct lull_tx *tx, bool no_route);
/* The next segment of ours that can't be delivered, as an ICMP error. */
bool lull_neigh_error(struct lull_ip *ip, struct lull_icmp_error *error);

#endif
