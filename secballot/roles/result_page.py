"""The result page: what a poll decided, for people, as one HTML file that needs nothing else and prints well.

It is made from the record below the closing and the decryptions alone, without any time or name of its maker, so that
every signer of the result makes the same bytes, and so does everybody afterwards. Its hash stands in the result.

Source: SPEC.md#result-page.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, Final

from secballot.audit.polls import poll_lines
from secballot.board.note import Note
from secballot.errors import RefusalError
from secballot.record.history import open_witnessed
from secballot.record.tallying import recompute_result, turnout
from secballot.records.closing import Closing
from secballot.records.entry import decode_entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from secballot.audit.report import ContestLine, PollLine
    from secballot.record.history import WitnessedCheckpoint
    from secballot.record.state import PollState, SittingState
    from secballot.records.manifest import RuleSet
    from secballot.records.result import ContestResult

_STYLE: Final = """
@page { size: A4; margin: 16mm }
body { font: 11pt/1.4 Georgia, 'PT Serif', serif; color: #111; max-width: 46em; margin: 1.5em auto; padding: 0 1em }
h1 { font-size: 1.5em; margin: 0 0 .2em } h2 { font-size: 1.15em; margin: 1.2em 0 .3em; break-after: avoid }
p { margin: .3em 0 } .quiet { color: #444; font-size: .9em } .hash { font-family: monospace; overflow-wrap: anywhere }
section { break-inside: avoid } .outcome { font-weight: bold; border-left: .3em solid #111; padding-left: .6em }
table { border-collapse: collapse; width: 100%; margin: .4em 0 }
td, th { text-align: left; padding: .15em .4em .15em 0 }
td.count { text-align: right; white-space: nowrap } td.bar { width: 45% }
td.bar svg { width: 100%; height: .9em; display: block } rect { fill: #555 } tr.won rect { fill: #111 }
tr.won td { font-weight: bold } pre { white-space: pre-wrap; font: inherit }
"""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_OUTCOMES: Final = {
    "adopted": "Adopted · Принято",
    "rejected": "Not adopted · Не принято",
    "elected": "Elected · Избраны",
    "inquorate": "No quorum: nothing is decided · Нет кворума: решение не принято",
    "unopened": "Too few ballots: never opened, for secrecy · Слишком мало бюллетеней: не вскрыто ради тайны",
}
_STANDINGS: Final = {"elected": "elected · избран", "tied": "tied, not elected · поровну, не избран", "": ""}


def result_page(state: SittingState, poll: PollState) -> bytes:
    """Return the page of a closed and decrypted poll: HTML in UTF-8.

    Args:
        state: a verified one; everything that a page shows stands in it.
        poll: of this state.

    Raises:
        RecordError: there is no result: not closed, void, or decryptions are missing (RES-01).
        RefusalError: the poll is not closed.

    Source: SPEC.md#result-page.
    """
    result = recompute_result(state, poll)
    line = next(held for held in poll_lines(state) if held.number == poll.number)
    closing = _closing_checkpoint(state, poll)
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
        '<meta name="viewport" content="width=device-width">\n',
        f"<title>{_text(_headline(state, poll))}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n",
        f"<h1>{_text(_headline(state, poll))}</h1>\n",
        f"<p>Poll {poll.number} · Голосование {poll.number}</p>\n",
        *_turnout(state, poll, line),
        *(
            part
            for position, found in enumerate(result.contests)
            for part in _contest(state, poll, line.contests[position], found)
        ),
        *_verified(state, poll, line, closing),
        "</body>\n</html>\n",
    ]
    return "".join(parts).encode()


def page_digest(page: bytes) -> bytes:
    """Return the hash of a page as a result names it, 32 bytes."""
    return hashlib.sha256(page).digest()


def _text(text: str) -> str:
    """Return a text of the record as HTML shows it."""
    return escape(text, quote=True)


def _headline(state: SittingState, poll: PollState) -> str:
    title = state.the_manifest().title
    return f"{title}: {poll.opening.contests[0].title}" if len(poll.opening.contests) == 1 else title


def _time(seconds: int) -> str:
    # Not fromtimestamp(): which times it takes is the system's to say, and everybody is to make the same page.
    try:
        return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S} UTC"
    except OverflowError:
        return f"{seconds} s"


def _grouped(data: bytes) -> str:
    digits = data.hex()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def _closing_checkpoint(state: SittingState, poll: PollState) -> WitnessedCheckpoint:
    """Return the witnessed checkpoint that the closing embeds."""
    if poll.closing is None:
        raise RefusalError(f"poll {poll.number} is not closed")
    body = decode_entry(state.fetch(poll.closing.index)).body
    if not isinstance(body, Closing):
        raise RefusalError("the entry at the closing's index is no closing")
    return open_witnessed(state.the_manifest(), state.operators, body.checkpoint.encode())


def _turnout(state: SittingState, poll: PollState, line: PollLine) -> Iterator[str]:
    present, manifest = turnout(poll), state.the_manifest()
    yield "<section>\n<h2>Turnout · Участие</h2>\n<table>\n"
    yield "<tr><th>Class · Группа</th><th>On the roll · В списке</th><th>Registered · Получили право</th>"
    yield "<th>Voted · Проголосовали</th><th>Weight of a vote · Вес голоса</th></tr>\n"
    for slack in line.slack:
        held = manifest.classes[slack.class_index - 1]
        yield f"<tr><td>{_text(held.name)}</td>"
        for count in (slack.roll, slack.answered, slack.used, held.weight):
            yield f'<td class="count">{count}</td>'
        yield "</tr>\n"
    voted, roll = sum(present.counted.values()), sum(slack.roll for slack in line.slack)
    yield f"</table>\n<p>{voted} of {roll} delegates voted. · Проголосовали {voted} из {roll} делегатов.</p>\n"
    yield "</section>\n"


def _contest(state: SittingState, poll: PollState, line: ContestLine, found: ContestResult) -> Iterator[str]:
    contest = poll.opening.contests[line.number - 1]
    rule = state.the_manifest().rule_set(contest.rules)
    yield f"<section>\n<h2>{line.number}. {_text(contest.title)}</h2>\n"
    if contest.text:
        yield f'<pre class="quiet">{_text(contest.text)}</pre>\n'
    for document in contest.documents:
        yield f'<p class="quiet">Text, SHA-256 · Текст, SHA-256: <span class="hash">{_grouped(document)}</span></p>\n'
    yield f'<p class="outcome">{_OUTCOMES[found.outcome]}</p>\n'
    yield "<table>\n"
    most = max((option.count or 0 for option in line.options), default=0)
    for option in line.options:
        count = "–" if option.count is None else str(option.count)
        share = 1000 * (option.count or 0) // max(most, 1)
        won = ' class="won"' if option.standing == "elected" else ""
        yield f"<tr{won}><td>{_text(option.label)}</td>"
        yield f'<td class="bar"><svg role="img" aria-label="{count}">'
        yield f'<rect width="{share // 10}.{share % 10}%" height="100%"/></svg></td>'
        yield f'<td class="count">{count}</td><td>{_STANDINGS.get(option.standing, "")}</td></tr>\n'
    yield "</table>\n"
    if rule is not None:
        yield f'<p class="quiet">{_rule(rule)}</p>\n'
    if line.slack_matters:
        yield (
            '<p class="quiet">If all registrars had colluded, ballots that they could have added might have changed'
            " this outcome. · При сговоре всех регистраторов добавленные ими бюллетени могли бы изменить исход.</p>\n"
        )
    yield "</section>\n"


def _rule(rule: RuleSet) -> str:
    quorum, majority = rule.quorum, rule.majority
    whom = {"roll": "the roll · списка", "registered": "those registered · получивших право"}[quorum.base]
    by = {"count": "by number · по числу", "weight": "by weight · по весу"}[quorum.measure]
    base = {
        "cast": "all votes cast · всех поданных голосов",
        "decided": "votes for and against · голосов за и против",
        "roll": "the whole roll · всего списка",
    }[majority.base]
    least = "more than · больше" if majority.strict else "at least · не менее"
    seats = f"; seats · мест: {rule.seats}" if rule.decision == "elect" else ""
    return (
        f"Rules · Правила «{_text(rule.name)}»: quorum · кворум {quorum.numerator}/{quorum.denominator} ({whom}; {by});"
        f" majority · большинство: {least} {majority.numerator}/{majority.denominator} ({base}){seats}"
    )


def _verified(state: SittingState, poll: PollState, line: PollLine, closing: WitnessedCheckpoint) -> Iterator[str]:
    manifest, ended = state.the_manifest(), poll.closing
    names = [signature.name for signature in Note.decode(closing.note).signatures][1:]
    yield "<section>\n<h2>What this rests on · На чём это основано</h2>\n"
    yield (
        "<p>Every signer's machine replayed the whole public log and checked each signature and proof: the key"
        " ceremony, the roll, the credentials, every ballot counted, the sums, and the decryptions by"
        f" {manifest.trustees.threshold} trustees. Anybody can do the same from the log alone, and can make this very"
        " page from it: its SHA-256 stands in the signed result.</p>\n"
        "<p>Компьютер каждого подписавшего заново прочитал весь открытый журнал и проверил все подписи и"
        " доказательства: создание ключа, список, удостоверения, каждый учтённый бюллетень, суммы и расшифровку"
        f" ({manifest.trustees.threshold} доверенных). То же может сделать любой по одному лишь журналу — и получить из"
        " него эту самую страницу: её SHA-256 стоит в подписанном результате.</p>\n"
    )
    used, answered = sum(held.used for held in line.slack), sum(held.answered for held in line.slack)
    rows = [
        ("Sitting · Заседание", _hash(state.sitting_id)),
        ("Poll (ctx) · Голосование (ctx)", _hash(poll.ctx)),
        ("Log · Журнал", _text(manifest.log.origin)),
        ("Ended · Окончание", _time(poll.closes_at)),
        ("Closing seen by witnesses · Закрытие по свидетелям", _time(ended.time if ended is not None else 0)),
        (
            "Size and root at the closing · Размер и корень при закрытии",
            f"{closing.checkpoint.tree_size}<br>" + _hash(closing.checkpoint.root),
        ),
        ("Witnesses · Свидетели", _text(", ".join(names))),
        ("Tally · Итог", _hash(poll.tally_id)),
        ("Credentials given, not used · Выдано и не использовано", f"{answered - used}"),
    ]
    yield '<table class="quiet">\n'
    for name, value in rows:
        yield f"<tr><td>{name}</td><td>{value}</td></tr>\n"
    yield "</table>\n</section>\n"


def _hash(data: bytes) -> str:
    return f'<span class="hash">{_grouped(data)}</span>'
