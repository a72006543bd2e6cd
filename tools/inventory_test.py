"""tools/inventory finds the tests that name a line, and the lines that no test names."""

import pathlib
import subprocess
import sys

TOOL = pathlib.Path(__file__).resolve().parent / "inventory"


def run(root, *options):
    return subprocess.run([sys.executable, str(TOOL), "--root", str(root), *options], capture_output=True, text=True, check=False)


def make_tree(root, cxx, python="", lines="# title\nP-1 one\nU-22 two\n"):
    (root / "tests").mkdir()
    (root / "src" / "core").mkdir(parents=True)
    (root / "tests" / "inventory.txt").write_text(lines)
    (root / "src" / "core" / "a_test.cc").write_text(cxx)
    (root / "tests" / "test_a.py").write_text(python)


def test_every_line_has_a_test(tmp_path):
    make_tree(tmp_path, "TEST_F(Suite, D05_P1_Works) {\n", "def test_u22_p1_works():\n")
    result = run(tmp_path, "--tests")
    assert result.returncode == 0, result.stdout
    assert "2 lines, 0 without a test" in result.stdout
    assert "Suite.D05_P1_Works" in result.stdout and "test_u22_p1_works" in result.stdout


def test_a_line_without_a_test_is_named(tmp_path):
    make_tree(tmp_path, "TEST(Suite, P1_Works) {\nTEST(Suite, PlainU22_DoesNotCount) {\n")
    result = run(tmp_path)
    assert result.returncode == 1
    assert "U-22 has no test: two" in result.stdout


def test_an_id_that_there_is_none_of_is_an_error(tmp_path):
    make_tree(tmp_path, "TEST(Suite, P1_U22_P99_Works) {\n")
    result = run(tmp_path)
    assert result.returncode == 1
    assert "names P99" in result.stdout


def test_this_repository_has_a_test_for_each():
    result = run(TOOL.parent.parent)
    assert result.returncode == 0, result.stdout
