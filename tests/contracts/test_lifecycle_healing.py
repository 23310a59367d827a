"""Whatever happened before: once faults stop, every job becomes final and owes nothing."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.job import FINAL
from tests.support.healing import healed
from tests.support.walk import Walk, Work, World, reserved


@given(st.integers(0, 2**32), st.integers(0, 40), st.booleans())
@settings(max_examples=150)
def test_every_job_becomes_final_once_faults_stop(seed: int, steps: int, commands: bool) -> None:
    dice = random.Random(seed)
    walk: Walk = Work("a", "b", "c", commands=commands)
    world = walk._stepped(World(None), reserved("a", "b", "c"), 0, lost=False)
    for _ in range(steps):
        assert world.job is not None
        label, what, now = dice.choice(list(walk.acts(world, world.job)))
        if not isinstance(what, World) and not (label == "Expired" and dice.random() < 0.9):
            world = walk._stepped(world, what, now, lost=dice.random() < 0.3)
    assert healed(world, seed).state in FINAL
