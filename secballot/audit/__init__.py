"""The audit: the register of checks, the run of all of them over a record, and the report PASS / FAIL / NOT RUN.

Reads nothing but what it is given and collects verdicts instead of stopping at the first. It stands beside `store`,
above `record`, whose checks it runs and never repeats.

Source: SPEC.md#checks.
"""
