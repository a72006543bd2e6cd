"""Chroma: a database of documents with HNSW, kept on disk."""

from .rival import K, Contender, Rival, Shape

ROWS_PER_ADD = 5_000
OPERATORS = {"=": "$eq", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte", "contains": "$contains"}


class Chroma(Rival):
    distribution = "chromadb"
    environment = "databases"
    is_database = True
    can_add = True

    @classmethod
    def contenders(cls, shape: Shape) -> list[Contender]:
        # It takes about a millisecond to add a row.
        return [Contender("chroma", "Chroma HNSW M16 efc128", {"M": 16, "ef_construction": 128})] if shape.rows <= 100_000 else []

    def prepared(self, vectors):
        return vectors  # its cosine normalises

    def load_libraries(self):
        import chromadb

        self.chromadb = chromadb

    def _connect(self):
        settings = self.chromadb.config.Settings(anonymized_telemetry=False)
        return self.chromadb.PersistentClient(str(self.folder / "chroma"), settings=settings)

    def build(self, metadata):
        graph = {"space": self.shape.metric, "max_neighbors": self.parameters["M"], "ef_construction": self.parameters["ef_construction"],
                 "num_threads": 1, "sync_threshold": self.shape.rows}
        self.collection = self._connect().create_collection("rows", configuration={"hnsw": graph}, embedding_function=None)
        self.add(0, self.rows(), metadata)

    def add(self, first_id, vectors, metadata):
        names = list(metadata)
        for first in range(0, len(vectors), ROWS_PER_ADD):
            rows = range(first, min(first + ROWS_PER_ADD, len(vectors)))
            # It refuses empty lists and empty metadata.
            documents = [{name: metadata[name][row] for name in names if metadata[name][row] != []} or None for row in rows]
            self.collection.add(ids=[str(first_id + row) for row in rows], embeddings=vectors[rows.start : rows.stop],
                                metadatas=documents if names else None)

    def open(self):
        self.collection = self._connect().get_collection("rows", embedding_function=None)

    def settings(self):
        return [{}]  # changing its ef_search had no effect on an open collection: this is its default

    def apply(self, setting):
        pass

    def single(self):
        return self._search(None)

    def filtered(self, filter):
        conditions = [{condition.field: {OPERATORS[condition.operator]: condition.value}} for condition in filter.comparisons()]
        return self._search(conditions[0] if len(conditions) == 1 else {"$and": conditions})

    def _search(self, condition):
        search = self.collection.query
        return lambda query: search(query_embeddings=[query], n_results=K, where=condition, include=["distances"])

    def ids(self, answer):
        return [int(row_id) for row_id in answer["ids"][0]]
