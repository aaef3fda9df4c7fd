/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_echo.c: examples/echo on a TUN device, and the kernel's TCP at the other
 * end of it: connect, send, half-close, read it all back, end of file.
 *
 * The example is started in this program's own network namespace; its path
 * comes in $ECHO.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "../unit/test.h"
#include "need.h"

enum {
	BYTES = 1000000,
	WAIT_MS = 20000, /* for what has to come; nothing waits for it */
};

static pid_t echo;

static uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 7 + i / 256);
}

static pid_t start(const char *addr, const char *port)
{
	const char *path = getenv("ECHO");
	pid_t parent = getpid(), child = fork();

	assert_non_null(path);
	assert_true(child >= 0);
	if (child > 0)
		return child;
	/* It goes with us, whatever happens to us. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		execl(path, path, addr, port, NULL);
	_exit(99);
}

/* A socket towards it; -errno. */
static int try_connect(const char *addr, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(port)};
	struct timeval limit = {.tv_sec = WAIT_MS / 1000};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), e;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	assert_int_equal(inet_pton(AF_INET, addr, &to.sin_addr), 1);
	if (connect(fd, (const void *)&to, sizeof to) == 0)
		return fd;
	e = -errno;
	close(fd);
	return e;
}

/* Until its device is there, there is no way to it. */
static int connect_to(const char *addr, uint16_t port)
{
	const struct timespec nap = {.tv_nsec = 1000000};
	int fd = -ENETUNREACH;

	for (int i = 0; i < WAIT_MS && fd == -ENETUNREACH; i++) {
		fd = try_connect(addr, port);
		if (fd == -ENETUNREACH)
			nanosleep(&nap, NULL);
	}
	assert_true(fd >= 0);
	return fd;
}

/* Send and receive at once: neither end has room for all of it. */
static void exchange(int fd)
{
	static uint8_t out[BYTES], in[BYTES];
	size_t sent = 0, got = 0;
	ssize_t n = 1;

	for (size_t i = 0; i < BYTES; i++)
		out[i] = pattern(i);
	while (got < BYTES) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (sent < BYTES)
			p.events |= POLLOUT;
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		if (p.revents & POLLOUT) {
			n = send(fd, out + sent, BYTES - sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
			assert_true(n > 0);
			sent += (size_t)n;
			if (sent == BYTES)
				assert_int_equal(shutdown(fd, SHUT_WR), 0);
		}
		if (p.revents & POLLIN) {
			n = recv(fd, in + got, BYTES - got, MSG_DONTWAIT);
			assert_true(n > 0);
			got += (size_t)n;
		}
	}
	assert_memory_equal(in, out, BYTES);
	assert_int_equal(recv(fd, in, 1, 0), 0); /* the end of file */
}

static int wait_status(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int stop(void **state)
{
	if (echo > 0) {
		kill(echo, SIGKILL);
		waitpid(echo, NULL, 0);
	}
	echo = 0;
	return 0;
}

static void what_is_sent_comes_back(void **state)
{
	int fd, again;

	echo = start("10.9.3.2/24", NULL);
	fd = connect_to("10.9.3.2", 7);
	exchange(fd);
	again = connect_to("10.9.3.2", 7);
	exchange(again);
	close(fd);
	close(again);
	assert_int_equal(try_connect("10.9.3.2", 8), -ECONNREFUSED);
	kill(echo, SIGTERM);
	assert_int_equal(wait_status(echo), 0);
	echo = 0;
}

static void another_address_and_port_are_taken(void **state)
{
	int fd;

	echo = start("10.200.1.9/28", "7777");
	fd = connect_to("10.200.1.9", 7777);
	exchange(fd);
	close(fd);
}

/* SIGTERM: what stays open for a second longer is reset. */
static void an_open_connection_is_reset_at_the_end(void **state)
{
	char c = 'x';
	int fd;

	echo = start("10.9.3.2/24", "7");
	fd = connect_to("10.9.3.2", 7);
	assert_int_equal(send(fd, &c, 1, MSG_NOSIGNAL), 1);
	assert_int_equal(recv(fd, &c, 1, 0), 1);
	kill(echo, SIGTERM);
	assert_int_equal(recv(fd, &c, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(wait_status(echo), 0);
	echo = 0;
	close(fd);
}

static void nonsense_is_refused(void **state)
{
	echo = start("10.9.3.2/33", NULL);
	assert_int_equal(wait_status(echo), 1);
	echo = start("10.9.3.2/24", "0");
	assert_int_equal(wait_status(echo), 1);
	echo = 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_is_sent_comes_back, stop),
		cmocka_unit_test_teardown(another_address_and_port_are_taken,
					  stop),
		cmocka_unit_test_teardown(
			an_open_connection_is_reset_at_the_end, stop),
		cmocka_unit_test_teardown(nonsense_is_refused, stop),
	};

	SKIP_UNLESS_OWN_WORLD();
	return RUN("examples/echo", tests);
}
