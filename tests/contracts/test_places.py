"""Keys of objects are built and parsed as inverses, and nothing else parses."""

from contextlib import suppress

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from contracts.errors import BadMessage
from contracts.identifiers import JobId, Tenant, VariantName
from contracts.outputs import OutputFormat
from contracts.places import (
    DIRECT,
    INLINE,
    AnalysisPlace,
    OriginalPlace,
    ResultPlace,
    original_prefixes,
    parse_analysis,
    parse_original,
    parse_result,
    result_prefix,
)
from tests.support.strategies import TEXT, values_of

originals = st.builds(OriginalPlace, st.sampled_from([INLINE, DIRECT]), values_of(Tenant), values_of(JobId))
results = st.builds(
    ResultPlace,
    values_of(Tenant),
    values_of(JobId),
    values_of(VariantName),
    st.from_regex("[0-9a-f]{64}", fullmatch=True),
    st.sampled_from(OutputFormat),
)


@given(originals)
def test_an_originals_key_is_read_back(place: OriginalPlace) -> None:
    assert parse_original(place.key) == place


@given(results)
def test_a_results_key_is_read_back(place: ResultPlace) -> None:
    assert parse_result(place.key) == place


@given(results)
def test_an_analysiss_key_is_read_back_and_is_no_results(result: ResultPlace) -> None:
    place = AnalysisPlace(result.tenant, result.job_id, result.digest)
    assert parse_analysis(place.key) == place
    assert place.key.startswith(result_prefix(place.tenant, place.job_id))
    for parse, key in ((parse_result, place.key), (parse_analysis, result.key)):
        with pytest.raises(BadMessage):
            parse(key)


@given(results, results)
def test_two_results_never_share_a_key(one: ResultPlace, other: ResultPlace) -> None:
    assume(one != other)
    assert one.key != other.key


@given(originals, originals)
def test_a_key_lies_under_its_own_jobs_prefixes_and_under_no_others(one: OriginalPlace, other: OriginalPlace) -> None:
    assert one.key.startswith(original_prefixes(one.tenant, one.job_id))
    assume((one.tenant, one.job_id) != (other.tenant, other.job_id))
    assert not one.key.startswith(original_prefixes(other.tenant, other.job_id))


@given(results, results)
def test_a_result_lies_under_its_own_jobs_prefix_and_under_no_others(one: ResultPlace, other: ResultPlace) -> None:
    assert one.key.startswith(result_prefix(one.tenant, one.job_id))
    assume((one.tenant, one.job_id) != (other.tenant, other.job_id))
    assert not one.key.startswith(result_prefix(other.tenant, other.job_id))


@given(TEXT)
@example("")
@example("inline/a/018f3a1c-52aa-7bbb-8ccc-0123456789ab/original\n")
@example("inline/../018f3a1c-52aa-7bbb-8ccc-0123456789ab/original")
@example("inline//018f3a1c-52aa-7bbb-8ccc-0123456789ab/original")
@example("/inline/a/018f3a1c-52aa-7bbb-8ccc-0123456789ab/original")
@example("other/a/018f3a1c-52aa-7bbb-8ccc-0123456789ab/original")
@example("inline/a/018f3a1c-52aa-7bbb-8ccc-0123456789ab/original/x")
@example("inline/A/018f3a1c-52aa-7bbb-8ccc-0123456789ab/original")
@example("a/018f3a1c-52aa-7bbb-8ccc-0123456789ab/../" + "0" * 64 + ".jpg")
@example("a/018f3a1c-52aa-7bbb-8ccc-0123456789ab/thumb-" + "0" * 64 + ".exe")
@example("a/018f3a1c-52aa-7bbb-8ccc-0123456789ab/thumb-" + "0" * 63 + ".jpg")
@example("a/018f3a1c-52aa-7bbb-8ccc-0123456789ab/thumb-" + "0" * 64 + ".jpg\n")
@example("a/018f3a1c-52aa-7bbb-8ccc-0123456789ab/thumb-" + "A" * 64 + ".jpg")
@example("a/018f3a1c-52aa-7bbb-8ccc-0123456789ab/th/umb-" + "0" * 64 + ".jpg")
def test_no_other_text_is_a_key(text: str) -> None:
    for parse in (parse_original, parse_result):
        with pytest.raises(BadMessage):
            parse(text)


@given(originals, st.data())
def test_a_key_with_one_character_changed_never_stands_for_the_same_place(
    place: OriginalPlace, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(place.key) - 1))
    changed = place.key[:at] + data.draw(st.characters(exclude_categories=["Cs"])) + place.key[at + 1 :]
    assume(changed != place.key)
    with suppress(BadMessage):
        assert parse_original(changed) != place
