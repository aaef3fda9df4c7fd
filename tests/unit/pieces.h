/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pieces.h: packets in fragments, for the tests of reassembly.
 */
#ifndef LULL_PIECES_H
#define LULL_PIECES_H

#include "rig.h"

enum {
	PIECES_ICMP = 1,
	PIECES_TCP = 6,
	PIECES_FRAGMENT = 44,
	PIECES_ICMPV6 = 58,
};

struct piece {
	uint32_t off, len; /* bytes of the payload */
	bool more;
	uint32_t id;
	uint8_t tos;
};

/* The payload of a packet: `len` bytes of protocol `proto`. */
struct payload {
	uint8_t bytes[65536];
	uint32_t len;
	uint8_t proto;
};

/* An echo request with `len` bytes of the pattern. */
static inline void payload_echo(const struct rig *r, uint32_t len,
				struct payload *p)
{
	memset(p->bytes, 0, 8);
	p->bytes[0] = r->config.v6 ? 128 : 8;
	p->bytes[5] = 0x34;
	for (uint32_t i = 0; i < len; i++)
		p->bytes[8 + i] = rig_byte(i);
	p->len = 8 + len;
	p->proto = r->config.v6 ? PIECES_ICMPV6 : PIECES_ICMP;
	rig_icmp_sum(r, p->bytes, p->len);
}

static inline void piece_sum4(uint8_t *ip)
{
	uint32_t sum = 0;

	ip[10] = ip[11] = 0;
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

/* One fragment, built into `out` from `bytes`; returns its length. */
static inline uint32_t piece_build(const struct rig *r, uint8_t proto,
				   const uint8_t *bytes, struct piece f,
				   uint8_t *out)
{
	uint8_t payload[8 + 65536];
	uint32_t n;

	if (r->config.v6) {
		uint32_t field = f.off | f.more;

		memset(payload, 0, 8);
		payload[0] = proto;
		payload[2] = (uint8_t)(field >> 8);
		payload[3] = (uint8_t)field;
		payload[6] = (uint8_t)(f.id >> 8);
		payload[7] = (uint8_t)f.id;
		memcpy(payload + 8, bytes, f.len);
		n = rig_ip(r, PIECES_FRAGMENT, payload, 8 + f.len, out);
		out[0] = (uint8_t)(0x60 | f.tos >> 4);
		out[1] = (uint8_t)(f.tos << 4);
		return n;
	}
	n = rig_ip(r, proto, bytes, f.len, out);
	out[1] = f.tos;
	out[4] = (uint8_t)(f.id >> 8);
	out[5] = (uint8_t)f.id;
	out[6] = (uint8_t)((f.more ? 0x20 : 0) | f.off >> 11);
	out[7] = (uint8_t)(f.off >> 3);
	piece_sum4(out);
	return n;
}

/* One fragment of a packet arrives. */
static inline void piece_put(struct rig *r, const struct payload *p,
			     struct piece f)
{
	static uint8_t packet[65536 + 128];

	rig_packet(r, packet,
		   piece_build(r, p->proto, p->bytes + f.off, f, packet));
}

/* All of it, in order, in pieces of `size` bytes. */
static inline void pieces_put(struct rig *r, const struct payload *p,
			      uint32_t size, uint32_t id)
{
	for (uint32_t off = 0; off < p->len; off += size)
		piece_put(r, p,
			  (struct piece){.off = off,
					 .len = lull_min(size, p->len - off),
					 .more = off + size < p->len,
					 .id = id});
}

#endif
