"""zvec: an embedded vector database; its HNSW over floats, asked for internal ids.

That call needs a collection that is open for reading only, and is three times as fast as the one that makes documents.
"""

import filters

from .rival import K, Contender, Rival, Shape, field_types, geometric

DOCUMENTS_PER_INSERT = 1_000
TYPES = {"int64": "INT64", "float64": "DOUBLE", "string": "STRING", "list<string>": "ARRAY_STRING"}


class Zvec(Rival):
    distribution = "zvec"
    environment = "databases"
    is_database = True
    can_add = is_concurrent = True

    @classmethod
    def contenders(cls, shape: Shape) -> list[Contender]:
        parameters = {"m": 32, "ef_construction": 200, "use_contiguous_memory": True}
        return [Contender("zvec", "zvec HNSW M32 efc200", parameters)]

    def prepared(self, vectors):
        return vectors  # its cosine normalises

    def load_libraries(self):
        import zvec

        zvec.init(query_threads=1, optimize_threads=1, log_level=zvec.LogLevel.ERROR)
        self.zvec = zvec

    def build(self, metadata):
        zvec = self.zvec
        metric = {"cosine": zvec.MetricType.COSINE, "l2": zvec.MetricType.L2}[self.shape.metric]
        index = zvec.HnswIndexParam(metric_type=metric, **self.parameters)
        vector = zvec.VectorSchema("vector", zvec.DataType.VECTOR_FP32, self.shape.dim, index)
        fields = [
            zvec.FieldSchema(name, getattr(zvec.DataType, TYPES[kind]), nullable=True, index_param=zvec.InvertIndexParam(True))
            for name, kind in field_types(metadata).items()
        ]
        schema = zvec.CollectionSchema("rows", fields=fields, vectors=[vector])
        self.collection = zvec.create_and_open(str(self.folder / "rows"), schema)
        self.add(0, self.rows(), metadata)
        self.index_added()
        self.collection.close()

    def add(self, first_id, vectors, metadata):
        names = list(metadata)
        for first in range(0, len(vectors), DOCUMENTS_PER_INSERT):
            documents = [
                self.zvec.Doc(id=str(first_id + row), vectors={"vector": vectors[row]}, fields={name: metadata[name][row] for name in names})
                for row in range(first, min(first + DOCUMENTS_PER_INSERT, len(vectors)))
            ]
            failed = [status for status in self.collection.insert(documents) if not status.ok()]
            if failed:
                raise RuntimeError(f"insert: {failed[0].message()}")
        self.collection.flush()

    def index_added(self):
        self.collection.optimize(self.zvec.OptimizeOption(concurrency=1))

    def open(self):
        self.collection = self.zvec.open(str(self.folder / "rows"), self.zvec.CollectionOption(read_only=True))

    def open_for_adding(self):
        self.collection = self.zvec.open(str(self.folder / "rows"))

    def unindexed_rows(self):
        stats = self.collection.stats
        return round(stats.doc_count * (1 - stats.index_completeness["vector"]))

    def settings(self):
        return [{"ef": ef} for ef in geometric(10, 640, 2)]

    def apply(self, setting):
        self.search_parameters = self.zvec.HnswQueryParam(ef=setting["ef"])

    def single(self):
        return self._search(None)

    def filtered(self, filter):
        return self._search(filters.sql(filter.without_between(), contains="{field} CONTAIN_ANY ({value})"))

    def _search(self, condition):
        search, query_of, parameters = self.collection.query_internal_ids, self.zvec.Query, self.search_parameters
        if not self.collection.option.read_only:
            documents = self.collection.query
            return lambda query: documents(query_of("vector", vector=query, param=parameters), topk=K, output_fields=[])
        return lambda query: search(query_of("vector", vector=query, param=parameters), topk=K, filter=condition)

    def ids(self, answer):
        if not self.collection.option.read_only:
            return [int(document.id) for document in answer]
        return [int(row_id) for row_id in self.collection.resolve_internal_ids(answer) if row_id is not None]
