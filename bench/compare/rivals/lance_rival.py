"""LanceDB: inverted lists with small graphs over 8-bit codes, or with RaBitQ codes, and refinement by the floats."""

import numpy as np

import filters

from .rival import K, Contender, Rival, Shape, field_types, geometric, pairs

ROWS_PER_ADD = 100_000


class LanceDb(Rival):
    distribution = "lancedb"
    environment = "databases"
    is_database = True
    can_add = is_concurrent = True

    @classmethod
    def contenders(cls, shape: Shape) -> list[Contender]:
        partitions = 1 if shape.rows < 100_000 else max(1, shape.rows // 100_000)
        graphs = {"index": "HNSW_SQ", "num_partitions": partitions, "m": 20, "ef_construction": 300}
        lists = {"index": "RQ", "num_partitions": max(16, int(shape.rows**0.5))}
        chosen = [Contender("lancedb", "LanceDB IVF_HNSW_SQ", graphs)]
        if shape.dim % 8 == 0:
            chosen.append(Contender("lancedb", "LanceDB IVF_RQ", lists))
        return chosen

    def prepared(self, vectors):
        return vectors  # its cosine normalises

    def load_libraries(self):
        import lancedb
        import lancedb.index
        import pyarrow

        self.lancedb, self.arrow = lancedb, pyarrow

    def build(self, metadata):
        self.database = self.lancedb.connect(str(self.folder / "lake"))
        rows = self.rows()
        first = self._arrow_table(0, rows[:ROWS_PER_ADD], {name: values[:ROWS_PER_ADD] for name, values in metadata.items()})
        self.table = self.database.create_table("rows", first)
        for begin in range(ROWS_PER_ADD, len(rows), ROWS_PER_ADD):
            end = begin + ROWS_PER_ADD
            self.table.add(self._arrow_table(begin, rows[begin:end], {name: values[begin:end] for name, values in metadata.items()}))
        for name, kind in field_types(metadata).items():
            self.table.create_scalar_index(name, index_type="LABEL_LIST" if kind == "list<string>" else "BTREE")
        options = {key: value for key, value in self.parameters.items() if key != "index"}
        kind = {"HNSW_SQ": self.lancedb.index.HnswSq, "RQ": self.lancedb.index.IvfRq}[self.parameters["index"]]
        self.table.create_index("vector", config=kind(distance_type=self.shape.metric, **options))

    def _arrow_table(self, first_id, vectors, metadata):
        arrow = self.arrow
        values = arrow.FixedSizeListArray.from_arrays(arrow.array(vectors.ravel()), vectors.shape[1])
        columns = {"id": arrow.array(range(first_id, first_id + len(vectors))), "vector": values}
        return arrow.table({**columns, **{name: arrow.array(column) for name, column in metadata.items()}})

    def add(self, first_id, vectors, metadata):
        self.table.add(self._arrow_table(first_id, vectors, metadata))

    def index_added(self):
        self.table.optimize()

    def open(self):
        self.table = self.lancedb.connect(str(self.folder / "lake")).open_table("rows")

    def unindexed_rows(self):
        name = next(index.name for index in self.table.list_indices() if index.columns == ["vector"])
        return self.table.index_stats(name).num_unindexed_rows

    def settings(self):
        if self.parameters["index"] == "HNSW_SQ":
            partitions = self.parameters["num_partitions"]
            probes = geometric(1, partitions) if partitions > 1 else [1]
            # It wants an ef of at least k times the factor.
            return [{"nprobes": probe, "ef": ef, "refine_factor": factor} for probe in probes for factor in (1, 4) for ef in geometric(K * factor, 320)]
        return pairs("nprobes", geometric(4, self.parameters["num_partitions"], 1), "refine_factor", [4, 16])

    def apply(self, setting):
        self.setting = setting

    def single(self):
        return self._search(None)

    def filtered(self, filter):
        return self._search(filters.sql(filter, contains="array_has({field}, {value})", quote="`"))

    def _search(self, condition):
        table, metric, setting = self.table, self.shape.metric, self.setting

        def search(query):
            asked = table.search(query, vector_column_name="vector").distance_type(metric).select(["id", "_distance"]).limit(K)
            asked = asked.nprobes(setting["nprobes"]).refine_factor(setting["refine_factor"])
            if "ef" in setting:
                asked = asked.ef(setting["ef"])
            if condition:
                asked = asked.where(condition, prefilter=True)
            return asked.to_arrow()

        return search

    def ids(self, answer):
        return np.asarray(answer["id"])
