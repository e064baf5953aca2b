"""Series: the frames of one case in order, each a sample of its own.

Sample k of a recipe with `series.times` is frame k mod n of case k // n. All frames of a case share
every draw: head, appearance, camera, side, full severity; only time goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from augment.pathology import Case, PathologyBasis, Request, solve_case
from augment.pathology.course import COURSES, Course
from augment.recipe import RecipeSpec
from augment.sample import Subject

MONTHS = 12.0


@dataclass(frozen=True)
class Frame:
    """Which frame of which case a sample is.

    Attributes:
        case: Number of the case; draws depend on it.
        time: Time of the frame in the course's unit, None without a series.
        course: The course, None without a series.
    """

    case: int
    time: float | None = None
    course: Course | None = None

    @property
    def share(self) -> float:
        """Share of the full severity's departure from the healthy value."""
        return 1.0 if self.course is None or self.time is None else self.course.share(self.time)


def frame_of(spec: RecipeSpec, index: int) -> Frame:
    """Return which frame of which case sample `index` is."""
    if spec.series.course == "none":
        return Frame(index)
    case, number = divmod(index, len(spec.series.times))
    return Frame(case, spec.series.times[number], COURSES[spec.series.course])


def at_age(spec: RecipeSpec, frame: Frame) -> RecipeSpec:
    """Return the recipe with subjects of the frame's age, where the head grows."""
    if frame.course is None or frame.time is None or not frame.course.grows:
        return spec
    years = (frame.time / MONTHS,) * 2
    return replace(spec, subject=replace(spec.subject, age_years=years))


def fullest(spec: RecipeSpec, frame: Frame) -> Frame:
    """Return the frame at which a case is at its fullest: its draws must fit together there."""
    if frame.course is None:
        return frame
    return replace(frame, time=max(spec.series.times, key=frame.course.share))


def frame_case(
    basis: PathologyBasis, subject: Subject, requests: Sequence[Request], frame: Frame
) -> Case:
    """Solve the requests of a case at the time of a frame.

    Each severity goes from the subject's own healthy value a share of the way to what was asked
    for, and never below 0, which no request may be.

    Args:
        basis: Pathology columns of the model.
        subject: The healthy subject at that time.
        requests: What the case has at its fullest.
        frame: The frame.

    Raises:
        RecipeError: If a request is impossible.
    """
    full = solve_case(basis, subject, list(requests))
    if frame.share == 1.0:
        return full
    eased = [
        replace(
            request,
            severity=max(solved.healthy + frame.share * (request.severity - solved.healthy), 0.0),
        )
        for request, solved in zip(requests, full.pathologies, strict=True)
    ]
    return solve_case(basis, subject, eased)
