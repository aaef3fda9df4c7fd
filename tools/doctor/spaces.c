/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spaces.c: see proc.h: what files of sysctl.conf(5) set, and what other
 * network namespaces have set.
 *
 * To look into another namespace this thread goes there and comes back; it
 * reads, and sets nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lull/conf.h"
#include "proc.h"

enum {
	SPACES = 64, /* looked into, at most */
};

/* ---- files ---- */

/* Only what every host has if its kernel has it: no modules', no devices'. */
static bool is_judged(const char *name)
{
	return !strncmp(name, "net.ipv4.tcp_", 13) ||
	       !strncmp(name, "net.ipv4.ip_", 12) ||
	       !strncmp(name, "net.core.", 9);
}

static bool is_there(const char *name)
{
	char path[160];

	snprintf(path, sizeof path, "/proc/sys/%s", name);
	for (char *at = path; *at; at++)
		*at = *at == '.' ? '/' : *at;
	return access(path, F_OK) == 0;
}

static int see_line(void *arg, struct conf_line *line)
{
	struct facts *f = arg;
	struct file_line *l = &f->file[f->files];
	char *name = line->name;
	bool recycle = strstr(name, "tcp_tw_recycle") != NULL;

	if (!line->value || f->files == TOP_FILES)
		return 0;
	conf_dots(name);
	/* In a child namespace much is hidden, and proves nothing. */
	if (!recycle && (f->child_netns || strpbrk(name, "*?[") ||
			 !is_judged(name) || is_there(name)))
		return 0;
	snprintf(l->file, sizeof l->file, "%s", line->file);
	snprintf(l->name, sizeof l->name, "%s", name);
	snprintf(l->value, sizeof l->value, "%s", line->value);
	l->line = (uint32_t)line->number;
	l->recycle = recycle;
	l->unknown = true;
	f->files++;
	return 0;
}

static int see_file(void *arg, const char *path)
{
	struct facts *f = arg;
	int e = conf_read(path, see_line, f);

	if (e < 0)
		facts_note(f, "%s: %s", path, strerror(-e));
	return 0;
}

void proc_files(struct facts *f)
{
	f->files_read = conf_system(see_file, f) == 0;
}

/* ---- namespaces ---- */

struct looked {
	ino_t seen[SPACES];
	int len;
	int home; /* our own, to come back to */
};

static const enum knob compared[] = {
	K_TW_REUSE,  K_TIMESTAMPS, K_FIN_TIMEOUT,
	K_SOMAXCONN, K_SYNCOOKIES, K_KEEPALIVE_TIME,
};

static void compare(struct facts *f, const char *name)
{
	struct facts *there = malloc(sizeof *there);
	char *reserved = malloc(RESERVED_TEXT);

	if (there && reserved) {
		facts_init(there);
		proc_knobs(there, reserved);
	}
	for (size_t i = 0; i < sizeof compared / sizeof compared[0]; i++) {
		enum knob k = compared[i];
		struct space *s = &f->space[f->spaces];

		if (!there || !reserved || f->spaces == TOP_SPACES ||
		    !known(there->knob[k]) || !known(f->knob[k]) ||
		    there->knob[k] == f->knob[k])
			continue;
		f->spaces++;
		snprintf(s->name, sizeof s->name, "%.63s", name);
		snprintf(s->knob, sizeof s->knob, "%s", facts_knob_name(k));
		s->theirs = there->knob[k];
		s->ours = f->knob[k];
	}
	free(there);
	free(reserved);
}

static bool is_new(struct looked *l, ino_t inode)
{
	for (int i = 0; i < l->len; i++)
		if (l->seen[i] == inode)
			return false;
	if (l->len == SPACES)
		return false;
	l->seen[l->len++] = inode;
	return true;
}

/* false: we are not home again, and must not go on. */
static bool look_into(struct facts *f, struct looked *l, const char *path,
		      const char *name)
{
	struct stat st;
	int fd;

	if (stat(path, &st) < 0 || !is_new(l, st.st_ino))
		return true;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	if (setns(fd, CLONE_NEWNET) == 0)
		compare(f, name);
	else if (errno == EPERM)
		f->spaces_read = false;
	close(fd);
	return setns(l->home, CLONE_NEWNET) == 0 || !f->spaces_read;
}

static bool look_at_all(struct facts *f, struct looked *l, const char *root,
			const char *format, const char *label)
{
	const struct dirent *entry;
	DIR *dir = opendir(root);
	bool fine = true;

	while (dir && fine && f->spaces_read && (entry = readdir(dir))) {
		char path[320], name[320];

		if (entry->d_name[0] == '.' ||
		    (*format == 'p' &&
		     (entry->d_name[0] < '0' || entry->d_name[0] > '9')))
			continue;
		snprintf(path, sizeof path, "%s/%s%s", root, entry->d_name,
			 *format == 'p' ? "/ns/net" : "");
		snprintf(name, sizeof name, "%s %.40s", label, entry->d_name);
		fine = look_into(f, l, path, name);
	}
	if (dir)
		closedir(dir);
	return fine;
}

void proc_spaces(struct facts *f)
{
	struct looked l = {
		.home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)};
	struct stat st;

	if (l.home < 0 || fstat(l.home, &st) < 0)
		return;
	is_new(&l, st.st_ino);
	f->spaces_read = setns(l.home, CLONE_NEWNET) == 0;
	if (!f->spaces_read)
		facts_note(f, "as root other network namespaces are compared "
			      "too (D30)");
	else if (!look_at_all(f, &l, "/run/netns", "n", "namespace") ||
		 !look_at_all(f, &l, "/proc", "p", "that of pid"))
		facts_note(f, "the way back into this network namespace "
			      "failed");
	close(l.home);
}
