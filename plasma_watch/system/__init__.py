"""Everything a platform does its own way, behind one small set of names.

`platform` is the module of this machine; the two have the same functions, and none of them raises:
a probe that cannot answer says None. `files` is the one door through which the house changes disks.
"""

import sys

if sys.platform == "darwin":
    from plasma_watch.system import macos as platform
else:
    from plasma_watch.system import linux as platform

__all__ = ["platform"]
