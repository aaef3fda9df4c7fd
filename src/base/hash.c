/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash.c: SipHash-2-4 (libsodium), with a key of its own for each use.
 *
 * What is shown to peers (ISNs, timestamp offsets, ports) never shares a key
 * with what must stay hidden (the flow table's order).
 *
 * Entry points: lull_keys_init, lull_hash_tuple, lull_hash_bytes.
 */
#include <sodium/crypto_shorthash_siphash24.h>

#include "base/base.h"

_Static_assert(sizeof(struct lull_tuple) == 36, "no padding to hash");

uint64_t lull_hash_bytes(const uint8_t key[16], const void *p, size_t len)
{
	uint64_t h;

	crypto_shorthash_siphash24((unsigned char *)&h, p, len, key);
	return h;
}

uint64_t lull_hash_tuple(const uint8_t key[16], const struct lull_tuple *t)
{
	struct {
		uint64_t addrs;
		uint32_t ports;
	} four;

	if (!lull_addr_is4(&t->local))
		return lull_hash_bytes(key, t, sizeof *t);
	/* By words, since they are read by words. */
	four.addrs = lull_load32(t->local.b + 12) |
		     (uint64_t)lull_load32(t->remote.b + 12) << 32;
	four.ports = t->lport | (uint32_t)t->rport << 16;
	return lull_hash_bytes(key, &four, 12);
}

/* Each key is two hashes of a label under each half of the secret. */
static void derive(uint8_t key[16], const uint8_t secret[32], char label)
{
	char text[2] = {label, 0};

	for (int half = 0; half < 2; half++) {
		uint64_t h;

		text[1] = (char)half;
		h = lull_hash_bytes(secret, text, sizeof text);
		h ^= lull_hash_bytes(secret + 16, text, sizeof text);
		memcpy(key + (size_t)half * 8, &h, 8);
	}
}

void lull_keys_init(struct lull_keys *k, const uint8_t secret[32])
{
	derive(k->flow, secret, 'f');
	derive(k->isn, secret, 'i');
	derive(k->port, secret, 'p');
	derive(k->cookie, secret, 'c');
	derive(k->reass, secret, 'r');
	derive(k->neigh, secret, 'n');
}
