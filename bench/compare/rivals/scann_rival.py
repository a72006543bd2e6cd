"""ScaNN: a partition tree, anisotropic 4-bit codes and exact reordering."""

from .rival import K, Contender, Rival, Shape, geometric, pairs


class Scann(Rival):
    distribution = "scann"
    is_concurrent = True

    @classmethod
    def contenders(cls, shape: Shape) -> list[Contender]:
        leaves = 2000 if shape.rows > 500_000 else 500 if shape.rows > 30_000 else 100 if shape.rows > 5000 else 40
        contenders = [cls._contender(leaves, soar=False)]
        if shape.metric == "cosine" or shape.rows > 500_000:
            contenders.append(cls._contender(leaves, soar=True))
        elif shape.rows > 5000:
            contenders.append(cls._contender(leaves // 2, soar=False))
        return contenders

    @staticmethod
    def _contender(leaves: int, soar: bool) -> Contender:
        label = f"ScaNN {leaves} leaves" + (", SOAR" if soar else "")
        return Contender("scann", label, {"leaves": leaves, "soar": soar})

    def load_libraries(self):
        import scann

        self.scann = scann.scann_ops_pybind

    def build(self, metadata):
        distance = "dot_product" if self.shape.metric == "cosine" else "squared_l2"
        spilling = {"soar_lambda": 1.5, "overretrieve_factor": 2.0} if self.parameters["soar"] else {}
        builder = self.scann.builder(self.rows(), K, distance)
        builder = builder.tree(
            num_leaves=self.parameters["leaves"],
            num_leaves_to_search=10,
            training_sample_size=min(self.shape.rows, 250_000),
            **spilling,
        )
        # The threshold weighs errors along the vector higher; it is for inner products.
        anisotropic = {"anisotropic_quantization_threshold": 0.2} if distance == "dot_product" else {}
        searcher = builder.score_ah(2, **anisotropic).reorder(100).build()
        searcher.serialize(str(self.folder))

    def open(self):
        self.searcher = self.scann.load_searcher(str(self.folder))

    def settings(self):
        leaves = geometric(2, max(8, min(256, self.parameters["leaves"] // 2)), 2)
        return pairs("leaves_to_search", leaves, "reorder", [20, 40, 80, 160, 320])

    def apply(self, setting):
        self.setting = setting

    def single(self):
        search, reorder, leaves = self.searcher.search, self.setting["reorder"], self.setting["leaves_to_search"]
        return lambda query: search(query, K, reorder, leaves)

    def batch(self):
        search, reorder, leaves = self.searcher.search_batched, self.setting["reorder"], self.setting["leaves_to_search"]
        return lambda queries: search(queries, K, reorder, leaves)

    def ids(self, answer):
        return answer[0]

    def batch_ids(self, answer):
        return answer[0]
