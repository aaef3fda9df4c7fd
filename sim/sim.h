/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim.h: a world of stacks in virtual time, made from one number.
 *
 * A seed draws everything: which kinds of trouble there are (kinds.h), how many
 * stacks, their limits and knobs, how strong the faults are, who connects to
 * whom when, how much is sent, who closes and how. First the network
 *misbehaves; then the faults stop, and all must come to an end. Safety is
 *checked at every step by rules that never ask a stack for its opinion:
 *
 *	- what one side reads is a prefix of what the other wrote, byte for
 *	  byte, and all of it when the end of file is clean;
 *	- states change as figure 5 of RFC 9293 allows;
 *	- what leaves a stack is well-formed, and keeps the rules of wire.h;
 *	- when the faults are over, new connections succeed, all of them;
 *	- at the end every pool of every stack is empty.
 *
 * Uses the installed headers alone. The same seed gives the same hash.
 */
#ifndef LULL_SIM_H
#define LULL_SIM_H

#include <stdio.h>

#include <lull/diag.h>
#include <lull/host.h>

#include "kinds.h"

enum {
	SIM_HOSTS_MAX = 4,
	SIM_HOSTS_SIZE = 8, /* scene.h needs more places */
	SIM_CONNS = 100,    /* a seed */
	SIM_SURE = 5,	    /* after the faults: these must succeed */
	SIM_SIDES_MAX = 2 * (SIM_CONNS + SIM_SURE),
	SIM_PACKET_MAX = 65536 + 128,
	SIM_KNOBS_MAX = 32,
	SIM_SEEN = 101, /* last bytes of addresses */
};

struct sim_options {
	uint64_t seed;
	uint64_t until_ns; /* stop there; 0: never */
	uint64_t without;  /* kinds that are not to be there */
	uint32_t conns;	   /* at most so many begin; 0: all */
	FILE *trace;	   /* what happens, line by line; NULL: nowhere */
	const char *fail; /* of each stack the `fail_n`-th get from this pool */
	uint32_t fail_n;  /* fails, while the network is bad; NULL: none */
	struct lull_pcap *pcap;
};

struct sim_result {
	uint32_t connections; /* that were established on both sides */
	bool failed;
	bool expected; /* in a scenario: it is what the run is to show */
	char why[256];
	uint64_t hash; /* of every frame and every event, with its time */
};

/* How one side of a connection behaves; drawn. */
enum plan {
	PLAN_CLOSE,	 /* write all, close */
	PLAN_SHUT_READ,	 /* write all, shut down, read to the end, close */
	PLAN_READ_CLOSE, /* write all, read to the end, close */
	PLAN_ABORT,	 /* write some, abort */
	PLAN_LINGER_0,	 /* write all, close with SO_LINGER 0 */
	PLAN_LINGER,	 /* write all, close with a time to linger */
	PLANS,
};

/* One end of a connection, as its program sees it. */
struct side {
	bool open;	/* the program holds a handle */
	bool lingers;	/* closed, LULL_EVENT_CLOSED is to come */
	bool connected; /* established as far as we know */
	bool client;
	int host;
	struct lull_sock sock;
	struct lull_endpoint local, remote;
	struct side *peer; /* the other end, once it is accepted */
	enum plan plan;
	uint64_t born_ns;
	uint64_t id; /* of the stream that it writes */
	uint64_t to_write, written, read;
	bool wrote_fin; /* everything was written, and ended in order */
	bool broke;	/* it aborted, or an error came */
	bool sure;	/* the network is good: it must succeed */
	bool eof;	/* it read a clean end */
	uint32_t read_most, write_most; /* bytes at a time */
	uint64_t pause_ns;		/* between two reads; 0: none */
	uint64_t write_pause_ns;	/* the same */
	uint64_t read_ns, write_ns;	/* not before */
	uint64_t wake_ns; /* when to act again; UINT64_MAX: on events */
	/* Until the faults are over: */
	bool leaks;  /* it never closes */
	bool deaf;   /* it never reads */
	bool urgent; /* some of what it writes is */
	bool corks;
	bool records; /* it says where some end */
	bool fills;   /* habits.c */
	uint64_t habit_ns;
};

/* What a host is that lull is not (temper.c). */
struct temper {
	bool random_ts, no_paws, recycles;
	struct temper_seen {
		uint64_t ns; /* 0: never */
		uint32_t tsval;
	} seen[2][SIM_SEEN];
};

struct host {
	struct lull_shard *shard;
	struct lull_memory memory;
	struct lull_prefix addr[2]; /* IPv4, IPv6 */
	struct lull_sock listener;
	uint64_t trace_cursor;
	uint64_t deadline_ns;
	/* Of a random world, for the host that comes again: */
	struct lull_config config;
	struct lull_listen listen;
	struct {
		const char *name;
		char value[40];
	} knob[SIM_KNOBS_MAX];
	int knobs;
	bool down;	/* crashed; there is no shard */
	bool answers;	/* ... but its kernel does, with RST */
	bool has_state; /* its records outlive it */
	struct temper temper;
	uint64_t awake_ns; /* it stands still until then */
	uint64_t act_ns;   /* when it crashes, sleeps or comes again */
	void *image;	   /* its closing records, while it is down */
	struct world *world;
	uint32_t stores; /* torn.c */
};

struct net;
struct middle;
struct wire;
struct rules;

struct world {
	const struct sim_options *options;
	struct sim_result *result;
	uint64_t random, now_ns;
	struct host host[SIM_HOSTS_SIZE];
	int hosts;
	struct lull_memnet *net;   /* of a scenario */
	struct lull_faults faults; /* the same */
	struct net *path;	   /* of a random world */
	struct middle *middle;	   /* the same */
	struct wire *wire;	   /* the same */
	struct rules *rules;	   /* the same; rules.c */
	uint64_t kinds;		   /* of trouble, that are there: bits */
	uint64_t dice[KINDS];
	struct side side[SIM_SIDES_MAX];
	int sides;
	int conns_left; /* to be begun */
	uint64_t next_conn_ns, mean_gap_ns;
	uint32_t flood; /* connections that begin at once, still */
	bool quiet;	/* the faults are over */
	bool sure;	/* what begins now must succeed */
	/* Each change of state, if anybody wants to know. */
	void (*on_state)(struct world *w, int host,
			 const struct lull_trace_record *r);
};

/* Of the checked core alone, which no header of lull's tells: src/shard.h. */
int lull_pool_fail(struct lull_shard *s, const char *pool, uint32_t n);

/* ---- world.c ---- */

void sim_run(const struct sim_options *options, struct sim_result *result);
uint64_t sim_draw(struct world *w);
uint64_t sim_below(struct world *w, uint64_t n); /* 0..n-1; 0 for n = 0 */
bool sim_chance(struct world *w, uint32_t percent);
/* The same by the dice of one kind. */
bool sim_has(const struct world *w, enum kind kind);
uint64_t sim_below_of(struct world *w, enum kind kind, uint64_t n);
bool sim_chance_of(struct world *w, enum kind kind, uint32_t percent);
/* Of very different sizes: each doubling from lo to hi is as likely. */
uint64_t sim_scale_of(struct world *w, enum kind kind, uint64_t lo,
		      uint64_t hi);
/* The first failure is the one that is told. */
__attribute__((format(printf, 2, 3))) void sim_fail(struct world *w,
						    const char *format, ...);
__attribute__((format(printf, 2, 3))) void sim_trace(struct world *w,
						     const char *format, ...);
void sim_hash(struct world *w, const void *p, size_t len);
/* What an assertion of a stack leads to; it does not return. NULL: nothing. */
void sim_on_panic(void (*hook)(const char *file, int line, const char *what));

/* ---- host.c: stacks that begin, stand still, crash and come again ---- */

void sim_add_host(struct world *w, int host);
void sim_knob(struct world *w, int host, const char *name, uint64_t value);
/* It is set when the host begins, and when it comes again. */
void sim_note_knob(struct world *w, int host, const char *name,
		   const char *value);
/* What is due. */
void sim_hosts_act(struct world *w);
uint64_t sim_hosts_deadline(const struct world *w);
/* All are up and awake, and stay so. */
void sim_hosts_quiet(struct world *w);
bool sim_is_awake(const struct world *w, int host);

/* ---- peer.c: the programs ---- */

void sim_begin(struct world *w); /* one more connection */
/* It finds out one day that the other side has gone, whatever was lost. */
void sim_keep_alive(struct world *w, struct lull_shard *shard,
		    struct lull_sock sock);
void sim_events(struct world *w, int host);
void sim_wake(struct world *w, struct side *s);
/* The faults are over: who held on to something lets go of it. */
void sim_programs_quiet(struct world *w);
/* The host is no more: what its programs had open has ended. */
void sim_gone(struct world *w, int host);

/* ---- torn.c ---- */

void sim_watch_stores(struct world *w, int host);

/* ---- habits.c ---- */

void sim_habit_begin(struct world *w, struct side *s);
void sim_habit_accept(struct world *w, struct side *s);
bool sim_habit_fill(struct world *w, struct side *s);

/* ---- check.c ---- */

/* The byte at `offset` of the stream `id`. */
void sim_fill(uint64_t id, uint64_t offset, uint8_t *p, size_t len);
void sim_check_read(struct world *w, struct side *s, const uint8_t *p,
		    size_t len);
void sim_check_eof(struct world *w, struct side *s);
void sim_check_states(struct world *w, int host);
/* In one piece, its checksum done. Returns its bytes; 0: it is not whole. */
uint32_t sim_flatten(struct world *w, const struct lull_frame *f,
		     uint8_t p[SIM_PACKET_MAX]);
void sim_check_packet(struct world *w, const uint8_t *p, uint32_t len);
void sim_check_frame(struct world *w, const struct lull_frame *f);
void sim_check_sure(struct world *w);
void sim_check_pools(struct world *w, int host);
/* No pool has, or ever had, more than its limit. */
void sim_check_limits(struct world *w, int host);
/* Another process that opens the records finds what is there now. */
void sim_check_image(struct world *w, int host);

#endif
