"""The services as programs: keys, a witness and a board are made, run, posted to, read, stopped and run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot.board.note import ED25519, ED25519_COSIGNATURE, VerifierKey
from secballot.net.client import HttpClient
from secballot.net.witness_client import latest_cosigned
from secballot.records.manifest import MANIFEST
from secballot.roles.board import BoardOperator
from secballot.roles.remote import RemoteBoard, open_source
from secballot_cli.main import ExitCode, run
from tests.running import key_files, passphrase_file, secballot, wait_for_publication
from tests.small_sitting import ORIGIN, SITTING_ID, SMALL_MANIFEST, document, founding, key, public

if TYPE_CHECKING:
    from pathlib import Path

ANCHOR = ("--sitting", SITTING_ID.hex())


@pytest.fixture
def passphrase(tmp_path: Path) -> tuple[str, str]:
    """Return the option that gives the passphrase."""
    return passphrase_file(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the key files of log, promises and two witnesses, and the manifest."""
    key_files(tmp_path, "log", "promise", "w1.example", "w2.example")
    (tmp_path / "manifest.json").write_bytes(MANIFEST.encode(SMALL_MANIFEST))
    return tmp_path


def _witness(
    folder: Path, name: str, passphrase: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> tuple[str, ...]:
    common = (str(folder / f"{name}.db"), "--name", name, "--key", str(folder / f"{name}.key"), *passphrase)
    vkey = VerifierKey(ORIGIN, ED25519, public("log")[0]).encode()
    assert run(["witness", "create", *common]) == ExitCode.PASSED
    assert run(["witness", "follow", *common, "--log", vkey]) == ExitCode.PASSED
    assert f"following {ORIGIN} from size 0" in capsys.readouterr().out
    return ("witness", "serve", *common)


def test_a_board_and_its_witnesses_run(
    folder: Path, passphrase: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Entries are posted and promised, the log is cosigned and shown, and a restart goes on where it stopped."""
    keys = ("--log-key", str(folder / "log.key"), "--promise-key", str(folder / "promise.key"), *passphrase)
    database = str(folder / "board.db")
    assert run(["board", "create", database, str(folder / "manifest.json"), *keys]) == ExitCode.PASSED
    assert capsys.readouterr().out.replace(" ", "").strip() == SITTING_ID.hex()
    one, two = (_witness(folder, name, passphrase, capsys) for name in ("w1.example", "w2.example"))
    with secballot(*one) as first, secballot(*two) as second:
        serve = (
            *("board", "serve", database, *ANCHOR, *keys, "--interval", "0.1", "--publish", str(folder / "log")),
            *("--witness", f"w1.example={first}", "--witness", f"w2.example={second}"),
        )
        for round_number in (1, 2):
            with secballot(*serve) as url, HttpClient(url) as client:
                board = RemoteBoard(client, SITTING_ID, public("promise"))
                posted = [board.post(entry) for entry in (*founding(), document(round_number))]
                assert [promise.index for promise in posted] == [0, 1, 1 + round_number]
                wait_for_publication(url, 2 + round_number)
                assert list(open_source(url).entries(0, 2)) == founding()
                assert run(["audit", url, *ANCHOR]) == ExitCode.PASSED
        with HttpClient(first) as client:
            assert latest_cosigned(client, ORIGIN) is not None
    assert run(["board", "publish", database, str(folder / "again"), "--archive", str(folder / "l.zip")]) == 0
    for where in (folder / "log", folder / "again", folder / "l.zip"):
        assert run(["audit", str(where), *ANCHOR]) == ExitCode.PASSED


def test_what_is_not_there_is_not_served(
    folder: Path, passphrase: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A lost journal, a lost database and a wrong passphrase are said in one line each."""
    witness = ("--name", "w1.example", "--key", str(folder / "w1.example.key"))
    keys = ("--log-key", str(folder / "log.key"), "--promise-key", str(folder / "promise.key"))
    assert run(["witness", "serve", str(folder / "lost.db"), *witness, *passphrase]) == ExitCode.UNCHECKED
    assert "state lost" in capsys.readouterr().err
    assert run(["board", "serve", str(folder / "lost.db"), *ANCHOR, *keys, *passphrase]) == ExitCode.UNCHECKED
    (folder / "wrong").write_text("wrong horse\n")
    (folder / "wrong").chmod(0o600)
    wrong = ("--passphrase-file", str(folder / "wrong"))
    assert run(["witness", "create", str(folder / "w.db"), *witness, *wrong]) == ExitCode.UNCHECKED
    assert "wrong horse" not in capsys.readouterr().err
    assert run(["board", "publish", str(folder / "lost.db"), str(folder / "log")]) == ExitCode.UNCHECKED


def test_an_unwitnessed_board_is_not_published(folder: Path) -> None:
    """A head that no quorum has cosigned stays inside."""
    operator = BoardOperator.create(folder / "board.db", SMALL_MANIFEST, log_key=key("log"), promise_key=key("promise"))
    publish = ["board", "publish", str(folder / "board.db"), str(folder / "log")]
    assert run(publish) == ExitCode.UNCHECKED
    operator.submit(founding(), now=1_700_000_000)
    operator.sign_checkpoint()
    operator.close()
    assert run(publish) == ExitCode.REFUSED
    assert not (folder / "log").exists()


def test_keys_are_made_and_shown(
    tmp_path: Path, passphrase: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A new key's public half is printed, and can be shown in every form without the passphrase."""
    path = str(tmp_path / "new.key")
    assert run(["key", "create", path, *passphrase]) == ExitCode.PASSED
    public_half = capsys.readouterr().out.strip()
    assert run(["key", "show", path]) == ExitCode.PASSED
    assert capsys.readouterr().out.strip() == public_half
    assert run(["key", "show", path, "--log", ORIGIN, "--witness", "w.example"]) == ExitCode.PASSED
    log, witness = capsys.readouterr().out.split()
    assert VerifierKey.decode(log).key == VerifierKey.decode(witness).key == bytes.fromhex(public_half)
    assert run(["key", "create", path, *passphrase]) == ExitCode.UNCHECKED


def test_ml_dsa_keys_are_made_and_shown(
    tmp_path: Path, passphrase: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The second kind of key, which has a public half only under a name."""
    path = str(tmp_path / "second.key")
    assert run(["key", "create", path, "--ml-dsa", *passphrase]) == ExitCode.PASSED
    public_half = bytes.fromhex(capsys.readouterr().out.strip())
    assert run(["key", "show", path, "--ml-dsa", "--log", ORIGIN, "--witness", "w.example"]) == ExitCode.PASSED
    log, witness = map(VerifierKey.decode, capsys.readouterr().out.split())
    assert (log.kind, log.name, witness.name) == (0x06, ORIGIN, "w.example")
    assert log.key == witness.key == public_half
    assert run(["key", "show", path, "--ml-dsa"]) == ExitCode.USAGE
    assert run(["key", "show", path]) == ExitCode.FAILED


def test_a_witness_follows_a_log_whose_key_has_another_name(
    folder: Path, passphrase: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """As that of Go's checksum database has; a key of a witness is no log's."""
    common = (str(folder / "w.db"), "--name", "w1.example", "--key", str(folder / "w1.example.key"), *passphrase)
    assert run(["witness", "create", *common]) == ExitCode.PASSED
    sumdb = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    follow = ("witness", "follow", *common)
    assert run([*follow, "--log", sumdb, "--origin", "go.sum database tree"]) == ExitCode.PASSED
    assert "following go.sum database tree from size 0" in capsys.readouterr().out
    assert run([*follow, "--log", sumdb]) == ExitCode.REFUSED
    cosigner = VerifierKey("w2.example", ED25519_COSIGNATURE, public("w2.example")[0]).encode()
    assert run([*follow, "--log", cosigner]) == ExitCode.FAILED
    assert run(list(follow)) == ExitCode.USAGE
