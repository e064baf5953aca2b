import numpy as np
import pytest
from fakes import open_fake_deriver

from augment.errors import AssetError
from augment.writer.encode import encode_png
from augment.writer.gather import checksum_lines
from augment.writer.verify import next_step, verify_folder


def verify(folder, share=1.0, open_deriver=open_fake_deriver):
    return verify_folder(folder, share, open_deriver)


def test_a_data_set_as_made_has_no_problem(folder):
    assert verify(folder) == []


def test_one_changed_byte_of_any_file_is_found(folder):
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert len(files) > 50
    rng = np.random.default_rng(5)
    for path in files:
        content = path.read_bytes()
        place = int(rng.integers(len(content)))
        changed = bytearray(content)
        changed[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        assert verify(folder), (path, place)
        path.write_bytes(content)
    assert verify(folder) == []


def test_every_byte_of_the_manifest_counts(folder):
    path = folder / "SHA256SUMS"
    content = path.read_bytes()
    for place in range(0, len(content), 97):
        changed = bytearray(content)
        changed[place] ^= 32
        path.write_bytes(changed)
        assert verify(folder, share=0.0), place


def test_missing_and_extra_files_are_named(folder):
    (folder / "samples/000001/healthy/mesh.ply").unlink()
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    assert verify(folder) == [
        "samples/000001/healthy/mesh.ply is missing",
        "notes.txt is not listed in SHA256SUMS",
    ]


def test_many_problems_are_counted(folder):
    for number in range(30):
        (folder / f"{number}.txt").touch()
    problems = verify(folder)
    assert len(problems) == 21
    assert problems[-1] == "10 more problems"


def renew_sums(folder):
    from hashlib import sha256

    files = [p for p in folder.rglob("*") if p.is_file() and p.name != "SHA256SUMS"]
    sums = {p.relative_to(folder).as_posix(): sha256(p.read_bytes()).hexdigest() for p in files}
    (folder / "SHA256SUMS").write_bytes(checksum_lines(sums))


def test_a_label_that_does_not_follow_from_the_parameters_is_found(folder):
    path = folder / "samples/000000/healthy/view_0/regions.png"
    path.write_bytes(encode_png(np.full((24, 24), 2, dtype=np.uint8)))
    renew_sums(folder)
    assert verify(folder) == [
        "samples/000000/healthy/view_0/regions.png does not follow from parameters.json"
    ]
    assert verify(folder, share=0.0) == []


def test_a_table_that_does_not_agree_with_the_samples_is_found(folder):
    path = folder / "severities.csv"
    path.write_bytes(path.read_bytes().replace(b"4.01", b"4.00"))
    renew_sums(folder)
    assert verify(folder) == ["severities.csv does not agree with the samples"]


def test_an_unfinished_run_is_told_apart_from_damage(folder):
    (folder / ".incoming").mkdir()
    with pytest.raises(AssetError, match="has not finished; repeat"):
        verify(folder)


def test_a_folder_without_data_set_is_refused(tmp_path):
    with pytest.raises(AssetError, match="is not a data set of facies, it has no SHA256SUMS"):
        verify(tmp_path)


def test_a_share_checks_at_least_one_sample(folder):
    seen = []

    def open_counting_deriver(root):
        derive = open_fake_deriver(root)

        def count(index):
            seen.append(index)
            return derive(index)

        return count

    assert verify(folder, 0.01, open_counting_deriver) == []
    assert seen == [0]


def test_each_kind_of_problem_has_its_next_step(folder):
    def wrong_deriver(root):
        derive = open_fake_deriver(root)
        return lambda index: ((t, v, kind, values + 1) for t, v, kind, values in derive(index))

    assert next_step(verify(folder, 1.0, wrong_deriver), "data").startswith(
        "every byte is as it was written, so that repair has nothing to mend"
    )
    (folder / "samples/000000/notes.txt").write_text("mine", encoding="utf-8")
    assert next_step(verify(folder), "data") == "run `facies repair data`"
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    removed_first = "remove what does not belong there, then run `facies repair data`"
    assert next_step(verify(folder), "data") == removed_first
    (folder / "notes.txt").unlink()
    (folder / "link").symlink_to(folder / "README.md")
    assert next_step(verify(folder), "data") == removed_first
