"""Hold a vote inside another program: seven board members decide about one motion.

    python examples/embed.py FOLDER

All parties run in this process, as `secballot.roles.rehearsal` sets them up; in a real sitting each runs on a machine
of its own, with the same classes, and only the board is shared. Writes FOLDER/board (the published log),
FOLDER/receipt.json and FOLDER/sitting_id.txt.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from secballot.audit.verifier import audit
from secballot.records.manifest import DelegateClass, Majority, Quorum, RuleSet
from secballot.records.opening import Contest, Option
from secballot.roles.board import BoardOperator
from secballot.roles.receipt import RECEIPT
from secballot.roles.rehearsal import Plan, Rehearsal
from secballot.store.source import open_source

FOR, AGAINST, ABSTAIN = ((1, 0, 0),), ((0, 1, 0),), ((0, 0, 1),)
TAG = "3164225163"  # ten dice digits that a delegate throws for each ballot; here everybody throws the same

RULE = RuleSet(
    decision="adopt",
    eligible=(1,),
    majority=Majority(base="decided", numerator=1, denominator=2, strict=True),
    minimum_duration=600,
    name="motion",
    quorum=Quorum(base="roll", measure="count", numerator=1, denominator=2),
    seats=0,
)
MOTION = Contest(
    documents=(),
    options=(Option("for", 1), Option("against", 1), Option("abstain", 1)),
    rules="motion",
    sum_maximum=1,
    sum_minimum=1,
    text="The board meets in public from next month on.",
    title="Public meetings",
)
PLAN = Plan(
    title="Board meeting",
    classes=(DelegateClass("members", 7, 1),),
    delegates=(7,),
    rules=(RULE,),
    commission=1,
    registrars=2,
    trustees=(3, 2, 2),
)


def hold_vote(private: Path, public: Path) -> None:
    """Hold the vote; the parties' secrets go into one folder, what everyone may see into the other."""
    sitting = Rehearsal(private, PLAN)
    sitting.found()
    sitting.run_ceremony()
    sitting.enrol("board meeting")
    sitting.register()
    sitting.convene()

    sitting.open_poll(1, [MOTION], seconds=3_600)
    votes = [FOR, FOR, AGAINST, FOR, ABSTAIN, AGAINST, FOR]
    for delegate, choices in zip(sitting.delegates, votes, strict=True):
        sealed = delegate.seal(1, choices, TAG)  # the device shows sealed.tracker.hex(); now cast() or open()
        delegate.cast(sealed)
    sitting.close_poll(1)
    sitting.decrypt(1)
    sitting.publish_result(1)

    board = BoardOperator.open(
        private / "board.sqlite", sitting.sitting_id, log_key=sitting.keys.log[0], promise_key=sitting.keys.promise[0]
    )
    board.publish(public / "board")
    board.close()
    (public / "receipt.json").write_bytes(RECEIPT.encode(sitting.delegates[0].receipt(1)))
    (public / "sitting_id.txt").write_text(f"{sitting.sitting_id.hex()}\n", encoding="ascii")


def main(folder: Path) -> None:
    """Hold the vote, audit what was published, and print the result."""
    with tempfile.TemporaryDirectory() as private:
        hold_vote(Path(private), folder)
    anchor = bytes.fromhex((folder / "sitting_id.txt").read_text(encoding="ascii"))
    report = audit(open_source(folder / "board"), anchor=anchor)
    contest = report.polls[0].contests[0]
    counts = ", ".join(f"{option.label} {option.count}" for option in contest.options)
    print(f"{contest.title}: {counts}: {contest.outcome}")
    print(f"The record {report.verdict}.")


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004  # the program and its one argument
        sys.exit("usage: python examples/embed.py FOLDER")
    main(Path(sys.argv[1]))
