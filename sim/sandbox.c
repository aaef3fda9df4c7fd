/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sandbox.c: a Lua state that knows no clock, no chance and no file, and that
 * ends; see sandbox.h. What a library would do otherwise is replaced when the
 * state is made, before any script has seen it.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lualib.h>

#include "sandbox.h"

enum {
	STEPS_LOOKED_AT = 1000, /* the hook is called after so many */
	REPEAT_MAX = 10000000,	/* of one call that loops in C without memory */
};

struct sandbox {
	size_t bytes;
	uint64_t steps, steps_max;
	bool over; /* steps_max was reached */
	sandbox_print *print;
	void *print_ctx;
};

/* ---- bounds ---- */

static void *alloc(void *ud, void *ptr, size_t old, size_t size)
{
	struct sandbox *s = ud;
	size_t had = ptr ? old : 0;
	void *p;

	if (size == 0) {
		free(ptr);
		s->bytes -= had;
		return NULL;
	}
	if (size > had && s->bytes - had + size > SANDBOX_BYTES_MAX)
		return NULL;
	p = realloc(ptr, size);
	if (p)
		s->bytes += size - had;
	return p;
}

/* The state's own data; lua_getextraspace() is left to others. */
static struct sandbox *own(lua_State *L)
{
	void *ud;

	lua_getallocf(L, &ud);
	return ud;
}

/* From the limit on every instruction fails, so that no pcall goes on. */
static void on_count(lua_State *L, lua_Debug *ar)
{
	if (own(L)->over)
		sandbox_spend(L, 0);
	else
		sandbox_spend(L, (uint64_t)lua_gethookcount(L));
}

void sandbox_spend(lua_State *L, uint64_t steps)
{
	struct sandbox *s = own(L);

	if (!s->over) {
		s->steps += steps;
		if (s->steps < s->steps_max)
			return;
		s->over = true;
		lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
	}
	luaL_where(L, 0);
	lua_pushfstring(L, "more than %I steps", (LUAI_UACINT)s->steps_max);
	lua_concat(L, 2);
	lua_error(L);
}

/* ---- what a value looks like ---- */

/* luaL_tolstring() without addresses. Pushes a string. */
static const char *push_text(lua_State *L, int at)
{
	int type = lua_type(L, at);

	at = lua_absindex(L, at);
	if (type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER ||
	    type == LUA_TSTRING)
		return luaL_tolstring(L, at, NULL);
	if (luaL_getmetafield(L, at, "__tostring") != LUA_TNIL) {
		lua_pop(L, 1);
		return luaL_tolstring(L, at, NULL);
	}
	type = luaL_getmetafield(L, at, "__name");
	if (type == LUA_TSTRING)
		return lua_tostring(L, -1);
	if (type != LUA_TNIL)
		lua_pop(L, 1);
	return lua_pushstring(L, luaL_typename(L, at));
}

static int tostring(lua_State *L)
{
	luaL_checkany(L, 1);
	push_text(L, 1);
	return 1;
}

static int print(lua_State *L)
{
	struct sandbox *s = own(L);
	int i, n = lua_gettop(L);
	luaL_Buffer line;

	luaL_buffinit(L, &line);
	for (i = 1; i <= n; i++) {
		if (i > 1)
			luaL_addchar(&line, '\t');
		push_text(L, i);
		luaL_addvalue(&line);
	}
	luaL_pushresult(&line);
	if (s->print)
		s->print(s->print_ctx, lua_tostring(L, -1));
	else
		puts(lua_tostring(L, -1));
	return 0;
}

/* string.format: upvalue 1 is Lua's. */
static int format(lua_State *L)
{
	const char *f = luaL_checkstring(L, 1);
	int i, n = lua_gettop(L);

	while ((f = strchr(f, '%'))) {
		f++;
		f += strspn(f, "-+ #0123456789.");
		if (*f == 'p')
			return luaL_error(L, "format: %%p tells an address");
		if (*f)
			f++;
	}
	for (i = 2; i <= n; i++) {
		if (lua_type(L, i) < LUA_TTABLE &&
		    lua_type(L, i) != LUA_TLIGHTUSERDATA)
			continue;
		push_text(L, i);
		lua_replace(L, i);
	}
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, n, 1);
	return 1;
}

/* ---- tables in order ---- */

struct key {
	bool is_text, is_int;
	lua_Integer i;
	lua_Number f;
	const char *text;
	size_t len;
};

/* The key at the top of the stack. What it points to lives as its table. */
static struct key read_key(lua_State *L)
{
	struct key k = {0};
	int type = lua_type(L, -1);

	if (type == LUA_TSTRING) {
		k.is_text = true;
		k.text = lua_tolstring(L, -1, &k.len);
	} else if (lua_isinteger(L, -1)) {
		k.is_int = true;
		k.i = lua_tointeger(L, -1);
	} else if (type == LUA_TNUMBER) {
		k.f = lua_tonumber(L, -1);
	} else {
		luaL_error(L, "a key that is a %s has no order",
			   lua_typename(L, type));
	}
	return k;
}

static void push_key(lua_State *L, const struct key *k)
{
	if (k->is_text)
		lua_pushlstring(L, k->text, k->len);
	else if (k->is_int)
		lua_pushinteger(L, k->i);
	else
		lua_pushnumber(L, k->f);
}

static int compare_keys(const void *pa, const void *pb)
{
	const struct key *a = pa, *b = pb;
	long double x, y;
	size_t len;
	int c;

	if (a->is_text != b->is_text)
		return a->is_text ? 1 : -1;
	if (!a->is_text) {
		x = a->is_int ? (long double)a->i : (long double)a->f;
		y = b->is_int ? (long double)b->i : (long double)b->f;
		return (x > y) - (x < y);
	}
	len = a->len < b->len ? a->len : b->len;
	c = memcmp(a->text, b->text, len);
	return c ? c : (a->len > b->len) - (a->len < b->len);
}

/* One step of pairs(): upvalues are the keys, and how many were told. A key
 * that has gone since is passed over. */
static int pairs_step(lua_State *L)
{
	lua_Integer i = lua_tointeger(L, lua_upvalueindex(2));

	for (;;) {
		i++;
		lua_pushinteger(L, i);
		lua_replace(L, lua_upvalueindex(2));
		lua_rawgeti(L, lua_upvalueindex(1), i);
		if (lua_isnil(L, -1))
			return 1;
		lua_pushvalue(L, -1);
		if (lua_rawget(L, 1) != LUA_TNIL)
			return 2;
		lua_pop(L, 2);
	}
}

/* Push a table of the keys of the table at 1, in order. */
static void push_keys(lua_State *L)
{
	struct key *keys;
	size_t i, n = 0;

	for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1))
		n++;
	keys = lua_newuserdatauv(L, n * sizeof(*keys) + 1, 0);
	i = 0;
	for (lua_pushnil(L); lua_next(L, 1);) {
		lua_pop(L, 1);
		keys[i++] = read_key(L);
	}
	qsort(keys, n, sizeof(*keys), compare_keys);
	lua_createtable(L, n < 1000000 ? (int)n : 0, 0);
	for (i = 0; i < n; i++) {
		push_key(L, &keys[i]);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	lua_remove(L, -2);
}

static int pairs(lua_State *L)
{
	luaL_checkany(L, 1);
	if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
		lua_pushvalue(L, 1);
		lua_call(L, 1, 3);
		return 3;
	}
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	push_keys(L);
	lua_pushinteger(L, 0);
	lua_pushcclosure(L, pairs_step, 2);
	lua_pushvalue(L, 1);
	return 2;
}

/* The smallest key above the given one: no order is kept between two calls. */
static int next(lua_State *L)
{
	struct key after = {0}, best = {0}, k;
	bool from_start, found = false;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 2);
	from_start = lua_isnil(L, 2);
	if (!from_start)
		after = read_key(L);
	for (lua_pushnil(L); lua_next(L, 1);) {
		lua_pop(L, 1);
		k = read_key(L);
		if ((from_start || compare_keys(&k, &after) > 0) &&
		    (!found || compare_keys(&k, &best) < 0)) {
			best = k;
			found = true;
		}
	}
	if (!found) {
		lua_pushnil(L);
		return 1;
	}
	push_key(L, &best);
	lua_pushvalue(L, -1);
	lua_rawget(L, 1);
	return 2;
}

/* Is element `a` of the list at `list` less than element `b`? By the function
 * at 2, if there is one. */
static bool is_less(lua_State *L, int list, lua_Integer a, lua_Integer b)
{
	bool less;

	if (!lua_isnil(L, 2))
		lua_pushvalue(L, 2);
	lua_geti(L, list, a);
	lua_geti(L, list, b);
	if (!lua_isnil(L, 2))
		lua_call(L, 2, 1);
	less = lua_isnil(L, 2) ? lua_compare(L, -2, -1, LUA_OPLT)
			       : lua_toboolean(L, -1);
	lua_settop(L, 3);
	return less;
}

/* Merge `from`'s sorted runs of `width` into `to`, two by two. */
static void merge_runs(lua_State *L, int from, int to, lua_Integer n,
		       lua_Integer width)
{
	lua_Integer lo, mid, hi, a, b, at;

	for (lo = 1; lo <= n; lo += 2 * width) {
		mid = lo + width <= n ? lo + width : n + 1;
		hi = mid + width <= n ? mid + width : n + 1;
		a = lo;
		b = mid;
		for (at = lo; at < hi; at++) {
			bool right =
				a == mid || (b < hi && is_less(L, from, b, a));

			lua_geti(L, from, right ? b++ : a++);
			lua_seti(L, to, at);
		}
	}
}

/* table.sort: Lua's draws its pivots from the clock, and is not stable. */
static int sort(lua_State *L)
{
	lua_Integer i, n, width;
	int from = 1, to = 3;

	luaL_checktype(L, 1, LUA_TTABLE);
	if (!lua_isnoneornil(L, 2))
		luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_settop(L, 2);
	n = (lua_Integer)lua_rawlen(L, 1);
	luaL_argcheck(L, n <= REPEAT_MAX, 1, "too long");
	lua_newtable(L);
	for (width = 1; width < n; width *= 2) {
		merge_runs(L, from, to, n, width);
		from = to;
		to = 4 - from;
	}
	for (i = 1; from == 3 && i <= n; i++) {
		lua_geti(L, 3, i);
		lua_seti(L, 1, i);
	}
	return 0;
}

/* ---- what would loop in C ---- */

/* string.rep: an empty string can be repeated for ever. Upvalue 1 is Lua's. */
static int rep(lua_State *L)
{
	int n = lua_gettop(L);

	luaL_argcheck(L, luaL_checkinteger(L, 2) <= REPEAT_MAX, 2, "too many");
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, n, 1);
	return 1;
}

/* table.move: holes are moved, too. */
static int move(lua_State *L)
{
	int n = lua_gettop(L);
	lua_Integer f = luaL_checkinteger(L, 2), e = luaL_checkinteger(L, 3);

	luaL_argcheck(L,
		      e < f || (lua_Unsigned)e - (lua_Unsigned)f < REPEAT_MAX,
		      3, "too many");
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, n, 1);
	return 1;
}

/* A finaliser runs when the collector likes, and no hook counts its steps. */
static int set_metatable(lua_State *L)
{
	int n = lua_gettop(L);

	if (lua_istable(L, 2)) {
		lua_pushliteral(L, "__gc");
		if (lua_rawget(L, 2) != LUA_TNIL)
			return luaL_error(L, "setmetatable: no __gc here");
		lua_pop(L, 1);
	}
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, n, 1);
	return 1;
}

/* ---- making one ---- */

/* Replace `name` of the table at the top; the function has the old one. */
static void wrap(lua_State *L, const char *name, lua_CFunction f)
{
	lua_getfield(L, -1, name);
	lua_pushcclosure(L, f, 1);
	lua_setfield(L, -2, name);
}

static void drop(lua_State *L, const char *const *names)
{
	for (; *names; names++) {
		lua_pushnil(L);
		lua_setfield(L, -2, *names);
	}
}

static int open_all(lua_State *L)
{
	static const luaL_Reg libs[] = {
		{LUA_GNAME, luaopen_base},
		{LUA_STRLIBNAME, luaopen_string},
		{LUA_TABLIBNAME, luaopen_table},
		{LUA_MATHLIBNAME, luaopen_math},
		{LUA_UTF8LIBNAME, luaopen_utf8},
	};
	static const char *const not_base[] = {
		"dofile", "load", "loadfile", "collectgarbage", "warn", NULL};
	static const char *const not_string[] = {"dump", NULL};
	static const char *const not_math[] = {"random", "randomseed", NULL};
	size_t i;

	for (i = 0; i < sizeof(libs) / sizeof(libs[0]); i++) {
		luaL_requiref(L, libs[i].name, libs[i].func, 1);
		lua_pop(L, 1);
	}
	/* luaL_requiref() remembers what is loaded where nobody can see it. */
	lua_pushglobaltable(L);
	drop(L, not_base);
	wrap(L, "tostring", tostring);
	wrap(L, "print", print);
	wrap(L, "pairs", pairs);
	wrap(L, "next", next);
	wrap(L, "setmetatable", set_metatable);
	lua_getfield(L, -1, LUA_STRLIBNAME);
	drop(L, not_string);
	wrap(L, "format", format);
	wrap(L, "rep", rep);
	lua_getfield(L, -2, LUA_TABLIBNAME);
	wrap(L, "sort", sort);
	wrap(L, "move", move);
	lua_getfield(L, -3, LUA_MATHLIBNAME);
	drop(L, not_math);
	return 0;
}

lua_State *sandbox_new(uint64_t steps_max)
{
	struct sandbox *s = calloc(1, sizeof(*s));
	lua_State *L = s ? lua_newstate(alloc, s) : NULL;

	if (!L) {
		free(s);
		return NULL;
	}
	lua_pushcfunction(L, open_all);
	if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
		sandbox_free(L);
		return NULL;
	}
	s->steps_max = steps_max ? steps_max : 1;
	lua_sethook(L, on_count, LUA_MASKCOUNT,
		    s->steps_max < STEPS_LOOKED_AT ? (int)s->steps_max
						   : STEPS_LOOKED_AT);
	return L;
}

void sandbox_free(lua_State *L)
{
	struct sandbox *s;

	if (!L)
		return;
	s = own(L);
	lua_close(L);
	free(s);
}

void sandbox_print_to(lua_State *L, sandbox_print *to, void *ctx)
{
	struct sandbox *s = own(L);

	s->print = to;
	s->print_ctx = ctx;
}

uint64_t sandbox_steps(lua_State *L)
{
	return own(L)->steps;
}

/* ---- running ---- */

/* Behind "place:12: ", if it begins with it. */
static const char *behind_place(const char *what, const char *place)
{
	size_t len = strlen(place);
	const char *p = what;
	size_t digits;

	if (strncmp(p, place, len) != 0 || p[len] != ':')
		return what;
	p += len + 1;
	digits = strspn(p, "0123456789");
	return digits && !strncmp(p + digits, ": ", 2) ? p + digits + 2 : what;
}

/* An error tells its line, also error(what, 0) and one that is no string; in
 * the runner's own text, the line that called it. */
static int on_error(lua_State *L)
{
	lua_Debug ar;
	const char *what;
	int level;

	if (!lua_tostring(L, 1)) {
		lua_pushfstring(L, "an error that is a %s",
				luaL_typename(L, 1));
		lua_replace(L, 1);
	}
	what = lua_tostring(L, 1);
	for (level = 0; lua_getstack(L, level, &ar); level++) {
		lua_getinfo(L, "Sl", &ar);
		if (ar.currentline <= 0)
			continue;
		if (*ar.source == '=') {
			what = behind_place(what, ar.short_src);
			continue;
		}
		if (behind_place(what, ar.short_src) == what)
			lua_pushfstring(L, "%s:%d: %s", ar.short_src,
					ar.currentline, what);
		else
			lua_pushstring(L, what);
		return 1;
	}
	lua_pushstring(L, what);
	return 1;
}

static int finish(lua_State *L, int status, const char *name, char *why,
		  size_t size)
{
	const char *what;
	int error = own(L)->over ? -ETIME : -EINVAL;

	if (status == LUA_OK)
		return 0;
	if (status == LUA_ERRMEM) {
		snprintf(why, size, "%s: more than %d MiB of memory", name,
			 SANDBOX_BYTES_MAX >> 20);
		error = -ENOMEM;
	} else {
		what = lua_tostring(L, -1);
		snprintf(why, size, "%s", what ? what : name);
	}
	lua_pop(L, 1);
	return error;
}

/* `chunk` is Lua's name of it: "@" and its path, or "=" and what it is. */
static int run_chunk(lua_State *L, const char *chunk, const char *text,
		     size_t len, char *why, size_t size)
{
	int at = lua_gettop(L) + 1, status;
	const char *name = chunk + 1;

	if (len && text[0] == LUA_SIGNATURE[0]) {
		snprintf(why, size, "%s: a binary chunk", name);
		return -EINVAL;
	}
	lua_pushcfunction(L, on_error);
	status = luaL_loadbufferx(L, text, len, chunk, "t");
	if (status == LUA_OK)
		status = lua_pcall(L, 0, 0, at);
	status = finish(L, status, name, why, size);
	lua_settop(L, at - 1);
	return status;
}

int sandbox_run_text(lua_State *L, const char *name, const char *text,
		     size_t len, char *why, size_t size)
{
	char chunk[4096];

	snprintf(chunk, sizeof(chunk), "%s%s", *name == '=' ? "" : "@", name);
	return run_chunk(L, chunk, text, len, why, size);
}

int sandbox_run(lua_State *L, const char *path, char *why, size_t size)
{
	FILE *f = fopen(path, "r");
	char *text = f ? malloc(SANDBOX_FILE_MAX + 1) : NULL;
	char chunk[4096];
	size_t len = 0;
	int error = 0;

	if (!text) {
		error = -errno;
	} else {
		errno = 0;
		len = fread(text, 1, SANDBOX_FILE_MAX + 1, f);
		if (ferror(f))
			error = errno ? -errno : -EIO;
		else if (len > SANDBOX_FILE_MAX)
			error = -EFBIG;
	}
	if (f)
		fclose(f);
	snprintf(chunk, sizeof(chunk), "@%s", path);
	if (error)
		snprintf(why, size, "%s: %s", path, strerror(-error));
	else
		error = run_chunk(L, chunk, text, len, why, size);
	free(text);
	return error;
}
