/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * addr.c: addresses as text. IPv4 is kept as ::ffff:a.b.c.d (RFC 4291 2.5.5.2)
 * and shown as a.b.c.d.
 *
 * Entry points: lull_addr_parse, lull_prefix_parse, lull_addr_format,
 * lull_addr_is_ipv4, lull_prefix_peer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <lull/host.h>

enum {
	BITS = 128,
	BITS_MAPPED = 96, /* before an IPv4 address */
};

_Static_assert(LULL_ADDR_TEXT >= INET6_ADDRSTRLEN, "an address fits");

int lull_addr_parse(const char *text, struct lull_addr *addr)
{
	struct lull_addr a = {.b = {[10] = 0xff, [11] = 0xff}};

	if (inet_pton(AF_INET, text, a.b + 12) != 1 &&
	    inet_pton(AF_INET6, text, a.b) != 1)
		return -EINVAL;
	*addr = a;
	return 0;
}

/* A number of bits up to `max`, and nothing else. */
static int parse_bits(const char *text, int max)
{
	int bits = 0;

	if (!*text || (text[0] == '0' && text[1]))
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		bits = 10 * bits + (*text - '0');
		if (bits > max)
			return -EINVAL;
	}
	return bits;
}

int lull_prefix_parse(const char *text, struct lull_prefix *prefix)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	/* "::ffff:10.0.0.0/104" is counted as IPv6. */
	int before = memchr(text, ':', len) ? 0 : BITS_MAPPED;
	int bits = BITS - before;
	char alone[LULL_ADDR_TEXT];
	struct lull_addr addr;

	if (len >= sizeof alone)
		return -EINVAL;
	memcpy(alone, text, len);
	alone[len] = '\0';
	if (lull_addr_parse(alone, &addr) < 0)
		return -EINVAL;
	if (slash)
		bits = parse_bits(slash + 1, bits);
	if (bits < 0)
		return -EINVAL;
	prefix->addr = addr;
	prefix->bits = (uint8_t)(before + bits);
	return 0;
}

bool lull_addr_is_ipv4(const struct lull_addr *addr)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(addr->b, mapped, sizeof mapped) == 0;
}

char *lull_addr_format(const struct lull_addr *addr, char *text)
{
	if (lull_addr_is_ipv4(addr))
		inet_ntop(AF_INET, addr->b + 12, text, LULL_ADDR_TEXT);
	else
		inet_ntop(AF_INET6, addr->b, text, LULL_ADDR_TEXT);
	return text;
}

/*
 * Address 0 of a prefix is the network (IPv4) or any router (RFC 4291 2.6.1),
 * but in a prefix of two both are hosts (RFC 3021, RFC 6164).
 */
struct lull_prefix lull_prefix_peer(const struct lull_prefix *prefix)
{
	struct lull_prefix peer = *prefix;
	uint8_t *b = peer.addr.b;

	if (prefix->bits >= BITS)
		return peer;
	if (prefix->bits == BITS - 1) {
		b[15] ^= 1;
		return peer;
	}
	b[prefix->bits / 8] &= (uint8_t)(0xff00 >> prefix->bits % 8);
	for (int i = prefix->bits / 8 + 1; i < 16; i++)
		b[i] = 0;
	b[15] |= 1;
	if (memcmp(b, prefix->addr.b, 16) == 0)
		b[15] ^= 3;
	return peer;
}
