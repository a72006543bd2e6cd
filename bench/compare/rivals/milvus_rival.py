"""Milvus Lite: Milvus as a library; its HNSW, which is that of Faiss."""

import filters

from .rival import K, Contender, Rival, Shape, field_types, geometric

ROWS_PER_INSERT = 5_000
TYPES = {"int64": "INT64", "float64": "DOUBLE", "string": "VARCHAR", "list<string>": "ARRAY"}


class MilvusLite(Rival):
    distribution = "milvus-lite"
    environment = "databases"
    is_database = True

    @classmethod
    def contenders(cls, shape: Shape) -> list[Contender]:
        parameters = {"M": 16, "efConstruction": 200}
        return [Contender("milvus-lite", "Milvus Lite HNSW M16 efc200", parameters)] if shape.rows <= 100_000 else []

    def prepared(self, vectors):
        return vectors  # its cosine normalises

    def load_libraries(self):
        import milvus_lite

        self.milvus = milvus_lite

    def build(self, metadata):
        milvus = self.milvus
        kind, field = milvus.DataType, milvus.FieldSchema
        fields = [field("id", kind.INT64, is_primary=True), field("vector", kind.FLOAT_VECTOR, dim=self.shape.dim)]
        for name, type_name in field_types(metadata).items():
            options = {"max_length": 256} if type_name in ("string", "list<string>") else {}
            if type_name == "list<string>":
                options |= {"element_type": kind.VARCHAR, "max_capacity": 256}
            fields.append(field(name, getattr(kind, TYPES[type_name]), nullable=True, **options))
        database = milvus.MilvusLite(str(self.folder / "lake"))
        collection = database.create_collection("rows", milvus.CollectionSchema(fields=fields))
        rows, names = self.rows(), list(metadata)
        for first in range(0, len(rows), ROWS_PER_INSERT):
            numbers = range(first, min(first + ROWS_PER_INSERT, len(rows)))
            collection.insert([{"id": row, "vector": rows[row].tolist(), **{name: metadata[name][row] for name in names}} for row in numbers])
        collection.flush()
        metric = {"cosine": "COSINE", "l2": "L2"}[self.shape.metric]
        collection.create_index("vector", {"index_type": "HNSW", "metric_type": metric, "params": self.parameters})
        collection.load()
        database.close()

    def open(self):
        self.database = self.milvus.MilvusLite(str(self.folder / "lake"))
        self.collection = self.database.get_collection("rows")
        self.collection.load()

    def settings(self):
        return [{"ef": ef} for ef in geometric(10, 640, 1)]

    def apply(self, setting):
        self.setting = setting

    def single(self):
        return self._search(None)

    def filtered(self, filter):
        return self._search(filters.sql(filter.without_between(), contains="array_contains({field}, {value})", equals="=="))

    def _search(self, condition):
        search, setting = self.collection.search, self.setting
        return lambda query: search([query.tolist()], top_k=K, expr=condition, output_fields=[], search_params=setting)

    def ids(self, answer):
        return [hit["id"] for hit in answer[0]]
