/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_world.c: the world of a case: hosts, a wire between them, a clock.
 *
 * Stacks live in virtual time: the clock leaps to whatever is due next. With
 * a kernel among the hosts it is the real one, and leaps wait.
 *
 * Entry points: lab_world_init, lab_world_run, lab_world_send, lab_world_fini.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"

enum {
	TURNS_MAX = 20000000, /* of one case */
	PACKETS_MAX = 1 << 18,
	SOCKS_MAX = 1 << 20,
};

#define START_NS     1000000000000ULL
#define DELAY_NS     10000000U
#define REAL_STEP_NS 5000000U /* how long the kernel is left unobserved */
#define UNTIL_MAX_NS (40ULL * 86400 * 1000000000)

void lab_world_init(struct lab_world *w, uint64_t turns_max)
{
	if (!turns_max)
		turns_max = TURNS_MAX;
	*w = (struct lab_world){
		.now_ns = START_NS,
		.start_ns = START_NS,
		.delay_ns = DELAY_NS,
		.turns_left = turns_max,
		.turns_max = turns_max,
	};
}

void lab_world_fini(struct lab_world *w)
{
	for (int i = 0; i < w->hosts; i++) {
		struct lab_host *h = &w->host[i];

		if (h->kind == LAB_STACK)
			lab_stack_close(h);
		else if (h->kind == LAB_KERNEL)
			lab_kernel_close(h);
		free(h->got);
	}
	for (size_t i = 0; i < w->under_way; i++)
		free(w->heap[i]);
	free(w->heap);
	free(w->sock);
	w->hosts = 0;
	w->under_way = w->heap_size = w->socks = w->socks_size = 0;
	w->heap = NULL;
	w->sock = NULL;
}

uint64_t lab_world_now(const struct lab_world *w)
{
	return w->now_ns - w->start_ns;
}

/* ---- what is logged ---- */

struct lab_mark *lab_world_mark(struct lab_world *w, enum lab_mark_kind kind,
				int host)
{
	return lab_log_add(&w->log, kind, host, lab_world_now(w));
}

void lab_world_call(struct lab_world *w, const struct lab_sock *s,
		    const char *format, ...)
{
	uint32_t flow = s->rport ? lab_log_flow(&w->log, s->addr, s->port,
						s->raddr, s->rport)
				 : 0;
	struct lab_mark *m = lab_world_mark(w, LAB_MARK_CALL, s->host);
	va_list args;

	if (!m)
		return;
	m->flow = flow;
	va_start(args, format);
	vsnprintf(m->text, sizeof m->text, format, args);
	va_end(args);
}

void lab_world_state(struct lab_world *w, int host, uint8_t state,
		     const struct lab_krow *where, const char *why)
{
	uint32_t flow =
		where->rport ? lab_log_flow(&w->log, where->addr, where->port,
					    where->raddr, where->rport)
			     : 0;
	struct lab_mark *m = lab_world_mark(w, LAB_MARK_STATE, host);

	if (!m)
		return;
	m->flow = flow;
	m->state = state;
	m->port = where->port;
	snprintf(m->text, sizeof m->text, "%s", why);
}

long lab_world_sock(struct lab_world *w, int host)
{
	if (w->socks == w->socks_size) {
		size_t more = w->socks ? 2 * w->socks : 64;
		void *p = more > SOCKS_MAX
				  ? NULL
				  : realloc(w->sock, more * sizeof *w->sock);

		if (!p)
			return -ENOMEM;
		w->sock = p;
		w->socks_size = more;
	}
	w->sock[w->socks] = (struct lab_sock){.host = host, .fd = -1};
	return (long)w->socks++;
}

/* ---- the wire ---- */

static bool before(const struct lab_packet *a, const struct lab_packet *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns
				      : a->order < b->order;
}

static void sift_up(struct lab_world *w, size_t i)
{
	struct lab_packet *p = w->heap[i];

	while (i && before(p, w->heap[(i - 1) / 2])) {
		w->heap[i] = w->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	w->heap[i] = p;
}

static struct lab_packet *take_first(struct lab_world *w)
{
	struct lab_packet *first = w->heap[0], *p = w->heap[--w->under_way];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < w->under_way) {
		if (child + 1 < w->under_way &&
		    before(w->heap[child + 1], w->heap[child]))
			child++;
		if (!before(w->heap[child], p))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = p;
	return first;
}

static void put(struct lab_world *w, uint64_t due_ns, int to, size_t mark,
		const uint8_t *packet, uint32_t len)
{
	struct lab_packet *p;

	if (w->under_way == w->heap_size) {
		size_t more = w->heap_size ? 2 * w->heap_size : 64;
		void *q = more > PACKETS_MAX
				  ? NULL
				  : realloc(w->heap, more * sizeof *w->heap);

		if (!q) {
			w->log.failed = true;
			return;
		}
		w->heap = q;
		w->heap_size = more;
	}
	p = malloc(sizeof *p + len);
	if (!p) {
		w->log.failed = true;
		return;
	}
	p->due_ns = due_ns;
	p->order = w->order++;
	p->to = to;
	p->mark = mark;
	p->len = len;
	memcpy(p->bytes, packet, len);
	w->heap[w->under_way++] = p;
	sift_up(w, w->under_way - 1);
}

static int host_of(const struct lab_world *w, uint32_t addr)
{
	for (int i = 0; i < w->hosts; i++)
		if (w->host[i].addr == addr)
			return i;
	return -1;
}

static void capture(struct lab_world *w, const uint8_t *packet, uint32_t len)
{
	struct lull_frame f = {.len = len, .spans = 1};

	if (!w->pcap)
		return;
	f.span[0] = (struct lull_span){(void *)(uintptr_t)packet, len};
	lull_pcap_write(w->pcap, w->pcap_ns + lab_world_now(w), false, &f);
}

void lab_world_send(struct lab_world *w, int host, const uint8_t *packet,
		    uint32_t len)
{
	struct lab_bend bend = {0};
	struct lab_mark *m;
	struct lab_seg s;
	size_t at;

	if (len > LAB_PACKET || !lab_seg_parse(packet, len, &s))
		return; /* IPv6 looks for routers, and the like */
	capture(w, packet, len);
	m = lab_world_mark(w, LAB_MARK_SEGMENT, host);
	if (!m)
		return;
	at = w->log.n - 1;
	m->crafted = w->host[host].kind == LAB_CRAFT;
	lab_log_segment(&w->log, m, &s);
	m = &w->log.mark[at];
	m->to = (int8_t)host_of(w, s.dst);
	if (w->bend)
		w->bend(w->bend_arg, m, &bend);
	m = &w->log.mark[at]; /* it may have moved */
	if (bend.lose)
		m->fate = LAB_LOST;
	else if (m->to < 0)
		m->fate = LAB_NOBODY;
	else
		put(w, w->now_ns + w->delay_ns + bend.late_ns, m->to, at,
		    packet, len);
	if (bend.twice && m->to >= 0)
		put(w, w->now_ns + w->delay_ns + bend.late_ns + bend.copy_ns,
		    m->to, at, packet, len);
}

static bool keep_got(struct lab_host *h, const uint8_t *packet, uint32_t len)
{
	struct lab_got *g;

	if (h->gots == h->gots_size) {
		size_t more = h->gots ? 2 * h->gots : 32;
		void *p = realloc(h->got, more * sizeof *h->got);

		if (!p)
			return false;
		h->got = p;
		h->gots_size = more;
	}
	g = &h->got[h->gots];
	*g = (struct lab_got){0};
	if (!lab_seg_parse(packet, len, &g->seg))
		return true;
	if (g->seg.len)
		memcpy(g->text, g->seg.text,
		       g->seg.len < LAB_TEXT ? g->seg.len : LAB_TEXT - 1);
	g->seg.text = NULL;
	h->gots++;
	return true;
}

/* The copy of a segment that came twice: a mark of its own. */
static struct lab_mark *arrival(struct lab_world *w, const struct lab_packet *p)
{
	struct lab_mark *m = &w->log.mark[p->mark], *copy, was;

	if (m->fate == LAB_UNDER_WAY)
		return m;
	was = *m;
	copy = lab_log_add(&w->log, LAB_MARK_SEGMENT, was.host, was.at_ns);
	if (!copy)
		return NULL;
	*copy = was;
	return copy;
}

static bool deliver(struct lab_world *w, struct lab_packet *p)
{
	struct lab_host *h = &w->host[p->to];
	struct lab_mark *m = arrival(w, p);
	bool taken = true;

	if (m) {
		m->end_ns = h->up ? lab_world_now(w) : m->at_ns;
		m->fate = h->up ? LAB_ARRIVED : LAB_NOBODY;
	}
	if (!h->up)
		return true;
	switch (h->kind) {
	case LAB_STACK:
		taken = lab_stack_take(w, p->to, p->bytes, p->len);
		break;
	case LAB_KERNEL:
		taken = lab_kernel_take(w, p->to, p->bytes, p->len);
		break;
	case LAB_CRAFT:
		taken = keep_got(h, p->bytes, p->len);
		break;
	}
	if (!taken)
		w->log.failed = true;
	return taken;
}

/* ---- the clock ---- */

static bool turn_all(struct lab_world *w)
{
	bool did = false;

	while (w->under_way && w->heap[0]->due_ns <= w->now_ns) {
		struct lab_packet *p = take_first(w);

		deliver(w, p);
		free(p);
		did = true;
	}
	for (int i = 0; i < w->hosts; i++) {
		if (!w->host[i].up)
			continue;
		if (w->host[i].kind == LAB_STACK)
			did |= lab_stack_turn(w, i);
		else if (w->host[i].kind == LAB_KERNEL)
			did |= lab_kernel_turn(w, i);
	}
	return did;
}

static uint64_t next_due(const struct lab_world *w, uint64_t until_ns)
{
	uint64_t due = until_ns;

	if (w->under_way && w->heap[0]->due_ns < due)
		due = w->heap[0]->due_ns;
	for (int i = 0; i < w->hosts; i++)
		if (w->host[i].up && w->host[i].kind == LAB_STACK &&
		    w->host[i].deadline_ns < due)
			due = w->host[i].deadline_ns;
	return due;
}

static void advance(struct lab_world *w, uint64_t due_ns)
{
	uint64_t wait_ns;

	if (!w->real) {
		if (due_ns > w->now_ns)
			w->now_ns = due_ns;
		return;
	}
	wait_ns = due_ns > w->now_ns ? due_ns - w->now_ns : 0;
	lab_kernel_wait(w, wait_ns < REAL_STEP_NS ? wait_ns : REAL_STEP_NS);
	w->now_ns = lull_clock_ns();
}

int lab_world_overflows(struct lab_world *w)
{
	snprintf(w->why, sizeof w->why, "too much happens");
	return -ENOMEM;
}

int lab_world_run(struct lab_world *w, uint64_t until_ns)
{
	w->why[0] = 0;
	if (until_ns > UNTIL_MAX_NS) {
		snprintf(w->why, sizeof w->why, "more than 40 days");
		return -ERANGE;
	}
	until_ns += w->start_ns;
	if (w->real)
		w->now_ns = lull_clock_ns();
	for (;;) {
		if (!w->turns_left--) {
			w->turns_left = 0;
			snprintf(w->why, sizeof w->why,
				 "more than %lu turns: it comes to no end",
				 w->turns_max);
			return -ELOOP;
		}
		if (w->log.failed)
			return lab_world_overflows(w);
		if (turn_all(w) && !w->real)
			continue;
		if (w->now_ns >= until_ns)
			return 0;
		advance(w, next_due(w, until_ns));
	}
}
