/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * served.h: a lull with a control socket, for tests of who asks it.
 *
 * Two shards joined by a network in memory: `us` is served by a run loop in a
 * thread of its own, `peer` runs along in that thread. Before served_start()
 * all is one thread's, and every state of a connection can be made.
 *
 *	us	10.9.3.2, fd00:9:3::2
 *	peer	10.9.3.1, fd00:9:3::1
 */
#ifndef LULL_TEST_SERVED_H
#define LULL_TEST_SERVED_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include <lull/diag.h>
#include <lull/host.h>

enum {
	SERVED_PORT = 80, /* of the listener on any address */
	SERVED_TRACES = 1024,
};

struct served {
	struct lull_link link; /* first: it is found by it */
	struct lull_shard *us, *peer;
	struct lull_memory memory[2];
	struct lull_memnet *net;
	struct lull_sock listener;
	struct lull_loop *loop;
	struct lull_control *control;
	pthread_t thread;
	bool started;
	atomic_uint turns; /* of the loop */
	/* A call into the thread. */
	void (*call)(struct served *w, void *arg);
	void *arg;
	sem_t called;
	char dir[64], path[96];
};

/* One connection, both ends. */
struct served_pair {
	struct lull_sock us, peer;
};

/* Shards, network, a directory and the listener on port 80. */
struct served *served_open(uint32_t conns);
/* All is gone, the thread and the directory too. */
void served_close(struct served *w);
/* Listen on us. "::" and "0.0.0.0/0" are any address. */
struct lull_sock served_listen(struct served *w, const char *prefix,
			       uint16_t lo, uint16_t hi);
/* From peer to us, established and accepted. */
struct served_pair served_connect(struct served *w, bool v6);
/* From us to anybody: only begun. */
struct lull_sock served_begin(struct served *w, const char *addr,
			      uint16_t port);
/* One turn of both shards and the network. */
void served_step(struct served *w);
/* Until nothing moves. */
void served_settle(struct served *w);
/* From now on nothing that is sent arrives. */
void served_cut(struct served *w);
/*
 * One connection in each of the ten states that a connection can be in, IPv4,
 * and one more established with IPv6. Cuts the network.
 */
void served_every_state(struct served *w);
/* The thread, and the control socket at w->path. */
void served_start(struct served *w);
/* Have this done in the thread, between two turns; waits for it. */
void served_do(struct served *w, void (*call)(struct served *w, void *arg),
	       void *arg);

#endif
