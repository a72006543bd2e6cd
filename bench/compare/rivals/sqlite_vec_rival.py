"""sqlite-vec: all distances inside SQLite. It has no index, so its recall is 1."""

import filters

from .rival import K, Contender, Rival, Shape, field_types

TYPES = {"int64": "integer", "float64": "float", "string": "text"}
METRICS = {"cosine": "cosine", "l2": "l2"}


class SqliteVec(Rival):
    distribution = "sqlite-vec"
    environment = "databases"
    is_database = True
    can_add = True

    @classmethod
    def contenders(cls, shape: Shape) -> list[Contender]:
        return [Contender("sqlite-vec", "sqlite-vec, exact", {})]

    def prepared(self, vectors):
        return vectors  # its cosine normalises

    def load_libraries(self):
        import apsw  # Python's own sqlite3 is often built without the loading of extensions
        import sqlite_vec

        self.apsw, self.extension = apsw, sqlite_vec.loadable_path()

    def _connect(self):
        self.connection = self.apsw.Connection(str(self.folder / "rows.sqlite"))
        self.connection.enable_load_extension(True)
        self.connection.load_extension(self.extension)

    def build(self, metadata):
        self._connect()
        kinds = field_types(metadata)
        columns = "".join(f", {name} {TYPES[kind]}" for name, kind in kinds.items() if kind in TYPES)
        vector = f"vector float[{self.shape.dim}] distance_metric={METRICS[self.shape.metric]}"
        self.connection.execute(f"CREATE VIRTUAL TABLE rows USING vec0({vector}{columns})")
        # A column of lists is none of its types: their elements stand in a table.
        self.connection.execute("CREATE TABLE elements (field TEXT, value TEXT, row INTEGER, PRIMARY KEY (field, value, row)) WITHOUT ROWID")
        self.add(0, self.rows(), metadata)

    def add(self, first_id, vectors, metadata):
        plain = {name: values for name, values in metadata.items() if not isinstance(values[0], list)}
        names = "".join(f", {name}" for name in plain)
        places = ", ?" * len(plain)
        rows = ((first_id + position, vector.tobytes(), *(values[position] for values in plain.values())) for position, vector in enumerate(vectors))
        with self.connection:
            self.connection.executemany(f"INSERT INTO rows (rowid, vector{names}) VALUES (?, ?{places})", rows)
            for name in metadata.keys() - plain.keys():
                pairs = {(name, value, first_id + position) for position, values in enumerate(metadata[name]) for value in values}
                self.connection.executemany("INSERT INTO elements VALUES (?, ?, ?)", sorted(pairs))

    def facts(self):
        return {"sqlite": self.apsw.sqlite_lib_version()}

    def open(self):
        self._connect()

    def settings(self):
        return [{}]

    def apply(self, setting):
        pass

    def single(self):
        return self._search("")

    def filtered(self, filter):
        contains = "rowid IN (SELECT row FROM elements WHERE field = '{name}' AND value = {value})"
        return self._search(" AND " + filters.sql(filter, contains=contains))

    def _search(self, condition):
        text = f"SELECT rowid FROM rows WHERE vector MATCH ? AND k = {K}{condition}"
        execute = self.connection.execute
        return lambda query: execute(text, (query,)).fetchall()

    def ids(self, answer):
        return [row[0] for row in answer]
