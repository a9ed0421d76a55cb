"""`python -m run_results`: the command line, where its script is not on the path."""

from run_results.cli import main

main()
