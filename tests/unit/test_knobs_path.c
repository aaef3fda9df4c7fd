/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_knobs_path.c: each knob of fragments and of path MTUs does what it says:
 * one test named after each.
 */
#include "pieces.h"

#define NAME4(s) "net.ipv4." s
#define NAME6(s) "net.ipv6." s

static struct payload p;

/* ---- fragments ---- */

/* Does a datagram of which a piece is missing last for so long, and no longer?
 */
static void lasts(bool v6, const char *name)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.v6 = v6});
	rig_knob(&r, name, "5");
	rig_align(&r);
	payload_echo(&r, 120, &p);
	piece_put(&r, &p, (struct piece){.off = 0, .len = 32, .more = true});
	rig_pass_ms(&r, 4999);
	assert_null(rig_get_raw(&r));
	rig_pass_ms(&r, 1);
	assert_non_null(rig_get_raw(&r));
	rig_close(&r);
}

static void ipfrag_time(void **unused)
{
	lasts(false, NAME4("ipfrag_time"));
}

static void ip6frag_time(void **unused)
{
	lasts(true, NAME6("ip6frag_time"));
}

/* Is so much kept, and no more? */
static void is_kept(bool v6, const char *name)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.v6 = v6});
	rig_knob(&r, name, "8192");
	payload_echo(&r, 1400, &p);
	for (uint32_t i = 0; i < 10; i++) {
		piece_put(&r, &p,
			  (struct piece){.len = 1400, .more = true, .id = i});
		assert_int_equal(r.s->ip.reass.charge[v6],
				 lull_min(i + 1, 4) * 2048);
	}
	assert_int_equal(rig_drops(&r, LULL_DROP_IP_FRAGMENT_EVICTED), 6);
	/* The oldest went first. */
	piece_put(&r, &p, (struct piece){.off = 1400, .len = 8, .id = 5});
	assert_null(rig_get_raw(&r));
	piece_put(&r, &p, (struct piece){.off = 1400, .len = 8, .id = 8});
	assert_non_null(rig_get_raw(&r));
	rig_knob(&r, name, "0");
	piece_put(&r, &p, (struct piece){.len = 1400, .more = true, .id = 99});
	assert_int_equal(rig_drops(&r, LULL_DROP_IP_FRAGMENT_MEMORY), 1);
	rig_pass_ms(&r, 61000);
	rig_discard(&r);
	rig_close(&r);
}

static void ipfrag_high_thresh(void **unused)
{
	is_kept(false, NAME4("ipfrag_high_thresh"));
}

static void ip6frag_high_thresh(void **unused)
{
	is_kept(true, NAME6("ip6frag_high_thresh"));
}

/* After so many others its id is another packet's (RFC 4963). */
static void ipfrag_max_dist(void **unused)
{
	static const struct {
		const char *value;
		uint32_t others;
		bool whole;
	} t[] = {{"10", 9, true}, {"10", 11, false}, {"0", 50, true}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){0});
		rig_knob(&r, NAME4("ipfrag_max_dist"), t[i].value);
		payload_echo(&r, 120, &p);
		piece_put(&r, &p,
			  (struct piece){
				  .off = 0, .len = 32, .more = true, .id = 7});
		for (uint32_t k = 0; k < t[i].others; k++)
			piece_put(&r, &p,
				  (struct piece){.off = 0,
						 .len = 32,
						 .more = true,
						 .id = 100 + k});
		piece_put(
			&r, &p,
			(struct piece){
				.off = 32, .len = 96, .more = false, .id = 7});
		assert_int_equal(!!rig_get_raw(&r), t[i].whole);
		rig_pass_ms(&r, 31000);
		rig_discard(&r);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipfrag_time),
		cmocka_unit_test(ip6frag_time),
		cmocka_unit_test(ipfrag_high_thresh),
		cmocka_unit_test(ip6frag_high_thresh),
		cmocka_unit_test(ipfrag_max_dist),
	};

	return RUN("knobs_path", tests);
}
