"""A process reads back the settings that its component wrote; what is missing or wrong is named."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from contracts.environment import (
    PREFIX,
    BadEnvironment,
    CloudEnvironment,
    ProcessingEnvironment,
    TransformEnvironment,
    UploadEnvironment,
    from_environ,
    to_environ,
)
from contracts.limits import Timing
from contracts.messages import Queue
from tests.support.strategies import TEXT, values_of

KINDS = [UploadEnvironment, ProcessingEnvironment, TransformEnvironment]
settings = st.one_of([values_of(kind) for kind in KINDS])


@given(settings)
def test_settings_are_read_back(written: CloudEnvironment) -> None:
    assert from_environ(type(written), to_environ(written)) == written


@given(settings, st.dictionaries(st.text("ABC_", min_size=1), TEXT))
def test_other_variables_are_not_looked_at(written: CloudEnvironment, others: dict[str, str]) -> None:
    assert from_environ(type(written), others | to_environ(written)) == written


@given(settings)
def test_every_variable_is_one_of_ours_and_can_stand_in_an_environment(written: CloudEnvironment) -> None:
    fields = {field.name for field in msgspec.structs.fields(written)}
    for name, value in to_environ(written).items():
        assert name.startswith(PREFIX)
        assert name.removeprefix(PREFIX).lower() in fields
        assert name == name.upper()
        assert isinstance(value, str)


@given(settings, st.data())
def test_a_missing_setting_is_named(written: CloudEnvironment, data: st.DataObject) -> None:
    required = [field.name for field in msgspec.structs.fields(written) if field.required]
    missing = PREFIX + data.draw(st.sampled_from(required)).upper()
    environ = {name: value for name, value in to_environ(written).items() if name != missing}
    with pytest.raises(BadEnvironment, match=f"^{missing} is not set"):
        from_environ(type(written), environ)


def _is_text(kind: type[Struct], name: str) -> bool:
    hint = next(field.type for field in msgspec.structs.fields(kind) if field.name == name)
    return hint in (str, str | None)


@given(settings, st.data())
def test_a_wrong_setting_is_named(written: CloudEnvironment, data: st.DataObject) -> None:
    fields = [field.name for field in msgspec.structs.fields(written) if not _is_text(type(written), field.name)]
    variable = PREFIX + data.draw(st.sampled_from(fields)).upper()
    wrong = data.draw(
        st.sampled_from(["", "nonsense", "-1", "[]", "{", '"unclosed', "NaN", "1e999", '{"no such": 1}', "[" * 10_000])
    )
    with pytest.raises(BadEnvironment, match=f"^{variable}: "):
        from_environ(type(written), to_environ(written) | {variable: wrong})


UPLOAD: dict[str, Any] = {
    "region": "eu-central-1",
    "stack": "local",
    "originals_bucket": "originals",
    "results_bucket": "results",
    "jobs_table": "jobs",
    "due_shards": 8,
    "queue_urls": {Queue.JOBS: "http://127.0.0.1:4566/jobs"},
    "link_signer_role_arn": "arn:aws:iam::000000000000:role/link-signer",
    "auth": "open",
    "registry_table": "registry",
}


def test_text_stands_as_it_is_and_everything_else_as_json() -> None:
    environ = to_environ(UploadEnvironment(**UPLOAD))
    assert environ["DARKROOM_REGION"] == "eu-central-1"
    assert environ["DARKROOM_DUE_SHARDS"] == "8"
    assert json.loads(environ["DARKROOM_QUEUE_URLS"]) == {"jobs": "http://127.0.0.1:4566/jobs"}
    assert json.loads(environ["DARKROOM_TIMING"])["link_seconds"] == Timing().link_seconds
    assert "DARKROOM_ENDPOINT_URL" not in environ


@pytest.mark.parametrize("text", ["null", "true", "7", '"quoted"', "{}", " spaced ", "é"])
def test_text_that_looks_like_json_stays_text(text: str) -> None:
    written = UploadEnvironment(**UPLOAD | {"stack": text, "endpoint_url": text})
    assert from_environ(UploadEnvironment, to_environ(written)) == written


DELIVERY = {"delivery_domain": "img.example.com", "delivery_key_id": "K2JCJMDEHXQW5F", "delivery_secret_name": "key"}


def test_links_lead_to_s3_unless_all_of_delivery_is_set() -> None:
    assert UploadEnvironment(**UPLOAD).delivery is None
    delivered = from_environ(UploadEnvironment, to_environ(UploadEnvironment(**UPLOAD, **DELIVERY)))
    assert delivered.delivery == ("img.example.com", "K2JCJMDEHXQW5F", "key")


@pytest.mark.parametrize("name", DELIVERY)
def test_a_missing_part_of_delivery_is_named(name: str) -> None:
    with_one = UploadEnvironment(**UPLOAD, **{name: DELIVERY[name]})
    without_one = UploadEnvironment(**UPLOAD, **{**DELIVERY, name: None})
    others = " and ".join(PREFIX + other.upper() for other in DELIVERY if other != name)
    need = "not set, but links through CloudFront need all three settings"
    with pytest.raises(BadEnvironment, match=f"^{others}: {need}"):
        _ = with_one.delivery
    with pytest.raises(BadEnvironment, match=f"^{PREFIX}{name.upper()}: {need}"):
        _ = without_one.delivery
