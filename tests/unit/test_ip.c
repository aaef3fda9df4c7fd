/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ip.c: what is ours, who may send, and what ICMP answers: RFC 791, 792,
 * 1122 3.2, 4443, 5095, 6946, 8200.
 */
#include "rig.h"

enum {
	UDP = 17,
	ICMP = 1,
	ICMPV6 = 58,
	NO_NEXT = 59,
	HOP_BY_HOP = 0,
	ROUTING = 43,
	FRAGMENT = 44,
	DESTINATION = 60,
	NOBODY = 200, /* a protocol that nobody has */
};

static struct lull_addr addr4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct lull_addr){.b = {[10] = 0xff, [11] = 0xff, a, b, c, d}};
}

static struct lull_addr addr6(uint8_t front, uint8_t last)
{
	return (struct lull_addr){.b = {front, [15] = last}};
}

static void silence(struct rig *r)
{
	const struct rig_raw *raw = rig_get_raw(r);

	if (raw)
		fail_msg("%u bytes came, protocol %u", raw->len,
			 r->config.v6 ? raw->bytes[6] : raw->bytes[9]);
}

/* One packet of any protocol from the peer. */
static void put(struct rig *r, uint8_t proto, const void *payload, uint32_t len)
{
	uint8_t packet[2048];

	rig_packet(r, packet, rig_ip(r, proto, payload, len, packet));
}

/* An echo request of `len` bytes after the header. Returns its length. */
static uint32_t build_echo(const struct rig *r, uint32_t len, uint8_t *out)
{
	memset(out, 0, 8);
	out[0] = r->config.v6 ? 128 : 8;
	out[4] = 0x12;
	out[5] = 0x34;
	out[7] = 9;
	for (uint32_t i = 0; i < len; i++)
		out[8 + i] = rig_byte(i);
	rig_icmp_sum(r, out, 8 + len);
	return 8 + len;
}

/* What came: an ICMP message with a good checksum, from us to the peer. */
static const uint8_t *expect_icmp(struct rig *r, uint8_t type, uint8_t code)
{
	const struct rig_raw *raw = rig_get_raw(r);
	uint32_t hdr = r->config.v6 ? 40 : 20;
	uint8_t icmp[2048], sum[2];

	assert_non_null(raw);
	assert_int_equal(raw->bytes[r->config.v6 ? 6 : 9],
			 r->config.v6 ? ICMPV6 : ICMP);
	assert_memory_equal(raw->bytes + (r->config.v6 ? 8 : 12),
			    r->tuple.local.b + (r->config.v6 ? 0 : 12),
			    r->config.v6 ? 16 : 4);
	assert_memory_equal(raw->bytes + (r->config.v6 ? 24 : 16),
			    r->tuple.remote.b + (r->config.v6 ? 0 : 12),
			    r->config.v6 ? 16 : 4);
	assert_int_equal(raw->bytes[r->config.v6 ? 7 : 8], 64);
	memcpy(icmp, raw->bytes + hdr, raw->len - hdr);
	memcpy(sum, icmp + 2, 2);
	/* The pseudo-header's sum is the same in both directions. */
	rig_icmp_sum(r, icmp, raw->len - hdr);
	assert_memory_equal(sum, icmp + 2, 2);
	assert_int_equal(icmp[0], type);
	assert_int_equal(icmp[1], code);
	return raw->bytes + hdr;
}

/* ---- addresses ---- */

static const struct address_case {
	const char *what;
	struct lull_addr a;
	bool v6;
} bad_sources[] = {
	{"any", {.b = {[10] = 0xff, [11] = 0xff}}, false},
	{"loopback", {.b = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1}}, false},
	{"loopback", {.b = {[10] = 0xff, [11] = 0xff, 127, 9, 9, 9}}, false},
	{"group", {.b = {[10] = 0xff, [11] = 0xff, 224, 0, 0, 1}}, false},
	{"group", {.b = {[10] = 0xff, [11] = 0xff, 239, 1, 2, 3}}, false},
	{"all", {.b = {[10] = 0xff, [11] = 0xff, 255, 255, 255, 255}}, false},
	{"ours", {.b = {[10] = 0xff, [11] = 0xff, 10, 9, 3, 2}}, false},
	{"any", {.b = {0}}, true},
	{"loopback", {.b = {[15] = 1}}, true},
	{"group", {.b = {0xff, 0x02, [15] = 1}}, true},
	{"ours", {.b = {0xfd, 0, 0, 9, 0, 3, [15] = 2}}, true},
};

/* MUST-63, RFC 1122 3.2.1.3: nobody can have sent this. */
static void bad_source_is_ignored(void **unused)
{
	static const uint8_t flags[] = {LULL_SYN, LULL_ACK, LULL_FIN};

	for (uint32_t i = 0; i < ARRAY_LEN(bad_sources); i++) {
		const struct address_case *c = &bad_sources[i];
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = c->v6});
		r.tuple.remote = c->a;
		for (uint32_t k = 0; k < ARRAY_LEN(flags); k++)
			rig_say(&r, flags[k], NULL, 0);
		put(&r, NOBODY, "12345678", 8);
		if (rig_discard(&r))
			fail_msg("source %u (%s) was answered", i, c->what);
		assert_int_equal(rig_drops(&r, LULL_DROP_IP_SOURCE), 4);
		assert_int_equal(rig_count(&r, LULL_COUNT_IP_IN_ADDR_ERRORS),
				 4);
		rig_close(&r);
	}
}

/* RFC 1122 3.2.1.3 (d): nor from the broadcast address of our own net. */
static void directed_broadcast_is_no_source(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	r.tuple.remote = addr4(10, 9, 3, 255);
	rig_say(&r, LULL_SYN, NULL, 0);
	silence(&r);
	rig_close(&r);
}

static const struct address_case not_ours[] = {
	{"neighbour", {.b = {[10] = 0xff, [11] = 0xff, 10, 9, 3, 3}}, false},
	{"group", {.b = {[10] = 0xff, [11] = 0xff, 224, 0, 0, 1}}, false},
	{"all", {.b = {[10] = 0xff, [11] = 0xff, 255, 255, 255, 255}}, false},
	{"our net", {.b = {[10] = 0xff, [11] = 0xff, 10, 9, 3, 255}}, false},
	{"loopback", {.b = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1}}, false},
	{"neighbour", {.b = {0xfd, 0, 0, 9, 0, 3, [15] = 3}}, true},
	{"group", {.b = {0xff, 0x02, [15] = 1}}, true},
	{"solicited", {.b = {0xff, 2, [11] = 1, 0xff, 0, 0, 2}}, true},
};

/* MUST-57, and an address of somebody else: neither TCP nor ICMP answers. */
static void other_destination_is_ignored(void **unused)
{
	for (uint32_t i = 0; i < ARRAY_LEN(not_ours); i++) {
		const struct address_case *c = &not_ours[i];
		uint8_t echo[64];
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = c->v6, .any = true});
		r.tuple.local = c->a;
		rig_say(&r, LULL_SYN, NULL, 0);
		rig_say(&r, LULL_ACK, NULL, 0);
		put(&r, NOBODY, "12345678", 8);
		put(&r, c->v6 ? ICMPV6 : ICMP, echo, build_echo(&r, 9, echo));
		if (rig_discard(&r))
			fail_msg("destination %u (%s) answered", i, c->what);
		assert_int_equal(rig_drops(&r, LULL_DROP_IP_NOT_OURS), 4);
		rig_close(&r);
	}
}

/* MUST-57: our net's broadcast is nobody's address to stand in for. */
static void transparent_takes_no_broadcast(void **unused)
{
	struct rig r;

	rig_open(&r,
		 &(struct rig_config){.any = true,
				      .listen_flags = LULL_LISTEN_TRANSPARENT});
	r.tuple.local = addr4(10, 9, 3, 255);
	rig_say(&r, LULL_SYN, NULL, 0);
	silence(&r);
	assert_int_equal(rig_drops(&r, LULL_DROP_IP_NOT_OURS), 1);
	r.tuple.local = addr4(10, 9, 4, 255); /* of another net: who knows */
	rig_say(&r, LULL_SYN, NULL, 0);
	rig_expect(&r, LULL_SYN | LULL_ACK);
	rig_close(&r);
}

/* Groups stay silent also for a program that stands in for everybody. */
static void transparent_takes_no_group(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		uint8_t echo[64];
		struct rig r;

		rig_open(&r, &(struct rig_config){
				     .v6 = v6,
				     .any = true,
				     .listen_flags = LULL_LISTEN_TRANSPARENT});
		r.tuple.local = v6 ? addr6(0xff, 1) : addr4(239, 0, 0, 1);
		rig_say(&r, LULL_SYN, NULL, 0);
		put(&r, v6 ? ICMPV6 : ICMP, echo, build_echo(&r, 9, echo));
		put(&r, NOBODY, "12345678", 8);
		silence(&r);
		/* A stranger's address is not ours to answer pings for. */
		r.tuple.local = v6 ? addr6(0x20, 7) : addr4(192, 0, 2, 7);
		put(&r, v6 ? ICMPV6 : ICMP, echo, build_echo(&r, 9, echo));
		put(&r, NOBODY, "12345678", 8);
		silence(&r);
		rig_close(&r);
	}
}

static void whole_prefix_is_ours(void **unused)
{
	uint8_t echo[64];
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	assert_int_equal(
		lull_addr_add(r.s,
			      (struct lull_prefix){addr4(10, 77, 128, 1), 113},
			      true),
		0);
	r.tuple.local = addr4(10, 77, 255, 9);
	put(&r, ICMP, echo, build_echo(&r, 3, echo));
	expect_icmp(&r, 0, 0);
	r.tuple.local = addr4(10, 77, 127, 255); /* one below the prefix */
	put(&r, ICMP, echo, build_echo(&r, 3, echo));
	silence(&r);
	rig_close(&r);
}

static void own_addresses_are_checked(void **unused)
{
	const struct {
		struct lull_prefix prefix;
		int result;
	} t[] = {
		{{addr4(10, 0, 0, 1), 129}, -EINVAL},
		{{addr4(224, 0, 0, 1), 128}, -EINVAL},
		{{addr4(255, 255, 255, 255), 128}, -EINVAL},
		{{addr4(0, 0, 0, 0), 128}, -EINVAL},
		{{addr6(0xff, 1), 128}, -EINVAL},
		{{addr6(0, 0), 0}, -EINVAL},
		{{addr4(10, 0, 0, 1), 0}, 0},
		{{addr4(10, 0, 0, 2), 128}, 0},
	};
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	for (uint32_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(lull_addr_add(r.s, t[i].prefix, false),
				 t[i].result);
	for (uint8_t i = 3; i < 64; i++) /* three are there already */
		assert_int_equal(lull_addr_add(r.s,
					       (struct lull_prefix){
						       addr4(10, 1, 0, i), 128},
					       false),
				 0);
	assert_int_equal(
		lull_addr_add(r.s,
			      (struct lull_prefix){addr4(10, 1, 1, 1), 128},
			      false),
		-ENOSPC);
	rig_close(&r);
}

/* ---- echo ---- */

/* RFC 1122 3.2.2.6, RFC 4443 4.2: all of the data, number and identifier. */
static void echo_is_answered(void **unused)
{
	static const uint32_t lens[] = {0, 1, 2, 3, 8, 55, 56, 57, 1001, 1400};

	for (int v6 = 0; v6 < 2; v6++)
		for (uint32_t i = 0; i < ARRAY_LEN(lens); i++) {
			uint8_t echo[1500];
			uint32_t n;
			struct rig r;

			rig_open(&r, &(struct rig_config){.v6 = v6});
			n = build_echo(&r, lens[i], echo);
			put(&r, v6 ? ICMPV6 : ICMP, echo, n);
			assert_memory_equal(expect_icmp(&r, v6 ? 129 : 0, 0) +
						    4,
					    echo + 4, n - 4);
			silence(&r);
			assert_int_equal(
				rig_count(&r, LULL_COUNT_ICMP_OUT_ECHO_REPS),
				1);
			assert_int_equal(
				rig_count(&r, LULL_COUNT_ICMP_OUT_MSGS), 1);
			rig_close(&r);
		}
}

/* Frames are padded by links; only what the header says is the packet. */
static void padding_is_no_data(void **unused)
{
	uint8_t packet[256] = {0}, echo[64];
	const struct rig_raw *raw;
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	rig_ip(&r, ICMP, echo, build_echo(&r, 5, echo), packet);
	rig_packet(&r, packet, 60);
	raw = rig_get_raw(&r);
	assert_non_null(raw);
	assert_int_equal(raw->len, 20 + 8 + 5);
	rig_close(&r);
}

/* RFC 1122 3.2.2: the reply has the request's type of service. */
static void echo_keeps_the_tos(void **unused)
{
	uint8_t packet[256], echo[64];
	const struct rig_raw *raw;
	struct rig r;
	uint32_t n;

	rig_open(&r, &(struct rig_config){.v6 = true});
	n = rig_ip(&r, ICMPV6, echo, build_echo(&r, 5, echo), packet);
	packet[0] = 0x6b; /* traffic class 0xb8 */
	packet[1] = 0x80;
	rig_packet(&r, packet, n);
	raw = rig_get_raw(&r);
	assert_non_null(raw);
	assert_int_equal(raw->bytes[0], 0x6b);
	assert_int_equal(raw->bytes[1] & 0xf0, 0x80);
	rig_close(&r);
}

static void echo_is_refused(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		uint8_t proto = v6 ? ICMPV6 : ICMP, echo[64];
		struct rig r;
		uint32_t n;

		rig_open(&r, &(struct rig_config){.v6 = v6});
		n = build_echo(&r, 5, echo);
		echo[3] ^= 1;
		put(&r, proto, echo, n);
		assert_int_equal(rig_drops(&r, LULL_DROP_ICMP_CHECKSUM), 1);
		build_echo(&r, 0, echo);
		put(&r, proto, echo, 7);
		assert_int_equal(rig_drops(&r, LULL_DROP_ICMP_SHORT), 1);
		assert_int_equal(rig_count(&r, LULL_COUNT_ICMP_IN_ERRORS), 2);
		rig_knob(&r, "net.ipv4.icmp_echo_ignore_all", "1");
		put(&r, proto, echo, build_echo(&r, 5, echo));
		silence(&r);
		assert_int_equal(rig_count(&r, LULL_COUNT_ICMP_IN_ECHOS), 1);
		rig_knob(&r, "net.ipv4.icmp_echo_ignore_all", "0");
		put(&r, proto, echo, build_echo(&r, 5, echo));
		expect_icmp(&r, v6 ? 129 : 0, 0);
		rig_close(&r);
	}
}

/* A reply, a redirect, a quench (MUST-55): nothing is asked of us. */
static void other_icmp_is_ignored(void **unused)
{
	static const uint8_t types4[] = {0, 4, 5, 9, 13, 17, 99};
	static const uint8_t types6[] = {129, 133, 134, 137, 200};

	for (int v6 = 0; v6 < 2; v6++)
		for (uint32_t i = 0; i < (v6 ? sizeof types6 : sizeof types4);
		     i++) {
			struct rig r;

			rig_open(&r, &(struct rig_config){.v6 = v6});
			rig_reach(&r, LULL_TCP_SYN_SENT, true);
			rig_icmp(&r,
				 (struct rig_icmp){v6 ? types6[i] : types4[i],
						   0, 0},
				 lull_seq(RIG_ISS));
			silence(&r);
			assert_int_equal(rig_state(&r), LULL_TCP_SYN_SENT);
			assert_int_equal(rig_drops(&r, LULL_DROP_ICMP_UNKNOWN),
					 1);
			rig_close(&r);
		}
}

/* ---- unknown protocols ---- */

/* RFC 1122 3.2.2.1: protocol unreachable, with what it was about. */
static void unknown_protocol_v4(void **unused)
{
	static const uint8_t protos[] = {UDP, NOBODY, 2, 255, ICMPV6};
	uint8_t packet[64];
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	for (uint32_t i = 0; i < sizeof protos; i++) {
		uint32_t n = rig_ip(&r, protos[i], "12345678abc", 11, packet);
		const uint8_t *icmp;

		rig_packet(&r, packet, n);
		icmp = expect_icmp(&r, 3, 2);
		assert_memory_equal(icmp + 4, "\0\0\0", 4);
		/* 3.2.2: the header and at least eight bytes of it. */
		assert_memory_equal(icmp + 8, packet, 28);
		silence(&r);
	}
	assert_int_equal(rig_count(&r, LULL_COUNT_IP_IN_UNKNOWN_PROTOS),
			 sizeof protos);
	rig_close(&r);
}

/* 59 says that nothing follows in IPv6 only. */
static void no_next_header_is_unknown_in_v4(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	put(&r, NO_NEXT, "12345678", 8);
	expect_icmp(&r, 3, 2);
	rig_close(&r);
}

/* RFC 8200 4, RFC 4443 3.4: code 1, a pointer at the number. */
static void unknown_next_header_v6(void **unused)
{
	static const uint8_t destination[16] = {NOBODY, 0, 1, 4, [8] = 'x'};
	const struct {
		uint8_t proto;
		const void *payload;
		uint32_t len, pointer;
	} t[] = {
		{NOBODY, "12345678", 8, 6},
		{UDP, "12345678", 8, 6},
		{ICMP, "\10\0\0\0\0\0\0\0", 8, 6},
		{DESTINATION, destination, 16, 40},
		{NOBODY, "", 0, 6},
	};
	uint8_t packet[128];
	struct rig r;

	rig_open(&r, &(struct rig_config){.v6 = true});
	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		uint32_t n =
			rig_ip(&r, t[i].proto, t[i].payload, t[i].len, packet);
		const uint8_t *icmp;

		rig_packet(&r, packet, n);
		icmp = expect_icmp(&r, 4, 1);
		assert_int_equal(icmp[4] << 24 | icmp[5] << 16 | icmp[6] << 8 |
					 icmp[7],
				 t[i].pointer);
		assert_memory_equal(icmp + 8, packet, n);
		silence(&r);
	}
	/* 59: nothing follows, and that is all right. */
	put(&r, NO_NEXT, "12345678", 8);
	silence(&r);
	rig_close(&r);
}

/* RFC 1812 4.3.2.3, RFC 4443 2.4(c): 576 and 1280 bytes, no more. */
static void errors_quote_what_fits(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		uint8_t packet[1500] = {0}, text[1400] = {0};
		const struct rig_raw *raw;
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = v6});
		rig_packet(&r, packet,
			   rig_ip(&r, NOBODY, text, sizeof text, packet));
		raw = rig_get_raw(&r);
		assert_non_null(raw);
		assert_int_equal(raw->len, v6 ? 1280 : 576);
		rig_close(&r);
	}
}

/* ---- where no error may be sent ---- */

/* RFC 6946: the only fragment is all of the packet. */
static void atomic_fragment_is_whole(void **unused)
{
	uint8_t payload[64] = {ICMPV6, 0, 0, 0, 1, 2, 3, 4};
	struct rig r;
	uint32_t n;

	rig_open(&r, &(struct rig_config){.v6 = true});
	n = build_echo(&r, 5, payload + 8);
	put(&r, FRAGMENT, payload, 8 + n);
	expect_icmp(&r, 129, 0);
	rig_close(&r);
}

/* RFC 8200 4.2: the two highest bits of an option that we don't know. */
static void options_say_what_they_want(void **unused)
{
	static const struct {
		uint8_t type;
		bool passes, error;
	} t[] = {
		{0x1e, true, false},  {0x3e, true, false}, {0x40, false, false},
		{0x7e, false, false}, {0x80, false, true}, {0x9e, false, true},
		{0xc0, false, true},  {0xfe, false, true},
	};
	static const uint8_t kinds[] = {HOP_BY_HOP, DESTINATION};

	for (uint32_t i = 0; i < 2 * ARRAY_LEN(t); i++) {
		uint8_t type = t[i / 2].type, payload[80] = {ICMPV6, 1};
		const uint8_t *icmp;
		struct rig r;
		uint32_t n;

		rig_open(&r, &(struct rig_config){.v6 = true});
		payload[2] = 1; /* padding of three bytes */
		payload[3] = 1;
		payload[5] = type;
		payload[6] = 2;
		payload[9] = 1;
		payload[10] = 4;
		n = build_echo(&r, 5, payload + 16);
		put(&r, kinds[i % 2], payload, 16 + n);
		if (t[i / 2].passes)
			expect_icmp(&r, 129, 0);
		if (t[i / 2].error) {
			icmp = expect_icmp(&r, 4, 2);
			assert_memory_equal(icmp + 4, "\0\0\0\55", 4);
		}
		silence(&r);
		assert_int_equal(rig_drops(&r, LULL_DROP_IP_OPTION),
				 !t[i / 2].passes);
		rig_close(&r);
	}
}

/* RFC 4443 2.4(e.1): never about an error, whatever stands before it. */
static void no_error_about_an_error(void **unused)
{
	static const uint8_t types[] = {1, 2, 3, 4, 100, 127};

	for (uint32_t i = 0; i < sizeof types; i++) {
		uint8_t payload[80] = {ICMPV6, 0, 0x80, 4};
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = true});
		payload[8] = types[i];
		rig_icmp_sum(&r, payload + 8, 64);
		put(&r, DESTINATION, payload, 72);
		if (rig_get_raw(&r))
			fail_msg("an error was sent about type %u", types[i]);
		rig_close(&r);
	}
}

/*
 * Linux's icmp_msgs_burst at once, icmp_msgs_per_sec in the long run; a pause
 * is worth a second, however long it was (icmp_global_allow()).
 */
static void errors_are_limited(void **unused)
{
	static const struct {
		uint32_t pass_ms, errors;
	} t[] = {{0, 3}, {1, 0}, {999, 2}, {500, 1}, {20000, 2}, {0, 0}};
	struct rig r;
	uint64_t limited = 0;

	rig_open(&r, &(struct rig_config){
			     .sysctl = {"net.ipv4.icmp_msgs_per_sec=2",
					"net.ipv4.icmp_msgs_burst=3"}});
	rig_align(&r);
	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		uint32_t errors = 0;

		rig_pass_ms(&r, t[i].pass_ms);
		for (uint32_t k = 0; k < 10; k++)
			put(&r, NOBODY, "12345678", 8);
		while (rig_get_raw(&r))
			errors++;
		assert_int_equal(errors, t[i].errors);
		limited += 10 - errors;
		assert_int_equal(rig_count(&r,
					   LULL_COUNT_ICMP_OUT_RATE_LIMITED),
				 limited);
	}
	rig_close(&r);
}

/* ---- source routes ---- */

/* Options of IPv4 are passed over (MUST-50), source routes refused. */
static void ipv4_options(void **unused)
{
	static const struct {
		uint8_t option[8];
		enum lull_drop why;
	} t[] = {
		{{7, 7, 4, 0, 0, 0, 0, 0}, LULL_DROP_NONE},   /* record route */
		{{68, 8, 5, 0, 0, 0, 0, 0}, LULL_DROP_NONE},  /* timestamp */
		{{1, 1, 1, 1, 148, 4, 0, 0}, LULL_DROP_NONE}, /* alert */
		{{99, 8, 1, 2, 3, 4, 5, 6}, LULL_DROP_NONE},  /* unknown */
		{{0, 131, 131, 131, 131, 1, 1, 1}, LULL_DROP_NONE},
		{{131, 7, 4, 10, 9, 3, 9, 0}, LULL_DROP_IP_SOURCE_ROUTE},
		{{137, 7, 4, 10, 9, 3, 9, 0}, LULL_DROP_IP_SOURCE_ROUTE},
		{{1, 137, 7, 4, 10, 9, 3, 9}, LULL_DROP_IP_SOURCE_ROUTE},
		{{7, 9, 4, 0, 0, 0, 0, 0}, LULL_DROP_IP_HEADER},
		{{7, 1, 4, 0, 0, 0, 0, 0}, LULL_DROP_IP_HEADER},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		uint8_t packet[128], echo[64];
		uint32_t n, sum = 0;
		struct rig r;

		rig_open(&r, &(struct rig_config){0});
		n = build_echo(&r, 5, echo);
		rig_ip(&r, ICMP, echo, n, packet);
		memcpy(packet + 20, t[i].option, 8);
		memcpy(packet + 28, echo, n);
		packet[0] = 0x47;
		packet[3] = (uint8_t)(28 + n);
		packet[10] = packet[11] = 0;
		for (uint32_t k = 0; k < 28; k += 2)
			sum += (uint32_t)(packet[k] << 8 | packet[k + 1]);
		sum = ~((sum & 0xffff) + (sum >> 16));
		packet[10] = (uint8_t)(sum >> 8);
		packet[11] = (uint8_t)sum;
		rig_packet(&r, packet, 28 + n);
		if (!t[i].why)
			expect_icmp(&r, 0, 0);
		silence(&r);
		assert_int_equal(rig_drops(&r, t[i].why), !!t[i].why);
		rig_close(&r);
	}
}

/* An echo request behind a routing header; is it dropped? */
static void put_routing(struct rig *r, uint8_t kind, uint8_t left)
{
	uint8_t payload[96] = {ICMPV6, 2, kind, left};
	uint32_t n;

	rig_open(r, &(struct rig_config){.v6 = true});
	n = build_echo(r, 5, payload + 24);
	put(r, ROUTING, payload, 24 + n);
	assert_int_equal(rig_drops(r, LULL_DROP_IP_SOURCE_ROUTE), left > 0);
}

static const uint8_t routing_kinds[] = {0, 4, 253};

/* RFC 5095, RFC 8200 4.4: no segments left: passed over; else refused. */
static void routing_headers(void **unused)
{
	for (uint32_t i = 0; i < sizeof routing_kinds; i++) {
		struct rig r;

		put_routing(&r, routing_kinds[i], 0);
		expect_icmp(&r, 129, 0);
		silence(&r);
		rig_close(&r);
		put_routing(&r, routing_kinds[i], 1);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* RFC 5095 3: and the sender is told: code 0, at the type. */
static void routing_headers_are_told(void **unused)
{
	for (uint32_t i = 0; i < sizeof routing_kinds; i++) {
		struct rig r;

		put_routing(&r, routing_kinds[i], 1);
		assert_memory_equal(expect_icmp(&r, 4, 0) + 4, "\0\0\0\52", 4);
		rig_close(&r);
	}
}

/* MUST-49, and RFC 7323 5.7: our own headers. */
static void headers_of_ours(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		const struct rig_raw *raw;
		struct rig r;

		rig_open(&r, &(struct rig_config){
				     .v6 = v6,
				     .sysctl = {"net.ipv4.ip_default_ttl=9"}});
		rig_syn(&r, LULL_SYN);
		raw = rig_get_raw(&r);
		assert_non_null(raw);
		assert_int_equal(raw->bytes[v6 ? 7 : 8], 9);
		if (!v6)
			assert_int_equal(raw->bytes[6] << 8 | raw->bytes[7],
					 0x4000);
		assert_int_equal(rig_count(&r, LULL_COUNT_IP_OUT_REQUESTS), 1);
		assert_int_equal(rig_count(&r, LULL_COUNT_IP_IN_RECEIVES), 1);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_source_is_ignored),
		cmocka_unit_test(directed_broadcast_is_no_source),
		cmocka_unit_test(other_destination_is_ignored),
		cmocka_unit_test(transparent_takes_no_broadcast),
		cmocka_unit_test(transparent_takes_no_group),
		cmocka_unit_test(whole_prefix_is_ours),
		cmocka_unit_test(own_addresses_are_checked),
		cmocka_unit_test(echo_is_answered),
		cmocka_unit_test(padding_is_no_data),
		cmocka_unit_test(echo_keeps_the_tos),
		cmocka_unit_test(echo_is_refused),
		cmocka_unit_test(other_icmp_is_ignored),
		cmocka_unit_test(unknown_protocol_v4),
		cmocka_unit_test(no_next_header_is_unknown_in_v4),
		cmocka_unit_test(unknown_next_header_v6),
		cmocka_unit_test(errors_quote_what_fits),
		cmocka_unit_test(atomic_fragment_is_whole),
		cmocka_unit_test(options_say_what_they_want),
		cmocka_unit_test(no_error_about_an_error),
		cmocka_unit_test(errors_are_limited),
		cmocka_unit_test(ipv4_options),
		cmocka_unit_test(routing_headers),
		cmocka_unit_test(routing_headers_are_told),
		cmocka_unit_test(headers_of_ours),
	};

	return RUN("ip", tests);
}
