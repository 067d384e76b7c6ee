from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefill.core.ids import (
    PLAN_ID_PATTERN,
    IdLeg,
    ParsedId,
    account_tag,
    cl_ord_id,
    parse_cl_ord_id,
)

PLAN_IDS = st.from_regex(PLAN_ID_PATTERN, fullmatch=True)
TAGS = st.text("0123456789abcdef", min_size=6, max_size=6)


@given(TAGS, PLAN_IDS, st.sampled_from(IdLeg), st.integers(1, 9999))
def test_an_id_carries_its_intent(tag: str, plan_id: str, leg: IdLeg, n: int) -> None:
    text = cl_ord_id(tag, plan_id, leg=leg, n=n)
    assert parse_cl_ord_id(text) == ParsedId(tag, plan_id, leg, n)
    assert len(text) <= 128
    assert text == cl_ord_id(tag, plan_id, leg=leg, n=n)


@given(
    st.tuples(TAGS, PLAN_IDS, st.sampled_from(IdLeg), st.integers(1, 9999)),
    st.tuples(TAGS, PLAN_IDS, st.sampled_from(IdLeg), st.integers(1, 9999)),
)
def test_two_intents_never_share_an_id(
    first: tuple[str, str, IdLeg, int], second: tuple[str, str, IdLeg, int]
) -> None:
    ids = [cl_ord_id(tag, plan_id, leg=leg, n=n) for tag, plan_id, leg, n in (first, second)]
    assert (ids[0] == ids[1]) == (first == second)


def test_a_plan_id_may_look_like_one_of_ours() -> None:
    text = cl_ord_id("0a1b2c", "sf-0a1b2c-x-E1", leg=IdLeg.STOP, n=2)
    assert parse_cl_ord_id(text) == ParsedId("0a1b2c", "sf-0a1b2c-x-E1", IdLeg.STOP, 2)
    assert cl_ord_id("0a1b2c", "x", leg=IdLeg.STOP, n=9999).endswith("9999"), "the last of them"


@pytest.mark.parametrize(
    ("plan_id", "n"),
    [("", 1), ("-x", 1), ("a b", 1), ("a\n", 1), ("é", 1), ("x" * 65, 1), ("x", 0), ("x", 10_000)],
)
def test_no_id_is_made_of_nonsense(plan_id: str, n: int) -> None:
    with pytest.raises(ValueError, match="no client order id"):
        cl_ord_id("0a1b2c", plan_id, leg=IdLeg.ENTRY, n=n)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7c5e5a3a-5bb5-4a0c-9b3d-2f6f5f6d8a11",
        "sf-0a1b2c-plan",
        "sf-0a1b2c-plan-E",
        "sf-0a1b2c-plan-Z1",
        "sf-0A1B2C-plan-E1",
        "sf-0a1b2c-plan-E12345",
        "sf-0a1b2c-plan-E0",
        "sf-0a1b2c-plan-E01",
        "sf-0a1b2c-plan-E1 ",
        "sf-0a1b2c-plan-E1\n",
        "xsf-0a1b2c-plan-E1",
    ],
)
def test_other_peoples_ids_are_not_ours(text: str) -> None:
    assert parse_cl_ord_id(text) is None


def test_an_account_is_a_tag_in_ids() -> None:
    tag = account_tag("PA3B7LQ2WX9Z")
    assert tag == account_tag("PA3B7LQ2WX9Z") != account_tag("PA3B7LQ2WX9Y")
    assert len(tag) == 6
    assert int(tag, 16) >= 0
    assert parse_cl_ord_id(cl_ord_id(tag, "p", leg=IdLeg.EXITS, n=1)) is not None
