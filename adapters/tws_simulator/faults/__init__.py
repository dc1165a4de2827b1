"""What goes wrong on purpose: frames, connections, farms, restarts; scenarios of them; a seeded generator."""
