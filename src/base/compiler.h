/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compiler.h: the assertions, and what the language lacks.
 *
 * LULL_ASSERT(x): proved from our own state; cheap. Always on: panics.
 *
 * LULL_NEVER(x): believed impossible. Release: yields x, the caller counts and
 * gives up one connection. Tests: panics.
 *
 * LULL_CHECK(x): a costly invariant. Tests only.
 *
 * LULL_COVER(name): a rare branch that a test must reach. Tests only.
 *
 * No LULL_ASSERT may depend on bytes from the wire before they are validated.
 */
#ifndef LULL_BASE_COMPILER_H
#define LULL_BASE_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lull/lull.h>

/* The build of the tests and the simulator sets it; nothing else does. */
#ifndef LULL_CHECKS
#define LULL_CHECKS 0
#endif

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define LULL_ASSERT(x) \
	(likely(x) ? (void)0 : lull_panic(__FILE__, __LINE__, #x))

#define LULL_CHECK(x)                        \
	(!LULL_CHECKS || likely(x) ? (void)0 \
				   : lull_panic(__FILE__, __LINE__, #x))

#define LULL_NEVER(x) lull_never(!!(x), __FILE__, __LINE__, #x)

#define LULL_COVER(name) (LULL_CHECKS ? lull_cover(name) : (void)0)

/* Does nothing, unless a test brings its own. */
void lull_cover(const char *name);

static inline bool lull_never(bool broken, const char *file, int line,
			      const char *what)
{
	if (LULL_CHECKS && broken)
		lull_panic(file, line, what);
	return unlikely(broken);
}

static inline uint32_t lull_min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t lull_max(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

#endif
