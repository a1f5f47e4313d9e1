"""Whatever log a test here makes is judged by both verifiers."""

from __future__ import annotations

from tests.second_verifier import both_machines_agree

__all__ = ["both_machines_agree"]
