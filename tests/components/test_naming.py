"""Names: short enough, in the alphabet, and never one for two."""

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from components.naming import (
    MAX_BUCKET_CHARS,
    MAX_LABEL_CHARS,
    MAX_NAME_CHARS,
    ambiguous,
    bucket_name,
    is_region,
    physical_name,
    stack_label,
    type_token,
)

STACKS = st.text("abzABZ019-_.é", min_size=1, max_size=100) | st.from_regex(r"\A[a-z]{1,6}-[0-9a-f]{8,11}\Z")
WHATS = st.sampled_from(["jobs", "jobs-bulk", "jobs-bulk-dead-letters", "originals", "results", "link-signer"])
REGIONS = st.sampled_from(["eu-west-1", "ap-southeast-1", "us-gov-east-1", "us-isob-east-1", "il-central-1"])
ACCOUNTS = st.from_regex(r"\A[0-9]{12}\Z")


@given(STACKS)
def test_a_label_is_short_and_plain(stack: str) -> None:
    assert re.fullmatch("[a-z][a-z0-9-]*[a-z0-9]|[a-z]", stack_label(stack))
    assert len(stack_label(stack)) <= MAX_LABEL_CHARS


@pytest.mark.parametrize("stack", ["local", "dev", "prod", "dev-alice", "pr-1234"])
def test_a_plain_stack_stands_for_itself(stack: str) -> None:
    assert stack_label(stack) == stack


@given(STACKS, STACKS)
@example("Dev", "dev")
@example("dev.a", "dev-a")
@example("x" * 30, "x" * 31)
def test_two_stacks_have_two_labels(one: str, other: str) -> None:
    assume(one != other)
    assert stack_label(one) != stack_label(other)


@given(STACKS)
def test_no_stack_can_take_the_label_of_another(stack: str) -> None:
    """A stack called like another's label, hash and all, gets a label of its own."""
    assume(stack_label(stack) != stack)
    assert stack_label(stack_label(stack)) != stack_label(stack)


@given(STACKS, STACKS, WHATS, WHATS)
@example("a", "a-jobs", "jobs-bulk", "originals")
def test_two_stacks_never_share_a_name(one: str, other: str, this: str, that: str) -> None:
    assume(one != other)
    assert ambiguous(frozenset({this, that})) == set()
    assert physical_name(one, this) != physical_name(other, that)


@given(STACKS, WHATS)
def test_a_name_fits_a_role_and_a_function(stack: str, what: str) -> None:
    name = physical_name(stack, what)
    assert re.fullmatch(r"darkroom-[a-z0-9-]+", name)
    assert len(name) <= MAX_NAME_CHARS
    assert name.endswith(f"-{what}")


@given(STACKS, st.sampled_from(["originals", "results"]), ACCOUNTS, REGIONS)
def test_the_name_of_a_bucket_is_one_that_s3_takes(stack: str, what: str, account: str, region: str) -> None:
    name = bucket_name(stack, what, account, region)
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", name)
    assert len(name) <= MAX_BUCKET_CHARS
    assert name.endswith(f"-{what}-{account}-{region}")


@given(STACKS, ACCOUNTS, ACCOUNTS, REGIONS, REGIONS)
def test_the_same_stack_elsewhere_has_other_buckets(stack: str, one: str, other: str, here: str, there: str) -> None:
    assume((one, here) != (other, there))
    assert bucket_name(stack, "originals", one, here) != bucket_name(stack, "originals", other, there)


def test_names_that_two_stacks_could_confuse_are_found() -> None:
    assert physical_name("a", "jobs-bulk") == physical_name("a-jobs", "bulk")
    assert ambiguous(frozenset({"jobs-bulk", "bulk"})) == {("jobs-bulk", "bulk")}


@pytest.mark.parametrize("what", ["", "Jobs", "jobs_bulk", "-jobs", "jobs-", "jobs--bulk", "jobs\n", "j" * 60])
def test_a_name_out_of_the_alphabet_is_refused(what: str) -> None:
    with pytest.raises(ValueError, match=r"is not made of|is longer than"):
        physical_name("dev", what)


@pytest.mark.parametrize(
    ("account", "region"), [("12345", "eu-west-1"), ("1" * 12, "europe"), ("1" * 12 + "\n", "eu-west-1")]
)
def test_a_bucket_needs_a_real_account_and_region(account: str, region: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        bucket_name("dev", "originals", account, region)


@given(REGIONS)
def test_regions_are_known_by_their_shape(region: str) -> None:
    assert is_region(region)
    assert not is_region(region + "\n")
    assert not is_region(region.upper())


def test_a_type_token_names_project_module_and_class() -> None:
    assert type_token("storage", "ImageBucket") == "darkroom:storage:ImageBucket"


@pytest.mark.parametrize(("module", "name"), [("Storage", "A"), ("a.b", "A"), ("a", "a"), ("a", "A:B"), ("", "A")])
def test_a_type_token_of_anything_else_is_refused(module: str, name: str) -> None:
    with pytest.raises(ValueError, match="no module and class"):
        type_token(module, name)
