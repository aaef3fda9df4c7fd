/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path.c: the path between two ends, see path.h.
 *
 * Each way is a queue, in front of a link that sends one packet at a time, and
 * a heap of what is under way behind it. Of the queue only its head has a
 * time: the rate may change while the others wait.
 *
 * Entry points: path_create, _put, _peek, _pop, _deadline, _stats.
 */
#include <stdlib.h>
#include <string.h>

#include "path.h"

enum {
	WAITS_MAX = 1 << 21, /* samples of the queue's delay */
	EVENTS_MAX = 1 << 22,
};

#define NEVER UINT64_MAX

struct packet {
	struct packet *next;	  /* in the queue, or among those held */
	uint64_t put_ns, sent_ns; /* into the queue, out of the link */
	uint64_t due_ns, order;	  /* before it goes, its jitter alone */
	uint32_t hold;		  /* so many must go by */
	uint32_t len;
	bool doomed, doubled;
	struct path_event seen;
	uint8_t bytes[];
};

/* A chosen loss that may repeat. */
struct again {
	uint32_t from, to, left;
	uint8_t flow;
};

struct way {
	const struct path_leg *leg;
	struct packet *head, **tail; /* the queue; the head is being sent */
	uint64_t queued;	     /* bytes, the head included */
	uint64_t sent_ns;	     /* when the head will be, if it is there */
	uint64_t free_ns;	     /* when the link was free last */
	struct packet *held;
	struct packet **heap;
	size_t heap_len, heap_size;
	uint64_t last_due_ns;
	uint32_t data, news; /* data segments, all and new ones */
	struct again *again;
	size_t again_len, again_size;
	uint32_t *waits; /* microseconds in the queue and on the link */
	size_t waits_len, waits_size;
	struct path_stats stats;
};

struct path {
	struct path_config config;
	uint64_t start_ns, random, order, tail;
	struct way way[PATH_WAYS];
	struct path_flow flow[PATH_FLOWS];
	int flows;
	struct path_event *events;
	size_t events_len, events_size;
};

/* ---- chance ---- */

/* splitmix64 (S. Vigna, public domain) */
static uint64_t draw(struct path *p)
{
	uint64_t z = p->random += 0x9e3779b97f4a7c15U;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

static bool happens(struct path *p, uint32_t ppm)
{
	return ppm && draw(p) % 1000000 < ppm;
}

/* ---- lists that grow ---- */

/* Room for one more of `each` bytes. A simulation without memory is over. */
static void *grown(void *list, size_t len, size_t *size, size_t each)
{
	if (len < *size)
		return list;
	*size = *size ? 2 * *size : 64;
	list = realloc(list, *size * each);
	if (!list)
		abort();
	return list;
}

static void record(struct path *p, const struct path_event *e, uint64_t now_ns)
{
	if (!p->config.record || p->events_len == EVENTS_MAX)
		return;
	p->events = grown(p->events, p->events_len, &p->events_size,
			  sizeof *p->events);
	p->events[p->events_len] = *e;
	p->events[p->events_len++].at_ns = now_ns - p->start_ns;
}

static void note_wait(struct way *w, uint64_t us)
{
	if (w->waits_len == WAITS_MAX)
		return;
	w->waits =
		grown(w->waits, w->waits_len, &w->waits_size, sizeof *w->waits);
	w->waits[w->waits_len++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static bool before(const struct packet *a, const struct packet *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns
				      : a->order < b->order;
}

static void push(struct path *p, struct way *w, struct packet *k)
{
	size_t i = w->heap_len;

	k->order = p->order++;
	w->heap = grown(w->heap, w->heap_len, &w->heap_size, sizeof *w->heap);
	for (; i && before(k, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = k;
	w->heap_len++;
}

static struct packet *pull(struct way *w)
{
	struct packet *top = w->heap[0], *last = w->heap[--w->heap_len];
	size_t i = 0, n = w->heap_len;

	for (;;) {
		size_t k = 2 * i + 1;

		if (k + 1 < n && before(w->heap[k + 1], w->heap[k]))
			k++;
		if (k >= n || !before(w->heap[k], last))
			break;
		w->heap[i] = w->heap[k];
		i = k;
	}
	w->heap[i] = last;
	return top;
}

/* ---- behind the link ---- */

static struct packet *copy_of(const struct packet *k)
{
	struct packet *c = malloc(sizeof *c + k->len);

	if (!c)
		abort();
	memcpy(c, k, sizeof *c + k->len);
	return c;
}

/* It is on its way; the delay begins at `at_ns`. */
static void go(struct path *p, struct way *w, struct packet *k, uint64_t at_ns)
{
	k->due_ns += at_ns + w->leg->delay_us * 1000;
	if (w->leg->jitter_in_order && k->due_ns < w->last_due_ns)
		k->due_ns = w->last_due_ns;
	w->last_due_ns = k->due_ns;
	push(p, w, k);
	if (k->doubled)
		push(p, w, copy_of(k));
}

static uint64_t hold_ns(const struct path_leg *leg)
{
	return leg->reorder_hold_us ? leg->reorder_hold_us * 1000 : 1000000000;
}

/* A packet went by: who has waited for it? */
static void went_by(struct path *p, struct way *w, uint64_t at_ns)
{
	struct packet **at = &w->held, *k;

	while ((k = *at)) {
		if (--k->hold) {
			at = &k->next;
			continue;
		}
		*at = k->next;
		go(p, w, k, at_ns);
	}
}

static void release_late(struct path *p, struct way *w, uint64_t now_ns)
{
	struct packet **at = &w->held, *k;

	while ((k = *at)) {
		if (k->sent_ns + hold_ns(w->leg) > now_ns) {
			at = &k->next;
			continue;
		}
		*at = k->next;
		go(p, w, k, k->sent_ns + hold_ns(w->leg));
	}
}

/* ---- the link ---- */

static uint64_t rate_at(const struct path *p, const struct path_leg *leg,
			uint64_t ns)
{
	bool changed = leg->change_at_us &&
		       ns >= p->start_ns + leg->change_at_us * 1000;

	return changed ? leg->change_rate : leg->rate;
}

/* The head of the queue goes onto the link. */
static void start(struct path *p, struct way *w)
{
	const struct path_leg *leg = w->leg;
	struct packet *k = w->head;
	uint64_t from = k->put_ns > w->free_ns ? k->put_ns : w->free_ns;
	uint64_t stall = p->start_ns + leg->stall_at_us * 1000, rate;

	if (leg->stall_us && from >= stall &&
	    from < stall + leg->stall_us * 1000)
		from = stall + leg->stall_us * 1000;
	rate = rate_at(p, leg, from);
	w->sent_ns = from;
	if (rate)
		w->sent_ns += (uint64_t)((double)k->len * 1e9 / (double)rate);
}

static void leave(struct path *p, struct way *w, struct packet *k)
{
	uint64_t at_ns = w->sent_ns;

	note_wait(w, (at_ns - k->put_ns) / 1000);
	if (k->doomed) {
		free(k);
		return;
	}
	k->sent_ns = at_ns;
	if (k->hold) {
		k->next = w->held;
		w->held = k;
		w->stats.held++;
		return;
	}
	go(p, w, k, at_ns);
	went_by(p, w, at_ns);
}

/* What has left the link by now. */
static void advance(struct path *p, struct way *w, uint64_t now_ns)
{
	while (w->head && w->sent_ns <= now_ns) {
		struct packet *k = w->head;

		release_late(p, w, w->sent_ns);
		w->head = k->next;
		w->queued -= k->len;
		if (!w->head)
			w->tail = &w->head;
		w->free_ns = w->sent_ns;
		leave(p, w, k);
		if (w->head)
			start(p, w);
	}
	release_late(p, w, now_ns);
}

/* ---- what becomes of it ---- */

static bool is_chosen(struct path *p, struct way *w, const struct path_event *e)
{
	uint32_t end = e->seq + e->len;

	if (e->again) {
		for (size_t i = 0; i < w->again_len; i++) {
			struct again *a = &w->again[i];

			if (a->flow != e->flow || !a->left || e->seq >= a->to ||
			    end <= a->from)
				continue;
			a->left--;
			return true;
		}
		return false;
	}
	for (int i = 0; i < PATH_DROPS && w->leg->drop[i].first; i++) {
		const struct path_drop *d = &w->leg->drop[i];
		uint32_t count = d->count ? d->count : 1;
		bool hit = d->first == PATH_TAIL
				   ? p->tail && !e->flow && end == p->tail
				   : w->news >= d->first &&
					     w->news - d->first < count;

		if (!hit)
			continue;
		w->again = grown(w->again, w->again_len, &w->again_size,
				 sizeof *w->again);
		w->again[w->again_len++] = (struct again){
			.from = e->seq,
			.to = end,
			.left = d->times ? d->times - 1 : 0,
			.flow = e->flow,
		};
		return true;
	}
	return false;
}

static uint64_t waiting(const struct way *w)
{
	return w->queued - (w->head ? w->head->len : 0);
}

static enum path_fate judge(struct path *p, struct way *w,
			    const struct path_event *e, uint32_t len)
{
	const struct path_leg *leg = w->leg;
	bool lost = happens(p, leg->loss_ppm);

	if (leg->mtu && len > leg->mtu)
		return PATH_TOO_BIG;
	if (e->len && is_chosen(p, w, e))
		return PATH_DROPPED;
	if (leg->queue && w->head && waiting(w) + len > leg->queue)
		return PATH_OVERFLOWED;
	return lost ? PATH_LOST : PATH_ARRIVES;
}

static bool is_held(const struct way *w, const struct path_event *e)
{
	return w->leg->reorder_every && e->len &&
	       w->data % w->leg->reorder_every == 0;
}

static void enqueue(struct path *p, struct way *w, struct packet *k)
{
	const struct path_leg *leg = w->leg;

	*w->tail = k;
	w->tail = &k->next;
	w->queued += k->len;
	if (waiting(w) > w->stats.queue_most)
		w->stats.queue_most = waiting(w);
	if (w->head == k)
		start(p, w);
	if (leg->ce && waiting(w) > leg->ce && path_mark(k->bytes, k->len)) {
		struct path_stream *s = &p->flow[k->seen.flow].way[k->seen.way];

		k->seen.ecn = 3;
		w->stats.marked++;
		w->stats.all.marked++;
		s->stats.marked++;
	}
}

static struct packet *packet_of(const void *bytes, uint32_t len)
{
	struct packet *k = calloc(1, sizeof *k + len);

	if (!k)
		abort();
	memcpy(k->bytes, bytes, len);
	k->len = len;
	return k;
}

/* Read its headers, and count. */
static void look(struct path *p, struct way *w, struct packet *k,
		 enum path_way way)
{
	struct path_event *e = &k->seen;
	struct path_flow *f =
		path_see(p->flow, &p->flows, way, k->bytes, k->len, e);

	if (f)
		path_is_again(&f->way[way], e);
	w->data += e->len > 0;
	w->news += e->len && !e->again;
	e->fate = (uint8_t)judge(p, w, e, k->len);
	if (f)
		path_account(&f->way[way], e);
	if (f)
		record(p, e, k->put_ns);
	w->stats.packets++;
	w->stats.bytes += k->len;
	w->stats.fate[e->fate]++;
}

void path_put(struct path *path, enum path_way way, uint64_t now_ns,
	      const void *packet, uint32_t len)
{
	struct way *w = &path->way[way];
	struct packet *k;

	if (!len || len > PATH_PACKET_MAX)
		return;
	advance(path, w, now_ns);
	k = packet_of(packet, len);
	k->put_ns = now_ns;
	k->seen.way = (uint8_t)way;
	look(path, w, k, way);
	if (k->seen.fate == PATH_OVERFLOWED || k->seen.fate == PATH_TOO_BIG) {
		free(k);
		return;
	}
	k->doomed = k->seen.fate != PATH_ARRIVES;
	if (is_held(w, &k->seen))
		k->hold = w->leg->reorder_by;
	if (w->leg->jitter_us)
		k->due_ns = draw(path) % (w->leg->jitter_us * 1000 + 1);
	k->doubled = happens(path, w->leg->dup_ppm) && !k->doomed;
	w->stats.doubled += k->doubled;
	enqueue(path, w, k);
}

const void *path_peek(struct path *path, enum path_way way, uint64_t now_ns,
		      uint32_t *len)
{
	struct way *w = &path->way[way];

	advance(path, w, now_ns);
	if (!w->heap_len || w->heap[0]->due_ns > now_ns)
		return NULL;
	*len = w->heap[0]->len;
	return w->heap[0]->bytes;
}

void path_pop(struct path *path, enum path_way way)
{
	struct packet *k = pull(&path->way[way]);

	if (k->seen.flags) {
		k->seen.arrived = true;
		record(path, &k->seen, k->due_ns);
	}
	free(k);
}

uint64_t path_deadline(const struct path *path)
{
	uint64_t ns = NEVER;

	for (int i = 0; i < PATH_WAYS; i++) {
		const struct way *w = &path->way[i];

		if (w->head && w->sent_ns < ns)
			ns = w->sent_ns;
		if (w->heap_len && w->heap[0]->due_ns < ns)
			ns = w->heap[0]->due_ns;
		for (const struct packet *k = w->held; k; k = k->next)
			if (k->sent_ns + hold_ns(w->leg) < ns)
				ns = k->sent_ns + hold_ns(w->leg);
	}
	return ns;
}

/* ---- creation ---- */

struct path *path_create(const struct path_config *config, uint64_t now_ns)
{
	struct path *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->config = *config;
	p->random = config->seed;
	p->start_ns = now_ns;
	for (int i = 0; i < PATH_WAYS; i++) {
		p->way[i].leg = &p->config.leg[i];
		p->way[i].tail = &p->way[i].head;
	}
	return p;
}

static void free_list(struct packet *k)
{
	while (k) {
		struct packet *next = k->next;

		free(k);
		k = next;
	}
}

void path_destroy(struct path *path)
{
	if (!path)
		return;
	for (int i = 0; i < PATH_WAYS; i++) {
		struct way *w = &path->way[i];

		free_list(w->head);
		free_list(w->held);
		while (w->heap_len)
			free(w->heap[--w->heap_len]);
		free(w->heap);
		free(w->waits);
		free(w->again);
		for (int k = 0; k < path->flows; k++)
			free(path->flow[k].way[i].missing);
	}
	free(path->events);
	free(path);
}

void path_tail(struct path *path, uint64_t bytes)
{
	path->tail = bytes;
}

/* ---- what was seen ---- */

static int by_size(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

struct path_stats path_stats(const struct path *path, enum path_way way)
{
	const struct way *w = &path->way[way];
	struct path_stats s = w->stats;
	uint32_t *sorted = malloc((w->waits_len + 1) * sizeof *sorted);

	for (int i = 0; i < path->flows; i++) {
		const struct path_flow_stats *f = &path->flow[i].way[way].stats;

		s.all.segments += f->segments;
		s.all.bytes += f->bytes;
		s.all.again += f->again;
		s.all.again_bytes += f->again_bytes;
		s.all.needless += f->needless;
		s.all.lost += f->lost;
	}
	if (!sorted)
		abort();
	if (w->waits_len) {
		memcpy(sorted, w->waits, w->waits_len * sizeof *sorted);
		qsort(sorted, w->waits_len, sizeof *sorted, by_size);
		s.queue_median_us = sorted[w->waits_len / 2];
		s.queue_p95_us = sorted[w->waits_len * 95 / 100];
	}
	free(sorted);
	return s;
}

int path_flows(const struct path *path)
{
	return path->flows;
}

int path_flow_of(const struct path *path, uint16_t port)
{
	for (int i = 0; i < path->flows; i++)
		if (path->flow[i].port[PATH_FORTH] == port)
			return i;
	return -1;
}

struct path_flow_stats path_flow_stats(const struct path *path,
				       enum path_way way, int flow)
{
	struct path_flow_stats none = {0};

	if (flow < 0 || flow >= path->flows)
		return none;
	return path->flow[flow].way[way].stats;
}

const struct path_event *path_events(const struct path *path, size_t *n)
{
	*n = path->events_len;
	return path->events;
}

static const char *const fate_name[] = {"", "lost", "dropped", "overflowed",
					"too-big"};

static void write_flags(const struct path_event *e, FILE *out)
{
	static const char letters[] = "FSRPAUEC";

	for (int i = 0; i < 8; i++)
		if (e->flags & 1 << i)
			fputc(letters[i], out);
}

void path_write_csv(const struct path *path, FILE *out)
{
	fputs("us,event,way,flow,seq,len,ack,wnd,flags,ecn,again,needless,"
	      "fate,sack\n",
	      out);
	for (size_t i = 0; i < path->events_len; i++) {
		const struct path_event *e = &path->events[i];

		fprintf(out, "%.3f,%s,%s,%d,%d,%u,%d,%u,",
			(double)e->at_ns / 1e3, e->arrived ? "in" : "out",
			e->way == PATH_FORTH ? "forth" : "back", e->flow,
			(int32_t)e->seq, e->len, (int32_t)e->ack, e->wnd);
		write_flags(e, out);
		fprintf(out, ",%d,%d,%d,%s,", e->ecn, e->again, e->needless,
			fate_name[e->fate]);
		for (int k = 0; k < e->sacks; k++)
			fprintf(out, "%s%d-%d", k ? " " : "",
				(int32_t)e->sack[k][0], (int32_t)e->sack[k][1]);
		fputc('\n', out);
	}
}
