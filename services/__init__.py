"""The two Litestar services. `edge` is what both share at the HTTP boundary; neither imports the other."""
