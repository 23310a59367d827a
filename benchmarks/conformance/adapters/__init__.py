"""Who answers the kit, each a program: `program FOLDER`.

FOLDER/cases.json is [{"name", "format", "request"}], FOLDER/NAME.source the picture. The program writes
FOLDER/NAME.out, or FOLDER/NAME.error with one line if it cannot, and prints {"name", "versions"}. It asks its library
for what the request says in the way that the library's documentation gives for it; it mends nothing that the library
gets wrong.
"""
