/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.h: records of a trace as people read them.
 *
 * A record tells one change. What a connection's end means hangs on what came
 * before, so the last TRACE_PAIRS connections are kept: who opened, and who
 * closed first. One that was forgotten, or had begun before the trace did, is
 * told as unknown where its state does not say it.
 */
#ifndef LULL_TOOL_TRACE_H
#define LULL_TOOL_TRACE_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "../../host/control.h"

enum {
	TRACE_PAIRS = 65536, /* 3.5 MiB */
	TRACE_LINE = 256,
};

/* Who sent the first FIN, or the RST that ended it. */
enum trace_first {
	TRACE_UNKNOWN,
	TRACE_NOBODY, /* it is open, or it ended without a word */
	TRACE_WE,
	TRACE_PEER,
	TRACE_BOTH, /* the FINs crossed */
	TRACE_FIRSTS,
};

/* What is known of a connection at one of its changes. */
struct trace_seen {
	uint8_t first;	   /* of enum trace_first */
	bool opening;	   /* the change is its beginning */
	uint64_t since_ns; /* it began, by the stack's clock; 0: unknown */
};

struct trace_pairs;

/* NULL: no memory. Freed by free(). */
struct trace_pairs *trace_pairs_new(void);
/* Note a change of state, in the order of their indices. */
struct trace_seen trace_note(struct trace_pairs *pairs,
			     const struct lull_ctl_trace *r);

/* Which of both ends a record must have: an address or a prefix, a port. */
struct trace_filter {
	struct lull_prefix prefix;
	uint16_t port; /* 0: any */
};

/* "10.9.3.1", "10.0.0.0/8", "10.9.3.1:80", ":80", "[fd00::1]:80"; -EINVAL. */
LULL_MUST_CHECK int trace_filter(const char *text, struct trace_filter *filter);
bool trace_passes(const struct trace_filter *filter,
		  const struct lull_ctl_trace *r);

/* How wide columns are; they only grow. */
struct trace_width {
	int local, peer, what;
};

/* A line without its end, at most TRACE_LINE with the NUL. `clock_ns` is what
 * the stack's clock lacks to that of the wall. Returns `text`. */
const char *trace_line(struct trace_width *width, uint64_t clock_ns,
		       const struct lull_ctl_trace *r,
		       const struct trace_seen *seen, char *text);
const char *trace_heading(const struct trace_width *width, char *text);
/* NULL: no memory. */
json_t *trace_json(uint64_t clock_ns, const struct lull_ctl_trace *r,
		   const struct trace_seen *seen);

/* Some words for an end, of enum lull_trace_end; and one, for JSON. */
const char *trace_why(uint32_t end);
const char *trace_why_word(uint32_t end);

#endif
