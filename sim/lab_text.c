/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_text.c: a script's run as text, its diagrams in 80 columns.
 *
 *	    0.000       SYN_SENT  |-- SYN seq=0 ---------------.  |
 *	    0.010                 |                             `->|
 *SYN_RECEIVED
 *
 * Where the locale has UTF-8 the lines are drawn by box characters.
 *
 * Entry point: lab_text_write.
 */
#include <langinfo.h>
#include <string.h>

#include "lab.h"

enum {
	COLUMNS = 80,
	TIME_END = 9,
	LEFT = 26,  /* the left lifeline */
	RIGHT = 64, /* the right one */
	ASIDE_L = LEFT - 2,
	ASIDE_R = RIGHT + 2,
	LABEL_ROOM = RIGHT - LEFT - 8,
	BEND = 3, /* from a lifeline: where an arrow goes down */
	WIDTH_TEXT = 78,
};

/* What a cell has; drawn as UTF-8 or ASCII. */
enum cell {
	C_H = 1,
	C_V,
	C_RIGHT_DOWN,
	C_LEFT_DOWN,
	C_UP_RIGHT,
	C_UP_LEFT,
	C_TO_RIGHT,
	C_TO_LEFT,
	C_LOST,
	C_FOLD,
	C_CROSS,
	C_DOWN,
	CELLS,
};

static const char *const utf8[CELLS] = {"",  "─", "│", "╮", "╭", "╰", "╯",
					"▶", "◀", "✗", "┊", "┼", "╷"};
static const char ascii[CELLS] = " -|..`'><x:+|";

struct canvas {
	unsigned char line[130][COLUMNS + 1];
};

static void put(struct canvas *c, size_t row, int col, int cell)
{
	if (col >= 0 && col < COLUMNS && row < 130)
		c->line[row][col] = (unsigned char)cell;
}

static void put_text(struct canvas *c, size_t row, int col, const char *text)
{
	for (; *text && col < COLUMNS; text++)
		put(c, row, col++,
		    (unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

static void put_right(struct canvas *c, size_t row, int end, const char *text)
{
	int len = (int)strlen(text);

	put_text(c, row, len > end ? 0 : end - len, text);
}

/* A line that may cross another. */
static void put_line(struct canvas *c, size_t row, int col, int cell)
{
	unsigned char was = c->line[row][col];

	if ((was == C_H && cell == C_V) || (was == C_V && cell == C_H))
		cell = C_CROSS;
	else if (was >= ' ' && was != ' ')
		return; /* letters stay */
	put(c, row, col, cell);
}

/* ---- lifelines and what stands beside them ---- */

static void draw_aside(struct canvas *c, size_t row, int lane,
		       const struct lab_mark *m, const char *text)
{
	char cut[LAB_ASIDE + 1];

	if (!m)
		return;
	if (lab_figure_is_wide(m)) {
		char wide[RIGHT - LEFT - 3];

		snprintf(wide, sizeof wide, "%.*s", RIGHT - LEFT - 4, m->text);
		if (lane == 0)
			put_text(c, row, LEFT + 2, wide);
		else
			put_right(c, row, RIGHT - 1, wide);
		return;
	}
	snprintf(cut, sizeof cut, "%s", text);
	if (lane == 0)
		put_right(c, row, ASIDE_L, cut);
	else
		put_text(c, row, ASIDE_R + 1, cut);
}

static void draw_row(struct canvas *c, const struct lab_figure *f, size_t i)
{
	const struct lab_row *r = &f->row[i];
	char text[64], time[40];

	if (r->kind == LAB_ROW_GAP) {
		put(c, i, LEFT, C_FOLD);
		put(c, i, RIGHT, C_FOLD);
		snprintf(text, sizeof text, "... %s ...",
			 lab_time_text(r->gap_ns, time));
		put_text(c, i, (LEFT + RIGHT - (int)strlen(text)) / 2, text);
		return;
	}
	if (!r->same_time) {
		snprintf(text, sizeof text, "%.3f", (double)r->at_ns / 1e9);
		put_right(c, i, TIME_END, text);
	}
	put(c, i, LEFT, C_V);
	put(c, i, RIGHT, C_V);
	for (int lane = 0; lane < 2; lane++) {
		if (r->state[lane])
			draw_aside(c, i, lane, r->state[lane],
				   lab_state_name(r->state[lane]->state));
		else if (r->call[lane])
			draw_aside(c, i, lane, r->call[lane],
				   r->call[lane]->text);
		else if (r->note[lane])
			draw_aside(c, i, lane, r->note[lane],
				   r->note[lane]->text);
	}
}

static void draw_bracket(struct canvas *c, const struct lab_figure *f,
			 const struct lab_bracket *b)
{
	int col = b->lane == 0 ? LEFT - 1 : RIGHT + 1;
	bool labelled = false;

	if (b->level)
		return; /* there is one column on each side */
	for (size_t i = b->row; i <= b->end_row; i++)
		put(c, i, col,
		    i == b->row ? (b->lane == 0 ? C_LEFT_DOWN : C_RIGHT_DOWN)
		    : i == b->end_row ? (b->lane == 0 ? C_UP_RIGHT : C_UP_LEFT)
				      : C_V);
	for (size_t i = b->row + 1; i < b->end_row && !labelled; i++) {
		const struct lab_row *r = &f->row[i];

		if (r->state[b->lane] || r->call[b->lane])
			continue;
		labelled = true;
		if (b->lane == 0)
			put_right(c, i, ASIDE_L, b->label);
		else
			put_text(c, i, ASIDE_R + 1, b->label);
	}
}

/* ---- arrows ---- */

/* How many arrows of the same way go down beside this one. */
static int neighbours(const struct lab_figure *f, const struct lab_arrow *a)
{
	int n = 0;

	for (const struct lab_arrow *o = f->arrow; o < a; o++)
		n += o->from == a->from && o->end_row > a->row &&
		     o->end_row != o->row;
	return n < 6 ? n : 6;
}

static void draw_arrow(struct canvas *c, const struct lab_figure *f,
		       const struct lab_arrow *a)
{
	int dir = a->from == 0 ? 1 : -1;
	int start = a->from == 0 ? LEFT : RIGHT, end = LEFT + RIGHT - start;
	int bend = end - dir * (BEND + 2 * neighbours(f, a));
	bool lands = a->end_row > a->row;
	char label[80];
	int at;

	lab_figure_label(f, a->m, (size_t)(LABEL_ROOM - 2 * neighbours(f, a)),
			 label, sizeof label);
	if (!lands)
		bend = end - dir * 6;
	for (int x = start + dir; x != bend; x += dir)
		put_line(c, a->row, x, C_H);
	at = a->from == 0 ? start + 3 : start - 3 - (int)strlen(label);
	put(c, a->row, at - 1, ' ');
	put_text(c, a->row, at, label);
	put(c, a->row, at + (int)strlen(label), ' ');
	if (!lands) {
		put(c, a->row, bend, C_LOST);
		return;
	}
	put(c, a->row, bend, dir > 0 ? C_RIGHT_DOWN : C_LEFT_DOWN);
	for (size_t i = a->row + 1; i < a->end_row; i++)
		put_line(c, i, bend,
			 f->row[i].kind == LAB_ROW_GAP ? C_FOLD : C_V);
	put(c, a->end_row, bend, dir > 0 ? C_UP_RIGHT : C_UP_LEFT);
	for (int x = bend + dir; x != end - dir; x += dir)
		put_line(c, a->end_row, x, C_H);
	put(c, a->end_row, end - dir, dir > 0 ? C_TO_RIGHT : C_TO_LEFT);
}

static void print(const struct canvas *c, size_t rows, FILE *out)
{
	bool boxes = !strcmp(nl_langinfo(CODESET), "UTF-8");

	for (size_t i = 0; i < rows; i++) {
		int len = COLUMNS;

		while (len &&
		       (!c->line[i][len - 1] || c->line[i][len - 1] == ' '))
			len--;
		for (int k = 0; k < len; k++) {
			unsigned char v = c->line[i][k];

			if (!v)
				fputc(' ', out);
			else if (v >= CELLS)
				fputc(v, out);
			else if (boxes)
				fputs(utf8[v], out);
			else
				fputc(ascii[v], out);
		}
		fputc('\n', out);
	}
}

static void draw(const struct lab_case *k, FILE *out)
{
	static struct canvas c;
	struct lab_figure f;

	if (!lab_figure_make(&f, k))
		return;
	memset(&c, 0, sizeof c);
	put_right(&c, 0, TIME_END, "seconds");
	put_right(&c, 0, LEFT + 1, k->host[0]);
	put_text(&c, 0, RIGHT, k->host[1]);
	print(&c, 1, out);
	memset(&c, 0, sizeof c);
	for (size_t i = 0; i < f.rows; i++)
		draw_row(&c, &f, i);
	for (int i = 0; i < f.brackets; i++)
		draw_bracket(&c, &f, &f.bracket[i]);
	for (size_t i = 0; i < f.arrows; i++)
		draw_arrow(&c, &f, &f.arrow[i]);
	print(&c, f.rows, out);
	if (f.left_out)
		fprintf(out, "%*s%zu more are not drawn\n", LEFT + 2, "",
			f.left_out);
	lab_figure_free(&f);
}

/* ---- prose ---- */

/* It may have a terminal's commands in it. */
static void put_plain(const char *text, size_t len, FILE *out)
{
	for (size_t i = 0; i < len; i++) {
		bool blank = text[i] == '\n' || text[i] == '\t';
		bool is = (unsigned char)text[i] >= ' ' && text[i] != 0x7f;

		fputc(is ? text[i] : blank ? ' ' : '?', out);
	}
}

/* Words within WIDTH_TEXT columns, `indent` from the second line on. */
static void wrap(const char *head, const char *text, int indent, FILE *out)
{
	int col = (int)strlen(head);

	fwrite(head, 1, strspn(head, "\n"), out);
	head += strspn(head, "\n");
	put_plain(head, strlen(head), out);
	while (*text) {
		size_t len = strcspn(text, " ");

		if (col + (int)len > WIDTH_TEXT && col > indent) {
			fprintf(out, "\n%*s", indent, "");
			col = indent;
		}
		put_plain(text, len, out);
		col += (int)len;
		text += len;
		if (*text == ' ') {
			fputc(' ', out);
			col++;
			text++;
		}
	}
	fputc('\n', out);
}

static void write_counters(const struct lab_case *c, FILE *out)
{
	for (int h = 0; h < c->hosts; h++) {
		char line[2048] = "", part[64];

		for (int i = 0; i < c->counters; i++) {
			if (c->counter[i].host != h)
				continue;
			snprintf(part, sizeof part, "%s%s %lu",
				 *line ? ", " : "", c->counter[i].name,
				 c->counter[i].value);
			strncat(line, part, sizeof line - strlen(line) - 1);
		}
		if (!*line)
			continue;
		snprintf(part, sizeof part, "  %s counted: ", c->host[h]);
		wrap(part, line, 4, out);
	}
}

static void write_points(const struct lab_script *s, const char *id, FILE *out)
{
	for (int i = 0; i < s->points; i++) {
		const struct lab_point *p = &s->point[i];
		char head[32];

		if (strcmp(p->id, id) != 0)
			continue;
		snprintf(head, sizeof head, "    %s",
			 p->held ? "seen:     " : "not seen: ");
		wrap(head, p->text, 14, out);
	}
}

static void write_expected(const struct lab_claim *c, FILE *out)
{
	fputs("    This script expects ", out);
	put_plain(c->verdict, strlen(c->verdict), out);
	fputs(".\n", out);
}

static void write_verdicts(const struct lab_script *s, FILE *out)
{
	for (int i = 0; i < s->claims; i++) {
		const struct lab_claim *c = &s->claim[i];

		fputs("\n  ", out);
		put_plain(c->id, strlen(c->id), out);
		fprintf(out, ": %s\n", *c->found ? c->found : "not judged");
		write_points(s, c->id, out);
		if (strcmp(c->found, c->verdict) != 0)
			write_expected(c, out);
	}
	if (lab_script_has_facts(s)) {
		fputs("\n  What is so:\n", out);
		write_points(s, "", out);
	}
	if (s->contradicted)
		fputs("\n  What happened contradicts what the script expects.\n",
		      out);
}

void lab_text_write(const struct lab_script *s, bool diagram, FILE *out)
{
	char head[64];

	snprintf(head, sizeof head, "%.50s: ", s->name);
	wrap(head, s->title, 2, out);
	fputc('\n', out);
	for (int i = 0; i < s->claims; i++) {
		snprintf(head, sizeof head, "  %-5s", s->claim[i].id);
		wrap(head, s->claim[i].says, 7, out);
		wrap("       Claimed by: ", s->claim[i].who, 7, out);
	}
	if (s->skipped[0]) {
		fputc('\n', out);
		wrap("  Not run: ", s->skipped, 4, out);
		return;
	}
	for (int i = 0; i < s->n; i++) {
		const struct lab_case *c = &s->cases[i];

		snprintf(head, sizeof head, "\n  %d. ", i + 1);
		wrap(head, c->title, 5, out);
		fputc('\n', out);
		if (diagram)
			draw(c, out);
		write_counters(c, out);
	}
	write_verdicts(s, out);
}
