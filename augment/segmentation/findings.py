"""What was found, in words: gain and harm with number and interval, from the comparisons alone."""

from collections.abc import Iterable, Mapping, Sequence

from augment.segmentation.comparison import CASE_MARGIN, Comparison
from augment.segmentation.efficiency import Worth
from augment.segmentation.score_table import COMPETITORS, SELECTED

SUBJECTS = {
    "synthetic": "Synthetic data alone, without one real label,",
    "pretrain": "Synthetic pre-training",
    "mix": "Mixing synthetic cases into every batch",
    "anchored": "Training on deformed copies of the real cases",
    "selected": "The arm chosen by cross-validation",
    "carvemix": "CarveMix",
    "primitives": "Pre-training on geometric primitives",
}
VERBS = {
    False: {1: "raises", -1: "lowers", 0: "does not clearly change"},
    True: {1: "exceeds", -1: "falls below", 0: "is not clearly apart from"},
}
"""What an interval above, below and around 0 is called; True for an arm without a real case."""
MINUS = "\N{MINUS SIGN}"


def headline_arm(comparisons: Sequence[Comparison]) -> str:
    """Return the arm that the report speaks of first.

    It is the selected arm where that was run, for it was chosen without the cases of the report;
    else the arm of ours with the best mean difference, which is chosen on them (and said so).

    Args:
        comparisons: At least one.

    Returns:
        Its name.
    """
    arms = {item.arm for item in comparisons}
    if SELECTED in arms:
        return SELECTED
    ours = (arms - set(COMPETITORS)) or arms
    means = {}
    for arm in ours:
        changes = [item.difference.value for item in comparisons if item.arm == arm]
        means[arm] = sum(changes) / len(changes)
    return max(sorted(means), key=lambda arm: means[arm])


def first_sentence(comparisons: Sequence[Comparison]) -> str:
    """Say what the headline arm does: every gain, every harm, and what is not clear.

    Args:
        comparisons: All comparisons of the report, at least one.

    Returns:
        One sentence, in points of the mean Dice with 95 % intervals.
    """
    arm = headline_arm(comparisons)
    return describe_arm([item for item in comparisons if item.arm == arm])


def describe_arm(comparisons: Sequence[Comparison]) -> str:
    """Say what one arm does to the mean Dice, at every number of real cases.

    Args:
        comparisons: Those of one arm, at least one.

    Returns:
        One sentence. "Raises" and "lowers" are said where the whole interval lies on one side.
    """
    ordered = sorted(comparisons, key=lambda item: (item.n, item.n_real))
    clauses: list[str] = []
    for direction, verb in VERBS[ordered[0].n == 0].items():
        members = [item for item in ordered if item.difference.direction == direction]
        if members:
            what = "" if ordered[0].n == 0 else "it " if clauses else "the mean Dice "
            parts = [
                _clause(item, is_first=not clauses and i == 0) for i, item in enumerate(members)
            ]
            clauses.append(f"{verb} {what}{_listed(parts)}")
    arm = ordered[0].arm
    return f"{SUBJECTS.get(arm, f'The arm {arm}')} {_listed(clauses, last=', and ')}."


def _clause(item: Comparison, is_first: bool) -> str:
    """Return `at n = 1 by 8.1 points (95 % 5.2 to 11.0)`."""
    where = f"at n = {item.n}" if item.n else count_of_cases(item.n_real)
    change = item.difference
    unit, level = (" points", "95 % ") if is_first else ("", "")
    if change.direction == 0:
        interval = f"{level}{points(change.low)} to {points(change.high)}"
        return f"{where} ({signed_points(change.value)}{unit}, {interval})"
    value, low, high = change.value, change.low, change.high
    if change.direction < 0:
        value, low, high = -value, -high, -low
    return f"{where} by {points(value)}{unit} ({level}{points(low)} to {points(high)})"


def harm_paragraph(comparisons: Sequence[Comparison]) -> str:
    """Say which arms harm, in the mean and in single classes.

    Args:
        comparisons: All comparisons of the report.

    Returns:
        A paragraph; it also says so where no harm is clear.
    """
    # An arm without a real case takes nothing away from anybody's n cases.
    comparisons = [item for item in comparisons if item.n > 0]
    if not comparisons:
        return "Harm: not measured, for no arm used real cases together with other data."
    harmed = [item for item in comparisons if item.difference.direction < 0]
    classes = [
        (item, label, change)
        for item in comparisons
        for label, change in item.by_class.items()
        if change.direction < 0
    ]
    sentences = []
    if harmed:
        worst = sorted(harmed, key=lambda item: item.difference.value)
        sentences.append(
            f"Harm: {len(harmed)} of {len(comparisons)} comparisons lower the mean Dice clearly: "
            + _listed([f"{_name(c)} ({signed_points(c.difference.value)})" for c in worst])
            + "."
        )
    else:
        sentences.append(
            f"Harm: none of {len(comparisons)} comparisons lowers the mean Dice clearly."
        )
    if classes:
        classes.sort(key=lambda entry: entry[2].value)
        sentences.append(
            "Single classes lose most in "
            + _listed(
                [f"{label} ({_name(c)}: {signed_points(d.value)})" for c, label, d in classes[:3]]
            )
            + f"; {len(classes)} pairs of comparison and class lose clearly."
        )
    lost = [(item, name) for item in comparisons for name in item.lost]
    if lost:
        item, name = min(lost, key=lambda pair: pair[0].by_case[pair[1]])
        sentences.append(
            f"The largest loss of a single case is {signed_points(item.by_case[name])} points (case"
            f" {name}, {_name(item)})."
        )
    return " ".join(sentences)


def worth_sentence(arm: str, worth: Mapping[tuple[str, int], Worth]) -> str:
    """Say how many real cases the headline arm is worth, or nothing where that is unknown."""
    own = {n: item for (name, n), item in sorted(worth.items()) if name == arm}
    if not own:
        return ""
    parts = [f"{item} when given {n or 'none'}" for n, item in own.items()]
    return f"In real labelled cases it is worth {_listed(parts)}."


def method_paragraph(comparisons: Sequence[Comparison], n_cases: int) -> str:
    """Say how the numbers were made, and what they cannot show."""
    arm = headline_arm(comparisons)
    n_arms = len({item.arm for item in comparisons})
    chosen = (
        "It was chosen without the cases reported here."
        if arm == SELECTED
        else f"It is the best of {n_arms} on these very cases, so its gain is told a little high."
        if n_arms > 1
        else ""
    )
    seeds = sorted({item.n_seeds for item in comparisons})
    return (
        f"{chosen} Differences are paired by case and seed over {n_cases} cases and"
        f" {_listed([str(count) for count in seeds], last=' or ')} seeds; 1 point is 0.01 Dice."
    ).strip()


def count_of_cases(n: int) -> str:
    """Return `1 real case` or `12 real cases`."""
    return f"{n} real case" if n == 1 else f"{n} real cases"


def points(value: float) -> str:
    """Return a Dice as points with one decimal and a true minus sign."""
    text = f"{abs(100 * value):.1f}"
    return f"{MINUS}{text}" if 100 * value <= -0.05 else text


def signed_points(value: float) -> str:
    """Return a Dice difference as points, always with its sign."""
    text = points(value)
    return text if text.startswith(MINUS) else f"+{text}"


def gained_and_lost(item: Comparison) -> str:
    """Say how many cases moved by more than the margin: `9 gained, 1 lost of 18`."""
    return f"{len(item.gained)} gained, {len(item.lost)} lost of {len(item.by_case)}"


def margin_points() -> str:
    """Return the margin beyond which a case counts as gained or lost."""
    return f"{100 * CASE_MARGIN:.0f} point"


def _name(item: Comparison) -> str:
    return f"{item.arm}, n = {item.n}"


def _listed(parts: Iterable[str], last: str = " and ") -> str:
    *first, end = parts
    return f"{', '.join(first)}{last}{end}" if first else end
