"""Ctrl-C, with a real process and a clock: it stops at once and leaves what can be continued."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fakes import LANDMARKS, fake_sample

from augment import cli
from augment.writer.sample_folder import is_as_made, write_sample

# On a core that is free; tests may run beside others.
STOPS_WITHIN_S = 2.0
N_SAMPLES = 40
N_KEPT = 5
COMMAND = """
import sys
sys.path[:0] = {path!r}
from fakes import run_cli_with_fakes

if __name__ == "__main__":
    sys.exit(run_cli_with_fakes(sys.argv[1:]))
"""
LONG_CALL = """
import time
from augment.operations.interrupt import leave_soon_after_interrupt

leave_soon_after_interrupt()
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("orderly", flush=True)
    while True:
        try:
            time.sleep(60)  # an orderly way out that never ends
        except KeyboardInterrupt:
            pass
"""


def contents(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def answer_interrupts():
    # A shell that runs the tests in the background has its children ignore them.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def started(*words):
    return subprocess.Popen(
        [sys.executable, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=answer_interrupts,
    )


def interrupted(run):
    """Interrupt a process; return how long it lived on, s."""
    start = time.perf_counter()
    run.send_signal(signal.SIGINT)
    run.wait(timeout=60)
    return time.perf_counter() - start


def slowness(spin_s=0.1):
    """How many times longer work takes here and now than on a core of its own."""
    start, cpu = time.perf_counter(), time.process_time()
    while time.process_time() - cpu < spin_s:
        pass
    return max(1.0, (time.perf_counter() - start) / spin_s)


def wait_until(is_met, seconds=300):
    deadline = time.monotonic() + seconds
    while not is_met():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """Samples of an undisturbed run."""
    root = tmp_path_factory.mktemp("reference")
    for index in range(N_SAMPLES):
        write_sample(root, fake_sample(index), LANDMARKS)
    return contents(root)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_leaves_a_beginning_that_is_continued(reference, tmp_path, workers, capsys):
    out = tmp_path / "data"
    words = ["generate", "face_demo", f"samples={N_SAMPLES}", f"out={out}", f"workers={workers}"]
    words += ["--log", str(tmp_path / "log.jsonl"), "--quiet"]
    script = tmp_path / "command.py"
    script.write_text(COMMAND.format(path=sys.path), encoding="utf-8")
    with started(str(script), *words) as run:
        wait_until(lambda: len(list(out.glob("samples/*"))) >= N_KEPT or run.poll() is not None)
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text("utf-8").split()
        assert len(children) >= workers - 1
        assert interrupted(run) < STOPS_WITHIN_S * slowness()
        assert run.returncode == 130
        assert run.stdout.read() == ""
        assert run.stderr.read() == "stopped; the same command goes on from here\n"
    wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))

    kept = sorted(int(path.name) for path in out.glob("samples/*"))
    assert N_KEPT <= len(kept) < N_SAMPLES
    assert all(is_as_made(out, index) for index in kept)
    assert cli.main(["verify", str(out)]) == 3
    assert f"holds {len(kept)} samples, each whole" in capsys.readouterr().out

    record = json.loads((tmp_path / "data.run.json").read_text("utf-8"))
    assert not record["finished"]
    assert 0 < record["made"] <= len(kept)
    events = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text("utf-8").splitlines()]
    finished = [event["sample"] for event in events if event["event"] == "sample finished"]
    # The interrupt may come between a sample and its line.
    assert record["made"] - 1 <= len(finished) <= record["made"]
    assert set(finished) <= set(kept)
    assert (events[-1]["event"], events[-1]["error"]) == ("stopped", "KeyboardInterrupt")

    done = started(str(script), *words)
    assert done.communicate() == ("", "")
    assert done.returncode == 0
    found = contents(out)
    assert {path: found.get(path) for path in reference} == reference
    assert {path for path in found if path.startswith("samples/")} == set(reference)
    assert (out / "SHA256SUMS").is_file()
    record = json.loads((tmp_path / "data.run.json").read_text("utf-8"))
    assert (record["finished"], record["made"]) == (True, N_SAMPLES - len(kept))


def test_a_way_out_that_never_ends_is_cut_short():
    with started("-c", LONG_CALL) as run:
        assert run.stdout.readline() == "ready\n"
        assert 1.0 < interrupted(run) < STOPS_WITHIN_S * slowness()
        assert run.returncode == 130
        assert run.stdout.read() == "orderly\n"
        assert run.stderr.read() == "stopped; the same command goes on from here\n"
