"""`facies atlas`: one page a pathology, as the generator makes it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console

from augment.commands.atlas_case import AtlasCase, draw_atlas_case
from augment.pathology import PATHOLOGIES, Pathology, find_pathology
from augment.pipeline.opening import open_pipeline
from augment.recipe import compose_recipe

RECIPE = "pathology_atlas"
WIDTH_IN, TILE_IN, HEAD_IN, DPI = 9.6, 2.35, 1.05, 100
JPEG = {"quality": 82, "optimize": True}
NORM_CHARACTERS = 40  # a line, beneath the head of the first column
CT_WINDOW_HU = (-250.0, 1100.0)
SIGN = {"deg": "°", "percent": "%", "cm2": "cm²", "cm3": "cm³"}


def write_atlas(names: Sequence[str], out: Path, with_volume: bool = True) -> int:
    """Write one page for each pathology.

    Args:
        names: Pathologies; empty means all.
        out: Folder of the pages; each is NAME.jpg.
        with_volume: Also show a CT slice where it shows something.

    Returns:
        0.

    Raises:
        RecipeError: If a pathology is unknown.
    """
    entries = [find_pathology(name) for name in names] or list(PATHOLOGIES.values())
    make = open_pipeline(compose_recipe(RECIPE), None)
    out.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        page = draw_page(draw_atlas_case(make, entry, with_volume))
        path = out / f"{entry.name}.jpg"
        page.savefig(path, dpi=DPI, pil_kwargs=JPEG)
        Console().print(f"{path}")
    return 0


def draw_page(shown: AtlasCase) -> Figure:
    """Lay out a page: columns are the healthy head and the grades, rows the views, displacement in
    colours, and CT.

    Args:
        shown: What is on it.
    """
    n_rows = len(shown.views) + 1 + (shown.slices is not None)
    n_columns = len(shown.cases) + 1
    height = HEAD_IN + n_rows * TILE_IN
    figure = Figure(figsize=(WIDTH_IN, height))
    grid = figure.subplots(
        n_rows,
        n_columns,
        squeeze=False,
        gridspec_kw={
            "left": 0.0,
            "right": 1.0,
            "bottom": 0.0,
            "top": 1 - HEAD_IN / height,
            "wspace": 0.01,
            "hspace": 0.01,
        },
    )
    for axes in grid.ravel():
        axes.set_axis_off()
    _head(figure, shown, height)
    for row, (name, pictures) in zip(grid, shown.views.items(), strict=False):
        for axes, picture in zip(row, pictures, strict=True):
            axes.imshow(picture)
        _label(row[0], name)
    _heat(list(grid[len(shown.views)]), shown)
    if shown.slices is not None:
        _ct(list(grid[-1]), shown)
    return figure


def _head(figure: Figure, shown: AtlasCase, height: float) -> None:
    entry, years = shown.entry, shown.subject.age_years
    age = (
        f"{12 * years:.0f} months" if years is not None and years < 2 else f"{years or 0:.0f} years"
    )
    side = ", right side" if entry.sides else ""
    line = 1 / height
    figure.text(0.01, 1 - 0.21 * line, f"{entry.title}{side}", fontsize=13, weight="bold")
    text = f"{entry.parameter} [{_unit(entry)}]; {shown.subject.sex}, {age}. {entry.source}"
    for number, part in enumerate(_wrapped(text, 150)[:2]):
        figure.text(0.01, 1 - (0.40 + 0.15 * number) * line, part, fontsize=7, color="0.3")
    healthy = shown.cases[0].pathologies[0].healthy
    norm = "\n".join(_wrapped(f"norm: {entry.norm}", NORM_CHARACTERS))
    captions = [f"healthy twin: {healthy:.{entry.decimals}f}\n{norm}"]
    for grade, case in zip(entry.grades, shown.cases, strict=True):
        (solved,) = case.pathologies
        captions.append(
            f"{grade.name} ({grade.low:g}-{grade.high:g}, {grade.basis})\n"
            f"asked {solved.requested:g}, measured {solved.measured:.{entry.decimals + 1}f}"
        )
    for column, caption in enumerate(captions):
        x = column / len(captions) + 0.01
        figure.text(x, 1 - 0.66 * line, caption, fontsize=7.5, linespacing=1.25, va="top")


def _unit(entry: Pathology) -> str:
    return SIGN.get(entry.unit, entry.unit)


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] += f"{word} "
    return lines


def _label(axes: Axes, text: str) -> None:
    axes.text(
        0.02,
        0.97,
        text,
        fontsize=7,
        va="top",
        color="0.15",
        transform=axes.transAxes,
        bbox={"facecolor": "1", "alpha": 0.65, "edgecolor": "none", "pad": 1.5},
    )


def _heat(row: Sequence[Axes], shown: AtlasCase) -> None:
    """Show how far the skin moved in the first view; one scale for all grades."""
    pictures = next(iter(shown.views.values()))
    top = float(np.ceil(max(moved.max() for moved in shown.moved_mm)))
    for axes, picture, moved in zip(row[1:], pictures[1:], shown.moved_mm, strict=True):
        axes.imshow(picture.mean(axis=-1), cmap="gray", vmin=0, vmax=255)
        share = np.clip(moved / (0.15 * top), 0, 0.75)
        axes.imshow(moved, cmap="turbo", vmin=0, vmax=top, alpha=share)
        _label(axes, f"largest motion {moved.max():.1f} mm")
    scale = np.linspace(top, 0, 100)[:, None]
    inset = row[0].inset_axes((0.55, 0.12, 0.07, 0.76))
    inset.imshow(scale, cmap="turbo", aspect="auto", extent=(0, 1, 0, top))
    inset.set_xticks([])
    inset.tick_params(labelsize=7)
    inset.set_title("motion of\nthe skin, mm", fontsize=7)


def _ct(row: Sequence[Axes], shown: AtlasCase) -> None:
    """Show the slice under the healthy and under the severest head."""
    if shown.slices is None:
        return
    low, high = CT_WINDOW_HU
    for axes, part, name in zip((row[0], row[-1]), shown.slices, ("", "severe, "), strict=True):
        axes.imshow(part, cmap="gray", vmin=low, vmax=high)
        _label(axes, f"CT, {name}{shown.plane}")
