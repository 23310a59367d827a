"""KeyPepper: the secret without which API keys can be neither made nor checked."""

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from components.encryption import let_decrypt
from components.identity import ProcessRole
from components.naming import type_token
from components.stage import Stage

RECOVERY_DAYS = 30
"""That AWS keeps a secret after it was deleted, where data is protected: the most it does. Without its pepper every key
of a stack is worthless, and no other can take its place."""


class KeyPepper(pulumi.ComponentResource):
    """A secret without a value. `darkroom keys init` puts random bytes into it, once: so no pepper comes near the
    program, its state or whoever reads either.
    """

    secret_name: str

    def __init__(self, name: str, *, stage: Stage, opts: ResourceOptions | None = None) -> None:
        super().__init__(type_token("keys", "KeyPepper"), name, None, opts)
        self._stage = stage
        self.secret_name = stage.name(name)
        secret = aws.secretsmanager.Secret(
            name,
            name=self.secret_name,
            description=f"What API keys of {stage.stack} are hashed with; written once, by darkroom keys init",
            kms_key_id=stage.key_arn,
            recovery_window_in_days=RECOVERY_DAYS if stage.deletion_protection else 0,
            tags=stage.tags,
            opts=ResourceOptions(parent=self, protect=stage.deletion_protection),
        )
        self._arn: Output[str] = secret.arn
        self.register_outputs({"secret_name": self.secret_name})

    def readable_by(self, role: ProcessRole) -> None:
        """The role may read it."""
        role.allow(["secretsmanager:GetSecretValue"], self._arn)
        let_decrypt(self._stage, role)
