/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_lab.h: changes of lab scripts by lines, for fuzz_lab.c.
 */
#ifndef LULL_FUZZ_LAB_H
#define LULL_FUZZ_LAB_H

#include <stddef.h>
#include <stdint.h>

/* As libFuzzer's mutator and cross-over: the new length. */
size_t fuzz_lab_change(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t fuzz_lab_cross(const uint8_t *a, size_t a_len, const uint8_t *b,
		      size_t b_len, uint8_t *out, size_t max, unsigned seed);

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

#endif
