/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_wire_ip_out.c: the IP headers that we send, and what an ICMP error
 * quotes of them, cut anywhere.
 */
#include "tools.h"
#include "wire/wire.h"

enum {
	IP4_HDR = 20,
	IP6_HDR = 40,
};

/* ---- emit ---- */

/* 192.0.2.1 to 198.51.100.2, TOS 0x10, number 0xbeef, TCP, "payload". */
static const uint8_t emitted4[] = {
	0x45, 0x10, 0x00, 0x1b, 0xbe, 0xef, 0x40, 0x00, 0x40,
	0x06, 0x8f, 0xa6, 0xc0, 0x00, 0x02, 0x01, 0xc6, 0x33,
	0x64, 0x02, 0x70, 0x61, 0x79, 0x6c, 0x6f, 0x61, 0x64,
};

/* 2001:db8::1 to 2001:db8::2, the same. */
static const uint8_t emitted6[] = {
	0x61, 0x00, 0x00, 0x00, 0x00, 0x07, 0x06, 0x3f, 0x20, 0x01, 0x0d, 0xb8,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
	0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x02, 0x70, 0x61, 0x79, 0x6c, 0x6f, 0x61, 0x64,
};

static void emit_golden(struct lull_addr local, struct lull_addr remote,
			uint8_t ttl, const uint8_t *want, uint32_t want_len)
{
	struct lull_tx *tx = tx_new();
	struct pool p;
	uint8_t *flat;
	uint32_t len;

	pool_new(&p, 2, 0, 0);
	memset(tx->hdr, 0xa5, sizeof tx->hdr); /* what was there before */
	tx->local = local;
	tx->remote = remote;
	tx->proto = 6;
	tx->tos = 0x10;
	tx->ttl = ttl;
	/* Some of it in the header's room, some in a buffer. */
	memcpy(lull_tx_front(tx, 3), "pay", 3);
	tx_bytes(tx, &p, "load", 4);
	lull_ip_emit(tx, 0xbeef);
	assert_true(tx->has_ip);
	flat = tx_flat(tx, &p, &len);
	assert_int_equal(len, want_len);
	assert_memory_equal(flat, want, len);
	exact_free(flat);
	assert_panics(lull_ip_emit(tx, 0));
	tx_free(tx, &p);
	pool_free(&p);
}

static void test_emit(void **state)
{
	emit_golden(addr4(192, 0, 2, 1), addr4(198, 51, 100, 2), 64, emitted4,
		    sizeof emitted4);
	emit_golden(addr6(1), addr6(2), 63, emitted6, sizeof emitted6);
}

/* What goes out comes in as the same, for any fields. */
static void test_emit_parse(void **state)
{
	struct rng rng = rng_new(2);
	struct pool p;

	pool_new(&p, 1, 1, 0);
	for (uint32_t n = 0; n < 5000; n++) {
		struct lull_tx *tx = tx_new();
		struct lull_ip_hdr ip;
		uint8_t bytes[1460], *flat;
		uint32_t text = 1 + rng_below(&rng, sizeof bytes), len;
		bool v6 = n & 1;

		rng_fill(&rng, bytes, text);
		tx->local = v6 ? addr6(0) : addr4(0, 0, 0, 0);
		tx->remote = tx->local;
		rng_fill(&rng, tx->local.b + 12, 4);
		rng_fill(&rng, tx->remote.b + 12, 4);
		tx->proto = v6 ? 58 : (uint8_t)rng_next(&rng);
		tx->tos = (uint8_t)rng_next(&rng);
		tx->ttl = (uint8_t)rng_next(&rng);
		tx_bytes(tx, &p, bytes, text);
		lull_ip_emit(tx, (uint16_t)rng_next(&rng));
		flat = tx_flat(tx, &p, &len);
		assert_int_equal(len, text + (v6 ? IP6_HDR : IP4_HDR));
		assert_int_equal(lull_ip_parse(flat, len, &ip), 0);
		assert_true(lull_addr_eq(&ip.src, &tx->local));
		assert_true(lull_addr_eq(&ip.dst, &tx->remote));
		assert_int_equal(ip.v6, v6);
		assert_false(ip.fragment);
		assert_int_equal(ip.proto, tx->proto);
		assert_int_equal(ip.tos, tx->tos);
		assert_int_equal(ip.ttl, tx->ttl);
		assert_int_equal(ip.len, len);
		assert_int_equal(ip.hdr_len, len - text);
		assert_memory_equal(flat + ip.hdr_len, bytes, text);
		if (!v6)
			assert_int_equal(naive_sum(0, flat, IP4_HDR), 0xffff);
		exact_free(flat);
		tx_free(tx, &p);
	}
	pool_free(&p);
}

/* ---- quoted by an ICMP error ---- */

static enum lull_drop quote(const uint8_t *bytes, uint32_t len,
			    struct lull_ip_hdr *ip)
{
	uint8_t *p = exact_new(bytes, len);
	enum lull_drop why;

	memset(ip, 0xa5, sizeof *ip);
	ip->v6 = ip->fragment = ip->tell = true;
	why = lull_ip_parse_quote(p, len, ip);
	exact_free(p);
	return why;
}

/* Nothing is asked of what was cut off, nor a checksum (RFC 1812 4.3.2.3). */
static void test_quote4(void **state)
{
	struct lull_addr src = addr4(192, 0, 2, 1),
			 dst = addr4(198, 51, 100, 2);
	uint8_t p[sizeof emitted4];
	struct lull_ip_hdr ip;

	memcpy(p, emitted4, sizeof p);
	p[2] = 5;  /* it was of 1,307 bytes */
	p[10] = 0; /* as some routers leave it */
	for (uint32_t n = 0; n <= sizeof p; n++)
		assert_int_equal(quote(p, n, &ip),
				 n < IP4_HDR ? LULL_DROP_IP_SHORT : 0);
	assert_true(lull_addr_eq(&ip.src, &src));
	assert_true(lull_addr_eq(&ip.dst, &dst));
	assert_false(ip.v6);
	assert_false(ip.fragment);
	assert_int_equal(ip.proto, LULL_PROTO_TCP);
	assert_int_equal(ip.hdr_len, 20);
	p[6] = 0x20;
	assert_int_equal(quote(p, sizeof p, &ip), 0);
	assert_true(ip.fragment);
	p[6] = 0x40;
	p[7] = 3;
	assert_int_equal(quote(p, sizeof p, &ip), 0);
	assert_true(ip.fragment);
	p[0] = 0x44;
	assert_int_equal(quote(p, sizeof p, &ip), LULL_DROP_IP_HEADER);
	/* With options: the caller sees that the ports are not there. */
	p[0] = 0x4f;
	assert_int_equal(quote(p, 20, &ip), 0);
	assert_int_equal(ip.hdr_len, 60);
}

static void test_quote6(void **state)
{
	struct lull_addr src = addr6(1), dst = addr6(2);
	uint8_t p[sizeof emitted6];
	struct lull_ip_hdr ip;

	memcpy(p, emitted6, sizeof p);
	p[4] = 5;
	for (uint32_t n = 0; n <= sizeof p; n++)
		assert_int_equal(quote(p, n, &ip),
				 n < IP6_HDR ? LULL_DROP_IP_SHORT : 0);
	assert_true(lull_addr_eq(&ip.src, &src));
	assert_true(lull_addr_eq(&ip.dst, &dst));
	assert_true(ip.v6);
	assert_int_equal(ip.proto, LULL_PROTO_TCP);
	assert_int_equal(ip.hdr_len, 40);
	for (uint32_t version = 0; version < 16; version++) {
		p[0] = (uint8_t)(version << 4 | 5);
		if (version != 4 && version != 6)
			assert_int_not_equal(quote(p, sizeof p, &ip), 0);
	}
}

/*
 * An ICMPv6 error about an IPv4 connection: its quotation would name one of
 * ours. As in lull_ip_parse(), mapped addresses don't come from the wire.
 */
static void test_quote_mapped(void **state)
{
	struct lull_addr src = addr4(192, 0, 2, 1),
			 dst = addr4(198, 51, 100, 2);
	uint8_t p[sizeof emitted6];
	struct lull_ip_hdr ip;

	memcpy(p, emitted6, sizeof p);
	memcpy(p + 8, src.b, 16);
	memcpy(p + 24, dst.b, 16);
	assert_int_not_equal(quote(p, sizeof p, &ip), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_emit),
		cmocka_unit_test(test_emit_parse),
		cmocka_unit_test(test_quote4),
		cmocka_unit_test(test_quote6),
		cmocka_unit_test(test_quote_mapped),
	};

	return RUN("wire_ip_out", tests);
}
