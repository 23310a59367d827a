"""Physical names of resources that the program does not name: made as the real provider makes them, kept from then on.

Such a name is the resource's own with seven random hexadecimal digits, within what AWS allows; that it was made and not
given is noted among the inputs, in `__defaults`. https://www.pulumi.com/docs/iac/concepts/resources/names/#autonaming
"""

import hashlib
from typing import Any, Final

_DEFAULTS: Final = "__defaults"
_DIGITS: Final = 7

NAMED_BY: Final[dict[str, tuple[str, int]]] = {
    "aws:s3/bucket:Bucket": ("bucket", 63),
    "aws:sqs/queue:Queue": ("name", 80),
    "aws:sns/topic:Topic": ("name", 256),
    "aws:dynamodb/table:Table": ("name", 255),
    "aws:iam/role:Role": ("name", 64),
    "aws:iam/rolePolicy:RolePolicy": ("name", 128),
    "aws:iam/policy:Policy": ("name", 128),
    "aws:iam/instanceProfile:InstanceProfile": ("name", 128),
    "aws:lambda/function:Function": ("name", 64),
    "aws:cloudwatch/logGroup:LogGroup": ("name", 512),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ("name", 255),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": ("name", 512),
    "aws:ec2/launchTemplate:LaunchTemplate": ("name", 128),
    "aws:ec2/securityGroup:SecurityGroup": ("name", 255),
    "aws:autoscaling/group:Group": ("name", 255),
    "aws:autoscaling/policy:Policy": ("name", 255),
    "aws:autoscaling/lifecycleHook:LifecycleHook": ("name", 255),
    "aws:lb/loadBalancer:LoadBalancer": ("name", 32),
    "aws:lb/targetGroup:TargetGroup": ("name", 32),
    "aws:ecr/repository:Repository": ("name", 256),
    "aws:kms/alias:Alias": ("name", 256),
    "aws:cloudfront/originAccessControl:OriginAccessControl": ("name", 64),
    "aws:cloudfront/function:Function": ("name", 64),
    "aws:cloudfront/keyGroup:KeyGroup": ("name", 64),
    "aws:cloudfront/publicKey:PublicKey": ("name", 64),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": ("name", 128),
    "aws:cloudfront/cachePolicy:CachePolicy": ("name", 128),
    "aws:budgets/budget:Budget": ("name", 100),
    "aws:secretsmanager/secret:Secret": ("name", 512),
}
"""Input that names a type, and how many characters AWS takes."""


def named(kind: str, urn: str, news: dict[str, Any], olds: dict[str, Any], seed: bytes) -> dict[str, Any]:
    """The inputs with a name: the given one, else the one that was made before, else a new one."""
    where = NAMED_BY.get(kind)
    if where is None or where[0] in news or f"{where[0]}Prefix" in news:
        return news
    field, longest = where
    if field in olds.get(_DEFAULTS, []):
        name = olds[field]
    else:
        own = urn.rpartition("::")[2]
        if kind == "aws:s3/bucket:Bucket":
            own = own.lower()
        digits = hashlib.sha256(seed or urn.encode()).hexdigest()[:_DIGITS]
        name = f"{own[: longest - _DIGITS - 1]}-{digits}"
    return {**news, field: name, _DEFAULTS: [field]}


def rests_on_name(kind: str, old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether the program gave a name, and it stays: then the old resource must go before a new one can come."""
    where = NAMED_BY.get(kind)
    if where is None or where[0] not in new or where[0] in new.get(_DEFAULTS, []):
        return False
    return new[where[0]] == old.get(where[0])
