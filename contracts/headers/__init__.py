"""What each format's header says of size and frames, read without decoding and without Pillow.

One parser a format, all of the shape `(Reader) -> Extent`; `contracts.formats.measure` picks one. A parser reads what
the decoder will believe: where Pillow and the specification differ, the larger reading wins, so that no header hides a
larger picture from the limits.

    reader   bounded access to the file, and what a parser answers
    jpeg     markers up to the first scan         png      chunks up to the first image data, APNG
    webp     VP8, VP8L, VP8X and its frames       gif      blocks to the end, or past the limit of frames
    avif     boxes: items and sequences           tiff     directories of both byte orders
    heic     boxes: items, grids, HEVC            windows  BMP and ICO

    boxes, items, hevc: what AVIF and HEIC are made of
"""
