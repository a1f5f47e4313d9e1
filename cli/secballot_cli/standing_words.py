"""Where a sitting stands, in words: what is awaited, from whom, since when, and the command that does it.

Source: SPEC.md#state-machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot.roles.awaited import shown_at, standing
from secballot_cli.messages import _
from secballot_cli.telling import moment

if TYPE_CHECKING:
    from secballot.errors import Party
    from secballot.roles.awaited import Awaited
    from secballot.roles.view import WitnessedView


def phase_words(phase: str) -> str:
    """Return a phase in words."""
    return {
        "ceremony": _("key ceremony"),
        "setup": _("before the registration"),
        "registration": _("registration: delegates request their credentials"),
        "answers": _("registration: the registrars answer"),
        "consents": _("registration: consents and convening"),
        "polls": _("convened: polls"),
        "adjourned": _("adjourned: the sitting is over"),
    }[phase]


def party_words(party: Party) -> str:
    """Return a party in words, with its number if it is a particular one."""
    role = {
        "presidium": _("officer"),
        "commission": _("commission member"),
        "registrar": _("registrar"),
        "trustee": _("trustee"),
        "delegate": _("delegates"),
    }.get(party.role, party.role)
    return f"{role} {party.index}" if party.index else role


def who_words(item: Awaited) -> str:
    """Return everybody of whom a thing is awaited."""
    if item.pending is None and item.action in _SEVERAL:
        return _("officers, as many as an act needs")
    if item.action in {"closing", "lapse"}:
        return _("any officer or trustee")
    return ", ".join(map(party_words, item.parties))


_SEVERAL = frozenset({"adjournment", "convening", "opening", "registration", "registration-close", "result"})


def action_words(item: Awaited) -> str:
    """Return what is awaited, in words."""
    if item.pending is not None:
        return _("{kind} (entry {index}) is to be countersigned").format(kind=item.action, index=item.pending)
    words = {
        "ceremony-commit": _("key ceremony, round 0"),
        "ceremony-reveal": _("key ceremony, round 1"),
        "ceremony-shares": _("key ceremony, round 2"),
        "ceremony-confirm": _("key ceremony, round 3"),
        "registrar-key": _("the registrars' keys"),
        "roll": _("the roll, signed by the whole commission"),
        "registration": _("the registration is to be opened"),
        "credential-request": _("requests of {count} delegates").format(count=item.count),
        "credential-issue": _("answers to {count} requests").format(count=item.count),
        "registration-close": _("the end of the registration"),
        "consent": _("consents"),
        "convening": _("the convening"),
        "opening": _("the next poll, or the adjournment"),
        "ballot": _("poll {poll}: ballots").format(poll=item.poll),
        "closing": _("poll {poll}: its closing").format(poll=item.poll),
        "lapse": _("poll {poll}: nobody closed it in time; it is to lapse").format(poll=item.poll),
        "wait": _("poll {poll}: delegates may object; then it is decrypted").format(poll=item.poll),
        "decryption": _("poll {poll}: {count} more decryptions").format(poll=item.poll, count=item.count),
        "result": _("poll {poll}: its result").format(poll=item.poll),
    }
    return words.get(item.action, item.action)


def command_for(item: Awaited) -> str:
    """Return the command that does what is awaited."""
    if item.pending is not None:
        return "secballot officer countersign"
    number = f" {item.poll}" if item.poll else ""
    if item.action.startswith("ceremony-"):
        return "secballot trustee run"
    commands = {
        "registrar-key": "secballot registrar run",
        "roll": "secballot commission roll sign",
        "registration": "secballot officer register",
        "credential-request": "secballot delegate register",
        "credential-issue": "secballot registrar run",
        "registration-close": "secballot officer close-registration",
        "consent": "secballot trustee run",
        "convening": "secballot officer convene",
        "opening": "secballot officer open",
        "ballot": "secballot delegate vote" + number,
        "closing": "secballot officer close" + number,
        "lapse": "secballot officer lapse" + number,
        "wait": "secballot status",
        "decryption": "secballot trustee decrypt" + number,
        "result": "secballot officer result" + number,
    }
    if item.action == "consent" and item.parties and item.parties[0].role == "registrar":
        return "secballot registrar run"
    return commands[item.action]


def item_lines(view: WitnessedView, item: Awaited) -> list[str]:
    """Return one awaited thing: what, from whom, since when, until when, and the command."""
    since = shown_at(view, item.since)
    lines = [action_words(item)]
    lines.append(_("  from: {who}").format(who=who_words(item)))
    if since:
        lines.append(_("  since: {time}").format(time=moment(since)))
    if item.until:
        lines.append(_("  until: {time}").format(time=moment(item.until)))
    lines.append(_("  command: {command}").format(command=command_for(item)))
    return lines


def next_steps(view: WitnessedView, now: int) -> tuple[list[str], str]:
    """Return the commands that come next in a sitting, and who has to act on the first of them."""
    items = standing(view, now).awaited
    steps = []
    for item in items:
        when = _(" (not before {time})").format(time=moment(item.until)) if item.action == "wait" else ""
        steps.append(f"{command_for(item)}    {action_words(item)}{when}")
    return steps, who_words(items[0]) if items else ""


def standing_facts(view: WitnessedView, now: int) -> dict[str, object]:
    """Return where the sitting stands for programs."""
    found = standing(view, now)
    return {
        "phase": found.phase,
        "awaited": [
            {
                "action": item.action,
                "command": command_for(item),
                "count": item.count,
                "parties": [str(party) for party in item.parties],
                "pending": item.pending,
                "poll": item.poll,
                "since": shown_at(view, item.since),
                "until": item.until,
            }
            for item in found.awaited
        ],
        "size": view.size,
        "sitting": view.anchor.hex(),
    }
