"""Measurements against others, each contender in a process of its own; results are committed as data.

python -m benchmarks pictures      the function's main job, beside sharp and plain Pillow
"""
