/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_arp.c: who is answered, who is learned and who is not believed: RFC
 * 826, 1122 2.3.2, 5227.
 */
#include "lan.h"

static const struct rig_config plain = {.ether = true, .rtt_ms = 1};

static struct lull_arp request(const struct rig *r)
{
	return (struct lull_arp){.sender_ip = lan_addr(r, 7),
				 .sender_mac = lan_other,
				 .target_ip = r->tuple.local,
				 .request = true};
}

static void same_mac(const struct rig *r, uint16_t last,
		     const struct lull_mac *mac)
{
	struct lull_addr a = lan_addr(r, last);
	uint32_t i = lull_neigh_find(&r->s->ip, &a);

	assert_true(i > 0);
	assert_memory_equal(lull_neigh_at(&r->s->ip.neigh, i)->mac.b, mac->b,
			    6);
}

/* Nothing is sent, nothing learned, and the drop is counted once. */
static void refused(struct rig *r, enum lull_drop why)
{
	lan_expect_none(r);
	if (rig_drops(r, why) != 1)
		fail_msg("not refused as it should be");
	assert_int_equal(r->s->ip.neigh.slab.used, 0);
	r->s->g.drops[why] = 0;
}

/* RFC 826: whoever asks for us is answered, and remembered. */
static void request_is_answered_and_remembered(void **unused)
{
	struct lull_arp in, out;
	struct rig r;

	rig_open(&r, &plain);
	in = request(&r);
	lan_arp(&r, &in, &lan_all);
	out = lan_expect_arp(&r, &lan_other);
	assert_false(out.request);
	assert_memory_equal(&out.sender_ip, &r.tuple.local, 16);
	assert_memory_equal(&out.target_ip, &in.sender_ip, 16);
	assert_memory_equal(&out.target_mac, &lan_other, 6);
	assert_int_equal(lan_state(&r, 7), LULL_NEIGH_STALE);
	lan_ping(&r, 7, &lan_other); /* no question is needed */
	lan_expect_pong(&r, 7, &lan_other);
	assert_int_equal(rig_count(&r, LULL_COUNT_ARP_IN_MSGS), 1);
	assert_int_equal(rig_count(&r, LULL_COUNT_ARP_OUT_REPLIES), 1);
	rig_close(&r);
}

static void request_for_others_is_not(void **unused)
{
	struct lull_arp in;
	struct rig r;

	rig_open(&r, &plain);
	in = request(&r);
	in.target_ip = lan_addr(&r, 99);
	lan_arp(&r, &in, &lan_all);
	refused(&r, LULL_DROP_ARP_NOT_OURS);
	rig_close(&r);
}

/* RFC 5227 1.1: a probe comes from nobody yet. */
static void probe_is_answered_and_not_remembered(void **unused)
{
	struct lull_arp in;
	struct rig r;

	rig_open(&r, &plain);
	in = request(&r);
	memset(in.sender_ip.b + 12, 0, 4);
	lan_arp(&r, &in, &lan_all);
	(void)lan_expect_arp(&r, &lan_other);
	assert_int_equal(r.s->ip.neigh.slab.used, 0);
	rig_close(&r);
}

/* RFC 826: only what is there is updated by who asks nothing of us. */
static void gratuitous_updates_only_who_is_known(void **unused)
{
	for (int as_request = 0; as_request < 2; as_request++) {
		struct lull_arp in;
		struct rig r;

		rig_open(&r, &plain);
		in = request(&r);
		in.target_ip = in.sender_ip;
		in.request = as_request;
		lan_arp(&r, &in, &lan_all);
		refused(&r, LULL_DROP_ARP_NOT_OURS);
		lan_reach(&r, 7, &lan_other);
		lan_arp(&r, &in, &lan_all); /* nothing new */
		assert_int_equal(lan_state(&r, 7), LULL_NEIGH_REACHABLE);
		in.sender_mac.b[5] = 77;
		lan_arp(&r, &in, &lan_all); /* it moved: to be verified */
		assert_int_equal(lan_state(&r, 7), LULL_NEIGH_STALE);
		same_mac(&r, 7, &in.sender_mac);
		lan_expect_none(&r);
		rig_close(&r);
	}
}

/* An answer that nobody asked for makes nobody reachable. */
static void unasked_answer_confirms_nothing(void **unused)
{
	struct rig r;

	rig_open(&r, &plain);
	lan_meet(&r);
	lan_answer(&r, 1, &lan_peer);
	assert_int_equal(lan_state(&r, 1), LULL_NEIGH_STALE);
	lan_answer(&r, 7, &lan_other); /* a stranger */
	assert_int_equal(lan_state(&r, 7), -1);
	assert_int_equal(rig_drops(&r, LULL_DROP_ARP_NOT_OURS), 1);
	rig_close(&r);
}

/* A request by the one whom we ask tells where he is, too. */
static void request_resolves_who_is_asked_for(void **unused)
{
	struct lull_arp in;
	struct rig r;

	rig_open(&r, &plain);
	lan_ping(&r, 7, &lan_other);
	lan_expect_ask(&r, 7, NULL);
	in = request(&r);
	lan_arp(&r, &in, &lan_all);
	lan_expect_pong(&r, 7, &lan_other);
	(void)lan_expect_arp(&r, &lan_other);
	assert_int_equal(lan_state(&r, 7), LULL_NEIGH_DELAY);
	rig_close(&r);
}

/* RFC 5227 2.4: somebody says that our address is his. */
static void conflict_is_counted_and_not_believed(void **unused)
{
	struct lull_arp in;
	struct rig r;

	rig_open(&r, &plain);
	in = request(&r);
	in.sender_ip = r.tuple.local;
	lan_arp(&r, &in, &lan_all);
	refused(&r, LULL_DROP_ARP_CONFLICT);
	in.request = false;
	in.target_mac = lan_us;
	lan_arp(&r, &in, &lan_us);
	refused(&r, LULL_DROP_ARP_CONFLICT);
	rig_close(&r);
}

/* Linux asks by any address that it has (arp_announce 0). */
static void sender_off_the_link_is_answered_and_not_remembered(void **unused)
{
	struct lull_arp in;
	struct rig r;

	rig_open(&r, &plain);
	in = request(&r);
	in.sender_ip.b[12] = 8;
	lan_arp(&r, &in, &lan_all);
	(void)lan_expect_arp(&r, &lan_other);
	assert_int_equal(r.s->ip.neigh.slab.used, 0);
	rig_close(&r);
}

/* Senders that no neighbour can be: groups, nobody, ourselves. */
static void senders_that_cannot_be(void **unused)
{
	static const struct lull_mac frame = {{2, 0, 0, 0, 0, 5}};
	const struct lull_mac macs[] = {
		lan_all, {{1, 0, 0x5e, 0, 0, 1}}, {{0}}, lan_us};
	static const uint8_t ips[][4] = {{10, 9, 3, 255},
					 {255, 255, 255, 255},
					 {224, 0, 0, 1},
					 {127, 0, 0, 1}};
	uint8_t bytes[28];
	struct lan_frame head = {lan_all, frame, 0x0806};
	struct rig r;

	rig_open(&r, &plain);
	for (uint32_t i = 0; i < ARRAY_LEN(macs) + ARRAY_LEN(ips); i++) {
		struct lull_arp in = request(&r);

		if (i < ARRAY_LEN(macs))
			in.sender_mac = macs[i];
		else
			memcpy(in.sender_ip.b + 12, ips[i - ARRAY_LEN(macs)],
			       4);
		lan_arp_build(&in, bytes);
		lan_put(&r, &head, bytes, sizeof bytes);
		refused(&r, LULL_DROP_ARP_SENDER);
	}
	rig_close(&r);
}

/* Each byte that must have one value, and each length that is too short. */
static void malformed(void **unused)
{
	const struct lan_frame head = {lan_all, lan_other, 0x0806};
	uint8_t good[28];
	struct lull_arp in;
	struct rig r;

	rig_open(&r, &plain);
	in = request(&r);
	lan_arp_build(&in, good);
	for (uint32_t n = 0; n < 28; n++) {
		lan_put(&r, &head, good, n);
		refused(&r, LULL_DROP_ARP_HEADER);
	}
	for (uint32_t at = 0; at < 8; at++) {
		uint8_t bad[28];

		memcpy(bad, good, 28);
		bad[at] ^= 0x10;
		lan_put(&r, &head, bad, 28);
		refused(&r, LULL_DROP_ARP_HEADER);
	}
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_is_answered_and_remembered),
		cmocka_unit_test(request_for_others_is_not),
		cmocka_unit_test(probe_is_answered_and_not_remembered),
		cmocka_unit_test(gratuitous_updates_only_who_is_known),
		cmocka_unit_test(unasked_answer_confirms_nothing),
		cmocka_unit_test(request_resolves_who_is_asked_for),
		cmocka_unit_test(conflict_is_counted_and_not_believed),
		cmocka_unit_test(
			sender_off_the_link_is_answered_and_not_remembered),
		cmocka_unit_test(senders_that_cannot_be),
		cmocka_unit_test(malformed),
	};

	return RUN("arp", tests);
}
