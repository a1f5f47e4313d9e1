"""The transparency log: notes, checkpoints, cosignatures, tiles, proofs and Merkle trees, one file per C2SP document.

This layer knows nothing of voting: leaves are bytes to it. It decides and computes, and leaves disk to `store`
and requests to `roles` and above.

Source: SPEC.md#board-profile.
"""
