/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * output.c: our own addresses, and headers for what leaves.
 *
 * Entry points: lull_ip_init, lull_ip_own_add, lull_ip_is_own, lull_ip_source,
 * lull_ip_output.
 */
#include "ip/ip.h"

void lull_ip_init(struct lull_ip *ip, struct lull_ground *g,
		  const struct lull_reass_memory *m)
{
	*ip = (struct lull_ip){
		.g = g,
		.icmp_tokens = (uint32_t)g->knobs.icmp_msgs_burst,
		.icmp_ms = g->now_ms,
	};
	lull_reass_init(&ip->reass, m);
}

int lull_ip_own_add(struct lull_ip *ip, struct lull_prefix prefix, bool whole)
{
	if (prefix.bits > 128 || lull_addr_is_group(&prefix.addr) ||
	    lull_addr_is_any(&prefix.addr))
		return -EINVAL;
	if (ip->own_len == LULL_OWN_MAX)
		return -ENOSPC;
	ip->own[ip->own_len].prefix = prefix;
	ip->own[ip->own_len].whole = whole;
	ip->own_len++;
	ip->neigh.last = 0; /* another way, perhaps */
	return 0;
}

bool lull_ip_is_own(const struct lull_ip *ip, const struct lull_addr *a)
{
	for (uint32_t i = 0; i < ip->own_len; i++) {
		const struct lull_prefix *p = &ip->own[i].prefix;

		if (lull_addr_eq(&p->addr, a))
			return true;
		if (ip->own[i].whole && lull_prefix_covers(p, a))
			return true;
	}
	return false;
}

bool lull_ip_source(const struct lull_ip *ip, const struct lull_addr *remote,
		    struct lull_addr *local)
{
	bool found = false;

	if (!lull_ip_has_way(ip, remote))
		return false;
	for (uint32_t i = 0; i < ip->own_len; i++) {
		const struct lull_prefix *p = &ip->own[i].prefix;

		if (lull_addr_is4(&p->addr) != lull_addr_is4(remote))
			continue;
		if (!found || lull_prefix_covers(p, remote))
			*local = p->addr;
		if (lull_prefix_covers(p, remote))
			return true;
		found = true;
	}
	return found;
}

void lull_ip_output(struct lull_ip *ip, uint32_t from)
{
	struct lull_txq *q = &ip->g->txq;

	if (ip->g->link_hdr) {
		lull_ether_output(ip, from);
		return;
	}
	for (; from != q->tail; from++) {
		struct lull_tx *tx = &q->ring[from & q->mask];

		/* Never fragmented on its way, so any id will do (RFC 6864). */
		if (!tx->has_ip)
			lull_ip_emit(tx, 0);
		lull_count_n(ip->g, LULL_COUNT_IP_OUT_REQUESTS,
			     lull_tx_segs(tx));
	}
}
