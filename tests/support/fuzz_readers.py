"""The readers of strangers' files, small valid files for each, and ways to break them.

Shared by the tests, which draw with Hypothesis, and by `benchmarks/reliability/fuzz.py`, which
draws with atheris. A reader may read a broken file or refuse it with an error of ours; anything
else is a bug.
"""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zlib import crc32

import nibabel as nib
import numpy as np
import yaml
from PIL import Image

from augment.errors import FaciesError, RecipeError

Draw = Callable[[int, int], int]
"""From the smallest and the largest whole number to one of them, both included."""


@dataclass(frozen=True)
class Reader:
    """One reader under attack.

    Attributes:
        read: Reads a file, or raises an error of ours.
        seeds: Pairs of a suffix and the content of a valid file. A suffix that ends in `+` is
            compressed by gzip after it was broken, so that its checksum holds.
        tokens: Texts that mean something to this reader.
    """

    read: Callable[[Path], object]
    seeds: tuple[tuple[str, bytes], ...]
    tokens: tuple[bytes, ...]


def attack(reader: Reader, folder: Path, suffix: str, content: bytes) -> bool:
    """Return whether a file is read (True) or refused with an error of ours (False).

    Raises:
        Exception: Anything else that the reader raises: a bug.
    """
    path = folder / f"own{suffix.removesuffix('+')}"
    path.write_bytes(gzip.compress(content, 1) if suffix.endswith("+") else content)
    try:
        reader.read(path)
    except FaciesError as error:
        if not 20 < len(str(error)) < 4000:
            raise AssertionError(f"no sentence: {error}") from error
        return False
    return True


def broken(content: bytes, tokens: tuple[bytes, ...], draw: Draw) -> bytes:
    """Return a content with one to six places broken."""
    for _ in range(draw(1, 6)):
        content = WAYS[draw(0, len(WAYS) - 1)](content, tokens, draw)[:MAX_BYTES]
    return content


MAX_BYTES = 1 << 16
HYDRA_EVERY = 64
"""Of so many broken recipes one goes through Hydra, where there are many to try."""


def _flip(content: bytes, tokens: tuple[bytes, ...], draw: Draw) -> bytes:
    if not content:
        return content
    place = draw(0, len(content) - 1)
    return content[:place] + bytes([draw(0, 255)]) + content[place + 1 :]


def _truncate(content: bytes, tokens: tuple[bytes, ...], draw: Draw) -> bytes:
    return content[: draw(0, len(content))]


def _repeat(content: bytes, tokens: tuple[bytes, ...], draw: Draw) -> bytes:
    first = draw(0, len(content))
    last = min(len(content), first + draw(0, 64))
    return content[:last] + content[first:last] * draw(0, 20) + content[last:]


def _number(content: bytes, tokens: tuple[bytes, ...], draw: Draw) -> bytes:
    """Overwrite a binary number with one at the edge of its type."""
    n_bytes = (1, 2, 4, 8)[draw(0, 3)]
    if len(content) < n_bytes:
        return content
    edges = (0, 1, 2 ** (8 * n_bytes - 1) - 1, 2 ** (8 * n_bytes - 1), 2 ** (8 * n_bytes) - 1)
    floats = {4: b"\0\0\xc0\x7f", 8: b"\0\0\0\0\0\0\xf8\x7f"}  # not a number
    choice = draw(0, len(edges))
    new = edges[min(choice, 4)].to_bytes(n_bytes, ("little", "big")[draw(0, 1)])
    if choice == len(edges):
        new = floats.get(n_bytes, new)
    place = draw(0, len(content) - n_bytes)
    return content[:place] + new + content[place + n_bytes :]


def _token(content: bytes, tokens: tuple[bytes, ...], draw: Draw) -> bytes:
    token = tokens[draw(0, len(tokens) - 1)]
    place = draw(0, len(content))
    return content[:place] + token + content[place + (len(token) if draw(0, 1) else 0) :]


def _word(content: bytes, tokens: tuple[bytes, ...], draw: Draw) -> bytes:
    """Replace a whole word of a text."""
    words = content.split(b" ")
    words[draw(0, len(words) - 1)] = tokens[draw(0, len(tokens) - 1)]
    return b" ".join(words)


WAYS = (_flip, _truncate, _repeat, _number, _token, _word)

NUMBERS = (b"nan", b".nan", b"1e999", b"-1", b"0", b"1e308", b"9" * 400, b"null", b"true")


def _read_nifti(path: Path) -> object:
    from augment.reconstruct.nifti import read_volume

    return read_volume(path)


def _read_mesh(path: Path) -> object:
    from augment.geometry.mesh_file import read_mesh

    return read_mesh(path)


def _read_photograph(path: Path) -> object:
    from augment.portrait.picture_file import read_photograph

    return read_photograph(path)


def _read_recipe(path: Path) -> object:
    from augment.recipe import compose_recipe

    return compose_recipe(path.stem, [], path.parent)


def read_recipe_often(path: Path) -> object:
    """Read a recipe as it is read, without Hydra for all but a few.

    Composing takes Hydra some 100 ms, twenty times as much as everything of ours together; what
    is in the file passes the same checks before and after it.
    """
    from augment.recipe.check import joined, read_spec
    from augment.recipe.contradictions import contradictions
    from augment.recipe.plain_yaml import check_composed, plain_yaml_files
    from augment.recipe.schema import RecipeSpec

    if crc32(path.read_bytes()) % HYDRA_EVERY == 0:
        return _read_recipe(path)
    text = plain_yaml_files(path.parent)[path.stem]
    check_composed(path.parent, [path.stem])
    values = yaml.safe_load(text)
    keys = {str(key): value for key, value in (values or {}).items() if key != "defaults"}
    mistakes: list[str] = []
    spec = read_spec(RecipeSpec, {**keys, "name": path.stem}, "", mistakes)
    if mistakes := mistakes or contradictions(spec):
        raise RecipeError(joined(mistakes))
    return spec


def _read_subject(path: Path) -> object:
    from augment.pipeline.subject_file import read_place
    from augment.subject_folder import load_subject

    return load_subject(path), read_place(path)


def _nifti_seeds() -> tuple[tuple[str, bytes], ...]:
    values = np.arange(9 * 10 * 11, dtype=np.int16).reshape(9, 10, 11)
    turned = np.array([[0, -12.0, 0, 5], [13, 0, 0, -3], [0, 0, -14, 2], [0, 0, 0, 1]])
    plain = nib.Nifti1Image(values, turned).to_bytes()
    second = nib.Nifti2Image(values.astype(np.float32), turned).to_bytes()
    big = nib.Nifti1Image(values.astype(">i2"), turned)
    swapped = nib.Nifti1Image(values, turned, big.header.as_byteswapped(">")).to_bytes()
    return (
        (".nii", plain),
        (".nii", second),
        (".nii", swapped),
        (".nii.gz+", plain),
        (".nii.gz", gzip.compress(plain, mtime=0)),
    )


def _mesh_seeds() -> tuple[tuple[str, bytes], ...]:
    import trimesh

    box = trimesh.creation.box((20.0, 30.0, 40.0))
    text = box.export(file_type="obj")
    corners = [f"v {a} {b} {c}" for a in (0, 9) for b in (0, 9) for c in (0, 9)]
    polygons = ["f 1 2 4 3", "f 5 6 8 7", "f 1/1/1 2//2 6/3 5", "f 1 2 6 8 7"]
    quads = "\n".join(["mtllib ../../x.mtl", *corners, *polygons])
    ascii_stl = trimesh.exchange.stl.export_stl_ascii(box)
    return (
        (".obj", text.encode()),
        (".obj", quads.encode()),
        (".ply", box.export(file_type="ply")),
        (".ply", box.export(file_type="ply", encoding="ascii")),
        (".stl", box.export(file_type="stl")),
        (".stl", ascii_stl.encode()),
    )


def _picture_seeds() -> tuple[tuple[str, bytes], ...]:
    rows, columns = np.mgrid[:20, :24]
    colour = Image.fromarray(np.stack((rows * 9, columns * 8, rows + columns), -1).astype("uint8"))
    deep = Image.fromarray((rows * 3000).astype(np.uint16))
    exif = Image.Exif()
    exif[0x0112] = 6
    kinds = (
        ("png", colour, {}),
        ("png", deep, {}),
        ("png", colour.convert("P"), {"transparency": 3}),
        ("jpeg", colour, {"exif": exif}),
        ("jpeg", colour, {"progressive": True}),
        ("jpeg", colour.convert("CMYK"), {}),
        ("tiff", colour, {"compression": "tiff_lzw"}),
        ("tiff", deep, {}),
        ("gif", colour, {"save_all": True, "append_images": [colour.rotate(90)]}),
        ("bmp", colour, {}),
        ("webp", colour, {}),
        ("ppm", colour, {}),
        ("jpeg2000", colour, {}),
    )
    seeds = []
    for kind, image, options in kinds:
        stream = BytesIO()
        image.save(stream, kind, **options)
        seeds.append((".jpg", stream.getvalue()))
    return tuple(seeds)


RECIPES = (
    b"# Mine.\ndefaults: [ face_demo , _self_ ]\nsamples: 3\nrender: { size_px: 64 }\n",
    b"samples: 8\nassign: cycle\nsubject:\n  source: ct\n  path: scan.nii.gz\npathologies:\n"
    b"  - {name: crooked_nose, severity: {uniform: [3, 10]}, side: left}\n"
    b"  - {name: hypertelorism, severity: 34 mm}\nrender:\n  views: 0\n  yaw_deg: [ -35 , 35.0 ]\n"
    b"volume:\n  anchored: true\n  files: [image, labels]\n",
)
YAML_TOKENS = (
    b"!!python/object/apply:os.system [ls]",
    b"&a [*a]",
    b"*a",
    b"${oc.env:HOME}",
    b"_target_: os.system",
    b"../../x",
    b"[[[[",
    b"{a: {a: {a: ",
    b"? ",
    b"|\n",
    b"- ",
    b": ",
    b"%YAML 9.9\n---\n",
    b"!!binary aGk=",
    b"2001-99-99",
    b"<<: {samples: 1}",
    b"\xff\xfe",
    b"\t",
    b"hydra: {run: {dir: /}}",
    b"override /x@y: z",
    *NUMBERS,
)


def _subject_seed() -> bytes:
    record = {
        "model": "own",
        "subject": {
            "identity": [0.5] * 99,
            "expression": [0] * 79,
            "pose": [0.1] * 21,
            "source": "ct",
            "age_years": None,
            "sex": "female",
            "ancestry": {"african": 1.0, "asian": 0.0, "caucasian": 0.0},
            "detail_mm": [[0.1, 0.2, -0.3]] * 4,
        },
        "world_from_head": np.eye(4).tolist(),
    }
    return json.dumps(record).encode()


READERS: dict[str, Reader] = {
    "nifti": Reader(_read_nifti, _nifti_seeds(), (b"n+1\0", b"ni1\0", b"\x1f\x8b\x08", *NUMBERS)),
    "mesh": Reader(
        _read_mesh,
        _mesh_seeds(),
        (
            b"element vertex 1000000000\n",
            b"property list uint uint vertex_indices\n",
            b"property double x\n",
            b"format ascii 1.0\n",
            b"comment TextureFile ../../x.png\n",
            b"f 1 2 999999999\n",
            b"f -1 -2 -3\n",
            b"o a\nusemtl b\n",
            b"end_header\n",
            b"endsolid\n",
            *NUMBERS,
        ),
    ),
    "recipe": Reader(_read_recipe, tuple((".yaml", text) for text in RECIPES), YAML_TOKENS),
    "image": Reader(
        _read_photograph,
        _picture_seeds(),
        (b"IHDR", b"IDAT", b"\xff\xc0", b"\xff\xd8", b"acTL", b"tRNS", b"II*\0", b"%!PS", *NUMBERS),
    ),
    "subject": Reader(
        _read_subject,
        ((".json", _subject_seed()),),
        (b"NaN", b"Infinity", b"[" * 50, b'{"subject": ', b"]", b"}", b",", b'"', *NUMBERS),
    ),
}
