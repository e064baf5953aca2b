"""Every bad input gets its sentence: no trace, nothing half-written, bounded memory and time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_cases import markdown
from hostile_list import CASES

ROOT = Path(__file__).parents[2]
MAX_CPU_S = 10.0
MAX_MB = 2048.0
PAYLOAD = "owned"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """All of them in one process, whose memory is that of users: no beartype, no tests."""
    folder = tmp_path_factory.mktemp("hostile")
    command = [sys.executable, str(ROOT / "tests/support/hostile_runner.py"), str(folder)]
    # One thread, so that processor time is what a user waits on a free machine.
    settings = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "80"}
    subprocess.run(command, check=True, env=settings, stdout=subprocess.DEVNULL, timeout=1800)
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.what for case in CASES])
def test_a_bad_input_gets_its_sentence(results, number):
    case, result = CASES[number], results[number]
    expected = f"error: {case.message}\n" if case.code == 2 else f"{case.message}\n"
    assert result["said"] == expected
    assert result["code"] == case.code
    assert result["left"] == []
    assert result["cpu_s"] < MAX_CPU_S
    assert result["peak_mb"] < MAX_MB


def test_every_sentence_is_one():
    for case in CASES:
        assert 20 < len(case.message) < 900, case.what
        assert "Traceback" not in case.message
        assert "\n" not in case.message


def test_there_are_forty_and_more_and_each_kind_has_some():
    assert len(CASES) >= 40
    assert len({(case.group, case.what) for case in CASES}) == len(CASES)
    assert len({case.group for case in CASES}) == 8


def test_a_pickle_would_leave_its_mark(tmp_path, monkeypatch):
    # The payload works: that nothing was left behind says that no pickle was opened.
    import pickle

    from hostile_cases import Payload

    monkeypatch.chdir(tmp_path)
    pickle.loads(pickle.dumps(Payload()))
    assert (tmp_path / PAYLOAD).is_dir()


def test_the_table_in_the_docs_is_this_list():
    written = (ROOT / "docs" / "bad_inputs.md").read_text(encoding="utf-8")
    assert written == markdown(CASES), "run python benchmarks/reliability/bad_inputs.py"
