"""A daemon that dies, or whose disk refuses, at every step that changes something.

A step that one scenario takes as an earlier one did is tried in the earlier one only. To try every
step of every scenario: `make matrix`, which sets WHOLE_MATRIX.
"""
