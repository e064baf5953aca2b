"""Hold exports against the tools that they are for, the heavy ones in an environment of their own.

    python benchmarks/export/validate.py DIR out=WORK [nnunet=PYTHON] [bids=CMD] [bids_schema=CMD]

DIR is a data set with pictures or volumes. nnunet is a Python with nnunetv2 (it brings its own
torch), bids the command of bids-validator (npm install bids-validator), bids_schema that of its
successor (pip install bids-validator-deno). Prints Markdown; seconds are CPU time of the export.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from os import environ
from pathlib import Path
from time import process_time

from augment.errors import FaciesError
from augment.writer.export import EXPORTERS, export_dataset
from augment.writer.export.source import open_source

Check = Callable[[Path, dict[str, str]], str]


def run(words: list[str], **variables: str) -> tuple[int, str]:
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env={**environ, **variables}
    )
    return done.returncode, done.stdout + done.stderr


def check_nnunet(out: Path, tools: dict[str, str]) -> str:
    (root,) = out.glob("Dataset*")
    code = (
        "import sys, warnings; warnings.simplefilter('always')\n"
        "from nnunetv2.experiment_planning.verify_dataset_integrity import"
        " verify_dataset_integrity\n"
        "verify_dataset_integrity(sys.argv[1], 1)"
    )
    folder = str(out)
    paths = {"nnUNet_raw": folder, "nnUNet_preprocessed": folder, "nnUNet_results": folder}
    status, text = run([tools["nnunet"], "-c", code, str(root)], **paths)
    lines = [line.strip("# ") for line in text.splitlines() if line.strip("# ")]
    complaints = [line for line in lines if "warn" in line.lower() or line.startswith("Error")]
    return f"verify_dataset_integrity: exit {status}, {len(complaints)} warnings" + "".join(
        f" / {line}" for line in complaints
    )


def check_bids(out: Path, tools: dict[str, str]) -> str:
    """Run the validators that are at hand: the one of npm, and the one that reads the schema."""
    found = []
    for tool, option in (("bids", "--json"), ("bids_schema", "--format=json")):
        if tool in tools:
            _, text = run([*tools[tool].split(), str(out), option])
            found.append(f"{tool.replace('bids', 'bids-validator')}: {count_issues(text)}")
    return "; ".join(found)


def count_issues(text: str) -> str:
    """Count what either validator prints; both hold a list of issues, of different shapes."""
    issues, _ = json.JSONDecoder().raw_decode(text, text.index("{"))
    issues = issues["issues"]
    if "errors" in issues:
        errors, warnings = ([i["key"] for i in issues[kind]] for kind in ("errors", "warnings"))
    else:
        errors, warnings = (
            [
                f"{i['code']} {i.get('subCode', '')}".strip()
                for i in issues["issues"]
                if i["severity"] == kind
            ]
            for kind in ("error", "warning")
        )
    return ", ".join(
        f"{len(names)} {kind}" + (f" ({', '.join(sorted(set(names)))})" if names else "")
        for kind, names in (("errors", errors), ("warnings", warnings))
    )


def check_monai(out: Path, tools: dict[str, str]) -> str:
    from monai.data import load_decathlon_datalist
    from monai.transforms import LoadImaged

    name = "datalist.json" if (out / "datalist.json").exists() else "dataset.json"
    listed = load_decathlon_datalist(str(out / name), True, "training", base_dir=str(out))
    load = LoadImaged(keys=("image", "label"))
    for entry in listed:
        load({key: entry[key] for key in ("image", "label")})
    return f"load_decathlon_datalist, LoadImaged: {len(listed)} cases loaded"


def check_coco(out: Path, tools: dict[str, str]) -> str:
    from pycocotools.coco import COCO

    masks = COCO(str(out / "annotations/instances.json"))
    n_pixels = sum(int(masks.annToMask(a).sum()) for a in masks.dataset["annotations"])
    keypoints = COCO(str(out / "annotations/keypoints.json"))
    return f"pycocotools: {len(masks.anns)} masks of {n_pixels} pixels, {len(keypoints.anns)} faces"


def check_webdataset(out: Path, tools: dict[str, str]) -> str:
    import webdataset

    shards = [str(path) for path in sorted(out.glob("*.tar"))]
    records = list(webdataset.WebDataset(shards, shardshuffle=False))
    return f"webdataset: {len(records)} records in {len(shards)} shards"


def check_dicom(out: Path, tools: dict[str, str]) -> str:
    import highdicom
    import SimpleITK

    series = sorted(out.glob("*/ct"))
    for folder in series:
        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
        reader.Execute()
        highdicom.seg.segread(folder.parent / "segmentation.dcm").get_volume()
    return f"SimpleITK (GDCM), highdicom: {len(series)} series and segmentations read"


def check_croissant(out: Path) -> str:
    import mlcroissant

    dataset = mlcroissant.Dataset(jsonld=str(out / "croissant.json"))
    issues = dataset.metadata.issues
    n_rows = len(list(dataset.records("cases")))
    warnings = f" ({'; '.join(sorted(issues.warnings))})" if issues.warnings else ""
    return (
        f"mlcroissant: {len(issues.errors)} errors, {len(issues.warnings)} warnings{warnings},"
        f" {n_rows} cases read"
    )


CHECKS: dict[str, Check] = {
    "nnunet": check_nnunet,
    "msd": check_monai,
    "monai": check_monai,
    "coco": check_coco,
    "webdataset": check_webdataset,
    "bids": check_bids,
    "dicom": check_dicom,
}


def main(words: list[str]) -> None:
    folder = Path(words[0])
    tools = dict(word.split("=", 1) for word in words[1:])
    source = open_source(folder)
    print(f"## {source.name}: {len(source.views)} pictures, {len(source.volumes)} volumes\n")
    print("| Target | CPU seconds | Result of its tool |\n|---|---|---|")
    for to in EXPORTERS:
        if to == "nnunet" and "nnunet" not in tools:
            continue
        start = process_time()
        try:
            out = export_dataset(folder, to, out=Path(tools["out"]) / to)
        except FaciesError as error:
            print(f"| {to} | | not for this data set: {str(error).split(', got')[0]} |", flush=True)
            continue
        seconds = process_time() - start
        with redirect_stdout(StringIO()):
            result = f"{CHECKS[to](out, tools)}; {check_croissant(out)}"
        print(f"| {to} | {seconds:.1f} | {result} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
