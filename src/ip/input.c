/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * input.c: a packet arrives: is it well-formed, is it ours, who gets it?
 *
 * RFC 791, 1122 3.2.1, 8200. Trims a buffer to the transport's part; fragments
 * stay with reass.c until they are a packet. A packet in two buffers is whole
 * and TCP, with all headers of IP in the first, or is refused: links bring no
 * other packet larger than their MTU.
 *
 * Entry points: lull_ip_input, lull_ip_is_broadcast, lull_ip_is_bad_source.
 */
#include "ip/ip.h"

/* Are the host's bits all ones? */
static bool ends_in_ones(const struct lull_addr *a, uint32_t from_bit)
{
	for (uint32_t i = from_bit; i < 128; i++)
		if (!(a->b[i / 8] & 0x80 >> i % 8))
			return false;
	return true;
}

bool lull_ip_is_broadcast(const struct lull_ip *ip, const struct lull_addr *a)
{
	if (!lull_addr_is4(a))
		return false;
	for (uint32_t i = 0; i < ip->own_len; i++) {
		const struct lull_prefix *p = &ip->own[i].prefix;

		/* Nets of two addresses or one have none (RFC 3021). */
		if (p->bits < 127 && ends_in_ones(a, p->bits) &&
		    lull_prefix_covers(p, a))
			return true;
	}
	return false;
}

bool lull_ip_is_bad_source(const struct lull_ip *ip, const struct lull_addr *a)
{
	static const struct lull_addr loopback6 = {.b = {[15] = 1}};

	if (lull_addr_is_any(a) || lull_addr_is_group(a))
		return true;
	if (lull_addr_is4(a) && a->b[12] == 127)
		return true;
	if (memcmp(a, &loopback6, sizeof *a) == 0)
		return true;
	return lull_ip_is_own(ip, a) || lull_ip_is_broadcast(ip, a);
}

/* Does a program stand in for this address? For no broadcast (MUST-57). */
static bool is_strangers(const struct lull_ip *ip, const struct lull_addr *a)
{
	return ip->strangers && !lull_ip_is_broadcast(ip, a);
}

static enum lull_drop check(const struct lull_ip *ip, struct lull_ip_in *in)
{
	const struct lull_ip_hdr *hdr = &in->hdr;

	in->ours = lull_ip_is_own(ip, &hdr->dst);
	if (lull_addr_is_group(&hdr->dst) ||
	    (!in->ours && !is_strangers(ip, &hdr->dst)))
		return ip->g->link_hdr && lull_nd_is_for_us(ip, hdr)
			       ? LULL_DROP_NONE
			       : LULL_DROP_IP_NOT_OURS;
	if (lull_ip_is_bad_source(ip, &hdr->src))
		return LULL_DROP_IP_SOURCE;
	return LULL_DROP_NONE;
}

/* Parse in->buf, and look whether it is for us. */
static enum lull_drop examine(struct lull_ip *ip, struct lull_ip_in *in)
{
	const struct lull_bufs *bufs = &ip->g->bufs;
	const struct lull_buf *b = lull_buf_at(bufs, in->buf);
	uint32_t len = b->len + (b->next ? lull_buf_at(bufs, b->next)->len : 0);
	enum lull_drop why =
		lull_ip_parse_front(b->data + b->off, b->len, len, &in->hdr);
	enum lull_drop worse;

	in->ours = false;
	if (why && !in->hdr.tell)
		return why;
	worse = check(ip, in);
	return worse ? worse : why;
}

/* A fragment: the whole packet is in in->buf, or it is 0, or why not. */
static enum lull_drop reassemble(struct lull_ip *ip, struct lull_ip_in *in)
{
	enum lull_drop why = lull_reass_add(ip, in);

	if (why || !in->buf)
		return why;
	why = examine(ip, in);
	/* A fragment's payload is no fragment. */
	return !why && in->hdr.fragment ? LULL_DROP_IP_FRAGMENT : why;
}

enum lull_ip_to lull_ip_input(struct lull_ip *ip, uint32_t buf,
			      struct lull_ip_in *in)
{
	struct lull_ground *g = ip->g;
	struct lull_buf *b;
	enum lull_drop why;
	uint32_t start;

	lull_count(g, LULL_COUNT_IP_IN_RECEIVES);
	in->buf = buf;
	why = examine(ip, in);
	b = lull_buf_at(&g->bufs, buf);
	if (!why && b->next &&
	    (in->hdr.fragment || in->hdr.proto != LULL_PROTO_TCP))
		why = LULL_DROP_IP_LARGE;
	if (!why && in->hdr.fragment)
		why = reassemble(ip, in);
	if (!in->buf) { /* kept, or given up with all that was kept */
		if (why)
			lull_drop(g, why);
		return LULL_IP_DONE;
	}
	b = lull_buf_at(&g->bufs, in->buf);
	start = b->off;
	if (why)
		goto refuse;
	/* RFC 3168 5: Not-ECT, ECT(1), ECT(0), CE stand in this order. */
	lull_count(g, (enum lull_counter_id)(LULL_COUNT_IP_IN_NO_ECT +
					     (in->hdr.tos & 3)));
	if (b->next)
		lull_buf_cut_back(&g->bufs, in->buf, in->hdr.len);
	else
		b->len = in->hdr.len;
	b->off += in->hdr.hdr_len;
	b->len -= in->hdr.hdr_len;
	switch (in->hdr.proto) {
	case LULL_PROTO_TCP:
		return LULL_IP_TO_TCP;
	case LULL_PROTO_ICMP:
	case LULL_PROTO_ICMPV6:
		/* Each belongs to one version of IP only. */
		if (in->hdr.v6 == (in->hdr.proto == LULL_PROTO_ICMPV6))
			return lull_icmp_input(ip, in->buf, in);
		break;
	case LULL_PROTO_NONE:
		if (in->hdr.v6) /* RFC 8200 4.7: nothing follows */
			return LULL_IP_DONE;
		break;
	default:
		break;
	}
	why = LULL_DROP_IP_PROTOCOL;
refuse:
	lull_drop(g, why);
	if (in->ours && !b->next)
		lull_icmp_refuse(ip, in->buf, start, &in->hdr, why);
	return LULL_IP_DONE;
}
