#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# usage: lint.sh BUILD
#
# clang-tidy and cppcheck over everything that is compiled. Findings fail.
set -eu
clang-tidy --quiet -p "$1" $(git ls-files 'src/*.c' 'host/*.c' 'sim/*.c' \
	'tools/*.c' 'examples/*.c')
cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -Iinclude -Isrc \
	--enable=warning,performance,portability \
	--suppress=missingIncludeSystem src host sim tools/lull examples
