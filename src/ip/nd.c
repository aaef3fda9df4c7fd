/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nd.c: Neighbor Discovery (RFC 4861): who asks for us is answered and
 * remembered, who answers is believed as far as 7.2.5 says.
 *
 * Routers are configured: advertisements and redirects are counted and not
 * obeyed. Our addresses are configured, too: duplicate address detection is
 * answered (RFC 4862 5.4.3), and not done.
 *
 * Entry points: lull_nd_is_for_us, lull_nd_input, lull_nd_solicit.
 */
#include "ip/ip.h"

static const struct lull_addr all_nodes = {.b = {0xff, 2, [15] = 1}};

/* Where the frame came from: a frame lies at its buffer's beginning. */
static struct lull_mac source_mac(const struct lull_buf *b)
{
	struct lull_mac mac;

	memcpy(mac.b, b->data + sizeof mac, sizeof mac);
	return mac;
}

/* The group of all nodes, or one of a node with such an address as ours. */
bool lull_nd_is_for_us(const struct lull_ip *ip, const struct lull_ip_hdr *hdr)
{
	if (hdr->proto != LULL_PROTO_ICMPV6 || hdr->fragment)
		return false; /* RFC 6980: never in fragments */
	if (lull_addr_eq(&hdr->dst, &all_nodes))
		return true;
	for (uint32_t i = 0; i < ip->own_len; i++) {
		const struct lull_addr *own = &ip->own[i].prefix.addr;
		struct lull_addr group;

		lull_nd_group(own, &group);
		if (!lull_addr_is4(own) && lull_addr_eq(&group, &hdr->dst))
			return true;
		/* Any group may be one's of so many addresses. */
		if (ip->own[i].whole && !lull_addr_is4(own) &&
		    memcmp(&group, &hdr->dst, 13) == 0)
			return true;
	}
	return false;
}

static struct lull_tx *begin(struct lull_ip *ip, const struct lull_addr *local,
			     const struct lull_addr *remote)
{
	struct lull_tx *tx = lull_txq_new(&ip->g->txq);

	if (!tx) {
		lull_drop(ip->g, LULL_DROP_TX_FULL);
		return NULL;
	}
	tx->local = *local;
	tx->remote = *remote;
	return tx;
}

static void finish(struct lull_ip *ip, struct lull_tx *tx,
		   const struct lull_nd *nd, struct lull_mac dst)
{
	lull_nd_emit(tx, nd);
	lull_ether_send(ip, tx, dst);
	lull_txq_push(&ip->g->txq);
	lull_count(ip->g, LULL_COUNT_ICMP_OUT_MSGS);
	lull_count(ip->g, nd->advert ? LULL_COUNT_ND_OUT_ADVERTS
				     : LULL_COUNT_ND_OUT_SOLICITS);
}

void lull_nd_solicit(struct lull_ip *ip, const struct lull_neigh *at,
		     const struct lull_addr *source)
{
	const struct lull_nd nd = {
		.target = at->addr, .has_mac = true, .mac = ip->neigh.mac};
	struct lull_addr to = at->addr;
	struct lull_mac mac = at->mac;
	struct lull_tx *tx;

	if (at->state != LULL_NEIGH_PROBE) {
		lull_nd_group(&at->addr, &to);
		lull_nd_group_mac(&to, &mac);
	}
	tx = begin(ip, source, &to);
	if (tx)
		finish(ip, tx, &nd, mac);
}

/* 7.2.4. Who looks for a duplicate has no address to answer to. */
static void answer(struct lull_ip *ip, const struct lull_addr *to,
		   struct lull_mac mac, const struct lull_nd *in)
{
	const struct lull_nd nd = {
		.target = in->target,
		.advert = true,
		.solicited = !lull_addr_is_any(to),
		.override = true,
		.has_mac = true,
		.mac = ip->neigh.mac,
	};
	struct lull_tx *tx;

	if (nd.solicited) {
		tx = begin(ip, &in->target, to);
	} else {
		tx = begin(ip, &in->target, &all_nodes);
		lull_nd_group_mac(&all_nodes, &mac);
	}
	if (tx)
		finish(ip, tx, &nd, mac);
}

/* 7.2.3 */
static enum lull_drop solicited(struct lull_ip *ip, const struct lull_buf *b,
				const struct lull_ip_hdr *hdr,
				const struct lull_nd *nd)
{
	bool detection = lull_addr_is_any(&hdr->src);
	struct lull_mac mac = nd->has_mac ? nd->mac : source_mac(b);

	lull_count(ip->g, LULL_COUNT_ND_IN_SOLICITS);
	if (!lull_ip_is_own(ip, &nd->target))
		return LULL_DROP_ND_NOT_OURS;
	if (lull_ip_is_own(ip, &hdr->src))
		return LULL_DROP_ND_CONFLICT;
	if (!detection && (lull_ip_is_bad_source(ip, &hdr->src) ||
			   lull_mac_eq(&mac, &ip->neigh.mac)))
		return LULL_DROP_ND_SOURCE;
	if (nd->has_mac)
		lull_neigh_hear(ip, &hdr->src, nd->mac);
	answer(ip, &hdr->src, mac, nd);
	return LULL_DROP_NONE;
}

/* 7.2.5 */
static enum lull_drop advertised(struct lull_ip *ip, const struct lull_nd *nd)
{
	const struct lull_neigh_word word = {
		.mac = nd->mac,
		.has_mac = nd->has_mac,
		.solicited = nd->solicited,
		.override = nd->override,
	};
	uint32_t i;

	lull_count(ip->g, LULL_COUNT_ND_IN_ADVERTS);
	if (lull_ip_is_own(ip, &nd->target))
		return LULL_DROP_ND_CONFLICT;
	if (nd->has_mac && lull_mac_eq(&nd->mac, &ip->neigh.mac))
		return LULL_DROP_ND_SOURCE;
	i = lull_neigh_find(ip, &nd->target);
	if (!i)
		return LULL_DROP_ND_UNKNOWN;
	lull_neigh_answer(ip, i, &word);
	return LULL_DROP_NONE;
}

enum lull_drop lull_nd_input(struct lull_ip *ip, uint32_t buf,
			     const struct lull_ip_hdr *hdr)
{
	const struct lull_buf *b = lull_buf_at(&ip->g->bufs, buf);
	struct lull_nd nd;
	enum lull_drop why = lull_nd_parse(b->data + b->off, b->len, hdr, &nd);

	if (why)
		return why;
	return nd.advert ? advertised(ip, &nd) : solicited(ip, b, hdr, &nd);
}
