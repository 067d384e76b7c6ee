"""What runs the core: clock, driver, outbox, recovery, and the only place where parts are put together."""
