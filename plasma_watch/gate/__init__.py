"""May it start? The machine is asked before a job is claimed.

`memory` and `disk` decide, from readings and needs alone; `probe` takes the readings.
"""
