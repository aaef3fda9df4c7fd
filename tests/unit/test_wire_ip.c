/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_wire_ip.c: IPv4 and IPv6 headers that come in, made by hand. What goes
 * out, and what is quoted of it, is in test_wire_ip_out.c.
 *
 * Every packet is parsed at the very end of its memory, whole and cut at each
 * length, so that one byte read too many is seen.
 */
#include "tools.h"
#include "wire/wire.h"

enum {
	MOST = 256, /* bytes of a packet here */
	IP4_HDR = 20,
	IP6_HDR = 40,
};

/* 192.0.2.1 to 198.51.100.2, TOS 0xb8, DF, TCP, eight bytes. */
static const uint8_t plain4[] = {
	0x45, 0xb8, 0x00, 0x1c, 0x12, 0x34, 0x40, 0x00, 0x40, 0x06,
	0x3b, 0xb9, 0xc0, 0x00, 0x02, 0x01, 0xc6, 0x33, 0x64, 0x02,
	0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
};

/* NOP, record route, router alert, and after the end what is not looked at. */
static const uint8_t options4[] = {
	0x49, 0x00, 0x00, 0x2c, 0x00, 0x00, 0x00, 0x00, 0x01, 0x11, 0x6a,
	0xee, 0xc0, 0x00, 0x02, 0x01, 0xc6, 0x33, 0x64, 0x02, 0x01, 0x07,
	0x07, 0x04, 0xc0, 0x00, 0x02, 0x09, 0x94, 0x04, 0x00, 0x00, 0x00,
	0x83, 0x00, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
};

/* 2001:db8::1 to 2001:db8::2, class 0xb8, flow label, TCP, eight bytes. */
static const uint8_t plain6[] = {
	0x6b, 0x8b, 0xcd, 0xef, 0x00, 0x08, 0x06, 0xff, 0x20, 0x01, 0x0d, 0xb8,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
	0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x02, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
};

static const uint8_t payload[] = {1, 2, 3, 4, 5, 6, 7, 8};

/* Make the IPv4 checksum right again, as far as there is a header. */
static void fix4(uint8_t *p, uint32_t len)
{
	uint32_t hdr = lull_min((p[0] & 15U) * 4, len);
	uint16_t sum;

	if (len < IP4_HDR)
		return;
	p[10] = p[11] = 0;
	sum = (uint16_t)~naive_sum(0, p, hdr);
	p[10] = (uint8_t)(sum >> 8);
	p[11] = (uint8_t)sum;
}

/* What must hold of every answer, whatever the bytes were. */
static void check_sane(const uint8_t *p, uint32_t len, enum lull_drop why,
		       const struct lull_ip_hdr *ip)
{
	uint32_t least = ip->v6 ? IP6_HDR : IP4_HDR;

	if (why && why != LULL_DROP_IP_OPTION)
		return;
	assert_true(ip->len <= len);
	assert_true(ip->hdr_len >= least && ip->hdr_len <= ip->len);
	assert_true(ip->proto_at < ip->hdr_len);
	assert_int_equal(p[ip->proto_at], ip->proto);
	assert_int_equal(ip->v6, p[0] >> 4 == 6);
	if (why && ip->tell)
		assert_in_range(ip->tell_at, IP6_HDR, ip->hdr_len - 1);
}

/* Parse a copy with nothing behind it. */
static enum lull_drop parse(const uint8_t *bytes, uint32_t len,
			    struct lull_ip_hdr *ip)
{
	uint8_t *p = exact_new(bytes, len);
	enum lull_drop why;

	memset(ip, 0xa5, sizeof *ip);
	ip->v6 = ip->fragment = ip->tell = true;
	why = lull_ip_parse(p, len, ip);
	check_sane(p, len, why, ip);
	exact_free(p);
	return why;
}

/* ---- IPv4 ---- */

static void test_plain4(void **state)
{
	struct lull_addr src = addr4(192, 0, 2, 1),
			 dst = addr4(198, 51, 100, 2);
	struct lull_ip_hdr ip;

	assert_int_equal(parse(plain4, sizeof plain4, &ip), 0);
	assert_true(lull_addr_eq(&ip.src, &src));
	assert_true(lull_addr_eq(&ip.dst, &dst));
	assert_false(ip.v6);
	assert_false(ip.fragment);
	assert_int_equal(ip.proto, LULL_PROTO_TCP);
	assert_int_equal(ip.tos, 0xb8);
	assert_int_equal(ip.ttl, 64);
	assert_int_equal(ip.hdr_len, 20);
	assert_int_equal(ip.len, 28);
	assert_int_equal(ip.proto_at, 9);
	assert_int_equal(parse(options4, sizeof options4, &ip), 0);
	assert_int_equal(ip.proto, 17);
	assert_int_equal(ip.hdr_len, 36);
	assert_int_equal(ip.len, 44);
}

/* Bytes changed in the plain packet, the checksum made right after it. */
static void test_fields4(void **state)
{
	static const struct {
		const char *what;
		uint8_t at, value;
		enum lull_drop why;
		bool fragment;
	} row[] = {
		{"as it is", 0, 0x45, 0, false},
		{"version 0", 0, 0x05, LULL_DROP_IP_VERSION, false},
		{"version 5", 0, 0x55, LULL_DROP_IP_VERSION, false},
		{"version 15", 0, 0xf5, LULL_DROP_IP_VERSION, false},
		{"no header", 0, 0x40, LULL_DROP_IP_HEADER, false},
		{"16 bytes", 0, 0x44, LULL_DROP_IP_HEADER, false},
		{"60 bytes of 28", 0, 0x4f, LULL_DROP_IP_HEADER, false},
		{"length 0", 3, 0, LULL_DROP_IP_HEADER, false},
		{"length 19", 3, 19, LULL_DROP_IP_HEADER, false},
		{"no payload", 3, 20, 0, false},
		{"length 29", 3, 29, LULL_DROP_IP_SHORT, false},
		{"length 28 + 256", 2, 1, LULL_DROP_IP_SHORT, false},
		{"no DF", 6, 0, 0, false},
		{"reserved bit", 6, 0x80, 0, false},
		{"MF", 6, 0x20, 0, true},
		{"MF and DF", 6, 0x60, 0, true},
		{"offset 1", 7, 1, 0, true},
		{"offset 4096", 6, 0x10, 0, true},
		{"TTL 0", 8, 0, 0, false},
	};

	for (uint32_t r = 0; r < ARRAY_LEN(row); r++) {
		uint8_t p[sizeof plain4];
		struct lull_ip_hdr ip;
		enum lull_drop why;

		memcpy(p, plain4, sizeof p);
		p[row[r].at] = row[r].value;
		fix4(p, sizeof p);
		why = parse(p, sizeof p, &ip);
		if (why != row[r].why ||
		    (!why && ip.fragment != row[r].fragment))
			fail_msg("%s: %d", row[r].what, why);
	}
}

/* One wrong bit in the header is never taken for right. */
static void test_checksum4(void **state)
{
	for (uint32_t bit = 0; bit < 8 * 36; bit++) {
		struct lull_ip_hdr ip;
		uint8_t p[sizeof options4];
		enum lull_drop why;

		memcpy(p, options4, sizeof p);
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		why = parse(p, sizeof p, &ip);
		assert_int_not_equal(why, 0);
		/* All but version and lengths are found by it alone. */
		if (bit >= 32)
			assert_int_equal(why, LULL_DROP_IP_CHECKSUM);
	}
	for (uint32_t bit = 8 * 36; bit < 8 * sizeof options4; bit++) {
		struct lull_ip_hdr ip;
		uint8_t p[sizeof options4];

		memcpy(p, options4, sizeof p);
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(parse(p, sizeof p, &ip), 0);
	}
}

/* A frame may be longer than its packet: Ethernet pads. */
static void test_padding(void **state)
{
	uint8_t p[MOST] = {0};
	struct lull_ip_hdr ip;

	memcpy(p, plain4, sizeof plain4);
	assert_int_equal(parse(p, 46, &ip), 0);
	assert_int_equal(ip.len, 28);
	memcpy(p, plain6, sizeof plain6);
	assert_int_equal(parse(p, 60, &ip), 0);
	assert_int_equal(ip.len, 48);
}

/* The plain packet with options; zeros up to a whole word. */
static uint32_t with_options4(uint8_t *p, const uint8_t *options, uint32_t n)
{
	uint32_t words = (n + 3) / 4, len = IP4_HDR + 4 * words + 8;

	memset(p, 0, len);
	memcpy(p, plain4, IP4_HDR);
	memcpy(p + IP4_HDR, options, n);
	memcpy(p + len - 8, payload, 8);
	p[0] = (uint8_t)(0x45 + words);
	p[3] = (uint8_t)len;
	fix4(p, len);
	return len;
}

/* `n` bytes of options; those that are not written are 0. */
static const struct {
	const char *what;
	uint8_t n, bytes[40];
	enum lull_drop why;
} option4[] = {
#define T(what, n, why, ...)                \
	{                                   \
		what, n, {__VA_ARGS__}, why \
	}
#define ROUTED LULL_DROP_IP_SOURCE_ROUTE
#define BAD    LULL_DROP_IP_HEADER
	T("end", 1, 0, 0),
	T("NOPs", 4, 0, 1, 1, 1, 1),
	T("40 NOPs", 40, 0, [0 ... 39] = 1),
	T("loose source route", 7, ROUTED, 131, 7, 4, 192, 0, 2, 9),
	T("strict source route", 7, ROUTED, 137, 7, 4, 192, 0, 2, 9),
	T("source route that is done", 7, ROUTED, 131, 7, 8, 192, 0, 2, 9),
	T("source route without routes", 3, ROUTED, 137, 3, 4),
	T("behind NOPs", 12, ROUTED, 1, 1, 1, 1, 1, 131, 7, 4, 1, 2, 3, 4),
	T("behind another", 11, ROUTED, 148, 4, 0, 0, 131, 7, 4, 1, 2, 3, 4),
	T("source route behind the end", 8, 0, 0, 131, 7, 4, 192, 0, 2, 9),
	T("in the data of another", 8, 0, 7, 7, 131, 7, 4, 137, 7, 0),
	T("record route", 39, 0, 7, 39, 4),
	T("timestamp", 36, 0, 68, 36, 5),
	T("router alert", 4, 0, 148, 4, 0, 0),
	T("unknown, two bytes", 4, 0, 222, 2, 1, 1),
	T("unknown, forty bytes", 40, 0, 222, 40),
	T("length 0", 4, BAD, 222, 0, 1, 1),
	T("length 1", 4, BAD, 222, 1, 1, 1),
	T("one too long", 4, BAD, 222, 5, 1, 1),
	T("much too long", 4, BAD, 222, 255, 1, 1),
	T("41 of 40 bytes", 40, BAD, 222, 41),
	T("kind without a length", 4, BAD, 1, 1, 1, 222),
	T("source route without one", 4, BAD, 1, 1, 1, 131),
	T("source route too long", 4, BAD, 131, 7, 4, 0),
	T("second one too long", 8, BAD, 148, 4, 0, 0, 148, 5, 0, 0),
#undef T
};

static void test_options4(void **state)
{
	for (uint32_t r = 0; r < ARRAY_LEN(option4); r++) {
		uint8_t p[MOST];
		uint32_t len = with_options4(p, option4[r].bytes, option4[r].n);
		struct lull_ip_hdr ip;
		enum lull_drop why = parse(p, len, &ip);

		if (why != option4[r].why)
			fail_msg("%s: %d", option4[r].what, why);
		assert_int_equal(ip.hdr_len, len - 8);
		assert_int_equal(ip.len, len);
	}
}

/* ---- IPv6 ---- */

static void test_plain6(void **state)
{
	struct lull_addr src = addr6(1), dst = addr6(2);
	struct lull_ip_hdr ip;

	assert_int_equal(parse(plain6, sizeof plain6, &ip), 0);
	assert_true(lull_addr_eq(&ip.src, &src));
	assert_true(lull_addr_eq(&ip.dst, &dst));
	assert_true(ip.v6);
	assert_false(ip.fragment);
	assert_int_equal(ip.proto, LULL_PROTO_TCP);
	assert_int_equal(ip.proto_at, 6);
	assert_int_equal(ip.tos, 0xb8);
	assert_int_equal(ip.ttl, 255);
	assert_int_equal(ip.hdr_len, 40);
	assert_int_equal(ip.len, 48);
}

static void test_fields6(void **state)
{
	uint8_t p[sizeof plain6];
	struct lull_ip_hdr ip;

	memcpy(p, plain6, sizeof p);
	p[5] = 9; /* more than there is */
	assert_int_equal(parse(p, sizeof p, &ip), LULL_DROP_IP_SHORT);
	p[5] = 7;
	assert_int_equal(parse(p, sizeof p, &ip), 0);
	assert_int_equal(ip.len, 47);
	p[5] = 0;
	assert_int_equal(parse(p, sizeof p, &ip), 0);
	assert_int_equal(ip.len, 40);
	p[4] = 1; /* 256 */
	assert_int_equal(parse(p, sizeof p, &ip), LULL_DROP_IP_SHORT);
	/* Protocols that are not passed over. */
	static const uint8_t proto[] = {1,  6,	 17,  50,  51,	58,
					59, 135, 139, 140, 253, 255};

	for (uint32_t i = 0; i < ARRAY_LEN(proto); i++) {
		memcpy(p, plain6, sizeof p);
		p[6] = proto[i];
		assert_int_equal(parse(p, sizeof p, &ip), 0);
		assert_int_equal(ip.proto, proto[i]);
		assert_int_equal(ip.hdr_len, 40);
	}
}

/* ::ffff:a.b.c.d stands for IPv4 inside; from the wire it is a lie. */
static void test_mapped(void **state)
{
	struct lull_addr four = addr4(192, 0, 2, 1);
	uint8_t p[sizeof plain6];
	struct lull_ip_hdr ip;

	for (uint32_t at = 8; at <= 24; at += 16) {
		memcpy(p, plain6, sizeof p);
		memcpy(p + at, four.b, 16);
		assert_int_equal(parse(p, sizeof p, &ip), LULL_DROP_IP_SOURCE);
		p[at + 9] = 1; /* another prefix */
		assert_int_equal(parse(p, sizeof p, &ip), 0);
	}
}

/* Extension headers: the fixed header, these bytes, and eight of payload. */
struct chain {
	const char *what;
	enum lull_drop why;
	uint8_t first; /* next header of the fixed one */
	uint8_t n, bytes[120];
	uint8_t proto, hdr_len, proto_at; /* of what is not refused */
	bool fragment;
	uint8_t tell_at; /* where an ICMP error points; 0: none is due */
};

#define HBH	    0
#define ROUTE	    43
#define FRAG	    44
#define DEST	    60
#define PAD8	    1, 4, 0, 0, 0, 0 /* six bytes of PadN */
#define EMPTY(next) next, 0, PAD8    /* a header that says nothing */

/* Passed over; then comes `p`, whose number stands at `at`. */
#define PASS(what, f, n, p, at, ...)                                  \
	{                                                             \
		what, 0, f, n, {__VA_ARGS__}, p, 40 + n, at, false, 0 \
	}
#define FRAGMENT(what, p, ...)                                         \
	{                                                              \
		what, 0, FRAG, 8, {p, __VA_ARGS__}, p, 48, 40, true, 0 \
	}
#define OPTION(what, f, n, tell_at, ...)                                    \
	{                                                                   \
		what, LULL_DROP_IP_OPTION, f, n, {__VA_ARGS__}, 0, 0, 0, 0, \
			tell_at                                             \
	}
#define ROUTING(what, ...)                                             \
	{                                                              \
		what, ROUTED, ROUTE, 24, {__VA_ARGS__}, 0, 0, 0, 0, 42 \
	}
#define REFUSE(what, why, f, n, ...)                          \
	{                                                     \
		what, why, f, n, {__VA_ARGS__}, 0, 0, 0, 0, 0 \
	}

static const struct chain chain[] = {
	PASS("none", 6, 0, 6, 6, 0),
	PASS("hop by hop, PadN", HBH, 8, 6, 40, 6, 0, PAD8),
	PASS("hop by hop, Pad1", HBH, 8, 6, 40, 6, 0),
	PASS("router alert", HBH, 8, 6, 40, 6, 0, 5, 2, 0, 0, 1, 0),
	PASS("16 bytes", HBH, 16, 58, 40, 58, 1, 1, 12),
	PASS("destination", DEST, 8, 17, 40, 17, 0, PAD8),
	PASS("no next header", DEST, 8, 59, 40, 59, 0, PAD8),
	PASS("ESP behind it", DEST, 8, 50, 40, 50, 0, PAD8),
	PASS("routing, type 0, none left", ROUTE, 8, 6, 40, 6),
	PASS("routing, type 3, none left", ROUTE, 24, 6, 40, 6, 2, 3, 0, 9, 9),
	PASS("atomic fragment", FRAG, 8, 6, 40, 6, 0, 0, 0, 1, 2, 3, 4),
	PASS("atomic, reserved bits", FRAG, 8, 6, 40, 6, 255, 0, 6, 1, 2, 3),
	FRAGMENT("first fragment", 6, 0, 0, 1, 1, 2, 3, 4),
	FRAGMENT("middle fragment", 6, 0, 5, 0xb1, 1, 2, 3, 4),
	FRAGMENT("last fragment", 6, 0, 0, 8, 1, 2, 3, 4),
	FRAGMENT("last fragment, high offset", 6, 0, 0x80, 0, 1, 2, 3, 4),
	/* What stands behind a fragment header need not be there. */
	FRAGMENT("fragment of options", DEST, 0, 0, 1, 1, 2, 3, 4),
	PASS("all of them", HBH, 40, 6, 72, EMPTY(DEST), EMPTY(ROUTE), FRAG, 0,
	     0, 0, 0, 0, 0, 0, DEST, 0, 0, 0, 0, 0, 0, 0, EMPTY(6)),
	PASS("eight of them", DEST, 64, 6, 96, EMPTY(DEST), EMPTY(DEST),
	     EMPTY(DEST), EMPTY(DEST), EMPTY(DEST), EMPTY(DEST), EMPTY(DEST),
	     EMPTY(6)),
	OPTION("nine of them", DEST, 72, 0, EMPTY(DEST), EMPTY(DEST),
	       EMPTY(DEST), EMPTY(DEST), EMPTY(DEST), EMPTY(DEST), EMPTY(DEST),
	       EMPTY(DEST), EMPTY(6)),
	/* RFC 8200 4.4: the type is not known here, and that is told. */
	ROUTING("routing, type 0, one left", 6, 2, 0, 1),
	ROUTING("routing, type 2, one left", 6, 2, 2, 1),
	/* RFC 8200 4.2: 00 pass over, 01 discard, 10 and 11 tell. */
	PASS("00", DEST, 8, 6, 40, 6, 0, 0x1e, 4, 9, 9, 9, 9),
	PASS("00, it may change", HBH, 8, 6, 40, 6, 0, 0x3e, 4, 9, 9, 9, 9),
	PASS("00, empty, at the end", DEST, 8, 6, 40, 6, 0, 1, 2, 0, 0, 0x1e),
	OPTION("01", DEST, 8, 0, 6, 0, 0x5e, 4, 9, 9, 9, 9),
	OPTION("10", DEST, 8, 42, 6, 0, 0x9e, 4, 9, 9, 9, 9),
	OPTION("11", DEST, 8, 42, 6, 0, 0xde, 4, 9, 9, 9, 9),
	OPTION("01, hop by hop", HBH, 8, 0, 6, 0, 0, 0x5e, 3, 9, 9, 9),
	OPTION("10, behind Pad1", HBH, 8, 43, 6, 0, 0, 0x9e, 3, 9, 9, 9),
	OPTION("11, behind PadN", HBH, 8, 45, 6, 0, 1, 1, 0, 0xde, 1, 9),
	OPTION("10, second header", HBH, 16, 50, EMPTY(DEST), 6, 0, 0x9e, 4),
	OPTION("jumbo payload", HBH, 8, 42, 6, 0, 0xc2, 4, 0, 1, 0, 0),
	/* Lengths that can't be. */
	REFUSE("option one too long", BAD, DEST, 8, 6, 0, 1, 5),
	REFUSE("option much too long", BAD, DEST, 8, 6, 0, 0x1e, 255),
	REFUSE("no length", BAD, DEST, 8, 6, 0, 1, 3, 0, 0, 0, 0x1e),
	REFUSE("10, one too long", BAD, DEST, 8, 6, 0, 0x9e, 5),
	/* Eight bytes here and the payload's eight are one header. */
	{"as long as the packet", 0, DEST, 8, {59, 1, 1, 12}, 59, 56, 40, 0, 0},
	REFUSE("one too long", LULL_DROP_IP_SHORT, DEST, 8, 6, 2, 1, 20),
	REFUSE("much too long", LULL_DROP_IP_SHORT, HBH, 8, 6, 255),
	REFUSE("routing, too long", LULL_DROP_IP_SHORT, ROUTE, 8, 6, 255),
	REFUSE("behind the packet", LULL_DROP_IP_SHORT, DEST, 8, DEST, 1, 1,
	       12),
};

static uint32_t with_chain(uint8_t *p, const struct chain *c)
{
	uint32_t len = IP6_HDR + c->n + 8;

	assert_true(len <= MOST);
	memcpy(p, plain6, IP6_HDR);
	memcpy(p + IP6_HDR, c->bytes, c->n);
	memcpy(p + IP6_HDR + c->n, payload, 8);
	p[5] = (uint8_t)(c->n + 8);
	p[6] = c->first;
	return len;
}

static void test_extensions(void **state)
{
	for (uint32_t r = 0; r < ARRAY_LEN(chain); r++) {
		const struct chain *c = &chain[r];
		struct lull_ip_hdr ip;
		uint8_t p[MOST];
		uint32_t len = with_chain(p, c);
		enum lull_drop why = parse(p, len, &ip);

		if (why != c->why)
			fail_msg("%s: %d", c->what, why);
		if (!why &&
		    (ip.proto != c->proto || ip.hdr_len != c->hdr_len ||
		     ip.proto_at != c->proto_at || ip.fragment != c->fragment))
			fail_msg("%s: protocol %u at %u, header %u, %d",
				 c->what, ip.proto, ip.proto_at, ip.hdr_len,
				 ip.fragment);
		if (why && (ip.tell != (c->tell_at != 0) ||
			    (ip.tell && ip.tell_at != c->tell_at)))
			fail_msg("%s: tell %d, %u", c->what, ip.tell,
				 ip.tell_at);
		if (ip.tell && ip.tell_code != (c->why == ROUTED ? 0 : 2))
			fail_msg("%s: code %u", c->what, ip.tell_code);
	}
}

/* To a group, 10 still tells, 11 does not. */
static void test_option_to_group(void **state)
{
	for (uint32_t r = 0; r < ARRAY_LEN(chain); r++) {
		const struct chain *c = &chain[r];
		struct lull_ip_hdr ip;
		uint8_t p[MOST], kind;
		uint32_t len = with_chain(p, c);

		if (!c->tell_at || c->why == ROUTED)
			continue;
		kind = p[c->tell_at] >> 6;
		assert_in_range(kind, 2, 3);
		memcpy(p + 24, "\xff\x02", 2);
		assert_int_equal(parse(p, len, &ip), LULL_DROP_IP_OPTION);
		assert_int_equal(ip.tell, kind == 2);
		memcpy(p + 24, "\xfe\xff", 2);
		assert_int_equal(parse(p, len, &ip), LULL_DROP_IP_OPTION);
		assert_true(ip.tell);
		assert_int_equal(ip.tell_at, c->tell_at);
	}
}

/*
 * RFC 8200 4: hop-by-hop options stand directly behind the fixed header; found
 * anywhere else, their number 0 is one that nobody knows.
 */
static void test_hop_by_hop_is_first(void **state)
{
	static const struct chain late[] = {
		{.first = DEST, .n = 16, .bytes = {EMPTY(HBH), EMPTY(6)}},
		{.first = HBH, .n = 16, .bytes = {EMPTY(HBH), EMPTY(6)}},
	};

	for (uint32_t r = 0; r < ARRAY_LEN(late); r++) {
		struct lull_ip_hdr ip;
		uint8_t p[MOST];
		uint32_t len = with_chain(p, &late[r]);

		/* As any protocol that is not there: the caller refuses it. */
		assert_int_equal(parse(p, len, &ip), 0);
		assert_int_equal(ip.proto, HBH);
		assert_int_equal(ip.hdr_len, 48);
		assert_int_equal(ip.proto_at, 40);
	}
}

/* ---- cut short ---- */

/* The frame ends early: each length is short, whatever the packet says. */
static void cut_frame(const uint8_t *p, uint32_t len)
{
	for (uint32_t n = 0; n < len; n++) {
		struct lull_ip_hdr ip;

		assert_int_equal(parse(p, n, &ip), LULL_DROP_IP_SHORT);
	}
}

/* The packet itself says that it is so short; all that holds is checked. */
static void cut_packet(const uint8_t *bytes, uint32_t len)
{
	for (uint32_t n = 0; n <= len; n++) {
		struct lull_ip_hdr ip;
		uint8_t p[MOST];

		memcpy(p, bytes, len);
		if (p[0] >> 4 == 4) {
			p[3] = (uint8_t)n;
			fix4(p, n);
		} else {
			p[5] = (uint8_t)(n < IP6_HDR ? 0 : n - IP6_HDR);
		}
		(void)parse(p, n, &ip);
	}
}

static void test_cut(void **state)
{
	uint8_t p[MOST];
	uint32_t len;

	cut_frame(plain4, sizeof plain4);
	cut_frame(options4, sizeof options4);
	cut_frame(plain6, sizeof plain6);
	cut_packet(plain4, sizeof plain4);
	cut_packet(options4, sizeof options4);
	cut_packet(plain6, sizeof plain6);
	for (uint32_t r = 0; r < ARRAY_LEN(option4); r++) {
		len = with_options4(p, option4[r].bytes, option4[r].n);
		cut_frame(p, len);
		cut_packet(p, len);
	}
	for (uint32_t r = 0; r < ARRAY_LEN(chain); r++) {
		len = with_chain(p, &chain[r]);
		cut_frame(p, len);
		cut_packet(p, len);
	}
}

/* Bytes changed here and there: nothing but what check_sane() allows. */
static void test_noise(void **state)
{
	struct rng rng = rng_new(1);

	for (uint32_t n = 0; n < 60000; n++) {
		struct lull_ip_hdr ip;
		uint8_t p[MOST];
		uint32_t len, r = rng_below(&rng, 2 * ARRAY_LEN(chain));

		if (r < ARRAY_LEN(chain)) {
			len = with_chain(p, &chain[r]);
		} else {
			r %= ARRAY_LEN(option4);
			len = with_options4(p, option4[r].bytes, option4[r].n);
		}
		for (uint32_t k = 1 + rng_below(&rng, 5); k > 0; k--)
			p[rng_below(&rng, len)] = (uint8_t)rng_next(&rng);
		if (rng_below(&rng, 4))
			fix4(p, len);
		if (rng_below(&rng, 4) == 0)
			len = rng_below(&rng, len + 1);
		(void)parse(p, len, &ip);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain4),
		cmocka_unit_test(test_fields4),
		cmocka_unit_test(test_checksum4),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_options4),
		cmocka_unit_test(test_plain6),
		cmocka_unit_test(test_fields6),
		cmocka_unit_test(test_mapped),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_option_to_group),
		cmocka_unit_test(test_hop_by_hop_is_first),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_noise),
	};

	return RUN("wire_ip", tests);
}
