#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: knobs.py lull.in knobs.def: the completion, with the knobs' names."""

import re
import sys


def main():
    template, knobs = (open(path, encoding="utf-8").read()
                       for path in sys.argv[1:])
    names = re.findall(r'^(?:KNOB\d|PORTS)\([^"]*"([^"]+)"', knobs, re.M)
    if len(names) < 20:
        sys.exit(f"{sys.argv[2]}: only {len(names)} knobs found")
    print(template.replace("@KNOBS@", "\n\t".join(sorted(names))), end="")


main()
