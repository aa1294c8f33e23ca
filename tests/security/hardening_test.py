"""What an attacker who finds a bug meets: read off the programs, and off one that runs."""

import os
import pathlib
import re
import resource
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cluster import BIN, ClusterTest, free_address, run

PROGRAMS = ("curatord", "curatorctl", "curator-agent")


def readelf(*options):
    return subprocess.run(["readelf", "--wide", *map(str, options)], capture_output=True,
                          text=True, check=True).stdout


class Programs(unittest.TestCase):
    def test_they_are_position_independent(self):
        for program in PROGRAMS:
            with self.subTest(program):
                self.assertRegex(readelf("-h", BIN / program), r"Type:\s+DYN")
                self.assertRegex(readelf("-d", BIN / program), r"FLAGS_1.*\bPIE\b")

    def test_what_the_linker_resolves_is_resolved_at_once_and_read_only_then(self):
        for program in PROGRAMS:
            with self.subTest(program):
                self.assertIn("GNU_RELRO", readelf("-l", BIN / program))
                self.assertRegex(readelf("-d", BIN / program), r"BIND_NOW|FLAGS.*\bNOW\b")

    def test_nothing_is_writable_and_executable(self):
        for program in PROGRAMS:
            with self.subTest(program):
                for line in readelf("-l", BIN / program).splitlines():
                    if re.match(r"\s+(LOAD|GNU_STACK)\s", line):
                        self.assertNotRegex(line, r"\bRWE\b")

    def test_stacks_are_guarded_and_the_library_checks_sizes(self):
        for program in PROGRAMS:
            with self.subTest(program):
                needed = readelf("--dyn-syms", BIN / program)
                self.assertIn("__stack_chk_fail", needed)
                checked = set(re.findall(r"\b__\w+_chk\b", needed))
                self.assertTrue(checked, "no function of FORTIFY_SOURCE is used")


class Running(ClusterTest):
    def setUp(self):
        super().setUp()
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.data = self.dir / "data"
        self.assertEqual(run("curatorctl", "cred", "new-key", "--out", self.dir / "o").returncode,
                         0)
        result = run("curatord", "init", "--data-dir", self.data, "--owner-public-key",
                     self.dir / "o" / "owner-key.pub", "--tpm-mode", "disabled")
        self.assertEqual(result.returncode, 0, result.stderr)

    def curatord(self, *options):
        return self.start("curatord", "curatord", "run", "--data-dir", self.data, "--listen",
                          free_address(), *options)

    def agent(self, data):
        return self.start("agent", "curator-agent", "-e", free_address(), "--ca-sha256", "0" * 64,
                          "--data-dir", data)

    def assert_no_cores(self, process):
        proc = pathlib.Path(f"/proc/{process.child.pid}")
        limit, = re.findall(r"Max core file size\s+(\S+)\s+(\S+)", (proc / "limits").read_text())
        self.assertEqual(limit, ("0", "0"))
        # What is not dumpable belongs to root.
        self.assertEqual((proc / "mem").stat().st_uid, 0)

    def test_nothing_is_said_of_what_is_closed_to_others(self):
        curatord = self.curatord()
        curatord.wait_for_line("msg=listening")
        self.assertNotIn("exposed", curatord.text())
        self.assertNotIn("in clear", curatord.text())

    def test_what_others_can_read_or_write_is_named_once(self):
        self.data.chmod(0o755)
        (self.data / "node.key").chmod(0o644)
        (self.data / "store.db").chmod(0o660)
        curatord = self.curatord()
        curatord.wait_for_line("msg=listening")
        for path in (self.data, self.data / "node.key", self.data / "store.db"):
            lines = [line for line in curatord.text().splitlines() if f"{path} can be" in line]
            self.assertEqual(len(lines), 1, curatord.text())
            self.assertIn("level=warn", lines[0])
            self.assertIn("chmod", lines[0])
        self.assertNotIn("join.key can be", curatord.text())

    def test_an_agent_names_its_own_files(self):
        data = self.dir / "agent"
        data.mkdir(mode=0o750)
        data.chmod(0o750)
        agent = self.agent(data)
        agent.wait_for_line(f"{data} can be read by others")
        self.assert_no_cores(agent)

    def test_etcd_in_clear_beyond_loopback_is_named(self):
        curatord = self.curatord("--store", "etcd://192.0.2.1:2379,127.0.0.1:2379")
        curatord.wait_for_line("192.0.2.1:2379")
        text = curatord.text()
        self.assertIn("the store is talked to in clear", text)
        self.assertEqual(text.count("in clear"), 1, text)

    def test_the_curator_leaves_no_core_and_has_all_the_descriptors_it_may_have(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        curatord = self.curatord()
        curatord.wait_for_line("msg=listening")
        self.assert_no_cores(curatord)
        limits = pathlib.Path(f"/proc/{curatord.child.pid}/limits").read_text()
        (soft, now_hard), = re.findall(r"Max open files\s+(\d+)\s+(\d+)", limits)
        self.assertEqual(soft, now_hard)
        self.assertIn("raised the limit of descriptors", curatord.text())


if __name__ == "__main__":
    os.umask(0o022)
    unittest.main(verbosity=2)
