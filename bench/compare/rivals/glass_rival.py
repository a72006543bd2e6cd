"""glass: HNSW over 8-bit codes, refined with the floats. Not in any registry: see docs/BENCHMARKING.md."""

import numpy as np

from .rival import K, Contender, Rival, Shape, geometric


class Glass(Rival):
    @classmethod
    def contenders(cls, shape: Shape) -> list[Contender]:
        contenders = [cls._contender("SQ8U")]
        if shape.rows > 30_000:
            contenders.append(cls._contender("SQ4U"))
        return contenders

    @staticmethod
    def _contender(codes: str) -> Contender:
        return Contender("glass", f"glass HNSW32 {codes} + f32", {"R": 32, "L": 200}, {"codes": codes})

    @classmethod
    def version(cls, installed, python_path) -> str:
        return "8c69018"  # it does not tell

    def load_libraries(self):
        import glass

        glass.set_num_threads(1)
        self.glass = glass

    def build(self, metadata):
        rows = self.rows()
        graph = self.glass.Index("HNSW", "L2", "SQ8U", self.parameters["R"], self.parameters["L"]).build(rows)
        graph.save(str(self.folder / "graph.glass"))
        # It keeps no vectors in files and makes its codes at each start, so the floats have to be kept for it.
        np.save(self.folder / "rows.npy", rows)

    def open(self):
        graph = self.glass.Graph(str(self.folder / "graph.glass"))
        rows = np.load(self.folder / "rows.npy")
        self.searcher = self.glass.Searcher(graph, rows, "L2", self.opening["codes"], "FP32")
        self.searcher.set_ef(32)
        self.searcher.optimize(1)

    def settings(self):
        return [{"ef": ef} for ef in geometric(10, 640, 2)]

    def apply(self, setting):
        self.searcher.set_ef(setting["ef"])

    def single(self):
        search = self.searcher.search
        return lambda query: search(query, K)

    def batch(self):
        search = self.searcher.batch_search
        return lambda queries: search(queries, K, 1)

    def ids(self, answer):
        return answer[0]

    def batch_ids(self, answer):
        return answer[0].reshape(-1, K)
