"""SymphonyQG: a graph with 1-bit codes of the neighbours in its vertices. Not in any registry: see docs/BENCHMARKING.md."""

from .rival import K, Contender, Rival, Shape, geometric


class SymphonyQg(Rival):
    @classmethod
    def contenders(cls, shape: Shape) -> list[Contender]:
        degrees = [32] if shape.rows > 200_000 else [32, 64]
        return [Contender("symphonyqg", f"SymphonyQG {degree}", {"degree_bound": degree, "EF": 200}) for degree in degrees]

    @classmethod
    def version(cls, installed, python_path) -> str:
        return "6124ddb"  # it does not tell

    def load_libraries(self):
        import symphonyqg

        self.index = symphonyqg.Index(
            index_type="QG",
            metric="L2",
            num_elements=self.shape.rows,
            dimension=self.shape.dim,
            degree_bound=self.parameters["degree_bound"],
        )

    def build(self, metadata):
        self.index.build_index(self.rows(), self.parameters["EF"], num_iter=3, num_thread=1)
        self.index.save(str(self.folder / "index.symqg"))

    def open(self):
        self.index.load(str(self.folder / "index.symqg"))

    def settings(self):
        return [{"ef": ef} for ef in geometric(10, 640, 2)]

    def apply(self, setting):
        self.index.set_ef(setting["ef"])

    def single(self):
        search = self.index.search
        return lambda query: search(query, K)
