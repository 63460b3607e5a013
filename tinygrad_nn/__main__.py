"""`python -m tinygrad_nn`."""

from tinygrad_nn.cli import main

raise SystemExit(main())
