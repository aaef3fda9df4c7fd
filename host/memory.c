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

static void *map(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int lull_memory_map(const struct lull_limits *limits,
		    struct lull_memory *memory)
{
	int e;

	*memory = (struct lull_memory){0};
	e = lull_limits_size(limits, &memory->mem_len, &memory->closing_len);
	if (e < 0)
		return e;
	memory->mem = map(memory->mem_len);
	memory->closing = map(memory->closing_len);
	if (memory->mem && memory->closing)
		return 0;
	lull_memory_unmap(memory);
	return -ENOMEM;
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
