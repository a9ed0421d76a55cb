"""Many runs, in many processes, under whatever engine there is: Spark, Ray, Dask, Airflow, or a loop.

    from run_results.scale import Source, plan, read

    source = Source(token="env:RUN_RESULTS_TOKEN")
    for slices in plan(source, run_ids, tasks=16):        # each list of slices is the work of one task
        for batch in read(source, slices, "fields"):      # in any process: source and slices can be pickled
            ...

`source` says where runs are read from and how. `plan` divides runs among tasks, and `measure` finds the length of one.
`read` gives the rows of one table, `read_all` those of all four with one walk. docs/scale.md has the sums.
"""

from run_results.scale.plan import Length, Slice, measure, plan
from run_results.scale.read import read, read_all
from run_results.scale.source import Source

__all__ = ["Length", "Slice", "Source", "measure", "plan", "read", "read_all"]
