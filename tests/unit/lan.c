/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lan.c: see lan.h.
 */
#include "lan.h"

enum {
	ETHER = 14,
	ND = 24,
	ICMP = 1,
	ICMPV6 = 58,
};

const struct lull_mac lan_us = {{2, 0, 0, 0, 0, 2}};
const struct lull_mac lan_peer = {{2, 0, 0, 0, 0, 1}};
const struct lull_mac lan_other = {{2, 0, 0, 0, 0, 9}};
const struct lull_mac lan_all = {{255, 255, 255, 255, 255, 255}};

void lan_config(struct lull_config *config)
{
	config->link_type = LULL_LINK_ETHER;
	memcpy(config->mac, lan_us.b, 6);
	config->limits.neighbours = 16;
	config->limits.unresolved = 8;
}

struct lull_addr lan_addr(const struct rig *r, uint16_t last)
{
	struct lull_addr a = r->tuple.remote;

	a.b[14] = r->config.v6 ? (uint8_t)(last >> 8) : a.b[14];
	a.b[15] = (uint8_t)last;
	return a;
}

void lan_put(struct rig *r, const struct lan_frame *head, const void *payload,
	     uint32_t len)
{
	uint8_t frame[4096];

	assert_true(len + ETHER <= sizeof frame);
	memcpy(frame, head->dst.b, 6);
	memcpy(frame + 6, head->src.b, 6);
	frame[12] = (uint8_t)(head->type >> 8);
	frame[13] = (uint8_t)head->type;
	memcpy(frame + ETHER, payload, len);
	rig_frame(r, frame, ETHER + len);
}

void lan_packet(struct rig *r, const uint8_t *ip, uint32_t len)
{
	const struct lan_frame head = {lan_us, lan_peer,
				       r->config.v6 ? 0x86dd : 0x0800};

	lan_put(r, &head, ip, len);
}

const struct rig_raw *lan_strip(const struct rig_raw *raw)
{
	static struct rig_raw bare;
	bool v6 = raw->bytes[ETHER] >> 4 == 6;

	assert_true(raw->len > ETHER);
	assert_memory_equal(raw->bytes + 6, lan_us.b, 6);
	assert_int_equal(raw->bytes[12] << 8 | raw->bytes[13],
			 v6 ? 0x86dd : 0x0800);
	bare.frame = raw->frame;
	bare.len = raw->len - ETHER;
	memcpy(bare.bytes, raw->bytes + ETHER, bare.len);
	if (bare.frame.flags & LULL_FRAME_CSUM_PARTIAL)
		bare.frame.csum_start -= ETHER;
	return &bare;
}

static const struct rig_raw *next(struct rig *r, const struct lull_mac *dst,
				  uint16_t type)
{
	const struct rig_raw *raw = rig_get_raw(r);

	if (!raw)
		fail_msg("no frame came, type %04x was expected", type);
	assert_int_equal(raw->bytes[12] << 8 | raw->bytes[13], type);
	assert_memory_equal(raw->bytes, dst->b, 6);
	assert_memory_equal(raw->bytes + 6, lan_us.b, 6);
	return raw;
}

/* ---- ARP ---- */

void lan_arp_build(const struct lull_arp *arp, uint8_t *out)
{
	const uint8_t head[] = {0, 1, 8, 0, 6, 4, 0, arp->request ? 1 : 2};

	memcpy(out, head, 8);
	memcpy(out + 8, arp->sender_mac.b, 6);
	memcpy(out + 14, arp->sender_ip.b + 12, 4);
	memcpy(out + 18, arp->target_mac.b, 6);
	memcpy(out + 24, arp->target_ip.b + 12, 4);
}

void lan_arp(struct rig *r, const struct lull_arp *arp,
	     const struct lull_mac *dst)
{
	const struct lan_frame head = {*dst, arp->sender_mac, 0x0806};
	uint8_t bytes[28];

	lan_arp_build(arp, bytes);
	lan_put(r, &head, bytes, sizeof bytes);
}

struct lull_arp lan_expect_arp(struct rig *r, const struct lull_mac *dst)
{
	const struct rig_raw *raw = next(r, dst, 0x0806);
	struct lull_arp arp;
	uint8_t again[28];

	assert_int_equal(raw->len, ETHER + 28);
	assert_int_equal(lull_arp_parse(raw->bytes + ETHER, 28, &arp), 0);
	lan_arp_build(&arp, again); /* each byte is what it should be */
	assert_memory_equal(raw->bytes + ETHER, again, 28);
	assert_memory_equal(arp.sender_mac.b, lan_us.b, 6);
	return arp;
}

/* ---- Neighbor Discovery ---- */

static void put_option(struct lan_nd *nd, uint8_t type,
		       const struct lull_mac *mac)
{
	nd->option[0] = type;
	nd->option[1] = 1;
	memcpy(nd->option + 2, mac->b, 6);
	nd->option_len = 8;
}

struct lan_nd lan_solicit(const struct rig *r)
{
	struct lan_nd nd = {
		.src = r->tuple.remote,
		.target = r->tuple.local,
		.from = lan_peer,
		.to = {{0x33, 0x33, 0xff, 0, 0, 2}},
		.type = 135,
		.hops = 255,
	};

	lull_nd_group(&nd.target, &nd.dst);
	put_option(&nd, 1, &lan_peer);
	return nd;
}

struct lan_nd lan_advert(const struct rig *r)
{
	struct lan_nd nd = {
		.src = r->tuple.remote,
		.dst = r->tuple.local,
		.target = r->tuple.remote,
		.from = lan_peer,
		.to = lan_us,
		.type = 136,
		.flags = 0x60, /* solicited, override */
		.hops = 255,
	};

	put_option(&nd, 2, &lan_peer);
	return nd;
}

void lan_nd(struct rig *r, const struct lan_nd *nd)
{
	const struct lan_frame head = {nd->to, nd->from, 0x86dd};
	uint8_t packet[128],
		body[ND + sizeof nd->option] = {nd->type, nd->code};
	uint32_t len = ND + nd->option_len;
	struct rig as = *r; /* for the pseudo-header */

	body[4] = nd->flags;
	memcpy(body + 8, nd->target.b, 16);
	memcpy(body + ND, nd->option, nd->option_len);
	as.tuple.local = nd->dst;
	as.tuple.remote = nd->src;
	rig_icmp_sum(&as, body, len);
	body[2] ^= nd->short_sum;
	len = rig_ip(&as, ICMPV6, body, len, packet);
	packet[7] = nd->hops;
	lan_put(r, &head, packet, len);
}

struct lull_nd lan_expect_nd(struct rig *r, const struct lull_mac *dst,
			     struct lull_ip_hdr *ip)
{
	const struct rig_raw *raw = next(r, dst, 0x86dd);
	const uint8_t *p = raw->bytes + ETHER;
	struct rig as = *r;
	uint8_t sum[2], body[64];
	struct lull_nd nd;
	uint32_t len;

	assert_int_equal(lull_ip_parse(p, raw->len - ETHER, ip), 0);
	assert_int_equal(ip->len, raw->len - ETHER);
	assert_int_equal(ip->proto, ICMPV6);
	len = ip->len - ip->hdr_len;
	assert_true(len <= sizeof body);
	assert_int_equal(lull_nd_parse(p + ip->hdr_len, len, ip, &nd), 0);
	as.tuple.local = ip->dst;
	as.tuple.remote = ip->src;
	memcpy(body, p + ip->hdr_len, len);
	memcpy(sum, body + 2, 2);
	rig_icmp_sum(&as, body, len);
	assert_memory_equal(body + 2, sum, 2);
	assert_true(nd.has_mac);
	assert_memory_equal(nd.mac.b, lan_us.b, 6);
	return nd;
}

/* ---- both ---- */

void lan_meet(struct rig *r)
{
	const struct lull_arp arp = {.sender_ip = r->tuple.remote,
				     .sender_mac = lan_peer,
				     .target_ip = r->tuple.local,
				     .request = true};
	struct lull_ip_hdr ip;

	if (r->config.v6) {
		struct lan_nd nd = lan_solicit(r);

		lan_nd(r, &nd);
		(void)lan_expect_nd(r, &lan_peer, &ip);
		return;
	}
	lan_arp(r, &arp, &lan_all);
	(void)lan_expect_arp(r, &lan_peer);
}

void lan_answer(struct rig *r, uint16_t last, const struct lull_mac *mac)
{
	struct lull_arp arp = {.sender_ip = lan_addr(r, last),
			       .sender_mac = *mac,
			       .target_ip = r->tuple.local,
			       .target_mac = lan_us};

	if (r->config.v6) {
		struct lan_nd nd = lan_advert(r);

		nd.src = nd.target = lan_addr(r, last);
		nd.from = *mac;
		put_option(&nd, 2, mac);
		lan_nd(r, &nd);
	} else {
		lan_arp(r, &arp, &lan_us);
	}
}

static void expect_solicit(struct rig *r, uint16_t last,
			   const struct lull_mac *mac)
{
	struct lull_addr to = lan_addr(r, last), target = to;
	struct lull_mac group = {{0x33, 0x33, 0xff, 0, to.b[14], to.b[15]}};
	struct lull_ip_hdr ip;
	struct lull_nd nd = lan_expect_nd(r, mac ? mac : &group, &ip);

	if (!mac)
		lull_nd_group(&target, &to);
	assert_false(nd.advert);
	assert_memory_equal(&nd.target, &target, 16);
	assert_memory_equal(&ip.dst, &to, 16);
	assert_memory_equal(&ip.src, &r->tuple.local, 16);
}

void lan_expect_ask(struct rig *r, uint16_t last, const struct lull_mac *mac)
{
	struct lull_addr to = lan_addr(r, last);
	struct lull_arp arp;

	if (r->config.v6) {
		expect_solicit(r, last, mac);
		return;
	}
	arp = lan_expect_arp(r, mac ? mac : &lan_all);
	assert_true(arp.request);
	assert_memory_equal(&arp.target_ip, &to, 16);
	assert_memory_equal(&arp.sender_ip, &r->tuple.local, 16);
}

void lan_expect_none(struct rig *r)
{
	const struct rig_raw *raw = rig_get_raw(r);

	if (raw)
		fail_msg("a frame of type %02x%02x came", raw->bytes[12],
			 raw->bytes[13]);
}

void lan_ping(struct rig *r, uint16_t last, const struct lull_mac *mac)
{
	const struct lan_frame head = {lan_us, *mac,
				       r->config.v6 ? 0x86dd : 0x0800};
	uint8_t icmp[16] = {r->config.v6 ? 128 : 8}, packet[128];
	struct rig as = *r;

	icmp[7] = (uint8_t)rig_count(r, LULL_COUNT_ICMP_IN_ECHOS);
	as.tuple.remote = lan_addr(r, last);
	rig_icmp_sum(&as, icmp, sizeof icmp);
	lan_put(r, &head, packet,
		rig_ip(&as, r->config.v6 ? ICMPV6 : ICMP, icmp, sizeof icmp,
		       packet));
}

void lan_expect_pong(struct rig *r, uint16_t last, const struct lull_mac *mac)
{
	uint16_t type = r->config.v6 ? 0x86dd : 0x0800;
	const uint8_t *p = next(r, mac, type)->bytes + ETHER;
	struct lull_addr to = lan_addr(r, last);

	if (r->config.v6) {
		assert_memory_equal(p + 24, to.b, 16);
		assert_int_equal(p[40], 129);
	} else {
		assert_memory_equal(p + 16, to.b + 12, 4);
		assert_int_equal(p[20], 0);
	}
}

int lan_state(const struct rig *r, uint16_t last)
{
	struct lull_addr a = lan_addr(r, last);
	uint32_t i = lull_neigh_find(&r->s->ip, &a);

	return i ? lull_neigh_at(&r->s->ip.neigh, i)->state : -1;
}

void lan_reach(struct rig *r, uint16_t last, const struct lull_mac *mac)
{
	lan_ping(r, last, mac);
	lan_expect_ask(r, last, NULL);
	lan_answer(r, last, mac);
	lan_expect_pong(r, last, mac);
	assert_int_equal(lan_state(r, last), LULL_NEIGH_REACHABLE);
}
