"""Advice on a draft, in words.

Source: SPEC.md#manifest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot_cli.messages import _

if TYPE_CHECKING:
    from collections.abc import Mapping


def advice_words(code: str, values: Mapping[str, object]) -> str:
    """Return one piece of advice in words.

    Raises:
        KeyError: there is no such code.
    """
    return {
        "class-near-floor": _(
            "class {name} has {seats} seats: if fewer than {floor} of it vote, questions open to it stay closed"
        ),
        "weight-group-too-small": _(
            "the classes of weight {weight} have {seats} seats together, and no registration without {needed}"
        ),
        "floor-low": _("a privacy floor below 5 lets small groups be read"),
        "one-officer-decides": _("one officer alone opens and ends polls; more than half is better"),
        "every-officer-needed": _("every officer is needed: one that is absent stops the sitting"),
        "one-commission-member": _("one commission member alone decides who votes; two of different camps are better"),
        "one-registrar": _("one registrar alone could add ballots; several would have to do it together"),
        "one-trustee": _("one trustee alone can read every ballot"),
        "few-trustees-decrypt": _("half of the trustees or fewer can read every ballot"),
        "every-trustee-needed": _("every trustee is needed: one lost computer, and nothing is ever decrypted"),
        "every-witness-needed": _("every witness is needed: one that is down stops the sitting"),
        "no-dishonest-witness": _("no witness may be dishonest: with more witnesses some may be"),
        "no-objection-period": _("less than an hour to object leaves no time to notice a dropped ballot"),
        "short-grace": _("with less than an hour of grace a flood of traffic at the end kills a poll"),
        "no-successor": _("nobody can take the board over if its operator is seized: add the card of a second one"),
        "many-registrar-keys": _("with so many polls and classes every registrar computes keys for minutes"),
    }[code].format(**values)
