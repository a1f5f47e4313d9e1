"""From cards to a manifest: the template is good as it is but for what people must fill in, and mistakes are said."""

from __future__ import annotations

import re

import msgspec
import pytest

from secballot.errors import EncodingError, PolicyError, SecballotError, VerificationError
from secballot.records.manifest import MANIFEST
from secballot.roles.cards import Card, Role, cards_of, make_card
from secballot.roles.draft_template import draft_template
from secballot.roles.drafting import advice, manifest_of, read_draft
from secballot.signing import SigningKey

COUNTS: dict[Role, int] = {"officer": 3, "commission": 2, "registrar": 2, "trustee": 5, "witness": 4, "board": 2}


def cards(**other: int) -> list[Card]:
    """Return cards of so many parties of each role."""
    made, number = [], 0
    for role, usual in COUNTS.items():
        for _ in range(other.get(role, usual)):
            number += 2
            one, two = (SigningKey.from_seed(n.to_bytes(32)).verify_key.encode() for n in (number, number + 1))
            name = f"{role}-{number}.example"
            made.append(make_card(role, name, one, promise_key=two if role == "board" else b""))
    return made


def template(**other: int) -> str:
    """Return the template of so many cards, with a title."""
    text = draft_template(cards(**other), bytes(range(16)), name="sitting.toml")
    return text.replace('title = ""', 'title = "First Congress"')


def test_the_template_is_a_good_sitting() -> None:
    """With a title alone it founds a sitting whose only advice is none at all."""
    manifest = manifest_of(read_draft(template()))

    assert MANIFEST.decode(MANIFEST.encode(manifest)) == manifest
    assert manifest.trustees.threshold == 3
    assert manifest.trustees.minimum == 4
    assert manifest.witnesses.quorum == 3
    assert len(manifest.successors) == 1
    assert manifest.log.origin == f"board-34.example/{bytes(range(16)).hex()}"
    assert advice(manifest) == []


@pytest.mark.parametrize("at", range(18))
def test_a_strangers_key_in_a_manifest_is_found(at: int) -> None:
    """Every party stands on a card of its role; where any one key is another's, the manifest is not signed unseen."""
    manifest, known = manifest_of(read_draft(template())), cards()
    assert len(cards_of(manifest, known)) == len(known) == 18
    stranger = SigningKey.from_seed(bytes(32)).verify_key.encode()
    with pytest.raises(PolicyError, match="on no card"):
        cards_of(manifest, [*known[:at], msgspec.structs.replace(known[at], key=stranger), *known[at + 1 :]])


@pytest.mark.parametrize("role", ["witness", "board"])
def test_a_witness_of_another_name_and_a_board_of_another_promise_key_are_found(role: Role) -> None:
    """They are parts of the cards, too."""
    stranger = SigningKey.from_seed(bytes(32)).verify_key.encode()
    other = {"name": "other.example"} if role == "witness" else {"promise_key": stranger}
    known = [msgspec.structs.replace(card, **other) if card.role == role else card for card in cards()]
    with pytest.raises(PolicyError):
        cards_of(manifest_of(read_draft(template())), known)


@pytest.mark.parametrize("role", ["board", "trustee"])
def test_a_card_says_nothing_but_its_name(role: Role) -> None:
    """A name with the marks of the template in it stays a name: it neither ends the line nor takes the nonce away."""
    name, nonce = 'x.example" # \\', bytes(range(16))
    made = [msgspec.structs.replace(card, name=name) if card.role == role else card for card in cards(board=1)]
    draft = read_draft(draft_template(made, nonce, name="sitting.toml"))

    assert draft.origin == f"{draft.board.name}/{nonce.hex()}"
    assert name in (draft.board.name, draft.trustees[0].name)


@pytest.mark.parametrize("witnesses", range(1, 33))
def test_the_proposed_quorum_withstands_the_proposed_dishonest(witnesses: int) -> None:
    """However many witnesses there are, the template's numbers are admissible."""
    manifest = manifest_of(read_draft(template(witness=witnesses)))
    assert 2 * manifest.witnesses.quorum > witnesses + manifest.dishonest_witnesses


@pytest.mark.parametrize("trustees", range(1, 32))
def test_the_proposed_threshold_is_admissible(trustees: int) -> None:
    """However many trustees there are, the template's numbers are admissible, and more than half of them decrypt."""
    manifest = manifest_of(read_draft(template(trustee=trustees)))
    assert 2 * manifest.trustees.threshold > trustees


@pytest.mark.parametrize(
    ("old", "new", "check"),
    [
        ("witnesses = 3 ", "witnesses = 2 ", "SIT-02"),
        ("seats = 100 ", "seats = 4 ", "SIT-02"),
        ("trustees_to_decrypt = 3", "trustees_to_decrypt = 1", "SIT-02"),
        ("presidium = 2 ", "presidium = 4 ", "SIT-02"),
        ('share = "1/2", of = "decided"', 'share = "3/2", of = "decided"', "SIT-02"),
    ],
)
def test_what_the_record_refuses_is_refused_before_anybody_signs(old: str, new: str, check: str) -> None:
    """The check's id is the record's own."""
    text = template()
    assert old in text
    with pytest.raises(VerificationError) as caught:
        manifest_of(read_draft(text.replace(old, new)))
    assert caught.value.check == check


def test_one_key_for_two_parties_is_refused() -> None:
    """A copied card would make one person two."""
    text = template()
    keys = re.findall(r'^key = "([0-9a-f]{64})"', text, re.MULTILINE)
    with pytest.raises(VerificationError) as caught:
        manifest_of(read_draft(text.replace(keys[1], keys[0])))
    assert caught.value.check == "SIT-03"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[limits]", "[limmits]"),
        ("weight = 1", 'weight = "1"'),
        ('classes = ["delegates"]', 'classes = ["observers"]'),
        ('title = "First Congress"', 'title = ""'),
        ("polls = 10 ", "polls = 0 "),
        ("grace = 86400 ", "grace = -1 "),
        ("smallest_group", "smalest_group"),
        ('share = "1/2"', 'share = "half"'),
        ('title = "First Congress"', "title = First Congress"),
        ('origin = "board', 'origin = "BOARD'),
    ],
)
def test_a_mistyped_draft_is_refused(old: str, new: str) -> None:
    """An unknown name, a wrong kind, a value out of range: our own error, with words."""
    text = template()
    assert old in text
    with pytest.raises(EncodingError) as caught:
        manifest_of(read_draft(text.replace(old, new)))
    assert caught.value.message


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("seats = 100 ", "seats = 9 ", "class-near-floor"),
        ("seats = 100 ", "seats = 9 ", "weight-group-too-small"),
        ("smallest_group = 5 ", "smallest_group = 2 ", "floor-low"),
        ("presidium = 2 ", "presidium = 1 ", "one-officer-decides"),
        ("presidium = 2 ", "presidium = 3 ", "every-officer-needed"),
        ("trustees_to_decrypt = 3 ", "trustees_to_decrypt = 2 ", "few-trustees-decrypt"),
        ("witnesses = 3 ", "witnesses = 4 ", "every-witness-needed"),
        ("dishonest_witnesses = 1 ", "dishonest_witnesses = 0 ", "no-dishonest-witness"),
        ("objection = 3600 ", "objection = 60 ", "no-objection-period"),
        ("grace = 86400 ", "grace = 60 ", "short-grace"),
        ("polls = 10 ", "polls = 200 ", "many-registrar-keys"),
    ],
)
def test_what_is_allowed_and_unwise_is_said(old: str, new: str, code: str) -> None:
    """Advice names its reason by a code, and the manifest stands all the same."""
    text = template()
    assert old in text
    assert code in [found for found, _ in advice(manifest_of(read_draft(text.replace(old, new))))]


def test_missing_and_misplaced_cards_are_refused() -> None:
    """Every role has a card, and delegates have none here."""
    with pytest.raises(EncodingError, match="witness"):
        template(witness=0)
    delegate = make_card("delegate", "roll", SigningKey.from_seed(bytes(32)).verify_key.encode())
    with pytest.raises(EncodingError, match="commission"):
        draft_template([*cards(), delegate], bytes(16), name="x")
    assert issubclass(EncodingError, SecballotError)
