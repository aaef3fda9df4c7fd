/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sum.c: the internet checksum, RFC 1071.
 *
 * Sums in the machine's order and swaps once at the end (RFC 1071 2(B)); eight
 * bytes at a time into 64 bits, four independent sums so that they overlap.
 * Headers are short: they take words of 32 bits, which can't carry out of 64.
 *
 * Entry points: lull_sum, _fold, _tx, _pseudo.
 */
#include "base/base.h"

static uint16_t load16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* One's complement addition of 64 bits: the carry comes back in. */
static uint64_t add64(uint64_t a, uint64_t b)
{
	a += b;
	return a + (a < b);
}

/* 64 bits to 16, still in the machine's order. */
static uint32_t fold64(uint64_t s)
{
	uint32_t v;

	/* Both halves added in the upper one, the carry from the lower. */
	s += s >> 32 | s << 32;
	v = (uint32_t)(s >> 32);
	v += v >> 16 | v << 16;
	return v >> 16;
}

static uint16_t swap16(uint32_t v)
{
	return (uint16_t)(v << 8 | v >> 8);
}

uint16_t lull_sum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Fewer than eight bytes; the last odd one stands before a zero. */
static uint64_t sum_rest(const uint8_t *p, size_t len)
{
	uint8_t last[2] = {0, 0};
	uint64_t s = 0;

	if (len & 4) {
		s += lull_load32(p);
		p += 4;
	}
	if (len & 2) {
		s += load16(p);
		p += 2;
	}
	if (len & 1) {
		last[0] = *p;
		s += load16(last);
	}
	return s;
}

static uint64_t sum_all(const uint8_t *p, size_t len)
{
	uint64_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;

	for (; len >= 32; len -= 32, p += 32) {
		s0 = add64(s0, lull_load64(p));
		s1 = add64(s1, lull_load64(p + 8));
		s2 = add64(s2, lull_load64(p + 16));
		s3 = add64(s3, lull_load64(p + 24));
	}
	for (; len >= 8; len -= 8, p += 8)
		s0 = add64(s0, lull_load64(p));
	s1 = add64(s1, sum_rest(p, len));
	return add64(add64(s0, s1), add64(s2, s3));
}

uint32_t lull_sum(uint32_t sum, const void *data, size_t len, uint32_t odd)
{
	uint32_t native = fold64(sum_all(data, len));
	/* Bytes that begin at an odd place count with their halves swapped. */
	bool swap = (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) != (odd & 1);

	return sum + (swap ? swap16(native) : native);
}

uint32_t lull_sum_tx(const struct lull_tx *tx, const struct lull_bufs *b)
{
	uint32_t sum = 0, odd = 0;

	for (uint32_t i = 0; i < tx->spans; i++) {
		const struct lull_tx_span *s = &tx->span[i];
		const struct lull_buf *buf = lull_buf_at(b, s->buf);

		sum = lull_sum(sum, buf->data + s->off, s->len, odd);
		odd ^= s->len & 1;
	}
	return sum;
}

uint32_t lull_sum_pseudo(const struct lull_addr *a, const struct lull_addr *b,
			 uint8_t proto, uint32_t len)
{
	uint64_t s;
	uint32_t sum;

	if (lull_addr_is4(a))
		s = (uint64_t)lull_load32(a->b + 12) + lull_load32(b->b + 12);
	else
		s = add64(add64(lull_load64(a->b), lull_load64(a->b + 8)),
			  add64(lull_load64(b->b), lull_load64(b->b + 8)));
	sum = fold64(s);
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		sum = swap16(sum);
	return sum + proto + (len >> 16) + (len & 0xffff);
}
