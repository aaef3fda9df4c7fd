/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz.h: what fuzzers share: a shard for each input, two that are joined, and
 * an end at which nothing may be left.
 *
 * A shard's memory is used again by the next input, and cleared as far as it
 * was used: to ask for it anew took most of the time.
 */
#ifndef LULL_FUZZ_H
#define LULL_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "shard.h"

#include <lull/host.h>

#define MUST(x) ((x) ? (void)0 : fuzz_wrong(__FILE__, __LINE__, #x))

__attribute__((noreturn)) void fuzz_wrong(const char *file, int line,
					  const char *what);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- bytes ---- */

void fuzz_put16(uint8_t *p, uint32_t v);
void fuzz_put32(uint8_t *p, uint32_t v);
uint32_t fuzz_get32(const uint8_t *p);
/* RFC 1071, plainly; `sum` comes from other bytes, of an even length. */
uint32_t fuzz_sum(uint32_t sum, const uint8_t *p, size_t len);
uint16_t fuzz_fold(uint32_t sum);
/* The byte at this place of every stream that a program writes. */
uint8_t fuzz_byte(uint32_t at);

/* ---- one shard ---- */

/* Of one kind of shard: always the same limits. */
struct fuzz_memory {
	struct lull_memory memory;
	struct lull_shard *last;
};

/* Few of everything, so that inputs of some hundred bytes reach the limits. */
void fuzz_limits(struct lull_limits *l);
struct lull_shard *fuzz_shard(struct fuzz_memory *m,
			      const struct lull_config *config,
			      uint64_t now_ns);
/*
 * Nothing is held any more: let time pass, from one deadline to the next, until
 * there is none. `run` runs the shard and takes what it sends. Then every pool
 * must be empty, the flow table whole, and nothing broken.
 */
void fuzz_run_out(struct lull_shard *s, uint64_t *now_ns,
		  struct lull_work (*run)(void *arg), void *arg);
void fuzz_check_empty(const struct lull_shard *s);

/* ---- two shards ---- */

/* 10.0.0.1, fd00::1 and 10.0.0.2, fd00::2, over a link in memory. */
struct duo {
	struct lull_shard *shard[2];
	struct lull_memnet *net;
	uint64_t now_ns, deadline_ns[2];
	/* Called for all events, while they come. */
	void (*on_event)(void *arg, int side, const struct lull_event *e);
	void *arg;
};

struct lull_addr duo_addr(int side, bool v6);
/* `limits` may be NULL. */
void duo_open(struct duo *d, enum lull_profile profile, uint32_t link_cap,
	      void (*limits)(struct lull_limits *l));
/* All that happens at this moment. */
void duo_settle(struct duo *d);
/* Up to so much later, from one deadline to the next. */
void duo_pass(struct duo *d, uint64_t ns);
/* Nobody holds anything any more: until both are empty. */
void duo_close(struct duo *d);

#endif
