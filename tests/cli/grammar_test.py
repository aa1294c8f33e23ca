"""The grammar of command lines, of all three programs, through the binaries: no flag takes an
empty value, none takes what stands behind its value."""

import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster

DAEMONS = {"curatord": ("init", "join", "run", "migrate", "dev"), "curator-agent": ("",)}


def value_flags(program, command):
    """The names of the flags that take a value, as the help tells."""
    words = (command,) if command else ()
    text = cluster.run(program, *words, "--help").stdout
    flags = []
    for names, kind in re.findall(r"^  (-[-\w,]+)( [A-Z{][^ ]*)?", text, re.M):
        if kind:
            flags += names.split(",")
    assert flags, text
    return flags


class Grammar(unittest.TestCase):
    def test_no_flag_of_a_daemon_is_empty(self):
        for program, commands in DAEMONS.items():
            for command in commands:
                words = (command,) if command else ()
                for flag in value_flags(program, command):
                    for spelling in ((flag, ""), (f"{flag}=",), (flag, " ")):
                        with self.subTest(line=(program, *words, *spelling)):
                            result = cluster.run(program, *words, *spelling)
                            self.assertEqual(result.returncode, 2, result.stderr)
                            self.assertRegex(result.stderr, r"empty|needs a value")

    def test_no_flag_of_a_daemon_takes_what_follows(self):
        for program, commands in DAEMONS.items():
            for command in commands:
                words = (command,) if command else ()
                for flag in value_flags(program, command):
                    with self.subTest(line=(program, *words, flag)):
                        result = cluster.run(program, *words, flag, "1", "stray")
                        self.assertEqual(result.returncode, 2, result.stderr)
                        self.assertIn("unexpected argument stray", result.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
