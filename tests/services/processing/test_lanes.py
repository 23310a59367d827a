"""Eight receives of `jobs` to one of `jobs-bulk`, and neither waits for the other's silence."""

from services.processing.lanes import QUIET_SECONDS, SHARE, Lanes


def test_bulk_may_be_read_while_the_normal_lane_is_idle() -> None:
    lanes = Lanes()
    assert lanes.is_bulks_turn()
    lanes.normal_received(3)
    assert not lanes.is_bulks_turn()
    lanes.normal_received(0)
    assert lanes.is_bulks_turn()


def test_a_busy_normal_lane_leaves_bulk_one_turn_in_eight() -> None:
    lanes, turns = Lanes(), 0
    for _ in range(SHARE * 10):
        lanes.normal_received(10)
        if lanes.is_bulks_turn():
            turns += 1
            lanes.bulk_received(10)
    assert turns == 10


def test_an_empty_receive_of_bulk_was_no_turn() -> None:
    lanes = Lanes()
    for _ in range(SHARE):
        lanes.normal_received(10)
    lanes.bulk_received(0)
    assert lanes.is_bulks_turn()
    lanes.bulk_received(1)
    assert not lanes.is_bulks_turn()


def test_a_poll_of_the_normal_lane_that_still_waits_keeps_bulk_from_nothing() -> None:
    now = 0.0
    lanes = Lanes(monotonic=lambda: now)
    lanes.normal_received(1)
    assert not lanes.is_bulks_turn()
    now += QUIET_SECONDS * 1.01
    assert lanes.is_bulks_turn()
