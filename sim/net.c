/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net.c: the network of a random world, see net.h.
 *
 * Between two hosts a packet meets, in this order: the MTU of its path,
 * the boxes of middle.h, those that cut and join, a partition, the loss of many
 * and of one, the sender's link with its rate and queue, delay, and what comes
 * twice, late or damaged.
 *
 * Entry points: net_create, net_step, net_put, net_quiet, net_is_clean,
 * net_rtt_ns.
 */
#include <stdlib.h>

#include "middle.h"
#include "net.h"
#include "rules.h"
#include "temper.h"
#include "wire.h"

#define SECOND 1000000000ULL
#define MS     1000000ULL

enum {
	TRIES_MAX = 3, /* for a host that has no room */
	HELD = 64,     /* segments that others may be joined to */
	JOINED_MAX = 1280,
	ICMP_QUOTE = 28,
};

struct flight {
	uint64_t due_ns, order;
	int to, tries;
	uint32_t len, gso_size;
	bool damaged;
	uint32_t place; /* where it is held, and one; 0: it is not */
	uint8_t bytes[];
};

/* The way out of a host. */
struct access {
	uint64_t delay_ns, rate, queue; /* rate: bytes a second; 0: any */
	uint64_t free_ns;		/* its link has sent all by then */
	uint32_t mtu;			/* 0: any */
	uint64_t mtu_ns;		/* until then */
	uint32_t burst;			/* packets that are still to be lost */
	bool cut[SIM_HOSTS_MAX];	/* nothing gets to that one */
	struct lull_frame spare;	/* of its host, with has_spare */
	bool has_spare;
	uint64_t cut_ns; /* until then */
};

struct net {
	struct flight **heap;
	size_t len, size;
	uint64_t order;
	struct access access[SIM_HOSTS_MAX];
	uint32_t loss_ppm, burst_ppm, burst_max, dup_ppm, corrupt_ppm;
	uint32_t reorder_ppm, queue_packets, icmp_percent;
	uint64_t reorder_ns, jitter_ns, cut_ns, mtu_ns, next_cut_ns;
	uint32_t link_cap;
	struct flight *held[HELD]; /* still under way */
};

/* ---- the heap ---- */

static bool before(const struct flight *a, const struct flight *b)
{
	if (a->due_ns != b->due_ns)
		return a->due_ns < b->due_ns;
	return a->order < b->order;
}

static void push(struct net *n, struct flight *f)
{
	size_t i = n->len;

	if (i == n->size) {
		n->size = i ? 2 * i : 256;
		n->heap = realloc(n->heap, n->size * sizeof *n->heap);
		if (!n->heap)
			abort();
	}
	for (; i && before(f, n->heap[(i - 1) / 2]); i = (i - 1) / 2)
		n->heap[i] = n->heap[(i - 1) / 2];
	n->heap[i] = f;
	n->len++;
}

static struct flight *pop(struct net *n)
{
	struct flight *top = n->heap[0], *last = n->heap[--n->len];
	size_t i = 0, k;

	while ((k = 2 * i + 1) < n->len) {
		if (k + 1 < n->len && before(n->heap[k + 1], n->heap[k]))
			k++;
		if (before(last, n->heap[k]))
			break;
		n->heap[i] = n->heap[k];
		i = k;
	}
	n->heap[i] = last;
	return top;
}

/* ---- creation ---- */

static uint32_t ppm_of(struct world *w, enum kind kind, uint64_t most)
{
	return sim_has(w, kind) ? 1 + (uint32_t)sim_below_of(w, kind, most) : 0;
}

static void draw_faults(struct world *w, struct net *n)
{
	n->loss_ppm = ppm_of(w, KIND_LOSS, 200000);
	n->dup_ppm = ppm_of(w, KIND_DUP, 100000);
	n->corrupt_ppm = ppm_of(w, KIND_CORRUPT, 50000);
	n->burst_ppm = ppm_of(w, KIND_BURST, 20000);
	if (n->burst_ppm)
		n->burst_max = 2 + (uint32_t)sim_below_of(w, KIND_BURST, 60);
	n->reorder_ppm = ppm_of(w, KIND_REORDER, 300000);
	/* From a little late to wandering for many seconds. */
	if (n->reorder_ppm)
		n->reorder_ns =
			sim_chance_of(w, KIND_REORDER, 30)
				? sim_below_of(w, KIND_REORDER, 40 * SECOND)
				: sim_below_of(w, KIND_REORDER, SECOND / 10);
	if (sim_has(w, KIND_QUEUE))
		n->queue_packets =
			8 + (uint32_t)sim_below_of(w, KIND_QUEUE, 100);
	if (sim_has(w, KIND_DELAY) && sim_chance_of(w, KIND_DELAY, 50))
		n->jitter_ns = sim_below_of(w, KIND_DELAY, SECOND / 20);
	if (sim_has(w, KIND_PARTITION) || sim_has(w, KIND_ONE_WAY))
		n->next_cut_ns = w->now_ns +
				 sim_below_of(w, KIND_PARTITION, 20 * SECOND);
	if (sim_has(w, KIND_MTU))
		n->icmp_percent = 50 * (uint32_t)sim_below_of(w, KIND_MTU, 3);
}

static void draw_access(struct world *w, struct access *a)
{
	if (sim_has(w, KIND_DELAY))
		a->delay_ns = sim_below_of(w, KIND_DELAY, 25 * MS);
	if (sim_has(w, KIND_RATE) && sim_chance_of(w, KIND_RATE, 60)) {
		a->rate = sim_scale_of(w, KIND_RATE, 20000, 10000000);
		a->queue = sim_scale_of(w, KIND_RATE, 3000, 200000);
		if (a->queue > a->rate / 2) /* half a second at most */
			a->queue = a->rate / 2;
		if (a->queue < 3000)
			a->queue = 3000;
	}
	if (sim_has(w, KIND_MTU))
		a->mtu_ns = w->now_ns + sim_below_of(w, KIND_MTU, 10 * SECOND);
}

struct net *net_create(struct world *w)
{
	struct net *n = calloc(1, sizeof *n);

	if (!n)
		return NULL;
	draw_faults(w, n);
	for (int i = 0; i < SIM_HOSTS_MAX; i++)
		draw_access(w, &n->access[i]);
	if (sim_has(w, KIND_GSO))
		n->link_cap =
			LULL_LINK_TX_CSUM | LULL_LINK_TX_GSO | LULL_LINK_RX_GSO;
	return n;
}

/* What was lent by a host that is no more needs no return. */
void net_forget(struct world *w, int host)
{
	w->path->access[host].has_spare = false;
}

void net_give_back(struct world *w)
{
	for (int i = 0; i < w->hosts; i++) {
		struct access *a = &w->path->access[i];

		a->spare.len = 0;
		if (a->has_spare &&
		    lull_rx_put(w->host[i].shard, &a->spare, 1) != 1)
			sim_fail(w, "host %d takes no frame back", i);
		a->has_spare = false;
	}
}

void net_destroy(struct net *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->len; i++)
		free(n->heap[i]);
	free(n->heap);
	free(n);
}

uint32_t net_link_cap(const struct world *w)
{
	return w->path->link_cap;
}

void net_quiet(struct world *w)
{
	struct net *n = w->path;

	for (int i = 0; i < SIM_HOSTS_MAX; i++) {
		struct access *a = &n->access[i];

		a->delay_ns = a->rate = a->cut_ns = a->mtu_ns = 0;
		a->mtu = a->burst = 0;
	}
	n->loss_ppm = n->burst_ppm = n->dup_ppm = n->corrupt_ppm = 0;
	n->reorder_ppm = n->queue_packets = 0;
	n->jitter_ns = n->next_cut_ns = 0;
}

bool net_is_clean(const struct world *w)
{
	uint64_t harmless = KIND_BIT(KIND_GSO) | KIND_BIT(KIND_KNOBS) |
			    KIND_BIT(KIND_DELAY) | KIND_BIT(KIND_FEW_PORTS) |
			    KIND_BIT(KIND_LEAK) | KIND_BIT(KIND_FILL);

	return !(w->kinds & ~harmless) && !w->path->jitter_ns;
}

uint64_t net_rtt_ns(const struct world *w)
{
	uint64_t one = UINT64_MAX, two = UINT64_MAX;

	for (int i = 0; i < w->hosts; i++) {
		uint64_t ns = w->path->access[i].delay_ns;

		if (ns < one) {
			two = one;
			one = ns;
		} else if (ns < two) {
			two = ns;
		}
	}
	return 2 * (one + two);
}

/* ---- under way ---- */

static struct flight *launch(struct world *w, int to, const uint8_t *packet,
			     uint32_t len, uint64_t due_ns)
{
	/* Some grow, see join(). */
	uint32_t room = len < JOINED_MAX ? JOINED_MAX : len;
	struct flight *f = malloc(sizeof *f + room);

	if (!f)
		abort();
	*f = (struct flight){
		.due_ns = due_ns,
		.order = w->path->order++,
		.to = to,
		.len = len,
	};
	memcpy(f->bytes, packet, len);
	push(w->path, f);
	return f;
}

static bool happens(struct world *w, enum kind kind, uint32_t ppm)
{
	return ppm && sim_below_of(w, kind, 1000000) < ppm;
}

static void damage(struct world *w, struct flight *f)
{
	uint64_t bit = sim_below_of(w, KIND_CORRUPT, (uint64_t)f->len * 8);

	f->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	f->damaged = true;
}

/* ---- partitions, and the MTU ---- */

/* From 10 ms to a hundred seconds, of two hosts. */
static void begin_cut(struct world *w)
{
	struct net *n = w->path;
	enum kind kind =
		sim_has(w, KIND_PARTITION) ? KIND_PARTITION : KIND_ONE_WAY;
	int a = (int)sim_below_of(w, kind, (uint64_t)w->hosts);
	int b = (a + 1 + (int)sim_below_of(w, kind, (uint64_t)w->hosts - 1)) %
		w->hosts;
	bool both = kind == KIND_PARTITION &&
		    (!sim_has(w, KIND_ONE_WAY) || sim_chance_of(w, kind, 50));
	uint64_t end_ns =
		w->now_ns + sim_scale_of(w, kind, 10 * MS, 100 * SECOND);

	n->next_cut_ns = w->now_ns + sim_below_of(w, kind, 40 * SECOND);
	sim_trace(w, "host %d does not reach %d%s until %.6f", a, b,
		  both ? ", nor back," : "", (double)end_ns / SECOND);
	n->access[a].cut[b] = true;
	n->access[a].cut_ns = end_ns;
	if (both) {
		n->access[b].cut[a] = true;
		n->access[b].cut_ns = end_ns;
	}
}

static bool is_cut(struct world *w, int from, int to)
{
	struct net *n = w->path;
	struct access *a = &n->access[from];

	if (n->next_cut_ns && n->next_cut_ns <= w->now_ns)
		begin_cut(w);
	if (a->cut_ns <= w->now_ns)
		memset(a->cut, 0, sizeof a->cut);
	return a->cut[to];
}

static void change_mtu(struct world *w, struct access *a)
{
	a->mtu = sim_chance_of(w, KIND_MTU, 50)
			 ? 600 + (uint32_t)sim_below_of(w, KIND_MTU, 900)
			 : 0;
	a->mtu_ns = w->now_ns + sim_below_of(w, KIND_MTU, 30 * SECOND);
	sim_trace(w, "MTU of host %d's link: %u", (int)(a - w->path->access),
		  a->mtu);
}

/* "Fragmentation needed", or "packet too big", of a router: 10.0.0.254. */
static void complain(struct world *w, int from, const uint8_t *packet,
		     uint32_t mtu)
{
	bool v6 = packet[0] >> 4 == 6;
	uint32_t ip = v6 ? 40 : 20, quote = ip + ICMP_QUOTE - 20, sum;
	uint32_t len = ip + 8 + quote;
	uint8_t p[128] = {0}, *icmp = p + ip;

	icmp[0] = v6 ? 2 : 3;
	icmp[1] = v6 ? 0 : 4;
	packet_put16(icmp + 6, mtu);
	memcpy(icmp + 8, packet, quote);
	if (v6) {
		p[0] = 0x60;
		packet_put16(p + 4, len - ip);
		p[6] = 58;
		p[7] = 64;
		memcpy(p + 8, packet + 8, 16);
		p[23] = 254;
		memcpy(p + 24, packet + 8, 16);
		sum = packet_sum(58 + len - ip, p + 8, 32);
	} else {
		p[0] = 0x45;
		packet_put16(p + 2, len);
		p[8] = 64;
		p[9] = 1;
		memcpy(p + 12, packet + 12, 4);
		p[15] = 254;
		memcpy(p + 16, packet + 12, 4);
		packet_put16(p + 10, ~packet_sum(0, p, 20) & 0xffff);
		sum = 0;
	}
	packet_put16(icmp + 2, ~packet_sum(sum, icmp, len - ip) & 0xffff);
	launch(w, from, p, len, w->now_ns + 1);
}

/* false: it is too large for the way out. */
static bool fits(struct world *w, int from, const uint8_t *packet, uint32_t len)
{
	struct net *n = w->path;
	struct access *a = &n->access[from];
	uint32_t mtu;

	if (a->mtu_ns && a->mtu_ns <= w->now_ns)
		change_mtu(w, a);
	mtu = packet[0] >> 4 == 6 && a->mtu < 1280 ? 1280 : a->mtu;
	if (!a->mtu || len <= mtu)
		return true;
	if (sim_chance_of(w, KIND_MTU, n->icmp_percent))
		complain(w, from, packet, mtu);
	return false;
}

/* ---- the way ---- */

static bool is_lost(struct world *w, struct access *a)
{
	struct net *n = w->path;

	if (n->queue_packets && n->len >= n->queue_packets)
		return true;
	if (!a->burst && happens(w, KIND_BURST, n->burst_ppm))
		a->burst =
			1 + (uint32_t)sim_below_of(w, KIND_BURST, n->burst_max);
	if (a->burst) {
		a->burst--;
		return true;
	}
	return happens(w, KIND_LOSS, n->loss_ppm);
}

/* When the link has sent it; 0: its queue is full. */
static uint64_t sent_by(struct world *w, struct access *a, uint32_t len)
{
	uint64_t from_ns = a->free_ns > w->now_ns ? a->free_ns : w->now_ns;

	if (!a->rate)
		return w->now_ns;
	if ((from_ns - w->now_ns) / 1000 * a->rate / 1000000 > a->queue)
		return 0;
	a->free_ns = from_ns + len * SECOND / a->rate;
	return a->free_ns;
}

static struct flight *go(struct world *w, int to, const uint8_t *packet,
			 uint32_t len, uint64_t due_ns)
{
	struct net *n = w->path;
	struct flight *f;

	if (n->jitter_ns)
		due_ns += sim_below_of(w, KIND_DELAY, n->jitter_ns);
	if (happens(w, KIND_REORDER, n->reorder_ppm))
		due_ns += n->reorder_ns;
	f = launch(w, to, packet, len, due_ns);
	if (happens(w, KIND_CORRUPT, n->corrupt_ppm))
		damage(w, f);
	return f;
}

/* ---- boxes that cut and join ---- */

static uint32_t place_of(const struct view *v)
{
	return (v->port[0] * 31 + v->port[1] + v->addr[0][v->addr_len - 1] +
		v->addr_len) %
	       HELD;
}

/* Text alone may be held, and what follows it at once is joined to it. */
static void hold(struct world *w, struct flight *f)
{
	struct net *n = w->path;
	struct view v;
	uint32_t i;

	if (f->damaged || !packet_look(&v, f->bytes, f->len) || !v.text_len ||
	    v.flags & ~(ACK | PSH))
		return;
	i = place_of(&v);
	if (n->held[i])
		n->held[i]->place = 0;
	n->held[i] = f;
	f->place = i + 1;
}

/* The later one's ACK and window; the first one's options. */
static bool join(struct world *w, const struct view *v)
{
	struct flight *f = w->path->held[place_of(v)];
	struct view h;

	if (!f || !v->text_len || v->flags & ~(ACK | PSH | FIN) ||
	    !packet_look(&h, f->bytes, f->len) ||
	    memcmp(h.addr[0], v->addr[0], 2 * h.addr_len) != 0 ||
	    memcmp(h.tcp, v->tcp, 4) != 0 || h.seq + h.text_len != v->seq ||
	    (int32_t)(v->ack - h.ack) < 0 || f->len + v->text_len > JOINED_MAX)
		return false;
	memcpy(f->bytes + f->len, v->tcp + v->tcp_len, v->text_len);
	f->len += v->text_len;
	h.len = f->len;
	h.tcp[13] |= v->flags;
	memcpy(h.tcp + 8, v->tcp + 8, 4);
	memcpy(h.tcp + 14, v->tcp + 14, 2);
	packet_fix_sums(&h);
	return true;
}

static void travel(struct world *w, int from, int to, const uint8_t *packet,
		   uint32_t len);

/* The first part without FIN and PSH, then the second. */
static bool cut(struct world *w, int from, int to, const struct view *v)
{
	uint32_t hdr = v->ip_len + v->tcp_len, first;
	uint8_t p[2048];
	struct view part;

	if (v->text_len < 2 || v->len > sizeof p ||
	    v->flags & ~(ACK | PSH | FIN) || !sim_chance_of(w, KIND_CUT, 30))
		return false;
	first = 1 + (uint32_t)sim_below_of(w, KIND_CUT, v->text_len - 1);
	memcpy(p, v->ip, hdr + first);
	if (packet_look(&part, p, hdr + first)) {
		p[v->ip_len + 13] &= (uint8_t) ~(PSH | FIN);
		packet_fix_sums(&part);
		travel(w, from, to, p, part.len);
	}
	memcpy(p, v->ip, hdr);
	memcpy(p + hdr, v->ip + hdr + first, v->text_len - first);
	if (packet_look(&part, p, v->len - first)) {
		packet_put32(part.tcp + 4, v->seq + first);
		packet_fix_sums(&part);
		travel(w, from, to, p, part.len);
	}
	return true;
}

/* ---- from one host to another ---- */

/* From one host to another, as the packet stands. */
static void travel(struct world *w, int from, int to, const uint8_t *packet,
		   uint32_t len)
{
	struct net *n = w->path;
	struct access *a = &n->access[from];
	uint64_t due_ns;

	if (is_cut(w, from, to) || is_lost(w, a))
		return;
	due_ns = sent_by(w, a, len);
	if (!due_ns)
		return;
	due_ns += a->delay_ns + n->access[to].delay_ns;
	if (sim_has(w, KIND_JOIN) && !w->quiet &&
	    sim_chance_of(w, KIND_JOIN, 50))
		hold(w, go(w, to, packet, len,
			   due_ns + sim_below_of(w, KIND_JOIN, 5 * MS)));
	else
		go(w, to, packet, len, due_ns);
	if (happens(w, KIND_DUP, n->dup_ppm))
		go(w, to, packet, len, due_ns);
}

void net_put(struct world *w, int from, uint8_t *packet, uint32_t len)
{
	struct view v;
	int to;

	if (!fits(w, from, packet, len))
		return;
	to = middle_pass(w, from, packet, len);
	if (to < 0)
		return;
	if (!w->quiet && packet_look(&v, packet, len)) {
		if (sim_has(w, KIND_CUT) && cut(w, from, to, &v))
			return;
		if (sim_has(w, KIND_JOIN) && join(w, &v))
			return;
	}
	travel(w, from, to, packet, len);
}

/* ---- in, and out ---- */

/* An empty frame of the host's with room for so much. */
static bool get_frame(struct world *w, int host, uint32_t len,
		      struct lull_frame **frame)
{
	struct access *a = &w->path->access[host];
	struct lull_shard *s = w->host[host].shard;

	if (!a->has_spare && lull_rx_get(s, &a->spare, 1) != 1)
		return false;
	a->has_spare = true;
	*frame = &a->spare;
	if (len <= a->spare.span[0].len || a->spare.spans > 1)
		return true;
	if (!w->path->link_cap || lull_rx_widen(s, &a->spare, 1) != 1)
		*frame = NULL; /* larger than its MTU, as on any link */
	return true;
}

/* Put it into the host's ring. false: it has no room yet. */
static bool fill(struct world *w, int host, struct flight *f)
{
	struct lull_frame *e;
	size_t at = 0;

	if (!get_frame(w, host, f->len, &e))
		return false;
	if (!e) {
		rules_lost(w->rules);
		return true;
	}
	for (int i = 0; i < e->spans && at < f->len; i++) {
		size_t left = f->len - at;
		size_t len = left < e->span[i].len ? left : e->span[i].len;

		memcpy(e->span[i].ptr, f->bytes + at, len);
		at += len;
	}
	e->len = f->len;
	/* As from a card that has looked at it, where there is such a one. */
	e->flags = w->path->link_cap && !f->damaged ? LULL_FRAME_CSUM_OK : 0;
	e->gso_size = 0;
	if (lull_rx_put(w->host[host].shard, e, 1) != 1)
		return false;
	w->path->access[host].has_spare = false;
	rules_heard(w->rules, host, f->bytes, f->len);
	return true;
}

/* Through the door of the host. */
static void leave(struct world *w, int from, uint8_t *packet, uint32_t len)
{
	struct wire_end *e;
	struct view v;

	if (!packet_look(&v, packet, len))
		return;
	e = wire_end_of(w, from, &v, true);
	if (e) {
		wire_out(w, e, &v);
		temper_out(w, e, &v);
	}
}

/* The same inwards, in front of the door. false: no notice is taken of it. */
static bool approach(struct world *w, struct flight *f)
{
	struct wire_end *e;
	struct view v;

	if (f->damaged || !packet_look(&v, f->bytes, f->len))
		return true;
	e = wire_end_of(w, f->to, &v, false);
	return !e || temper_in(w, e, &v);
}

/* What is damaged is judged by its checksum, as the host does it. */
static void enter(struct world *w, struct flight *f)
{
	struct wire_end *e;
	struct view v;

	if (!packet_look(&v, f->bytes, f->len)) {
		wire_in_other(w, f->to);
		return;
	}
	if (f->damaged && !packet_holds(&v))
		return;
	e = wire_end_of(w, f->to, &v, false);
	if (e)
		wire_in(e, &v);
}

/* The kernel of a host whose program is gone: RST for what it doesn't know. */
static void refuse(struct world *w, int host, struct flight *f)
{
	uint8_t p[64] = {0};
	struct view v, r;
	uint32_t len;

	if (f->damaged || !packet_look(&v, f->bytes, f->len) || v.flags & RST)
		return;
	len = v.ip_len + PACKET_TCP_HDR;
	memcpy(p, v.ip, v.ip_len + 4U);
	memcpy(p + (v.addr[0] - v.ip), v.addr[1], v.addr_len);
	memcpy(p + (v.addr[1] - v.ip), v.addr[0], v.addr_len);
	p[v.ip_len + 12] = 5 << 4;
	p[v.ip_len + 13] = v.flags & ACK ? RST : RST | ACK;
	if (!packet_look(&r, p, len))
		return;
	packet_put16(r.tcp, v.port[1]);
	packet_put16(r.tcp + 2, v.port[0]);
	if (v.flags & ACK)
		packet_put32(r.tcp + 4, v.ack);
	else
		packet_put32(r.tcp + 8, v.seq + v.text_len + !!(v.flags & SYN) +
						!!(v.flags & FIN));
	packet_fix_sums(&r);
	net_put(w, host, p, len);
}

/* false: it stays where it is, for another try. */
static bool arrive(struct world *w, struct flight *f)
{
	struct host *h = &w->host[f->to];

	if (h->down) {
		if (h->answers)
			refuse(w, f->to, f);
		return true;
	}
	if (!sim_is_awake(w, f->to))
		return true;
	if (!f->tries && !approach(w, f))
		return true;
	if (!fill(w, f->to, f)) {
		if (++f->tries < TRIES_MAX)
			return false;
		rules_lost(w->rules);
		return true;
	}
	enter(w, f);
	return true;
}

static int take(struct world *w, int from)
{
	struct host *h = &w->host[from];
	struct lull_frame f[32];
	uint8_t flat[SIM_PACKET_MAX];
	int n = lull_tx_peek(h->shard, f, 32);

	for (int i = 0; i < n; i++) {
		uint32_t len = sim_flatten(w, &f[i], flat);

		sim_hash(w, &w->now_ns, sizeof w->now_ns);
		sim_hash(w, &from, sizeof from);
		if (w->options->pcap)
			lull_pcap_write(w->options->pcap, w->now_ns, false,
					&f[i]);
		if (!len)
			break;
		sim_check_packet(w, flat, len);
		rules_sent(w->rules, from, flat, len);
		leave(w, from, flat, len);
		net_put(w, from, flat, len);
	}
	lull_tx_done(h->shard, n);
	return n;
}

int net_step(struct world *w)
{
	struct net *n = w->path;
	int moved = 0, k;

	for (int i = 0; i < w->hosts; i++) {
		if (w->host[i].down || !sim_is_awake(w, i))
			continue;
		while ((k = take(w, i)) > 0)
			moved += k;
	}
	while (n->len && n->heap[0]->due_ns <= w->now_ns) {
		struct flight *f = pop(n);

		moved++;
		if (f->place)
			n->held[f->place - 1] = NULL;
		f->place = 0;
		if (!arrive(w, f)) {
			push(n, f);
			break; /* its host runs first */
		}
		free(f);
	}
	return moved;
}

uint64_t net_deadline(const struct world *w)
{
	return w->path->len ? w->path->heap[0]->due_ns : UINT64_MAX;
}
