"""The command line: `facies list | show | generate | verify | repair | export | …`.

Every mistake of a user is one sentence on stderr and exit code 2.
"""

import errno
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.markup import escape

from augment.errors import FaciesError, RecipeError
from augment.operations.interrupt import ADVICE, INTERRUPTED, leave, leave_soon_after_interrupt
from augment.operations.logs import logged_to
from augment.recipe import (
    compose_recipe,
    describe_recipe,
    expand_sweeps,
    recipe_names,
    recipe_text,
)
from augment.recipe.experiment import compose_experiment, experiment_names
from augment.recipe.face_network import compose_training, training_names

BAD_INPUT = 2
# Commands that may be left at any moment, for what they write is moved in whole.
LEFT_AT_ONCE = ("generate", "verify", "repair")

OVERRIDES_HELP = "key=value in Hydra's override grammar, for example samples=100 render.size_px=512"


class _Parser(ArgumentParser):
    """An argument parser whose errors are ours: one sentence, no usage block."""

    def error(self, message: str) -> NoReturn:
        raise RecipeError(f"{message}; `{self.prog} --help` shows how")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Words after `facies`; those of the process if None.

    Returns:
        Exit code: 0 done, 1 a data set did not verify, 2 bad input, 3 a data set is whole as far as
        its run has come, 130 interrupted.
    """
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    words = sys.argv[1:] if arguments is None else arguments
    # Only a process that is ours may be ended.
    is_left_at_once = arguments is None and bool(words) and words[0] in LEFT_AT_ONCE
    if is_left_at_once:
        leave_soon_after_interrupt()
    try:
        return _run(words)
    except FaciesError as error:
        errors.print(f"[red]error:[/red] {escape(_one_line(str(error)))}")
        return BAD_INPUT
    except OSError as error:
        errors.print(f"[red]error:[/red] {escape(_one_line(_explain(error)))}")
        return BAD_INPUT
    except MemoryError:
        errors.print(
            "[red]error:[/red] expected an input that fits into memory, got a larger one; reduce"
            " it, or ask for fewer workers"
        )
        return BAD_INPUT
    except KeyboardInterrupt:
        if is_left_at_once:
            leave()
        errors.print(ADVICE)
        return INTERRUPTED


def _one_line(text: str) -> str:
    """Return a text without line breaks or signs that a terminal would act on."""
    signs = " ".join(text.split())
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in signs)


def _run(arguments: Sequence[str]) -> int:
    # argparse takes a command's positional words only in one piece; key=value may stand anywhere.
    words, rest = _parser().parse_known_args(arguments)
    stray = [word for word in rest if word.startswith("-") or not hasattr(words, "overrides")]
    if stray:
        raise RecipeError(f"unknown argument {stray[0]!r}; `facies --help` shows how")
    if rest:
        words.overrides = [*words.overrides, *rest]
    with logged_to(getattr(words, "log", None)):
        return int(words.run(words))


def _parser() -> ArgumentParser:
    parser = _Parser(prog="facies", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="recipes at hand")
    listing.set_defaults(run=_list)

    show = commands.add_parser("show", help="a recipe with all of its values")
    show.set_defaults(run=_show)

    generate = commands.add_parser("generate", help="make a data set")
    generate.add_argument("--multirun", action="store_true", help="run every key=a,b combination")
    generate.set_defaults(run=_generate)

    experiment = commands.add_parser("experiment", help="train and score a few-shot study")
    experiment.add_argument(
        "--dry-run", action="store_true", help="print plan, runs and estimated time, do nothing"
    )
    experiment.set_defaults(run=_experiment)

    train = commands.add_parser("train", help="train the network for photographs")
    train.set_defaults(run=_train)

    for command in (show, generate, experiment, train):
        command.add_argument("recipe", help="name of the recipe, see `facies list`")
        command.add_argument("overrides", nargs="*", metavar="key=value", help=OVERRIDES_HELP)
    for command in (listing, show, generate, experiment, train):
        command.add_argument("--config-dir", type=Path, help="a folder with your own recipes")

    verify = commands.add_parser("verify", help="check every byte of a data set")
    verify.add_argument("folder", help="folder or URL of the data set")
    verify.add_argument(
        "--sample",
        type=float,
        default=0.1,
        metavar="SHARE",
        help="share of samples whose labels are derived again, 0 to 1",
    )
    verify.set_defaults(run=_verify)

    repair = commands.add_parser("repair", help="make the broken samples of a data set again")
    repair.add_argument("folder", help="folder or URL of the data set")
    repair.set_defaults(run=_repair)

    for command in (generate, verify, repair):
        command.add_argument("--quiet", action="store_true", help="print mistakes alone")
        command.add_argument(
            "--log", type=Path, metavar="FILE", help="append what happens as JSON lines"
        )

    export = commands.add_parser("export", help="write a data set for another tool")
    export.add_argument("folder", type=Path, help="folder of the data set")
    export.add_argument("--to", required=True, help="nnunet|msd|monai|coco|webdataset|bids|dicom")
    export.add_argument("--labels", help="regions|parts|pathology|labels, as the target allows")
    export.add_argument("overrides", nargs="*", metavar="out=DIR", help="new folder to write")
    export.set_defaults(run=_export)

    reconstruct = commands.add_parser("reconstruct", help="fit a healthy head to real geometry")
    reconstruct.add_argument("source", choices=("ct", "scan", "photo"), help="what is at hand")
    reconstruct.add_argument(
        "input", nargs="+", help="NIfTI (ct), OBJ, PLY, STL (scan), pictures of one person (photo)"
    )
    reconstruct.add_argument(
        "overrides",
        nargs="*",
        metavar="key=value",
        help="out=DIR where to write; unit=mm|cm|m|inch of a scan",
    )
    reconstruct.add_argument(
        "--all", action="store_true", help="every face of a photograph, not the largest alone"
    )
    reconstruct.set_defaults(run=_reconstruct)

    measure = commands.add_parser("measure", help="clinical measures of a landmarked mesh")
    measure.add_argument("mesh", type=Path, help="OBJ, PLY or STL of a head")
    measure.add_argument(
        "overrides",
        nargs="*",
        metavar="key=value",
        help="landmarks=FILE.csv with name, x, y, z in mm; out=FILE.csv where to write",
    )
    measure.set_defaults(run=_measure)

    atlas = commands.add_parser("atlas", help="one page a pathology: grades, views, motion, CT")
    atlas.add_argument("names", nargs="*", help="names of pathologies; all if none is given")
    atlas.add_argument("--out", type=Path, default=Path("out/atlas"), help="folder of the pages")
    atlas.add_argument("--no-ct", action="store_true", help="leave out the slices, which take long")
    atlas.set_defaults(run=_atlas)
    return parser


def _list(words: Namespace) -> int:
    console = Console(soft_wrap=True, highlight=False)
    found = [names(words.config_dir) for names in (recipe_names, experiment_names, training_names)]
    names = {name: text for group in found for name, text in group.items()}
    for name, text in names.items():
        first = text.splitlines()[0].lstrip("# ") if text else ""
        console.print(f"[bold]{escape(name)}[/bold]  {escape(first)}")
    return 0


def _show(words: Namespace) -> int:
    console = Console(soft_wrap=True, highlight=False, markup=False)
    opening = [
        line
        for line in recipe_text(words.recipe, words.config_dir).splitlines()
        if line.startswith("#")
    ]
    console.print("\n".join(opening))
    spec = compose_recipe(words.recipe, words.overrides, words.config_dir, partial=True)
    console.print(describe_recipe(spec), end="")
    return 0


def _generate(words: Namespace) -> int:
    from augment.commands.report import generate_and_report

    jobs = expand_sweeps(words.overrides) if words.multirun else [words.overrides]
    specs = [compose_recipe(words.recipe, job, words.config_dir) for job in jobs]
    if len({spec.out for spec in specs}) < len(specs):
        specs = [replace(spec, out=f"{spec.out}/{number}") for number, spec in enumerate(specs)]
    return generate_and_report(specs, quiet=words.quiet)


def _experiment(words: Namespace) -> int:
    spec = compose_experiment(words.recipe, words.overrides, words.config_dir)
    from augment.segmentation.study import describe_plan, run_study

    console = Console(soft_wrap=True, highlight=False, markup=False)
    if words.dry_run:
        for line in describe_plan(spec):
            console.print(line)
        return 0
    out = run_study(spec, console.print)
    if spec.shard is not None:
        console.print(
            f"shard {spec.shard} is done; when all are, the same command without shard writes the"
            " report"
        )
        return 0
    report = out / "report.html"
    found = f"look first at {report}" if report.is_file() else "without `real`, nothing to compare"
    console.print(f"{found}; every score stands in {out / 'metrics.csv'}")
    return 0


def _train(words: Namespace) -> int:
    spec = compose_training(words.recipe, words.overrides, words.config_dir)
    from augment.face_training.run import run_training

    console = Console(soft_wrap=True, highlight=False, markup=False)
    run_training(spec, console.print)
    return 0


def _verify(words: Namespace) -> int:
    from augment.commands.report import verify_and_report

    return verify_and_report(words.folder, words.sample, quiet=words.quiet)


def _repair(words: Namespace) -> int:
    from augment.commands.report import repair_and_report

    return repair_and_report(words.folder, quiet=words.quiet)


def _export(words: Namespace) -> int:
    from augment.commands.report import export_and_report

    out = None
    for text in words.overrides:
        key, _, value = text.partition("=")
        if key != "out" or not value:
            raise RecipeError(f"export expects out=DIR, got {text!r}")
        out = Path(value)
    return export_and_report(words.folder, words.to, words.labels, out)


def _reconstruct(words: Namespace) -> int:
    from augment.commands.portrait import photographs_and_report
    from augment.commands.report import reconstruct_and_report

    texts = [*words.input, *words.overrides]
    paths = [Path(text) for text in texts if "=" not in text or Path(text).exists()]
    settings = {"out": f"out/{paths[0].name.split('.')[0]}" if paths else "out", "unit": "mm"}
    for text in texts:
        key, found, value = text.partition("=")
        if Path(text) in paths:
            continue
        if not found or key not in settings:
            raise RecipeError(f"reconstruct expects out=DIR or unit=mm|cm|m|inch, got {text!r}")
        settings[key] = value
    out = Path(settings["out"])
    if words.source == "photo":
        return photographs_and_report(paths, out, words.all)
    if len(paths) != 1:
        raise RecipeError(f"reconstruct {words.source} expects one file, got {len(paths)}")
    return reconstruct_and_report(words.source, paths[0], out, settings["unit"])


def _measure(words: Namespace) -> int:
    from augment.commands.measure import measure_and_report

    settings: dict[str, Path | None] = {"landmarks": None, "out": None}
    for text in words.overrides:
        key, found, value = text.partition("=")
        if not found or key not in settings:
            raise RecipeError(f"measure expects landmarks=FILE or out=FILE, got {text!r}")
        settings[key] = Path(value)
    return measure_and_report(words.mesh, settings["landmarks"], settings["out"])


def _atlas(words: Namespace) -> int:
    from augment.commands.atlas import write_atlas

    return write_atlas(words.names, words.out, not words.no_ct)


def _explain(error: OSError) -> str:
    where = f" '{error.filename}'" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return (
            f"the disk is full{where}; finished samples are kept, make room and repeat the"
            " same command"
        )
    reason = (error.strerror or str(error)).lower()
    return f"cannot use{where or ' a file'}: {reason}"


if __name__ == "__main__":
    sys.exit(main())
