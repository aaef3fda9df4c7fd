/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ss_torn.c: counts of a table that changes while it is read. The source
 * of rows is in this file, and says of as many dumps as told that they are
 * torn.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../tools/lull/ss.h"
#include "../unit/test.h"

static int torn_left, dumps;

int ss_source_dump(struct ss_source *source, const struct ss_ask *ask,
		   ss_see *see, void *arg)
{
	const struct ss_row row = {.msg.idiag_state = 1,
				   .msg.idiag_family = AF_INET};

	(void)ask;
	dumps++;
	source->torn = torn_left-- > 0;
	return see(arg, &row);
}

bool ss_seen(struct ss_recent *recent, const struct ss_row *row)
{
	(void)recent;
	(void)row;
	return false;
}

/* What the summary prints, of a source with so many torn dumps. */
static const char *summary(int torn, bool json)
{
	static char text[1024];
	static const struct ss_filter all;
	struct ss ss = {
		.o.json = json,
		.ask = {.states = ~0U, .ipv4 = true, .filter = &all},
	};
	FILE *f = tmpfile();
	int out = dup(1);
	size_t n;

	torn_left = torn;
	dumps = 0;
	assert_non_null(f);
	fflush(stdout);
	dup2(fileno(f), 1);
	assert_int_equal(ss_print_summary(&ss), 0);
	fflush(stdout);
	dup2(out, 1);
	close(out);
	rewind(f);
	n = fread(text, 1, sizeof text - 1, f);
	text[n] = 0;
	fclose(f);
	return text;
}

static void a_torn_dump_is_repeated(void **state)
{
	const char *text = summary(2, false);

	assert_int_equal(dumps, 3);
	assert_non_null(strstr(text, "ESTAB              1 100.0%\n"));
	assert_null(strstr(text, "±"));
	(void)state;
}

static void but_not_for_ever(void **state)
{
	const char *text = summary(1000, false);

	assert_int_equal(dumps, 1 + SS_AGAIN);
	assert_non_null(strstr(text, "ESTAB              1 100.0%\n"));
	assert_non_null(strstr(text, "± the sockets changed"));
	assert_non_null(strstr(summary(1000, true), "\"torn\":true"));
	assert_non_null(strstr(summary(1, true), "\"torn\":false"));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_torn_dump_is_repeated),
		cmocka_unit_test(but_not_for_ever),
	};

	return RUN("ss_torn", tests);
}
