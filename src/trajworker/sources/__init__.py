"""Where runs come from: LangSmith over HTTP, behind `ports.RunSource`, and exports in files.

`langsmith` is the face; behind it `paging` reads stretches, `asking` puts one question, `wires` know the bytes. Import
from its modules: whoever reads a file needs no HTTP client.
"""
