"""What people and machines see of a worker: logs, live progress, the summary line, probes and metrics.

Names are imported from their modules, because some of them bring slow imports along.
"""
