"""A daemon that dies, or whose disk refuses, at every step that changes something."""
