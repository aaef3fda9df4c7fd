/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * from.c: facts from pasted text: rows of netstat or ss, of /proc/net/tcp, or
 * lines with a state and a number, as `netstat | awk` and `uniq -c` print them.
 *
 * Read twice, since listeners have to be known before the rest; what is not a
 * file goes through a temporary one. A line is no row until it proves to be
 * one, so headers of any language and rubbish are passed over. Nothing of the
 * text is ever printed.
 *
 * Entry points: facts_from_text.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../lull/tool.h"
#include "gather.h"
#include "rules.h"

enum {
	WORDS = 12,
	LONGEST = 1024, /* of a line; what is behind that is passed over */
};

#define MOST \
	(INT64_MAX / STATES / 2) /* that lines with a number may add up to */

struct from {
	struct facts *f;
	struct scan *scan;
	bool listeners;		 /* the first time through */
	int64_t counted[STATES]; /* of lines with a number */
	int error;
};

/* ---- words ---- */

/* Letters and digits alone, in upper case: "TIME-WAIT" is "TIMEWAIT". */
static void squeeze(const char *word, char *plain, size_t size)
{
	size_t n = 0;

	for (; *word && n + 1 < size; word++) {
		if (isalnum((unsigned char)*word))
			plain[n++] = (char)toupper((unsigned char)*word);
		else if (!strchr("-_:,;\"'", *word))
			break;
	}
	plain[n] = 0;
}

int from_state(const char *word)
{
	static const struct {
		const char *name;
		int state;
	} names[] = {
		{"ESTAB", ESTABLISHED},	      {"ESTABLISHED", ESTABLISHED},
		{"HERGESTELLT", ESTABLISHED}, {"SYNSENT", SYN_SENT},
		{"SYNRECV", SYN_RECV},	      {"SYNRECEIVED", SYN_RECV},
		{"SYNRCVD", SYN_RECV},	      {"FINWAIT1", FIN_WAIT_1},
		{"FINWAIT2", FIN_WAIT_2},     {"TIMEWAIT", TIME_WAIT},
		{"TIMEDWAIT", TIME_WAIT},     {"WARTEND", TIME_WAIT},
		{"CLOSEWAIT", CLOSE_WAIT},    {"CLOSEDWAIT", CLOSE_WAIT},
		{"WAITCLOSE", CLOSE_WAIT},    {"LASTACK", LAST_ACK},
		{"LISTEN", LISTEN},	      {"LISTENING", LISTEN},
		{"CLOSING", CLOSING},
	};
	char plain[32];

	/* Most words of most lines are numbers and addresses. */
	if (!isalpha((unsigned char)*word))
		return 0;
	squeeze(word, plain, sizeof plain);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(plain, names[i].name) == 0)
			return names[i].state;
	return 0;
}

static bool is_count(const char *word, int64_t *n)
{
	char *end;

	if (!isdigit((unsigned char)*word) || strlen(word) > 12)
		return false;
	*n = strtoll(word, &end, 10);
	return !*end || !strcmp(end, ",") || !strcmp(end, ";");
}

/* The address without brackets, interface and netmask. */
static bool is_addr(char *text, uint8_t *addr)
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
	char *end;

	if (*text == '[') {
		text++;
		end = strchr(text, ']');
		if (end)
			*end = 0;
	}
	text[strcspn(text, "%")] = 0;
	memset(addr, 0, 16);
	if (!strcmp(text, "*"))
		return true;
	if (inet_pton(AF_INET6, text, addr) == 1)
		return true;
	memcpy(addr, mapped, sizeof mapped);
	return inet_pton(AF_INET, text, addr + 12) == 1;
}

/* "10.0.0.1:80", "[::1]:80", ":::80", "10.0.0.1.80" (BSD), "*:*". */
static bool is_endpoint(const char *word, uint8_t *addr, uint16_t *port)
{
	char text[80], *colon, *end;
	unsigned long n;

	if (strlen(word) >= sizeof text)
		return false;
	strcpy(text, word);
	colon = strrchr(text, ':');
	if (!colon)
		colon = strrchr(text, '.');
	if (!colon || colon == text)
		return false;
	*colon++ = 0;
	*port = 0;
	if (strcmp(colon, "*") != 0) {
		n = strtoul(colon, &end, 10);
		if (!isdigit((unsigned char)*colon) || *end || n > 65535)
			return false;
		*port = (uint16_t)n;
	}
	return is_addr(text, addr);
}

/* ---- rows ---- */

static void take(struct from *from, const struct row *r)
{
	int e = 0;

	if (r->state == LISTEN && from->listeners)
		e = scan_listener(from->scan, r, 0);
	else if (r->state != LISTEN && !from->listeners)
		e = scan_row(from->scan, r);
	if (e < 0)
		from->error = e;
}

/* 0100007F:0CEA of /proc/net/tcp: words of 32 bits as this machine has them. */
static bool is_hex_endpoint(const char *word, uint8_t *addr, uint16_t *port)
{
	size_t digits = strcspn(word, ":");
	unsigned n;

	if ((digits != 8 && digits != 32) || strlen(word) != digits + 5 ||
	    sscanf(word + digits + 1, "%4x", &n) != 1)
		return false;
	*port = (uint16_t)n;
	memset(addr, 0, 16);
	if (digits == 8)
		addr[10] = addr[11] = 0xff;
	for (size_t i = 0; i < digits / 8; i++) {
		uint32_t v;

		if (sscanf(word + 8 * i, "%8x", &n) != 1)
			return false;
		v = n;
		memcpy(addr + (digits == 8 ? 12 : 4 * i), &v, sizeof v);
	}
	return true;
}

static bool is_proc_row(char **word, int n, struct row *r)
{
	unsigned state;

	if (n < 4 || strlen(word[3]) != 2 ||
	    sscanf(word[3], "%2x", &state) != 1 || !state || state >= STATES)
		return false;
	r->state = (uint8_t)state;
	return is_hex_endpoint(word[1], r->src, &r->sport) &&
	       is_hex_endpoint(word[2], r->dst, &r->dport);
}

/* A state, and before or behind it two endpoints. */
static bool is_row(char **word, int n, int at, struct row *r)
{
	int found = 0;

	for (int i = 0; i < n && found < 2; i++) {
		if (i == at)
			continue;
		if (found ? is_endpoint(word[i], r->dst, &r->dport)
			  : is_endpoint(word[i], r->src, &r->sport))
			found++;
	}
	return found == 2;
}

static void take_count(struct from *from, int state, int64_t n)
{
	if (!from->listeners && from->counted[state] <= MOST - n)
		from->counted[state] += n;
}

static bool see_words(struct from *from, char **word, int n)
{
	struct row r = {.heard_ms = UNKNOWN, .idle_ms = UNKNOWN};
	int state = 0, at = 0;
	int64_t count;

	if (is_proc_row(word, n, &r)) {
		take(from, &r);
		return true;
	}
	for (at = 0; at < n && !state; at++)
		state = from_state(word[at]);
	if (!state)
		return false;
	at--;
	if (from->listeners && state != LISTEN)
		return true; /* next time */
	r.state = (uint8_t)state;
	if (is_row(word, n, at, &r)) {
		take(from, &r);
		return true;
	}
	/* "18122 TIME_WAIT", or "TIME_WAIT 18122", or with a colon. */
	if (n >= 2 && n <= 3 &&
	    ((at > 0 && is_count(word[at - 1], &count)) ||
	     (at + 1 < n && is_count(word[at + 1], &count)) ||
	     (at + 2 < n && is_count(word[at + 2], &count)))) {
		take_count(from, state, count);
		return true;
	}
	return false;
}

static void see_advice(struct facts *f, const char *line)
{
	for (int i = 0; i < REFUSALS; i++)
		if (refusals[i].match && strcasestr(line, refusals[i].match))
			f->advice |= 1U << i;
}

static void see_line(struct from *from, char *line)
{
	char *word[WORDS], *save, *at;
	int n = 0;

	if (from->listeners)
		see_advice(from->f, line);
	for (at = strtok_r(line, " \t\r\n\v\f|", &save); at && n < WORDS;
	     at = strtok_r(NULL, " \t\r\n\v\f|", &save))
		word[n++] = at;
	if (!n)
		return;
	if (!see_words(from, word, n) && !from->listeners)
		from->f->lines_unread++;
	from->f->lines += !from->listeners;
}

/* Bytes of 0 end no line here: they become blanks. */
static void see_file(struct from *from, FILE *file)
{
	char line[LONGEST];
	size_t n = 0;
	int c;

	rewind(file);
	while ((c = getc_unlocked(file)) != EOF && from->error == 0) {
		if (c != '\n') {
			if (n < sizeof line - 1)
				line[n++] = c ? (char)c : ' ';
			continue;
		}
		line[n] = 0;
		see_line(from, line);
		n = 0;
	}
	line[n] = 0;
	if (n)
		see_line(from, line);
}

/* ---- the end ---- */

static void add_counted(struct from *from)
{
	static const struct {
		int state;
		enum kind kind;
	} kinds[] = {
		{SYN_RECV, KIND_SYN_RECV},     {FIN_WAIT_1, KIND_FIN_WAIT_1},
		{CLOSE_WAIT, KIND_CLOSE_WAIT}, {LAST_ACK, KIND_LAST_ACK},
		{CLOSING, KIND_CLOSING},
	};
	struct facts *f = from->f;
	int64_t rows = 0, counted = 0;

	for (int i = 0; i < STATES; i++) {
		rows += f->state[1][i];
		counted += from->counted[i];
		f->state[1][i] += from->counted[i];
	}
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		f->sum[kinds[i].kind].n += from->counted[kinds[i].state];
	if (rows || !counted)
		return;
	/* Numbers alone tell neither addresses nor ports. */
	f->tw_server = f->tw_client = f->tw_lone = UNKNOWN;
	f->client_rows = f->dests_all = UNKNOWN;
}

static int scan_text(struct facts *f, FILE *file)
{
	struct from from = {.f = f, .scan = scan_new(f)};

	if (!from.scan)
		return -ENOMEM;
	f->lines = f->lines_unread = 0;
	scan_begin(from.scan, 1);
	from.listeners = true;
	see_file(&from, file);
	from.listeners = false;
	see_file(&from, file);
	if (from.error == 0) {
		scan_finish(from.scan);
		add_counted(&from);
	}
	f->listeners = 0; /* their queues are not read */
	f->listeners_in_range = UNKNOWN;
	for (int i = 0; i < STATES; i++)
		f->state[0][i] = UNKNOWN;
	scan_free(from.scan);
	return from.error;
}

static FILE *copy_of(FILE *in)
{
	char piece[65536];
	FILE *file = tmpfile();
	size_t n;

	while (file && (n = fread(piece, 1, sizeof piece, in)) > 0)
		if (fwrite(piece, 1, n, file) != n)
			break;
	if (file && (ferror(in) || ferror(file))) {
		fclose(file);
		file = NULL;
	}
	return file;
}

static FILE *open_text(const char *path)
{
	FILE *in = strcmp(path, "-") ? fopen(path, "re") : stdin, *copy;
	struct stat st;

	if (!in)
		return NULL;
	if (fstat(fileno(in), &st) == 0 && S_ISDIR(st.st_mode)) {
		if (in != stdin)
			fclose(in);
		errno = EISDIR;
		return NULL;
	}
	if (in != stdin && fseek(in, 0, SEEK_SET) == 0)
		return in;
	copy = copy_of(in);
	if (in != stdin)
		fclose(in);
	return copy;
}

int facts_from_text(struct facts *f, const char *path)
{
	FILE *file = open_text(path);
	int64_t n = 0;
	int e;

	if (!file)
		return tool_error(TOOL_COULD_NOT, "%s: %s", path,
				  strerror(errno));
	f->origin = FROM_TEXT;
	e = scan_text(f, file);
	if (e == 0 && ferror(file))
		e = -EIO;
	fclose(file);
	if (e < 0)
		return tool_error(TOOL_COULD_NOT, "%s: %s", path, strerror(-e));
	for (int i = 0; i < STATES; i++)
		n += f->state[1][i];
	if (!n)
		return tool_error(TOOL_COULD_NOT,
				  "%s: no row of netstat or ss in it, and no "
				  "state with a number; paste the output of ss "
				  "-tan",
				  path);
	if (f->dests_missed)
		facts_note(f,
			   "%lld connections are to destinations beyond "
			   "those that are told apart",
			   (long long)f->dests_missed);
	if (f->role_guessed)
		facts_note(f, "there is no listener in it (netstat -a, ss -a), "
			      "so servers are told from clients by their "
			      "ports");
	facts_note(f, "pasted text is one sample: there are no rates, no ages "
		      "and no processes; lull doctor on that host sees them");
	return TOOL_OK;
}
