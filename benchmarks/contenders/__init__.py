"""The contenders of the picture benchmark, each a program that speaks the same three lines.

    argv: the picture's path, the number of processors. It reads the file, warms up, prints {"name", "versions"}.
    "run"      does the job once, from memory to memory, and prints {"ms", "processor_ms", "peak_mb"}
    "save DIR" does it once more, writes DIR/<variant>.<extension>, and prints {"saved": [...]}

The job is the preset web@1: 1600w JPEG, 800w WebP, 400w WebP, 150x150 cover JPEG, all at quality 80.
"""
