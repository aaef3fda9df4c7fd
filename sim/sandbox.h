/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sandbox.h: Lua 5.4 for scripts that must do the same each time, and end.
 *
 * There are base (without what loads code, collects garbage or warns), string,
 * table, math without random numbers, and utf8; no files, clocks, processes,
 * modules, coroutines or debug library.
 *
 * What differs from Lua, so that nothing hangs on addresses or on a seed:
 *	pairs, next	in order: numbers, then strings; another key is an error
 *	tostring, %s	a table is "table", a function "function"; %p is refused
 *	table.sort	stable
 *	setmetatable	no __gc: finalisers run when the collector likes
 *	print		goes where sandbox_print_to() says; else to stdout
 *
 * A script ends with an error after so many VM instructions, in all its life;
 * pcall does not save it; what it calls may count for many, by sandbox_spend().
 * Its memory is bounded as well, and what one call of a library does in C by
 * nothing else: a pattern made for it can take its time.
 *
 * lua_getextraspace() is free for the caller.
 */
#ifndef LULL_SANDBOX_H
#define LULL_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#include <lauxlib.h>
#include <lua.h>

enum {
	SANDBOX_BYTES_MAX = 64 << 20, /* of a script's memory */
	SANDBOX_FILE_MAX = 1 << 20,   /* of its text */
};

/* NULL: there is no memory for it. */
lua_State *sandbox_new(uint64_t steps_max);
void sandbox_free(lua_State *L);

/* Where lines go that a script prints; without a newline at their end. */
typedef void sandbox_print(void *ctx, const char *line);
void sandbox_print_to(lua_State *L, sandbox_print *print, void *ctx);

/*
 * Run the script of this file. 0, or -errno with "path:line: what" in `why`:
 * -EINVAL: it has an error; -ETIME: too many steps; -ENOMEM: too much memory;
 * -EFBIG: too long; or what open(2) and read(2) say.
 */
int sandbox_run(lua_State *L, const char *path, char *why, size_t size);

/*
 * The same with text that is at hand; `name` stands for its path. With "="
 * before it the text is the runner's own, which scripts call: an error in it is
 * told with their line.
 */
int sandbox_run_text(lua_State *L, const char *name, const char *text,
		     size_t len, char *why, size_t size);

/* A function in C has done so much work for the script: may not return. */
void sandbox_spend(lua_State *L, uint64_t steps);

/* VM instructions run so far, to the next thousand. */
uint64_t sandbox_steps(lua_State *L);

#endif
