"""A plotting library that costs nothing, for trainings whose picture nobody looks at.

With this folder first on PYTHONPATH the program that draws losses finds it in the library's place:
the real one takes longer than the training of a test. What it draws is one white pixel.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
