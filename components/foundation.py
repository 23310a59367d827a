"""Foundation: what all stacks of an account share, made once and first. Read from top to bottom, it is an account."""

from typing import Any, Final

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from components.account import AccountGuards
from components.config import BadConfiguration
from components.deployment import Deployment
from components.deployment_rights import Store
from components.foundation_settings import FoundationConfig
from components.naming import stack_label, type_token
from components.registry import ImageRepository
from components.stage import Stage
from components.state import SecretsKey, StateBucket

SERVICES: Final = ("upload", "processing")
"""What hosts run; each service's images have a repository of their own."""


class Foundation(pulumi.ComponentResource):
    """State bucket, key of secrets, repositories of images, guards of the account, and the roles of workflows.

    `exports` is what a stack exports; the stacks' configuration and GitHub's variables take their values from it.
    """

    def __init__(
        self, name: str, *, config: FoundationConfig, region: str, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(type_token("foundation", "Foundation"), name, None, opts)
        stack = pulumi.get_stack()
        _refuse_confusion(stack, config)
        stage = Stage(
            stack=stack,
            region=region,
            account=aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(parent=self)).account_id,
            own_tags=config.tags,
            require_tls=True,
            deletion_protection=config.deletion_protection,
            force_destroy=False,
        )
        child = ResourceOptions(parent=self)
        self.secrets = SecretsKey("secrets", stage=stage, state_bucket=stage.bucket_name("state"), opts=child)
        self.state = StateBucket(
            "state", stage=stage, key=self.secrets, version_days=config.state_version_days, opts=child
        )
        self.repositories = {
            service: ImageRepository(
                service, stage=stage, kept=config.kept_images, untagged_days=config.untagged_image_days, opts=child
            )
            for service in SERVICES
        }
        AccountGuards("account", stage=stage, config=config, opts=child)
        self.deployment: Deployment | None = None
        if config.repository is not None:
            store = Output.all(bucket=self.state.bucket_name, key_arn=self.secrets.arn).apply(
                lambda known: Store(bucket=known["bucket"], key_arn=known["key_arn"])
            )
            self.deployment = Deployment(
                "deployment",
                stage=stage,
                config=config,
                repository=config.repository,
                store=store,
                repository_arns=[one.arn for one in self.repositories.values()],
                opts=child,
            )
        self.exports = self._exports(region)
        self.register_outputs(self.exports)

    def _exports(self, region: str) -> dict[str, Any]:
        exports: dict[str, Any] = {
            "state_bucket": self.state.bucket_name,
            "backend_url": self.state.bucket_name.apply(lambda bucket: f"s3://{bucket}?region={region}"),
            "secrets_provider": self.secrets.provider,
            "repositories": {service: made.url for service, made in self.repositories.items()},
        }
        if self.deployment is None:
            return exports
        return {
            **exports,
            "oidc_provider_arn": self.deployment.provider_arn,
            "roles": {
                "images": self.deployment.images.arn,
                "stacks": {
                    stack: {"preview": made.preview.arn, "deploy": made.deploy.arn}
                    for stack, made in self.deployment.stacks.items()
                },
            },
            "boundaries": {stack: made.boundary_arn for stack, made in self.deployment.stacks.items()},
        }


def _refuse_confusion(foundation: str, config: FoundationConfig) -> None:
    """No workflow's stack may have names that begin as the foundation's do, nor the other way round."""
    ours = f"{stack_label(foundation)}-"
    for stack in config.stacks:
        theirs = f"{stack_label(stack)}-"
        if ours.startswith(theirs) or theirs.startswith(ours):
            raise BadConfiguration(
                f"foundation.stacks.{stack}: its names begin as those of {foundation} do, which no workflow may reach; "
                "choose another name"
            )
