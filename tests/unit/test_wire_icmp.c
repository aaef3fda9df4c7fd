/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_wire_icmp.c: ICMP and ICMPv6 messages, from bytes made by hand.
 *
 * RFC 792, RFC 1191 (the MTU), RFC 4443.
 */
#include "tools.h"
#include "wire/wire.h"

/* "ping!", identifier 0xabcd, number 0x0102; to us from the peer, and back. */
static const uint8_t echo4[] = {0x08, 0x00, 0x4b, 0x5f, 0xab, 0xcd, 0x01,
				0x02, 'p',  'i',  'n',	'g',  '!'};
static const uint8_t reply4[] = {0x00, 0x00, 0x53, 0x5f, 0xab, 0xcd, 0x01,
				 0x02, 'p',  'i',  'n',	 'g',  '!'};
static const uint8_t echo6[] = {0x80, 0x00, 0x77, 0xa2, 0xab, 0xcd, 0x01,
				0x02, 'p',  'i',  'n',	'g',  '!'};
static const uint8_t reply6[] = {0x81, 0x00, 0x76, 0xa2, 0xab, 0xcd, 0x01,
				 0x02, 'p',  'i',  'n',	 'g',  '!'};

/* Fragmentation needed, 1,400 bytes; it quotes a segment of ours. */
static const uint8_t too_big4[] = {
	0x03, 0x04, 0x5b, 0x01, 0x00, 0x00, 0x05, 0x78, 0x45, 0x00, 0x00, 0x28,
	0x00, 0x00, 0x40, 0x00, 0x40, 0x06, 0x4e, 0x99, 0xc0, 0x00, 0x02, 0x01,
	0xc6, 0x33, 0x64, 0x02, 0x00, 0x50, 0x9c, 0x40, 0xff, 0xff, 0xff, 0xf1,
};

/* Packet too big, 1,280 bytes. */
static const uint8_t too_big6[] = {
	0x02, 0x00, 0x3e, 0xb9, 0x00, 0x00, 0x05, 0x00, 0x60, 0x00, 0x00, 0x00,
	0x00, 0x14, 0x06, 0x40, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x20, 0x01, 0x0d, 0xb8,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02,
	0x00, 0x50, 0x9c, 0x40, 0x00, 0x00, 0x00, 0x05,
};

/* What we say of a packet that came from the peer: no such protocol; ... */
static const uint8_t unreachable4[] = {
	0x03, 0x02, 0x2c, 0x29, 0x00, 0x00, 0x00, 0x00, 0x45, 0x00, 0x00, 0x1c,
	0x00, 0x00, 0x40, 0x00, 0x40, 0x63, 0x4e, 0x48, 0xc6, 0x33, 0x64, 0x02,
	0xc0, 0x00, 0x02, 0x01, '1',  '2',  '3',  '4',	'5',  '6',  '7',  '8',
};

/* ... something is wrong with byte 21; ... */
static const uint8_t parameter4[] = {
	0x0c, 0x00, 0x0e, 0x2b, 0x15, 0x00, 0x00, 0x00, 0x45, 0x00, 0x00, 0x1c,
	0x00, 0x00, 0x40, 0x00, 0x40, 0x63, 0x4e, 0x48, 0xc6, 0x33, 0x64, 0x02,
	0xc0, 0x00, 0x02, 0x01, '1',  '2',  '3',  '4',	'5',  '6',  '7',  '8',
};

/* ... an unknown option at byte 0x12345678. */
static const uint8_t parameter6[] = {
	0x04, 0x02, 0x6f, 0x11, 0x12, 0x34, 0x56, 0x78, 0x60, 0x00, 0x00,
	0x00, 0x00, 0x07, 0x3c, 0x40, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x20,
	0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x01, '1',  '2',  '3',  '4',	'5',  '6',  '7',
};

/* ---- parse ---- */

static enum lull_drop parse(const uint8_t *bytes, uint32_t len, bool v6,
			    struct lull_icmp *icmp)
{
	uint8_t *p = exact_new(bytes, len);
	enum lull_drop why;

	memset(icmp, 0xa5, sizeof *icmp);
	why = lull_icmp_parse(p, len, v6, icmp);
	exact_free(p);
	return why;
}

/* What each type is; all others are OTHER. `code` -1: any. */
static const struct {
	bool v6;
	uint8_t type;
	int code;
	enum lull_icmp_kind kind;
} kind[] = {
	{false, 3, 4, LULL_ICMP_TOO_BIG},
	{false, 3, -1, LULL_ICMP_UNREACHABLE},
	{false, 4, -1, LULL_ICMP_QUENCH},
	{false, 8, -1, LULL_ICMP_ECHO},
	{false, 11, -1, LULL_ICMP_TIME_EXCEEDED},
	{false, 12, -1, LULL_ICMP_PARAMETER},
	{true, 1, -1, LULL_ICMP_UNREACHABLE},
	{true, 2, -1, LULL_ICMP_TOO_BIG},
	{true, 3, -1, LULL_ICMP_TIME_EXCEEDED},
	{true, 4, -1, LULL_ICMP_PARAMETER},
	{true, 128, -1, LULL_ICMP_ECHO},
	{true, 133, -1, LULL_ICMP_ROUTER},
	{true, 134, -1, LULL_ICMP_ROUTER},
	{true, 135, -1, LULL_ICMP_NEIGHBOUR},
	{true, 136, -1, LULL_ICMP_NEIGHBOUR},
	{true, 137, -1, LULL_ICMP_REDIRECT},
};

static enum lull_icmp_kind kind_of(bool v6, uint8_t type, uint8_t code)
{
	for (uint32_t i = 0; i < ARRAY_LEN(kind); i++)
		if (kind[i].v6 == v6 && kind[i].type == type &&
		    (kind[i].code < 0 || kind[i].code == code))
			return kind[i].kind;
	return LULL_ICMP_OTHER;
}

static void test_kinds(void **state)
{
	for (uint32_t v6 = 0; v6 < 2; v6++) {
		for (uint32_t i = 0; i < 1 << 16; i++) {
			uint8_t p[8] = {(uint8_t)(i >> 8), (uint8_t)i};
			struct lull_icmp icmp;

			assert_int_equal(lull_icmp_parse(p, 8, v6, &icmp), 0);
			if (icmp.kind != kind_of(v6, p[0], p[1]))
				fail_msg("v%d, type %u, code %u: %d",
					 v6 ? 6 : 4, p[0], p[1], icmp.kind);
			assert_int_equal(icmp.code, p[1]);
			assert_int_equal(icmp.quote, 8);
		}
	}
}

/* Sixteen bits of it with IPv4, and what is before them is unused. */
static void test_mtu(void **state)
{
	uint8_t p[sizeof too_big4];
	struct lull_icmp icmp;

	assert_int_equal(parse(too_big4, sizeof too_big4, false, &icmp), 0);
	assert_int_equal(icmp.kind, LULL_ICMP_TOO_BIG);
	assert_int_equal(icmp.mtu, 1400);
	assert_int_equal(too_big4[icmp.quote], 0x45);
	assert_int_equal(parse(too_big6, sizeof too_big6, true, &icmp), 0);
	assert_int_equal(icmp.kind, LULL_ICMP_TOO_BIG);
	assert_int_equal(icmp.mtu, 1280);
	assert_int_equal(too_big6[icmp.quote], 0x60);
	memcpy(p, too_big4, sizeof p);
	memset(p + 4, 0xff, 4);
	assert_int_equal(parse(p, sizeof p, false, &icmp), 0);
	assert_int_equal(icmp.mtu, 0xffff);
	memset(p + 6, 0, 2); /* a router from before RFC 1191 */
	assert_int_equal(parse(p, sizeof p, false, &icmp), 0);
	assert_int_equal(icmp.mtu, 0);
	p[0] = 2;
	memcpy(p + 4, "\x12\x34\x56\x78", 4);
	assert_int_equal(parse(p, sizeof p, true, &icmp), 0);
	assert_int_equal(icmp.mtu, 0x12345678);
}

/* Of any message eight bytes are enough, and fewer never are. */
static void test_cut(void **state)
{
	static const struct {
		const uint8_t *bytes;
		uint32_t len;
	} row[] = {
		{echo4, sizeof echo4},
		{too_big4, sizeof too_big4},
		{unreachable4, sizeof unreachable4},
		{echo6, sizeof echo6},
		{too_big6, sizeof too_big6},
		{parameter6, sizeof parameter6},
	};

	for (uint32_t r = 0; r < ARRAY_LEN(row); r++) {
		for (uint32_t n = 0; n <= row[r].len; n++) {
			struct lull_icmp icmp;

			for (int v6 = 0; v6 < 2; v6++)
				assert_int_equal(
					parse(row[r].bytes, n, v6, &icmp),
					n < 8 ? LULL_DROP_ICMP_SHORT : 0);
		}
	}
}

/* ---- emit ---- */

static struct lull_tx *tx_between(bool v6)
{
	struct lull_tx *tx = tx_new();

	tx->local = v6 ? addr6(1) : addr4(192, 0, 2, 1);
	tx->remote = v6 ? addr6(2) : addr4(198, 51, 100, 2);
	memset(tx->hdr, 0xa5, sizeof tx->hdr);
	return tx;
}

/* Compare all that goes out; ends the packet and its pool. */
static void assert_emitted(struct lull_tx *tx, struct pool *p,
			   const uint8_t *want, uint32_t want_len)
{
	bool v6 = !lull_addr_is4(&tx->remote);
	uint32_t len;
	uint8_t *flat = tx_flat(tx, p, &len);

	assert_int_equal(len, want_len);
	assert_memory_equal(flat, want, len);
	assert_int_equal(tx->proto, v6 ? LULL_PROTO_ICMPV6 : LULL_PROTO_ICMP);
	exact_free(flat);
	tx_free(tx, p);
	pool_free(p);
}

/* `cut_at`: the payload comes in two pieces, the first of this length. */
static void echo(bool v6, const uint8_t *request, const uint8_t *reply,
		 uint32_t len, uint32_t cut_at)
{
	struct lull_tx *tx = tx_between(v6);
	uint8_t *p = exact_new(request, 8);
	struct pool pool;

	pool_new(&pool, 2, 0, 0);
	if (cut_at)
		tx_bytes(tx, &pool, request + 8, cut_at);
	if (len - 8 > cut_at)
		tx_bytes(tx, &pool, request + 8 + cut_at, len - 8 - cut_at);
	lull_icmp_echo(tx, p, &pool.bufs, v6);
	exact_free(p);
	assert_emitted(tx, &pool, reply, len);
}

static void test_echo(void **state)
{
	uint8_t code[sizeof echo4];

	for (uint32_t at = 0; at <= sizeof echo4 - 8; at++) {
		echo(false, echo4, reply4, sizeof echo4, at);
		echo(true, echo6, reply6, sizeof echo6, at);
	}
	/* Whatever the request's code was, and its checksum: ours is right. */
	memcpy(code, echo4, sizeof code);
	code[1] = 77;
	code[2] = code[3] = 0;
	echo(false, code, reply4, sizeof code, 2);
}

/* Without payload, of one byte, of as many as go into a buffer. */
static void test_echo_lengths(void **state)
{
	struct rng rng = rng_new(1);

	for (uint32_t n = 0; n < 2000; n++) {
		uint8_t request[8 + 2048], *flat;
		bool v6 = n & 1;
		struct lull_tx *tx = tx_between(v6);
		uint32_t len = n < 40 ? n / 2 : rng_below(&rng, 2049), all;
		uint16_t sum = 0;
		struct pool p;

		pool_new(&p, 1, 1, 0);
		rng_fill(&rng, request, sizeof request);
		if (len)
			tx_bytes(tx, &p, request + 8, len);
		lull_icmp_echo(tx, request, &p.bufs, v6);
		flat = tx_flat(tx, &p, &all);
		assert_int_equal(all, len + 8);
		if (v6)
			sum = naive_pseudo(&tx->local, &tx->remote, 58, all);
		assert_int_equal(naive_sum(sum, flat, all), 0xffff);
		assert_memory_equal(flat + 4, request + 4, len + 4);
		assert_int_equal(flat[0], v6 ? 129 : 0);
		assert_int_equal(flat[1], 0);
		exact_free(flat);
		tx_free(tx, &p);
		pool_free(&p);
	}
}

static void emit(enum lull_icmp_kind what, uint8_t code, uint32_t pointer,
		 const uint8_t *want, uint32_t len)
{
	struct lull_tx *tx = tx_between(want[8] >> 4 == 6);
	struct pool p;

	pool_new(&p, 1, 0, 0);
	tx_bytes(tx, &p, want + 8, len - 8);
	lull_icmp_emit(tx, what, code, pointer, &p.bufs);
	assert_emitted(tx, &p, want, len);
}

static void test_emit(void **state)
{
	emit(LULL_ICMP_UNREACHABLE, 2, 0, unreachable4, sizeof unreachable4);
	emit(LULL_ICMP_PARAMETER, 2, 0x12345678, parameter6, sizeof parameter6);
}

/* RFC 792: with IPv4 the pointer is the first byte of the second word. */
static void test_emit_parameter4(void **state)
{
	emit(LULL_ICMP_PARAMETER, 0, 21, parameter4, sizeof parameter4);
}

/* What we send, we understand. */
static void test_emit_parse(void **state)
{
	struct lull_icmp icmp;

	assert_int_equal(parse(unreachable4, sizeof unreachable4, false, &icmp),
			 0);
	assert_int_equal(icmp.kind, LULL_ICMP_UNREACHABLE);
	assert_int_equal(icmp.code, 2);
	assert_int_equal(parse(parameter6, sizeof parameter6, true, &icmp), 0);
	assert_int_equal(icmp.kind, LULL_ICMP_PARAMETER);
	assert_int_equal(icmp.code, 2);
}

static void test_misuse(void **state)
{
	struct lull_tx *tx = tx_between(false);
	struct pool p;

	pool_new(&p, 1, 0, 0);
	assert_panics(lull_icmp_emit(tx, LULL_ICMP_ECHO, 0, 0, &p.bufs));
	assert_panics(lull_icmp_emit(tx, LULL_ICMP_OTHER, 0, 0, &p.bufs));
	tx_free(tx, &p);
	pool_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_mtu),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_echo_lengths),
		cmocka_unit_test(test_emit),
		cmocka_unit_test(test_emit_parameter4),
		cmocka_unit_test(test_emit_parse),
		cmocka_unit_test(test_misuse),
	};

	return RUN("wire_icmp", tests);
}
