"""Sessions of API clients: ids, visibility, notices, pacing."""
