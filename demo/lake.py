"""How the demo talks to VIPER: the `viper` program, its arguments and what it prints. Nothing else knows."""

import json
import os
import pathlib
import subprocess
import time

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
FOLDER = pathlib.Path(os.environ.get("VIPER_DEMO_DIR", REPOSITORY / "build" / "demo"))
ROOT = FOLDER / "lake"
COLLECTION = "python-docs"
FIELDS = (
    ("name", "string"),
    ("module", "string"),
    ("package", "string"),
    ("kind", "string"),
    ("length", "int64"),
    ("summary", "string"),
)


def program():
    """The program under demonstration: VIPER_BIN, or the one of the build tree."""
    if "VIPER_BIN" in os.environ:
        return os.environ["VIPER_BIN"]
    return os.path.join(os.environ.get("VIPER_BUILD_DIR", REPOSITORY / "build" / "release"), "bin", "viper")


class CommandFailed(Exception):
    pass


def command(*arguments):
    return [program(), "--root", str(ROOT), *map(str, arguments)]


def run(*arguments, text=None):
    """Run `viper` with these arguments; return (standard output, seconds of the whole process)."""
    begin = time.perf_counter()
    done = subprocess.run(command(*arguments), input=text, capture_output=True, encoding="utf-8")
    seconds = time.perf_counter() - begin
    if done.returncode != 0:
        raise CommandFailed(f"viper {' '.join(map(str, arguments))}: exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout, seconds


def count(collection):
    return int(run("count", collection)[0].split()[0])


def search(collection, vector, k, filter_text=None, exact=False):
    """Return (hits, seconds of the search, seconds of the whole process); a hit has id, score, distance, metadata."""
    arguments = ["search", collection, "--vector", "-", "--k", k, "--json"]
    if filter_text:
        arguments += ["--filter", filter_text]
    if exact:
        arguments.append("--exact")
    output, seconds = run(*arguments, text=json.dumps([float(value) for value in vector]))
    answer = json.loads(output)
    return answer["hits"], answer["seconds"], seconds


def acknowledging_import(collection, path):
    """An import through the log that prints how many rows are acknowledged, as it goes."""
    return command("import", collection, path, "--via-log", "--progress")


def acknowledged_rows(line, so_far):
    """The count that a line of its output tells, or the one known before."""
    words = line.split()
    return int(words[1]) if words[:1] == ["acknowledged"] else so_far
