"""NumPy: all distances, then the smallest. What a user has without any engine, and the floor of every curve."""

import numpy as np

from .rival import K, Contender, Rival, Shape


class NumPy(Rival):
    distribution = "numpy"
    takes_few_rows = True

    @classmethod
    def contenders(cls, shape: Shape) -> list[Contender]:
        return [Contender("numpy", "NumPy, exact", {})] if shape.rows <= 200_000 else []

    def build(self, metadata):
        np.save(self.folder / "rows.npy", self.rows())

    def open(self):
        self.base = np.load(self.folder / "rows.npy")
        self.squares = np.einsum("ij,ij->i", self.base, self.base)

    def settings(self):
        return [{}]

    def apply(self, setting):
        pass

    def single(self):
        return self._nearest

    def batch(self):
        return lambda queries: np.array([self._nearest(query) for query in queries])

    def _nearest(self, query):
        partial_distances = self.squares - 2 * (self.base @ query)
        return np.argpartition(partial_distances, K)[:K]
