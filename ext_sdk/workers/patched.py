"""How a method of somebody else's that we replaced is told from its original."""

ORIGINAL = "_ext_sdk_original"
"""Where our method keeps the one that was there. A second copy of ext_sdk in the process (the classic worker drops
imported modules when it switches to the app's dependencies) replaces our method by this, it does not wrap it once more.
"""
