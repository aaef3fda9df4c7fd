/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store.h: the files of one directory, as HTTP responses.
 *
 * Small files are kept in memory with their headers ready, and looked at
 * again once a second; large ones are read as they are sent. Nothing outside
 * of the directory is ever opened, whatever a path or a link says.
 */
#ifndef LULL_STORE_H
#define LULL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct store;

struct store_file {
	/* Header and, of a small file, the body behind it. */
	const char *head;
	size_t head_len; /* without the body */
	size_t kept_len; /* of the body, in memory */
	off_t body_len;
	int fd; /* of a large file, to be closed by the caller; or -1 */
};

/* -errno of opening the directory. */
int store_open(struct store **store, const char *dir);
void store_close(struct store *store);

/*
 * Look a request's target up ("/a%20b/?q"). 0, or the status to answer:
 * 301 (it is a directory: add a slash), 400, 403, 404, 500. `head` stays valid
 * until the next call. `now_s` is the time since 1970.
 */
int store_find(struct store *store, const char *target, bool keep_alive,
	       int64_t now_s, struct store_file *file);

/* A response without a file: header and a line of text. Returns its length. */
size_t store_status(int status, bool keep_alive, const char *more_header,
		    int64_t now_s, char *out, size_t size);

#endif
