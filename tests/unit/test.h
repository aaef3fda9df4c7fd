/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test.h: what every unit test includes: cmocka, told to speak TAP.
 */
#ifndef LULL_TEST_H
#define LULL_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* Run a table of cmocka tests, or the one that LULL_TEST names; for main(). */
#define RUN(name, tests)                              \
	(cmocka_set_message_output(CM_OUTPUT_TAP),    \
	 cmocka_set_test_filter(getenv("LULL_TEST")), \
	 cmocka_run_group_tests_name(name, tests, NULL, NULL))

#endif
