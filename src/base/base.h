/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base.h: the ground on which the core stands.
 *
 * Everything lives in the caller's memory, in slabs of equal objects that are
 * named by 32-bit indices; index 0 is "none". Nothing here knows TCP.
 *
 *	seq, time, tuple   values
 *	slab, list         objects, and queues of them
 *	table              who owns this flow? (linear hashing)
 *	wheel              who wakes when?
 *	buf, tx            bytes of packets, and packets on their way out
 *	sum, hash          checksums and keyed hashes
 *	count, knob        what is counted and what can be set
 *	ground             all of it together: what a shard's layers share
 */
#ifndef LULL_BASE_BASE_H
#define LULL_BASE_BASE_H

#include <errno.h>
#include <string.h>

#include <lull/diag.h>
#include <lull/link.h>
#include <lull/lull.h>

#include "base/compiler.h"

/* ---- seq: sequence numbers do not compare with < (3.4) ---- */

struct lull_seq {
	uint32_t v;
};

static inline struct lull_seq lull_seq(uint32_t v)
{
	return (struct lull_seq){v};
}

static inline struct lull_seq lull_seq_add(struct lull_seq a, uint32_t n)
{
	return (struct lull_seq){a.v + n};
}

/* How far b lies before a; huge when it lies after. */
static inline uint32_t lull_seq_sub(struct lull_seq a, struct lull_seq b)
{
	return a.v - b.v;
}

static inline bool lull_seq_eq(struct lull_seq a, struct lull_seq b)
{
	return a.v == b.v;
}

static inline bool lull_seq_lt(struct lull_seq a, struct lull_seq b)
{
	return (int32_t)(a.v - b.v) < 0;
}

static inline bool lull_seq_le(struct lull_seq a, struct lull_seq b)
{
	return (int32_t)(a.v - b.v) <= 0;
}

static inline bool lull_seq_gt(struct lull_seq a, struct lull_seq b)
{
	return (int32_t)(a.v - b.v) > 0;
}

static inline bool lull_seq_ge(struct lull_seq a, struct lull_seq b)
{
	return (int32_t)(a.v - b.v) >= 0;
}

static inline struct lull_seq lull_seq_max(struct lull_seq a, struct lull_seq b)
{
	return lull_seq_lt(a, b) ? b : a;
}

/* ---- time: milliseconds and microseconds that wrap ---- */

/* Is `when` due? Valid for spans under 24 days. */
static inline bool lull_due(uint32_t when, uint32_t now)
{
	return (int32_t)(now - when) >= 0;
}

/* ---- tuple: both ends of a connection ---- */

struct lull_tuple {
	struct lull_addr local, remote;
	uint16_t lport, rport; /* host order */
};

static inline uint64_t lull_load64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

static inline uint32_t lull_load32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* The bytes 00 00 ff ff, which stand before an IPv4 address. */
#define LULL_MAPPED \
	(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0xffff0000U : 0x0000ffffU)

static inline bool lull_addr_is4(const struct lull_addr *a)
{
	return lull_load64(a->b) == 0 && lull_load32(a->b + 8) == LULL_MAPPED;
}

/* Two words, as they are read: what was stored in smaller pieces makes the
 * next load wait. */
static inline void lull_addr_map4(struct lull_addr *a, const uint8_t four[4])
{
	uint64_t zero = 0, v = lull_load32(four);

	v = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		    ? v << 32 | LULL_MAPPED
		    : v | (uint64_t)LULL_MAPPED << 32;
	memcpy(a->b, &zero, 8);
	memcpy(a->b + 8, &v, 8);
}

/* By words: a call of memcmp would cost more than the comparison. */
static inline bool lull_addr_eq(const struct lull_addr *a,
				const struct lull_addr *b)
{
	return lull_load64(a->b) == lull_load64(b->b) &&
	       lull_load64(a->b + 8) == lull_load64(b->b + 8);
}

static inline bool lull_tuple_eq(const struct lull_tuple *a,
				 const struct lull_tuple *b)
{
	return a->lport == b->lport && a->rport == b->rport &&
	       lull_addr_eq(&a->remote, &b->remote) &&
	       lull_addr_eq(&a->local, &b->local);
}

/* Does the prefix cover the address? */
bool lull_prefix_covers(const struct lull_prefix *p, const struct lull_addr *a);
bool lull_addr_is_any(const struct lull_addr *a); /* ::, or 0.0.0.0 mapped */
/* Multicast, or IPv4's limited broadcast: nobody's own address (MUST-57). */
bool lull_addr_is_group(const struct lull_addr *a);

/* ---- mac: an Ethernet address ---- */

struct lull_mac {
	uint8_t b[6];
};

static inline bool lull_mac_eq(const struct lull_mac *a,
			       const struct lull_mac *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/* One that a station can have: no group's, and not zero. */
static inline bool lull_mac_is_station(const struct lull_mac *a)
{
	static const struct lull_mac zero;

	return !(a->b[0] & 1) && !lull_mac_eq(a, &zero);
}

/* ---- slab: equal objects in a row, 1..limit; free ones are linked ---- */

struct lull_slab {
	uint8_t *base;
	uint32_t size;	/* bytes of an object, at least 4 */
	uint32_t limit; /* objects */
	uint32_t used, peak;
	uint32_t fresh;	  /* objects that were never used begin here */
	uint32_t free;	  /* head of those that were; linked by first word */
	uint32_t fail_in; /* tests: the n-th get from here fails; 0: off */
	uint64_t empty;	  /* gets in vain */
	const char (*name)[16];
};

void lull_slab_init(struct lull_slab *s, void *base, uint32_t size,
		    uint32_t limit, const char (*name)[16]);
uint32_t lull_slab_get(struct lull_slab *s); /* 0: empty. Not cleared. */
/* Take object `i` itself: of a new slab, and in rising order. Those between
 * them are free. */
void lull_slab_claim(struct lull_slab *s, uint32_t i);
void lull_slab_put(struct lull_slab *s, uint32_t i);

static inline void *lull_slab_at(const struct lull_slab *s, uint32_t i)
{
	return s->base + (size_t)s->size * i;
}

/* Memory that a slab of `limit` objects takes: the null object comes on top. */
static inline size_t lull_slab_bytes(uint32_t size, uint32_t limit)
{
	return (size_t)size * ((size_t)limit + 1);
}

/* ---- list: a queue of objects of one slab ---- */

struct lull_links {
	uint32_t prev, next;
};

struct lull_list {
	uint8_t *base; /* where object 0 would have its links */
	uint32_t stride;
	uint32_t head, tail, len;
};

void lull_list_init(struct lull_list *l, void *base, uint32_t stride);
void lull_list_push(struct lull_list *l, uint32_t i); /* at the tail */
uint32_t lull_list_pop(struct lull_list *l);	      /* the head, or 0 */
void lull_list_del(struct lull_list *l, uint32_t i);

static inline struct lull_links *lull_list_at(const struct lull_list *l,
					      uint32_t i)
{
	return (struct lull_links *)(void *)(l->base + (size_t)l->stride * i);
}

/* ---- names: which slab, and where in it ---- */

enum lull_kind {
	LULL_KIND_NONE,
	LULL_KIND_TCB,	    /* full connection */
	LULL_KIND_HALF,	    /* half-open */
	LULL_KIND_CLOSING4, /* closing record, IPv4 */
	LULL_KIND_CLOSING6, /* closing record, IPv6 */
	LULL_KIND_LISTENER,
	LULL_KINDS,
};

#define LULL_INDEX_BITS 28

static inline uint32_t lull_name(enum lull_kind kind, uint32_t i)
{
	return (uint32_t)kind << LULL_INDEX_BITS | i;
}

static inline enum lull_kind lull_name_kind(uint32_t name)
{
	return (enum lull_kind)(name >> LULL_INDEX_BITS);
}

static inline uint32_t lull_name_index(uint32_t name)
{
	return name & ((1U << LULL_INDEX_BITS) - 1);
}

static inline bool lull_name_is_record(uint32_t name)
{
	return lull_name_kind(name) == LULL_KIND_CLOSING4 ||
	       lull_name_kind(name) == LULL_KIND_CLOSING6;
}

/* ---- table: from the hash of a flow to its name ---- */

/*
 * Linear hashing over buckets of one cache line, with overflow buckets behind
 * them. A bucket is split with an insert, when there are more than
 * LULL_TABLE_LOAD names a bucket, so nothing ever stops to rehash. The
 * whole 32-bit hash stands beside the name: a split reads no object.
 */
#define LULL_BUCKET_SLOTS 7
#define LULL_TABLE_LOAD	  5 /* names a bucket, on average */

struct lull_bucket {
	uint32_t name[LULL_BUCKET_SLOTS]; /* 0: free; used ones come first */
	uint32_t next;			  /* overflow bucket, or 0 */
	uint32_t hash[LULL_BUCKET_SLOTS];
	uint32_t unused;
};

struct lull_table {
	struct lull_bucket *bucket;
	struct lull_slab overflow;
	uint32_t buckets; /* in use */
	uint32_t round;	  /* a power of two, round <= buckets < 2 * round */
	uint32_t limit;	  /* buckets reserved */
	uint32_t used, peak;
};

/* Where a search stands. */
struct lull_probe {
	uint32_t hash;
	uint32_t slot;
	const struct lull_bucket *at;
};

/* Buckets and overflow buckets that `names` of them may need. */
void lull_table_size(uint32_t names, uint32_t *buckets, uint32_t *overflow);
void lull_table_init(struct lull_table *t, void *buckets, uint32_t limit,
		     void *overflow, uint32_t overflow_limit);
void lull_table_prefetch(const struct lull_table *t, uint32_t hash);
struct lull_probe lull_table_probe(const struct lull_table *t, uint32_t hash);
uint32_t lull_probe_next(const struct lull_table *t, struct lull_probe *p);
bool lull_table_put(struct lull_table *t, uint32_t hash, uint32_t name);
void lull_table_del(struct lull_table *t, uint32_t hash, uint32_t name);
/* The same flow under another name: no packet finds neither. */
void lull_table_swap(struct lull_table *t, uint32_t hash, uint32_t from,
		     uint32_t to);
void lull_table_check(const struct lull_table *t); /* recount; tests only */

/* ---- wheel: timers in milliseconds ---- */

/*
 * Six levels of 64 slots. A timer stands at the level of the highest six bits
 * in which it differs from now, and moves down when its slot's time comes.
 * Moving down and firing are counted against a budget, so a million timers
 * of the same moment are worked off in several runs.
 */
#define LULL_WHEEL_LEVELS 6
#define LULL_WHEEL_SLOTS  64
#define LULL_WHEEL_KINDS  3 /* LULL_KIND_TCB and LULL_KIND_HALF have timers */

struct lull_timer {
	uint32_t prev, next; /* names; prev 0: first of its slot */
	uint32_t when_ms;
	uint16_t slot; /* level * 64 + slot + 1; 0: not set */
	uint16_t unused;
};

struct lull_wheel {
	struct {
		uint8_t *base; /* where object 0 would have its timer */
		uint32_t stride;
	} view[LULL_WHEEL_KINDS];
	uint64_t now_ms;		  /* up to here all is done */
	uint64_t full[LULL_WHEEL_LEVELS]; /* a bit for each slot in use */
	uint32_t slot[LULL_WHEEL_LEVELS * LULL_WHEEL_SLOTS]; /* first name */
	uint32_t used, peak;
};

void lull_wheel_init(struct lull_wheel *w, uint64_t now_ms);
void lull_wheel_view(struct lull_wheel *w, enum lull_kind kind, void *base,
		     uint32_t stride);
void lull_wheel_set(struct lull_wheel *w, uint32_t name, uint32_t when_ms);
void lull_wheel_clear(struct lull_wheel *w, uint32_t name);
/* Take out the next due one, or 0: none, or the budget is used up. */
uint32_t lull_wheel_due(struct lull_wheel *w, uint64_t now_ms, int *budget);
/* When to call lull_wheel_due() again; UINT64_MAX: no timer is set. */
uint64_t lull_wheel_deadline(const struct lull_wheel *w);

/* ---- buf: the bytes of packets, counted by reference ---- */

enum lull_buf_class {
	LULL_BUF_256,
	LULL_BUF_2K,
	LULL_BUF_64K,
	LULL_BUF_CLASSES,
};

#define LULL_BUF_EOR 1 /* a record ends with it (MSG_EOR) */

/* The bytes data[off .. off+len) matter; what lies behind them is room. */
struct lull_buf {
	uint32_t next; /* in a queue */
	uint16_t refs;
	uint8_t cls;   /* of enum lull_buf_class */
	uint8_t flags; /* of a frame that came in: enum lull_frame_flags; of
			  what is queued: LULL_BUF_EOR */
	uint32_t off, len;
	struct lull_seq seq; /* of data[off] */
	uint32_t gso_size;   /* of a frame that came in */
	uint8_t *data;
};

struct lull_bufs {
	struct lull_slab slab[LULL_BUF_CLASSES]; /* of descriptors */
	struct lull_buf *at;
	uint8_t *data[LULL_BUF_CLASSES];
	uint32_t first[LULL_BUF_CLASSES + 1]; /* index of a class's null */
};

void lull_bufs_init(struct lull_bufs *b, struct lull_buf *at,
		    uint8_t *const data[LULL_BUF_CLASSES],
		    const uint32_t limit[LULL_BUF_CLASSES]);
uint32_t lull_buf_bytes(enum lull_buf_class cls);
/* One that holds `bytes`, with one reference; a larger class if need be; or 0.
 */
uint32_t lull_buf_get(struct lull_bufs *b, uint32_t bytes);
void lull_buf_put(struct lull_bufs *b, uint32_t i); /* drop a reference */
/* The same for a chain of them, by `next`. */
void lull_buf_put_all(struct lull_bufs *b, uint32_t i);
/* Drop the first `bytes` of a chain, and buffers that end so. Returns the
 * first one that is left. */
uint32_t lull_buf_cut_front(struct lull_bufs *b, uint32_t i, uint32_t bytes);
/* Keep the first `bytes`, 1 at least; buffers behind them are put back. */
void lull_buf_cut_back(struct lull_bufs *b, uint32_t i, uint32_t bytes);
/* One of 64 KB, for a frame that may come in; 0: none. */
uint32_t lull_buf_get_large(struct lull_bufs *b);
/* One for a queue: never of the reserve, that the link's buffers come from. */
uint32_t lull_buf_get_kept(struct lull_bufs *b, uint32_t bytes);
/* May a queue keep a buffer of this class that is taken already? */
bool lull_buf_may_keep(const struct lull_bufs *b, enum lull_buf_class cls);
/* How many of a class queues may still take. */
uint32_t lull_buf_left(const struct lull_bufs *b, enum lull_buf_class cls);
/* Are more than `sixteenths` of what queues may keep of a class in use? */
bool lull_buf_is_short(const struct lull_bufs *b, enum lull_buf_class cls,
		       uint32_t sixteenths);

static inline struct lull_buf *lull_buf_at(const struct lull_bufs *b,
					   uint32_t i)
{
	return &b->at[i];
}

static inline void lull_buf_hold(struct lull_bufs *b, uint32_t i)
{
	LULL_ASSERT(b->at[i].refs > 0 && b->at[i].refs < UINT16_MAX);
	b->at[i].refs++;
}

static inline uint32_t lull_buf_room(const struct lull_buf *b)
{
	return lull_buf_bytes(b->cls) - b->off - b->len;
}

/* ---- tx: packets on their way out ---- */

#define LULL_TX_SPANS                                          \
	(LULL_FRAME_SPANS - 1) /* the first is for the headers \
				*/
#define LULL_TX_HDR 116	       /* room for Ethernet 14, IPv6 40, TCP 60 */

struct lull_tx_span {
	uint32_t buf, off, len;
};

/* Built from the transport down: `hdr_off` moves to the front. */
struct lull_tx {
	struct lull_addr local, remote;
	uint32_t payload_len; /* bytes in span[] */
	uint16_t hdr_off;     /* where hdr begins */
	uint16_t gso_size;
	uint8_t proto, tos, ttl;
	uint8_t flags; /* of enum lull_frame_flags */
	uint8_t spans;
	bool has_ip : 1;      /* the IP header is there */
	bool has_ether : 1;   /* the Ethernet header, too */
	bool confirm : 1;     /* the peer gets what we send (RFC 4861 7.3.1) */
	uint16_t csum_offset; /* in the transport header */
	struct lull_tx_span span[LULL_TX_SPANS];
	uint8_t hdr[LULL_TX_HDR];
};

struct lull_txq {
	struct lull_tx *ring;
	uint32_t mask;
	uint32_t head, tail; /* head: oldest; tail: next free; they wrap */
	uint32_t peak;
	uint64_t full; /* how often somebody found no room */
};

static inline uint32_t lull_txq_len(const struct lull_txq *q)
{
	return q->tail - q->head;
}

static inline uint32_t lull_txq_room(const struct lull_txq *q)
{
	return q->mask + 1 - lull_txq_len(q);
}

/* A blank one, or NULL: the ring is full. It is queued with the next _push. */
struct lull_tx *lull_txq_new(struct lull_txq *q);
void lull_txq_push(struct lull_txq *q);
void lull_txq_pop(struct lull_txq *q, struct lull_bufs *b);
/* Let go what a packet shows that will not be sent. */
void lull_tx_drop(struct lull_tx *tx, struct lull_bufs *b);
/* Segments that a packet stands for. */
static inline uint32_t lull_tx_segs(const struct lull_tx *tx)
{
	return tx->gso_size
		       ? (tx->payload_len + tx->gso_size - 1) / tx->gso_size
		       : 1;
}

/* Append a piece of payload, and hold its buffer. */
void lull_tx_add(struct lull_tx *tx, struct lull_bufs *b,
		 struct lull_tx_span span);
/* Keep the first `len` bytes of payload, and let go of the rest. */
void lull_tx_cut(struct lull_tx *tx, struct lull_bufs *b, uint32_t len);
/* Make room for `n` bytes of header before what is there. */
uint8_t *lull_tx_front(struct lull_tx *tx, uint32_t n);

/* ---- sum: the internet checksum (RFC 1071), folded sums in host order ---- */

/* Add the words of `p`; `odd` bytes came before it (0 or 1 matters). */
uint32_t lull_sum(uint32_t sum, const void *p, size_t len, uint32_t odd);
uint16_t lull_sum_fold(uint32_t sum); /* not complemented */
/* The payload of a packet to send. */
uint32_t lull_sum_tx(const struct lull_tx *tx, const struct lull_bufs *b);
/* The pseudo-header of RFC 9293 3.1 or RFC 8200 8.1. */
uint32_t lull_sum_pseudo(const struct lull_addr *a, const struct lull_addr *b,
			 uint8_t proto, uint32_t len);

/* ---- hash: SipHash with a key for each use ---- */

struct lull_keys {
	uint8_t flow[16];   /* the flow table: never shown */
	uint8_t isn[16];    /* ISNs and timestamp offsets: shown, so its own */
	uint8_t port[16];   /* ephemeral ports */
	uint8_t cookie[16]; /* SYN cookies: shown, and forgeable if guessed */
	uint8_t reass[16];  /* fragments: who shares a place with whom */
	uint8_t neigh[16];  /* neighbours, and our own Ethernet address */
};

void lull_keys_init(struct lull_keys *k, const uint8_t secret[32]);
uint64_t lull_hash_tuple(const uint8_t key[16], const struct lull_tuple *t);
uint64_t lull_hash_bytes(const uint8_t key[16], const void *p, size_t len);

/* ---- count: everything that happens has a name ---- */

enum lull_counter_id {
#define COUNTER(id, group, name, help) LULL_COUNT_##id,
#include "base/counters.def"
#undef COUNTER
	LULL_COUNTERS,
};

/* Why a packet, or a part of one, was refused. */
enum lull_drop {
	LULL_DROP_NONE,
#define DROP(id, name, counter, help) LULL_DROP_##id,
#include "base/drops.def"
#undef DROP
	LULL_DROPS,
};

/* The Linux counter that moves with a drop, or LULL_COUNTERS. */
enum lull_counter_id lull_drop_counter(enum lull_drop drop);

/* ---- knob: what can be set ---- */

#define LULL_PORT_WORDS 1024 /* a bit for each port */

struct lull_knobs {
#define KNOB1(field, name, unit, value, min, max, words, help) int64_t field;
#define KNOB2(field, name, unit, v0, v1, min, max, help)       int64_t field[2];
#define KNOB3(field, name, unit, v0, v1, v2, min, max, help)   int64_t field[3];
#define PORTS(field, name, unit, min, max, help) \
	uint64_t field[LULL_PORT_WORDS];
#include "base/knobs.def"
#undef KNOB1
#undef KNOB2
#undef KNOB3
#undef PORTS
};

struct lull_knob {
	char name[48], unit[16];
	char words[48]; /* names of the values 0, 1, ..., or NAME=VALUE, or ""
			 */
	char help[112];
	uint16_t offset; /* in struct lull_knobs */
	uint8_t values;	 /* numbers; 0: a list of ports */
	bool fixed;	 /* set at creation only */
	int64_t min, max, defaults[3];
};

extern const struct lull_knob lull_knob_table[];
extern const uint32_t lull_knob_count;

void lull_knobs_init(struct lull_knobs *k);
/* Defaults that the limits or the profile decide; the others are the row's own.
 */
void lull_knob_defaults(const struct lull_knob *row,
			const struct lull_limits *limits,
			enum lull_profile profile, int64_t defaults[3]);
void lull_knobs_limit(struct lull_knobs *k, const struct lull_limits *limits,
		      enum lull_profile profile);
const struct lull_knob *lull_knob_find(const char *name);
/* A knob of Linux's that has no effect here. */
struct lull_idle {
	char name[48];
	char why[112];
	bool refused; /* it is not even accepted */
};

extern const struct lull_idle lull_idle_table[];
extern const uint32_t lull_idle_count;

const struct lull_idle *lull_idle_find(const char *name);
/* 0 or -EINVAL, -ERANGE, -EPERM. */
int lull_knob_set(struct lull_knobs *k, const struct lull_knob *row,
		  const char *text);
/* Bytes written without the NUL, or -ENOSPC. */
int lull_knob_get(const struct lull_knobs *k, const struct lull_knob *row,
		  char *text, size_t len);

/* ---- trace: the last things that happened ---- */

struct lull_trace {
	struct lull_trace_record *ring;
	uint32_t mask; /* with ring NULL: no trace */
	uint64_t next; /* records since creation */
};

/* ---- ground: what the layers of a shard share ---- */

struct lull_ground {
	uint64_t now_ns; /* taken once a run */
	uint64_t now_ms;
	uint32_t now_us; /* wraps */
	bool behind;	 /* timers are due that did not fire yet */
	enum lull_profile profile;
	uint32_t mtu, link_cap;
	uint32_t link_hdr; /* bytes before the IP header: 0, or Ethernet's */
	struct lull_knobs knobs;
	struct lull_keys keys;
	struct lull_bufs bufs;
	struct lull_txq txq;
	struct lull_trace trace;
	uint64_t count[LULL_COUNTERS];
	uint64_t drops[LULL_DROPS];
};

static inline void lull_count(struct lull_ground *g, enum lull_counter_id id)
{
	g->count[id]++;
}

static inline void lull_count_n(struct lull_ground *g, enum lull_counter_id id,
				uint32_t n)
{
	g->count[id] += n;
}

/* net.ipv4.ip_local_reserved_ports, a word of 64 ports at a time. */
static inline uint64_t lull_ports_reserved(const struct lull_ground *g,
					   uint32_t word)
{
	return g->knobs.reserved_ports[word];
}

static inline bool lull_port_is_reserved(const struct lull_ground *g,
					 uint16_t port)
{
	return g->knobs.reserved_ports[port / 64] >> port % 64 & 1;
}

/* true: the leap was too long for one step; come again. */
bool lull_ground_time(struct lull_ground *g, uint64_t now_ns);
/* Count a refusal, and trace it when it has a flow and numbers to tell. */
void lull_drop(struct lull_ground *g, enum lull_drop why);
void lull_drop_at(struct lull_ground *g, enum lull_drop why,
		  const struct lull_tuple *tuple, uint32_t seq, uint32_t ack);
void lull_trace_state(struct lull_ground *g, const struct lull_tuple *tuple,
		      enum lull_tcp_state from, enum lull_tcp_state to,
		      uint32_t seq, uint32_t ack);
/* Why: of the change to CLOSED that was traced last. The last word counts. */
void lull_trace_why(struct lull_ground *g, enum lull_trace_end why);

/* The millisecond in which `ms` from now have passed in full. */
static inline uint32_t lull_in_ms(const struct lull_ground *g, uint32_t ms)
{
	return (uint32_t)((g->now_ns + 999999) / 1000000) + ms;
}

#endif
