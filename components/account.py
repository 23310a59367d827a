"""AccountGuards: what holds for the whole account: that no bucket is public, and what may be spent."""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.foundation_settings import FoundationConfig
from components.naming import PROJECT, type_token
from components.stage import Stage

TOLD: tuple[tuple[int, str], ...] = ((50, "ACTUAL"), (80, "ACTUAL"), (100, "FORECASTED"))
"""Percent of the budget that people are told at: of what was spent, and of what the month will come to."""


class AccountGuards(pulumi.ComponentResource):
    """Of one account there is one of each of these, whoever declares it."""

    def __init__(
        self, name: str, *, stage: Stage, config: FoundationConfig, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(type_token("account", "AccountGuards"), name, None, opts)
        if config.block_public_s3:
            aws.s3.AccountPublicAccessBlock(
                name,
                block_public_acls=True,
                block_public_policy=True,
                ignore_public_acls=True,
                restrict_public_buckets=True,
                opts=ResourceOptions(parent=self, protect=stage.deletion_protection),
            )
        budget = aws.budgets.Budget(
            name,
            name=stage.name("monthly"),
            budget_type="COST",
            limit_amount=str(config.budget_usd),
            limit_unit="USD",
            time_unit="MONTHLY",
            # counts from the day that the tag is activated for billing, which nothing but the billing console can do
            cost_filters=[{"name": "TagKeyValue", "values": [f"user:project${PROJECT}"]}],
            notifications=[
                {
                    "comparison_operator": "GREATER_THAN",
                    "notification_type": kind,
                    "threshold": percent,
                    "threshold_type": "PERCENTAGE",
                    "subscriber_email_addresses": config.budget_emails,
                }
                for percent, kind in (TOLD if config.budget_emails else ())
            ],
            tags=stage.tags,
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({"budget": budget.name})
