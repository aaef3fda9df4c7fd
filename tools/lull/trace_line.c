/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace_line.c: a record of the trace as a line, or as a JSON object
 * (trace.h). Text from the other side is never printed raw.
 *
 * Entry points: trace_line, trace_heading, trace_json, trace_why,
 * trace_why_word.
 */
#include <ctype.h>
#include <string.h>
#include <time.h>

#include <lull/host.h>

#include "trace.h"

enum {
	ENDPOINT = LULL_ADDR_TEXT + 16,
	STAMP = 48,
	NOTE = 128,
};

static const struct {
	const char *text, *word;
} ends[LULL_ENDS] = {
	[LULL_END_UNKNOWN] = {"unknown", "unknown"},
	[LULL_END_FIN] = {"FIN both ways", "fin"},
	[LULL_END_TIME] = {"its time is over", "time"},
	[LULL_END_RST_IN] = {"RST received", "rst-received"},
	[LULL_END_RST_OUT] = {"RST sent", "rst-sent"},
	[LULL_END_TIMEOUT] = {"time-out", "timeout"},
	[LULL_END_ICMP] = {"ICMP error", "icmp"},
	[LULL_END_PROGRAM] = {"given up by the program", "program"},
	[LULL_END_EVICTED] = {"evicted", "evicted"},
	[LULL_END_REUSED] = {"reused by a new connection", "reused"},
	[LULL_END_NO_RECORD] = {"no room to wait", "no-record"},
	[LULL_END_SYN] = {"another SYN", "syn"},
	[LULL_END_RETRIED] = {"again from another port", "retried"},
};

static const struct {
	const char *text, *word;
} firsts[TRACE_FIRSTS] = {
	[TRACE_UNKNOWN] = {"who closed first is unknown", "unknown"},
	[TRACE_NOBODY] = {"nobody closed", "nobody"},
	[TRACE_WE] = {"we closed first", "local"},
	[TRACE_PEER] = {"the peer closed first", "peer"},
	[TRACE_BOTH] = {"both closed at once", "both"},
};

/* ---- parts ---- */

static uint32_t end_of(const struct lull_ctl_trace *r)
{
	return r->what < LULL_ENDS ? r->what : (uint32_t)LULL_END_UNKNOWN;
}

const char *trace_why(uint32_t end)
{
	return ends[end].text;
}

const char *trace_why_word(uint32_t end)
{
	return ends[end].word;
}

static const char *state_text(uint8_t state, char text[16])
{
	if (state && state < LULL_TCP_STATES)
		return lull_state_name((enum lull_tcp_state)state);
	snprintf(text, 16, "%u", state);
	return text;
}

static void name_text(const struct lull_ctl_trace *r, char *text)
{
	size_t i;

	for (i = 0; i < sizeof r->name - 1 && r->name[i]; i++)
		text[i] = isprint((unsigned char)r->name[i]) ? r->name[i] : '?';
	text[i] = 0;
}

static void addr_text(const uint8_t *addr, char *text)
{
	struct lull_addr a;

	memcpy(a.b, addr, sizeof a.b);
	lull_addr_format(&a, text);
}

/* "10.9.3.2:80", "[fd00::2]:80"; "*" of what a listener has none of. */
static void endpoint_text(const uint8_t *addr, uint16_t port, char *text)
{
	char plain[LULL_ADDR_TEXT], number[8] = "*";
	bool v6;

	addr_text(addr, plain);
	v6 = strchr(plain, ':');
	if (port)
		snprintf(number, sizeof number, "%u", port);
	if (!port && strcmp(plain, "::") == 0)
		snprintf(text, ENDPOINT, "*:*");
	else
		snprintf(text, ENDPOINT, "%s%s%s:%s", v6 ? "[" : "", plain,
			 v6 ? "]" : "", number);
}

/* Of the day, by the wall's clock. */
static void stamp_text(uint64_t ns, const char *format, bool utc, char *text)
{
	time_t s = (time_t)(ns / 1000000000);
	char whole[STAMP / 2];
	struct tm tm;

	if (utc)
		gmtime_r(&s, &tm);
	else
		localtime_r(&s, &tm);
	strftime(whole, sizeof whole, format, &tm);
	snprintf(text, STAMP, "%s.%06u", whole,
		 (unsigned)(ns % 1000000000 / 1000));
}

/* ---- notes ---- */

static void lived_text(const struct lull_ctl_trace *r,
		       const struct trace_seen *seen, char *text, size_t size)
{
	uint64_t us = (r->now_ns - seen->since_ns) / 1000;

	text[0] = 0;
	if (seen->since_ns && r->now_ns >= seen->since_ns)
		snprintf(text, size, "; lived %llu.%06llu s",
			 (unsigned long long)(us / 1000000),
			 (unsigned long long)(us % 1000000));
}

static void end_note(const struct lull_ctl_trace *r,
		     const struct trace_seen *seen, char *note)
{
	char lived[40];

	if (r->from == LULL_TCP_LISTEN)
		return;
	lived_text(r, seen, lived, sizeof lived);
	snprintf(note, NOTE, "%s; %s%s", trace_why(end_of(r)),
		 firsts[seen->first].text, lived);
}

static void state_note(const struct lull_ctl_trace *r,
		       const struct trace_seen *seen, char *note)
{
	const char *text = "";

	if (r->to == LULL_TCP_CLOSED) {
		end_note(r, seen, note);
		return;
	}
	if (seen->opening && r->to == LULL_TCP_SYN_SENT)
		text = "we open";
	else if (seen->opening && r->to == LULL_TCP_SYN_RECEIVED)
		text = "the peer opens";
	else if (seen->opening && r->to != LULL_TCP_LISTEN)
		text = "taken over, or back since a SYN came to nothing";
	else if (r->to == LULL_TCP_FIN_WAIT_1)
		text = firsts[TRACE_WE].text;
	else if (r->to == LULL_TCP_CLOSE_WAIT)
		text = firsts[TRACE_PEER].text;
	else if (r->to == LULL_TCP_CLOSING)
		text = firsts[TRACE_BOTH].text;
	snprintf(note, NOTE, "%s", text);
}

static void state_line(const struct lull_ctl_trace *r,
		       const struct trace_seen *seen, char *what, char *note)
{
	char from[16], to[16];

	snprintf(what, 48, "%s -> %s", state_text(r->from, from),
		 state_text(r->to, to));
	state_note(r, seen, note);
}

static void drop_line(const struct lull_ctl_trace *r, char *what, char *note)
{
	char name[sizeof r->name];

	name_text(r, name);
	snprintf(what, 48, "refused %s", name);
	snprintf(note, NOTE, "seq %u ack %u", r->seq, r->ack);
}

/* ---- lines ---- */

static void widen(int *width, const char *text)
{
	int len = (int)strlen(text);

	if (*width < len)
		*width = len;
}

static const char *columns(const struct trace_width *w,
			   const char *const cell[5], char *text)
{
	int len = snprintf(text, TRACE_LINE, "%-15s  %-*s  %-*s  %-*s  %s",
			   cell[0], w->local, cell[1], w->peer, cell[2],
			   w->what, cell[3], cell[4]);

	if (len >= TRACE_LINE)
		len = TRACE_LINE - 1;
	while (len && text[len - 1] == ' ')
		text[--len] = 0;
	return text;
}

const char *trace_heading(const struct trace_width *w, char *text)
{
	return columns(w,
		       (const char *const[5]){"Time", "Local", "Peer", "What",
					      "Why"},
		       text);
}

const char *trace_line(struct trace_width *w, uint64_t clock_ns,
		       const struct lull_ctl_trace *r,
		       const struct trace_seen *seen, char *text)
{
	char stamp[STAMP], local[ENDPOINT], peer[ENDPOINT], what[48];
	char note[NOTE] = "";

	stamp_text(r->now_ns + clock_ns, "%H:%M:%S", false, stamp);
	endpoint_text(r->local, r->lport, local);
	endpoint_text(r->remote, r->rport, peer);
	if (r->kind == LULL_TRACE_STATE)
		state_line(r, seen, what, note);
	else if (r->kind == LULL_TRACE_DROP)
		drop_line(r, what, note);
	else
		snprintf(what, sizeof what, "kind %u", r->kind);
	widen(&w->local, local);
	widen(&w->peer, peer);
	widen(&w->what, what);
	return columns(w,
		       (const char *const[5]){stamp, local, peer, what, note},
		       text);
}

/* ---- JSON ---- */

static json_t *endpoint_json(const uint8_t *addr, uint16_t port)
{
	char text[LULL_ADDR_TEXT];

	addr_text(addr, text);
	return json_pack("{s:s, s:i}", "address", text, "port", port);
}

static int state_json(json_t *json, const struct lull_ctl_trace *r,
		      const struct trace_seen *seen)
{
	bool over = r->to == LULL_TCP_CLOSED && r->from != LULL_TCP_LISTEN;
	char from[16], to[16];
	json_t *more = json_pack(
		"{s:s, s:s, s:I, s:I, s:s*, s:s*}", "from",
		state_text(r->from, from), "to", state_text(r->to, to),
		"snd_nxt", (json_int_t)r->seq, "rcv_nxt", (json_int_t)r->ack,
		"why", over ? trace_why_word(end_of(r)) : NULL, "closed_first",
		over ? firsts[seen->first].word : NULL);

	if (!more)
		return -1;
	if (over && seen->since_ns)
		json_object_set_new(
			more, "lived_ns",
			json_integer((json_int_t)(r->now_ns - seen->since_ns)));
	return json_object_update_new(json, more);
}

static int drop_json(json_t *json, const struct lull_ctl_trace *r)
{
	char name[sizeof r->name];

	name_text(r, name);
	return json_object_update_new(
		json, json_pack("{s:s, s:I, s:I}", "name", name, "seq",
				(json_int_t)r->seq, "ack", (json_int_t)r->ack));
}

json_t *trace_json(uint64_t clock_ns, const struct lull_ctl_trace *r,
		   const struct trace_seen *seen)
{
	bool state = r->kind == LULL_TRACE_STATE;
	char stamp[STAMP];
	json_t *json;

	stamp_text(r->now_ns + clock_ns, "%Y-%m-%dT%H:%M:%S", true, stamp);
	strcat(stamp, "Z");
	json = json_pack("{s:i, s:s, s:I, s:I, s:s, s:o, s:o}", "schema", 1,
			 "kind", state ? "state" : "refusal", "index",
			 (json_int_t)r->index, "now_ns", (json_int_t)r->now_ns,
			 "time", stamp, "local",
			 endpoint_json(r->local, r->lport), "peer",
			 endpoint_json(r->remote, r->rport));
	if (!json)
		return NULL;
	if ((state ? state_json(json, r, seen) : drop_json(json, r)) == 0)
		return json;
	json_decref(json);
	return NULL;
}
