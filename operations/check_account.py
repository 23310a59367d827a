"""A look at the account before a stack is put into it: would `pulumi up` come through, and would the stack work?

Nothing is changed. Every check stands alone: what one may not read, or what AWS does not answer, is a finding of that
check and no reason to skip the next.
"""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Final

from client.errors import BadInput, DarkroomError
from components import price_file
from components.cost import monthly
from components.price_file import STALE_DAYS
from operations import account_quotas, account_rights, account_site
from operations.account import Account
from operations.asking import asking
from operations.configuration import pipeline_configuration
from operations.findings import Finding, ok, problem, warning

Check = Callable[[Account], Iterator[Finding]]

CHECKS: Final[dict[str, Check]] = {
    "region": account_site.region,
    "zones": account_site.zones,
    "function concurrency": account_quotas.concurrency,
    "function memory": account_quotas.memory,
    "processors": account_quotas.processors,
    "addresses": account_quotas.addresses,
    "networks": account_quotas.networks,
    "first quota": account_quotas.first,
    "machine image": account_site.machine_image,
    "host types": account_site.host_types,
    "container images": account_site.container_images,
    "certificate": account_site.certificates,
    "hosted zone": account_site.hosted_zone,
    "delivery": account_site.delivery_secret,
    "foundation": account_rights.foundation,
    "boundary": account_rights.boundary,
    "permissions": account_rights.permissions,
}
"""In the order in which they are shown."""


def look(folder: Path, stack: str, today: date) -> list[Finding]:
    """Every finding for a pipeline stack. Raises BadInput for a stack that the program itself would refuse."""
    found, settings = pipeline_configuration(folder, stack)
    if settings.endpoint is not None:
        raise BadInput(f"the stack {stack} stands on an embedded cloud", "name one that stands on AWS, such as dev")
    account = Account(folder=folder, stack=stack, region=found.region, settings=settings, today=today)
    findings = [ok("configuration", f"Pulumi.{stack}.yaml is one that the program takes")]
    try:
        with asking("sts", account.region) as sts:
            identity = sts.get_caller_identity()
    except DarkroomError as error:
        return [*findings, problem("credentials", str(error), error.advice), price(account)]
    account.number, account.caller = identity["Account"], identity["Arn"]
    findings.append(ok("credentials", f"{account.caller} in the account {account.number}"))
    for name, check in CHECKS.items():
        findings += guarded(name, check, account)
    return [*findings, price(account)]


def guarded(name: str, check: Check, account: Account) -> list[Finding]:
    """What a check found, and what kept it from finding more."""
    found: list[Finding] = []
    try:
        found.extend(check(account))
    except DarkroomError as error:
        found.append(warning(name, f"could not be looked at: {error}", error.advice or "look at it by hand"))
    return found


def price(account: Account) -> Finding:
    """What the stack will cost; known without the account."""
    cost = monthly(account.settings, account.region, price_file.read())
    says = f"{cost.total_usd:,.2f} USD a month at rest"
    if cost.not_counted:
        says += f", without {', '.join(cost.not_counted)}"
        return warning("price", says, f"darkroom prices --update --region {account.region}")
    if cost.is_stale(account.today):
        return warning("price", f"{says}, by prices older than {STALE_DAYS} days", "darkroom prices --update")
    return ok("price", says)
