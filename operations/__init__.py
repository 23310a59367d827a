"""Operator subcommands of `darkroom`: what the person who runs a Darkroom needs."""
