"""``surefill`` with a lease of seconds: ``python -m tests.support.short_lease run --standby``.

Its times are smaller than in the product, in the same order; everything else is the product.
"""

from __future__ import annotations

import sys

from surefill.brokers.alpaca import rest
from surefill.cli.main import main
from surefill.journal import postgres
from surefill.runtime import lease

LEASE_S = 5

postgres.LEASE_MS, postgres.REQUEST_MS, rest.TOTAL_S = LEASE_S * 1_000, 2_000, 1.9
lease.RENEW_S = 0.5

if __name__ == "__main__":
    sys.exit(main())
