/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ss_calls.c: wrong calls of `lull ss`, and how it explains them.
 */
#include "run.h"

static void wrong_calls_are_explained(void **state)
{
	static const struct {
		const char *args;
		int code;
		const char *text;
	} cases[] = {
		{"ss -z", 64, "lull ss: no option -z; see lull ss --help\n"},
		{"ss --jason", 64,
		 "lull ss: no option --jason; see lull ss --help\n"},
		{"ss --ctl", 64,
		 "lull ss: --ctl wants a value; see lull ss --help\n"},
		{"ss --ctl x state listenign", 64,
		 "lull ss: there is no state listenign; did you mean listen?; "
		 "see lull ss --help\n"},
		{"ss --ctl x dprot = :80", 64,
		 "lull ss: dprot is no word of a filter; did you mean dport?; "
		 "see lull ss --help\n"},
		{"ss --by prot", 64,
		 "lull ss: --by prot: there is no such word; did you mean "
		 "port?; see lull ss --help\n"},
		{"ss --host --ctl x", 64,
		 "lull ss: --host and --ctl: one of them; see lull ss "
		 "--help\n"},
		{"ss -K --ctl x", 64,
		 "lull ss: -p, -K and --all-netns are for the kernel's "
		 "sockets; leave --ctl out; see lull ss --help\n"},
		{"ss --prom", 64,
		 "lull ss: -w and --prom are for counts: summary, or --by; "
		 "see lull ss --help\n"},
		{"ss -w 0 summary", 64,
		 "lull ss: -w 0: a number of seconds, 0.01 to 86400; see lull "
		 "ss --help\n"},
		{"ss --by colour --ctl x", 64,
		 "lull ss: --by colour: there is no such word, only: state, "
		 "peer, port, process, role, destination; see lull ss "
		 "--help\n"},
		{"ss --by destination -l --ctl x", 64,
		 "lull ss: --by destination counts connections that we opened; "
		 "leave -l and -s out; see lull ss --help\n"},
		{"ss -s4 --ctl x", 64,
		 "lull ss: -s counts both families; leave -4 and -6 out; see "
		 "lull ss --help\n"},
		{"ss --ctl /nonexistent/x", 3,
		 "lull ss: /nonexistent/x: there is no such socket; does the "
		 "program run, with this --ctl?\n"},
		{"ss --ctl /dev/null", 3,
		 "lull ss: /dev/null: nobody listens there; has the program "
		 "ended, or is the path wrong?\n"},
	};
	struct ran r;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		run(&r, cases[i].args, NULL);
		expect_error(&r, cases[i].code, cases[i].text);
	}
	run(&r, "ss --help", NULL);
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(r.out, "usage: lull ss"));
	(void)state;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_calls_are_explained),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: test_ss_calls PATH-OF-LULL\n");
		return 64;
	}
	lull_path = argv[1];
	return RUN("ss_calls", tests);
}
