/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli.c: the load client: kernel sockets, epoll, one thread.
 *
 *	crr	connect, GET (Connection: close), read to EOF: server closes
 *first crrc	connect, GET, read the whole response, close: client closes
 *first down	GET /bulk, count received bytes up	PUT /sink, count bytes
 *written
 *
 * -x FILE: every connection has a pair of endpoints of its own; FILE keeps
 * where they stand. -s N: so many source addresses from -b on; 0: the kernel
 * chooses address and port.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
static const char *mode = "crr", *target = "10.9.0.2", *srcbase = "10.10.0.1";
static int port = 80, conc = 64, nsrc = 250;
static double dur = 5;
static long total = 0;
static int pid = 0;
static double tmo = 3;
static const char *tag = "";
static double steal;
static const char *xfile;
static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}
struct slot {
	int fd;
	int st;
	int got;
	double t0;
};
static struct slot *S;
static int ep;
static long started, done, errs, tmos, bytes;
static uint32_t ctr;
static struct sockaddr_in dst;
static uint32_t hist[400000];
static void rec(double us)
{
	int i = us / 10;
	if (i >= 400000)
		i = 399999;
	hist[i]++;
}
static double pct(double p)
{
	unsigned long n = 0, c = 0;
	for (int i = 0; i < 400000; i++)
		n += hist[i];
	if (!n)
		return 0;
	for (int i = 0; i < 400000; i++) {
		c += hist[i];
		if (c >= p * n)
			return i * 10;
	}
	return 0;
}
static const char REQC[] =
	"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
static const char REQK[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
static int launch(int i)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		perror("socket");
		exit(1);
	}
	int one = 1;
	if (nsrc > 0) {
		if (!xfile)
			setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT,
				   &one, sizeof one);
		struct sockaddr_in a = {.sin_family = AF_INET};
		a.sin_addr.s_addr =
			htonl(ntohl(inet_addr(srcbase)) + (ctr % nsrc));
		if (xfile) {
			setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
				   sizeof one);
			a.sin_port = htons(2000 + (ctr / nsrc) % 60000);
		}
		ctr++;
		if (bind(fd, (void *)&a, sizeof a)) {
			perror("bind");
			exit(1);
		}
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	S[i].fd = fd;
	S[i].st = 0;
	S[i].got = 0;
	S[i].t0 = now();
	started++;
	struct epoll_event e = {.events = EPOLLOUT, .data.u32 = i};
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
	if (connect(fd, (void *)&dst, sizeof dst) && errno != EINPROGRESS) {
		static int w;
		if (w++ < 5)
			perror("connect");
		errs++;
		close(fd);
		S[i].fd = -1;
		return -1;
	}
	return 0;
}
static void cpu(double *busy, double *sirq, double *p)
{
	FILE *f = fopen("/proc/stat", "r");
	long u, n, s, id, io, irq, si, stl;
	if (fscanf(f, "cpu %ld %ld %ld %ld %ld %ld %ld %ld", &u, &n, &s, &id,
		   &io, &irq, &si, &stl) != 8) {
	}
	fclose(f);
	*busy = (u + n + s + irq + si) / 100.0;
	steal = stl / 100.0;
	*sirq = si / 100.0;
	*p = 0;
	if (pid) {
		char b[64], l[2048];
		sprintf(b, "/proc/%d/stat", pid);
		f = fopen(b, "r");
		if (f) {
			if (fgets(l, sizeof l, f)) {
				char *q = strrchr(l, ')');
				long ut, st;
				if (sscanf(q + 2,
					   "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld",
					   &ut, &st) == 2)
					*p = (ut + st) / 100.0;
			}
			fclose(f);
		}
	}
}
int main(int ac, char **av)
{
	int o;
	while ((o = getopt(ac, av, "m:t:p:c:d:n:b:s:P:T:g:x:")) > 0)
		switch (o) {
		case 'm':
			mode = optarg;
			break;
		case 't':
			target = optarg;
			break;
		case 'p':
			port = atoi(optarg);
			break;
		case 'c':
			conc = atoi(optarg);
			break;
		case 'd':
			dur = atof(optarg);
			break;
		case 'n':
			total = atol(optarg);
			break;
		case 'b':
			srcbase = optarg;
			break;
		case 's':
			nsrc = atoi(optarg);
			break;
		case 'P':
			pid = atoi(optarg);
			break;
		case 'T':
			tmo = atof(optarg);
			break;
		case 'g':
			tag = optarg;
			break;
		case 'x':
			xfile = optarg;
			break;
		}
	struct rlimit rl = {1000000, 1000000};
	if (setrlimit(RLIMIT_NOFILE, &rl)) {
		getrlimit(RLIMIT_NOFILE, &rl);
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
		if ((long)rl.rlim_cur <= conc + 10) {
			fprintf(stderr, "nofile %ld < conc %d\n",
				(long)rl.rlim_cur, conc);
			return 2;
		}
	}
	dst.sin_family = AF_INET;
	dst.sin_port = htons(port);
	dst.sin_addr.s_addr = inet_addr(target);
	{
		struct timespec t;
		clock_gettime(CLOCK_REALTIME, &t);
		ctr = t.tv_nsec / 1000;
		if (xfile) {
			FILE *f = fopen(xfile, "r");
			unsigned v = 0;
			if (f) {
				if (fscanf(f, "%u", &v) != 1)
					v = 0;
				fclose(f);
			}
			ctr = v;
		}
	}
	int m = !strcmp(mode, "crr")	? 0
		: !strcmp(mode, "crrc") ? 1
		: !strcmp(mode, "down") ? 3
		: !strcmp(mode, "up")	? 4
					: 0;
	const char *req = m == 0 ? REQC : REQK;
	int rl2 = strlen(req);
	if (m == 3) {
		req = "GET /bulk HTTP/1.1\r\n\r\n";
	}
	if (m == 4) {
		req = "PUT /sink HTTP/1.1\r\n\r\n";
	}
	rl2 = strlen(req);
	if (m == 3 || m == 4) {
		if (conc == 64)
			conc = 1;
	}
	ep = epoll_create1(0);
	S = calloc(conc, sizeof *S);
	char *buf = malloc(1 << 20);
	memset(buf, 'x', 1 << 20);
	double b0, s0, p0, b1, s1, p1;
	struct epoll_event ev[256];
	double t0 = now();
	double tlast = t0;
	cpu(&b0, &s0, &p0);
	double stl0 = steal;
	for (int i = 0; i < conc; i++)
		S[i].fd = -1;
	double warm = 0;
	long wb = 0;
	for (;;) {
		double t = now();
		if (t - t0 >= dur)
			break;
		if (total && done + errs + tmos >= total)
			break;
		for (int i = 0; i < conc; i++)
			if (S[i].fd < 0) {
				if (total && started >= total)
					break;
				if (m >= 2 && started >= conc)
					break;
				launch(i);
			}
		if ((m == 3 || m == 4) && !warm && t - t0 > 0.5) {
			warm = t;
			wb = bytes;
			cpu(&b0, &s0, &p0);
		}
		int n = epoll_wait(ep, ev, 256, 50);
		for (int k = 0; k < n; k++) {
			int i = ev[k].data.u32;
			int fd = S[i].fd;
			if (fd < 0)
				continue;
			if (S[i].st == 0) {
				int er = 0;
				socklen_t l = sizeof er;
				getsockopt(fd, SOL_SOCKET, SO_ERROR, &er, &l);
				if (er) {
					errs++;
					close(fd);
					S[i].fd = -1;
					continue;
				}
				if (write(fd, req, rl2) != rl2) {
					errs++;
					close(fd);
					S[i].fd = -1;
					continue;
				}
				S[i].st = 1;
				struct epoll_event e = {
					.events = m == 4 ? EPOLLOUT : EPOLLIN,
					.data.u32 = i};
				epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
				continue;
			}
			if (m == 4) {
				for (int j = 0; j < 16; j++) {
					int r = write(fd, buf, 65536);
					if (r > 0)
						bytes += r;
					else {
						if (r < 0 && errno != EAGAIN) {
							errs++;
							close(fd);
							S[i].fd = -1;
						}
						break;
					}
				}
				continue;
			}
			if (m == 3) {
				for (int j = 0; j < 16; j++) {
					int r = read(fd, buf, 65536);
					if (r > 0)
						bytes += r;
					else {
						if (r == 0 || errno != EAGAIN) {
							errs++;
							close(fd);
							S[i].fd = -1;
						}
						break;
					}
				}
				continue;
			}
			int r = read(fd, buf, 65536);
			if (r < 0) {
				if (errno == EAGAIN)
					continue;
				errs++;
				close(fd);
				S[i].fd = -1;
				continue;
			}
			if (r == 0) {
				if (S[i].got > 0 && m == 0) {
					done++;
					rec((now() - S[i].t0) * 1e6);
				} else
					errs++;
				close(fd);
				S[i].fd = -1;
				if (!(total && started >= total))
					launch(i);
				continue;
			}
			S[i].got += r;
			bytes += r;
			if (m == 1 && memmem(buf, r, "\r\n\r\nok", 6)) {
				done++;
				rec((now() - S[i].t0) * 1e6);
				close(fd);
				S[i].fd = -1;
				if (!(total && started >= total))
					launch(i);
			}
		}
		if (t - tlast > 0.5) {
			tlast = t;
			if (m <= 1)
				for (int i = 0; i < conc; i++)
					if (S[i].fd >= 0 && t - S[i].t0 > tmo) {
						tmos++;
						close(S[i].fd);
						S[i].fd = -1;
					}
		}
	}
	double t1 = now();
	cpu(&b1, &s1, &p1);
	struct rusage ru;
	getrusage(RUSAGE_SELF, &ru);
	double cc = ru.ru_utime.tv_sec + ru.ru_stime.tv_sec +
		    (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) * 1e-6;
	if (m == 3 || m == 4) {
		bytes -= wb;
		t0 = warm;
	}
	if (xfile) {
		FILE *f = fopen(xfile, "w");
		fprintf(f, "%u\n", ctr);
		fclose(f);
	}
	double el = t1 - t0;
	printf("{\"tag\":\"%s\",\"mode\":\"%s\",\"conc\":%d,\"sec\":%.3f,\"done\":%ld,\"errs\":%ld,\"tmo\":%ld,\"per_s\":%.0f,\"p50us\":%.0f,\"p99us\":%.0f,\"gbps\":%.3f,\"mach_cpu_s\":%.2f,\"srv_cpu_s\":%.2f,\"mach_us_per\":%.1f,\"srv_us_per\":%.1f,\"cli_cpu_s\":%.2f,\"steal_s\":%.2f}\n",
	       tag, mode, conc, el, done, errs, tmos, done / el, pct(.5),
	       pct(.99), bytes * 8 / el / 1e9, b1 - b0, p1 - p0,
	       done ? (b1 - b0) * 1e6 / done : 0,
	       done ? (p1 - p0) * 1e6 / done : 0, cc, steal - stl0);
	fflush(stdout);
	return 0;
}
