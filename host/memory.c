/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory.c: memory, time and entropy for a shard, and the panic hook.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

#include <lull/host.h>

enum {
	HUGE = 2 << 20,
	PIECES = 64,
};

static void *map(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/*
 * Ten million records in pages of 4 KiB are two misses of the TLB for each
 * segment. But a piece of which little is used must stay little: only what
 * lies behind its first HUGE bytes may come in huge pages, so at most as much
 * again is taken as is used.
 */
static void advise(const struct lull_memory *memory,
		   const struct lull_piece *piece)
{
	uint8_t *base = piece->closing ? memory->closing : memory->mem;
	uintptr_t from = (uintptr_t)base + piece->at + HUGE;
	uintptr_t to = (uintptr_t)base + piece->at + piece->len;

	from = (from + HUGE - 1) & ~(uintptr_t)(HUGE - 1);
	to &= ~(uintptr_t)(HUGE - 1);
	if (from < to) /* advice: if it isn't taken, all the same */
		(void)madvise((void *)from, to - from, MADV_HUGEPAGE);
}

int lull_memory_map(const struct lull_limits *limits,
		    struct lull_memory *memory)
{
	struct lull_piece pieces[PIECES];
	int e, n;

	*memory = (struct lull_memory){0};
	e = lull_limits_size(limits, &memory->mem_len, &memory->closing_len);
	if (e < 0)
		return e;
	memory->mem = map(memory->mem_len);
	memory->closing = map(memory->closing_len);
	if (!memory->mem || !memory->closing) {
		lull_memory_unmap(memory);
		return -ENOMEM;
	}
	n = lull_limits_pieces(limits, pieces, PIECES);
	for (int i = 0; i < n && i < PIECES; i++)
		advise(memory, &pieces[i]);
	return 0;
}

void lull_memory_unmap(struct lull_memory *memory)
{
	if (memory->mem)
		munmap(memory->mem, memory->mem_len);
	if (memory->closing)
		munmap(memory->closing, memory->closing_len);
	*memory = (struct lull_memory){0};
}

uint64_t lull_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

int lull_key_make(struct lull_config *config)
{
	ssize_t n = getrandom(config->key, sizeof config->key, 0);

	return n == (ssize_t)sizeof config->key ? 0 : -EIO;
}

__attribute__((weak)) void lull_panic(const char *file, int line,
				      const char *what)
{
	fprintf(stderr, "lull: %s:%d: %s: this is a bug in lull\n", file, line,
		what);
	abort();
}
