"""The demo's corpus reader and embedder, on small inputs."""

import os
import subprocess
import sys

import numpy as np
import pytest

from lake import REPOSITORY, program

sys.path.append(str(REPOSITORY / "demo"))

import corpus  # noqa: E402
import embed  # noqa: E402

SOURCE = '''
"""Module."""

def middle(values):
    """Return the median of the values, which is the one in the middle."""

def short():
    """Too short."""

def _private():
    """Documentation that nobody should be told about, since it is private."""

class Table:
    """A table of rows and columns, read from a file of comma-separated values."""

    def sort_rows(self):
        """Sort the rows by the values of a column, smallest first."""

    def __len__(self):
        """Return how many rows the table has, whatever their columns hold."""

if True:
    def conditional():
        """Documented inside a condition, as compatibility code often is."""
'''


@pytest.fixture
def packages(tmp_path):
    standard_library, installed = tmp_path / "lib", tmp_path / "site-packages"
    for path in ("pkg/__init__.py", "pkg/tests/test_it.py", "pkg/_core/rows.py", "_under/thing.py", "pip/main.py"):
        (installed / path).parent.mkdir(parents=True, exist_ok=True)
        (installed / path).write_text(SOURCE.replace("the median", f"the median ({path})"))
    standard_library.mkdir()
    (standard_library / "tables.py").write_text(SOURCE)
    (standard_library / "broken.py").write_text("def broken(:\n")
    return standard_library, installed


def test_public_documented_definitions_are_read_once_and_in_order(packages):
    entries = corpus.collect(*packages)
    assert entries == corpus.collect(*packages)
    ids = [entry.id for entry in entries]
    assert len(set(ids)) == len(ids)
    kinds = {entry.id: (entry.package, entry.kind) for entry in entries}
    assert kinds["tables.middle"] == ("python", "function")
    assert kinds["tables.Table"] == ("python", "class")
    assert kinds["tables.Table.sort_rows"] == ("python", "method")
    assert kinds["tables.conditional"] == ("python", "function")
    assert kinds["pkg.middle"] == ("pkg", "function")
    # The text is the same as in pkg/__init__.py but for the name of the file in it: only that is another entry.
    assert kinds["pkg.rows.middle"] == ("pkg", "function") and "pkg.rows.Table" not in kinds
    assert kinds["under.thing.middle"] == ("under", "function")
    assert not any(word in entry_id for entry_id in ids for word in ("short", "_private", "__len__", "tests", "pip", "broken"))


@pytest.mark.parametrize(
    "words",
    [("compute", "computes", "computing", "computed"), ("sort", "sorting", "sorted", "sorts"), ("run", "running", "runs"),
     ("query", "queries"), ("transform", "transforms", "transformed"), ("interpolate", "interpolation", "interpolating")],
)
def test_forms_of_a_word_share_their_stem(words):
    assert len({embed.stem(word) for word in words}) == 1


def test_identifiers_are_split_into_their_words():
    assert set(embed.words_of("readCsvFile read_csv HTTPServer")) >= {"readcsvfile", "read", "csv", "fil", "http", "serv"}


def test_a_saved_model_embeds_as_the_trained_one(tmp_path):
    chance = np.random.default_rng(5)
    words = [f"word{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(400)]
    entries = []
    for number in range(600):
        text = " ".join(chance.choice(words, size=30))
        entries.append(corpus.Entry(f"m.f{number}", f"f{number}", "m", "p", "function", len(text), text[:50], text))
    model, vectors = embed.train(entries)
    assert vectors.shape == (600, embed.DIM) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    model.save(tmp_path)
    loaded = embed.Model.load(tmp_path)
    question = entries[17].text
    assert loaded.embed(question).tobytes() == model.embed(question).tobytes()
    assert int(np.argmax(vectors @ loaded.embed(question))) == 17
    assert not loaded.embed("unheard").any()


def test_the_viper_program_hands_questions_to_the_demo(tmp_path):
    environment = os.environ | {"VIPER_DEMO_DIR": str(tmp_path), "VIPER_DEMO_SCRIPT": str(REPOSITORY / "demo" / "ask.py")}
    command = [program("viper"), "demo", "compute the median", "--filter", "kind = 'function'", "-k", "3"]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 1
    assert "run `make demo` first" in done.stderr
