# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of words share: the command, in a language."""

import os
import subprocess
import sys
import unicodedata

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "house"))
from tap import Tap  # noqa: E402,F401

LULL = os.path.abspath(sys.argv[1])
ENGLISH = {"LC_ALL": "C"}
CHINESE = {"LANG": "zh_CN.UTF-8"}  # whether or not it was generated


def environment(more):
    keep = {k: v for k, v in os.environ.items()
            if k not in ("LANG", "LANGUAGE") and not k.startswith("LC_")}
    return {**keep, **more}


def lull(*argv, language=None, given="", prefix=()):
    return subprocess.run([*prefix, LULL, *argv], capture_output=True,
                          text=True, encoding="utf-8", errors="replace",
                          env=environment(language or ENGLISH), input=given,
                          timeout=60)


def width(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in line)


def has_chinese(text):
    return any("\u4e00" <= c <= "\u9fff" for c in text)
