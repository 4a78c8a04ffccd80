"""The commands of `opencif`, by noun; they know the client and nothing of the server."""
