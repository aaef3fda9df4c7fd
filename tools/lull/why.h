/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * why.h: the explained no, for people and programs: how the ports stand towards
 * a destination, and what helps when there is none.
 */
#ifndef LULL_TOOL_WHY_H
#define LULL_TOOL_WHY_H

#include <jansson.h>
#include <lull/diag.h>

enum {
	WHY_REMEDIES = 8, /* lines, at most */
	WHY_LINE = 128,	  /* bytes of one */
};

/* What the remedies depend on. */
struct why_knobs {
	int64_t range_lo, range_hi; /* net.ipv4.ip_local_port_range */
	int64_t timestamps, tw_reuse, tw_reuse_delay_ms, tw_reuse_safe;
};

void why_knobs_of(const struct lull_shard *shard, struct why_knobs *knobs);

/* Ports of the range that can be chosen now. */
uint32_t why_free(const struct lull_why *why);
/* Was it for want of a port that there is no connection? */
bool why_is_ports(const struct lull_why *why);
/* "ports_in_use", and a sentence without a full stop. */
const char *why_reason(const struct lull_why *why);
const char *why_sentence(const struct lull_why *why);

/*
 * What helps in this case, safest first, a line each; how many. Never what
 * breaks connections: an early end of TIME_WAIT, or a reset in place of FIN.
 */
int why_remedies(const struct lull_why *why, const struct why_knobs *knobs,
		 char line[WHY_REMEDIES][WHY_LINE]);

/* "of 8 ports (20000-20007): ..." without an end of line. */
void why_print_ports(const struct lull_why *why, const struct why_knobs *knobs);
/* "in 9.1 s", "now" */
const char *why_in(uint64_t ns, char *text, size_t size);
/* Lines about ports, times and remedies, indented. */
void why_print(const struct lull_why *why, const struct why_knobs *knobs);

/* All numbers as members of `object`; times that never come are null. -1: no
 * memory. */
int why_into_json(const struct lull_why *why, json_t *object);
/* The remedies as a list. */
json_t *why_remedies_json(const struct lull_why *why,
			  const struct why_knobs *knobs);

#endif
