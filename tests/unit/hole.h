/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hole.h: a path that takes packets up to a size, and drops larger ones with a
 * word or without; and a peer behind it that acknowledges each segment.
 */
#ifndef LULL_HOLE_H
#define LULL_HOLE_H

#include "rig.h"

enum {
	HOLE_BYTES_MAX = 1500000, /* of one connection */
	HOLE_FLIGHT_MAX = 1024,
	HOLE_RTT_MS = 20,
};

struct hole {
	uint32_t mtu;
	bool tells;	    /* ICMP, of what is too big */
	uint32_t largest;   /* packet that came through */
	uint32_t swallowed; /* packets that did not */
	uint32_t have;	    /* bytes in order that the peer has */
	uint8_t there[HOLE_BYTES_MAX];
};

/* What a driver would have sent: a frame is cut where it asks for it. */
static inline uint32_t hole_packet_size(const struct rig_raw *raw)
{
	uint32_t whole = raw->frame.hdr_len + raw->frame.gso_size;

	return raw->frame.gso_size && whole < raw->len ? whole : raw->len;
}

static inline void hole_receive(struct rig *r, struct hole *h, uint32_t at,
				uint32_t len)
{
	assert_true(at + len <= HOLE_BYTES_MAX);
	memset(h->there + at, 1, len);
	while (h->have < HOLE_BYTES_MAX && h->there[h->have])
		h->have++;
	r->ack = lull_seq(RIG_ISS + 1 + h->have);
	rig_ack(r);
}

/* What is on its way arrives, or doesn't; how many packets came. */
static inline int hole_turn(struct rig *r, struct hole *h)
{
	static struct {
		uint32_t at, len;
		bool lost;
		uint32_t tsval;
	} out[HOLE_FLIGHT_MAX];
	const struct rig_raw *raw;
	uint32_t hdr = r->config.v6 ? 40 : 20;
	int n = 0, came = 0;

	while (n < HOLE_FLIGHT_MAX && (raw = rig_get_raw(r))) {
		struct lull_seg seg;

		assert_int_equal(lull_tcp_parse(raw->bytes + hdr,
						raw->len - hdr, &seg),
				 LULL_DROP_NONE);
		if (!seg.text_len)
			continue;
		out[n].at = seg.seq.v - (RIG_ISS + 1);
		out[n].len = seg.text_len;
		out[n].tsval = seg.has_ts ? seg.tsval : 0;
		out[n].lost = hole_packet_size(raw) > h->mtu;
		if (!out[n].lost) {
			rig_same(raw->bytes + raw->len - seg.text_len,
				 seg.text_len, out[n].at);
			h->largest =
				lull_max(h->largest, hole_packet_size(raw));
		}
		n++;
	}
	if (n == 0)
		return 0;
	rig_pass_ms(r, HOLE_RTT_MS);
	for (int i = 0; i < n; i++) {
		if (!out[i].lost) {
			if (out[i].at <= h->have) /* RFC 7323 4.3 (2) */
				r->tsecr = out[i].tsval;
			hole_receive(r, h, out[i].at, out[i].len);
			came++;
			continue;
		}
		h->swallowed++;
		if (h->tells)
			rig_icmp(r,
				 r->config.v6 ? (struct rig_icmp){2, 0, h->mtu}
					      : (struct rig_icmp){3, 4, h->mtu},
				 lull_seq(RIG_ISS + 1 + out[i].at));
	}
	return came;
}

/* Send up to `total` bytes of the connection; did they arrive in time? */
static inline bool hole_send(struct rig *r, struct hole *h, uint32_t total,
			     uint64_t most_ms)
{
	uint64_t end_ns = r->now_ns + most_ms * 1000000;

	while (h->have < total && r->now_ns < end_ns) {
		struct lull_sock_info info = {.size = sizeof info};

		assert_int_equal(lull_sock_info(r->s, r->sock, &info), 0);
		if (r->written < total && info.snd_room) {
			(void)rig_queue(r, lull_min(total - r->written,
						    info.snd_room));
			rig_run(r);
		}
		if (!hole_turn(r, h))
			rig_pass_ms(r, 5);
	}
	return h->have == total;
}

/* Connected, on a path of this size. */
/* All that is out may go again at once. */
static inline void hole_limits(struct lull_limits *l)
{
	l->tx_frames = 2 * l->ranges;
}

static inline void hole_open(struct rig *r, struct hole *h, uint32_t mtu,
			     const struct rig_config *config)
{
	struct rig_config c = *config;

	if (!c.limits)
		c.limits = hole_limits;
	memset(h, 0, sizeof *h);
	h->mtu = mtu;
	rig_open(r, &c);
	rig_reach(r, LULL_TCP_ESTABLISHED, true);
	rig_ack(r);
	rig_align(r);
	rig_set(r, LULL_OPT_SNDBUF, 1 << 19);
}

#endif
