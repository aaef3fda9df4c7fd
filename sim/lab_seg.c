/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_seg.c: TCP over IPv4, bytes to fields and back, for the lab: what
 * passes its wire, and what a crafted end sends.
 *
 * Entry points: lab_seg_parse, lab_seg_build, lab_flags_text.
 */
#include <string.h>

#include "lab.h"
#include "packet.h"

enum {
	IP_LEN = 20,
	TCP_LEN = 20,
	TCP_PROTOCOL = 6,
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_WSCALE = 3,
	OPT_SACK_OK = 4,
	OPT_TS = 8,
};

static void parse_options(const uint8_t *p, const uint8_t *end,
			  struct lab_seg *s)
{
	while (p < end && *p != OPT_END) {
		if (*p == OPT_NOP) {
			p++;
			continue;
		}
		if (end - p < 2 || p[1] < 2 || p[1] > end - p)
			return;
		if (*p == OPT_MSS && p[1] == 4)
			s->mss = (uint16_t)packet_get16(p + 2);
		if (*p == OPT_WSCALE && p[1] == 3) {
			s->has_wscale = true;
			s->wscale = p[2];
		}
		if (*p == OPT_SACK_OK)
			s->has_sack = true;
		if (*p == OPT_TS && p[1] == 10) {
			s->has_ts = true;
			s->tsval = packet_get32(p + 2);
			s->tsecr = packet_get32(p + 6);
		}
		p += p[1];
	}
}

bool lab_seg_parse(const uint8_t *packet, uint32_t len, struct lab_seg *s)
{
	uint32_t ip, tcp, total;
	const uint8_t *p;

	*s = (struct lab_seg){0};
	if (len < IP_LEN + TCP_LEN || packet[0] >> 4 != 4 ||
	    packet[9] != TCP_PROTOCOL)
		return false;
	ip = (packet[0] & 15U) * 4;
	total = packet_get16(packet + 2);
	if (ip < IP_LEN || total > len || ip + TCP_LEN > total ||
	    packet_get16(packet + 6) & 0x3fff)
		return false;
	p = packet + ip;
	tcp = (uint32_t)(p[12] >> 4) * 4;
	if (tcp < TCP_LEN || ip + tcp > total)
		return false;
	s->src = packet_get32(packet + 12);
	s->dst = packet_get32(packet + 16);
	s->sport = (uint16_t)packet_get16(p);
	s->dport = (uint16_t)packet_get16(p + 2);
	s->seq = packet_get32(p + 4);
	s->ack = packet_get32(p + 8);
	s->flags = p[13];
	s->wnd = (uint16_t)packet_get16(p + 14);
	s->text = p + tcp;
	s->len = total - ip - tcp;
	parse_options(p + TCP_LEN, p + tcp, s);
	return true;
}

static uint32_t sum(const uint8_t *p, uint32_t len, uint32_t from)
{
	for (uint32_t i = 0; i < len; i++)
		from += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return from;
}

static uint32_t fold(uint32_t v)
{
	while (v >> 16)
		v = (v & 0xffff) + (v >> 16);
	return ~v & 0xffff;
}

static uint8_t *put_options(uint8_t *p, const struct lab_seg *s)
{
	if (s->mss) {
		*p++ = OPT_MSS;
		*p++ = 4;
		packet_put16(p, s->mss);
		p += 2;
	}
	if (s->has_ts) {
		*p++ = OPT_NOP;
		*p++ = OPT_NOP;
		*p++ = OPT_TS;
		*p++ = 10;
		packet_put32(p, s->tsval);
		packet_put32(p + 4, s->tsecr);
		p += 8;
	}
	if (s->has_sack) {
		*p++ = OPT_NOP;
		*p++ = OPT_NOP;
		*p++ = OPT_SACK_OK;
		*p++ = 2;
	}
	if (s->has_wscale) {
		*p++ = OPT_NOP;
		*p++ = OPT_WSCALE;
		*p++ = 3;
		*p++ = s->wscale;
	}
	return p;
}

uint32_t lab_seg_build(const struct lab_seg *s, uint8_t *packet)
{
	uint8_t *tcp = packet + IP_LEN, *p;
	uint32_t head, len = s->len;

	memset(packet, 0, IP_LEN + TCP_LEN);
	p = put_options(tcp + TCP_LEN, s);
	head = (uint32_t)(p - tcp);
	if (len > LAB_PACKET - IP_LEN - head)
		len = LAB_PACKET - IP_LEN - head;
	if (len)
		memcpy(p, s->text, len);
	packet[0] = 0x45;
	packet_put16(packet + 2, IP_LEN + head + len);
	packet_put16(packet + 6, 0x4000); /* don't fragment */
	packet[8] = 64;
	packet[9] = TCP_PROTOCOL;
	packet_put32(packet + 12, s->src);
	packet_put32(packet + 16, s->dst);
	packet_put16(packet + 10, fold(sum(packet, IP_LEN, 0)));
	packet_put16(tcp, s->sport);
	packet_put16(tcp + 2, s->dport);
	packet_put32(tcp + 4, s->seq);
	packet_put32(tcp + 8, s->ack);
	tcp[12] = (uint8_t)(head / 4 << 4);
	tcp[13] = s->flags;
	packet_put16(tcp + 14, s->wnd);
	packet_put16(tcp + 16,
		     fold(sum(tcp, head + len,
			      sum(packet + 12, 8, TCP_PROTOCOL + head + len))));
	return IP_LEN + head + len;
}

char *lab_flags_text(uint8_t flags, char *text)
{
	static const struct {
		uint8_t flag;
		const char *name;
	} names[] = {
		{LAB_SYN, "SYN"},
		{LAB_FIN, "FIN"},
		{LAB_RST, "RST"},
		{LAB_ACK, "ACK"},
	};

	*text = 0;
	for (int i = 0; i < 4; i++) {
		if (!(flags & names[i].flag))
			continue;
		if (*text)
			strcat(text, ",");
		strcat(text, names[i].name);
	}
	if (!*text)
		strcpy(text, "-");
	return text;
}
