/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_control_bad.c: the control socket against whoever comes: places that are
 * taken, strangers, too many, the slow and the silent, and bytes that are no
 * message. LULL_SEED repeats the random ones.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/test.h"
#include "../../host/answer.h"
#include "served.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, len)   ((void)(at), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(at, len) ((void)(at), (void)(len))
#endif

enum {
	WAIT_MS = 10000, /* for what has to come; nothing waits so long */
	FUZZ = 100000,
};

/* ---- a client that says anything ---- */

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	assert_true(strlen(path) < sizeof at.sun_path);
	memcpy(at.sun_path, path, strlen(path));
	return at;
}

/* A connected socket, or -errno. */
static int knock(const char *path)
{
	const struct sockaddr_un at = address_of(path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (connect(fd, (const void *)&at, sizeof at) == 0)
		return fd;
	close(fd);
	return -errno;
}

static void say(int fd, const void *bytes, size_t len)
{
	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

/* The next packet; 0: the other side has closed. */
static int hear(int fd, void *bytes, size_t len)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	n = recv(fd, bytes, len, MSG_TRUNC);
	if (n < 0 && errno == ECONNRESET)
		return 0;
	assert_in_range(n, 0, len);
	return (int)n;
}

union packet {
	struct nlmsghdr hdr;
	uint8_t bytes[LULL_CTL_PACKET];
};

/* One packet comes, and it is this error for a request of this number. */
static void expect_error(int fd, int error, uint32_t seq)
{
	union packet p;
	struct nlmsgerr body;

	assert_int_equal(hear(fd, &p, sizeof p), NLMSG_HDRLEN + sizeof body);
	memcpy(&body, p.bytes + NLMSG_HDRLEN, sizeof body);
	assert_int_equal(p.hdr.nlmsg_type, NLMSG_ERROR);
	assert_int_equal(body.error, error);
	assert_int_equal(p.hdr.nlmsg_seq, seq);
}

struct states_request {
	struct nlmsghdr hdr;
};

static struct nlmsghdr states_request(uint32_t seq)
{
	return (struct nlmsghdr){.nlmsg_len = NLMSG_HDRLEN,
				 .nlmsg_type = LULL_CTL_STATES,
				 .nlmsg_flags = NLM_F_REQUEST,
				 .nlmsg_seq = seq};
}

/* It still answers, and nothing else is in between. */
static void expect_alive(int fd)
{
	const struct nlmsghdr request = states_request(4711);
	union packet p;

	say(fd, &request, sizeof request);
	assert_int_equal(hear(fd, &p, sizeof p),
			 NLMSG_HDRLEN + sizeof(struct lull_ctl_states));
	assert_int_equal(p.hdr.nlmsg_type, LULL_CTL_STATES);
	assert_int_equal(p.hdr.nlmsg_seq, 4711);
}

struct rows_request {
	struct nlmsghdr hdr;
	struct inet_diag_req_v2 want;
};

static struct rows_request rows_request(uint32_t seq)
{
	return (struct rows_request){
		.hdr = {.nlmsg_len = sizeof(struct rows_request),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			.nlmsg_seq = seq},
		.want = {.sdiag_protocol = IPPROTO_TCP,
			 .idiag_ext = 1 << (INET_DIAG_INFO - 1),
			 .idiag_states = ~0U},
	};
}

/* ---- places ---- */

/* Without a thread: only the place matters. */
static int try_place(struct served *w, const char *path,
		     struct lull_control **control)
{
	*control = NULL;
	return lull_control_create(control, w->loop, w->us, path);
}

static void the_socket_is_for_its_user_alone(void **state)
{
	struct served *w;
	struct stat st;

	w = served_open(16);
	served_start(w);
	assert_int_equal(lstat(w->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	served_close(w); /* the directory is empty again */
	(void)state;
}

static void a_missing_directory_is_made(void **state)
{
	struct lull_control *control;
	struct served *w;
	struct stat st;
	char dir[100], path[128];
	mode_t mask = umask(022);

	w = served_open(16);
	served_start(w);
	snprintf(dir, sizeof dir, "%s/run", w->dir);
	snprintf(path, sizeof path, "%s/ctl", dir);
	assert_int_equal(try_place(w, path, &control), 0);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	lull_control_destroy(control);
	assert_int_equal(rmdir(dir), 0);
	snprintf(path, sizeof path, "%s/two/levels", dir);
	assert_int_equal(try_place(w, path, &control), -ENOENT);
	served_close(w);
	umask(mask);
	(void)state;
}

static void make_stale(const char *path)
{
	const struct sockaddr_un at = address_of(path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (const void *)&at, sizeof at), 0);
	assert_int_equal(listen(fd, 1), 0);
	close(fd);
}

static void a_stale_socket_is_replaced(void **state)
{
	struct served *w;
	int fd;

	w = served_open(16);
	make_stale(w->path);
	assert_int_equal(knock(w->path), -ECONNREFUSED);
	served_start(w);
	fd = knock(w->path);
	expect_alive(fd);
	close(fd);
	served_close(w);
	(void)state;
}

static void a_live_one_is_not(void **state)
{
	struct lull_control *control;
	struct served *w;
	int fd;

	w = served_open(16);
	served_start(w);
	assert_int_equal(try_place(w, w->path, &control), -EADDRINUSE);
	fd = knock(w->path);
	expect_alive(fd);
	close(fd);
	served_close(w);
	(void)state;
}

/* Whatever it is that listens there. */
static void nor_is_one_of_another_kind(void **state)
{
	struct lull_control *control;
	struct served *w;
	struct sockaddr_un at;
	struct stat st;
	char path[128];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	w = served_open(16);
	served_start(w);
	snprintf(path, sizeof path, "%s/stream", w->dir);
	at = address_of(path);
	assert_int_equal(bind(fd, (const void *)&at, sizeof at), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(try_place(w, path, &control), -EADDRINUSE);
	assert_int_equal(lstat(path, &st), 0);
	close(fd);
	assert_int_equal(unlink(path), 0);
	served_close(w);
	(void)state;
}

static void what_is_no_socket_stays(void **state)
{
	struct lull_control *control;
	struct served *w;
	char path[128];
	char text[4] = {0};
	int fd;

	w = served_open(16);
	served_start(w);
	snprintf(path, sizeof path, "%s/file", w->dir);
	fd = open(path, O_CREAT | O_RDWR, 0600);
	assert_int_equal(write(fd, "dear", 4), 4);
	assert_int_equal(try_place(w, path, &control), -EEXIST);
	assert_int_equal(pread(fd, text, 4, 0), 4);
	assert_memory_equal(text, "dear", 4);
	close(fd);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(try_place(w, "", &control), -EINVAL);
	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = 0;
	assert_int_equal(try_place(w, path, &control), -ENAMETOOLONG);
	served_close(w);
	(void)state;
}

/* Who comes after us and takes our place keeps it. */
static void at_the_end_only_ones_own_is_removed(void **state)
{
	struct lull_control *control;
	struct served *w;
	struct stat st;
	char path[128];

	w = served_open(16);
	served_start(w);
	snprintf(path, sizeof path, "%s/mine", w->dir);
	assert_int_equal(try_place(w, path, &control), 0);
	assert_int_equal(unlink(path), 0);
	make_stale(path);
	lull_control_destroy(control);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(unlink(path), 0);
	lull_control_destroy(NULL);
	served_close(w);
	(void)state;
}

/* ---- strangers, and too many ---- */

/* In a process of another user: 0, as it should be. */
static int come_as_nobody(const char *path)
{
	struct sockaddr_un at = address_of(path);
	struct pollfd p = {.events = POLLIN};
	char byte;

	if (setgid(65534) < 0 || setuid(65534) < 0)
		return 1;
	p.fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (connect(p.fd, (const void *)&at, sizeof at) < 0)
		return 2;
	if (poll(&p, 1, WAIT_MS) != 1)
		return 3;
	return recv(p.fd, &byte, 1, 0) == 0 ? 0 : 4;
}

static void another_user_is_closed_at_once(void **state)
{
	struct served *w;
	int status, fd;
	pid_t child;

	if (geteuid() != 0)
		skip();
	w = served_open(16);
	served_start(w);
	/* Even where the file's mode would let them in. */
	assert_int_equal(chmod(w->path, 0666), 0);
	assert_int_equal(chmod(w->dir, 0755), 0);
	child = fork();
	if (child == 0)
		_exit(come_as_nobody(w->path));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	fd = knock(w->path);
	expect_alive(fd);
	close(fd);
	served_close(w);
	(void)state;
}

static void the_33rd_client_is_told_so(void **state)
{
	struct served *w;
	int fd[LULL_CTL_CLIENTS], more;
	char byte;

	w = served_open(16);
	served_start(w);
	for (int i = 0; i < LULL_CTL_CLIENTS; i++) {
		fd[i] = knock(w->path);
		expect_alive(fd[i]);
	}
	more = knock(w->path);
	expect_error(more, -EBUSY, 0);
	assert_int_equal(hear(more, &byte, 1), 0);
	close(more);
	expect_alive(fd[7]);
	close(fd[7]);
	expect_alive(fd[8]); /* by now it has seen that one go */
	fd[7] = knock(w->path);
	expect_alive(fd[7]);
	for (int i = 0; i < LULL_CTL_CLIENTS; i++)
		close(fd[i]);
	served_close(w);
	(void)state;
}

/* ---- the slow and the silent ---- */

static void who_does_not_read_holds_nobody_up(void **state)
{
	const struct rows_request request = rows_request(1);
	struct served *w;
	int slow[8], fd, done = 0;
	union packet p;

	w = served_open(4096);
	for (int i = 0; i < 4000; i++)
		(void)served_connect(w, false);
	served_start(w);
	for (int i = 0; i < 8; i++) {
		slow[i] = knock(w->path);
		say(slow[i], &request, sizeof request);
	}
	fd = knock(w->path);
	for (int i = 0; i < 100; i++)
		expect_alive(fd);
	/* And one that begins to read at last gets all of it. */
	for (int rows = 0; !done;) {
		int len = hear(slow[3], &p, sizeof p);
		struct nlmsghdr *hdr = &p.hdr;

		assert_true(len > 0);
		for (; NLMSG_OK(hdr, (unsigned)len);
		     hdr = NLMSG_NEXT(hdr, len)) {
			done = hdr->nlmsg_type == NLMSG_DONE;
			rows += !done;
		}
		if (done)
			assert_int_equal(rows, 4001);
	}
	/* They go in the middle of it, and nothing happens. */
	for (int i = 0; i < 8; i++)
		close(slow[i]);
	expect_alive(fd);
	close(fd);
	served_close(w);
	(void)state;
}

static void several_requests_in_one_packet(void **state)
{
	struct {
		struct nlmsghdr first;
		struct rows_request rows;
		struct nlmsghdr last;
	} ask = {states_request(1), rows_request(2), states_request(3)};
	static const uint32_t order[] = {1, 2, 2, 3}; /* a row, and DONE */
	struct served *w;
	union packet p;
	int fd, got = 0;

	w = served_open(16);
	served_start(w);
	fd = knock(w->path);
	say(fd, &ask, sizeof ask);
	while (got < 4) {
		int len = hear(fd, &p, sizeof p);
		struct nlmsghdr *hdr = &p.hdr;

		assert_true(len > 0);
		for (; NLMSG_OK(hdr, (unsigned)len); hdr = NLMSG_NEXT(hdr, len))
			assert_int_equal(hdr->nlmsg_seq, order[got++]);
	}
	assert_int_equal(got, 4);
	expect_alive(fd);
	close(fd);
	served_close(w);
	(void)state;
}

/* However fast it reads. */
static void a_client_gets_one_packet_a_turn(void **state)
{
	const struct rows_request request = rows_request(1);
	const struct nlmsghdr *hdr;
	struct served *w;
	union packet p;
	unsigned before, packets = 0;
	int fd;

	w = served_open(4096);
	for (int i = 0; i < 4000; i++)
		(void)served_connect(w, false);
	served_start(w);
	fd = knock(w->path);
	expect_alive(fd);
	before = atomic_load(&w->turns);
	say(fd, &request, sizeof request);
	do {
		unsigned len = (unsigned)hear(fd, &p, sizeof p);

		assert_true(len > 0);
		packets++;
		for (hdr = &p.hdr; len > hdr->nlmsg_len;)
			hdr = NLMSG_NEXT(hdr, len);
	} while (hdr->nlmsg_type != NLMSG_DONE);
	/* A packet goes out before its turn is over. */
	assert_true(atomic_load(&w->turns) - before + 1 >= packets);
	assert_true(packets > 10);
	close(fd);
	served_close(w);
	(void)state;
}

/* Answers that nobody has read yet stop the next ones, and none is lost. */
static void who_asks_on_without_reading_loses_nothing(void **state)
{
	struct served *w;
	union packet p;
	uint32_t asked = 0;
	int fd;

	w = served_open(16);
	served_start(w);
	fd = knock(w->path);
	/* Until neither side's buffer takes any more. */
	for (bool full = false; !full;) {
		const struct nlmsghdr request = states_request(asked + 1);
		struct pollfd out = {.fd = fd, .events = POLLOUT};

		if (send(fd, &request, sizeof request,
			 MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
			assert_true(++asked < 100000);
			continue;
		}
		assert_int_equal(errno, EAGAIN);
		full = poll(&out, 1, 200) == 0;
	}
	assert_true(asked > 200);
	for (uint32_t seq = 1; seq <= asked; seq++) {
		assert_true(hear(fd, &p, sizeof p) > 0);
		assert_int_equal(p.hdr.nlmsg_type, LULL_CTL_STATES);
		assert_int_equal(p.hdr.nlmsg_seq, seq);
	}
	expect_alive(fd);
	close(fd);
	served_close(w);
	(void)state;
}

/* ---- no messages ---- */

static const struct {
	struct nlmsghdr hdr;
	uint32_t bytes; /* of the packet */
	int error;
	uint32_t seq;
} malformed[] = {
	/* shorter than a header */
	{{16, LULL_CTL_STATES, 1, 5, 0}, 1, -EINVAL, 0},
	{{16, LULL_CTL_STATES, 1, 5, 0}, 15, -EINVAL, 0},
	/* a length below the header's, or beyond the packet */
	{{0, LULL_CTL_STATES, 1, 5, 0}, 16, -EINVAL, 5},
	{{15, LULL_CTL_STATES, 1, 5, 0}, 16, -EINVAL, 5},
	{{17, LULL_CTL_STATES, 1, 5, 0}, 16, -EINVAL, 5},
	{{~0U, LULL_CTL_STATES, 1, 5, 0}, 16, -EINVAL, 5},
	/* no NLM_F_REQUEST */
	{{16, LULL_CTL_STATES, 0, 5, 0}, 16, -EINVAL, 5},
	/* a payload too short, or with something behind it */
	{{20, LULL_CTL_STATES, 1, 5, 0}, 20, -EOPNOTSUPP, 5},
	{{16, LULL_CTL_SYSCTL_GET, 1, 5, 0}, 16, -EINVAL, 5},
	{{63, LULL_CTL_SYSCTL_GET, 1, 5, 0}, 64, -EINVAL, 5},
	{{68, LULL_CTL_SYSCTL_GET, 1, 5, 0}, 68, -EOPNOTSUPP, 5},
	{{16, LULL_CTL_SYSCTL_SET, 1, 5, 0}, 16, -EINVAL, 5},
	{{16, SOCK_DIAG_BY_FAMILY, 0x301, 5, 0}, 16, -EINVAL, 5},
	{{76, SOCK_DIAG_BY_FAMILY, 0x301, 5, 0}, 76, -EOPNOTSUPP, 5},
	/* a text without an end */
	{{144, LULL_CTL_SYSCTL_SET, 1, 5, 0}, 144, -EINVAL, 5},
	{{64, LULL_CTL_SYSCTL_GET, 1, 5, 0}, 64, -ENOENT, 5},
	/* no dump */
	{{16, LULL_CTL_POOLS, 1, 5, 0}, 16, -EOPNOTSUPP, 5},
	{{16, LULL_CTL_DESTS, 1, 5, 0}, 16, -EOPNOTSUPP, 5},
	{{72, SOCK_DIAG_BY_FAMILY, 1, 5, 0}, 72, -EOPNOTSUPP, 5},
	/* types that do not exist */
	{{16, 0x6bff, 1, 5, 0}, 16, -EOPNOTSUPP, 5},
	{{16, 0x6c08, 1, 5, 0}, 16, -EOPNOTSUPP, 5},
	{{16, 0x6c12, 1, 5, 0}, 16, -EOPNOTSUPP, 5},
	{{64, LULL_CTL_SYSCTL_TEXT, 1, 5, 0}, 64, -ENOENT, 5},
	{{63, LULL_CTL_SYSCTL_TEXT, 1, 5, 0}, 64, -EINVAL, 5},
	{{144, LULL_CTL_SYSCTL_PUT, 1, 5, 0}, 144, -EINVAL, 5},
	{{16, 0xffff, 1, 5, 0}, 16, -EOPNOTSUPP, 5},
	/* more than there is room for */
	{{16, LULL_CTL_STATES, 1, 5, 0}, 1025, -EINVAL, 0},
	{{16, LULL_CTL_STATES, 1, 5, 0}, 60000, -EINVAL, 0},
};

static void malformed_packets_are_refused(void **state)
{
	static uint8_t bytes[65536];
	struct served *w;
	int fd;

	w = served_open(16);
	served_start(w);
	fd = knock(w->path);
	memset(bytes, 'x', sizeof bytes);
	for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
		memcpy(bytes, &malformed[i].hdr, sizeof malformed[i].hdr);
		say(fd, bytes, malformed[i].bytes);
		expect_error(fd, malformed[i].error, malformed[i].seq);
		expect_alive(fd);
	}
	/* The name ends, the value does not. */
	memcpy(bytes, &(struct nlmsghdr){144, LULL_CTL_SYSCTL_SET, 1, 5, 0},
	       NLMSG_HDRLEN);
	strcpy((char *)bytes + NLMSG_HDRLEN, "net.ipv4.tcp_fin_timeout");
	say(fd, bytes, 144);
	expect_error(fd, -EINVAL, 5);
	/* Netlink's own are passed over. */
	memcpy(bytes, &(struct nlmsghdr){16, NLMSG_NOOP, 1, 5, 0}, 16);
	say(fd, bytes, 16);
	expect_alive(fd);
	/* A packet of no bytes can't be told from the end. */
	say(fd, bytes, 0);
	assert_int_equal(hear(fd, bytes, sizeof bytes), 0);
	close(fd);
	served_close(w);
	(void)state;
}

/* ---- any bytes at all ---- */

static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
	uint64_t v = random_state += 0x9e3779b97f4a7c15; /* splitmix64 */

	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9;
	v = (v ^ v >> 27) * 0x94d049bb133111eb;
	v ^= v >> 31;
	return (uint32_t)((v >> 32) * below >> 32);
}

/* A request that is nearly right. */
static uint32_t nearly(uint8_t *bytes, uint32_t room)
{
	static const uint16_t types[] = {
		SOCK_DIAG_BY_FAMILY,  LULL_CTL_STATES,	   LULL_CTL_SYSCTL_LIST,
		LULL_CTL_SYSCTL_GET,  LULL_CTL_SYSCTL_SET, LULL_CTL_COUNTERS,
		LULL_CTL_POOLS,	      LULL_CTL_TRACE,	   NLMSG_ERROR,
		LULL_CTL_SYSCTL_TEXT, LULL_CTL_SYSCTL_PUT, LULL_CTL_DESTS,
	};
	static const uint16_t sizes[] = {56, 0, 0,  48, 128, 0,
					 0,  8, 20, 48, 952, 0};
	uint32_t i = draw(12), len = NLMSG_HDRLEN + sizes[i];
	struct nlmsghdr hdr = {len, types[i], (uint16_t)(1 | draw(4) << 8),
			       draw(1000), 0};
	const struct inet_diag_req_v2 want = rows_request(0).want;

	if (len > room)
		return 0;
	for (uint32_t k = NLMSG_HDRLEN; k < len; k++)
		bytes[k] = (uint8_t)(draw(4) ? 0 : draw(256));
	if (types[i] == SOCK_DIAG_BY_FAMILY)
		memcpy(bytes + NLMSG_HDRLEN, &want, sizeof want);
	memcpy(bytes, &hdr, sizeof hdr);
	if (draw(4) == 0) /* damaged */
		bytes[draw(len)] ^= (uint8_t)(1 << draw(8));
	return draw(16) ? len : draw(len + 1); /* truncated */
}

static uint32_t garbage(uint8_t *bytes)
{
	uint32_t len = 0;

	if (draw(8) == 0) {
		len = 1 + draw(LULL_CTL_REQUEST);
		for (uint32_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)draw(256);
		return len;
	}
	for (uint32_t n = 1 + draw(4); n > 0; n--)
		len += nearly(bytes + len, LULL_CTL_REQUEST - len);
	return len ? len : 1;
}

/* Whole messages, of a length that is allowed, up to the end. */
static void check_packet(const struct lull_ctl_packet *p)
{
	const struct nlmsghdr *hdr = (const void *)p->bytes;
	unsigned len = p->len;

	assert_in_range(p->len, 0, LULL_CTL_PACKET);
	for (; NLMSG_OK(hdr, len); hdr = NLMSG_NEXT(hdr, len))
		assert_in_range(hdr->nlmsg_len, NLMSG_HDRLEN, 512);
	assert_int_equal(len, 0);
}

/* Straight into answer.c: what lies behind the packet may not be touched. */
static void random_bytes_are_answered_and_end(void **state)
{
	const char *env = getenv("LULL_SEED");
	struct lull_ctl_asked *a = calloc(1, sizeof *a);
	struct lull_ctl_packet *p = calloc(1, sizeof *p);
	struct served *w;

	random_state = env ? strtoull(env, NULL, 0) : 1;
	printf("# LULL_SEED=%llu\n", (unsigned long long)random_state);
	w = served_open(64);
	served_every_state(w);
	for (int i = 0; i < FUZZ; i++) {
		int turns = 0;

		a->job.at = 0;
		a->len = garbage(a->bytes);
		ASAN_POISON_MEMORY_REGION(a->bytes + a->len,
					  sizeof a->bytes - a->len);
		do {
			lull_ctl_answer(w->us, a, p);
			check_packet(p);
		} while (lull_ctl_is_asked(a) && ++turns < 200);
		assert_in_range(turns, 0, 199);
		ASAN_UNPOISON_MEMORY_REGION(a->bytes, sizeof a->bytes);
	}
	free(a);
	free(p);
	served_close(w);
	(void)state;
}

/* The same through the socket, by clients that come and go as they like. */
static void random_clients_do_no_harm(void **state)
{
	static uint8_t bytes[2 * LULL_CTL_REQUEST];
	union packet p;
	struct served *w;
	int fd[8] = {0}, steady;

	random_state = 2;
	w = served_open(64);
	served_every_state(w);
	served_start(w);
	steady = knock(w->path);
	for (int i = 0; i < FUZZ / 20; i++) {
		int *at = &fd[draw(8)];

		if (!*at)
			*at = knock(w->path);
		(void)send(*at, bytes, garbage(bytes),
			   MSG_NOSIGNAL | MSG_DONTWAIT);
		if (draw(2))
			(void)recv(*at, &p, sizeof p, MSG_DONTWAIT);
		if (draw(16) == 0) {
			close(*at);
			*at = 0;
		}
		if (draw(64) == 0)
			expect_alive(steady);
	}
	for (int i = 0; i < 8; i++)
		if (fd[i])
			close(fd[i]);
	expect_alive(steady);
	close(steady);
	served_close(w);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_socket_is_for_its_user_alone),
		cmocka_unit_test(a_missing_directory_is_made),
		cmocka_unit_test(a_stale_socket_is_replaced),
		cmocka_unit_test(a_live_one_is_not),
		cmocka_unit_test(nor_is_one_of_another_kind),
		cmocka_unit_test(what_is_no_socket_stays),
		cmocka_unit_test(at_the_end_only_ones_own_is_removed),
		cmocka_unit_test(another_user_is_closed_at_once),
		cmocka_unit_test(the_33rd_client_is_told_so),
		cmocka_unit_test(who_does_not_read_holds_nobody_up),
		cmocka_unit_test(several_requests_in_one_packet),
		cmocka_unit_test(a_client_gets_one_packet_a_turn),
		cmocka_unit_test(who_asks_on_without_reading_loses_nothing),
		cmocka_unit_test(malformed_packets_are_refused),
		cmocka_unit_test(random_bytes_are_answered_and_end),
		cmocka_unit_test(random_clients_do_no_harm),
	};

	return RUN("control, bad", tests);
}
