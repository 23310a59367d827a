"""ResultDelivery: CloudFront before the bucket of results, open to signed links alone."""

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from components.config import BadConfiguration
from components.identity import ProcessRole
from components.link_keys import PublicKey, public_keys, secret_name, signing_key
from components.naming import type_token
from components.site import Delivery
from components.stage import Stage
from components.storage import ImageBucket

YEAR_SECONDS = 31_536_000
ERROR_SECONDS = 10
"""That an edge remembers a refusal: long enough for a storm, and no longer than whoever mends it waits."""

DISPOSITION = "response-content-disposition"
"""The one part of a query that reaches S3: the name that a link offers to who saves the picture."""

HIDDEN = (
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-version-id",
)
"""What S3 tells of itself and is nobody's business; the second has the account's number and the key in it."""


class ResultDelivery(pulumi.ComponentResource):
    """A distribution that reads the bucket as itself, and answers nobody without a link signed by one of our keys.

    - A result never changes, so an edge keeps it for a year: the least, not only the most, because `private` in an
      object's own Cache-Control would keep it out of the cache. An edge checks the link each time, so what is cached is
      as closed as the bucket; of an erased job no link is made any more, and those given out die within minutes.
    - The key of the cache is the path alone: the name that a link offers belongs to the path, and is signed with it.
    - Cache-Control comes from the object, not from here: written here it would be on refusals too, for a year.
    - No access logs: a line of them holds a whole link, which opens the picture while it lives, and who looked at it.
    - Without a domain of one's own CloudFront takes TLS 1.0 from whoever speaks nothing newer, and lets nobody say
      otherwise; with one it takes 1.2 and above.

    `domain_name` is what links begin with, `key_id` names the key that signs them, `secret_name` the secret that holds
    its private half. A person makes the secret: no private key comes near the program or its state.
    """

    domain_name: Output[str]
    key_id: Output[str]

    def __init__(
        self,
        name: str,
        *,
        stage: Stage,
        settings: Delivery,
        results: ImageBucket,
        opts: ResourceOptions | None = None,
    ) -> None:
        certificate, keys, signing = _certificate(settings), public_keys(settings), signing_key(settings)
        super().__init__(type_token("delivery", "ResultDelivery"), name, None, opts)
        self._stage = stage
        self._name = name
        self.secret_name = secret_name(settings, stage.name(name))
        made = {label: self._key(label, key) for label, key in keys.items()}
        group = aws.cloudfront.KeyGroup(
            name,
            name=stage.name(name),
            comment="Who signs links to results",
            items=[key.id for key in made.values()],
            opts=self._child(),
        )
        distribution = self._distribution(settings, certificate, results, group)
        results.delivered_by(distribution.arn)
        self.domain_name = Output.from_input(settings.domain or distribution.domain_name)
        self.key_id = made[signing].id
        self.register_outputs({"domain_name": self.domain_name, "key_id": self.key_id})

    def signing_by(self, role: ProcessRole) -> None:
        """The role may read the secret with the private key.

        Secrets Manager ends the name in an ARN with a hyphen and six characters of its own. Source: "Permissions policy
        examples for AWS Secrets Manager", on wildcards.
        """
        role.allow(
            ["secretsmanager:GetSecretValue"],
            self._stage.arn("secretsmanager", f"secret:{self.secret_name}-??????"),
        )

    def _child(self) -> ResourceOptions:
        return ResourceOptions(parent=self)

    def _key(self, label: str, key: PublicKey) -> "aws.cloudfront.PublicKey":
        return aws.cloudfront.PublicKey(
            f"{self._name}-{label}",
            name=self._stage.name(f"{self._name}-{key.fingerprint}"),
            comment=label,
            encoded_key=key.pem,
            opts=self._child(),
        )

    def _distribution(
        self,
        settings: Delivery,
        certificate: "aws.cloudfront.DistributionViewerCertificateArgsDict",
        results: ImageBucket,
        group: "aws.cloudfront.KeyGroup",
    ) -> "aws.cloudfront.Distribution":
        access = aws.cloudfront.OriginAccessControl(
            self._name,
            name=self._stage.name(self._name),
            description="CloudFront reads the results as itself",
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=self._child(),
        )
        return aws.cloudfront.Distribution(
            self._name,
            comment=self._stage.name(self._name),
            enabled=True,
            aliases=[] if settings.domain is None else [settings.domain],
            viewer_certificate=certificate,
            http_version="http2and3",
            is_ipv6_enabled=True,
            price_class=settings.price_class,
            origins=[
                {
                    "origin_id": "results",
                    "domain_name": results.bucket_name.apply(self._host_of),
                    "origin_access_control_id": access.id,
                }
            ],
            default_cache_behavior={
                "target_origin_id": "results",
                "viewer_protocol_policy": "https-only",
                "allowed_methods": ["GET", "HEAD"],
                "cached_methods": ["GET", "HEAD"],
                # a picture is as small as it gets
                "compress": False,
                "trusted_key_groups": [group.id],
                "cache_policy_id": self._cache().id,
                "origin_request_policy_id": self._forwarded().id,
                "response_headers_policy_id": self._headers().id,
            },
            custom_error_responses=[
                {"error_code": code, "error_caching_min_ttl": ERROR_SECONDS} for code in (403, 404)
            ],
            restrictions={"geo_restriction": {"restriction_type": "none"}},
            tags=self._stage.tags,
            opts=self._child(),
        )

    def _host_of(self, bucket: str) -> str:
        # the regional name: the global one redirects to it for the first hours of a bucket
        return f"{bucket}.s3.{self._stage.region}.amazonaws.com"

    def _cache(self) -> "aws.cloudfront.CachePolicy":
        return aws.cloudfront.CachePolicy(
            self._name,
            name=self._stage.name(self._name),
            comment="A year, by the path alone",
            min_ttl=YEAR_SECONDS,
            default_ttl=YEAR_SECONDS,
            max_ttl=YEAR_SECONDS,
            parameters_in_cache_key_and_forwarded_to_origin={
                "cookies_config": {"cookie_behavior": "none"},
                "headers_config": {"header_behavior": "none"},
                "query_strings_config": {"query_string_behavior": "none"},
                "enable_accept_encoding_brotli": False,
                "enable_accept_encoding_gzip": False,
            },
            opts=self._child(),
        )

    def _forwarded(self) -> "aws.cloudfront.OriginRequestPolicy":
        return aws.cloudfront.OriginRequestPolicy(
            self._name,
            name=self._stage.name(self._name),
            comment="The name for who saves the picture",
            cookies_config={"cookie_behavior": "none"},
            headers_config={"header_behavior": "none"},
            query_strings_config={"query_string_behavior": "whitelist", "query_strings": {"items": [DISPOSITION]}},
            opts=self._child(),
        )

    def _headers(self) -> "aws.cloudfront.ResponseHeadersPolicy":
        return aws.cloudfront.ResponseHeadersPolicy(
            self._name,
            name=self._stage.name(self._name),
            comment="A picture and nothing else",
            security_headers_config={
                "content_type_options": {"override": True},
                "content_security_policy": {
                    "content_security_policy": "default-src 'none'; sandbox",
                    "override": True,
                },
                "strict_transport_security": {"access_control_max_age_sec": YEAR_SECONDS, "override": True},
            },
            custom_headers_config={
                # a link is made to be shown on somebody's page, also on one that asks for it (COEP)
                "items": [{"header": "Cross-Origin-Resource-Policy", "value": "cross-origin", "override": True}]
            },
            remove_headers_config={"items": [{"header": header} for header in HIDDEN]},
            opts=self._child(),
        )


def _certificate(settings: Delivery) -> "aws.cloudfront.DistributionViewerCertificateArgsDict":
    if (settings.domain is None) != (settings.certificate_arn is None):
        missing = "domain" if settings.domain is None else "certificate_arn"
        raise BadConfiguration(
            f"pipeline.delivery.{missing}: is missing; a domain and a certificate of us-east-1 for it stand together"
        )
    if settings.certificate_arn is None:
        return {"cloudfront_default_certificate": True}
    return {
        "acm_certificate_arn": settings.certificate_arn,
        "ssl_support_method": "sni-only",
        "minimum_protocol_version": "TLSv1.2_2021",
    }
