"""A command of facies as a Hydra application, for arrays of jobs through Hydra's launchers.

    python -m augment.launch --multirun hydra/launcher=submitit_slurm hydra.launcher.timeout_min=240
        command="'generate face_train samples=100000 out=/shared/train'"
        shard=$(seq -s, -f %g/100 100)

Each value of `shard` is one job of the array and runs the command with that shard; see
docs/scale.md.
"""

import shlex
from dataclasses import dataclass
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from omegaconf import MISSING

from augment import cli
from augment.errors import FaciesError

CONFIG = "facies_launch"


@dataclass
class Launch:
    """One job of an array.

    Attributes:
        command: Words after `facies`, without `shard`.
        shard: k/n of this job, None for all of the work.
    """

    command: str = MISSING
    shard: str | None = None


def run_job(config: Any) -> None:
    """Run the command of one job.

    Args:
        config: A `Launch`.

    Raises:
        FaciesError: If the command fails; it has said why.
    """
    words = shlex.split(config.command)
    if config.shard is not None:
        words.append(f"shard={config.shard}")
    # Recipes are composed by Hydra too, which holds one application at a time.
    GlobalHydra.instance().clear()
    status = cli.main(words)
    if status:
        raise FaciesError(f"`facies {shlex.join(words)}` ended with {status}")


def main() -> None:
    """Run one job, or many through the launcher that `hydra/launcher` names."""
    ConfigStore.instance().store(CONFIG, Launch)
    hydra.main(version_base="1.3", config_path=None, config_name=CONFIG)(run_job)()


if __name__ == "__main__":
    main()
