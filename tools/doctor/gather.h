/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gather.h: rows of sockets into facts, while they come: none is kept.
 *
 * Two passes, one a sample. Listeners come first in each, since they tell
 * which side of a connection we are on. What is kept grows with destinations,
 * listeners and what stays in odd states, up to bounds.
 */
#ifndef LULL_DOCTOR_GATHER_H
#define LULL_DOCTOR_GATHER_H

#include "../lull/procs.h"
#include "facts.h"

struct scan;

/* The port range in `f` must be there already. NULL: no memory. */
struct scan *scan_new(struct facts *f);
void scan_free(struct scan *scan);
/* Ports that connect() leaves out, as "80,8000-8080". */
void scan_reserve(struct scan *scan, const char *text);
/* From here on rows are of this sample; what there was of it is forgotten. */
void scan_begin(struct scan *scan, int sample);
/* Of the second sample: who holds what; may stay NULL. */
void scan_procs(struct scan *scan, const struct procs *procs);
/* A listener with a range of ports up to port_hi, of lull. */
int scan_listener(struct scan *scan, const struct row *row, uint16_t port_hi);
/* Negative errno. */
int scan_row(struct scan *scan, const struct row *row);
/* Fills in what `f` has of rows. */
void scan_finish(struct scan *scan);

#endif
