/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sandbox.c: what a script can't reach, that it ends, and that two runs
 * print the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../sim/sandbox.h"
#include "test.h"

enum {
	STEPS = 1000000
};

static char printed[4096], why[512];

static void keep(void *ctx, const char *line)
{
	size_t n = strlen(printed);

	assert_ptr_equal(ctx, printed);
	snprintf(printed + n, sizeof(printed) - n, "%s\n", line);
}

/* Run `text` in a state of its own; what it printed is in `printed`. */
static int run(const char *text, uint64_t steps)
{
	lua_State *L = sandbox_new(steps);
	int error;

	assert_non_null(L);
	printed[0] = why[0] = '\0';
	sandbox_print_to(L, keep, printed);
	error = sandbox_run_text(L, "x.lua", text, strlen(text), why,
				 sizeof(why));
	assert_int_equal(lua_gettop(L), 0);
	sandbox_free(L);
	return error;
}

static void prints(const char *text, const char *lines)
{
	if (run(text, STEPS))
		fail_msg("%s", why);
	assert_string_equal(printed, lines);
}

static void fails(const char *text, const char *what)
{
	assert_int_equal(run(text, STEPS), -EINVAL);
	assert_string_equal(why, what);
}

static void what_is_not_there_is_nil(void **state)
{
	prints("for _, n in ipairs{'io', 'os', 'package', 'debug', 'require',\n"
	       "  'coroutine', 'dofile', 'load', 'loadfile', 'warn',\n"
	       "  'collectgarbage', 'loadstring'} do\n"
	       "  if _G[n] ~= nil then print(n) end end\n"
	       "print(math.random, math.randomseed, string.dump)\n"
	       "print(math.floor(2.5), utf8.char(228), ('x'):rep(3))",
	       "nil\tnil\tnil\n2\t\xc3\xa4\txxx\n");
}

static void pairs_goes_in_order(void **state)
{
	prints("local t = {b=1, a=2, [3]='c', [1]='d', [2.5]='e', [-1]='f',\n"
	       "  ab=3, [2]='g', ['']=4}\n"
	       "for k, v in pairs(t) do print(k, v) end",
	       "-1\tf\n1\td\n2\tg\n2.5\te\n3\tc\n\t4\na\t2\nab\t3\nb\t1\n");
	prints("for k in pairs{} do print(k) end", "");
	prints("local t = {1, 2, 3, x=1, y=2}\n"
	       "for k in pairs(t) do t.y = nil t[2] = nil print(k) end",
	       "1\n3\nx\n");
	prints("local t = setmetatable({}, {__pairs = function()\n"
	       "  return function(_, k) if not k then return 7 end end end})\n"
	       "for k in pairs(t) do print(k) end",
	       "7\n");
	fails("\nfor k in pairs{[true]=1} do end",
	      "x.lua:2: a key that is a boolean has no order");
	fails("for k in pairs(nil) do end",
	      "x.lua:1: bad argument #1 to 'pairs' (table expected, got "
	      "nil)");
}

static void next_goes_in_order(void **state)
{
	prints("local t = {z=1, y=2, [10]=3, [9]=4}\n"
	       "local k, v = next(t)\n"
	       "while k do print(k, v) k, v = next(t, k) end\n"
	       "print(next{}, next({}, 'x'))",
	       "9\t4\n10\t3\ny\t2\nz\t1\nnil\tnil\n");
	fails("next({[{}]=1})", "x.lua:1: a key that is a table has no order");
}

static void no_address_is_seen(void **state)
{
	prints("local m = setmetatable({}, {__name = 'thing'})\n"
	       "local s = setmetatable({}, {__tostring = function()\n"
	       "  return 'own' end})\n"
	       "print({}, print, m, s, tostring{})\n"
	       "print(('%s %s %5.1f %d%%'):format({}, s, 1, 2))",
	       "table\tfunction\tthing\town\ttable\ntable own   1.0 2%\n");
	fails("print(('%s %-8p'):format(1, {}))",
	      "x.lua:1: format: %p tells an address");
	fails("error({})", "x.lua:1: an error that is a table");
}

/* Scripts call what the runner has brought along. */
static void an_error_in_the_runners_text_has_the_scripts_line(void **state)
{
	static const char own[] = "function f() error('bad') end\n"
				  "function g() return nil + 1 end\n"
				  "function h() error('told', 2) end";
	static const struct {
		const char *text, *what;
	} t[] = {
		{"local x\n\nf()\n", "x.lua:3: bad"},
		{"\nlocal function a() g() end\na()",
		 "x.lua:2: attempt to perform arithmetic on a nil value"},
		{"\nh()", "x.lua:2: told"},
		{"error('x.lua:x', 0)", "x.lua:1: x.lua:x"},
		{"error('=own:1: x')", "x.lua:1: =own:1: x"},
		{"\nreturn f()", "bad"}, /* its line is gone */
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		lua_State *L = sandbox_new(STEPS);

		assert_non_null(L);
		assert_int_equal(sandbox_run_text(L, "=own", own, strlen(own),
						  why, sizeof(why)),
				 0);
		assert_int_equal(sandbox_run_text(L, "x.lua", t[i].text,
						  strlen(t[i].text), why,
						  sizeof(why)),
				 -EINVAL);
		assert_string_equal(why, t[i].what);
		sandbox_free(L);
	}
}

static void sort_is_stable(void **state)
{
	prints("local t = {}\n"
	       "for i = 1, 1000 do t[i] = {i * 7919 % 10, i} end\n"
	       "table.sort(t, function(a, b) return a[1] < b[1] end)\n"
	       "local good = true\n"
	       "for i = 2, #t do local a, b = t[i - 1], t[i]\n"
	       "  good = good and (a[1] < b[1] or a[1] == b[1] and a[2] < b[2])\n"
	       "end\n"
	       "print(#t, good)",
	       "1000\ttrue\n");
	prints("for n = 0, 9 do local t = {} for i = 1, n do\n"
	       "  t[i] = (i * 7 + 3) % 10 end\n"
	       "  table.sort(t) print(table.concat(t, ' ')) end",
	       "\n0\n0 7\n0 4 7\n0 1 4 7\n0 1 4 7 8\n0 1 4 5 7 8\n"
	       "0 1 2 4 5 7 8\n0 1 2 4 5 7 8 9\n0 1 2 4 5 6 7 8 9\n");
	fails("table.sort({1, 'x'})",
	      "x.lua:1: attempt to compare string with number");
}

static void a_script_that_loops_is_ended(void **state)
{
	assert_int_equal(run("local i = 0\nwhile true do i = i + 1 end", 5000),
			 -ETIME);
	assert_string_equal(why, "x.lua:2: more than 5000 steps");
	/* pcall does not save it. */
	assert_int_equal(run("local function f() while true do end end\n"
			     "while true do pcall(f) end",
			     5000),
			 -ETIME);
	assert_int_equal(run("while true do end", 1), -ETIME);
	/* Below the limit nothing ends it. */
	assert_int_equal(run("for i = 1, 1000 do local x = i end", 5000), 0);
	fails("setmetatable({}, {__gc = function() while true do end end})",
	      "x.lua:1: setmetatable: no __gc here");
	fails("local s = (''):rep(1 << 60)",
	      "x.lua:1: bad argument #1 to 'rep' (too many)");
	fails("table.move({}, 1, 1 << 60, 2)",
	      "x.lua:1: bad argument #3 to 'move' (too many)");
	prints("print(table.concat(table.move({1, 2, 3}, 2, 3, 1), ' '))",
	       "2 3 3\n");
}

static void a_script_that_eats_memory_is_ended(void **state)
{
	assert_int_equal(run("local s = ('x'):rep(1000000)\n"
			     "while true do s = s .. s end",
			     STEPS),
			 -ENOMEM);
	assert_string_equal(why, "x.lua: more than 64 MiB of memory");
}

static void an_error_tells_its_line(void **state)
{
	fails("\n\nlocal x = nil + 1",
	      "x.lua:3: attempt to perform arithmetic on a nil value");
	fails("\nerror('no', 0)", "x.lua:2: no");
	fails("\nif then", "x.lua:2: unexpected symbol near 'then'");
	fails("\x1bLua", "x.lua: a binary chunk");
}

static void a_file_is_run(void **state)
{
	char path[] = "/tmp/test_sandbox.XXXXXX", want[128];
	int fd = mkstemp(path);
	lua_State *L = sandbox_new(STEPS);

	assert_true(fd >= 0);
	assert_non_null(L);
	assert_int_equal(write(fd, "x = 1\ny()\n", 10), 10);
	close(fd);
	assert_int_equal(sandbox_run(L, path, why, sizeof(why)), -EINVAL);
	snprintf(want, sizeof(want),
		 "%s:2: attempt to call a nil value (global 'y')", path);
	assert_string_equal(why, want);
	assert_int_equal(truncate(path, SANDBOX_FILE_MAX + 1), 0);
	assert_int_equal(sandbox_run(L, path, why, sizeof(why)), -EFBIG);
	unlink(path);
	assert_int_equal(sandbox_run(L, path, why, sizeof(why)), -ENOENT);
	snprintf(want, sizeof(want), "%s: No such file or directory", path);
	assert_string_equal(why, want);
	assert_int_equal(sandbox_run(L, "/", why, sizeof(why)), -EISDIR);
	sandbox_free(L);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_there_is_nil),
		cmocka_unit_test(pairs_goes_in_order),
		cmocka_unit_test(next_goes_in_order),
		cmocka_unit_test(no_address_is_seen),
		cmocka_unit_test(
			an_error_in_the_runners_text_has_the_scripts_line),
		cmocka_unit_test(sort_is_stable),
		cmocka_unit_test(a_script_that_loops_is_ended),
		cmocka_unit_test(a_script_that_eats_memory_is_ended),
		cmocka_unit_test(an_error_tells_its_line),
		cmocka_unit_test(a_file_is_run),
	};

	return RUN("sandbox", tests);
}
