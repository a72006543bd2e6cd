"""The wheel that `make wheel` leaves in build/wheel: what is in it, and that it works where nothing of the checkout is."""

import email
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile

import pytest

from lake import REPOSITORY

# What the wheel is made of.
SOURCES = ("pyproject.toml", "CMakeLists.txt", "cmake", "include", "src", "python")
VERSION = re.search(r"^project\(viper VERSION ([0-9.]+)", (REPOSITORY / "CMakeLists.txt").read_text(), re.MULTILINE)[1]
NEEDED = ("numpy", "pyarrow")

# Writes, flushes and searches; the second half looks at what is mapped: two copies of Arrow would be two files.
SHARED_ARROW = """
import viper
collection = viper.connect("lake").create_collection("rows", dim=2, metric="l2", fields={"n": "int64"})
collection.upsert(["a", "b"], [[1, 0], [0, 1]], [{"n": 1, "text": "x"}, {"n": 2}])
collection.flush()
assert [hit.metadata["n"] for hit in collection.search([0, 2], k=2)] == [2, 1]
"""
FOREIGN_READER = """
import pathlib
import pyarrow.parquet
for path in pathlib.Path("lake").rglob("part-*.parquet"):
    assert sorted(pyarrow.parquet.read_table(path)["_id"].to_pylist()) == ["a", "b"]
"""
WHAT_IS_MAPPED = """
paths = {line.split(maxsplit=5)[5].strip() for line in open("/proc/self/maps") if "/" in line}
print(*sorted(path for path in paths if ".so" in path), sep="\\n")
"""


@pytest.fixture(scope="module")
def wheel():
    wheels = list((REPOSITORY / "build" / "wheel").glob("*.whl"))
    if not wheels:
        pytest.skip("no wheel in build/wheel: `make wheel` builds it")
    assert len(wheels) == 1, wheels
    for source in SOURCES:
        for path in sorted((REPOSITORY / source).rglob("*")) or [REPOSITORY / source]:
            if path.suffix != ".pyc" and path.is_file() and path.stat().st_mtime > wheels[0].stat().st_mtime:
                pytest.skip(f"the wheel in build/wheel is older than {path.relative_to(REPOSITORY)}: `make wheel` builds it anew")
    return wheels[0]


class Environment:
    """A virtual environment that has the wheel and the packages that it names, without asking an index."""

    def __init__(self, root, needed=NEEDED):
        venv.create(root, with_pip=False, symlinks=True)
        self.python = root / "bin" / "python"
        (self.site,) = root.glob("lib/python3*/site-packages")
        self.install_needed(self.site, needed)

    @staticmethod
    def install_needed(folder, names):
        """Link packages of this environment as if they were installed there; pip then finds that they are."""
        here = pathlib.Path(sysconfig.get_path("purelib"))
        for name in names:
            for path in (*here.glob(name), *here.glob(f"{name}.libs"), *here.glob(f"{name}-*.dist-info")):
                (folder / path.name).symlink_to(path)

    def install(self, wheel, *options):
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--no-index", "--quiet", *options]
        return subprocess.run([*pip, str(wheel)], capture_output=True, encoding="utf-8", timeout=300)

    def run(self, text, folder, **variables):
        return subprocess.run([str(self.python), "-c", text], cwd=folder, env={"PATH": "/usr/bin:/bin", **variables},
                              capture_output=True, encoding="utf-8", timeout=300)


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    made = Environment(tmp_path_factory.mktemp("fresh"))
    done = made.install(wheel)
    assert done.returncode == 0, done.stderr
    return made


def test_its_name_and_metadata_are_those_of_the_project(wheel):
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    assert wheel.name.startswith(f"viper_vectors-{VERSION}-{tag}-{tag}-linux_")
    with zipfile.ZipFile(wheel) as archive:
        metadata = email.message_from_bytes(archive.read(f"viper_vectors-{VERSION}.dist-info/METADATA"))
    assert metadata["Name"] == "viper-vectors" and metadata["Version"] == VERSION
    names = [re.match(r"[\w-]+", requirement)[0] for requirement in metadata.get_all("Requires-Dist")]
    assert sorted(names) == sorted(NEEDED)


def test_it_holds_what_it_needs_and_nothing_of_arrow(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {path.split("/", 1)[1] for path in archive.namelist() if path.startswith("viper/")}
        notices = {pathlib.Path(path).name for path in archive.namelist() if ".dist-info/licenses/" in path}
        sizes = [entry.file_size for entry in archive.infolist() if ".so" in entry.filename]
    assert {"__init__.py", "__init__.pyi", "_arrow.py", "errors.py", "py.typed", "libviper.so.0"} <= names
    assert {"LICENSE", "THIRD_PARTY.md", "NOTICES.txt"} <= notices
    libraries = {name for name in names if ".so" in name}
    assert not [name for name in libraries if re.match(r"lib(arrow|parquet|stdc|c\.)", name)]
    assert len(libraries) == len({name.split(".so")[0] for name in libraries}), "a library is there twice"
    # Every library has its notice.
    text = (REPOSITORY / "python" / "NOTICES.txt").read_text()
    assert not [name for name in libraries - {"libviper.so.0"} if name.startswith("lib") and f"{name.split('.so')[0]}.so" not in text]
    assert sum(sizes) < 16 << 20


def test_libraries_are_looked_for_beside_the_package_only(wheel, tmp_path):
    if shutil.which("readelf") is None:
        pytest.skip("no readelf on the path (binutils)")
    with zipfile.ZipFile(wheel) as archive:
        paths = [archive.extract(name, tmp_path) for name in archive.namelist() if re.search(r"/(_viper|libviper)\.", name)]
    assert len(paths) == 2
    for path in paths:
        dynamic = subprocess.run(["readelf", "-d", path], capture_output=True, encoding="utf-8", check=True).stdout
        assert re.findall(r"R(?:UN)?PATH.*\[(.*)\]", dynamic) == ["$ORIGIN:$ORIGIN/../pyarrow"], dynamic


def test_the_guides_example_runs(environment, tmp_path):
    text = (REPOSITORY / "docs/guide/python.md").read_text()
    (example,) = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    done = environment.run(example, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("alien 0.9") and (tmp_path / "lake" / "films").is_dir()


@pytest.mark.parametrize("before", ["", "import pyarrow, pyarrow.parquet, pyarrow.compute"], ids=["viper first", "pyarrow first"])
def test_the_program_and_viper_share_one_arrow(environment, tmp_path, before):
    done = environment.run(before + SHARED_ARROW + FOREIGN_READER + WHAT_IS_MAPPED, tmp_path)
    assert done.returncode == 0, done.stderr
    mapped = done.stdout.splitlines()
    for name in ("libarrow", "libparquet", "libsimdjson", "libfmt", "libviper"):
        assert len([path for path in mapped if pathlib.Path(path).name.startswith(f"{name}.so")]) == 1, (name, mapped)
    site = str(environment.site.resolve())
    ours = {pathlib.Path(path).name.split(".")[0] for path in mapped if path.startswith(site)}
    assert ours == {"_viper", "libviper", "libsimdjson", "libfmt", "libroaring"}


def test_arrow_is_found_wherever_pyarrow_is(wheel, tmp_path):
    apart, elsewhere = tmp_path / "apart", tmp_path / "elsewhere"
    elsewhere.mkdir()
    bare = Environment(tmp_path / "bare", needed=())
    assert bare.install(wheel, "--no-deps", "--target", str(apart)).returncode == 0
    Environment.install_needed(elsewhere, NEEDED)
    done = bare.run(SHARED_ARROW + FOREIGN_READER, tmp_path, PYTHONPATH=f"{apart}:{elsewhere}")
    assert done.returncode == 0, done.stderr
    missing = bare.run("import viper", tmp_path, PYTHONPATH=str(apart))
    assert missing.returncode != 0 and "pip install pyarrow==26.0.*" in missing.stderr


def test_it_does_not_install_without_its_pyarrow(wheel, tmp_path):
    done = Environment(tmp_path / "without", needed=("numpy",)).install(wheel)
    assert done.returncode != 0 and "pyarrow" in done.stderr
