/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kclient.c: the other side of `lull bench --link tun`: a client on the
 * kernel's sockets, in one process with epoll.
 *
 * Pairs of endpoints follow each other over all sources and ports, so that
 * none comes back soon.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

enum {
	BATCH = 256,
	FIRST_PORT = 2000,
	PORTS = 60000,
	TIMEOUT_S = 3,
	STREAM_BYTES = 65536,
};

struct slot {
	int fd;
	bool asked;
	uint64_t began_ns;
	uint64_t got; /* bytes of the answer */
};

struct client {
	const struct kclient *k;
	struct bench_result *r;
	struct sockaddr_in to;
	struct in_addr source[32];
	uint32_t sources, pair;
	uint64_t begun, now_ns;
	struct slot *slot;
	int epoll;
	char buf[STREAM_BYTES];
};

static void end(struct client *c, struct slot *s)
{
	(void)c;
	close(s->fd);
	s->fd = -1;
}

static void set_one(int fd, int level, int option)
{
	int on = 1;

	(void)setsockopt(fd, level, option, &on, sizeof on);
}

static bool begin(struct client *c, struct slot *s)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	struct epoll_event e = {.events = EPOLLOUT, .data.ptr = s};

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		goto error;
	s->asked = false;
	s->got = 0;
	s->began_ns = c->now_ns;
	from.sin_addr = c->source[c->pair % c->sources];
	from.sin_port =
		htons((uint16_t)(FIRST_PORT + c->pair / c->sources % PORTS));
	c->pair++;
	c->begun++;
	set_one(s->fd, SOL_SOCKET, SO_REUSEADDR);
	set_one(s->fd, IPPROTO_TCP, TCP_NODELAY);
	if (bind(s->fd, (void *)&from, sizeof from) < 0)
		goto error;
	if (connect(s->fd, (void *)&c->to, sizeof c->to) < 0 &&
	    errno != EINPROGRESS)
		goto error;
	if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, s->fd, &e) == 0)
		return true;
error:
	c->r->errors++;
	if (s->fd >= 0)
		end(c, s);
	return false;
}

static bool ask(struct client *c, struct slot *s)
{
	const char *text =
		c->k->mode == BENCH_CRR ? bench_request_close : bench_request;
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};
	size_t len = strlen(text);

	if (c->k->mode == BENCH_STREAM) {
		e.events = c->k->pull ? EPOLLIN : EPOLLOUT;
		text = "PUT /sink HTTP/1.1\r\n\r\n";
		len = strlen(text);
	}
	s->asked = true;
	return write(s->fd, text, len) == (ssize_t)len &&
	       epoll_ctl(c->epoll, EPOLL_CTL_MOD, s->fd, &e) == 0;
}

static void count(struct client *c, struct slot *s)
{
	c->r->done++;
	c->now_ns = lull_clock_ns();
	hist_add(c->r->hist, (c->now_ns - s->began_ns) / 1000);
	s->began_ns = c->now_ns;
}

/* The answer, or a piece of it. false: something is wrong. */
static bool take(struct client *c, struct slot *s)
{
	ssize_t n = read(s->fd, c->buf, sizeof c->buf);

	if (n < 0)
		return errno == EAGAIN;
	c->r->bytes += (uint64_t)n;
	s->got += (uint64_t)n;
	if (n > 0) {
		if (c->k->mode != BENCH_RR || s->got < c->k->answer_len)
			return true;
		count(c, s);
		s->got = 0;
		return ask(c, s);
	}
	if (s->got != c->k->answer_len || c->k->mode == BENCH_RR)
		return false;
	count(c, s);
	end(c, s);
	(void)begin(c, s);
	return true;
}

static bool pour(struct client *c, struct slot *s)
{
	size_t most = c->k->size < sizeof c->buf ? c->k->size : sizeof c->buf;

	for (int i = 0; i < 16; i++) {
		ssize_t n = write(s->fd, c->buf, most);

		if (n < 0)
			return errno == EAGAIN;
		c->r->bytes += (uint64_t)n;
	}
	return true;
}

/* As much as is there, bounded. */
static bool drain(struct client *c, struct slot *s)
{
	for (int i = 0; i < 16; i++) {
		ssize_t n = read(s->fd, c->buf, sizeof c->buf);

		if (n <= 0)
			return n < 0 && errno == EAGAIN;
		c->r->bytes += (uint64_t)n;
	}
	return true;
}

static void serve(struct client *c, struct slot *s)
{
	int error = 0;
	socklen_t len = sizeof error;
	bool ok;

	if (s->fd < 0)
		return;
	if (!s->asked) {
		(void)getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		ok = !error && ask(c, s);
	} else if (c->k->mode == BENCH_STREAM) {
		ok = c->k->pull ? drain(c, s) : pour(c, s);
	} else {
		ok = take(c, s);
	}
	if (!ok) {
		c->r->errors++;
		end(c, s);
		(void)begin(c, s);
	}
}

static void give_up_late(struct client *c)
{
	for (uint64_t i = 0; i < c->k->conc; i++) {
		struct slot *s = &c->slot[i];

		if (c->k->mode == BENCH_STREAM)
			return;
		if (s->fd >= 0 &&
		    c->now_ns - s->began_ns > TIMEOUT_S * 1000000000ULL) {
			c->r->timeouts++;
			end(c, s);
			(void)begin(c, s);
		}
	}
}

static void loop(struct client *c)
{
	uint64_t start = lull_clock_ns(), looked = start;
	struct epoll_event e[BATCH];

	c->now_ns = start;
	for (uint64_t i = 0; i < c->k->conc; i++)
		(void)begin(c, &c->slot[i]);
	do {
		int n = epoll_wait(c->epoll, e, BATCH, 50);

		c->now_ns = lull_clock_ns();
		for (int i = 0; i < n; i++)
			serve(c, e[i].data.ptr);
		if (c->now_ns - looked > 500000000) {
			looked = c->now_ns;
			give_up_late(c);
		}
	} while ((double)(c->now_ns - start) / 1e9 < c->k->seconds &&
		 (!c->k->count || c->r->done < c->k->count));
	c->r->seconds = (double)(c->now_ns - start) / 1e9;
}

static void take_cpu(struct bench_result *r)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	r->client_s = (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
		      (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
}

void kclient_run(const struct kclient *k, struct bench_result *r)
{
	struct client *c = calloc(1, sizeof *c);
	struct rlimit files = {k->conc + 64, k->conc + 64};
	double machine, steal;

	if (!c)
		return;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	c->k = k;
	c->r = r;
	c->to.sin_family = AF_INET;
	c->to.sin_port = htons(80);
	inet_pton(AF_INET, k->target, &c->to.sin_addr);
	for (; k->sources[c->sources] && c->sources < 32; c->sources++)
		inet_pton(AF_INET, k->sources[c->sources],
			  &c->source[c->sources]);
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	c->slot = calloc(k->conc, sizeof *c->slot);
	if (c->epoll >= 0 && c->slot) {
		bench_cpu(&machine, &steal);
		loop(c);
		bench_cpu(&r->machine_s, &r->steal_s);
		r->machine_s -= machine;
		r->steal_s -= steal;
		take_cpu(r);
	}
	free(c->slot);
	free(c);
}
