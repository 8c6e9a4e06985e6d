"""One contract for every engine, lab and exercise, whatever the topic."""
