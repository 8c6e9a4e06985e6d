"""One file a topic, and one for its figures."""
