/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * echo.c: an echo server (RFC 862) with a TCP/IP stack of its own.
 *
 *	echo [ADDR/PREFIX [PORT]]	10.9.3.2/24 port 7 by default
 *
 * Needs /dev/net/tun and CAP_NET_ADMIN. SIGTERM ends it: open connections have
 * a second to finish, then they are reset.
 */
#include <errno.h>
#include <error.h>
#include <signal.h>
#include <stdlib.h>

#include <lull/host.h>

static struct lull_loop_config run = {.size = sizeof run};
static struct lull_loop *loop;

static void must(int result, const char *what)
{
	if (result < 0)
		error(1, -result, "%s", what);
}

/* Send what came in, without a copy; what is not taken waits for WRITE. */
static void answer(struct lull_sock sock)
{
	struct lull_span spans[16];
	long n;

	while ((n = lull_sock_peek(run.shard, sock, spans, 16)) > 0 &&
	       (n = lull_sock_send(run.shard, sock, spans, (int)n, 0)) > 0)
		must(lull_sock_consume(run.shard, sock, (size_t)n), "consume");
	if (n != -EAGAIN) /* the peer's end of file, or an error */
		lull_sock_close(run.shard, sock);
}

static void on_events(void *arg, const struct lull_event *e, int n)
{
	struct lull_sock sock;

	for (; n > 0; n--, e++)
		if (!(e->bits & LULL_EVENT_ACCEPT))
			answer(e->sock);
		else
			while (!lull_sock_accept(run.shard, e->sock, 0, &sock))
				answer(sock);
}

static void on_signal(int number)
{
	lull_loop_drain(loop, 1000);
}

int main(int argc, char **argv)
{
	const char *addr = argc > 1 ? argv[1] : "10.9.3.2/24";
	struct lull_config config;
	struct lull_memory memory;
	struct lull_sock listener;
	struct lull_listen listen = {.size = sizeof listen, .backlog = 1024};
	struct lull_tun_config tun = {.size = sizeof tun, .addrs_len = 1};
	uint64_t now = lull_clock_ns();

	must(lull_prefix_parse(addr, &listen.local), addr);
	listen.port_lo = (uint16_t)(argc > 2 ? atoi(argv[2]) : 7);
	tun.addrs = &listen.local;

	/* A stack for 10,000 connections, and 100,000 in TIME_WAIT. */
	lull_config_init(&config, 10000, 100000);
	must(lull_key_make(&config), "key");
	must(lull_memory_map(&config.limits, &memory), "memory");
	must(lull_shard_init(&run.shard, &config, memory, now, NULL), "shard");
	must(lull_addr_add(run.shard, listen.local, false), "address");
	must(lull_sock_listen(run.shard, &listen, &listener), "listen");

	/* A device with the kernel at its other end, and a loop around both. */
	must(lull_tun_create(&run.link, &tun), "TUN device");
	run.on_events = on_events;
	must(lull_loop_create(&loop, &run), "loop");
	signal(SIGTERM, on_signal);
	must(lull_loop_run(loop), "run"); /* memory and device go with us */
}
