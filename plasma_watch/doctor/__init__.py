"""Is this machine ready? Each reading is judged into a line: green, yellow or red, with a repair.

    line        what a judgement is
    machine     memory, disk, power, the system itself
    service     the agent that log-in starts, and what it may see
    engine      ComfyUI: there, fit, with the nodes and models that the templates name
    trainer     kohya: its Python, its parts, its base model
    examination all of it, in order

In each, the readings are plain values, the judging is pure, and what probes is thin and never
raises: what cannot be read is unknown, and unknown is a yellow line at most.
"""
