/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_reass.c: fragments become packets, and hostile ones nothing: RFC 791,
 * 815, 1122 3.3.2, 3168 5.3, 5722, 6946, 7112, 8200 4.5.
 */
#include "pieces.h"

static struct payload p; /* what is sent in pieces */

static void silence(struct rig *r)
{
	assert_null(rig_get_raw(r));
}

/* The reply to an echo of `len` bytes has come, in one packet. */
static void expect_reply(struct rig *r, uint32_t len)
{
	const struct rig_raw *raw = rig_get_raw(r);
	uint32_t hdr = r->config.v6 ? 40 : 20;

	if (!raw)
		fail_msg("no reply came");
	assert_int_equal(raw->len, hdr + 8 + len);
	assert_int_equal(raw->bytes[hdr], r->config.v6 ? 129 : 0);
	rig_same(raw->bytes + hdr + 8, len, 0);
}

/* An ICMP error, and what it quotes begins with these bytes of the packet. */
static void expect_error(struct rig *r, uint8_t type, uint8_t code,
			 uint32_t pointer)
{
	const struct rig_raw *raw = rig_get_raw(r);
	uint32_t hdr = r->config.v6 ? 40 : 20;

	if (!raw)
		fail_msg("no error came");
	assert_int_equal(raw->bytes[hdr], type);
	assert_int_equal(raw->bytes[hdr + 1], code);
	assert_int_equal(raw->bytes[hdr + 7], r->config.v6 ? pointer : 0);
	assert_int_equal(raw->bytes[hdr + 8] >> 4, r->config.v6 ? 6 : 4);
	silence(r);
}

static const struct lull_pool *pool(const struct rig *r, const char *name)
{
	static struct lull_pool found;

	for (uint32_t i = 0; lull_diag_pool(r->s, i, &found); i++)
		if (strcmp(found.name, name) == 0)
			return &found;
	fail_msg("no pool of this name");
	return NULL;
}

static uint64_t reqds(const struct rig *r)
{
	return rig_count(r, r->config.v6 ? LULL_COUNT_IP6_REASM_REQDS
					 : LULL_COUNT_IP_REASM_REQDS);
}

static uint64_t oks(const struct rig *r)
{
	return rig_count(r, r->config.v6 ? LULL_COUNT_IP6_REASM_OKS
					 : LULL_COUNT_IP_REASM_OKS);
}

static uint64_t fails(const struct rig *r)
{
	return rig_count(r, r->config.v6 ? LULL_COUNT_IP6_REASM_FAILS
					 : LULL_COUNT_IP_REASM_FAILS);
}

static uint64_t timeouts(const struct rig *r)
{
	return rig_count(r, r->config.v6 ? LULL_COUNT_IP6_REASM_TIMEOUT
					 : LULL_COUNT_IP_REASM_TIMEOUT);
}

/* ---- what is whole ---- */

static void pieces_come_in_any_order(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = v6});
		payload_echo(&r, 1000, &p);
		for (uint32_t order = 0; order < 256; order++) {
			uint32_t seen = 0;

			for (int i = 0; i < 8; i += 2)
				seen |= 1U << (order >> i & 3);
			if (seen != 15)
				continue;
			for (int i = 0; i < 8; i += 2) {
				uint32_t k = order >> i & 3;

				silence(&r);
				piece_put(&r, &p,
					  (struct piece){.off = k * 256,
							 .len = k < 3 ? 256
								      : 240,
							 .more = k < 3,
							 .id = order});
			}
			expect_reply(&r, 1000);
			assert_int_equal(pool(&r, "reassembly")->used, 0);
		}
		assert_int_equal(reqds(&r), 24 * 4);
		assert_int_equal(oks(&r), 24);
		assert_int_equal(fails(&r), 0);
		rig_close(&r);
	}
}

/* TCP sees one packet: one segment of 4,000 bytes for the program. */
static void segment_of_pieces(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		uint8_t text[4000], packet[8192];
		struct rig_config c = {.v6 = v6, .mtu = 1500};
		uint32_t hdr = v6 ? 40 : 20;
		struct rig r;

		rig_open(&r, &c);
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		for (uint32_t i = 0; i < sizeof text; i++)
			text[i] = rig_byte(i);
		p.len = rig_build(&r, LULL_ACK, r.seq, r.ack, text, sizeof text,
				  packet) -
			hdr;
		p.proto = PIECES_TCP;
		memcpy(p.bytes, packet + hdr, p.len);
		pieces_put(&r, &p, 1440, 7);
		rig_pass_ms(&r, 300);
		assert_int_equal(rig_expect(&r, LULL_ACK).seg.ack.v,
				 r.seq.v + 4000);
		assert_int_equal(rig_read(&r, text, sizeof text), 4000);
		rig_same(text, 4000, 0);
		rig_close(&r);
	}
}

/* RFC 8200 5: 1,500 bytes must do; all do that a link can bring. */
static void largest_packet(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		uint32_t hdr = v6 ? 40 : 20;
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = v6, .mtu = 65535});
		payload_echo(&r, 65535 - hdr - 8, &p);
		pieces_put(&r, &p, 1280, 1);
		expect_reply(&r, 65535 - hdr - 8);
		/* One byte more is no packet. */
		payload_echo(&r, 65535 - hdr - 8, &p);
		p.bytes[p.len++] = 0;
		pieces_put(&r, &p, 1280, 2);
		silence(&r);
		assert_int_equal(rig_drops(&r, LULL_DROP_IP_FRAGMENT_LONG), 1);
		rig_pass_ms(&r, 60000);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* Headers of a first fragment may be longer than those of the others. */
static void headers_are_those_of_the_first(void **unused)
{
	uint8_t packet[256], options[24] = {PIECES_FRAGMENT, 0, 1, 4};
	struct rig r;
	uint32_t n;

	rig_open(&r, &(struct rig_config){.v6 = true});
	payload_echo(&r, 100, &p);
	piece_put(&r, &p, (struct piece){.off = 64, .len = 44, .id = 1});
	n = piece_build(&r, p.proto, p.bytes,
			(struct piece){.len = 64, .more = true, .id = 1},
			packet);
	memmove(packet + 48, packet + 40, n - 40);
	memcpy(packet + 40, options, 8); /* destination options, all padding */
	packet[6] = 60;
	packet[5] = (uint8_t)(packet[5] + 8);
	rig_packet(&r, packet, n + 8);
	expect_reply(&r, 100);

	/* And what is in pieces may begin with headers, too. */
	memmove(p.bytes + 8, p.bytes, p.len);
	memcpy(p.bytes, options, 8);
	p.bytes[0] = PIECES_ICMPV6;
	p.len += 8;
	p.proto = 60;
	pieces_put(&r, &p, 64, 2);
	expect_reply(&r, 100);
	rig_close(&r);
}

/* RFC 791 3.2, 8200 4.5: source, destination, id; of IPv4 the protocol too. */
static void others_pieces_are_no_part(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct piece last = {.off = 64, .len = 44, .id = 5};
		struct piece first = {.len = 64, .more = true, .id = 5};
		struct lull_addr peer;
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = v6});
		peer = r.tuple.remote;
		payload_echo(&r, 100, &p);
		piece_put(&r, &p, first);
		last.id = 6;
		piece_put(&r, &p, last);
		silence(&r);
		last.id = 5;
		r.tuple.remote.b[15] = 77;
		piece_put(&r, &p, last);
		silence(&r);
		r.tuple.remote = peer;
		p.proto = 17;
		if (!v6)
			piece_put(&r, &p, last);
		silence(&r);
		payload_echo(&r, 100, &p);
		piece_put(&r, &p, last);
		expect_reply(&r, 100);
		assert_int_equal(oks(&r), 1);
		rig_close(&r);
	}
}

/* RFC 6946: an atomic one meets no other, whatever its id. */
static void atomic_fragment_is_alone(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.v6 = true});
	payload_echo(&r, 100, &p);
	piece_put(&r, &p, (struct piece){.len = 64, .more = true, .id = 5});
	piece_put(&r, &p, (struct piece){.len = 108, .id = 5});
	expect_reply(&r, 100);
	assert_int_equal(reqds(&r), 1);
	piece_put(&r, &p, (struct piece){.off = 64, .len = 44, .id = 5});
	expect_reply(&r, 100);
	rig_close(&r);
}

/* RFC 3168 5.3: one mark marks all; without ECN there can't be one. */
static void marks_are_not_lost(void **unused)
{
	static const struct {
		uint8_t first, last;
		int reply; /* its ECN bits, or below 0: none */
	} t[] = {{0, 0, 0}, {2, 2, 2},	{1, 1, 1},  {2, 3, 3}, {3, 1, 3},
		 {3, 3, 3}, {0, 3, -1}, {2, 0, -1}, {0, 1, -1}};

	for (uint32_t i = 0; i < 2 * ARRAY_LEN(t); i++) {
		bool v6 = i & 1;
		const struct rig_raw *raw;
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = v6});
		payload_echo(&r, 100, &p);
		piece_put(&r, &p,
			  (struct piece){.len = 64,
					 .more = true,
					 .id = 5,
					 .tos = t[i / 2].first});
		piece_put(&r, &p,
			  (struct piece){.off = 64,
					 .len = 44,
					 .id = 5,
					 .tos = t[i / 2].last});
		raw = rig_get_raw(&r);
		assert_int_equal(!!raw, t[i / 2].reply >= 0);
		if (raw)
			assert_int_equal(v6 ? raw->bytes[1] >> 4 & 3
					    : raw->bytes[1] & 3,
					 t[i / 2].reply);
		assert_int_equal(rig_drops(&r, LULL_DROP_IP_FRAGMENT_ECN),
				 !raw);
		rig_close(&r);
	}
}

/* ---- what is refused ---- */

struct hostile {
	const char *what;
	struct piece there[3], then;
	uint8_t other; /* what its bytes differ by */
};

static const struct hostile overlaps[] = {
	/* 128 bytes of header and echo, in pieces of 32 */
	{"teardrop",
	 {{.off = 0, .len = 64, .more = true}},
	 {.off = 8, .len = 24, .more = false},
	 0},
	{"the first again, longer",
	 {{.off = 0, .len = 32, .more = true}},
	 {.off = 0, .len = 40, .more = true},
	 0},
	{"the first again, shorter",
	 {{.off = 0, .len = 32, .more = true}},
	 {.off = 0, .len = 24, .more = true},
	 0},
	{"the same, other bytes",
	 {{.off = 0, .len = 32, .more = true}},
	 {.off = 0, .len = 32, .more = true},
	 1},
	{"its last unit",
	 {{.off = 0, .len = 32, .more = true}},
	 {.off = 24, .len = 32, .more = true},
	 0},
	{"the next one's first",
	 {{.off = 32, .len = 32, .more = true}},
	 {.off = 8, .len = 32, .more = true},
	 0},
	{"inside of one",
	 {{.off = 0, .len = 64, .more = true}},
	 {.off = 16, .len = 16, .more = true},
	 0},
	{"around one",
	 {{.off = 32, .len = 32, .more = true}},
	 {.off = 8, .len = 96, .more = true},
	 0},
	{"across two",
	 {{.off = 0, .len = 32, .more = true},
	  {.off = 64, .len = 32, .more = true}},
	 {.off = 24, .len = 48, .more = true},
	 0},
	{"the gap and more",
	 {{.off = 0, .len = 32, .more = true},
	  {.off = 64, .len = 32, .more = true}},
	 {.off = 32, .len = 40, .more = true},
	 0},
	{"the end, later",
	 {{.off = 96, .len = 32, .more = false}},
	 {.off = 96, .len = 40, .more = false},
	 0},
	{"another end",
	 {{.off = 96, .len = 32, .more = false}},
	 {.off = 128, .len = 8, .more = false},
	 0},
	{"the end, earlier",
	 {{.off = 96, .len = 32, .more = true}},
	 {.off = 64, .len = 32, .more = false},
	 0},
	{"an end before what is there",
	 {{.off = 96, .len = 32, .more = false}},
	 {.off = 8, .len = 32, .more = false},
	 0},
	{"beyond the end",
	 {{.off = 96, .len = 32, .more = false}},
	 {.off = 128, .len = 32, .more = true},
	 0},
	{"up to the end, and more",
	 {{.off = 96, .len = 32, .more = false}},
	 {.off = 64, .len = 32, .more = false},
	 0},
};

/* RFC 5722 4, in both versions: all of it is dropped, and what follows too. */
static void overlap_ends_the_datagram(void **unused)
{
	for (uint32_t i = 0; i < 2 * ARRAY_LEN(overlaps); i++) {
		const struct hostile *h = &overlaps[i / 2];
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = i & 1});
		payload_echo(&r, 120, &p);
		for (int k = 0; k < 3 && h->there[k].len; k++)
			piece_put(&r, &p, h->there[k]);
		assert_int_equal(fails(&r), 0);
		p.bytes[h->then.off + 9] ^= h->other;
		piece_put(&r, &p, h->then);
		p.bytes[h->then.off + 9] ^= h->other;
		if (rig_drops(&r, LULL_DROP_IP_FRAGMENT_OVERLAP) != 1)
			fail_msg("%s: was taken", h->what);
		assert_int_equal(fails(&r), 1);
		pieces_put(&r, &p, 32, 0);
		silence(&r);
		assert_int_equal(rig_drops(&r, LULL_DROP_IP_FRAGMENT_LATE), 4);
		/* No buffer is held, and nothing is ever said. */
		assert_int_equal(r.s->ip.reass.charge[i & 1], 0);
		rig_pass_ms(&r, 61000);
		silence(&r);
		assert_int_equal(pool(&r, "reassembly")->used, 0);
		/* With that its id is free again. */
		pieces_put(&r, &p, 32, 0);
		expect_reply(&r, 120);
		rig_close(&r);
	}
}

/* RFC 8200 4.5: an exact copy is no overlap. */
static void exact_copy_is_ignored(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = v6});
		payload_echo(&r, 120, &p);
		piece_put(&r, &p,
			  (struct piece){.off = 32, .len = 32, .more = true});
		piece_put(&r, &p,
			  (struct piece){.off = 32, .len = 32, .more = true});
		piece_put(&r, &p,
			  (struct piece){.off = 96, .len = 32, .more = false});
		piece_put(&r, &p,
			  (struct piece){.off = 96, .len = 32, .more = false});
		piece_put(&r, &p,
			  (struct piece){.off = 0, .len = 32, .more = true});
		piece_put(&r, &p,
			  (struct piece){.off = 0, .len = 32, .more = true});
		assert_int_equal(rig_drops(&r, LULL_DROP_IP_FRAGMENT_COPY), 3);
		assert_int_equal(fails(&r), 0);
		piece_put(&r, &p,
			  (struct piece){.off = 64, .len = 32, .more = true});
		expect_reply(&r, 120);
		rig_close(&r);
	}
}

/* Empty, no multiple of 8, too far out: alone they are nothing. */
static void impossible_fragments(void **unused)
{
	static const struct {
		struct piece f;
		enum lull_drop why;
		int pointer; /* of ICMPv6's parameter problem, or below 0 */
	} t[] = {
		{{.off = 0, .len = 0, .more = true}, LULL_DROP_IP_FRAGMENT, -1},
		{{.off = 64, .len = 0, .more = false},
		 LULL_DROP_IP_FRAGMENT,
		 -1},
		{{.off = 0, .len = 63, .more = true}, LULL_DROP_IP_FRAGMENT, 4},
		{{.off = 64, .len = 9, .more = true},
		 LULL_DROP_IP_FRAGMENT,
		 -1},
		{{.off = 65528, .len = 8, .more = false},
		 LULL_DROP_IP_FRAGMENT_LONG,
		 -1},
		{{.off = 65528, .len = 8, .more = true},
		 LULL_DROP_IP_FRAGMENT_LONG,
		 -1},
		{{.off = 65520, .len = 7, .more = false},
		 LULL_DROP_IP_FRAGMENT_LONG,
		 -1},
	};

	for (uint32_t i = 0; i < 2 * ARRAY_LEN(t); i++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = i & 1});
		payload_echo(&r, 120, &p);
		piece_put(&r, &p, t[i / 2].f);
		assert_int_equal(rig_drops(&r, t[i / 2].why), 1);
		assert_int_equal(fails(&r), 1);
		if (i & 1 && t[i / 2].pointer >= 0)
			expect_error(&r, 4, 0, (uint32_t)t[i / 2].pointer);
		silence(&r);
		assert_int_equal(pool(&r, "reassembly")->used, 0);
		/* Of TCP's pieces each may be told of: none is an error. */
		p.proto = PIECES_TCP;
		piece_put(&r, &p, t[i / 2].f);
		if (i & 1 && t[i / 2].f.len)
			expect_error(
				&r, 4, 0,
				t[i / 2].why == LULL_DROP_IP_FRAGMENT ? 4 : 42);
		silence(&r);
		rig_close(&r);
	}
}

/* RFC 7112 5, 8200 4.5: the first one has all headers, or is none. */
static void first_has_all_headers(void **unused)
{
	static const uint8_t short_of[] = {16, 8, 8};
	static const uint8_t proto[] = {PIECES_TCP, 60, 43};

	for (uint32_t i = 0; i < 3; i++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = true});
		memset(p.bytes, 0, 64);
		p.bytes[0] = PIECES_TCP;
		p.bytes[1] = 1; /* extension headers: 16 bytes */
		p.proto = proto[i];
		piece_put(&r, &p,
			  (struct piece){
				  .off = 0, .len = short_of[i], .more = true});
		assert_int_equal(rig_drops(&r, LULL_DROP_IP_FRAGMENT_HEADERS),
				 1);
		if (proto[i] == PIECES_TCP)
			expect_error(&r, 4, 3, 0);
		silence(&r);
		assert_int_equal(pool(&r, "reassembly")->used, 0);
		rig_close(&r);
	}
}

/* What was in pieces can't be a piece: no packet is put together for ever. */
static void no_fragment_in_a_fragment(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.v6 = true});
	payload_echo(&r, 120, &p);
	memmove(p.bytes + 8, p.bytes, p.len);
	memset(p.bytes, 0, 8);
	p.bytes[0] = p.proto;
	p.bytes[3] = 1;
	p.len += 8;
	p.proto = PIECES_FRAGMENT;
	pieces_put(&r, &p, 64, 1);
	silence(&r);
	assert_int_equal(rig_drops(&r, LULL_DROP_IP_FRAGMENT), 1);
	assert_int_equal(pool(&r, "reassembly")->used, 0);
	rig_close(&r);
}

static void many(struct lull_limits *l)
{
	l->bufs_256 = 1024;
}

/* Tiny ones are taken, up to 128 of a packet. */
static void too_many_pieces(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = v6, .limits = many});
		payload_echo(&r, 128 * 8 - 8, &p);
		pieces_put(&r, &p, 8, 1);
		expect_reply(&r, 128 * 8 - 8);
		payload_echo(&r, 129 * 8 - 8, &p);
		pieces_put(&r, &p, 8, 2);
		silence(&r);
		assert_int_equal(rig_drops(&r, LULL_DROP_IP_FRAGMENT_MANY), 1);
		rig_close(&r);
	}
}

/* ---- time ---- */

/* RFC 792, 1122 3.3.2, 4443 3.3: told if the first one came, and only then. */
static void time_runs_out(void **unused)
{
	for (uint32_t i = 0; i < 4; i++) {
		bool v6 = i & 1, first = i & 2;
		uint32_t ms = v6 ? 60000 : 30000;
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = v6});
		rig_align(&r);
		payload_echo(&r, 120, &p);
		piece_put(&r, &p,
			  (struct piece){.off = first ? 0 : 32,
					 .len = 32,
					 .more = true});
		/* It asks to be called by then. */
		assert_int_equal(lull_shard_run(r.s, r.now_ns).deadline_ns,
				 r.now_ns + ms * 1000000ULL);
		rig_pass_ms(&r, ms / 2);
		piece_put(&r, &p,
			  (struct piece){.off = 64, .len = 32, .more = true});
		rig_pass_ms(&r, ms / 2 - 1);
		assert_int_equal(pool(&r, "reassembly")->used, 1);
		silence(&r);
		rig_pass_ms(&r, 1);
		assert_int_equal(pool(&r, "reassembly")->used, 0);
		if (first)
			expect_error(&r, v6 ? 3 : 11, 1, 0);
		silence(&r);
		assert_int_equal(timeouts(&r), 1);
		assert_int_equal(fails(&r), 1);
		assert_int_equal(rig_drops(&r, LULL_DROP_IP_FRAGMENT_TIME), 1);
		rig_close(&r);
	}
}

/* RFC 1122 3.2.2, 4443 2.4(e): no error about an error. */
static void lost_errors_are_not_told(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = v6});
		payload_echo(&r, 120, &p);
		p.bytes[0] = v6 ? 1 : 3;
		piece_put(&r, &p,
			  (struct piece){.off = 0, .len = 32, .more = true});
		rig_pass_ms(&r, 61000);
		silence(&r);
		assert_int_equal(timeouts(&r), 1);
		rig_close(&r);
	}
}

/* ---- memory ---- */

/* A flood of one source, and an honest packet under way meanwhile; or, with
 * `swapped`, the other way round. */
static void flood(struct rig *r, struct piece f, uint32_t n, bool swapped)
{
	uint8_t *net = &r->tuple.remote.b[r->config.v6 ? 7 : 15];
	static struct payload honest;
	struct lull_addr peer;

	*net ^= swapped ? 8 : 0;
	peer = r->tuple.remote;

	payload_echo(r, 1000, &honest);
	piece_put(r, &honest,
		  (struct piece){.off = 0, .len = 512, .more = true, .id = 9});
	payload_echo(r, 1400, &p);
	*net ^= 8;
	for (uint32_t i = 0; i < n; i++) {
		f.id = i;
		piece_put(r, &p, f);
	}
	r->tuple.remote = peer;
	piece_put(
		r, &honest,
		(struct piece){.off = 512, .len = 496, .more = false, .id = 9});
	expect_reply(r, 1000);
}

/* Who floods pushes out his own: first ones, or last ones, large and small. */
static void flood_hurts_its_sender_alone(void **unused)
{
	static const struct piece kind[] = {
		{.off = 0, .len = 1400, .more = true},
		{.off = 1400, .len = 8, .more = false},
		{.off = 0, .len = 8, .more = true},
		{.off = 64, .len = 1344, .more = false}};

	for (uint32_t i = 0; i < 4 * ARRAY_LEN(kind); i++) {
		const struct lull_pool *two;
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = i & 1});
		flood(&r, kind[i / 4], 2000, i & 2);
		assert_true(rig_drops(&r, LULL_DROP_IP_FRAGMENT_EVICTED) >
			    1000);
		assert_true(pool(&r, "reassembly")->peak <= 256);
		two = pool(&r, "buffers 2k");
		/* A fourth of each class, and what is on its way. */
		assert_true(two->peak <= two->limit / 4 + 4);
		assert_int_equal(two->empty, 0);
		rig_pass_ms(&r, 61000);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* Fragments never take the reserve that the link's buffers come from. */
static void link_keeps_its_buffers(void **unused)
{
	struct lull_frame f[448];
	struct rig r;
	uint32_t held;
	int n, back;

	rig_open(&r, &(struct rig_config){0});
	n = lull_rx_get(r.s, f, 446);
	payload_echo(&r, 1400, &p);
	for (uint32_t i = 0; i < 8; i++)
		piece_put(&r, &p,
			  (struct piece){.len = 1400, .more = true, .id = i});
	held = r.s->ip.reass.held[LULL_BUF_2K];
	for (int i = 0; i < n; i++)
		f[i].len = 0;
	back = lull_rx_put(r.s, f, n);
	/* With LULL_FAIL one of these fails, and nothing may stay. */
	assert_int_equal(n, 446);
	assert_int_equal(back, n);
	assert_int_equal(held, 2);
	assert_int_equal(rig_drops(&r, LULL_DROP_IP_FRAGMENT_MEMORY), 6);
	rig_pass_ms(&r, 31000);
	rig_discard(&r);
	rig_close(&r);
}

/* Any buffer may be missing, and any place: nothing leaks. */
static void nothing_leaks_without_memory(void **unused)
{
	for (uint32_t cls = 0; cls <= LULL_BUF_CLASSES; cls++) {
		for (uint32_t n = 1; n < 24; n++) {
			struct lull_slab *s;
			uint32_t was; /* of LULL_FAIL */
			struct rig r;

			rig_open(&r, &(struct rig_config){.v6 = n & 1});
			s = cls < LULL_BUF_CLASSES ? &r.s->g.bufs.slab[cls]
						   : &r.s->ip.reass.slab;
			payload_echo(&r, 3000, &p);
			was = s->fail_in;
			s->fail_in = cls == LULL_BUF_2K ? 0 : n;
			pieces_put(&r, &p, 1024, 1);
			pieces_put(&r, &p, 200, 2);
			s->fail_in = was;
			rig_pass_ms(&r, 61000);
			rig_discard(&r);
			rig_close(&r);
		}
	}
}

/* ---- our own ---- */

/* RFC 1122 3.2.2.6, 4443 4.2: all of an echo comes back, in pieces. */
static void large_echo_comes_back_in_pieces(void **unused)
{
	static const uint32_t sizes[] = {1452, 1453, 1473, 2952, 4000, 65000};
	static uint8_t whole[65536];

	for (uint32_t i = 0; i < 2 * ARRAY_LEN(sizes); i++) {
		bool v6 = i & 1;
		uint32_t hdr = v6 ? 40 : 20, len = sizes[i / 2], got = 0;
		const struct rig_raw *raw;
		struct lull_ip_hdr h;
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = v6});
		payload_echo(&r, len, &p);
		pieces_put(&r, &p, 1400, 3);
		while ((raw = rig_get_raw(&r))) {
			uint32_t n;

			assert_true(raw->len <= 1500);
			assert_int_equal(
				lull_ip_parse(raw->bytes, raw->len, &h), 0);
			n = h.len - h.hdr_len;
			assert_int_equal(h.fragment, hdr + 8 + len > 1500);
			if (!h.fragment) {
				h.frag_off = 0;
				h.frag_more = false;
			}
			assert_int_equal(h.frag_off, got);
			assert_int_equal(h.frag_more, got + n < 8 + len);
			memcpy(whole + got, raw->bytes + h.hdr_len, n);
			got += n;
		}
		assert_int_equal(got, 8 + len);
		rig_same(whole + 8, len, 0);
		payload_echo(&r, len, &p);
		p.bytes[0] = v6 ? 129 : 0;
		rig_icmp_sum(&r, p.bytes, p.len);
		assert_memory_equal(p.bytes, whole, 8);
		rig_close(&r);
	}
}

/* Without room for all of its pieces towards the link there is no reply. */
static void large_echo_needs_room(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	payload_echo(&r, 65000, &p);
	for (uint32_t i = 0; i < 7; i++)
		pieces_put(&r, &p, 1400, i);
	assert_int_equal(rig_drops(&r, LULL_DROP_TX_FULL), 2);
	assert_int_equal(rig_discard(&r), 5 * 44);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_come_in_any_order),
		cmocka_unit_test(segment_of_pieces),
		cmocka_unit_test(largest_packet),
		cmocka_unit_test(headers_are_those_of_the_first),
		cmocka_unit_test(others_pieces_are_no_part),
		cmocka_unit_test(atomic_fragment_is_alone),
		cmocka_unit_test(marks_are_not_lost),
		cmocka_unit_test(overlap_ends_the_datagram),
		cmocka_unit_test(exact_copy_is_ignored),
		cmocka_unit_test(impossible_fragments),
		cmocka_unit_test(first_has_all_headers),
		cmocka_unit_test(no_fragment_in_a_fragment),
		cmocka_unit_test(too_many_pieces),
		cmocka_unit_test(time_runs_out),
		cmocka_unit_test(lost_errors_are_not_told),
		cmocka_unit_test(flood_hurts_its_sender_alone),
		cmocka_unit_test(link_keeps_its_buffers),
		cmocka_unit_test(nothing_leaks_without_memory),
		cmocka_unit_test(large_echo_comes_back_in_pieces),
		cmocka_unit_test(large_echo_needs_room),
	};

	return RUN("reass", tests);
}
