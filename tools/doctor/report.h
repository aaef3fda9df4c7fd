/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.h: findings for people, and for programs.
 */
#ifndef LULL_DOCTOR_REPORT_H
#define LULL_DOCTOR_REPORT_H

#include "rules.h"

/* An exit code: TOOL_OK, TOOL_FINDING, TOOL_TROUBLE. */
int report_code(const struct sheet *s);
void report_text(const struct facts *f, const struct sheet *s, bool verbose);
/* Negative errno. */
int report_json(const struct facts *f, const struct sheet *s);
/* The baseline as a sentence. */
const char *report_baseline(const struct facts *f, char *text, size_t size);

#endif
