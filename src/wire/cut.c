/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cut.c: one segment's headers, from those of a packet that stands for many.
 *
 * What a network card does with TSO: SEQ counts on, the lengths are the
 * segment's own, CWR stands in the first (RFC 3168 6.1.2), FIN and PSH in
 * the last. The IPv4 id stays: it is never fragmented (RFC 6864).
 *
 * Entry point: lull_cut.
 */
#include "wire/bytes.h"
#include "wire/wire.h"

enum {
	IP4_HDR = 20,
	IP6_HDR = 40,
	IP4_LEN_AT = 2,
	IP4_SUM_AT = 10,
	IP6_LEN_AT = 4,
	TCP_SEQ_AT = 4,
	TCP_FLAGS_AT = 13,
	TCP_SUM_AT = 16,
};

static void cut_ip4(uint8_t *p, uint32_t len)
{
	put16(p + IP4_LEN_AT, len);
	put16(p + IP4_SUM_AT, 0);
	put16(p + IP4_SUM_AT, ~lull_sum_fold(lull_sum(0, p, IP4_HDR, 0)));
}

void lull_cut(const struct lull_tx *tx, struct lull_cut *cut)
{
	uint32_t n = LULL_TX_HDR - tx->hdr_off, ip_len;
	uint8_t *p = cut->hdr, *tcp;
	uint32_t sum;

	memcpy(p, tx->hdr + tx->hdr_off, n);
	p += cut->link_hdr;
	n -= cut->link_hdr;
	ip_len = lull_addr_is4(&tx->remote) ? IP4_HDR : IP6_HDR;
	tcp = p + ip_len;
	if (ip_len == IP4_HDR)
		cut_ip4(p, n + cut->len);
	else
		put16(p + IP6_LEN_AT, n - IP6_HDR + cut->len);
	put32(tcp + TCP_SEQ_AT, get32(tcp + TCP_SEQ_AT) + cut->off);
	if (cut->off > 0)
		tcp[TCP_FLAGS_AT] &= (uint8_t)~LULL_CWR;
	if (cut->off + cut->len < tx->payload_len)
		tcp[TCP_FLAGS_AT] &= (uint8_t) ~(LULL_FIN | LULL_PSH);
	sum = lull_sum_pseudo(&tx->local, &tx->remote, tx->proto,
			      n - ip_len + cut->len);
	if (cut->partial) {
		put16(tcp + TCP_SUM_AT, lull_sum_fold(sum));
		return;
	}
	put16(tcp + TCP_SUM_AT, 0);
	sum = lull_sum(sum + cut->sum, tcp, n - ip_len, 0);
	put16(tcp + TCP_SUM_AT, ~lull_sum_fold(sum));
}
