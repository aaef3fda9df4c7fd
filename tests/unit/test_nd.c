/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_nd.c: Neighbor Solicitations and Advertisements: RFC 4861 7.1 (what is
 * void), 7.2.3, 7.2.4, 7.2.5; RFC 4862 5.4.
 */
#include "lan.h"

static const struct rig_config plain = {.ether = true, .rtt_ms = 1, .v6 = true};
static const struct lull_mac all_nodes = {{0x33, 0x33, 0, 0, 0, 1}};

static const struct lull_neigh *peer(const struct rig *r)
{
	struct lull_addr a = lan_addr(r, 1);
	uint32_t i = lull_neigh_find(&r->s->ip, &a);

	assert_true(i > 0);
	return lull_neigh_at(&r->s->ip.neigh, i);
}

static void refused(struct rig *r, enum lull_drop why, const char *what)
{
	lan_expect_none(r);
	if (rig_drops(r, why) != 1)
		fail_msg("%s: not refused as it should be", what);
	assert_int_equal(r->s->ip.neigh.slab.used, 0);
	r->s->g.drops[why] = 0;
}

/* 7.2.3, 7.2.4: answered to where he says he is, solicited, override. */
static void solicitation_is_answered_and_remembered(void **unused)
{
	struct lull_ip_hdr ip;
	struct lan_nd in;
	struct lull_nd out;
	struct rig r;

	rig_open(&r, &plain);
	in = lan_solicit(&r);
	lan_nd(&r, &in);
	out = lan_expect_nd(&r, &lan_peer, &ip);
	assert_true(out.advert && out.solicited && out.override);
	assert_false(out.router);
	assert_memory_equal(&out.target, &r.tuple.local, 16);
	assert_memory_equal(&ip.dst, &r.tuple.remote, 16);
	assert_memory_equal(&ip.src, &r.tuple.local, 16);
	assert_int_equal(ip.ttl, 255);
	assert_int_equal(lan_state(&r, 1), LULL_NEIGH_STALE);
	assert_int_equal(rig_count(&r, LULL_COUNT_ND_IN_SOLICITS), 1);
	assert_int_equal(rig_count(&r, LULL_COUNT_ND_OUT_ADVERTS), 1);
	rig_close(&r);
}

/* One by unicast need not say where he is: to his station, not remembered. */
static void solicitation_without_an_option(void **unused)
{
	struct lull_ip_hdr ip;
	struct lan_nd in;
	struct rig r;

	rig_open(&r, &plain);
	in = lan_solicit(&r);
	in.dst = r.tuple.local;
	in.to = lan_us;
	in.option_len = 0;
	lan_nd(&r, &in);
	(void)lan_expect_nd(&r, &lan_peer, &ip);
	assert_int_equal(lan_state(&r, 1), -1);
	/* Nor is one who is not of the link. */
	in = lan_solicit(&r);
	in.src.b[0] = 0x20;
	lan_nd(&r, &in);
	(void)lan_expect_nd(&r, &lan_peer, &ip);
	assert_int_equal(r.s->ip.neigh.slab.used, 0);
	rig_close(&r);
}

/* RFC 4862 5.4.3: somebody wants our address: all hear that it is ours. */
static void duplicate_detection_is_answered(void **unused)
{
	struct lull_ip_hdr ip;
	struct lan_nd in;
	struct lull_nd out;
	struct rig r;

	rig_open(&r, &plain);
	in = lan_solicit(&r);
	in.src = (struct lull_addr){.b = {0}};
	in.option_len = 0;
	lan_nd(&r, &in);
	out = lan_expect_nd(&r, &all_nodes, &ip);
	assert_true(out.advert && out.override);
	assert_false(out.solicited);
	assert_int_equal(ip.dst.b[1], 2);
	assert_int_equal(ip.dst.b[15], 1);
	assert_int_equal(r.s->ip.neigh.slab.used, 0);
	/* But its source must be nobody's, with no option, to the group. */
	in.option_len = 8;
	lan_nd(&r, &in);
	refused(&r, LULL_DROP_ND_HEADER, "an option");
	rig_close(&r);
}

static void solicitation_for_others_is_not_answered(void **unused)
{
	struct lan_nd in;
	struct rig r;

	rig_open(&r, &plain);
	in = lan_solicit(&r);
	in.target.b[8] ^= 1; /* in the same group */
	lan_nd(&r, &in);
	refused(&r, LULL_DROP_ND_NOT_OURS, "a target of the same group");
	in = lan_solicit(&r);
	in.dst.b[15] = 77; /* a group that is not ours */
	lan_nd(&r, &in);
	refused(&r, LULL_DROP_IP_NOT_OURS, "a group of others");
	rig_close(&r);
}

/* 7.1.1, 7.1.2: each rule by itself. */
static void void_messages(void **unused)
{
	enum {
		RULES = 11
	};
	static const struct {
		const char *what;
		enum lull_drop why;
	} rule[RULES] = {
		{"hop limit 254", LULL_DROP_ND_HOP_LIMIT},
		{"checksum", LULL_DROP_ICMP_CHECKSUM},
		{"code 1", LULL_DROP_ND_HEADER},
		{"target a group", LULL_DROP_ND_HEADER},
		{"option of length 0", LULL_DROP_ND_OPTION},
		{"option beyond the end", LULL_DROP_ND_OPTION},
		{"option cut short", LULL_DROP_ND_OPTION},
		{"address of a group", LULL_DROP_ND_OPTION},
		{"address of nobody", LULL_DROP_ND_OPTION},
		{"source loopback", LULL_DROP_ND_SOURCE},
		{"our own station", LULL_DROP_ND_SOURCE},
	};
	struct rig r;

	rig_open(&r, &plain);
	for (int i = 0; i < RULES; i++) {
		struct lan_nd in = lan_solicit(&r);

		in.hops -= i == 0;
		in.short_sum = i == 1;
		in.code = i == 2;
		in.target.b[0] = i == 3 ? 0xff : in.target.b[0];
		in.option[1] = i == 4 ? 0 : i == 5 ? 2 : in.option[1];
		in.option_len = i == 6 ? 7 : in.option_len;
		in.option[2] |= i == 7;
		if (i == 8)
			memset(in.option + 2, 0, 6);
		if (i == 9)
			in.src = (struct lull_addr){.b = {[15] = 1}};
		if (i == 10)
			memcpy(in.option + 2, lan_us.b, 6);
		lan_nd(&r, &in);
		refused(&r, rule[i].why, rule[i].what);
	}
	rig_close(&r);
}

/* The same for advertisements; and solicited ones never go to a group. */
static void void_advertisements(void **unused)
{
	struct lan_nd in;
	struct rig r;

	rig_open(&r, &plain);
	in = lan_advert(&r);
	in.dst = (struct lull_addr){.b = {0xff, 2, [15] = 1}};
	in.to = all_nodes;
	lan_nd(&r, &in);
	refused(&r, LULL_DROP_ND_HEADER, "solicited, to a group");
	in = lan_advert(&r);
	lan_nd(&r, &in);
	refused(&r, LULL_DROP_ND_UNKNOWN, "nobody asked");
	in.hops = 64;
	lan_nd(&r, &in);
	refused(&r, LULL_DROP_ND_HOP_LIMIT, "from beyond the link");
	in = lan_advert(&r);
	in.target = r.tuple.local;
	lan_nd(&r, &in);
	refused(&r, LULL_DROP_ND_CONFLICT, "our own address");
	rig_close(&r);
}

/* Options that nobody knows are passed over (4.6). */
static void unknown_options_are_passed_over(void **unused)
{
	struct lull_ip_hdr ip;
	struct lan_nd in;
	struct rig r;

	rig_open(&r, &plain);
	in = lan_solicit(&r);
	memcpy(in.option + 8, in.option, 8);
	in.option[0] = 14; /* a nonce */
	in.option_len = 16;
	lan_nd(&r, &in);
	(void)lan_expect_nd(&r, &lan_peer, &ip);
	assert_int_equal(lan_state(&r, 1), LULL_NEIGH_STALE);
	rig_close(&r);
}

/* RFC 4861 7.2.5, and the table of its appendix C. */
static void advertisements_by_their_flags(void **unused)
{
	enum {
		S = 0x40,
		O = 0x20
	};
	static const struct {
		enum lull_neigh_state from;
		uint8_t flags;
		bool option, other; /* than the address that is known */
		enum lull_neigh_state to;
		bool updated;
	} t[] = {
		/* Not known yet: any address will do, and one is needed. */
		{LULL_NEIGH_INCOMPLETE, S, true, true, LULL_NEIGH_REACHABLE, 1},
		{LULL_NEIGH_INCOMPLETE, 0, true, true, LULL_NEIGH_STALE, 1},
		{LULL_NEIGH_INCOMPLETE, S | O, false, false,
		 LULL_NEIGH_INCOMPLETE, 0},
		/* Another address, without override. */
		{LULL_NEIGH_REACHABLE, S, true, true, LULL_NEIGH_STALE, 0},
		{LULL_NEIGH_REACHABLE, 0, true, true, LULL_NEIGH_STALE, 0},
		{LULL_NEIGH_STALE, S, true, true, LULL_NEIGH_STALE, 0},
		/* The same one. */
		{LULL_NEIGH_STALE, S, true, false, LULL_NEIGH_REACHABLE, 0},
		{LULL_NEIGH_STALE, S, false, false, LULL_NEIGH_REACHABLE, 0},
		{LULL_NEIGH_STALE, 0, true, false, LULL_NEIGH_STALE, 0},
		{LULL_NEIGH_REACHABLE, O, true, false, LULL_NEIGH_REACHABLE, 0},
		/* Another one, with override. */
		{LULL_NEIGH_REACHABLE, O, true, true, LULL_NEIGH_STALE, 1},
		{LULL_NEIGH_STALE, S | O, true, true, LULL_NEIGH_REACHABLE, 1},
		{LULL_NEIGH_STALE, O, true, true, LULL_NEIGH_STALE, 1},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct lan_nd in;
		struct rig r;
		bool updated;

		rig_open(&r, &plain);
		if (t[i].from == LULL_NEIGH_INCOMPLETE)
			lan_ping(&r, 1, &lan_peer);
		else if (t[i].from == LULL_NEIGH_STALE)
			lan_meet(&r);
		else
			lan_reach(&r, 1, &lan_peer);
		rig_discard(&r);
		assert_int_equal(peer(&r)->state, t[i].from);
		in = lan_advert(&r);
		in.flags = t[i].flags;
		in.option_len = t[i].option ? 8 : 0;
		if (t[i].other)
			memcpy(in.option + 2, lan_other.b, 6);
		lan_nd(&r, &in);
		updated = !memcmp(peer(&r)->mac.b, lan_other.b, 6);
		/* What waited has gone, and so it is in use. */
		if (t[i].from == LULL_NEIGH_INCOMPLETE &&
		    t[i].to == LULL_NEIGH_STALE)
			assert_int_equal(peer(&r)->state, LULL_NEIGH_DELAY);
		else if (peer(&r)->state != t[i].to)
			fail_msg("row %u: state %u", i, peer(&r)->state);
		if (updated != t[i].updated)
			fail_msg("row %u: the address", i);
		rig_discard(&r);
		rig_drop(&r);
	}
}

/* 7.2.3: who asks from another station is there now; to be verified. */
static void solicitation_from_another_station(void **unused)
{
	struct lull_ip_hdr ip;
	struct lan_nd in;
	struct rig r;

	rig_open(&r, &plain);
	lan_reach(&r, 1, &lan_peer);
	in = lan_solicit(&r);
	lan_nd(&r, &in);
	assert_int_equal(lan_state(&r, 1), LULL_NEIGH_REACHABLE);
	memcpy(in.option + 2, lan_other.b, 6);
	(void)lan_expect_nd(&r, &lan_peer, &ip);
	lan_nd(&r, &in);
	(void)lan_expect_nd(&r, &lan_other, &ip);
	assert_int_equal(lan_state(&r, 1), LULL_NEIGH_STALE);
	assert_memory_equal(peer(&r)->mac.b, lan_other.b, 6);
	rig_close(&r);
}

/* Counted by name, and nothing else: the gateway is configured. */
static void routers_and_redirects_are_not_obeyed(void **unused)
{
	static const struct {
		uint8_t type;
		enum lull_drop why;
	} t[] = {{133, LULL_DROP_ND_ROUTER},
		 {134, LULL_DROP_ND_ROUTER},
		 {137, LULL_DROP_ND_REDIRECT}};
	struct rig r;

	rig_open(&r, &plain);
	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct lan_nd in = lan_advert(&r);

		in.type = t[i].type;
		lan_nd(&r, &in);
		refused(&r, t[i].why, "router");
		in.dst = (struct lull_addr){.b = {0xff, 2, [15] = 1}};
		in.to = all_nodes;
		lan_nd(&r, &in);
		refused(&r, t[i].why, "router, to all nodes");
	}
	rig_close(&r);
}

/* Neither pings nor segments for a group, though its frames are looked at. */
static void nothing_else_for_a_group(void **unused)
{
	struct lan_frame head = {
		{{0x33, 0x33, 0xff, 0, 0, 2}}, lan_peer, 0x86dd};
	uint8_t icmp[16] = {128}, packet[RIG_TEXT_MAX];
	struct rig r, as;
	uint32_t len;

	rig_open(&r, &plain);
	lan_meet(&r);
	as = r;
	lull_nd_group(&r.tuple.local, &as.tuple.local);
	rig_icmp_sum(&as, icmp, sizeof icmp);
	lan_put(&r, &head, packet, rig_ip(&as, 58, icmp, sizeof icmp, packet));
	lan_expect_none(&r);
	len = rig_build(&as, LULL_SYN, r.seq, lull_seq(0), NULL, 0, packet);
	lan_put(&r, &head, packet, len);
	lan_expect_none(&r);
	assert_int_equal(rig_drops(&r, LULL_DROP_IP_NOT_OURS), 1);
	/* And none for our own address in a group's frame (RFC 1122 3.3.6). */
	len = rig_build(&r, LULL_SYN, r.seq, lull_seq(0), NULL, 0, packet);
	lan_put(&r, &head, packet, len);
	lan_expect_none(&r);
	assert_int_equal(rig_drops(&r, LULL_DROP_ETHER_GROUP), 1);
	rig_close(&r);
}

/* On links without neighbours all this is ICMP that asks nothing of us. */
static void no_neighbours_on_other_links(void **unused)
{
	static const struct rig_config raw = {.rtt_ms = 1, .v6 = true};
	uint8_t ns[24] = {135}, packet[128];
	struct rig r;

	rig_open(&r, &raw);
	memcpy(ns + 8, r.tuple.local.b, 16);
	rig_icmp_sum(&r, ns, sizeof ns);
	rig_packet(&r, packet, rig_ip(&r, 58, ns, sizeof ns, packet));
	assert_int_equal(rig_drops(&r, LULL_DROP_ICMP_UNKNOWN), 1);
	lan_expect_none(&r);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(solicitation_is_answered_and_remembered),
		cmocka_unit_test(solicitation_without_an_option),
		cmocka_unit_test(duplicate_detection_is_answered),
		cmocka_unit_test(solicitation_for_others_is_not_answered),
		cmocka_unit_test(void_messages),
		cmocka_unit_test(void_advertisements),
		cmocka_unit_test(unknown_options_are_passed_over),
		cmocka_unit_test(advertisements_by_their_flags),
		cmocka_unit_test(solicitation_from_another_station),
		cmocka_unit_test(routers_and_redirects_are_not_obeyed),
		cmocka_unit_test(nothing_else_for_a_group),
		cmocka_unit_test(no_neighbours_on_other_links),
	};

	return RUN("nd", tests);
}
