"""The front door: help, verbs, exit codes, missing extras."""

from __future__ import annotations

import argparse
import subprocess
import sys
from types import ModuleType

import pytest

from surefill import __version__
from surefill.cli import main as front
from surefill.cli.exits import MEANING, Exit
from surefill.cli.main import EXTRA_OF, VERBS, main


def install(monkeypatch: pytest.MonkeyPatch, module: ModuleType, *, verb: str = "check") -> None:
    """Put a verb module in the place of the shipped one."""
    monkeypatch.setitem(sys.modules, f"surefill.cli.{verb}", module)


def verb_module(outcome: int | BaseException) -> ModuleType:
    """A verb with one optional argument that returns or raises ``outcome``."""
    module = ModuleType("verb")

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=1)

    def run(args: argparse.Namespace) -> int:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome + int(args.seed) - 1

    module.add_arguments = add_arguments  # type: ignore[attr-defined]
    module.run = run  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize("flag", ["--help", "-h", "help"])
def test_help_lists_every_verb_with_an_example_and_the_exit_codes(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([flag]) == Exit.DONE
    shown = capsys.readouterr()
    for verb in VERBS:
        assert verb.summary in shown.out
        assert verb.example in shown.out
    for code in Exit:
        assert f"{code.value}  {MEANING[code]}" in shown.out
    assert shown.err == ""


def test_every_example_starts_with_its_verb() -> None:
    assert all(verb.example.startswith(f"surefill {verb.name}") for verb in VERBS)


def test_no_arguments_is_bad_usage_and_keeps_stdout_clean(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == Exit.USAGE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "usage: surefill VERB" in shown.err


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([flag]) == Exit.DONE
    assert capsys.readouterr().out == f"surefill {__version__}\n"


def test_a_misspelt_verb_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chek"]) == Exit.USAGE
    assert "did you mean `surefill check`?" in capsys.readouterr().err


def test_an_unknown_verb_gets_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zzz"]) == Exit.USAGE
    assert "one of: demo, exchange, check, trade, run" in capsys.readouterr().err


def test_a_verb_gets_its_arguments_and_its_code_is_returned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, verb_module(0))
    assert main(["check", "--seed", "4"]) == 3


def test_arguments_come_from_the_process_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, verb_module(0))
    monkeypatch.setattr(sys, "argv", ["surefill", "check", "--seed", "2"])
    assert main() == 1


def test_bad_arguments_of_a_verb_are_bad_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, verb_module(0))
    assert main(["check", "--seed", "many"]) == Exit.USAGE
    assert "invalid int value" in capsys.readouterr().err


def test_help_of_a_verb_is_done_and_shows_the_example(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, verb_module(0))
    assert main(["check", "--help"]) == Exit.DONE
    assert "surefill check CRWD buy 25" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(("module", "extra"), sorted(EXTRA_OF.items()))
def test_a_missing_extra_is_named(
    module: str,
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    missing = ModuleNotFoundError("no such module", name=f"{module}.sub")
    install(monkeypatch, verb_module(missing))
    assert main(["check"]) == Exit.USAGE
    assert f"pip install 'surefill[{extra}]'" in capsys.readouterr().err


def test_a_missing_module_of_ours_is_a_bug_and_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, verb_module(ModuleNotFoundError("gone", name="surefill.core.gone")))
    with pytest.raises(ModuleNotFoundError, match="gone"):
        main(["check"])


@pytest.mark.parametrize(("verb", "code"), [("trade", Exit.EXPOSED), ("check", Exit.USAGE)])
def test_an_interrupted_trade_says_that_somebody_must_look(
    verb: str, code: Exit, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, verb_module(KeyboardInterrupt()), verb=verb)
    assert main([verb]) == code


def test_help_loads_no_verb_and_nothing_heavy() -> None:
    program = (
        "import sys; from surefill.cli.main import main; main(['--help']);"
        "ours = [m for m in sys.modules if m.startswith('surefill.')];"
        "heavy = {'aiohttp', 'asyncio', 'msgspec', 'rich', 'starlette', 'pyarrow', 'numpy'};"
        "print(sorted(ours), sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    expected = "['surefill.cli', 'surefill.cli.exits', 'surefill.cli.main'] []"
    assert done.stderr.strip() == expected


def test_the_summaries_are_the_front_doors_own() -> None:
    assert front.help_text().count("$ surefill") == len(VERBS)


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "surefill", "exchange", "--switches"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == Exit.DONE
