import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from fakes import LANDMARKS, open_failing_maker, open_fake_maker, open_thread_counter

from augment.engine.local import SAMPLES_PER_WORKER, Job, choose_workers, make_samples
from augment.errors import AssetError, RecipeError
from augment.operations.threads import THREAD_VARIABLES, single_threaded, single_threaded_children
from augment.writer.sample_folder import is_whole


def contents(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def make(root, indexes, workers=1, open_maker=open_fake_maker):
    return list(make_samples(Job(root, open_maker, LANDMARKS), indexes, workers))


def test_one_and_two_processes_give_the_same_bytes(tmp_path):
    made = make(tmp_path / "one", range(7))
    assert len(make(tmp_path / "two", range(7), workers=2)) == 7
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert len(contents(tmp_path / "one")) > 100
    assert [one.index for one in made] == list(range(7))
    assert made[0].seconds.keys() == {"draw", "write"}
    assert made[0].process.endswith(f".{os.getpid()}")
    assert 10e6 < made[0].peak_bytes < 100e9


def test_a_sample_made_alone_has_the_same_bytes(tmp_path):
    make(tmp_path / "all", range(4))
    make(tmp_path / "alone", [2])
    alone = contents(tmp_path / "alone")
    assert alone
    assert alone == {k: v for k, v in contents(tmp_path / "all").items() if "000002" in k}


def test_nothing_to_make_starts_nothing(tmp_path):
    assert make(tmp_path, [], workers=2) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_sample_travels_as_it_is(tmp_path, workers):
    broken = partial(open_failing_maker, 2, "impossible")
    with pytest.raises(RecipeError, match=r"severity expects at most 9\.1 mm, got 40\.0"):
        make(tmp_path, range(4), workers, broken)
    assert is_whole(tmp_path, 0)
    assert not is_whole(tmp_path, 2)


def kill_once(root, open_maker):
    """Open a maker whose process is killed at sample 3, the first time only."""
    make_sample, mark = open_maker(), root.parent / "killed"

    def make_or_die(index):
        if index == 3 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return make_sample(index)

    return make_or_die


def kill_always():
    os.kill(os.getpid(), signal.SIGKILL)


def test_samples_of_a_killed_process_are_made_by_another(tmp_path):
    root = tmp_path / "killed_root"
    done = make(root, range(7), 2, partial(kill_once, root, open_fake_maker))
    assert (tmp_path / "killed").exists()
    assert len(done) == 7
    make(tmp_path / "one", range(7))
    found = {k: v for k, v in contents(root).items() if not k.startswith(".incoming")}
    assert found == contents(tmp_path / "one")


def test_processes_that_are_always_killed_end_the_run_with_advice(tmp_path):
    with pytest.raises(AssetError, match="a process was killed 3 times without finishing a sample"):
        make(tmp_path, range(4), 2, kill_always)


def test_an_error_while_opening_travels_as_it_is(tmp_path):
    with pytest.raises(RecipeError, match="no such model"):
        make(tmp_path, range(2), 2, fail_to_open)


def fail_to_open():
    raise RecipeError("no such model")


def test_the_number_of_processes_follows_the_work():
    assert choose_workers(3, 100) == 3
    assert choose_workers(8, 2) == 2
    assert choose_workers(0, SAMPLES_PER_WORKER) == 1
    n_cores = len(os.sched_getaffinity(0))
    assert choose_workers(0, 10_000) == n_cores


@pytest.mark.parametrize("workers", [1, 2])
def test_a_sample_is_made_by_one_thread(tmp_path, workers):
    for made in make(tmp_path, range(2), workers, open_thread_counter):
        assert [made.seconds[name] for name in ("torch", "cv2", "blas")] == [1, 1, 1]


def test_threads_are_restored():
    before = torch.get_num_threads()
    environment = dict(os.environ)
    with single_threaded(), single_threaded_children():
        assert torch.get_num_threads() == 1
        assert all(os.environ[name] == "1" for name in THREAD_VARIABLES)
    assert torch.get_num_threads() == before
    assert dict(os.environ) == environment


ENDLESS = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from fakes import LANDMARKS, open_fake_maker
from augment.engine.local import Job, make_samples

if __name__ == "__main__":
    job = Job(Path(sys.argv[1]), open_fake_maker, LANDMARKS)
    for _ in make_samples(job, range(1_000_000), 2):
        pass
"""


def test_workers_leave_with_a_killed_parent(tmp_path):
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS.format(path=sys.path), encoding="utf-8")
    root = tmp_path / "data"
    with subprocess.Popen([sys.executable, str(script), str(root)]) as parent:
        wait_until(lambda: len(list(root.glob("samples/*"))) > 3)
        children = children_of(parent.pid)
        assert len(children) >= 2
        parent.send_signal(signal.SIGKILL)
        wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


def children_of(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()


def wait_until(is_met, seconds=60):
    deadline = time.monotonic() + seconds
    while not is_met():
        assert time.monotonic() < deadline
        time.sleep(0.1)
