/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nd.c: Neighbor Solicitations and Advertisements (RFC 4861 4.3, 4.4), checked
 * for form as 7.1.1 and 7.1.2 say, but for the checksum.
 *
 * Entry points: lull_nd_parse, lull_nd_emit, lull_nd_group, lull_nd_group_mac.
 */
#include "wire/bytes.h"
#include "wire/wire.h"

enum {
	SOLICIT = 135,
	ADVERT = 136,
	BODY = 24, /* before the options */
	OPTION = 8,
	SOURCE_MAC = 1,
	TARGET_MAC = 2,
	ROUTER = 0x80,
	SOLICITED = 0x40,
	OVERRIDE = 0x20,
	HOPS = 255, /* what a router has passed on has fewer */
};

/* An option of length 0 makes the whole message void (4.6). */
static enum lull_drop options(const uint8_t *p, uint32_t len,
			      struct lull_nd *nd)
{
	uint8_t wanted = nd->advert ? TARGET_MAC : SOURCE_MAC;

	for (uint32_t at = 0; at < len;) {
		uint32_t left = len - at, bytes;

		if (left < OPTION)
			return LULL_DROP_ND_OPTION;
		bytes = p[at + 1] * 8U;
		if (bytes == 0 || bytes > left)
			return LULL_DROP_ND_OPTION;
		if (p[at] == wanted && bytes == OPTION) {
			nd->has_mac = true;
			memcpy(nd->mac.b, p + at + 2, 6);
		}
		at += bytes;
	}
	if (nd->has_mac && !lull_mac_is_station(&nd->mac))
		return LULL_DROP_ND_OPTION;
	return LULL_DROP_NONE;
}

static bool is_node_group(const struct lull_addr *a)
{
	struct lull_addr group;

	lull_nd_group(a, &group);
	return lull_addr_eq(a, &group);
}

enum lull_drop lull_nd_parse(const uint8_t *p, uint32_t len,
			     const struct lull_ip_hdr *ip, struct lull_nd *nd)
{
	enum lull_drop why;

	if (ip->ttl != HOPS)
		return LULL_DROP_ND_HOP_LIMIT;
	if (len < BODY || p[1] != 0)
		return LULL_DROP_ND_HEADER;
	*nd = (struct lull_nd){.advert = p[0] == ADVERT};
	memcpy(nd->target.b, p + 8, 16);
	if (nd->advert) {
		nd->router = p[4] & ROUTER;
		nd->solicited = p[4] & SOLICITED;
		nd->override = p[4] & OVERRIDE;
	}
	if (lull_addr_is_group(&nd->target) || lull_addr_is4(&nd->target))
		return LULL_DROP_ND_HEADER;
	why = options(p + BODY, len - BODY, nd);
	if (why)
		return why;
	if (nd->advert && nd->solicited && lull_addr_is_group(&ip->dst))
		return LULL_DROP_ND_HEADER;
	/* Duplicate address detection: to the node's group, and no option. */
	if (lull_addr_is_any(&ip->src) &&
	    (nd->advert || nd->has_mac || !is_node_group(&ip->dst)))
		return LULL_DROP_ND_HEADER;
	return LULL_DROP_NONE;
}

void lull_nd_emit(struct lull_tx *tx, const struct lull_nd *nd)
{
	uint32_t len = BODY + (nd->has_mac ? OPTION : 0);
	uint8_t *p = lull_tx_front(tx, len);
	uint32_t sum;

	LULL_ASSERT(tx->payload_len == 0);
	memset(p, 0, len);
	p[0] = nd->advert ? ADVERT : SOLICIT;
	p[4] = (uint8_t)((nd->router ? ROUTER : 0) |
			 (nd->solicited ? SOLICITED : 0) |
			 (nd->override ? OVERRIDE : 0));
	memcpy(p + 8, nd->target.b, 16);
	if (nd->has_mac) {
		p[BODY] = nd->advert ? TARGET_MAC : SOURCE_MAC;
		p[BODY + 1] = 1;
		memcpy(p + BODY + 2, nd->mac.b, 6);
	}
	tx->proto = LULL_PROTO_ICMPV6;
	tx->tos = 0;
	tx->ttl = HOPS;
	sum = lull_sum_pseudo(&tx->local, &tx->remote, LULL_PROTO_ICMPV6, len);
	put16(p + 2, ~lull_sum_fold(lull_sum(sum, p, len, 0)));
}

void lull_nd_group(const struct lull_addr *of, struct lull_addr *group)
{
	*group = (struct lull_addr){.b = {0xff, 2, [11] = 1, 0xff, of->b[13],
					  of->b[14], of->b[15]}};
}

void lull_nd_group_mac(const struct lull_addr *group, struct lull_mac *mac)
{
	mac->b[0] = mac->b[1] = 0x33;
	memcpy(mac->b + 2, group->b + 12, 4);
}
