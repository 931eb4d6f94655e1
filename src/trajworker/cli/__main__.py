"""`python -m trajworker.cli`."""

import sys

from trajworker.cli import main

sys.exit(main())
