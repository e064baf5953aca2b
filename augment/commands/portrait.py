"""What a person sees of a head that is fitted to photographs: three stages, then the numbers."""

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from augment.errors import RecipeError
from augment.morphable import load_face_model
from augment.portrait.files import write_portrait
from augment.portrait.fit import PortraitFit, fit_portrait
from augment.portrait.photographs import STAGES, fit_photographs, portrait_views
from augment.portrait.texture import portrait_texture


def photographs_and_report(paths: Sequence[Path], out: Path, every: bool) -> int:
    """Fit a head to photographs of one person, write its files and print how good the fit is.

    Args:
        paths: Photographs of one person.
        out: Folder for the files.
        every: Whether every face of a single photograph is wanted, each in a folder of its own.

    Returns:
        Exit code 0.

    Raises:
        FaciesError: If a file is no photograph or shows no face, or the folder cannot be written.
    """
    if every and len(paths) != 1:
        raise RecipeError(f"--all expects one photograph, got {len(paths)}")
    console = Console(highlight=False, soft_wrap=True, markup=False)
    start, model = perf_counter(), load_face_model()
    progress = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=progress,
        transient=True,
        disable=not progress.is_terminal,
    )
    with bar:
        task = bar.add_task(STAGES[0], total=len(STAGES))

        def begin(stage: str) -> None:
            bar.update(task, description=stage, completed=STAGES.index(stage))

        if every:
            begin(STAGES[0])
            views = portrait_views(paths[0], every=True)
            begin(STAGES[1])
            fits = [fit_portrait(model, [view]) for view in views]
        else:
            fits = [fit_photographs(paths, model, on_stage=begin)]
        begin(STAGES[2])
        places = [out / f"face_{k}" for k in range(len(fits))] if every else [out]
        for fit, place in zip(fits, places, strict=True):
            write_portrait(fit, portrait_texture(fit), place)
    for fit, place in zip(fits, places, strict=True):
        _print(console, fit, place)
    console.print(f"{perf_counter() - start:.1f} s; look at overlay.png first")
    subject = places[0] / "subject.json"
    console.print(f"next: facies generate photo_subject subject.source=file subject.path={subject}")
    return 0


def _print(console: Console, fit: PortraitFit, place: Path) -> None:
    for fitted in fit.views:
        for warning in fitted.view.estimate.warnings:
            console.print(f"notice: {warning}")
        console.print(
            f"{place}: landmarks within {fitted.landmark_residual_px:.1f} px of 256, confidence"
            f" {fit.confidence:.2f}"
        )
