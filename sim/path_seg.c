/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path_seg.c: what a path sees of the segments that pass: whose they are, which
 * bytes they carry for the second time, whether the first ones were lost.
 */
#include <stdlib.h>
#include <string.h>

#include "packet.h"
#include "path.h"

enum {
	TCP = 6,
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_WSCALE = 3,
	OPT_SACK = 5,
	ECN_CE = 3,
};

static bool is_v6(const uint8_t *p)
{
	return p[0] >> 4 == 6;
}

/* Bytes before TCP's header; 0: it is not TCP, or not whole. */
static uint32_t ip_len(const uint8_t *p, uint32_t len)
{
	uint32_t hdr = is_v6(p) ? 40 : (p[0] & 15U) * 4;

	if (len < hdr + 20 || p[is_v6(p) ? 6 : 9] != TCP)
		return 0;
	return hdr;
}

static void ends_of(const uint8_t *p, uint8_t addr[2][16], bool back)
{
	uint32_t n = is_v6(p) ? 16 : 4, at = is_v6(p) ? 8 : 12;

	memset(addr, 0, 32);
	memcpy(addr[back], p + at, n);
	memcpy(addr[!back], p + at + n, n);
}

static struct path_flow *find(struct path_flow *flows, int *n,
			      const struct path_flow *key)
{
	for (int i = 0; i < *n; i++)
		if (!memcmp(flows[i].port, key->port, sizeof key->port) &&
		    !memcmp(flows[i].addr, key->addr, sizeof key->addr))
			return &flows[i];
	if (*n == PATH_FLOWS)
		return NULL;
	flows[*n] = *key;
	return &flows[(*n)++];
}

static void take_sack(struct path_event *e, const uint8_t *opt, uint32_t len,
		      const struct path_stream *other)
{
	for (uint32_t at = 2; at + 8 <= len && e->sacks < PATH_SACKS; at += 8) {
		uint32_t *block = e->sack[e->sacks++];

		block[0] = packet_get32(opt + at) - other->isn - 1;
		block[1] = packet_get32(opt + at + 4) - other->isn - 1;
	}
}

static void take_options(struct path_event *e, struct path_stream *own,
			 const struct path_stream *other, const uint8_t *p,
			 uint32_t len)
{
	uint32_t at = 0;

	while (at < len && p[at] != OPT_END) {
		if (p[at] == OPT_NOP) {
			at++;
			continue;
		}
		if (at + 2 > len || p[at + 1] < 2 || at + p[at + 1] > len)
			return;
		if (p[at] == OPT_WSCALE && e->flags & SYN)
			own->shift = p[at + 2];
		if (p[at] == OPT_SACK)
			take_sack(e, p + at, p[at + 1], other);
		at += p[at + 1];
	}
}

struct path_flow *path_see(struct path_flow *flows, int *n, enum path_way way,
			   const uint8_t *packet, uint32_t len,
			   struct path_event *seen)
{
	uint32_t hdr = ip_len(packet, len), tcp_hdr;
	const uint8_t *tcp = packet + hdr;
	struct path_flow key = {0}, *f;
	struct path_stream *own, *other;

	if (!hdr)
		return NULL;
	ends_of(packet, key.addr, way == PATH_BACK);
	key.port[way] = (uint16_t)packet_get16(tcp);
	key.port[!way] = (uint16_t)packet_get16(tcp + 2);
	f = find(flows, n, &key);
	tcp_hdr = (tcp[12] >> 4) * 4U;
	if (!f || tcp_hdr < 20 || hdr + tcp_hdr > len)
		return NULL;
	own = &f->way[way];
	other = &f->way[!way];
	seen->way = (uint8_t)way;
	seen->flow = (uint8_t)(f - flows);
	seen->flags = tcp[13];
	seen->ecn = is_v6(packet) ? packet[1] >> 4 & 3 : packet[1] & 3;
	if (seen->flags & SYN) {
		if (!own->known)
			own->shift = 0;
		own->known = true;
		own->isn = packet_get32(tcp + 4);
	}
	take_options(seen, own, other, tcp + 20, tcp_hdr - 20);
	seen->seq = packet_get32(tcp + 4) - own->isn - !(seen->flags & SYN);
	seen->len = len - hdr - tcp_hdr;
	seen->ack =
		seen->flags & ACK ? packet_get32(tcp + 8) - other->isn - 1 : 0;
	seen->wnd = packet_get16(tcp + 14)
		    << (seen->flags & SYN || !other->known ? 0 : own->shift);
	return f;
}

/* ---- what is missing ---- */

static void miss(struct path_stream *s, uint32_t from, uint32_t to)
{
	if (s->missing_len == s->missing_size) {
		size_t size = s->missing_size ? 2 * s->missing_size : 16;
		void *m = realloc(s->missing, size * sizeof *s->missing);

		if (!m)
			abort();
		s->missing = m;
		s->missing_size = size;
	}
	s->missing[s->missing_len++] = (struct path_stretch){from, to};
}

/* [from, to) went: forget what it has of what was missing. false: nothing. */
static bool fill(struct path_stream *s, uint32_t from, uint32_t to)
{
	bool had = false;

	for (size_t i = 0; i < s->missing_len;) {
		struct path_stretch m = s->missing[i];

		if (m.to <= from || m.from >= to) {
			i++;
			continue;
		}
		had = true;
		s->missing[i] = s->missing[--s->missing_len];
		if (m.from < from)
			miss(s, m.from, from);
		if (m.to > to)
			miss(s, to, m.to);
	}
	return had;
}

void path_is_again(const struct path_stream *s, struct path_event *seen)
{
	seen->again =
		seen->len && s->segments && (int32_t)(seen->seq - s->end) < 0;
}

void path_account(struct path_stream *s, struct path_event *seen)
{
	uint32_t end = seen->seq + seen->len;

	if (!seen->len)
		return;
	if (seen->again) {
		seen->needless = !fill(s, seen->seq, end);
		s->stats.again++;
		s->stats.again_bytes += seen->len;
		s->stats.needless += seen->needless;
	} else {
		s->segments++;
		s->stats.segments++;
		s->stats.bytes += seen->len;
	}
	if ((int32_t)(end - s->end) > 0 || s->segments == 1)
		s->end = end;
	if (seen->fate != PATH_ARRIVES) {
		s->stats.lost++;
		miss(s, seen->seq, end);
	}
}

/* ---- bytes ---- */

static uint32_t add(uint32_t sum, const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return (sum & 0xffff) + (sum >> 16);
}

static uint32_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static void sum_ip4(uint8_t *p)
{
	packet_put16(p + 10, 0);
	packet_put16(p + 10, fold(add(0, p, (p[0] & 15U) * 4)));
}

void path_sum(uint8_t *packet, uint32_t len)
{
	uint32_t hdr = ip_len(packet, len), sum;
	bool v6 = is_v6(packet);

	if (!v6)
		sum_ip4(packet);
	if (!hdr)
		return;
	packet_put16(packet + hdr + 16, 0);
	sum = add(TCP + len - hdr, packet + (v6 ? 8 : 12), v6 ? 32 : 8);
	packet_put16(packet + hdr + 16,
		     fold(add(sum, packet + hdr, len - hdr)));
}

bool path_mark(uint8_t *packet, uint32_t len)
{
	uint8_t *ecn = packet + 1;
	int up = is_v6(packet) ? 4 : 0;

	if (len < 20 || !(*ecn >> up & ECN_CE))
		return false;
	*ecn |= (uint8_t)(ECN_CE << up);
	if (!is_v6(packet))
		sum_ip4(packet);
	return true;
}
