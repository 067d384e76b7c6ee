from __future__ import annotations

from surefill.runtime.redaction import Redactor
from surefill.secret import Secret


def test_secrets_and_control_characters_do_not_get_through() -> None:
    redactor = Redactor()
    redactor.hide([Secret("hush"), Secret("")])
    assert redactor.clean("a hush\nb\x1b[31m") == "a *** b [31m"
    assert redactor.without("a hush\nb") == "a ***\nb"


def test_more_secrets_may_come_later() -> None:
    redactor = Redactor()
    assert redactor.clean("later") == "later"
    redactor.hide([Secret("later")])
    assert redactor.clean("later") == "***"
