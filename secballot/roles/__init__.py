"""The parties, one class each: what an officer, registrar, trustee, delegate, board, witness or auditor does.

The top of the library. A role composes the layers below and draws time and randomness, so the whole order of its
reads, writes and messages can be seen in its file.

Source: SPEC.md#parties-and-trust.
"""
