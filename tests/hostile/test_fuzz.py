"""Broken files give a value or an error of ours: nothing else, no hang, no growth of memory.

Draws are derandomised: the same files in every run. `benchmarks/reliability/fuzz.py` looks longer.
"""

import time
import warnings
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest
from fuzz_readers import READERS, attack, broken, read_recipe_often
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MAX_CPU_S = 10.0
MAX_GROWTH_MB = 500
N_EXAMPLES = {"nifti": 150, "mesh": 60, "recipe": 25, "image": 150, "subject": 100}
CORPUS = Path(__file__).parent / "corpus"
FOUND = sorted((Path(__file__).parent / "found").glob("*"))


def peak_mb() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


@pytest.fixture(autouse=True)
def _quiet():
    # Readers are tried as users run them, who see warnings once at most and not as errors.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("name", READERS)
def test_whole_files_are_read(tmp_path, name):
    for suffix, content in READERS[name].seeds:
        assert attack(READERS[name], tmp_path, suffix, content), suffix


@pytest.mark.parametrize("name", READERS)
def test_broken_files_are_read_or_refused(tmp_path, name):
    reader, before = READERS[name], peak_mb()
    outcomes = {True: 0, False: 0}

    @settings(
        max_examples=N_EXAMPLES[name],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(reader.seeds), st.data())
    def break_one(seed, data):
        suffix, whole = seed
        content = broken(whole, reader.tokens, lambda a, b: data.draw(st.integers(a, b)))
        start = time.process_time()
        outcomes[attack(reader, tmp_path, suffix, content)] += 1
        assert time.process_time() - start < MAX_CPU_S

    break_one()
    assert outcomes[False] > N_EXAMPLES[name] // 5, "most broken files are refused"
    if name in ("nifti", "mesh", "image"):  # texts are read strictly
        assert outcomes[True] > 0, "some damage does not matter"
    assert peak_mb() - before < MAX_GROWTH_MB


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_what_fuzzing_found_is_refused(tmp_path, path):
    """Files are named READER.WHAT.SUFFIX."""
    reader, suffix = path.name.split(".")[0], "." + path.name.split(".", 2)[2]
    assert not attack(READERS[reader], tmp_path, suffix, path.read_bytes())


@pytest.mark.parametrize("name", READERS)
def test_what_reached_new_code_is_read_or_refused(tmp_path, name):
    """Files begin with a byte that chooses the kind, as `benchmarks/reliability/fuzz.py` does."""
    reader = READERS[name]
    if name == "recipe":
        reader = replace(reader, read=read_recipe_often)
    with ZipFile(CORPUS / f"{name}.zip") as archive:
        contents = [archive.read(entry) for entry in archive.namelist()]
    assert len(contents) > 5
    outcomes = [
        attack(reader, tmp_path, reader.seeds[content[0] % len(reader.seeds)][0], content[1:])
        for content in contents
        if content
    ]
    assert True in outcomes
    assert False in outcomes
