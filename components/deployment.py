"""Deployment: the roles that workflows of the repository on GitHub take, and the boundary of what they deploy.

What each may do is components/deployment_rights.py; here it is declared. Nobody has a key: a run shows a token that
GitHub signed for it, and gets an hour.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.boundary import boundary_rights
from components.deployment_rights import (
    AUDIENCE,
    ISSUER,
    POLICIES,
    READS,
    Store,
    change_rights,
    image_rights,
    read_rights,
    refusals,
    state_changes,
    state_reads,
    subjects,
    trust,
)
from components.deployment_scope import Scope
from components.foundation_settings import DeployedStack, FoundationConfig
from components.naming import PROJECT, stack_label, type_token
from components.rights import policy
from components.stage import Stage

SESSION_SECONDS = 3_600
"""That a run may keep a role: the shortest that AWS can be told. A longer `up` goes on in another run."""


class WorkflowRole(pulumi.ComponentResource):
    """A role that named workflows may take, and the policies that say what for."""

    arn: Output[str]

    def __init__(
        self,
        name: str,
        *,
        stage: Stage,
        provider_arn: Input[str],
        who: Sequence[str],
        purpose: str,
        policies: "Mapping[str, aws.iam.Policy]",
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(type_token("deployment", "WorkflowRole"), name, None, opts)
        child = ResourceOptions(parent=self)
        role = aws.iam.Role(
            name,
            name=stage.name(name),
            description=purpose,
            assume_role_policy=Output.from_input(provider_arn).apply(lambda arn: trust(arn, who)),
            max_session_duration=SESSION_SECONDS,
            tags=stage.tags,
            opts=child,
        )
        for what, made in policies.items():
            aws.iam.RolePolicyAttachment(f"{name}-{what}", role=role.name, policy_arn=made.arn, opts=child)
        self.arn = role.arn
        self.register_outputs({"arn": self.arn})


class StackWorkflows(pulumi.ComponentResource):
    """Who previews and who deploys one stack, and the boundary that every role of the stack has to have."""

    boundary_arn: Output[str]
    preview: WorkflowRole
    deploy: WorkflowRole

    def __init__(
        self,
        stack: str,
        *,
        stage: Stage,
        settings: DeployedStack,
        repository: str,
        provider_arn: Input[str],
        store: Output[Store],
        repository_arns: Sequence[Input[str]],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(type_token("deployment", "StackWorkflows"), stack, None, opts)
        self._stage, self._stack, self._settings = stage, stack, settings
        self._child = ResourceOptions(parent=self)
        images = Output.all(*repository_arns).apply(frozenset)
        known = Output.all(scope=stage.account.apply(self._scope), store=store, images=images)
        parts = self._parts()

        boundary = self._policy("boundary", known, lambda it: policy(boundary_rights(it["scope"], it["images"])))
        reads = {
            f"read-{which}": self._policy(f"read-{which}", known, _reading(parts, which))
            for which, group in READS.items()
            if parts & frozenset(group)
        }
        changes = {
            f"change-{which}": self._policy(f"change-{which}", known, _changing(parts, which))
            for which, group in POLICIES.items()
            if parts & frozenset(group)
        }
        look = self._policy("state-read", known, lambda it: policy(state_reads(it["store"], stack)))
        keep = self._policy(
            "state",
            known,
            lambda it: policy(
                (*state_reads(it["store"], stack), *state_changes(it["store"], stack)),
                refusals(it["scope"], it["store"], f"{PROJECT}-{stack_label(stage.stack)}-"),
            ),
        )
        self.preview = WorkflowRole(
            f"preview-{stack}",
            stage=stage,
            provider_arn=provider_arn,
            # a nightly look for drift runs on main and waits for nobody
            who=subjects(repository, environment=settings.preview_environment, main=True),
            purpose=f"Says what a change would do to the stack {stack}; changes nothing.",
            policies={"state": look, **reads},
            opts=self._child,
        )
        self.deploy = WorkflowRole(
            f"deploy-{stack}",
            stage=stage,
            provider_arn=provider_arn,
            who=subjects(repository, environment=settings.environment),
            purpose=f"Creates, updates and deletes what the stack {stack} declares.",
            policies={"state": keep, **reads, **changes},
            opts=self._child,
        )
        self.boundary_arn = boundary.arn
        self.register_outputs(
            {"boundary_arn": self.boundary_arn, "preview_arn": self.preview.arn, "deploy_arn": self.deploy.arn}
        )

    def _parts(self) -> frozenset[str]:
        """Of the provider's table: what every stack has, and what this one's configuration adds."""
        parts = {"pipeline", *self._settings.parts}
        if "network" in parts:
            parts.add("doors")
        if self._settings.hosted_zone_id is not None:
            parts.add("domain")
        return frozenset(parts)

    def _scope(self, account: str) -> Scope:
        return Scope(
            account=account,
            region=self._stage.region,
            stack=self._stack,
            boundary_arn=f"arn:aws:iam::{account}:policy/{self._policy_name('boundary')}",
            hosted_zone_id=self._settings.hosted_zone_id,
            domain=self._settings.domain,
        )

    def _policy_name(self, what: str) -> str:
        return self._stage.name(f"{what}-{self._stack}")

    def _policy(
        self, what: str, known: Output[dict[str, Any]], document: Callable[[dict[str, Any]], str]
    ) -> "aws.iam.Policy":
        return aws.iam.Policy(
            f"{what}-{self._stack}",
            name=self._policy_name(what),
            description=f"{PROJECT}: {what} of the stack {self._stack}",
            policy=known.apply(document),
            tags=self._stage.tags,
            opts=self._child,
        )


class Deployment(pulumi.ComponentResource):
    """GitHub as somebody whose word is taken, a role to push images, and each deployed stack's own two."""

    provider_arn: Output[str]
    images: WorkflowRole
    stacks: dict[str, StackWorkflows]

    def __init__(
        self,
        name: str,
        *,
        stage: Stage,
        config: FoundationConfig,
        repository: str,
        store: Output[Store],
        repository_arns: Sequence[Input[str]],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__(type_token("deployment", "Deployment"), name, None, opts)
        child = ResourceOptions(parent=self)
        if config.oidc_provider_arn is not None:
            self.provider_arn = Output.from_input(config.oidc_provider_arn)
        else:
            # no thumbprints: AWS trusts GitHub's certificate by the library of authorities that it keeps itself
            provider = aws.iam.OpenIdConnectProvider(
                name, url=f"https://{ISSUER}", client_id_lists=[AUDIENCE], tags=stage.tags, opts=child
            )
            self.provider_arn = provider.arn
        push = aws.iam.Policy(
            "images",
            name=stage.name("images"),
            description=f"{PROJECT}: push images",
            policy=Output.all(*repository_arns).apply(lambda arns: policy(image_rights(arns))),
            tags=stage.tags,
            opts=child,
        )
        self.images = WorkflowRole(
            "images",
            stage=stage,
            provider_arn=self.provider_arn,
            who=subjects(repository, main=True),
            purpose="Pushes the images of both services.",
            policies={"push": push},
            opts=child,
        )
        self.stacks = {
            stack: StackWorkflows(
                stack,
                stage=stage,
                settings=settings,
                repository=repository,
                provider_arn=self.provider_arn,
                store=store,
                repository_arns=repository_arns,
                opts=child,
            )
            for stack, settings in config.stacks.items()
        }
        self.register_outputs({"provider_arn": self.provider_arn, "images_arn": self.images.arn})


def _reading(parts: frozenset[str], which: str) -> Callable[[dict[str, Any]], str]:
    return lambda known: policy(read_rights(parts, which, known["scope"]))


def _changing(parts: frozenset[str], which: str) -> Callable[[dict[str, Any]], str]:
    return lambda known: policy(change_rights(parts, which, known["scope"]))
