"""The settings of clang-tidy are valid, and each group of checks finds its sample."""

import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIDY = shutil.which("clang-tidy-19")
pytestmark = pytest.mark.skipif(TIDY is None, reason="clang-tidy-19 is not installed")

# One violation per group that CI relies on, in the order of the expected names.
BAD_SAMPLE = """
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace std;

namespace sample {

const int wrong_constant = 3;

class Base {
 public:
  Base(int value) : bad_name(value) {}
  virtual ~Base() = default;
  virtual void Run() {}

 private:
  int bad_name;
};

class Derived : public Base {
 public:
  explicit Derived(int value) : Base(value) {}
  virtual void Run() {}
};

std::size_t Offset(std::int32_t row, std::int32_t dim) { return row * dim; }

std::size_t UseAfterMove(std::string text) {
  const std::string moved = std::move(text);
  return moved.size() + text.size();
}

std::size_t Copy(std::vector<int> values) {
  if (values.size() == 0)
    return 0;
  int sum;
  sum = 1;
  char* old = (char*)&sum;
  return old == nullptr ? values.size() : static_cast<std::size_t>(sum);
}

int Many(int a, int b, int c, int d, int e, int f, int g) { return a + b + c + d + e + f + g; }

}  // namespace sample
"""

EXPECTED = {
    "bugprone-implicit-widening-of-multiplication-result",
    "bugprone-use-after-move",
    "cppcoreguidelines-init-variables",
    "cppcoreguidelines-pro-type-cstyle-cast",
    "google-build-using-namespace",
    "google-explicit-constructor",
    "misc-include-cleaner",
    "modernize-use-override",
    "performance-unnecessary-value-param",
    "readability-braces-around-statements",
    "readability-container-size-empty",
    "readability-function-size",
    "readability-identifier-naming",
}


def test_settings_are_valid():
    run = subprocess.run([TIDY, "--verify-config", f"--config-file={ROOT / '.clang-tidy'}"], capture_output=True,
                         text=True, check=False)
    assert run.returncode == 0 and "unknown" not in run.stdout + run.stderr, run.stdout + run.stderr


def test_each_group_finds_its_sample(tmp_path):
    sample = tmp_path / "sample.cc"
    sample.write_text(BAD_SAMPLE)
    run = subprocess.run([TIDY, "--quiet", f"--config-file={ROOT / '.clang-tidy'}", str(sample), "--", "-std=c++20"],
                         capture_output=True, text=True, check=False)
    assert run.returncode != 0
    found = set(re.findall(r"\[([\w.,-]+)\]$", run.stdout, re.MULTILINE))
    names = {name for group in found for name in group.split(",")}
    assert EXPECTED <= names, f"not found: {sorted(EXPECTED - names)}\n{run.stdout}"
