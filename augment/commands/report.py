"""What a person sees of a run: progress while it lasts, a summary at its end."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import cast, get_args

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from augment.commands.pace import Pace
from augment.engine.generate import Progress as OnProgress
from augment.engine.generate import Summary, generate_dataset
from augment.engine.repair import repair_dataset, repair_store
from augment.errors import RecipeError
from augment.morphable import load_face_model
from augment.pipeline import open_deriver
from augment.recipe import RecipeSpec
from augment.reconstruct import fit_ct, fit_scan, write_fit
from augment.reconstruct.scan import Unit
from augment.writer.export import export_dataset
from augment.writer.store import Store, is_url
from augment.writer.verify import is_unfinished, next_step, verify_folder, verify_unfinished
from augment.writer.verify_store import verify_store

NOT_VERIFIED, UNFINISHED = 1, 3
# Where there is no terminal, a line of progress now and then.
LINE_EVERY_S = 60.0


def generate_and_report(specs: Sequence[RecipeSpec], *, quiet: bool = False) -> int:
    """Make data sets one after the other and print what was made.

    Args:
        specs: Checked recipes.
        quiet: Print nothing.

    Returns:
        Exit code 0.
    """
    console = Console(highlight=False, soft_wrap=True, quiet=quiet)
    for spec in specs:
        with _bar(spec.name, quiet=quiet) as on_progress:
            summary = generate_dataset(spec, on_progress)
        _print_summary(console, summary)
    return 0


def verify_and_report(out: str, share: float, *, quiet: bool = False) -> int:
    """Verify a data set and print what is wrong with it.

    Args:
        out: Folder or URL of the data set.
        share: Share of samples whose labels are derived again.
        quiet: Print problems alone.

    Returns:
        Exit code: 0 if all is well, 1 if not, 3 if all is well so far but the run has not finished.
    """
    console = Console(highlight=False, soft_wrap=True, markup=False, quiet=quiet)
    folder, unfinished = Path(out), False
    with _bar("verify", quiet=quiet) as on_progress:
        if is_url(out):
            problems = verify_store(Store(out), share, open_deriver, on_progress)
        elif unfinished := is_unfinished(folder):
            n_samples, problems = verify_unfinished(folder, on_progress)
        else:
            problems = verify_folder(folder, share, open_deriver, on_progress)
    if not problems and unfinished:
        console.print(
            f"{out} holds {n_samples} samples, each whole, of a run that has not finished;"
            " repeat its `facies generate` command to resume it"
        )
        return UNFINISHED
    if not problems:
        console.print(f"{out} is whole: every byte and label is as it was made")
        return 0
    errors = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    resume = "repeat its `facies generate` command, which makes them again"
    step = resume if unfinished else next_step(problems, out)
    for problem in problems[:-1]:
        errors.print(problem)
    errors.print(f"{problems[-1]}; {step}")
    return NOT_VERIFIED


def repair_and_report(out: str, *, quiet: bool = False) -> int:
    """Repair a data set and print what was made again.

    Args:
        out: Folder or URL of the data set.
        quiet: Print nothing.

    Returns:
        Exit code 0.

    Raises:
        FaciesError: If the data set or an input of its recipe cannot be used.
    """
    with _bar("repair", quiet=quiet) as on_progress:
        if is_url(out):
            repair = repair_store(out, on_progress)
        else:
            repair = repair_dataset(Path(out), on_progress)
    console = Console(highlight=False, soft_wrap=True, markup=False, quiet=quiet)
    made = ", ".join(str(index) for index in repair.samples)
    console.print(f"made again: samples {made}" if made else "no sample was broken")
    for path in repair.changed:
        console.print(f"{path} has another checksum than the old manifest said")
    console.print(f"tables and checksums of {out} are as `facies verify` wants them")
    return 0


def export_and_report(folder: Path, to: str, labels: str | None, out: Path | None) -> int:
    """Export a data set and print where it went.

    Args:
        folder: Folder of the data set.
        to: Name of the target.
        labels: Kind of labels, None for what suits the target.
        out: New folder; None: beside the data set.

    Returns:
        Exit code 0.

    Raises:
        FaciesError: If the target is unknown or there, or the data set is not to be trusted.
    """
    with _bar(f"export to {to}") as on_progress:
        target = export_dataset(folder, to, labels, out, on_progress)
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print(f"exported to {target}; its README.md says how it is read")
    return 0


def reconstruct_and_report(source: str, path: Path, out: Path, unit: str) -> int:
    """Fit a head to a volume or scan, write the fit and print how good it is.

    Args:
        source: `ct` or `scan`.
        path: NIfTI volume or mesh.
        out: Folder for the files of the fit.
        unit: Unit of a mesh's coordinates.

    Returns:
        Exit code 0.

    Raises:
        FaciesError: If the file cannot be used or shows no head.
    """
    console = Console(highlight=False, soft_wrap=True, markup=False)
    if unit not in get_args(Unit):
        raise RecipeError(f"unit expects one of {', '.join(get_args(Unit))}, got {unit!r}")
    start = perf_counter()
    model = load_face_model()
    with Console(stderr=True).status("fitting"):
        fit = fit_ct(path, model) if source == "ct" else fit_scan(path, model, cast(Unit, unit))
        files = write_fit(fit, out)
    residuals = fit.residuals
    console.print(f"fitted in {perf_counter() - start:.1f} s, confidence {fit.confidence:.2f}")
    console.print(
        f"distance to the skin over the face: median {residuals.face_median_mm:.2f} mm,"
        f" 95 % within {residuals.face_p95_mm:.2f} mm"
    )
    console.print(f"{', '.join(file.name for file in files)} in {out}; look at overlay.png first")
    console.print(
        f"next: facies generate ct_subject subject.source=file subject.path={out / 'subject.json'}"
    )
    return 0


@contextmanager
def _bar(title: str, *, quiet: bool = False) -> Iterator[OnProgress]:
    console, pace = Console(stderr=True, quiet=quiet), Pace()
    if not console.is_terminal:
        # A log file is no place for a bar.
        yield _lines(title, console, pace)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    speed = TextColumn("{task.fields[pace]}")
    with Progress(*columns, speed, console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task(title, total=None, pace="")

        def on_progress(done: int, total: int) -> None:
            pace.mark(done)
            bar.update(task, completed=done, total=total, pace=pace.describe(total - done))

        yield on_progress


def _lines(
    title: str, console: Console, pace: Pace, clock: Callable[[], float] = perf_counter
) -> OnProgress:
    """Return what prints a line of progress now and then."""
    last = clock()

    def on_progress(done: int, total: int) -> None:
        nonlocal last
        pace.mark(done)
        if clock() - last >= LINE_EVERY_S and done < total:
            last = clock()
            text = f"{title}: {done} of {total}, {pace.describe(total - done)}"
            console.print(text.rstrip(", "), markup=False, highlight=False, soft_wrap=True)

    return on_progress


def _print_summary(console: Console, summary: Summary) -> None:
    kept = summary.n_samples - summary.n_made
    console.print(
        f"[bold]{summary.n_samples} samples[/bold] in [bold]{summary.out}[/bold]"
        + (f" ({kept} were there already)" if kept else "")
    )
    if summary.n_made:
        rate = summary.n_made / summary.sample_seconds
        processes = "process" if summary.workers == 1 else "processes"
        console.print(
            f"{summary.n_made} made in {summary.seconds:.1f} s, {rate:.1f} samples a second while"
            f" making them, in {summary.workers} {processes}"
        )
        console.print(_stages(summary))
    if summary.sheet is not None:
        console.print(f"look first at {summary.sheet}")
    else:
        console.print(
            "a shard is made; when all of them are, the same command without shard= writes the"
            " tables"
        )


def _stages(summary: Summary) -> Table:
    table = Table("stage", "ms a sample", "share", box=None, pad_edge=False)
    total = sum(summary.stage_seconds.values())
    for stage, seconds in summary.stage_seconds.items():
        each = 1000 * seconds / summary.n_made
        table.add_row(stage, f"{each:.1f}", f"{100 * seconds / total:.0f} %")
    return table
