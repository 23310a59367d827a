"""GIF: every block, since only the blocks themselves say how many frames there are. Source: GIF89a specification."""

from typing import Final

from contracts.errors import ImageCorrupt
from contracts.headers.reader import Extent, Reader
from contracts.limits import MAX_FRAMES

_SCREEN_BYTES: Final = 13
_EXTENSION: Final = 0x21
_IMAGE: Final = 0x2C
_TRAILER: Final = 0x3B
_SUB_BLOCKS_A_STEP: Final = 20


def gif_extent(reader: Reader) -> Extent:
    """The screen, grown to hold every frame (as decoders grow it), and the number of frames.

    A missing trailer is forgiven, as everybody does; an end in the middle of a block is not.
    """
    width, height = reader.int_at(6, 2, "little"), reader.int_at(8, 2, "little")
    at = _SCREEN_BYTES + _colour_table_bytes(reader.int_at(10, 1))
    frames = 0
    while at < reader.length and frames <= MAX_FRAMES:
        reader.spend()
        introducer = reader.int_at(at, 1)
        if introducer == _TRAILER:
            break
        if introducer == _EXTENSION:
            at = _past_sub_blocks(reader, at + 2)
        elif introducer == _IMAGE:
            left, top, frame_width, frame_height = (reader.int_at(at + 1 + 2 * i, 2, "little") for i in range(4))
            width, height = max(width, left + frame_width), max(height, top + frame_height)
            local_table = _colour_table_bytes(reader.int_at(at + 9, 1))
            at = _past_sub_blocks(reader, at + 10 + local_table + 1)
            frames += 1
        else:
            # decoders step over what they do not know: stopping here would hide the frames behind it
            at += 1
    if not frames:
        raise ImageCorrupt("there is no frame")
    return Extent(width, height, frames)


def _colour_table_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _past_sub_blocks(reader: Reader, at: int) -> int:
    while True:
        window, start = reader.around(at)
        if not window:
            raise ImageCorrupt("the file ends in the middle of a frame")
        place, blocks, end = start, 0, len(window)
        while place < end:
            size = window[place]
            place += size + 1
            blocks += 1
            if not size:
                reader.spend(blocks // _SUB_BLOCKS_A_STEP)
                return at + place - start
        reader.spend(blocks // _SUB_BLOCKS_A_STEP + 1)
        at += place - start
