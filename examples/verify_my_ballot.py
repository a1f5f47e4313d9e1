"""Check that your ballot is on the board, is your last one, and is counted: from a copy of the board, by yourself.

    python examples/verify_my_ballot.py BOARD RECEIPT SITTING_ID

BOARD is a published folder, from any mirror. RECEIPT is the file your device gave you. SITTING_ID is what the mandate
commission told you: 64 hexadecimal digits, never taken from the board itself. Then type in the ten digits that you
threw for this ballot.
"""

from __future__ import annotations

import sys
from pathlib import Path

from secballot.errors import SecballotError
from secballot.roles.receipt import RECEIPT, ReceiptFinding, check_receipt
from secballot.roles.view import WitnessedView
from secballot.store.source import open_source


def verify(board: Path, receipt: Path, sitting_id: bytes, tag: str) -> ReceiptFinding:
    """Return what the board says about the ballot of a receipt.

    Raises:
        SecballotError: the board is not what it should be, or it does not hold this ballot.
    """
    view = WitnessedView(open_source(board), sitting_id)
    view.refresh()  # replays the whole record, under a checkpoint that a quorum of witnesses signed
    return check_receipt(RECEIPT.decode(receipt.read_bytes()), view, tag)


def main(arguments: list[str]) -> None:
    """Ask for the tag and print the finding."""
    if len(arguments) != 3:  # noqa: PLR2004  # board, receipt, sitting
        sys.exit("usage: python examples/verify_my_ballot.py BOARD RECEIPT SITTING_ID")
    board, receipt, sitting = arguments
    tag = input("The ten digits you threw for this ballot: ").strip()
    try:
        found = verify(Path(board), Path(receipt), bytes.fromhex(sitting), tag)
    except (SecballotError, OSError, ValueError) as error:
        sys.exit(f"NOT VERIFIED: {error}")
    print(f"Your ballot with this tag is number {found.number} of {found.of} from your credential.")
    print(f"It is {'counted' if found.counted else 'on the board'}; its poll is {found.status}.")
    print(f"Signed by {', '.join(found.witnesses)}: {found.tree_size} entries, root {found.root.hex()}")


if __name__ == "__main__":
    main(sys.argv[1:])
