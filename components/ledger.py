"""JobTables: the tables of contracts/tables.py, and the verbs that grant rights over them."""

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from components.encryption import let_decrypt
from components.identity import ProcessRole
from components.naming import type_token
from components.stage import Stage
from contracts.tables import BY_TENANT, DUE, JOBS, REGISTRY, Index, Table


class LedgerTable:
    """One table as others see it."""

    def __init__(self, table: aws.dynamodb.Table, stage: Stage) -> None:
        self._stage = stage
        self.arn: Output[str] = table.arn
        self.table_name: Output[str] = table.name

    def kept_by(self, role: ProcessRole) -> None:
        """The role may read items by their keys, and create and replace them whole. It may not delete, list or scan."""
        role.allow(["dynamodb:BatchGetItem", "dynamodb:PutItem"], self.arn)
        let_decrypt(self._stage, role)

    def corrected_by(self, role: ProcessRole) -> None:
        """The role may add to items, which it does to tallies as part of a job's write."""
        role.allow(["dynamodb:UpdateItem"], self.arn)

    def looked_up_by(self, role: ProcessRole) -> None:
        """The role may read one item by its whole key, and nothing else."""
        role.allow(["dynamodb:GetItem"], self.arn)
        let_decrypt(self._stage, role)

    def written_by(self, role: ProcessRole) -> None:
        """The role may create items and replace them whole, under a condition on what they were."""
        role.allow(["dynamodb:PutItem"], self.arn)
        let_decrypt(self._stage, role)

    def searched_by(self, role: ProcessRole) -> None:
        """The role may list items that share a hash key."""
        role.allow(["dynamodb:Query"], self.arn)
        let_decrypt(self._stage, role)

    def listed_by(self, role: ProcessRole) -> None:
        """The role may list the jobs of a tenant."""
        role.allow(["dynamodb:Query"], self.arn.apply(lambda arn: f"{arn}/index/{BY_TENANT.name}"))
        let_decrypt(self._stage, role)

    def swept_by(self, role: ProcessRole) -> None:
        """The role may ask what is due."""
        role.allow(["dynamodb:Query"], self.arn.apply(lambda arn: f"{arn}/index/{DUE.name}"))
        let_decrypt(self._stage, role)


class JobTables(pulumi.ComponentResource):
    """`jobs`, the only truth, and `registry`, what outlives jobs.

    Paid by the request, recoverable to any second of the last 35 days, encrypted with DynamoDB's own key or the
    stage's.
    """

    def __init__(self, name: str, *, stage: Stage, opts: ResourceOptions | None = None) -> None:
        super().__init__(type_token("ledger", "JobTables"), name, None, opts)
        self._stage = stage
        self.jobs = LedgerTable(self._table(JOBS), stage)
        self.registry = LedgerTable(self._table(REGISTRY), stage)
        self.register_outputs({"jobs": self.jobs.table_name, "registry": self.registry.table_name})

    def _table(self, table: Table) -> aws.dynamodb.Table:
        return aws.dynamodb.Table(
            table.name,
            name=self._stage.name(table.name),
            billing_mode="PAY_PER_REQUEST",
            hash_key=table.hash_key,
            range_key=table.range_key,
            attributes=[{"name": name, "type": kind} for name, kind in sorted(table.attributes.items())],
            global_secondary_indexes=[_index(index) for index in table.indexes],
            ttl=aws.dynamodb.TableTtlArgs(attribute_name=table.ttl, enabled=True) if table.ttl else None,
            point_in_time_recovery={"enabled": True},
            server_side_encryption=_encryption(self._stage),
            deletion_protection_enabled=self._stage.deletion_protection,
            tags=self._stage.tags,
            opts=ResourceOptions(parent=self, protect=self._stage.deletion_protection),
        )


def _encryption(stage: Stage) -> "aws.dynamodb.TableServerSideEncryptionArgsDict | None":
    return None if stage.key_arn is None else {"enabled": True, "kms_key_arn": stage.key_arn}


def _index(index: Index) -> aws.dynamodb.TableGlobalSecondaryIndexArgsDict:
    # `key_schemas` says the same in newer providers, which mark this pair as deprecated; the Terraform provider that a
    # plan can be checked with knows only the pair
    made: aws.dynamodb.TableGlobalSecondaryIndexArgsDict = {
        "name": index.name,
        "hash_key": index.hash_key,
        "range_key": index.range_key,
        "projection_type": "KEYS_ONLY" if index.projected is None else "INCLUDE",
    }
    if index.projected is not None:
        made["non_key_attributes"] = list(index.projected)
    return made
