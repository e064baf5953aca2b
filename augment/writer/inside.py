"""Paths that stay inside a data set: what a table names is a plain file below its folder."""

from pathlib import Path, PurePosixPath

from augment.errors import AssetError


def inside(root: Path, relative: str) -> Path:
    """Return the path of a file that a table of a data set names.

    Args:
        root: Folder of the data set; may itself be reached through a link.
        relative: Path below it, with `/` between its parts.

    Returns:
        `root / relative`.

    Raises:
        AssetError: If the path is absolute, leaves the folder, passes a symbolic link, or is no
            plain file.
    """
    path = root
    for part in PurePosixPath(below(root, relative)).parts:
        path = path / part
        if path.is_symlink():
            raise AssetError(
                f"expected plain files in '{root}', got the symbolic link {relative!r}: replace it"
                " by a copy of what it points to"
            )
    if not path.is_file():
        raise AssetError(
            f"expected the file {relative!r} in '{root}', which is missing: `facies verify` lists"
            " what is broken"
        )
    return path


def below(root: Path, relative: str) -> str:
    """Return a relative path after a look at its text alone; links are not looked for.

    Raises:
        AssetError: If it is empty, absolute or leaves the folder.
    """
    parts = PurePosixPath(relative).parts
    is_plain = all(part.isprintable() and "\\" not in part for part in parts)
    if not parts or relative.startswith("/") or ".." in parts or not is_plain:
        raise AssetError(
            f"expected paths inside '{root}', got {relative!r}, which leaves it: the tables were"
            " changed, make the data set again"
        )
    return relative
