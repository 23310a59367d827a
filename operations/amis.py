"""Machine images for the hosts: the current one of Amazon Linux 2023, as AWS publishes it, written into a stack's file.

A group's template names its image by id, so that going back goes back. What is current is asked of a public parameter
of SSM: https://docs.aws.amazon.com/linux/al2023/ug/ec2.html#launch-from-ssm
"""

from datetime import UTC
from typing import Final

from msgspec import structs
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from components.site import Ami
from operations.asking import asking
from operations.stacks import StackFile

PARAMETER: Final = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}"


def current(region: str, architecture: str) -> Ami:
    """The image that AWS calls the newest there. Raises DarkroomError if it does not say."""
    name = PARAMETER.format(architecture=architecture)
    with asking("ssm", region) as ssm:
        answer = ssm.get_parameter(Name=name)["Parameter"]
    return Ami(
        id=answer["Value"],
        source=f"{name}, version {answer['Version']}",
        date=answer["LastModifiedDate"].astimezone(UTC).date().isoformat(),
    )


def recorded(file: StackFile) -> str | None:
    """Id of the image that the file has for its region."""
    amis = file.hosts.get("amis")
    ami = amis.get(file.region) if isinstance(amis, dict) else None
    return ami.get("id") if isinstance(ami, dict) else None


def record(file: StackFile, ami: Ami) -> None:
    """Have the file name this image for its region, and save it; the rest of it stays as it was."""
    if not isinstance(file.hosts.get("amis"), dict):
        file.hosts["amis"] = CommentedMap()
    amis = file.hosts["amis"]
    entry = amis.get(file.region)
    if not isinstance(entry, dict):
        entry = amis[file.region] = CommentedMap()
    # a date without quotes would be one of YAML's, and the program takes text
    entry.update(structs.asdict(ami) | {"date": DoubleQuotedScalarString(ami.date)})
    file.save()
