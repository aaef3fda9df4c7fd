/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pair.h: two shards, each with a loop, joined by a pair of sockets instead of
 * a device: no root needed.
 *
 *	main thread: server 10.0.0.2 --- socketpair --- client 10.0.0.1: a
 *thread
 */
#ifndef LULL_TEST_PAIR_H
#define LULL_TEST_PAIR_H

#include <pthread.h>

#include <lull/host.h>

enum {
	BYTES = 300000, /* that a client sends */
	LONG_MS = 60000,
};

/* A link that can be bad. */
struct wire {
	struct lull_link link;
	int fd;
	int rx_calls, tx_calls;
	int refuse;	     /* so many calls of tx take nothing */
	int rx_error;	     /* what rx says from now on */
	bool noise;	     /* rx fills every frame, always */
	bool answered, late; /* an answer was not sent in its turn */
};

struct side {
	struct wire wire;
	struct lull_memory memory;
	struct lull_shard *shard;
	struct lull_loop *loop;
	struct lull_sock listener, conn;
	void (*on_accept)(struct side *s);
	uint32_t drain_ms;
	bool closes_at_drain, says_drained;
	int wakes, fires, drains;
	size_t sent, received;
	bool wrong;
	int ended;  /* 1: the end of file; else an error */
	int result; /* of the run */
	pthread_t thread;
};

struct pair {
	struct side server, client;
};

uint64_t counter(const struct side *s, const char *name);
/* Buffers that the loop or the link still holds. */
uint32_t buffers(const struct side *s);

/* Accepts one, and echoes; on_accept instead of that. */
void server_events(void *arg, const struct lull_event *events, int n);
/* Sends a pattern, and wants it back. */
void client_events(void *arg, const struct lull_event *events, int n);
/* Only waits for the end. */
void idle_events(void *arg, const struct lull_event *events, int n);

/* With queues of so many frames. The client connects, and runs. */
void init_pair(struct pair *p, uint32_t ring,
	       void (*client)(void *, const struct lull_event *, int));
/* Run the server here until it ends, then wait for the client. */
void run_pair(struct pair *p);
void fini_pair(struct pair *p);

/* One side alone, a server; the other end of its wire is returned. */
int init_alone(struct side *s);
void fini_side(struct side *s);

#endif
