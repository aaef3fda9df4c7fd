/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ip.h: IPv4 and IPv6: what is ours, who it is for, and headers for what
 * leaves. Puts fragments together; answers echo requests itself; hands TCP and
 * its errors on.
 *
 * There is one link, and everything goes out by it. Where frames are Ethernet's
 * the next hop is found by our own prefixes and one gateway for each family;
 * who that is on the link, neigh.h knows. Nothing here knows a connection.
 */
#ifndef LULL_IP_IP_H
#define LULL_IP_IP_H

#include "base/base.h"
#include "ip/neigh.h"
#include "wire/wire.h"

#define LULL_OWN_MAX 64

/* ---- reassembly ---- */

#define LULL_REASS_SOURCES 64 /* that are told apart */

/* A packet of which not all fragments have come. */
struct lull_datagram {
	uint32_t free;
	uint32_t next;	       /* in its hash chain */
	struct lull_links age; /* of its version, oldest first */
	struct lull_links kin; /* of its source, oldest first */
	struct lull_addr src, dst;
	uint32_t id;
	uint32_t hash;
	uint32_t born_ms;
	uint32_t head, tail; /* pieces: buffers by offset, which is their seq */
	uint32_t have;	     /* bytes of them */
	uint32_t end;	     /* bytes of the whole; 0: the last is missing */
	uint32_t seen;	     /* what its source had sent with its last one */
	uint32_t packet_off; /* where the first one's IP header stands */
	uint16_t pieces;
	uint8_t source;
	uint8_t proto;
	uint8_t ecn; /* a bit for each codepoint that came (RFC 3168 5.3) */
	bool v6, ours;
	bool dead; /* given up: what still comes is dropped (RFC 5722) */
};

struct lull_reass_memory {
	void *datagrams;
	uint32_t *heads;
	uint32_t limit, heads_len;
};

/*
 * Two bounds, the pool and ip(6)frag_high_thresh. At either, the source with
 * the most memory loses its oldest datagram: whoever floods pushes out his own.
 */
struct lull_reass {
	struct lull_slab slab;
	uint32_t *heads;
	uint32_t mask;
	struct lull_list age[2]; /* IPv4, IPv6 */
	struct {
		struct lull_list list;
		uint32_t charge; /* bytes */
		uint32_t seen;	 /* fragments, for ipfrag_max_dist; wraps */
	} source[2][LULL_REASS_SOURCES];
	uint64_t charge[2];		 /* bytes */
	uint32_t held[LULL_BUF_CLASSES]; /* buffers */
	uint32_t id;			 /* of the next that we cut in pieces */
};

struct lull_ip {
	struct lull_ground *g;
	struct lull_reass reass;
	struct {
		struct lull_prefix prefix;
		bool whole; /* every address of the prefix is ours */
	} own[LULL_OWN_MAX];
	uint32_t own_len;
	uint32_t strangers;   /* listeners that stand in for other addresses */
	uint32_t icmp_tokens; /* messages that may be sent now */
	uint64_t icmp_ms;     /* when they were last added to */
	struct lull_neighs neigh; /* with Ethernet */
};

/* What is to be done with a packet. */
enum lull_ip_to {
	LULL_IP_DONE,	   /* answered, or dropped and counted */
	LULL_IP_TO_TCP,	   /* a segment: the buffer begins with its header */
	LULL_IP_TO_ERRORS, /* an ICMP error about one of our segments */
};

struct lull_ip_in {
	struct lull_ip_hdr hdr;
	/* What the caller has to put back now, and TCP may keep: the buffer
	 * that it gave, or that of the whole packet; 0: it is kept here. */
	uint32_t buf;
	bool ours; /* the destination is our own, not a stranger's */
	struct lull_icmp_error error; /* with LULL_IP_TO_ERRORS */
};

void lull_ip_init(struct lull_ip *ip, struct lull_ground *g,
		  const struct lull_reass_memory *m);
int lull_ip_own_add(struct lull_ip *ip, struct lull_prefix prefix, bool whole);

/* ether.c: for links with Ethernet frames */

/* true: there is an IP packet, and the buffer begins with it now. */
bool lull_ether_input(struct lull_ip *ip, uint32_t buf);
/* Packets [from, tail) of the queue to their next hops. Those whose way is not
 * known yet leave the queue. */
void lull_ether_output(struct lull_ip *ip, uint32_t from);
/* Finish a packet for `dst`, with its IP header if it has none. */
void lull_ether_send(struct lull_ip *ip, struct lull_tx *tx,
		     struct lull_mac dst);
/* nd.c */
/* Is a packet for a group one that nd.c wants to see? */
bool lull_nd_is_for_us(const struct lull_ip *ip, const struct lull_ip_hdr *hdr);
/* 0, or why not. The checksum holds. */
enum lull_drop lull_nd_input(struct lull_ip *ip, uint32_t buf,
			     const struct lull_ip_hdr *hdr);
void lull_nd_solicit(struct lull_ip *ip, const struct lull_neigh *at,
		     const struct lull_addr *source);
/* way.c */
/* Can it be a neighbour's address, by our own prefixes? */
bool lull_ip_on_link(const struct lull_ip *ip, const struct lull_addr *a);
/* Is there a next hop? */
bool lull_ip_has_way(const struct lull_ip *ip, const struct lull_addr *remote);
int lull_ip_gateway_set(struct lull_ip *ip, const struct lull_addr *gateway);

/* input.c */
/* The broadcast address of a net of ours (RFC 1122 3.2.1.3 (d)). */
bool lull_ip_is_broadcast(const struct lull_ip *ip, const struct lull_addr *a);
/* An address that nobody can send from (RFC 1122 3.2.1.3, MUST-63). */
bool lull_ip_is_bad_source(const struct lull_ip *ip, const struct lull_addr *a);
enum lull_ip_to lull_ip_input(struct lull_ip *ip, uint32_t buf,
			      struct lull_ip_in *in);
/* reass.c */
void lull_reass_init(struct lull_reass *r, const struct lull_reass_memory *m);
/*
 * A fragment, in->buf. Why it was refused; or none: then in->buf is the whole
 * packet, or 0 while something is missing.
 */
enum lull_drop lull_reass_add(struct lull_ip *ip, struct lull_ip_in *in);
/* Give up those whose time is over. */
void lull_reass_expire(struct lull_ip *ip, int *budget);
/* When to do that next; UINT64_MAX: there is none. */
uint64_t lull_reass_deadline_ms(const struct lull_ip *ip);
/* icmp.c */
enum lull_ip_to lull_icmp_input(struct lull_ip *ip, uint32_t buf,
				struct lull_ip_in *in);
/* A datagram's time is over: say so to who sent its first fragment. */
void lull_icmp_timed_out(struct lull_ip *ip, uint32_t buf, uint32_t packet_off,
			 const struct lull_ip_hdr *hdr);
/* Say why a packet was refused, where the RFCs allow it and the rate does. */
void lull_icmp_refuse(struct lull_ip *ip, uint32_t buf, uint32_t packet_off,
		      const struct lull_ip_hdr *hdr, enum lull_drop why);
/* output.c */
bool lull_ip_is_own(const struct lull_ip *ip, const struct lull_addr *a);
/* Our address towards a destination. false: none of its family. */
bool lull_ip_source(const struct lull_ip *ip, const struct lull_addr *remote,
		    struct lull_addr *local);
/* Finish packets [from, tail) of the queue with their IP headers. */
void lull_ip_output(struct lull_ip *ip, uint32_t from);

#endif
