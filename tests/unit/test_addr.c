/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_addr.c: addresses, prefixes, and pairs of endpoints.
 */
#include <arpa/inet.h>

#include "tools.h"

/* IPv4 as ::ffff:a.b.c.d */
static struct lull_addr addr(const char *text)
{
	struct lull_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static void test_kinds(void **state)
{
	static const struct {
		const char *text;
		bool is4, any, group;
	} row[] = {
		{"::", false, true, false},
		{"::1", false, false, false},
		{"8000::", false, false, false},
		{"::0.0.0.1", false, false, false},
		{"::fffe:0.0.0.0", false, false, false},
		{"::ff00:192.0.2.1", false, false, false},
		{"::1:ffff:0:0", false, false, false},
		{"::100:ffff:192.0.2.1", false, false, false},
		{"0:0:0:1:0:ffff::", false, false, false},
		{"1::ffff:192.0.2.1", false, false, false},
		{"::ffff:0.0.0.0", true, true, false},
		{"::ffff:0.0.0.1", true, false, false},
		{"::ffff:128.0.0.0", true, false, false},
		{"::ffff:192.0.2.1", true, false, false},
		{"::ffff:127.0.0.1", true, false, false},
		{"::ffff:223.255.255.255", true, false, false},
		{"::ffff:224.0.0.0", true, false, true},
		{"::ffff:224.0.0.1", true, false, true},
		{"::ffff:239.255.255.255", true, false, true},
		{"::ffff:240.0.0.1", true, false, false},
		{"::ffff:255.255.255.254", true, false, false},
		{"::ffff:255.255.255.255", true, false, true},
		{"ff02::1", false, false, true},
		{"ff00::", false, false, true},
		{"fe80::1", false, false, false},
		{"fdff::1", false, false, false},
		{"2001:db8::ff02", false, false, false},
	};

	for (uint32_t r = 0; r < ARRAY_LEN(row); r++) {
		struct lull_addr a = addr(row[r].text);

		if (lull_addr_is4(&a) != row[r].is4 ||
		    lull_addr_is_any(&a) != row[r].any ||
		    lull_addr_is_group(&a) != row[r].group)
			fail_msg("%s", row[r].text);
	}
}

static void test_covers(void **state)
{
	static const struct {
		const char *prefix;
		uint8_t bits;
		const char *text;
		bool covers;
	} row[] = {
		{"::", 0, "2001:db8::1", true},
		{"::", 0, "::ffff:192.0.2.1", true},
		{"ffff::", 0, "::", true},
		{"::ffff:0.0.0.0", 96, "::ffff:192.0.2.1", true},
		{"::ffff:0.0.0.0", 96, "::192.0.2.1", false},
		{"::ffff:0.0.0.0", 96, "::fffe:192.0.2.1", false},
		{"::ffff:192.0.2.0", 120, "::ffff:192.0.2.255", true},
		{"::ffff:192.0.2.77", 120, "::ffff:192.0.2.1", true},
		{"::ffff:192.0.2.0", 120, "::ffff:192.0.3.0", false},
		{"::ffff:192.0.2.0", 120, "::ffff:192.0.1.255", false},
		{"::ffff:10.0.0.0", 104, "::ffff:10.255.0.1", true},
		{"::ffff:10.0.0.0", 104, "::ffff:11.0.0.0", false},
		{"::ffff:172.16.0.0", 108, "::ffff:172.31.255.255", true},
		{"::ffff:172.16.0.0", 108, "::ffff:172.32.0.0", false},
		{"::ffff:192.0.2.4", 127, "::ffff:192.0.2.5", true},
		{"::ffff:192.0.2.4", 127, "::ffff:192.0.2.6", false},
		{"2001:db8::", 32, "2001:db8:ffff::1", true},
		{"2001:db8::", 32, "2001:db9::1", false},
		{"fe80::", 10, "febf::1", true},
		{"fe80::", 10, "fec0::1", false},
		{"8000::", 1, "ffff::", true},
		{"8000::", 1, "7fff::", false},
		{"2001:db8::1", 128, "2001:db8::1", true},
		{"2001:db8::1", 128, "2001:db8::", false},
		{"2001:db8::1", 128, "2001:db8::2", false},
	};

	for (uint32_t r = 0; r < ARRAY_LEN(row); r++) {
		struct lull_prefix p = {addr(row[r].prefix), row[r].bits};
		struct lull_addr a = addr(row[r].text);

		if (lull_prefix_covers(&p, &a) != row[r].covers)
			fail_msg("%s/%u and %s", row[r].prefix, row[r].bits,
				 row[r].text);
	}
}

/* For all lengths: a bit within it matters, a bit behind it does not. */
static void test_covers_bits(void **state)
{
	struct rng rng = rng_new(1);
	struct lull_addr last;

	for (uint32_t bits = 0; bits <= 128; bits++) {
		struct lull_prefix p = {.bits = (uint8_t)bits};

		rng_fill(&rng, &p.addr, sizeof p.addr);
		for (uint32_t flip = 0; flip < 128; flip++) {
			struct lull_addr a = p.addr;

			a.b[flip / 8] ^= (uint8_t)(0x80 >> flip % 8);
			assert_int_equal(lull_prefix_covers(&p, &a),
					 flip >= bits);
		}
		last = p.addr;
		assert_true(lull_prefix_covers(&p, &last));
	}
	assert_panics((void)lull_prefix_covers(
		&(struct lull_prefix){.bits = 129}, &last));
}

/* Equal means every bit; there is nothing between the fields. */
static void test_equal(void **state)
{
	struct rng rng = rng_new(2);
	struct lull_tuple t, u;

	rng_fill(&rng, &t, sizeof t);
	u = t;
	assert_true(lull_tuple_eq(&t, &u));
	for (uint32_t bit = 0; bit < 8 * sizeof t; bit++) {
		((uint8_t *)&u)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(lull_tuple_eq(&t, &u));
		assert_int_equal(lull_addr_eq(&t.local, &u.local), bit >= 128);
		assert_int_equal(lull_addr_eq(&t.remote, &u.remote),
				 bit < 128 || bit >= 256);
		u = t;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_covers),
		cmocka_unit_test(test_covers_bits),
		cmocka_unit_test(test_equal),
	};

	return RUN("addr", tests);
}
