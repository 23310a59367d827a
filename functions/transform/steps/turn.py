"""Mirroring and turns by quarters that a variant asks for: nothing is lost."""

from contracts.variants import Variant
from functions.transform.geometry import Frame
from functions.transform.steps.orient import turned
from functions.transform.steps.picture import Picture


def apply(picture: Picture, variant: Variant, frame: Frame) -> Picture:
    return picture.of(turned(picture.pixels, frame.turn))
