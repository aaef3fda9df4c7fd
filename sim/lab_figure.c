/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_figure.c: the log of a case as rows of a diagram: two lifelines, one
 * thing a row on each side, arrows from row to row, brackets, and gaps where
 * nothing happens for long.
 *
 * Entry points: lab_figure_make, lab_figure_label, lab_figure_free.
 */
#include <stdlib.h>
#include <string.h>

#include "lab.h"

enum {
	ROWS_MAX = 110,
	POINTS_MAX = 4096,
};

/* What is longer is folded. */
#define GAP_NS 60000000U

char *lab_time_text(uint64_t ns, char *text)
{
	double s = (double)ns / 1e9;
	unsigned long t = (unsigned long)(s + 0.5);

	if (s < 1e-3)
		snprintf(text, 40, "%.0f us", s * 1e6);
	else if (s < 1)
		snprintf(text, 40, "%.0f ms", s * 1e3);
	else if (s < 100)
		snprintf(text, 40,
			 t * 1000 == (unsigned long)(s * 1000 + 0.5) ? "%.0f s"
								     : "%.2f s",
			 s);
	else if (s < 3600)
		snprintf(text, 40, "%lu min %lu s", t / 60, t % 60);
	else
		snprintf(text, 40, "%lu h %lu min %lu s", t / 3600, t / 60 % 60,
			 t % 60);
	return text;
}

char *lab_figure_label(const struct lab_figure *f, const struct lab_mark *m,
		       size_t room, char *text, size_t size)
{
	const struct lab_seg *s = &m->seg;
	char flags[24], part[LAB_TEXT + 8];

	snprintf(text, size, "%s seq=%ld", lab_flags_text(s->flags, flags),
		 (long)m->seq);
	if (s->flags & LAB_ACK) {
		snprintf(part, sizeof part, " ack=%ld", (long)m->ack);
		strncat(text, part, size - strlen(text) - 1);
	}
	if (m->run > 1)
		snprintf(part, sizeof part, " len=%u in %u", m->run_len,
			 m->run);
	else if (s->len && m->text[0])
		snprintf(part, sizeof part, " \"%s\"", m->text);
	else
		snprintf(part, sizeof part, " len=%u", s->len);
	if (s->len && strlen(text) + strlen(part) <= room)
		strncat(text, part, size - strlen(text) - 1);
	if (s->has_ts && f->c->show_ts) {
		snprintf(part, sizeof part, " ts=%ld", (long)m->tsval);
		if (strlen(text) + strlen(part) <= room)
			strncat(text, part, size - strlen(text) - 1);
	}
	if (s->flags & LAB_SYN) {
		snprintf(part, sizeof part, " <%s%s%s%s", s->mss ? "mss " : "",
			 s->has_sack ? "sack " : "",
			 s->has_ts && !f->c->show_ts ? "ts " : "",
			 s->has_wscale ? "ws " : "");
		if (part[2]) {
			part[strlen(part) - 1] = '>';
			if (strlen(text) + strlen(part) <= room)
				strncat(text, part, size - strlen(text) - 1);
		}
	}
	if (s->wnd == 0 && !(s->flags & (LAB_SYN | LAB_RST)) &&
	    strlen(text) + 6 <= room)
		strncat(text, " wnd=0", size - strlen(text) - 1);
	if (m->again && strlen(text) + 6 <= room)
		strncat(text, " again", size - strlen(text) - 1);
	else if (m->probe && strlen(text) + 6 <= room)
		strncat(text, " probe", size - strlen(text) - 1);
	return text;
}

/* ---- points in time ---- */

/* Something that wants a place: a mark, or a segment's arrival. */
struct point {
	uint64_t at_ns;
	size_t order;
	const struct lab_mark *m;
	bool arrival;
};

static int compare(const void *pa, const void *pb)
{
	const struct point *a = pa, *b = pb;

	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns ? -1 : 1;
	/* What arrives comes before what it leads to. */
	if (a->arrival != b->arrival)
		return a->arrival ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

static int lane_of(const struct lab_figure *f, int host)
{
	return host == f->lane[0] ? 0 : host == f->lane[1] ? 1 : -1;
}

static bool is_drawn(const struct lab_figure *f, const struct lab_mark *m)
{
	if (lane_of(f, m->host) < 0 || m->in_run)
		return false;
	if (m->kind == LAB_MARK_NOTE || m->kind == LAB_MARK_TIMER)
		return true;
	if (m->kind == LAB_MARK_STATE && m->state == LULL_TCP_LISTEN)
		return true;
	if (!m->flow && m->kind == LAB_MARK_CALL)
		return strncmp(m->text, "connect(): ", 11) == 0;
	return m->flow && m->flow <= f->c->follow;
}

static struct point *collect(struct lab_figure *f, size_t *n)
{
	const struct lab_log *log = &f->c->log;
	struct point *p = malloc(POINTS_MAX * sizeof *p);

	*n = 0;
	for (size_t i = 0; p && i < log->n; i++) {
		const struct lab_mark *m = &log->mark[i];

		if (!is_drawn(f, m) || m->kind == LAB_MARK_TIMER)
			continue;
		if (*n + 2 > POINTS_MAX) {
			f->left_out++;
			continue;
		}
		p[(*n)++] = (struct point){m->at_ns, i, m, false};
		if (m->kind == LAB_MARK_SEGMENT && m->end_ns > m->at_ns)
			p[(*n)++] = (struct point){m->end_ns, i, m, true};
	}
	if (p)
		qsort(p, *n, sizeof *p, compare);
	return p;
}

/* ---- rows ---- */

static struct lab_row *add_row(struct lab_figure *f, uint64_t at_ns)
{
	struct lab_row *last = f->rows ? &f->row[f->rows - 1] : NULL;

	if (f->rows == f->rows_size)
		return NULL;
	f->row[f->rows] = (struct lab_row){
		.at_ns = at_ns,
		.same_time = last && last->kind == LAB_ROW_EVENT &&
			     last->at_ns == at_ns,
	};
	return &f->row[f->rows++];
}

static bool has_arrow_end(const struct lab_row *r)
{
	return r->sent || r->arrives;
}

/* It needs the room between the lifelines. */
bool lab_figure_is_wide(const struct lab_mark *m)
{
	return m && (m->kind == LAB_MARK_NOTE ||
		     (m->kind == LAB_MARK_CALL && strlen(m->text) > LAB_ASIDE));
}

static bool is_wide_row(const struct lab_row *r)
{
	return r->note[0] || r->note[1] || lab_figure_is_wide(r->call[0]) ||
	       lab_figure_is_wide(r->call[1]);
}

/* May this point stand in the last row? */
static bool fits(const struct lab_figure *f, const struct lab_row *r,
		 const struct point *p)
{
	int lane = lane_of(f, p->arrival ? p->m->to : p->m->host);

	if (r->kind != LAB_ROW_EVENT || r->at_ns != p->at_ns || lane < 0 ||
	    is_wide_row(r))
		return false;
	if (p->m->kind == LAB_MARK_SEGMENT)
		return !has_arrow_end(r) && !(p->arrival && r->state[lane]);
	if (lab_figure_is_wide(p->m))
		return false;
	return !r->state[lane] && !r->call[lane];
}

static void add_arrow(struct lab_figure *f, const struct lab_mark *m,
		      size_t row)
{
	if (f->arrows < f->arrows_size)
		f->arrow[f->arrows++] = (struct lab_arrow){
			.m = m,
			.from = lane_of(f, m->host),
			.row = row,
			.end_row = row,
		};
}

static void end_arrow(struct lab_figure *f, const struct lab_mark *m,
		      size_t row)
{
	for (size_t i = 0; i < f->arrows; i++)
		if (f->arrow[i].m == m)
			f->arrow[i].end_row = row;
}

static void place(struct lab_figure *f, struct lab_row *r,
		  const struct point *p)
{
	int lane = lane_of(f, p->m->host);
	size_t row = (size_t)(r - f->row);

	switch ((enum lab_mark_kind)p->m->kind) {
	case LAB_MARK_SEGMENT:
		if (p->arrival) {
			r->arrives = p->m;
			end_arrow(f, p->m, row);
		} else {
			r->sent = p->m;
			add_arrow(f, p->m, row);
		}
		break;
	case LAB_MARK_STATE:
		r->state[lane] = p->m;
		break;
	case LAB_MARK_CALL:
		r->call[lane] = p->m;
		break;
	case LAB_MARK_NOTE:
		r->note[lane] = p->m;
		break;
	case LAB_MARK_TIMER:
		break;
	}
}

/* A sender's change of state is logged before its segment: draw the call, the
 * segment and the state in one place where that can be. */
static bool lay_out(struct lab_figure *f, const struct point *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct lab_row *r = f->rows ? &f->row[f->rows - 1] : NULL;

		if (f->rows + 2 > ROWS_MAX) {
			f->left_out += n - i;
			break;
		}
		if (r && p[i].at_ns > r->at_ns + GAP_NS) {
			struct lab_row *gap = add_row(f, r->at_ns);

			gap->kind = LAB_ROW_GAP;
			gap->gap_ns = p[i].at_ns - r->at_ns;
			r = NULL;
		}
		if (!r || !fits(f, r, &p[i]))
			r = add_row(f, p[i].at_ns);
		place(f, r, &p[i]);
	}
	return true;
}

static void mark_long(struct lab_figure *f)
{
	for (size_t i = 0; i < f->arrows; i++) {
		struct lab_arrow *a = &f->arrow[i];

		for (size_t r = a->row; r < a->end_row; r++)
			a->is_long |= f->row[r].kind == LAB_ROW_GAP;
	}
}

/* ---- brackets ---- */

static long row_at(const struct lab_figure *f, uint64_t at_ns)
{
	for (size_t i = 0; i < f->rows; i++)
		if (f->row[i].kind == LAB_ROW_EVENT && f->row[i].at_ns == at_ns)
			return (long)i;
	return -1;
}

static long row_of_state(const struct lab_figure *f, const struct lab_mark *m)
{
	for (size_t i = 0; i < f->rows; i++)
		if (f->row[i].state[0] == m || f->row[i].state[1] == m)
			return (long)i;
	return -1;
}

static long row_of_sent(const struct lab_figure *f, const struct lab_mark *m)
{
	for (size_t i = 0; i < f->rows; i++)
		if (f->row[i].sent == m)
			return (long)i;
	return -1;
}

static void add_bracket(struct lab_figure *f, int lane, long from, long to,
			const char *what, uint64_t ns)
{
	struct lab_bracket *b = &f->bracket[f->brackets];
	char time[40];

	if (from < 0 || to <= from ||
	    f->brackets == (int)(sizeof f->bracket / sizeof *f->bracket))
		return;
	*b = (struct lab_bracket){
		.lane = lane,
		.row = (size_t)from,
		.end_row = (size_t)to,
	};
	lab_time_text(ns, time);
	snprintf(b->label, sizeof b->label, "%.40s %s", what, time);
	memcpy(b->time, time, sizeof b->time);
	/* Beside those that it overlaps. */
	for (int i = 0; i < f->brackets; i++) {
		const struct lab_bracket *o = &f->bracket[i];

		if (o->lane == lane && o->row < b->end_row &&
		    b->row < o->end_row && o->level >= b->level)
			b->level = o->level + 1;
	}
	f->brackets++;
}

static void bracket_states(struct lab_figure *f)
{
	const struct lab_log *log = &f->c->log;

	for (size_t i = 0; i < log->n; i++) {
		const struct lab_mark *m = &log->mark[i], *next = NULL;

		if (m->kind != LAB_MARK_STATE || !is_drawn(f, m) ||
		    (m->state != LULL_TCP_TIME_WAIT &&
		     m->state != LULL_TCP_FIN_WAIT_2))
			continue;
		for (size_t j = i + 1; j < log->n && !next; j++)
			if (log->mark[j].kind == LAB_MARK_STATE &&
			    log->mark[j].host == m->host &&
			    log->mark[j].flow == m->flow)
				next = &log->mark[j];
		if (!next || next->at_ns - m->at_ns < GAP_NS)
			continue;
		add_bracket(f, lane_of(f, m->host), row_of_state(f, m),
			    row_of_state(f, next), lab_state_name(m->state),
			    next->at_ns - m->at_ns);
	}
}

static void bracket_timers(struct lab_figure *f)
{
	const struct lab_log *log = &f->c->log;

	for (size_t i = 0; i < log->n; i++) {
		const struct lab_mark *m = &log->mark[i];

		if (m->kind == LAB_MARK_TIMER && lane_of(f, m->host) >= 0)
			add_bracket(f, lane_of(f, m->host), row_at(f, m->at_ns),
				    row_at(f, m->end_ns), m->text,
				    m->end_ns - m->at_ns);
	}
	for (size_t i = 0; i < f->arrows; i++) {
		const struct lab_mark *m = f->arrow[i].m;

		if (!m->again || m->crafted || m->at_ns - m->before_ns < GAP_NS)
			continue;
		for (size_t j = 0; j < i; j++) {
			const struct lab_mark *o = f->arrow[j].m;

			if (o->host == m->host && o->flow == m->flow &&
			    o->at_ns == m->before_ns &&
			    o->seg.seq == m->seg.seq) {
				add_bracket(f, f->arrow[i].from,
					    row_of_sent(f, o),
					    row_of_sent(f, m), "RTO",
					    m->at_ns - m->before_ns);
				break;
			}
		}
	}
}

bool lab_figure_make(struct lab_figure *f, const struct lab_case *c)
{
	struct point *p;
	size_t n;

	*f = (struct lab_figure){.c = c, .lane = {0, 1}};
	if (c->hosts < 2 || !c->follow)
		return false;
	p = collect(f, &n);
	f->rows_size = ROWS_MAX;
	f->row = calloc(f->rows_size, sizeof *f->row);
	f->arrows_size = ROWS_MAX;
	f->arrow = calloc(f->arrows_size, sizeof *f->arrow);
	if (!p || !f->row || !f->arrow || !n) {
		free(p);
		lab_figure_free(f);
		return false;
	}
	lay_out(f, p, n);
	free(p);
	mark_long(f);
	bracket_states(f);
	bracket_timers(f);
	return true;
}

void lab_figure_free(struct lab_figure *f)
{
	free(f->row);
	free(f->arrow);
	f->row = NULL;
	f->arrow = NULL;
}
