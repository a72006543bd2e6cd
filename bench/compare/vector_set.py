"""Sets of real vectors with exact ground truth, and recall by distance.

A set is a folder with base.fvecs, queries.fvecs, gt_<metric>.ivecs (exact nearest rows per query), base_meta.jsonl and,
where filters are measured, filters.json with gtf_<name>_<metric>.ivecs. Recall counts an answer as right when its
distance, computed in double precision on the stored floats, is not above that of the k-th true neighbour: ids would
punish an engine for picking another one of several equal rows.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import pathlib
import zlib

import numpy as np

import filters
import shifted

K = 10
# Relative tolerance of a distance, and the absolute one that the subtraction in 1 - cosine needs near zero.
TIE_RELATIVE = 1e-6
TIE_ABSOLUTE = 1e-12
WARM_QUERY_COUNT = 1000
WARM_SEED = 20261122
ADDED_SEED = 20261125
CHECKED_QUERIES = 50

# Which ground truth of a set is measured.
METRICS = {
    "words-50k-100": "cosine",
    "mnist-784": "l2",
    "sift-photos-1m": "l2",
    "bible-bge-large-1024": "cosine",
    "movies-10k-768": "cosine",
    "sift-5k": "l2",
}
# Filters beside those that a set brings, for shares of matching rows that it lacks: name -> text. They ask for the same
# metadata, so what was built serves them, too. Their exact answers are computed once and kept.
EXTRA_FILTERS = {
    "words-50k-100": {
        "rank50": "rank < 25000",
        "rank5": "rank < 2500",
        "rank1": "rank < 500",
        "rank01": "rank < 50",
    },
    "sift-photos-1m": {"angle5": "angle < 18", "angle2": "angle < 6"},
}
EXTRA_FILTER_QUERIES = 200
# Metadata of queries that says which of them come from elsewhere than the rows.
QUERY_GROUPS = {"bible-bge-large-1024": "set", "movies-10k-768": "kind", "sift-5k": "kind"}
TRUTH_SUFFIX = {"cosine": "cos", "l2": "l2"}


@dataclasses.dataclass(frozen=True)
class Shape:
    """What an engine is told about a set before it sees the rows."""

    name: str
    rows: int
    dim: int
    metric: str  # "cosine" or "l2"


@dataclasses.dataclass(frozen=True)
class FilterCase:
    """A filter of a set with the exact answers for the first `query_count` queries."""

    name: str
    filter: filters.Filter
    matching_rows: int
    selectivity: float
    query_count: int


class Recall:
    """Share of right answers per query, and how many queries got fewer answers than there are."""

    def __init__(self, shares: np.ndarray, short: int):
        self.shares = shares
        self.mean = float(shares.mean())
        self.fifth_percentile = float(np.percentile(shares, 5))
        self.at_least_90 = float((shares >= 0.9 - 1e-9).mean())
        self.short = short


class VectorSet:
    def __init__(self, folder: pathlib.Path, cache: pathlib.Path | None = None):
        """`cache`: where the exact answers of the extra filters are kept; without it there are no extra filters."""
        self.folder, self.cache = pathlib.Path(folder), cache
        name = self.folder.name
        self.metric = METRICS[name]
        rows, dim = self.base_map.shape
        self.shape = Shape(name, rows, dim, self.metric)
        self._kth_distances = {}
        self._shifted: dict[str, np.ndarray] = {}

    @functools.cached_property
    def base_map(self) -> np.ndarray:
        """The rows, mapped: rows x dim floats, not contiguous."""
        return map_vectors(self.folder / "base.fvecs", "<f4")

    def read_base(self) -> np.ndarray:
        return np.ascontiguousarray(self.base_map)

    @functools.cached_property
    def queries(self) -> np.ndarray:
        return np.ascontiguousarray(map_vectors(self.folder / "queries.fvecs", "<f4"))

    def read_metadata(self, fields: list[str] | None = None) -> list[dict]:
        with open(self.folder / "base_meta.jsonl", encoding="utf-8") as lines:
            rows = map(json.loads, lines)
            return [{name: row[name] for name in fields} if fields is not None else row for row in rows]

    @functools.cached_property
    def filter_cases(self) -> list[FilterCase]:
        path = self.folder / "filters.json"
        entries = json.loads(path.read_text()) if path.exists() else []
        cases = [
            FilterCase(entry["name"], filters.parse(entry["filter"]), entry["matching_rows"], entry["selectivity"], entry["queries"])
            for entry in entries
        ]
        return cases + self._extra_filter_cases()

    def _extra_filter_cases(self) -> list[FilterCase]:
        cases = []
        for name, text in EXTRA_FILTERS.get(self.shape.name, {}).items() if self.cache else ():
            count = len(self._matching_rows(name))
            cases.append(FilterCase(name, filters.parse(text), count, count / self.shape.rows, min(EXTRA_FILTER_QUERIES, len(self.queries))))
        return cases

    def _matching_rows(self, name: str) -> np.ndarray:
        text = EXTRA_FILTERS[self.shape.name][name]
        path = self.cache / f"{self.fingerprint}-{zlib.crc32(text.encode()):08x}-rows.npy"
        if not path.exists():
            condition = filters.parse(text)
            rows = self.read_metadata(condition.fields())
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, np.array([row for row, entry in enumerate(rows) if filters.matches(condition, entry)], dtype=np.int64))
        return np.load(path)

    def _extra_truth(self, name: str) -> list[tuple[float, int]]:
        """kth_distances by a brute force over the rows that match."""
        text = EXTRA_FILTERS[self.shape.name][name]
        path = self.cache / f"{self.fingerprint}-{self.metric}-{zlib.crc32(text.encode()):08x}-truth.npy"
        if not path.exists():
            ids = self._matching_rows(name)
            base, count = np.ascontiguousarray(self.base_map[ids]), min(K, len(ids))
            queries = self.queries[:EXTRA_FILTER_QUERIES].astype(np.float64)
            np.save(path, [np.partition(brute_force(query, base, self.metric), count - 1)[count - 1] for query in queries])
        count = min(K, len(self._matching_rows(name)))
        return [(float(limit), count) for limit in np.load(path)]

    @functools.cached_property
    def query_groups(self) -> dict[str, np.ndarray]:
        """Numbers of the queries by where they come from; empty for a set whose queries are all of one kind."""
        if self.shape.name not in QUERY_GROUPS:
            return {}
        with open(self.folder / "queries_meta.jsonl", encoding="utf-8") as lines:
            kinds = [json.loads(line)[QUERY_GROUPS[self.shape.name]] for line in lines]
        return {kind: np.array([row for row, other in enumerate(kinds) if other == kind]) for kind in sorted(set(kinds))}

    def shifted_queries(self, kind: str) -> np.ndarray:
        """Queries that are like no row, one of shifted.KINDS."""
        if kind not in self._shifted:
            self._shifted[kind] = shifted.make_queries(self.base_map, kind)
        return self._shifted[kind]

    def _shifted_truth(self, kind: str) -> list[tuple[float, int]]:
        """As kth_distances; computed once and kept where there is a cache."""
        path = self.cache / f"{self.fingerprint}-{self.metric}-{kind}-truth.npy" if self.cache else None
        if path and path.exists():
            return [(float(limit), K) for limit in np.load(path)]
        limits = shifted.kth_distances(self.shifted_queries(kind), self.base_map, self.metric, K, distances)
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, limits)
        return [(limit, K) for limit in limits]

    @functools.cached_property
    def fingerprint(self) -> str:
        """Names the rows: their count, dimension and a checksum over a sample of them."""
        step = max(1, self.shape.rows // 1000)
        checksum = zlib.crc32(np.ascontiguousarray(self.base_map[::step]).tobytes())
        return f"{self.shape.name}-{self.shape.rows}x{self.shape.dim}-{checksum:08x}"

    def make_warm_queries(self) -> np.ndarray:
        """Queries that are no test queries: rows of the set, moved by a tenth of the spread of their components."""
        generator = np.random.default_rng(WARM_SEED)
        return generator.permutation(self._moved_rows(generator, min(WARM_QUERY_COUNT, self.shape.rows))[1])

    def make_moved_rows(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of rows and vectors near them, of whole numbers if the rows are: what may be added to the set."""
        rows, moved = self._moved_rows(np.random.default_rng(ADDED_SEED), count)
        whole = np.array_equal(np.rint(self.base_map[rows]), self.base_map[rows])
        return rows, np.clip(np.rint(moved), self.base_map[rows].min(), None) if whole else moved

    def _moved_rows(self, generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        rows = np.sort(generator.choice(self.shape.rows, count, replace=False))
        chosen = np.ascontiguousarray(self.base_map[rows])
        moved = chosen + generator.standard_normal(chosen.shape).astype(np.float32) * (0.1 * chosen.std())
        return rows, moved.astype(np.float32)

    # -- Truth -----------------------------------------------------------------------------------------------------

    def distances(self, query: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """Distances of rows to a query in double precision; squared for l2."""
        rows = np.asarray(self.base_map[ids], dtype=np.float64)
        return distances(query.astype(np.float64), rows, self.metric)

    def kth_distances(self, filter_name: str | None = None) -> list[tuple[float, int]]:
        """Per query the distance of its last true neighbour and how many there are: K, or fewer if fewer rows match."""
        if filter_name in EXTRA_FILTERS.get(self.shape.name, {}) and self.cache:
            self._kth_distances.setdefault(filter_name, self._extra_truth(filter_name))
        if filter_name not in self._kth_distances:
            stem = "gt" if filter_name is None else f"gtf_{filter_name}"
            truth = map_vectors(self.folder / f"{stem}_{TRUTH_SUFFIX[self.metric]}.ivecs", "<i4")[:, :K]
            last = []
            for row, ids in enumerate(truth):
                present = ids[ids >= 0]
                last.append((float(self.distances(self.queries[row], present).max()) if len(present) else 0.0, len(present)))
            self._kth_distances[filter_name] = last
        return self._kth_distances[filter_name]

    def recall(self, answers: list, first_query: int = 0, filter_name: str | None = None) -> Recall:
        """`answers`: per query a sequence of row numbers; numbers outside the set are no answers. Queries wrap around."""
        return self._recall(answers, self.queries, self.kth_distances(filter_name), first_query)

    def shifted_recall(self, answers: list, kind: str) -> Recall:
        """The same for the shifted queries of a kind, from the first on."""
        return self._recall(answers, self.shifted_queries(kind), self._shifted_truth(kind), 0)

    def _recall(self, answers: list, queries: np.ndarray, last: list[tuple[float, int]], first_query: int) -> Recall:
        shares, short = np.empty(len(answers)), 0
        for position, answer in enumerate(answers):
            row = (first_query + position) % len(last)
            limit, count = last[row]
            ids = np.unique(np.asarray(answer, dtype=np.int64)[:K])
            ids = ids[(ids >= 0) & (ids < self.shape.rows)]
            found = self.distances(queries[row], ids) <= limit * (1 + TIE_RELATIVE) + TIE_ABSOLUTE
            shares[position] = found.sum() / count if count else 1.0
            short += len(ids) < count
        return Recall(shares, short)

    def check_truth(self) -> None:
        """Compare the shipped neighbours of a sample of queries with a brute force in double precision."""
        base = np.asarray(self.base_map, dtype=np.float64) if self.shape.rows * self.shape.dim < 5e7 else None
        step = max(1, len(self.queries) // CHECKED_QUERIES)
        last = self.kth_distances()
        for row in range(0, len(self.queries), step):
            query = self.queries[row].astype(np.float64)
            nearest = np.partition(brute_force(query, base if base is not None else self.base_map, self.metric), K - 1)[K - 1]
            limit = last[row][0]
            if abs(nearest - limit) > abs(limit) * TIE_RELATIVE + TIE_ABSOLUTE:
                raise SystemExit(f"{self.shape.name}: query {row}: the ground truth says {limit}, brute force {nearest}")


def distances(query: np.ndarray, rows: np.ndarray, metric: str) -> np.ndarray:
    if metric == "l2":
        return ((rows - query) ** 2).sum(axis=1)
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
    return 1.0 - (rows @ query) / norms


def brute_force(query: np.ndarray, base: np.ndarray, metric: str) -> np.ndarray:
    block = 100_000
    parts = [distances(query, np.asarray(base[first : first + block], dtype=np.float64), metric) for first in range(0, len(base), block)]
    return np.concatenate(parts)


def map_vectors(path: pathlib.Path, kind: str) -> np.ndarray:
    """Map a file of rows of one length, each an int32 count and then its values."""
    dim = int(np.fromfile(path, dtype="<i4", count=1)[0])
    return np.memmap(path, dtype=kind, mode="r").reshape(-1, dim + 1)[:, 1:]


def unit_length(vectors: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.where(norms == 0, 1, norms), dtype=np.float32)
