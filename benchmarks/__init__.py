"""What secballot costs, measured beside what this machine could do at best.

`python -m benchmarks` runs the tables, and says how with `--help`. No figure is a promise: machines differ, so what
counts is the ratio of two things that were measured in one run.

Source: docs/benchmarks.md.
"""
