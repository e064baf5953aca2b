"""Tables and checksums written row by row are those of the whole, byte for byte."""

import csv
from contextlib import closing
from hashlib import sha256
from io import StringIO

import pyarrow.parquet as pq
import pytest

from augment.streams import stream
from augment.writer import gather
from augment.writer.card import CardFacts
from augment.writer.encode import encode_json
from augment.writer.gather import Gathering, checksum_lines, in_name_order
from augment.writer.sample_folder import digest_of, sample_name
from augment.writer.tables import COMPRESSION, SCHEMAS, table_files


def rows_of(index, n_files=7):
    """Rows as samples have them, some columns missing, some null."""
    rng = stream(0, index, "rows")
    name = sample_name(index)
    return {
        "samples": [{"sample": index, "source": "prior", "age_years": float(rng.uniform(0, 80))}],
        "severities": [
            {"sample": index, "pathology": "ptosis", "parameter": "p", "unit": "mm"}
            | {"requested": 1.0, "measured": float(rng.normal(1, 0.1)), "grade": None}
        ]
        * (index % 3),
        "files": [
            {
                "sample": index,
                "twin": "healthy",
                "view": None if number == 0 else number,
                "kind": f"kind {number}",
                "path": f'samples/{name}/{number}, "quoted".png',
                "bytes": int(rng.integers(1000)),
                "sha256": sha256(rng.bytes(8)).hexdigest(),
            }
            for number in range(n_files)
        ],
    }


def gathered(folder, samples, **options):
    folder.mkdir()
    with closing(Gathering(folder, **options)) as gathering:
        for index, rows in enumerate(samples):
            gathering.add(index, rows, sha256(encode_json(rows)).hexdigest())
        paths = gathering.end_tables()
        gathering.write_sums(folder / "SHA256SUMS", {"README.md": "a" * 64, "severities.csv": "b"})
    return paths


def whole(samples):
    return {name: [row for rows in samples for row in rows[name]] for name in SCHEMAS}


@pytest.mark.parametrize("n_samples", [1, 40])
def test_tables_have_the_bytes_of_the_whole(tmp_path, n_samples):
    samples = [rows_of(index) for index in range(n_samples)]
    paths = gathered(tmp_path / "out", samples)
    expected = table_files(whole(samples))
    assert {name: path.read_bytes() for name, path in paths.items()} == expected


def test_an_empty_table_has_the_bytes_of_the_whole(tmp_path):
    samples = [rows_of(0)]
    assert samples[0]["severities"] == []
    paths = gathered(tmp_path / "out", samples)
    expected = table_files(whole(samples))
    assert paths["severities.parquet"].read_bytes() == expected["severities.parquet"]


@pytest.mark.parametrize(("group_rows", "batch_rows"), [(50, 7), (64, 64), (70, 1000), (280, 16)])
def test_groups_and_batches_leave_no_trace(tmp_path, monkeypatch, group_rows, batch_rows):
    monkeypatch.setattr(gather, "BATCH_ROWS", batch_rows)
    samples = [rows_of(index) for index in range(40)]
    paths = gathered(tmp_path / "out", samples, group_rows=group_rows)
    for name in SCHEMAS:
        rows = whole(samples)[name]
        (tmp_path / name).write_bytes(table_files({name: rows})[f"{name}.parquet"])
        table = pq.read_table(tmp_path / name)
        pq.write_table(table, tmp_path / name, row_group_size=group_rows, compression=COMPRESSION)
        assert paths[f"{name}.parquet"].read_bytes() == (tmp_path / name).read_bytes()
        text = paths[f"{name}.csv"].read_text("utf-8")
        assert len(list(csv.reader(StringIO(text)))) == len(rows) + 1


@pytest.mark.parametrize("first_wider", [1_000_000, 10])
def test_checksums_are_sorted_by_path(tmp_path, monkeypatch, first_wider):
    monkeypatch.setattr(gather, "FIRST_WIDER", first_wider)
    width = 6 if first_wider == 1_000_000 else 1
    monkeypatch.setattr(gather, "sample_name", lambda index: f"{index:0{width}d}")
    samples = [rows_of(index) for index in range(23)]
    for index, rows in enumerate(samples):
        for row in rows["files"]:
            row["path"] = row["path"].replace(sample_name(index), gather.sample_name(index))
    gathered(tmp_path / "out", samples)
    sums = {row["path"]: row["sha256"] for rows in samples for row in rows["files"]}
    sums |= {"README.md": "a" * 64, "severities.csv": "b"}
    for index, rows in enumerate(samples):
        digest = sha256(encode_json(rows)).hexdigest()
        sums[f"samples/{gather.sample_name(index)}/rows.json"] = digest
    assert (tmp_path / "out/SHA256SUMS").read_bytes() == checksum_lines(sums)


@pytest.mark.parametrize("n_samples", [5, 100, 132, 1234, 12345])
def test_numbers_come_in_the_order_of_their_names(monkeypatch, n_samples):
    monkeypatch.setattr(gather, "FIRST_WIDER", 100)
    found = list(in_name_order(n_samples))
    assert len(found) == n_samples
    names = [f"{index:02d}" for index in found]
    assert names == sorted(names)


def test_the_first_wider_name_is_where_the_order_changes():
    assert len(sample_name(gather.FIRST_WIDER - 1)) < len(sample_name(gather.FIRST_WIDER))
    assert len(sample_name(0)) == len(sample_name(gather.FIRST_WIDER - 1))


def test_a_digest_is_that_of_the_content(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    assert digest_of(tmp_path / "a") == sha256(b"content").hexdigest()


def test_facts_of_the_card_add_up():
    samples = [rows_of(index) for index in range(9)]
    one_by_one, at_once = CardFacts(), CardFacts()
    for rows in samples:
        one_by_one.add(rows)
    at_once.add(whole(samples))
    assert vars(one_by_one) == vars(at_once)
    (group,) = at_once.severities.values()
    measured = [row["measured"] for row in whole(samples)["severities"]]
    assert (group.count, group.lowest, group.highest) == (9, min(measured), max(measured))
    assert at_once.n_bytes == sum(row["bytes"] for row in whole(samples)["files"])
