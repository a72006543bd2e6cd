"""DuckDB: its extension vss (HNSW), and all distances in SQL. The graph is searched first and filtered afterwards."""

import os

import filters

from .rival import K, Contender, Rival, Shape, field_types, geometric

TYPES = {"int64": "BIGINT", "float64": "DOUBLE", "string": "VARCHAR", "list<string>": "VARCHAR[]"}
DISTANCES = {"cosine": "array_cosine_distance", "l2": "array_distance"}
METRICS = {"cosine": "cosine", "l2": "l2sq"}


class DuckDb(Rival):
    distribution = "duckdb"
    environment = "databases"
    is_database = True
    can_add = True

    @classmethod
    def contenders(cls, shape: Shape) -> list[Contender]:
        graph = {"M": 16, "ef_construction": 128}
        exact = [Contender("duckdb", "DuckDB, exact", {})]
        # The graph has to fit in memory and is written anew as a whole: for sets of this size it takes hours.
        return exact if shape.rows > 200_000 else [*exact, Contender("duckdb", "DuckDB vss HNSW M16 efc128", graph)]

    def prepared(self, vectors):
        return vectors  # its cosine normalises

    def load_libraries(self):
        import duckdb
        import pyarrow

        self.duckdb, self.arrow = duckdb, pyarrow

    def _connect(self, read_only):
        self.connection = self.duckdb.connect(str(self.folder / "rows.duckdb"), read_only=read_only)
        self.connection.execute("SET threads TO 1")
        if self.parameters:
            import duckdb_extension_vss

            folder = os.path.dirname(duckdb_extension_vss.__file__)
            found = [os.path.join(path, name) for path, _, names in os.walk(folder) for name in names if name.endswith(".duckdb_extension")]
            self.connection.execute(f"LOAD '{found[0]}'")
            self.connection.execute("SET hnsw_enable_experimental_persistence = true")

    def build(self, metadata):
        self._connect(read_only=False)
        fields = "".join(f', "{name}" {TYPES[kind]}' for name, kind in field_types(metadata).items())
        self.connection.execute(f"CREATE TABLE rows (id BIGINT, vector FLOAT[{self.shape.dim}]{fields})")
        self.add(0, self.rows(), metadata)
        if self.parameters:
            options = f"metric = '{METRICS[self.shape.metric]}', M = {self.parameters['M']}, ef_construction = {self.parameters['ef_construction']}"
            self.connection.execute(f"CREATE INDEX graph ON rows USING HNSW (vector) WITH ({options})")
        self.connection.execute("CHECKPOINT")
        self.connection.close()

    def add(self, first_id, vectors, metadata):
        arrow = self.arrow
        values = arrow.FixedSizeListArray.from_arrays(arrow.array(vectors.ravel()), vectors.shape[1])
        columns = {"id": arrow.array(range(first_id, first_id + len(vectors))), "vector": values}
        table = arrow.table({**columns, **{name: arrow.array(column) for name, column in metadata.items()}})
        self.connection.register("added", table)
        self.connection.execute("INSERT INTO rows SELECT * FROM added")
        self.connection.unregister("added")

    def open(self):
        self._connect(read_only=True)

    def open_for_adding(self):
        self._connect(read_only=False)

    def settings(self):
        return [{"ef_search": ef} for ef in geometric(16, 512, 1)] if self.parameters else [{}]

    def apply(self, setting):
        if setting:
            self.connection.execute(f"SET hnsw_ef_search = {setting['ef_search']}")

    def single(self):
        return self._search("")

    def filtered(self, filter):
        return self._search(" WHERE " + filters.sql(filter, contains="list_contains({field}, {value})", quote='"'))

    def _search(self, condition):
        distance = f"{DISTANCES[self.shape.metric]}(vector, ?::FLOAT[{self.shape.dim}])"
        text = f"SELECT id FROM rows{condition} ORDER BY {distance} LIMIT {K}"
        execute = self.connection.execute
        return lambda query: execute(text, [query]).fetchall()

    def ids(self, answer):
        return [row[0] for row in answer]
