"""What the parties keep on disk: the board's and witnesses' databases and the key files.

Writes are synced before anything that depends on them leaves the machine. Trouble here is a `StoreError` and never a
verdict about a record.

Source: SPEC.md#parties-and-trust.
"""
