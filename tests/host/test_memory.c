/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_memory.c: memory for a shard, and where huge pages are asked for
 * (host/memory.c); what lies where (lull_limits_pieces()).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <lull/diag.h>
#include <lull/host.h>

#include "../unit/test.h"

enum {
	PIECES = 64,
	HUGE = 2 << 20,
	CLOSING = 10000000,
};

static int pieces_of(uint32_t conns, uint32_t closing,
		     struct lull_config *config, struct lull_piece *pieces)
{
	int n;

	lull_config_init(config, conns, closing);
	n = lull_limits_pieces(&config->limits, pieces, PIECES);
	assert_in_range(n, 10, PIECES);
	return n;
}

static void pieces_follow_each_other_and_fill_the_memory(void **state)
{
	struct lull_piece p[PIECES], few[PIECES] = {{0}};
	size_t mem_len, closing_len, end[2] = {0, 0};
	struct lull_config c;
	int n = pieces_of(1000, 100000, &c, p);

	assert_int_equal(lull_limits_size(&c.limits, &mem_len, &closing_len),
			 0);
	for (int i = 0; i < n; i++) {
		assert_true(p[i].at >= end[p[i].closing]);
		assert_true(p[i].at - end[p[i].closing] < 4096); /* aligned */
		end[p[i].closing] = p[i].at + p[i].len;
	}
	assert_true(end[0] <= mem_len && mem_len - end[0] < 4096);
	assert_true(end[1] <= closing_len && closing_len - end[1] < 4096);
	/* No more than there is room for, but it is told how many. */
	assert_int_equal(lull_limits_pieces(&c.limits, few, 3), n);
	assert_true(few[2].at == p[2].at && few[2].len == p[2].len);
	assert_int_equal(few[3].len, 0);
	c.limits.conns = 0;
	assert_int_equal(lull_limits_pieces(&c.limits, p, PIECES), -EINVAL);
}

/* Is this byte in a mapping with advice to take huge pages? */
static bool is_huge(const uint8_t *at)
{
	uintptr_t from, to;
	bool here = false, huge = false;
	char line[512];
	FILE *f = fopen("/proc/self/smaps", "r");

	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
			here = (uintptr_t)at >= from && (uintptr_t)at < to;
		else if (here && !strncmp(line, "VmFlags:", 8))
			huge = strstr(line, " hg") != NULL;
	}
	fclose(f);
	return huge;
}

static bool kernel_has_huge_pages(void)
{
	void *p =
		mmap(NULL, HUGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int e = madvise(p, HUGE, MADV_HUGEPAGE);

	munmap(p, HUGE);
	return e == 0;
}

static void only_behind_the_beginning_of_large_pieces(void **state)
{
	struct lull_piece p[PIECES];
	struct lull_memory m;
	struct lull_config c;
	int n = pieces_of(1000, CLOSING, &c, p), large = 0;

	if (!kernel_has_huge_pages())
		skip();
	assert_int_equal(lull_memory_map(&c.limits, &m), 0);
	for (int i = 0; i < n; i++) {
		uint8_t *at =
			(uint8_t *)(p[i].closing ? m.closing : m.mem) + p[i].at;

		assert_false(is_huge(at));
		if (p[i].len < 6 * HUGE)
			continue;
		large++;
		assert_false(is_huge(at + HUGE - 1));
		assert_true(is_huge(at + 2 * HUGE));
		assert_true(is_huge(at + p[i].len - HUGE - 1));
	}
	assert_in_range(large, 6, n); /* records, links, buckets and more */
	lull_memory_unmap(&m);
}

static uint64_t resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*u %lu", &pages), 1);
	fclose(f);
	return pages * 4096ULL;
}

/* A limit of ten million costs next to nothing until they come, and ten
 * thousand no huge pages. */
static void what_is_not_used_is_not_there(void **state)
{
	struct lull_shard *shard;
	struct lull_memory m;
	struct lull_config c;
	uint64_t before;

	lull_config_init(&c, 100000, CLOSING);
	before = resident_bytes();
	assert_int_equal(lull_memory_map(&c.limits, &m), 0);
	assert_int_equal(lull_shard_init(&shard, &c, m, 1, NULL), 0);
	assert_in_range(resident_bytes() - before, 0, 1 << 20);
	for (uint32_t i = 0; i < 10000; i++) {
		struct lull_timewait w = {
			.size = sizeof w,
			.local = {{.b = {[10] = 0xff,
					 [11] = 0xff,
					 10,
					 [15] = 1}},
				  80},
			.remote = {{.b = {[10] = 0xff,
					  [11] = 0xff,
					  10,
					  [15] = 2}},
				   (uint16_t)(1000 + i)},
			.left_ms = 60000,
			.state = LULL_TCP_TIME_WAIT,
		};

		assert_int_equal(lull_timewait_put(shard, &w, 1), 1);
	}
	assert_in_range(resident_bytes() - before, 10000 * 48, 2 << 20);
	lull_memory_unmap(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_follow_each_other_and_fill_the_memory),
		cmocka_unit_test(only_behind_the_beginning_of_large_pieces),
		cmocka_unit_test(what_is_not_used_is_not_there),
	};

	return RUN("host memory", tests);
}
