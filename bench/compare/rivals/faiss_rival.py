"""Faiss: inverted lists with fast-scan codes and exact refinement, and its HNSW."""

from .rival import K, Contender, Rival, Shape, geometric, pairs


def list_count(shape: Shape) -> int:
    """Inverted lists: about 4 sqrt(rows) for a million, sqrt(rows) for small sets, where more lists measured slower."""
    return 4096 if shape.rows > 500_000 else 256 if shape.rows > 30_000 else 64


class FaissRival(Rival):
    distribution = "faiss-cpu"
    can_add = is_concurrent = True

    def load_libraries(self):
        import faiss

        faiss.omp_set_num_threads(1)
        self.faiss = faiss

    def factory(self) -> str:
        return self.parameters["factory"]

    def build(self, metadata):
        index = self.faiss.index_factory(self.shape.dim, self.factory(), self.faiss.METRIC_L2)
        rows = self.rows()
        index.train(rows)
        index.add(rows)
        self.faiss.write_index(index, str(self.folder / "index.faiss"))

    def add(self, first_id, vectors, metadata):
        self.index.add(vectors)  # ids go on from the last row

    def open(self):
        self.index = self.faiss.read_index(str(self.folder / "index.faiss"))

    def facts(self):
        return {"compile_options": self.faiss.get_compile_options().strip()}

    def single(self):
        search = self.index.search
        return lambda query: search(query[None], K)

    def batch(self):
        search = self.index.search
        return lambda queries: search(queries, K)

    def ids(self, answer):
        return answer[1][0]

    def batch_ids(self, answer):
        return answer[1]


class FaissIvf(FaissRival):
    """Knobs: lists probed, and candidates refined per answer."""

    def open(self):
        super().open()
        self.lists = self.faiss.extract_index_ivf(self.index)

    def settings(self):
        probes = geometric(2, max(8, min(256, self.lists.nlist // 2)), 2)
        return pairs("nprobe", probes, "k_factor", self.factors)

    factors = [2, 4, 8, 16, 32]

    def apply(self, setting):
        self.lists.nprobe = setting["nprobe"]
        self.index.k_factor = setting["k_factor"]


class FaissIvfPq(FaissIvf):
    @classmethod
    def contenders(cls, shape: Shape) -> list[Contender]:
        factory = f"IVF{list_count(shape)},PQ{shape.dim // 2}x4fs,RFlat"
        return [Contender("faiss-ivfpq", f"Faiss {factory}", {"factory": factory})]


class FaissRaBitQ(FaissIvf):
    factors = [4, 8, 16, 32, 64]

    @classmethod
    def contenders(cls, shape: Shape) -> list[Contender]:
        # The factory does not rotate for RaBitQ by itself: RR does, and without it recall stalls.
        factory = f"RR{shape.dim},IVF{list_count(shape)},RaBitQfs,RFlat"
        return [Contender("faiss-rabitq", f"Faiss {factory}", {"factory": factory})]

    def open(self):
        super().open()
        self.index.k_factor = 1


class FaissHnsw(FaissRival):
    @classmethod
    def contenders(cls, shape: Shape) -> list[Contender]:
        if shape.rows > 200_000:
            return []
        return [Contender("faiss-hnsw", "Faiss HNSW32 efc200", {"factory": "HNSW32,Flat", "efConstruction": 200})]

    def build(self, metadata):
        index = self.faiss.index_factory(self.shape.dim, self.factory(), self.faiss.METRIC_L2)
        index.hnsw.efConstruction = self.parameters["efConstruction"]
        index.add(self.rows())
        self.faiss.write_index(index, str(self.folder / "index.faiss"))

    def settings(self):
        return [{"efSearch": ef} for ef in geometric(10, 640, 2)]

    def apply(self, setting):
        self.index.hnsw.efSearch = setting["efSearch"]
