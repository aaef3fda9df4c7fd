/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_sock.c: what a script's programs do with a socket. The same calls go to
 * a shard or to the kernel; man lull-lab(1) has the list.
 *
 * What a program does goes into the log, for the diagram.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "lab.h"
#include "sandbox.h"

#define SOCK "socket"

enum {
	RECV_MAX = 65536,
	KINDS = 2, /* of hosts with programs: LAB_STACK, LAB_KERNEL */
};

static const struct {
	int (*listen)(struct lab_world *, struct lab_sock *,
		      const struct lab_listen *);
	int (*connect)(struct lab_world *, struct lab_sock *,
		       const struct lab_connect *);
	int (*accept)(struct lab_world *, struct lab_sock *, struct lab_sock *);
	long (*send)(struct lab_world *, struct lab_sock *, const void *,
		     size_t);
	long (*recv)(struct lab_world *, struct lab_sock *, void *, size_t);
	int (*shutdown)(struct lab_world *, struct lab_sock *);
	void (*close)(struct lab_world *, struct lab_sock *, bool);
	int (*set)(struct lab_world *, struct lab_sock *, const char *, int,
		   int);
	int (*rows)(const struct lab_host *, struct lab_krow **, size_t *);
} calls[KINDS] = {
	[LAB_STACK] = {lab_stack_listen, lab_stack_connect, lab_stack_accept,
		       lab_stack_send, lab_stack_recv, lab_stack_shutdown,
		       lab_stack_close_sock, lab_stack_set, lab_stack_rows},
	[LAB_KERNEL] = {lab_kernel_listen, lab_kernel_connect,
			lab_kernel_accept, lab_kernel_send, lab_kernel_recv,
			lab_kernel_shutdown, lab_kernel_close_sock,
			lab_kernel_set, lab_kernel_rows},
};

struct ref {
	long index;
	struct lab_world *world;
	uint64_t order; /* of the case: a socket of another one is stale */
};

void lab_lua_push_sock(lua_State *L, long index)
{
	struct lab_run *run = lab_lua_run(L);
	struct ref *r = lua_newuserdatauv(L, sizeof *r, 0);

	r->index = index;
	r->world = run->world;
	r->order = (uint64_t)run->script->n;
	luaL_setmetatable(L, SOCK);
}

/* Of this case, open or not. */
static struct lab_sock *any(lua_State *L, struct lab_world **w)
{
	struct ref *r = luaL_checkudata(L, 1, SOCK);
	struct lab_run *run = lab_lua_run(L);

	*w = lab_lua_world(L);
	if (r->world != *w || r->order != (uint64_t)run->script->n)
		lab_lua_error(L, "this socket is of another case");
	return &(*w)->sock[r->index];
}

static struct lab_sock *check(lua_State *L, struct lab_world **w)
{
	struct lab_sock *s = any(L, w);

	if (!s->open)
		lab_lua_error(L, "the socket is closed");
	if (!(*w)->host[s->host].up)
		lab_lua_error(L, "%s is down", (*w)->host[s->host].name);
	return s;
}

#define CALL(w, s, what) calls[(w)->host[(s)->host].kind].what

/* ---- making one: methods of a host ---- */

static bool flag(lua_State *L, int at, const char *name)
{
	bool is;

	if (!lua_istable(L, at))
		return false;
	lua_getfield(L, at, name);
	is = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return is;
}

static lua_Integer number(lua_State *L, int at, const char *name,
			  lua_Integer def)
{
	lua_Integer v = def;

	if (!lua_istable(L, at))
		return def;
	lua_getfield(L, at, name);
	if (!lua_isnil(L, -1))
		v = luaL_checkinteger(L, -1);
	lua_pop(L, 1);
	return v;
}

static int with_programs(lua_State *L, int at)
{
	int host = lab_lua_check_host(L, at);
	struct lab_host *h = &lab_lua_world(L)->host[host];

	if (h->kind == LAB_CRAFT)
		lab_lua_error(L, "%s is crafted and has no programs", h->name);
	if (!h->up)
		lab_lua_error(L, "%s is down", h->name);
	return host;
}

/* nil and the name of the error, which is the script's to judge. */
static int refused(lua_State *L, int e)
{
	lua_pushnil(L);
	lua_pushstring(L, lab_errno_name(e));
	return 2;
}

static int new_sock(lua_State *L, struct lab_world *w, int host)
{
	long i = lab_world_sock(w, host);

	if (i < 0)
		lab_lua_error(L, "no memory for a socket");
	return (int)i;
}

static int host_listen(lua_State *L)
{
	struct lab_world *w = lab_lua_world(L);
	int host = with_programs(L, 1), i, e;
	struct lab_listen l = {
		.port = (uint16_t)luaL_checkinteger(L, 2),
		.backlog = (uint32_t)number(L, 3, "backlog", 128),
		.reuseaddr = flag(L, 3, "reuseaddr"),
	};

	i = new_sock(L, w, host);
	e = CALL(w, &w->sock[i], listen)(w, &w->sock[i], &l);
	lab_world_call(w, &w->sock[i], e < 0 ? "listen(): %s" : "listen()%s",
		       e < 0 ? lab_errno_name(e) : "");
	if (e < 0)
		return refused(L, e);
	lab_lua_push_sock(L, i);
	return 1;
}

static int host_connect(lua_State *L)
{
	struct lab_world *w = lab_lua_world(L);
	int host = with_programs(L, 1), i, e;
	struct lab_connect c = {
		.to = lab_lua_check_host(L, 2),
		.rport = (uint16_t)luaL_checkinteger(L, 3),
		.port = (uint16_t)number(L, 4, "port", 0),
		.reuseaddr = flag(L, 4, "reuseaddr"),
		.bind_first = flag(L, 4, "bind"),
		.no_port = flag(L, 4, "no_port"),
	};
	struct lab_sock *s;

	i = new_sock(L, w, host);
	s = &w->sock[i];
	e = CALL(w, s, connect)(w, s, &c);
	lab_world_call(w, s, e < 0 ? "connect(): %s" : "connect()%s",
		       e < 0 ? lab_errno_name(e) : "");
	if (e < 0)
		return refused(L, e);
	lab_lua_push_sock(L, i);
	return 1;
}

/* The program is killed: what was open is closed, as the kernel does it. */
static int host_kill(lua_State *L)
{
	struct lab_world *w = lab_lua_world(L);
	int host = with_programs(L, 1);

	for (size_t i = 0; i < w->socks; i++) {
		struct lab_sock *s = &w->sock[i];

		if (s->host != host || !s->open)
			continue;
		lab_world_call(w, s, "killed");
		CALL(w, s, close)(w, s, false);
		s->open = false;
	}
	return 0;
}

/* ---- methods ---- */

static int sock_accept(lua_State *L)
{
	struct lab_world *w;
	struct lab_sock *l = check(L, &w);
	long at = l - w->sock;
	int i, e;

	if (!l->listener)
		return lab_lua_error(L, "not a listener");
	i = new_sock(L, w, l->host);
	l = &w->sock[at];
	e = CALL(w, l, accept)(w, l, &w->sock[i]);
	if (e < 0) {
		w->socks--;
		return refused(L, e);
	}
	lab_world_call(w, &w->sock[i], "accept()");
	lab_lua_push_sock(L, i);
	return 1;
}

static int sock_send(lua_State *L)
{
	struct lab_world *w;
	struct lab_sock *s = check(L, &w);
	size_t len;
	const char *p = luaL_checklstring(L, 2, &len);
	long n = CALL(w, s, send)(w, s, p, len);

	if (n < 0) {
		lab_world_call(w, s, "write(): %s", lab_errno_name((int)n));
		return refused(L, (int)n);
	}
	lab_world_call(w, s, "write(%ld)", n);
	lua_pushinteger(L, n);
	return 1;
}

static int sock_recv(lua_State *L)
{
	struct lab_world *w;
	struct lab_sock *s = check(L, &w);
	static char buf[RECV_MAX];
	long n = CALL(w, s, recv)(w, s, buf, sizeof buf);

	if (n == -EAGAIN && s->error)
		n = s->error;
	if (n < 0)
		return refused(L, (int)n);
	if (n == 0) {
		lab_world_call(w, s, "read(): end of file");
		lua_pushnil(L);
		lua_pushliteral(L, "EOF");
		return 2;
	}
	lab_world_call(w, s, n < 16 ? "read(): \"%.*s\"" : "read(%d)", (int)n,
		       buf);
	lua_pushlstring(L, buf, (size_t)n);
	return 1;
}

static int sock_shutdown(lua_State *L)
{
	struct lab_world *w;
	struct lab_sock *s = check(L, &w);
	int e = CALL(w, s, shutdown)(w, s);

	lab_world_call(w, s, "shutdown(WR)");
	if (e < 0)
		return refused(L, e);
	lua_pushboolean(L, true);
	return 1;
}

static int end(lua_State *L, bool abort)
{
	struct lab_world *w;
	struct lab_sock *s = check(L, &w);

	lab_world_call(w, s, abort ? "abort()" : "close()");
	CALL(w, s, close)(w, s, abort);
	s->open = false;
	return 0;
}

static int sock_close(lua_State *L)
{
	return end(L, false);
}

static int sock_abort(lua_State *L)
{
	return end(L, true);
}

static int sock_set(lua_State *L)
{
	struct lab_world *w;
	struct lab_sock *s = check(L, &w);
	const char *name = luaL_checkstring(L, 2);
	int a = (int)luaL_checkinteger(L, 3);
	int b = (int)luaL_optinteger(L, 4, 0);
	int e = CALL(w, s, set)(w, s, name, a, b);

	if (e == -ENOPROTOOPT)
		return lab_lua_error(L, "no option %s", name);
	if (e < 0)
		return refused(L, e);
	if (!strcmp(name, "linger"))
		lab_world_call(w, s, "SO_LINGER %d, %d", a, b);
	lua_pushboolean(L, true);
	return 1;
}

/* The row of its pair; state 0: there is none. */
static struct lab_krow row_of(lua_State *L, struct lab_world *w,
			      const struct lab_sock *s)
{
	struct lab_krow *rows, found = {0};
	size_t n;
	int e;

	if (!w->host[s->host].up)
		return found;
	e = CALL(w, s, rows)(&w->host[s->host], &rows, &n);
	if (e < 0)
		lab_lua_error(L, "what is there: %s", strerror(-e));
	for (size_t i = 0; i < n; i++)
		if (rows[i].port == s->port && rows[i].rport == s->rport &&
		    rows[i].raddr == s->raddr)
			found = rows[i];
	free(rows);
	sandbox_spend(L, n);
	return found;
}

/* Also when the program has closed it: of what is left in the stack. */
static int sock_state(lua_State *L)
{
	struct lab_world *w;
	struct lab_sock *s = any(L, &w);
	struct lab_krow r = row_of(L, w, s);

	lua_pushstring(L, r.state ? lab_state_name(r.state) : "CLOSED");
	return 1;
}

static int sock_timer(lua_State *L)
{
	static const char *const names[] = {"none", "retransmission",
					    "keepalive", "timewait", "persist"};
	struct lab_world *w;
	struct lab_sock *s = any(L, &w);
	struct lab_krow r = row_of(L, w, s);

	lua_pushstring(L, r.timer < 5 ? names[r.timer] : "?");
	lua_pushnumber(L, r.timer_ms / 1e3);
	return 2;
}

static int sock_queues(lua_State *L)
{
	struct lab_world *w;
	struct lab_sock *s = any(L, &w);
	struct lab_krow r = row_of(L, w, s);

	lua_pushinteger(L, r.rqueue);
	lua_pushinteger(L, r.wqueue);
	return 2;
}

static int sock_error(lua_State *L)
{
	struct lab_world *w;
	struct lab_sock *s = any(L, &w);

	if (!s->error)
		return 0;
	lua_pushstring(L, lab_errno_name(s->error));
	return 1;
}

static int sock_connected(lua_State *L)
{
	struct lab_world *w;
	struct lab_sock *s = any(L, &w);

	lua_pushboolean(L, s->connected && !s->error);
	return 1;
}

static int sock_port(lua_State *L)
{
	struct lab_world *w;
	struct lab_sock *s = any(L, &w);

	lua_pushinteger(L, s->port);
	lua_pushinteger(L, s->rport);
	return 2;
}

void lab_lua_open_sock(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"accept", sock_accept}, {"send", sock_send},
		{"recv", sock_recv},	 {"shutdown", sock_shutdown},
		{"close", sock_close},	 {"abort", sock_abort},
		{"set", sock_set},	 {"state", sock_state},
		{"timer", sock_timer},	 {"queues", sock_queues},
		{"error", sock_error},	 {"connected", sock_connected},
		{"port", sock_port},	 {NULL, NULL},
	};
	static const luaL_Reg of_host[] = {
		{"listen", host_listen},
		{"connect", host_connect},
		{"kill", host_kill},
		{NULL, NULL},
	};

	luaL_newmetatable(L, SOCK);
	luaL_newlib(L, methods);
	lua_setfield(L, -2, "__index");
	lua_pushliteral(L, "socket");
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
	luaL_setfuncs(L, of_host, 0); /* into the table at the top */
}
