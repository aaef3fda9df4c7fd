/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_diag_procs.c: the kernel's sockets by sock_diag, in a network namespace
 * of our own, and who holds which, in a made-up /proc.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tools/lull/diag.h"
#include "../../tools/lull/procs.h"
#include "../unit/test.h"

enum {
	PAIRS = 1000, /* so many that the kernel tells them in several pieces */
	ALL = 0x1fff,
};

/* ---- a namespace with connections ---- */

static bool in_namespace;
static int client[PAIRS], server[PAIRS];

static int make_namespace(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd, e = -1;

	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd >= 0)
		e = ioctl(fd, SIOCSIFFLAGS, &lo);
	close(fd);
	return e;
}

static bool needs_namespace(void)
{
	if (!in_namespace)
		print_message("# no network namespace: be root\n");
	return !in_namespace;
}

static int make_pairs(int n, bool v6)
{
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6,
				  .sin6_port = htons(81),
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in a4 = {.sin_family = AF_INET,
				 .sin_port = htons(80),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const void *at = v6 ? (void *)&a6 : (void *)&a4;
	socklen_t len = v6 ? sizeof a6 : sizeof a4;
	int family = v6 ? AF_INET6 : AF_INET;
	int l = socket(family, SOCK_STREAM, 0);

	/* What earlier tests left is in TIME_WAIT. */
	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	assert_int_equal(bind(l, at, len), 0);
	assert_int_equal(listen(l, 8), 0);
	for (int i = 0; i < n; i++) {
		client[i] = socket(family, SOCK_STREAM, 0);
		assert_int_equal(connect(client[i], at, len), 0);
		server[i] = accept(l, NULL, NULL);
		assert_true(server[i] >= 0);
	}
	return l;
}

static void close_pairs(int n, int l)
{
	for (int i = 0; i < n; i++) {
		close(client[i]);
		close(server[i]);
	}
	close(l);
}

struct seen {
	int rows, v6, state[32], stop_after;
	struct inet_diag_msg last;
};

static int see(void *arg, const struct nlmsghdr *hdr)
{
	struct seen *s = arg;

	memcpy(&s->last, (const char *)hdr + sizeof *hdr, sizeof s->last);
	s->rows++;
	s->v6 += s->last.idiag_family == AF_INET6;
	s->state[s->last.idiag_state]++;
	return s->stop_after && s->rows == s->stop_after ? -ECANCELED : 0;
}

static struct seen dump(struct diag *d, uint8_t family, uint32_t states)
{
	const struct diag_ask ask = {.family = family, .states = states};
	struct seen s = {.rows = 0};

	assert_int_equal(diag_dump(d, &ask, see, &s), 0);
	assert_false(diag_was_torn(d));
	return s;
}

static void every_socket_is_told_once(void **state)
{
	struct diag *d;
	struct seen s;
	int l;

	if (needs_namespace())
		skip();
	l = make_pairs(PAIRS, false);
	assert_int_equal(diag_open(&d), 0);
	s = dump(d, AF_INET, ALL);
	assert_int_equal(s.rows, 2 * PAIRS + 1);
	assert_int_equal(s.state[TCP_ESTABLISHED], 2 * PAIRS);
	assert_int_equal(s.state[TCP_LISTEN], 1);
	assert_int_equal(dump(d, AF_INET, 1 << TCP_LISTEN).rows, 1);
	assert_int_equal(dump(d, AF_INET6, ALL).rows, 0);
	diag_close(d);
	close_pairs(PAIRS, l);
	(void)state;
}

static void both_families_come_in_one_walk(void **state)
{
	struct diag *d;
	struct seen s;
	int l4, l6, pair[2];

	if (needs_namespace())
		skip();
	l4 = make_pairs(1, false);
	pair[0] = client[0];
	pair[1] = server[0];
	l6 = make_pairs(10, true);
	assert_int_equal(diag_open(&d), 0);
	s = dump(d, AF_UNSPEC, 1 << TCP_ESTABLISHED | 1 << TCP_LISTEN);
	assert_int_equal(s.v6, 21);
	assert_int_equal(s.rows, 21 + 3);
	diag_close(d);
	close_pairs(10, l6);
	close(pair[0]);
	close(pair[1]);
	close(l4);
	(void)state;
}

/* And the next dump starts afresh. */
static void who_has_had_enough_ends_it(void **state)
{
	const struct diag_ask ask = {.family = AF_INET, .states = ALL};
	struct seen s = {.stop_after = 3};
	struct diag *d;
	int l, all;

	if (needs_namespace())
		skip();
	l = make_pairs(PAIRS, false);
	assert_int_equal(diag_open(&d), 0);
	all = dump(d, AF_INET, ALL).rows;
	assert_int_equal(diag_dump(d, &ask, see, &s), -ECANCELED);
	assert_int_equal(s.rows, 3);
	assert_int_equal(dump(d, AF_INET, ALL).rows, all);
	diag_close(d);
	close_pairs(PAIRS, l);
	(void)state;
}

static void what_the_kernel_refuses_is_an_error(void **state)
{
	static const uint8_t rubbish[8] = {99, 1, 2, 3};
	struct diag_ask ask = {.family = 77, .states = ALL};
	struct seen s = {.rows = 0};
	struct diag *d;

	assert_int_equal(diag_open(&d), 0);
	assert_true(diag_dump(d, &ask, see, &s) < 0);
	ask.family = AF_INET;
	ask.filter = rubbish;
	ask.filter_len = sizeof rubbish;
	assert_int_equal(diag_dump(d, &ask, see, &s), -EINVAL);
	ask.filter_len = 1 << 20;
	assert_int_equal(diag_dump(d, &ask, see, &s), -EMSGSIZE);
	assert_int_equal(s.rows, 0);
	diag_close(d);
	(void)state;
}

static void one_connection_is_ended(void **state)
{
	struct seen s;
	struct diag *d;
	char byte;
	int l, e;

	if (needs_namespace())
		skip();
	l = make_pairs(1, false);
	assert_int_equal(diag_open(&d), 0);
	s = dump(d, AF_INET, 1 << TCP_ESTABLISHED);
	e = diag_destroy(d, &s.last);
	if (e == -EOPNOTSUPP) {
		print_message("# the kernel has no INET_DIAG_DESTROY\n");
		skip();
	}
	assert_int_equal(e, 0);
	assert_int_equal(diag_destroy(d, &s.last), -ENOENT);
	assert_true(recv(client[0], &byte, 1, MSG_DONTWAIT) < 0);
	assert_true(errno == ECONNABORTED || errno == ECONNRESET);
	diag_close(d);
	close_pairs(1, l);
	(void)state;
}

/* ---- processes ---- */

static char root[] = "/tmp/lull-test-XXXXXX";

static char *at(const char *format, ...)
{
	static char path[128];
	va_list args;
	int n = snprintf(path, sizeof path, "%s/", root);

	va_start(args, format);
	vsnprintf(path + n, sizeof path - (size_t)n, format, args);
	va_end(args);
	return path;
}

static void make_process(int pid, const char *name)
{
	FILE *f;

	mkdir(at("%d", pid), 0755);
	mkdir(at("%d/fd", pid), 0755);
	f = fopen(at("%d/comm", pid), "w");
	assert_non_null(f);
	fprintf(f, "%s\n", name);
	fclose(f);
}

static void make_fd(int pid, int fd, const char *link)
{
	assert_int_equal(symlink(link, at("%d/fd/%d", pid, fd)), 0);
}

static int setup(void **state)
{
	assert_non_null(mkdtemp(root));
	mkdir(at("sys"), 0755); /* no process */
	make_process(7, "nginx");
	make_fd(7, 0, "/dev/null");
	make_fd(7, 3, "socket:[100]");
	make_fd(7, 4, "socket:[4294967295]");
	make_fd(7, 5, "pipe:[100]");
	make_process(12, "\x1b[31mred\a");
	make_fd(12, 9, "socket:[100]");
	make_fd(12, 8, "socket:[100]");
	make_process(20, "\xe7\xbb\x9d\xe5\xaf\xb9\xe7\xbb"); /* cut */
	make_process(21, "\xc2\x9b"
			 "1m\x9b"
			 "1m\xed\xa0\x80\xc0\xaf");
	make_process(300, "gone");
	unlink(at("300/comm"));
	(void)state;
	return 0;
}

static int teardown(void **state)
{
	static const char *const left[] = {"7/fd/0",  "7/fd/3",	 "7/fd/4",
					   "7/fd/5",  "7/comm",	 "12/fd/9",
					   "12/fd/8", "12/comm", "20/comm",
					   "21/comm"};
	static const char *const dirs[] = {"7/fd",   "7",   "12/fd", "12",
					   "20/fd",  "20",  "21/fd", "21",
					   "300/fd", "300", "sys"};

	for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
		unlink(at("%s", left[i]));
	for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++)
		rmdir(at("%s", dirs[i]));
	(void)state;
	return rmdir(root);
}

static void holders_are_found(void **state)
{
	const struct procs_fd *fd;
	struct procs *p;
	size_t n;

	assert_int_equal(procs_read(&p, root), 0);
	assert_int_equal(procs_count(p), 5);
	assert_int_equal(procs_hidden(p), 0);
	fd = procs_find(p, 100, &n);
	assert_int_equal(n, 3);
	assert_int_equal(fd[0].pid, 7);
	assert_int_equal(fd[0].fd, 3);
	assert_int_equal(fd[1].pid, 12);
	assert_int_equal(fd[1].fd, 8);
	assert_int_equal(fd[2].fd, 9);
	fd = procs_find(p, UINT32_MAX, &n);
	assert_int_equal(n, 1);
	assert_int_equal(fd->fd, 4);
	assert_null(procs_find(p, 99, &n));
	assert_int_equal(n, 0);
	assert_null(procs_find(p, 0, &n));
	procs_free(p);
	(void)state;
}

static void names_are_harmless(void **state)
{
	char name[PROCS_NAME];
	struct procs *p;

	assert_int_equal(procs_read(&p, root), 0);
	assert_string_equal(procs_name(p, 7, name), "nginx");
	assert_string_equal(procs_name(p, 12, name), "?[31mred?");
	assert_string_equal(procs_name(p, 20, name),
			    "\xe7\xbb\x9d\xe5\xaf\xb9??");
	assert_string_equal(procs_name(p, 21, name), "??1m?1m?????");
	assert_string_equal(procs_name(p, 300, name), "?");
	procs_free(p);
	(void)state;
}

static void what_may_not_be_seen_is_counted(void **state)
{
	struct procs *p;
	size_t n;

	if (geteuid() != 0 || seteuid(65534) != 0) {
		print_message("# another user is needed: be root\n");
		skip();
	}
	assert_int_equal(seteuid(0), 0);
	chmod(at("7/fd"), 0700);
	chmod(root, 0755);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(procs_read(&p, root), 0);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(procs_count(p), 5);
	assert_int_equal(procs_hidden(p), 1);
	procs_find(p, 100, &n);
	assert_int_equal(n, 2);
	procs_free(p);
	(void)state;
}

static void a_missing_proc_is_an_error(void **state)
{
	struct procs *p;

	assert_int_equal(procs_read(&p, "/nonexistent"), -ENOENT);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_socket_is_told_once),
		cmocka_unit_test(both_families_come_in_one_walk),
		cmocka_unit_test(who_has_had_enough_ends_it),
		cmocka_unit_test(what_the_kernel_refuses_is_an_error),
		cmocka_unit_test(one_connection_is_ended),
		cmocka_unit_test(holders_are_found),
		cmocka_unit_test(names_are_harmless),
		cmocka_unit_test(what_may_not_be_seen_is_counted),
		cmocka_unit_test(a_missing_proc_is_an_error),
	};

	in_namespace = make_namespace() == 0;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("diag_procs", tests, setup,
					   teardown);
}
