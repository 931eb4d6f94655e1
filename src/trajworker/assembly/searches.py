"""Reads retriever runs: what was asked, which documents were found."""

from typing import Any

from msgspec import Struct

from trajworker.assembly.payloads import decoded
from trajworker.dialects.draft import as_text
from trajworker.model.run import Run


class Search(Struct, eq=False):
    """One retriever run: what was asked and what it found."""

    run: Run
    query: str | None
    documents: tuple[Any, ...]

    @property
    def texts(self) -> list[str]:
        """Texts of the documents, to recognise them where an app pasted them into a prompt."""
        found = []
        for document in self.documents:
            text = document
            if isinstance(document, dict):
                text = document.get("page_content") or document.get("pageContent") or document.get("text")
                text = text or document.get("content") or document.get("document.content")
            if isinstance(text, str) and text.strip():
                found.append(text.strip())
        return found


def read_search(run: Run) -> Search:
    """Read a retriever run: LangChain's `documents`, `@traceable`'s `output`, and other names for the same."""
    inputs, outputs = decoded(run.inputs), decoded(run.outputs)
    query: Any = None
    if isinstance(inputs, dict):
        for name in ("query", "input", "question", "query_str", "q", "text", "input.value"):
            if inputs.get(name) is not None:
                query = inputs[name]
                break
        else:
            query = next((value for value in inputs.values() if isinstance(value, str)), None)
    elif isinstance(inputs, str):
        query = inputs
    documents: Any = outputs
    if isinstance(outputs, dict):
        for name in ("documents", "output", "outputs", "results", "nodes", "source_nodes", "matches", "docs"):
            if isinstance(outputs.get(name), (list, dict)):
                documents = outputs[name]
                break
    if isinstance(documents, dict) and isinstance(documents.get("documents"), list):
        documents = documents["documents"]
    if not isinstance(documents, list):
        documents = [documents] if documents else []
    return Search(run=run, query=as_text(query), documents=tuple(documents))
