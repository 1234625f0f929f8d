"""The doors of the engine: each takes a request apart, asks one room, and shows what it said."""
