/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire.h: segments as bytes and back, for the peer that a script plays. It is
 * not the core's own code, so that no mistake of that is made twice.
 *
 *	us    10.9.3.2, or fd00:9:3::2       the shard
 *	peer  10.9.3.1, or fd00:9:3::1       the script
 */
#ifndef SCRIPT_WIRE_H
#define SCRIPT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lull/lull.h>

enum {
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_PSH = 8,
	TCP_ACK = 16,
	TCP_URG = 32,
	TCP_ECE = 64,
	TCP_CWR = 128,
	WIRE_TEXT_MAX = 1500,
	WIRE_PACKET_MAX = 1700,
	WIRE_SACKS = 4,
};

struct segment {
	uint8_t flags;
	uint16_t from, to; /* ports */
	uint32_t seq, ack;
	uint16_t win, urg; /* as on the wire */
	bool has_mss, has_wscale, has_sackok, has_ts;
	uint16_t mss;
	uint8_t wscale;
	uint32_t tsval, tsecr;
	uint32_t sacks, sack[WIRE_SACKS][2];
	uint8_t tos, ttl;
	uint32_t len;
	uint8_t text[WIRE_TEXT_MAX];
};

/* The last byte of an address is 2 for us, 1 for the peer. */
struct lull_addr wire_addr(bool v6, uint8_t last);

/* A packet of the peer's into `out`, WIRE_PACKET_MAX bytes; its length. */
size_t wire_build(const struct segment *s, bool v6, uint8_t *out);

/* A packet of ours. What is wrong with it, or NULL: lengths and checksums are
 * looked at, and whether it goes to the peer. */
const char *wire_parse(const uint8_t *p, size_t len, bool v6,
		       struct segment *s);

/* Numbers that a segment takes: text, SYN, FIN. */
uint32_t wire_len(const struct segment *s);

/* "FPA" and back; 0 for what is none. `out` has 9 bytes. */
void wire_flags_text(uint8_t flags, char *out);
bool wire_flags(const char *text, uint8_t *flags);

#endif
