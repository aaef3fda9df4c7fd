/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_words.c: the tables of tools/words, and how words are found in them.
 */
#include <string.h>

#include "../../tools/words/screen.h"
#include "../../tools/words/words.h"
#include "../unit/test.h"

static void numbers_however_they_are_apart(void **state)
{
	long long v[3];
	int n;

	assert_true(word_numbers("1024 65000", v, 3, &n));
	assert_int_equal(n, 2);
	assert_true(word_numbers("4096\t 131072\t6291456", v, 3, &n));
	assert_int_equal(n, 3);
	assert_int_equal(v[2], 6291456);
	assert_true(word_numbers("0x10", v, 3, &n));
	assert_int_equal(v[0], 16);
	assert_false(word_numbers("", v, 3, &n));
	assert_false(word_numbers("30s", v, 3, &n));
	assert_false(word_numbers("1 2 3 4", v, 3, &n));
	assert_false(word_numbers("99999999999999999999", v, 3, &n));
	(void)state;
}

/* Every rule is about a knob that is known, and says where it is written. */
static void rules_are_whole(void **state)
{
	const struct word_rule *r;
	size_t n = 0;

	for (; (r = word_rule_at(n)); n++) {
		assert_non_null(word_knob_find(r->knob));
		assert_true(*r->tag && *r->fact && *r->source);
	}
	assert_true(n > 40);
	(void)state;
}

static const struct {
	const char *knob, *value;
	enum word_when when;
	bool fits;
} cases[] = {
	{"net.ipv4.tcp_tw_recycle", "1", WHEN_NOT, true},
	{"net.ipv4.tcp_tw_recycle", "0", WHEN_NOT, false},
	{"net.ipv4.tcp_tw_recycle", "0", WHEN_IS, true},
	{"net.ipv4.tcp_tw_recycle", "x", WHEN_IS, false},
	{"net.ipv4.tcp_retries2", "7", WHEN_BELOW, true},
	{"net.ipv4.tcp_retries2", "8", WHEN_BELOW, false},
	{"net.core.somaxconn", "4097", WHEN_ABOVE, true},
	{"net.core.somaxconn", "4096", WHEN_ABOVE, false},
	{"net.core.somaxconn", "4095", WHEN_BELOW_DEFAULT, true},
	{"net.core.somaxconn", "4096", WHEN_BELOW_DEFAULT, false},
	{"net.ipv4.ip_local_port_range", "1024 65000", WHEN_PARITY, true},
	{"net.ipv4.ip_local_port_range", "1024 65001", WHEN_PARITY, false},
	{"net.ipv4.ip_local_port_range", "1024", WHEN_PARITY, false},
	{"net.ipv4.ip_local_port_range", "32767 60999", WHEN_LOW, true},
	{"net.ipv4.ip_local_port_range", "32768 60999", WHEN_LOW, false},
	{"net.ipv4.ip_local_port_range", "40000 56382", WHEN_NARROW, true},
	{"net.ipv4.ip_local_port_range", "40000 56383", WHEN_NARROW, false},
	{"net.ipv4.tcp_mem", "94500000 915000000 927000000000", WHEN_PAGES,
	 true},
	{"net.ipv4.tcp_mem", "100 200 4095", WHEN_PAGES, true},
	{"net.ipv4.tcp_mem", "100 200 8192", WHEN_PAGES, false},
};

static const struct word_rule *rule_of(const char *knob, enum word_when when)
{
	const struct word_rule *r;

	for (size_t i = 0; (r = word_rule_at(i)); i++)
		if (!strcmp(r->knob, knob) && r->when == when)
			return r;
	fail_msg("no rule %d of %s", (int)when, knob);
	return NULL;
}

static void rules_at_their_edges(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (word_rule_fits(rule_of(cases[i].knob, cases[i].when),
				   cases[i].value) != cases[i].fits)
			fail_msg("%s = %s", cases[i].knob, cases[i].value);
	(void)state;
}

static void defaults_are_linuxs(void **state)
{
	char text[64];

	assert_true(word_knob_default(word_knob_find("tcp_rfc1337"), text,
				      sizeof text));
	assert_string_equal(text, "0"); /* lull's is 1 */
	assert_true(word_knob_default(word_knob_find("ip_local_port_range"),
				      text, sizeof text));
	assert_string_equal(text, "32768 60999");
	assert_false(word_knob_default(word_knob_find("tcp_mem"), text,
				       sizeof text));
	(void)state;
}

/* Each unit can be translated; each knob of Linux says what it is. */
static void knobs_are_whole(void **state)
{
	const struct word_knob *k;

	for (size_t i = 0; (k = word_knob_at(i)); i++) {
		bool listed = !*k->unit;

		for (size_t u = 0; word_units[u]; u++)
			listed |= !strcmp(word_units[u], k->unit);
		if (!listed || !*k->help)
			fail_msg("%s: unit \"%s\", help \"%s\"", k->name,
				 k->unit, k->help);
	}
	(void)state;
}

static void words_are_found(void **state)
{
	assert_string_equal(word_find("time-wait")->name, "TIME_WAIT");
	assert_string_equal(word_find("TW")->name, "TW");
	assert_string_equal(word_find("tcp_sack")->name, "net.ipv4.tcp_sack");
	assert_null(word_find(""));
	assert_null(word_find("xyzzy"));
	assert_string_equal(word_nearest("TIME_WIAT"), "TIME_WAIT");
	assert_string_equal(word_nearest("tcp_fin_timeot"),
			    "net.ipv4.tcp_fin_timeout");
	assert_null(word_nearest("entirely something else"));
	(void)state;
}

static void columns_of_text(void **state)
{
	assert_int_equal(screen_width("abc"), 3);
	assert_int_equal(screen_width("状态：x"), 7);
	assert_int_equal(screen_width("\xff\xe4x"), 3); /* no UTF-8 */
	(void)state;
}

static void nothing_commands_the_terminal(void **state)
{
	char text[] = "a\x1b[2J\x7f\xc2\x9b"
		      "b\tc状\x9b"
		      "2J\xe7\x8a";

	screen_clean(text);
	assert_string_equal(text, "a?[2J???b\tc状?2J??");
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_however_they_are_apart),
		cmocka_unit_test(rules_are_whole),
		cmocka_unit_test(rules_at_their_edges),
		cmocka_unit_test(defaults_are_linuxs),
		cmocka_unit_test(knobs_are_whole),
		cmocka_unit_test(words_are_found),
		cmocka_unit_test(columns_of_text),
		cmocka_unit_test(nothing_commands_the_terminal),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
