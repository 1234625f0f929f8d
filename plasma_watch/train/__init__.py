"""From a request to a LoRA: the dataset, the recipe, the trainer's process, what comes out.

What thinks is pure: `dataset` judges what was read, `recipe` writes the trainer's settings,
`progress` reads its output, `guards` says when to stop it, `failures` why it ended. What acts is
thin: `reading`, `copying`, `trainer`, `checkpoints`, `publishing`. `attempt` carries one run of the
trainer, and `job` is the kind.
"""
