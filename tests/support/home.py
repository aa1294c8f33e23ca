"""An operator's home, with a context in it, and what it looked like at a moment."""

import pathlib
import stat

import cluster


def snapshot(directory):
    """{path: what it is and holds} of all below a directory."""
    found = {}
    for path in sorted(pathlib.Path(directory).rglob("*")):
        info = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(info.st_mode) else None
        found[str(path.relative_to(directory))] = (oct(info.st_mode), content)
    return found


class Home:
    """A home with the contexts `lab`, the owner's, and `other` in it, both of the cluster `lab`."""

    def __init__(self, lab, directory):
        self.path = pathlib.Path(directory)
        self.path.mkdir(exist_ok=True)
        self.environment = {**lab.environment(), "HOME": str(self.path),
                            "XDG_CONFIG_HOME": str(self.path / "config"),
                            "XDG_CACHE_HOME": str(self.path / "cache")}
        endpoints = [word for address in lab.addresses() for word in ("-e", address)]
        self.check("context", "add", "lab", *endpoints, "--ca-file", lab.ca, "--cert",
                   lab.certificate, "--key", lab.key)
        self.check("context", "add", "other", *endpoints, "--ca-sha256", lab.ca_sha256)

    def ctl(self, *args, program="curatorctl"):
        return cluster.run(program, *args, env=self.environment, cwd=self.path)

    def check(self, *args):
        result = self.ctl(*args)
        assert result.returncode == 0, (args, result.stderr)
        return result
