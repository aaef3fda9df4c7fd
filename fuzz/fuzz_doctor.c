/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_doctor.c: pasted text for `lull doctor --from`: rows of netstat or ss,
 * of /proc/net/tcp, lines with a state and a number, and rubbish.
 *
 * The input is the text. No number that comes of it may be below 0, and rules
 * that judge it find their words.
 */
#include "fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../tools/doctor/rules.h"
#include "../tools/lull/tool.h"

static char path[64];
static int file = -1;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct facts facts;
	static struct sheet sheet;
	int code;

	if (file < 0) {
		file = memfd_create("text", MFD_CLOEXEC);
		MUST(file >= 0);
		snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	}
	MUST(ftruncate(file, 0) == 0);
	MUST(pwrite(file, data, size, 0) == (ssize_t)size);
	facts_init(&facts);
	code = facts_from_text(&facts, path);
	MUST(code == TOOL_OK || code == TOOL_COULD_NOT);
	if (code != TOOL_OK)
		return 0;
	for (int i = 0; i < STATES; i++)
		MUST(facts.state[1][i] >= 0);
	MUST(facts.lines_unread <= facts.lines && facts.notes <= NOTES);
	rules_judge(&facts, &sheet);
	MUST(sheet.findings <= FINDINGS);
	for (int i = 0; i < sheet.findings; i++)
		MUST(sheet.finding[i].rule);
	return 0;
}
