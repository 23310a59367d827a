"""The steps of the pipeline, one module each. A step takes a picture and gives a new one; none knows the next.

    decode    bytes -> picture           resize    the variant's box at the variant's size
    orient    EXIF orientation           colour    to sRGB, 8 bits, one of four modes
    encode    picture -> bytes           metadata  EXIF -> typed facts

No other module of the function touches Pillow.
"""
