"""The one state machine that says what each entry of a log does; the only place where voting and log meet.

Fed entries in order, it gives each its outcome and holds only verified state. The board runs it to admit, every party
before it acts, and the auditor over the whole log, so no check exists twice.

Source: SPEC.md#data-flow.
"""
