/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_addr.c: addresses as text (host/addr.c).
 */
#include <errno.h>
#include <string.h>

#include <lull/host.h>

#include "../unit/test.h"

static void addresses_go_in_and_come_out(void **state)
{
	static const struct {
		const char *in, *out;
		bool ipv4;
	} rows[] = {
		{"10.9.3.2", "10.9.3.2", true},
		{"0.0.0.0", "0.0.0.0", true},
		{"255.255.255.255", "255.255.255.255", true},
		{"::ffff:10.9.3.2", "10.9.3.2", true},
		{"::", "::", false},
		{"::1", "::1", false},
		{"fd00::2", "fd00::2", false},
		{"FD00:0:0:0:0:0:0:2", "fd00::2", false},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", false},
		{"::fffe:10.9.3.2", "::fffe:a09:302", false},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct lull_addr addr;
		char text[LULL_ADDR_TEXT];

		assert_int_equal(lull_addr_parse(rows[i].in, &addr), 0);
		assert_ptr_equal(lull_addr_format(&addr, text), text);
		assert_string_equal(text, rows[i].out);
		assert_int_equal(lull_addr_is_ipv4(&addr), rows[i].ipv4);
	}
}

static void what_is_no_address_is_refused_and_changes_nothing(void **state)
{
	static const char *const rows[] = {
		"",	      " ",	     "10.9.3",
		"10.9.3.256", "10.9.3.",     "10.9.3.2 ",
		" 10.9.3.2",  "10.9.3.2/24", "010.1.1.1",
		"0x0a.1.1.1", "fd00::2::1",  "fd00:::2",
		"fe80::1%lo", "host",	     "1:2:3:4:5:6:7:8:9",
		"10.9.3.2.1",
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct lull_addr addr = {.b = {7, 7}}, before = addr;

		assert_int_equal(lull_addr_parse(rows[i], &addr), -EINVAL);
		assert_memory_equal(&addr, &before, sizeof addr);
	}
}

static void prefixes_count_from_the_front_of_16_bytes(void **state)
{
	static const struct {
		const char *in, *addr;
		int bits;
	} rows[] = {
		{"10.9.3.2/24", "10.9.3.2", 120},
		{"10.9.3.2", "10.9.3.2", 128},
		{"10.9.3.2/32", "10.9.3.2", 128},
		{"0.0.0.0/0", "0.0.0.0", 96},
		{"fd00::2/64", "fd00::2", 64},
		{"fd00::2", "fd00::2", 128},
		{"::/0", "::", 0},
		{"::ffff:10.0.0.0/104", "10.0.0.0", 104},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct lull_prefix prefix;
		char text[LULL_ADDR_TEXT];

		assert_int_equal(lull_prefix_parse(rows[i].in, &prefix), 0);
		assert_string_equal(lull_addr_format(&prefix.addr, text),
				    rows[i].addr);
		assert_int_equal(prefix.bits, rows[i].bits);
	}
}

static void what_is_no_prefix_is_refused_and_changes_nothing(void **state)
{
	static const char *const rows[] = {
		"",
		"/",
		"/24",
		"10.9.3.2/",
		"10.9.3.2/33",
		"10.9.3.2/-1",
		"10.9.3.2/+1",
		"10.9.3.2/ 1",
		"10.9.3.2/1 ",
		"10.9.3.2/024",
		"10.9.3.2/24/24",
		"fd00::2/129",
		"fd00::2/4294967360",
		"10.9.3.2/0x18",
		"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1/1",
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct lull_prefix prefix = {.bits = 77}, before = prefix;

		assert_int_equal(lull_prefix_parse(rows[i], &prefix), -EINVAL);
		assert_memory_equal(&prefix, &before, sizeof prefix);
	}
}

static void a_peer_is_the_first_other_host(void **state)
{
	static const struct {
		const char *in, *peer;
	} rows[] = {
		{"10.9.3.2/24", "10.9.3.1"},
		{"10.9.3.1/24", "10.9.3.2"},
		{"10.9.3.255/24", "10.9.3.1"},
		{"10.9.3.77/20", "10.9.0.1"},
		{"10.9.3.6/30", "10.9.3.5"},
		{"10.9.3.5/30", "10.9.3.6"},
		{"10.9.3.4/31", "10.9.3.5"}, /* RFC 3021 */
		{"10.9.3.5/31", "10.9.3.4"},
		{"10.9.3.2/32", "10.9.3.2"}, /* there is none */
		{"10.9.3.2/0", "0.0.0.1"},
		{"fd00::2/64", "fd00::1"},
		{"fd00::1/64", "fd00::2"},
		{"fd00::/64", "fd00::1"},
		{"fd00:0:0:1:ffff::/65", "fd00::1:8000:0:0:1"},
		{"fd00::2/127", "fd00::3"}, /* RFC 6164 */
		{"fd00::2/128", "fd00::2"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct lull_prefix prefix, peer;
		char text[LULL_ADDR_TEXT];

		assert_int_equal(lull_prefix_parse(rows[i].in, &prefix), 0);
		peer = lull_prefix_peer(&prefix);
		assert_string_equal(lull_addr_format(&peer.addr, text),
				    rows[i].peer);
		assert_int_equal(peer.bits, prefix.bits);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_go_in_and_come_out),
		cmocka_unit_test(
			what_is_no_address_is_refused_and_changes_nothing),
		cmocka_unit_test(prefixes_count_from_the_front_of_16_bytes),
		cmocka_unit_test(
			what_is_no_prefix_is_refused_and_changes_nothing),
		cmocka_unit_test(a_peer_is_the_first_other_host),
	};

	return RUN("host/addr", tests);
}
