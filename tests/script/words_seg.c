/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * words_seg.c: segments as tables: {SA, seq=0, ack=1, ts={100, 0}}.
 *
 * Numbers count from the flow's first ones. A stamp of ours counts from our
 * first; a stamp of the peer's is as the script has it.
 */
#include <stdio.h>
#include <string.h>

#include "words.h"

static const char *const fields[] = {
	"seq", "ack", "win",  "len", "data", "mss",  "wscale", "sackok", "ts",
	"val", "ecr", "sack", "urg", "port", "ours", "tos",    "ttl",
};

/* Every field is a known one: what is misspelt is not passed over. */
static void check_fields(lua_State *L, int at)
{
	const char *name;
	bool known;

	luaL_checktype(L, at, LUA_TTABLE);
	for (lua_pushnil(L); lua_next(L, at); lua_pop(L, 1)) {
		if (lua_isinteger(L, -2) && lua_tointeger(L, -2) == 1)
			continue;
		name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2)
						      : "?";
		known = false;
		for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
			known |= strcmp(name, fields[i]) == 0;
		if (!known)
			words_fail(L, "a segment has no field '%s'", name);
	}
}

static uint8_t read_flags(lua_State *L, int at)
{
	const char *text;
	uint8_t flags;

	lua_rawgeti(L, at, 1);
	text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
	if (!text || !wire_flags(text, &flags))
		words_fail(L, "a segment begins with its flags: {FA, ...}");
	lua_pop(L, 1);
	return flags;
}

/* Is there a number of this name? */
static bool read_number(lua_State *L, int at, const char *name, int64_t *value)
{
	bool is;

	if (lua_getfield(L, at, name) == LUA_TNIL ||
	    (lua_isboolean(L, -1) && !lua_toboolean(L, -1))) {
		lua_pop(L, 1);
		return false;
	}
	is = lua_isinteger(L, -1);
	if (!is)
		words_fail(L, "%s is no whole number", name);
	*value = lua_tointeger(L, -1);
	lua_pop(L, 1);
	return true;
}

/* Is it there, and true, false or a table? LUA_TNIL: it is not. */
static int read_kind(lua_State *L, int at, const char *name, bool *on)
{
	int type = lua_getfield(L, at, name);

	*on = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return type;
}

/* The i-th number of the table in field `name`. */
static bool read_place(lua_State *L, int at, const char *name, int i,
		       int64_t *value)
{
	bool is = false;

	if (lua_getfield(L, at, name) == LUA_TTABLE) {
		lua_rawgeti(L, -1, i);
		is = lua_isinteger(L, -1);
		*value = lua_tointeger(L, -1);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return is;
}

static struct flow *read_flow(lua_State *L, int at)
{
	struct world *w = words_world(L);
	struct flow *f = w->flow;
	int64_t port;

	if (read_number(L, at, "port", &port))
		f = world_flow(w, (uint16_t)port);
	if (!f)
		words_fail(L, "more than %d ports of the peer's", WORLD_FLOWS);
	return f;
}

/* ---- what the peer sends ---- */

static void read_text(lua_State *L, int at, struct segment *s)
{
	int64_t len;
	size_t n;
	const char *p;

	if (read_number(L, at, "len", &len)) {
		if (len < 0 || len > WIRE_TEXT_MAX)
			words_fail(L, "len: 0..%d", WIRE_TEXT_MAX);
		s->len = (uint32_t)len;
		for (uint32_t i = 0; i < s->len; i++)
			s->text[i] = (uint8_t)('0' + i % 10);
	}
	if (lua_getfield(L, at, "data") == LUA_TSTRING) {
		p = lua_tolstring(L, -1, &n);
		if (n > WIRE_TEXT_MAX)
			words_fail(L, "data: at most %d bytes", WIRE_TEXT_MAX);
		memcpy(s->text, p, n);
		s->len = (uint32_t)n;
	}
	lua_pop(L, 1);
}

/* As given; else by the clock and our last one, where both SYNs had them. */
static void read_stamp(lua_State *L, int at, const struct flow *f,
		       struct segment *s)
{
	const struct world *w = words_world(L);
	bool on, agreed = f->peer_ts && f->our_ts;
	int type = read_kind(L, at, "ts", &on);
	uint32_t base = s->flags & TCP_ACK ? f->our_base : 0;
	int64_t v;

	if (type == LUA_TNIL)
		on = agreed && !(s->flags & (TCP_RST | TCP_SYN));
	if (!on)
		return;
	s->has_ts = true;
	s->tsval = world_peer_val(w, f);
	s->tsecr = s->flags & TCP_ACK ? f->our_val : 0;
	if (read_place(L, at, "ts", 1, &v))
		s->tsval = (uint32_t)v;
	if (read_place(L, at, "ts", 2, &v))
		s->tsecr = base + (uint32_t)v;
}

static void read_options(lua_State *L, int at, const struct flow *f,
			 struct segment *s)
{
	int64_t v;
	bool on;
	int type = read_kind(L, at, "mss", &on);

	if (read_number(L, at, "mss", &v) ||
	    (type == LUA_TNIL && s->flags & TCP_SYN)) {
		s->has_mss = true;
		s->mss = type == LUA_TNIL ? 1460 : (uint16_t)v;
	}
	if (read_number(L, at, "wscale", &v)) {
		s->has_wscale = true;
		s->wscale = (uint8_t)v;
	}
	(void)read_kind(L, at, "sackok", &s->has_sackok);
	read_stamp(L, at, f, s);
	if (lua_getfield(L, at, "sack") == LUA_TTABLE) {
		int n = (int)lua_rawlen(L, -1);

		if (n > WIRE_SACKS)
			words_fail(L, "sack: at most %d blocks", WIRE_SACKS);
		for (int i = 0; i < n; i++) {
			lua_rawgeti(L, -1, i + 1);
			for (int e = 0; e < 2; e++) {
				lua_rawgeti(L, -1, e + 1);
				s->sack[i][e] = f->our_iss +
						(uint32_t)lua_tointeger(L, -1);
				lua_pop(L, 1);
			}
			lua_pop(L, 1);
		}
		s->sacks = (uint32_t)n;
	}
	lua_pop(L, 1);
}

void words_segment(lua_State *L, int at, struct flow **flow, struct segment *s)
{
	struct flow *f;
	int64_t v;

	memset(s, 0, sizeof(*s));
	check_fields(L, at);
	*flow = f = read_flow(L, at);
	s->flags = read_flags(L, at);
	s->from = f->peer_port;
	s->to = f->our_port;
	if (read_number(L, at, "ours", &v))
		s->to = (uint16_t)v;
	s->seq = f->nxt;
	if (read_number(L, at, "seq", &v))
		s->seq = f->peer_iss + (uint32_t)v;
	if (s->flags & TCP_ACK)
		s->ack = f->rcv;
	if (read_number(L, at, "ack", &v))
		s->ack = f->our_iss + (uint32_t)v;
	s->win = 20000;
	if (read_number(L, at, "win", &v))
		s->win = (uint16_t)v;
	if (read_number(L, at, "urg", &v))
		s->urg = (uint16_t)v;
	if (read_number(L, at, "tos", &v))
		s->tos = (uint8_t)v;
	read_text(L, at, s);
	read_options(L, at, f, s);
}

/* ---- what came ---- */

static void differs(char *out, size_t size, const char *name)
{
	size_t n = strlen(out);

	snprintf(out + n, size - n, "%s%s", n ? ", " : "", name);
}

struct difference {
	lua_State *L;
	int at;
	char *out;
	size_t size;
};

/* A number, where the table has one: false says that there must be none. */
static void compare_number(const struct difference *d, const char *name,
			   bool has, int64_t came)
{
	bool on;
	int64_t v;

	if (read_number(d->L, d->at, name, &v)) {
		if (!has || v != came)
			differs(d->out, d->size, name);
	} else if (read_kind(d->L, d->at, name, &on) != LUA_TNIL && has) {
		differs(d->out, d->size, name);
	}
}

static void compare_stamp(const struct difference *d, const struct arrived *a)
{
	const struct segment *s = &a->seg;
	int32_t val = (int32_t)(s->tsval - a->flow->our_base);
	int64_t v;
	bool on;
	int type = read_kind(d->L, d->at, "ts", &on);

	if (type != LUA_TNIL && on != s->has_ts) {
		differs(d->out, d->size, "ts");
		return;
	}
	if (read_place(d->L, d->at, "ts", 1, &v) && v != val)
		differs(d->out, d->size, "the stamp");
	if (read_place(d->L, d->at, "ts", 2, &v) && v != s->tsecr)
		differs(d->out, d->size, "the echo");
	compare_number(d, "val", s->has_ts, val);
	compare_number(d, "ecr", s->has_ts, s->tsecr);
}

static void compare_sack(const struct difference *d, const struct arrived *a)
{
	lua_State *L = d->L;
	uint32_t base = a->flow->peer_iss, n;
	int64_t edge;
	bool same;

	if (lua_getfield(L, d->at, "sack") == LUA_TNIL) {
		lua_pop(L, 1);
		return;
	}
	n = lua_istable(L, -1) ? (uint32_t)lua_rawlen(L, -1) : 0;
	same = n == a->seg.sacks;
	for (uint32_t i = 0; same && i < n; i++) {
		lua_rawgeti(L, -1, (lua_Integer)i + 1);
		for (int e = 0; e < 2; e++) {
			lua_rawgeti(L, -1, e + 1);
			edge = lua_tointeger(L, -1);
			same &= edge == (int32_t)(a->seg.sack[i][e] - base);
			lua_pop(L, 1);
		}
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	if (!same)
		differs(d->out, d->size, "sack");
}

static void compare_text(const struct difference *d, const struct segment *s)
{
	size_t n;
	const char *p;

	compare_number(d, "len", true, s->len);
	if (lua_getfield(d->L, d->at, "data") == LUA_TSTRING) {
		p = lua_tolstring(d->L, -1, &n);
		if (n != s->len || memcmp(p, s->text, n) != 0)
			differs(d->out, d->size, "data");
	}
	lua_pop(d->L, 1);
}

void words_compare(lua_State *L, int at, const struct arrived *a, char *out,
		   size_t size)
{
	struct difference d = {L, at, out, size};
	const struct segment *s = &a->seg;
	const struct flow *f = a->flow;
	bool on, ack = s->flags & TCP_ACK;

	out[0] = '\0';
	check_fields(L, at);
	if (read_flow(L, at) != f)
		differs(out, size, "port");
	if (read_flags(L, at) != s->flags)
		differs(out, size, "flags");
	compare_number(&d, "seq", true, (int32_t)(s->seq - f->our_iss));
	compare_number(&d, "ack", ack, (int32_t)(s->ack - f->peer_iss));
	compare_number(&d, "win", true, s->win);
	compare_number(&d, "mss", s->has_mss, s->mss);
	compare_number(&d, "wscale", s->has_wscale, s->wscale);
	compare_number(&d, "urg", s->flags & TCP_URG, s->urg);
	compare_number(&d, "tos", true, s->tos);
	compare_number(&d, "ttl", true, s->ttl);
	compare_number(&d, "ours", true, s->from);
	if (read_kind(L, at, "sackok", &on) != LUA_TNIL && on != s->has_sackok)
		differs(out, size, "sackok");
	compare_text(&d, s);
	compare_stamp(&d, a);
	compare_sack(&d, a);
}

/* ---- as text, and as a table ---- */

/* The value at the top, as a script would write it. */
static void add_value(lua_State *L, char *out, size_t size)
{
	size_t n = strlen(out);
	bool quoted = lua_type(L, -1) == LUA_TSTRING;

	if (!lua_istable(L, -1)) {
		snprintf(out + n, size - n, quoted ? "\"%.40s\"" : "%s",
			 luaL_tolstring(L, -1, NULL));
		lua_pop(L, 1);
		return;
	}
	snprintf(out + n, size - n, "{");
	for (int i = 1; i <= (int)lua_rawlen(L, -1); i++) {
		n = strlen(out);
		snprintf(out + n, size - n, i > 1 ? ", " : "");
		lua_rawgeti(L, -1, i);
		add_value(L, out, size);
		lua_pop(L, 1);
	}
	n = strlen(out);
	snprintf(out + n, size - n, "}");
}

void words_want(lua_State *L, int at, char *out, size_t size)
{
	size_t n;

	lua_rawgeti(L, at, 1);
	snprintf(out, size, "{%s", lua_tostring(L, -1));
	lua_pop(L, 1);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (lua_getfield(L, at, fields[i]) != LUA_TNIL) {
			n = strlen(out);
			snprintf(out + n, size - n, ", %s=", fields[i]);
			add_value(L, out, size);
		}
		lua_pop(L, 1);
	}
	n = strlen(out);
	snprintf(out + n, size - n, "}");
}

static void set(lua_State *L, const char *name, int64_t v)
{
	lua_pushinteger(L, v);
	lua_setfield(L, -2, name);
}

void words_push_segment(lua_State *L, const struct world *w,
			const struct arrived *a)
{
	const struct segment *s = &a->seg;
	const struct flow *f = a->flow;
	char flags[9];

	lua_newtable(L);
	wire_flags_text(s->flags, flags);
	lua_pushstring(L, flags);
	lua_setfield(L, -2, "flags");
	set(L, "seq", (int32_t)(s->seq - f->our_iss));
	if (s->flags & TCP_ACK)
		set(L, "ack", (int32_t)(s->ack - f->peer_iss));
	set(L, "win", s->win);
	set(L, "len", s->len);
	set(L, "port", f->peer_port);
	set(L, "ours", s->from);
	lua_pushlstring(L, (const char *)s->text, s->len);
	lua_setfield(L, -2, "data");
	if (s->has_mss)
		set(L, "mss", s->mss);
	if (s->has_wscale)
		set(L, "wscale", s->wscale);
	if (s->has_ts) {
		set(L, "val", (int32_t)(s->tsval - f->our_base));
		set(L, "ecr", s->tsecr);
	}
	lua_pushnumber(L, world_ms(w, a->at_ns));
	lua_setfield(L, -2, "ms");
}
