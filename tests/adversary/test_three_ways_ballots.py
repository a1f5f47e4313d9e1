"""Bad credentials, chains, tags, moments and bytes: refused, excluded, and in no tally (sections CR, BA, LG and PA)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.blind import blind_sign, emsa_pss_encode, prepare
from secballot.protocol.registration import credential_message, key_id
from secballot.roles.delegate import ballot_entry
from tests.adversary.three_ways import HONEST, counts_in_none_of_three_ways, opened
from tests.ballot_mutants import MUTATIONS, mutant
from tests.simulator import TAGS, Simulator, resolution
from tests.stages import AGAINST, FOR, Stream, published_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.records.ballot import Ballot

ME = 2
"""The dishonest delegate; 0 and 1 are honest, and 0 has voted twice."""


def mine(stream: Stream) -> Ballot:
    """Return an honest ballot of the dishonest delegate."""
    return stream.ballot(ME, (FOR,))


def first_of(who: int) -> Ballot:
    """Return what an honest delegate cast first."""
    twin = Stream()
    twin.open(resolution("Declaration 0"))
    return twin.ballot(who, (FOR,))


def again(stream: Stream, who: int, **changes: object) -> Ballot:
    """Return a delegate's next ballot with changes, finished by the owner of the credential."""
    return stream.resign(who, msgspec.structs.replace(stream.ballot(who, (FOR,)), **changes))


@pytest.mark.parametrize("check", sorted(set(MUTATIONS) - {"BAL-04"}))
def test_a_ballot_with_one_fault_is_not_counted(check: str) -> None:
    """BA-07: every part of a ballot is under its challenge, or under a check of its own."""
    counts_in_none_of_three_ways(lambda stream: mutant(stream, ME, mine(stream), [check]), check)


@pytest.mark.parametrize("colluding", [1, 0])
def test_a_credential_without_every_registrar_is_not_counted(colluding: int) -> None:
    """CR-03, CR-05, CR-15: minted by one registrar of two, its signature in both places; or by none."""

    def fault(stream: Stream) -> Ballot:
        minted = stream.mint(1, (FOR,), colluding=1)
        return minted if colluding else msgspec.structs.replace(minted, signatures=bytes(len(minted.signatures)))

    counts_in_none_of_three_ways(fault, "BAL-08")


@pytest.mark.parametrize("change", ["turned round", "one less", "one more"])
def test_other_signers_than_the_manifest_has_are_none(change: str) -> None:
    """CR-03: signatures in another order than the registrars', one too few, or one too many."""

    def fault(stream: Stream) -> Ballot:
        ballot = mine(stream)
        first, second = ballot.signatures[:384], ballot.signatures[384:]
        signatures = {"turned round": second + first, "one less": first, "one more": first + second + second}[change]
        return again(stream, ME, signatures=signatures)

    counts_in_none_of_three_ways(fault, "BAL-08" if change == "turned round" else "BAL-06")


def test_a_credential_of_another_class_is_not_counted() -> None:
    """CR-06: what the keys of class 1 signed is no credential of class 2, whatever the message says."""
    counts_in_none_of_three_ways(lambda stream: again(stream, ME, class_index=2), "BAL-08")


@pytest.mark.parametrize("shift", [-1, 1, -32])
def test_a_randomizer_has_one_length(shift: int) -> None:
    """CR-07: 31, 33 or 0 bytes, the rest moved over to the neighbour: a signature splits in one way only."""

    def fault(stream: Stream) -> Ballot:
        ballot = mine(stream)
        randomizers = ballot.randomizers[:shift] if shift < 0 else ballot.randomizers + bytes(shift)
        return again(stream, ME, randomizers=randomizers)

    counts_in_none_of_three_ways(fault, "BAL-06")


def test_a_second_signature_on_one_key_is_no_second_credential() -> None:
    """CR-08: PSS has many signatures of one message; whoever is S is one voter, with the bytes of the first ballot."""

    def fault(stream: Stream) -> Ballot:
        ballot, poll = stream.ballot(0, (FOR,)), stream.poll()
        signatures = []
        for registrar, key in enumerate(poll.context.registrar_keys[1], 1):
            name = key_id(stream.board.anchor, poll.registration.number, registrar, 1, 1, key)
            message = credential_message(stream.board.anchor, 1, registrar, name, 1, ballot.credential)
            randomizer = ballot.randomizers[32 * (registrar - 1) : 32 * registrar]
            encoded = emsa_pss_encode(prepare(randomizer, message), 3071, b"another salt".ljust(48))
            signatures.append(blind_sign(published_secret(key.n), encoded))
        assert b"".join(signatures) != ballot.signatures
        return again(stream, 0, signatures=b"".join(signatures))

    counts_in_none_of_three_ways(fault, "BAL-04")


@pytest.mark.parametrize("position", ["first", "last"])
@pytest.mark.parametrize("registrar", [1, 2])
def test_a_signature_that_is_none_is_not_counted(registrar: int, position: str) -> None:
    """CR-11: one bit of either registrar's signature, at either end."""

    def fault(stream: Stream) -> Ballot:
        data = bytearray(mine(stream).signatures)
        data[384 * registrar - (384 if position == "first" else 1)] ^= 1
        return again(stream, ME, signatures=bytes(data))

    counts_in_none_of_three_ways(fault, "BAL-08")


def test_an_old_ballot_is_not_counted_again() -> None:
    """BA-01: the first of a delegate's two ballots, logged once more behind the second."""
    counts_in_none_of_three_ways(lambda _: first_of(0), "BAL-03")


def test_a_ballot_before_the_one_it_follows_is_not_counted() -> None:
    """BA-02: a board that holds a delegate's first ballot back cannot let the second stand for it."""

    def fault(stream: Stream) -> Ballot:
        twin = Stream()
        twin.open(resolution("Declaration 0"))
        twin.cast(twin.ballot(ME, (AGAINST,)))
        assert twin.poll().ctx == stream.poll().ctx
        return twin.ballot(ME, (FOR,), tag=TAGS[3])

    counts_in_none_of_three_ways(fault, "BAL-03")


@pytest.mark.parametrize(
    "change",
    [{"sequence": 5}, {"sequence": 2**53 - 1}, {"sequence": 0}, {"previous": bytes(32)}, {"previous": b"\1" * 32}],
)
def test_no_ballot_jumps_or_forks(change: dict[str, object]) -> None:
    """BA-03: a number ahead, far ahead or behind, and a predecessor that is none."""
    counts_in_none_of_three_ways(lambda stream: again(stream, 0, **change), "BAL-03")


@pytest.mark.parametrize("text", ['"1"', "1.0", "true", "-1", "01", "1e0"])
def test_a_sequence_is_a_number_in_its_one_spelling(text: str) -> None:
    """BA-03, PA-02: text, float, boolean, negative, zero-padded and with an exponent."""

    def fault(stream: Stream) -> bytes:
        entry = ballot_entry(again(stream, 0, sequence=1, previous=stream.ballot(0, (FOR,)).previous))
        return entry.replace(b'"sequence":1', b'"sequence":' + text.encode())

    counts_in_none_of_three_ways(fault, "ENT-01")


def test_a_tag_changed_afterwards_is_not_counted() -> None:
    """BA-05: a client that shows one ballot under two tags has to sign twice."""
    counts_in_none_of_three_ways(lambda stream: msgspec.structs.replace(mine(stream), tag=TAGS[3]), "BAL-09")


@pytest.mark.parametrize(
    "field", ["class_index", "commitment", "credential", "previous", "sequence", "tag", "response"]
)
def test_a_stolen_credential_signs_nothing(field: str) -> None:
    """BA-07: a stranger changes any field of a ballot on its way; without s nothing of it stands."""
    other = {"class_index": 2, "commitment": b"\1" * 32, "previous": b"\1" * 32, "sequence": 1, "tag": TAGS[3]}
    check = {"class_index": "BAL-08", "commitment": "BAL-07", "credential": "BAL-08", "tag": "BAL-09"}

    def fault(stream: Stream) -> Ballot:
        ballot = mine(stream)
        values = {**other, "credential": ballot.commitment, "response": ballot.previous}
        return msgspec.structs.replace(ballot, **{field: values[field]})

    counts_in_none_of_three_ways(fault, check.get(field, "BAL-09" if field == "response" else "BAL-03"))


@pytest.mark.parametrize("member", ["timestamp", "padding", "user_agent", "uuid"])
@pytest.mark.parametrize("place", ["envelope", "body", "contest"])
def test_a_ballot_holds_nothing_more(place: str, member: str) -> None:
    """BA-08: no clock, filler, device or identifier, at any depth."""

    def fault(stream: Stream) -> bytes:
        entry = json.loads(ballot_entry(mine(stream)))
        inside = {"envelope": entry, "body": entry["body"], "contest": entry["body"]["contests"][0]}[place]
        inside[member] = 1
        return json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()

    counts_in_none_of_three_ways(fault, "ENT-01")


def test_an_early_ballot_is_not_counted() -> None:
    """BA-09: for a poll that has not been opened."""

    def fault(stream: Stream) -> Ballot:
        twin = Stream()
        twin.open(resolution("Another day"), number=2)
        return twin.ballot(ME, (FOR,), 2)

    counts_in_none_of_three_ways(fault, "BAL-01")


@pytest.mark.parametrize("resigned", [False, True])
def test_a_ballot_for_another_text_is_not_counted(resigned: bool) -> None:
    """BA-10: made for an opening that shows other options, moved to this one, with and without its owner's help."""

    def fault(stream: Stream) -> Ballot:
        contest = resolution("Declaration 0")
        twin = Stream()
        twin.open(msgspec.structs.replace(contest, options=contest.options[::-1]))
        assert twin.poll().ctx != stream.poll().ctx
        moved = msgspec.structs.replace(twin.ballot(ME, (FOR,)), ctx=stream.poll().ctx)
        return stream.resign(ME, moved) if resigned else moved

    counts_in_none_of_three_ways(fault, "BAL-12" if resigned else "BAL-09")


POISON: dict[str, bytes] = {
    "random bytes": bytes(range(256)),
    "nothing": b"",
    "a long entry": b"x" * 65_536,
    "ten million bytes": b"[" * 10_000_000,
    "an unknown kind": b'{"body":{},"kind":"vote"}',
    "no object": b"7",
    "null": b"null",
}


@pytest.mark.parametrize("name", POISON)
def test_poison_on_the_log_is_not_counted(name: str) -> None:
    """BA-11, PA-08: whatever bytes the board logs, the count goes on."""
    counts_in_none_of_three_ways(lambda _: POISON[name], "ENT-01")


def test_a_flood_of_bad_ballots_hides_nothing() -> None:
    """BA-11: between any number of bad ballots the good ones are found, in whatever order they stand."""
    stream, note = opened()
    good = [stream.ballot(who, (FOR,)) for who in (2, 3)]
    for ballot in good:
        for check in ("BAL-03", "BAL-08", "BAL-09", "BAL-13"):
            assert stream.cast(mutant(stream, 2, ballot, [check])).check == check
        assert stream.cast(ballot).outcome.value == "accepted"
    stream.close(note)
    stream.decrypt(1, 3)
    assert stream.result().contests[0].counts == (HONEST[0] + 4, *HONEST[1:])


@pytest.mark.attack("SB-01")
def test_an_opened_ballot_is_not_counted() -> None:
    """BA-13: what a device shows of an opened ballot lacks z, and no scalar that is shown is one."""

    def fault(stream: Stream) -> Ballot:
        sealed, finished = stream.seal(ME, (FOR,)), mine(stream)
        shown = sealed.open()
        assert shown.commitment == finished.commitment
        return msgspec.structs.replace(finished, response=finished.contests[0].responses[:32])

    counts_in_none_of_three_ways(fault, "BAL-09")


SPELLINGS: dict[str, Callable[[bytes], bytes]] = {
    "white space": lambda entry: entry.replace(b'","kind"', b'", "kind"').replace(b"},", b"}, ", 1),
    "keys turned round": lambda entry: b'{"kind":"ballot",' + entry[1 : -len(b',"kind":"ballot"}')] + b"}",
    "escaped": lambda entry: entry.replace(b'"kind"', b'"\\u006bind"'),
    "a key twice": lambda entry: entry.replace(b'"kind":"ballot"', b'"kind":"ballot","kind":"ballot"'),
    "a key twice, escaped": lambda entry: entry.replace(b'"kind":"ballot"', b'"\\u006bind":"ballot","kind":"ballot"'),
    "byte order mark": lambda entry: b"\xef\xbb\xbf" + entry,
    "UTF-16": lambda entry: entry.decode().encode("utf-16"),
    "line feed behind": lambda entry: entry + b"\n",
    "zero behind": lambda entry: entry + b"\0",
    "a second document": lambda entry: entry + entry,
    "base64 unpadded": lambda entry: entry.replace(b'="', b'"', 1),
    "base64 with junk": lambda entry: entry.replace(b'="', b'=\\n"', 1),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_ballot_has_one_spelling(name: str) -> None:
    """LG-13, PA-01, PA-05, PA-07: a good ballot in other bytes is no entry, and no second ballot."""

    def fault(stream: Stream) -> bytes:
        entry = ballot_entry(mine(stream))
        other = SPELLINGS[name](entry)
        assert other != entry
        return other

    counts_in_none_of_three_ways(fault, "ENT-01")


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"body":', b'{"body":{"class":['])
def test_depth_is_no_weapon(opening: bytes) -> None:
    """PA-04: as deep as an entry can be, and deeper than any stack."""
    for size in (65_535, 1_000_000):
        counts_in_none_of_three_ways(lambda _, size=size: (opening * size)[:size], "ENT-01")  # type: ignore[misc]  # bound at once


@pytest.mark.parametrize("digits", [16, 4_300, 5_000, 60_000])
def test_long_numbers_are_no_weapon(digits: int) -> None:
    """PA-03: refused by their length, not by what Python's integers make of them."""

    def fault(stream: Stream) -> bytes:
        entry = ballot_entry(again(stream, 0))
        return entry.replace(b'"sequence":', b'"sequence":' + b"9" * digits)[:65_535]

    counts_in_none_of_three_ways(fault, "ENT-01")


def test_a_ballot_of_another_sitting_is_none() -> None:
    """FS-07: same question, same seats, same classes; ctx, keys and sitting are others, and each is enough."""
    other = Simulator(seed=b"another sitting").until_polls()
    other.rehearsal.open_poll(1, [resolution()])
    foreign = other.rehearsal.delegates[0].seal(1, (FOR,), TAGS[0]).cast()
    counts_in_none_of_three_ways(lambda _: foreign, "BAL-01")
    counts_in_none_of_three_ways(
        lambda stream: msgspec.structs.replace(foreign, ctx=stream.poll().ctx),
        "BAL-08",
    )
