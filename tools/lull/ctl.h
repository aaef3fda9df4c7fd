/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl.h: what the subcommands that ask a running lull share.
 */
#ifndef LULL_TOOL_CTL_H
#define LULL_TOOL_CTL_H

#include <getopt.h>

#include "../../host/control.h"
#include "tool.h"

/* Explain a failure of lull_client_*(). Returns TOOL_COULD_NOT. */
int ctl_failed(const char *path, int error);
/* Connect; NULL: explained. */
struct lull_client *ctl_open(const char *path);
/* There is no --ctl. Returns TOOL_USAGE. */
int ctl_needed(void);
/* Flush standard output; explain if that failed. */
int ctl_finish(int code);

#endif
