/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cookie.c: SYN cookies (RFC 4987 3.6): a SYN for which there is no room is
 * answered all the same, and nothing of it is kept. Our ISN must come back:
 * 30 bits of a keyed hash of both ends, the peer's ISN and the minute, and two
 * that tell which MSS of four. It holds for one to two minutes, and only at a
 * listener that sent one within that time: a guess hits with 2^-29, as in
 * Linux. The window's scale, SACK and ECN come back in TSval's low bits, which
 * is put back for it, never ahead; without timestamps they are not offered.
 *
 * Of those that came back the last 16,384 are remembered, or the ACK of a
 * connection that has ended, late or doubled, would make another one. Linux
 * takes it.
 *
 * With the last ACK lost, the first text brings the cookie; text ahead of a
 * gap can't, and gets RST, as in Linux. No cookie for a SYN that reopens a
 * TIME_WAIT: this ISN can't be raised above the old one. None for a listener
 * whose program decides.
 *
 * Entry points: lull_cookie_send, lull_cookie_arrives.
 */
#include "tcp/tcp.h"

enum {
	TICK_S = 60,
	TICKS = 2, /* how many a cookie lives, its first included */
	TS_BITS = 6,
	TS_NO_WSCALE = 15, /* bits 3..0 */
	TS_SACK = 16,
	TS_ECN = 32,
};

static const uint16_t mss4[4] = {536, 1300, 1440, 1460};
static const uint16_t mss6[4] = {1220, 1420, 1440, 8940};

static uint64_t tick_of(const struct lull_tcp *t)
{
	return t->g->now_ns / 1000000000 / TICK_S;
}

static uint64_t secret_of(const struct lull_tcp *t,
			  const struct lull_tuple *tuple, struct lull_seq irs,
			  uint64_t tick)
{
	struct {
		uint64_t pair, tick;
		uint32_t irs, unused;
	} what = {
		.pair = lull_hash_tuple(t->g->keys.cookie, tuple),
		.tick = tick,
		.irs = irs.v,
	};

	return lull_hash_bytes(t->g->keys.cookie, &what, sizeof what);
}

/* The largest of the four that is not larger; else the least. */
static uint32_t mss_index(const struct lull_half *h)
{
	const uint16_t *mss = lull_addr_is4(&h->tuple.local) ? mss4 : mss6;
	uint32_t i = 3;

	while (i > 0 && mss[i] > h->mss)
		i--;
	return i;
}

static uint32_t make(const struct lull_tcp *t, const struct lull_half *h)
{
	uint64_t s = secret_of(t, &h->tuple, h->irs, tick_of(t));

	return (uint32_t)s << 2 | (mss_index(h) ^ (uint32_t)(s >> 62));
}

/* The MSS that the cookie tells; 0: it is none of ours, or too old. */
static uint16_t read(const struct lull_tcp *t, const struct lull_half *h,
		     uint64_t *tag)
{
	const uint16_t *mss = lull_addr_is4(&h->tuple.local) ? mss4 : mss6;

	for (uint64_t age = 0; age < TICKS; age++) {
		uint64_t tick = tick_of(t) - age;
		uint64_t s = secret_of(t, &h->tuple, h->irs, tick);

		if ((h->iss.v ^ (uint32_t)s << 2) >> 2 != 0)
			continue;
		*tag = (s & ~3ULL) | (tick & 3);
		return mss[(h->iss.v ^ (uint32_t)(s >> 62)) & 3];
	}
	return 0;
}

/* ---- those that came back ---- */

static struct lull_cookies_used *set_of(const struct lull_tcp *t, uint64_t tag)
{
	return &t->cookies[tag >> 32 & (LULL_COOKIE_SETS - 1)];
}

static bool was_used(const struct lull_tcp *t, uint64_t tag)
{
	const struct lull_cookies_used *set = set_of(t, tag);

	for (int i = 0; i < 4; i++)
		if (set->tag[i] == tag)
			return true;
	return false;
}

/* In the place of one that is too old to come back, or of any. */
static void note_used(struct lull_tcp *t, uint64_t tag)
{
	struct lull_cookies_used *set = set_of(t, tag);
	int at = (int)(tag >> 2 & 3);

	for (int i = 0; i < 4; i++)
		if (!set->tag[i] || ((tick_of(t) - set->tag[i]) & 3) >= TICKS)
			at = i;
	set->tag[at] = tag;
}

/* How far TSval is put back, so that its low bits tell the options. */
static uint32_t ts_back(const struct lull_tcp *t, const struct lull_half *h)
{
	uint32_t low = (uint32_t)t->g->now_ms % (1U << TS_BITS);
	uint32_t want =
		h->flags & LULL_HALF_WSCALE ? h->snd_wscale : TS_NO_WSCALE;

	want |= h->flags & LULL_HALF_SACK ? TS_SACK : 0;
	want |= h->flags & LULL_HALF_ECN ? TS_ECN : 0;
	return (low - want) % (1U << TS_BITS);
}

/* The least of the four is not small enough for all; Linux takes it anyway. */
static bool tells_mss(const struct lull_tcp *t, const struct lull_half *h)
{
	return t->g->profile == LULL_PROFILE_LINUX ||
	       h->mss >= (lull_addr_is4(&h->tuple.local) ? mss4 : mss6)[0];
}

bool lull_cookie_send(struct lull_tcp *t, struct lull_listener *l,
		      struct lull_half *h)
{
	if (!tells_mss(t, h))
		return false;
	lull_count(t->g, LULL_COUNT_REQ_Q_FULL_DO_COOKIES);
	if (!(h->flags & LULL_HALF_TS))
		h->flags &= (uint8_t) ~(LULL_HALF_WSCALE | LULL_HALF_SACK |
					LULL_HALF_ECN);
	h->iss = lull_seq(make(t, h));
	h->ts_back_ms = (uint8_t)ts_back(t, h);
	if (lull_half_say_syn_ack(t, h)) {
		l->cookie_s = (uint32_t)(t->g->now_ns / 1000000000) + 1;
		lull_count(t->g, LULL_COUNT_SYNCOOKIES_SENT);
	}
	return true;
}

/* Did this listener send a cookie that could still come back? */
static bool awaits(const struct lull_tcp *t, const struct lull_listener *l)
{
	uint32_t now_s = (uint32_t)(t->g->now_ns / 1000000000);

	return t->g->knobs.syncookies && l->cookie_s &&
	       now_s - (l->cookie_s - 1) <= TICKS * TICK_S;
}

/* What the peer's SYN had said. false: it could not have said so. */
static bool recall(const struct lull_tcp *t, const struct lull_seg *seg,
		   struct lull_half *h, uint64_t *tag)
{
	const struct lull_knobs *k = &t->g->knobs;
	uint32_t said, wscale;

	*h = (struct lull_half){
		.tuple = seg->tuple,
		.irs = lull_seq(seg->seq.v - 1),
		.iss = lull_seq(seg->ack.v - 1),
		.ts_recent = seg->tsval,
		.ts_offset = lull_secret_of(t, &seg->tuple).ts_offset,
		.tos = seg->tos,
		.flags = LULL_HALF_AGAIN, /* nobody knows when it was sent */
	};
	h->mss = read(t, h, tag);
	if (!h->mss)
		return false;
	if (!seg->has_ts)
		return true;
	said = (seg->tsecr - h->ts_offset) % (1U << TS_BITS);
	wscale = said & TS_NO_WSCALE;
	if (!k->timestamps || (said & TS_SACK && !k->sack) ||
	    (said & TS_ECN && !k->ecn) ||
	    (wscale != TS_NO_WSCALE && !k->window_scaling))
		return false; /* not agreed on, or the knob was turned */
	h->flags |= LULL_HALF_TS;
	h->flags |= said & TS_SACK ? LULL_HALF_SACK : 0;
	h->flags |= said & TS_ECN ? LULL_HALF_ECN : 0;
	if (wscale != TS_NO_WSCALE) {
		h->flags |= LULL_HALF_WSCALE;
		h->snd_wscale = (uint8_t)lull_min(wscale, 14);
	}
	return true;
}

/* There is no SYN-ACK that would go again, so that the peer hears of it. */
static void refuse_full(struct lull_tcp *t, const struct lull_seg *seg,
			enum lull_drop why)
{
	lull_refuse(t, seg, why);
	lull_count(t->g, LULL_COUNT_LISTEN_DROPS);
	if (t->g->knobs.abort_on_overflow && t->g->profile == LULL_PROFILE_LULL)
		lull_reply_rst(t, seg);
}

bool lull_cookie_arrives(struct lull_tcp *t, uint32_t listener, uint32_t half,
			 struct lull_seg *seg)
{
	uint32_t replaced = half ? lull_name(LULL_KIND_HALF, half) : 0;
	struct lull_listener *l = lull_listener_at(t, listener);
	struct lull_tcb *tcb;
	struct lull_half h;
	uint64_t tag;

	if ((seg->flags & (LULL_SYN | LULL_RST | LULL_ACK)) != LULL_ACK ||
	    !awaits(t, l))
		return false;
	if (!recall(t, seg, &h, &tag)) {
		if (half)
			return false;
		lull_refuse(t, seg, LULL_DROP_COOKIE);
		lull_reply_rst(t, seg);
		return true;
	}
	if (was_used(t, tag)) {
		lull_refuse(t, seg, LULL_DROP_COOKIE_USED);
		lull_reply_rst(t, seg);
		return true;
	}
	lull_count(t->g, LULL_COUNT_SYNCOOKIES_RECV);
	if (lull_listener_is_full(l)) {
		refuse_full(t, seg, LULL_DROP_LISTEN_ACCEPT_FULL);
		return true;
	}
	tcb = lull_half_grow(t, &h, replaced, seg->hash, l);
	if (!tcb) {
		refuse_full(t, seg, LULL_DROP_LISTEN_NO_CONN);
		return true;
	}
	if (half)
		lull_half_leave(t, half);
	note_used(t, tag);
	lull_segment_arrives(t, tcb, seg);
	return true;
}
