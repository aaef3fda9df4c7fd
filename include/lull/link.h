/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link.h: how frames get in and out. For the writers of drivers.
 *
 * A frame is an IP packet, or an Ethernet frame (lull_config.link_type), in a
 * few pieces, with what a network card would say of it: is the checksum done,
 *is it one segment or many. Its buffers lie in the memory that the caller gave
 *to the shard.
 *
 *	in:	n = lull_rx_get(shard, frames, N)	empty buffers
 *		fill the spans, set len			(read, recvmmsg, a ring)
 *		lull_rx_put(shard, frames, n)		in the order of arrival
 *	out:	n = lull_tx_peek(shard, frames, N)	stable until done
 *		write the spans
 *		lull_tx_done(shard, k)			the first k left, k <= n
 */
#ifndef LULL_LINK_H
#define LULL_LINK_H

#include <lull/lull.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Pieces of one frame: headers, and at most seven pieces of payload. */
#define LULL_FRAME_SPANS 8

enum lull_frame_flags {
	/* in: somebody has verified the TCP checksum. */
	LULL_FRAME_CSUM_OK = 1,
	/*
	 * The checksum at csum_start + csum_offset holds the pseudo-header's
	 * sum only; out: the link adds the rest; in: the sender was local, all
	 * is well.
	 */
	LULL_FRAME_CSUM_PARTIAL = 2,
	/* With gso_size: CWR stands in the first segment only (RFC 3168). */
	LULL_FRAME_CWR = 4,
};

struct lull_frame {
	uint32_t id, more; /* the shard's own; keep them with the frame */
	uint32_t len;	   /* bytes of the frame */
	uint16_t flags;	   /* of enum lull_frame_flags */
	uint16_t gso_size; /* 0, or payload bytes of each segment that this
			      frame stands for */
	uint16_t csum_start,
		csum_offset; /* bytes from the start, with CSUM_PARTIAL */
	uint16_t hdr_len;    /* bytes of all headers, with gso_size */
	uint16_t spans;	     /* how many of span[] are used */
	struct lull_span span[LULL_FRAME_SPANS];
};

/*
 * What the link can do, bits of enum lull_link_cap, instead of
 * `lull_config.link_cap`. Before the first frame; a run loop does it.
 */
LULL_API void lull_link_use(struct lull_shard *shard, uint32_t link_cap);

/*
 * Take empty frames of one span each, with room for a packet of the MTU. Fewer
 * than n, even none, when buffers are short: try again after a run.
 */
LULL_API int lull_rx_get(struct lull_shard *shard, struct lull_frame *frames,
			 int n);

/*
 * Give empty frames a second span, so that there is room for 64 KB in both, to
 * be filled in this order: for LULL_LINK_RX_GSO. Returns how many of the first
 * have the room now. A second span that a packet did not need may be moved to
 * an empty frame by its holder, with `more`.
 */
LULL_API int lull_rx_widen(struct lull_shard *shard, struct lull_frame *frames,
			   int n);

/*
 * Hand over filled ones, or with len 0 give them back. Returns how many were
 * taken: fewer than n when the shard has not caught up (run it; the rest is
 * still the caller's).
 */
LULL_API int lull_rx_put(struct lull_shard *shard,
			 const struct lull_frame *frames, int n);

/*
 * Look at what is to be sent, in order. What is larger than the link can cut is
 * shown as the segments that it stands for.
 */
LULL_API int lull_tx_peek(struct lull_shard *shard, struct lull_frame *frames,
			  int n);

/* The first n of them have left, or were given up. */
LULL_API void lull_tx_done(struct lull_shard *shard, int n);

/* ---- links ---- */

/* What a run loop asks of a link. Own your data behind it (container_of). */
struct lull_link {
	const struct lull_link_ops *ops;
};

struct lull_link_ops {
	/* Fill at most n empty frames. Returns how many; 0: none now; -errno:
	 * the link is dead. */
	int (*rx)(struct lull_link *link, struct lull_frame *frames, int n);
	/* Send at most n. Returns how many were taken; 0: full, try later;
	 * -errno: dead. */
	int (*tx)(struct lull_link *link, const struct lull_frame *frames,
		  int n);
	/* A descriptor that is readable when rx has something, or -1. */
	int (*fd)(struct lull_link *link);
	void (*close)(struct lull_link *link);
	/* Bits of enum lull_link_cap; NULL: none. */
	uint32_t (*cap)(struct lull_link *link);
};

#ifdef __cplusplus
}
#endif

#endif
