/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * addr.c: what an address is.
 *
 * Entry points: lull_prefix_covers, lull_addr_is_any, lull_addr_is_group.
 */
#include "base/base.h"

bool lull_prefix_covers(const struct lull_prefix *p, const struct lull_addr *a)
{
	uint32_t whole = p->bits / 8, rest = p->bits % 8;

	LULL_ASSERT(p->bits <= 128);
	if (memcmp(p->addr.b, a->b, whole) != 0)
		return false;
	return rest == 0 ||
	       ((p->addr.b[whole] ^ a->b[whole]) >> (8 - rest)) == 0;
}

bool lull_addr_is_any(const struct lull_addr *a)
{
	static const uint8_t zero[16];
	uint32_t skip = lull_addr_is4(a) ? 12 : 0;

	return memcmp(a->b + skip, zero, 16 - skip) == 0;
}

bool lull_addr_is_group(const struct lull_addr *a)
{
	static const uint8_t all[4] = {255, 255, 255, 255};

	if (!lull_addr_is4(a))
		return a->b[0] == 0xff; /* RFC 4291 2.7 */
	return (a->b[12] & 0xf0) == 0xe0 || memcmp(a->b + 12, all, 4) == 0;
}
