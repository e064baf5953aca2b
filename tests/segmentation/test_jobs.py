"""The queue: every job is done once, by whoever comes first, and what was interrupted goes on."""

import json
import os
import socket
from multiprocessing import get_context

import pytest

from augment.errors import AssetError
from augment.segmentation.jobs import STALE_SECONDS, Job, Queue

JOBS = (Job("b", "train", ("a",), {"n": 1}), Job("a", "pretrain"))
DEAD_PID = 2**22 - 3


def test_jobs_are_done_once_and_after_what_they_need(tmp_path):
    order = []
    queue = Queue(tmp_path, JOBS)
    assert queue.work(lambda job: order.append(job.id) or {"minutes": 2}) == 2
    assert order == ["a", "b"]
    assert json.loads((tmp_path / "b" / "done.json").read_text())["minutes"] == 2
    assert Queue(tmp_path, JOBS).work(lambda job: pytest.fail("done before")) == 0
    assert not list(tmp_path.rglob("claim.json"))


def test_a_claim_holds_while_its_process_lives(tmp_path):
    queue = Queue(tmp_path, JOBS)
    assert queue.claim(JOBS[1])
    assert not queue.claim(JOBS[1])
    queue.release(JOBS[1])
    assert queue.claim(JOBS[1])


def test_a_dead_process_leaves_its_job_to_others(tmp_path):
    queue = Queue(tmp_path, JOBS)
    path = tmp_path / "a" / "claim.json"
    path.write_text(json.dumps({"host": socket.gethostname(), "pid": DEAD_PID}))
    assert queue.claim(JOBS[1])
    assert json.loads(path.read_text())["pid"] == os.getpid()


def test_another_machine_keeps_its_claim_until_it_is_silent(tmp_path):
    queue = Queue(tmp_path, JOBS)
    path = tmp_path / "a" / "claim.json"
    path.write_text(json.dumps({"host": "elsewhere", "pid": os.getpid()}))
    assert not queue.claim(JOBS[1])
    long_ago = path.stat().st_mtime - STALE_SECONDS - 1
    os.utime(path, (long_ago, long_ago))
    assert queue.claim(JOBS[1])


def test_an_error_gives_the_job_back(tmp_path):
    queue = Queue(tmp_path, JOBS)

    def fail(job):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        queue.work(fail)
    assert queue.claim(JOBS[1])


def test_a_folder_with_other_jobs_is_refused(tmp_path):
    Queue(tmp_path, JOBS)
    with pytest.raises(AssetError, match="holds another job than this study's b; choose another"):
        Queue(tmp_path, (Job("b", "train", (), {"n": 2}),))


def _note(folder, name):
    def run(job):
        path = folder / f"{job.id}.{name}"
        path.write_text("x")
        return {}

    jobs = [Job(f"j{k}", "train") for k in range(12)]
    Queue(folder / "runs", jobs).work(run)


def test_two_processes_share_the_work(tmp_path):
    context = get_context("fork")
    other = context.Process(target=_note, args=(tmp_path, "other"))
    other.start()
    _note(tmp_path, "own")
    other.join(60)
    notes = [path.name.split(".")[0] for path in tmp_path.glob("j*.*")]
    assert sorted(notes) == sorted(f"j{k}" for k in range(12))
