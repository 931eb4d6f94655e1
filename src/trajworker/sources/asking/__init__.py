"""One question to the server: paced, sent, understood, and asked again until it is answered usably."""
