/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pace.c: new text leaves at a rate, not in bursts: tcp_pacing_ss_ratio or
 * _ca_ratio percent of cwnd / srtt, as in Linux, and never above
 * LULL_OPT_MAX_PACING_RATE.
 *
 * Each byte has its time; it may leave a grain of 1 ms before it, or as much as
 * one segment takes, so a burst is a millisecond's worth and a segment. The
 * wheel wakes to the millisecond, and what it is late is made good.
 *
 * Not paced: a path whose least RTT is below two grains, over which nothing can
 * be spread, so that a TUN device or memory pays nothing, whatever waits in
 * queues of our own; the first window of a connection, as in
 * Linux, so that a short answer waits for nothing; what is sent again, which
 * loss.c counts out. A rate that the program has set holds always.
 *
 * Entry points: lull_pace_rate, _piece, _holds, _sent, _wait.
 */
#include "tcp/tcp.h"

enum {
	GRAIN_NS = 1000000,
	RTT_MIN_US = 2 * GRAIN_NS / 1000,
};

static bool by_window(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	return tcb->rtt.srtt_us >= RTT_MIN_US && t->g->knobs.pacing &&
	       lull_tcb_cold(t, tcb)->rack.min_rtt_us >= RTT_MIN_US;
}

/* On every packet's way: a short path is known by the hot part alone. */
static bool is_on(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	return by_window(t, tcb) || tcb->snd.cc & LULL_CC_RATE_MAX;
}

/* Bytes a second, of cwnd in each RTT. */
static uint64_t window_rate(const struct lull_tcp *t,
			    const struct lull_tcb *tcb)
{
	const struct lull_knobs *k = &t->g->knobs;
	bool slow = tcb->cc.cwnd < tcb->cc.ssthresh / 2;
	uint64_t percent =
		(uint64_t)(slow ? k->pacing_ss_ratio : k->pacing_ca_ratio);
	uint64_t rate = lull_max(tcb->cc.cwnd, tcb->snd.pipe) * percent *
			10000 / lull_max(tcb->rtt.srtt_us, 1U);

	return rate ? rate : 1;
}

uint64_t lull_pace_rate(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	uint64_t rate = UINT64_MAX, most;

	if (by_window(t, tcb))
		rate = window_rate(t, tcb);
	if (tcb->snd.cc & LULL_CC_RATE_MAX) {
		most = lull_tcb_cold(t, tcb)->more.rate_max;
		rate = rate < most ? rate : most;
	}
	return rate;
}

/* RFC 6928's burst: does text from here on begin in the first window?. */
static bool in_first_window(const struct lull_tcp *t,
			    const struct lull_tcb *tcb, struct lull_seq from)
{
	uint32_t sent = lull_seq_sub(from, lull_tcb_cold(t, tcb)->iss) - 1;

	return !tcb->quarters && sent < lull_cc_first_window(tcb) &&
	       !(tcb->snd.cc & LULL_CC_RATE_MAX);
}

/*
 * Linux cuts whatever it sends, paced or not: a millisecond's worth, more where
 * the RTT is short (tcp_tso_rtt_log is 9), and no more than half of cwnd.
 */
static uint32_t linux_piece(const struct lull_tcp *t,
			    const struct lull_tcb *tcb, uint32_t most)
{
	uint32_t mss = tcb->opt.mss, half = tcb->cc.cwnd / 2 / mss, segs;
	uint32_t log = lull_tcb_cold(t, tcb)->rack.min_rtt_us >> 9;
	uint64_t burst = window_rate(t, tcb) >> 10;

	if (log < 32)
		burst += UINT16_MAX >> log;
	segs = (uint32_t)lull_min(burst, most) / mss;
	segs = lull_max(segs, (uint32_t)t->g->knobs.min_tso_segs);
	return lull_min(most, lull_max(lull_min(segs, half), 1U) * mss);
}

uint32_t lull_pace_piece(const struct lull_tcp *t, const struct lull_tcb *tcb,
			 uint32_t most)
{
	/* Two of a large frame are worth it, as in Linux; where it is cut
	 * here nothing is gained, and one by one is smoother. */
	uint32_t least = t->g->link_cap & LULL_LINK_TX_GSO
				 ? (uint32_t)t->g->knobs.min_tso_segs
				 : 1;
	uint32_t mss = tcb->opt.mss;
	uint64_t burst;

	if (t->g->profile == LULL_PROFILE_LINUX)
		most = linux_piece(t, tcb, most);

	if (most <= least * mss || !is_on(t, tcb) ||
	    in_first_window(t, tcb, tcb->snd.nxt))
		return most;
	burst = lull_pace_rate(t, tcb) / (1000000000 / GRAIN_NS);
	if (burst >= most)
		return most;
	return lull_max((uint32_t)burst / mss, least) * mss;
}

static uint64_t time_of(uint64_t rate, uint32_t len)
{
	return (uint64_t)len * 1000000000 / rate;
}

/* How much before its time a byte may leave. */
static uint64_t early_ns(const struct lull_tcp *t, const struct lull_tcb *tcb)
{
	uint64_t ns;

	if (tcb->snd.cc & LULL_CC_WAITS)
		return 0;
	ns = time_of(lull_pace_rate(t, tcb), tcb->opt.mss);
	return ns > GRAIN_NS ? ns : GRAIN_NS;
}

bool lull_pace_holds(struct lull_tcp *t, struct lull_tcb *tcb)
{
	const struct lull_cc_more *more = &lull_tcb_cold(t, tcb)->more;
	uint64_t now_ns = t->g->now_ns, early, at_ns, at_ms;

	if (!is_on(t, tcb) && !(tcb->snd.cc & LULL_CC_WAITS))
		return false;
	if (more->pace_ns <= now_ns) {
		tcb->snd.cc &= (uint8_t)~LULL_CC_WAITS;
		return false;
	}
	if (!(tcb->snd.cc & LULL_CC_WAITS) &&
	    in_first_window(t, tcb, tcb->snd.nxt))
		return false;
	/* `early` may be more than the clock has run for. */
	early = early_ns(t, tcb);
	if (more->pace_ns <= now_ns + early)
		return false;
	at_ns = more->pace_ns - early;
	at_ms = (at_ns + 999999) / 1000000;
	lull_timer_set(t, tcb, LULL_TIMER_PACE,
		       (uint32_t)at_ms - lull_in_ms(t->g, 0));
	return true;
}

void lull_pace_sent(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t len)
{
	struct lull_cc_more *more;

	if (!is_on(t, tcb))
		return;
	more = &lull_tcb_cold(t, tcb)->more;
	if (more->pace_ns < t->g->now_ns)
		more->pace_ns = t->g->now_ns;
	if (!in_first_window(t, tcb, lull_seq(tcb->snd.nxt.v - len)))
		more->pace_ns += time_of(lull_pace_rate(t, tcb), len);
}

void lull_pace_wait(struct lull_tcp *t, struct lull_tcb *tcb, uint32_t ms)
{
	lull_tcb_cold(t, tcb)->more.pace_ns =
		t->g->now_ns + (uint64_t)ms * 1000000;
	tcb->snd.cc |= LULL_CC_WAITS;
}
