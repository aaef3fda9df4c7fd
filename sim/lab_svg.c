/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_svg.c: diagrams as SVG, wide or narrow: two lifelines, slanted arrows
 * by time, lost segments that end in a cross, brackets for timers, folded
 * gaps. Colours come from the style of the page, or its own.
 *
 * Entry points: lab_svg_figure, lab_svg_write.
 */
#include <math.h>
#include <string.h>

#include "lab.h"

enum {
	TOP = 40,
	ROWS = 128,
	STEP_LEAST = 22,
	STEP_MOST = 60,
	STEP_SAME = 20,
	STEP_GAP = 30,
	PX_A_MS = 3,
	WIDE_ROOM = 44,
	NARROW_ROOM = 27,
	NARROW_ASIDE = 12,
};

/* Where everything is. */
struct page {
	const struct lab_figure *f;
	FILE *out;
	bool narrow;
	int width, height;
	int lane[2];
	int aside; /* from a lifeline to what stands beside it */
	int y[ROWS];
};

static const char style[] =
	"svg.lab{font-family:system-ui,sans-serif;font-size:12px;"
	"background:var(--bg)}"
	"svg.lab text{fill:var(--ink)}"
	"svg.lab .n{font-size:10px}"
	".lab .life{stroke:var(--line);stroke-width:2}"
	".lab .fold{stroke:var(--line);stroke-width:2;stroke-dasharray:2 4}"
	".lab .a{stroke:var(--arrow);stroke-width:1.4;fill:none}"
	".lab .h{fill:var(--arrow)}"
	".lab .again,.lab .late{stroke-dasharray:5 3}"
	".lab .rst{stroke:var(--bad)}.lab .rsth{fill:var(--bad)}"
	".lab .x{stroke:var(--bad);stroke-width:2}"
	".lab text.lb{paint-order:stroke;stroke:var(--bg);stroke-width:2.5px;"
	"stroke-linejoin:round;font-family:ui-monospace,monospace;"
	"font-size:11px}"
	".lab .n text.lb{font-size:9px}"
	".lab text.s{font-weight:600}.lab .n text.s{font-size:9.5px}"
	".lab text.c{font-style:italic;fill:var(--call)}"
	".lab text.t,.lab text.g{fill:var(--dim);font-size:10.5px}"
	".lab .n text.t{font-size:8px}"
	".lab text.w{paint-order:stroke;stroke:var(--bg);stroke-width:4px;"
	"font-style:italic;fill:var(--call)}"
	".lab .b{stroke:var(--timer);stroke-width:1.5;fill:none}"
	".lab text.bl{fill:var(--timer);font-size:10.5px}"
	".lab .n text.bl{font-size:9px}"
	".lab text.host{font-weight:700;font-size:13px}";

static const char light[] =
	"--bg:#fff;--ink:#1c2330;--dim:#667085;--line:#98a2b3;--arrow:#1f4e9e;"
	"--bad:#b42318;--call:#5b3a8c;--timer:#9a5b00";
static const char dark[] =
	"--bg:#14181f;--ink:#e6e9ef;--dim:#98a2b3;--line:#667085;"
	"--arrow:#8ab4ff;--bad:#ff8f85;--call:#cbb2f5;--timer:#f2b65a";

void lab_svg_style(FILE *out)
{
	fprintf(out,
		":root{color-scheme:light dark;%s}\n"
		"@media (prefers-color-scheme:dark){:root{%s}}\n%s\n",
		light, dark, style);
}

/* ---- where things are ---- */

static int step(const struct lab_row *above, const struct lab_row *r)
{
	double px;

	if (r->kind == LAB_ROW_GAP || above->kind == LAB_ROW_GAP)
		return STEP_GAP;
	if (r->same_time)
		return STEP_SAME;
	px = (double)(r->at_ns - above->at_ns) / 1e6 * PX_A_MS;
	return px < STEP_LEAST	? STEP_LEAST
	       : px > STEP_MOST ? STEP_MOST
				: (int)px;
}

static void measure(struct page *p, const struct lab_figure *f, bool narrow,
		    FILE *out)
{
	*p = (struct page){
		.f = f,
		.out = out,
		.narrow = narrow,
		.width = narrow ? 340 : 760,
		.lane = {narrow ? 92 : 225, narrow ? 248 : 535},
		.aside = narrow ? 8 : 12,
	};
	for (int i = 0; i < f->brackets; i++) {
		int room = (narrow ? 14 : 20) + 9 * f->bracket[i].level;

		if (p->aside < room)
			p->aside = room;
	}
	p->y[0] = TOP + 10;
	for (size_t i = 1; i < f->rows; i++)
		p->y[i] = p->y[i - 1] + step(&f->row[i - 1], &f->row[i]);
	p->height = p->y[f->rows - 1] + 26;
}

/* ---- pieces ---- */

static void text_at(const struct page *p, const char *class, const char *anchor,
		    int x, int y, const char *text)
{
	fprintf(p->out,
		"<text class=\"%s\" x=\"%d\" y=\"%d\" "
		"text-anchor=\"%s\">",
		class, x, y, anchor);
	lab_html_text(text, p->out);
	fputs("</text>\n", p->out);
}

static void beside(const struct page *p, int lane, int y, const char *class,
		   const char *text)
{
	int x = p->lane[lane] + (lane ? p->aside : -p->aside);

	text_at(p, class, lane ? "start" : "end", x, y + 4, text);
}

static void lifelines(const struct page *p)
{
	const struct lab_figure *f = p->f;

	for (int lane = 0; lane < 2; lane++) {
		int x = p->lane[lane], from = TOP - 8;

		text_at(p, "host", "middle", x, TOP - 16, f->c->host[lane]);
		for (size_t i = 0; i <= f->rows; i++) {
			bool end = i == f->rows;

			if (!end && f->row[i].kind != LAB_ROW_GAP)
				continue;
			fprintf(p->out,
				"<path class=\"life\" d=\"M%d %dV%d\"/>\n", x,
				from, end ? p->height - 6 : p->y[i] - 11);
			if (end)
				break;
			fprintf(p->out,
				"<path class=\"fold\" d=\"M%d %dV%d\"/>\n", x,
				p->y[i] - 11, p->y[i] + 11);
			from = p->y[i] + 11;
		}
	}
}

static void row(const struct page *p, size_t i)
{
	const struct lab_row *r = &p->f->row[i];
	char text[80], time[40];

	if (r->kind == LAB_ROW_GAP) {
		snprintf(text, sizeof text, "\xe2\x80\xa6 %s \xe2\x80\xa6",
			 lab_time_text(r->gap_ns, time));
		text_at(p, "g", "middle", (p->lane[0] + p->lane[1]) / 2,
			p->y[i] + 4, text);
		return;
	}
	if (!r->same_time) {
		snprintf(text, sizeof text, "%.3f s", (double)r->at_ns / 1e9);
		text_at(p, "t", "start", p->narrow ? 2 : 8,
			p->y[i] + (p->narrow ? -8 : 4), text);
	}
	for (int lane = 0; lane < 2; lane++) {
		const struct lab_mark *m =
			r->call[lane] ? r->call[lane] : r->note[lane];

		if (r->state[lane])
			beside(p, lane, p->y[i], "s",
			       lab_state_name(r->state[lane]->state));
		else if (m && lab_figure_is_wide(m))
			text_at(p, "w", lane ? "end" : "start",
				p->lane[lane] + (lane ? -8 : 8), p->y[i] + 4,
				m->text);
		else if (m)
			beside(p, lane, p->y[i], "c", m->text);
	}
}

static void bracket(const struct page *p, const struct lab_bracket *b)
{
	int side = b->lane ? 1 : -1;
	int x = p->lane[b->lane] + side * (5 + 9 * b->level);
	int y = p->y[b->row] + 2, end = p->y[b->end_row] - 2;
	int label = (y + end) / 2;

	fprintf(p->out, "<path class=\"b\" d=\"M%d %dh%dV%dh%d\"/>\n", x, y,
		side * 5, end, -side * 5);
	for (size_t i = b->row + 1; i < b->end_row; i++) {
		const struct lab_row *r = &p->f->row[i];

		if (r->state[b->lane] || r->call[b->lane])
			continue;
		label = p->y[i];
		break;
	}
	/* Which state it is stands above it. */
	beside(p, b->lane, label, "bl",
	       p->narrow && strlen(b->label) > NARROW_ASIDE ? b->time
							    : b->label);
}

/* ---- arrows ---- */

static void head(const struct page *p, double x, double y, double dx, double dy,
		 const char *class)
{
	double len = sqrt(dx * dx + dy * dy), ux = dx / len, uy = dy / len;

	fprintf(p->out,
		"<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1fz\"/>\n",
		class, x, y, x - 9 * ux - 3.5 * uy, y - 9 * uy + 3.5 * ux,
		x - 9 * ux + 3.5 * uy, y - 9 * uy - 3.5 * ux);
}

static void cross(const struct page *p, double x, double y)
{
	fprintf(p->out,
		"<path class=\"x\" d=\"M%.1f %.1fl10 10m0 -10l-10 10\"/>\n",
		x - 5, y - 5);
}

static void arrow(const struct page *p, const struct lab_arrow *a)
{
	bool lands = a->end_row > a->row, rst = a->m->seg.flags & LAB_RST;
	double x = p->lane[a->from], y = p->y[a->row];
	double dx = p->lane[!a->from] - x;
	double dy = lands ? p->y[a->end_row] - y : 24;
	double at = a->is_long ? 0.32 : 0.5, turn, lx, ly;
	char label[80];

	x += dx > 0 ? 2 : -2;
	dx += dx > 0 ? -4 : 4;
	if (!lands) {
		dx *= 0.78;
		dy *= 0.78;
	}
	fprintf(p->out,
		"<path class=\"a%s%s%s\" d=\"M%.1f %.1fl%.1f %.1f\"/>\n",
		rst ? " rst" : "", a->m->again ? " again" : "",
		a->is_long ? " late" : "", x, y, dx, dy);
	if (lands)
		head(p, x + dx, y + dy, dx, dy, rst ? "rsth" : "h");
	else
		cross(p, x + dx, y + dy);
	lab_figure_label(p->f, a->m, p->narrow ? NARROW_ROOM : WIDE_ROOM, label,
			 sizeof label);
	turn = atan(dy / dx) * 180 / M_PI;
	lx = x + dx * at;
	ly = y + dy * at - 5;
	fprintf(p->out,
		"<text class=\"lb\" x=\"%.1f\" y=\"%.1f\" "
		"text-anchor=\"middle\" transform=\"rotate(%.1f %.1f %.1f)\">",
		lx, ly, turn, lx, ly);
	lab_html_text(label, p->out);
	fputs("</text>\n", p->out);
}

void lab_svg_figure(const struct lab_figure *f, bool narrow, bool alone,
		    FILE *out)
{
	struct page p;

	measure(&p, f, narrow, out);
	fprintf(out,
		"<svg class=\"lab\" %sviewBox=\"0 0 %d %d\" width=\"%d\" "
		"role=\"img\">\n<title>",
		alone ? "xmlns=\"http://www.w3.org/2000/svg\" " : "", p.width,
		p.height, p.width);
	lab_html_text(f->c->title, out);
	fputs("</title>\n", out);
	if (alone) {
		fputs("<style>\n", out);
		lab_svg_style(out);
		fputs("</style>\n", out);
	}
	fprintf(out, "<g class=\"%s\">\n", narrow ? "n" : "m");
	lifelines(&p);
	for (int i = 0; i < f->brackets; i++)
		bracket(&p, &f->bracket[i]);
	for (size_t i = 0; i < f->arrows; i++)
		arrow(&p, &f->arrow[i]);
	for (size_t i = 0; i < f->rows; i++)
		row(&p, i);
	fputs("</g>\n</svg>\n", out);
}

/* Each case's, one after the other: several are several documents. */
void lab_svg_write(const struct lab_script *s, FILE *out)
{
	for (int i = 0; i < s->n; i++) {
		struct lab_figure f;

		if (!lab_figure_make(&f, &s->cases[i]))
			continue;
		lab_svg_figure(&f, false, true, out);
		lab_figure_free(&f);
	}
}
