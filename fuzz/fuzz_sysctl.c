/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_sysctl.c: files for `lull sysctl -p` and `lull sysctl lint`, and values
 * for every knob.
 *
 * The input is a file. Each of its lines sets a knob of a shard: what was taken
 * is shown as text that sets the same again, and what was refused has changed
 * nothing. Then the file is judged.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../tools/lull/conf.h"
#include "../tools/lull/lint.h"
#include "../tools/lull/lint_file.h"
#include "../tools/lull/tool.h"

enum {
	TEXT = 512 * 1024, /* of 65,536 ports, each by itself */
};

static struct lull_shard *shard;
static char before[TEXT], after[TEXT];
static char path[64];
static int file = -1;

/* What the machine has is none of the input. */
bool sysctl_kernel_has(const char *name)
{
	return name[0] == 'n';
}

const char *sysctl_kernel_nearest(const char *name, char *near)
{
	(void)near;
	return name[0] == 'k' ? "kernel.panic" : NULL;
}

static void check_taken(const char *name)
{
	int len = lull_sysctl_get(shard, name, before, sizeof before);

	MUST(len >= 0 && strlen(before) == (size_t)len);
	MUST(lull_sysctl_set(shard, name, before, NULL) == 0);
	MUST(lull_sysctl_get(shard, name, after, sizeof after) == len);
	MUST(strcmp(before, after) == 0);
}

static int see(void *arg, struct conf_line *line)
{
	struct lull_sysctl_why why = {.size = sizeof why};
	static struct lull_knobs knobs;
	int e;

	(void)arg;
	MUST(line->name[0] != ' ' && line->number > 0);
	if (!line->value)
		return 0;
	knobs = shard->g.knobs;
	e = lull_sysctl_set(shard, line->name, line->value, &why);
	MUST(e <= 0);
	if (e == 0) {
		check_taken(line->name);
		return 0;
	}
	MUST(why.error == e && (e != -ERANGE || why.min <= why.max));
	MUST(memcmp(&knobs, &shard->g.knobs, sizeof knobs) == 0);
	return 0;
}

static void prepare(void)
{
	static struct fuzz_memory memory;
	struct lull_config c;

	lull_config_init(&c, 8, 8);
	fuzz_limits(&c.limits);
	shard = fuzz_shard(&memory, &c, 1000000000);
	file = memfd_create("conf", MFD_CLOEXEC);
	MUST(file >= 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
}

/* A finding has all its words. */
static void judge(void)
{
	struct lint l = {0};
	int e = lint_read(&l, path);

	MUST(e == 0 || e == -E2BIG || e == -EMSGSIZE);
	MUST(lint_judge(&l) == 0);
	for (size_t i = 0; i < l.settings; i++)
		for (size_t k = 0; k < l.setting[i].findings; k++)
			MUST(l.setting[i].finding[k].fact[0] &&
			     l.setting[i].finding[k].tag[0]);
	lint_free(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct lull_knobs knobs;
	int e;

	if (!shard)
		prepare();
	MUST(ftruncate(file, 0) == 0);
	MUST(pwrite(file, data, size, 0) == (ssize_t)size);
	knobs = shard->g.knobs;
	e = conf_read(path, see, NULL);
	MUST(e == 0 || e == -EMSGSIZE);
	shard->g.knobs = knobs;
	judge();
	return 0;
}
