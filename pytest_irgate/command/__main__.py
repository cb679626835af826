"""`python -m pytest_irgate.command`, the same as `irgate`."""

import sys

from pytest_irgate.command import main

sys.exit(main())
