/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_load.c: what a server may answer to `lull load`.
 *
 * The first byte of the input says in how large pieces the rest is sent on each
 * connection, the second one what was asked for and how the server ends. Each
 * request is counted once, and what was counted adds up.
 */
#include <stdio.h>

#include "fuzz.h"

#include "../tools/lull/load.c"

enum {
	PORT = 80,
	TOTAL = 4,
	AT_A_TIME = 2,
	HEAD = 2,
	PIECES_MAX = 16, /* of the answer to one connection */
};

/* Of the second byte. */
enum {
	KEEP_ALIVE = 1,
	SERVER_CLOSES = 2,
	SERVER_ABORTS = 4,
	SAYS_FIRST = 8, /* without a request */
};

static struct duo d;
static struct load l;
static struct lull_sock listener;
static struct {
	const uint8_t *data;
	size_t size, piece;
	uint8_t how;
} answer;

/* ---- what is not needed ---- */

/* There is no device and no loop; what would make one is never called, but for
 * the end of a loop. */
void lull_loop_stop(struct lull_loop *loop)
{
	MUST(!loop);
}

#define UNUSED(...)                                       \
	__VA_ARGS__                                       \
	{                                                 \
		fuzz_wrong(__FILE__, __LINE__, "a loop"); \
	}

UNUSED(int lull_loop_create(struct lull_loop **loop,
			    const struct lull_loop_config *config))
UNUSED(void lull_loop_destroy(struct lull_loop *loop))
UNUSED(int lull_loop_run(struct lull_loop *loop))
UNUSED(void lull_loop_drain(struct lull_loop *loop, uint32_t ms))
UNUSED(void lull_loop_timer(struct lull_loop *loop, uint32_t ms,
			    void (*fire)(void *arg), void *arg))
UNUSED(void lull_control_destroy(struct lull_control *control))
UNUSED(int stack_add_prefix(struct lull_prefix *list, int *len,
			    const char *text, const char *option))
UNUSED(int stack_add_sysctl(struct stack_options *o, const char *text))
UNUSED(int stack_set_offload(struct stack_options *o, const char *text))
UNUSED(int stack_open(struct stack *s, const struct stack_options *o))
UNUSED(int stack_close(struct stack *s))
UNUSED(int stack_control(struct lull_control **control, struct lull_loop *loop,
			 const struct stack *s, const char *path))

/* ---- the server ---- */

static void say(struct lull_sock sock)
{
	const uint8_t *at = answer.data;
	size_t left = answer.size;

	for (int i = 0; left && i < PIECES_MAX; i++) {
		size_t n = left < answer.piece ? left : answer.piece;
		struct lull_span span = {(void *)(uintptr_t)at, n};
		long sent = lull_sock_send(d.shard[1], sock, &span, 1, 0);

		if (sent <= 0)
			break;
		at += sent;
		left -= (size_t)sent;
		/* Apart on the wire, unless the sender waits. */
		(void)lull_shard_run(d.shard[1], d.now_ns);
		(void)lull_memnet_step(d.net, d.now_ns);
	}
}

static void end(struct lull_sock sock)
{
	if (answer.how & SERVER_ABORTS)
		lull_sock_abort(d.shard[1], sock);
	else
		lull_sock_close(d.shard[1], sock);
}

static void serve(const struct lull_event *e)
{
	static uint8_t text[4096];
	struct lull_sock sock;

	while (lull_sock_accept(d.shard[1], listener, 7, &sock) == 0) {
		int32_t on = 1;

		(void)!lull_sock_set(d.shard[1], sock, LULL_OPT_NODELAY, &on,
				     sizeof on);
		if (answer.how & SAYS_FIRST)
			say(sock);
	}
	if (e->cookie != 7)
		return;
	while (lull_sock_recv(d.shard[1], e->sock, text, sizeof text) > 0)
		say(e->sock);
	if (e->bits & (LULL_EVENT_EOF | LULL_EVENT_ERROR) ||
	    !(answer.how & KEEP_ALIVE))
		end(e->sock);
}

static void on_event(void *arg, int side, const struct lull_event *e)
{
	(void)arg;
	if (side == 1)
		serve(e);
	else
		on_events(&l, e, 1);
}

/* ---- the client ---- */

static void listen_one(void)
{
	const struct lull_listen listen = {
		.size = sizeof listen,
		.port_lo = PORT,
		.backlog = AT_A_TIME,
		.cookie = 1,
	};

	MUST(lull_sock_listen(d.shard[1], &listen, &listener) == 0);
}

static void begin_all(void)
{
	static struct slot slot[AT_A_TIME];
	static struct hist hist;

	memset(slot, 0, sizeof slot);
	l = (struct load){
		.slot = slot,
		.hist = &hist,
		.total = TOTAL,
		.concurrent = AT_A_TIME,
		.target = {duo_addr(1, false), PORT},
		.keep_alive = answer.how & KEEP_ALIVE,
		.server_closes = answer.how & SERVER_CLOSES,
		.request = "GET / HTTP/1.1\r\n\r\n",
	};
	l.request_len = strlen(l.request);
	l.stack.shard = d.shard[0];
	http_parser_settings_init(&l.settings);
	l.settings.on_message_complete = on_complete;
	for (int i = 0; i < AT_A_TIME; i++)
		begin(&l, &slot[i]);
}

static void end_all(void)
{
	uint64_t open = 0;

	for (int i = 0; i < AT_A_TIME; i++)
		open += l.slot[i].open;
	MUST(l.done + l.failed + open == l.begun && l.begun <= TOTAL);
	l.total = l.begun; /* no more */
	for (int i = 0; i < AT_A_TIME; i++)
		if (l.slot[i].open)
			fail(&l, &l.slot[i], -ETIMEDOUT);
	MUST(l.done + l.failed == l.begun && l.hist->count >= l.done);
	lull_sock_close(d.shard[1], listener);
}

static void some_room(struct lull_limits *limits)
{
	limits->bufs_2k = 256;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < HEAD)
		return 0;
	answer.data = data + HEAD;
	answer.size = size - HEAD;
	answer.piece = 1 + data[0] * 4U;
	answer.how = data[1];
	d.on_event = on_event;
	duo_open(&d, LULL_PROFILE_LULL, 0, some_room);
	listen_one();
	begin_all();
	duo_pass(&d, 1000000000);
	end_all();
	duo_close(&d);
	return 0;
}
