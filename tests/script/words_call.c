/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * words_call.c: the program of a script: listen() and call.*, by lull.h.
 *
 * A call changes the state and returns; what is sent for it is sent with the
 * next expect() or inject(), as by a program that makes several calls in one
 * turn. An error is a value: EAGAIN, ECONNRESET and so on.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "words.h"

enum {
	READ_MAX = 65536
};

static const struct {
	int error;
	const char *name;
} errors[] = {
	{EAGAIN, "EAGAIN"},
	{EPIPE, "EPIPE"},
	{ECONNRESET, "ECONNRESET"},
	{ECONNREFUSED, "ECONNREFUSED"},
	{ECONNABORTED, "ECONNABORTED"},
	{ETIMEDOUT, "ETIMEDOUT"},
	{EBADF, "EBADF"},
	{EINVAL, "EINVAL"},
	{ENOTCONN, "ENOTCONN"},
	{EADDRINUSE, "EADDRINUSE"},
	{EADDRNOTAVAIL, "EADDRNOTAVAIL"},
	{EHOSTUNREACH, "EHOSTUNREACH"},
};

static const struct {
	const char *name;
	enum lull_option option;
} options[] = {
	{"KEEPALIVE", LULL_OPT_KEEPALIVE},
	{"KEEPIDLE", LULL_OPT_KEEPIDLE},
	{"KEEPINTVL", LULL_OPT_KEEPINTVL},
	{"KEEPCNT", LULL_OPT_KEEPCNT},
	{"LINGER2", LULL_OPT_LINGER2},
	{"NODELAY", LULL_OPT_NODELAY},
	{"USER_TIMEOUT", LULL_OPT_USER_TIMEOUT},
	{"TIMEWAIT_LEN", LULL_OPT_TIMEWAIT_LEN},
	{"QUICKACK", LULL_OPT_QUICKACK},
	{"CORK", LULL_OPT_CORK},
	{"RCVBUF", LULL_OPT_RCVBUF},
	{"SNDBUF", LULL_OPT_SNDBUF},
	{"TOS", LULL_OPT_TOS},
	{"SYNCNT", LULL_OPT_SYNCNT},
	{"DEFER_ACCEPT", LULL_OPT_DEFER_ACCEPT},
	{"OOBINLINE", LULL_OPT_OOBINLINE},
};

static const char *const event_names[] = {"READ", "WRITE", "ACCEPT", "SYN",
					  "EOF",  "ERROR", "CLOSED", "URGENT"};

/* ---- errors as values ---- */

static int error_text(lua_State *L)
{
	lua_getmetatable(L, 1);
	lua_getfield(L, -1, "name");
	return 1;
}

void words_push_error(lua_State *L, int error)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].error == -error) {
			lua_getglobal(L, errors[i].name);
			return;
		}
	lua_pushfstring(L, "errno %d", -error);
}

static void add_errors(lua_State *L)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		lua_newtable(L);
		lua_newtable(L);
		lua_pushstring(L, errors[i].name);
		lua_setfield(L, -2, "name");
		lua_pushcfunction(L, error_text);
		lua_setfield(L, -2, "__tostring");
		lua_setmetatable(L, -2);
		lua_setglobal(L, errors[i].name);
	}
}

/* ---- handles ---- */

static struct handle *current(lua_State *L)
{
	struct world *w = words_world(L);

	if (w->current < 0)
		words_fail(L, "there is no connection yet");
	return &w->handles[w->current];
}

/* From here on a call is made, of which the log tells. */
static struct lull_sock begin(lua_State *L, const char *what)
{
	struct lull_sock sock = current(L)->sock;

	words_quiet(L, what);
	world_log(words_world(L), " . %s", what);
	return sock;
}

static void hold(lua_State *L, struct lull_sock sock)
{
	struct world *w = words_world(L);
	int i = world_hold(w, sock);

	if (i < 0)
		words_fail(L, "more than %d handles", WORLD_SOCKS);
	w->current = i;
	lua_pushinteger(L, i);
}

/* A result: true, a number, or an error. */
static int result(lua_State *L, long n)
{
	if (n < 0) {
		words_push_error(L, (int)n);
		world_log(words_world(L), "   says %s",
			  luaL_tolstring(L, -1, NULL));
		lua_pop(L, 1);
	} else {
		lua_pushinteger(L, n);
	}
	return 1;
}

/* ---- opening ---- */

static int listen_on(lua_State *L)
{
	struct world *w = words_world(L);
	struct lull_listen l = {
		.size = sizeof(l),
		.local = {wire_addr(w->v6, 2), 128},
		.port_lo = (uint16_t)luaL_checkinteger(L, 1),
		.backlog = (uint32_t)luaL_optinteger(L, 2, 8),
	};
	struct lull_sock sock;
	int error;

	words_quiet(L, "listen");
	error = lull_sock_listen(w->s, &l, &sock);
	world_log(w, " . listen %u", l.port_lo);
	if (error)
		return result(L, error);
	w->listener = world_hold(w, sock);
	w->current = w->listener;
	lua_pushinteger(L, w->listener);
	return 1;
}

static int call_accept(lua_State *L)
{
	struct world *w = words_world(L);
	struct lull_sock sock;
	int error;

	if (w->listener < 0)
		words_fail(L, "accept: nobody listens");
	words_quiet(L, "accept");
	error = lull_sock_accept(w->s, w->handles[w->listener].sock, 0, &sock);
	world_log(w, " . accept");
	if (error)
		return result(L, error);
	hold(L, sock);
	return 1;
}

/* call.connect(port [, our port [, "reuseaddr"]]): to that port of the peer's,
 * which becomes the flow that is meant. */
static int call_connect(lua_State *L)
{
	static const char *const names[] = {"", "reuseaddr", NULL};
	static const uint32_t flags[] = {0, LULL_CONNECT_REUSEADDR};
	struct world *w = words_world(L);
	struct lull_connect c = {
		.size = sizeof(c),
		.flags = flags[luaL_checkoption(L, 3, "", names)],
		.remote = {wire_addr(w->v6, 1),
			   (uint16_t)luaL_checkinteger(L, 1)},
		.local = {{{0}}, (uint16_t)luaL_optinteger(L, 2, 0)},
	};
	struct lull_sock sock;
	int error;

	words_quiet(L, "connect");
	if (c.local.port)
		c.local.addr = wire_addr(w->v6, 2);
	w->flow = world_flow(w, c.remote.port);
	if (!w->flow)
		words_fail(L, "more than %d ports of the peer's", WORLD_FLOWS);
	error = lull_sock_connect(w->s, &c, &sock, NULL);
	world_log(w, " . connect %u", c.remote.port);
	if (error)
		return result(L, error);
	hold(L, sock);
	return 1;
}

/* The handle that call.* means from now on. */
static int call_use(lua_State *L)
{
	struct world *w = words_world(L);
	lua_Integer i = luaL_checkinteger(L, 1);

	if (i < 0 || i >= w->handle_count)
		words_fail(L, "use: there is no such handle");
	w->current = (int)i;
	return 0;
}

/* ---- text ---- */

/* call.send(text [, "more"|"oob"|"eor"]): how many bytes were taken. */
static int call_send(lua_State *L)
{
	static const char *const names[] = {"", "more", "oob", "eor", NULL};
	static const int flags[] = {0, LULL_MSG_MORE, LULL_MSG_OOB,
				    LULL_MSG_EOR};
	size_t len;
	const char *p = luaL_checklstring(L, 1, &len);
	int flag = flags[luaL_checkoption(L, 2, "", names)];
	struct world *w = words_world(L);
	struct lull_sock sock = current(L)->sock;
	union {
		const char *from;
		void *to;
	} u = {p};
	struct lull_span span = {u.to, len};

	/* Several in one turn make one segment, so nothing runs before it. */
	world_log(w, " . send %zu", len);
	return result(L, lull_sock_send(w->s, sock, &span, 1, flag));
}

/* call.read([most]): text, "" at its end, or an error. */
static int call_read(lua_State *L)
{
	lua_Integer most = luaL_optinteger(L, 1, READ_MAX);
	struct lull_sock sock = begin(L, "read");
	struct world *w = words_world(L);
	luaL_Buffer b;
	char *p;
	long n;

	luaL_argcheck(L, most > 0 && most <= READ_MAX, 1, "1..65536");
	p = luaL_buffinitsize(L, &b, (size_t)most);
	n = lull_sock_recv(w->s, sock, p, (size_t)most);
	if (n < 0) {
		luaL_pushresultsize(&b, 0);
		lua_pop(L, 1);
		return result(L, n);
	}
	luaL_pushresultsize(&b, (size_t)n);
	return 1;
}

/* ---- ending ---- */

static int call_shutdown(lua_State *L)
{
	static const char *const names[] = {"rd", "wr", "rdwr", NULL};
	static const enum lull_how hows[] = {LULL_SHUT_RD, LULL_SHUT_WR,
					     LULL_SHUT_RDWR};
	int how = luaL_checkoption(L, 1, NULL, names);
	struct world *w = words_world(L);

	world_log(w, " . shutdown %s", names[how]);
	return result(L, lull_sock_shutdown(w->s, current(L)->sock, hows[how]));
}

static int call_close(lua_State *L)
{
	struct world *w = words_world(L);

	world_log(w, " . close");
	lull_sock_close(w->s, current(L)->sock);
	return 0;
}

static int call_abort(lua_State *L)
{
	struct world *w = words_world(L);

	world_log(w, " . abort");
	lull_sock_abort(w->s, current(L)->sock);
	return 0;
}

/* ---- options ---- */

static enum lull_option check_option(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(name, options[i].name) == 0)
			return options[i].option;
	words_fail(L, "no option '%s'", name);
}

/* call.set(name, number); call.set("LINGER", seconds), from -1, which is off */
static int call_set(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	int32_t value = (int32_t)luaL_checkinteger(L, 2);
	struct lull_linger linger = {value >= 0, value >= 0 ? value : 0};
	struct lull_sock sock = begin(L, "set");
	struct world *w = words_world(L);
	int error;

	if (strcmp(name, "LINGER") == 0)
		error = lull_sock_set(w->s, sock, LULL_OPT_LINGER, &linger,
				      sizeof(linger));
	else
		error = lull_sock_set(w->s, sock, check_option(L), &value,
				      sizeof(value));
	return result(L, error);
}

/* call.error(): SO_ERROR, which it clears; nil: none. */
static int call_error(lua_State *L)
{
	struct lull_sock sock = begin(L, "error");
	struct world *w = words_world(L);
	int32_t value = 0;
	int error = lull_sock_get(w->s, sock, LULL_OPT_ERROR, &value,
				  sizeof(value));

	if (error)
		return result(L, error);
	if (value == 0)
		lua_pushnil(L);
	else
		words_push_error(L, value);
	return 1;
}

/* What was told of the handle since the last time: "READ EOF". */
static int call_events(lua_State *L)
{
	struct handle *h = current(L);
	luaL_Buffer b;
	bool any = false;

	words_quiet(L, "events");
	luaL_buffinit(L, &b);
	for (int i = 0; i < 8; i++) {
		if (!(h->events & 1U << i))
			continue;
		if (any)
			luaL_addchar(&b, ' ');
		luaL_addstring(&b, event_names[i]);
		any = true;
	}
	luaL_pushresult(&b);
	h->events = 0;
	return 1;
}

/* The error that came with the last such event; nil: none. */
static int call_told(lua_State *L)
{
	struct handle *h = current(L);

	if (h->error == 0)
		lua_pushnil(L);
	else
		words_push_error(L, h->error);
	h->error = 0;
	return 1;
}

void words_add_calls(lua_State *L)
{
	static const luaL_Reg calls[] = {
		{"accept", call_accept},
		{"connect", call_connect},
		{"use", call_use},
		{"send", call_send},
		{"read", call_read},
		{"shutdown", call_shutdown},
		{"close", call_close},
		{"abort", call_abort},
		{"set", call_set},
		{"error", call_error},
		{"events", call_events},
		{"told", call_told},
		{NULL, NULL},
	};

	add_errors(L);
	lua_pushcfunction(L, listen_on);
	lua_setglobal(L, "listen");
	luaL_newlib(L, calls);
	lua_setglobal(L, "call");
}
