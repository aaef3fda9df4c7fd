/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * words.c: the words of the peer, of time, and of what is looked at; see
 * docs/scripts.md.
 *
 * Every word fails when something came that no expect() has taken, so nothing
 * that the shard sends goes unnoticed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

#define MS 1000000ULL

enum {
	WHY_MAX = 2048,
	PUT_MAX = 32,		/* segments of one inject() */
	LOOK_AHEAD_S = 600,	/* for what came too late, to tell it */
	WAIT_MAX_MS = 100000000 /* more than a day */
};

/* What a script needs again and again, in its own words. */
static const char prelude[] =
	"S, SA, A, PA, F, FA, FPA, R, RA = 'S', 'SA', 'A', 'PA', 'F', 'FA', "
	"'FPA', 'R', 'RA'\n"
	"local listening = {}\n"
	"local function syn(flags, o)\n"
	"  return {flags, seq = o.seq or 0, mss = o.mss, wscale = o.wscale,\n"
	"    sackok = o.sackok, ts = o.ts, win = o.win, port = o.port}\n"
	"end\n"
	"function shake(o)\n"
	"  o = o or {}\n"
	"  if not listening[80] then listen(80) listening[80] = true end\n"
	"  inject(syn(S, o))\n"
	"  local sa = expect{SA, seq = 0, ack = (o.seq or 0) + 1,\n"
	"    port = o.port}\n"
	"  if o.rtt then after(o.rtt) end\n"
	"  inject{A, port = o.port, win = o.win}\n"
	"  call.accept()\n"
	"  return sa\n"
	"end\n"
	"function dial(o)\n"
	"  o = o or {}\n"
	"  call.connect(o.remote or 4000)\n"
	"  expect{S, seq = 0}\n"
	"  if o.rtt then after(o.rtt) end\n"
	"  inject(syn(SA, o))\n"
	"  return expect{A, seq = 1, ack = (o.seq or 0) + 1}\n"
	"end\n";

struct world *words_world(lua_State *L)
{
	struct world *w;

	memcpy(&w, lua_getextraspace(L), sizeof(w));
	return w;
}

/* ---- failing ---- */

/* Push "path:line: " of the script, not of the prelude's functions. */
static void push_where(lua_State *L)
{
	lua_Debug ar;

	for (int level = 1; lua_getstack(L, level, &ar); level++) {
		lua_getinfo(L, "Sl", &ar);
		if (ar.currentline > 0 && ar.source[0] == '@') {
			lua_pushfstring(L, "%s:%d: ", ar.source + 1,
					ar.currentline);
			return;
		}
	}
	lua_pushliteral(L, "");
}

void words_fail(lua_State *L, const char *format, ...)
{
	char what[WHY_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	push_where(L);
	lua_pushstring(L, what);
	lua_concat(L, 2);
	if (!words_failure(L)) {
		lua_pushvalue(L, -1);
		lua_setfield(L, LUA_REGISTRYINDEX, "failure");
	}
	lua_error(L);
	abort();
}

const char *words_failure(lua_State *L)
{
	const char *text;

	lua_getfield(L, LUA_REGISTRYINDEX, "failure");
	text = lua_tostring(L, -1);
	lua_pop(L, 1);
	return text; /* the registry keeps it */
}

void words_look(lua_State *L)
{
	struct world *w = words_world(L);

	if (w->broken[0])
		words_fail(L, "%s", w->broken);
}

void words_quiet(lua_State *L, const char *what)
{
	struct world *w = words_world(L);
	char text[WORLD_LINE];
	struct arrived *a;

	world_turn(w);
	words_look(L);
	a = world_next(w);
	if (!a)
		return;
	world_text(a->flow, &a->seg, true, text, sizeof(text));
	words_fail(
		L,
		"before %s: a segment that nobody expected:\n  came     %s\n  at       %.3f ms",
		what, text, world_ms(w, a->at_ns));
}

/* ---- the peer ---- */

static int inject(lua_State *L)
{
	struct world *w = words_world(L);
	int n = lua_gettop(L);
	struct segment *segs;
	struct flow *flows[PUT_MAX];

	words_quiet(L, "inject");
	if (n < 1 || n > PUT_MAX)
		words_fail(L, "inject: 1..%d segments", PUT_MAX);
	segs = lua_newuserdatauv(L, (size_t)n * sizeof(*segs), 0);
	for (int i = 0; i < n; i++) {
		words_segment(L, i + 1, &flows[i], &segs[i]);
		/* The next of them goes behind it. */
		if (n > 1 && !(segs[i].flags & TCP_RST) &&
		    (int32_t)(segs[i].seq + wire_len(&segs[i]) -
			      flows[i]->nxt) > 0)
			flows[i]->nxt = segs[i].seq + wire_len(&segs[i]);
	}
	world_put(w, flows, segs, n);
	words_look(L);
	return 0;
}

static int peer(lua_State *L)
{
	struct world *w = words_world(L);

	words_quiet(L, "peer");
	w->flow = world_flow(w, (uint16_t)luaL_checkinteger(L, 1));
	if (!w->flow)
		words_fail(L, "more than %d ports of the peer's", WORLD_FLOWS);
	return 0;
}

static int renumber(lua_State *L)
{
	struct flow *f = words_world(L)->flow;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_getfield(L, 1, "seq");
	lua_getfield(L, 1, "ack");
	world_renumber(f, f->our_iss + (uint32_t)luaL_checkinteger(L, -2),
		       f->peer_iss + (uint32_t)luaL_checkinteger(L, -1) - 1);
	return 0;
}

/* ---- expectations ---- */

/* When does it come after all? For who reads the failure. */
static void tell_later(lua_State *L, char *out, size_t size)
{
	struct world *w = words_world(L);
	uint64_t from = w->now_ns;
	char text[WORLD_LINE];
	struct arrived *a;

	world_wait(w, from + LOOK_AHEAD_S * 1000 * MS, true);
	a = world_next(w);
	if (!a) {
		snprintf(out, size, "nothing, for %d s more", LOOK_AHEAD_S);
		return;
	}
	world_text(a->flow, &a->seg, true, text, sizeof(text));
	snprintf(out, size, "%.0f ms later %s",
		 (double)(a->at_ns - from) / (double)MS, text);
}

/* Take the next one that came; it must be as the table at `at`. */
static int take(lua_State *L, int at)
{
	struct world *w = words_world(L);
	struct arrived *a = world_next(w);
	char want[WORLD_LINE], came[2 * WORLD_LINE], why[WORLD_LINE];

	words_look(L);
	if (!a) {
		struct arrived none = {.flow = w->flow};

		words_compare(L, at, &none, why, sizeof(why)); /* its fields */
		words_want(L, at, want, sizeof(want));
		tell_later(L, came, sizeof(came));
		words_fail(L, "nothing came\n  expected %s\n  came     %s",
			   want, came);
	}
	words_compare(L, at, a, why, sizeof(why));
	if (why[0]) {
		words_want(L, at, want, sizeof(want));
		world_text(a->flow, &a->seg, true, came, sizeof(came));
		words_fail(
			L,
			"not as expected: %s\n  expected %s\n  came     %s\n  at       %.3f ms",
			why, want, came, world_ms(w, a->at_ns));
	}
	words_push_segment(L, w, a);
	world_take(w);
	return 1;
}

static int expect(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	world_turn(words_world(L));
	return take(L, 1);
}

static uint64_t check_ms(lua_State *L, int at)
{
	lua_Number ms = luaL_checknumber(L, at);

	if (ms < 0 || ms > WAIT_MAX_MS)
		words_fail(L, "0..%d ms", WAIT_MAX_MS);
	return (uint64_t)(ms * (lua_Number)MS);
}

/* Nothing until the last millisecond of `ns`. */
static void stay_quiet(lua_State *L, uint64_t ns)
{
	struct world *w = words_world(L);
	uint64_t from = w->now_ns;
	char came[WORLD_LINE];
	struct arrived *a;

	world_wait(w, from + ns, true);
	words_look(L);
	a = world_next(w);
	if (!a)
		return;
	world_text(a->flow, &a->seg, true, came, sizeof(came));
	words_fail(
		L,
		"too early, after %.3f ms instead of more than %.3f\n  came     %s",
		(double)(a->at_ns - from) / (double)MS, (double)ns / (double)MS,
		came);
}

static int expect_after(lua_State *L)
{
	struct world *w = words_world(L);
	uint64_t ns = check_ms(L, 1);

	luaL_checktype(L, 2, LUA_TTABLE);
	lua_settop(L, 2);
	words_quiet(L, "expect_after");
	if (ns < MS)
		words_fail(L, "expect_after: 1 ms or more; else expect");
	stay_quiet(L, ns - MS);
	world_wait(w, w->now_ns + MS, false);
	return take(L, 2);
}

static int expect_nothing(lua_State *L)
{
	uint64_t ns = lua_isnoneornil(L, 1) ? 0 : check_ms(L, 1);

	words_quiet(L, "expect_nothing");
	if (ns)
		stay_quiet(L, ns);
	return 0;
}

/* What comes meanwhile waits for expect(). */
static int after(lua_State *L)
{
	struct world *w = words_world(L);
	uint64_t ns = check_ms(L, 1);

	words_quiet(L, "after");
	world_wait(w, w->now_ns + ns, false);
	words_look(L);
	return 0;
}

static int now(lua_State *L)
{
	struct world *w = words_world(L);

	lua_pushnumber(L, world_ms(w, w->now_ns));
	return 1;
}

/* ---- looking ---- */

/* The row of the pair; state 0: there is none. */
static struct lull_row row_of_flow(const struct world *w)
{
	struct lull_pair pair = {
		.local = {wire_addr(w->v6, 2), w->flow->our_port},
		.remote = {wire_addr(w->v6, 1), w->flow->peer_port},
	};
	struct lull_row row = {0};

	(void)lull_diag_find(w->s, &pair, &row, 1);
	return row;
}

static int state(lua_State *L)
{
	const char *want = luaL_checkstring(L, 1), *is = "CLOSED";
	struct world *w = words_world(L);
	struct lull_row row = row_of_flow(w);

	if (row.state)
		is = lull_state_name((enum lull_tcp_state)row.state);
	if (strcmp(want, is) != 0)
		words_fail(L, "the state\n  expected %s\n  is       %s", want,
			   is);
	return 0;
}

/* How long the pair's timer still runs, in ms. */
static int left(lua_State *L)
{
	lua_pushinteger(L, row_of_flow(words_world(L)).timer_ms);
	return 1;
}

static int counter(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	struct world *w = words_world(L);
	struct lull_counter c;

	for (uint32_t i = 0; lull_diag_counter(w->s, i, &c); i++)
		if (strcmp(c.name, name) == 0 && strcmp(c.group, "Drop") != 0) {
			lua_pushinteger(L, (lua_Integer)c.value);
			return 1;
		}
	words_fail(L, "no counter '%s'", name);
}

static int refused(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	struct world *w = words_world(L);
	struct lull_counter c;

	for (uint32_t i = 0; lull_diag_counter(w->s, i, &c); i++)
		if (strcmp(c.name, name) == 0 && strcmp(c.group, "Drop") == 0) {
			lua_pushinteger(L, (lua_Integer)c.value);
			return 1;
		}
	words_fail(L, "no drop '%s'", name);
}

static int sysctl(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	const char *value = luaL_checkstring(L, 2);
	struct world *w = words_world(L);
	int error = lull_sysctl_set(w->s, name, value, NULL);

	if (error)
		words_fail(L, "sysctl %s=%s: %s", name, value,
			   strerror(-error));
	world_log(w, "   %s=%s", name, value);
	return 0;
}

static int is(lua_State *L)
{
	luaL_checkany(L, 1);
	luaL_checkany(L, 2);
	lua_settop(L, 3);
	if (!lua_compare(L, 1, 2, LUA_OPEQ))
		words_fail(L, "%s\n  expected %.200s\n  is       %.200s",
			   luaL_optstring(L, 3, "not as expected"),
			   luaL_tolstring(L, 2, NULL),
			   luaL_tolstring(L, 1, NULL));
	return 0;
}

static int check(lua_State *L)
{
	if (!lua_toboolean(L, 1))
		words_fail(L, "%s", luaL_optstring(L, 2, "it is not so"));
	return 0;
}

/* For one kind of world: elsewhere the script ends here, and counts not. */
static int only(lua_State *L)
{
	struct world *w = words_world(L);
	const char *kind = luaL_checkstring(L, 1);
	bool as_linux = w->profile == LULL_PROFILE_LINUX, fits = false;

	if (w->lines)
		words_fail(L, "only: first, before anything happens");
	if (strcmp(kind, "lull") == 0)
		fits = !as_linux;
	else if (strcmp(kind, "linux") == 0)
		fits = as_linux;
	else if (strcmp(kind, "ipv4") == 0)
		fits = !w->v6;
	else if (strcmp(kind, "ipv6") == 0)
		fits = w->v6;
	else
		words_fail(L, "only: lull, linux, ipv4 or ipv6");
	if (fits)
		return 0;
	lua_pushboolean(L, 1);
	lua_setfield(L, LUA_REGISTRYINDEX, "passed over");
	return luaL_error(L, "passed over");
}

bool words_passed_over(lua_State *L)
{
	bool yes = lua_getfield(L, LUA_REGISTRYINDEX, "passed over") ==
		   LUA_TBOOLEAN;

	lua_pop(L, 1);
	return yes;
}

/* The bytes that {..., len=n} stands for. */
static int text(lua_State *L)
{
	lua_Integer n = luaL_checkinteger(L, 1);
	luaL_Buffer b;

	luaL_argcheck(L, n >= 0 && n <= 1000000, 1, "0..1000000");
	luaL_buffinit(L, &b);
	for (lua_Integer i = 0; i < n; i++)
		luaL_addchar(&b, (char)('0' + i % 10));
	luaL_pushresult(&b);
	return 1;
}

static void print_line(void *ctx, const char *line)
{
	world_log(ctx, "   %s", line);
}

void words_add(lua_State *L, struct world *w)
{
	static const luaL_Reg words[] = {
		{"inject", inject},
		{"peer", peer},
		{"renumber", renumber},
		{"expect", expect},
		{"expect_after", expect_after},
		{"expect_nothing", expect_nothing},
		{"after", after},
		{"now", now},
		{"state", state},
		{"left", left},
		{"counter", counter},
		{"refused", refused},
		{"sysctl", sysctl},
		{"is", is},
		{"check", check},
		{"only", only},
		{"text", text},
		{NULL, NULL},
	};

	memcpy(lua_getextraspace(L), &w, sizeof(w));
	sandbox_print_to(L, print_line, w);
	lua_pushglobaltable(L);
	luaL_setfuncs(L, words, 0);
	lua_pushboolean(L, w->profile == LULL_PROFILE_LINUX);
	lua_setfield(L, -2, "linux");
	lua_pushboolean(L, w->v6);
	lua_setfield(L, -2, "ipv6");
	lua_pushinteger(L, w->v6 ? 1440 : 1460);
	lua_setfield(L, -2, "mss");
	lua_pop(L, 1);
	words_add_calls(L);
	if (luaL_loadbufferx(L, prelude, sizeof(prelude) - 1, "=prelude",
			     "t") != LUA_OK ||
	    lua_pcall(L, 0, 0, 0) != LUA_OK) {
		fprintf(stderr, "%s\n", lua_tostring(L, -1));
		abort();
	}
}
