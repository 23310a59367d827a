"""The configuration: strict, and a mistake is one line with its path and what would be right."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from components.config import BadConfiguration, decode
from components.settings import PipelineConfig, Transform
from contracts.limits import Timing
from tests.support.plan import run, stack_settings

KEYS = st.text() | st.sampled_from(PipelineConfig.__struct_fields__ + Transform.__struct_fields__)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
)


def answer(text: str) -> str | None:
    """The line that a configuration is refused with; None if it is taken."""
    try:
        decode(text, PipelineConfig)
    except BadConfiguration as error:
        return str(error)
    return None


def mistake(value: Any) -> str:
    line = answer(value if isinstance(value, str) else json.dumps(value))
    assert line is not None
    return line


@pytest.mark.parametrize(("stack", "auth", "days"), [("local", "open", 1), ("dev", "required", 7)])
def test_the_stacks_in_the_tree_are_configured_without_mistake(stack: str, auth: str, days: int) -> None:
    _, pipeline = stack_settings(stack)
    config = decode(json.dumps(pipeline), PipelineConfig)
    assert (config.auth, config.log_retention_days) == (auth, days)


def test_nothing_is_what_production_wants() -> None:
    config = decode("{}", PipelineConfig)
    assert config == PipelineConfig(transform=Transform(), timing=Timing())
    assert (config.require_tls, config.auth, config.deletion_protection, config.force_destroy) == (
        True,
        "required",
        True,
        False,
    )


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({"transform": {"thread": 1}}, "pipeline.transform: has no field 'thread'; did you mean 'threads'?"),
        ({"transform": {"memory_mb": 1}}, "pipeline.transform.memory_mb: expected `int` >= 512; the default is 3008"),
        ({"transform": {"concurrency": 1}}, "pipeline.transform.concurrency: expected `int` >= 2; the default is 10"),
        (
            {"transform": {"concurrency": 1001}},
            "pipeline.transform.concurrency: expected `int` <= 1000; the default is 10",
        ),
        (
            {"transform": {"python": "2.7"}},
            "pipeline.transform.python: invalid enum value '2.7'; one of 3.11, 3.12, 3.13",
        ),
        ({"due_shards": "8"}, "pipeline.due_shards: expected `int`, got `str`; the default is 8"),
        ({"require_tls": "no"}, "pipeline.require_tls: expected `bool`, got `str`; the default is true"),
        (
            {"timing": {"transforms_visibility_seconds": 59}},
            "pipeline.timing.transforms_visibility_seconds: must not be below timing.function_timeout_seconds; "
            "raise it",
        ),
        (
            {"timing": {"dead_letter_retention_seconds": 4 * 86_400}},
            "pipeline.timing.dead_letter_retention_seconds: must be above timing.queue_retention_seconds; raise it",
        ),
        (
            {"transform": {"reserved_concurrency": 9}},
            "pipeline.transform.reserved_concurrency: must not be below transform.concurrency; "
            "raise it or leave it out",
        ),
        ({"auth": "open"}, "pipeline.auth: may be open only beside a loopback endpoint; leave it out"),
        ({"require_tls": False}, "pipeline.require_tls: may be false only beside a loopback endpoint; leave it out"),
        (
            {"transform": {"bundle_libraries": False}},
            "pipeline.transform.bundle_libraries: may be false only beside a loopback endpoint; leave it out",
        ),
        (
            {"force_destroy": True},
            "pipeline.force_destroy: contradicts deletion_protection; set deletion_protection: false beside it",
        ),
        (
            {"network": {"egress": "endpoints"}, "fetch": {"enabled": True}},
            "pipeline.fetch.enabled: its hosts have no way to the world with network.egress endpoints; "
            "write egress: nat, or leave fetch out",
        ),
        ({"formats": {"hiec": True}}, "pipeline.formats: has no field 'hiec'; did you mean 'heic'?"),
        ({"fetch": {"seconds": 61}}, "pipeline.fetch.seconds: expected `float` <= 60.0; the default is 10"),
        ({"formats": {"imagequent": True}}, "pipeline.formats: has no field 'imagequent'; did you mean 'imagequant'?"),
        (
            {"formats": {"imagequant": 1}},
            "pipeline.formats.imagequant: expected `bool`, got `int`; the default is false",
        ),
        ({"tags": {"stack": "x"}}, "pipeline.tags.stack: is set by the program; choose another key"),
    ],
)
def test_a_mistake_is_one_line_with_path_and_hint(value: Any, line: str) -> None:
    assert mistake(value) == line


def test_an_unknown_field_that_resembles_none_is_answered_with_those_there_are() -> None:
    line = mistake({"zzz": 1})
    assert line.startswith("pipeline: has no field 'zzz'; its fields are alarms, auth, ")
    assert all(name in line for name in PipelineConfig.__struct_fields__)


@pytest.mark.parametrize("value", ["[]", "1", "null", "hello", '{"a"', "[" * 100_000, '"\\ud800"', '{"tags": [1]}'])
def test_what_is_no_object_is_answered_with_the_example(value: str) -> None:
    assert "Pulumi.dev.yaml" in mistake(value)
    assert "\n" not in mistake(value)


@pytest.mark.parametrize("key", ["aws:x", "", "x" * 129, "x\n", "é"])
def test_a_tag_that_aws_refuses_is_refused_here(key: str) -> None:
    assert mistake({"tags": {key: "x"}}).startswith("pipeline.tags: expected `str` matching regex")
    assert decode(json.dumps({"tags": {"team": ""}}), PipelineConfig).tags == {"team": ""}


@pytest.mark.parametrize("value", ["x\n", "x" * 257, "é"])
def test_the_value_of_a_tag_is_held_to_the_same(value: str) -> None:
    assert mistake({"tags": {"team": value}}).startswith("pipeline.tags: expected `str` matching regex")


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:4566", "http://127.9.8.7", "https://localhost:1", "http://[::1]:65535"]
)
def test_an_endpoint_on_loopback_may_do_without_tls_and_keys(endpoint: str) -> None:
    config = decode(json.dumps({"endpoint": endpoint, "auth": "open", "require_tls": False}), PipelineConfig)
    assert (config.endpoint, config.auth, config.require_tls) == (endpoint, "open", False)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com:4566",
        "http://127.0.0.1@example.com",
        "http://127.0.0.1:80@example.com",
        "http://127.0.0.1:4566/path",
        "http://127.0.0.1:4566#@example.com",
        "http://127.0.0.1\\@example.com",
        "http://127.0.0.1:65536",
        "http://127.0.0.1:0",
        "http://127.0.0.256",
        "http://127.1",
        "http://0.0.0.0:4566",
        "http://[::]:4566",
        "http://169.254.169.254",
        "http://127.0.0.１",
        "http://127.0.0.1:4566\n",
        "ftp://127.0.0.1",
        "127.0.0.1:4566",
        "",
    ],
)
def test_an_endpoint_anywhere_else_is_refused(endpoint: str) -> None:
    assert mistake({"endpoint": endpoint}).startswith("pipeline.endpoint: must be on loopback")


@given(ANYTHING)
@example({"transform": {"a - at `$.b`": 1}})
@example({"lower: case": 1})
def test_whatever_is_written_there_is_a_configuration_or_one_line(value: Any) -> None:
    line = answer(json.dumps(value))
    assert line is None or line.startswith("pipeline")
    assert line is None or "; " in line
    assert line is None or len(line.splitlines()) == 1


def test_a_stack_is_a_pipeline_or_a_foundation_and_not_both() -> None:
    both = {
        "darkroom:pipeline": json.dumps({"log_level": "info"}),
        "darkroom:foundation": json.dumps({"budget_usd": 1}),
    }
    with pytest.raises(BadConfiguration, match="foundation: stands beside pipeline"):
        run({"aws:region": "eu-west-1", **both}, stack="alice")


def test_a_stack_without_the_object_is_told_where_to_write_it() -> None:
    with pytest.raises(BadConfiguration, match=r"pipeline: missing or empty; write it in Pulumi\.alice\.yaml"):
        run({"aws:region": "eu-west-1"}, stack="alice")


@pytest.mark.parametrize("config", [{}, {"aws:region": "europe"}, {"aws:region": "eu-west-1\n"}])
def test_a_stack_without_a_region_is_told_what_one_looks_like(config: dict[str, str]) -> None:
    with pytest.raises(BadConfiguration, match="aws:region: must be the name of a region, such as eu-west-1"):
        run({**config, "darkroom:pipeline": json.dumps({"log_level": "info"})}, stack="alice")
