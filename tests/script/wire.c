/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire.c: see wire.h.
 */
#include <string.h>

#include "wire.h"

enum {
	HDR4 = 20,
	HDR6 = 40,
	TCP_HDR = 20,
	PROTO_TCP = 6,
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_WSCALE = 3,
	OPT_SACKOK = 4,
	OPT_SACK = 5,
	OPT_TS = 8,
};

static const char flag_names[] = "FSRPAUEW";
static const uint8_t flag_bits[] = {TCP_FIN, TCP_SYN, TCP_RST, TCP_PSH,
				    TCP_ACK, TCP_URG, TCP_ECE, TCP_CWR};

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

struct lull_addr wire_addr(bool v6, uint8_t last)
{
	struct lull_addr a = {.b = {0xfd, 0, 0, 9, 0, 3, [15] = last}};

	if (!v6)
		a = (struct lull_addr){
			.b = {[10] = 0xff, [11] = 0xff, 10, 9, 3, last}};
	return a;
}

/* The plainest checksum there is. 0 over what has a right one. */
static uint32_t sum16(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* The TCP checksum, with the pseudo-header; both addresses count alike. */
static uint16_t tcp_sum(bool v6, const uint8_t *tcp, size_t len)
{
	struct lull_addr us = wire_addr(v6, 2), peer = wire_addr(v6, 1);
	size_t skip = v6 ? 0 : 12;
	uint32_t sum = PROTO_TCP + (uint32_t)len;

	sum = sum16(sum, us.b + skip, 16 - skip);
	sum = sum16(sum, peer.b + skip, 16 - skip);
	return fold(sum16(sum, tcp, len));
}

uint32_t wire_len(const struct segment *s)
{
	return s->len + !!(s->flags & TCP_SYN) + !!(s->flags & TCP_FIN);
}

void wire_flags_text(uint8_t flags, char *out)
{
	for (size_t i = 0; flag_names[i]; i++)
		if (flags & flag_bits[i])
			*out++ = flag_names[i];
	*out = '\0';
}

bool wire_flags(const char *text, uint8_t *flags)
{
	const char *at;

	for (*flags = 0; *text; text++) {
		at = strchr(flag_names, *text);
		if (!at)
			return false;
		*flags |= flag_bits[at - flag_names];
	}
	return true;
}

/* ---- out ---- */

static size_t build_options(const struct segment *s, uint8_t *p)
{
	size_t n = 0;

	if (s->has_mss) {
		put32(p, OPT_MSS << 24 | 4 << 16 | s->mss);
		n += 4;
	}
	if (s->has_wscale) {
		put32(p + n,
		      OPT_NOP << 24 | OPT_WSCALE << 16 | 3 << 8 | s->wscale);
		n += 4;
	}
	if (s->has_sackok) {
		put32(p + n,
		      OPT_NOP << 24 | OPT_NOP << 16 | OPT_SACKOK << 8 | 2);
		n += 4;
	}
	if (s->has_ts) {
		put32(p + n, OPT_NOP << 24 | OPT_NOP << 16 | OPT_TS << 8 | 10);
		put32(p + n + 4, s->tsval);
		put32(p + n + 8, s->tsecr);
		n += 12;
	}
	if (s->sacks) {
		put32(p + n, OPT_NOP << 24 | OPT_NOP << 16 | OPT_SACK << 8 |
				     (2 + 8 * s->sacks));
		n += 4;
		for (uint32_t i = 0; i < s->sacks; i++, n += 8) {
			put32(p + n, s->sack[i][0]);
			put32(p + n + 4, s->sack[i][1]);
		}
	}
	return n;
}

static void build_ip(const struct segment *s, bool v6, size_t len, uint8_t *ip)
{
	struct lull_addr us = wire_addr(v6, 2), peer = wire_addr(v6, 1);

	if (v6) {
		put16(ip, 0x6000U | (uint32_t)s->tos << 4);
		put16(ip + 4, (uint32_t)len);
		ip[6] = PROTO_TCP;
		ip[7] = 64;
		memcpy(ip + 8, peer.b, 16);
		memcpy(ip + 24, us.b, 16);
		return;
	}
	put16(ip, 0x4500U | s->tos);
	put16(ip + 2, HDR4 + (uint32_t)len);
	ip[8] = 64;
	ip[9] = PROTO_TCP;
	memcpy(ip + 12, peer.b + 12, 4);
	memcpy(ip + 16, us.b + 12, 4);
	put16(ip + 10, fold(sum16(0, ip, HDR4)));
}

size_t wire_build(const struct segment *s, bool v6, uint8_t *out)
{
	size_t hdr = v6 ? HDR6 : HDR4, len;
	uint8_t *tcp = out + hdr;

	memset(out, 0, hdr + TCP_HDR);
	len = TCP_HDR + build_options(s, tcp + TCP_HDR);
	put16(tcp, s->from);
	put16(tcp + 2, s->to);
	put32(tcp + 4, s->seq);
	put32(tcp + 8, s->ack);
	tcp[12] = (uint8_t)(len / 4 << 4);
	tcp[13] = s->flags;
	put16(tcp + 14, s->win);
	put16(tcp + 18, s->urg);
	memcpy(tcp + len, s->text, s->len);
	len += s->len;
	put16(tcp + 16, tcp_sum(v6, tcp, len));
	build_ip(s, v6, len, out);
	return hdr + len;
}

/* ---- in ---- */

static const char *parse_option(const uint8_t *p, size_t n, struct segment *s)
{
	if (p[0] == OPT_MSS && n == 4) {
		s->has_mss = true;
		s->mss = (uint16_t)get16(p + 2);
	} else if (p[0] == OPT_WSCALE && n == 3) {
		s->has_wscale = true;
		s->wscale = p[2];
	} else if (p[0] == OPT_SACKOK && n == 2) {
		s->has_sackok = true;
	} else if (p[0] == OPT_TS && n == 10) {
		s->has_ts = true;
		s->tsval = get32(p + 2);
		s->tsecr = get32(p + 6);
	} else if (p[0] == OPT_SACK && n > 2 && (n - 2) % 8 == 0) {
		s->sacks = (uint32_t)(n - 2) / 8;
		for (uint32_t i = 0; i < s->sacks; i++) {
			s->sack[i][0] = get32(p + 2 + 8 * i);
			s->sack[i][1] = get32(p + 6 + 8 * i);
		}
	} else {
		return "an option that is unknown, or of a wrong length";
	}
	return NULL;
}

static const char *parse_options(const uint8_t *p, const uint8_t *end,
				 struct segment *s)
{
	const char *bad = NULL;

	while (p < end && *p != OPT_END && !bad) {
		if (*p == OPT_NOP) {
			p++;
			continue;
		}
		if (end - p < 2 || p[1] < 2 || p[1] > end - p)
			return "an option that is cut short";
		bad = parse_option(p, p[1], s);
		p += p[1];
	}
	return bad;
}

static const char *parse_tcp(const uint8_t *tcp, size_t len, bool v6,
			     struct segment *s)
{
	size_t hdr;

	if (len < TCP_HDR)
		return "a TCP header that is cut short";
	hdr = (size_t)(tcp[12] >> 4) * 4;
	if (hdr < TCP_HDR || hdr > len)
		return "a data offset that can't be";
	if (tcp_sum(v6, tcp, len) != 0)
		return "a wrong TCP checksum";
	s->from = (uint16_t)get16(tcp);
	s->to = (uint16_t)get16(tcp + 2);
	s->seq = get32(tcp + 4);
	s->ack = get32(tcp + 8);
	s->flags = tcp[13];
	s->win = (uint16_t)get16(tcp + 14);
	s->urg = (uint16_t)get16(tcp + 18);
	s->len = (uint32_t)(len - hdr);
	if (s->len > WIRE_TEXT_MAX)
		return "more text than the link takes";
	memcpy(s->text, tcp + hdr, s->len);
	return parse_options(tcp + TCP_HDR, tcp + hdr, s);
}

const char *wire_parse(const uint8_t *p, size_t len, bool v6, struct segment *s)
{
	struct lull_addr us = wire_addr(v6, 2), peer = wire_addr(v6, 1);

	memset(s, 0, sizeof(*s));
	if (v6) {
		if (len < HDR6 || p[0] >> 4 != 6 || get16(p + 4) != len - HDR6)
			return "no whole IPv6 packet";
		s->tos = (uint8_t)(get16(p) >> 4);
		s->ttl = p[7];
		if (p[6] != PROTO_TCP)
			return "no TCP";
		if (memcmp(p + 8, us.b, 16) != 0 ||
		    memcmp(p + 24, peer.b, 16) != 0)
			return "not from us to the peer";
		return parse_tcp(p + HDR6, len - HDR6, v6, s);
	}
	if (len < HDR4 || p[0] != 0x45 || get16(p + 2) != len)
		return "no whole IPv4 packet";
	if (fold(sum16(0, p, HDR4)) != 0)
		return "a wrong IPv4 checksum";
	s->tos = p[1];
	s->ttl = p[8];
	if (p[9] != PROTO_TCP)
		return "no TCP";
	if (memcmp(p + 12, us.b + 12, 4) != 0 ||
	    memcmp(p + 16, peer.b + 12, 4) != 0)
		return "not from us to the peer";
	return parse_tcp(p + HDR4, len - HDR4, v6, s);
}
