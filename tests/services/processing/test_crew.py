"""The threads of a host: they end when told, and one that ends by itself ends the host."""

import threading

import pytest

from services.processing.crew import Crew


def patient(stop: threading.Event) -> None:
    stop.wait(30)


def test_a_crew_that_is_told_to_stop_ends_quietly() -> None:
    deaths: list[str] = []
    crew = Crew({"one": patient, "two": patient}, on_death=lambda: deaths.append("died"))
    crew.start()
    crew.stop()
    assert crew.join(30)
    assert not crew.lost_a_member
    assert deaths == []


def fails(stop: threading.Event) -> None:
    raise ZeroDivisionError("a bug")


def ends(stop: threading.Event) -> None:
    """Without being told to."""


def leaves(stop: threading.Event) -> None:
    raise SystemExit(0)


@pytest.mark.parametrize(("member", "line"), [(fails, "thread.died"), (ends, "thread.ended"), (leaves, "thread.died")])
def test_one_that_ends_by_itself_takes_all_with_it_loudly(member, line: str, told: list) -> None:
    died = threading.Event()
    crew = Crew({"bad": member, "good": patient}, on_death=died.set)
    crew.start()
    assert died.wait(30)
    assert crew.join(30)
    assert crew.lost_a_member
    assert [(said["event"], said["thread"], said["log_level"]) for said in told] == [(line, "bad", "error")]


def test_one_that_hangs_does_not_keep_the_others_waiting_for_ever() -> None:
    released = threading.Event()
    crew = Crew({"hangs": lambda stop: released.wait(30)}, on_death=lambda: None)
    crew.start()
    crew.stop()
    assert not crew.join(0.01)
    released.set()
    assert crew.join(30)
