"""Peer: trajectory-sdk imports conversations by id (`--ids FILE`, one a line), or a Parquet file (`--bulk FILE`)."""

import argparse
from pathlib import Path

import trajectory_sdk


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", required=True)
    parser.add_argument("--ids", type=Path)
    parser.add_argument("--bulk")
    parser.add_argument("--out", help="where to save; absent: only import, and say how many")
    arguments = parser.parse_args()
    trajectory_sdk.init(provider="langsmith", api_key="bench", project_id=arguments.project)
    if arguments.bulk:
        found = trajectory_sdk.import_conversations(bulk=True, source=arguments.bulk)
    else:
        found = trajectory_sdk.import_conversations(arguments.ids.read_text("utf-8").splitlines())
    if arguments.out:
        trajectory_sdk.save(found, arguments.out)
    else:
        print(len(found))  # noqa: T201 - the only result


if __name__ == "__main__":  # it starts processes of its own
    _main()
