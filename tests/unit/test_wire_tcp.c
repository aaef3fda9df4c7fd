/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_wire_tcp.c: the TCP header and its options, from segments made by hand.
 *
 * RFC 9293 3.1, 3.2 (MUST-2 to MUST-7, MUST-64), RFC 7323. Every segment is
 * parsed at the very end of its memory, whole and cut at each length.
 */
#include "tools.h"
#include "wire/wire.h"

enum {
	TCP_HDR = 20,
	MOST = 128,
};

/* From 198.51.100.2:40000 to 192.0.2.1:80, as Linux sends it. */
static const uint8_t syn[] = {
	0x9c, 0x40, 0x00, 0x50, 0x12, 0x34, 0x56, 0x78, 0x00, 0x00,
	0x00, 0x00, 0xa0, 0x02, 0xfa, 0xf0, 0x17, 0x35, 0x00, 0x00,
	0x02, 0x04, 0x05, 0xb4, 0x04, 0x02, 0x08, 0x0a, 0x11, 0x22,
	0x33, 0x44, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x03, 0x07,
};

static const uint8_t data[] = {
	0x9c, 0x40, 0x00, 0x50, 0x12, 0x34, 0x56, 0x79, 0xfe, 0xdc,
	0xba, 0x98, 0x80, 0x18, 0x01, 0xf6, 0x6b, 0xdf, 0x00, 0x00,
	0x01, 0x01, 0x08, 0x0a, 0x01, 0x02, 0x03, 0x04, 0x0a, 0x0b,
	0x0c, 0x0d, 'h',  'e',	'l',  'l',  'o',
};

/* The same ends over IPv6. */
static const uint8_t fin6[] = {
	0x9c, 0x40, 0x00, 0x50, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00,
	0x00, 0x01, 0x50, 0x11, 0x00, 0x00, 0xb7, 0xcd, 0x00, 0x00,
};

/* Parse a copy with nothing behind it. */
static enum lull_drop parse(const uint8_t *bytes, uint32_t len,
			    struct lull_seg *seg)
{
	uint8_t *p = exact_new(bytes, len);
	enum lull_drop why;

	memset(seg, 0xa5, sizeof *seg);
	seg->has_ts = seg->ours = false;
	why = lull_tcp_parse(p, len, seg);
	if (!why) {
		assert_true(seg->hdr_len >= TCP_HDR && seg->hdr_len <= len);
		assert_int_equal(seg->hdr_len + seg->text_len, len);
		assert_true(seg->wscale <= 14 || seg->wscale == LULL_NO_WSCALE);
	}
	exact_free(p);
	return why;
}

/* ---- fields ---- */

static void test_syn(void **state)
{
	struct lull_seg seg;

	assert_int_equal(parse(syn, sizeof syn, &seg), 0);
	assert_int_equal(seg.tuple.rport, 40000);
	assert_int_equal(seg.tuple.lport, 80);
	assert_int_equal(seg.seq.v, 0x12345678);
	assert_int_equal(seg.ack.v, 0);
	assert_int_equal(seg.flags, LULL_SYN);
	assert_int_equal(seg.wnd, 64240);
	assert_int_equal(seg.hdr_len, 40);
	assert_int_equal(seg.text_len, 0);
	assert_int_equal(lull_seg_len(&seg), 1);
	assert_int_equal(seg.mss, 1460);
	assert_int_equal(seg.wscale, 7);
	assert_true(seg.has_ts);
	assert_int_equal(seg.tsval, 0x11223344);
	assert_int_equal(seg.tsecr, 0);
}

static void test_data(void **state)
{
	struct lull_seg seg;

	assert_int_equal(parse(data, sizeof data, &seg), 0);
	assert_int_equal(seg.seq.v, 0x12345679);
	assert_int_equal(seg.ack.v, 0xfedcba98);
	assert_int_equal(seg.flags, LULL_PSH | LULL_ACK);
	assert_int_equal(seg.wnd, 502);
	assert_int_equal(seg.hdr_len, 32);
	assert_int_equal(seg.text_len, 5);
	assert_int_equal(lull_seg_len(&seg), 5);
	assert_int_equal(seg.mss, 0);
	assert_int_equal(seg.wscale, LULL_NO_WSCALE);
	assert_true(seg.has_ts);
	assert_int_equal(seg.tsval, 0x01020304);
	assert_int_equal(seg.tsecr, 0x0a0b0c0d);
	assert_int_equal(parse(fin6, sizeof fin6, &seg), 0);
	assert_int_equal(seg.seq.v, 0xffffffff);
	assert_int_equal(seg.ack.v, 1);
	assert_int_equal(seg.flags, LULL_FIN | LULL_ACK);
	assert_int_equal(seg.wnd, 0);
	assert_int_equal(seg.hdr_len, 20);
	assert_int_equal(lull_seg_len(&seg), 1);
	assert_false(seg.has_ts);
}

/* Every bit of the flags is kept; the four before them are without effect. */
static void test_flags(void **state)
{
	static const uint8_t bit[] = {LULL_FIN, LULL_SYN, LULL_RST, LULL_PSH,
				      LULL_ACK, LULL_URG, LULL_ECE, LULL_CWR};
	uint8_t p[sizeof fin6];
	struct lull_seg seg;

	memcpy(p, fin6, sizeof p);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(bit[i], 1 << i);
	for (uint32_t flags = 0; flags < 256; flags++) {
		uint32_t len = (flags & 1) + (flags >> 1 & 1);

		p[12] = (uint8_t)(0x50 | (flags & 15));
		p[13] = (uint8_t)flags;
		assert_int_equal(parse(p, sizeof p, &seg), 0);
		assert_int_equal(seg.flags, flags);
		assert_int_equal(seg.hdr_len, 20);
		assert_int_equal(lull_seg_len(&seg), len);
	}
}

static void test_header_length(void **state)
{
	for (uint32_t words = 0; words < 16; words++) {
		for (uint32_t len = 0; len <= 64; len++) {
			uint8_t p[64] = {0};
			enum lull_drop want = 0;
			struct lull_seg seg;

			p[12] = (uint8_t)(words << 4);
			if (len < TCP_HDR)
				want = LULL_DROP_TCP_SHORT;
			else if (words < 5)
				want = LULL_DROP_TCP_HEADER;
			else if (4 * words > len)
				want = LULL_DROP_TCP_SHORT;
			assert_int_equal(parse(p, len, &seg), want);
			if (!want)
				assert_int_equal(seg.text_len, len - 4 * words);
		}
	}
}

/* ---- options ---- */

static const struct option {
	const char *what;
	uint8_t n, bytes[40];
	enum lull_drop why;
	uint16_t mss; /* these of a SYN */
	uint8_t wscale;
	bool has_ts; /* this of all, with the numbers of TS */
} option[] = {
/* `n` bytes of options; those that are not written are 0. */
#define T(what, n, mss, wscale, ts, ...)                   \
	{                                                  \
		what, n, {__VA_ARGS__}, 0, mss, wscale, ts \
	}
#define BAD(what, n, ...)                                                 \
	{                                                                 \
		what, n, {__VA_ARGS__}, LULL_DROP_TCP_OPTION, 0, 0, false \
	}
#define NO LULL_NO_WSCALE
#define TS 8, 10, 1, 2, 3, 4, 10, 11, 12, 13
	T("none", 0, 0, NO, 0, 0),
	T("end", 1, 0, NO, 0, 0),
	T("NOPs", 4, 0, NO, 0, 1, 1, 1, 1),
	T("40 NOPs", 40, 0, NO, 0, [0 ... 39] = 1),
	T("MSS", 4, 1460, NO, 0, 2, 4, 5, 0xb4),
	T("MSS 65535", 4, 65535, NO, 0, 2, 4, 255, 255),
	T("MSS 1", 4, 1, NO, 0, 2, 4, 0, 1),
	T("MSS, not aligned", 5, 1460, NO, 0, 1, 2, 4, 5, 0xb4),
	T("MSS twice", 8, 536, NO, 0, 2, 4, 5, 0xb4, 2, 4, 2, 0x18),
	T("MSS of 3 bytes", 4, 0, NO, 0, 2, 3, 5, 1),
	T("MSS of 5 bytes", 8, 0, NO, 0, 2, 5, 5, 5, 5),
	T("scale", 3, 0, 7, 0, 3, 3, 7),
	T("scale 0", 3, 0, 0, 0, 3, 3, 0),
	T("scale 14", 3, 0, 14, 0, 3, 3, 14),
	T("scale 15", 3, 0, 14, 0, 3, 3, 15),
	T("scale 255", 3, 0, 14, 0, 3, 3, 255),
	T("scale of 2 bytes", 4, 0, NO, 0, 3, 2, 1, 1),
	T("scale of 4 bytes", 4, 0, NO, 0, 3, 4, 7, 7),
	T("timestamp, padded", 12, 0, NO, 1, 1, 1, TS),
	T("timestamp, padded behind", 12, 0, NO, 1, TS, 1, 1),
	T("timestamp, ended behind", 12, 0, NO, 1, TS, 0, 0),
	T("timestamp, not aligned", 11, 0, NO, 1, 1, TS),
	T("timestamp, not aligned, 3", 13, 0, NO, 1, 1, 1, 1, TS),
	T("padded, and more", 16, 1460, NO, 1, 1, 1, TS, 2, 4, 5, 0xb4),
	T("timestamp behind the end", 12, 0, NO, 0, 1, 0, TS),
	T("timestamp of 9 bytes", 12, 0, NO, 0, 1, 1, 8, 9, 9, 9, 9, 9, 9, 9, 9,
	  1),
	T("timestamp of 11 bytes", 12, 0, NO, 0, 8, 11, 9, 9, 9, 9, 9, 9, 9, 9,
	  9, 1),
	T("timestamp twice", 20, 0, NO, 1, 8, 10, 9, 9, 9, 9, 9, 9, 9, 9, TS),
	T("timestamp behind unknown", 14, 0, NO, 1, 254, 4, 8, 10, TS),
	T("SACK permitted", 2, 0, NO, 0, 4, 2),
	T("SACK, and a timestamp", 36, 0, NO, 1, 1, 1, TS, 1, 1, 5, 18),
	T("as Linux", 20, 1460, 7, 1, 2, 4, 5, 0xb4, 4, 2, TS, 1, 3, 3, 7),
	T("as others", 24, 1460, 8, 1, 2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, TS, 4,
	  2, 0, 0),
	T("no padding at all", 17, 1460, 7, 1, 3, 3, 7, TS, 2, 4, 5, 0xb4),
	T("all forty bytes", 40, 536, 9, 1, TS, 3, 3, 9, 2, 4, 2, 0x18, 4, 2,
	  254, 21),
	T("unknown, two bytes", 2, 0, NO, 0, 254, 2),
	T("unknown, forty bytes", 40, 0, NO, 0, 254, 40),
	T("a timestamp inside", 16, 0, NO, 0, 254, 14, 1, 1, TS, 1, 1),
	T("bad behind the end", 4, 0, NO, 0, 0, 254, 0, 1),
	/* MUST-7 */
	BAD("length 0", 4, 254, 0, 1, 1),
	BAD("length 1", 4, 254, 1, 1, 1),
	BAD("length 0 at the end", 4, 1, 1, 254, 0),
	BAD("MSS of length 0", 4, 2, 0, 5, 0xb4),
	BAD("one too long", 4, 254, 5, 1, 1),
	BAD("much too long", 4, 254, 255, 1, 1),
	BAD("41 of 40 bytes", 40, 254, 41),
	BAD("a kind and no length", 4, 1, 1, 1, 254),
	BAD("MSS and no length", 4, 1, 1, 1, 2),
	BAD("MSS cut", 4, 1, 2, 4, 5),
	BAD("scale cut", 4, 1, 1, 3, 3),
	BAD("timestamp one too long", 12, 1, 1, 8, 11),
	BAD("timestamp cut, padded", 8, 1, 1, 8, 10),
	BAD("bad behind good", 8, 2, 4, 5, 0xb4, 254, 0, 1, 1),
#undef T
#undef BAD
};

/* A segment with these flags and options, and three bytes of text. */
static uint32_t with_options(uint8_t *p, uint8_t flags, const struct option *o)
{
	uint32_t words = (o->n + 3U) / 4, len = TCP_HDR + 4 * words + 3;

	memset(p, 0, len);
	memcpy(p, fin6, TCP_HDR);
	p[12] = (uint8_t)((5 + words) << 4);
	p[13] = flags;
	memcpy(p + TCP_HDR, o->bytes, o->n);
	memcpy(p + len - 3, "abc", 3);
	return len;
}

static void test_options(void **state)
{
	static const uint8_t flags[] = {LULL_SYN, LULL_SYN | LULL_ACK,
					LULL_ACK, LULL_FIN | LULL_ACK,
					LULL_RST, 0};

	for (uint32_t r = 0; r < ARRAY_LEN(option); r++) {
		for (uint32_t f = 0; f < ARRAY_LEN(flags); f++) {
			const struct option *o = &option[r];
			bool is_syn = flags[f] & LULL_SYN;
			struct lull_seg seg;
			uint8_t p[MOST];
			uint32_t len = with_options(p, flags[f], o);
			enum lull_drop why = parse(p, len, &seg);

			if (why != o->why)
				fail_msg("%s: %d", o->what, why);
			if (why)
				continue;
			assert_int_equal(seg.text_len, 3);
			/* Once a connection is open, these two say nothing. */
			if (seg.mss != (is_syn ? o->mss : 0) ||
			    seg.wscale != (is_syn ? o->wscale : NO) ||
			    seg.has_ts != o->has_ts)
				fail_msg("%s: MSS %u, scale %u, timestamp %d",
					 o->what, seg.mss, seg.wscale,
					 seg.has_ts);
			if (!o->has_ts)
				continue;
			assert_int_equal(seg.tsval, 0x01020304);
			assert_int_equal(seg.tsecr, 0x0a0b0c0d);
		}
	}
}

/* ---- cut short, and noise ---- */

static void cut(const uint8_t *bytes, uint32_t len)
{
	uint32_t hdr = (bytes[12] >> 4) * 4U;
	struct lull_seg seg;
	uint8_t p[MOST];

	for (uint32_t n = 0; n < hdr; n++)
		assert_int_equal(parse(bytes, n, &seg), LULL_DROP_TCP_SHORT);
	/* A header that says itself that it is so short. */
	memcpy(p, bytes, len);
	for (uint32_t words = 5; words <= hdr / 4; words++) {
		p[12] = (uint8_t)(words << 4);
		(void)parse(p, 4 * words, &seg);
	}
}

static void test_cut(void **state)
{
	cut(syn, sizeof syn);
	cut(data, sizeof data);
	cut(fin6, sizeof fin6);
	for (uint32_t r = 0; r < ARRAY_LEN(option); r++) {
		uint8_t p[MOST];
		uint32_t len = with_options(p, LULL_SYN, &option[r]);

		cut(p, len);
	}
}

static void test_noise(void **state)
{
	struct rng rng = rng_new(1);

	for (uint32_t n = 0; n < 60000; n++) {
		uint32_t r = rng_below(&rng, ARRAY_LEN(option));
		struct lull_seg seg;
		uint8_t p[MOST];
		uint32_t len = with_options(p, LULL_SYN, &option[r]);

		for (uint32_t k = 1 + rng_below(&rng, 5); k > 0; k--)
			p[rng_below(&rng, len)] = (uint8_t)rng_next(&rng);
		if (rng_below(&rng, 4) == 0)
			len = rng_below(&rng, len + 1);
		(void)parse(p, len, &seg);
	}
}

static void test_peek(void **state)
{
	uint8_t *p = exact_new(syn, 8);
	uint16_t sport, dport;
	uint32_t seq;

	lull_tcp_peek(p, &sport, &dport, &seq);
	assert_int_equal(sport, 40000);
	assert_int_equal(dport, 80);
	assert_int_equal(seq, 0x12345678);
	exact_free(p);
}

/* ---- emit ---- */

/* From 192.0.2.1:80 to 198.51.100.2:40000. */
static const uint8_t synack4[] = {
	0x00, 0x50, 0x9c, 0x40, 0xff, 0xff, 0xff, 0xf0, 0x12, 0x34,
	0x56, 0x79, 0xa0, 0x12, 0xff, 0xff, 0x48, 0x36, 0x00, 0x00,
	0x02, 0x04, 0x05, 0xb4, 0x01, 0x01, 0x08, 0x0a, 0x11, 0x22,
	0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x01, 0x03, 0x03, 0x07,
};

static const uint8_t data6[] = {
	0x00, 0x50, 0x9c, 0x40, 0xff, 0xff, 0xff, 0xf1, 0x12, 0x34, 0x56,
	0x79, 0x80, 0x18, 0x04, 0x00, 0x91, 0xdd, 0x00, 0x00, 0x01, 0x01,
	0x08, 0x0a, 0x01, 0x02, 0x03, 0x04, 0x0a, 0x0b, 0x0c, 0x0d, '0',
	'1',  '2',  '3',  '4',	'5',  '6',  '7',  '8',	'9',  'a',
};

static const uint8_t rst4[] = {
	0x00, 0x50, 0x9c, 0x40, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00,
	0x00, 0x00, 0x50, 0x04, 0x00, 0x00, 0x27, 0x18, 0x00, 0x00,
};

static struct lull_seg seg_between(bool v6)
{
	return (struct lull_seg){
		.tuple =
			{
				.local = v6 ? addr6(1) : addr4(192, 0, 2, 1),
				.remote =
					v6 ? addr6(2) : addr4(198, 51, 100, 2),
				.lport = 80,
				.rport = 40000,
			},
		.wscale = LULL_NO_WSCALE,
	};
}

/* The text in pieces of four bytes, one of three. */
static void emit_golden(const struct lull_seg *seg, const char *text,
			const uint8_t *want, uint32_t want_len)
{
	struct lull_tx *tx = tx_new();
	uint32_t len, left = (uint32_t)strlen(text);
	struct pool p;
	uint8_t *flat;

	pool_new(&p, 8, 0, 0);
	memset(tx->hdr, 0xa5, sizeof tx->hdr);
	for (uint32_t n = 3; left; text += n, left -= n, n = lull_min(left, 4))
		tx_bytes(tx, &p, text, n);
	lull_tcp_emit(tx, seg, &p.bufs, false);
	flat = tx_flat(tx, &p, &len);
	assert_int_equal(len, want_len);
	assert_memory_equal(flat, want, len);
	assert_true(lull_addr_eq(&tx->local, &seg->tuple.local));
	assert_true(lull_addr_eq(&tx->remote, &seg->tuple.remote));
	assert_int_equal(tx->proto, LULL_PROTO_TCP);
	assert_int_equal(tx->flags, 0);
	exact_free(flat);
	tx_free(tx, &p);
	pool_free(&p);
}

static void test_emit(void **state)
{
	struct lull_seg seg = seg_between(false);

	seg.seq = lull_seq(1);
	seg.flags = LULL_RST;
	emit_golden(&seg, "", rst4, sizeof rst4);
	seg.seq = lull_seq(0xfffffff0);
	seg.ack = lull_seq(0x12345679);
	seg.flags = LULL_SYN | LULL_ACK;
	seg.wnd = 65535;
	seg.mss = 1460;
	seg.wscale = 7;
	seg.has_ts = true;
	seg.tsval = 0x11223344;
	seg.tsecr = 0x55667788;
	emit_golden(&seg, "", synack4, sizeof synack4);
	seg = seg_between(true);
	seg.seq = lull_seq(0xfffffff1);
	seg.ack = lull_seq(0x12345679);
	seg.flags = LULL_PSH | LULL_ACK;
	seg.wnd = 1024;
	seg.has_ts = true;
	seg.tsval = 0x01020304;
	seg.tsecr = 0x0a0b0c0d;
	emit_golden(&seg, "0123456789a", data6, sizeof data6);
}

/* Any segment; with SYN any options. */
static struct lull_seg random_seg(struct rng *rng)
{
	struct lull_seg seg = seg_between(rng_below(rng, 2));

	rng_fill(rng, seg.tuple.local.b + 12, 4);
	rng_fill(rng, seg.tuple.remote.b + 12, 4);
	seg.tuple.lport = (uint16_t)rng_next(rng);
	seg.tuple.rport = (uint16_t)rng_next(rng);
	seg.seq = lull_seq((uint32_t)rng_next(rng));
	seg.ack = lull_seq((uint32_t)rng_next(rng));
	seg.flags = (uint8_t)rng_next(rng);
	seg.wnd = (uint16_t)rng_next(rng);
	seg.has_ts = rng_below(rng, 2);
	if (seg.has_ts) {
		seg.tsval = (uint32_t)rng_next(rng);
		seg.tsecr = (uint32_t)rng_next(rng);
	}
	if (!(seg.flags & LULL_SYN))
		return seg;
	if (rng_below(rng, 2))
		seg.mss = (uint16_t)rng_next(rng);
	if (rng_below(rng, 2))
		seg.wscale = (uint8_t)rng_below(rng, 15);
	return seg;
}

/* With the pseudo-header, all of it sums up to ones. */
static void assert_checksum(const struct lull_seg *seg, const uint8_t *p,
			    uint32_t len)
{
	uint16_t sum = naive_pseudo(&seg->tuple.local, &seg->tuple.remote,
				    LULL_PROTO_TCP, len);

	assert_int_equal(naive_sum(sum, p, len), 0xffff);
}

static void assert_same(const struct lull_seg *in, const struct lull_seg *out)
{
	assert_int_equal(in->tuple.rport, out->tuple.lport);
	assert_int_equal(in->tuple.lport, out->tuple.rport);
	assert_int_equal(in->seq.v, out->seq.v);
	assert_int_equal(in->ack.v, out->ack.v);
	assert_int_equal(in->flags, out->flags);
	assert_int_equal(in->wnd, out->wnd);
	assert_int_equal(in->mss, out->mss);
	assert_int_equal(in->wscale, out->wscale);
	assert_int_equal(in->has_ts, out->has_ts);
	if (!in->has_ts)
		return;
	assert_int_equal(in->tsval, out->tsval);
	assert_int_equal(in->tsecr, out->tsecr);
}

/* What a link does that was promised to add the rest of the checksum. */
static void complete(const struct lull_tx *tx, uint8_t *p, uint32_t len)
{
	uint16_t sum = (uint16_t)~naive_sum(0, p, len);

	p[tx->csum_offset] = (uint8_t)(sum >> 8);
	p[tx->csum_offset + 1] = (uint8_t)sum;
}

/* What goes out comes in as the same, whoever finishes the checksum. */
static void test_emit_parse(void **state)
{
	struct rng rng = rng_new(2);
	struct pool p;

	pool_new(&p, 8, 8, 0);
	for (uint32_t n = 0; n < 10000; n++) {
		struct lull_seg out = random_seg(&rng), in;
		struct lull_tx *tx = tx_new();
		uint32_t text = 0, len;
		uint8_t bytes[300], *flat;
		bool partial = n & 1;

		for (uint32_t k = rng_below(&rng, 4); k > 0; k--) {
			len = 1 + rng_below(&rng, sizeof bytes);
			rng_fill(&rng, bytes, len);
			tx_bytes(tx, &p, bytes, len);
			text += len;
		}
		lull_tcp_emit(tx, &out, &p.bufs, partial);
		flat = tx_flat(tx, &p, &len);
		assert_int_equal(tx->flags,
				 partial ? LULL_FRAME_CSUM_PARTIAL : 0);
		assert_int_equal(tx->csum_offset, 16);
		if (partial)
			complete(tx, flat, len);
		assert_checksum(&out, flat, len);
		assert_int_equal(parse(flat, len, &in), 0);
		assert_int_equal(in.text_len, text);
		assert_int_equal(in.hdr_len % 4, 0);
		assert_same(&in, &out);
		exact_free(flat);
		tx_free(tx, &p);
	}
	pool_free(&p);
}

/* The incoming ones above are right, too: a check of this file's bytes. */
static void test_golden(void **state)
{
	struct lull_seg four = seg_between(false), six = seg_between(true);

	assert_checksum(&four, syn, sizeof syn);
	assert_checksum(&four, data, sizeof data);
	assert_checksum(&six, fin6, sizeof fin6);
}

/* RFC 2018 2, 3: whole blocks, once, four at most; permitted by a SYN alone. */
static void test_sack(void **state)
{
	static const struct {
		uint8_t flags, opt[40], len, sacks;
		bool ok;
	} t[] = {
		{LULL_SYN, {4, 2, 0, 0}, 4, 0, true},
		{LULL_ACK, {4, 2, 0, 0}, 4, 0, false},
		{LULL_SYN, {4, 3, 0, 0}, 4, 0, false},
		{LULL_ACK, {1, 1, 5, 10, [4] = 9}, 12, 1, false},
		{LULL_SYN, {1, 1, 5, 10, [4] = 9}, 12, 0, false},
		{LULL_ACK, {1, 1, 5, 34, [4] = 9}, 36, 4, false},
		{LULL_ACK, {1, 1, 5, 18, [4] = 9}, 20, 2, false},
		{LULL_ACK, {1, 1, 5, 2}, 4, 0, false},
		{LULL_ACK, {1, 1, 5, 9, [4] = 9}, 12, 0, false},
		{LULL_ACK, {5, 10, [2] = 9, [10] = 5, 10}, 20, 1, false},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		uint8_t bytes[60] = {0x9c, 0x40, 0, 80, [14] = 1};
		uint32_t len = 20U + t[i].len;
		struct lull_seg seg;

		bytes[12] = (uint8_t)(len / 4 << 4);
		bytes[13] = t[i].flags;
		memcpy(bytes + 20, t[i].opt, t[i].len);
		assert_int_equal(parse(bytes, len, &seg), 0);
		assert_int_equal(seg.sack_ok, t[i].ok);
		assert_int_equal(seg.sacks, t[i].sacks);
		if (seg.sacks)
			assert_int_equal(seg.sack[0].start.v, 0x09000000);
	}
}

/* As Linux sends them: 60 bytes of header hold three and a timestamp. */
static void test_emit_sack(void **state)
{
	static const uint8_t ack4[] = {
		0x00, 0x50, 0x9c, 0x40, 0x00, 0x00, 0x00, 0x01,
		0x00, 0x00, 0x00, 0x02, 0x80, 0x10, 0x00, 0x00,
		0xf0, 0xc2, 0x00, 0x00, 0x01, 0x01, 0x05, 0x0a,
		0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x20,
	};
	struct lull_seg seg = seg_between(false), back;
	uint8_t *flat;

	seg.seq = lull_seq(1);
	seg.ack = lull_seq(2);
	seg.flags = LULL_ACK;
	seg.sacks = 1;
	seg.sack[0] = (struct lull_sack){lull_seq(16), lull_seq(32)};
	emit_golden(&seg, "", ack4, sizeof ack4);
	for (uint32_t n = 0; n <= 4; n++) {
		struct lull_tx *tx = tx_new();
		struct pool p;
		uint32_t len;

		pool_new(&p, 1, 0, 0);
		seg.sacks = (uint8_t)n;
		seg.has_ts = n < 4;
		for (uint32_t i = 0; i < n; i++)
			seg.sack[i] = (struct lull_sack){
				lull_seq(i * 1000), lull_seq(i * 1000 + 7)};
		lull_tcp_emit(tx, &seg, &p.bufs, false);
		flat = tx_flat(tx, &p, &len);
		assert_true(len <= LULL_TCP_HDR_MAX);
		assert_int_equal(parse(flat, len, &back), 0);
		assert_int_equal(back.sacks, n);
		assert_int_equal(back.has_ts, seg.has_ts);
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(back.sack[i].start.v, i * 1000);
			assert_int_equal(back.sack[i].end.v, i * 1000 + 7);
		}
		exact_free(flat);
		tx_free(tx, &p);
		pool_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syn),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_header_length),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_peek),
		cmocka_unit_test(test_emit),
		cmocka_unit_test(test_emit_parse),
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_sack),
		cmocka_unit_test(test_emit_sack),
	};

	return RUN("wire_tcp", tests);
}
