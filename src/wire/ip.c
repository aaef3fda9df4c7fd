/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ip.c: IPv4 (RFC 791, RFC 1122 3.2.1) and IPv6 (RFC 8200) headers.
 *
 * Source routes are refused, in both versions (RFC 5095; Linux's default).
 * Other IPv4 options are passed over (MUST-50), IPv6 extension headers as
 * RFC 8200 4.2 says, but never more than EXTENSIONS_MAX of them.
 *
 * Entry points: lull_ip_parse, lull_ip_parse_front, lull_ip_parse_quote,
 * lull_ip_has_headers, lull_ip_whole_hdr, lull_ip_make_whole, lull_ip_emit,
 * lull_ip_emit_piece.
 */
#include "wire/bytes.h"
#include "wire/wire.h"

enum {
	IP4_HDR = 20,
	IP6_HDR = 40,
	IP4_DF = 0x4000,
	IP4_MF = 0x2000,
	IP4_OFFSET = 0x1fff,
	IP4_FRAGMENT = IP4_MF | IP4_OFFSET,
	IP6_MF = 1,
	IP6_OFFSET = 0xfff8,
	IP4_END = 0,
	IP4_NOP = 1,
	IP4_LSRR = 131,
	IP4_SSRR = 137,
	IP6_HOP_BY_HOP = 0,
	IP6_ROUTING = 43,
	IP6_FRAGMENT = 44,
	IP6_DESTINATION = 60,
	IP6_PAD1 = 0,
	IP6_PADN = 1,
	IP6_ROUTER_ALERT = 5,
	EXTENSIONS_MAX = 8,
	CODE_FIELD = 0, /* RFC 4443 3.4 */
	CODE_OPTION = 2,
};

static enum lull_drop ip4_options(const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len && p[i] != IP4_END;) {
		if (p[i] == IP4_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= len || p[i + 1] < 2 || p[i + 1] > len - i)
			return LULL_DROP_IP_HEADER;
		if (p[i] == IP4_LSRR || p[i] == IP4_SSRR)
			return LULL_DROP_IP_SOURCE_ROUTE;
		i += p[i + 1];
	}
	return LULL_DROP_NONE;
}

static enum lull_drop ip4_parse(const uint8_t *p, uint32_t have, uint32_t len,
				struct lull_ip_hdr *ip)
{
	if (have < IP4_HDR)
		return LULL_DROP_IP_SHORT;
	ip->hdr_len = (p[0] & 15U) * 4;
	ip->len = get16(p + 2);
	if (ip->hdr_len < IP4_HDR || ip->len < ip->hdr_len)
		return LULL_DROP_IP_HEADER;
	if (ip->len > len || ip->hdr_len > have)
		return LULL_DROP_IP_SHORT;
	if (lull_sum_fold(lull_sum(0, p, ip->hdr_len, 0)) != 0xffff)
		return LULL_DROP_IP_CHECKSUM;
	ip->v6 = false;
	ip->tos = p[1];
	ip->fragment = get16(p + 6) & IP4_FRAGMENT;
	ip->frag_off = (get16(p + 6) & IP4_OFFSET) * 8U;
	ip->frag_more = get16(p + 6) & IP4_MF;
	ip->frag_id = get16(p + 4);
	ip->frag_at = ip->frag_next_at = 6;
	ip->ttl = p[8];
	ip->proto = p[9];
	ip->proto_at = 9;
	lull_addr_map4(&ip->src, p + 12);
	lull_addr_map4(&ip->dst, p + 16);
	return ip4_options(p + IP4_HDR, ip->hdr_len - IP4_HDR);
}

/* Hop-by-hop or destination options: RFC 8200 4.2. `at` is where they begin. */
static enum lull_drop ip6_options(const uint8_t *p, uint32_t at, uint32_t end,
				  struct lull_ip_hdr *ip)
{
	while (at < end) {
		uint8_t type = p[at];

		if (type == IP6_PAD1) {
			at++;
			continue;
		}
		if (end - at < 2 || p[at + 1] > end - at - 2)
			return LULL_DROP_IP_HEADER;
		/* The two highest bits: 00 means pass over what you don't know.
		 */
		if (type != IP6_PADN && type != IP6_ROUTER_ALERT &&
		    (type & 0xc0) != 0) {
			ip->tell = (type & 0xc0) == 0x80 ||
				   ((type & 0xc0) == 0xc0 &&
				    !lull_addr_is_group(&ip->dst));
			ip->tell_code = CODE_OPTION;
			ip->tell_at = at;
			return LULL_DROP_IP_OPTION;
		}
		at += 2U + p[at + 1];
	}
	return LULL_DROP_NONE;
}

/* One extension header, which begins at hdr_len; steps behind it. */
static enum lull_drop ip6_extension(const uint8_t *p, uint32_t have,
				    struct lull_ip_hdr *ip)
{
	uint32_t at = ip->hdr_len, left = lull_min(ip->len, have) - at;
	uint8_t kind = ip->proto;

	if (left < 8)
		return LULL_DROP_IP_SHORT;

	uint32_t bytes = kind == IP6_FRAGMENT ? 8 : (p[at + 1] + 1U) * 8;

	if (bytes > left)
		return LULL_DROP_IP_SHORT;
	if (kind == IP6_FRAGMENT)
		ip->frag_next_at = ip->proto_at;
	ip->proto = p[at];
	ip->proto_at = at;
	ip->hdr_len += bytes;
	switch (kind) {
	case IP6_ROUTING: /* no segments left: as if it weren't there */
		if (!p[at + 3])
			return LULL_DROP_NONE;
		ip->tell = true; /* RFC 8200 4.4 */
		ip->tell_code = CODE_FIELD;
		ip->tell_at = at + 2;
		return LULL_DROP_IP_SOURCE_ROUTE;
	case IP6_FRAGMENT: /* an atomic one is a packet (RFC 6946) */
		ip->frag_off = get16(p + at + 2) & IP6_OFFSET;
		ip->frag_more = get16(p + at + 2) & IP6_MF;
		ip->frag_id = get32(p + at + 4);
		ip->frag_at = at;
		ip->fragment = ip->frag_off || ip->frag_more;
		return LULL_DROP_NONE;
	default:
		return ip6_options(p, at + 2, at + bytes, ip);
	}
}

/* Hop-by-hop stands first or is no header at all (RFC 8200 4). */
static bool ip6_is_extension(uint8_t proto, bool first)
{
	return (proto == IP6_HOP_BY_HOP && first) || proto == IP6_ROUTING ||
	       proto == IP6_FRAGMENT || proto == IP6_DESTINATION;
}

static enum lull_drop ip6_parse(const uint8_t *p, uint32_t have, uint32_t len,
				struct lull_ip_hdr *ip)
{
	enum lull_drop why = LULL_DROP_NONE;

	if (have < IP6_HDR)
		return LULL_DROP_IP_SHORT;
	ip->len = IP6_HDR + get16(p + 4);
	if (ip->len > len)
		return LULL_DROP_IP_SHORT;
	ip->v6 = true;
	ip->fragment = false;
	ip->tell = false;
	ip->tos = (uint8_t)(p[0] << 4 | p[1] >> 4);
	ip->proto = p[6];
	ip->proto_at = 6;
	ip->ttl = p[7];
	ip->hdr_len = IP6_HDR;
	memcpy(ip->src.b, p + 8, 16);
	memcpy(ip->dst.b, p + 24, 16);
	/* Mapped addresses are IPv4's; on the wire they only deceive. */
	if (lull_addr_is4(&ip->src) || lull_addr_is4(&ip->dst))
		return LULL_DROP_IP_SOURCE;
	for (int n = 0; ip6_is_extension(ip->proto, n == 0) && !ip->fragment;
	     n++) {
		if (n == EXTENSIONS_MAX)
			return LULL_DROP_IP_OPTION;
		why = ip6_extension(p, have, ip);
		if (why)
			break;
	}
	return why;
}

enum lull_drop lull_ip_parse_front(const uint8_t *p, uint32_t have,
				   uint32_t len, struct lull_ip_hdr *ip)
{
	if (have < 1)
		return LULL_DROP_IP_SHORT;
	ip->tell = false;
	if (p[0] >> 4 == 4)
		return ip4_parse(p, have, len, ip);
	if (p[0] >> 4 == 6)
		return ip6_parse(p, have, len, ip);
	return LULL_DROP_IP_VERSION;
}

enum lull_drop lull_ip_parse(const uint8_t *p, uint32_t len,
			     struct lull_ip_hdr *ip)
{
	return lull_ip_parse_front(p, len, len, ip);
}

enum lull_drop lull_ip_parse_quote(const uint8_t *p, uint32_t len,
				   struct lull_ip_hdr *ip)
{
	*ip = (struct lull_ip_hdr){.hdr_len = IP6_HDR, .v6 = true};
	if (len >= IP4_HDR && p[0] >> 4 == 4) {
		ip->v6 = false;
		ip->hdr_len = (p[0] & 15U) * 4;
		ip->fragment = get16(p + 6) & IP4_FRAGMENT;
		ip->proto = p[9];
		lull_addr_map4(&ip->src, p + 12);
		lull_addr_map4(&ip->dst, p + 16);
		return ip->hdr_len < IP4_HDR ? LULL_DROP_IP_HEADER
					     : LULL_DROP_NONE;
	}
	if (len < IP6_HDR || p[0] >> 4 != 6)
		return LULL_DROP_IP_SHORT;
	ip->proto = p[6]; /* we send no extension headers */
	memcpy(ip->src.b, p + 8, 16);
	memcpy(ip->dst.b, p + 24, 16);
	if (lull_addr_is4(&ip->src) || lull_addr_is4(&ip->dst))
		return LULL_DROP_IP_SOURCE;
	return LULL_DROP_NONE;
}

/* ---- fragments ---- */

/* Bytes of a transport's header that must be there, at least. */
static uint32_t least_header(uint8_t proto)
{
	switch (proto) {
	case LULL_PROTO_TCP:
		return 20;
	case LULL_PROTO_ICMP:
	case LULL_PROTO_ICMPV6:
	case LULL_PROTO_UDP:
		return 8;
	default:
		return 0;
	}
}

bool lull_ip_has_headers(const uint8_t *p, const struct lull_ip_hdr *ip)
{
	uint32_t at = ip->hdr_len;
	uint8_t proto = ip->proto;

	while (ip->v6 && (proto == IP6_ROUTING || proto == IP6_DESTINATION)) {
		if (at + 2 > ip->len)
			return false;
		proto = p[at];
		at += (p[at + 1] + 1U) * 8;
	}
	return at + least_header(proto) <= ip->len;
}

uint32_t lull_ip_whole_hdr(const struct lull_ip_hdr *first)
{
	return first->v6 ? first->frag_at : first->hdr_len;
}

void lull_ip_make_whole(uint8_t *p, const struct lull_ip_hdr *first,
			uint32_t len, bool ce)
{
	if (first->v6) {
		put16(p + 4, len - IP6_HDR);
		p[first->frag_next_at] = first->proto;
		p[1] |= ce ? 0x30 : 0;
		return;
	}
	put16(p + 2, len);
	put16(p + 6, 0);
	p[1] |= ce ? 3 : 0;
	put16(p + 10, 0);
	put16(p + 10, ~lull_sum_fold(lull_sum(0, p, first->hdr_len, 0)));
}

/* ---- out ---- */

static void ip4_emit(struct lull_tx *tx, uint32_t len, uint16_t id,
		     uint16_t frag)
{
	uint8_t *p = lull_tx_front(tx, IP4_HDR);
	struct words w = {.at = p};

	put_word(&w, 0x45U << 24 | (uint32_t)tx->tos << 16 | (len + IP4_HDR));
	put_word(&w, (uint32_t)id << 16 | frag);
	put_word(&w, (uint32_t)tx->ttl << 24 | (uint32_t)tx->proto << 16);
	put_word(&w, get32(tx->local.b + 12));
	put_word(&w, get32(tx->remote.b + 12));
	put16(p + 10, ~lull_sum_fold(w.sum));
}

static void ip6_emit(struct lull_tx *tx, uint32_t len)
{
	uint8_t *p = lull_tx_front(tx, IP6_HDR);

	put32(p, 6U << 28 | (uint32_t)tx->tos << 20);
	put16(p + 4, len);
	p[6] = tx->proto;
	p[7] = tx->ttl;
	memcpy(p + 8, tx->local.b, 16);
	memcpy(p + 24, tx->remote.b, 16);
}

void lull_ip_emit(struct lull_tx *tx, uint16_t id)
{
	uint32_t len = LULL_TX_HDR - tx->hdr_off + tx->payload_len;

	LULL_ASSERT(!tx->has_ip);
	tx->has_ip = true;
	/* DF: path MTU is discovered (RFC 7323 5.7). */
	if (lull_addr_is4(&tx->remote))
		ip4_emit(tx, len, id, IP4_DF);
	else
		ip6_emit(tx, len);
}

void lull_ip_emit_piece(struct lull_tx *tx, struct lull_ip_piece piece)
{
	uint32_t len = LULL_TX_HDR - tx->hdr_off + tx->payload_len;

	LULL_ASSERT(!tx->has_ip && piece.off % 8 == 0);
	LULL_ASSERT(!piece.more || len % 8 == 0);
	tx->has_ip = true;
	if (lull_addr_is4(&tx->remote)) {
		ip4_emit(tx, len, (uint16_t)piece.id,
			 (uint16_t)((piece.more ? IP4_MF : 0) | piece.off / 8));
	} else {
		uint8_t *p = lull_tx_front(tx, LULL_IP6_FRAGMENT_HDR);

		p[0] = tx->proto;
		p[1] = 0;
		put16(p + 2, piece.off | (piece.more ? IP6_MF : 0));
		put32(p + 4, piece.id);
		tx->proto = IP6_FRAGMENT;
		ip6_emit(tx, len + LULL_IP6_FRAGMENT_HDR);
	}
}
