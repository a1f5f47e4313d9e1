"""Every class of the library that holds a secret, with an object of it and the secrets that it holds.

`suspects` finds classes by the names of what they keep. Each of them is here, with an object, or in `NO_SECRETS`, with
the reason why what is kept under such a name is public.
"""

from __future__ import annotations

import base64
import importlib
import inspect
import pkgutil
import re
from typing import TYPE_CHECKING, Final

import secballot
from secballot.board.cosignature import Ed25519Cosigner, MlDsaCosigner
from secballot.board.note import Ed25519Signer
from secballot.group import Scalars
from secballot.protocol.ceremony_dealing import TrusteeSecrets
from secballot.protocol.phrase import Wallet, generate_phrase
from secballot.roles.wallet_state import OpenedWork, SealedWork
from secballot.signing import SigningKey
from secballot.store.journal import Journal
from secballot.store.lockbox import Lockbox
from secballot.store.sealed_journal import SealedJournal
from tests.ceremony_run import session_of
from tests.registrar_keys import test_key as published_key
from tests.sealed_ballots import ONE_OF_THREE, make_context, seal_sample
from tests.simulator import TAGS, golden
from tests.wallets import PASSPHRASE, make_device, make_wallet, phrases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Held = tuple[object, list[bytes | int | str]]
"""An object, and the secrets in it."""

_NAMES: Final = re.compile(
    r".*(secret|seed|phrase|nonce|private|inverse|blinding|unfinished|coefficient|password|wallet|journal).*"
    r"|choices|fresh|shown|_(key|keys|p|q|dp|dq|r|s|x|box|proofs|salt)"
)

SEED: Final = bytes(range(100, 132))

NO_SECRETS: Final = {
    "board.policy:_Builder": "keys of witnesses, as a policy file names them",
    "net.limits:KeyedBuckets": "counters by what is limited",
    "net.door:EntryDoor": "counters by public keys",
    "protocol.ballot_encryption:EncryptedBallot": "its secrets are in _Proofs, which refuse to be carried away",
    "record.rolls:Roll": "roll keys, which are on the board",
    "records.ceremony:CeremonyReveal": "posted",
    "roles.contradictions:Contradiction": "evidence, which is to be published",
    "roles.contradictions:ContradictionBook": "evidence, which is to be published",
    "roles.board:BoardOperator": "its key is a SigningKey, tried by itself; the store holds what is published",
    "roles.rehearsal:Rehearsal": "all parties of a sitting that is played; each is tried by itself",
    "proofs.batch:Folded": "a sum that a verifier checks, of public data and weights drawn for it alone",
    "roles.remote:RemoteBoard": "public halves of promise keys",
    "roles.witness:WitnessRole": "its journal notes sizes and roots, its keys are cosigners, tried by themselves",
    "roles.witness_service:WitnessService": "the same",
    "store.folder:_FolderWriter": "files that are half written, and public",
}
"""Classes with such names, and why there is no secret in them."""

BY_PARTIES: Final = {
    "roles.delegate:Delegate": "delegates",
    "roles.registrar:Registrar": "registrars",
    "roles.trustee:Trustee": "trustees",
}
"""Parties of the golden sitting, and where it keeps them."""


def suspects() -> set[str]:
    """Return `module:class` of every class that keeps something under the name of a secret."""
    found = set()
    for module in pkgutil.walk_packages(secballot.__path__, "secballot."):
        if module.name.startswith("secballot._"):
            continue  # an engine, whose scalars are tried as `secballot.group` gives them
        for name, value in vars(importlib.import_module(module.name)).items():
            if inspect.isclass(value) and value.__module__ == module.name and _keeps_a_secret(value):
                found.add(f"{module.name.removeprefix('secballot.')}:{name}")
    return found


def _keeps_a_secret(holder: type) -> bool:
    source = inspect.getsource(holder)
    names = set(getattr(holder, "__annotations__", {})) | set(getattr(holder, "__slots__", ()))
    for targets in re.findall(r"^\s+((?:self\.\w+(?:: [^=]+)?(?:, )?)+) = ", source, re.MULTILINE):
        names |= set(re.findall(r"self\.(\w+)", targets))
    return any(_NAMES.fullmatch(name) for name in names)


def holders(folder: Path) -> dict[str, Callable[[], Held]]:
    """Return for every class that holds secrets how to have an object of it; files go into this folder."""
    words: list[bytes | int | str] = list(generate_phrase(SEED).split()[3:5])

    def lockbox() -> Held:
        return Lockbox.create(folder / "box", "test", b"contents of the box", "words"), [
            b"contents of the box",
            "words",
        ]

    def journal() -> Held:
        sealed = SealedJournal(Journal.create(folder / "journal.db"), SigningKey.from_seed(SEED))
        sealed.put_once("seed", b"key", b"a value that nobody reads")
        return sealed, [SEED, b"a value that nobody reads"]

    def sealed_ballot() -> Held:
        sealed = seal_sample(make_context(ONE_OF_THREE), ((0, 1, 0),))
        unfinished = sealed._unfinished[0]
        return sealed, [unfinished.seed, unfinished.nonce.encode(), unfinished.secret.encode()]

    def unfinished() -> Held:
        sealed, secrets = sealed_ballot()
        return sealed._unfinished[0], secrets  # type: ignore[attr-defined]

    def opened() -> Held:
        shown = seal_sample(make_context(ONE_OF_THREE), ((0, 1, 0),)).open()
        return shown, [shown.seed]

    def wallet_state() -> Held:
        state = make_wallet(folder / "state").state()
        return state, [*state.phrase.split()[3:5]]

    def device() -> Held:
        made = make_device(folder / "device", golden().simulator)
        return made, [*phrases()[0].split()[3:5], PASSPHRASE]

    return {
        "blind.keys:BlindSecretKey": lambda: (published_key(0), [int(published_key(0)._p), int(published_key(0)._q)]),
        "board.cosignature:Ed25519Cosigner": lambda: (Ed25519Cosigner("w", SigningKey.from_seed(SEED)), [SEED]),
        "board.cosignature:MlDsaCosigner": lambda: (MlDsaCosigner("w", SEED), [SEED]),
        "board.note:Ed25519Signer": lambda: (Ed25519Signer("w", SigningKey.from_seed(SEED)), [SEED]),
        "protocol.casting:SealedBallot": sealed_ballot,
        "protocol.casting:_Unfinished": unfinished,
        "protocol.ceremony_dealing:TrusteeSecrets": lambda: (TrusteeSecrets(session_of(), 1, SEED), [SEED]),
        "protocol.opened:OpenedBallot": opened,
        "protocol.phrase:Wallet": lambda: (Wallet(generate_phrase(SEED), "label"), words),
        "roles.wallet:DelegateWallet": lambda: (make_wallet(folder / "wallet"), [*phrases()[0].split()[3:5]]),
        "roles.wallet_state:OpenedWork": lambda: (OpenedWork(1, SEED, bytes(32)), [SEED]),
        "roles.wallet_state:SealedWork": lambda: (
            SealedWork(((0, 1),), bytes(32), SEED[::-1], 1, bytes(32), SEED, 0, TAGS[0], bytes(32)),
            [SEED, SEED[::-1]],
        ),
        "roles.wallet_state:WalletState": wallet_state,
        "roles.voting:VotingDevice": device,
        "signing:SigningKey": lambda: (SigningKey.from_seed(SEED), [SEED]),
        "store.lockbox:Lockbox": lockbox,
        "store.sealed_journal:SealedJournal": journal,
        "group:Scalars": lambda: (
            Scalars.from_ints([int.from_bytes(SEED, "little") >> 5]),
            [int.from_bytes(SEED, "little") >> 5],
        ),
        **{name: _party(where) for name, where in BY_PARTIES.items()},
    }


def _party(where: str) -> Callable[[], Held]:
    def made() -> Held:
        party = getattr(golden().simulator.rehearsal, where)[0]
        secrets: list[bytes | int | str] = []
        if hasattr(party, "key"):
            secrets.append(party.key.encode_private())
        if hasattr(party, "_wallet"):
            secrets.append(party._wallet._seed)
        if where == "trustees":
            secrets += [value for _, value in party._journal.items("seed")]
        return party, secrets

    return made


def spellings(secret: bytes | int | str) -> Iterator[bytes]:
    """Yield how a secret may be written: raw, in either order, in hexadecimal, base64, decimal, and as Python does."""
    if isinstance(secret, str):
        yield secret.encode()
        return
    if isinstance(secret, int):
        yield str(secret).encode()
        yield f"{secret:x}".encode()
        secret = secret.to_bytes((secret.bit_length() + 7) // 8, "little")
    for data in (secret, secret[::-1]):
        yield data
        yield data.hex().encode()
        yield data.hex().upper().encode()
        yield base64.b64encode(data).rstrip(b"=")
        yield base64.urlsafe_b64encode(data).rstrip(b"=")
        yield str(int.from_bytes(data, "big")).encode()
        yield repr(data)[2:-1].encode()


def found_in(text: bytes, secrets: list[bytes | int | str]) -> list[bytes]:
    """Return the spellings of secrets that are in a text."""
    return [spelt for secret in secrets for spelt in spellings(secret) if spelt in text]
