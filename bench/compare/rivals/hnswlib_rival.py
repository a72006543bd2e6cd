"""hnswlib: the reference HNSW."""

from .rival import K, Contender, Rival, Shape, call, geometric


class Hnswlib(Rival):
    distribution = "hnswlib"
    can_add = is_concurrent = has_threads = takes_few_rows = True

    @classmethod
    def contenders(cls, shape: Shape) -> list[Contender]:
        choices = [(16, 200)] if shape.rows > 200_000 else [(16, 200), (32, 400)]
        return [Contender("hnswlib", f"hnswlib M{m} efc{efc}", {"M": m, "ef_construction": efc}) for m, efc in choices]

    def prepared(self, vectors):
        return vectors  # its cosine space normalises

    def load_libraries(self):
        import hnswlib

        self.index = hnswlib.Index(space=self.shape.metric, dim=self.shape.dim)

    def build(self, metadata):
        self.index.init_index(max_elements=self.shape.rows, random_seed=100, **self.parameters)
        self.index.add_items(self.rows(), num_threads=1)
        self.index.save_index(str(self.folder / "index.bin"))

    def add(self, first_id, vectors, metadata):
        self.index.resize_index(first_id + len(vectors))
        self.index.add_items(vectors, range(first_id, first_id + len(vectors)), num_threads=1)

    def open(self):
        self.index.load_index(str(self.folder / "index.bin"))
        self.index.set_num_threads(self.threads)

    def settings(self):
        return [{"ef": ef} for ef in geometric(10, 640, 2)]

    def apply(self, setting):
        self.index.set_ef(setting["ef"])

    def single(self):
        return call(self.index.knn_query, k=K, num_threads=self.threads)

    batch = single

    def ids(self, answer):
        return answer[0][0]

    def batch_ids(self, answer):
        return answer[0]
