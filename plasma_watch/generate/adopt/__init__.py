"""Brings a workflow here that an artist designed in ComfyUI's own editor.

`export` reads what was exported, `trace` follows a graph, `find` says which input of which node
each request key fills (`sampling`, `texts`, `latents` and `models` each for their own), `write`
makes template and slot map of it. All but `write` is pure.
"""
