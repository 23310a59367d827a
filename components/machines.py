"""What the name of an instance type says of it. Pure.

https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
"""

import re
from typing import Final

_SIZE: Final = re.compile(
    r"(?P<family>[a-z][a-z0-9-]*)\.(?:(?P<times>[0-9]*)xlarge|(?P<small>nano|micro|small|medium|large))"
)

_GRAVITON: Final = re.compile(r"[a-z]+[0-9]+g[a-z]*|a1")


def vcpus(instance_type: str) -> int | None:
    """Virtual processors, which is what AWS's quota counts; None where the name does not tell (`metal`).

    A burstable host has two up to `large`. Of the others a `medium` has one (only Graviton comes so small), `large`
    two, and every `xlarge` four.
    https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html
    """
    match = _SIZE.fullmatch(instance_type)
    if match is None or instance_type.startswith(("t1.", "t2.")):
        return None
    if match["small"] is None:
        return 4 * int(match["times"] or 1)
    if is_burstable(instance_type) or match["small"] == "large":
        return 2
    return 1 if match["small"] == "medium" else None


def is_burstable(instance_type: str) -> bool:
    """Whether it earns and spends CPU credits."""
    return re.fullmatch(r"t[0-9][a-z]*\..+", instance_type) is not None


def is_arm(instance_type: str) -> bool:
    """Whether its processor is one of AWS's own, arm64."""
    return _GRAVITON.fullmatch(instance_type.partition(".")[0]) is not None
