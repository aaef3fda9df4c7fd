/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * talk.c: the programs of a scenario. The client says which connection it is,
 * then both write their streams, and one of them closes first.
 *
 * Entry points: scene_begin, scene_events, scene_gone.
 */
#include <errno.h>
#include <string.h>

#include "scene.h"

enum {
	PORT = 80,
	LISTENER = 1, /* its cookie; ends count from 2 */
	LINGER_S = 60,
	OPEN_MAX = 4,
	BULK_BYTES = 1 << 30,
	BULK_PIECE = 65536, /* written at once, into large buffers */
	PIECE = 4096,
};

static struct lull_shard *shard_of(struct scene *s, const struct end *e)
{
	return s->w.host[e->host].shard;
}

static uint32_t number_of(const struct scene *s, const struct end *e)
{
	return (uint32_t)(e - s->end);
}

static struct end *new_end(struct scene *s, int host, bool client)
{
	struct end *e = &s->end[++s->ends];

	*e = (struct end){.open = true, .client = client, .host = host};
	return e;
}

/* ---- streams ---- */

/* The stream of one side of one attempt; the client's begins with a header. */
static uint64_t stream_of(const struct scene *s, uint32_t attempt, bool client)
{
	return s->w.options->seed << 20 | (uint64_t)attempt << 1 | client;
}

static void fill(const struct scene *s, const struct end *e, bool client,
		 uint64_t at, uint8_t *p, size_t len)
{
	uint8_t header[SCENE_HEADER];

	memcpy(header, &e->attempt, 4);
	sim_fill(stream_of(s, e->attempt, client), UINT32_MAX, header + 4, 4);
	for (; client && len && at < SCENE_HEADER; at++, len--)
		*p++ = header[at];
	sim_fill(stream_of(s, e->attempt, client), at, p, len);
}

static uint64_t length_of(const struct scene *s, const struct end *e,
			  bool client)
{
	return s->attempt[e->attempt].len[!client];
}

/* ---- the end ---- */

static void settle_attempt(struct scene *s, uint32_t i)
{
	struct attempt *a = &s->attempt[i];

	if (!a->over || a->failed || !a->finished[0] || !a->finished[1])
		return;
	s->succeeded++;
	s->w.result->connections++;
	sim_trace(&s->w, "attempt %u succeeded", i);
}

static void client_over(struct scene *s, struct end *e, bool failed)
{
	struct attempt *a = &s->attempt[e->attempt];

	if (a->over)
		return;
	a->over = true;
	a->failed = failed;
	s->open--;
	settle_attempt(s, e->attempt);
}

/* May connect() be told this? The peer was not to be trusted with the last
 * port; else there is always one that works, and time to find out. */
static bool is_named(const struct scene *s, int error)
{
	return (error == -EADDRNOTAVAIL && s->reuse == REUSE_SAFE) ||
	       (error == -ETIMEDOUT && s->kind->slow);
}

/* It may be another one by then: a port that was refused is changed. */
static void note_port(struct scene *s, struct end *e)
{
	struct lull_sock_info info = {.size = sizeof info};

	if (lull_sock_info(shard_of(s, e), e->sock, &info) == 0)
		e->port = e->client ? info.local.port : info.remote.port;
}

/* The program gives up, or was told an error. */
static void broke(struct scene *s, struct end *e, int error)
{
	const char *who = e->client ? "client" : "server";
	bool begun = e->client ? e->connected : e->attempt != 0;
	bool done = e->lingers && s->kind->late_rst;

	sim_trace(&s->w, "%s of attempt %u: error %d", who, e->attempt, error);
	if (e->open)
		lull_sock_abort(shard_of(s, e), e->sock);
	e->open = e->lingers = false;
	s->port = e->port;
	if (begun && !done && !s->kind->breaks)
		scene_harm(s, "attempt %u: the %s's program was told %d",
			   e->attempt, who, error);
	if (e->client && !begun && !is_named(s, error) && !s->kind->breaks)
		scene_harm(s, "attempt %u: connect() was told %d", e->attempt,
			   error);
	s->port = 0;
	s->refused += e->client && !begun;
	if (e->client)
		client_over(s, e, true);
	else if (e->attempt && !done)
		s->attempt[e->attempt].failed = true;
}

static void close_end(struct scene *s, struct end *e)
{
	struct lull_linger l = {.on = 1, .seconds = LINGER_S};

	/* Lingering, it still hears of a RST behind its FIN. */
	e->lingers = lull_sock_set(shard_of(s, e), e->sock, LULL_OPT_LINGER, &l,
				   sizeof l) == 0;
	e->open = false;
	lull_sock_close(shard_of(s, e), e->sock);
}

static void finish(struct scene *s, struct end *e)
{
	struct attempt *a = &s->attempt[e->attempt];

	close_end(s, e);
	a->finished[!e->client] = true;
	if (e->client)
		client_over(s, e, false);
	else
		settle_attempt(s, e->attempt);
}

/* ---- writing and reading ---- */

static void write_some(struct scene *s, struct end *e)
{
	uint64_t len = length_of(s, e, e->client);
	uint8_t text[BULK_PIECE];
	size_t most = e->attempt == s->bulk ? BULK_PIECE : PIECE;

	while (e->open && e->written < len) {
		uint64_t left = len - e->written;
		size_t n = left < most ? (size_t)left : most;
		struct lull_span span = {text, n};
		long sent;

		fill(s, e, e->client, e->written, text, n);
		sent = lull_sock_send(shard_of(s, e), e->sock, &span, 1, 0);
		if (sent == -EAGAIN)
			return;
		if (sent < 0) {
			broke(s, e, (int)sent);
			return;
		}
		e->written += (uint64_t)sent;
	}
}

/* Which attempt is it? Each has one server's end. */
static void take_header(struct scene *s, struct end *e)
{
	uint8_t want[SCENE_HEADER];
	uint32_t i;

	memcpy(&i, e->header, sizeof i);
	if (!i || i > s->attempts) {
		scene_harm(s, "a header that nobody wrote");
		return;
	}
	e->attempt = i;
	fill(s, e, true, 0, want, sizeof want);
	if (memcmp(want, e->header, sizeof want) != 0)
		scene_harm(s, "attempt %u: a wrong byte in its header", i);
	else if (s->attempt[i].server)
		scene_harm(s,
			   "attempt %u: a second connection has its "
			   "header",
			   i);
	s->attempt[i].server = number_of(s, e);
}

static void check(struct scene *s, struct end *e, const uint8_t *p, size_t len)
{
	uint8_t want[4096];

	for (; !e->attempt && len; p++, len--) {
		e->header[e->read++] = *p;
		if (e->read == SCENE_HEADER)
			take_header(s, e);
		if (s->w.result->failed)
			return;
	}
	if (len && e->read + len > length_of(s, e, !e->client)) {
		scene_harm(s, "attempt %u: the %s read more than was written",
			   e->attempt, e->client ? "client" : "server");
		return;
	}
	while (len > 0) {
		size_t n = len < sizeof want ? len : sizeof want;

		fill(s, e, !e->client, e->read, want, n);
		if (memcmp(p, want, n) != 0) {
			scene_harm(s,
				   "attempt %u: the %s read a wrong byte at or "
				   "after %lu",
				   e->attempt, e->client ? "client" : "server",
				   e->read);
			return;
		}
		p += n;
		len -= n;
		e->read += n;
	}
}

static void check_stream(struct scene *s, struct end *e, const uint8_t *p,
			 size_t len)
{
	s->port = e->port;
	check(s, e, p, len);
	s->port = 0;
}

static void at_eof(struct scene *s, struct end *e)
{
	e->eof = true;
	if (!e->attempt) { /* it was opened, and closed without a word */
		close_end(s, e);
		return;
	}
	if (e->read != length_of(s, e, !e->client))
		scene_harm(s, "attempt %u: end of file after %lu of %lu",
			   e->attempt, e->read, length_of(s, e, !e->client));
}

static void read_some(struct scene *s, struct end *e)
{
	uint8_t text[16384];
	long n;

	while (e->open && !e->eof && !s->w.result->failed) {
		n = lull_sock_recv(shard_of(s, e), e->sock, text, sizeof text);
		if (n == -EAGAIN)
			return;
		if (n < 0)
			broke(s, e, (int)n);
		else if (n == 0)
			at_eof(s, e);
		else
			check_stream(s, e, text, (size_t)n);
	}
}

static bool closes_first(const struct scene *s, const struct end *e)
{
	return s->closer == CLOSER_BOTH ||
	       e->client == (s->closer == CLOSER_CLIENT);
}

/* The client has said all: FIN, while the other stream still comes. */
static void shut(struct scene *s, struct end *e)
{
	if (!e->client || e->shut || e->written < length_of(s, e, true))
		return;
	e->shut = true;
	if (lull_sock_shutdown(shard_of(s, e), e->sock, LULL_SHUT_WR) < 0)
		sim_fail(&s->w, "attempt %u: shutdown() fails", e->attempt);
}

static void act(struct scene *s, struct end *e)
{
	read_some(s, e);
	if (!e->open || !e->attempt || s->w.result->failed)
		return;
	write_some(s, e);
	if (e->open && s->closer == CLOSER_HALF)
		shut(s, e);
	if (e->open && e->written == length_of(s, e, e->client) &&
	    e->read == length_of(s, e, !e->client) &&
	    (e->eof || closes_first(s, e)))
		finish(s, e);
}

/* ---- connections ---- */

/* Long ones fill a window, so that what is old can lie in it. */
static uint64_t draw_length(struct scene *s)
{
	struct world *w = &s->w;

	return sim_chance(w, 30)
		       ? 20000 + sim_below(w, s->fast ? 400000 : 50000)
		       : sim_below(w, 3000);
}

/* What the i-th attempt's client writes. The numbers of the one that sends so
 * much are no more than that ahead of the ISN's clock: to know that they may
 * have lapped, its record must remember it. */
static uint64_t client_writes(struct scene *s, uint32_t i)
{
	if (i && i == s->bulk)
		return BULK_BYTES + sim_below(&s->w, 1 << 20);
	return SCENE_HEADER + draw_length(s);
}

/* That a client names. */
static uint64_t ports_of(const struct scene *s)
{
	if (s->kind->control)
		return 1;
	return s->fast ? 2 : SCENE_PORTS;
}

/* Else its stack chooses. With bulk both, so that neither takes what rests. */
static bool names_port(struct scene *s)
{
	return !s->any_port || (s->kind->bulk && sim_chance(&s->w, 20));
}

static uint64_t cookie_of(const struct scene *s, const struct end *e)
{
	return (uint64_t)number_of(s, e) + LISTENER;
}

void scene_begin(struct scene *s)
{
	int host = (int)sim_below(&s->w, (uint64_t)s->clients), e;
	struct lull_connect c = {.size = sizeof c};
	struct attempt *a;
	struct end *end;

	if (s->open >= OPEN_MAX)
		return;
	if (s->attempts == SCENE_TRIES) {
		sim_fail(&s->w, "%u attempts, and only %u succeeded",
			 s->attempts, s->succeeded);
		return;
	}
	c.remote.addr = s->w.host[s->server].addr[0].addr;
	c.remote.port = PORT;
	if (names_port(s)) {
		c.local.addr = s->w.host[host].addr[0].addr;
		c.local.port = (uint16_t)(SCENE_FIRST_PORT +
					  sim_below(&s->w, ports_of(s)));
	}
	end = new_end(s, host, true);
	end->attempt = s->attempts + 1;
	c.cookie = cookie_of(s, end);
	e = lull_sock_connect(s->w.host[host].shard, &c, &end->sock, NULL);
	if (e < 0) { /* every pair is in use: later */
		s->ends--;
		return;
	}
	a = &s->attempt[++s->attempts];
	*a = (struct attempt){
		.begun_ns = s->w.now_ns,
		.len = {client_writes(s, s->attempts), draw_length(s)},
		.client = number_of(s, end),
	};
	s->open++;
	note_port(s, end);
	sim_keep_alive(&s->w, shard_of(s, end), end->sock);
	sim_trace(&s->w, "attempt %u of host %d: %lu and %lu bytes",
		  s->attempts, host, a->len[0], a->len[1]);
}

static void accept_all(struct scene *s, int host)
{
	struct host *h = &s->w.host[host];
	struct lull_sock sock;

	while (s->ends < 2 * SCENE_TRIES &&
	       lull_sock_accept(h->shard, h->listener, 0, &sock) == 0) {
		struct end *e = new_end(s, host, false);
		uint64_t cookie = cookie_of(s, e);

		e->sock = sock;
		e->connected = true;
		note_port(s, e);
		if (lull_sock_set(h->shard, sock, LULL_OPT_COOKIE, &cookie,
				  sizeof cookie) < 0) {
			e->open = false; /* it ended while it waited */
			lull_sock_close(h->shard, sock);
			continue;
		}
		sim_keep_alive(&s->w, shard_of(s, e), e->sock);
		act(s, e);
	}
}

static void on_event(struct scene *s, int host, const struct lull_event *ev)
{
	struct end *e;

	sim_hash(&s->w, &ev->bits, sizeof ev->bits);
	if (ev->cookie == LISTENER) {
		accept_all(s, host);
		return;
	}
	e = &s->end[ev->cookie - LISTENER];
	if (ev->bits & LULL_EVENT_CLOSED) {
		/* That its last ACK never came is no harm. */
		if (ev->error && ev->error != -ETIMEDOUT && e->lingers)
			broke(s, e, ev->error);
		e->lingers = false;
		return;
	}
	if (!e->open)
		return;
	if (ev->bits & LULL_EVENT_WRITE) {
		e->connected = true;
		note_port(s, e);
	}
	if (ev->bits & LULL_EVENT_ERROR) {
		/* What came before the error may still be read. */
		if (e->connected)
			read_some(s, e);
		if (e->open)
			broke(s, e, ev->error);
		return;
	}
	act(s, e);
}

void scene_events(struct scene *s, int host)
{
	struct lull_event e[32];
	int n;

	while ((n = lull_events_get(s->w.host[host].shard, e, 32)) > 0)
		for (int i = 0; i < n; i++)
			on_event(s, host, &e[i]);
}

void scene_gone(struct scene *s, int host)
{
	for (uint32_t i = 1; i <= s->ends; i++)
		if (s->end[i].host == host)
			s->end[i].open = s->end[i].lingers = false;
}
