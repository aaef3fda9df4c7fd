/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ss_source.c: where rows come from when the kernel has not all of
 * sock_diag. The kernel is in this file.
 */
#include <errno.h>
#include <stdarg.h>
#include <sys/socket.h>

#include "../../tools/lull/diag.h"
#include "../../tools/lull/ss.h"
#include "../unit/test.h"

static int answer[AF_MAX], said, from_proc;
static char kernel;

int diag_open(struct diag **diag)
{
	*diag = (struct diag *)&kernel;
	return 0;
}

void diag_close(struct diag *diag)
{
	(void)diag;
}

int diag_dump(struct diag *diag, const struct diag_ask *ask, diag_see *see,
	      void *arg)
{
	assert_ptr_equal(diag, &kernel);
	(void)see;
	(void)arg;
	return answer[ask->family];
}

bool diag_was_torn(const struct diag *diag)
{
	(void)diag;
	return false;
}

int ss_proc_dump(const struct ss_ask *ask, ss_see *see, void *arg)
{
	(void)ask;
	(void)see;
	(void)arg;
	from_proc++;
	return 0;
}

struct lull_client *ctl_open(const char *path)
{
	(void)path;
	return NULL;
}

int ctl_failed(const char *path, int error)
{
	(void)path;
	(void)error;
	return TOOL_COULD_NOT;
}

int tool_error(int code, const char *format, ...)
{
	(void)format;
	said++;
	return code;
}

static int dump(struct ss_source *s, bool ipv6)
{
	static const struct ss_filter all;
	const struct ss_ask ask = {.states = 1, .ipv6 = ipv6, .filter = &all};

	said = from_proc = 0;
	return ss_source_dump(s, &ask, NULL, NULL);
}

static void without_tcp_it_is_proc(void **state)
{
	struct ss_source s;

	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		answer[AF_INET] = answer[AF_INET6] = -EPROTONOSUPPORT;
		assert_int_equal(ss_source_open(&s, NULL), 0);
		assert_int_equal(dump(&s, ipv6), 0);
		assert_int_equal(from_proc, 1);
		assert_int_equal(said, 1);
		assert_int_equal(dump(&s, ipv6), 0); /* says it once */
		assert_int_equal(from_proc, 1);
		assert_int_equal(said, 0);
		ss_source_close(&s);
	}
	(void)state;
}

static void without_ipv6_the_rest_is_told(void **state)
{
	struct ss_source s;

	answer[AF_INET] = 0;
	answer[AF_INET6] = -EPROTONOSUPPORT;
	assert_int_equal(ss_source_open(&s, NULL), 0);
	assert_int_equal(dump(&s, false), 0);
	assert_int_equal(from_proc + said, 0);
	answer[AF_INET] = -EPERM;
	assert_int_equal(dump(&s, false), -EPERM);
	assert_int_equal(from_proc + said, 0);
	ss_source_close(&s);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_tcp_it_is_proc),
		cmocka_unit_test(without_ipv6_the_rest_is_told),
	};

	return RUN("ss_source", tests);
}
