"""Trees and proofs against a naive recursive reading of RFC 6962."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot.board.merkle import (
    EMPTY_ROOT,
    MAX_TREE_SIZE,
    ConsistencyProof,
    Frontier,
    InclusionProof,
    frontier_at,
    leaf_hash,
    node_hash,
    root_at,
    root_of,
)
from secballot.errors import InconsistentLogError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable

LEAVES = [leaf_hash(str(number).encode()) for number in range(70)]
sizes = st.integers(1, len(LEAVES))


def _split(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    middle = _split(len(leaves))
    return node_hash(naive_root(leaves[:middle]), naive_root(leaves[middle:]))


def naive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962 §2.1.1."""
    if len(leaves) == 1:
        return []
    middle = _split(len(leaves))
    if index < middle:
        return [*naive_path(index, leaves[:middle]), naive_root(leaves[middle:])]
    return [*naive_path(index - middle, leaves[middle:]), naive_root(leaves[:middle])]


def naive_subproof(old: int, leaves: list[bytes], *, complete: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 §2.1.2."""
    if old == len(leaves):
        return [] if complete else [naive_root(leaves)]
    middle = _split(len(leaves))
    if old <= middle:
        return [*naive_subproof(old, leaves[:middle], complete=complete), naive_root(leaves[middle:])]
    return [*naive_subproof(old - middle, leaves[middle:], complete=False), naive_root(leaves[:middle])]


def subtrees(leaves: list[bytes]) -> Callable[[int, int], bytes]:
    """Give complete subtrees of these leaves, and nothing else."""

    def subtree(level: int, index: int) -> bytes:
        covered = leaves[index << level : (index + 1) << level]
        assert len(covered) == 1 << level
        return naive_root(covered)

    return subtree


@given(size=st.integers(0, len(LEAVES)))
def test_roots_agree(size: int) -> None:
    """The frontier, the streaming root and the root from subtrees are the recursive root."""
    expected = naive_root(LEAVES[:size])
    assert root_of(LEAVES[:size]) == expected
    assert root_at(size, subtrees(LEAVES)) == expected
    frontier = frontier_at(size, subtrees(LEAVES))
    assert (frontier.root(), frontier.size) == (expected, size)
    assert frontier.hashes == Frontier.of(LEAVES[:size]).hashes


def test_a_copied_frontier_grows_alone() -> None:
    """A copy does not share what it grows by."""
    frontier = Frontier.of(LEAVES[:5])
    copy = frontier.copy()
    copy.append(LEAVES[5])
    assert (frontier.size, frontier.root()) == (5, root_of(LEAVES[:5]))
    assert (copy.size, copy.root()) == (6, root_of(LEAVES[:6]))


@pytest.mark.parametrize(("size", "hashes"), [(1, []), (2, [bytes(32)] * 2), (1, [bytes(31)]), (-1, []), (2**63, [])])
def test_impossible_frontiers(size: int, hashes: list[bytes]) -> None:
    """A frontier has one hash for each one-bit of its size."""
    with pytest.raises(ValueError, match="one 32-byte hash"):
        Frontier(size, hashes)


def test_a_frontier_takes_hashes_only() -> None:
    """A leaf hash has 32 bytes, so that no entry is appended in its place."""
    with pytest.raises(ValueError, match="32 bytes"):
        Frontier().append(b"an entry")


@given(data=st.data(), size=sizes)
def test_inclusion_proofs_agree(data: st.DataObject, size: int) -> None:
    """Proofs are the recursive ones, and verify for their leaf and for no other."""
    index = data.draw(st.integers(0, size - 1))
    leaves = LEAVES[:size]
    proof = InclusionProof.prove(index, size, subtrees(leaves))
    assert list(proof.hashes) == naive_path(index, leaves)
    proof.verify(leaves[index], naive_root(leaves))
    other = data.draw(st.integers(0, len(LEAVES) - 1).filter(lambda number: number != index))
    with pytest.raises(VerificationError):
        proof.verify(LEAVES[other], naive_root(leaves))


@given(data=st.data(), size=sizes)
def test_consistency_proofs_agree(data: st.DataObject, size: int) -> None:
    """Proofs are the recursive ones, and verify for their two roots and for no others."""
    old = data.draw(st.integers(1, size))
    leaves = LEAVES[:size]
    proof = ConsistencyProof.prove(old, size, subtrees(leaves))
    assert list(proof.hashes) == naive_subproof(old, leaves, complete=True)
    old_root, new_root = naive_root(leaves[:old]), naive_root(leaves)
    proof.verify(old_root, new_root)
    for wrong in ((bytes(32), new_root), (old_root, bytes(32))):
        with pytest.raises(InconsistentLogError):
            proof.verify(*wrong)


def _mutations(hashes: tuple[bytes, ...], data: st.DataObject) -> tuple[bytes, ...]:
    """Return another list of hashes: one dropped, added, altered, shortened, or two swapped."""
    position = data.draw(st.integers(0, len(hashes) - 1))
    before, value, after = hashes[:position], hashes[position], hashes[position + 1 :]
    flipped = bytes([value[0] ^ 1]) + value[1:]
    swapped = (*after[:1], value, *after[1:])
    return data.draw(
        st.sampled_from(
            [
                before + after,
                (*before, value, value, *after),
                (*before, flipped, *after),
                (*before, value[:31], *after),
                (*before, *swapped),
                (*hashes, bytes(32)),
            ]
        ).filter(lambda mutated: mutated != hashes)
    )


@pytest.mark.attack("LG-05")
@given(data=st.data(), size=st.integers(2, len(LEAVES)))
def test_altered_inclusion_proofs_are_refused(data: st.DataObject, size: int) -> None:
    """Any change of hashes, index or size is refused."""
    index = data.draw(st.integers(0, size - 1))
    root = root_of(LEAVES[:size])
    proof = InclusionProof.prove(index, size, subtrees(LEAVES[:size]))
    other_index = data.draw(st.integers(-2, len(LEAVES)).filter(lambda number: number != index))
    mutated = [replace(proof, hashes=_mutations(proof.hashes, data)), replace(proof, index=other_index)]
    for wrong in mutated:
        with pytest.raises(VerificationError):
            wrong.verify(LEAVES[index], root)


@pytest.mark.attack("LG-03")
@given(data=st.data(), size=st.integers(2, len(LEAVES)))
def test_altered_consistency_proofs_are_refused(data: st.DataObject, size: int) -> None:
    """Any change of the hashes is refused."""
    old = data.draw(st.integers(1, size - 1))
    roots = root_of(LEAVES[:old]), root_of(LEAVES[:size])
    proof = ConsistencyProof.prove(old, size, subtrees(LEAVES[:size]))
    proof.verify(*roots)
    with pytest.raises(InconsistentLogError):
        replace(proof, hashes=_mutations(proof.hashes, data)).verify(*roots)


@pytest.mark.attack("LG-03")
@given(data=st.data(), size=st.integers(2, len(LEAVES)))
def test_an_edited_log_is_not_consistent(data: st.DataObject, size: int) -> None:
    """If a leaf below the old size was changed, no honest proof of the new tree joins the two."""
    old = data.draw(st.integers(1, size))
    edited = list(LEAVES[:size])
    edited[data.draw(st.integers(0, old - 1))] = bytes(32)
    proof = ConsistencyProof.prove(old, size, subtrees(edited))
    with pytest.raises(InconsistentLogError):
        proof.verify(root_of(LEAVES[:old]), root_of(edited))


@given(data=st.data(), size=st.integers(2, len(LEAVES)))
def test_a_proof_convicts_whoever_gave_it(data: st.DataObject, size: int) -> None:
    """The hashes of a proof tell the older root of the log that they are of, and of no other log."""
    old = data.draw(st.integers(1, size - 1))
    edited = list(LEAVES[:size])
    edited[data.draw(st.integers(0, old - 1))] = bytes(32)
    proof = ConsistencyProof.prove(old, size, subtrees(edited))
    told = proof.implied_root(root_of(edited))
    assert told == (root_of(edited[:old]) if old & (old - 1) else None)
    assert proof.implied_root(root_of(LEAVES[:size])) is None
    assert replace(proof, hashes=_mutations(proof.hashes, data)).implied_root(root_of(edited)) is None


@pytest.mark.parametrize(("old", "new"), [(0, 3), (3, 3), (3, 2), (4, 7), (-3, 5), (3, 2**63)])
def test_a_proof_without_growth_tells_no_root(old: int, new: int) -> None:
    """Nor does one from a complete subtree, whose root is the reader's own, or of impossible sizes."""
    assert ConsistencyProof(old, new, (LEAVES[0],) * 3).implied_root(root_of(LEAVES[:7])) is None


@pytest.mark.attack("LG-05")
@pytest.mark.parametrize(
    ("index", "size"), [(0, 0), (1, 1), (-1, 1), (True, 2), ("0", 1), (0, "1"), (0, 2**63), (2**64, 2**65)]
)
def test_inclusion_bounds(index: int, size: int) -> None:
    """An index that is no number inside the tree is refused, whatever the hashes."""
    with pytest.raises(VerificationError):
        InclusionProof(index, size, ()).verify(LEAVES[0], LEAVES[0])


@pytest.mark.attack("LG-05")
def test_an_empty_path_is_a_proof_for_one_leaf_only() -> None:
    """No hashes prove the only leaf of its tree, and nothing in a larger one."""
    InclusionProof(0, 1, ()).verify(LEAVES[0], LEAVES[0])
    with pytest.raises(VerificationError):
        InclusionProof(0, 2, ()).verify(LEAVES[0], LEAVES[0])


@pytest.mark.attack("LG-04")
def test_a_node_is_not_a_leaf() -> None:
    """An inner node's children cannot pass as an entry under a shortened path."""
    root = root_of(LEAVES[:4])
    right = node_hash(LEAVES[2], LEAVES[3])
    with pytest.raises(VerificationError):
        InclusionProof(0, 2, (right,)).verify(leaf_hash(LEAVES[0] + LEAVES[1]), root)


@pytest.mark.attack("LG-03")
@pytest.mark.parametrize(
    ("proof", "old_root", "new_root"),
    [
        (ConsistencyProof(0, 2, (LEAVES[0],)), EMPTY_ROOT, root_of(LEAVES[:2])),
        (ConsistencyProof(0, 2, ()), bytes(32), root_of(LEAVES[:2])),
        (ConsistencyProof(0, 0, ()), EMPTY_ROOT, bytes(32)),
        (ConsistencyProof(2, 2, (LEAVES[0],)), root_of(LEAVES[:2]), root_of(LEAVES[:2])),
        (ConsistencyProof(2, 2, ()), root_of(LEAVES[:2]), root_of(LEAVES[1:3])),
        (ConsistencyProof(3, 2, ()), root_of(LEAVES[:2]), root_of(LEAVES[:2])),
        (ConsistencyProof(True, 2, (LEAVES[1],)), LEAVES[0], root_of(LEAVES[:2])),
        (ConsistencyProof(-1, 2, (LEAVES[1],)), LEAVES[0], root_of(LEAVES[:2])),
        (ConsistencyProof(1, 2**63, (LEAVES[1],) * 63), LEAVES[0], root_of(LEAVES[:2])),
        (ConsistencyProof(1, 2, (LEAVES[1],)), LEAVES[0][:31], root_of(LEAVES[:2])),
    ],
)
def test_degenerate_consistency_proofs(proof: ConsistencyProof, old_root: bytes, new_root: bytes) -> None:
    """Empty trees, equal sizes and impossible sizes leave no room for hashes or other roots."""
    with pytest.raises(InconsistentLogError):
        proof.verify(old_root, new_root)


def test_growth_from_nothing_needs_no_proof() -> None:
    """The empty tree is a prefix of every tree."""
    ConsistencyProof.prove(0, 5, subtrees(LEAVES)).verify(EMPTY_ROOT, root_of(LEAVES[:5]))
    ConsistencyProof.prove(0, 0, subtrees(LEAVES)).verify(EMPTY_ROOT, EMPTY_ROOT)


def test_the_largest_tree() -> None:
    """Proofs in a tree of 2^63-1 equal leaves have at most 63 hashes and verify."""
    rows = [LEAVES[0]]
    for _ in range(63):
        rows.append(node_hash(rows[-1], rows[-1]))

    def subtree(level: int, _: int) -> bytes:
        return rows[level]

    root = root_at(MAX_TREE_SIZE, subtree)
    proof = InclusionProof.prove(1, MAX_TREE_SIZE, subtree)
    assert len(proof.hashes) == 63
    proof.verify(LEAVES[0], root)
    growth = ConsistencyProof.prove(MAX_TREE_SIZE - 1, MAX_TREE_SIZE, subtree)
    assert len(growth.hashes) == 63
    growth.verify(root_at(MAX_TREE_SIZE - 1, subtree), root)


def test_proofs_of_nothing_cannot_be_made() -> None:
    """Asking for a leaf or a size that is not there is the caller's mistake."""
    with pytest.raises(ValueError, match="no leaf"):
        InclusionProof.prove(5, 5, subtrees(LEAVES))
    with pytest.raises(ValueError, match="no tree"):
        ConsistencyProof.prove(6, 5, subtrees(LEAVES))


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0), (0, 2**63), (2**63 - 1, 2**63)])
def test_leaves_outside_of_a_tree_have_no_proof(index: int, size: int) -> None:
    """Nor do trees have leaves beyond the largest size."""
    with pytest.raises(ValueError, match=f"no leaf {index} in a tree of {size}"):
        InclusionProof.prove(index, size, lambda *_: LEAVES[0])


@pytest.mark.parametrize(("old", "new"), [(-1, 5), (6, 5), (0, 2**63), (5, 2**63)])
def test_sizes_outside_of_a_tree_have_no_proof(old: int, new: int) -> None:
    """The older size is a size, and not above the newer one."""
    with pytest.raises(ValueError, match=f"no tree of {old} leaves inside one of {new}"):
        ConsistencyProof.prove(old, new, lambda *_: LEAVES[0])


def test_a_full_tree_takes_no_leaf() -> None:
    """A tree of 2^63−1 leaves is the largest one; the last leaf still fits."""
    almost = Frontier(MAX_TREE_SIZE - 1, LEAVES[:62])
    assert almost.append(LEAVES[0]) == []
    assert almost.size == MAX_TREE_SIZE
    assert almost.copy().root() == almost.root()
    with pytest.raises(ValueError, match="fewer than 2"):
        almost.append(LEAVES[0])
    with pytest.raises(ValueError, match="one 32-byte hash"):
        Frontier(2**63, LEAVES[:1])


A, B, LEAF = LEAVES[1], LEAVES[2], LEAVES[0]


@pytest.mark.parametrize(
    ("size", "hashes", "root"),
    [
        (1, (A,), node_hash(A, LEAF)),
        (2, (A, B), node_hash(B, node_hash(LEAF, A))),
        (3, (A, B), node_hash(B, node_hash(A, LEAF))),
    ],
)
def test_the_index_behind_the_last_one_is_outside(size: int, hashes: tuple[bytes, ...], root: bytes) -> None:
    """Even with as many hashes as would lead from it to the root."""
    with pytest.raises(VerificationError, match="not inside the tree"):
        InclusionProof(size, size, hashes).verify(LEAF, root)


def test_nothing_is_implied_where_the_reader_knows_the_root() -> None:
    """A complete subtree is the reader's own, and equal sizes have one root; whatever the hashes lead to."""
    for old, seed in ((1, EMPTY_ROOT), (2, EMPTY_ROOT)):
        new_root = node_hash(seed, LEAVES[0])
        assert ConsistencyProof(old, 2 * old, (LEAVES[0],)).implied_root(new_root) is None
    assert ConsistencyProof(3, 3, (LEAVES[0], LEAVES[1])).implied_root(node_hash(LEAVES[1], LEAVES[0])) is None
