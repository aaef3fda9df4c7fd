/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_wire.c: any bytes into the parsers of src/wire.
 *
 * The packet lies in memory of exactly its size, so that a byte read past it
 * is seen. What a parser accepts must be inside of the packet.
 */
#include <stdlib.h>

#include "wire/wire.h"

#define MUST(x)                  \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void icmp(const uint8_t *p, uint32_t len, bool v6)
{
	struct lull_icmp m;
	struct lull_ip_hdr quoted;

	if (lull_icmp_parse(p, len, v6, &m))
		return;
	MUST(m.quote <= len);
	if (!lull_ip_parse_quote(p + m.quote, len - m.quote, &quoted))
		MUST(quoted.hdr_len >= 20);
}

static void tcp(const uint8_t *p, uint32_t len)
{
	struct lull_seg seg = {0};

	if (lull_tcp_parse(p, len, &seg))
		return;
	MUST(seg.hdr_len >= 20 && seg.hdr_len + seg.text_len == len);
	MUST(seg.wscale <= 14 || seg.wscale == LULL_NO_WSCALE);
}

static void ether(const uint8_t *p, uint32_t len)
{
	struct lull_ip_hdr ip = {.v6 = true, .ttl = 255};
	struct lull_ether_hdr head;
	struct lull_arp arp;
	struct lull_nd nd;

	(void)lull_ether_parse(p, len, &head);
	(void)lull_arp_parse(p, len, &arp);
	if (!lull_nd_parse(p, len, &ip, &nd))
		MUST(!nd.has_mac || !(nd.mac.b[0] & 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lull_ip_hdr ip;
	uint8_t *p;

	if (size == 0 || size > 65536)
		return 0;
	p = malloc(size);
	if (!p)
		return 0;
	memcpy(p, data, size);
	if (!lull_ip_parse(p, (uint32_t)size, &ip)) {
		MUST(ip.hdr_len >= 20 && ip.hdr_len <= ip.len &&
		     ip.len <= size);
		tcp(p + ip.hdr_len, ip.len - ip.hdr_len);
		icmp(p + ip.hdr_len, ip.len - ip.hdr_len, ip.v6);
	}
	tcp(p, (uint32_t)size);
	icmp(p, (uint32_t)size, data[0] & 1);
	ether(p, (uint32_t)size);
	free(p);
	return 0;
}
