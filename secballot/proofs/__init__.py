"""The relations proved in zero knowledge, one a file, with `prove` and `verify` side by side.

Above the group, the transcript and the ciphers, below what is posted: a proof knows elements, scalars and the context
that its challenge binds, and nothing of polls, parties or logs.

Source: SPEC.md#proofs.
"""
