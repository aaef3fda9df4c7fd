/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_wire.c: what a script can call of the wire, the clock and the log.
 *
 * Entry point: lab_lua_open_wire.
 */
#include <math.h>
#include <string.h>

#include <lauxlib.h>

#include "lab.h"
#include "sandbox.h"

enum {
	STEP_NS = 10000000, /* how often until_true() looks */
	MARK_STEPS = 50,    /* of Lua: what it takes to show one */
};

static uint64_t check_ns(lua_State *L, int at)
{
	double s = luaL_checknumber(L, at);

	luaL_argcheck(L, s >= 0 && s < 1e9, at, "not a time in seconds");
	return (uint64_t)llround(s * 1e9);
}

/* ---- the wire, the clock ---- */

/* A segment of the log, as scripts see it. */
static void push_mark(lua_State *L, const struct lab_mark *m)
{
	static const char *const fates[] = {"under way", "arrived", "lost",
					    "nobody"};
	const struct lab_world *w = lab_lua_run(L)->world;

	lua_createtable(L, 0, 16);
	lab_lua_set_flags(L, m->seg.flags);
	lua_pushnumber(L, (double)m->at_ns / 1e9);
	lua_setfield(L, -2, "t");
	lua_pushstring(L, w->host[m->host].name);
	lua_setfield(L, -2, "from");
	lua_pushstring(L, m->to < 0 ? "?" : w->host[m->to].name);
	lua_setfield(L, -2, "to");
	lua_pushstring(L, fates[m->fate]);
	lua_setfield(L, -2, "fate");
	lab_lua_set_int(L, "seq", m->seq);
	lab_lua_set_int(L, "ack", m->ack);
	lab_lua_set_int(L, "len", m->seg.len);
	lab_lua_set_int(L, "sport", m->seg.sport);
	lab_lua_set_int(L, "dport", m->seg.dport);
	lab_lua_set_int(L, "wnd", m->seg.wnd);
	if (m->seg.has_ts)
		lab_lua_set_int(L, "ts", m->seg.tsval);
	lua_pushstring(L, m->text);
	lua_setfield(L, -2, "text");
	lua_pushboolean(L, m->again);
	lua_setfield(L, -2, "again");
	lua_pushboolean(L, m->probe);
	lua_setfield(L, -2, "probe");
}

static void read_bend(lua_State *L, struct lab_bend *bend)
{
	switch (lua_type(L, -1)) {
	case LUA_TNIL:
		break;
	case LUA_TNUMBER:
		bend->late_ns = check_ns(L, -1);
		break;
	case LUA_TTABLE:
		lua_getfield(L, -1, "copy");
		bend->twice = true;
		bend->copy_ns = check_ns(L, -1);
		lua_pop(L, 1);
		break;
	default:
		if (strcmp(luaL_checkstring(L, -1), "lose") != 0)
			lab_lua_error(L, "the wire can't %s",
				      lua_tostring(L, -1));
		bend->lose = true;
	}
}

static void bend(void *arg, const struct lab_mark *m, struct lab_bend *bend)
{
	lua_State *L = arg;
	struct lab_world *w = lab_lua_world(L);
	int e;

	if (lua_getfield(L, LUA_REGISTRYINDEX, "lab.wire") != LUA_TFUNCTION) {
		lua_pop(L, 1);
		return;
	}
	push_mark(L, m);
	w->bending++;
	e = lua_pcall(L, 1, 1, 0);
	w->bending--;
	if (e != LUA_OK)
		lua_error(L);
	read_bend(L, bend);
	lua_pop(L, 1);
}

/* wire(function) or wire{delay=seconds} */
static int set_wire(lua_State *L)
{
	struct lab_world *w = lab_lua_world(L);

	if (lua_istable(L, 1)) {
		lua_getfield(L, 1, "delay");
		w->delay_ns = check_ns(L, -1);
		return 0;
	}
	if (!lua_isnil(L, 1))
		luaL_checktype(L, 1, LUA_TFUNCTION);
	lua_settop(L, 1);
	w->bend = lua_isnil(L, 1) ? NULL : bend;
	w->bend_arg = L;
	lua_setfield(L, LUA_REGISTRYINDEX, "lab.wire");
	return 0;
}

static int run_until(lua_State *L, struct lab_world *w, uint64_t ns)
{
	struct lab_run *run = lab_lua_run(L);
	int e;

	lab_lua_check_bending(L);
	if (w->real) {
		uint64_t begun = lull_clock_ns() - run->real_start_ns;

		if (begun + (ns - lab_world_now(w)) >
		    LAB_REAL_SECONDS * 1000000000ULL)
			return lab_lua_error(
				L,
				"this takes more than %d s of real "
				"time: say not_on_kernel",
				LAB_REAL_SECONDS);
	}
	e = lab_world_run(w, ns);
	return e < 0 ? lab_lua_fail(L, e) : 0;
}

static int run_for(lua_State *L)
{
	struct lab_world *w = lab_lua_world(L);

	run_until(L, w, lab_world_now(w) + check_ns(L, 1));
	return 0;
}

/* until_true(function, seconds, step): whether it came to be. */
static int until_true(lua_State *L)
{
	struct lab_world *w = lab_lua_world(L);
	uint64_t end = lab_world_now(w) + check_ns(L, 2);
	uint64_t step = lua_isnoneornil(L, 3) ? STEP_NS : check_ns(L, 3);

	luaL_argcheck(L, step > 0, 3, "must be above 0");
	for (;;) {
		lua_pushvalue(L, 1);
		lua_call(L, 0, 1);
		if (lua_toboolean(L, -1) || lab_world_now(w) >= end)
			return 1;
		lua_pop(L, 1);
		run_until(L, w, lab_world_now(w) + step);
	}
}

static int now(lua_State *L)
{
	lua_pushnumber(L, (double)lab_world_now(lab_lua_world(L)) / 1e9);
	return 1;
}

static int on_kernel(lua_State *L)
{
	lua_pushboolean(L, lab_lua_run(L)->on_kernel);
	return 1;
}

/* ---- the log ---- */

/* segments(): all that passed the wire in this case. */
static int segments(lua_State *L)
{
	struct lab_world *w = lab_lua_world(L);
	lua_Integer n = 0;

	lua_newtable(L);
	for (size_t i = 0; i < w->log.n; i++) {
		if (w->log.mark[i].kind != LAB_MARK_SEGMENT)
			continue;
		sandbox_spend(L, MARK_STEPS);
		push_mark(L, &w->log.mark[i]);
		lua_seti(L, -2, ++n);
	}
	return 1;
}

/* history(host): its changes of state, {t=, state=, port=, why=}. */
static int history(lua_State *L)
{
	struct lab_world *w = lab_lua_world(L);
	int host = lab_lua_check_host(L, 1);
	lua_Integer n = 0;

	sandbox_spend(L, w->log.n);
	lua_newtable(L);
	for (size_t i = 0; i < w->log.n; i++) {
		const struct lab_mark *m = &w->log.mark[i];

		if (m->kind != LAB_MARK_STATE || m->host != host || !m->flow)
			continue;
		sandbox_spend(L, MARK_STEPS);
		lua_createtable(L, 0, 4);
		lua_pushnumber(L, (double)m->at_ns / 1e9);
		lua_setfield(L, -2, "t");
		lua_pushstring(L, lab_state_name(m->state));
		lua_setfield(L, -2, "state");
		lua_pushstring(L, m->text);
		lua_setfield(L, -2, "why");
		lab_lua_set_int(L, "port", m->port);
		lua_seti(L, -2, ++n);
	}
	return 1;
}

/* note(host, text) */
static int note(lua_State *L)
{
	struct lab_world *w = lab_lua_world(L);
	int host = lab_lua_check_host(L, 1);
	struct lab_mark *m = lab_world_mark(w, LAB_MARK_NOTE, host);

	if (!m)
		return lab_lua_fail(L, lab_world_overflows(w));
	lab_copy_text(m->text, sizeof m->text, luaL_checkstring(L, 2));
	return 0;
}

/* timer(host, text, from, to) */
static int timer(lua_State *L)
{
	struct lab_world *w = lab_lua_world(L);
	int host = lab_lua_check_host(L, 1);
	struct lab_mark *m = lab_world_mark(w, LAB_MARK_TIMER, host);

	if (!m)
		return lab_lua_fail(L, lab_world_overflows(w));
	lab_copy_text(m->text, sizeof m->text, luaL_checkstring(L, 2));
	m->at_ns = check_ns(L, 3);
	m->end_ns = check_ns(L, 4);
	return 0;
}

/* follow(n, {ts=true}): so many connections are drawn. */
static int follow(lua_State *L)
{
	struct lab_run *run = lab_lua_run(L);

	lab_lua_world(L);
	run->at->follow = (uint32_t)luaL_checkinteger(L, 1);
	if (lua_istable(L, 2)) {
		lua_getfield(L, 2, "ts");
		run->at->show_ts = lua_toboolean(L, -1);
	}
	return 0;
}

void lab_lua_open_wire(lua_State *L)
{
	static const luaL_Reg globals[] = {
		{"follow", follow},
		{"history", history},
		{"note", note},
		{"now", now},
		{"on_kernel", on_kernel},
		{"run", run_for},
		{"segments", segments},
		{"timer", timer},
		{"until_true", until_true},
		{"wire", set_wire},
		{NULL, NULL},
	};

	luaL_setfuncs(L, globals, 0);
}
