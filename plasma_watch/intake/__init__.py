"""From a dropped file to a waiting job.

`watch` wakes the house when something moved, `survey` looks what lies in the inbox, `settle`
decides what each thing is and whether it is whole, `accept` reads and checks one file, and `inbox`
is what the daemon does about it.
An event is a hint; the folder is the truth.
"""
