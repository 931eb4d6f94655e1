"""Reads retriever runs: what was asked, which documents were found."""

from typing import Any

from msgspec import Struct

from trajworker.assembly.reading.payloads import decoded
from trajworker.dialects.draft import as_text
from trajworker.model.run import Run

_TEXTS = ("page_content", "pageContent", "text", "content", "document.content", "snippet", "passage", "chunk", "body")
_HOLDERS = ("node", "document", "metadata", "_source", "payload", "fields", "entity")
"""Where vector stores and search engines keep a document's text one level deeper."""
_LISTS = ("documents", "output", "outputs", "results", "nodes", "source_nodes", "matches", "docs", "hits", "data",
          "chunks", "passages", "contexts", "items")  # fmt: skip
_DEPTH = 3


class Search(Struct, eq=False):
    """One retriever run: what was asked and what it found."""

    run: Run
    query: str | None
    documents: tuple[Any, ...]

    @property
    def texts(self) -> list[str]:
        """Texts of the documents, to recognise them where an app pasted them into a prompt."""
        return [text.strip() for text in _texts(self.documents, _DEPTH) if text.strip()]


def _texts(found: Any, depth: int) -> list[str]:  # noqa: ANN401 - recorded JSON
    """The texts of documents in any store's shape: plain, beside a score, or held one level deeper."""
    if isinstance(found, str):
        return [found]
    if not depth:
        return []
    if isinstance(found, dict):
        text = next((found[name] for name in _TEXTS if isinstance(found.get(name), str) and found[name]), None)
        if text is not None:
            return [text]
        found = [found[name] for name in _HOLDERS if isinstance(found.get(name), dict)]
    return [text for one in found for text in _texts(one, depth - 1)] if isinstance(found, (list, tuple)) else []


def read_search(run: Run) -> Search:
    """Read a retriever run: LangChain's `documents`, `@traceable`'s `output`, and other names for the same."""
    inputs, outputs = decoded(run.inputs), decoded(run.outputs)
    query: Any = None
    if isinstance(inputs, dict):
        for name in ("query", "input", "question", "query_str", "q", "text", "input.value", "query_texts"):
            if inputs.get(name) is not None:
                query = inputs[name]
                break
        else:
            query = next((value for value in inputs.values() if isinstance(value, str)), None)
    elif isinstance(inputs, str):
        query = inputs
    if isinstance(query, list) and len(query) == 1 and isinstance(query[0], str):
        query = query[0]
    return Search(run=run, query=as_text(query), documents=tuple(_documents(outputs)))


def _documents(outputs: Any) -> list[Any]:  # noqa: ANN401 - recorded JSON
    """The documents as they were recorded, without the envelope around them."""
    found = outputs
    for _ in range(_DEPTH):
        if not isinstance(found, dict):
            break
        named = next((found[name] for name in _LISTS if isinstance(found.get(name), (list, dict))), None)
        if named is None:
            only = next(iter(found.values())) if len(found) == 1 else None
            return [only] if isinstance(only, str) and only else [found] if found else []
        found = named
    if isinstance(found, list) and len(found) == 1 and isinstance(found[0], list) and _plain(found[0]):
        return list(found[0])  # one list for the one query of a batch
    return found if isinstance(found, list) else [found] if found else []


def _plain(row: list[Any]) -> bool:
    """Whether a list holds texts only: a document and its score are no such list."""
    return all(isinstance(one, str) for one in row)
