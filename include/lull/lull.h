/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lull.h: the stack and its sockets.
 *
 * A stack is a `struct lull_shard`. It belongs to one thread. It makes no
 * system call, asks no clock, allocates nothing and never blocks: packets and
 * time go in, packets, events and a deadline come out.
 *
 *	lull_rx_put()  frames that arrived          \
 *	lull_sock_*()  what the program wants        > change state, send
 *nothing lull_shard_run(shard, now_ns)                does the work, all of it
 *	lull_tx_peek() frames to send, lull_events_get() sockets that are ready
 *
 * Results are >= 0, or a negative errno. Times are in nanoseconds of one
 * monotonic clock, unless a name says otherwise. Structures that the caller
 * fills begin with their size, so that they can grow; zero means default.
 * Sections named in comments are those of RFC 9293, unless another RFC is
 *named.
 */
#ifndef LULL_LULL_H
#define LULL_LULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LULL_API	__attribute__((visibility("default")))
#define LULL_MUST_CHECK __attribute__((warn_unused_result))

#ifdef __cplusplus
extern "C" {
#endif

struct lull_shard;

/* ---- addresses ---- */

/* Network order. IPv4 is kept as ::ffff:a.b.c.d (RFC 4291 2.5.5.2). */
struct lull_addr {
	uint8_t b[16];
};

struct lull_endpoint {
	struct lull_addr addr;
	uint16_t port; /* host order; 0: any */
};

/* `bits` counts from the front of the 16 bytes: an IPv4 /24 is 120. */
struct lull_prefix {
	struct lull_addr addr;
	uint8_t bits; /* 0..128 */
};

/* ---- creation ---- */

/*
 * How much of everything. A pool that is empty does what docs/limits.md says,
 * counted, and never more than that. Only what is used becomes resident.
 */
struct lull_limits {
	uint32_t size;	    /* sizeof(struct lull_limits) */
	uint32_t conns;	    /* full connections, 1..2^26 */
	uint32_t half_open; /* SYN_RECEIVED, passive, 1..2^26 */
	uint32_t closing; /* TIME_WAIT and orphaned FIN_WAIT_2, IPv4, 1..2^26 */
	uint32_t closing6;     /* the same for IPv6 */
	uint32_t listeners;    /* 1..65535 */
	uint32_t destinations; /* towards which connections are counted,
				  1..2^26 */
	uint32_t socks;	       /* handles that a program can hold, 1..2^27 */
	uint32_t bufs_256;     /* packet buffers of 256 bytes */
	uint32_t bufs_2k;      /* ... of 2,048 bytes */
	uint32_t bufs_64k;     /* ... of 65,536 bytes */
	uint32_t ranges;     /* sent and not yet acknowledged ranges of data */
	uint32_t rx_frames;  /* frames put and not yet taken in, power of two */
	uint32_t tx_frames;  /* frames waiting for the link, power of two */
	uint32_t traces;     /* records of the trace ring, power of two, or 0 */
	uint32_t datagrams;  /* being put together from fragments, 1..65536 */
	uint32_t neighbours; /* on an Ethernet link, 1..2^20 */
	uint32_t unresolved; /* packets that wait for them, 1..2^20 */
};

/* Behaviour where lull means to be better than Linux, or exactly as Linux 6.18.
 */
enum lull_profile {
	LULL_PROFILE_LULL,
	LULL_PROFILE_LINUX,
};

/* What the link can do for us (see link.h). */
enum lull_link_cap {
	LULL_LINK_TX_CSUM = 1, /* it completes TCP checksums */
	LULL_LINK_TX_GSO = 2,  /* it cuts large segments by `gso_size`; only
				  with LULL_LINK_TX_CSUM */
	LULL_LINK_RX_GSO = 4,  /* it brings frames of many segments, up to
				  64 KB: see lull_rx_widen() */
};

/* What a frame begins with. */
enum lull_link_type {
	LULL_LINK_IP,	 /* an IP header: TUN, and links in memory */
	LULL_LINK_ETHER, /* an Ethernet II header, without 802.1Q: TAP; there
			    are neighbours, found by ARP and by RFC 4861 */
};

struct lull_config {
	uint32_t size; /* sizeof(struct lull_config) */
	enum lull_profile profile;
	struct lull_limits limits;
	uint8_t key[32];   /* secret, from a good source of entropy */
	uint32_t mtu;	   /* bytes of an IP packet, 1280..65535; with
			      LULL_LINK_ETHER 14 fewer at most */
	uint32_t link_cap; /* bits of enum lull_link_cap; see lull_link_use() */
	enum lull_link_type link_type;
	/* Ours, with LULL_LINK_ETHER, of one station; all zero: a local one
	 * that is made from the key, the same each time. */
	uint8_t mac[6];
};

/*
 * The caller's memory, zeroed, aligned to 4096; demand-paged is best. `closing`
 * holds nothing but closing records and may be a mapped file. Both stay the
 * caller's, and must outlive the shard. There is nothing else to free.
 */
struct lull_memory {
	void *mem;
	size_t mem_len;
	void *closing;
	size_t closing_len;
};

/*
 * Of the records in `lull_memory.closing`: their layout, the clock and the
 * hash behind them. A file of another number is not for this library.
 */
#define LULL_CLOSING_FORMAT 1

/*
 * What an earlier process left in `lull_memory.closing`: the same memory, or a
 * copy, with the same limits and key, on the same clock. All but `size` is
 * filled by lull_shard_init().
 */
struct lull_restore {
	uint32_t size;	     /* sizeof(struct lull_restore) */
	uint32_t time_wait;  /* taken over, in this state */
	uint32_t fin_wait_2; /* in this one */
	uint32_t ended; /* their time is over, or a newer one has their pair */
	uint32_t refused; /* made no sense */
};

/*
 * Fill `config` with the defaults for about `conns` connections and
 * `closing` closing records. The key stays zero: the caller must fill it.
 */
LULL_API void lull_config_init(struct lull_config *config, uint32_t conns,
			       uint32_t closing);

/* How many bytes `limits` need. -EINVAL: a limit is out of its range. */
LULL_API LULL_MUST_CHECK int lull_limits_size(const struct lull_limits *limits,
					      size_t *mem_len,
					      size_t *closing_len);

/* A piece of the memory: it is used from its beginning, as far as need be. */
struct lull_piece {
	bool closing;	/* of `closing`, not of `mem` */
	size_t at, len; /* bytes from its beginning */
};

/*
 * What lies where, for who wants to advise the kernel of it (huge pages, a
 * node). Fills at most `n`; returns how many there are. -EINVAL: a limit.
 */
LULL_API LULL_MUST_CHECK int lull_limits_pieces(
	const struct lull_limits *limits, struct lull_piece *pieces, int n);

/*
 * Make a shard in `memory`. Touches a handful of pages whatever the limits are.
 * With `restore` what is in `memory.closing` goes on: each record is looked at
 * (a million take a fraction of a second), those whose time is over are ended.
 * -EINVAL: the configuration; -ENOMEM: the memory is smaller than
 * lull_limits_size() says; -EFAULT: it is missing or not aligned; -EBADMSG:
 * restore->refused records make no sense, so none is taken over. Nothing was
 * written to `memory.closing` then; `memory.mem` must be zeroed before it is
 * used again.
 */
LULL_API LULL_MUST_CHECK int lull_shard_init(struct lull_shard **shard,
					     const struct lull_config *config,
					     struct lull_memory memory,
					     uint64_t now_ns,
					     struct lull_restore *restore);

/*
 * The shard answers for `prefix.addr`, and with `whole` for every address of
 * the prefix. The first address that covers a destination is its source;
 * failing that, the first of its family. -ENOSPC: 64 are there already.
 */
LULL_API LULL_MUST_CHECK int lull_addr_add(struct lull_shard *shard,
					   struct lull_prefix prefix,
					   bool whole);

/*
 * With LULL_LINK_ETHER: packets for addresses of this family that no prefix of
 * ours covers go to `gateway`, a neighbour. Another call takes its place.
 * -EINVAL: the link has no neighbours, or no prefix of ours covers it (nor is
 * it link-local), or it is our own address.
 */
LULL_API LULL_MUST_CHECK int lull_gateway_set(struct lull_shard *shard,
					      const struct lull_addr *gateway);

/* Our Ethernet address. false: the link has none. */
LULL_API bool lull_mac_get(const struct lull_shard *shard, uint8_t mac[6]);

/* ---- running ---- */

struct lull_work {
	uint32_t tx;	      /* frames for the link */
	uint32_t events;      /* sockets with news */
	uint64_t deadline_ns; /* call again by then; UINT64_MAX: no need */
	bool more;	      /* call again at once: the work was bounded */
};

/*
 * Take in what arrived, let timers fire, build what is to be sent. Bounded: a
 * fraction of a millisecond. `now_ns` must not go back; if it does, the last
 * value holds. A leap forward ends nothing twice.
 */
LULL_API struct lull_work lull_shard_run(struct lull_shard *shard,
					 uint64_t now_ns);

/*
 * Reset at most `n` connections, whoever holds them, or nobody: for the end of
 * a drain. Returns how many; 0: none is left. Their programs get -ECONNABORTED.
 */
LULL_API uint32_t lull_shard_abort(struct lull_shard *shard, uint32_t n);

/* ---- sockets ---- */

/* A name for a socket. It is never used again: a stale one gets -EBADF. */
struct lull_sock {
	uint32_t index, gen; /* index 0: no socket */
};

enum lull_event_bits {
	LULL_EVENT_READ = 1,   /* data, or the peer's end of file */
	LULL_EVENT_WRITE = 2,  /* connected, or room after -EAGAIN */
	LULL_EVENT_ACCEPT = 4, /* connections wait for lull_sock_accept() */
	LULL_EVENT_SYN = 8,    /* a deferred SYN waits for lull_sock_answer() */
	LULL_EVENT_EOF =
		16, /* the peer sent FIN: reading ends after what is queued */
	LULL_EVENT_ERROR = 32, /* the connection ended with `error` */
	LULL_EVENT_CLOSED =
		64, /* a lingering close ended; the handle is gone */
	LULL_EVENT_URGENT =
		128, /* the urgent pointer moved on (3.8.5): the peer wants all
			up to lull_sock_info().rcv_urgent to be read soon */
};

/*
 * Edge-triggered and coalesced: one for each socket with news, whatever
 * happened to it since the last one was fetched. Read, write and accept until
 * -EAGAIN.
 */
struct lull_event {
	struct lull_sock sock;
	uint64_t cookie; /* the caller's own */
	uint32_t bits;	 /* of enum lull_event_bits */
	int32_t error;	 /* negative errno with ERROR; else 0 */
};

LULL_API int lull_events_get(struct lull_shard *shard,
			     struct lull_event *events, int n);

enum lull_listen_flags {
	LULL_LISTEN_DEFER =
		1, /* each SYN is an event; the program answers it */
	LULL_LISTEN_V6ONLY = 2,	     /* `::` does not take IPv4 as well */
	LULL_LISTEN_TRANSPARENT = 4, /* addresses that are not ours, too */
	/* SO_REUSEADDR: also where connections or TIME_WAITs have the port,
	 * if theirs had it as well. Profile lull takes it as given. */
	LULL_LISTEN_REUSEADDR = 8,
	/* SO_REUSEPORT: beside others on the same prefix and ports, if all
	 * have it; each connection goes to one of them, by its hash. */
	LULL_LISTEN_REUSEPORT = 16,
};

/*
 * One address is a prefix of 128 bits, any address one of 0 (both families)
 * or ::ffff:0:0/96 (IPv4). The narrowest prefix wins, then the narrowest
 * range of ports. With LULL_LISTEN_TRANSPARENT the shard stands in for
 * strangers: it takes packets for every address of the prefix, not only its
 * own.
 */
struct lull_listen {
	uint32_t size; /* sizeof(struct lull_listen) */
	uint32_t flags;
	struct lull_prefix local;
	uint16_t port_lo, port_hi; /* both included; port_hi 0: port_lo alone */
	uint32_t backlog;	   /* bounded by net.core.somaxconn */
	uint64_t cookie;
};

/* -EADDRINUSE: the same prefix and ports, or LULL_LISTEN_REUSEADDR; -EINVAL;
 * -ENFILE: no free handle or listener. */
LULL_API LULL_MUST_CHECK int lull_sock_listen(struct lull_shard *shard,
					      const struct lull_listen *listen,
					      struct lull_sock *sock);

/* -EAGAIN: nobody waits; -EINVAL: not a listener. */
LULL_API LULL_MUST_CHECK int lull_sock_accept(struct lull_shard *shard,
					      struct lull_sock listener,
					      uint64_t cookie,
					      struct lull_sock *sock);

enum lull_answer {
	LULL_ANSWER_ACCEPT, /* shake hands; the handle becomes the connection's
			       (WRITE tells) */
	LULL_ANSWER_RESET,  /* RST: connection refused; the handle is gone */
	LULL_ANSWER_DROP,   /* silence; the handle is gone */
};

/* Answer a deferred SYN. -EINVAL: it isn't one, or is answered already. */
LULL_API LULL_MUST_CHECK int lull_sock_answer(struct lull_shard *shard,
					      struct lull_sock syn,
					      enum lull_answer answer);

enum lull_connect_flags {
	/* SO_REUSEADDR, for a `local.port`: profile linux gives it the pair of
	 * a TIME_WAIT that had it, too, and timestamps; at once. */
	LULL_CONNECT_REUSEADDR = 1,
};

/*
 * An address and no port is bind(2) with IP_BIND_ADDRESS_NO_PORT: the port is
 * chosen for the destination, so each address has all ports towards each.
 */
struct lull_connect {
	uint32_t size;	/* sizeof(struct lull_connect) */
	uint32_t flags; /* of enum lull_connect_flags */
	struct lull_endpoint remote;
	struct lull_endpoint local; /* address ::, port 0: chosen (RFC 6056) */
	uint64_t cookie;
};

enum lull_why_reason {
	LULL_WHY_NONE,
	LULL_WHY_NO_ROUTE,   /* no own address of that family */
	LULL_WHY_NOT_LOCAL,  /* the local address is not ours */
	LULL_WHY_BAD_REMOTE, /* port 0, or a broadcast, multicast or any address
				(3.9.1.1) */
	LULL_WHY_PAIR_IN_USE,  /* this very pair of endpoints is live or in
				  TIME_WAIT */
	LULL_WHY_PORTS_IN_USE, /* every port of the range, towards this
				  destination */
	LULL_WHY_LIMIT_CONNS,  /* limits.conns */
	LULL_WHY_LIMIT_SOCKS,  /* limits.socks */
	LULL_WHY_LIMIT_DESTS,  /* limits.destinations: a destination that is not
				  counted; its ports were tried, not all */
};

/* Why there is no connection. Counts are towards the one destination asked for:
 * its address and port, from our address. */
struct lull_why {
	uint32_t size; /* sizeof(struct lull_why) */
	enum lull_why_reason reason;
	uint32_t ports;		 /* of the range net.ipv4.ip_local_port_range */
	uint32_t ports_live;	 /* with a connection that we opened */
	uint32_t ports_closing;	 /* in TIME_WAIT or an orphaned FIN_WAIT_2 */
	uint32_t ports_reserved; /* net.ipv4.ip_local_reserved_ports */
	uint32_t opens_per_s;	 /* connections opened in the last second */
	uint64_t free_in_ns;  /* until the first of those that wait ends, as far
				 as was looked; UINT64_MAX: none will */
	uint64_t reuse_in_ns; /* until one of them can be reused; UINT64_MAX: a
				 knob or its peer is against it */
	uint64_t full_in_ns;  /* until no port is left at this rate; UINT64_MAX:
				 they come back faster */
};

/*
 * Begin to connect; WRITE or ERROR tells how it went. `why` may be NULL.
 * -EADDRNOTAVAIL, -EADDRINUSE, -ENETUNREACH, -EINVAL, -ENFILE: `why` has the
 * reason.
 *
 * The clock is that of the last lull_shard_run(): it says which TIME_WAITs are
 * over, and gives the ISN (RFC 6528). After a pause, run first.
 */
LULL_API LULL_MUST_CHECK int lull_sock_connect(
	struct lull_shard *shard, const struct lull_connect *connect,
	struct lull_sock *sock, struct lull_why *why);

/* A piece of memory. The same shape as struct iovec. */
struct lull_span {
	void *ptr;
	size_t len;
};

/* Flags of lull_sock_send() and lull_sock_recv_flags(), of send(2), recv(2). */
enum lull_msg_flags {
	/* send: what is queued with it is urgent (3.8.5); new programs should
	 * not use it (SHLD-13). recv: the last urgent octet, where
	 * LULL_OPT_OOBINLINE is 0; -EAGAIN: it has not come yet; -EINVAL: there
	 * is none, or it was fetched. */
	LULL_MSG_OOB = 1,
	LULL_MSG_PEEK = 2, /* recv: the bytes stay */
	/* send: a record ends with the last byte, if all are taken. No segment
	 * has text of before it and of behind it, when it goes again neither,
	 * and the last one of a record has PSH. The peer's program is told
	 * nothing of it. */
	LULL_MSG_EOR = 0x80,
	/* send: more follows. What is less than a segment waits for it, at
	 * most for 200 ms; the next call without the flag lets it go. */
	LULL_MSG_MORE = 0x8000,
};

/*
 * Queue bytes; they are copied. Returns how many, less than asked for when the
 * send buffer is full. `flags`: 0, or of enum lull_msg_flags. -EAGAIN: none, or
 * not yet connected (WRITE tells); -EPIPE: after shutdown; -ECONNRESET,
 * -ETIMEDOUT, ...: the connection is dead; -EINVAL: a flag.
 */
LULL_API LULL_MUST_CHECK long lull_sock_send(struct lull_shard *shard,
					     struct lull_sock sock,
					     const struct lull_span *spans,
					     int n, int flags);

/*
 * Copy bytes out. 0: end of file. Errors as lull_sock_send(). It stops once
 * before the last urgent octet (rcv_urgent is 1 there: sockatmark(3)).
 */
LULL_API LULL_MUST_CHECK long lull_sock_recv(struct lull_shard *shard,
					     struct lull_sock sock, void *buf,
					     size_t len);

/* The same with flags: 0, or of enum lull_msg_flags; -EINVAL: another one. */
LULL_API LULL_MUST_CHECK long lull_sock_recv_flags(struct lull_shard *shard,
						   struct lull_sock sock,
						   void *buf, size_t len,
						   int flags);

/*
 * Look at queued bytes without a copy: fills up to `n` spans, returns how many.
 * 0: end of file; -EAGAIN: nothing. They stay until consumed or closed.
 */
LULL_API LULL_MUST_CHECK int lull_sock_peek(struct lull_shard *shard,
					    struct lull_sock sock,
					    struct lull_span *spans, int n);

/* Give back `len` bytes that were peeked at. -EINVAL: fewer are queued. */
LULL_API LULL_MUST_CHECK int lull_sock_consume(struct lull_shard *shard,
					       struct lull_sock sock,
					       size_t len);

enum lull_how {
	LULL_SHUT_RD,
	LULL_SHUT_WR, /* FIN after all that is queued (3.6) */
	LULL_SHUT_RDWR,
};

LULL_API LULL_MUST_CHECK int lull_sock_shutdown(struct lull_shard *shard,
						struct lull_sock sock,
						enum lull_how how);

/*
 * The program is done with it; the handle is gone. What was queued is still
 * delivered, then FIN. RST instead when received data was not read (RFC 2525
 * 2.17), or with SO_LINGER on and 0. With SO_LINGER on and a time the handle
 * stays until LULL_EVENT_CLOSED. Never fails; a stale handle is ignored.
 */
LULL_API void lull_sock_close(struct lull_shard *shard, struct lull_sock sock);

/* RST, nothing delivered (3.10.5); the handle is gone. */
LULL_API void lull_sock_abort(struct lull_shard *shard, struct lull_sock sock);

#define LULL_CONGESTION_MAX 16 /* bytes of an algorithm's name, with NUL */

enum lull_option {	 /* value; socket(7), tcp(7) or ip(7) say more */
	LULL_OPT_COOKIE, /* uint64_t: comes with each event */
	LULL_OPT_ERROR,	 /* int32_t, get: negative errno, and cleared; SO_ERROR
			  */
	LULL_OPT_LINGER, /* struct lull_linger */
	LULL_OPT_KEEPALIVE, /* int32_t 0|1 */
	LULL_OPT_KEEPIDLE,  /* int32_t seconds, 1..32767 */
	LULL_OPT_KEEPINTVL, /* int32_t seconds, 1..32767 */
	LULL_OPT_KEEPCNT,   /* int32_t 1..127 */
	LULL_OPT_LINGER2, /* int32_t seconds; 0: tcp_fin_timeout; -1: none, RST
			   */
	LULL_OPT_NODELAY, /* int32_t 0|1 */
	LULL_OPT_USER_TIMEOUT, /* int32_t milliseconds; 0: tcp_retries2
				  (MUST-21) */
	/* int32_t bytes of buffers, 4096..; both as getsockopt(2) of Linux
	 * tells them, and not doubled when they are set. The window is half of
	 * the one. From then on it does not tune itself; tcp_rmem's and
	 * tcp_wmem's third are no bound. */
	LULL_OPT_RCVBUF,
	LULL_OPT_SNDBUF,
	LULL_OPT_TOS, /* int32_t 0..255; the two ECN bits are ours (MUST-48) */
	LULL_OPT_TTL, /* int32_t 1..255 (MUST-49) */
	LULL_OPT_TIMEWAIT_LEN, /* int32_t seconds, 0..3600; 0: the knob
				  net.lull.tcp_timewait_len. For a TIME_WAIT
				  that begins later. Of a listener: what it
				  accepts from now on inherits it */
	LULL_OPT_MAXSEG, /* int32_t bytes of text in a segment, 88..32767; 0: no
			    bound. Before the SYN goes (call it right after
			    lull_sock_connect()), or of a listener; later it has
			    no effect, as in Linux. To get: what is sent now */
	LULL_OPT_CORK, /* int32_t 0|1: 1 holds back what is less than a segment,
			  at most for 200 ms; 0 lets it go */
	LULL_OPT_QUICKACK,     /* int32_t 0|1: 1 lets no ACK wait, until it is 0
				  again (Linux's may end by itself) */
	LULL_OPT_SYNCNT,       /* int32_t 1..127: SYNs sent again; else
				  tcp_syn_retries */
	LULL_OPT_OOBINLINE,    /* int32_t 0|1: 1 leaves the last urgent octet in
				  the stream (RFC 6093; 0 in profile linux) */
	LULL_OPT_DEFER_ACCEPT, /* int32_t seconds, 0..32767, of a listener: so
				  long a connection waits for its first text
				  before it is accepted; kept as timeouts of
				  1, 2, 4 ... s */
	LULL_OPT_INFO, /* struct lull_tcp_info, get; as many bytes of it as
			  asked for */
	LULL_OPT_NOTSENT_LOWAT, /* int32_t bytes queued and not sent, from
				   which nothing more is taken and WRITE does
				   not come; 0: net.ipv4.tcp_notsent_lowat */
	LULL_OPT_WINDOW_CLAMP,	/* int32_t bytes of window offered, at most,
				   1152..; 0: no bound. What was offered stays
				 */
	/* The name of an algorithm, "cubic" or "reno", as TCP_CONGESTION; to
	 * get it, room for LULL_CONGESTION_MAX bytes. -ENOENT: there is none
	 * of that name. Of a listener: what it accepts inherits it. */
	LULL_OPT_CONGESTION,
	/* uint32_t bytes a second, from 1, as SO_MAX_PACING_RATE; UINT32_MAX:
	 * no limit. Text is paced with it whatever net.lull.tcp_pacing says. */
	LULL_OPT_MAX_PACING_RATE,
};

#define LULL_OPTIONS (LULL_OPT_MAX_PACING_RATE + 1) /* one past the last */

/*
 * TCP_INFO: Linux's struct tcp_info (of 6.18), without "tcpi_": the same fields
 * in the same places, units and meaning. Times: microseconds, but those called
 * last_: milliseconds ago. Of sizes cwnd and ssthresh are segments.
 */
struct lull_tcp_info {
	uint8_t state;	     /* of enum lull_tcp_state (diag.h) */
	uint8_t ca_state;    /* 0 open, 1 disorder, 2 CWR, 3 recovery, 4 loss */
	uint8_t retransmits; /* timeouts in a row */
	uint8_t probes, backoff;
	uint8_t options; /* 1 timestamps, 2 SACK, 4 wscale, 8 ECN, 16 ECN seen
			  */
	uint8_t snd_wscale : 4, rcv_wscale : 4;
	uint8_t delivery_rate_app_limited : 1, fastopen_client_fail : 2;
	uint32_t rto, ato, snd_mss, rcv_mss;
	uint32_t unacked, sacked, lost, retrans, fackets; /* segments */
	uint32_t last_data_sent, last_ack_sent; /* the second is always 0 */
	uint32_t last_data_recv, last_ack_recv;
	uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd;
	uint32_t advmss, reordering, rcv_rtt, rcv_space, total_retrans;
	uint64_t pacing_rate, max_pacing_rate; /* bytes a second */
	uint64_t bytes_acked, bytes_received;
	uint32_t segs_out, segs_in, notsent_bytes, min_rtt;
	uint32_t data_segs_in, data_segs_out;
	uint64_t delivery_rate; /* bytes a second */
	uint64_t busy_time, rwnd_limited, sndbuf_limited;
	uint32_t delivered, delivered_ce;
	uint64_t bytes_sent, bytes_retrans;
	uint32_t dsack_dups, reord_seen, rcv_ooopack;
	uint32_t snd_wnd, rcv_wnd, rehash;
	uint16_t total_rto, total_rto_recoveries;
	uint32_t total_rto_time; /* milliseconds */
	uint32_t unused;
};

struct lull_linger {
	int32_t on;	 /* 0|1 */
	int32_t seconds; /* 0: RST at close; else how long the handle may stay
			  */
};

/* Values are taken from, or put into, `value` of `len` bytes. -EINVAL;
 * -ENOPROTOOPT. */
LULL_API LULL_MUST_CHECK int lull_sock_set(struct lull_shard *shard,
					   struct lull_sock sock,
					   enum lull_option option,
					   const void *value, size_t len);
LULL_API LULL_MUST_CHECK int lull_sock_get(struct lull_shard *shard,
					   struct lull_sock sock,
					   enum lull_option option, void *value,
					   size_t len);

struct lull_sock_info {
	uint32_t size; /* sizeof(struct lull_sock_info) */
	uint8_t state; /* of enum lull_tcp_state (diag.h) */
	struct lull_endpoint local, remote;
	uint32_t rcv_queued; /* bytes received and not consumed; of a listener:
				connections */
	uint32_t snd_queued; /* bytes not yet acknowledged by the peer */
	uint32_t snd_room;   /* bytes that lull_sock_send() would take now */
	int32_t soft_error;  /* negative errno of an ICMP error that ended
				nothing, or -ETIMEDOUT: tcp_retries1 */
	uint32_t rcv_urgent; /* bytes up to the last urgent octet and with it,
				from the next to be read; they may still be on
				their way; 0: none (MUST-33) */
};

LULL_API LULL_MUST_CHECK int lull_sock_info(const struct lull_shard *shard,
					    struct lull_sock sock,
					    struct lull_sock_info *info);

/* ---- knobs ---- */

/* Why a knob was not set. */
struct lull_sysctl_why {
	uint32_t size;	  /* sizeof(struct lull_sysctl_why) */
	int error;	  /* -ENOENT unknown; -EINVAL not a number, or too many;
			     -ERANGE; -EPERM; -EOPNOTSUPP without effect here:
			     lull_diag_idle() has the reason */
	int64_t min, max; /* with -ERANGE */
};

/*
 * Set a knob by its Linux name, or get its value as text. Numbers in decimal,
 * several of them apart by blanks. Takes effect with the next use. `why` may be
 * NULL.
 */
LULL_API LULL_MUST_CHECK int lull_sysctl_set(struct lull_shard *shard,
					     const char *name,
					     const char *value,
					     struct lull_sysctl_why *why);
LULL_API LULL_MUST_CHECK int lull_sysctl_get(const struct lull_shard *shard,
					     const char *name, char *value,
					     size_t len);

/* ---- taking over ---- */

enum lull_timewait_flags {
	LULL_TIMEWAIT_TS = 1,	     /* timestamps were agreed on */
	LULL_TIMEWAIT_ACTIVE = 2,    /* our end opened it: it holds a port */
	LULL_TIMEWAIT_REUSEADDR = 4, /* our end had SO_REUSEADDR */
};

/* What is left of a connection: TIME_WAIT, or a FIN_WAIT_2 that nobody owns. */
struct lull_timewait {
	uint32_t size;	/* sizeof(struct lull_timewait) */
	uint32_t flags; /* of enum lull_timewait_flags */
	struct lull_endpoint local, remote;
	uint32_t snd_nxt;   /* after our FIN */
	uint32_t rcv_nxt;   /* what the peer sends next: after its FIN, if
			       that came */
	uint32_t ts_recent; /* the peer's last timestamp */
	uint32_t left_ms;   /* that it still lasts, 1..3,600,000 */
	uint16_t wnd;	    /* the window last told, as on the wire */
	uint8_t wscale;	    /* by which it was scaled, 0..14 */
	uint8_t tos;	    /* its ECN bits are ignored */
	uint8_t state;	/* LULL_TCP_TIME_WAIT, LULL_TCP_FIN_WAIT_2 (diag.h) */
	uint8_t unused; /* 0 */
};

/*
 * Make `n` closing records as closes on the wire do, to take over those of
 * another process or stack; many at once are faster than one by one. Sends
 * nothing. `left_ms` is rounded up to an eighth of net.lull.tcp_timewait_len.
 * At the limit the oldest one ends (profile linux: -ENOSPC).
 *
 * Our timestamps come from config.key: leave LULL_TIMEWAIT_TS out when the
 * other stack had another key or clock, or its peer takes ours for old ones.
 *
 * Returns how many were made, in their order, or why the first was not; when
 * they are fewer than n, put the rest to hear why the next was not.
 * -EEXIST: the pair is there, in any state; -ENOSPC; -EINVAL: a field.
 */
LULL_API LULL_MUST_CHECK int lull_timewait_put(
	struct lull_shard *shard, const struct lull_timewait *timewaits, int n);

/* ---- the panic hook ---- */

/*
 * Called when an assertion fails: our own state is broken. It must not return.
 * liblull has one that prints and aborts; a program that links the core alone
 * brings its own.
 */
LULL_API __attribute__((noreturn)) void lull_panic(const char *file, int line,
						   const char *what);

#ifdef __cplusplus
}
#endif

#endif
