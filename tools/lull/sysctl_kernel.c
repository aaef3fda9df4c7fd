/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysctl_kernel.c: the kernel's knobs, of the network namespace that we are
 * in: files below /proc/sys.
 *
 * Every name can be read and set, as sysctl(8) does; a name of a directory
 * shows what is below. "All" are those that concern TCP.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "ctl.h"
#include "lint.h"
#include "sysctl.h"
#include "../words/words.h"

enum {
	PATH = 512,
	TEXT = 65536, /* ip_local_reserved_ports may be long */
	DEPTH = 12,
	SHORT = 5, /* letters: any other word is near */
};

#define ROOT "/proc/sys/"

static const char *const about_tcp[] = {
	"net.core.*",
	"net.ipv4.tcp_*",
	"net.ipv4.ip_*",
	"net.ipv4.icmp_*",
	"net.netfilter.nf_conntrack_*",
};

/* ---- names and paths ---- */

/* "net.ipv4.conf.eth0/1.x" is net/ipv4/conf/eth0.1/x. false: it can't be. */
static bool path_of(const char *name, char *path)
{
	int len = snprintf(path, PATH, ROOT "%s", name);

	if (!*name || *name == '/' || *name == '.' || len < 0 || len >= PATH)
		return false;
	for (char *p = path + strlen(ROOT); *p; p++)
		*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	return !strstr(path, "/../") && !strstr(path, "//") &&
	       path[len - 1] != '/' && strcmp(path + len - 3, "/..") != 0;
}

static const char *name_of(const char *path, char *name)
{
	snprintf(name, PATH, "%s", path + strlen(ROOT));
	conf_dots(name);
	return name;
}

/* What is in its directory, to suggest one of them. */
static const char *nearest_in(const char *path, char *near)
{
	const char *last = strrchr(path, '/') + 1, *names[1024], *found;
	char dir[PATH];
	struct dirent **list;
	int n;

	snprintf(dir, sizeof dir, "%.*s", (int)(last - path), path);
	n = strlen(last) < SHORT ? 0 : scandir(dir, &list, NULL, alphasort);
	if (n <= 0)
		return NULL;
	for (int i = 0; i < n && i < 1023; i++)
		names[i] = list[i]->d_name;
	names[n < 1023 ? n : 1023] = NULL;
	found = tool_nearest(last, names);
	if (found)
		snprintf(near, PATH, "%s%s", dir, found);
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return found ? near : NULL;
}

bool sysctl_kernel_has(const char *name)
{
	char path[PATH];

	return path_of(name, path) && access(path, F_OK) == 0;
}

const char *sysctl_kernel_nearest(const char *name, char *near)
{
	char path[PATH], found[PATH];

	if (!path_of(name, path) || !nearest_in(path, found))
		return NULL;
	return name_of(found, near);
}

static int unknown(const struct sysctl *s, const char *name, const char *path)
{
	const struct word_knob *known = word_knob_find(name);
	char near[PATH], text[PATH];

	if (s->ignore)
		return TOOL_OK;
	if (known && known->gone)
		return tool_error(TOOL_USAGE,
				  "%s: no such knob: Linux removed it in %s; "
				  "lull explain %s tells more",
				  name, known->gone, name);
	if (known)
		return tool_error(TOOL_USAGE,
				  "%s: it is not in this kernel, or not in "
				  "this network namespace; lull explain %s "
				  "tells more",
				  name, name);
	if (path && nearest_in(path, near))
		return tool_error(TOOL_USAGE,
				  "%s: no such knob; did you mean %s?", name,
				  name_of(near, text));
	return tool_error(TOOL_USAGE,
			  "%s: no such knob; lull sysctl -a lists those about "
			  "TCP",
			  name);
}

static int failed(const struct sysctl *s, const char *name, const char *path)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return unknown(s, name, path);
	case EACCES:
	case EPERM:
		return tool_error(TOOL_COULD_NOT, "%s: not allowed; be root",
				  name);
	case EROFS:
		return tool_error(TOOL_COULD_NOT,
				  "%s: /proc/sys is read-only here (a "
				  "container's?); set it outside",
				  name);
	default:
		return tool_error(TOOL_COULD_NOT, "%s: %s", name,
				  strerror(errno));
	}
}

/* ---- showing ---- */

/* Only new lines and tabs may command the terminal. */
static void clean(char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < ' ' && *text != '\n' &&
		     *text != '\t') ||
		    *text == 0x7f)
			*text = '?';
}

/* Below 0: errno has it. */
static int read_text(const char *path, char *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -1;
	while (len < TEXT - 1 && (n = read(fd, text + len, TEXT - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	if (n < 0)
		return -1;
	text[len] = 0;
	while (len && text[len - 1] == '\n')
		text[--len] = 0;
	clean(text);
	return 0;
}

/* A number, an array of them, or text. */
static json_t *value_json(const char *text)
{
	json_t *array = json_array(), *first;
	const char *p = text;
	char *end;

	do {
		long long value = strtoll(p, &end, 10);

		if (end == p || (*end && *end != '\t' && *end != ' ')) {
			json_decref(array);
			return json_string(text);
		}
		json_array_append_new(array, json_integer(value));
		p = end + strspn(end, " \t");
	} while (*p);
	if (json_array_size(array) > 1)
		return array;
	first = json_incref(json_array_get(array, 0));
	json_decref(array);
	return first;
}

static json_t *knob_json(const char *name, const char *text)
{
	const struct word_knob *known = word_knob_find(name);
	json_t *json = json_pack("{s:s, s:o}", "name", name, "value",
				 value_json(text));
	char normal[64];

	if (!known)
		return json;
	if (word_knob_default(known, normal, sizeof normal))
		json_object_set_new(json, "default", value_json(normal));
	json_object_set_new(json, "unit", json_string(known->unit));
	json_object_set_new(json, "help", json_string(known->help));
	return json;
}

static int show_file(struct sysctl *s, const char *path)
{
	static char text[TEXT];
	char name[PATH], *line, *next;

	name_of(path, name);
	if (!sysctl_is_wanted(s, name))
		return TOOL_OK;
	if (s->names && !s->list) {
		puts(name);
		return TOOL_OK;
	}
	if (read_text(path, text) < 0)
		return failed(s, name, path);
	if (s->list) {
		json_array_append_new(s->list, knob_json(name, text));
		return TOOL_OK;
	}
	for (line = text; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		sysctl_print(s, name, line);
	}
	return TOOL_OK;
}

/* Of a directory all that can be read, by name. */
static int show_path(struct sysctl *s, const char *path, int depth)
{
	struct dirent **list;
	struct stat stat_of;
	char *below;
	int n, code = TOOL_OK;

	if (stat(path, &stat_of) < 0)
		return -1;
	if (!S_ISDIR(stat_of.st_mode))
		return stat_of.st_mode & 0444 ? show_file(s, path) : TOOL_OK;
	n = depth ? scandir(path, &list, NULL, alphasort) : 0;
	for (int i = 0; i < n; i++) {
		if (list[i]->d_name[0] != '.' &&
		    asprintf(&below, "%s/%s", path, list[i]->d_name) > 0) {
			int e = show_path(s, below, depth - 1);

			code = sysctl_worse(code, e < 0 ? TOOL_OK : e);
			free(below);
		}
		free(list[i]);
	}
	if (n > 0)
		free(list);
	return code;
}

static int show(struct sysctl *s, const char *name)
{
	char path[PATH];
	int code;

	if (!path_of(name, path))
		return unknown(s, name, NULL);
	code = show_path(s, path, DEPTH);
	return code < 0 ? failed(s, name, path) : code;
}

static int for_pattern(struct sysctl *s, const char *pattern, const char *value,
		       int (*each)(struct sysctl *s, const char *path,
				   const char *value))
{
	int code = TOOL_OK, e;
	glob_t found;

	e = glob(pattern, 0, NULL, &found);
	if (e != 0)
		return e == GLOB_NOMATCH ? -1 : TOOL_COULD_NOT;
	for (size_t i = 0; i < found.gl_pathc; i++)
		code = sysctl_worse(code, each(s, found.gl_pathv[i], value));
	globfree(&found);
	return code;
}

static int show_readable(struct sysctl *s, const char *path, const char *value)
{
	int code =
		access(path, R_OK) == 0 ? show_path(s, path, DEPTH) : TOOL_OK;

	(void)value;
	return code < 0 ? TOOL_OK : code;
}

static int show_all(struct sysctl *s)
{
	int code = TOOL_OK;
	char path[PATH];

	for (size_t i = 0; i < sizeof about_tcp / sizeof about_tcp[0]; i++) {
		path_of(about_tcp[i], path);
		code = sysctl_worse(code,
				    for_pattern(s, path, NULL, show_readable));
	}
	return code < 0 ? TOOL_OK : code; /* no conntrack, say */
}

/* ---- setting ---- */

static int write_text(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), e = 0;
	char *line = NULL;
	int len = fd < 0 ? -1 : asprintf(&line, "%s\n", value);

	if (fd < 0)
		return -1;
	if (len < 0 || write(fd, line, (size_t)len) < 0)
		e = errno;
	free(line);
	close(fd);
	errno = e;
	return e ? -1 : 0;
}

static int set_file(struct sysctl *s, const char *path, const char *value)
{
	char name[PATH];

	name_of(path, name);
	if (!sysctl_is_wanted(s, name))
		return TOOL_OK;
	if (write_text(path, value) < 0) {
		if (errno == EINVAL || errno == ERANGE)
			return tool_error(TOOL_USAGE,
					  "%s=%s: the kernel refuses it: %s",
					  name, value, strerror(errno));
		return failed(s, name, path);
	}
	return s->quiet ? TOOL_OK : show_readable(s, path, NULL);
}

static int set_unnamed(struct sysctl *s, const char *path, const char *value)
{
	char name[PATH];

	return sysctl_is_named(s, name_of(path, name))
		       ? TOOL_OK
		       : set_file(s, path, value);
}

static int set(struct sysctl *s, const char *name, const char *value)
{
	char path[PATH];
	int code;

	if (!path_of(name, path))
		return unknown(s, name, NULL);
	if (!strpbrk(name, "*?["))
		return set_file(s, path, value);
	code = for_pattern(s, path, value, set_unnamed);
	return code < 0 ? unknown(s, name, NULL) : code;
}

/* ---- the side ---- */

static int open_kernel(struct sysctl *s)
{
	(void)s;
	if (access(ROOT, R_OK | X_OK) == 0)
		return TOOL_OK;
	return tool_error(TOOL_COULD_NOT,
			  ROOT ": %s; mount /proc, or name a running lull with "
			       "--ctl",
			  strerror(errno));
}

static void close_kernel(struct sysctl *s)
{
	(void)s;
}

const struct sysctl_side sysctl_of_kernel = {open_kernel, close_kernel,
					     show_all, show, set};
