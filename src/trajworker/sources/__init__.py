"""Where runs come from: LangSmith over HTTP, behind `ports.RunSource`, and exports in files.

Import from its modules: whoever reads a file needs no HTTP client.
"""
