#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The core is a function: what its release archive asks for, and what it keeps.

usage: test_core.py ARCHIVE

No system call, no clock, no allocation, no mutable global: every undefined
symbol is on a short list, and no object has a writable section.
"""

import re
import subprocess
import sys

import tap

ALLOWED = {
    "memcpy", "memset", "memmove", "memcmp",
    "lull_panic",
    "crypto_shorthash_siphash24",
    # The compiler's and linker's own.
    "bcmp", "__stack_chk_fail", "__memcpy_chk", "__memset_chk",
    "__memmove_chk", "_GLOBAL_OFFSET_TABLE_",
}
WRITABLE = re.compile(r"^\.(data|bss|tdata|tbss|init_array|fini_array)")


def symbols(archive):
    """Undefined and defined names of all members."""
    out = subprocess.run(["nm", archive], capture_output=True, text=True,
                         check=True).stdout
    undefined, defined = set(), set()
    for line in out.splitlines():
        fields = line.split()
        if len(fields) == 2 and fields[0] == "U":
            undefined.add(fields[1])
        elif len(fields) == 3:
            defined.add(fields[2])
    return undefined, defined


def writable(archive):
    """(member, section, size) of everything that could change."""
    out = subprocess.run(["size", "-A", archive], capture_output=True,
                         text=True, check=True).stdout
    found, member = [], "?"
    for line in out.splitlines():
        fields = line.split()
        if line and not line.startswith(".") and ":" in line:
            member = fields[0]
        elif len(fields) == 3 and WRITABLE.match(fields[0]) \
                and int(fields[1]) > 0:
            found.append(f"{member} {fields[0]} {fields[1]} bytes")
    return found


def main():
    archive = sys.argv[1]
    t = tap.Tap()
    undefined, defined = symbols(archive)
    wild = undefined - defined - ALLOWED
    t.ok("the core asks for nothing that is not on the list", not wild,
         "undefined:", *sorted(wild))
    t.ok("the core uses its hash from libsodium",
         "crypto_shorthash_siphash24" in undefined)
    state = writable(archive)
    t.ok("the core has no writable section", not state, *state)
    foreign = {s for s in defined
               if not s.startswith(("lull_", ".L")) and s in
               {"main", "errno", "malloc", "free"}}
    t.ok("the core defines no libc name", not foreign, *foreign)
    tap.finish(t)


main()
