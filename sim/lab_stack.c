/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_stack.c: a host of the lab that is a shard, in virtual time.
 *
 * Entry points: lab_stack_open, lab_stack_turn, lab_stack_take,
 * lab_stack_close; and one for each call of a program.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"

enum {
	BATCH = 32,
};

static struct lull_addr addr_of(uint32_t v)
{
	return (struct lull_addr){.b = {[10] = 0xff,
					[11] = 0xff,
					(uint8_t)(v >> 24),
					(uint8_t)(v >> 16),
					(uint8_t)(v >> 8),
					(uint8_t)v}};
}

static uint32_t number_of(const struct lull_addr *a)
{
	return (uint32_t)a->b[12] << 24 | (uint32_t)a->b[13] << 16 |
	       (uint32_t)a->b[14] << 8 | a->b[15];
}

int lab_stack_open(struct lab_world *w, int host)
{
	struct lab_host *h = &w->host[host];
	struct lull_prefix p = {addr_of(h->addr), 120};
	int e;

	/* Each life has a key of its own, as a machine that was started. */
	memset(h->config.key, 0x40 + host * 16 + (int)h->lives++,
	       sizeof h->config.key);
	h->trace_cursor = 0;
	h->deadline_ns = 0;
	w->why[0] = 0;
	e = lull_memory_map(&h->config.limits, &h->memory);
	if (e == 0)
		e = lull_shard_init(&h->shard, &h->config, h->memory, w->now_ns,
				    NULL);
	if (e == 0)
		e = lull_addr_add(h->shard, p, false);
	for (int i = 0; i < h->knobs && e >= 0; i++) {
		char *eq = strchr(h->knob[i], '=');
		char name[LAB_TEXT];

		snprintf(name, sizeof name, "%.*s",
			 eq ? (int)(eq - h->knob[i]) : 0, h->knob[i]);
		e = eq ? lull_sysctl_set(h->shard, name, eq + 1, NULL)
		       : -EINVAL;
		if (e < 0)
			snprintf(w->why, sizeof w->why, "%s: %s", h->knob[i],
				 strerror(-e));
	}
	if (e < 0) {
		lab_stack_close(h);
		return e;
	}
	h->up = true;
	return 0;
}

void lab_stack_close(struct lab_host *h)
{
	lull_memory_unmap(&h->memory);
	h->memory = (struct lull_memory){0};
	h->shard = NULL;
	h->up = false;
}

/* ---- packets ---- */

bool lab_stack_take(struct lab_world *w, int host, const uint8_t *packet,
		    uint32_t len)
{
	struct lull_shard *s = w->host[host].shard;
	struct lull_frame f;

	if (lull_rx_get(s, &f, 1) != 1)
		return true; /* short of buffers: a packet less */
	if (len > f.span[0].len) {
		f.len = 0;
		return lull_rx_put(s, &f, 1) == 1;
	}
	memcpy(f.span[0].ptr, packet, len);
	f.span[0].len = len;
	f.len = len;
	f.flags = 0;
	f.gso_size = 0;
	f.spans = 1;
	return lull_rx_put(s, &f, 1) == 1;
}

static bool send_all(struct lab_world *w, int host)
{
	struct lull_frame frames[BATCH];
	struct lull_shard *s = w->host[host].shard;
	uint8_t packet[LAB_PACKET];
	int n = lull_tx_peek(s, frames, BATCH);

	for (int i = 0; i < n; i++) {
		uint32_t len = 0;

		for (int k = 0; k < frames[i].spans; k++) {
			const struct lull_span *v = &frames[i].span[k];

			if (len + v->len > sizeof packet)
				break;
			memcpy(packet + len, v->ptr, v->len);
			len += (uint32_t)v->len;
		}
		/* The wire may raise an error: let go of the frame first. */
		lull_tx_done(s, 1);
		lab_world_send(w, host, packet, len);
	}
	return n > 0;
}

/* ---- what it tells ---- */

static const char *end_name(uint8_t end)
{
	static const char *const names[LULL_ENDS] = {
		[LULL_END_RST_IN] = "RST came",
		[LULL_END_RST_OUT] = "reset",
		[LULL_END_TIMEOUT] = "timed out",
		[LULL_END_EVICTED] = "evicted",
		[LULL_END_REUSED] = "reused",
		[LULL_END_NO_RECORD] = "no room",
		[LULL_END_SYN] = "another SYN",
		[LULL_END_RETRIED] = "another port",
	};

	return end < LULL_ENDS && names[end] ? names[end] : "";
}

static void tell_states(struct lab_world *w, int host)
{
	struct lull_trace_record r[BATCH];
	struct lab_host *h = &w->host[host];
	int n;

	while ((n = lull_diag_trace(h->shard, &h->trace_cursor, r, BATCH)) >
	       0) {
		for (int i = 0; i < n; i++) {
			struct lab_krow where = {
				.addr = number_of(&r[i].local.addr),
				.port = r[i].local.port,
				.raddr = number_of(&r[i].remote.addr),
				.rport = r[i].remote.port,
			};

			if (r[i].kind == LULL_TRACE_STATE)
				lab_world_state(w, host, r[i].to, &where,
						r[i].to == LULL_TCP_CLOSED
							? end_name(r[i].what)
							: "");
		}
	}
}

static void take_event(struct lab_world *w, const struct lull_event *e)
{
	struct lab_sock *s;

	if (e->cookie >= w->socks)
		return;
	s = &w->sock[e->cookie];
	if (e->bits & LULL_EVENT_WRITE)
		s->connected = true;
	if (e->bits & LULL_EVENT_EOF)
		s->eof = true;
	if (e->bits & LULL_EVENT_CLOSED)
		s->open = s->lingers = false;
	if (e->bits & LULL_EVENT_ERROR && e->error) {
		s->error = e->error;
		lab_world_call(w, s, "error: %s", lab_errno_name(e->error));
	}
}

bool lab_stack_turn(struct lab_world *w, int host)
{
	struct lab_host *h = &w->host[host];
	struct lull_work work = lull_shard_run(h->shard, w->now_ns);
	struct lull_event events[BATCH];
	bool did = work.more;
	int n;

	h->deadline_ns = work.deadline_ns;
	tell_states(w, host);
	while ((n = lull_events_get(h->shard, events, BATCH)) > 0) {
		for (int i = 0; i < n; i++)
			take_event(w, &events[i]);
		did = true;
	}
	did |= send_all(w, host);
	return did;
}

/* ---- knobs, counters, rows ---- */

int lab_stack_knob(struct lab_host *h, const char *name, const char *value,
		   char *out, size_t size)
{
	if (value)
		return lull_sysctl_set(h->shard, name, value, NULL);
	return lull_sysctl_get(h->shard, name, out, size);
}

uint64_t lab_stack_count(const struct lab_host *h, const char *name,
			 bool *found)
{
	struct lull_counter c;

	for (uint32_t i = 0; lull_diag_counter(h->shard, i, &c); i++)
		if (!strcmp(c.name, name)) {
			*found = true;
			return c.value;
		}
	*found = false;
	return 0;
}

int lab_stack_rows(const struct lab_host *h, struct lab_krow **rows, size_t *n)
{
	struct lull_row r[BATCH];
	uint64_t cursor = 0;
	size_t size = 0;
	int got;

	*rows = NULL;
	*n = 0;
	while ((got = lull_diag_rows(h->shard, &cursor, r, BATCH)) != 0) {
		if (got == -EAGAIN)
			continue;
		for (int i = 0; i < got; i++) {
			if (*n == size) {
				void *p;

				size = size ? 2 * size : 64;
				p = realloc(*rows, size * sizeof **rows);
				if (!p) {
					free(*rows);
					return -ENOMEM;
				}
				*rows = p;
			}
			(*rows)[(*n)++] = (struct lab_krow){
				.addr = number_of(&r[i].local.addr),
				.raddr = number_of(&r[i].remote.addr),
				.port = r[i].local.port,
				.rport = r[i].remote.port,
				.state = r[i].state,
				.timer = r[i].timer,
				.timer_ms = r[i].timer_ms,
				.wqueue = r[i].wqueue,
				.rqueue = r[i].rqueue,
				.held = r[i].held,
			};
		}
	}
	return 0;
}

/* ---- what programs call ---- */

static uint64_t cookie_of(const struct lab_world *w, const struct lab_sock *s)
{
	return (uint64_t)(s - w->sock);
}

static void learn_ends(struct lab_world *w, struct lab_sock *s)
{
	struct lull_sock_info i = {.size = sizeof i};

	if (lull_sock_info(w->host[s->host].shard, s->sock, &i) < 0)
		return;
	s->addr = number_of(&i.local.addr);
	s->raddr = number_of(&i.remote.addr);
	s->port = i.local.port;
	s->rport = i.remote.port;
}

int lab_stack_listen(struct lab_world *w, struct lab_sock *s,
		     const struct lab_listen *l)
{
	struct lab_host *h = &w->host[s->host];
	struct lull_listen a = {
		.size = sizeof a,
		.flags = l->reuseaddr ? LULL_LISTEN_REUSEADDR : 0,
		.local = {addr_of(h->addr), 128},
		.port_lo = l->port,
		.backlog = l->backlog,
		.cookie = cookie_of(w, s),
	};
	int e = lull_sock_listen(h->shard, &a, &s->sock);

	s->addr = h->addr;
	s->port = l->port;
	s->open = s->listener = e == 0;
	return e;
}

int lab_stack_connect(struct lab_world *w, struct lab_sock *s,
		      const struct lab_connect *c)
{
	struct lab_host *h = &w->host[s->host];
	struct lull_connect a = {
		.size = sizeof a,
		.flags = c->reuseaddr ? LULL_CONNECT_REUSEADDR : 0,
		.remote = {addr_of(w->host[c->to].addr), c->rport},
		.local = {addr_of(h->addr), c->port},
		.cookie = cookie_of(w, s),
	};
	int e;

	if (c->bind_first && !c->no_port)
		return -EOPNOTSUPP; /* lull never chooses a port blindly */
	e = lull_sock_connect(h->shard, &a, &s->sock, NULL);
	if (e < 0)
		return e;
	s->open = true;
	learn_ends(w, s);
	return 0;
}

int lab_stack_accept(struct lab_world *w, struct lab_sock *l,
		     struct lab_sock *s)
{
	int e = lull_sock_accept(w->host[s->host].shard, l->sock,
				 cookie_of(w, s), &s->sock);

	if (e < 0)
		return e;
	s->open = s->connected = true;
	learn_ends(w, s);
	return 0;
}

long lab_stack_send(struct lab_world *w, struct lab_sock *s, const void *p,
		    size_t len)
{
	struct lull_span v = {(void *)(uintptr_t)p, len};

	return lull_sock_send(w->host[s->host].shard, s->sock, &v, 1, 0);
}

long lab_stack_recv(struct lab_world *w, struct lab_sock *s, void *p,
		    size_t len)
{
	return lull_sock_recv(w->host[s->host].shard, s->sock, p, len);
}

int lab_stack_shutdown(struct lab_world *w, struct lab_sock *s)
{
	return lull_sock_shutdown(w->host[s->host].shard, s->sock,
				  LULL_SHUT_WR);
}

void lab_stack_close_sock(struct lab_world *w, struct lab_sock *s, bool abort)
{
	struct lull_shard *shard = w->host[s->host].shard;

	if (abort)
		lull_sock_abort(shard, s->sock);
	else
		lull_sock_close(shard, s->sock);
}

int lab_stack_set(struct lab_world *w, struct lab_sock *s, const char *option,
		  int a, int b)
{
	static const struct {
		const char *name;
		enum lull_option option;
	} names[] = {
		{"keepalive", LULL_OPT_KEEPALIVE},
		{"keepidle", LULL_OPT_KEEPIDLE},
		{"keepintvl", LULL_OPT_KEEPINTVL},
		{"keepcnt", LULL_OPT_KEEPCNT},
		{"linger2", LULL_OPT_LINGER2},
		{"user_timeout", LULL_OPT_USER_TIMEOUT},
		{"rcvbuf", LULL_OPT_RCVBUF},
		{"sndbuf", LULL_OPT_SNDBUF},
		{"nodelay", LULL_OPT_NODELAY},
		{"quickack", LULL_OPT_QUICKACK},
	};
	struct lull_shard *shard = w->host[s->host].shard;
	struct lull_linger l = {a, b};
	int32_t v = a;

	if (!strcmp(option, "linger"))
		return lull_sock_set(shard, s->sock, LULL_OPT_LINGER, &l,
				     sizeof l);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (!strcmp(option, names[i].name))
			return lull_sock_set(shard, s->sock, names[i].option,
					     &v, sizeof v);
	return -ENOPROTOOPT;
}
