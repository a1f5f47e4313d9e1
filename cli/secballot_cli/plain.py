"""Manifests and acts in plain words: what a person reads before signing.

Source: SPEC.md#manifest, SPEC.md#polls.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from secballot.records.ceremony import CeremonyRestart
from secballot.records.closing import Adjournment, Annulment
from secballot.records.convening import Convening
from secballot.records.manifest import MANIFEST, Manifest
from secballot.records.opening import Contest, Extension, Opening
from secballot.records.promise import Handover
from secballot.records.result import NO_PAGE, ContestResult, Result
from secballot.records.roll import Registration, RegistrationClose
from secballot.roles.party import tree_size
from secballot_cli.messages import _, plural
from secballot_cli.quoting import marked
from secballot_cli.render import grouped
from secballot_cli.telling import moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import msgspec

    from secballot.record.state import SittingState
    from secballot.records.manifest import RuleSet


SHOWN_LINES: Final = 40
"""Lines of a document that are shown before it is signed."""


def period(seconds: int) -> str:
    """Return a period in words that do not change its value."""
    if seconds and seconds % 86_400 == 0:
        return plural("{count} day", "{count} days", seconds // 86_400).format(count=seconds // 86_400)
    if seconds and seconds % 3_600 == 0:
        return plural("{count} hour", "{count} hours", seconds // 3_600).format(count=seconds // 3_600)
    if seconds and seconds % 60 == 0:
        return plural("{count} minute", "{count} minutes", seconds // 60).format(count=seconds // 60)
    return plural("{count} second", "{count} seconds", seconds).format(count=seconds)


def manifest_words(manifest: Manifest) -> list[str]:
    """Return a whole manifest in plain words."""
    digest = hashlib.sha256(MANIFEST.encode(manifest)).hexdigest()
    trustees, witnesses = manifest.trustees, manifest.witnesses
    lines = [
        *marked(manifest.title, _("Sitting: {title}").format(title="")),
        _("Its id, to be read aloud: {id}").format(id=grouped(digest)),
        _("Each act is signed by {threshold} of {count} officers.").format(
            threshold=manifest.presidium.threshold, count=len(manifest.presidium.keys)
        ),
        _("The roll is signed by all {count} members of the commission.").format(count=len(manifest.commission)),
        _("Ballots need the signatures of all {count} registrars.").format(count=len(manifest.registrars)),
        _("{threshold} of {count} trustees decrypt; {minimum} must be there at the convening.").format(
            threshold=trustees.threshold, count=len(trustees.keys), minimum=trustees.minimum
        ),
        _("{quorum} of {count} witnesses must cosign; {dishonest} of them may be dishonest.").format(
            quorum=witnesses.quorum, count=len(witnesses.witnesses), dishonest=manifest.dishonest_witnesses
        ),
        _("The log is called {origin}; {count} operators can succeed the first.").format(
            origin=manifest.log.origin, count=len(manifest.successors)
        ),
        _("There are at most {polls} polls; a delegate may vote {ballots} times in each.").format(
            polls=manifest.polls, ballots=manifest.limits.ballots_per_credential
        ),
        _("What fewer than {count} delegates voted together is never decrypted.").format(
            count=manifest.minimum_ballots
        ),
        _("After its end a poll can be closed for {grace}; then delegates object for {objection}.").format(
            grace=period(manifest.grace), objection=period(manifest.objection_period)
        ),
        _("An end can be moved once, by at most {extension}; decryption may take {decryption}.").format(
            extension=period(manifest.extension_limit), decryption=period(manifest.decryption_period)
        ),
    ]
    for number, held in enumerate(manifest.classes, 1):
        lines.append(
            _("Class {number}, {name}: at most {seats} delegates, each vote counts {weight}.").format(
                number=number, name=held.name, seats=held.seats, weight=held.weight
            )
        )
    return [*lines, *(line for rule in manifest.rules for line in rule_words(manifest, rule))]


def rule_words(manifest: Manifest, rule: RuleSet) -> list[str]:
    """Return one rule set in plain words."""
    names = ", ".join(manifest.classes[index - 1].name for index in rule.eligible if index <= len(manifest.classes))
    quorum, majority = rule.quorum, rule.majority
    whom = _("those on the roll") if quorum.base == "roll" else _("those registered")
    by = _("by number") if quorum.measure == "count" else _("by weight")
    share = f"{majority.numerator}/{majority.denominator}"
    how = _("more than {share}") if majority.strict else _("at least {share}")
    of = {
        "cast": _("of all votes cast"),
        "decided": _("of the votes for and against"),
        "roll": _("of the votes of the whole roll"),
    }[majority.base]
    what = _("a resolution") if rule.decision == "adopt" else _("an election of {seats}").format(seats=rule.seats)
    return [
        _("Rules {name}: {what}; classes: {classes}; open for at least {open}.").format(
            name=rule.name, what=what, classes=names, open=period(rule.minimum_duration)
        ),
        "  "
        + _("Quorum {quorum} of {whom} {by}; an option needs {majority} {of}.").format(
            quorum=f"{quorum.numerator}/{quorum.denominator}", whom=whom, by=by, majority=how.format(share=share), of=of
        ),
    ]


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """A document whose hash an opening names.

    Attributes:
        text: the whole of it, compared with the hash; None if the log does not hold it.
        files: names of the files that people have compared with the hash on this machine.
    """

    text: str | None
    files: tuple[str, ...] = ()


def document_words(digest: bytes, known: KnownDocument | None) -> list[str]:
    """Return a document in plain words: hash, files that are it, and how it begins."""
    lines = ["  " + _("document {hash}").format(hash=grouped(digest.hex()))]
    if known is None or known.text is None:
        return [*lines, "  " + _("The log does not hold its text.")]
    for file in known.files:
        lines += marked(file, "  " + _("This file of yours is the document: {file}").format(file=""))
    beginning = known.text.removesuffix("\n").split("\n")
    lines += marked("\n".join(beginning[:SHOWN_LINES]))
    if len(beginning) > SHOWN_LINES:
        more = len(beginning) - SHOWN_LINES
        words = plural("… and {count} more line", "… and {count} more lines", more).format(count=more)
        lines += ["  " + words, "  " + _("To see that it is the text you know, give your own file: --document FILE")]
    return lines


def contest_words(contest: Contest, number: int, documents: Mapping[bytes, KnownDocument]) -> list[str]:
    """Return one contest in plain words: title, whole text, documents, options, limits.

    Args:
        contest: the contest.
        number: of it in its poll, from 1.
        documents: what is known of those that it names, by their SHA-256.
    """
    lines = marked(contest.title, _("Question {number}: {title}").format(number=number, title=""))
    lines += marked(contest.text) if contest.text else []
    for digest in contest.documents:
        lines += document_words(digest, documents.get(digest))
    most = max(option.maximum for option in contest.options)
    for place, option in enumerate(contest.options, 1):
        less = "" if option.maximum == most else " " + _("(at most {count})").format(count=option.maximum)
        lines += marked(option.label + less, f"  {place}. ")
    lines.append(
        "  "
        + _("A ballot gives {least} to {most} in all, at most {each} to one option. Rules: {rules}").format(
            least=contest.sum_minimum, most=contest.sum_maximum, each=most, rules=contest.rules
        )
    )
    return lines


def act_words(
    state: SittingState, kind: str, body: msgspec.Struct, documents: Mapping[bytes, KnownDocument]
) -> list[str]:
    """Return an act of several signers in plain words, everything that it changes included.

    Args:
        state: of the sitting.
        kind: of the act.
        body: of the act.
        documents: what is known of those that an opening names, by their SHA-256.
    """
    match body:
        case Manifest():
            return manifest_words(body)
        case Registration():
            words = _("Freeze roll and registrars' keys of registration {number}, for polls from {poll} on.")
            return [words.format(number=body.registration, poll=body.first_poll), *_roll_words(state)]
        case Opening() | Extension() | Annulment() | Result():
            return _poll_act_words(state, body, documents)
        case _:
            return [_sitting_act_words(kind, body)]


def _sitting_act_words(kind: str, body: msgspec.Struct) -> str:
    words = _("An act of the kind {kind}.").format(kind=kind)
    match body:
        case RegistrationClose():
            words = _("End the requests of registration {number}.").format(number=body.registration)
        case Convening():
            words = _("Convene registration {number} on the log of {size} entries: voting may begin.").format(
                number=body.registration, size=tree_size(body.checkpoint)
            )
        case CeremonyRestart():
            silent, rest = (", ".join(map(str, indices)) for indices in (body.silent, body.participants))
            words = _("Begin the key ceremony anew without trustee {silent}, with trustees {rest}.").format(
                silent=silent, rest=rest
            )
        case Handover():
            words = _("Hand the log over to successor {number} at size {size}, root {root}.").format(
                number=body.successor, size=body.size, root=grouped(body.root.hex())
            )
        case Adjournment():
            words = _("End the sitting: nothing has effect any more after this.")
    return words


def _poll_act_words(
    state: SittingState, body: Opening | Extension | Annulment | Result, documents: Mapping[bytes, KnownDocument]
) -> list[str]:
    match body:
        case Opening():
            lines = [_("Open poll {number}, until {time}.").format(number=body.poll, time=moment(body.closes_at))]
            for number, contest in enumerate(body.contests, 1):
                lines += contest_words(contest, number, documents)
            return lines
        case Extension():
            return [
                _("Move the end of poll {number} to {time}.").format(
                    number=_poll_number(state, body.ctx), time=moment(body.closes_at)
                )
            ]
        case Annulment():
            return [
                _("Annul poll {number} for good. Reason:").format(number=_poll_number(state, body.ctx)),
                *marked(body.reason),
            ]
        case Result():
            return result_words(state, body)


def result_words(state: SittingState, body: Result) -> list[str]:
    """Return a result in plain words: every option with its count, and what was decided."""
    poll = state.by_ctx.get(body.ctx)
    lines = [_("Result of poll {number}:").format(number=_poll_number(state, body.ctx))]
    contests: Sequence[Contest | None] = poll.opening.contests if poll is not None else [None] * len(body.contests)
    for contest, found in zip(contests, body.contests, strict=False):
        if contest is not None:
            lines += marked(f"{contest.title}: {outcome_words(found)}")
            counts = found.counts or ("–",) * len(contest.options)
            elected = {place: _("elected") for place in found.elected} | {place: _("tied") for place in found.tied}
            for place, (option, count) in enumerate(zip(contest.options, counts, strict=False), 1):
                lines += marked(f"  {option.label}: {count} {elected.get(place, '')}".rstrip())
    if body.page != NO_PAGE:
        lines.append("  " + _("result page: {hash}").format(hash=grouped(body.page.hex())))
    return lines


def outcome_words(found: ContestResult) -> str:
    """Return the outcome of a contest in words."""
    return {
        "adopted": _("adopted"),
        "rejected": _("rejected"),
        "elected": _("elected"),
        "inquorate": _("no quorum"),
        "unopened": _("below the privacy floor, never decrypted"),
    }.get(found.outcome, found.outcome)


def _roll_words(state: SittingState) -> list[str]:
    sizes = state.staged.class_sizes()
    classes = state.the_manifest().classes
    return [
        _("  {name}: {count} delegates").format(name=classes[index - 1].name, count=count)
        for index, count in sorted(sizes.items())
    ]


def _poll_number(state: SittingState, ctx: bytes) -> int | str:
    poll = state.by_ctx.get(ctx)
    return poll.number if poll is not None else _("(unknown)")
