import numpy as np
import pytest
import torch

from augment.errors import RecipeError
from augment.morphable import load_face_model
from augment.morphable.prior import PriorSpec, draw_subject
from augment.morphable.regions import REGION_ID, REGIONS
from augment.pathology import PATHOLOGIES, PathologyBasis, Request, find_pathology, solve_case
from augment.pathology.dynamic import lost_expression
from augment.pathology.limits import MIN_JACOBIAN, inverted_triangles
from augment.sample import Subject
from augment.streams import stream

# What the project promises: |measured - requested| in the measure's unit.
SEVERITY_TOLERANCE = 0.05
OUTSIDE_RMS_MM = 0.05
# A few pairs of template vertices are mirror images only to some hundredths of a millimetre.
MIRROR_MM = 0.1
EVERY = [(entry.name, side) for entry in PATHOLOGIES.values() for side in (entry.sides or (None,))]


@pytest.fixture(scope="module")
def basis():
    return PathologyBasis(load_face_model())


def subject(basis, k=0, **spec):
    return draw_subject(basis.model, stream(11, k, "subject"), PriorSpec(**spec))


def patient(basis, name, k=0):
    """Return a subject of an age at which the pathology is measured."""
    low, high = PATHOLOGIES[name].ages
    years = (max(low, 0.3), min(high, 1.5)) if high < 10 else (max(low, 18.0), min(high, 80.0))
    return subject(basis, k, age_years=years)


def moderate(name):
    grade = PATHOLOGIES[name].grades[1]
    return (grade.low + grade.high) / 2


@pytest.mark.parametrize(("name", "side"), EVERY)
def test_the_measure_on_the_generated_head_is_what_was_asked_for(basis, name, side):
    for k in range(3):
        case = solve_case(basis, patient(basis, name, k), [Request(name, moderate(name), side)])
        (solved,) = case.pathologies
        assert solved.measured == pytest.approx(moderate(name), abs=SEVERITY_TOLERANCE)
        assert solved.grade == "moderate"
        assert inverted_triangles(case.healthy_mm, case.pathological_mm, basis.exposed_faces) == 0


@pytest.mark.parametrize(("name", "side"), EVERY)
def test_the_measure_moves_strictly_with_the_coefficient(basis, name, side):
    from augment.pathology.solve import _Problem, healthy_vertices

    someone = patient(basis, name)
    problem = _Problem(
        basis, someone, healthy_vertices(basis.model, someone), [Request(name, 1.0, side)]
    )
    values = [
        problem.measure(np.array([c]))[0]
        for c in np.linspace(0.0, problem.columns[0].limits[1], 40)
    ]
    steps = np.diff(values)
    assert (steps > 0).all() or (steps < 0).all()


def vertex_regions(model):
    """Return every region that a vertex touches, by name without side."""
    size = model.region_map.shape[0]
    corner = model.uv[model.uv_faces].numpy().reshape(-1, 2)
    texel = np.clip((np.stack([1 - corner[:, 1], corner[:, 0]], 1) * size).astype(int), 0, size - 1)
    region = model.region_map.numpy()[texel[:, 0], texel[:, 1]]
    found = [set() for _ in range(model.n_vertices)]
    for vertex, number in zip(model.faces.numpy().ravel(), region, strict=True):
        found[vertex].add(REGIONS[number].removesuffix("_left").removesuffix("_right"))
    return found


@pytest.mark.parametrize(("name", "side"), EVERY)
def test_nothing_moves_outside_the_stated_region(basis, name, side):
    entry = PATHOLOGIES[name]
    severest = basis.column(entry, side).limits[1]
    motion = np.linalg.norm(basis.column(entry, side).vertices, axis=1) * severest
    touched = vertex_regions(basis.model)
    outside = np.array([bool(names) and not names & set(entry.region) for names in touched])
    assert outside.any()
    assert np.sqrt((motion[outside] ** 2).mean()) <= OUTSIDE_RMS_MM
    assert set(entry.region) <= {r.removesuffix("_left").removesuffix("_right") for r in REGION_ID}


@pytest.mark.parametrize("name", [name for name, side in EVERY if side == "left"])
def test_the_other_side_of_the_mirrored_head_gives_the_mirror_image(basis, name):
    right = patient(basis, name, 3)
    mirrored = basis.model.mirrored(torch.as_tensor(right.identity)[None].float())[0].numpy()
    left = Subject(identity=mirrored.astype(np.float64), sex=right.sex)
    one = solve_case(basis, right, [Request(name, moderate(name), "right")])
    other = solve_case(basis, left, [Request(name, moderate(name), "left")])
    image = one.offset_mm[basis.model.mirror_vertex.numpy()] * [-1, 1, 1]
    np.testing.assert_allclose(other.offset_mm, image, atol=MIRROR_MM)
    assert np.sqrt(np.mean((other.offset_mm - image) ** 2)) < MIRROR_MM / 20


def test_two_pathologies_hold_together(basis):
    requests = [Request("chin_deviation", 6.0, "left"), Request("mandibular_prognathism", 4.0)]
    requests += [Request("cheek_swelling", 15.0, "right"), Request("hypertelorism", 33.0)]
    case = solve_case(basis, subject(basis, 1), requests)
    for request, solved in zip(requests, case.pathologies, strict=True):
        assert solved.measured == pytest.approx(request.severity, abs=SEVERITY_TOLERANCE)
    assert not any(
        key.startswith(("chin", "mandibular_prog", "cheek", "hyper")) for key in case.drift
    )


def test_swollen_bone_does_not_move_and_the_jaw_moves_with_its_teeth(basis):
    swelling = basis.column(PATHOLOGIES["cheek_swelling"], "right")
    assert not swelling.points[basis.anchors.n_skin :].any()
    teeth = basis.model.part_vertices("teeth_lower").numpy()
    jaw = basis.column(PATHOLOGIES["mandibular_prognathism"], None)
    assert jaw.vertices[teeth, 1].max() > 0.5
    assert not basis.column(PATHOLOGIES["hypertelorism"], None).vertices[teeth].any()


def test_no_request_gives_the_healthy_head(basis):
    case = solve_case(basis, subject(basis), [])
    assert not case.offset_mm.any()
    assert all(change == 0 for change in case.drift.values())


def test_an_impossible_request_names_the_strongest_possible(basis):
    with pytest.raises(
        RecipeError,
        match=r"crooked_nose: .* of 60 deg would fold this head; the strongest possible",
    ):
        solve_case(basis, subject(basis), [Request("crooked_nose", 60.0, "left")])


def test_the_named_strongest_value_is_possible(basis):
    with pytest.raises(RecipeError) as caught:
        solve_case(basis, subject(basis), [Request("zygomatic_depression", 80.0, "left")])
    strongest = float(str(caught.value).split()[-2])
    solve_case(basis, subject(basis), [Request("zygomatic_depression", strongest - 0.2, "left")])


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request("zygomatic_depresion", 3.0, "left"), "did you mean 'zygomatic_depression'"),
        (
            Request("chin_deviation", 5.0),
            "chin_deviation needs a side, one of left, right, got None",
        ),
        (Request("hypertelorism", 35.0, "left"), "hypertelorism has no side, got side='left'"),
        (Request("cheek_swelling", -1.0, "left"), "severity must be 0 cm3 or more, got -1.0"),
        (
            Request("hypertelorism", 35.0, unit="deg"),
            "severity is bony interorbital distance in mm, got 'deg': give it in mm",
        ),
    ],
)
def test_wrong_requests_are_told_in_one_sentence(basis, request_, message):
    with pytest.raises(RecipeError, match=message):
        solve_case(basis, subject(basis), [request_])


@pytest.mark.parametrize(("name", "side"), EVERY)
def test_fields_keep_the_volume_upright_within_their_limits(basis, name, side):
    # Naive twin of the limit: finite differences at random points, at the limits and inside them.
    column = basis.column(PATHOLOGIES[name], side)
    points = np.random.default_rng(0).uniform([-90, -110, -140], [90, 110, 130], size=(4000, 3))
    depth = np.full(len(points), 40.0)
    step = 1e-3
    gradient = np.stack(
        [
            (
                column.deformation.displacement(points + d, depth)
                - column.deformation.displacement(points - d, depth)
            )
            / (2 * step)
            for d in np.eye(3) * step
        ],
        axis=-1,
    )
    for limit in column.limits:
        determinant = np.linalg.det(np.eye(3) + limit * gradient)
        assert determinant.min() > MIN_JACOBIAN - 0.08  # points between the lattice's


def test_every_entry_states_its_grades_in_order_with_a_source():
    for entry in PATHOLOGIES.values():
        assert find_pathology(entry.name) is entry
        assert [grade.name for grade in entry.grades] == ["mild", "moderate", "severe"]
        assert all(grade.low < grade.high for grade in entry.grades)
        assert entry.source
        assert entry.unit in ("mm", "deg", "cm2", "cm3", "percent", "ratio", "SD")
        assert entry.ages[0] < entry.ages[1]


def test_an_infants_measure_refuses_an_adult(basis):
    with pytest.raises(RecipeError, match=r"sagittal_synostosis is measured at 0 to 3 years, got"):
        solve_case(basis, subject(basis), [Request("sagittal_synostosis", 70.0)])


def test_a_palsied_side_does_not_follow_a_smile(basis):
    case = solve_case(basis, subject(basis), [Request("facial_palsy", 80.0, "right")])
    (solved,) = case.pathologies
    names = basis.model.expression_names
    smile = np.array([float(name.startswith("mouthSmile")) for name in names])
    entry = PATHOLOGIES["facial_palsy"]
    lost = lost_expression(basis, [(entry, "right", solved.coefficient)], smile)
    moved = basis.anchors.skin(basis.smile + lost)
    row = {name: k for k, name in enumerate(basis.anchors.names)}
    excursion = np.linalg.norm(moved, axis=1)
    right, left = excursion[row["cheilion_right"]], excursion[row["cheilion_left"]]
    assert right / left == pytest.approx(0.2, abs=1e-3)
    jaw = np.array([float(name == "jawOpen") for name in names])
    assert not lost_expression(basis, [(entry, "right", solved.coefficient)], jaw).any()


def test_a_defect_removes_bone_and_moves_none(basis):
    column = basis.column(PATHOLOGIES["cranial_defect"], "left")
    assert not column.points[basis.anchors.n_skin :].any()
    case = solve_case(basis, subject(basis), [Request("cranial_defect", 60.0, "left")])
    # The scalp sinks by 11 % of the half height of the outline, here of a disc of 60 cm2 at most.
    sunken = np.linalg.norm(case.offset_mm, axis=1).max()
    assert 2.0 < sunken < 0.11 * np.sqrt(6000.0 / np.pi)


def test_associated_changes_come_along_only_when_asked_for(basis):
    plain = solve_case(basis, subject(basis), [Request("zygomatic_depression", 5.0, "left")])
    more = Request("zygomatic_depression", 5.0, "left", associated=True)
    both = solve_case(basis, subject(basis), [more])
    globe = basis.model.part_vertices("eye_left").numpy()
    lowered = both.offset_mm[globe, 2].mean() - plain.offset_mm[globe, 2].mean()
    assert lowered < -0.5
    assert both.pathologies[0].measured == pytest.approx(5.0, abs=SEVERITY_TOLERANCE)
