"""The client of the engine that makes pictures.

`protocol` is the conversation about one prompt as a machine without a socket; `client` and `socket`
carry; `facts` reads what the engine says about itself. What the engine's queue and history say is
the truth; frames only make it faster and nicer.
"""
