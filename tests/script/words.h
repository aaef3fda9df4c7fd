/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * words.h: what a script can say (docs/scripts.md).
 *
 *	words.c	       the peer, time, what is looked at
 *	words_seg.c    segments as tables, and their comparison
 *	words_call.c   the program: listen() and call.*
 *
 * The world stands in lua_getextraspace().
 */
#ifndef SCRIPT_WORDS_H
#define SCRIPT_WORDS_H

#include "../../sim/sandbox.h"
#include "world.h"

/* Make the words known to a sandbox; `w` must outlive it. */
void words_add(lua_State *L, struct world *w);
/* Did the script say only() for another kind of world? */
bool words_passed_over(lua_State *L);
/* The first expectation that was not met, "path:line: ..."; NULL: none. */
const char *words_failure(lua_State *L);

/* ---- for each other ---- */

struct world *words_world(lua_State *L);
/* Raise an error of the script's line, that pcall() does not save. */
__attribute__((noreturn, format(printf, 2, 3))) void words_fail(
	lua_State *L, const char *format, ...);
/* The shard, or the link, did what no script can expect: fail. */
void words_look(lua_State *L);
/* Nothing may have come that was not expected. `what` is about to happen. */
void words_quiet(lua_State *L, const char *what);

/* The table at `at`, as a segment of the peer's in flow `*f`. */
void words_segment(lua_State *L, int at, struct flow **f, struct segment *s);
/* Compare what came with the table at `at`; differences by name, "" if it is
 * all as it was expected. */
void words_compare(lua_State *L, int at, const struct arrived *a, char *out,
		   size_t size);
/* What the table at `at` says, as text. */
void words_want(lua_State *L, int at, char *out, size_t size);
/* Push what came, as a table. */
void words_push_segment(lua_State *L, const struct world *w,
			const struct arrived *a);

/* Add listen() and call.*. */
void words_add_calls(lua_State *L);
/* Push an error as scripts see it: EAGAIN and so on. */
void words_push_error(lua_State *L, int error);

#endif
