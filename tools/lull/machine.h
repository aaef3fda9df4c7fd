/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.h: what the machine alone costs, so that a figure of ours can be
 * told from one of its own.
 */
#ifndef LULL_TOOL_MACHINE_H
#define LULL_TOOL_MACHINE_H

#include <stddef.h>
#include <stdint.h>

/* One load from this memory, in no order, that waits for the one before: the
 * median, in nanoseconds. `len`: 4096 bytes and more; only read. */
double machine_load_ns(const void *mem, size_t len);
/* The longest time, in microseconds, that this thread was held up in `for_ns`
 * while it did nothing but read the clock. */
double machine_pause_us(uint64_t for_ns);

#endif
