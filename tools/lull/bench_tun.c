/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench_tun.c: a lull behind a TUN device, in a namespace that is made for
 * it; the client is the kernel's, in a process of its own in that namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "stack.h"

enum {
	LISTENER = 1,
	CONN = 2,
	SINK = 3, /* of a stream: take all */
	BUF = 65536,
};

static const char target[] = "10.9.3.2";
static const char *const sources[] = {
	"10.9.3.1",  "10.9.3.3",  "10.9.3.4", "10.9.3.5",  "10.9.3.6",
	"10.9.3.7",  "10.9.3.8",  "10.9.3.9", "10.9.3.10", "10.9.3.11",
	"10.9.3.12", "10.9.3.13", NULL,
};

struct tun_bench {
	const struct bench_options *o;
	struct bench_result *shared; /* what the client counts */
	struct stack stack;
	struct lull_loop *loop;
	struct lull_sock listener;
	char netns[32];
	char *response;
	size_t response_len;
	int child; /* a pidfd */
	uint8_t buf[BUF];
};

/* ---- the server ---- */

/* Bytes without end, as many as there is room for. */
static void pour(struct tun_bench *b, struct lull_sock sock)
{
	struct lull_span span = {b->buf, b->o->size < BUF ? b->o->size : BUF};

	while (lull_sock_send(b->stack.shard, sock, &span, 1, 0) > 0)
		;
}

static void answer(struct tun_bench *b, const struct lull_event *e)
{
	struct lull_shard *shard = b->stack.shard;
	struct lull_span span = {b->response, b->response_len};
	bool close = b->o->mode == BENCH_CRR;
	long n, got = 0;

	while ((n = lull_sock_recv(shard, e->sock, b->buf, BUF)) > 0)
		got += n;
	if (n != -EAGAIN) {
		lull_sock_close(shard, e->sock);
		return;
	}
	if (b->o->mode == BENCH_STREAM && b->o->send)
		pour(b, e->sock);
	if (b->o->mode == BENCH_STREAM || got == 0)
		return;
	if (lull_sock_send(shard, e->sock, &span, 1, 0) < 0)
		close = true;
	if (close)
		lull_sock_close(shard, e->sock);
}

static void on_events(void *arg, const struct lull_event *events, int n)
{
	struct tun_bench *b = arg;
	struct lull_sock sock;

	for (int i = 0; i < n; i++) {
		if (events[i].bits & LULL_EVENT_ACCEPT)
			while (lull_sock_accept(b->stack.shard, b->listener,
						CONN, &sock) == 0)
				;
		else if (events[i].bits & LULL_EVENT_ERROR)
			lull_sock_close(b->stack.shard, events[i].sock);
		else
			answer(b, &events[i]);
	}
}

static void on_child(void *arg, int fd)
{
	struct tun_bench *b = arg;

	(void)fd;
	lull_loop_stop(b->loop);
}

/* ---- the client's process ---- */

static void child(const struct tun_bench *b)
{
	struct kclient k = {
		.mode = b->o->mode,
		.pull = b->o->send,
		.target = target,
		.sources = sources,
		.conc = b->o->conc,
		.count = b->o->count,
		.size = b->o->size,
		.answer_len = b->response_len,
		.seconds = b->o->seconds,
	};
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/run/netns/%s", b->netns);
	if (!b->stack.rootless) { /* else we are there */
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
			_exit(TOOL_COULD_NOT);
	}
	kclient_run(&k, b->shared);
	_exit(TOOL_OK);
}

/* ---- both ---- */

static int open_stack(struct tun_bench *b)
{
	struct stack_options o = {
		.netns = b->netns,
		.may_rootless = true,
		.conns = (uint32_t)b->o->conc * 4 + 4096,
		.closing = 10000000,
		.no_offload = b->o->offload && !strcmp(b->o->offload, "off"),
	};
	int code;

	snprintf(b->netns, sizeof b->netns, "lull-bench-%d", (int)getpid());
	code = stack_add_prefix(o.addrs, &o.addrs_len, "10.9.3.2/24", "");
	for (int i = 0; sources[i] && !code; i++) {
		char cidr[32];

		snprintf(cidr, sizeof cidr, "%s/24", sources[i]);
		code = stack_add_prefix(o.peers, &o.peers_len, cidr, "");
	}
	return code ? code : stack_open(&b->stack, &o);
}

static int open_loop(struct tun_bench *b)
{
	struct lull_loop_config config = {
		.size = sizeof config,
		.shard = b->stack.shard,
		.link = b->stack.link,
		.on_events = on_events,
		.arg = b,
	};
	struct lull_listen listen = {
		.size = sizeof listen,
		.port_lo = 80,
		.backlog = 4096,
		.cookie = LISTENER,
	};
	int e = lull_sock_listen(b->stack.shard, &listen, &b->listener);

	if (e == 0)
		e = lull_loop_create(&b->loop, &config);
	b->response_len = bench_response(b->o->size, &b->response);
	if (!b->response)
		e = -ENOMEM;
	return e;
}

static double process_cpu(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	       (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
}

static int measure(struct tun_bench *b, struct bench_result *r)
{
	double cpu = process_cpu();
	pid_t pid = fork();
	int e, status;

	if (pid == 0)
		child(b);
	if (pid < 0)
		return -errno;
	b->child = (int)syscall(SYS_pidfd_open, pid, 0);
	e = b->child < 0 ? -errno
			 : lull_loop_watch(b->loop, b->child, on_child, b);
	if (e == 0)
		e = lull_loop_run(b->loop);
	if (e < 0)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (b->child >= 0)
		close(b->child);
	*r = *b->shared;
	r->server_s = process_cpu() - cpu;
	bench_take(r, b->stack.shard);
	if (e == 0 && (!WIFEXITED(status) || WEXITSTATUS(status)))
		e = -ECHILD;
	return e;
}

int bench_tun(const struct bench_options *o, struct bench_result *r)
{
	struct tun_bench *b = calloc(1, sizeof *b);
	int code, e = 0;

	if (!b)
		return tool_error(TOOL_COULD_NOT, "no memory");
	b->o = o;
	b->shared = mmap(NULL, sizeof *b->shared, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b->shared == MAP_FAILED) {
		free(b);
		return tool_error(TOOL_COULD_NOT, "no memory");
	}
	*b->shared = *r;
	code = open_stack(b);
	if (!code) {
		e = open_loop(b);
		if (e == 0)
			e = measure(b, r);
		lull_loop_destroy(b->loop);
		code = stack_close(&b->stack);
	}
	munmap(b->shared, sizeof *b->shared);
	free(b->response);
	free(b);
	if (e < 0)
		return tool_error(TOOL_COULD_NOT, "over the TUN device: %s",
				  strerror(-e));
	return code;
}
