/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gather.c: see gather.h.
 *
 * Entry points: scan_new, _free, _reserve, _begin, _procs, _listener, _row,
 * _finish.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gather.h"
#include "tables.h"

enum {
	PORTS = 65536,
	SOURCES = 32,
	LISTENERS = 65536,
	TIMER_ON = 1,
	TIMER_KEEPALIVE = 2,
	TIMER_TIMEWAIT = 3,
	TIMER_PERSIST = 4,
};

struct entry {
	struct listener l;
	uint16_t port_hi;
	int32_t next; /* on the same port; -1 */
};

struct port {
	uint32_t tw;
	uint16_t rport;
};

struct scan {
	struct facts *f;
	const struct procs *procs;
	int sample;
	struct dests dests;
	struct seens seens;
	struct groups groups;
	struct entry *entry;
	int entries, room;
	int32_t head[PORTS], wide; /* the first with this port, with a range */
	struct port port[PORTS];
	struct source source[SOURCES];
	uint8_t (*ports)[PORTS / 8]; /* of each source */
	int sources;
	uint8_t reserved[PORTS / 8];
	int64_t lo, hi;
};

/* ---- life ---- */

struct scan *scan_new(struct facts *f)
{
	struct scan *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->f = f;
	s->ports = calloc(SOURCES, sizeof *s->ports);
	if (!s->ports) {
		free(s);
		return NULL;
	}
	memset(s->head, 0xff, sizeof s->head);
	s->wide = -1;
	s->lo = known(f->range_lo) ? f->range_lo : 32768;
	s->hi = known(f->range_hi) ? f->range_hi : 60999;
	return s;
}

void scan_free(struct scan *s)
{
	if (!s)
		return;
	dests_free(&s->dests);
	seens_free(&s->seens);
	free(s->entry);
	free(s->ports);
	free(s);
}

void scan_reserve(struct scan *s, const char *text)
{
	int64_t within = 0;

	while (*text) {
		char *end;
		unsigned long lo = strtoul(text, &end, 10), hi = lo;

		if (end == text)
			break;
		if (*end == '-')
			hi = strtoul(end + 1, &end, 10);
		for (unsigned long p = lo; p <= hi && p < PORTS; p++)
			s->reserved[p / 8] |= (uint8_t)(1U << p % 8);
		text = *end == ',' ? end + 1 : "";
	}
	for (int64_t p = s->lo; p <= s->hi && p < PORTS; p++)
		within += s->reserved[p / 8] >> p % 8 & 1;
	s->f->reserved = within;
}

static void forget_second(struct scan *s)
{
	struct facts *f = s->f;

	f->tw_server = f->tw_client = f->tw_lone = f->client_rows = 0;
	for (int i = 0; i < KINDS; i++)
		f->sum[i] = (struct sum){.oldest_ms = UNKNOWN};
	groups_init(&s->groups);
	memset(s->port, 0, sizeof s->port);
	memset(s->source, 0, sizeof s->source);
	memset(s->ports, 0, SOURCES * sizeof *s->ports);
	s->sources = 0;
}

void scan_begin(struct scan *s, int sample)
{
	s->sample = sample;
	memset(s->f->state[sample], 0, sizeof s->f->state[sample]);
	dests_forget(&s->dests, sample);
	for (int i = 0; i < s->entries; i++) {
		s->entry[i].l.seen[sample] = false;
		s->entry[i].l.syn_recv = s->entry[i].l.tw = 0;
	}
	if (sample == 0)
		seens_forget(&s->seens);
	forget_second(s);
}

void scan_procs(struct scan *s, const struct procs *procs)
{
	s->procs = procs;
}

/* ---- listeners ---- */

static bool is_any(const uint8_t *addr)
{
	static const uint8_t any[16], any4[16] = {[10] = 0xff, 0xff};

	return !memcmp(addr, any, sizeof any) ||
	       !memcmp(addr, any4, sizeof any4);
}

static struct entry *find_entry(struct scan *s, const struct row *r)
{
	for (int32_t i = s->head[r->sport]; i >= 0; i = s->entry[i].next)
		if (s->entry[i].l.inode == r->inode &&
		    !memcmp(s->entry[i].l.addr, r->src, sizeof r->src))
			return &s->entry[i];
	return NULL;
}

static struct entry *add_entry(struct scan *s, const struct row *r,
			       uint16_t port_hi)
{
	int32_t *first = port_hi > r->sport ? &s->wide : &s->head[r->sport];
	struct entry *e;

	if (s->entries == s->room) {
		int room = s->room ? 2 * s->room : 64;

		e = realloc(s->entry, (size_t)room * sizeof *e);
		if (!e)
			return NULL;
		s->entry = e;
		s->room = room;
	}
	e = &s->entry[s->entries];
	*e = (struct entry){.port_hi = port_hi, .next = *first};
	memcpy(e->l.addr, r->src, sizeof e->l.addr);
	e->l.port = r->sport;
	e->l.inode = r->inode;
	*first = s->entries++;
	return e;
}

int scan_listener(struct scan *s, const struct row *r, uint16_t port_hi)
{
	struct entry *e;

	s->f->state[s->sample][LISTEN]++;
	if (r->no_addr || s->entries == LISTENERS)
		return 0;
	e = find_entry(s, r);
	if (!e)
		e = add_entry(s, r, port_hi ? port_hi : r->sport);
	if (!e)
		return -ENOMEM;
	e->l.seen[s->sample] = true;
	e->l.rqueue[s->sample] = r->rqueue;
	e->l.wqueue = r->wqueue;
	return 0;
}

static struct entry *listener_of(struct scan *s, const struct row *r)
{
	for (int32_t i = s->head[r->sport]; i >= 0; i = s->entry[i].next)
		if (is_any(s->entry[i].l.addr) ||
		    !memcmp(s->entry[i].l.addr, r->src, sizeof r->src))
			return &s->entry[i];
	for (int32_t i = s->wide; i >= 0; i = s->entry[i].next)
		if (r->sport >= s->entry[i].l.port &&
		    r->sport <= s->entry[i].port_hi)
			return &s->entry[i];
	return NULL;
}

/* ---- which side are we on ---- */

enum role {
	SERVER,
	CLIENT,
	NEITHER,
};

static enum role role_of(struct scan *s, const struct row *r, struct entry **e)
{
	*e = listener_of(s, r);
	if (*e)
		return SERVER;
	if (!s->entries && s->f->origin == FROM_TEXT) {
		s->f->role_guessed = true;
		return r->sport < 32768 && (r->dport >= 32768 ||
					    r->sport < r->dport)
			       ? SERVER
			       : CLIENT;
	}
	return r->sport >= s->lo && r->sport <= s->hi ? CLIENT : NEITHER;
}

static void see_lone(struct scan *s, const struct row *r)
{
	struct port *p = &s->port[r->sport];

	s->f->tw_lone++;
	if (!p->tw++)
		p->rport = r->dport;
}

static void see_source(struct scan *s, const struct row *r)
{
	struct source *a;
	int i = 0;

	while (i < s->sources &&
	       memcmp(s->source[i].addr, r->src, sizeof r->src) != 0)
		i++;
	if (i == SOURCES)
		return;
	a = &s->source[i];
	if (i == s->sources) {
		memcpy(a->addr, r->src, sizeof a->addr);
		s->sources++;
	}
	a->rows++;
	a->ports += !(s->ports[i][r->sport / 8] >> r->sport % 8 & 1);
	s->ports[i][r->sport / 8] |= (uint8_t)(1U << r->sport % 8);
}

static int see_client(struct scan *s, const struct row *r)
{
	struct dest *d;

	if (s->f->origin == FROM_LULL) /* it counts them itself */
		return 0;
	d = dests_get(&s->dests, r);
	if (!d)
		return dests_is_full(&s->dests) ? 0 : -ENOMEM;
	d->used[s->sample]++;
	if (s->sample == 0)
		return 0;
	s->f->client_rows++;
	d->tw += r->state == TIME_WAIT;
	d->syn_sent += r->state == SYN_SENT;
	d->syn_old += r->state == SYN_SENT && seens_find(&s->seens, r->cookie);
	see_source(s, r);
	return 0;
}

static int see_role(struct scan *s, const struct row *r)
{
	struct entry *e;
	enum role role = role_of(s, r, &e);

	if (e) {
		e->l.syn_recv += r->state == SYN_RECV;
		e->l.tw += r->state == TIME_WAIT;
	}
	if (r->state == TIME_WAIT) {
		s->f->tw_server += role == SERVER;
		s->f->tw_client += role == CLIENT;
	}
	if (role == NEITHER && r->state == TIME_WAIT)
		see_lone(s, r);
	return role == CLIENT ? see_client(s, r) : 0;
}

/* ---- which are odd ---- */

static bool is_loopback(const struct row *r)
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};

	return !memcmp(r->src, r->dst, sizeof r->src) ||
	       (!memcmp(r->dst, mapped, sizeof mapped) && r->dst[12] == 127);
}

static int kind_of_established(const struct row *r)
{
	if (r->timer == TIMER_ON && r->retries >= DEAD_RETRIES && r->wqueue)
		return KIND_DEAD;
	if (r->timer == TIMER_KEEPALIVE || r->wqueue || is_loopback(r) ||
	    !known(r->idle_ms) || r->idle_ms < IDLE_AZURE_S * 1000)
		return -1;
	return KIND_IDLE;
}

static int kind_of(const struct scan *s, const struct row *r)
{
	bool orphan = r->timer == TIMER_TIMEWAIT ||
		      (s->f->origin == FROM_LULL ? r->timer : !r->inode);

	switch (r->state) {
	case ESTABLISHED:
		return kind_of_established(r);
	case SYN_RECV:
		return KIND_SYN_RECV;
	case FIN_WAIT_1:
		return KIND_FIN_WAIT_1;
	case FIN_WAIT_2:
		return orphan ? KIND_FIN_WAIT_2_ORPHAN : KIND_FIN_WAIT_2_HELD;
	case CLOSE_WAIT:
		return s->f->origin == FROM_KERNEL && !r->inode
			       ? KIND_CLOSE_WAIT_QUEUED
			       : KIND_CLOSE_WAIT;
	case LAST_ACK:
		return KIND_LAST_ACK;
	case CLOSING:
		return KIND_CLOSING;
	default:
		return -1;
	}
}

static void count_kind(struct sum *sum, const struct row *r,
		       const struct seen *seen)
{
	sum->n++;
	sum->old += seen != NULL;
	sum->unread += r->rqueue > 1;
	sum->not_read += r->rqueue > 0;
	sum->stuck += seen && r->wqueue && seen->wqueue == r->wqueue;
	sum->probing += r->timer == TIMER_PERSIST;
	if (known(r->heard_ms) &&
	    (!known(sum->oldest_ms) || r->heard_ms > sum->oldest_ms))
		sum->oldest_ms = r->heard_ms;
	if (!known(r->idle_ms))
		return;
	sum->idle[0] += r->idle_ms >= IDLE_AZURE_S * 1000;
	sum->idle[1] += r->idle_ms >= IDLE_AWS_S * 1000;
	sum->idle[2] += r->idle_ms >= IDLE_IPVS_S * 1000;
}

static void see_kind(struct scan *s, const struct row *r, enum kind kind)
{
	const struct seen *seen = seens_find(&s->seens, r->cookie);
	const struct procs_fd *fd = NULL;
	struct group *g;
	size_t n;

	count_kind(&s->f->sum[kind], r, seen);
	if (s->procs && r->inode)
		fd = procs_find(s->procs, r->inode, &n);
	g = groups_get(&s->groups, kind, fd ? fd->pid : 0);
	if (!g)
		return; /* those of a thousand processes are enough */
	if (!g->n++) {
		g->fd = fd ? fd->fd : -1;
		g->example = *r;
	}
	g->old += seen != NULL;
}

static bool is_kept(const struct scan *s, const struct row *r)
{
	return r->cookie && r->state != TIME_WAIT && r->state != LISTEN &&
	       (r->state != ESTABLISHED || r->wqueue) && s->sample == 0;
}

int scan_row(struct scan *s, const struct row *r)
{
	int kind, e = 0;

	s->f->state[s->sample][r->state < STATES ? r->state : 0]++;
	if (!r->no_addr)
		e = see_role(s, r);
	if (e < 0)
		return e;
	if (is_kept(s, r))
		return seens_add(&s->seens, r->cookie, r->wqueue);
	if (s->sample == 0)
		return 0;
	kind = kind_of(s, r);
	if (kind >= 0)
		see_kind(s, r, (enum kind)kind);
	return 0;
}

/* ---- the end ---- */

static int by_room(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	/* Waiting ones against the backlog, without dividing by 0. */
	uint64_t left = (uint64_t)x->l.rqueue[1] * (y->l.wqueue + 1UL),
		 right = (uint64_t)y->l.rqueue[1] * (x->l.wqueue + 1UL);

	if (left != right)
		return left > right ? -1 : 1;
	if (x->l.syn_recv != y->l.syn_recv)
		return x->l.syn_recv > y->l.syn_recv ? -1 : 1;
	return (x->l.tw < y->l.tw) - (x->l.tw > y->l.tw);
}

static void finish_listeners(struct scan *s)
{
	struct facts *f = s->f;
	const struct procs_fd *fd;
	size_t n;

	f->listeners_in_range = 0;
	if (s->entries)
		qsort(s->entry, (size_t)s->entries, sizeof *s->entry, by_room);
	for (int i = 0; i < s->entries; i++) {
		struct listener *l = &s->entry[i].l;

		if (!l->seen[1])
			continue;
		if (l->port >= s->lo && l->port <= s->hi &&
		    !(s->reserved[l->port / 8] >> l->port % 8 & 1)) {
			f->listeners_in_range++;
			f->port_in_range = l->port;
		}
		if (f->listeners == TOP_LISTENERS)
			continue;
		fd = s->procs ? procs_find(s->procs, l->inode, &n) : NULL;
		if (fd) {
			l->pid = fd->pid;
			procs_name(s->procs, fd->pid, l->name);
		}
		f->listener[f->listeners++] = *l;
	}
}

static void finish_lones(struct scan *s)
{
	struct facts *f = s->f;

	for (uint32_t p = 0; p < PORTS; p++) {
		int at = f->lones;

		if (!s->port[p].tw)
			continue;
		while (at > 0 && f->lone[at - 1].tw < s->port[p].tw)
			at--;
		if (at == TOP_LONE)
			continue;
		memmove(&f->lone[at + 1 < TOP_LONE ? at + 1 : at], &f->lone[at],
			(size_t)(TOP_LONE - 1 - at) * sizeof f->lone[0]);
		f->lone[at] = (struct lone){(uint16_t)p, s->port[p].rport,
					    s->port[p].tw};
		f->lones += f->lones < TOP_LONE;
	}
}

static int by_rows(const void *a, const void *b)
{
	const struct source *x = a, *y = b;

	return (x->rows < y->rows) - (x->rows > y->rows);
}

static void finish_dests(struct scan *s)
{
	struct facts *f = s->f;

	for (int i = 0; i < s->sources; i++)
		s->source[i].dests = dests_from(&s->dests, s->source[i].addr);
	if (s->sources)
		qsort(s->source, (size_t)s->sources, sizeof *s->source,
		      by_rows);
	for (int i = 0; i < s->sources && i < TOP_SOURCES; i++)
		f->source[f->sources++] = s->source[i];
	dests_top(&s->dests, f);
}

/* Of one sample there is no age; a pasted text tells no timers. */
static void finish_sums(struct facts *f)
{
	bool text = f->origin == FROM_TEXT, lull = f->origin == FROM_LULL;

	for (int i = 0; i < KINDS; i++) {
		struct sum *sum = &f->sum[i];

		if (f->seconds <= 0)
			sum->old = sum->stuck = UNKNOWN;
		if (text)
			sum->unread = sum->not_read = sum->probing = UNKNOWN;
		if (text || lull)
			sum->idle[0] = sum->idle[1] = sum->idle[2] = UNKNOWN;
	}
	if (text) {
		f->sum[KIND_FIN_WAIT_2_HELD].n = UNKNOWN;
		f->sum[KIND_FIN_WAIT_2_ORPHAN].n = UNKNOWN;
		f->sum[KIND_DEAD].n = UNKNOWN;
	}
	if (text || lull)
		f->sum[KIND_CLOSE_WAIT_QUEUED].n = UNKNOWN;
}

void scan_finish(struct scan *s)
{
	finish_listeners(s);
	finish_lones(s);
	if (s->f->origin != FROM_LULL)
		finish_dests(s);
	finish_sums(s->f);
	groups_top(&s->groups, s->f, s->procs);
}
