"""What was opened before a fork is the parent's: the child can neither use it, nor hang on it, nor harm it."""

import os
import subprocess
import sys
import textwrap

import pytest

viper = pytest.importorskip("viper", reason="built without the Python module (nanobind or Python's headers missing)")

# The child ends as a program does, so that all objects are let go of.
PROGRAM = """
    import os, sys
    import viper

    database = viper.connect(sys.argv[1], search_threads=4)
    collection = database.create_collection("c", dim=2)
    collection.upsert(["parent"], [[1, 2]])
    snapshot = collection.snapshot()
    child = os.fork()
    if child == 0:
        for use in (
            lambda: collection.search([1, 2], k=1),
            lambda: collection.count(),
            lambda: snapshot.get("parent"),
            lambda: collection.upsert(["child"], [[1, 2]]),
            lambda: collection.delete(["parent"]),
            lambda: collection.flush(),
            lambda: collection.compact(),
            lambda: database.create_collection("d", dim=2),
        ):
            try:
                use()
            except viper.FailedPrecondition as refusal:
                assert f"by process {os.getppid()}" in str(refusal), refusal
            else:
                sys.exit("something was not refused")
        sys.exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, status
    collection.upsert(["after"], [[1, 2]])
    if sys.argv[2] == "kill":
        os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("end", ("return", "kill"))
def test_a_forked_child_is_refused_ends_and_leaves_the_data_alone(tmp_path, end):
    lake = tmp_path / "lake"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), lake, end],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=120,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == (0 if end == "return" else -9), done.stderr
    collection = viper.connect(lake).open_collection("c")
    assert [record.id for record in collection.scroll()[0]] == ["after", "parent"]
