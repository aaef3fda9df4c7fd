/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc.h: numbers of this host out of /proc, into facts. What can't be read
 * stays unknown.
 */
#ifndef LULL_DOCTOR_PROC_H
#define LULL_DOCTOR_PROC_H

#include "facts.h"

enum {
	RESERVED_TEXT = 4096,
};

/* Counters and sockstat, of sample 0 or 1. */
void proc_counters(struct facts *f, int sample);
/* Knobs of this network namespace. `reserved`: RESERVED_TEXT bytes, for the
 * list of ports that connect() leaves out. */
void proc_knobs(struct facts *f, char *reserved);
/* Descriptors open and allowed, of processes with CLOSE_WAITs. */
void proc_descriptors(struct facts *f);
/* The kernel's log; root alone may read it. */
void proc_log(struct facts *f);
/* Lines of sysctl.conf(5) that do nothing. */
void proc_files(struct facts *f);
/* Knobs of other network namespaces; root alone may look. */
void proc_spaces(struct facts *f);

#endif
