"""The demo's corpus: documentation of Python functions, methods and classes, read from source files.

Sources are the standard library of the running interpreter and the packages beside it. Files are parsed with `ast`,
never imported, so nothing of them runs. Order and ids are the same in every run over the same files.
"""

import ast
import concurrent.futures
import hashlib
import inspect
import pathlib
import sys
import sysconfig
import warnings
from dataclasses import dataclass

# Folders that hold tests, vendored copies or generated tables, not documentation worth asking for.
SKIPPED_FOLDERS = frozenset(
    ["tests", "test", "testing", "_vendor", "_vendored", "vendored", "externals", "idlelib", "lib2to3", "site-packages"]
)
# Installers, and the interfaces' copies of what others document.
SKIPPED_PACKAGES = frozenset(["pip", "setuptools", "pkg_resources", "_distutils_hack", "ensurepip", "turtledemo"])
MIN_TEXT_CHARS = 40
MAX_TEXT_CHARS = 2000
MAX_FILE_BYTES = 4 << 20


@dataclass(frozen=True)
class Entry:
    """One documented function, method or class."""

    id: str
    name: str
    module: str
    package: str
    kind: str
    length: int
    summary: str
    text: str


def standard_library_folder():
    return pathlib.Path(sysconfig.get_paths()["stdlib"])


def packages_folder():
    return pathlib.Path(sysconfig.get_paths()["purelib"])


def python_files(folder):
    """Yield (path, module name) of a folder's source files, in the order of their paths."""
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        if any(part in SKIPPED_FOLDERS for part in parts[:-1]) or parts[0] in SKIPPED_PACKAGES:
            continue
        if parts[-1] == "conftest" or parts[-1].startswith("test_") or path.stat().st_size > MAX_FILE_BYTES:
            continue
        if parts[-1] in ("__init__", "__main__"):
            parts = parts[:-1] or parts
        # `scipy.stats._stats_py` documents what users call `scipy.stats`, and `_pytest` is the code of `pytest`.
        public = [parts[0].lstrip("_")] + [part for part in parts[1:] if not part.startswith("_")]
        if public[0]:
            yield path, ".".join(public)


def documented_definitions(tree):
    """Yield (qualified name, kind, documentation) of the public definitions of a module, in source order."""

    def walk(body, prefix, inside_class):
        for node in body:
            if isinstance(node, (ast.If, ast.Try)):
                yield from walk(node.body, prefix, inside_class)
                yield from walk(node.orelse, prefix, inside_class)
                continue
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) or node.name.startswith("_"):
                continue
            kind = "class" if isinstance(node, ast.ClassDef) else "method" if inside_class else "function"
            text = ast.get_docstring(node, clean=False)
            if text:
                yield prefix + node.name, kind, inspect.cleandoc(text)
            if kind == "class":
                yield from walk(node.body, prefix + node.name + ".", True)

    yield from walk(tree.body, "", False)


def summary_of(text):
    """The first sentence or paragraph, on one line."""
    paragraph = " ".join(text.split("\n\n", 1)[0].split())
    return paragraph if len(paragraph) <= 160 else paragraph[:157].rsplit(" ", 1)[0] + "..."


def read_definitions(path):
    """The documented definitions of one file, in order; none if it is not source for this interpreter."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Old sources hold escapes that newer parsers warn about.
            return list(documented_definitions(ast.parse(path.read_bytes(), filename=str(path))))
    except (SyntaxError, ValueError, RecursionError):
        return []


def collect(standard_library=None, packages=None):
    """Return all entries. Ids are unique; an equal text of the same package is kept once."""
    files = []
    for path, module in python_files(standard_library or standard_library_folder()):
        files.append((path, module, "python"))
    for path, module in python_files(packages or packages_folder()):
        files.append((path, module, module.split(".")[0]))

    entries = []
    ids = set()
    texts = set()
    with concurrent.futures.ProcessPoolExecutor() as pool:
        all_definitions = pool.map(read_definitions, [path for path, _, _ in files], chunksize=16)
        for (_, module, package), definitions in zip(files, all_definitions):
            for qualified_name, kind, text in definitions:
                name = qualified_name.rsplit(".", 1)[-1]
                entry_id = f"{module}.{qualified_name}"
                if len(text) < MIN_TEXT_CHARS or entry_id in ids or (package, name, text) in texts:
                    continue
                ids.add(entry_id)
                texts.add((package, name, text))
                entries.append(
                    Entry(
                        id=entry_id,
                        name=name,
                        module=module,
                        package=package,
                        kind=kind,
                        length=len(text),
                        summary=summary_of(text),
                        text=text[:MAX_TEXT_CHARS],
                    )
                )
    return entries


def fingerprint():
    """Identify the sources without reading them: interpreter version and what is installed beside it."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(packages_folder().glob("*.dist-info")):
        digest.update(path.name.encode())
    digest.update(pathlib.Path(__file__).read_bytes())
    return digest.hexdigest()[:16]
