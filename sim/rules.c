/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules.c: the wire, as each end sends it and gets it; see rules.h.
 *
 * Entry points: rules_new, _free, _path, _lost, _sent, _heard, _tap_sent,
 * _tap_heard, _record, _look, _quiet, _gone, _find, _fail, _diff,
 * _is_synchronized.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules.h"

#define MS     1000000ULL
#define SECOND 1000000000ULL

enum {
	ACK_MS = 200,	/* text in order waits no longer; MUST-40 has 500 */
	SILENT_S = 140, /* the longest timeout is 120 */
	IDLE_S = 45,	/* sim_keep_alive(): 20 s, and then every 5 */
	WND_MOST = 4096,
	LOOK_MS = 50,
	TELL_MS = 500,
	HEADERS = 192, /* bytes, of IP and TCP with all options */
};

int32_t rules_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

bool rules_is_synchronized(uint8_t state)
{
	return state == LULL_TCP_ESTABLISHED || state == LULL_TCP_FIN_WAIT_1 ||
	       state == LULL_TCP_FIN_WAIT_2 || state == LULL_TCP_CLOSE_WAIT ||
	       state == LULL_TCP_CLOSING || state == LULL_TCP_LAST_ACK;
}

void rules_fail(struct rules *r, const struct watch *k, const char *format, ...)
{
	char what[160];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	sim_fail(r->w, "host %d port %u to %u: %s", k->host, k->local.port,
		 k->remote.port, what);
}

/* ---- watches ---- */

struct rules *rules_new(struct world *w)
{
	struct rules *r = calloc(1, sizeof *r);

	if (r)
		r->w = w;
	return r;
}

void rules_free(struct rules *r)
{
	free(r);
}

void rules_path(struct rules *r, bool clean, uint64_t rtt_ns)
{
	if (!r)
		return;
	r->clean = clean;
	r->rtt_ns = rtt_ns;
}

void rules_lost(struct rules *r)
{
	if (r)
		r->clean = false;
}

static uint32_t hash_of(int host, const struct lull_endpoint *local,
			const struct lull_endpoint *remote)
{
	uint64_t h = (uint64_t)local->port << 32 |
		     (uint64_t)remote->port << 16 | (uint64_t)host;

	for (int i = 8; i < 16; i++)
		h = h * 31 + local->addr.b[i] * 7U + remote->addr.b[i];
	h *= 0x9e3779b97f4a7c15U;
	return (uint32_t)(h >> 40);
}

static bool is_of(const struct watch *k, int host,
		  const struct lull_endpoint *local,
		  const struct lull_endpoint *remote)
{
	return k->host == host && k->local.port == local->port &&
	       k->remote.port == remote->port &&
	       memcmp(&k->local.addr, &local->addr, sizeof local->addr) == 0 &&
	       memcmp(&k->remote.addr, &remote->addr, sizeof remote->addr) == 0;
}

struct watch *rules_find(struct rules *r, int host,
			 const struct lull_endpoint *local,
			 const struct lull_endpoint *remote)
{
	uint32_t at = hash_of(host, local, remote) & (RULES_WATCHES - 1);

	for (; r->watch[at].used; at = (at + 1) & (RULES_WATCHES - 1))
		if (is_of(&r->watch[at], host, local, remote))
			return &r->watch[at];
	if (r->n == RULES_WATCHES / 2)
		return NULL; /* strangers; nobody opens so many pairs */
	r->used[r->n++] = at;
	r->watch[at] = (struct watch){
		.used = true,
		.host = host,
		.local = *local,
		.remote = *remote,
		.spoke_ns = r->w->now_ns,
		.heard_ns = r->w->now_ns,
	};
	return &r->watch[at];
}

static void endpoint(const struct view *v, int end, struct lull_endpoint *e)
{
	*e = (struct lull_endpoint){.port = (uint16_t)v->port[end]};
	if (v->addr_len == 4)
		e->addr.b[10] = e->addr.b[11] = 0xff;
	memcpy(e->addr.b + 16 - v->addr_len, v->addr[end], v->addr_len);
}

/* NULL: it is no TCP, or damaged. `end`: ours in the packet. */
static struct watch *watch_of(struct rules *r, int host, struct view *v,
			      int end)
{
	struct lull_endpoint local, remote;

	if (host >= SIM_HOSTS_SIZE)
		return NULL;
	endpoint(v, end, &local);
	endpoint(v, !end, &remote);
	return rules_find(r, host, &local, &remote);
}

static bool is_whole(struct view *v, uint8_t *packet, uint32_t len)
{
	uint32_t tcp_len;

	if (!packet_look(v, packet, len))
		return false;
	tcp_len = v->len - v->ip_len;
	return packet_sum(packet_sum(6 + tcp_len, v->addr[0], 2 * v->addr_len),
			  v->tcp, tcp_len) == 0xffff &&
	       (v->ip_len == PACKET_IP6_HDR
			? packet_get16(packet + 4) == tcp_len
			: packet_sum(0, packet, PACKET_IP4_HDR) == 0xffff);
}

static uint32_t end_of(const struct view *v)
{
	return v->seq + v->text_len + !!(v->flags & SYN) + !!(v->flags & FIN);
}

static int scale_in(const struct view *v)
{
	const uint8_t *o = packet_option(v, PACKET_OPT_WSCALE);

	return o ? o[2] < 14 ? o[2] : 14 : -1;
}

/* ---- what it sends ---- */

static bool has_stamp(const uint32_t ring[RULES_STAMPS], uint32_t n,
		      uint32_t stamp)
{
	for (uint32_t i = 0; i < n && i < RULES_STAMPS; i++)
		if (ring[i] == stamp)
			return true;
	return false;
}

static void add_stamp(uint32_t ring[RULES_STAMPS], uint32_t *n, uint32_t stamp)
{
	if (!has_stamp(ring, *n, stamp))
		ring[(*n)++ % RULES_STAMPS] = stamp;
}

/* Another incarnation of the pair, if the SYN's number is another. */
static void begin(struct rules *r, struct watch *k, const struct view *v)
{
	int scale = scale_in(v);
	struct watch old = *k;

	if (k->has_isn && k->isn == v->seq && !k->fresh)
		return;
	if (v->flags & ACK && rules_is_synchronized(k->state))
		return; /* a cookie for a stray SYN? It would be refused. */
	rules_rest_begins(r, k, v);
	*k = (struct watch){
		.used = true,
		.host = old.host,
		.local = old.local,
		.remote = old.remote,
		.state = old.state,
		.since_ns = old.since_ns,
		.spoke_ns = old.spoke_ns,
		.heard_ns = old.heard_ns,
		.rest = old.rest,
		.has_isn = true,
		.isn = v->seq,
		.next = v->seq + 1,
		.scale_offered = (uint8_t)(scale < 0 ? 0 : scale),
	};
	if (!(v->flags & ACK))
		return;
	/* A SYN-ACK has the window's scale only if the SYN had one. */
	k->scale = k->scale_offered;
	k->peer_scales = old.peer_scales;
	k->peer_scale = old.peer_scale;
	k->has_heard = true;
	k->heard = v->ack;
	k->acked = v->ack;
	k->edge = v->ack + v->wnd;
	k->has_edge = true;
	if (v->ts) /* of the SYN, which came before this began */
		add_stamp(k->ts_in, &k->ts_in_n, packet_get32(v->ts + 4));
}

static void note_edge(struct watch *k, const struct view *v)
{
	uint32_t edge = v->ack + (v->wnd << (v->flags & SYN ? 0 : k->scale));

	if (!k->has_edge || rules_diff(edge, k->edge) > 0)
		k->edge = edge;
	k->has_edge = true;
}

/* Its time stood still, or does. */
static bool was_asleep(const struct rules *r, const struct watch *k)
{
	uint64_t awake_ns = r->w->host[k->host].awake_ns;

	return awake_ns && awake_ns + 2 * ACK_MS * MS > r->w->now_ns;
}

static void check_ack(struct rules *r, struct watch *k, const struct view *v)
{
	if (k->has_heard && rules_diff(v->ack, k->heard) > 0)
		rules_fail(r, k,
			   "acknowledges %d bytes that never came, or that "
			   "PAWS refuses",
			   rules_diff(v->ack, k->heard));
	k->acked = v->ack;
	if (was_asleep(r, k))
		k->due_ns = 0;
	if (!k->due_ns)
		return;
	if (r->w->now_ns - k->due_ns > ACK_MS * MS)
		rules_fail(r, k, "text in order waited %.3f s for its ACK",
			   (double)(r->w->now_ns - k->due_ns) / SECOND);
	k->due_ns = rules_diff(v->ack, k->owed) >= 0 ? 0 : r->w->now_ns;
}

/* RFC 7323 4.3, 5.3 R3: of what came, and was not old. */
static void check_echo(struct rules *r, struct watch *k, const struct view *v)
{
	uint32_t was = k->tsecr;

	if (!v->ts)
		return;
	k->tsval = packet_get32(v->ts);
	k->tsecr = packet_get32(v->ts + 4);
	k->has_ts = true;
	if (k->tsecr != was && has_stamp(k->ts_old, k->ts_old_n, k->tsecr) &&
	    !has_stamp(k->ts_in, k->ts_in_n, k->tsecr))
		rules_fail(r, k, "echoes a timestamp that only old text had");
}

static void check_text(struct rules *r, struct watch *k, const struct view *v)
{
	uint32_t end = end_of(v);

	/* The last segment may be a probe of the tail, where the path is
	 * faster than the peer's delayed ACK. */
	if (r->clean && !k->refused && v->text_len && end != k->next &&
	    rules_diff(v->seq, k->next) < 0)
		rules_fail(r, k,
			   "sends text again where nothing was ever lost");
	if (rules_diff(end, k->next) > 0)
		k->next = end;
	k->sent_fin |= v->flags & FIN;
	for (uint32_t i = 0; i < k->records && i < RULES_RECORDS; i++)
		if (rules_diff(k->record[i], v->seq) > 0 &&
		    rules_diff(v->seq + v->text_len, k->record[i]) > 0)
			rules_fail(r, k, "sends text of two records in one");
}

void rules_ends_record(struct rules *r, const struct side *s)
{
	struct watch *k =
		r ? rules_find(r, s->host, &s->local, &s->remote) : NULL;

	if (k && k->has_isn && rules_is_synchronized(k->state))
		k->record[k->records++ % RULES_RECORDS] =
			k->isn + 1 + (uint32_t)s->written;
}

void rules_sent(struct rules *r, int host, uint8_t *packet, uint32_t len)
{
	struct watch *k;
	struct view v;

	/* Whether it is whole others look (sim_check_packet()). */
	if (!r || !packet_look(&v, packet, len))
		return;
	k = watch_of(r, host, &v, 0);
	if (!k)
		return;
	k->spoke_ns = r->w->now_ns;
	k->probed = true;
	if (v.flags & RST || rules_rest_spoke(r, k, &v))
		return;
	if (v.flags & SYN)
		begin(r, k, &v);
	if (!k->has_isn || !(v.flags & ACK))
		return;
	if (rules_is_synchronized(k->state))
		note_edge(k, &v);
	if (!rules_is_synchronized(k->state) || v.flags & SYN) {
		k->acked = v.ack;
		if (v.ts && k->state == LULL_TCP_TIME_WAIT) {
			k->rest.tsval = packet_get32(v.ts);
			k->rest.tsecr = packet_get32(v.ts + 4);
			if (rules_diff(k->rest.tsecr, k->rest.newest) > 0)
				k->rest.newest = k->rest.tsecr;
		}
		return;
	}
	check_ack(r, k, &v);
	check_echo(r, k, &v);
	check_text(r, k, &v);
}

void rules_tap_sent(struct world *w, int host, const struct lull_frame *f)
{
	uint8_t headers[HEADERS];
	uint32_t n = 0;

	for (int i = 0; i < f->spans && n < HEADERS; i++) {
		uint32_t most = HEADERS - n;
		uint32_t len = (uint32_t)f->span[i].len;

		memcpy(headers + n, f->span[i].ptr, len < most ? len : most);
		n += len < most ? len : most;
	}
	if (n >= PACKET_IP4_HDR + PACKET_TCP_HDR)
		rules_sent(w->rules, host, headers, f->len);
}

/* ---- what it gets ---- */

static void hear_syn(struct watch *k, const struct view *v)
{
	int scale = scale_in(v);

	k->peer_scales = scale >= 0;
	k->peer_scale = (uint8_t)(scale < 0 ? 0 : scale);
	if (!(v->flags & ACK))
		return;
	k->scale = k->peer_scales ? k->scale_offered : 0;
	k->has_heard = true;
	k->heard = k->acked = v->seq + 1;
	k->syn_ack = v->seq;
	k->syn_ack_ts = v->ts != NULL;
	k->syn_ack_tsval = v->ts ? packet_get32(v->ts) : 0;
}

/* Is it of this incarnation, as far as can be told? */
static bool is_current(const struct watch *k, const struct view *v)
{
	bool acks = v->flags & ACK && v->ack == k->isn + 1;

	if (k->state == LULL_TCP_SYN_SENT)
		return k->has_isn && v->flags & SYN && acks;
	if (v->flags & SYN)
		return k->state != LULL_TCP_TIME_WAIT &&
		       !rules_is_synchronized(k->state) && !(v->flags & ACK);
	return k->has_isn;
}

/* Text, in order, that an end takes which still reads. */
static void hear_text(struct rules *r, struct watch *k, const struct view *v)
{
	uint32_t from = k->due_ns ? k->owed : k->acked;

	if (k->state != LULL_TCP_ESTABLISHED && k->state != LULL_TCP_FIN_WAIT_1)
		return;
	if (!v->text_len || v->seq != from ||
	    rules_diff(v->seq + v->text_len, k->edge) > 0)
		return;
	if (!k->due_ns)
		k->due_ns = r->w->now_ns;
	k->owed = v->seq + v->text_len;
}

static void hear_window(struct rules *r, struct watch *k, const struct view *v)
{
	if (k->has_isn && rules_diff(v->ack, k->isn) > 0 &&
	    rules_diff(v->ack, k->next) <= 0 &&
	    rules_diff(v->seq, k->acked) >= 0 &&
	    (!k->una || rules_diff(v->ack, k->una) >= 0)) {
		k->una = v->ack;
		k->wnd = v->wnd;
	}
	/* Else of an old incarnation, or before what was sent since, or old
	 * itself, as a keepalive is. */
	if (!k->has_isn || v->ack != k->next ||
	    rules_diff(v->seq, k->acked) < 0)
		return;
	if (v->wnd > 0) {
		k->zero = false;
	} else if (!k->zero) {
		k->zero = true;
		k->zero_ns = r->w->now_ns;
		k->probed = false;
	}
}

/* The newest number, within what may come; and timestamps. All that lies below
 * what was acknowledged RFC 9293 refuses. */
static void hear_numbers(struct watch *k, const struct view *v)
{
	uint32_t end = end_of(v);
	bool old = rules_is_synchronized(k->state) &&
		   (v->seq == end ? rules_diff(v->seq, k->acked) < 0
				  : rules_diff(end, k->acked) <= 0);

	/* RFC 7323 5.3 R1; what we echo is TS.Recent, or it was. */
	bool refused = rules_is_synchronized(k->state) && v->ts && k->has_ts &&
		       rules_diff(packet_get32(v->ts), k->tsecr) < 0;

	if (k->has_heard && !refused && rules_diff(end, k->heard) > 0 &&
	    (!k->has_edge || rules_diff(v->seq, k->edge) <= 0))
		k->heard = end;
	if (v->ts && old)
		add_stamp(k->ts_old, &k->ts_old_n, packet_get32(v->ts));
	else if (v->ts)
		add_stamp(k->ts_in, &k->ts_in_n, packet_get32(v->ts));
}

void rules_heard(struct rules *r, int host, uint8_t *packet, uint32_t len)
{
	struct watch *k;
	struct view v;

	if (!r || !is_whole(&v, packet, len))
		return;
	k = watch_of(r, host, &v, 1);
	if (!k)
		return;
	k->heard_ns = r->w->now_ns;
	if (v.flags & RST) {
		k->rst[k->rsts++ % RULES_RSTS] = v.seq;
		return;
	}
	rules_rest_heard(r, k, &v);
	if (!is_current(k, &v))
		return;
	if (v.flags & SYN)
		hear_syn(k, &v);
	hear_numbers(k, &v);
	hear_text(r, k, &v);
	if (v.flags & ACK)
		hear_window(r, k, &v);
}

void rules_tap_heard(void *arg, uint64_t now_ns, int host,
		     const struct lull_frame *f)
{
	struct world *w = arg;
	uint8_t packet[SIM_PACKET_MAX];
	uint32_t n = sim_flatten(w, f, packet);

	(void)now_ns;
	if (n)
		rules_heard(w->rules, host, packet, n);
}

/* ---- what it says of itself ---- */

static void refused(struct rules *r, struct watch *k)
{
	k->due_ns = 0;
	k->refused = true;
	for (int host = 0; host < r->w->hosts; host++) {
		struct watch *other;

		if (host == k->host)
			continue;
		other = rules_find(r, host, &k->remote, &k->local);
		if (other)
			other->refused = true;
	}
}

void rules_record(struct rules *r, int host, const struct lull_trace_record *s)
{
	struct watch *k;

	if (!r || !s->remote.port)
		return;
	k = rules_find(r, host, &s->local, &s->remote);
	if (!k)
		return;
	if (s->kind == LULL_TRACE_DROP)
		refused(r, k);
	else
		rules_state(r, k, s);
}

/* Nothing is out and nothing waits: keepalive is all that it has. What TCP_CORK
 * holds back waits for a timeout in profile linux, unseen. */
static bool is_idle(struct rules *r, const struct watch *k)
{
	return (k->state == LULL_TCP_ESTABLISHED ||
		k->state == LULL_TCP_CLOSE_WAIT) &&
	       k->una == k->next && k->wnd >= WND_MOST &&
	       !(sim_has(r->w, KIND_CORK) &&
		 rules_host_of(r, k->host)->linux_profile);
}

/* Whoever has a timer says something in the end. */
static void check_silence(struct rules *r, struct watch *k)
{
	uint64_t now = r->w->now_ns;
	uint64_t last = k->spoke_ns > k->since_ns ? k->spoke_ns : k->since_ns;

	if (was_asleep(r, k)) {
		k->spoke_ns = now; /* when it wakes up it has all its time */
		k->due_ns = 0;
	}
	if (k->heard_ns > last)
		last = k->heard_ns;
	if (k->due_ns && rules_is_synchronized(k->state) &&
	    now - k->due_ns > ACK_MS * MS)
		rules_fail(r, k, "text in order waits %.3f s for its ACK",
			   (double)(now - k->due_ns) / SECOND);
	if ((rules_is_synchronized(k->state) ||
	     k->state == LULL_TCP_SYN_RECEIVED ||
	     k->state == LULL_TCP_SYN_SENT) &&
	    now - last > (is_idle(r, k) ? IDLE_S : SILENT_S) * SECOND)
		rules_fail(r, k, "state %s, and silent for %.0f s",
			   lull_state_name((enum lull_tcp_state)k->state),
			   (double)(now - last) / SECOND);
}

void rules_look(struct rules *r)
{
	if (!r || r->w->now_ns < r->look_ns)
		return;
	r->look_ns = r->w->now_ns + LOOK_MS * MS;
	for (uint32_t i = 0; i < r->n; i++)
		check_silence(r, &r->watch[r->used[i]]);
	if (r->w->now_ns < r->tell_ns)
		return;
	r->tell_ns = r->w->now_ns + TELL_MS * MS;
	rules_tell(r);
}

void rules_quiet(struct rules *r)
{
	if (!r)
		return;
	r->quiet_ns = r->w->now_ns;
	r->rtt_ns = 0; /* it is shorter from now on */
}

void rules_gone(struct rules *r, int host)
{
	for (uint32_t i = 0; r && i < r->n; i++) {
		struct watch *k = &r->watch[r->used[i]];

		if (k->host != host)
			continue;
		*k = (struct watch){
			.used = true,
			.host = host,
			.local = k->local,
			.remote = k->remote,
			.spoke_ns = r->w->now_ns,
			.heard_ns = r->w->now_ns,
		};
	}
	if (r && host < SIM_HOSTS_SIZE)
		r->host[host] = (struct rules_host){0};
}
