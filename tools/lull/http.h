/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * http.h: an HTTP/1.1 server of static files, on lull's sockets.
 *
 * Keep-alive and close, pipelining, GET and HEAD; everything else is refused
 * by name. A request is answered before the next one is read, so a client
 * that doesn't read costs its send buffer and no more.
 */
#ifndef LULL_HTTP_H
#define LULL_HTTP_H

#include <lull/lull.h>

#include "store.h"

struct http;

struct http_options {
	struct lull_shard *shard;
	struct store *store;
	bool bench;	      /* GET /bulk, PUT /sink */
	bool client_closes;   /* after Connection: close wait for their FIN */
	uint32_t keepalive_s; /* an idle connection is closed after this */
	uint32_t keepalive_most; /* requests of one connection; 0: no limit */
};

/* -ENOMEM. The options are copied. */
int http_create(struct http **http, const struct http_options *options);
/* Connections are not closed: the shard goes too. */
void http_destroy(struct http *http);
/* Listen on both families. -EADDRINUSE and others of lull_sock_listen(). */
int http_listen(struct http *http, uint16_t port, uint32_t backlog);
void http_events(struct http *http, const struct lull_event *events, int n);
/* Once a second: close what is idle for too long. */
void http_tick(struct http *http);
/* No new connections; close what is idle, finish the rest. true: none is left.
 */
bool http_drain(struct http *http);

#endif
