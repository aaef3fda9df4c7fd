/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows.h: what the kernel's rows and lull's have in common.
 */
#ifndef LULL_DOCTOR_ROWS_H
#define LULL_DOCTOR_ROWS_H

#include <linux/inet_diag.h>

#include "facts.h"

void row_take(const struct inet_diag_msg *m, struct row *r);
/* Between two samples. */
void row_pause(double seconds);

#endif
