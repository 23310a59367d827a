"""ImageRepository: where the images of one service lie, each under a tag that never means another."""

import json

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from components.naming import type_token
from components.stage import Stage


class ImageRepository(pulumi.ComponentResource):
    """Scanned as they are pushed; the newest `kept` stay, and what never got a tag goes after `untagged_days`.

    It has no policy: who pulls and pushes are roles of the account, and their own policies say so. The scan is the
    repository's setting and not the registry's, whose rules are one for the whole account and may be somebody else's.
    """

    arn: Output[str]
    url: Output[str]

    def __init__(
        self, name: str, *, stage: Stage, kept: int, untagged_days: int, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(type_token("registry", "ImageRepository"), name, None, opts)
        repository = aws.ecr.Repository(
            name,
            name=stage.name(name),
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            # nothing in an image is secret, so a key of ours would guard nothing
            encryption_configurations=[{"encryption_type": "AES256"}],
            force_delete=not stage.deletion_protection,
            tags=stage.tags,
            opts=ResourceOptions(parent=self, protect=stage.deletion_protection),
        )
        aws.ecr.LifecyclePolicy(
            name,
            repository=repository.name,
            policy=lifecycle(kept=kept, untagged_days=untagged_days),
            opts=ResourceOptions(parent=self),
        )
        self.arn = repository.arn
        self.url = repository.repository_url
        self.register_outputs({"arn": self.arn, "url": self.url})


def lifecycle(*, kept: int, untagged_days: int) -> str:
    """What ECR throws away.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
    """
    untagged = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days"}
    tagged = {"tagStatus": "tagged", "tagPatternList": ["*"], "countType": "imageCountMoreThan"}
    return json.dumps(
        {
            "rules": [
                _rule(1, "a push that was never finished", {**untagged, "countNumber": untagged_days}),
                _rule(2, "all but the newest", {**tagged, "countNumber": kept}),
            ]
        },
        separators=(",", ":"),
    )


def _rule(priority: int, what: str, selection: dict[str, object]) -> dict[str, object]:
    return {"rulePriority": priority, "description": what, "selection": selection, "action": {"type": "expire"}}
