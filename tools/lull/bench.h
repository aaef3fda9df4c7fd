/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench.h: what `lull bench` measures, over a link in memory or a TUN device.
 */
#ifndef LULL_BENCH_H
#define LULL_BENCH_H

#include <lull/host.h>

#include "hist.h"
#include "tool.h"

enum bench_mode {
	BENCH_CRR,    /* connect, request, response, close; the server first */
	BENCH_RR,     /* requests on connections that are kept */
	BENCH_STREAM, /* bytes, one way, client to server */
	BENCH_TIMEWAIT, /* closing records, very many */
};

struct bench_options {
	enum bench_mode mode;
	bool tun, json;
	bool send;	     /* stream over TUN: from lull to the kernel */
	const char *offload; /* "on", "off", or NULL: as the link is best */
	bool no_checksum;    /* memory: none is computed */
	double seconds;
	uint64_t conc;	  /* connections at a time */
	uint64_t count;	  /* stop after so many; 0: by time alone */
	uint64_t size;	  /* bytes of a response; of a stream: of one write */
	uint64_t entries; /* closing records (timewait) */
};

struct bench_pool {
	char name[16];
	uint32_t peak, object_bytes;
};

struct bench_result {
	double seconds;
	uint64_t done, errors, timeouts, bytes;
	double machine_s, server_s, client_s, steal_s; /* of CPU */
	uint64_t segments; /* that the server's stack sent and received */
	struct bench_pool pool[24];
	int pools;
	struct hist *hist; /* shared memory */
};

/* TOOL_ codes. */
int bench_memory(const struct bench_options *o, struct bench_result *r);
int bench_tun(const struct bench_options *o, struct bench_result *r);
int bench_timewait(const struct bench_options *o); /* prints by itself */
/* -1: help is asked for; argv[0] is "path". */
int bench_path(int argc, char **argv);

/* CPU time so far: of the machine, and what a hypervisor took away. */
void bench_cpu(double *machine_s, double *steal_s);
/* Remember a shard's counters at the end. */
void bench_take(struct bench_result *r, const struct lull_shard *shard);

extern const char bench_request[], bench_request_close[];
/* A response with `size` bytes of body. Returns its length; malloc'ed. */
size_t bench_response(uint64_t size, char **out);

/* ---- kclient.c: a client on the kernel's sockets ---- */

struct kclient {
	enum bench_mode mode;
	bool pull;		    /* a stream comes, instead of going */
	const char *target;	    /* IPv4 */
	const char *const *sources; /* addresses to bind, ends with NULL */
	uint64_t conc, count, size;
	uint64_t answer_len; /* bytes of a whole response */
	double seconds;
};

void kclient_run(const struct kclient *k, struct bench_result *r);

#endif
