/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss_filter.h: ss's filters: which sockets are wanted.
 *
 *	state time-wait '( dport = :443 or sport = :443 )'
 *
 * Words become states and a tree; the tree is asked row by row, or becomes
 * bytecode that the kernel asks (sock_diag(7), INET_DIAG_REQ_BYTECODE).
 */
#ifndef LULL_TOOL_SS_FILTER_H
#define LULL_TOOL_SS_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/inet_diag.h>

enum {
	SS_FILTER_NODES = 128, /* of a tree */
	SS_FILTER_CODE = 8192, /* bytes of bytecode */
	SS_FILTER_WHY = 160,   /* of a message */
};

enum ss_op {
	SS_AND,
	SS_OR,
	SS_NOT,
	SS_SRC, /* address, prefix, port: each may be any */
	SS_DST,
	SS_SPORT_GE,
	SS_SPORT_LE,
	SS_DPORT_GE,
	SS_DPORT_LE,
	SS_DEV,
};

struct ss_node {
	enum ss_op op;
	uint8_t a, b;	/* of AND, OR, NOT: nodes */
	uint8_t family; /* AF_UNSPEC: any address */
	uint8_t bits;
	int32_t port; /* -1: any; of SS_DEV the interface's number */
	uint8_t addr[16];
};

struct ss_filter {
	struct ss_node node[SS_FILTER_NODES];
	int len;  /* 0: all sockets */
	int root; /* one of them */
};

/* What a command line said. */
struct ss_filter_words {
	bool has_states;
	uint32_t states;
	struct ss_filter filter;
};

/*
 * false: `why` says what is wrong. `words` are arguments, of which each may
 * hold several words.
 */
bool ss_filter_parse(struct ss_filter_words *f, char **words, int n,
		     char why[SS_FILTER_WHY]);
bool ss_filter_match(const struct ss_filter *f,
		     const struct inet_diag_msg *msg);
/*
 * Bytes of bytecode, 0 for no filter; -E2BIG: too long for `code`, or for the
 * jumps that there are.
 */
int ss_filter_compile(const struct ss_filter *f, uint8_t code[SS_FILTER_CODE]);

/*
 * One of the spellings of a state, or a group (all, connected, synchronized,
 * bucket, big): bits 1 << state. 0: there is none; `near` is one like it, or
 * NULL.
 */
uint32_t ss_state_bits(const char *word, const char **near);

#endif
