"""What a sandbox does wrong when it is told to.

    script     which faults there are, which are given, and whether one strikes now; pure
    answers    what becomes of requests and answers
    frames     what becomes of frames
    running    what befalls a ticket at a step, and the thread that runs tickets
    nodes      what befalls a node, and the pictures that it saved

Each room of the sandbox that can do wrong asks here at one place, and knows no more of it.
docs/sandbox.md lists every fault.
"""
