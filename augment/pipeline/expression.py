"""Drawing expressions and gaze: what a photographed face does besides being there."""

import numpy as np
from jaxtyping import Float

# Facial actions that go together; a name without a side stands for the action of both sides.
MOODS: dict[str, dict[str, float]] = {
    "smile": {"mouthSmile": 0.8, "cheekSquint": 0.4, "eyeSquint": 0.3},
    "laugh": {"mouthSmile": 0.9, "cheekSquint": 0.6, "eyeSquint": 0.5, "jawOpen": 0.3},
    "surprise": {"browInnerUp": 0.9, "browOuterUp": 0.9, "eyeWide": 0.8, "jawOpen": 0.35},
    "anger": {"browDown": 0.9, "eyeSquint": 0.4, "mouthPress": 0.6, "noseSneer": 0.4},
    "sadness": {"browInnerUp": 0.8, "mouthFrown": 0.9, "mouthShrugLower": 0.4},
    "disgust": {"noseSneer": 0.9, "mouthUpperUp": 0.6, "browDown": 0.4, "eyeSquint": 0.4},
    "speech": {"jawOpen": 0.25, "mouthFunnel": 0.5, "mouthLowerDown": 0.3},
    "pucker": {"mouthPucker": 0.9},
    "doubt": {"mouthPress": 0.4, "browOuterUp": 0.6, "mouthShrugUpper": 0.4},
    "squint": {"eyeSquint": 0.9, "cheekSquint": 0.5, "browDown": 0.3},
    "closed eyes": {"eyeBlink": 1.0},
    "open mouth": {"jawOpen": 0.7},
}
SIDES = ("Left", "Right")
# Eyes are closed in few photographs; the other moods share the rest evenly.
CLOSED_EYES_SHARE = 0.05
# Healthy faces move a little unevenly; our choice, seen in no table.
SIDE_SPREAD = 0.08
# Saccades in conversation stay within about 15 degrees (Bahill et al., Invest Ophthalmol 1975).
GAZE_SD_DEG = 6.0
GAZE_LIMIT_DEG = 18.0
# Height of the palpebral fissure of adults: 10.8 mm, SD 1.2 (Farkas 1994). The model's neutral lids
# leave 9.3 mm, SD 0.8 between heads; a full action of the lids changes that by so much.
FISSURE_MM, FISSURE_SD_MM, FISSURE_LIMIT_MM = 10.8, 0.9, 2.2
NEUTRAL_FISSURE_MM, WIDE_MM, BLINK_MM = 9.3, 3.4, 11.6


def draw_expression(
    rng: np.random.Generator, names: tuple[str, ...], strength: float
) -> Float[np.ndarray, " actions"]:
    """Draw the coefficients of one expression.

    Args:
        rng: Stream of the expression.
        names: Names of the facial actions of the model.
        strength: 0 is neutral, 1 reaches full actions.

    Returns:
        One coefficient an action, 0 to 1.
    """
    coefficients = np.zeros(len(names))
    if strength == 0:
        return coefficients
    row = {name: number for number, name in enumerate(names)}
    moods = [mood for mood in MOODS if mood != "closed eyes"]
    is_closed = rng.random() < CLOSED_EYES_SHARE
    mood = "closed eyes" if is_closed else moods[int(rng.integers(len(moods)))]
    amount = strength * rng.uniform(0.15, 1.0)
    for action, share in MOODS[mood].items():
        sides = [action] if action in row else [action + side for side in SIDES]
        for name in sides:
            coefficients[row[name]] += amount * share * (1 + SIDE_SPREAD * rng.normal())
    return np.clip(coefficients, 0.0, 1.0)


def draw_lids(rng: np.random.Generator, names: tuple[str, ...]) -> Float[np.ndarray, " actions"]:
    """Draw how far the lids of a resting face are open, alike on both sides.

    Args:
        rng: Stream of the lids.
        names: Names of the facial actions of the model.

    Returns:
        One coefficient an action: a share of a blink or of wide eyes, 0 elsewhere.
    """
    coefficients = np.zeros(len(names))
    spread = np.clip(rng.normal(0.0, FISSURE_SD_MM), -FISSURE_LIMIT_MM, FISSURE_LIMIT_MM)
    opened_mm = FISSURE_MM + float(spread) - NEUTRAL_FISSURE_MM
    is_wider = opened_mm > 0
    for side in SIDES:
        row = names.index(f"eyeWide{side}" if is_wider else f"eyeBlink{side}")
        coefficients[row] = opened_mm / WIDE_MM if is_wider else -opened_mm / BLINK_MM
    return coefficients


def draw_gaze(rng: np.random.Generator) -> Float[np.ndarray, "4"]:
    """Draw where both eyes look, in parallel.

    Args:
        rng: Stream of the gaze.

    Returns:
        Pitch and yaw of the left, then of the right eye, in radians.
    """
    angles = np.clip(rng.normal(0, GAZE_SD_DEG, 2), -GAZE_LIMIT_DEG, GAZE_LIMIT_DEG)
    return np.radians(np.tile(angles, 2))
