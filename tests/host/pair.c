/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pair.c: two shards with their loops, see pair.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <lull/diag.h>

#include "../unit/test.h"
#include "pair.h"

/* ---- a link ---- */

static struct wire *wire_of(struct lull_link *link)
{
	return (struct wire *)(void *)link;
}

static int wire_rx(struct lull_link *link, struct lull_frame *frames, int n)
{
	struct wire *w = wire_of(link);
	int i;

	w->rx_calls++;
	w->late |= w->answered;
	if (w->rx_error)
		return w->rx_error;
	for (i = 0; i < n; i++) {
		ssize_t len =
			w->noise ? 20
				 : recv(w->fd, frames[i].span[0].ptr,
					frames[i].span[0].len, MSG_DONTWAIT);

		if (len <= 0)
			break;
		frames[i].len = (uint32_t)len;
		frames[i].flags = LULL_FRAME_CSUM_OK;
	}
	return i;
}

static int wire_tx(struct lull_link *link, const struct lull_frame *frames,
		   int n)
{
	struct wire *w = wire_of(link);
	int i;

	w->tx_calls++;
	w->answered = false;
	if (w->refuse > 0) {
		w->refuse--;
		return 0;
	}
	for (i = 0; i < n; i++) {
		struct msghdr msg = {.msg_iovlen = frames[i].spans};

		msg.msg_iov = (struct iovec *)(void *)frames[i].span;
		if (sendmsg(w->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			return errno == EAGAIN ? i : -errno;
	}
	return i;
}

static int wire_fd(struct lull_link *link)
{
	return wire_of(link)->fd;
}

static void wire_close(struct lull_link *link)
{
	close(wire_of(link)->fd);
}

static const struct lull_link_ops wire_ops = {wire_rx, wire_tx, wire_fd,
					      wire_close, NULL};

/* ---- one side ---- */

static uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 7 + i / 256);
}

static struct lull_addr addr_of(const char *text)
{
	struct lull_addr addr;

	assert_int_equal(lull_addr_parse(text, &addr), 0);
	return addr;
}

static bool on_drain(void *arg)
{
	struct side *s = arg;

	s->drains++;
	if (s->closes_at_drain)
		lull_sock_close(s->shard, s->conn);
	return s->says_drained;
}

static void on_wake(void *arg)
{
	struct side *s = arg;

	s->wakes++;
	lull_loop_stop(s->loop);
}

static void init_side(struct side *s, int fd, const char *addr, uint32_t ring,
		      void (*on_events)(void *, const struct lull_event *, int))
{
	struct lull_prefix own = {addr_of(addr), 120};
	struct lull_config config;
	struct lull_loop_config run = {.size = sizeof run,
				       .link = &s->wire.link,
				       .on_events = on_events,
				       .on_drain = on_drain,
				       .on_wake = on_wake,
				       .arg = s};

	s->wire.link.ops = &wire_ops;
	s->wire.fd = fd;
	lull_config_init(&config, 64, 64);
	config.limits.rx_frames = config.limits.tx_frames = ring;
	assert_int_equal(lull_key_make(&config), 0);
	assert_int_equal(lull_memory_map(&config.limits, &s->memory), 0);
	assert_int_equal(lull_shard_init(&s->shard, &config, s->memory,
					 lull_clock_ns(), NULL),
			 0);
	assert_int_equal(lull_addr_add(s->shard, own, false), 0);
	run.shard = s->shard;
	assert_int_equal(lull_loop_create(&s->loop, &run), 0);
}

uint64_t counter(const struct side *s, const char *name)
{
	struct lull_counter c;

	for (uint32_t i = 0; lull_diag_counter(s->shard, i, &c); i++)
		if (strcmp(c.name, name) == 0)
			return c.value;
	fail_msg("no counter %s", name);
	return 0;
}

uint32_t buffers(const struct side *s)
{
	struct lull_pool pool;
	uint32_t used = 0;

	for (uint32_t i = 0; lull_diag_pool(s->shard, i, &pool); i++)
		if (strncmp(pool.name, "buf", 3) == 0)
			used += pool.used;
	return used;
}

void fini_side(struct side *s)
{
	lull_loop_destroy(s->loop);
	assert_int_equal(buffers(s), 0);
	lull_link_destroy(&s->wire.link);
	lull_memory_unmap(&s->memory);
}

/* ---- the server: accepts one, and echoes ---- */

static void echo(struct side *s)
{
	struct lull_span spans[4];
	long n;

	while ((n = lull_sock_peek(s->shard, s->conn, spans, 4)) > 0 &&
	       (n = lull_sock_send(s->shard, s->conn, spans, (int)n, 0)) > 0) {
		if (lull_sock_consume(s->shard, s->conn, (size_t)n) < 0)
			s->wrong = true;
		/* Later ones may have to wait for the peer's window. */
		s->wire.answered |= s->sent == 0;
		s->sent += (size_t)n;
	}
	if (n == -EAGAIN)
		return;
	s->ended = n ? (int)n : 1;
	lull_sock_close(s->shard, s->conn);
	lull_loop_drain(s->loop, LONG_MS); /* until the client is done */
}

void server_events(void *arg, const struct lull_event *events, int n)
{
	struct side *s = arg;

	for (int i = 0; i < n; i++) {
		if (!(events[i].bits & LULL_EVENT_ACCEPT)) {
			echo(s);
			continue;
		}
		if (lull_sock_accept(s->shard, s->listener, 0, &s->conn) < 0)
			s->wrong = true;
		if (s->on_accept)
			s->on_accept(s);
		else
			echo(s);
	}
}

/* ---- the client: sends a pattern, and wants it back ---- */

static void send_pattern(struct side *s)
{
	uint8_t bytes[5000];
	struct lull_span span = {bytes, 0};
	long n;

	while (s->sent < BYTES) {
		span.len = BYTES - s->sent < sizeof bytes ? BYTES - s->sent
							  : sizeof bytes;
		for (size_t i = 0; i < span.len; i++)
			bytes[i] = pattern(s->sent + i);
		n = lull_sock_send(s->shard, s->conn, &span, 1, 0);
		if (n <= 0)
			return;
		s->sent += (size_t)n;
	}
	if (lull_sock_shutdown(s->shard, s->conn, LULL_SHUT_WR) < 0)
		s->wrong = true;
}

static void receive_pattern(struct side *s)
{
	uint8_t bytes[5000];
	long n;

	while ((n = lull_sock_recv(s->shard, s->conn, bytes, sizeof bytes)) >
	       0) {
		for (long i = 0; i < n; i++)
			if (bytes[i] != pattern(s->received + (size_t)i))
				s->wrong = true;
		s->received += (size_t)n;
	}
	if (n == -EAGAIN)
		return;
	s->ended = n ? (int)n : 1;
	lull_sock_close(s->shard, s->conn);
	lull_loop_drain(s->loop, LONG_MS); /* the last ACK is still to go */
}

void client_events(void *arg, const struct lull_event *events, int n)
{
	struct side *s = arg;

	for (int i = 0; i < n; i++) {
		if (events[i].bits & LULL_EVENT_WRITE && s->sent < BYTES)
			send_pattern(s);
		receive_pattern(s);
	}
}

void idle_events(void *arg, const struct lull_event *events, int n)
{
	receive_pattern(arg);
}

static void *client_thread(void *arg)
{
	struct side *s = arg;

	s->result = lull_loop_run(s->loop);
	return NULL;
}

/* ---- both ---- */

void init_pair(struct pair *p, uint32_t ring,
	       void (*client)(void *, const struct lull_event *, int))
{
	struct lull_listen listen = {.size = sizeof listen,
				     .local = {addr_of("10.0.0.2"), 128},
				     .port_lo = 7,
				     .backlog = 4};
	struct lull_connect to = {.size = sizeof to,
				  .remote = {addr_of("10.0.0.2"), 7}};
	int fd[2];

	memset(p, 0, sizeof *p);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd), 0);
	init_side(&p->server, fd[0], "10.0.0.2", ring, server_events);
	init_side(&p->client, fd[1], "10.0.0.1", ring, client);
	assert_int_equal(lull_sock_listen(p->server.shard, &listen,
					  &p->server.listener),
			 0);
	assert_int_equal(lull_sock_connect(p->client.shard, &to,
					   &p->client.conn, NULL),
			 0);
	assert_int_equal(pthread_create(&p->client.thread, NULL, client_thread,
					&p->client),
			 0);
}

void run_pair(struct pair *p)
{
	p->server.result = lull_loop_run(p->server.loop);
	pthread_join(p->client.thread, NULL);
	assert_int_equal(p->server.result, 0);
	assert_int_equal(p->client.result, 0);
	assert_false(p->server.wrong);
	assert_false(p->client.wrong);
}

void fini_pair(struct pair *p)
{
	fini_side(&p->server);
	fini_side(&p->client);
}

int init_alone(struct side *s)
{
	int fd[2];

	memset(s, 0, sizeof *s);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd), 0);
	init_side(s, fd[0], "10.0.0.2", 1024, server_events);
	return fd[1];
}
