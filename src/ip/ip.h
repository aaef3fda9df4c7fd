/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ip.h: IPv4 and IPv6: what is ours, who it is for, and headers for what
 * leaves. Answers echo requests itself; hands TCP and its errors on.
 *
 * There is one link, and everything goes out by it: no routes are needed yet.
 * Nothing here knows a connection.
 */
#ifndef LULL_IP_IP_H
#define LULL_IP_IP_H

#include "base/base.h"
#include "wire/wire.h"

#define LULL_OWN_MAX 64

struct lull_ip {
	struct lull_ground *g;
	struct {
		struct lull_prefix prefix;
		bool whole; /* every address of the prefix is ours */
	} own[LULL_OWN_MAX];
	uint32_t own_len;
	uint32_t strangers;   /* listeners that stand in for other addresses */
	uint32_t icmp_tokens; /* messages that may be sent now */
	uint64_t icmp_ms;     /* when they were last added to */
};

/* What is to be done with a packet. */
enum lull_ip_to {
	LULL_IP_DONE,	   /* answered, or dropped and counted */
	LULL_IP_TO_TCP,	   /* a segment: the buffer begins with its header */
	LULL_IP_TO_ERRORS, /* an ICMP error about one of our segments */
};

struct lull_ip_in {
	struct lull_ip_hdr hdr;
	bool ours; /* the destination is our own, not a stranger's */
	struct lull_icmp_error error; /* with LULL_IP_TO_ERRORS */
};

void lull_ip_init(struct lull_ip *ip, struct lull_ground *g);
int lull_ip_own_add(struct lull_ip *ip, struct lull_prefix prefix, bool whole);

/* input.c */
enum lull_ip_to lull_ip_input(struct lull_ip *ip, uint32_t buf,
			      struct lull_ip_in *in);
/* icmp.c */
enum lull_ip_to lull_icmp_input(struct lull_ip *ip, uint32_t buf,
				struct lull_ip_in *in);
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
