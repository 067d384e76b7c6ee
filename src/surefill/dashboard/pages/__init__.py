"""Pages: thin, made of read models; one module each, with a ``register`` for its routes."""
