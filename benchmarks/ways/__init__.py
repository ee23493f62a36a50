"""Ways to train one network: each a process of its own that trains what it is told to."""
