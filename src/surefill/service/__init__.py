"""What shows an account to people and programs, in processes of its own beside the engine's."""
