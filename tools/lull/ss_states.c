/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss_states.c: the names of states as people write them: ss's, netstat's, those
 * of RFC 9293 and of old books, with or without hyphens.
 *
 * Entry points: ss_state_bits, ss_state_text.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <lull/lull.h>

#include "ss.h"
#include "ss_filter.h"

#define BIT(state) (1U << LULL_TCP_##state)
/* What ss counts as a state: 1 to 11, and the kernel's 12. */
#define ALL 0x1fffU

/* Small letters and digits alone. */
static const struct {
	const char *word, *shown;
	uint32_t bits;
} spellings[] = {
	{"estab", "established", BIT(ESTABLISHED)},
	{"established", "established", BIT(ESTABLISHED)},
	{"est", "established", BIT(ESTABLISHED)},
	{"synsent", "syn-sent", BIT(SYN_SENT)},
	{"synsend", "syn-sent", BIT(SYN_SENT)},
	{"synrecv", "syn-recv", BIT(SYN_RECEIVED)},
	{"synrcv", "syn-recv", BIT(SYN_RECEIVED)},
	{"synrcvd", "syn-recv", BIT(SYN_RECEIVED)},
	{"synreceived", "syn-recv", BIT(SYN_RECEIVED)},
	{"finwait1", "fin-wait-1", BIT(FIN_WAIT_1)},
	{"fw1", "fin-wait-1", BIT(FIN_WAIT_1)},
	{"finwait2", "fin-wait-2", BIT(FIN_WAIT_2)},
	{"fw2", "fin-wait-2", BIT(FIN_WAIT_2)},
	{"finwait", "fin-wait-1", BIT(FIN_WAIT_1) | BIT(FIN_WAIT_2)},
	{"timewait", "time-wait", BIT(TIME_WAIT)},
	{"timedwait", "time-wait", BIT(TIME_WAIT)},
	{"tw", "time-wait", BIT(TIME_WAIT)},
	{"unconn", "unconn", BIT(CLOSED)},
	{"unconnected", "unconn", BIT(CLOSED)},
	{"close", "closed", BIT(CLOSED)},
	{"closed", "closed", BIT(CLOSED)},
	{"closewait", "close-wait", BIT(CLOSE_WAIT)},
	{"cw", "close-wait", BIT(CLOSE_WAIT)},
	{"lastack", "last-ack", BIT(LAST_ACK)},
	{"listen", "listen", BIT(LISTEN)},
	{"listening", "listen", BIT(LISTEN)},
	{"closing", "closing", BIT(CLOSING)},
	{"all", "all", ALL},
	{"connected", "connected", ALL & ~(BIT(CLOSED) | BIT(LISTEN))},
	{"synchronized", "synchronized",
	 ALL & ~(BIT(CLOSED) | BIT(LISTEN) | BIT(SYN_SENT))},
	{"synchronised", "synchronized",
	 ALL & ~(BIT(CLOSED) | BIT(LISTEN) | BIT(SYN_SENT))},
	{"bucket", "bucket", BIT(SYN_RECEIVED) | BIT(TIME_WAIT)},
	{"big", "big", ALL & ~(BIT(SYN_RECEIVED) | BIT(TIME_WAIT))},
};

enum {
	SPELLINGS = sizeof spellings / sizeof spellings[0],
};

/* Names that people mean by others' words; they are no spellings of ours. */
static const struct {
	const char *word, *shown;
} meant[] = {
	{"waittimeout", "time-wait"}, {"waitedtime", "time-wait"},
	{"itmedwait", "time-wait"},   {"waitclose", "close-wait"},
	{"closedwait", "close-wait"},
};

static const char *nearest(const char *plain)
{
	const char *names[SPELLINGS + 1] = {NULL}, *name;

	for (size_t i = 0; i < sizeof meant / sizeof meant[0]; i++)
		if (strcmp(meant[i].word, plain) == 0)
			return meant[i].shown;
	for (int i = 0; i < SPELLINGS; i++)
		names[i] = spellings[i].word;
	name = tool_nearest(plain, names);
	for (int i = 0; name && i < SPELLINGS; i++)
		if (spellings[i].word == name)
			return spellings[i].shown;
	return NULL;
}

uint32_t ss_state_bits(const char *word, const char **near)
{
	char plain[32];
	size_t n = 0;

	*near = NULL;
	for (; *word && n < sizeof plain - 1; word++)
		if (isalnum((unsigned char)*word))
			plain[n++] = (char)tolower((unsigned char)*word);
		else if (*word != '-' && *word != '_')
			return 0;
	plain[n] = 0;
	if (*word)
		return 0;
	for (int i = 0; i < SPELLINGS; i++)
		if (strcmp(spellings[i].word, plain) == 0)
			return spellings[i].bits;
	*near = nearest(plain);
	return 0;
}

/* As ss says it; of a number that nobody knows, the number. */
const char *ss_state_text(uint8_t state, char *text)
{
	if (state > 0 && state < LULL_TCP_STATES)
		return lull_state_name((enum lull_tcp_state)state);
	snprintf(text, SS_TEXT, "%u", state);
	return text;
}
