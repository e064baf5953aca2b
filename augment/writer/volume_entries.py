"""The files of one twin's volume: NIfTI, PLY meshes, radiographs with landmarks and angles."""

from collections.abc import Iterator
from pathlib import Path

from augment.geometry.mesh import ply_bytes
from augment.record import VolumeRecord
from augment.volume.files import check_written, encode_volume
from augment.writer.encode import encode_film_landmarks, encode_json, encode_png
from augment.writer.kinds import CEPHALOMETRY_KINDS, FILM_KINDS, SURFACE_KINDS, VOLUME_KINDS, Kind

MESH_FRAME = "frame of the volume, RAS+"


def volume_contents(volume: VolumeRecord) -> Iterator[tuple[Kind, bytes]]:
    """Return what is written for a volume: kind and content of each file.

    Args:
        volume: The volume of one twin.
    """
    for name, values in volume.arrays.items():
        content = encode_volume(values, volume.ras_from_voxel, _nifti_kind(name, volume))
        yield VOLUME_KINDS[name], content
    for name, mesh in volume.meshes.items():
        yield SURFACE_KINDS[name], ply_bytes(mesh.vertices_mm, mesh.faces, MESH_FRAME)
    for name, film in volume.films.items():
        yield FILM_KINDS[name], encode_png(film.film)
        yield CEPHALOMETRY_KINDS[f"{name}_landmarks"], encode_film_landmarks(film)
    if volume.films:
        pixels = {name: list(film.pixel_mm) for name, film in volume.films.items()}
        facts = {"angles_deg": dict(volume.angles_deg), "pixel_mm": pixels}
        yield CEPHALOMETRY_KINDS["cephalometry"], encode_json(facts, indent=1)


def check_volume_files(folder: Path, volume: VolumeRecord) -> None:
    """Read the NIfTI files of a volume back and compare them with it.

    Args:
        folder: Folder of the twin.
        volume: What was to be written.

    Raises:
        AssetError: If a file on disk differs.
    """
    for name, values in volume.arrays.items():
        check_written(folder / VOLUME_KINDS[name].file_name, values, volume.ras_from_voxel)


def _nifti_kind(name: str, volume: VolumeRecord) -> str:
    if name != "image":
        return name
    return "ct" if volume.is_hu else "signal"
