/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * language.c: the texts in the reader's language, by gettext(3).
 *
 * The C library translates nothing for a locale that was not generated, and a
 * bare Debian has none but C.UTF-8. There the language of LC_ALL, LC_MESSAGES
 * or LANG is given to gettext in LANGUAGE, under C.UTF-8. Texts are UTF-8.
 */
#include <libintl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "words.h"

#define DOMAIN "lull"

static bool ready;

static const char *asked_for(void)
{
	static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return value;
	}
	return "";
}

/* "zh_CN.UTF-8@x": "zh_CN". */
static void borrow_locale(void)
{
	const char *name = asked_for();
	const char *chosen = getenv("LANGUAGE");
	char language[32];

	snprintf(language, sizeof language, "%.*s", (int)strcspn(name, ".@"),
		 name);
	if (!setlocale(LC_MESSAGES, "C.UTF-8"))
		return;
	setenv("LANGUAGE", language, !chosen || !*chosen);
}

/* The build directory has the catalogues beside the program. */
static void find_catalogues(void)
{
	char path[512];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 64);
	char *slash;

	bindtextdomain(DOMAIN, LULL_LOCALEDIR);
	if (n <= 0)
		return;
	path[n] = 0;
	slash = strrchr(path, '/');
	if (!slash)
		return;
	strcpy(slash, "/po");
	if (access(path, R_OK | X_OK) == 0) {
		bindtextdomain(DOMAIN, path);
		return;
	}
	strcpy(slash, "/../share/locale/zh_CN/LC_MESSAGES/" DOMAIN ".mo");
	if (access(path, R_OK) != 0)
		return;
	strcpy(slash, "/../share/locale");
	bindtextdomain(DOMAIN, path);
}

void words_language(void)
{
	if (!setlocale(LC_MESSAGES, ""))
		borrow_locale();
	find_catalogues();
	bind_textdomain_codeset(DOMAIN, "UTF-8");
	ready = true;
}

const char *words_text(const char *text)
{
	return ready && *text ? dgettext(DOMAIN, text) : text;
}
