"""The few-shot experiment as dataclasses: every key with its type, range, default and meaning.

YAML files under `recipes/experiment/` hold values only. A file may hold `profiles`: values that
`profile=NAME` lays over the rest, for example a larger network for a GPU.
"""

from dataclasses import asdict, dataclass
from typing import Any

from augment.recipe.family import Family
from augment.recipe.schema import setting
from augment.recipe.sharing import sharing_mistakes

LEFT_TO_USER = "???"
MADE_UP = "made_up"
"""Value of `data` for cases that the study draws itself."""


@dataclass(frozen=True)
class InputSpec:
    """The grid on which a network sees a case."""

    intensity: str = setting(
        "picture",
        "how values are brought to a common range: picture and zscore by mean and spread of the"
        " case, ct by a fixed window of -200 to 1300 HU",
        choices=("picture", "ct", "zscore"),
    )
    height_px: int = setting(128, "height of a picture in pixels, width follows", low=16, high=2048)
    spacing_mm: tuple[float, ...] = setting(
        (),
        "voxel of a volume in mm, three numbers; none takes every case on its own grid",
        low=0.1,
        high=20,
    )
    length_mm: float = setting(
        0.0, "length of a volume that is kept, from its top, in mm; 0 keeps all of it", low=0
    )
    patch: tuple[int, ...] = setting((128, 112), "training patch, one size an axis", low=8)
    window: tuple[int, ...] = setting((128, 112), "inference window, one size an axis", low=8)
    overlap: float = setting(0.5, "overlap of inference windows", low=0.0, high=0.9)
    mirror_mean: bool = setting(False, "average over the mirrored case at inference")


@dataclass(frozen=True)
class NetworkSpec:
    """The network, by its name in MONAI."""

    name: str = setting(
        "basic_unet", "architecture", choices=("basic_unet", "dynunet", "segresnet")
    )
    features: tuple[int, ...] = setting(
        (16, 24, 48, 64, 96, 16),
        "channels from fine to coarse; basic_unet takes a sixth number for its last layer",
        low=4,
    )
    fold: int = setting(
        2, "blocks of so many pixels an axis are folded into channels, 1 for none", low=1, high=4
    )


@dataclass(frozen=True)
class TrainingSpec:
    """The training loop, the same for every arm."""

    steps: int = setting(500, "optimiser steps of a run", low=1)
    scratch_steps: int = setting(
        0,
        "optimiser steps of a run that starts from random weights, 0 for as many as `steps`; those"
        " of pre-training and `steps` together give every arm the same compute",
        low=0,
    )
    batch: int = setting(8, "patches a step", low=1)
    rate: float = setting(2e-3, "largest learning rate of AdamW", low=0.0)
    weight_decay: float = setting(1e-4, "weight decay of AdamW", low=0.0)
    warm_up: int = setting(30, "steps until the largest rate", low=0)
    average: float = setting(0.98, "decay of the exponential weight average", low=0, high=0.9999)
    precision: str = setting(
        "auto",
        "auto is bf16 where the device calculates in it and fp32 elsewhere; fp16 scales the loss",
        choices=("auto", "fp32", "bf16", "fp16"),
    )
    foreground: float = setting(
        0.6, "share of patches about a labelled pixel; 0 about the whole case", low=0, high=1
    )
    bright: float = setting(
        0.0, "share of patches about bright pixels without label (bone)", low=0, high=1
    )
    validation_share: float = setting(
        0.0,
        "share of the n cases kept for early stopping, whole cases; 0 trains on all n to the end",
        low=0.0,
        high=0.5,
    )
    check_every: int = setting(50, "steps between checks of those cases", low=1)
    patience: int = setting(5, "checks without improvement until training stops", low=1)


@dataclass(frozen=True)
class AugmentationSpec:
    """The set of nnU-Net (Isensee et al., Nat Methods 2021), with its probabilities times `amount`.

    Every arm and every pool has the same.
    """

    amount: float = setting(1.0, "factor of all probabilities, 0 is off", low=0.0, high=5.0)
    rotation_deg: float = setting(
        30.0, "largest rotation about each axis, degrees", low=0, high=180
    )
    scale: tuple[float, float] = setting((0.7, 1.4), "range of scaling", low=0.2, high=5.0)
    elastic: float = setting(
        0.04, "spread of the elastic displacement as a share of the patch", low=0.0, high=0.5
    )
    shift: float = setting(0.1, "largest shift as a share of the patch", low=0.0, high=0.5)
    mirror: tuple[int, ...] = setting((1,), "axes that may be mirrored, 0 is the first", low=0)
    intensity: float = setting(1.0, "strength of intensity changes, 1 is nnU-Net's", low=0, high=3)


@dataclass(frozen=True)
class SyntheticSpec:
    """The synthetic data and the pre-training on it."""

    recipe: str = setting("face_fasseg", "recipe of the synthetic data, see `facies list`")
    samples: int = setting(1000, "synthetic samples", low=1)
    seed: int = setting(0, "seed of the synthetic samples", low=0)
    positive_share: float = setting(
        0.5,
        "a voxel is labelled where this share of it is, for labels kept as shares",
        low=0,
        high=1,
    )
    steps: int = setting(2000, "optimiser steps of pre-training", low=1)
    rate: float = setting(2e-3, "largest learning rate of pre-training", low=0.0)
    once: bool = setting(False, "all seeds start from one pre-training instead of one each")


@dataclass(frozen=True)
class FinetuneSpec:
    """How an arm that starts from pre-trained weights goes on, and what mixed batches hold."""

    rate: float = setting(5e-4, "largest learning rate after synthetic data", low=0.0)
    freeze: str = setting("none", "parts that keep their weights", choices=("none", "encoder"))
    blend: float = setting(
        1.0,
        "share of the fine-tuned in the final weights, the rest is pre-trained (WiSE-FT)",
        low=0.0,
        high=1.0,
    )
    mix: float = setting(0.5, "share of synthetic patches in the batches of `mix`", low=0, high=1)
    anchored: float = setting(
        0.5, "share of deformed cases among real patches of `anchored`", low=0, high=1
    )


@dataclass(frozen=True)
class AnchoredSpec:
    """How real cases are deformed by the head model."""

    variants: int = setting(12, "deformed variants of each real case", low=1)
    identity_sd: float = setting(
        1.0, "spread of changed identity coefficients in standard deviations", low=0, high=3
    )
    turn_deg: float = setting(
        8.0, "largest turn of the head of a photograph, degrees", low=0, high=30
    )
    pathology: float = setting(0.5, "share of variants with a pathology", low=0, high=1)


@dataclass(frozen=True)
class SelectionSpec:
    """How the arm `selected` chooses for itself, by cross-validation on the n cases alone."""

    candidates: tuple[str, ...] = setting(
        ("mix", "pretrain+mix"),
        "arms that may be chosen beside `real`, joined by + where they combine",
    )
    ratios: tuple[float, ...] = setting(
        (), "shares of synthetic patches to choose from, none for `finetuning.mix`", low=0, high=1
    )
    prior: str | None = setting(
        None, "tables/comparisons.csv of an earlier report, asked where n is below 3"
    )


@dataclass(frozen=True)
class ExperimentSpec:
    """A study: which arms, how many real cases, which seeds, and everything they share."""

    name: str = setting("", "name of the recipe")
    dataset: str = setting("fasseg", "name in datasets/, or path of your own dataset.yaml")
    data: str = setting(
        LEFT_TO_USER, "folder of the real cases that are scored; made_up draws discs and bars"
    )
    train_data: str | None = setting(None, "folder of the real cases to train on, null for `data`")
    validation: str = setting(
        "split", "scored cases: those of the split, or all of `data`", choices=("split", "all")
    )
    out: str = setting("", "folder of the study, `out/NAME` if empty")
    arms: tuple[str, ...] = setting(
        ("real",), "arms, joined by + where they combine; `selected` chooses one for itself"
    )
    n: tuple[int, ...] = setting((1, 3, 6, 12), "numbers of real cases", low=1)
    seeds: int = setting(3, "seeds of every cell; each draws its own n cases", low=1)
    first_seed: int = setting(0, "first seed", low=0)
    workers: int = setting(1, "processes that take jobs", low=1, high=1024)
    engine: str = setting(
        "local",
        "where jobs are done: `local` processes, or `ray` (pip install facies[ray])",
        choices=("local", "ray"),
    )
    ray_address: str | None = setting(
        None, "address of a Ray cluster that shares `out`, null starts one on this machine"
    )
    shard: str | None = setting(
        None,
        "k/n does every n-th run from the k-th on, with what it needs, for arrays of jobs that"
        " share `out`; the command without it then writes table and report",
    )
    device: str = setting("cpu", "torch device: cpu, cuda or cuda:N")
    threads: int = setting(1, "threads of each process", low=1)
    profile: str = setting("cpu", "set of values, cpu or gpu", choices=("cpu", "gpu"))
    synthetic: str | None = setting(None, "folder of synthetic data at hand, null makes it")
    input: InputSpec = setting(InputSpec, "the grid that a network sees")
    network: NetworkSpec = setting(NetworkSpec, "the network")
    training: TrainingSpec = setting(TrainingSpec, "the training loop")
    augmentation: AugmentationSpec = setting(AugmentationSpec, "nnU-Net's augmentation")
    pretraining: SyntheticSpec = setting(SyntheticSpec, "synthetic data and pre-training")
    finetuning: FinetuneSpec = setting(FinetuneSpec, "going on from pre-trained weights")
    anchored: AnchoredSpec = setting(AnchoredSpec, "deformed real cases")
    selection: SelectionSpec = setting(SelectionSpec, "what the arm `selected` chooses from")

    def values(self) -> dict[str, Any]:
        """Return the recipe as plain values that JSON and YAML can hold and that read back."""
        return asdict(self)


def _contradictions(spec: ExperimentSpec) -> list[str]:
    found = sharing_mistakes(spec.engine, spec.ray_address, spec.shard, spec.device)
    if spec.data == LEFT_TO_USER:
        found.append("data expects the folder of the real cases, got none; add data=PATH")
    if len(spec.input.patch) != len(spec.input.window):
        found.append(
            f"input.window expects as many sizes as input.patch {list(spec.input.patch)},"
            f" got {list(spec.input.window)}"
        )
    if len(spec.input.spacing_mm) not in (0, 3):
        found.append(
            f"input.spacing_mm expects three numbers or none, got {list(spec.input.spacing_mm)}"
        )
    return found


_EXPERIMENTS = Family(ExperimentSpec, "experiment", "experiment", "studies", _contradictions)
experiment_names, compose_experiment = _EXPERIMENTS.names, _EXPERIMENTS.compose
