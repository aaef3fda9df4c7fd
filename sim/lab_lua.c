/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_lua.c: what a script says: what it is about, its cases, and what it saw
 * of each claim. man lull-lab(1) has the list.
 *
 * Entry points: lab_lua_open, lab_lua_world.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "lab.h"

struct lab_run *lab_lua_run(lua_State *L)
{
	return *(struct lab_run **)lua_getextraspace(L);
}

struct lab_world *lab_lua_world(lua_State *L)
{
	struct lab_run *run = lab_lua_run(L);

	if (!run->world)
		lab_lua_error(L, "this belongs into a case");
	return run->world;
}

int lab_lua_error(lua_State *L, const char *format, ...)
{
	lua_Debug ar;
	va_list args;

	/* Where the script is: what it calls may be the prelude's. */
	lua_pushliteral(L, "");
	for (int level = 0; lua_getstack(L, level, &ar); level++) {
		lua_getinfo(L, "Sl", &ar);
		if (ar.currentline <= 0 || !strcmp(ar.short_src, "prelude"))
			continue;
		lua_pop(L, 1);
		lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
		break;
	}
	va_start(args, format);
	lua_pushvfstring(L, format, args);
	va_end(args);
	lua_concat(L, 2);
	return lua_error(L);
}

void lab_lua_check_bending(lua_State *L)
{
	if (lab_lua_world(L)->bending)
		lab_lua_error(L, "not in the wire's function");
}

int lab_lua_fail(lua_State *L, int error)
{
	struct lab_run *run = lab_lua_run(L);

	bool real = run->world && run->world->real;

	if (error == -ENOMEM ||
	    (real && (error == -EPERM || error == -EACCES || error == -ENOENT)))
		run->could_not = error;
	return lab_lua_error(L, "%s",
			     run->world && run->world->why[0]
				     ? run->world->why
				     : strerror(-error));
}

const char *lab_errno_name(int error)
{
	static char text[24];
	const char *name = strerrorname_np(-error);

	if (name)
		return name;
	snprintf(text, sizeof text, "errno %d", -error);
	return text;
}

/* ---- what the script is about ---- */

static void copy_field(lua_State *L, int at, const char *name, char *to,
		       size_t size)
{
	lua_getfield(L, at, name);
	if (!lua_isstring(L, -1))
		lab_lua_error(L, "about: %s is missing", name);
	lab_copy_text(to, size, lua_tostring(L, -1));
	lua_pop(L, 1);
}

static void read_claims(lua_State *L, struct lab_script *s)
{
	lua_getfield(L, 1, "claims");
	if (!lua_istable(L, -1))
		lab_lua_error(L, "about: claims is missing");
	for (int i = 1; lua_geti(L, -1, i) != LUA_TNIL; i++) {
		struct lab_claim *c = &s->claim[s->claims];
		int at = lua_gettop(L);

		luaL_checktype(L, at, LUA_TTABLE);
		if (s->claims++ == LAB_CLAIMS_MAX)
			lab_lua_error(L, "about: more than %d claims",
				      LAB_CLAIMS_MAX);
		copy_field(L, at, "id", c->id, sizeof c->id);
		copy_field(L, at, "says", c->says, sizeof c->says);
		copy_field(L, at, "who", c->who, sizeof c->who);
		copy_field(L, at, "verdict", c->verdict, sizeof c->verdict);
		lua_pop(L, 1);
	}
	lua_pop(L, 2);
}

/* true, or why not. */
static void read_where(lua_State *L, const char *name, char *why, size_t size)
{
	lua_getfield(L, 1, name);
	if (lua_isstring(L, -1))
		lab_copy_text(why, size, lua_tostring(L, -1));
	lua_pop(L, 1);
}

static int about(lua_State *L)
{
	struct lab_run *run = lab_lua_run(L);
	struct lab_script *s = run->script;

	luaL_checktype(L, 1, LUA_TTABLE);
	if (s->title[0])
		return lab_lua_error(L, "about: twice");
	copy_field(L, 1, "title", s->title, sizeof s->title);
	read_claims(L, s);
	read_where(L, "not_on_kernel", s->no_kernel, sizeof s->no_kernel);
	read_where(L, "not_on_stack", s->no_stack, sizeof s->no_stack);
	run->listed = true;
	if (run->list_only)
		return lab_lua_error(L, "listed");
	if (run->on_kernel && s->no_kernel[0])
		snprintf(s->skipped, sizeof s->skipped, "not on the kernel: %s",
			 s->no_kernel);
	if (!run->on_kernel && s->no_stack[0])
		snprintf(s->skipped, sizeof s->skipped,
			 "on the kernel only: %s", s->no_stack);
	if (s->skipped[0])
		return lab_lua_error(L, "skipped");
	return 0;
}

static bool has_claim(const struct lab_script *s, const char *id)
{
	for (int i = 0; i < s->claims; i++)
		if (!strcmp(s->claim[i].id, id))
			return true;
	return false;
}

static struct lab_point *new_point(lua_State *L)
{
	struct lab_script *s = lab_lua_run(L)->script;

	if (s->points == LAB_POINTS_MAX)
		lab_lua_error(L, "more than %d parts and facts",
			      LAB_POINTS_MAX);
	return &s->point[s->points++];
}

static int point(lua_State *L, enum lab_point_kind kind)
{
	const char *id = kind == LAB_FACT ? "" : luaL_checkstring(L, 1);
	int at = kind == LAB_FACT ? 1 : 2;
	const char *text = luaL_checkstring(L, at);
	struct lab_point *p;

	luaL_checkany(L, at + 1);
	if (*id && !has_claim(lab_lua_run(L)->script, id))
		return lab_lua_error(L, "no claim %s", id);
	p = new_point(L);
	p->kind = kind;
	lab_copy_text(p->id, sizeof p->id, id);
	lab_copy_text(p->text, sizeof p->text, text);
	p->held = lua_toboolean(L, at + 1);
	return 0;
}

/* part(id, what is claimed, was it seen?) */
static int part(lua_State *L)
{
	return point(L, LAB_PART);
}

static int was(lua_State *L)
{
	return point(L, LAB_WAS);
}

static int harm(lua_State *L)
{
	return point(L, LAB_HARM);
}

/* fact(what is so, was it seen?) */
static int fact(lua_State *L)
{
	return point(L, LAB_FACT);
}

/* ---- cases ---- */

static void count_all(struct lab_run *run)
{
	struct lab_world *w = run->world;
	struct lab_case *c = run->at;
	struct lull_counter k;

	for (int i = 0; i < w->hosts; i++) {
		struct lab_host *h = &w->host[i];

		if (h->kind == LAB_CRAFT || !h->up)
			continue;
		for (uint32_t j = 0;
		     h->shard && lull_diag_counter(h->shard, j, &k) &&
		     c->counters <
			     (int)(sizeof c->counter / sizeof *c->counter);
		     j++) {
			bool named = !strcmp(k.group, "TcpExt") ||
				     !strcmp(k.group, "Drop") ||
				     !strcmp(k.name, "RetransSegs") ||
				     !strcmp(k.name, "OutRsts") ||
				     !strcmp(k.name, "EstabResets") ||
				     !strcmp(k.name, "AttemptFails");

			if (!named || !k.value)
				continue;
			c->counter[c->counters].host = i;
			c->counter[c->counters].value = k.value;
			snprintf(c->counter[c->counters++].name,
				 sizeof c->counter->name, "%s", k.name);
		}
	}
}

static void end_case(struct lab_run *run)
{
	struct lab_world *w = run->world;
	struct lab_case *c = run->at;

	c->end_ns = lab_world_now(w);
	c->hosts = w->hosts;
	for (int i = 0; i < w->hosts; i++) {
		memcpy(c->host[i], w->host[i].name, LAB_NAME);
		c->kernel[i] = w->host[i].kind == LAB_KERNEL;
	}
	count_all(run);
	lab_log_runs(&w->log);
	run->pcap_ns += c->end_ns + 1000000000;
	c->log = w->log;
	run->marks += w->log.n;
	w->log = (struct lab_log){0};
	lab_world_fini(w);
	free(w);
	run->world = NULL;
	run->at = NULL;
}

/* case(title, function): a new world; returns what the function does. */
static int begin_case(lua_State *L)
{
	struct lab_run *run = lab_lua_run(L);
	struct lab_script *s = run->script;
	struct lab_world *w;

	if (!run->listed)
		return lab_lua_error(L, "about{} comes first");
	if (run->world)
		return lab_lua_error(L, "a case in a case");
	if (s->n == LAB_CASES_MAX)
		return lab_lua_error(L, "more than %d cases", LAB_CASES_MAX);
	luaL_checktype(L, 2, LUA_TFUNCTION);
	w = malloc(sizeof *w);
	if (!w)
		return lab_lua_fail(L, -ENOMEM);
	lab_world_init(w, run->turns_max);
	w->log.marks_max = LAB_MARKS_MAX - run->marks;
	w->pcap = run->pcap;
	w->pcap_ns = run->pcap_ns;
	run->world = w;
	run->at = &s->cases[s->n++];
	run->at->follow = 1;
	lab_copy_text(run->at->title, sizeof run->at->title,
		      luaL_checkstring(L, 1));
	lua_pushvalue(L, 2);
	lua_call(L, 0, LUA_MULTRET);
	end_case(run);
	return lua_gettop(L) - 2;
}

void lab_lua_open(lua_State *L, struct lab_run *run)
{
	static const luaL_Reg globals[] = {
		{"about", about}, {"case", begin_case}, {"part", part},
		{"was", was},	  {"harm", harm},	{"fact", fact},
		{NULL, NULL},
	};

	*(struct lab_run **)lua_getextraspace(L) = run;
	lua_pushglobaltable(L);
	luaL_setfuncs(L, globals, 0);
	lab_lua_open_host(L);
	lab_lua_open_wire(L);
	lua_pop(L, 1);
}
