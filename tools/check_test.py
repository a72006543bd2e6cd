"""Every rule of tools/check catches its bad sample, accepts the good one, and says what to do instead."""

import importlib.util
import pathlib
import subprocess
import sys
from importlib.machinery import SourceFileLoader

import pytest

TOOLS = pathlib.Path(__file__).resolve().parent


def load(name):
    loader = SourceFileLoader("viper_" + name, str(TOOLS / name))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[loader.name] = module
    loader.exec_module(module)
    return module


sys.dont_write_bytecode = True
checker = load("check")

LAYERS = """
layer 0 base:
layer 1 platform: base
layer 2 kernels: platform base
layer 3 columnar: kernels platform base
layer 4 index: kernels platform base
layer 5 storage: columnar platform base
layer 6 core: storage index columnar kernels platform base
layer 7 testing: platform base
facade engine.h: core
facade viper.h: core
program cli:
tooling bench:
tooling tests:
"""

# A small tree that keeps every rule.
GOOD = {
    "tools/layers.txt": LAYERS,
    "include/viper/status.h": "#pragma once\n#include <string>\n#define VIPER_OK 1\n",
    "include/viper/engine.h": '#pragma once\n#include "viper/status.h"\n',
    "include/viper/viper.h": '#pragma once\n#include "viper/engine.h"\n',
    "include/viper/version.h.in": "#pragma once\n",
    "src/base/CMakeLists.txt": "viper_component(NAME base SOURCES a.cc TESTS a_test.cc)\n",
    "src/base/a.h": "#pragma once\n",
    "src/base/a.cc": '#include "base/a.h"\n',
    "src/base/a_test.cc": '#include "base/a.h"\n#include "testing/t.h"\n',
    "src/platform/p.h": '#pragma once\n#include "base/a.h"\n#include "viper/status.h"\n',
    "src/storage/s.h": '#pragma once\n#include "columnar/c.h"\n',
    "src/columnar/c.h": "#pragma once\n#include <arrow/type_fwd.h>\n",
    "src/index/i.h": "#pragma once\n",
    "src/core/c.h": '#pragma once\n#include "viper/engine.h"\n#include "storage/s.h"\n#include "index/i.h"\n',
    "src/testing/t.h": '#pragma once\n#include "platform/p.h"\n',
    "cli/CMakeLists.txt": "viper_program(NAME cli SOURCES main.cc)\n",
    "cli/main.cc": '#include "viper/viper.h"\n#include "viper/version.h"\n#include "arguments.h"\n',
    "cli/arguments.h": "#pragma once\n",
}


def messages(tmp_path, changes):
    """Lay out the good tree with the changes and return what the check says, as (path, line, text, rule)."""
    for path, text in {**GOOD, **changes}.items():
        if text is not None:
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
    return checker.check(str(tmp_path))[0]


def test_good_tree_is_silent(tmp_path):
    assert messages(tmp_path, {}) == []


def test_empty_tree_misses_only_the_layers(tmp_path):
    assert [(path, name) for path, _, _, name in checker.check(str(tmp_path))[0]] == [
        ("tools/layers.txt", "layers-file")]


# In pieces, so that this file is no leftover itself.
LATER = "TO" + "DO"
BROKEN = "FIX" + "ME"

# rule, file, its bad text, line of the message, a word of the advice
BAD = [
    ("layers-file", "tools/layers.txt", LAYERS + "layer x\n", 15, "write"),
    ("layers-file", "tools/layers.txt", "layer 0 base: core\n" + LAYERS, 1, "lowest to the highest"),
    ("layer", "src/base/a.h", '#pragma once\n#include "platform/p.h"\n', 2, "interface"),
    ("layer", "src/index/i.h", '#pragma once\n#include "storage/s.h"\n', 2, "may include: base platform kernels"),
    ("layer", "src/storage/s.h", '#pragma once\n#include "index/i.h"\n', 2, "order of the layers"),
    ("layer", "src/storage/s.h", '#pragma once\n#include "testing/t.h"\n', 2, "only tests"),
    ("layer", "src/core/c.h", '#pragma once\n#include "testing/t.h"\n', 2, "only tests"),
    ("layer", "src/storage/s.h", '#pragma once\n#include "viper/engine.h"\n', 2, "src/core"),
    ("layer", "src/storage/s.h", '#pragma once\n  #  include "viper/viper.h"\n', 2, "programs may"),
    ("layer", "src/base/a_test.cc", '#include "core/c.h"\n', 1, "order of the layers"),
    ("layer", "src/base/a.cc", '#include "a.h"\n', 1, "base/a.h"),
    ("layer", "src/base/a.h", '#pragma once\n#include "bench/x.h"\n', 2, "no folder of src"),
    ("layer", "src/novel/n.h", "#pragma once\n#include \"base/a.h\"\n", 2, "tools/layers.txt"),
    ("layer", "src/stray.h", '#pragma once\n#include "base/a.h"\n', 2, "move it"),
    ("layer", "include/viper/status.h", '#pragma once\n#include "base/a.h"\n', 2, "standard library"),
    ("layer", "include/viper/status.h", '#pragma once\n#include "viper/engine.h"\n', 2, "vocabulary header"),
    ("layer", "cli/main.cc", '#include "base/a.h"\n', 1, "extend the public API"),
    ("arrow", "src/storage/s.h", "#pragma once\n#include <arrow/api.h>\n", 2, "src/columnar"),
    ("arrow", "cli/main.cc", "#include <parquet/arrow/reader.h>\n", 1, "src/columnar"),
    ("include-path", "src/base/a.h", '#pragma once\n#include "base/gone.h"\n', 2, "correct the path"),
    ("public-header", "include/viper/status.h", "#pragma once\n#include <fmt/format.h>\n", 2, "forward declaration"),
    ("public-header", "include/viper/status.h", "#pragma once\n#include <simdjson.h>\n", 2, "forward declaration"),
    ("public-header", "include/viper/status.h", "#pragma once\n#define CHECK(x) x\n", 2, "prefix VIPER_"),
    ("pragma-once", "src/base/a.h", "// text\n#ifndef A_H\n#define A_H\n#endif\n", 1, "#pragma once"),
    ("heavy-header", "src/base/a.h", "#pragma once\n#include <iostream>\n", 2, "<iosfwd>"),
    ("heavy-header", "include/viper/status.h", "#pragma once\n#include <filesystem>\n", 2, "std::string"),
    ("using-namespace", "cli/arguments.h", "#pragma once\nusing namespace std;\n", 2, "write the names out"),
    ("no-throw", "src/base/a.cc", "void F() { throw 1; }\n", 1, "Status"),
    ("no-catch", "src/base/a.cc", "void F() { try { } catch (...) { } }\n", 1, "by value"),
    ("no-new", "src/base/a.cc", "int* F() { return new int(1); }\n", 1, "make_unique"),
    ("no-new", "src/base/a.cc", "auto p = std::unique_ptr<int>(p), q = new int;\n", 1, "make_unique"),
    ("no-new", "src/base/a.cc", "void F(int* p) {\n  delete p;\n}\n", 2, "unique_ptr"),
    ("no-new", "src/base/a.cc", "void F(int* p) { if (p) delete[] p; }\n", 1, "unique_ptr"),
    ("no-cout", "src/base/a.cc", "void F() { std::cout << 1; }\n", 1, "log"),
    ("no-cout", "src/base/a.cc", 'void F() { std::printf("1"); }\n', 1, "log"),
    ("no-rand", "src/base/a_test.cc", "int F() { return rand(); }\n", 1, "seed"),
    ("no-rand", "bench/x.h", "#pragma once\nstd::random_device device;\n", 2, "seed"),
    ("no-sleep", "src/base/a_test.cc", "void F() { std::this_thread::sleep_for(t); }\n", 1, "clock"),
    ("size", "src/base/a.cc", "\n" * 601, 601, "at most 600"),
    ("size", "src/base/a.h", "#pragma once\n" * 301, 301, "at most 300"),
    ("size", "include/viper/status.h", "#pragma once\n" * 451, 451, "at most 450"),
    ("size", "src/base/a_test.cc", "\n" * 1001, 1001, "at most 1000"),
    ("twin", "src/base/b.cc", "", 1, "src/base/b_test.cc"),
    ("twin", "src/base/distance_avx512.cc", "", 1, "src/base/distance_test.cc"),
    ("registered", "src/base/b.cc", "", 1, "src/base/CMakeLists.txt does not list it"),
    ("registered", "src/base/deep/b.cc", "", 1, "src/base/CMakeLists.txt does not list it"),
    ("registered", "src/platform/p.cc", "", 1, "write one"),
    ("registered", "src/base/CMakeLists.txt", "viper_component(SOURCES\n  a.cc z.cc TESTS a_test.cc)\n", 2, "off the list"),
    ("vague-name", "src/base/string_util.h", "#pragma once\n", 1, "concept"),
    ("vague-name", "src/base/a.h", "#pragma once\nclass VIPER_EXPORT PartManager;\n", 2, "concept"),
    ("leftover", "src/base/a.h", f"#pragma once\n// {LATER}: later\n", 2, f"{LATER}(#<issue>)"),
    ("leftover", "docs/a.md", f"{BROKEN} this\n", 1, "do it now"),
    ("absolute-path", "docs/a.md", "see /ro" + "ot/secret\n", 1, "relative path"),
    ("absolute-path", "tools/run", "cd '/ho" + "me/someone/x'\n", 1, "relative path"),
]


@pytest.mark.parametrize("name,path,text,line,advice", BAD, ids=[f"{case[0]}-{number}" for number, case in enumerate(BAD)])
def test_bad_sample_is_caught(tmp_path, name, path, text, line, advice):
    found = [message for message in messages(tmp_path, {path: text}) if message[3] == name]
    assert len(found) == 1, found
    assert found[0][:2] == (path, line)
    assert advice in found[0][2]


def test_every_rule_has_a_bad_sample():
    assert {checker.rule_name(function) for function in checker.RULES} == {case[0] for case in BAD}


GOOD_SAMPLES = [
    ("src/base/a.cc", "// throw, new and catch (x) in a comment\n/* delete p; */ const char* s = \"throw new\";\n"),
    ("src/base/a.cc", 'const char* s = R"(\nthrow new int; // )";\nint x = 1\'000\'000;\n'),
    ("src/base/a.cc", "#include <new>\nstruct A { A(const A&) = delete; void operator delete(void*); };\n"),
    ("src/base/a.cc", "auto p = std::unique_ptr<A>(new A());\nauto q =\n    std::unique_ptr<A>(\n        new A());\n"),
    ("src/base/a.cc", "int brand(int); int x = brand(1); void F(char* b) { std::snprintf(b, 1, \"\"); }\n"),
    ("src/columnar/c.h", "#pragma once\n#include <arrow/api.h>\ninline void F() { try { G(); } catch (const E& e) { } }\n"),
    ("src/base/a.h", "// A comment first.\n\n#pragma once\n// #include \"core/c.h\"\n/*\n#include \"core/c.h\"\n*/\n"),
    ("src/base/a.h", f"#pragma once\n// {LATER}(#12): later\n"),
    ("docs/a.md", "https://example.org/work/ and ./work/ and /usr/bin and ~/root/x\n"),
]


@pytest.mark.parametrize("path,text", GOOD_SAMPLES)
def test_look_alikes_are_accepted(tmp_path, path, text):
    assert messages(tmp_path, {path: text}) == []


def test_what_only_tests_include_is_test_support(tmp_path):
    changes = {
        "src/base/sample.h": '#pragma once\n#include "testing/t.h"\n',
        "src/base/sample.cc": '#include "base/sample.h"\n#include "testing/t.h"\n',
        "src/base/a_test.cc": '#include "base/sample.h"\n',
        "src/base/CMakeLists.txt": "viper_component(NAME base SOURCES a.cc TESTS a_test.cc sample.cc)\n",
    }
    assert messages(tmp_path, changes) == []
    found = messages(tmp_path, {**changes, "src/base/a.cc": '#include "base/sample.h"\n'})
    assert [(path, name) for path, _, _, name in found] == [
        ("src/base/sample.cc", "twin"), ("src/base/sample.cc", "layer"), ("src/base/sample.h", "layer")]


def test_headers_of_tests_may_include_each_other(tmp_path):
    changes = {
        "src/base/inner.h": '#pragma once\n#include "testing/t.h"\n',
        "src/base/middle.h": '#pragma once\n#include "base/inner.h"\n',
        "src/base/outer.h": '#pragma once\n#include "base/middle.h"\n',
        "src/base/a_test.cc": '#include "base/inner.h"\n#include "base/middle.h"\n#include "base/outer.h"\n',
    }
    assert messages(tmp_path, changes) == []


def test_isa_variants_share_one_test(tmp_path):
    names = ["distance_scalar.cc", "distance_avx2.cc", "distance_avx512.cc", "distance_neon.cc", "distance_test.cc"]
    changes = {f"src/kernels/{name}": "" for name in names}
    changes["src/kernels/CMakeLists.txt"] = "viper_component(NAME kernels SOURCES " + " ".join(names) + ")\n"
    assert messages(tmp_path, changes) == []


def test_allowance_with_reason_silences_one_file(tmp_path):
    changes = {
        "src/base/a.cc": "void F() { throw 1; }\n",
        "src/base/a_test.cc": "void F() { throw 1; }\n",
        "tools/allow.txt": "no-throw src/base/a.cc: a sample that has to throw\n",
    }
    assert [(path, name) for path, _, _, name in messages(tmp_path, changes)] == [("src/base/a_test.cc", "no-throw")]


@pytest.mark.parametrize("lines,expected", [(650, []), (701, ["size", "allow"])])
def test_allowance_of_a_size_has_a_limit(tmp_path, lines, expected):
    changes = {"src/base/a.cc": "\n" * lines, "tools/allow.txt": "size src/base/a.cc <=700: one table, kept together\n"}
    assert [name for _, _, _, name in messages(tmp_path, changes)] == expected


@pytest.mark.parametrize("entry,advice", [
    ("no-throw src/base/a.cc: short", "say why"),
    ("no-such src/base/a.cc: a reason that is long enough", "write `<rule>"),
    ("size src/base/a.cc: a reason that is long enough", "limit"),
    ("no-throw src/base/a.cc: a reason that is long enough", "delete the line"),
])
def test_bad_allowances_are_reported(tmp_path, entry, advice):
    found = messages(tmp_path, {"tools/allow.txt": "# comment\n\n" + entry + "\n"})
    assert [(path, line, name) for path, line, _, name in found] == [("tools/allow.txt", 3, "allow")]
    assert advice in found[0][2]


def test_command_line_prints_messages_and_fails(tmp_path):
    messages(tmp_path, {"src/base/a.cc": "void F() { throw 1; }\n", "cli/main.cc": "int* p = new int;\nusing namespace std;\n"
                        '#include "base/a.h"\n'})
    run = subprocess.run([sys.executable, str(TOOLS / "check"), "--root", str(tmp_path)], capture_output=True, text=True)
    assert run.returncode == 1
    assert "src/base/a.cc:1: `throw` in src; return a Status or Result [no-throw]\n" in run.stdout
    assert "cli/main.cc:3:" in run.stdout
    run = subprocess.run([sys.executable, str(TOOLS / "check"), "--root", str(tmp_path), str(tmp_path / "include")],
                         capture_output=True, text=True)
    assert run.returncode == 0
