"""Checks: is what the stack's file names there, and is it what the stack needs?"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from adapters.errors import code_of
from components.machines import is_arm
from components.naming import physical_name
from operations.account import Account
from operations.asking import asking
from operations.findings import Finding, ok, problem, warning

SOON_DAYS: Final = 30
"""Before a certificate ends that nobody renews."""

CLOUDFRONT_REGION: Final = "us-east-1"
"""The one that CloudFront takes certificates from."""


def region(account: Account) -> Iterator[Finding]:
    # a region that is switched off does not answer; this one always does
    with asking("ec2", CLOUDFRONT_REGION) as ec2:
        found = {one["RegionName"]: one for one in ec2.describe_regions(AllRegions=True)["Regions"]}
    there = found.get(account.region)
    if there is None:
        yield problem("region", f"AWS has no region {account.region}", "correct aws:region in the stack's file")
    elif there.get("OptInStatus") == "not-opted-in":
        fix = f"aws account enable-region --region-name {account.region}, and wait some minutes"
        yield problem("region", f"{account.region} is not enabled in this account", fix)
    else:
        yield ok("region", f"{account.region} is enabled")


def zones(account: Account) -> Iterator[Finding]:
    network = account.settings.network
    if network is None:
        return
    with asking("ec2", account.region) as ec2:
        answer = ec2.describe_availability_zones()["AvailabilityZones"]
    there = {one["ZoneName"] for one in answer if one["State"] == "available"}
    missing = sorted({f"{account.region}{letter}" for letter in network.zones} - there)
    if missing:
        letters = ", ".join(sorted(one.removeprefix(account.region) for one in there if one.startswith(account.region)))
        yield problem("zones", f"this account has no {', '.join(missing)}", f"write network.zones out of: {letters}")
    else:
        yield ok("zones", ", ".join(f"{account.region}{letter}" for letter in network.zones))


def machine_image(account: Account) -> Iterator[Finding]:
    hosts = account.settings.hosts
    if hosts is None:
        return
    fix = f"make amis STACK={account.stack}"
    recorded = hosts.amis.get(account.region)
    if recorded is None:
        yield problem("machine image", f"hosts.amis has none for {account.region}", fix)
        return
    with asking("ec2", account.region) as ec2:
        try:
            images = ec2.describe_images(ImageIds=[recorded.id])["Images"]
        except ClientError as error:
            if not code_of(error).startswith("InvalidAMIID"):
                raise
            images = []
    if not images:
        yield problem("machine image", f"{recorded.id} is not to be had in {account.region}", fix)
        return
    (image,) = images
    if image["Architecture"] != hosts.architecture:
        says = f"{recorded.id} is {image['Architecture']}, the hosts are {hosts.architecture}"
        yield problem("machine image", says, fix)
    elif image.get("State", "available") != "available":
        yield problem("machine image", f"{recorded.id} is {image['State']}", fix)
    elif (ends := image.get("DeprecationTime")) and _time(ends) < _midnight(account):
        yield warning("machine image", f"{recorded.id} was deprecated by its owner on {ends[:10]}", fix)
    else:
        yield ok("machine image", f"{recorded.id} of {recorded.date}, {image['Architecture']}")


def host_types(account: Account) -> Iterator[Finding]:
    """Of the hosts' architecture, and to be had in every zone that they stand in."""
    hosts, network = account.settings.hosts, account.settings.network
    if hosts is None or network is None:
        return
    wanted = sorted({service.instance_type for service in account.services.values()})
    strangers = [one for one in wanted if is_arm(one) != (hosts.architecture == "arm64")]
    if strangers:
        fix = f"choose types of {hosts.architecture}, or change hosts.architecture (and the images with it)"
        yield problem("host types", f"{', '.join(strangers)}: not {hosts.architecture}", fix)
    where = [f"{account.region}{letter}" for letter in network.zones]
    offers = account.pages(
        "ec2",
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": wanted}, {"Name": "location", "Values": where}],
    )
    there = {(offer["InstanceType"], offer["Location"]) for offer in offers}
    missing = [f"{one} in {zone}" for one in wanted for zone in where if (one, zone) not in there]
    if missing:
        yield problem("host types", f"AWS has no {', '.join(missing)}", "choose another type, or other network.zones")
    elif not strangers:
        yield ok("host types", f"{', '.join(wanted)} in every zone")


def container_images(account: Account) -> Iterator[Finding]:
    for name, service in account.services.items():
        if service.image is None:
            says = f"hosts.{name}.image is not set: its group is made and stays empty"
            yield warning("container images", says, f"make images STACK={account.stack}")
            continue
        registry, _, rest = service.image.partition("/")
        repository, _, digest = rest.partition("@")
        owner, place = registry.split(".")[0], registry.split(".")[3]
        with asking("ecr", place) as ecr:
            try:
                ecr.describe_images(registryId=owner, repositoryName=repository, imageIds=[{"imageDigest": digest}])
            except ClientError as error:
                if code_of(error) not in ("ImageNotFoundException", "RepositoryNotFoundException"):
                    raise
                says = f"hosts.{name}.image is not in {registry}/{repository}"
                yield problem("container images", says, f"make images STACK={account.stack}")
                continue
        if place != account.region:
            says = f"hosts.{name}.image lies in {place}: hosts without a way there cannot fetch it"
            yield warning("container images", says, f"push the images to {account.region}")
        else:
            yield ok("container images", f"{name}: {repository}@{digest[:19]}...")


def certificates(account: Account) -> Iterator[Finding]:
    balancer, delivery = account.settings.balancer, account.settings.delivery
    if balancer is not None and balancer.certificate_arn is not None:
        yield from _certificate(account, "balancer", balancer.certificate_arn, balancer.domain, account.region)
    if delivery is not None and delivery.certificate_arn is not None:
        yield from _certificate(account, "delivery", delivery.certificate_arn, delivery.domain, CLOUDFRONT_REGION)


def _certificate(account: Account, part: str, arn: str, domain: str | None, where: str) -> Iterator[Finding]:
    fix = f"request one in {where} (aws acm request-certificate), and write its ARN as {part}.certificate_arn"
    if arn.split(":")[3] != where:
        yield problem("certificate", f"{part}.certificate_arn is of {arn.split(':')[3]}, not of {where}", fix)
        return
    with asking("acm", where) as acm:
        try:
            found = acm.describe_certificate(CertificateArn=arn)["Certificate"]
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            yield problem("certificate", f"{part}.certificate_arn is not in this account", fix)
            return
    names = {found["DomainName"], *found.get("SubjectAlternativeNames", [])}
    if domain is not None and not any(covers(name, domain) for name in names):
        yield problem("certificate", f"{part}: it is for {', '.join(sorted(names))}, not for {domain}", fix)
    elif found["Status"] != "ISSUED":
        remedy = "prove the domain: write the record that aws acm describe-certificate shows into its zone"
        yield problem("certificate", f"{part}: it is {found['Status'].lower().replace('_', ' ')}", remedy)
    elif _ends_soon(account, found):
        yield warning("certificate", f"{part}: it ends on {found['NotAfter']:%Y-%m-%d}", "renew it, or have AWS do so")
    else:
        yield ok("certificate", f"{part}: issued for {', '.join(sorted(names))}")


def covers(name: str, domain: str) -> bool:
    """Whether a certificate's name is that of the domain; a star stands for one label, the first."""
    if name.startswith("*."):
        return domain.partition(".")[2] == name.removeprefix("*.")
    return name == domain


def hosted_zone(account: Account) -> Iterator[Finding]:
    balancer = account.settings.balancer
    if balancer is None or balancer.hosted_zone_id is None or balancer.domain is None:
        return
    fix = "write the id of the public zone that the domain lies in: aws route53 list-hosted-zones"
    with asking("route53", account.region) as route53:
        try:
            zone = route53.get_hosted_zone(Id=balancer.hosted_zone_id)["HostedZone"]
        except ClientError as error:
            if code_of(error) != "NoSuchHostedZone":
                raise
            yield problem("hosted zone", f"there is no {balancer.hosted_zone_id} in this account", fix)
            return
    name = zone["Name"].rstrip(".")
    if zone.get("Config", {}).get("PrivateZone"):
        yield problem("hosted zone", f"{balancer.hosted_zone_id} ({name}) is private: it can prove no domain", fix)
    elif balancer.domain != name and not balancer.domain.endswith(f".{name}"):
        yield problem("hosted zone", f"{balancer.hosted_zone_id} is {name}, which {balancer.domain} is not in", fix)
    else:
        yield ok("hosted zone", f"{balancer.domain} lies in {name}")


def delivery_secret(account: Account) -> Iterator[Finding]:
    """The private half of the key that signs links."""
    delivery = account.settings.delivery
    if delivery is None:
        return
    name = delivery.private_key_secret or physical_name(account.stack, "delivery")
    with asking("secretsmanager", account.region) as secrets:
        try:
            secrets.describe_secret(SecretId=name)
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            fix = f"aws secretsmanager create-secret --name {name} --secret-string file://private.pem"
            yield problem("delivery", f"there is no secret {name}", fix)
            return
    yield ok("delivery", f"the secret {name} is there")


def _ends_soon(account: Account, certificate: dict[str, Any]) -> bool:
    ends = certificate.get("NotAfter")
    by_aws = certificate.get("RenewalEligibility") == "ELIGIBLE"
    return ends is not None and not by_aws and (ends.date() - account.today).days < SOON_DAYS


def _midnight(account: Account) -> datetime:
    return datetime(account.today.year, account.today.month, account.today.day, tzinfo=UTC)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
