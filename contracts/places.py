"""Where objects live: keys of originals and results, built and parsed as inverses.

    inline/<tenant>/<job>/original                     an original that came through the upload service
    direct/<tenant>/<job>/original                     an original posted straight to S3 (only `direct/` notifies)
    <tenant>/<job>/<variant>-<digest>.<extension>      a result, named by the SHA-256 of its own bytes
    <tenant>/<job>/analysis-<digest>.json              what was found out about the original, likewise

No part of a key comes from a client's file name.
"""

import re
from typing import Final

from msgspec import Struct

from contracts.errors import BadMessage
from contracts.identifiers import JOB_ID_PATTERN, TENANT_PATTERN, VARIANT_NAME_PATTERN, JobId, Tenant, VariantName
from contracts.outputs import OutputFormat

INLINE: Final = "inline"
DIRECT: Final = "direct"

_TENANT: Final = TENANT_PATTERN.strip("^$")
_JOB: Final = JOB_ID_PATTERN.strip("^$")
_NAME: Final = VARIANT_NAME_PATTERN.strip("^$")
_EXTENSIONS: Final = {fmt.extension: fmt for fmt in OutputFormat}
_ORIGINAL: Final = re.compile(rf"(?P<way>{INLINE}|{DIRECT})/(?P<tenant>{_TENANT})/(?P<job>{_JOB})/original")
_RESULT: Final = re.compile(
    rf"(?P<tenant>{_TENANT})/(?P<job>{_JOB})/(?P<name>{_NAME})-(?P<digest>[0-9a-f]{{64}})\.(?P<ext>{'|'.join(_EXTENSIONS)})"
)


_ANALYSIS: Final = re.compile(rf"(?P<tenant>{_TENANT})/(?P<job>{_JOB})/analysis-(?P<digest>[0-9a-f]{{64}})\.json")


class OriginalPlace(Struct, frozen=True):
    """Place of an original; `way` is `inline` or `direct`."""

    way: str
    tenant: Tenant
    job_id: JobId

    @property
    def key(self) -> str:
        return f"{self.way}/{self.tenant}/{self.job_id}/original"


class ResultPlace(Struct, frozen=True):
    """Place of one result; `digest` is the SHA-256 of its bytes in lower-case hex."""

    tenant: Tenant
    job_id: JobId
    variant: VariantName
    digest: str
    format: OutputFormat

    @property
    def key(self) -> str:
        return f"{self.tenant}/{self.job_id}/{self.variant}-{self.digest}.{self.format.extension}"


class AnalysisPlace(Struct, frozen=True):
    """Place of what was found out about an original; `digest` as of a result. No format of pictures ends like it."""

    tenant: Tenant
    job_id: JobId
    digest: str

    @property
    def key(self) -> str:
        return f"{self.tenant}/{self.job_id}/analysis-{self.digest}.json"


def parse_original(key: str) -> OriginalPlace:
    """Inverse of `OriginalPlace.key`; raises BadMessage for any other key."""
    match = _ORIGINAL.fullmatch(key)
    if match is None:
        raise BadMessage("not the key of an original")
    return OriginalPlace(match["way"], match["tenant"], match["job"])


def parse_result(key: str) -> ResultPlace:
    """Inverse of `ResultPlace.key`; raises BadMessage for any other key."""
    match = _RESULT.fullmatch(key)
    if match is None:
        raise BadMessage("not the key of a result")
    return ResultPlace(match["tenant"], match["job"], match["name"], match["digest"], _EXTENSIONS[match["ext"]])


def parse_analysis(key: str) -> AnalysisPlace:
    """Inverse of `AnalysisPlace.key`; raises BadMessage for any other key."""
    match = _ANALYSIS.fullmatch(key)
    if match is None:
        raise BadMessage("not the key of an analysis")
    return AnalysisPlace(match["tenant"], match["job"], match["digest"])


def original_prefixes(tenant: Tenant, job_id: JobId) -> tuple[str, str]:
    """Prefixes in the bucket of originals under which everything of a job lies."""
    return f"{INLINE}/{tenant}/{job_id}/", f"{DIRECT}/{tenant}/{job_id}/"


def result_prefix(tenant: Tenant, job_id: JobId) -> str:
    """Prefix in the bucket of results under which everything of a job lies."""
    return f"{tenant}/{job_id}/"
