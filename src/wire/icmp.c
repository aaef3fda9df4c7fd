/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * icmp.c: ICMP (RFC 792) and ICMPv6 (RFC 4443) messages.
 *
 * Entry points: lull_icmp_parse, lull_icmp_is_query, lull_icmp_echo,
 * lull_icmp_emit.
 */
#include "wire/bytes.h"
#include "wire/wire.h"

enum {
	ICMP_HDR = 8,
	ICMP4_ECHO_REPLY = 0,
	ICMP4_UNREACHABLE = 3,
	ICMP4_QUENCH = 4,
	ICMP4_ECHO = 8,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP4_PARAMETER = 12,
	ICMP4_CODE_TOO_BIG = 4,
	ICMP6_UNREACHABLE = 1,
	ICMP6_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAMETER = 4,
	ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_ROUTER_SOLICIT = 133,
	ICMP6_ROUTER_ADVERT = 134,
	ICMP6_NEIGHBOUR_SOLICIT = 135,
	ICMP6_NEIGHBOUR_ADVERT = 136,
	ICMP6_REDIRECT = 137,
};

static enum lull_icmp_kind kind4(uint8_t type, uint8_t code)
{
	switch (type) {
	case ICMP4_ECHO:
		return LULL_ICMP_ECHO;
	case ICMP4_UNREACHABLE:
		return code == ICMP4_CODE_TOO_BIG ? LULL_ICMP_TOO_BIG
						  : LULL_ICMP_UNREACHABLE;
	case ICMP4_QUENCH:
		return LULL_ICMP_QUENCH;
	case ICMP4_TIME_EXCEEDED:
		return LULL_ICMP_TIME_EXCEEDED;
	case ICMP4_PARAMETER:
		return LULL_ICMP_PARAMETER;
	default:
		return LULL_ICMP_OTHER;
	}
}

static enum lull_icmp_kind kind6(uint8_t type)
{
	switch (type) {
	case ICMP6_ECHO:
		return LULL_ICMP_ECHO;
	case ICMP6_UNREACHABLE:
		return LULL_ICMP_UNREACHABLE;
	case ICMP6_TOO_BIG:
		return LULL_ICMP_TOO_BIG;
	case ICMP6_TIME_EXCEEDED:
		return LULL_ICMP_TIME_EXCEEDED;
	case ICMP6_PARAMETER:
		return LULL_ICMP_PARAMETER;
	case ICMP6_ROUTER_SOLICIT:
	case ICMP6_ROUTER_ADVERT:
		return LULL_ICMP_ROUTER;
	case ICMP6_NEIGHBOUR_SOLICIT:
	case ICMP6_NEIGHBOUR_ADVERT:
		return LULL_ICMP_NEIGHBOUR;
	case ICMP6_REDIRECT:
		return LULL_ICMP_REDIRECT;
	default:
		return LULL_ICMP_OTHER;
	}
}

enum lull_drop lull_icmp_parse(const uint8_t *p, uint32_t len, bool v6,
			       struct lull_icmp *icmp)
{
	if (len < ICMP_HDR)
		return LULL_DROP_ICMP_SHORT;
	icmp->kind = v6 ? kind6(p[0]) : kind4(p[0], p[1]);
	icmp->code = p[1];
	icmp->quote = ICMP_HDR;
	icmp->mtu = v6 ? get32(p + 4) : get16(p + 6);
	return LULL_DROP_NONE;
}

bool lull_icmp_is_query(uint8_t type, bool v6)
{
	if (v6)
		return type >= ICMP6_ECHO;
	return kind4(type, 0) == LULL_ICMP_ECHO || type == ICMP4_ECHO_REPLY;
}

/* Finish the eight bytes at p, which stand before the payload. */
static void finish(struct lull_tx *tx, uint8_t *p, const struct lull_bufs *bufs)
{
	bool v6 = !lull_addr_is4(&tx->remote);
	uint32_t sum = 0;

	tx->proto = v6 ? LULL_PROTO_ICMPV6 : LULL_PROTO_ICMP;
	if (v6)
		sum = lull_sum_pseudo(&tx->local, &tx->remote,
				      LULL_PROTO_ICMPV6,
				      ICMP_HDR + tx->payload_len);
	put16(p + 2, 0);
	sum = lull_sum(sum, p, ICMP_HDR, 0) + lull_sum_tx(tx, bufs);
	put16(p + 2, ~lull_sum_fold(sum));
}

void lull_icmp_echo(struct lull_tx *tx, const uint8_t *request,
		    const struct lull_bufs *bufs, bool v6)
{
	uint8_t *p = lull_tx_front(tx, ICMP_HDR);

	memcpy(p, request, ICMP_HDR); /* identifier and number come back */
	p[0] = v6 ? ICMP6_ECHO_REPLY : ICMP4_ECHO_REPLY;
	p[1] = 0;
	finish(tx, p, bufs);
}

void lull_icmp_emit(struct lull_tx *tx, enum lull_icmp_kind kind, uint8_t code,
		    uint32_t pointer, const struct lull_bufs *bufs)
{
	uint8_t *p = lull_tx_front(tx, ICMP_HDR);
	bool v6 = !lull_addr_is4(&tx->remote);

	LULL_ASSERT(kind == LULL_ICMP_UNREACHABLE ||
		    kind == LULL_ICMP_TIME_EXCEEDED ||
		    kind == LULL_ICMP_PARAMETER);
	put32(p + 4, v6 ? pointer : pointer << 24); /* RFC 792: one byte */
	if (kind == LULL_ICMP_UNREACHABLE)
		p[0] = v6 ? ICMP6_UNREACHABLE : ICMP4_UNREACHABLE;
	else if (kind == LULL_ICMP_TIME_EXCEEDED)
		p[0] = v6 ? ICMP6_TIME_EXCEEDED : ICMP4_TIME_EXCEEDED;
	else
		p[0] = v6 ? ICMP6_PARAMETER : ICMP4_PARAMETER;
	p[1] = code;
	finish(tx, p, bufs);
}
