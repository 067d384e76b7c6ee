from __future__ import annotations

from surefill.alerts.notice import CHANNEL_ADVICE, Notice
from surefill.tca.rules import Severity


def test_a_notice_is_about_everything_and_stands_unless_said_otherwise() -> None:
    notice = Notice(
        code="DOUBT_LONG", severity=Severity.CRITICAL, sentence="s", advice="a", at_ns=1
    )
    assert (notice.what, notice.is_over) == ("", False)


def test_the_advice_about_a_channel_names_a_verb_that_exists() -> None:
    assert "surefill alerts test" in CHANNEL_ADVICE
