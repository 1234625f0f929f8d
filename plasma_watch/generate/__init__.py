"""From a request to pictures.

`template` fills a workflow's slots, `resolve` fills in every default, `preflight` asks whether the
engine could run the graph, `job` carries one request through all of it.
"""
