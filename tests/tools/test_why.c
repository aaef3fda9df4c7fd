/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_why.c: the explained no (tools/lull/why.c): which remedies fit a case,
 * in which order, and what is said of times and numbers.
 */
#include <string.h>

#include "../unit/test.h"
#include "../../tools/lull/why.h"

#define NEVER	     UINT64_MAX
#define ARRAY_LEN(a) (sizeof(a) / sizeof(a)[0])

static const struct why_knobs usual = {
	.range_lo = 32768,
	.range_hi = 60999,
	.timestamps = 1,
	.tw_reuse = 2,
	.tw_reuse_delay_ms = 1000,
};

static struct lull_why in_use(uint32_t live, uint32_t closing)
{
	return (struct lull_why){.size = sizeof(struct lull_why),
				 .reason = LULL_WHY_PORTS_IN_USE,
				 .ports = 28232,
				 .ports_live = live,
				 .ports_closing = closing,
				 .free_in_ns = NEVER,
				 .reuse_in_ns = NEVER,
				 .full_in_ns = NEVER};
}

/* Each begins as `starts` has it, and there are no more. */
static void expect_remedies(const struct lull_why *why,
			    const struct why_knobs *knobs,
			    const char *const *starts)
{
	char line[WHY_REMEDIES][WHY_LINE];
	int n = why_remedies(why, knobs, line);

	for (int i = 0; i < n; i++) {
		assert_non_null(starts[i]);
		if (strncmp(line[i], starts[i], strlen(starts[i])) != 0)
			fail_msg("%d: %s, not %s", i, line[i], starts[i]);
		assert_in_range(strlen(line[i]), 10, WHY_LINE - 2); /* whole */
	}
	assert_null(starts[n]);
}

static void remedies_fit_the_case_the_safest_first(void **unused)
{
	struct why_knobs k = usual;
	struct lull_why why = in_use(32, 28200);

	expect_remedies(&why, &k,
			(const char *const[]){
				"keep connections open",
				"let the server close first",
				"more source addresses, or addresses or ports "
				"of the destination: each pair has 28232 ports",
				"net.ipv4.ip_local_port_range=\"1024 65535\": "
				"36280 ports more",
				"net.lull.tcp_tw_reuse_safe=1",
				"net.ipv4.tcp_tw_reuse=1: reuse a TIME-WAIT's "
				"port after 1000 ms",
				NULL});
	k.tw_reuse = k.tw_reuse_safe = 1;
	k.range_lo = 1;
	k.range_hi = 65535;
	why.ports = 65535;
	expect_remedies(&why, &k,
			(const char *const[]){"keep connections open",
					      "let the server close first",
					      "more source", NULL});
	k = usual;
	k.timestamps = 0;
	k.range_lo = 512;
	k.range_hi = 1023;
	why.ports = 512;
	why.ports_reserved = 12;
	expect_remedies(&why, &k,
			(const char *const[]){
				"keep connections open",
				"let the server close first",
				"more source addresses, or addresses or ports "
				"of the destination: each pair has 500 ports",
				"net.ipv4.ip_local_port_range=\"512 65535\": "
				"64512 ports more",
				"reserve fewer by "
				"net.ipv4.ip_local_reserved_ports: 12 of",
				"net.ipv4.tcp_timestamps=1", NULL});
	why = in_use(28232, 0); /* no TIME_WAIT, and so nothing about it */
	expect_remedies(&why, &usual,
			(const char *const[]){"keep connections open",
					      "close those that are idle: "
					      "28232 are live",
					      "more source",
					      "net.ipv4.ip_local_port_range",
					      NULL});
	(void)unused;
}

/* RFC 9293 3.6.1, RFC 1337: what ends TIME_WAIT early, or resets. */
static void nothing_harmful_is_ever_advised(void **unused)
{
	static const char *const harmful[] = {"recycle",     "bucket",
					      "LINGER",	     "linger",
					      "fin_timeout", "timewait_len"};
	char line[WHY_REMEDIES][WHY_LINE];

	for (uint32_t bits = 0; bits < 64; bits++) {
		struct lull_why why =
			in_use(bits & 1 ? 20000 : 0, bits & 2 ? 8232 : 0);
		const struct why_knobs k = {
			.range_lo = 32768,
			.range_hi = 60999,
			.timestamps = bits >> 2 & 1,
			.tw_reuse = bits >> 3 & 3,
			.tw_reuse_safe = bits >> 5 & 1,
		};
		int n = why_remedies(&why, &k, line);

		assert_in_range(n, 2, WHY_REMEDIES);
		for (int i = 0; i < n; i++)
			for (size_t h = 0; h < ARRAY_LEN(harmful); h++)
				assert_null(strstr(line[i], harmful[h]));
	}
	(void)unused;
}

static void free_ports_are_what_is_left(void **unused)
{
	struct lull_why why = in_use(32, 200);

	assert_int_equal(why_free(&why), 28000);
	why.ports_reserved = 1000;
	assert_int_equal(why_free(&why), 27000);
	why.ports_live = UINT32_MAX; /* ports that programs chose themselves */
	assert_int_equal(why_free(&why), 0);
	(void)unused;
}

static void times_are_never_told_too_short(void **unused)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} t[] = {
		{0, "now"},
		{1, "in 1 ms"},
		{999000000, "in 999 ms"},
		{999000001, "in 1.0 s"},
		{9000000000, "in 9.0 s"},
		{9000000001, "in 9.1 s"},
		{59940000000, "in 60.0 s"},
		{3600000000000, "in 3600.0 s"},
	};
	char text[32];

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_string_equal(why_in(t[i].ns, text, sizeof text),
				    t[i].text);
	(void)unused;
}

static void each_reason_has_its_name(void **unused)
{
	struct lull_why why = {.size = sizeof why};

	for (int i = LULL_WHY_NONE; i <= LULL_WHY_LIMIT_DESTS; i++) {
		why.reason = (enum lull_why_reason)i;
		assert_non_null(why_reason(&why));
		assert_non_null(why_sentence(&why));
		assert_int_equal(why_is_ports(&why),
				 i == LULL_WHY_PORTS_IN_USE ||
					 i == LULL_WHY_LIMIT_DESTS);
	}
	assert_string_equal(why_reason(&why), "limit_dests");
	(void)unused;
}

static void json_has_all_fields(void **unused)
{
	struct lull_why why = in_use(1, 2);
	json_t *got = json_object(), *want;

	why.ports_reserved = 3;
	why.opens_per_s = 4;
	why.full_in_ns = 5000000000;
	want = json_pack("{s:i s:i s:i s:i s:i s:i s:n s:n s:I}", "ports",
			 28232, "ports_live", 1, "ports_closing", 2,
			 "ports_reserved", 3, "ports_free", 28226,
			 "opens_per_s", 4, "free_in_ns", "reuse_in_ns",
			 "full_in_ns", (json_int_t)5000000000);
	assert_int_equal(why_into_json(&why, got), 0);
	assert_true(json_equal(got, want));
	json_decref(got);
	json_decref(want);
	got = why_remedies_json(&why, &usual);
	assert_int_equal(json_array_size(got), 7);
	json_decref(got);
	(void)unused;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(remedies_fit_the_case_the_safest_first),
		cmocka_unit_test(nothing_harmful_is_ever_advised),
		cmocka_unit_test(free_ports_are_what_is_left),
		cmocka_unit_test(times_are_never_told_too_short),
		cmocka_unit_test(each_reason_has_its_name),
		cmocka_unit_test(json_has_all_fields),
	};

	return RUN("why", tests);
}
