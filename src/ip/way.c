/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * way.c: the next hop of a packet: on-link by one of our own prefixes, or the
 * gateway of its family; and what becomes of it when that is not known.
 *
 * Entry points: lull_ip_on_link, lull_ip_gateway_set, lull_ip_has_way,
 * lull_neigh_way, lull_neigh_error.
 */
#include "ip/ip.h"

enum {
	NET_UNREACHABLE = 0, /* RFC 792, and RFC 4443 3.1 */
	HOST_UNREACHABLE = 1,
	ADDRESS_UNREACHABLE6 = 3,
};

static bool is_link_local(const struct lull_addr *a)
{
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool lull_ip_on_link(const struct lull_ip *ip, const struct lull_addr *a)
{
	if (lull_addr_is_group(a) || lull_addr_is_any(a))
		return false;
	if (is_link_local(a))
		return true;
	for (uint32_t i = 0; i < ip->own_len; i++) {
		const struct lull_prefix *p = &ip->own[i].prefix;

		if (lull_addr_is4(&p->addr) == lull_addr_is4(a) &&
		    lull_prefix_covers(p, a))
			return !lull_ip_is_broadcast(ip, a);
	}
	return false;
}

int lull_ip_gateway_set(struct lull_ip *ip, const struct lull_addr *gateway)
{
	if (!ip->g->link_hdr || !lull_ip_on_link(ip, gateway) ||
	    lull_ip_is_own(ip, gateway))
		return -EINVAL;
	ip->neigh.gateway[!lull_addr_is4(gateway)] = *gateway;
	ip->neigh.last = 0;
	return 0;
}

/* NULL: there is none. */
static const struct lull_addr *next_hop(const struct lull_ip *ip,
					const struct lull_addr *remote)
{
	const struct lull_addr *gateway =
		&ip->neigh.gateway[!lull_addr_is4(remote)];

	if (lull_ip_on_link(ip, remote))
		return remote;
	return lull_addr_is_any(gateway) || lull_addr_is_group(remote)
		       ? NULL
		       : gateway;
}

bool lull_ip_has_way(const struct lull_ip *ip, const struct lull_addr *remote)
{
	return !ip->g->link_hdr || next_hop(ip, remote) != NULL;
}

/* 0: none is possible. Remembers it: most packets have the last one's way. */
static uint32_t neighbour_of(struct lull_ip *ip, const struct lull_addr *hop,
			     const struct lull_addr *remote)
{
	struct lull_neighs *n = &ip->neigh;
	uint32_t i = lull_neigh_find(ip, hop);

	if (!i)
		i = lull_neigh_make(ip, hop, LULL_NEIGH_INCOMPLETE);
	n->last = i;
	n->last_remote = *remote;
	return i;
}

/* RFC 4861 7.3.1: something that we sent has arrived there. */
static void confirm(struct lull_ip *ip, uint32_t i)
{
	struct lull_neigh *at = lull_neigh_at(&ip->neigh, i);

	switch ((enum lull_neigh_state)at->state) {
	case LULL_NEIGH_REACHABLE:
		at->confirmed_ms = (uint32_t)ip->g->now_ms;
		return;
	case LULL_NEIGH_STALE:
	case LULL_NEIGH_DELAY:
	case LULL_NEIGH_PROBE:
		lull_neigh_enter(ip, i, LULL_NEIGH_REACHABLE);
		return;
	case LULL_NEIGH_INCOMPLETE:
	case LULL_NEIGH_FAILED:
		return;
	}
}

enum lull_neigh_way lull_neigh_way(struct lull_ip *ip, struct lull_tx *tx,
				   struct lull_mac *mac)
{
	struct lull_neighs *n = &ip->neigh;
	uint32_t i = n->last;
	struct lull_neigh *at;

	if (!i || !lull_addr_eq(&n->last_remote, &tx->remote)) {
		const struct lull_addr *hop = next_hop(ip, &tx->remote);

		i = hop ? neighbour_of(ip, hop, &tx->remote) : 0;
		if (!i) {
			lull_neigh_refuse(ip, tx, !hop);
			return LULL_NEIGH_TAKEN;
		}
	}
	at = lull_neigh_at(n, i);
	if (tx->confirm)
		confirm(ip, i);
	switch ((enum lull_neigh_state)at->state) {
	case LULL_NEIGH_INCOMPLETE:
		lull_neigh_wait(ip, i, tx);
		return LULL_NEIGH_TAKEN;
	case LULL_NEIGH_FAILED:
		lull_neigh_refuse(ip, tx, false);
		return LULL_NEIGH_TAKEN;
	case LULL_NEIGH_STALE:
		lull_neigh_enter(ip, i, LULL_NEIGH_DELAY);
		break;
	case LULL_NEIGH_REACHABLE:
	case LULL_NEIGH_DELAY:
	case LULL_NEIGH_PROBE:
		break;
	}
	*mac = at->mac;
	return LULL_NEIGH_GO;
}

static void read_error(const struct lull_waiting *w,
		       struct lull_icmp_error *error)
{
	const struct lull_tx *tx = &w->tx;
	bool v6 = !lull_addr_is4(&tx->remote);
	uint8_t none = v6 ? ADDRESS_UNREACHABLE6 : HOST_UNREACHABLE;
	uint32_t seq;

	*error = (struct lull_icmp_error){
		.tuple = {.local = tx->local, .remote = tx->remote},
		.icmp = {.kind = LULL_ICMP_UNREACHABLE,
			 .code = w->no_route ? NET_UNREACHABLE : none},
		.v6 = v6,
		.found_out = true,
	};
	LULL_ASSERT(!tx->has_ip); /* TCP's header stands in front */
	lull_tcp_peek(tx->hdr + tx->hdr_off, &error->tuple.lport,
		      &error->tuple.rport, &seq);
	error->seq = lull_seq(seq);
}

bool lull_neigh_error(struct lull_ip *ip, struct lull_icmp_error *error)
{
	struct lull_neighs *n = &ip->neigh;
	bool found = false;

	while (n->dead.len > 0 && !found) {
		uint32_t i = lull_list_pop(&n->dead);
		struct lull_waiting *w =
			(struct lull_waiting *)lull_slab_at(&n->waiting, i);

		found = w->tx.proto == LULL_PROTO_TCP;
		if (found)
			read_error(w, error);
		lull_tx_drop(&w->tx, &ip->g->bufs);
		lull_slab_put(&n->waiting, i);
	}
	return found;
}
