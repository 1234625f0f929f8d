"""The sandbox engine: its rooms one by one, and the whole against what the real engine said."""
