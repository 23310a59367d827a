"""`python -m client` is `darkroom`, for a checkout that is not installed."""

from client.command import main

if __name__ == "__main__":
    main()
