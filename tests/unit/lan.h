/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lan.h: the rig's link with Ethernet frames, and the neighbours on it.
 *
 * With rig_config.ether all of rig.h works as ever: its packets come from the
 * peer's station and go to ours. Here are the frames that are no packets.
 */
#ifndef LULL_LAN_H
#define LULL_LAN_H

#include "rig.h"

extern const struct lull_mac lan_us, lan_peer, lan_other, lan_all;

/* Ethernet, and small caches. */
void lan_config(struct lull_config *config);
void lan_packet(struct rig *r, const uint8_t *ip, uint32_t len);
/* An IP packet of its frame, whose header must be the right one. */
const struct rig_raw *lan_strip(const struct rig_raw *raw);

/* Neighbour `last` of the peer's prefix; 1 is the peer, 2 is us. */
struct lull_addr lan_addr(const struct rig *r, uint16_t last);

struct lan_frame {
	struct lull_mac dst, src;
	uint16_t type;
};

/* Hand over a frame. */
void lan_put(struct rig *r, const struct lan_frame *head, const void *payload,
	     uint32_t len);

/* ---- ARP ---- */

/* 28 bytes, in a frame from its sender to `dst`. */
void lan_arp_build(const struct lull_arp *arp, uint8_t *out);
void lan_arp(struct rig *r, const struct lull_arp *arp,
	     const struct lull_mac *dst);
/* The next frame must be ARP from us to `dst`. */
struct lull_arp lan_expect_arp(struct rig *r, const struct lull_mac *dst);

/* ---- Neighbor Discovery ---- */

struct lan_nd {
	struct lull_addr src, dst, target;
	struct lull_mac from, to; /* of the frame */
	uint8_t type, code, flags, hops;
	bool short_sum;	    /* the checksum is wrong */
	uint8_t option[24]; /* behind the body */
	uint32_t option_len;
};

/* What the peer asks of us, and answers: change what is to be wrong. */
struct lan_nd lan_solicit(const struct rig *r);
struct lan_nd lan_advert(const struct rig *r);
void lan_nd(struct rig *r, const struct lan_nd *nd);
/* The next frame must be one of these from us to `dst`. */
struct lull_nd lan_expect_nd(struct rig *r, const struct lull_mac *dst,
			     struct lull_ip_hdr *ip);

/* ---- both ---- */

/* The peer asks for us: from here on we know him, STALE. */
void lan_meet(struct rig *r);
/* He answers what was asked: REACHABLE. */
void lan_answer(struct rig *r, uint16_t last, const struct lull_mac *mac);
/* We ask for neighbour `last`, by a frame to all, or to `mac`. */
void lan_expect_ask(struct rig *r, uint16_t last, const struct lull_mac *mac);
void lan_expect_none(struct rig *r);
/* A ping from neighbour `last`; its number counts from 0. */
void lan_ping(struct rig *r, uint16_t last, const struct lull_mac *mac);
/* The reply to it; to that station. */
void lan_expect_pong(struct rig *r, uint16_t last, const struct lull_mac *mac);
/* -1: we don't know him. */
int lan_state(const struct rig *r, uint16_t last);
/* In REACHABLE, by question and answer. */
void lan_reach(struct rig *r, uint16_t last, const struct lull_mac *mac);

#endif
