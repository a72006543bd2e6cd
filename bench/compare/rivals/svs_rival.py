"""Scalable Vector Search: a Vamana graph over floats or locally adaptive codes (LVQ)."""

from .rival import K, Contender, Rival, Shape, call, geometric

# Name -> bits of the first and of the second level.
CODES = {"LVQ8": (8, 0), "LVQ4x8": (4, 8)}


class Svs(Rival):
    distribution = "scalable-vs"

    @classmethod
    def contenders(cls, shape: Shape) -> list[Contender]:
        degree = 64 if shape.rows > 500_000 else 32
        vectors = ["LVQ8", "LVQ4x8"] if shape.rows > 500_000 else ["f32", "LVQ8"]
        graph = {"graph_max_degree": degree, "window_size": 200, "alpha": 1.2}
        return [Contender("svs", f"SVS Vamana{degree} {kind}", graph, {"vectors": kind}) for kind in vectors]

    def load_libraries(self):
        import svs

        self.svs = svs

    def build(self, metadata):
        parameters = self.svs.VamanaBuildParameters(**self.parameters)
        index = self.svs.Vamana.build(parameters, self.rows(), self.svs.DistanceType.L2, num_threads=1)
        index.save(*self._folders())

    def _folders(self) -> list[str]:
        return [str(self.folder / part) for part in ("config", "graph", "data")]

    def open(self):
        config, graph, data = self._folders()
        vectors = self.svs.VectorDataLoader(data, self.svs.DataType.float32, dims=self.shape.dim)
        if self.opening["vectors"] in CODES:  # encoded while they are read
            first, second = CODES[self.opening["vectors"]]
            vectors = self.svs.LVQLoader(vectors, primary=first, residual=second, strategy=self.svs.LVQStrategy.Turbo)
        self.index = self.svs.Vamana(config, self.svs.GraphLoader(graph), vectors, self.svs.DistanceType.L2, num_threads=1)
        self.index.num_threads = 1

    def facts(self):
        return {"library_version": self.svs.library_version()}

    def settings(self):
        return [{"search_window_size": size} for size in geometric(10, 320, 2)]

    def apply(self, setting):
        self.index.search_window_size = setting["search_window_size"]

    def single(self):
        return call(self.index.search, n_neighbors=K)

    batch = single

    def ids(self, answer):
        return answer[0][0]

    def batch_ids(self, answer):
        return answer[0]
