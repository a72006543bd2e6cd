"""kill -9 of a writing process at random moments: what it acknowledged is there afterwards, and nothing else is."""

import random
import signal
import subprocess

import pytest

from lake import float_bits, random_vectors, write_jsonl

DIM = 32
ROWS = 4000


def write_input(path, vectors):
    write_jsonl(path, ({"_id": f"row-{i}", "_vector": vector.tolist(), "number": i} for i, vector in enumerate(vectors)))


def kill_at(lake, path, wanted, *arguments):
    """Start an import, kill it once it has acknowledged `wanted` rows, return the highest count that it told."""
    process = subprocess.Popen(
        lake.command("import", "c", path, "--progress", *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    told = 0
    for line in process.stdout:
        words = line.split()
        if words[:1] == ["acknowledged"]:
            told = int(words[1])
        if told >= wanted:
            process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.returncode in (0, -signal.SIGKILL), process.stderr.read()
    return told


def check_rows(lake, vectors, told):
    """All rows told are there, bit for bit; the others are a run of the input's next ones."""
    found = lake.export()
    numbers = sorted(row["number"] for row in found.values())
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= told
    for row in found.values():
        assert float_bits(row["_vector"]) == vectors[row["number"]].tobytes()
    return len(numbers)


@pytest.mark.parametrize("way", ["--via-log", "bulk"])
def test_what_a_killed_import_acknowledged_is_there(lake, tmp_path, way):
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    vectors = random_vectors(seed, ROWS, DIM)
    path = tmp_path / "rows.jsonl"
    write_input(path, vectors)
    lake.create(dim=DIM, fields=[("number", "int64")])
    arguments = ["--via-log"] if way == "--via-log" else []
    kills, acknowledged = 5, 0
    for _ in range(kills):
        told = kill_at(lake, path, chance.randrange(ROWS), *arguments)
        check_rows(lake, vectors, told)
        acknowledged += told
    lake.run("import", "c", path, *arguments)
    assert check_rows(lake, vectors, ROWS) == ROWS
    lake.run("flush", "c")
    assert check_rows(lake, vectors, ROWS) == ROWS
    print(f"counted kills survived: {kills}\ncounted recoveries: {kills}\ncounted acknowledged rows of imports: {acknowledged}")
