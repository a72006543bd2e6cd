"""VIPER through its Python module. The version is the module's and a checksum of the library that it loads."""

import functools
import hashlib
import pathlib

import filters
import machine

from .rival import K, Contender, Rival, Shape, call, field_types

ROWS_PER_UPSERT = 20_000
RECALLS = (0.80, 0.85, 0.90, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995)


class Viper(Rival):
    is_database = can_add = is_concurrent = has_threads = takes_few_rows = promises_recall = True

    @classmethod
    def contenders(cls, shape: Shape) -> list[Contender]:
        return [Contender("viper", "VIPER", {}), Contender("viper", "VIPER, codes alone", {"index_byte_rows": False})]

    @classmethod
    def version(cls, installed, python_path) -> str:
        folder = next((pathlib.Path(path) / "viper" for path in python_path if list(pathlib.Path(path).glob("viper/_viper.*.so"))), None)
        if folder is None:
            raise LookupError("the Python module is not built: run `make build`, or set VIPER_BUILD_DIR")
        return library_checksum(folder.parents[1] / "lib" / "libviper.so")

    def prepared(self, vectors):
        return vectors

    def load_libraries(self):
        import viper

        self.viper = viper

    def build(self, metadata):
        self._connect()
        fields = field_types(metadata)
        self.collection = self.database.create_collection("rows", dim=self.shape.dim, metric=self.shape.metric, fields=fields)
        self.add(0, self.rows(), metadata)
        self.index_added()
        self.collection.close()

    def _connect(self):
        self.database = self.viper.connect(self.folder / "lake", search_threads=1, background_flush=False, background_index=False, **self.parameters)

    def add(self, first_id, vectors, metadata):
        names = list(metadata)
        for first in range(0, len(vectors), ROWS_PER_UPSERT):
            last = min(first + ROWS_PER_UPSERT, len(vectors))
            values = zip(*(metadata[name][first:last] for name in names))
            documents = [dict(zip(names, row)) for row in values] if names else None
            self.collection.upsert(ids=range(first_id + first, first_id + last), vectors=vectors[first:last], metadata=documents)

    def index_added(self):
        self.collection.flush()
        self.collection.build_index()

    def open_for_adding(self):
        self._connect()
        self.collection = self.database.open_collection("rows")

    def open(self):
        self.database = self.viper.connect(self.folder / "lake", read_only=True, search_threads=self.threads)
        self.collection = self.database.open_collection("rows")

    def facts(self):
        return {"version": self.viper.__version__, "index_bytes": machine.bytes_below(self.folder / "lake" / "rows" / "_viper" / "index")}

    def settings(self):
        return [{"recall": recall} for recall in RECALLS]

    def apply(self, setting):
        self.setting = setting

    def single(self):
        search = call(self.collection.search, k=K, with_metadata=False, **self.setting)
        return lambda query: search(query).ids

    def batch(self):
        return call(self.collection.search_batch, k=K, **self.setting)

    def filtered(self, filter):
        condition = self.viper.Filter(filters.sql(filter, contains="{field} CONTAINS {value}"))
        search = call(self.collection.search, k=K, with_metadata=False, filter=condition, **self.setting)
        return lambda query: search(query).ids

    def ids(self, answer):
        return [int(row_id) for row_id in answer]

    def batch_ids(self, answer):
        return [[int(row_id) for row_id in ids] for ids in answer[0]]


@functools.cache
def library_checksum(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
