"""What a job leaves behind: pictures that are whole, each with a manifest that makes it again.

`picture` judges, `naming` finds the next version, `manifest` writes how it was made, `place` puts
both where people look for them, `generation_log` tells the pipeline, `hashes` knows the models.
"""
