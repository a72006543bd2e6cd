"""A life of a collection, operation by operation, and what its table must hold after each."""

import datetime
import json

import pytest

from lake import Lake, float_bits, random_vectors

DIM = 4
UTC = datetime.timezone.utc
PAST, FUTURE = (datetime.datetime(year, 1, 1, tzinfo=UTC) for year in (2001, 2999))
DELETE_MODES = ("rewrite", "vectors", "auto")


class Life:
    """A collection `c` that is written through the Python module, and the rows of its table by id: vector, metadata and expiry."""

    def __init__(self, folder, deletes):
        self.viper = pytest.importorskip("viper", reason="built without the Python module (nanobind or Python's headers missing)")
        self.lake = Lake(folder)
        self.deletes = deletes
        self.rows = {}
        self.vectors = iter(random_vectors(41, 1000, DIM))
        # Of files as small as these "auto" makes no deletion vectors: it meets those of before.
        self.open("vectors" if deletes == "auto" else deletes)
        self.collection = self.database.create_collection("c", dim=DIM, metric="l2", fields={"title": "string", "count": "int64"})

    def open(self, deletes):
        self.database = self.viper.connect(
            self.lake.root, deletes=deletes, background_flush=False, background_compaction=False, background_index=False, index_min_rows=20)

    def close(self):
        self.collection.close()
        self.database.close()

    def put(self, ids, write="upsert", expires_at=None, **metadata):
        """Write records that count from 0, with further metadata."""
        given = [{"count": number, **metadata} for number in range(len(ids))]
        vectors = [next(self.vectors) for _ in ids]
        getattr(self.collection, write)(ids, vectors, given, expires_at=[expires_at] * len(ids))
        for row_id, vector, one in zip(ids, vectors, given):
            self.rows[row_id] = (float_bits(vector), one, expires_at)

    def visible(self):
        return {row_id: row for row_id, row in self.rows.items() if row[2] != PAST}

    def selected(self, matches):
        """Ids of the visible rows whose metadata match."""
        return [row_id for row_id, (_, metadata, _) in self.visible().items() if matches(metadata)]

    def delete(self, ids):
        self.collection.delete(ids)
        self.drop(ids)

    def drop(self, ids):
        for row_id in ids:
            self.rows.pop(row_id, None)

    def change(self, ids, **metadata):
        for row_id in ids:
            vector, before, expires_at = self.rows[row_id]
            self.rows[row_id] = (vector, {**before, **metadata}, expires_at)

    def expire(self):
        self.rows = self.visible()

    def expected(self):
        """What other programs read: what has expired as well, until a compaction removes it."""
        return {row_id: (vector, plain(metadata), expires_at) for row_id, (vector, metadata, expires_at) in self.rows.items()}

    def expected_of_export(self):
        return {row_id: row for row_id, row in self.expected().items() if row_id in self.visible()}

    def table(self):
        return self.lake.table()

    def content_of(self, read):
        """What another program read, each row as (vector, metadata, expiry) by id."""
        content = {}
        for row in read:
            assert row["_id"] not in content, f"{row['_id']} twice"
            metadata = json.loads(row.get("_payload") or "{}")
            columns = {name: row[name] for name in self.collection.fields if row.get(name) is not None}
            assert not metadata.keys() & columns.keys(), row
            content[row["_id"]] = (row["_vector"], plain({**metadata, **columns}), row.get("_expires_at"))
        return content

    def content_of_export(self):
        """The same of `viper export`, which leaves out what has expired."""
        content = {}
        for row_id, row in self.lake.export().items():
            expires_at = row.get("_expires_at")
            content[row_id] = (
                float_bits(row["_vector"]),
                plain({key: value for key, value in row.items() if not key.startswith("_")}),
                expires_at and datetime.datetime.fromisoformat(expires_at.replace("Z", "+00:00")),
            )
        return content


def plain(metadata):
    """As text, which tells 4 from 4.0."""
    return json.dumps(metadata, sort_keys=True)


def names(letter, begin, end, step=1):
    return [f"{letter}{number}" for number in range(begin, end, step)]


def insert(life):
    life.put(names("r", 0, 60), "insert", title="first", rating=4)


def insert_more(life):
    life.put(names("s", 0, 30), "insert", expires_at=FUTURE, title="süß 🐍", note={"deep": [1, 2.5, None]})


def upsert_over_flushed_rows(life):
    life.put(names("r", 40, 70), title="second", rating=5)
    life.put(names("s", 0, 5), title="second")


def delete_by_ids(life):
    life.delete(names("r", 0, 60, 7) + names("s", 3, 30, 9))


def delete_by_filter(life):
    life.collection.delete(filter="count < 4 AND title = 'first'")
    life.drop(life.selected(lambda metadata: metadata["count"] < 4 and metadata["title"] == "first"))


def update_by_ids(life):
    ids = names("r", 20, 26)
    life.collection.update(ids, set={"title": "updated", "note": "n"})
    life.change(life.rows.keys() & ids, title="updated", note="n")


def update_by_filter(life):
    life.collection.update(filter="count >= 25", set={"count": -1})
    life.change(life.selected(lambda metadata: metadata["count"] >= 25), count=-1)


def fold_deletion_vectors(life):
    life.collection.compact(fold_deletion_vectors=True)


def declare_a_field(life):
    life.collection.add_fields({"rating": "int64"})


def write_under_the_field(life):
    life.put(names("t", 0, 20), title="declared", rating=7)
    life.put(names("r", 30, 33), title="declared", rating=8)


def filter_by_the_field(life):
    life.collection.delete(filter="rating = 4 AND count < 12")
    life.drop(life.selected(lambda metadata: metadata.get("rating") == 4 and metadata["count"] < 12))


def reopen(life):
    life.close()
    life.open(life.deletes)
    life.collection = life.database.open_collection("c")


def delete_beside_vectors(life):
    life.delete(names("r", 40, 70, 3) + names("t", 0, 20, 4))


def widen_the_field(life):
    life.collection.widen_field("rating")
    for row_id, (_, metadata, _) in life.rows.items():
        if "rating" in metadata:
            life.change([row_id], rating=float(metadata["rating"]))


def build_the_index(life):
    life.collection.build_index()
    assert life.collection.index_report()


def write_what_is_expired(life):
    # Over rows that were flushed, and new ones.
    life.put(names("r", 50, 55) + names("u", 0, 5), expires_at=PAST, title="expired", rating=0.5)


def compact_everything(life):
    life.collection.compact(everything=True)
    life.expire()


def write_a_file_of_what_is_expired(life):
    life.put(names("v", 0, 40), expires_at=PAST, title="expired")


def compact_what_pays(life):
    told = life.collection.compact()
    assert [step["reason"] for step in told["steps"]] == ["all rows expired"]
    life.expire()


def vacuum(life):
    assert life.collection.vacuum(retention_ms=0)["files"]


def delete_everything(life):
    life.collection.delete(filter="_id IS NOT NULL")
    life.rows = {}


def insert_again(life):
    life.put(names("r", 0, 20), "insert", title="again", rating=4.5)


OPERATIONS = (
    insert,
    insert_more,
    upsert_over_flushed_rows,
    delete_by_ids,
    delete_by_filter,
    update_by_ids,
    update_by_filter,
    fold_deletion_vectors,
    declare_a_field,
    write_under_the_field,
    filter_by_the_field,
    reopen,
    update_by_filter,
    delete_beside_vectors,
    widen_the_field,
    build_the_index,
    write_what_is_expired,
    compact_everything,
    write_a_file_of_what_is_expired,
    compact_what_pays,
    vacuum,
    delete_everything,
    insert_again,
)


def live(folder, deletes):
    """Yield the name of each operation, and the life after it, flushed."""
    life = Life(folder, deletes)
    try:
        for operation in OPERATIONS:
            operation(life)
            life.collection.flush()
            yield operation.__name__, life
    finally:
        life.close()
