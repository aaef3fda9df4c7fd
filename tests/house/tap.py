# SPDX-License-Identifier: BSD-2-Clause
"""TAP output for the tests that are Python scripts."""

import sys


class Tap:
    """Prints one line a test; `done()` prints the plan and returns the exit code."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def _line(self, word, name, rest=""):
        self.count += 1
        print(f"{word} {self.count} - {name}{rest}", flush=True)

    def ok(self, name, good, *why):
        """`why`: lines that explain a failure."""
        self._line("ok" if good else "not ok", name)
        if not good:
            self.failed += 1
            for line in why:
                for part in str(line).splitlines():
                    print(f"# {part}", flush=True)
        return good

    def skip(self, name, reason):
        self._line("ok", name, f" # SKIP {reason}")

    def done(self):
        print(f"1..{self.count}", flush=True)
        return 1 if self.failed else 0


def finish(tap):
    sys.exit(tap.done())
