"""A root directory of collections, driven through the `viper` program, as a user of the shell does it."""

import json
import os
import pathlib
import subprocess

import numpy as np

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


def program(name):
    """A program of the build tree under test: VIPER_BUILD_DIR (default build/dev); VIPER_BIN names viper itself."""
    if name == "viper" and "VIPER_BIN" in os.environ:
        return os.environ["VIPER_BIN"]
    return os.path.join(os.environ.get("VIPER_BUILD_DIR", REPOSITORY / "build" / "dev"), "bin", name)


class Lake:
    """Runs `viper --root ROOT [options] ...`."""

    def __init__(self, root, *options):
        self.root = pathlib.Path(root)
        self.options = options

    def table(self, name="c"):
        return self.root / name

    def command(self, *arguments):
        return [program("viper"), "--root", str(self.root), *self.options, *map(str, arguments)]

    def run(self, *arguments, text=None, expect=0):
        """Run to the end and return the standard output; the exit code must be `expect` (None: any)."""
        done = subprocess.run(self.command(*arguments), input=text, capture_output=True, encoding="utf-8", timeout=120)
        if expect is not None:
            assert done.returncode == expect, f"{arguments}: exit code {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def fail(self, *arguments, code):
        """Run what must fail with this exit code; return what it said on standard error."""
        done = subprocess.run(self.command(*arguments), capture_output=True, encoding="utf-8", timeout=120)
        assert done.returncode == code, f"{arguments}: exit code {done.returncode}: {done.stdout}{done.stderr}"
        return done.stderr

    def create(self, name="c", dim=4, metric="l2", fields=()):
        arguments = [part for field, kind in fields for part in ("--field", f"{field}:{kind}")]
        self.run("create", name, "--dim", dim, "--metric", metric, *arguments)

    def import_rows(self, rows, *arguments, name="c"):
        path = self.root / "import.jsonl"
        write_jsonl(path, rows)
        return self.run("import", name, path, *arguments)

    def count(self, name="c", *arguments):
        return int(self.run("count", name, *arguments).split()[0])

    def export(self, name="c"):
        """All rows by id, as `viper export` gives them."""
        path = self.root / "export.jsonl"
        self.run("export", name, "--format", "jsonl", "-o", path)
        with open(path, encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        by_id = {row["_id"]: row for row in rows}
        assert len(by_id) == len(rows), "an id was exported twice"
        return by_id


def write_jsonl(path, rows):
    with open(path, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def float_bits(values):
    """The bytes of a vector as the engine stores it."""
    return np.asarray(values, dtype=np.float32).tobytes()


def random_vectors(seed, count, dim):
    return np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
