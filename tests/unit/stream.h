/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream.h: the peer's stream by the place of its bytes, and what our ACKs say
 * of it; for the tests of the receiver.
 */
#ifndef LULL_STREAM_H
#define LULL_STREAM_H

#include "rig.h"

#define BASE (RIG_PEER_ISS + 1) /* SEQ of the first byte */

/* Bytes [at, at+len) of the peer's stream, wherever we are. */
static inline void put_text(struct rig *r, uint32_t at, uint32_t len,
			    uint8_t flags)
{
	uint8_t text[RIG_TEXT_MAX];

	assert_true(len <= sizeof text);
	for (uint32_t i = 0; i < len; i++)
		text[i] = rig_byte(at + i);
	rig_put(r, LULL_ACK | flags, lull_seq(BASE + at), r->ack, text, len);
}

/* What the last ACK that came says; `edge` is where the window ends. */
struct offer {
	uint32_t acked, edge; /* bytes of the stream */
	int acks;
	bool bounded; /* look after memory, too */
};

/*
 * Take all that comes; neither number may ever move back (SHLD-14), but for
 * what scaling cuts off (RFC 7323 2.4).
 */
static inline void take_acks(struct rig *r, struct offer *o)
{
	uint32_t shift = r->config.wscale ? 7 : 0;
	struct rig_seg out;

	while (rig_get(r, &out)) {
		uint32_t acked = out.seg.ack.v - BASE;
		uint32_t edge = acked + ((uint32_t)out.seg.wnd << shift);

		assert_int_equal(out.seg.flags, LULL_ACK);
		if (acked < o->acked || edge + (1U << shift) - 1 < o->edge)
			fail_msg("ACK %u, edge %u after ACK %u, edge %u", acked,
				 edge, o->acked, o->edge);
		o->acked = acked;
		o->edge = lull_max(o->edge, edge);
		o->acks++;
		if (out.seg.has_ts)
			r->tsecr = out.seg.tsval;
	}
}

/* Read all that is there; it must be what comes next in the stream. */
static inline uint32_t read_all(struct rig *r, uint32_t at)
{
	uint8_t text[5000];
	uint32_t done = 0;
	long n;

	while ((n = rig_read(r, text, sizeof text)) > 0) {
		rig_same(text, (uint32_t)n, at + done);
		done += (uint32_t)n;
	}
	return done;
}

#endif
