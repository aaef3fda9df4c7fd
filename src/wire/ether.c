/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ether.c: Ethernet II frames (RFC 894, RFC 2464) and ARP (RFC 826).
 *
 * No 802.1Q and no 802.3 length: nobody here would know what to do with them.
 * A link that needs frames of 60 bytes fills them up itself.
 *
 * Entry points: lull_ether_parse, lull_ether_emit, lull_arp_parse,
 * lull_arp_emit.
 */
#include "wire/bytes.h"
#include "wire/wire.h"

enum {
	TYPE_VLAN = 0x8100,    /* 802.1Q */
	TYPE_SERVICE = 0x88a8, /* 802.1ad */
	IP6_HDR = 40,
	IP6_DST = 24,
	ARP_LEN = 28,
	ARP_HTYPE = 1, /* Ethernet */
	ARP_REQUEST = 1,
	ARP_REPLY = 2,
};

/* RFC 1122 3.3.6: what comes for a group is for a group's address, too. */
static enum lull_drop fits(const struct lull_ether_hdr *ether, const uint8_t *p,
			   uint32_t len)
{
	bool group = ether->dst.b[0] & 1;

	switch (ether->type) {
	case LULL_ETHER_ARP:
		return LULL_DROP_NONE;
	case LULL_ETHER_IP4:
		if (len < 1 || p[0] >> 4 != 4)
			return LULL_DROP_IP_VERSION;
		return group ? LULL_DROP_ETHER_GROUP : LULL_DROP_NONE;
	case LULL_ETHER_IP6:
		if (len < IP6_HDR || p[0] >> 4 != 6)
			return LULL_DROP_IP_VERSION;
		/* The other way round is allowed (RFC 6085). */
		return group && p[IP6_DST] != 0xff ? LULL_DROP_ETHER_GROUP
						   : LULL_DROP_NONE;
	case TYPE_VLAN:
	case TYPE_SERVICE:
		return LULL_DROP_ETHER_VLAN;
	default:
		return LULL_DROP_ETHER_TYPE;
	}
}

enum lull_drop lull_ether_parse(const uint8_t *p, uint32_t len,
				struct lull_ether_hdr *ether)
{
	if (len < LULL_ETHER_HDR)
		return LULL_DROP_ETHER_SHORT;
	memcpy(ether->dst.b, p, 6);
	memcpy(ether->src.b, p + 6, 6);
	ether->type = get16(p + 12);
	if (!lull_mac_is_station(&ether->src))
		return LULL_DROP_ETHER_SOURCE;
	return fits(ether, p + LULL_ETHER_HDR, len - LULL_ETHER_HDR);
}

void lull_ether_emit(struct lull_tx *tx, const struct lull_ether_hdr *ether)
{
	uint8_t *p = lull_tx_front(tx, LULL_ETHER_HDR);

	LULL_ASSERT(!tx->has_ether);
	tx->has_ether = true;
	memcpy(p, ether->dst.b, 6);
	memcpy(p + 6, ether->src.b, 6);
	put16(p + 12, ether->type);
}

enum lull_drop lull_arp_parse(const uint8_t *p, uint32_t len,
			      struct lull_arp *arp)
{
	if (len < ARP_LEN)
		return LULL_DROP_ARP_HEADER;
	if (get16(p) != ARP_HTYPE || get16(p + 2) != LULL_ETHER_IP4 ||
	    p[4] != 6 || p[5] != 4)
		return LULL_DROP_ARP_HEADER;
	if (get16(p + 6) != ARP_REQUEST && get16(p + 6) != ARP_REPLY)
		return LULL_DROP_ARP_HEADER;
	arp->request = get16(p + 6) == ARP_REQUEST;
	memcpy(arp->sender_mac.b, p + 8, 6);
	lull_addr_map4(&arp->sender_ip, p + 14);
	memcpy(arp->target_mac.b, p + 18, 6);
	lull_addr_map4(&arp->target_ip, p + 24);
	return LULL_DROP_NONE;
}

void lull_arp_emit(struct lull_tx *tx, const struct lull_arp *arp)
{
	uint8_t *p = lull_tx_front(tx, ARP_LEN);

	put16(p, ARP_HTYPE);
	put16(p + 2, LULL_ETHER_IP4);
	p[4] = 6;
	p[5] = 4;
	put16(p + 6, arp->request ? ARP_REQUEST : ARP_REPLY);
	memcpy(p + 8, arp->sender_mac.b, 6);
	memcpy(p + 14, arp->sender_ip.b + 12, 4);
	memcpy(p + 18, arp->target_mac.b, 6);
	memcpy(p + 24, arp->target_ip.b + 12, 4);
	tx->has_ip = true; /* it has none, and needs none */
}
