/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scene.h: scenarios that attack the reuse of a pair of endpoints.
 *
 * One or two clients, a server, a middlebox between them, and so few ports
 * that pairs come again and again while segments of their old incarnations
 * still wander about. Every byte says to which connection it belongs, so one
 * of an old connection in a new one is seen. All is checked from outside:
 *
 *	- what is read is what this very connection's other end wrote;
 *	- a connection that was established ends in order on both sides, unless
 *	  the scenario itself breaks connections (`breaks`);
 *	- each attempt ends, and enough of them succeed, in bounded time;
 *	- where a client's numbers may have lapped, its pair rests for 2MSL
 *	  while others come again (`bulk`, pair.c);
 *	- states, frames and pools, as in sim.h.
 *
 * Linux's tcp_tw_reuse=1 makes no such promise, and a control breaks them on
 * purpose: there the first two are told apart (`expected`). So is the first
 * for 2MSL after a server of profile linux has forgotten the pair's TIME_WAIT
 * for a SYN that came to nothing: it has no shadow (docs/timewait.md, D7); and
 * after it has taken a SYN below the old numbers, which it then forgets.
 *
 * A seed draws who closes first, the reuse (off, Linux's, safe) and the
 * server's profile in turn, so that 24 seeds in a row have each combination;
 * 48 have each over IPv4 and over IPv6. A box that has not done what it is
 * there for fails the seed.
 */
#ifndef LULL_SCENE_H
#define LULL_SCENE_H

#include "packet.h"
#include "sim.h"

enum {
	SCENE_PORTS = 8,
	SCENE_WANTED = 40,   /* connections that must succeed */
	SCENE_TRIES = 1200,  /* attempts at most */
	SCENE_CLIENTS = 2,   /* hosts 0 and 1; servers follow */
	SCENE_LIVES = 4,     /* of a server that restarts */
	SCENE_HEADER = 8,    /* bytes in front of a client's stream */
	SCENE_OLD_MAX = 384, /* segments that the recorder keeps */
	SCENE_FLOWS_MAX = 256,
	SCENE_MTU = 1500,
	SCENE_ADDR = 16, /* bytes; of IPv4's the first four are used */
	SCENE_ENDPOINT = SCENE_ADDR + 2,
	SCENE_KEY = 2 * SCENE_ENDPOINT,
	SCENE_FIRST_PORT = 40000,
};

_Static_assert(SCENE_CLIENTS + SCENE_LIVES <= SIM_HOSTS_SIZE, "places");

/* What the box does. */
enum box_bits {
	BOX_RECORD = 1,		/* old segments come again, for up to 30 s */
	BOX_SNAT = 2,		/* two clients behind one address */
	BOX_BALANCE = 4,	/* each SYN goes to one of two servers */
	BOX_STRIP_SOME = 8,	/* no timestamps in some connections' SYNs */
	BOX_STRIP_ALL = 16,	/* ... in all */
	BOX_ISN = 32,		/* both ISNs drawn anew for each connection */
	BOX_TS = 64,		/* both timestamp offsets, too */
	BOX_NO_PAWS = 128,	/* the server sees no old timestamp */
	BOX_SLOW_CLOCK = 256,	/* the server's timestamps tick once a second */
	BOX_LAST_ACK = 512,	/* most of the client's last ACKs are lost */
	BOX_SLOW_CLIENT = 1024, /* the client's timestamps tick so */
};

enum reuse {
	REUSE_OFF,
	REUSE_LINUX, /* net.ipv4.tcp_tw_reuse=1 */
	REUSE_SAFE,  /* net.lull.tcp_tw_reuse_safe=1 */
	REUSES,
};

enum closer {
	CLOSER_CLIENT, /* the pair waits at the client */
	CLOSER_SERVER, /* ... at the server: RFC 6191 */
	CLOSER_BOTH,
	CLOSER_HALF, /* the client, before it has read anything */
	CLOSERS,
};

struct scenario {
	const char *name, *help;
	uint32_t box; /* of enum box_bits */
	bool restart; /* the server is made anew, with another key */
	bool breaks;  /* connections may break; bytes never */
	bool slow;    /* connect() may time out: SYNs may be refused for long */
	bool late_rst; /* a server's program may be told so when it is done */
	bool no_1337;  /* tcp_rfc1337=0 */
	bool control;  /* what must not happen does: the checker must see it */
	uint32_t few;  /* seeds are enough among all scenarios; 0: all */
	bool bulk;     /* one connection sends 2^30 bytes, in large segments */
};

/* One end of a connection, as its program sees it. */
struct end {
	bool open, client, connected, lingers, eof, shut;
	uint16_t port; /* the client's */
	int host;
	struct lull_sock sock;
	uint32_t attempt; /* 0: the header is not here yet */
	uint8_t header[SCENE_HEADER];
	uint64_t written, read;
};

/* One connection, from connect() on. */
struct attempt {
	uint64_t begun_ns;
	uint64_t len[2]; /* bytes that the client and the server write */
	uint32_t client, server; /* their ends; 0: none yet */
	bool finished[2];	 /* that end wrote all, read all, and closed */
	bool over;		 /* the client's program knows how it ended */
	bool failed;
};

/* ---- what packets say of a pair ---- */

/* A port of the client's. */
struct pair {
	bool used, fin[2];  /* the client's, the server's */
	uint32_t isn, next; /* what the client sends next */
	uint32_t last_ack;  /* with fin[1] */
	uint64_t sent, begun_ns;
	uint64_t ended_ns; /* the client's last ACK was sent; 0: not yet */
};

/* ---- what the box knows ---- */

/* Of packets from one endpoint to another, as they leave the box. */
struct flow {
	uint8_t key[SCENE_KEY]; /* source, destination: as in the packet */
	uint64_t born_ns;   /* what was seen before is of an old incarnation */
	uint32_t budget;    /* old ones that may still come again */
	uint32_t tsval_max; /* with has_ts */
	bool has_ts;
};

/* Of a client's endpoint: what is done to the present incarnation. */
struct rewrite {
	uint8_t key[SCENE_ENDPOINT]; /* the client's own address and port */
	bool used, strip, fin[2];
	uint32_t last_ack;	/* what the client's last ACK acknowledges */
	uint32_t isn;		/* of its SYN, as the client sent it */
	uint32_t seq[2], ts[2]; /* added, by the client's, the server's side */
	int server;		/* the port of the network */
	uint16_t outer;		/* SNAT: the port outside; 0: none */
	uint64_t free_ns;	/* SNAT: when others may have it */
};

struct old {
	uint8_t key[SCENE_KEY]; /* as a flow's */
	uint64_t seen_ns;
	int port; /* to which it went */
	uint32_t len;
	uint8_t bytes[SCENE_MTU];
};

struct box {
	struct flow flow[SCENE_FLOWS_MAX];
	int flows;
	struct rewrite rewrite[SCENE_FLOWS_MAX];
	int rewrites;
	struct old old[SCENE_OLD_MAX];
	uint32_t olds; /* recorded so far; a ring */
	uint32_t replayed, renewed;
	uint32_t did; /* of enum box_bits: at least once */
};

struct scene {
	struct world w; /* clock, network, hosts, verdict */
	const struct scenario *kind;
	enum reuse reuse;
	enum closer closer;
	bool v6;
	bool linux_server; /* its profile */
	bool any_port;	   /* the client's ports are chosen by its stack */
	bool fast;	   /* two ports, long streams, no pauses */
	int clients;
	int server;	     /* the host that lives */
	int servers;	     /* how many lives were begun, or back ends */
	uint64_t restart_ns; /* the next one's time */
	uint64_t next_try_ns;
	uint32_t succeeded, attempts, open, refused;
	/* Of a server of profile linux, by the client's port: when a SYN took
	 * a TIME_WAIT's pair; when that came to nothing, or another SYN ended
	 * what was half-open; 0: it did not. */
	uint64_t taken_ns[SCENE_PORTS], forgot_ns[SCENE_PORTS];
	uint32_t used[SCENE_PORTS]; /* of the client's numbers, when taken */
	uint16_t port; /* the client's, of the end that is looked at, or 0 */
	struct attempt attempt[SCENE_TRIES + 1];
	struct end end[2 * SCENE_TRIES + 2];
	uint32_t ends;
	struct box box;
	/* Of a scenario with `bulk`: */
	uint32_t bulk; /* the attempt that sends so much */
	struct pair pair[SCENE_PORTS];
	uint32_t early;	   /* pairs that came again within 2MSL */
	bool lapped_again; /* the one that had sent so much, later */
};

/* ---- forget.c ---- */

void scene_state(struct world *w, int host, const struct lull_trace_record *r);
/* Has the server forgotten the pair that is looked at? */
bool scene_forgot(struct scene *s);

/* ---- scene.c ---- */

/* The i-th scenario; NULL: there is none. */
const struct scenario *scene_at(int i);
const struct scenario *scene_find(const char *name);
/* What the scenario is about has happened. */
__attribute__((format(printf, 2, 3))) void scene_harm(struct scene *s,
						      const char *format, ...);
void scene_run(const struct scenario *kind, const struct sim_options *options,
	       struct sim_result *result);

/* ---- talk.c: the programs ---- */

void scene_begin(struct scene *s); /* one more attempt */
void scene_events(struct scene *s, int host);
/* The host is no more; what its programs had open has ended. */
void scene_gone(struct scene *s, int host);

/* ---- box.c ---- */

int scene_box(void *arg, uint64_t now_ns, int from, int to, uint8_t *packet,
	      uint32_t len);

/* ---- pair.c: the wire alone says when a pair comes again ---- */

void scene_pair_sees(struct scene *s, bool client, const struct view *v);
void scene_pair_end(struct scene *s);

#endif
