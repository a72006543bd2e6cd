"""tools/reliability_table.py adds up what tests counted, and does not take what nobody counted for nothing."""

import pathlib
import subprocess
import sys

import pytest

TOOLS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(TOOLS))

from reliability_table import LINES, ZEROES, add_up, table  # noqa: E402

COMPLETE = {**dict.fromkeys(LINES, 7), **dict.fromkeys(ZEROES, 0)}


def test_counts_of_one_name_are_added_up_wherever_they_stand():
    text = "[ OK ] a test\ncounted lost: 0\n.counted kills survived: 3\ncounted kills survived: 21\ncounted nothing\nxcounted lost: 9\n"
    assert add_up(text) == {"lost": 0, "kills survived": 24}


def test_a_complete_table_has_every_line_and_nothing_wrong():
    told, wrong = table({**COMPLETE, "flipped bits": 12345, "upsert done": 3})
    assert wrong == []
    assert len(told.splitlines()) == len(COMPLETE) + 1
    assert "12,345" in told
    assert told.splitlines()[-1].split() == ["wrong", "answers", "0"]


@pytest.mark.parametrize("name", [*LINES, *ZEROES])
def test_what_nobody_counted_is_an_error(name):
    counts = {key: count for key, count in COMPLETE.items() if key != name}
    told, wrong = table(add_up("".join(f"counted {key}: {count}\n" for key, count in counts.items())))
    assert wrong == [f"not counted: {name}"]
    assert "not counted" in told


@pytest.mark.parametrize("name", ZEROES)
def test_what_is_lost_or_wrong_is_an_error(name):
    assert table({**COMPLETE, name: 1})[1] == [f"not 0: {name}"]


def test_the_exit_code_says_it(tmp_path):
    log = tmp_path / "log"
    log.write_text("".join(f"counted {key}: {count}\n" for key, count in COMPLETE.items()))
    program = [sys.executable, str(TOOLS / "reliability_table.py"), str(log)]
    assert subprocess.run(program, capture_output=True).returncode == 0
    log.write_text(log.read_text() + "counted wrong answers: 1\n")
    done = subprocess.run(program, capture_output=True, encoding="utf-8")
    assert done.returncode == 1 and "not 0: wrong answers" in done.stderr
