/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * icmp.c: ICMP and ICMPv6: echo, errors in, errors out.
 *
 * RFC 792, 1122 3.2.2, 4443, 5927, 6633 (source quench is ignored). Errors
 * that quote TCP are handed on; whether they are true is TCP's to judge.
 * Never answers an error with an error, nor a group's packet.
 *
 * Entry points: lull_icmp_input, lull_icmp_refuse, lull_icmp_timed_out.
 */
#include "ip/ip.h"

enum {
	UNREACHABLE_PROTOCOL = 2,  /* RFC 792 */
	PARAMETER_NEXT_HEADER = 1, /* RFC 4443 3.4 */
	QUOTE4_MAX = 576 - 28,	   /* RFC 1812 4.3.2.3 */
	QUOTE6_MAX = 1280 - 48,	   /* RFC 4443 2.4(c) */
	TCP_QUOTE = 8,		   /* ports and sequence number */
	ICMP_HDR = 8,
	REASSEMBLY_TIME = 1, /* RFC 792, RFC 4443 3.3 */
};

/* A bucket of tokens: so many a second, so many at once. */
static bool may_send(struct lull_ip *ip)
{
	struct lull_ground *g = ip->g;
	uint64_t rate = (uint64_t)g->knobs.icmp_msgs_per_sec;
	uint64_t burst = (uint64_t)g->knobs.icmp_msgs_burst;
	uint64_t past_ms = g->now_ms - ip->icmp_ms;
	uint64_t more = past_ms > 1000 ? rate : rate * past_ms / 1000;

	if (more > 0) {
		uint64_t tokens = ip->icmp_tokens + more;

		ip->icmp_ms = g->now_ms;
		ip->icmp_tokens = (uint32_t)(tokens < burst ? tokens : burst);
	}
	if (ip->icmp_tokens == 0) {
		lull_count(g, LULL_COUNT_ICMP_OUT_RATE_LIMITED);
		return false;
	}
	ip->icmp_tokens--;
	return true;
}

/* A packet back to the sender of one that came in, or NULL. */
static struct lull_tx *answer(struct lull_ip *ip, const struct lull_ip_hdr *hdr)
{
	struct lull_tx *tx = lull_txq_new(&ip->g->txq);

	if (!tx) {
		lull_drop(ip->g, LULL_DROP_TX_FULL);
		return NULL;
	}
	tx->local = hdr->dst;
	tx->remote = hdr->src;
	tx->tos = 0;
	tx->ttl = (uint8_t)ip->g->knobs.ip_default_ttl;
	return tx;
}

/* Bytes of an IP packet's payload in one of its pieces. */
static uint32_t piece_max(const struct lull_ip *ip, bool v6)
{
	return (ip->g->mtu - (v6 ? 40U + LULL_IP6_FRAGMENT_HDR : 20U)) & ~7U;
}

/*
 * Ids of one destination count up, so that none comes back soon (RFC 6864 4.3);
 * where they begin is hidden (RFC 7739).
 */
static uint32_t next_id(struct lull_ip *ip, const struct lull_addr *to)
{
	return (uint32_t)lull_hash_bytes(ip->g->keys.reass, to, sizeof *to) +
	       ip->reass.id++;
}

/*
 * A reply that the link does not take in one piece: all of the request comes
 * back all the same (RFC 1122 3.2.2.6, RFC 4443 4.2). `tx` is the whole, not
 * yet pushed; its payload is one span. It's the only thing that we fragment.
 */
static void push_pieces(struct lull_ip *ip, struct lull_tx *tx,
			const struct lull_ip_hdr *request)
{
	struct lull_ground *g = ip->g;
	uint32_t most = piece_max(ip, request->v6);
	struct lull_tx_span all = tx->span[0];
	struct lull_ip_piece piece = {.id = next_id(ip, &tx->remote)};
	uint8_t proto = tx->proto;
	uint32_t done = most - ICMP_HDR;

	tx->span[0].len = tx->payload_len = done;
	piece.more = true;
	lull_ip_emit_piece(tx, piece);
	lull_txq_push(&g->txq);
	while (done < all.len) {
		uint32_t n = lull_min(all.len - done, most);

		tx = answer(ip, request);
		tx->tos = request->tos;
		tx->proto = proto;
		lull_tx_add(tx, &g->bufs,
			    (struct lull_tx_span){all.buf, all.off + done, n});
		piece.off = ICMP_HDR + done;
		done += n;
		piece.more = done < all.len;
		lull_ip_emit_piece(tx, piece);
		lull_txq_push(&g->txq);
	}
}

static void echo(struct lull_ip *ip, uint32_t buf,
		 const struct lull_ip_hdr *hdr)
{
	struct lull_ground *g = ip->g;
	const struct lull_buf *b = lull_buf_at(&g->bufs, buf);
	uint32_t hdrs = hdr->v6 ? 40 : 20;
	bool large = hdrs + b->len > g->mtu;
	struct lull_tx *tx;

	lull_count(g, LULL_COUNT_ICMP_IN_ECHOS);
	if (g->knobs.icmp_echo_ignore_all)
		return;
	if (large &&
	    lull_txq_room(&g->txq) <= b->len / piece_max(ip, hdr->v6)) {
		lull_drop(g, LULL_DROP_TX_FULL);
		return;
	}
	tx = answer(ip, hdr);
	if (!tx)
		return;
	tx->tos = hdr->tos; /* RFC 1122 3.2.2.6 */
	if (b->len > 8)
		lull_tx_add(tx, &g->bufs,
			    (struct lull_tx_span){buf, b->off + 8, b->len - 8});
	lull_icmp_echo(tx, b->data + b->off, &g->bufs, hdr->v6);
	if (large)
		push_pieces(ip, tx, hdr);
	else
		lull_txq_push(&g->txq);
	lull_count(g, LULL_COUNT_ICMP_OUT_MSGS);
	lull_count(g, LULL_COUNT_ICMP_OUT_ECHO_REPS);
}

/* What the error quotes: one of our own segments, at least its ports. */
static bool read_quote(struct lull_ip *ip, const uint8_t *p, uint32_t len,
		       struct lull_icmp_error *error)
{
	struct lull_ip_hdr quoted;
	enum lull_drop why;
	uint32_t seq;

	/* The quotation is cut short, so its length field isn't true here. */
	why = lull_ip_parse_quote(p, len, &quoted);
	if (why || quoted.proto != LULL_PROTO_TCP || quoted.fragment ||
	    len < quoted.hdr_len + TCP_QUOTE)
		return false;
	lull_tcp_peek(p + quoted.hdr_len, &error->tuple.lport,
		      &error->tuple.rport, &seq);
	error->tuple.local = quoted.src;
	error->tuple.remote = quoted.dst;
	error->seq = lull_seq(seq);
	error->v6 = quoted.v6;
	error->found_out = false;
	return lull_ip_is_own(ip, &quoted.src) || ip->strangers;
}

static enum lull_ip_to error_input(struct lull_ip *ip, const struct lull_buf *b,
				   const struct lull_icmp *icmp,
				   struct lull_ip_in *in)
{
	const uint8_t *quote = b->data + b->off + icmp->quote;

	if (!read_quote(ip, quote, b->len - icmp->quote, &in->error) ||
	    in->error.v6 != in->hdr.v6) {
		lull_drop(ip->g, LULL_DROP_ICMP_QUOTE);
		return LULL_IP_DONE;
	}
	in->error.icmp = *icmp;
	return LULL_IP_TO_ERRORS;
}

static bool checksum_holds(const struct lull_buf *b,
			   const struct lull_ip_hdr *hdr)
{
	uint32_t sum = 0;

	if (hdr->v6)
		sum = lull_sum_pseudo(&hdr->src, &hdr->dst, LULL_PROTO_ICMPV6,
				      b->len);
	return lull_sum_fold(lull_sum(sum, b->data + b->off, b->len, 0)) ==
	       0xffff;
}

/* RFC 4861. Links without neighbours have no use for it. */
static enum lull_drop neighbour(struct lull_ip *ip, uint32_t buf,
				enum lull_icmp_kind kind,
				const struct lull_ip_hdr *hdr)
{
	if (!ip->g->link_hdr)
		return LULL_DROP_ICMP_UNKNOWN;
	if (kind == LULL_ICMP_ROUTER)
		return LULL_DROP_ND_ROUTER;
	if (kind == LULL_ICMP_REDIRECT)
		return LULL_DROP_ND_REDIRECT;
	return lull_nd_input(ip, buf, hdr);
}

enum lull_ip_to lull_icmp_input(struct lull_ip *ip, uint32_t buf,
				struct lull_ip_in *in)
{
	struct lull_ground *g = ip->g;
	const struct lull_buf *b = lull_buf_at(&g->bufs, buf);
	struct lull_icmp icmp;
	enum lull_drop why;

	lull_count(g, LULL_COUNT_ICMP_IN_MSGS);
	why = lull_icmp_parse(b->data + b->off, b->len, in->hdr.v6, &icmp);
	if (!why && !checksum_holds(b, &in->hdr))
		why = LULL_DROP_ICMP_CHECKSUM;
	if (!why) {
		switch (icmp.kind) {
		case LULL_ICMP_ECHO:
			if (in->ours)
				echo(ip, buf, &in->hdr);
			return LULL_IP_DONE;
		case LULL_ICMP_UNREACHABLE:
		case LULL_ICMP_TOO_BIG:
		case LULL_ICMP_TIME_EXCEEDED:
		case LULL_ICMP_PARAMETER:
			return error_input(ip, b, &icmp, in);
		case LULL_ICMP_NEIGHBOUR:
		case LULL_ICMP_ROUTER:
		case LULL_ICMP_REDIRECT:
			why = neighbour(ip, buf, icmp.kind, &in->hdr);
			goto refuse;
		case LULL_ICMP_QUENCH:
		case LULL_ICMP_OTHER:
			break;
		}
		why = LULL_DROP_ICMP_UNKNOWN;
	}
refuse:
	if (why)
		lull_drop(g, why);
	return LULL_IP_DONE;
}

/*
 * May it be answered? Not if it is an ICMP error itself, or may be one behind
 * headers that were not looked at (RFC 4443 2.4(e)).
 */
static bool may_answer(const struct lull_buf *b, uint32_t packet_off,
		       const struct lull_ip_hdr *hdr)
{
	const uint8_t *p = b->data + packet_off;
	bool later = hdr->fragment && hdr->frag_off > 0;

	if (hdr->proto == (hdr->v6 ? LULL_PROTO_ICMPV6 : LULL_PROTO_ICMP))
		return !later && hdr->hdr_len < hdr->len &&
		       lull_icmp_is_query(p[hdr->hdr_len], hdr->v6);
	if (!hdr->v6)
		return !later; /* RFC 1122 3.2.2 */
	return hdr->proto == LULL_PROTO_TCP || hdr->proto == LULL_PROTO_UDP ||
	       !hdr->tell;
}

/* An error about the packet at packet_off. */
struct complaint {
	enum lull_icmp_kind kind;
	uint8_t code;
	uint32_t pointer;
};

static void complain(struct lull_ip *ip, uint32_t buf, uint32_t packet_off,
		     const struct lull_ip_hdr *hdr, struct complaint what)
{
	struct lull_ground *g = ip->g;
	struct lull_tx *tx;

	if (!may_answer(lull_buf_at(&g->bufs, buf), packet_off, hdr) ||
	    !may_send(ip))
		return;
	tx = answer(ip, hdr);
	if (!tx)
		return;
	lull_tx_add(
		tx, &g->bufs,
		(struct lull_tx_span){
			buf, packet_off,
			lull_min(hdr->len, hdr->v6 ? QUOTE6_MAX : QUOTE4_MAX)});
	lull_icmp_emit(tx, what.kind, what.code, what.pointer, &g->bufs);
	lull_txq_push(&g->txq);
	lull_count(g, LULL_COUNT_ICMP_OUT_MSGS);
}

void lull_icmp_refuse(struct lull_ip *ip, uint32_t buf, uint32_t packet_off,
		      const struct lull_ip_hdr *hdr, enum lull_drop why)
{
	struct complaint what = {LULL_ICMP_PARAMETER, PARAMETER_NEXT_HEADER,
				 hdr->proto_at};

	if (hdr->tell) {
		what.code = hdr->tell_code;
		what.pointer = hdr->tell_at;
	} else if (why != LULL_DROP_IP_PROTOCOL) {
		return;
	} else if (!hdr->v6) {
		what = (struct complaint){LULL_ICMP_UNREACHABLE,
					  UNREACHABLE_PROTOCOL, 0};
	}
	complain(ip, buf, packet_off, hdr, what);
}

void lull_icmp_timed_out(struct lull_ip *ip, uint32_t buf, uint32_t packet_off,
			 const struct lull_ip_hdr *hdr)
{
	complain(ip, buf, packet_off, hdr,
		 (struct complaint){LULL_ICMP_TIME_EXCEEDED, REASSEMBLY_TIME,
				    0});
}
