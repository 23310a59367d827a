"""CloudFront before the results: nobody reads without a signed link, and no bucket is anybody's but ours."""

import base64
import json
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import example, given
from hypothesis import strategies as st

from components.config import BadConfiguration
from components.link_keys import PublicKey, public_key
from components.site import Delivery
from tests.support.laws import broken
from tests.support.plan import ACCOUNT, Declared, Plan
from tests.support.resource_policies import says
from tests.support.storing import STACK, storing

DISTRIBUTION = f"arn:aws:cloudfront:eu-west-1:{ACCOUNT}:distribution/delivery"
CERTIFICATE = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/12345678-1234-1234-1234-123456789012"
YEAR = 365 * 24 * 3600

SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
PEM = serialization.Encoding.PEM


@cache
def private(number: int = 0, bits: int = 2048, exponent: int = 65537) -> rsa.RSAPrivateKey:
    """One of a few keys: making them takes longer than any test."""
    return rsa.generate_private_key(exponent, bits)


@cache
def pem(number: int = 0, bits: int = 2048, exponent: int = 65537) -> str:
    return private(number, bits, exponent).public_key().public_bytes(PEM, SPKI).decode()


def delivery(**settings: Any) -> Delivery:
    return Delivery(**{"public_keys": {"2026": pem()}, **settings})


@pytest.fixture(scope="module")
def delivered() -> Plan:
    return storing(
        delivery=delivery(public_keys={"b": pem(1), "a": pem(0)}),
        roles={"signer": lambda stored, role: stored.delivery.signing_by(role)},
    )


def distribution(plan: Plan) -> Declared:
    return plan.one("Distribution", "delivery")


def settings_of(one: Declared) -> dict[str, Any]:
    return {key: value for key, value in one.inputs.items() if key not in ("tags", "comment", "description")}


@given(st.integers(0, 1), st.integers(1, 80), st.text(" \t\r\n", max_size=4), st.sampled_from(["\n", "\r\n", " "]))
def test_a_key_is_written_in_one_way_whatever_white_space_it_came_with(
    number: int, width: int, around: str, end: str
) -> None:
    head, *body, foot = pem(number).splitlines()
    text = "".join(body)
    lines = [text[start : start + width] for start in range(0, len(text), width)]
    found = public_key(around + end.join([head, *lines, foot]) + around)
    assert found.pem == pem(number)
    assert found == public_key(found.pem)


def test_another_key_has_another_fingerprint() -> None:
    assert public_key(pem(0)).fingerprint != public_key(pem(1)).fingerprint


def _elliptic() -> str:
    return ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(PEM, SPKI).decode()


def _old_format() -> str:
    return private().public_key().public_bytes(PEM, serialization.PublicFormat.PKCS1).decode()


def _private_half() -> str:
    plain = serialization.NoEncryption()
    return private().private_bytes(PEM, serialization.PrivateFormat.PKCS8, plain).decode()


REFUSED = {
    "empty": lambda: "",
    "a name": lambda: "K2JCJMDEHXQW5F",
    "elliptic": _elliptic,
    "old format": _old_format,
    "1024 bits": lambda: pem(bits=1024),
    "3072 bits": lambda: pem(bits=3072),
    "another exponent": lambda: pem(exponent=3),
    "two keys": lambda: pem(0) + pem(1),
    "cut off": lambda: pem()[:200],
    "no base64": lambda: pem().replace("MII", "M!I"),
    "labelled otherwise": lambda: pem().replace("PUBLIC KEY", "CERTIFICATE"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cloudfront_would_not_take_is_refused_with_its_path(what: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        storing(delivery=delivery(public_keys={"2026": REFUSED[what]()}))
    assert str(refused.value) == (
        "pipeline.delivery.public_keys.2026: must be a public RSA key of 2048 bits in PEM; "
        "openssl rsa -in <private key> -pubout writes it"
    )


def test_a_private_key_is_refused_and_not_shown() -> None:
    with pytest.raises(BadConfiguration) as refused:
        storing(delivery=delivery(public_keys={"2026": _private_half()}))
    line = str(refused.value)
    assert line.startswith("pipeline.delivery.public_keys.2026: is a private key, and secret no longer")
    assert not any(part in line for part in _private_half().splitlines()[1:-1])


@given(st.text())
@example("-----BEGIN PUBLIC KEY-----\n=\n-----END PUBLIC KEY-----")
@example("-----BEGIN PUBLIC KEY-----\n\ud800\n-----END PUBLIC KEY-----")
def test_any_other_text_is_no_key(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be a public RSA key|is a private key"):
        public_key(text)


@given(st.integers(0, 293), st.integers(1, 255))
def test_a_key_with_a_changed_byte_is_another_key_or_none(place: int, change: int) -> None:
    der = bytearray(base64.b64decode("".join(pem().splitlines()[1:-1])))
    assert len(der) == 294
    der[place] ^= change
    try:
        found: PublicKey | None = public_key(_as_pem(bytes(der)))
    except ValueError:
        found = None
    assert found is None or (33 <= place < 289 and found.fingerprint != public_key(pem()).fingerprint)


def _as_pem(der: bytes) -> str:
    return f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(der).decode()}\n-----END PUBLIC KEY-----"


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"signing_key": "2027"},
            "pipeline.delivery.signing_key: 2027 is not among the public keys; one of 2026",
        ),
        (
            {"domain": "img.example.com"},
            "pipeline.delivery.certificate_arn: is missing; "
            "a domain and a certificate of us-east-1 for it stand together",
        ),
        (
            {"certificate_arn": CERTIFICATE},
            "pipeline.delivery.domain: is missing; a domain and a certificate of us-east-1 for it stand together",
        ),
        *(
            (
                {"private_key_secret": name},
                "pipeline.delivery.private_key_secret: must be the name of a secret, not its ARN; "
                "letters, digits and /_+=.@- are allowed",
            )
            for name in ("*", "key-??????", "", "a b", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x", "x\n")
        ),
    ],
)
def test_a_mistake_is_one_line_with_path_and_hint(settings: dict[str, Any], line: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        storing(delivery=delivery(**settings))
    assert str(refused.value) == line


def test_a_key_stands_there_once() -> None:
    with pytest.raises(BadConfiguration) as refused:
        storing(delivery=delivery(public_keys={"b": pem(), "a": pem()}))
    assert str(refused.value) == "pipeline.delivery.public_keys.b: is the same key as a; remove one of them"


def test_every_request_needs_a_signed_link_over_tls(delivered: Plan) -> None:
    behavior = distribution(delivered).inputs["defaultCacheBehavior"]
    assert behavior == {
        "targetOriginId": "results",
        "viewerProtocolPolicy": "https-only",
        "allowedMethods": ["GET", "HEAD"],
        "cachedMethods": ["GET", "HEAD"],
        "compress": False,
        "trustedKeyGroups": ["delivery-id"],
        "cachePolicyId": "delivery-id",
        "originRequestPolicyId": "delivery-id",
        "responseHeadersPolicyId": "delivery-id",
    }
    assert "orderedCacheBehaviors" not in distribution(delivered).inputs


def test_the_key_group_has_every_public_key_and_says_which_one_signs(delivered: Plan) -> None:
    keys = {one.inputs["comment"]: one.inputs for one in delivered.of("PublicKey")}
    assert {label: one["encodedKey"] for label, one in keys.items()} == {"a": pem(0), "b": pem(1)}
    for label, one in keys.items():
        fingerprint = public_key(one["encodedKey"]).fingerprint
        assert one["name"] == f"darkroom-{STACK}-delivery-{fingerprint}"
        assert delivered.one("PublicKey", f"delivery-{label}")
    group = delivered.one("KeyGroup", "delivery").inputs
    assert group["items"] == ["delivery-a-id", "delivery-b-id"]
    assert delivered.exports["key_id"] == "delivery-a-id"
    other = storing(delivery=delivery(public_keys={"a": pem(0), "b": pem(1)}, signing_key="b"))
    assert other.exports["key_id"] == "delivery-b-id"


def test_the_distribution_is_what_it_says(delivered: Plan) -> None:
    inputs = {
        key: value for key, value in settings_of(distribution(delivered)).items() if key != "defaultCacheBehavior"
    }
    bucket = delivered.one("Bucket", "results").state["bucket"]
    assert inputs == {
        "enabled": True,
        "aliases": [],
        "viewerCertificate": {"cloudfrontDefaultCertificate": True},
        "httpVersion": "http2and3",
        "isIpv6Enabled": True,
        "priceClass": "PriceClass_100",
        "origins": [
            {
                "originId": "results",
                "domainName": f"{bucket}.s3.eu-west-1.amazonaws.com",
                "originAccessControlId": "delivery-id",
            }
        ],
        "customErrorResponses": [{"errorCode": code, "errorCachingMinTtl": 10} for code in (403, 404)],
        "restrictions": {"geoRestriction": {"restrictionType": "none"}},
    }
    assert distribution(delivered).inputs["tags"] == {"project": "darkroom", "stack": STACK}
    assert delivered.exports["domain"] == "made.cloudfront.net"


def test_a_domain_of_ones_own_comes_with_its_certificate_and_newer_tls() -> None:
    plan = storing(delivery=delivery(domain="img.example.com", certificate_arn=CERTIFICATE))
    inputs = distribution(plan).inputs
    assert inputs["aliases"] == ["img.example.com"]
    assert inputs["viewerCertificate"] == {
        "acmCertificateArn": CERTIFICATE,
        "sslSupportMethod": "sni-only",
        "minimumProtocolVersion": "TLSv1.2_2021",
    }
    assert plan.exports["domain"] == "img.example.com"


def test_cloudfront_reads_as_itself_and_signs_always(delivered: Plan) -> None:
    assert settings_of(delivered.one("OriginAccessControl", "delivery")) == {
        "name": f"darkroom-{STACK}-delivery",
        "originAccessControlOriginType": "s3",
        "signingBehavior": "always",
        "signingProtocol": "sigv4",
    }


def test_a_result_is_kept_for_a_year_by_its_path_alone(delivered: Plan) -> None:
    """The least is a year too: `private`, as every result says to browsers, would keep it out of the cache."""
    assert settings_of(delivered.one("CachePolicy", "delivery")) == {
        "name": f"darkroom-{STACK}-delivery",
        "minTtl": YEAR,
        "defaultTtl": YEAR,
        "maxTtl": YEAR,
        "parametersInCacheKeyAndForwardedToOrigin": {
            "cookiesConfig": {"cookieBehavior": "none"},
            "headersConfig": {"headerBehavior": "none"},
            "queryStringsConfig": {"queryStringBehavior": "none"},
            "enableAcceptEncodingBrotli": False,
            "enableAcceptEncodingGzip": False,
        },
    }


def test_of_a_request_the_offered_name_alone_reaches_s3(delivered: Plan) -> None:
    assert settings_of(delivered.one("OriginRequestPolicy", "delivery")) == {
        "name": f"darkroom-{STACK}-delivery",
        "cookiesConfig": {"cookieBehavior": "none"},
        "headersConfig": {"headerBehavior": "none"},
        "queryStringsConfig": {
            "queryStringBehavior": "whitelist",
            "queryStrings": {"items": ["response-content-disposition"]},
        },
    }


def test_an_answer_is_a_picture_and_nothing_else(delivered: Plan) -> None:
    assert settings_of(delivered.one("ResponseHeadersPolicy", "delivery")) == {
        "name": f"darkroom-{STACK}-delivery",
        "securityHeadersConfig": {
            "contentTypeOptions": {"override": True},
            "contentSecurityPolicy": {"contentSecurityPolicy": "default-src 'none'; sandbox", "override": True},
            "strictTransportSecurity": {"accessControlMaxAgeSec": YEAR, "override": True},
        },
        "customHeadersConfig": {
            "items": [{"header": "Cross-Origin-Resource-Policy", "value": "cross-origin", "override": True}]
        },
        "removeHeadersConfig": {
            "items": [
                {"header": "x-amz-server-side-encryption"},
                {"header": "x-amz-server-side-encryption-aws-kms-key-id"},
                {"header": "x-amz-server-side-encryption-bucket-key-enabled"},
                {"header": "x-amz-version-id"},
            ]
        },
    }


@pytest.mark.parametrize(
    ("settings", "secret"),
    [({}, f"darkroom-{STACK}-delivery"), ({"private_key_secret": "team/links@2026"}, "team/links@2026")],
)
def test_who_signs_reads_one_secret(settings: dict[str, Any], secret: str) -> None:
    plan = storing(
        delivery=delivery(**settings), roles={"signer": lambda stored, role: stored.delivery.signing_by(role)}
    )
    assert plan.exports["secret"] == secret
    assert json.loads(plan.one("RolePolicy", "signer").inputs["policy"])["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["secretsmanager:GetSecretValue"],
            "Resource": [f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:{secret}-??????"],
        }
    ]
    assert plan.of("Secret") == plan.of("SecretVersion") == []


@cache
def storing_everything() -> Plan:
    return storing(key=True, delivery=delivery(), hosts=True, alarms=True)


@pytest.mark.parametrize("key", [True, False])
@pytest.mark.parametrize("require_tls", [True, False])
def test_the_distribution_gets_results_and_nobody_else_does(key: bool, require_tls: bool) -> None:
    plan = storing(key=key, delivery=delivery(), require_tls=require_tls)
    arn = plan.one("Bucket", "results").state["arn"]
    document = plan.one("BucketPolicy", "results").inputs["policy"]

    def asked(action: str = "s3:GetObject", who: str = "cloudfront.amazonaws.com", **changed: str) -> str:
        context = {"aws:SourceArn": DISTRIBUTION, "aws:SourceAccount": ACCOUNT, "aws:SecureTransport": "true"}
        context |= {"s3:TlsVersion": "1.2"}
        changes = {"source": "aws:SourceArn", "of": "aws:SourceAccount", "secure": "aws:SecureTransport"}
        context |= {changes[name]: value for name, value in changed.items()}
        return says(document, who=who, action=action, resource=f"{arn}/default/job/thumb.webp", context=context)

    assert asked() == "allow"
    assert asked(source=DISTRIBUTION + "2") == "nothing"
    assert asked(of="999999999999") == "nothing"
    assert asked("s3:PutObject") == asked("s3:ListBucket") == asked("s3:GetObjectVersion") == "nothing"
    assert asked(who="logging.s3.amazonaws.com") == "nothing"
    assert asked(who=f"arn:aws:iam::{ACCOUNT}:role/upload") == "nothing"
    assert asked(secure="false") == ("deny" if require_tls else "allow")


def test_a_bucket_has_one_policy_and_it_is_written_where_the_distribution_is_known() -> None:
    plan = storing_everything()
    assert sorted(one.name for one in plan.of("BucketPolicy")) == ["originals", "results"]
    with pytest.raises(ValueError, match="the policy of results is written"):
        storing(roles={"late": lambda stored, role: stored.results.delivered_by(DISTRIBUTION)})


@pytest.fixture(params=["local", "dev", "prod", "everything", "everything that stores"])
def any_plan(request: pytest.FixtureRequest) -> Plan:
    return storing_everything() if request.param == "everything that stores" else request.getfixturevalue(request.param)


def test_no_bucket_lets_anybody_in_but_services_on_behalf_of_ours(any_plan: Plan) -> None:
    """Each statement that allows names services, and the very resource and account that they come for."""
    assert any_plan.of("Bucket")
    for policy in any_plan.of("BucketPolicy"):
        for statement in json.loads(policy.inputs["policy"])["Statement"]:
            assert statement["Effect"] == "Deny" or _for_ours(statement), (policy, statement)


def test_everything_that_stores_keeps_every_law() -> None:
    assert broken(storing_everything()) == []


def _for_ours(statement: dict[str, Any]) -> bool:
    condition = statement.get("Condition", {}).get("StringEquals", {})
    source = condition.get("aws:SourceArn")
    return (
        set(statement["Principal"]) == {"Service"}
        and "*" not in statement["Principal"]["Service"]
        and condition.get("aws:SourceAccount") == ACCOUNT
        and (source is None or (f":{ACCOUNT}:" in source and "*" not in source))
    )
