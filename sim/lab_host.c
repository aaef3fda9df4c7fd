/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_host.c: what a script can call of hosts: make them, ask them, have them
 * crash; and send as a crafted end.
 *
 * Entry points: lab_lua_open_host, lab_lua_check_host.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "lab.h"
#include "sandbox.h"

#define HOST "host"

enum {
	HOST_CONNS = 4096,
	HOST_CLOSING = 65536,
};

#define ADDR_FIRST 0x0a000001U /* 10.0.0.1 */

int lab_lua_check_host(lua_State *L, int at)
{
	int *i = luaL_checkudata(L, at, HOST);

	if (*i >= lab_lua_world(L)->hosts)
		lab_lua_error(L, "this host is of another case");
	return *i;
}

/* ---- hosts ---- */

static void add_knob(lua_State *L, struct lab_host *h, const char *knob)
{
	if (h->knobs == LAB_KNOBS_MAX)
		lab_lua_error(L, "more than %d knobs", LAB_KNOBS_MAX);
	snprintf(h->knob[h->knobs++], LAB_TEXT, "%s", knob);
}

static struct lab_host *new_host(lua_State *L, struct lab_world *w)
{
	struct lab_host *h = &w->host[w->hosts];
	int *i;

	if (w->hosts == LAB_HOSTS_MAX)
		lab_lua_error(L, "more than %d hosts", LAB_HOSTS_MAX);
	*h = (struct lab_host){.tun = -1};
	lab_copy_text(h->name, sizeof h->name, luaL_checkstring(L, 1));
	h->addr = ADDR_FIRST + (uint32_t)w->hosts;
	i = lua_newuserdatauv(L, sizeof *i, 0);
	*i = w->hosts;
	luaL_setmetatable(L, HOST);
	return h;
}

static void configure(lua_State *L, struct lab_host *h)
{
	const char *profile = "linux";

	lull_config_init(&h->config, HOST_CONNS, HOST_CLOSING);
	h->config.limits.traces = 1 << 12;
	h->config.mtu = 1500;
	if (lua_istable(L, 2)) {
		for (int i = 1; lua_geti(L, 2, i) == LUA_TSTRING; i++) {
			add_knob(L, h, lua_tostring(L, -1));
			lua_pop(L, 1);
		}
		lua_pop(L, 1);
		lua_getfield(L, 2, "profile");
		profile = luaL_optstring(L, -1, profile);
		if (!strcmp(profile, "linux"))
			h->config.profile = LULL_PROFILE_LINUX;
		else if (strcmp(profile, "lull") != 0)
			lab_lua_error(L, "no profile %s", profile);
		lua_pop(L, 1);
	} else {
		h->config.profile = LULL_PROFILE_LINUX;
	}
}

static bool has_kernel(const struct lab_world *w)
{
	for (int i = 0; i < w->hosts; i++)
		if (w->host[i].kind == LAB_KERNEL)
			return true;
	return false;
}

/* host(name, {"knob=value", ..., profile=, peer=}): the first one that is no
 * peer is the kernel, where scripts run on it. */
static int make_host(lua_State *L)
{
	struct lab_world *w = lab_lua_world(L);
	struct lab_host *h = new_host(L, w);
	bool peer = false;
	int e;

	configure(L, h);
	if (lua_istable(L, 2)) {
		lua_getfield(L, 2, "peer");
		peer = lua_toboolean(L, -1);
		lua_pop(L, 1);
	}
	if (lab_lua_run(L)->on_kernel && !peer && !has_kernel(w)) {
		h->kind = LAB_KERNEL;
		w->hosts++;
		/* The clock changes: it is the first host of its case, or
		 * nothing has happened yet. */
		if (lab_world_now(w))
			lab_lua_error(L, "hosts come first");
		w->now_ns = w->start_ns = lull_clock_ns();
		e = lab_kernel_open(w, w->hosts - 1);
		for (int i = 0; i < w->hosts - 1 && e == 0; i++)
			if (w->host[i].kind == LAB_STACK) {
				lab_stack_close(&w->host[i]);
				e = lab_stack_open(w, i);
			}
	} else {
		h->kind = LAB_STACK;
		w->hosts++;
		e = lab_stack_open(w, w->hosts - 1);
	}
	if (e < 0)
		return lab_lua_fail(L, e);
	return 1;
}

static int make_craft(lua_State *L)
{
	struct lab_world *w = lab_lua_world(L);
	struct lab_host *h = new_host(L, w);

	h->kind = LAB_CRAFT;
	h->up = true;
	w->hosts++;
	return 1;
}

static struct lab_host *self(lua_State *L)
{
	return &lab_lua_world(L)->host[lab_lua_check_host(L, 1)];
}

static int host_name(lua_State *L)
{
	lua_pushstring(L, self(L)->name);
	return 1;
}

static int host_count(lua_State *L)
{
	struct lab_host *h = self(L);
	const char *name = luaL_checkstring(L, 2);
	bool found = false;
	uint64_t v = 0;

	if (h->kind == LAB_STACK && h->up)
		v = lab_stack_count(h, name, &found);
	else if (h->kind == LAB_KERNEL)
		v = lab_kernel_count(h, name, &found);
	if (!found)
		return lab_lua_error(L, "no counter %s", name);
	lua_pushinteger(L, (lua_Integer)v);
	return 1;
}

static int host_sysctl(lua_State *L)
{
	struct lab_host *h = self(L);
	const char *name = luaL_checkstring(L, 2);
	const char *value = luaL_optstring(L, 3, NULL);
	char out[LAB_TEXT] = "";
	int e = -EINVAL;

	if (h->kind == LAB_STACK && h->up)
		e = lab_stack_knob(h, name, value, out, sizeof out);
	else if (h->kind == LAB_KERNEL)
		e = lab_kernel_knob(h, name, value, out, sizeof out);
	if (e < 0) {
		lua_pushnil(L);
		lua_pushstring(L, lab_errno_name(e));
		return 2;
	}
	if (value)
		lua_pushboolean(L, true);
	else
		lua_pushstring(L, out);
	return 1;
}

/* How many rows are in each state: {TIME_WAIT = 3}. */
static int host_states(lua_State *L)
{
	struct lab_host *h = self(L);
	lua_Integer n[LULL_TCP_STATES] = {0};
	struct lab_krow *rows = NULL;
	size_t len = 0;
	int e = 0;

	if (h->kind == LAB_STACK && h->up)
		e = lab_stack_rows(h, &rows, &len);
	else if (h->kind == LAB_KERNEL)
		e = lab_kernel_rows(h, &rows, &len);
	if (e < 0)
		return lab_lua_fail(L, e);
	for (size_t i = 0; i < len; i++)
		n[rows[i].state]++;
	free(rows);
	sandbox_spend(L, len);
	lua_createtable(L, 0, LULL_TCP_STATES);
	for (uint8_t i = 1; i < LULL_TCP_STATES; i++) {
		lua_pushinteger(L, n[i]);
		lua_setfield(L, -2, lab_state_name(i));
	}
	return 1;
}

/* All that a host has in memory is gone; nobody is told. */
static int host_crash(lua_State *L)
{
	struct lab_world *w = lab_lua_world(L);
	struct lab_host *h = self(L);
	int host = lab_lua_check_host(L, 1);
	struct lab_mark *m;

	lab_lua_check_bending(L);
	if (h->kind == LAB_KERNEL)
		return lab_lua_error(L, "the kernel is not ours to crash");
	if (!h->up)
		return lab_lua_error(L, "%s is down", h->name);
	for (size_t i = 0; i < w->socks; i++)
		if (w->sock[i].host == host)
			w->sock[i].open = false;
	if (h->kind == LAB_STACK)
		lab_stack_close(h);
	h->up = false;
	m = lab_world_mark(w, LAB_MARK_NOTE, host);
	if (m)
		snprintf(m->text, sizeof m->text, "host is down");
	return 0;
}

static int host_restart(lua_State *L)
{
	struct lab_world *w = lab_lua_world(L);
	struct lab_host *h = self(L);
	int e = 0;
	struct lab_mark *m;

	if (h->up)
		return lab_lua_error(L, "%s is up", h->name);
	if (h->kind == LAB_STACK)
		e = lab_stack_open(w, lab_lua_check_host(L, 1));
	if (e < 0)
		return lab_lua_fail(L, e);
	h->up = true;
	m = lab_world_mark(w, LAB_MARK_NOTE, lab_lua_check_host(L, 1));
	if (m)
		snprintf(m->text, sizeof m->text, "host is up again");
	return 0;
}

/* ---- crafted ends ---- */

static uint32_t u32(lua_State *L, const char *name, uint32_t def)
{
	uint32_t v = def;

	if (lua_getfield(L, 2, name) != LUA_TNIL)
		v = (uint32_t)luaL_checkinteger(L, -1);
	lua_pop(L, 1);
	return v;
}

static uint8_t read_flags(lua_State *L)
{
	static const char letters[] = "FSRPA";
	const char *p, *at;
	uint8_t flags = 0;

	lua_getfield(L, 2, "flags");
	for (p = luaL_checkstring(L, -1); *p; p++) {
		at = strchr(letters, *p);
		if (!at)
			lab_lua_error(L, "no flag %c; there are S, F, R, P, A",
				      *p);
		else
			flags |= (uint8_t)(1U << (at - letters));
	}
	lua_pop(L, 1);
	return flags;
}

/* craft:send{to=, sport=, dport=, flags="SA", seq=, ack=, ts=, tsecr=, text=}
 */
static int craft_send(lua_State *L)
{
	struct lab_world *w = lab_lua_world(L);
	int host = lab_lua_check_host(L, 1), to;
	uint8_t packet[LAB_PACKET];
	struct lab_seg s = {0};
	size_t len = 0;

	if (w->host[host].kind != LAB_CRAFT)
		return lab_lua_error(L, "%s has a stack of its own",
				     w->host[host].name);
	luaL_checktype(L, 2, LUA_TTABLE);
	lua_getfield(L, 2, "to");
	to = lab_lua_check_host(L, -1);
	lua_pop(L, 1);
	s.src = w->host[host].addr;
	s.dst = w->host[to].addr;
	s.sport = (uint16_t)u32(L, "sport", 0);
	s.dport = (uint16_t)u32(L, "dport", 0);
	s.flags = read_flags(L);
	s.seq = u32(L, "seq", 0);
	s.ack = u32(L, "ack", 0);
	s.wnd = (uint16_t)u32(L, "wnd", 65535);
	s.mss = (uint16_t)u32(L, "mss", s.flags & LAB_SYN ? 1460 : 0);
	s.has_ts = lua_getfield(L, 2, "ts") != LUA_TNIL;
	lua_pop(L, 1);
	s.tsval = u32(L, "ts", 0);
	s.tsecr = u32(L, "tsecr", 0);
	s.has_sack = lua_getfield(L, 2, "sack") != LUA_TNIL;
	lua_pop(L, 1);
	lua_getfield(L, 2, "text");
	s.text = (const uint8_t *)luaL_optlstring(L, -1, "", &len);
	s.len = (uint32_t)len;
	lab_world_send(w, host, packet, lab_seg_build(&s, packet));
	lua_pop(L, 1);
	return 0;
}

void lab_lua_set_int(lua_State *L, const char *name, int64_t v)
{
	lua_pushinteger(L, v);
	lua_setfield(L, -2, name);
}

void lab_lua_set_flags(lua_State *L, uint8_t flags)
{
	static const char letters[] = "SFRA";
	static const uint8_t bits[] = {LAB_SYN, LAB_FIN, LAB_RST, LAB_ACK};
	char text[8];
	int n = 0;

	for (int i = 0; i < 4; i++)
		if (flags & bits[i])
			text[n++] = letters[i];
	lua_pushlstring(L, text, (size_t)n);
	lua_setfield(L, -2, "flags");
}

/* What came, one a call, with its numbers as they are; nil: no more. */
static int craft_got(lua_State *L)
{
	struct lab_host *h = self(L);
	const struct lab_got *g;

	if (h->gots_read == h->gots)
		return 0;
	g = &h->got[h->gots_read++];
	lua_createtable(L, 0, 10);
	lab_lua_set_flags(L, g->seg.flags);
	lab_lua_set_int(L, "seq", g->seg.seq);
	lab_lua_set_int(L, "ack", g->seg.ack);
	lab_lua_set_int(L, "len", g->seg.len);
	lab_lua_set_int(L, "sport", g->seg.sport);
	lab_lua_set_int(L, "dport", g->seg.dport);
	lab_lua_set_int(L, "wnd", g->seg.wnd);
	if (g->seg.has_ts) {
		lab_lua_set_int(L, "ts", g->seg.tsval);
		lab_lua_set_int(L, "tsecr", g->seg.tsecr);
	}
	lua_pushstring(L, g->text);
	lua_setfield(L, -2, "text");
	return 1;
}

void lab_lua_open_host(lua_State *L)
{
	static const luaL_Reg globals[] = {
		{"craft", make_craft},
		{"host", make_host},
		{NULL, NULL},
	};
	static const luaL_Reg methods[] = {
		{"name", host_name},
		{"count", host_count},
		{"sysctl", host_sysctl},
		{"states", host_states},
		{"crash", host_crash},
		{"restart", host_restart},
		{"send", craft_send},
		{"got", craft_got},
		{NULL, NULL},
	};

	luaL_newmetatable(L, HOST);
	luaL_newlib(L, methods);
	lab_lua_open_sock(L);
	lua_setfield(L, -2, "__index");
	lua_pushliteral(L, "host");
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
	luaL_setfuncs(L, globals, 0);
}
