/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bytes.h: network order, for the files of wire/ alone.
 */
#ifndef LULL_WIRE_BYTES_H
#define LULL_WIRE_BYTES_H

#include <stdint.h>

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static inline void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/*
 * A header, written by words of 32 bits and added up on the way (RFC 1071):
 * to read it back for its checksum would have to wait for the stores.
 */
struct words {
	uint8_t *at;
	uint32_t sum;
};

static inline void put_word(struct words *w, uint32_t v)
{
	put32(w->at, v);
	w->at += 4;
	w->sum += (v >> 16) + (v & 0xffff);
}

#endif
