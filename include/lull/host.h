/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.h: what a stack needs from Linux: memory, time, entropy, a TUN device,
 * a run loop, a control socket; and a network in memory, a packet capture.
 *
 * A program with an event loop of its own needs none of it. Unless a name
 * says otherwise: 0 or more is success, a negative errno is not; what is
 * created is destroyed by its own _destroy(), NULL allowed.
 */
#ifndef LULL_HOST_H
#define LULL_HOST_H

#include <lull/link.h>
#include <lull/lull.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- memory, time, entropy ---- */

/* Demand-paged memory for a shard of these limits. -ENOMEM, -EINVAL. */
LULL_API LULL_MUST_CHECK int lull_memory_map(const struct lull_limits *limits,
					     struct lull_memory *memory);
LULL_API void lull_memory_unmap(struct lull_memory *memory);

/* CLOCK_MONOTONIC. */
LULL_API uint64_t lull_clock_ns(void);

/* Fill the configuration's key by getrandom(2). */
LULL_API LULL_MUST_CHECK int lull_key_make(struct lull_config *config);

/* ---- a state file ---- */

/*
 * Closing records and the key, in memory that outlives the process: a file on
 * tmpfs, or a memfd that somebody else holds, too. One process at a time has
 * it. docs/state.md says what is in it, and why it may be trusted.
 *
 *	lull_state_open()   the file, locked and found good
 *	lull_memory_map()
 *	lull_state_lend()   its records and its key
 *	lull_shard_init()   with a lull_restore, unless the file is new
 */
struct lull_state;

/* Why a file is not used. */
enum lull_state_reason {
	LULL_STATE_FINE,
	LULL_STATE_ERROR,   /* a call failed, see `error` */
	LULL_STATE_KIND,    /* it is a symbolic link, a directory, a device */
	LULL_STATE_OWNER,   /* it is somebody else's */
	LULL_STATE_MODE,    /* others may read or write it */
	LULL_STATE_DISK,    /* its file system is not memory: see `force` */
	LULL_STATE_ROOM,    /* there is not enough room for all of it */
	LULL_STATE_HELD,    /* process `pid` has it; 0: nobody knows which */
	LULL_STATE_FOREIGN, /* from here on `fresh` helps: no file of lull */
	LULL_STATE_VERSION, /* another lull's */
	LULL_STATE_LIMITS,  /* made for other numbers of records */
	LULL_STATE_CUT,	    /* shorter than it was made, or with holes */
	LULL_STATE_BOOT,    /* of another boot, or another time namespace */
};

struct lull_state_why {
	uint32_t size; /* sizeof(struct lull_state_why) */
	enum lull_state_reason reason;
	int error;	/* negative errno */
	int64_t pid;	/* who holds it */
	char text[160]; /* what is wrong, without the file's name */
};

struct lull_state_config {
	uint32_t size; /* sizeof(struct lull_state_config) */
	/* Made if it is not there, mode 0600; "fd:N" is a descriptor. */
	const char *path;
	const struct lull_limits *limits;
	bool force; /* on any file system: stores may stall */
	/*
	 * Forget what is there, with a new key; lull_state_quiet_ms() counts
	 * down from `quiet_ms`, a day at most, also for whoever opens it next.
	 */
	bool fresh;
	uint32_t quiet_ms;
};

/* -EBUSY: held; -EINVAL: `config`; else -errno, or -EBADMSG: see `why`. */
LULL_API LULL_MUST_CHECK int lull_state_open(
	struct lull_state **state, const struct lull_state_config *config,
	struct lull_state_why *why);
/* Records there are those of an earlier process: restore them. */
LULL_API bool lull_state_is_old(const struct lull_state *state);
/* ... that has stopped in order: lull_state_close(). */
LULL_API bool lull_state_is_clean(const struct lull_state *state);
/* For so long nothing may be sent yet (3.4.3). */
LULL_API uint32_t lull_state_quiet_ms(const struct lull_state *state);
/*
 * The file's key into `config`, and its records in the place of
 * memory->closing, which must be of the same limits, and stay until
 * lull_memory_unmap(). -errno of mmap(2).
 */
LULL_API LULL_MUST_CHECK int lull_state_lend(struct lull_state *state,
					     struct lull_config *config,
					     struct lull_memory *memory);
/* After lull_memory_unmap(). The next one may have it. */
LULL_API void lull_state_close(struct lull_state *state);

/* ---- addresses as text ---- */

#define LULL_ADDR_TEXT 64 /* bytes that a formatted endpoint takes */

/* "10.9.3.2", "fd00::2". -EINVAL. */
LULL_API LULL_MUST_CHECK int lull_addr_parse(const char *text,
					     struct lull_addr *addr);
/* "10.9.3.2/24"; without a slash, one address. -EINVAL. */
LULL_API LULL_MUST_CHECK int lull_prefix_parse(const char *text,
					       struct lull_prefix *prefix);
/* Into LULL_ADDR_TEXT bytes; returned. */
LULL_API char *lull_addr_format(const struct lull_addr *addr, char *text);
LULL_API bool lull_addr_is_ipv4(const struct lull_addr *addr);

/* ---- a network in memory ---- */

/*
 * Any number of shards, joined. Without faults frames go straight from one
 * shard's queue into another's buffers. With them a frame is kept until its
 * time, and may be lost, sent twice, overtaken or damaged, as the seed says:
 * the same seed and the same calls give the same network.
 */
struct lull_memnet;

struct lull_faults {
	uint32_t loss_ppm, dup_ppm, reorder_ppm, corrupt_ppm; /* per million */
	uint64_t delay_ns, jitter_ns; /* each way; jitter is drawn up to this */
	uint64_t reorder_ns;	      /* how much later a reordered one comes */
	uint32_t queue_frames;	      /* that may be under way; 0: no limit */
};

struct lull_memnet_config {
	uint32_t size; /* sizeof(struct lull_memnet_config) */
	uint64_t seed;
	struct lull_faults faults;
	uint32_t link_cap; /* bits of enum lull_link_cap, for all ports */
};

struct lull_memnet_stats {
	uint64_t frames, bytes; /* delivered */
	uint64_t lost, doubled, reordered, corrupted, overflowed, strayed;
};

/* Sees each frame as it leaves a shard and before any fault. */
typedef void lull_tap(void *arg, uint64_t now_ns, int port,
		      const struct lull_frame *frame);

/*
 * Stands between the ports. Gets each packet before any fault, may rewrite its
 * `len` bytes, checksums too, and says to which port it goes: `to`, as the
 * prefixes say, or another one; -1: nowhere.
 */
typedef int lull_box(void *arg, uint64_t now_ns, int from, int to,
		     uint8_t *packet, uint32_t len);

LULL_API LULL_MUST_CHECK int lull_memnet_create(
	struct lull_memnet **net, const struct lull_memnet_config *config);
LULL_API void lull_memnet_destroy(struct lull_memnet *net);
/* Packets for these prefixes go to this shard. Returns its port, from 0. */
LULL_API LULL_MUST_CHECK int lull_memnet_attach(
	struct lull_memnet *net, struct lull_shard *shard,
	const struct lull_prefix *prefixes, int n);
LULL_API void lull_memnet_tap(struct lull_memnet *net, lull_tap *tap,
			      void *arg);
/* The same of each frame as it reaches a shard, behind all faults. */
LULL_API void lull_memnet_heard(struct lull_memnet *net, lull_tap *tap,
				void *arg);
/* NULL: none. */
LULL_API void lull_memnet_box(struct lull_memnet *net, lull_box *box,
			      void *arg);
/* One more packet, copied, for a port at its time. -EINVAL, -ENOMEM. */
LULL_API LULL_MUST_CHECK int lull_memnet_inject(struct lull_memnet *net,
						int port, uint64_t due_ns,
						const void *packet,
						uint32_t len);
/* From now on. */
LULL_API void lull_memnet_faults(struct lull_memnet *net,
				 const struct lull_faults *faults);
/* Take what shards send and deliver what is due. Returns frames moved. */
LULL_API int lull_memnet_step(struct lull_memnet *net, uint64_t now_ns);
/* When the next frame is due; UINT64_MAX: none is under way. */
LULL_API uint64_t lull_memnet_deadline(const struct lull_memnet *net);
LULL_API struct lull_memnet_stats lull_memnet_stats(
	const struct lull_memnet *net);

/* ---- packet capture ---- */

/* A pcapng file that Wireshark reads; frames as the link has them. */
struct lull_pcap;

/* "-" is standard output. -errno of open(2). */
LULL_API LULL_MUST_CHECK int lull_pcap_create(struct lull_pcap **pcap,
					      const char *path,
					      enum lull_link_type link_type);
/* Flushes. -EIO and others: the file is not whole. */
LULL_API int lull_pcap_destroy(struct lull_pcap *pcap);
/* `clock_ns` since 1970; `inbound` as the shard sees it. */
LULL_API void lull_pcap_write(struct lull_pcap *pcap, uint64_t clock_ns,
			      bool inbound, const struct lull_frame *frame);
/* A link that is `link`, and writes down what passes. Owns neither. */
LULL_API LULL_MUST_CHECK int lull_pcap_wrap(struct lull_pcap *pcap,
					    struct lull_link *link,
					    struct lull_link **wrapped);

/* ---- network namespaces, TUN and TAP ---- */

/*
 * A network namespace: "-" is the current one; another name is one of
 * ip-netns(8): used if it is there, else made, and removed at the end by
 * whoever made it. Needs CAP_SYS_ADMIN, but for "-".
 */
struct lull_netns;

LULL_API LULL_MUST_CHECK int lull_netns_open(struct lull_netns **ns,
					     const char *name);
LULL_API void lull_netns_close(struct lull_netns *ns);
LULL_API bool lull_netns_is_made(const struct lull_netns *ns);

/* Why there is no namespace. */
struct lull_userns_why {
	uint32_t size;	/* sizeof(struct lull_userns_why) */
	char text[192]; /* and what to do */
};

/*
 * For who has no privileges: move the process, which must have one thread,
 * into a user and a network namespace of its own, and for good; it is root in
 * there. Then "-" is its namespace, and a device can be made if /dev/net/tun
 * can be opened. Others come in by nsenter -U -n --preserve-credentials.
 * -EPERM, -ENOSPC and others of unshare(2): `why` (NULL allowed) says more.
 */
LULL_API LULL_MUST_CHECK int lull_userns_enter(struct lull_userns_why *why);

struct lull_tun_config {
	uint32_t size;	  /* sizeof(struct lull_tun_config) */
	const char *name; /* of the device, "lull%d" by default */
	/*
	 * The device stays when the link goes, up and with its addresses, and
	 * one of that name that was left so is used again: what is sent to it
	 * meanwhile is lost in silence. It needs a `name`. -EBUSY: it is there,
	 * and another process has it.
	 */
	bool keep;
	/* Frames of one segment each, their checksums finished, both ways. */
	bool no_offload;
	struct lull_netns *netns; /* NULL: the current one */
	uint32_t mtu;		  /* 0: 1500 */
	/* LULL_LINK_ETHER: a TAP device, with a station of the kernel's. */
	enum lull_link_type link_type;
	/*
	 * The shard's addresses, with the prefixes that lie behind the device,
	 * and the kernel's own in the same prefixes (peers_len may be fewer:
	 * then it gets the first other address of each prefix).
	 */
	const struct lull_prefix *addrs, *peers;
	int addrs_len, peers_len;
};

/*
 * A TUN or TAP device, up, with addresses; what it sends to a prefix comes to
 * the link. With offload, as far as the kernel has it: link->ops->cap() says.
 * It goes with the link. -ENOENT: no /dev/net/tun; -EACCES: not ours to open;
 * -EPERM: no CAP_NET_ADMIN; -EBUSY: the name is taken; -EEXIST: an address or
 * prefix is, by another device.
 */
LULL_API LULL_MUST_CHECK int lull_tun_create(struct lull_link **link,
					     const struct lull_tun_config *);
LULL_API void lull_link_destroy(struct lull_link *link);
/* The first other host address of a prefix; of a single address, itself. */
LULL_API struct lull_prefix lull_prefix_peer(const struct lull_prefix *prefix);

/* ---- the run loop ---- */

/*
 * epoll around one shard and one link: a batch in, a run, events to the
 * program, a batch out; sleep until a deadline, a frame or a wake-up. One
 * thread; lull_loop_wake(), _drain() and _stop() may come from any other, or
 * from a signal handler. The shard must outlive the loop, which holds a few
 * of its empty frames, and tells it what the link can do.
 */
struct lull_loop;

struct lull_loop_config {
	uint32_t size; /* sizeof(struct lull_loop_config) */
	struct lull_shard *shard;
	struct lull_link *link;
	/* Sockets with news, a batch at a time. */
	void (*on_events)(void *arg, const struct lull_event *events, int n);
	/* After lull_loop_wake(). May be NULL. */
	void (*on_wake)(void *arg);
	/*
	 * The drain began: close listeners, close what is idle. May be NULL.
	 * Called again with each turn; true: nothing is left to wait for.
	 */
	bool (*on_drain)(void *arg);
	void *arg;
};

LULL_API LULL_MUST_CHECK int lull_loop_create(struct lull_loop **loop,
					      const struct lull_loop_config *);
LULL_API void lull_loop_destroy(struct lull_loop *loop);
/* Until lull_loop_stop(), or a drain has ended. -errno: the link is dead. */
LULL_API LULL_MUST_CHECK int lull_loop_run(struct lull_loop *loop);
LULL_API void lull_loop_stop(struct lull_loop *loop);
LULL_API void lull_loop_wake(struct lull_loop *loop);
/*
 * Stop in an orderly way: on_drain is called, and the loop goes on until it
 * says so, no connection is left (closing records do not count), or `ms` are
 * over; then what is left is reset, counted (LullAbortedAtDrain), and that is
 * sent.
 */
LULL_API void lull_loop_drain(struct lull_loop *loop, uint32_t ms);
/* Have `ready` called when `fd` is readable. */
LULL_API LULL_MUST_CHECK int lull_loop_watch(struct lull_loop *loop, int fd,
					     void (*ready)(void *arg, int fd),
					     void *arg);
LULL_API void lull_loop_unwatch(struct lull_loop *loop, int fd);
/* Have `fire` called once, `ms` from now. One timer a loop; 0 clears. */
LULL_API void lull_loop_timer(struct lull_loop *loop, uint32_t ms,
			      void (*fire)(void *arg), void *arg);

/* ---- the control socket ---- */

/*
 * AF_UNIX, SOCK_SEQPACKET, mode 0600, for the same user or root only. Speaks
 * NETLINK_SOCK_DIAG (SOCK_DIAG_BY_FAMILY, inet_diag), and lull's own messages
 * from 0x6c00: see docs/control.md. Serves a piece a turn, however long the
 * list.
 */
struct lull_control;

LULL_API LULL_MUST_CHECK int lull_control_create(struct lull_control **control,
						 struct lull_loop *loop,
						 struct lull_shard *shard,
						 const char *path);
LULL_API void lull_control_destroy(struct lull_control *control);

#ifdef __cplusplus
}
#endif

#endif
