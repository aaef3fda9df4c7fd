/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.h: lines of cells, printed in columns as wide as their widest cell, as
 * ss(8) of iproute2 6.1 lays them out.
 */
#ifndef LULL_TOOL_TABLE_H
#define LULL_TOOL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum {
	TABLE_COLUMNS = 8,
};

struct table_column {
	bool right; /* aligned */
	bool blank; /* before it */
};

struct table {
	const struct table_column *column; /* TABLE_COLUMNS of them */
	int width[TABLE_COLUMNS];
	int screen; /* columns of the terminal; 0: it is none */
	char *text; /* cells, each with its NUL */
	size_t len, size;
	int cells;    /* of the line so far */
	bool flushed; /* a part has been printed */
};

void table_open(struct table *t, const struct table_column *column);
/* false: no memory. A line has TABLE_COLUMNS cells. */
__attribute__((format(printf, 2, 3))) bool table_cell(struct table *t,
						      const char *format, ...);
/* Forget all cells; false: a part has been printed already. */
bool table_restart(struct table *t);
/* Print what is there, and free it. */
void table_close(struct table *t);

#endif
