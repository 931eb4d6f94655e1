"""What a message holds beside its words, in fields of its own: a recording, what it cites, images."""

from typing import Any

NAMES = frozenset({"audio", "annotations", "images"})


def with_attachments(content: Any, fields: dict[str, Any]) -> Any:  # noqa: ANN401 - recorded JSON
    """A content as blocks where something stands beside it, else as it is; a recording is told where words are not.

    Sources: OpenAI's chat completions (`audio`, `annotations`), OpenRouter's and Ollama's messages (`images`).
    """
    if NAMES.isdisjoint(fields):
        return content
    audio, cited, images = fields.get("audio"), fields.get("annotations"), fields.get("images")
    if not content and isinstance(audio, dict):
        content = [{"type": "output_audio", **audio}]
    if not (cited or images):
        return content
    blocks = list(content) if isinstance(content, list) else [{"type": "text", "text": content}] if content else []
    if cited and isinstance(content, str) and content:
        blocks[0]["annotations"] = cited
    elif cited:
        blocks.append({"type": "annotations", "annotations": cited})
    for image in images if isinstance(images, list) else [images] if images else ():
        blocks.append(image if isinstance(image, dict) else {"type": "image", "image": image})
    return blocks
