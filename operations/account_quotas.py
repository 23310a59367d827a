"""Checks: is there room in the account for the stack? Quotas are asked of AWS; what is in use already is counted."""

from collections.abc import Iterator, Mapping
from typing import Final

from components import quotas
from components.machines import vcpus
from components.naming import PROJECT, physical_name
from components.needs import nat_gateways
from components.quotas import ADDRESSES, CONCURRENCY, MEMORY, PROCESSORS, UNRESERVED, VPCS, Quota
from operations.account import Account
from operations.asking import asking
from operations.findings import Finding, ok, problem, warning

SEASONED: Final = 1_000
"""Concurrent executions of an account that AWS no longer treats as new."""


def concurrency(account: Account) -> Iterator[Finding]:
    """The account's concurrency is shared by all its functions; what is reserved is taken out of it."""
    limit = _lambda(account)
    everything, free = limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]
    wanted, reserved = account.settings.transform.concurrency, account.settings.transform.reserved_concurrency
    says = f"{everything} functions at once in the account, {free} of them unreserved"
    if reserved is not None and free - reserved < UNRESERVED and not _function_reserves(account, reserved):
        fix = f"leave transform.reserved_concurrency out, or {CONCURRENCY.remedy}"
        yield problem(
            "function concurrency", f"{says}; the stack reserves {reserved}, and {UNRESERVED} must be left", fix
        )
    elif wanted > everything:
        yield warning(
            "function concurrency",
            f"{says}; the stack may use {wanted}, so its function will be throttled",
            f"write transform.concurrency: {everything}, or {CONCURRENCY.remedy}",
        )
    else:
        yield ok("function concurrency", f"{says}; the stack uses up to {wanted}")


def memory(account: Account) -> Iterator[Finding]:
    """No API tells a new account's cap on memory; an account whose concurrency was never raised has it, as a rule."""
    wanted = account.settings.transform.memory_mb
    if wanted <= MEMORY.default:
        yield ok("function memory", f"{wanted:,} MB, which every account may have")
    elif _lambda(account)["ConcurrentExecutions"] < SEASONED:
        says = f"{wanted:,} MB, and a new account is capped at {MEMORY.default:,.0f} MB"
        yield warning("function memory", says, MEMORY.remedy)
    else:
        yield ok("function memory", f"{wanted:,} MB in an account that AWS has raised before")


def processors(account: Account) -> Iterator[Finding]:
    if not account.services:
        return
    running = account.pages(
        "ec2",
        "describe_instances",
        "Reservations",
        Filters=[{"Name": "instance-state-name", "Values": ["pending", "running"]}],
    )
    hosts = [one for reservation in running for one in reservation["Instances"]]
    tags = {"project": PROJECT, "stack": account.stack}
    others = [
        one for one in hosts if not tags.items() <= {tag["Key"]: tag["Value"] for tag in one.get("Tags", [])}.items()
    ]
    used = sum(_processors(one) for one in others)
    limit = next(one for one in quotas.limits(account.settings) if one.quota is PROCESSORS)
    yield from _room(account, PROCESSORS, "processors", used, limit.at_rest, limit.at_most)


def addresses(account: Account) -> Iterator[Finding]:
    network = account.settings.network
    if network is None or not account.services or network.egress != "nat":
        return
    with asking("ec2", account.region) as ec2:
        there = ec2.describe_addresses()["Addresses"]
        mine = ec2.describe_addresses(Filters=account.ours)["Addresses"]
    yield from _room(account, ADDRESSES, "addresses", len(there) - len(mine), nat_gateways(network))


def networks(account: Account) -> Iterator[Finding]:
    if account.settings.network is None:
        return
    there = account.pages("ec2", "describe_vpcs", "Vpcs")
    mine = account.pages("ec2", "describe_vpcs", "Vpcs", Filters=account.ours)
    yield from _room(account, VPCS, "networks", len(there) - len(mine), 1)


def first(account: Account) -> Iterator[Finding]:
    """The first quota that the stack meets, with this account's own values where AWS tells them."""
    known = {CONCURRENCY.name: float(_lambda(account)["ConcurrentExecutions"])}
    for quota in (PROCESSORS, ADDRESSES, VPCS):
        known[quota.name] = _allowed(account, quota)
    met = quotas.first_quota(account.settings, known=known)
    if met.when == "at rest":
        # the check of that very quota has said so, with what others use
        return
    yield ok("first quota", met.says())


def _room(
    account: Account, quota: Quota, check: str, used: float, at_rest: float, at_most: float = 0
) -> Iterator[Finding]:
    allowed = _allowed(account, quota)
    says = f"{used:,.0f} of {allowed:,.0f} {quota.unit} are used by others; the stack takes {at_rest:,.0f}"
    if at_most > at_rest:
        says += f", and up to {at_most:,.0f} as it grows and its hosts are replaced"
    if used + at_rest > allowed:
        yield problem(check, says, f"{quota.remedy} ({_code(quota)})")
    elif used + max(at_rest, at_most) > allowed:
        yield warning(check, says, f"{quota.remedy} ({_code(quota)})")
    else:
        yield ok(check, says)


def _allowed(account: Account, quota: Quota) -> float:
    """The account's own value; AWS keeps one only where it differs from the default."""
    service, code = quota.code or ("", "")
    with asking("service-quotas", account.region) as client:
        return float(client.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"])


def _code(quota: Quota) -> str:
    service, code = quota.code or ("", "")
    return f"{service} {code}"


def _lambda(account: Account) -> Mapping[str, int]:
    with asking("lambda", account.region) as client:
        return client.get_account_settings()["AccountLimit"]


def _function_reserves(account: Account, wanted: int) -> bool:
    """Whether the stack's own function holds it already."""
    with asking("lambda", account.region) as client:
        name = physical_name(account.stack, "transform")
        try:
            there = client.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions", 0)
        except client.exceptions.ResourceNotFoundException:
            return False
    return there >= wanted


def _processors(host: Mapping[str, object]) -> int:
    options = host.get("CpuOptions")
    if isinstance(options, Mapping) and "CoreCount" in options:
        return int(options["CoreCount"]) * int(options.get("ThreadsPerCore", 1))
    return vcpus(str(host.get("InstanceType", ""))) or 0
