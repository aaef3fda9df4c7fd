/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules_end.c: how a connection ends, and how long its pair rests.
 *
 *	- 2MSL from the beginning of TIME_WAIT, or from the peer's FIN that came
 *	  again, unless a RST, another record or a new connection ends it;
 *	- a RST ends what it hits exactly (RFC 5961 3.2), and with tcp_rfc1337
 *no TIME_WAIT;
 *	- whoever makes room is the oldest;
 *	- a SYN has the pair by RFC 6191's table, a SYN of ours by timestamps,
 *	  and our new numbers begin above the old ones;
 *	- a SYN that comes to nothing leaves the TIME_WAIT as it was (RFC 1122
 *	  4.2.2.13 (2));
 *	- a connection on a good network does not time out.
 *
 * Entry points: rules_host_of, rules_state, rules_rest_begins, _heard, _spoke.
 */
#include <stdlib.h>

#include "rules.h"

#define MS     1000000ULL
#define SECOND 1000000000ULL

enum {
	GOOD_S = 300, /* the network was good for so long: all was tried */
};

static uint64_t knob(struct lull_shard *shard, const char *name)
{
	char text[64];

	if (lull_sysctl_get(shard, name, text, sizeof text) < 0)
		return 0;
	return strtoul(text, NULL, 10);
}

const struct rules_host *rules_host_of(struct rules *r, int host)
{
	struct lull_shard *shard = r->w->host[host].shard;
	struct rules_host *h = &r->host[host];
	char text[16] = "";

	if (h->known)
		return h;
	if (lull_sysctl_get(shard, "net.lull.profile", text, sizeof text) < 0)
		text[0] = 0;
	h->linux_profile = strcmp(text, "linux") == 0 || strcmp(text, "1") == 0;
	h->safe_reuse = knob(shard, "net.lull.tcp_tw_reuse_safe") == 1 &&
			knob(shard, "net.ipv4.tcp_tw_reuse") != 1;
	h->rfc1337 = knob(shard, "net.ipv4.tcp_rfc1337") == 1;
	h->mtu_probing = knob(shard, "net.ipv4.tcp_mtu_probing") != 0;
	h->rest_ns = knob(shard, "net.lull.tcp_timewait_len") * SECOND;
	h->known = true;
	return h;
}

static uint64_t evicted(const struct rules *r, int host)
{
	struct lull_counter c;

	for (uint32_t i = 0; lull_diag_counter(r->w->host[host].shard, i, &c);
	     i++)
		if (strcmp(c.name, "TWEvicted") == 0)
			return c.value;
	return 0;
}

/* ---- a new incarnation ---- */

/* RFC 6191 3, as docs/timewait.md has it; the SYN as its SYN-ACK tells it. */
static void check_syn_taken(struct rules *r, const struct watch *k,
			    const struct view *v)
{
	const struct rules_rest *o = &k->rest;
	uint32_t syn = v->ack - 1;
	int32_t above = rules_diff(syn, o->rcv_nxt), newer;

	if (!o->has_ts && v->ts)
		return;
	if (!o->has_ts || !v->ts) {
		if (above < 0)
			rules_fail(r, k, "took a SYN %d below the old numbers",
				   -above);
		return;
	}
	newer = rules_diff(packet_get32(v->ts + 4), o->tsecr);
	if (newer < 0 || (newer == 0 && above < 0))
		rules_fail(r, k,
			   "took a SYN, its timestamp %d older, its number %d "
			   "below",
			   -newer, -above);
}

void rules_rest_begins(struct rules *r, struct watch *k, const struct view *v)
{
	const struct rules_rest *o = &k->rest;
	int32_t above = rules_diff(v->seq, o->snd_nxt);

	if (k->state == LULL_TCP_TIME_WAIT && o->there && !o->given_up &&
	    k->since_ns < r->w->now_ns)
		rules_fail(r, k, "a SYN from a pair that is in TIME_WAIT");
	if (!o->there || !o->given_up ||
	    r->w->now_ns > o->begun_ns + rules_host_of(r, k->host)->rest_ns)
		return;
	if (above <= 0)
		rules_fail(r, k, "begins %d below the old numbers", -above);
	if (v->flags & ACK) {
		check_syn_taken(r, k, v);
		return;
	}
	if (!o->has_ts)
		rules_fail(r, k, "takes a pair that had no timestamps");
	else if (!v->ts || rules_diff(packet_get32(v->ts), o->tsval) < 0)
		rules_fail(r, k, "takes a pair, its timestamp is older");
}

bool rules_rest_spoke(struct rules *r, struct watch *k, const struct view *v)
{
	struct rules_rest *o = &k->rest;

	if (!(o->there || o->left_ns == r->w->now_ns) || !o->given_up ||
	    v->flags & SYN || v->seq != o->snd_nxt || v->ack != o->rcv_nxt)
		return false;
	if (v->ts) {
		o->tsval = packet_get32(v->ts);
		o->tsecr = packet_get32(v->ts + 4);
	}
	return true;
}

/* The peer's FIN again: 2MSL begins anew. */
void rules_rest_heard(struct rules *r, struct watch *k, const struct view *v)
{
	uint64_t now = r->w->now_ns;
	struct rules_rest *o = &k->rest;
	/* Both: half of all numbers lie between them where a box draws them. */
	bool old = v->ts && (rules_diff(packet_get32(v->ts), o->newest) < 0 ||
			     rules_diff(packet_get32(v->ts), o->tsecr) < 0);

	if (k->state != LULL_TCP_TIME_WAIT || !o->there || o->given_up ||
	    r->w->host[k->host].shard == NULL)
		return;
	o->touched_ns = now;
	if (v->ts && !old)
		o->newest = packet_get32(v->ts);
	if (v->flags & (SYN | RST) || !(v->flags & FIN) || !(v->flags & ACK) ||
	    old || v->seq + v->text_len + 1 != o->rcv_nxt ||
	    /* It may be over in this very moment. */
	    now + MS >= o->begun_ns + rules_host_of(r, k->host)->rest_ns)
		return;
	o->begun_ns = now;
}

/* ---- the end of a TIME_WAIT ---- */

static bool is_v4(const struct watch *k)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(k->local.addr.b, prefix, sizeof prefix) == 0;
}

static void check_oldest(struct rules *r, const struct watch *k)
{
	for (uint32_t i = 0; i < r->n; i++) {
		const struct watch *o = &r->watch[r->used[i]];

		if (o == k || o->host != k->host || is_v4(o) != is_v4(k) ||
		    o->state != LULL_TCP_TIME_WAIT || !o->rest.there ||
		    o->rest.given_up || o->since_ns == r->w->now_ns)
			continue;
		if (o->rest.touched_ns + MS < k->rest.begun_ns &&
		    o->rest.begun_ns + MS < k->rest.begun_ns)
			rules_fail(
				r, k,
				"made room, though port %u rested %.3f s "
				"longer",
				o->remote.port,
				(double)(k->rest.begun_ns - o->rest.begun_ns) /
					SECOND);
	}
}

static void check_rst(struct rules *r, const struct watch *k, uint32_t exact)
{
	uint32_t n = k->rsts < RULES_RSTS ? k->rsts : RULES_RSTS;

	for (uint32_t i = 0; i < n; i++)
		if (k->rst[i] == exact)
			return;
	rules_fail(r, k, "state %s ended by a RST that is not exact",
		   lull_state_name((enum lull_tcp_state)k->state));
}

static void rest_over(struct rules *r, struct watch *k,
		      const struct lull_trace_record *s)
{
	const struct rules_host *h = rules_host_of(r, k->host);
	struct rules_rest *o = &k->rest;

	switch (s->what) {
	case LULL_END_TIME:
		if (o->there && s->now_ns + MS < o->begun_ns + h->rest_ns)
			rules_fail(r, k, "TIME_WAIT for %.3f of %.3f s",
				   (double)(s->now_ns - o->begun_ns) / SECOND,
				   (double)h->rest_ns / SECOND);
		break;
	case LULL_END_RST_IN:
		if (h->rfc1337)
			rules_fail(r, k, "a RST ended TIME_WAIT");
		check_rst(r, k, s->ack);
		break;
	case LULL_END_EVICTED:
		check_oldest(r, k);
		break;
	case LULL_END_REUSED:
		o->given_up = o->there;
		o->evicted = evicted(r, k->host);
		return;
	default:
		break;
	}
	o->there = false;
}

/* ---- states ---- */

static void rest_begun(struct watch *k, const struct lull_trace_record *s)
{
	struct rules_rest *o = &k->rest;

	if (s->from == LULL_TCP_CLOSED) { /* it is back */
		o->given_up = false;
		return;
	}
	/* Of a FIN_WAIT_2 out of a state file nobody knows what it had said.
	 */
	*o = (struct rules_rest){
		.there = k->has_isn,
		.has_ts = k->has_ts,
		.snd_nxt = s->seq,
		.rcv_nxt = s->ack,
		.tsval = k->tsval,
		.tsecr = k->tsecr,
		.newest = k->tsecr,
		.begun_ns = s->now_ns,
		.touched_ns = s->now_ns,
	};
	for (uint32_t i = 0; i < k->ts_in_n && i < RULES_STAMPS; i++)
		if (rules_diff(k->ts_in[i], o->newest) > 0)
			o->newest = k->ts_in[i];
}

/* What had taken the pair of a TIME_WAIT came to nothing. */
static void check_return(struct rules *r, struct watch *k,
			 const struct lull_trace_record *s)
{
	const struct rules_host *h = rules_host_of(r, k->host);
	struct rules_rest *o = &k->rest;
	bool was = o->there && o->given_up;

	o->there = false;
	if (!was || h->linux_profile ||
	    (s->from == LULL_TCP_SYN_SENT && !h->safe_reuse) ||
	    s->now_ns + MS >= o->begun_ns + h->rest_ns ||
	    o->evicted != evicted(r, k->host))
		return;
	rules_fail(r, k, "gave up %.3f s of TIME_WAIT for nothing",
		   (double)(o->begun_ns + h->rest_ns - s->now_ns) / SECOND);
}

/* The other end is there, and nothing was lost for long. */
static void check_timeout(struct rules *r, struct watch *k)
{
	if (!r->quiet_ns || r->w->now_ns < r->quiet_ns + GOOD_S * SECOND)
		return;
	for (int host = 0; host < r->w->hosts; host++) {
		const struct watch *o;

		if (host == k->host)
			continue;
		o = rules_find(r, host, &k->remote, &k->local);
		if (o && rules_is_synchronized(o->state) &&
		    o->since_ns + GOOD_S * SECOND < r->w->now_ns)
			rules_fail(r, k,
				   "timed out on a good network, and the peer "
				   "is there");
	}
}

/* What has our pair must be newer than all that we had of the peer. */
static void check_established(struct rules *r, const struct watch *k)
{
	const struct rules_rest *o = &k->rest;
	int32_t newer = rules_diff(k->syn_ack_tsval, o->tsecr);

	if (k->state != LULL_TCP_SYN_SENT || !o->there || !o->given_up ||
	    !rules_host_of(r, k->host)->safe_reuse ||
	    r->w->now_ns > o->begun_ns + rules_host_of(r, k->host)->rest_ns)
		return;
	/* Its shadow may have made room for another record. */
	if (o->evicted != evicted(r, k->host))
		return;
	if (!k->syn_ack_ts)
		rules_fail(r, k, "took a SYN-ACK without a timestamp");
	else if (newer < 0 ||
		 (newer == 0 && rules_diff(k->syn_ack, o->rcv_nxt) < 0))
		rules_fail(r, k, "took a SYN-ACK, its timestamp %d older",
			   -newer);
}

static bool leaves_out(struct rules *r, const struct watch *k,
		       const struct lull_trace_record *s)
{
	if (s->from != LULL_TCP_FIN_WAIT_2)
		return false;
	return s->what == LULL_END_FIN || s->what == LULL_END_PROGRAM ||
	       (s->what == LULL_END_NO_RECORD &&
		!rules_host_of(r, k->host)->linux_profile);
}

static void closed(struct rules *r, struct watch *k,
		   const struct lull_trace_record *s)
{
	if (s->from == LULL_TCP_TIME_WAIT) {
		rest_over(r, k, s);
		return;
	}
	if (s->from == LULL_TCP_SYN_SENT || s->from == LULL_TCP_SYN_RECEIVED) {
		check_return(r, k, s);
		return;
	}
	if (leaves_out(r, k, s))
		rules_fail(r, k, "FIN_WAIT_2, and no TIME_WAIT");
	if (s->what == LULL_END_RST_IN && rules_is_synchronized(s->from))
		check_rst(r, k, s->ack);
	if (s->what == LULL_END_TIMEOUT)
		check_timeout(r, k);
}

void rules_state(struct rules *r, struct watch *k,
		 const struct lull_trace_record *s)
{
	/* The pair was given back before that was told. */
	bool back = k->state == LULL_TCP_TIME_WAIT &&
		    (s->from == LULL_TCP_SYN_SENT ||
		     s->from == LULL_TCP_SYN_RECEIVED);

	if (s->to == LULL_TCP_TIME_WAIT)
		rest_begun(k, s);
	if (s->to == LULL_TCP_ESTABLISHED) {
		check_established(r, k);
		k->rest.there = false;
		k->rest.left_ns = r->w->now_ns;
	} else if (s->to == LULL_TCP_CLOSED && !back) {
		closed(r, k, s);
	}
	if (back)
		return;
	k->state = s->to;
	k->since_ns = r->w->now_ns; /* a call knows the last run's time */
	k->due_ns = 0;
	k->zero = k->zero && rules_is_synchronized(s->to);
	if (s->to == LULL_TCP_SYN_SENT || s->to == LULL_TCP_SYN_RECEIVED) {
		k->refused = false;
		k->fresh = true;
	}
}
