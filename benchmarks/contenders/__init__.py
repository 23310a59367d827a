"""The contenders of the picture benchmarks, each a program that speaks the same three lines.

argv: the picture's path, the number of processors, the job's letter (benchmarks/jobs.py), and where a contender has
      several ways to do it, the way. It reads the file, warms up, prints {"name", "versions"}.
"run"      does the job once, from memory to memory, and prints {"ms", "processor_ms", "peak_mb"}
"save DIR" does it once more, writes DIR/<variant>.<extension>, and prints {"saved": [...]}
"""
