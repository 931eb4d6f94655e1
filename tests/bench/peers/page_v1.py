"""Peer: the official client over v1, `list_runs`, which only counts."""

import argparse
import warnings
from datetime import datetime
from pathlib import Path

from langsmith import Client

warnings.simplefilter("ignore")
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--endpoint", required=True)
parser.add_argument("--project", required=True)
parser.add_argument("--start", required=True)
parser.add_argument("--end", required=True)
parser.add_argument("--out", type=Path, required=True)
arguments = parser.parse_args()
client = Client(api_url=arguments.endpoint, api_key="bench")
runs = client.list_runs(project_id=arguments.project, start_time=datetime.fromisoformat(arguments.start))
count = sum(1 for _ in runs)
arguments.out.mkdir(parents=True, exist_ok=True)
(arguments.out / "count.txt").write_text(str(count), "ascii")
