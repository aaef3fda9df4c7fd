/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packet.h: a packet of TCP as those see it who stand between two stacks.
 *
 * IPv4 without options, IPv6 without extension headers.
 */
#ifndef LULL_PACKET_H
#define LULL_PACKET_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum tcp_flags {
	FIN = 1,
	SYN = 2,
	RST = 4,
	PSH = 8,
	ACK = 16,
	URG = 32,
};

enum {
	PACKET_IP4_HDR = 20,
	PACKET_IP6_HDR = 40,
	PACKET_TCP_HDR = 20,
	PACKET_OPT_WSCALE = 3,
	PACKET_OPT_SACK_OK = 4,
	PACKET_OPT_SACK = 5,
	PACKET_OPT_TS = 8,
	PACKET_TS_LEN = 10,
};

/* Its fields are in host order. */
struct view {
	uint8_t *ip, *tcp, *ts; /* ts: TSval and TSecr, or NULL */
	uint8_t *addr[2];	/* source, destination */
	uint32_t port[2];
	uint32_t len, ip_len, addr_len, text_len;
	uint32_t tcp_len; /* of its header */
	uint32_t seq, ack, wnd;
	uint8_t flags; /* of enum tcp_flags, and others */
};

static inline uint32_t packet_get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t packet_get32(const uint8_t *p)
{
	return packet_get16(p) << 16 | packet_get16(p + 2);
}

static inline void packet_put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void packet_put32(uint8_t *p, uint32_t v)
{
	packet_put16(p, v >> 16);
	packet_put16(p + 2, v);
}

/* The sum of RFC 1071, folded and not inverted; `sum` comes from before. */
uint32_t packet_sum(uint32_t sum, const uint8_t *p, uint32_t len);
/* false: no TCP, or not well-formed. Checksums are not looked at. */
bool packet_look(struct view *v, uint8_t *packet, uint32_t len);
/* Are its lengths and checksums right? */
bool packet_holds(const struct view *v);
/* Lengths and checksums, as its fields are now. */
void packet_fix_sums(const struct view *v);
/* The option of this kind, from its kind byte on, whole; NULL: none. */
uint8_t *packet_option(const struct view *v, uint8_t kind);

#endif
