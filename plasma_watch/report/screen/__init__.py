"""The live view of a home in a terminal, for `status --watch`.

    scene      what is read from the files, at one moment: the one place that looks at a disk
    layout     the scene as lines of a terminal of some size
    news       two scenes as the lines that tell what changed, where nobody looks at a terminal
    plot       losses as text
    glyphs     the characters that a terminal can show

All but the scene is pure. Who prints, and how often, is the command line's.
"""
