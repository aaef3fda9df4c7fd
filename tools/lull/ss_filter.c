/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss_filter.c: words to a tree, and the tree asked for one socket.
 *
 *	all	= one { ["and"] one | "or" one }, from left to right, as ss does
 *	one	= "(" all ")" | "not" one | "src" | "dst" [=] address
 *		| "sport" | "dport" [= != < > <= >=] port | "dev" [=] name
 *
 * Entry points: ss_filter_parse, ss_filter_match.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ss_filter.h"
#include "tool.h"

enum {
	WORD = 96,
	DEPTH = 32, /* of parentheses and nots */
};

struct parser {
	struct ss_filter_words *to;
	char **words;
	int n;
	const char *at; /* in words[0], or NULL */
	char word[WORD];
	bool has; /* a word */
	int depth;
	char *why;
};

/* ---- words ---- */

__attribute__((format(printf, 2, 3))) static bool wrong(struct parser *p,
							const char *format, ...)
{
	va_list args;

	if (!p->why[0]) {
		va_start(args, format);
		vsnprintf(p->why, SS_FILTER_WHY, format, args);
		va_end(args);
	}
	return false;
}

/* "<=", "dst", "10.0.0.0/8:80", "(": what a blank or its kind ends. */
static size_t word_length(const char *at)
{
	static const char sign[] = "=<>!&|";
	size_t n;

	if (*at == '(' || *at == ')')
		return 1;
	n = strspn(at, sign);
	if (n && *at == '!' && n > 1 && at[1] != '=')
		return 1;
	return n ? n : strcspn(at, " \t\r\n()=<>!&|");
}

static void advance(struct parser *p)
{
	size_t n;

	p->has = false;
	while (!p->at || !p->at[strspn(p->at, " \t\r\n")]) {
		if (!p->n)
			return;
		p->at = *p->words++;
		p->n--;
	}
	p->at += strspn(p->at, " \t\r\n");
	n = word_length(p->at);
	p->has = true;
	snprintf(p->word, sizeof p->word, "%.*s", (int)n, p->at);
	if (n >= sizeof p->word)
		wrong(p, "%s...: that is no word of a filter", p->word);
	p->at += n;
}

/* One of the words of a list that are apart by a blank. */
static bool is(const struct parser *p, const char *list)
{
	size_t len = strlen(p->word);

	if (!p->has)
		return false;
	while (*list) {
		size_t n = strcspn(list, " ");

		if (n == len && memcmp(list, p->word, n) == 0)
			return true;
		list += n + (list[n] == ' ');
	}
	return false;
}

static bool take(struct parser *p, const char *list)
{
	if (!is(p, list))
		return false;
	advance(p);
	return true;
}

/* ---- the tree ---- */

static int node(struct parser *p, struct ss_node n)
{
	struct ss_filter *f = &p->to->filter;

	if (f->len == SS_FILTER_NODES) {
		wrong(p, "the filter has too many words; leave some out");
		return -1;
	}
	f->node[f->len] = n;
	return f->len++;
}

static int negate(struct parser *p, int a)
{
	if (a < 0)
		return a;
	return node(p, (struct ss_node){.op = SS_NOT, .a = (uint8_t)a});
}

static int both(struct parser *p, enum ss_op op, int a, int b)
{
	if (a < 0 || b < 0)
		return -1;
	return node(p, (struct ss_node){
			       .op = op, .a = (uint8_t)a, .b = (uint8_t)b});
}

/* ---- conditions ---- */

static bool port_number(struct parser *p, const char *text, int32_t *port)
{
	const struct servent *service;
	uint64_t value;

	if (!*text || strcmp(text, "*") == 0) {
		*port = -1;
		return true;
	}
	if (tool_number(text, 0, 65535, &value)) {
		*port = (int32_t)value;
		return true;
	}
	service = getservbyname(text, "tcp");
	if (!service)
		return wrong(p,
			     "%s is no port: give a number to 65535, or a name "
			     "of services(5)",
			     text);
	*port = ntohs((uint16_t)service->s_port);
	return true;
}

/* "10.0.0.0/8", "fd00::/8", "*" */
static bool prefix(struct parser *p, char *text, struct ss_node *n)
{
	char *slash = strchr(text, '/');
	uint64_t bits, most;

	if (!*text || strcmp(text, "*") == 0 || strcmp(text, "any") == 0)
		return true;
	if (slash)
		*slash++ = 0;
	n->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	bits = most = n->family == AF_INET ? 32 : 128;
	if (inet_pton(n->family, text, n->addr) != 1)
		return wrong(p,
			     "%s is no address; names of hosts are not looked "
			     "up",
			     text);
	if (slash && !tool_number(slash, 0, most, &bits))
		return wrong(p, "/%s: a prefix of %s has 0 to %d bits", slash,
			     text, (int)most);
	n->bits = (uint8_t)bits;
	return true;
}

/* "ADDR", "ADDR:PORT", ":PORT", "[V6]:PORT", "[V6]/LEN:PORT", "V6" */
static bool endpoint(struct parser *p, char *text, struct ss_node *n)
{
	char *colon, *end;

	if (text[0] == '[') {
		end = strchr(++text, ']');
		if (!end)
			return wrong(p, "[%s: a ] is missing", text);
		memmove(end, end + 1, strlen(end)); /* a /LEN may follow */
		colon = *end == '/' ? strchr(end, ':') : end;
		if (colon && *colon != ':' && *colon)
			return wrong(p, "[%s: what follows the ]?", text);
		if (colon && !*colon)
			colon = NULL;
	} else {
		char *slash = strchr(text, '/');

		colon = strchr(slash ? slash : text, ':');
		if (colon && !slash && strchr(colon + 1, ':'))
			colon = NULL; /* an IPv6 address alone */
	}
	if (colon) {
		*colon++ = 0;
		if (!port_number(p, colon, &n->port))
			return false;
	}
	return prefix(p, text, n);
}

/* What compares, as ss has it; "=" may be left out. */
static char comparison(struct parser *p)
{
	static const struct {
		const char *words;
		char op;
	} ops[] = {
		{"= == eq", '='},   {"!= ne neq", '!'}, {">= ge geq", 'g'},
		{"<= le leq", 'l'}, {"> gt", '>'},	{"< lt", '<'},
	};

	for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
		if (take(p, ops[i].words))
			return ops[i].op;
	return '=';
}

static bool has_value(struct parser *p, const char *what)
{
	if (p->has && !is(p, "( ) and or not"))
		return true;
	return wrong(p, "%s: of which %s? That is missing", what,
		     what[1] == 'p' ? "port" : "address");
}

static int address_condition(struct parser *p, bool src)
{
	struct ss_node n = {.op = src ? SS_SRC : SS_DST, .port = -1};
	const char *what = src ? "src" : "dst";
	char op = comparison(p);
	int made;

	if (op != '=' && op != '!') {
		wrong(p, "%s has no order: use = or !=", what);
		return -1;
	}
	if (!has_value(p, what) || !endpoint(p, p->word, &n))
		return -1;
	advance(p);
	made = node(p, n);
	return op == '!' ? negate(p, made) : made;
}

static int port_condition(struct parser *p, bool src)
{
	const enum ss_op ge = src ? SS_SPORT_GE : SS_DPORT_GE;
	const enum ss_op le = src ? SS_SPORT_LE : SS_DPORT_LE;
	struct ss_node n = {.op = src ? SS_SRC : SS_DST, .port = -1};
	char op = comparison(p);
	const char *text;
	int made;

	if (!has_value(p, src ? "sport" : "dport"))
		return -1;
	text = p->word + (p->word[0] == ':');
	if (!port_number(p, text, &n.port))
		return -1;
	if (n.port < 0 && op != '=' && op != '!') {
		wrong(p, "%s is no port that others are above or below",
		      p->word);
		return -1;
	}
	advance(p);
	if (op == 'g' || op == '<')
		n.op = ge;
	if (op == 'l' || op == '>')
		n.op = le;
	made = node(p, n);
	return op == '!' || op == '<' || op == '>' ? negate(p, made) : made;
}

static int device_condition(struct parser *p)
{
	struct ss_node n = {.op = SS_DEV};
	char op = comparison(p);
	int made;

	if (op != '=' && op != '!')
		wrong(p, "dev has no order: use = or !=");
	else if (!p->has)
		wrong(p, "dev: which interface? That is missing");
	else if (!(n.port = (int32_t)if_nametoindex(p->word)))
		wrong(p, "there is no interface %s", p->word);
	if (p->why[0])
		return -1;
	advance(p);
	made = node(p, n);
	return op == '!' ? negate(p, made) : made;
}

static int strange(struct parser *p)
{
	static const char *const names[] = {"state", "exclude", "src", "dst",
					    "sport", "dport",	"dev", "and",
					    "or",    "not",	NULL};
	const char *near = p->has ? tool_nearest(p->word, names) : NULL;

	if (!p->has)
		wrong(p, "the filter ends where a condition is missing");
	else if (is(p, "autobound fwmark cgroup"))
		wrong(p, "%s is not here; ss(8) has it", p->word);
	else if (is(p, "state exclude excl"))
		wrong(p, "%s stands before all other words of a filter",
		      p->word);
	else if (near)
		wrong(p, "%s is no word of a filter; did you mean %s?", p->word,
		      near);
	else
		wrong(p,
		      "%s is no word of a filter: those are state, exclude, "
		      "src, dst, sport, dport, dev, and, or, not",
		      p->word);
	return -1;
}

static int all(struct parser *p);

static int one(struct parser *p)
{
	int made = -1;

	if (p->why[0])
		return -1;
	if (++p->depth > DEPTH) {
		wrong(p,
		      "the filter has more than %d ( or not within each "
		      "other",
		      DEPTH);
	} else if (take(p, "(")) {
		made = all(p);
		if (made >= 0 && !take(p, ")")) {
			wrong(p, "a ) is missing");
			made = -1;
		}
	} else if (take(p, "not !")) {
		made = negate(p, one(p));
	} else if (take(p, "src")) {
		made = address_condition(p, true);
	} else if (take(p, "dst")) {
		made = address_condition(p, false);
	} else if (take(p, "sport")) {
		made = port_condition(p, true);
	} else if (take(p, "dport")) {
		made = port_condition(p, false);
	} else if (take(p, "dev")) {
		made = device_condition(p);
	} else {
		made = strange(p);
	}
	p->depth--;
	return made;
}

/* From left to right, whatever stands between: as ss. */
static int all(struct parser *p)
{
	int made = one(p);

	while (made >= 0 && p->has && !is(p, ")")) {
		enum ss_op op = take(p, "or | ||") ? SS_OR : SS_AND;

		if (op == SS_AND)
			take(p, "and & &&");
		made = both(p, op, made, one(p));
	}
	return p->why[0] ? -1 : made;
}

/* ---- states ---- */

static bool states(struct parser *p)
{
	struct ss_filter_words *f = p->to;
	const char *near;
	uint32_t bits;
	bool exclude;

	while (is(p, "state exclude excl")) {
		exclude = !is(p, "state");
		advance(p);
		if (!p->has)
			return wrong(p, "which state? It is missing");
		bits = ss_state_bits(p->word, &near);
		if (!bits && near)
			return wrong(p,
				     "there is no state %s; did you mean %s?",
				     p->word, near);
		if (!bits)
			return wrong(p,
				     "there is no state %s: see lull-ss(1) for "
				     "all names",
				     p->word);
		if (!f->has_states)
			f->states = exclude ? ~0U : 0;
		f->states = exclude ? f->states & ~bits : f->states | bits;
		f->has_states = true;
		advance(p);
	}
	return true;
}

/* ---- entry points ---- */

bool ss_filter_parse(struct ss_filter_words *f, char **words, int n,
		     char why[SS_FILTER_WHY])
{
	struct parser p = {.to = f, .words = words, .n = n, .why = why};

	*f = (struct ss_filter_words){0};
	why[0] = 0;
	advance(&p);
	if (!states(&p))
		return false;
	if (!p.has)
		return !why[0];
	f->filter.root = all(&p);
	if (!why[0] && p.has)
		wrong(&p, "%s has no ( before it", p.word);
	return !why[0];
}

static bool same_bits(const uint8_t *a, const uint8_t *b, int bits)
{
	size_t bytes = (size_t)bits / 8;

	if (memcmp(a, b, bytes) != 0)
		return false;
	return bits % 8 == 0 || (a[bytes] ^ b[bytes]) >> (8 - bits % 8) == 0;
}

/* An IPv4 peer of an IPv6 socket is an IPv4 address as well. */
static bool same_address(const struct ss_node *n, uint8_t family,
			 const void *addr)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *at = addr;

	if (n->family == AF_UNSPEC)
		return true;
	if (n->family == AF_INET && family == AF_INET6)
		return memcmp(at, mapped, sizeof mapped) == 0 &&
		       same_bits(at + 12, n->addr, n->bits);
	return n->family == family && same_bits(at, n->addr, n->bits);
}

static bool match(const struct ss_filter *f, int i,
		  const struct inet_diag_msg *m)
{
	const struct ss_node *n = &f->node[i];
	int sport = ntohs(m->id.idiag_sport), dport = ntohs(m->id.idiag_dport);

	switch (n->op) {
	case SS_AND:
		return match(f, n->a, m) && match(f, n->b, m);
	case SS_OR:
		return match(f, n->a, m) || match(f, n->b, m);
	case SS_NOT:
		return !match(f, n->a, m);
	case SS_SRC:
		return (n->port < 0 || n->port == sport) &&
		       same_address(n, m->idiag_family, m->id.idiag_src);
	case SS_DST:
		return (n->port < 0 || n->port == dport) &&
		       same_address(n, m->idiag_family, m->id.idiag_dst);
	case SS_SPORT_GE:
		return sport >= n->port;
	case SS_SPORT_LE:
		return sport <= n->port;
	case SS_DPORT_GE:
		return dport >= n->port;
	case SS_DPORT_LE:
		return dport <= n->port;
	case SS_DEV:
		return m->id.idiag_if == (uint32_t)n->port;
	}
	return false;
}

bool ss_filter_match(const struct ss_filter *f, const struct inet_diag_msg *msg)
{
	return !f || !f->len || match(f, f->root, msg);
}
