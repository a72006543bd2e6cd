"""USearch: HNSW with half-precision vectors."""

import numpy as np

from .rival import K, Contender, Rival, Shape, call, geometric


class USearch(Rival):
    distribution = "usearch"
    can_add = is_concurrent = has_threads = takes_few_rows = True

    @classmethod
    def contenders(cls, shape: Shape) -> list[Contender]:
        # bf16 and f16 measured alike, i8 stalls at recall 0.947 on words-50k-100, and f32 is slower.
        parameters = {"dtype": "f16", "connectivity": 16, "expansion_add": 200}
        return [Contender("usearch", "USearch f16 M16 efc200", parameters)]

    def prepared(self, vectors):
        return vectors

    def load_libraries(self):
        from usearch.index import Index

        metric = {"cosine": "cos", "l2": "l2sq"}[self.shape.metric]
        self.index = Index(ndim=self.shape.dim, metric=metric, **self.parameters)

    def build(self, metadata):
        rows = self.rows()
        self.index.add(np.arange(len(rows)), rows, threads=1)
        self.index.save(str(self.folder / "index.usearch"))

    def add(self, first_id, vectors, metadata):
        self.index.add(np.arange(first_id, first_id + len(vectors)), vectors, threads=1)

    def open(self):
        self.index.load(str(self.folder / "index.usearch"))

    def facts(self):
        return {"hardware_acceleration": self.index.hardware_acceleration}

    def settings(self):
        return [{"expansion_search": value} for value in geometric(10, 640, 2)]

    def apply(self, setting):
        self.index.expansion_search = setting["expansion_search"]

    def single(self):
        return call(self.index.search, count=K, threads=self.threads)

    batch = single

    def ids(self, answer):
        return answer.keys

    def batch_ids(self, answer):
        return answer.keys
