/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp.c: the TCP header and its options (3.1, 3.2, RFC 7323, RFC 2018).
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
	OPT_SACK_OK = 4,
	OPT_SACK = 5,
	OPT_TS = 8,
	CSUM_AT = 16,
};

#define TS_HEAD (OPT_NOP << 24 | OPT_NOP << 16 | OPT_TS << 8 | 10U)

#define SACK_OK_TS_HEAD (OPT_SACK_OK << 24 | 2U << 16 | OPT_TS << 8 | 10U)

/* Blocks that fill their option; a second option adds nothing. */
static void take_sacks(const uint8_t *p, uint32_t len, struct lull_seg *seg)
{
	uint32_t n = (len - 2) / 8;

	if ((len - 2) % 8 || n > LULL_SACKS_MAX || seg->sacks)
		return;
	for (uint32_t i = 0; i < n; i++)
		seg->sack[i] = (struct lull_sack){
			lull_seq(get32(p + 2 + 8 * i)),
			lull_seq(get32(p + 6 + 8 * i)),
		};
	seg->sacks = (uint8_t)n;
}

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
	} else if (p[0] == OPT_SACK && !syn) {
		take_sacks(p, len, seg);
	} else if (p[0] == OPT_SACK_OK && len == 2 && syn) {
		seg->sack_ok = true;
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
	seg->up = get16(p + 18);
	seg->text_len = len - seg->hdr_len;
	seg->mss = 0;
	seg->wscale = LULL_NO_WSCALE;
	seg->has_ts = seg->sack_ok = false;
	seg->sacks = 0;
	return parse_options(p + TCP_HDR, seg->hdr_len - TCP_HDR, seg);
}

void lull_tcp_peek(const uint8_t p[8], uint16_t *sport, uint16_t *dport,
		   uint32_t *seq)
{
	*sport = get16(p);
	*dport = get16(p + 2);
	*seq = get32(p + 4);
}

static uint32_t options_len(const struct lull_seg *seg)
{
	return (seg->mss ? 4U : 0) + (seg->has_ts ? LULL_TS_BYTES : 0) +
	       (seg->sack_ok && !seg->has_ts ? 4U : 0) +
	       (seg->wscale != LULL_NO_WSCALE ? 4U : 0) +
	       lull_sack_bytes(seg->sacks);
}

static void emit_sacks(struct words *w, const struct lull_seg *seg)
{
	put_word(w, OPT_NOP << 24 | OPT_NOP << 16 | OPT_SACK << 8 |
			    (2U + 8U * seg->sacks));
	for (uint32_t i = 0; i < seg->sacks; i++) {
		put_word(w, seg->sack[i].start.v);
		put_word(w, seg->sack[i].end.v);
	}
}

/* In Linux's order: MSS, SACK permitted, timestamp, window scale, SACK. */
static void emit_options(struct words *w, const struct lull_seg *seg)
{
	if (seg->mss)
		put_word(w, OPT_MSS << 24 | 4U << 16 | seg->mss);
	if (seg->has_ts) {
		put_word(w, seg->sack_ok ? SACK_OK_TS_HEAD : TS_HEAD);
		put_word(w, seg->tsval);
		put_word(w, seg->tsecr);
	} else if (seg->sack_ok) {
		put_word(w,
			 OPT_NOP << 24 | OPT_NOP << 16 | OPT_SACK_OK << 8 | 2U);
	}
	if (seg->wscale != LULL_NO_WSCALE)
		put_word(w, OPT_NOP << 24 | OPT_WSCALE << 16 | 3U << 8 |
				    seg->wscale);
	if (seg->sacks)
		emit_sacks(w, seg);
}

void lull_tcp_emit(struct lull_tx *tx, const struct lull_seg *seg,
		   const struct lull_bufs *bufs, bool partial)
{
	uint32_t n = TCP_HDR + options_len(seg);
	uint8_t *p = lull_tx_front(tx, n);
	struct words w = {.at = p};

	put_word(&w, (uint32_t)seg->tuple.lport << 16 | seg->tuple.rport);
	put_word(&w, seg->seq.v);
	put_word(&w, seg->ack.v);
	put_word(&w, n / 4 << 28 | (uint32_t)seg->flags << 16 | seg->wnd);
	put_word(&w, seg->up); /* and no checksum yet */
	emit_options(&w, seg);
	tx->local = seg->tuple.local;
	tx->remote = seg->tuple.remote;
	tx->proto = LULL_PROTO_TCP;
	tx->csum_offset = CSUM_AT;

	/* MUST-2 */
	uint32_t sum = lull_sum_pseudo(&tx->local, &tx->remote, LULL_PROTO_TCP,
				       n + tx->payload_len);

	if (seg->flags & LULL_CWR && tx->gso_size)
		tx->flags |= LULL_FRAME_CWR;
	if (partial) {
		tx->flags |= LULL_FRAME_CSUM_PARTIAL;
		put16(p + CSUM_AT, lull_sum_fold(sum));
		return;
	}
	sum += w.sum + lull_sum_tx(tx, bufs);
	put16(p + CSUM_AT, ~lull_sum_fold(sum));
}
