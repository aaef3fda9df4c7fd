/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packet.c: a packet of TCP is read, and made whole again after a change.
 *
 * Entry points: packet_look, packet_option, packet_fix_sums, packet_sum.
 */
#include "packet.h"

/* Eight bytes at a time: the sum does not mind in which order they stand,
 * and every segment of every world is summed here. */
uint32_t packet_sum(uint32_t sum, const uint8_t *p, uint32_t len)
{
	uint64_t wide = 0;
	uint32_t words;

	for (; len >= 8; p += 8, len -= 8) {
		uint64_t v;

		memcpy(&v, p, sizeof v);
		wide += (v >> 32) + (v & UINT32_MAX);
	}
	wide = (wide >> 32) + (wide & UINT32_MAX);
	wide = (wide >> 32) + (wide & UINT32_MAX);
	words = (uint32_t)(wide >> 16) + (uint32_t)(wide & 0xffff);
	words = (words >> 16) + (words & 0xffff);
	words = (words >> 16) + (words & 0xffff);
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		words = (words & 0xff) << 8 | words >> 8;
	sum += words;
	for (; len > 1; p += 2, len -= 2)
		sum += packet_get16(p);
	sum += len ? (uint32_t)*p << 8 : 0;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static uint32_t inverted(uint32_t sum)
{
	return ~sum & 0xffff;
}

/* The pseudo-headers of both families have the same sum: the addresses, which
 * stand together, 6 and the length. */
void packet_fix_sums(const struct view *v)
{
	uint32_t tcp_len = v->len - v->ip_len;
	uint32_t sum = packet_sum(6 + tcp_len, v->addr[0], 2 * v->addr_len);

	if (v->ip_len == PACKET_IP6_HDR) {
		packet_put16(v->ip + 4, tcp_len);
	} else {
		packet_put16(v->ip + 2, v->len);
		packet_put16(v->ip + 10, 0);
		packet_put16(v->ip + 10,
			     inverted(packet_sum(0, v->ip, PACKET_IP4_HDR)));
	}
	packet_put16(v->tcp + 16, 0);
	packet_put16(v->tcp + 16, inverted(packet_sum(sum, v->tcp, tcp_len)));
}

bool packet_holds(const struct view *v)
{
	uint32_t tcp_len = v->len - v->ip_len;
	uint32_t sum = packet_sum(6 + tcp_len, v->addr[0], 2 * v->addr_len);

	if (v->ip_len == PACKET_IP6_HDR
		    ? packet_get16(v->ip + 4) != tcp_len
		    : packet_get16(v->ip + 2) != v->len ||
			      packet_sum(0, v->ip, PACKET_IP4_HDR) != 0xffff)
		return false;
	return packet_sum(sum, v->tcp, tcp_len) == 0xffff;
}

uint8_t *packet_option(const struct view *v, uint8_t kind)
{
	uint8_t *tcp = v->tcp;

	for (uint32_t i = PACKET_TCP_HDR; i < v->tcp_len && tcp[i];) {
		if (tcp[i] == 1) {
			i++;
			continue;
		}
		if (i + 1 >= v->tcp_len || tcp[i + 1] < 2 ||
		    i + tcp[i + 1] > v->tcp_len)
			return NULL;
		if (tcp[i] == kind)
			return tcp + i;
		i += tcp[i + 1];
	}
	return NULL;
}

/* The IP header. false: another protocol, or not well-formed. */
static bool look_ip(struct view *v, uint8_t *packet, uint32_t len)
{
	bool v6 = packet[0] >> 4 == 6;

	v->ip = packet;
	v->len = len;
	v->ip_len = v6 ? PACKET_IP6_HDR : PACKET_IP4_HDR;
	v->addr_len = v6 ? 16 : 4;
	v->addr[0] = packet + (v6 ? 8 : 12);
	v->addr[1] = v->addr[0] + v->addr_len;
	v->tcp = packet + v->ip_len;
	if (len < v->ip_len + PACKET_TCP_HDR)
		return false;
	return v6 ? packet[6] == 6 : packet[0] == 0x45 && packet[9] == 6;
}

bool packet_look(struct view *v, uint8_t *packet, uint32_t len)
{
	uint8_t *ts;

	if (!look_ip(v, packet, len))
		return false;
	v->tcp_len = (uint32_t)(v->tcp[12] >> 4) * 4;
	if (v->tcp_len < PACKET_TCP_HDR || v->ip_len + v->tcp_len > len)
		return false;
	v->text_len = len - v->ip_len - v->tcp_len;
	v->seq = packet_get32(v->tcp + 4);
	v->ack = packet_get32(v->tcp + 8);
	v->wnd = packet_get16(v->tcp + 14);
	v->flags = v->tcp[13];
	v->port[0] = packet_get16(v->tcp);
	v->port[1] = packet_get16(v->tcp + 2);
	ts = packet_option(v, PACKET_OPT_TS);
	v->ts = ts && ts[1] == PACKET_TS_LEN ? ts + 2 : NULL;
	return true;
}
