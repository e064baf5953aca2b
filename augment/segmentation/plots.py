"""Curves of the report: Dice over the number of real cases, and differences to real cases alone.

Colours are those of Okabe and Ito (2008), told apart with every common colour vision; arms differ
in marker too. Figures are SVG with a transparent ground, once for light and once for dark pages.
"""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from augment.segmentation.comparison import Comparison
from augment.segmentation.score_table import COMPETITORS, REFERENCE

BLUE, SKY, GREEN, ORANGE, PINK, VERMILION = (
    ("#0072B2", "#4DB1EC"),
    ("#56B4E9", "#8FD0F7"),
    ("#009E73", "#2CC79B"),
    ("#E69F00", "#F0B840"),
    ("#CC79A7", "#E49CC4"),
    ("#D55E00", "#FF8A45"),
)
GREY, INK, GRID = ("#7A828C", "#98A2AD"), ("#1B1F24", "#E6E9ED"), ("#D5DAE0", "#39424D")
"""Colour on light and on dark ground."""
ARM_COLOURS = {
    REFERENCE: INK,
    "pretrain": BLUE,
    "synthetic": SKY,
    "mix": GREEN,
    "anchored": ORANGE,
    "selected": VERMILION,
    "carvemix": GREY,
    "primitives": GREY,
}
SPARE_COLOURS = (PINK, GREEN, BLUE, ORANGE, SKY)
MARKERS = "osD^vPX*"
BAND_ALPHA = 0.13


def learning_curves(
    panels: Sequence[tuple[str, pd.DataFrame]], is_dark: bool, columns: int = 3
) -> bytes:
    """Draw Dice over the number of real cases, with 95 % bands, one panel a class.

    Args:
        panels: Title and the rows of `comparison.mean_table`.
        is_dark: Whether the page is dark.
        columns: Panels in a row.

    Returns:
        An SVG file. Arms without real cases are horizontal lines.
    """
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    size = (7.2, 4.2) if len(panels) == 1 else (3.1 * columns, 2.6 * rows + 0.5)
    with mpl.rc_context(_settings(is_dark)):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True)
        for position, panel in enumerate(axes.flat):
            if position < len(panels):
                _draw_curves(panel, *panels[position], is_dark)
                if position + columns >= len(panels):
                    panel.set_xlabel("real labelled cases n")
                    panel.tick_params(labelbottom=True)
            else:
                panel.set_axis_off()
        for row in axes[:, 0]:
            row.set_ylabel("Dice")
        handles, names = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside right upper", frameon=False)
        return _svg(figure)


def _draw_curves(axes: Axes, title: str, means: pd.DataFrame, is_dark: bool) -> None:
    counts = sorted({int(n) for n in means["n"] if n > 0})
    ends = (counts[0] / 1.15, counts[-1] * 1.15)
    for position, arm in enumerate(means["arm"].unique()):
        rows = means[means["arm"] == arm].sort_values("n")
        colour = arm_colour(arm, position, is_dark)
        line: dict[str, Any] = {"color": colour, "linestyle": "--" if arm in COMPETITORS else "-"}
        alone, given = rows[rows["n"] == 0], rows[rows["n"] > 0]
        for _, row in alone.iterrows():
            axes.fill_between(ends, row["low"], row["high"], color=colour, alpha=BAND_ALPHA, lw=0)
            label = f"{arm} (n = 0)"
            axes.plot(ends, [row["dice"]] * 2, label=label, **{**line, "linestyle": ":"})
        if len(given):
            band = (given["n"], given["low"], given["high"])
            axes.fill_between(*band, color=colour, alpha=BAND_ALPHA, lw=0)
            width = 2.2 if arm == REFERENCE else 1.5
            marker = MARKERS[position % len(MARKERS)]
            axes.plot(given["n"], given["dice"], marker=marker, label=arm, lw=width, **line)
    axes.set_title(title, loc="left")
    axes.set_xscale("log")
    axes.set_xlim(*ends)
    axes.xaxis.set_major_locator(FixedLocator(counts))
    axes.xaxis.set_major_formatter(FixedFormatter([str(count) for count in counts]))
    axes.xaxis.set_minor_locator(NullLocator())


def difference_chart(comparisons: Sequence[Comparison], is_dark: bool) -> bytes:
    """Draw the differences to real cases alone with their intervals, one line a comparison.

    Args:
        comparisons: At least one.
        is_dark: Whether the page is dark.

    Returns:
        An SVG file: gain in blue to the right of zero, harm in vermilion to the left, grey where
        the interval holds zero.
    """
    with mpl.rc_context(_settings(is_dark)):
        figure = Figure(figsize=(7.2, 0.9 + 0.27 * len(comparisons)), layout="constrained")
        axes = figure.subplots()
        axes.axvline(0, color=INK[is_dark], lw=1)
        names = []
        for row, item in enumerate(comparisons):
            change = item.difference
            colour = {1: BLUE, 0: GREY, -1: VERMILION}[change.direction][is_dark]
            marker = {1: ">", 0: "o", -1: "<"}[change.direction]
            axes.plot([100 * change.low, 100 * change.high], [row, row], color=colour, lw=2)
            axes.plot(100 * change.value, row, marker=marker, color=colour, ms=6)
            names.append(_row_name(item))
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("difference of the mean Dice to real cases alone, points (95 % interval)")
        return _svg(figure)


def _row_name(item: Comparison) -> str:
    return f"{item.arm}, n = {item.n}" if item.n else f"{item.arm} against {item.n_real} real"


def arm_colour(arm: str, position: int, is_dark: bool) -> str:
    """Return the colour of an arm; names that are not ours get one by position."""
    return ARM_COLOURS.get(arm, SPARE_COLOURS[position % len(SPARE_COLOURS)])[is_dark]


def _settings(is_dark: bool) -> dict[Any, Any]:
    ink, grid = INK[is_dark], GRID[is_dark]
    return {
        "font.family": ["DejaVu Sans"],
        "font.size": 9,
        "axes.titlesize": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": grid,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": grid,
        "grid.linewidth": 0.6,
        "text.color": ink,
        "axes.labelcolor": ink,
        "xtick.color": ink,
        "ytick.color": ink,
        "lines.markersize": 5,
        # Names of elements would otherwise be random.
        "svg.hashsalt": "facies",
    }


def _svg(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return buffer.getvalue()
