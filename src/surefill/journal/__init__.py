"""What the engine remembers: records, their codec and digest, and where they are kept."""
