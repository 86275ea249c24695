"""`python -m api`: the same as `segue`, for those who start it by its interpreter."""

from api.cli.main import main

main()
