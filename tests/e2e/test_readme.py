"""What the README shows works: the program compiles and runs, the commands succeed, the Python reads the result."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from lake import REPOSITORY, program

BUILD = pathlib.Path(os.environ.get("VIPER_BUILD_DIR", REPOSITORY / "build" / "dev"))


def block(language):
    """The README's one code block of that language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", (REPOSITORY / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    return found


def run(command, folder, **more):
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=300, **more)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def test_the_program_compiles_and_finds_its_record(tmp_path):
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler on the path")
    (tmp_path / "example.cc").write_text(block("cpp"))
    includes = [f"-I{REPOSITORY / 'include'}", f"-I{BUILD / 'include'}"]
    run([compiler, "-std=c++20", *includes, "example.cc", f"-L{BUILD / 'lib'}", "-lviper", f"-Wl,-rpath,{BUILD / 'lib'}"], tmp_path)
    assert run(["./a.out"], tmp_path).startswith("alien 0.")


def test_the_commands_succeed_and_others_read_the_result(tmp_path):
    environment = os.environ | {"PATH": f"{pathlib.Path(program('viper')).parent}:{os.environ['PATH']}"}
    commands = [line[2:] for line in block("console").splitlines()]
    assert len(commands) > 5
    outputs = [run(["bash", "-c", command], tmp_path, env=environment) for command in commands]
    assert "alien" in outputs[3] and "heat" in outputs[4]
    assert (tmp_path / "out.jsonl").read_text().count("\n") == 2
    assert "alien" in run([sys.executable, "-c", block("python")], tmp_path)


def test_the_performance_table_is_what_the_committed_results_give():
    script = REPOSITORY / "bench" / "compare" / "readme_table.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
