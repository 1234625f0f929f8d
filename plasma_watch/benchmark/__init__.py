"""The reference run: one picture whose making is known everywhere, cold and warm, through the line.

reference   what is asked for
watching    what the machine shows meanwhile
running     the runs themselves
verdict     what it means: PASS, FAIL or UNKNOWN; pure
report      BENCHMARK.md and BENCHMARK.json; pure text
"""
