"""The append-only log: RFC 6962 Merkle trees in the C2SP transparency-log formats.

One module per C2SP document, all of them pure: no storage, no network, and time is an argument.

- `note`: signed notes and verifier keys.
- `checkpoint`: the text a log signs about its tree.
- `cosignature`: what a witness adds to a checkpoint.
- `policy`: which logs and witnesses somebody trusts, and when a quorum is met.
- `merkle`: roots, inclusion proofs and consistency proofs.
- `inclusion`: the receipt file, an entry's inclusion proof under a cosigned checkpoint.
- `tile`: the static files a published log consists of.
- `witness`: how a witness decides about a new checkpoint.
- `log`: in which order a log appends, signs and publishes.

Entries are opaque bytes here; nothing in this package knows of voting.

Source: SPEC.md#board-profile.
"""
