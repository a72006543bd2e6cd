"""What docs/guide/python.md shows works."""

import re

import pytest

from lake import REPOSITORY

viper = pytest.importorskip("viper", reason="built without the Python module (nanobind or Python's headers missing)")


def test_the_example_runs(tmp_path, monkeypatch, capsys):
    text = (REPOSITORY / "docs/guide/python.md").read_text()
    (example,) = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "docs/guide/python.md", "exec"), {})
    assert capsys.readouterr().out.startswith("alien 0.9") and (tmp_path / "lake" / "films").is_dir()


def test_every_public_name_is_in_the_stubs_and_has_a_text():
    stubs = (REPOSITORY / "python/viper/__init__.pyi").read_text()
    for name in set(viper.__all__) - {"__version__"}:
        assert re.search(rf"\b{name}\b", stubs), name
    for owner in (viper.Collection, viper.Database):
        for name in (name for name in vars(owner) if not name.startswith("_")):
            assert re.search(rf"\b{name}\b", stubs), name
    assert "one vector" in viper.Collection.search.__doc__ and viper.__doc__


def test_what_is_atomic_is_told_with_its_limit():
    (limit,) = re.findall(r"kAtomicWriteBytesMax = size_t\{(\d+)\} << 20", (REPOSITORY / "src/base/limits.h").read_text())
    guide = (REPOSITORY / "docs/guide/python.md").read_text()
    told = f"{limit} MiB"
    for name in ("upsert", "insert", "replace", "update"):
        text = " ".join(getattr(viper.Collection, name).__doc__.split())
        assert told in text, name
    assert f"up to {told} all or nothing" in guide and f"of more than {told} is refused" in guide
