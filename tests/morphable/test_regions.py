import numpy as np

from augment.morphable import load_face_model
from augment.morphable.regions import REGION_ID, REGIONS


def at_landmark(name):
    model = load_face_model()
    row = model.landmark_rows((name,))[0]
    uv = (
        (
            model.uv[model.uv_faces[model.landmark_triangle[row]]]
            * model.landmark_weights[row][:, None]
        )
        .sum(0)
        .numpy()
    )
    size = model.region_map.shape[0]
    return REGIONS[int(model.region_map[int((1 - uv[1]) * size), int(uv[0] * size)])]


def test_the_table_is_closed_and_left_stands_one_before_right():
    assert len(REGIONS) == len(set(REGIONS)) <= 256
    for name in REGIONS:
        if name.endswith("_right"):
            assert REGION_ID[name.replace("_right", "_left")] == REGION_ID[name] - 1


def test_landmarks_lie_in_their_regions():
    assert at_landmark("pronasale") == "nasal_tip"
    assert at_landmark("malare_right") == "malar_right"
    assert at_landmark("malare_left") == "malar_left"
    assert at_landmark("pogonion") == "chin"
    assert at_landmark("vertex") == "scalp"
    assert at_landmark("buccale_left") == "buccal_left"
    assert at_landmark("glabella") == "glabella"
    assert at_landmark("gonion_right") in ("mandibular_border_right", "masseteric_right")


def test_left_and_right_have_the_same_area():
    counts = np.bincount(load_face_model().region_map.numpy().ravel(), minlength=len(REGIONS))
    for name in ("malar", "brow", "nasal_ala", "buccal", "ear", "temple"):
        left, right = counts[REGION_ID[f"{name}_left"]], counts[REGION_ID[f"{name}_right"]]
        assert left > 0
        assert abs(left - right) < 0.04 * left
