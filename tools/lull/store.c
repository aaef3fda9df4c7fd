/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store.c: see store.h. Paths are resolved by openat2(2) beneath the
 * directory, so neither `..` nor a symbolic link leads out of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "store.h"

enum {
	KEPT_FILES = 256,   /* a power of two */
	KEPT_BYTES = 65536, /* larger files are not kept */
	HEAD_BYTES = 512,
	PATH_BYTES = 1024,
};

struct kept {
	char path[PATH_BYTES];
	int64_t looked_s; /* when the file was last looked at */
	int64_t dated_s;  /* the Date in its headers */
	struct timespec mtime;
	ino_t inode;
	char *body;
	size_t body_len;
	/* Headers end right before the body: one for each kind of connection.
	 */
	char *block[2];
	size_t head_len[2];
};

struct store {
	int dir;
	struct kept kept[KEPT_FILES];
	char head[HEAD_BYTES];
};

/* ---- words ---- */

static const char *type_of(const char *path)
{
	static const struct {
		const char *ending, *type;
	} types[] = {
		{".html", "text/html; charset=utf-8"},
		{".htm", "text/html; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".json", "application/json"},
		{".txt", "text/plain; charset=utf-8"},
		{".md", "text/markdown; charset=utf-8"},
		{".xml", "application/xml"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".jpg", "image/jpeg"},
		{".jpeg", "image/jpeg"},
		{".gif", "image/gif"},
		{".webp", "image/webp"},
		{".ico", "image/x-icon"},
		{".pdf", "application/pdf"},
		{".wasm", "application/wasm"},
		{".gz", "application/gzip"},
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++)
		if (!strcasecmp(dot, types[i].ending))
			return types[i].type;
	return "application/octet-stream";
}

static const char *reason_of(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 301:
		return "Moved Permanently";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 414:
		return "URI Too Long";
	case 431:
		return "Request Header Fields Too Large";
	case 501:
		return "Not Implemented";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Internal Server Error";
	}
}

static void http_date(int64_t s, char *out, size_t size)
{
	time_t t = (time_t)s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, size, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

static const char *connection_of(bool keep_alive)
{
	return keep_alive ? "keep-alive" : "close";
}

size_t store_status(int status, bool keep_alive, const char *more_header,
		    int64_t now_s, char *out, size_t size)
{
	char date[40], text[64];
	int n, len;

	http_date(now_s, date, sizeof date);
	len = snprintf(text, sizeof text, "%d %s\n", status, reason_of(status));
	n = snprintf(out, size,
		     "HTTP/1.1 %d %s\r\nServer: lull\r\nDate: %s\r\n"
		     "Content-Type: text/plain\r\nContent-Length: %d\r\n"
		     "Connection: %s\r\n%s\r\n%s",
		     status, reason_of(status), date, len,
		     connection_of(keep_alive), more_header, text);
	return n < 0 || (size_t)n >= size ? 0 : (size_t)n;
}

static size_t file_head(const char *path, off_t len, int64_t mtime_s,
			bool keep_alive, int64_t now_s, char out[HEAD_BYTES])
{
	char date[40], modified[40];
	int n;

	http_date(now_s, date, sizeof date);
	http_date(mtime_s, modified, sizeof modified);
	n = snprintf(out, HEAD_BYTES,
		     "HTTP/1.1 200 OK\r\nServer: lull\r\nDate: %s\r\n"
		     "Last-Modified: %s\r\nContent-Type: %s\r\n"
		     "Content-Length: %lld\r\nConnection: %s\r\n\r\n",
		     date, modified, type_of(path), (long long)len,
		     connection_of(keep_alive));
	return n < 0 || n >= HEAD_BYTES ? 0 : (size_t)n;
}

/* ---- paths ---- */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* "/a%20b?q" to "a b"; a path that ends with a slash gets index.html. */
static int decode(const char *target, char out[PATH_BYTES])
{
	size_t n = 0;

	if (*target != '/')
		return 400;
	while (*target == '/')
		target++;
	for (; *target && *target != '?' && *target != '#'; target++) {
		int c = (unsigned char)*target;

		if (c == '%') {
			int hi = hex(target[1]);
			int lo = hi < 0 ? -1 : hex(target[2]);

			if (lo < 0)
				return 400;
			c = hi << 4 | lo;
			target += 2;
		}
		if (c == 0)
			return 400;
		if (n == PATH_BYTES - sizeof "index.html")
			return 414;
		out[n++] = (char)c;
	}
	if (n == 0 || out[n - 1] == '/') {
		memcpy(out + n, "index.html", sizeof "index.html");
		return 0;
	}
	out[n] = 0;
	return 0;
}

static int open_beneath(const struct store *s, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, s->dir, path, &how, sizeof how);
}

static int status_of(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case ENAMETOOLONG:
		return 404;
	case EACCES:
	case EPERM:
	case EXDEV: /* it would lead out of the directory */
		return 403;
	default:
		return 500;
	}
}

/* Open a regular file. 0, or the status. */
static int open_file(const struct store *s, const char *path, int *fd,
		     struct stat *st)
{
	*fd = open_beneath(s, path);
	if (*fd < 0)
		return status_of(errno);
	if (fstat(*fd, st) < 0 || !S_ISREG(st->st_mode)) {
		int status = S_ISDIR(st->st_mode) ? 301 : 403;

		close(*fd);
		return status;
	}
	return 0;
}

/* ---- files in memory ---- */

static unsigned slot_of(const char *path)
{
	unsigned h = 5381;

	while (*path)
		h = h * 33 + (unsigned char)*path++;
	return h & (KEPT_FILES - 1);
}

static void drop(struct kept *k)
{
	free(k->block[0]);
	free(k->block[1]);
	free(k->body);
	memset(k, 0, sizeof *k);
}

static bool read_whole(int fd, char *out, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, out + done, len - done, (off_t)done);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* Headers with today's Date in front of the body. */
static bool build_blocks(struct kept *k, int64_t now_s)
{
	char head[HEAD_BYTES];

	for (int alive = 0; alive < 2; alive++) {
		size_t n = file_head(k->path, (off_t)k->body_len,
				     k->mtime.tv_sec, alive, now_s, head);
		char *block = realloc(k->block[alive], n + k->body_len);

		if (!n || !block)
			return false;
		memcpy(block, head, n);
		memcpy(block + n, k->body, k->body_len);
		k->block[alive] = block;
		k->head_len[alive] = n;
	}
	k->dated_s = now_s;
	return true;
}

/* Read it anew, unless it is the same as before. */
static bool refresh(struct kept *k, const char *path, int fd,
		    const struct stat *st, int64_t now_s)
{
	bool same = !strcmp(k->path, path) && k->inode == st->st_ino &&
		    !memcmp(&k->mtime, &st->st_mtim, sizeof k->mtime) &&
		    k->body_len == (size_t)st->st_size;

	if (!same) {
		drop(k);
		k->body = malloc((size_t)st->st_size + 1);
		if (!k->body || !read_whole(fd, k->body, (size_t)st->st_size)) {
			drop(k);
			return false;
		}
		snprintf(k->path, sizeof k->path, "%s", path);
		k->inode = st->st_ino;
		k->mtime = st->st_mtim;
		k->body_len = (size_t)st->st_size;
	}
	k->looked_s = now_s;
	if (!build_blocks(k, now_s)) {
		drop(k);
		return false;
	}
	return true;
}

static void show(const struct kept *k, bool keep_alive, struct store_file *f)
{
	f->head = k->block[keep_alive];
	f->head_len = k->head_len[keep_alive];
	f->kept_len = k->body_len;
	f->body_len = (off_t)k->body_len;
	f->fd = -1;
}

int store_find(struct store *s, const char *target, bool keep_alive,
	       int64_t now_s, struct store_file *file)
{
	char path[PATH_BYTES];
	struct kept *k;
	struct stat st;
	int status, fd;

	status = decode(target, path);
	if (status)
		return status;
	k = &s->kept[slot_of(path)];
	if (k->looked_s == now_s && !strcmp(k->path, path)) {
		show(k, keep_alive, file);
		return 0;
	}
	status = open_file(s, path, &fd, &st);
	if (status)
		return status;
	if (st.st_size <= KEPT_BYTES && refresh(k, path, fd, &st, now_s)) {
		close(fd);
		show(k, keep_alive, file);
		return 0;
	}
	file->head = s->head;
	file->head_len = file_head(path, st.st_size, st.st_mtim.tv_sec,
				   keep_alive, now_s, s->head);
	file->kept_len = 0;
	file->body_len = st.st_size;
	file->fd = fd;
	return 0;
}

int store_open(struct store **store, const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct store *s;

	if (fd < 0)
		return -errno;
	s = calloc(1, sizeof *s);
	if (!s) {
		close(fd);
		return -ENOMEM;
	}
	s->dir = fd;
	*store = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	for (int i = 0; i < KEPT_FILES; i++)
		drop(&s->kept[i]);
	close(s->dir);
	free(s);
}
