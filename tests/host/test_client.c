/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_client.c: the client of the control socket, and a server that lies
 * (host/client.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../host/control.h"
#include "../unit/test.h"

static char dir[] = "/tmp/lull-client.XXXXXX";
static struct sockaddr_un at = {.sun_family = AF_UNIX};
static int listener = -1;

static int make_listener(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(at.sun_path, sizeof at.sun_path, "%s/ctl", dir);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (bind(listener, (void *)&at, sizeof at) < 0)
		return -1;
	return listen(listener, 8);
}

static int remove_listener(void **state)
{
	(void)state;
	close(listener);
	unlink(at.sun_path);
	return rmdir(dir);
}

static int see(void *arg, const struct nlmsghdr *hdr)
{
	(void)hdr;
	++*(int *)arg;
	return 0;
}

/* What the client says of one packet, and that the server goes then. */
static int ask(const void *packet, size_t len, int *seen)
{
	const struct lull_client_request request = {LULL_CTL_POOLS, NULL, 0};
	struct lull_client *client;
	int fd, e;

	*seen = 0;
	assert_int_equal(lull_client_open(&client, at.sun_path), 0);
	fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	assert_int_equal(send(fd, packet, len, 0), len);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	e = lull_client_dump(client, &request, see, seen);
	lull_client_close(client);
	close(fd);
	return e;
}

static struct nlmsghdr message(uint32_t len, uint16_t type)
{
	return (struct nlmsghdr){
		.nlmsg_len = len,
		.nlmsg_type = type,
		.nlmsg_flags = NLM_F_MULTI,
		.nlmsg_seq = 1,
	};
}

static void a_whole_answer(void **state)
{
	const struct {
		struct nlmsghdr one, end;
		int32_t error;
	} packet = {message(16, LULL_CTL_POOLS), message(20, NLMSG_DONE), 0};
	int seen;

	(void)state;
	assert_int_equal(ask(&packet, sizeof packet, &seen), 0);
	assert_int_equal(seen, 1);
}

/* From 2^31 on a length is below 0 for who takes it for an int. */
static void a_length_that_is_none(void **state)
{
	static const uint32_t lengths[] = {
		0,	    1,		15,	    33,
		36,	    0x7fffffff, 0x80000000, 0x80000010,
		0xffffffe8, 0xfffffff0, 0xffffffff,
	};
	struct nlmsghdr packet[2] = {{0}};
	int seen;

	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		packet[0] = message(lengths[i], LULL_CTL_POOLS);
		assert_int_equal(ask(packet, sizeof packet, &seen), -EPROTO);
		packet[0] = message(16, LULL_CTL_POOLS);
		packet[1] = message(lengths[i], LULL_CTL_POOLS);
		assert_int_equal(ask(packet, sizeof packet, &seen), -EPROTO);
		assert_int_equal(seen, 0);
	}
}

static void bytes_behind_the_last(void **state)
{
	struct nlmsghdr packet[2] = {message(16, LULL_CTL_POOLS)};
	int seen;

	(void)state;
	for (size_t more = 1; more < sizeof packet[0]; more++)
		assert_int_equal(ask(packet, 16 + more, &seen), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_answer),
		cmocka_unit_test(a_length_that_is_none),
		cmocka_unit_test(bytes_behind_the_last),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("client", tests, make_listener,
					   remove_listener);
}
