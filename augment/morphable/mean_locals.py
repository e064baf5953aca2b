"""Means of the prior's local changes: what makes an average MakeHuman head an average patient's.

In: sex and age. Out: the mean of each local change (a MakeHuman slider, -1 to 1).
"""

# The heads that the model's modes are made from are drawn about these. Apart from what subjects are
# drawn about, so that a better calibration changes no coefficient, nor what was trained on them.
OF_MODES = {
    "male": {
        "chin-prognathism-incr": 0.45,
        "mouth-trans-forward": -0.15,
        "chin-height-incr": 0.33,
        "chin-bones-incr": -0.21,
        "eye-corner1-up": 0.05,
        "eye-scale-incr": 0.55,
        "eye-trans-out": -0.18,
        "head-scale-vert-incr": 0.15,
        "head-fat-incr": -0.45,
        "head-back-scale-depth-incr": -0.46,
        "head-scale-depth-incr": -0.29,
        "head-scale-horiz-incr": -0.06,
        "mouth-scale-horiz-incr": 0.31,
        "mouth-trans-up": -0.07,
        "nose-flaring-incr": -0.08,
        "nose-scale-depth-incr": 0.33,
        "nose-scale-vert-incr": -0.18,
        "nose-scale-horiz-incr": -0.31,
        "nose-trans-up": 0.06,
        "nose-nostrils-width-incr": -0.16,
    },
    "female": {
        "chin-prognathism-incr": 0.45,
        "mouth-trans-forward": -0.15,
        "cheek-volume-incr": -0.08,
        "chin-jaw-drop-incr": -0.06,
        "chin-height-incr": 0.18,
        "chin-bones-incr": -0.49,
        "eye-corner1-up": 0.14,
        "eye-scale-incr": 0.6,
        "eye-corner2-up": -0.04,
        "eye-trans-out": 0.06,
        "head-scale-vert-incr": -0.06,
        "head-fat-incr": -0.6,
        "head-back-scale-depth-incr": -0.43,
        "head-scale-depth-incr": -0.25,
        "head-scale-horiz-incr": -0.22,
        "mouth-scale-horiz-incr": 0.22,
        "mouth-trans-up": -0.07,
        "nose-flaring-incr": -0.11,
        "nose-scale-depth-incr": 0.4,
        "nose-scale-vert-incr": -0.22,
        "nose-scale-horiz-incr": -0.41,
        "nose-nostrils-width-incr": -0.21,
    },
}

# Young adults are drawn about these: benchmarks/morphable/calibrate.py solved them so that means of
# European ancestry meet Farkas (Anthropometry of the Head and Face, 1994) and, in profile, Steiner
# (Am J Orthod 1953;39:729); the mouth's width is that of parted lips.
# benchmarks/pathology/controls.md shows how near they come.
OF_ADULTS = {
    "male": {
        "chin-prognathism-incr": 0.45,
        "mouth-trans-forward": -0.33,
        "chin-height-incr": 0.24,
        "chin-bones-incr": -0.17,
        "eye-corner1-up": -0.19,
        "eye-scale-incr": 0.55,
        "eye-trans-out": -0,
        "head-scale-vert-incr": 0.11,
        "head-fat-incr": -0.67,
        "head-back-scale-depth-incr": -0.56,
        "head-scale-depth-incr": -0.33,
        "head-scale-horiz-incr": -0.11,
        "mouth-scale-horiz-incr": 0.19,
        "mouth-trans-up": 0.32,
        "nose-flaring-incr": -0.12,
        "nose-scale-depth-incr": 0.44,
        "nose-scale-vert-incr": -0.18,
        "nose-scale-horiz-incr": -0.23,
        "nose-trans-up": 0.18,
        "nose-nostrils-width-incr": -0.05,
        "cheek-bones-incr": -0.12,
        "cheek-volume-incr": -0.04,
        "chin-jaw-drop-incr": -0.03,
        "chin-width-incr": 0.09,
        "eye-corner2-up": -0.1,
    },
    "female": {
        "chin-prognathism-incr": 0.7,
        "mouth-trans-forward": -0.1,
        "cheek-volume-incr": -0.24,
        "chin-jaw-drop-incr": -0.04,
        "chin-height-incr": 0.04,
        "chin-bones-incr": -0.51,
        "eye-corner1-up": -0.2,
        "eye-scale-incr": 0.6,
        "eye-corner2-up": -0.21,
        "eye-trans-out": 0.2,
        "head-scale-vert-incr": -0.13,
        "head-fat-incr": -0.67,
        "head-back-scale-depth-incr": -0.62,
        "head-scale-depth-incr": -0.37,
        "head-scale-horiz-incr": -0.27,
        "mouth-scale-horiz-incr": 0.16,
        "mouth-trans-up": -0.4,
        "nose-flaring-incr": -0.14,
        "nose-scale-depth-incr": 0.14,
        "nose-scale-vert-incr": -0.7,
        "nose-scale-horiz-incr": -0.3,
        "nose-nostrils-width-incr": -0.26,
        "cheek-bones-incr": -0.13,
        "chin-width-incr": -0.01,
        "nose-trans-up": 0.09,
    },
}
GROWN_YEARS = (1.0, 18.0)
"""Ages between which the calibration to adults sets in."""


def mean_locals(sex: str, age_years: float) -> dict[str, float]:
    """Return the mean of local changes at an age; those that are not named have a mean of 0."""
    first, last = GROWN_YEARS
    grown = min(max((age_years - first) / (last - first), 0.0), 1.0)
    modes, adults = OF_MODES[sex], OF_ADULTS[sex]
    return {
        name: (1.0 - grown) * modes.get(name, 0.0) + grown * adults.get(name, 0.0)
        for name in (*modes, *(name for name in adults if name not in modes))
    }
