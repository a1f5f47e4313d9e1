"""Sentences of the library with values in them, as templates that translators know.

The library formats its sentences itself, so the value is in the text already. A sentence is found again by its template
and said in the reader's language with the same values, each of which is looked up, too: `open` is a word, a number is
none. Templates that are more special come first. A test holds them to the library's source.

Source: SPEC.md#errors-and-blame.
"""

from __future__ import annotations

import functools
import re
import string
from typing import Final

from secballot_cli.messages import is_english, translated

TEMPLATES: Final = (
    # delegates
    "the ballot has {count} contests, and every one must be answered",
    "contest {number} has {count} options, and every one takes a value",
    "contest {number}: an option is given more or less than it can take",
    "contest {number}: the values must add up to {least}..{most} in all",
    "contest {number}: a label is not one of its options, or is named twice",
    "the ballot is not of poll {number}",
    "a later ballot of the same credential counts: number {number} of {of}",
    "the board promised place {index} to the ballot, and gave it to another entry",
    "a delegate may cast {limit} ballots in a poll, and all of yours are cast",
    "no board to post {size} bytes to: name its URL with --board",
    "no sealed ballot of poll {number} waits to be cast or opened",
    "phrase has {count} words instead of {needed}",
    "word {number} of the phrase is not on the list",
    "the tracker has {count} digits instead of {needed}",
    "group {number} of the tracker has a character that no tracker has",
    "write numbers of options, or {word}",
    "options have the numbers 1 to {most}: write these, with values as in 2=3",
    "no honest device seals such a ballot: {trouble}",
    # polls
    "poll {number} is {status}, not closed: there is nothing to decrypt",
    "poll {number} is {status}; the sealed ballot can only be opened",
    "poll {number} is not closed",
    "poll {number} has not been opened",
    "poll {number} is {status}",
    "the objection period lasts until {time}",
    "a good ballot received in time is missing from the log (leaf {leaf}…)",
    (
        "by its rules the poll is open for more than {needed} seconds, and the witnesses must have seen it before: with"
        " this closing time nobody could close it"
    ),
    "there are no rules {name}; the manifest has: {names}",
    "{title}: an election needs its options",
    "{title}: choose is two numbers, least and most",
    "the poll's file is not TOML: {trouble}",
    "the poll's file: {trouble}",
    "registration {number} is not the current one",
    # founding
    "there are more than {most} cards",
    "{name} is no card: {trouble}",
    "the manifest's key of {role} {number} is on no card of that role",
    "the manifest gives witness {number} another name than its card",
    "there is no card of the role {role}",
    "rules {name}: there is no class {other}",
    "the draft is not TOML: {trouble}",
    "the draft: {trouble}",
    # the log and its places
    "the newest checkpoint covers {size} entries, and only {there} are at hand",
    "the log shown has {size} entries, and had {before} the last time",
    "a witnessed checkpoint of size {size} has another root than this log",
    "no quorum of witnesses has cosigned the checkpoint of size {size}",
    "the note carries something else than its log's signature and {count} cosignatures",
    "{name} shows a checkpoint that it has not cosigned",
    "{name} has cosigned {size} entries, and {there} are here: another mirror may have the rest",
    "{name} has cosigned another log than the one here: compare them before anything else",
    "{name} shows no checkpoint of this log's operator: {trouble}",
    (
        "this witness's clock stands {seconds} seconds before its last cosignature: set it right; if it was ahead then,"
        " this witness cosigns nothing until that time has come"
    ),
    "the witness answers {status}",
    "{host} redirects too often",
    "{host} redirects to somewhere else, which is not followed",
    "{host} answers in an encoding that was not asked for",
    "{host} answers with garbled bytes",
    "{host} answers with more than {limit} bytes",
    "{host} answers too slowly",
    "{host} does not answer: {trouble}",
    "the URL cannot be used: {trouble}",
    "the Dask scheduler at {address} cannot be reached",
    "{path}: the server answers {status}",
    # files
    "{path} is missing",
    "{path} is garbled",
    "{path} is not a file",
    "{path} is longer than {limit} bytes",
    "{path} cannot be read",
    "{path} cannot be listed",
    "{path} is there already, and nothing is overwritten",
    "there is no key file in {path}",
    "the key file was made for {role}, and a {other}'s is asked for",
    "the file belongs to another role than {role}",
    "Argon2id could not get {size} MiB of memory",
    "the folder does not take the log's files: {trouble}",
    "the archive cannot be written: {trouble}",
    "the checkpoint seen cannot be kept: {trouble}",
)
"""Templates of what errors say, with a name for each value."""

REPORTED: Final = (
    "poll {number}, contest {contest}: {words}",
    "poll {number}: {words}",
    "only {what} counted, and the counts come close to showing each vote",
    "{count} ballots are",
    "{given}: the result shows {shown}, whatever the privacy floor",
    "everybody who voted gave all they could to {labels}",
    "{labels} and {count} more options",
    "contest {number} {outcome}",
    "void: {reason}",
    "annulled: {reason}",
    "the record fails by {check}: {reason}",
    "these checks are due and did not run: {checks}",
    "no manifest is complete in the {count} entries at hand",
    "session {number}: {reason}",
    "{party} is blamed",
    "in progress: key ceremony, session {session}, round {number}, {posted} of {count} trustees",
    "in progress: poll {numbers} is not finished",
    "in progress: convened, {count} polls so far, all finished",
    "in progress: registration {number} takes requests",
    "in progress: registration {number} waits for answers to {count} requests",
    "in progress: registration {number} has ended, and its convening is awaited",
)
"""Templates of what an audit's report says."""

PLAIN: Final = (
    "manifest",
    "key ceremony",
    "roll and registrar keys",
    "credentials",
    "consents and convening",
    "one ballot is",
    "nobody gave any option a vote",
    "how everybody voted",
    "that much of every ballot",
    "every check that is due has passed",
    "in progress: the joint key stands, and the registration is awaited",
    "no checkpoint at hand satisfies the witness quorum (LOG-01)",
    "the manifest is not complete below the newest checkpoint",
    "nobody is blamed",
    "lapsed: nobody closed it in time, and it is never decrypted",
    "closed and decrypted",
    "below the privacy floor",
    "the result is posted",
    "the presidium has not posted the result",
    "not opened: the sitting was adjourned first",
    "decryptions are awaited",
    "stays closed",
    "inquorate",
    "too few trustees are left for the ceremony",
    "the ceremony has used up its sessions",
    "the sitting is adjourned",
)
"""What a rehearsal and an audit's report say as it stands, besides what its enumerations hold."""


def said(text: str) -> str:
    """Return a sentence in the reader's language: as it stands, or by its template; else as it is."""
    if is_english():
        return text
    if (whole := translated(text)) != text:
        return whole
    for template, pattern in _patterns():
        found = pattern.fullmatch(text)
        if found is not None:
            return translated(template).format(**{name: said(value) for name, value in found.groupdict().items()})
    return text


def said_all(text: str) -> str:
    """Return a sentence, or sentences that a semicolon parts, in the reader's language."""
    if (whole := translated(text)) != text:
        return whole
    return "; ".join(said(part) for part in text.split("; "))


@functools.cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    return [(template, re.compile(_pattern(template), re.DOTALL)) for template in (*TEMPLATES, *REPORTED)]


def _pattern(template: str) -> str:
    parts = string.Formatter().parse(template)
    return "".join(re.escape(text) + (f"(?P<{name}>.+?)" if name else "") for text, name, _spec, _conversion in parts)
