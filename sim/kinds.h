/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kinds.h: what can go wrong in a random world, by name.
 *
 * The seed says of each kind whether it is there (swarm testing: a world with
 * everything in it hides what a world with little shows). Each has dice of its
 * own, so that one more or one fewer changes nothing for the others: that is
 * what `lull sim --without` and --shrink rest on.
 */
#ifndef LULL_KINDS_H
#define LULL_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kind {
	/* The path's. */
	KIND_LOSS,
	KIND_BURST,
	KIND_DUP,
	KIND_CORRUPT,
	KIND_REORDER,
	KIND_DELAY,
	KIND_QUEUE,
	KIND_RATE,
	KIND_MTU,
	KIND_PARTITION,
	KIND_ONE_WAY,
	KIND_GSO,
	/* The hosts'. */
	KIND_KNOBS,
	KIND_CRASH,
	KIND_STATE,
	KIND_SLEEP,
	/* The boxes'. */
	KIND_NAT,
	KIND_NAT_RANDOM,
	KIND_NAT_SHORT,
	KIND_ISN,
	KIND_ISN_SACK,
	KIND_STRIP,
	KIND_CUT,
	KIND_JOIN,
	/* Peers of other temper. */
	KIND_NO_TS,
	KIND_NO_SACK,
	KIND_NO_WSCALE,
	KIND_TS_RANDOM,
	KIND_NO_PAWS,
	KIND_TW_RECYCLE,
	/* The programs'. */
	KIND_FEW_PORTS,
	KIND_FLOOD,
	KIND_SLOW,
	KIND_BYTES,
	KIND_HALF,
	KIND_ABORT,
	KIND_LINGER,
	KIND_LINGER_0,
	KIND_LEAK,
	KIND_DEAF,
	KIND_URGENT,
	KIND_CORK,
	KIND_FILL,
	/* The memory's. */
	KIND_TIGHT,
	/* A program's again: the dice go by these numbers. */
	KIND_RECORDS,
	KINDS,
};

#define KIND_BIT(kind) (1ULL << (kind))

struct kind_info {
	const char *name, *help;
	uint8_t percent; /* of worlds that have it */
};

/* The i-th; NULL: there is none. */
const struct kind_info *kind_at(int i);
/* Those that the seed has. */
uint64_t kinds_of(uint64_t seed);
/* The dice of one kind, to begin with. */
uint64_t kind_dice(uint64_t seed, enum kind kind);
/* "loss,dup" to bits. Returns NULL, or where a name begins that is none. */
const char *kinds_parse(const char *list, uint64_t *bits);
/* The other way, into `text`. */
void kinds_format(uint64_t bits, char *text, size_t len);

#endif
