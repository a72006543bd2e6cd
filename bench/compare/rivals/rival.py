"""What the benchmark asks of an engine. One module of this folder per engine; each imports its engine only when used."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from typing import Callable

import numpy as np

from filters import Filter, field_kind
from vector_set import K, FilterCase, Shape, unit_length

__all__ = ["K", "BATCH", "Contender", "Filter", "FilterCase", "Rival", "Shape", "unit_length"]

BATCH = 256


@dataclasses.dataclass(frozen=True)
class Contender:
    """An engine with one choice of parameters: a line of the report. Those of equal `parameters` share what was built."""

    rival: str
    label: str
    parameters: dict
    opening: dict = dataclasses.field(default_factory=dict)  # used when it is opened only


class Rival:
    """One contender over one set. Subclasses say how it is built, opened and asked; the worker measures.

    Built once into `folder`, later opened from it in another process. An answer of `single` or `batch` is whatever the
    engine hands its user; `ids` and `batch_ids` turn it into row numbers after the clock has stopped.
    """

    # Distribution whose version names the engine; None: `version` is overridden.
    distribution: str | None = None
    # A database: keeps files and metadata, and answers filters.
    is_database = False
    # Which of the environments it is installed in: see environment.py.
    environment = "libraries"
    # Whether rows can be added to what was built, by `add`.
    can_add = False
    # Whether several threads may search at once, and the interpreter lock is released meanwhile.
    is_concurrent = False
    # Whether `threads` is heeded.
    has_threads = False
    # Whether a few rows are enough to build it, and it answers from them.
    takes_few_rows = False
    # Whether a setting is the recall that is promised, under the name "recall".
    promises_recall = False

    @classmethod
    def contenders(cls, shape: Shape) -> list[Contender]:
        raise NotImplementedError

    @classmethod
    def version(cls, installed: dict[str, str], python_path: list[str]) -> str:
        """`installed`: version of each package, `python_path`: folders of modules. LookupError says what is missing."""
        if cls.distribution not in installed:
            raise LookupError(f"{cls.distribution} is not installed")
        return installed[cls.distribution]

    def __init__(self, contender: Contender, shape: Shape, folder: pathlib.Path, read_base: Callable[[], np.ndarray]):
        self.parameters, self.opening, self.shape, self.folder = contender.parameters, contender.opening, shape, folder
        self._read_base = read_base
        self.threads = 1  # of one call of `batch`; set before `open`

    # -- Vectors ---------------------------------------------------------------------------------------------------

    def rows(self) -> np.ndarray:
        """The rows as this engine wants them. Read anew at each call: who keeps them pays for them in memory."""
        return self.prepared(self._read_base())

    def prepared(self, vectors: np.ndarray) -> np.ndarray:
        """Rows or queries as the engine wants them; not part of what is timed.

        Engines without a cosine get unit vectors and search by l2, so they are spared the normalising of queries.
        """
        return unit_length(vectors) if self.shape.metric == "cosine" else vectors

    # -- Life ------------------------------------------------------------------------------------------------------

    def load_libraries(self) -> None:
        """Import what is needed, so that its memory is not counted as the index's."""

    def build(self, metadata: dict[str, list] | None) -> None:
        """Index the rows and leave everything in the folder. `metadata`: columns by name, for databases."""
        raise NotImplementedError

    def open(self) -> None:
        raise NotImplementedError

    def open_for_adding(self) -> None:
        self.open()

    def add(self, first_id: int, vectors: np.ndarray, metadata: dict[str, list]) -> None:
        """Add rows with ids from first_id on, as prepared; they are found, and as durable as it gets, when it returns."""
        raise NotImplementedError

    def index_added(self) -> None:
        """Bring the index up to the rows added, for engines that do so later."""

    def unindexed_rows(self) -> int:
        """Rows that the index does not cover, for engines that build it later than they store the rows."""
        return 0

    def facts(self) -> dict:
        """What the engine says of itself: kernels chosen, options."""
        return {}

    # -- Search ----------------------------------------------------------------------------------------------------

    def settings(self) -> list[dict]:
        """Values of the knobs, all that might lie on the curve."""
        raise NotImplementedError

    def apply(self, setting: dict) -> None:
        raise NotImplementedError

    def single(self) -> Callable:
        """A function of one query under the setting applied last."""
        raise NotImplementedError

    def batch(self) -> Callable | None:
        """A function of up to BATCH queries (a matrix); None if the engine has no such call."""
        return None

    def filtered(self, filter: Filter) -> Callable:
        """A function of one query that searches among the rows that match."""
        raise NotImplementedError

    def ids(self, answer) -> np.ndarray:
        return np.ravel(answer)

    def batch_ids(self, answer) -> np.ndarray:
        return np.reshape(answer, (-1, K))


def geometric(first: float, last: float, per_doubling: float = 1.0) -> list[int]:
    """Whole numbers from first to last, evenly spaced in their logarithms."""
    count = max(2, round(np.log2(last / first) * per_doubling) + 1)
    return sorted({int(round(value)) for value in np.geomspace(first, last, count)})


def pairs(first: str, firsts: list[int], second: str, seconds: list[int]) -> list[dict]:
    return [{first: value, second: other} for value in firsts for other in seconds]


def field_types(metadata: dict[str, list]) -> dict[str, str]:
    """Columns by name -> int64, float64, string or list<string>."""
    return {name: field_kind(values) for name, values in metadata.items()}


def call(function: Callable, **fixed) -> Callable:
    """`function` with fixed keywords, bound without a Python frame per call."""
    return functools.partial(function, **fixed)
