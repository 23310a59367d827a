"""Deletes a job's bytes: every version and marker of its originals and results.

The session it works under is narrowed to that job's prefixes, so no mistake here can reach another job's bytes.
"""

import itertools
import json
from collections.abc import Callable
from typing import Any, Final

from adapters.clients import AwsClient, Keys
from adapters.errors import translated
from adapters.sessions import SHORTEST_SECONDS, assume
from contracts.errors import Unavailable
from contracts.identifiers import JobId, Tenant
from contracts.places import original_prefixes, result_prefix

BATCH: Final = 1_000
"""Versions in one DeleteObjects call (an S3 limit)."""


class S3Eraser:
    """As `Eraser`. `make_s3` makes a client that uses the given keys; it is closed after the errand."""

    def __init__(
        self,
        sts: AwsClient,
        role_arn: str,
        *,
        originals_bucket: str,
        results_bucket: str,
        make_s3: Callable[[Keys], AwsClient],
    ) -> None:
        self._sts = sts
        self._role_arn = role_arn
        self._originals_bucket = originals_bucket
        self._results_bucket = results_bucket
        self._make_s3 = make_s3

    def erase(self, tenant: Tenant, job_id: JobId) -> int:
        places = {
            self._originals_bucket: list(original_prefixes(tenant, job_id)),
            self._results_bucket: [result_prefix(tenant, job_id)],
        }
        policy = erasure_policy(places, partition=self._role_arn.split(":")[1])
        keys = assume(self._sts, self._role_arn, f"erase-{job_id}", policy=policy, seconds=SHORTEST_SECONDS)
        s3 = self._make_s3(keys)
        try:
            return sum(_erase_prefix(s3, bucket, prefix) for bucket, prefixes in places.items() for prefix in prefixes)
        finally:
            s3.close()


def erasure_policy(places: dict[str, list[str]], partition: str = "aws") -> str:
    """Session policy, as JSON: list and delete versions under these prefixes of these buckets, and nothing else."""
    statements: list[dict[str, Any]] = []
    for bucket, prefixes in places.items():
        arn = f"arn:{partition}:s3:::{bucket}"
        statements.append(
            {
                "Effect": "Allow",
                "Action": "s3:ListBucketVersions",
                "Resource": arn,
                "Condition": {"StringEquals": {"s3:prefix": prefixes}},
            }
        )
        statements.append(
            {
                "Effect": "Allow",
                # S3's reference asks for the first always, for the second where the bucket is versioned
                "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
                "Resource": [f"{arn}/{prefix}*" for prefix in prefixes],
            }
        )
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def _erase_prefix(s3: AwsClient, bucket: str, prefix: str) -> int:
    """Lists and deletes until a listing from the start is empty: what came meanwhile goes too."""
    erased = 0
    while True:
        found = _versions(s3, bucket, prefix)
        if not found:
            return erased
        with translated():
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": found, "Quiet": True})
        errors = answer.get("Errors", [])
        if errors:
            raise Unavailable(f"{len(errors)} of {len(found)} versions were not deleted: {errors[0].get('Code')}")
        erased += len(found)


def _versions(s3: AwsClient, bucket: str, prefix: str) -> list[dict[str, Any]]:
    """Up to a batch of versions and markers; always the first ones, because the ones before are deleted by now."""
    with translated():
        page = s3.list_object_versions(Bucket=bucket, Prefix=prefix, MaxKeys=BATCH)
    listed = itertools.chain(page.get("Versions", []), page.get("DeleteMarkers", []))
    return [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in listed]
