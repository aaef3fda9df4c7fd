/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_packetdrill.c: liblull-packetdrill.so, asked as packetdrill asks it:
 * descriptors, results, the virtual clock, calls that block, /proc/sys.
 *
 * usage: test_packetdrill LIBRARY
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../../tools/packetdrill/interface.h"
#include "../unit/test.h"

enum {
	FIN = 1,
	SYN = 2,
	RST = 4,
	PSH = 8,
	ACK = 16,
	PORT = 8080
};

#define SECOND 1000000LL

static const char *library;

struct seg {
	uint8_t flags;
	uint32_t seq, ack;
	uint8_t options[40];
	size_t options_len, len;
	long long at_us;
};

struct drill {
	void *handle;
	struct packetdrill_interface ifc;
};

static void begin_with(struct drill *d, const char *flags)
{
	void (*init)(const char *, struct packetdrill_interface *);

	d->handle = dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!d->handle)
		fail_msg("%s", dlerror());
	*(void **)&init = dlsym(d->handle, "packetdrill_interface_init");
	assert_non_null(init);
	init(flags, &d->ifc);
}

static void begin(struct drill *d)
{
	begin_with(d, "");
}

static void end(struct drill *d)
{
	d->ifc.free(d->ifc.userdata);
	dlclose(d->handle);
}

/* ---- packets ---- */

static uint16_t sum16(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* From 192.0.2.1:40000 to 192.168.0.1:PORT, with `len` bytes 'x'. */
static void inject(struct drill *d, const struct seg *s)
{
	static const uint8_t peer[4] = {192, 0, 2, 1}, us[4] = {192, 168, 0, 1};
	size_t hdr = 20 + s->options_len, all = 20 + hdr + s->len;
	uint8_t *p = calloc(1, all), *tcp = p + 20;
	uint32_t pseudo = 6 + (uint32_t)(hdr + s->len);

	assert_non_null(p);
	p[0] = 0x45;
	put16(p + 2, (uint32_t)all);
	p[8] = 64;
	p[9] = 6;
	memcpy(p + 12, peer, 4);
	memcpy(p + 16, us, 4);
	put16(p + 10, sum16(0, p, 20));
	put16(tcp, 40000);
	put16(tcp + 2, PORT);
	put32(tcp + 4, s->seq);
	put32(tcp + 8, s->ack);
	tcp[12] = (uint8_t)(hdr / 4 << 4);
	tcp[13] = s->flags;
	put16(tcp + 14, 65535);
	memcpy(tcp + 20, s->options, s->options_len);
	memset(tcp + hdr, 'x', s->len);
	for (int i = 12; i < 20; i += 2)
		pseudo += (uint32_t)p[i] << 8 | p[i + 1];
	put16(tcp + 16, sum16(pseudo, tcp, hdr + s->len));
	assert_int_equal(d->ifc.netdev_send(d->ifc.userdata, p, all), 0);
	free(p);
}

/* The next segment that leaves; false: none will. */
static bool sniff(struct drill *d, struct seg *s)
{
	uint8_t p[65536];
	size_t len = sizeof p;
	const uint8_t *tcp = p + 20;

	*s = (struct seg){0};
	assert_int_equal(
		d->ifc.netdev_receive(d->ifc.userdata, p, &len, &s->at_us), 0);
	if (len == 0)
		return false;
	assert_true(len >= 40);
	assert_int_equal(p[9], 6);
	s->flags = tcp[13];
	s->seq = get32(tcp + 4);
	s->ack = get32(tcp + 8);
	s->options_len = (size_t)(tcp[12] >> 4) * 4 - 20;
	memcpy(s->options, tcp + 20, s->options_len);
	s->len = len - 40 - s->options_len;
	return true;
}

static long long now_us(struct drill *d)
{
	struct timeval tv;

	assert_int_equal(d->ifc.gettimeofday(d->ifc.userdata, &tv, NULL), 0);
	return tv.tv_sec * SECOND + tv.tv_usec;
}

/* ---- sockets ---- */

static int listening(struct drill *d)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(PORT)};
	void *u = d->ifc.userdata;
	int fd = d->ifc.socket(u, AF_INET, SOCK_STREAM, IPPROTO_TCP);

	at.sin_addr.s_addr = htonl(0xc0a80001);
	assert_true(fd >= 0);
	assert_int_equal(d->ifc.bind(u, fd, (void *)&at, sizeof at), 0);
	assert_int_equal(d->ifc.listen(u, fd, 1), 0);
	return fd;
}

/* Our ISN. */
static uint32_t shake(struct drill *d, bool last_ack)
{
	struct seg out;

	inject(d, &(struct seg){.flags = SYN});
	assert_true(sniff(d, &out));
	assert_int_equal(out.flags, SYN | ACK);
	assert_int_equal(out.ack, 1);
	if (last_ack)
		inject(d, &(struct seg){
				  .flags = ACK, .seq = 1, .ack = out.seq + 1});
	return out.seq;
}

static int accepted(struct drill *d, int l)
{
	struct sockaddr_in from;
	socklen_t len = sizeof from;
	int fd = d->ifc.accept(d->ifc.userdata, l, (void *)&from, &len);

	assert_true(fd >= 0);
	assert_int_equal(from.sin_family, AF_INET);
	assert_int_equal(ntohs(from.sin_port), 40000);
	assert_int_equal(ntohl(from.sin_addr.s_addr), 0xc0000201);
	return fd;
}

/* packetdrill closes what a script leaves open, by the kernel's close(). */
static void descriptors_are_real(void **unused)
{
	struct drill d;
	int fd;

	(void)unused;
	begin(&d);
	fd = listening(&d);
	assert_true(fcntl(fd, F_GETFD) >= 0);
	assert_int_equal(d.ifc.close(d.ifc.userdata, fd), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	errno = 0;
	assert_int_equal(d.ifc.close(d.ifc.userdata, fd), -1);
	assert_int_equal(errno, EBADF);
	end(&d);
}

/* A whole life, 60 s of TIME_WAIT included, in no time. */
static void time_is_virtual(void **unused)
{
	struct timespec from, to;
	char buf[16] = "";
	struct drill d;
	struct seg out;
	uint32_t iss;
	int l, fd;

	(void)unused;
	clock_gettime(CLOCK_MONOTONIC, &from);
	begin(&d);
	l = listening(&d);
	iss = shake(&d, true);
	fd = accepted(&d, l);
	inject(&d,
	       &(struct seg){
		       .flags = ACK | PSH, .seq = 1, .ack = iss + 1, .len = 5});
	assert_true(sniff(&d, &out)); /* a quick ACK */
	assert_int_equal(out.len, 0);
	assert_int_equal(out.ack, 6);
	assert_int_equal(d.ifc.read(d.ifc.userdata, fd, buf, sizeof buf), 5);
	assert_string_equal(buf, "xxxxx");
	assert_int_equal(d.ifc.write(d.ifc.userdata, fd, "hello", 5), 5);
	assert_true(sniff(&d, &out));
	assert_int_equal(out.len, 5);
	assert_int_equal(out.ack, 6);
	assert_int_equal(d.ifc.close(d.ifc.userdata, fd), 0);
	assert_true(sniff(&d, &out));
	assert_int_equal(out.flags, FIN | ACK);
	inject(&d,
	       &(struct seg){.flags = FIN | ACK, .seq = 6, .ack = out.seq + 1});
	assert_true(sniff(&d, &out));
	assert_int_equal(out.flags, ACK);
	assert_int_equal(out.ack, 7);
	/* Nothing more comes, and that is said, not waited for. */
	long long before = now_us(&d);
	assert_false(sniff(&d, &out));
	assert_in_range(now_us(&d) - before, 59 * SECOND, 62 * SECOND);
	end(&d);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_in_range(to.tv_sec - from.tv_sec, 0, 5);
}

/* packetdrill spins on it. */
static void each_look_at_the_clock_moves_it(void **unused)
{
	struct drill d;
	long long a;

	(void)unused;
	begin(&d);
	a = now_us(&d);
	assert_true(now_us(&d) > a);
	a = now_us(&d);
	assert_int_equal(d.ifc.usleep(d.ifc.userdata, 5000), 0);
	assert_in_range(now_us(&d) - a, 5000, 5002);
	end(&d);
}

/* ---- calls that block ---- */

struct blocked {
	struct drill *d;
	int fd, result, error;
	long long at_us;
	pid_t thread;
};

static bool sleeps(pid_t thread)
{
	char path[64], text[256] = "";
	FILE *f;

	snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
	f = fopen(path, "r");
	if (!f)
		return false;
	(void)!fgets(text, sizeof text, f);
	fclose(f);
	const char *after = strrchr(text, ')');
	return after && after[1] && after[2] == 'S';
}

static void *accept_there(void *arg)
{
	struct blocked *b = arg;
	struct sockaddr_in from;
	socklen_t len = sizeof from;

	__atomic_store_n(&b->thread, (pid_t)syscall(SYS_gettid),
			 __ATOMIC_SEQ_CST);
	b->result = b->d->ifc.accept(b->d->ifc.userdata, b->fd, (void *)&from,
				     &len);
	b->at_us = now_us(b->d);
	return NULL;
}

static void *connect_there(void *arg)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(80)};
	struct blocked *b = arg;

	to.sin_addr.s_addr = htonl(0xc0000201);
	b->result = b->d->ifc.connect(b->d->ifc.userdata, b->fd, (void *)&to,
				      sizeof to);
	b->error = errno;
	b->at_us = now_us(b->d);
	return NULL;
}

/* It sleeps in the kernel, and the clock waits for it when it wakes. */
static void a_blocked_call_sleeps_and_is_woken_on_time(void **unused)
{
	struct blocked b = {0};
	struct drill d;
	pthread_t thread;
	uint32_t iss;
	long long at;

	(void)unused;
	begin(&d);
	b.d = &d;
	b.fd = listening(&d);
	assert_int_equal(pthread_create(&thread, NULL, accept_there, &b), 0);
	for (int i = 0; i < 2000; i++) {
		pid_t t = __atomic_load_n(&b.thread, __ATOMIC_SEQ_CST);

		if (t && sleeps(t))
			break;
		usleep(1000);
	}
	assert_true(sleeps(b.thread));
	iss = shake(&d, false);
	d.ifc.usleep(d.ifc.userdata, 300000);
	at = now_us(&d);
	inject(&d, &(struct seg){.flags = ACK, .seq = 1, .ack = iss + 1});
	d.ifc.usleep(d.ifc.userdata, 400000);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(b.result >= 0);
	assert_in_range(b.at_us - at, 0, 100);
	end(&d);
}

/* No event follows in the script: the clock goes on all the same. */
static void a_blocked_call_that_only_a_timer_ends(void **unused)
{
	struct blocked b = {0};
	struct drill d;
	pthread_t thread;
	long long from;

	(void)unused;
	begin(&d);
	b.d = &d;
	b.fd = d.ifc.socket(d.ifc.userdata, AF_INET, SOCK_STREAM, 0);
	from = now_us(&d);
	assert_int_equal(pthread_create(&thread, NULL, connect_there, &b), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(b.result, -1);
	assert_int_equal(b.error, ETIMEDOUT);
	assert_in_range(b.at_us - from, 60 * SECOND, 200 * SECOND);
	end(&d);
}

/* ---- results, byte for byte those of Linux ---- */

static void errors_are_linux_s(void **unused)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(80)};
	struct drill d;
	void *u;
	int fd;

	(void)unused;
	begin(&d);
	u = d.ifc.userdata;
	to.sin_addr.s_addr = htonl(0xc0000201);
	fd = d.ifc.socket(u, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(d.ifc.read(u, fd, &to, 1), -1);
	assert_int_equal(errno, ENOTCONN);
	assert_int_equal(d.ifc.write(u, fd, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(d.ifc.listen(u, fd, 1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(d.ifc.fcntl(u, fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	assert_int_equal(d.ifc.connect(u, fd, (void *)&to, sizeof to), -1);
	assert_int_equal(errno, EINPROGRESS);
	assert_int_equal(d.ifc.connect(u, fd, (void *)&to, sizeof to), -1);
	assert_int_equal(errno, EALREADY);
	assert_int_equal(d.ifc.read(u, fd, &to, 1), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(d.ifc.socket(u, AF_INET, SOCK_DGRAM, 0), -1);
	assert_int_equal(errno, ESOCKTNOSUPPORT);
	end(&d);
}

/* ---- /proc/sys ---- */

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static bool has_timestamps(struct drill *d)
{
	static const uint8_t options[] = {2, 4, 5, 180, 1, 1, 8, 10,
					  0, 0, 0, 1,	0, 0, 0, 0};
	struct seg syn = {.flags = SYN, .options_len = sizeof options}, out;
	bool found = false;

	memcpy(syn.options, options, sizeof options);
	inject(d, &syn);
	assert_true(sniff(d, &out));
	for (size_t i = 0; i + 1 < out.options_len;
	     i += out.options[i] < 2 ? 1 : out.options[i + 1])
		found |= out.options[i] == 8;
	inject(d, &(struct seg){.flags = RST, .seq = 1});
	return found;
}

/* A test mounts a directory there, and writes it after the beginning. */
static void knobs_are_read_when_they_are_needed(void **unused)
{
	char dir[] = "/tmp/test-packetdrill-XXXXXX", file[64];
	struct drill d;

	(void)unused;
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		print_message("# needs root, for a mount of its own\n");
		skip();
	}
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof file, "%s/tcp_timestamps", dir);
	write_file(file, "1\n");
	assert_int_equal(mount(dir, "/proc/sys/net/ipv4", NULL, MS_BIND, NULL),
			 0);
	begin(&d);
	listening(&d);
	assert_true(has_timestamps(&d));
	write_file("/proc/sys/net/ipv4/tcp_timestamps", "0\n");
	assert_false(has_timestamps(&d));
	/* What is no value means the default. */
	write_file("/proc/sys/net/ipv4/tcp_timestamps", "many\n");
	assert_true(has_timestamps(&d));
	end(&d);
	assert_int_equal(umount("/proc/sys/net/ipv4"), 0);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* ---- options ---- */

typedef int getsockopt_fn(int fd, int level, int name, void *value,
			  socklen_t *len);

/* What packetdrill asks past its table: libc's name, in the place of libc's. */
static void tcp_info_comes_by_libc_s_getsockopt(void **unused)
{
	struct tcp_info info;
	char more[sizeof info + 100];
	uint32_t memory[SK_MEMINFO_VARS];
	socklen_t len = sizeof info;
	getsockopt_fn *get;
	struct drill d;
	uint32_t iss;
	int l, fd, v;

	(void)unused;
	begin(&d);
	*(void **)&get = dlsym(d.handle, "getsockopt");
	assert_non_null(get);
	l = listening(&d);
	iss = shake(&d, true);
	fd = accepted(&d, l);
	inject(&d, &(struct seg){
			   .flags = ACK, .seq = 1, .ack = iss + 1, .len = 700});
	assert_int_equal(d.ifc.write(d.ifc.userdata, fd, "hello", 5), 5);
	assert_int_equal(get(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	assert_int_equal(len, sizeof info);
	assert_int_equal(info.tcpi_state, 1); /* ESTABLISHED */
	assert_int_equal(info.tcpi_snd_cwnd, 10);
	assert_int_equal(info.tcpi_unacked, 1);
	assert_int_equal(info.tcpi_bytes_received, 700);
	assert_int_equal(info.tcpi_rcv_mss, 700);
	/* A newer struct is longer. */
	memset(more, 0xee, sizeof more);
	len = sizeof more;
	assert_int_equal(get(fd, IPPROTO_TCP, TCP_INFO, more, &len), 0);
	assert_int_equal(len, sizeof more);
	assert_int_equal(more[sizeof more - 1], 0);
	len = sizeof info;
	assert_int_equal(get(fd, IPPROTO_TCP, TCP_CC_INFO, &info, &len), 0);
	assert_int_equal(len, 0);
	len = sizeof memory;
	assert_int_equal(get(fd, SOL_SOCKET, SO_MEMINFO, memory, &len), 0);
	assert_int_equal(len, sizeof memory);
	assert_int_equal(memory[SK_MEMINFO_RMEM_ALLOC], 700);
	assert_true(memory[SK_MEMINFO_RCVBUF] > 0);
	/* What is not ours goes on to libc. */
	v = socket(AF_INET, SOCK_DGRAM, 0);
	assert_true(v >= 0);
	len = sizeof l;
	assert_int_equal(get(v, SOL_SOCKET, SO_TYPE, &l, &len), 0);
	assert_int_equal(l, SOCK_DGRAM);
	close(v);
	end(&d);
}

static int option(struct drill *d, int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int v = -1;

	if (d->ifc.getsockopt(d->ifc.userdata, fd, level, name, &v, &len) < 0)
		return -errno;
	return v;
}

static int set(struct drill *d, int fd, int level, int name, int v)
{
	return d->ifc.setsockopt(d->ifc.userdata, fd, level, name, &v, sizeof v)
		       ? -errno
		       : 0;
}

/* Before there is a connection, on a listener, and on what it accepts. */
static void options_are_kept_until_they_are_used(void **unused)
{
	char name[16] = "reno";
	socklen_t len = sizeof name;
	struct drill d;
	struct seg out;
	int l, fd;

	(void)unused;
	begin(&d);
	fd = d.ifc.socket(d.ifc.userdata, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(option(&d, fd, IPPROTO_TCP, TCP_MAXSEG), 536);
	assert_int_equal(set(&d, fd, IPPROTO_TCP, TCP_MAXSEG, 40), -EINVAL);
	assert_int_equal(set(&d, fd, IPPROTO_TCP, TCP_SYNCNT, 128), -EINVAL);
	assert_int_equal(set(&d, fd, IPPROTO_TCP, 12345, 1), -ENOPROTOOPT);
	assert_int_equal(set(&d, fd, SOL_SOCKET, SO_SNDBUF, 21000), 0);
	assert_int_equal(option(&d, fd, SOL_SOCKET, SO_SNDBUF), 42000);
	l = listening(&d);
	assert_int_equal(set(&d, l, IPPROTO_TCP, TCP_MAXSEG, 1000), 0);
	assert_int_equal(set(&d, l, IPPROTO_TCP, TCP_NODELAY, 7), 0);
	assert_int_equal(d.ifc.setsockopt(d.ifc.userdata, l, IPPROTO_TCP,
					  TCP_CONGESTION, name, 4),
			 0);
	inject(&d, &(struct seg){.flags = SYN});
	assert_true(sniff(&d, &out));
	assert_memory_equal(out.options, "\x02\x04\x03\xe8", 4); /* MSS 1000 */
	inject(&d, &(struct seg){.flags = ACK, .seq = 1, .ack = out.seq + 1});
	fd = accepted(&d, l);
	assert_int_equal(option(&d, fd, IPPROTO_TCP, TCP_NODELAY), 1);
	memset(name, 0, sizeof name);
	assert_int_equal(d.ifc.getsockopt(d.ifc.userdata, fd, IPPROTO_TCP,
					  TCP_CONGESTION, name, &len),
			 0);
	assert_string_equal(name, "reno");
	end(&d);
}

static void the_mtu_is_a_flag(void **unused)
{
	struct drill d;
	struct seg out;

	(void)unused;
	begin_with(&d, "mtu=1520");
	listening(&d);
	inject(&d, &(struct seg){.flags = SYN});
	assert_true(sniff(&d, &out));
	assert_memory_equal(out.options, "\x02\x04\x05\xc8", 4); /* 1480 */
	end(&d);
}

/* Larger than the MTU: what a card would have joined. */
static void a_packet_of_64_kb_is_taken(void **unused)
{
	static char buf[65535];
	struct drill d;
	uint32_t iss;
	int l, fd;

	(void)unused;
	begin(&d);
	l = listening(&d);
	iss = shake(&d, true);
	fd = accepted(&d, l);
	inject(&d,
	       &(struct seg){
		       .flags = ACK, .seq = 1, .ack = iss + 1, .len = 50000});
	assert_int_equal(d.ifc.recv(d.ifc.userdata, fd, buf, 100, MSG_PEEK),
			 100);
	assert_int_equal(d.ifc.read(d.ifc.userdata, fd, buf, sizeof buf),
			 50000);
	end(&d);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_are_real),
		cmocka_unit_test(time_is_virtual),
		cmocka_unit_test(each_look_at_the_clock_moves_it),
		cmocka_unit_test(a_blocked_call_sleeps_and_is_woken_on_time),
		cmocka_unit_test(a_blocked_call_that_only_a_timer_ends),
		cmocka_unit_test(errors_are_linux_s),
		cmocka_unit_test(knobs_are_read_when_they_are_needed),
		cmocka_unit_test(tcp_info_comes_by_libc_s_getsockopt),
		cmocka_unit_test(options_are_kept_until_they_are_used),
		cmocka_unit_test(a_packet_of_64_kb_is_taken),
		cmocka_unit_test(the_mtu_is_a_flag),
	};

	if (argc != 2)
		return 64;
	library = argv[1];
	return RUN("packetdrill", tests);
}
