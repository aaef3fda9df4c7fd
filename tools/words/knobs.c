/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * knobs.c: Linux's knobs, from lull's list, linux.def and lull's list of those
 * without effect, put together once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lull/diag.h>

#include "words.h"

enum {
	KNOBS = 256,
};

/* All units of the tables, to be translated. */
const char *const word_units[] = {
	N_("connections"),  N_("messages"),
	N_("hops"),	    N_("ports"),
	N_("ACKs"),	    N_("seconds"),
	N_("milliseconds"), N_("probes"),
	N_("retries"),	    N_("microseconds"),
	N_("bytes"),	    N_("records"),
	N_("packets"),	    N_("fragments"),
	N_("shift"),	    N_("nanoseconds"),
	N_("buckets"),	    N_("port"),
	N_("names"),	    N_("name"),
	N_("keys"),	    N_("bits"),
	N_("per RTT"),	    N_("segments"),
	N_("pages"),	    N_("percent"),
	N_("replies"),	    N_("1/256"),
	N_("rounds"),	    N_("log2 of microseconds"),
	N_("entries"),	    NULL};

static struct word_knob knobs[KNOBS];
static size_t count;

static struct word_knob *find(const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(knobs[i].name, name) == 0)
			return &knobs[i];
	return NULL;
}

/* NULL: the list is full. */
static struct word_knob *add(const char *name)
{
	struct word_knob *k = find(name);

	if (k || count == KNOBS)
		return k;
	k = &knobs[count++];
	*k = (struct word_knob){.name = name, .unit = "", .help = ""};
	return k;
}

/* ---- the parts ---- */

static struct lull_knob_info own[KNOBS];
static char presets[KNOBS][48];
static struct lull_idle_info idle[KNOBS];

static void preset_text(const struct lull_knob_info *info, char *text)
{
	int len = 0;

	for (int i = 0; i < info->values; i++)
		len += snprintf(text + len, sizeof presets[0] - (size_t)len,
				"%s%lld", i ? " " : "",
				(long long)info->defaults[i]);
}

static void add_own(void)
{
	for (uint32_t i = 0; i < KNOBS && lull_diag_knob(NULL, i, &own[i]);
	     i++) {
		struct word_knob *k = add(own[i].name);

		if (!k)
			return;
		preset_text(&own[i], presets[i]);
		k->unit = own[i].unit;
		k->help = own[i].help;
		k->preset = presets[i];
		k->own = own[i].help;
		k->kernel = strncmp(k->name, "net.lull.", 9) != 0;
	}
}

static void add_linux(const char *name, const char *unit, const char *preset,
		      const char *help)
{
	struct word_knob *k = add(name);

	if (!k)
		return;
	k->unit = unit;
	k->help = help;
	k->preset = *preset ? preset : NULL;
	k->kernel = true;
}

static void add_gone(const char *name, const char *version, const char *help)
{
	struct word_knob *k = add(name);

	if (!k)
		return;
	k->help = help;
	k->gone = version;
	k->kernel = true;
}

static void add_idle(void)
{
	for (uint32_t i = 0; i < KNOBS && lull_diag_idle(i, &idle[i]); i++) {
		struct word_knob *k = add(idle[i].name);

		if (!k)
			return;
		k->idle = idle[i].why;
		k->refused = idle[i].refused;
	}
}

static void build(void)
{
	if (count)
		return;
	add_own();
#define LINUX(name, unit, preset, help) add_linux(name, unit, preset, help);
#define GONE(name, version, help)	add_gone(name, version, help);
#include "linux.def"
#undef LINUX
#undef GONE
	add_idle();
}

/* ---- questions ---- */

const struct word_knob *word_knob_at(size_t i)
{
	build();
	return i < count ? &knobs[i] : NULL;
}

const struct word_knob *word_knob_find(const char *name)
{
	const struct word_knob *k;
	const char *last;

	build();
	k = find(name);
	for (size_t i = 0; i < count && !k && !strchr(name, '.'); i++) {
		last = strrchr(knobs[i].name, '.');
		if (last && strcmp(last + 1, name) == 0)
			k = &knobs[i];
	}
	return k;
}

/* Buckets of this machine's table of connections; 0: unknown. */
static long long table_size(void)
{
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_ehash_entries", "re");
	long long n = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%lld", &n) != 1)
		n = 0;
	fclose(f);
	return n < 0 ? -n : n; /* below 0: shared with the first namespace */
}

bool word_knob_default(const struct word_knob *k, char *text, size_t size)
{
	long long n;

	if (k->preset)
		return snprintf(text, size, "%s", k->preset) < (int)size;
	n = table_size();
	if (!n)
		return false;
	if (!strcmp(k->name, "net.ipv4.tcp_max_tw_buckets") ||
	    !strcmp(k->name, "net.ipv4.tcp_max_orphans"))
		return snprintf(text, size, "%lld", n / 2) < (int)size;
	if (!strcmp(k->name, "net.ipv4.tcp_max_syn_backlog"))
		return snprintf(text, size, "%lld",
				n / 128 > 128 ? n / 128 : 128) < (int)size;
	return false;
}
