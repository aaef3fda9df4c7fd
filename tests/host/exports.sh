#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# liblull exports what its headers mark LULL_API, under a version, and no more:
# exports.sh LIBRARY HEADER...
lib=$1
shift
declared=$(cat "$@" | tr '\n\t' '  ' | tr ';{}' '\n\n\n' |
	grep 'LULL_API' | sed 's/.*LULL_API//' |
	sed 's/__attribute__((noreturn))//; s/(.*//; s/.*[ *]//' | sort)
exported=$(nm -D --defined-only "$lib" | awk '$2 != "A" {print $3}' | sort)
n=0 bad=0

[ -n "$exported" ] || { echo "Bail out! nm found no symbol in $lib"; exit 1; }
for symbol in $exported; do
	n=$((n + 1))
	if echo "$declared" | grep -qx "${symbol%%@*}" &&
	   [ "${symbol#*@@}" = LULL_0.1 ]; then
		echo "ok $n - $symbol"
	else
		echo "not ok $n - $symbol is exported, but is no LULL_API"
		bad=1
	fi
done
echo "1..$n"
exit $bad
