"""The dashboard: pages and a terminal view of one account, made from its journal."""
