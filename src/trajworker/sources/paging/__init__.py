"""A stretch of runs, page by page, until nothing of it is missing."""
