"""What a run tells of itself: its record, its log, its pace."""

import errno
import json
import logging
import subprocess
import sys

import pytest
from fakes import LANDMARKS, open_fake_maker

from augment.commands import report
from augment.commands.pace import Pace, duration
from augment.engine import local
from augment.engine.local import Job, Made, make_samples
from augment.engine.run_record import RunRecord
from augment.operations.logs import logged_to, tell
from augment.operations.memory import peak_memory_bytes
from augment.recipe import RecipeSpec
from augment.writer.sample_folder import is_whole, write_sample


def test_a_record_adds_up_what_samples_tell():
    record = RunRecord()
    record.begin_samples()
    record.add(Made(0, {"draw": 1.0, "write": 3.0}, "here.1", 200_000_000))
    record.add(Made(1, {"draw": 2.0, "write": 4.0}, "here.2", 300_000_000))
    record.add(Made(2, {}, "", 0))
    record.add(Made(3, {"draw": 0.0, "write": 0.0}, "here.1", 100_000_000))
    record.end_samples()
    values = record.values(RecipeSpec(name="fake", samples=4, shard="1/2"), 2, True)
    assert values["made"] == 4
    assert values["stages"] == {
        "draw": {"seconds": 3.0, "share": 0.3},
        "write": {"seconds": 7.0, "share": 0.7},
    }
    assert values["peak_memory_mb"]["workers"] == [200.0, 300.0]
    assert values["peak_memory_mb"]["driver"] == pytest.approx(peak_memory_bytes() / 1e6, rel=0.1)
    assert (values["recipe"], values["shard"], values["finished"]) == ("fake", "1/2", True)
    assert json.loads(json.dumps(values)) == values


ALLOCATION = """
from augment.operations.memory import peak_memory_bytes

before = peak_memory_bytes()
block = b"x" * 50_000_000
del block
print(before, peak_memory_bytes())
"""


def test_peak_memory_follows_an_allocation():
    done = subprocess.run([sys.executable, "-c", ALLOCATION], capture_output=True, check=True)
    before, after = (int(number) for number in done.stdout.split())
    assert before + 45_000_000 < after < before + 60_000_000


def test_a_log_is_one_object_a_line(tmp_path):
    path, logger = tmp_path / "log.jsonl", logging.getLogger("augment.engine.somewhere")
    with logged_to(path):
        tell(logger, "sample finished", sample=3, seconds={"draw": 0.5})
        logger.warning("disk %s", "full")
    tell(logger, "after the block")
    with pytest.raises(ZeroDivisionError), logged_to(path):
        _ = 1 / 0
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [line["event"] for line in lines] == ["sample finished", "disk full", "stopped"]
    assert (lines[0]["sample"], lines[0]["seconds"], lines[0]["level"]) == (
        3,
        {"draw": 0.5},
        "info",
    )
    assert lines[1]["level"] == "warning"
    assert (lines[2]["error"], lines[2]["message"]) == ("ZeroDivisionError", "division by zero")
    assert lines[0]["time"] < lines[2]["time"]


def test_the_pace_is_that_of_this_run_alone():
    now = iter([10.0, 12.0, 14.0])
    pace = Pace(lambda: next(now))
    pace.mark(500)  # there before
    assert pace.describe(100) == ""
    pace.mark(501)
    assert pace.each_second() is None
    pace.mark(509)
    assert pace.each_second() == 4.0
    assert pace.describe(100) == "4.0 a second, 25 s left"
    pace.mark(509)
    assert pace.describe(9) == "2.0 a second, 4 s left"


def test_a_slow_pace_is_seconds_for_each():
    now = iter([0.0, 90.0])
    pace = Pace(lambda: next(now))
    for done in (0, 1, 2):
        pace.mark(done)
    assert pace.describe(40) == "90.0 s each, 1 h 0 min left"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1 min 0 s"), (3725, "1 h 2 min"), (180_000, "2 d 2 h")],
)
def test_durations_are_read_at_a_glance(seconds, text):
    assert duration(seconds) == text


def test_without_a_terminal_a_line_now_and_then(capsys):
    from rich.console import Console

    # The clock of lines is read when the run opens, at each call, and again when a line is due.
    now = iter([0.0, 1.0, 61.0, 61.0, 62.0, 200.0])
    ticks = iter([0.0, 2.0, 4.0])
    on_progress = report._lines(
        "face_demo", Console(stderr=True), Pace(lambda: next(ticks)), lambda: next(now)
    )
    for done in (5, 6, 7, 10):
        on_progress(done, 10)
    assert capsys.readouterr().err == "face_demo: 6 of 10\n"


def test_a_full_disk_is_waited_for(tmp_path, monkeypatch):
    refusals, waits = [28, errno.EDQUOT], []

    def refuse_twice(root, sample, names):
        if refusals:
            raise OSError(refusals.pop(), "No space left on device")
        write_sample(root, sample, names)

    monkeypatch.setattr(local, "write_sample", refuse_twice)
    monkeypatch.setattr(local.time, "sleep", waits.append)
    assert len(list(make_samples(Job(tmp_path, open_fake_maker, LANDMARKS), [0], 1))) == 1
    assert waits == [1.0, 2.0]
    assert is_whole(tmp_path, 0)


def test_a_disk_that_stays_full_ends_the_run(tmp_path, monkeypatch):
    waits = []

    def refuse(root, sample, names):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(local, "write_sample", refuse)
    monkeypatch.setattr(local.time, "sleep", waits.append)
    with pytest.raises(OSError, match="No space left"):
        list(make_samples(Job(tmp_path, open_fake_maker, LANDMARKS), [0], 1))
    assert waits == list(local.DISK_WAITS_S)
