/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kinds.c: the kinds of trouble, and which of them a seed has.
 *
 * Entry points: kinds_of, kind_dice, kinds_parse, kinds_format, kind_at.
 */
#include <stdio.h>
#include <string.h>

#include "kinds.h"

static const struct kind_info kinds[KINDS] = {
	[KIND_LOSS] = {"loss", "packets are lost, each by itself", 50},
	[KIND_BURST] = {"burst", "many in a row are lost", 30},
	[KIND_DUP] = {"dup", "packets come twice", 40},
	[KIND_CORRUPT] = {"corrupt", "bits are turned over", 40},
	[KIND_REORDER] = {"reorder",
			  "packets come later than others, up to 40 s", 50},
	[KIND_DELAY] = {"delay", "each host has its distance, and jitter", 80},
	[KIND_QUEUE] = {"queue", "few packets may be under way", 20},
	[KIND_RATE] = {"rate", "links with a rate, and a queue before them",
		       30},
	[KIND_MTU] = {"mtu", "the path's MTU changes; errors may not come", 25},
	[KIND_PARTITION] = {"partition", "two hosts don't reach each other",
			    25},
	[KIND_ONE_WAY] = {"one-way", "one host doesn't reach another", 25},
	[KIND_GSO] = {"gso", "the link carries large segments as they are", 25},
	[KIND_KNOBS] = {"knobs", "sysctls are not what they usually are", 80},
	[KIND_CRASH] = {"crash", "hosts crash and come again with another key",
			25},
	[KIND_STATE] = {"state", "some that crash have a state file", 50},
	[KIND_SLEEP] = {"sleep",
			"hosts stand still, for up to three hours at once", 25},
	[KIND_NAT] = {"nat", "some hosts share one address outside", 30},
	[KIND_NAT_RANDOM] = {"nat-random", "ports outside are drawn", 50},
	[KIND_NAT_SHORT] = {"nat-short", "the NAT forgets after 5 to 60 s", 25},
	[KIND_ISN] = {"isn", "a box draws both ISNs anew", 20},
	[KIND_ISN_SACK] = {"isn-sack", "... but leaves SACK blocks alone", 30},
	[KIND_STRIP] = {"strip", "a box takes options out of SYNs", 20},
	[KIND_CUT] = {"cut", "a box cuts segments in two", 20},
	[KIND_JOIN] = {"join", "a box joins segments that follow", 20},
	[KIND_NO_TS] = {"no-ts", "hosts without timestamps", 25},
	[KIND_NO_SACK] = {"no-sack", "hosts without SACK", 25},
	[KIND_NO_WSCALE] = {"no-wscale", "hosts without window scaling", 25},
	[KIND_TS_RANDOM] = {"ts-random",
			    "timestamp offsets drawn for each connection", 20},
	[KIND_NO_PAWS] = {"no-paws", "hosts to which no timestamp is old", 20},
	[KIND_TW_RECYCLE] = {"tw-recycle",
			     "SYNs are dropped as by Linux before 4.12", 15},
	[KIND_FLOOD] = {"flood", "many connections begin at once", 20},
	[KIND_SLOW] = {"slow", "programs that read slowly", 40},
	[KIND_BYTES] = {"bytes", "programs that write single bytes", 20},
	[KIND_HALF] = {"half", "most programs close by halves", 20},
	[KIND_ABORT] = {"abort", "programs that abort", 40},
	[KIND_LINGER] = {"linger", "programs that linger", 40},
	[KIND_LINGER_0] = {"linger-0", "SO_LINGER of 0 seconds", 40},
	[KIND_LEAK] = {"leak", "programs that never close", 20},
	[KIND_DEAF] = {"deaf", "programs that never read", 20},
	[KIND_URGENT] = {"urgent", "urgent text", 20},
	[KIND_CORK] = {"cork", "TCP_CORK and MSG_MORE", 20},
	[KIND_FEW_PORTS] = {"few-ports", "the same pairs come again and again",
			    30},
	[KIND_FILL] = {"fill", "some write until the window is closed", 30},
	[KIND_TIGHT] = {"tight", "hosts with few buffers", 20},
	[KIND_RECORDS] = {"records", "MSG_EOR", 20},
};

const struct kind_info *kind_at(int i)
{
	return i >= 0 && i < KINDS ? &kinds[i] : NULL;
}

static uint64_t mix(uint64_t z)
{
	z += 0x9e3779b97f4a7c15U;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

uint64_t kind_dice(uint64_t seed, enum kind kind)
{
	return mix(mix(seed) ^ mix((uint64_t)kind + 1));
}

/* One world in three has little of it, one in sixteen next to nothing. */
uint64_t kinds_of(uint64_t seed)
{
	uint64_t how = mix(seed ^ UINT32_MAX) % 48, bits = 0;
	uint32_t part = how < 3 ? 10 : how < 19 ? 2 : 1;

	for (int i = 0; i < KINDS; i++)
		if (mix(kind_dice(seed, (enum kind)i)) % 100 <
		    kinds[i].percent / part)
			bits |= KIND_BIT(i);
	return bits;
}

const char *kinds_parse(const char *list, uint64_t *bits)
{
	*bits = 0;
	for (;;) {
		size_t n = strcspn(list, ",");
		int i;

		for (i = 0; i < KINDS; i++)
			if (strlen(kinds[i].name) == n &&
			    memcmp(kinds[i].name, list, n) == 0)
				break;
		if (i == KINDS)
			return list;
		*bits |= KIND_BIT(i);
		if (!list[n])
			return NULL;
		list += n + 1;
	}
}

void kinds_format(uint64_t bits, char *text, size_t len)
{
	size_t at = 0;

	text[0] = 0;
	for (int i = 0; i < KINDS; i++)
		if (bits & KIND_BIT(i) && at < len)
			at += (size_t)snprintf(text + at, len - at, "%s%s",
					       at ? "," : "", kinds[i].name);
}
