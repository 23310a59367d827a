"""What a picture is, and what it carries beside its pixels.

    sample      the small picture that is looked at (pure plan)      containers  blocks of a file, by a parser of ours
    traits      what its pixels show, by name                        carried     what is in them that pictures need not
    colours     dominant, palette, average                           exif        where, by whom, with which camera
    prints      phash, dhash, thumbhash, blurhash                    words       IPTC and XMP

No array library: each of these is arithmetic over a hundred pixels a side, and importing one would cost more than all.
"""
