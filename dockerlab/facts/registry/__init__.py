"""What registries hold: a client for their HTTP API, and the readers of pictures."""
