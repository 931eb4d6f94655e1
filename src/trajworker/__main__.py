"""`python -m trajworker`."""

import sys

from trajworker.cli import main

sys.exit(main())
