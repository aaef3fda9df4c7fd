#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# liblull-packetdrill.so is preloaded into every shell that a test starts: it
# exports two names, and does nothing when it is loaded: exports_drill.sh LIBRARY
names=$(nm -D --defined-only "$1" | awk '{print $3}' | sort | tr '\n' ' ')
began=$(readelf -Wd "$1" | grep -c '(INIT_ARRAY)')
own=$(nm "$1" | grep -c -i ' t .*_GLOBAL__sub_I')
echo 1..3
if [ "$names" = "getsockopt packetdrill_interface_init " ]; then
	echo "ok 1 - it exports what packetdrill asks for"
else
	echo "not ok 1 - it exports what packetdrill asks for, not $names"
fi
# The compiler's own (frame_dummy) is one.
size=$(readelf -WS "$1" | awk '$2 == ".init_array" || $3 == ".init_array" {
	for (i = 1; i <= NF; i++) if ($i == "INIT_ARRAY") print $(i + 3)}')
if [ "$began" -le 1 ] && [ "$own" = 0 ] && [ "${size:-000008}" = 000008 ]; then
	echo "ok 2 - it has no constructor"
else
	echo "not ok 2 - it has a constructor"
fi
if [ "$(LD_PRELOAD=$1 sh -c 'echo fine' 2>&1)" = fine ]; then
	echo "ok 3 - a shell runs with it"
else
	echo "not ok 3 - a shell runs with it"
fi
