"""Verifiable anonymous voting for a parliament whose members are spread over many countries.

Delegates adopt resolutions and elect councils in a *sitting*: one key ceremony, one registration, then any number of
*polls*. Nobody learns how a delegate voted, nobody adds a ballot or drops one unnoticed, and a stranger re-checks the
whole from the public board alone.

    SITTING  manifest, roll, registrar keys ─ ceremony (rounds 0–3) ─ registration ─ close ─ consents ─ convening
    POLL     opening ─ ballots ─ closing ─ decryptions ─ result     (any number)       all of it ENTRIES on the BOARD
    BALLOT   choices ─ seal (encrypt, prove) ─ cast | open ─ entry ─ Merkle leaf ─ witnessed checkpoint ─ receipt
    READ     log prefix ─▶ record (state machine) ─▶ heads ─▶ tally ─▶ result ─▶ audit report: PASS / FAIL / NOT RUN

Where to look: `roles` has one class per party, `protocol` the phases as pure steps, `records` what is posted,
`record` the one state machine that says what an entry does, `board` the transparency log beneath, `proofs` the
relations proved, `audit` the checks and their report, `store` what parties keep on disk. Every check that fails
raises an error of `secballot.errors`, which names the check and whom the evidence points at.

Source: SPEC.md.
"""

from __future__ import annotations

__version__ = "0.1.0"
