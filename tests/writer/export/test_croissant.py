import mlcroissant
import pytest

from augment.writer.export import export_dataset
from augment.writer.reader import load_dataset


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_mlcroissant_finds_no_fault_and_reads_the_rows(folder, tmp_path):
    out = export_dataset(folder, "coco", out=tmp_path / "coco")
    dataset = mlcroissant.Dataset(jsonld=out / "croissant.json")
    assert dataset.metadata.issues.errors == set()
    assert dataset.metadata.issues.warnings == set()
    rows = list(dataset.records("cases"))
    assert [row["cases/case"].decode() for row in rows][:2] == [
        "000000_healthy_view0",
        "000000_pathological_view0",
    ]
    measured = [row["severities/measured"] for row in dataset.records("severities")]
    severities = [row for view in load_dataset(folder) for row in view["severities"]]
    assert measured == [row["measured"] for row in severities]
