/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * http.c: see http.h. Requests are parsed by libhttp-parser, straight from
 * the stack's receive buffers (peek and consume).
 *
 * A connection closes at once when all that came was read; else it shuts
 * down and reads on for a while, since a close would be a reset that takes
 * the answer with it (RFC 9112 9.6).
 */
#include <errno.h>
#include <http_parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "http.h"

enum {
	TARGET_BYTES = 1024,
	LINGER_S = 5,
	SPANS = 16,
	CHUNK = 65536,
};

enum mode {
	READING,   /* a request */
	SENDING,   /* its answer */
	BULK,	   /* zeros, for ever */
	SINK,	   /* whatever comes, to the FIN */
	LINGERING, /* answered; wait for their FIN */
};

struct conn {
	struct conn *next, *prev; /* by the time of the last activity */
	int64_t active_s;
	struct lull_sock sock;
	http_parser parser;
	uint8_t mode; /* of enum mode */
	bool keep_alive;
	bool complete; /* the parser has seen a whole request */
	bool has_host, in_host;
	uint8_t field_len; /* of a header's name, as far as it came */
	char field[5];
	uint16_t refuse; /* a status that is certain already, or 0 */
	uint16_t target_len;
	uint32_t requests;
	char target[TARGET_BYTES];
	/* What is left of the answer: bytes in memory, then of a file. */
	char *rest;
	size_t rest_len, rest_at;
	int fd;
	off_t file_at, file_end;
};

struct http {
	struct http_options o;
	struct lull_sock listener;
	bool listening, draining;
	struct conn idle; /* a ring; the longest idle first */
	uint32_t conns;
	uint64_t buf[CHUNK / 8]; /* for files, and zeros */
	uint64_t zeros[CHUNK / 8];
	int64_t now_s;
	http_parser_settings settings;
};

#define LISTENER_COOKIE 1 /* no pointer is odd */

/* ---- connections ---- */

static void touch(struct http *h, struct conn *c)
{
	c->prev->next = c->next;
	c->next->prev = c->prev;
	c->next = &h->idle;
	c->prev = h->idle.prev;
	c->prev->next = c;
	h->idle.prev = c;
	c->active_s = h->now_s;
}

static void forget(struct http *h, struct conn *c)
{
	c->prev->next = c->next;
	c->next->prev = c->prev;
	if (c->fd >= 0)
		close(c->fd);
	free(c->rest);
	free(c);
	h->conns--;
}

static void hang_up(struct http *h, struct conn *c)
{
	lull_sock_close(h->o.shard, c->sock);
	forget(h, c);
}

static void accept_all(struct http *h)
{
	struct lull_sock sock;

	while (lull_sock_accept(h->o.shard, h->listener, 0, &sock) == 0) {
		struct conn *c = malloc(sizeof *c);
		uint64_t cookie = (uintptr_t)c;
		int32_t on = 1;

		if (!c || lull_sock_set(h->o.shard, sock, LULL_OPT_COOKIE,
					&cookie, sizeof cookie) < 0) {
			free(c);
			lull_sock_abort(h->o.shard, sock);
			continue;
		}
		/* It may have ended already; then this is refused, and fine. */
		(void)!lull_sock_set(h->o.shard, sock, LULL_OPT_NODELAY, &on,
				     sizeof on);
		memset(c, 0, offsetof(struct conn, target));
		c->rest = NULL;
		c->rest_len = c->rest_at = 0;
		c->fd = -1;
		c->file_at = c->file_end = 0;
		c->sock = sock;
		http_parser_init(&c->parser, HTTP_REQUEST);
		c->parser.data = c;
		c->next = c->prev = c;
		h->conns++;
		touch(h, c);
	}
}

/* ---- the parser's calls ---- */

static int on_begin(http_parser *p)
{
	struct conn *c = p->data;

	c->complete = c->has_host = c->in_host = false;
	c->field_len = 0;
	c->refuse = 0;
	c->target_len = 0;
	return 0;
}

static int on_url(http_parser *p, const char *at, size_t len)
{
	struct conn *c = p->data;

	if (c->target_len + len >= TARGET_BYTES) {
		c->refuse = 414;
		return 0;
	}
	memcpy(c->target + c->target_len, at, len);
	c->target_len = (uint16_t)(c->target_len + len);
	c->target[c->target_len] = 0;
	return 0;
}

/* Names may come in pieces; all that matters is whether one is Host. */
static int on_field(http_parser *p, const char *at, size_t len)
{
	struct conn *c = p->data;

	if (c->in_host) /* a value came before: this is a new name */
		c->field_len = 0;
	c->in_host = false;
	for (size_t i = 0; i < len; i++) {
		if (at[i] == ' ' || at[i] == '\t') /* RFC 9112 5.1 */
			c->refuse = 400;
		if (c->field_len < sizeof c->field)
			c->field[c->field_len++] = at[i];
	}
	return 0;
}

static int on_value(http_parser *p, const char *at, size_t len)
{
	struct conn *c = p->data;

	(void)at;
	(void)len;
	if (c->field_len == 4 && !strncasecmp(c->field, "host", 4))
		c->has_host = true;
	c->in_host = true;
	return 0;
}

static int on_headers(http_parser *p)
{
	struct conn *c = p->data;

	/* A method that we refuse: its body is not worth reading. */
	if (p->method != HTTP_GET && p->method != HTTP_HEAD) {
		c->complete = true;
		http_parser_pause(p, 1);
	}
	return 0;
}

static int on_complete(http_parser *p)
{
	struct conn *c = p->data;

	c->complete = true;
	http_parser_pause(p, 1);
	return 0;
}

/* ---- sending ---- */

/* Keep what the stack did not take. */
static bool keep_rest(struct conn *c, const char *p, size_t len)
{
	free(c->rest);
	c->rest_at = 0;
	c->rest_len = len;
	c->rest = len ? malloc(len) : NULL;
	if (!len)
		return true;
	if (!c->rest)
		return false;
	memcpy(c->rest, p, len);
	return true;
}

/* Send, and keep the rest. false: the connection is dead. */
static bool send_or_keep(struct http *h, struct conn *c, const char *p,
			 size_t len)
{
	struct lull_span span = {(void *)(uintptr_t)p, len};
	long n = lull_sock_send(h->o.shard, c->sock, &span, 1, 0);

	if (n == -EAGAIN)
		n = 0;
	if (n < 0)
		return false;
	if ((size_t)n == len)
		return true;
	return keep_rest(c, p + n, len - (size_t)n);
}

static bool send_rest(struct http *h, struct conn *c)
{
	while (c->rest_at < c->rest_len) {
		struct lull_span span = {c->rest + c->rest_at,
					 c->rest_len - c->rest_at};
		long n = lull_sock_send(h->o.shard, c->sock, &span, 1, 0);

		if (n == -EAGAIN)
			return true;
		if (n < 0)
			return false;
		c->rest_at += (size_t)n;
	}
	free(c->rest);
	c->rest = NULL;
	c->rest_len = c->rest_at = 0;
	return true;
}

/* The next pieces of a large file, as the send buffer has room. */
static bool send_file(struct http *h, struct conn *c)
{
	while (!c->rest && c->file_at < c->file_end) {
		off_t left = c->file_end - c->file_at;
		size_t want = left < CHUNK ? (size_t)left : CHUNK;
		ssize_t n = pread(c->fd, h->buf, want, c->file_at);

		if (n <= 0) /* it became shorter: the length was promised */
			return false;
		c->file_at += n;
		if (!send_or_keep(h, c, (const char *)h->buf, (size_t)n))
			return false;
	}
	return true;
}

static bool send_bulk(struct http *h, struct conn *c)
{
	struct lull_span span = {h->zeros, sizeof h->zeros};

	for (;;) {
		long n = lull_sock_send(h->o.shard, c->sock, &span, 1, 0);

		if (n < 0)
			return n == -EAGAIN;
	}
}

/* ---- answering ---- */

static bool answer_status(struct http *h, struct conn *c, int status,
			  const char *more_header)
{
	char out[TARGET_BYTES + 1024];
	size_t n;

	n = store_status(status, c->keep_alive, more_header, h->now_s, out,
			 sizeof out);
	if (c->parser.method == HTTP_HEAD) {
		const char *end = strstr(out, "\r\n\r\n");

		n = end ? (size_t)(end - out) + 4 : n;
	}
	return send_or_keep(h, c, out, n);
}

static bool answer_file(struct http *h, struct conn *c)
{
	bool head = c->parser.method == HTTP_HEAD;
	struct store_file f;
	char where[TARGET_BYTES + 32];
	int status;

	status = store_find(h->o.store, c->target, c->keep_alive, h->now_s, &f);
	if (status == 301) {
		const char *to = c->target;
		int path = (int)strcspn(to, "?");

		while (to[0] == '/' && to[1] == '/') { /* else it is a host */
			to++;
			path--;
		}
		snprintf(where, sizeof where, "Location: %.*s/%s\r\n", path, to,
			 to + path);
		return answer_status(h, c, 301, where);
	}
	if (status)
		return answer_status(h, c, status, "");
	if (f.fd >= 0 && !head) {
		c->fd = f.fd;
		c->file_at = 0;
		c->file_end = f.body_len;
	} else if (f.fd >= 0) {
		close(f.fd);
	}
	return send_or_keep(h, c, f.head, f.head_len + (head ? 0 : f.kept_len));
}

static bool is_target(const struct conn *c, const char *name)
{
	return !strcmp(c->target, name);
}

/* What a request asks for. false: the connection is dead. */
static bool answer(struct http *h, struct conn *c)
{
	const http_parser *p = &c->parser;

	c->requests++;
	c->mode = SENDING;
	c->keep_alive =
		http_should_keep_alive(p) && !h->draining &&
		(!h->o.keepalive_most || c->requests < h->o.keepalive_most);
	if (h->o.bench && p->method == HTTP_GET && is_target(c, "/bulk")) {
		c->mode = BULK;
		return true;
	}
	if (h->o.bench && p->method == HTTP_PUT && is_target(c, "/sink")) {
		c->mode = SINK;
		return true;
	}
	if (p->method != HTTP_GET && p->method != HTTP_HEAD) {
		c->keep_alive = false;
		return answer_status(h, c, 405, "Allow: GET, HEAD\r\n");
	}
	if (!c->refuse && !c->has_host &&
	    (p->http_major > 1 || p->http_minor > 0))
		c->refuse = 400; /* RFC 9112 3.2 */
	if (c->refuse) {
		c->keep_alive = false;
		return answer_status(h, c, c->refuse, "");
	}
	return answer_file(h, c);
}

static bool refuse_garbage(struct http *h, struct conn *c)
{
	bool large = HTTP_PARSER_ERRNO(&c->parser) == HPE_HEADER_OVERFLOW;

	c->keep_alive = false;
	c->mode = SENDING;
	c->parser.method = HTTP_GET; /* the answer has a body */
	return answer_status(h, c, large ? 431 : 400, "");
}

/* ---- one turn of a connection ---- */

enum turn {
	AGAIN, /* there may be more to do now */
	WAIT,  /* for an event */
	END,   /* hang up */
};

/* Feed the parser until it has a request, or nothing is left. */
static enum turn read_request(struct http *h, struct conn *c)
{
	struct lull_span span;
	int n = lull_sock_peek(h->o.shard, c->sock, &span, 1);
	size_t used;

	if (n == -EAGAIN)
		return WAIT;
	if (n <= 0)
		return END;
	used = http_parser_execute(&c->parser, &h->settings, span.ptr,
				   span.len);
	if (used > span.len)
		used = span.len;
	if (lull_sock_consume(h->o.shard, c->sock, used) < 0)
		return END;
	if (c->complete)
		return answer(h, c) ? AGAIN : END;
	if (HTTP_PARSER_ERRNO(&c->parser) != HPE_OK)
		return refuse_garbage(h, c) ? AGAIN : END;
	return AGAIN;
}

static bool has_unread(struct http *h, struct conn *c)
{
	struct lull_span span;

	return lull_sock_peek(h->o.shard, c->sock, &span, 1) > 0;
}

/* The last answer has been handed over. */
static enum turn finish(struct http *h, struct conn *c)
{
	bool odd =
		c->parser.method != HTTP_GET && c->parser.method != HTTP_HEAD;

	if (h->o.client_closes && !h->draining) {
		c->mode = LINGERING;
		return AGAIN;
	}
	if (!odd && !has_unread(h, c))
		return END;
	c->mode = LINGERING;
	if (lull_sock_shutdown(h->o.shard, c->sock, LULL_SHUT_WR) < 0)
		return END;
	return AGAIN;
}

static enum turn send_answer(struct http *h, struct conn *c)
{
	if (!send_rest(h, c) || (!c->rest && !send_file(h, c)))
		return END;
	if (c->rest || c->file_at < c->file_end)
		return WAIT;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->file_at = c->file_end = 0;
	if (!c->keep_alive || h->draining)
		return finish(h, c);
	http_parser_pause(&c->parser, 0);
	c->complete = false;
	c->mode = READING;
	return AGAIN;
}

/* Read and forget, to the end of file. */
static enum turn discard(struct http *h, struct conn *c)
{
	struct lull_span spans[SPANS];
	size_t len = 0;
	int n = lull_sock_peek(h->o.shard, c->sock, spans, SPANS);

	if (n == -EAGAIN)
		return WAIT;
	if (n <= 0)
		return END;
	for (int i = 0; i < n; i++)
		len += spans[i].len;
	return lull_sock_consume(h->o.shard, c->sock, len) < 0 ? END : AGAIN;
}

static enum turn turn(struct http *h, struct conn *c)
{
	switch ((enum mode)c->mode) {
	case READING:
		return read_request(h, c);
	case SENDING:
		return send_answer(h, c);
	case BULK:
		return send_bulk(h, c) ? WAIT : END;
	case SINK:
	case LINGERING:
		return discard(h, c);
	}
	return END;
}

static void go(struct http *h, struct conn *c)
{
	enum turn t;

	touch(h, c);
	do
		t = turn(h, c);
	while (t == AGAIN);
	if (t == END)
		hang_up(h, c);
}

/* ---- entry points ---- */

void http_events(struct http *h, const struct lull_event *events, int n)
{
	h->now_s = time(NULL);
	for (int i = 0; i < n; i++) {
		if (events[i].cookie == LISTENER_COOKIE)
			accept_all(h);
		else if (events[i].bits & LULL_EVENT_ERROR)
			hang_up(h, (struct conn *)(uintptr_t)events[i].cookie);
		else
			go(h, (struct conn *)(uintptr_t)events[i].cookie);
	}
}

void http_tick(struct http *h)
{
	h->now_s = time(NULL);
	for (struct conn *c = h->idle.next, *next; c != &h->idle; c = next) {
		uint32_t most_s =
			c->mode == LINGERING ? LINGER_S : h->o.keepalive_s;

		next = c->next;
		if (c->mode != BULK && c->mode != SINK &&
		    h->now_s - c->active_s >= most_s)
			hang_up(h, c);
		else if (h->now_s - c->active_s < LINGER_S)
			break; /* the rest was active even later */
	}
}

bool http_drain(struct http *h)
{
	if (h->listening)
		lull_sock_close(h->o.shard, h->listener);
	h->listening = false;
	if (!h->draining) {
		h->draining = true;
		for (struct conn *c = h->idle.next, *next; c != &h->idle;
		     c = next) {
			next = c->next;
			if (c->mode == READING || c->mode == LINGERING)
				hang_up(h, c);
		}
	}
	return h->conns == 0;
}

int http_listen(struct http *h, uint16_t port, uint32_t backlog)
{
	struct lull_listen l = {
		.size = sizeof l,
		/* Records of before a restart have the port, too. */
		.flags = LULL_LISTEN_REUSEADDR,
		.port_lo = port,
		.backlog = backlog,
		.cookie = LISTENER_COOKIE,
	};
	int e = lull_sock_listen(h->o.shard, &l, &h->listener);

	h->listening = e == 0;
	return e;
}

int http_create(struct http **http, const struct http_options *options)
{
	struct http *h = calloc(1, sizeof *h);

	if (!h)
		return -ENOMEM;
	h->o = *options;
	h->idle.next = h->idle.prev = &h->idle;
	h->now_s = time(NULL);
	http_parser_settings_init(&h->settings);
	h->settings.on_message_begin = on_begin;
	h->settings.on_url = on_url;
	h->settings.on_header_field = on_field;
	h->settings.on_header_value = on_value;
	h->settings.on_headers_complete = on_headers;
	h->settings.on_message_complete = on_complete;
	*http = h;
	return 0;
}

void http_destroy(struct http *h)
{
	if (!h)
		return;
	while (h->idle.next != &h->idle)
		forget(h, h->idle.next);
	free(h);
}
