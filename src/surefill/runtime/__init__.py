"""What runs the core: clock, driver, outbox, recovery, and where the parts are put together."""
