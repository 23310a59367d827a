"""The case `webhook` in small: one job for each hostile receiver."""

from tests.support.cases import webhook


def test_no_receiver_makes_us_call_within_nor_keeps_a_job() -> None:
    """Invariant 18; faults F29 and F30 are in `test_notifications`."""
    figure = webhook.main(jobs=1)
    assert figure == f"{len(webhook.HOSTILE)} hostile receivers, 0 forbidden connections, 0 jobs affected"
