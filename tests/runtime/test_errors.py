from __future__ import annotations

from surefill.runtime.errors import ErrorCode, SurefillError


def test_an_error_has_a_code_and_a_sentence() -> None:
    error = SurefillError(ErrorCode.KEYS_MISSING, "set the keys")
    assert str(error) == "KEYS_MISSING: set the keys"
    assert (error.code, error.sentence) == (ErrorCode.KEYS_MISSING, "set the keys")


def test_codes_are_spelt_as_named() -> None:
    assert all(code.name == code.value for code in ErrorCode)
