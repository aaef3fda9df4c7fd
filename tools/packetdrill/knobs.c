/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * knobs.c: the knobs are those of /proc/sys/net, whatever stands there now.
 *
 * A test may mount a directory of its own over it, and write it at any time
 * after packetdrill_interface_init(): so each file is read again before each
 * step, and set when its text is another one. What is not a value of lull's
 * means the default.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "drill.h"

/* A file's first line, without its end. false: there is none. */
static bool read_line(const char *name, char *text, size_t len)
{
	char path[96] = "/proc/sys/";
	size_t at = strlen(path);
	ssize_t n;
	int fd;

	for (; *name && at + 1 < sizeof path; name++)
		path[at++] = *name == '.' ? '/' : *name;
	path[at] = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, len - 1);
	close(fd);
	if (n < 0)
		return false;
	text[n] = 0;
	text[strcspn(text, "\n")] = 0;
	return true;
}

static void set_default(struct drill *d, const struct lull_knob_info *info)
{
	char text[64];
	int at = 0;

	for (int i = 0; i < info->values; i++)
		at += snprintf(text + at, sizeof text - (size_t)at, "%s%ld",
			       i ? " " : "", (long)info->defaults[i]);
	(void)!lull_sysctl_set(d->shard, info->name, text, NULL);
}

static void take(struct drill *d, int i, const char *text)
{
	struct lull_knob_info info;

	snprintf(d->knob[i].text, sizeof d->knob[i].text, "%s", text);
	if (lull_sysctl_set(d->shard, d->knob[i].name, text, NULL) == 0)
		return;
	for (uint32_t k = 0; lull_diag_knob(d->shard, k, &info); k++)
		if (strcmp(info.name, d->knob[i].name) == 0 && info.values > 0)
			set_default(d, &info);
}

static void list(struct drill *d)
{
	struct lull_knob_info info;

	for (uint32_t k = 0; lull_diag_knob(d->shard, k, &info); k++) {
		if (info.fixed || strncmp(info.name, "net.lull.", 9) == 0 ||
		    d->knobs == DRILL_KNOBS)
			continue;
		snprintf(d->knob[d->knobs++].name, sizeof d->knob[0].name, "%s",
			 info.name);
	}
}

void drill_knobs(struct drill *d)
{
	char text[sizeof d->knob[0].text];

	if (d->knobs == 0)
		list(d);
	for (int i = 0; i < d->knobs; i++)
		if (read_line(d->knob[i].name, text, sizeof text) &&
		    strcmp(text, d->knob[i].text) != 0)
			take(d, i, text);
}
