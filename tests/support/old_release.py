"""The programs of an earlier commit, built once below the build directory.

As a program: old_release.py COMMIT, to build them beforehand.
"""

import fcntl
import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ("curatord", "curatorctl", "curator-agent")


def build(commit, below):
    """The directory with the programs of `commit`; skips the test where the history does
    not reach back to it. Two that ask at once build it once."""
    known = subprocess.run(["git", "-C", ROOT, "cat-file", "-e", f"{commit}^{{commit}}"],
                           capture_output=True, check=False)
    if known.returncode != 0:
        raise unittest.SkipTest(f"commit {commit} is not in this repository: a shallow clone?")
    below = pathlib.Path(below)
    below.mkdir(parents=True, exist_ok=True)
    with open(below / f"{commit}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _build(commit, below / commit)


def _build(commit, source):
    programs = source / "build" / "release" / "bin"
    if (source / "built").exists():
        return programs
    source.mkdir(exist_ok=True)
    archive = subprocess.run(["git", "-C", ROOT, "archive", commit], check=True,
                             stdout=subprocess.PIPE).stdout
    subprocess.run(["tar", "-x", "-C", source], input=archive, check=True)
    # ccache finds what another directory has compiled.
    environment = {**os.environ, "CCACHE_BASEDIR": str(source)}
    with open(source / "build.log", "ab") as log:
        for argv in (["cmake", "--preset", "release"],
                     ["nice", "-n", "10", "cmake", "--build", "--preset", "release",
                      "-j", os.environ.get("CURATOR_TEST_JOBS") or str(os.cpu_count()),
                      "--target", *PROGRAMS]):
            result = subprocess.run(argv, cwd=source, env=environment, stdout=log, stderr=log,
                                    stdin=subprocess.DEVNULL, check=False)
            if result.returncode != 0:
                raise AssertionError(f"{commit} does not build: see {source / 'build.log'}")
    (source / "built").touch()
    return programs


if __name__ == "__main__":
    print(build(sys.argv[1], pathlib.Path(os.environ["CURATOR_BIN"]).parent / "earlier"))
