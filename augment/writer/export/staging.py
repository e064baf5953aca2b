"""A folder that appears whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

from augment.errors import RecipeError


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Yield a folder beside the target, and rename it to the target if all went well.

    What a killed run left behind is removed by the next one with the same target.

    Args:
        target: Where the folder shall appear.

    Yields:
        An empty folder on the same disk.

    Raises:
        RecipeError: If the target is there already.
    """
    check_target(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        check_target(target)
        partial.rename(target)
    finally:
        rmtree(partial, ignore_errors=True)


def check_target(target: Path) -> None:
    """Refuse a target that is there already.

    Raises:
        RecipeError: If something has this name, be it an empty folder or a broken link.
    """
    if target.exists() or target.is_symlink():
        raise RecipeError(
            f"out expects a new folder, got '{target}', which is there already; choose another out"
            " or delete it"
        )
