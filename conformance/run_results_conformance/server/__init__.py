"""The reference server: it answers the contract's operations as the contract says.

A *store* finds a *run* by its id (`runs`, `folder`, `sqlite`, `synthetic`). The *contract* makes an answer of a part of
the run (`contract`), and `run_list` a list of runs. The *reference server* chooses every status and header
(`reference`). `serve` listens on a port (`serving`).
"""
