/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_path_kernel.c: the kernel's TCP at both ends of a simulated path, in
 * real time.
 *
 *	 child a, a namespace          us             child b, a namespace
 *	sender -> TUN 10.0.0.1 -> read, path, write -> TUN 10.0.0.2 -> reader
 *
 * The children make their namespaces and devices and hand over the devices;
 * all goes with them. The devices know no offload, so that what we read are
 * single segments.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench_path.h"

enum {
	PORT = 80,
	QUEUE = 10000, /* packets that the device may keep for us */
	BUF = 65536,
	GRACE_MS = 3000, /* for the children to begin */
};

/* Between the three processes. */
struct shared {
	const struct bench_path *o;
	volatile uint64_t bytes[FLOWS_MAX];
	volatile int error; /* errno */
	volatile bool listens, began;
	char cc[16];
};

struct side {
	pid_t pid;
	int tun;
};

/* ---- a namespace with a device ---- */

static int set_address(const char *name, const char *addr)
{
	struct ifreq r = {0};
	struct sockaddr_in *in = (void *)&r.ifr_addr;
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), e = 0;

	if (s < 0)
		return -errno;
	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
	in->sin_family = AF_INET;
	inet_pton(AF_INET, addr, &in->sin_addr);
	if (ioctl(s, SIOCSIFADDR, &r) < 0)
		e = -errno;
	inet_pton(AF_INET, "255.255.255.0", &in->sin_addr);
	if (!e && ioctl(s, SIOCSIFNETMASK, &r) < 0)
		e = -errno;
	r.ifr_qlen = QUEUE;
	if (!e && ioctl(s, SIOCSIFTXQLEN, &r) < 0)
		e = -errno;
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	if (!e && ioctl(s, SIOCSIFFLAGS, &r) < 0)
		e = -errno;
	close(s);
	return e;
}

/* A descriptor, or -errno. */
static int make_tun(const char *addr)
{
	struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd, e;

	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	strcpy(r.ifr_name, "path");
	e = ioctl(fd, TUNSETIFF, &r) < 0 ? -errno : 0;
	if (!e)
		e = set_address(r.ifr_name, addr);
	if (!e)
		return fd;
	close(fd);
	return e;
}

/* Over a socket: one descriptor, and one int that is 0 or -errno. */
static int send_fd(int to, int fd)
{
	char control[CMSG_SPACE(sizeof fd)] = {0};
	int e = fd < 0 ? fd : 0;
	struct iovec v = {&e, sizeof e};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (fd >= 0) {
		m.msg_control = control;
		m.msg_controllen = sizeof control;
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	return sendmsg(to, &m, 0) < 0 ? -errno : e;
}

static int receive_fd(int from)
{
	char control[CMSG_SPACE(sizeof(int))];
	int fd = -ECHILD, e = 0;
	struct iovec v = {&e, sizeof e};
	struct msghdr m = {
		.msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control,
	};
	struct cmsghdr *c;

	if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) != sizeof e)
		return -ECHILD;
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return e < 0 ? e : fd;
}

/* ---- the sender ---- */

static int connect_one(const struct shared *s)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(PORT)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	inet_pton(AF_INET, "10.0.0.2", &to.sin_addr);
	if (fd < 0)
		return -errno;
	if (s->o->cc && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, s->o->cc,
				   (socklen_t)strlen(s->o->cc)) < 0)
		return -errno;
	if (connect(fd, (void *)&to, sizeof to) < 0 && errno != EINPROGRESS)
		return -errno;
	return fd;
}

/* Write as much as the socket takes. false: it is all, or broken. */
static bool pour(struct shared *s, int fd, uint64_t *left)
{
	static char buf[BUF];
	ssize_t n;

	for (;;) {
		n = write(fd, buf, *left < BUF ? (size_t)*left : BUF);
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0)
			s->error = errno;
		if (n <= 0)
			return false;
		*left -= (uint64_t)n;
		if (!*left)
			return false;
	}
}

static int act_as_sender(struct shared *s)
{
	struct pollfd p[FLOWS_MAX];
	uint64_t left[FLOWS_MAX];
	socklen_t len = sizeof s->cc;
	int n = s->o->plan.n;

	while (!s->listens)
		usleep(1000);
	for (int i = 0; i < n; i++) {
		uint64_t bytes = s->o->plan.flow[i].bytes;

		p[i] = (struct pollfd){.fd = connect_one(s), .events = POLLOUT};
		if (p[i].fd < 0)
			return -p[i].fd;
		left[i] = bytes ? bytes : UINT64_MAX;
	}
	(void)getsockopt(p[0].fd, IPPROTO_TCP, TCP_CONGESTION, s->cc, &len);
	s->began = true;
	for (;;) {
		(void)poll(p, (nfds_t)n, -1);
		for (int i = 0; i < n; i++)
			if (p[i].fd >= 0 && p[i].revents &&
			    !pour(s, p[i].fd, &left[i]))
				p[i].fd = -1; /* it stays open */
	}
}

/* ---- the reader ---- */

static int act_as_reader(struct shared *s)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(PORT)};
	static char buf[BUF];
	struct pollfd p[1 + FLOWS_MAX] = {{.events = POLLIN}};
	int flows = 0;

	p[0].fd = socket(AF_INET, SOCK_STREAM, 0);
	if (p[0].fd < 0 || bind(p[0].fd, (void *)&at, sizeof at) < 0 ||
	    listen(p[0].fd, FLOWS_MAX) < 0)
		return errno;
	s->listens = true;
	for (;;) {
		(void)poll(p, (nfds_t)flows + 1, -1);
		if (p[0].revents && flows < FLOWS_MAX) {
			p[++flows] = (struct pollfd){.events = POLLIN};
			p[flows].fd = accept(p[0].fd, NULL, NULL);
		}
		for (int i = 1; i <= flows; i++) {
			ssize_t n;

			if (!p[i].revents)
				continue;
			n = read(p[i].fd, buf, sizeof buf);
			if (n > 0)
				s->bytes[i - 1] += (uint64_t)n;
		}
	}
}

/* ---- the path between them ---- */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* All that the device has for us. */
static void take_in(struct path *path, enum path_way way, int fd)
{
	static uint8_t buf[BUF];
	ssize_t n;

	while ((n = read(fd, buf, sizeof buf)) > 0)
		if (buf[0] >> 4 == 4) /* IPv6 looks for routers */
			path_put(path, way, now_ns(), buf, (uint32_t)n);
}

static void hand_out(struct path *path, enum path_way way, int fd)
{
	const void *packet;
	uint32_t len;

	while ((packet = path_peek(path, way, now_ns(), &len))) {
		if (write(fd, packet, len) < 0 && errno == EAGAIN)
			return;
		path_pop(path, way);
	}
}

static bool is_over(const struct shared *s, uint64_t end_ns)
{
	const struct flows_plan *plan = &s->o->plan;

	if (s->error || now_ns() >= end_ns)
		return true;
	if (!plan->flow[0].bytes)
		return false;
	for (int i = 0; i < plan->n; i++)
		if (s->bytes[i] < plan->flow[i].bytes)
			return false;
	return true;
}

static void forward(const struct shared *s, struct path *path,
		    const struct side *side, uint64_t end_ns)
{
	struct pollfd p[2] = {{.fd = side[0].tun, .events = POLLIN},
			      {.fd = side[1].tun, .events = POLLIN}};

	while (!is_over(s, end_ns)) {
		uint64_t now = now_ns(), due = path_deadline(path), wait;
		struct timespec t;

		if (due > end_ns)
			due = end_ns;
		if (due > now + 50000000) /* look whether it is over */
			due = now + 50000000;
		wait = due > now ? due - now : 0;
		t = (struct timespec){(time_t)(wait / 1000000000),
				      (long)(wait % 1000000000)};
		(void)ppoll(p, 2, &t, NULL);
		take_in(path, PATH_FORTH, side[0].tun);
		take_in(path, PATH_BACK, side[1].tun);
		hand_out(path, PATH_FORTH, side[1].tun);
		hand_out(path, PATH_BACK, side[0].tun);
	}
}

/* ---- all three ---- */

static void child(struct shared *s, int i, int sock)
{
	int fd, e;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	fd = make_tun(i == 0 ? "10.0.0.1" : "10.0.0.2");
	if (send_fd(sock, fd) < 0)
		_exit(1);
	close(fd);
	e = i == 0 ? act_as_sender(s) : act_as_reader(s);
	s->error = e;
	_exit(1);
}

static int start(struct shared *s, struct side *side, int i)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	side->pid = fork();
	if (side->pid == 0)
		child(s, i, pair[1]);
	close(pair[1]);
	side->tun = side->pid < 0 ? -errno : receive_fd(pair[0]);
	close(pair[0]);
	return side->tun < 0 ? side->tun : 0;
}

/* A counter of the sender's namespace. */
static uint64_t count(pid_t pid, const char *name)
{
	char path[64], names[8192], values[8192], *n, *v, *nn, *vv;
	uint64_t found = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/net/netstat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(names, sizeof names, f) &&
	       fgets(values, sizeof values, f)) {
		n = strtok_r(names, " \n", &nn);
		v = strtok_r(values, " \n", &vv);
		for (; n && v; n = strtok_r(NULL, " \n", &nn),
			       v = strtok_r(NULL, " \n", &vv))
			if (!strcmp(n, name))
				found = strtoull(v, NULL, 10);
	}
	fclose(f);
	return found;
}

static int measure(struct shared *s, struct side *side,
		   struct bench_path_result *r, FILE *out)
{
	uint64_t start_ns = now_ns();
	struct path *path;

	for (int i = 0; i < GRACE_MS && !s->error && !s->listens; i++)
		usleep(1000);
	start_ns = now_ns();
	path = path_create(&s->o->plan.path, start_ns);
	if (!path)
		return -ENOMEM;
	path_tail(path, s->o->plan.flow[0].bytes);
	forward(s, path, side, start_ns + s->o->plan.until_us * 1000);
	r->seconds = (double)(now_ns() - start_ns) / 1e9;
	for (int i = 0; i < s->o->plan.n; i++)
		r->bytes[i] = s->bytes[i];
	r->timeouts = count(side[0].pid, "TCPTimeouts");
	r->probes = count(side[0].pid, "TCPLossProbes");
	r->undone = count(side[0].pid, "TCPLossUndo");
	memcpy(r->cc, s->cc, sizeof r->cc);
	r->path = path_stats(path, PATH_FORTH);
	if (out)
		path_write_csv(path, out);
	path_destroy(path);
	return s->error ? -s->error : 0;
}

int bench_path_kernel(const struct bench_path *o, struct bench_path_result *r,
		      FILE *out)
{
	struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct side side[2] = {{.tun = -1}, {.tun = -1}};
	int e = 0;

	if (s == MAP_FAILED)
		return tool_error(TOOL_COULD_NOT, "no memory");
	s->o = o;
	fflush(NULL);
	for (int i = 0; i < 2 && e == 0; i++)
		e = start(s, &side[i], i);
	if (e == 0)
		e = measure(s, side, r, out);
	for (int i = 0; i < 2; i++) {
		if (side[i].pid > 0) {
			kill(side[i].pid, SIGKILL);
			waitpid(side[i].pid, NULL, 0);
		}
		if (side[i].tun >= 0)
			close(side[i].tun);
	}
	munmap(s, sizeof *s);
	if (e < 0)
		return tool_error(
			TOOL_COULD_NOT, "two kernels over a path: %s%s",
			strerror(-e),
			e == -EPERM || e == -EACCES ? ": it takes root" : "");
	return TOOL_OK;
}
