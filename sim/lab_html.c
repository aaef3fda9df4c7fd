/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_html.c: all experiments on one page that needs nothing else: no other
 * file, no script; light and dark, wide and narrow by the reader's settings.
 *
 * Entry points: lab_html_write, lab_html_text.
 */
#include <stdlib.h>
#include <string.h>

#include "lab.h"

static const char style[] =
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--bg);"
	"color:var(--ink);font:16px/1.5 system-ui,sans-serif}\n"
	"a{color:var(--arrow)}h1{margin:.2em 0}\n"
	"section{border-top:1px solid var(--line);margin-top:2.5rem;"
	"padding-top:.5rem}\n"
	"h2 code{font-size:.7em;color:var(--dim);font-weight:400;"
	"white-space:nowrap}\n"
	"blockquote{margin:.6rem 0;padding:.1rem .9rem;"
	"border-left:4px solid var(--line)}\n"
	".who,.count{color:var(--dim);font-size:.88rem}\n"
	"figure{margin:1.2rem 0;overflow-x:auto}\n"
	"figcaption{font-weight:600;margin-bottom:.4rem}\n"
	"svg.lab{display:block;max-width:100%;height:auto}\n"
	".narrow{display:none}\n"
	"@media (max-width:640px){.wide{display:none}.narrow{display:block}"
	"body{padding:.6rem}}\n"
	"table{border-collapse:collapse;width:100%;font-size:.92rem}\n"
	"td,th{text-align:left;vertical-align:top;padding:.3rem .5rem;"
	"border-bottom:1px solid var(--line)}\n"
	".v{display:inline-block;border-radius:.3rem;padding:0 .45rem;"
	"font-weight:700;font-size:.8rem;border:1.5px solid}\n"
	".OK{color:var(--good)}.PART,.OLD{color:var(--timer)}"
	".WRONG,.DANGER,.none{color:var(--bad)}\n"
	"ul.p{list-style:none;padding-left:0}"
	"ul.p li{padding-left:1.6em;text-indent:-1.6em;margin:.2rem 0}\n"
	"ul.p li::before{display:inline-block;width:1.6em;text-indent:0;"
	"font-weight:700}"
	"li.y::before{content:\"\\2713\";color:var(--good)}"
	"li.n::before{content:\"\\2717\";color:var(--bad)}\n"
	"code{overflow-wrap:anywhere}\n"
	":root{--good:#1a7f37}"
	"@media (prefers-color-scheme:dark){:root{--good:#5bd47a}}\n";

void lab_html_text(const char *text, FILE *out)
{
	size_t len;

	for (; *text; text += len ? len : 1) {
		len = lab_char_len(text);
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			/* XML may have nothing else, not as an entity either:
			 * what is no character is U+FFFD. */
			if (len && ((unsigned char)*text >= ' ' ||
				    *text == '\n' || *text == '\t'))
				fwrite(text, 1, len, out);
			else
				fputs("\xef\xbf\xbd", out);
		}
	}
}

static void element(const char *open, const char *text, const char *close,
		    FILE *out)
{
	fputs(open, out);
	lab_html_text(text, out);
	fputs(close, out);
}

static void verdict(const char *v, FILE *out)
{
	fprintf(out, "<span class=\"v %s\">%s</span>", *v ? v : "none",
		*v ? v : "not judged");
}

static void claims(const struct lab_script *s, FILE *out)
{
	for (int i = 0; i < s->claims; i++) {
		const struct lab_claim *c = &s->claim[i];

		element("<blockquote><p><b>", c->id, "</b> ", out);
		lab_html_text(c->says, out);
		element("<br><span class=\"who\">Claimed by: ", c->who,
			"</span></p></blockquote>\n", out);
	}
}

static void counters(const struct lab_case *c, FILE *out)
{
	for (int h = 0; h < c->hosts; h++) {
		bool begun = false;

		for (int i = 0; i < c->counters; i++) {
			if (c->counter[i].host != h)
				continue;
			if (!begun)
				element("<p class=\"count\">", c->host[h],
					" counted: ", out);
			fprintf(out, "%s<code>%s</code> %lu", begun ? ", " : "",
				c->counter[i].name, c->counter[i].value);
			begun = true;
		}
		if (begun)
			fputs("</p>\n", out);
	}
}

static void figure(const struct lab_case *c, int n, FILE *out)
{
	struct lab_figure f;
	bool drawn = lab_figure_make(&f, c);

	fprintf(out, "<figure><figcaption>%d. ", n);
	lab_html_text(c->title, out);
	fputs("</figcaption>\n", out);
	if (drawn) {
		fputs("<div class=\"wide\">", out);
		lab_svg_figure(&f, false, false, out);
		fputs("</div><div class=\"narrow\">", out);
		lab_svg_figure(&f, true, false, out);
		fputs("</div>\n", out);
		if (f.left_out)
			fprintf(out,
				"<p class=\"count\">%zu more are not "
				"drawn.</p>\n",
				f.left_out);
		lab_figure_free(&f);
	}
	counters(c, out);
	fputs("</figure>\n", out);
}

static void points(const struct lab_script *s, const char *id, FILE *out)
{
	fputs("<ul class=\"p\">\n", out);
	for (int i = 0; i < s->points; i++) {
		const struct lab_point *p = &s->point[i];

		if (strcmp(p->id, id) != 0)
			continue;
		fprintf(out, "<li class=\"%s\"><span>", p->held ? "y" : "n");
		lab_html_text(p->text, out);
		fputs("</span></li>\n", out);
	}
	fputs("</ul>\n", out);
}

static void section(const struct lab_script *s, FILE *out)
{
	element("<section id=\"", s->name, "\">\n", out);
	element("<h2>", s->title, " ", out);
	element("<code>lull lab run ", s->name, "</code></h2>\n", out);
	claims(s, out);
	if (s->skipped[0]) {
		element("<p>Not run: ", s->skipped, "</p></section>\n", out);
		return;
	}
	for (int i = 0; i < s->n; i++)
		figure(&s->cases[i], i + 1, out);
	for (int i = 0; i < s->claims; i++) {
		element("<p><b>", s->claim[i].id, "</b> ", out);
		verdict(s->claim[i].found, out);
		fputs("</p>\n", out);
		points(s, s->claim[i].id, out);
	}
	if (lab_script_has_facts(s)) {
		fputs("<p><b>What is so</b></p>\n", out);
		points(s, "", out);
	}
	if (s->contradicted)
		fputs("<p class=\"DANGER\">What happened contradicts what the "
		      "script expects.</p>\n",
		      out);
	fputs("</section>\n", out);
}

/* One line of the table of contents. */
struct line {
	const struct lab_script *s;
	const struct lab_claim *c;
};

static int by_number(const void *pa, const void *pb)
{
	const struct line *a = pa, *b = pb;
	int x = atoi(a->c->id + 1), y = atoi(b->c->id + 1);

	return x != y ? (x > y) - (x < y) : strcmp(a->s->name, b->s->name);
}

static void contents(const struct lab_script *const *s, int n, FILE *out)
{
	struct line *line = calloc((size_t)n * LAB_CLAIMS_MAX, sizeof *line);
	size_t lines = 0;

	for (int i = 0; line && i < n; i++)
		for (int k = 0; k < s[i]->claims; k++)
			line[lines++] = (struct line){s[i], &s[i]->claim[k]};
	if (line)
		qsort(line, lines, sizeof *line, by_number);
	fputs("<table><thead><tr><th>Claim<th>Verdict<th>Experiment</tr>"
	      "</thead><tbody>\n",
	      out);
	for (size_t i = 0; i < lines; i++) {
		element("<tr><td><b>", line[i].c->id, "</b> ", out);
		lab_html_text(line[i].c->says, out);
		fputs("<td>", out);
		if (line[i].s->skipped[0])
			fputs("not run here", out);
		else
			verdict(line[i].c->found, out);
		element("<td><a href=\"#", line[i].s->name, "\">", out);
		element("", line[i].s->name, "</a></tr>\n", out);
	}
	fputs("</tbody></table>\n", out);
	free(line);
}

void lab_html_write(const struct lab_script *const *s, int n, FILE *out)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	      "<meta name=\"viewport\" content=\"width=device-width,"
	      "initial-scale=1\">\n<title>What is said of TCP, tried out</title>"
	      "\n<style>\n",
	      out);
	lab_svg_style(out);
	fputs(style, out);
	fputs("</style></head><body>\n<h1>What is said of TCP, tried out</h1>\n"
	      "<p>Each claim is a widely repeated one; each verdict follows "
	      "from what was seen in the experiment: "
	      "<b>OK</b> all of it, <b>PART</b> some of it, <b>OLD</b> it was "
	      "so once, <b>WRONG</b> none of it, <b>DANGER</b> it does harm. "
	      "Sequence numbers count from the first SYN of each side.</p>\n",
	      out);
	contents(s, n, out);
	for (int i = 0; i < n; i++)
		section(s[i], out);
	fputs("</body></html>\n", out);
}
