"""Keys that share work among processes, machines and jobs of an array; runs and studies have them.

They decide where work is done and by what, and no byte of it.
"""

import re


def sharing_mistakes(
    engine: str, ray_address: str | None, shard: str | None, device: str
) -> list[str]:
    """Return one sentence for each of these keys that cannot be, or does not go with the others."""
    found = []
    if shard is not None:
        part = re.fullmatch(r"(\d{1,6})/(\d{1,6})", shard)
        if part is None or not 1 <= int(part[1]) <= int(part[2]):
            found.append(f"shard expects k/n with k from 1 to n, as 2/4, got {shard!r}")
    if ray_address is not None and engine != "ray":
        found.append(f"ray_address={ray_address} expects engine=ray, got {engine}; add engine=ray")
    if engine == "ray" and device.startswith("cuda:"):
        found.append(
            f"device expects cpu or cuda with engine=ray, which gives each worker a GPU of its own,"
            f" got {device}; add device=cuda"
        )
    return found


def own_part(shard: str | None, total: int) -> range:
    """Return the numbers below a total that a run deals with: all, or those of its shard.

    Concretely, shard 2/4 of ten has 1, 5 and 9.
    """
    if shard is None:
        return range(total)
    number, count = (int(part) for part in shard.split("/"))
    return range(number - 1, total, count)
