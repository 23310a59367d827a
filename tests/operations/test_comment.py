"""What is written on GitHub fits, and nothing in a plan can get out of its fence."""

from hypothesis import example, given
from hypothesis import strategies as st

from operations.comment import MAX_CHARS, drift_issue, plan_comment

TEXTS = st.text(st.sampled_from("`~\n<>/ab"), max_size=60)


@given(st.text("ab ", max_size=9), TEXTS)
@example("review", "```\n</details>\n```")
@example("review", "x" * 100_000)
@example("review", "`" * 70_000)
def test_a_plan_stays_in_its_fence_and_fits(review: str, plan: str) -> None:
    text = plan_comment(review, plan)
    assert len(text) <= MAX_CHARS
    if len(plan) < 1_000:
        fenced = text[text.index("</summary>") :].split("```")
        assert len(fenced) == 3
        assert fenced[1].strip("\n") == plan.strip("\n").replace("```", "'''").strip("\n")


def test_a_plan_that_is_cut_says_so() -> None:
    assert "cut here" not in plan_comment("review", "short")
    assert "cut here" in plan_comment("review", "x" * 100_000)


def test_no_drift_is_no_issue() -> None:
    assert drift_issue(" \n") == ""
    assert "~ aws:sqs" in drift_issue("~ aws:sqs")
