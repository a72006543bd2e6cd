"""Code for wide registers stays in the sources of its instruction set.

A function compiled with -mavx2 must not be the copy that the linker keeps for everybody: on a processor without AVX2 the
program would die. So the objects of such sources define nothing weak (no inline function, no template instance), and all
other objects of the library use no wide register.
"""

import concurrent.futures
import os
import pathlib
import platform
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
TREE = pathlib.Path(os.environ.get("VIPER_BUILD_DIR") or ROOT / "build" / "dev")
ISA = re.compile(r"_(sse\w*|avx\w*|neon|sve)\.cc\.o$")
OBJECTS = sorted(path for path in TREE.glob("src/*/CMakeFiles/viper_*.dir/*.cc.o")
                 if not path.parent.name.endswith("_test.dir"))

pytestmark = [
    pytest.mark.skipif(not OBJECTS, reason="there is no build tree; name it in VIPER_BUILD_DIR"),
    pytest.mark.skipif(not shutil.which("objdump"), reason="binutils are not installed"),
    pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="wide registers of x86-64 only"),
]


def output(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True).stdout


def test_instruction_set_objects_define_nothing_weak():
    weak = [f"{path.name}: {line}" for path in OBJECTS if ISA.search(path.name)
            for line in output("nm", "-C", "--defined-only", path).splitlines() if re.match(r"\w* [WVu] ", line)]
    assert weak == [], "make these internal to the file, or call nothing inline: " + "\n".join(weak)


def test_other_objects_use_no_wide_registers():
    def wide(path):
        return re.search(r"%[yz]mm\d", output("objdump", "-d", "--no-show-raw-insn", path)) is not None

    plain = [path for path in OBJECTS if not ISA.search(path.name)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = [path.name for path, is_wide in zip(plain, pool.map(wide, plain)) if is_wide]
    assert found == [], "move the code into a source named after its instruction set, such as x_avx2.cc"
