"""What Alpaca can do, as far as a decision depends on it.

The wash-trade exemption of complex orders is documented, and doubted by a user's log
(alpaca.md U19): the caller may lower it; every invariant holds in either case.
"""

from __future__ import annotations

from surefill.ports import Capabilities, WashExempts

ALPACA = Capabilities(wash_exempts=WashExempts.ALL_COMPLEX, has_brackets=True)
