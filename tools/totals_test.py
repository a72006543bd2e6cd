"""tools/totals.py counts what ctest and pytest report, and a missing report is a failure."""

import pathlib
import subprocess
import sys

TOOLS = pathlib.Path(__file__).resolve().parent

CTEST = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="build" tests="4" failures="1" disabled="0" skipped="1">
  <testcase name="base.A.Good" classname="base.A.Good" time="0.1" status="run"/>
  <testcase name="base.A.Bad" classname="base.A.Bad" time="0.1" status="fail"><failure message=""/></testcase>
  <testcase name="base.A.Skipped" classname="base.A.Skipped" status="notrun"><skipped message="no AVX-512"/></testcase>
  <testcase name="base.A.Fine" classname="base.A.Fine" time="0.1" status="run"><system-out>x</system-out></testcase>
</testsuite>
"""

PYTEST = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" errors="1" failures="0" skipped="0" tests="2">
  <testcase classname="tests.test_a" name="test_good" time="0.001" />
  <testcase classname="tests.test_a" name="test_bad" time="0.001"><error message="x">text</error></testcase>
</testsuite></testsuites>
"""


def totals(*paths):
    run = subprocess.run([sys.executable, str(TOOLS / "totals.py"), *map(str, paths)], capture_output=True, text=True,
                         check=True)
    return run.stdout.strip(), run.stderr


def test_sums_passed_and_failed_and_names_the_rest(tmp_path):
    (tmp_path / "ctest.xml").write_text(CTEST)
    (tmp_path / "pytest.xml").write_text(PYTEST)
    out, err = totals(tmp_path / "ctest.xml", tmp_path / "pytest.xml")
    assert out == "3 2"
    assert "failed: base.A.Bad\n" in err
    assert "no AVX-512" in err
    assert "test_bad" in err


def test_missing_report_is_a_failure(tmp_path):
    assert totals(tmp_path / "gone.xml")[0] == "0 1"


def test_no_reports_are_no_tests():
    assert totals()[0] == "0 0"
