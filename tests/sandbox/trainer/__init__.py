"""The stand-in for the trainer."""
