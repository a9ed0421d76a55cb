"""The list of runs: a window of time (`window`), filters (`filters`), which page is next (`listing`), and the walk.

It is an addition to the results of a run, which need nothing of it.
"""
