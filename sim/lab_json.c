/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_json.c: what scripts claimed, saw and judged, for programs.
 *
 * Entry point: lab_json_write.
 */
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "lab.h"

/* NULL: a script's text is not UTF-8, or there is no memory. */
static void add(json_t *array, json_t *o, bool *bad)
{
	*bad |= !o || json_array_append_new(array, o) < 0;
}

static json_t *segment(const struct lab_case *c, const struct lab_mark *m)
{
	static const char *const fates[] = {"under way", "arrived", "lost",
					    "nobody"};
	char flags[24];
	json_t *o = json_pack("{s:f s:f s:s s:s s:s s:I s:I s:i s:b}", "sent_s",
			      (double)m->at_ns / 1e9, "arrived_s",
			      (double)m->end_ns / 1e9, "from", c->host[m->host],
			      "fate", fates[m->fate], "flags",
			      lab_flags_text(m->seg.flags, flags), "seq",
			      (json_int_t)m->seq, "ack", (json_int_t)m->ack,
			      "len", (int)m->seg.len, "again", m->again);

	if (o && m->fate != LAB_ARRIVED)
		json_object_del(o, "arrived_s");
	return o;
}

static json_t *state(const struct lab_case *c, const struct lab_mark *m)
{
	return json_pack("{s:f s:s s:s s:i s:s}", "at_s",
			 (double)m->at_ns / 1e9, "host", c->host[m->host],
			 "state", lab_state_name(m->state), "port", m->port,
			 "why", m->text);
}

static json_t *one_case(const struct lab_case *c, bool *bad)
{
	json_t *segments = json_array(), *states = json_array();
	json_t *counters = json_object(), *of;

	for (size_t i = 0; i < c->log.n; i++) {
		const struct lab_mark *m = &c->log.mark[i];

		if (m->kind == LAB_MARK_SEGMENT)
			add(segments, segment(c, m), bad);
		else if (m->kind == LAB_MARK_STATE && m->flow)
			add(states, state(c, m), bad);
	}
	for (int i = 0; i < c->counters; i++) {
		const char *host = c->host[c->counter[i].host];

		of = json_object_get(counters, host);
		if (!of) {
			of = json_object();
			if (json_object_set_new(counters, host, of) < 0) {
				*bad = true; /* `of` is gone */
				break;
			}
		}
		json_object_set_new(
			of, c->counter[i].name,
			json_integer((json_int_t)c->counter[i].value));
	}
	return json_pack("{s:s s:f s:o s:o s:o}", "case", c->title, "seconds",
			 (double)c->end_ns / 1e9, "counters", counters,
			 "states", states, "segments", segments);
}

static json_t *one_script(const struct lab_script *s, bool *bad)
{
	json_t *claims = json_array(), *points = json_array();
	json_t *cases = json_array(), *o;

	for (int i = 0; i < s->claims; i++) {
		const struct lab_claim *c = &s->claim[i];

		add(claims,
		    json_pack("{s:s s:s s:s s:s s:s}", "id", c->id, "says",
			      c->says, "who", c->who, "expected", c->verdict,
			      "verdict", c->found),
		    bad);
	}
	for (int i = 0; i < s->points; i++) {
		const struct lab_point *p = &s->point[i];
		static const char *const kinds[] = {"fact", "part", "was",
						    "harm"};

		o = json_pack("{s:s s:s s:b}", "kind", kinds[p->kind], "text",
			      p->text, "seen", p->held);
		if (o && *p->id)
			json_object_set_new(o, "claim", json_string(p->id));
		add(points, o, bad);
	}
	for (int i = 0; i < s->n; i++)
		add(cases, one_case(&s->cases[i], bad), bad);
	o = json_pack("{s:s s:s s:o s:o s:o s:b}", "name", s->name, "title",
		      s->title, "claims", claims, "points", points, "cases",
		      cases, "contradicted", s->contradicted);
	if (o && s->skipped[0])
		json_object_set_new(o, "skipped", json_string(s->skipped));
	return o;
}

int lab_json_write(const struct lab_script *const *s, int n, FILE *out)
{
	json_t *all = json_array();
	bool bad = !all;
	int e;

	for (int i = 0; all && i < n; i++)
		add(all, one_script(s[i], &bad), &bad);
	e = !bad ? json_dumpf(all, out,
			      JSON_INDENT(1) | JSON_PRESERVE_ORDER |
				      JSON_REAL_PRECISION(12))
		 : -1;
	json_decref(all);
	if (!bad)
		fputc('\n', out);
	return e < 0 ? -EINVAL : 0;
}
