"""`python -m ext_devkit` is `azfunc-ext`."""

from ext_devkit.cli import main

main()
