/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * addr.c: what an address is.
 *
 * Entry points: lull_prefix_covers, lull_addr_is_any, lull_addr_is_group.
 */
#include "base/base.h"

/* Do the first `bits` of 64 agree? 0 to 64. */
static bool agree(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
	uint64_t differ = lull_load64(a) ^ lull_load64(b);

	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		differ = __builtin_bswap64(differ);
	return bits == 0 || differ >> (64 - bits) == 0;
}

bool lull_prefix_covers(const struct lull_prefix *p, const struct lull_addr *a)
{
	uint32_t bits = p->bits;

	LULL_ASSERT(bits <= 128);
	if (bits <= 64)
		return agree(p->addr.b, a->b, bits);
	return agree(p->addr.b, a->b, 64) &&
	       agree(p->addr.b + 8, a->b + 8, bits - 64);
}

bool lull_addr_is_any(const struct lull_addr *a)
{
	static const uint8_t zero[4];

	if (lull_addr_is4(a))
		return memcmp(a->b + 12, zero, 4) == 0;
	return lull_load64(a->b) == 0 && lull_load64(a->b + 8) == 0;
}

bool lull_addr_is_group(const struct lull_addr *a)
{
	static const uint8_t all[4] = {255, 255, 255, 255};

	if (!lull_addr_is4(a))
		return a->b[0] == 0xff; /* RFC 4291 2.7 */
	return (a->b[12] & 0xf0) == 0xe0 || memcmp(a->b + 12, all, 4) == 0;
}
