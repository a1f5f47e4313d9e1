"""What SPEC.md calls text: NFC and without certain categories, as Unicode 14.0 has them."""

from __future__ import annotations

import unicodedata

REFUSED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Code points assigned in Unicode 15.0 and 15.1, which Python 3.12 and 3.13 carry; in 14.0 they are Cn.
ASSIGNED_LATER = (
    (0xCF3, 0xCF3), (0xECE, 0xECE), (0x2FFC, 0x2FFF), (0x31EF, 0x31EF), (0x10EFD, 0x10EFF), (0x1123F, 0x11241),
    (0x11B00, 0x11B09), (0x11F00, 0x11F10), (0x11F12, 0x11F3A), (0x11F3E, 0x11F59), (0x1342F, 0x1342F),
    (0x13439, 0x13455), (0x1B132, 0x1B132), (0x1B155, 0x1B155), (0x1D2C0, 0x1D2D3), (0x1DF25, 0x1DF2A),
    (0x1E030, 0x1E06D), (0x1E08F, 0x1E08F), (0x1E4D0, 0x1E4F9), (0x1F6DC, 0x1F6DC), (0x1F774, 0x1F776),
    (0x1F77B, 0x1F77F), (0x1F7D9, 0x1F7D9), (0x1FA75, 0x1FA77), (0x1FA87, 0x1FA88), (0x1FAAD, 0x1FAAF),
    (0x1FABB, 0x1FABD), (0x1FABF, 0x1FABF), (0x1FACE, 0x1FACF), (0x1FADA, 0x1FADB), (0x1FAE8, 0x1FAE8),
    (0x1FAF7, 0x1FAF8), (0x2B739, 0x2B739), (0x2EBF0, 0x2EE5D), (0x31350, 0x323AF),
)  # fmt: skip


def _admitted(char: str, *, lines: bool) -> bool:
    if char == "\n":
        return lines
    code = ord(char)
    if any(first <= code <= last for first, last in ASSIGNED_LATER):
        return False
    return unicodedata.category(char) not in REFUSED


def is_text(value: str, *, lines: bool = False) -> bool:
    """Tell whether a string is text, with line feeds if lines are stated."""
    if value.isascii():
        return all(" " <= char <= "~" or (lines and char == "\n") for char in value)
    return all(_admitted(char, lines=lines) for char in value) and unicodedata.is_normalized("NFC", value)
