"""Queries that are like no row of a set, made from its rows in three ways, and their exact nearest.

A promise of recall is calibrated on stored rows. What it is worth for other queries has to be measured with other queries,
and most sets bring none: these are made, always the same for the same rows.
"""

from __future__ import annotations

from typing import Callable

import numpy as np

SEED = 20261126
QUERY_COUNT = 500
# Rows whose mean and spread are taken for those of all.
SAMPLE = 10_000
# Of a row's distance from the mean: how far beyond the rows a query lies.
BEYOND = 1.5
# Of the spread of each component.
NOISE = 0.5
# Candidates by single precision for each neighbour, of which double precision chooses.
CANDIDATES_PER_NEIGHBOUR = 10
BLOCK = 100_000

KINDS = ("noise", "between", "beyond")


def make_queries(base: np.ndarray, kind: str) -> np.ndarray:
    """noise: a row and noise of half the spread; between: the midpoint of two rows; beyond: a row moved away from the mean."""
    generator = np.random.default_rng(SEED)
    sample = rows_of(base, np.sort(generator.choice(len(base), min(SAMPLE, len(base)), replace=False)))
    first, second = (rows_of(base, generator.choice(len(base), QUERY_COUNT)) for _ in range(2))
    mean, spread = sample.mean(axis=0), sample.std(axis=0)
    made = {
        "noise": lambda: first + NOISE * spread * generator.standard_normal(first.shape),
        "between": lambda: (first + second) / 2,
        "beyond": lambda: mean + BEYOND * (first - mean),
    }[kind]()
    return np.ascontiguousarray(made, dtype=np.float32)


def rows_of(base: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    return np.asarray(base[numbers], dtype=np.float64)


def kth_distances(queries: np.ndarray, base: np.ndarray, metric: str, k: int, distances: Callable) -> list[float]:
    """Of each query the distance of its k-th nearest row by `distances`, in double precision.

    Products in single precision choose many times as many candidates as are wanted, of each block of rows.
    """
    found = [[] for _ in queries]
    wanted = k * CANDIDATES_PER_NEIGHBOUR
    for first in range(0, len(base), BLOCK):
        block = np.ascontiguousarray(base[first : first + BLOCK])
        squares = np.einsum("ij,ij->i", block, block)
        products = queries @ block.T
        near = squares - 2 * products if metric == "l2" else -products / np.sqrt(np.maximum(squares, 1e-30))
        count = min(wanted, len(block))
        for query, candidates in enumerate(np.argpartition(near, count - 1, axis=1)[:, :count]):
            exact = distances(queries[query].astype(np.float64), np.asarray(block[candidates], dtype=np.float64), metric)
            found[query].extend(np.sort(exact)[:k])
    return [float(np.sort(values)[k - 1]) for values in found]
