"""Bad inputs, made by hand: what is in each, the command that meets it, the sentence it gets.

`docs/bad_inputs.md` is the same table; `benchmarks/reliability/bad_inputs.py` writes it.
"""

import gzip
import os
import pickle
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from PIL import Image
from volume_folders import make_volume_folder

AFFINE = np.diag([8.0, 8.0, 8.0, 1.0])
OWN = ("generate", "own", "--config-dir", "recipes")
CT = ("reconstruct", "ct", "scan.nii", "out=fit")
SCAN = ("reconstruct", "scan", "mesh.ply", "out=fit")
OBJ = ("reconstruct", "scan", "mesh.obj", "out=fit")
PHOTO = ("reconstruct", "photo", "face.jpg", "out=fit")
SUBJECT = ("generate", "ct_subject", "subject.source=file", "subject.path=subject.json", "out=data")


@dataclass(frozen=True)
class BadInput:
    """One bad input.

    Attributes:
        group: Kind of input.
        what: What is in it.
        make: Makes it in the current folder.
        words: Words after `facies`, or the name of a function of `CALLS`.
        message: What is printed, without `error: `.
        code: Exit status.
    """

    group: str
    what: str
    make: Callable[[], object]
    words: tuple[str, ...]
    message: str
    code: int = 2


class Payload:
    """A pickle that leaves a mark where it is opened."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("owned",)


def text(name: str, content: str) -> Callable[[], object]:
    def make() -> None:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(content, encoding="utf-8")

    return make


def data(name: str, content: bytes) -> Callable[[], object]:
    return lambda: Path(name).write_bytes(content)


def recipe(content: str) -> Callable[[], object]:
    return text("recipes/own.yaml", content)


def pipe(name: str) -> Callable[[], object]:
    def make() -> None:
        Path(name).parent.mkdir(exist_ok=True)
        os.mkfifo(name)

    return make


def sparse(name: str, n_bytes: int) -> Callable[[], object]:
    def make() -> None:
        with Path(name).open("wb") as file:
            file.truncate(n_bytes)

    return make


def nothing() -> None:
    """The words are the bad input."""


def header(**fields: object) -> bytes:
    values = np.zeros((20, 20, 20), np.int16)
    image = nib.Nifti1Image(values, AFFINE)
    for name, value in fields.items():
        image.header[name] = value
    return bytes(image.header.binaryblock) + bytes(4)


def volume(n_bytes: int = 16000, **fields: object) -> Callable[[], object]:
    return data("scan.nii", header(**fields) + bytes(n_bytes))


def nan_volume() -> None:
    values = np.zeros((20, 20, 20), np.float32)
    values[3, 4, 5:7] = np.nan
    nib.save(nib.Nifti1Image(values, AFFINE), "scan.nii")


def series() -> None:
    nib.save(nib.Nifti1Image(np.zeros((20, 20, 20, 6), np.int16), AFFINE), "scan.nii")


def cut_gzip() -> None:
    noise = np.random.default_rng(0).integers(0, 255, 16000).astype(np.uint8).tobytes()
    content = gzip.compress(header() + noise)
    Path("scan.nii").write_bytes(content[: len(content) // 2])


def gzip_bomb() -> None:
    """8 GB of zeros in 40 KB a gigabyte: one gzip member, again and again."""
    member = gzip.compress(bytes(20_000_000))
    start = gzip.compress(header(dim=[3, 2000, 2000, 2000, 1, 1, 1, 1]))
    Path("scan.nii").write_bytes(start + member * 400)


def extension_bomb() -> None:
    """What the header says lies between it and the voxels inflates to 2 GB."""
    start = header(vox_offset=2e9)[:348] + b"\1\0\0\0" + struct.pack("<ii", 1_999_999_000, 6)
    Path("scan.nii").write_bytes(gzip.compress(start) + gzip.compress(bytes(20_000_000)) * 100)


def png_bomb() -> None:
    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    from zlib import crc32

    Path("face.jpg").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + head
        + struct.pack(">I", crc32(head))
        + struct.pack(">I", 0)
        + b"IDAT"
        + struct.pack(">I", crc32(b"IDAT"))
    )


def jpeg_bomb(progressive: bool) -> Callable[[], object]:
    def make() -> None:
        Image.new("RGB", (64, 64)).save("face.jpg", progressive=progressive)
        content = bytearray(Path("face.jpg").read_bytes())
        place = content.index(b"\xff\xc2" if progressive else b"\xff\xc0")
        content[place + 5 : place + 9] = struct.pack(">HH", 65_500, 65_500)
        Path("face.jpg").write_bytes(content)

    return make


def tiff_bomb() -> None:
    tags = {256: 100_000, 257: 100_000, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 100_000}
    rows = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in {**tags, 279: 9}.items()]
    Path("face.jpg").write_bytes(
        b"II*\0" + struct.pack("<IH", 8, len(rows)) + b"".join(sorted(rows)) + bytes(4)
    )


def cut_jpeg() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save("face.jpg")
    content = Path("face.jpg").read_bytes()
    Path("face.jpg").write_bytes(content[: len(content) // 2])


CUBE = "".join(f"v {a} {b} {c}\n" for a in (0, 200) for b in (0, 200) for c in (0, 200))
PLY = (
    "ply\nformat {kind} 1.0\nelement vertex {n}\nproperty float x\nproperty float y\n"
    "property float z\nelement face {m}\nproperty list uchar int vertex_indices\nend_header\n"
)


def mixed_ply() -> None:
    """Binary triangles and a pentagon in one list."""
    points = np.arange(24, dtype="<f4").tobytes()
    faces = struct.pack("<B3i", 3, 0, 1, 2) + struct.pack("<B5i", 5, 0, 1, 2, 3, 4)
    start = PLY.format(kind="binary_little_endian", n=8, m=2)
    Path("mesh.ply").write_bytes(start.encode() + points + faces)


def torch_pickle() -> None:
    Path("subject.json").write_bytes(pickle.dumps({"state_dict": Payload()}))


def nan_subject() -> None:
    values = {
        "identity": [0.0] * 98 + [float("nan")],
        "expression": [0.0] * 79,
        "pose": [0.0] * 21,
        "source": "ct",
        "age_years": None,
        "sex": None,
        "ancestry": None,
        "detail_mm": None,
    }
    Path("subject.json").write_text(
        str({"subject": values}).replace("'", '"').replace("None", "null").replace("nan", "NaN")
    )


def pickled_weights() -> None:
    """A pickle, and a JSON file that vouches for it."""
    import json
    from hashlib import sha256

    content = pickle.dumps(Payload())
    Path("weights").mkdir()
    Path("weights/face_network.safetensors").write_bytes(content)
    facts = {"sha256": sha256(content).hexdigest(), "network": {}}
    Path("weights/face_network.json").write_text(json.dumps(facts), encoding="utf-8")


def altered_weights() -> None:
    Path("weights").mkdir()
    Path("weights/face_network.safetensors").write_bytes(b"altered")
    facts = '{"sha256": "' + "0" * 64 + '", "network": {}}'
    Path("weights/face_network.json").write_text(facts, encoding="utf-8")


def pickled_array() -> None:
    np.savez("depth_mm.npz", depth_mm=np.array([Payload()], dtype=object), allow_pickle=True)


def array_bomb() -> None:
    """An archive whose array says that it holds 80 GB."""
    import zipfile

    head = "{'descr': '<f8', 'fortran_order': False, 'shape': (100000, 100000), }".ljust(117) + "\n"
    with zipfile.ZipFile("depth_mm.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        start = b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head.encode()
        archive.writestr("depth_mm.npy", start + bytes(20_000_000))


def data_set() -> None:
    make_volume_folder(Path("data"))


VIEW = "data/samples/000000/healthy/view_0"


def linked() -> None:
    data_set()
    Path(f"{VIEW}/image.png").unlink()
    Path(f"{VIEW}/image.png").symlink_to("/etc/passwd")


def linked_folder() -> None:
    data_set()
    Path("data/samples/000000/extra").symlink_to("/etc")


def piped() -> None:
    data_set()
    Path(f"{VIEW}/image.png").unlink()
    os.mkfifo(f"{VIEW}/image.png")


def leading_out() -> None:
    data_set()
    path = Path("data/files.csv")
    content = path.read_text(encoding="utf-8")
    path.write_text(content.replace(f"{VIEW[5:]}/image.png", "../../etc/passwd"), encoding="utf-8")


def missing() -> None:
    data_set()
    Path(f"{VIEW}/image.png").unlink()


def huge_json() -> None:
    data_set()
    sparse("data/dataset.json", 20_000_000)()


def full_folder() -> None:
    Path("data").mkdir()
    Path("data/thesis.tex").write_text("mine", encoding="utf-8")


def described(layout: str, extra: str = "") -> Callable[[], object]:
    return text(
        "cases/dataset.yaml",
        f"name: own\ndimensions: 2\nlayout: {{image: '{layout}', label: 'm/{{case}}.png'}}\n"
        f"labels: {{0: background, 1: bone}}\nalways_contoured: [bone]\n{extra}",
    )


def table(content: str) -> Callable[[], object]:
    return text("table.txt", content)


STUDY = ("experiment", "few_shot_smoke", "data=cases", "dataset=cases/dataset.yaml", "--dry-run")


def _views() -> object:
    from augment import load_dataset

    return load_dataset("data")


def _array() -> object:
    from augment.writer.decode import read_pixels

    return read_pixels(Path("depth_mm.npz"), "depth_mm")


def _network() -> object:
    from augment.portrait.weights import load_network

    return load_network("weights")


def _table() -> object:
    from augment.volume.real_scan import read_label_table

    return read_label_table("table.txt")


CALLS = {
    "augment.load_dataset": _views,
    "augment.ViewDataset": _array,
    "load_network": _network,
    "read_label_table": _table,
}


def markdown(cases: tuple[BadInput, ...]) -> str:
    """Return the table of bad inputs."""
    lines = [
        "# Bad inputs and what is said about them",
        "",
        "Each row is met by the tests (`tests/hostile`): exactly this sentence on stderr after"
        " `error: `, the exit status, no stack trace, nothing left behind, nothing run that the"
        " input holds, less than 10 s of processor time and 2 GB of memory. Made by `python"
        " benchmarks/reliability/bad_inputs.py`.",
    ]
    for group in dict.fromkeys(case.group for case in cases):
        lines += ["", f"## {group}", "", "| What is in it | Command | Status | Sentence |"]
        lines.append("|---|---|---|---|")
        for case in cases:
            if case.group == group:
                command = " ".join(
                    word if len(word) < 60 else f"{word[:40]}…" for word in case.words
                )
                is_command = case.words[0] not in CALLS
                shown = f"`facies {command}`" if is_command else f"`{command}(…)`"
                said = case.message.replace("|", "\\|").replace("\n", "<br>")
                lines.append(f"| {case.what} | {shown} | {case.code} | {said} |")
    return "\n".join(lines) + "\n"
