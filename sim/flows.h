/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flows.h: connections from one stack, a, to another one, b, over a path, in
 * virtual time. A minute of a slow path takes a moment; the same plan gives
 * the same segments.
 *
 *	struct flows_plan plan = flows_plan(50, 1250000);   50 ms, 10 Mbit/s
 *	struct flows *f;
 *
 *	plan.path.leg[PATH_FORTH].drop[0].first = 7;
 *	plan.flow[0].bytes = 1000000;
 *	if (flows_open(&f, &plan) == 0)
 *		flows_run(f, 0);
 *	... flows_result(f, 0), flows_count(f, FLOWS_A, "TCPTimeouts") ...
 *	flows_close(f);
 *
 * Each flow is a sender at a and a reader at b that takes all at once and
 * compares every byte; or questions from a, answered by b.
 */
#ifndef LULL_FLOWS_H
#define LULL_FLOWS_H

#include <lull/diag.h>
#include <lull/host.h>

#include "path.h"

enum {
	FLOWS_MAX = 16,
	FLOWS_KNOBS = 12,
	FLOWS_PORT = 2000, /* at a, of flow 0; b listens on port 80 */
	FLOWS_TUNED = 1,   /* buf_bytes: as the stack has it */
};

enum flows_end {
	FLOWS_A,
	FLOWS_B,
	FLOWS_ENDS,
};

struct flows_flow {
	uint64_t bytes;	   /* to send; 0: as many as can be */
	uint64_t start_us; /* when it connects */
	bool fin;	   /* shut down behind the last byte */
	const char *cc;	   /* congestion control; NULL: the default */
	/* Questions of `ask` bytes and answers; not 0: instead of `bytes`. */
	uint32_t ask, answer;
	uint32_t times;	   /* 0: to the end */
	uint64_t think_us; /* from an answer to the next question */
};

struct flows_plan {
	struct path_config path;
	const char *knobs[FLOWS_KNOBS]; /* "name=value", of both ends */
	const char *knobs_a[FLOWS_KNOBS], *knobs_b[FLOWS_KNOBS];
	uint32_t mtu;	    /* of both ends; 0: 1500 */
	uint32_t buf_bytes; /* tcp_wmem's most, tcp_rmem; 0: 8 MiB */
	bool v6;
	bool batches;	   /* what arrives at one moment comes at once */
	uint64_t until_us; /* the end; 0: a minute */
	struct flows_flow flow[FLOWS_MAX];
	int n; /* flows; 0: one */
};

struct flows_result {
	bool connected, done, broken; /* broken: other bytes than were sent */
	int error;	   /* negative errno that ended it; 0: none */
	uint64_t bytes;	   /* that arrived and were read, at b */
	uint64_t took_us;  /* from its start, or flows_mark(), to its last byte,
			      or till now */
	double rate;	   /* bytes a second: the one by the other */
	uint32_t answered; /* questions */
	uint64_t answer_median_us, answer_most_us;
	struct path_flow_stats path; /* of what a sent */
	/* Of the sender now: */
	uint32_t cwnd_bytes, ssthresh_bytes, rtt_us, rto_us;
};

struct flows;

/* A path of so much delay each way, and the same rate; a queue of one BDP. */
struct flows_plan flows_plan(uint64_t delay_ms, uint64_t rate);
/* -ENOENT and others: a knob; -ENOMEM. */
int flows_open(struct flows **flows, const struct flows_plan *plan);
void flows_close(struct flows *f);
/* To this time since the beginning; 0: until all is done, or the plan's end. */
void flows_run(struct flows *f, uint64_t until_us);
/* What results tell as bytes and rate begins now. */
void flows_mark(struct flows *f);
uint64_t flows_now_us(const struct flows *f);
bool flows_are_done(const struct flows *f);
struct flows_result flows_result(const struct flows *f, int flow);
/* A counter of an end by its name; 0 also for one that isn't there. */
uint64_t flows_count(const struct flows *f, enum flows_end end,
		     const char *name);
struct path *flows_path(struct flows *f);
struct lull_shard *flows_shard(struct flows *f, enum flows_end end);
/* Jain's index of the rates of all flows: 1 is fair, 1/n is one alone. */
double flows_fairness(const struct flows *f);

#endif
