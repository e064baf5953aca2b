"""The curve of a training in TensorBoard, an optional package."""

from collections.abc import Callable
from pathlib import Path

from augment.errors import AssetError


def open_board(folder: Path) -> Callable[[dict[str, float]], None]:
    """Return what writes rows of the log for TensorBoard.

    Args:
        folder: Where its event files go.

    Raises:
        AssetError: If TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise AssetError(
            'training.tensorboard expects TensorBoard; pip install "facies[tensorboard]" or leave'
            " it out, the curve is in log.csv too"
        ) from error
    writer = SummaryWriter(str(folder))

    def write(row: dict[str, float]) -> None:
        for name, value in row.items():
            if name != "step":
                writer.add_scalar(name, value, int(row["step"]))
        writer.flush()

    return write
