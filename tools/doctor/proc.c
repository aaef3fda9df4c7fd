/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc.c: see proc.h: counters, knobs, descriptors, the kernel's log.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc.h"

enum {
	LONG_LINE = 16384, /* of /proc/net/netstat: some 3 KiB */
	LOG_RECORDS = 20000,
};

/* ---- counters ---- */

static void set_counter(struct facts *f, int sample, const char *group,
			const char *name, int64_t value)
{
	for (int i = 0; i < COUNTERS_ALL; i++) {
		const char *g, *n;

		facts_counter_name((enum counter)i, &g, &n);
		if (strcmp(g, group) == 0 && strcmp(n, name) == 0)
			f->counter[i][sample] = value;
	}
}

/* "TcpExt: NAME NAME..." and below it "TcpExt: 1 2 ...". */
static void read_pairs(struct facts *f, int sample, char *names, char *values)
{
	char *save[2], *name, *value;
	const char *group = strtok_r(names, ": \n", &save[0]);

	if (!group || !strtok_r(values, ": \n", &save[1]))
		return;
	name = strtok_r(NULL, " \n", &save[0]);
	value = strtok_r(NULL, " \n", &save[1]);
	while (name && value) {
		set_counter(f, sample, group, name, strtoll(value, NULL, 10));
		name = strtok_r(NULL, " \n", &save[0]);
		value = strtok_r(NULL, " \n", &save[1]);
	}
}

static void read_counters(struct facts *f, int sample, const char *path)
{
	static char names[LONG_LINE], values[LONG_LINE];
	FILE *file = fopen(path, "re");

	while (file && fgets(names, sizeof names, file) &&
	       fgets(values, sizeof values, file))
		if (!strncmp(names, "Tcp", 3))
			read_pairs(f, sample, names, values);
	if (file)
		fclose(file);
}

/* A line for each processor, in hexadecimal. */
static void read_conntrack(struct facts *f, int sample)
{
	static char names[LONG_LINE], values[LONG_LINE];
	FILE *file = fopen("/proc/net/stat/nf_conntrack", "re");
	int64_t sum[64] = {0};
	char *save, *at;
	int n = 0, lines = 0;

	if (!file || !fgets(names, sizeof names, file))
		goto out;
	for (; fgets(values, sizeof values, file); lines++) {
		n = 0;
		for (at = strtok_r(values, " \n", &save); at && n < 64;
		     at = strtok_r(NULL, " \n", &save))
			sum[n++] += strtoll(at, NULL, 16);
	}
	at = strtok_r(names, " \n", &save);
	for (int i = 0; at && i < n && lines; i++) {
		set_counter(f, sample, "conntrack", at, sum[i]);
		at = strtok_r(NULL, " \n", &save);
	}
out:
	if (file)
		fclose(file);
}

static void read_sockstat(struct facts *f, int sample)
{
	FILE *file = fopen("/proc/net/sockstat", "re");
	char line[256];
	long orphan, tw, mem;

	while (file && fgets(line, sizeof line, file)) {
		if (sscanf(line,
			   "TCP: inuse %*d orphan %ld tw %ld alloc %*d mem %ld",
			   &orphan, &tw, &mem) != 3)
			continue;
		f->orphans[sample] = orphan;
		f->tw_minisocks = tw;
		f->mem_pages = mem;
	}
	if (file)
		fclose(file);
}

void proc_counters(struct facts *f, int sample)
{
	read_counters(f, sample, "/proc/net/netstat");
	read_counters(f, sample, "/proc/net/snmp");
	read_conntrack(f, sample);
	read_sockstat(f, sample);
}

/* ---- knobs ---- */

static bool read_knob(const char *name, char *text, size_t size)
{
	char path[160];
	FILE *file;
	bool fine;

	snprintf(path, sizeof path, "/proc/sys/%s", name);
	for (char *at = path; *at; at++)
		*at = *at == '.' ? '/' : *at;
	file = fopen(path, "re");
	fine = file && fgets(text, (int)size, file);
	if (file)
		fclose(file);
	return fine;
}

void proc_knobs(struct facts *f, char *reserved)
{
	char text[256];
	long lo, hi;

	for (int i = 0; i < KNOBS_ALL; i++) {
		char *end;
		long long v;

		if (!read_knob(facts_knob_name((enum knob)i), text,
			       sizeof text))
			continue;
		v = strtoll(text, &end, 10);
		if (end != text)
			f->knob[i] = v;
	}
	if (read_knob("net.ipv4.ip_local_port_range", text, sizeof text) &&
	    sscanf(text, "%ld %ld", &lo, &hi) == 2) {
		f->range_lo = lo;
		f->range_hi = hi;
	}
	/* An empty list is an empty file. */
	if (!read_knob("net.ipv4.ip_local_reserved_ports", reserved,
		       RESERVED_TEXT))
		reserved[0] = 0;
	reserved[strcspn(reserved, "\n")] = 0;
	snprintf(f->reserved_ports, sizeof f->reserved_ports, "%s",
		 strlen(reserved) < sizeof f->reserved_ports ? reserved
							     : "...");
	/* The host's own namespace alone shows it. */
	f->child_netns = !known(f->knob[K_MAX_ORPHANS]);
}

/* ---- descriptors ---- */

static int64_t count_descriptors(pid_t pid)
{
	char path[64];
	int64_t n = 0;
	const struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return UNKNOWN;
	while ((entry = readdir(dir)))
		n += isdigit((unsigned char)entry->d_name[0]) != 0;
	closedir(dir);
	return n;
}

static int64_t most_descriptors(pid_t pid)
{
	char path[64], line[256];
	long long soft;
	int64_t most = UNKNOWN;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/limits", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "Max open files %lld", &soft) == 1)
			most = soft;
	if (file)
		fclose(file);
	return most;
}

void proc_descriptors(struct facts *f)
{
	for (int i = 0; i < f->groups; i++) {
		struct group *g = &f->group[i];

		if (g->kind != KIND_CLOSE_WAIT || !g->pid)
			continue;
		g->fds = count_descriptors(g->pid);
		g->fds_max = most_descriptors(g->pid);
	}
}

/* ---- the kernel's log ---- */

static void see_record(struct facts *f, const char *text)
{
	f->log_orphans += strstr(text, "too many orphaned sockets") != NULL;
	f->log_flood += strstr(text, "Possible SYN flooding") != NULL;
	f->log_conntrack += strstr(text, "nf_conntrack: table full") ||
			    strstr(text, "nf_conntrack: nf_conntrack: table");
	f->log_buckets +=
		strstr(text, "time wait bucket table overflow") != NULL;
}

void proc_log(struct facts *f)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char record[8192];
	ssize_t n;

	if (fd < 0) {
		facts_note(f,
			   "the kernel's log can't be read (%s); as root "
			   "its lines about orphans, SYN floods and "
			   "conntrack count too",
			   strerror(errno));
		return;
	}
	f->log_orphans = f->log_flood = f->log_conntrack = f->log_buckets = 0;
	for (int i = 0; i < LOG_RECORDS; i++) {
		n = read(fd, record, sizeof record - 1);
		if (n < 0 && errno == EPIPE)
			continue; /* overwritten meanwhile: the next one */
		if (n <= 0)
			break;
		record[n] = 0;
		see_record(f, record);
	}
	close(fd);
}
