/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * words.h: what the tools know about names: knobs, counters, states, errors,
 * log lines, and what files for sysctl(8) do with knobs.
 *
 * The knowledge stands in tables: those of the core (src/base, `*.def`), and
 * linux.def, lint.def and words.def here. Texts are English, and the msgids of
 * po/; who prints them translates them with words_text().
 */
#ifndef LULL_WORDS_H
#define LULL_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- language ---- */

/*
 * Find the catalogue of the language that the environment asks for: beside a
 * program in its build directory, or where it was installed.
 */
void words_language(void);
/* In that language; "" stays "". */
const char *words_text(const char *text);
#define N_(text) text

/* ---- knobs of Linux ---- */

struct word_knob {
	const char *name, *unit, *help;
	const char *preset; /* Linux's default; NULL: computed at boot, or the
			       machine's */
	const char *gone;   /* the version that removed it, or NULL */
	const char *idle;   /* why it does nothing in lull, or NULL */
	const char *own;    /* help of lull's, or NULL: lull has it not */
	bool refused;	    /* by lull, and not only without effect */
	bool kernel;	    /* Linux has it, or had it */
};

/* Ends with NULL. */
extern const char *const word_units[];

/* By place from 0; NULL: there is none. */
const struct word_knob *word_knob_at(size_t i);
/* By name, in full or what is behind the last dot; NULL: nobody knows it. */
const struct word_knob *word_knob_find(const char *name);
/* Linux's default; computed ones from this machine's tables. false: unknown. */
bool word_knob_default(const struct word_knob *k, char *text, size_t size);
/* Numbers apart by one blank, however they were; false: no such numbers. */
bool word_numbers(const char *text, long long *number, int max, int *n);

/* ---- rules about values ---- */

enum word_grade {
	WORD_NOTE, /* worth knowing: no finding */
	WORD_LOOK,
	WORD_DANGER,
};

enum word_when {
	WHEN_ANY,
	WHEN_IS,
	WHEN_NOT,
	WHEN_BELOW,
	WHEN_ABOVE,
	WHEN_BELOW_DEFAULT,
	WHEN_PAGES,  /* three numbers that can't be pages of this machine */
	WHEN_PARITY, /* both ends even, or both odd */
	WHEN_LOW,    /* the lower end takes in ports of services */
	WHEN_NARROW, /* fewer ports than `number` */
};

struct word_rule {
	const char *knob;
	enum word_when when;
	long long number;
	enum word_grade grade;
	const char *tag; /* "no effect on TIME_WAIT" */
	const char *fact, *since, *source;
};

/* By place from 0; NULL: there is none. */
const struct word_rule *word_rule_at(size_t i);
/* It speaks about this value. */
bool word_rule_fits(const struct word_rule *r, const char *value);

/* ---- all words ---- */

enum word_kind {
	WORD_STATE,
	WORD_COUNTER,
	WORD_DROP,
	WORD_KNOB,
	WORD_OPTION,
	WORD_ERROR,
	WORD_LOG,
	WORD_FOREIGN,
	WORD_TERM,
	WORD_KINDS,
};

struct word {
	enum word_kind kind;
	const char *name;
	const char *group; /* of a counter */
	const char *also;  /* other spellings, apart by "|" */
	const char *what, *more, *look, *act, *not, *source;
	const struct word_knob *knob;
};

extern const char *const word_kind_name[WORD_KINDS];

/* By place from 0; NULL: there is none. */
const struct word *word_at(size_t i);
/*
 * By name or another spelling, whatever the case; log lines also by a part.
 * NULL: nobody knows it.
 */
const struct word *word_find(const char *text);
/* The nearest name to a misspelt one, or NULL. */
const char *word_nearest(const char *text);

#endif
