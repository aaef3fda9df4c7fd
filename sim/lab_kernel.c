/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_kernel.c: a host of the lab that is this machine's kernel, in real
 * time: a network namespace of our own, and a TUN device whose other side is
 * the lab's wire. Both go with the case, or with the process.
 *
 * What states its connections are in is read from /proc/self/net/tcp, each
 * few milliseconds: so late may a change be told.
 *
 * Entry points: lab_kernel_open, lab_kernel_turn, lab_kernel_wait,
 * lab_kernel_close; and one for each call of a program.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lab.h"

enum {
	ROWS_MAX = 65536,
};

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

/* ---- a namespace with a device ---- */

static int set_up(int s, const char *name, uint32_t addr)
{
	struct ifreq r = {0};
	struct sockaddr_in *in = (void *)&r.ifr_addr;

	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(addr);
	if (addr && ioctl(s, SIOCSIFADDR, &r) < 0)
		return -errno;
	in->sin_addr.s_addr = htonl(0xffffff00);
	if (addr && ioctl(s, SIOCSIFNETMASK, &r) < 0)
		return -errno;
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	return ioctl(s, SIOCSIFFLAGS, &r) < 0 ? -errno : 0;
}

static int make_device(struct lab_host *h)
{
	struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int s, e = 0;

	h->tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (h->tun < 0)
		return -errno;
	strcpy(r.ifr_name, "lab");
	if (ioctl(h->tun, TUNSETIFF, &r) < 0)
		return -errno;
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return -errno;
	e = set_up(s, "lo", 0);
	if (e == 0)
		e = set_up(s, r.ifr_name, h->addr);
	close(s);
	return e;
}

static int enter_namespace(struct lab_world *w)
{
	struct lull_userns_why why = {.size = sizeof why};
	int e;

	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	e = lull_userns_enter(&why);
	if (e < 0)
		snprintf(w->why, sizeof w->why, "%s", why.text);
	return e;
}

int lab_kernel_open(struct lab_world *w, int host)
{
	struct lab_host *h = &w->host[host];
	int e;

	w->real = true;
	h->tun = -1;
	e = enter_namespace(w);
	if (e == 0)
		e = make_device(h);
	for (int i = 0; i < h->knobs && e == 0; i++) {
		char *eq = strchr(h->knob[i], '=');
		char name[LAB_TEXT];

		snprintf(name, sizeof name, "%.*s",
			 eq ? (int)(eq - h->knob[i]) : 0, h->knob[i]);
		e = eq ? lab_kernel_knob(h, name, eq + 1, NULL, 0) : -EINVAL;
		if (e < 0)
			snprintf(w->why, sizeof w->why, "%s: %s", h->knob[i],
				 strerror(-e));
		if (e == -ENOENT)
			e = -EINVAL; /* the script's fault */
	}
	if (e < 0 && !w->why[0])
		snprintf(w->why, sizeof w->why,
			 "a namespace with a TUN device: %s", strerror(-e));
	h->up = e == 0;
	return e;
}

void lab_kernel_close(struct lab_host *h)
{
	if (h->tun >= 0)
		close(h->tun);
	h->tun = -1;
	free(h->row);
	h->row = NULL;
	h->rows = h->rows_size = 0;
}

/* ---- what /proc tells ---- */

static bool parse_row(const char *line, struct lab_krow *r)
{
	unsigned int la, lp, ra, rp, st, tx, rx, tr, when, inode = 0;

	if (sscanf(line, " %*u: %x:%x %x:%x %x %x:%x %x:%x %*x %*u %*u %u", &la,
		   &lp, &ra, &rp, &st, &tx, &rx, &tr, &when, &inode) < 9)
		return false;
	*r = (struct lab_krow){
		.addr = ntohl(la),
		.raddr = ntohl(ra),
		.port = (uint16_t)lp,
		.rport = (uint16_t)rp,
		.state = st < LULL_TCP_STATES ? (uint8_t)st : 0,
		.timer = (uint8_t)tr,
		.timer_ms = when * 10, /* of a hundredth of a second */
		.wqueue = tx,
		.rqueue = rx,
		.held = inode != 0,
	};
	if (st == 12) /* half-open: Linux's own number */
		r->state = LULL_TCP_SYN_RECEIVED;
	return true;
}

int lab_kernel_rows(const struct lab_host *h, struct lab_krow **rows, size_t *n)
{
	FILE *f = fopen("/proc/self/net/tcp", "re");
	char line[512];
	size_t size = 0;

	(void)h;
	*rows = NULL;
	*n = 0;
	if (!f)
		return -errno;
	while (fgets(line, sizeof line, f)) {
		struct lab_krow r;

		if (!parse_row(line, &r))
			continue;
		if (*n == size) {
			void *p;

			size = size ? 2 * size : 64;
			p = size > ROWS_MAX
				    ? NULL
				    : realloc(*rows, size * sizeof **rows);
			if (!p) {
				free(*rows);
				fclose(f);
				return -ENOMEM;
			}
			*rows = p;
		}
		(*rows)[(*n)++] = r;
	}
	fclose(f);
	return 0;
}

static struct lab_krow *same_row(const struct lab_host *h,
				 const struct lab_krow *r)
{
	for (size_t i = 0; i < h->rows; i++) {
		struct lab_krow *o = &h->row[i];

		if (o->addr == r->addr && o->port == r->port &&
		    o->raddr == r->raddr && o->rport == r->rport)
			return o;
	}
	return NULL;
}

/* What changed since it was looked at. */
static void tell_states(struct lab_world *w, int host)
{
	struct lab_host *h = &w->host[host];
	struct lab_krow *rows;
	size_t n;

	if (lab_kernel_rows(h, &rows, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		struct lab_krow *was = same_row(h, &rows[i]);

		if (was)
			was->seen = true;
		if (!was || was->state != rows[i].state)
			lab_world_state(w, host, rows[i].state, &rows[i], "");
	}
	for (size_t i = 0; i < h->rows; i++)
		if (!h->row[i].seen)
			lab_world_state(w, host, LULL_TCP_CLOSED, &h->row[i],
					"");
	free(h->row);
	h->row = rows;
	h->rows = n;
}

uint64_t lab_kernel_count(const struct lab_host *h, const char *name,
			  bool *found)
{
	static const char *const files[] = {"/proc/self/net/netstat",
					    "/proc/self/net/snmp"};
	char names[8192], values[8192], *n, *v, *nn, *vv;
	uint64_t value = 0;

	(void)h;
	*found = false;
	for (int i = 0; i < 2 && !*found; i++) {
		FILE *f = fopen(files[i], "re");

		while (f && fgets(names, sizeof names, f) &&
		       fgets(values, sizeof values, f)) {
			n = strtok_r(names, " \n", &nn);
			v = strtok_r(values, " \n", &vv);
			for (; n && v; n = strtok_r(NULL, " \n", &nn),
				       v = strtok_r(NULL, " \n", &vv)) {
				if (strcmp(n, name) != 0)
					continue;
				value = strtoull(v, NULL, 10);
				*found = true;
			}
		}
		if (f)
			fclose(f);
	}
	return value;
}

int lab_kernel_knob(struct lab_host *h, const char *name, const char *value,
		    char *out, size_t size)
{
	char path[256] = "/proc/sys/";
	ssize_t n;
	int fd;

	(void)h;
	strncat(path, name, sizeof path - 32);
	for (char *p = path + 10; *p; p++)
		if (*p == '.')
			*p = '/';
	fd = open(path, (value ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = value ? write(fd, value, strlen(value)) : read(fd, out, size - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (!value && n > 0) {
		out[n] = 0;
		out[strcspn(out, "\n")] = 0;
	}
	return n < 0 ? (int)n : 0;
}

/* ---- packets and time ---- */

static struct sockaddr_in address(uint32_t addr, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons(port)};

	in.sin_addr.s_addr = htonl(addr);
	return in;
}

static void learn_ends(struct lab_sock *s)
{
	struct sockaddr_in in;
	socklen_t len = sizeof in;

	if (getsockname(s->fd, (void *)&in, &len) == 0) {
		s->addr = ntohl(in.sin_addr.s_addr);
		s->port = ntohs(in.sin_port);
	}
	len = sizeof in;
	if (getpeername(s->fd, (void *)&in, &len) == 0) {
		s->raddr = ntohl(in.sin_addr.s_addr);
		s->rport = ntohs(in.sin_port);
	}
}

/* What a program that waits for its socket would hear. */
static void hear(struct lab_world *w, struct lab_sock *s)
{
	struct pollfd p = {.fd = s->fd, .events = POLLOUT};
	socklen_t len = sizeof(int);
	int e = 0;

	if (!s->open || s->listener || s->fd < 0 || s->error)
		return;
	if (poll(&p, 1, 0) <= 0)
		return;
	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &e, &len) == 0 && e) {
		s->error = -e;
		lab_world_call(w, s, "error: %s", lab_errno_name(-e));
	} else if (p.revents & POLLOUT) {
		s->connected = true;
	}
}

bool lab_kernel_turn(struct lab_world *w, int host)
{
	struct lab_host *h = &w->host[host];
	uint8_t packet[LAB_PACKET];
	bool did = false;
	ssize_t n;

	while ((n = read(h->tun, packet, sizeof packet)) > 0) {
		lab_world_send(w, host, packet, (uint32_t)n);
		did = true;
	}
	for (size_t i = 0; i < w->socks; i++)
		if (w->sock[i].host == host)
			hear(w, &w->sock[i]);
	tell_states(w, host);
	return did;
}

bool lab_kernel_take(struct lab_world *w, int host, const uint8_t *packet,
		     uint32_t len)
{
	return write(w->host[host].tun, packet, len) == (ssize_t)len;
}

void lab_kernel_wait(struct lab_world *w, uint64_t ns)
{
	struct timespec t = {(time_t)(ns / 1000000000),
			     (long)(ns % 1000000000)};
	struct pollfd p[LAB_HOSTS_MAX];
	nfds_t n = 0;

	for (int i = 0; i < w->hosts; i++)
		if (w->host[i].kind == LAB_KERNEL && w->host[i].up)
			p[n++] = (struct pollfd){.fd = w->host[i].tun,
						 .events = POLLIN};
	(void)ppoll(p, n, &t, NULL);
}

/* ---- what programs call ---- */

static int stream(struct lab_sock *s, bool reuseaddr)
{
	int one = 1;

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return -errno;
	if (reuseaddr &&
	    setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0)
		return -errno;
	return 0;
}

static void forget(struct lab_sock *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->open = false;
}

int lab_kernel_listen(struct lab_world *w, struct lab_sock *s,
		      const struct lab_listen *l)
{
	struct sockaddr_in in = address(w->host[s->host].addr, l->port);
	int e = stream(s, l->reuseaddr);

	if (e == 0 && (bind(s->fd, (void *)&in, sizeof in) < 0 ||
		       listen(s->fd, (int)l->backlog) < 0))
		e = -errno;
	if (e < 0) {
		forget(s);
		return e;
	}
	s->addr = w->host[s->host].addr;
	s->port = l->port;
	s->open = s->listener = true;
	return 0;
}

int lab_kernel_connect(struct lab_world *w, struct lab_sock *s,
		       const struct lab_connect *c)
{
	struct sockaddr_in to = address(w->host[c->to].addr, c->rport);
	struct sockaddr_in from = address(w->host[s->host].addr, c->port);
	int one = 1, e = stream(s, c->reuseaddr);

	if (e == 0 && c->no_port &&
	    setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
		       sizeof one) < 0)
		e = -errno;
	if (e == 0 && (c->port || c->bind_first) &&
	    bind(s->fd, (void *)&from, sizeof from) < 0)
		e = -errno;
	if (e == 0 && connect(s->fd, (void *)&to, sizeof to) < 0 &&
	    errno != EINPROGRESS)
		e = -errno;
	if (e < 0) {
		forget(s);
		return e;
	}
	s->open = true;
	learn_ends(s);
	s->raddr = w->host[c->to].addr;
	s->rport = c->rport;
	return 0;
}

int lab_kernel_accept(struct lab_world *w, struct lab_sock *l,
		      struct lab_sock *s)
{
	(void)w;
	s->fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (s->fd < 0)
		return -errno;
	s->open = s->connected = true;
	learn_ends(s);
	return 0;
}

/* The error that SO_ERROR told stays the socket's. */
static long result(struct lab_sock *s, ssize_t n)
{
	if (n >= 0)
		return n == 0 && s->error ? s->error : n;
	if (errno == EAGAIN && s->error)
		return s->error;
	return -errno;
}

long lab_kernel_send(struct lab_world *w, struct lab_sock *s, const void *p,
		     size_t len)
{
	(void)w;
	return result(s, send(s->fd, p, len, MSG_NOSIGNAL));
}

long lab_kernel_recv(struct lab_world *w, struct lab_sock *s, void *p,
		     size_t len)
{
	(void)w;
	return result(s, recv(s->fd, p, len, 0));
}

int lab_kernel_shutdown(struct lab_world *w, struct lab_sock *s)
{
	(void)w;
	return shutdown(s->fd, SHUT_WR) < 0 ? -errno : 0;
}

static void *close_slowly(void *fd)
{
	close((int)(intptr_t)fd);
	return NULL;
}

void lab_kernel_close_sock(struct lab_world *w, struct lab_sock *s, bool abort)
{
	struct linger l = {1, 0};
	pthread_t thread;

	(void)w;
	if (abort)
		(void)setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
	/* close() would wait, and nobody would carry its FIN. */
	if (s->lingers && pthread_create(&thread, NULL, close_slowly,
					 (void *)(intptr_t)s->fd) == 0)
		pthread_detach(thread);
	else
		close(s->fd);
	s->fd = -1;
}

int lab_kernel_set(struct lab_world *w, struct lab_sock *s, const char *option,
		   int a, int b)
{
	static const struct {
		const char *name;
		int level, option;
	} names[] = {
		{"keepalive", SOL_SOCKET, SO_KEEPALIVE},
		{"keepidle", IPPROTO_TCP, TCP_KEEPIDLE},
		{"keepintvl", IPPROTO_TCP, TCP_KEEPINTVL},
		{"keepcnt", IPPROTO_TCP, TCP_KEEPCNT},
		{"linger2", IPPROTO_TCP, TCP_LINGER2},
		{"user_timeout", IPPROTO_TCP, TCP_USER_TIMEOUT},
		{"rcvbuf", SOL_SOCKET, SO_RCVBUF},
		{"sndbuf", SOL_SOCKET, SO_SNDBUF},
		{"nodelay", IPPROTO_TCP, TCP_NODELAY},
		{"quickack", IPPROTO_TCP, TCP_QUICKACK},
	};
	struct linger l = {a, b};

	(void)w;
	if (!strcmp(option, "linger")) {
		s->lingers = a && b;
		return setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &l, sizeof l) <
				       0
			       ? -errno
			       : 0;
	}
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (!strcmp(option, names[i].name))
			return setsockopt(s->fd, names[i].level,
					  names[i].option, &a, sizeof a) < 0
				       ? -errno
				       : 0;
	return -ENOPROTOOPT;
}
