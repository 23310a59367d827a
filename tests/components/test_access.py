"""Statements: what they allow is a set, and it is written in one way only."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.access import (
    MAX_INLINE_CHARS,
    Statement,
    merged,
    parse_role_policy,
    role_policy,
    tls_only,
    trust_of_role,
    trust_of_service,
)

ACTIONS = st.sampled_from(["s3:GetObject", "s3:PutObject", "sqs:SendMessage", "sqs:ReceiveMessage", "sts:AssumeRole"])
ARNS = st.sampled_from([f"arn:aws:s3:::bucket-{letter}/*" for letter in "abcd"])
STATEMENTS = st.builds(Statement, st.frozensets(ACTIONS, min_size=1), st.frozensets(ARNS, min_size=1))
GRANTS = st.lists(STATEMENTS, max_size=8)


def pairs(statements: list[Statement] | tuple[Statement, ...]) -> set[tuple[str, str]]:
    return set().union(*(one.pairs for one in statements))


@given(GRANTS)
def test_merging_changes_nothing_that_is_allowed(grants: list[Statement]) -> None:
    assert pairs(merged(grants)) == pairs(grants)


@given(GRANTS, GRANTS)
def test_what_is_allowed_is_written_in_one_way(one: list[Statement], other: list[Statement]) -> None:
    assert (merged(one) == merged(other)) == (pairs(one) == pairs(other))


@given(GRANTS, st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(grants: list[Statement], random: object) -> None:
    shuffled = grants * 2
    random.shuffle(shuffled)
    assert merged(shuffled) == merged(grants)


@given(GRANTS, GRANTS)
def test_merging_by_parts_is_merging_at_once(one: list[Statement], other: list[Statement]) -> None:
    assert merged([*merged(one), *merged(other)]) == merged(one + other)
    assert merged(merged(one)) == merged(one)


@given(GRANTS)
def test_no_two_statements_say_the_same_of_a_resource(grants: list[Statement]) -> None:
    written = [resource for one in merged(grants) for resource in one.resources]
    assert len(written) == len(set(written))


@given(GRANTS)
def test_a_policy_is_read_back_as_it_was_written(grants: list[Statement]) -> None:
    text = role_policy(grants)
    assert parse_role_policy(text) == merged(grants)
    assert role_policy(parse_role_policy(text)) == text


@pytest.mark.parametrize(
    ("actions", "resources"),
    [
        (["s3:*"], ["arn:aws:s3:::a"]),
        (["*"], ["arn:aws:s3:::a"]),
        (["s3:Get*"], ["arn:aws:s3:::a"]),
        (["s3:GetObject\n"], ["arn:aws:s3:::a"]),
        (["s3"], ["arn:aws:s3:::a"]),
        (["s3:GetObject"], ["*"]),
        (["s3:GetObject"], ["bucket"]),
        ([], ["arn:aws:s3:::a"]),
        (["s3:GetObject"], []),
    ],
)
def test_a_statement_that_allows_too_much_or_nothing_is_refused(actions: list[str], resources: list[str]) -> None:
    with pytest.raises(ValueError, match=r"is not|at least one"):
        Statement(frozenset(actions), frozenset(resources))


def test_a_policy_that_iam_would_refuse_for_its_size_is_refused_here() -> None:
    def grants(count: int) -> list[Statement]:
        arns = [f"arn:aws:s3:::{'b' * 63}/{number:04}" for number in range(count)]
        return [Statement(frozenset({"s3:GetObject"}), frozenset(arns))]

    per_arn = len(f'"arn:aws:s3:::{"b" * 63}/0000",')
    fits = (MAX_INLINE_CHARS - len(role_policy(grants(1)))) // per_arn + 1
    assert len(role_policy(grants(fits))) <= MAX_INLINE_CHARS
    with pytest.raises(ValueError, match="IAM takes 10240"):
        role_policy(grants(fits + 1))


@pytest.mark.parametrize(
    "change",
    [
        {"Version": "2008-10-17"},
        {"Id": "x"},
        {"Statement": [{"Effect": "Deny", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::a"]}]},
        {"Statement": [{"Effect": "Allow", "NotAction": ["s3:GetObject"], "Resource": ["arn:aws:s3:::a"]}]},
        {"Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::a"]}]},
    ],
)
def test_a_policy_that_is_not_ours_is_not_read(change: dict[str, object]) -> None:
    document = json.loads(role_policy([Statement(frozenset({"s3:GetObject"}), frozenset({"arn:aws:s3:::a"}))]))
    with pytest.raises(ValueError, match="not"):
        parse_role_policy(json.dumps({**document, **change}))


def test_the_denial_of_plain_http_names_everything_and_allows_nothing() -> None:
    for service in ("s3", "sqs"):
        statements = json.loads(tls_only(service, ["arn:a", "arn:b"]))["Statement"]
        for one in statements:
            assert (one["Effect"], one["Principal"], one["Action"]) == ("Deny", "*", f"{service}:*")
            assert one["Resource"] == ["arn:a", "arn:b"]
            assert len(one["Condition"]) == 1


def test_trust_names_one_holder_and_where_aws_says_it_the_account() -> None:
    assert json.loads(trust_of_role("arn:aws:iam::1:role/a"))["Statement"] == [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:role/a"}, "Action": "sts:AssumeRole"}
    ]
    (bound,) = json.loads(trust_of_service("lambda.amazonaws.com", "1"))["Statement"]
    assert bound["Condition"] == {"StringEquals": {"aws:SourceAccount": "1"}}
    (free,) = json.loads(trust_of_service("ec2.amazonaws.com"))["Statement"]
    assert "Condition" not in free
