from __future__ import annotations

import copy
import os
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefill import config
from surefill.config import ConfigError, Secret, Settings
from surefill.core.fix import Feed
from surefill.core.plan import Policy
from surefill.core.units import NANO, to_text
from surefill.journal.address import without_password
from surefill.ports import WashExempts

SECRET = "canary-0123456789abcdef"
KEYS = {"APCA_API_KEY_ID": "PKCANARY12345", "APCA_API_SECRET_KEY": SECRET}


def problems_of(environ: dict[str, str], dotenv: Path | None = None) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as error:
        Settings.load(environ, dotenv)
    assert SECRET not in str(error.value)
    return [(problem.code, problem.name) for problem in error.value.problems]


def sentence_of(environ: dict[str, str], dotenv: Path | None = None) -> str:
    with pytest.raises(ConfigError) as error:
        Settings.load(environ, dotenv)
    return error.value.problems[0].sentence


def dotenv_of(directory: Path, text: str, mode: int = 0o600) -> Path:
    path = directory / ".env"
    path.write_bytes(text.encode())
    path.chmod(mode)
    return path


# ------------------------------------------------------------------------------------ defaults


def test_the_classic_names_and_defaults_are_fixed() -> None:
    rows = {row.name: row.default for row in Settings().describe()}
    classic = {
        "USE_SMART_EXECUTOR": "True",
        "SMART_EXECUTOR_MAX_SLIPPAGE_PCT": "0.001",
        "SMART_EXECUTOR_LIMIT_BUFFER_REGULAR": "0.0005",
        "SMART_EXECUTOR_LIMIT_BUFFER_EXTENDED": "0.0002",
        "SMART_EXECUTOR_FILL_TIMEOUT": "60",
        "SMART_EXECUTOR_MIN_RR_RATIO": "2.0",
        "SMART_EXECUTOR_ENABLE_EXTENDED_HOURS": "False",
    }
    assert classic.items() <= rows.items()
    assert {"APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "APCA_API_BASE_URL"} <= rows.keys()
    assert rows["APCA_API_BASE_URL"] == "https://paper-api.alpaca.markets"
    assert len(rows) == len(fields(Settings)) <= 28


def test_the_default_of_the_switch_is_found_with_grep() -> None:
    lines = Path(config.__file__).read_text().splitlines()
    assert any("USE_SMART_EXECUTOR" in line and "True" in line for line in lines)


def test_defaults_are_the_policy_of_the_design() -> None:
    assert Settings().policy() == Policy()
    assert Settings.load({}) == Settings()


def test_every_setting_has_a_meaning_and_a_unit_where_it_counts() -> None:
    for row in Settings().describe():
        assert row.meaning
        suffix = row.name.rpartition("_")[2]
        assert row.unit == {"USD": "USD", "MS": "ms", "S": "seconds"}.get(suffix, row.unit)


def test_numbers_are_exact() -> None:
    settings = Settings.load(
        {
            "SMART_EXECUTOR_MAX_SLIPPAGE_PCT": "0.000000001",
            "SMART_EXECUTOR_FILL_TIMEOUT": "1.5",
            "SMART_EXECUTOR_MIN_RR_RATIO": "1e-1",
            "SUREFILL_MAX_ORDER_NOTIONAL_USD": " 25000.000000001 ",
            "SUREFILL_QUOTE_AGE_MAX_MS": "1500",
            "SUREFILL_ENTRY_CUTOFF_S": "0",
            "SUREFILL_REQUESTS_PER_MINUTE": "1000",
        }
    )
    assert settings.max_slippage_ppb == 1
    assert settings.fill_timeout_ns == 1_500_000_000
    assert settings.min_rr_ppb == NANO // 10
    assert settings.max_order_notional_usd == 25_000 * NANO + 1
    assert settings.quote_age_max_ns == 1_500_000_000
    assert settings.entry_cutoff_ns == 0
    assert settings.requests_per_minute == 1000


def test_the_other_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = Settings.load(
        {
            **KEYS,
            "USE_SMART_EXECUTOR": "off",
            "SMART_EXECUTOR_ENABLE_EXTENDED_HOURS": "TRUE",
            "SUREFILL_DATA_FEED": "SIP",
            "SUREFILL_WASH_EXEMPTS": "All_Complex",
            "SUREFILL_JOURNAL_PATH": "~/journal.db",
            "SUREFILL_RESTRICTED_SYMBOLS": " gme, AMC BRK.B,,amc ",
            "APCA_API_BASE_URL": "http://127.0.0.1:8700/v2/",
            "PATH": "none of our business",
        }
    )
    assert settings.use_smart_executor is False
    assert settings.extended_hours is True
    assert settings.data_feed is Feed.SIP
    assert settings.wash_exempts is WashExempts.ALL_COMPLEX
    assert settings.journal_path == tmp_path / "journal.db"
    assert settings.restricted_symbols == ("AMC", "BRK.B", "GME")
    assert settings.base_url == "http://127.0.0.1:8700"
    assert settings.secret_key.reveal() == SECRET
    assert Settings.load({"SUREFILL_RESTRICTED_SYMBOLS": ""}).restricted_symbols == ()


@given(st.integers(0, 20_000_000))
def test_what_is_shown_is_read_back(ratio_ppb: int) -> None:
    settings = Settings.load({"SMART_EXECUTOR_MAX_SLIPPAGE_PCT": to_text(ratio_ppb)})
    assert settings.max_slippage_ppb == ratio_ppb
    again = {row.name: row.value for row in settings.describe() if row.value}
    assert Settings.load(again) == settings


# ---------------------------------------------------------------------------------- bad values


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("SMART_EXECUTOR_MAX_SLIPPAGE_PCT", "0.1", "OUT_OF_RANGE"),
        ("SMART_EXECUTOR_MAX_SLIPPAGE_PCT", "-0.001", "OUT_OF_RANGE"),
        ("SMART_EXECUTOR_MAX_SLIPPAGE_PCT", "0.1%", "NOT_A_NUMBER"),
        ("SMART_EXECUTOR_MAX_SLIPPAGE_PCT", "0,001", "NOT_A_NUMBER"),
        ("SMART_EXECUTOR_MAX_SLIPPAGE_PCT", "1_0", "NOT_A_NUMBER"),
        ("SMART_EXECUTOR_MAX_SLIPPAGE_PCT", "1e-10", "OUT_OF_RANGE"),
        ("SMART_EXECUTOR_MAX_SLIPPAGE_PCT", "1e-400", "OUT_OF_RANGE"),
        ("SMART_EXECUTOR_MIN_RR_RATIO", "nan", "NOT_A_NUMBER"),
        ("SMART_EXECUTOR_MIN_RR_RATIO", "e", "NOT_A_NUMBER"),
        ("SMART_EXECUTOR_MIN_RR_RATIO", "1e99999999", "OUT_OF_RANGE"),
        ("SMART_EXECUTOR_FILL_TIMEOUT", "0", "OUT_OF_RANGE"),
        ("SMART_EXECUTOR_FILL_TIMEOUT", "60s", "NOT_A_NUMBER"),
        ("SMART_EXECUTOR_FILL_TIMEOUT", "", "EMPTY"),
        ("USE_SMART_EXECUTOR", "maybe", "NOT_A_FLAG"),
        ("SUREFILL_DATA_FEED", "nasdaq", "NOT_A_CHOICE"),
        ("SUREFILL_MAX_OPEN_TRADES", "2.5", "OUT_OF_RANGE"),
        ("SUREFILL_MAX_OPEN_TRADES", "0", "OUT_OF_RANGE"),
        ("SUREFILL_RESTRICTED_SYMBOLS", "GME;AMC", "NOT_A_SYMBOL"),
        ("SUREFILL_JOURNAL_PATH", "a\x00b", "NOT_A_PATH"),
        ("APCA_API_BASE_URL", "paper-api.alpaca.markets", "NOT_A_URL"),
        ("APCA_API_BASE_URL", "https://[bad", "NOT_A_URL"),
        ("APCA_API_BASE_URL", "https://host:port", "NOT_A_URL"),
        ("APCA_API_BASE_URL", "https://me:pw@host", "NOT_A_URL"),
        ("APCA_API_BASE_URL", "http://api.alpaca.markets", "NOT_A_URL"),
        ("APCA_API_BASE_URL", "https://host?x=1", "NOT_A_URL"),
    ],
)
def test_a_bad_value_is_refused_with_name_and_value(name: str, text: str, code: str) -> None:
    with pytest.raises(ConfigError) as error:
        Settings.load({name: text})
    (problem,) = error.value.problems
    assert (problem.code, problem.name) == (f"CONFIG_{code}", name)
    assert problem.sentence.startswith(name)
    assert str(error.value) == f"{problem.code}: {problem.sentence}"
    if text.isprintable():
        assert without_password(text) in problem.sentence


def test_a_percentage_typed_as_a_fraction_is_explained() -> None:
    says = sentence_of({"SMART_EXECUTOR_MAX_SLIPPAGE_PCT": "0.1"})
    assert says == ("SMART_EXECUTOR_MAX_SLIPPAGE_PCT = 0.1 is outside 0 to 0.02: 0.1 means 10 %")


def test_every_problem_is_listed_at_once() -> None:
    assert sorted(
        problems_of(
            {
                "USE_SMART_EXECUTOR": "perhaps",
                "SMART_EXECUTOR_MAX_SLIPPAGE_PCT": "0.1",
                "SUREFILL_SPEED": "fast",
            }
        )
    ) == [
        ("CONFIG_NOT_A_FLAG", "USE_SMART_EXECUTOR"),
        ("CONFIG_OUT_OF_RANGE", "SMART_EXECUTOR_MAX_SLIPPAGE_PCT"),
        ("CONFIG_UNKNOWN_NAME", "SUREFILL_SPEED"),
    ]


def test_keys_come_as_a_pair() -> None:
    for name, other in (KEYS.keys(), reversed(KEYS.keys())):
        assert problems_of({name: KEYS[name]}) == [("CONFIG_INCOMPLETE", other)]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("USE_SMART_EXECUTER", "did you mean USE_SMART_EXECUTOR?"),
        ("use_smart_executor", "did you mean USE_SMART_EXECUTOR?"),
        ("USESMARTEXECUTOR", "did you mean USE_SMART_EXECUTOR?"),
        ("SMART_EXECUTOR_MAX_SLIPPAGE", "did you mean SMART_EXECUTOR_MAX_SLIPPAGE_PCT?"),
        ("SMARTEXECUTOR_FILL_TIMEOUT", "did you mean SMART_EXECUTOR_FILL_TIMEOUT?"),
        ("SUREFIL_JOURNAL_PATH", "did you mean SUREFILL_JOURNAL_PATH?"),
        ("SUREFILL_QUOTE_AGE_MAX_S", "did you mean SUREFILL_QUOTE_AGE_MAX_MS?"),
        ("SUREFILL_XYZZY_PLUGH_QUUX", "remove it, or see docs/settings.md"),
    ],
)
def test_an_unknown_or_misspelt_name_is_refused(name: str, advice: str) -> None:
    assert problems_of({name: SECRET}) == [("CONFIG_UNKNOWN_NAME", name)]
    assert sentence_of({name: SECRET}) == f"{name} is not a setting; {advice}"


@pytest.mark.parametrize(
    "name", ["SMART_TV", "EXECUTOR", "PRESSURE", "ALPACA_KEY", "SUREFILL_TAPES", "APCA_RETRY_MAX"]
)
def test_other_names_are_none_of_our_business(name: str) -> None:
    assert Settings.load({name: "x"}) == Settings()


# ------------------------------------------------------------------------------------- the file


def test_the_environment_is_over_the_file(tmp_path: Path) -> None:
    path = dotenv_of(
        tmp_path,
        "# ours and others\n\nexport USE_SMART_EXECUTOR=False\n"
        "SMART_EXECUTOR_FILL_TIMEOUT='30' # s\n"
        'APP="x ${HOME}"\nthis line is somebody else\'s: shell\nAPCA_API_KEY_ID=from-file\n'
        "APCA_API_SECRET_KEY=s\n",
    )
    settings = Settings.load({"SMART_EXECUTOR_FILL_TIMEOUT": "45"}, path)
    assert settings.use_smart_executor is False
    assert settings.fill_timeout_ns == 45 * NANO
    assert settings.key_id.reveal() == "from-file"


def test_a_missing_file_is_no_problem(tmp_path: Path) -> None:
    assert Settings.load({}, tmp_path / ".env") == Settings()


def test_values_are_not_interpolated(tmp_path: Path) -> None:
    path = dotenv_of(tmp_path, "SUREFILL_LOG_DIR=${HOME}/logs\n")
    assert Settings.load({}, path).log_dir == Path("${HOME}/logs")


def test_a_byte_order_mark_hides_nothing(tmp_path: Path) -> None:
    path = dotenv_of(tmp_path, "\ufeffUSE_SMART_EXECUTOR=False\n")
    assert Settings.load({}, path).use_smart_executor is False


def test_unknown_names_in_the_file_are_refused(tmp_path: Path) -> None:
    path = dotenv_of(tmp_path, "SMART_EXECUTOR_FILL_TIMOUT=5\nSUREFILL_LOG_DIR\n")
    assert problems_of({}, path) == [
        ("CONFIG_UNKNOWN_NAME", "SMART_EXECUTOR_FILL_TIMOUT"),
        ("CONFIG_EMPTY", "SUREFILL_LOG_DIR"),
    ]


def test_a_line_of_ours_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = dotenv_of(tmp_path, "A=1\nUSE_SMART_EXECUTOR: False\n")
    assert problems_of({}, path) == [("CONFIG_FILE_LINE", str(path))]
    assert sentence_of({}, path) == f"{path}, line 2: not NAME=VALUE"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_secret_in_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = dotenv_of(tmp_path, f"APCA_API_KEY_ID=k\nAPCA_API_SECRET_KEY={SECRET}\n", mode)
    assert problems_of({}, path) == [("CONFIG_FILE_MODE", str(path))]
    assert f"chmod 600 {path}" in sentence_of({}, path)


PASSWORD = "hunter22-hunter22"
DATABASE = f"postgresql://ann:{PASSWORD}@db/trading"


def test_the_journal_may_be_in_a_database_whose_password_shows_nowhere(tmp_path: Path) -> None:
    path = dotenv_of(tmp_path, f"SUREFILL_JOURNAL_PATH={DATABASE}\n")
    settings = Settings.load({}, path)
    assert str(settings.journal_path) == "postgresql://ann@db/trading"
    assert settings.local_path == Settings().journal_path == Settings().local_path
    assert [secret.reveal() for secret in settings.secrets] == [PASSWORD]
    assert PASSWORD not in f"{settings!r} {settings.describe()}"
    assert settings.digest() != Settings().digest()
    other = Settings.load({"SUREFILL_JOURNAL_PATH": DATABASE.replace(PASSWORD, "changed")})
    assert other.digest() == settings.digest()
    assert Settings(key_id=Secret("k"), secret_key=Secret("s")).secrets == (Secret("s"),)


@pytest.mark.parametrize("text", [f"{DATABASE}/more", f"{DATABASE}?x=y", f"postgres:{DATABASE}"])
def test_an_address_that_is_wrong_is_refused_without_its_password(text: str) -> None:
    sentence = sentence_of({"SUREFILL_JOURNAL_PATH": text})
    assert sentence.startswith("SUREFILL_JOURNAL_PATH = ")
    assert PASSWORD not in sentence


def test_only_the_journal_may_be_in_a_database() -> None:
    environ = {"SUREFILL_LOG_DIR": "postgresql://db/x"}
    assert problems_of(environ) == [("CONFIG_WRONG_TYPE", "SUREFILL_LOG_DIR")]


def test_a_journals_password_in_a_file_open_to_others_is_refused(tmp_path: Path) -> None:
    path = dotenv_of(tmp_path, f"SUREFILL_JOURNAL_PATH={DATABASE}\n", 0o644)
    assert problems_of({}, path) == [("CONFIG_FILE_MODE", str(path))]
    path = dotenv_of(tmp_path, "SUREFILL_JOURNAL_PATH=postgresql://ann@db/trading\n", 0o644)
    assert not Settings.load({}, path).secrets


def test_a_file_without_the_secret_may_be_open(tmp_path: Path) -> None:
    path = dotenv_of(tmp_path, "USE_SMART_EXECUTOR=False\nAPCA_API_SECRET_KEY=\n", 0o644)
    assert Settings.load({}, path).use_smart_executor is False


def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert problems_of({}, tmp_path) == [("CONFIG_FILE_UNREADABLE", str(tmp_path))]
    path = tmp_path / "binary"
    path.write_bytes(b"\xff\xfe")
    assert problems_of({}, path) == [("CONFIG_FILE_UNREADABLE", str(path))]
    monkeypatch.setattr(config, "FILE_BYTES_MAX", 10)
    path.write_bytes(b"A=" + b"x" * 9)
    assert problems_of({}, path) == [("CONFIG_FILE_UNREADABLE", str(path))]


# ------------------------------------------------------------------------------------- in code


def test_settings_built_in_code_are_checked_too() -> None:
    with pytest.raises(ConfigError) as error:
        Settings(max_slippage_ppb=NANO // 10, base_url="nowhere")
    assert [problem.name for problem in error.value.problems] == [
        "SMART_EXECUTOR_MAX_SLIPPAGE_PCT",
        "APCA_API_BASE_URL",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"max_slippage_ppb": 0.001},
        {"max_open_trades": True},
        {"use_smart_executor": 1},
        {"journal_path": "journal.db"},
        {"secret_key": SECRET},
        {"data_feed": "iex"},
    ],
)
def test_settings_built_in_code_have_the_right_type(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as error:
        replace(Settings(), **changes)
    assert error.value.problems[0].code == "CONFIG_WRONG_TYPE"
    assert SECRET not in str(error.value)


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().use_smart_executor = False  # type: ignore[misc]


# ------------------------------------------------------------------------------------- secrets


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    settings = Settings.load(KEYS)
    shown = [str(settings), repr(settings), str(settings.describe()), f"{settings.secret_key}"]
    for text in shown:
        assert SECRET not in text
        assert KEYS["APCA_API_KEY_ID"] not in text
        assert "***" in text
    for write in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="not written down"):
            write(settings.secret_key)


def test_a_key_that_no_header_can_carry_is_refused() -> None:
    problems = problems_of({**KEYS, "APCA_API_SECRET_KEY": SECRET + "\r\nHost: evil"})
    assert problems == [("CONFIG_NOT_A_KEY", "APCA_API_SECRET_KEY")]


def test_a_channels_address_in_the_environment_is_refused_and_not_shown() -> None:
    sentence = sentence_of({"SUREFILL_ALERTS": f"slack://T0/B0/{SECRET}"})
    assert "file or keyring:SERVICE" in sentence
    assert "slack" not in sentence
    assert Settings.load({"SUREFILL_ALERTS": "alerts.toml"}).alerts == "alerts.toml"


def test_secrets_compare_but_do_not_tell() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert hash(Secret("a")) == hash(Secret("b"))
    assert not Secret("")


def test_the_digest_knows_every_setting_but_the_keys() -> None:
    settings = Settings.load(KEYS)
    assert settings.digest() == Settings().digest()
    changed = {
        "use_smart_executor": False,
        "max_slippage_ppb": 5,
        "base_url": "https://elsewhere",
        "log_dir": Path("x"),
        "data_feed": Feed.SIP,
        "restricted_symbols": ("GME",),
    }
    digests = {
        replace(settings, **{name: value}).digest()  # type: ignore[arg-type]
        for name, value in changed.items()
    }
    assert len(digests | {settings.digest()}) == len(changed) + 1


def test_a_symbol_may_have_a_policy_of_its_own() -> None:
    text = "TSLA:max_slippage_pct=0.002"
    settings = Settings.load({"SUREFILL_POLICY": text, "SMART_EXECUTOR_MAX_SLIPPAGE_PCT": "0.003"})
    assert settings.policy_for("TSLA").max_slippage_ppb == NANO // 500
    assert settings.policy_for("CRWD") == settings.policy()
    assert {row.name: row.value for row in settings.describe()}["SUREFILL_POLICY"] == text
    assert settings.digest() != replace(settings, policies=()).digest()
    assert problems_of({"SUREFILL_POLICY": "TSLA:hope=1"}) == [
        ("CONFIG_NOT_A_POLICY", "SUREFILL_POLICY")
    ]


def test_the_environment_of_this_process_is_not_read() -> None:
    before = dict(os.environ)
    Settings.load({})
    assert dict(os.environ) == before


def test_the_path_of_a_plan_is_the_rollbacks_or_its_ids() -> None:
    half = Settings(rollout_percent=50)
    paths = {half.is_legacy(f"p{n}", salt="s") for n in range(20)}
    assert paths == {True, False}
    assert not Settings().is_legacy("p1", salt="s")
    assert Settings(rollout_percent=0).is_legacy("p1", salt="s")
    rolled_back = Settings(use_smart_executor=False, rollout_percent=100)
    assert rolled_back.is_legacy("p1", salt="s")
