/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp.c: the TCP header and its options (3.1, 3.2, RFC 7323).
 *
 * Entry points: lull_tcp_parse, lull_tcp_emit, lull_tcp_peek.
 */
#include "wire/bytes.h"
#include "wire/wire.h"

enum {
	TCP_HDR = 20,
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_WSCALE = 3,
	OPT_TS = 8,
	CSUM_AT = 16,
};

#define TS_HEAD (OPT_NOP << 24 | OPT_NOP << 16 | OPT_TS << 8 | 10U)

/* One option of `len` bytes, its kind and length included. */
static void take_option(const uint8_t *p, uint32_t len, struct lull_seg *seg)
{
	bool syn = seg->flags & LULL_SYN;

	if (p[0] == OPT_MSS && len == 4 && syn) {
		seg->mss = get16(p + 2);
	} else if (p[0] == OPT_WSCALE && len == 3 && syn) {
		/* RFC 7323 2.3: more than 14 is taken for 14. */
		seg->wscale = p[2] > 14 ? 14 : p[2];
	} else if (p[0] == OPT_TS && len == 10) {
		seg->has_ts = true;
		seg->tsval = get32(p + 2);
		seg->tsecr = get32(p + 6);
	}
}

/* MUST-5, MUST-6, MUST-64: any option, anywhere, not aligned. */
static enum lull_drop parse_options(const uint8_t *p, uint32_t len,
				    struct lull_seg *seg)
{
	/* Nearly every segment: a timestamp, padded, and nothing else. */
	if (len == LULL_TS_BYTES && get32(p) == TS_HEAD) {
		take_option(p + 2, 10, seg);
		return LULL_DROP_NONE;
	}
	for (uint32_t i = 0; i < len && p[i] != OPT_END;) {
		if (p[i] == OPT_NOP) {
			i++;
			continue;
		}
		/* MUST-7: a length below 2, or past the header. */
		if (i + 1 >= len || p[i + 1] < 2 || p[i + 1] > len - i)
			return LULL_DROP_TCP_OPTION;
		take_option(p + i, p[i + 1], seg);
		i += p[i + 1];
	}
	return LULL_DROP_NONE;
}

enum lull_drop lull_tcp_parse(const uint8_t *p, uint32_t len,
			      struct lull_seg *seg)
{
	if (len < TCP_HDR)
		return LULL_DROP_TCP_SHORT;
	seg->hdr_len = (p[12] >> 4) * 4U;
	if (seg->hdr_len < TCP_HDR)
		return LULL_DROP_TCP_HEADER;
	if (seg->hdr_len > len)
		return LULL_DROP_TCP_SHORT;
	seg->tuple.rport = get16(p);
	seg->tuple.lport = get16(p + 2);
	seg->seq = lull_seq(get32(p + 4));
	seg->ack = lull_seq(get32(p + 8));
	seg->flags = p[13];
	seg->wnd = get16(p + 14);
	seg->text_len = len - seg->hdr_len;
	seg->mss = 0;
	seg->wscale = LULL_NO_WSCALE;
	seg->has_ts = false;
	return parse_options(p + TCP_HDR, seg->hdr_len - TCP_HDR, seg);
}

void lull_tcp_peek(const uint8_t p[8], uint16_t *sport, uint16_t *dport,
		   uint32_t *seq)
{
	*sport = get16(p);
	*dport = get16(p + 2);
	*seq = get32(p + 4);
}

/* In Linux's order: MSS, timestamp, window scale. */
static uint32_t emit_options(uint8_t *p, const struct lull_seg *seg)
{
	uint32_t n = 0;

	if (seg->mss) {
		p[n] = OPT_MSS;
		p[n + 1] = 4;
		put16(p + n + 2, seg->mss);
		n += 4;
	}
	if (seg->has_ts) {
		put32(p + n, TS_HEAD);
		put32(p + n + 4, seg->tsval);
		put32(p + n + 8, seg->tsecr);
		n += LULL_TS_BYTES;
	}
	if (seg->wscale != LULL_NO_WSCALE) {
		put32(p + n,
		      OPT_NOP << 24 | OPT_WSCALE << 16 | 3U << 8 | seg->wscale);
		n += 4;
	}
	return n;
}

void lull_tcp_emit(struct lull_tx *tx, const struct lull_seg *seg,
		   const struct lull_bufs *bufs, bool partial)
{
	uint8_t options[LULL_TCP_HDR_MAX - TCP_HDR];
	uint32_t n = emit_options(options, seg);
	uint8_t *p = lull_tx_front(tx, TCP_HDR + n);

	put16(p, seg->tuple.lport);
	put16(p + 2, seg->tuple.rport);
	put32(p + 4, seg->seq.v);
	put32(p + 8, seg->ack.v);
	p[12] = (uint8_t)((TCP_HDR + n) / 4 << 4);
	p[13] = seg->flags;
	put16(p + 14, seg->wnd);
	put32(p + CSUM_AT, 0); /* checksum and urgent pointer */
	memcpy(p + TCP_HDR, options, n);
	tx->local = seg->tuple.local;
	tx->remote = seg->tuple.remote;
	tx->proto = LULL_PROTO_TCP;
	tx->csum_offset = CSUM_AT;

	/* MUST-2 */
	uint32_t sum = lull_sum_pseudo(&tx->local, &tx->remote, LULL_PROTO_TCP,
				       TCP_HDR + n + tx->payload_len);

	if (partial) {
		tx->flags |= LULL_FRAME_CSUM_PARTIAL;
		put16(p + CSUM_AT, lull_sum_fold(sum));
		return;
	}
	sum = lull_sum(sum, p, TCP_HDR + n, 0) + lull_sum_tx(tx, bufs);
	put16(p + CSUM_AT, ~lull_sum_fold(sum));
}
