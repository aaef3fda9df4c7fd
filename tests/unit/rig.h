/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rig.h: one shard on a bench, and a peer made of single segments.
 *
 * The peer has no TCP: a test says every segment that it sends, and looks at
 * every one that comes. Packets are built here from bytes, not by wire/.
 * Both sides start just below 2^32, so that every test wraps.
 *
 *	us    10.9.3.2, or fd00:9:3::2       the shard
 *	peer  10.9.3.1, or fd00:9:3::1       the test
 */
#ifndef LULL_RIG_H
#define LULL_RIG_H

#include "test.h"
#include "sock/sock.h"

#include <lull/host.h>

enum {
	RIG_PORT = 80, /* ours, when we listen */
	RIG_PEER_PORT = 4000,
	RIG_WND = 20000, /* what the peer offers */
	RIG_TEXT_MAX = 4096,
	RIG_EVENTS = 64,  /* kept in the log */
	RIG_RTO_MS = 201, /* with rtt_ms 1: it, and tcp_rto_min */
};

#define RIG_ISS	     0xfffffff0U /* ours */
#define RIG_PEER_ISS 0xffffffe0U /* the peer's */

struct rig_config {
	enum lull_profile profile;
	bool v6;
	bool ether;			/* frames are Ethernet's: see lan.h */
	bool ts;			/* the peer has timestamps */
	bool wscale;			/* the peer has window scaling */
	bool sack;			/* the peer permits SACK */
	uint8_t shift;			/* ... by so much; 0: 7 */
	uint16_t mss;			/* the peer's; 0: 1460 */
	bool no_mss;			/* its SYN has no such option */
	bool any;			/* the listener is on any address */
	bool no_listener;		/* there is none */
	uint32_t rtt_ms;		/* from our SYN-ACK to its ACK */
	uint32_t mtu, link_cap;		/* ours; mtu 0: 1500 */
	uint32_t listen_flags, backlog; /* backlog 0: 8 */
	void (*limits)(struct lull_limits *limits); /* other than usual */
	const char *sysctl[8];			    /* "name=value" */
};

/* A segment that came out, with its text. */
struct rig_seg {
	struct lull_seg seg;
	uint8_t text[RIG_TEXT_MAX];
	uint8_t tos, ttl;
	uint32_t gso_size;
};

/* A frame that came out, in one piece. */
struct rig_raw {
	uint8_t bytes[65536 + 128];
	uint32_t len;
	struct lull_frame frame;
};

struct rig {
	struct rig_config config;
	struct lull_shard *s;
	struct lull_memory memory;
	uint64_t now_ns;
	struct lull_tuple tuple; /* the connection, "local" is us */
	struct lull_sock listener, sock;
	struct lull_seq seq; /* the peer's SND.NXT: next to send */
	struct lull_seq ack; /* the peer's RCV.NXT: all before it has come */
	uint32_t tsval, tsecr;
	uint16_t wnd;	 /* what the peer offers, as on the wire */
	uint8_t opt[40]; /* more options of the peer's, but for SYN */
	uint32_t opt_len;
	uint8_t tos;	       /* of the peer's packets */
	uint32_t events;       /* all bits of the connection's events so far */
	int error;	       /* and its last error */
	uint32_t written, fed; /* bytes of the pattern: by us, by the peer */
	struct lull_event log[RIG_EVENTS];
	uint32_t logged; /* events of all sockets so far */
};

/* A shard with a listener; nothing else has happened. */
void rig_open(struct rig *r, const struct rig_config *config);
/* Let all closing records end, and check that every pool is empty. */
void rig_close(struct rig *r);
/* Give the shard up as it is. */
void rig_drop(struct rig *r);
/* A shard has begun, or is given up: rig_fail.c, for LULL_FAIL. */
void rig_watch(struct lull_shard *s);
void rig_unwatch(struct lull_shard *s);
/* From now on the connection is that of another port of the peer's. */
void rig_peer(struct rig *r, uint16_t port);

/* ---- the peer ---- */

/* Hand over one segment and run. `text` may be NULL with `len` bytes of 'x'. */
void rig_put(struct rig *r, uint8_t flags, struct lull_seq seq,
	     struct lull_seq ack, const void *text, uint32_t len);
/* The same with seq and ack as they stand; the peer's numbers move on. */
void rig_say(struct rig *r, uint8_t flags, const void *text, uint32_t len);
/* A SYN or a SYN-ACK with the options of the configuration. */
void rig_syn(struct rig *r, uint8_t flags);
/* Hand over any packet. */
void rig_packet(struct rig *r, const uint8_t *ip, uint32_t len);
/* Hand over any frame: with Ethernet its header comes first. */
void rig_frame(struct rig *r, const uint8_t *frame, uint32_t len);
/* Build one: an IP packet of a TCP segment, into `out`. Returns its length. */
uint32_t rig_build(const struct rig *r, uint8_t flags, struct lull_seq seq,
		   struct lull_seq ack, const void *text, uint32_t len,
		   uint8_t *out);
/* An IP packet of any protocol from the peer to us. */
uint32_t rig_ip(const struct rig *r, uint8_t proto, const void *payload,
		uint32_t len, uint8_t *out);
/* An ICMP message of ours or of the peer's: fill in its checksum. */
void rig_icmp_sum(const struct rig *r, uint8_t *icmp, uint32_t len);
struct rig_icmp {
	uint8_t type, code;
	uint32_t rest; /* bytes 4 to 7 */
};
/* An ICMP error that quotes a segment of ours with this SEQ. */
void rig_icmp(struct rig *r, struct rig_icmp icmp, struct lull_seq seq);
/* Handshake, from the peer's SYN to our accept(). */
void rig_shake(struct rig *r);
/* `len` more bytes of the pattern, in order. */
void rig_feed(struct rig *r, uint32_t len);
/* <SEQ=SND.NXT><ACK=...><CTL=ACK>, of so much as has been seen. */
void rig_ack(struct rig *r);

/* ---- what comes out ---- */

/* The next segment from the shard; false: there is none. */
bool rig_get(struct rig *r, struct rig_seg *out);
/* It must be there, with these flags; the peer's `ack` moves on. */
struct rig_seg rig_expect(struct rig *r, uint8_t flags);
/* Nothing comes. */
void rig_expect_none(struct rig *r);
/* Throw away what comes; how many segments it was. */
int rig_discard(struct rig *r);

/* The next frame, of any kind; NULL: there is none. */
const struct rig_raw *rig_get_raw(struct rig *r);

/* ---- the program ---- */

/* The byte at this place of either stream. */
uint8_t rig_byte(uint32_t at);
/* Are these bytes of the pattern, from `at` on? */
void rig_same(const uint8_t *text, uint32_t len, uint32_t at);
/* Send `len` more bytes of the pattern; what lull_sock_send() says. */
long rig_queue(struct rig *r, uint32_t len);
/* The same; all must be taken; and run. */
void rig_write(struct rig *r, uint32_t len);
/* Read at most `len` bytes and run; what lull_sock_recv() says. */
long rig_read(struct rig *r, void *buf, uint32_t len);
void rig_set(struct rig *r, enum lull_option option, int32_t value);
void rig_knob(struct rig *r, const char *name, const char *value);
/* All bits of all events of one socket so far. */
uint32_t rig_events_of(const struct rig *r, struct lull_sock sock);
/* The bits of our connection's events since the last call. */
uint32_t rig_news(struct rig *r);

/* Numbers below `n`, always the same ones from the same seed. */
uint32_t rig_random(uint64_t *seed, uint32_t n);

/* ---- time ---- */

void rig_run(struct rig *r);
/* Let time pass, stopping at every deadline of the shard. */
void rig_pass_ms(struct rig *r, uint64_t ms);
/* To the beginning of a millisecond: from here timers are exact. */
void rig_align(struct rig *r);
/*
 * Nothing comes for `ms` less one, and with the last one a segment with these
 * flags does.
 */
struct rig_seg rig_expect_after(struct rig *r, uint64_t ms, uint8_t flags);

/* ---- states ---- */

/*
 * Bring the connection to a state, by the shortest way. In LISTEN and CLOSED
 * there is none. Held: a program has it, and has shut down for sending where
 * the state needs it; else the program has closed.
 */
void rig_reach(struct rig *r, enum lull_tcp_state state, bool held);
/* The state that the pair is in now; CLOSED: it isn't there. */
enum lull_tcp_state rig_state(const struct rig *r);
/* The tcb of the pair; there must be one. */
struct lull_tcb *rig_tcb(const struct rig *r);
/* The closing record of the pair; there must be one. */
struct lull_closing *rig_record(const struct rig *r);
/* How long it still lives. */
uint32_t rig_left_ms(const struct rig *r);
uint64_t rig_count(const struct rig *r, enum lull_counter_id id);
uint64_t rig_drops(const struct rig *r, enum lull_drop why);

#endif
