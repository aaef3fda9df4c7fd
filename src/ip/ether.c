/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ether.c: Ethernet frames in and out, and ARP (RFC 826, 1122 2.3.2, 5227).
 *
 * ARP learns as RFC 826 says: what a message tells of a neighbour that we know
 * is taken; a stranger is taken in only when he asks for us, and by an address
 * of the link (Linux asks by any that it has). Who says that our own address is
 * his is counted and not believed.
 *
 * Entry points: lull_ether_input, lull_ether_output, lull_ether_send.
 */
#include "ip/ip.h"

static const struct lull_mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

/* ---- out ---- */

static void put_ether(struct lull_ip *ip, struct lull_tx *tx,
		      struct lull_mac dst, uint16_t type)
{
	const struct lull_ether_hdr ether = {
		.dst = dst, .src = ip->neigh.mac, .type = type};

	lull_ether_emit(tx, &ether);
}

void lull_ether_send(struct lull_ip *ip, struct lull_tx *tx,
		     struct lull_mac dst)
{
	bool v4 = lull_addr_is4(&tx->remote);

	if (!tx->has_ip)
		lull_ip_emit(tx, 0);
	lull_count_n(ip->g, LULL_COUNT_IP_OUT_REQUESTS, lull_tx_segs(tx));
	put_ether(ip, tx, dst, v4 ? LULL_ETHER_IP4 : LULL_ETHER_IP6);
}

static void send_arp(struct lull_ip *ip, const struct lull_arp *arp,
		     struct lull_mac dst)
{
	struct lull_tx *tx = lull_txq_new(&ip->g->txq);

	if (!tx) {
		lull_drop(ip->g, LULL_DROP_TX_FULL);
		return;
	}
	tx->local = arp->sender_ip;
	tx->remote = arp->target_ip;
	lull_arp_emit(tx, arp);
	put_ether(ip, tx, dst, LULL_ETHER_ARP);
	lull_txq_push(&ip->g->txq);
	lull_count(ip->g, arp->request ? LULL_COUNT_ARP_OUT_REQUESTS
				       : LULL_COUNT_ARP_OUT_REPLIES);
}

/* Everybody while it is not known; then itself (RFC 1122 2.3.2.1). */
static void solicit(struct lull_ip *ip, const struct lull_neigh *at)
{
	bool known = at->state == LULL_NEIGH_PROBE;
	struct lull_arp arp = {.sender_mac = ip->neigh.mac,
			       .target_ip = at->addr,
			       .request = true};
	struct lull_addr source;

	if (!lull_ip_source(ip, &at->addr, &source))
		return; /* no address of this family any more */
	if (!lull_addr_is4(&at->addr)) {
		lull_nd_solicit(ip, at, &source);
		return;
	}
	arp.sender_ip = source;
	if (known)
		arp.target_mac = at->mac;
	send_arp(ip, &arp, known ? at->mac : broadcast);
}

static void solicit_all(struct lull_ip *ip)
{
	struct lull_neighs *n = &ip->neigh;
	uint32_t i;

	while ((i = lull_list_pop(&n->asks))) {
		lull_neigh_at(n, i)->asking = false;
		solicit(ip, lull_neigh_at(n, i));
	}
}

void lull_ether_output(struct lull_ip *ip, uint32_t from)
{
	struct lull_txq *q = &ip->g->txq;
	uint32_t out = from, tail = q->tail;

	for (; from != tail; from++) {
		struct lull_tx *tx = &q->ring[from & q->mask];
		struct lull_mac mac;

		if (!tx->has_ether) {
			if (lull_neigh_way(ip, tx, &mac) == LULL_NEIGH_TAKEN)
				continue;
			lull_ether_send(ip, tx, mac);
		}
		if (out != from) /* behind one that waits: close the gap */
			q->ring[out & q->mask] = *tx;
		out++;
	}
	q->tail = out;
	solicit_all(ip);
}

/* ---- in ---- */

static void answer_arp(struct lull_ip *ip, const struct lull_arp *in)
{
	const struct lull_arp reply = {
		.sender_ip = in->target_ip,
		.sender_mac = ip->neigh.mac,
		.target_ip = in->sender_ip,
		.target_mac = in->sender_mac,
	};

	send_arp(ip, &reply, in->sender_mac);
}

/* A reply that we asked for; others only tell what is new. */
static bool is_solicited(const struct lull_ip *ip, uint32_t i,
			 const struct lull_arp *arp, bool to_us)
{
	const struct lull_neigh *at = lull_neigh_at(&ip->neigh, i);

	return !arp->request && to_us && at->asked > 0 &&
	       lull_mac_eq(&arp->target_mac, &ip->neigh.mac);
}

static enum lull_drop take_arp(struct lull_ip *ip, const struct lull_arp *arp,
			       bool to_us)
{
	bool for_us = lull_ip_is_own(ip, &arp->target_ip);
	/* RFC 5227 1.1: a probe, from nobody yet. */
	bool probe = lull_addr_is_any(&arp->sender_ip);
	uint32_t i = 0;

	if (!lull_mac_is_station(&arp->sender_mac) ||
	    lull_mac_eq(&arp->sender_mac, &ip->neigh.mac))
		return LULL_DROP_ARP_SENDER;
	if (lull_ip_is_own(ip, &arp->sender_ip))
		return LULL_DROP_ARP_CONFLICT;
	if (!probe) {
		if (lull_ip_is_bad_source(ip, &arp->sender_ip))
			return LULL_DROP_ARP_SENDER;
		i = lull_neigh_find(ip, &arp->sender_ip);
	}
	if (i) {
		const struct lull_neigh_word word = {
			.mac = arp->sender_mac,
			.has_mac = true,
			.solicited = is_solicited(ip, i, arp, to_us && for_us),
			.override = true,
		};

		lull_neigh_answer(ip, i, &word);
	}
	if (!for_us || !arp->request)
		return i ? LULL_DROP_NONE : LULL_DROP_ARP_NOT_OURS;
	if (!i)
		lull_neigh_hear(ip, &arp->sender_ip, arp->sender_mac);
	answer_arp(ip, arp);
	return LULL_DROP_NONE;
}

static void arp_input(struct lull_ip *ip, const struct lull_buf *b, bool to_us)
{
	struct lull_arp arp;
	enum lull_drop why = lull_arp_parse(b->data + b->off, b->len, &arp);

	lull_count(ip->g, LULL_COUNT_ARP_IN_MSGS);
	if (!why)
		why = take_arp(ip, &arp, to_us);
	if (why)
		lull_drop(ip->g, why);
}

bool lull_ether_input(struct lull_ip *ip, uint32_t buf)
{
	struct lull_buf *b = lull_buf_at(&ip->g->bufs, buf);
	struct lull_ether_hdr ether;
	enum lull_drop why = lull_ether_parse(b->data + b->off, b->len, &ether);
	bool to_us = lull_mac_eq(&ether.dst, &ip->neigh.mac);

	if (why != LULL_DROP_ETHER_SHORT) {
		if (!to_us && !(ether.dst.b[0] & 1))
			why = LULL_DROP_ETHER_NOT_OURS;
		else if (lull_mac_eq(&ether.src, &ip->neigh.mac))
			why = LULL_DROP_ETHER_SOURCE; /* our own, come back */
	}
	if (why) {
		lull_drop(ip->g, why);
		return false;
	}
	b->off += LULL_ETHER_HDR;
	b->len -= LULL_ETHER_HDR;
	if (ether.type != LULL_ETHER_ARP)
		return true;
	arp_input(ip, b, to_us);
	return false;
}
