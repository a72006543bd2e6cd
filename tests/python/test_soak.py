"""kill -9 of a process that writes, searches, flushes, compacts and changes the schema: what it acknowledged holds afterwards, and
verifies.

Meanwhile another process reads the collection and refreshes it.

VIPER_SOAK_ROUNDS is the number of kills (default 24; `make soak` takes thousands).
"""

import copy
import dataclasses
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

viper = pytest.importorskip("viper", reason="built without the Python module (nanobind or Python's headers missing)")

DIM = 64
IDS = 400
# Every one holds the value of the record's last write. One after the other is declared, and widened.
KEYS = [f"value{number}" for number in range(8)]
ROUNDS = int(os.environ.get("VIPER_SOAK_ROUNDS", 24))
SCHEMA_CHANGES = 2 * len(KEYS)

# All components of a vector are `value % 1000` of the upsert that wrote it: a distance tells which. Those of a record that was
# expired when it was written are -1.
CHECK = f"""
    DIM, IDS, KEYS = {DIM}, {IDS}, {KEYS}
    import datetime, os, random, sys, threading, traceback
    import numpy as np
    import viper

    def search(c, asked):
        hits = c.search(np.full(DIM, asked, np.float32), k=5, with_vectors=True)
        assert len(set(hits.ids)) == len(hits.ids), hits.ids
        assert list(hits.distances) == sorted(hits.distances), hits.distances
        for hit in hits:
            component = hit.vector[0]
            assert (hit.vector == component).all() and component == hit.metadata["vector"] >= 0, hit
            assert len({{hit.metadata[key] for key in KEYS}}) == 1, hit
            assert abs(hit.distance - abs(component - asked) * DIM**0.5) <= 1e-4 * (1 + hit.distance), hit
"""

# Tells how often it looked, once its input ends.
READER = CHECK + """
    root, seed = sys.argv[1], int(sys.argv[2])
    chance = random.Random(seed)
    c = viper.connect(root, read_only=True).open_collection("c")
    is_over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), is_over.set()), daemon=True).start()
    searches = 0
    while not is_over.is_set():
        c.refresh()
        for _ in range(10):
            search(c, float(chance.randrange(1000)))
        searches += 10
    print(searches)
"""

# Tells each write before it begins (`begin KIND VALUE ARGUMENTS`) and when it is acknowledged (`done`) or refused (`refused`).
WRITER = CHECK + """
    root, seed, changes_schema = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    chance = random.Random(seed)
    database = viper.connect(root, flush_bytes=1 << 20, flush_age_ms=50, deletes=chance.choice(["vectors", "rewrite", "auto"]),
                             part_bytes=1 << 20, retention_ms=0, retained_versions=20, index_min_rows=100)
    c = database.open_collection("c")
    print("ready", flush=True)

    PAST, FUTURE = (datetime.datetime(year, 1, 1, tzinfo=datetime.timezone.utc) for year in (2001, 2999))
    KINDS = ["upsert"] * 4 + ["insert", "replace", "if-version", "stale", "expire", "update", "update-where", "delete", "delete-where"]
    REFUSALS = {"insert": viper.AlreadyExists, "replace": viper.NotFound, "stale": viper.FailedPrecondition}

    def search_on():
        random_of_searches = random.Random(seed)
        try:
            while True:
                search(c, float(random_of_searches.randrange(1000)))
        except BaseException:  # of a thread it would end nothing
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(3)

    def version(row_id):
        try:
            return c.get(row_id).version
        except viper.NotFound:
            return 0

    def arguments_of(kind, value):
        if kind == "update-where":
            return [value - chance.randrange(300)]
        if kind == "delete-where":
            return [(value - chance.randrange(20)) % 1000]
        ids = sorted(chance.sample(range(IDS), chance.randrange(1, 30)))
        if kind in ("insert", "replace") and chance.random() < 0.7:
            # Else hardly any would succeed.
            ids = [row_id for row_id in ids if (version(row_id) == 0) == (kind == "insert")] or ids
        return ids

    def rows(ids, component, value, expires_at):
        components = [component if when != PAST else -1 for when in expires_at]
        return dict(ids=ids, vectors=np.repeat(np.float32(components)[:, None], DIM, axis=1), expires_at=expires_at,
                    metadata=[{"vector": one, **dict.fromkeys(KEYS, value)} for one in components])

    def write(kind, value, arguments):
        if kind == "declare":
            return c.add_fields({KEYS[arguments[0]]: "int64"})
        if kind == "widen":
            return c.widen_field(KEYS[arguments[0]])
        if kind == "delete":
            return c.delete(arguments)
        if kind == "delete-where":
            return c.delete(filter=f"vector = {arguments[0]}")
        if kind == "update":
            return c.update(arguments, set=dict.fromkeys(KEYS, value))
        if kind == "update-where":
            return c.update(filter=f"{chance.choice(KEYS)} < {arguments[0]}", set=dict.fromkeys(KEYS, value))
        expires_at = [None] * len(arguments)
        if kind == "expire":
            expires_at = [PAST if row_id % 2 else FUTURE for row_id in arguments]
        given = rows(arguments, value % 1000, value, expires_at)
        if kind in ("insert", "replace"):
            return getattr(c, kind)(**given)
        versions = None
        if kind in ("if-version", "stale"):
            versions = [version(row_id) for row_id in arguments]
            versions[-1] += kind == "stale"
        return c.upsert(**given, if_version=versions)

    def tell(kind, value, arguments):
        print("begin", kind, value, *arguments, flush=True)
        try:
            write(kind, value, arguments)
        except REFUSALS.get(kind, ()):
            print("refused", flush=True)
        else:
            print("done", flush=True)

    def change_schema(value):
        for number, key in enumerate(KEYS):
            if c.fields.get(key) != "float64":
                return tell("widen" if key in c.fields else "declare", value, [number])

    threading.Thread(target=search_on, daemon=True).start()
    change = chance.randrange(50) if chance.random() < changes_schema else -1
    value = seed * 1_000_000
    while True:
        value += 1
        if value % 1_000_000 == change:
            change_schema(value)
        kind = chance.choice(KINDS)
        tell(kind, value, arguments_of(kind, value))
        if chance.random() < 0.02:
            c.flush()
        if chance.random() < 0.01:
            c.compact(everything=True)
"""


@dataclasses.dataclass
class Row:
    value: int
    vector: int
    expires: bool = False


@dataclasses.dataclass
class Model:
    """What must be there: rows by id, and the types of the keys that are declared."""

    rows: dict
    types: dict

    def refuses(self, kind, ids):
        if kind == "insert":
            return any(row_id in self.rows for row_id in ids)
        if kind == "replace":
            return any(row_id not in self.rows for row_id in ids)
        return kind == "stale"

    def apply(self, kind, value, arguments):
        if kind in ("declare", "widen"):
            self.types[KEYS[arguments[0]]] = "int64" if kind == "declare" else "float64"
        elif kind == "delete-where":
            self.rows = {row_id: row for row_id, row in self.rows.items() if row.vector != arguments[0]}
        elif kind == "update-where":
            for row in self.rows.values():
                row.value = value if row.value < arguments[0] else row.value
        elif not self.refuses(kind, arguments):
            for row_id in arguments:
                self.write(kind, value, row_id)

    def write(self, kind, value, row_id):
        if kind == "update":
            if row_id in self.rows:
                self.rows[row_id].value = value
        elif kind == "delete" or (kind == "expire" and row_id % 2):
            self.rows.pop(row_id, None)
        else:
            self.rows[row_id] = Row(value, value % 1000, expires=kind == "expire")


def start(program, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, encoding="utf-8", env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def run_until_killed(root, seed, writes, model, counts):
    """The states that may be found: without and with the write in flight."""
    chance = random.Random(seed)
    writer = start(WRITER, root, seed, SCHEMA_CHANGES / ROUNDS)
    in_flight = copy.deepcopy(model)
    answer = None
    ended = 0
    for line in writer.stdout:
        words = line.split()
        if words[0] == "begin" and line.endswith("\n"):
            kind, value, *arguments = words[1], *map(int, words[2:])
            answer = "refused" if model.refuses(kind, arguments) else "done"
            in_flight.apply(kind, value, arguments)
            if kind in ("declare", "widen") and chance.random() < 0.5:
                # They are rare: half of them are interrupted somewhere.
                threading.Timer(chance.random() * 0.02, writer.kill).start()
        elif words[0] in ("done", "refused"):
            assert words[0] == answer, (kind, arguments)
            counts[kind, answer] = counts.get((kind, answer), 0) + 1
            model = copy.deepcopy(in_flight)
            ended += 1
        if ended >= writes:
            writer.kill()
    writer.wait()
    assert writer.returncode == -signal.SIGKILL, writer.stderr.read()
    return model, in_flight


def read_row(record, types):
    vector = np.asarray(record.vector)
    value = record.metadata[KEYS[0]]
    assert (vector == vector[0]).all() and vector[0] == record.metadata["vector"]
    for key in KEYS:
        assert record.metadata[key] == value, record.metadata
        assert type(record.metadata[key]) is (float if types.get(key) == "float64" else int), (key, types)
    return Row(int(value), int(vector[0]), expires=record.expires_at is not None)


def read_all(collection):
    found = Model({}, collection.fields)
    for row_id in range(IDS):
        try:
            found.rows[row_id] = read_row(collection.get(row_id), found.types)
        except viper.NotFound:
            continue
    return found


def test_what_a_killed_writer_acknowledged_holds_and_verifies(tmp_path):
    seed = random.SystemRandom().randrange(2**20)
    print(f"seed {seed}")
    chance = random.Random(seed)
    root = tmp_path / "lake"
    with viper.connect(root) as database:
        database.create_collection("c", dim=DIM, metric="l2")
    model, counts = Model({}, {}), {}
    reader = start(READER, root, seed)
    for round_number in range(ROUNDS):
        model, in_flight = run_until_killed(root, seed + round_number, chance.randrange(1, 400), model, counts)
        with viper.connect(root, background_index=False, background_compaction=False) as database:
            report = database.verify("c")
            # What is derived may be half made.
            damage = [finding for finding in report["findings"] if finding["kind"] == "truth"]
            assert not damage, damage
            collection = database.open_collection("c")
            found = read_all(collection)
            assert found in (model, in_flight), f"round {round_number}"
            assert collection.count() == len(found.rows)
            collection.close()
        model = found
    told, errors = reader.communicate()
    assert reader.returncode == 0, errors
    for (kind, answer), count in sorted(counts.items()):
        print(f"{kind} {answer} {count}")
    acknowledged = sum(count for (_, answer), count in counts.items() if answer == "done")
    print(f"kills survived {ROUNDS}, acknowledged writes {acknowledged}, lost 0; searches of a reader beside them {int(told)}, wrong 0")
